#![expect(unsafe_code, reason = "DPDK is a C library; every call of it is in this file")]
//! [`Fib`] and [`Fib6`]: DPDK's tables as owned values whose calls are sound for every argument.
//!
//! `shim.c` stands between: it knows DPDK's structures, and the functions here have plain types. Lookups only read a table
//! (DPDK's guide, "FIB library": any number of readers beside one writer), changes take `&mut self`.

use std::ffi::{CString, c_char, c_int};
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A table of DPDK for IPv4.
#[repr(C)]
struct RawFib {
    _opaque: [u8; 0],
}

/// A table of DPDK for IPv6.
#[repr(C)]
struct RawFib6 {
    _opaque: [u8; 0],
}

// SAFETY: the declarations are those of shim.c and of DPDK's rte_fib.h and rte_fib6.h.
unsafe extern "C" {
    safe fn vrfleak_eal_start() -> c_int;
    safe fn vrfleak_eal_collapse();
    safe fn vrfleak_eal_bytes() -> u64;
    fn vrfleak_fib_create(
        name: *const c_char,
        entry_log2: c_int,
        default_next_hop: u64,
        routes: u32,
        tables8: u32,
    ) -> *mut RawFib;
    fn vrfleak_fib_avx512(fib: *mut RawFib) -> c_int;
    fn rte_fib_add(fib: *mut RawFib, address: u32, len: u8, next_hop: u64) -> c_int;
    fn rte_fib_delete(fib: *mut RawFib, address: u32, len: u8) -> c_int;
    fn rte_fib_lookup_bulk(fib: *mut RawFib, addresses: *const u32, next_hops: *mut u64, count: c_int) -> c_int;
    fn rte_fib_free(fib: *mut RawFib);
    fn vrfleak_fib6_create(
        name: *const c_char,
        entry_log2: c_int,
        default_next_hop: u64,
        routes: u32,
        tables8: u32,
    ) -> *mut RawFib6;
    fn vrfleak_fib6_avx512(fib: *mut RawFib6) -> c_int;
    fn vrfleak_fib6_add(fib: *mut RawFib6, address: *const u8, len: u8, next_hop: u64) -> c_int;
    fn vrfleak_fib6_delete(fib: *mut RawFib6, address: *const u8, len: u8) -> c_int;
    fn vrfleak_fib6_lookup(fib: *mut RawFib6, addresses: *const u8, next_hops: *mut u64, count: c_int) -> c_int;
    fn rte_fib6_free(fib: *mut RawFib6);
}

/// How wide a table's entries are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    One,
    Two,
    Four,
}

impl Width {
    /// Returns the bytes of an entry.
    pub(super) fn bytes(self) -> usize {
        1 << self.log2()
    }

    fn log2(self) -> c_int {
        match self {
            Self::One => 0,
            Self::Two => 1,
            Self::Four => 2,
        }
    }

    /// Returns how many groups of 256 entries an entry can tell apart.
    pub(super) fn most_groups(self) -> u64 {
        self.no_route()
    }

    /// Returns the greatest next hop that an entry can hold beside its one flag; it stands for no route.
    pub(super) fn no_route(self) -> u64 {
        (1 << (8 * self.bytes() - 1)) - 1
    }
}

/// How big a table is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Routes at most.
    pub(super) routes: u32,
    /// Groups of 256 entries behind the first 2^24.
    pub(super) tables8: u32,
}

/// Starts DPDK's environment, once a process; later calls return what the first one did.
///
/// # Errors
///
/// What DPDK says, as a system's error number.
pub(super) fn start() -> Result<(), i32> {
    static STARTED: OnceLock<Result<(), i32>> = OnceLock::new();
    *STARTED.get_or_init(|| {
        // EAL pins the thread that starts it, and nobody here is to be pinned.
        let status = std::thread::spawn(|| vrfleak_eal_start()).join().unwrap_or(-1);
        if status == 0 { Ok(()) } else { Err(-status) }
    })
}

/// Moves what DPDK's memory holds into huge pages, where there are any.
pub(super) fn collapse() {
    vrfleak_eal_collapse();
}

/// Returns the bytes that DPDK has handed out.
pub(super) fn allocated_bytes() -> u64 {
    vrfleak_eal_bytes()
}

/// Returns a name that no table of this process had.
fn fresh_name() -> CString {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("bench{}", NEXT.fetch_add(1, Ordering::Relaxed));
    CString::new(name).expect("digits and letters have no zero byte")
}

/// `rte_fib` with `RTE_FIB_DIR24_8` and the AVX-512 lookup, or its default one where the processor has no AVX-512.
pub(super) struct Fib {
    raw: NonNull<RawFib>,
    /// Whether lookups are those with AVX-512.
    pub(super) has_avx512: bool,
}

// SAFETY: DPDK's tables belong to no thread.
unsafe impl Send for Fib {}
// SAFETY: through a shared reference only lookups are made, and they do not write to the table.
unsafe impl Sync for Fib {}

impl Fib {
    /// Makes an empty table; `None` where DPDK has no memory for it. Only after [`start`].
    pub(super) fn new(width: Width, size: Size) -> Option<Self> {
        start().ok()?;
        let name = fresh_name();
        // SAFETY: EAL has started, and the name is a string that DPDK copies.
        let fib =
            unsafe { vrfleak_fib_create(name.as_ptr(), width.log2(), width.no_route(), size.routes, size.tables8) };
        let raw = NonNull::new(fib)?;
        // SAFETY: the table was just made.
        let selected = unsafe { vrfleak_fib_avx512(raw.as_ptr()) };
        Some(Self { raw, has_avx512: selected != 0 })
    }

    /// Gives a prefix a next hop; returns whether there was room.
    pub(super) fn add(&mut self, bits: u32, len: u8, next_hop: u64) -> bool {
        // SAFETY: the table lives, and DPDK refuses lengths above 32 and next hops that do not fit.
        unsafe { rte_fib_add(self.raw.as_ptr(), bits, len, next_hop) == 0 }
    }

    /// Takes a prefix's route away; returns whether there was one.
    pub(super) fn delete(&mut self, bits: u32, len: u8) -> bool {
        // SAFETY: as in `add`.
        unsafe { rte_fib_delete(self.raw.as_ptr(), bits, len) == 0 }
    }

    /// Looks addresses up, most significant bit first on the wire.
    ///
    /// # Panics
    ///
    /// If the slices differ in length or are longer than 2^31 - 1.
    #[inline]
    pub(super) fn lookup(&self, addresses: &[u32], next_hops: &mut [u64]) {
        assert_eq!(addresses.len(), next_hops.len(), "one next hop an address");
        let count = c_int::try_from(addresses.len()).expect("a batch below 2^31");
        // SAFETY: the table lives; DPDK reads `count` addresses and writes `count` next hops, which the slices have.
        unsafe { rte_fib_lookup_bulk(self.raw.as_ptr(), addresses.as_ptr(), next_hops.as_mut_ptr(), count) };
    }
}

impl Drop for Fib {
    fn drop(&mut self) {
        // SAFETY: the table is ours and nobody uses it any more.
        unsafe { rte_fib_free(self.raw.as_ptr()) }
    }
}

/// `rte_fib6` with `RTE_FIB6_TRIE`, likewise.
pub(super) struct Fib6 {
    raw: NonNull<RawFib6>,
    /// Whether lookups are those with AVX-512.
    pub(super) has_avx512: bool,
}

// SAFETY: as for `Fib`.
unsafe impl Send for Fib6 {}
// SAFETY: as for `Fib`.
unsafe impl Sync for Fib6 {}

impl Fib6 {
    /// Makes an empty table; `None` where DPDK has no memory for it. Only after [`start`].
    pub(super) fn new(width: Width, size: Size) -> Option<Self> {
        start().ok()?;
        let name = fresh_name();
        // SAFETY: EAL has started, and the name is a string that DPDK copies.
        let fib =
            unsafe { vrfleak_fib6_create(name.as_ptr(), width.log2(), width.no_route(), size.routes, size.tables8) };
        let raw = NonNull::new(fib)?;
        // SAFETY: the table was just made.
        let selected = unsafe { vrfleak_fib6_avx512(raw.as_ptr()) };
        Some(Self { raw, has_avx512: selected != 0 })
    }

    /// Gives a prefix a next hop; returns whether there was room.
    pub(super) fn add(&mut self, bits: [u8; 16], len: u8, next_hop: u64) -> bool {
        // SAFETY: the table lives, DPDK reads 16 bytes and refuses lengths above 128 and next hops that do not fit.
        unsafe { vrfleak_fib6_add(self.raw.as_ptr(), bits.as_ptr(), len, next_hop) == 0 }
    }

    /// Takes a prefix's route away; returns whether there was one.
    pub(super) fn delete(&mut self, bits: [u8; 16], len: u8) -> bool {
        // SAFETY: as in `add`.
        unsafe { vrfleak_fib6_delete(self.raw.as_ptr(), bits.as_ptr(), len) == 0 }
    }

    /// Looks addresses up, in the order of the wire.
    ///
    /// # Panics
    ///
    /// If the slices differ in length or are longer than 2^31 - 1.
    #[inline]
    pub(super) fn lookup(&self, addresses: &[[u8; 16]], next_hops: &mut [u64]) {
        assert_eq!(addresses.len(), next_hops.len(), "one next hop an address");
        let count = c_int::try_from(addresses.len()).expect("a batch below 2^31");
        let bytes = addresses.as_flattened().as_ptr();
        // SAFETY: the table lives; DPDK reads `count` addresses and writes `count` next hops, which the slices have.
        unsafe { vrfleak_fib6_lookup(self.raw.as_ptr(), bytes, next_hops.as_mut_ptr(), count) };
    }
}

impl Drop for Fib6 {
    fn drop(&mut self) {
        // SAFETY: the table is ours and nobody uses it any more.
        unsafe { rte_fib6_free(self.raw.as_ptr()) }
    }
}
