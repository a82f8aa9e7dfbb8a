//! [`AutoForest`] and [`AutoMatchForest`]: each table in the structure that suits it.
//!
//! ```text
//! table ---> seats[table] ---> direct table (flat or chunked), if it has one
//!                         \--> compressed forest of all others
//! ```
//! A batch of one table asks once. A mixed batch of a forest without direct tables is the compressed forest's own; else
//! it is dealt out to the first direct tables, those that are left, and all others.

use std::ops::{ControlFlow, Range};

use rayon::prelude::*;
use vrfleak_engine::{Address, Family, Prefix};

use super::direct::build::CodedTable;
use super::direct::{DirectLayout, Table};
use super::forest::{Forest, MatchForest, Options};
use super::huge_pages::HugePages;
use super::lookup::{Lookup, LookupMatch};
use super::raw::{ClassMap, Isa};
use super::table::{Match, NO_ROUTE, TableId};
use super::tables::{BuildError, Tables};

/// Routes from which on a table may be direct: below, the compressed table fits the first caches anyway, and reading the
/// routes of a thousand tables one after the other to find that out takes longer than building them.
const DIRECT_ROUTES: usize = 1 << 17;
/// Tables whose routes are read together.
const READ: usize = 8;
/// Routes for which a direct table has one change of the next hop at least: with fewer the compressed table is so small
/// that no other is faster.
const ROUTES_PER_CHANGE: usize = 8;
/// Bytes a route that a flat table may have at most: a full table with entries of two bytes has 37.
const FLAT_BYTES_PER_ROUTE: usize = 40;
/// Bytes a route that a chunked table may have at most: a full table has 5.6 with one byte and 11 with two.
const CHUNKED_BYTES_PER_ROUTE: usize = 24;
/// Tables that are built in vain, too big for the budget or for their routes, before no smaller one is tried: each takes
/// longer than compressing it, and a network may have hundreds that are alike.
const MOST_IN_VAIN: usize = 2;
/// The bytes of direct tables that a default build may have.
const BUDGET: usize = 64 << 20;
/// The class of a table in a mixed batch: its seat, below this, or one of these: of a direct table with another seat, and of a compressed one.
const MANY: u8 = 6;
const REST: u8 = MANY + 1;
/// The seat of a table that is compressed.
const COMPRESSED: u32 = u32::MAX;

/// Which structure the tables of an [`AutoForest`] get. IPv6 tables are always compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Choice {
    /// From the biggest table on, as long as the budget lasts: flat where that is at most 40 bytes a route, chunked
    /// where that is at most 24, both from 131,072 routes on with a change of the next
    /// hop every eighth route, judged by the first 65,536; compressed otherwise, and from the second on that turned out too
    /// big.
    #[default]
    Auto,
    /// Every table compressed.
    Compressed,
    /// Every IPv4 table with a route in this layout, whatever its bytes; compressed only where there are too many next
    /// hops.
    Direct(DirectLayout),
}

/// How an [`AutoForest`] is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoOptions {
    /// Which structure the tables get.
    pub choice: Choice,
    /// The bytes that all direct tables together may have under [`Choice::Auto`]; 64 MiB by default.
    pub budget: usize,
    /// How the tables are built.
    pub tables: Options,
}

impl Default for AutoOptions {
    fn default() -> Self {
        Self { choice: Choice::Auto, budget: BUDGET, tables: Options::default() }
    }
}

/// The direct tables among all tables.
#[derive(Debug)]
struct Directs {
    /// By table: the index in `tables`, or [`COMPRESSED`]. Empty if there are no direct tables.
    seats: Vec<u32>,
    /// By table, and of ids beyond: the class in a mixed batch. As empty.
    classes: ClassMap,
    tables: Vec<Table>,
    layouts: Vec<DirectLayout>,
    isa: Isa,
}

impl Directs {
    fn choose<A: Address>(input: &(impl Tables<A> + ?Sized), options: AutoOptions) -> Result<Self, BuildError> {
        let mut directs = Self {
            seats: Vec::new(),
            classes: ClassMap::default(),
            tables: Vec::new(),
            layouts: Vec::new(),
            isa: options.tables.isa,
        };
        if A::FAMILY != Family::Ipv4 || options.choice == Choice::Compressed {
            return Ok(directs);
        }
        let forced = matches!(options.choice, Choice::Direct(_));
        let least = if forced { 1 } else { DIRECT_ROUTES };
        let routes = |table: &TableId| input.routes_hint(*table);
        let mut order: Vec<TableId> = (0..input.tables()).map(TableId::from_index).collect();
        order.retain(|table| routes(table) >= least);
        order.sort_by_key(|table| std::cmp::Reverse(routes(table)));
        let (mut left, mut in_vain) = (options.budget, 0);
        // A few at a time, in parallel: their routes are copied.
        let coded = order.chunks(READ).flat_map(|tables| {
            let read = |&table: &TableId| {
                let coded = if forced {
                    CodedTable::read(input, table).map(Some)
                } else {
                    CodedTable::read_varied(input, table, ROUTES_PER_CHANGE)
                };
                (table, coded)
            };
            tables.par_iter().with_max_len(1).map(read).collect::<Vec<_>>()
        });
        for (table, coded) in coded {
            let Some(coded) = coded? else { continue };
            let Some(layout) = options.choice.layout(&coded, left) else { continue };
            let built = match coded.build(layout, options.tables.huge_pages) {
                Ok(built) => built,
                Err(BuildError::TooBig { .. }) => continue,
                Err(error) => return Err(error),
            };
            if !forced {
                let bytes = built.bytes();
                if bytes > left || bytes > routes(&table).saturating_mul(FLAT_BYTES_PER_ROUTE) {
                    in_vain += 1;
                    if in_vain == MOST_IN_VAIN {
                        break;
                    }
                    continue;
                }
                left -= bytes;
            }
            if directs.seats.is_empty() {
                directs.seats.resize(input.tables(), COMPRESSED);
                directs.classes = ClassMap::new(input.tables(), REST);
            }
            directs.seats[table.index()] = directs.tables.len() as u32;
            directs.classes.set(table.index(), directs.tables.len().min(usize::from(MANY)) as u8);
            directs.tables.push(built);
            directs.layouts.push(layout);
        }
        Ok(directs)
    }

    #[inline]
    fn seat(&self, table: TableId) -> Option<usize> {
        self.seats.get(table.index()).filter(|&&seat| seat != COMPRESSED).map(|&seat| seat as usize)
    }

    #[inline]
    fn get(&self, table: TableId) -> Option<&Table> {
        self.seat(table).map(|seat| &self.tables[seat])
    }

    fn bytes(&self) -> usize {
        size_of_val(&self.seats[..])
            + self.classes.bytes()
            + size_of_val(&self.tables[..])
            + self.layouts.len()
            + self.tables.iter().map(Table::bytes).sum::<usize>()
    }

    fn advised(&self) -> Vec<Range<usize>> {
        self.tables.iter().flat_map(Table::advised).collect()
    }

    /// Looks a mixed batch up, its keys of compressed tables in `rest`.
    fn mixed<A: Address>(&self, rest: &impl Lookup<A>, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        assert_eq!(keys.len(), values.len(), "one value a key");
        assert_eq!(keys.len(), tables.len(), "one table a key");
        if self.tables.is_empty() {
            return rest.lookup_mixed(tables, keys, values);
        }
        self.classes.deal(self.isa, tables, keys, values, |class, tables, keys, values| match class {
            REST => rest.lookup_mixed(tables, keys, values),
            MANY => {
                for ((value, &key), &table) in values.iter_mut().zip(keys).zip(tables) {
                    *value = self.get(table).map_or(NO_ROUTE, |table| table.lookup(key));
                }
            }
            seat => self.tables[usize::from(seat)].batch(self.isa, keys, values),
        });
    }
}

impl Choice {
    /// Returns the layout that a table shall have, if it shall be direct, with `left` bytes of the budget.
    fn layout(self, table: &CodedTable, left: usize) -> Option<DirectLayout> {
        match self {
            Self::Compressed => None,
            Self::Direct(layout) => Some(layout),
            Self::Auto => {
                let flat = table.flat_bytes();
                if flat <= left && flat <= table.routes().saturating_mul(FLAT_BYTES_PER_ROUTE) {
                    return Some(DirectLayout::Flat);
                }
                let chunked = table.least_chunked_bytes();
                let fits = chunked <= left && chunked <= table.routes().saturating_mul(CHUNKED_BYTES_PER_ROUTE);
                fits.then_some(DirectLayout::Chunked)
            }
        }
    }
}

/// The tables that are not direct; the others are empty.
struct Others<'t, T: ?Sized> {
    input: &'t T,
    directs: &'t Directs,
}

impl<A: Address, T: Tables<A> + ?Sized> Tables<A> for Others<'_, T> {
    fn tables(&self) -> usize {
        self.input.tables()
    }

    fn routes_hint(&self, table: TableId) -> usize {
        if self.directs.seat(table).is_some() { 0 } else { self.input.routes_hint(table) }
    }

    fn routes(&self, table: TableId) -> impl Iterator<Item = (Prefix<A>, u32)> {
        let routes = self.directs.seat(table).is_none().then(|| self.input.routes(table));
        routes.into_iter().flatten()
    }

    fn batches(&self, table: TableId, take: impl FnMut(&[(Prefix<A>, u32)]) -> ControlFlow<()>) {
        if self.directs.seat(table).is_none() {
            self.input.batches(table, take);
        }
    }

    fn positions(&self, table: TableId) -> Option<usize> {
        if self.directs.seat(table).is_some() { None } else { self.input.positions(table) }
    }

    fn batches_at(
        &self,
        table: TableId,
        positions: Range<usize>,
        take: impl FnMut(&[(Prefix<A>, u32)]) -> ControlFlow<()>,
    ) {
        self.input.batches_at(table, positions, take);
    }
}

/// Tables each in the structure that suits it: direct ones beside the forest `F` of the others.
#[derive(Debug)]
pub struct Auto<F> {
    rest: F,
    directs: Directs,
}

/// An [`Auto`] that knows values; a table that is direct is not compressed.
pub type AutoForest<A> = Auto<Forest<A>>;

/// An [`Auto`] that also knows the lengths of matched prefixes: every table is compressed too, for lookups with a length.
pub type AutoMatchForest<A> = Auto<MatchForest<A>>;

impl<A: Address> Auto<Forest<A>> {
    /// Builds the forest from sorted routes, on the pool it is called in: direct tables one after the other, each in
    /// parallel inside, then all others as [`Forest::build`].
    ///
    /// # Errors
    /// As [`Forest::build`].
    pub fn build(input: &(impl Tables<A> + ?Sized), options: AutoOptions) -> Result<Self, BuildError> {
        let directs = Directs::choose(input, options)?;
        let rest = Forest::build(&Others { input, directs: &directs }, options.tables)?;
        Ok(Self { rest, directs })
    }
}

impl<A: Address> Auto<MatchForest<A>> {
    /// Builds the forest like [`AutoForest::build`], with lengths.
    ///
    /// # Errors
    /// As [`MatchForest::build`].
    pub fn build(input: &(impl Tables<A> + ?Sized), options: AutoOptions) -> Result<Self, BuildError> {
        let directs = Directs::choose(input, options)?;
        Ok(Self { rest: MatchForest::build(input, options.tables)?, directs })
    }
}

impl<F> Auto<F> {
    /// Returns the layout of `table` if it is direct, `None` if it is compressed.
    pub fn layout(&self, table: TableId) -> Option<DirectLayout> {
        self.directs.seat(table).map(|seat| self.directs.layouts[seat])
    }

    /// Returns the bytes of the direct tables.
    pub fn direct_bytes(&self) -> usize {
        self.directs.bytes()
    }
}

impl<F: HugePages> HugePages for Auto<F> {
    fn advised(&self) -> Vec<Range<usize>> {
        [self.directs.advised(), self.rest.advised()].concat()
    }
}

impl<A: Address, F: Lookup<A>> Lookup<A> for Auto<F> {
    fn tables(&self) -> usize {
        self.rest.tables()
    }

    fn bytes(&self) -> usize {
        self.rest.bytes() + self.directs.bytes()
    }

    #[inline]
    fn lookup(&self, table: TableId, key: A) -> Option<u32> {
        match self.directs.get(table) {
            Some(table) => Some(table.lookup(key)).filter(|&value| value != NO_ROUTE),
            None => self.rest.lookup(table, key),
        }
    }

    fn lookup_batch(&self, table: TableId, keys: &[A], values: &mut [u32]) {
        match self.directs.get(table) {
            Some(table) => table.batch(self.directs.isa, keys, values),
            None => self.rest.lookup_batch(table, keys, values),
        }
    }

    fn lookup_mixed(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        self.directs.mixed(&self.rest, tables, keys, values);
    }
}

impl<A: Address, F: LookupMatch<A>> LookupMatch<A> for Auto<F> {
    fn lookup_match(&self, table: TableId, key: A) -> Option<Match> {
        self.rest.lookup_match(table, key)
    }

    fn lookup_match_batch(&self, table: TableId, keys: &[A], lens: &mut [u8], values: &mut [u32]) {
        self.rest.lookup_match_batch(table, keys, lens, values);
    }

    fn lookup_match_mixed(&self, tables: &[TableId], keys: &[A], lens: &mut [u8], values: &mut [u32]) {
        self.rest.lookup_match_mixed(tables, keys, lens, values);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree_bitmap::TreeBitmap;
    use super::*;

    #[test]
    fn oracle_more_direct_tables_than_classes_beside_compressed_ones() {
        // One in five compressed, since nothing in it changes; all big enough to be direct.
        let table = |number: u32| -> Vec<(Prefix<u32>, u32)> {
            let value = |at: u32| if number.is_multiple_of(5) { 1 } else { (at ^ number) * 7 % 90 };
            let route = |at: u32| (Prefix::containing(0x0a00_0000 + (at << 8), 24), value(at));
            (0..DIRECT_ROUTES as u32).map(route).collect()
        };
        let tables: Vec<_> = (0..15).map(table).collect();
        let options = AutoOptions { budget: usize::MAX, ..AutoOptions::default() };
        let forest = AutoForest::build(&tables[..], options).expect("ordered routes");
        let direct = (0..15).filter(|&table| forest.layout(TableId(table)).is_some()).count();
        assert!((usize::from(REST) + 1..15).contains(&direct), "what this is about: {direct}");
        let keys: Vec<u32> =
            (0..9000_u32).map(|at| 0x0a00_0000 + at.wrapping_mul(2_654_435_761) % 0x0210_0000).collect();
        let ids: Vec<TableId> = (0..9000).map(|at| TableId(at * 7 % 16)).collect();
        let (mut found, mut expected) = (vec![1; keys.len()], vec![0; keys.len()]);
        TreeBitmap::build(&tables[..]).expect("ordered routes").lookup_mixed(&ids, &keys, &mut expected);
        for len in [9000, 100, 1] {
            forest.lookup_mixed(&ids[..len], &keys[..len], &mut found[..len]);
            assert_eq!(found[..len], expected[..len]);
        }
    }
}
