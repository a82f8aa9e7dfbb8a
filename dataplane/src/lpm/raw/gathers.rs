//! The walk of dense tables with AVX-512: sixteen keys a vector, eight vectors a group, every load a gather.
//!
//! A vector gathers its headers (in a mixed batch), its root entries, the entries of pages where there are any, then sixteen
//! bitmaps as twice eight numbers of 64 bits, counts the bits up to each key's slot, and gathers codes and values, in
//! [runs](super::runs).

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_and_si512, _mm512_castsi512_si256, _mm512_cmplt_epu32_mask,
    _mm512_extracti64x4_epi64, _mm512_i32gather_epi32, _mm512_i32gather_epi64, _mm512_mask_i32gather_epi32,
    _mm512_mask_mov_epi32, _mm512_min_epu32, _mm512_movepi32_mask, _mm512_popcnt_epi64, _mm512_set1_epi32,
    _mm512_set1_epi64, _mm512_setzero_si512, _mm512_slli_epi32, _mm512_sllv_epi32, _mm512_sllv_epi64,
    _mm512_srli_epi32, _mm512_srli_epi64, _mm512_srlv_epi32, _mm512_storeu_si512, _mm512_sub_epi32, _mm512_sub_epi64,
};

use vrfleak_engine::Address;

use super::super::forest::block::{BITMAP_BYTES, FIRST_VALUE};
use super::super::forest::shape::BLOCK_BITS;
use super::super::table::TableId;
use super::columns::Columns;
use super::runs::{self, Depth, Walk};
use super::store::{GATHERED_SLOTS, Header};
use super::vectors::{Rests, Roots, VECTOR, high, low, narrowed, page_slots};

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
    /// The roots are those of halved tables of the store, or of dense ones that vectors can walk, without pages unless `PAGED`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) unsafe fn first_blocks<A: Address, const PAGED: bool>(
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
            // What has no page has one answer, which every slot of its block has, or is no node.
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

/// Returns the lanes whose code is a child.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn going_on(codes: __m512i) -> u16 {
    _mm512_cmplt_epu32_mask(codes, _mm512_set1_epi32(FIRST_VALUE.cast_signed()))
}

/// Walks as many keys as `VECTORS` vectors have through tables of `headers`: each through the table at the same position, or
/// all through the first if `ONE`; an id beyond stands for the last header. Writes which keys are not done `levels` levels below
/// the first block, a bit a key, and returns how many entered the last level.
///
/// # Safety
/// The headers that are asked for are of dense tables of the store whose columns these are, and vectors can walk them; their
/// codes have `WIDTH` bytes, if that is a width, and they have no pages unless `PAGED`. Keys and values are as many as the
/// vectors have lanes, and tables unless `ONE`. There are at most 2^31 values. The last level ends with the first 64 bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
unsafe fn group<A: Address, const VECTORS: usize, const WIDTH: usize, const PAGED: bool, const ONE: bool>(
    (columns, one, headers): (Columns, &Roots, &[Header]),
    levels: u32,
    tables: &[TableId],
    (keys, values): (&[A], &mut [u32]),
    left: &mut [u64],
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
    let mut not_done = 0;
    for (vector, values) in values.as_chunks_mut::<VECTOR>().0.iter_mut().enumerate().take(VECTORS) {
        // SAFETY: the codes were in blocks of the tables.
        unsafe { columns.write_values(dictionaries[vector], codes[vector], values) };
        not_done |= u64::from(going[vector]) << (vector * VECTOR);
    }
    left[0] = not_done;
    entered
}

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
    let one = &Roots::all(&headers[table.index().min(headers.len() - 1)]);
    let walk = Dense::<'_, WIDTH, PAGED, ONE> { columns, one, headers };
    // Vectors have the first 64 bits of keys.
    let most = (64_u32.saturating_sub(at) / u32::from(BLOCK_BITS)).saturating_sub(1);
    // SAFETY: the caller's promise.
    unsafe { runs::batch::<A, _, 4>(walk, Depth { levels: 0, most }, tables, keys, values) };
}

/// The walk of dense tables by gathers, which [`batch`] describes.
#[derive(Clone, Copy)]
struct Dense<'s, const WIDTH: usize, const PAGED: bool, const ONE: bool> {
    columns: Columns,
    /// The header of the first table of the batch.
    one: &'s Roots,
    headers: &'s [Header],
}

impl<A: Address, const WIDTH: usize, const PAGED: bool, const ONE: bool> Walk<A> for Dense<'_, WIDTH, PAGED, ONE> {
    const ONE: bool = ONE;

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
    unsafe fn group<const VECTORS: usize>(
        self,
        levels: u32,
        tables: &[TableId],
        lanes: (&[A], &mut [u32]),
        left: &mut [u64],
    ) -> usize {
        let from = (self.columns, self.one, self.headers);
        // SAFETY: the caller's promise.
        unsafe { group::<A, VECTORS, WIDTH, PAGED, ONE>(from, levels, tables, lanes, left) }
    }

    #[inline]
    unsafe fn one(self, table: TableId, key: A) -> u32 {
        let header = &self.headers[table.index().min(self.headers.len() - 1)];
        // SAFETY: the caller's promise.
        unsafe { self.columns.value_in(header, key) }
    }
}
