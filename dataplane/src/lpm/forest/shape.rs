//! [`Shape`]: how many bits a table's root decides, and the bytes that follow from it.

use vrfleak_engine::Address;

use super::ranges::Range;

/// Most bits of a key that a root may look at: the rest of the first 64 is the first block's.
const MAX_ROOT_BITS: u8 = 58;
/// Bits that one block decides.
pub(in crate::lpm) const BLOCK_BITS: u8 = 6;
/// Page sizes that are tried, in bits.
const PAGE_BITS: [u8; 4] = [0, 6, 8, 10];
/// What a level of blocks less is worth, in bytes a boundary that lies below it. With this value the full tables of both
/// families get the roots that the README beside this folder names; other values were not compared.
const LEVEL_WORTH: f64 = 1.5;

/// Bytes a boundary up to which a table is dense. Lists would save it bytes too, but cost it a tenth of its speed and,
/// in the full IPv6 table, 40%; neighbouring prefixes take 2.5 to 7 bytes without, scattered ones 32 to 49.
const DENSE: f64 = 8.0;

/// The root of one table: slots of `bits` bits from `first` to `first + len - 1`, and pages of `2^page_bits` slots
/// under those that need more than one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lpm) struct Shape {
    /// Leading bits of a key that the root decides: 1 to 58.
    pub(in crate::lpm) bits: u8,
    /// Further bits that a page decides: 0 for no pages.
    pub(in crate::lpm) page_bits: u8,
    /// The leading bits of the first slot.
    pub(in crate::lpm) first: u64,
    /// Number of slots; every key outside them has the answer of the address 0.
    pub(in crate::lpm) len: u32,
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
pub(super) fn depth<A: Address>(start: A) -> u32 {
    u32::from(A::BITS).saturating_sub(start.widen().trailing_zeros())
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
        let (mut starts, mut deeper) = ([0_i32; 137], [0_u32; 136]);
        let (mut last, mut last_depth) = (0_u128, 0);
        for range in ranges.iter().skip(1) {
            let start = aligned(range.start);
            let depth = depth(range.start);
            // A slot of length p < depth has this boundary inside. It is the first one there if the boundary before
            // lies in another slot (p > common) or on the slot's very start (p >= its depth).
            let common = (start ^ last).leading_zeros();
            let from = (common + 1).min(last_depth);
            if from < depth {
                starts[from as usize] += 1;
                starts[depth as usize] -= 1;
            }
            deeper[depth as usize - 1] += 1;
            (last, last_depth) = (start, depth);
        }
        let mut split = [0; 136];
        let mut running = 0;
        for (split, start) in split.iter_mut().zip(starts) {
            running += start;
            *split = running.unsigned_abs();
        }
        for len in (0..135).rev() {
            deeper[len] += deeper[len + 1];
        }
        Self { split, deeper, boundaries: ranges.len().saturating_sub(1) as u32 }
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
    /// Returns the root for `ranges` that costs least, when a level of blocks counts [`LEVEL_WORTH`], and whether what it
    /// then takes without lists is little, so that it shall have none.
    pub(super) fn choose<A: Address>(ranges: &[Range<A>], width: usize) -> (Self, bool) {
        let mut best = Self { bits: 1, page_bits: 0, first: 0, len: 0 };
        let [head, .., tail] = ranges else { return (best, false) };
        let census = Census::take(ranges);
        let (first, last) = (top(ranges[1].start), top(tail.start));
        // Behind the last boundary the answer is the one of address 0 again, or the root reaches to the end.
        let wraps = head.code == tail.code;
        let ends_at = |bits: u8| {
            let shift = 64 - u32::from(bits);
            let slot = last >> shift;
            if !wraps {
                u64::MAX >> shift
            } else if slot << shift == last && depth(tail.start) <= 64 {
                // The last boundary is a slot's start: that slot is outside already.
                slot.saturating_sub(1)
            } else {
                slot
            }
        };
        let (mut least, mut bytes_of_best) = (f64::INFINITY, f64::INFINITY);
        for bits in 1..=MAX_ROOT_BITS.min(A::BITS - BLOCK_BITS) {
            let start = first >> (64 - u32::from(bits));
            let len = ends_at(bits).saturating_sub(start).saturating_add(1);
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
                let (bytes, walked) = census.blocks(usize::from(inner), width);
                let cost = slots + pages + bytes + LEVEL_WORTH * (walked + paging);
                if cost < least {
                    (least, bytes_of_best) = (cost, slots + pages + bytes);
                    best = Self { bits, page_bits, first: start, len: len as u32 };
                }
            }
        }
        (best, bytes_of_best <= DENSE * ranges.len() as f64)
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
