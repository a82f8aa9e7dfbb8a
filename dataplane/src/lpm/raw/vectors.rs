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
    _mm512_slli_epi64, _mm512_sllv_epi64, _mm512_srli_epi32, _mm512_srli_epi64, _mm512_srlv_epi64, _mm512_store_si512,
    _mm512_sub_epi32, _mm512_sub_epi64, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32,
    _mm512_unpacklo_epi64,
};

use vrfleak_engine::Address;

use super::super::forest::list::{HEAD_BYTES, MOST, WIDE, WINDOW_BITS};
use super::super::table::TableId;
use super::part::MOST_ENTRIES;
use super::store::Header;
use super::walk::{ANY_WIDTH, Columns, load_code, prefetch};

/// Keys of a vector.
pub(super) const VECTOR: usize = 16;
/// Most keys walked together.
pub(super) const KEYS: usize = 8 * VECTOR;

/// How far away the entries and lists of a store are: what is worth asking for ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lpm) enum Reach {
    /// They fit the second cache: the first line of each list.
    SecondCache,
    /// They fit the last cache: the line of each list's last boundaries too. Half of the lists have one more line, or
    /// their load of 32 bytes has, and waits for it.
    LastCache,
    /// They fit none: root and page entries too, before they are gathered, which costs a tenth where a cache has them.
    BeyondCaches,
}

impl Reach {
    /// All of them.
    #[cfg(test)]
    pub(in crate::lpm) const ALL: [Self; 3] = [Self::SecondCache, Self::LastCache, Self::BeyondCaches];

    /// Returns how far away `bytes` are on processors of today, whose second cache has 1 or 2 MiB a core and whose last
    /// has 16 MiB or more.
    pub(super) fn of(bytes: usize) -> Self {
        match bytes {
            0..0x10_0000 => Self::SecondCache,
            0x10_0000..0x100_0000 => Self::LastCache,
            _ => Self::BeyondCaches,
        }
    }
}

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

    /// Returns those of the headers of sixteen `tables`, or of the last header for a table beyond: four rows of four
    /// headers each, transposed.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn of(headers: &[Header], tables: &[TableId; VECTOR]) -> Self {
        let last = headers.len() - 1;
        let half = |lane: usize| {
            let header = headers.as_ptr().wrapping_add(tables[lane].index().min(last));
            // SAFETY: the place is at most that of the last header; a header is aligned to 32 bytes and begins with four
            // numbers.
            unsafe { _mm_load_si128(header.cast::<__m128i>()) }
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
    /// Asks for the entries at sixteen indices.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn ask(self, indices: __m512i) {
        let mut each = Aligned([0_u32; VECTOR]);
        // SAFETY: sixteen numbers are a vector, and they are aligned to one.
        unsafe { _mm512_store_si512(each.0.as_mut_ptr().cast(), indices) };
        each.0.iter().for_each(|&index| prefetch(self.roots.wrapping_add(index as usize).cast()));
    }

    /// Returns the code of the list at `list` for a key whose bits from that list on begin with `window`, or `None` if the
    /// list is wide. Codes have `width` bytes.
    ///
    /// # Safety
    /// `list` is the offset of a list of the store's, with codes of `width` bytes, which is `WIDTH` if that is a width.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi1,bmi2,popcnt")]
    unsafe fn compared<const WIDTH: usize>(self, list: u32, window: u32, width: usize) -> Option<u32> {
        // SAFETY: a list is within the store's blocks.
        let start = unsafe { self.blocks.add(list as usize) };
        // SAFETY: a list begins with its head.
        let head = usize::from(unsafe { *start });
        if head >= usize::from(WIDE) {
            return None;
        }
        let (count, size) = (head & MOST, head >> 4 & 3);
        let boundaries = start.wrapping_add(HEAD_BYTES);
        #[expect(clippy::cast_ptr_alignment, reason = "an unaligned load")]
        // SAFETY: 32 bytes are there, since the store has slack behind the last node.
        let bytes = unsafe { _mm256_loadu_si256(boundaries.cast::<__m256i>()) };
        // SAFETY: the numbers are aligned to a vector.
        let spread = unsafe { _mm512_load_si512(std::ptr::from_ref(&SPREAD[size]).cast::<__m512i>()) };
        // The upper half of the vector is not looked at: boundaries have at most 31 bytes.
        let numbers = _mm512_permutex2var_epi8(_mm512_castsi256_si512(bytes), spread, _mm512_setzero_si512());
        let not_above = u32::from(_mm512_cmple_epu32_mask(numbers, _mm512_set1_epi32(window.cast_signed())));
        let place = _bzhi_u32(not_above, count as u32).count_ones() as usize;
        let width = if WIDTH == ANY_WIDTH { width } else { WIDTH };
        // SAFETY: a list has a code more than boundaries, and `place` is at most their number.
        let code = unsafe { boundaries.add(count * (size + 1) + place * width) };
        // SAFETY: as above.
        Some(unsafe { load_code::<WIDTH>(code, width) })
    }
}

/// Returns for the lanes in `pages`, whose `entries` name pages, the indices of the entries that keys with these `rests`
/// find there, and for all lanes the bits that their page decides: none without one.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn page_slots(entries: __m512i, pages: u16, rests: &[__m512i; 2]) -> (__m512i, [__m512i; 2]) {
    let deciding = _mm512_and_si512(_mm512_srli_epi32::<27>(entries), _mm512_maskz_set1_epi32(pages, 15));
    let deciding = [low(deciding), high(deciding)];
    let slot = |half: usize| _mm512_srlv_epi64(rests[half], _mm512_sub_epi64(_mm512_set1_epi64(64), deciding[half]));
    let first = _mm512_and_si512(entries, _mm512_set1_epi32((MOST_ENTRIES - 1).cast_signed()));
    (_mm512_add_epi32(narrowed(slot(0), slot(1)), first), deciding)
}

/// Walks as many keys as `VECTORS` vectors have, at most [`KEYS`]: each through the table at the same position, or all
/// through that of the first if `ONE`. An id beyond the tables stands for the last header.
///
/// # Safety
/// The headers are of sparse tables of the store whose columns these are; their codes have `WIDTH` bytes, if that is a
/// width. Keys and values are as many as the vectors have lanes, and tables unless `ONE`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi1,bmi2,popcnt")]
pub(super) unsafe fn vectors<A: Address, const VECTORS: usize, const WIDTH: usize, const ONE: bool>(
    (columns, reach): (Columns, Reach),
    headers: &[Header],
    tables: &[TableId],
    keys: &[A],
    values: &mut [u32],
) {
    let header_of = |lane: usize| {
        let table = tables[if ONE { 0 } else { lane }];
        &headers[table.index().min(headers.len() - 1)]
    };
    let roots = columns.roots.cast::<i32>();
    let all = _mm512_set1_epi64(64);
    let mut entries = [_mm512_setzero_si512(); VECTORS];
    let mut rests = [[_mm512_setzero_si512(); 2]; VECTORS];
    let mut dictionaries = Aligned([0_u32; KEYS]);
    for (vector, (keys, (entries, rests))) in
        keys.as_chunks().0.iter().zip(entries.iter_mut().zip(&mut rests)).enumerate()
    {
        let found = if ONE { Roots::all(header_of(0)) } else { Roots::of(headers, &tables.as_chunks().0[vector]) };
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
        *entries = if reach == Reach::BeyondCaches {
            columns.ask(index);
            index
        } else {
            // SAFETY: a root has `len + 1` entries from `root` on.
            unsafe { _mm512_i32gather_epi32::<4>(index, roots) }
        };
        for ((rest, top), shift) in rests.iter_mut().zip(tops).zip(shifts) {
            *rest = _mm512_sllv_epi64(top, _mm512_sub_epi64(all, shift));
        }
    }
    if reach == Reach::BeyondCaches {
        for entries in &mut entries {
            // SAFETY: as above; what was asked for are the indices of root entries.
            *entries = unsafe { _mm512_i32gather_epi32::<4>(*entries, roots) };
        }
    }
    loop {
        let mut going = 0;
        if reach == Reach::BeyondCaches {
            for (entries, rests) in entries.iter().zip(&rests) {
                let pages = _mm512_movepi32_mask(*entries);
                if pages != 0 {
                    columns.ask(page_slots(*entries, pages, rests).0);
                }
            }
        }
        for (entries, rests) in entries.iter_mut().zip(&mut rests) {
            let pages = _mm512_movepi32_mask(*entries);
            if pages == 0 {
                continue;
            }
            let (index, deciding) = page_slots(*entries, pages, rests);
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
    let (mut windows, mut lists) = (Aligned([0_u32; KEYS]), Aligned([0_u32; KEYS]));
    for (vector, (entries, [rest, rest_behind])) in entries.iter().zip(&rests).enumerate() {
        let lane = vector * VECTOR;
        let (lists, windows) = (lists.0.as_mut_ptr().wrapping_add(lane), windows.0.as_mut_ptr().wrapping_add(lane));
        let upper = |rest: __m512i| _mm512_srli_epi64::<WINDOW_BITS>(rest);
        // SAFETY: there are as many lanes as the vectors have, and vectors begin where they are aligned.
        unsafe { _mm512_store_si512(lists.cast(), *entries) };
        let window = narrowed(upper(*rest), upper(*rest_behind));
        // SAFETY: as above.
        unsafe { _mm512_store_si512(windows.cast(), window) };
    }
    for &list in &lists.0[..VECTORS * VECTOR] {
        columns.prefetch_list(list);
        if reach != Reach::SecondCache {
            columns.prefetch_list(list + HEAD_BYTES as u32 + 31);
        }
    }
    let of_first = header_of(0);
    let lanes = lists.0.iter().zip(&windows.0).zip(&dictionaries.0);
    for (lane, ((value, &key), ((&list, &window), &dictionary))) in values.iter_mut().zip(keys).zip(lanes).enumerate() {
        let width = if ONE || WIDTH != ANY_WIDTH { of_first.width } else { header_of(lane).width };
        // SAFETY: what is no page is a list of the table.
        let code = unsafe { columns.compared::<WIDTH>(list, window, usize::from(width)) };
        let code = code.unwrap_or_else(|| {
            // SAFETY: the list is a wide one of the table.
            unsafe { columns.wide(header_of(lane), list, key) }
        });
        // SAFETY: the code was in that list.
        *value = unsafe { columns.value_of(if ONE { of_first.dictionary } else { dictionary }, code) };
    }
}
