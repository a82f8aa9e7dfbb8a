//! From nodes back to the ranges that they were made of.

use vrfleak_engine::Address;

use super::super::raw::{LIST, OFFSET};
use super::block::{BITMAP_BYTES, FIRST_VALUE};
use super::list::{HEAD_BYTES, ListHead};
use super::ranges::Ranges;
use super::shape::BLOCK_BITS;

/// Reads nodes with codes of one width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    /// The nodes, as entries lead to them.
    pub(super) nodes: &'a [u8],
    /// Bytes a code.
    pub(super) width: usize,
}

impl Reader<'_> {
    fn code(self, at: usize) -> u32 {
        let mut wide = [0; 4];
        wide[..self.width].copy_from_slice(&self.nodes[at..at + self.width]);
        u32::from_le_bytes(wide)
    }

    fn word(self, at: usize) -> u64 {
        self.nodes[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
    }

    /// Appends the ranges of the node of `entry`, which begins at bit `at` and at the left-aligned address `base`.
    pub(super) fn node<A: Address>(self, entry: u32, at: u32, base: u128, ranges: &mut Ranges<A>) {
        let offset = (entry & OFFSET) as usize;
        if entry & LIST != 0 {
            return self.list(offset, at, base, ranges);
        }
        let bitmap = self.word(offset);
        let deltas = offset + BITMAP_BYTES + bitmap.count_ones() as usize * self.width;
        let (mut left, mut code_at) = (bitmap, offset + BITMAP_BYTES);
        while left != 0 {
            let slot = left.trailing_zeros();
            left &= left - 1;
            let code = self.code(code_at);
            code_at += self.width;
            let start = base | (u128::from(slot) << (128 - u32::from(BLOCK_BITS)) >> at);
            if code >= FIRST_VALUE {
                ranges.push(start, code);
            } else {
                let child = offset as u32 + self.word(deltas + 4 * code as usize) as u32;
                self.node(child, at + u32::from(BLOCK_BITS), start, ranges);
            }
        }
    }

    fn list<A: Address>(self, offset: usize, at: u32, base: u128, ranges: &mut Ranges<A>) {
        let head = ListHead::of(self.nodes[offset]);
        let body = offset + HEAD_BYTES;
        let (boundaries, codes) = (body + head.boundaries(), body + head.codes());
        ranges.push(base, self.code(codes));
        let unused = 64 - 8 * head.size as u32;
        for index in 0..head.count {
            let boundary = self.word(boundaries + index * head.size) << unused;
            let start = if head.deep {
                u128::from(self.word(body)) << 64 | u128::from(boundary)
            } else {
                base | u128::from(boundary) << 64 >> at
            };
            ranges.push(start, self.code(codes + (index + 1) * self.width));
        }
    }
}
