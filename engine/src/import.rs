//! Import: from buckets to the RIB of each VRF.
//!
//! VRFs that import the same buckets are a [class](crate::class), whose best routes are a merge of those buckets: the rank
//! decides there. A VRF then looks again at the prefixes that it sees otherwise than its class does, and [`select`]
//! decides from the whole set:
//!
//! - where it has routes of its own;
//! - where a route from another VRF of its own router competes, on a network of several routers (weight, eBGP before
//!   iBGP), and where IGP metrics differ;
//! - NLRIs of which its router prefers its own;
//! - where its import map drops or changes a route, or an AS path is a loop ([`crate::imported`]);
//! - everywhere, where a limit cuts ([`crate::limit`]).
//!
//! Host routes that come along with an interface (SEMANTICS S3a) are put in last. What is then not as the class has it
//! stands in the VRF's splices, or, where that is most of it, in a list of its own.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::address::Address;
use crate::attributes::Attributes;
use crate::buckets::Buckets;
use crate::candidates::Candidates;
use crate::class::{self, Chooser, Class, ClassView, gallop};
use crate::id::{InterfaceId, RouteId, RouterId, TargetSetId, VrfId};
use crate::imported::{self, BySet, Verdict, Verdicts};
use crate::limit::Cut;
use crate::lists::Packing;
use crate::network::Network;
use crate::next_hop::NextHopKind;
use crate::paths::Paths;
use crate::rib::{MadeRib, Particulars, Ribs, Splice};
use crate::route_table::{ExportStatus, RouteTable, beats_every_import, is_attached};
use crate::select::{self, Contest, RouteKey};
use crate::source_route::Protocol;

/// Everything that the import of any VRF reads.
pub(crate) struct Import<'a, A> {
    pub(crate) network: &'a Network,
    pub(crate) table: &'a RouteTable<A>,
    pub(crate) paths: Paths<'a>,
    pub(crate) buckets: &'a Buckets,
    pub(crate) packing: Packing,
    /// Whether some attributes differ in their MED, or an export map set a next hop.
    pub(crate) rank_may_err: bool,
    /// The local routes of routers whose dialect leaks them, by interface.
    hosts: Vec<(InterfaceId, RouteId)>,
}

/// Which VRFs of each router export into each bucket.
struct Exporters(Vec<(RouterId, TargetSetId, VrfId)>);

/// What one thread reuses from VRF to VRF.
#[derive(Default)]
struct Scratch {
    chooser: Chooser,
    overlay: Overlay,
    best: Vec<RouteId>,
}

/// Where one VRF differs from its class, while it is computed.
#[derive(Default)]
struct Overlay {
    /// The first routes of prefixes at which to select from all candidates in any case.
    literal: Vec<RouteId>,
    changes: Vec<Change>,
    candidates: Candidates,
    keys: Vec<RouteKey>,
    hosts: Vec<RouteId>,
    /// The prefixes at which an import map, the check for loops, or a limit decides, by their first routes.
    touched: Vec<RouteId>,
    cut: Option<Cut>,
}

/// What the RIBs of all VRFs are made with.
struct Common {
    exporters: Exporters,
    /// The VPN routes whose AS path holds a router's AS, by router; empty where none does.
    own_as: Vec<BySet>,
}

/// What a VRF has at one prefix otherwise than its class.
#[derive(Clone, Copy)]
struct Change {
    /// The first route to the prefix.
    first: RouteId,
    splice: Splice,
}

impl<'a, A: Address> Import<'a, A> {
    pub(crate) fn new(network: &'a Network, table: &'a RouteTable<A>, buckets: &'a Buckets) -> Self {
        let packing = Packing::new(table);
        let mut hosts = Vec::new();
        for vrf in network.vrf_ids().filter(|&vrf| network.router_of(vrf).dialect.leaks_host_routes) {
            for id in buckets.own(vrf).iter().map(|&word| packing.id(word)) {
                if table.protocol(id) == Protocol::Local
                    && let NextHopKind::Receive { interface } = network.next_hop(table.next_hop(id)).kind
                {
                    hosts.push((interface, id));
                }
            }
        }
        hosts.sort_unstable();
        let paths = table.paths(network);
        let med = network.attributes().first().map(|attributes| attributes.med);
        let rank_may_err = paths.all().any(|(_, attributes)| Some(attributes.med) != med) || paths.sets_next_hops();
        Self { network, table, paths, buckets, packing, rank_may_err, hosts }
    }

    /// Computes the RIBs of all VRFs in the current rayon pool, biggest class first. Without `sharing` every VRF is a
    /// class of its own and its RIB a list of its own.
    pub(crate) fn ribs(&self, sharing: bool) -> Ribs {
        let classes = class::classes(self, sharing);
        let own_as = imported::own_as_routes(self.network, self.table);
        let common = Common { exporters: Exporters::new(self), own_as };
        let scratches = Mutex::new(Vec::new());
        // The list and the losers of each class that several VRFs share; what else was made, by VRF.
        let done = on_all_threads(&scratches, classes.len(), |scratch: &mut Scratch, index| {
            let Class { sets, members } = &classes[index];
            let Scratch { chooser, overlay, best } = scratch;
            let view = chooser.choose(self, sets);
            if let [vrf] = **members {
                let (imported, mut particulars) = self.begin(vrf, view, &common, overlay);
                self.list(vrf, view, &common, overlay, best);
                particulars.multipath = self.multipath(vrf, sets, best, overlay.cut.as_ref(), &mut overlay.candidates);
                let (list, particulars) = (Ok(best.as_slice().into()), particulars.boxed());
                (Vec::new(), Vec::new(), Some(MadeRib { list, splices: Box::default(), imported, particulars }))
            } else {
                (view.best.to_vec(), view.others.to_vec(), None)
            }
        });
        let mut made: Vec<Option<MadeRib>> = Vec::new();
        made.resize_with(self.network.vrfs().len(), || None);
        let mut shared = vec![(Vec::new(), Vec::new()); classes.len()];
        for (index, (best, others, rib)) in done {
            match rib {
                Some(rib) => made[classes[index].members[0].index()] = Some(rib),
                None => shared[index] = (best, others),
            }
        }
        let members: Vec<(usize, VrfId)> = classes
            .iter()
            .enumerate()
            .filter(|(_, class)| class.members.len() > 1)
            .flat_map(|(index, class)| class.members.iter().map(move |&vrf| (index, vrf)))
            .collect();
        let chunks: Vec<&[(usize, VrfId)]> = members.chunks(MEMBERS_PER_TASK).collect();
        let done = on_all_threads(&scratches, chunks.len(), |scratch: &mut Scratch, chunk| {
            let rib = |&(index, vrf): &(usize, VrfId)| {
                let sets = &classes[index].sets;
                let view = ClassView { sets, best: &shared[index].0, others: &shared[index].1 };
                let Scratch { overlay, best, .. } = &mut *scratch;
                let (imported, mut particulars) = self.begin(vrf, view, &common, overlay);
                let changes = self.compare(vrf, view, &common, overlay);
                if self.network.vrf(vrf).family::<A>().maximum_paths.paths > 1 {
                    apply(view.best, self.packing, &overlay.changes, best);
                    let (cut, candidates) = (overlay.cut.as_ref(), &mut overlay.candidates);
                    particulars.multipath = self.multipath(vrf, sets, best, cut, candidates);
                }
                let particulars = particulars.boxed();
                // A splice takes the room of two entries of a list.
                if changes < view.best.len() {
                    let splices = overlay.changes.iter().map(|change| change.splice).collect();
                    return MadeRib { list: Err(index), splices, imported, particulars };
                }
                self.list(vrf, view, &common, overlay, best);
                MadeRib { list: Ok(best.as_slice().into()), splices: Box::default(), imported, particulars }
            };
            chunks[chunk].iter().map(rib).collect::<Vec<_>>()
        });
        for (chunk, ribs) in done {
            for (&(_, vrf), rib) in chunks[chunk].iter().zip(ribs) {
                made[vrf.index()] = Some(rib);
            }
        }
        let made = made.into_iter().map(|rib| rib.expect("every VRF is in one class")).collect();
        let ids = |(best, _): (Vec<u32>, _)| best.into_iter().map(|word| self.packing.id(word)).collect();
        Ribs::new(made, shared.into_par_iter().map(ids).collect())
    }

    /// Returns the sets that a VRF imports, ascending: its import list against the target index (SEMANTICS I1).
    pub(crate) fn imported_sets(&self, vrf: VrfId) -> Vec<TargetSetId> {
        match self.network.vrf(vrf) {
            vrf if vrf.up => self.table.target_sets.matching(&vrf.family::<A>().import),
            _ => Vec::new(),
        }
    }

    /// Begins with a VRF: finds the prefixes at which its import map, loops or a limit decide, and returns how many
    /// routes it imports.
    fn begin(&self, vrf: VrfId, class: ClassView<'_>, common: &Common, overlay: &mut Overlay) -> (u32, Particulars) {
        let family = self.network.vrf(vrf).family::<A>();
        let own_as = common.own_as.get(self.network.vrf(vrf).router.index()).map_or(&[][..], |routes| routes);
        let Overlay { candidates, touched, cut, .. } = overlay;
        candidates.start(family.import_map.is_some() || !own_as.is_empty());
        touched.clear();
        let mut imported = self.count_imported(vrf, class.sets);
        if family.import_map.is_some() {
            imported = self.filter(vrf, class.sets, &self.imported_prefixes(vrf, class.best), candidates, touched);
        } else if !own_as.is_empty() {
            imported -= self.refuse_loops(vrf, class.sets, own_as, candidates, touched);
        }
        let mut particulars = Particulars::default();
        if let Some(maximum) = family.maximum_routes {
            let prefixes = || self.imported_prefixes(vrf, class.best);
            imported = self.limit(vrf, class.sets, maximum, imported, prefixes, candidates, touched, &mut particulars);
        }
        cut.clone_from(&particulars.cut);
        (imported, particulars)
    }

    /// Returns the first route of every prefix of which the VRF may import something, ascending, `best` having one word
    /// a prefix.
    fn imported_prefixes(&self, vrf: VrfId, best: &[u32]) -> Vec<RouteId> {
        let mut firsts: Vec<RouteId> = best.iter().map(|&word| self.packing.first(self.table, word)).collect();
        let exchanges = self.buckets.exchanges(self.network.vrf(vrf).router);
        if !exchanges.is_empty() {
            firsts.extend(exchanges.iter().map(|exchange| self.table.first_of_prefix(exchange.gained)));
            firsts.sort_unstable();
            firsts.dedup();
        }
        firsts
    }

    /// Returns how many routes to the prefixes `firsts` the VRF imports, and adds those prefixes of which its import map
    /// refuses or changes one to `touched`.
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

    /// Returns how many routes that the VRF is offered are loops (SEMANTICS I5), and adds their prefixes to `touched`.
    fn refuse_loops(
        &self,
        vrf: VrfId,
        sets: &[TargetSetId],
        own_as: &[(TargetSetId, RouteId)],
        candidates: &mut Candidates,
        touched: &mut Vec<RouteId>,
    ) -> u32 {
        let mut count = 0;
        let of_set = |set: TargetSetId| {
            let start = own_as.partition_point(|&(other, _)| other < set);
            own_as[start..].iter().take_while(move |&&(other, _)| other == set).map(|&(_, id)| id)
        };
        for id in sets.iter().flat_map(|&set| of_set(set)).filter(|&id| self.enters(vrf, sets, id)) {
            if candidates.verdicts.of(self.network, self.table, vrf, id) == Verdict::Loop {
                touched.push(self.table.first_of_prefix(id));
                count += 1;
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

    /// Fills `best` with all that `vrf` has.
    fn list(&self, vrf: VrfId, class: ClassView<'_>, common: &Common, overlay: &mut Overlay, best: &mut Vec<RouteId>) {
        if class.sets.is_empty() && overlay.cut.is_none() {
            let (table, packing) = (self.table, self.packing);
            let same_prefix = |&a: &u32, &b: &u32| packing.first(table, a) == packing.first(table, b);
            let own = self.buckets.own(vrf).chunk_by(same_prefix);
            best.clear();
            best.extend(own.filter_map(|own| self.select_with_own(vrf, own, None, &mut overlay.keys)));
        } else {
            self.compare(vrf, class, common, overlay);
            apply(class.best, self.packing, &overlay.changes, best);
        }
    }

    /// Fills the overlay's changes with all prefixes at which `vrf` has something else than its class, and returns how
    /// many they are.
    fn compare(&self, vrf: VrfId, class: ClassView<'_>, common: &Common, overlay: &mut Overlay) -> usize {
        self.find_literal(vrf, class, &common.exporters, overlay);
        let (table, packing) = (self.table, self.packing);
        let first_of = |word: u32| packing.first(table, word);
        overlay.changes.clear();
        let (mut own, mut others, mut at, mut literals) = (self.buckets.own(vrf), class.others, 0, 0);
        loop {
            let literal = overlay.literal.get(literals).copied();
            let first = match (own.first().map(|&word| first_of(word)), literal) {
                (Some(own), Some(literal)) => own.min(literal),
                (Some(first), None) | (None, Some(first)) => first,
                (None, None) => break,
            };
            literals += usize::from(literal == Some(first));
            let own_here;
            (own_here, own) = own.split_at(own.iter().take_while(|&&word| first_of(word) == first).count());
            at += gallop(&class.best[at..], |word| first_of(word) < first);
            let of_class = class.best.get(at).filter(|&&word| first_of(word) == first).map(|&word| packing.id(word));
            others = &others[gallop(others, |word| first_of(word) < first)..];
            let losers = &others[..others.iter().take_while(|&&word| first_of(word) == first).count()];
            let best = if literal == Some(first) || !losers.is_empty() {
                self.select_among_all(vrf, class.sets, (own_here, of_class, losers), first, overlay)
            } else {
                self.select_with_own(vrf, own_here, of_class, &mut overlay.keys)
            };
            if best != of_class {
                overlay.changes.push(Change { first, splice: Splice::new(at, of_class.is_some(), best) });
            }
        }
        if !self.hosts.is_empty() && self.network.router_of(vrf).dialect.leaks_host_routes {
            self.join_hosts(vrf, class, &common.exporters, overlay);
        }
        overlay.changes.len()
    }

    /// Lists the prefixes that the VRF may see otherwise than its class even where it has no route of its own.
    fn find_literal(&self, vrf: VrfId, class: ClassView<'_>, exporters: &Exporters, overlay: &mut Overlay) {
        let (table, packing) = (self.table, self.packing);
        let first_of = |word: u32| packing.first(table, word);
        let router = self.network.vrf(vrf).router;
        let literal = &mut overlay.literal;
        literal.clear();
        literal.extend_from_slice(&overlay.touched);
        if self.network.has_igp_metrics() {
            literal.extend(class.others.iter().map(|&word| first_of(word)));
        } else if self.network.routers().len() > 1 && !class.others.is_empty() {
            for neighbor in exporters.of(router, class.sets).filter(|&neighbor| neighbor != vrf) {
                for words in [self.buckets.own(neighbor), self.buckets.derived(neighbor)] {
                    let mut others = class.others;
                    for &word in words {
                        let first = first_of(word);
                        others = &others[gallop(others, |other| first_of(other) < first)..];
                        let contested = others.first().is_some_and(|&other| first_of(other) == first);
                        if contested && class.sets.binary_search(&table.targets(packing.id(word))).is_ok() {
                            literal.push(first);
                        }
                    }
                }
            }
        }
        let exchanges = self.buckets.exchanges(router);
        literal.extend(exchanges.iter().map(|exchange| table.first_of_prefix(exchange.gained)));
        literal.sort_unstable();
        literal.dedup();
    }

    /// Selects among the VRF's own routes to a prefix and the one that the class has.
    fn select_with_own(
        &self,
        vrf: VrfId,
        own: &[u32],
        of_class: Option<RouteId>,
        keys: &mut Vec<RouteKey>,
    ) -> Option<RouteId> {
        let (table, packing) = (self.table, self.packing);
        let rival = of_class.filter(|&id| !table.was_in(vrf, id));
        if let [alone] = *own {
            let alone = packing.id(alone);
            if rival.is_none() || beats_every_import(self.network, table.protocol(alone), table.attributes(alone)) {
                return Some(alone);
            }
        }
        let candidate = |at: usize| own.get(at).map(|&word| packing.id(word)).or(rival);
        keys.clear();
        keys.extend((0..=own.len()).map_while(candidate).map(|id| table.key(id)));
        let contest = Contest { keys, copies: &[] };
        select::select::<A>(self.paths, vrf, contest).best.and_then(candidate)
    }

    /// Selects among everything that competes for a prefix: the VRF's own routes, and what the class has.
    fn select_among_all(
        &self,
        vrf: VrfId,
        sets: &[TargetSetId],
        (own, of_class, losers): (&[u32], Option<RouteId>, &[u32]),
        first: RouteId,
        overlay: &mut Overlay,
    ) -> Option<RouteId> {
        let (table, packing) = (self.table, self.packing);
        let exchanges = self.buckets.exchanges(self.network.vrf(vrf).router);
        let Overlay { candidates, cut, .. } = overlay;
        if candidates.filters() || cut.is_some() {
            self.candidates(vrf, sets, first, cut.as_ref(), candidates);
        } else {
            candidates.clear();
            let offered = losers.iter().map(|&word| packing.id(word)).chain(of_class);
            let seen = offered.filter(|&id| exchanges.iter().all(|exchange| exchange.hidden != id));
            let gained = exchanges
                .iter()
                .map(|exchange| exchange.gained)
                .filter(|&id| table.first_of_prefix(id) == first && sets.binary_search(&table.targets(id)).is_ok());
            for id in seen.chain(gained).filter(|&id| !table.was_in(vrf, id)) {
                candidates.push(id, table.key(id), None);
            }
            for id in own.iter().map(|&word| packing.id(word)) {
                candidates.push(id, table.key(id), None);
            }
        }
        select::select::<A>(self.paths, vrf, candidates.contest()).best.map(|best| candidates.ids[best])
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

    /// Adds the host routes of the interfaces whose connected routes the VRF has from its router (SEMANTICS S3a).
    fn join_hosts(&self, vrf: VrfId, class: ClassView<'_>, exporters: &Exporters, overlay: &mut Overlay) {
        let (table, packing) = (self.table, self.packing);
        let Overlay { changes, hosts, .. } = overlay;
        let changed = changes.len();
        // Where a prefix is in the list of the class, whether it is there at all, and what the VRF has.
        let find = |changes: &[Change], first: RouteId| match changes[..changed]
            .binary_search_by_key(&first, |change| change.first)
        {
            Ok(at) => (Some(at), changes[at].splice),
            Err(_) => {
                let at = class.best.partition_point(|&word| packing.first(table, word) < first);
                let of_class = class.best.get(at).filter(|&&word| packing.first(table, word) == first);
                (None, Splice::new(at, of_class.is_some(), of_class.map(|&word| packing.id(word))))
            }
        };
        hosts.clear();
        for from in exporters.of(self.network.vrf(vrf).router, class.sets).filter(|&from| from != vrf) {
            let exported = self.buckets.own(from).iter().chain(self.buckets.derived(from));
            for id in exported.map(|&word| packing.id(word)) {
                if table.protocol(id) == Protocol::Connected
                    && find(changes, table.first_of_prefix(id)).1.best() == Some(id)
                {
                    hosts.extend(self.hosts_of(vrf, id));
                }
            }
        }
        let rank = |id: RouteId| (self.network.vrf(table.origin(id)).rd, table.key(id));
        hosts.sort_unstable_by_key(|&id| (table.first_of_prefix(id), rank(id)));
        hosts.dedup_by_key(|id| table.first_of_prefix(*id));
        let stays = |id: RouteId| {
            let key = table.key(id);
            key.origin == vrf && key.protocol != Protocol::Bgp && select::own_distance(self.paths, key) == 0
        };
        for &host in &*hosts {
            let first = table.first_of_prefix(host);
            let (change, splice) = find(changes, first);
            if splice.best().is_some_and(stays) {
                continue;
            }
            let new = Change { first, splice: Splice::new(splice.at(), splice.replaces(), Some(host)) };
            match change {
                Some(at) => changes[at] = new,
                None => changes.push(new),
            }
        }
        changes.sort_unstable_by_key(|change| change.first);
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

impl Exporters {
    fn new<A: Address>(import: &Import<'_, A>) -> Self {
        let Import { network, table, .. } = *import;
        let mut exporters = Vec::new();
        if network.routers().len() == 1 && import.hosts.is_empty() {
            return Self(exporters);
        }
        for vrf in network.vrf_ids() {
            let router = network.vrf(vrf).router;
            let start = exporters.len();
            if table.own_targets {
                let words = import.buckets.own(vrf).iter().chain(import.buckets.derived(vrf));
                let sets = words.map(|&word| table.targets(import.packing.id(word)));
                exporters.extend(sets.map(|set| (router, set, vrf)));
            } else {
                exporters.push((router, table.export_of[vrf.index()], vrf));
            }
            exporters[start..].sort_unstable();
            exporters.dedup();
        }
        exporters.sort_unstable();
        Self(exporters)
    }

    /// Returns the VRFs of `router` that export into one of `sets`; one that exports into several comes several times.
    fn of<'a>(&'a self, router: RouterId, sets: &'a [TargetSetId]) -> impl Iterator<Item = VrfId> + 'a {
        sets.iter().flat_map(move |&set| {
            let start = self.0.partition_point(|&(other, of, _)| (other, of) < (router, set));
            self.0[start..]
                .iter()
                .take_while(move |&&(other, of, _)| (other, of) == (router, set))
                .map(|&(.., vrf)| vrf)
        })
    }
}

/// How many VRFs that share a list one task looks at.
const MEMBERS_PER_TASK: usize = 16;

/// Writes what the class has, with the changes of one VRF, to `best`.
fn apply(of_class: &[u32], packing: Packing, changes: &[Change], best: &mut Vec<RouteId>) {
    best.clear();
    let mut from = 0;
    for Change { splice, .. } in changes {
        best.extend(of_class[from..splice.at()].iter().map(|&word| packing.id(word)));
        best.extend(splice.best());
        from = splice.at() + usize::from(splice.replaces());
    }
    best.extend(of_class[from..].iter().map(|&word| packing.id(word)));
}

/// Does `tasks` tasks on all threads of the current rayon pool, each thread the next one as soon as it is free and with
/// one scratch for all that it does. Returns what they returned with their numbers, in no order.
fn on_all_threads<S: Default + Send, T: Send>(
    scratches: &Mutex<Vec<S>>,
    tasks: usize,
    work: impl Fn(&mut S, usize) -> T + Sync,
) -> Vec<(usize, T)> {
    let next = AtomicUsize::new(0);
    let done = rayon::broadcast(|_| {
        let kept = || scratches.lock().expect("no thread panics while it holds the lock");
        let spare = kept().pop();
        let mut scratch = spare.unwrap_or_default();
        let mut done = Vec::new();
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks {
                break;
            }
            done.push((task, work(&mut scratch, task)));
        }
        kept().push(scratch);
        done
    });
    done.into_iter().flatten().collect()
}
