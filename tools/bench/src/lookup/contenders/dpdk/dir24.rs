//! [`Dir24`]: `rte_fib` as `RTE_FIB_DIR24_8`.

use vrfleak_dataplane::lpm::{NO_ROUTE, TableId};
use vrfleak_engine::Prefix;

use super::ffi::{self, Fib, Size, Width};
use crate::lookup::contender::Engine;
use crate::lookup::input::Routes;
use crate::lookup::registry::Unable;

/// One table with an entry for each /24 and groups of 256 entries behind those that have longer prefixes.
pub(super) struct Dir24 {
    fib: Fib,
    width: Width,
    bytes: usize,
    /// Bytes that DPDK took for it, its RIB among them.
    all_bytes: u64,
}

impl Dir24 {
    /// Adds the routes one by one.
    ///
    /// # Errors
    ///
    /// If there is more than one table, a next hop does not fit an entry, or DPDK cannot.
    pub(super) fn build(tables: &[Routes<u32>], width: Width) -> Result<Self, Unable> {
        let [routes] = tables else { return Err(Unable("it has one table, and there are several VRFs".to_owned())) };
        check_next_hops(tables, width)?;
        ffi::start().map_err(|number| Unable(format!("DPDK does not start, error {number}")))?;
        let mut longer: Vec<u32> =
            routes.iter().filter(|route| route.0.len() > 24).map(|route| route.0.bits() >> 8).collect();
        longer.dedup();
        let size = Size { routes: routes.len() as u32 + 1024, tables8: longer.len() as u32 + 16 };
        check_groups(size, width)?;
        let before = ffi::allocated_bytes();
        let fib = Fib::new(width, size).ok_or_else(|| Unable("DPDK has no memory for the table".to_owned()))?;
        let bytes = ((1 << 24) + size.tables8 as usize * 256) * width.bytes();
        let mut all = Self { fib, width, bytes, all_bytes: 0 };
        for &(prefix, next_hop) in routes {
            if !all.fib.add(prefix.bits(), prefix.len(), next_hop.into()) {
                return Err(Unable(format!("DPDK does not take `{prefix}`")));
            }
        }
        ffi::collapse();
        all.all_bytes = ffi::allocated_bytes().saturating_sub(before);
        Ok(all)
    }
}

/// Checks that an entry can tell the groups apart.
///
/// # Errors
///
/// If there are too many.
pub(super) fn check_groups(size: Size, width: Width) -> Result<(), Unable> {
    if u64::from(size.tables8) > width.most_groups() {
        let (groups, bytes, limit) = (size.tables8, width.bytes(), width.most_groups());
        return Err(Unable(format!(
            "the table needs {groups} groups of 256 entries, {bytes}-byte entries name {limit}"
        )));
    }
    Ok(())
}

/// Checks that all next hops fit an entry beside the one that stands for no route.
///
/// # Errors
///
/// If one does not.
pub(super) fn check_next_hops<A: vrfleak_engine::Address>(tables: &[Routes<A>], width: Width) -> Result<(), Unable> {
    let most = tables.iter().flatten().map(|route| u64::from(route.1)).max().unwrap_or(0);
    if most >= width.no_route() {
        let limit = width.no_route() - 1;
        return Err(Unable(format!(
            "next hop {most} does not fit an entry of {} byte(s), the limit is {limit}",
            width.bytes()
        )));
    }
    Ok(())
}

impl Engine<u32> for Dir24 {
    type Key = u32;
    type Value = u64;
    const BATCHES: bool = true;

    fn key(&self, _: TableId, key: u32) -> u32 {
        key
    }

    fn batch(&self, keys: &[u32], values: &mut [u64], _: &mut Vec<u8>) {
        self.fib.lookup(keys, values);
    }

    fn mixed(&self, _: &[TableId], keys: &[u32], values: &mut [u64], _: &mut Vec<u8>) {
        self.fib.lookup(keys, values);
    }

    #[inline]
    fn single(&self, _: TableId, key: u32) -> u64 {
        let mut value = [0];
        self.fib.lookup(&[key], &mut value);
        value[0]
    }

    #[inline]
    fn next_hop(&self, value: u64) -> u32 {
        if value == self.width.no_route() { NO_ROUTE } else { value as u32 }
    }

    #[inline]
    fn after(&self, key: u32, nothing: u32) -> u32 {
        key ^ nothing
    }

    fn bytes(&self) -> Option<usize> {
        Some(self.bytes)
    }

    fn remark(&self) -> Option<String> {
        Some(super::remark(self.all_bytes, self.fib.has_avx512))
    }

    fn change(&mut self, _: TableId, prefix: Prefix<u32>, next_hop: Option<u32>) -> bool {
        match next_hop {
            Some(next_hop) => self.fib.add(prefix.bits(), prefix.len(), next_hop.into()),
            None => self.fib.delete(prefix.bits(), prefix.len()),
        }
    }
}
