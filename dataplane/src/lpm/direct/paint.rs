//! Painting: from sorted routes to the codes of a run of /24s.
//!
//! Routes in ascending order have each prefix before those inside it, so that writing every route's code over all of
//! its /24s, one route after the other, leaves the longest match everywhere: no stack, no trie. A prefix longer than 24
//! bits makes its /24 deep: a group that begins as 256 times the code that was there.

use vrfleak_engine::Prefix;

use super::super::raw::{Code, DEEP, GROUP};

/// A route of a table with its code in place of its value.
pub(super) type Coded = (Prefix<u32>, u32);

/// The deep /24s of a run, ascending, each with a group.
#[derive(Debug, Default)]
pub(super) struct Groups<C> {
    /// The /24s.
    pub(super) slots: Vec<u32>,
    /// [`GROUP`] codes each.
    pub(super) codes: Vec<C>,
}

impl<C: Code> Groups<C> {
    /// Returns the group of `slot`, which is the last one or gets a new one of the code `cover`.
    fn last_of(&mut self, slot: u32, cover: C) -> &mut [C] {
        if self.slots.last() != Some(&slot) {
            self.slots.push(slot);
            self.codes.resize(self.codes.len() + GROUP, cover);
        }
        let start = self.codes.len() - GROUP;
        &mut self.codes[start..]
    }
}

/// Returns the code of the longest of the sorted `routes` that contains all /24s of `slot` and its neighbours up to a
/// multiple of `1 << bits`, and begins before `slot`; and the position of the first route that begins at `slot` or
/// behind. O(log routes) time.
pub(super) fn entry(routes: &[Coded], slot: u32) -> (Option<u32>, usize) {
    let start = slot << 8;
    let from = routes.partition_point(|(prefix, _)| prefix.bits() < start);
    let around = (1..=24).rev().map(|len| Prefix::containing(start, len)).filter(|prefix| prefix.bits() < start);
    for wanted in around {
        if let Ok(found) = routes[..from].binary_search_by_key(&wanted, |&(prefix, _)| prefix) {
            return (Some(routes[found].1), from);
        }
    }
    (None, from)
}

/// Paints `codes`, the /24s from `first` on, which are all [`super::super::raw::OUTSIDE`] so far, with the sorted
/// `routes`. Appends the groups of deep /24s. O(codes under routes, each as often as it is nested).
pub(super) fn paint<C: Code>(codes: &mut [C], first: u32, routes: &[Coded], groups: &mut Groups<C>) {
    let (cover, from) = entry(routes, first);
    if let Some(cover) = cover {
        codes.fill(C::from_index(cover as usize));
    }
    for &(prefix, code) in &routes[from..] {
        let start = (prefix.bits() >> 8).wrapping_sub(first) as usize;
        if start >= codes.len() {
            return;
        }
        let code = C::from_index(code as usize);
        if prefix.len() == 24 {
            codes[start] = code;
            continue;
        }
        if prefix.len() < 24 {
            let end = ((prefix.last() >> 8) - first) as usize + 1;
            let end = end.min(codes.len());
            codes[start..end].fill(code);
            continue;
        }
        let group = groups.last_of(prefix.bits() >> 8, codes[start]);
        codes[start] = C::from_index(DEEP);
        group[(prefix.bits() & 255) as usize..=(prefix.last() & 255) as usize].fill(code);
    }
}
