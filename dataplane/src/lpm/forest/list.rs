//! Lists: where a path of a sparse table ends, the boundaries of the ranges there one after the other.
//!
//! ```text
//!         0      1                         1 + S k                   1 + S k + W (k + 1)
//! narrow  | head | k boundaries of S bytes | k + 1 codes of W bytes |      head = k (bits 0 to 3), S - 1 (bits 4, 5)
//!
//!         0      1       5                         5 + B n
//! wide    | head | n, 4 B | n boundaries of B bytes | n + 1 codes of W bytes |     head = WIDE (B = 8) or WIDE + 1 (B = 16)
//! ```
//! A boundary of a narrow list is the S bytes of an address that follow the bit where the list begins, little-endian; one
//! of a wide list is the first 64 bits of an address, or all of them, from bit 0 on. They ascend. The code of a key is the
//! one at the number of boundaries that are not above the key. The boundaries of a narrow list fill at most
//! [`NARROW_BYTES`], so that one vector holds all of them. A list has no children.

use vrfleak_engine::Address;

use super::ranges::Range;
use super::shape::{aligned, top};

/// Most boundaries of a narrow list.
pub(in crate::lpm) const MOST: usize = 15;
/// Most bytes that the boundaries of a narrow list fill.
pub(in crate::lpm) const NARROW_BYTES: usize = 31;
/// Bits behind the one where a narrow list begins within which its boundaries lie.
pub(in crate::lpm) const WINDOW_BITS: u32 = 32;
/// Bytes of a list's head.
pub(in crate::lpm) const HEAD_BYTES: usize = 1;
/// Bytes of the number of boundaries behind the head of a wide list.
pub(in crate::lpm) const COUNT_BYTES: usize = 4;
/// Bytes that a narrow list may fill while it is written: its boundaries and codes are put down as four bytes each, the
/// next of them over what is too much.
const ROOM: usize = HEAD_BYTES + NARROW_BYTES + 4 * (MOST + 1) + 4;
/// The head of a wide list whose boundaries are the first 64 bits of addresses; one more where they are whole addresses.
pub(in crate::lpm) const WIDE: u8 = 0x80;

/// What the first bytes of a list say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lpm) struct ListHead {
    /// Whether the boundaries are addresses from bit 0 on.
    pub(in crate::lpm) wide: bool,
    /// Number of boundaries.
    pub(in crate::lpm) count: usize,
    /// Bytes a boundary.
    pub(in crate::lpm) size: usize,
}

impl ListHead {
    /// Reads the head of the list that begins with `list`; returns `None` for a head that no list has.
    #[inline]
    pub(in crate::lpm) fn of(list: &[u8]) -> Option<Self> {
        let (&head, rest) = list.split_first()?;
        if head & WIDE == 0 {
            let narrow = Self { wide: false, count: usize::from(head) & MOST, size: usize::from(head >> 4) + 1 };
            return (narrow.count * narrow.size <= NARROW_BYTES && narrow.size <= 4).then_some(narrow);
        }
        let count = u32::from_le_bytes(*rest.first_chunk()?) as usize;
        let wide = Self { wide: true, count, size: if head == WIDE { 8 } else { 16 } };
        (head <= WIDE + 1 && count <= rest.len() / wide.size).then_some(wide)
    }

    /// Returns the offset of the first boundary.
    #[inline]
    pub(in crate::lpm) fn boundaries(self) -> usize {
        HEAD_BYTES + if self.wide { COUNT_BYTES } else { 0 }
    }

    /// Returns the offset of the first code.
    #[inline]
    pub(in crate::lpm) fn codes(self) -> usize {
        self.boundaries() + self.count * self.size
    }

    /// Returns the bytes of the whole list with codes of `width` bytes.
    pub(in crate::lpm) fn bytes(self, width: usize) -> usize {
        self.codes() + (self.count + 1) * width
    }

    /// Returns the head of a list at bit `at` with `count` boundaries, the deepest of which ends at bit `deepest`, in the
    /// family of `A`; or `None` if there shall be none: they are too many and a page can still tell some of them apart.
    #[inline]
    pub(super) fn choose<A: Address>(at: u32, count: usize, deepest: u32) -> Option<Self> {
        // A walk has the first 64 bits of a key at hand.
        let is_near = deepest <= (at + WINDOW_BITS).min(64);
        let size = deepest.saturating_sub(at).div_ceil(8).max(1) as usize;
        if is_near && count <= MOST && count * size <= NARROW_BYTES {
            return Some(Self { wide: false, count, size });
        }
        let apart = at < deepest && at < u32::from(A::BITS).min(64);
        let wide = Self { wide: true, count, size: if deepest <= 64 { 8 } else { 16 } };
        (!apart || !is_near && count <= MOST).then_some(wide)
    }

    /// Appends the list at bit `at`; `entry` is in force up to the first of `ranges`.
    pub(super) fn write<A: Address>(self, bytes: &mut Vec<u8>, width: usize, at: u32, entry: u32, ranges: &[Range<A>]) {
        if !self.wide {
            return self.write_narrow(bytes, width, at, entry, ranges);
        }
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
    }

    /// Appends a narrow list, in place: a copy of a few bytes for each boundary and code takes longer than all else.
    fn write_narrow<A: Address>(self, bytes: &mut Vec<u8>, width: usize, at: u32, entry: u32, ranges: &[Range<A>]) {
        let start = bytes.len();
        bytes.extend_from_slice(&[0; ROOM]);
        let Some(list) = bytes.last_chunk_mut::<ROOM>() else { return };
        let mut put = |place: usize, word: u32| list[place..place + 4].copy_from_slice(&word.to_le_bytes());
        put(0, self.count as u32 | (self.size as u32 - 1) << 4);
        // All boundaries lie within the first 64 bits.
        let unused = 64 - 8 * self.size as u32;
        let mut place = HEAD_BYTES;
        for range in ranges {
            put(place, ((top(range.start) << at) >> unused) as u32);
            place += self.size;
        }
        put(place, entry);
        for range in ranges {
            place += width;
            put(place, range.code);
        }
        bytes.truncate(start + place + width);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_as_wide_as_its_boundaries() {
        let range = |start: u32| Range { start, code: 65 };
        let ranges = [range(0x0a01_0300), range(0x0a01_0400)];
        let head = ListHead::choose::<u32>(8, 2, 24).expect("two boundaries");
        assert_eq!((head.wide, head.size, head.bytes(1)), (false, 2, 8));
        let mut bytes = Vec::new();
        head.write(&mut bytes, 1, 8, 64, &ranges);
        assert_eq!(bytes, [0x12, 0x03, 0x01, 0x04, 0x01, 64, 65, 65]);
        assert_eq!(ListHead::of(&bytes), Some(head));
        assert_eq!(ListHead::choose::<u32>(20, 2, 24).map(|head| head.size), Some(1));
        assert_eq!(ListHead::choose::<u32>(8, MOST + 1, 24), None);
    }

    #[test]
    fn boundaries_far_behind_make_a_wide_list() {
        let range = |start: u128| Range { start, code: 65 };
        let half = 0x2001_0db8_0000_0001_u128 << 64;
        let choose =
            |at, count, deepest| ListHead::choose::<u128>(at, count, deepest).map(|head| (head.wide, head.size));
        assert_eq!(choose(10, 1, 64), Some((true, 8)));
        assert_eq!(choose(32, 1, 64), Some((false, 4)));
        assert_eq!(choose(32, 1, 127), Some((true, 16)));
        assert_eq!(choose(48, 1, 68), Some((true, 16)));
        let many: Vec<_> = (1..=100).map(|host| range(half | host)).collect();
        assert_eq!(choose(63, many.len(), 128), None);
        let head = ListHead::choose::<u128>(64, many.len(), 128).expect("no page tells them apart");
        let mut bytes = Vec::new();
        head.write(&mut bytes, 2, 64, 64, &many);
        assert_eq!((head.count, bytes.len()), (100, head.bytes(2)));
        assert_eq!(ListHead::of(&bytes), Some(head));
    }

    #[test]
    fn no_list_has_such_a_head() {
        assert_eq!(ListHead::of(&[]), None);
        assert_eq!(ListHead::of(&[0x4f]), None);
        assert_eq!(ListHead::of(&[0x3f]), None);
        assert_eq!(ListHead::of(&[WIDE, 0, 0, 0]), None);
        assert_eq!(ListHead::of(&[WIDE + 2, 0, 0, 0, 0]), None);
    }
}
