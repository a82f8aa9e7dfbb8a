//! Multipath: which routes are installed beside the best ones (SEMANTICS S4).

use crate::address::Address;
use crate::id::{RouteId, TargetSetId, VrfId};
use crate::import::{Import, Scratch};
use crate::limit::Cut;
use crate::select;

impl<A: Address> Import<'_, A> {
    /// Returns the best routes of the VRF that have others of equal cost, ascending, with each of those.
    ///
    /// Looks at the prefixes alone that have several routes in the network.
    pub(crate) fn multipath(
        &self,
        vrf: VrfId,
        sets: &[TargetSetId],
        cut: Option<&Cut>,
        scratch: &mut Scratch,
    ) -> Box<[(RouteId, RouteId)]> {
        let maximum = self.network.vrf(vrf).family::<A>().maximum_paths;
        let mut paths = Vec::new();
        for &best in &scratch.best {
            let first = self.table.first_of_prefix(best);
            if self.table.end_of_prefix(first).0 - first.0 < 2 {
                continue;
            }
            self.candidates(vrf, sets, first, cut, &mut scratch.candidates);
            // A leaked host route is no candidate yet.
            let Some(at) = scratch.candidates.ids.iter().position(|&id| id == best) else { continue };
            let equal = select::equal_paths::<A>(self.paths, vrf, scratch.candidates.contest(), at, maximum);
            paths.extend(equal.into_iter().map(|other| (best, scratch.candidates.ids[other])));
        }
        paths.into()
    }
}
