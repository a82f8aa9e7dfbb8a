//! Pairs: nodes of five bits that a walk reads with one load of eight bytes each, for tables that many keys walk far down.
//!
//! ```text
//! bit 0..31    bit 32..62                                          bit 63
//! bitmap       number of the first child, a pair of the table        0
//! bitmap       number of the first code                              1
//! 0            code                                                  1
//! ```
//! A node is what its parent's array says of it: bit i of its bitmap says that slot i begins another run than the slot before;
//! bit 0 is always set. The runs of a node have a pair each, one after the other, if any of them needs a child, else a code each
//! of the table's width. Without a bitmap a pair is one answer.
//!
//! A table begins with a line of the cache: the pairs of its root, one a slot and one for every key outside, those of all nodes,
//! each array behind the one that leads to it, and the codes. Pairs are numbered from the first one on, and codes in units of their
//! width from there, too, so that a table may be moved as one.

use vrfleak_engine::Address;

use super::ranges::Range;
use super::shape::{Shape, aligned, depth, top};

/// Bits that a pair decides.
pub(in crate::lpm) const PAIR_BITS: u8 = 5;
/// Bytes of a pair.
pub(in crate::lpm) const PAIR: usize = 8;
/// The bit of a pair's second half that says that codes are behind it.
pub(in crate::lpm) const LAST: u32 = 1 << 31;
/// Slots of a node.
const SLOTS: usize = 1 << PAIR_BITS;

/// What a node is, or a slot of the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lpm) struct Pair {
    pub(in crate::lpm) bitmap: u32,
    /// Behind [`LAST`] a code or the number of one, else the number of a pair.
    pub(in crate::lpm) first: u32,
}

/// What a pair leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lpm) enum Below {
    /// One answer's code.
    Answer(u32),
    /// Codes from this one on.
    Codes(usize),
    /// Pairs from this one on.
    Children(usize),
}

impl Pair {
    /// Returns one answer.
    fn answer(code: u32) -> Self {
        Self { bitmap: 0, first: LAST | code }
    }

    /// Returns the one that these bytes are.
    #[inline]
    pub(in crate::lpm) fn of(bytes: [u8; PAIR]) -> Self {
        let both = u64::from_le_bytes(bytes);
        Self { bitmap: both as u32, first: (both >> 32) as u32 }
    }

    fn bytes(self) -> [u8; PAIR] {
        (u64::from(self.first) << 32 | u64::from(self.bitmap)).to_le_bytes()
    }

    /// Returns what is behind the pair.
    #[inline]
    pub(in crate::lpm) fn below(self) -> Below {
        match (self.first & LAST != 0, self.bitmap) {
            (false, _) => Below::Children(self.first as usize),
            (true, 0) => Below::Answer(self.first ^ LAST),
            (true, _) => Below::Codes((self.first ^ LAST) as usize),
        }
    }

    /// Returns how many runs there are up to `slot`.
    #[inline]
    pub(in crate::lpm) fn rank(self, slot: u32) -> usize {
        (self.bitmap << (31 - slot)).count_ones() as usize
    }

    /// Returns the pair in a table before whose pairs and codes so many have come to lie.
    fn moved(self, pairs: usize, codes: usize) -> Self {
        let by = match self.below() {
            Below::Answer(_) => 0,
            Below::Codes(_) => codes,
            Below::Children(_) => pairs,
        };
        Self { first: self.first.wrapping_add(by as u32), ..self }
    }
}

/// Returns the slot of five bits of a left-aligned key that begins at bit `at`.
#[inline]
pub(in crate::lpm) fn pair_slot(key: u128, at: u32) -> u32 {
    ((key << at) >> 123) as u32
}

/// What a slot of the root, or a run of a node, is before it is written.
#[derive(Clone, Copy, Default)]
struct Run {
    /// The code in force where it begins.
    code: u32,
    /// The ranges that begin inside, among those of the node.
    from: usize,
    to: usize,
}

/// Consecutive slots of a root and all that is below them, numbered each by itself.
#[derive(Debug)]
pub(super) struct Pairs {
    width: usize,
    root: Vec<Pair>,
    inner: Vec<Pair>,
    codes: Vec<u8>,
}

impl Pairs {
    /// Returns the share `part` of `parts` of the table that `ranges` and `shape` describe, with codes of `width` bytes; the last
    /// one has what is outside the slots, too.
    pub(super) fn of<A: Address>(shape: Shape, width: usize, ranges: &[Range<A>], (part, parts): (u32, u32)) -> Self {
        let mut pairs = Self { width, root: Vec::new(), inner: Vec::new(), codes: Vec::new() };
        let cut = |part: u32| shape.first + u64::from(shape.len) * u64::from(part) / u64::from(parts);
        let (first, end) = (cut(part), cut(part + 1));
        let bits = u32::from(shape.bits);
        let slot = |range: &Range<A>| top(range.start) >> (64 - bits);
        // The first range is in force from address 0 on and begins nothing.
        let low = 1 + ranges[1..].partition_point(|range| slot(range) < first);
        let (mut code, mut next) = (ranges[low - 1].code, low);
        for at in first..end {
            if ranges.get(next).is_some_and(|range| slot(range) == at && depth(range.start) <= bits) {
                (code, next) = (ranges[next].code, next + 1);
            }
            let inside = ranges[next..].iter().take_while(|range| slot(range) == at).count();
            let pair =
                if inside == 0 { Pair::answer(code) } else { pairs.node(bits, code, &ranges[next..next + inside]) };
            pairs.root.push(pair);
            if inside > 0 {
                (code, next) = (ranges[next + inside - 1].code, next + inside);
            }
        }
        if part + 1 == parts {
            pairs.root.push(Pair::answer(ranges[0].code));
        }
        pairs
    }

    /// Appends what is below the node that begins at bit `at`, and returns its pair.
    ///
    /// `ranges` start inside the node, ascending, none where it does; `code` is in force up to the first of them.
    fn node<A: Address>(&mut self, at: u32, mut code: u32, ranges: &[Range<A>]) -> Pair {
        let slot_at = |range: &Range<A>| {
            if at <= 59 { (top(range.start) << at >> 59) as u32 } else { pair_slot(aligned(range.start), at) }
        };
        let below = at + u32::from(PAIR_BITS);
        let (mut bitmap, mut count, mut runs) = (0_u32, 0, [Run::default(); SLOTS]);
        let mut put = |slot: u32, run: Run| {
            count += usize::from(bitmap >> slot & 1 == 0);
            bitmap |= 1 << slot;
            runs[count - 1] = run;
        };
        let answer = |code| Run { code, from: 0, to: 0 };
        put(0, answer(code));
        let (mut next, mut is_last) = (0, true);
        while let Some(range) = ranges.get(next) {
            let slot = slot_at(range);
            if depth(range.start) <= below {
                (code, next) = (range.code, next + 1);
            }
            let inside = ranges[next..].iter().take_while(|range| slot_at(range) == slot).count();
            put(slot, Run { code, from: next, to: next + inside });
            if inside > 0 {
                is_last = false;
                next += inside;
                code = ranges[next - 1].code;
                if slot as usize + 1 < SLOTS {
                    put(slot + 1, answer(code));
                }
            }
        }
        let runs = &runs[..count];
        if is_last {
            let first = (self.codes.len() / self.width) as u32;
            for run in runs {
                self.codes.extend_from_slice(&run.code.to_le_bytes()[..self.width]);
            }
            return Pair { bitmap, first: LAST | first };
        }
        let first = self.inner.len();
        self.inner.extend(runs.iter().map(|run| Pair::answer(run.code)));
        for (place, run) in (first..).zip(runs) {
            if run.from < run.to {
                self.inner[place] = self.node(below, run.code, &ranges[run.from..run.to]);
            }
        }
        Pair { bitmap, first: first as u32 }
    }

    /// Returns the bytes of the table that these are, in order.
    pub(super) fn joined(parts: &[Self]) -> Vec<u8> {
        let sum = |count: fn(&Self) -> usize| parts.iter().map(count).sum::<usize>();
        let (root, inner) = (sum(|part| part.root.len()), sum(|part| part.inner.len()));
        let mut bytes = Vec::with_capacity((root + inner) * PAIR + sum(|part| part.codes.len()));
        let width = parts.first().map_or(1, |part| part.width);
        let before = |count: fn(&Self) -> usize| {
            parts.iter().scan(0, move |sum, part| Some(std::mem::replace(sum, *sum + count(part))))
        };
        let places: Vec<(usize, usize)> = before(|part| part.inner.len())
            .map(|inner| root + inner)
            .zip(before(|part| part.codes.len()).map(|codes| ((root + inner) * PAIR + codes) / width))
            .collect();
        let lists: [fn(&Self) -> &[Pair]; 2] = [|part| &part.root, |part| &part.inner];
        for of in lists {
            for (part, &(pairs, codes)) in parts.iter().zip(&places) {
                bytes.extend(of(part).iter().flat_map(|pair| pair.moved(pairs, codes).bytes()));
            }
        }
        for part in parts {
            bytes.extend_from_slice(&part.codes);
        }
        bytes
    }
}

/// Returns the pair at the number `at` of a table whose bytes begin `table`, if it is there.
pub(in crate::lpm) fn pair_at(table: &[u8], at: usize) -> Option<Pair> {
    table.get(at * PAIR..)?.first_chunk().map(|bytes| Pair::of(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::ranges::Ranges;
    use super::super::read::Reader;
    use super::super::shape::Kind;
    use super::*;

    proptest! {
        #[test]
        fn oracle_pairs_read_back(
            starts in prop::collection::btree_set((0_u32..1 << 26, 0_u32..7).prop_map(|(start, zeros)| start >> (4 * zeros) << (4 * zeros)), 1..300),
            (bits, width, parts) in (1_u8..20, 1_usize..3, 1_u32..6),
        ) {
            let base = 0x5000_0000_u32;
            let inner = starts.into_iter().filter(|&start| start != 0).enumerate();
            let inner = inner.map(|(index, start)| Range { start: base + start, code: 65 + (index % 100) as u32 });
            let ranges: Vec<_> = [Range { start: 0, code: 64 }].into_iter().chain(inner).collect();
            let first = u64::from(base) << 32 >> (64 - bits);
            let last = u64::from(base + (1 << 26) - 1) << 32 >> (64 - bits);
            let shape = Shape { kind: Kind::Paired, bits, page_bits: 0, first, len: (last - first) as u32 + 1 };
            let pairs: Vec<Pairs> = (0..parts).map(|part| Pairs::of(shape, width, &ranges, (part, parts))).collect();
            let table = Pairs::joined(&pairs);
            prop_assert!(table == Pairs::joined(&[Pairs::of(shape, width, &ranges, (0, 1))]) || parts > 1);
            let mut found = Ranges::<u32>::new();
            Reader { entries: &[], nodes: &table, kind: Kind::Paired, width }.inside(0, shape, &mut found);
            // Behind the last slot is the answer outside.
            let end = Range { start: ((last + 1) << (32 - bits)) as u32, code: 64 };
            let mut expected = [&ranges[..], &[end]].concat();
            expected.dedup_by_key(|range| range.code);
            prop_assert_eq!(found.list(), &expected[..]);
        }
    }
}
