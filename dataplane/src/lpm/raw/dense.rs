//! The walk of dense tables: root entry, page, then block by block, each a bitmap and a code at the number of bits set
//! before the key's slot.
//!
//! Up to [`LANES`] keys are walked level by level: first all root entries, each with a prefetch of the block it names;
//! then all blocks; then, for the keys whose code is a child, the children, until none is left. No branch depends on a
//! key but the ones that ask how many keys of a group go on, so the loads of a group overlap.
#![expect(clippy::inline_always, reason = "what stays outside a stamped function is compiled without its features")]

use vrfleak_engine::Address;

use super::super::forest::block::{BITMAP_BYTES, FIRST_VALUE, slot_of};
use super::super::forest::shape::{BLOCK_BITS, aligned, top};
use super::columns::{ANY_WIDTH, Columns, LANES, Lanes, load_code, prefetch};
use super::part::{PAGE, page_index};
use super::store::Header;

/// Returns the slot of `key` in a block at bit `at`, which is below 128.
#[inline(always)]
fn slot<A: Address>(key: A, at: u32) -> u32 {
    if A::BITS == 32 || at <= 58 { ((top(key) << (at & 63)) >> 58) as u32 } else { slot_of(aligned(key), at) }
}

impl Columns {
    /// Returns the entry of the first block for a key with the first bits `top`, and the bit at which that block begins.
    ///
    /// # Safety
    /// `header` is one of the store's, of a dense or halved table, without pages unless `PAGED`.
    #[inline(always)]
    pub(super) unsafe fn block_entry<const PAGED: bool>(self, header: &Header, top: u64) -> (u32, u32) {
        let index = Self::root(header, top);
        // SAFETY: a root has `len + 1` entries from `root` on.
        let entry = unsafe { self.roots.add(index) };
        // SAFETY: as above.
        let entry = unsafe { *entry };
        if !PAGED {
            return (entry, header.at());
        }
        let inner = (top >> (header.page_shift & 63)) as usize & ((1 << (header.page_bits() & 31)) - 1);
        let is_paged = entry & PAGE != 0;
        let index = std::hint::select_unpredictable(is_paged, page_index(entry) + inner, index);
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

    /// Returns the code of `key` in a dense table.
    ///
    /// # Safety
    /// `header` is one of the store's, of a dense table.
    pub(super) unsafe fn find_dense<A: Address>(self, header: &Header, key: A) -> u32 {
        // SAFETY: the caller's promise.
        let (mut block, mut at) = unsafe { self.block_entry::<true>(header, top(key)) };
        loop {
            // SAFETY: an entry is a block of the table.
            let code = unsafe { self.code::<ANY_WIDTH>(header, block, slot(key, at)) };
            if code >= FIRST_VALUE {
                return code;
            }
            // SAFETY: the code is a child of the block.
            block = unsafe { self.child::<ANY_WIDTH>(header, block, code) };
            at += u32::from(BLOCK_BITS);
        }
    }
}

/// Walks up to [`LANES`] keys, each by the header that `header_of` returns for its position.
///
/// # Safety
/// The headers are of dense tables of the store whose columns these are; their codes have `WIDTH` bytes, if that is a
/// width, and their tables have no pages unless `PAGED`. There are at most [`LANES`] keys.
#[inline(always)]
pub(super) unsafe fn group<'h, A: Address, const WIDTH: usize, const PAGED: bool>(
    columns: Columns,
    header_of: impl Fn(usize) -> &'h Header,
    keys: &[A],
    values: &mut [u32],
) {
    let mut blocks = [0_u32; LANES];
    for (lane, (block, &key)) in blocks.iter_mut().zip(keys).enumerate() {
        // SAFETY: the caller's promise.
        (*block, _) = unsafe { columns.block_entry::<PAGED>(header_of(lane), top(key)) };
        prefetch(columns.blocks.wrapping_add(*block as usize));
    }
    let mut codes = [FIRST_VALUE; LANES];
    let mut least = u32::MAX;
    for (lane, (((code, value), &key), &block)) in
        codes.iter_mut().zip(values.iter_mut()).zip(keys).zip(&blocks).enumerate()
    {
        let header = header_of(lane);
        // SAFETY: an entry is a block of its table. A leaf under a root with pages reads the same at every slot.
        *code = unsafe { columns.code::<WIDTH>(header, block, slot(key, header.at())) };
        // SAFETY: the code was in that block.
        *value = unsafe { columns.value(header, *code) };
        least = least.min(*code);
    }
    // The keys that go on at a child, in their order.
    let mut going = Lanes::new();
    if least < FIRST_VALUE {
        for (lane, &code) in codes.iter().enumerate() {
            going.push(lane, code < FIRST_VALUE);
        }
    }
    let mut below = 0;
    while going.count > 0 {
        below += u32::from(BLOCK_BITS);
        for index in 0..going.count {
            let lane = going.get(index);
            // SAFETY: the code was in that block of the table, and is a child.
            blocks[lane] = unsafe { columns.child::<WIDTH>(header_of(lane), blocks[lane], codes[lane]) };
            prefetch(columns.blocks.wrapping_add(blocks[lane] as usize));
        }
        let mut still = Lanes::new();
        for index in 0..going.count {
            let lane = going.get(index);
            let header = header_of(lane);
            // SAFETY: a child is a block of the table.
            let code = unsafe { columns.code::<WIDTH>(header, blocks[lane], slot(keys[lane], header.at() + below)) };
            codes[lane] = code;
            // SAFETY: the code was in that block.
            values[lane] = unsafe { columns.value(header, code) };
            still.push(lane, code < FIRST_VALUE);
        }
        going = still;
    }
}
