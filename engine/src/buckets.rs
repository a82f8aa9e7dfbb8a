//! [`Buckets`]: the VPN routes of each target set, and each VRF's own routes, as ascending lists.

use crate::address::Address;
use crate::exchanges::Exchanges;
use crate::id::{TargetSetId, VrfId};
use crate::lists::Lists;
use crate::network::Network;
use crate::route_table::{ExportStatus, RouteTable};

/// The routes of one family, bucketed by target set and by origin.
///
/// A VRF's import is a union of buckets. A bucket keeps the best route to each prefix apart from the others: whoever
/// imports the bucket imports all of them, and where the rank decides the others can never win.
#[derive(Clone, Debug)]
pub struct Buckets {
    /// By target set times two the best route to each prefix, then the further ones.
    by_targets: Lists,
    by_origin: Lists,
    /// The derived routes of each VRF; no list at all where no policy made any.
    derived: Option<Lists>,
    exchanges: Exchanges,
}

impl Buckets {
    /// Buckets the routes of `table`. O(routes + sets + VRFs), in the current rayon pool.
    pub fn new<A: Address>(network: &Network, table: &RouteTable<A>) -> Self {
        let by_targets = Lists::deal(table, table.target_sets.len(), true, |id| {
            (table.status(id) == ExportStatus::Exported).then(|| table.targets(id).index())
        });
        let of_origin = |derived: bool| {
            let key = |id| (table.is_derived(id) == derived).then(|| table.origin(id).index());
            Lists::deal(table, network.vrfs().len(), false, key)
        };
        let (by_origin, derived) = (of_origin(false), (!table.derived.is_empty()).then(|| of_origin(true)));
        Self { by_targets, by_origin, derived, exchanges: Exchanges::new(network, table) }
    }

    /// Returns how many VPN routes a bucket holds.
    pub fn size(&self, set: TargetSetId) -> usize {
        self.best_of(set).len() + self.others_of(set).len()
    }

    /// Returns the best route to each prefix in a bucket, as words in ascending order.
    pub(crate) fn best_of(&self, set: TargetSetId) -> &[u32] {
        self.by_targets.of(set.index() * 2)
    }

    /// Returns the further routes of a bucket, as words in ascending order.
    pub(crate) fn others_of(&self, set: TargetSetId) -> &[u32] {
        self.by_targets.of(set.index() * 2 + 1)
    }

    /// Returns a VRF's own routes, exported or not, as words in ascending order.
    pub(crate) fn own(&self, vrf: VrfId) -> &[u32] {
        self.by_origin.of(vrf.index())
    }

    /// Returns the routes that a VRF exports and does not itself use, as words in ascending order.
    pub(crate) fn derived(&self, vrf: VrfId) -> &[u32] {
        self.derived.as_ref().map_or(&[], |derived| derived.of(vrf.index()))
    }

    /// Returns where the choice between VPN routes with one RD and prefix differs from the reflectors'.
    pub(crate) fn exchanges(&self) -> &Exchanges {
        &self.exchanges
    }

    /// Returns the bytes held.
    pub fn bytes(&self) -> usize {
        self.by_targets.bytes()
            + self.by_origin.bytes()
            + self.derived.as_ref().map_or(0, Lists::bytes)
            + self.exchanges.bytes()
    }
}
