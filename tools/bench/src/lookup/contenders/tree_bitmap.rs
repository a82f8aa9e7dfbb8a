//! [`TreeBitmaps`]: crate `treebitmap`, one table a VRF.

use vrfleak_dataplane::lpm::{Lookup, NO_ROUTE, TableId, TreeBitmap, TreeKey};
use vrfleak_engine::Prefix;

use crate::lookup::contender::Engine;

/// The dataplane's forest of tree bitmaps, which adds nothing but the choice of the table.
pub(crate) struct TreeBitmaps<A: TreeKey>(pub(crate) TreeBitmap<A>);

impl<A: TreeKey> Engine<A> for TreeBitmaps<A> {
    type Key = A;
    type Value = u32;
    const BATCHES: bool = false;

    fn key(&self, _: TableId, key: A) -> A {
        key
    }

    #[inline]
    fn single(&self, table: TableId, key: A) -> u32 {
        self.0.lookup(table, key).unwrap_or(NO_ROUTE)
    }

    #[inline]
    fn next_hop(&self, value: u32) -> u32 {
        value
    }

    #[inline]
    fn after(&self, key: A, nothing: u32) -> A {
        key ^ A::narrow(nothing.into())
    }

    fn bytes(&self) -> Option<usize> {
        Some(self.0.bytes())
    }

    fn change(&mut self, table: TableId, prefix: Prefix<A>, next_hop: Option<u32>) -> bool {
        match next_hop {
            Some(next_hop) => self.0.insert(table, prefix, next_hop),
            None => self.0.remove(table, prefix),
        };
        true
    }
}
