//! [`SourceRoute`]: a route that a VRF has of its own.

use std::fmt;

use crate::address::Address;
use crate::id::{AttributesId, NextHopId};
use crate::prefix::Prefix;

/// Where a route of a VRF's own comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Protocol {
    /// The subnet of an interface, administrative distance 0.
    Connected,
    /// The host route of an interface address, distance 0; never exported (SEMANTICS E2).
    Local,
    /// Configured, distance 1 unless its attributes say otherwise.
    Static,
    /// Learned from a CE over BGP: distance 20, or 200 over an internal session.
    Bgp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connected => "connected",
            Self::Local => "local",
            Self::Static => "static",
            Self::Bgp => "bgp",
        })
    }
}

/// A route that a VRF has of its own: connected, local, static, or from a CE.
///
/// 16 bytes for IPv4, 32 for IPv6: bits and length are kept apart from [`Prefix`] so that nothing is padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceRoute<A> {
    bits: A,
    len: u8,
    protocol: Protocol,
    attributes: AttributesId,
    next_hop: NextHopId,
}

impl<A: Address> SourceRoute<A> {
    /// Returns the route to `prefix` that `protocol` knows.
    #[inline]
    pub fn new(prefix: Prefix<A>, protocol: Protocol, attributes: AttributesId, next_hop: NextHopId) -> Self {
        Self { bits: prefix.bits(), len: prefix.len(), protocol, attributes, next_hop }
    }

    /// Returns the prefix.
    #[inline]
    pub fn prefix(&self) -> Prefix<A> {
        Prefix::containing(self.bits, self.len)
    }

    /// Returns where the route comes from.
    #[inline]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Returns its attributes.
    #[inline]
    pub fn attributes(&self) -> AttributesId {
        self.attributes
    }

    /// Returns its next hop, which belongs to the VRF that has the route.
    #[inline]
    pub fn next_hop(&self) -> NextHopId {
        self.next_hop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_route_has_no_padding_to_speak_of() {
        assert_eq!(size_of::<SourceRoute<u32>>(), 16);
        assert_eq!(size_of::<SourceRoute<u128>>(), 32);
    }
}
