//! Selection between protocols, and what survives a leak inside one router (S1, S3).

use vrfleak_engine::{Attributes, Dialect, NextHopKind, OriginCode, Protocol, Redistribute};

use crate::sketch::{OFFERED, Sketch};

#[test]
fn s1_connected_beats_static_beats_external_beats_internal() {
    let internal = Attributes { internal: true, ..Attributes::default() };
    for (skip, expected) in [
        (0, (Protocol::Connected, "")),
        (1, (Protocol::Static, "10.1.0.3")),
        (2, (Protocol::Bgp, "10.1.0.4")),
        (3, (Protocol::Bgp, "10.1.0.2")),
    ] {
        let mut sketch = Sketch::default();
        let router = sketch.router(1, Dialect::NATIVE);
        let vrf = sketch.vrf(router, 1, &[], &[]);
        let interface = sketch.builder.interface(vrf, "if");
        let gateway = |text: &str| NextHopKind::Gateway {
            address: text.parse().expect("an address"),
            interface: Some(interface),
        };
        // The better protocol stands first; what BGP prefers (weight, local preference) does not help the others.
        let loud = Attributes { weight: 50000, local_preference: 500, ..Attributes::default() };
        let routes = [
            (Protocol::Connected, Attributes::default(), NextHopKind::Attached { interface }),
            (Protocol::Static, Attributes::default(), gateway("10.1.0.3")),
            (Protocol::Bgp, loud, gateway("10.1.0.4")),
            (Protocol::Bgp, internal.clone(), gateway("10.1.0.2")),
        ];
        for (protocol, attributes, kind) in routes.into_iter().skip(skip) {
            sketch.route(vrf, OFFERED, protocol, attributes, kind);
        }
        let leaked = sketch.leak();
        let best = leaked.best(vrf, OFFERED).map(|best| best.protocol);
        assert_eq!((best, leaked.gateway(vrf, OFFERED).as_str()), (Some(expected.0), expected.1));
        assert_eq!(leaked.entry(vrf, OFFERED).map(|entry| entry.candidates.len()), Some(4 - skip));
    }
}

#[test]
fn s1_a_leaked_route_has_20_on_its_router_and_200_on_another() {
    // Not redistributed, so that the weight is out of it: the distance alone decides, and what is equal stays.
    for (same_router, distance, own_wins) in
        [(true, 19, true), (true, 20, true), (true, 21, false), (false, 200, true), (false, 201, false)]
    {
        let mut sketch = Sketch::default();
        let routers = [1, 2].map(|number| sketch.router(number, Dialect::IOS));
        let source = sketch.vrf(routers[0], 1, &[], &[1]);
        let importer = sketch.vrf(routers[usize::from(!same_router)], 2, &[1], &[]);
        sketch.address(source, "10.1.0.1/24");
        sketch.builder.family::<u32>(importer).redistribute = Redistribute::default();
        sketch.discard(importer, "10.1.0.0/24", Some(distance));
        let winner = sketch.leak().winner(importer, "10.1.0.0/24");
        assert_eq!(winner, Some(if own_wins { importer } else { source }), "{distance} {same_router}");
    }
}

#[test]
fn s1_among_own_statics_the_lower_distance_wins_and_what_is_equal_goes_by_next_hop() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let vrf = sketch.vrf(router, 1, &[], &[]);
    sketch.address(vrf, "10.1.0.1/24");
    let floating = Attributes { distance: Some(5), ..Attributes::default() };
    let kind = NextHopKind::Gateway { address: "10.1.0.9".parse().expect("an address"), interface: None };
    sketch.route(vrf, OFFERED, Protocol::Static, floating, kind);
    sketch.via(vrf, OFFERED, "10.1.0.3");
    sketch.via(vrf, OFFERED, "10.1.0.2");
    assert_eq!(sketch.leak().gateway(vrf, OFFERED), "10.1.0.3");
}

#[test]
fn s3_the_vrfs_own_route_beats_an_imported_one() {
    for dialect in Dialect::ALL {
        let mut sketch = Sketch::default();
        let router = sketch.router(1, dialect);
        let source = sketch.vrf(router, 1, &[], &[1]);
        let importer = sketch.vrf(router, 2, &[1], &[]);
        let loud =
            Attributes { local_preference: 500, weight: 50000, origin: OriginCode::Igp, ..Attributes::default() };
        for to in ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/24"] {
            sketch.ce(source, to, "10.9.0.1", loud.clone());
        }
        sketch.discard(importer, "10.1.0.0/16", None);
        // Only the weight of what is redistributed can help here.
        sketch.discard(importer, "10.2.0.0/16", Some(250));
        sketch.address(importer, "10.3.0.1/24");
        let leaked = sketch.leak();
        for to in ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/24"] {
            assert_eq!(leaked.origins(importer, to), [source, importer]);
            assert_eq!(leaked.winner(importer, to), Some(importer), "{to} {}", dialect.name);
        }
    }
}

#[test]
fn s3_the_weight_of_a_redistributed_static_beats_a_ce_whatever_its_distance() {
    for (redistributed, protocol) in [(true, Protocol::Static), (false, Protocol::Bgp)] {
        let mut sketch = Sketch::default();
        let router = sketch.router(1, Dialect::NATIVE);
        let vrf = sketch.vrf(router, 1, &[], &[1]);
        sketch.builder.family::<u32>(vrf).redistribute.statics = redistributed;
        sketch.discard(vrf, OFFERED, Some(250));
        sketch.ce(vrf, OFFERED, "10.1.0.1", Attributes::default());
        let leaked = sketch.leak();
        assert_eq!(leaked.best(vrf, OFFERED).map(|best| best.protocol), Some(protocol));
        assert_eq!(leaked.exported(vrf), [OFFERED]);
    }
}

#[test]
fn s3_the_weight_of_a_redistributed_route_survives_the_leak_on_its_router_where_the_dialect_says_so() {
    for (dialect, near, survives) in [
        (Dialect::NATIVE, true, false),
        (Dialect::XR, true, false),
        (Dialect::JUNOS, true, false),
        (Dialect::FRR, true, true),
        (Dialect::IOS, true, true),
        (Dialect::FRR, false, false),
    ] {
        let mut sketch = Sketch::default();
        let routers = [1, 2].map(|number| sketch.router(number, dialect));
        let statics = sketch.vrf(routers[0], 1, &[], &[1]);
        let learned = sketch.vrf(routers[0], 2, &[], &[1]);
        let importer = sketch.vrf(routers[usize::from(!near)], 3, &[1], &[]);
        sketch.discard(statics, OFFERED, None);
        // A learned route's weight does not survive, whatever the dialect.
        let preferred = Attributes { local_preference: 200, weight: 50000, ..Attributes::default() };
        sketch.ce(learned, OFFERED, "10.1.0.1", preferred);
        let winner = sketch.leak().winner(importer, OFFERED);
        assert_eq!(winner, Some(if survives { statics } else { learned }), "{} {near}", dialect.name);
    }
}

#[test]
fn s1_junos_keeps_the_protocol_of_what_its_instances_leak_to_each_other() {
    for (dialect, wins) in [(Dialect::JUNOS, true), (Dialect::XR, false)] {
        let mut sketch = Sketch::default();
        let router = sketch.router(1, dialect);
        let source = sketch.vrf(router, 1, &[], &[1]);
        let importer = sketch.vrf(router, 2, &[1], &[]);
        sketch.address(source, "192.0.2.1/24");
        // Its own static route has the distance that Junos gives one, and is not in BGP.
        sketch.builder.family::<u32>(importer).redistribute = Redistribute::default();
        sketch.discard(importer, "192.0.2.0/24", Some(5));
        let leaked = sketch.leak();
        assert_eq!(leaked.winner(importer, "192.0.2.0/24") == Some(source), wins, "{}", dialect.name);
    }
}
