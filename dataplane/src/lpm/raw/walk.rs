//! The walk from a header to an answer, for one key and for a batch of one table.
//!
//! [`dense`], [`sparse`] and [`halved`](super::halved) are the walks of the kinds of tables, [`vectors`](super::vectors) is the
//! second one with AVX-512, and [`gathers`] and [`halved_gathers`] those with gathers. [`Isa`] stamps the same bodies with the
//! instructions that the processor has.
#![expect(clippy::inline_always, reason = "what stays outside a stamped function is compiled without its features")]

use vrfleak_engine::Address;

use super::super::forest::shape::Kind;
use super::super::table::TableId;
#[cfg(target_arch = "x86_64")]
use super::columns::prefetch_ahead;
use super::columns::{ANY_WIDTH, Columns, LANES};
#[cfg(target_arch = "x86_64")]
use super::gathers;
#[cfg(target_arch = "x86_64")]
use super::halved_gathers;
use super::isa::{Isa, Level};
#[cfg(target_arch = "x86_64")]
use super::paired_gathers;
use super::store::{Header, Store};
#[cfg(target_arch = "x86_64")]
use super::vectors::{self, Far};
use super::{dense, sparse};

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
        pub(super) unsafe fn $mixed<A: Address>(
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
pub(super) unsafe fn sparse_avx512<A: Address, const ONE: bool>(
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
pub(super) unsafe fn dense_gathers<A: Address, const ONE: bool>(
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

impl<A: Address> Store<A> {
    /// Returns what of the store is far away.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn far(&self) -> Far {
        Far::of(size_of_val(&*self.roots) + size_of_val(&*self.blocks), size_of_val(&self.values[..]))
    }

    /// Returns whether the index of a value is a positive number of 32 bits.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn has_few_values(&self) -> bool {
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
            (_, Kind::Halved | Kind::Short | Kind::Paired) => self.batch_gathered(isa, table, keys, values),
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

    /// Returns what vectors read of tables with halves or pairs, if they walk them; values are not chosen.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn gathered(&self, isa: Isa) -> Option<halved_gathers::Tables<'_>> {
        (isa.level() == Level::Gathers && self.has_few_values()).then(|| halved_gathers::Tables {
            columns: Columns::of(self),
            headers: &self.headers,
            briefs: &self.briefs,
            chosen: None,
        })
    }

    /// Looks all `keys` up in a `table` with halves or pairs.
    fn batch_gathered(&self, isa: Isa, table: TableId, keys: &[A], values: &mut [u32]) {
        let (columns, header) = (Columns::of(self), self.header(table));
        #[cfg(target_arch = "x86_64")]
        if let Some(from) = self.gathered(isa) {
            use super::chosen::Chosen;
            use halved_gathers::{Tables, halved, short};
            use paired_gathers::paired;

            // SAFETY: whoever holds the level has the features.
            let chosen = unsafe { Chosen::of(&self.values) };
            let from = Tables { chosen: chosen.as_ref().filter(|_| header.dictionary == 0), ..from };
            // The arm is the one of what the header says, which is this store's, and whoever holds the level has the features.
            return match (header.kind(), header.width, header.page_bits()) {
                // SAFETY: as above.
                (Kind::Short, ..) => unsafe { short::<A, true, false>(from, &[table], keys, values) },
                // SAFETY: as above.
                (Kind::Paired, 1, _) => unsafe { paired::<A, 1, true>(from, &[table], keys, values) },
                // SAFETY: as above.
                (Kind::Paired, ..) => unsafe { paired::<A, 2, true>(from, &[table], keys, values) },
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
}
