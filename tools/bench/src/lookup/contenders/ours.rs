//! [`Ours`]: any forest of the dataplane that has batches, and [`Matching`]: one that tells lengths, too.

use vrfleak_dataplane::lpm::{HugePages, Lookup, LookupMatch, Match, MatchForest, NO_ROUTE, TableId};
use vrfleak_engine::{Address, Prefix};

use super::prefix_trie::{PrefixTries, TrieKey};

use crate::lookup::contender::Engine;
use crate::text::binary;

/// A forest, by its own batched calls, and the routes that changes need beside it, if it is to be changed.
pub(crate) struct Ours<F, R = ()> {
    forest: F,
    routes: R,
    /// The bytes for which the system took the request for huge pages, and how many it gave, if it tells.
    huge: (usize, Option<usize>),
}

impl<F: HugePages, R> Ours<F, R> {
    /// Returns the contender of a forest that was just built.
    pub(crate) fn new(forest: F, routes: R) -> Self {
        let huge = (forest.huge_page_bytes(), forest.huge_page_bytes_obtained());
        Self { forest, routes, huge }
    }
}

/// How a forest of type `F` is changed.
pub(crate) trait Routes<A: Address, F>: Send + Sync {
    /// Changes the forest as [`Engine::change`] says; all told, what is kept beside it too.
    fn change(&mut self, _forest: &mut F, _table: TableId, _prefix: Prefix<A>, _next_hop: Option<u32>) -> bool {
        false
    }
}

impl<A: Address, F> Routes<A, F> for () {}

impl<A: TrieKey> Routes<A, MatchForest<A>> for PrefixTries<A> {
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

impl<A: Address, F: Lookup<A>, R: Routes<A, F>> Engine<A> for Ours<F, R> {
    type Key = A;
    type Value = u32;
    type Besides = ();
    const BATCHES: bool = true;

    fn key(&self, _: TableId, key: A) -> A {
        key
    }

    fn batch(&self, keys: &[A], values: &mut [u32], (): &mut ()) {
        self.forest.lookup_batch(TableId(0), keys, values);
    }

    fn mixed(&self, tables: &[TableId], keys: &[A], values: &mut [u32], (): &mut ()) {
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

    fn remark(&self) -> Option<String> {
        let (asked, got) = self.huge;
        let got = got.map_or_else(String::new, |got| format!(", has {}", binary(got as u64)));
        (asked > 0).then(|| format!("asks for huge pages for {}{got}", binary(asked as u64)))
    }

    fn bytes(&self) -> Option<usize> {
        Some(self.forest.bytes())
    }

    fn change(&mut self, table: TableId, prefix: Prefix<A>, next_hop: Option<u32>) -> bool {
        self.routes.change(&mut self.forest, table, prefix, next_hop)
    }
}

/// A forest that is asked for the length of each matched prefix, too.
pub(crate) struct Matching<A: Address>(pub(crate) Ours<MatchForest<A>>);

impl<A: Address> Engine<A> for Matching<A> {
    type Key = A;
    type Value = u32;
    /// The length of each matched prefix.
    type Besides = Vec<u8>;
    const BATCHES: bool = true;

    fn key(&self, _: TableId, key: A) -> A {
        key
    }

    fn batch(&self, keys: &[A], values: &mut [u32], lens: &mut Vec<u8>) {
        lens.resize(keys.len(), 0);
        self.0.forest.lookup_match_batch(TableId(0), keys, lens, values);
    }

    fn mixed(&self, tables: &[TableId], keys: &[A], values: &mut [u32], lens: &mut Vec<u8>) {
        lens.resize(keys.len(), 0);
        self.0.forest.lookup_match_mixed(tables, keys, lens, values);
    }

    #[inline]
    fn single(&self, table: TableId, key: A) -> u32 {
        self.0.forest.lookup_match(table, key).map_or(NO_ROUTE, |found| found.value)
    }

    #[inline]
    fn next_hop(&self, value: u32) -> u32 {
        value
    }

    fn lens(lens: &Vec<u8>) -> Option<&[u8]> {
        Some(lens)
    }

    #[inline]
    fn after(&self, key: A, nothing: u32) -> A {
        key ^ A::narrow(nothing.into())
    }

    fn remark(&self) -> Option<String> {
        Engine::<A>::remark(&self.0)
    }

    fn bytes(&self) -> Option<usize> {
        Engine::<A>::bytes(&self.0)
    }
}
