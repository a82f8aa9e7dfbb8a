//! [`RouteTarget`], the extended community that decides who imports a route.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::administrator::{Administrator, Mistake};
use crate::id::RouterId;

/// The sub-type of a route target in the second byte (RFC 4360 section 4).
pub const ROUTE_TARGET_SUB_TYPE: u8 = 2;

/// The first byte of the targets of default tables, a type that no UPDATE and no configuration has.
const DEFAULT_TABLE: u8 = 0xff;
/// Their third byte: of routes that leave the default table, and of those that are to enter it.
const FROM: u8 = 0;
const TO: u8 = 1;

/// A route target: a transitive extended community of sub-type 2 and type 0, 1 or 2 (RFC 4360 section 4, RFC 5668).
///
/// Equality compares all eight bytes; there is no match across encodings (SEMANTICS V2). A community of another type,
/// the non-transitive ones of RFC 7153 among them, is no route target and cannot be held here.
///
/// Two more stand for the default table of each router (SEMANTICS I8): what it exports to VRFs carries the one, what it
/// imports from them the other. No text and no UPDATE names them, no policy that names targets sees or removes them, and
/// routes that have no other target stay on their router.
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

    /// Returns the target of what the default table of `router` gives to VRFs of the same router (SEMANTICS I8).
    pub fn from_default_table(router: RouterId) -> Self {
        let [a, b, c, d] = router.0.to_be_bytes();
        Self([DEFAULT_TABLE, ROUTE_TARGET_SUB_TYPE, FROM, 0, a, b, c, d])
    }

    /// Returns the target of what VRFs of `router` give to its default table (SEMANTICS I8).
    pub fn to_default_table(router: RouterId) -> Self {
        let [a, b, c, d] = router.0.to_be_bytes();
        Self([DEFAULT_TABLE, ROUTE_TARGET_SUB_TYPE, TO, 0, a, b, c, d])
    }

    /// Returns whether it stands for a default table, and so is no target of any configuration.
    #[inline]
    pub const fn is_of_default_table(self) -> bool {
        self.0[0] == DEFAULT_TABLE
    }

    /// Returns whether it is that of what a default table gives to VRFs.
    pub const fn is_from_default_table(self) -> bool {
        self.is_of_default_table() && self.0[2] == FROM
    }

    /// Returns the bytes as they stand in an UPDATE.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0
    }

    /// Returns the administrator and number; `None` for one that stands for a default table.
    pub fn administrator(self) -> Option<Administrator> {
        let [kind, _, a, b, c, d, e, f] = self.0;
        Administrator::decode(kind, [a, b, c, d, e, f])
    }
}

impl From<Administrator> for RouteTarget {
    fn from(administrator: Administrator) -> Self {
        Self::new(administrator)
    }
}

impl fmt::Display for RouteTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.administrator() {
            Some(administrator) => f.pad(&administrator.to_string()),
            None if self.0[2] == FROM => f.pad("from the default table"),
            None => f.pad("to the default table"),
        }
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

    #[test]
    fn i8_a_default_table_has_targets_that_nobody_can_name() {
        let router = RouterId::from_index(1);
        let targets = [RouteTarget::from_default_table(router), RouteTarget::to_default_table(router)];
        assert_ne!(targets[0], targets[1]);
        for target in targets {
            assert!(target.is_of_default_table());
            assert_eq!(target.administrator(), None);
            assert_eq!(RouteTarget::from_bytes(target.to_bytes()), None);
            assert!(target.to_string().parse::<RouteTarget>().is_err());
            assert_ne!(target, RouteTarget::from_default_table(RouterId::from_index(2)));
        }
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
