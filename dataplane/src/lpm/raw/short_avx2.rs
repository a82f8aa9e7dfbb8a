//! The walk of short tables with AVX2: eight keys a vector, every load a gather, as deep as the first nodes. Keys that go on at a child
//! are walked by scalar loads when all others are done.
//!
//! It is the walk with [AVX-512](super::halved_gathers) in vectors of half the size, by [briefs](Briefs) or through one table.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_and_si256, _mm256_andnot_si256, _mm256_cmpgt_epi32, _mm256_i32gather_epi32,
    _mm256_i32gather_epi64, _mm256_loadu_si256, _mm256_mask_i32gather_epi32, _mm256_min_epu32, _mm256_or_si256,
    _mm256_setzero_si256, _mm256_slli_epi32, _mm256_sllv_epi32, _mm256_srai_epi32, _mm256_srli_epi32,
    _mm256_srlv_epi32, _mm256_storeu_si256, _mm256_sub_epi32, _mm256_xor_si256,
};

use vrfleak_engine::Address;

use super::super::forest::block::FIRST_VALUE;
use super::super::forest::halves::{BITMAPS, WIDE_ANSWER};
use super::super::forest::shape::{BEGIN, BRIEF_SLOTS};
use super::super::table::TableId;
use super::brief::Briefs;
use super::columns::{Columns, LANES, prefetch_ahead};
use super::halved::Begin;
use super::halved_gathers::in_order;
use super::octets::{HIGH, LOW, VECTOR, apart, bit_counts, halves, number, select, signs, tops};
use super::stamped::{Briefly, Each, One, Short, Walk};
use super::store::Header;

/// Vectors that are walked together.
const VECTORS: usize = 4;
/// Keys that are walked together.
pub(super) const GROUP: usize = VECTORS * VECTOR;

/// Where eight keys begin, each in a table.
#[derive(Clone, Copy)]
pub(super) struct Begins {
    base: __m256i,
    shift: __m256i,
    start: __m256i,
    len: __m256i,
    dictionary: __m256i,
}

impl Begins {
    /// Returns what briefs tell of eight tables; an id beyond the tables stands for the last.
    ///
    /// # Safety
    /// There is a brief.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn briefly(from: &Briefs, tables: &[TableId; VECTOR]) -> Self {
        let (briefs, dictionaries) = (from.list(), from.dictionaries());
        // SAFETY: a table id is a number of 32 bits.
        let ids = unsafe { _mm256_loadu_si256(tables.as_ptr().cast()) };
        let ids = _mm256_min_epu32(ids, number(briefs.len() as u32 - 1));
        // SAFETY: each table has a brief, of eight bytes, and those beyond have the last.
        let told = apart(ids).map(|ids| unsafe { _mm256_i32gather_epi64::<8>(briefs.as_ptr().cast(), ids) });
        let (begin_shift, len_first) = (halves::<LOW>(told), halves::<HIGH>(told));
        let (below, slots) = (number(BEGIN as u32 - 1), number(BRIEF_SLOTS));
        let dictionary = if dictionaries.is_empty() {
            _mm256_setzero_si256()
        } else {
            // SAFETY: if any has one of these, each table has.
            unsafe { _mm256_i32gather_epi32::<4>(dictionaries.as_ptr().cast(), ids) }
        };
        Self {
            dictionary,
            base: _mm256_andnot_si256(below, begin_shift),
            shift: _mm256_and_si256(below, begin_shift),
            start: _mm256_andnot_si256(slots, len_first),
            len: _mm256_and_si256(slots, len_first),
        }
    }

    /// Returns where eight keys begin in one table.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn of_one(header: &Header) -> Self {
        let Begin { base, shift, start, len } = Begin::by_header(header);
        let dictionary = number(header.dictionary);
        Self { base: number(base), shift: number(shift), start: number(start), len: number(len), dictionary }
    }
}

/// What eight keys have come to.
#[derive(Clone, Copy)]
struct Begun {
    /// The entries of the root, with the sign set of those that have their answer.
    told: __m256i,
    nodes: __m256i,
    /// What is left of the keys.
    rests: __m256i,
}

impl Columns {
    /// Begins eight keys.
    ///
    /// # Safety
    /// They begin where headers of short tables of the store say, or the brief that tells nothing.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn begun<A: Address>(self, begins: Begins, keys: &[A; VECTOR]) -> Begun {
        let Begins { base, shift, start, len, .. } = begins;
        let bits = _mm256_sub_epi32(number(32), shift);
        let (firsts, rests) = if A::BITS == 32 {
            // SAFETY: eight keys of 32 bits are a vector.
            let keys = unsafe { _mm256_loadu_si256(keys.as_ptr().cast()) };
            (keys, _mm256_sllv_epi32(keys, bits))
        } else {
            // SAFETY: other addresses have 128 bits.
            let tops = tops(unsafe { &*keys.as_ptr().cast() });
            let (low, high) = (halves::<LOW>(tops), halves::<HIGH>(tops));
            (high, _mm256_or_si256(_mm256_sllv_epi32(high, bits), _mm256_srlv_epi32(low, shift)))
        };
        // A key before the first slot is one behind the last, since none is behind all ones.
        let slots = _mm256_min_epu32(_mm256_srlv_epi32(_mm256_sub_epi32(firsts, start), shift), len);
        let index = _mm256_add_epi32(base, _mm256_add_epi32(slots, slots));
        // SAFETY: a root has `len + 1` entries of two bytes, and there are bytes behind the last node, so that four may be
        // loaded.
        let entries = unsafe { _mm256_i32gather_epi32::<1>(self.blocks.cast(), index) };
        let numbers = _mm256_and_si256(entries, number(WIDE_ANSWER - 1));
        let nodes = _mm256_add_epi32(base, _mm256_add_epi32(numbers, numbers));
        // The two bytes behind an entry are another.
        let told = _mm256_or_si256(_mm256_and_si256(entries, number(0xffff)), _mm256_slli_epi32::<16>(entries));
        Begun { told, nodes, rests }
    }

    /// Returns the bitmaps of the halves of nodes that the keys are in which have no answer.
    ///
    /// # Safety
    /// What has no answer has the offset of a node.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn half_bitmaps(self, begun: Begun) -> __m256i {
        let going = _mm256_xor_si256(begun.told, number(u32::MAX));
        let upper = _mm256_and_si256(_mm256_srli_epi32::<29>(begun.rests), number(BITMAPS as u32 / 2));
        let place = _mm256_add_epi32(begun.nodes, upper);
        let none = _mm256_setzero_si256();
        // SAFETY: a node has two bitmaps; other lanes load nothing.
        unsafe { _mm256_mask_i32gather_epi32::<1>(none, self.blocks.cast(), place, going) }
    }

    /// Returns the codes of eight keys, and less than [`FIRST_VALUE`] for keys that go on at a child.
    ///
    /// # Safety
    /// What has no answer has the offset of a node with entries of `WIDTH` bytes, and the bitmap of the key's half.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn half_codes<const WIDTH: usize>(self, begun: Begun, bitmaps: __m256i) -> __m256i {
        let Begun { told, nodes, rests } = begun;
        let going = _mm256_xor_si256(told, number(u32::MAX));
        let after = _mm256_andnot_si256(_mm256_srli_epi32::<26>(rests), number(31));
        let count = bit_counts(_mm256_sllv_epi32(bitmaps, after));
        let rank = if WIDTH == 1 { count } else { _mm256_add_epi32(count, count) };
        let lower = _mm256_sub_epi32(nodes, rank);
        let upper = _mm256_add_epi32(_mm256_add_epi32(nodes, number((BITMAPS - WIDTH) as u32)), rank);
        let place = select(rests, lower, upper);
        // SAFETY: each half has an entry for every bit of its bitmap, of which bit 0 is set, so that there is one to count, and
        // behind any there are bytes, so that four may be loaded. Other lanes load nothing.
        let entries = unsafe { _mm256_mask_i32gather_epi32::<1>(told, self.blocks.cast(), place, going) };
        if WIDTH == 1 {
            // What a root tells has a code of one byte, too.
            return _mm256_and_si256(entries, number(0xff));
        }
        // Behind the bit that says that they are answers'.
        let is_answer = _mm256_srai_epi32::<31>(_mm256_slli_epi32::<16>(entries));
        _mm256_and_si256(_mm256_and_si256(entries, is_answer), number(WIDE_ANSWER - 1))
    }

    /// Walks [`GROUP`] keys as deep as their first nodes, and returns a bit for each that has no answer there.
    ///
    /// # Safety
    /// As [`Self::begun`]; entries have `WIDTH` bytes. There are at most 2^31 values.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn short_vectors<A: Address, const WIDTH: usize>(
        self,
        begins: impl Fn(usize) -> Begins,
        keys: &[A; GROUP],
        values: &mut [u32; GROUP],
    ) -> u32 {
        let keys = keys.as_chunks().0;
        let none = _mm256_setzero_si256();
        let mut told = [Begins { base: none, shift: none, start: none, len: none, dictionary: none }; VECTORS];
        for (vector, told) in told.iter_mut().enumerate() {
            *told = begins(vector);
        }
        in_order();
        let mut begun = [Begun { told: none, nodes: none, rests: none }; VECTORS];
        for (vector, begun) in begun.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            *begun = unsafe { self.begun(told[vector], &keys[vector]) };
        }
        in_order();
        let mut bitmaps = [none; VECTORS];
        for (bitmaps, &begun) in bitmaps.iter_mut().zip(&begun) {
            // SAFETY: what a root's entry names that is no answer is a node.
            *bitmaps = unsafe { self.half_bitmaps(begun) };
        }
        in_order();
        let mut left = 0;
        for (vector, values) in values.as_chunks_mut::<VECTOR>().0.iter_mut().enumerate() {
            // SAFETY: as above.
            let codes = unsafe { self.half_codes::<WIDTH>(begun[vector], bitmaps[vector]) };
            let (all, index) = (self.values().cast(), _mm256_add_epi32(told[vector].dictionary, codes));
            // SAFETY: every code of a table has a value from the table's dictionary on, and so has every number of a child.
            let found = unsafe { _mm256_i32gather_epi32::<4>(all, index) };
            // SAFETY: eight values are a vector.
            unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), found) };
            left |= signs(_mm256_cmpgt_epi32(number(FIRST_VALUE), codes)) << (vector * VECTOR);
        }
        left
    }
}

/// Keys that go on at a child, by their place in the batch.
struct Left {
    places: [usize; LANES],
    count: usize,
}

/// What a batch reads.
#[derive(Clone, Copy)]
pub(super) struct Tables<'s> {
    pub(super) columns: Columns,
    pub(super) headers: &'s [Header],
    /// By table, the last header's included; none where all keys go through one table.
    pub(super) briefs: &'s Briefs,
}

impl Tables<'_> {
    /// Walks the keys that are left, from their roots on.
    ///
    /// # Safety
    /// As [`short`].
    #[inline]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    unsafe fn again<A: Address, const WIDTH: usize, const ONE: bool>(
        self,
        left: &mut Left,
        tables: &[TableId],
        (keys, values): (&[A], &mut [u32]),
    ) {
        let Self { columns, headers, briefs } = self;
        let places = &left.places[..std::mem::take(&mut left.count).min(LANES)];
        if places.is_empty() {
            return;
        }
        let (mut ids, mut left_keys, mut found) = ([tables[0]; LANES], [A::ZERO; LANES], [0; LANES]);
        for ((id, key), &place) in ids.iter_mut().zip(&mut left_keys).zip(places) {
            *key = keys[place];
            if !ONE {
                *id = tables[place];
            }
        }
        let (ids, left_keys, found) = (&ids[..places.len()], &left_keys[..places.len()], &mut found[..places.len()]);
        let each = Each { tables: ids, headers };
        if ONE {
            let walk = Short::<_, WIDTH> { columns, keyed: One(&headers[each.index(0)]) };
            // SAFETY: the caller's promise.
            unsafe { walk.group(left_keys, found) };
        } else {
            // SAFETY: as above.
            unsafe { Briefly::<WIDTH> { columns, each, briefs }.group(left_keys, found) };
        }
        for (&place, &mut found) in places.iter().zip(found) {
            values[place] = found;
        }
    }
}

/// Walks all `keys` through short tables: all through the first if `ONE`, else each through the one at the same position by briefs, and
/// those of which none tells are walked alone.
///
/// # Safety
/// With `ONE` the first table is short. The entries of short tables have `WIDTH` bytes, of those of which briefs tell. There is a value a key, and a table a key unless `ONE`. There are at most 2^31 values.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub(super) unsafe fn short<A: Address, const WIDTH: usize, const ONE: bool>(
    from: Tables<'_>,
    tables: &[TableId],
    keys: &[A],
    values: &mut [u32],
) {
    let Some(&first) = tables.first() else { return };
    let Tables { columns, headers, briefs } = from;
    let header = &headers[first.index().min(headers.len() - 1)];
    let one = Begins::of_one(header);
    let mut left = Left { places: [0; LANES], count: 0 };
    let (groups, rest) = keys.as_chunks::<GROUP>();
    let grouped = keys.len() - rest.len();
    for (index, group) in groups.iter().enumerate() {
        let begin = index * GROUP;
        prefetch_ahead(group);
        let of_group: &mut [u32; GROUP] = values[begin..].first_chunk_mut().expect("a value a key");
        prefetch_ahead(of_group);
        let of_tables = if ONE { tables } else { &tables[begin..begin + GROUP] };
        if !ONE {
            prefetch_ahead(of_tables);
        }
        let begins = |vector: usize| {
            // SAFETY: unless all keys go through one table there are briefs.
            if ONE { one } else { unsafe { Begins::briefly(briefs, &of_tables.as_chunks().0[vector]) } }
        };
        // SAFETY: the caller's promise.
        let mut going = unsafe { columns.short_vectors::<A, WIDTH>(begins, group, of_group) };
        while going != 0 {
            left.places[left.count % LANES] = begin + going.trailing_zeros() as usize;
            left.count += 1;
            going &= going - 1;
        }
        if left.count > LANES - GROUP {
            // SAFETY: as above.
            unsafe { from.again::<A, WIDTH, ONE>(&mut left, tables, (keys, values)) };
        }
    }
    // SAFETY: as above.
    unsafe { from.again::<A, WIDTH, ONE>(&mut left, tables, (keys, values)) };
    for place in grouped..keys.len() {
        let table = tables[if ONE { 0 } else { place }];
        // SAFETY: the header is the store's.
        values[place] = unsafe { columns.value_in(&headers[table.index().min(headers.len() - 1)], keys[place]) };
    }
}
