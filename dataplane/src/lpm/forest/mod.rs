//! [`Forest`]: the tables of all VRFs of a family, compressed into one arena.

pub(super) mod block;
mod build;
mod change;
mod common;
mod dictionary;
pub(super) mod halves;
pub(super) mod line;
pub(super) mod list;
mod matches;
pub(super) mod page;
pub(super) mod pairs;
mod part;
mod ranges;
mod read;
pub(super) mod shape;
mod sweep;
#[cfg(all(test, target_arch = "x86_64"))]
mod tests;

use std::ops::Range;

use vrfleak_engine::Address;

use self::build::{Nodes, Plan};
pub use self::change::Change;
use self::change::Changes;
use self::matches::Matches;
use super::huge_pages::HugePages;
use super::lookup::{Lookup, LookupMatch};
use super::raw::{Isa, Reader, Store};
use super::table::{Match, NO_ROUTE, TableId};
use super::tables::{BuildError, Tables};

/// Keys of a batch whose answers are written, and then told apart while the caches have them.
const RUN: usize = 8192;

/// How a forest is built; the default is the fastest instruction level of this processor, huge pages, and changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The instructions of the batch kernels.
    pub isa: Isa,
    /// Whether to ask for huge pages; where there are none the request is without effect.
    pub huge_pages: bool,
    /// Whether a [`MatchForest`] is built for changes of single prefixes. If not, tables may have nodes that are looked up faster, and
    /// the first change of such a table builds it anew. No other forest changes.
    pub changes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { isa: Isa::fastest(), huge_pages: true, changes: true }
    }
}

/// The tables of a forest as popcount blocks behind a root that fits each table; see the README beside this module.
///
/// A table takes 36 bytes, 4 a root slot, 8 a block, one or two a range of equal answers and 4 a child block. A lookup
/// loads a root entry, then bitmap and code of one block for every six bits more, then the value. Which nodes a table has
/// depends on its routes and on the instructions of [`Options::isa`]; which answers it gives does not.
#[derive(Debug)]
pub struct Forest<A: Address> {
    store: Store<A>,
    isa: Isa,
}

/// A [`Forest`] that also knows the length of each answer's prefix.
///
/// Its codes tell answers of different lengths apart: neighbours with one next hop stay two ranges where the lengths
/// differ, and one-byte codes last for 191 pairs of next hop and length.
#[derive(Debug)]
pub struct MatchForest<A: Address> {
    forest: Forest<A>,
    matches: Matches,
    changes: Changes<A>,
}

impl<A: Address> Forest<A> {
    /// Builds the forest from sorted routes, in parallel over tables and inside huge ones, on the pool it is called in.
    ///
    /// Every table's routes are asked for once, those of some tables more often where [`Options::isa`] may have it short ones. O(routes)
    /// time; scratch is the forest once more, in chunks, and the ranges of a huge table twice.
    ///
    /// # Errors
    /// Returns a breach of the promise of [`Tables::routes`], or that roots or blocks exceed 2^30.
    pub fn build(input: &(impl Tables<A> + ?Sized), options: Options) -> Result<Self, BuildError> {
        let plan = Plan { huge_pages: options.huge_pages, keep_lens: false, nodes: Nodes::of(options.isa) };
        build::build(input, plan).map(|(store, _)| Self { store, isa: options.isa })
    }

    /// Returns the instructions that batches use.
    pub fn isa(&self) -> Isa {
        self.isa
    }
}

impl<A: Address> MatchForest<A> {
    /// Builds the forest like [`Forest::build`], with lengths.
    ///
    /// # Errors
    /// As [`Forest::build`].
    pub fn build(input: &(impl Tables<A> + ?Sized), options: Options) -> Result<Self, BuildError> {
        let nodes = if options.changes { Nodes::Changing } else { Nodes::of(options.isa) };
        let plan = Plan { huge_pages: options.huge_pages, keep_lens: true, nodes };
        let (store, lens) = build::build(input, plan)?;
        let forest = Forest { store, isa: options.isa };
        Ok(Self { forest, matches: Matches::of(lens), changes: Changes::default() })
    }
}

impl<A: Address> HugePages for Forest<A> {
    fn advised(&self) -> Vec<Range<usize>> {
        self.store.advised()
    }
}

impl<A: Address> HugePages for MatchForest<A> {
    fn advised(&self) -> Vec<Range<usize>> {
        self.forest.advised()
    }
}

impl<A: Address> Lookup<A> for Forest<A> {
    fn tables(&self) -> usize {
        self.store.tables()
    }

    fn bytes(&self) -> usize {
        self.store.bytes()
    }

    fn lookup(&self, table: TableId, key: A) -> Option<u32> {
        let value = self.store.values()[self.store.find(table, key)];
        (value != NO_ROUTE).then_some(value)
    }

    fn lookup_batch(&self, table: TableId, keys: &[A], values: &mut [u32]) {
        self.store.reader(self.isa, self.store.values()).batch(table, keys, values);
    }

    fn lookup_mixed(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        self.store.reader(self.isa, self.store.values()).mixed(tables, keys, values);
    }
}

impl<A: Address> Lookup<A> for MatchForest<A> {
    fn tables(&self) -> usize {
        self.forest.tables()
    }

    fn bytes(&self) -> usize {
        self.forest.bytes() + self.matches.bytes() + self.changes.bytes()
    }

    fn lookup(&self, table: TableId, key: A) -> Option<u32> {
        self.forest.lookup(table, key)
    }

    fn lookup_batch(&self, table: TableId, keys: &[A], values: &mut [u32]) {
        self.forest.lookup_batch(table, keys, values);
    }

    fn lookup_mixed(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        self.forest.lookup_mixed(tables, keys, values);
    }
}

impl<A: Address> LookupMatch<A> for MatchForest<A> {
    fn lookup_match(&self, table: TableId, key: A) -> Option<Match> {
        let found = self.forest.store.find(table, key);
        let value = self.forest.store.values()[found];
        (value != NO_ROUTE).then(|| Match { len: self.matches.len(found), value })
    }

    fn lookup_match_batch(&self, table: TableId, keys: &[A], lens: &mut [u8], values: &mut [u32]) {
        self.in_runs(keys, lens, values, |reader, run, values| reader.batch(table, &keys[run], values));
    }

    fn lookup_match_mixed(&self, tables: &[TableId], keys: &[A], lens: &mut [u8], values: &mut [u32]) {
        assert_eq!(keys.len(), tables.len(), "one table a key");
        self.in_runs(keys, lens, values, |reader, run, values| reader.mixed(&tables[run.clone()], &keys[run], values));
    }
}

impl<A: Address> MatchForest<A> {
    /// Looks keys up by `walk`, a run of them at a time, and tells the lengths and values of what it answers.
    fn in_runs(
        &self,
        keys: &[A],
        lens: &mut [u8],
        values: &mut [u32],
        walk: impl Fn(&Reader<'_, A>, Range<usize>, &mut [u32]),
    ) {
        assert_eq!(keys.len(), lens.len(), "one length a key");
        assert_eq!(keys.len(), values.len(), "one value a key");
        let store = &self.forest.store;
        let column = self.matches.column(store.values());
        let reader = store.reader(self.forest.isa, column.answers());
        for (run, (lens, values)) in lens.chunks_mut(RUN).zip(values.chunks_mut(RUN)).enumerate() {
            let start = run * RUN;
            walk(&reader, start..start + lens.len(), values);
            self.matches.tell(column, store.values(), lens, values);
        }
    }
}
