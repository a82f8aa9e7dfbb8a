//! Import: from buckets to the RIB of each VRF.
//!
//! Most prefixes of a VRF come out of a merge: the buckets it imports, then its own routes. The rank decides there. For
//! the rest the VRF sees its candidates otherwise than the rank does, and [`select`] decides from the whole set:
//!
//! - own routes that do not win by their distance alone, against the best imported one;
//! - routes from other VRFs of its own router, on a network of several routers (weight, eBGP before iBGP);
//! - irregular prefixes (MEDs, IGP metrics), and NLRIs of which its router prefers its own.
//!
//! Host routes that come along with an interface (SEMANTICS S3a) are put in last.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::address::Address;
use crate::buckets::Buckets;
use crate::id::{InterfaceId, RouteId, RouterId, TargetSetId, VrfId};
use crate::lists::Packing;
use crate::merge::Merge;
use crate::network::Network;
use crate::next_hop::NextHopKind;
use crate::rib::Rib;
use crate::route_table::{ExportStatus, RouteTable, beats_every_import, is_attached};
use crate::select::{self, RouteKey};
use crate::source_route::Protocol;

/// Everything that the import of any VRF reads.
pub(crate) struct Import<'a, A> {
    network: &'a Network,
    table: &'a RouteTable<A>,
    buckets: &'a Buckets,
    packing: Packing,
    /// The VRFs of each router; empty on a network of one, whose rank is already that router's view.
    neighbors: Vec<Vec<VrfId>>,
    /// Whether two routers have one router id, so that selection may come down to next-hop addresses, which a VRF's own
    /// router sees otherwise than the rank does.
    twins: bool,
    /// The local routes of routers whose dialect leaks them, by interface.
    hosts: Vec<(InterfaceId, RouteId)>,
}

/// What one thread reuses from VRF to VRF.
#[derive(Default)]
struct Scratch {
    merge: Merge,
    best: Vec<RouteId>,
    patched: Vec<RouteId>,
    patches: Vec<RouteId>,
    candidates: Vec<RouteId>,
    keys: Vec<RouteKey>,
}

impl<'a, A: Address> Import<'a, A> {
    pub(crate) fn new(network: &'a Network, table: &'a RouteTable<A>, buckets: &'a Buckets) -> Self {
        let mut neighbors = Vec::new();
        if network.routers().len() > 1 {
            neighbors.resize_with(network.routers().len(), Vec::new);
            for vrf in network.vrf_ids() {
                neighbors[network.vrf(vrf).router.index()].push(vrf);
            }
        }
        let mut hosts = Vec::new();
        for vrf in network.vrf_ids().filter(|&vrf| network.router_of(vrf).dialect.leaks_host_routes) {
            let packing = Packing::new(table.len());
            for id in buckets.own(vrf).iter().map(|&word| packing.id(word)) {
                if table.protocol(id) == Protocol::Local
                    && let NextHopKind::Receive { interface } = network.next_hop(table.next_hop(id)).kind
                {
                    hosts.push((interface, id));
                }
            }
        }
        hosts.sort_unstable();
        let mut router_ids: Vec<_> = network.routers().iter().map(|router| router.router_id).collect();
        router_ids.sort_unstable();
        let twins = router_ids.windows(2).any(|pair| pair[0] == pair[1]);
        Self { network, table, buckets, packing: Packing::new(table.len()), neighbors, twins, hosts }
    }

    /// Computes the RIBs of all VRFs, by [`VrfId`], in the current rayon pool: biggest first, one scratch a thread.
    pub(crate) fn ribs(&self) -> Vec<Rib> {
        let imports: Vec<Vec<TargetSetId>> = self.network.vrf_ids().map(|vrf| self.imported_sets(vrf)).collect();
        let work = |vrf: usize| imports[vrf].iter().map(|&set| self.buckets.size(set)).sum::<usize>();
        let mut order: Vec<(usize, usize)> = (0..imports.len()).map(|vrf| (work(vrf), vrf)).collect();
        order.sort_unstable_by(|a, b| b.cmp(a));
        let next = AtomicUsize::new(0);
        let done = rayon::broadcast(|_| {
            let mut scratch = Scratch::default();
            let mut ribs = Vec::new();
            while let Some(&(_, vrf)) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                ribs.push((vrf, self.rib(VrfId::from_index(vrf), &imports[vrf], &mut scratch)));
            }
            ribs
        });
        let mut ribs = vec![Rib::default(); imports.len()];
        for (vrf, rib) in done.into_iter().flatten() {
            ribs[vrf] = rib;
        }
        ribs
    }

    /// Returns the sets that a VRF imports, ascending: its import list against the target index (SEMANTICS I1).
    pub(crate) fn imported_sets(&self, vrf: VrfId) -> Vec<TargetSetId> {
        match self.network.vrf(vrf) {
            vrf if vrf.up => self.table.target_sets.matching(&vrf.family::<A>().import),
            _ => Vec::new(),
        }
    }

    fn rib(&self, vrf: VrfId, sets: &[TargetSetId], scratch: &mut Scratch) -> Rib {
        let lists: Vec<&[u32]> = sets.iter().map(|&set| self.buckets.of(set)).filter(|list| !list.is_empty()).collect();
        let imported = scratch.merge.union(self.table, self.packing, &lists);
        scratch.best.clear();
        self.join_own(vrf, imported, &mut scratch.best, &mut scratch.keys);
        self.patch(vrf, sets, scratch);
        if self.network.router_of(vrf).dialect.leaks_host_routes {
            self.join_hosts(vrf, scratch);
        }
        Rib { best: scratch.best.as_slice().into(), imported: self.count_imported(vrf, sets) }
    }

    /// Puts the VRF's own routes among the imported ones, `imported` having one word a prefix.
    fn join_own(&self, vrf: VrfId, imported: &[u32], best: &mut Vec<RouteId>, keys: &mut Vec<RouteKey>) {
        let (table, packing) = (self.table, self.packing);
        let own = self.buckets.own(vrf);
        let mut rest = imported;
        for own in own.chunk_by(|&a, &b| packing.first(table, a) == packing.first(table, b)) {
            let first = packing.first(table, own[0]);
            let before = gallop(rest, |word| packing.first(table, word) < first);
            best.extend(rest[..before].iter().map(|&word| packing.id(word)));
            rest = &rest[before..];
            let mut rival = None;
            if let Some((&word, behind)) = rest.split_first()
                && packing.first(table, word) == first
            {
                rest = behind;
                rival = Some(packing.id(word)).filter(|&id| table.origin(id) != vrf);
            }
            let alone = packing.id(own[0]);
            let clear = || beats_every_import(self.network, table.protocol(alone), table.attributes(alone));
            if own.len() == 1 && (rival.is_none() || clear()) {
                best.push(alone);
                continue;
            }
            let candidate = |index: usize| own.get(index).map(|&word| packing.id(word)).or(rival);
            keys.clear();
            keys.extend(
                (0..)
                    .map_while(|index| if index <= own.len() { candidate(index) } else { None })
                    .map(|id| table.key(id)),
            );
            best.extend(select::select::<A>(self.network, vrf, keys).best.and_then(candidate));
        }
        best.extend(rest.iter().map(|&word| packing.id(word)));
    }

    /// Selects again, from all candidates, for the prefixes at which the rank is not how this VRF sees them.
    fn patch(&self, vrf: VrfId, sets: &[TargetSetId], scratch: &mut Scratch) {
        let table = self.table;
        let router = self.network.vrf(vrf).router;
        let patches = &mut scratch.patches;
        patches.clear();
        if !self.neighbors.is_empty() {
            for &neighbor in &self.neighbors[router.index()] {
                if neighbor != vrf && self.may_import_from(neighbor, sets) {
                    let contested = |&id: &RouteId| {
                        let next = table.position.get(id.index() + 1);
                        table.status(id).is_vpn_route()
                            && (table.position[id.index()] > 0 || next.is_some_and(|&next| next > 0))
                            && sets.binary_search(&table.targets(id)).is_ok()
                    };
                    let routes = self.buckets.own(neighbor).iter().map(|&word| self.packing.id(word));
                    patches.extend(routes.filter(contested).map(|id| table.first_of_prefix(id)));
                }
            }
        }
        if self.twins {
            patches.extend(self.buckets.own(vrf).iter().map(|&word| self.packing.first(table, word)));
        }
        let exchanges = self.buckets.exchanges(router);
        patches.extend(exchanges.iter().map(|exchange| table.first_of_prefix(exchange.gained)));
        if !table.irregular.is_empty() {
            let firsts = scratch.best.iter().map(|&id| table.first_of_prefix(id));
            patches.extend(firsts.filter(|first| table.irregular.binary_search(first).is_ok()));
        }
        if patches.is_empty() {
            return;
        }
        patches.sort_unstable();
        patches.dedup();
        scratch.patched.clear();
        let mut rest = scratch.best.as_slice();
        for &first in &scratch.patches {
            let end = table.end_of_prefix(first);
            let before = gallop(rest, |id| id < first);
            scratch.patched.extend_from_slice(&rest[..before]);
            rest = &rest[before + gallop(&rest[before..], |id| id < end)..];
            self.candidates(vrf, sets, first, &mut scratch.candidates);
            scratch.keys.clear();
            scratch.keys.extend(scratch.candidates.iter().map(|&id| table.key(id)));
            let best = select::select::<A>(self.network, vrf, &scratch.keys).best;
            scratch.patched.extend(best.map(|best| scratch.candidates[best]));
        }
        scratch.patched.extend_from_slice(rest);
        std::mem::swap(&mut scratch.best, &mut scratch.patched);
    }

    /// Returns whether a VRF that imports `sets` may import anything from `neighbor`.
    fn may_import_from(&self, neighbor: VrfId, sets: &[TargetSetId]) -> bool {
        self.table.own_targets || sets.binary_search(&self.table.export_of[neighbor.index()]).is_ok()
    }

    /// Fills `candidates` with the VRF's own and imported routes to the prefix whose first route is `first`.
    pub(crate) fn candidates(&self, vrf: VrfId, sets: &[TargetSetId], first: RouteId, candidates: &mut Vec<RouteId>) {
        let router = self.network.vrf(vrf).router;
        candidates.clear();
        let ids = (first.0..self.table.end_of_prefix(first).0).map(RouteId);
        candidates.extend(ids.filter(|&id| {
            self.table.origin(id) == vrf
                || sets.binary_search(&self.table.targets(id)).is_ok() && self.is_visible(router, id)
        }));
    }

    /// Returns whether a router sees a VPN route at all: it is reflected, or the router prefers its own of that NLRI.
    pub(crate) fn is_visible(&self, router: RouterId, id: RouteId) -> bool {
        let exchanges = self.buckets.exchanges(router);
        match self.table.status(id) {
            ExportStatus::Exported => exchanges.iter().all(|exchange| exchange.hidden != id),
            ExportStatus::LostNlri => exchanges.binary_search_by_key(&id, |exchange| exchange.gained).is_ok(),
            _ => false,
        }
    }

    /// Counts the VPN routes that a VRF accepts: whole buckets, less its own, with its router's choice of NLRIs.
    fn count_imported(&self, vrf: VrfId, sets: &[TargetSetId]) -> u32 {
        let table = self.table;
        let imports = |id: RouteId| sets.binary_search(&table.targets(id)).is_ok();
        let all: usize = sets.iter().map(|&set| self.buckets.size(set)).sum();
        let mut count = all;
        if self.may_import_from(vrf, sets) {
            let own = self.buckets.own(vrf).iter().map(|&word| self.packing.id(word));
            count -= own.filter(|&id| table.status(id) == ExportStatus::Exported && imports(id)).count();
        }
        for exchange in self.buckets.exchanges(self.network.vrf(vrf).router) {
            count += usize::from(table.origin(exchange.gained) != vrf && imports(exchange.gained));
            count -= usize::from(table.origin(exchange.hidden) != vrf && imports(exchange.hidden));
        }
        u32::try_from(count).expect("fewer VPN routes than ids")
    }

    /// Adds the host routes of the interfaces whose connected routes were imported from this router (SEMANTICS S3a).
    fn join_hosts(&self, vrf: VrfId, scratch: &mut Scratch) {
        let table = self.table;
        let hosts = &mut scratch.patches;
        hosts.clear();
        for &id in &scratch.best {
            hosts.extend(self.hosts_of(vrf, id));
        }
        if hosts.is_empty() {
            return;
        }
        let rank = |id: RouteId| (self.network.vrf(table.origin(id)).rd, table.key(id));
        hosts.sort_unstable_by_key(|&id| (table.first_of_prefix(id), rank(id)));
        hosts.dedup_by_key(|id| table.first_of_prefix(*id));
        scratch.patched.clear();
        let mut rest = scratch.best.as_slice();
        for &host in &scratch.patches {
            let first = table.first_of_prefix(host);
            let before = gallop(rest, |id| id < first);
            scratch.patched.extend_from_slice(&rest[..before]);
            rest = &rest[before..];
            let rival = rest.first().copied().filter(|&id| table.first_of_prefix(id) == first);
            rest = &rest[usize::from(rival.is_some())..];
            let stays = |&id: &RouteId| {
                let key = table.key(id);
                key.origin == vrf && key.protocol != Protocol::Bgp && select::own_distance(self.network, key) == 0
            };
            scratch.patched.push(rival.filter(stays).unwrap_or(host));
        }
        scratch.patched.extend_from_slice(rest);
        std::mem::swap(&mut scratch.best, &mut scratch.patched);
    }

    /// Returns the host routes that come along where `vrf` uses the route `id`.
    pub(crate) fn hosts_of(&self, vrf: VrfId, id: RouteId) -> impl Iterator<Item = RouteId> + '_ {
        let table = self.table;
        let here = self.network.vrf(vrf);
        let from = table.origin(id);
        let leaks = from != vrf
            && table.protocol(id) == Protocol::Connected
            && self.network.vrf(from).router == here.router
            && self.network.router(here.router).dialect.leaks_host_routes
            && is_attached(self.network, table.next_hop(id));
        let interface = self.network.next_hop(table.next_hop(id)).kind.interface().filter(|_| leaks);
        let prefix = table.prefix(id);
        let start =
            interface.map_or(self.hosts.len(), |interface| self.hosts.partition_point(|&(other, _)| other < interface));
        self.hosts[start..]
            .iter()
            .take_while(move |&&(other, _)| Some(other) == interface)
            .map(|&(_, host)| host)
            .filter(move |&host| prefix.covers(table.prefix(host)))
    }
}

/// Returns how many items at the front of an ascending slice satisfy `before`. O(log of the answer).
fn gallop<T: Copy>(slice: &[T], before: impl Fn(T) -> bool) -> usize {
    let mut step = 1;
    while step <= slice.len() && before(slice[step - 1]) {
        step *= 2;
    }
    let low = step / 2;
    let high = slice.len().min(step);
    low + slice[low..high].partition_point(|&item| before(item))
}
