//! [`PartWriter`]: from a table's ranges to its root slots, pages, and blocks, halves or lines.

use vrfleak_engine::Address;

use super::super::raw::{LEAF, LineVectors, PAGE, Part, RunSlots, page_entry};
use super::block::BlockWriter;
use super::halves::{HALVED_LEAF, HalvesWriter, LEAF_CODE, SHORT_ENTRY, SHORT_UNIT, WIDE_ANSWER};
use super::line::{
    Format, LINE, LINED, Run, answer_line, fan_entry, most, separator_size, wide_entry, write_fan, write_line,
};
use super::list::ListHead;
use super::page::{WINDOW_BITS, is_roomy, narrowing_bits, page_bits};
use super::ranges::Range;
use super::read::FanLine;
use super::shape::{Kind, Shape, deepest, depth, top};

/// Boundaries of a table for which its pages have one slot more than their boundaries ask for: a byte a boundary.
const BOUNDARIES_PER_SPARE: usize = 4;

/// Boundaries up to which those that lie too far behind for a line make a wide list at once; more are told apart by a page
/// first.
const FEW: usize = 16;

/// Returns how many of the first `most` ranges begin in the slot `at`, whose bits are those above `shift`.
fn in_slot<A: Address>(ranges: &[Range<A>], shift: u32, at: u64, most: usize) -> usize {
    ranges.iter().take(most).take_while(|range| top(range.start) >> shift == at).count()
}

/// Returns the format of a line for boundaries whose bits together are `all`, in a run of slots of `bits` bits that
/// `run_bits` bits number; `None` if none reaches so far.
fn line_format<A: Address>(all: A, bits: u32, run_bits: u32) -> Option<Format> {
    let deepest = depth(all).max(bits);
    Format::holding(A::BITS, deepest - bits + run_bits).filter(|_| deepest <= 64)
}

/// A run that one line serves: how many slots it has, the line's format, and how many boundaries.
type Served = (Run, u32, Format, usize);

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
    /// The format of the last line that serves a run.
    last: Format,
    vectors: Option<LineVectors>,
    /// Whether halves lie further from each other than they can tell.
    far: bool,
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
        Self {
            part,
            width: 1,
            kind: Kind::Dense,
            roomy: false,
            leaves,
            tagged: false,
            spare: 0,
            last: Format::LONG,
            vectors: LineVectors::new(),
            far: false,
        }
    }

    fn begin(&mut self, kind: Kind, width: usize, boundaries: usize) {
        self.part.clear();
        self.leaves.clear();
        (self.kind, self.width, self.roomy, self.tagged) = (kind, width, is_roomy(boundaries), false);
        self.spare = boundaries / BOUNDARIES_PER_SPARE;
        self.far = false;
    }

    /// Returns the whole table that `ranges` and `shape` describe: its slots and the entry for every key outside them,
    /// which has the answer of address 0. `None` if halves would lie too far from each other.
    pub(super) fn table<A: Address>(&mut self, shape: Shape, width: usize, ranges: &[Range<A>]) -> Option<&Part> {
        self.begin(shape.kind, width, ranges.len());
        if self.kind == Kind::Short {
            self.part.blocks.resize(SHORT_ENTRY * (shape.len as usize + 1), 0);
        }
        self.slots(shape, ranges, 0, shape.len);
        self.outside(ranges[0].code);
        if self.kind == Kind::Short {
            self.shorten();
        }
        (!self.far).then_some(&self.part)
    }

    /// Writes the slots where the root of a short table has its place.
    fn shorten(&mut self) {
        let Part { slots, blocks, .. } = &mut self.part;
        for (place, entry) in blocks.chunks_exact_mut(SHORT_ENTRY).zip(slots.drain(..)) {
            let short = if entry & HALVED_LEAF == HALVED_LEAF {
                WIDE_ANSWER | entry & LEAF_CODE
            } else {
                let distance = entry / SHORT_UNIT as u32;
                self.far |= distance >= WIDE_ANSWER;
                distance
            };
            place.copy_from_slice(&(short as u16).to_le_bytes());
        }
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

    /// Returns a slot with a fan in which one line has `ranges` and all others are as they were; `None` if a line of its format has no room
    /// for them. Codes have `width` bytes.
    pub(super) fn fan_with<A: Address>(
        &mut self,
        fan: &FanLine<'_, A>,
        width: usize,
        ranges: &[Range<A>],
    ) -> Option<&Part> {
        let &FanLine { lines, format, child, at, base, .. } = fan;
        let (first, inner) = ranges.split_first()?;
        let needed = Format::holding(A::BITS, deepest(inner).max(at) - at)?;
        let fits = needed.size(A::BITS) <= format.size(A::BITS) && inner.len() <= format.capacity(A::BITS, width);
        let (before, behind) = lines.split_at_checked((child + 1) * LINE).filter(|_| fits && deepest(inner) <= 64)?;
        self.part.clear();
        self.part.slots.push(fan_entry(format, 0));
        self.part.blocks.extend_from_slice(before);
        let slot = (base >> 64) as u64 >> (64 - at);
        write_line(&mut self.part.blocks, (format, width), (Run::ONE, slot, at), first.code, inner);
        self.part.blocks.extend_from_slice(behind.get(LINE..)?);
        Some(&self.part)
    }

    /// Returns the share `part` of `parts` of what [`Self::table`] returns.
    pub(super) fn share<A: Address>(
        mut self,
        shape: Shape,
        width: usize,
        ranges: &[Range<A>],
        (part, parts): (u32, u32),
    ) -> Option<Part> {
        self.begin(shape.kind, width, ranges.len());
        self.spare /= parts as usize;
        let cut = |part: u32| (u64::from(shape.len) * u64::from(part) / u64::from(parts)) as u32;
        self.slots(shape, ranges, cut(part), cut(part + 1));
        if part + 1 == parts {
            self.outside(ranges[0].code);
        }
        (!self.far).then_some(self.part)
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
        if matches!(self.kind, Kind::Halved | Kind::Short | Kind::Paired) {
            return code | HALVED_LEAF;
        }
        if self.width == 1 || self.tagged {
            return code | if self.kind == Kind::Dense { LEAF } else { LINED };
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
                    let line = bytes.len() / LINE;
                    bytes.extend_from_slice(&answer_line(code as u32, self.width));
                    Run::ONE.entry(0, Format::ALL[0], line)
                }
                Kind::Halved | Kind::Short | Kind::Paired => unreachable!("leaves of halves are codes"),
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
            let Some((range, behind)) = ranges.split_first() else {
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
            let on_slot = depth(range.start) <= u32::from(bits);
            if on_slot && self.kind != Kind::Dense {
                (code, ranges) = (range.code, behind);
                if behind.first().is_none_or(|range| top(range.start) >> shift > at) {
                    let leaf = self.leaf(code);
                    self.put(&mut to, leaf, 1);
                    slot += 1;
                    continue;
                }
            }
            let count = match self.kind {
                Kind::Dense | Kind::Halved | Kind::Short | Kind::Paired => {
                    let count = in_slot(ranges, shift, at, ranges.len());
                    let inside = &ranges[..count];
                    let entry = if on_slot && count == 1 && self.kind == Kind::Dense {
                        self.leaf(inside[0].code)
                    } else {
                        self.node(slots, at, code, inside)
                    };
                    self.put(&mut to, entry, 1);
                    slot += 1;
                    count
                }
                Kind::Sparse => {
                    let (run, count) = self.sparse_run(slots, slot, code, ranges, &mut to);
                    slot += run;
                    count
                }
            };
            code = ranges[count - 1].code;
            ranges = &ranges[count..];
        }
    }

    /// Writes the entries of the longest run of slots from `slot` on that one line serves, or the one of that slot;
    /// returns how many they are, and how many of the `ranges` they have. The slot has some; none begins where it does.
    fn sparse_run<A: Address>(
        &mut self,
        slots: Slots,
        slot: u32,
        code: u32,
        ranges: &[Range<A>],
        to: &mut To,
    ) -> (u32, usize) {
        let (bits, first) = (u32::from(slots.bits), slots.first + u64::from(slot));
        let line = self.part.blocks.len() / LINE;
        if let Some((len, inside)) = self.append_line(slots, slot, code, ranges) {
            let run = Run::of(len);
            for slot in 0..len {
                self.put(to, run.entry(slot, self.last, line), 1);
            }
            return (len, inside);
        }
        let Some((run, len, format, inside)) =
            self.like_the_last(slots, slot, ranges).or_else(|| self.longest_run(slots, slot, ranges))
        else {
            // The first slot's boundaries alone are too many.
            let inside = in_slot(ranges, 64 - bits, first, ranges.len());
            let entry = self.crowded(slots, first, code, &ranges[..inside]);
            self.put(to, entry, 1);
            return (1, inside);
        };
        self.last = format;
        write_line(&mut self.part.blocks, (format, self.width), (run, first, bits), code, &ranges[..inside]);
        for slot in 0..len {
            self.put(to, run.entry(slot, format, line), 1);
        }
        (len, inside)
    }

    /// Finds the same run as [`Self::like_the_last`] with vectors, and appends its line, where there are vectors for that.
    fn append_line<A: Address>(
        &mut self,
        slots: Slots,
        slot: u32,
        code: u32,
        ranges: &[Range<A>],
    ) -> Option<(u32, usize)> {
        let vectors = self.vectors.filter(|_| self.width == 1)?;
        let (first, most) = (slots.first + u64::from(slot), Run::MOST.min(slots.len - slot));
        let slots = RunSlots { first, bits: u32::from(slots.bits), most };
        vectors.append(&mut self.part.blocks, self.last, slots, code as u8, ranges)
    }

    /// Finds the longest run of slots from `slot` on that one line serves, whose last slot has boundaries; returns it with
    /// the number of its slots, its format, and the number of its boundaries. `None` if a line has no room for one slot.
    fn longest_run<A: Address>(&self, slots: Slots, slot: u32, ranges: &[Range<A>]) -> Option<Served> {
        let (bits, first) = (u32::from(slots.bits), slots.first + u64::from(slot));
        let shift = 64 - bits;
        let (mut all, mut count, mut found) = (A::ZERO, 0, None);
        for more in 0..Run::MOST.min(slots.len - slot) {
            let enough = if more == 0 { ranges.len() } else { most(A::BITS) + 1 };
            let inside = in_slot(&ranges[count..], shift, first + u64::from(more), enough);
            all = ranges[count..count + inside].iter().fold(all, |all, range| all | range.start);
            count += inside;
            let run = Run::of(more + 1);
            let Some(format) = line_format(all, bits, run.bits()) else { break };
            if count > format.capacity(A::BITS, self.width) {
                break;
            }
            if inside > 0 {
                found = Some((run, more + 1, format, count));
            }
        }
        found
    }

    /// Finds the same if its line has the format of the last one. The boundary for which a line of that format has no more
    /// room tells where the run ends: no slot is looked through for its boundaries, whose number nobody could foresee.
    ///
    /// More slots have more boundaries and never a shorter format. So a run that is as long as its own format allows is
    /// the longest.
    fn like_the_last<A: Address>(&self, slots: Slots, slot: u32, ranges: &[Range<A>]) -> Option<Served> {
        let (bits, first) = (u32::from(slots.bits), slots.first + u64::from(slot));
        let slot_in_run = |range: &Range<A>| (top(range.start) >> (64 - bits)) - first;
        let capacity = self.last.capacity(A::BITS, self.width);
        let (mut count, mut end) = (ranges.len(), u64::from(Run::MOST.min(slots.len - slot)));
        if let Some(behind) = ranges.get(capacity) {
            (count, end) = (capacity, end.min(slot_in_run(behind)));
        }
        while count > 0 && slot_in_run(&ranges[count - 1]) >= end {
            count -= 1;
        }
        let len = slot_in_run(ranges[..count].last()?) as u32 + 1;
        let all = ranges[..count].iter().fold(A::ZERO, |all, range| all | range.start);
        let run = Run::of(len);
        let format = line_format(all, bits, run.bits()).filter(|&format| format == self.last)?;
        Some((run, len, format, count))
    }

    /// Appends what lies under the slot `at` of a dense or halved table and returns its entry.
    fn node<A: Address>(&mut self, slots: Slots, at: u64, code: u32, ranges: &[Range<A>]) -> u32 {
        if slots.page_bits == 0 {
            let (bytes, bits) = (&mut self.part.blocks, u32::from(slots.bits));
            if self.kind == Kind::Dense {
                return BlockWriter::new(bytes, self.width).block(bits, code, ranges);
            }
            let node = HalvesWriter::new(bytes, self.width).node(bits, code, ranges);
            self.far |= node.is_none();
            return node.unwrap_or(0);
        }
        // Pages under a page do not happen: its slots are filled without.
        self.page(slots, at, u32::from(slots.page_bits), code, ranges)
    }

    /// Appends what lies under the slot `at` of a sparse table, whose `ranges` are too many for a line or too far behind,
    /// and returns its entry: a fan, a page or a wide list. No range begins where the slot does.
    fn crowded<A: Address>(&mut self, slots: Slots, at: u64, code: u32, ranges: &[Range<A>]) -> u32 {
        let (bits, count) = (u32::from(slots.bits), ranges.len());
        let deepest = deepest(ranges).max(bits);
        let is_near = deepest <= (bits + WINDOW_BITS).min(64);
        if let Some(format) = Format::holding(A::BITS, deepest - bits)
            && is_near
            && format.size(A::BITS) <= separator_size(A::BITS)
            && count <= format.capacity(A::BITS, self.width) * (most(A::BITS) + 1)
        {
            return self.fan(format, (at, bits), code, ranges);
        }
        let apart = bits < deepest && bits < u32::from(A::BITS).min(64);
        if apart && (is_near || count > FEW) {
            return self.page(slots, at, page_bits(bits, count, deepest, self.roomy), code, ranges);
        }
        if let Some(deciding) = narrowing_bits(bits, deepest)
            && let Some(left) = self.spare.checked_sub(1 << deciding)
        {
            self.spare = left;
            return self.page(slots, at, deciding, code, ranges);
        }
        let line = self.part.blocks.len() / LINE;
        ListHead::new(count, deepest).write(&mut self.part.blocks, self.width, code, ranges);
        wide_entry(line)
    }

    /// Appends a fan under the slot `at` of `bits` bits, and its lines.
    fn fan<A: Address>(&mut self, format: Format, (at, bits): (u64, u32), mut code: u32, ranges: &[Range<A>]) -> u32 {
        let line = self.part.blocks.len() / LINE;
        let capacity = format.capacity(A::BITS, self.width);
        write_fan(&mut self.part.blocks, bits, ranges.chunks(capacity));
        for inside in ranges.chunks(capacity) {
            write_line(&mut self.part.blocks, (format, self.width), (Run::ONE, at, bits), code, inside);
            code = inside[inside.len() - 1].code;
        }
        fan_entry(format, line)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Boundaries that lie close together in some slots and far apart in others, of a few lengths.
    fn boundaries() -> impl Strategy<Value = Vec<Range<u32>>> {
        let cluster = (0_u32..1 << 10, 0_u32..40, 1_u32..1 << 14, prop::sample::select(vec![0_u32, 4, 8, 12]));
        prop::collection::vec(cluster, 1..20).prop_map(|clusters| {
            let starts = clusters.into_iter().flat_map(|(slot, count, step, granule)| {
                (1..=count).map(move |at| (slot << 22).wrapping_add(at.wrapping_mul(step)) >> granule << granule)
            });
            let starts: std::collections::BTreeSet<u32> = starts.collect();
            starts.into_iter().map(|start| Range { start, code: 64 }).collect()
        })
    }

    proptest! {
        #[test]
        fn oracle_a_run_like_the_last_is_the_longest(
            ranges in boundaries(),
            (bits, width) in (6_u8..16, prop::sample::select(vec![1_usize, 2, 4])),
        ) {
            let slots = Slots { kind: Kind::Sparse, first: 0, len: 1 << bits, bits, page_bits: 0 };
            for from in 0..ranges.len() {
                let slot = ranges[from].start >> (32 - bits);
                if from > 0 && ranges[from - 1].start >> (32 - bits) == slot {
                    continue;
                }
                let mut writer = PartWriter::new();
                writer.width = width;
                let longest = writer.longest_run(slots, slot, &ranges[from..]);
                for last in Format::ALL {
                    writer.last = last;
                    let like = writer.like_the_last(slots, slot, &ranges[from..]);
                    prop_assert!(like.is_none() || like == longest, "{like:?} is not {longest:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn oracle_lines_of_vectors_are_those_of_the_portable_writer(
            ranges in boundaries(),
            (bits, answers) in (1_u8..17, 1_u32..192),
        ) {
            let coded = ranges.iter().zip(0_u32..).map(|(range, at)| Range { code: 64 + at * 7 % answers, ..*range });
            let ranges: Vec<Range<u32>> = [Range { start: 0, code: 64 }].into_iter().chain(coded).collect();
            let shape = Shape { kind: Kind::Sparse, bits, page_bits: 0, first: 0, len: 1 << bits };
            let (mut portable, mut vectors) = (PartWriter::new(), PartWriter::new());
            portable.vectors = None;
            for format in Format::ALL {
                (portable.last, vectors.last) = (format, format);
                let expected = portable.table(shape, 1, &ranges).expect("no halves");
                let part = vectors.table(shape, 1, &ranges).expect("no halves");
                prop_assert_eq!(&part.slots, &expected.slots);
                prop_assert_eq!(&part.pages, &expected.pages);
                prop_assert!(part.blocks == expected.blocks);
            }
        }
    }

    #[test]
    fn runs_of_one_kind_are_told_by_the_last() {
        let ranges: Vec<Range<u32>> = (1..4000).map(|at| Range { start: at * 0x0009_1000, code: 64 }).collect();
        let slots = Slots { kind: Kind::Sparse, first: 0, len: 1 << 10, bits: 10, page_bits: 0 };
        let mut writer = PartWriter::new();
        assert_eq!(writer.like_the_last(slots, 0, &ranges), None);
        let (run, len, format, count) = writer.longest_run(slots, 0, &ranges).expect("some slots");
        assert_eq!((run, len, format.size(32), count), (Run::of(3), 3, 2, 21));
        writer.last = format;
        assert_eq!(writer.like_the_last(slots, 0, &ranges), Some((run, len, format, count)));
    }
}
