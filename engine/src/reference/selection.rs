//! Selection as the definition writes it: who sees what of a route, and which one is left (S1 to S4).

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::candidate::Candidate;
use super::{in_bgp, own_winner};
use crate::address::Address;
use crate::attributes::{Attributes, WEIGHT_LOCAL};
use crate::id::{RouterId, VrfId};
use crate::network::Network;
use crate::rd::Rd;
use crate::source_route::Protocol;
use crate::vrf::MaximumPaths;

/// Returns routes in the order of S2: the best, the best of the rest, and so on.
pub(super) fn ranked(network: &Network, viewer: Viewer, mut routes: Vec<&Candidate>) -> Vec<Candidate> {
    let mut order = Vec::new();
    while let Some(first) = best(routes.iter().map(|route| path(network, viewer, route)).collect()) {
        routes.retain(|&route| *route != first);
        order.push(first);
    }
    order
}

/// S1, S3: returns the best of a VRF's own and imported routes for a prefix. Its own winner and the best of BGP meet,
/// and the lower distance decides; where it is equal the VRF's own stays. S4: and what is installed beside it.
pub(super) fn select<A: Address>(
    network: &Network,
    vrf: VrfId,
    own: &BTreeSet<Candidate>,
    imported: &BTreeSet<Candidate>,
) -> Option<(Candidate, Vec<Candidate>)> {
    // E1: of several depths the lowest alone counts; the VRF's own has depth 0.
    let depth = own.iter().chain(imported).map(Candidate::depth).min();
    let imported: Vec<&Candidate> = imported.iter().filter(|route| Some(route.depth()) == depth).collect();
    let here = Viewer::Router(network.vrf(vrf).router);
    let in_bgp = in_bgp::<A>(network, vrf, own);
    let in_bgp = in_bgp.iter().map(|own| path(network, Viewer::Itself, own));
    let paths: Vec<Path<'_>> = in_bgp.chain(imported.iter().map(|imported| path(network, here, imported))).collect();
    let bgp = best(paths.clone());
    let winner = own_winner(network, vrf, own);
    let best = winner.clone().into_iter().chain(bgp.clone()).min_by_key(|route| distance(network, vrf, route))?;
    let multipath = if bgp.as_ref() == Some(&best) && winner.as_ref() != Some(&best) {
        // What may stand beside the best one by its AS path, as the dialect has it.
        let rule = network.router_of(vrf).dialect.equal_paths;
        let facts = |route: &Candidate| (route.attributes(network).clone(), route.origin != vrf);
        let (first, imported) = facts(&best);
        let alike = |route: &Candidate| {
            let (attributes, is_imported) = facts(route);
            rule.allows((&attributes, is_imported), (&first, imported))
        };
        beside(paths, &best, network.vrf(vrf).family::<A>().maximum_paths, alike)
    } else {
        Vec::new()
    };
    Some((best, multipath))
}

/// S4: returns the paths that are equal to the best one through the IGP metric, as many as may be installed with it.
fn beside(
    mut paths: Vec<Path<'_>>,
    first: &Candidate,
    maximum: MaximumPaths,
    alike: impl Fn(&Candidate) -> bool,
) -> Vec<Candidate> {
    keep_best_through_med(&mut paths);
    if !maximum.eibgp {
        keep_lowest(&mut paths, |path| Reverse(path.external));
    }
    // Paths over eBGP have no way through the core.
    let lowest = paths.iter().filter(|path| !path.external).map(|path| path.igp_metric).min();
    paths.retain(|path| path.external || Some(path.igp_metric) == lowest);
    let mut order = Vec::new();
    while let Some(next) = best(paths.clone()) {
        paths.retain(|path| *path.route != next);
        order.push(next);
    }
    order.retain(alike);
    order.truncate(maximum.paths as usize);
    order.retain(|route| route != first);
    order
}

/// S1: returns the administrative distance of a route in a VRF.
pub(super) fn distance(network: &Network, vrf: VrfId, route: &Candidate) -> u8 {
    let attributes = route.attributes(network);
    let router = network.vrf(vrf).router;
    let keeps = network.router(router).dialect.leaks_protocols && network.vrf(route.origin).router == router;
    // An import map sees no distance, and leaves the route's own as it is.
    let own = network.attributes()[route.attributes.index()].distance;
    match route.protocol {
        _ if route.leaked_host => 0,
        Protocol::Connected | Protocol::Local if route.origin == vrf || keeps => 0,
        Protocol::Static if route.origin == vrf => attributes.distance.unwrap_or(1),
        Protocol::Static if keeps => own.unwrap_or(1),
        _ => network.router_of(vrf).dialect.bgp_distances[usize::from(is_internal(network, vrf, route))],
    }
}

/// Returns whether a route came to a VRF over iBGP.
pub(super) fn is_internal(network: &Network, vrf: VrfId, route: &Candidate) -> bool {
    let same_router = network.vrf(route.origin).router == network.vrf(vrf).router;
    !same_router || route.protocol == Protocol::Bgp && route.attributes(network).internal
}

/// Who compares.
#[derive(Clone, Copy)]
pub(super) enum Viewer {
    /// The VRF that has the route.
    Itself,
    /// A router to which the route came as a VPN route.
    Router(RouterId),
    /// A route reflector, to which every route is another router's.
    Reflector,
}

/// A route in BGP with all that S2 compares, as somebody sees it.
#[derive(Clone)]
pub(super) struct Path<'a> {
    route: &'a Candidate,
    attributes: &'a Attributes,
    pub(super) weight: u32,
    /// Whether the viewer itself put the route into BGP.
    originated: bool,
    external: bool,
    igp_metric: u32,
    router_id: u32,
    /// As an integer, IPv4 and IPv6 alike.
    next_hop: u128,
    rd: Option<Rd>,
}

/// Returns the route as `viewer` sees it.
pub(super) fn path<'a>(network: &'a Network, viewer: Viewer, route: &'a Candidate) -> Path<'a> {
    let attributes = route.attributes(network);
    let vrf = network.vrf(route.origin);
    let router = network.router(vrf.router);
    let redistributed = route.protocol != Protocol::Bgp;
    let external = redistributed || !attributes.internal;
    let integer = |address| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    let gateway = network.next_hop(route.next_hop).kind.address().map_or(0, integer);
    let loopback = integer(router.loopback);
    // S3: the weight that the origin gave what it redistributed survives a leak inside one router where the dialect says
    // so; no other weight leaves its VRF.
    let survives = redistributed && router.dialect.weight_survives_leak;
    let (weight, external, igp_metric, next_hop) = match viewer {
        Viewer::Itself => (if redistributed { WEIGHT_LOCAL } else { attributes.weight }, external, 0, gateway),
        Viewer::Router(at) if at == vrf.router => (if survives { WEIGHT_LOCAL } else { 0 }, external, 0, gateway),
        // A next hop here is nearer than any that the IGP leads to.
        Viewer::Router(at) => (0, false, network.igp_metric(at, vrf.router).saturating_add(1), loopback),
        Viewer::Reflector => (0, false, 0, loopback),
    };
    // I3, E3: what a map set stands for what the viewer would see.
    let changes = route.changes.as_deref();
    let weight = if changes.is_some_and(|changes| changes.imported) { attributes.weight } else { weight };
    let next_hop = changes.and_then(|changes| changes.next_hop).map_or(next_hop, integer);
    let originated = redistributed && matches!(viewer, Viewer::Itself);
    let router_id = router.router_id.to_bits();
    Path { route, attributes, weight, originated, external, igp_metric, router_id, next_hop, rd: vrf.rd }
}

/// S2: each step leaves only the best of those that the step before left.
pub(super) fn best(mut paths: Vec<Path<'_>>) -> Option<Candidate> {
    keep_best_through_med(&mut paths);
    keep_lowest(&mut paths, |path| Reverse(path.external));
    keep_lowest(&mut paths, |path| path.igp_metric);
    keep_lowest(&mut paths, |path| path.router_id);
    keep_lowest(&mut paths, |path| path.next_hop);
    keep_lowest(&mut paths, |path| path.rd);
    paths.iter().map(|path| path.route).min().cloned()
}

/// The steps of S2 through the MED, after that of E1: the lower depth wins.
fn keep_best_through_med(paths: &mut Vec<Path<'_>>) {
    keep_lowest(paths, |path| path.route.depth());
    keep_lowest(paths, |path| Reverse(path.weight));
    keep_lowest(paths, |path| Reverse(path.attributes.local_preference));
    keep_lowest(paths, |path| Reverse(path.originated));
    keep_lowest(paths, |path| path.attributes.as_path.len());
    keep_lowest(paths, |path| path.attributes.origin);
    // The MED says something only between paths of one neighbouring AS (RFC 4271 section 9.1.2.2 c).
    let meds: Vec<_> = paths.iter().map(|path| (path.attributes.neighbor_as(), path.attributes.med)).collect();
    paths.retain(|path| {
        !meds.iter().any(|&(asn, med)| asn == path.attributes.neighbor_as() && med < path.attributes.med)
    });
}

/// Drops the paths whose key is not the lowest.
fn keep_lowest<K: Ord>(paths: &mut Vec<Path<'_>>, key: impl Fn(&Path<'_>) -> K) {
    let lowest = paths.iter().map(&key).min();
    paths.retain(|path| Some(key(path)) == lowest);
}
