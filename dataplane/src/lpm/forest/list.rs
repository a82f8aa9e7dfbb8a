//! Wide lists: the boundaries of a sparse table that no line can hold, as whole halves of addresses or whole addresses.
//!
//! ```text
//! 0      1       5                         5 + B n
//! | head | n, 4 B | n boundaries of B bytes | n + 1 codes of W bytes |     head = WIDE (B = 8) or WIDE + 1 (B = 16)
//! ```
//! A boundary is the first 64 bits of an address, or all of them, little-endian. They ascend. The code of a key is the one
//! at the number of boundaries that are not above the key. A list begins where a line would.

use vrfleak_engine::Address;

use super::line::LINE;
use super::ranges::Range;
use super::shape::{aligned, top};

/// Bytes before the boundaries: the head and their number.
pub(in crate::lpm) const HEAD_BYTES: usize = 5;
/// The head of a list whose boundaries are the first 64 bits of addresses; one more where they are whole addresses.
const WIDE: u8 = 0x80;

/// What the first bytes of a list say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lpm) struct ListHead {
    /// Number of boundaries.
    pub(in crate::lpm) count: usize,
    /// Bytes a boundary.
    pub(in crate::lpm) size: usize,
}

impl ListHead {
    /// Returns the head of a list of `count` boundaries, the deepest of which ends at bit `deepest`.
    pub(super) fn new(count: usize, deepest: u32) -> Self {
        Self { count, size: if deepest <= 64 { 8 } else { 16 } }
    }

    /// Reads the head of the list that begins with `list`; returns `None` for a head that no list has.
    #[inline]
    pub(in crate::lpm) fn of(list: &[u8]) -> Option<Self> {
        let first = *list.first_chunk()?;
        let head = Self::read(first);
        ((WIDE..=WIDE + 1).contains(&first[0]) && head.count <= list.len() / head.size).then_some(head)
    }

    /// Returns what the first bytes of a list say.
    #[inline]
    pub(in crate::lpm) fn read([head, count @ ..]: [u8; HEAD_BYTES]) -> Self {
        Self { count: u32::from_le_bytes(count) as usize, size: if head == WIDE { 8 } else { 16 } }
    }

    /// Returns the offset of the first code.
    #[inline]
    pub(in crate::lpm) fn codes(self) -> usize {
        HEAD_BYTES + self.count * self.size
    }

    /// Returns the bytes of the whole list with codes of `width` bytes.
    pub(in crate::lpm) fn bytes(self, width: usize) -> usize {
        self.codes() + (self.count + 1) * width
    }

    /// Returns the lines that the whole list takes with codes of `width` bytes.
    pub(in crate::lpm) fn lines(self, width: usize) -> usize {
        self.bytes(width).div_ceil(LINE)
    }

    /// Appends the list; `entry` is in force up to the first of `ranges`.
    pub(super) fn write<A: Address>(self, bytes: &mut Vec<u8>, width: usize, entry: u32, ranges: &[Range<A>]) {
        bytes.push(if self.size == 8 { WIDE } else { WIDE + 1 });
        bytes.extend_from_slice(&(self.count as u32).to_le_bytes());
        for range in ranges {
            if self.size == 8 {
                bytes.extend_from_slice(&top(range.start).to_le_bytes());
            } else {
                bytes.extend_from_slice(&aligned(range.start).to_le_bytes());
            }
        }
        bytes.extend_from_slice(&entry.to_le_bytes()[..width]);
        for range in ranges {
            bytes.extend_from_slice(&range.code.to_le_bytes()[..width]);
        }
        bytes.resize(bytes.len().next_multiple_of(LINE), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_takes_whole_lines() {
        let range = |start: u128| Range { start, code: 65 };
        let half = 0x2001_0db8_0000_0001_u128 << 64;
        let many: Vec<_> = (1..=100).map(|host| range(half | host)).collect();
        let head = ListHead::new(many.len(), 128);
        let mut bytes = Vec::new();
        head.write(&mut bytes, 2, 64, &many);
        assert_eq!((head.size, head.bytes(2), head.lines(2)), (16, 5 + 1600 + 202, 29));
        assert_eq!((bytes.len(), ListHead::of(&bytes)), (29 * LINE, Some(head)));
        assert_eq!(ListHead::new(3, 64).size, 8);
    }

    #[test]
    fn no_list_has_such_a_head() {
        assert_eq!(ListHead::of(&[]), None);
        assert_eq!(ListHead::of(&[0x4f, 0, 0, 0, 0]), None);
        assert_eq!(ListHead::of(&[WIDE, 0, 0, 0]), None);
        assert_eq!(ListHead::of(&[WIDE, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(ListHead::of(&[WIDE + 2, 0, 0, 0, 0]), None);
    }
}
