//! [`Ours`]: any forest of the dataplane that has batches, and [`Way`]: how it is asked and changed.

use vrfleak_dataplane::lpm::{HugePages, Lookup, LookupMatch, Match, MatchForest, NO_ROUTE, TableId};
use vrfleak_engine::{Address, Prefix};

use super::prefix_trie::{PrefixTries, TrieKey};

use crate::lookup::contender::Engine;
use crate::text::binary;

/// A forest, by its own batched calls, and the way in which it is used.
pub(crate) struct Ours<F, W = ()> {
    forest: F,
    way: W,
    /// The bytes for which the system took the request for huge pages, and how many it gave, if it tells.
    huge: (usize, Option<usize>),
}

impl<F: HugePages, W> Ours<F, W> {
    /// Returns the contender of a forest that was just built.
    pub(crate) fn new(forest: F, way: W) -> Self {
        let huge = (forest.huge_page_bytes(), forest.huge_page_bytes_obtained());
        Self { forest, way, huge }
    }
}

/// How a forest of type `F` is asked and changed: for values alone, and not at all, unless a way says otherwise.
pub(crate) trait Way<A: Address, F: Lookup<A>>: Send + Sync {
    /// Looks keys up in the only table, as [`Engine::batch`] does.
    #[inline]
    fn batch(forest: &F, keys: &[A], values: &mut [u32], _lens: &mut Vec<u8>) {
        forest.lookup_batch(TableId(0), keys, values);
    }

    /// Looks each key up in the table at its position, as [`Engine::mixed`] does.
    #[inline]
    fn mixed(forest: &F, tables: &[TableId], keys: &[A], values: &mut [u32], _lens: &mut Vec<u8>) {
        forest.lookup_mixed(tables, keys, values);
    }

    /// Looks one key up.
    #[inline]
    fn single(forest: &F, table: TableId, key: A) -> u32 {
        forest.lookup(table, key).unwrap_or(NO_ROUTE)
    }

    /// Changes the forest as [`Engine::change`] says; all told, what is kept beside it too.
    fn change(&mut self, _forest: &mut F, _table: TableId, _prefix: Prefix<A>, _next_hop: Option<u32>) -> bool {
        false
    }
}

impl<A: Address, F: Lookup<A>> Way<A, F> for () {}

/// The forest is asked for the lengths of matched prefixes, too.
pub(crate) struct Lens;

impl<A: Address, F: LookupMatch<A>> Way<A, F> for Lens {
    fn batch(forest: &F, keys: &[A], values: &mut [u32], lens: &mut Vec<u8>) {
        lens.resize(keys.len(), 0);
        forest.lookup_match_batch(TableId(0), keys, lens, values);
    }

    fn mixed(forest: &F, tables: &[TableId], keys: &[A], values: &mut [u32], lens: &mut Vec<u8>) {
        lens.resize(keys.len(), 0);
        forest.lookup_match_mixed(tables, keys, lens, values);
    }

    #[inline]
    fn single(forest: &F, table: TableId, key: A) -> u32 {
        forest.lookup_match(table, key).map_or(NO_ROUTE, |found| found.value)
    }
}

/// The forest is changed, and the routes beside it say what a withdrawn one leaves.
impl<A: TrieKey> Way<A, MatchForest<A>> for PrefixTries<A> {
    fn change(
        &mut self,
        forest: &mut MatchForest<A>,
        table: TableId,
        prefix: Prefix<A>,
        next_hop: Option<u32>,
    ) -> bool {
        Engine::change(self, table, prefix, next_hop);
        let changed = if let Some(next_hop) = next_hop {
            forest.insert(table, prefix, next_hop)
        } else {
            let cover = self.cover(table, prefix).map(|(len, value)| Match { len, value });
            forest.remove(table, prefix, cover)
        };
        changed.is_ok()
    }
}

impl<A: Address, F: Lookup<A>, W: Way<A, F>> Engine<A> for Ours<F, W> {
    type Key = A;
    type Value = u32;
    const BATCHES: bool = true;

    fn key(&self, _: TableId, key: A) -> A {
        key
    }

    fn batch(&self, keys: &[A], values: &mut [u32], lens: &mut Vec<u8>) {
        W::batch(&self.forest, keys, values, lens);
    }

    fn mixed(&self, tables: &[TableId], keys: &[A], values: &mut [u32], lens: &mut Vec<u8>) {
        W::mixed(&self.forest, tables, keys, values, lens);
    }

    #[inline]
    fn single(&self, table: TableId, key: A) -> u32 {
        W::single(&self.forest, table, key)
    }

    #[inline]
    fn next_hop(&self, value: u32) -> u32 {
        value
    }

    #[inline]
    fn after(&self, key: A, nothing: u32) -> A {
        key ^ A::narrow(nothing.into())
    }

    fn remark(&self) -> Option<String> {
        let (asked, got) = self.huge;
        let got = got.map_or_else(String::new, |got| format!(", has {}", binary(got as u64)));
        (asked > 0).then(|| format!("asks for huge pages for {}{got}", binary(asked as u64)))
    }

    fn bytes(&self) -> Option<usize> {
        Some(self.forest.bytes())
    }

    fn change(&mut self, table: TableId, prefix: Prefix<A>, next_hop: Option<u32>) -> bool {
        self.way.change(&mut self.forest, table, prefix, next_hop)
    }
}
