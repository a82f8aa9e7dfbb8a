//! [`Span`]: a range of prefixes; spans share one big class out to all threads.

use crate::address::Address;
use crate::class::ClassView;
use crate::id::{RouteId, TargetSetId};
use crate::import::Import;
use crate::lists::Packing;

/// Prefixes that follow each other, as a range of words; no prefix lies in two spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    /// `None` for no end.
    end: Option<u32>,
}

impl Span {
    /// All prefixes.
    pub(crate) const ALL: Self = Self { start: 0, end: None };

    /// Returns those of an ascending list of words that lie within. O(log words).
    pub(crate) fn of<'a>(&self, list: &'a [u32]) -> &'a [u32] {
        if *self == Self::ALL {
            return list;
        }
        let start = list.partition_point(|&word| word < self.start);
        let end = self.end.map_or(list.len(), |end| list.partition_point(|&word| word < end));
        &list[start..end]
    }

    /// Returns what a class has within. O(log words).
    pub(crate) fn of_class<'a>(&self, class: ClassView<'a>) -> ClassView<'a> {
        ClassView { best: self.of(class.best), others: self.of(class.others), ..class }
    }

    /// Returns how many of an ascending list of words lie before the span. O(log words).
    pub(crate) fn before(&self, list: &[u32]) -> usize {
        list.partition_point(|&word| word < self.start)
    }

    /// Returns those of a list that ascends by `route` whose route lies within. O(log items).
    pub(crate) fn of_routes<'a, T>(&self, packing: Packing, list: &'a [T], route: impl Fn(&T) -> RouteId) -> &'a [T] {
        // Spans begin and end with the first route to a prefix, whose position is 0.
        let start = list.partition_point(|item| packing.least(route(item)) < self.start);
        let end = self.end.map_or(list.len(), |end| list.partition_point(|item| packing.least(route(item)) < end));
        &list[start..end]
    }

    /// Returns whether a word lies within.
    pub(crate) fn holds(&self, word: u32) -> bool {
        word >= self.start && self.end.is_none_or(|end| word < end)
    }

    /// Cuts all prefixes into about `parts` spans with about as many words each of the buckets `sets` and of `own`.
    ///
    /// O(parts · log parts + sets).
    pub(crate) fn cut<A: Address>(
        import: &Import<'_, A>,
        sets: &[TargetSetId],
        own: &[u32],
        parts: usize,
    ) -> Vec<Self> {
        /// Samples for each part: what makes parts unequal is about one sample.
        const SAMPLES: usize = 16;
        let buckets = import.buckets;
        let lists = || sets.iter().flat_map(|&set| [buckets.best_of(set), buckets.others_of(set)]).chain([own]);
        let words: usize = lists().map(<[u32]>::len).sum();
        let step = (words / (parts * SAMPLES)).max(1);
        let mut samples = Vec::new();
        let mut next = step;
        for list in lists() {
            while let Some(&word) = list.get(next) {
                samples.push(word);
                next += step;
            }
            next -= list.len();
        }
        samples.sort_unstable();
        let first_of = |word: u32| import.packing.least(import.packing.first(import.table, word));
        let mut starts: Vec<u32> = (1..parts)
            .filter_map(|part| samples.get(part * samples.len() / parts))
            .map(|&word| first_of(word))
            .collect();
        starts.insert(0, 0);
        starts.dedup();
        let ends = starts.iter().skip(1).copied().map(Some).chain([None]);
        starts.iter().zip(ends).map(|(&start, end)| Self { start, end }).collect()
    }
}
