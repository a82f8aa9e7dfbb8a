//! Multipath: which routes are installed beside the best ones (SEMANTICS S4).

use crate::address::Address;
use crate::candidates::Candidates;
use crate::id::{RouteId, TargetSetId, VrfId};
use crate::import::Import;
use crate::limit::Cut;
use crate::select;

impl<A: Address> Import<'_, A> {
    /// Returns those best routes of the VRF that have others of equal cost, ascending, with each of those.
    ///
    /// Looks at the prefixes alone that have several routes in the network, and at none where the VRF installs one path.
    pub(crate) fn multipath(
        &self,
        vrf: VrfId,
        sets: &[TargetSetId],
        best: &[RouteId],
        cut: Option<&Cut>,
        candidates: &mut Candidates,
    ) -> Box<[(RouteId, RouteId)]> {
        let maximum = self.network.vrf(vrf).family::<A>().maximum_paths;
        let mut paths = Vec::new();
        if maximum.paths <= 1 {
            return paths.into();
        }
        for &best in best {
            let first = self.table.first_of_prefix(best);
            if self.table.end_of_prefix(first).0 - first.0 < 2 {
                continue;
            }
            self.candidates(vrf, sets, first, cut, candidates);
            // A leaked host route is no candidate yet.
            let Some(at) = candidates.ids.iter().position(|&id| id == best) else { continue };
            let equal = select::equal_paths::<A>(self.paths, vrf, candidates.contest(), at, maximum);
            paths.extend(equal.into_iter().map(|other| (best, candidates.ids[other])));
        }
        paths.into()
    }
}
