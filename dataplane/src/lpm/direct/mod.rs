//! [`DirectForest`]: IPv4 tables whose first 24 bits are an index, for the few that are worth their bytes.

pub(super) mod build;
mod codes;
mod paint;

use std::ops::Range;

use rayon::prelude::*;
use vrfleak_engine::Address;

use self::build::CodedTable;
use super::forest::Options;
use super::huge_pages::HugePages;
use super::lookup::Lookup;
use super::raw::{DirectTable, Isa};
use super::table::{NO_ROUTE, TableId};
use super::tables::{BuildError, Tables};

/// How a table leads from 24 bits to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DirectLayout {
    /// One entry a /24, 16 or 32 MiB: DPDK's `dir24_8` kind.
    Flat,
    /// A root over 18 bits that names chunks of 64 entries, each content once: some 4 to 8 bytes a prefix.
    Chunked,
}

impl DirectLayout {
    /// Both layouts.
    pub const ALL: [Self; 2] = [Self::Flat, Self::Chunked];

    /// Returns the name that reports have: `flat` or `chunked`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Chunked => "chunked",
        }
    }
}

/// A table with entries of one or two bytes.
#[derive(Debug)]
pub(super) enum Table {
    /// One byte.
    Byte(DirectTable<u8>),
    /// Two bytes.
    Pair(DirectTable<u16>),
}

impl Table {
    #[inline]
    pub(super) fn lookup<A: Address>(&self, key: A) -> u32 {
        match self {
            Self::Byte(table) => table.lookup(key),
            Self::Pair(table) => table.lookup(key),
        }
    }

    pub(super) fn batch<A: Address>(&self, isa: Isa, keys: &[A], values: &mut [u32]) {
        match self {
            Self::Byte(table) => table.batch(isa, keys, values),
            Self::Pair(table) => table.batch(isa, keys, values),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Byte(table) => table.bytes(),
            Self::Pair(table) => table.bytes(),
        }
    }

    /// Returns where the memory lies for which the system took the request for huge pages.
    pub(super) fn advised(&self) -> Vec<Range<usize>> {
        match self {
            Self::Byte(table) => table.advised(),
            Self::Pair(table) => table.advised(),
        }
    }
}

/// IPv4 tables that are read by index: the answer to 24 bits is one entry, flat or in chunks ([`DirectLayout`]).
///
/// Entries have one byte up to 254 next hops, two up to 65,534; the default route's does not count. A /24 with longer
/// prefixes has a group of 256 entries more, found through a hash. A lookup loads one entry (flat), or a root entry and
/// one entry (chunked), then the value.
#[derive(Debug)]
pub struct DirectForest {
    tables: Vec<Table>,
    isa: Isa,
}

impl DirectForest {
    /// Builds the forest from sorted routes, in parallel over tables and inside huge ones, on the pool it is called in.
    ///
    /// O(routes + /24s below routes) time a table. A flat table of few routes touches few of its pages.
    ///
    /// # Errors
    /// Returns the first breach of the promise of [`Tables::routes`], or that a table has more than 65,534 next hops.
    pub fn build(
        input: &(impl Tables<u32> + ?Sized),
        layout: DirectLayout,
        options: Options,
    ) -> Result<Self, BuildError> {
        let tables = (0..input.tables()).into_par_iter().with_max_len(1).map(|index| {
            let coded = CodedTable::read(input, TableId::from_index(index))?;
            coded.build(layout, options.huge_pages)
        });
        Ok(Self { tables: tables.collect::<Result<_, _>>()?, isa: options.isa })
    }

    /// Returns the instructions that batches use.
    pub fn isa(&self) -> Isa {
        self.isa
    }
}

impl HugePages for DirectForest {
    fn advised(&self) -> Vec<Range<usize>> {
        self.tables.iter().flat_map(Table::advised).collect()
    }
}

impl Lookup<u32> for DirectForest {
    fn tables(&self) -> usize {
        self.tables.len()
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.tables[..]) + self.tables.iter().map(Table::bytes).sum::<usize>()
    }

    #[inline]
    fn lookup(&self, table: TableId, key: u32) -> Option<u32> {
        self.tables.get(table.index()).map(|table| table.lookup(key)).filter(|&value| value != NO_ROUTE)
    }

    fn lookup_batch(&self, table: TableId, keys: &[u32], values: &mut [u32]) {
        assert_eq!(keys.len(), values.len(), "one value a key");
        match self.tables.get(table.index()) {
            Some(table) => table.batch(self.isa, keys, values),
            None => values.fill(NO_ROUTE),
        }
    }

    fn lookup_mixed(&self, tables: &[TableId], keys: &[u32], values: &mut [u32]) {
        assert_eq!(keys.len(), values.len(), "one value a key");
        assert_eq!(keys.len(), tables.len(), "one table a key");
        for ((value, &key), &table) in values.iter_mut().zip(keys).zip(tables) {
            *value = self.tables.get(table.index()).map_or(NO_ROUTE, |table| table.lookup(key));
        }
    }
}
