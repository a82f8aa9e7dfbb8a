//! [`LineVectors`]: lines with codes of one byte, written and checked with AVX-512.
//!
//! A line has a dozen boundaries or two, and nobody can foresee how many: a loop over them ends with a branch that is
//! foretold wrongly, and a line is written in several such loops and checked in more. Here thirty-two ranges are looked at
//! whatever a line has: two comparisons tell which of them are its own, and masks what of it is theirs.
//!
//! The portable twins are [`PartWriter`](super::super::forest::part) and the [check](super::check), with which all this is
//! compared.

use vrfleak_engine::Address;

use super::super::forest::line::{Format, LINE, Range};
use super::isa::Isa;

/// Slots that a run may have.
#[derive(Clone, Copy, Debug)]
pub(in crate::lpm) struct RunSlots {
    /// The number of the first: its leading `bits` bits.
    pub(in crate::lpm) first: u64,
    /// Leading bits that number the slots.
    pub(in crate::lpm) bits: u32,
    /// How many there may be at most.
    pub(in crate::lpm) most: u32,
}

/// Writes and checks lines. Whoever holds a value runs on a processor with the AVX-512 that [`Isa::avx512`] asks for.
#[derive(Clone, Copy, Debug)]
pub(in crate::lpm) struct LineVectors {
    isa: Isa,
}

impl LineVectors {
    /// Returns a value if this processor has the instructions.
    pub(in crate::lpm) fn new() -> Option<Self> {
        Isa::avx512().map(|isa| Self { isa })
    }

    /// Appends the line of the longest run of `slots` from the first on that one line serves, if it is one of IPv4 that has
    /// this format; `code` is in force up to the first of `ranges`. Returns how many slots the run has, and how many of
    /// the ranges.
    #[cfg(target_arch = "x86_64")]
    pub(in crate::lpm) fn append<A: Address>(
        self,
        bytes: &mut Vec<u8>,
        format: Format,
        slots: RunSlots,
        code: u8,
        ranges: &[Range<A>],
    ) -> Option<(u32, usize)> {
        debug_assert_ne!(self.isa, Isa::PORTABLE, "a processor with AVX-512");
        let ranges = x86::of_ipv4(ranges)?;
        // SAFETY: whoever holds `self` runs on a processor that has these instructions.
        let (line, len, count) = unsafe { x86::line(format, slots, code, ranges) }?;
        bytes.extend_from_slice(&line);
        Some((len, count))
    }

    /// Returns `None`: not this architecture.
    #[cfg(not(target_arch = "x86_64"))]
    pub(in crate::lpm) fn append<A: Address>(
        self,
        _bytes: &mut Vec<u8>,
        _format: Format,
        _slots: RunSlots,
        _code: u8,
        _ranges: &[Range<A>],
    ) -> Option<(u32, usize)> {
        None
    }

    /// Returns whether all codes of a line up to the last that a search may end at are among the first `codes` answers. Its
    /// boundaries have `size` bytes, `capacity` of them at most.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    pub(super) fn has_answers(self, line: &[u8; LINE], (size, capacity): (usize, usize), codes: u32) -> bool {
        debug_assert_ne!(self.isa, Isa::PORTABLE, "a processor with AVX-512");
        // SAFETY: whoever holds `self` runs on a processor that has these instructions.
        unsafe { x86::has_answers(line, (size, capacity), codes) }
    }

    /// Is not called: not this architecture.
    #[cfg(not(target_arch = "x86_64"))]
    pub(super) fn has_answers(self, _line: &[u8; LINE], (_size, _capacity): (usize, usize), _codes: u32) -> bool {
        false
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::any::TypeId;
    use std::arch::x86_64::{
        __m512i, _mm_cvtsi32_si128, _mm256_castsi128_si256, _mm256_inserti128_si256, _mm512_castsi256_si512,
        _mm512_cmpgt_epu8_mask, _mm512_cmple_epu32_mask, _mm512_cmpneq_epi8_mask, _mm512_cvtepi32_epi8,
        _mm512_cvtepi32_epi16, _mm512_inserti64x4, _mm512_loadu_si512, _mm512_mask_mov_epi8, _mm512_mask_mov_epi16,
        _mm512_mask_mov_epi32, _mm512_mask_permutexvar_epi8, _mm512_mask_set1_epi8, _mm512_maskz_loadu_epi64,
        _mm512_maskz_mov_epi32, _mm512_or_si512, _mm512_reduce_or_epi32, _mm512_set1_epi8, _mm512_set1_epi32,
        _mm512_sll_epi32, _mm512_srl_epi32, _mm512_storeu_si512, _mm512_sub_epi8, _mm512_sub_epi32,
    };

    use vrfleak_engine::Address;

    use super::super::super::forest::block::FIRST_VALUE;
    use super::super::super::forest::line::{Format, LINE, Range, Run};
    use super::super::super::forest::shape::depth;
    use super::super::vectors::{narrowed, upper_halves};
    use super::RunSlots;

    /// Ranges that are looked at: a line has one less at most.
    const SEEN: usize = 32;
    /// Ranges of a vector.
    const LOADED: usize = 8;

    /// Returns the ranges as those of IPv4 if that is what they are.
    #[inline]
    pub(super) fn of_ipv4<A: Address>(ranges: &[Range<A>]) -> Option<&[Range<u32>]> {
        if TypeId::of::<A>() != TypeId::of::<u32>() {
            return None;
        }
        // SAFETY: the types of the two are one and the same.
        Some(unsafe { &*(std::ptr::from_ref(ranges) as *const [Range<u32>]) })
    }

    /// By byte of a line: the range whose code it may be, the first of which has the last byte but one.
    static RANGE_OF: [u8; LINE] = {
        let mut range_of = [0; LINE];
        let mut at = 0;
        while at < LINE - 1 {
            range_of[at] = (LINE - 2 - at) as u8;
            at += 1;
        }
        range_of
    };

    /// Returns the line that [`append`](super::LineVectors::append) appends, and what it returns.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx2,bmi1,bmi2,popcnt")]
    pub(super) fn line(
        format: Format,
        slots: RunSlots,
        code: u8,
        ranges: &[Range<u32>],
    ) -> Option<([u8; LINE], u32, usize)> {
        let RunSlots { first, bits, most } = slots;
        let (size, capacity, shift) = (format.size(32), format.capacity(32, 1), 32 - bits);
        let mut end = first + u64::from(most);
        if let Some(behind) = ranges.get(capacity) {
            end = end.min(u64::from(behind.start) >> shift);
        }
        // What begins behind this address is none of the run's.
        let last = _mm512_set1_epi32(((end << shift).wrapping_sub(1) as u32).cast_signed());

        let seen = u32::MAX.unbounded_shr((SEEN - ranges.len().min(SEEN)) as u32);
        let vectors: [__m512i; SEEN / LOADED] = std::array::from_fn(|vector| {
            let from = ranges.as_ptr().wrapping_add(LOADED * vector).cast();
            // SAFETY: of the memory beyond the ranges nothing is loaded.
            unsafe { _mm512_maskz_loadu_epi64((seen >> (LOADED * vector)) as u8, from) }
        });
        let [a, b, c, d] = vectors;
        let (starts, more_starts) = (narrowed(a, b), narrowed(c, d));
        let (codes, more_codes) = (upper_halves(a, b), upper_halves(c, d));

        let [inside, more_inside] = [starts, more_starts].map(|starts| _mm512_cmple_epu32_mask(starts, last));
        let inside = (u32::from(inside) | u32::from(more_inside) << 16) & seen;
        let count = inside.count_ones() as usize;
        let all = _mm512_or_si512(
            _mm512_maskz_mov_epi32(inside as u16, starts),
            _mm512_maskz_mov_epi32((inside >> 16) as u16, more_starts),
        );
        let all = _mm512_reduce_or_epi32(all).cast_unsigned();
        let slot = u64::from(ranges[..count].last()?.start) >> shift;
        let run = Run::of((slot - first) as u32 + 1);
        let deepest = depth(all).max(bits);
        if Format::holding(32, deepest - bits + run.bits()) != Some(format) || count > capacity {
            return None;
        }

        let origin = _mm512_set1_epi32(((first << shift) as u32).cast_signed());
        let skipped = _mm_cvtsi32_si128((bits - run.bits()).cast_signed());
        let rest = _mm_cvtsi32_si128((32 - 8 * size as u32).cast_signed());
        let [words, more_words] = [starts, more_starts].map(|starts| {
            let windows = _mm512_srl_epi32(_mm512_sll_epi32(_mm512_sub_epi32(starts, origin), skipped), rest);
            _mm512_sub_epi32(windows, _mm512_set1_epi32(1))
        });
        let ones = _mm512_set1_epi8(-1);
        let boundaries = match size {
            1 => {
                let bytes = bytes_of(words, more_words);
                _mm512_mask_mov_epi8(ones, u64::from(inside), bytes)
            }
            2 => {
                let lower = _mm512_castsi256_si512(_mm512_cvtepi32_epi16(words));
                let all = _mm512_inserti64x4::<1>(lower, _mm512_cvtepi32_epi16(more_words));
                _mm512_mask_mov_epi16(ones, inside, all)
            }
            _ => _mm512_mask_mov_epi32(ones, inside as u16, words),
        };
        // SAFETY: the numbers are there.
        let range_of = unsafe { _mm512_loadu_si512(RANGE_OF.as_ptr().cast()) };
        let is_code = (u64::MAX >> 1) & u64::MAX << (LINE - 1 - count);
        let line = _mm512_mask_permutexvar_epi8(boundaries, is_code, range_of, bytes_of(codes, more_codes));
        let line = _mm512_mask_set1_epi8(line, 1 << (LINE - 1), code.cast_signed());
        let mut bytes = [0; LINE];
        // SAFETY: a vector is as long as a line.
        unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), line) };
        Some((bytes, (slot - first) as u32 + 1, count))
    }

    /// Returns the last byte of each of thirty-two numbers; behind them may be anything.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2")]
    fn bytes_of(numbers: __m512i, more: __m512i) -> __m512i {
        let lower = _mm256_castsi128_si256(_mm512_cvtepi32_epi8(numbers));
        _mm512_castsi256_si512(_mm256_inserti128_si256::<1>(lower, _mm512_cvtepi32_epi8(more)))
    }

    /// Returns what [`has_answers`](super::LineVectors::has_answers) returns.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx2,bmi1,bmi2,popcnt")]
    pub(super) fn has_answers(line: &[u8; LINE], (size, capacity): (usize, usize), codes: u32) -> bool {
        // SAFETY: a vector is as long as a line.
        let line = unsafe { _mm512_loadu_si512(line.as_ptr().cast()) };
        let used = _mm512_cmpneq_epi8_mask(line, _mm512_set1_epi8(-1)) & ((1 << (size * capacity)) - 1);
        let bytes = u64::BITS - used.leading_zeros();
        // No division by what a compiler does not know.
        let count = match size {
            1 => bytes,
            2 => bytes.div_ceil(2),
            3 => bytes.div_ceil(3),
            _ => bytes.div_ceil(4),
        };
        let most = (codes - 1).min(u32::from(u8::MAX - FIRST_VALUE as u8)) as u8;
        let answers = _mm512_sub_epi8(line, _mm512_set1_epi8(FIRST_VALUE as i8));
        let others = _mm512_cmpgt_epu8_mask(answers, _mm512_set1_epi8(most.cast_signed()));
        others >> (LINE as u32 - 1 - count) == 0
    }
}
