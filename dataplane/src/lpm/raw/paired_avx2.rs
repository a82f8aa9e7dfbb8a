//! The walk of one table of pairs with AVX2: eight keys a vector, a level two gathers of four pairs each.
//!
//! It is the walk with [AVX-512](super::paired_gathers) in vectors of half the size, without masks and without an instruction that
//! counts the bits of each lane. Lanes are in the order in which shuffles take the halves of pairs apart: the first
//! vector of pairs has those of keys 0, 1, 4 and 5.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_cvtsi64_si128, _mm_loadu_si128, _mm256_add_epi8, _mm256_add_epi32, _mm256_and_si256,
    _mm256_andnot_si256, _mm256_blendv_ps, _mm256_castpd_si256, _mm256_castps_si256, _mm256_castsi128_si256,
    _mm256_castsi256_pd, _mm256_castsi256_ps, _mm256_castsi256_si128, _mm256_cmpeq_epi32, _mm256_extracti128_si256,
    _mm256_i32gather_epi64, _mm256_inserti128_si256, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16,
    _mm256_mask_i32gather_epi32, _mm256_mask_i32gather_epi64, _mm256_min_epu32, _mm256_movemask_ps,
    _mm256_permute4x64_epi64, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setr_epi8,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_shuffle_ps, _mm256_sll_epi32, _mm256_sll_epi64,
    _mm256_slli_epi32, _mm256_sllv_epi32, _mm256_srl_epi32, _mm256_srl_epi64, _mm256_srli_epi16, _mm256_srli_epi32,
    _mm256_storeu_si256, _mm256_sub_epi32, _mm256_unpackhi_pd, _mm256_xor_si256,
};

use vrfleak_engine::Address;

use super::super::forest::pairs::{PAIR, PAIR_BITS};
use super::super::forest::shape::{BEGIN, PAIRED_LEVELS};
use super::columns::{Columns, prefetch_ahead};
use super::store::Header;

/// Keys of a vector.
const VECTOR: usize = 8;
/// Vectors that are walked together.
const VECTORS: usize = 4;
/// Keys that are walked together.
const GROUP: usize = VECTORS * VECTOR;
/// As many bytes less lie the codes of a pair than its number says, for each byte of a code, since vectors take the bit of the sign for
/// part of it.
const SIGN: usize = 1 << 31;

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

/// Returns a number eight times.
#[inline]
#[target_feature(enable = "avx2")]
fn number(number: u32) -> __m256i {
    _mm256_set1_epi32(number.cast_signed())
}

/// Returns the low halves of eight numbers of 64 bits if `HIGH` is 0x88, the high ones if it is 0xdd.
#[inline]
#[target_feature(enable = "avx2")]
fn halves<const WHICH: i32>([low, high]: [__m256i; 2]) -> __m256i {
    _mm256_castps_si256(_mm256_shuffle_ps::<WHICH>(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high)))
}

/// Which halves [`halves`] returns.
const LOW: i32 = 0x88;
const HIGH: i32 = 0xdd;

/// Returns the numbers of the keys in each of the two vectors of pairs.
#[inline]
#[target_feature(enable = "avx2")]
fn apart(numbers: __m256i) -> [__m128i; 2] {
    let numbers = _mm256_permute4x64_epi64::<0b11_01_10_00>(numbers);
    [_mm256_castsi256_si128(numbers), _mm256_extracti128_si256::<1>(numbers)]
}

/// Returns how many bits of each number are set.
#[inline]
#[target_feature(enable = "avx2")]
fn bit_counts(numbers: __m256i) -> __m256i {
    let counts = _mm256_setr_epi8(
        0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
    );
    let nibble = _mm256_set1_epi8(15);
    let low = _mm256_shuffle_epi8(counts, _mm256_and_si256(numbers, nibble));
    let high = _mm256_shuffle_epi8(counts, _mm256_and_si256(_mm256_srli_epi16::<4>(numbers), nibble));
    let bytes = _mm256_maddubs_epi16(_mm256_add_epi8(low, high), _mm256_set1_epi8(1));
    _mm256_madd_epi16(bytes, _mm256_set1_epi16(1))
}

/// Returns the first 64 bits of eight keys, those of the first vector of pairs first.
#[inline]
#[target_feature(enable = "avx2")]
fn tops(keys: &[u128; VECTOR]) -> [__m256i; 2] {
    let both = |low: usize| {
        // SAFETY: a key is 16 bytes.
        let [low, high] = [low, low + 4].map(|at| unsafe { _mm_loadu_si128((&raw const keys[at]).cast()) });
        _mm256_castsi256_pd(_mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high))
    };
    [0, 2].map(|at| _mm256_castpd_si256(_mm256_unpackhi_pd(both(at), both(at + 1))))
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
        let behind = _mm256_blendv_ps(
            _mm256_castsi256_ps(behind),
            _mm256_castsi256_ps(walked.behind),
            _mm256_castsi256_ps(firsts),
        );
        Walked { pairs: [low, high], behind: _mm256_castps_si256(behind) }
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
        // SAFETY: a node with codes has one for every bit of its bitmap, of which bit 0 is set, so that there is one to count, and there
        // are bytes behind the last one, so that four may be loaded. Other lanes load nothing.
        let codes = unsafe {
            if WIDTH == 1 {
                _mm256_mask_i32gather_epi32::<1>(firsts, before, numbers, coded)
            } else {
                _mm256_mask_i32gather_epi32::<2>(firsts, before, numbers, coded)
            }
        };
        let codes = _mm256_and_si256(codes, number(if WIDTH == 1 { 0xff } else { 0xffff }));
        let (index, all) = (_mm256_add_epi32(self.dictionary, codes), self.columns.values().cast());
        // SAFETY: every code of a table has a value from the table's dictionary on; other lanes load nothing.
        let values = unsafe { _mm256_mask_i32gather_epi32::<4>(none, all, index, firsts) };
        (values, _mm256_movemask_ps(_mm256_castsi256_ps(firsts)).cast_unsigned())
    }

    /// Walks [`GROUP`] keys, and returns a bit for each that has its value.
    ///
    /// # Safety
    /// As [`paired`].
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn group<A: Address, const WIDTH: usize>(self, keys: &[A; GROUP], values: &mut [u32; GROUP]) -> u32 {
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
            if _mm256_movemask_ps(_mm256_castsi256_ps(last)) & 0b1010_1010 == 0b1010_1010 {
                break;
            }
        }
        let mut done = 0;
        for (vector, values) in values.as_chunks_mut::<VECTOR>().0.iter_mut().enumerate() {
            // SAFETY: as above.
            let (found, of_vector) = unsafe { self.values::<WIDTH>(walked[vector]) };
            // SAFETY: eight values are a vector.
            unsafe { _mm256_storeu_si256(values.as_mut_ptr().cast(), found) };
            done |= of_vector << (vector * VECTOR);
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
        let mut left = !unsafe { table.group::<A, WIDTH>(keys, values) };
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
