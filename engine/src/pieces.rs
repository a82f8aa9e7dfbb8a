//! Pieces: a class, or what one VRF makes of it, where that is more than a thread's share, cut by prefix into spans that
//! all threads take.
//!
//! A span asks nothing of another one, but for three things: how many routes the VRF imports, where among all of them its
//! limit cuts, and which host routes come along into it with an interface. So the spans of a VRF are gone through in
//! rounds: what its import map and the check for loops make of them; over a limit, how many routes each has, from which
//! the cut follows; what the VRF has otherwise than its class; and, where it has a list of its own, that.

use std::borrow::Cow;

use rayon::prelude::*;

use crate::address::Address;
use crate::class::ClassView;
use crate::id::{RouteId, TargetSetId, VrfId};
use crate::import::{Common, Import};
use crate::overlay::{Change, Overlay, apply};
use crate::rib::Particulars;
use crate::scratch::{Scratch, Scratches, in_order, on_all_threads};
use crate::span::Span;

/// Spans for each thread: parts that turn out unequal leave none without work for long.
const SPANS_PER_THREAD: usize = 4;

/// What one VRF has otherwise than its class.
pub(crate) struct Compared<'c> {
    /// What a limit leaves it of its class.
    pub(crate) class: ClassView<'c>,
    pub(crate) imported: u32,
    /// All but the multipath.
    pub(crate) particulars: Particulars,
    pub(crate) changes: Vec<Change>,
}

impl<A: Address> Import<'_, A> {
    /// Cuts what a VRF imports from the buckets `sets`, and its `own` routes, into a few spans for each thread.
    pub(crate) fn spans(&self, sets: &[TargetSetId], own: &[u32]) -> Vec<Span> {
        Span::cut(self, sets, own, rayon::current_num_threads() * SPANS_PER_THREAD)
    }

    /// Chooses the best route to each prefix of the buckets on all threads, as
    /// [`Chooser::choose`](crate::class::Chooser::choose) does on one. Returns the words of the best and of the others.
    pub(crate) fn choose_in_spans<'s>(
        &'s self,
        sets: &'s [TargetSetId],
        spans: &[Span],
        scratches: &Scratches,
    ) -> (Cow<'s, [u32]>, Cow<'s, [u32]>) {
        if let [set] = *sets
            && self.buckets.others_of(set).is_empty()
        {
            return (Cow::Borrowed(self.buckets.best_of(set)), Cow::default());
        }
        let chosen = in_order(on_all_threads(scratches, spans.len(), |scratch: &mut Scratch, span| {
            let view = scratch.chooser.choose(self, sets, spans[span]);
            (view.best.to_vec(), view.others.to_vec())
        }));
        let (best, others): (Vec<_>, Vec<_>) = chosen.into_iter().unzip();
        (Cow::Owned(joined(&best)), Cow::Owned(joined(&others)))
    }

    /// Finds on all threads what a VRF has otherwise than its class.
    pub(crate) fn compare_in_spans<'c>(
        &self,
        vrf: VrfId,
        class: ClassView<'c>,
        spans: &[Span],
        common: &Common,
        scratches: &Scratches,
    ) -> Compared<'c> {
        let filters = self.reviews(vrf, common);
        let review = |scratch: &mut Scratch, span: usize| {
            let (span, Overlay { candidates, .. }) = (spans[span], &mut scratch.overlay);
            let mut touched = Vec::new();
            candidates.start(filters);
            let refused = self.review(vrf, span.of_class(class), span, common, candidates, &mut touched);
            (refused, touched)
        };
        let reviewed = if filters {
            in_order(on_all_threads(scratches, spans.len(), review))
        } else {
            vec![(0, Vec::new()); spans.len()]
        };
        let refused: u32 = reviewed.iter().map(|&(refused, _)| refused).sum();
        let imported = self.count_imported(vrf, class.sets, common) - refused;
        let (imported, particulars) = self.limit(vrf, imported, || {
            in_order(on_all_threads(scratches, spans.len(), |scratch: &mut Scratch, span| {
                let (span, Overlay { candidates, .. }) = (spans[span], &mut scratch.overlay);
                candidates.start(filters);
                self.count_by_depth(vrf, span.of_class(class), span, candidates)
            }))
        });
        let class = self.within_cut(class, particulars.cut.as_ref());
        let compared = in_order(on_all_threads(scratches, spans.len(), |scratch: &mut Scratch, at| {
            let (span, overlay) = (spans[at], &mut scratch.overlay);
            let (class_here, before) = (span.of_class(class), span.before(class.best));
            overlay.candidates.start(filters);
            overlay.touched.clone_from(&reviewed[at].1);
            overlay.cut.clone_from(&particulars.cut);
            if let Some(cut) = &overlay.cut {
                self.touch_cut(vrf, class_here, span, cut, &mut overlay.touched);
            }
            self.compare_without_hosts(vrf, class_here, span, common, overlay);
            overlay.changes.iter().map(|change| change.behind(before)).collect::<Vec<_>>()
        }));
        let mut overlay = Overlay { changes: compared.concat(), ..Overlay::default() };
        if self.leaks_hosts(vrf) {
            self.join_hosts(vrf, class, &common.exporters, &mut overlay);
        }
        Compared { class, imported, particulars, changes: overlay.changes }
    }

    /// Writes what the class has, with the changes of one VRF, to a list on all threads.
    pub(crate) fn list_in_spans(&self, compared: &Compared<'_>, spans: &[Span]) -> Box<[RouteId]> {
        // A list for each span: two that touched the pages of one would wait for each other.
        let lists: Vec<Vec<u32>> = spans
            .par_iter()
            .with_max_len(1)
            .map(|&span| {
                let mut best = Vec::new();
                self.apply_in(compared, span, &mut best);
                best.into_iter().map(|id| id.0).collect()
            })
            .collect();
        joined(&lists).into_iter().map(RouteId).collect()
    }

    /// Fills `best` with all that a VRF has within a span.
    fn apply_in(&self, compared: &Compared<'_>, span: Span, best: &mut Vec<RouteId>) {
        let Compared { class, changes, .. } = compared;
        let before = span.before(class.best);
        let changes = span.of_routes(self.packing, changes, |change| change.first);
        let changes: Vec<Change> = changes.iter().map(|change| change.ahead(before)).collect();
        apply(span.of(class.best), self.packing, &changes, best);
    }

    /// Finds on all threads what is installed beside the best routes of a VRF.
    pub(crate) fn multipath_in_spans(
        &self,
        vrf: VrfId,
        compared: &Compared<'_>,
        spans: &[Span],
        common: &Common,
        scratches: &Scratches,
    ) -> Box<[(RouteId, RouteId)]> {
        if self.network.vrf(vrf).family::<A>().maximum_paths.paths <= 1 {
            return Box::default();
        }
        let filters = self.reviews(vrf, common);
        let beside = in_order(on_all_threads(scratches, spans.len(), |scratch: &mut Scratch, span| {
            let Scratch { best, overlay: Overlay { candidates, .. }, .. } = scratch;
            candidates.start(filters);
            self.apply_in(compared, spans[span], best);
            self.multipath(vrf, compared.class.sets, best, compared.particulars.cut.as_ref(), candidates).into_vec()
        }));
        beside.concat().into()
    }
}

/// Returns all words of all lists, one list after the other, copied on all threads.
fn joined(lists: &[Vec<u32>]) -> Vec<u32> {
    let mut all = vec![0; lists.iter().map(Vec::len).sum()];
    let mut rest = all.as_mut_slice();
    let mut pairs = Vec::with_capacity(lists.len());
    for list in lists {
        let (here, behind) = rest.split_at_mut(list.len());
        pairs.push((here, list));
        rest = behind;
    }
    pairs.into_par_iter().with_max_len(1).for_each(|(here, list)| here.copy_from_slice(list));
    all
}
