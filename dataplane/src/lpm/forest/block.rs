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
use super::shape::{BLOCK_BITS, aligned, depth, top};

/// The first code that stands for an answer; the 64 below it name a block's children.
pub(in crate::lpm) const FIRST_VALUE: u32 = 64;

/// Bytes of a block's bitmap.
pub(in crate::lpm) const BITMAP_BYTES: usize = 8;

/// Returns the slot of the left-aligned `key` in a block that begins at bit `at`.
#[inline]
pub(in crate::lpm) fn slot_of(key: u128, at: u32) -> u32 {
    ((key << at) >> 122) as u32
}

/// A slot of a block under construction that has a block below it.
#[derive(Clone, Copy, Debug)]
struct Child {
    /// The ranges that begin inside, among those of the block.
    from: usize,
    to: usize,
    /// The code in force where they begin.
    entry: u32,
}

/// Appends blocks to a buffer.
#[derive(Debug)]
pub(super) struct BlockWriter<'a> {
    /// The blocks so far.
    bytes: &'a mut Vec<u8>,
    /// Bytes a code: 1, 2 or 4.
    width: usize,
    /// The children of the blocks that are under construction, of the innermost one last.
    children: Vec<Child>,
}

impl<'a> BlockWriter<'a> {
    /// Returns a writer of blocks with codes of `width` bytes, which continues `bytes`.
    pub(super) fn new(bytes: &'a mut Vec<u8>, width: usize) -> Self {
        debug_assert!(matches!(width, 1 | 2 | 4));
        Self { bytes, width, children: Vec::new() }
    }

    #[inline]
    fn put_code(&mut self, code: u32) {
        debug_assert!(self.width == 4 || code >> (8 * self.width) == 0);
        match self.width {
            1 => self.bytes.push(code as u8),
            2 => self.bytes.extend_from_slice(&(code as u16).to_le_bytes()),
            _ => self.bytes.extend_from_slice(&code.to_le_bytes()),
        }
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
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(&[0; BITMAP_BYTES]);
        let first = self.children.len();
        let bitmap = self.runs(at, entry, ranges);
        self.bytes[offset..offset + BITMAP_BYTES].copy_from_slice(&bitmap.to_le_bytes());
        let mut delta_at = self.bytes.len();
        let end = self.children.len();
        self.bytes.resize(delta_at + 4 * (end - first), 0);
        for child in first..end {
            let Child { from, to, entry } = self.children[child];
            let child = self.block(at + u32::from(BLOCK_BITS), entry, &ranges[from..to]);
            // Wraps around in a table so big that no store takes it.
            let delta = child.wrapping_sub(offset as u32);
            self.bytes[delta_at..delta_at + 4].copy_from_slice(&delta.to_le_bytes());
            delta_at += 4;
        }
        self.children.truncate(first);
        offset as u32
    }

    /// Appends the codes of the runs of slots that `ranges` cut a block into, and its children to those under
    /// construction. Returns the bitmap.
    fn runs<A: Address>(&mut self, at: u32, entry: u32, ranges: &[Range<A>]) -> u64 {
        let slot_of_range = |range: &Range<A>| {
            // The first 64 bits have the slot's, mostly.
            if at + u32::from(BLOCK_BITS) <= 64 {
                (top(range.start) << at >> (64 - BLOCK_BITS)) as u32
            } else {
                slot_of(aligned(range.start), at)
            }
        };
        let first = self.children.len();
        let mut cut = Cut::default();
        // The first slot without a run, and the code in force there.
        let (mut next, mut code, mut from) = (0, entry, 0);
        while let Some(range) = ranges.get(from) {
            let slot = slot_of_range(range);
            let mut to = from + 1;
            while ranges.get(to).is_some_and(|range| slot_of_range(range) == slot) {
                to += 1;
            }
            if next < slot {
                self.run(&mut cut, next, code);
                next = slot;
            }
            let on_slot = depth(range.start) <= at + u32::from(BLOCK_BITS);
            if to - from > 1 || !on_slot {
                cut.bitmap |= 1 << slot;
                cut.last = None;
                self.put_code((self.children.len() - first) as u32);
                self.children.push(Child { from, to, entry: code });
                next = slot + 1;
            }
            code = ranges[to - 1].code;
            from = to;
        }
        if next < 64 {
            self.run(&mut cut, next, code);
        }
        cut.bitmap
    }

    /// Appends a run of slots with one answer, unless the one before has the same.
    #[inline]
    fn run(&mut self, cut: &mut Cut, slot: u32, code: u32) {
        if cut.last.replace(code) != Some(code) {
            cut.bitmap |= 1 << slot;
            self.put_code(code);
        }
    }
}

/// How far a block's slots are cut into runs.
#[derive(Debug, Default)]
struct Cut {
    bitmap: u64,
    /// The code of the last run, if that is no child.
    last: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_slots_share_one_run() {
        let start = |start, code| Range { start, code };
        let ranges = [start(0x0a00_0100_u32, 65), start(0x0a00_0200, 66), start(0x0a00_3f00, 64)];
        let mut bytes = Vec::new();
        BlockWriter::new(&mut bytes, 1).block(18, 64, &ranges);
        assert_eq!(bytes[..8], (1_u64 | 1 << 1 | 1 << 2 | 1 << 63).to_le_bytes());
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
