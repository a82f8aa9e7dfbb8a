//! Import: from buckets to the RIB of each VRF.
//!
//! Most prefixes of a VRF come out of a merge: the buckets it imports, then its own routes. The rank decides there. For
//! the rest the VRF sees its candidates otherwise than the rank does, and [`select`] decides from the whole set:
//!
//! - own routes that do not win by their distance alone, against the best imported one;
//! - routes from other VRFs of its own router, on a network of several routers (weight, eBGP before iBGP);
//! - irregular prefixes (MEDs, IGP metrics), and NLRIs of which its router prefers its own;
//! - routes that its import map drops or changes, or whose AS path is a loop ([`crate::imported`]), and those that its
//!   own export map changed and that it wants back from others;
//! - everything, where a limit cuts ([`crate::limit`]).
//!
//! Host routes that come along with an interface (SEMANTICS S3a) are put in last.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::address::Address;
use crate::attributes::Attributes;
use crate::buckets::Buckets;
use crate::candidates::Candidates;
use crate::id::{InterfaceId, RouteId, RouterId, TargetSetId, VrfId};
use crate::imported::{self, Verdict, Verdicts};
use crate::limit::Cut;
use crate::lists::Packing;
use crate::merge::Merge;
use crate::network::Network;
use crate::next_hop::NextHopKind;
use crate::paths::Paths;
use crate::rib::{Particulars, Rib};
use crate::route_table::{ExportStatus, RouteTable, beats_every_import, is_attached};
use crate::select::{self, Contest, RouteKey};
use crate::source_route::Protocol;

/// Everything that the import of any VRF reads.
pub(crate) struct Import<'a, A> {
    pub(crate) network: &'a Network,
    pub(crate) table: &'a RouteTable<A>,
    pub(crate) paths: Paths<'a>,
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
pub(crate) struct Scratch {
    merge: Merge,
    pub(crate) best: Vec<RouteId>,
    patched: Vec<RouteId>,
    /// The first route of each prefix that is selected again.
    pub(crate) patches: Vec<RouteId>,
    pub(crate) candidates: Candidates,
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
        let (paths, packing) = (table.paths(network), Packing::new(table.len()));
        Self { network, table, paths, buckets, packing, neighbors, twins, hosts }
    }

    /// Computes the RIBs of all VRFs, by [`VrfId`], in the current rayon pool: biggest first, one scratch a thread.
    pub(crate) fn ribs(&self) -> Vec<Rib> {
        let imports: Vec<Vec<TargetSetId>> = self.network.vrf_ids().map(|vrf| self.imported_sets(vrf)).collect();
        let work = |vrf: usize| imports[vrf].iter().map(|&set| self.buckets.size(set)).sum::<usize>();
        let mut order: Vec<(usize, usize)> = (0..imports.len()).map(|vrf| (work(vrf), vrf)).collect();
        order.sort_unstable_by(|a, b| b.cmp(a));
        let most_own_as = imported::most_own_as(self.paths);
        let next = AtomicUsize::new(0);
        let done = rayon::broadcast(|_| {
            let mut scratch = Scratch::default();
            let mut ribs = Vec::new();
            while let Some(&(_, vrf)) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                let id = VrfId::from_index(vrf);
                scratch.candidates.start(self.filters(id, &most_own_as));
                ribs.push((vrf, self.rib(id, &imports[vrf], &mut scratch)));
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

    /// Returns whether a VRF may refuse or change some of what its targets bring: it has an import map, or an AS path
    /// holds its router's AS too often. `most_own_as` is what [`imported::most_own_as`] says.
    fn filters(&self, vrf: VrfId, most_own_as: &[u32]) -> bool {
        let (here, family) = (self.network.vrf(vrf), self.network.vrf(vrf).family::<A>());
        family.import_map.is_some() || most_own_as[here.router.index()] > family.allowas_in
    }

    fn rib(&self, vrf: VrfId, sets: &[TargetSetId], scratch: &mut Scratch) -> Rib {
        let lists: Vec<&[u32]> = sets.iter().map(|&set| self.buckets.of(set)).filter(|list| !list.is_empty()).collect();
        let imported = scratch.merge.union(self.table, self.packing, &lists);
        scratch.best.clear();
        scratch.patches.clear();
        self.join_own(vrf, imported, &mut scratch.best, &mut scratch.keys);
        let mut count = self.count_imported(vrf, sets);
        if scratch.candidates.filters() {
            let firsts = self.imported_prefixes(vrf, imported);
            count = self.filter(vrf, sets, &firsts, &mut scratch.candidates, &mut scratch.patches);
        }
        let mut particulars = Particulars::default();
        if let Some(maximum) = self.network.vrf(vrf).family::<A>().maximum_routes {
            let firsts = || self.imported_prefixes(vrf, imported);
            let (candidates, patches) = (&mut scratch.candidates, &mut scratch.patches);
            count = self.limit(vrf, sets, maximum, count, firsts, candidates, patches, &mut particulars);
        }
        self.patch(vrf, sets, particulars.cut.as_ref(), scratch);
        if self.network.router_of(vrf).dialect.leaks_host_routes {
            self.join_hosts(vrf, scratch);
        }
        if self.network.vrf(vrf).family::<A>().maximum_paths.paths > 1 {
            particulars.multipath = self.multipath(vrf, sets, particulars.cut.as_ref(), scratch);
        }
        Rib { best: scratch.best.as_slice().into(), imported: count, particulars: particulars.boxed() }
    }

    /// Returns the first route of every prefix of which the VRF may import something, ascending, `imported` having one
    /// word a prefix.
    fn imported_prefixes(&self, vrf: VrfId, imported: &[u32]) -> Vec<RouteId> {
        let mut firsts: Vec<RouteId> = imported.iter().map(|&word| self.packing.first(self.table, word)).collect();
        let exchanges = self.buckets.exchanges(self.network.vrf(vrf).router);
        if !exchanges.is_empty() {
            firsts.extend(exchanges.iter().map(|exchange| self.table.first_of_prefix(exchange.gained)));
            firsts.sort_unstable();
            firsts.dedup();
        }
        firsts
    }

    /// Returns how many routes to the prefixes `firsts` the VRF imports, and adds those of which it refuses or changes
    /// one to `touched`.
    fn filter(
        &self,
        vrf: VrfId,
        sets: &[TargetSetId],
        firsts: &[RouteId],
        candidates: &mut Candidates,
        touched: &mut Vec<RouteId>,
    ) -> u32 {
        let mut count = 0;
        for &first in firsts {
            let mut plain = true;
            for id in (first.0..self.table.end_of_prefix(first).0).map(RouteId) {
                if self.enters(vrf, sets, id) {
                    let verdict = candidates.verdicts.of(self.network, self.table, vrf, id);
                    plain &= verdict == Verdict::Plain;
                    count += u32::from(matches!(verdict, Verdict::Plain | Verdict::Changed(_)));
                }
            }
            if !plain {
                touched.push(first);
            }
        }
        count
    }

    /// Returns the attributes of the copy of `id` that stands in `vrf`, which imports it.
    pub(crate) fn attributes_in(&self, vrf: VrfId, id: RouteId) -> Attributes {
        match Verdicts::default().of(self.network, self.table, vrf, id) {
            Verdict::Changed(copy) => copy.attributes.clone(),
            _ => self.paths.attributes(self.table.attributes(id)).clone(),
        }
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
            let contest = Contest { keys, copies: &[] };
            best.extend(select::select::<A>(self.paths, vrf, contest).best.and_then(candidate));
        }
        best.extend(rest.iter().map(|&word| packing.id(word)));
    }

    /// Selects again, from all candidates, for the prefixes at which the rank is not how this VRF sees them.
    ///
    /// [`Scratch::patches`] holds some of them already.
    fn patch(&self, vrf: VrfId, sets: &[TargetSetId], cut: Option<&Cut>, scratch: &mut Scratch) {
        let table = self.table;
        let router = self.network.vrf(vrf).router;
        let patches = &mut scratch.patches;
        if !self.neighbors.is_empty() {
            for &neighbor in &self.neighbors[router.index()] {
                if neighbor != vrf && self.may_import_from(neighbor, sets) {
                    let contested = |&id: &RouteId| {
                        let next = table.position.get(id.index() + 1);
                        table.status(id).is_vpn_route()
                            && (table.position[id.index()] > 0 || next.is_some_and(|&next| next > 0))
                            && sets.binary_search(&table.targets(id)).is_ok()
                    };
                    let routes = self.buckets.own(neighbor).iter().chain(self.buckets.derived(neighbor));
                    let routes = routes.map(|&word| self.packing.id(word));
                    patches.extend(routes.filter(contested).map(|id| table.first_of_prefix(id)));
                }
            }
        }
        // Behind what the VRF's own export map changed, a bucket may hide what the VRF prefers to its own route.
        let changed = self.buckets.derived(vrf).iter().map(|&word| self.packing.id(word));
        let back = changed.filter(|&id| sets.binary_search(&table.targets(id)).is_ok());
        patches.extend(back.map(|id| table.first_of_prefix(id)));
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
            self.candidates(vrf, sets, first, cut, &mut scratch.candidates);
            let best = select::select::<A>(self.paths, vrf, scratch.candidates.contest()).best;
            scratch.patched.extend(best.map(|best| scratch.candidates.ids[best]));
        }
        scratch.patched.extend_from_slice(rest);
        std::mem::swap(&mut scratch.best, &mut scratch.patched);
    }

    /// Returns whether a VRF that imports `sets` may import anything from `neighbor`.
    fn may_import_from(&self, neighbor: VrfId, sets: &[TargetSetId]) -> bool {
        self.table.own_targets || sets.binary_search(&self.table.export_of[neighbor.index()]).is_ok()
    }

    /// Fills `candidates` with the VRF's own and imported routes to the prefix whose first route is `first`, as far as
    /// `cut` leaves them.
    pub(crate) fn candidates(
        &self,
        vrf: VrfId,
        sets: &[TargetSetId],
        first: RouteId,
        cut: Option<&Cut>,
        candidates: &mut Candidates,
    ) {
        let table = self.table;
        candidates.clear();
        for id in (first.0..table.end_of_prefix(first).0).map(RouteId) {
            if table.origin(id) == vrf && !table.is_derived(id) {
                candidates.push(id, table.key(id), None);
            } else if self.enters(vrf, sets, id) {
                if !candidates.filters() {
                    candidates.push(id, table.key(id), None);
                    continue;
                }
                match candidates.verdicts.of(self.network, table, vrf, id) {
                    Verdict::Plain => candidates.push(id, table.key(id), None),
                    Verdict::Changed(copy) => candidates.push(id, table.key(id), Some(copy)),
                    Verdict::Denied(_) | Verdict::Loop => {}
                }
            }
        }
        if let Some(cut) = cut {
            cut.apply(self.paths, vrf, first, candidates);
        }
    }

    /// Returns the routes that the VRF has from its CEs, ascending.
    pub(crate) fn own_from_ces(&self, vrf: VrfId) -> Vec<RouteId> {
        let own = self.buckets.own(vrf).iter().map(|&word| self.packing.id(word));
        own.filter(|&id| self.table.protocol(id) == Protocol::Bgp).collect()
    }

    /// Returns whether a VRF that imports `sets` is offered a route: it wants one of its targets (SEMANTICS I1), its
    /// router sees it (E6), and it has not been in the VRF (I4).
    fn enters(&self, vrf: VrfId, sets: &[TargetSetId], id: RouteId) -> bool {
        sets.binary_search(&self.table.targets(id)).is_ok()
            && !self.table.was_in(vrf, id)
            && self.is_visible(self.network.vrf(vrf).router, id)
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

    /// Counts the VPN routes that enter a VRF: whole buckets, less what has been there, with its router's choice of
    /// NLRIs.
    fn count_imported(&self, vrf: VrfId, sets: &[TargetSetId]) -> u32 {
        let table = self.table;
        let imports = |id: RouteId| sets.binary_search(&table.targets(id)).is_ok();
        let all: usize = sets.iter().map(|&set| self.buckets.size(set)).sum();
        let mut count = all;
        let reflected = |id: &RouteId| table.status(*id) == ExportStatus::Exported && imports(*id);
        if self.may_import_from(vrf, sets) {
            let own = self.buckets.own(vrf).iter().chain(self.buckets.derived(vrf));
            count -= own.map(|&word| self.packing.id(word)).filter(reflected).count();
        }
        let back = table.ways.iter().filter(|(id, way)| table.origin(*id) != vrf && way.contains(&vrf));
        count -= back.map(|&(id, _)| id).filter(reflected).count();
        for exchange in self.buckets.exchanges(self.network.vrf(vrf).router) {
            count += usize::from(!table.was_in(vrf, exchange.gained) && imports(exchange.gained));
            count -= usize::from(!table.was_in(vrf, exchange.hidden) && imports(exchange.hidden));
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
                key.origin == vrf && key.protocol != Protocol::Bgp && select::own_distance(self.paths, key) == 0
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
