//! [`PartWriter`]: from a table's ranges to its root slots, pages and blocks.

use vrfleak_engine::Address;

use super::super::raw::{LEAF, LIST, PAGE, Part};
use super::block::BlockWriter;
use super::ranges::Range;
use super::shape::{Shape, depth, top};

/// Writes tables, or slots of one, and keeps its memory from one to the next.
#[derive(Debug)]
pub(super) struct PartWriter {
    part: Part,
    width: usize,
    /// Whether the table has no lists.
    dense: bool,
    /// By code: the leaf that stands for it, where leaves are not shared by the whole forest.
    leaves: Vec<u32>,
    /// Whether leaves are [`LEAF`]s at every width.
    tagged: bool,
}

/// Where a writer's entries go.
#[derive(Clone, Copy)]
enum To {
    Slots,
    Pages,
}

impl PartWriter {
    /// Returns a writer without memory.
    pub(super) fn new() -> Self {
        Self { part: Part::default(), width: 1, dense: false, leaves: Vec::new(), tagged: false }
    }

    fn begin(&mut self, width: usize) {
        self.part.clear();
        self.leaves.clear();
        self.width = width;
        self.dense = false;
        self.tagged = false;
    }

    /// Returns the whole table that `ranges` and `shape` describe: its slots and the entry for every key outside them,
    /// which has the answer of address 0.
    pub(super) fn table<A: Address>(&mut self, shape: Shape, dense: bool, width: usize, ranges: &[Range<A>]) -> &Part {
        self.begin(width);
        self.dense = dense;
        self.slots(shape, ranges, 0, shape.len);
        self.outside(ranges[0].code);
        &self.part
    }

    /// Returns the slots `first..first + len`, which `bits` leading bits number and which may have pages of `page_bits`
    /// bits, of `ranges`, the first of which is in force where they begin. Every leaf is a [`LEAF`].
    pub(super) fn part<A: Address>(&mut self, slots: (u64, u32, u8, u8), width: usize, ranges: &[Range<A>]) -> &Part {
        self.begin(width);
        self.tagged = true;
        self.fill(slots, ranges[0].code, &ranges[1..], To::Slots);
        &self.part
    }

    /// Returns the share `part` of `parts` of what [`Self::table`] returns.
    pub(super) fn share<A: Address>(
        mut self,
        (shape, dense): (Shape, bool),
        width: usize,
        ranges: &[Range<A>],
        (part, parts): (u32, u32),
    ) -> Part {
        self.begin(width);
        self.dense = dense;
        let cut = |part: u32| (u64::from(shape.len) * u64::from(part) / u64::from(parts)) as u32;
        self.slots(shape, ranges, cut(part), cut(part + 1));
        if part + 1 == parts {
            self.outside(ranges[0].code);
        }
        self.part
    }

    /// Appends the slots `from..to`.
    fn slots<A: Address>(&mut self, shape: Shape, ranges: &[Range<A>], from: u32, to: u32) {
        let shift = 64 - u32::from(shape.bits);
        let (first, end) = (shape.first + u64::from(from), shape.first + u64::from(to));
        // The first range is in force from address 0 on and begins nothing inside a slot.
        let inner = &ranges[1..];
        let low = inner.partition_point(|range| top(range.start) >> shift < first);
        let high = low + inner[low..].partition_point(|range| top(range.start) >> shift < end);
        self.fill((first, to - from, shape.bits, shape.page_bits), ranges[low].code, &inner[low..high], To::Slots);
    }

    fn outside(&mut self, code: u32) {
        let leaf = self.leaf(code);
        self.part.slots.push(leaf);
    }

    fn leaf(&mut self, code: u32) -> u32 {
        if self.width == 1 || self.tagged {
            return LEAF | code;
        }
        let code = code as usize;
        if self.leaves.len() <= code {
            self.leaves.resize(code + 1, u32::MAX);
        }
        if self.leaves[code] == u32::MAX {
            self.leaves[code] = BlockWriter::new(&mut self.part.blocks, self.width, self.dense).leaf(code as u32);
        }
        self.leaves[code]
    }

    fn put(&mut self, to: To, entry: u32, count: usize) {
        let entries = match to {
            To::Slots => &mut self.part.slots,
            To::Pages => &mut self.part.pages,
        };
        entries.resize(entries.len() + count, entry);
    }

    /// Appends the entries of the slots `first..first + len`, which `bits` leading bits number.
    ///
    /// `ranges` start within these slots; `code` is in force where they begin.
    fn fill<A: Address>(
        &mut self,
        (first, len, bits, page_bits): (u64, u32, u8, u8),
        mut code: u32,
        mut ranges: &[Range<A>],
        to: To,
    ) {
        let shift = 64 - u32::from(bits);
        let mut slot = 0;
        while slot < len {
            let at = first + u64::from(slot);
            let Some(range) = ranges.first() else {
                let leaf = self.leaf(code);
                self.put(to, leaf, (len - slot) as usize);
                return;
            };
            let next = top(range.start) >> shift;
            if next > at {
                // Slots without a boundary, up to the next one that has some.
                let count = (next - at).min(u64::from(len - slot)) as u32;
                let leaf = self.leaf(code);
                self.put(to, leaf, count as usize);
                slot += count;
                continue;
            }
            let count = ranges.iter().take_while(|range| top(range.start) >> shift == at).count();
            let (inside, rest) = ranges.split_at(count);
            let entry = if count == 1 && depth(range.start) <= u32::from(bits) {
                self.leaf(inside[0].code)
            } else {
                self.node((at, bits, page_bits), code, inside)
            };
            self.put(to, entry, 1);
            code = inside[count - 1].code;
            ranges = rest;
            slot += 1;
        }
    }

    /// Appends what lies under the slot `at` and returns its entry.
    fn node<A: Address>(&mut self, (at, bits, page_bits): (u64, u8, u8), code: u32, ranges: &[Range<A>]) -> u32 {
        let mut blocks = BlockWriter::new(&mut self.part.blocks, self.width, self.dense);
        if page_bits == 0 {
            return blocks.node(u32::from(bits), code, ranges);
        }
        if let Some(list) = blocks.list(u32::from(bits), code, ranges) {
            return LIST | list;
        }
        // Pages under a page do not happen: its slots are filled without.
        let page = self.part.pages.len() as u32;
        self.fill((at << page_bits, 1 << page_bits, bits + page_bits, 0), code, ranges, To::Pages);
        PAGE | page
    }
}
