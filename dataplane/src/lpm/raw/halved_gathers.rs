//! The walks of halved and short tables with AVX-512: sixteen keys a vector, every load a gather of 32 bits, in [runs](super::runs).
//!
//! A node takes two: the bitmap of the half that the key's slot is in, and the entry at the number of its bits up to the slot.
//! In a mixed batch a vector gathers the [briefs](Brief) of its tables, or what headers say where those do not do. Values
//! are chosen from four vectors where all tables together have no more than those hold, else gathered.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_and_si512, _mm512_andnot_si512, _mm512_castsi512_si256, _mm512_cmplt_epu32_mask,
    _mm512_extracti64x4_epi64, _mm512_i32gather_epi32, _mm512_i32gather_epi64, _mm512_loadu_si512,
    _mm512_mask_add_epi32, _mm512_mask_cmplt_epu32_mask, _mm512_mask_i32gather_epi32, _mm512_mask_mov_epi32,
    _mm512_mask_testn_epi32_mask, _mm512_min_epu32, _mm512_movepi32_mask, _mm512_popcnt_epi32, _mm512_set1_epi32,
    _mm512_setzero_si512, _mm512_slli_epi32, _mm512_sllv_epi32, _mm512_srli_epi32, _mm512_srlv_epi32,
    _mm512_storeu_si512, _mm512_sub_epi32, _mm512_testn_epi32_mask,
};
use std::sync::atomic::{Ordering, compiler_fence};

use vrfleak_engine::Address;

use super::super::forest::block::FIRST_VALUE;
use super::super::forest::halves::{BITMAPS, LEAF_CODE, WIDE_ANSWER};
use super::super::forest::line::LINED;
use super::super::forest::shape::{BEGIN, BLOCK_BITS, BRIEF_SLOTS, HALVED_LEVELS};
use super::super::table::TableId;
use super::brief::Briefs;
use super::chosen::Chosen;
use super::columns::{ANY_WIDTH, Columns};
use super::runs::{self, Depth, Walk, by_levels};
use super::store::{GATHERED_SLOTS, Header};
use super::vectors::{Rests, Roots, VECTOR, narrowed, upper_halves};

/// Returns a small number sixteen times.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn number(number: usize) -> __m512i {
    _mm512_set1_epi32((number as u32).cast_signed())
}

/// Keeps the gathers before from those behind: compilers else do all for one vector first, so that a processor, which looks some five
/// hundred instructions ahead, finds the loads of two vectors to wait for and not of four. With one fence between roots and
/// nodes 4,000 tables gain a tenth, 50 tables, which the first cache has, a fifth.
#[inline]
pub(super) fn in_order() {
    compiler_fence(Ordering::SeqCst);
}

/// How wide the entries of sixteen keys' tables are.
#[derive(Clone, Copy)]
pub(super) struct Widths {
    /// The width as a power of two.
    log: __m512i,
    /// The lanes with entries of one byte.
    narrow: u16,
}

impl Widths {
    /// Returns those that headers tell.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) fn of(len_shift: __m512i) -> Self {
        let log = _mm512_and_si512(_mm512_srli_epi32::<24>(len_shift), _mm512_set1_epi32(1));
        Self { log, narrow: _mm512_testn_epi32_mask(log, log) }
    }

    /// Returns as many bytes as so many entries have.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) fn bytes<const WIDTH: usize>(self, count: __m512i) -> __m512i {
        match WIDTH {
            1 => count,
            2 => _mm512_add_epi32(count, count),
            _ => _mm512_sllv_epi32(count, self.log),
        }
    }

    /// Returns the entries that four bytes each begin with.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) fn entries<const WIDTH: usize>(self, loaded: __m512i) -> __m512i {
        let mask = match WIDTH {
            1 => _mm512_set1_epi32(0xff),
            2 => _mm512_set1_epi32(0xffff),
            _ => _mm512_mask_mov_epi32(_mm512_set1_epi32(0xffff), self.narrow, _mm512_set1_epi32(0xff)),
        };
        _mm512_and_si512(loaded, mask)
    }

    /// Returns which of the lanes in `going` have an entry that names a child.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn children<const WIDTH: usize>(self, entries: __m512i, going: u16) -> u16 {
        let answer = _mm512_set1_epi32(WIDE_ANSWER.cast_signed());
        let first = _mm512_set1_epi32(FIRST_VALUE.cast_signed());
        match WIDTH {
            1 => _mm512_mask_cmplt_epu32_mask(going, entries, first),
            2 => _mm512_mask_testn_epi32_mask(going, entries, answer),
            _ => _mm512_mask_cmplt_epu32_mask(going, entries, _mm512_mask_mov_epi32(answer, self.narrow, first)),
        }
    }

    /// Returns the codes that entries are.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn codes<const WIDTH: usize>(entries: __m512i) -> __m512i {
        if WIDTH == 1 {
            return entries;
        }
        // No code of one byte has that bit, and no child's number is a code.
        _mm512_and_si512(entries, _mm512_set1_epi32((WIDE_ANSWER - 1).cast_signed()))
    }
}

/// What sixteen keys have of their roots.
#[derive(Clone, Copy)]
struct Begun {
    /// The codes of those that have their answer.
    codes: __m512i,
    /// The nodes of those that go on.
    nodes: __m512i,
    going: u16,
    /// The first 32 bits of each key behind what root and page decide.
    rests: __m512i,
    dictionary: __m512i,
    widths: Widths,
}

impl Columns {
    /// Begins sixteen keys in the tables with these headers, without pages unless `PAGED`.
    ///
    /// # Safety
    /// The headers are of halved tables of the store.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn begin<A: Address, const PAGED: bool>(self, roots: &Roots, keys: &[A; VECTOR]) -> Begun {
        // SAFETY: the caller's promise: roots and pages of halved tables are like those of dense ones that vectors can walk.
        let (entries, rests) = unsafe { self.first_blocks::<A, PAGED>(roots, keys) };
        Begun {
            codes: _mm512_and_si512(entries, _mm512_set1_epi32(LEAF_CODE.cast_signed())),
            nodes: entries,
            going: _mm512_testn_epi32_mask(entries, _mm512_set1_epi32(LINED.cast_signed())),
            rests: first_half(&rests),
            dictionary: roots.dictionary,
            widths: Widths::of(roots.len_shift),
        }
    }

    /// Begins sixteen keys in short tables by where they begin, by how many bits the first 32 of a key are shifted to be a
    /// slot, by the first bits of their first slots' first keys, and by the numbers of their slots.
    ///
    /// # Safety
    /// Those are what the headers of short tables of the store say, or of the one that begins at [`NOTHING`](super::assembly::NOTHING).
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn begin_short<A: Address>(
        self,
        (begin, shift, start, len): (__m512i, __m512i, __m512i, __m512i),
        keys: &[A; VECTOR],
    ) -> Begun {
        let bits = _mm512_sub_epi32(_mm512_set1_epi32(32), shift);
        let mut rests = Rests::of(keys);
        // A key before the first slot is one behind the last, since none is behind all ones.
        let slots = _mm512_srlv_epi32(_mm512_sub_epi32(first_half(&rests), start), shift);
        let slots = _mm512_min_epu32(slots, len);
        rests.skip(bits);
        let index = _mm512_add_epi32(begin, _mm512_add_epi32(slots, slots));
        // SAFETY: a root has `len + 1` entries of two bytes, and there are bytes behind the last node, so that four may be
        // loaded.
        let entries = unsafe { _mm512_i32gather_epi32::<1>(index, self.blocks.cast()) };
        let told = _mm512_and_si512(entries, _mm512_set1_epi32((WIDE_ANSWER - 1).cast_signed()));
        let zero = _mm512_setzero_si512();
        Begun {
            nodes: _mm512_add_epi32(begin, _mm512_add_epi32(told, told)),
            codes: told,
            going: _mm512_testn_epi32_mask(entries, _mm512_set1_epi32(WIDE_ANSWER.cast_signed())),
            rests: first_half(&rests),
            dictionary: zero,
            widths: Widths { log: zero, narrow: u16::MAX },
        }
    }

    /// Begins sixteen keys in the short tables with these headers.
    ///
    /// # Safety
    /// The headers are of short tables of the store.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn begin_short_by_headers<A: Address>(self, roots: &Roots, keys: &[A; VECTOR]) -> Begun {
        let len = _mm512_and_si512(roots.len_shift, _mm512_set1_epi32((GATHERED_SLOTS - 1).cast_signed()));
        let shift = _mm512_sub_epi32(_mm512_srli_epi32::<26>(roots.len_shift), _mm512_set1_epi32(32));
        let begin = _mm512_slli_epi32::<{ BEGIN.trailing_zeros() }>(roots.root);
        let start = _mm512_sllv_epi32(roots.first, shift);
        // SAFETY: the caller's promise.
        let begun = unsafe { self.begin_short((begin, shift, start, len), keys) };
        Begun { dictionary: roots.dictionary, widths: Widths::of(roots.len_shift), ..begun }
    }

    /// Begins sixteen keys in tables of which these briefs tell; those of which none tells have the code 0.
    ///
    /// # Safety
    /// The briefs are of the store.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    unsafe fn begin_brief<A: Address>(self, told: Told, keys: &[A; VECTOR]) -> Begun {
        let [low, high] = told.briefs;
        let (begin_shift, len_first) = (narrowed(low, high), upper_halves(low, high));
        let below = number(BEGIN - 1);
        let (shift, begin) = (_mm512_and_si512(begin_shift, below), _mm512_andnot_si512(below, begin_shift));
        let slots = _mm512_set1_epi32(BRIEF_SLOTS.cast_signed());
        let (len, start) = (_mm512_and_si512(len_first, slots), _mm512_andnot_si512(slots, len_first));
        // SAFETY: a brief says what its table's header says, or is the one that tells nothing.
        let begun = unsafe { self.begin_short((begin, shift, start, len), keys) };
        Begun { dictionary: told.dictionaries, ..begun }
    }

    /// Returns the bitmaps of the halves that the keys with these `rests` have in their nodes: only lanes in `going` have one.
    ///
    /// # Safety
    /// Lanes in `going` have the offset of a node of a halved table.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq")]
    unsafe fn bitmaps(self, nodes: __m512i, going: u16, rests: __m512i) -> __m512i {
        let place = _mm512_mask_add_epi32(nodes, _mm512_movepi32_mask(rests), nodes, number(BITMAPS / 2));
        let none = _mm512_setzero_si512();
        // SAFETY: a node has two bitmaps; other lanes load nothing.
        unsafe { _mm512_mask_i32gather_epi32::<1>(none, going, place, self.blocks.cast()) }
    }

    /// Returns the entries that the keys with these `rests` have in their nodes, whose `bitmaps` are those of their halves; other lanes
    /// than those in `going` have what is left of `codes` in so many bytes.
    ///
    /// # Safety
    /// Lanes in `going` have the offset of a node of a halved table, whose entries have these widths and `WIDTH` bytes, if
    /// that is a width.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq")]
    unsafe fn halves<const WIDTH: usize>(
        self,
        (nodes, bitmaps): (__m512i, __m512i),
        (going, codes): (u16, __m512i),
        rests: __m512i,
        widths: Widths,
    ) -> __m512i {
        let base = self.blocks.cast();
        let upper = _mm512_movepi32_mask(rests);
        let behind = _mm512_andnot_si512(_mm512_srli_epi32::<26>(rests), _mm512_set1_epi32(31));
        let rank = widths.bytes::<WIDTH>(_mm512_popcnt_epi32(_mm512_sllv_epi32(bitmaps, behind)));
        let one = if WIDTH == ANY_WIDTH { _mm512_sllv_epi32(_mm512_set1_epi32(1), widths.log) } else { number(WIDTH) };
        let behind_bitmaps = _mm512_sub_epi32(_mm512_add_epi32(nodes, number(BITMAPS)), one);
        let place = _mm512_mask_add_epi32(_mm512_sub_epi32(nodes, rank), upper, behind_bitmaps, rank);
        // SAFETY: each half has an entry for every bit of its bitmap, of which bit 0 is set, so that there is one to count, and
        // behind any there are bytes, so that four may be loaded. Other lanes load nothing.
        let loaded = unsafe { _mm512_mask_i32gather_epi32::<1>(codes, going, place, base) };
        widths.entries::<WIDTH>(loaded)
    }

    /// Returns the offsets of the children that `entries` name of the nodes in `going`.
    ///
    /// # Safety
    /// As [`Self::halves`], which the entries are from; those in `going` name children.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq")]
    unsafe fn children_of_halves<const WIDTH: usize>(
        self,
        nodes: __m512i,
        entries: __m512i,
        going: u16,
        widths: Widths,
    ) -> __m512i {
        if WIDTH == 2 {
            return _mm512_add_epi32(nodes, _mm512_slli_epi32::<2>(entries));
        }
        let narrow = if WIDTH == 1 { going } else { going & widths.narrow };
        let (zero, base) = (_mm512_setzero_si512(), self.blocks.cast());
        let upper = _mm512_add_epi32(nodes, _mm512_set1_epi32(4));
        // SAFETY: a node has two bitmaps; other lanes load nothing.
        let count = _mm512_popcnt_epi32(unsafe { _mm512_mask_i32gather_epi32::<1>(zero, narrow, upper, base) });
        let distances = _mm512_add_epi32(upper, _mm512_add_epi32(count, _mm512_set1_epi32(4)));
        let place = _mm512_add_epi32(distances, _mm512_add_epi32(entries, entries));
        // SAFETY: behind its entries of one byte a node has the distance of every child that they name, and there are bytes
        // behind the last node. Other lanes load nothing.
        let loaded = unsafe { _mm512_mask_i32gather_epi32::<1>(zero, narrow, place, base) };
        let distance = _mm512_and_si512(loaded, _mm512_set1_epi32(0xffff));
        let distance = _mm512_mask_mov_epi32(entries, narrow, distance);
        _mm512_add_epi32(nodes, _mm512_slli_epi32::<2>(distance))
    }
}

/// Returns the first 32 bits of what is left of sixteen keys.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub(super) fn first_half<A: Address>(rests: &Rests<A>) -> __m512i {
    if A::BITS == 32 { rests.0[0] } else { upper_halves(rests.0[0], rests.0[1]) }
}

/// What briefs tell of sixteen tables.
#[derive(Clone, Copy)]
struct Told {
    /// Twice eight briefs.
    briefs: [__m512i; 2],
    dictionaries: __m512i,
}

/// Returns what briefs tell of sixteen tables.
///
/// # Safety
/// There are briefs.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
unsafe fn briefs_of(from: &Briefs, tables: &[TableId; VECTOR]) -> Told {
    let (briefs, dictionaries) = (from.list(), from.dictionaries());
    let base = briefs.as_ptr().cast::<i64>();
    // SAFETY: a table id is a number of 32 bits.
    let ids = unsafe { _mm512_loadu_si512(tables.as_ptr().cast()) };
    let ids = _mm512_min_epu32(ids, _mm512_set1_epi32((briefs.len() as u32 - 1).cast_signed()));
    let briefs = [_mm512_castsi512_si256(ids), _mm512_extracti64x4_epi64::<1>(ids)]
        // SAFETY: each table has a brief, of eight bytes, and those beyond have the last.
        .map(|ids| unsafe { _mm512_i32gather_epi64::<8>(ids, base) });
    let dictionaries = if dictionaries.is_empty() {
        _mm512_setzero_si512()
    } else {
        // SAFETY: if any has one of these, each table has.
        unsafe { _mm512_i32gather_epi32::<4>(ids, dictionaries.as_ptr().cast()) }
    };
    Told { briefs, dictionaries }
}

/// What a batch reads.
#[derive(Clone, Copy)]
pub(super) struct Tables<'s> {
    pub(super) columns: Columns,
    pub(super) headers: &'s [Header],
    /// By table.
    pub(super) briefs: &'s Briefs,
    /// If every table has the first dictionary, and vectors hold it.
    pub(super) chosen: Option<&'s Chosen>,
}

impl Tables<'_> {
    /// Walks as many keys as `VECTORS` vectors have, `LEVELS` levels below the first node, as [`Walk::group`] says; `begin`
    /// returns what those of a vector have of their roots. All of it is one function, so that what is begun stays in registers:
    /// stores to the stack would get into the way of gathers.
    ///
    /// # Safety
    /// Keys are begun in tables of the store, whose entries have `WIDTH` bytes, if that is a width. There are at most 2^31
    /// values.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
    unsafe fn walk<const VECTORS: usize, const WIDTH: usize, const LEVELS: u32>(
        self,
        begin: impl Fn(usize) -> Begun,
        values: &mut [u32],
        left: &mut [u64],
    ) -> usize {
        let Self { columns, chosen, .. } = self;
        let zero = _mm512_setzero_si512();
        let (mut nodes, mut rests, mut codes, mut entries) =
            ([zero; VECTORS], [zero; VECTORS], [zero; VECTORS], [zero; VECTORS]);
        let mut going = [0_u16; VECTORS];
        let (mut dictionaries, mut widths) = ([zero; VECTORS], [Widths { log: zero, narrow: 0 }; VECTORS]);
        for vector in 0..VECTORS {
            let begun = begin(vector);
            (nodes[vector], rests[vector], codes[vector]) = (begun.nodes, begun.rests, begun.codes);
            (going[vector], dictionaries[vector], widths[vector]) = (begun.going, begun.dictionary, begun.widths);
        }
        in_order();
        let mut entered = 0;
        for level in 0..=LEVELS {
            if level == LEVELS && level > 0 {
                entered = going.iter().map(|going| going.count_ones() as usize).sum();
            }
            let mut bitmaps = [zero; VECTORS];
            for vector in 0..VECTORS {
                let (lanes, widths) = (going[vector], widths[vector]);
                if level > 0 {
                    // SAFETY: the entries were in those nodes, and those of the lanes name children.
                    nodes[vector] =
                        unsafe { columns.children_of_halves::<WIDTH>(nodes[vector], entries[vector], lanes, widths) };
                    rests[vector] = _mm512_slli_epi32::<{ BLOCK_BITS as u32 }>(rests[vector]);
                }
                // SAFETY: what a root's or page's entry names that is no answer is a node, and so is a child.
                bitmaps[vector] = unsafe { columns.bitmaps(nodes[vector], lanes, rests[vector]) };
            }
            in_order();
            for vector in 0..VECTORS {
                let (widths, node) = (widths[vector], (nodes[vector], bitmaps[vector]));
                let lanes = (going[vector], codes[vector]);
                // SAFETY: as above.
                entries[vector] = unsafe { columns.halves::<WIDTH>(node, lanes, rests[vector], widths) };
                codes[vector] = Widths::codes::<WIDTH>(entries[vector]);
                going[vector] = widths.children::<WIDTH>(entries[vector], going[vector]);
            }
            in_order();
        }
        let mut not_done = 0;
        for (vector, values) in values.as_chunks_mut::<VECTOR>().0.iter_mut().enumerate().take(VECTORS) {
            // No answer has such a code, but children of one byte do, and what a brief tells of its table if that is nothing.
            let none = _mm512_cmplt_epu32_mask(codes[vector], _mm512_set1_epi32(FIRST_VALUE.cast_signed()));
            let left_over = if WIDTH == 1 { none } else { going[vector] | none };
            let found = if let Some(chosen) = chosen {
                chosen.values(codes[vector])
            } else {
                let (index, all) = (_mm512_add_epi32(dictionaries[vector], codes[vector]), columns.values().cast());
                // SAFETY: every code of a table has a value from the table's dictionary on; lanes that go on load nothing.
                unsafe { _mm512_mask_i32gather_epi32::<4>(zero, !left_over, index, all) }
            };
            // SAFETY: sixteen values are a vector.
            unsafe { _mm512_storeu_si512(values.as_mut_ptr().cast(), found) };
            not_done |= u64::from(left_over) << (vector * VECTOR);
        }
        left[0] = not_done;
        entered
    }

    /// Returns the value of one key in a table of any kind.
    #[inline]
    pub(super) fn one<A: Address>(self, table: TableId, key: A) -> u32 {
        // SAFETY: the header is one of the store's whose columns these are.
        unsafe { self.columns.value_in(self.header(table), key) }
    }

    /// Returns the header of a table, the last one for an id beyond.
    #[inline]
    pub(super) fn header(&self, table: TableId) -> &Header {
        &self.headers[table.index().min(self.headers.len() - 1)]
    }
}

/// The walk of halved tables, of one with `ONE`.
#[derive(Clone, Copy)]
struct Halved<'s, const WIDTH: usize, const PAGED: bool, const ONE: bool> {
    tables: Tables<'s>,
    /// The header of the first table of the batch.
    one: &'s Roots,
}

impl<const WIDTH: usize, const PAGED: bool, const ONE: bool> Halved<'_, WIDTH, PAGED, ONE> {
    /// [`Walk::group`] with so many levels.
    ///
    /// # Safety
    /// As there.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
    unsafe fn group_in<A: Address, const VECTORS: usize, const LEVELS: u32>(
        self,
        tables: &[TableId],
        (keys, values): (&[A], &mut [u32]),
        left: &mut [u64],
    ) -> usize {
        let keys = keys.as_chunks().0;
        let begin = |vector: usize| {
            let roots = if ONE { None } else { Some(Roots::of(self.tables.headers, &tables.as_chunks().0[vector])) };
            // SAFETY: the caller's promise.
            unsafe { self.tables.columns.begin::<A, PAGED>(roots.as_ref().unwrap_or(self.one), &keys[vector]) }
        };
        // SAFETY: as above.
        unsafe { self.tables.walk::<VECTORS, WIDTH, LEVELS>(begin, values, left) }
    }
}

impl<A: Address, const WIDTH: usize, const PAGED: bool, const ONE: bool> Walk<A> for Halved<'_, WIDTH, PAGED, ONE> {
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
        by_levels!(self, VECTORS, 4, levels, tables, lanes, left)
    }

    #[inline]
    unsafe fn one(self, table: TableId, key: A) -> u32 {
        self.tables.one(table, key)
    }
}

/// The walk of short tables whose entries have `WIDTH` bytes, if that is a width: of one with `ONE`, else by briefs with `BRIEF`.
#[derive(Clone, Copy)]
struct Short<'s, const WIDTH: usize, const ONE: bool, const BRIEF: bool> {
    tables: Tables<'s>,
    /// The header of the first table of the batch.
    one: &'s Roots,
}

impl<const WIDTH: usize, const ONE: bool, const BRIEF: bool> Short<'_, WIDTH, ONE, BRIEF> {
    /// [`Walk::group`] with so many levels.
    ///
    /// # Safety
    /// As there.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
    unsafe fn group_in<A: Address, const VECTORS: usize, const LEVELS: u32>(
        self,
        tables: &[TableId],
        (keys, values): (&[A], &mut [u32]),
        left: &mut [u64],
    ) -> usize {
        let Tables { columns, headers, briefs, .. } = self.tables;
        let keys = keys.as_chunks().0;
        let zero = _mm512_setzero_si512();
        let mut told = [Told { briefs: [zero; 2], dictionaries: zero }; VECTORS];
        if BRIEF {
            for (told, tables) in told.iter_mut().zip(tables.as_chunks().0) {
                // SAFETY: the caller's promise.
                *told = unsafe { briefs_of(briefs, tables) };
            }
            in_order();
        }
        let begin = |vector: usize| {
            if ONE {
                // SAFETY: as above.
                return unsafe { columns.begin_short_by_headers(self.one, &keys[vector]) };
            }
            if BRIEF {
                // SAFETY: as above.
                return unsafe { columns.begin_brief(told[vector], &keys[vector]) };
            }
            let tables = &tables.as_chunks().0[vector];
            let roots = Roots::of(headers, tables);
            // SAFETY: as above.
            unsafe { columns.begin_short_by_headers(&roots, &keys[vector]) }
        };
        // SAFETY: as above.
        unsafe { self.tables.walk::<VECTORS, WIDTH, LEVELS>(begin, values, left) }
    }
}

impl<A: Address, const WIDTH: usize, const ONE: bool, const BRIEF: bool> Walk<A> for Short<'_, WIDTH, ONE, BRIEF> {
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
        by_levels!(self, VECTORS, 4, levels, tables, lanes, left)
    }

    #[inline]
    unsafe fn one(self, table: TableId, key: A) -> u32 {
        self.tables.one(table, key)
    }
}

/// Vectors that are walked together.
const VECTORS: usize = 4;
/// How deep a batch begins to walk: who has more levels is found out after a run.
const DEPTH: Depth = Depth { levels: 0, most: HALVED_LEVELS - 1 };

/// Walks all `keys` through halved tables: each through the table at the same position, or all through the first if `ONE`.
///
/// # Safety
/// All tables are halved; their entries have `WIDTH` bytes, if that is a width, and they have no pages unless `PAGED`. There is
/// a value a key, and a table a key unless `ONE`. There are at most 2^31 values.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
pub(super) unsafe fn halved<A: Address, const WIDTH: usize, const PAGED: bool, const ONE: bool>(
    from: Tables<'_>,
    tables: &[TableId],
    keys: &[A],
    values: &mut [u32],
) {
    let Some(&table) = tables.first() else { return };
    let one = &Roots::all(from.header(table));
    let walk = Halved::<'_, WIDTH, PAGED, ONE> { tables: from, one };
    // SAFETY: the caller's promise.
    unsafe { runs::batch::<A, _, VECTORS>(walk, DEPTH, tables, keys, values) };
}

/// Walks all `keys` through short tables: each through the table at the same position, or all through the first if `ONE`; by
/// briefs if `BRIEF`, and then tables without one are walked alone, whatever they are.
///
/// # Safety
/// All tables are short unless `BRIEF`; the entries of those of which briefs tell, or else of all, have `WIDTH` bytes, if that is a width. There is a value a key, and a table a key unless `ONE`. There are at most 2^31 values.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
pub(super) unsafe fn short<A: Address, const WIDTH: usize, const ONE: bool, const BRIEF: bool>(
    from: Tables<'_>,
    tables: &[TableId],
    keys: &[A],
    values: &mut [u32],
) {
    let Some(&table) = tables.first() else { return };
    let one = &Roots::all(from.header(table));
    let walk = Short::<'_, WIDTH, ONE, BRIEF> { tables: from, one };
    // SAFETY: the caller's promise.
    unsafe { runs::batch::<A, _, VECTORS>(walk, DEPTH, tables, keys, values) };
}
