//! Eight numbers of 32 bits in a vector of AVX2, and what its instructions lack.
//!
//! Numbers of 64 bits come as two vectors, in the order in which a shuffle takes their halves apart: the first vector has those of keys 0,
//! 1, 4 and 5.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_loadu_si128, _mm256_add_epi8, _mm256_and_si256, _mm256_blendv_ps, _mm256_castpd_si256,
    _mm256_castps_si256, _mm256_castsi128_si256, _mm256_castsi256_pd, _mm256_castsi256_ps, _mm256_castsi256_si128,
    _mm256_extracti128_si256, _mm256_inserti128_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_movemask_ps,
    _mm256_permute4x64_epi64, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setr_epi8,
    _mm256_shuffle_epi8, _mm256_shuffle_ps, _mm256_srli_epi16, _mm256_unpackhi_pd,
};

/// Keys of a vector.
pub(super) const VECTOR: usize = 8;

/// Returns a number eight times.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn number(number: u32) -> __m256i {
    _mm256_set1_epi32(number.cast_signed())
}

/// Returns those halves of eight numbers of 64 bits that `WHICH` says, [`LOW`] or [`HIGH`].
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn halves<const WHICH: i32>([low, high]: [__m256i; 2]) -> __m256i {
    _mm256_castps_si256(_mm256_shuffle_ps::<WHICH>(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high)))
}

/// Which halves [`halves`] returns.
pub(super) const LOW: i32 = 0x88;
pub(super) const HIGH: i32 = 0xdd;

/// Returns the numbers whose keys are in the first of two vectors of 64 bits, and in the second.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn apart(numbers: __m256i) -> [__m128i; 2] {
    let numbers = _mm256_permute4x64_epi64::<0b11_01_10_00>(numbers);
    [_mm256_castsi256_si128(numbers), _mm256_extracti128_si256::<1>(numbers)]
}

/// Returns how many bits of each number are set.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn bit_counts(numbers: __m256i) -> __m256i {
    let counts = _mm256_setr_epi8(
        0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
    );
    let nibble = _mm256_set1_epi8(15);
    let low = _mm256_shuffle_epi8(counts, _mm256_and_si256(numbers, nibble));
    let high = _mm256_shuffle_epi8(counts, _mm256_and_si256(_mm256_srli_epi16::<4>(numbers), nibble));
    let bytes = _mm256_maddubs_epi16(_mm256_add_epi8(low, high), _mm256_set1_epi8(1));
    _mm256_madd_epi16(bytes, _mm256_set1_epi16(1))
}

/// Returns `others` where the sign of `which` is set, `numbers` elsewhere.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn select(which: __m256i, numbers: __m256i, others: __m256i) -> __m256i {
    let [which, numbers, others] = [which, numbers, others].map(|vector| _mm256_castsi256_ps(vector));
    _mm256_castps_si256(_mm256_blendv_ps(numbers, others, which))
}

/// Returns a bit for each number, its sign.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn signs(numbers: __m256i) -> u32 {
    _mm256_movemask_ps(_mm256_castsi256_ps(numbers)).cast_unsigned()
}

/// Returns the first 64 bits of eight IPv6 addresses.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn tops(keys: &[u128; VECTOR]) -> [__m256i; 2] {
    let both = |low: usize| {
        // SAFETY: a key is 16 bytes.
        let [low, high] = [low, low + 4].map(|at| unsafe { _mm_loadu_si128((&raw const keys[at]).cast()) });
        _mm256_castsi256_pd(_mm256_inserti128_si256::<1>(_mm256_castsi128_si256(low), high))
    };
    [0, 2].map(|at| _mm256_castpd_si256(_mm256_unpackhi_pd(both(at), both(at + 1))))
}
