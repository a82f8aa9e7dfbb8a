//! Next hops that resolve and such that do not (S5).

use vrfleak_engine::{Attributes, Dialect, NextHopKind, Protocol};

use crate::sketch::Sketch;

#[test]
fn s5_a_route_whose_gateway_does_not_resolve_is_nowhere() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let source = sketch.vrf(router, 1, &[], &[1]);
    let importer = sketch.vrf(router, 2, &[1], &[]);
    // The importer's own way to the gateway does not help.
    sketch.address(importer, "192.168.0.1/24");
    sketch.address(source, "10.1.0.1/24");
    sketch.via(source, "10.2.0.0/16", "10.1.0.9");
    sketch.via(source, "10.3.0.0/16", "192.168.0.9");
    let unresolved = NextHopKind::Gateway { address: "10.7.0.1".parse().expect("an address"), interface: None };
    sketch.route(source, "10.4.0.0/16", Protocol::Bgp, Attributes::default(), unresolved);
    // A CE's route is no way to a gateway.
    sketch.ce(source, "10.7.0.0/16", "10.1.0.9", Attributes::default());
    let leaked = sketch.leak();
    assert_eq!(leaked.prefixes(source), ["10.1.0.0/24", "10.1.0.1/32", "10.2.0.0/16", "10.7.0.0/16"]);
    assert_eq!(
        leaked.prefixes(importer),
        ["10.1.0.0/24", "10.2.0.0/16", "10.7.0.0/16", "192.168.0.0/24", "192.168.0.1/32"]
    );
}

#[test]
fn s5_the_longest_way_to_a_gateway_counts_and_loops_end() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let vrf = sketch.vrf(router, 1, &[], &[]);
    sketch.address(vrf, "10.1.0.1/24");
    sketch.via(vrf, "0.0.0.0/0", "10.1.0.9");
    sketch.via(vrf, "10.2.0.0/16", "10.9.9.9"); // by the default route
    sketch.via(vrf, "10.3.0.0/16", "10.3.0.1"); // by itself
    sketch.via(vrf, "10.4.0.0/16", "10.5.0.1"); // by the next one, and that by this one
    sketch.via(vrf, "10.5.0.0/16", "10.4.0.1");
    sketch.discard(vrf, "10.6.0.0/16", None);
    sketch.via(vrf, "10.7.0.0/16", "10.6.0.1"); // by a discard route
    assert_eq!(
        sketch.leak().prefixes(vrf),
        ["0.0.0.0/0", "10.1.0.0/24", "10.1.0.1/32", "10.2.0.0/16", "10.6.0.0/16", "10.7.0.0/16"]
    );
}

#[test]
fn s5_a_gateway_is_resolved_in_eight_steps_or_not_at_all() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let vrf = sketch.vrf(router, 1, &[], &[]);
    sketch.address(vrf, "10.0.0.1/24");
    for step in 1..=10 {
        let gateway = if step == 1 { "10.0.0.9".to_owned() } else { format!("10.{}.0.9", step - 1) };
        sketch.via(vrf, &format!("10.{step}.0.0/16"), &gateway);
    }
    let leaked = sketch.leak();
    assert_eq!(leaked.prefixes(vrf).len(), 2 + 8);
    assert!(leaked.entry(vrf, "10.8.0.0/16").is_some(), "seven statics and the connected route");
    assert!(leaked.entry(vrf, "10.9.0.0/16").is_none());
}

#[test]
fn s5_a_gateway_may_be_of_the_other_family() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let vrf = sketch.vrf(router, 1, &[], &[]);
    sketch.address(vrf, "2001:db8::1/64");
    sketch.via(vrf, "10.1.0.0/16", "2001:db8::9");
    sketch.via(vrf, "10.2.0.0/16", "2001:db8:1::9");
    assert_eq!(sketch.leak().prefixes(vrf), ["10.1.0.0/16"]);
}

#[test]
fn s5_of_several_ways_the_one_with_the_lowest_distance_counts() {
    for (distance, resolves) in [(0, true), (2, false)] {
        let mut sketch = Sketch::default();
        let router = sketch.router(1, Dialect::NATIVE);
        let vrf = sketch.vrf(router, 1, &[], &[]);
        // The other way has distance 1, the lower next hop, and leads nowhere.
        sketch.via(vrf, "10.1.0.0/16", "10.9.9.9");
        sketch.discard(vrf, "10.1.0.0/16", Some(distance));
        sketch.via(vrf, "10.2.0.0/16", "10.1.0.1");
        assert_eq!(sketch.leak().entry(vrf, "10.2.0.0/16").is_some(), resolves, "{distance}");
    }
}

#[test]
fn s5_a_connected_way_counts_before_a_static_one_to_the_same_prefix() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let vrf = sketch.vrf(router, 1, &[], &[]);
    let unresolved = NextHopKind::Gateway { address: "10.9.9.9".parse().expect("an address"), interface: None };
    let first = Attributes { distance: Some(0), ..Attributes::default() };
    sketch.route(vrf, "10.1.0.0/24", Protocol::Static, first, unresolved);
    sketch.address(vrf, "10.1.0.1/24");
    sketch.via(vrf, "10.2.0.0/16", "10.1.0.9");
    assert!(sketch.leak().entry(vrf, "10.2.0.0/16").is_some());
}
