//! The walk from a header to an answer, for one key, for a batch of one table and for a batch of any mix.
//!
//! [`dense`] and [`sparse`] are the walks of the two kinds of tables, [`vectors`](super::vectors) is the second one with
//! AVX-512. [`Isa`] stamps the same bodies with the instructions that the processor has.
#![expect(clippy::inline_always, reason = "what stays outside a stamped function is compiled without its features")]

use vrfleak_engine::Address;

use super::super::forest::shape::Kind;
use super::super::table::TableId;
#[cfg(target_arch = "x86_64")]
use super::gathers;
#[cfg(target_arch = "x86_64")]
use super::halved_gathers;
use super::isa::{Isa, Level};
#[cfg(target_arch = "x86_64")]
use super::store::GATHERED_BITS;
use super::store::{Census, Header, Store};
#[cfg(target_arch = "x86_64")]
use super::vectors::{self, Far};
use super::{dense, sparse};

/// Keys walked together.
pub(super) const LANES: usize = 64;

/// As the width of a walk's codes: whatever the key's header says.
pub(super) const ANY_WIDTH: usize = 0;

/// Asks for the line at `at` ahead of its use.
#[inline(always)]
pub(super) fn prefetch(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing that a program could see and faults on no address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Asks for what lies behind `group`, a group of a batch's keys, tables or values: as much again, and the second time
/// that. Nothing happens that a program could see, whatever is there. Processors do it by themselves but stop at the end
/// of each small page: without this full IPv6 tables lose a third where the keys come from memory.
#[inline(always)]
pub(super) fn prefetch_ahead<T>(group: &[T]) {
    const LINE: usize = 64;
    let (start, bytes) = (group.as_ptr().cast::<u8>(), size_of_val(group));
    for line in (2 * bytes..3 * bytes).step_by(LINE) {
        prefetch(start.wrapping_add(line));
    }
}

/// Where a store's columns begin. Valid while the store is borrowed.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    pub(super) roots: *const u32,
    pub(super) blocks: *const u8,
    values: *const u32,
}

impl Columns {
    fn of<A>(store: &Store<A>) -> Self {
        Self { roots: store.roots.as_ptr(), blocks: store.blocks.as_ptr(), values: store.values.as_ptr() }
    }

    /// Returns the index of the root entry for a key with the first bits `top`.
    #[inline(always)]
    pub(super) fn root(header: &Header, top: u64) -> usize {
        let slot = (top >> (header.shift & 63)).wrapping_sub(header.first).min(u64::from(header.len));
        header.root as usize + slot as usize
    }

    /// Asks for the line at the offset `line`.
    #[inline(always)]
    pub(super) fn prefetch_line(self, line: u32) {
        prefetch(self.blocks.wrapping_add(line as usize));
    }

    /// Returns the value of `code`, or any of the store's values for a code that is a child.
    ///
    /// # Safety
    /// `code` is in a node of the table of `header`.
    #[inline(always)]
    pub(super) unsafe fn value(self, header: &Header, code: u32) -> u32 {
        // SAFETY: the caller's promise.
        unsafe { self.value_of(header.dictionary, code) }
    }

    /// Returns the value of `code` in the dictionary that begins at `dictionary`.
    ///
    /// # Safety
    /// As [`Self::value`], of a table with that dictionary.
    #[inline(always)]
    pub(super) unsafe fn value_of(self, dictionary: u32, code: u32) -> u32 {
        // SAFETY: every code of a table, and every number of a child, has a value from the table's dictionary on.
        unsafe { self.value_at(dictionary + code) }
    }

    /// Returns the value at `index`.
    ///
    /// # Safety
    /// `index` is where a dictionary of the store begins, and a code of a table with it or the number of a child.
    #[inline(always)]
    pub(super) unsafe fn value_at(self, index: u32) -> u32 {
        // SAFETY: the caller's promise.
        let value = unsafe { self.values.add(index as usize) };
        // SAFETY: as above.
        unsafe { *value }
    }

    /// Returns the code of `key` in a table of any kind.
    ///
    /// # Safety
    /// `header` is one of the store's.
    #[inline]
    unsafe fn find<A: Address>(self, header: &Header, key: A) -> u32 {
        match header.kind() {
            // SAFETY: the caller's promise, and the kind is the header's.
            Kind::Dense => unsafe { self.find_dense(header, key) },
            // SAFETY: as above.
            Kind::Sparse => unsafe { self.find_sparse(header, key) },
            // SAFETY: as above.
            Kind::Halved => unsafe { self.find_halved(header, key) },
            // SAFETY: as above.
            Kind::Short => unsafe { self.find_short(header, key) },
        }
    }

    /// Returns the value of `key` in a table of any kind.
    ///
    /// # Safety
    /// `header` is one of the store's.
    #[inline]
    pub(super) unsafe fn value_in<A: Address>(self, header: &Header, key: A) -> u32 {
        // SAFETY: the caller's promise.
        let code = unsafe { self.find(header, key) };
        // SAFETY: the code is the table's.
        unsafe { self.value(header, code) }
    }

    /// Returns where the values begin.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn values(self) -> *const u32 {
        self.values
    }

    /// Asks for the value at `index`.
    #[inline(always)]
    pub(super) fn prefetch_value(self, index: u32) {
        prefetch(self.values.wrapping_add(index as usize).cast());
    }
}

/// Returns the code at `code`.
///
/// # Safety
/// A code of `width` bytes is there, which is `WIDTH` if that is a width, and the store's slack behind it.
#[inline(always)]
pub(super) unsafe fn load_code<const WIDTH: usize>(code: *const u8, width: usize) -> u32 {
    if WIDTH == 1 {
        // SAFETY: the code is there.
        return u32::from(unsafe { *code });
    }
    // SAFETY: there are bytes behind the last node, so that four may be loaded at every code.
    let wide = u32::from_le(unsafe { code.cast::<u32>().read_unaligned() });
    wide & (u32::MAX >> ((32 - 8 * width as u32) & 31))
}

/// Returns the code of a line that ends at `end`, where the one after the last ends at the line's end: from four bytes of
/// that line alone, since half of those that begin with the code are in the next line, which nobody has asked for.
///
/// # Safety
/// A code of `width` bytes ends at `end`, which is `WIDTH` if that is a width, and there are four bytes up to there.
#[inline(always)]
pub(super) unsafe fn load_code_before<const WIDTH: usize>(end: *const u8, width: usize) -> u32 {
    if WIDTH == 1 {
        // SAFETY: the code is there.
        let code = unsafe { end.sub(1) };
        // SAFETY: as above.
        return u32::from(unsafe { *code });
    }
    // SAFETY: the caller's promise.
    let wide = unsafe { end.sub(4) };
    // SAFETY: as above.
    let wide = u32::from_le(unsafe { wide.cast::<u32>().read_unaligned() });
    wide >> ((32 - 8 * width as u32) & 31)
}

/// Lanes of a group, appended without a branch.
#[derive(Clone, Copy)]
pub(super) struct Lanes {
    of: [u8; LANES],
    pub(super) count: usize,
}

impl Lanes {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self { of: [0; LANES], count: 0 }
    }

    /// Appends `lane` if `take`; there are at most [`LANES`].
    #[inline(always)]
    pub(super) fn push(&mut self, lane: usize, take: bool) {
        self.of[self.count % LANES] = lane as u8;
        self.count += usize::from(take);
    }

    /// Returns the lane at `index`.
    #[inline(always)]
    pub(super) fn get(&self, index: usize) -> usize {
        usize::from(self.of[index % LANES]) % LANES
    }
}

/// Walks all `keys` through the dense table of `header`, group by group.
///
/// # Safety
/// As [`dense::group`], for any number of keys.
#[inline(always)]
unsafe fn dense_batch<A: Address, const WIDTH: usize, const PAGED: bool>(
    columns: Columns,
    header: &Header,
    keys: &[A],
    values: &mut [u32],
) {
    let (groups, rest) = keys.as_chunks::<LANES>();
    let (value_groups, value_rest) = values.as_chunks_mut::<LANES>();
    for (keys, values) in groups.iter().zip(value_groups) {
        // SAFETY: the caller's promise.
        unsafe { dense::group::<A, WIDTH, PAGED>(columns, |_| header, keys, values) };
    }
    // SAFETY: as above, and the rest is shorter than a group.
    unsafe { dense::group::<A, WIDTH, PAGED>(columns, |_| header, rest, value_rest) };
}

/// Walks all `keys` through the sparse table of `header`, group by group.
///
/// # Safety
/// `header` is one of a sparse table of the store whose columns these are.
unsafe fn sparse_batch<A: Address>(columns: Columns, header: &Header, keys: &[A], values: &mut [u32]) {
    for (keys, values) in keys.chunks(LANES).zip(values.chunks_mut(LANES)) {
        if header.width == 1 {
            // SAFETY: the caller's promise, and no chunk is longer than a group.
            unsafe { sparse::group::<A, 1>(columns, |_| header, keys, values) };
        } else {
            // SAFETY: as above.
            unsafe { sparse::group::<A, ANY_WIDTH>(columns, |_| header, keys, values) };
        }
    }
}

/// Stamps the walks of dense tables with the features of a level.
macro_rules! stamp_dense {
    ($batch:ident, $mixed:ident $(, $feature:literal)?) => {
        /// # Safety
        /// `header` is one of a dense table of the store whose columns these are.
        $(#[target_feature(enable = $feature)])?
        unsafe fn $batch<A: Address>(columns: Columns, header: &Header, keys: &[A], values: &mut [u32]) {
            // SAFETY: the caller's promise, and the arm is the one of what the header says.
            match (header.width, header.page_bits()) {
                // SAFETY: as above.
                (1, 0) => unsafe { dense_batch::<A, 1, false>(columns, header, keys, values) },
                // SAFETY: as above.
                (1, _) => unsafe { dense_batch::<A, 1, true>(columns, header, keys, values) },
                // SAFETY: as above.
                (2, 0) => unsafe { dense_batch::<A, 2, false>(columns, header, keys, values) },
                // SAFETY: as above.
                (2, _) => unsafe { dense_batch::<A, 2, true>(columns, header, keys, values) },
                // SAFETY: as above.
                _ => unsafe { dense_batch::<A, 4, true>(columns, header, keys, values) },
            }
        }

        /// # Safety
        /// The headers are of dense tables of the store whose columns these are, one a key, at most [`LANES`]; `paged`
        /// tells whether any has pages.
        $(#[target_feature(enable = $feature)])?
        unsafe fn $mixed<A: Address>(
            columns: Columns,
            paged: bool,
            headers: &[&Header],
            keys: &[A],
            values: &mut [u32],
        ) {
            if paged {
                // SAFETY: the caller's promise.
                unsafe { dense::group::<A, ANY_WIDTH, true>(columns, |lane| headers[lane], keys, values) };
            } else {
                // SAFETY: as above: no dense table has pages.
                unsafe { dense::group::<A, ANY_WIDTH, false>(columns, |lane| headers[lane], keys, values) };
            }
        }
    };
}

stamp_dense!(dense_batch_portable, dense_portable);
#[cfg(target_arch = "x86_64")]
stamp_dense!(dense_batch_avx2, dense_avx2, "avx2,bmi1,bmi2,popcnt");

/// Walks all `keys` through sparse tables with vectors, but those that fill no vector: each through the table at the same
/// position, or all through the first if `ONE`. An id beyond the tables stands for the last header.
///
/// # Safety
/// The headers are of sparse tables of the store whose columns these are; `wide` tells whether codes may have more than a
/// byte. There is a value a key, and a table a key unless `ONE`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi1,bmi2,popcnt")]
unsafe fn sparse_avx512<A: Address, const ONE: bool>(
    (columns, wide, far): (Columns, bool, Far),
    headers: &[Header],
    tables: &[TableId],
    keys: &[A],
    values: &mut [u32],
) {
    use vectors::{KEYS, VECTOR, vectors};

    let tables_from = |from: usize| if ONE { tables } else { &tables[from..] };
    let (groups, rest) = keys.as_chunks::<KEYS>();
    let (value_groups, value_rest) = values.as_chunks_mut::<KEYS>();
    for (index, (keys, values)) in groups.iter().zip(value_groups).enumerate() {
        let tables = tables_from(index * KEYS);
        if !ONE {
            prefetch_ahead(&tables[..KEYS]);
        }
        prefetch_ahead(keys);
        prefetch_ahead(values);
        if wide {
            // SAFETY: the caller's promise.
            unsafe { vectors::<A, 8, ANY_WIDTH, ONE>((columns, far), headers, tables, keys, values) };
        } else {
            // SAFETY: as above.
            unsafe { vectors::<A, 8, 1, ONE>((columns, far), headers, tables, keys, values) };
        }
    }
    let from = groups.len() * KEYS;
    let (single, rest) = rest.as_chunks::<VECTOR>();
    let (value_single, value_rest) = value_rest.as_chunks_mut::<VECTOR>();
    for (index, (keys, values)) in single.iter().zip(value_single).enumerate() {
        let tables = tables_from(from + index * VECTOR);
        // SAFETY: the caller's promise.
        unsafe { vectors::<A, 1, ANY_WIDTH, ONE>((columns, far), headers, tables, keys, values) };
    }
    let tables = tables_from(from + single.len() * VECTOR);
    let header_of = |lane: usize| {
        let table = tables[if ONE { 0 } else { lane }];
        &headers[table.index().min(headers.len() - 1)]
    };
    // SAFETY: as above, and the rest is shorter than a group.
    unsafe { sparse::group::<A, ANY_WIDTH>(columns, header_of, rest, value_rest) };
}

/// Walks all `keys` through dense tables by gathers: each through the table at the same position, or all through the first if
/// `ONE`.
///
/// # Safety
/// As [`gathers::batch`]; `wide` and `paged` tell whether codes may have more than a byte, and whether any table has pages.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
unsafe fn dense_gathers<A: Address, const ONE: bool>(
    (columns, at, wide, paged): (Columns, u32, bool, bool),
    headers: &[Header],
    tables: &[TableId],
    keys: &[A],
    values: &mut [u32],
) {
    let from = (columns, at);
    match (wide, paged) {
        // SAFETY: the caller's promise.
        (false, false) => unsafe { gathers::batch::<A, 1, false, ONE>(from, headers, tables, keys, values) },
        // SAFETY: as above.
        (false, true) => unsafe { gathers::batch::<A, 1, true, ONE>(from, headers, tables, keys, values) },
        // SAFETY: as above.
        (true, _) => unsafe { gathers::batch::<A, ANY_WIDTH, true, ONE>(from, headers, tables, keys, values) },
    }
}

/// Keys of a mixed batch whose headers are found together.
const MIXED: usize = 256;

impl<A: Address> Store<A> {
    /// Returns what of the store is far away.
    #[cfg(target_arch = "x86_64")]
    fn far(&self) -> Far {
        Far::of(size_of_val(&*self.roots) + size_of_val(&*self.blocks), size_of_val(&self.values[..]))
    }

    /// Returns whether the index of a value is a positive number of 32 bits.
    #[cfg(target_arch = "x86_64")]
    fn has_few_values(&self) -> bool {
        self.values.len() <= 1 << 31
    }

    /// Returns the index among the values of the answer that `table` has for `key`.
    pub(in crate::lpm) fn find(&self, table: TableId, key: A) -> usize {
        let (columns, header) = (Columns::of(self), self.header(table));
        // SAFETY: the header is this store's.
        let code = unsafe { columns.find(header, key) };
        header.dictionary as usize + code as usize
    }

    /// Looks all `keys` up in `table`.
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    pub(in crate::lpm) fn batch(&self, isa: Isa, table: TableId, keys: &[A], values: &mut [u32]) {
        assert_eq!(keys.len(), values.len(), "one value a key");
        let (columns, header) = (Columns::of(self), self.header(table));
        match (isa.level(), header.kind()) {
            (_, Kind::Halved | Kind::Short) => self.batch_halved(isa, table, keys, values),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the header is this store's, and whoever holds the level has the features.
            (Level::Gathers, Kind::Dense) if header.is_gathered() && self.has_few_values() => unsafe {
                let walked = (columns, header.at(), header.width > 1, header.page_bits() > 0);
                dense_gathers::<A, true>(walked, &self.headers, &[table], keys, values);
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the header is this store's, and whoever holds the level has the features.
            (Level::Avx512 | Level::Gathers, Kind::Sparse) => unsafe {
                sparse_avx512::<A, true>(
                    (columns, header.width > 1, self.far()),
                    &self.headers,
                    &[table],
                    keys,
                    values,
                );
            },
            // SAFETY: the header is this store's.
            (_, Kind::Sparse) => unsafe { sparse_batch(columns, header, keys, values) },
            // SAFETY: the header is this store's.
            (Level::Portable, Kind::Dense) => unsafe { dense_batch_portable(columns, header, keys, values) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above, and whoever holds the level has the features: AVX-512 comes with AVX2.
            (Level::Avx2 | Level::Avx512 | Level::Gathers, Kind::Dense) => unsafe {
                dense_batch_avx2(columns, header, keys, values);
            },
        }
    }

    /// Looks each key up in the table at the same position.
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    pub(in crate::lpm) fn mixed(&self, isa: Isa, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        assert_eq!(keys.len(), values.len(), "one value a key");
        assert_eq!(keys.len(), tables.len(), "one table a key");
        let Census { dense, sparse, halved, short, .. } = self.census;
        if dense.is_none() && halved.is_none() && short.is_none() {
            return self.mixed_sparse(isa, tables, keys, values);
        }
        // All looked at, since a loop that may end early takes one at a time.
        let most = || tables.iter().fold(0, |most, table| table.0.max(most));
        let alone = sparse.is_none() && halved.is_none() && short.is_none();
        if alone && (most() as usize) < self.tables() {
            return self.mixed_dense(isa, tables, keys, values);
        }
        if self.knows_briefly(isa, tables) {
            return self.mixed_brief(isa, tables, keys, values);
        }
        let groups = tables.chunks(MIXED).zip(keys.chunks(MIXED)).zip(values.chunks_mut(MIXED));
        for ((tables, keys), values) in groups {
            // Each kind by its walk.
            let (mut found, mut sorted) = ([TableId(0); MIXED], [A::ZERO; MIXED]);
            let (mut places, mut answers) = ([0_u8; MIXED], [0; MIXED]);
            let (mut orders, mut ends) = ([0_u8; MIXED], [0_usize; 4]);
            for (order, &table) in orders.iter_mut().zip(tables) {
                *order = match self.header(table).kind() {
                    Kind::Sparse => 0,
                    Kind::Short => 1,
                    Kind::Halved => 2,
                    Kind::Dense => 3,
                };
                ends[usize::from(*order)] += 1;
            }
            let walks = [Self::mixed_sparse, Self::mixed_short, Self::mixed_halved, Self::mixed_dense];
            if let Some(only) = ends.iter().position(|&count| count == tables.len()) {
                walks[only](self, isa, tables, keys, values);
                continue;
            }
            (1..ends.len()).for_each(|order| ends[order] += ends[order - 1]);
            let mut next = [0, ends[0], ends[1], ends[2]];
            for (place, (&order, (&table, &key))) in orders.iter().zip(tables.iter().zip(keys)).enumerate() {
                let to = &mut next[usize::from(order)];
                (found[*to], sorted[*to], places[*to]) = (table, key, place as u8);
                *to += 1;
            }
            let mut from = 0;
            for (walk, end) in walks.into_iter().zip(ends) {
                walk(self, isa, &found[from..end], &sorted[from..end], &mut answers[from..end]);
                from = end;
            }
            for (&place, &answer) in places[..keys.len()].iter().zip(&answers) {
                values[usize::from(place)] = answer;
            }
        }
    }

    /// Returns whether briefs tell nearly all of a mixed batch, judged by some of its tables.
    fn knows_briefly(&self, isa: Isa, tables: &[TableId]) -> bool {
        /// So many tables are looked at, more or less.
        const SAMPLED: usize = 64;
        /// Of so many one may have no brief: its keys are walked one by one.
        const UNKNOWN: usize = 24;
        if self.briefs.is_empty() || !isa.has_gathers() || !self.has_few_values() {
            return false;
        }
        let sample = tables.iter().step_by((tables.len() / SAMPLED).max(1));
        let count = sample.len();
        let unknown = sample.filter(|table| !self.briefs[table.index().min(self.tables())].tells()).count();
        unknown * UNKNOWN <= count
    }

    /// Returns what vectors read of halved and short tables, if they walk them; values are not chosen.
    #[cfg(target_arch = "x86_64")]
    fn gathered(&self, isa: Isa) -> Option<halved_gathers::Tables<'_>> {
        (isa.level() == Level::Gathers && self.has_few_values()).then(|| halved_gathers::Tables {
            columns: Columns::of(self),
            headers: &self.headers,
            briefs: &self.briefs,
            chosen: None,
        })
    }

    /// Looks all `keys` up in the halved or short `table`.
    fn batch_halved(&self, isa: Isa, table: TableId, keys: &[A], values: &mut [u32]) {
        let (columns, header) = (Columns::of(self), self.header(table));
        #[cfg(target_arch = "x86_64")]
        if let Some(from) = self.gathered(isa) {
            use halved_gathers::{Chosen, Tables, halved, short};

            // SAFETY: whoever holds the level has the features.
            let chosen = unsafe { Chosen::of(&self.values) };
            let from = Tables { chosen: chosen.as_ref().filter(|_| header.dictionary == 0), ..from };
            // The arm is the one of what the header says, which is this store's, and whoever holds the level has the features.
            return match (header.kind(), header.width, header.page_bits()) {
                // SAFETY: as above.
                (Kind::Short, ..) => unsafe { short::<A, true, false>(from, &[table], keys, values) },
                // SAFETY: as above.
                (_, 1, 0) => unsafe { halved::<A, 1, false, true>(from, &[table], keys, values) },
                // SAFETY: as above.
                (_, 1, _) => unsafe { halved::<A, 1, true, true>(from, &[table], keys, values) },
                // SAFETY: as above.
                _ => unsafe { halved::<A, 2, true, true>(from, &[table], keys, values) },
            };
        }
        for (&key, value) in keys.iter().zip(values) {
            // SAFETY: the header is this store's.
            *value = unsafe { columns.value_in(header, key) };
        }
    }

    /// Looks each key up in the table at the same position, most of which are short and have the first dictionary.
    fn mixed_brief(&self, isa: Isa, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(from) = self.gathered(isa) {
            use halved_gathers::{Chosen, Tables, short};

            // SAFETY: whoever holds the level has the features.
            let chosen = unsafe { Chosen::of(&self.values) };
            let from = Tables { chosen: chosen.as_ref(), ..from };
            // SAFETY: the briefs are this store's, and whoever holds the level has the features.
            return unsafe { short::<A, false, true>(from, tables, keys, values) };
        }
        self.mixed_alone(tables, keys, values);
    }

    /// Looks each key up in the short table at the same position.
    fn mixed_short(&self, isa: Isa, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(from) = self.gathered(isa) {
            // SAFETY: the tables are this store's and short, and whoever holds the level has the features.
            return unsafe { halved_gathers::short::<A, false, false>(from, tables, keys, values) };
        }
        self.mixed_alone(tables, keys, values);
    }

    /// Looks each key up in the halved table at the same position.
    fn mixed_halved(&self, isa: Isa, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(from) = self.gathered(isa) {
            // SAFETY: the tables are this store's and halved, and whoever holds the level has the features.
            return unsafe { halved_gathers::halved::<A, ANY_WIDTH, true, false>(from, tables, keys, values) };
        }
        self.mixed_alone(tables, keys, values);
    }

    /// Looks each key up in the table at the same position, one after the other.
    fn mixed_alone(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        let columns = Columns::of(self);
        for ((&table, &key), value) in tables.iter().zip(keys).zip(values) {
            // SAFETY: the header is this store's.
            *value = unsafe { columns.value_in(self.header(table), key) };
        }
    }

    /// Looks each key up in the sparse table at the same position.
    fn mixed_sparse(&self, isa: Isa, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        let (columns, wide) = (Columns::of(self), self.census.sparse.unwrap_or(false));
        #[cfg(target_arch = "x86_64")]
        if matches!(isa.level(), Level::Avx512 | Level::Gathers) {
            // SAFETY: the headers are this store's and of sparse tables, and whoever holds the level has the features.
            return unsafe {
                sparse_avx512::<A, false>((columns, wide, self.far()), &self.headers, tables, keys, values);
            };
        }
        let groups = tables.chunks(LANES).zip(keys.chunks(LANES)).zip(values.chunks_mut(LANES));
        for ((tables, keys), values) in groups {
            let header_of = |lane: usize| self.header(tables[lane]);
            if wide {
                // SAFETY: the headers are this store's and of sparse tables, and no chunk is longer than a group.
                unsafe { sparse::group::<A, ANY_WIDTH>(columns, header_of, keys, values) };
            } else {
                // SAFETY: as above: every sparse table has codes of one byte.
                unsafe { sparse::group::<A, 1>(columns, header_of, keys, values) };
            }
        }
    }

    /// Looks each key up in the sparse table at the same position, or all in the one of `tables`, as if as much of
    /// the store were far away as `far` says; `None` without AVX-512.
    #[cfg(all(test, target_arch = "x86_64"))]
    pub(in crate::lpm) fn sparse_as_far(
        &self,
        far: Far,
        tables: &[TableId],
        keys: &[A],
        values: &mut [u32],
    ) -> Option<()> {
        Isa::avx512()?;
        let others = [self.census.dense, self.census.halved, self.census.short];
        assert!(
            others.iter().all(Option::is_none) && (tables.len() == keys.len() || tables.len() == 1),
            "sparse tables"
        );
        let walked = (Columns::of(self), self.census.sparse.unwrap_or(false), far);
        if tables.len() == 1 {
            // SAFETY: the headers are this store's, all tables are sparse, and the processor has AVX-512.
            unsafe { sparse_avx512::<A, true>(walked, &self.headers, tables, keys, values) };
        } else {
            // SAFETY: as above.
            unsafe { sparse_avx512::<A, false>(walked, &self.headers, tables, keys, values) };
        }
        Some(())
    }

    /// Looks each key up in the dense table at the same position.
    fn mixed_dense(&self, isa: Isa, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        let (columns, paged) = (Columns::of(self), self.census.dense.unwrap_or(false));
        #[cfg(target_arch = "x86_64")]
        if isa.level() == Level::Gathers && !self.census.ungathered && self.has_few_values() {
            let walked = (columns, GATHERED_BITS, self.census.wide, paged);
            // SAFETY: the tables are this store's and dense, vectors can walk all dense ones, and whoever holds the level has
            // the features.
            return unsafe { dense_gathers::<A, false>(walked, &self.headers, tables, keys, values) };
        }
        let groups = tables.chunks(LANES).zip(keys.chunks(LANES)).zip(values.chunks_mut(LANES));
        for ((tables, keys), values) in groups {
            let headers: [&Header; LANES] = std::array::from_fn(|lane| self.header(tables[lane % tables.len()]));
            let headers = &headers[..keys.len()];
            match isa.level() {
                // SAFETY: the headers are this store's and of dense tables.
                Level::Portable => unsafe { dense_portable(columns, paged, headers, keys, values) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above, and whoever holds the level has the features.
                Level::Avx2 | Level::Avx512 | Level::Gathers => unsafe {
                    dense_avx2(columns, paged, headers, keys, values);
                },
            }
        }
    }
}
