//! [`Prefix`]: the first `len` bits of an address.

use std::fmt;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::address::Address;

/// An IP prefix without host bits (SEMANTICS V3).
///
/// Ordered by first address, then by length: a prefix comes directly before what it contains, which is the order of
/// every table here and of the one-pass FIB build. Eight bytes for IPv4; IPv6 pads to 32, so long columns keep bits and
/// length apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix<A> {
    bits: A,
    len: u8,
}

/// An IPv4 prefix.
pub type Ipv4Prefix = Prefix<u32>;
/// An IPv6 prefix.
pub type Ipv6Prefix = Prefix<u128>;

impl<A: Address> Prefix<A> {
    /// The prefix that contains every address: `0.0.0.0/0` or `::/0`.
    pub const DEFAULT: Self = Self { bits: A::ZERO, len: 0 };

    /// Returns the prefix of `len` bits that starts at `bits`, or `None` if it has host bits or `len` is too long.
    #[inline]
    pub fn new(bits: A, len: u8) -> Option<Self> {
        (len <= A::BITS && bits & !A::mask(len) == A::ZERO).then_some(Self { bits, len })
    }

    /// Returns the prefix of `len` bits that contains `address`; a `len` above the width counts as the width.
    #[inline]
    pub fn containing(address: A, len: u8) -> Self {
        let len = len.min(A::BITS);
        Self { bits: address & A::mask(len), len }
    }

    /// Returns the host route of `address`: /32 or /128.
    #[inline]
    pub fn host(address: A) -> Self {
        Self { bits: address, len: A::BITS }
    }

    /// Returns the first address, the most significant bit first on the wire.
    #[inline]
    pub fn bits(self) -> A {
        self.bits
    }

    /// Returns the length in bits.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "a prefix length is no container size")]
    pub fn len(self) -> u8 {
        self.len
    }

    /// Returns the last address.
    #[inline]
    pub fn last(self) -> A {
        self.bits | !A::mask(self.len)
    }

    /// Returns whether `address` lies in this prefix.
    #[inline]
    pub fn contains(self, address: A) -> bool {
        address & A::mask(self.len) == self.bits
    }

    /// Returns whether `other` lies in this prefix or equals it.
    #[inline]
    pub fn covers(self, other: Self) -> bool {
        self.len <= other.len && self.contains(other.bits)
    }

    /// Returns whether this is a /32 or a /128.
    #[inline]
    pub fn is_host(self) -> bool {
        self.len == A::BITS
    }

    /// Returns the prefix as crate `ipnet` has it.
    pub fn to_net(self) -> IpNet {
        IpNet::new(self.bits.to_ip(), self.len).expect("the length is within the family's width")
    }

    /// Returns the prefix of `net`, or `None` if it is of the other family or has host bits.
    pub fn from_net(net: IpNet) -> Option<Self> {
        Self::new(A::from_ip(net.addr())?, net.prefix_len())
    }
}

impl From<Ipv4Net> for Ipv4Prefix {
    /// Masks the host bits of `net`.
    fn from(net: Ipv4Net) -> Self {
        Self::containing(net.addr().to_bits(), net.prefix_len())
    }
}

impl From<Ipv6Net> for Ipv6Prefix {
    /// Masks the host bits of `net`.
    fn from(net: Ipv6Net) -> Self {
        Self::containing(net.addr().to_bits(), net.prefix_len())
    }
}

impl<A: Address> fmt::Display for Prefix<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.bits.to_ip(), self.len))
    }
}

impl<A: Address> fmt::Debug for Prefix<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no [`Prefix`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParsePrefixError {
    /// Not of the form `ADDRESS/LENGTH` in this family, or the length exceeds the width.
    Syntax {
        /// The text that was read.
        text: String,
        /// `IPv4` or `IPv6`.
        family: crate::address::Family,
    },
    /// Bits are set behind the length.
    HostBits {
        /// The text that was read.
        text: String,
        /// The prefix with its host bits cleared.
        masked: IpNet,
    },
}

impl fmt::Display for ParsePrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { text, family } => write!(f, "`{text}` is not an {family} prefix, expected ADDRESS/LENGTH"),
            Self::HostBits { text, masked } => write!(f, "`{text}` has host bits set, expected `{masked}`"),
        }
    }
}

impl std::error::Error for ParsePrefixError {}

impl<A: Address> FromStr for Prefix<A> {
    type Err = ParsePrefixError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let syntax = || ParsePrefixError::Syntax { text: text.to_owned(), family: A::FAMILY };
        // `ipnet` reads leading zeros in an IPv4 address as decimal; the standard library refuses the ambiguity. So does
        // the length here.
        let (address, len) = text.split_once('/').ok_or_else(syntax)?;
        let address = address.parse().ok().and_then(A::from_ip).ok_or_else(syntax)?;
        let len = parse_len(len).filter(|&len| len <= A::BITS).ok_or_else(syntax)?;
        Self::new(address, len).ok_or_else(|| ParsePrefixError::HostBits {
            text: text.to_owned(),
            masked: Self::containing(address, len).to_net(),
        })
    }
}

/// Reads a decimal length without sign or leading zero.
fn parse_len(text: &str) -> Option<u8> {
    let plain = text == "0" || text.starts_with(|first| matches!(first, '1'..='9'));
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v3_a_prefix_has_no_host_bits() {
        assert_eq!(Prefix::new(0x0a00_0001_u32, 24), None);
        assert_eq!(Prefix::new(0x0a00_0000_u32, 33), None);
        let error = "10.0.0.1/24".parse::<Ipv4Prefix>().expect_err("host bits");
        assert_eq!(error.to_string(), "`10.0.0.1/24` has host bits set, expected `10.0.0.0/24`");
        assert_eq!(Prefix::containing(0x0a00_0001_u32, 24).to_string(), "10.0.0.0/24");
    }

    #[test]
    fn text_round_trips_in_both_families() {
        for text in ["0.0.0.0/0", "10.0.0.0/8", "192.0.2.255/32", "128.0.0.0/1"] {
            assert_eq!(text.parse::<Ipv4Prefix>().expect("a prefix").to_string(), text);
        }
        for text in ["::/0", "2001:db8::/32", "2001:db8::1/128", "8000::/1"] {
            assert_eq!(text.parse::<Ipv6Prefix>().expect("a prefix").to_string(), text);
        }
        for text in ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/+8", "::/0", "10.0.0.0/ 8", "010.0.0.0/8"] {
            assert!(text.parse::<Ipv4Prefix>().is_err(), "{text}");
        }
        for text in ["0.0.0.0/00", "10.0.0.0/08", "10.0.0.0/008", "10.7.7.7/002", "10.0.0.0/"] {
            assert!(matches!(text.parse::<Ipv4Prefix>(), Err(ParsePrefixError::Syntax { .. })), "{text}");
        }
        assert!("2001:db8::/032".parse::<Ipv6Prefix>().is_err());
    }

    #[test]
    fn order_puts_a_prefix_directly_before_what_it_contains() {
        let mut prefixes: Vec<Ipv4Prefix> = ["10.1.0.0/16", "10.0.0.0/16", "10.0.0.0/8", "0.0.0.0/0", "10.0.0.0/32"]
            .iter()
            .map(|text| text.parse().expect("a prefix"))
            .collect();
        prefixes.sort();
        let texts: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16", "10.0.0.0/32", "10.1.0.0/16"]);
    }

    #[test]
    fn covers_and_last_agree_at_the_edges() {
        let all = Ipv4Prefix::DEFAULT;
        let host = Prefix::host(u32::MAX);
        assert!(all.covers(host) && !host.covers(all) && host.covers(host));
        assert_eq!(all.last(), u32::MAX);
        assert_eq!(host.last(), u32::MAX);
        assert_eq!(Ipv6Prefix::DEFAULT.last(), u128::MAX);
    }
}
