//! [`Ranges`]: from nested prefixes to disjoint ranges, in one pass with a stack.

use vrfleak_engine::{Address, Prefix};

/// From `start` to the start of the next range every address has the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range<A> {
    /// First address.
    pub(super) start: A,
    /// The table's code of the answer.
    pub(super) code: u32,
}

/// The ranges of one table under construction.
#[derive(Debug)]
pub(super) struct Ranges<A> {
    list: Vec<Range<A>>,
    /// Last address and code of the prefixes that contain the current one.
    open: Vec<(A, u32)>,
    /// The code of addresses in no prefix.
    cover: u32,
}

impl<A: Address> Ranges<A> {
    /// Returns scratch without ranges.
    pub(super) fn new() -> Self {
        Self { list: Vec::new(), open: Vec::new(), cover: 0 }
    }

    /// Returns the ranges so far, when all is finished: ascending, neighbours of different codes, the first at the region's start.
    pub(super) fn list(&self) -> &[Range<A>] {
        &self.list
    }

    /// Appends a range from the left-aligned address `start` on, which is above those before.
    pub(super) fn push(&mut self, start: u128, code: u32) {
        self.begin(A::narrow(start >> (128 - u32::from(A::BITS))), code);
    }

    /// Gives the addresses of `prefix` whose code `hit` accepts the code `code`; returns whether any had another one.
    /// The ranges end at `last`, within which `prefix` lies.
    pub(super) fn paint(&mut self, prefix: Prefix<A>, last: A, code: u32, hit: impl Fn(u32) -> bool) -> bool {
        let old = std::mem::take(&mut self.list);
        let mut changed = false;
        for (index, range) in old.iter().enumerate() {
            let end = old.get(index + 1).map_or(last, |next| A::narrow(next.start.widen() - 1));
            if end < prefix.bits() || range.start > prefix.last() || range.code == code || !hit(range.code) {
                self.begin(range.start, range.code);
                continue;
            }
            changed = true;
            if range.start < prefix.bits() {
                self.begin(range.start, range.code);
            }
            self.begin(range.start.max(prefix.bits()), code);
            if let Some(behind) = prefix.last().next()
                && end > prefix.last()
            {
                self.begin(behind, range.code);
            }
        }
        changed
    }

    /// Replaces every code, of which the first is `first`, by what `codes` has at its place.
    pub(super) fn recode_from(&mut self, first: u32, codes: &[u32]) {
        for range in &mut self.list {
            range.code = codes[(range.code - first) as usize];
        }
        self.list.dedup_by_key(|range| range.code);
    }

    /// Replaces every code by what `codes` has at its place.
    pub(super) fn recode(&mut self, codes: &[u32]) {
        let first = codes.first().copied().unwrap_or(0);
        if codes.iter().zip(first..).all(|(&code, next)| code == next) {
            // A table with a dictionary of its own has them in order.
            return self.list.iter_mut().for_each(|range| range.code += first);
        }
        for range in &mut self.list {
            range.code = codes[range.code as usize];
        }
    }

    #[inline]
    fn begin(&mut self, start: A, code: u32) {
        if let Some(last) = self.list.last_mut() {
            if last.start == start {
                last.code = code;
                if let [.., before, _] = self.list[..]
                    && before.code == code
                {
                    self.list.pop();
                }
                return;
            }
            if last.code == code {
                return;
            }
        }
        self.list.push(Range { start, code });
    }

    /// Begins anew: all addresses get `cover`.
    pub(super) fn clear(&mut self, cover: u32) {
        self.list.clear();
        self.open.clear();
        self.cover = cover;
        self.begin(A::ZERO, cover);
    }

    /// Gives the addresses of `prefix`, which is greater than all those before, the code `code`. O(1) amortised.
    #[inline]
    pub(super) fn add(&mut self, prefix: Prefix<A>, code: u32) {
        let (start, last) = (prefix.bits(), prefix.last());
        while let Some(&(end, _)) = self.open.last()
            && end < start
        {
            self.open.pop();
            // Where `prefix` follows at once nothing of what is around it shows.
            if let Some(next) = end.next()
                && next != start
            {
                self.resume(next);
            }
        }
        self.begin(start, code);
        self.open.push((last, code));
    }

    /// Ends what is still open.
    pub(super) fn finish(&mut self) {
        while let Some((end, _)) = self.open.pop() {
            if let Some(next) = end.next() {
                self.resume(next);
            }
        }
    }

    /// Begins a range with the answer of the innermost open prefix.
    #[inline]
    fn resume(&mut self, start: A) {
        let code = self.open.last().map_or(self.cover, |&(_, code)| code);
        self.begin(start, code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swept(routes: &[(&str, u32)]) -> Vec<(u32, u32)> {
        let mut ranges = Ranges::new();
        ranges.clear(0);
        for &(text, code) in routes {
            ranges.add(text.parse::<Prefix<u32>>().expect("a prefix"), code);
        }
        ranges.finish();
        ranges.list().iter().map(|range| (range.start, range.code)).collect()
    }

    #[test]
    fn nested_prefixes_resume_what_is_around_them() {
        assert_eq!(swept(&[]), [(0, 0)]);
        assert_eq!(
            swept(&[("10.0.0.0/8", 1), ("10.0.0.0/16", 2), ("10.255.0.0/16", 3)]),
            [(0, 0), (0x0a00_0000, 2), (0x0a01_0000, 1), (0x0aff_0000, 3), (0x0b00_0000, 0)]
        );
    }

    #[test]
    fn equal_neighbours_are_one_range() {
        assert_eq!(swept(&[("10.0.0.0/24", 1), ("10.0.1.0/24", 1)]), [(0, 0), (0x0a00_0000, 1), (0x0a00_0200, 0)]);
        assert_eq!(swept(&[("10.0.0.0/8", 1), ("10.0.0.0/16", 1)]), [(0, 0), (0x0a00_0000, 1), (0x0b00_0000, 0)]);
        assert_eq!(swept(&[("0.0.0.0/0", 0), ("10.0.0.0/16", 0)]), [(0, 0)]);
    }

    #[test]
    fn paint_covers_what_it_hits() {
        let mut ranges = Ranges::new();
        let (outer, inner): (Prefix<u32>, Prefix<u32>) =
            ("10.0.0.0/8".parse().expect("a prefix"), "10.1.0.0/16".parse().expect("a prefix"));
        ranges.clear(0);
        ranges.add(outer, 1);
        ranges.finish();
        let starts =
            |ranges: &Ranges<u32>| -> Vec<_> { ranges.list().iter().map(|range| (range.start, range.code)).collect() };
        assert!(ranges.paint(inner, u32::MAX, 2, |code| code == 1));
        assert_eq!(starts(&ranges), [(0, 0), (0x0a00_0000, 1), (0x0a01_0000, 2), (0x0a02_0000, 1), (0x0b00_0000, 0)]);
        assert!(!ranges.paint(inner, u32::MAX, 1, |code| code == 0));
        assert!(ranges.paint(outer, u32::MAX, 3, |code| code == 1));
        assert_eq!(starts(&ranges), [(0, 0), (0x0a00_0000, 3), (0x0a01_0000, 2), (0x0a02_0000, 3), (0x0b00_0000, 0)]);
        assert!(ranges.paint(inner, u32::MAX, 3, |code| code == 2));
        assert_eq!(starts(&ranges), [(0, 0), (0x0a00_0000, 3), (0x0b00_0000, 0)]);
        assert!(ranges.paint(Prefix::DEFAULT, u32::MAX, 4, |_| true));
        assert_eq!(starts(&ranges), [(0, 4)]);
    }

    #[test]
    fn the_last_address_has_no_next() {
        assert_eq!(swept(&[("255.255.255.255/32", 1)]), [(0, 0), (u32::MAX, 1)]);
        assert_eq!(swept(&[("0.0.0.0/0", 2)]), [(0, 2)]);
    }
}
