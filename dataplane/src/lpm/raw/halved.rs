//! The walk of halved and short tables, key by key: root entry, page, then node by node, each a bitmap and an entry at the number
//! of bits set up to the key's slot. Batches are vectors' work.

use vrfleak_engine::Address;

use super::super::forest::block::{FIRST_VALUE, slot_of};
use super::super::forest::halves::{BITMAPS, DISTANCE, LEAF_CODE, SHORT_ENTRY, SHORT_UNIT, UNIT, WIDE_ANSWER};
use super::super::forest::line::LINED;
use super::super::forest::shape::{BEGIN, BLOCK_BITS, aligned, top};
use super::columns::Columns;
use super::store::Header;

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
        unsafe { self.find_in_halves(base + SHORT_UNIT * entry as usize, 64 - u32::from(header.shift), 1, key) }
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
