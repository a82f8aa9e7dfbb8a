//! The union of ascending lists, the best route to each prefix kept on the way.
//!
//! Lists are merged two by two, round by round, between two buffers. Of several words of one prefix the first, which is
//! the best, stays; the others go in the round in which they meet it, so later rounds have less to do.

use crate::address::Address;
use crate::lists::Packing;
use crate::route_table::RouteTable;

/// The buffers of a merge, kept from VRF to VRF.
#[derive(Debug, Default)]
pub(crate) struct Merge {
    from: Vec<u32>,
    into: Vec<u32>,
    ends: Vec<usize>,
    merged_ends: Vec<usize>,
}

impl Merge {
    /// Returns the union of `lists`, one word a prefix. Each list is ascending and has one word a prefix itself.
    ///
    /// O(words · log lists); the buffers grow to the number of words.
    pub(crate) fn union<'a, A: Address>(
        &'a mut self,
        table: &RouteTable<A>,
        packing: Packing,
        lists: &[&'a [u32]],
    ) -> &'a [u32] {
        match *lists {
            [] => return &[],
            [list] => return list,
            _ => {}
        }
        let words = lists.iter().map(|list| list.len()).sum();
        for buffer in [&mut self.from, &mut self.into] {
            if buffer.len() < words {
                buffer.resize(words, 0);
            }
        }
        self.ends.clear();
        let mut end = 0;
        for pair in lists.chunks(2) {
            end += match *pair {
                [a, b] => merge_two(table, packing, a, b, &mut self.from[end..]),
                [a] => {
                    self.from[end..end + a.len()].copy_from_slice(a);
                    a.len()
                }
                _ => 0,
            };
            self.ends.push(end);
        }
        while self.ends.len() > 1 {
            self.merged_ends.clear();
            let (mut start, mut end) = (0, 0);
            for pair in self.ends.chunks(2) {
                let a = &self.from[start..pair[0]];
                end += if let Some(&last) = pair.get(1) {
                    merge_two(table, packing, a, &self.from[pair[0]..last], &mut self.into[end..])
                } else {
                    self.into[end..end + a.len()].copy_from_slice(a);
                    a.len()
                };
                start = *pair.last().unwrap_or(&start);
                self.merged_ends.push(end);
            }
            std::mem::swap(&mut self.from, &mut self.into);
            std::mem::swap(&mut self.ends, &mut self.merged_ends);
        }
        &self.from[..self.ends[0]]
    }
}

/// Merges `a` and `b` into `out` and returns how many words it wrote: of one prefix only the first.
///
/// The choice between the two lists and the choice to keep are both arithmetic, not branches: neither can be predicted.
fn merge_two<A: Address>(table: &RouteTable<A>, packing: Packing, a: &[u32], b: &[u32], out: &mut [u32]) -> usize {
    let out = &mut out[..a.len() + b.len()];
    let (mut i, mut j, mut written) = (0, 0, 0);
    let mut last = u32::MAX;
    while i < a.len() && j < b.len() {
        let (x, y) = (a[i], b[j]);
        let word = x.min(y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
        let first = packing.first(table, word).0;
        out[written] = word;
        written += usize::from(first != last);
        last = first;
    }
    let rest = if i < a.len() { &a[i..] } else { &b[j..] };
    let again = rest.first().is_some_and(|&word| packing.first(table, word).0 == last);
    let rest = &rest[usize::from(again)..];
    out[written..written + rest.len()].copy_from_slice(rest);
    written + rest.len()
}
