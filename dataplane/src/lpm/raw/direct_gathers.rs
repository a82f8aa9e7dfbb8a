//! Batches of a direct table with AVX-512, sixteen keys a vector: codes by gathers.
//!
//! A chunked table's root entries are gathered eight vectors ahead of the codes that they lead to, so that what one vector
//! waits for the next ones have under way. Of a flat table keys in /16s of one code need not read the codes of /24s, of which
//! there are 16 MiB and more, while the 65,536 codes of /16s stay within the second cache: so they are gathered ahead in runs
//! of which many keys are found there, as a few keys of the run tell. Uniform keys are: three of five /16s of a full table
//! have one code. Keys that lie in its prefixes are not, and for them a second load costs a third.
//!
//! Codes are loaded as the four aligned bytes around them: none lies across two lines of the cache, and none beyond the last
//! code. No branch depends on a key; deep keys are noted and answered one by one after a run of a thousand.

use std::arch::x86_64::{
    __m512i, _mm256_storeu_si256, _mm512_add_epi32, _mm512_and_si512, _mm512_cmpeq_epi32_mask, _mm512_cvtepi32_epi16,
    _mm512_i32gather_epi32, _mm512_loadu_si512, _mm512_mask_i32gather_epi32, _mm512_mask_mov_epi32,
    _mm512_maskz_compress_epi32, _mm512_min_epu32, _mm512_set1_epi32, _mm512_setr_epi32, _mm512_setzero_si512,
    _mm512_slli_epi32, _mm512_srli_epi32, _mm512_srlv_epi32, _mm512_storeu_si512, _mm512_sub_epi32,
};

use vrfleak_engine::Address;

use super::super::table::NO_ROUTE;
use super::direct::{CHUNK, CHUNK_BITS, Code, DEEP, DirectTable, OUTSIDE, View};
use super::runs::RUN;
use super::vectors::VECTOR;

/// Keys of a run that are not done by vectors, by their place.
struct Noted {
    places: [u16; RUN + VECTOR],
    count: usize,
}

impl Noted {
    /// Returns none.
    fn none() -> Self {
        Self { places: [0; RUN + VECTOR], count: 0 }
    }

    /// Forgets all.
    fn clear(&mut self) {
        self.count = 0;
    }

    /// Returns their places, which are below [`RUN`].
    fn places(&self) -> impl Iterator<Item = usize> {
        self.places[..self.count.min(RUN)].iter().map(|&place| usize::from(place) % RUN)
    }

    /// Appends those of the sixteen keys from `from` on that are in `mask`; nothing depends on whether there are any.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn push(&mut self, from: usize, mask: u16) {
        let ids = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let ids = _mm512_add_epi32(ids, _mm512_set1_epi32((from as u32).cast_signed()));
        let found = _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(mask, ids));
        let to = self.places[self.count.min(RUN)..].as_mut_ptr();
        // SAFETY: there is room for a vector of places behind the last that may be.
        unsafe { _mm256_storeu_si256(to.cast(), found) };
        self.count += mask.count_ones() as usize;
    }
}

/// The codes [`DEEP`] and [`OUTSIDE`] as vectors compare them.
const LOOK_FURTHER: i32 = (DEEP as u32).cast_signed();
const OF_DEFAULT: i32 = (OUTSIDE as u32).cast_signed();

/// Vectors whose root entries or codes of /16s are loaded before the code of the first is.
const AHEAD: usize = 8;

/// How codes are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// In a chunked table.
    Chunked,
    /// By the /24 alone.
    Flat,
    /// By the /16, and by the /24 where it has several.
    Plain,
}

impl Way {
    const CHUNKED: u8 = Self::Chunked as u8;
    const FLAT: u8 = Self::Flat as u8;
    const PLAIN: u8 = Self::Plain as u8;
}

/// One key in so many has to lie in a /16 of one code for those to be looked at first.
const PLAIN_SHARE: u32 = 4;
/// Vectors of a run that are looked at to tell.
const SAMPLE: usize = 4;

/// A table's columns as gathers want them.
#[derive(Clone, Copy)]
struct Gathered<'t, C> {
    view: View<'t, C>,
    base: Option<u32>,
    outside: u32,
}

impl<C: Code> Gathered<'_, C> {
    /// Returns the /24s of sixteen keys.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn slots(keys: &[u32; VECTOR]) -> __m512i {
        // SAFETY: sixteen keys are a vector.
        _mm512_srli_epi32::<8>(unsafe { _mm512_loadu_si512(keys.as_ptr().cast()) })
    }

    /// Returns the codes at sixteen indices of `codes` for the lanes in `mask`, whatever there is for others.
    ///
    /// # Safety
    /// The indices of those lanes are of codes, of which there are a multiple of four.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn gather(codes: &[C], mask: u16, indices: __m512i) -> __m512i {
        let (base, none) = (codes.as_ptr().cast(), _mm512_setzero_si512());
        if size_of::<C>() == 1 {
            let within = _mm512_slli_epi32::<3>(_mm512_and_si512(indices, _mm512_set1_epi32(3)));
            let fours = _mm512_srli_epi32::<2>(indices);
            // SAFETY: the caller's promise: four codes from a multiple of four on.
            let around = unsafe { _mm512_mask_i32gather_epi32::<4>(none, mask, fours, base) };
            return _mm512_and_si512(_mm512_srlv_epi32(around, within), _mm512_set1_epi32(0xff));
        }
        let within = _mm512_slli_epi32::<4>(_mm512_and_si512(indices, _mm512_set1_epi32(1)));
        let pairs = _mm512_srli_epi32::<1>(indices);
        // SAFETY: as above: two codes.
        let around = unsafe { _mm512_mask_i32gather_epi32::<4>(none, mask, pairs, base) };
        _mm512_and_si512(_mm512_srlv_epi32(around, within), _mm512_set1_epi32(0xffff))
    }

    /// Returns what leads sixteen keys to their codes: their chunks' first codes, or the codes of their /16s.
    ///
    /// # Safety
    /// The table is one for `WAY`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn lead<const WAY: u8>(self, keys: &[u32; VECTOR]) -> __m512i {
        let slots = Self::slots(keys);
        match WAY {
            Way::CHUNKED => {
                let View { roots, first, last, .. } = self.view;
                let slots = _mm512_srli_epi32::<CHUNK_BITS>(slots);
                let slots = _mm512_sub_epi32(slots, _mm512_set1_epi32(first.cast_signed()));
                let slots = _mm512_min_epu32(slots, _mm512_set1_epi32(last.cast_signed()));
                // SAFETY: a chunked table has an entry behind its last slot, which `last` is the index of.
                unsafe { _mm512_i32gather_epi32::<4>(slots, roots.as_ptr().cast()) }
            }
            Way::PLAIN => {
                let wide = _mm512_srli_epi32::<8>(slots);
                // SAFETY: a flat table has a code for every /16.
                unsafe { Self::gather(self.view.plain, u16::MAX, wide) }
            }
            _ => _mm512_setzero_si512(),
        }
    }

    /// Returns the codes of sixteen keys.
    ///
    /// # Safety
    /// The table is one for `WAY`, and `lead` what [`Self::lead`] returned for the keys.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn codes<const WAY: u8>(self, keys: &[u32; VECTOR], lead: __m512i) -> __m512i {
        let slots = Self::slots(keys);
        match WAY {
            Way::CHUNKED => {
                let within = _mm512_and_si512(slots, _mm512_set1_epi32((CHUNK as u32 - 1).cast_signed()));
                let places = _mm512_add_epi32(lead, within);
                // SAFETY: a chunk of codes follows every root entry.
                unsafe { Self::gather(self.view.codes, u16::MAX, places) }
            }
            Way::PLAIN => {
                let several = _mm512_cmpeq_epi32_mask(lead, _mm512_set1_epi32(LOOK_FURTHER));
                // SAFETY: a flat table has a code for every /24.
                let codes = unsafe { Self::gather(self.view.codes, several, slots) };
                _mm512_mask_mov_epi32(lead, several, codes)
            }
            // SAFETY: as above.
            _ => unsafe { Self::gather(self.view.codes, u16::MAX, slots) },
        }
    }

    /// Returns the way to the codes of these keys.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,popcnt")]
    fn way(self, keys: &[u32]) -> Way {
        if !self.view.roots.is_empty() {
            return Way::Chunked;
        }
        let sample = keys.as_chunks::<VECTOR>().0.iter().take(SAMPLE);
        let lanes = (sample.len() * VECTOR) as u32;
        let plain = sample.map(|keys| {
            // SAFETY: a table without roots is flat.
            let lead = unsafe { self.lead::<{ Way::PLAIN }>(keys) };
            16 - _mm512_cmpeq_epi32_mask(lead, _mm512_set1_epi32(LOOK_FURTHER)).count_ones()
        });
        if plain.sum::<u32>() * PLAIN_SHARE > lanes { Way::Plain } else { Way::Flat }
    }

    /// Writes the values of sixteen codes and notes those that are deep as keys of a run from `from` on.
    ///
    /// # Safety
    /// The codes are from [`Self::codes`] of this table.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,popcnt")]
    unsafe fn write<const NUMBERED: bool>(
        self,
        codes: __m512i,
        (from, deep): (usize, &mut Noted),
        values: &mut [u32; VECTOR],
    ) {
        let found = if NUMBERED {
            let found = _mm512_add_epi32(codes, _mm512_set1_epi32(self.base.unwrap_or(0).cast_signed()));
            let outside = _mm512_cmpeq_epi32_mask(codes, _mm512_set1_epi32(OF_DEFAULT));
            _mm512_mask_mov_epi32(found, outside, _mm512_set1_epi32(self.outside.cast_signed()))
        } else {
            // SAFETY: there is a value for every code that is there.
            unsafe { _mm512_i32gather_epi32::<4>(codes, self.view.values.as_ptr().cast()) }
        };
        // SAFETY: sixteen values are a vector.
        unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), found) };
        deep.push(from, _mm512_cmpeq_epi32_mask(codes, _mm512_set1_epi32(LOOK_FURTHER)));
    }

    /// Writes the values of as many of at most [`RUN`] keys as fill groups of [`AHEAD`] vectors, and notes the deep ones;
    /// returns how many those are.
    ///
    /// # Safety
    /// The table is one for `WAY`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,popcnt")]
    unsafe fn run<const WAY: u8, const NUMBERED: bool>(
        self,
        keys: &[u32],
        deep: &mut Noted,
        values: &mut [u32],
    ) -> usize {
        let (groups, _) = keys.as_chunks::<VECTOR>().0.as_chunks::<AHEAD>();
        let (value_groups, _) = values.as_chunks_mut::<VECTOR>().0.as_chunks_mut::<AHEAD>();
        let Some(first) = groups.first() else { return 0 };
        let mut leads = [_mm512_setzero_si512(); AHEAD];
        for vector in 0..AHEAD {
            // SAFETY: the caller's promise.
            leads[vector] = unsafe { self.lead::<WAY>(&first[vector]) };
        }
        for (group, (keys, values)) in groups.iter().zip(value_groups).enumerate() {
            let next = groups.get(group + 1).unwrap_or(first);
            for vector in 0..AHEAD {
                let lead = leads[vector];
                // SAFETY: the caller's promise.
                leads[vector] = unsafe { self.lead::<WAY>(&next[vector]) };
                // SAFETY: that is what leads these keys.
                let codes = unsafe { self.codes::<WAY>(&keys[vector], lead) };
                let from = (group * AHEAD + vector) * VECTOR;
                // SAFETY: the codes are this table's.
                unsafe { self.write::<NUMBERED>(codes, (from, &mut *deep), &mut values[vector]) };
            }
        }
        groups.len() * AHEAD * VECTOR
    }

    /// As [`Self::run`], by a way.
    ///
    /// # Safety
    /// The way is from [`Self::way`] of this table.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,popcnt")]
    unsafe fn run_by<const NUMBERED: bool>(
        self,
        way: Way,
        keys: &[u32],
        deep: &mut Noted,
        values: &mut [u32],
    ) -> usize {
        match way {
            // SAFETY: the caller's promise.
            Way::Chunked => unsafe { self.run::<{ Way::CHUNKED }, NUMBERED>(keys, deep, values) },
            // SAFETY: as above.
            Way::Flat => unsafe { self.run::<{ Way::FLAT }, NUMBERED>(keys, deep, values) },
            // SAFETY: as above.
            Way::Plain => unsafe { self.run::<{ Way::PLAIN }, NUMBERED>(keys, deep, values) },
        }
    }
}

/// Runs that go the way which one of them tells.
const ALIKE: usize = 4;

/// Looks all `keys` up. `base` is what the table's values are more than codes, where they follow one another.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
pub(super) fn batch<C: Code, A: Address>(table: &DirectTable<C>, base: Option<u32>, keys: &[A], values: &mut [u32]) {
    let view = table.view();
    let outside = view.values.first().copied().unwrap_or(NO_ROUTE);
    let gathered = Gathered { view, base, outside };
    let mut deep = Noted::none();
    for (keys, values) in keys.chunks(ALIKE * RUN).zip(values.chunks_mut(ALIKE * RUN)) {
        let way = gathered.way(addresses(keys));
        for (keys, values) in keys.chunks(RUN).zip(values.chunks_mut(RUN)) {
            deep.clear();
            let done = if base.is_some() {
                // SAFETY: the way is this table's.
                unsafe { gathered.run_by::<true>(way, addresses(keys), &mut deep, values) }
            } else {
                // SAFETY: as above.
                unsafe { gathered.run_by::<false>(way, addresses(keys), &mut deep, values) }
            };
            for place in deep.places().chain(done..keys.len()) {
                values[place] = table.lookup(keys[place]);
            }
        }
    }
}

/// Returns the keys as what they are, or none if they are no IPv4 addresses.
fn addresses<A: Address>(keys: &[A]) -> &[u32] {
    if size_of::<A>() != size_of::<u32>() || A::BITS != 32 {
        return &[];
    }
    // SAFETY: an address of 32 bits is a `u32`: no other type is one.
    unsafe { std::slice::from_raw_parts(keys.as_ptr().cast(), keys.len()) }
}
