//! [`Exporters`]: which VRFs of each router export into each bucket.

use rayon::prelude::*;

use crate::address::Address;
use crate::id::{RouterId, TargetSetId, VrfId};
use crate::import::Import;

/// Which VRFs of each router export into each bucket.
pub(crate) struct Exporters(Vec<(RouterId, TargetSetId, VrfId)>);

impl Exporters {
    pub(crate) fn new<A: Address>(import: &Import<'_, A>) -> Self {
        let Import { network, table, .. } = *import;
        if network.routers().len() == 1 && import.hosts.is_empty() {
            return Self(Vec::new());
        }
        let of_vrf = |vrf: usize| {
            let vrf = VrfId::from_index(vrf);
            let router = network.vrf(vrf).router;
            let words = import.buckets.own(vrf).iter().chain(import.buckets.derived(vrf));
            let alone = (!table.own_targets).then(|| table.export_of[vrf.index()]);
            let each = words.filter(|_| alone.is_none()).map(|&word| table.targets(import.packing.id(word)));
            let mut sets: Vec<TargetSetId> = alone.into_iter().chain(each).collect();
            sets.sort_unstable();
            sets.dedup();
            sets.into_iter().map(move |set| (router, set, vrf))
        };
        let mut exporters: Vec<_> = (0..network.vrfs().len()).into_par_iter().flat_map_iter(of_vrf).collect();
        exporters.par_sort_unstable();
        Self(exporters)
    }

    /// Returns the VRFs of `router` that export into one of `sets`; one that exports into several comes several times.
    pub(crate) fn of<'a>(&'a self, router: RouterId, sets: &'a [TargetSetId]) -> impl Iterator<Item = VrfId> + 'a {
        sets.iter().flat_map(move |&set| {
            let start = self.0.partition_point(|&(other, of, _)| (other, of) < (router, set));
            self.0[start..]
                .iter()
                .take_while(move |&&(other, of, _)| (other, of) == (router, set))
                .map(|&(.., vrf)| vrf)
        })
    }
}
