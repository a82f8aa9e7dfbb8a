//! Big blocks: memory from the system and back to it, in huge pages.
//!
//! A fault costs more than what is written to the small page that it brings, and a block of many megabytes, which is
//! written from one end to the other, takes thousands of them. So a block of a huge page and more is a mapping of its own
//! that asks for huge pages, a few hundred times fewer faults, and whoever frees it gives it back at once: nothing is kept
//! that no part accounts for. Whole huge pages alone become such, so that no more memory is taken than was asked for, up to
//! a small page.
#![expect(unsafe_code, reason = "mappings are raw memory")]

use std::alloc::Layout;
use std::ptr::{self, NonNull};

use rustix::mm::{self, Advice, MapFlags, MremapFlags, ProtFlags};

/// Bytes of a huge page, and of the least block that is a mapping.
const HUGE_PAGE: usize = 2 << 20;
/// Bytes of a small page, or a multiple of it.
const PAGE: usize = 4 << 10;

/// Returns whether a block is a mapping of its own: its layout alone decides, so that whoever frees it knows.
#[inline]
pub(crate) fn is_big(layout: Layout) -> bool {
    layout.size() >= HUGE_PAGE && layout.align() <= HUGE_PAGE
}

/// Returns a big block of zeros, or null where the system has no such.
pub(crate) fn map(layout: Layout) -> *mut u8 {
    debug_assert!(is_big(layout));
    // A size is less than half of the address space, so nothing overflows.
    let bytes = layout.size().next_multiple_of(PAGE);
    let whole = bytes + HUGE_PAGE;
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a mapping at an address of the system's choice touches nothing that is there.
    let mapped = unsafe { mm::mmap_anonymous(ptr::null_mut(), whole, protection, MapFlags::PRIVATE) };
    let Some(mapped) = mapped.ok().and_then(|mapped| NonNull::new(mapped.cast::<u8>())) else { return ptr::null_mut() };
    let ahead = mapped.as_ptr().align_offset(HUGE_PAGE);
    // SAFETY: the alignment is reached within the huge page more that was mapped.
    let start = unsafe { mapped.as_ptr().add(ahead) };
    // SAFETY: the block ends within the mapping, less than a huge page before its end.
    let behind = unsafe { start.add(bytes) };
    // SAFETY: nobody knows of what was mapped before the block.
    unsafe { give_back(mapped.as_ptr(), ahead) };
    // SAFETY: nobody knows of what was mapped behind the block.
    unsafe { give_back(behind, HUGE_PAGE - ahead) };
    // Without huge pages everything works, slower.
    // SAFETY: the advice changes the pages behind the memory, never what is in it.
    let _ = unsafe { mm::madvise(start.cast(), bytes, Advice::LinuxHugepage) };
    start
}

/// Frees a big block.
///
/// # Safety
///
/// `block` came from [`map`] with this layout, and nobody uses it any longer.
pub(crate) unsafe fn unmap(block: *mut u8, layout: Layout) {
    // SAFETY: these are the pages that were mapped, and nobody uses them.
    unsafe { give_back(block, layout.size().next_multiple_of(PAGE)) };
}

/// Makes a big block longer or shorter where it is, if the system has room behind it; `false` if nothing changed.
///
/// # Safety
///
/// `block` came from [`map`] with this layout, and `size` is that of a big block.
pub(crate) unsafe fn resize(block: *mut u8, layout: Layout, size: usize) -> bool {
    let (old, new) = (layout.size().next_multiple_of(PAGE), size.next_multiple_of(PAGE));
    // SAFETY: the mapping is the caller's alone, and without leave to move it stays where it is.
    old == new || unsafe { mm::mremap(block.cast(), old, new, MremapFlags::empty()) }.is_ok()
}

/// Unmaps whole pages.
///
/// # Safety
///
/// They are mapped, and nobody uses them any longer.
unsafe fn give_back(start: *mut u8, bytes: usize) {
    if bytes > 0 {
        // SAFETY: the caller's promise.
        let unmapped = unsafe { mm::munmap(start.cast(), bytes) };
        debug_assert!(unmapped.is_ok(), "pages that were mapped");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_big_block_is_zeros_of_its_own_and_grows_in_place_or_not_at_all() {
        for size in [HUGE_PAGE, HUGE_PAGE + 1, 3 * HUGE_PAGE - 1, 16 << 20] {
            let layout = Layout::from_size_align(size, 64).expect("a layout");
            assert!(is_big(layout));
            let block = map(layout);
            assert!(!block.is_null() && block.addr().is_multiple_of(HUGE_PAGE));
            // SAFETY: the block has `size` bytes, zeros from the start, and nobody else knows of it.
            let bytes = unsafe { std::slice::from_raw_parts_mut(block, size) };
            assert!(bytes.iter().all(|&byte| byte == 0));
            bytes.fill(7);
            let less = Layout::from_size_align(HUGE_PAGE, 64).expect("a layout");
            // SAFETY: the block is this one, and the new size is that of a big block.
            assert!(unsafe { resize(block, layout, less.size()) });
            // SAFETY: the block has as many bytes now.
            assert!(unsafe { std::slice::from_raw_parts(block, less.size()) }.iter().all(|&byte| byte == 7));
            // SAFETY: as above.
            let grown = unsafe { resize(block, less, size) };
            // SAFETY: the block has the layout that the last change left, and nobody uses it any longer.
            unsafe { unmap(block, if grown { layout } else { less }) };
        }
    }

    #[test]
    fn a_vector_keeps_what_it_has_while_it_grows_and_shrinks_across_the_border() {
        let mut bytes = Vec::new();
        for step in 0..80_usize {
            bytes.extend(std::iter::repeat_n(step as u8, 50_000));
            assert!(bytes.chunks(50_000).enumerate().all(|(at, chunk)| chunk.iter().all(|&byte| byte == at as u8)));
        }
        for steps in [60, 45, 41, 30, 1] {
            bytes.truncate(steps * 50_000);
            bytes.shrink_to_fit();
            assert!(bytes.chunks(50_000).enumerate().all(|(at, chunk)| chunk.iter().all(|&byte| byte == at as u8)));
        }
    }
}
