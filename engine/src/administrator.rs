//! `ADMINISTRATOR:NUMBER`, the text that route distinguishers and route targets share.

use std::fmt;
use std::net::Ipv4Addr;

/// The six value bytes of an RD or a route target, by type (RFC 4364 section 4.2, RFC 4360 section 3, RFC 5668).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Administrator {
    /// Type 0: 2-octet AS number and 4-octet number.
    As2 {
        /// The AS number.
        asn: u16,
        /// The assigned number.
        number: u32,
    },
    /// Type 1: IPv4 address and 2-octet number.
    Ipv4 {
        /// The address.
        address: Ipv4Addr,
        /// The assigned number.
        number: u16,
    },
    /// Type 2: 4-octet AS number and 2-octet number.
    As4 {
        /// The AS number.
        asn: u32,
        /// The assigned number.
        number: u16,
    },
}

impl Administrator {
    /// Returns the type, 0 to 2, and the six value bytes in network byte order.
    pub(crate) fn encode(self) -> (u8, [u8; 6]) {
        let mut value = [0; 6];
        match self {
            Self::As2 { asn, number } => {
                value[..2].copy_from_slice(&asn.to_be_bytes());
                value[2..].copy_from_slice(&number.to_be_bytes());
                (0, value)
            }
            Self::Ipv4 { address, number } => {
                value[..4].copy_from_slice(&address.octets());
                value[4..].copy_from_slice(&number.to_be_bytes());
                (1, value)
            }
            Self::As4 { asn, number } => {
                value[..4].copy_from_slice(&asn.to_be_bytes());
                value[4..].copy_from_slice(&number.to_be_bytes());
                (2, value)
            }
        }
    }

    /// Returns what the six bytes `value` of type `kind` mean, or `None` for a type above 2.
    pub(crate) fn decode(kind: u8, value: [u8; 6]) -> Option<Self> {
        let [a, b, c, d, e, f] = value;
        match kind {
            0 => Some(Self::As2 { asn: u16::from_be_bytes([a, b]), number: u32::from_be_bytes([c, d, e, f]) }),
            1 => Some(Self::Ipv4 { address: Ipv4Addr::new(a, b, c, d), number: u16::from_be_bytes([e, f]) }),
            2 => Some(Self::As4 { asn: u32::from_be_bytes([a, b, c, d]), number: u16::from_be_bytes([e, f]) }),
            _ => None,
        }
    }

    /// Reads `AS:NUMBER`, `IPV4:NUMBER`, `ASL:NUMBER` (a 4-octet AS whatever its size) or asdot `HIGH.LOW:NUMBER`.
    pub(crate) fn parse(text: &str) -> Result<Self, Mistake> {
        let (admin, number) = text.split_once(':').ok_or(Mistake::Shape)?;
        let number = decimal(number)?;
        let short = |number: u64| u16::try_from(number).map_err(|_| Mistake::Number { value: number, limit: 0xffff });
        if admin.matches('.').count() == 3 {
            let address = admin.parse().map_err(|_| Mistake::Administrator)?;
            return Ok(Self::Ipv4 { address, number: short(number)? });
        }
        let (asn, wide) = match (admin.split_once('.'), admin.strip_suffix(['L', 'l'])) {
            (Some((high, low)), _) => {
                let half = |text| u16::try_from(decimal(text)?).map(u64::from).map_err(|_| Mistake::Administrator);
                (half(high)? << 16 | half(low)?, true)
            }
            (None, Some(asn)) => (decimal(asn)?, true),
            (None, None) => (decimal(admin)?, false),
        };
        let asn = u32::try_from(asn).map_err(|_| Mistake::AsNumber { value: asn })?;
        match u16::try_from(asn) {
            Ok(asn) if !wide => {
                let number =
                    u32::try_from(number).map_err(|_| Mistake::Number { value: number, limit: u64::from(u32::MAX) })?;
                Ok(Self::As2 { asn, number })
            }
            _ => Ok(Self::As4 { asn, number: short(number)? }),
        }
    }
}

/// Reads a decimal number of at most 19 digits: no sign, no blanks.
fn decimal(text: &str) -> Result<u64, Mistake> {
    if text.is_empty() || text.len() > 19 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Mistake::Shape);
    }
    text.parse().map_err(|_| Mistake::Shape)
}

impl fmt::Display for Administrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::As2 { asn, number } => write!(f, "{asn}:{number}"),
            Self::Ipv4 { address, number } => write!(f, "{address}:{number}"),
            // Without the mark this would read back as type 0.
            Self::As4 { asn, number } if *asn <= 0xffff => write!(f, "{asn}L:{number}"),
            Self::As4 { asn, number } => write!(f, "{asn}:{number}"),
        }
    }
}

/// What is wrong with a text that should be an RD or a route target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mistake {
    /// Not two decimal parts with a colon between.
    Shape,
    /// The part before the colon is neither an AS number nor an IPv4 address.
    Administrator,
    /// The AS number needs more than 32 bits.
    AsNumber {
        /// The number that was read.
        value: u64,
    },
    /// The assigned number does not fit its type.
    Number {
        /// The number that was read.
        value: u64,
        /// The largest that fits.
        limit: u64,
    },
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape => f.write_str("expected AS:NUMBER or IPV4:NUMBER"),
            Self::Administrator => f.write_str("expected an AS number or an IPv4 address before the colon"),
            Self::AsNumber { value } => write!(f, "AS number {value} exceeds {}", u32::MAX),
            Self::Number { value, limit } => write!(f, "number {value} exceeds {limit}, the limit of this type"),
        }
    }
}
