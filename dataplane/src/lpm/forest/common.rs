//! [`Common`]: what all chunks of a forest have in common, found before any is made.

use rayon::prelude::*;
use vrfleak_engine::Address;

use super::super::table::{NO_ROUTE, TableId};
use super::super::tables::Tables;
use super::build::{Nodes, Plan};
use super::dictionary::{Answer, BYTE_ANSWERS, LocalCodes, answer, width_for};
use super::halves::most_codes;
use super::ranges::Ranges;
use super::shape::{Shape, is_small};

/// Routes that are looked at for the answers of all tables.
const SEED_ROUTES: usize = 1 << 12;
/// Tables that are looked at, if they have less than so many routes, to tell whether halves suit small ones.
const SUIT_TABLES: usize = 32;
const SUIT_ROUTES: usize = 1 << 11;

/// What all chunks are made alike by.
#[derive(Debug, Default)]
pub(super) struct Common {
    /// The answers that the first dictionary of each begins with, or all answers of small tables if they are more than codes of one byte.
    pub(super) seed: Vec<Answer>,
    /// Whether small tables may be short.
    pub(super) short: bool,
}

impl Common {
    /// Finds it by looking at some tables, and at all where some have many answers.
    pub(super) fn of<A: Address>(input: &(impl Tables<A> + ?Sized), plan: Plan, chunks: usize) -> Self {
        if plan.nodes == Nodes::Changing {
            return Self::default();
        }
        let first = seed(input, plan.keep_lens);
        let short = plan.nodes != Nodes::Lined && most_suit(input, first.len() as u32 + 1);
        if first.len() >= BYTE_ANSWERS
            && let Some(seed) = answers_of_small(input, plan.keep_lens)
        {
            return Self { seed, short };
        }
        let is_seeded = plan.nodes != Nodes::Lined && chunks > 1;
        Self { seed: if is_seeded { first.into_iter().take(BYTE_ANSWERS - 1).collect() } else { Vec::new() }, short }
    }
}

/// Returns the first answers of the first tables: where all tables have the same few next hops they get one dictionary.
fn seed<A: Address>(input: &(impl Tables<A> + ?Sized), keep_lens: bool) -> Vec<Answer> {
    let mut locals = LocalCodes::new();
    let mut left = SEED_ROUTES;
    for table in (0..input.tables()).map(TableId::from_index) {
        for (prefix, value) in input.routes(table).take(left) {
            left -= 1;
            if value != NO_ROUTE {
                locals.code(answer(value, if keep_lens { prefix.len() } else { 0 }));
            }
        }
        if left == 0 || locals.answers().len() >= BYTE_ANSWERS {
            break;
        }
    }
    locals.answers().to_vec()
}

/// Returns all answers of small tables, ascending; `None` if they are more than entries of two bytes have codes for.
pub(super) fn answers_of_small<A: Address>(input: &(impl Tables<A> + ?Sized), keep_lens: bool) -> Option<Vec<Answer>> {
    const MOST: usize = most_codes(2) as usize - 1;
    let of_one = |mut locals: LocalCodes, table: usize| {
        let table = TableId::from_index(table);
        // What has more is given the common dictionary only if that happens to have all that it needs.
        if is_small(input.routes_hint(table)) {
            for (prefix, value) in input.routes(table).filter(|&(_, value)| value != NO_ROUTE) {
                locals.code(answer(value, if keep_lens { prefix.len() } else { 0 }));
                if locals.answers().len() > MOST {
                    return Err(());
                }
            }
        }
        Ok(locals)
    };
    let found = (0..input.tables()).into_par_iter().with_min_len(64);
    let found = found.try_fold(LocalCodes::new, of_one).map(|locals| locals.map(|locals| locals.answers().to_vec()));
    let answers = found.try_reduce(Vec::new, |mut all, more| {
        all.extend(more);
        all.sort_unstable();
        all.dedup();
        if all.len() > MOST { Err(()) } else { Ok(all) }
    });
    answers.ok()
}

/// Returns whether halves suit nearly all small tables with a dictionary of so many codes, judged by some: batches over tables of many kinds are sorted by kind
/// first, which costs more than a kind is better than another.
fn most_suit<A: Address>(input: &(impl Tables<A> + ?Sized), codes: u32) -> bool {
    let routes = |table: &TableId| input.routes_hint(*table);
    let step = (input.tables() / SUIT_TABLES).max(1);
    let some = (0..input.tables()).step_by(step).map(TableId::from_index);
    let (mut ranges, mut looked_at, mut suiting) = (Ranges::new(), 0, 0);
    for table in some.filter(|table| (1..SUIT_ROUTES).contains(&routes(table))) {
        let routes: Vec<_> = input.routes(table).take(SUIT_ROUTES).collect();
        if !routes.is_sorted_by(|(a, _), (b, _)| a < b) {
            continue;
        }
        ranges.clear(LocalCodes::MISS);
        for &(prefix, value) in &routes {
            ranges.add(prefix, value.max(1));
        }
        ranges.finish();
        looked_at += 1;
        suiting += usize::from(Shape::gathered(ranges.list(), width_for(codes as usize), codes).is_some());
    }
    suiting * 8 >= looked_at * 7
}
