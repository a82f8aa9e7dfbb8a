//! [`DirectTable`]: one IPv4 table whose first 24 bits are an index, and the kernels that read it.
//!
//! ```text
//! flat      key >> 8 ------------------------------------> codes[key >> 8] --------------> values[code]
//!           key >> 16 -----------------------------------> plain[key >> 16], where all /24s have one code
//! chunked   key >> 14 -> roots[slot] + (key >> 8 & 63) --> codes[offset]  ----------------> values[code]
//! both      code DEEP --> places: hash of key >> 8 --> groups[256 group + (key & 255)] ---> values[code]
//! ```
//! Code [`OUTSIDE`] is the answer of addresses that no prefix but the default route contains, so that memory which was
//! never written is right; [`DEEP`] says that prefixes longer than 24 bits lie inside. Keys are taken in
//! [groups](Groups) whose loads overlap without gathers, which lose to scalar loads on Zen 5 wherever a table exceeds the
//! first cache; [`direct_gathers`] is for processors where they do not. A flat table's codes are asked for some groups ahead, a chunked one's by all root entries of a group before the
//! first code. Deep keys are found by one vector comparison over a group and answered one by one afterwards.
//!
//! What makes the unchecked loads sound: the fields are private here; [`DirectTable::new`] checks that a flat table has
//! 2^24 codes and 2^16 of /16s, that a chunked one has whole chunks and each root entry is followed by 64 codes, that
//! there is a root entry behind the last slot and a value for every code that the codes' type can have or that is there,
//! and no method leaves these rules. Deep keys are answered by checked code.
#![expect(clippy::inline_always, reason = "what stays outside a stamped function is compiled without its features")]

use std::fmt::Debug;
use std::hash::Hash;
use std::ops::Range;

use vrfleak_engine::Address;

use super::super::table::NO_ROUTE;
use super::columns::prefetch;
use super::deep::Deep;
#[cfg(target_arch = "x86_64")]
use super::direct_gathers;
use super::groups::{Groups, LANES};
use super::isa::{Isa, Level};
use super::region::{Plain, Region};

/// The code of the default route's answer, or of the miss where there is none.
pub(in crate::lpm) const OUTSIDE: usize = 0;
/// The code of 256 addresses that differ: the answer is in a group.
pub(in crate::lpm) const DEEP: usize = 1;
/// The first code of a route's value.
pub(in crate::lpm) const FIRST_CODE: usize = 2;
/// The /24s of the address space: codes of a flat table.
pub(in crate::lpm) const SLOTS: usize = 1 << 24;
/// Codes of a chunk.
pub(in crate::lpm) const CHUNK: usize = 1 << CHUNK_BITS;
/// Bits that a chunk decides.
pub(in crate::lpm) const CHUNK_BITS: u32 = 6;
/// The /16s of the address space.
pub(in crate::lpm) const PLAINS: usize = 1 << 16;
/// Codes of a group.
pub(in crate::lpm) const GROUP: usize = 256;

/// Keys whose loads are written out one after the other: loops cost as much as the loads.
const UNROLL: usize = 4;
/// The value of [`DEEP`]: a group of keys with such a value is looked through. A route that has this very value costs
/// that search, no more.
pub(in crate::lpm) const MAYBE_DEEP: u32 = NO_ROUTE - 1;
/// What an entry of a table may be: one byte or two.
pub(in crate::lpm) trait Code: Plain + Eq + Hash + Default + Debug {
    /// The number of codes.
    const CODES: usize;

    /// Returns the code as an index.
    fn index(self) -> usize;

    /// Returns the code of an index below [`Self::CODES`].
    fn from_index(index: usize) -> Self;
}

impl Code for u8 {
    const CODES: usize = 1 << 8;

    #[inline(always)]
    fn index(self) -> usize {
        usize::from(self)
    }

    #[inline(always)]
    fn from_index(index: usize) -> Self {
        index as Self
    }
}

impl Code for u16 {
    const CODES: usize = 1 << 16;

    #[inline(always)]
    fn index(self) -> usize {
        usize::from(self)
    }

    #[inline(always)]
    fn from_index(index: usize) -> Self {
        index as Self
    }
}

/// Returns `value`, of which the compiler knows nothing: it may not put neighbours into one vector, only to take them
/// apart again for their loads, which halves the speed.
#[inline(always)]
fn scalar(mut value: usize) -> usize {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    // SAFETY: no instruction at all.
    unsafe {
        std::arch::asm!("/* {0} */", inout(reg) value, options(pure, nomem, nostack, preserves_flags));
    }
    value
}

/// Returns the /24 of `key`, an IPv4 address.
#[inline(always)]
fn slot24<A: Address>(key: A) -> u32 {
    (key.widen() as u32) >> 8
}

/// The columns of a table before they are one.
#[derive(Debug)]
pub(in crate::lpm) struct DirectParts<C: Code> {
    /// In a chunked table, for each slot of 64 /24s from `first` on the index of its first code, and one entry more for
    /// all other slots; in a flat one empty.
    pub(in crate::lpm) roots: Region<u32>,
    /// The first slot of 64 /24s.
    pub(in crate::lpm) first: u32,
    /// The codes.
    pub(in crate::lpm) codes: Region<C>,
    /// In a flat table the code that all /24s of a /16 have, or [`DEEP`] where they differ; in a chunked one empty.
    pub(in crate::lpm) plain: Vec<C>,
    /// By code: the value.
    pub(in crate::lpm) values: Vec<u32>,
    /// The groups of deep /24s.
    pub(in crate::lpm) deep: Deep,
    /// [`GROUP`] codes a group.
    pub(in crate::lpm) groups: Region<C>,
}

/// One table. The module's documentation says what holds for it.
#[derive(Debug)]
pub(in crate::lpm) struct DirectTable<C: Code> {
    parts: DirectParts<C>,
    /// What to add to a route's code for its value, if that is the same for all.
    base: Option<u32>,
}

/// What the kernels read, borrowed.
#[derive(Clone, Copy)]
pub(super) struct View<'t, C> {
    pub(super) roots: &'t [u32],
    pub(super) first: u32,
    /// The index of the last root entry, that of all other slots.
    pub(super) last: u32,
    pub(super) codes: &'t [C],
    pub(super) plain: &'t [C],
    pub(super) values: &'t [u32],
}

impl<C: Code> View<'_, C> {
    /// Returns the index of the root entry of `slot`, a /24, in a chunked table.
    #[inline(always)]
    fn root(self, slot: u32) -> u32 {
        (slot >> CHUNK_BITS).wrapping_sub(self.first).min(self.last)
    }

    /// Returns the index of the code of `slot`, a /24: below 2^24 if `FLAT`.
    ///
    /// # Safety
    /// `FLAT` says whether the table is flat.
    #[inline(always)]
    unsafe fn place<const FLAT: bool>(self, slot: u32) -> usize {
        if FLAT {
            return slot as usize;
        }
        // SAFETY: a chunked table has an entry behind its last slot, which `last` is the index of.
        let start = unsafe { *self.roots.get_unchecked(self.root(slot) as usize) };
        (start + (slot & (CHUNK as u32 - 1))) as usize
    }

    /// Returns the code at `place`.
    ///
    /// # Safety
    /// `place` is from [`Self::place`] of this view.
    #[inline(always)]
    unsafe fn code(self, place: usize) -> C {
        // SAFETY: a flat table has a code for every /24, and 64 codes follow every root entry of a chunked one.
        unsafe { *self.codes.get_unchecked(place) }
    }

    /// Returns the value of `code`.
    ///
    /// # Safety
    /// `code` is from [`Self::code`] of this view.
    #[inline(always)]
    unsafe fn value(self, code: C) -> u32 {
        // SAFETY: there is a value for every code that is there.
        unsafe { *self.values.get_unchecked(code.index()) }
    }

    /// Asks for the code of `key` in a flat table.
    #[inline(always)]
    fn ask<A: Address>(self, key: A) {
        prefetch(self.codes.as_ptr().wrapping_add(scalar(slot24(key) as usize)).cast());
    }

    /// Returns the code of `key`.
    ///
    /// # Safety
    /// The table is flat.
    #[inline(always)]
    unsafe fn flat_code<A: Address>(self, key: A) -> C {
        // SAFETY: a flat table has a code for every /24.
        unsafe { self.code(scalar(slot24(key) as usize)) }
    }

    /// Writes the values of `keys`, those of deep keys mean nothing, and asks for the codes of the keys `ahead`.
    ///
    /// # Safety
    /// The table is flat.
    #[inline(always)]
    unsafe fn flat<A: Address>(self, keys: &[A; LANES], ahead: &[A; LANES], values: &mut [u32; LANES]) {
        for lane in (0..LANES).step_by(UNROLL) {
            for lane in lane..lane + UNROLL {
                self.ask(ahead[lane]);
                // SAFETY: the caller's promise.
                let code = unsafe { self.flat_code(keys[lane]) };
                // SAFETY: the codes are this view's.
                values[lane] = unsafe { self.value(C::from_index(scalar(code.index()))) };
            }
        }
    }

    /// Writes the codes of `keys`, and asks for those of the keys `ahead`.
    ///
    /// # Safety
    /// The table is flat.
    #[inline(always)]
    unsafe fn flat_codes<A: Address>(self, keys: &[A; LANES], ahead: &[A; LANES], codes: &mut [C; LANES]) {
        for lane in (0..LANES).step_by(UNROLL) {
            for lane in lane..lane + UNROLL {
                self.ask(ahead[lane]);
                // SAFETY: the caller's promise.
                codes[lane] = C::from_index(scalar(unsafe { self.flat_code(keys[lane]) }.index()));
            }
        }
    }

    /// Writes the values of `codes` in a table whose values follow one another from `base` on, less that of a code.
    #[inline(always)]
    fn numbered(self, base: u32, codes: &[C; LANES], values: &mut [u32; LANES]) {
        let outside = self.values.first().copied().unwrap_or(NO_ROUTE);
        for (value, code) in values.iter_mut().zip(codes) {
            let of_route = base.wrapping_add(code.index() as u32);
            let of_any = if code.index() == DEEP { MAYBE_DEEP } else { of_route };
            *value = if code.index() == OUTSIDE { outside } else { of_any };
        }
    }

    /// Writes the values of `keys`; those of deep keys mean nothing.
    ///
    /// # Safety
    /// The table is chunked.
    #[inline(always)]
    unsafe fn chunked<A: Address>(self, keys: &[A; LANES], values: &mut [u32; LANES]) {
        let (mut places, mut roots) = ([0_u32; LANES], [0_u32; LANES]);
        for lane in 0..LANES {
            let slot = slot24(keys[lane]);
            roots[lane] = self.root(slot);
            places[lane] = slot % CHUNK as u32;
        }
        for lane in (0..LANES).step_by(UNROLL) {
            for lane in lane..lane + UNROLL {
                // SAFETY: the index is this view's.
                places[lane] += unsafe { *self.roots.get_unchecked(scalar(roots[lane] as usize)) };
                prefetch(self.codes.as_ptr().wrapping_add(places[lane] as usize).cast());
            }
        }
        for lane in (0..LANES).step_by(UNROLL) {
            for lane in lane..lane + UNROLL {
                // SAFETY: the places are this view's.
                let code = unsafe { self.code(scalar(places[lane] as usize)) };
                // SAFETY: the codes are this view's.
                values[lane] = unsafe { self.value(C::from_index(scalar(code.index()))) };
            }
        }
    }
}

impl<C: Code> DirectTable<C> {
    /// Makes a table of its columns, or says which rule of the layout they break.
    pub(in crate::lpm) fn new(mut parts: DirectParts<C>) -> Result<Self, &'static str> {
        if parts.roots.is_empty() {
            if parts.codes.len() != SLOTS || parts.plain.len() != PLAINS {
                return Err("a flat table has a code for every /24 and every /16");
            }
        } else if !parts.codes.len().is_multiple_of(CHUNK) {
            return Err("a chunked table has whole chunks");
        } else if parts.roots.iter().any(|&start| start as usize + CHUNK > parts.codes.len()) {
            return Err("a root entry names a chunk beyond the codes");
        }
        if parts.values.len() < FIRST_CODE || parts.values.len() > C::CODES {
            return Err("codes have two to all values");
        }
        parts.values[DEEP] = MAYBE_DEEP;
        let base = |(code, &value): (u32, &u32)| value.wrapping_sub(code);
        let mut bases = (FIRST_CODE as u32..).zip(&parts.values[FIRST_CODE..]).map(base);
        let first = bases.next();
        let base = first.filter(|first| bases.all(|base| base == *first));
        if C::CODES == 256 {
            // Every byte has a value then.
            parts.values.resize(C::CODES, NO_ROUTE);
        }
        if C::CODES > 256 {
            let values = parts.values.len();
            let greatest = |codes: &[C]| codes.iter().fold(0, |most, code| most.max(code.index()));
            if [&parts.codes[..], &parts.groups, &parts.plain].into_iter().any(|codes| greatest(codes) >= values) {
                return Err("a code has no value");
            }
        }
        Ok(Self { parts, base })
    }

    /// Returns the bytes held.
    pub(in crate::lpm) fn bytes(&self) -> usize {
        let parts = &self.parts;
        let plain = size_of_val(&parts.plain[..]);
        let codes = parts.codes.bytes() + parts.groups.bytes() + plain;
        parts.roots.bytes() + codes + 4 * parts.values.len() + parts.deep.bytes()
    }

    /// Returns where the memory lies for which the system took the request for huge pages.
    pub(in crate::lpm) fn advised(&self) -> Vec<Range<usize>> {
        let parts = &self.parts;
        [parts.roots.advised(), parts.codes.advised(), parts.groups.advised()].into_iter().flatten().collect()
    }

    pub(super) fn view(&self) -> View<'_, C> {
        let parts = &self.parts;
        let last = (parts.roots.len() as u32).wrapping_sub(1);
        let (roots, codes, plain) = (&parts.roots, &parts.codes, &parts.plain);
        View { roots, first: parts.first, last, codes, plain, values: &parts.values }
    }

    /// Returns the value of a key whose code is [`DEEP`].
    #[cold]
    fn deep<A: Address>(&self, key: A) -> u32 {
        let Some(group) = self.parts.deep.get(slot24(key)) else { return NO_ROUTE };
        let code = self.parts.groups.get(group * GROUP + (key.widen() & 255) as usize);
        code.and_then(|code| self.parts.values.get(code.index())).copied().unwrap_or(NO_ROUTE)
    }

    /// Returns the value of `key`.
    ///
    /// # Safety
    /// `FLAT` says whether the table is flat.
    #[inline(always)]
    unsafe fn find<A: Address, const FLAT: bool>(&self, key: A) -> u32 {
        let view = self.view();
        // SAFETY: the caller's promise.
        let place = unsafe { view.place::<FLAT>(slot24(key)) };
        // SAFETY: the place is this view's.
        let code = unsafe { view.code(place) };
        if code.index() == DEEP {
            return self.deep(key);
        }
        // SAFETY: the code is this view's.
        unsafe { view.value(code) }
    }

    /// Returns the value of `key`, or [`NO_ROUTE`].
    #[inline]
    pub(in crate::lpm) fn lookup<A: Address>(&self, key: A) -> u32 {
        if self.parts.roots.is_empty() {
            // SAFETY: a table without roots is flat.
            unsafe { self.find::<A, true>(key) }
        } else {
            // SAFETY: a table with roots is not.
            unsafe { self.find::<A, false>(key) }
        }
    }

    /// Writes the values of `keys` over those that are deep.
    #[cold]
    fn deepen<A: Address>(&self, keys: &[A], values: &mut [u32]) {
        for (value, &key) in values.iter_mut().zip(keys) {
            if *value == MAYBE_DEEP {
                *value = self.lookup(key);
            }
        }
    }

    /// Looks up what fills no group.
    fn each<A: Address>(&self, keys: &[A], values: &mut [u32]) {
        for (value, &key) in values.iter_mut().zip(keys) {
            *value = self.lookup(key);
        }
    }

    /// Writes the values of deep keys among `keys`, whose values are written but for those.
    #[inline(always)]
    fn finish<A: Address>(&self, keys: &[A; LANES], values: &mut [u32; LANES]) {
        if values.iter().fold(0, |any, &value| any | u32::from(value == MAYBE_DEEP)) != 0 {
            self.deepen(keys, values);
        }
    }

    /// As [`Self::walk_flat`], values by addition.
    ///
    /// # Safety
    /// The table is flat.
    #[inline(always)]
    unsafe fn walk_numbered<A: Address>(&self, base: u32, keys: &[A], values: &mut [u32]) {
        let view = self.view();
        let (groups, rest) = Groups::of(keys, values);
        groups.ask(|key| view.ask(key));
        groups.walk(
            [[C::default(); LANES]; 2],
            // SAFETY: the caller's promise.
            |keys, ahead, _, codes| unsafe { view.flat_codes(keys, ahead, codes) },
            |keys, values, codes| {
                view.numbered(base, codes, values);
                if codes.iter().fold(0, |any, &code| any | u32::from(code.index() == DEEP)) != 0 {
                    self.deepen(keys, values);
                }
            },
        );
        self.each(rest.0, rest.1);
    }

    /// # Safety
    /// The table is flat.
    #[inline(always)]
    unsafe fn walk_flat<A: Address>(&self, keys: &[A], values: &mut [u32]) {
        let view = self.view();
        let (groups, rest) = Groups::of(keys, values);
        groups.ask(|key| view.ask(key));
        groups.walk(
            [(), ()],
            // SAFETY: the caller's promise.
            |keys, ahead, values, ()| unsafe { view.flat(keys, ahead, values) },
            |keys, values, ()| self.finish(keys, values),
        );
        self.each(rest.0, rest.1);
    }

    /// # Safety
    /// The table is chunked.
    #[inline(always)]
    unsafe fn walk_chunked<A: Address>(&self, keys: &[A], values: &mut [u32]) {
        let view = self.view();
        let (groups, rest) = Groups::of(keys, values);
        for (keys, values) in groups.keys.iter().zip(groups.values) {
            // SAFETY: the caller's promise.
            unsafe { view.chunked(keys, values) };
            self.finish(keys, values);
        }
        self.each(rest.0, rest.1);
    }

    /// Looks all `keys` up.
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    pub(in crate::lpm) fn batch<A: Address>(&self, isa: Isa, keys: &[A], values: &mut [u32]) {
        assert_eq!(keys.len(), values.len(), "one value a key");
        match isa.level() {
            Level::Portable => batch_portable(self, keys, values),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: whoever holds the level has the features.
            Level::Avx2 | Level::Avx512 => unsafe { batch_avx2(self, keys, values) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Level::Gathers => unsafe { direct_gathers::batch(self, self.base, keys, values) },
        }
    }
}

/// Stamps the batch walk with the features of a level.
macro_rules! stamp {
    ($batch:ident $(, $feature:literal)?) => {
        $(#[target_feature(enable = $feature)])?
        fn $batch<C: Code, A: Address>(table: &DirectTable<C>, keys: &[A], values: &mut [u32]) {
            if table.parts.roots.is_empty() {
                // SAFETY: a table without roots is flat.
                match table.base {
                    // SAFETY: as above.
                    Some(base) => unsafe { table.walk_numbered(base, keys, values) },
                    // SAFETY: as above.
                    None => unsafe { table.walk_flat(keys, values) },
                }
            } else {
                // SAFETY: a table with roots is not.
                unsafe { table.walk_chunked(keys, values) };
            }
        }
    };
}

stamp!(batch_portable);
#[cfg(target_arch = "x86_64")]
stamp!(batch_avx2, "avx2,bmi1,bmi2,popcnt");
