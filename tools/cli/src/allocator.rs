//! The allocator of the command, and how it gives memory back.
#![expect(unsafe_code, reason = "the allocator's own function is one of C")]

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Gives back to the system what was freed: what the current thread and those of the current rayon pool have allocated, of
/// which each keeps the rest of its pages to itself. By itself the allocator does so about a second later, when it is next
/// asked for memory, and not with what another thread has freed.
pub(crate) fn give_back() {
    let collect = || {
        // SAFETY: the function may be called at any time on any thread; it looks at free memory alone.
        unsafe { libmimalloc_sys::mi_collect(true) }
    };
    rayon::broadcast(|_| collect());
    collect();
}
