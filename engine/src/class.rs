//! [`Class`]: VRFs that import the same buckets, and so mostly the same routes.

use rayon::prelude::*;

use crate::address::Address;
use crate::id::{RouteId, RouterId, TargetSetId, VrfId};
use crate::import::Import;
use crate::lists::Packing;
use crate::route_table::RouteTable;
use crate::select::{self, RouteKey, Viewpoint};
use crate::span::Span;
use crate::union::Union;

/// VRFs that import the same buckets.
#[derive(Debug)]
pub(crate) struct Class {
    /// The buckets, ascending.
    pub(crate) sets: Vec<TargetSetId>,
    /// The VRFs, ascending.
    pub(crate) members: Vec<VrfId>,
    /// How many routes the buckets hold, and the VRF of its own where it is alone: what there is to do.
    pub(crate) routes: usize,
}

/// What a class makes of its buckets, before a look at any one member.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClassView<'a> {
    pub(crate) sets: &'a [TargetSetId],
    /// The word of the best route to each prefix, ascending.
    pub(crate) best: &'a [u32],
    /// The words of all other routes, with those to one prefix together and prefixes ascending.
    pub(crate) others: &'a [u32],
}

/// Groups the VRFs of a network into classes, or each into one of its own, biggest first.
pub(crate) fn classes<A: Address>(import: &Import<'_, A>, sharing: bool) -> Vec<Class> {
    let network = import.network;
    let sets: Vec<Vec<TargetSetId>> =
        (0..network.vrfs().len()).into_par_iter().map(|vrf| import.imported_sets(VrfId::from_index(vrf))).collect();
    let mut order: Vec<VrfId> = network.vrf_ids().collect();
    order.par_sort_unstable_by_key(|vrf| (&sets[vrf.index()], *vrf));
    let alike = |&a: &VrfId, &b: &VrfId| sharing && sets[a.index()] == sets[b.index()];
    let class = |members: &[VrfId]| {
        let sets = sets[members[0].index()].clone();
        let imported: usize = sets.iter().map(|&set| import.buckets.size(set)).sum();
        let own = if let [vrf] = *members { import.buckets.own(vrf).len() } else { 0 };
        Class { sets, members: members.to_vec(), routes: imported + own }
    };
    let mut classes: Vec<Class> = order.chunk_by(alike).map(class).collect();
    classes.sort_unstable_by_key(|class| (std::cmp::Reverse(class.routes), class.members[0]));
    classes
}

/// What one thread reuses from class to class.
#[derive(Debug, Default)]
pub(crate) struct Chooser {
    merge: Union,
    split: Split,
    all: Union,
    others: Vec<u32>,
    keys: Vec<RouteKey>,
}

impl Chooser {
    /// Chooses the best route to each prefix of the buckets within a span as a VRF sees them that has none of its own and of whose
    /// router none is.
    ///
    /// O(routes · log buckets).
    pub(crate) fn choose<'a, A: Address>(
        &'a mut self,
        import: &Import<'a, A>,
        sets: &'a [TargetSetId],
        span: Span,
    ) -> ClassView<'a> {
        self.choose_among(import, sets, &[], span)
    }

    /// Chooses the best by rank of the buckets and of a VRF's `own` words together, of which no bucket has any.
    ///
    /// O(routes · log buckets).
    pub(crate) fn choose_among<'a, A: Address>(
        &'a mut self,
        import: &Import<'a, A>,
        sets: &'a [TargetSetId],
        own: &'a [u32],
        span: Span,
    ) -> ClassView<'a> {
        let (table, packing) = (import.table, import.packing);
        let filled = |list: &&[u32]| !list.is_empty();
        let of_buckets = sets.iter().map(|&set| import.buckets.best_of(set));
        let best: Vec<&[u32]> = of_buckets.chain([own]).map(|list| span.of(list)).filter(filled).collect();
        let mut others: Vec<&[u32]> =
            sets.iter().map(|&set| span.of(import.buckets.others_of(set))).filter(filled).collect();
        // A VRF may have several own routes to a prefix, and a bucket's best is one.
        let may_stay = own.is_empty() && (!import.rank_may_err || others.is_empty());
        if let [list] = *best.as_slice()
            && may_stay
        {
            self.others.clear();
            self.others.extend_from_slice(self.all.of(table, packing, &others));
            return ClassView { sets, best: list, others: &self.others };
        }
        self.split.split(table, packing, self.merge.of(table, packing, &best));
        others.extend(Some(self.split.others()).filter(filled));
        self.others.clear();
        self.others.extend_from_slice(self.all.of(table, packing, &others));
        if import.rank_may_err {
            self.choose_again(import);
        }
        ClassView { sets, best: self.split.best(), others: &self.others }
    }

    /// Chooses again where no rank expresses the choice: where MEDs are compared between some routes and not between
    /// others, and where an export map set a next hop.
    fn choose_again<A: Address>(&mut self, import: &Import<'_, A>) {
        let (table, packing, paths) = (import.table, import.packing, import.paths);
        let best = self.split.best_mut();
        let mut at = 0;
        for group in self.others.chunk_by_mut(|&a, &b| packing.first(table, a) == packing.first(table, b)) {
            let first = packing.first(table, group[0]);
            at += gallop(&best[at..], |word| packing.first(table, word) < first);
            let attributes = |id: RouteId| paths.attributes(table.attributes(id));
            let winner = attributes(packing.id(best[at]));
            let others = || group.iter().map(|&word| attributes(packing.id(word)));
            let meds = others().any(|other| other.med != winner.med)
                && others().any(|other| other.neighbor_as() != winner.neighbor_as());
            let set = |&word: &u32| paths.next_hop(table.attributes(packing.id(word))).is_some();
            if !meds && !set(&best[at]) && !group.iter().any(set) {
                continue;
            }
            self.keys.clear();
            self.keys.extend([best[at]].iter().chain(&*group).map(|&word| table.key(packing.id(word))));
            let viewpoint = match paths.network().routers() {
                [_] => Viewpoint::Router(RouterId(0)),
                _ => Viewpoint::Reflector,
            };
            let chosen = select::best_vpn_route(paths, viewpoint, &self.keys).expect("not empty");
            if let Some(other) = chosen.checked_sub(1) {
                std::mem::swap(&mut group[other], &mut best[at]);
            }
        }
    }
}

/// The routes of a class while it is computed: those that are best by rank, and those that are not.
#[derive(Debug, Default)]
struct Split {
    best: Vec<u32>,
    chosen: usize,
    others: Vec<u32>,
    lost: usize,
}

impl Split {
    /// Tells the first word of each prefix from the further ones.
    fn split<A: Address>(&mut self, table: &RouteTable<A>, packing: Packing, words: &[u32]) {
        self.make_room(words.len());
        if packing.is_exact() {
            self.fill(words, |word| packing.first_exact(word));
        } else {
            self.fill(words, |word| packing.first(table, word));
        }
    }

    /// Returns the word of the route to each prefix that is best by rank, ascending.
    fn best(&self) -> &[u32] {
        &self.best[..self.chosen]
    }

    /// Returns the same to be corrected.
    fn best_mut(&mut self) -> &mut [u32] {
        &mut self.best[..self.chosen]
    }

    /// Returns the further words, ascending.
    fn others(&self) -> &[u32] {
        &self.others[..self.lost]
    }

    fn make_room(&mut self, words: usize) {
        if self.best.len() < words {
            self.best.resize(words, 0);
            self.others.resize(words, 0);
        }
    }

    /// Writes every word to both lists and moves one of the two on: which it is, no processor could predict.
    fn fill(&mut self, words: &[u32], first_of: impl Fn(u32) -> RouteId) {
        let (best, others) = (&mut self.best[..words.len()], &mut self.others[..words.len()]);
        let (mut chosen, mut last) = (0, RouteId(u32::MAX));
        for (at, &word) in words.iter().enumerate() {
            let first = first_of(word);
            best[chosen] = word;
            others[at - chosen] = word;
            chosen += usize::from(first != last);
            last = first;
        }
        (self.chosen, self.lost) = (chosen, words.len() - chosen);
    }
}

/// Returns how many items at the front of an ascending slice satisfy `before`. O(log of the answer).
pub(crate) fn gallop<T: Copy>(slice: &[T], before: impl Fn(T) -> bool) -> usize {
    let mut step = 1;
    while step <= slice.len() && before(slice[step - 1]) {
        step *= 2;
    }
    let low = step / 2;
    let high = slice.len().min(step);
    low + slice[low..high].partition_point(|&item| before(item))
}
