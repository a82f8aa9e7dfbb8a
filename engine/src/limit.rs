//! [`LimitReport`]: what `maximum routes` makes of a VRF (SEMANTICS S6).
//!
//! Routes from CEs and imported ones count, each candidate of a prefix on its own. They are taken in canonical order:
//! those from the VRF's CEs first, by prefix, then the imported ones by depth (SEMANTICS E1) and prefix; the candidates
//! for one prefix in the order of S2. A limit is about the table of the VRF: what a CE said is exported all the same.

use crate::address::Address;
use crate::candidates::Candidates;
use crate::class::ClassView;
use crate::id::{RouteId, VrfId};
use crate::import::Import;
use crate::paths::Paths;
use crate::rib::Particulars;
use crate::select;
use crate::source_route::Protocol;
use crate::span::Span;
use crate::vrf::{MaximumRoutes, OverLimit};

/// How a VRF keeps to its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitReport {
    /// The limit.
    pub limit: u32,
    /// How many routes count: from CEs and imported, kept or not.
    pub routes: u32,
    /// How many of them exceed the limit and were dropped; 0 where the limit only warns.
    pub rejected: u32,
}

impl LimitReport {
    /// Returns by how many routes the limit is exceeded.
    pub fn excess(self) -> u32 {
        self.routes.saturating_sub(self.limit)
    }
}

/// Where a limit cuts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The prefix, by its first route, at which routes from CEs are cut, and how many of it stay; `None` if all stay.
    own: Option<(RouteId, usize)>,
    /// The depth and prefix at which imported routes are cut, and how many of it stay.
    imported: (u32, RouteId, usize),
}

/// How many candidates of one kind a prefix keeps, whose place is `here`.
fn kept<T: Ord>(here: &T, cut: &T, at_cut: usize) -> usize {
    match here.cmp(cut) {
        std::cmp::Ordering::Less => usize::MAX,
        std::cmp::Ordering::Equal => at_cut,
        std::cmp::Ordering::Greater => 0,
    }
}

impl Cut {
    /// Returns whether every imported route to the prefix whose first route is `first` is beyond.
    pub(crate) fn drops_imported(&self, first: RouteId) -> bool {
        let (depth, cut, _) = self.imported;
        (0, first) > (depth, cut)
    }

    /// Drops what is beyond the cut from the candidates for the prefix whose first route is `first`.
    pub(crate) fn apply(&self, paths: Paths<'_>, vrf: VrfId, first: RouteId, candidates: &mut Candidates) {
        let kinds = Kinds::new(paths, vrf, candidates);
        let mut keep = vec![true; candidates.ids.len()];
        let mut drop_behind = |which: &[usize], left: usize| {
            if left < which.len() {
                for at in select::ranked(paths, vrf, candidates.contest(), which).into_iter().skip(left) {
                    keep[at] = false;
                }
            }
        };
        if let Some((cut, at_cut)) = self.own {
            drop_behind(&kinds.own, kept(&first, &cut, at_cut));
        }
        let (cut_depth, cut, at_cut) = self.imported;
        for (depth, which) in &kinds.imported {
            drop_behind(which, kept(&(*depth, first), &(cut_depth, cut), at_cut));
        }
        candidates.retain(&keep);
    }
}

/// The positions of those candidates for a prefix that count.
struct Kinds {
    own: Vec<usize>,
    /// By depth, ascending.
    imported: Vec<(u32, Vec<usize>)>,
}

impl Kinds {
    fn new(paths: Paths<'_>, vrf: VrfId, candidates: &Candidates) -> Self {
        let (mut own, mut imported) = (Vec::new(), Vec::<(u32, Vec<usize>)>::new());
        for (at, key) in candidates.keys.iter().enumerate() {
            if key.origin != vrf {
                let depth = paths.depth(key.attributes);
                match imported.iter_mut().find(|(other, _)| *other == depth) {
                    Some((_, which)) => which.push(at),
                    None => imported.push((depth, vec![at])),
                }
            } else if key.protocol == Protocol::Bgp {
                own.push(at);
            }
        }
        imported.sort_unstable();
        Self { own, imported }
    }
}

/// The imported routes of one depth (SEMANTICS E1) within a span.
#[derive(Debug)]
pub(crate) struct DepthCount {
    depth: u32,
    routes: usize,
    /// The prefixes, by their first routes, and how many routes lead to each.
    prefixes: Vec<(RouteId, u32)>,
}

impl<A: Address> Import<'_, A> {
    /// Holds a VRF that imports `imported` routes to its limit: returns how many of them stay, the report and the cut.
    /// `counts` counts those of all its prefixes, span by span in ascending order.
    pub(crate) fn limit(
        &self,
        vrf: VrfId,
        imported: u32,
        counts: impl FnOnce() -> Vec<Vec<DepthCount>>,
    ) -> (u32, Particulars) {
        let mut particulars = Particulars::default();
        let Some(MaximumRoutes { limit, over }) = self.network.vrf(vrf).family::<A>().maximum_routes else {
            return (imported, particulars);
        };
        let own: Vec<RouteId> = self.own_from_ces(vrf);
        let counted = u32::try_from(own.len()).expect("fewer routes than ids");
        let mut report = LimitReport { limit, routes: counted.saturating_add(imported), rejected: 0 };
        if over == OverLimit::WarningOnly || report.excess() == 0 {
            particulars.limit = Some(report);
            return (imported, particulars);
        }
        report.rejected = report.excess();
        particulars.limit = Some(report);
        let (cut, kept) = match limit.checked_sub(counted) {
            None => (self.cut_own(&own, limit as usize), 0),
            Some(left) => (cut_imported(&counts(), left as usize), left),
        };
        particulars.cut = Some(cut);
        (kept, particulars)
    }

    /// Finds the prefix at which the routes from CEs, ascending and more than `limit`, exceed it.
    fn cut_own(&self, own: &[RouteId], limit: usize) -> Cut {
        let cut = self.table.first_of_prefix(own[limit]);
        let left = limit - own.partition_point(|&id| id < cut);
        Cut { own: Some((cut, left)), imported: (0, RouteId(0), 0) }
    }

    /// Counts the routes that a VRF imports within a span, to which `class` is cut already, by ascending depth.
    pub(crate) fn count_by_depth(
        &self,
        vrf: VrfId,
        class: ClassView<'_>,
        span: Span,
        candidates: &mut Candidates,
    ) -> Vec<DepthCount> {
        let mut counts: Vec<DepthCount> = Vec::new();
        self.for_each_offered(vrf, class, span, |first, offered| {
            for &id in offered.iter().filter(|&&id| self.accepts(vrf, id, candidates)) {
                let depth = self.paths.depth(self.table.attributes(id));
                let at = counts.iter().position(|count| count.depth == depth).unwrap_or_else(|| {
                    counts.push(DepthCount { depth, routes: 0, prefixes: Vec::new() });
                    counts.len() - 1
                });
                let count = &mut counts[at];
                count.routes += 1;
                match count.prefixes.last_mut().filter(|last| last.0 == first) {
                    Some((_, routes)) => *routes += 1,
                    None => count.prefixes.push((first, 1)),
                }
            }
        });
        counts.sort_unstable_by_key(|count| count.depth);
        counts
    }

    /// Returns what `cut` leaves a VRF of its class, the prefix at which it cuts included.
    pub(crate) fn within_cut<'c>(&self, class: ClassView<'c>, cut: Option<&Cut>) -> ClassView<'c> {
        let Some(Cut { imported: (_, last, _), .. }) = cut.filter(|_| self.is_cut_by_prefix()) else { return class };
        let up_to = |words: &'c [u32]| {
            // Words to one prefix follow one another, and prefixes ascend.
            &words[..words.partition_point(|&word| self.packing.first(self.table, word) <= *last)]
        };
        ClassView { best: up_to(class.best), others: up_to(class.others), ..class }
    }

    /// Returns whether all imported routes are cut by their prefixes alone: those that were exported again come behind all
    /// others, wherever their prefixes are.
    fn is_cut_by_prefix(&self) -> bool {
        self.table.ways.is_empty()
    }

    /// Adds the prefixes within a span, to which `class` is cut already, at which a VRF may lose something by `cut` to
    /// `touched`; of the class there is only [what the cut leaves](Self::within_cut).
    pub(crate) fn touch_cut(
        &self,
        vrf: VrfId,
        class: ClassView<'_>,
        span: Span,
        cut: &Cut,
        touched: &mut Vec<RouteId>,
    ) {
        let (_, last, _) = cut.imported;
        if !self.is_cut_by_prefix() {
            self.for_each_offered(vrf, class, span, |first, _| touched.push(first));
        } else if self.table.len() > last.index() && span.holds(self.packing.least(last)) {
            touched.push(last);
        }
        if let Some((own_cut, _)) = cut.own {
            let own = span.of(self.buckets.own(vrf)).iter().map(|&word| self.packing.id(word));
            let firsts = own.map(|id| self.table.first_of_prefix(id));
            touched.extend(firsts.filter(|&first| first >= own_cut));
        }
    }
}

/// Finds the depth and prefix at which imported routes, counted span by span, exceed what is left for them.
fn cut_imported(spans: &[Vec<DepthCount>], mut left: usize) -> Cut {
    let mut depths: Vec<u32> = spans.iter().flatten().map(|count| count.depth).collect();
    depths.sort_unstable();
    depths.dedup();
    for depth in depths {
        for count in spans.iter().filter_map(|counts| counts.iter().find(|count| count.depth == depth)) {
            if count.routes <= left {
                left -= count.routes;
                continue;
            }
            for &(first, routes) in &count.prefixes {
                if routes as usize > left {
                    return Cut { own: None, imported: (depth, first, left) };
                }
                left -= routes as usize;
            }
        }
    }
    Cut { own: None, imported: (u32::MAX, RouteId(u32::MAX), 0) }
}
