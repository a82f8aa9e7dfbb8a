//! Leaked routes that cover own ones or lie inside of them, and default routes leaked beside own ones.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use vrfleak_engine::{Address, FamilyLeak, Network, NextHopKind, Prefix, Protocol, RouteId, RouteTarget, VrfId};

use crate::Input;
use crate::finding::{Finding, Findings, Kind, counted, name, place};
use crate::targets::imports;

/// How many entries of RIBs are looked at in all.
const MAX_ENTRIES: usize = 2_000_000_000;

pub(crate) fn lint<A: Address>(input: &Input<'_>, findings: &mut Findings) {
    let Input { network, leak, .. } = *input;
    let leak = leak.family::<A>();
    let looked_at = AtomicUsize::new(0);
    let overlaps: Vec<Overlaps<A>> = (0..network.vrfs().len())
        .into_par_iter()
        .map(|index| {
            let vrf = VrfId::from_index(index);
            let entries = leak.rib(vrf).len();
            let has_own = !network.vrf(vrf).family::<A>().routes.is_empty();
            let in_bounds = looked_at.fetch_add(entries, Ordering::Relaxed) < MAX_ENTRIES;
            if has_own && in_bounds && !network.router_of(vrf).outside {
                Overlaps::of(network, leak, vrf)
            } else {
                Overlaps::default()
            }
        })
        .collect();
    if looked_at.into_inner() > MAX_ENTRIES {
        findings.set_incomplete();
    }
    for (index, overlaps) in overlaps.iter().enumerate() {
        let vrf = VrfId::from_index(index);
        for (kind, overlap) in [(Kind::LeakedInsideOwn, &overlaps.inside), (Kind::LeakedCoversOwn, &overlaps.covers)] {
            let Some((own, leaked, other)) = overlap.first else { continue };
            findings.push(kind, || {
                let more = match overlap.count {
                    1 => String::new(),
                    count => format!(", and {} like it", counted(count - 1, "other")),
                };
                let (vrf_name, other_name) = (name(network, vrf), name(network, other));
                let message = if kind == Kind::LeakedInsideOwn {
                    format!("{leaked} of {other_name} takes packets from the own {own} of VRF {vrf_name}{more}")
                } else {
                    format!("{leaked} of {other_name} covers the own {own} of VRF {vrf_name}{more}")
                };
                finding::<A>(input, kind, vrf, other, message)
            });
        }
    }
    defaults::<A>(input, findings);
}

fn finding<A: Address>(input: &Input<'_>, kind: Kind, vrf: VrfId, other: VrfId, message: String) -> Finding {
    let place = place(input.provenance, vrf, |origin| Some(origin.definition));
    Finding { kind, place, vrf: Some(vrf), other: Some(other), families: vec![A::FAMILY], message }
}

/// The overlaps in the table of one VRF.
struct Overlaps<A: Address> {
    /// Leaked routes inside own ones.
    inside: Overlap<A>,
    /// Own routes inside leaked ones.
    covers: Overlap<A>,
}

/// One way to overlap: how often, and the first pair of an own and a leaked prefix.
struct Overlap<A: Address> {
    count: usize,
    first: Option<(Prefix<A>, Prefix<A>, VrfId)>,
}

impl<A: Address> Default for Overlaps<A> {
    fn default() -> Self {
        let none = || Overlap { count: 0, first: None };
        Self { inside: none(), covers: none() }
    }
}

/// What an entry is to its VRF.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Own,
    Leaked(VrfId),
}

impl<A: Address> Overlaps<A> {
    /// Walks the table in prefix order, which has what covers a prefix before it.
    fn of(network: &Network, leak: &FamilyLeak<A>, vrf: VrfId) -> Self {
        let mut found = Self::default();
        // The prefixes around the entry, the longest last.
        let mut around: Vec<(Prefix<A>, Side)> = Vec::new();
        for route in leak.rib(vrf) {
            let Some(side) = side(network, leak, vrf, route) else { continue };
            let prefix = leak.table().prefix(route);
            // A default route covers everything and is meant to.
            if prefix.len() == 0 {
                continue;
            }
            while around.last().is_some_and(|(outer, _)| !outer.covers(prefix)) {
                around.pop();
            }
            let outer = around.iter().rev().find(|(_, outer)| (*outer == Side::Own) != (side == Side::Own));
            match (outer, side) {
                (Some(&(leaked, Side::Leaked(other))), Side::Own) => found.covers.add(prefix, leaked, other),
                (Some(&(own, Side::Own)), Side::Leaked(other)) => found.inside.add(own, prefix, other),
                _ => {}
            }
            around.push((prefix, side));
        }
        found
    }
}

impl<A: Address> Overlap<A> {
    fn add(&mut self, own: Prefix<A>, leaked: Prefix<A>, other: VrfId) {
        self.count += 1;
        self.first.get_or_insert((own, leaked, other));
    }
}

/// Returns what an entry is, or `None` for one that does not count: an address of the router itself, an own aggregate that
/// leads nowhere, and a route of another site of the same VPN, told by its name.
fn side<A: Address>(network: &Network, leak: &FamilyLeak<A>, vrf: VrfId, route: RouteId) -> Option<Side> {
    let table = leak.table();
    let origin = table.origin(route);
    if table.protocol(route) == Protocol::Local {
        None
    } else if origin == vrf {
        let discards = matches!(network.next_hop(table.next_hop(route)).kind, NextHopKind::Discard);
        (!discards).then_some(Side::Own)
    } else {
        (network.vrf(origin).name != network.vrf(vrf).name).then_some(Side::Leaked(origin))
    }
}

/// Reports VRFs that have a default route and import another.
fn defaults<A: Address>(input: &Input<'_>, findings: &mut Findings) {
    let Input { network, leak, .. } = *input;
    let table = leak.family::<A>().table();
    let default = |route: &RouteId| table.prefix(*route).len() == 0;
    let exported = (0..table.len()).map(RouteId::from_index).take_while(|route| {
        // The zero address comes first, and of its prefixes the shortest.
        default(route)
    });
    let mut offers: Vec<(RouteTarget, VrfId)> = Vec::new();
    for route in exported.filter(|&route| table.status(route).is_vpn_route()) {
        offers.extend(table.target_sets().of(table.targets(route)).map(|target| (target, table.origin(route))));
    }
    offers.sort_unstable();
    offers.dedup();
    if offers.is_empty() {
        return;
    }
    for vrf in network.vrf_ids() {
        if !network.vrf(vrf).family::<A>().routes.iter().any(|route| route.prefix().len() == 0) {
            continue;
        }
        let offer = imports::<A>(network, vrf).iter().find_map(|&target| {
            let start = offers.partition_point(|offer| offer.0 < target);
            let same = offers[start..].iter().take_while(|offer| offer.0 == target);
            // Another site of the same VPN may well have its own way out.
            same.map(|offer| offer.1).find(|&origin| origin != vrf && network.vrf(origin).name != network.vrf(vrf).name)
        });
        let Some(other) = offer else { continue };
        findings.push(Kind::LeakedDefault, || {
            let message = format!(
                "VRF {} has a default route of its own and imports that of {}",
                name(network, vrf),
                name(network, other)
            );
            finding::<A>(input, Kind::LeakedDefault, vrf, other, message)
        });
    }
}
