//! [`Row`]: one route while it is ranked.

use crate::address::Address;
use crate::id::AttributesId;
use crate::prefix::Prefix;
use crate::source_route::Protocol;

const PROTOCOLS: [Protocol; 4] = [Protocol::Connected, Protocol::Local, Protocol::Static, Protocol::Bgp];

/// One route while it is ranked: prefix, preference, order of its next hop, protocol, attributes.
///
/// The derived order is the rank. Every field of a route is in it, so the order of input decides nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row<A> {
    bits: A,
    /// Prefix length in the upper 8 bits, preference class in the lower 24.
    len_preference: u32,
    /// Order of the next hop in the upper 30 bits, protocol in the lower 2.
    order_protocol: u32,
    attributes: u32,
}

impl<A: Address> Row<A> {
    /// Returns the row of a route, whose next hop has the place `place` among all; the preference class is below 2^24 and
    /// the place below 2^30.
    #[inline]
    pub(crate) fn new(
        prefix: Prefix<A>,
        preference: u32,
        place: u32,
        protocol: Protocol,
        attributes: AttributesId,
    ) -> Self {
        Self {
            bits: prefix.bits(),
            len_preference: u32::from(prefix.len()) << 24 | preference,
            order_protocol: place << 2 | protocol as u32,
            attributes: attributes.0,
        }
    }

    /// Returns the first 64 bits of the address: rows with one prefix have one, and it grows with the rank.
    #[inline]
    pub(crate) fn head(&self) -> u64 {
        (self.bits.widen() << (128 - u32::from(A::BITS)) >> 64) as u64
    }

    /// Returns 64 bits that grow with the rank: of an IPv4 route also the length and the preference.
    #[inline]
    pub(crate) fn key(&self) -> u64 {
        if A::BITS > 32 { self.head() } else { self.head() | u64::from(self.len_preference) }
    }

    /// Returns the address of the prefix.
    #[inline]
    pub(crate) fn bits(&self) -> A {
        self.bits
    }

    /// Returns the length of the prefix in bits.
    #[inline]
    pub(crate) fn len(&self) -> u8 {
        (self.len_preference >> 24) as u8
    }

    #[inline]
    pub(crate) fn prefix(&self) -> Prefix<A> {
        Prefix::containing(self.bits, self.len())
    }

    /// Returns whether another row has the same prefix.
    #[inline]
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.bits == other.bits && self.len() == other.len()
    }

    /// Returns the place of the next hop among all.
    #[inline]
    pub(crate) fn place(&self) -> usize {
        (self.order_protocol >> 2) as usize
    }

    #[inline]
    pub(crate) fn protocol(&self) -> Protocol {
        PROTOCOLS[(self.order_protocol & 3) as usize]
    }

    #[inline]
    pub(crate) fn attributes(&self) -> AttributesId {
        AttributesId(self.attributes)
    }
}
