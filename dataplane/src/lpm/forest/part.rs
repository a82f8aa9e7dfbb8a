//! From a table's ranges to its [`Part`]: root slots, pages and blocks, in parallel inside a huge table.

use rayon::prelude::*;
use vrfleak_engine::Address;

use super::super::raw::{LEAF, PAGE, Part};
use super::block::BlockWriter;
use super::ranges::Range;
use super::shape::{Shape, top};

/// Ranges from which on the slots of one table are built on several threads.
const HUGE: usize = 1 << 17;

/// Builds slots of one table.
struct PartWriter {
    slots: Vec<u32>,
    pages: Vec<u32>,
    blocks: BlockWriter,
    width: usize,
    /// By code: the leaf that stands for it, where leaves are not shared by the whole forest.
    leaves: Vec<u32>,
}

impl PartWriter {
    fn new(width: usize) -> Self {
        let blocks = BlockWriter::new(Vec::new(), width);
        Self { slots: Vec::new(), pages: Vec::new(), blocks, width, leaves: Vec::new() }
    }

    fn leaf(&mut self, code: u32) -> u32 {
        if self.width == 1 {
            return LEAF | code;
        }
        let code = code as usize;
        if self.leaves.len() <= code {
            self.leaves.resize(code + 1, u32::MAX);
        }
        if self.leaves[code] == u32::MAX {
            self.leaves[code] = self.blocks.leaf(code as u32) as u32;
        }
        self.leaves[code]
    }

    /// Calls `put` with the entry of each of the slots `first..first + len`, which `bits` leading bits number.
    ///
    /// `ranges` start within these slots; `code` is in force where they begin.
    fn fill<A: Address>(
        &mut self,
        (first, len, bits, page_bits): (u64, u32, u8, u8),
        mut code: u32,
        mut ranges: &[Range<A>],
        put: fn(&mut Self) -> &mut Vec<u32>,
    ) {
        let shift = 64 - u32::from(bits);
        let mut slot = 0;
        while slot < len {
            let at = first + u64::from(slot);
            let Some(range) = ranges.first() else {
                let leaf = self.leaf(code);
                put(self).extend(std::iter::repeat_n(leaf, (len - slot) as usize));
                return;
            };
            let next = top(range.start) >> shift;
            if next > at {
                // Slots without a boundary, up to the next one that has some.
                let count = (next - at).min(u64::from(len - slot)) as u32;
                let leaf = self.leaf(code);
                put(self).extend(std::iter::repeat_n(leaf, count as usize));
                slot += count;
                continue;
            }
            let count = ranges.iter().take_while(|range| top(range.start) >> shift == at).count();
            let (inside, rest) = ranges.split_at(count);
            let starts_slot = A::widen(range.start) << (128 - u32::from(A::BITS)) << bits == 0;
            let entry = if count == 1 && starts_slot {
                self.leaf(inside[0].code)
            } else if page_bits == 0 {
                self.blocks.block(u32::from(bits), code, inside) as u32
            } else {
                self.page(at << page_bits, bits + page_bits, page_bits, code, inside)
            };
            put(self).push(entry);
            code = inside[count - 1].code;
            ranges = rest;
            slot += 1;
        }
    }

    fn page<A: Address>(&mut self, first: u64, bits: u8, page_bits: u8, code: u32, ranges: &[Range<A>]) -> u32 {
        let page = self.pages.len() as u32;
        self.fill((first, 1 << page_bits, bits, 0), code, ranges, |writer| &mut writer.pages);
        PAGE | page
    }

    fn finish(self) -> Part {
        Part { slots: self.slots, pages: self.pages, blocks: self.blocks.bytes }
    }
}

/// Returns the slots `from..to` of the table that `ranges` and `shape` describe.
pub(super) fn slots<A: Address>(shape: Shape, width: usize, ranges: &[Range<A>], from: u32, to: u32) -> Part {
    let shift = 64 - u32::from(shape.bits);
    let (first, end) = (shape.first + u64::from(from), shape.first + u64::from(to));
    // The first range is in force from address 0 on and begins nothing inside a slot.
    let inner = &ranges[1..];
    let low = inner.partition_point(|range| top(range.start) >> shift < first);
    let high = low + inner[low..].partition_point(|range| top(range.start) >> shift < end);
    let mut writer = PartWriter::new(width);
    let slots = (first, to - from, shape.bits, shape.page_bits);
    writer.fill(slots, ranges[low].code, &inner[low..high], |writer| &mut writer.slots);
    writer.finish()
}

/// Returns the whole table: its slots and the entry for every key outside them, which has the answer of address 0.
pub(super) fn table<A: Address>(shape: Shape, width: usize, ranges: &[Range<A>]) -> Part {
    let mut part = if ranges.len() < HUGE {
        slots(shape, width, ranges, 0, shape.len)
    } else {
        let pieces = 4 * rayon::current_num_threads() as u32;
        let cut = |piece: u32| (u64::from(shape.len) * u64::from(piece) / u64::from(pieces)) as u32;
        let parts: Vec<Part> =
            (0..pieces).into_par_iter().map(|piece| slots(shape, width, ranges, cut(piece), cut(piece + 1))).collect();
        let mut whole = Part::default();
        whole.blocks.reserve(parts.iter().map(|part| part.blocks.len()).sum());
        whole.slots.reserve(shape.len as usize + 1);
        for part in &parts {
            whole.append(part);
        }
        whole
    };
    part.append(&outside(width, ranges[0].code));
    part
}

/// Returns one slot with one answer.
fn outside(width: usize, code: u32) -> Part {
    let mut writer = PartWriter::new(width);
    let leaf = writer.leaf(code);
    writer.slots.push(leaf);
    writer.finish()
}
