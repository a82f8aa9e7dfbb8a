//! The VPN table of a router, as its BGP has it: a section an RD, paths under each prefix.
//!
//! A VRF's section holds what the VRF put into BGP, what its CEs told, and what it imported, which a router shows under
//! the importing VRF's RD. Routes from other routers stand under their own RD besides, if some VRF here imports them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use vrfleak_engine::attributes::WEIGHT_LOCAL;
use vrfleak_engine::{
    Address, Attributes, Candidate, FamilyLeak, Network, NextHopKind, Paths, Prefix, Protocol, Rd, RouteId, RouteKey,
    RouterId, Step, VrfId, select,
};

use crate::scope::RouterScope;

/// The paths under one RD.
#[derive(Clone, Debug)]
pub(crate) struct Section<A: Address> {
    pub(crate) rd: Rd,
    /// The VRF whose RD it is, `None` for that of another router's VRF.
    pub(crate) vrf: Option<VrfId>,
    /// The paths to each prefix, in prefix order, best first.
    pub(crate) prefixes: Vec<(Prefix<A>, Vec<Path>)>,
}

/// One path to a prefix.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) route: RouteId,
    pub(crate) key: RouteKey,
    /// As they are where the path is, an import map's work included.
    pub(crate) attributes: Attributes,
    /// The next hop that a map set.
    pub(crate) set_next_hop: Option<IpAddr>,
    pub(crate) best: bool,
    /// Whether the table has a better route of another protocol all the same.
    pub(crate) not_installed: bool,
    pub(crate) origin: Origin,
    /// Whether it came over iBGP.
    pub(crate) internal: bool,
    pub(crate) weight: u32,
}

/// Where a path comes from, seen from the section that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The VRF put it into BGP.
    Sourced,
    /// A CE of the VRF.
    Neighbor,
    /// Another VRF of the router.
    Leaked,
    /// Another router.
    Router,
}

/// Returns the sections of a router, by RD. Those of other routers' RDs are left out where only some VRFs are asked for.
pub(crate) fn sections<A: Address>(
    network: &Network,
    leak: &FamilyLeak<A>,
    scope: &RouterScope,
    whole: bool,
) -> Vec<Section<A>> {
    let mut sections = Vec::new();
    let mut remote: BTreeMap<Rd, BTreeSet<RouteId>> = BTreeMap::new();
    for &vrf in &scope.vrfs {
        let Some(rd) = network.vrf(vrf).configured_rd() else { continue };
        let mut prefixes = Vec::new();
        for (prefix, candidates) in leak.all_candidates(network, vrf) {
            let paths = paths::<A>(leak.table().paths(network), vrf, &candidates);
            for path in paths.iter().filter(|path| path.origin == Origin::Router) {
                if let Some(rd) = network.vrf(path.key.origin).rd {
                    remote.entry(rd).or_default().insert(path.route);
                }
            }
            if !paths.is_empty() {
                prefixes.push((prefix, paths));
            }
        }
        sections.push(Section { rd, vrf: Some(vrf), prefixes });
    }
    if whole {
        remote.retain(|&rd, _| sections.iter().all(|section| section.rd != rd));
        let here = network.router(scope.router).asn;
        sections.extend(remote.into_iter().map(|(rd, routes)| from_elsewhere(network, leak, rd, &routes, here)));
    }
    sections.sort_by(|a, b| {
        let name = |section: &Section<A>| section.vrf.map(|vrf| network.vrf(vrf).name.clone());
        a.rd.cmp(&b.rd).then_with(|| name(a).cmp(&name(b)))
    });
    sections.retain(|section| !section.prefixes.is_empty());
    sections
}

/// Returns the section of an RD of other routers.
fn from_elsewhere<A: Address>(
    network: &Network,
    leak: &FamilyLeak<A>,
    rd: Rd,
    routes: &BTreeSet<RouteId>,
    here: u32,
) -> Section<A> {
    let all = leak.table().paths(network);
    let mut prefixes: Vec<(Prefix<A>, Vec<Path>)> = Vec::new();
    for &route in routes {
        let prefix = leak.table().prefix(route);
        let best = prefixes.last().is_none_or(|(last, _)| *last != prefix);
        let key = leak.table().key(route);
        let path = Path {
            route,
            key,
            attributes: all.attributes(key.attributes).clone(),
            set_next_hop: all.next_hop(key.attributes),
            best,
            not_installed: false,
            origin: Origin::Router,
            internal: is_inside(network, key.origin, here),
            weight: 0,
        };
        match prefixes.last_mut() {
            Some((_, paths)) if !best => paths.push(path),
            _ => prefixes.push((prefix, vec![path])),
        }
    }
    Section { rd, vrf: None, prefixes }
}

/// Returns those candidates of a VRF that are in BGP, best first.
fn paths<A: Address>(all: Paths<'_>, vrf: VrfId, candidates: &[Candidate]) -> Vec<Path> {
    let network = all.network();
    let own = candidates.iter().filter(|candidate| candidate.key.origin == vrf).map(|candidate| candidate.key);
    let winner = own
        .filter(|key| key.protocol != Protocol::Bgp)
        .min_by_key(|&key| (select::distance(all, vrf, key), key.protocol, key.next_hop, key.attributes));
    let redistribute = network.vrf(vrf).family::<A>().redistribute;
    let in_bgp = |candidate: &&Candidate| match candidate.key {
        _ if candidate.leaked_host => false,
        key if key.origin != vrf || key.protocol == Protocol::Bgp => true,
        key => Some(key) == winner && redistribute.includes(key.protocol, all.attributes(key.attributes)),
    };
    let here: Vec<&Candidate> = candidates.iter().filter(in_bgp).collect();
    // Selection leaves the winner of BGP for the distance to decide, if it is not the best of all.
    let order = [None, Some(Step::Distance), Some(Step::Tie)];
    let best = order.into_iter().find_map(|lost| here.iter().position(|candidate| candidate.lost == lost));
    let mut paths: Vec<Path> = here
        .iter()
        .enumerate()
        .map(|(at, candidate)| {
            let origin = origin(network, vrf, candidate.key);
            let attributes = candidate.attributes(all).clone();
            let weight = match candidate.copy {
                Some(_) => attributes.weight,
                None => weight(network, candidate.key, origin, &attributes),
            };
            let set_next_hop = candidate.next_hop(all);
            let (route, key, best) = (candidate.route, candidate.key, Some(at) == best);
            let not_installed = best && candidate.lost == Some(Step::Distance);
            let internal = match origin {
                Origin::Router => is_inside(network, key.origin, network.router_of(vrf).asn),
                Origin::Neighbor => attributes.internal,
                Origin::Sourced | Origin::Leaked => false,
            };
            Path { route, key, attributes, set_next_hop, best, not_installed, origin, internal, weight }
        })
        .collect();
    paths.sort_by_key(|path| !path.best);
    paths
}

fn origin(network: &Network, vrf: VrfId, key: RouteKey) -> Origin {
    match key {
        _ if key.origin == vrf && key.protocol == Protocol::Bgp => Origin::Neighbor,
        _ if key.origin == vrf => Origin::Sourced,
        _ if network.vrf(key.origin).router == network.vrf(vrf).router => Origin::Leaked,
        _ => Origin::Router,
    }
}

/// Returns the weight that the router shows (SEMANTICS S3).
fn weight(network: &Network, key: RouteKey, origin: Origin, attributes: &Attributes) -> u32 {
    let survives = network.router_of(key.origin).dialect.weight_survives_leak && key.protocol != Protocol::Bgp;
    match origin {
        Origin::Sourced => WEIGHT_LOCAL,
        Origin::Neighbor => attributes.weight,
        Origin::Leaked if survives => WEIGHT_LOCAL,
        Origin::Leaked | Origin::Router => 0,
    }
}

impl Path {
    /// Returns the address of the next hop, the unspecified one where the router itself is it.
    pub(crate) fn next_hop<A: Address>(&self, network: &Network) -> IpAddr {
        let own = match network.next_hop(self.key.next_hop).kind {
            NextHopKind::Gateway { address, .. } => address,
            _ => A::ZERO.to_ip(),
        };
        self.set_next_hop.unwrap_or(match self.origin {
            Origin::Router => network.router_of(self.key.origin).loopback,
            _ => own,
        })
    }
}

/// Returns whether a VRF of another router is in the AS `here`; of a router outside the model that is taken for granted.
fn is_inside(network: &Network, vrf: VrfId, here: u32) -> bool {
    let router = network.router_of(vrf);
    router.outside || router.asn == here
}

/// Returns how many prefixes there are, each RD's on its own.
pub(crate) fn entries<A: Address>(sections: &[Section<A>]) -> usize {
    sections.iter().map(|section| section.prefixes.len()).sum()
}

/// Returns the identifier of a router as BGP shows it.
pub(crate) fn router_id(network: &Network, router: RouterId) -> IpAddr {
    IpAddr::V4(network.router(router).router_id)
}
