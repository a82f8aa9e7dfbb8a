//! [`LimitReport`]: what `maximum routes` makes of a VRF (SEMANTICS S6).
//!
//! Routes from CEs and imported ones count, each candidate of a prefix on its own. They are taken in canonical order:
//! those from the VRF's CEs first, by prefix, then the imported ones by depth (SEMANTICS E1) and prefix; the candidates
//! for one prefix in the order of S2. A limit is about the table of the VRF: what a CE said is exported all the same.

use crate::address::Address;
use crate::candidates::Candidates;
use crate::id::{RouteId, TargetSetId, VrfId};
use crate::import::Import;
use crate::paths::Paths;
use crate::rib::Particulars;
use crate::select;
use crate::source_route::Protocol;
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

impl<A: Address> Import<'_, A> {
    /// Holds a VRF that imports `imported` routes to its limit: fills in the report and the cut, adds all prefixes that
    /// are to be selected again to the patches, and returns how many imported routes stay.
    #[expect(clippy::too_many_arguments, reason = "a step of the import, which hands on what it has")]
    pub(crate) fn limit(
        &self,
        vrf: VrfId,
        sets: &[TargetSetId],
        maximum: MaximumRoutes,
        imported: u32,
        imported_prefixes: impl FnOnce() -> Vec<RouteId>,
        candidates: &mut Candidates,
        patches: &mut Vec<RouteId>,
        particulars: &mut Particulars,
    ) -> u32 {
        let own: Vec<RouteId> = self.own_from_ces(vrf);
        let counted = u32::try_from(own.len()).expect("fewer routes than ids");
        let mut report = LimitReport { limit: maximum.limit, routes: counted.saturating_add(imported), rejected: 0 };
        if maximum.over == OverLimit::WarningOnly || report.excess() == 0 {
            particulars.limit = Some(report);
            return imported;
        }
        report.rejected = report.excess();
        particulars.limit = Some(report);
        let mut prefixes = imported_prefixes();
        let (cut, kept) = match maximum.limit.checked_sub(counted) {
            None => (self.cut_own(&own, maximum.limit as usize), 0),
            Some(left) => (self.cut_imported(vrf, sets, &prefixes, left as usize, candidates), left),
        };
        particulars.cut = Some(cut);
        prefixes.extend(own.iter().map(|&id| self.table.first_of_prefix(id)));
        patches.extend(prefixes);
        kept
    }

    /// Finds the prefix at which the routes from CEs, ascending, exceed the limit.
    fn cut_own(&self, own: &[RouteId], mut left: usize) -> Cut {
        let mut cut = (RouteId(u32::MAX), 0);
        for prefix in own.chunk_by(|&a, &b| self.table.first_of_prefix(a) == self.table.first_of_prefix(b)) {
            if prefix.len() > left {
                cut = (self.table.first_of_prefix(prefix[0]), left);
                break;
            }
            left -= prefix.len();
        }
        Cut { own: Some(cut), imported: (0, RouteId(0), 0) }
    }

    /// Finds the depth and prefix at which imported routes exceed what is left for them.
    fn cut_imported(
        &self,
        vrf: VrfId,
        sets: &[TargetSetId],
        prefixes: &[RouteId],
        mut left: usize,
        candidates: &mut Candidates,
    ) -> Cut {
        let mut counts: Vec<(u32, RouteId, usize)> = Vec::new();
        for &first in prefixes {
            self.candidates(vrf, sets, first, None, candidates);
            let kinds = Kinds::new(self.paths, vrf, candidates);
            counts.extend(kinds.imported.into_iter().map(|(depth, which)| (depth, first, which.len())));
        }
        counts.sort_unstable();
        for (depth, first, count) in counts {
            if count > left {
                return Cut { own: None, imported: (depth, first, left) };
            }
            left -= count;
        }
        Cut { own: None, imported: (u32::MAX, RouteId(u32::MAX), 0) }
    }
}
