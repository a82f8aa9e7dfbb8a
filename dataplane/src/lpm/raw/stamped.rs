//! Walks by scalar loads, group by group, compiled for each level of instructions.
#![expect(clippy::inline_always, reason = "what stays outside a stamped function is compiled without its features")]

use vrfleak_engine::Address;

use super::super::table::{NO_ROUTE, TableId};
use super::brief::Briefs;
use super::columns::{Columns, LANES, prefetch_ahead};
use super::halved::{Begin, Start};
use super::isa::{Isa, Level};
use super::store::Header;
use super::{dense, halved, paired, sparse};

/// A walk of a group of keys, whose body is compiled into each of its stamps.
pub(super) trait Walk<A: Address>: Copy {
    /// Returns the walk of what lies behind so many keys of the batch.
    fn behind(self, keys: usize) -> Self;

    /// Asks for what the groups further on need that are not keys and values.
    fn ask_ahead(self) {}

    /// Walks at most [`LANES`] keys, the next ones.
    ///
    /// # Safety
    /// The tables are such as the walk is for, and there is one a key unless it is the same for all.
    unsafe fn group(self, keys: &[A], values: &mut [u32]);
}

/// Walks all `keys`.
///
/// # Safety
/// As [`Walk::group`], for any number of keys.
#[inline(always)]
unsafe fn walk_all<A: Address, W: Walk<A>>(walk: W, keys: &[A], values: &mut [u32]) {
    let mut left = walk;
    let (groups, rest) = keys.as_chunks::<LANES>();
    let (value_groups, value_rest) = values.as_chunks_mut::<LANES>();
    for (keys, values) in groups.iter().zip(value_groups) {
        left.ask_ahead();
        prefetch_ahead(keys);
        prefetch_ahead(values);
        // SAFETY: the caller's promise.
        unsafe { left.group(keys, values) };
        left = left.behind(LANES);
    }
    // SAFETY: as above, and the rest is shorter than a group.
    unsafe { left.group(rest, value_rest) };
}

/// # Safety
/// As [`walk_all`].
unsafe fn portable<A: Address, W: Walk<A>>(walk: W, keys: &[A], values: &mut [u32]) {
    // SAFETY: the caller's promise.
    unsafe { walk_all(walk, keys, values) };
}

/// # Safety
/// As [`walk_all`].
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
unsafe fn avx2<A: Address, W: Walk<A>>(walk: W, keys: &[A], values: &mut [u32]) {
    // SAFETY: the caller's promise.
    unsafe { walk_all(walk, keys, values) };
}

/// Walks all `keys` with the instructions of a level.
///
/// # Safety
/// As [`Walk::group`], for any number of keys.
pub(super) unsafe fn walk<A: Address>(isa: Isa, walk: impl Walk<A>, keys: &[A], values: &mut [u32]) {
    match isa.level() {
        // SAFETY: the caller's promise.
        Level::Portable => unsafe { portable(walk, keys, values) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above, and whoever holds the level has the features: AVX-512 comes with AVX2.
        Level::Avx2 | Level::Avx512 | Level::Gathers => unsafe { avx2(walk, keys, values) },
    }
}

/// Which table each key of a batch is looked up in.
pub(super) trait Keyed<'s>: Copy {
    /// As [`Walk::behind`].
    fn behind(self, keys: usize) -> Self;

    /// As [`Walk::ask_ahead`].
    fn ask_ahead(self);

    /// Returns the headers of the tables of the next keys, at most [`LANES`], by their position.
    fn headers(self, keys: usize) -> impl Fn(usize) -> &'s Header;
}

/// All keys go through one table.
#[derive(Clone, Copy)]
pub(super) struct One<'s>(pub(super) &'s Header);

impl<'s> Keyed<'s> for One<'s> {
    #[inline(always)]
    fn behind(self, _: usize) -> Self {
        self
    }

    #[inline(always)]
    fn ask_ahead(self) {}

    #[inline(always)]
    fn headers(self, _: usize) -> impl Fn(usize) -> &'s Header {
        move |_| self.0
    }
}

/// Each key goes through the table at the same position; an id beyond the tables stands for the last header.
#[derive(Clone, Copy)]
pub(super) struct Each<'s> {
    pub(super) tables: &'s [TableId],
    pub(super) headers: &'s [Header],
}

impl Each<'_> {
    /// Returns the number of the table at position `lane`, as an index of its header.
    #[inline(always)]
    pub(super) fn index(self, lane: usize) -> usize {
        self.tables[lane].index().min(self.headers.len() - 1)
    }
}

impl<'s> Keyed<'s> for Each<'s> {
    #[inline(always)]
    fn behind(self, keys: usize) -> Self {
        Self { tables: &self.tables[keys..], ..self }
    }

    #[inline(always)]
    fn ask_ahead(self) {
        prefetch_ahead(&self.tables[..LANES]);
    }

    #[inline(always)]
    fn headers(self, keys: usize) -> impl Fn(usize) -> &'s Header {
        let last = self.headers.len() - 1;
        let mut headers = [&self.headers[last]; LANES];
        for (header, &table) in headers.iter_mut().zip(&self.tables[..keys]) {
            *header = &self.headers[table.index().min(last)];
        }
        move |lane| headers[lane % LANES]
    }
}

/// Implements [`Walk`] for a walk that has a `keyed`, by what its groups are.
macro_rules! walk_of {
    ($walk:ident $(<$($width:ident: $of:ty),*>)?, |$columns:ident, $headers:ident, $keys:ident, $values:ident| $group:expr) => {
        impl<'s, A: Address, K: Keyed<'s>, $($(const $width: $of),*)?> Walk<A> for $walk<K, $($($width),*)?> {
            #[inline(always)]
            fn behind(self, keys: usize) -> Self {
                Self { keyed: self.keyed.behind(keys), ..self }
            }

            #[inline(always)]
            fn ask_ahead(self) {
                self.keyed.ask_ahead();
            }

            #[inline(always)]
            unsafe fn group(self, $keys: &[A], $values: &mut [u32]) {
                let ($columns, $headers) = (self.columns, self.keyed.headers($keys.len()));
                // SAFETY: the caller's promise.
                unsafe { $group };
            }
        }
    };
}

/// The walk of dense tables whose codes have `WIDTH` bytes, if that is a width, without pages unless `PAGED`.
#[derive(Clone, Copy)]
pub(super) struct Dense<K, const WIDTH: usize, const PAGED: bool> {
    pub(super) columns: Columns,
    pub(super) keyed: K,
}

walk_of!(Dense<WIDTH: usize, PAGED: bool>, |columns, headers, keys, values| {
    dense::group::<A, WIDTH, PAGED>(columns, headers, keys, values);
});

/// The walk of sparse tables whose codes have `WIDTH` bytes, if that is a width.
#[derive(Clone, Copy)]
pub(super) struct Sparse<K, const WIDTH: usize> {
    pub(super) columns: Columns,
    pub(super) keyed: K,
}

walk_of!(Sparse<WIDTH: usize>, |columns, headers, keys, values| {
    sparse::group::<A, WIDTH>(columns, headers, keys, values);
});

/// The walk of tables of pairs whose codes have `WIDTH` bytes, if that is a width.
#[derive(Clone, Copy)]
pub(super) struct Paired<K, const WIDTH: usize> {
    pub(super) columns: Columns,
    pub(super) keyed: K,
}

walk_of!(Paired<WIDTH: usize>, |columns, headers, keys, values| {
    paired::group::<A, WIDTH>(columns, headers, keys, values);
});

/// The walk of short tables by their headers, whose entries have `WIDTH` bytes, if that is a width.
#[derive(Clone, Copy)]
pub(super) struct Short<K, const WIDTH: usize> {
    pub(super) columns: Columns,
    pub(super) keyed: K,
}

walk_of!(Short<WIDTH: usize>, |columns, headers, keys, values| {
    let start_of = |lane: usize| Start::by_header(headers(lane));
    halved::short_group::<A, WIDTH>(columns, start_of, |_| NO_ROUTE, keys, values);
});

/// The walk of tables of which nearly all are short by their [briefs](Briefs); the others are walked key by key, whatever they are.
/// Entries have `WIDTH` bytes.
#[derive(Clone, Copy)]
pub(super) struct Briefly<'s, const WIDTH: usize> {
    pub(super) columns: Columns,
    pub(super) each: Each<'s>,
    /// By table, the last header's included.
    pub(super) briefs: &'s Briefs,
}

impl<A: Address, const WIDTH: usize> Walk<A> for Briefly<'_, WIDTH> {
    #[inline(always)]
    fn behind(self, keys: usize) -> Self {
        Self { each: self.each.behind(keys), ..self }
    }

    #[inline(always)]
    fn ask_ahead(self) {
        self.each.ask_ahead();
    }

    #[inline(always)]
    unsafe fn group(self, keys: &[A], values: &mut [u32]) {
        let Self { columns, each, briefs } = self;
        let start_of = |lane: usize| {
            let index = each.index(lane);
            let begin = Begin::by_brief(briefs.list()[index]);
            Start { begin, dictionary: briefs.dictionary(index), width: WIDTH }
        };
        // SAFETY: the header is one of the store's whose columns these are.
        let alone = |lane: usize| unsafe { columns.value_in(&each.headers[each.index(lane)], keys[lane]) };
        // SAFETY: the caller's promise.
        unsafe { halved::short_group::<A, WIDTH>(columns, start_of, alone, keys, values) };
    }
}
