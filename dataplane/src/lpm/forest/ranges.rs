//! [`Ranges`]: from nested prefixes to disjoint ranges, in one pass with a stack.

use vrfleak_engine::{Address, Prefix};

/// From `start` to the start of the next range every address has the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(in crate::lpm) struct Range<A> {
    /// First address.
    pub(in crate::lpm) start: A,
    /// The table's code of the answer.
    pub(in crate::lpm) code: u32,
}

/// Prefixes of one code, each right behind the one before, that are looked at together.
const ALIKE: usize = 16;

/// Returns whether `start` is the address behind `last`.
#[inline]
#[expect(clippy::needless_bitwise_bool, reason = "no branch depends on one of many prefixes")]
fn is_behind<A: Address>(last: A, start: A) -> bool {
    let is_next = if A::BITS == 32 {
        last.widen() as u32 == (start.widen() as u32).wrapping_sub(1)
    } else {
        last.widen() == start.widen().wrapping_sub(1)
    };
    is_next & (start > last)
}

/// The ranges of one table under construction.
#[derive(Debug)]
pub(super) struct Ranges<A> {
    list: Vec<Range<A>>,
    /// Last address and code of the prefixes that contain the current one.
    open: Vec<(A, u32)>,
    /// The code of addresses in no prefix.
    cover: u32,
    /// Memory for the list that a paint makes.
    other: Vec<Range<A>>,
}

impl<A: Address> Ranges<A> {
    /// Returns scratch without ranges.
    pub(super) fn new() -> Self {
        Self { list: Vec::new(), open: Vec::new(), cover: 0, other: Vec::new() }
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
        let mut old = std::mem::replace(&mut self.list, std::mem::take(&mut self.other));
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
        old.clear();
        self.other = old;
        changed
    }

    /// Replaces every code, of which the first is `first`, by what `codes` has at its place.
    pub(super) fn recode_from(&mut self, first: u32, codes: &[u32]) {
        for range in &mut self.list {
            range.code = codes[(range.code - first) as usize];
        }
        self.list.dedup_by_key(|range| range.code);
    }

    /// Replaces every code, of which the first is `first`, by what `codes` has at its place, no two the same.
    pub(super) fn recode(&mut self, first: u32, codes: &[u32]) {
        if codes.iter().zip(first..).all(|(&code, next)| code == next) {
            return;
        }
        for range in &mut self.list {
            range.code = codes[(range.code - first) as usize];
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

    /// Forgets all ranges: the next one is pushed.
    pub(super) fn forget(&mut self) {
        self.list.clear();
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

    /// Gives the addresses of each prefix of `routes`, which ascend and are all greater than those before, the code at its
    /// place.
    pub(super) fn add_all(&mut self, routes: &[(Prefix<A>, u32)], codes: &[u32]) {
        let mut at = 0;
        loop {
            at += self.add_on(&routes[at..], &codes[at..]);
            let Some(&(prefix, _)) = routes.get(at) else { return };
            let taken = self.add_apart(&routes[at..], &codes[at..]);
            if taken == 0 {
                self.add(prefix, codes[at]);
            }
            at += taken.max(1);
        }
    }

    /// Adds the first of `routes` as long as each begins right behind the one before and has the same code, and nothing
    /// else is open, and returns how many they are. They make no range: the one that is there goes on.
    fn add_on(&mut self, routes: &[(Prefix<A>, u32)], codes: &[u32]) -> usize {
        let ([(end, code)], Some(last)) = (&mut self.open[..], self.list.last()) else { return 0 };
        // Where prefixes lie apart the first one tells, and no sixteen are looked at in vain.
        let goes_on = |&(prefix, _): &(Prefix<A>, u32)| is_behind(*end, prefix.bits());
        if last.code != *code || codes.first() != Some(code) || !routes.first().is_some_and(goes_on) {
            return 0;
        }
        let mut taken = 0;
        // A processor sees sixteen at once, none of which ends the loop.
        for (routes, codes) in routes.as_chunks::<ALIKE>().0.iter().zip(codes.as_chunks::<ALIKE>().0) {
            let mut last = *end;
            let alike = routes.iter().zip(codes).filter(|&(&(prefix, _), of_prefix)| {
                let before = std::mem::replace(&mut last, prefix.last());
                is_behind(before, prefix.bits()) && of_prefix == code
            });
            if alike.count() < ALIKE {
                break;
            }
            *end = last;
            taken += ALIKE;
        }
        for (&(prefix, _), &of_prefix) in routes.iter().zip(codes).skip(taken) {
            if !is_behind(*end, prefix.bits()) || of_prefix != *code {
                break;
            }
            *end = prefix.last();
            taken += 1;
        }
        taken
    }

    /// Adds the first of `routes` as long as each begins behind the one before and nothing else is open, and returns how
    /// many they are. Every range is written and counted if it is one: no processor could foresee which are.
    fn add_apart(&mut self, routes: &[(Prefix<A>, u32)], codes: &[u32]) -> usize {
        /// Routes that are added together: more make more room in vain where prefixes are nested.
        const RUN: usize = 16;
        let ([(end, code)], Some(&Range { code: mut last, .. })) = (&mut self.open[..], self.list.last()) else {
            return 0;
        };
        if routes.first().is_none_or(|&(prefix, _)| prefix.bits() <= *end) {
            return 0;
        }
        let cover = self.cover;
        let mut found = [Range { start: A::ZERO, code: 0 }; 2 * RUN];
        let (mut used, mut taken) = (0, 0);
        for (&(prefix, _), &of_prefix) in routes.iter().zip(codes).take(RUN) {
            let start = prefix.bits();
            if start <= *end {
                break;
            }
            let next = end.next().unwrap_or(start);
            let gap = next != start;
            found[used % (2 * RUN)] = Range { start: next, code: cover };
            used += usize::from(gap && last != cover);
            last = if gap { cover } else { last };
            found[used % (2 * RUN)] = Range { start, code: of_prefix };
            used += usize::from(last != of_prefix);
            (last, *end, *code) = (of_prefix, prefix.last(), of_prefix);
            taken += 1;
        }
        self.list.extend_from_slice(&found[..used]);
        taken
    }

    /// Appends what was found of prefixes that are all greater than those before, by a pass over them alone that was not finished,
    /// and gives its codes the numbers that `codes` has at their place. What they are inside of is known here alone: where that
    /// pass saw nothing around them is what is open here.
    pub(super) fn append(&mut self, behind: &Self, codes: &mut [u32]) {
        let ([first, ranges @ ..], Some(&(around, _))) = (&behind.list[..], behind.open.first()) else { return };
        if first.code == behind.cover {
            // From the last prefix here to the first one there.
            self.end_before(ranges.first().map_or(A::ZERO, |range| range.start));
        } else {
            self.begin(first.start, codes[first.code as usize]);
        }
        let mut at = 0;
        while self.open.last().is_some_and(|&(end, _)| end < around)
            && let Some(&Range { start, code }) = ranges.get(at)
        {
            at += 1;
            if code != behind.cover {
                self.begin(start, codes[code as usize]);
                continue;
            }
            // What ended where a prefix there begins, or where this gap does, shows nowhere.
            while self.open.pop_if(|&mut (end, _)| end < start).is_some() {}
            self.resume(start);
            self.end_before(ranges.get(at).map_or(A::ZERO, |range| range.start));
        }
        while self.open.pop_if(|&mut (end, _)| end < around).is_some() {}
        let cover = self.around();
        codes[behind.cover as usize] = cover;
        let mut moved = ranges[at..].iter().map(|&Range { start, code }| Range { start, code: codes[code as usize] });
        if codes.iter().filter(|&&code| code == cover).count() > 1 {
            // A gap may have the code of its neighbour.
            moved.for_each(|Range { start, code }| self.begin(start, code));
        } else if let Some(Range { start, code }) = moved.next() {
            self.begin(start, code);
            self.list.extend(moved);
        }
        self.open.extend(behind.open.iter().map(|&(end, code)| (end, codes[code as usize])));
    }

    /// Ends what is open and ends before the address before `start`.
    fn end_before(&mut self, start: A) {
        while let Some(next) = self.open.last().and_then(|&(end, _)| end.next())
            && next < start
        {
            self.open.pop();
            self.resume(next);
        }
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
        self.begin(start, self.around());
    }

    /// Returns the code of the innermost open prefix.
    #[inline]
    fn around(&self) -> u32 {
        self.open.last().map_or(self.cover, |&(_, code)| code)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Adds routes one by one, and `width` at a time.
    fn together_as_one_after_the_other(routes: &[(Prefix<u32>, u32)], width: usize, cover: u32) {
        let codes: Vec<u32> = routes.iter().map(|route| route.1).collect();
        let (mut one, mut all) = (Ranges::new(), Ranges::new());
        one.clear(cover);
        all.clear(cover);
        for &(prefix, code) in routes {
            one.add(prefix, code);
        }
        routes.chunks(width).zip(codes.chunks(width)).for_each(|(routes, codes)| all.add_all(routes, codes));
        one.finish();
        all.finish();
        assert_eq!(one.list(), all.list());
    }

    proptest! {
        #[test]
        fn oracle_many_together_are_one_after_the_other(
            prefixes in prop::collection::btree_set((0_u32..400, 22_u8..=32), 0..120),
            (step, width, cover) in (0_u32..24, 1_usize..50, 0_u32..4),
        ) {
            let mut routes: Vec<(Prefix<u32>, u32)> = prefixes
                .into_iter()
                .map(|(at, len)| (Prefix::containing(u32::MAX - (at << step.min(22)), len), (at >> 2) % 4))
                .collect();
            routes.sort_unstable();
            routes.dedup_by_key(|route| route.0);
            together_as_one_after_the_other(&routes, width, cover);
        }
    }

    proptest! {
        #[test]
        fn oracle_neighbours_of_one_code_together_are_one_after_the_other(
            (start, breaks) in (0_u32..3, prop::collection::vec((1_u32..70, 0_u32..4), 0..6)),
            (around, width) in (any::<bool>(), 1_usize..130),
        ) {
            // From the first address on or up to the last: neighbours with a gap, another code or a prefix inside here and there.
            let mut routes: Vec<(Prefix<u32>, u32)> = around.then_some((Prefix::DEFAULT, 1)).into_iter().collect();
            let mut at = [0, 0x000a_0000, 0x00ff_ff20][start as usize];
            for (count, kind) in breaks {
                for _ in 0..count {
                    if at <= 0x00ff_ffff {
                        routes.push((Prefix::containing(at << 8, 24), 1));
                        at += 1;
                    }
                }
                let Some((last, _)) = routes.last_mut() else { continue };
                match kind {
                    0 => at += 1,
                    1 => routes.last_mut().expect("a route").1 = 2,
                    2 => {
                        let inside = Prefix::containing(last.last(), 30);
                        routes.push((inside, 1));
                    }
                    _ => {}
                }
            }
            together_as_one_after_the_other(&routes, width, 0);
        }
    }

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
