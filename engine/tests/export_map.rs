//! Export maps: what a map makes of a VRF's exports (SEMANTICS E3 to E5).

use std::net::Ipv4Addr;

use vrfleak_engine::policy::{Action, Clause, Condition, Flow, Policy, PrefixEntry, PrefixList};
use vrfleak_engine::{
    Attributes, Dialect, Leak, Network, NetworkBuilder, NextHopKind, Prefix, Protocol, Rd, Reason, RouteTarget,
    SourceRoute, VrfId, why,
};

const TAGGED: &str = "10.1.0.0/16";
const PLAIN: &str = "10.2.0.0/16";

/// VRF `a` has two routes, one with tag 7, and exports target 1 through a map; `one` imports 1 and `two` imports 2.
fn network(dialect: Dialect, clauses: Vec<Clause>) -> (Network, [VrfId; 3]) {
    let mut builder = NetworkBuilder::default();
    let map = builder.policies().add(Policy { name: "map".into(), clauses }).expect("a policy");
    let pe = builder.router("pe", 65000, Ipv4Addr::new(10, 0, 0, 1), dialect);
    let vrfs = ["a", "one", "two"].map(|name| {
        let number = u32::from(name.as_bytes()[0]);
        builder.vrf(pe, name, Some(Rd::as2(65000, number + u32::from(name == "two"))))
    });
    let family = builder.family::<u32>(vrfs[0]);
    family.export = vec![RouteTarget::as2(65000, 1)];
    family.export_map = Some(map);
    builder.family::<u32>(vrfs[1]).import = vec![RouteTarget::as2(65000, 1)];
    builder.family::<u32>(vrfs[2]).import = vec![RouteTarget::as2(65000, 2)];
    let discard = builder.next_hop(vrfs[0], NextHopKind::Discard);
    for (text, local_preference) in [(TAGGED, 200), (PLAIN, 100)] {
        let attributes = builder.attributes(Attributes { local_preference, ..Attributes::default() });
        builder.route(vrfs[0], SourceRoute::new(prefix(text), Protocol::Bgp, attributes, discard));
    }
    (builder.build().expect("a network"), vrfs)
}

fn prefix(text: &str) -> Prefix<u32> {
    text.parse().expect("a prefix")
}

/// A clause that matches the first route and does `actions`.
fn clause(actions: Vec<Action>, then: Flow) -> Clause {
    let list = PrefixList::new("tagged", vec![PrefixEntry::new(true, prefix(TAGGED), 16, 16)], Vec::new());
    Clause { condition: Condition::Prefix(list.into()), actions, then, ..Clause::default() }
}

/// Returns which of the two routes the VRFs `one` and `two` have.
fn imported(network: &Network, vrfs: [VrfId; 3]) -> [[bool; 2]; 2] {
    let leak = Leak::new(network);
    [vrfs[1], vrfs[2]].map(|vrf| [TAGGED, PLAIN].map(|text| leak.family().get(vrf, prefix(text)).is_some()))
}

#[test]
fn e4_a_map_replaces_every_target_or_joins_them() {
    let two: Box<[RouteTarget]> = [RouteTarget::as2(65000, 2)].into();
    let (replaced, vrfs) = network(Dialect::IOS, vec![clause(vec![Action::SetTargets(two.clone())], Flow::Accept)]);
    assert_eq!(imported(&replaced, vrfs), [[false, true], [true, false]]);
    let (joined, vrfs) = network(Dialect::IOS, vec![clause(vec![Action::AddTargets(two)], Flow::Accept)]);
    assert_eq!(imported(&joined, vrfs), [[true, true], [true, false]]);
}

#[test]
fn e5_what_the_map_does_not_match_is_dropped_or_keeps_the_default_by_dialect() {
    for (dialect, plain) in
        [(Dialect::IOS, true), (Dialect::NATIVE, false), (Dialect::FRR, false), (Dialect::XR, false)]
    {
        let (network, vrfs) = network(dialect, vec![clause(Vec::new(), Flow::Accept)]);
        assert_eq!(imported(&network, vrfs)[0], [true, plain], "{}", dialect.name);
        if !plain {
            let leak = Leak::new(&network);
            let outcomes = why(&network, &leak, vrfs[1], prefix(PLAIN));
            assert_eq!(outcomes[0].reason, Reason::ExportMapDenied { clause: None });
        }
    }
}

#[test]
fn e5_a_map_that_is_not_defined_exports_nothing_where_the_dialect_drops() {
    let (drops, vrfs) = network(Dialect::NATIVE, Vec::new());
    assert_eq!(imported(&drops, vrfs), [[false; 2]; 2]);
    let (keeps, vrfs) = network(Dialect::IOS, Vec::new());
    assert_eq!(imported(&keeps, vrfs), [[true; 2], [false; 2]]);
}

#[test]
fn e3_a_map_that_leaves_no_target_exports_nothing() {
    let (network, vrfs) = network(Dialect::IOS, vec![clause(vec![Action::SetTargets(Box::default())], Flow::Accept)]);
    assert_eq!(imported(&network, vrfs), [[false, true], [false, false]]);
    let leak = Leak::new(&network);
    assert_eq!(why(&network, &leak, vrfs[1], prefix(TAGGED))[0].reason, Reason::NoTarget);
}
