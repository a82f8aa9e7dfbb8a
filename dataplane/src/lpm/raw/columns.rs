//! [`Columns`]: where a store's entries, nodes and values begin, and how a walk of any kind loads and asks for them.
#![expect(clippy::inline_always, reason = "what stays outside a stamped function is compiled without its features")]

use vrfleak_engine::Address;

use super::super::forest::shape::Kind;
use super::store::{Header, Store};

/// Keys walked together.
pub(super) const LANES: usize = 64;

/// As the width of a walk's codes: whatever the key's header says.
pub(super) const ANY_WIDTH: usize = 0;

/// The caches that a line may be asked into, as the instruction names them. The second waits for more lines at a time than the first.
const FIRST_CACHE: i32 = 3;
pub(super) const SECOND_CACHE: i32 = 2;

/// Asks for the line at `at` ahead of its use.
#[inline(always)]
pub(super) fn prefetch(at: *const u8) {
    prefetch_into::<FIRST_CACHE>(at);
}

/// Asks for the line at `at` ahead of its use, into one of the caches.
#[inline(always)]
pub(super) fn prefetch_into<const CACHE: i32>(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch reads nothing that a program could see and faults on no address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<CACHE>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Asks for what lies behind `group`, a group of a batch's keys, tables or values: as much again, and the second time
/// that. Nothing happens that a program could see, whatever is there. Processors do it by themselves but stop at the end
/// of each small page: without this full IPv6 tables lose a third where the keys come from memory.
#[inline(always)]
pub(super) fn prefetch_ahead<T>(group: &[T]) {
    const LINE: usize = 64;
    let (start, bytes) = (group.as_ptr().cast::<u8>(), size_of_val(group));
    for line in (2 * bytes..3 * bytes).step_by(LINE) {
        prefetch(start.wrapping_add(line));
    }
}

/// Where a store's columns begin. Valid while the store is borrowed.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    pub(super) roots: *const u32,
    pub(super) blocks: *const u8,
    values: *const u32,
}

impl Columns {
    /// Returns the columns of `store`, with `values` for its values: there are as many.
    pub(super) fn of<A>(store: &Store<A>, values: &[u32]) -> Self {
        assert_eq!(values.len(), store.values.len(), "one for each value");
        Self { roots: store.roots.as_ptr(), blocks: store.blocks.as_ptr(), values: values.as_ptr() }
    }

    /// Returns the index of the root entry for a key with the first bits `top`.
    #[inline(always)]
    pub(super) fn root(header: &Header, top: u64) -> usize {
        let slot = (top >> (header.shift & 63)).wrapping_sub(header.first).min(u64::from(header.len));
        header.root as usize + slot as usize
    }

    /// Asks for the line at the offset `line`.
    #[inline(always)]
    pub(super) fn prefetch_line(self, line: u32) {
        prefetch(self.blocks.wrapping_add(line as usize));
    }

    /// Returns the value of `code`, or any of the store's values for a code that is a child.
    ///
    /// # Safety
    /// `code` is in a node of the table of `header`.
    #[inline(always)]
    pub(super) unsafe fn value(self, header: &Header, code: u32) -> u32 {
        // SAFETY: the caller's promise.
        unsafe { self.value_of(header.dictionary, code) }
    }

    /// Returns the value of `code` in the dictionary that begins at `dictionary`.
    ///
    /// # Safety
    /// As [`Self::value`], of a table with that dictionary.
    #[inline(always)]
    pub(super) unsafe fn value_of(self, dictionary: u32, code: u32) -> u32 {
        // SAFETY: every code of a table, and every number of a child, has a value from the table's dictionary on.
        unsafe { self.value_at(dictionary + code) }
    }

    /// Returns the value at `index`.
    ///
    /// # Safety
    /// `index` is where a dictionary of the store begins, and a code of a table with it or the number of a child.
    #[inline(always)]
    pub(super) unsafe fn value_at(self, index: u32) -> u32 {
        // SAFETY: the caller's promise.
        let value = unsafe { self.values.add(index as usize) };
        // SAFETY: as above.
        unsafe { *value }
    }

    /// Returns the code of `key` in a table of any kind.
    ///
    /// # Safety
    /// `header` is one of the store's.
    #[inline]
    pub(super) unsafe fn find<A: Address>(self, header: &Header, key: A) -> u32 {
        match header.kind() {
            // SAFETY: the caller's promise, and the kind is the header's.
            Kind::Dense => unsafe { self.find_dense(header, key) },
            // SAFETY: as above.
            Kind::Sparse => unsafe { self.find_sparse(header, key) },
            // SAFETY: as above.
            Kind::Halved => unsafe { self.find_halved(header, key) },
            // SAFETY: as above.
            Kind::Short => unsafe { self.find_short(header, key) },
            // SAFETY: as above.
            Kind::Paired => unsafe { self.find_paired(header, key) },
        }
    }

    /// Returns the value of `key` in a table of any kind.
    ///
    /// # Safety
    /// `header` is one of the store's.
    #[inline]
    pub(super) unsafe fn value_in<A: Address>(self, header: &Header, key: A) -> u32 {
        // SAFETY: the caller's promise.
        let code = unsafe { self.find(header, key) };
        // SAFETY: the code is the table's.
        unsafe { self.value(header, code) }
    }

    /// Returns where the values begin.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn values(self) -> *const u32 {
        self.values
    }

    /// Asks for the value at `index`.
    #[inline(always)]
    pub(super) fn prefetch_value(self, index: u32) {
        prefetch(self.values.wrapping_add(index as usize).cast());
    }
}

/// Returns the code at `code`.
///
/// # Safety
/// A code of `width` bytes is there, which is `WIDTH` if that is a width, and the store's slack behind it.
#[inline(always)]
pub(super) unsafe fn load_code<const WIDTH: usize>(code: *const u8, width: usize) -> u32 {
    if WIDTH == 1 {
        // SAFETY: the code is there.
        return u32::from(unsafe { *code });
    }
    // SAFETY: there are bytes behind the last node, so that four may be loaded at every code.
    let wide = u32::from_le(unsafe { code.cast::<u32>().read_unaligned() });
    wide & (u32::MAX >> ((32 - 8 * width as u32) & 31))
}

/// Returns the code of a line that ends at `end`, where the one after the last ends at the line's end: from four bytes of
/// that line alone, since half of those that begin with the code are in the next line, which nobody has asked for.
///
/// # Safety
/// A code of `width` bytes ends at `end`, which is `WIDTH` if that is a width, and there are four bytes up to there.
#[inline(always)]
pub(super) unsafe fn load_code_before<const WIDTH: usize>(end: *const u8, width: usize) -> u32 {
    if WIDTH == 1 {
        // SAFETY: the code is there.
        let code = unsafe { end.sub(1) };
        // SAFETY: as above.
        return u32::from(unsafe { *code });
    }
    // SAFETY: the caller's promise.
    let wide = unsafe { end.sub(4) };
    // SAFETY: as above.
    let wide = u32::from_le(unsafe { wide.cast::<u32>().read_unaligned() });
    wide >> ((32 - 8 * width as u32) & 31)
}

/// Lanes of a group, appended without a branch.
#[derive(Clone, Copy)]
pub(super) struct Lanes {
    numbers: [u8; LANES],
    pub(super) count: usize,
}

impl Lanes {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self { numbers: [0; LANES], count: 0 }
    }

    /// Returns those of the lanes, at most [`LANES`], that are taken.
    #[inline(always)]
    pub(super) fn of(taken: impl Iterator<Item = bool>) -> Self {
        let mut lanes = Self::new();
        for (lane, taken) in taken.enumerate() {
            lanes.push(lane, taken);
        }
        lanes
    }

    /// Appends `lane` if `take`; there are at most [`LANES`].
    #[inline(always)]
    pub(super) fn push(&mut self, lane: usize, take: bool) {
        self.numbers[self.count % LANES] = lane as u8;
        self.count += usize::from(take);
    }

    /// Returns the lane at `index`.
    #[inline(always)]
    pub(super) fn get(&self, index: usize) -> usize {
        usize::from(self.numbers[index % LANES]) % LANES
    }
}
