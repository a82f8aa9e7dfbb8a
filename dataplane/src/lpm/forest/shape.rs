//! [`Shape`]: how many bits a table's root decides, and the bytes that follow from it.

use vrfleak_engine::Address;

use super::halves::most_codes;
use super::line::LINE;
use super::pairs::{PAIR, PAIR_BITS};
use super::ranges::Range;

/// Most bits of a key that a root may look at: the rest of the first 64 is the first block's.
const MAX_ROOT_BITS: u8 = 58;
/// Bits that one block decides.
pub(in crate::lpm) const BLOCK_BITS: u8 = 6;
/// Page sizes that are tried, in bits.
const PAGE_BITS: [u8; 4] = [0, 6, 8, 10];
/// What a level of blocks less is worth, in bytes a boundary that lies below it. With this value the full IPv4 table gets
/// the root that the README beside this folder names; other values were not compared.
const LEVEL_WORTH: f64 = 1.5;

/// The same of halves below the first. With 4.0 the full IPv6 table has nodes from bit 26 on in
/// place of 24, a tenth more bytes and no more speed.
const HALVED_LEVEL_WORTH: f64 = 3.0;
/// The same of halves in small tables below the first, since entries of one byte take three loads more to a child.
const SMALL_LEVEL_WORTH: f64 = 6.0;

/// Boundaries from which on a table may be dense. A smaller one is always sparse: in batches over many tables its line
/// is found sooner than a block.
const DENSE_BOUNDARIES: usize = 1 << 14;
/// Bytes a boundary, besides those of a code, up to which a table may be dense: with the code the full IPv4 table of 2023 comes to
/// 2.6, one of 300,000 prefixes to 5.4, and one of 160,000 scattered prefixes, which is built in half the time without
/// blocks, to 7.4.
const DENSE_BYTES: f64 = 5.0;
/// Blocks that a key comes to, on average over the boundaries, up to which a table may be dense: the full IPv4 table has
/// 1.1, the full IPv6 table 2.7.
const DENSE_LEVELS: f64 = 1.5;

/// Boundaries that are looked at to tell at once that no shape makes a table dense: a few windows of neighbours, in
/// tables of many times as many. Counting all of them takes longer than writing a tenth of the table. On the full table of
/// 2023, spans of it and every nth prefix of it windows of 128 told the bytes to within 16%, windows of 512 hardly better.
const WINDOWS: usize = 8;
const WINDOW: usize = 128;
/// How far beyond the limits what the windows tell has to be, since it is a sample: twice what they were ever off.
/// Scattered /24s, 20,000 a table, come to 1.53 times the limit: with 1.5 in place of this every second such table was counted in vain.
const BEYOND: f64 = 1.4;

/// Bytes a boundary up to which a small table may be halved; with lines 4,000 tables of 250 neighbours come to 3.7, and as many
/// scattered prefixes to 8.
const HALVED_BYTES: f64 = 10.0;
/// The same for big tables, where entries have two bytes: the full IPv6 table of 2023 comes to 7.4.
const WIDE_HALVED_BYTES: f64 = 8.5;
/// Levels of halves that vectors have bits of a key for.
pub(in crate::lpm) const HALVED_LEVELS: u32 = 5;
/// One boundary in so many may lie deeper than vectors walk.
const DEEP_SHARE: u32 = 32;
/// Levels of halves that a key of a small table may walk, on average over the boundaries: 4,000 IPv6 tables of 250 neighbours walk more than
/// 2.5, which is a third of the speed of lines.
const SMALL_LEVELS: f64 = 1.5;
/// Most bits that root and page of a halved table decide together.
pub(in crate::lpm) const MAX_HALVED_BITS: u8 = 32;
/// Most slots of a halved table's root without pages, and the bits that number its first slot, so that eight bytes tell all
/// of a root.
pub(in crate::lpm) const BRIEF_SLOTS: u32 = (1 << 14) - 1;
pub(in crate::lpm) const BRIEF_FIRST_BITS: u8 = 18;
/// Levels from which on, on average over the boundaries, nodes are worth more room if they take a load less: pairs, or else entries of
/// two bytes.
const DEEP_LEVELS: f64 = 1.5;

/// Bytes a boundary up to which a table may have pairs: the full IPv6 table of 2023 comes to 7.4.
const PAIRED_BYTES: f64 = 11.0;
/// The same where pairs take the place of lines: the full IPv6 table comes to less with either, by this estimate, and to more bytes with lines.
const LINED_BYTES: f64 = 10.0;
/// What a level of pairs less is worth, in bytes a boundary that lies below it.
const PAIRED_LEVEL_WORTH: f64 = 3.0;
/// Levels below the root that vectors have bits of a key for.
pub(in crate::lpm) const PAIRED_LEVELS: u32 = 6;
/// Most bits that the root of a table of pairs decides, and most of its slots.
pub(in crate::lpm) const MAX_PAIRED_BITS: u8 = 26;
pub(in crate::lpm) const PAIRED_SLOTS: u32 = 1 << 20;
/// Nodes with children, for each child: three to five tenths in the full IPv6 table, whatever its root.
const PARENTS: f64 = 0.5;

/// Boundaries a slot of a sparse table's root, at least.
pub(super) const SPARSE_SLOT: usize = 4;
/// Most bits of the root of a sparse table.
const MAX_SPARSE_BITS: u8 = 24;

/// What lies below a table's root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lpm) enum Kind {
    /// Pages of one size, then [blocks](super::block).
    Dense,
    /// Pages of many sizes within each other, then [lines](super::line) or a [list](super::list).
    Sparse,
    /// Pages of one size, then [halves](super::halves).
    Halved,
    /// [Halves](super::halves) behind a root of short entries.
    Short,
    /// [Pairs](super::pairs), the root too.
    Paired,
}

/// Bytes of which a multiple lies before a table whose root is among its nodes.
pub(in crate::lpm) const BEGIN: usize = 32;

impl Kind {
    /// All of them, each at its own number.
    pub(in crate::lpm) const ALL: [Self; 5] = [Self::Dense, Self::Sparse, Self::Halved, Self::Short, Self::Paired];

    /// Returns whether a table's root lies before its nodes, and not among the roots.
    pub(in crate::lpm) fn has_root_inside(self) -> bool {
        matches!(self, Self::Short | Self::Paired)
    }

    /// Returns whether entries of a table's root or pages can be replaced one by one.
    pub(super) fn changes(self) -> bool {
        matches!(self, Self::Dense | Self::Sparse)
    }

    /// Returns of how many bytes a multiple lies before a table's nodes.
    pub(in crate::lpm) fn begins_at(self) -> usize {
        if self.has_root_inside() { BEGIN } else { LINE }
    }
}

/// The root of one table: slots of `bits` bits from `first` to `first + len - 1`, and in a dense table pages of
/// `2^page_bits` slots under those that need more than one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lpm) struct Shape {
    /// What lies below.
    pub(in crate::lpm) kind: Kind,
    /// Leading bits of a key that the root decides: 1 to 58, in a sparse table to 32.
    pub(in crate::lpm) bits: u8,
    /// Further bits that a page of a dense table decides: 0 for no pages.
    pub(in crate::lpm) page_bits: u8,
    /// The leading bits of the first slot.
    pub(in crate::lpm) first: u64,
    /// Number of slots; every key outside them has the answer of the address 0.
    pub(in crate::lpm) len: u32,
}

/// Returns whether a table of so many ranges is small: never dense, and short rather than halved.
pub(super) fn is_small(ranges: usize) -> bool {
    ranges <= DENSE_BOUNDARIES
}

/// Returns the first 64 bits of an address, an IPv4 address in the upper half.
#[inline]
pub(in crate::lpm) fn top<A: Address>(key: A) -> u64 {
    (aligned(key) >> 64) as u64
}

/// Returns the address with its first bit as the first of 128.
#[inline]
pub(in crate::lpm) fn aligned<A: Address>(key: A) -> u128 {
    key.widen() << (128 - u32::from(A::BITS))
}

/// Returns the number of leading bits up to and with the last one that is set: the shortest prefix that can start here.
#[inline]
pub(in crate::lpm) fn depth<A: Address>(start: A) -> u32 {
    u32::from(A::BITS).saturating_sub(start.widen().trailing_zeros())
}

/// Returns the greatest [`depth`] among the starts of `ranges`, 0 if there are none.
#[inline]
pub(super) fn deepest<A: Address>(ranges: &[Range<A>]) -> u32 {
    // The last bit that any of them has set.
    depth(ranges.iter().fold(A::ZERO, |all, range| all | range.start))
}

/// How many slots of every length hold a boundary in their inside, and so need a block, page or child.
struct Census {
    /// By length in bits: number of slots with a boundary inside.
    split: [u32; 136],
    /// By length in bits: number of boundaries deeper than that.
    deeper: [u32; 136],
    boundaries: u32,
}

impl Census {
    /// Counts in O(ranges).
    fn take<A: Address>(ranges: &[Range<A>]) -> Self {
        // A slot of length p < depth has this boundary inside. It is the first one there if the boundary before lies in
        // another slot (p > common) or on the slot's very start (p >= its depth).
        let side = usize::from(A::BITS) + 1;
        // Two counts in turn: one that was just written is not to be read again at once.
        let [mut counts, mut others] = [vec![0_u32; side * side], vec![0; side * side]];
        let (mut last, mut last_depth) = (A::ZERO, 0);
        let mut place = |range: &Range<A>| {
            let depth = depth(range.start);
            let common = (range.start ^ last).leading_zeros();
            let from = (common + 1).min(last_depth);
            (last, last_depth) = (range.start, depth);
            from as usize * side + depth as usize
        };
        let mut pairs = ranges.get(1..).unwrap_or_default().chunks_exact(2);
        for pair in &mut pairs {
            counts[place(&pair[0])] += 1;
            others[place(&pair[1])] += 1;
        }
        for range in pairs.remainder() {
            counts[place(range)] += 1;
        }
        let (mut starts, mut deeper) = ([0_i32; 137], [0_u32; 136]);
        for (place, count) in counts.into_iter().zip(others).map(|(count, other)| count + other).enumerate() {
            let (from, depth) = (place / side, place % side);
            if count > 0 && from < depth {
                starts[from] += count.cast_signed();
                starts[depth] -= count.cast_signed();
            }
            if count > 0 {
                deeper[depth - 1] += count;
            }
        }
        Self::summed(&starts, deeper, ranges.len().saturating_sub(1) as u32)
    }

    /// Counts the same of few ranges, in O(ranges) and without a table of all pairs.
    fn of_few<A: Address>(ranges: &[Range<A>]) -> Self {
        let (mut starts, mut deeper) = ([0_i32; 137], [0_u32; 136]);
        let (mut last, mut last_depth) = (A::ZERO, 0);
        for range in ranges.get(1..).unwrap_or_default() {
            let depth = depth(range.start);
            let from = ((range.start ^ last).leading_zeros() + 1).min(last_depth);
            (last, last_depth) = (range.start, depth);
            if from < depth {
                starts[from as usize] += 1;
                starts[depth as usize] -= 1;
            }
            if depth > 0 {
                deeper[depth as usize - 1] += 1;
            }
        }
        Self::summed(&starts, deeper, ranges.len().saturating_sub(1) as u32)
    }

    /// Returns the census of `boundaries` boundaries, by how many slots of each length more or less are split than of the one
    /// before, and how many boundaries end at the bit behind each length.
    fn summed(starts: &[i32; 137], mut deeper: [u32; 136], boundaries: u32) -> Self {
        let mut split = [0; 136];
        let mut running = 0;
        for (split, start) in split.iter_mut().zip(starts) {
            running += start;
            *split = running.unsigned_abs();
        }
        for len in (0..135).rev() {
            deeper[len] += deeper[len + 1];
        }
        Self { split, deeper, boundaries }
    }

    /// Returns bytes, and boundaries times levels walked, of halves from `bits` on with entries of `width` bytes.
    fn halves(&self, bits: usize, width: usize) -> (f64, f64) {
        let (mut nodes, mut walked, mut at) = (0_u64, 0_u64, bits);
        while let Some(&split) = self.split.get(at).filter(|&&split| split > 0) {
            nodes += u64::from(split);
            walked += u64::from(self.deeper[at]);
            at += usize::from(BLOCK_BITS);
        }
        let children = nodes - u64::from(self.split.get(bits).copied().unwrap_or(0));
        // A run more for the node and for its upper half, and one behind a child.
        let entries = u64::from(self.boundaries) + 2 * nodes + children;
        let distances = if width == 1 { 2 * children } else { 0 };
        ((8 * nodes + entries * width as u64 + distances) as f64, walked as f64)
    }

    /// Returns bytes, and boundaries times levels walked, of pairs from `bits` on with codes of `width` bytes: a tenth to
    /// a third more than they take, since children and boundaries of a node often begin the same run.
    fn pairs(&self, bits: usize, width: usize) -> (f64, f64) {
        let at = |counts: &[u32; 136], len: usize| f64::from(counts.get(len).copied().unwrap_or(0));
        let (mut pairs, mut codes, mut walked) = (0.0, 0.0, 0.0);
        for from in (bits..136).step_by(usize::from(PAIR_BITS)) {
            let to = from + usize::from(PAIR_BITS);
            let (nodes, children) = (at(&self.split, from), at(&self.split, to));
            if nodes == 0.0 {
                break;
            }
            let here = at(&self.deeper, from) - at(&self.deeper, to);
            let parents = nodes.min(PARENTS * children);
            pairs += parents + children + here * parents / nodes;
            codes += (nodes - parents) * (1.0 + here / nodes);
            walked += at(&self.deeper, from);
        }
        (PAIR as f64 * pairs + width as f64 * codes, walked)
    }

    /// Returns bytes, and boundaries times levels walked, of blocks from `bits` on.
    fn blocks(&self, bits: usize, width: usize) -> (f64, f64) {
        let (mut blocks, mut walked, mut bits) = (0_u64, 0_u64, bits);
        let top = self.split.get(bits).copied().unwrap_or(0);
        while let Some(&split) = self.split.get(bits).filter(|&&split| split > 0) {
            blocks += u64::from(split);
            walked += u64::from(self.deeper[bits]);
            bits += usize::from(BLOCK_BITS);
        }
        let below = self.deeper.get(bits.min(135)).map_or(0, |_| u64::from(self.boundaries));
        let children = blocks - u64::from(top);
        let codes = (below + 2 * blocks) * width as u64;
        ((8 * blocks + codes + 4 * children) as f64, walked as f64)
    }
}

impl Shape {
    /// Returns the root for `ranges`: the dense one that costs least, when a level of blocks counts [`LEVEL_WORTH`], if
    /// blocks suit the table, else a sparse one.
    pub(super) fn choose<A: Address>(ranges: &[Range<A>], width: usize) -> Self {
        let [_, first, .., tail] = ranges else {
            let Some(only) = ranges.get(1) else {
                return Self { kind: Kind::Sparse, bits: 1, page_bits: 0, first: 0, len: 0 };
            };
            return Self::sparse(ranges, only.start, only.start);
        };
        if !is_small(ranges.len())
            && let Some(dense) = Self::dense(ranges, width)
        {
            return dense;
        }
        Self::sparse(ranges, first.start, tail.start)
    }

    /// Returns the root for `ranges` with halves below it, or with pairs where many keys would walk halves far down, and the bytes of
    /// an entry or code; `None` if neither suits a table with `codes` codes of `width` bytes.
    pub(super) fn gathered<A: Address>(ranges: &[Range<A>], width: usize, codes: u32) -> Option<(Self, usize)> {
        let census = if is_small(ranges.len()) { Census::of_few(ranges) } else { Census::take(ranges) };
        let (halved, entry, is_deep) = Self::halved(ranges, &census, codes)?;
        let paired = if is_deep { Self::paired(ranges, &census, width, PAIRED_BYTES) } else { None };
        Some(paired.map_or((halved, entry), |paired| (paired, width)))
    }

    /// Returns the halved root for `ranges` that costs least, as [`Self::choose`] counts, the bytes of an entry, and whether many keys
    /// walk far down; `None` if halves do not suit a table with `codes` codes.
    fn halved<A: Address>(ranges: &[Range<A>], census: &Census, codes: u32) -> Option<(Self, usize, bool)> {
        let (first, tail) = (ranges.get(1)?.start, ranges.last()?.start);
        let is_small = is_small(ranges.len());
        let boundaries = f64::from(census.boundaries);
        let mut best = None;
        let mut least = f64::INFINITY;
        for bits in 1..=(MAX_HALVED_BITS - u8::from(is_small)).min(A::BITS - BLOCK_BITS) {
            let (start, len) = Self::slots(ranges, (first, tail), bits);
            // A first slot whose number few bits tell, and as many slots more.
            let start_at = if is_small {
                start >> bits.saturating_sub(BRIEF_FIRST_BITS) << bits.saturating_sub(BRIEF_FIRST_BITS)
            } else {
                start
            };
            let len = len.saturating_add(start - start_at);
            let slots = if is_small { 2.0 } else { 4.0 } * len as f64;
            if slots > least || len > u64::from(if is_small { BRIEF_SLOTS } else { 1 << 20 }) {
                break;
            }
            let split = census.split[usize::from(bits)];
            for page_bits in PAGE_BITS {
                let inner = bits + page_bits;
                let is_idle = page_bits > 0 && (is_small || split == 0);
                if is_idle || inner > MAX_HALVED_BITS.min(A::BITS - BLOCK_BITS) {
                    continue;
                }
                let reach = usize::from(inner) + (HALVED_LEVELS * u32::from(BLOCK_BITS)) as usize;
                if census.deeper.get(reach).is_some_and(|&deep| deep > census.boundaries / DEEP_SHARE) {
                    continue;
                }
                let pages = if page_bits == 0 { 0.0 } else { f64::from(split) * f64::from(4_u32 << page_bits) };
                let paging = if page_bits == 0 { 0.0 } else { 0.4 * f64::from(census.deeper[usize::from(bits)]) };
                let (_, walked) = census.halves(usize::from(inner), 1);
                if is_small && walked > SMALL_LEVELS * boundaries {
                    continue;
                }
                let is_deep = !is_small && walked > DEEP_LEVELS * boundaries;
                let width = if codes > most_codes(1) || is_deep { 2 } else { 1 };
                let (halves, _) = census.halves(usize::from(inner), width);
                let bytes = slots + pages + halves;
                let first = f64::from(census.deeper[usize::from(inner)]);
                let worth = if is_small { SMALL_LEVEL_WORTH } else { HALVED_LEVEL_WORTH };
                let cost = bytes + LEVEL_WORTH * (first + paging) + worth * (walked - first);
                if cost < least {
                    least = cost;
                    let kind = if is_small { Kind::Short } else { Kind::Halved };
                    let shape = Self { kind, bits, page_bits, first: start_at, len: len as u32 };
                    best = Some((shape, width, is_deep, bytes));
                }
            }
        }
        let (shape, width, is_deep, bytes) = best?;
        let most = if width == 1 || is_small { HALVED_BYTES } else { WIDE_HALVED_BYTES };
        (codes <= most_codes(width) && bytes <= most * boundaries).then_some((shape, width, is_deep))
    }

    /// Returns the root of pairs for `ranges`; `None` if they do not suit the table or take more bytes than lines would: in IPv4, or
    /// where prefixes are scattered.
    pub(super) fn pairs<A: Address>(ranges: &[Range<A>], width: usize) -> Option<Self> {
        let census = (A::BITS == 128).then(|| Census::take(ranges))?;
        Self::paired(ranges, &census, width, LINED_BYTES)
    }

    /// Returns the root of pairs for `ranges` that costs least, as [`Self::choose`] counts; `None` if pairs do not suit the table. Codes
    /// have `width` bytes.
    fn paired<A: Address>(ranges: &[Range<A>], census: &Census, width: usize, most: f64) -> Option<Self> {
        let (first, tail) = (ranges.get(1)?.start, ranges.last()?.start);
        if width > 2 {
            return None;
        }
        let boundaries = f64::from(census.boundaries);
        let (mut best, mut least) = (None, f64::INFINITY);
        for bits in 1..=MAX_PAIRED_BITS.min(A::BITS - PAIR_BITS) {
            let (first, len) = Self::slots(ranges, (first, tail), bits);
            let slots = PAIR as f64 * len as f64;
            if slots > least || len > u64::from(PAIRED_SLOTS) {
                break;
            }
            let reach = usize::from(bits) + (PAIRED_LEVELS * u32::from(PAIR_BITS)) as usize;
            if census.deeper.get(reach).is_some_and(|&deep| deep > census.boundaries / DEEP_SHARE) {
                continue;
            }
            let (nodes, walked) = census.pairs(usize::from(bits), width);
            let bytes = slots + nodes;
            let cost = bytes + PAIRED_LEVEL_WORTH * walked;
            if cost < least {
                let shape = Self { kind: Kind::Paired, bits, page_bits: 0, first, len: len as u32 };
                (best, least) = (Some((shape, bytes)), cost);
            }
        }
        let (shape, bytes) = best?;
        (bytes <= most * boundaries).then_some(shape)
    }

    /// Returns the slots of `bits` bits from the one of the first boundary on to the last one that needs one.
    fn slots<A: Address>(ranges: &[Range<A>], (first, tail): (A, A), bits: u8) -> (u64, u64) {
        let shift = 64 - u32::from(bits);
        let (start, last) = (top(first) >> shift, top(tail) >> shift);
        // Behind the last boundary the answer is the one of address 0 again, or the root reaches to the end.
        let wraps = ranges[0].code == ranges[ranges.len() - 1].code;
        let end = if !wraps {
            u64::MAX >> shift
        } else if last << shift == top(tail) && depth(tail) <= 64 {
            // The last boundary is a slot's start: that slot is outside already.
            last.saturating_sub(1)
        } else {
            last
        };
        (start, end.saturating_sub(start).saturating_add(1))
    }

    fn sparse<A: Address>(ranges: &[Range<A>], first: A, tail: A) -> Self {
        let most = (ranges.len() / SPARSE_SLOT).max(1) as u64;
        let shape = |bits| {
            let (first, len) = Self::slots(ranges, (first, tail), bits);
            (len <= most).then_some(Self { kind: Kind::Sparse, bits, page_bits: 0, first, len: len as u32 })
        };
        // The number of slots grows with the bits.
        let found = (1..=MAX_SPARSE_BITS).map_while(shape).last();
        found.unwrap_or_else(|| {
            let (first, len) = Self::slots(ranges, (first, tail), 1);
            Self { kind: Kind::Sparse, bits: 1, page_bits: 0, first, len: len as u32 }
        })
    }

    fn dense<A: Address>(ranges: &[Range<A>], width: usize) -> Option<Self> {
        let suits = |taken: &[Range<A>], slack: f64| {
            let (shape, bytes, levels) = Self::best_dense(ranges, taken, width)?;
            let boundaries = slack * ranges.len() as f64;
            let fits = bytes <= (DENSE_BYTES + width as f64) * boundaries && levels <= DENSE_LEVELS * boundaries;
            fits.then_some(shape)
        };
        if ranges.len() >= 4 * WINDOWS * WINDOW {
            let windows =
                (0..WINDOWS).map(|window| &ranges[(ranges.len() - WINDOW) * window / (WINDOWS - 1)..][..WINDOW]);
            suits(&windows.collect::<Vec<_>>().concat(), BEYOND)?;
        }
        suits(ranges, 1.0)
    }

    /// Returns the dense root of `ranges` that costs least, its bytes, and the boundaries times levels walked, by a census
    /// of those that are `taken`, all of the ranges or a sample.
    fn best_dense<A: Address>(ranges: &[Range<A>], taken: &[Range<A>], width: usize) -> Option<(Self, f64, f64)> {
        let (first, tail) = (ranges.get(1)?.start, ranges.last()?.start);
        let census = Census::take(taken);
        let scale = ranges.len() as f64 / taken.len() as f64;
        let mut best = None;
        let mut least = f64::INFINITY;
        for bits in 1..=MAX_ROOT_BITS.min(A::BITS - BLOCK_BITS) {
            let (start, len) = Self::slots(ranges, (first, tail), bits);
            let slots = 4.0 * len as f64;
            if len > 1 << 26 || slots > least {
                continue;
            }
            let split = census.split[usize::from(bits)];
            for page_bits in PAGE_BITS {
                let inner = bits + page_bits;
                if inner > MAX_ROOT_BITS.min(A::BITS - BLOCK_BITS) || (page_bits > 0 && split == 0) {
                    continue;
                }
                let pages = if page_bits == 0 { 0.0 } else { f64::from(split) * f64::from(4_u32 << page_bits) };
                let paging = if page_bits == 0 { 0.0 } else { 0.4 * f64::from(census.deeper[usize::from(bits)]) };
                let (blocks, walked) = census.blocks(usize::from(inner), width);
                let bytes = slots + scale * (pages + blocks);
                let cost = bytes + LEVEL_WORTH * scale * (walked + paging);
                if cost < least {
                    least = cost;
                    let shape = Self { kind: Kind::Dense, bits, page_bits, first: start, len: len as u32 };
                    best = Some((shape, bytes, scale * walked));
                }
            }
        }
        best
    }

    /// Returns the bits that root and page decide together: where the first block begins.
    pub(in crate::lpm) fn inner_bits(self) -> u8 {
        self.bits + self.page_bits
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn oracle_census_counts_split_slots() {
        let mut state = 1_u64;
        for round in 0..200 {
            let mut starts: Vec<u32> = (0..round % 40)
                .map(|_| {
                    state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    ((state >> 32) as u32) & (u32::MAX << (state % 33).min(31))
                })
                .filter(|&start| start != 0)
                .collect();
            starts.sort_unstable();
            starts.dedup();
            let ranges: Vec<Range<u32>> =
                [0].into_iter().chain(starts.iter().copied()).map(|start| Range { start, code: 0 }).collect();
            let census = Census::take(&ranges);
            let few = Census::of_few(&ranges);
            assert_eq!((census.split, census.deeper), (few.split, few.deeper));
            for len in 0..32_u32 {
                let inside = |start: &&u32| **start & !(u32::mask(len as u8)) != 0;
                let split: HashSet<u32> =
                    starts.iter().filter(inside).map(|start| start & u32::mask(len as u8)).collect();
                assert_eq!(census.split[len as usize] as usize, split.len(), "length {len} of {starts:x?}");
                assert_eq!(census.deeper[len as usize] as usize, starts.iter().filter(inside).count());
            }
        }
    }
}
