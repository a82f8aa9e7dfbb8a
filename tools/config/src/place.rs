//! [`Place`]: where something stands in the configurations that were read.

use std::ops::Range;

/// A range of bytes of one of the texts that were read together.
///
/// 12 bytes; [`Provenance`](crate::Provenance) turns it into file, line and column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub(crate) source: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Place {
    /// Returns the position of the text among those that were read together.
    pub fn source(self) -> usize {
        self.source as usize
    }

    /// Returns the bytes of the text that are meant.
    pub fn span(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A value and the place that it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

impl<T> Located<T> {
    pub(crate) fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }
}
