//! DPDK's `rte_fib` and `rte_fib6` with their AVX-512 lookups (scalar ones where the processor has none), in memory that has huge pages where the system has any.
//!
//! `rte_fib` has one table, so it takes part where there is one VRF. `rte_fib6` takes many VRFs as the field does it: the
//! VRF's number is the first bits of the key, which for IPv4 leaves room, and for IPv6 takes the place of the last bits
//! where no prefix is that long. Keys are put together outside the clock.

mod dir24;
mod ffi;
mod trie6;

use super::super::registry::Entry;
use crate::text::binary;
use dir24::Dir24;
use ffi::Width;
use trie6::Trie6;

/// Returns what is to be known of a table for which DPDK took so many bytes.
fn remark(all_bytes: u64, has_avx512: bool) -> String {
    let scalar = if has_avx512 { "" } else { "; scalar lookups, since this processor has no AVX-512" };
    format!("{} with its RIB, in DPDK's memory{scalar}", binary(all_bytes))
}

/// Returns the contenders for IPv4.
pub(crate) fn ipv4() -> Vec<Entry<u32>> {
    vec![
        Entry::new("dpdk", "fib-1-byte", |tables| Dir24::build(tables, Width::One)),
        Entry::new("dpdk", "fib-2-byte", |tables| Dir24::build(tables, Width::Two)),
        Entry::new("dpdk", "fib-4-byte", |tables| Dir24::build(tables, Width::Four)),
        Entry::new("dpdk", "fib6-vrf-in-key", |tables| Trie6::of_many(tables, Width::Four)),
    ]
}

/// Returns the contenders for IPv6.
pub(crate) fn ipv6() -> Vec<Entry<u128>> {
    vec![
        Entry::new("dpdk", "fib6-2-byte", |tables| Trie6::of_one(tables, Width::Two)),
        Entry::new("dpdk", "fib6-4-byte", |tables| Trie6::of_one(tables, Width::Four)),
        Entry::new("dpdk", "fib6-vrf-in-key", |tables| Trie6::of_many(tables, Width::Four)),
    ]
}
