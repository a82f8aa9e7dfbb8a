//! Reading values out of words: addresses, masks, prefixes, numbers, RDs, targets, each with its error.
//!
//! A function that returns `None` has reported why.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use vrfleak_engine::{Rd, RouteTarget};

use crate::place::Located;
use crate::report::Report;
use crate::word::{Word, Words};

/// Takes the next word, which must be there.
pub(crate) fn word<'a>(words: &mut Words<'a>, report: &mut Report<'_>, expected: &str) -> Option<Word<'a>> {
    let word = words.next();
    if word.is_none() {
        report.error(words.end(), "the line ends too early", format_args!("expected {expected}"));
    }
    word
}

/// Takes the next word as a `T` whose own error says what is wrong.
fn parsed<T: FromStr<Err: Display>>(
    words: &mut Words<'_>,
    report: &mut Report<'_>,
    expected: &str,
) -> Option<Located<T>> {
    let word = word(words, report, expected)?;
    match word.text.parse() {
        Ok(value) => Some(Located::new(value, word.place)),
        Err(error) => {
            report.error(word.place, error, format_args!("expected {expected}"));
            None
        }
    }
}

/// Takes a route distinguisher.
pub(crate) fn rd(words: &mut Words<'_>, report: &mut Report<'_>) -> Option<Located<Rd>> {
    parsed(words, report, "AS:NUMBER or IPV4:NUMBER")
}

/// Takes a route target.
pub(crate) fn route_target(words: &mut Words<'_>, report: &mut Report<'_>) -> Option<Located<RouteTarget>> {
    parsed(words, report, "AS:NUMBER or IPV4:NUMBER")
}

/// Takes a route target, or `auto`, which is `None`.
pub(crate) fn target_or_auto(words: &mut Words<'_>, report: &mut Report<'_>) -> Option<Located<Option<RouteTarget>>> {
    match words.peek() {
        Some(word) if word.text == "auto" => {
            words.next();
            Some(Located::new(None, word.place))
        }
        _ => route_target(words, report).map(|target| Located::new(Some(target.value), target.place)),
    }
}

/// Takes a decimal number within `range`.
pub(crate) fn number(
    words: &mut Words<'_>,
    report: &mut Report<'_>,
    what: &str,
    range: RangeInclusive<u32>,
) -> Option<Located<u32>> {
    let word = word(words, report, what)?;
    match word.text.parse::<u32>() {
        Ok(value) if range.contains(&value) && word.text.as_bytes()[0] != b'+' => Some(Located::new(value, word.place)),
        _ => {
            report.error(
                word.place,
                format_args!("`{}` is no {what}", word.text),
                format_args!("expected a number from {} to {}", range.start(), range.end()),
            );
            None
        }
    }
}

/// Takes an AS number, plain or asdot.
pub(crate) fn as_number(words: &mut Words<'_>, report: &mut Report<'_>) -> Option<Located<u32>> {
    let word = word(words, report, "an AS number")?;
    match parse_as_number(word.text) {
        Some(value) => Some(Located::new(value, word.place)),
        None => {
            report.error(
                word.place,
                format_args!("`{}` is no AS number", word.text),
                "expected a number from 1 to 4294967295, or asdot",
            );
            None
        }
    }
}

/// Returns the AS number that `text` gives, plain or asdot (RFC 5396), 0 excepted.
pub(crate) fn parse_as_number(text: &str) -> Option<u32> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let value = match text.split_once('.') {
        Some((high, low)) if digits(high) && digits(low) => {
            u32::from(high.parse::<u16>().ok()?) << 16 | u32::from(low.parse::<u16>().ok()?)
        }
        None if digits(text) => text.parse().ok()?,
        _ => return None,
    };
    (value != 0).then_some(value)
}

/// Takes an IPv4 address.
pub(crate) fn ipv4(words: &mut Words<'_>, report: &mut Report<'_>) -> Option<Located<Ipv4Addr>> {
    let word = word(words, report, "an IPv4 address")?;
    ipv4_of(word, report)
}

/// Reads `word` as an IPv4 address.
pub(crate) fn ipv4_of(word: Word<'_>, report: &mut Report<'_>) -> Option<Located<Ipv4Addr>> {
    match word.text.parse() {
        Ok(address) => Some(Located::new(address, word.place)),
        Err(_) => {
            report.error(
                word.place,
                format_args!("`{}` is no IPv4 address", word.text),
                "expected four numbers from 0 to 255",
            );
            None
        }
    }
}

/// Reads `word` as an IPv6 address.
pub(crate) fn ipv6_of(word: Word<'_>, report: &mut Report<'_>) -> Option<Located<Ipv6Addr>> {
    match word.text.parse() {
        Ok(address) => Some(Located::new(address, word.place)),
        Err(_) => {
            report.error(word.place, format_args!("`{}` is no IPv6 address", word.text), "expected an IPv6 address");
            None
        }
    }
}

/// Reads `word` as an address of either family.
pub(crate) fn address_of(word: Word<'_>, report: &mut Report<'_>) -> Option<Located<IpAddr>> {
    match word.text.parse() {
        Ok(address) => Some(Located::new(address, word.place)),
        Err(_) => {
            report.error(
                word.place,
                format_args!("`{}` is no IP address", word.text),
                "expected an IPv4 or IPv6 address",
            );
            None
        }
    }
}

/// Returns the length of a contiguous network mask.
pub(crate) fn mask_len(mask: Ipv4Addr) -> Option<u8> {
    let bits = mask.to_bits();
    (bits.leading_ones() + bits.trailing_zeros() >= 32).then(|| bits.leading_ones() as u8)
}

/// Takes a network mask and returns its length.
pub(crate) fn mask(words: &mut Words<'_>, report: &mut Report<'_>) -> Option<Located<u8>> {
    let word = word(words, report, "a network mask")?;
    let mask = ipv4_of(word, report)?;
    match mask_len(mask.value) {
        Some(len) => Some(Located::new(len, word.place)),
        None => {
            report.error(
                word.place,
                format_args!("mask `{}` has holes", word.text),
                "expected ones followed by zeros, such as 255.255.255.0",
            );
            None
        }
    }
}

/// Takes `ADDRESS MASK` and returns the address with the length of the mask, host bits kept.
pub(crate) fn ipv4_with_mask(words: &mut Words<'_>, report: &mut Report<'_>) -> Option<Located<Ipv4Net>> {
    let address = ipv4(words, report)?;
    let len = mask(words, report)?;
    let net = Ipv4Net::new(address.value, len.value).expect("a mask has at most 32 ones");
    Some(Located::new(net, address.place))
}

/// Takes `ADDRESS MASK` without host bits.
pub(crate) fn ipv4_prefix(words: &mut Words<'_>, report: &mut Report<'_>) -> Option<Located<IpNet>> {
    let net = ipv4_with_mask(words, report)?;
    without_host_bits(Located::new(IpNet::V4(net.value), net.place), report)
}

/// Reads `word` as `ADDRESS/LENGTH`, host bits kept.
pub(crate) fn net_of(word: Word<'_>, report: &mut Report<'_>) -> Option<Located<IpNet>> {
    match word.text.parse::<IpNet>() {
        Ok(net) => Some(Located::new(net, word.place)),
        Err(_) => {
            report.error(word.place, format_args!("`{}` is no prefix", word.text), "expected ADDRESS/LENGTH");
            None
        }
    }
}

/// Reads `word` as an IPv6 `ADDRESS/LENGTH`, host bits kept.
pub(crate) fn ipv6_net_of(word: Word<'_>, report: &mut Report<'_>) -> Option<Located<Ipv6Net>> {
    match word.text.parse::<Ipv6Net>() {
        Ok(net) => Some(Located::new(net, word.place)),
        Err(_) => {
            report.error(
                word.place,
                format_args!("`{}` is no IPv6 prefix", word.text),
                "expected IPV6/LENGTH, the length at most 128",
            );
            None
        }
    }
}

/// Returns `net` if it has no host bits.
pub(crate) fn without_host_bits(net: Located<IpNet>, report: &mut Report<'_>) -> Option<Located<IpNet>> {
    if net.value.addr() == net.value.network() {
        Some(net)
    } else {
        report.error(
            net.place,
            format_args!("`{}` has host bits set", net.value),
            format_args!("expected `{}`", net.value.trunc()),
        );
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_have_no_holes() {
        let len = |text: &str| mask_len(text.parse().expect("an address"));
        assert_eq!(len("0.0.0.0"), Some(0));
        assert_eq!(len("255.255.255.255"), Some(32));
        assert_eq!(len("255.255.254.0"), Some(23));
        assert_eq!(len("255.0.255.0"), None);
        assert_eq!(len("0.0.0.255"), None);
    }

    #[test]
    fn as_numbers_are_plain_or_dotted() {
        assert_eq!(parse_as_number("65535"), Some(65535));
        assert_eq!(parse_as_number("1.10"), Some(65546));
        for bad in ["", "0", "+1", "1.", ".1", "4294967296", "1.65536", "a"] {
            assert_eq!(parse_as_number(bad), None, "{bad}");
        }
    }
}
