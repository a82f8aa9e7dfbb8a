//! The allocator of the command: it counts the bytes that are in use, and gives back what was freed.
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

// SAFETY: every function is mimalloc's, and a count takes no memory from it.
unsafe impl GlobalAlloc for Counting {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: what the caller promises is what is asked for.
        unsafe { MiMalloc.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as in `alloc`.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.wrapping_sub(layout.size()));
        // SAFETY: as in `alloc`.
        unsafe { MiMalloc.realloc(block, layout, size) }
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
        memory.extend_from_slice(&vec![1; MANY]);
        memory.shrink_to_fit();
        assert!(near(before, give_back(), 2 * MANY));
        std::thread::spawn(move || drop(memory)).join().expect("it drops");
        assert!(before.abs_diff(give_back()) < MANY / 2);
    }
}
