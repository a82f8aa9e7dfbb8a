//! The walk of sparse tables without vectors: root entry, page by page, a fan if there is one, then a line.
//!
//! Up to [`LANES`] keys are walked level by level, like those of [dense](super::dense) tables.
#![expect(clippy::inline_always, reason = "what stays outside a stamped function is compiled without its features")]

use vrfleak_engine::Address;

use super::super::forest::line::{Format, LINE, LINED, RUN_SHIFT, Run, line_of, most, separator_size};
use super::super::forest::list::{HEAD_BYTES, ListHead};
use super::super::forest::shape::{aligned, top};
use super::columns::{ANY_WIDTH, Columns, LANES, Lanes, load_code, load_code_before, prefetch};
use super::part::{PAGE, page_deciding, page_index};
use super::store::Header;

/// Returns how many numbers the search of a line or fan takes in one step, in order, which are [`most`] together: no
/// branch depends on a key.
const fn steps(family: u8) -> [usize; 5] {
    if family == 32 { [16, 8, 4, 2, 1] } else { [8, 4, 2, 1, 1] }
}

impl Columns {
    /// Returns the entry of the root for a key with the first bits `top`, and those of its bits that follow.
    ///
    /// # Safety
    /// `header` is one of the store's, of a sparse table.
    #[inline(always)]
    unsafe fn root_entry(self, header: &Header, top: u64) -> (u32, u64) {
        // SAFETY: a root has `len + 1` entries from `root` on.
        let entry = unsafe { self.roots.add(Self::root(header, top)) };
        // SAFETY: as above.
        (unsafe { *entry }, top << (64 - header.shift))
    }

    /// Returns the entry of the slot of the page that `entry` names for a key whose bits from that page on are `rest`,
    /// and those that follow.
    ///
    /// # Safety
    /// `entry` is one of a page of the store's.
    #[inline(always)]
    unsafe fn page_entry(self, entry: u32, rest: u64) -> (u32, u64) {
        let deciding = page_deciding(entry);
        // A page decides one bit or more.
        let slot = rest >> ((64 - deciding) & 63);
        // SAFETY: a page has an entry for every value of its bits.
        let slot = unsafe { self.roots.add(page_index(entry) + slot as usize) };
        // SAFETY: as above.
        (unsafe { *slot }, rest << deciding)
    }

    /// Asks for what `entry` leads to.
    #[inline(always)]
    pub(super) fn prefetch(self, entry: u32) {
        let page = self.roots.wrapping_add(page_index(entry)).cast();
        let line = self.blocks.wrapping_add(line_of(entry) * LINE);
        prefetch(std::hint::select_unpredictable(entry & PAGE != 0, page, line));
    }

    /// Returns how many of the first `capacity` numbers of `size` bytes at `line` are below the first `size` bytes of
    /// `window`.
    ///
    /// # Safety
    /// `line` is one of the store's, and has room for so many.
    #[inline(always)]
    unsafe fn below<A: Address>(line: *const u8, (size, capacity): (usize, usize), window: u32) -> usize {
        let unused = (32 - 8 * size as u32) & 31;
        let (window, mask) = (window >> unused, u32::MAX >> unused);
        let mut below = 0;
        #[expect(clippy::needless_bitwise_bool, reason = "both are known: no branch between them")]
        for step in steps(A::BITS) {
            let next = below + step;
            // SAFETY: the number is in the line, or it does not count and is within the slack behind all lines.
            let number = unsafe { line.add((next - 1) * size) };
            // SAFETY: as above.
            let number = u32::from_le(unsafe { number.cast::<u32>().read_unaligned() }) & mask;
            below = std::hint::select_unpredictable((next <= capacity) & (number < window), next, below);
        }
        below
    }

    /// Returns the entry of the line that a key comes to in the fan of `entry`, whose bits from there on are `rest`.
    ///
    /// # Safety
    /// `entry` is one of a fan of the store's.
    #[inline(always)]
    unsafe fn fanned<A: Address>(self, entry: u32, rest: u64) -> u32 {
        // SAFETY: a fan is within the store's blocks.
        let fan = unsafe { self.blocks.add(line_of(entry) * LINE) };
        // SAFETY: a fan is a line of separators.
        let below = unsafe { Self::below::<A>(fan, (separator_size(A::BITS), most(A::BITS)), (rest >> 32) as u32) };
        (entry | 1 << RUN_SHIFT) + 1 + below as u32
    }

    /// Returns the code of the wide list that begins with the line of `entry` for `key`.
    ///
    /// # Safety
    /// `entry` is one of a wide list of the table of `header`.
    #[inline(never)]
    pub(super) unsafe fn wide<A: Address>(self, header: &Header, entry: u32, key: A) -> u32 {
        // SAFETY: a list is within the store's blocks, and begins with a byte and the number of its boundaries.
        let start = unsafe { self.blocks.add(line_of(entry) * LINE) };
        // SAFETY: as above.
        let first = unsafe { std::slice::from_raw_parts(start, HEAD_BYTES) };
        let head = ListHead::read(*first.first_chunk().unwrap_or(&[0; HEAD_BYTES]));
        let width = usize::from(header.width);
        // SAFETY: the list is there to its end.
        let list = unsafe { std::slice::from_raw_parts(start, head.bytes(width)) };
        let boundaries = &list[HEAD_BYTES..head.codes()];
        let below = if head.size == 8 {
            boundaries.as_chunks().0.partition_point(|&boundary| u64::from_le_bytes(boundary) <= top(key))
        } else {
            boundaries.as_chunks().0.partition_point(|&boundary| u128::from_le_bytes(boundary) <= aligned(key))
        };
        // SAFETY: there are bytes behind the last node.
        unsafe { load_code::<ANY_WIDTH>(list[head.codes() + below * width..].as_ptr(), width) }
    }

    /// Returns the code that a key comes to by way of `entry`, whose bits from its slot on are `rest`.
    ///
    /// # Safety
    /// `entry` is one of a line or wide list of the table of `header`, whose codes have `WIDTH` bytes, if that is a width.
    #[inline(always)]
    unsafe fn lined<A: Address, const WIDTH: usize>(self, header: &Header, entry: u32, (key, rest): (A, u64)) -> u32 {
        let Some(format) = Format::of(entry) else {
            // SAFETY: without a format it is a wide list.
            return unsafe { self.wide(header, entry, key) };
        };
        let width = if WIDTH == ANY_WIDTH { usize::from(header.width) } else { WIDTH };
        let (run, slot) = Run::read(entry).unwrap_or((Run::ONE, 0));
        // SAFETY: a line is within the store's blocks.
        let line = unsafe { self.blocks.add(line_of(entry) * LINE) };
        let numbers = (format.size(A::BITS), format.capacity(A::BITS, width));
        // SAFETY: a line has room for its capacity.
        let below = unsafe { Self::below::<A>(line, numbers, run.window(slot, rest, 4)) };
        // SAFETY: a line has a code more than boundaries, the first at its end.
        let end = unsafe { line.add(LINE - width * below) };
        // SAFETY: as above, and no line has room for codes in its first three bytes.
        unsafe { load_code_before::<WIDTH>(end, width) }
    }

    /// Returns the code of `key` in a sparse table.
    ///
    /// # Safety
    /// `header` is one of the store's, of a sparse table.
    pub(super) unsafe fn find_sparse<A: Address>(self, header: &Header, key: A) -> u32 {
        // SAFETY: the caller's promise.
        let (mut entry, mut rest) = unsafe { self.root_entry(header, top(key)) };
        while entry & PAGE != 0 {
            // SAFETY: the entry is one of a page.
            (entry, rest) = unsafe { self.page_entry(entry, rest) };
        }
        if is_fan(entry) {
            // SAFETY: the entry is one of a fan.
            entry = unsafe { self.fanned::<A>(entry, rest) };
        }
        // SAFETY: what is no page and no fan is a line or list of the table.
        unsafe { self.lined::<A, ANY_WIDTH>(header, entry, (key, rest)) }
    }
}

/// Returns whether an entry that names no page names a fan.
#[inline(always)]
fn is_fan(entry: u32) -> bool {
    entry >> RUN_SHIFT == LINED >> RUN_SHIFT
}

/// Walks up to [`LANES`] keys, each by the header that `header_of` returns for its position.
///
/// # Safety
/// The headers are of sparse tables of the store whose columns these are; their codes have `WIDTH` bytes, if that is a
/// width. There are at most [`LANES`] keys.
#[inline(always)]
pub(super) unsafe fn group<'h, A: Address, const WIDTH: usize>(
    columns: Columns,
    header_of: impl Fn(usize) -> &'h Header,
    keys: &[A],
    values: &mut [u32],
) {
    let (mut entries, mut rests) = ([0_u32; LANES], [0_u64; LANES]);
    let mut tags = 0;
    for (lane, ((entry, rest), &key)) in entries.iter_mut().zip(&mut rests).zip(keys).enumerate() {
        // SAFETY: the caller's promise.
        (*entry, *rest) = unsafe { columns.root_entry(header_of(lane), top(key)) };
        tags |= *entry;
        columns.prefetch(*entry);
    }
    // The keys that have come to a page, in their order.
    let mut going = Lanes::new();
    if tags & PAGE != 0 {
        for (lane, &entry) in entries.iter().enumerate() {
            going.push(lane, entry & PAGE != 0);
        }
    }
    while going.count > 0 {
        let mut still = Lanes::new();
        for index in 0..going.count {
            let lane = going.get(index);
            // SAFETY: the entry is one of a page.
            (entries[lane], rests[lane]) = unsafe { columns.page_entry(entries[lane], rests[lane]) };
            columns.prefetch(entries[lane]);
            still.push(lane, entries[lane] & PAGE != 0);
        }
        going = still;
    }
    let fans = Lanes::of(entries[..keys.len()].iter().map(|&entry| is_fan(entry)));
    for index in 0..fans.count {
        let lane = fans.get(index);
        // SAFETY: the entry is one of a fan.
        entries[lane] = unsafe { columns.fanned::<A>(entries[lane], rests[lane]) };
        columns.prefetch(entries[lane]);
    }
    for (lane, (((value, &key), &entry), &rest)) in values.iter_mut().zip(keys).zip(&entries).zip(&rests).enumerate() {
        let header = header_of(lane);
        // SAFETY: what is no page and no fan is a line or list of the table.
        let code = unsafe { columns.lined::<A, WIDTH>(header, entry, (key, rest)) };
        // SAFETY: the code was there.
        *value = unsafe { columns.value(header, code) };
    }
}
