//! Lines: where a path of a sparse table ends, the boundaries of the ranges there, in one line of the cache.
//!
//! ```text
//! 0                                            64 - W (k + 1)      64 - W      64
//! | k boundaries of S bytes, the rest all ones | code k | ... | code 1 | code 0 |
//! ```
//! A line serves a run of 1, 2, 4 or 8 slots. The window of a key is the number of its slot in the run (0, 1, 2 or 3 bits)
//! and its bits that follow the slot's, 8 S bits in all; a boundary is a window less one, so that one of all ones is below
//! no key. They ascend. The code of a key is the one at the number of boundaries below its window. S is one of three sizes
//! of the family, the [`Format`]. A line has 31 boundaries at most in IPv4 and 16 in IPv6.
//!
//! A slot whose boundaries are too many for a line may have a *fan*: a line of separators as wide as the family's vectors
//! search them (no codes), and behind it the lines between them, one more than separators. The code of a key is in the line
//! at the number of separators below its window.
//!
//! ```text
//! bit 31  30  29..26         25..24   23..0
//!      0 | 1 | run          | format | line      run = 1, 2 + b, 4 + b or 8 + b: slot b of a run of 1, 2, 4 or 8 slots
//!      0 | 1 | 0            | format | line      a fan, before lines of this format
//!      0 | 1 | 1            | 0      | line      a wide list
//!      0 | 1 | 0            | 0      | code      one answer, in a part alone
//! ```

use vrfleak_engine::Address;

pub(in crate::lpm) use super::ranges::Range;
use super::shape::top;

/// Bytes of a line.
pub(in crate::lpm) const LINE: usize = 64;
/// Bits of an entry that name its line.
pub(in crate::lpm) const LINE_BITS: u32 = 24;
const LINE_MASK: u32 = (1 << LINE_BITS) - 1;
/// Most slots of a run, as a power of two.
const MAX_RUN_BITS: u32 = 3;
/// Tag of an entry that leads to a line, a fan or a wide list, or is one answer of a sparse table.
pub(in crate::lpm) const LINED: u32 = 1 << 30;
/// Where in an entry the run begins.
pub(in crate::lpm) const RUN_SHIFT: u32 = LINE_BITS + 2;

/// How the boundaries of a line are written: 1 to 3, from the fewest bytes a boundary to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lpm) struct Format(u8);

impl Format {
    /// All of them.
    pub(in crate::lpm) const ALL: [Self; 3] = [Self(1), Self(2), Self(3)];

    /// The one with the most bytes a boundary.
    pub(in crate::lpm) const LONG: Self = Self(3);

    /// Returns the format that an entry names.
    #[inline]
    pub(in crate::lpm) fn of(entry: u32) -> Option<Self> {
        let format = (entry >> LINE_BITS & 3) as u8;
        (format > 0).then_some(Self(format))
    }

    /// Returns the bytes a boundary in the family whose addresses have `family` bits.
    #[inline]
    pub(in crate::lpm) const fn size(self, family: u8) -> usize {
        const SIZES: &[[usize; 4]; 2] = &[[0, 1, 2, 4], [0, 2, 3, 4]];
        SIZES[(family != 32) as usize][self.0 as usize]
    }

    /// Returns whether vectors search it among 32 numbers of 16 bits: the formats of IPv4 but the last.
    #[inline]
    pub(in crate::lpm) const fn is_short(self, family: u8) -> bool {
        family == 32 && self.0 < 3
    }

    /// Returns the most boundaries of a line with codes of `width` bytes.
    #[inline]
    pub(in crate::lpm) const fn capacity(self, family: u8, width: usize) -> usize {
        CAPACITIES[(family != 32) as usize][width.trailing_zeros() as usize][self.0 as usize] as usize
    }

    /// Returns the format with the fewest bytes whose boundaries have `bits` bits, up to 32.
    #[inline]
    pub(in crate::lpm) fn holding(family: u8, bits: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|format| bits <= 8 * format.size(family) as u32)
    }

    /// Returns the number.
    #[inline]
    pub(in crate::lpm) const fn number(self) -> usize {
        self.0 as usize
    }
}

/// By family, width of codes as a power of two and format: the most boundaries of a line. Each line asks for it, and a
/// division would take as long as to find what is in it.
const CAPACITIES: &[[[u8; 4]; 3]; 2] = &{
    let mut all = [[[0; 4]; 3]; 2];
    let mut at = 0;
    while at < 2 * 3 * Format::ALL.len() {
        let (second, log, format) = (at % 2, at / 2 % 3, Format::ALL[at / 6]);
        let (family, width) = (if second == 0 { 32 } else { 128 }, 1 << log);
        let (most, fitting) = (most(family), (LINE - width) / (format.size(family) + width));
        all[second][log][format.number()] = (if fitting < most { fitting } else { most }) as u8;
        at += 1;
    }
    all
};

/// Returns the most boundaries of a line, and separators of a fan.
#[inline]
pub(in crate::lpm) const fn most(family: u8) -> usize {
    if family == 32 { 31 } else { 16 }
}

/// Returns the bytes of a separator of a fan: as many as the numbers have that vectors search.
#[inline]
pub(in crate::lpm) const fn separator_size(family: u8) -> usize {
    if family == 32 { 2 } else { 4 }
}

/// Slots that share a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lpm) struct Run {
    /// How many they are, as a power of two.
    bits: u32,
}

impl Run {
    /// A single slot.
    pub(in crate::lpm) const ONE: Self = Self { bits: 0 };
    /// Most slots.
    pub(in crate::lpm) const MOST: u32 = 1 << MAX_RUN_BITS;

    /// What an entry is less than that of the next slot of its run.
    pub(in crate::lpm) const NEXT: u32 = 1 << RUN_SHIFT;

    /// Returns the run of `slots` slots or, where that is no power of two, the next one that has room for them.
    #[inline]
    pub(in crate::lpm) fn of(slots: u32) -> Self {
        Self { bits: slots.next_power_of_two().trailing_zeros() }
    }

    /// Returns how many slots there may be.
    #[inline]
    pub(in crate::lpm) fn slots(self) -> u32 {
        1 << self.bits
    }

    /// Returns how many bits of a window number the slot.
    #[inline]
    pub(in crate::lpm) fn bits(self) -> u32 {
        self.bits
    }

    /// Returns the entry of slot `slot` of the run that shares `line`.
    #[inline]
    pub(in crate::lpm) fn entry(self, slot: u32, format: Format, line: usize) -> u32 {
        named(line) | ((1 << self.bits) | slot) << RUN_SHIFT | u32::from(format.0) << LINE_BITS
    }

    /// Returns the run of `entry`, which leads to a line, and which slot of the run this is; `None` for a fan.
    #[inline]
    pub(in crate::lpm) fn read(entry: u32) -> Option<(Self, u32)> {
        let run = entry >> RUN_SHIFT & 15;
        let bits = run.checked_ilog2()?;
        Some((Self { bits }, run ^ 1 << bits))
    }

    /// Returns the window of the left-aligned 64 bits `rest` that follow slot `slot` of the run: `bytes` bytes of it.
    #[inline]
    pub(in crate::lpm) fn window(self, slot: u32, rest: u64, bytes: usize) -> u32 {
        let window = rest >> self.bits | u64::from(slot).unbounded_shl(64 - self.bits);
        (window >> (64 - 8 * bytes as u32)) as u32
    }
}

/// Returns an entry that names `line` and says nothing else.
#[inline]
fn named(line: usize) -> u32 {
    // A line beyond 24 bits is one of a part so big that no store takes it.
    LINED | line as u32 & LINE_MASK
}

/// Returns the entry of a fan at `line` whose lines have `format`.
#[inline]
pub(super) fn fan_entry(format: Format, line: usize) -> u32 {
    named(line) | u32::from(format.0) << LINE_BITS
}

/// Returns the entry of the wide list that begins with `line`.
#[inline]
pub(super) fn wide_entry(line: usize) -> u32 {
    named(line) | 1 << RUN_SHIFT
}

/// Returns the line that `entry` names.
#[inline]
pub(in crate::lpm) fn line_of(entry: u32) -> usize {
    (entry & LINE_MASK) as usize
}

/// Returns how many of `line`'s first `capacity` numbers of `size` bytes there are up to the last that is not all ones: no
/// search ends behind that one.
#[inline]
pub(in crate::lpm) fn count(line: &[u8; LINE], size: usize, capacity: usize) -> usize {
    /// By byte: how many there are up to it.
    const UP_TO: [u8; LINE] = {
        let mut up_to = [0; LINE];
        let mut at = 0;
        while at < LINE {
            up_to[at] = at as u8 + 1;
            at += 1;
        }
        up_to
    };
    // All bytes at once, where vectors are to be had: where a search from the end would stop, no processor could foresee.
    let bytes = (size * capacity) as u8;
    let used = line.iter().zip(&UP_TO).map(|(&byte, &up_to)| if byte != u8::MAX && up_to <= bytes { up_to } else { 0 });
    let used = usize::from(used.fold(0, u8::max));
    // No division by what a compiler does not know.
    match size {
        1 => used,
        2 => used.div_ceil(2),
        3 => used.div_ceil(3),
        _ => used.div_ceil(4),
    }
}

/// Returns the `index`th boundary of `size` bytes, as a window.
#[inline]
pub(in crate::lpm) fn boundary(line: &[u8; LINE], size: usize, index: usize) -> u64 {
    // One load, of bytes that lie where they are: a copy of so many to the stack, loaded as one, would wait until all are there.
    let loaded = line[index * size..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    u64::from(loaded & u32::MAX >> (32 - 8 * size)) + 1
}

/// Returns where the `index`th code of `width` bytes begins in a line.
#[inline]
pub(in crate::lpm) const fn code_at(index: usize, width: usize) -> usize {
    LINE - width * (index + 1)
}

/// Returns a line without boundaries, whose one code is `code`.
pub(in crate::lpm) fn answer_line(code: u32, width: usize) -> [u8; LINE] {
    let mut line = [u8::MAX; LINE];
    line[code_at(0, width)..].copy_from_slice(&code.to_le_bytes()[..width]);
    line
}

/// Appends a line of `run`, whose slots have `at` bits and begin with the number `first`; `code` is in force up to the
/// first of `ranges`, none of which begins where the run does.
pub(super) fn write_line<A: Address>(
    bytes: &mut Vec<u8>,
    (format, width): (Format, usize),
    (run, first, at): (Run, u64, u32),
    code: u32,
    ranges: &[Range<A>],
) {
    let mut line = [u8::MAX; LINE];
    let size = format.size(A::BITS);
    // A window is what follows the beginning of the run; a run has no more slots than there are.
    let origin = first.unbounded_shl(64 - at);
    let (skipped, rest) = (at - run.bits(), 64 - 8 * size as u32);
    let words = ranges.iter().map(|range| {
        let window = top(range.start).wrapping_sub(origin).unbounded_shl(skipped) >> rest;
        (window as u32).wrapping_sub(1)
    });
    match size {
        1 => put(line.as_chunks_mut().0.iter_mut(), words, |word| [word as u8]),
        2 => put(line.as_chunks_mut().0.iter_mut(), words, |word| (word as u16).to_le_bytes()),
        3 => put(line.as_chunks_mut().0.iter_mut(), words, |word| {
            let [a, b, c, _] = word.to_le_bytes();
            [a, b, c]
        }),
        _ => put(line.as_chunks_mut().0.iter_mut(), words, u32::to_le_bytes),
    }
    let codes = std::iter::once(code).chain(ranges.iter().map(|range| range.code));
    match width {
        1 => put(line.as_chunks_mut().0.iter_mut().rev(), codes, |code| [code as u8]),
        2 => put(line.as_chunks_mut().0.iter_mut().rev(), codes, |code| (code as u16).to_le_bytes()),
        _ => put(line.as_chunks_mut().0.iter_mut().rev(), codes, u32::to_le_bytes),
    }
    bytes.extend_from_slice(&line);
}

/// Writes numbers to their places, one after the other.
#[inline]
fn put<'a, const N: usize>(
    places: impl Iterator<Item = &'a mut [u8; N]>,
    words: impl Iterator<Item = u32>,
    bytes: impl Fn(u32) -> [u8; N],
) {
    for (place, word) in places.zip(words) {
        *place = bytes(word);
    }
}

/// Appends the separators of a fan under a slot of `at` bits, one before each of `children` but the first.
pub(super) fn write_fan<'r, A: Address>(bytes: &mut Vec<u8>, at: u32, children: impl Iterator<Item = &'r [Range<A>]>) {
    let mut line = [u8::MAX; LINE];
    let size = separator_size(A::BITS);
    for (place, child) in line.chunks_exact_mut(size).zip(children.skip(1)) {
        let window = Run::ONE.window(0, top(child[0].start).unbounded_shl(at), size);
        place.copy_from_slice(&window.wrapping_sub(1).to_le_bytes()[..size]);
    }
    bytes.extend_from_slice(&line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_as_many_boundaries_as_fit() {
        let capacities = |width| {
            let four = Format::ALL.map(|format| format.capacity(32, width));
            (four, Format::ALL.map(|format| format.capacity(128, width)))
        };
        assert_eq!(capacities(1), ([31, 21, 12], [16, 15, 12]));
        assert_eq!(capacities(2), ([20, 15, 10], [15, 12, 10]));
        assert_eq!(capacities(4), ([12, 10, 7], [10, 8, 7]));
        assert_eq!((most(32), most(128)), (31, 16));
        assert_eq!(Format::holding(32, 8).map(|format| format.size(32)), Some(1));
        assert_eq!(Format::holding(32, 17).map(|format| format.size(32)), Some(4));
        assert_eq!(Format::holding(128, 33), None);
    }

    #[test]
    fn oracle_boundaries_count_up_to_the_last_that_is_not_all_ones() {
        let mut state = 1_u64;
        for round in 0..4000 {
            // Few of the bytes are other than all ones, most of them towards the front.
            let mut line = [u8::MAX; LINE];
            for _ in 0..round % 5 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                line[(state >> 58) as usize >> (state % 3)] = (state >> 40) as u8;
            }
            for (family, width, format) in [32, 128]
                .into_iter()
                .flat_map(|family| [1, 2, 4].map(|width| (family, width)))
                .flat_map(|(family, width)| Format::ALL.map(|format| (family, width, format)))
            {
                let (size, capacity) = (format.size(family), format.capacity(family, width));
                let mut numbers = line.chunks_exact(size).take(capacity).enumerate();
                let last = numbers.rfind(|(_, number)| number.iter().any(|&byte| byte != u8::MAX));
                let expected = last.map_or(0, |(index, _)| index + 1);
                assert_eq!(count(&line, size, capacity), expected, "{capacity} of {size} bytes in {line:x?}");
            }
        }
    }

    #[test]
    fn an_entry_names_its_place_in_the_run() {
        for slots in [1, 2, 4, 8] {
            let run = Run::of(slots);
            for slot in 0..slots {
                let entry = run.entry(slot, Format(2), 77);
                assert_eq!((Run::read(entry), line_of(entry)), (Some((run, slot)), 77));
                assert_eq!(Format::of(entry), Some(Format(2)));
            }
        }
        assert_eq!(Run::of(5), Run::of(8));
        assert_eq!(Run::read(fan_entry(Format(1), 3)), None);
        assert_eq!(Format::of(wide_entry(3)), None);
    }

    #[test]
    fn the_slots_of_a_run_have_their_windows_one_after_the_other() {
        let range = |start: u32, code| Range { start, code };
        let ranges = [range(0x0a01_0300, 65), range(0x0a02_0000, 66), range(0x0a03_8000, 67)];
        let mut bytes = Vec::new();
        let format = Format::holding(32, 10).expect("two bytes");
        write_line(&mut bytes, (format, 1), (Run::of(3), 0x0a01, 16), 64, &ranges);
        let line: &[u8; LINE] = bytes.first_chunk().expect("a line");
        let boundaries: Vec<_> = (0..3).map(|index| boundary(line, 2, index)).collect();
        // Two bits for the slot, then 14 that follow.
        assert_eq!(boundaries, [0x0300 >> 2, 0x4000, 0x8000 | 0x8000 >> 2]);
        assert_eq!(count(line, 2, format.capacity(32, 1)), 3);
        assert_eq!(line[60..], [67, 66, 65, 64]);
    }
}
