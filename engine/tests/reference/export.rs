//! Export: what leaves a VRF, and what the reflectors leave of it (E1, E2, E3, E6).

use vrfleak_engine::reference::{self};
use vrfleak_engine::{Attributes, Dialect, Protocol, Redistribute, VrfId};

use crate::sketch::{Leaked, OFFERED, Sketch, path, target};

#[test]
fn e1_what_was_imported_is_not_exported_again() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let a = sketch.vrf(router, 1, &[], &[1]);
    let b = sketch.vrf(router, 2, &[1], &[2]);
    let c = sketch.vrf(router, 3, &[2], &[]);
    sketch.discard(a, "10.1.0.0/16", None);
    sketch.discard(b, "10.2.0.0/16", None);
    let leaked = sketch.leak();
    assert_eq!(leaked.prefixes(b), ["10.1.0.0/16", "10.2.0.0/16"]);
    assert_eq!(leaked.exported(b), ["10.2.0.0/16"]);
    assert_eq!(leaked.prefixes(c), ["10.2.0.0/16"]);
}

#[test]
fn e2_connected_and_static_are_exported_where_redistributed_and_a_ce_route_always() {
    for (connected, statics) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut sketch = Sketch::default();
        let router = sketch.router(1, Dialect::NATIVE);
        let vrf = sketch.vrf(router, 1, &[], &[1]);
        sketch.builder.family::<u32>(vrf).redistribute = Redistribute { connected, statics };
        sketch.address(vrf, "10.1.0.1/16");
        sketch.discard(vrf, "10.2.0.0/16", None);
        sketch.ce(vrf, "10.3.0.0/16", "10.1.0.2", Attributes::default());
        let expected = [(connected, "10.1.0.0/16"), (statics, "10.2.0.0/16"), (true, "10.3.0.0/16")];
        let expected: Vec<&str> = expected.iter().filter(|(exported, _)| *exported).map(|(_, text)| *text).collect();
        assert_eq!(sketch.leak().exported(vrf), expected);
    }
}

#[test]
fn e2_the_local_host_route_stays_unless_it_is_the_prefix_of_the_interface() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let vrf = sketch.vrf(router, 1, &[], &[1]);
    sketch.address(vrf, "10.1.0.1/24");
    sketch.address(vrf, "10.9.9.9/32");
    let leaked = sketch.leak();
    assert_eq!(leaked.prefixes(vrf), ["10.1.0.0/24", "10.1.0.1/32", "10.9.9.9/32"]);
    assert_eq!(leaked.exported(vrf), ["10.1.0.0/24", "10.9.9.9/32"]);
    assert_eq!(leaked.best(vrf, "10.1.0.1/32").map(|best| best.protocol), Some(Protocol::Local));
}

#[test]
fn e2_what_loses_to_an_own_route_is_not_redistributed() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let vrf = sketch.vrf(router, 1, &[], &[1]);
    sketch.builder.family::<u32>(vrf).redistribute = Redistribute { connected: false, statics: true };
    sketch.address(vrf, "10.1.0.1/24");
    sketch.discard(vrf, "10.1.0.0/24", None);
    let leaked = sketch.leak();
    assert_eq!(leaked.entry(vrf, "10.1.0.0/24").map(|entry| entry.candidates.len()), Some(2));
    assert_eq!(leaked.exported(vrf), [""; 0]);
}

#[test]
fn e3_a_route_without_target_is_not_exported_and_its_own_targets_replace_the_vrfs() {
    let brings = |numbers: &[u32]| Attributes {
        route_targets: Some(numbers.iter().copied().map(target).collect()),
        ..Attributes::default()
    };
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let bare = sketch.vrf(router, 1, &[], &[]);
    let vrf = sketch.vrf(router, 2, &[], &[1]);
    sketch.ce(bare, "10.1.0.0/16", "10.0.0.1", Attributes::default());
    sketch.ce(bare, "10.2.0.0/16", "10.0.0.1", brings(&[7]));
    sketch.ce(vrf, "10.3.0.0/16", "10.0.0.1", brings(&[]));
    sketch.ce(vrf, "10.4.0.0/16", "10.0.0.1", brings(&[9, 8, 9]));
    sketch.ce(vrf, "10.5.0.0/16", "10.0.0.1", Attributes::default());
    let leaked = sketch.leak();
    assert_eq!(leaked.exported(bare), ["10.2.0.0/16"]);
    assert_eq!(leaked.exported(vrf), ["10.4.0.0/16", "10.5.0.0/16"]);
    let exports = reference::exports::<u32>(&leaked.network);
    let targets: Vec<Vec<_>> = exports.iter().map(|export| export.targets.iter().copied().collect()).collect();
    assert_eq!(targets, [vec![target(7)], vec![target(8), target(9)], vec![target(1)]]);
}

#[test]
fn e3_a_vrf_without_rd_exports_nothing_and_imports_all_the_same() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let vrf = sketch.vrf(router, 1, &[1], &[1]);
    let other = sketch.vrf(router, 2, &[1], &[1]);
    sketch.builder.vrf_mut(vrf).rd = None;
    sketch.discard(vrf, "10.1.0.0/16", None);
    sketch.discard(other, "10.2.0.0/16", None);
    let leaked = sketch.leak();
    assert_eq!(leaked.prefixes(vrf), ["10.1.0.0/16", "10.2.0.0/16"]);
    assert_eq!(leaked.prefixes(other), ["10.2.0.0/16"]);
}

/// Two VRFs on two routers, RDs as given, offer one prefix to a third router's VRF; the second has the higher local
/// preference.
fn dual_homed(rds: [u32; 2]) -> (Leaked, [VrfId; 3]) {
    let mut sketch = Sketch::default();
    let routers = [1, 2, 3].map(|number| sketch.router(number, Dialect::NATIVE));
    let first = sketch.vrf(routers[0], rds[0], &[1], &[1]);
    let second = sketch.vrf(routers[1], rds[1], &[1], &[1, 2]);
    let importer = sketch.vrf(routers[2], 9, &[1], &[]);
    sketch.ce(first, OFFERED, "10.1.0.1", Attributes::default());
    sketch.ce(second, OFFERED, "10.1.0.2", Attributes { local_preference: 200, ..Attributes::default() });
    (sketch.leak(), [first, second, importer])
}

#[test]
fn e6_different_rds_are_different_routes_and_both_are_imported() {
    let (leaked, [first, second, importer]) = dual_homed([1, 2]);
    assert_eq!(leaked.origins(importer, OFFERED), [first, second]);
    assert_eq!(leaked.ipv4[importer.index()].imported, 2);
    assert_eq!(leaked.winner(importer, OFFERED), Some(second));
    assert_eq!(leaked.origins(second, OFFERED), [first, second]);
}

#[test]
fn e6_the_same_rd_is_the_same_route_and_one_is_chosen_before_import() {
    let (leaked, [first, second, importer]) = dual_homed([1, 1]);
    assert_eq!(leaked.origins(importer, OFFERED), [second]);
    assert_eq!(leaked.ipv4[importer.index()].imported, 1);
    // The first router knows both; the second one's is better there too, and in the first VRF it then beats its own.
    assert_eq!(leaked.origins(first, OFFERED), [first, second]);
    assert_eq!(leaked.winner(first, OFFERED), Some(second));
    // The reflected one is the second's own, so that nothing is left for it to import.
    assert_eq!(leaked.origins(second, OFFERED), [second]);
    assert_eq!(leaked.ipv4[second.index()].imported, 0);
}

#[test]
fn e6_the_choice_comes_before_the_targets_are_looked_at() {
    let mut sketch = Sketch::default();
    let routers = [1, 2, 3].map(|number| sketch.router(number, Dialect::NATIVE));
    let first = sketch.vrf(routers[0], 1, &[], &[1]);
    let second = sketch.vrf(routers[1], 1, &[], &[2]);
    let importer = sketch.vrf(routers[2], 9, &[1], &[]);
    let twin = sketch.vrf(routers[0], 8, &[1], &[]);
    for (vrf, gateway) in [(first, "10.1.0.1"), (second, "10.1.0.2")] {
        sketch.ce(vrf, OFFERED, gateway, Attributes::default());
    }
    sketch.ce(second, "10.2.0.0/16", "10.1.0.2", Attributes::default());
    sketch.ce(first, "10.2.0.0/16", "10.1.0.1", path(&[1]));
    let leaked = sketch.leak();
    // Equal but for the router id, the first is reflected.
    assert_eq!(leaked.origins(importer, OFFERED), [first]);
    // The second's AS path is shorter, it hides the first, and its target is not wanted.
    assert_eq!(leaked.origins(importer, "10.2.0.0/16"), []);
    assert_eq!(leaked.origins(twin, "10.2.0.0/16"), []);
}

#[test]
fn e6_a_router_prefers_its_own_route_to_a_reflected_equal() {
    let mut sketch = Sketch::default();
    let routers = [1, 2].map(|number| sketch.router(number, Dialect::NATIVE));
    let low = sketch.vrf(routers[0], 1, &[], &[1]);
    let high = sketch.vrf(routers[1], 1, &[], &[1]);
    let importers = routers.map(|router| sketch.vrf(router, 9, &[1], &[]));
    sketch.ce(low, OFFERED, "10.1.0.1", Attributes::default());
    sketch.ce(high, OFFERED, "10.1.0.2", Attributes::default());
    let leaked = sketch.leak();
    // Reflected is the one with the lower router id; at the other router eBGP comes before iBGP.
    assert_eq!(leaked.origins(importers[0], OFFERED), [low]);
    assert_eq!(leaked.origins(importers[1], OFFERED), [high]);
}

#[test]
fn e6_a_weight_that_survives_counts_at_its_router_and_not_at_the_reflector() {
    let mut sketch = Sketch::default();
    let routers = [1, 2, 3].map(|number| sketch.router(number, Dialect::FRR));
    let statics = sketch.vrf(routers[0], 1, &[], &[1]);
    let learned = sketch.vrf(routers[1], 1, &[], &[1]);
    let importers = routers.map(|router| sketch.vrf(router, 9, &[1], &[]));
    sketch.discard(statics, OFFERED, None);
    sketch.ce(learned, OFFERED, "10.1.0.2", Attributes { local_preference: 200, ..Attributes::default() });
    let leaked = sketch.leak();
    let origins = importers.map(|importer| leaked.origins(importer, OFFERED));
    assert_eq!(origins, [vec![statics], vec![learned], vec![learned]]);
}

#[test]
fn e6_one_rd_in_two_vrfs_of_a_router_is_one_route_as_well() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let first = sketch.vrf(router, 1, &[1, 2], &[1]);
    let second = sketch.vrf(router, 1, &[1, 2], &[2]);
    let importers = [1, 2].map(|target| sketch.vrf(router, 9, &[target], &[]));
    sketch.discard(first, OFFERED, None);
    sketch.discard(second, OFFERED, None);
    let leaked = sketch.leak();
    assert_eq!(importers.map(|importer| leaked.origins(importer, OFFERED)), [vec![first], vec![]]);
    assert_eq!(leaked.origins(first, OFFERED), [first]);
    assert_eq!(leaked.origins(second, OFFERED), [first, second]);
}
