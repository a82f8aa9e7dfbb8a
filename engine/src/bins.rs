//! [`Bins`]: rows dealt out by their address, so few to a bin that a bin is sorted within the first cache.
//!
//! Sorting by comparisons goes through all of memory a few times and mispredicts every other comparison. Here rows are
//! counted by the place of their address between the lowest and the highest (a sample tells these), places follow each
//! other into bins of about [`ROWS_PER_BIN`] rows, and every row is written once to its bin. A bin is dealt out once more,
//! to about one row a place, and what is left out of order then is put in order by insertion. Whatever crowds in one place
//! is sorted by comparisons, so that nothing takes longer than O(rows · log rows).

use rayon::prelude::*;

use crate::address::Address;
use crate::row::Row;

/// Rows of a bin, where addresses are spread evenly: two copies of them and their places fill a second cache by a tenth.
const ROWS_PER_BIN: usize = 1 << 11;
/// Most places that addresses are counted by: a count of four bytes each stays in the second cache.
const MOST_PLACES: usize = 1 << 16;
/// Rows for each place where there are few.
const ROWS_PER_PLACE: usize = 32;
/// Rows of one bin that are sorted by comparisons because they are few, and because they are so many that all threads may
/// take part.
const FEW: usize = 32;
const MANY: usize = 1 << 17;
/// Rows in one place of a bin up to which insertion puts a bin in order.
const CROWD: usize = 16;

/// Rows in bins, whose order is that of the rows' addresses. Rows with one prefix are in one bin.
#[derive(Debug)]
pub(crate) struct Bins<A> {
    /// What each part of the input gave, by bin.
    parts: Vec<Part<A>>,
    /// Where each bin begins among all rows; one more at the end.
    starts: Vec<usize>,
}

#[derive(Debug)]
struct Part<A> {
    rows: Vec<Row<A>>,
    /// Where each bin begins; one more at the end.
    starts: Vec<u32>,
}

/// Which place an address has among those that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scale {
    lowest: u64,
    shift: u32,
    places: usize,
}

impl Scale {
    /// Returns the scale of at most `places` places, a power of two, from `lowest` to `highest`.
    fn new(lowest: u64, highest: u64, places: usize) -> Self {
        let bits = u64::BITS - highest.saturating_sub(lowest).leading_zeros();
        Self { lowest, shift: bits.saturating_sub(places.ilog2()).min(63), places }
    }

    /// Returns the place of a key: what lies outside of the scale is in the first or last one.
    #[inline]
    fn of(self, key: u64) -> usize {
        ((key.saturating_sub(self.lowest) >> self.shift) as usize).min(self.places - 1)
    }
}

impl<A: Address> Bins<A> {
    /// Deals the rows of all `parts`, which are `rows` at most; `rows_of` yields those of a part, the same ones every time.
    /// `sample` has the [heads](Row::head) of a few of them.
    ///
    /// O(rows + places · parts), in the current rayon pool.
    pub(crate) fn deal<I: Iterator<Item = Row<A>>>(
        parts: usize,
        rows: usize,
        sample: impl Iterator<Item = u64>,
        rows_of: impl Fn(usize) -> I + Sync,
    ) -> Self {
        let places = (rows / ROWS_PER_PLACE).max(1).next_power_of_two().min(MOST_PLACES);
        let (lowest, highest) = bounds(sample);
        let scale = Scale::new(lowest, highest, places);
        let counts: Vec<Vec<u32>> = (0..parts)
            .into_par_iter()
            .map(|part| {
                let mut counts = vec![0; scale.places];
                rows_of(part).for_each(|row| counts[scale.of(row.head())] += 1);
                counts
            })
            .collect();
        let (bin_of, starts) = cut(&counts, scale.places);
        let bins = starts.len() - 1;
        let parts = counts
            .into_par_iter()
            .enumerate()
            .map(|(part, counts)| {
                let mut starts = vec![0_u32; bins + 1];
                for (count, &bin) in counts.iter().zip(&bin_of) {
                    starts[usize::from(bin) + 1] += count;
                }
                for bin in 0..bins {
                    starts[bin + 1] += starts[bin];
                }
                let mut next = starts.clone();
                let mut rows = vec![Row::default(); starts[bins] as usize];
                rows_of(part).for_each(|row| {
                    let next = &mut next[usize::from(bin_of[scale.of(row.head())])];
                    rows[*next as usize] = row;
                    *next += 1;
                });
                Part { rows, starts }
            })
            .collect();
        Self { parts, starts }
    }

    /// Returns how many bins there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns where a bin begins among all rows, or where the last one ends.
    pub(crate) fn start(&self, bin: usize) -> usize {
        self.starts[bin]
    }

    /// Returns the rows of a bin in their order, each once. O(rows), or where they crowd O(rows · log rows).
    pub(crate) fn sorted<'s>(&self, bin: usize, scratch: &'s mut Scratch<A>) -> &'s [Row<A>] {
        scratch.rows.clear();
        for part in &self.parts {
            scratch.rows.extend_from_slice(&part.rows[part.starts[bin] as usize..part.starts[bin + 1] as usize]);
        }
        scratch.sort();
        scratch.rows.dedup();
        &scratch.rows
    }
}

/// Returns the lowest and the highest of `keys`.
fn bounds(keys: impl Iterator<Item = u64>) -> (u64, u64) {
    keys.fold((u64::MAX, 0), |(low, high), key| (low.min(key), high.max(key)))
}

/// Puts places into bins of about [`ROWS_PER_BIN`] rows. Returns the bin of each place, and where each bin begins among
/// all rows, with one more at the end.
fn cut(counts: &[Vec<u32>], places: usize) -> (Vec<u16>, Vec<usize>) {
    let (mut bin_of, mut starts) = (Vec::with_capacity(places), vec![0]);
    let (mut end, mut held) = (0, 0);
    for place in 0..places {
        if held >= ROWS_PER_BIN {
            starts.push(end);
            held = 0;
        }
        // No more bins than places, of which there are 2^16 at most.
        bin_of.push((starts.len() - 1) as u16);
        let count = counts.iter().map(|counts| counts[place] as usize).sum::<usize>();
        (end, held) = (end + count, held + count);
    }
    starts.push(end);
    (bin_of, starts)
}

/// What sorting a bin takes, kept from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch<A> {
    rows: Vec<Row<A>>,
    dealt: Vec<Row<A>>,
    ends: Vec<u32>,
}

impl<A: Address> Scratch<A> {
    fn sort(&mut self) {
        let Self { rows, dealt, ends } = self;
        if rows.len() <= FEW {
            return rows.sort_unstable();
        }
        if rows.len() >= MANY {
            return rows.par_sort_unstable();
        }
        let keys = || rows.iter().map(Row::key);
        let (lowest, highest) = bounds(keys());
        let scale = Scale::new(lowest, highest, rows.len().next_power_of_two());
        ends.clear();
        ends.resize(scale.places, 0);
        keys().for_each(|key| ends[scale.of(key)] += 1);
        let (mut end, mut most) = (0, 0);
        for place in &mut *ends {
            let count = std::mem::replace(place, end);
            (end, most) = (end + count, most.max(count));
        }
        if dealt.len() < rows.len() {
            dealt.resize(rows.len(), Row::default());
        }
        for row in &*rows {
            let end = &mut ends[scale.of(row.key())];
            dealt[*end as usize] = *row;
            *end += 1;
        }
        dealt.truncate(rows.len());
        if most as usize <= CROWD {
            insert(dealt);
        } else {
            let mut start = 0;
            for &end in &*ends {
                dealt[start..end as usize].sort_unstable();
                start = end as usize;
            }
        }
        std::mem::swap(rows, dealt);
    }
}

/// Sorts rows that are nearly in order. O(rows + pairs out of order).
fn insert<A: Address>(rows: &mut [Row<A>]) {
    for at in 1..rows.len() {
        let row = rows[at];
        let mut to = at;
        while to > 0 && row < rows[to - 1] {
            rows[to] = rows[to - 1];
            to -= 1;
        }
        if to < at {
            rows[to] = row;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::AttributesId;
    use crate::prefix::Prefix;
    use crate::source_route::Protocol;

    fn row<A: Address>(bits: u128, len: u8, tail: u32) -> Row<A> {
        let prefix = Prefix::containing(A::narrow(bits >> (128 - u32::from(A::BITS))), len.min(A::BITS));
        Row::new(prefix, tail >> 4 & 3, tail >> 2 & 3, Protocol::Bgp, AttributesId(tail & 3))
    }

    /// Returns what the bins of `rows`, cut into `parts`, have one after the other.
    fn dealt<A: Address>(rows: &[Row<A>], parts: usize) -> Vec<Row<A>> {
        let share = |part: usize| rows.len() * part / parts;
        let sample = rows.iter().step_by(100).map(Row::head);
        let bins = Bins::deal(parts, rows.len(), sample, |part| rows[share(part)..share(part + 1)].iter().copied());
        let mut scratch = Scratch::default();
        let mut all = Vec::new();
        for bin in 0..bins.len() {
            let sorted = bins.sorted(bin, &mut scratch);
            assert!(sorted.len() <= bins.start(bin + 1) - bins.start(bin));
            // A prefix is in one bin.
            assert!(all.last().zip(sorted.first()).is_none_or(|(last, first): (&Row<A>, _)| !last.is_beside(first)));
            all.extend_from_slice(sorted);
        }
        assert_eq!(bins.start(bins.len()), rows.len());
        all
    }

    fn check<A: Address>(rows: &[Row<A>], parts: usize) {
        let mut expected = rows.to_vec();
        expected.sort();
        expected.dedup();
        assert!(dealt(rows, parts) == expected, "{} rows in {parts} parts", rows.len());
    }

    /// Addresses of every kind: anywhere, in a few places, one after the other, one and the same.
    fn address(kind: u8, number: u64) -> u128 {
        let mixed = u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64;
        match kind {
            0 => mixed,
            1 => 0x0a00 << 112 | mixed >> 40,
            2 => [0, 0x2001_0db8_u128 << 96, u128::MAX << 80][(number % 3) as usize] | mixed >> 60,
            3 => u128::from(number) << 104,
            _ => 7 << 120,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn oracle_bins_hold_the_sorted_rows(
            kinds in prop::collection::vec((0_u8..5, 0_usize..9000, 0_u64..1 << 40), 1..4),
            lens in prop::sample::select(vec![vec![24], vec![8, 24, 32], vec![0, 16, 56, 128]]),
            parts in 1_usize..5,
        ) {
            let numbers = kinds.iter().flat_map(|&(kind, count, from)| (0..count as u64).map(move |at| (kind, from + at)));
            let rows = numbers.enumerate().map(|(at, (kind, number))| {
                // Some are there twice.
                let number = number - u64::from(at % 17 == 3 && number > 0);
                (address(kind, number), lens[at % lens.len()], (number % 64) as u32)
            });
            let rows: Vec<_> = rows.collect();
            check::<u32>(&rows.iter().map(|&(bits, len, tail)| row(bits, len, tail)).collect::<Vec<_>>(), parts);
            check::<u128>(&rows.iter().map(|&(bits, len, tail)| row(bits, len, tail)).collect::<Vec<_>>(), parts);
        }
    }

    #[test]
    fn oracle_a_crowd_is_sorted_too() {
        let crowd = |at: u64| row::<u32>(u128::from(at / 3000) << 119, 24, (at.wrapping_mul(0x9e37_79b9) >> 7) as u32);
        check(&(0..MANY as u64 + 500).map(crowd).collect::<Vec<_>>(), 3);
        check(&(0..20_000).map(crowd).collect::<Vec<_>>(), 2);
        check(&[] as &[Row<u32>], 1);
    }

    #[test]
    fn even_addresses_fill_many_bins_evenly() {
        let rows: Vec<Row<u32>> = (0..200_000).map(|at| row(address(0, at), 24, 0)).collect();
        let sample = rows.iter().step_by(100).map(Row::head);
        let bins = Bins::deal(2, rows.len(), sample, |part| rows.iter().copied().skip(part).step_by(2));
        let longest = (0..bins.len()).map(|bin| bins.start(bin + 1) - bins.start(bin)).max();
        assert!(bins.len() > 80 && longest < Some(2 * ROWS_PER_BIN), "{} bins, {longest:?}", bins.len());
    }

    #[test]
    fn what_lies_outside_of_a_scale_is_in_its_ends() {
        let scale = Scale::new(100, 199, 16);
        assert_eq!(
            [0, 99, 100, 107, 108, 199, 227, 228, u64::MAX].map(|key| scale.of(key)),
            [0, 0, 0, 0, 1, 12, 15, 15, 15]
        );
        assert_eq!(Scale::new(0, u64::MAX, 1).of(u64::MAX), 0);
        assert_eq!(Scale::new(5, 5, 4).of(8), 3);
    }
}
