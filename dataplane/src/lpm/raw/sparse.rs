//! The walk of sparse tables without vectors: root entry, page by page, then a search among a list's boundaries.
//!
//! Up to [`LANES`] keys are walked level by level, like those of [dense](super::dense) tables.
#![expect(clippy::inline_always, reason = "what stays outside a stamped function is compiled without its features")]

use vrfleak_engine::Address;

use super::super::forest::list::{HEAD_BYTES, ListHead, MOST, WIDE, WINDOW_BITS};
use super::super::forest::shape::{aligned, top};
use super::part::{PAGE, page_deciding, page_index};
use super::store::Header;
use super::walk::{ANY_WIDTH, Columns, LANES, Lanes, load_code, prefetch};

/// Boundaries that the search of a narrow list takes in one step, in order: no branch depends on a key.
const STEPS: [usize; 4] = [8, 4, 2, 1];

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
        let list = self.blocks.wrapping_add(entry as usize);
        prefetch(std::hint::select_unpredictable(entry & PAGE != 0, page, list));
    }

    /// Returns the code of the narrow list at `list` for a key whose bits from that list on are `rest`.
    ///
    /// # Safety
    /// `list` is the offset of a narrow list of the table of `header`, whose codes have `WIDTH` bytes, if that is a
    /// width.
    #[inline(always)]
    unsafe fn narrow<const WIDTH: usize>(self, header: &Header, list: u32, rest: u64) -> u32 {
        // SAFETY: a list is within the store's blocks.
        let start = unsafe { self.blocks.add(list as usize) };
        // SAFETY: a list begins with its head.
        let head = usize::from(unsafe { *start });
        let (count, size) = (head & MOST, (head >> 4 & 3) + 1);
        let boundaries = start.wrapping_add(HEAD_BYTES);
        let unused = (WINDOW_BITS - 8 * size as u32) & 31;
        let (bits, mask) = ((rest >> WINDOW_BITS) as u32 >> unused, u32::MAX >> unused);
        let mut below = 0;
        #[expect(clippy::needless_bitwise_bool, reason = "both are known: no branch between them")]
        for step in STEPS {
            let next = below + step;
            // SAFETY: the boundary is within the list, or it is below the 15th and within the slack behind all nodes.
            let boundary = unsafe { boundaries.add((next - 1) * size) };
            // SAFETY: as above.
            let boundary = u32::from_le(unsafe { boundary.cast::<u32>().read_unaligned() }) & mask;
            below = std::hint::select_unpredictable((next <= count) & (boundary <= bits), next, below);
        }
        let width = if WIDTH == ANY_WIDTH { usize::from(header.width) } else { WIDTH };
        // SAFETY: a list has a code more than boundaries, and `below` is at most their number.
        let code = unsafe { boundaries.add(count * size + below * width) };
        // SAFETY: as above.
        unsafe { load_code::<WIDTH>(code, width) }
    }

    /// Returns the code of the wide list at `list` for `key`.
    ///
    /// # Safety
    /// `list` is the offset of a wide list of the table of `header`.
    #[inline(never)]
    pub(super) unsafe fn wide<A: Address>(self, header: &Header, list: u32, key: A) -> u32 {
        // SAFETY: a list is within the store's blocks.
        let start = unsafe { self.blocks.add(list as usize) };
        // SAFETY: a wide list begins with its head and the number of its boundaries.
        let first = unsafe { std::slice::from_raw_parts(start, 5) };
        let count = u32::from_le_bytes([first[1], first[2], first[3], first[4]]) as usize;
        let head = ListHead { wide: true, count, size: if first[0] == WIDE { 8 } else { 16 } };
        let width = usize::from(header.width);
        // SAFETY: the list is there to its end.
        let list = unsafe { std::slice::from_raw_parts(start, head.bytes(width)) };
        let boundaries = &list[head.boundaries()..head.codes()];
        let below = if head.size == 8 {
            boundaries.as_chunks().0.partition_point(|&boundary| u64::from_le_bytes(boundary) <= top(key))
        } else {
            boundaries.as_chunks().0.partition_point(|&boundary| u128::from_le_bytes(boundary) <= aligned(key))
        };
        // SAFETY: there are bytes behind the last node.
        unsafe { load_code::<ANY_WIDTH>(list[head.codes() + below * width..].as_ptr(), width) }
    }

    /// Returns the code of the list at `list` for `key`, whose bits from that list on are `rest`.
    ///
    /// # Safety
    /// As [`Self::narrow`], of any list.
    #[inline(always)]
    pub(super) unsafe fn listed<A: Address, const WIDTH: usize>(
        self,
        header: &Header,
        list: u32,
        (key, rest): (A, u64),
    ) -> u32 {
        // SAFETY: a list is within the store's blocks.
        let start = unsafe { self.blocks.add(list as usize) };
        // SAFETY: a list begins with its head.
        if unsafe { *start } >= WIDE {
            // SAFETY: the head is one of a wide list.
            return unsafe { self.wide(header, list, key) };
        }
        // SAFETY: the head is one of a narrow list.
        unsafe { self.narrow::<WIDTH>(header, list, rest) }
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
        // SAFETY: what is no page is a list of the table.
        unsafe { self.listed::<A, ANY_WIDTH>(header, entry, (key, rest)) }
    }
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
    for (lane, (((value, &key), &list), &rest)) in values.iter_mut().zip(keys).zip(&entries).zip(&rests).enumerate() {
        let header = header_of(lane);
        // SAFETY: what is no page is a list of the table.
        let code = unsafe { columns.listed::<A, WIDTH>(header, list, (key, rest)) };
        // SAFETY: the code was in that list.
        *value = unsafe { columns.value(header, code) };
    }
}
