//! [`Paths`]: the attributes of routes, those that policies made of them included.

use std::net::IpAddr;

use crate::attributes::Attributes;
use crate::id::AttributesId;
use crate::network::Network;

/// Attributes that no source route has: what an export map made of those of a source route, or those of a route that
/// was exported again.
///
/// The derived order numbers them, so that the order of input decides nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct DerivedPath {
    /// How many VRFs have exported the route again (SEMANTICS E1); 0 for a VRF's own.
    pub(crate) depth: u32,
    /// The attributes of the source route; `None` for a route that was exported again.
    pub(crate) source: Option<AttributesId>,
    pub(crate) attributes: Attributes,
    /// The next hop that the export map set.
    pub(crate) next_hop: Option<IpAddr>,
}

/// The attributes of a network's routes by [`AttributesId`], and behind them those that policies made.
///
/// A [`RouteTable`](crate::RouteTable) has routes of both kinds; [`RouteTable::paths`](crate::RouteTable::paths) returns
/// what their ids mean.
#[derive(Clone, Copy, Debug)]
pub struct Paths<'a> {
    network: &'a Network,
    derived: &'a [DerivedPath],
}

impl<'a> Paths<'a> {
    pub(crate) fn new(network: &'a Network, derived: &'a [DerivedPath]) -> Self {
        Self { network, derived }
    }

    /// Returns the network.
    #[inline]
    pub fn network(self) -> &'a Network {
        self.network
    }

    /// Returns the attributes of this id.
    #[inline]
    pub fn attributes(self, id: AttributesId) -> &'a Attributes {
        match self.derived(id) {
            None => &self.network.attributes()[id.index()],
            Some(derived) => &derived.attributes,
        }
    }

    /// Returns how many VRFs have exported a route with these attributes again: 0 for one that its own VRF exports
    /// (SEMANTICS E1).
    #[inline]
    pub fn depth(self, id: AttributesId) -> u32 {
        self.derived(id).map_or(0, |derived| derived.depth)
    }

    /// Returns the next hop that an export map set (SEMANTICS E3). It is what other VRFs compare and show; packets go
    /// to the origin all the same (SEMANTICS F3).
    pub fn next_hop(self, id: AttributesId) -> Option<IpAddr> {
        self.derived(id)?.next_hop
    }

    /// Returns the attributes of the source route that an export map changed into these.
    pub fn source(self, id: AttributesId) -> Option<AttributesId> {
        self.derived(id)?.source
    }

    /// Returns the attributes of all routes, in the order of their ids, each with its depth.
    pub(crate) fn all(self) -> impl Iterator<Item = (u32, &'a Attributes)> {
        let own = self.network.attributes().iter().map(|attributes| (0, attributes));
        own.chain(self.derived.iter().map(|derived| (derived.depth, &derived.attributes)))
    }

    /// Returns whether an export map set a next hop.
    pub(crate) fn sets_next_hops(self) -> bool {
        self.derived.iter().any(|derived| derived.next_hop.is_some())
    }

    #[inline]
    fn derived(self, id: AttributesId) -> Option<&'a DerivedPath> {
        self.derived.get(id.index().wrapping_sub(self.network.attributes().len()))
    }
}
