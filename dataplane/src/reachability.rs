//! [`Reachability`]: every VRF against every VRF.

use rayon::prelude::*;
use vrfleak_engine::{Address, VrfId};

use crate::dataplane::Dataplane;
use crate::ping::{Ping, Verdict};
use crate::ping_batch::Wave;

/// The ping matrix of one family: from every VRF to every VRF that has an address of its own in it, itself included.
///
/// The source is the default one of the VRF that pings, the destination that of the VRF that is pinged
/// ([`Dataplane::default_source`]). A VRF without an own address in the family has neither, and so no row or column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reachability<A> {
    vrfs: Vec<(VrfId, A)>,
    verdicts: Vec<Verdict>,
}

/// One cell of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell<A> {
    /// What was asked.
    pub ping: Ping<A>,
    /// The VRF whose address the destination is. Who answers for it is told by the verdict.
    pub to: VrfId,
    /// The answer.
    pub verdict: Verdict,
}

impl Dataplane<'_> {
    /// Pings from every VRF to every VRF, in parallel in the current rayon pool.
    ///
    /// O(VRFs²) pings, and 12 bytes each in what is returned.
    pub fn reachability<A: Address>(&self) -> Reachability<A> {
        let vrfs = self.network.vrf_ids();
        let vrfs: Vec<(VrfId, A)> = vrfs.filter_map(|vrf| Some((vrf, self.default_source(vrf)?))).collect();
        let mut verdicts = vec![Verdict::NoRoute { vrf: VrfId(0) }; vrfs.len() * vrfs.len()];
        let rows = verdicts.par_chunks_mut(vrfs.len().max(1)).zip(&vrfs);
        rows.for_each_init(
            || (Wave::default(), Vec::new()),
            |(wave, pings), (row, &(vrf, source))| {
                pings.clear();
                pings.extend(vrfs.iter().map(|&(_, destination)| Ping { vrf, source, destination }));
                wave.ping(self, pings, row);
            },
        );
        Reachability { vrfs, verdicts }
    }
}

impl<A: Address> Reachability<A> {
    /// Returns the VRFs that take part, ascending, with the address that each pings from and is pinged at.
    pub fn vrfs(&self) -> &[(VrfId, A)] {
        &self.vrfs
    }

    /// Returns the verdict of the ping from one VRF to another, `None` where one of them takes no part. O(log VRFs).
    pub fn get(&self, from: VrfId, to: VrfId) -> Option<Verdict> {
        let position = |vrf| self.vrfs.binary_search_by_key(&vrf, |&(id, _)| id).ok();
        Some(self.verdicts[position(from)? * self.vrfs.len() + position(to)?])
    }

    /// Returns all cells, by the VRF that pings, then by the VRF that is pinged, both ascending.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = Cell<A>> + '_ {
        let columns = self.vrfs.len();
        self.verdicts.iter().enumerate().map(move |(at, &verdict)| {
            let ((vrf, source), (to, destination)) = (self.vrfs[at / columns], self.vrfs[at % columns]);
            Cell { ping: Ping { vrf, source, destination }, to, verdict }
        })
    }

    /// Returns how many pings succeeded. O(VRFs²).
    pub fn delivered(&self) -> usize {
        self.verdicts.iter().filter(|verdict| verdict.is_delivered()).count()
    }
}
