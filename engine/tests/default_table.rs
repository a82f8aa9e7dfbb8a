//! The default table leaks to and from VRFs of its router by targets that no configuration has (SEMANTICS I8).

use std::net::Ipv4Addr;

use vrfleak_engine::policy::{Action, Clause, CommunityTest, Condition, Flow, List, ListEntry, Member, Policy};
use vrfleak_engine::{
    Attributes, Dialect, Leak, Network, NetworkBuilder, NextHopKind, PeUsage, PolicyId, Prefix, Protocol, Rd,
    RouteTarget, SourceRoute, VrfId,
};

const INTERNET: &str = "198.51.100.0/24";
const SITE: &str = "10.0.0.0/8";

fn prefix(text: &str) -> Prefix<u32> {
    text.parse().expect("a prefix")
}

/// Two PEs alike. On each the default table offers a route, and VRF `red` imports from it and exports to it; the targets
/// of both `red`s are the same. Returns the default tables and the VRFs.
fn builder() -> (NetworkBuilder, [VrfId; 2], [VrfId; 2]) {
    let mut builder = NetworkBuilder::default();
    let (mut defaults, mut reds) = (Vec::new(), Vec::new());
    for number in 0..2 {
        let router = builder.router(&format!("pe{number}"), 65000, Ipv4Addr::new(10, 0, 0, 1 + number), Dialect::IOS);
        let default = builder.vrf(router, "default", Some(Rd::of_default_table(router)));
        let red = builder.vrf(router, "red", Some(Rd::as2(65000, u32::from(number))));
        let (from, to) = (RouteTarget::from_default_table(router), RouteTarget::to_default_table(router));
        let family = builder.family::<u32>(default);
        (family.import, family.export) = (vec![to], vec![from]);
        let family = builder.family::<u32>(red);
        let own = RouteTarget::as2(65000, 1);
        (family.import, family.export) = (vec![own, from], vec![own, to]);
        for (vrf, text) in [(default, INTERNET), (red, SITE)] {
            let discard = builder.next_hop(vrf, NextHopKind::Discard);
            let attributes = builder.attributes(Attributes::default());
            builder.route(vrf, SourceRoute::new(prefix(text), Protocol::Bgp, attributes, discard));
        }
        defaults.push(default);
        reds.push(red);
    }
    let pair = |all: Vec<VrfId>| <[VrfId; 2]>::try_from(all).expect("two");
    (builder, pair(defaults), pair(reds))
}

/// Returns the VRFs whose routes to a prefix compete in `vrf`.
fn origins(network: &Network, vrf: VrfId, text: &str) -> Vec<VrfId> {
    let leak = Leak::new(network);
    let candidates = leak.family::<u32>().candidates(network, vrf, prefix(text));
    let mut origins: Vec<VrfId> = candidates.iter().map(|candidate| candidate.key.origin).collect();
    origins.sort_unstable();
    origins
}

fn map(builder: &mut NetworkBuilder, clause: Clause) -> PolicyId {
    builder.policies().add(Policy { name: "map".into(), clauses: vec![clause] }).expect("a policy")
}

#[test]
fn i8_routes_of_a_default_table_stay_on_their_router() {
    let (builder, defaults, reds) = builder();
    let network = builder.build().expect("a network");
    for own in 0..2 {
        assert_eq!(origins(&network, reds[own], INTERNET), [defaults[own]]);
        // The other `red` has the target of VPN routes, and leaks to its own default table alone.
        assert_eq!(origins(&network, defaults[own], SITE), [reds[own]]);
        assert_eq!(origins(&network, reds[own], SITE), reds);
    }
}

#[test]
fn i8_and_i9_they_are_no_vpn_routes_and_need_no_label() {
    let (builder, ..) = builder();
    let network = builder.build().expect("a network");
    for usage in PeUsage::of_all(&network, &Leak::new(&network)) {
        let ipv4 = usage.families.ipv4;
        assert_eq!((usage.vrfs, usage.labels.per_vrf, usage.labels.per_prefix), (1, 1, 1));
        assert_eq!((ipv4.exported, ipv4.received, ipv4.kept), (1, 1, 1));
    }
}

#[test]
fn i8_and_e4_policies_neither_see_nor_replace_what_nobody_named() {
    let target = |number| RouteTarget::as2(65000, number);
    let exactly = |number| {
        let test = CommunityTest::Exactly([Member::Exact(target(number))].into());
        Condition::Targets(List { name: "list".into(), entries: vec![ListEntry { permit: true, test }] }.into())
    };
    let (mut builder, defaults, reds) = builder();
    // What replaces all targets leaves the way to the default table open.
    let sets = Action::SetTargets([target(2)].into());
    let clause = Clause { actions: vec![sets], then: Flow::Accept, ..Clause::default() };
    let replaces = map(&mut builder, clause);
    builder.family::<u32>(reds[0]).export_map = Some(replaces);
    // The other side asks for exactly that one target.
    let accepts = map(&mut builder, Clause { condition: exactly(2), then: Flow::Accept, ..Clause::default() });
    let family = builder.family::<u32>(reds[1]);
    (family.import, family.import_map) = (vec![target(2)], Some(accepts));
    let network = builder.build().expect("a network");
    assert_eq!(origins(&network, defaults[0], SITE), [reds[0]]);
    assert_eq!(origins(&network, reds[1], SITE), reds);
}

#[test]
fn i8_a_vrf_may_export_again_what_it_has_from_the_default_table_and_nothing_else() {
    let (mut builder, _, reds) = builder();
    let (router, other) = (builder.vrf_mut(reds[0]).router, builder.vrf_mut(reds[1]).router);
    let far = builder.vrf(other, "far", Some(Rd::as2(65000, 9)));
    builder.family::<u32>(far).import = vec![RouteTarget::as2(65000, 9)];
    builder.family::<u32>(reds[0]).export.push(RouteTarget::as2(65000, 9));
    let away = builder.vrf(router, "away", Some(Rd::as2(65000, 8)));
    builder.family::<u32>(away).export = vec![RouteTarget::as2(65000, 1)];
    let discard = builder.next_hop(away, NextHopKind::Discard);
    let attributes = builder.attributes(Attributes::default());
    builder.route(away, SourceRoute::new(prefix("192.0.2.0/24"), Protocol::Bgp, attributes, discard));
    for switch in [false, true] {
        builder.vrf_mut(reds[0]).reexport_from_default = switch;
        let network = builder.clone().build().expect("a network");
        let expected = if switch { vec![reds[0]] } else { Vec::new() };
        assert_eq!(origins(&network, far, INTERNET), expected);
        // What it imported from another VRF stays where it is.
        assert_eq!(origins(&network, reds[0], "192.0.2.0/24"), [away]);
        assert!(origins(&network, far, "192.0.2.0/24").is_empty());
    }
}
