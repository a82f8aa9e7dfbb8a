//! The two address families as integers: `u32` is IPv4, `u128` is IPv6.
//!
//! Everything that is generic over the family is generic over [`Address`]; the two are never mixed in one table
//! (SEMANTICS V4).

use std::fmt::{self, Debug, Display};
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::{BitAnd, BitOr, BitXor, Not, Shl, Shr};

use crate::per_family::{Kind, PerFamily};

mod sealed {
    #[expect(unnameable_types, reason = "what cannot be named cannot be implemented elsewhere")]
    pub trait Sealed {}
    impl Sealed for u32 {}
    impl Sealed for u128 {}
}

/// The address family of a table, a prefix or a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4, 32-bit addresses.
    Ipv4,
    /// IPv6, 128-bit addresses.
    Ipv6,
}

impl Family {
    /// Both families, IPv4 first.
    pub const ALL: [Self; 2] = [Self::Ipv4, Self::Ipv6];
}

impl Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        })
    }
}

/// An IP address as an unsigned integer whose most significant bit is the first bit on the wire.
///
/// Implemented by `u32` (IPv4) and `u128` (IPv6), and by nothing else.
pub trait Address:
    sealed::Sealed
    + Copy
    + Ord
    + Hash
    + Debug
    + Default
    + Send
    + Sync
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Not<Output = Self>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
    + 'static
{
    /// Width in bits: 32 or 128.
    const BITS: u8;
    /// The family that this integer stands for.
    const FAMILY: Family;
    /// The address whose bits are all zero.
    const ZERO: Self;
    /// The address whose bits are all one.
    const MAX: Self;

    /// Returns the mask with the first `len` bits set; `len` above [`Self::BITS`] counts as all bits.
    #[inline]
    fn mask(len: u8) -> Self {
        if len == 0 { Self::ZERO } else { Self::MAX << u32::from(Self::BITS.saturating_sub(len)) }
    }

    /// Returns the number of leading zero bits.
    fn leading_zeros(self) -> u32;

    /// Returns the address that follows, or `None` after the last one.
    fn next(self) -> Option<Self>;

    /// Returns the value widened to 128 bits, its last bit still the last.
    fn widen(self) -> u128;

    /// Returns the low bits of `value`, the inverse of [`Self::widen`].
    fn narrow(value: u128) -> Self;

    /// Returns the address as the standard library has it.
    fn to_ip(self) -> IpAddr;

    /// Returns the integer of `ip`, or `None` if it is of the other family.
    fn from_ip(ip: IpAddr) -> Option<Self>;

    /// Returns this family's value of the pair.
    fn pick<K: Kind>(pair: &PerFamily<K>) -> &K::Of<Self>;

    /// Returns this family's value of the pair, to be changed.
    fn pick_mut<K: Kind>(pair: &mut PerFamily<K>) -> &mut K::Of<Self>;
}

impl Address for u32 {
    const BITS: u8 = 32;
    const FAMILY: Family = Family::Ipv4;
    const ZERO: Self = 0;
    const MAX: Self = Self::MAX;

    #[inline]
    fn leading_zeros(self) -> u32 {
        self.leading_zeros()
    }

    #[inline]
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    #[inline]
    fn widen(self) -> u128 {
        u128::from(self)
    }

    #[inline]
    fn narrow(value: u128) -> Self {
        value as Self
    }

    fn to_ip(self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(self))
    }

    fn from_ip(ip: IpAddr) -> Option<Self> {
        match ip {
            IpAddr::V4(ip) => Some(ip.to_bits()),
            IpAddr::V6(_) => None,
        }
    }

    #[inline]
    fn pick<K: Kind>(pair: &PerFamily<K>) -> &K::Of<Self> {
        &pair.ipv4
    }

    #[inline]
    fn pick_mut<K: Kind>(pair: &mut PerFamily<K>) -> &mut K::Of<Self> {
        &mut pair.ipv4
    }
}

impl Address for u128 {
    const BITS: u8 = 128;
    const FAMILY: Family = Family::Ipv6;
    const ZERO: Self = 0;
    const MAX: Self = Self::MAX;

    #[inline]
    fn leading_zeros(self) -> u32 {
        self.leading_zeros()
    }

    #[inline]
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }

    #[inline]
    fn widen(self) -> u128 {
        self
    }

    #[inline]
    fn narrow(value: u128) -> Self {
        value
    }

    fn to_ip(self) -> IpAddr {
        IpAddr::V6(Ipv6Addr::from_bits(self))
    }

    fn from_ip(ip: IpAddr) -> Option<Self> {
        match ip {
            IpAddr::V4(_) => None,
            IpAddr::V6(ip) => Some(ip.to_bits()),
        }
    }

    #[inline]
    fn pick<K: Kind>(pair: &PerFamily<K>) -> &K::Of<Self> {
        &pair.ipv6
    }

    #[inline]
    fn pick_mut<K: Kind>(pair: &mut PerFamily<K>) -> &mut K::Of<Self> {
        &mut pair.ipv6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mask_covers_every_length() {
        assert_eq!(u32::mask(0), 0);
        assert_eq!(u32::mask(1), 0x8000_0000);
        assert_eq!(u32::mask(24), 0xffff_ff00);
        assert_eq!(u32::mask(32), u32::MAX);
        assert_eq!(u32::mask(33), u32::MAX);
        assert_eq!(u128::mask(0), 0);
        assert_eq!(u128::mask(64), 0xffff_ffff_ffff_ffff_0000_0000_0000_0000);
        assert_eq!(u128::mask(128), u128::MAX);
    }

    #[test]
    fn ip_round_trips_within_its_family_only() {
        let ip: IpAddr = "192.0.2.1".parse().expect("an address");
        assert_eq!(u32::from_ip(ip), Some(0xc000_0201));
        assert_eq!(0xc000_0201_u32.to_ip(), ip);
        assert_eq!(u128::from_ip(ip), None);
        let ip: IpAddr = "2001:db8::1".parse().expect("an address");
        assert_eq!(u128::from_ip(ip).map(Address::to_ip), Some(ip));
        assert_eq!(u32::from_ip(ip), None);
    }
}
