//! [`Ours`]: any forest of the dataplane that has batches.

use vrfleak_dataplane::lpm::{Lookup, NO_ROUTE, TableId};
use vrfleak_engine::Address;

use crate::lookup::contender::Engine;

/// A forest, by its own batched calls.
pub(crate) struct Ours<F>(pub(crate) F);

impl<A: Address, F: Lookup<A>> Engine<A> for Ours<F> {
    type Key = A;
    type Value = u32;
    const BATCHES: bool = true;

    fn key(&self, _: TableId, key: A) -> A {
        key
    }

    fn batch(&self, keys: &[A], values: &mut [u32]) {
        self.0.lookup_batch(TableId(0), keys, values);
    }

    fn mixed(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        self.0.lookup_mixed(tables, keys, values);
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
}
