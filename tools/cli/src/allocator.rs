//! The allocator of the command: it counts the bytes that are in use, asks for huge pages for big blocks, and gives back what was
//! freed.
#![expect(unsafe_code, reason = "an allocator hands out raw memory, and one function of it is C's")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Threads that count by themselves; all later ones share a count.
const COUNTS: usize = 64;

/// The bytes that each thread has allocated less those that it has freed, modulo 2^64: what one thread allocates another may
/// free, so only the sum means anything.
static IN_USE: [Count; COUNTS] = [const { Count(AtomicUsize::new(0)) }; COUNTS];

/// How many threads have a count.
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The count of this thread, `usize::MAX` before it has one.
    static COUNT: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// A count in a cache line of its own.
#[repr(align(64))]
struct Count(AtomicUsize);

/// mimalloc, counted.
struct Counting;

/// Bytes of a huge page, and of a block from which on it has some: it begins with one, and no page of small blocks has any, of which
/// most might never be touched. A fault a huge page in place of 512 takes a tenth off a leak of four million routes on two threads,
/// which would wait for each other there (Xeon).
const HUGE_PAGE: usize = 2 << 20;

/// Returns `layout`, aligned to huge pages if it fills any.
#[inline]
fn aligned(layout: Layout) -> Layout {
    // Above the limit of sizes there is no such layout, and no block.
    if layout.size() < HUGE_PAGE { layout } else { layout.align_to(HUGE_PAGE).unwrap_or(layout) }
}

/// Asks for huge pages for as much of a block of `size` bytes as fills them, and returns it; without effect where there are none, or no
/// block.
#[inline]
fn in_huge_pages(block: *mut u8, size: usize) -> *mut u8 {
    #[cfg(target_os = "linux")]
    if size >= HUGE_PAGE && !block.is_null() {
        let bytes = size / HUGE_PAGE * HUGE_PAGE;
        // SAFETY: the bytes are the block's, and the advice changes nothing that a program could see.
        let _ = unsafe { rustix::mm::madvise(block.cast(), bytes, rustix::mm::Advice::LinuxHugepage) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = size;
    block
}

/// Adds to the count of this thread, modulo 2^64.
#[inline]
fn count(bytes: usize) {
    COUNT.with(|own| {
        if own.get() == usize::MAX {
            own.set(THREADS.fetch_add(1, Ordering::Relaxed).min(COUNTS - 1));
        }
        let index = own.get();
        let Count(count) = &IN_USE[index];
        if index + 1 < COUNTS {
            // Nobody else writes it: an addition that no other can come between costs ten times as much.
            count.store(count.load(Ordering::Relaxed).wrapping_add(bytes), Ordering::Relaxed);
        } else {
            count.fetch_add(bytes, Ordering::Relaxed);
        }
    });
}

// SAFETY: every function is mimalloc's, which wants no layout back but takes any block as its own, or made of such; a count takes no
// memory from it.
unsafe impl GlobalAlloc for Counting {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: what the caller promises is what is asked for, aligned to no less.
        in_huge_pages(unsafe { MiMalloc.alloc(aligned(layout)) }, layout.size())
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as in `alloc`.
        in_huge_pages(unsafe { MiMalloc.alloc_zeroed(aligned(layout)) }, layout.size())
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.wrapping_sub(layout.size()));
        if size < HUGE_PAGE || size <= layout.size() {
            // SAFETY: as in `alloc`.
            return unsafe { MiMalloc.realloc(block, layout, size) };
        }
        // SAFETY: the caller promises that there is such a layout.
        let grown = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: as in `alloc`.
        let new = in_huge_pages(unsafe { MiMalloc.alloc(aligned(grown)) }, size);
        if new.is_null() {
            return new;
        }
        // SAFETY: both have that many bytes, and the new one is nobody else's.
        unsafe { block.copy_to_nonoverlapping(new, layout.size()) };
        // SAFETY: the caller gives it up, since there is another.
        unsafe { MiMalloc.dealloc(block, layout) };
        new
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(layout.size().wrapping_neg());
        // SAFETY: as in `alloc`.
        unsafe { MiMalloc.dealloc(block, layout) }
    }
}

/// Gives back to the system what was freed: what the current thread and those of the current rayon pool have allocated, of
/// which each keeps the rest of its pages to itself. By itself the allocator does so about a second later, when it is next
/// asked for memory, and not with what another thread has freed. Returns the bytes that are in use, as they were asked for.
pub(crate) fn give_back() -> usize {
    let collect = || {
        // SAFETY: the function may be called at any time on any thread; it looks at free memory alone.
        unsafe { libmimalloc_sys::mi_collect(true) }
    };
    rayon::broadcast(|_| collect());
    collect();
    IN_USE.iter().fold(0, |sum, Count(count)| sum.wrapping_add(count.load(Ordering::Relaxed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_is_counted_across_threads() {
        const MANY: usize = 64 << 20;
        // Other tests allocate meanwhile, far less than this.
        let near = |before: usize, now: usize, bytes: usize| now.wrapping_sub(before).abs_diff(bytes) < MANY / 2;
        let before = give_back();
        let mut memory = vec![1_u8; MANY];
        assert!(near(before, give_back(), MANY));
        memory.extend_from_slice(&vec![2; MANY]);
        memory.shrink_to_fit();
        assert!(memory[..MANY].iter().all(|&byte| byte == 1) && memory[MANY..].iter().all(|&byte| byte == 2));
        assert!(near(before, give_back(), 2 * MANY));
        std::thread::spawn(move || drop(memory)).join().expect("it drops");
        assert!(before.abs_diff(give_back()) < MANY / 2);
    }

    #[test]
    fn blocks_are_whole_on_both_sides_of_a_huge_page() {
        for size in [HUGE_PAGE - 1, HUGE_PAGE, HUGE_PAGE + 1, 3 * HUGE_PAGE - 1] {
            let zeros = vec![0_u8; size];
            assert!(zeros.iter().all(|&byte| byte == 0));
            assert!(size < HUGE_PAGE || zeros.as_ptr().addr().is_multiple_of(HUGE_PAGE), "{size}");
            // Grown from one side to the other, and shrunk again.
            let mut bytes: Vec<u8> = (0..size / 3).map(|at| at as u8).collect();
            bytes.reserve_exact(2 * size);
            bytes.resize(size, 7);
            bytes.shrink_to_fit();
            bytes.truncate(size / 3);
            bytes.shrink_to_fit();
            assert!(bytes.iter().enumerate().all(|(at, &byte)| byte == at as u8), "{size}");
        }
    }
}
