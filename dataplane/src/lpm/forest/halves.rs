//! Halves: nodes that decide six bits by two bitmaps of 32 bits, so that vectors compute with numbers of 32 bits alone.
//!
//! ```text
//! offset  - W l                       0               4               8                       8 + W u
//!         | l entries of the first 32 | their bitmap  | bitmap of the | u entries of the last | m children of 2 bytes,
//!         | slots, the last one first |               | last 32 slots | 32 slots              | if W is 1
//! ```
//! Bit i of a bitmap says that slot i of its half begins another run than the slot before; bit 0 is always set. The entry of
//! a slot is the one at the number of bits set up to the slot, counted from the bitmaps on, in both directions. With W = 1 an
//! entry from [`FIRST_VALUE`] on is the code of an answer, and one below the number of a child; with W = 2 an entry with
//! [`WIDE_ANSWER`] is the code of an answer, and one without is a child. A child is told as its distance from the node, in
//! [`UNIT`]s, so nodes of a table may be moved as one, and no child lies further behind its node than that reaches.
//!
//! ```text
//! bit 31  30  29  28..24   23..0
//!      0 | 1 | 1 | 0      | code      an entry of a root or page: one answer
//!      0 | 0 | offset                 an entry of a root or page: a node
//! ```
//! A short table has its root before its nodes, in entries of two bytes that a line of the cache begins with: the code of an
//! answer with [`WIDE_ANSWER`], or the distance of a node from that line, in [`SHORT_UNIT`]s. Its nodes have W = 1.

use vrfleak_engine::Address;

use super::super::raw::LEAF;
use super::block::{FIRST_VALUE, slot_of};
use super::line::LINED;
use super::ranges::Range;
use super::shape::{BLOCK_BITS, aligned, depth, top};

/// Tag of a root's or page's entry that is one answer of a halved table: behind it the code.
pub(in crate::lpm) const HALVED_LEAF: u32 = LINED | LEAF;
/// Bits of such an entry that are its code.
pub(in crate::lpm) const LEAF_CODE: u32 = (1 << 24) - 1;
/// The bit of an entry of two bytes that is the code of an answer.
pub(in crate::lpm) const WIDE_ANSWER: u32 = 1 << 15;
/// Bytes of the unit in which the distance of a child is told.
pub(in crate::lpm) const UNIT: usize = 4;
/// Bytes of the unit in which the root of a short table tells how far nodes are.
pub(in crate::lpm) const SHORT_UNIT: usize = 2;
/// Bytes of an entry of that root.
pub(in crate::lpm) const SHORT_ENTRY: usize = 2;
/// Slots of a half.
const SLOTS: u32 = 32;
/// Bytes of both bitmaps.
pub(in crate::lpm) const BITMAPS: usize = 8;
/// Bytes of a child's distance where entries have one byte.
pub(in crate::lpm) const DISTANCE: usize = 2;

/// Returns the most codes that entries of `width` bytes have room for.
pub(in crate::lpm) const fn most_codes(width: usize) -> u32 {
    (if width == 1 { 1 << 8 } else { WIDE_ANSWER }) - FIRST_VALUE
}

/// What an entry of a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lpm) enum Entry {
    /// The code of an answer.
    Answer(u32),
    /// The offset of a child.
    Child(usize),
}

/// A node, all of which is there.
#[derive(Clone, Copy, Debug)]
pub(in crate::lpm) struct Node<'n> {
    nodes: &'n [u8],
    at: usize,
    width: usize,
    bitmaps: [u32; 2],
    /// Where entries have one byte: how many children they name, and the greatest of them.
    children: usize,
    greatest: u32,
}

impl<'n> Node<'n> {
    /// Returns the node at the offset `at` with entries of `width` bytes; `None` if some of it is not among `nodes`.
    pub(in crate::lpm) fn of(nodes: &'n [u8], at: usize, width: usize) -> Option<Self> {
        let bitmap = |at: usize| nodes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        let bitmaps = [bitmap(at)?, bitmap(at + 4)?];
        let mut node = Self { nodes, at, width, bitmaps, children: 0, greatest: 0 };
        let is_there = bitmaps[0].count_ones() as usize * width <= at && node.distances() <= nodes.len();
        if !is_there {
            return None;
        }
        if width == 1 {
            // Numbers of children are below all codes.
            let first = FIRST_VALUE as u8;
            let child = |entry: u8| if entry < first { entry + 1 } else { 0 };
            let both = |(children, greatest): (u8, u8), &entry: &u8| (child(entry).max(children), entry.max(greatest));
            let (children, greatest) = node.halves().into_iter().flatten().fold((0, 0), both);
            (node.children, node.greatest) = (usize::from(children), u32::from(greatest));
        }
        (node.end() <= nodes.len()).then_some(node)
    }

    /// Returns the bitmaps.
    pub(in crate::lpm) fn bitmaps(&self) -> [u32; 2] {
        self.bitmaps
    }

    /// Returns the bytes of the entries before the bitmaps and of those behind, all of which are there.
    fn halves(&self) -> [&'n [u8]; 2] {
        [&self.nodes[self.begin()..self.at], &self.nodes[self.at + BITMAPS..self.distances()]]
    }

    /// Returns whether every entry that is the code of an answer is one of the first `codes`.
    pub(in crate::lpm) fn has_codes_below(&self, codes: u32) -> bool {
        let is_known = |code: u32| code >= FIRST_VALUE && code - FIRST_VALUE < codes;
        if self.width == 1 {
            return self.greatest < FIRST_VALUE || is_known(self.greatest);
        }
        self.wide_entries().all(|number| number & WIDE_ANSWER == 0 || is_known(number ^ WIDE_ANSWER))
    }

    /// Returns whether no two entries name the same child by its number, and each number below the greatest names one.
    pub(in crate::lpm) fn has_children_once(&self) -> bool {
        let named = self.halves().into_iter().flatten().filter(|&&entry| u32::from(entry) < FIRST_VALUE);
        self.children == 0 || {
            let (mask, count) = named.fold((0_u64, 0), |(mask, count), &entry| (mask | 1 << entry, count + 1));
            count == self.children && mask.count_ones() as usize == count
        }
    }

    /// Returns the entries of two bytes, in the order of their slots.
    fn wide_entries(&self) -> impl Iterator<Item = u32> + use<'n> {
        let [lower, upper] = self.halves().map(|half| half.as_chunks().0);
        lower.iter().rev().chain(upper).map(|&entry| u32::from(u16::from_le_bytes(entry)))
    }

    /// Returns the offsets of the children, in the order of their slots.
    pub(in crate::lpm) fn children(&self) -> impl Iterator<Item = usize> + use<'n> {
        let (node, count) = (*self, self.children);
        let narrow = (0..count).map(move |child| node.number_at(node.distances() + DISTANCE * child, DISTANCE));
        let is_wide = self.width > 1;
        let wide = self.wide_entries().filter(move |number| is_wide && number & WIDE_ANSWER == 0);
        narrow.chain(wide).map(move |distance| node.at + UNIT * distance as usize)
    }

    /// Returns where the node begins.
    pub(in crate::lpm) fn begin(&self) -> usize {
        self.at - self.bitmaps[0].count_ones() as usize * self.width
    }

    /// Returns where the distances of children begin, or would.
    fn distances(&self) -> usize {
        self.at + BITMAPS + self.bitmaps[1].count_ones() as usize * self.width
    }

    /// Returns where the node ends.
    pub(in crate::lpm) fn end(&self) -> usize {
        self.distances() + DISTANCE * self.children
    }

    /// Returns the slots that begin a run.
    fn slots(&self) -> impl Iterator<Item = u32> + use<> {
        let bitmaps = self.bitmaps;
        (0..2 * SLOTS).filter(move |slot| bitmaps[(slot / SLOTS) as usize] >> (slot % SLOTS) & 1 == 1)
    }

    /// Returns the number at `place`.
    fn number_at(&self, place: usize, bytes: usize) -> u32 {
        self.nodes[place..place + bytes].iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte))
    }

    /// Returns the entry of `slot` as a number.
    fn number(&self, slot: u32) -> u32 {
        let half = (slot / SLOTS) as usize;
        let up_to = self.bitmaps[half] << (SLOTS - 1 - slot % SLOTS);
        let rank = up_to.count_ones() as usize * self.width;
        let place = if half == 0 { self.at - rank } else { self.at + BITMAPS + rank - self.width };
        self.number_at(place, self.width)
    }

    /// Returns the entries with the first slot of each, in the order of the slots.
    pub(in crate::lpm) fn entries(self) -> impl Iterator<Item = (u32, Entry)> + use<'n> {
        self.slots().map(move |slot| {
            let number = self.number(slot);
            let entry = match self.width {
                1 if number >= FIRST_VALUE => Entry::Answer(number),
                1 => {
                    let distance = self.distances() + DISTANCE * number as usize;
                    Entry::Child(self.at + UNIT * self.number_at(distance, DISTANCE) as usize)
                }
                _ if number & WIDE_ANSWER != 0 => Entry::Answer(number ^ WIDE_ANSWER),
                _ => Entry::Child(self.at + UNIT * number as usize),
            };
            (slot, entry)
        })
    }
}

/// The runs of a node under construction.
struct Runs {
    bitmaps: [u32; 2],
    /// By half: the entries so far; one with [`Runs::CHILD`] is the number of a child.
    entries: [[u32; SLOTS as usize]; 2],
    counts: [usize; 2],
}

impl Runs {
    const CHILD: u32 = 1 << 31;

    /// Begins a run at `slot`, at which no later one has begun.
    #[inline]
    fn put(&mut self, slot: u32, entry: u32) {
        let (half, bit) = ((slot / SLOTS) as usize, 1 << (slot % SLOTS));
        if self.bitmaps[half] & bit == 0 {
            self.bitmaps[half] |= bit;
            self.counts[half] += 1;
        }
        self.entries[half][self.counts[half] - 1] = entry;
    }
}

/// A slot of a node under construction that has a child.
#[derive(Clone, Copy, Default)]
struct Child {
    /// The ranges that begin inside, among those of the node.
    from: usize,
    to: usize,
    /// The code in force where they begin.
    code: u32,
}

/// Appends nodes to a buffer.
#[derive(Debug)]
pub(super) struct HalvesWriter<'a> {
    bytes: &'a mut Vec<u8>,
    width: usize,
    /// Whether a child lies further behind its node than can be told.
    far: bool,
}

impl<'a> HalvesWriter<'a> {
    /// Returns a writer of nodes with entries of `width` bytes, which continues `bytes`.
    pub(super) fn new(bytes: &'a mut Vec<u8>, width: usize) -> Self {
        debug_assert!(matches!(width, 1 | 2));
        Self { bytes, width, far: false }
    }

    /// Appends the node that begins at bit `at` and what is below it; returns its offset, or `None` if a child lies too far
    /// behind its node.
    ///
    /// `ranges` start inside the node, ascending, none where it does; `code` is in force up to the first of them.
    pub(super) fn node<A: Address>(&mut self, at: u32, code: u32, ranges: &[Range<A>]) -> Option<u32> {
        let node = self.write(at, code, ranges, (0, SHORT_UNIT));
        (!self.far).then_some(node as u32)
    }

    /// Appends a node whose distance from `from` can be told in units of so many bytes.
    fn write<A: Address>(
        &mut self,
        at: u32,
        mut code: u32,
        ranges: &[Range<A>],
        (from, unit): (usize, usize),
    ) -> usize {
        let slot_at = |start: A| {
            if at <= 58 { (top(start) << at >> 58) as u32 } else { slot_of(aligned(start), at) }
        };
        let below = at + u32::from(BLOCK_BITS);
        let mut runs = Runs { bitmaps: [0; 2], entries: [[0; SLOTS as usize]; 2], counts: [0; 2] };
        let (mut children, mut count) = ([Child::default(); 2 * SLOTS as usize], 0);
        runs.put(0, code);
        let mut next = 0;
        while let Some(range) = ranges.get(next) {
            let slot = slot_at(range.start);
            if slot > SLOTS && runs.bitmaps[1] == 0 {
                runs.put(SLOTS, code);
            }
            if depth(range.start) <= below {
                (code, next) = (range.code, next + 1);
            }
            let inside = ranges[next..].iter().take_while(|range| slot_at(range.start) == slot).count();
            if inside == 0 {
                runs.put(slot, code);
                continue;
            }
            runs.put(slot, Runs::CHILD | count as u32);
            children[count] = Child { from: next, to: next + inside, code };
            (count, next) = (count + 1, next + inside);
            code = ranges[next - 1].code;
            if slot + 1 < 2 * SLOTS {
                runs.put(slot + 1, code);
            }
        }
        if runs.bitmaps[1] == 0 {
            runs.put(SLOTS, code);
        }
        let [lower, upper] = [0, 1].map(|half| &runs.entries[half][..runs.counts[half]]);
        let node = self.bytes.len() + lower.len() * self.width;
        let padding = from.wrapping_sub(node) % unit;
        self.bytes.resize(self.bytes.len() + padding, 0);
        let node = node + padding;
        for &entry in lower.iter().rev() {
            self.put(entry);
        }
        self.bytes.extend(runs.bitmaps.iter().flat_map(|bitmap| bitmap.to_le_bytes()));
        for &entry in upper {
            self.put(entry);
        }
        let distances = self.bytes.len();
        if self.width == 1 {
            self.bytes.resize(distances + DISTANCE * count, 0);
        }
        if count == 0 {
            return node;
        }
        let width = self.width;
        let places = lower.iter().enumerate().map(|(index, entry)| (node - (index + 1) * width, entry));
        let behind = upper.iter().enumerate().map(|(index, entry)| (node + BITMAPS + index * width, entry));
        for (place, entry) in places.chain(behind).filter(|(_, entry)| *entry & Runs::CHILD != 0) {
            let number = (entry ^ Runs::CHILD) as usize;
            let Child { from, to, code } = children[number];
            let child = self.write(below, code, &ranges[from..to], (node, UNIT));
            let distance = (child - node) / UNIT;
            let (place, limit) =
                if self.width == 1 { (distances + DISTANCE * number, 1 << 16) } else { (place, WIDE_ANSWER as usize) };
            self.far |= distance >= limit;
            self.bytes[place..place + 2].copy_from_slice(&(distance as u16).to_le_bytes());
        }
        node
    }

    /// Appends an entry; a child's distance comes later where it has two bytes.
    #[inline]
    fn put(&mut self, entry: u32) {
        let number = entry & !Runs::CHILD;
        match self.width {
            1 => self.bytes.push(number as u8),
            _ => self.bytes.extend_from_slice(&((number | WIDE_ANSWER) as u16).to_le_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Appends the ranges of the node at `at`, which begins at bit `bit` and at the left-aligned address `base`.
    fn read(nodes: &[u8], (at, width): (usize, usize), (bit, base): (u32, u128), found: &mut Vec<(u128, u32)>) {
        for (slot, entry) in Node::of(nodes, at, width).expect("a node").entries() {
            let start = base | u128::from(slot) << 122 >> bit;
            match entry {
                Entry::Answer(code) => found.push((start, code)),
                Entry::Child(child) => read(nodes, (child, width), (bit + u32::from(BLOCK_BITS), start), found),
            }
        }
    }

    proptest! {
        #[test]
        fn oracle_nodes_read_back(
            starts in prop::collection::btree_set((0_u32..1 << 20, 0_u32..6).prop_map(|(start, zeros)| start >> (3 * zeros) << (3 * zeros)), 1..200),
            width in 1_usize..3,
        ) {
            let ranges: Vec<_> = starts
                .into_iter()
                .filter(|&start| start != 0)
                .enumerate()
                .map(|(index, start)| Range { start: start | 0x0aa0_0000, code: 65 + (index % 100) as u32 })
                .collect();
            let mut bytes = vec![1, 2, 3];
            let at = HalvesWriter::new(&mut bytes, width).node(12, 64, &ranges).expect("few nodes");
            let mut found = Vec::new();
            read(&bytes, (at as usize, width), (12, 0x0aa0_0000 << 96), &mut found);
            // Halves begin runs that nothing else asks for.
            found.dedup_by_key(|(_, code)| *code);
            let expected: Vec<_> = std::iter::once((0x0aa0_0000 << 96, 64))
                .chain(ranges.iter().map(|range| (aligned(range.start), range.code)))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_child_too_far_away_is_told() {
        // As many nodes below one as 2 bytes do not reach: each /18 has 64 times 64 boundaries below it.
        let ranges: Vec<Range<u32>> =
            (1..1 << 18).map(|at| Range { start: 0x0a00_0000 | at << 2, code: 65 + at % 100 }).collect();
        for (width, reaches) in [(1, false), (2, false)] {
            let mut bytes = Vec::new();
            assert_eq!(HalvesWriter::new(&mut bytes, width).node(12, 64, &ranges).is_some(), reaches);
            bytes.clear();
            assert!(HalvesWriter::new(&mut bytes, width).node(18, 64, &ranges[..4095]).is_some());
        }
    }
}
