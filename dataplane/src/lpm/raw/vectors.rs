//! The walk of sparse tables with AVX-512: sixteen keys a vector, eight vectors a group.
//!
//! Roots and pages are gathered, since each is one load of four bytes at an index that vectors compute; on Zen 5 a gather
//! takes 1.3 cycles a key while the table is in the L2. A list is one load of 32 bytes: a byte permutation makes its
//! boundaries as many numbers as fit a vector, one comparison and a bit count tell the place of the key among them.
//! Prefetching the lists of a group before the first is searched gains 5%; software pipelining over groups, prefetching
//! root entries, and groups of two vectors all lose.

use std::arch::x86_64::{
    __m128i, __m256i, __m512i, _bzhi_u32, _mm_load_si128, _mm256_loadu_si256, _mm512_add_epi32, _mm512_and_si512,
    _mm512_castsi128_si512, _mm512_castsi256_si512, _mm512_castsi512_si256, _mm512_cmple_epu32_mask,
    _mm512_cvtepi64_epi32, _mm512_cvtepu32_epi64, _mm512_extracti64x4_epi64, _mm512_i32gather_epi32,
    _mm512_inserti32x4, _mm512_inserti64x4, _mm512_load_si512, _mm512_loadu_si512, _mm512_mask_i32gather_epi32,
    _mm512_maskz_set1_epi32, _mm512_min_epu32, _mm512_movepi32_mask, _mm512_permutex2var_epi8,
    _mm512_permutex2var_epi64, _mm512_set_epi64, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_slli_epi64, _mm512_sllv_epi64, _mm512_srli_epi32, _mm512_srlv_epi64, _mm512_store_si512, _mm512_sub_epi32,
    _mm512_sub_epi64, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

use vrfleak_engine::Address;

use super::super::forest::list::{HEAD_BYTES, MOST, WIDE, WINDOW_BITS};
use super::part::MOST_ENTRIES;
use super::store::Header;
use super::walk::{ANY_WIDTH, Columns, load_code};

/// Keys of a vector.
pub(super) const VECTOR: usize = 16;
/// Most keys walked together.
pub(super) const KEYS: usize = 8 * VECTOR;

/// Numbers that vectors load.
#[repr(align(64))]
struct Aligned<T, const N: usize>([T; N]);

/// By bytes a boundary, less one: where in a list each byte of sixteen numbers comes from, the highest byte of a number
/// from the last of a boundary; 64 is a zero.
static SPREAD: [Aligned<u8, 64>; 4] = {
    let mut all = [const { Aligned([64; 64]) }; 4];
    let mut size = 1;
    while size <= 4 {
        let mut number = 0;
        while number < MOST {
            let mut byte = 0;
            while byte < size {
                all[size - 1].0[4 * number + 4 - size + byte] = (number * size + byte) as u8;
                byte += 1;
            }
            number += 1;
        }
        size += 1;
    }
    all
};

/// Returns the lower eight numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn low(numbers: __m512i) -> __m512i {
    _mm512_cvtepu32_epi64(_mm512_castsi512_si256(numbers))
}

/// Returns the upper eight numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn high(numbers: __m512i) -> __m512i {
    _mm512_cvtepu32_epi64(_mm512_extracti64x4_epi64::<1>(numbers))
}

/// Returns sixteen numbers, each the lower half of one of these.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn narrowed(low: __m512i, high: __m512i) -> __m512i {
    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(_mm512_cvtepi64_epi32(low)), _mm512_cvtepi64_epi32(high))
}

/// Returns the first 64 bits of sixteen keys, eight a vector.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn tops<A: Address>(keys: &[A; VECTOR]) -> [__m512i; 2] {
    let keys = keys.as_ptr().cast::<__m512i>();
    // SAFETY: the keys are one vector of 32-bit numbers or four of 128-bit ones: no other type is an address.
    let load = |vector: usize| unsafe { _mm512_loadu_si512(keys.wrapping_add(vector).cast()) };
    if A::BITS == 32 {
        let keys = load(0);
        return [_mm512_slli_epi64::<32>(low(keys)), _mm512_slli_epi64::<32>(high(keys))];
    }
    let upper = _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1);
    [0, 2].map(|vector| _mm512_permutex2var_epi64(load(vector), upper, load(vector + 1)))
}

/// What the first halves of sixteen headers say, a vector each.
struct Roots {
    root: __m512i,
    first: __m512i,
    len_shift: __m512i,
    dictionary: __m512i,
}

impl Roots {
    /// Returns the same header sixteen times.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn all(header: &Header) -> Self {
        Self {
            root: _mm512_set1_epi32(header.root.cast_signed()),
            first: _mm512_set1_epi32(header.first_low.cast_signed()),
            len_shift: _mm512_set1_epi32(header.len_shift.cast_signed()),
            dictionary: _mm512_set1_epi32(header.dictionary.cast_signed()),
        }
    }

    /// Returns those of sixteen headers: four rows of four headers each, transposed.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn of<'h>(header_of: impl Fn(usize) -> &'h Header) -> Self {
        let half = |lane: usize| {
            // SAFETY: a header is aligned to 32 bytes and begins with four numbers.
            unsafe { _mm_load_si128(std::ptr::from_ref(header_of(lane)).cast::<__m128i>()) }
        };
        let row = |lane: usize| {
            let row = _mm512_castsi128_si512(half(lane));
            let row = _mm512_inserti32x4::<1>(row, half(lane + 4));
            let row = _mm512_inserti32x4::<2>(row, half(lane + 8));
            _mm512_inserti32x4::<3>(row, half(lane + 12))
        };
        let (a, b, c, d) = (row(0), row(1), row(2), row(3));
        let (ab, cd) = (_mm512_unpacklo_epi32(a, b), _mm512_unpacklo_epi32(c, d));
        let (ab_high, cd_high) = (_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d));
        Self {
            root: _mm512_unpacklo_epi64(ab, cd),
            first: _mm512_unpackhi_epi64(ab, cd),
            len_shift: _mm512_unpacklo_epi64(ab_high, cd_high),
            dictionary: _mm512_unpackhi_epi64(ab_high, cd_high),
        }
    }
}

impl Columns {
    /// Returns the code of the list at `list` for `key`, whose bits from that list on are `rest`.
    ///
    /// # Safety
    /// As [`Self::listed`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi1,bmi2,popcnt")]
    unsafe fn compared<'h, A: Address, const WIDTH: usize>(
        self,
        header_of: impl Fn() -> &'h Header,
        list: u32,
        (key, rest): (A, u64),
    ) -> u32 {
        // SAFETY: a list is within the store's blocks.
        let start = unsafe { self.blocks.add(list as usize) };
        // SAFETY: a list begins with its head.
        let head = unsafe { *start };
        if head >= WIDE {
            // SAFETY: as the caller promised.
            return unsafe { self.listed::<A, ANY_WIDTH>(header_of(), list, (key, rest)) };
        }
        let (count, size) = (usize::from(head) & MOST, usize::from(head >> 4 & 3));
        let boundaries = start.wrapping_add(HEAD_BYTES);
        #[expect(clippy::cast_ptr_alignment, reason = "an unaligned load")]
        // SAFETY: 32 bytes are there, since the store has slack behind the last node.
        let bytes = unsafe { _mm256_loadu_si256(boundaries.cast::<__m256i>()) };
        // SAFETY: the numbers are aligned to a vector.
        let spread = unsafe { _mm512_load_si512(std::ptr::from_ref(&SPREAD[size]).cast::<__m512i>()) };
        // The upper half of the vector is not looked at: boundaries have at most 31 bytes.
        let numbers = _mm512_permutex2var_epi8(_mm512_castsi256_si512(bytes), spread, _mm512_setzero_si512());
        let window = _mm512_set1_epi32(((rest >> WINDOW_BITS) as u32).cast_signed());
        let not_above = u32::from(_mm512_cmple_epu32_mask(numbers, window));
        let place = _bzhi_u32(not_above, count as u32).count_ones() as usize;
        let width = if WIDTH == ANY_WIDTH { usize::from(header_of().width) } else { WIDTH };
        // SAFETY: a list has a code more than boundaries, and `place` is at most their number.
        let code = unsafe { boundaries.add(count * (size + 1) + place * width) };
        // SAFETY: as above.
        unsafe { load_code::<WIDTH>(code, width) }
    }
}

/// Walks as many keys as `VECTORS` vectors have, at most [`KEYS`]: each by the header that `header_of` returns for its
/// position, or all by that of the first if `ONE`.
///
/// # Safety
/// The headers are of sparse tables of the store whose columns these are; their codes have `WIDTH` bytes, if that is a
/// width. Keys and values are as many as the vectors have lanes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi1,bmi2,popcnt")]
pub(super) unsafe fn vectors<'h, A: Address, const VECTORS: usize, const WIDTH: usize, const ONE: bool>(
    columns: Columns,
    header_of: impl Fn(usize) -> &'h Header,
    keys: &[A],
    values: &mut [u32],
) {
    let roots = columns.roots.cast::<i32>();
    let all = _mm512_set1_epi64(64);
    let mut entries = [_mm512_setzero_si512(); VECTORS];
    let mut rests = [[_mm512_setzero_si512(); 2]; VECTORS];
    let mut dictionaries = Aligned([0_u32; KEYS]);
    for (vector, (keys, (entries, rests))) in
        keys.as_chunks().0.iter().zip(entries.iter_mut().zip(&mut rests)).enumerate()
    {
        let found = if ONE { Roots::all(header_of(0)) } else { Roots::of(|lane| header_of(vector * VECTOR + lane)) };
        if !ONE {
            let to = dictionaries.0.as_mut_ptr().wrapping_add(vector * VECTOR);
            // SAFETY: there are as many as the vectors have lanes, and vectors begin where they are aligned.
            unsafe { _mm512_store_si512(to.cast(), found.dictionary) };
        }
        let shift = _mm512_srli_epi32::<24>(found.len_shift);
        let len = _mm512_and_si512(found.len_shift, _mm512_set1_epi32((1 << 24) - 1));
        let (tops, shifts) = (tops(keys), [low(shift), high(shift)]);
        let slots = narrowed(_mm512_srlv_epi64(tops[0], shifts[0]), _mm512_srlv_epi64(tops[1], shifts[1]));
        let slots = _mm512_min_epu32(_mm512_sub_epi32(slots, found.first), len);
        let index = _mm512_add_epi32(slots, found.root);
        // SAFETY: a root has `len + 1` entries from `root` on.
        *entries = unsafe { _mm512_i32gather_epi32::<4>(index, roots) };
        for ((rest, top), shift) in rests.iter_mut().zip(tops).zip(shifts) {
            *rest = _mm512_sllv_epi64(top, _mm512_sub_epi64(all, shift));
        }
    }
    loop {
        let mut going = 0;
        for (entries, rests) in entries.iter_mut().zip(&mut rests) {
            let pages = _mm512_movepi32_mask(*entries);
            if pages == 0 {
                continue;
            }
            let deciding = _mm512_and_si512(_mm512_srli_epi32::<27>(*entries), _mm512_maskz_set1_epi32(pages, 15));
            let deciding = [low(deciding), high(deciding)];
            let slot = |half: usize| _mm512_srlv_epi64(rests[half], _mm512_sub_epi64(all, deciding[half]));
            let first = _mm512_and_si512(*entries, _mm512_set1_epi32((MOST_ENTRIES - 1).cast_signed()));
            let index = _mm512_add_epi32(narrowed(slot(0), slot(1)), first);
            // SAFETY: a page has an entry for every value of its bits; lanes without a page load nothing.
            *entries = unsafe { _mm512_mask_i32gather_epi32::<4>(*entries, pages, index, roots) };
            for (rest, deciding) in rests.iter_mut().zip(deciding) {
                *rest = _mm512_sllv_epi64(*rest, deciding);
            }
            going |= _mm512_movepi32_mask(*entries);
        }
        if going == 0 {
            break;
        }
    }
    let (mut left, mut lists) = (Aligned([0_u64; KEYS]), Aligned([0_u32; KEYS]));
    for (vector, (entries, [rest, rest_behind])) in entries.iter().zip(&rests).enumerate() {
        let lane = vector * VECTOR;
        let (lists, left) = (lists.0.as_mut_ptr().wrapping_add(lane), left.0.as_mut_ptr().wrapping_add(lane));
        // SAFETY: there are as many lanes as the vectors have, and vectors begin where they are aligned.
        unsafe { _mm512_store_si512(lists.cast(), *entries) };
        // SAFETY: as above.
        unsafe { _mm512_store_si512(left.cast(), *rest) };
        // SAFETY: as above.
        unsafe { _mm512_store_si512(left.wrapping_add(VECTOR / 2).cast(), *rest_behind) };
    }
    for &list in &lists.0[..VECTORS * VECTOR] {
        columns.prefetch_list(list);
    }
    let dictionary = if ONE { header_of(0).dictionary } else { 0 };
    let lanes = lists.0.iter().zip(&left.0).zip(&dictionaries.0);
    for (lane, ((value, &key), ((&list, &rest), &of_lane))) in values.iter_mut().zip(keys).zip(lanes).enumerate() {
        // SAFETY: what is no page is a list of the table.
        let code = unsafe { columns.compared::<A, WIDTH>(|| header_of(lane), list, (key, rest)) };
        // SAFETY: the code was in that list.
        *value = unsafe { columns.value_of(if ONE { dictionary } else { of_lane }, code) };
    }
}
