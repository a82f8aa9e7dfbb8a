//! [`PerFamily`]: one value for IPv4 and one for IPv6, picked by the address type.

use std::fmt;

use crate::address::Address;

/// A type for each family: `Of<u32>` for IPv4, `Of<u128>` for IPv6.
pub trait Kind {
    /// The type that belongs to addresses `A`.
    type Of<A: Address>;
}

/// A value for each address family, kept apart (SEMANTICS V4).
pub struct PerFamily<K: Kind> {
    /// The IPv4 value.
    pub ipv4: K::Of<u32>,
    /// The IPv6 value.
    pub ipv6: K::Of<u128>,
}

impl<K: Kind> PerFamily<K> {
    /// Returns the value of the family of `A`.
    #[inline]
    pub fn get<A: Address>(&self) -> &K::Of<A> {
        A::pick(self)
    }

    /// Returns the value of the family of `A`, to be changed.
    #[inline]
    pub fn get_mut<A: Address>(&mut self) -> &mut K::Of<A> {
        A::pick_mut(self)
    }
}

impl<K: Kind> Clone for PerFamily<K>
where
    K::Of<u32>: Clone,
    K::Of<u128>: Clone,
{
    fn clone(&self) -> Self {
        Self { ipv4: self.ipv4.clone(), ipv6: self.ipv6.clone() }
    }
}

impl<K: Kind> Default for PerFamily<K>
where
    K::Of<u32>: Default,
    K::Of<u128>: Default,
{
    fn default() -> Self {
        Self { ipv4: Default::default(), ipv6: Default::default() }
    }
}

impl<K: Kind> fmt::Debug for PerFamily<K>
where
    K::Of<u32>: fmt::Debug,
    K::Of<u128>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerFamily").field("ipv4", &self.ipv4).field("ipv6", &self.ipv6).finish()
    }
}
