//! [`TableId`], [`NO_ROUTE`] and [`Match`]: what goes into a lookup and what comes out.

/// The answer of a batched lookup for a key that no prefix of its table contains; never a value of a route.
pub const NO_ROUTE: u32 = u32::MAX;

/// The position of one forwarding table within its forest: dense, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct TableId(pub u32);

impl TableId {
    /// Returns the id of the table at `index`.
    ///
    /// # Panics
    /// Panics if `index` does not fit 32 bits.
    pub fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).expect("a forest has fewer than 2^32 tables"))
    }

    /// Returns the position in a slice with one element a table.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The longest prefix that contains a key, by its length, and that prefix's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Match {
    /// Length of the matched prefix in bits. [`Prefix::containing`](vrfleak_engine::Prefix::containing) of the key
    /// and this is the prefix.
    pub len: u8,
    /// The value of the matched prefix.
    pub value: u32,
}
