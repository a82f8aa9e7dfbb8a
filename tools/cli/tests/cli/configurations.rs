//! Router configurations as input: several at once, of a dialect that is told or given.

use crate::command::{data, json, vrfleak};

/// Whole networks that the front ends are tested with.
const NETWORKS: &str = "../../../../config/tests/networks";

#[test]
fn several_inputs_are_one_network() {
    let folder = data(0, &format!("show route --router pe-east --input {NETWORKS}/ios"));
    let files = format!("--input {NETWORKS}/ios/ce.cfg --input {NETWORKS}/ios/pe.cfg");
    assert_eq!(data(0, &format!("show route --router pe-east {files}")), folder);
    let rows = json(0, &format!("show route 10.77.0.1/32 --vrf SHARED {files}"));
    assert_eq!((&rows[0]["source_vrf"], &rows[0]["next_hop"]), (&"CUST-A".into(), &"192.168.10.2".into()));
    let all = data(0, &format!("show vrf --input {NETWORKS}/ios --input {NETWORKS}/junos --input {NETWORKS}/frr"));
    assert!(all.contains("CUST-A") && all.contains("10.255.1.1:2") && all.contains("blue"), "{all}");
}

#[test]
fn a_dialect_may_be_given() {
    let outcome = vrfleak(&format!("show vrf --dialect ios --input {NETWORKS}/ios/pe.cfg"));
    assert_eq!(outcome.code, Some(0), "{outcome}");
    let outcome = vrfleak(&format!("show vrf --dialect junos --input {NETWORKS}/ios/pe.cfg"));
    assert_eq!(outcome.code, Some(2), "{outcome}");
    assert!(outcome.stderr.contains("looks like ios, and is read as junos"), "{outcome}");
    let outcome = vrfleak(&format!("show vrf --dialect nxos --input {NETWORKS}/ios/pe.cfg"));
    assert!(outcome.stderr.contains("`nxos` is no dialect"), "{outcome}");
}

#[test]
fn a_scenario_is_a_network_of_its_own() {
    let outcome = vrfleak(&format!("show vrf --input lab.toml --input {NETWORKS}/ios/pe.cfg"));
    assert_eq!(outcome.code, Some(2), "{outcome}");
    assert!(outcome.stderr.contains("`lab.toml` is a scenario, which is a network of its own"), "{outcome}");
}
