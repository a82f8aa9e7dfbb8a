//! Several paths for one prefix (S4), and how many routes a VRF may have (S6).

use vrfleak_engine::{Dialect, MaximumPaths, MaximumRoutes, OverLimit, VrfId};

use crate::sketch::{Leaked, OFFERED, Sketch, path};

/// Four VRFs on three routers with a route from a CE each, and one on the first router that imports them.
fn paths(maximum_paths: MaximumPaths, change: impl FnOnce(&mut Sketch)) -> (Leaked, [VrfId; 4], VrfId) {
    let mut sketch = Sketch::default();
    let routers = [1, 2, 3].map(|number| sketch.router(number, Dialect::NATIVE));
    let sources = [(0, 1), (0, 2), (1, 3), (2, 4)].map(|(router, rd)| {
        let vrf = sketch.vrf(routers[router], rd, &[], &[1]);
        sketch.ce(vrf, OFFERED, &format!("192.0.2.{rd}"), path(&[rd]));
        vrf
    });
    let importer = sketch.vrf(routers[0], 9, &[1], &[]);
    sketch.builder.family::<u32>(importer).maximum_paths = maximum_paths;
    change(&mut sketch);
    (sketch.leak(), sources, importer)
}

fn installed(leaked: &Leaked, vrf: VrfId) -> Vec<VrfId> {
    let entry = leaked.entry(vrf, OFFERED).expect("imported");
    let others = entry.multipath.iter().map(|route| route.origin);
    std::iter::once(entry.candidates[entry.best].origin).chain(others).collect()
}

#[test]
fn s4_paths_equal_through_the_igp_metric_are_installed_the_lowest_first() {
    for (paths_limit, eibgp, count) in [(1, false, 1), (2, false, 2), (8, false, 2), (3, true, 3), (8, true, 4)] {
        let maximum = MaximumPaths { paths: paths_limit, eibgp };
        let (leaked, sources, importer) = paths(maximum, |_| {});
        // Without the switch eBGP stays among itself: the two VRFs of the router.
        assert_eq!(installed(&leaked, importer), sources[..count], "{maximum:?}");
    }
}

#[test]
fn s4_a_higher_igp_metric_is_not_equal_and_does_not_count_over_ebgp() {
    let maximum = MaximumPaths { paths: 8, eibgp: true };
    let (leaked, sources, importer) = paths(maximum, |sketch| {
        let routers: Vec<_> =
            sketch.builder.clone().build().expect("no mistake").vrfs().iter().map(|vrf| vrf.router).collect();
        sketch.builder.igp_metric(routers[0], routers[2], 10);
        sketch.builder.igp_metric(routers[0], routers[3], 20);
    });
    assert_eq!(installed(&leaked, importer), sources[..3]);
}

#[test]
fn s4_a_shorter_path_stands_alone() {
    let (leaked, sources, importer) = paths(MaximumPaths { paths: 8, eibgp: true }, |sketch| {
        let network = sketch.builder.clone().build().expect("no mistake");
        let vrf = network.vrfs_named("v3").next().expect("the fourth VRF");
        sketch.ce(vrf, OFFERED, "192.0.2.44", path(&[]));
    });
    assert_eq!(installed(&leaked, importer), [sources[3]]);
}

/// A VRF with a connected, a static and two CE routes that imports three more, and its limit.
fn limited(limit: u32, over: OverLimit) -> (Leaked, VrfId) {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::NATIVE);
    let source = sketch.vrf(router, 1, &[], &[1]);
    let vrf = sketch.vrf(router, 2, &[1], &[2]);
    for to in ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"] {
        sketch.ce(source, to, "192.0.2.1", path(&[1]));
    }
    sketch.address(vrf, "10.200.0.1/24");
    sketch.discard(vrf, "10.201.0.0/16", None);
    sketch.ce(vrf, "10.4.0.0/16", "10.200.0.2", path(&[2]));
    sketch.ce(vrf, "10.5.0.0/16", "10.200.0.2", path(&[2]));
    sketch.discard(source, "2001:db8::/32", None);
    sketch.builder.family::<u32>(vrf).maximum_routes = Some(MaximumRoutes { limit, over });
    (sketch.leak(), vrf)
}

#[test]
fn s6_reject_takes_the_own_routes_first_then_by_prefix_and_reports_the_rest() {
    for (limit, ces, imported, rejected) in
        [(9, 2, 3, 0), (5, 2, 3, 0), (4, 2, 2, 1), (3, 2, 1, 2), (2, 2, 0, 3), (1, 1, 0, 4), (0, 0, 0, 5)]
    {
        let (leaked, vrf) = limited(limit, OverLimit::Reject);
        let prefixes = leaked.prefixes(vrf);
        let all = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"];
        let stay: Vec<&str> = all.into_iter().filter(|prefix| prefixes.iter().any(|other| other == prefix)).collect();
        assert_eq!(stay, all[..imported]);
        let ce = ["10.4.0.0/16", "10.5.0.0/16"].map(|prefix| leaked.entry(vrf, prefix).is_some());
        assert_eq!(ce, [ces > 0, ces > 1]);
        // Connected, local and static routes stay whatever the limit.
        assert_eq!(prefixes.len(), imported + ces + 3);
        let table = &leaked.ipv4[vrf.index()];
        assert_eq!((table.imported, table.counted, table.rejected), (imported, 5, rejected));
        // The other family has no limit.
        assert_eq!(leaked.ipv6[vrf.index()].imported, 1);
    }
}

#[test]
fn s6_warning_only_keeps_everything() {
    let (leaked, vrf) = limited(1, OverLimit::WarningOnly);
    let table = &leaked.ipv4[vrf.index()];
    assert_eq!((table.imported, table.counted, table.rejected), (3, 5, 0));
    assert_eq!(leaked.prefixes(vrf).len(), 8);
}

#[test]
fn s6_a_rejected_route_of_a_ce_is_exported_all_the_same() {
    let (leaked, vrf) = limited(0, OverLimit::Reject);
    assert_eq!(leaked.exported(vrf), ["10.4.0.0/16", "10.5.0.0/16", "10.200.0.0/24", "10.201.0.0/16"]);
}

/// Three PEs with one RD that export one prefix, and a VRF on a fourth that imports and installs several.
fn one_rd(import_paths: u32) -> (Leaked, [VrfId; 3], VrfId) {
    let mut sketch = Sketch::default();
    let sources = [1, 2, 3].map(|number| {
        let router = sketch.router(number, Dialect::NATIVE);
        let vrf = sketch.vrf(router, 7, &[], &[1]);
        sketch.ce(vrf, OFFERED, &format!("192.0.2.{number}"), path(&[9]));
        vrf
    });
    let router = sketch.router(4, Dialect::NATIVE);
    let importer = sketch.vrf(router, 9, &[1], &[]);
    let family = sketch.builder.family::<u32>(importer);
    family.import_paths = import_paths;
    family.maximum_paths = MaximumPaths { paths: 8, eibgp: false };
    (sketch.leak(), sources, importer)
}

#[test]
fn e6_a_vrf_imports_as_many_routes_of_one_nlri_as_it_says() {
    for (import_paths, count) in [(1, 1), (2, 2), (3, 3), (u32::MAX, 3)] {
        let (leaked, sources, importer) = one_rd(import_paths);
        assert_eq!(installed(&leaked, importer), sources[..count], "{import_paths}");
    }
}

#[test]
fn s4_as_paths_decide_what_stands_beside_the_best_one_as_the_dialect_has_it() {
    for (dialect, beside) in [
        (Dialect::NATIVE, [true, true, true]),
        (Dialect::JUNOS, [true, true, false]),
        (Dialect::IOS, [true, false, false]),
        (Dialect::FRR, [true, true, false]),
    ] {
        for (second, expected) in [[7, 8], [7, 9], [8, 8]].into_iter().zip(beside) {
            let mut sketch = Sketch::default();
            let router = sketch.router(1, dialect);
            let vrf = sketch.vrf(router, 1, &[], &[]);
            sketch.builder.family::<u32>(vrf).maximum_paths = MaximumPaths { paths: 8, eibgp: false };
            sketch.ce(vrf, OFFERED, "192.0.2.1", path(&[7, 8]));
            sketch.ce(vrf, OFFERED, "192.0.2.2", path(&second));
            let entries = sketch.leak();
            let entry = entries.entry(vrf, OFFERED).expect("its own");
            assert_eq!(entry.multipath.len() == 1, expected, "{} {second:?}", dialect.name);
        }
    }
}
