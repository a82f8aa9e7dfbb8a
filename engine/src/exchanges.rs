//! [`Exchanges`]: where a router prefers its own VPN route to the one that the reflectors pass on, and which routes a VRF
//! imports beside that one.

use rayon::prelude::*;

use crate::address::Address;
use crate::id::{RouteId, RouterId, TargetSetId};
use crate::network::Network;
use crate::route_table::{ExportStatus, RouteTable};
use crate::select::{self, RouteKey, Viewpoint};

/// A router that prefers its own VPN route to the reflected one of the same NLRI (SEMANTICS E6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exchange {
    pub(crate) router: RouterId,
    /// The first route to the prefix.
    pub(crate) first: RouteId,
    /// The route that this router sees although it is not reflected.
    pub(crate) gained: RouteId,
    /// The reflected route, which this router does not see.
    pub(crate) hidden: RouteId,
}

/// What an exchange does to those who import one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exchanged {
    router: RouterId,
    set: TargetSetId,
    /// The first route to the prefix.
    pub(crate) first: RouteId,
    /// The route of the bucket that the router gains, or that is hidden from it.
    pub(crate) route: RouteId,
    pub(crate) gained: bool,
}

/// All exchanges of a network.
#[derive(Clone, Debug)]
pub(crate) struct Exchanges {
    all: Vec<Exchange>,
    /// Two for each exchange, so that a VRF need not look at those that its targets have nothing to do with.
    by_set: Vec<Exchanged>,
    /// The routes that no reflector passes on, each with the first route to its prefix; none where every VRF imports one
    /// route of an NLRI.
    unreflected: Vec<(TargetSetId, RouteId, RouteId)>,
}

impl Exchanges {
    /// Finds the routers that prefer a VPN route of their own to the reflected one of the same NLRI.
    pub(crate) fn new<A: Address>(network: &Network, table: &RouteTable<A>) -> Self {
        let mut all: Vec<Exchange> =
            table.shared_nlri.par_iter().flat_map_iter(|&first| of_prefix(network, table, first)).collect();
        all.par_sort_unstable();
        let both = |exchange: &Exchange| {
            let Exchange { router, first, gained, hidden } = *exchange;
            [(gained, true), (hidden, false)].map(|(route, gained)| Exchanged {
                router,
                set: table.targets(route),
                first,
                route,
                gained,
            })
        };
        let mut by_set: Vec<Exchanged> = all.par_iter().flat_map_iter(both).collect();
        by_set.par_sort_unstable();
        let several = network.vrfs().iter().any(|vrf| vrf.family::<A>().import_paths > 1);
        let lost = |&first: &RouteId| {
            let routes = (first.0..table.end_of_prefix(first).0).map(RouteId);
            let lost = routes.filter(|&id| table.status(id) == ExportStatus::LostNlri);
            lost.map(move |id| (table.targets(id), first, id))
        };
        let mut unreflected: Vec<_> =
            if several { table.shared_nlri.par_iter().flat_map_iter(lost).collect() } else { Vec::new() };
        unreflected.par_sort_unstable();
        Self { all, by_set, unreflected }
    }

    /// Returns the first routes of the prefixes to which `set` has routes that no reflector passes on, ascending; one
    /// comes as often as there are such routes.
    pub(crate) fn unreflected(&self, set: TargetSetId) -> impl Iterator<Item = RouteId> + '_ {
        range(&self.unreflected, move |(other, ..)| other.cmp(&set)).iter().map(|&(_, first, _)| first)
    }

    /// Returns the exchanges of a router, by prefix.
    pub(crate) fn of(&self, router: RouterId) -> &[Exchange] {
        range(&self.all, |exchange| exchange.router.cmp(&router))
    }

    /// Returns the exchanges of a router at the prefix whose first route is `first`.
    pub(crate) fn at(&self, router: RouterId, first: RouteId) -> &[Exchange] {
        range(&self.all, |exchange| (exchange.router, exchange.first).cmp(&(router, first)))
    }

    /// Returns what the exchanges of a router do to those who import `set`, by prefix.
    pub(crate) fn in_bucket(&self, router: RouterId, set: TargetSetId) -> &[Exchanged] {
        range(&self.by_set, |exchanged| (exchanged.router, exchanged.set).cmp(&(router, set)))
    }

    /// Returns the bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.all.capacity() * size_of::<Exchange>()
            + self.by_set.capacity() * size_of::<Exchanged>()
            + self.unreflected.capacity() * size_of::<(TargetSetId, RouteId, RouteId)>()
    }
}

/// Returns the items of a sorted slice that `order` says are equal.
fn range<T>(sorted: &[T], order: impl Fn(&T) -> std::cmp::Ordering) -> &[T] {
    let start = sorted.partition_point(|item| order(item).is_lt());
    let len = sorted[start..].iter().take_while(|item| order(item).is_eq()).count();
    &sorted[start..start + len]
}

/// Finds the exchanges at one prefix, of which several VRFs export one NLRI.
fn of_prefix<A: Address>(network: &Network, table: &RouteTable<A>, first: RouteId) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    let mut routes: Vec<RouteId> =
        (first.0..table.end_of_prefix(first).0).map(RouteId).filter(|&id| table.status(id).is_vpn_route()).collect();
    routes.sort_by_key(|&id| (network.vrf(table.origin(id)).rd, id));
    for nlri in routes.chunk_by(|&a, &b| network.vrf(table.origin(a)).rd == network.vrf(table.origin(b)).rd) {
        let Some(&hidden) = nlri.iter().find(|&&id| table.status(id) == ExportStatus::Exported) else { continue };
        let router = |id: RouteId| network.vrf(table.origin(id)).router;
        let mut routers: Vec<RouterId> = nlri.iter().map(|&id| router(id)).collect();
        routers.sort_unstable();
        routers.dedup();
        for here in routers {
            let known: Vec<RouteId> = nlri.iter().copied().filter(|&id| id == hidden || router(id) == here).collect();
            let keys: Vec<RouteKey> = known.iter().map(|&id| table.key(id)).collect();
            let best = select::best_vpn_route(table.paths(network), Viewpoint::Router(here), &keys).expect("not empty");
            if known[best] != hidden {
                exchanges.push(Exchange { router: here, first, gained: known[best], hidden });
            }
        }
    }
    exchanges
}
