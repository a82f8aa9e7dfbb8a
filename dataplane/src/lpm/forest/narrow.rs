//! Short narrow lists of one-byte codes, which most slots of sparse tables have, without a branch that no processor could
//! foresee.
//!
//! How many boundaries lie in a slot is as good as random. A loop over them ends in a misprediction, which takes longer than
//! the loop; looking at sixteen of them whatever there is takes neither. So boundaries are counted, and boundaries and codes
//! written, for eight or sixteen at a time, and what is too much is written over or cut off.

use vrfleak_engine::Address;

use super::list::{HEAD_BYTES, ListHead, MOST};
use super::ranges::Range;
use super::shape::top;

/// Boundaries that are looked at together: one more than a narrow list has.
pub(super) const LANES: usize = MOST + 1;
/// Boundaries that are written together where there are no more.
const HALF: usize = LANES / 2;
/// Bytes that are taken for a list while it is written: what is put down beyond its end is cut off.
const ROOM: usize = HEAD_BYTES + 4 * LANES + LANES + 4;

/// What the first boundaries of a table from some place on are in one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inside<A> {
    /// How many lie in the slot: at most [`LANES`], which stands for that or more.
    pub(super) count: usize,
    /// All bits that any of them has.
    pub(super) bits: A,
}

/// Returns those of `window` that are not above `last`, the last address of a slot in which the first of them lies.
#[inline]
pub(super) fn inside<A: Address>(window: &[Range<A>; LANES], last: A) -> Inside<A> {
    let (mut count, mut bits) = (0_u32, A::ZERO);
    for range in window {
        let inside = range.start <= last;
        count += u32::from(inside);
        bits = bits | if inside { range.start } else { A::ZERO };
    }
    Inside { count: count as usize, bits }
}

/// Appends the narrow list at bit `at` that `head` describes and whose codes have one byte; its boundaries are the first of
/// `window`, up to which `entry` is in force.
#[inline]
pub(super) fn write<A: Address>(head: ListHead, bytes: &mut Vec<u8>, at: u32, entry: u32, window: &[Range<A>; LANES]) {
    debug_assert!(!head.wide && head.count < LANES);
    let start = bytes.len();
    bytes.extend_from_slice(&[0; ROOM]);
    let Some(list) = bytes.last_chunk_mut::<ROOM>() else { return };
    if head.count < HALF {
        put::<A, HALF>(head, list, at, entry, window);
    } else {
        put::<A, LANES>(head, list, at, entry, window);
    }
    bytes.truncate(start + head.bytes(1));
}

/// Writes a list of less than `N` boundaries.
#[inline]
fn put<A: Address, const N: usize>(
    head: ListHead,
    list: &mut [u8; ROOM],
    at: u32,
    entry: u32,
    window: &[Range<A>; LANES],
) {
    list[0] = (head.count | (head.size - 1) << 4) as u8;
    // All boundaries lie within the first 64 bits.
    let unused = 64 - 8 * head.size as u32;
    let mut place = HEAD_BYTES;
    for range in &window[..N] {
        let word = ((top(range.start) << at) >> unused) as u32;
        list[place..place + 4].copy_from_slice(&word.to_le_bytes());
        place += head.size;
    }
    let mut codes = [entry as u8; N];
    for (code, range) in codes[1..].iter_mut().zip(window) {
        *code = range.code as u8;
    }
    list[head.codes()..][..N].copy_from_slice(&codes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::shape::deepest;
    use super::*;

    proptest! {
        #[test]
        fn oracle_a_list_is_that_which_is_written_one_by_one(
            starts in prop::collection::btree_set(1_u32..1 << 20, LANES),
            codes in prop::collection::vec(64_u32..256, LANES + 1),
            (bits, granule) in (4_u32..20, 0_u32..8),
        ) {
            let starts: std::collections::BTreeSet<u32> = starts.iter().map(|start| (start << 12) >> granule << granule).collect();
            let ranges: Vec<Range<u32>> = starts.iter().zip(&codes).map(|(&start, &code)| Range { start, code }).collect();
            let window: &[Range<u32>; LANES] = ranges.first_chunk().expect("as many");
            let entry = codes[LANES];
            // The slot of the first of them.
            let last = window[0].start | u32::MAX >> bits;
            let within: Vec<Range<u32>> = ranges.iter().copied().filter(|range| range.start <= last).collect();
            let found = inside(window, last);
            prop_assert_eq!(found.count, within.len());
            let all = within.iter().fold(0, |all, range| all | range.start);
            prop_assert_eq!(found.bits, all);
            let head = ListHead::choose::<u32>(bits, within.len(), deepest(&within).max(bits));
            if let Some(head) = head.filter(|head| !head.wide && head.count < LANES) {
                // Something is there already.
                let (mut bytes, mut expected) = (vec![7; 5], vec![7; 5]);
                write(head, &mut bytes, bits, entry, window);
                head.write(&mut expected, 1, bits, entry, &within);
                prop_assert_eq!(bytes, expected);
            }
        }
    }
}
