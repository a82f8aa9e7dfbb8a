//! [`Pages`]: zeros that cost no memory before they are written, in huge pages where the system gives any.

use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::ptr::NonNull;

use super::region::{HUGE_PAGE, Plain};

/// A slice of integers, zero at first.
///
/// From a huge page on its memory is mapped (on Linux), aligned to a huge page, and not touched: huge pages are asked
/// for before the first touch, and without them what is never written costs nothing. An allocator that is asked for
/// zeros with such an alignment writes them all.
pub(in crate::lpm) struct Pages<T: Plain> {
    memory: Memory<T>,
    advised: bool,
}

enum Memory<T> {
    Heap(Vec<T>),
    Mapped(Mapping, usize),
}

impl<T: Plain> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("len", &self.len()).field("advised", &self.advised).finish_non_exhaustive()
    }
}

impl<T: Plain + Default> Pages<T> {
    /// Returns `len` zeros; `huge` tells whether huge pages may be asked for.
    pub(in crate::lpm) fn zeroed(len: usize, huge: bool) -> Self {
        let bytes = len.checked_mul(size_of::<T>()).expect("a slice fits the address space");
        let mapping = (bytes >= HUGE_PAGE).then(|| Mapping::new(bytes)).flatten();
        match mapping {
            Some(mapping) => {
                let advised = huge && mapping.advise_huge();
                Self { memory: Memory::Mapped(mapping, len), advised }
            }
            None => Self { memory: Memory::Heap(vec![T::default(); len]), advised: false },
        }
    }

    /// Returns a copy of `items` that has room for `len` of them, the rest zeros.
    pub(in crate::lpm) fn copied(items: &[T], len: usize, huge: bool) -> Self {
        let mut pages = Self::zeroed(len, huge);
        pages[..items.len()].copy_from_slice(items);
        pages
    }
}

impl<T: Plain> Pages<T> {
    /// Returns the bytes that are reserved.
    pub(in crate::lpm) fn bytes(&self) -> usize {
        size_of_val(&**self)
    }

    /// Returns the addresses of the memory, if the system took the request for huge pages.
    pub(in crate::lpm) fn advised(&self) -> Option<Range<usize>> {
        let start = self.as_ptr().addr();
        self.advised.then(|| start..start + self.bytes())
    }
}

impl<T: Plain> Deref for Pages<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match &self.memory {
            Memory::Heap(items) => items,
            // SAFETY: the mapping has room for `len` integers, all bits of which are set, and nobody else writes while
            // `self` is borrowed.
            Memory::Mapped(mapping, len) => unsafe { std::slice::from_raw_parts(mapping.start.as_ptr().cast(), *len) },
        }
    }
}

impl<T: Plain> DerefMut for Pages<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.memory {
            Memory::Heap(items) => items,
            Memory::Mapped(mapping, len) => {
                // SAFETY: as in `deref`, and `self` is borrowed mutably.
                unsafe { std::slice::from_raw_parts_mut(mapping.start.as_ptr().cast(), *len) }
            }
        }
    }
}

/// Memory that the system mapped and takes back.
pub(super) struct Mapping {
    /// Where what was asked for begins.
    pub(super) start: NonNull<u8>,
    /// What was mapped: as many whole huge pages and one more, for the alignment.
    whole: (NonNull<u8>, usize),
}

// SAFETY: the mapping is owned alone, and has no tie to a thread.
unsafe impl Send for Mapping {}
// SAFETY: a shared mapping is only read.
unsafe impl Sync for Mapping {}

#[cfg(target_os = "linux")]
impl Mapping {
    /// Maps `bytes` zeros, or returns `None` where the system does not. What is not touched costs addresses alone.
    pub(super) fn new(bytes: usize) -> Option<Self> {
        use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
        let len = bytes.checked_next_multiple_of(HUGE_PAGE)?.checked_add(HUGE_PAGE)?;
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a mapping at an address of the system's choice touches nothing that is there.
        let whole = unsafe { mmap_anonymous(std::ptr::null_mut(), len, protection, flags) };
        let whole = NonNull::new(whole.ok()?.cast::<u8>())?;
        let ahead = whole.as_ptr().align_offset(HUGE_PAGE);
        // SAFETY: the alignment is reached within the huge page more that was mapped.
        let start = unsafe { whole.add(ahead) };
        Some(Self { start, whole: (whole, len) })
    }

    /// Gives back all but the first `bytes`, rounded up to a huge page.
    pub(super) fn shrink(&mut self, bytes: usize) {
        let (whole, len) = self.whole;
        let kept = self.start.as_ptr().addr() - whole.as_ptr().addr() + bytes.next_multiple_of(HUGE_PAGE);
        if kept > 0 && kept < len {
            // SAFETY: the end is within the mapping, whose length is above `kept`.
            let tail = unsafe { whole.add(kept) };
            // SAFETY: whoever shrinks a mapping has it alone and no longer reads what is behind `bytes`.
            if unsafe { rustix::mm::munmap(tail.as_ptr().cast(), len - kept) }.is_ok() {
                self.whole = (whole, kept);
            }
        }
    }

    /// Asks for huge pages up to the end of the last one, and returns whether the system took the request.
    pub(super) fn advise_huge(&self) -> bool {
        // What was mapped ends less than a huge page behind the last whole one.
        let bytes = (self.whole.1 - HUGE_PAGE) & !(HUGE_PAGE - 1);
        let advice = rustix::mm::Advice::LinuxHugepage;
        // SAFETY: the advice changes the pages behind the memory, never what is in it.
        unsafe { rustix::mm::madvise(self.start.as_ptr().cast(), bytes, advice) }.is_ok()
    }
}

#[cfg(target_os = "linux")]
impl Drop for Mapping {
    fn drop(&mut self) {
        let (start, len) = self.whole;
        // SAFETY: `new` made this very mapping, and whoever drops it no longer reads it.
        let unmapped = unsafe { rustix::mm::munmap(start.as_ptr().cast(), len) };
        debug_assert!(unmapped.is_ok(), "a mapping that was there");
    }
}

/// Other systems have the allocator's memory.
#[cfg(not(target_os = "linux"))]
impl Mapping {
    pub(super) fn new(_bytes: usize) -> Option<Self> {
        None
    }

    pub(super) fn shrink(&mut self, _bytes: usize) {}

    pub(super) fn advise_huge(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_there_on_both_sides_of_a_huge_page() {
        for len in [0, 5, HUGE_PAGE / 4 - 1, HUGE_PAGE / 4, HUGE_PAGE + 3] {
            let mut pages = Pages::<u32>::zeroed(len, true);
            assert_eq!(pages.len(), len);
            assert!(pages.iter().all(|&item| item == 0));
            pages.fill(7);
            let copy = Pages::copied(&pages, len + 1, false);
            assert!(copy[..len].iter().all(|&item| item == 7));
            assert_eq!((copy[len], copy.bytes(), copy.advised()), (0, 4 * len + 4, None));
        }
    }
}
