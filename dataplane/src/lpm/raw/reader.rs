//! [`Reader`]: what a batch of lookups reads, and with which instructions.

use std::ops::Deref;

use super::isa::Isa;
use super::store::Store;

/// The tables of a store for a batch: its answers are the store's values, or what stands for them.
pub(in crate::lpm) struct Reader<'s, A> {
    store: &'s Store<A>,
    /// What an answer is, by its position among the store's values: there are as many.
    pub(super) answers: &'s [u32],
    pub(super) isa: Isa,
}

impl<A> Deref for Reader<'_, A> {
    type Target = Store<A>;

    fn deref(&self) -> &Store<A> {
        self.store
    }
}

impl<A> Store<A> {
    /// Returns the tables for batches with the instructions of `isa`, in which `answers` stand for the values at the same positions. A
    /// miss may be told by [`NO_ROUTE`](super::super::table::NO_ROUTE) whatever stands for it.
    ///
    /// # Panics
    /// Panics if there are not as many as there are values.
    pub(in crate::lpm) fn reader<'s>(&'s self, isa: Isa, answers: &'s [u32]) -> Reader<'s, A> {
        assert_eq!(answers.len(), self.values.len(), "one answer a value");
        Reader { store: self, answers, isa }
    }
}
