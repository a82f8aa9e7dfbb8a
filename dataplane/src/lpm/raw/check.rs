//! [`Limits`]: what every node of a part is checked against before it may be walked.

use vrfleak_engine::Address;

use super::super::forest::block::{BITMAP_BYTES, FIRST_VALUE};
use super::super::forest::halves::{Node, SHORT_ENTRY, SHORT_UNIT, WIDE_ANSWER, most_codes};
use super::super::forest::line::{Format, LINE, LINED, Run, code_at, count, line_of, most, separator_size};
use super::super::forest::list::ListHead;
use super::super::forest::page::MAX_PAGE_BITS;
use super::super::forest::pairs::{Below, PAIR, PAIR_BITS, Pair, pair_at};
use super::super::forest::shape::{
    BLOCK_BITS, BRIEF_SLOTS, Kind, MAX_HALVED_BITS, MAX_PAIRED_BITS, PAIRED_SLOTS, Shape,
};
use super::lines::LineVectors;
use super::part::{MOST_BYTES, PAGE, Part, leaf_of, page_deciding, page_index};
use super::store::StoreError;

/// Codes of one byte that are looked at together.
const LANES: usize = 16;
/// Most codes of a line.
const MOST_CODES: usize = 32;

/// What the nodes of one table are checked against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    kind: Kind,
    width: usize,
    codes: u32,
    /// Bits that a page of a dense table decides.
    page_bits: u32,
    /// Where the root's slots end.
    at: u32,
    /// How many they are.
    len: u32,
    /// Bits of an address.
    bits: u8,
}

impl Limits {
    /// Returns the limits of a table of the family of `A` whose root has `shape`, with `codes` codes of `width` bytes.
    pub(super) fn of<A: Address>(shape: Shape, width: usize, codes: u32) -> Result<Self, StoreError> {
        let most = match shape.kind {
            Kind::Dense => 58,
            Kind::Sparse => 32,
            Kind::Halved | Kind::Short => u32::from(MAX_HALVED_BITS),
            Kind::Paired => u32::from(MAX_PAIRED_BITS),
        };
        let inner = u32::from(shape.inner_bits());
        let is_halved = matches!(shape.kind, Kind::Halved | Kind::Short);
        let is_short = shape.kind == Kind::Short;
        if is_short && (shape.page_bits > 0 || shape.bits > 31 || shape.len > BRIEF_SLOTS) {
            return Err(StoreError::Broken("a short table has pages or too many slots"));
        }
        if shape.kind == Kind::Paired && (width > 2 || shape.page_bits > 0 || shape.len > PAIRED_SLOTS) {
            return Err(StoreError::Broken("a table of pairs has pages, wide codes or too many slots"));
        }
        let wide = (shape.kind == Kind::Sparse || is_halved) && shape.len >> 24 != 0;
        if is_halved && (width > 2 || codes > most_codes(width)) {
            return Err(StoreError::Broken("the codes do not fit halves"));
        }
        if !matches!(width, 1 | 2 | 4) || shape.bits == 0 || inner > most || shape.page_bits > 15 || wide {
            return Err(StoreError::Broken(
                "a root decides 1 to 58 or 32 bits or has too many slots, or a code has not 1, 2 or 4 bytes",
            ));
        }
        if codes == 0 || (width < 4 && (FIRST_VALUE + codes - 1) >> (8 * width) != 0) {
            return Err(StoreError::Broken("the codes do not fit their width"));
        }
        let (kind, at, page_bits) = (shape.kind, u32::from(shape.bits), u32::from(shape.page_bits));
        Ok(Self { kind, width, codes, page_bits, at, len: shape.len, bits: A::BITS })
    }

    /// Checks every entry of the part and what it leads to. The part's slots end at bit `at`, or where those of the root
    /// do; `leaves` tells whether an entry may be one answer of any width.
    pub(super) fn check(&self, part: &Part, at: Option<u32>, leaves: bool) -> Result<(), StoreError> {
        let leaves = leaves || self.width == 1 || self.kind == Kind::Halved;
        let vectors = LineVectors::new().filter(|_| self.width == 1);
        let mut walk = Walk { limits: self, part, leaves, pages: 0, end: 0, shared: Vec::new(), vectors };
        match self.kind {
            Kind::Short => return walk.short(),
            Kind::Paired => return walk.paired(),
            Kind::Dense | Kind::Sparse | Kind::Halved => {}
        }
        walk.entries(&part.slots, at.unwrap_or(self.at))
    }

    /// Returns whether the first `len` bytes of codes are sure to name answers of the dictionary alone. All of them are
    /// looked at as one number: most nodes have so few codes, of one byte, and a check would else take as long as all that
    /// makes a table.
    fn are_answers(&self, codes: &[u8], len: usize) -> bool {
        const EVEN: u128 = u128::MAX / 0xffff * 0xff;
        let (1, 1..=LANES, Some(lanes)) = (self.width, len, codes.first_chunk::<LANES>()) else { return false };
        // What is behind the codes counts as a first code.
        let unused = u128::MAX.unbounded_shl(8 * len as u32);
        let codes = u128::from_le_bytes(*lanes) & !unused | splat(FIRST_VALUE as u8) & unused;
        // A code of 64 and more has one of its two highest bits.
        let answers = (codes | codes << 1) & splat(0x80) == splat(0x80);
        // The least sum with a code beyond the dictionary carries into the byte above, which is free.
        let free = u128::from(0x100_u32.saturating_sub(FIRST_VALUE + self.codes));
        let free = free * (EVEN / 0xff);
        let carries = ((codes & EVEN) + free) | ((codes >> 8 & EVEN) + free);
        answers && carries & !EVEN == 0
    }

    /// Returns whether the last `len` of these codes name answers of the dictionary alone.
    fn last_are_answers(&self, codes: &[u8; MOST_CODES], len: usize) -> bool {
        // Bytes and no branch a code: one comparison for all of them where vectors are to be had.
        let most = (self.codes - 1).min(u32::from(u8::MAX - FIRST_VALUE as u8)) as u8;
        let unused = (MOST_CODES - len) as u8;
        let others = codes.iter().zip(0_u8..).map(|(&code, place)| {
            let is_other = code.wrapping_sub(FIRST_VALUE as u8) > most;
            u8::from(is_other) & u8::from(place >= unused)
        });
        others.fold(0, |others, other| others | other) == 0
    }

    /// Returns how many children these codes name, and the highest of them that stands for an answer, or the first such
    /// code.
    fn extremes(&self, codes: &[u8]) -> (u32, u32) {
        if self.width == 1 {
            // Loops over bytes that a compiler can make of vectors.
            let first = FIRST_VALUE as u8;
            let children = codes.iter().map(|&code| if code < first { code + 1 } else { 0 }).max();
            let most = codes.iter().copied().max();
            return (u32::from(children.unwrap_or(0)), u32::from(most.unwrap_or(0).max(first)));
        }
        codes.chunks_exact(self.width).fold((0, FIRST_VALUE), |(children, most), bytes| {
            let code = bytes.iter().rev().fold(0, |code, &byte| code << 8 | u32::from(byte));
            if code < FIRST_VALUE { (children.max(code + 1), most) } else { (children, most.max(code)) }
        })
    }
}

/// Returns a number whose bytes are all `byte`.
fn splat(byte: u8) -> u128 {
    u128::from(byte) * (u128::MAX / 0xff)
}

/// A check on its way through a part. Pages and nodes lie in the order in which they are come to, so that none is part of
/// another or of two trees; leaves alone may be shared.
struct Walk<'a> {
    limits: &'a Limits,
    part: &'a Part,
    leaves: bool,
    /// Where the last page ends.
    pages: usize,
    /// Where the last node ends.
    end: usize,
    /// By code from [`FIRST_VALUE`] on: the offset of the last leaf.
    shared: Vec<usize>,
    vectors: Option<LineVectors>,
}

impl Walk<'_> {
    /// Checks the entries of slots that end at bit `at`.
    fn entries(&mut self, entries: &[u32], at: u32) -> Result<(), StoreError> {
        // What the entry of the next slot of a run has to be.
        let mut next = None;
        for &entry in entries {
            if next != Some(entry) {
                self.entry(entry, at)?;
            }
            next = self.next_of_run(entry);
        }
        Ok(())
    }

    /// Returns the entry that the next slot has if it is one of the run of `entry`'s.
    fn next_of_run(&self, entry: u32) -> Option<u32> {
        if self.limits.kind != Kind::Sparse || entry & (PAGE | LINED) != LINED {
            return None;
        }
        let (run, slot) = Run::read(entry)?;
        (slot + 1 < run.slots()).then(|| entry + Run::NEXT)
    }

    /// Checks an entry of a slot that ends at bit `at`, in a run the first one.
    fn entry(&mut self, entry: u32, at: u32) -> Result<(), StoreError> {
        if entry & PAGE != 0 {
            return self.page(entry, at);
        }
        let Some((code, kind)) = leaf_of(entry) else {
            return match self.limits.kind {
                Kind::Dense => self.block(entry as usize, at),
                Kind::Sparse => self.lined(entry),
                Kind::Halved => self.halves(entry as usize, at),
                Kind::Short | Kind::Paired => Err(StoreError::Broken("a slot of a table with its root inside")),
            };
        };
        if !self.leaves || kind != self.limits.kind || code < FIRST_VALUE || code - FIRST_VALUE >= self.limits.codes {
            return Err(StoreError::Broken("an entry's code is not in the dictionary"));
        }
        Ok(())
    }

    /// Checks a page and what its slots lead to. No deeper than a page decides bits.
    fn page(&mut self, entry: u32, at: u32) -> Result<(), StoreError> {
        let (first, deciding) = (page_index(entry), page_deciding(entry));
        let fits = match self.limits.kind {
            Kind::Dense | Kind::Halved | Kind::Short | Kind::Paired => {
                at == self.limits.at && deciding == self.limits.page_bits
            }
            Kind::Sparse => deciding <= MAX_PAGE_BITS && at + deciding <= u32::from(self.limits.bits).min(64),
        };
        let end = first + (1 << deciding);
        if !fits || deciding == 0 || first < self.pages || end > self.part.pages.len() {
            return Err(StoreError::Broken(
                "a page decides no such bits, is not there or is not behind the one before",
            ));
        }
        self.pages = end;
        self.entries(&self.part.pages[first..end], at + deciding)
    }

    /// Takes the bytes of a node.
    fn take(&mut self, offset: usize, bytes: usize) -> Result<(), StoreError> {
        if offset < self.end {
            return Err(StoreError::Broken("a node is not behind the one before"));
        }
        self.end = offset + bytes;
        Ok(())
    }

    /// Takes the bytes of a node with one answer, unless it is the one that stood for that answer before.
    fn leaf(&mut self, offset: usize, bytes: usize, code: u32) -> Result<(), StoreError> {
        let index = (code - FIRST_VALUE) as usize;
        if self.shared.len() <= index {
            self.shared.resize(index + 1, usize::MAX);
        }
        if self.shared[index] == offset {
            return Ok(());
        }
        self.shared[index] = offset;
        self.take(offset, bytes)
    }

    /// Checks what an entry of a sparse table leads to.
    fn lined(&mut self, entry: u32) -> Result<(), StoreError> {
        if entry & LINED == 0 {
            return Err(StoreError::Broken("an entry of a sparse table that names a block"));
        }
        let line = line_of(entry);
        match (Format::of(entry), Run::read(entry)) {
            (None, Some(one)) if one == (Run::ONE, 0) => self.list(line),
            (None, _) => Err(StoreError::Broken("a wide list that serves several slots")),
            (Some(format), None) => self.fan(format, line),
            (Some(format), Some((run, 0))) => self.line(format, line, run == Run::ONE),
            (Some(_), Some(_)) => Err(StoreError::Broken("a run that begins with a later slot")),
        }
    }

    /// Checks a fan and its lines.
    fn fan(&mut self, format: Format, line: usize) -> Result<(), StoreError> {
        let size = separator_size(self.limits.bits);
        let fan = self.part.blocks.get(line * LINE..).and_then(|rest| rest.first_chunk());
        // Vectors compare all that a line has room for.
        let separators = count(fan.ok_or(StoreError::Broken("a fan ends beyond the blocks"))?, size, LINE / size);
        if separators > most(self.limits.bits) {
            return Err(StoreError::Broken("a fan has a separator more than it may"));
        }
        self.take(line * LINE, LINE)?;
        (0..=separators).try_for_each(|child| self.line(format, line + 1 + child, false))
    }

    /// Checks a line; one without boundaries may be a leaf if it serves one slot.
    fn line(&mut self, format: Format, line: usize, may_be_leaf: bool) -> Result<(), StoreError> {
        let bytes = self.part.blocks.get(line * LINE..).and_then(|rest| rest.first_chunk::<LINE>());
        let bytes = bytes.ok_or(StoreError::Broken("a line ends beyond the blocks"))?;
        let (bits, width) = (self.limits.bits, self.limits.width);
        let wrong = StoreError::Broken("a line's code is not in the dictionary");
        if let Some(vectors) = self.vectors {
            let room = (format.size(bits), format.capacity(bits, width));
            if !vectors.has_answers(bytes, room, self.limits.codes) {
                return Err(wrong);
            }
            return self.take(line * LINE, LINE);
        }
        let count = count(bytes, format.size(bits), format.capacity(bits, width));
        let codes = &bytes[code_at(count, width)..];
        if width == 1 {
            let codes = bytes.last_chunk().ok_or(wrong)?;
            if !self.limits.last_are_answers(codes, count + 1) {
                return Err(wrong);
            }
        } else {
            let (children, most) = self.limits.extremes(codes);
            if children > 0 || most - FIRST_VALUE >= self.limits.codes {
                return Err(wrong);
            }
            if count == 0 && may_be_leaf {
                return self.leaf(line * LINE, LINE, most);
            }
        }
        self.take(line * LINE, LINE)
    }

    /// Checks a wide list.
    fn list(&mut self, line: usize) -> Result<(), StoreError> {
        let beyond = StoreError::Broken("a list ends beyond the blocks or has no such head");
        let list = self.part.blocks.get(line * LINE..).ok_or(beyond)?;
        let head = ListHead::of(list).ok_or(beyond)?;
        let bytes = head.bytes(self.limits.width);
        if head.lines(self.limits.width) * LINE > list.len() {
            return Err(beyond);
        }
        let (children, most) = self.limits.extremes(&list[head.codes()..bytes]);
        if children > 0 || most - FIRST_VALUE >= self.limits.codes {
            return Err(StoreError::Broken("a list's code is not in the dictionary"));
        }
        self.take(line * LINE, head.lines(self.limits.width) * LINE)
    }

    /// Checks a short table: its root, and the nodes behind it.
    fn short(&mut self) -> Result<(), StoreError> {
        let bytes = SHORT_ENTRY * (self.limits.len as usize + 1);
        let root = self.part.blocks.get(..bytes).ok_or(StoreError::Broken("a short root ends beyond the nodes"))?;
        self.take(0, bytes)?;
        for entry in root.as_chunks().0 {
            let entry = u32::from(u16::from_le_bytes(*entry));
            let code = entry ^ WIDE_ANSWER;
            if entry & WIDE_ANSWER == 0 {
                self.halves(SHORT_UNIT * entry as usize, self.limits.at)?;
            } else if code < FIRST_VALUE || code - FIRST_VALUE >= self.limits.codes {
                return Err(StoreError::Broken("a short entry's code is not in the dictionary"));
            }
        }
        Ok(())
    }

    /// Checks a node of halves at bit `at`, and those below it.
    fn halves(&mut self, offset: usize, at: u32) -> Result<(), StoreError> {
        let node = Node::of(&self.part.blocks, offset, self.limits.width);
        let node = node.ok_or(StoreError::Broken("a node of halves is not there to its end"))?;
        if node.bitmaps().iter().any(|bitmap| bitmap & 1 == 0) {
            return Err(StoreError::Broken("a half's first slot begins no run"));
        }
        if at >= u32::from(self.limits.bits) {
            return Err(StoreError::Broken("a node below the last bit"));
        }
        self.take(node.begin(), node.end() - node.begin())?;
        if !node.has_codes_below(self.limits.codes) {
            return Err(StoreError::Broken("a code of halves is not in the dictionary"));
        }
        if !node.has_children_once() {
            return Err(StoreError::Broken("two entries of halves name one child, or none names it"));
        }
        node.children().try_for_each(|child| self.halves(child, at + u32::from(BLOCK_BITS)))
    }

    /// Checks a table of pairs: its root, and what is below it.
    fn paired(&mut self) -> Result<(), StoreError> {
        self.pairs(0, self.limits.len as usize + 1, self.limits.at)
    }

    /// Checks so many pairs from the number `first` on, for nodes that begin at bit `at`, and all below them.
    fn pairs(&mut self, first: usize, count: usize, at: u32) -> Result<(), StoreError> {
        self.take(first * PAIR, count * PAIR)?;
        (first..first + count).try_for_each(|place| {
            let pair = pair_at(&self.part.blocks, place);
            self.pair(pair.ok_or(StoreError::Broken("pairs end beyond the nodes"))?, at)
        })
    }

    /// Checks what is below the pair of a node that begins at bit `at`.
    fn pair(&mut self, pair: Pair, at: u32) -> Result<(), StoreError> {
        let Limits { width, codes, bits, .. } = *self.limits;
        let wrong = StoreError::Broken("a code of pairs is not there or not in the dictionary");
        let below = pair.below();
        let is_node = !matches!(below, Below::Answer(_));
        if is_node && (pair.bitmap & 1 == 0 || at >= u32::from(bits)) {
            return Err(StoreError::Broken("a pair's first slot begins no run, or lies below the last bit"));
        }
        let runs = pair.bitmap.count_ones() as usize;
        match below {
            Below::Answer(code) if code < FIRST_VALUE || code - FIRST_VALUE >= codes => Err(wrong),
            Below::Answer(_) => Ok(()),
            Below::Children(first) => self.pairs(first, runs, at + u32::from(PAIR_BITS)),
            Below::Codes(first) => {
                let found = self.part.blocks.get(first * width..(first + runs) * width).ok_or(wrong)?;
                let (children, most) = self.limits.extremes(found);
                if children > 0 || most - FIRST_VALUE >= codes { Err(wrong) } else { Ok(()) }
            }
        }
    }

    fn block(&mut self, offset: usize, at: u32) -> Result<(), StoreError> {
        let beyond = StoreError::Broken("a block ends beyond the blocks");
        let block = self.part.blocks.get(offset..).ok_or(beyond)?;
        let (bitmap, rest) = block.split_first_chunk::<BITMAP_BYTES>().ok_or(beyond)?;
        let bitmap = u64::from_le_bytes(*bitmap);
        if bitmap & 1 == 0 {
            return Err(StoreError::Broken("a block's first slot begins no run"));
        }
        let count = bitmap.count_ones() as usize;
        let (codes, code_bytes) = (rest, count * self.limits.width);
        let rest = codes.get(code_bytes..).ok_or(beyond)?;
        if count > 1 && self.limits.are_answers(codes, code_bytes) {
            return self.take(offset, BITMAP_BYTES + code_bytes);
        }
        let (children, most) = self.limits.extremes(&codes[..code_bytes]);
        if most - FIRST_VALUE >= self.limits.codes {
            return Err(StoreError::Broken("a code is not in the dictionary"));
        }
        if children == 0 {
            let bytes = BITMAP_BYTES + code_bytes;
            return if count == 1 { self.leaf(offset, bytes, most) } else { self.take(offset, bytes) };
        }
        self.take(offset, BITMAP_BYTES + code_bytes + 4 * children as usize)?;
        let below = at + u32::from(BLOCK_BITS);
        if below >= u32::from(self.limits.bits) {
            return Err(StoreError::Broken("a node below the last bit"));
        }
        for child in 0..children as usize {
            let delta = rest.get(4 * child..4 * child + 4).ok_or(beyond)?;
            let delta = u32::from_le_bytes(delta.try_into().map_err(|_| beyond)?);
            let child = delta as usize + offset;
            if child >= MOST_BYTES as usize {
                return Err(beyond);
            }
            self.block(child, below)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oracle_codes_are_answers() {
        let shape = Shape { kind: Kind::Sparse, bits: 1, page_bits: 0, first: 0, len: 0 };
        for count in [1, 2, 3, 64, 65, 128, 191, 192] {
            let limits = Limits::of::<u32>(shape, 1, count).expect("limits");
            for code in 0..=u8::MAX {
                for (len, place) in (1..=LANES).flat_map(|len| (0..len).map(move |place| (len, place))) {
                    // What is behind the codes does not count.
                    let mut codes = [0; LANES + 1];
                    codes[..len].fill(64 + (count as u8 - 1) / 2);
                    codes[place] = code;
                    let is_answer = (64..64 + count).contains(&u32::from(code));
                    assert_eq!(limits.are_answers(&codes, len), is_answer, "{code} of {count} at {place} of {len}");
                }
            }
            assert!(!limits.are_answers(&[64; LANES - 1], 1) && !limits.are_answers(&[64; 2 * LANES], LANES + 1));
        }
    }

    #[test]
    fn oracle_vectors_find_the_codes_that_are_no_answers() {
        let Some(vectors) = LineVectors::new() else { return };
        let shape = Shape { kind: Kind::Sparse, bits: 1, page_bits: 0, first: 0, len: 0 };
        let mut state = 1_u64;
        for round in 0..20_000_u32 {
            let mut random = |below: u64| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 33) % below
            };
            // Some boundaries, as many codes and one more, and something else at some place.
            let (codes, bits, format) =
                (random(192) as u32 + 1, [32, 128][random(2) as usize], Format::ALL[random(3) as usize]);
            let limits = Limits { bits, ..Limits::of::<u32>(shape, 1, codes).expect("limits") };
            let (size, capacity) = (format.size(bits), format.capacity(bits, 1));
            let boundaries = random(capacity as u64 + 1) as usize;
            let mut line = [u8::MAX; LINE];
            line[..boundaries * size].iter_mut().for_each(|byte| *byte = random(256) as u8);
            let of_code = |code: u64| FIRST_VALUE as u8 + code as u8;
            line[code_at(boundaries, 1)..].iter_mut().for_each(|code| *code = of_code(random(u64::from(codes))));
            if round % 2 == 0 {
                line[random(LINE as u64) as usize] = random(256) as u8;
            }
            let boundaries = count(&line, size, capacity);
            let expected = limits.last_are_answers(line.last_chunk().expect("codes"), boundaries + 1);
            assert_eq!(
                vectors.has_answers(&line, (size, capacity), codes),
                expected,
                "{codes} answers, {size} bytes, {line:x?}"
            );
        }
    }

    #[test]
    fn oracle_last_codes_are_answers() {
        let shape = Shape { kind: Kind::Sparse, bits: 1, page_bits: 0, first: 0, len: 0 };
        for count in [1, 2, 64, 65, 191, 192] {
            let limits = Limits::of::<u32>(shape, 1, count).expect("limits");
            for (code, place, len) in (0..=u8::MAX)
                .flat_map(|code| [0, 1, 15, 16, 31].map(|place| (code, place)))
                .flat_map(|(code, place)| [1, 2, 16, 17, 31, 32].map(|len| (code, place, len)))
            {
                // What is before the last codes does not count.
                let mut codes = [0; MOST_CODES];
                codes[MOST_CODES - len..].fill(64 + (count as u8 - 1) / 2);
                codes[place] = code;
                let is_answer = (64..64 + count).contains(&u32::from(code)) || place < MOST_CODES - len;
                assert_eq!(limits.last_are_answers(&codes, len), is_answer, "{code} of {count} at {place}, {len}");
            }
        }
    }
}
