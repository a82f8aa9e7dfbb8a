//! Blocks: the 64-way popcount nodes that everything below a root is made of.
//!
//! ```text
//! offset  0        8                8 + W n            8 + W n + 4 m
//!         | bitmap | n codes of W B | m child deltas, 4 B |
//! ```
//! Bit i of the bitmap says that slot i begins another run than slot i - 1; bit 0 is always set. The code of slot i is
//! the one at the number of bits set up to i. A code below [`FIRST_VALUE`] is the number of a child, a block which lies at
//! this block's offset plus the child's delta. A code from there on stands for an answer. Blocks are packed without
//! padding and hold no absolute offset, so those of a table may be moved as one.

use vrfleak_engine::Address;

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
    /// The blocks so far.
    bytes: &'a mut Vec<u8>,
    /// Bytes a code: 1, 2 or 4.
    width: usize,
}

impl<'a> BlockWriter<'a> {
    /// Returns a writer of blocks with codes of `width` bytes, which continues `bytes`.
    pub(super) fn new(bytes: &'a mut Vec<u8>, width: usize) -> Self {
        debug_assert!(matches!(width, 1 | 2 | 4));
        Self { bytes, width }
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

    /// Appends the block that begins at bit `at` and what is below it, and returns its offset.
    ///
    /// `ranges` start within the block's addresses, ascending; `entry` is in force up to the first of them.
    pub(super) fn block<A: Address>(&mut self, at: u32, entry: u32, ranges: &[Range<A>]) -> u32 {
        let (bitmap, runs, count) = runs(at, entry, ranges);
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
                let child = self.block(at + u32::from(BLOCK_BITS), entry, &ranges[from..to]);
                // Wraps around in a table so big that no store takes it.
                let delta = child.wrapping_sub(offset as u32);
                self.bytes[delta_at..delta_at + 4].copy_from_slice(&delta.to_le_bytes());
                delta_at += 4;
            }
        }
        offset as u32
    }
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
        BlockWriter::new(&mut bytes, 1).block(18, 64, &ranges);
        assert_eq!(bytes[8..], [64, 65, 66, 64]);
    }

    #[test]
    fn a_boundary_inside_a_slot_makes_a_child() {
        let ranges = [Range { start: 0x0a00_0180_u32, code: 65 }];
        let mut bytes = Vec::new();
        assert_eq!(BlockWriter::new(&mut bytes, 1).block(18, 64, &ranges), 0);
        // Slot 0 is a leaf, slot 1 child 0, slots 2 to 63 a leaf of the new code.
        assert_eq!(bytes[..8], 0b111_u64.to_le_bytes());
        assert_eq!(bytes[8..11], [64, 0, 65]);
        assert_eq!(bytes[11..15], 15_u32.to_le_bytes());
        assert_eq!(bytes[15..23], (1_u64 | 1 << 32).to_le_bytes());
        assert_eq!(bytes[23..], [64, 65]);
    }
}
