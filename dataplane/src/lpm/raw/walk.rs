//! The walk from a header to an answer, for one key, for a batch of one table and for a batch of any mix.
//!
//! One algorithm: root entry, then block by block, each a bitmap and a code at the number of bits set before the key's
//! slot; a list, searched without a branch, ends a path; last the code's value. Up to [`LANES`] keys are walked level by
//! level: first all root entries, each with a prefetch of the node it names; then all blocks; then, for the keys whose
//! code is a child, the children, until none is left; then all lists. No branch depends on a key but the ones that ask
//! how many keys of a group go on, so the loads of a group overlap. [`Isa`] stamps the same body with the instructions
//! that the processor has.
#![expect(clippy::inline_always, reason = "what stays outside a stamped function is compiled without its features")]

use vrfleak_engine::Address;

use super::super::forest::block::{BITMAP_BYTES, FIRST_VALUE, slot_of};
use super::super::forest::list::{DEEP, DEEP_BYTES, HEAD_BYTES, MOST};
use super::super::forest::shape::{BLOCK_BITS, aligned, top};
use super::super::table::TableId;
use super::isa::{Isa, Level};
use super::part::{LIST, OFFSET, PAGE};
use super::store::{Header, Store};

/// Keys walked together.
const LANES: usize = 64;

/// As the width of a walk's codes: whatever the key's header says.
const ANY_WIDTH: usize = 0;

/// Asks for the line at `at` ahead of its use.
#[inline(always)]
fn prefetch(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing that a program could see and faults on no address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Returns the slot of `key` in a block at bit `at`, which is below 128.
#[inline(always)]
fn slot<A: Address>(key: A, at: u32) -> u32 {
    if A::BITS == 32 || at <= 58 { ((top(key) << (at & 63)) >> 58) as u32 } else { slot_of(aligned(key), at) }
}

/// Where a store's columns begin. Valid while the store is borrowed.
#[derive(Clone, Copy)]
struct Columns {
    roots: *const u32,
    blocks: *const u8,
    values: *const u32,
}

impl Columns {
    fn of<A>(store: &Store<A>) -> Self {
        Self { roots: store.roots.as_ptr(), blocks: store.blocks.as_ptr(), values: store.values.as_ptr() }
    }

    /// Returns the index of the root entry for a key with the first bits `top`.
    #[inline(always)]
    fn root(header: &Header, top: u64) -> usize {
        let slot = (top >> (header.shift & 63)).wrapping_sub(header.first).min(u64::from(header.len));
        header.root as usize + slot as usize
    }

    /// Returns the entry of the first node for a key with the first bits `top`, and the bit at which that node begins.
    ///
    /// # Safety
    /// `header` is one of the store's, of a table without pages unless `PAGED`.
    #[inline(always)]
    unsafe fn entry<const PAGED: bool>(self, header: &Header, top: u64) -> (u32, u32) {
        let index = Self::root(header, top);
        // SAFETY: a root has `len + 1` entries from `root` on.
        let entry = unsafe { self.roots.add(index) };
        // SAFETY: as above.
        let entry = unsafe { *entry };
        if !PAGED {
            return (entry, header.at());
        }
        let inner = (top >> (header.page_shift & 63)) as usize & ((1 << (header.page_bits & 31)) - 1);
        let paged = (entry ^ PAGE) as usize + inner;
        let is_paged = entry & PAGE != 0;
        let index = std::hint::select_unpredictable(is_paged, paged, index);
        let shift = std::hint::select_unpredictable(is_paged, header.page_shift, header.shift);
        // SAFETY: a page has an entry for every value of its bits, and what is no page is loaded again.
        let entry = unsafe { self.roots.add(index) };
        // SAFETY: as above.
        (unsafe { *entry }, 64 - u32::from(shift))
    }

    /// Returns where the block at `block` begins and its bitmap.
    ///
    /// # Safety
    /// `block` is the offset of a block of the store.
    #[inline(always)]
    unsafe fn block(self, block: u32) -> (*const u8, u64) {
        // SAFETY: a block is within the store's blocks.
        let start = unsafe { self.blocks.add(block as usize) };
        // SAFETY: a block begins with its bitmap.
        let bitmap = unsafe { start.cast::<u64>().read_unaligned() };
        (start, u64::from_le(bitmap))
    }

    /// Returns the code that the block at `block` has for slot `slot`, which is below 64.
    ///
    /// # Safety
    /// `block` is the offset of a block of the table of `header`, whose codes have `WIDTH` bytes, if that is a width.
    #[inline(always)]
    unsafe fn code<const WIDTH: usize>(self, header: &Header, block: u32, slot: u32) -> u32 {
        // SAFETY: the caller's promise.
        let (start, bitmap) = unsafe { self.block(block) };
        let rank = (bitmap << (63 - slot)).count_ones() as usize;
        let width = if WIDTH == ANY_WIDTH { usize::from(header.width) } else { WIDTH };
        // SAFETY: a block has a code for every bit of its bitmap, of which bit 0 is set, so `rank` is 1 or more.
        let code = unsafe { start.add(BITMAP_BYTES + rank * width - width) };
        // SAFETY: as above.
        unsafe { load_code::<WIDTH>(code, width) }
    }

    /// Returns the entry of child `child` of the block at `block`.
    ///
    /// # Safety
    /// As [`Self::code`], and `child` is one of the block's codes and below [`FIRST_VALUE`].
    #[inline(always)]
    unsafe fn child<const WIDTH: usize>(self, header: &Header, block: u32, child: u32) -> u32 {
        // SAFETY: the caller's promise.
        let (start, bitmap) = unsafe { self.block(block) };
        let width = if WIDTH == ANY_WIDTH { usize::from(header.width) } else { WIDTH };
        let delta = BITMAP_BYTES + bitmap.count_ones() as usize * width + 4 * child as usize;
        // SAFETY: behind the codes a block has a delta for every child that its codes name.
        let delta = unsafe { start.add(delta) };
        // SAFETY: as above.
        let delta = unsafe { delta.cast::<u32>().read_unaligned() };
        block.wrapping_add(u32::from_le(delta))
    }

    /// Returns the code that the list at `list` has for `key`, if the list begins at bit `at`.
    ///
    /// # Safety
    /// `list` is the offset of a list of the table of `header`, whose codes have `WIDTH` bytes, if that is a width.
    #[inline(always)]
    unsafe fn listed<A: Address, const WIDTH: usize>(self, header: &Header, list: u32, key: A, at: u32) -> u32 {
        // SAFETY: a list is within the store's blocks.
        let start = unsafe { self.blocks.add(list as usize) };
        // SAFETY: a list begins with its head.
        let head = unsafe { *start };
        let (count, size) = (usize::from(head) & MOST, usize::from(head >> 4 & 7) + 1);
        let mut boundaries = start.wrapping_add(HEAD_BYTES);
        let bits = if A::BITS == 32 { top(key) << (at & 63) } else { ((aligned(key) << (at & 127)) >> 64) as u64 };
        let (mut bits, mut least, mut most) = (bits, 0, count);
        if A::BITS == 128 && head & DEEP != 0 {
            // SAFETY: behind the head of a deep list are eight bytes.
            let first = u64::from_le(unsafe { boundaries.cast::<u64>().read_unaligned() });
            boundaries = boundaries.wrapping_add(DEEP_BYTES);
            bits = aligned(key) as u64;
            least = if top(key) > first { count } else { 0 };
            most = if top(key) < first { 0 } else { count };
        }
        let unused = (64 - 8 * size as u32) & 63;
        let (bits, mask) = (bits >> unused, u64::MAX >> unused);
        let mut below = 0;
        for step in [8, 4, 2, 1] {
            let next = below + step;
            // SAFETY: the boundary is within the list, or it is below the 15th and within the slack behind all nodes.
            let boundary = unsafe { boundaries.add((next - 1) * size) };
            // SAFETY: as above.
            let boundary = u64::from_le(unsafe { boundary.cast::<u64>().read_unaligned() }) & mask;
            below = std::hint::select_unpredictable((next <= count) & (boundary <= bits), next, below);
        }
        let place = if A::BITS == 128 { below.clamp(least, most.max(least)) } else { below };
        let width = if WIDTH == ANY_WIDTH { usize::from(header.width) } else { WIDTH };
        // SAFETY: a list has a code more than boundaries, and `place` is at most their number.
        let code = unsafe { boundaries.add(count * size + place * width) };
        // SAFETY: as above.
        unsafe { load_code::<WIDTH>(code, width) }
    }

    /// Returns the value of `code`, or any of the store's values for a code that is a child.
    ///
    /// # Safety
    /// `code` is in a node of the table of `header`.
    #[inline(always)]
    unsafe fn value(self, header: &Header, code: u32) -> u32 {
        // SAFETY: every code of a table, and every number of a child, has a value from the table's dictionary on.
        let value = unsafe { self.values.add(header.dictionary as usize + code as usize) };
        // SAFETY: as above.
        unsafe { *value }
    }
}

/// Returns the code at `code`.
///
/// # Safety
/// A code of `width` bytes is there, which is `WIDTH` if that is a width, and the store's slack behind it.
#[inline(always)]
unsafe fn load_code<const WIDTH: usize>(code: *const u8, width: usize) -> u32 {
    if WIDTH == 1 {
        // SAFETY: the code is there.
        return u32::from(unsafe { *code });
    }
    // SAFETY: there are bytes behind the last node, so that four may be loaded at every code.
    let wide = u32::from_le(unsafe { code.cast::<u32>().read_unaligned() });
    wide & (u32::MAX >> ((32 - 8 * width as u32) & 31))
}

/// Returns the block of `entry`, or the leaf at 0 if it is a list: a block that every table may look into.
#[inline(always)]
fn without_list(entry: u32) -> u32 {
    std::hint::select_unpredictable(entry & LIST != 0, 0, entry)
}

/// Lanes of a group, appended without a branch.
#[derive(Clone, Copy)]
struct Lanes {
    of: [u8; LANES],
    count: usize,
}

impl Lanes {
    #[inline(always)]
    fn new() -> Self {
        Self { of: [0; LANES], count: 0 }
    }

    /// Appends `lane` if `take`; there are at most [`LANES`].
    #[inline(always)]
    fn push(&mut self, lane: usize, take: bool) {
        self.of[self.count % LANES] = lane as u8;
        self.count += usize::from(take);
    }

    /// Returns the lane at `index`.
    #[inline(always)]
    fn get(&self, index: usize) -> usize {
        usize::from(self.of[index % LANES]) % LANES
    }
}

/// Walks up to [`LANES`] keys, each by the header that `header_of` returns for its position.
///
/// # Safety
/// The headers are of the store whose columns these are; their codes have `WIDTH` bytes, if that is a width, and their
/// tables have no pages unless `PAGED`. There are at most [`LANES`] keys.
#[inline(always)]
unsafe fn group<'h, A: Address, const WIDTH: usize, const PAGED: bool>(
    columns: Columns,
    header_of: impl Fn(usize) -> &'h Header,
    keys: &[A],
    values: &mut [u32],
) {
    // Offsets of nodes; for the keys that have come to a list, the list's, and the bit at which it begins.
    let (mut blocks, mut begins) = ([0_u32; LANES], [0_u8; LANES]);
    let mut tags = 0;
    for (lane, ((block, begin), &key)) in blocks.iter_mut().zip(&mut begins).zip(keys).enumerate() {
        // SAFETY: the caller's promise.
        let (entry, at) = unsafe { columns.entry::<PAGED>(header_of(lane), top(key)) };
        (*block, *begin) = (entry, at as u8);
        tags |= entry;
        prefetch(columns.blocks.wrapping_add((entry & OFFSET) as usize));
    }
    // The keys that go on at a child, in their order, and those that have come to a list.
    let (mut going, mut lists) = (Lanes::new(), Lanes::new());
    let mut heads = [0_u32; LANES];
    if tags & LIST != 0 {
        for (lane, (block, head)) in blocks.iter_mut().zip(&mut heads).enumerate() {
            lists.push(lane, *block & LIST != 0);
            (*block, *head) = (without_list(*block), *block & OFFSET);
        }
    }
    let mut codes = [FIRST_VALUE; LANES];
    let mut least = u32::MAX;
    for (lane, (((code, value), &key), &block)) in
        codes.iter_mut().zip(values.iter_mut()).zip(keys).zip(&blocks).enumerate()
    {
        let header = header_of(lane);
        // SAFETY: a root's entry is a block of its table, or a list, in whose place stands the leaf at 0.
        *code = unsafe { columns.code::<WIDTH>(header, block, slot(key, header.at())) };
        // SAFETY: the code was in that block.
        *value = unsafe { columns.value(header, *code) };
        least = least.min(*code);
    }
    if least < FIRST_VALUE {
        for (lane, &code) in codes.iter().enumerate() {
            going.push(lane, code < FIRST_VALUE);
        }
    }
    let mut below = 0;
    while going.count > 0 {
        below += BLOCK_BITS;
        for index in 0..going.count {
            let lane = going.get(index);
            let header = header_of(lane);
            // SAFETY: the code was in that block of the table, and is a child.
            let entry = unsafe { columns.child::<WIDTH>(header, blocks[lane], codes[lane]) };
            prefetch(columns.blocks.wrapping_add((entry & OFFSET) as usize));
            lists.push(lane, entry & LIST != 0);
            (blocks[lane], heads[lane]) = (without_list(entry), entry & OFFSET);
            begins[lane] = header.at() as u8 + below;
        }
        let mut still = Lanes::new();
        for index in 0..going.count {
            let lane = going.get(index);
            let header = header_of(lane);
            let slot = slot(keys[lane], header.at() + u32::from(below));
            // SAFETY: a child is a block of the table, or a list, in whose place stands the leaf at 0.
            let code = unsafe { columns.code::<WIDTH>(header, blocks[lane], slot) };
            codes[lane] = code;
            // SAFETY: the code was in that block.
            values[lane] = unsafe { columns.value(header, code) };
            still.push(lane, code < FIRST_VALUE);
        }
        going = still;
    }
    for index in 0..lists.count {
        let lane = lists.get(index);
        let (header, at) = (header_of(lane), u32::from(begins[lane]));
        // SAFETY: an entry with the tag is a list of the table, which begins at that bit.
        let code = unsafe { columns.listed::<A, WIDTH>(header, heads[lane], keys[lane], at) };
        // SAFETY: the code was in that list.
        values[lane] = unsafe { columns.value(header, code) };
    }
}

/// Walks all `keys` through the table of `header`, group by group.
///
/// # Safety
/// As [`group`], for any number of keys.
#[inline(always)]
unsafe fn batch<A: Address, const WIDTH: usize, const PAGED: bool>(
    columns: Columns,
    header: &Header,
    keys: &[A],
    values: &mut [u32],
) {
    let (groups, rest) = keys.as_chunks::<LANES>();
    let (value_groups, value_rest) = values.as_chunks_mut::<LANES>();
    for (keys, values) in groups.iter().zip(value_groups) {
        // SAFETY: the caller's promise.
        unsafe { group::<A, WIDTH, PAGED>(columns, |_| header, keys, values) };
    }
    // SAFETY: as above, and the rest is shorter than a group.
    unsafe { group::<A, WIDTH, PAGED>(columns, |_| header, rest, value_rest) };
}

/// Walks all `keys`, each through its own table, group by group.
///
/// # Safety
/// `headers` are all of the store whose columns these are, and none of their tables has pages unless `PAGED`.
#[inline(always)]
unsafe fn mixed<A: Address, const PAGED: bool>(
    columns: Columns,
    headers: &[Header],
    tables: &[TableId],
    keys: &[A],
    values: &mut [u32],
) {
    let Some(empty) = headers.last() else { return };
    let groups = tables.chunks(LANES).zip(keys.chunks(LANES)).zip(values.chunks_mut(LANES));
    for ((tables, keys), values) in groups {
        let mut found = [empty; LANES];
        for (header, table) in found.iter_mut().zip(tables) {
            *header = headers.get(table.index()).unwrap_or(empty);
        }
        // SAFETY: the caller's promise.
        unsafe { group::<A, ANY_WIDTH, PAGED>(columns, |lane| found[lane % LANES], keys, values) };
    }
}

/// Stamps the two batch walks with the features of a level.
macro_rules! stamp {
    ($batch:ident, $mixed:ident $(, $feature:literal)?) => {
        /// # Safety
        /// `header` is one of the store's whose columns these are.
        $(#[target_feature(enable = $feature)])?
        unsafe fn $batch<A: Address>(columns: Columns, header: &Header, keys: &[A], values: &mut [u32]) {
            // SAFETY: the caller's promise, and the arm is the one of what the header says.
            match (header.width, header.page_bits) {
                // SAFETY: as above.
                (1, 0) => unsafe { batch::<A, 1, false>(columns, header, keys, values) },
                // SAFETY: as above.
                (1, _) => unsafe { batch::<A, 1, true>(columns, header, keys, values) },
                // SAFETY: as above.
                (2, 0) => unsafe { batch::<A, 2, false>(columns, header, keys, values) },
                // SAFETY: as above.
                (2, _) => unsafe { batch::<A, 2, true>(columns, header, keys, values) },
                // SAFETY: as above.
                _ => unsafe { batch::<A, 4, true>(columns, header, keys, values) },
            }
        }

        /// # Safety
        /// `headers` are all of the store whose columns these are; `paged` tells whether any of their tables has pages.
        $(#[target_feature(enable = $feature)])?
        unsafe fn $mixed<A: Address>(
            columns: Columns,
            (headers, paged): (&[Header], bool),
            tables: &[TableId],
            keys: &[A],
            values: &mut [u32],
        ) {
            if paged {
                // SAFETY: the caller's promise.
                unsafe { mixed::<A, true>(columns, headers, tables, keys, values) };
            } else {
                // SAFETY: the caller's promise.
                unsafe { mixed::<A, false>(columns, headers, tables, keys, values) };
            }
        }
    };
}

stamp!(batch_portable, mixed_portable);
#[cfg(target_arch = "x86_64")]
stamp!(batch_avx2, mixed_avx2, "avx2,bmi1,bmi2,popcnt");

impl<A: Address> Store<A> {
    /// Returns the index among the values of the answer that `table` has for `key`.
    pub(in crate::lpm) fn find(&self, table: TableId, key: A) -> usize {
        let (columns, header) = (Columns::of(self), self.header(table));
        // SAFETY: the header is this store's.
        let (mut entry, mut at) = unsafe { columns.entry::<true>(header, top(key)) };
        loop {
            let code = if entry & LIST == 0 {
                // SAFETY: an entry without a tag is a block of the table.
                unsafe { columns.code::<ANY_WIDTH>(header, entry, slot(key, at)) }
            } else {
                // SAFETY: an entry with the tag is a list of the table, which begins at that bit.
                unsafe { columns.listed::<A, ANY_WIDTH>(header, entry & OFFSET, key, at) }
            };
            if code >= FIRST_VALUE {
                return header.dictionary as usize + code as usize;
            }
            // SAFETY: the code is a child of the block.
            entry = unsafe { columns.child::<ANY_WIDTH>(header, entry, code) };
            at += u32::from(BLOCK_BITS);
        }
    }

    /// Looks all `keys` up in `table`.
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    pub(in crate::lpm) fn batch(&self, isa: Isa, table: TableId, keys: &[A], values: &mut [u32]) {
        assert_eq!(keys.len(), values.len(), "one value a key");
        let (columns, header) = (Columns::of(self), self.header(table));
        match isa.level() {
            // SAFETY: the header is this store's.
            Level::Portable => unsafe { batch_portable(columns, header, keys, values) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above, and whoever holds the level has the features.
            Level::Avx2 => unsafe { batch_avx2(columns, header, keys, values) },
        }
    }

    /// Looks each key up in the table at the same position.
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    pub(in crate::lpm) fn mixed(&self, isa: Isa, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        assert_eq!(keys.len(), values.len(), "one value a key");
        assert_eq!(keys.len(), tables.len(), "one table a key");
        let (columns, headers) = (Columns::of(self), (&self.headers[..], self.paged));
        match isa.level() {
            // SAFETY: the headers are this store's.
            Level::Portable => unsafe { mixed_portable(columns, headers, tables, keys, values) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above, and whoever holds the level has the features.
            Level::Avx2 => unsafe { mixed_avx2(columns, headers, tables, keys, values) },
        }
    }
}
