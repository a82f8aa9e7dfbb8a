//! Import: who takes what, what a VRF that is down has, and that the families are apart (I1 to I7, C3, V4).

use vrfleak_engine::{Dialect, Redistribute};

use crate::sketch::{OFFERED, Sketch, path, prefix};

#[test]
fn i1_one_target_in_common_suffices_and_without_one_nothing_comes() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let source = sketch.vrf(router, 1, &[], &[1, 2]);
    let importers = [&[][..], &[3], &[2, 3], &[1, 2]].map(|import| {
        let router =
            sketch.router(10 + import.len() as u8 * 3 + import.first().copied().unwrap_or(0) as u8, Dialect::XR);
        sketch.vrf(router, 2, import, &[])
    });
    sketch.discard(source, OFFERED, None);
    let leaked = sketch.leak();
    let imported = importers.map(|importer| leaked.origins(importer, OFFERED).len());
    assert_eq!(imported, [0, 0, 1, 1]);
}

#[test]
fn i2_many_targets_in_common_import_once() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let source = sketch.vrf(router, 1, &[], &[1, 2, 3]);
    let importer = sketch.vrf(router, 2, &[3, 2, 1, 1], &[]);
    sketch.discard(source, OFFERED, None);
    // The same route twice is one route.
    sketch.discard(source, OFFERED, None);
    let leaked = sketch.leak();
    assert_eq!(leaked.origins(importer, OFFERED), [source]);
    assert_eq!(leaked.ipv4[importer.index()].imported, 1);
    assert_eq!(leaked.origins(source, OFFERED), [source]);
}

#[test]
fn i4_a_route_never_enters_the_vrf_it_came_from() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let vrf = sketch.vrf(router, 1, &[1], &[1]);
    sketch.discard(vrf, OFFERED, None);
    let leaked = sketch.leak();
    assert_eq!(leaked.origins(vrf, OFFERED), [vrf]);
    assert_eq!(leaked.ipv4[vrf.index()].imported, 0);
}

#[test]
fn i6_two_vrfs_leak_alike_on_one_router_and_on_two() {
    let tables = [1, 2].map(|second| {
        let mut sketch = Sketch::default();
        let routers = [1, 2].map(|number| sketch.router(number, Dialect::NATIVE));
        let left = sketch.vrf(routers[0], 1, &[2], &[1]);
        let right = sketch.vrf(routers[second - 1], 2, &[1], &[2]);
        sketch.address(left, "10.1.0.1/24");
        sketch.discard(left, "10.9.0.0/16", None);
        sketch.ce(right, "10.2.0.0/16", "10.1.0.2", path(&[1]));
        sketch.ce(right, "10.9.0.0/16", "10.1.0.2", path(&[1]));
        sketch.leak().ipv4
    });
    assert_eq!(tables[0], tables[1]);
    assert_eq!(tables[0].iter().map(|table| table.imported).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn i7_a_prefix_has_one_entry_with_one_best_route() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let sources = [1, 2, 3].map(|rd| sketch.vrf(router, rd, &[], &[1]));
    let importer = sketch.vrf(router, 9, &[1], &[]);
    for source in sources {
        sketch.discard(source, OFFERED, None);
    }
    let leaked = sketch.leak();
    assert_eq!(leaked.prefixes(importer), [OFFERED]);
    assert_eq!(leaked.origins(importer, OFFERED), sources);
    assert_eq!(leaked.entry(importer, OFFERED).map(|entry| entry.best), Some(0));
}

#[test]
fn c3_a_vrf_that_is_down_has_exports_and_imports_nothing() {
    let tables = [true, false].map(|up| {
        let mut sketch = Sketch::default();
        let router = sketch.router(1, Dialect::IOS);
        let left = sketch.vrf(router, 1, &[2], &[1]);
        let right = sketch.vrf(router, 2, &[1], &[2]);
        sketch.address(left, "10.1.0.1/24");
        sketch.address(right, "10.2.0.1/24");
        sketch.builder.vrf_mut(left).up = up;
        let leaked = sketch.leak();
        (
            [left, right].map(|vrf| leaked.prefixes(vrf).len()),
            [left, right].map(|vrf| leaked.ipv4[vrf.index()].imported),
        )
    });
    assert_eq!(tables, [([4, 4], [1, 1]), ([0, 2], [0, 0])]);
}

#[test]
fn v4_the_families_have_targets_and_tables_of_their_own() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let source = sketch.vrf(router, 1, &[], &[]);
    let importer = sketch.vrf(router, 2, &[], &[]);
    sketch.targets::<u32>(source, &[], &[1]);
    sketch.targets::<u128>(source, &[], &[6]);
    sketch.targets::<u32>(importer, &[6], &[]);
    sketch.targets::<u128>(importer, &[6], &[]);
    sketch.builder.family::<u32>(source).redistribute = Redistribute::default();
    sketch.address(source, "10.1.0.1/24");
    sketch.address(source, "2001:db8::1/64");
    sketch.discard(source, "2001:db8:1::/48", None);
    let leaked = sketch.leak();
    assert_eq!(leaked.prefixes(importer), [""; 0]);
    let ipv6: Vec<_> = leaked.ipv6[importer.index()].entries.iter().map(|entry| entry.prefix).collect();
    assert_eq!(ipv6, [prefix("2001:db8::/64"), prefix("2001:db8:1::/48")]);
    assert_eq!(leaked.ipv6[importer.index()].imported, 2);
}
