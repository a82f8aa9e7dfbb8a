//! Random policies, and what VRFs do with routes besides importing them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use vrfleak_engine::policy::{
    Action, Change, Clause, CommunityTest, Condition, Flow, List, ListEntry, Member, Number, PrefixEntry, PrefixList,
    Protocols,
};
use vrfleak_engine::{
    Address, Community, EqualPaths, MaximumPaths, MaximumRoutes, NetworkBuilder, OriginCode, OverLimit, PolicyId,
    Protocol, Rd, RouteTarget, VrfId,
};

use super::{pick, prefix, target};

/// Returns a clause that matches some routes, changes some of them, and accepts most.
pub(crate) fn clause([condition, argument, action, value, flow]: [u8; 5]) -> Clause {
    let then = pick(&[Flow::Accept, Flow::Accept, Flow::Accept, Flow::Deny, Flow::Next], flow);
    Clause {
        condition: when(condition, argument),
        actions: actions(action, value),
        passes: then == Flow::Next && flow & 0x80 != 0,
        then,
        ..Clause::default()
    }
}

fn when(byte: u8, argument: u8) -> Condition {
    match byte % 10 {
        0 | 1 => Condition::Always,
        2 => {
            let ipv4 = PrefixEntry::new(argument & 1 == 0, prefix::<u32>(argument), 0, 32);
            let ipv6 = PrefixEntry::new(true, prefix::<u128>(argument), 0, 128);
            Condition::Prefix(PrefixList::new("list", vec![ipv4], vec![ipv6]).into())
        }
        3 => {
            let wanted = Member::Exact(target(argument));
            let entries = vec![ListEntry { permit: true, test: CommunityTest::AnyOf(vec![wanted].into()) }];
            Condition::Targets(Arc::new(List { name: "targets".into(), entries }))
        }
        4 => Condition::Protocol(
            Protocols::default().with(pick(&[Protocol::Bgp, Protocol::Static, Protocol::Connected], argument)),
        ),
        5 => Condition::Rd([pick(&[Rd::as2(65535, 1), Rd::as2(65535, 2), Rd::as2(65000, 90)], argument)].into()),
        6 => {
            let half = if argument & 1 == 0 { "0.0.0.0/1" } else { "10.0.0.8/29" };
            let half = half.parse().expect("a prefix");
            let ipv4 = PrefixEntry::new(true, half, 32, 32);
            Condition::NextHop(PrefixList::new("next hops", vec![ipv4], Vec::new()).into())
        }
        7 => Condition::Between(Number::Weight, u32::from(argument & 1) * 30_000, 40_000),
        8 => Condition::Between(Number::LocalPreference, 100, 150),
        _ => Condition::Between(Number::Tag, 7, 7),
    }
}

fn actions(byte: u8, value: u8) -> Vec<Action> {
    let number = u32::from(value % 4) * 50;
    match byte % 12 {
        0 | 1 => Vec::new(),
        2 => vec![Action::LocalPreference(Change::Set(50 + number))],
        3 => vec![Action::Med(Change::Add(number))],
        4 => vec![Action::Weight(Change::Set(number))],
        5 => vec![Action::Prepend(vec![pick(&[1, 2, 65000, 65001], value); usize::from(value >> 4 & 1) + 1].into())],
        6 => vec![Action::Origin(OriginCode::Igp)],
        7 => vec![Action::AddTargets([target(value)].into())],
        8 => vec![Action::SetTargets([target(value)].into()), Action::LocalPreference(Change::Add(number))],
        9 => vec![Action::AddCommunities([Community::new(1, u16::from(value))].into()), Action::Tag(7)],
        10 => vec![Action::NextHop(IpAddr::V4(Ipv4Addr::new(10, 0, 0, value & 15)))],
        _ => vec![Action::SetTargets(Box::<[RouteTarget]>::default())],
    }
}

/// Gives a VRF maps, limits, multipath and the switch of re-exports: each in some VRFs only.
pub(crate) fn follow(builder: &mut NetworkBuilder, vrf: VrfId, habits: [u8; 8], policies: &[PolicyId]) {
    let [reexport, maps4, maps6, loops, paths, limit4, limit6, over] = habits;
    builder.vrf_mut(vrf).reexport_imported = reexport % 3 == 0;
    family::<u32>(builder, vrf, [maps4, loops, paths, limit4, over], policies);
    family::<u128>(builder, vrf, [maps6, loops >> 4, paths >> 4, limit6, over >> 4], policies);
}

fn family<A: Address>(
    builder: &mut NetworkBuilder,
    vrf: VrfId,
    [maps, loops, paths, limit, over]: [u8; 5],
    policies: &[PolicyId],
) {
    let family = builder.family::<A>(vrf);
    let map =
        |bits: u8| if policies.is_empty() || bits.is_multiple_of(2) { None } else { Some(pick(policies, bits >> 1)) };
    family.import_map = map(maps & 15);
    family.export_map = map(maps >> 4);
    family.allowas_in = pick(&[0, 0, 1, 2], loops);
    family.import_paths = pick(&[1, 1, 2, u32::MAX], loops >> 2);
    family.maximum_paths = MaximumPaths { paths: pick(&[1, 1, 2, 3, 8], paths & 7), eibgp: paths & 8 != 0 };
    let over = pick(&[OverLimit::Reject, OverLimit::Reject, OverLimit::WarningOnly], over & 15);
    family.maximum_routes = (limit % 3 == 0).then(|| MaximumRoutes { limit: u32::from(limit / 3 % 16), over });
}

/// Lets each VRF import what the one before it exports, and most export it again.
pub(crate) fn chain(builder: &mut NetworkBuilder, vrfs: &[VrfId]) {
    for (at, &vrf) in (0_u8..).zip(vrfs) {
        builder.vrf_mut(vrf).reexport_imported = at % 8 != 6;
        for_both(builder, vrf, &[target(at.wrapping_sub(1))], &[target(at)]);
    }
}

/// Makes the first VRF of each router its default table, and lets others have its routes, give it theirs, or both
/// (SEMANTICS I8).
pub(crate) fn default_tables(builder: &mut NetworkBuilder, vrfs: &[VrfId]) {
    let mut routers = Vec::new();
    for (at, &vrf) in vrfs.iter().enumerate() {
        let router = builder.vrf_mut(vrf).router;
        let (from, to) = (RouteTarget::from_default_table(router), RouteTarget::to_default_table(router));
        let (mut import, mut export) = (vec![from], vec![to]);
        if !routers.contains(&router) {
            routers.push(router);
            builder.vrf_mut(vrf).rd = Some(Rd::of_default_table(router));
            (import, export) = (export, import);
        } else if at % 3 == 1 {
            import.clear();
        } else if at % 3 == 2 {
            export.clear();
        }
        builder.vrf_mut(vrf).reexport_from_default = at % 2 == 0;
        extend::<u32>(builder, vrf, &import, &export);
        extend::<u128>(builder, vrf, &import, &export);
    }
}

fn extend<A: Address>(builder: &mut NetworkBuilder, vrf: VrfId, import: &[RouteTarget], export: &[RouteTarget]) {
    let family = builder.family::<A>(vrf);
    family.import.extend(import);
    family.export.extend(export);
}

/// Lets all VRFs import what all export, and install several paths.
pub(crate) fn share(builder: &mut NetworkBuilder, vrfs: &[VrfId]) {
    for (at, &vrf) in (0_u32..).zip(vrfs) {
        for_both(builder, vrf, &[target(0)], &[target(0)]);
        let router = builder.vrf_mut(vrf).router;
        builder.router_mut(router).dialect.equal_paths = EqualPaths::Length;
        let maximum_paths = MaximumPaths { paths: at + 1, eibgp: at % 2 == 0 };
        builder.family::<u32>(vrf).maximum_paths = maximum_paths;
        builder.family::<u128>(vrf).maximum_paths = maximum_paths;
    }
}

fn for_both(builder: &mut NetworkBuilder, vrf: VrfId, import: &[RouteTarget], export: &[RouteTarget]) {
    let ipv4 = builder.family::<u32>(vrf);
    (ipv4.import, ipv4.export) = (import.to_vec(), export.to_vec());
    let ipv6 = builder.family::<u128>(vrf);
    (ipv6.import, ipv6.export) = (import.to_vec(), export.to_vec());
}
