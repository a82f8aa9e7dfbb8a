//! [`Live`]: a forest of ours that is changed while it is in use, beside the routes that say what a withdrawn one leaves.

use vrfleak_dataplane::lpm::{Lookup, Match, MatchForest, NO_ROUTE, TableId};
use vrfleak_engine::Prefix;

use super::prefix_trie::{PrefixTries, TrieKey};
use crate::lookup::contender::Engine;

/// Looks up in the forest, and changes both: what a change costs is all told.
pub(crate) struct Live<A: TrieKey> {
    pub(crate) forest: MatchForest<A>,
    pub(crate) routes: PrefixTries<A>,
}

impl<A: TrieKey> Engine<A> for Live<A> {
    type Key = A;
    type Value = u32;
    const BATCHES: bool = true;

    fn key(&self, _: TableId, key: A) -> A {
        key
    }

    fn batch(&self, keys: &[A], values: &mut [u32]) {
        self.forest.lookup_batch(TableId(0), keys, values);
    }

    fn mixed(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        self.forest.lookup_mixed(tables, keys, values);
    }

    #[inline]
    fn single(&self, table: TableId, key: A) -> u32 {
        self.forest.lookup(table, key).unwrap_or(NO_ROUTE)
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
        Some(self.forest.bytes())
    }

    fn remark(&self) -> Option<String> {
        Some("built with the routes in a prefix-trie beside it, which changes need and lookups do not".to_owned())
    }

    fn change(&mut self, table: TableId, prefix: Prefix<A>, next_hop: Option<u32>) -> bool {
        self.routes.change(table, prefix, next_hop);
        let changed = if let Some(next_hop) = next_hop {
            self.forest.insert(table, prefix, next_hop)
        } else {
            let cover = self.routes.cover(table, prefix).map(|(len, value)| Match { len, value });
            self.forest.remove(table, prefix, cover)
        };
        changed.is_ok()
    }
}
