//! The walk of one table of pairs with AVX2: eight keys a vector, a level two gathers of four pairs each.
//!
//! It is the walk with [AVX-512](super::paired_gathers) in vectors of half the size, without masks and without an instruction that
//! counts the bits of each lane.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_cvtsi64_si128, _mm256_add_epi32, _mm256_and_si256, _mm256_andnot_si256, _mm256_cmpeq_epi32,
    _mm256_i32gather_epi64, _mm256_loadu_si256, _mm256_mask_i32gather_epi32, _mm256_mask_i32gather_epi64,
    _mm256_min_epu32, _mm256_setzero_si256, _mm256_sll_epi32, _mm256_sll_epi64, _mm256_slli_epi32, _mm256_sllv_epi32,
    _mm256_srl_epi32, _mm256_srl_epi64, _mm256_srli_epi32, _mm256_storeu_si256, _mm256_sub_epi32, _mm256_xor_si256,
};

use vrfleak_engine::Address;

use super::super::forest::pairs::{PAIR, PAIR_BITS};
use super::super::forest::shape::{BEGIN, PAIRED_LEVELS};
use super::columns::{Columns, prefetch_ahead};
use super::octets::{HIGH, LOW, VECTOR, apart, bit_counts, halves, number, select, signs, tops};
use super::paired_gathers::SIGN;
use super::store::Header;

/// Vectors that are walked together.
const VECTORS: usize = 4;
/// Keys that are walked together.
const GROUP: usize = VECTORS * VECTOR;

/// The signs of four pairs among those of the numbers that they are made of.
const PAIR_SIGNS: u32 = 0b1010_1010;

/// The pairs that eight keys have come to.
#[derive(Clone, Copy)]
struct Walked {
    pairs: [__m256i; 2],
    /// The other bits of what keys have behind their pair's first bit.
    behind: __m256i,
}

/// What a vector needs of the table.
#[derive(Clone, Copy)]
struct Table {
    columns: Columns,
    /// Where it begins.
    from: *const u8,
    /// Bits that its root decides, and by how many keys are shifted to be a slot, in 32 or 64.
    bits: __m128i,
    shift: __m128i,
    first: __m256i,
    len: __m256i,
    dictionary: __m256i,
}

impl Table {
    /// Begins eight keys.
    ///
    /// # Safety
    /// The table is one of pairs of the store.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn begin<A: Address>(self, keys: &[A; VECTOR]) -> Walked {
        let (slots, rests) = if A::BITS == 32 {
            // SAFETY: eight keys of 32 bits are a vector.
            let keys = unsafe { _mm256_loadu_si256(keys.as_ptr().cast()) };
            (_mm256_srl_epi32(keys, self.shift), _mm256_sll_epi32(keys, self.bits))
        } else {
            // SAFETY: other addresses have 128 bits.
            let tops = tops(unsafe { &*keys.as_ptr().cast() });
            let slots = tops.map(|top| _mm256_srl_epi64(top, self.shift));
            (halves::<LOW>(slots), halves::<HIGH>(tops.map(|top| _mm256_sll_epi64(top, self.bits))))
        };
        let slots = _mm256_min_epu32(_mm256_sub_epi32(slots, self.first), self.len);
        // SAFETY: a root has `len + 1` pairs where its table begins.
        let pairs = apart(slots).map(|slots| unsafe { _mm256_i32gather_epi64::<8>(self.from.cast(), slots) });
        Walked { pairs, behind: _mm256_xor_si256(rests, number(u32::MAX)) }
    }

    /// Returns the bitmaps of eight pairs, their second halves, and the number of each key's run, counted from 1 on.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn runs(walked: Walked) -> (__m256i, __m256i, __m256i) {
        let (bitmaps, firsts) = (halves::<LOW>(walked.pairs), halves::<HIGH>(walked.pairs));
        let after = _mm256_srli_epi32::<{ 32 - PAIR_BITS as i32 }>(walked.behind);
        (bitmaps, firsts, bit_counts(_mm256_sllv_epi32(bitmaps, after)))
    }

    /// Walks eight keys a level further, those whose pairs have pairs below.
    ///
    /// # Safety
    /// The pairs are of the table.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn step(self, walked: Walked) -> Walked {
        let (_, firsts, runs) = Self::runs(walked);
        let [low, high] = apart(_mm256_add_epi32(firsts, runs));
        // Where the pair before the first one lies, as runs are counted from 1 on.
        let before = self.from.wrapping_sub(PAIR).cast();
        // The sign says of a pair that there are none below.
        let going = walked.pairs.map(|pair| _mm256_xor_si256(pair, number(u32::MAX)));
        // SAFETY: a pair without codes has another one for every bit of its bitmap, of which bit 0 is set, so that there is one to
        // count. Other lanes load nothing.
        let low = unsafe { _mm256_mask_i32gather_epi64::<8>(walked.pairs[0], before, low, going[0]) };
        // SAFETY: as above.
        let high = unsafe { _mm256_mask_i32gather_epi64::<8>(walked.pairs[1], before, high, going[1]) };
        let behind = _mm256_slli_epi32::<{ PAIR_BITS as i32 }>(walked.behind);
        Walked { pairs: [low, high], behind: select(firsts, behind, walked.behind) }
    }

    /// Returns the values of eight keys, and a bit for each whose pair has none below, which have theirs.
    ///
    /// # Safety
    /// The pairs are of the table, whose codes have `WIDTH` bytes. There are at most 2^31 values.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn values<const WIDTH: usize>(self, walked: Walked) -> (__m256i, u32) {
        let (bitmaps, firsts, runs) = Self::runs(walked);
        let none = _mm256_setzero_si256();
        let coded = _mm256_andnot_si256(_mm256_cmpeq_epi32(bitmaps, none), firsts);
        let numbers = _mm256_add_epi32(firsts, runs);
        let before = self.from.wrapping_add(WIDTH * SIGN).wrapping_sub(WIDTH).cast();
        let codes = if WIDTH == 1 {
            // SAFETY: a node with codes has one for every bit of its bitmap, of which bit 0 is set, so that there is one to count, and
            // there are bytes behind the last one, so that four may be loaded. Other lanes load nothing.
            unsafe { _mm256_mask_i32gather_epi32::<1>(firsts, before, numbers, coded) }
        } else {
            // SAFETY: as above.
            unsafe { _mm256_mask_i32gather_epi32::<2>(firsts, before, numbers, coded) }
        };
        let codes = _mm256_and_si256(codes, number(if WIDTH == 1 { 0xff } else { 0xffff }));
        let (index, all) = (_mm256_add_epi32(self.dictionary, codes), self.columns.values().cast());
        // SAFETY: every code of a table has a value from the table's dictionary on; other lanes load nothing.
        let values = unsafe { _mm256_mask_i32gather_epi32::<4>(none, all, index, firsts) };
        (values, signs(firsts))
    }

    /// Walks [`GROUP`] keys, and returns a bit for each that has its value.
    ///
    /// # Safety
    /// As [`paired`].
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn group<A: Address, const WIDTH: usize>(self, keys: &[A; GROUP], values: &mut [u32; GROUP]) -> u64 {
        let keys = keys.as_chunks().0;
        // SAFETY: the caller's promise.
        let mut walked: [Walked; VECTORS] = std::array::from_fn(|vector| unsafe { self.begin(&keys[vector]) });
        for _ in 1..PAIRED_LEVELS {
            let mut last = number(u32::MAX);
            for walked in &mut walked {
                // SAFETY: as above.
                *walked = unsafe { self.step(*walked) };
                last = _mm256_and_si256(last, _mm256_and_si256(walked.pairs[0], walked.pairs[1]));
            }
            if signs(last) & PAIR_SIGNS == PAIR_SIGNS {
                break;
            }
        }
        let mut done = 0;
        for (vector, values) in values.as_chunks_mut::<VECTOR>().0.iter_mut().enumerate() {
            // SAFETY: as above.
            let (found, of_vector) = unsafe { self.values::<WIDTH>(walked[vector]) };
            // SAFETY: eight values are a vector.
            unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), found) };
            done |= u64::from(of_vector) << (vector * VECTOR);
        }
        done
    }
}

/// Walks all `keys` through the table of pairs of `header`.
///
/// # Safety
/// The header is one of a table of pairs of the store whose columns these are; its codes have `WIDTH` bytes, 1 or 2. There is a value a key,
/// and there are at most 2^31 values.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
pub(super) unsafe fn paired<A: Address, const WIDTH: usize>(
    columns: Columns,
    header: &Header,
    keys: &[A],
    values: &mut [u32],
) {
    let bits = 64 - i64::from(header.shift);
    let table = Table {
        columns,
        from: columns.blocks.wrapping_add(header.root as usize * BEGIN),
        bits: _mm_cvtsi64_si128(bits),
        shift: _mm_cvtsi64_si128(if A::BITS == 32 { 32 - bits } else { 64 - bits }),
        first: number(header.first as u32),
        len: number(header.len),
        dictionary: number(header.dictionary),
    };
    let (groups, rest) = keys.as_chunks::<GROUP>();
    let (value_groups, value_rest) = values.as_chunks_mut::<GROUP>();
    for (keys, values) in groups.iter().zip(value_groups) {
        prefetch_ahead(keys);
        prefetch_ahead(values);
        // SAFETY: the caller's promise.
        let mut left = !unsafe { table.group::<A, WIDTH>(keys, values) } & (u64::MAX >> (64 - GROUP));
        while left != 0 {
            let lane = left.trailing_zeros() as usize;
            // SAFETY: the header is the store's.
            values[lane] = unsafe { columns.value_in(header, keys[lane]) };
            left &= left - 1;
        }
    }
    for (&key, value) in rest.iter().zip(value_rest) {
        // SAFETY: as above.
        *value = unsafe { columns.value_in(header, key) };
    }
}
