//! Selection among routes in BGP, one step after the other (S2).

use vrfleak_engine::reference::{self};
use vrfleak_engine::{Attributes, Dialect, NextHopKind, OriginCode, Protocol};

use crate::sketch::{OFFERED, Sketch, path};

/// Returns whether the first route wins in a VRF of a third router although the second one has the lower router id,
/// next hop, RD and VRF.
fn beats(first: Attributes, second: Attributes) -> bool {
    let mut sketch = Sketch::default();
    let (near, far) = (sketch.router(1, Dialect::NATIVE), sketch.router(2, Dialect::NATIVE));
    let third = sketch.router(3, Dialect::NATIVE);
    let low = sketch.vrf(near, 1, &[], &[1]);
    let high = sketch.vrf(far, 2, &[], &[1]);
    let importer = sketch.vrf(third, 3, &[1], &[]);
    sketch.ce(low, OFFERED, "10.1.0.1", second);
    sketch.ce(high, OFFERED, "10.1.0.2", first);
    let leaked = sketch.leak();
    assert_eq!(leaked.origins(importer, OFFERED), [low, high], "both are candidates");
    leaked.winner(importer, OFFERED) == Some(high)
}

/// Returns the gateway of the one of two routes of one VRF that it exports, and that is best in it.
fn own_duel(first: Attributes, second: Attributes) -> String {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let vrf = sketch.vrf(router, 1, &[], &[1]);
    sketch.ce(vrf, OFFERED, "10.1.0.1", second);
    sketch.ce(vrf, OFFERED, "10.1.0.2", first);
    let leaked = sketch.leak();
    let exported = reference::exports::<u32>(&leaked.network);
    assert_eq!(
        exported.iter().map(|export| Some(export.next_hop)).collect::<Vec<_>>(),
        [leaked.best(vrf, OFFERED).map(|best| best.next_hop)]
    );
    leaked.gateway(vrf, OFFERED)
}

#[test]
fn s2_step_1_the_higher_weight_wins() {
    let heavy = Attributes { weight: 1, ..path(&[1, 2]) };
    let preferred = Attributes { local_preference: 200, origin: OriginCode::Igp, ..path(&[1]) };
    assert_eq!(own_duel(heavy.clone(), preferred.clone()), "10.1.0.2");
    // No other VRF sees it.
    assert!(!beats(heavy, preferred));
}

#[test]
fn s2_step_2_the_higher_local_preference_wins() {
    let preferred = Attributes { local_preference: 101, med: 9, ..path(&[1, 2]) };
    let short = Attributes { origin: OriginCode::Igp, ..Attributes::default() };
    assert!(beats(preferred, short));
}

#[test]
fn s2_step_3_what_the_vrf_originates_itself_beats_what_it_learned() {
    // Both have weight 32768: the static of this VRF, and the connected route that the weight came along with. Distance
    // 250 against 20 shows that it was BGP that decided.
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::FRR);
    let source = sketch.vrf(router, 1, &[], &[1]);
    let importer = sketch.vrf(router, 2, &[1], &[1]);
    sketch.address(source, "10.1.0.1/24");
    sketch.discard(importer, "10.1.0.0/24", Some(250));
    let leaked = sketch.leak();
    assert_eq!(leaked.origins(importer, "10.1.0.0/24"), [source, importer]);
    assert_eq!(leaked.winner(importer, "10.1.0.0/24"), Some(importer));

    // A learned route of the same weight and a better origin: the redistributed one is exported.
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let vrf = sketch.vrf(router, 1, &[], &[1]);
    sketch.discard(vrf, OFFERED, None);
    let heavy = Attributes { weight: 32768, origin: OriginCode::Igp, ..Attributes::default() };
    sketch.ce(vrf, OFFERED, "10.1.0.1", heavy);
    let exports = reference::exports::<u32>(&sketch.leak().network);
    assert_eq!(exports.iter().map(|export| export.protocol).collect::<Vec<_>>(), [Protocol::Static]);
}

#[test]
fn s2_step_3_an_imported_route_is_not_locally_originated() {
    // A redistributed route and a CE's, both from elsewhere: the redistributed one has the worse MED and no bonus.
    let mut sketch = Sketch::default();
    let routers = [1, 2, 3].map(|number| sketch.router(number, Dialect::NATIVE));
    let statics = sketch.vrf(routers[0], 1, &[], &[1]);
    let learned = sketch.vrf(routers[1], 2, &[], &[1]);
    let importer = sketch.vrf(routers[2], 3, &[1], &[]);
    let med = Attributes { med: 1, ..Attributes::default() };
    sketch.route(statics, OFFERED, Protocol::Static, med, NextHopKind::Discard);
    sketch.ce(learned, OFFERED, "10.1.0.1", Attributes::default());
    assert_eq!(sketch.leak().winner(importer, OFFERED), Some(learned));
}

#[test]
fn s2_step_4_the_shorter_as_path_wins() {
    let short = Attributes { med: 9, ..path(&[1]) };
    let long = Attributes { origin: OriginCode::Igp, ..path(&[1, 2]) };
    assert!(beats(short, long));
}

#[test]
fn s2_step_5_the_lower_origin_wins() {
    let with = |origin, med| Attributes { origin, med, ..path(&[1]) };
    assert!(beats(with(OriginCode::Igp, 9), with(OriginCode::Egp, 0)));
    assert!(beats(with(OriginCode::Egp, 9), with(OriginCode::Incomplete, 0)));
}

#[test]
fn s2_step_6_the_lower_med_wins_within_one_neighbouring_as() {
    let with = |med, as_path: &[u32]| Attributes { med, ..path(as_path) };
    assert!(beats(with(1, &[1]), with(2, &[1])));
    assert!(beats(with(1, &[1, 3]), with(2, &[1, 2])), "the first AS is the neighbour");
    assert!(!beats(with(1, &[2]), with(2, &[1])), "another neighbour: the router id decides");
    assert!(!beats(with(1, &[2, 1]), with(2, &[1, 1])), "another neighbour, the same origin AS");
    assert!(beats(with(1, &[]), with(2, &[])), "paths without any AS are of one neighbour");
}

#[test]
fn s2_step_6_meds_eliminate_before_later_steps_compare() {
    // Pairwise the routes go round in a circle: a beats b by router id, b beats c by router id, c beats a by MED.
    let mut sketch = Sketch::default();
    let routers = [1, 2, 3, 4].map(|number| sketch.router(number, Dialect::NATIVE));
    let sources = [0, 1, 2].map(|index| sketch.vrf(routers[index], 1 + index as u32, &[], &[1]));
    let importer = sketch.vrf(routers[3], 9, &[1], &[]);
    for (source, (asn, med)) in sources.into_iter().zip([(1, 5), (2, 0), (1, 0)]) {
        sketch.ce(source, OFFERED, "10.1.0.1", Attributes { med, ..path(&[asn]) });
    }
    let leaked = sketch.leak();
    assert_eq!(leaked.origins(importer, OFFERED), sources);
    assert_eq!(leaked.winner(importer, OFFERED), Some(sources[1]));
}

#[test]
fn s2_step_7_external_beats_internal() {
    // Leaked on this router against another router's, whose router id is lower and whose way costs nothing.
    let mut sketch = Sketch::default();
    let routers = [1, 2].map(|number| sketch.router(number, Dialect::NATIVE));
    let far = sketch.vrf(routers[0], 1, &[], &[1]);
    let near = sketch.vrf(routers[1], 2, &[], &[1]);
    let importer = sketch.vrf(routers[1], 3, &[1], &[]);
    sketch.ce(far, OFFERED, "10.1.0.1", Attributes::default());
    sketch.ce(near, OFFERED, "10.1.0.2", Attributes::default());
    assert_eq!(sketch.leak().winner(importer, OFFERED), Some(near));

    // Learned from a CE over an internal session it has no such advantage on its router; its next hop is nearer all the
    // same.
    let mut sketch = Sketch::default();
    let routers = [1, 2].map(|number| sketch.router(number, Dialect::NATIVE));
    let far = sketch.vrf(routers[0], 1, &[], &[1]);
    let near = sketch.vrf(routers[1], 2, &[], &[1]);
    let importer = sketch.vrf(routers[1], 3, &[1], &[]);
    sketch.ce(far, OFFERED, "10.1.0.1", Attributes::default());
    sketch.ce(near, OFFERED, "10.1.0.2", Attributes { internal: true, ..Attributes::default() });
    assert_eq!(sketch.leak().winner(importer, OFFERED), Some(near));

    let internal = Attributes { internal: true, ..Attributes::default() };
    assert_eq!(own_duel(Attributes::default(), internal), "10.1.0.2");
}

#[test]
fn s2_step_8_the_lower_igp_metric_wins_as_the_importing_router_has_it() {
    let mut sketch = Sketch::default();
    let routers = [1, 2, 3, 4].map(|number| sketch.router(number, Dialect::NATIVE));
    let low = sketch.vrf(routers[0], 1, &[], &[1]);
    let high = sketch.vrf(routers[1], 2, &[], &[1]);
    let importers = [routers[2], routers[3]].map(|router| sketch.vrf(router, 3, &[1], &[]));
    sketch.ce(low, OFFERED, "10.1.0.1", Attributes::default());
    sketch.ce(high, OFFERED, "10.1.0.2", Attributes::default());
    sketch.builder.igp_metric(routers[2], routers[0], 20);
    sketch.builder.igp_metric(routers[2], routers[1], 10);
    // The way back is not the way.
    sketch.builder.igp_metric(routers[0], routers[3], 20);
    let leaked = sketch.leak();
    assert_eq!(importers.map(|importer| leaked.winner(importer, OFFERED)), [Some(high), Some(low)]);
}

#[test]
fn s2_step_8_a_next_hop_of_the_vrfs_own_is_nearer_than_another_router() {
    let mut sketch = Sketch::default();
    // The other router has the lower id, and its loopback is the lower address.
    let [other, here] = [1, 2].map(|number| sketch.router(number, Dialect::NATIVE));
    let far = sketch.vrf(other, 1, &[], &[1]);
    let near = sketch.vrf(here, 2, &[1], &[]);
    for vrf in [far, near] {
        sketch.ce(vrf, OFFERED, "203.0.113.1", Attributes { internal: true, ..Attributes::default() });
    }
    assert_eq!(sketch.leak().winner(near, OFFERED), Some(near));
}

/// Two routers, in this order: router ids and loopbacks by their last byte, and RDs. Returns which one's route wins in a
/// VRF of a third router.
fn late_duel(router_ids: [u8; 2], loopbacks: [u8; 2], rds: [u32; 2]) -> usize {
    let mut sketch = Sketch::default();
    let sources = [0, 1].map(|index| {
        let router = sketch.router(index as u8 + 1, Dialect::NATIVE);
        sketch.builder.router_mut(router).router_id = [10, 255, 0, router_ids[index]].into();
        sketch.builder.router_mut(router).loopback = std::net::IpAddr::from([192, 0, 2, loopbacks[index]]);
        sketch.vrf(router, rds[index], &[], &[1])
    });
    let third = sketch.router(3, Dialect::NATIVE);
    let importer = sketch.vrf(third, 9, &[1], &[]);
    sketch.ce(sources[0], OFFERED, "10.1.0.1", Attributes::default());
    sketch.ce(sources[1], OFFERED, "10.1.0.2", Attributes::default());
    let leaked = sketch.leak();
    assert_eq!(leaked.origins(importer, OFFERED), sources);
    usize::from(leaked.winner(importer, OFFERED) == Some(sources[1]))
}

#[test]
fn s2_step_9_the_lower_router_id_wins() {
    assert_eq!(late_duel([8, 7], [1, 2], [1, 2]), 1);
    assert_eq!(late_duel([7, 8], [2, 1], [2, 1]), 0);
}

#[test]
fn s2_step_10_the_lower_next_hop_address_wins() {
    assert_eq!(late_duel([7, 7], [2, 1], [1, 2]), 1);
    assert_eq!(late_duel([7, 7], [1, 2], [2, 1]), 0);
    // Of two routes of a VRF's own it is the CE's address, as a number.
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let vrf = sketch.vrf(router, 1, &[], &[1]);
    for gateway in ["10.1.0.10", "2001:db8::1", "10.1.0.9"] {
        sketch.ce(vrf, OFFERED, gateway, Attributes::default());
    }
    assert_eq!(sketch.leak().gateway(vrf, OFFERED), "10.1.0.9");
}

#[test]
fn s2_step_11_the_lower_rd_wins() {
    assert_eq!(late_duel([7, 7], [1, 1], [2, 1]), 1);
    assert_eq!(late_duel([7, 7], [1, 1], [1, 2]), 0);
}

#[test]
fn s2_is_total_and_ends_with_the_ids() {
    // One CE on two interfaces: nothing that BGP knows differs, the next hop that the model had first wins.
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let vrf = sketch.vrf(router, 1, &[], &[1]);
    sketch.ce(vrf, "10.9.0.0/16", "10.1.0.1", Attributes::default());
    sketch.ce(vrf, OFFERED, "10.1.0.1", Attributes::default());
    sketch.builder.family::<u32>(vrf).routes.rotate_left(1);
    sketch.ce(vrf, OFFERED, "10.1.0.1", Attributes::default());
    let leaked = sketch.leak();
    let best = leaked.best(vrf, OFFERED).expect("there are two");
    assert_eq!(leaked.entry(vrf, OFFERED).map(|entry| (entry.candidates.len(), entry.best)), Some((2, 0)));
    assert_eq!(best.next_hop.0, 1);
}
