//! [`Candidate`]: a route that competes, as the definition writes it.

use std::net::IpAddr;
use std::sync::Arc;

use crate::attributes::Attributes;
use crate::id::{AttributesId, NextHopId, VrfId};
use crate::network::Network;
use crate::source_route::Protocol;

/// A route that competes for a prefix in a VRF: its own, an imported one, or a leaked host route.
///
/// Ordered by origin, next hop, attributes, protocol: the tie that S2 comes to last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Candidate {
    /// The VRF that has the source route, or exported it again.
    pub origin: VrfId,
    /// The next hop, which belongs to the origin (F3).
    pub next_hop: NextHopId,
    /// The attributes of the source route.
    pub attributes: AttributesId,
    /// Where the origin has the route from.
    pub protocol: Protocol,
    /// Whether this is the host route of an interface whose connected route was imported (S3a).
    pub leaked_host: bool,
    /// What policies and re-exports made of it; `None` where nothing was changed.
    pub changes: Option<Arc<Changes>>,
}

/// What policies and re-exports made of a route on its way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Changes {
    /// The attributes that it has.
    pub attributes: Attributes,
    /// The next hop that a map set.
    pub next_hop: Option<IpAddr>,
    /// Whether an import map made these changes, so that the weight among the attributes counts.
    pub imported: bool,
    /// The VRFs that it has been in before its origin (E1).
    pub way: Vec<VrfId>,
}

impl Candidate {
    /// How many VRFs have exported the route again (E1).
    pub fn depth(&self) -> usize {
        self.changes.as_ref().map_or(0, |changes| changes.way.len())
    }

    /// Whether the route has been in `vrf`.
    pub(super) fn was_in(&self, vrf: VrfId) -> bool {
        self.origin == vrf || self.changes.as_ref().is_some_and(|changes| changes.way.contains(&vrf))
    }

    /// Returns the attributes that the route has.
    pub fn attributes<'a>(&'a self, network: &'a Network) -> &'a Attributes {
        match &self.changes {
            Some(changes) => &changes.attributes,
            None => &network.attributes()[self.attributes.index()],
        }
    }
}
