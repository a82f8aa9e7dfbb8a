//! [`Exporters`]: which VRFs of each router export into each bucket.

use crate::address::Address;
use crate::id::{RouterId, TargetSetId, VrfId};
use crate::import::Import;

/// Which VRFs of each router export into each bucket.
pub(crate) struct Exporters(Vec<(RouterId, TargetSetId, VrfId)>);

impl Exporters {
    pub(crate) fn new<A: Address>(import: &Import<'_, A>) -> Self {
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
