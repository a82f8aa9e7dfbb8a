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
    /// Whether no route has that position or more.
    exact: bool,
}

impl Packing {
    /// Returns the packing with the most spare bits for the ids of `table`.
    pub(crate) fn new<A: Address>(table: &RouteTable<A>) -> Self {
        let largest = u32::try_from(table.len().saturating_sub(1)).expect("ids are u32");
        let shift = largest.leading_zeros().min(8);
        debug_assert!(shift > 0, "a network has less than 2^31 routes a family");
        let full = (1 << shift) - 1;
        Self { shift, full, exact: u32::from(table.deepest) < full }
    }

    /// Returns whether every word tells the position of its route exactly, so that [`Self::first_exact`] holds.
    #[inline]
    pub(crate) fn is_exact(self) -> bool {
        self.exact
    }

    /// Returns the first route of the prefix that the word's route leads to, without a look at the table; right only
    /// where [`Self::is_exact`].
    #[inline]
    pub(crate) fn first_exact(self, word: u32) -> RouteId {
        RouteId((word >> self.shift) - (word & self.full))
    }

    /// Returns the first route of the prefix that the word's route leads to, where the word alone tells.
    #[inline]
    pub(crate) fn first_told(self, word: u32) -> Option<RouteId> {
        (self.exact || word & self.full < self.full).then(|| self.first_exact(word))
    }

    #[inline]
    pub(crate) fn word<A: Address>(self, table: &RouteTable<A>, id: RouteId) -> u32 {
        id.0 << self.shift | u32::from(table.position[id.index()]).min(self.full)
    }

    /// Returns the word of a route that is the first of its prefix: the least of all that lead there.
    #[inline]
    pub(crate) fn least(self, first: RouteId) -> u32 {
        first.0 << self.shift
    }

    #[inline]
    pub(crate) fn id(self, word: u32) -> RouteId {
        RouteId(word >> self.shift)
    }

    /// Returns the first route of the prefix that the word's route leads to.
    #[inline]
    pub(crate) fn first<A: Address>(self, table: &RouteTable<A>, word: u32) -> RouteId {
        self.first_told(word).unwrap_or_else(|| table.first_of_prefix(self.id(word)))
    }
}

/// Words that are compared with their neighbours together: most are alone at their prefix, many in a row, and what does
/// not stop at each a processor does for many at a time.
const TOGETHER: usize = 64;

impl Packing {
    /// Returns up to how many of ascending `words`, at the front, each leads to another prefix than all others of them.
    pub(crate) fn alone<A: Address>(self, table: &RouteTable<A>, words: &[u32]) -> usize {
        let mut alone = 0;
        if self.exact {
            while let Some(next) = words[alone..].first_chunk::<{ TOGETHER + 1 }>() {
                let meet = |at: usize| u32::from(self.first_exact(next[at]) == self.first_exact(next[at + 1]));
                if (0..TOGETHER).map(meet).sum::<u32>() > 0 {
                    break;
                }
                alone += TOGETHER;
            }
        }
        let rest = &words[alone..];
        let apart = |pair: &&[u32]| self.first(table, pair[0]) != self.first(table, pair[1]);
        let apart = rest.windows(2).take_while(apart).count();
        alone + if apart + 1 == rest.len() { rest.len() } else { apart }
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
    /// With `apart` there are two lists a key: the first route to each prefix at twice the number, the further ones
    /// behind it.
    ///
    /// O(routes + keys · tasks), in the current rayon pool.
    pub(crate) fn deal<A: Address>(
        table: &RouteTable<A>,
        keys: usize,
        apart: bool,
        key: impl Fn(RouteId) -> Option<usize> + Sync,
    ) -> Self {
        let packing = Packing::new(table);
        let cuts = cuts(table, rayon::current_num_threads() * 2);
        let lists = if apart { keys * 2 } else { keys };
        let deal = Deal { table, packing, keys: apart.then_some(keys), key };
        let mut counts: Vec<Vec<u32>> = cuts
            .par_windows(2)
            .map(|cut| {
                let mut counts = vec![0; lists];
                deal.each(cut[0]..cut[1], |list, _| counts[list] += 1);
                counts
            })
            .collect();
        let mut starts = Vec::with_capacity(lists + 1);
        let mut start = 0;
        for list in 0..lists {
            starts.push(start as usize);
            for counts in &mut counts {
                let count = std::mem::replace(&mut counts[list], start);
                start += count;
            }
        }
        starts.push(start as usize);
        // Relaxed stores are plain stores: every slot is written by one task, at the place that its counts reserved.
        // Made on all threads: on one, the first touch of their pages took a third of the time of it all.
        let words: Vec<AtomicU32> =
            (0..start).into_par_iter().with_min_len(1 << 14).map(|_| AtomicU32::new(0)).collect();
        cuts.par_windows(2).zip(counts).for_each(|(cut, mut place)| {
            deal.each(cut[0]..cut[1], |list, word| {
                words[place[list] as usize].store(word, Ordering::Relaxed);
                place[list] += 1;
            });
        });
        Self { starts, words: words.into_iter().map(AtomicU32::into_inner).collect() }
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

/// Which list each route goes to, and as which word.
struct Deal<'a, A, K> {
    table: &'a RouteTable<A>,
    packing: Packing,
    /// How many keys there are, if first and further routes to a prefix are told apart.
    keys: Option<usize>,
    key: K,
}

impl<A: Address, K: Fn(RouteId) -> Option<usize>> Deal<'_, A, K> {
    /// Gives `put` the list and the word of each route in `range` that has a key. A call that is not known where this is compiled
    /// takes a third of the time of it all.
    #[inline]
    fn each(&self, range: std::ops::Range<usize>, mut put: impl FnMut(usize, u32)) {
        let Self { table, packing, keys, ref key } = *self;
        // The last prefix that a key has seen; a cut never falls into a prefix, so tasks need not know each other's.
        let mut last = vec![u32::MAX; keys.unwrap_or(0)];
        for id in range.map(RouteId::from_index) {
            let Some(key) = key(id) else { continue };
            let word = packing.word(table, id);
            if keys.is_some() {
                let first = packing.first(table, word).0;
                let again = std::mem::replace(&mut last[key], first) == first;
                put(key * 2 + usize::from(again), word);
            } else {
                put(key, word);
            }
        }
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
