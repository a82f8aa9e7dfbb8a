//! [`TargetSets`]: the distinct sets of route targets that routes are exported with.
//!
//! Distinct sets are few, routes are many. A set is decided against an import list once, whatever the number of routes
//! that carry it, and "imported at most once however many targets match" (SEMANTICS I2) needs no bookkeeping, since a
//! route lies in exactly one set.

use ahash::AHashMap;

use crate::id::{RtId, TargetSetId};
use crate::route_target::RouteTarget;

/// The distinct target sets of a network's exports, and which of them have a given target.
#[derive(Clone, Debug, Default)]
pub struct TargetSets {
    /// Every target that some set has, ascending.
    targets: Vec<RouteTarget>,
    /// The targets of each set, ascending.
    sets: Vec<Box<[RtId]>>,
    /// The sets of each target, ascending: the target index.
    index: Vec<Vec<TargetSetId>>,
}

impl TargetSets {
    /// Returns how many sets there are.
    #[expect(clippy::len_without_is_empty, reason = "a table of ids, never asked whether it is empty")]
    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// Returns every target that a set has, ascending, by [`RtId`].
    pub fn targets(&self) -> &[RouteTarget] {
        &self.targets
    }

    /// Returns the targets of a set in ascending order; none for [`TargetSetId::NONE`].
    pub fn of(&self, set: TargetSetId) -> impl ExactSizeIterator<Item = RouteTarget> + '_ {
        let ids = self.sets.get(set.index()).map_or(&[][..], |ids| ids);
        ids.iter().map(|id| self.targets[id.index()])
    }

    /// Returns whether a set has none but targets of default tables: routes with it stay on their router (SEMANTICS I8).
    pub fn stays_on_router(&self, set: TargetSetId) -> bool {
        self.of(set).all(RouteTarget::is_of_default_table)
    }

    /// Returns the sets that share at least one target with `import`, ascending: what a VRF with that import list
    /// imports (SEMANTICS I1). O(matches · log matches + import · log targets).
    pub fn matching(&self, import: &[RouteTarget]) -> Vec<TargetSetId> {
        let mut sets: Vec<TargetSetId> = import
            .iter()
            .filter_map(|target| self.targets.binary_search(target).ok())
            .flat_map(|rt| &self.index[rt])
            .copied()
            .collect();
        sets.sort_unstable();
        sets.dedup();
        sets
    }

    /// Returns the bytes that the sets and their index hold.
    pub fn bytes(&self) -> usize {
        self.targets.capacity() * size_of::<RouteTarget>()
            + self.sets.iter().map(|set| size_of_val(&**set)).sum::<usize>()
            + self.sets.capacity() * size_of::<Box<[RtId]>>()
            + self.index.iter().map(|sets| sets.capacity() * size_of::<TargetSetId>()).sum::<usize>()
            + self.index.capacity() * size_of::<Vec<TargetSetId>>()
    }
}

/// Gathers sets and numbers them by their content, so that the order of input decides nothing.
#[derive(Debug, Default)]
pub(crate) struct TargetSetInterner {
    ids: AHashMap<Box<[RouteTarget]>, u32>,
    buffer: Vec<RouteTarget>,
}

/// A set as the interner numbers it until [`TargetSetInterner::finish`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Provisional(u32);

impl TargetSetInterner {
    /// Returns the number of this set, `None` for the empty one.
    pub(crate) fn intern(&mut self, targets: &[RouteTarget]) -> Option<Provisional> {
        self.buffer.clear();
        self.buffer.extend_from_slice(targets);
        self.buffer.sort_unstable();
        self.buffer.dedup();
        if self.buffer.is_empty() {
            return None;
        }
        if let Some(&id) = self.ids.get(self.buffer.as_slice()) {
            return Some(Provisional(id));
        }
        let id = u32::try_from(self.ids.len()).expect("fewer target sets than VRFs and attributes");
        self.ids.insert(self.buffer.clone().into_boxed_slice(), id);
        Some(Provisional(id))
    }

    /// Returns the sets in ascending order of their content, and what became of each provisional number.
    pub(crate) fn finish(self) -> (TargetSets, impl Fn(Option<Provisional>) -> TargetSetId) {
        let mut sets: Vec<(Box<[RouteTarget]>, u32)> = self.ids.into_iter().collect();
        sets.sort_unstable();
        let mut targets: Vec<RouteTarget> = sets.iter().flat_map(|(set, _)| set.iter().copied()).collect();
        targets.sort_unstable();
        targets.dedup();
        let mut index = vec![Vec::new(); targets.len()];
        let mut renumbered = vec![TargetSetId::NONE; sets.len()];
        let mut rows = Vec::with_capacity(sets.len());
        for (position, (set, provisional)) in sets.into_iter().enumerate() {
            let id = TargetSetId::from_index(position);
            renumbered[provisional as usize] = id;
            let rts: Box<[RtId]> = set
                .iter()
                .map(|target| RtId::from_index(targets.binary_search(target).expect("gathered from the sets")))
                .collect();
            for rt in &rts {
                index[rt.index()].push(id);
            }
            rows.push(rts);
        }
        let renumber = move |provisional: Option<Provisional>| {
            provisional.map_or(TargetSetId::NONE, |Provisional(id)| renumbered[id as usize])
        };
        (TargetSets { targets, sets: rows, index }, renumber)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(numbers: &[u32]) -> Vec<RouteTarget> {
        numbers.iter().map(|&number| RouteTarget::as2(65000, number)).collect()
    }

    #[test]
    fn sets_are_numbered_by_content_not_by_order_of_arrival() {
        let mut interner = TargetSetInterner::default();
        let third = interner.intern(&targets(&[3, 1, 3]));
        let first = interner.intern(&targets(&[1]));
        let same = interner.intern(&targets(&[1, 3]));
        assert!(interner.intern(&[]).is_none());
        let (sets, renumber) = interner.finish();
        assert_eq!(renumber(first), TargetSetId(0));
        assert_eq!(renumber(third), TargetSetId(1));
        assert_eq!(renumber(same), TargetSetId(1));
        assert_eq!(renumber(None), TargetSetId::NONE);
        assert_eq!(sets.of(TargetSetId(1)).collect::<Vec<_>>(), targets(&[1, 3]));
        assert_eq!(sets.of(TargetSetId::NONE).len(), 0);
    }

    #[test]
    fn i1_i2_a_set_matches_once_however_many_targets_are_shared() {
        let mut interner = TargetSetInterner::default();
        interner.intern(&targets(&[1, 2]));
        interner.intern(&targets(&[2, 3]));
        interner.intern(&targets(&[4]));
        let (sets, _) = interner.finish();
        assert_eq!(sets.matching(&targets(&[1, 2])), [TargetSetId(0), TargetSetId(1)]);
        assert_eq!(sets.matching(&targets(&[4])), [TargetSetId(2)]);
        assert_eq!(sets.matching(&targets(&[5])), []);
        assert_eq!(sets.matching(&[]), []);
    }
}
