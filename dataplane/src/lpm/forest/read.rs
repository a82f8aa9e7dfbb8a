//! From entries back to the ranges that they were made of.

use vrfleak_engine::Address;

use super::super::raw::page_of;
use super::block::{BITMAP_BYTES, FIRST_VALUE};
use super::halves::{Entry, HALVED_LEAF, LEAF_CODE, Node, SHORT_ENTRY, SHORT_UNIT, WIDE_ANSWER};
use super::line::{Format, LINE, Run, boundary, code_at, count, line_of, most, separator_size};
use super::list::{HEAD_BYTES, ListHead};
use super::pairs::{Below, PAIR_BITS, pair_at};
use super::ranges::Ranges;
use super::shape::{BLOCK_BITS, Kind, Shape, aligned};

/// Reads what entries of a table lead to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    /// The entries, as those of pages lead to them.
    pub(super) entries: &'a [u32],
    /// The nodes, as entries lead to them.
    pub(super) nodes: &'a [u8],
    pub(super) kind: Kind,
    /// Bytes a code.
    pub(super) width: usize,
}

impl<'a> Reader<'a> {
    /// Appends the ranges of slots that `bits` leading bits number, the first of which is `first`.
    pub(super) fn slots<A: Address>(self, slots: &[u32], (first, bits): (u64, u32), ranges: &mut Ranges<A>) {
        for (number, &entry) in (u128::from(first)..).zip(slots) {
            self.entry(entry, bits, number << (128 - bits), ranges);
        }
    }

    /// Appends the ranges of what `entry` leads to, which begins at bit `at` and at the left-aligned address `base`.
    pub(super) fn entry<A: Address>(self, entry: u32, at: u32, base: u128, ranges: &mut Ranges<A>) {
        if let Some((page, deciding)) = page_of(entry) {
            let bits = at + deciding;
            let slots = &self.entries[page..page + (1 << deciding)];
            self.slots(slots, ((base >> (128 - bits)) as u64, bits), ranges);
            return;
        }
        match self.kind {
            Kind::Dense => self.block(entry as usize, at, base, ranges),
            Kind::Sparse => self.lined(entry, at, base, ranges),
            Kind::Halved if entry & HALVED_LEAF == HALVED_LEAF => ranges.push(base, entry & LEAF_CODE),
            // A table with its root inside has no entries here.
            Kind::Halved | Kind::Short | Kind::Paired => self.halves(entry as usize, at, base, ranges),
        }
    }

    /// Appends the ranges of a whole table of `shape` whose root lies inside, and which begins at the offset `begin`.
    pub(super) fn inside<A: Address>(self, begin: usize, shape: Shape, ranges: &mut Ranges<A>) {
        let (bits, len) = (u32::from(shape.bits), shape.len as usize);
        let slot = |place: usize, number: u64, ranges: &mut Ranges<A>| {
            let base = u128::from(number) << (128 - bits);
            match self.kind {
                Kind::Paired => self.pair(begin, place, (bits, base), ranges),
                _ => match self.word(begin + SHORT_ENTRY * place) as u32 & u32::from(u16::MAX) {
                    entry if entry & WIDE_ANSWER != 0 => ranges.push(base, entry ^ WIDE_ANSWER),
                    entry => self.halves(begin + SHORT_UNIT * entry as usize, bits, base, ranges),
                },
            }
        };
        // The one behind the last is the answer outside.
        if shape.first > 0 || len == 0 {
            slot(len, 0, ranges);
        }
        for (place, number) in (0..len).zip(shape.first..) {
            slot(place, number, ranges);
        }
        let behind = shape.first + u64::from(shape.len);
        if len > 0 && behind >> bits == 0 {
            slot(len, behind, ranges);
        }
    }

    /// Appends the ranges of the pair with the number `place` in the table that begins at the offset `begin`: the pair's bits
    /// begin at bit `at`, and it at the left-aligned address `base`.
    fn pair<A: Address>(self, begin: usize, place: usize, (at, base): (u32, u128), ranges: &mut Ranges<A>) {
        let Some(pair) = pair_at(&self.nodes[begin..], place) else { return };
        let slots = (0..u32::BITS).filter(|slot| pair.bitmap >> slot & 1 == 1);
        let starts = slots.map(|slot| base | u128::from(slot) << (128 - u32::from(PAIR_BITS)) >> at);
        match pair.below() {
            Below::Answer(code) => ranges.push(base, code),
            Below::Codes(first) => {
                for (number, start) in (first..).zip(starts) {
                    ranges.push(start, self.code(begin + number * self.width));
                }
            }
            Below::Children(first) => {
                for (number, start) in (first..).zip(starts) {
                    self.pair(begin, number, (at + u32::from(PAIR_BITS), start), ranges);
                }
            }
        }
    }

    fn code(self, at: usize) -> u32 {
        // Byte by byte into a number, as boundaries are.
        let bytes = self.nodes[at..at + self.width].iter().rev();
        bytes.fold(0, |code, &byte| code << 8 | u32::from(byte))
    }

    fn word(self, at: usize) -> u64 {
        self.nodes[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
    }

    fn block<A: Address>(self, offset: usize, at: u32, base: u128, ranges: &mut Ranges<A>) {
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
                let child = offset + self.word(deltas + 4 * code as usize) as u32 as usize;
                self.block(child, at + u32::from(BLOCK_BITS), start, ranges);
            }
        }
    }

    fn halves<A: Address>(self, offset: usize, at: u32, base: u128, ranges: &mut Ranges<A>) {
        let Some(node) = Node::of(self.nodes, offset, self.width) else { return };
        for (slot, entry) in node.entries() {
            let start = base | (u128::from(slot) << (128 - u32::from(BLOCK_BITS)) >> at);
            match entry {
                Entry::Answer(code) => ranges.push(start, code),
                Entry::Child(child) => self.halves(child, at + u32::from(BLOCK_BITS), start, ranges),
            }
        }
    }

    /// Appends the ranges of a line, fan or wide list; those of a line at the first slot of its run.
    fn lined<A: Address>(self, entry: u32, at: u32, base: u128, ranges: &mut Ranges<A>) {
        let line = line_of(entry);
        let Some(format) = Format::of(entry) else { return self.list(line * LINE, base, ranges) };
        let Some((run, slot)) = Run::read(entry) else {
            let Some(fan) = self.nodes[line * LINE..].first_chunk() else { return };
            for child in 0..=separators::<A>(fan) {
                let begins = begin_of_child::<A>(fan, child, (at, base));
                self.boundaries(line + 1 + child, (format, Run::ONE), (at, base), begins, ranges);
            }
            return;
        };
        if slot == 0 {
            self.boundaries(line, (format, run), (at, base), base, ranges);
        }
    }

    /// Returns the line of a fan in which all addresses from `low` to `high` lie, if `entry` leads to one, of the slot that ends at bit `at`
    /// and begins at the left-aligned address `base`, as they do.
    pub(super) fn fan_line<A: Address>(
        self,
        entry: u32,
        (at, base): (u32, u128),
        (low, high): (A, A),
    ) -> Option<FanLine<'a, A>> {
        let (format, None) = (Format::of(entry)?, Run::read(entry)) else { return None };
        if self.kind != Kind::Sparse || page_of(entry).is_some() {
            return None;
        }
        let lines = self.nodes.get(line_of(entry) * LINE..)?;
        let fan = lines.first_chunk()?;
        let separators = separators::<A>(fan);
        let begin = |child: usize| begin_of_child::<A>(fan, child, (at, base));
        let child = (1..=separators).take_while(|&child| begin(child) <= aligned(low)).count();
        let behind = if child < separators { begin(child + 1) } else { base.wrapping_add(1 << (128 - at)) };
        let last = behind.wrapping_sub(1);
        let lines = lines.get(..(separators + 2) * LINE).filter(|_| aligned(high) <= last)?;
        let address = |aligned: u128| A::narrow(aligned >> (128 - u32::from(A::BITS)));
        Some(FanLine { lines, format, child, at, base, first: address(begin(child)), last: address(last) })
    }

    /// Appends the ranges of one line of a fan.
    pub(super) fn line_of_fan<A: Address>(self, fan: &FanLine<'a, A>, ranges: &mut Ranges<A>) {
        let of_fan = Self { nodes: fan.lines, ..self };
        let begins = aligned(fan.first);
        of_fan.boundaries(fan.child + 1, (fan.format, Run::ONE), (fan.at, fan.base), begins, ranges);
    }

    /// Appends the ranges of one line, whose first slot begins at `base` and ends at bit `at`; what is in force up to the
    /// first boundary begins at `begins`.
    fn boundaries<A: Address>(
        self,
        line: usize,
        (format, run): (Format, Run),
        (at, base): (u32, u128),
        begins: u128,
        ranges: &mut Ranges<A>,
    ) {
        let Some(bytes) = self.nodes[line * LINE..].first_chunk() else { return };
        let size = format.size(A::BITS);
        let code = |index: usize| self.code(line * LINE + code_at(index, self.width));
        ranges.push(begins, code(0));
        // A window begins with the bits that number the slot, and ends among the first 64 of an address.
        let (base, skipped) = ((base >> 64) as u64, at - run.bits());
        for index in 0..count(bytes, size, format.capacity(A::BITS, self.width)) {
            let window = (boundary(bytes, size, index) << (64 - 8 * size)).unbounded_shr(skipped);
            ranges.push(u128::from(base.wrapping_add(window)) << 64, code(index + 1));
        }
    }

    fn list<A: Address>(self, offset: usize, base: u128, ranges: &mut Ranges<A>) {
        let Some(head) = ListHead::of(&self.nodes[offset..]) else { return };
        let (boundaries, codes) = (offset + HEAD_BYTES, offset + head.codes());
        ranges.push(base, self.code(codes));
        for index in 0..head.count {
            let boundary = boundaries + index * head.size;
            let start = match head.size {
                16 => self.nodes[boundary..].first_chunk().map_or(0, |bytes| u128::from_le_bytes(*bytes)),
                _ => u128::from(self.word(boundary)) << 64,
            };
            ranges.push(start, self.code(codes + (index + 1) * self.width));
        }
    }
}

/// One line of a fan.
#[derive(Debug)]
pub(super) struct FanLine<'n, A> {
    /// The separators, then all lines.
    pub(super) lines: &'n [u8],
    pub(super) format: Format,
    /// Which of the lines it is.
    pub(super) child: usize,
    /// Where the fan's slot ends, and the left-aligned address at which it begins.
    pub(super) at: u32,
    pub(super) base: u128,
    /// The first and last address that the line answers.
    pub(super) first: A,
    pub(super) last: A,
}

/// Returns how many separators a fan has.
fn separators<A: Address>(fan: &[u8; LINE]) -> usize {
    count(fan, separator_size(A::BITS), most(A::BITS))
}

/// Returns the left-aligned address from which on a line of a fan answers, whose slot ends at bit `at` and begins at `base`.
fn begin_of_child<A: Address>(fan: &[u8; LINE], child: usize, (at, base): (u32, u128)) -> u128 {
    let size = separator_size(A::BITS);
    let Some(separator) = child.checked_sub(1) else { return base };
    base.wrapping_add(u128::from((boundary(fan, size, separator) << (64 - 8 * size)).unbounded_shr(at)) << 64)
}
