//! [`Rd`], the route distinguisher.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::administrator::{Administrator, Mistake};
use crate::id::RouterId;

/// A route distinguisher: eight opaque bytes that make the prefixes of one VRF unique (RFC 4364 section 4.2).
///
/// Equality and order compare all eight bytes in network byte order: the same text in two types is two RDs
/// (SEMANTICS V1). It keeps routes apart and never decides an import.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rd([u8; 8]);

impl Rd {
    /// Returns the RD of type 0, 1 or 2 with this administrator and number.
    pub fn new(administrator: Administrator) -> Self {
        let (kind, [a, b, c, d, e, f]) = administrator.encode();
        Self([0, kind, a, b, c, d, e, f])
    }

    /// Returns the type 0 RD `asn:number`.
    pub fn as2(asn: u16, number: u32) -> Self {
        Self::new(Administrator::As2 { asn, number })
    }

    /// Returns the type 1 RD `address:number`.
    pub fn ipv4(address: Ipv4Addr, number: u16) -> Self {
        Self::new(Administrator::Ipv4 { address, number })
    }

    /// Returns the RD of these bytes, as they stand in an NLRI.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }

    /// Returns the RD that the default table of `router` has where it leaks to VRFs without one (SEMANTICS I8). It is of a
    /// type that RFC 4364 does not define.
    pub fn of_default_table(router: RouterId) -> Self {
        let [a, b, c, d] = router.0.to_be_bytes();
        Self([0xff, 0xff, b'd', b't', a, b, c, d])
    }

    /// Returns whether it is one that stands for a default table, and so is in no configuration.
    pub const fn is_of_default_table(self) -> bool {
        matches!(self.0, [0xff, 0xff, b'd', b't', ..])
    }

    /// Returns the bytes as they stand in an NLRI.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0
    }

    /// Returns the administrator and number, or `None` for a type that RFC 4364 does not define.
    pub fn administrator(self) -> Option<Administrator> {
        let [high, low, a, b, c, d, e, f] = self.0;
        (high == 0).then(|| Administrator::decode(low, [a, b, c, d, e, f])).flatten()
    }
}

impl From<Administrator> for Rd {
    fn from(administrator: Administrator) -> Self {
        Self::new(administrator)
    }
}

impl fmt::Display for Rd {
    /// Writes `AS:NUMBER`, `IPV4:NUMBER`, `ASL:NUMBER` (type 2 whose AS fits 16 bits), or `0x` and 16 digits for an
    /// unknown type. Every form reads back to the same bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.administrator() {
            Some(administrator) => f.pad(&administrator.to_string()),
            None => f.pad(&format!("0x{:016x}", u64::from_be_bytes(self.0))),
        }
    }
}

impl fmt::Debug for Rd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a text is no [`Rd`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseRdError {
    /// The text that was read.
    pub text: String,
    /// What is wrong with it.
    pub mistake: Mistake,
}

impl fmt::Display for ParseRdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a route distinguisher: {}", self.text, self.mistake)
    }
}

impl std::error::Error for ParseRdError {}

impl FromStr for Rd {
    type Err = ParseRdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(digits) = text.strip_prefix("0x")
            && digits.len() == 16
            && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            && let Ok(value) = u64::from_str_radix(digits, 16)
        {
            return Ok(Self(value.to_be_bytes()));
        }
        let error = |mistake| ParseRdError { text: text.to_owned(), mistake };
        Administrator::parse(text).map(Self::new).map_err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn v1_the_same_text_in_two_types_is_two_rds() {
        let two = Rd::new(Administrator::As2 { asn: 65000, number: 1 });
        let four = Rd::new(Administrator::As4 { asn: 65000, number: 1 });
        assert_ne!(two, four);
        assert_eq!(two.to_string(), "65000:1");
        assert_eq!(four.to_string(), "65000L:1");
        assert_eq!("65000L:1".parse(), Ok(four));
        assert_eq!("0:1000000".parse(), Ok(Rd::as2(0, 1_000_000)));
        assert_eq!("10.0.0.1:7".parse(), Ok(Rd::from_bytes([0, 1, 10, 0, 0, 1, 0, 7])));
        assert_eq!("4200000001:7".parse(), Ok(Rd::from_bytes([0, 2, 0xfa, 0x56, 0xea, 0x01, 0, 7])));
        assert_eq!("1.10:7".parse(), Ok(Rd::from_bytes([0, 2, 0, 1, 0, 10, 0, 7])));
    }

    #[test]
    fn errors_name_the_limit_and_the_value() {
        let text = |text: &str| text.parse::<Rd>().expect_err("not an RD").to_string();
        assert_eq!(text("65535:"), "`65535:` is not a route distinguisher: expected AS:NUMBER or IPV4:NUMBER");
        assert_eq!(
            text("70000:70000"),
            "`70000:70000` is not a route distinguisher: number 70000 exceeds 65535, the limit of this type"
        );
        for bad in
            ["", ":", "a:1", "1", "1:2:3", "1.2.3:4", "300.1.1.1:4", "-1:1", "1:+1", "4294967296:1", "1:4294967296"]
        {
            assert!(bad.parse::<Rd>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn v1_every_rd_reads_back_to_the_same_bytes(bytes: [u8; 8], kind in 0_u8..4) {
            for rd in [Rd::from_bytes(bytes), Rd::from_bytes([0, kind, bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]])] {
                prop_assert_eq!(rd.to_string().parse(), Ok(rd));
            }
        }

        #[test]
        fn reading_never_panics(text in "\\PC{0,24}") {
            let _ = text.parse::<Rd>();
        }
    }
}
