//! Routes that come beside the input.

use insta::assert_snapshot;

use crate::command::{data, json, vrfleak};

#[test]
fn routes_of_routers_outside_the_input() {
    assert_snapshot!(data(0, "show route --vrf VRF-A --input lab.cfg --feed vpn.json"));
    assert_snapshot!(data(0, "show bgp vpnv4 --vrf VRF-C --detail --input lab.cfg --feed vpn.json"));
    let rows = json(0, "show route 10.13.0.0/16 --vrf VRF-A --input lab.cfg --feed vpn.json");
    let best = &rows[0];
    assert_eq!(
        (&best["next_hop"], &best["label"], &best["rd"]),
        (&"10.255.0.2".into(), &1013.into(), &"65535:13".into())
    );
    assert_snapshot!(data(0, "why 10.13.0.0/16 --vrf VRF-A --input lab.cfg --feed vpn.json"));
}

#[test]
fn what_a_router_outside_imports_is_unknown() {
    let outcome = vrfleak("ping 10.13.0.1 --vrf VRF-A --input lab.cfg --feed vpn.json");
    assert_snapshot!(outcome);
    // Nobody but the routers of the input is pinged.
    let matrix = data(0, "ping --matrix --input lab.cfg");
    let with_feed = data(0, "ping --matrix --input lab.cfg --feed vpn.json");
    assert_eq!(matrix.lines().count(), with_feed.lines().count());
}

#[test]
fn routes_of_ces_beside_the_input() {
    let outcome = vrfleak("show route --vrf VRF-C --input lab.cfg --ce-routes VRF-A=site.txt");
    assert_snapshot!(outcome);
}

#[test]
fn what_cannot_be_added() {
    for (name, arguments) in [
        ("error_no_such_feed", "show route --input lab.cfg --feed no-such-feed"),
        ("error_no_feed", "show route --input lab.cfg --feed lab.cfg"),
        ("error_ce_routes_of_no_vrf", "show route --input lab.cfg --ce-routes VRF-X=site.txt"),
        ("error_ce_routes_of_two_vrfs", "show route --input two-pes.toml --ce-routes red=site.txt"),
    ] {
        let outcome = vrfleak(arguments);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{arguments}");
        assert_snapshot!(name, outcome, arguments);
    }
    assert_eq!(vrfleak("run --routes 100 --feed vpn.json").code, Some(2));
}

#[test]
fn a_real_capture_beside_the_input() {
    let beside = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("VRFLEAK_SHARED").map_or(beside, std::path::PathBuf::from);
    let capture = shared.join("data/bmp-vpn/6wind-frr/traffic-00.pcap");
    if !capture.is_file() {
        return;
    }
    let outcome = vrfleak(&format!("show vrf -v --input lab.cfg --feed {}", capture.display()));
    assert_eq!(outcome.code, Some(0), "{outcome}");
    assert!(outcome.stderr.contains("19 VPN routes of 9 routers outside the model"), "{outcome}");
}

#[test]
fn what_a_router_outside_has_says_what_is_unknown() {
    let outside = "--vrf 65535:13 --router 10.255.0.2 --input lab.cfg --feed vpn.json";
    let text = data(0, &format!("why 10.13.0.0/16 {outside}"));
    assert!(text.contains("10.13.0.0/16 through 10.255.0.2, label 1013"), "{text}");
    let text = data(1, &format!("why 192.168.11.0/24 {outside}"));
    assert!(text.contains("its router is outside the model") && !text.contains("imports no target"), "{text}");
}
