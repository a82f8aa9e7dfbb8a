//! [`TreeBitmap`]: the field's baseline, one table of crate `treebitmap` each.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use rayon::prelude::*;
use treebitmap::IpLookupTable;
use vrfleak_engine::{Address, Prefix};

use super::lookup::{Lookup, LookupMatch};
use super::table::{Match, TableId};
use super::tables::{BuildError, Checked, Tables};

/// An address as crate `treebitmap` takes it.
pub trait TreeKey: Address {
    /// The standard library's type of the family.
    type Ip: treebitmap::address::Address + Send + Sync;

    /// Returns the address in that type.
    fn ip(self) -> Self::Ip;
}

impl TreeKey for u32 {
    type Ip = Ipv4Addr;

    fn ip(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self)
    }
}

impl TreeKey for u128 {
    type Ip = Ipv6Addr;

    fn ip(self) -> Ipv6Addr {
        Ipv6Addr::from_bits(self)
    }
}

/// Tree bitmaps (Eatherton, Varghese and Dittia 2004) in stride 4, by crate `treebitmap`.
///
/// Selectable as a backend and kept as a contender and second oracle; it has no batches and no common arena. A lookup
/// walks O(matched length / 4) nodes.
pub struct TreeBitmap<A: TreeKey> {
    tables: Vec<IpLookupTable<A::Ip, u32>>,
}

impl<A: TreeKey> fmt::Debug for TreeBitmap<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TreeBitmap").field("tables", &self.tables.len()).finish_non_exhaustive()
    }
}

impl<A: TreeKey> TreeBitmap<A> {
    /// Builds the forest, in parallel over tables on the pool it is called in.
    ///
    /// # Errors
    /// Returns the first breach of the promise of [`Tables::routes`].
    pub fn build(input: &(impl Tables<A> + ?Sized)) -> Result<Self, BuildError> {
        let tables = (0..input.tables())
            .into_par_iter()
            // One at a time: the first tables may be far bigger than the rest.
            .with_max_len(1)
            .map(|index| {
                let table = TableId::from_index(index);
                let mut tree = IpLookupTable::new();
                let mut routes = Checked::new(table, input.routes(table));
                for (prefix, value) in routes.by_ref() {
                    tree.insert(prefix.bits().ip(), u32::from(prefix.len()), value);
                }
                routes.finish().map(|()| tree)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { tables })
    }

    /// Adds the route, or gives `prefix` another value; returns the value it had. A table that the forest does not
    /// have is left alone.
    pub fn insert(&mut self, table: TableId, prefix: Prefix<A>, value: u32) -> Option<u32> {
        self.tables.get_mut(table.index())?.insert(prefix.bits().ip(), u32::from(prefix.len()), value)
    }

    /// Removes the route of `prefix` and returns its value.
    pub fn remove(&mut self, table: TableId, prefix: Prefix<A>) -> Option<u32> {
        self.tables.get_mut(table.index())?.remove(prefix.bits().ip(), u32::from(prefix.len()))
    }
}

impl<A: TreeKey> Lookup<A> for TreeBitmap<A> {
    fn tables(&self) -> usize {
        self.tables.len()
    }

    fn bytes(&self) -> usize {
        let table = size_of::<IpLookupTable<A::Ip, u32>>();
        self.tables.iter().map(IpLookupTable::mem_usage).map(|(nodes, values)| table + nodes + values).sum()
    }

    fn lookup(&self, table: TableId, key: A) -> Option<u32> {
        self.lookup_match(table, key).map(|found| found.value)
    }
}

impl<A: TreeKey> LookupMatch<A> for TreeBitmap<A> {
    fn lookup_match(&self, table: TableId, key: A) -> Option<Match> {
        let (_, len, &value) = self.tables.get(table.index())?.longest_match(key.ip())?;
        Some(Match { len: len as u8, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lpm::Linear;

    #[test]
    fn oracle_nested_prefixes_of_both_ends() {
        let texts = ["0.0.0.0/0", "128.0.0.0/1", "255.255.255.255/32", "0.0.0.0/32", "10.0.0.0/7"];
        let mut routes: Vec<(Prefix<u32>, u32)> =
            texts.iter().zip(0..).map(|(text, value)| (text.parse().expect("a prefix"), value)).collect();
        routes.sort_unstable();
        let tables = [routes];
        let tree = TreeBitmap::build(&tables[..]).expect("ordered routes");
        let oracle = Linear::build(&tables[..]).expect("ordered routes");
        for key in [0, 1, 0x0a00_0000, 0x0b00_0000, 0x0c00_0000, 0x8000_0000, u32::MAX] {
            assert_eq!(tree.lookup_match(TableId(0), key), oracle.lookup_match(TableId(0), key), "{key:#x}");
        }
    }
}
