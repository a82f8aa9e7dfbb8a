//! [`Chosen`]: values that are chosen from registers in place of a gather.

use std::arch::x86_64::{
    __m512i, _mm512_cmpeq_epi32_mask, _mm512_mask_blend_epi32, _mm512_mask_mov_epi32, _mm512_maskz_loadu_epi32,
    _mm512_permutex2var_epi32, _mm512_set1_epi32, _mm512_sub_epi32, _mm512_test_epi32_mask,
};

use super::super::forest::block::FIRST_VALUE;
use super::super::table::NO_ROUTE;
use super::vectors::VECTOR;

/// Values that are chosen from vectors: those of the codes behind the miss, of the first dictionary alone.
#[derive(Clone, Copy)]
pub(super) struct Chosen([__m512i; 4]);

/// Values that vectors hold.
const CHOSEN: usize = 4 * VECTOR;
/// The first of them among all values: behind the miss.
const FIRST_CHOSEN: usize = FIRST_VALUE as usize + 1;

impl Chosen {
    /// Returns the values of a store, if they are no more than vectors hold.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) fn of(values: &[u32]) -> Option<Self> {
        let values = values.get(FIRST_CHOSEN..).filter(|values| values.len() <= CHOSEN)?;
        Some(Self([0, 1, 2, 3].map(|vector| {
            let values = values.get(vector * VECTOR..).unwrap_or_default();
            let mask = (1_u32 << values.len().min(VECTOR)).wrapping_sub(1) as u16;
            // SAFETY: as many numbers are loaded as are there.
            unsafe { _mm512_maskz_loadu_epi32(mask, values.as_ptr().cast()) }
        })))
    }

    /// Returns the values of sixteen codes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) fn values(&self, codes: __m512i) -> __m512i {
        let index = _mm512_sub_epi32(codes, _mm512_set1_epi32((FIRST_CHOSEN as u32).cast_signed()));
        let low = _mm512_permutex2var_epi32(self.0[0], index, self.0[1]);
        let high = _mm512_permutex2var_epi32(self.0[2], index, self.0[3]);
        let is_high = _mm512_test_epi32_mask(index, _mm512_set1_epi32(((2 * VECTOR) as u32).cast_signed()));
        let misses = _mm512_cmpeq_epi32_mask(codes, _mm512_set1_epi32(FIRST_VALUE.cast_signed()));
        let found = _mm512_mask_blend_epi32(is_high, low, high);
        _mm512_mask_mov_epi32(found, misses, _mm512_set1_epi32(NO_ROUTE.cast_signed()))
    }
}
