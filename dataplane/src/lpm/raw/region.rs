//! [`Region`]: one piece of memory, zero at first, in huge pages where it is worth one and the system gives any.

use std::alloc::{self, Layout};
use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::ptr::NonNull;

use super::columns::{SECOND_CACHE, prefetch_into};

/// Bytes of a huge page.
pub(crate) const HUGE_PAGE: usize = 2 << 20;

/// Bytes from which on a region is mapped in whole huge pages: from about here on small pages do not all fit the
/// translation buffers, and where they happen to lie decides how many lines of them the second cache can hold, which
/// makes the speed of one and the same table vary by 40% from build to build.
const WORTH: usize = HUGE_PAGE / 4;

/// Bytes to which a region that is not mapped is aligned: a line of the cache.
const LINE: usize = 64;

/// What may lie in a region: plain integers, for which every bit pattern is a value.
pub(crate) trait Plain: Copy + Send + Sync + 'static {}
impl Plain for u8 {}
impl Plain for u16 {}
impl Plain for u32 {}

/// A slice of integers whose memory asks for huge pages if it is worth one.
///
/// From a quarter of a huge page on it is mapped (on Linux), aligned to a huge page, and not touched: huge pages are
/// asked for before the first touch, and without them what is never written costs nothing. An allocator that is asked for
/// zeros with such an alignment writes them first, on one thread, so that no huge page comes, and keeps the memory for a
/// while when it is freed.
pub(crate) struct Region<T: Plain> {
    start: NonNull<T>,
    len: usize,
    mapping: Option<Mapping>,
    advised: bool,
}

// SAFETY: the region owns its memory alone, and plain integers may be sent to and read from any thread.
unsafe impl<T: Plain> Send for Region<T> {}
// SAFETY: a shared region only hands out shared slices.
unsafe impl<T: Plain> Sync for Region<T> {}

impl<T: Plain> fmt::Debug for Region<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Region").field("len", &self.len).field("advised", &self.advised).finish_non_exhaustive()
    }
}

impl<T: Plain> Region<T> {
    /// Returns a region of `len` zeros; `huge` tells whether huge pages may be asked for.
    pub(crate) fn zeroed(len: usize, huge: bool) -> Self {
        let layout = Self::layout(len);
        if layout.size() >= WORTH
            && let Some(region) = Self::mapped(len, huge)
        {
            return region;
        }
        if layout.size() == 0 {
            return Self { start: NonNull::dangling(), len, mapping: None, advised: false };
        }
        // SAFETY: the layout has a size above 0.
        let start = unsafe { alloc::alloc_zeroed(layout) }.cast::<T>();
        let Some(start) = NonNull::new(start) else { alloc::handle_alloc_error(layout) };
        Self { start, len, mapping: None, advised: false }
    }

    /// Returns a region of `len` zeros that cost addresses alone until they are written, if the system has such.
    pub(super) fn mapped(len: usize, huge: bool) -> Option<Self> {
        let mapping = Mapping::new(len.checked_mul(size_of::<T>())?)?;
        let advised = huge && mapping.advise_huge();
        Some(Self { start: mapping.start.cast(), len, mapping: Some(mapping), advised })
    }

    /// Makes a mapped region shorter and gives back what is behind; another region stays as it is.
    pub(super) fn shrink(&mut self, len: usize) {
        if let Some(mapping) = &mut self.mapping
            && len < self.len
        {
            self.len = len;
            mapping.shrink(len * size_of::<T>());
        }
    }

    /// Returns a copy of `items`.
    pub(in crate::lpm) fn copied(items: &[T], huge: bool) -> Self {
        let mut region = Self::zeroed(items.len(), huge);
        region.copy_from_slice(items);
        region
    }

    /// Makes the region longer by zeros: a copy of everything.
    pub(crate) fn grow(&mut self, len: usize, huge: bool) {
        assert!(len >= self.len, "a region does not shrink");
        let mut longer = Self::zeroed(len, huge);
        longer[..self.len].copy_from_slice(self);
        *self = longer;
    }

    fn layout(len: usize) -> Layout {
        let bytes = len.checked_mul(size_of::<T>()).expect("a region fits the address space");
        Layout::from_size_align(bytes, LINE).expect("a region fits the address space")
    }

    /// Asks the second cache for the line of the element at `index` ahead of its use; beyond the end nothing happens that a program
    /// could see.
    #[inline]
    pub(crate) fn prefetch(&self, index: usize) {
        prefetch_into::<SECOND_CACHE>(self.start.as_ptr().wrapping_add(index).cast());
    }

    /// Returns the addresses of the memory, if the system took the request for huge pages.
    pub(crate) fn advised(&self) -> Option<Range<usize>> {
        let start = self.start.as_ptr().addr();
        self.advised.then(|| start..start + self.bytes())
    }

    /// Returns the bytes in use.
    pub(crate) fn bytes(&self) -> usize {
        self.len * size_of::<T>()
    }
}

impl<T: Plain> Deref for Region<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: there are `len` elements from `start`, zero from the start, and nobody else writes while `self` is borrowed.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> DerefMut for Region<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> Drop for Region<T> {
    fn drop(&mut self) {
        if self.mapping.is_none() && self.bytes() > 0 {
            // SAFETY: `start` came from `alloc_zeroed` with this very layout.
            unsafe { alloc::dealloc(self.start.as_ptr().cast(), Self::layout(self.len)) };
        }
    }
}

/// Memory that the system mapped and takes back.
struct Mapping {
    /// Where what was asked for begins, at a huge page.
    start: NonNull<u8>,
    /// What was mapped: as many whole huge pages and one more, for the alignment.
    whole: (NonNull<u8>, usize),
}

#[cfg(target_os = "linux")]
impl Mapping {
    /// Maps `bytes` zeros, or returns `None` where the system does not. What is not touched costs addresses alone.
    fn new(bytes: usize) -> Option<Self> {
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
    fn shrink(&mut self, bytes: usize) {
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

    /// Asks for huge pages up to the end of the last one, and returns whether the system took the request; without them
    /// everything works, slower.
    fn advise_huge(&self) -> bool {
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
    fn new(_bytes: usize) -> Option<Self> {
        None
    }

    fn shrink(&mut self, _bytes: usize) {}

    fn advise_huge(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_may_be_written_on_both_sides_of_where_mapping_begins() {
        for len in [0, 1, WORTH / 4 - 1, WORTH / 4, 3 << 20] {
            let mut region = Region::<u32>::zeroed(len, true);
            assert_eq!(region.len(), len);
            assert!(region.iter().all(|&word| word == 0));
            region.fill(7);
            assert_eq!(region.bytes(), 4 * len);
            let copy = Region::copied(&region, false);
            assert_eq!((&copy[..], copy.advised()), (&region[..], None));
            region.grow(len + 3, false);
            assert_eq!(region[len..], [0; 3]);
            assert!(region[..len].iter().all(|&word| word == 7));
        }
    }

    #[test]
    fn a_mapped_region_begins_at_a_huge_page() {
        let region = Region::<u8>::zeroed(WORTH, true);
        if cfg!(target_os = "linux") {
            assert!(region.as_ptr().addr().is_multiple_of(HUGE_PAGE));
        }
        assert!(region.advised().is_none_or(|advised| advised.len() == WORTH));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_kept_of_a_mapping_stays() {
        let most = 64 << 20;
        for kept in [1, HUGE_PAGE - 1, HUGE_PAGE, HUGE_PAGE + 1, most - 1, most] {
            let mut region = Region::<u8>::mapped(most, false).expect("addresses");
            region[..kept].fill(7);
            region.shrink(kept);
            assert_eq!(region.len(), kept);
            assert!(region.iter().all(|&byte| byte == 7));
            region.grow(kept + 1, false);
            assert_eq!((region[kept - 1], region[kept]), (7, 0));
        }
    }
}
