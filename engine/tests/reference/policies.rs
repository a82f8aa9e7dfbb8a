//! Maps on the way out and in (E3 to E5, I3), and loops (I5).

use std::net::{IpAddr, Ipv4Addr};

use vrfleak_engine::policy::{Action, Change, Clause, Condition, Flow, Number, PrefixEntry, PrefixList};
use vrfleak_engine::{Attributes, Dialect, VrfId};

use crate::sketch::{OFFERED, Sketch, path, prefix, target};

const OTHER: &str = "10.9.0.0/16";

/// A clause that does this to every route and accepts it.
fn accept(actions: Vec<Action>) -> Clause {
    Clause { actions, then: Flow::Accept, ..Clause::default() }
}

/// VRFs `a` and `b` with a route from a CE each, of one AS path length, and `c` and `d` that import both.
fn network(dialect: Dialect) -> (Sketch, [VrfId; 4]) {
    let mut sketch = Sketch::default();
    let router = sketch.router(1, dialect);
    let vrfs = [1, 2, 3, 4].map(|number| {
        let (import, export) = if number > 2 { (&[1, 2][..], 9) } else { (&[][..], number) };
        sketch.vrf(router, number, import, &[export])
    });
    for vrf in [0, 1] {
        sketch.ce(vrfs[vrf], OFFERED, &format!("192.0.2.{}", vrf + 1), path(&[vrf as u32 + 1]));
        sketch.ce(vrfs[vrf], OTHER, &format!("192.0.2.{}", vrf + 1), path(&[vrf as u32 + 1]));
    }
    (sketch, vrfs)
}

#[test]
fn e3_what_an_export_map_sets_is_seen_by_importers_and_not_at_home() {
    let (mut sketch, [a, b, c, _]) = network(Dialect::NATIVE);
    let map = sketch.policy(vec![accept(vec![
        Action::LocalPreference(Change::Set(200)),
        Action::Med(Change::Set(5)),
        Action::AddTargets([target(3)].into()),
    ])]);
    sketch.builder.family::<u32>(b).export_map = Some(map);
    // `b` hears itself through `c`'s eyes only: its own copy keeps what the CE said.
    sketch.targets::<u32>(b, &[1, 2], &[2]);
    let leaked = sketch.leak();
    assert_eq!(leaked.winner(c, OFFERED), Some(b));
    let seen = leaked.best(c, OFFERED).expect("imported");
    assert_eq!((seen.attributes(&leaked.network).local_preference, seen.attributes(&leaked.network).med), (200, 5));
    let home = leaked.entry(b, OFFERED).and_then(|entry| entry.candidates.iter().find(|route| route.origin == b));
    assert_eq!(home.map(|route| route.attributes(&leaked.network).local_preference), Some(100));
    assert_eq!(leaked.origins(b, OFFERED), [a, b]);
}

#[test]
fn e3_a_route_that_another_beats_at_home_is_not_exported_for_what_a_map_would_set() {
    let (mut sketch, [a, _, c, _]) = network(Dialect::NATIVE);
    sketch.ce(a, OFFERED, "192.0.2.77", Attributes { tag: 7, ..path(&[1, 1]) });
    let better = Clause {
        condition: Condition::Between(Number::Tag, 7, 7),
        ..accept(vec![Action::LocalPreference(Change::Set(900))])
    };
    let map = sketch.policy(vec![better, accept(vec![Action::Med(Change::Set(1))])]);
    sketch.builder.family::<u32>(a).export_map = Some(map);
    let leaked = sketch.leak();
    let from_a = leaked.entry(c, OFFERED).and_then(|entry| entry.candidates.iter().find(|route| route.origin == a));
    assert_eq!(from_a.map(|route| route.attributes(&leaked.network).med), Some(1));
}

#[test]
fn e4_an_export_map_sets_the_next_hop_that_importers_compare() {
    let (mut sketch, [a, b, c, _]) = network(Dialect::NATIVE);
    assert_eq!(sketch.builder.clone().build().map(|_| ()), Ok(()));
    let map = sketch.policy(vec![accept(vec![Action::NextHop(IpAddr::V4(Ipv4Addr::new(9, 9, 9, 9)))])]);
    sketch.builder.family::<u32>(b).export_map = Some(map);
    let leaked = sketch.leak();
    // One router, all steps equal: 9.9.9.9 is lower than 192.0.2.1.
    assert_eq!(leaked.winner(c, OFFERED), Some(b));
    assert_ne!(leaked.winner(c, OFFERED), Some(a));
}

#[test]
fn i3_an_import_map_denies_what_it_denies_and_what_it_does_not_match() {
    let offered = || {
        let list = PrefixList::new("offered", vec![PrefixEntry::new(true, prefix(OFFERED), 8, 8)], Vec::new());
        Condition::Prefix(list.into())
    };
    for (clauses, prefixes, imported) in [
        (vec![], vec![], 0),
        (vec![Clause { condition: offered(), then: Flow::Accept, ..Clause::default() }], vec![OFFERED], 2),
        (vec![Clause { condition: offered(), then: Flow::Deny, ..Clause::default() }, accept(vec![])], vec![OTHER], 2),
        (vec![accept(vec![])], vec![OFFERED, OTHER], 4),
    ] {
        let (mut sketch, [_, _, c, d]) = network(Dialect::NATIVE);
        let map = sketch.policy(clauses);
        sketch.builder.family::<u32>(c).import_map = Some(map);
        let leaked = sketch.leak();
        assert_eq!(leaked.prefixes(c), prefixes);
        assert_eq!(leaked.ipv4[c.index()].imported, imported);
        // The other importer has no map.
        assert_eq!((leaked.prefixes(d).len(), leaked.ipv4[d.index()].imported), (2, 4));
    }
}

#[test]
fn i3_what_an_import_map_sets_decides_in_its_vrf_alone() {
    let changes = [
        Action::LocalPreference(Change::Set(200)),
        Action::Weight(Change::Set(10)),
        Action::Origin(vrfleak_engine::OriginCode::Igp),
        Action::NextHop(IpAddr::V4(Ipv4Addr::new(9, 9, 9, 9))),
    ];
    for change in changes {
        let (mut sketch, [a, b, c, d]) = network(Dialect::NATIVE);
        let of_b = Clause {
            condition: Condition::Rd([vrfleak_engine::Rd::as2(65000, 2)].into()),
            ..accept(vec![change.clone()])
        };
        let map = sketch.policy(vec![of_b, accept(vec![])]);
        sketch.builder.family::<u32>(c).import_map = Some(map);
        let leaked = sketch.leak();
        assert_eq!((leaked.winner(c, OFFERED), leaked.winner(d, OFFERED)), (Some(b), Some(a)), "{change:?}");
    }
}

#[test]
fn i3_an_import_map_sees_the_targets_and_the_surviving_weight() {
    let (mut sketch, [a, b, c, _]) = network(Dialect::FRR);
    sketch.discard(b, "10.7.0.0/16", None);
    let heavy = Clause { condition: Condition::Between(Number::Weight, 32768, 32768), ..accept(vec![]) };
    let map = sketch.policy(vec![heavy]);
    sketch.builder.family::<u32>(c).import_map = Some(map);
    let leaked = sketch.leak();
    assert_eq!(leaked.prefixes(c), ["10.7.0.0/16"]);
    assert_ne!(a, b);
}

#[test]
fn i5_a_path_with_the_own_as_enters_only_as_often_as_is_permitted() {
    for (allowas_in, count) in [(0, 1), (1, 2), (2, 3)] {
        let mut sketch = Sketch::default();
        let router = sketch.router(1, Dialect::NATIVE);
        let source = sketch.vrf(router, 1, &[], &[1]);
        let importer = sketch.vrf(router, 2, &[1], &[]);
        for (to, as_path) in [("10.0.0.0/16", &[7][..]), ("10.1.0.0/16", &[7, 65000]), ("10.2.0.0/16", &[65000, 65000])]
        {
            sketch.ce(source, to, "192.0.2.1", path(as_path));
        }
        sketch.builder.family::<u32>(importer).allowas_in = allowas_in;
        let leaked = sketch.leak();
        assert_eq!(leaked.prefixes(importer).len(), count);
        assert_eq!(leaked.ipv4[importer.index()].imported, count);
        // Its own VRF has what its CE said.
        assert_eq!(leaked.prefixes(source).len(), 3);
    }
}
