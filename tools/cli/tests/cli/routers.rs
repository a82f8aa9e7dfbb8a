//! Two routers with routes of every kind in both families.

use insta::assert_snapshot;

use crate::command::{data, json, vrfleak};

#[test]
fn every_table_of_two_routers() {
    for (name, code, arguments) in [
        ("two_pes_show_vrf", 0, "show vrf"),
        ("two_pes_show_route_pe1", 0, "show route --router pe1 --vrf red"),
        ("two_pes_show_route_services", 0, "show route --vrf services"),
        ("two_pes_show_route_ipv6", 0, "show route -6 --router pe2"),
        ("two_pes_show_bgp", 0, "show bgp vpnv4"),
        ("two_pes_show_bgp_vpnv6", 0, "show bgp vpnv6 --router pe1"),
        ("two_pes_show_bgp_detail", 0, "show bgp vpnv4 --vrf red --router pe1 --detail"),
        ("two_pes_ping_with_label", 0, "ping --vrf red --router pe2 10.9.0.1 --source 10.2.0.1"),
        ("two_pes_ping_discarded", 1, "ping --vrf services 10.99.0.1"),
        ("two_pes_ping_reply_unroutable", 1, "ping --vrf services 2001:db8:2::1"),
        ("two_pes_ping_matrix", 0, "ping --matrix"),
        ("two_pes_why_lost_nlri", 0, "why --vrf services 172.16.0.0/16"),
        ("two_pes_why_no_such_route", 1, "why --vrf red --router pe2 2001:db8:ffff::/48"),
    ] {
        let outcome = vrfleak(&format!("{arguments} --input two-pes.toml"));
        assert_eq!(outcome.code, Some(code), "{arguments}\n{outcome}");
        assert_snapshot!(name, outcome, arguments);
    }
}

#[test]
fn a_route_from_another_router_has_its_loopback_and_label() {
    let rows = json(0, "show route 10.2.0.0/24 --router pe1 --vrf services --input two-pes.toml");
    let row = &rows[0];
    assert_eq!((&row["next_hop"], &row["label"]), (&"192.0.2.2".into(), &16.into()));
    assert_eq!((&row["source_router"], &row["source_vrf"]), (&"pe2".into(), &"red".into()));
    assert_eq!((&row["protocol"], &row["distance"]), (&"bgp".into(), &200.into()));
    assert!(row["interface"].is_null());
}

#[test]
fn every_candidate_is_in_the_json_and_one_is_best() {
    let rows = json(0, "show route 172.16.0.0/16 --router pe1 --vrf red --input two-pes.toml");
    let best: Vec<_> = rows.as_array().expect("an array").iter().map(|row| row["best"] == true).collect();
    assert_eq!(best, [true, false]);
    assert_eq!(rows[1]["metric"], 50);
}

#[test]
fn a_scope_narrows_every_output() {
    let whole = data(0, "show route --input two-pes.toml");
    assert_eq!(whole.matches("#show ip route vrf").count(), 4);
    assert_eq!(whole.matches("#show ipv6 route vrf").count(), 3);
    let one = data(0, "show route --router pe2 --vrf red --family ipv4 --input two-pes.toml");
    assert!(one.starts_with("pe2#show ip route vrf red\n") && whole.contains(&one), "{one}");
}
