//! [`Poptries`]: crate `poptrie`, one trie a VRF.

use ::poptrie::Poptrie;
use vrfleak_dataplane::lpm::{NO_ROUTE, TableId};
use vrfleak_engine::{Address, Prefix};

use crate::lookup::contender::Engine;
use crate::lookup::input::Routes;

/// An address that makes a prefix of the crate: a pair of address and length.
pub(crate) trait PopKey: Address + Into<<Self::Net as ::poptrie::Prefix>::ADDRESS> {
    /// The pair's type as the crate sees it.
    type Net: ::poptrie::Prefix + Send + Sync;

    /// Returns the pair.
    fn pair(self, len: u8) -> Self::Net;
}

impl PopKey for u32 {
    type Net = (Self, u8);

    fn pair(self, len: u8) -> (Self, u8) {
        (self, len)
    }
}

impl PopKey for u128 {
    type Net = (Self, u8);

    fn pair(self, len: u8) -> (Self, u8) {
        (self, len)
    }
}

/// One trie a VRF.
pub(crate) struct Poptries<A: PopKey>(Vec<Poptrie<A::Net, u32>>);

impl<A: PopKey> Poptries<A> {
    /// Hands the routes over all at once: inserting them one by one takes hundreds of times as long.
    pub(crate) fn build(tables: &[Routes<A>]) -> Self {
        let table = |routes: &Routes<A>| {
            routes.iter().map(|&(prefix, next_hop)| (prefix.bits().pair(prefix.len()), next_hop)).collect()
        };
        Self(tables.iter().map(table).collect())
    }
}

impl<A: PopKey> Engine<A> for Poptries<A> {
    type Key = A;
    type Value = u32;
    const BATCHES: bool = false;

    fn key(&self, _: TableId, key: A) -> A {
        key
    }

    #[inline]
    fn single(&self, table: TableId, key: A) -> u32 {
        self.0[table.index()].lookup(key).copied().unwrap_or(NO_ROUTE)
    }

    #[inline]
    fn next_hop(&self, value: u32) -> u32 {
        value
    }

    #[inline]
    fn after(&self, key: A, nothing: u32) -> A {
        key ^ A::narrow(nothing.into())
    }

    /// The crate does not tell.
    fn bytes(&self) -> Option<usize> {
        None
    }

    fn change(&mut self, table: TableId, prefix: Prefix<A>, next_hop: Option<u32>) -> bool {
        let (trie, pair) = (&mut self.0[table.index()], prefix.bits().pair(prefix.len()));
        match next_hop {
            Some(next_hop) => trie.insert(pair, next_hop),
            None => trie.remove(pair),
        };
        true
    }
}
