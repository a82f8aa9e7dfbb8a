//! [`Region`]: one growable piece of memory in huge pages, where the system gives any.

use std::alloc::{self, Layout};
use std::fmt;
use std::ptr::NonNull;

/// Bytes of a huge page; regions from here on are aligned to it and ask for huge pages.
pub(crate) const HUGE_PAGE: usize = 2 << 20;

/// What may lie in a region: plain integers, for which every bit pattern is a value.
pub(crate) trait Plain: Copy + Send + Sync + 'static {}
impl Plain for u8 {}
impl Plain for u16 {}
impl Plain for u32 {}

/// A vector of integers whose memory asks for huge pages once it is worth one.
///
/// Growing doubles the memory and copies, like `Vec`; the request for huge pages comes before the first touch.
pub(crate) struct Region<T: Plain> {
    start: NonNull<T>,
    len: usize,
    capacity: usize,
    huge: bool,
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
    /// Returns an empty region; `huge` tells whether huge pages may be asked for.
    pub(crate) fn new(huge: bool) -> Self {
        Self { start: NonNull::dangling(), len: 0, capacity: 0, huge, advised: false }
    }

    /// Returns a region with room for `capacity` elements.
    pub(crate) fn with_capacity(capacity: usize, huge: bool) -> Self {
        let mut region = Self::new(huge);
        if capacity > 0 {
            region.grow_to(capacity);
        }
        region
    }

    fn layout(capacity: usize) -> Layout {
        let bytes = capacity.checked_mul(size_of::<T>()).expect("a region fits the address space");
        let align = if bytes >= HUGE_PAGE { HUGE_PAGE } else { 64 };
        Layout::from_size_align(bytes, align).expect("a region fits the address space")
    }

    /// Moves the elements into memory for exactly `capacity` of them.
    fn grow_to(&mut self, capacity: usize) {
        assert!(capacity > 0 && capacity >= self.len, "room for what is there");
        let layout = Self::layout(capacity);
        // SAFETY: the layout has a size above 0, since `capacity` is.
        let fresh = unsafe { alloc::alloc(layout) }.cast::<T>();
        let Some(fresh) = NonNull::new(fresh) else { alloc::handle_alloc_error(layout) };
        self.advised = self.huge && layout.size() >= HUGE_PAGE && advise_huge(fresh.cast(), layout.size());
        // SAFETY: the old memory has `len` elements, the new one room for them, and the two do not overlap.
        unsafe { fresh.copy_from_nonoverlapping(self.start, self.len) };
        self.release();
        self.start = fresh;
        self.capacity = capacity;
    }

    /// Gives the memory back, without touching the fields.
    fn release(&mut self) {
        if self.capacity > 0 {
            // SAFETY: `start` came from `alloc` with this very layout.
            unsafe { alloc::dealloc(self.start.as_ptr().cast(), Self::layout(self.capacity)) };
        }
    }

    /// Appends `items`.
    pub(crate) fn extend_from_slice(&mut self, items: &[T]) {
        let len = self.len.checked_add(items.len()).expect("a region fits the address space");
        if len > self.capacity {
            self.grow_to(len.max(self.capacity * 2));
        }
        // SAFETY: `len` is within the capacity.
        let end = unsafe { self.start.add(self.len) };
        // SAFETY: there is room for `items` behind `end`, and a borrowed slice cannot lie in memory that is borrowed
        // mutably here.
        unsafe { std::ptr::copy_nonoverlapping(items.as_ptr(), end.as_ptr(), items.len()) };
        self.len = len;
    }

    /// Appends `count` times `item`.
    pub(crate) fn extend_with(&mut self, item: T, count: usize) {
        for _ in 0..count {
            self.extend_from_slice(&[item]);
        }
    }

    /// Drops what is behind the first `len` elements; the memory stays.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Returns whether the system took the request for huge pages.
    pub(crate) fn advised(&self) -> bool {
        self.advised
    }

    /// Returns the bytes that are reserved.
    pub(crate) fn bytes(&self) -> usize {
        self.capacity * size_of::<T>()
    }
}

impl<T: Plain> std::ops::Deref for Region<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: `len` elements from `start` were written, and nobody else writes while `self` is borrowed.
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
        self.release();
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
    fn growing_keeps_what_is_there() {
        let mut region = Region::<u32>::new(true);
        assert!(region.is_empty());
        let items: Vec<u32> = (0..1_500_000).collect();
        for chunk in items.chunks(100_003) {
            region.extend_from_slice(chunk);
        }
        assert_eq!(*region, *items);
        region.extend_with(7, 3);
        assert_eq!(region[1_500_000..], [7, 7, 7]);
        region[0] = 9;
        assert_eq!(region[0], 9);
        assert!(region.bytes() >= 4 * region.len());
    }
}
