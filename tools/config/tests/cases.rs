//! The configurations of real routers and labs, where they are present beside the workspace.

use std::path::PathBuf;

use vrfleak_config::{Format, Loaded, Options, detect, load};

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
