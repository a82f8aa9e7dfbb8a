//! [`Place`]: where something stands in the texts that were read together.

use std::ops::Range;

/// A range of bytes of one of the texts that were read together.
///
/// 12 bytes; [`Provenance`](crate::Provenance) turns it into file, line and column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The position of the text among those that were read together.
    pub source: u32,
    /// The first byte that is meant.
    pub start: u32,
    /// The byte behind the last that is meant.
    pub end: u32,
}

impl Place {
    /// Returns the place of these bytes of the text at position `source`. No text that is read is longer than
    /// `u32::MAX` bytes; what lies beyond is taken as the end of one that is.
    pub fn new(source: u32, span: Range<usize>) -> Self {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { source, start: offset(span.start), end: offset(span.end) }
    }

    /// Returns the position of the text among those that were read together.
    pub fn source(self) -> usize {
        self.source as usize
    }

    /// Returns the bytes of the text that are meant.
    pub fn span(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}
