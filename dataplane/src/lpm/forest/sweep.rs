//! [`Sweep`]: from the routes of one table to its ranges and answers, on one thread or on all.
//!
//! A huge table is cut by the positions of its routes, wherever that is, and each part is gone through as if it were a table:
//! it numbers its answers by itself and takes what no prefix of its own contains for nothing. The first part is then the table
//! so far, and the others are appended one after the other: what was open at the end of those before is what a part behind lies
//! in. All that this tells is what one pass tells, number for number.

use std::ops::{ControlFlow, Range as Span};

use rayon::prelude::*;
use vrfleak_engine::{Address, Prefix};

use super::super::table::TableId;
use super::super::tables::{BuildError, Order, Tables};
use super::dictionary::{LocalCodes, answer};
use super::ranges::Ranges;

/// Parts that a table is gone through in, whatever the number of threads: a few for each, since neither threads nor parts are
/// equally fast.
const PARTS: usize = 16;

/// What going through routes finds. Its memory is for many tables, one after the other.
#[derive(Debug)]
pub(super) struct Sweep<A> {
    /// Ranges whose codes are the numbers of answers.
    pub(super) ranges: Ranges<A>,
    /// The answers.
    pub(super) locals: LocalCodes,
    /// Of a batch of routes, or of the answers of a part.
    numbers: Vec<u32>,
}

impl<A: Address> Sweep<A> {
    /// Returns scratch that has found nothing.
    pub(super) fn new() -> Self {
        Self { ranges: Ranges::new(), locals: LocalCodes::new(), numbers: Vec::new() }
    }

    /// Goes through the routes of `table`.
    ///
    /// # Errors
    /// Returns the first breach of the promise of [`Tables::routes`].
    pub(super) fn table(
        &mut self,
        input: &(impl Tables<A> + ?Sized),
        table: TableId,
        keep_lens: bool,
    ) -> Result<(), BuildError> {
        self.clear();
        let (mut order, mut checked) = (Order::new(table), Ok(()));
        input.batches(table, |routes| {
            checked = self.batch(&mut order, routes, keep_lens);
            if checked.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        self.ranges.finish();
        checked
    }

    /// Goes through the routes of `table`, of which the input has `positions`, on all threads of the current pool; `others` is
    /// memory.
    ///
    /// # Errors
    /// Returns the first breach of the promise of [`Tables::routes`].
    pub(super) fn table_in_parts(
        &mut self,
        others: &mut Vec<Self>,
        input: &(impl Tables<A> + ?Sized),
        (table, positions): (TableId, usize),
        keep_lens: bool,
    ) -> Result<(), BuildError> {
        others.resize_with(PARTS - 1, Self::new);
        let start = |part: usize| (positions as u128 * part as u128 / PARTS as u128) as usize;
        let parts: Vec<&mut Self> = std::iter::once(&mut *self).chain(others.iter_mut()).collect();
        let checked: Vec<_> = parts
            .into_par_iter()
            .enumerate()
            .with_max_len(1)
            .map(|(part, sweep)| sweep.part(input, (table, start(part)..start(part + 1)), keep_lens))
            .collect();
        // The first breach of all is that of the first part that has one.
        checked.into_iter().collect::<Result<(), _>>()?;
        for part in others {
            self.append(part);
        }
        self.ranges.finish();
        Ok(())
    }

    /// Goes through some routes of a table and leaves open what is open at their end.
    fn part(
        &mut self,
        input: &(impl Tables<A> + ?Sized),
        (table, positions): (TableId, Span<usize>),
        keep_lens: bool,
    ) -> Result<(), BuildError> {
        self.clear();
        let mut before = None;
        input.batches_at(table, positions.start.saturating_sub(1)..positions.start, |routes| {
            before = routes.last().map(|&(prefix, _)| prefix);
            ControlFlow::Continue(())
        });
        let (mut order, mut checked) = (Order::after(table, before), Ok(()));
        input.batches_at(table, positions, |routes| {
            checked = self.batch(&mut order, routes, keep_lens);
            if checked.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        checked
    }

    fn clear(&mut self) {
        self.locals.clear();
        self.ranges.clear(LocalCodes::MISS);
    }

    /// Adds the next routes.
    #[inline]
    fn batch(&mut self, order: &mut Order<A>, routes: &[(Prefix<A>, u32)], keep_lens: bool) -> Result<(), BuildError> {
        order.check(routes)?;
        let len = |prefix: Prefix<A>| if keep_lens { prefix.len() } else { 0 };
        let answer_at = |at: usize| answer(routes[at].1, len(routes[at].0));
        self.locals.codes(routes.len(), answer_at, &mut self.numbers);
        self.ranges.add_all(routes, &self.numbers);
        Ok(())
    }

    /// Appends a part that was gone through by itself, whose routes are the next ones.
    fn append(&mut self, part: &Self) {
        self.numbers.clear();
        // No number is below that of the miss.
        self.numbers.resize(LocalCodes::MISS as usize, u32::MAX);
        self.numbers.push(LocalCodes::MISS);
        // In the order in which they come there, so that those that are new here get the numbers of one pass.
        self.numbers.extend(part.locals.answers().iter().map(|&answer| self.locals.code(answer)));
        self.ranges.append(&part.ranges, &mut self.numbers);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::table::NO_ROUTE;
    use super::*;

    type Routes<A> = Vec<(Prefix<A>, u32)>;

    /// Compares what is found, or the breach that is told, in one pass and in parts.
    fn parts_are_one_pass<A: Address>(routes: Routes<A>) {
        let tables = [Vec::new(), routes];
        let (table, routes) = (TableId(1), &tables[1]);
        let (mut one, mut parts, mut others) = (Sweep::new(), Sweep::new(), Vec::new());
        for keep_lens in [true, false] {
            let expected = one.table(&tables[..], table, keep_lens);
            let found = parts.table_in_parts(&mut others, &tables[..], (table, routes.len()), keep_lens);
            assert_eq!(found, expected, "{routes:?}");
            if expected.is_ok() {
                assert_eq!(parts.ranges.list(), one.ranges.list(), "{routes:?}");
                assert_eq!(parts.locals.answers(), one.locals.answers(), "{routes:?}");
            }
        }
    }

    /// Returns sorted routes: `drawn` are addresses, in units that leave `spread` bits below, lengths short of the longest, and
    /// values.
    fn sorted<A: Address>(drawn: Vec<(u16, u8, u32)>, spread: u8, from_the_end: bool) -> Routes<A> {
        let route = |(at, short, value): (u16, u8, u32)| {
            let low = u128::from(at) << spread;
            let bits = if from_the_end { A::MAX.widen() - low } else { low };
            (Prefix::containing(A::narrow(bits), A::BITS.saturating_sub(short)), value)
        };
        let mut routes: Routes<A> = drawn.into_iter().map(route).collect();
        routes.sort_by_key(|route| route.0);
        routes.dedup_by_key(|route| route.0);
        routes
    }

    /// Addresses that are near each other, lengths that nest many deep, few values: seams lie in prefixes and between equals.
    fn drawn() -> impl Strategy<Value = (Vec<(u16, u8, u32)>, u8, bool)> {
        let short = prop_oneof![4 => 0_u8..4, 3 => 4_u8..12, 1 => Just(u8::MAX)];
        (prop::collection::vec((0_u16..600, short, 0_u32..4), 0..150), 0_u8..16, any::<bool>())
    }

    proptest! {
        #[test]
        fn oracle_parts_are_one_pass((drawn, spread, from_the_end) in drawn()) {
            parts_are_one_pass::<u32>(sorted(drawn.clone(), spread, from_the_end));
            parts_are_one_pass::<u128>(sorted(drawn, spread + 60, from_the_end));
        }
    }

    proptest! {
        #[test]
        fn oracle_the_first_breach_of_parts_is_that_of_one_pass(
            (drawn, spread, from_the_end) in drawn(),
            breaches in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..3), 1..4),
        ) {
            let mut routes = sorted::<u32>(drawn, spread, from_the_end);
            for (at, kind) in breaches.into_iter().take(routes.len()) {
                let at = at.index(routes.len());
                match kind {
                    0 => routes[at].1 = NO_ROUTE,
                    1 => routes.insert(at, routes[at]),
                    _ => routes.swap(at, at / 2),
                }
            }
            parts_are_one_pass(routes);
        }
    }

    #[test]
    fn oracle_seams_in_nested_prefixes_and_at_both_ends() {
        let parsed = |texts: &[(&str, u32)]| -> Routes<u32> {
            texts.iter().map(|&(text, value)| (text.parse().expect("a prefix"), value)).collect()
        };
        // One route a part.
        parts_are_one_pass::<u32>(Vec::new());
        parts_are_one_pass(parsed(&[("0.0.0.0/0", 1)]));
        parts_are_one_pass(parsed(&[("0.0.0.0/0", 1), ("0.0.0.0/1", 2), ("0.0.0.0/2", 1), ("255.255.255.255/32", 1)]));
        parts_are_one_pass(parsed(&[("10.0.0.0/8", 1), ("10.0.0.0/9", 2), ("10.0.0.0/10", 1), ("10.64.0.0/10", 1)]));
        // All end at once, at a gap, where the next begins, and one address before it.
        for next in ["11.0.0.0/8", "12.0.0.0/8", "11.0.0.1/32", "11.0.0.2/32"] {
            for value in 1..4 {
                parts_are_one_pass(parsed(&[
                    ("10.0.0.0/8", 1),
                    ("10.128.0.0/9", 2),
                    ("10.255.255.255/32", 3),
                    (next, value),
                ]));
            }
        }
        // What is around all has the value of what is inside, or not.
        for value in 1..3 {
            let inside = (0..64_u32).map(|at| (Prefix::containing(at << 20, 16), 1 + at / 3 % 2));
            parts_are_one_pass(std::iter::once((Prefix::<u32>::containing(0, 5), value)).chain(inside).collect());
        }
    }
}
