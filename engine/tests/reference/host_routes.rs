//! The host routes of imported interfaces (S3a).

use vrfleak_engine::Dialect;
use vrfleak_engine::reference::Candidate;

use crate::sketch::Sketch;

#[test]
fn s3a_ios_shows_the_host_route_of_an_imported_interface() {
    for dialect in Dialect::ALL {
        let mut sketch = Sketch::default();
        let routers = [1, 2].map(|number| sketch.router(number, dialect));
        let source = sketch.vrf(routers[0], 1, &[], &[1]);
        let near = sketch.vrf(routers[0], 2, &[1], &[]);
        let far = sketch.vrf(routers[1], 3, &[1], &[]);
        sketch.address(source, "10.2.1.1/24");
        sketch.address(source, "10.9.9.9/32");
        let leaked = sketch.leak();
        assert_eq!(leaked.prefixes(far), ["10.2.1.0/24", "10.9.9.9/32"]);
        if dialect == Dialect::IOS {
            assert_eq!(leaked.prefixes(near), ["10.2.1.0/24", "10.2.1.1/32", "10.9.9.9/32"]);
            let local = leaked.best(source, "10.2.1.1/32").expect("the address itself");
            assert_eq!(leaked.best(near, "10.2.1.1/32"), Some(Candidate { leaked_host: true, ..local }));
        } else {
            assert_eq!(leaked.prefixes(near), ["10.2.1.0/24", "10.9.9.9/32"]);
        }
        assert_eq!(leaked.ipv4[near.index()].imported, 2, "a host route is not imported, it comes along");
    }
}

#[test]
fn s3a_a_host_route_comes_only_with_the_best_route_of_its_interface() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::IOS);
    let loser = sketch.vrf(router, 2, &[], &[1]);
    let winner = sketch.vrf(router, 1, &[], &[1]);
    let importer = sketch.vrf(router, 3, &[1], &[]);
    sketch.address(loser, "10.2.1.1/24");
    sketch.address(winner, "10.2.1.2/24");
    // The importer has this subnet itself: the imported one is not best there, and its host route stays away.
    sketch.address(winner, "10.3.1.1/24");
    sketch.address(importer, "10.3.1.2/24");
    let leaked = sketch.leak();
    assert_eq!(leaked.prefixes(importer), ["10.2.1.0/24", "10.2.1.2/32", "10.3.1.0/24", "10.3.1.2/32"]);
    assert_eq!(leaked.winner(importer, "10.2.1.0/24"), Some(winner));
}

#[test]
fn s3a_a_host_route_loses_to_own_routes_of_distance_0_only() {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, Dialect::IOS);
    let source = sketch.vrf(router, 1, &[], &[1]);
    let importer = sketch.vrf(router, 2, &[1], &[]);
    for address in ["10.2.1.1/24", "10.3.1.1/24", "10.4.1.1/24"] {
        sketch.address(source, address);
    }
    sketch.address(importer, "10.2.1.1/32");
    sketch.discard(importer, "10.3.1.1/32", None);
    sketch.discard(importer, "10.4.1.1/32", Some(0));
    let leaked = sketch.leak();
    for (to, wins) in [("10.2.1.1/32", importer), ("10.3.1.1/32", source), ("10.4.1.1/32", importer)] {
        assert_eq!(leaked.origins(importer, to), [source, importer]);
        assert_eq!(leaked.winner(importer, to), Some(wins), "{to}");
    }
}
