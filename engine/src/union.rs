//! [`Union`]: the union of buckets, which is what a VRF imports, by the way that their number and density ask for.

use crate::address::Address;
use crate::id::RouteId;
use crate::lists::Packing;
use crate::merge::Merge;
use crate::route_table::RouteTable;

/// The buffers of a union, kept from one to the next.
///
/// Merging k lists makes log k passes over their words. Where there are many lists and the words lie close together, a
/// mark for each route and one pass over the marks is less, whatever k.
#[derive(Debug, Default)]
pub(crate) struct Union {
    merge: Merge,
    /// A bit a route, from the first route of the union on; all zero between unions.
    marks: Vec<u64>,
    words: Vec<u32>,
}

/// Lists from which on marking may pay.
const MANY: usize = 3;
/// Routes from one to the next, on the average, up to which it pays.
const DENSE: u32 = 16;

impl Union {
    /// Returns the words of all lists, each of them ascending and no word in two of them, in ascending order.
    ///
    /// O(words · log lists), or where the union is dense O(words + routes between the first and the last).
    pub(crate) fn of<'a, A: Address>(
        &'a mut self,
        table: &RouteTable<A>,
        packing: Packing,
        lists: &[&'a [u32]],
    ) -> &'a [u32] {
        let first = lists.iter().filter_map(|list| list.first()).min();
        let last = lists.iter().filter_map(|list| list.last()).max();
        let words: usize = lists.iter().map(|list| list.len()).sum();
        if let (Some(&first), Some(&last)) = (first, last)
            && lists.len() >= MANY
        {
            let (first, last) = (packing.id(first), packing.id(last));
            if ((last.0 - first.0) / DENSE) as usize <= words {
                return self.mark(table, packing, lists, first, last);
            }
        }
        self.merge.merge(lists)
    }

    fn mark<A: Address>(
        &mut self,
        table: &RouteTable<A>,
        packing: Packing,
        lists: &[&[u32]],
        first: RouteId,
        last: RouteId,
    ) -> &[u32] {
        let marks = ((last.0 - first.0) / 64 + 1) as usize;
        if self.marks.len() < marks {
            self.marks.resize(marks, 0);
        }
        for &word in lists.iter().copied().flatten() {
            let at = packing.id(word).0 - first.0;
            self.marks[(at / 64) as usize] |= 1 << (at % 64);
        }
        self.words.clear();
        let mut base = first.0;
        for marks in &mut self.marks[..marks] {
            let mut left = std::mem::take(marks);
            while left != 0 {
                self.words.push(packing.word(table, RouteId(base + left.trailing_zeros())));
                left &= left - 1;
            }
            base += 64;
        }
        &self.words
    }
}
