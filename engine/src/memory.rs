//! [`MemoryPart`]: what a part of a computation holds.

/// What a part of a computation holds, both families together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryPart {
    /// The name: lower case, a plural.
    pub name: &'static str,
    /// How many there are of what the name says.
    pub items: usize,
    /// Bytes held, spare capacity included; what the allocator keeps besides is in no part.
    pub bytes: usize,
}

impl MemoryPart {
    pub(crate) fn new(name: &'static str, items: usize, bytes: usize) -> Self {
        Self { name, items, bytes }
    }
}
