//! Merging: the union of ascending lists of words, which is what a VRF imports.
//!
//! Lists go together two by two, in rounds, each round from one buffer into the other. A merge of two is a chain of
//! loads that wait for comparisons, five or six cycles a word however wide the processor; so each merge is cut into
//! [`CHAINS`] parts of equal output ("merge path", Green, Odeh and Birk 2014) that run interleaved in one loop. What
//! has one prefix is told apart afterwards, in one pass over the whole union, so that no merge branches on it.

/// How many parts of a merge run at a time. Two leave the processor waiting, eight spill their indices.
const CHAINS: usize = 4;

/// Words below which a merge is not worth cutting.
const SHORT: usize = 64;

/// The buffers of a merge, kept from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Merge {
    from: Vec<u32>,
    into: Vec<u32>,
    ends: Vec<usize>,
    merged_ends: Vec<usize>,
}

impl Merge {
    /// Returns all words of `lists`, each of them ascending, in ascending order.
    ///
    /// O(words · log lists); the buffers grow to the number of words.
    pub(crate) fn merge<'a>(&'a mut self, lists: &[&'a [u32]]) -> &'a [u32] {
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
            let start = end;
            end += pair.iter().map(|list| list.len()).sum::<usize>();
            merge_two(pair[0], pair.get(1).copied().unwrap_or_default(), &mut self.from[start..end]);
            self.ends.push(end);
        }
        while self.ends.len() > 1 {
            self.merged_ends.clear();
            let mut start = 0;
            for pair in self.ends.chunks(2) {
                let end = *pair.last().unwrap_or(&start);
                let (a, b) = self.from[start..end].split_at(pair[0] - start);
                merge_two(a, b, &mut self.into[start..end]);
                self.merged_ends.push(end);
                start = end;
            }
            std::mem::swap(&mut self.from, &mut self.into);
            std::mem::swap(&mut self.ends, &mut self.merged_ends);
        }
        &self.from[..words]
    }
}

/// Merges `a` and `b` into `out`, which is as long as both.
fn merge_two(a: &[u32], b: &[u32], out: &mut [u32]) {
    if b.is_empty() || a.is_empty() {
        out[..a.len()].copy_from_slice(a);
        out[a.len()..].copy_from_slice(b);
        return;
    }
    if out.len() < SHORT {
        return merge_from(a, b, out);
    }
    let part = out.len() / CHAINS;
    // By chain: the next word of `a`. That of `b` follows from it and from how many words are out, so that no chain keeps
    // it: with both in hand they spilled, and a word took twice as long.
    let mut from: [usize; CHAINS] = std::array::from_fn(|chain| split(a, b, chain * part));
    let (parts, rest) = out.split_at_mut(part * CHAINS);
    let (first, others) = parts.split_at_mut(part);
    let (second, others) = others.split_at_mut(part);
    let (third, fourth) = others.split_at_mut(part);
    let slots = first.iter_mut().zip(second).zip(third).zip(fourth);
    for (at, (((first, second), third), fourth)) in slots.enumerate() {
        *first = step(a, b, &mut from[0], at);
        *second = step(a, b, &mut from[1], part + at);
        *third = step(a, b, &mut from[2], 2 * part + at);
        *fourth = step(a, b, &mut from[3], 3 * part + at);
    }
    let from_a = from[CHAINS - 1];
    let from_b = part * CHAINS - from_a;
    merge_from(&a[from_a..], &b[from_b..], rest);
}

/// Returns the word of the merge at the place `at`, before which there are `from` words of `a`, and moves on.
#[inline]
fn step(a: &[u32], b: &[u32], from: &mut usize, at: usize) -> u32 {
    let x = a.get(*from).copied().unwrap_or(u32::MAX);
    let y = b.get(at - *from).copied().unwrap_or(u32::MAX);
    *from += usize::from(x <= y);
    x.min(y)
}

/// Merges `a` and `b` into `out`, as much as there is room for.
fn merge_from(a: &[u32], b: &[u32], out: &mut [u32]) {
    let mut from = 0;
    for (at, slot) in out.iter_mut().enumerate() {
        *slot = step(a, b, &mut from, at);
    }
}

/// Returns how many of the `count` smallest words of `a` and `b` are from `a`, of equal ones those of `a` first.
fn split(a: &[u32], b: &[u32], count: usize) -> usize {
    let (mut low, mut high) = (count.saturating_sub(b.len()), count.min(a.len()));
    while low < high {
        let middle = low.midpoint(high);
        if a[middle] <= b[count - middle - 1] {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_list_and_one_list_need_no_merge() {
        let mut merge = Merge::default();
        assert!(merge.merge(&[]).is_empty());
        assert_eq!(merge.merge(&[&[3, 5]]), [3, 5]);
    }

    proptest! {
        #[test]
        fn oracle_a_merge_is_the_sorted_concatenation(
            mut lists in prop::collection::vec(prop::collection::vec(0_u32..5000, 0..200), 0..9)
        ) {
            for list in &mut lists {
                list.sort_unstable();
            }
            let mut expected = lists.concat();
            expected.sort_unstable();
            let slices: Vec<&[u32]> = lists.iter().map(Vec::as_slice).collect();
            let mut merge = Merge::default();
            // The second time the buffers hold what the first left there.
            prop_assert_eq!(merge.merge(&slices), &expected[..]);
            prop_assert_eq!(merge.merge(&slices), &expected[..]);
        }
    }
}
