//! Blocks: the 64-way popcount nodes that everything below a root is made of.
//!
//! ```text
//! offset  0        8                8 + W n            8 + W n + 4 m
//!         | bitmap | n codes of W B | m child deltas, 4 B |
//! ```
//! Bit i of the bitmap says that slot i begins another run than slot i - 1; bit 0 is always set. The code of slot i is
//! the one at the number of bits set up to i. A code below [`FIRST_VALUE`] is the number of a child, a block or a
//! [list](super::list), which lies at this block's offset plus the child's delta; a delta with the bit [`LIST`] names a
//! list. A code from there on stands for an answer. Nodes are packed without padding and hold no absolute offset, so
//! those of a table may be moved as one.

use vrfleak_engine::Address;

use super::super::raw::LIST;
use super::list::{self, Form};
use super::ranges::Range;
use super::shape::{BLOCK_BITS, aligned, depth};

/// The first code that stands for an answer; the 64 below it name a block's children.
pub(in crate::lpm) const FIRST_VALUE: u32 = 64;

/// Bytes of a block's bitmap.
pub(in crate::lpm) const BITMAP_BYTES: usize = 8;

/// Returns the slot of the left-aligned `key` in a block that begins at bit `at`.
#[inline]
pub(in crate::lpm) fn slot_of(key: u128, at: u32) -> u32 {
    ((key << at) >> 122) as u32
}

/// By how many bytes a list under a root must be smaller than a block without children to be taken in its place: a group
/// of keys of which none is at a list takes a shorter way. With it dense tables have no lists there.
const BLOCK_WORTH: usize = 16;

/// One run of slots in a block under construction.
#[derive(Clone, Copy)]
enum Run {
    Leaf(u32),
    /// The ranges `from..to` and the code in force where they begin.
    Child {
        from: usize,
        to: usize,
        entry: u32,
    },
}

/// Appends blocks to a buffer.
#[derive(Debug)]
pub(super) struct BlockWriter<'a> {
    /// The nodes so far.
    bytes: &'a mut Vec<u8>,
    /// Bytes a code: 1, 2 or 4.
    width: usize,
    /// Whether the table has no lists.
    dense: bool,
    /// Whether the next node is one that a root's or page's entry leads to.
    is_root: bool,
}

impl<'a> BlockWriter<'a> {
    /// Returns a writer of nodes with codes of `width` bytes, which continues `bytes`; a `dense` table has no lists.
    pub(super) fn new(bytes: &'a mut Vec<u8>, width: usize, dense: bool) -> Self {
        debug_assert!(matches!(width, 1 | 2 | 4));
        Self { bytes, width, dense, is_root: true }
    }

    fn put_code(&mut self, code: u32) {
        debug_assert!(self.width == 4 || code >> (8 * self.width) == 0);
        self.bytes.extend_from_slice(&code.to_le_bytes()[..self.width]);
    }

    /// Appends a block with one answer and returns its offset.
    pub(super) fn leaf(&mut self, code: u32) -> u32 {
        let at = self.bytes.len() as u32;
        self.bytes.extend_from_slice(&1_u64.to_le_bytes());
        self.put_code(code);
        at
    }

    /// Appends the block or list that begins at bit `at` and what is below it, and returns its offset, with [`LIST`] for
    /// a list.
    ///
    /// `ranges` start within the node's addresses, ascending; `entry` is in force up to the first of them.
    pub(super) fn node<A: Address>(&mut self, at: u32, entry: u32, ranges: &[Range<A>]) -> u32 {
        match self.list(at, entry, ranges) {
            Some(list) => LIST | list,
            None => self.block(at, entry, ranges) as u32,
        }
    }

    /// Appends the list that begins at bit `at` and returns its offset, if a list is the smaller node.
    pub(super) fn list<A: Address>(&mut self, at: u32, mut entry: u32, mut ranges: &[Range<A>]) -> Option<u32> {
        if self.dense || ranges.len() > list::MOST + 1 {
            return None;
        }
        if let Some((first, rest)) = ranges.split_first()
            && depth(first.start) <= at
        {
            (entry, ranges) = (first.code, rest);
        }
        let form = Form::of(at, ranges)?;
        let (block, ends) = block_bytes(at, ranges, self.width);
        let worth = if ends && self.is_root { BLOCK_WORTH } else { 0 };
        if form.bytes(ranges.len(), self.width) + worth > block {
            return None;
        }
        let offset = self.bytes.len() as u32;
        form.write(self.bytes, self.width, at, entry, ranges);
        Some(offset)
    }

    /// Appends the block that begins at bit `at` and what is below it, and returns its offset.
    ///
    /// `ranges` start within the block's addresses, ascending; `entry` is in force up to the first of them.
    fn block<A: Address>(&mut self, at: u32, entry: u32, ranges: &[Range<A>]) -> usize {
        let (bitmap, runs, count) = runs(at, entry, ranges);
        self.is_root = false;
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(&bitmap.to_le_bytes());
        let mut children = 0;
        for run in &runs[..count] {
            match *run {
                Run::Leaf(code) => self.put_code(code),
                Run::Child { .. } => {
                    self.put_code(children);
                    children += 1;
                }
            }
        }
        let mut delta_at = self.bytes.len();
        self.bytes.resize(delta_at + 4 * children as usize, 0);
        for run in &runs[..count] {
            if let Run::Child { from, to, entry } = *run {
                let child = self.node(at + u32::from(BLOCK_BITS), entry, &ranges[from..to]);
                // Wraps around in a table so big that no store takes it.
                let delta = child.wrapping_sub(offset as u32);
                self.bytes[delta_at..delta_at + 4].copy_from_slice(&delta.to_le_bytes());
                delta_at += 4;
            }
        }
        offset
    }
}

/// Returns about how many bytes a block for these ranges takes with all that is below it, lists as its children, and
/// whether there is nothing below.
fn block_bytes<A: Address>(at: u32, ranges: &[Range<A>], width: usize) -> (usize, bool) {
    let below = at + u32::from(BLOCK_BITS);
    let (mut bytes, mut ends, mut from) = (BITMAP_BYTES + width, true, 0);
    while from < ranges.len() {
        let slot = slot_of(aligned(ranges[from].start), at);
        let mut to = from + 1;
        let mut deepest = depth(ranges[from].start);
        while to < ranges.len() && slot_of(aligned(ranges[to].start), at) == slot {
            deepest = deepest.max(depth(ranges[to].start));
            to += 1;
        }
        bytes += width;
        if deepest > below {
            ends = false;
            let size = (deepest - below).div_ceil(8) as usize;
            bytes += 4 + width + list::HEAD_BYTES + (to - from) * (size + width) + width;
        }
        from = to;
    }
    (bytes, ends)
}

/// Cuts the slots of one block into runs; returns bitmap, runs and their number.
fn runs<A: Address>(at: u32, entry: u32, ranges: &[Range<A>]) -> (u64, [Run; 64], usize) {
    let (mut bitmap, mut runs, mut count) = (0_u64, [Run::Leaf(0); 64], 0);
    let mut push = |slot: u32, run: Run| {
        if count > 0
            && let (Run::Leaf(before), Run::Leaf(code)) = (runs[count - 1], run)
            && before == code
        {
            return;
        }
        bitmap |= 1 << slot;
        runs[count] = run;
        count += 1;
    };
    // The first slot without a run, and the code in force there.
    let (mut next, mut code, mut from) = (0, entry, 0);
    while from < ranges.len() {
        let start = aligned(ranges[from].start);
        let slot = slot_of(start, at);
        let mut to = from + 1;
        while to < ranges.len() && slot_of(aligned(ranges[to].start), at) == slot {
            to += 1;
        }
        if next < slot {
            push(next, Run::Leaf(code));
            next = slot;
        }
        let on_slot = depth(ranges[from].start) <= at + u32::from(BLOCK_BITS);
        if to - from > 1 || !on_slot {
            push(slot, Run::Child { from, to, entry: code });
            next = slot + 1;
        }
        code = ranges[to - 1].code;
        from = to;
    }
    if next < 64 {
        push(next, Run::Leaf(code));
    }
    (bitmap, runs, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_slots_share_one_run() {
        let start = |start, code| Range { start, code };
        let ranges = [start(0x0a00_0100_u32, 65), start(0x0a00_0200, 66), start(0x0a00_3f00, 64)];
        let (bitmap, _, count) = runs(18, 64, &ranges);
        assert_eq!((bitmap, count), (1 | 1 << 1 | 1 << 2 | 1 << 63, 4));
        let mut bytes = Vec::new();
        BlockWriter::new(&mut bytes, 1, false).block(18, 64, &ranges);
        assert_eq!(bytes[8..], [64, 65, 66, 64]);
    }

    #[test]
    fn a_boundary_inside_a_slot_makes_a_child() {
        let ranges = [Range { start: 0x0a00_0180_u32, code: 65 }];
        let mut bytes = Vec::new();
        assert_eq!(BlockWriter::new(&mut bytes, 1, false).block(18, 64, &ranges), 0);
        // Slot 0 is a leaf, slot 1 child 0, slots 2 to 63 a leaf of the new code.
        assert_eq!(bytes[..8], 0b111_u64.to_le_bytes());
        assert_eq!(bytes[8..11], [64, 0, 65]);
        assert_eq!(bytes[11..15], (LIST | 15).to_le_bytes());
        assert_eq!(bytes[15..], [0x01, 0x80, 64, 65]);
    }
}
