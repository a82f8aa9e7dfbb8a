//! [`Region`]: one piece of memory in huge pages, where the system gives any.

use std::alloc::{self, Layout};
use std::fmt;
use std::ptr::NonNull;

use super::pages::Mapping;
use super::walk::prefetch;

/// Bytes of a huge page.
pub(crate) const HUGE_PAGE: usize = 2 << 20;

/// Bytes from which on a region is whole huge pages, aligned to one: from about here on small pages do not all fit the
/// translation buffers, and where they happen to lie decides how many lines of them the second cache can hold.
const WORTH: usize = HUGE_PAGE / 4;

/// What may lie in a region: plain integers, for which every bit pattern is a value.
pub(crate) trait Plain: Copy + Send + Sync + 'static {}
impl Plain for u8 {}
impl Plain for u16 {}
impl Plain for u32 {}

/// A slice of integers whose memory asks for huge pages if it is worth one.
///
/// What is worth one is mapped (on Linux): an allocator that is asked for zeros with such an alignment writes them all, on
/// one thread, and keeps the memory for a while when it is freed.
pub(crate) struct Region<T: Plain> {
    start: NonNull<T>,
    len: usize,
    advised: bool,
    /// `None` where the allocator gave the memory.
    mapping: Option<Mapping>,
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
    /// Returns a region of `len` zeros, whose pages nobody has touched if the system gives fresh ones; `huge` tells
    /// whether huge pages may be asked for, which happens before the first touch.
    pub(crate) fn zeroed(len: usize, huge: bool) -> Self {
        if len == 0 {
            return Self { start: NonNull::dangling(), len, advised: false, mapping: None };
        }
        let layout = Self::layout(len);
        if layout.align() == HUGE_PAGE
            && let Some(region) = Self::mapped(len, huge)
        {
            return region;
        }
        // SAFETY: the layout has a size above 0, since `len` is.
        let start = unsafe { alloc::alloc_zeroed(layout) }.cast::<T>();
        let Some(start) = NonNull::new(start) else { alloc::handle_alloc_error(layout) };
        let advised = huge && layout.align() == HUGE_PAGE && advise_huge(start.cast(), layout.size());
        Self { start, len, advised, mapping: None }
    }

    /// Returns a region of `len` zeros that cost addresses alone until they are written, if the system has such.
    pub(super) fn mapped(len: usize, huge: bool) -> Option<Self> {
        let mapping = Mapping::new(len.checked_mul(size_of::<T>())?)?;
        let advised = huge && mapping.advise_huge();
        Some(Self { start: mapping.start.cast(), len, advised, mapping: Some(mapping) })
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

    /// Makes the region longer by zeros: a copy of everything.
    pub(crate) fn grow(&mut self, len: usize, huge: bool) {
        assert!(len >= self.len, "a region does not shrink");
        let mut longer = Self::zeroed(len, huge);
        longer[..self.len].copy_from_slice(self);
        *self = longer;
    }

    fn layout(len: usize) -> Layout {
        let bytes = len.checked_mul(size_of::<T>()).expect("a region fits the address space");
        let align = if bytes >= WORTH { HUGE_PAGE } else { 64 };
        let layout = Layout::from_size_align(bytes, align).expect("a region fits the address space");
        if align == HUGE_PAGE { layout.pad_to_align() } else { layout }
    }

    /// Asks for the line of the element at `index` ahead of its use; beyond the end nothing happens that a program could see.
    #[inline]
    pub(crate) fn prefetch(&self, index: usize) {
        prefetch(self.start.as_ptr().wrapping_add(index).cast());
    }

    /// Returns whether the system took the request for huge pages.
    pub(crate) fn advised(&self) -> bool {
        self.advised
    }

    /// Returns the bytes in use.
    pub(crate) fn bytes(&self) -> usize {
        self.len * size_of::<T>()
    }
}

impl<T: Plain> std::ops::Deref for Region<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: there are `len` elements from `start`, zero from the start, and nobody else writes while `self` is borrowed.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> std::ops::DerefMut for Region<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> Drop for Region<T> {
    fn drop(&mut self) {
        if self.len > 0 && self.mapping.is_none() {
            // SAFETY: `start` came from `alloc_zeroed` with this very layout.
            unsafe { alloc::dealloc(self.start.as_ptr().cast(), Self::layout(self.len)) };
        }
    }
}

/// Asks for huge pages and returns whether the system took the request; without them everything works, slower.
#[cfg(target_os = "linux")]
fn advise_huge(start: NonNull<u8>, bytes: usize) -> bool {
    // SAFETY: the advice changes the pages behind the memory, never what is in it.
    unsafe { rustix::mm::madvise(start.as_ptr().cast(), bytes, rustix::mm::Advice::LinuxHugepage) }.is_ok()
}

/// There is nothing to ask for on other systems.
#[cfg(not(target_os = "linux"))]
fn advise_huge(_start: NonNull<u8>, _bytes: usize) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_may_be_written() {
        for len in [0, 1, 1 << 17, 3 << 20] {
            let mut region = Region::<u32>::zeroed(len, true);
            assert_eq!(region.len(), len);
            assert!(region.iter().all(|&word| word == 0));
            region.fill(7);
            assert!(region.iter().all(|&word| word == 7));
            assert_eq!(region.bytes(), 4 * len);
            region.grow(len + 3, false);
            assert_eq!(region[len..], [0; 3]);
            assert!(region[..len].iter().all(|&word| word == 7));
        }
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
