//! Why a route is not where one might expect it: one reason for every rule that keeps it back (SEMANTICS "Why").

use std::net::Ipv4Addr;

use vrfleak_engine::policy::{Clause, ClauseId, Flow, Policy};
use vrfleak_engine::{
    Attributes, Dialect, Leak, MaximumRoutes, NetworkBuilder, NextHopKind, OverLimit, PolicyId, Prefix, Protocol, Rd,
    Reason, Redistribute, RouteTarget, SourceRoute, VrfId, wanted_targets, why,
};

const OFFERED: &str = "10.0.0.0/8";

fn target(number: u32) -> RouteTarget {
    RouteTarget::as2(65000, number)
}

fn prefix(text: &str) -> Prefix<u32> {
    text.parse().expect("a prefix")
}

/// VRF `a` exports a route of a CE with target 1, `b` imports 1 and exports 2, `c` imports 2.
fn site(as_path: &[u32]) -> (NetworkBuilder, [VrfId; 3]) {
    let mut builder = NetworkBuilder::default();
    let pe = builder.router("pe", 65000, Ipv4Addr::new(10, 0, 0, 1), Dialect::NATIVE);
    let vrfs = [("a", 0), ("b", 1), ("c", 2)].map(|(name, number)| {
        let vrf = builder.vrf(pe, name, Some(Rd::as2(65000, number)));
        let family = builder.family::<u32>(vrf);
        (family.import, family.export) = (vec![target(number)], vec![target(number + 1)]);
        family.redistribute = Redistribute::ALL;
        vrf
    });
    let discard = builder.next_hop(vrfs[0], NextHopKind::Discard);
    let attributes = builder.attributes(Attributes { as_path: as_path.into(), ..Attributes::default() });
    builder.route(vrfs[0], SourceRoute::new(prefix(OFFERED), Protocol::Bgp, attributes, discard));
    (builder, vrfs)
}

/// Returns the first reason in `vrf`.
fn reason(builder: NetworkBuilder, vrf: VrfId) -> Reason {
    let network = builder.build().expect("a network");
    why(&network, &Leak::new(&network), vrf, prefix(OFFERED))[0].reason
}

/// Returns the last reason in `vrf`: of what came least far.
fn last(builder: NetworkBuilder, vrf: VrfId) -> Reason {
    let network = builder.build().expect("a network");
    let outcomes = why(&network, &Leak::new(&network), vrf, prefix(OFFERED));
    outcomes.last().expect("the route is there").reason
}

fn map(builder: &mut NetworkBuilder, then: Flow) -> PolicyId {
    let clause = Clause { label: "10".into(), then, ..Clause::default() };
    builder.policies().add(Policy { name: "map".into(), clauses: vec![clause] }).expect("a policy")
}

#[test]
fn e1_imported_says_via_whom_and_the_switch_passes_it_on() {
    let (mut builder, [_, b, c]) = site(&[1]);
    // The route of `a` itself has no target that `c` wants; what `b` has of it would have one.
    assert_eq!(reason(builder.clone(), c), Reason::NoCommonTarget);
    assert_eq!(last(builder.clone(), c), Reason::Imported { via: b });
    builder.vrf_mut(b).reexport_imported = true;
    assert_eq!(reason(builder.clone(), c), Reason::Best);
    // And where the export map keeps it back, that is the reason.
    let denies = map(&mut builder, Flow::Deny);
    builder.family::<u32>(b).export_map = Some(denies);
    assert_eq!(last(builder, c), Reason::ExportMapDenied { clause: None });
}

#[test]
fn e5_the_clause_of_an_export_map_that_denied_is_named() {
    let (mut builder, [a, b, _]) = site(&[1]);
    let denies = map(&mut builder, Flow::Deny);
    builder.family::<u32>(a).export_map = Some(denies);
    let clause = Some(ClauseId { policy: denies, clause: 0 });
    assert_eq!(reason(builder.clone(), b), Reason::ExportMapDenied { clause });
    let misses = map(&mut builder, Flow::Next);
    builder.family::<u32>(a).export_map = Some(misses);
    assert_eq!(reason(builder, b), Reason::ExportMapDenied { clause: None });
}

#[test]
fn i3_the_clause_of_an_import_map_that_denied_is_named() {
    let (mut builder, [_, b, _]) = site(&[1]);
    let denies = map(&mut builder, Flow::Deny);
    builder.family::<u32>(b).import_map = Some(denies);
    let clause = Some(ClauseId { policy: denies, clause: 0 });
    assert_eq!(reason(builder.clone(), b), Reason::ImportMapDenied { clause });
    let misses = map(&mut builder, Flow::Next);
    builder.family::<u32>(b).import_map = Some(misses);
    assert_eq!(reason(builder, b), Reason::ImportMapDenied { clause: None });
}

#[test]
fn i4_what_comes_back_after_a_re_export_is_refused_for_where_it_was() {
    let (mut builder, [a, b, _]) = site(&[1]);
    builder.vrf_mut(b).reexport_imported = true;
    builder.family::<u32>(a).import = vec![target(2)];
    let network = builder.build().expect("a network");
    let outcomes = why(&network, &Leak::new(&network), a, prefix(OFFERED));
    let back = outcomes.iter().find(|outcome| outcome.route.origin == b);
    assert_eq!(back.map(|outcome| outcome.reason), Some(Reason::OwnOrigin));
}

#[test]
fn i5_a_loop_is_a_loop() {
    let (builder, [_, b, _]) = site(&[1, 65000]);
    assert_eq!(reason(builder, b), Reason::AsLoop);
}

#[test]
fn s6_what_is_over_the_limit_says_so() {
    let (mut builder, [_, b, _]) = site(&[1]);
    builder.family::<u32>(b).maximum_routes = Some(MaximumRoutes { limit: 0, over: OverLimit::Reject });
    assert_eq!(reason(builder, b), Reason::OverLimit { limit: 0 });
}

#[test]
fn e3_a_rewritten_route_has_one_reason() {
    let (mut builder, [a, b, c]) = site(&[1]);
    let clause =
        Clause { actions: vec![vrfleak_engine::policy::Action::Tag(9)], then: Flow::Accept, ..Clause::default() };
    let sets = builder.policies().add(Policy { name: "sets".into(), clauses: vec![clause] }).expect("a policy");
    builder.family::<u32>(a).export_map = Some(sets);
    let network = builder.build().expect("a network");
    let leak = Leak::new(&network);
    let reasons =
        |vrf| why(&network, &leak, vrf, prefix(OFFERED)).iter().map(|outcome| outcome.reason).collect::<Vec<_>>();
    assert_eq!(reasons(a), [Reason::Best]);
    assert_eq!(reasons(b), [Reason::Best]);
    assert_eq!(reasons(c)[0], Reason::NoCommonTarget);
}

#[test]
fn i1_who_exports_what_is_wanted_and_what_is_one_digit_away() {
    let (mut builder, [a, b, c]) = site(&[1]);
    builder.family::<u32>(c).import = vec![target(1), target(21), target(7)];
    builder.family::<u32>(b).import = vec![target(11)];
    let network = builder.build().expect("a network");
    let leak = Leak::new(&network);
    let wanted = wanted_targets::<u32>(&network, &leak, c);
    let found: Vec<_> = wanted.into_iter().map(|wanted| (wanted.target, wanted.exporters, wanted.near)).collect();
    assert_eq!(
        found,
        [(target(1), vec![a], vec![]), (target(7), vec![], vec![target(1)]), (target(21), vec![], vec![target(1)])]
    );
    let wanted = wanted_targets::<u32>(&network, &leak, b);
    assert_eq!(wanted[0].near, [target(1)]);
}

#[test]
fn e1_the_first_reason_is_the_same_in_any_order_of_vrfs() {
    // The VRF that does not pass the route on comes before the one that has it.
    let mut builder = NetworkBuilder::default();
    let pe = builder.router("pe", 65000, Ipv4Addr::new(10, 0, 0, 1), Dialect::NATIVE);
    let [via, source, asking] = [("via", 1, 2), ("source", 0, 1), ("asking", 2, 3)].map(|(name, import, export)| {
        let vrf = builder.vrf(pe, name, Some(Rd::as2(65000, export)));
        let family = builder.family::<u32>(vrf);
        (family.import, family.export) = (vec![target(import)], vec![target(export)]);
        vrf
    });
    let discard = builder.next_hop(source, NextHopKind::Discard);
    let attributes = builder.attributes(Attributes::default());
    builder.route(source, SourceRoute::new(prefix(OFFERED), Protocol::Bgp, attributes, discard));
    let network = builder.build().expect("a network");
    let outcomes = why(&network, &Leak::new(&network), asking, prefix(OFFERED));
    let reasons: Vec<Reason> = outcomes.iter().map(|outcome| outcome.reason).collect();
    assert_eq!(reasons, [Reason::NoCommonTarget, Reason::Imported { via }]);
}

#[test]
fn e5_and_i3_the_clauses_that_let_a_route_pass_are_named() {
    let (mut builder, [a, b, _]) = site(&[1]);
    let [out, into] = [(); 2].map(|()| map(&mut builder, Flow::Accept));
    builder.family::<u32>(a).export_map = Some(out);
    builder.family::<u32>(b).import_map = Some(into);
    let network = builder.build().expect("a network");
    let leak = Leak::new(&network);
    let of = |vrf| why(&network, &leak, vrf, prefix(OFFERED))[0];
    let clause = |policy| Some(ClauseId { policy, clause: 0 });
    assert_eq!((of(b).export_clause, of(b).import_clause), (clause(out), clause(into)));
    assert_eq!((of(a).export_clause, of(a).import_clause), (clause(out), None));
    assert_eq!(of(b).unexported, None);
}

#[test]
fn e2_an_own_route_says_why_it_is_not_exported() {
    let (mut builder, [a, _, _]) = site(&[1]);
    builder.family::<u32>(a).export = Vec::new();
    let network = builder.build().expect("a network");
    let outcome = why(&network, &Leak::new(&network), a, prefix(OFFERED))[0];
    assert_eq!((outcome.reason, outcome.unexported), (Reason::Best, Some(Reason::NoTarget)));
}
