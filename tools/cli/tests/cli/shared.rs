//! Agreement with real routers, where their outputs are at hand: under the folder that `VRFLEAK_SHARED` names, or in
//! `../shared` beside the workspace.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{data, json};

/// Returns the folder of a case, or `None` where there is none.
fn case(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("VRFLEAK_SHARED").map_or(beside, PathBuf::from);
    let folder = shared.join("cases").join(name);
    folder.is_dir().then_some(folder)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Replaces the age of routes, `01:22:44`, which nothing here can know.
fn without_ages(text: &str) -> String {
    let is_age = |word: &str| {
        let word = word.trim_end_matches(',');
        word.len() == 8
            && word.bytes().enumerate().all(|(at, byte)| if at % 3 == 2 { byte == b':' } else { byte.is_ascii_digit() })
    };
    text.lines()
        .map(|line| {
            line.split(' ').map(|word| if is_age(word) { "AGE" } else { word }).collect::<Vec<_>>().join(" ") + "\n"
        })
        .collect()
}

#[test]
fn an_ios_xe_router_shows_the_same_bytes() {
    let Some(case) = case("iosxe-export-map") else { return };
    let input = case.join("configs/d1/show_running-config.txt");
    let input = input.display();
    for vrf in ["customer1", "customer1colo", "customer2", "customer2colo", "services"] {
        let expected = without_ages(&read(&case.join(format!("show/show_ip_route_vrf_{vrf}.txt"))));
        let shown = without_ages(&data(0, &format!("show route --vrf {vrf} --input {input}")));
        assert_eq!(shown.trim_end(), expected.trim_end(), "{vrf}");
    }
    // The capture has lost the blanks before its first word; the targets below the table are ours.
    let expected = read(&case.join("show/show_vrf.txt"));
    let shown = data(0, &format!("show vrf --input {input}"));
    assert_eq!(shown.split("\n\n").next().map(str::trim), Some(expected.trim()));
}

#[test]
fn an_ios_xe_router_has_the_same_vpn_table() {
    let Some(case) = case("iosxe-export-map") else { return };
    let input = case.join("configs/d1/show_running-config.txt");
    let shown = data(0, &format!("show bgp vpnv4 --input {}", input.display()));
    let all = read(&case.join("show/show_ip_bgp_all.txt"));
    let start = all.find("Status codes").expect("the VPNv4 table is there");
    let expected = all[start..].split("\n\nFor address family").next().expect("and ends");
    let shown = &shown[shown.find("Status codes").expect("a legend")..];
    assert_eq!(shown.trim_end(), expected.trim_end());
}

#[test]
fn frr_has_the_same_routes_sources_targets_and_best_paths() {
    for (name, folder) in [("frr-lab", "lab-frr"), ("frr-dupconn", "lab-overlap-frr")] {
        let Some(case) = case(folder) else { return };
        // The running configuration has no addresses; the lab's are in the file that FRR was started with.
        let input = case.join("frr.conf");
        if !input.is_file() {
            continue;
        }
        let rows = json(0, &format!("show route --input {}", input.display()));
        let rows: Vec<&Value> = rows.as_array().expect("an array").iter().collect();
        for vrf in ["VRF-A", "VRF-B", "VRF-C"] {
            let file = |kind: &str| read(&case.join(format!("{name}.{vrf}.{kind}.json")));
            let bgp: Value = serde_json::from_str(&file("bgp")).expect("JSON");
            let expected: BTreeSet<(String, String)> = bgp["routes"]
                .as_object()
                .expect("routes by prefix")
                .iter()
                .flat_map(|(prefix, paths)| {
                    let best = paths.as_array().expect("paths").iter().filter(|path| path["bestpath"] == true);
                    best.map(|path| (prefix.clone(), path["nhVrfName"].as_str().unwrap_or(vrf).to_owned()))
                })
                .collect();
            let ours: BTreeSet<(String, String)> = rows
                .iter()
                .filter(|row| row["vrf"] == vrf && row["best"] == true && row["protocol"] != "local")
                .map(|row| {
                    let source = row["source_vrf"].as_str().unwrap_or(vrf);
                    (row["prefix"].as_str().expect("text").to_owned(), source.to_owned())
                })
                .collect();
            assert_eq!(ours, expected, "{name} {vrf}");
            let routes: Value = serde_json::from_str(&file("route")).expect("JSON");
            for row in rows.iter().filter(|row| row["vrf"] == vrf && row["best"] == true && row["protocol"] != "local")
            {
                let real = &routes[row["prefix"].as_str().expect("text")][0];
                assert_eq!((&row["protocol"], &row["distance"]), (&real["protocol"], &real["distance"]), "{row}");
            }
        }
        let targets = read(&case.join(format!("{name}.show_bgp_ipv4_vpn.txt")));
        for row in rows.iter().filter(|row| row["protocol"] == "connected" && row["best"] == true) {
            let target = row["route_targets"][0].as_str().expect("a target");
            assert!(targets.contains(&format!("EC{{{target}}}")), "{target}");
            assert_eq!(row["rd"], target, "the lab's RDs and targets are the same numbers");
        }
    }
}

/// Returns the lab's configuration with what was the kernel's: the addresses of interfaces, which the routes show.
fn with_interfaces(case: &Path, name: &str) -> String {
    let text = read(&case.join(format!("{name}.running-config")));
    let (head, tail) = text.split_at(text.find("router bgp").expect("BGP runs"));
    let mut interfaces = String::new();
    for vrf in ["VRF-A", "VRF-B", "VRF-C"] {
        let routes: Value = serde_json::from_str(&read(&case.join(format!("{name}.{vrf}.route.json")))).expect("JSON");
        for (prefix, paths) in routes.as_object().expect("routes by prefix") {
            if paths[0]["protocol"] == "connected" {
                let interface = paths[0]["nexthops"][0]["interfaceName"].as_str().expect("a name");
                let address = prefix.replace(".0/", ".1/");
                interfaces += &format!("interface {interface} vrf {vrf}\n ip address {address}\nexit\n!\n");
            }
        }
    }
    format!("{head}{interfaces}{tail}")
}

#[test]
fn frr_installs_the_same_paths_where_prefixes_overlap() {
    let Some(case) = case("lab-overlap-frr") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("frr.conf");
    fs::write(&input, with_interfaces(&case, "frr-dupconn")).expect("a file");
    let rows = json(0, &format!("show route --input {}", input.display()));
    for vrf in ["VRF-A", "VRF-B", "VRF-C"] {
        let routes: Value =
            serde_json::from_str(&read(&case.join(format!("frr-dupconn.{vrf}.route.json")))).expect("JSON");
        let mut expected = BTreeSet::new();
        for (prefix, entries) in routes.as_object().expect("routes by prefix") {
            for entry in entries.as_array().expect("routes").iter().filter(|entry| entry["selected"] == true) {
                for hop in entry["nexthops"].as_array().expect("next hops") {
                    let source = hop["vrf"].as_str().unwrap_or(vrf);
                    let interface = hop["interfaceName"].as_str().expect("a name");
                    expected
                        .insert(format!("{prefix} {} {} {interface} {source}", entry["protocol"], entry["distance"]));
                }
            }
        }
        let ours: BTreeSet<String> = rows
            .as_array()
            .expect("an array")
            .iter()
            .filter(|row| row["vrf"] == vrf && row["installed"] == true && row["protocol"] != "local")
            .map(|row| {
                let text = |key: &str| row[key].as_str().unwrap_or(vrf).to_owned();
                let (prefix, interface, source) = (text("prefix"), text("interface"), text("source_vrf"));
                format!("{prefix} {} {} {interface} {source}", row["protocol"], row["distance"])
            })
            .collect();
        assert_eq!(ours, expected, "{vrf}");
    }
    let table = data(0, &format!("show route --vrf VRF-C 172.16.1.0/24 --input {}", input.display()));
    assert_eq!(table.matches("directly connected").count(), 2, "{table}");
}

#[test]
fn the_lab_from_its_configuration() {
    let Some(case) = case("lab-ios") else { return };
    let input = case.join("lab.cfg");
    for arguments in ["show vrf", "show bgp vpnv4 --detail", "show route", "ping --matrix"] {
        let real = data(0, &format!("{arguments} --input {}", input.display()));
        assert_eq!(real, data(0, &format!("{arguments} --input lab.cfg")), "{arguments}");
    }
}
