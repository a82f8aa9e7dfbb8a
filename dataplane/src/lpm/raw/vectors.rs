//! The walk of sparse tables with AVX-512: sixteen keys a vector, eight vectors a group.
//!
//! Roots and pages are gathered, since each is one load of four bytes at an index that vectors compute; on Zen 5 a gather
//! takes 1.3 cycles a key while the table is in the L2. Windows are computed sixteen at a time. Then a line is one load: a
//! byte permutation makes its boundaries numbers of 16 or 32 bits, one comparison and a bit count tell the place of the
//! window among them. Lines are asked for a group at a time, before the first is searched.

use std::arch::x86_64::{
    __m128i, __m512i, _mm_load_si128, _mm_storeu_si128, _mm512_add_epi32, _mm512_and_si512, _mm512_castsi128_si512,
    _mm512_castsi512_si256, _mm512_cmpeq_epi32_mask, _mm512_cmplt_epu16_mask, _mm512_cmplt_epu32_mask,
    _mm512_cvtepi32_epi8, _mm512_cvtepu32_epi64, _mm512_i32gather_epi32, _mm512_inserti32x4, _mm512_load_si512,
    _mm512_loadu_si512, _mm512_mask_i32gather_epi32, _mm512_maskz_compress_epi32, _mm512_maskz_permutexvar_epi32,
    _mm512_maskz_set1_epi32, _mm512_min_epu32, _mm512_movepi32_mask, _mm512_or_si512, _mm512_permutex2var_epi8,
    _mm512_permutex2var_epi32, _mm512_permutex2var_epi64, _mm512_permutexvar_epi32, _mm512_set_epi64,
    _mm512_set1_epi16, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_setr_epi32, _mm512_setzero_si512,
    _mm512_slli_epi32, _mm512_sllv_epi32, _mm512_sllv_epi64, _mm512_srli_epi32, _mm512_srlv_epi32, _mm512_srlv_epi64,
    _mm512_store_si512, _mm512_sub_epi32, _mm512_sub_epi64, _mm512_testn_epi32_mask, _mm512_unpackhi_epi32,
    _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};
use std::marker::PhantomData;

use vrfleak_engine::Address;

use super::super::forest::line::{Format, LINE, LINE_BITS, RUN_SHIFT, separator_size};
use super::super::table::TableId;
use super::columns::{ANY_WIDTH, Columns, load_code_before, prefetch};
use super::part::MOST_ENTRIES;
use super::store::Header;

/// Keys of a vector.
pub(super) const VECTOR: usize = 16;
/// Most keys walked together.
pub(super) const KEYS: usize = 8 * VECTOR;

/// What of a store is so far away that it is worth asking for before it is loaded. Lines always are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lpm) struct Far {
    /// Roots and pages: they fit no cache. Asking for them costs a tenth where one has them.
    pub(in crate::lpm) nodes: bool,
    /// Values: where each table has a dictionary of its own, the second cache does not have them.
    pub(in crate::lpm) values: bool,
}

impl Far {
    /// Returns what is far on processors of today, whose last cache has 16 MiB or more, of a store with so many bytes of
    /// roots, pages and lines, and of values.
    pub(super) fn of(nodes: usize, values: usize) -> Self {
        Self { nodes: nodes >= 1 << 24, values: values >= 1 << 18 }
    }
}

/// Numbers that vectors load.
#[repr(align(64))]
pub(super) struct Aligned<T, const N: usize>(pub(super) [T; N]);

/// By the width of codes, as a power of two, and format: where in a line each byte of the numbers comes from that are
/// compared with a window, the highest byte of a number from the last of a boundary; 64 is a byte of all ones.
type Spreads = [[Aligned<u8, LINE>; 4]; 3];

/// Returns the spreads of a family.
const fn spreads(family: u8) -> Spreads {
    let mut all = [const { [const { Aligned([LINE as u8; LINE]) }; 4] }; 3];
    let mut log = 0;
    while log < 3 {
        let mut which = 0;
        while which < Format::ALL.len() {
            let format = Format::ALL[which];
            let number_size = if format.is_short(family) { 2 } else { 4 };
            let (size, capacity) = (format.size(family), format.capacity(family, 1 << log));
            let mut number = 0;
            while number < capacity {
                let mut byte = 0;
                while byte < size {
                    let to = number_size * (number + 1) - size + byte;
                    all[log][format.number()].0[to] = (number * size + byte) as u8;
                    byte += 1;
                }
                number += 1;
            }
            which += 1;
        }
        log += 1;
    }
    all
}

static SPREADS: [Spreads; 2] = [spreads(32), spreads(128)];

/// By the run in an entry: how many bits of a window number the slot.
static RUN_BITS: Aligned<u32, VECTOR> = Aligned([0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3]);

/// Returns the lower eight numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn low(numbers: __m512i) -> __m512i {
    _mm512_cvtepu32_epi64(_mm512_castsi512_si256(numbers))
}

/// Returns the upper eight numbers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn high(numbers: __m512i) -> __m512i {
    let upper = _mm512_setr_epi32(8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15);
    _mm512_maskz_permutexvar_epi32(0x5555, upper, numbers)
}

/// Returns sixteen numbers, each the lower half of one of these.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn narrowed(low: __m512i, high: __m512i) -> __m512i {
    let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    _mm512_permutex2var_epi32(low, even, high)
}

/// Returns sixteen numbers, each the upper half of one of these.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn upper_halves(low: __m512i, high: __m512i) -> __m512i {
    let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    _mm512_permutex2var_epi32(low, odd, high)
}

/// What the first halves of sixteen headers say, a vector each.
pub(super) struct Roots {
    pub(super) root: __m512i,
    pub(super) first: __m512i,
    pub(super) len_shift: __m512i,
    pub(super) dictionary: __m512i,
}

impl Roots {
    /// Returns the same header sixteen times.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) fn all(header: &Header) -> Self {
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
    pub(super) fn of(headers: &[Header], tables: &[TableId; VECTOR]) -> Self {
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

    /// Returns the code of the line at the offset `line` for `window`, found among numbers of 16 bits if `SHORT`, else of
    /// 32. `spread` is where that of the line's format begins among the family's for codes of a byte; codes have `width`
    /// bytes.
    ///
    /// # Safety
    /// `line` is the offset of a line of the store's of that format, which is a short one if `SHORT`, with codes of `width`
    /// bytes, which is `WIDTH` if that is a width.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi1,bmi2,popcnt")]
    unsafe fn compared<const WIDTH: usize, const SHORT: bool>(
        self,
        spreads: &Spreads,
        (line, spread): (u32, u32),
        window: u32,
        width: usize,
    ) -> u32 {
        let width = if WIDTH == ANY_WIDTH { width } else { WIDTH };
        // SAFETY: a line is within the store's blocks.
        let start = unsafe { self.blocks.add(line as usize) };
        #[expect(clippy::cast_ptr_alignment, reason = "an unaligned load")]
        // SAFETY: a line has 64 bytes.
        let bytes = unsafe { _mm512_loadu_si512(start.cast::<__m512i>()) };
        let of_width = std::ptr::from_ref(&spreads[width.trailing_zeros() as usize & 3]).cast::<u8>();
        // SAFETY: a format has its spread among those of its width.
        let spread = unsafe { of_width.add(spread as usize) };
        #[expect(clippy::cast_ptr_alignment, reason = "spreads are aligned to a vector")]
        // SAFETY: as above.
        let spread = unsafe { _mm512_load_si512(spread.cast::<__m512i>()) };
        let numbers = _mm512_permutex2var_epi8(bytes, spread, _mm512_set1_epi32(-1));
        let below = if SHORT {
            _mm512_cmplt_epu16_mask(numbers, _mm512_set1_epi16((window >> 16) as i16)).count_ones()
        } else {
            _mm512_cmplt_epu32_mask(numbers, _mm512_set1_epi32(window.cast_signed())).count_ones()
        };
        // SAFETY: a line has a code more than boundaries that are not all ones, the first at its end.
        let end = unsafe { start.add(LINE - width * below as usize) };
        // SAFETY: as above, and no line has room for codes in its first three bytes.
        unsafe { load_code_before::<WIDTH>(end, width) }
    }

    /// Returns the offset of the line that a key with `window` comes to in the fan at the offset `fan`.
    ///
    /// # Safety
    /// `fan` is the offset of a fan of the store's.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,bmi1,bmi2,popcnt")]
    unsafe fn fan<A: Address>(self, fan: u32, window: u32) -> u32 {
        // SAFETY: a fan is within the store's blocks.
        let start = unsafe { self.blocks.add(fan as usize) };
        #[expect(clippy::cast_ptr_alignment, reason = "an unaligned load")]
        // SAFETY: a fan has 64 bytes.
        let separators = unsafe { _mm512_loadu_si512(start.cast::<__m512i>()) };
        let below = if separator_size(A::BITS) == 2 {
            _mm512_cmplt_epu16_mask(separators, _mm512_set1_epi16((window >> 16) as i16)).count_ones()
        } else {
            _mm512_cmplt_epu32_mask(separators, _mm512_set1_epi32(window.cast_signed())).count_ones()
        };
        fan + (1 + below) * LINE as u32
    }
}

/// The first bits of sixteen keys that are not looked at yet, left-aligned: of IPv4 keys a vector, of IPv6 keys two with
/// eight times the first 64.
#[derive(Clone, Copy)]
pub(super) struct Rests<A>(pub(super) [__m512i; 2], PhantomData<A>);

impl<A: Address> Rests<A> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) fn none() -> Self {
        Self([_mm512_setzero_si512(); 2], PhantomData)
    }

    /// Returns all bits of `keys`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) fn of(keys: &[A; VECTOR]) -> Self {
        let keys = keys.as_ptr().cast::<__m512i>();
        // SAFETY: the keys are one vector of 32-bit numbers or four of 128-bit ones: no other type is an address.
        let load = |vector: usize| unsafe { _mm512_loadu_si512(keys.wrapping_add(vector).cast()) };
        if A::BITS == 32 {
            return Self([load(0), _mm512_setzero_si512()], PhantomData);
        }
        let upper = _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1);
        Self([0, 2].map(|vector| _mm512_permutex2var_epi64(load(vector), upper, load(vector + 1))), PhantomData)
    }

    /// Returns the first bits as numbers, as many of each as `bits` says, which are 1 to 32 or none: then the number is 0.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) fn first(&self, bits: __m512i) -> __m512i {
        if A::BITS == 32 {
            return _mm512_srlv_epi32(self.0[0], _mm512_sub_epi32(_mm512_set1_epi32(32), bits));
        }
        let all = _mm512_set1_epi64(64);
        let half = |half: usize, bits: __m512i| _mm512_srlv_epi64(self.0[half], _mm512_sub_epi64(all, bits));
        narrowed(half(0, low(bits)), half(1, high(bits)))
    }

    /// Takes `bits` bits off each.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) fn skip(&mut self, bits: __m512i) {
        if A::BITS == 32 {
            self.0[0] = _mm512_sllv_epi32(self.0[0], bits);
        } else {
            self.0 = [_mm512_sllv_epi64(self.0[0], low(bits)), _mm512_sllv_epi64(self.0[1], high(bits))];
        }
    }

    /// Returns the windows of 32 bits, each for a slot of the run that an entry names: the last `bits` bits of `runs`, then
    /// these.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn windows(&self, runs: __m512i, bits: __m512i) -> __m512i {
        // A shift by 32 leaves nothing.
        let slots = _mm512_sllv_epi32(runs, _mm512_sub_epi32(_mm512_set1_epi32(32), bits));
        let rests = if A::BITS == 32 { self.0[0] } else { upper_halves(self.0[0], self.0[1]) };
        _mm512_or_si512(_mm512_srlv_epi32(rests, bits), slots)
    }
}

/// Returns for the lanes in `pages`, whose `entries` name pages, the indices of the entries that keys with these `rests`
/// find there, and for all lanes the bits that their page decides: none without one.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn page_slots<A: Address>(entries: __m512i, pages: u16, rests: &Rests<A>) -> (__m512i, __m512i) {
    let deciding = _mm512_and_si512(_mm512_srli_epi32::<27>(entries), _mm512_maskz_set1_epi32(pages, 15));
    let first = _mm512_and_si512(entries, _mm512_set1_epi32((MOST_ENTRIES - 1).cast_signed()));
    (_mm512_add_epi32(rests.first(deciding), first), deciding)
}

/// Lanes of a group that something is left to do for, in their order.
pub(super) struct Left {
    lanes: [u8; KEYS + VECTOR],
    pub(super) count: usize,
}

impl Left {
    pub(super) fn none() -> Self {
        Self { lanes: [0; KEYS + VECTOR], count: 0 }
    }

    /// Appends those of vector `vector` that are in `mask`; all together are at most [`KEYS`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) fn push(&mut self, vector: usize, mask: u16) {
        let ids = _mm512_add_epi32(
            _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
            _mm512_set1_epi32(((vector * VECTOR) as u32).cast_signed()),
        );
        let found = _mm512_cvtepi32_epi8(_mm512_maskz_compress_epi32(mask, ids));
        let to = self.lanes[self.count.min(KEYS)..].as_mut_ptr();
        // SAFETY: there is room for a vector of lanes behind the last that may be.
        unsafe { _mm_storeu_si128(to.cast(), found) };
        self.count += mask.count_ones() as usize;
    }

    /// Returns them.
    #[inline]
    pub(super) fn lanes(&self) -> impl Iterator<Item = usize> {
        self.lanes[..self.count.min(KEYS)].iter().map(|&lane| usize::from(lane) % KEYS)
    }
}

/// The entries of a group's keys and what they have not looked at yet.
type Reached<A, const VECTORS: usize> = ([__m512i; VECTORS], [Rests<A>; VECTORS]);

impl Columns {
    /// Returns the root entries of keys, each in the table of the header with the same position in `headers`.
    ///
    /// # Safety
    /// The headers are of sparse tables of the store whose columns these are.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn roots<A: Address, const VECTORS: usize>(
        self,
        far: Far,
        keys: &[A],
        mut headers: impl FnMut(usize) -> Roots,
    ) -> Reached<A, VECTORS> {
        let roots = self.roots.cast::<i32>();
        let (mut entries, mut rests) = ([_mm512_setzero_si512(); VECTORS], [Rests::<A>::none(); VECTORS]);
        for (vector, (keys, (entries, rests))) in
            keys.as_chunks().0.iter().zip(entries.iter_mut().zip(&mut rests)).enumerate()
        {
            let found = headers(vector);
            let bits = _mm512_sub_epi32(_mm512_set1_epi32(64), _mm512_srli_epi32::<24>(found.len_shift));
            let len = _mm512_and_si512(found.len_shift, _mm512_set1_epi32((1 << 24) - 1));
            *rests = Rests::of(keys);
            let slots = _mm512_min_epu32(_mm512_sub_epi32(rests.first(bits), found.first), len);
            rests.skip(bits);
            let index = _mm512_add_epi32(slots, found.root);
            *entries = if far.nodes {
                self.ask(index);
                index
            } else {
                // SAFETY: a root has `len + 1` entries from `root` on.
                unsafe { _mm512_i32gather_epi32::<4>(index, roots) }
            };
        }
        if far.nodes {
            for entries in &mut entries {
                // SAFETY: as above; what was asked for are the indices of root entries.
                *entries = unsafe { _mm512_i32gather_epi32::<4>(*entries, roots) };
            }
        }
        (entries, rests)
    }

    /// Follows entries that name pages until none does.
    ///
    /// # Safety
    /// The entries are of sparse tables of the store.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn pages<A: Address, const VECTORS: usize>(self, far: Far, (entries, rests): &mut Reached<A, VECTORS>) {
        let roots = self.roots.cast::<i32>();
        loop {
            let mut going = 0;
            if far.nodes {
                for (entries, rests) in entries.iter().zip(rests.iter()) {
                    let pages = _mm512_movepi32_mask(*entries);
                    if pages != 0 {
                        self.ask(page_slots(*entries, pages, rests).0);
                    }
                }
            }
            for (entries, rests) in entries.iter_mut().zip(rests.iter_mut()) {
                let pages = _mm512_movepi32_mask(*entries);
                if pages == 0 {
                    continue;
                }
                let (index, deciding) = page_slots(*entries, pages, rests);
                // SAFETY: a page has an entry for every value of its bits; lanes without a page load nothing.
                *entries = unsafe { _mm512_mask_i32gather_epi32::<4>(*entries, pages, index, roots) };
                rests.skip(deciding);
                going |= _mm512_movepi32_mask(*entries);
            }
            if going == 0 {
                return;
            }
        }
    }
}

/// Where a group's keys go on behind roots and pages.
struct Ends {
    /// Offsets of lines, fans and wide lists.
    lines: Aligned<u32, KEYS>,
    /// Where the spreads of the lines' formats begin.
    spreads: Aligned<u32, KEYS>,
    windows: Aligned<u32, KEYS>,
    /// Lanes at a fan.
    fans: Left,
    /// By vector: lanes whose line is compared like most of the family's, at last; then those where it is not or is a wide
    /// list.
    usual: [u16; KEYS / VECTOR],
    others: Left,
}

impl Ends {
    /// Returns what entries that name no page say.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn of<A: Address, const VECTORS: usize>((entries, rests): &Reached<A, VECTORS>) -> Self {
        let none = || Aligned([0_u32; KEYS]);
        let (fans, usual, others) = (Left::none(), [0; KEYS / VECTOR], Left::none());
        let mut ends = Self { lines: none(), spreads: none(), windows: none(), fans, usual, others };
        // SAFETY: the numbers are aligned to a vector.
        let run_bits = unsafe { _mm512_load_si512(std::ptr::from_ref(&RUN_BITS).cast()) };
        let other = if A::BITS == 32 { Format::LONG.number() as u32 } else { 0 };
        for (vector, (&entries, rests)) in entries.iter().zip(rests).enumerate() {
            let runs = _mm512_and_si512(_mm512_srli_epi32::<RUN_SHIFT>(entries), _mm512_set1_epi32(15));
            let window = rests.windows(runs, _mm512_permutexvar_epi32(runs, run_bits));
            let line = _mm512_srli_epi32::<2>(_mm512_slli_epi32::<8>(entries));
            let format = _mm512_and_si512(_mm512_srli_epi32::<LINE_BITS>(entries), _mm512_set1_epi32(3));
            ends.fans.push(vector, _mm512_testn_epi32_mask(runs, runs));
            let other = _mm512_cmpeq_epi32_mask(format, _mm512_set1_epi32(other.cast_signed()));
            ends.others.push(vector, other);
            ends.usual[vector] = !other;
            let spread = _mm512_slli_epi32::<6>(format);
            for (all, found) in [(&mut ends.lines, line), (&mut ends.spreads, spread), (&mut ends.windows, window)] {
                let to = all.0.as_mut_ptr().wrapping_add(vector * VECTOR);
                // SAFETY: there are as many lanes as the vectors have, and vectors begin where they are aligned.
                unsafe { _mm512_store_si512(to.cast(), found) };
            }
        }
        ends
    }
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
    (columns, far): (Columns, Far),
    headers: &[Header],
    tables: &[TableId],
    keys: &[A],
    values: &mut [u32],
) {
    let header_of = |lane: usize| {
        let table = tables[if ONE { 0 } else { lane }];
        &headers[table.index().min(headers.len() - 1)]
    };
    let of_first = header_of(0);
    let mut dictionaries = Aligned([0_u32; KEYS]);
    let headers = |vector: usize| {
        if ONE {
            return Roots::all(of_first);
        }
        let found = Roots::of(headers, &tables.as_chunks().0[vector]);
        let to = dictionaries.0.as_mut_ptr().wrapping_add(vector * VECTOR);
        // SAFETY: there are as many as the vectors have lanes, and vectors begin where they are aligned.
        unsafe { _mm512_store_si512(to.cast(), found.dictionary) };
        found
    };
    // SAFETY: the caller's promise.
    let mut reached = unsafe { columns.roots::<A, VECTORS>(far, keys, headers) };
    // SAFETY: as above.
    unsafe { columns.pages(far, &mut reached) };
    let mut ends = Ends::of(&reached);
    for &line in &ends.lines.0[..VECTORS * VECTOR] {
        columns.prefetch_line(line);
    }
    for lane in ends.fans.lanes() {
        // SAFETY: the entry was one of a fan.
        let line = unsafe { columns.fan::<A>(ends.lines.0[lane], ends.windows.0[lane]) };
        ends.lines.0[lane] = line;
        columns.prefetch_line(line);
    }
    let Ends { lines, spreads: formats, windows, usual, others, .. } = &ends;
    let width =
        |lane: usize| usize::from(if ONE || WIDTH != ANY_WIDTH { of_first.width } else { header_of(lane).width });
    let dictionary = |lane: usize| if ONE { of_first.dictionary } else { dictionaries.0[lane] };
    let spreads = &SPREADS[usize::from(A::BITS != 32)];
    let short = A::BITS == 32;
    let find = |lane: usize| {
        let (line, window) = ((lines.0[lane], formats.0[lane]), windows.0[lane]);
        let code = if short {
            // SAFETY: the line is one of the table, and its format a short one: lanes with another are left.
            unsafe { columns.compared::<WIDTH, true>(spreads, line, window, width(lane)) }
        } else {
            // SAFETY: the line is one of the table, and its format no short one: there is none in IPv6.
            unsafe { columns.compared::<WIDTH, false>(spreads, line, window, width(lane)) }
        };
        dictionary(lane) + code
    };
    if others.count == 0 && !far.values {
        for (lane, value) in values.iter_mut().enumerate() {
            // SAFETY: the code was in a line of the table.
            *value = unsafe { columns.value_at(find(lane)) };
        }
        return;
    }
    // First where the values are, then the values, which one key after the other would wait for.
    let mut most = Left::none();
    for (vector, &lanes) in usual[..VECTORS].iter().enumerate() {
        most.push(vector, lanes);
    }
    for lane in most.lanes() {
        values[lane] = find(lane);
        columns.prefetch_value(values[lane]);
    }
    for lane in others.lanes() {
        let code = if short {
            let line = (lines.0[lane], formats.0[lane]);
            // SAFETY: the line is one of the table, and of the format that is not short.
            unsafe { columns.compared::<WIDTH, false>(spreads, line, windows.0[lane], width(lane)) }
        } else {
            // SAFETY: without a format it is a wide list.
            unsafe { columns.wide(header_of(lane), lines.0[lane] / LINE as u32, keys[lane]) }
        };
        values[lane] = dictionary(lane) + code;
        columns.prefetch_value(values[lane]);
    }
    for value in values {
        // SAFETY: every lane was one of the two, so that this is the place of a code's value.
        *value = unsafe { columns.value_at(*value) };
    }
}
