//! [`PartWriter`]: from a table's ranges to its root slots, pages, and blocks or lists.

use vrfleak_engine::Address;

use super::super::raw::{BARE_LEAF, LEAF, PAGE, Part, page_entry};
use super::block::BlockWriter;
use super::list::ListHead;
use super::narrow::{self, LANES, inside};
use super::page::{is_roomy, narrowing_bits, page_bits};
use super::ranges::Range;
use super::shape::{Kind, Shape, deepest, depth, top};

/// Boundaries of a table for which its pages have one slot more than their boundaries ask for: a byte a boundary.
const BOUNDARIES_PER_SPARE: usize = 4;

/// Writes tables, or slots of one, and keeps its memory from one to the next.
#[derive(Debug)]
pub(super) struct PartWriter {
    part: Part,
    width: usize,
    kind: Kind,
    /// Whether the pages of a sparse table are roomy.
    roomy: bool,
    /// By code: the leaf that stands for it, where leaves are not shared by the whole forest.
    leaves: Vec<u32>,
    /// Whether leaves are tagged codes at every width.
    tagged: bool,
    /// Slots that pages may still have in place of wide lists: a boundary far below others would make a wide list of all.
    spare: usize,
}

/// Where a writer's entries go.
#[derive(Clone, Copy)]
enum To {
    /// Behind the slots.
    Slots,
    /// To the pages' entries from this one on.
    Pages(usize),
}

/// Consecutive slots of a root or page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slots {
    /// Which kind of table they are of.
    pub(super) kind: Kind,
    /// The number of the first: its leading `bits` bits.
    pub(super) first: u64,
    /// How many they are.
    pub(super) len: u32,
    /// Leading bits that number the slots.
    pub(super) bits: u8,
    /// Further bits that a page of a dense table decides, 0 for none.
    pub(super) page_bits: u8,
}

impl PartWriter {
    /// Returns a writer without memory.
    pub(super) fn new() -> Self {
        let (part, leaves) = (Part::default(), Vec::new());
        Self { part, width: 1, kind: Kind::Dense, roomy: false, leaves, tagged: false, spare: 0 }
    }

    fn begin(&mut self, kind: Kind, width: usize, boundaries: usize) {
        self.part.clear();
        self.leaves.clear();
        (self.kind, self.width, self.roomy, self.tagged) = (kind, width, is_roomy(boundaries), false);
        self.spare = boundaries / BOUNDARIES_PER_SPARE;
    }

    /// Returns the whole table that `ranges` and `shape` describe: its slots and the entry for every key outside them,
    /// which has the answer of address 0.
    pub(super) fn table<A: Address>(&mut self, shape: Shape, width: usize, ranges: &[Range<A>]) -> &Part {
        self.begin(shape.kind, width, ranges.len());
        self.slots(shape, ranges, 0, shape.len);
        self.outside(ranges[0].code);
        &self.part
    }

    /// Returns `slots` with `ranges`, the first of which is in force where they begin, in a table of about `boundaries`
    /// boundaries. Every leaf is a tagged code.
    pub(super) fn part<A: Address>(
        &mut self,
        slots: Slots,
        (width, boundaries): (usize, usize),
        ranges: &[Range<A>],
    ) -> &Part {
        self.begin(slots.kind, width, boundaries);
        self.tagged = true;
        self.fill(slots, ranges[0].code, &ranges[1..], To::Slots);
        &self.part
    }

    /// Returns the share `part` of `parts` of what [`Self::table`] returns.
    pub(super) fn share<A: Address>(
        mut self,
        shape: Shape,
        width: usize,
        ranges: &[Range<A>],
        (part, parts): (u32, u32),
    ) -> Part {
        self.begin(shape.kind, width, ranges.len());
        self.spare /= parts as usize;
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
        let Shape { kind, bits, page_bits, .. } = shape;
        let slots = Slots { kind, first, len: to - from, bits, page_bits };
        self.fill(slots, ranges[low].code, &inner[low..high], To::Slots);
    }

    fn outside(&mut self, code: u32) {
        let leaf = self.leaf(code);
        self.part.slots.push(leaf);
    }

    fn leaf(&mut self, code: u32) -> u32 {
        if self.width == 1 || self.tagged {
            return code | if self.kind == Kind::Dense { LEAF } else { BARE_LEAF };
        }
        let code = code as usize;
        if self.leaves.len() <= code {
            self.leaves.resize(code + 1, u32::MAX);
        }
        if self.leaves[code] == u32::MAX {
            let bytes = &mut self.part.blocks;
            self.leaves[code] = match self.kind {
                Kind::Dense => BlockWriter::new(bytes, self.width).leaf(code as u32),
                Kind::Sparse => {
                    let at = bytes.len() as u32;
                    let bare = ListHead { wide: false, count: 0, size: 1 };
                    bare.write::<u32>(bytes, self.width, 0, code as u32, &[]);
                    at
                }
            };
        }
        self.leaves[code]
    }

    fn put(&mut self, to: &mut To, entry: u32, count: usize) {
        match to {
            To::Slots if count == 1 => self.part.slots.push(entry),
            To::Slots => self.part.slots.resize(self.part.slots.len() + count, entry),
            To::Pages(from) => {
                self.part.pages[*from..*from + count].fill(entry);
                *from += count;
            }
        }
    }

    /// Writes the entries of `slots`.
    ///
    /// `ranges` start within these slots; `code` is in force where they begin.
    fn fill<A: Address>(&mut self, slots: Slots, mut code: u32, mut ranges: &[Range<A>], mut to: To) {
        let Slots { first, len, bits, .. } = slots;
        let shift = 64 - u32::from(bits);
        let mut slot = 0;
        while slot < len {
            let at = first + u64::from(slot);
            let Some(range) = ranges.first() else {
                let leaf = self.leaf(code);
                self.put(&mut to, leaf, (len - slot) as usize);
                return;
            };
            let next = top(range.start) >> shift;
            if next > at {
                // Slots without a boundary, up to the next one that has some.
                let count = (next - at).min(u64::from(len - slot)) as u32;
                let leaf = self.leaf(code);
                self.put(&mut to, leaf, count as usize);
                slot += count;
                continue;
            }
            if self.kind == Kind::Sparse
                && let Some(window) = ranges.first_chunk()
                && let Some((count, entry)) = self.short_list(slots, at, code, window)
            {
                self.put(&mut to, entry, 1);
                code = window[count - 1].code;
                ranges = &ranges[count..];
                slot += 1;
                continue;
            }
            let mut count = 1;
            while count < ranges.len() && top(ranges[count].start) >> shift == at {
                count += 1;
            }
            let (inside, rest) = ranges.split_at(count);
            let on_slot = depth(range.start) <= u32::from(bits);
            let entry = match (on_slot, self.kind) {
                (true, _) if count == 1 => self.leaf(inside[0].code),
                (_, Kind::Dense) => self.dense_node(slots, at, code, inside),
                (true, Kind::Sparse) => self.sparse_node(slots, at, inside[0].code, &inside[1..]),
                (false, Kind::Sparse) => self.sparse_node(slots, at, code, inside),
            };
            self.put(&mut to, entry, 1);
            code = inside[count - 1].code;
            ranges = rest;
            slot += 1;
        }
    }

    /// Appends what lies under the slot `at` of a sparse table if that is a narrow list of one-byte codes, and returns the
    /// number of boundaries in the slot and its entry. The first of `window` lies there.
    #[inline]
    fn short_list<A: Address>(
        &mut self,
        slots: Slots,
        at: u64,
        code: u32,
        window: &[Range<A>; LANES],
    ) -> Option<(usize, u32)> {
        let bits = u32::from(slots.bits);
        // A boundary where the slot begins is none of its inside.
        if self.width != 1 || bits >= 64 || depth(window[0].start) <= bits {
            return None;
        }
        let last = (u128::from(at) << (64 - bits) | u128::from(u64::MAX >> bits)) << 64 | u128::from(u64::MAX);
        let inside = inside(window, A::narrow(last >> (128 - u32::from(A::BITS))));
        if inside.count == LANES {
            return None;
        }
        let head = ListHead::choose::<A>(bits, inside.count, depth(inside.bits).max(bits)).filter(|head| !head.wide)?;
        let list = self.part.blocks.len() as u32;
        narrow::write(head, &mut self.part.blocks, bits, code, window);
        Some((inside.count, list))
    }

    /// Appends what lies under the slot `at` of a dense table and returns its entry.
    fn dense_node<A: Address>(&mut self, slots: Slots, at: u64, code: u32, ranges: &[Range<A>]) -> u32 {
        if slots.page_bits == 0 {
            return BlockWriter::new(&mut self.part.blocks, self.width).block(u32::from(slots.bits), code, ranges);
        }
        // Pages under a page do not happen: its slots are filled without.
        self.page(slots, at, u32::from(slots.page_bits), code, ranges)
    }

    /// Appends what lies under the slot `at` of a sparse table and returns its entry; no range begins where it does.
    fn sparse_node<A: Address>(&mut self, slots: Slots, at: u64, code: u32, ranges: &[Range<A>]) -> u32 {
        let bits = u32::from(slots.bits);
        let count = ranges.len();
        let deepest = deepest(ranges).max(bits);
        let Some(head) = ListHead::choose::<A>(bits, count, deepest) else {
            return self.page(slots, at, page_bits(bits, count, deepest, self.roomy), code, ranges);
        };
        if head.wide
            && let Some(deciding) = narrowing_bits(bits, deepest)
            && let Some(left) = self.spare.checked_sub(1 << deciding)
        {
            self.spare = left;
            return self.page(slots, at, deciding, code, ranges);
        }
        let list = self.part.blocks.len() as u32;
        head.write(&mut self.part.blocks, self.width, bits, code, ranges);
        list
    }

    /// Appends a page that decides `deciding` bits under the slot `at`, and what lies under its slots.
    fn page<A: Address>(&mut self, slots: Slots, at: u64, deciding: u32, code: u32, ranges: &[Range<A>]) -> u32 {
        let page = self.part.pages.len();
        // The page lies before those under it.
        self.part.pages.resize(page + (1 << deciding), PAGE);
        let bits = slots.bits + deciding as u8;
        let inner = Slots { kind: slots.kind, first: at << deciding, len: 1 << deciding, bits, page_bits: 0 };
        self.fill(inner, code, ranges, To::Pages(page));
        page_entry(page, deciding)
    }
}
