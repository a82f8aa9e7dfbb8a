//! [`PrefixTries`]: crate `prefix-trie`, one map a VRF.

use ::prefix_trie::PrefixMap;
use vrfleak_dataplane::lpm::{NO_ROUTE, TableId};
use vrfleak_engine::{Address, Prefix};

use crate::lookup::contender::Engine;
use crate::lookup::input::Routes;

/// An address that makes a prefix of the crate: a pair of address and length.
pub(crate) trait TrieKey: Address {
    /// The pair's type as the crate sees it.
    type Net: ::prefix_trie::Prefix + Send + Sync;

    /// Returns the pair.
    fn net(self, len: u8) -> Self::Net;
}

impl TrieKey for u32 {
    type Net = (Self, u8);

    #[inline]
    fn net(self, len: u8) -> (Self, u8) {
        (self, len)
    }
}

impl TrieKey for u128 {
    type Net = (Self, u8);

    #[inline]
    fn net(self, len: u8) -> (Self, u8) {
        (self, len)
    }
}

/// One map a VRF.
pub(crate) struct PrefixTries<A: TrieKey>(Vec<PrefixMap<A::Net, u32>>);

impl<A: TrieKey> PrefixTries<A> {
    /// Hands the routes of each table over in order.
    pub(crate) fn build(tables: &[Routes<A>]) -> Self {
        let table = |routes: &Routes<A>| {
            routes.iter().map(|&(prefix, next_hop)| (prefix.bits().net(prefix.len()), next_hop)).collect()
        };
        Self(tables.iter().map(table).collect())
    }

    /// Returns length and next hop of the longest prefix that contains `prefix`.
    pub(crate) fn cover(&self, table: TableId, prefix: Prefix<A>) -> Option<(u8, u32)> {
        let (net, &next_hop) = self.0[table.index()].get_lpm(&prefix.bits().net(prefix.len()))?;
        Some((::prefix_trie::Prefix::prefix_len(&net), next_hop))
    }
}

impl<A: TrieKey> Engine<A> for PrefixTries<A> {
    type Key = A;
    type Value = u32;
    const BATCHES: bool = false;

    fn key(&self, _: TableId, key: A) -> A {
        key
    }

    #[inline]
    fn single(&self, table: TableId, key: A) -> u32 {
        self.0[table.index()].get_lpm(&key.net(A::BITS)).map_or(NO_ROUTE, |(_, &next_hop)| next_hop)
    }

    #[inline]
    fn next_hop(&self, value: u32) -> u32 {
        value
    }

    #[inline]
    fn after(&self, key: A, nothing: u32) -> A {
        key ^ A::narrow(nothing.into())
    }

    fn bytes(&self) -> Option<usize> {
        Some(self.0.iter().map(PrefixMap::mem_size).sum())
    }

    fn change(&mut self, table: TableId, prefix: Prefix<A>, next_hop: Option<u32>) -> bool {
        let (map, net) = (&mut self.0[table.index()], prefix.bits().net(prefix.len()));
        match next_hop {
            Some(next_hop) => map.insert(net, next_hop),
            None => map.remove(&net),
        };
        true
    }
}
