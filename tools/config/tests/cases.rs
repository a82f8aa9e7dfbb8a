//! The configurations of real routers and labs, where they are present beside the workspace.

mod model;

use std::path::PathBuf;

use model::tables;
use vrfleak_config::{Format, Loaded, Options, detect, load};
use vrfleak_engine::{Leak, Protocol};

/// Returns the folder `name` of the shared cases, or `None` where they are absent.
fn case(name: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("VRFLEAK_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from);
    let folder = shared.join("cases").join(name);
    folder.exists().then_some(folder)
}

fn loaded(path: PathBuf) -> Loaded {
    match load(&[path], &Options::default()) {
        Ok(loaded) => loaded,
        Err(diagnostics) => panic!("{}", diagnostics.render(false)),
    }
}

#[test]
fn the_lab_has_three_vrfs_with_three_loopbacks_each() {
    let Some(folder) = case("lab-ios") else { return };
    let loaded = loaded(folder.join("lab.cfg"));
    let network = &loaded.network;
    assert_eq!(network.routers()[0].name, "LAB");
    assert_eq!((network.vrfs().len(), network.source_routes::<u32>(), network.source_routes::<u128>()), (3, 18, 0));
    let imports: Vec<_> = network.vrfs().iter().map(|vrf| format!("{:?}", vrf.family::<u32>().import)).collect();
    assert_eq!(imports, ["[65535:3]", "[65535:3]", "[65535:1, 65535:2]"]);
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings.render(false));
    assert_eq!(loaded.unknown.count(), 1, "{:?}", loaded.unknown.kept());
}

#[test]
fn the_ios_xe_router_has_five_vrfs() {
    let Some(folder) = case("iosxe-export-map") else { return };
    let loaded = loaded(folder.join("configs"));
    let network = &loaded.network;
    assert_eq!(network.routers()[0].name, "d1");
    assert_eq!(network.routers()[0].router_id.to_string(), "192.168.123.1");
    assert_eq!((network.vrfs().len(), network.source_routes::<u32>()), (5, 12));
    let customer = network.vrfs().iter().find(|vrf| vrf.name == "customer1").expect("configured");
    let map = network.policies().get(customer.family::<u32>().export_map.expect("configured"));
    assert_eq!((&*map.name, map.clauses.len(), &*map.clauses[0].label), ("customer1export", 1, "100"));
}

#[test]
fn every_case_is_detected() {
    let mut seen = 0;
    for (name, format) in [
        ("lab-ios/lab.cfg", Format::Ios),
        ("iosxe-export-map/configs/d1/show_running-config.txt", Format::Ios),
        ("xr-vpnv4-two-rt/configs/CE1/show_running-config.txt", Format::Ios),
        ("xr-vpnv4-two-rt/configs/CE4/show_running-config.txt", Format::Ios),
        ("xr-vpnv4-two-rt/configs/PE1/show_running-config.txt", Format::Xr),
        ("xr-vpnv4-two-rt/configs/RR1/show_running-config.txt", Format::Xr),
        ("lab-frr/frr.conf", Format::Frr),
        ("lab-frr/frr-lab.running-config", Format::Frr),
        ("lab-overlap-frr/frr-dupconn.running-config", Format::Frr),
    ] {
        let Some(path) = case(name) else { continue };
        let text = std::fs::read_to_string(&path).expect("a text");
        assert_eq!(detect(&text), Some(format), "{name}");
        seen += 1;
    }
    assert!(seen == 0 || seen == 9, "{seen}");
}

#[test]
fn the_vrfs_of_the_ios_xr_network_have_the_tables_of_the_routers() {
    let Some(folder) = case("xr-vpnv4-two-rt") else { return };
    let loaded = loaded(folder.join("configs"));
    let text = std::fs::read_to_string(folder.join("expected.tsv")).expect("a text");
    let mut expected: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with("PE"))
        .map(|line| line.split('\t').take(6).collect::<Vec<_>>())
        .filter(|row| row[1] != "default")
        .map(|row| row.join("\t"))
        .collect();
    expected.sort();
    // VRFs that the routers have without any route have no rows there; CEs and reflectors are not compared.
    let computed: Vec<_> = tables(&loaded.network).into_iter().filter(|row| row.starts_with("PE")).collect();
    assert_eq!(computed.join("\n"), expected.join("\n"));
}

#[test]
fn the_frr_lab_leaks_as_frr_did() {
    let Some(folder) = case("lab-frr") else { return };
    let loaded = loaded(folder.join("frr.conf"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings.render(false));
    let network = &loaded.network;
    assert_eq!((network.vrfs().len(), network.source_routes::<u32>()), (3, 18));
    let leak = Leak::new(network);
    for id in network.vrf_ids() {
        let name = &network.vrf(id).name;
        let path = folder.join(format!("frr-lab.{name}.bgp.json"));
        let text = std::fs::read_to_string(path).expect("a text");
        let rib = leak.family::<u32>().rib(id);
        let table = leak.family::<u32>().table();
        let prefixes = rib.iter().filter(|&route| table.protocol(route) == Protocol::Connected);
        let prefixes: Vec<_> = prefixes.map(|route| format!("\"{}\"", table.prefix(route))).collect();
        assert_eq!(prefixes.len(), if name == "VRF-C" { 9 } else { 6 });
        for prefix in &prefixes {
            assert!(text.contains(prefix), "{prefix} in {name}");
        }
        assert_eq!(text.matches("\"prefixLen\":24").count(), prefixes.len());
    }
}
