//! [`Label`], an MPLS label.

use std::fmt;

/// An MPLS label: 20 bits, of which 0 to 15 are reserved (RFC 3032 section 2.1; SEMANTICS V5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(u32);

impl Label {
    /// The lowest label that a router may allocate.
    pub const FIRST: Self = Self(16);
    /// The highest label.
    pub const LAST: Self = Self(0xf_ffff);
    /// How many labels a router may allocate: 1,048,560.
    pub const COUNT: u32 = Self::LAST.0 - Self::FIRST.0 + 1;

    /// Returns the label `value`, or `None` if it needs more than 20 bits.
    pub fn new(value: u32) -> Option<Self> {
        (value <= Self::LAST.0).then_some(Self(value))
    }

    /// Returns the `index`-th label that a router may allocate, or `None` when the label space is used up.
    pub fn allocated(index: u32) -> Option<Self> {
        index.checked_add(Self::FIRST.0).and_then(Self::new)
    }

    /// Returns the 20 bits as an integer.
    pub fn value(self) -> u32 {
        self.0
    }

    /// Returns whether the label is one of 0 to 15, which have a fixed meaning.
    pub fn is_reserved(self) -> bool {
        self < Self::FIRST
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v5_a_label_has_20_bits_and_the_first_16_are_reserved() {
        assert_eq!(Label::new(1 << 20), None);
        assert_eq!(Label::new((1 << 20) - 1), Some(Label::LAST));
        assert!(Label::new(15).is_some_and(Label::is_reserved));
        assert!(!Label::FIRST.is_reserved());
        assert_eq!(Label::allocated(0), Some(Label::FIRST));
        assert_eq!(Label::allocated(Label::COUNT - 1), Some(Label::LAST));
        assert_eq!(Label::allocated(Label::COUNT), None);
        assert_eq!(Label::allocated(u32::MAX), None);
    }
}
