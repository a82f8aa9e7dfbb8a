//! The lab, as a scenario and as IOS text: every command's output, and that both inputs give the same.

use insta::assert_snapshot;

use crate::command::{data, json, vrfleak};

/// Every command that has the lab as its input, with its exit code.
const COMMANDS: [(&str, i32, &str); 20] = [
    ("show_vrf", 0, "show vrf"),
    ("show_vrf_detail", 0, "show vrf --detail"),
    ("show_vrf_json", 0, "show vrf --format json"),
    ("show_bgp", 0, "show bgp vpnv4"),
    ("show_bgp_detail", 0, "show bgp vpnv4 --vrf VRF-A --detail"),
    ("show_bgp_json", 0, "show bgp vpnv4 --vrf VRF-A --format json"),
    ("show_route", 0, "show route"),
    ("show_route_json", 0, "show route --vrf VRF-A --format json"),
    ("show_route_of_an_address", 0, "show route 192.168.31.7 --vrf VRF-A"),
    ("show_route_absent", 1, "show route 192.168.21.0/24 --vrf VRF-A"),
    ("ping_delivered", 0, "ping --vrf VRF-A 192.168.31.1"),
    ("ping_isolated", 1, "ping --vrf VRF-A 192.168.21.1"),
    ("ping_from_a_foreign_source", 1, "ping --vrf VRF-A 192.168.31.1 --source 10.0.0.1"),
    ("ping_json", 0, "ping --vrf VRF-C 192.168.12.9 --source 192.168.33.1 --format json"),
    ("ping_matrix", 0, "ping --matrix"),
    ("show_pe", 0, "show pe"),
    ("show_pe_json", 0, "show pe --format json"),
    ("why_not", 1, "why --vrf VRF-A 192.168.21.0/24"),
    ("why_not_json", 1, "why --vrf VRF-A 192.168.21.1 --format json"),
    ("why_best", 0, "why --vrf VRF-C 192.168.21.0/24"),
];

#[test]
fn every_command_on_the_lab() {
    for (name, code, arguments) in COMMANDS {
        let outcome = vrfleak(&format!("{arguments} --input lab.toml"));
        assert_eq!(outcome.code, Some(code), "{arguments}\n{outcome}");
        assert_snapshot!(name, outcome, arguments);
    }
}

#[test]
fn a_configuration_and_a_scenario_give_the_same_data() {
    for (_, code, arguments) in COMMANDS {
        let [scenario, configuration] =
            ["lab.toml", "lab.cfg"].map(|input| data(code, &format!("{arguments} --input {input}")));
        assert_eq!(without_places(&scenario), without_places(&configuration), "{arguments}");
    }
}

/// Returns a text without the files and lines that reasons name: those are the input's own.
fn without_places(text: &str) -> String {
    let mut left = String::new();
    for line in text.lines().filter(|line| !line.contains("\"file\":") && !line.contains("\"line\":")) {
        for part in line.split_inclusive(')') {
            left.push_str(part.split(" (lab.").next().unwrap_or_default());
        }
        left.push('\n');
    }
    left
}

#[test]
fn the_goals_of_the_lab() {
    let rows = json(0, "ping --matrix --input lab.cfg");
    let verdict = |from: &str, to: &str| {
        let rows = rows.as_array().expect("an array");
        let row = rows.iter().find(|row| row["from_vrf"] == from && row["to_vrf"] == to).expect("every pair is there");
        row["verdict"].as_str().expect("text").to_owned()
    };
    for (from, to) in [("VRF-C", "VRF-A"), ("VRF-A", "VRF-C"), ("VRF-C", "VRF-B"), ("VRF-B", "VRF-C")] {
        assert_eq!(verdict(from, to), "delivered", "{from} to {to}");
    }
    assert_eq!(verdict("VRF-A", "VRF-B"), "no_route");
    assert_eq!(verdict("VRF-B", "VRF-A"), "no_route");
}

#[test]
fn unknown_lines_are_counted_and_listed_on_demand() {
    let quiet = vrfleak("show vrf --input lab.cfg");
    assert_eq!(quiet.stderr, "note: not understood: 1 of 67 lines; -v lists them\n");
    let verbose = vrfleak("show vrf --input lab.cfg -v");
    assert_eq!(verbose.stderr, "note: not understood: 1 of 67 lines\nlab.cfg:53: snmp-server community nobody RO\n");
    assert_eq!(quiet.stdout, verbose.stdout);
}
