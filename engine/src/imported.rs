//! [`ImportedCopy`]: what becomes of a VPN route on its way into a VRF that wants one of its targets.

use std::net::IpAddr;
use std::sync::Arc;

use ahash::AHashMap;
use rayon::prelude::*;

use crate::address::Address;
use crate::attributes::Attributes;
use crate::id::{AttributesId, NextHopId, RouteId, TargetSetId, VrfId};
use crate::network::Network;
use crate::paths::Paths;
use crate::policy::{self, ClauseId, PolicyRoute};
use crate::rd::Rd;
use crate::route_table::RouteTable;
use crate::select;
use crate::source_route::Protocol;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It enters as it is.
    #[default]
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

/// What is known already of what one VRF makes of routes.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    known: AHashMap<Alike, Verdict>,
    /// What the import map sees of routes with these attributes, targets and weight.
    offered: AHashMap<(AttributesId, TargetSetId, u32), Attributes>,
    last: Verdict,
}

impl Verdicts {
    /// Forgets all, for the next VRF.
    pub(crate) fn clear(&mut self) {
        self.known.clear();
        self.offered.clear();
    }

    /// Returns the verdict of `vrf` on the VPN route `id`, whose targets it wants and which may enter it.
    pub(crate) fn of<A: Address>(
        &mut self,
        network: &Network,
        table: &RouteTable<A>,
        vrf: VrfId,
        id: RouteId,
    ) -> &Verdict {
        let paths = table.paths(network);
        let family = network.vrf(vrf).family::<A>();
        if own_as_count(network, vrf, paths.attributes(table.attributes(id))) > family.allowas_in as usize {
            return &Verdict::Loop;
        }
        let Some(map) = family.import_map else { return &Verdict::Plain };
        let reads = network.policies().reads(map);
        let (attributes, targets, weight) = (table.attributes(id), table.targets(id), weight(network, table, vrf, id));
        let seen = || offered(paths, table, vrf, id);
        if reads.prefix {
            // Hardly two routes are alike.
            let seen = self.offered.entry((attributes, targets, weight)).or_insert_with(seen);
            self.last = evaluate(paths, table, vrf, id, seen);
            return &self.last;
        }
        let alike = Alike {
            attributes,
            targets,
            weight,
            next_hop: reads.next_hop.then_some(table.next_hop(id)),
            protocol: reads.protocol.then(|| protocol(network, table, vrf, id)),
            rd: network.vrf(table.origin(id)).rd.filter(|_| reads.rd),
        };
        self.known.entry(alike).or_insert_with(|| evaluate(paths, table, vrf, id, &seen()))
    }
}

/// Returns how often the AS of the router of `vrf` stands in the AS path.
fn own_as_count(network: &Network, vrf: VrfId, attributes: &Attributes) -> usize {
    let asn = network.router_of(vrf).asn;
    attributes.as_path.iter().filter(|&&other| other == asn).count()
}

/// Routes that one thread looks at, at least.
const MANY: usize = 1 << 14;

/// VPN routes by target set, ascending.
pub(crate) type BySet = Arc<[(TargetSetId, RouteId)]>;

/// Returns, by router, the VPN routes whose AS path holds its AS; nothing at all where no path does.
///
/// O(length of all AS paths · distinct ASes of routers), and one pass over the routes where some path holds one.
pub(crate) fn own_as_routes<A: Address>(network: &Network, table: &RouteTable<A>) -> Vec<BySet> {
    let mut numbers: Vec<u32> = network.routers().iter().map(|router| router.asn).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let number = |asn: &u32| numbers.binary_search(asn).ok();
    let paths = table.paths(network);
    let own: Vec<bool> =
        paths.all().map(|(_, attributes)| attributes.as_path.iter().any(|asn| number(asn).is_some())).collect();
    if !own.contains(&true) {
        return Vec::new();
    }
    let found = |id: RouteId| {
        let attributes = table.attributes(id);
        let path = if own[attributes.index()] && table.status(id).is_vpn_route() {
            &*paths.attributes(attributes).as_path
        } else {
            &[]
        };
        path.iter().filter_map(number).map(move |at| (at, table.targets(id), id))
    };
    let mut found: Vec<(usize, TargetSetId, RouteId)> = (0..table.len())
        .into_par_iter()
        .with_min_len(MANY)
        .flat_map_iter(|id| found(RouteId::from_index(id)))
        .collect();
    found.par_sort_unstable();
    // An AS may stand in a path several times.
    found.dedup();
    let mut routes: Vec<BySet> = vec![BySet::default(); numbers.len()];
    for of_number in found.chunk_by(|a, b| a.0 == b.0) {
        routes[of_number[0].0] = of_number.iter().map(|&(_, set, id)| (set, id)).collect();
    }
    let of = |asn| routes[numbers.binary_search(&asn).expect("gathered from the routers")].clone();
    network.routers().iter().map(|router| of(router.asn)).collect()
}

/// Returns the weight that the route has in `vrf` before its import map.
fn weight<A: Address>(network: &Network, table: &RouteTable<A>, vrf: VrfId, id: RouteId) -> u32 {
    let key = table.key(id);
    let leaked = network.vrf(key.origin).router == network.vrf(vrf).router;
    if leaked { select::weight_of_leaked(network, key) } else { 0 }
}

/// Returns the protocol that an import map of `vrf` sees: from other routers BGP brings a route, whatever it was there.
fn protocol<A: Address>(network: &Network, table: &RouteTable<A>, vrf: VrfId, id: RouteId) -> Protocol {
    let leaked = network.vrf(table.origin(id)).router == network.vrf(vrf).router;
    if leaked { table.protocol(id) } else { Protocol::Bgp }
}

/// Evaluates the import map of `vrf` for a VPN route that it is [`offered`] with these attributes.
///
/// The map sees the targets of the VPN route, the weight that the copy would have without it, and the next hop that BGP
/// gives the route: the loopback of another router, the gateway on the same one. What only the source VRF knows of a
/// static route, its distance and whether it is redistributed, has no part in it.
fn evaluate<A: Address>(
    paths: Paths<'_>,
    table: &RouteTable<A>,
    vrf: VrfId,
    id: RouteId,
    attributes: &Attributes,
) -> Verdict {
    match decide(paths, table, vrf, id, attributes) {
        policy::Import::Imported { attributes: None, next_hop: None, .. } => Verdict::Plain,
        policy::Import::Imported { attributes: changed, next_hop, .. } => {
            let attributes = changed.unwrap_or_else(|| attributes.clone());
            Verdict::Changed(Arc::new(ImportedCopy { attributes, next_hop }))
        }
        policy::Import::Denied(clause) => Verdict::Denied(Some(clause)),
        policy::Import::NoMatch => Verdict::Denied(None),
    }
}

/// Returns the clause of the import map of `vrf` that accepts a VPN route; `None` where there is no map, or none does.
pub(crate) fn accepting_clause<A: Address>(
    paths: Paths<'_>,
    table: &RouteTable<A>,
    vrf: VrfId,
    id: RouteId,
) -> Option<ClauseId> {
    match decide(paths, table, vrf, id, &offered(paths, table, vrf, id)) {
        policy::Import::Imported { clause, .. } => clause,
        policy::Import::Denied(_) | policy::Import::NoMatch => None,
    }
}

/// Returns the attributes that an import map of `vrf` sees of a VPN route.
fn offered<A: Address>(paths: Paths<'_>, table: &RouteTable<A>, vrf: VrfId, id: RouteId) -> Attributes {
    Attributes {
        route_targets: Some(table.target_sets().of(table.targets(id)).collect()),
        weight: weight(paths.network(), table, vrf, id),
        distance: None,
        redistribute: None,
        ..paths.attributes(table.attributes(id)).clone()
    }
}

/// Asks the import map of `vrf` about a VPN route that it is offered with these attributes.
fn decide<A: Address>(
    paths: Paths<'_>,
    table: &RouteTable<A>,
    vrf: VrfId,
    id: RouteId,
    attributes: &Attributes,
) -> policy::Import {
    let network = paths.network();
    let key = table.key(id);
    let origin = network.vrf(key.origin);
    let leaked = origin.router == network.vrf(vrf).router;
    let loopback = || (!leaked).then(|| network.router(origin.router).loopback);
    let gateway = || network.next_hop(key.next_hop).kind.address().filter(|_| leaked);
    let seen = PolicyRoute {
        prefix: table.prefix(id),
        protocol: protocol(network, table, vrf, id),
        attributes,
        interface: None,
        next_hop: paths.next_hop(key.attributes).or_else(loopback).or_else(gateway),
        rd: origin.rd,
    };
    policy::import(network.policies(), network.vrf(vrf).family::<A>().import_map, seen)
}
