//! The walk of halved and short tables, key by key: root entry, page, then node by node, each a bitmap and an entry at the number
//! of bits set up to the key's slot.
//!
//! Up to [`LANES`] keys are walked level by level through short tables, like those of [dense](super::dense) ones. Batches of halved tables are
//! vectors' work.
#![expect(clippy::inline_always, reason = "what stays outside a stamped function is compiled without its features")]

use std::hint::select_unpredictable;

use vrfleak_engine::Address;

use super::super::forest::block::{FIRST_VALUE, slot_of};
use super::super::forest::halves::{BITMAPS, DISTANCE, LEAF_CODE, SHORT_ENTRY, SHORT_UNIT, UNIT, WIDE_ANSWER};
use super::super::forest::line::LINED;
use super::super::forest::shape::{BEGIN, BLOCK_BITS, BRIEF_SLOTS, aligned, top};
use super::assembly::NOTHING;
use super::brief::Brief;
use super::columns::{ANY_WIDTH, Columns, LANES, Lanes, prefetch};
use super::store::Header;

/// The bit of what a key has come to in a short table that says that it is a code; no node lies so far behind.
const TOLD: u32 = 1 << 31;

/// Where keys begin in a short table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begin {
    /// Where the table does.
    pub(super) base: u32,
    /// By how many the first 32 bits of a key are shifted to be a slot: 1 to 31.
    pub(super) shift: u32,
    /// The first 32 bits of the first slot's first key, and how many slots there are.
    pub(super) start: u32,
    pub(super) len: u32,
}

impl Begin {
    /// Returns what a header tells.
    #[inline(always)]
    pub(super) fn by_header(header: &Header) -> Self {
        let shift = u32::from(header.shift).wrapping_sub(32);
        let start = (header.first << (shift & 31)) as u32;
        Self { base: header.root * BEGIN as u32, shift, start, len: header.len }
    }

    /// Returns what a brief tells.
    #[inline(always)]
    pub(super) fn by_brief(brief: Brief) -> Self {
        let (below, slots) = (BEGIN as u32 - 1, BRIEF_SLOTS);
        Self {
            base: brief.begin_shift & !below,
            shift: brief.begin_shift & below,
            start: brief.len_first & !slots,
            len: brief.len_first & slots,
        }
    }

    /// Returns the bit behind those of a slot.
    #[inline(always)]
    fn at(self) -> u32 {
        32 - (self.shift & 31)
    }
}

impl Columns {
    /// Returns the code of `key` in a halved table.
    ///
    /// # Safety
    /// `header` is one of the store's, of a halved table.
    pub(super) unsafe fn find_halved<A: Address>(self, header: &Header, key: A) -> u32 {
        // SAFETY: the caller's promise.
        let (entry, at) = unsafe { self.block_entry::<true>(header, top(key)) };
        if entry & LINED != 0 {
            return entry & LEAF_CODE;
        }
        // SAFETY: what is no answer is a node of the table.
        unsafe { self.find_in_halves(entry as usize, at, usize::from(header.width), key) }
    }

    /// Returns the code of `key` in a short table.
    ///
    /// # Safety
    /// `header` is one of the store's, of a short table.
    pub(super) unsafe fn find_short<A: Address>(self, header: &Header, key: A) -> u32 {
        let slot = (top(key) >> (header.shift & 63)).wrapping_sub(header.first).min(u64::from(header.len));
        let base = header.root as usize * BEGIN;
        // SAFETY: a root has `len + 1` entries where the table begins.
        let entry = unsafe { self.number_at(base + SHORT_ENTRY * slot as usize) };
        if entry & WIDE_ANSWER != 0 {
            return entry ^ WIDE_ANSWER;
        }
        // SAFETY: what is no answer is a node of the table.
        unsafe {
            let (node, at) = (base + SHORT_UNIT * entry as usize, 64 - u32::from(header.shift));
            self.find_in_halves(node, at, usize::from(header.width), key)
        }
    }

    /// Returns what comes behind the root of a short table for a key whose first 32 bits are `first`: the offset of a node, or with
    /// [`TOLD`] a code.
    ///
    /// # Safety
    /// `begin` is what a header of a short table of the store says, or the brief that tells nothing.
    #[inline(always)]
    unsafe fn behind_root(self, begin: Begin, first: u32) -> u32 {
        // A key before the first slot is one behind the last, since none is behind all ones.
        let slot = (first.wrapping_sub(begin.start) >> (begin.shift & 31)).min(begin.len);
        // SAFETY: a root has `len + 1` entries where the table begins.
        let entry = unsafe { self.number_at(begin.base as usize + SHORT_ENTRY * slot as usize) };
        let node = begin.base + SHORT_UNIT as u32 * entry;
        select_unpredictable(entry & WIDE_ANSWER != 0, entry ^ WIDE_ANSWER | TOLD, node)
    }

    /// Returns the entry of `width` bytes that the node at the offset `node` has for the slot `slot`, which is below 64.
    ///
    /// # Safety
    /// There is such a node in the store, or as many bytes of it on both sides.
    #[inline(always)]
    unsafe fn half(self, node: usize, slot: u32, width: usize) -> u32 {
        let (upper, slot) = (slot as usize / 32, slot % 32);
        // SAFETY: a node has two bitmaps.
        let bitmap = unsafe { self.blocks.add(node + 4 * upper) };
        // SAFETY: as above.
        let bitmap = u32::from_le(unsafe { bitmap.cast::<u32>().read_unaligned() });
        let rank = width * (bitmap << (31 - slot)).count_ones() as usize;
        let place = select_unpredictable(upper > 0, node + BITMAPS - width + rank, node - rank);
        if width > 1 {
            // SAFETY: each half has an entry for every bit of its bitmap, of which bit 0 is set, so that there is one to count.
            return unsafe { self.number_at(place) };
        }
        // SAFETY: as above.
        let entry = unsafe { self.blocks.add(place) };
        // SAFETY: as above.
        u32::from(unsafe { *entry })
    }

    /// Returns the child that `entry`, of `width` bytes, names of the node at the offset `node`.
    ///
    /// # Safety
    /// There is such a node in the store, whose entries have so many bytes, of which that is one and names a child.
    #[inline(always)]
    unsafe fn child_of_halves(self, node: u32, entry: u32, width: usize) -> u32 {
        if width > 1 {
            return node + UNIT as u32 * entry;
        }
        // SAFETY: a node has two bitmaps.
        let bitmap = unsafe { self.blocks.add(node as usize + BITMAPS / 2) };
        // SAFETY: as above.
        let count = unsafe { bitmap.cast::<u32>().read_unaligned() }.count_ones() as usize;
        // SAFETY: behind the entries a node has a distance for every child that they name.
        let distance = unsafe { self.number_at(node as usize + BITMAPS + count + DISTANCE * entry as usize) };
        node + UNIT as u32 * distance
    }

    /// Returns the code of `key` in the node of halves at the offset `node`, which begins at bit `at`, or below it.
    ///
    /// # Safety
    /// There is such a node in the store, whose entries have `width` bytes.
    unsafe fn find_in_halves<A: Address>(self, mut node: usize, mut at: u32, width: usize, key: A) -> u32 {
        loop {
            let slot = slot_of(aligned(key), at);
            let bitmap = |half: usize| {
                // SAFETY: a node within the store's blocks has two bitmaps.
                let bitmap = unsafe { self.blocks.add(node + 4 * half) };
                // SAFETY: as above.
                u32::from_le(unsafe { bitmap.cast::<u32>().read_unaligned() })
            };
            let half = slot as usize / 32;
            let rank = (bitmap(half) << (31 - slot % 32)).count_ones() as usize * width;
            let place = if half == 0 { node - rank } else { node + BITMAPS + rank - width };
            // SAFETY: each half has an entry for every bit of its bitmap, of which bit 0 is set, so that there is one to count.
            let number = unsafe { self.number_at(place) };
            let distance = if width == 2 {
                if number & WIDE_ANSWER != 0 {
                    return number ^ WIDE_ANSWER;
                }
                number
            } else {
                let code = number & 0xff;
                if code >= FIRST_VALUE {
                    return code;
                }
                let distances = node + BITMAPS + bitmap(1).count_ones() as usize;
                // SAFETY: behind the entries a node has a distance for every child that they name.
                unsafe { self.number_at(distances + DISTANCE * code as usize) }
            };
            node += UNIT * distance as usize;
            at += u32::from(BLOCK_BITS);
        }
    }

    /// Returns the two bytes at `place` as a number.
    ///
    /// # Safety
    /// `place` is within the store's blocks, of which there are more behind the last node.
    #[inline]
    unsafe fn number_at(self, place: usize) -> u32 {
        // SAFETY: the caller's promise.
        let number = unsafe { self.blocks.add(place) };
        // SAFETY: as above.
        u32::from(u16::from_le(unsafe { number.cast::<u16>().read_unaligned() }))
    }
}

/// Returns the code that an entry of `width` bytes is, or less than [`FIRST_VALUE`] for one that names a child.
#[inline(always)]
fn code_of(entry: u32, width: usize) -> u32 {
    if width == 1 { entry } else { select_unpredictable(entry & WIDE_ANSWER != 0, entry ^ WIDE_ANSWER, 0) }
}

/// Where a key begins in a short table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) begin: Begin,
    /// Where the values of its dictionary begin.
    pub(super) dictionary: u32,
    /// Bytes of an entry of its nodes.
    pub(super) width: usize,
}

impl Start {
    /// Returns what a header tells.
    #[inline(always)]
    pub(super) fn by_header(header: &Header) -> Self {
        let width = usize::from(header.width);
        Self { begin: Begin::by_header(header), dictionary: header.dictionary, width }
    }
}

/// Walks up to [`LANES`] keys through short tables whose entries have `WIDTH` bytes, if that is a width, each from what `start_of` says
/// for its position. Keys of tables of which a brief tells nothing have the value of `alone`.
///
/// # Safety
/// What is returned for a position is what the header or brief of a short table of the store says, or the brief that tells nothing. There
/// are at most [`LANES`] keys.
#[inline(always)]
pub(super) unsafe fn short_group<A: Address, const WIDTH: usize>(
    columns: Columns,
    start_of: impl Fn(usize) -> Start,
    alone: impl Fn(usize) -> u32,
    keys: &[A],
    values: &mut [u32],
) {
    let width_of = |start: Start| if WIDTH == ANY_WIDTH { start.width } else { WIDTH };
    let (mut nodes, mut slots) = ([TOLD; LANES], [0_u8; LANES]);
    for (lane, ((node, slot), &key)) in nodes.iter_mut().zip(&mut slots).zip(keys).enumerate() {
        let (Start { begin, .. }, key) = (start_of(lane), top(key));
        // SAFETY: the caller's promise.
        *node = unsafe { columns.behind_root(begin, (key >> 32) as u32) };
        *slot = ((key << begin.at()) >> 58) as u8;
        prefetch(columns.blocks.wrapping_add(*node as usize));
    }
    let (mut entries, mut codes) = ([0; LANES], [0; LANES]);
    let mut least = FIRST_VALUE;
    for (lane, ((entry, value), (&node, &slot))) in
        entries.iter_mut().zip(values.iter_mut()).zip(nodes.iter().zip(&slots)).enumerate()
    {
        let (start, is_told) = (start_of(lane), node & TOLD != 0);
        let width = width_of(start);
        // A code is no node, but where nothing is told there are bytes on both sides.
        let place = select_unpredictable(is_told, NOTHING as u32, node);
        // SAFETY: what is no code is a node.
        *entry = unsafe { columns.half(place as usize, u32::from(slot) % 64, width) };
        let code = select_unpredictable(is_told, node ^ TOLD, code_of(*entry, width));
        // SAFETY: the code is the table's, or no answer's.
        *value = unsafe { columns.value_of(start.dictionary, code) };
        least = least.min(code);
        codes[lane] = code;
    }
    if least >= FIRST_VALUE {
        return;
    }
    // The keys that go on at a child, in their order.
    let mut going = Lanes::of(codes[..keys.len()].iter().map(|&code| code < FIRST_VALUE));
    let mut below = 0;
    while going.count > 0 {
        below += u32::from(BLOCK_BITS);
        let mut still = Lanes::new();
        for index in 0..going.count {
            let lane = going.get(index);
            if nodes[lane] & TOLD != 0 {
                values[lane] = alone(lane);
                continue;
            }
            let start = start_of(lane);
            let width = width_of(start);
            // SAFETY: the entry was in that node, and names a child.
            nodes[lane] = unsafe { columns.child_of_halves(nodes[lane], entries[lane], width) };
            let slot = slot_of(aligned(keys[lane]), start.begin.at() + below);
            // SAFETY: a child is a node.
            entries[lane] = unsafe { columns.half(nodes[lane] as usize, slot, width) };
            let code = code_of(entries[lane], width);
            // SAFETY: the entry was in that node.
            values[lane] = unsafe { columns.value_of(start.dictionary, code) };
            still.push(lane, code < FIRST_VALUE);
        }
        going = still;
    }
}
