//! [`Lists`]: routes dealt out into ascending lists, and the words that merges compare.

use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

use crate::address::Address;
use crate::id::RouteId;
use crate::route_table::RouteTable;

/// How a route id and its position within its prefix share one `u32`.
///
/// The id is in the upper bits, so words sort as ids do. The spare bits below it, eight at most, hold the position, with
/// their largest value for "that or more". So a merge sees whether two routes have the same prefix without a look at the
/// columns: where id less position is equal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packing {
    shift: u32,
    /// The position that says "that or more".
    full: u32,
}

impl Packing {
    /// Returns the packing with the most spare bits for ids below `routes`.
    pub(crate) fn new(routes: usize) -> Self {
        let largest = u32::try_from(routes.saturating_sub(1)).expect("ids are u32");
        let shift = largest.leading_zeros().min(8);
        debug_assert!(shift > 0, "a network has less than 2^31 routes a family");
        Self { shift, full: (1 << shift) - 1 }
    }

    #[inline]
    pub(crate) fn word<A: Address>(self, table: &RouteTable<A>, id: RouteId) -> u32 {
        id.0 << self.shift | u32::from(table.position[id.index()]).min(self.full)
    }

    #[inline]
    pub(crate) fn id(self, word: u32) -> RouteId {
        RouteId(word >> self.shift)
    }

    /// Returns the first route of the prefix that the word's route leads to.
    #[inline]
    pub(crate) fn first<A: Address>(self, table: &RouteTable<A>, word: u32) -> RouteId {
        let position = word & self.full;
        if position < self.full {
            RouteId((word >> self.shift) - position)
        } else {
            table.first_of_prefix(self.id(word))
        }
    }
}

/// Ascending lists of words in one array, one list a key.
#[derive(Clone, Debug)]
pub(crate) struct Lists {
    /// Where each list begins; one more at the end.
    starts: Vec<usize>,
    words: Vec<u32>,
}

impl Lists {
    /// Deals every route that `key` gives a number below `keys` into the list of that number, in the order of their ids.
    /// With `once_per_prefix` a list keeps only its first route to each prefix; the second result counts all, by key.
    ///
    /// O(routes + keys · tasks), in the current rayon pool.
    pub(crate) fn deal<A: Address>(
        table: &RouteTable<A>,
        keys: usize,
        once_per_prefix: bool,
        key: impl Fn(RouteId) -> Option<usize> + Sync,
    ) -> (Self, Vec<u32>) {
        let packing = Packing::new(table.len());
        let cuts = cuts(table, rayon::current_num_threads() * 2);
        // The last prefix that a list has seen; a cut never falls into a prefix, so tasks need not know each other's.
        let deal = |range: std::ops::Range<usize>, put: &mut dyn FnMut(usize, u32, bool)| {
            let mut last = vec![u32::MAX; if once_per_prefix { keys } else { 0 }];
            for id in range.map(RouteId::from_index) {
                let Some(key) = key(id) else { continue };
                let word = packing.word(table, id);
                let mut keep = true;
                if once_per_prefix {
                    let first = packing.first(table, word).0;
                    keep = std::mem::replace(&mut last[key], first) != first;
                }
                put(key, word, keep);
            }
        };
        let mut counts: Vec<(Vec<u32>, Vec<u32>)> = cuts
            .par_windows(2)
            .map(|cut| {
                let (mut kept, mut all) = (vec![0; keys], vec![0; keys]);
                deal(cut[0]..cut[1], &mut |key, _, keep| {
                    all[key] += 1;
                    kept[key] += u32::from(keep);
                });
                (kept, all)
            })
            .collect();
        let mut starts = Vec::with_capacity(keys + 1);
        let mut totals = vec![0; keys];
        let mut start = 0;
        for key in 0..keys {
            starts.push(start as usize);
            for (kept, all) in &mut counts {
                totals[key] += all[key];
                let count = std::mem::replace(&mut kept[key], start);
                start += count;
            }
        }
        starts.push(start as usize);
        // Relaxed stores are plain stores: every slot is written by one task, at the place that its counts reserved.
        let words: Vec<AtomicU32> = (0..start).map(|_| AtomicU32::new(0)).collect();
        cuts.par_windows(2).zip(counts).for_each(|(cut, (mut place, _))| {
            deal(cut[0]..cut[1], &mut |key, word, keep| {
                if keep {
                    words[place[key] as usize].store(word, Ordering::Relaxed);
                    place[key] += 1;
                }
            });
        });
        (Self { starts, words: words.into_iter().map(AtomicU32::into_inner).collect() }, totals)
    }

    /// Returns the list of a key.
    #[inline]
    pub(crate) fn of(&self, key: usize) -> &[u32] {
        &self.words[self.starts[key]..self.starts[key + 1]]
    }

    /// Returns the bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.starts.capacity() * size_of::<usize>() + self.words.capacity() * 4
    }
}

/// Returns places that cut the routes into about `parts` equal parts, none within a prefix.
fn cuts<A: Address>(table: &RouteTable<A>, parts: usize) -> Vec<usize> {
    let routes = table.len();
    let mut cuts: Vec<usize> = (0..parts)
        .map(|part| routes * part / parts)
        .map(|at| if at == 0 { 0 } else { table.first_of_prefix(RouteId::from_index(at)).index() })
        .collect();
    cuts.push(routes);
    cuts.dedup();
    cuts
}
