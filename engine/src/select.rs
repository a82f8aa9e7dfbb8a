//! Selection: which of several routes to one prefix a VRF uses, and the step that decided (SEMANTICS S1, S2).
//!
//! The steps of S2 eliminate: each keeps those of the remaining candidates that are best by it (RFC 4271 section
//! 9.1.2.2). All steps but the MED compare any two candidates; the MED only those from one neighbouring AS, so that no
//! order of single candidates can express it. Where it plays a part the engine therefore selects from the whole set,
//! here, and uses its global rank everywhere else.

use std::cmp::Reverse;
use std::fmt;
use std::sync::Arc;

use crate::address::Address;
use crate::attributes::{OriginCode, WEIGHT_LOCAL};
use crate::id::{AttributesId, NextHopId, RouterId, VrfId};
use crate::imported::ImportedCopy;
use crate::network::Network;
use crate::paths::Paths;
use crate::rd::Rd;
use crate::router::Dialect;
use crate::source_route::Protocol;
use crate::vrf::MaximumPaths;

/// The step of S1 or S2 at which a candidate lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// E1: exported again by more VRFs.
    Reexport,
    /// S1: higher administrative distance.
    Distance,
    /// Lower weight.
    Weight,
    /// Lower local preference.
    LocalPreference,
    /// Learned, where another was originated locally.
    LocallyOriginated,
    /// Longer AS path.
    AsPathLength,
    /// Higher origin code.
    Origin,
    /// Higher MED than another from the same neighbouring AS.
    Med,
    /// iBGP, where another is eBGP.
    External,
    /// Higher IGP metric to the next hop.
    IgpMetric,
    /// Higher router id.
    RouterId,
    /// Higher next-hop address.
    NextHopAddress,
    /// Higher RD.
    Rd,
    /// Equal in all that BGP compares; a fixed order decides.
    Tie,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reexport => "exported again",
            Self::Distance => "administrative distance",
            Self::Weight => "weight",
            Self::LocalPreference => "local preference",
            Self::LocallyOriginated => "locally originated",
            Self::AsPathLength => "AS path length",
            Self::Origin => "origin",
            Self::Med => "MED",
            Self::External => "eBGP over iBGP",
            Self::IgpMetric => "IGP metric",
            Self::RouterId => "router id",
            Self::NextHopAddress => "next-hop address",
            Self::Rd => "RD",
            Self::Tie => "tie",
        })
    }
}

/// From where a route is looked at. The same route weighs differently in its own VRF, in another VRF of its router, and
/// on another router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewpoint {
    /// A VRF that has the route itself or may import it.
    Vrf(VrfId),
    /// A router that compares VPN routes before any import.
    Router(RouterId),
    /// A reflector: every route is from elsewhere.
    Reflector,
}

/// A route's identity apart from its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteKey {
    /// The VRF that has the route.
    pub origin: VrfId,
    /// Its next hop there.
    pub next_hop: NextHopId,
    /// Its attributes.
    pub attributes: AttributesId,
    /// Where it has the route from.
    pub protocol: Protocol,
}

/// How near the origin of a route is to the viewpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nearness {
    Own,
    SameRouter,
    Elsewhere,
}

/// A route as BGP sees it from a viewpoint: one field a step of S2, each smaller the better.
#[derive(Clone, Copy, Debug)]
struct Seen {
    depth: u32,
    weight: Reverse<u32>,
    local_preference: Reverse<u32>,
    learned: bool,
    as_path_length: usize,
    origin: OriginCode,
    neighbor_as: Option<u32>,
    med: u32,
    internal: bool,
    igp_metric: u32,
    router_id: u32,
    next_hop_address: u128,
    rd: Option<Rd>,
    distance: u8,
    key: RouteKey,
}

fn nearness(network: &Network, viewpoint: Viewpoint, origin: VrfId) -> Nearness {
    let router = network.vrf(origin).router;
    match viewpoint {
        Viewpoint::Vrf(vrf) if vrf == origin => Nearness::Own,
        Viewpoint::Vrf(vrf) if network.vrf(vrf).router == router => Nearness::SameRouter,
        Viewpoint::Router(here) if here == router => Nearness::SameRouter,
        _ => Nearness::Elsewhere,
    }
}

fn see(paths: Paths<'_>, viewpoint: Viewpoint, key: RouteKey, copy: Option<&ImportedCopy>) -> Seen {
    let network = paths.network();
    let attributes = copy.map_or_else(|| paths.attributes(key.attributes), |copy| &copy.attributes);
    let near = nearness(network, viewpoint, key.origin);
    let origin = network.vrf(key.origin);
    let router = network.router(origin.router);
    let redistributed = key.protocol != Protocol::Bgp;
    let weight = match near {
        // What an import map sees and sets is the weight of the copy.
        _ if copy.is_some() => attributes.weight,
        Nearness::Own if redistributed => WEIGHT_LOCAL,
        Nearness::Own => attributes.weight,
        Nearness::SameRouter => weight_of_leaked(network, key),
        Nearness::Elsewhere => 0,
    };
    let internal = match near {
        Nearness::Elsewhere => true,
        _ => !redistributed && attributes.internal,
    };
    let here = match viewpoint {
        Viewpoint::Vrf(vrf) => Some(network.vrf(vrf).router),
        Viewpoint::Router(router) => Some(router),
        Viewpoint::Reflector => None,
    };
    let set = copy.and_then(|copy| copy.next_hop).or_else(|| paths.next_hop(key.attributes));
    let next_hop_address = set.or_else(|| match near {
        Nearness::Elsewhere => Some(router.loopback),
        _ => network.next_hop(key.next_hop).kind.address(),
    });
    Seen {
        depth: paths.depth(key.attributes),
        weight: Reverse(weight),
        local_preference: Reverse(attributes.local_preference),
        learned: !(redistributed && near == Nearness::Own),
        as_path_length: attributes.as_path.len(),
        origin: attributes.origin,
        neighbor_as: attributes.neighbor_as(),
        med: attributes.med,
        internal,
        // The way to another router is longer than none, whatever the IGP says of it.
        igp_metric: match here {
            Some(here) if here != origin.router => network.igp_metric(here, origin.router).saturating_add(1),
            _ => 0,
        },
        router_id: router.router_id.to_bits(),
        next_hop_address: match next_hop_address {
            None => 0,
            Some(std::net::IpAddr::V4(address)) => u128::from(address.to_bits()),
            Some(std::net::IpAddr::V6(address)) => address.to_bits(),
        },
        rd: origin.rd,
        distance: match near {
            Nearness::SameRouter if redistributed && router.dialect.leaks_protocols => own_distance(paths, key),
            _ => here.map_or(&Dialect::NATIVE, |here| &network.router(here).dialect).bgp_distance(internal),
        },
        key,
    }
}

/// Returns the weight that a route of the same router has in another VRF before an import map has a say (SEMANTICS S3).
pub(crate) fn weight_of_leaked(network: &Network, key: RouteKey) -> u32 {
    let survives = network.router_of(key.origin).dialect.weight_survives_leak;
    if survives && key.protocol != Protocol::Bgp { WEIGHT_LOCAL } else { 0 }
}

/// Keeps the candidates that are best by `measure`; those that go are marked with `step`.
fn keep_best<T: Ord>(
    left: &mut Vec<(usize, Seen)>,
    lost: &mut [Option<Step>],
    step: Step,
    measure: impl Fn(&Seen) -> T,
) {
    if left.len() < 2 {
        return;
    }
    let Some(best) = left.iter().map(|(_, seen)| measure(seen)).min() else { return };
    left.retain(|(index, seen)| {
        let keep = measure(seen) == best;
        if !keep {
            lost[*index] = Some(step);
        }
        keep
    });
}

/// Eliminates by S2 until one is left and returns it; `lost` gets the step of each that went.
fn eliminate(mut left: Vec<(usize, Seen)>, lost: &mut [Option<Step>]) -> Option<(usize, Seen)> {
    let left = &mut left;
    eliminate_to_med(left, lost);
    keep_best(left, lost, Step::External, |seen| seen.internal);
    keep_best(left, lost, Step::IgpMetric, |seen| seen.igp_metric);
    keep_best(left, lost, Step::RouterId, |seen| seen.router_id);
    keep_best(left, lost, Step::NextHopAddress, |seen| seen.next_hop_address);
    keep_best(left, lost, Step::Rd, |seen| seen.rd);
    keep_best(left, lost, Step::Tie, |seen| seen.key);
    left.first().copied()
}

/// Eliminates by the depth of re-exports (SEMANTICS E1) and the steps of S2 up to the MED.
fn eliminate_to_med(left: &mut Vec<(usize, Seen)>, lost: &mut [Option<Step>]) {
    keep_best(left, lost, Step::Reexport, |seen| seen.depth);
    keep_best(left, lost, Step::Weight, |seen| seen.weight);
    keep_best(left, lost, Step::LocalPreference, |seen| seen.local_preference);
    keep_best(left, lost, Step::LocallyOriginated, |seen| seen.learned);
    keep_best(left, lost, Step::AsPathLength, |seen| seen.as_path_length);
    keep_best(left, lost, Step::Origin, |seen| seen.origin);
    let meds: Vec<(Option<u32>, u32)> = left.iter().map(|(_, seen)| (seen.neighbor_as, seen.med)).collect();
    keep_best(left, lost, Step::Med, |seen| {
        meds.iter().any(|&(neighbor, med)| neighbor == seen.neighbor_as && med < seen.med)
    });
}

/// Returns the position of the best VPN route of `routes` by S2 as `viewpoint` sees them, `None` if there is none.
///
/// O(routes · distinct MEDs).
pub(crate) fn best_vpn_route(paths: Paths<'_>, viewpoint: Viewpoint, routes: &[RouteKey]) -> Option<usize> {
    let seen = routes.iter().map(|&key| see(paths, viewpoint, key, None)).enumerate().collect();
    eliminate(seen, &mut vec![None; routes.len()]).map(|(index, _)| index)
}

/// The candidates of a VRF for one prefix, with the copies that its import map made of some.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contest<'a> {
    pub(crate) keys: &'a [RouteKey],
    /// By position; shorter where nothing behind it was changed.
    pub(crate) copies: &'a [Option<Arc<ImportedCopy>>],
}

impl<'a> Contest<'a> {
    fn copy(self, index: usize) -> Option<&'a ImportedCopy> {
        self.copies.get(index)?.as_deref()
    }

    fn see(self, paths: Paths<'_>, vrf: VrfId, index: usize) -> Seen {
        see(paths, Viewpoint::Vrf(vrf), self.keys[index], self.copy(index))
    }
}

/// Returns the positions of `which` among the candidates in the order of S2: the best, the best of the rest, and so on.
///
/// O(candidates²).
pub(crate) fn ranked(paths: Paths<'_>, vrf: VrfId, contest: Contest<'_>, which: &[usize]) -> Vec<usize> {
    let mut rest: Vec<(usize, Seen)> = which.iter().map(|&index| (index, contest.see(paths, vrf, index))).collect();
    let mut lost = vec![None; contest.keys.len()];
    let mut order = Vec::with_capacity(rest.len());
    while let Some((best, _)) = eliminate(rest.clone(), &mut lost) {
        order.push(best);
        rest.retain(|&(index, _)| index != best);
    }
    order
}

/// Returns the positions of the candidates that are installed beside the best one, in the order of S2 (SEMANTICS S4):
/// those that are equal to it through the step of the IGP metric, `maximum` in all with it.
///
/// Nothing stands beside a route that is not BGP's.
pub(crate) fn equal_paths<A: Address>(
    paths: Paths<'_>,
    vrf: VrfId,
    contest: Contest<'_>,
    best: usize,
    maximum: MaximumPaths,
) -> Vec<usize> {
    let key = contest.keys[best];
    if maximum.paths <= 1 || (key.origin == vrf || key.protocol == Protocol::Local) && key.protocol != Protocol::Bgp {
        return Vec::new();
    }
    let mut lost = vec![None; contest.keys.len()];
    let mut left = in_bgp::<A>(paths, vrf, contest, own_winner(paths, vrf, contest.keys));
    eliminate_to_med(&mut left, &mut lost);
    if !maximum.eibgp {
        keep_best(&mut left, &mut lost, Step::External, |seen| seen.internal);
    }
    let lowest = left.iter().filter(|(_, seen)| seen.internal).map(|(_, seen)| seen.igp_metric).min();
    left.retain(|(_, seen)| !seen.internal || Some(seen.igp_metric) == lowest);
    let rule = paths.network().router_of(vrf).dialect.equal_paths;
    let path = |index: usize| {
        let own = paths.attributes(contest.keys[index].attributes);
        (contest.copy(index).map_or(own, |copy| &copy.attributes), contest.keys[index].origin != vrf)
    };
    let beside = left.iter().map(|&(index, _)| index);
    let equal: Vec<usize> = beside.filter(|&index| rule.allows(path(index), path(best))).collect();
    let mut order = ranked(paths, vrf, contest, &equal);
    order.truncate(maximum.paths as usize);
    order.retain(|&index| index != best);
    order
}

/// What a VRF makes of the candidates for one prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The position of the best, `None` only where there are no candidates.
    pub best: Option<usize>,
    /// For each candidate, the step at which it lost; `None` for the best.
    pub lost: Vec<Option<Step>>,
}

/// Returns the administrative distance of a VRF's own route before BGP has a say (SEMANTICS S1).
pub(crate) fn own_distance(paths: Paths<'_>, key: RouteKey) -> u8 {
    let attributes = paths.attributes(key.attributes);
    match key.protocol {
        Protocol::Connected | Protocol::Local => 0,
        Protocol::Static => attributes.distance.unwrap_or(1),
        Protocol::Bgp => paths.network().router_of(key.origin).dialect.bgp_distance(attributes.internal),
    }
}

/// Returns the distance that `key` has in the table of `vrf`, its own or imported; a leaked host route has 0.
pub fn distance(paths: Paths<'_>, vrf: VrfId, key: RouteKey) -> u8 {
    match nearness(paths.network(), Viewpoint::Vrf(vrf), key.origin) {
        Nearness::Own => own_distance(paths, key),
        _ if key.protocol == Protocol::Local => 0,
        // No import map changes it.
        _ => see(paths, Viewpoint::Vrf(vrf), key, None).distance,
    }
}

/// Returns whether `key` came to `vrf` over iBGP: from another router, or from a neighbour of the same AS.
pub(crate) fn is_internal(paths: Paths<'_>, vrf: VrfId, key: RouteKey) -> bool {
    match nearness(paths.network(), Viewpoint::Vrf(vrf), key.origin) {
        Nearness::Elsewhere => true,
        _ => key.protocol == Protocol::Bgp && paths.attributes(key.attributes).internal,
    }
}

/// Returns the position of the own route that the router would use if it did not speak BGP: the lowest distance, then
/// connected before local before static.
fn own_winner(paths: Paths<'_>, vrf: VrfId, routes: &[RouteKey]) -> Option<usize> {
    let order = |key: &RouteKey| (own_distance(paths, *key), key.protocol, key.next_hop, key.attributes);
    let own = |(_, key): &(usize, &RouteKey)| key.origin == vrf && key.protocol != Protocol::Bgp;
    routes.iter().enumerate().filter(own).min_by_key(|(_, key)| order(key)).map(|(index, _)| index)
}

/// Returns whether the VRF puts this route of its own into BGP if it wins among its own (SEMANTICS E2).
fn redistributes<A: Address>(paths: Paths<'_>, key: RouteKey) -> bool {
    let given = paths.attributes(key.attributes);
    paths.network().vrf(key.origin).family::<A>().redistribute.includes(key.protocol, given)
}

/// Returns the position of the one route of its own that `vrf` exports for a prefix: the best by S2 of what it has put
/// into BGP and what its CEs said. `None` if nothing of it is in BGP.
pub(crate) fn exported<A: Address>(paths: Paths<'_>, vrf: VrfId, routes: &[RouteKey]) -> Option<usize> {
    let winner = own_winner(paths, vrf, routes);
    let in_bgp = routes
        .iter()
        .enumerate()
        .filter(|&(index, key)| {
            key.protocol == Protocol::Bgp || Some(index) == winner && redistributes::<A>(paths, *key)
        })
        .map(|(index, &key)| (index, see(paths, Viewpoint::Vrf(vrf), key, None)))
        .collect();
    eliminate(in_bgp, &mut vec![None; routes.len()]).map(|(index, _)| index)
}

/// Selects among the candidates that `vrf` has for one prefix: its own routes, imported ones, and host routes leaked
/// with an interface (SEMANTICS S1, S2, S3, S3a).
///
/// A `Local` candidate of another VRF is a leaked host route: it loses to an own route of distance 0 and beats the
/// rest; of several the lowest by RD, VRF and next hop stays.
pub(crate) fn select<A: Address>(paths: Paths<'_>, vrf: VrfId, contest: Contest<'_>) -> Selection {
    let candidates = contest.keys;
    let mut lost = vec![None; candidates.len()];
    let winner = own_winner(paths, vrf, candidates);
    let bgp = eliminate(in_bgp::<A>(paths, vrf, contest, winner), &mut lost);
    let hosts = candidates.iter().enumerate().filter(|(_, key)| key.origin != vrf && key.protocol == Protocol::Local);
    let host = hosts.min_by_key(|(_, key)| (paths.network().vrf(key.origin).rd, **key)).map(|(index, _)| index);
    let own_zero = winner.filter(|&index| own_distance(paths, candidates[index]) == 0);
    let best = match (own_zero.or(host), winner, bgp) {
        (Some(index), ..) => Some(index),
        (None, Some(own), Some((index, seen)))
            if index != own && seen.depth == 0 && seen.distance < own_distance(paths, candidates[own]) =>
        {
            Some(index)
        }
        (None, Some(own), _) => Some(own),
        (None, None, bgp) => bgp.map(|(index, _)| index),
    };
    for (index, lost) in lost.iter_mut().enumerate() {
        if Some(index) == best {
            *lost = None;
        } else if lost.is_none() {
            // Not in BGP at all, or best there: another protocol's lower distance decided, or one of the same distance.
            let of = |index: usize| distance(paths, vrf, candidates[index]);
            let tie = best.is_some_and(|best| of(index) == of(best));
            let again = paths.depth(candidates[index].attributes) > 0;
            *lost = Some(match (again, tie) {
                (true, _) => Step::Reexport,
                (false, true) => Step::Tie,
                (false, false) => Step::Distance,
            });
        }
    }
    Selection { best, lost }
}

/// Returns those candidates that compete in BGP: imported ones, those from CEs, and the own `winner` if it is
/// redistributed.
fn in_bgp<A: Address>(paths: Paths<'_>, vrf: VrfId, contest: Contest<'_>, winner: Option<usize>) -> Vec<(usize, Seen)> {
    let mut in_bgp = Vec::with_capacity(contest.keys.len());
    for (index, &key) in contest.keys.iter().enumerate() {
        let own = key.origin == vrf;
        if key.protocol == Protocol::Local && !own {
            continue;
        }
        if own && key.protocol != Protocol::Bgp && (Some(index) != winner || !redistributes::<A>(paths, key)) {
            continue;
        }
        in_bgp.push((index, contest.see(paths, vrf, index)));
    }
    in_bgp
}
