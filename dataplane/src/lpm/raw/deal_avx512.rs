//! What a hand takes and gives with AVX-512: sixteen keys at a time, those of the class close together.

use std::arch::x86_64::{
    __m512i, _mm_cmpeq_epi8_mask, _mm_loadu_si128, _mm_set1_epi8, _mm_storeu_si128, _mm512_and_si512,
    _mm512_cvtepi32_epi8, _mm512_i32gather_epi32, _mm512_loadu_si512, _mm512_mask_or_epi32, _mm512_mask_storeu_epi32,
    _mm512_maskz_compress_epi32, _mm512_maskz_compress_epi64, _mm512_maskz_expand_epi32, _mm512_maskz_loadu_epi32,
    _mm512_maskz_loadu_epi64, _mm512_min_epu32, _mm512_reduce_or_epi32, _mm512_set1_epi32, _mm512_setzero_si512,
    _mm512_sllv_epi32, _mm512_storeu_si512, _pdep_u32,
};

use vrfleak_engine::Address;

use super::super::table::TableId;
use super::deal::{ClassMap, Hand, LANES, ask};

/// Returns which of the keys from `from` on are of a class, of a piece of `len` keys.
///
/// # Safety
/// `from` is a multiple of [`LANES`] below `len`, and there is room for as many classes more than keys.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn of_class<A: Address, const ROOM: usize>(hand: &Hand<A, ROOM>, class: u8, from: usize, len: usize) -> u16 {
    // SAFETY: the caller's promise.
    let classes = unsafe { _mm_loadu_si128(hand.class_of.as_ptr().wrapping_add(from).cast()) };
    _mm_cmpeq_epi8_mask(classes, _mm_set1_epi8(class.cast_signed())) & lanes(len - from)
}

/// Returns a bit for each of so many lanes.
#[inline]
fn lanes(count: usize) -> u16 {
    ((1_u32 << count.min(LANES)) - 1) as u16
}

/// Finds the classes of all keys, and returns a bit for each that there is.
///
/// # Safety
/// `classes` is that of a [`ClassMap`](super::deal::ClassMap), with its slack. There are at most `ROOM - LANES` tables, and as many keys and values.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) unsafe fn classify<A: Address, const ROOM: usize>(
    hand: &mut Hand<A, ROOM>,
    classes: &[u8],
    tables: &[TableId],
    (keys, values): (&[A], &[u32]),
) -> u32 {
    let last = _mm512_set1_epi32(((classes.len() - ClassMap::SLACK - 1) as u32).cast_signed());
    let (one, mut present) = (_mm512_set1_epi32(1), _mm512_setzero_si512());
    for from in (0..tables.len()).step_by(LANES) {
        let to = tables.len().min(from + LANES);
        ask(&tables[from..to], &keys[from..to], &values[from..to]);
        let there = lanes(to - from);
        // SAFETY: as many lanes are loaded as there are tables.
        let ids = unsafe { _mm512_maskz_loadu_epi32(there, tables.as_ptr().wrapping_add(from).cast()) };
        let ids = _mm512_min_epu32(ids, last);
        // SAFETY: each table and ids beyond have a class, and behind the last there are three bytes.
        let loaded = unsafe { _mm512_i32gather_epi32::<1>(ids, classes.as_ptr().cast()) };
        let found = _mm512_and_si512(loaded, _mm512_set1_epi32(0xff));
        present = _mm512_mask_or_epi32(present, there, present, _mm512_sllv_epi32(one, found));
        let narrow = _mm512_cvtepi32_epi8(found);
        // SAFETY: there is room for a vector behind the last key.
        unsafe { _mm_storeu_si128(hand.class_of.as_mut_ptr().wrapping_add(from).cast(), narrow) };
    }
    _mm512_reduce_or_epi32(present).cast_unsigned()
}

/// Takes the tables and keys of a class, and returns how many they are.
///
/// # Safety
/// There is a table a key, at most `ROOM - LANES` keys, and the classes of those are known.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,bmi2,popcnt")]
pub(super) unsafe fn take<A: Address, const ROOM: usize>(
    hand: &mut Hand<A, ROOM>,
    class: u8,
    tables: &[TableId],
    keys: &[A],
) -> usize {
    let mut count = 0;
    for from in (0..keys.len()).step_by(LANES) {
        // SAFETY: the caller's promise.
        let mask = unsafe { of_class(hand, class, from, keys.len()) };
        let there = lanes(keys.len() - from);
        let to = count;
        let (ids, taken) = (tables.as_ptr().wrapping_add(from), hand.tables.as_mut_ptr().wrapping_add(to));
        // SAFETY: as many lanes are loaded as there are tables, and no more are written than there is room for behind the last.
        unsafe { compress_32(there, mask, ids.cast(), taken.cast()) };
        let (keys, to) = (keys[from..].as_ptr(), &mut hand.keys[to..]);
        if size_of::<A>() == size_of::<u32>() {
            // SAFETY: as above: those keys are numbers of 32 bits.
            unsafe { compress_32(there, mask, keys.cast(), to.as_mut_ptr().cast()) };
        } else {
            // SAFETY: as above: other keys are twice 64 bits.
            unsafe { compress_128(there, mask, keys.cast(), to.as_mut_ptr().cast()) };
        }
        count += mask.count_ones() as usize;
    }
    count
}

/// Writes the numbers of the lanes in `mask`, of those `there` at `from`, one after the other to `to`, where sixteen are written.
///
/// # Safety
/// The lanes are there, and room for sixteen.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn compress_32(there: u16, mask: u16, from: *const i32, to: *mut i32) {
    // SAFETY: the caller's promise.
    let all = unsafe { _mm512_maskz_loadu_epi32(there, from) };
    let close = _mm512_maskz_compress_epi32(mask, all);
    // SAFETY: as above.
    unsafe { _mm512_storeu_si512(to.cast(), close) };
}

/// The same of numbers of 128 bits, of which four vectors are written.
///
/// # Safety
/// As [`compress_32`].
#[inline]
#[target_feature(enable = "avx512f,bmi2,popcnt")]
unsafe fn compress_128(there: u16, mask: u16, from: *const i64, mut to: *mut i64) {
    for vector in 0..4 {
        let halves = |mask: u16| (_pdep_u32(u32::from(mask) >> (4 * vector) & 0xf, 0x55) * 3) as u8;
        // SAFETY: the caller's promise.
        let four: __m512i = unsafe { _mm512_maskz_loadu_epi64(halves(there), from.wrapping_add(8 * vector)) };
        let close = _mm512_maskz_compress_epi64(halves(mask), four);
        // SAFETY: as above.
        unsafe { _mm512_storeu_si512(to.cast(), close) };
        to = to.wrapping_add(halves(mask).count_ones() as usize);
    }
}

/// Gives the answers to the keys that were taken.
///
/// # Safety
/// As [`take`], of which there are as many values.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,popcnt")]
pub(super) unsafe fn give<A: Address, const ROOM: usize>(hand: &Hand<A, ROOM>, class: u8, values: &mut [u32]) {
    let mut count = 0;
    for from in (0..values.len()).step_by(LANES) {
        // SAFETY: the caller's promise.
        let mask = unsafe { of_class(hand, class, from, values.len()) };
        // SAFETY: there is room for a vector behind the last answer.
        let answers = unsafe { _mm512_loadu_si512(hand.answers.as_ptr().wrapping_add(count).cast()) };
        let spread = _mm512_maskz_expand_epi32(mask, answers);
        // SAFETY: only lanes of keys that are there are written.
        unsafe { _mm512_mask_storeu_epi32(values.as_mut_ptr().wrapping_add(from).cast(), mask, spread) };
        count += mask.count_ones() as usize;
    }
}
