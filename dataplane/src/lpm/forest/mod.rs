//! [`Forest`]: the tables of all VRFs of a family, compressed into one arena.

pub(super) mod block;
mod dictionary;
mod part;
mod ranges;
pub(super) mod shape;

use rayon::prelude::*;
use vrfleak_engine::Address;

use self::dictionary::{Answer, CodeMap, Dictionaries, Dictionary, MISS, distinct};
use self::ranges::Ranges;
use self::shape::Shape;
use super::lookup::{Lookup, LookupMatch};
use super::raw::{Isa, Part, Store, StoreError};
use super::table::{Match, NO_ROUTE, TableId};
use super::tables::{BuildError, Checked, Tables};

/// How a forest is built; the default is the highest instruction level of this processor, and huge pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The instructions of the batch kernels.
    pub isa: Isa,
    /// Whether to ask for huge pages; where there are none the request is without effect.
    pub huge_pages: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { isa: Isa::fastest(), huge_pages: true }
    }
}

/// The tables of a forest as popcount blocks behind a root that fits each table; see the README beside this module.
///
/// A table takes 32 bytes, 4 a root slot, 8 a block, one or two a range of equal answers and 4 a child block. A lookup
/// loads a root entry, then bitmap and code of one block for every six bits more, then the value.
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
    /// By position in the store's values: the length of the prefix in bits.
    lens: Vec<u8>,
}

/// Returns the answer of a route: `len` is 0 where lengths are not kept.
fn answer(value: u32, len: u8) -> Answer {
    Answer::from(len) << 32 | Answer::from(value)
}

impl<A: Address> Forest<A> {
    /// Builds the forest from sorted routes, in parallel over tables and inside huge ones, on the pool it is called in.
    ///
    /// Every table's routes are asked for twice: once for their values, once for the ranges. O(routes) time; scratch is
    /// one table a thread.
    ///
    /// # Errors
    /// Returns the first breach of the promise of [`Tables::routes`], or that roots or blocks exceed 2^30.
    pub fn build(input: &(impl Tables<A> + ?Sized), options: Options) -> Result<Self, BuildError> {
        build(input, options, false).map(|(forest, _)| forest)
    }

    /// Returns the instructions that batches use.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Returns the bytes for which the system took the request for huge pages.
    pub fn huge_page_bytes(&self) -> usize {
        self.store.advised_bytes()
    }
}

impl<A: Address> MatchForest<A> {
    /// Builds the forest like [`Forest::build`], with lengths.
    ///
    /// # Errors
    /// As [`Forest::build`].
    pub fn build(input: &(impl Tables<A> + ?Sized), options: Options) -> Result<Self, BuildError> {
        build(input, options, true).map(|(forest, lens)| Self { forest, lens })
    }
}

fn build<A: Address>(
    input: &(impl Tables<A> + ?Sized),
    options: Options,
    keep_lens: bool,
) -> Result<(Forest<A>, Vec<u8>), BuildError> {
    let tables = input.tables();
    let len_of = |len: u8| if keep_lens { len } else { 0 };
    let answers: Vec<Vec<Answer>> = (0..tables)
        .into_par_iter()
        .map(|table| {
            let routes = input.routes(TableId::from_index(table));
            distinct(routes.map(|(prefix, value)| answer(value, len_of(prefix.len()))))
        })
        .collect();
    let mut dictionaries = Dictionaries::default();
    for answers in answers {
        dictionaries.assign(answers);
    }
    let maps: Vec<CodeMap> = dictionaries.list.par_iter().map(Dictionary::map).collect();

    let mut order: Vec<usize> = (0..tables).collect();
    order.sort_by_key(|&table| std::cmp::Reverse(input.routes_hint(TableId::from_index(table))));
    let built = order.into_par_iter().with_max_len(64).map(|index| {
        let table = TableId::from_index(index);
        let dictionary = dictionaries.of_table[index] as usize;
        let (map, width) = (&maps[dictionary], dictionaries.list[dictionary].width());
        let mut ranges = Ranges::new();
        let mut routes = Checked::new(table, input.routes(table));
        let coded = routes.by_ref().map(|(prefix, value)| (prefix, map.get(answer(value, len_of(prefix.len())))));
        ranges.sweep(vrfleak_engine::Prefix::DEFAULT, block::FIRST_VALUE, coded);
        routes.finish()?;
        let shape = Shape::choose(ranges.list(), width);
        Ok((index, shape, part::table(shape, width, ranges.list())))
    });
    let mut parts: Vec<(usize, Shape, Part)> = built.collect::<Result<_, BuildError>>()?;
    parts.sort_unstable_by_key(|&(index, ..)| index);

    let mut values = vec![NO_ROUTE; block::FIRST_VALUE as usize];
    let mut lens = vec![0; if keep_lens { values.len() } else { 0 }];
    let mut starts = Vec::new();
    if dictionaries.list.is_empty() {
        values.push(NO_ROUTE);
    }
    for dictionary in &dictionaries.list {
        starts.push((values.len() - block::FIRST_VALUE as usize) as u32);
        values.extend(dictionary.in_order().map(|answer| answer as u32));
        if keep_lens {
            lens.extend(dictionary.in_order().map(|answer| if answer == MISS { 0 } else { (answer >> 32) as u8 }));
        }
    }
    let roots = parts.iter().map(|(_, _, part)| part.slots.len() + part.pages.len()).sum();
    let blocks = parts.iter().map(|(_, _, part)| part.blocks.len()).sum();
    let mut store = Store::new(values, roots, blocks, options.huge_pages);
    for (index, shape, part) in parts {
        let dictionary = dictionaries.of_table[index] as usize;
        let (width, codes) = (dictionaries.list[dictionary].width(), dictionaries.list[dictionary].codes() as u32);
        store.push(shape, width, starts[dictionary], codes, &part).map_err(|error| match error {
            StoreError::TooBig(what, count) => {
                BuildError::TooBig { family: A::FAMILY, what, count, limit: u64::from(super::raw::LEAF) }
            }
            StoreError::Broken(why) => unreachable!("a table that was just built: {why}"),
        })?;
    }
    Ok((Forest { store, isa: options.isa }, lens))
}

impl<A: Address> Lookup<A> for Forest<A> {
    fn tables(&self) -> usize {
        self.store.tables()
    }

    fn bytes(&self) -> usize {
        self.store.bytes()
    }

    fn lookup(&self, table: TableId, key: A) -> Option<u32> {
        let value = self.store.value(self.store.find(table, key));
        (value != NO_ROUTE).then_some(value)
    }

    fn lookup_batch(&self, table: TableId, keys: &[A], values: &mut [u32]) {
        self.store.batch(self.isa, table, keys, values);
    }

    fn lookup_mixed(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        self.store.mixed(self.isa, tables, keys, values);
    }
}

impl<A: Address> Lookup<A> for MatchForest<A> {
    fn tables(&self) -> usize {
        self.forest.tables()
    }

    fn bytes(&self) -> usize {
        self.forest.bytes() + self.lens.len()
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
        let value = self.forest.store.value(found);
        (value != NO_ROUTE).then(|| Match { len: self.lens[found], value })
    }
}
