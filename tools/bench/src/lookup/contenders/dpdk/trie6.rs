//! [`Trie6`]: `rte_fib6` as `RTE_FIB6_TRIE`.

use vrfleak_dataplane::lpm::{NO_ROUTE, TableId};
use vrfleak_engine::{Address, Prefix};

use super::dir24::{check_groups, check_next_hops};
use super::ffi::{self, Fib6, Size, Width};
use crate::lookup::contender::Engine;
use crate::lookup::input::Routes;
use crate::lookup::registry::Unable;

/// One table for IPv6 keys, or for keys of either family behind the number of their VRF.
pub(super) struct Trie6 {
    fib: Fib6,
    width: Width,
    /// Bits of the key that name the VRF.
    vrf_bits: u8,
    bytes: usize,
    /// Bytes that DPDK took for it, its RIB among them.
    all_bytes: u64,
}

impl Trie6 {
    /// Builds the table of one VRF.
    ///
    /// # Errors
    ///
    /// If there are several, a next hop does not fit an entry, or DPDK cannot.
    pub(super) fn of_one(tables: &[Routes<u128>], width: Width) -> Result<Self, Unable> {
        match tables {
            [_] => Self::build(tables, width, 0),
            _ => Err(Unable("it has one table, and there are several VRFs".to_owned())),
        }
    }

    /// Builds the tables of several VRFs as one.
    ///
    /// # Errors
    ///
    /// If there is but one, the number of a VRF and the longest prefix have more than 128 bits, or as for one.
    pub(super) fn of_many<A: Address>(tables: &[Routes<A>], width: Width) -> Result<Self, Unable> {
        if tables.len() == 1 {
            return Err(Unable("it is for several VRFs, and there is one".to_owned()));
        }
        let vrf_bits = usize::BITS - (tables.len() - 1).leading_zeros();
        let longest = tables.iter().flatten().map(|route| u32::from(route.0.len())).max().unwrap_or(0);
        if vrf_bits + longest > 128 {
            return Err(Unable(format!("{vrf_bits} bits for the VRF and a /{longest} exceed the 128 bits of a key")));
        }
        Self::build(tables, width, vrf_bits as u8)
    }

    fn build<A: Address>(tables: &[Routes<A>], width: Width, vrf_bits: u8) -> Result<Self, Unable> {
        check_next_hops(tables, width)?;
        ffi::start().map_err(|number| Unable(format!("DPDK does not start, error {number}")))?;
        let routes: usize = tables.iter().map(Vec::len).sum();
        let size = Size { routes: routes as u32 + 1024, tables8: groups(tables, vrf_bits) };
        check_groups(size, width)?;
        let before = ffi::allocated_bytes();
        let fib = Fib6::new(width, size).ok_or_else(|| {
            Unable(format!("DPDK does not make a table with {} groups of {}-byte entries", size.tables8, width.bytes()))
        })?;
        let bytes = ((1 << 24) + size.tables8 as usize * 256) * width.bytes();
        let mut all = Self { fib, width, vrf_bits, bytes, all_bytes: 0 };
        for (table, routes) in tables.iter().enumerate() {
            for &(prefix, next_hop) in routes {
                let bits = wire(TableId::from_index(table), prefix.bits(), vrf_bits);
                if !all.fib.add(bits, prefix.len() + vrf_bits, next_hop.into()) {
                    return Err(Unable(format!("DPDK does not take `{prefix}`")));
                }
            }
        }
        ffi::collapse();
        all.all_bytes = ffi::allocated_bytes().saturating_sub(before);
        Ok(all)
    }
}

/// Returns the key behind the number of its VRF, in the order of the wire.
#[inline]
fn wire<A: Address>(table: TableId, key: A, vrf_bits: u8) -> [u8; 16] {
    let left = key.widen() << (128 - u32::from(A::BITS));
    if vrf_bits == 0 {
        return left.to_be_bytes();
    }
    (u128::from(table.0) << (128 - u32::from(vrf_bits)) | left >> vrf_bits).to_be_bytes()
}

/// Returns how many groups of 256 entries DPDK sets aside: for each prefix one for every eight bits from 24 on, or from
/// the prefix around it, that it goes beyond. That they may share some does not count there.
fn groups<A: Address>(tables: &[Routes<A>], vrf_bits: u8) -> u32 {
    let level = |len: u8| usize::from((len + vrf_bits).div_ceil(8).max(3));
    let mut groups = 0;
    for routes in tables {
        let mut around: Vec<Prefix<A>> = Vec::new();
        for &(prefix, _) in routes {
            while around.pop_if(|outer| !outer.covers(prefix)).is_some() {}
            groups += level(prefix.len()) - around.last().map_or(3, |outer| level(outer.len()));
            around.push(prefix);
        }
    }
    (groups + 1024) as u32
}

impl<A: Address> Engine<A> for Trie6 {
    type Key = [u8; 16];
    type Value = u64;
    const BATCHES: bool = true;

    fn key(&self, table: TableId, key: A) -> [u8; 16] {
        wire(table, key, self.vrf_bits)
    }

    fn batch(&self, keys: &[[u8; 16]], values: &mut [u64], _: &mut Vec<u8>) {
        self.fib.lookup(keys, values);
    }

    fn mixed(&self, _: &[TableId], keys: &[[u8; 16]], values: &mut [u64], _: &mut Vec<u8>) {
        self.fib.lookup(keys, values);
    }

    #[inline]
    fn single(&self, _: TableId, key: [u8; 16]) -> u64 {
        let mut value = [0];
        self.fib.lookup(&[key], &mut value);
        value[0]
    }

    #[inline]
    fn next_hop(&self, value: u64) -> u32 {
        if value == self.width.no_route() { NO_ROUTE } else { value as u32 }
    }

    #[inline]
    fn after(&self, mut key: [u8; 16], nothing: u32) -> [u8; 16] {
        key[15] ^= nothing as u8;
        key
    }

    fn bytes(&self) -> Option<usize> {
        Some(self.bytes)
    }

    fn remark(&self) -> Option<String> {
        Some(super::remark(self.all_bytes, self.fib.has_avx512))
    }

    fn change(&mut self, table: TableId, prefix: Prefix<A>, next_hop: Option<u32>) -> bool {
        let (bits, len) = (wire(table, prefix.bits(), self.vrf_bits), prefix.len() + self.vrf_bits);
        match next_hop {
            Some(next_hop) => self.fib.add(bits, len, next_hop.into()),
            None => self.fib.delete(bits, len),
        }
    }
}
