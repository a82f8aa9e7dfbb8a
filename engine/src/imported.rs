//! [`Verdict`]: what becomes of a VPN route on its way into a VRF that wants one of its targets.

use std::net::IpAddr;
use std::sync::Arc;

use ahash::AHashMap;

use crate::address::Address;
use crate::attributes::Attributes;
use crate::id::{AttributesId, NextHopId, RouteId, TargetSetId, VrfId};
use crate::network::Network;
use crate::paths::Paths;
use crate::policy::{self, ClauseId, PolicyRoute};
use crate::rd::Rd;
use crate::route_table::RouteTable;
use crate::select;

/// What an import map made of a route for one VRF (SEMANTICS I3). The VPN route itself stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedCopy {
    /// The attributes of the copy. Its weight is the one that the VRF compares.
    pub attributes: Attributes,
    /// The next hop that the map set. It is what the VRF compares and shows; packets go to the origin of the route all
    /// the same (SEMANTICS F3).
    pub next_hop: Option<IpAddr>,
}

/// What becomes of a VPN route on its way into a VRF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It enters as it is.
    Plain,
    /// It enters, and the import map changed it.
    Changed(Arc<ImportedCopy>),
    /// The import map denied it; `None` where no clause matched it.
    Denied(Option<ClauseId>),
    /// Its AS path holds the AS of the router too often (SEMANTICS I5).
    Loop,
}

/// What an import map can tell of routes by: evaluated once for all that are alike. What the policy does not read is
/// `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Alike {
    attributes: AttributesId,
    targets: TargetSetId,
    weight: u32,
    next_hop: Option<NextHopId>,
    protocol: Option<crate::source_route::Protocol>,
    rd: Option<Rd>,
}

/// The verdicts of one VRF that are known already.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    known: AHashMap<Alike, Verdict>,
}

impl Verdicts {
    /// Forgets all, for the next VRF.
    pub(crate) fn clear(&mut self) {
        self.known.clear();
    }

    /// Returns the verdict of `vrf` on the VPN route `id`, whose targets it wants and which may enter it.
    pub(crate) fn of<A: Address>(
        &mut self,
        network: &Network,
        table: &RouteTable<A>,
        vrf: VrfId,
        id: RouteId,
    ) -> Verdict {
        let paths = table.paths(network);
        let family = network.vrf(vrf).family::<A>();
        if own_as_count(network, vrf, paths.attributes(table.attributes(id))) > family.allowas_in as usize {
            return Verdict::Loop;
        }
        let Some(map) = family.import_map else { return Verdict::Plain };
        let reads = network.policies().reads(map);
        if reads.prefix {
            // Hardly two routes are alike.
            return evaluate(paths, table, vrf, id);
        }
        let alike = Alike {
            attributes: table.attributes(id),
            targets: table.targets(id),
            weight: weight(network, table, vrf, id),
            next_hop: reads.next_hop.then_some(table.next_hop(id)),
            protocol: reads.protocol.then_some(table.protocol(id)),
            rd: network.vrf(table.origin(id)).rd.filter(|_| reads.rd),
        };
        self.known.entry(alike).or_insert_with(|| evaluate(paths, table, vrf, id)).clone()
    }
}

/// Returns how often the AS of the router of `vrf` stands in the AS path.
fn own_as_count(network: &Network, vrf: VrfId, attributes: &Attributes) -> usize {
    let asn = network.router_of(vrf).asn;
    attributes.as_path.iter().filter(|&&other| other == asn).count()
}

/// Returns, by router, how often its AS stands in the AS path that has it most often: what `allowas-in` must permit for
/// no route to be a loop. O(length of all AS paths · distinct ASes of routers).
pub(crate) fn most_own_as(paths: Paths<'_>) -> Vec<u32> {
    let routers = paths.network().routers();
    let mut numbers: Vec<u32> = routers.iter().map(|router| router.asn).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut most = vec![0; numbers.len()];
    for (_, attributes) in paths.all() {
        for (number, most) in numbers.iter().zip(&mut most) {
            let count = attributes.as_path.iter().filter(|&other| other == number).count();
            *most = count.max(*most);
        }
    }
    let of = |asn| most[numbers.binary_search(&asn).expect("gathered from the routers")];
    routers.iter().map(|router| u32::try_from(of(router.asn)).unwrap_or(u32::MAX)).collect()
}

/// Returns the weight that the route has in `vrf` before its import map.
fn weight<A: Address>(network: &Network, table: &RouteTable<A>, vrf: VrfId, id: RouteId) -> u32 {
    let key = table.key(id);
    let leaked = network.vrf(key.origin).router == network.vrf(vrf).router;
    if leaked { select::weight_of_leaked(network, key) } else { 0 }
}

/// Evaluates the import map of `vrf` for a VPN route.
///
/// The map sees the targets of the VPN route, the weight that the copy would have without it, and the next hop that BGP
/// gives the route: the loopback of another router, the gateway on the same one. What only the source VRF knows of a
/// static route, its distance and whether it is redistributed, has no part in it.
fn evaluate<A: Address>(paths: Paths<'_>, table: &RouteTable<A>, vrf: VrfId, id: RouteId) -> Verdict {
    let network = paths.network();
    let key = table.key(id);
    let origin = network.vrf(key.origin);
    let attributes = Attributes {
        route_targets: Some(table.target_sets().of(table.targets(id)).collect()),
        weight: weight(network, table, vrf, id),
        distance: None,
        redistribute: None,
        ..paths.attributes(key.attributes).clone()
    };
    let leaked = origin.router == network.vrf(vrf).router;
    let loopback = || (!leaked).then(|| network.router(origin.router).loopback);
    let gateway = || network.next_hop(key.next_hop).kind.address().filter(|_| leaked);
    let seen = PolicyRoute {
        prefix: table.prefix(id),
        protocol: key.protocol,
        attributes: &attributes,
        interface: None,
        next_hop: paths.next_hop(key.attributes).or_else(loopback).or_else(gateway),
        rd: origin.rd,
    };
    match policy::import(network.policies(), network.vrf(vrf).family::<A>().import_map, seen) {
        policy::Import::Imported { attributes: None, next_hop: None, .. } => Verdict::Plain,
        policy::Import::Imported { attributes: changed, next_hop, .. } => {
            Verdict::Changed(Arc::new(ImportedCopy { attributes: changed.unwrap_or(attributes), next_hop }))
        }
        policy::Import::Denied(clause) => Verdict::Denied(Some(clause)),
        policy::Import::NoMatch => Verdict::Denied(None),
    }
}
