//! [`Community`]: a 32-bit mark that policies set and match.

use std::fmt;
use std::str::FromStr;

/// A community (RFC 1997): the high 16 bits are an AS number by custom, the low 16 that AS's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Community(pub u32);

/// The communities that have names (RFC 1997, RFC 3765, RFC 7999, RFC 8326), as configurations write them.
const NAMED: [(&str, Community); 6] = [
    ("no-export", Community(0xffff_ff01)),
    ("no-advertise", Community(0xffff_ff02)),
    ("local-as", Community(0xffff_ff03)),
    ("no-peer", Community(0xffff_ff04)),
    ("blackhole", Community(0xffff_029a)),
    ("graceful-shutdown", Community(0xffff_0000)),
];

impl Community {
    /// Returns the community `high:low`.
    pub fn new(high: u16, low: u16) -> Self {
        Self(u32::from(high) << 16 | u32::from(low))
    }

    /// Returns the high and the low half.
    pub fn halves(self) -> (u16, u16) {
        ((self.0 >> 16) as u16, self.0 as u16)
    }
}

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = NAMED.iter().find(|(_, community)| community == self) {
            return f.pad(name);
        }
        let (high, low) = self.halves();
        f.pad(&format!("{high}:{low}"))
    }
}

/// Why a text is no [`Community`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseCommunityError {
    /// The text that was read.
    pub text: String,
}

impl fmt::Display for ParseCommunityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no community, expected NUMBER:NUMBER, each at most 65535, or a well-known name", self.text)
    }
}

impl std::error::Error for ParseCommunityError {}

impl FromStr for Community {
    type Err = ParseCommunityError;

    /// Reads `HIGH:LOW`, the 32 bits as one number, or a well-known name in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let half = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            if digits { text.parse::<u16>().ok() } else { None }
        };
        let named = |(name, _): &&(&str, Self)| name.eq_ignore_ascii_case(text);
        let value = match text.split_once(':') {
            Some((high, low)) => half(high).zip(half(low)).map(|(high, low)| Self::new(high, low)),
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok().map(Self),
            None => NAMED.iter().find(named).map(|&(_, community)| community),
        };
        value.ok_or_else(|| ParseCommunityError { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_those_of_the_registry() {
        assert_eq!("no-export".parse(), Ok(Community(0xffff_ff01)));
        assert_eq!("No-Advertise".parse(), Ok(Community(0xffff_ff02)));
        assert_eq!("4294967041".parse(), Ok(Community(0xffff_ff01)));
        assert_eq!(Community::new(65000, 7).to_string(), "65000:7");
        for bad in ["", ":", "1:", "65536:1", "1:65536", "+1:1", "1:2:3", "internet2", "4294967296"] {
            assert!(bad.parse::<Community>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_community_reads_back(value: u32) {
            let community = Community(value);
            prop_assert_eq!(community.to_string().parse(), Ok(community));
        }
    }
}
