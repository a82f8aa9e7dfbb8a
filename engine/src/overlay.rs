//! [`Overlay`]: where one VRF differs from its class.
//!
//! What the class chose stands except at the VRF's own prefixes, where a route of its own router competes, where IGP
//! metrics or an import map or a limit decide, and where a host route comes along with an interface (SEMANTICS S3a).

use crate::address::Address;
use crate::candidates::Candidates;
use crate::class::{ClassView, gallop};
use crate::exporters::Exporters;
use crate::id::{RouteId, TargetSetId, VrfId};
use crate::import::{Common, Import};
use crate::limit::Cut;
use crate::lists::Packing;
use crate::rib::Splice;
use crate::route_table::beats_every_import;
use crate::select::{self, Contest, RouteKey};
use crate::source_route::Protocol;
use crate::span::Span;

/// Where one VRF differs from its class, while it is computed.
#[derive(Default)]
pub(crate) struct Overlay {
    /// The first routes of prefixes at which to select from all candidates in any case.
    pub(crate) literal: Vec<RouteId>,
    pub(crate) changes: Vec<Change>,
    pub(crate) candidates: Candidates,
    pub(crate) keys: Vec<RouteKey>,
    pub(crate) hosts: Vec<RouteId>,
    /// The prefixes at which an import map, the check for loops, or a limit decides, by their first routes.
    pub(crate) touched: Vec<RouteId>,
    pub(crate) cut: Option<Cut>,
}

/// What a VRF has at one prefix otherwise than its class.
#[derive(Clone, Copy)]
pub(crate) struct Change {
    /// The first route to the prefix.
    pub(crate) first: RouteId,
    pub(crate) splice: Splice,
}

impl Change {
    /// Returns the change in a list that has so many entries more before this one.
    pub(crate) fn behind(self, entries: usize) -> Self {
        let Self { first, splice } = self;
        Self { first, splice: Splice::new(splice.at() + entries, splice.replaces(), splice.best()) }
    }

    /// Returns the change in a list without that many of its first entries.
    pub(crate) fn ahead(self, entries: usize) -> Self {
        let Self { first, splice } = self;
        Self { first, splice: Splice::new(splice.at() - entries, splice.replaces(), splice.best()) }
    }
}

impl<A: Address> Import<'_, A> {
    /// Fills the overlay's changes with all prefixes at which `vrf` has something else than its class.
    pub(crate) fn compare(&self, vrf: VrfId, class: ClassView<'_>, common: &Common, overlay: &mut Overlay) {
        self.compare_without_hosts(vrf, class, Span::ALL, common, overlay);
        if self.leaks_hosts(vrf) {
            self.join_hosts(vrf, class, &common.exporters, overlay);
        }
    }

    /// Does the same within a span, to which `class` and the overlay's prefixes are cut already, leaving out host routes that
    /// come along with interfaces.
    pub(crate) fn compare_without_hosts(
        &self,
        vrf: VrfId,
        class: ClassView<'_>,
        span: Span,
        common: &Common,
        overlay: &mut Overlay,
    ) {
        self.find_literal(vrf, class, span, &common.exporters, overlay);
        let (table, packing) = (self.table, self.packing);
        let first_of = |word: u32| packing.first(table, word);
        overlay.changes.clear();
        let (mut own, mut others, mut at, mut literals) = (span.of(self.buckets.own(vrf)), class.others, 0, 0);
        loop {
            let literal = overlay.literal.get(literals).copied();
            let stands = Standing { best: &class.best[at..], own, others };
            if let Some(passed) = stands.first(packing, literal.map_or(u32::MAX, |first| packing.least(first))) {
                at += passed.best;
                others = &others[passed.others..];
                if let Some(first) = passed.alone_at {
                    let splice = Splice::new(at, false, Some(packing.id(own[0])));
                    overlay.changes.push(Change { first, splice });
                }
                own = &own[1..];
                continue;
            }
            let first = match (own.first().map(|&word| first_of(word)), literal) {
                (Some(own), Some(literal)) => own.min(literal),
                (Some(first), None) | (None, Some(first)) => first,
                (None, None) => break,
            };
            literals += usize::from(literal == Some(first));
            let own_here;
            (own_here, own) = own.split_at(own.iter().take_while(|&&word| first_of(word) == first).count());
            let least = packing.least(first);
            at += gallop(&class.best[at..], |word| word < least);
            let of_class = class.best.get(at).filter(|&&word| first_of(word) == first).map(|&word| packing.id(word));
            others = &others[gallop(others, |word| word < least)..];
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
    }

    /// Returns whether the own routes of a VRF that imports `sets` may join the union of these, for
    /// [`Self::compare_joined`] to look at: the rank decides between most of them, and what an import map, the check for
    /// loops, a limit or multipath look at is not the class alone.
    pub(crate) fn may_join(&self, vrf: VrfId, sets: &[TargetSetId], common: &Common) -> bool {
        let family = self.network.vrf(vrf).family::<A>();
        !sets.is_empty()
            && !self.rank_may_err
            && !self.may_import_from(vrf, sets)
            && !self.imports_several(vrf)
            && !self.leaks_hosts(vrf)
            && family.import_map.is_none()
            && family.maximum_routes.is_none()
            && common.loops_of(self.network.vrf(vrf).router).is_empty()
    }

    /// Fills the overlay's changes with all prefixes at which `vrf` has something else than `all`, the best by rank of
    /// what its class has and of its own routes, which [joined](Self::may_join) it.
    ///
    /// Where nothing lost, the VRF has its own route alone or what the class has.
    pub(crate) fn compare_joined(&self, vrf: VrfId, all: ClassView<'_>, common: &Common, overlay: &mut Overlay) {
        // Its own routes may be among those that lost: a prefix too many to look at, never one too few.
        self.find_literal(vrf, all, Span::ALL, &common.exporters, overlay);
        let (table, packing) = (self.table, self.packing);
        let first_of = |word: u32| packing.first(table, word);
        overlay.changes.clear();
        let (mut own, mut at, mut literals, mut of_class) = (self.buckets.own(vrf), 0, 0, Vec::new());
        let mut lost = all.others.chunk_by(|&a, &b| first_of(a) == first_of(b)).peekable();
        loop {
            let literal = overlay.literal.get(literals).copied();
            let first = match (lost.peek().map(|group| first_of(group[0])), literal) {
                (Some(lost), Some(literal)) => lost.min(literal),
                (Some(first), None) | (None, Some(first)) => first,
                (None, None) => return,
            };
            let is_literal = literal == Some(first);
            literals += usize::from(is_literal);
            let losers = lost.next_if(|group| first_of(group[0]) == first).unwrap_or_default();
            let least = packing.least(first);
            own = &own[gallop(own, |word| word < least)..];
            let own_here = &own[..own.iter().take_while(|&&word| first_of(word) == first).count()];
            if own_here.is_empty() && !is_literal {
                continue;
            }
            at += gallop(&all.best[at..], |word| word < least);
            let best = all.best.get(at).copied().filter(|&word| first_of(word) == first);
            of_class.clear();
            of_class.extend(best.into_iter().chain(losers.iter().copied()).filter(|word| !own_here.contains(word)));
            let (of_class, losers) = match of_class.split_first() {
                Some((&of_class, losers)) => (Some(packing.id(of_class)), losers),
                None => (None, &[][..]),
            };
            let chosen = if is_literal || !losers.is_empty() {
                self.select_among_all(vrf, all.sets, (own_here, of_class, losers), first, overlay)
            } else {
                self.select_with_own(vrf, own_here, of_class, &mut overlay.keys)
            };
            if chosen != best.map(|word| packing.id(word)) {
                overlay.changes.push(Change { first, splice: Splice::new(at, best.is_some(), chosen) });
            }
        }
    }

    /// Returns whether host routes come along with the interfaces of other VRFs (SEMANTICS S3a).
    pub(crate) fn leaks_hosts(&self, vrf: VrfId) -> bool {
        !self.hosts.is_empty() && self.network.router_of(vrf).dialect.leaks_host_routes
    }

    /// Lists the prefixes that the VRF may see otherwise than its class even where it has no route of its own.
    fn find_literal(&self, vrf: VrfId, class: ClassView<'_>, span: Span, exporters: &Exporters, overlay: &mut Overlay) {
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
                    for &word in span.of(words) {
                        let first = first_of(word);
                        let least = packing.least(first);
                        others = &others[gallop(others, |other| other < least)..];
                        let contested = others.first().is_some_and(|&other| first_of(other) == first);
                        if contested && class.sets.binary_search(&table.targets(packing.id(word))).is_ok() {
                            literal.push(first);
                        }
                    }
                }
            }
        }
        let exchanged = class.sets.iter().flat_map(|&set| self.buckets.exchanges().in_bucket(router, set));
        let firsts = exchanged.map(|exchanged| exchanged.first);
        literal.extend(firsts.filter(|&first| span.holds(packing.least(first))));
        if self.imports_several(vrf) {
            literal.extend(self.beside_reflected(class.sets).filter(|&first| span.holds(packing.least(first))));
        }
        literal.sort_unstable();
        literal.dedup();
    }

    /// Selects among the VRF's own routes to a prefix and the one that the class has.
    pub(crate) fn select_with_own(
        &self,
        vrf: VrfId,
        own: &[u32],
        of_class: Option<RouteId>,
        keys: &mut Vec<RouteKey>,
    ) -> Option<RouteId> {
        let (table, packing) = (self.table, self.packing);
        if let [alone] = *own
            && of_class.is_none_or(|id| id == packing.id(alone))
        {
            // Told from the lists alone: nothing of the table is near at hand, and most own routes end here.
            return Some(packing.id(alone));
        }
        let rival = of_class.filter(|&id| !table.was_in(vrf, id));
        if let [alone] = *own {
            let alone = packing.id(alone);
            let dialect = &self.network.router_of(vrf).dialect;
            if rival.is_none()
                || beats_every_import(self.network, dialect, table.protocol(alone), table.attributes(alone))
            {
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
        let Overlay { candidates, cut, .. } = overlay;
        if self.imports_several(vrf) {
            self.candidates(vrf, sets, first, cut.as_ref(), candidates);
        } else {
            candidates.clear();
            for id in own.iter().map(|&word| packing.id(word)) {
                candidates.push(id, table.key(id), None);
            }
            if !cut.as_ref().is_some_and(|cut| cut.drops_imported(first)) {
                let exchanges = self.buckets.exchanges().at(self.network.vrf(vrf).router, first);
                let offered = losers.iter().map(|&word| packing.id(word)).chain(of_class);
                let seen = offered.filter(|&id| exchanges.iter().all(|exchange| exchange.hidden != id));
                let gained = exchanges
                    .iter()
                    .map(|exchange| exchange.gained)
                    .filter(|&id| sets.binary_search(&table.targets(id)).is_ok());
                for id in seen.chain(gained).filter(|&id| !table.was_in(vrf, id)) {
                    self.offer(vrf, id, candidates);
                }
            }
            if let Some(cut) = cut {
                cut.apply(self.paths, vrf, first, candidates);
            }
        }
        if let [alone] = *candidates.ids.as_slice() {
            return Some(alone);
        }
        select::select::<A>(self.paths, vrf, candidates.contest()).best.map(|best| candidates.ids[best])
    }

    /// Adds the host routes of the interfaces whose connected routes the VRF has from its router (SEMANTICS S3a).
    pub(crate) fn join_hosts(&self, vrf: VrfId, class: ClassView<'_>, exporters: &Exporters, overlay: &mut Overlay) {
        let (table, packing) = (self.table, self.packing);
        let Overlay { changes, hosts, .. } = overlay;
        let changed = changes.len();
        // Where a prefix is in the list of the class, whether it is there at all, and what the VRF has.
        let find = |changes: &[Change], first: RouteId| {
            if let Ok(at) = changes[..changed].binary_search_by_key(&first, |change| change.first) {
                return (Some(at), changes[at].splice);
            }
            let at = class.best.partition_point(|&word| packing.first(table, word) < first);
            let of_class = class.best.get(at).filter(|&&word| packing.first(table, word) == first);
            (None, Splice::new(at, of_class.is_some(), of_class.map(|&word| packing.id(word))))
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
}

/// What is ahead of a VRF and its class: the best words of the class, the VRF's own, and those that lost in the class.
struct Standing<'a> {
    best: &'a [u32],
    own: &'a [u32],
    others: &'a [u32],
}

/// How many words are done with, along with the VRF's next own route.
struct Passed {
    best: usize,
    others: usize,
    /// The first route of its prefix where the class has nothing: it is the best then. Else the class has it.
    alone_at: Option<RouteId>,
}

impl Standing<'_> {
    /// Tells from the lists alone that nothing competes with the VRF's next own route, and whether the class has it too;
    /// no prefix from `literal` on is concerned. `None` where the lists do not tell.
    ///
    /// Every prefix that the class has is that of one of the best words, so whatever leads where one of them leads lies
    /// between its neighbours. The columns are far away in memory, and most own routes end here.
    fn first(&self, packing: Packing, literal: u32) -> Option<Passed> {
        let word = *self.own.first().filter(|&&word| word < literal)?;
        let next = self.own.get(1);
        let at = skip_below(self.best, word);
        let before = at.checked_sub(1).map(|before| self.best[before]);
        if self.best.get(at) == Some(&word) {
            let behind = self.best.get(at + 1).copied().unwrap_or(u32::MAX);
            let others = skip_below(self.others, before.unwrap_or(0));
            let alone = [next, self.others.get(others)].into_iter().flatten().all(|&other| other >= behind);
            return alone.then_some(Passed { best: at + 1, others, alone_at: None });
        }
        let first = packing.first_told(word)?;
        let elsewhere = |other: u32| packing.first_told(other).is_some_and(|other| other != first);
        let alone = [before, self.best.get(at).copied(), next.copied()].into_iter().flatten().all(elsewhere);
        alone.then_some(Passed { best: at, others: 0, alone_at: Some(first) })
    }
}

/// Returns how many words at the front of an ascending slice are below `least`. O(answer) while that is short, then
/// O(log answer).
fn skip_below(slice: &[u32], least: u32) -> usize {
    const NEAR: usize = 32;
    const CHUNKS: usize = 16;
    let mut skipped = 0;
    let (chunks, _) = slice.as_chunks::<NEAR>();
    for chunk in chunks.iter().take(CHUNKS) {
        if chunk[NEAR - 1] >= least {
            return skipped + chunk.iter().map(|&word| u32::from(word < least)).sum::<u32>() as usize;
        }
        skipped += NEAR;
    }
    skipped + gallop(&slice[skipped..], |word| word < least)
}

/// Writes what the class has, with the changes of one VRF, to `best`.
pub(crate) fn apply(of_class: &[u32], packing: Packing, changes: &[Change], best: &mut Vec<RouteId>) {
    best.clear();
    let mut from = 0;
    for Change { splice, .. } in changes {
        best.extend(of_class[from..splice.at()].iter().map(|&word| packing.id(word)));
        best.extend(splice.best());
        from = splice.at() + usize::from(splice.replaces());
    }
    best.extend(of_class[from..].iter().map(|&word| packing.id(word)));
}
