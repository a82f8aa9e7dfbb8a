//! Lists: the boundaries of a few ranges one after the other, where a block would be mostly empty.
//!
//! ```text
//! offset  0      1                       1 + S k          1 + S k + W (k + 1)
//!         | head | k boundaries of S bytes | k + 1 codes of W B |
//!         head = k (bits 0 to 3), S - 1 (bits 4 to 6), deep (bit 7)
//! ```
//! A boundary is the S bytes of an address that follow the bit where the list begins, little-endian and ascending. The
//! code of a key is the one at the number of boundaries that are not above the key. In a *deep* list, 8 bytes with the
//! first 64 bits of all its boundaries lie between head and boundaries, and the S bytes follow bit 64: keys with other
//! first bits have the first or the last code. A list has no children, so one list ends a path however long the
//! prefixes beneath it are.

use vrfleak_engine::Address;

use super::ranges::Range;
use super::shape::{aligned, depth};

/// Most boundaries of a list.
pub(in crate::lpm) const MOST: usize = 15;
/// Bytes of a list's head.
pub(in crate::lpm) const HEAD_BYTES: usize = 1;
/// Bytes of the first 64 bits that a deep list has behind its head.
pub(in crate::lpm) const DEEP_BYTES: usize = 8;
/// The head's bit of a deep list.
pub(in crate::lpm) const DEEP: u8 = 0x80;

/// What a list's head says.
#[derive(Clone, Copy, Debug)]
pub(in crate::lpm) struct ListHead {
    /// Number of boundaries.
    pub(in crate::lpm) count: usize,
    /// Bytes a boundary.
    pub(in crate::lpm) size: usize,
    /// Whether the first 64 bits of all boundaries are in the list.
    pub(in crate::lpm) deep: bool,
}

impl ListHead {
    /// Reads the head.
    pub(in crate::lpm) fn of(head: u8) -> Self {
        Self { count: usize::from(head) & MOST, size: usize::from(head >> 4 & 7) + 1, deep: head & DEEP != 0 }
    }

    /// Returns the bytes between head and boundaries.
    pub(in crate::lpm) fn boundaries(self) -> usize {
        if self.deep { DEEP_BYTES } else { 0 }
    }

    /// Returns the bytes between head and codes.
    pub(in crate::lpm) fn codes(self) -> usize {
        self.boundaries() + self.count * self.size
    }

    /// Returns the bytes of the whole list with codes of `width` bytes.
    pub(in crate::lpm) fn bytes(self, width: usize) -> usize {
        HEAD_BYTES + self.codes() + (self.count + 1) * width
    }
}

/// How a list's boundaries are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// Bytes a boundary: 1 to 8.
    size: usize,
    deep: bool,
}

impl Form {
    /// Returns the form of a list at bit `at` with these boundaries, or `None` if there is none: too many, or such whose
    /// bits lie too far apart.
    pub(super) fn of<A: Address>(at: u32, ranges: &[Range<A>]) -> Option<Self> {
        if ranges.is_empty() || ranges.len() > MOST {
            return None;
        }
        let deepest = ranges.iter().map(|range| depth(range.start)).max()?;
        if deepest <= at + 64 {
            return Some(Self { size: (deepest.saturating_sub(at)).div_ceil(8).max(1) as usize, deep: false });
        }
        let (first, last) = (aligned(ranges[0].start), aligned(ranges[ranges.len() - 1].start));
        (first >> 64 == last >> 64).then(|| Self { size: (deepest - 64).div_ceil(8) as usize, deep: true })
    }

    /// Returns the bytes of a list of `count` boundaries in this form with codes of `width` bytes.
    pub(super) fn bytes(self, count: usize, width: usize) -> usize {
        HEAD_BYTES + if self.deep { DEEP_BYTES } else { 0 } + count * self.size + (count + 1) * width
    }

    /// Appends the list at bit `at`; `entry` is in force up to the first of `ranges`.
    pub(super) fn write<A: Address>(self, bytes: &mut Vec<u8>, width: usize, at: u32, entry: u32, ranges: &[Range<A>]) {
        let deep = if self.deep { DEEP } else { 0 };
        bytes.push(ranges.len() as u8 | ((self.size as u8 - 1) << 4) | deep);
        if self.deep {
            let first = (aligned(ranges[0].start) >> 64) as u64;
            bytes.extend_from_slice(&first.to_le_bytes());
        }
        let from = if self.deep { 64 } else { at };
        for range in ranges {
            let boundary = ((aligned(range.start) << from) >> (128 - 8 * self.size)) as u64;
            bytes.extend_from_slice(&boundary.to_le_bytes()[..self.size]);
        }
        bytes.extend_from_slice(&entry.to_le_bytes()[..width]);
        for range in ranges {
            bytes.extend_from_slice(&range.code.to_le_bytes()[..width]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_as_wide_as_its_boundaries() {
        let range = |start: u32| Range { start, code: 65 };
        let ranges = [range(0x0a01_0300), range(0x0a01_0400)];
        let form = Form::of(8, &ranges).expect("two boundaries");
        assert_eq!((form.size, form.deep, form.bytes(2, 1)), (2, false, 8));
        let mut bytes = Vec::new();
        form.write(&mut bytes, 1, 8, 64, &ranges);
        assert_eq!(bytes, [0x12, 0x03, 0x01, 0x04, 0x01, 64, 65, 65]);
        assert_eq!(Form::of(20, &ranges).map(|form| form.size), Some(1));
        assert_eq!(Form::of(8, &[ranges[0]; MOST + 1]), None);
    }

    #[test]
    fn boundaries_behind_one_half_make_a_deep_list() {
        let range = |start: u128| Range { start, code: 65 };
        let half = 0x2001_0db8_0000_0001_u128 << 64;
        let form = Form::of(10, &[range(half | 2), range(half | 3)]).expect("one half");
        assert_eq!((form.size, form.deep, form.bytes(2, 1)), (8, true, 28));
        assert_eq!(Form::of(64, &[range(half | 2)]).map(|form| form.deep), Some(false));
        assert_eq!(Form::of(10, &[range(half | 2), range((half << 1) | 3)]), None);
    }
}
