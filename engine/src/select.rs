//! Selection: which of several routes to one prefix a VRF uses, and the step that decided (SEMANTICS S1, S2).
//!
//! The steps of S2 eliminate: each keeps those of the remaining candidates that are best by it (RFC 4271 section
//! 9.1.2.2). All steps but the MED compare any two candidates; the MED only those from one neighbouring AS, so that no
//! order of single candidates can express it. Where it plays a part the engine therefore selects from the whole set,
//! here, and uses its global rank everywhere else.

use std::cmp::Reverse;
use std::fmt;

use crate::attributes::{OriginCode, WEIGHT_LOCAL};
use crate::id::{AttributesId, NextHopId, RouterId, VrfId};
use crate::network::Network;
use crate::rd::Rd;
use crate::source_route::Protocol;

/// The step of S1 or S2 at which a candidate lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
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

fn see(network: &Network, viewpoint: Viewpoint, key: RouteKey) -> Seen {
    let attributes = &network.attributes()[key.attributes.index()];
    let near = nearness(network, viewpoint, key.origin);
    let origin = network.vrf(key.origin);
    let router = network.router(origin.router);
    let redistributed = key.protocol != Protocol::Bgp;
    let weight = match near {
        Nearness::Own if redistributed => WEIGHT_LOCAL,
        Nearness::Own => attributes.weight,
        Nearness::SameRouter if redistributed && router.dialect.weight_survives_leak => WEIGHT_LOCAL,
        _ => 0,
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
    let next_hop_address = match near {
        Nearness::Elsewhere => Some(router.loopback),
        _ => network.next_hop(key.next_hop).kind.address(),
    };
    Seen {
        weight: Reverse(weight),
        local_preference: Reverse(attributes.local_preference),
        learned: !(redistributed && near == Nearness::Own),
        as_path_length: attributes.as_path.len(),
        origin: attributes.origin,
        neighbor_as: attributes.neighbor_as(),
        med: attributes.med,
        internal,
        igp_metric: here.map_or(0, |here| network.igp_metric(here, origin.router)),
        router_id: router.router_id.to_bits(),
        next_hop_address: match next_hop_address {
            None => 0,
            Some(std::net::IpAddr::V4(address)) => u128::from(address.to_bits()),
            Some(std::net::IpAddr::V6(address)) => address.to_bits(),
        },
        rd: origin.rd,
        distance: if internal { 200 } else { 20 },
        key,
    }
}

/// Keeps the candidates that are best by `measure`; those that go are marked with `step`.
fn keep_best<T: Ord>(
    left: &mut Vec<(usize, Seen)>,
    lost: &mut [Option<Step>],
    step: Step,
    measure: impl Fn(&Seen) -> T,
) {
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
    keep_best(left, lost, Step::Weight, |seen| seen.weight);
    keep_best(left, lost, Step::LocalPreference, |seen| seen.local_preference);
    keep_best(left, lost, Step::LocallyOriginated, |seen| seen.learned);
    keep_best(left, lost, Step::AsPathLength, |seen| seen.as_path_length);
    keep_best(left, lost, Step::Origin, |seen| seen.origin);
    let meds: Vec<(Option<u32>, u32)> = left.iter().map(|(_, seen)| (seen.neighbor_as, seen.med)).collect();
    keep_best(left, lost, Step::Med, |seen| {
        meds.iter().any(|&(neighbor, med)| neighbor == seen.neighbor_as && med < seen.med)
    });
    keep_best(left, lost, Step::External, |seen| seen.internal);
    keep_best(left, lost, Step::IgpMetric, |seen| seen.igp_metric);
    keep_best(left, lost, Step::RouterId, |seen| seen.router_id);
    keep_best(left, lost, Step::NextHopAddress, |seen| seen.next_hop_address);
    keep_best(left, lost, Step::Rd, |seen| seen.rd);
    keep_best(left, lost, Step::Tie, |seen| seen.key);
    left.first().copied()
}

/// Returns the position of the best VPN route of `routes` by S2 as `viewpoint` sees them, `None` if there is none.
///
/// O(routes · distinct MEDs).
pub(crate) fn best_vpn_route(network: &Network, viewpoint: Viewpoint, routes: &[RouteKey]) -> Option<usize> {
    let seen = routes.iter().map(|&key| see(network, viewpoint, key)).enumerate().collect();
    eliminate(seen, &mut vec![None; routes.len()]).map(|(index, _)| index)
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
pub(crate) fn own_distance(network: &Network, key: RouteKey) -> u8 {
    let attributes = &network.attributes()[key.attributes.index()];
    match key.protocol {
        Protocol::Connected | Protocol::Local => 0,
        Protocol::Static => attributes.distance.unwrap_or(1),
        Protocol::Bgp if attributes.internal => 200,
        Protocol::Bgp => 20,
    }
}

/// Returns the distance that `key` has in the table of `vrf`, its own or imported; a leaked host route has 0.
pub fn distance(network: &Network, vrf: VrfId, key: RouteKey) -> u8 {
    match nearness(network, Viewpoint::Vrf(vrf), key.origin) {
        Nearness::Own => own_distance(network, key),
        _ if key.protocol == Protocol::Local => 0,
        _ => see(network, Viewpoint::Vrf(vrf), key).distance,
    }
}

/// Returns the position of the own route that the router would use if it did not speak BGP: the lowest distance, then
/// connected before local before static.
fn own_winner(network: &Network, vrf: VrfId, routes: &[RouteKey]) -> Option<usize> {
    let order = |key: &RouteKey| (own_distance(network, *key), key.protocol, key.next_hop, key.attributes);
    let own = |(_, key): &(usize, &RouteKey)| key.origin == vrf && key.protocol != Protocol::Bgp;
    routes.iter().enumerate().filter(own).min_by_key(|(_, key)| order(key)).map(|(index, _)| index)
}

/// Returns whether the VRF puts this route of its own into BGP if it wins among its own (SEMANTICS E2).
fn redistributes<A: crate::address::Address>(network: &Network, key: RouteKey) -> bool {
    let given = &network.attributes()[key.attributes.index()];
    network.vrf(key.origin).family::<A>().redistribute.includes(key.protocol, given)
}

/// Returns the position of the one route of its own that `vrf` exports for a prefix: the best by S2 of what it has put
/// into BGP and what its CEs said. `None` if nothing of it is in BGP.
pub(crate) fn exported<A: crate::address::Address>(
    network: &Network,
    vrf: VrfId,
    routes: &[RouteKey],
) -> Option<usize> {
    let winner = own_winner(network, vrf, routes);
    let in_bgp = routes
        .iter()
        .enumerate()
        .filter(|&(index, key)| {
            key.protocol == Protocol::Bgp || Some(index) == winner && redistributes::<A>(network, *key)
        })
        .map(|(index, &key)| (index, see(network, Viewpoint::Vrf(vrf), key)))
        .collect();
    eliminate(in_bgp, &mut vec![None; routes.len()]).map(|(index, _)| index)
}

/// Selects among the candidates that `vrf` has for one prefix: its own routes, imported ones, and host routes leaked
/// with an interface (SEMANTICS S1, S2, S3, S3a).
///
/// A `Local` candidate of another VRF is a leaked host route: it loses to an own route of distance 0 and beats the
/// rest; of several the lowest by RD, VRF and next hop stays.
pub(crate) fn select<A: crate::address::Address>(network: &Network, vrf: VrfId, candidates: &[RouteKey]) -> Selection {
    let mut lost = vec![None; candidates.len()];
    let winner = own_winner(network, vrf, candidates);
    let mut in_bgp = Vec::with_capacity(candidates.len());
    for (index, &key) in candidates.iter().enumerate() {
        let own = key.origin == vrf;
        if key.protocol == Protocol::Local && !own {
            continue;
        }
        if own && key.protocol != Protocol::Bgp && (Some(index) != winner || !redistributes::<A>(network, key)) {
            continue;
        }
        in_bgp.push((index, see(network, Viewpoint::Vrf(vrf), key)));
    }
    let bgp = eliminate(in_bgp, &mut lost);
    let hosts = candidates.iter().enumerate().filter(|(_, key)| key.origin != vrf && key.protocol == Protocol::Local);
    let host = hosts.min_by_key(|(_, key)| (network.vrf(key.origin).rd, **key)).map(|(index, _)| index);
    let own_zero = winner.filter(|&index| own_distance(network, candidates[index]) == 0);
    let best = match (own_zero.or(host), winner, bgp) {
        (Some(index), ..) => Some(index),
        (None, Some(own), Some((index, seen)))
            if index != own && seen.distance < own_distance(network, candidates[own]) =>
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
            let distances =
                best.map(|best| (distance(network, vrf, candidates[index]), distance(network, vrf, candidates[best])));
            let tie = distances.is_some_and(|(here, best)| here == best);
            *lost = Some(if tie { Step::Tie } else { Step::Distance });
        }
    }
    Selection { best, lost }
}
