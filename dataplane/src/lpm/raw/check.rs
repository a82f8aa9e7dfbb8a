//! [`Limits`]: what every node of a part is checked against before it may be walked.

use vrfleak_engine::Address;

use super::super::forest::block::{BITMAP_BYTES, FIRST_VALUE};
use super::super::forest::list::ListHead;
use super::super::forest::shape::{BLOCK_BITS, Shape};
use super::part::{LEAF, LIST, OFFSET, PAGE, Part};
use super::store::StoreError;

/// What the nodes of one table are checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    width: usize,
    codes: u32,
    page_len: u32,
    at: u32,
    bits: u32,
}

impl Limits {
    /// Returns the limits of a table of the family of `A` whose root has `shape`, with `codes` codes of `width` bytes.
    pub(super) fn of<A: Address>(shape: Shape, width: usize, codes: u32) -> Result<Self, StoreError> {
        let at = u32::from(shape.inner_bits());
        if !matches!(width, 1 | 2 | 4) || shape.bits == 0 || at > 58 || shape.page_bits > 16 {
            return Err(StoreError::Broken("a root decides 1 to 58 bits, a code has 1, 2 or 4 bytes"));
        }
        if codes == 0 || (width < 4 && (FIRST_VALUE + codes - 1) >> (8 * width) != 0) {
            return Err(StoreError::Broken("the codes do not fit their width"));
        }
        Ok(Self { width, codes, page_len: 1 << shape.page_bits, at, bits: u32::from(A::BITS) })
    }

    /// Checks every entry of the part and what it leads to. `leaves` tells whether an entry may be one answer of any
    /// width.
    pub(super) fn check(&self, part: &Part, leaves: bool) -> Result<(), StoreError> {
        let mut walk =
            Walk { limits: self, blocks: &part.blocks, leaves: leaves || self.width == 1, end: 0, shared: Vec::new() };
        let mut pages = 0;
        for &entry in &part.slots {
            if entry & PAGE == 0 {
                walk.entry(entry)?;
                continue;
            }
            let (first, len) = ((entry ^ PAGE) as usize, self.page_len as usize);
            if len == 1 || entry & (LEAF | LIST) != 0 || first < pages || first + len > part.pages.len() {
                return Err(StoreError::Broken("a page ends beyond the pages or is not behind the one before"));
            }
            pages = first + len;
            for &entry in &part.pages[first..pages] {
                if entry & PAGE != 0 {
                    return Err(StoreError::Broken("a page names a page"));
                }
                walk.entry(entry)?;
            }
        }
        Ok(())
    }

    /// Returns how many children these codes name, and the highest of them that stands for an answer, or the first such
    /// code.
    fn extremes(&self, codes: &[u8]) -> (u32, u32) {
        if self.width == 1 {
            // Loops over bytes that a compiler can make of vectors: most nodes have such codes.
            let first = FIRST_VALUE as u8;
            let children = codes.iter().map(|&code| if code < first { code + 1 } else { 0 }).max();
            let most = codes.iter().copied().max();
            return (u32::from(children.unwrap_or(0)), u32::from(most.unwrap_or(0).max(first)));
        }
        codes.chunks_exact(self.width).fold((0, FIRST_VALUE), |(children, most), bytes| {
            let mut wide = [0; 4];
            wide[..self.width].copy_from_slice(bytes);
            let code = u32::from_le_bytes(wide);
            if code < FIRST_VALUE { (children.max(code + 1), most) } else { (children, most.max(code)) }
        })
    }
}

/// A check on its way through a part. Nodes lie in the order in which they are come to, so that none is part of another
/// or of two trees; leaves alone may be shared.
struct Walk<'a> {
    limits: &'a Limits,
    blocks: &'a [u8],
    leaves: bool,
    /// Where the last node ends.
    end: usize,
    /// By code from [`FIRST_VALUE`] on: the offset of the last leaf.
    shared: Vec<usize>,
}

impl Walk<'_> {
    fn entry(&mut self, entry: u32) -> Result<(), StoreError> {
        if entry & LEAF == 0 {
            return self.node(entry, self.limits.at);
        }
        let code = entry ^ LEAF;
        if !self.leaves || code < FIRST_VALUE || code - FIRST_VALUE >= self.limits.codes {
            return Err(StoreError::Broken("an entry's code is not in the dictionary"));
        }
        Ok(())
    }

    fn node(&mut self, entry: u32, at: u32) -> Result<(), StoreError> {
        let offset = (entry & OFFSET) as usize;
        if entry & LIST == 0 { self.block(offset, at) } else { self.list(offset) }
    }

    /// Takes the bytes of a node.
    fn take(&mut self, offset: usize, bytes: usize) -> Result<(), StoreError> {
        if offset < self.end {
            return Err(StoreError::Broken("a node is not behind the one before"));
        }
        self.end = offset + bytes;
        Ok(())
    }

    /// Takes the bytes of a block with one answer, unless it is the one that stood for that answer before.
    fn leaf(&mut self, offset: usize, code: u32) -> Result<(), StoreError> {
        let index = (code - FIRST_VALUE) as usize;
        if self.shared.len() <= index {
            self.shared.resize(index + 1, usize::MAX);
        }
        if self.shared[index] == offset {
            return Ok(());
        }
        self.shared[index] = offset;
        self.take(offset, BITMAP_BYTES + self.limits.width)
    }

    fn list(&mut self, offset: usize) -> Result<(), StoreError> {
        let beyond = StoreError::Broken("a list ends beyond the blocks");
        let (&head, rest) = self.blocks.get(offset..).and_then(<[u8]>::split_first).ok_or(beyond)?;
        let list = ListHead::of(head);
        let codes = rest.get(list.codes()..).and_then(|rest| rest.get(..(list.count + 1) * self.limits.width));
        let (children, most) = self.limits.extremes(codes.ok_or(beyond)?);
        if children > 0 || most - FIRST_VALUE >= self.limits.codes {
            return Err(StoreError::Broken("a list's code is not in the dictionary"));
        }
        self.take(offset, list.bytes(self.limits.width))
    }

    fn block(&mut self, offset: usize, at: u32) -> Result<(), StoreError> {
        let beyond = StoreError::Broken("a block ends beyond the blocks");
        let block = self.blocks.get(offset..).ok_or(beyond)?;
        let (bitmap, rest) = block.split_first_chunk::<BITMAP_BYTES>().ok_or(beyond)?;
        let bitmap = u64::from_le_bytes(*bitmap);
        if bitmap & 1 == 0 {
            return Err(StoreError::Broken("a block's first slot begins no run"));
        }
        let count = bitmap.count_ones() as usize;
        let (codes, rest) = rest.split_at_checked(count * self.limits.width).ok_or(beyond)?;
        let (children, most) = self.limits.extremes(codes);
        if most - FIRST_VALUE >= self.limits.codes {
            return Err(StoreError::Broken("a code is not in the dictionary"));
        }
        if children == 0 {
            return if count == 1 { self.leaf(offset, most) } else { self.take(offset, BITMAP_BYTES + codes.len()) };
        }
        self.take(offset, BITMAP_BYTES + codes.len() + 4 * children as usize)?;
        let below = at + u32::from(BLOCK_BITS);
        if below >= self.limits.bits {
            return Err(StoreError::Broken("a node below the last bit"));
        }
        for child in 0..children as usize {
            let delta = rest.get(4 * child..4 * child + 4).ok_or(beyond)?;
            let delta = u32::from_le_bytes(delta.try_into().map_err(|_| beyond)?);
            // The walk adds the delta as it is: a sum that ran into the tags would change them.
            let child = (delta & OFFSET) as usize + offset;
            if delta & !(OFFSET | LIST) != 0 || child > OFFSET as usize {
                return Err(beyond);
            }
            self.node(delta & LIST | child as u32, below)?;
        }
        Ok(())
    }
}
