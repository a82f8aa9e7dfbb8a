//! The walk of tables of pairs with AVX-512: sixteen keys a vector, a level two gathers of eight pairs each, in [runs](super::runs).
//!
//! All that a vector is known by are its pairs and what is left of its keys, so that eight vectors fit the registers and wait for their
//! loads together. Lanes that have come to codes keep their pair, and the place of the code is computed for all of them at the end.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_and_si512, _mm512_castsi512_si256, _mm512_extracti64x4_epi64,
    _mm512_i32gather_epi64, _mm512_mask_i32gather_epi32, _mm512_mask_i32gather_epi64, _mm512_mask_slli_epi32,
    _mm512_mask_test_epi32_mask, _mm512_min_epu32, _mm512_movepi32_mask, _mm512_popcnt_epi32, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_slli_epi32, _mm512_sllv_epi32, _mm512_srli_epi32, _mm512_storeu_si512,
    _mm512_sub_epi32, _mm512_xor_si512,
};

use vrfleak_engine::Address;

use super::super::forest::pairs::{PAIR, PAIR_BITS};
use super::super::forest::shape::{BEGIN, PAIRED_LEVELS};
use super::super::table::TableId;
use super::halved_gathers::{Tables, Widths, first_half};
use super::runs::{self, Depth, Walk, by_levels};
use super::store::GATHERED_SLOTS;
use super::vectors::{Rests, Roots, VECTOR, narrowed, upper_halves};

/// Vectors that are walked together through one table; those of a mixed batch have more to be known by.
const VECTORS: usize = 8;
const MIXED_VECTORS: usize = 4;

/// Pairs between places where tables may begin, as a power of two.
const BEGIN_PAIRS: u32 = (BEGIN / PAIR).trailing_zeros();
/// As many bytes less lie the codes of a pair than its number says, for each byte of a code, since vectors take the bit of the sign for
/// part of it.
pub(super) const SIGN: usize = 1 << 31;

/// The pairs that sixteen keys have come to.
#[derive(Clone, Copy)]
struct Walked {
    /// Those of the first eight, and of the others.
    pairs: [__m512i; 2],
    /// The other bits of what keys have behind their pair's first bit.
    behind: __m512i,
}

/// Where the tables of sixteen keys begin, as the number of a pair, and how wide their codes are.
#[derive(Clone, Copy)]
struct Bases {
    pairs: __m512i,
    widths: Widths,
    dictionary: __m512i,
}

/// The walk of tables of pairs, of one with `ONE`, whose codes have `WIDTH` bytes, if that is a width.
#[derive(Clone, Copy)]
struct Paired<'s, const WIDTH: usize, const ONE: bool> {
    tables: Tables<'s>,
    /// The header of the first table of the batch.
    one: &'s Roots,
    /// Where pairs are counted from: with `ONE` where that table begins.
    from: *const u8,
}

impl<const WIDTH: usize, const ONE: bool> Paired<'_, WIDTH, ONE> {
    /// Returns where the tables with these headers begin.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn bases(roots: &Roots) -> Bases {
        let pairs = _mm512_slli_epi32::<BEGIN_PAIRS>(roots.root);
        Bases { pairs, widths: Widths::of(roots.len_shift), dictionary: roots.dictionary }
    }

    /// Returns where pairs are counted from if the first has the number `first`.
    #[inline]
    fn pairs(self, first: usize) -> *const i64 {
        self.from.wrapping_sub(first * PAIR).cast()
    }

    /// Returns the numbers of pairs of the table as numbers of pairs from `from` on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn placed(numbers: __m512i, bases: Bases) -> __m512i {
        if ONE { numbers } else { _mm512_add_epi32(numbers, bases.pairs) }
    }

    /// Begins sixteen keys in the tables with these headers.
    ///
    /// # Safety
    /// The headers are of tables of pairs of the store.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn begin<A: Address>(self, roots: &Roots, bases: Bases, keys: &[A; VECTOR]) -> Walked {
        let bits = _mm512_sub_epi32(_mm512_set1_epi32(64), _mm512_srli_epi32::<26>(roots.len_shift));
        let len = _mm512_and_si512(roots.len_shift, _mm512_set1_epi32((GATHERED_SLOTS - 1).cast_signed()));
        let mut rests = Rests::of(keys);
        let slots = _mm512_min_epu32(_mm512_sub_epi32(rests.first(bits), roots.first), len);
        rests.skip(bits);
        let rests = first_half(&rests);
        let places = Self::placed(slots, bases);
        // SAFETY: a root has `len + 1` pairs where its table begins.
        let half = |places| unsafe { _mm512_i32gather_epi64::<8>(places, self.pairs(0)) };
        Walked {
            pairs: [half(_mm512_castsi512_si256(places)), half(_mm512_extracti64x4_epi64::<1>(places))],
            behind: _mm512_xor_si512(rests, _mm512_set1_epi32(-1)),
        }
    }

    /// Returns the bitmaps of sixteen pairs, their second halves, and the number of each key's run, counted from 1 on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq")]
    fn runs(walked: Walked) -> (__m512i, __m512i, __m512i) {
        let [low, high] = walked.pairs;
        let (bitmaps, firsts) = (narrowed(low, high), upper_halves(low, high));
        let above = _mm512_srli_epi32::<{ 32 - PAIR_BITS as u32 }>(walked.behind);
        (bitmaps, firsts, _mm512_popcnt_epi32(_mm512_sllv_epi32(bitmaps, above)))
    }

    /// Walks sixteen keys a level further, those whose pairs have pairs below; returns which those are, too.
    ///
    /// # Safety
    /// The pairs are of tables of the store that begin there.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq")]
    unsafe fn step(self, walked: Walked, bases: Bases) -> (Walked, u16) {
        let Walked { pairs, behind } = walked;
        let (_, firsts, runs) = Self::runs(walked);
        let going = !_mm512_movepi32_mask(firsts);
        let places = Self::placed(_mm512_add_epi32(firsts, runs), bases);
        // Where the pair before the first one lies, as runs are counted from 1 on.
        let before = self.pairs(1);
        // SAFETY: a pair without codes has another one for every bit of its bitmap, of which bit 0 is set, so that there is one to
        // count. Other lanes load nothing.
        let half = |pairs, going, places| unsafe { _mm512_mask_i32gather_epi64::<8>(pairs, going, places, before) };
        let further = Walked {
            pairs: [
                half(pairs[0], going as u8, _mm512_castsi512_si256(places)),
                half(pairs[1], (going >> 8) as u8, _mm512_extracti64x4_epi64::<1>(places)),
            ],
            behind: _mm512_mask_slli_epi32::<{ PAIR_BITS as u32 }>(behind, going, behind),
        };
        (further, going)
    }

    /// Walks as many keys as `VECTORS` vectors have, `LEVELS` levels below the root, as [`Walk::group`] says. All of it is one function, so
    /// that what is known stays in registers.
    ///
    /// # Safety
    /// As there; there are at most [`PAIRED_LEVELS`] less one, so that keys have as many bits.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
    unsafe fn group_in<A: Address, const VECTORS: usize, const LEVELS: u32>(
        self,
        tables: &[TableId],
        (keys, values): (&[A], &mut [u32]),
        left: &mut [u64],
    ) -> usize {
        let zero = zeros();
        let mut walked = [Walked { pairs: [zero; 2], behind: zero }; VECTORS];
        let one = Self::bases(self.one);
        let mut each = [one; VECTORS];
        for (vector, keys) in keys.as_chunks().0.iter().enumerate().take(VECTORS) {
            if ONE {
                // SAFETY: the caller's promise.
                walked[vector] = unsafe { self.begin(self.one, one, keys) };
            } else {
                let roots = Roots::of(self.tables.headers, &tables.as_chunks().0[vector]);
                each[vector] = Self::bases(&roots);
                // SAFETY: as above.
                walked[vector] = unsafe { self.begin(&roots, each[vector], keys) };
            }
        }
        let bases = |vector: usize| if ONE { Self::bases(self.one) } else { each[vector] };
        let mut entered = 0;
        for _ in 0..LEVELS {
            for (vector, walked) in walked.iter_mut().enumerate() {
                let bases = bases(vector);
                // SAFETY: the caller's promise.
                let (further, going) = unsafe { self.step(*walked, bases) };
                *walked = further;
                if vector == 0 {
                    // A sample: the masks of all vectors would be one more thing to keep of each.
                    entered = VECTORS * going.count_ones() as usize;
                }
            }
        }
        for (vector, values) in values.as_chunks_mut::<VECTOR>().0.iter_mut().enumerate().take(VECTORS) {
            let bases = bases(vector);
            // SAFETY: as above.
            let (found, going) = unsafe { self.values(walked[vector], bases) };
            // SAFETY: sixteen values are a vector.
            unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), found) };
            let (word, lanes) = (vector * VECTOR / 64, vector * VECTOR % 64);
            left[word] = if lanes == 0 { 0 } else { left[word] } | u64::from(going) << lanes;
        }
        entered
    }

    /// Returns the codes with these numbers, each counted from where its table begins in units of its width, and from 1 on, with
    /// [`LAST`](super::super::forest::pairs::LAST); other lanes than `coded` have what `firsts` says.
    ///
    /// # Safety
    /// Lanes that are `coded` have a code's number.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
    unsafe fn codes(self, numbers: __m512i, coded: u16, firsts: __m512i, bases: Bases) -> __m512i {
        let loaded = if ONE && WIDTH == 1 {
            let before = self.from.wrapping_add(SIGN).wrapping_sub(1).cast();
            // SAFETY: the caller's promise, and there are bytes behind the last code, so that four may be loaded. Other lanes load
            // nothing.
            unsafe { _mm512_mask_i32gather_epi32::<1>(firsts, coded, numbers, before) }
        } else if ONE && WIDTH == 2 {
            let before = self.from.wrapping_add(2 * SIGN).wrapping_sub(2).cast();
            // SAFETY: as above.
            unsafe { _mm512_mask_i32gather_epi32::<2>(firsts, coded, numbers, before) }
        } else {
            let numbers = _mm512_sub_epi32(numbers, _mm512_set1_epi32(1));
            let bytes = bases.widths.bytes::<WIDTH>(_mm512_and_si512(numbers, _mm512_set1_epi32(i32::MAX)));
            let table = _mm512_slli_epi32::<{ PAIR.trailing_zeros() }>(bases.pairs);
            let places = if ONE { bytes } else { _mm512_add_epi32(bytes, table) };
            // SAFETY: as above.
            unsafe { _mm512_mask_i32gather_epi32::<1>(firsts, coded, places, self.from.cast()) }
        };
        bases.widths.entries::<WIDTH>(loaded)
    }

    /// Returns the values of sixteen keys, and those lanes whose pairs have pairs below: they have none.
    ///
    /// # Safety
    /// The pairs are of tables of the store that begin there.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
    unsafe fn values(self, walked: Walked, bases: Bases) -> (__m512i, u16) {
        let (bitmaps, firsts, runs) = Self::runs(walked);
        let done = _mm512_movepi32_mask(firsts);
        let coded = _mm512_mask_test_epi32_mask(done, bitmaps, bitmaps);
        let numbers = _mm512_add_epi32(firsts, runs);
        // SAFETY: a node with codes has one for every bit of its bitmap, of which bit 0 is set, so that there is one to count.
        let codes = unsafe { self.codes(numbers, coded, firsts, bases) };
        if let Some(chosen) = self.tables.chosen {
            return (chosen.values(codes), !done);
        }
        let (none, index) = (zeros(), _mm512_add_epi32(bases.dictionary, codes));
        let all = self.tables.columns.values().cast();
        // SAFETY: every code of a table has a value from the table's dictionary on; other lanes load nothing.
        (unsafe { _mm512_mask_i32gather_epi32::<4>(none, done, index, all) }, !done)
    }
}

/// Returns sixteen zeros.
#[inline]
#[target_feature(enable = "avx512f")]
fn zeros() -> __m512i {
    _mm512_setzero_si512()
}

impl<A: Address, const WIDTH: usize, const ONE: bool> Walk<A> for Paired<'_, WIDTH, ONE> {
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
        by_levels!(self, VECTORS, 5, levels, tables, lanes, left)
    }

    #[inline]
    unsafe fn one(self, table: TableId, key: A) -> u32 {
        self.tables.one(table, key)
    }
}

/// Walks all `keys` through tables of pairs: each through the table at the same position, or all through the first if `ONE`.
///
/// # Safety
/// All tables have pairs, and codes of `WIDTH` bytes, if that is a width. There is a value a key, and a table a key unless `ONE`. There are at
/// most 2^31 values.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
pub(super) unsafe fn paired<A: Address, const WIDTH: usize, const ONE: bool>(
    tables_of: Tables<'_>,
    tables: &[TableId],
    keys: &[A],
    values: &mut [u32],
) {
    let Some(&table) = tables.first() else { return };
    let header = tables_of.header(table);
    let from = tables_of.columns.blocks.wrapping_add(if ONE { header.root as usize * BEGIN } else { 0 });
    let walk = Paired::<'_, WIDTH, ONE> { tables: tables_of, one: &Roots::all(header), from };
    // Full IPv6 tables have five levels; whoever has less is found out after a run.
    let depth = Depth { levels: PAIRED_LEVELS - 1, most: PAIRED_LEVELS - 1 };
    if ONE {
        // SAFETY: the caller's promise.
        unsafe { runs::batch::<A, _, VECTORS>(walk, depth, tables, keys, values) };
    } else {
        // SAFETY: as above.
        unsafe { runs::batch::<A, _, MIXED_VECTORS>(walk, depth, tables, keys, values) };
    }
}
