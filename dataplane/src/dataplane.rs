//! [`Dataplane`]: what packets travel through.

use vrfleak_engine::{Address, LabelTable, Network, VrfId};

use crate::fibs::Fibs;

/// A network with its forwarding tables and labels: where packets are forwarded and pings are answered.
///
/// Forwarding is in [`forward`](crate::forward), ping in [`ping`](crate::ping), every VRF against every VRF in
/// [`reachability`](crate::reachability).
#[derive(Debug)]
pub struct Dataplane<'a> {
    pub(crate) network: &'a Network,
    pub(crate) fibs: &'a Fibs,
    pub(crate) labels: LabelTable,
}

impl<'a> Dataplane<'a> {
    /// Joins a network and the tables that were installed for it: O(VRFs), for the labels.
    ///
    /// Tables of another network give that network's ids, and panics where they exceed this one's.
    pub fn new(network: &'a Network, fibs: &'a Fibs) -> Self {
        Self { network, fibs, labels: LabelTable::per_vrf(network) }
    }

    /// Returns the network.
    pub fn network(&self) -> &'a Network {
        self.network
    }

    /// Returns the forwarding tables.
    pub fn fibs(&self) -> &'a Fibs {
        self.fibs
    }

    /// Returns the labels that packets between routers carry.
    pub fn labels(&self) -> &LabelTable {
        &self.labels
    }

    /// Returns the address that `vrf` pings from unless told otherwise: its first own one in the order of its routes
    /// (SEMANTICS F7), or `None` if it has none in the family of `A`. It is also the one that the others ping.
    pub fn default_source<A: Address>(&self, vrf: VrfId) -> Option<A> {
        self.network.own_addresses(vrf).next()
    }
}
