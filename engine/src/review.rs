//! Review: which routes a VRF refuses or changes on their way in, its import map or the check for loops.

use crate::address::Address;
use crate::candidates::Candidates;
use crate::class::ClassView;
use crate::id::{RouteId, TargetSetId, VrfId};
use crate::import::{Common, Import};
use crate::imported::Verdict;
use crate::span::Span;

impl<A: Address> Import<'_, A> {
    /// Returns whether a VRF may refuse or change a route.
    pub(crate) fn reviews(&self, vrf: VrfId, common: &Common) -> bool {
        let here = self.network.vrf(vrf);
        here.family::<A>().import_map.is_some() || !common.loops_of(here.router).is_empty()
    }

    /// Returns how many of the routes to the prefixes of a span that are offered to a VRF it refuses, and adds the
    /// prefixes at which it refuses or changes one to `touched`. `class` is cut to the span already.
    pub(crate) fn review(
        &self,
        vrf: VrfId,
        class: ClassView<'_>,
        span: Span,
        common: &Common,
        candidates: &mut Candidates,
        touched: &mut Vec<RouteId>,
    ) -> u32 {
        if self.network.vrf(vrf).family::<A>().import_map.is_none() {
            return self.refuse_loops(vrf, class.sets, span, common, candidates, touched);
        }
        let mut refused = 0;
        self.for_each_offered(vrf, class, span, |first, offered| {
            let mut plain = true;
            for &id in offered {
                let verdict = candidates.verdicts.of(self.network, self.table, vrf, id);
                plain &= *verdict == Verdict::Plain;
                refused += u32::from(matches!(verdict, Verdict::Denied(_) | Verdict::Loop));
            }
            if !plain {
                touched.push(first);
            }
        });
        refused
    }

    /// Returns how many routes that the VRF is offered within a span are loops (SEMANTICS I5), and adds their prefixes to
    /// `touched`.
    fn refuse_loops(
        &self,
        vrf: VrfId,
        sets: &[TargetSetId],
        span: Span,
        common: &Common,
        candidates: &mut Candidates,
        touched: &mut Vec<RouteId>,
    ) -> u32 {
        let own_as = common.loops_of(self.network.vrf(vrf).router);
        let mut count = 0;
        for &set in sets {
            let start = own_as.partition_point(|&(other, _)| other < set);
            let end = own_as.partition_point(|&(other, _)| other <= set);
            for &(_, id) in span.of_routes(self.packing, &own_as[start..end], |&(_, id)| id) {
                let mut is_loop = || *candidates.verdicts.of(self.network, self.table, vrf, id) == Verdict::Loop;
                if self.enters(vrf, sets, id) && is_loop() {
                    touched.push(self.table.first_of_prefix(id));
                    count += 1;
                }
            }
        }
        count
    }

    /// Gives `take` the first route of each prefix within a span to which a VRF is offered something, ascending, and what
    /// it is offered. `class` is cut to the span already.
    ///
    /// O(routes of the class), and at a prefix where the VRF is offered something else O(routes to the prefix).
    pub(crate) fn for_each_offered(
        &self,
        vrf: VrfId,
        class: ClassView<'_>,
        span: Span,
        mut take: impl FnMut(RouteId, &[RouteId]),
    ) {
        let (table, packing, sets) = (self.table, self.packing, class.sets);
        let first_of = |word: u32| packing.first(table, word);
        let mut offered = Vec::new();
        let mut look = |offered: &mut Vec<RouteId>, first: RouteId| {
            if !offered.is_empty() {
                take(first, offered);
            }
            offered.clear();
        };
        let otherwise = self.offered_otherwise(vrf, sets, span);
        let (mut otherwise, mut others) = (otherwise.iter().copied().peekable(), class.others);
        for &word in class.best {
            let first = first_of(word);
            while let Some(before) = otherwise.next_if(|&other| other < first) {
                offered.extend(self.all_that_enter(vrf, sets, before));
                look(&mut offered, before);
            }
            let here;
            (here, others) = others.split_at(others.iter().take_while(|&&other| first_of(other) == first).count());
            if otherwise.next_if_eq(&first).is_some() {
                offered.extend(self.all_that_enter(vrf, sets, first));
            } else {
                let ids = [word].into_iter().chain(here.iter().copied()).map(|word| packing.id(word));
                offered.extend(ids.filter(|&id| !table.was_in(vrf, id)));
            }
            look(&mut offered, first);
        }
        for first in otherwise {
            offered.extend(self.all_that_enter(vrf, sets, first));
            look(&mut offered, first);
        }
    }

    fn all_that_enter<'s>(
        &'s self,
        vrf: VrfId,
        sets: &'s [TargetSetId],
        first: RouteId,
    ) -> impl Iterator<Item = RouteId> + 's {
        let all = (first.0..self.table.end_of_prefix(first).0).map(RouteId);
        all.filter(move |&id| self.enters(vrf, sets, id))
    }

    /// Returns the first routes of the prefixes within a span at which a VRF is not offered what its class is, ascending:
    /// its router prefers its own of an NLRI, or the VRF imports several of one.
    fn offered_otherwise(&self, vrf: VrfId, sets: &[TargetSetId], span: Span) -> Vec<RouteId> {
        let exchanges = self.buckets.exchanges();
        let mut firsts: Vec<RouteId> = if self.imports_several(vrf) {
            self.beside_reflected(sets).filter(|&first| span.holds(self.packing.least(first))).collect()
        } else {
            let of_router = exchanges.of(self.network.vrf(vrf).router);
            let within = span.of_routes(self.packing, of_router, |exchange| exchange.first);
            within.iter().map(|exchange| exchange.first).collect()
        };
        firsts.sort_unstable();
        firsts.dedup();
        firsts
    }
}
