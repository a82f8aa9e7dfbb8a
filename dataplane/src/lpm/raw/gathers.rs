//! The walk of dense tables with AVX-512: sixteen keys a vector, eight vectors a group, every load a gather.
//!
//! A vector gathers its headers (in a mixed batch), its root entries, the entries of pages where there are any, then sixteen
//! bitmaps as twice eight numbers of 64 bits, counts the bits up to each key's slot, and gathers codes and values. No branch
//! depends on a key: one that is foretold wrongly waits for all loads before it. So all vectors walk as many levels of
//! blocks, idle lanes in place, and the keys that have further to go are noted and finished one by one after a run of a
//! thousand; how many levels those are follows from the run before.

use std::arch::x86_64::{
    __m512i, _mm256_storeu_si256, _mm512_add_epi32, _mm512_and_si512, _mm512_castsi512_si256, _mm512_cmplt_epu32_mask,
    _mm512_cvtepi32_epi16, _mm512_extracti64x4_epi64, _mm512_i32gather_epi32, _mm512_i32gather_epi64,
    _mm512_mask_i32gather_epi32, _mm512_mask_mov_epi32, _mm512_maskz_compress_epi32, _mm512_min_epu32,
    _mm512_movepi32_mask, _mm512_popcnt_epi64, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_setr_epi32,
    _mm512_setzero_si512, _mm512_slli_epi32, _mm512_sllv_epi32, _mm512_sllv_epi64, _mm512_srli_epi32,
    _mm512_srli_epi64, _mm512_srlv_epi32, _mm512_storeu_si512, _mm512_sub_epi32, _mm512_sub_epi64,
};

use vrfleak_engine::Address;

use super::super::forest::block::{BITMAP_BYTES, FIRST_VALUE};
use super::super::forest::shape::BLOCK_BITS;
use super::super::table::TableId;
use super::store::{GATHERED_SLOTS, Header};
use super::vectors::{Rests, Roots, VECTOR, high, low, narrowed, page_slots};
use super::walk::Columns;

/// Where in a block its codes begin, as vectors add it.
const BEHIND_BITMAP: i32 = (BITMAP_BYTES as u32).cast_signed();

/// How the codes of sixteen keys' tables lie in blocks.
#[derive(Clone, Copy)]
struct Widths {
    /// The width as a power of two.
    log: __m512i,
    /// The bits of a code among those of four bytes.
    mask: __m512i,
}

impl Widths {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn of(len_shift: __m512i) -> Self {
        let log = _mm512_and_si512(_mm512_srli_epi32::<24>(len_shift), _mm512_set1_epi32(3));
        let bits = _mm512_sllv_epi32(_mm512_set1_epi32(8), log);
        let mask = _mm512_srlv_epi32(_mm512_set1_epi32(-1), _mm512_sub_epi32(_mm512_set1_epi32(32), bits));
        Self { log, mask }
    }

    /// Returns as many bytes as so many codes have.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn bytes<const WIDTH: usize>(self, count: __m512i) -> __m512i {
        if WIDTH == 1 { count } else { _mm512_sllv_epi32(count, self.log) }
    }

    /// Returns the codes that four bytes each begin with.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn codes<const WIDTH: usize>(self, loaded: __m512i) -> __m512i {
        _mm512_and_si512(loaded, if WIDTH == 1 { _mm512_set1_epi32(255) } else { self.mask })
    }
}

/// Returns the numbers of bits set in twice eight numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq")]
fn counts([low, high]: [__m512i; 2]) -> __m512i {
    narrowed(_mm512_popcnt_epi64(low), _mm512_popcnt_epi64(high))
}

/// Returns bitmaps without the bits behind the slots that the next bits of keys number, what is left shifted to the top.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn up_to_slots<A: Address>(bitmaps: [__m512i; 2], rests: &Rests<A>) -> [__m512i; 2] {
    let last = _mm512_set1_epi64(63);
    let slots = if A::BITS == 32 {
        let slots = _mm512_srli_epi32::<26>(rests.0[0]);
        [low(slots), high(slots)]
    } else {
        [_mm512_srli_epi64::<58>(rests.0[0]), _mm512_srli_epi64::<58>(rests.0[1])]
    };
    [
        _mm512_sllv_epi64(bitmaps[0], _mm512_sub_epi64(last, slots[0])),
        _mm512_sllv_epi64(bitmaps[1], _mm512_sub_epi64(last, slots[1])),
    ]
}

impl Columns {
    /// Returns the offsets of the blocks that roots and pages have for sixteen keys, and what of the keys lies behind.
    ///
    /// # Safety
    /// The roots are those of dense tables of the store that vectors can walk, without pages unless `PAGED`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn first_blocks<A: Address, const PAGED: bool>(
        self,
        roots: &Roots,
        keys: &[A; VECTOR],
    ) -> (__m512i, Rests<A>) {
        let base = self.roots.cast::<i32>();
        let bits = _mm512_sub_epi32(_mm512_set1_epi32(64), _mm512_srli_epi32::<26>(roots.len_shift));
        let len = _mm512_and_si512(roots.len_shift, _mm512_set1_epi32((GATHERED_SLOTS - 1).cast_signed()));
        let mut rests = Rests::of(keys);
        let slots = _mm512_min_epu32(_mm512_sub_epi32(rests.first(bits), roots.first), len);
        rests.skip(bits);
        let index = _mm512_add_epi32(slots, roots.root);
        // SAFETY: a root has `len + 1` entries from `root` on.
        let mut entries = unsafe { _mm512_i32gather_epi32::<4>(index, base) };
        if PAGED {
            let pages = _mm512_movepi32_mask(entries);
            let (index, deciding) = page_slots(entries, pages, &rests);
            // SAFETY: a page has an entry for every value of its bits; lanes without a page load nothing.
            entries = unsafe { _mm512_mask_i32gather_epi32::<4>(entries, pages, index, base) };
            // What has no page has one answer, which every slot of its block has.
            rests.skip(deciding);
        }
        (entries, rests)
    }

    /// Returns the codes that sixteen keys have in their blocks, and how many codes each block has.
    ///
    /// # Safety
    /// The blocks are those of the keys' tables, whose codes have these widths and `WIDTH` bytes, if that is a width.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq")]
    unsafe fn codes<A: Address, const WIDTH: usize>(
        self,
        blocks: __m512i,
        rests: &Rests<A>,
        widths: Widths,
    ) -> (__m512i, __m512i) {
        #[expect(clippy::cast_ptr_alignment, reason = "gathers load from anywhere")]
        let base = self.blocks.cast::<i64>();
        let bitmaps = [_mm512_castsi512_si256(blocks), _mm512_extracti64x4_epi64::<1>(blocks)].map(|blocks| {
            // SAFETY: a block begins with its bitmap.
            unsafe { _mm512_i32gather_epi64::<1>(blocks, base) }
        });
        let before = _mm512_sub_epi32(counts(up_to_slots(bitmaps, rests)), _mm512_set1_epi32(1));
        let codes = _mm512_add_epi32(blocks, _mm512_set1_epi32(BEHIND_BITMAP));
        let place = _mm512_add_epi32(codes, widths.bytes::<WIDTH>(before));
        // SAFETY: a block has a code for every bit of its bitmap, of which bit 0 is set, so that there is one to count, and
        // there are bytes behind the last node, so that four may be loaded at every code.
        let loaded = unsafe { _mm512_i32gather_epi32::<1>(place, self.blocks.cast()) };
        (widths.codes::<WIDTH>(loaded), counts(bitmaps))
    }

    /// Returns the offsets of the children that `codes` name of the blocks in `going`, and those of all other blocks.
    ///
    /// # Safety
    /// As [`Self::codes`], which `codes` and `all` are from; those that are going are children.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq")]
    unsafe fn children<const WIDTH: usize>(
        self,
        blocks: __m512i,
        (codes, all): (__m512i, __m512i),
        going: u16,
        widths: Widths,
    ) -> __m512i {
        let deltas = _mm512_add_epi32(widths.bytes::<WIDTH>(all), _mm512_set1_epi32(BEHIND_BITMAP));
        let place = _mm512_add_epi32(_mm512_add_epi32(blocks, deltas), _mm512_slli_epi32::<2>(codes));
        let none = _mm512_setzero_si512();
        // SAFETY: behind the codes a block has a delta for every child that its codes name; other lanes load nothing.
        let delta = unsafe { _mm512_mask_i32gather_epi32::<1>(none, going, place, self.blocks.cast()) };
        _mm512_add_epi32(blocks, delta)
    }

    /// Writes the values of sixteen codes.
    ///
    /// # Safety
    /// The codes are in blocks of the tables that have these dictionaries.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn write_values(self, dictionaries: __m512i, codes: __m512i, values: &mut [u32; VECTOR]) {
        let index = _mm512_add_epi32(dictionaries, codes);
        // SAFETY: every code of a table, and every number of a child, has a value from the table's dictionary on.
        let found = unsafe { _mm512_i32gather_epi32::<4>(index, self.values().cast()) };
        // SAFETY: sixteen values are a vector.
        unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), found) };
    }
}

/// Keys of a batch that are walked before those of them that are left.
pub(super) const RUN: usize = 1024;

/// Keys of a run that go on at a child when vectors stop, by their place.
#[derive(Clone, Copy)]
pub(super) struct Left {
    places: [u16; RUN + VECTOR],
    count: usize,
}

impl Left {
    /// Returns none.
    pub(super) fn none() -> Self {
        Self { places: [0; RUN + VECTOR], count: 0 }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// Returns their places, which are below [`RUN`].
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.places[..self.count.min(RUN)].iter().map(|&place| usize::from(place) % RUN)
    }

    /// Appends those of the sixteen keys from `from` on that are in `mask`; nothing depends on whether there are any.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) fn push(&mut self, from: usize, mask: u16) {
        let ids = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let ids = _mm512_add_epi32(ids, _mm512_set1_epi32((from as u32).cast_signed()));
        let found = _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(mask, ids));
        let to = self.places[self.count.min(RUN)..].as_mut_ptr();
        // SAFETY: there is room for a vector of places behind the last that may be.
        unsafe { _mm256_storeu_si256(to.cast(), found) };
        self.count += mask.count_ones() as usize;
    }
}

/// How deep vectors walk: so deep that few keys are left, judged by the run before.
#[derive(Clone, Copy)]
struct Depth {
    /// Levels of blocks below the first.
    levels: u32,
    /// The most that there may be, since vectors have the first 64 bits of keys.
    most: u32,
}

impl Depth {
    /// Returns the depth for tables whose first blocks begin at bit `at` or before.
    fn from(at: u32) -> Self {
        Self { levels: 0, most: (64_u32.saturating_sub(at) / u32::from(BLOCK_BITS)).saturating_sub(1) }
    }

    /// Takes in how many of `keys` keys entered the last level, and how many are left.
    fn judge(&mut self, keys: usize, entered: usize, left: usize) {
        if left * LEFT > keys && self.levels < self.most {
            self.levels += 1;
        } else if self.levels > 0 && entered * LEFT * 2 < keys {
            self.levels -= 1;
        }
    }
}

/// One key in so many may be left for a second walk: those of a level that all walk idly cost as much.
const LEFT: usize = 8;

/// Keys that are left from which on they are walked in vectors once more, not one by one: a level more or less of a walk
/// alone is foretold wrongly.
const FEW: usize = 12;

/// Returns the lanes whose code is a child.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn going_on(codes: __m512i) -> u16 {
    _mm512_cmplt_epu32_mask(codes, _mm512_set1_epi32(FIRST_VALUE.cast_signed()))
}

/// Walks as many keys as `VECTORS` vectors have through tables of `headers`: each through the table at the same position, or
/// all through the first if `ONE`; an id beyond stands for the last header. Keys that are not done `levels` levels below the
/// first block are appended to `left` as from place `from` on. Returns how many entered the last level.
///
/// # Safety
/// The headers that are asked for are of dense tables of the store whose columns these are, and vectors can walk them; their
/// codes have `WIDTH` bytes, if that is a width, and they have no pages unless `PAGED`. Keys and values are as many as the
/// vectors have lanes, and tables unless `ONE`. There are at most 2^31 values. The last level ends with the first 64 bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
unsafe fn group<A: Address, const VECTORS: usize, const WIDTH: usize, const PAGED: bool, const ONE: bool>(
    (columns, one, headers): (Columns, &Roots, &[Header]),
    (levels, from, left): (u32, usize, &mut Left),
    tables: &[TableId],
    keys: &[A],
    values: &mut [u32],
) -> usize {
    let zero = _mm512_setzero_si512();
    let (mut blocks, mut rests) = ([zero; VECTORS], [Rests::<A>::none(); VECTORS]);
    let (mut dictionaries, mut len_shifts) = ([one.dictionary; VECTORS], [one.len_shift; VECTORS]);
    let keys = keys.as_chunks::<VECTOR>().0;
    for vector in 0..VECTORS {
        if ONE {
            // SAFETY: the caller's promise.
            (blocks[vector], rests[vector]) = unsafe { columns.first_blocks::<A, PAGED>(one, &keys[vector]) };
        } else {
            let roots = Roots::of(headers, &tables.as_chunks().0[vector]);
            // SAFETY: as above.
            (blocks[vector], rests[vector]) = unsafe { columns.first_blocks::<A, PAGED>(&roots, &keys[vector]) };
            (dictionaries[vector], len_shifts[vector]) = (roots.dictionary, roots.len_shift);
        }
    }
    let (mut codes, mut all, mut going) = ([zero; VECTORS], [zero; VECTORS], [0_u16; VECTORS]);
    for vector in 0..VECTORS {
        let widths = Widths::of(len_shifts[vector]);
        // SAFETY: entries are blocks of their tables.
        (codes[vector], all[vector]) = unsafe { columns.codes::<A, WIDTH>(blocks[vector], &rests[vector], widths) };
        going[vector] = going_on(codes[vector]);
    }
    let mut entered = VECTORS * VECTOR;
    for level in 0..levels {
        if level + 1 == levels {
            entered = going.iter().map(|going| going.count_ones() as usize).sum();
        }
        for vector in 0..VECTORS {
            let (lanes, widths) = (going[vector], Widths::of(len_shifts[vector]));
            let of_blocks = (codes[vector], all[vector]);
            // SAFETY: the codes were in those blocks, and those of the lanes are children.
            let children = unsafe { columns.children::<WIDTH>(blocks[vector], of_blocks, lanes, widths) };
            rests[vector].skip(_mm512_set1_epi32(i32::from(BLOCK_BITS)));
            // SAFETY: children are blocks of their tables.
            let (found, count) = unsafe { columns.codes::<A, WIDTH>(children, &rests[vector], widths) };
            (blocks[vector], all[vector]) = (children, count);
            codes[vector] = _mm512_mask_mov_epi32(codes[vector], lanes, found);
            going[vector] = going_on(codes[vector]);
        }
    }
    for (vector, values) in values.as_chunks_mut::<VECTOR>().0.iter_mut().enumerate().take(VECTORS) {
        // SAFETY: the codes were in blocks of the tables.
        unsafe { columns.write_values(dictionaries[vector], codes[vector], values) };
        left.push(from + vector * VECTOR, going[vector]);
    }
    entered
}

/// Vectors that are walked together: what is known of more does not fit the registers, and stores to the stack get into the
/// way of gathers, whose loads are compared with all stores under way by the last bits of their addresses.
const VECTORS: usize = 4;

/// Walks all `keys` through dense tables: each through the table at the same position, or all through the first if `ONE`.
/// The first blocks of no table begin behind bit `at`.
///
/// # Safety
/// The tables are in `headers`, which are of the store whose columns these are. All are dense, and vectors can walk them;
/// their codes have `WIDTH` bytes, if that is a width, and they have no pages unless `PAGED`. There is a value a key, and a
/// table a key unless `ONE`. There are at most 2^31 values.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
pub(super) unsafe fn batch<A: Address, const WIDTH: usize, const PAGED: bool, const ONE: bool>(
    (columns, at): (Columns, u32),
    headers: &[Header],
    tables: &[TableId],
    keys: &[A],
    values: &mut [u32],
) {
    let Some(&table) = tables.first() else { return };
    let header_of = |table: TableId| &headers[table.index().min(headers.len() - 1)];
    let from = (columns, &Roots::all(header_of(table)), headers);
    let mut depth = Depth::from(at);
    let mut left = Left::none();
    let (mut left_tables, mut left_keys, mut left_values) = ([table; RUN], [A::ZERO; RUN], [0; RUN]);
    for (index, (keys, values)) in keys.chunks(RUN).zip(values.chunks_mut(RUN)).enumerate() {
        let tables = if ONE { tables } else { &tables[index * RUN..][..keys.len()] };
        // SAFETY: the caller's promise.
        let entered = unsafe { run::<A, WIDTH, PAGED, ONE>(from, (depth.levels, &mut left), tables, keys, values) };
        depth.judge(keys.len(), entered, left.count);
        let table_of = |place: usize| tables[if ONE { 0 } else { place }];
        let all = left;
        let places = || all.places();
        if all.count >= FEW {
            // Once more, as deep as vectors can.
            for ((table, key), place) in left_tables.iter_mut().zip(&mut left_keys).zip(places()) {
                (*table, *key) = (table_of(place), keys[place]);
            }
            // The last vector is filled by whatever is there.
            let count = all.count.next_multiple_of(VECTOR).min(RUN);
            let (again, found) = (&left_keys[..count], &mut left_values[..count]);
            // SAFETY: as above; what fills the last vector are tables of the batch, too.
            unsafe { run::<A, WIDTH, PAGED, ONE>(from, (depth.most, &mut left), &left_tables[..count], again, found) };
            for (place, &value) in places().zip(&left_values) {
                values[place] = value;
            }
            for place in left.places() {
                if place < all.count {
                    let place = usize::from(all.places[place]) % RUN;
                    // SAFETY: as above.
                    values[place] = unsafe { columns.value_in(header_of(table_of(place)), keys[place]) };
                }
            }
        } else {
            for place in places() {
                // SAFETY: as above.
                values[place] = unsafe { columns.value_in(header_of(table_of(place)), keys[place]) };
            }
        }
    }
}

/// Walks at most [`RUN`] keys, `levels` levels deep; what is left is in `left` afterwards, but for keys that fill no vector,
/// which are done. Returns how many entered the last level.
///
/// # Safety
/// As [`batch`], and the last level ends with the first 64 bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
unsafe fn run<A: Address, const WIDTH: usize, const PAGED: bool, const ONE: bool>(
    from: (Columns, &Roots, &[Header]),
    (levels, left): (u32, &mut Left),
    tables: &[TableId],
    keys: &[A],
    values: &mut [u32],
) -> usize {
    const GROUP: usize = VECTORS * VECTOR;
    let tables_from = |place: usize| if ONE { tables } else { &tables[place..] };
    left.clear();
    let (mut entered, mut done) = (0, 0);
    for (keys, values) in keys.as_chunks::<GROUP>().0.iter().zip(values.as_chunks_mut::<GROUP>().0) {
        let how = (levels, done, &mut *left);
        // SAFETY: the caller's promise.
        entered += unsafe { group::<A, VECTORS, WIDTH, PAGED, ONE>(from, how, tables_from(done), keys, values) };
        done += GROUP;
    }
    let (keys, values) = (&keys[done..], &mut values[done..]);
    for (keys, values) in keys.as_chunks::<VECTOR>().0.iter().zip(values.as_chunks_mut::<VECTOR>().0) {
        let how = (levels, done, &mut *left);
        // SAFETY: as above.
        entered += unsafe { group::<A, 1, WIDTH, PAGED, ONE>(from, how, tables_from(done), keys, values) };
        done += VECTOR;
    }
    let (columns, _, headers) = from;
    let rest = keys.as_chunks::<VECTOR>().1.iter().zip(values.as_chunks_mut::<VECTOR>().1);
    for (&key, value) in rest {
        let header = &headers[tables[if ONE { 0 } else { done }].index().min(headers.len() - 1)];
        // SAFETY: as above.
        *value = unsafe { columns.value_in(header, key) };
        done += 1;
    }
    entered
}

impl Columns {
    /// Returns the value of `key` in a dense table.
    ///
    /// # Safety
    /// `header` is one of the store's, of a dense table.
    #[inline]
    unsafe fn value_in<A: Address>(self, header: &Header, key: A) -> u32 {
        // SAFETY: the caller's promise.
        let code = unsafe { self.find_dense(header, key) };
        // SAFETY: the code is the table's.
        unsafe { self.value(header, code) }
    }
}
