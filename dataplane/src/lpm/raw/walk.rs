//! The walk from a header to an answer, for one key and for a batch of one table.
//!
//! What scalar loads walk is [stamped](super::stamped) with the instructions that the processor has. In vectors go sparse tables with
//! AVX-512 ([`vectors`](super::vectors)), short and paired ones with AVX2 ([`short_avx2`], [`paired_avx2`]), and with gathers of AVX-512
//! all but sparse ones ([`gathers`], [`halved_gathers`], [`paired_gathers`]).

use vrfleak_engine::Address;

use super::super::forest::shape::Kind;
use super::super::table::TableId;
#[cfg(target_arch = "x86_64")]
use super::columns::prefetch_ahead;
use super::columns::{ANY_WIDTH, Columns};
#[cfg(target_arch = "x86_64")]
use super::gathers;
#[cfg(target_arch = "x86_64")]
use super::halved_gathers;
use super::isa::Level;
#[cfg(target_arch = "x86_64")]
use super::paired_avx2;
#[cfg(target_arch = "x86_64")]
use super::paired_gathers;
use super::reader::Reader;
#[cfg(target_arch = "x86_64")]
use super::short_avx2;
use super::sparse;
use super::stamped::{self, Dense, One, Paired, Short, Sparse};
use super::store::{Header, Store};
#[cfg(target_arch = "x86_64")]
use super::vectors::{self, Far};

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
        let (columns, header) = (Columns::of(self, &self.values), self.header(table));
        // SAFETY: the header is this store's.
        let code = unsafe { columns.find(header, key) };
        header.dictionary as usize + code as usize
    }
}

impl<A: Address> Reader<'_, A> {
    /// Returns the columns that walks load from.
    pub(super) fn columns(&self) -> Columns {
        Columns::of(self, self.answers)
    }

    /// Looks all `keys` up in `table`.
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    pub(in crate::lpm) fn batch(&self, table: TableId, keys: &[A], values: &mut [u32]) {
        assert_eq!(keys.len(), values.len(), "one value a key");
        let header = self.header(table);
        #[cfg(target_arch = "x86_64")]
        let columns = self.columns();
        #[cfg(target_arch = "x86_64")]
        match (self.isa.level(), header.kind()) {
            (Level::Gathers, Kind::Halved | Kind::Short | Kind::Paired) => {
                if let Some(from) = self.gathered() {
                    return self.batch_gathered(from, table, keys, values);
                }
            }
            (Level::Gathers, Kind::Dense) if header.is_gathered() && self.has_few_values() => {
                let walked = (columns, header.at(), header.width > 1, header.page_bits() > 0);
                // SAFETY: the header is this store's, and whoever holds the level has the features.
                return unsafe { dense_gathers::<A, true>(walked, &self.headers, &[table], keys, values) };
            }
            (Level::Avx512 | Level::Gathers, Kind::Sparse) => {
                let walked = (columns, header.width > 1, self.far());
                // SAFETY: as above.
                return unsafe { sparse_avx512::<A, true>(walked, &self.headers, &[table], keys, values) };
            }
            (Level::Avx2 | Level::Avx512, Kind::Paired) if self.has_few_values() => {
                // The arm is the one of what the header says, which is this store's.
                return match header.width {
                    // SAFETY: as above, and whoever holds the level has the features: AVX-512 comes with AVX2.
                    1 => unsafe { paired_avx2::paired::<A, 1>(columns, header, keys, values) },
                    // SAFETY: as above: no codes of pairs have more than two bytes.
                    _ => unsafe { paired_avx2::paired::<A, 2>(columns, header, keys, values) },
                };
            }
            (Level::Avx2 | Level::Avx512, Kind::Short) if self.has_few_values() => {
                let from = short_avx2::Tables { columns, headers: &self.headers, briefs: &self.briefs };
                // The arm is the one of what the header says, which is this store's.
                return match header.width {
                    // SAFETY: the table is short, and whoever holds the level has the features.
                    1 => unsafe { short_avx2::short::<A, 1, true>(from, &[table], keys, values) },
                    // SAFETY: as above: no entries of short tables have more than two bytes.
                    _ => unsafe { short_avx2::short::<A, 2, true>(from, &[table], keys, values) },
                };
            }
            _ => {}
        }
        self.batch_stamped(header, keys, values);
    }

    /// Looks all `keys` up in the table of `header`, which is this store's, by scalar loads.
    fn batch_stamped(&self, header: &Header, keys: &[A], values: &mut [u32]) {
        let (columns, keyed) = (self.columns(), One(header));
        // The arm is the one of what the header says, which is this store's.
        match (header.kind(), header.width, header.page_bits()) {
            // SAFETY: as above.
            (Kind::Dense, 1, 0) => unsafe {
                stamped::walk(self.isa, Dense::<_, 1, false> { columns, keyed }, keys, values);
            },
            // SAFETY: as above.
            (Kind::Dense, 1, _) => unsafe {
                stamped::walk(self.isa, Dense::<_, 1, true> { columns, keyed }, keys, values);
            },
            // SAFETY: as above.
            (Kind::Dense, 2, 0) => unsafe {
                stamped::walk(self.isa, Dense::<_, 2, false> { columns, keyed }, keys, values);
            },
            // SAFETY: as above.
            (Kind::Dense, 2, _) => unsafe {
                stamped::walk(self.isa, Dense::<_, 2, true> { columns, keyed }, keys, values);
            },
            // SAFETY: as above.
            (Kind::Dense, ..) => unsafe {
                stamped::walk(self.isa, Dense::<_, 4, true> { columns, keyed }, keys, values);
            },
            // SAFETY: as above.
            (Kind::Sparse, 1, _) => unsafe { stamped::walk(self.isa, Sparse::<_, 1> { columns, keyed }, keys, values) },
            // SAFETY: as above.
            (Kind::Sparse, ..) => unsafe {
                stamped::walk(self.isa, Sparse::<_, ANY_WIDTH> { columns, keyed }, keys, values);
            },
            // SAFETY: as above.
            (Kind::Paired, 1, _) => unsafe { stamped::walk(self.isa, Paired::<_, 1> { columns, keyed }, keys, values) },
            // SAFETY: as above.
            (Kind::Paired, ..) => unsafe {
                stamped::walk(self.isa, Paired::<_, ANY_WIDTH> { columns, keyed }, keys, values);
            },
            // SAFETY: as above.
            (Kind::Short, 1, _) => unsafe { stamped::walk(self.isa, Short::<_, 1> { columns, keyed }, keys, values) },
            // SAFETY: as above.
            (Kind::Short, ..) => unsafe { stamped::walk(self.isa, Short::<_, 2> { columns, keyed }, keys, values) },
            (Kind::Halved, ..) => {
                for (&key, value) in keys.iter().zip(values) {
                    // SAFETY: as above.
                    *value = unsafe { columns.value_in(header, key) };
                }
            }
        }
    }

    /// Returns what vectors read of tables with halves or pairs, if they walk them; values are not chosen.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn gathered(&self) -> Option<halved_gathers::Tables<'_>> {
        (self.isa.level() == Level::Gathers && self.has_few_values()).then(|| halved_gathers::Tables {
            columns: self.columns(),
            headers: &self.headers,
            briefs: &self.briefs,
            chosen: None,
        })
    }

    /// Looks all `keys` up in a `table` with halves or pairs, in vectors.
    #[cfg(target_arch = "x86_64")]
    fn batch_gathered(&self, from: halved_gathers::Tables<'_>, table: TableId, keys: &[A], values: &mut [u32]) {
        use super::chosen::Chosen;
        use halved_gathers::{Tables, halved, short};
        use paired_gathers::paired;

        let header = self.header(table);
        // SAFETY: whoever has those tables holds the level, which has the features.
        let chosen = unsafe { Chosen::of(self.answers) };
        let from = Tables { chosen: chosen.as_ref().filter(|_| header.dictionary == 0), ..from };
        // The arm is the one of what the header says, which is this store's, and whoever holds the level has the features.
        match (header.kind(), header.width, header.page_bits()) {
            // SAFETY: as above.
            (Kind::Short, 1, _) => unsafe { short::<A, 1, true, false>(from, &[table], keys, values) },
            // SAFETY: as above.
            (Kind::Short, ..) => unsafe { short::<A, 2, true, false>(from, &[table], keys, values) },
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
        }
    }
}
