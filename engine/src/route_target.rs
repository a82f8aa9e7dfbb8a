//! [`RouteTarget`], the extended community that decides who imports a route.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::administrator::{Administrator, Mistake};

/// The sub-type of a route target in the second byte (RFC 4360 section 4).
pub const ROUTE_TARGET_SUB_TYPE: u8 = 2;

/// A route target: a transitive extended community of sub-type 2 and type 0, 1 or 2 (RFC 4360 section 4, RFC 5668).
///
/// Equality compares all eight bytes; there is no match across encodings (SEMANTICS V2). A community of another type,
/// the non-transitive ones of RFC 7153 among them, is no route target and cannot be held here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteTarget([u8; 8]);

impl RouteTarget {
    /// Returns the route target with this administrator and number.
    pub fn new(administrator: Administrator) -> Self {
        let (kind, [a, b, c, d, e, f]) = administrator.encode();
        Self([kind, ROUTE_TARGET_SUB_TYPE, a, b, c, d, e, f])
    }

    /// Returns the target `asn:number` of type 0.
    pub fn as2(asn: u16, number: u32) -> Self {
        Self::new(Administrator::As2 { asn, number })
    }

    /// Returns the target `address:number` of type 1.
    pub fn ipv4(address: Ipv4Addr, number: u16) -> Self {
        Self::new(Administrator::Ipv4 { address, number })
    }

    /// Returns the target of an extended community's bytes, or `None` if it is not a transitive route target.
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        (bytes[0] <= 2 && bytes[1] == ROUTE_TARGET_SUB_TYPE).then_some(Self(bytes))
    }

    /// Returns the bytes as they stand in an UPDATE.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0
    }

    /// Returns the administrator and number.
    pub fn administrator(self) -> Administrator {
        let [kind, _, a, b, c, d, e, f] = self.0;
        Administrator::decode(kind, [a, b, c, d, e, f]).expect("a route target is of type 0, 1 or 2")
    }
}

impl From<Administrator> for RouteTarget {
    fn from(administrator: Administrator) -> Self {
        Self::new(administrator)
    }
}

impl fmt::Display for RouteTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.administrator().to_string())
    }
}

impl fmt::Debug for RouteTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no [`RouteTarget`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseRouteTargetError {
    /// The text that was read.
    pub text: String,
    /// What is wrong with it.
    pub mistake: Mistake,
}

impl fmt::Display for ParseRouteTargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a route target: {}", self.text, self.mistake)
    }
}

impl std::error::Error for ParseRouteTargetError {}

impl FromStr for RouteTarget {
    type Err = ParseRouteTargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |mistake| ParseRouteTargetError { text: text.to_owned(), mistake };
        Administrator::parse(text).map(Self::new).map_err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn v2_targets_match_by_all_eight_bytes() {
        let two: RouteTarget = "65000:1".parse().expect("a target");
        let four: RouteTarget = "65000L:1".parse().expect("a target");
        assert_eq!(two.to_bytes(), [0, 2, 0xfd, 0xe8, 0, 0, 0, 1]);
        assert_eq!(four.to_bytes(), [2, 2, 0, 0, 0xfd, 0xe8, 0, 1]);
        assert_ne!(two, four);
    }

    #[test]
    fn v2_a_non_transitive_community_is_no_target() {
        assert_eq!(RouteTarget::from_bytes([0x40, 2, 0xfd, 0xe8, 0, 0, 0, 1]), None);
        assert_eq!(RouteTarget::from_bytes([0, 3, 0xfd, 0xe8, 0, 0, 0, 1]), None);
        assert_eq!(RouteTarget::from_bytes([3, 2, 0xfd, 0xe8, 0, 0, 0, 1]), None);
    }

    proptest! {
        #[test]
        fn v2_every_target_reads_back_to_the_same_bytes(kind in 0_u8..3, value: [u8; 6]) {
            let [a, b, c, d, e, f] = value;
            let target = RouteTarget::from_bytes([kind, 2, a, b, c, d, e, f]).expect("transitive");
            prop_assert_eq!(target.to_string().parse(), Ok(target));
        }
    }
}
