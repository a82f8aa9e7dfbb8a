//! Sets: `prefix-set`, `community-set`, `extcommunity-set rt`, `as-path-set`, `rd-set`, and the same in parentheses.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use ahash::AHashMap;
use ipnet::IpNet;
use vrfleak_engine::policy::{Member, ParsePatternError, Pattern, PrefixEntry, PrefixList};
use vrfleak_engine::{Community, Prefix, Rd, RouteTarget};

use super::token::Token;
use crate::report::Report;
use crate::route_map::cisco_pattern;

/// The kinds of sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SetKind {
    Prefix,
    Community,
    Targets,
    AsPath,
    Rd,
    /// One that nothing modelled names.
    Other,
    /// One of those, with a type between keyword and name.
    OtherTyped,
}

impl SetKind {
    /// Returns the kind of the set that `keyword` opens, `next` being the word behind it.
    pub(super) fn of(keyword: &str, next: &str) -> Option<Self> {
        Some(match keyword {
            "prefix-set" => Self::Prefix,
            "community-set" => Self::Community,
            "extcommunity-set" if next == "rt" => Self::Targets,
            "extcommunity-set" => Self::OtherTyped,
            "as-path-set" => Self::AsPath,
            "rd-set" => Self::Rd,
            "large-community-set" | "tag-set" | "ospf-area-set" | "etag-set" | "esi-set" | "mac-set" => Self::Other,
            _ => return None,
        })
    }

    /// Returns whether a type stands between the keyword and the name.
    pub(super) fn has_type(self) -> bool {
        matches!(self, Self::Targets | Self::OtherTyped)
    }
}

/// The sets of a configuration, by name.
#[derive(Debug, Default)]
pub(super) struct Sets {
    pub(super) prefixes: AHashMap<String, Arc<PrefixList>>,
    pub(super) communities: AHashMap<String, Vec<Member<Community>>>,
    pub(super) targets: AHashMap<String, Vec<Member<RouteTarget>>>,
    pub(super) as_paths: AHashMap<String, Vec<Pattern>>,
    pub(super) rds: AHashMap<String, Vec<Rd>>,
}

impl Sets {
    pub(super) fn build(texts: &[(SetKind, Token<'_>, Vec<Token<'_>>)], report: &mut Report<'_>) -> Self {
        let mut sets = Self::default();
        for (kind, name, body) in texts {
            let key = name.text.to_owned();
            match kind {
                SetKind::Prefix => {
                    sets.prefixes.insert(key, Arc::new(prefixes(name.text, body, report)));
                }
                SetKind::Community => {
                    sets.communities.insert(key, members(body, report));
                }
                SetKind::Targets => {
                    sets.targets.insert(key, members(body, report));
                }
                SetKind::AsPath => {
                    sets.as_paths.insert(key, as_paths(body, report));
                }
                SetKind::Rd => {
                    sets.rds.insert(key, rds(body, report));
                }
                SetKind::Other | SetKind::OtherTyped => {}
            }
        }
        sets
    }
}

/// Reads `PREFIX [ge N] [le N] [eq N], ...`.
pub(super) fn prefixes(name: &str, tokens: &[Token<'_>], report: &mut Report<'_>) -> PrefixList {
    let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
    for element in tokens.split(|token| token.text == ",") {
        let Some((first, bounds)) = element.split_first() else { continue };
        let net = first.text.parse::<IpNet>().or_else(|_| first.text.parse::<std::net::IpAddr>().map(IpNet::from));
        let Ok(net) = net else {
            report.error(first.place, format_args!("`{}` is no prefix", first.text), "expected ADDRESS/LENGTH");
            continue;
        };
        let (len, width) = (net.prefix_len(), net.max_prefix_len());
        let (mut min, mut max) = (None, None);
        let mut pairs = bounds.chunks_exact(2);
        for pair in &mut pairs {
            let value = pair[1].text.parse().ok().filter(|value| (len..=width).contains(value));
            if value.is_none() {
                report.error(
                    pair[1].place,
                    format_args!("`{}` is no prefix length", pair[1].text),
                    format_args!("expected a number from {len} to {width}"),
                );
            }
            match pair[0].text {
                "ge" => min = value,
                "le" => max = value,
                "eq" => (min, max) = (value, value),
                text => {
                    report.error(pair[0].place, format_args!("`{text}` is no bound"), "expected `ge`, `le` or `eq`");
                }
            }
        }
        if let Some(left) = pairs.remainder().first() {
            report.error(
                left.place,
                format_args!("`{}` lacks its length", left.text),
                "expected `ge N`, `le N` or `eq N`",
            );
        }
        let (min, max) = match (min, max) {
            (None, None) => (len, len),
            (min, max) => (min.unwrap_or(len), max.unwrap_or(width)),
        };
        match net {
            IpNet::V4(net) => ipv4.push(PrefixEntry::new(true, Prefix::from(net), min, max)),
            IpNet::V6(net) => ipv6.push(PrefixEntry::new(true, Prefix::from(net), min, max)),
        }
    }
    PrefixList::new(name, ipv4, ipv6)
}

/// Reads communities or targets; numbers may be `*` or a range.
pub(super) fn members<T: FromStr<Err: Display>>(tokens: &[Token<'_>], report: &mut Report<'_>) -> Vec<Member<T>> {
    let mut members = Vec::new();
    for element in tokens.split(|token| token.text == ",") {
        match element {
            [] => {}
            [keyword, pattern] if matches!(keyword.text, "ios-regex" | "dfa-regex") => {
                match cisco_pattern(pattern.text) {
                    Ok(pattern) => members.push(Member::Pattern(pattern)),
                    Err(error) => report.error(pattern.place, error, "expected a regular expression"),
                }
            }
            [value] if value.text.contains(['*', '[']) => match wildcard(value.text) {
                Some(Ok(pattern)) => members.push(Member::Pattern(pattern)),
                _ => report.error(
                    value.place,
                    format_args!("`{}` is no community", value.text),
                    "expected numbers, `*` or ranges such as `[1..9]` around a colon",
                ),
            },
            [value] => match value.text.parse() {
                Ok(value) => members.push(Member::Exact(value)),
                Err(error) => report.error(value.place, error, "expected AS:NUMBER"),
            },
            [first, ..] => {
                report.warning(
                    first.place,
                    format_args!("`{}` is not modelled here", first.text),
                    "it matches nothing",
                );
            }
        }
    }
    members
}

/// The longest range that is written out.
const MAX_RANGE: u32 = 4096;

/// Returns the pattern of a community with `*` or `[FIRST..LAST]` for numbers.
fn wildcard(text: &str) -> Option<Result<Pattern, ParsePatternError>> {
    let (high, low) = text.split_once(':')?;
    let part = |text: &str| {
        if text == "*" {
            return Some("[0-9.]+".to_owned());
        }
        if let Some((first, last)) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')?.split_once("..")) {
            let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
            if last.checked_sub(first)? > MAX_RANGE {
                return None;
            }
            let numbers: Vec<_> = (first..=last).map(|number| number.to_string()).collect();
            return Some(format!("(?:{})", numbers.join("|")));
        }
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        plain.then(|| text.replace('.', "\\."))
    };
    Some(Pattern::new(&format!("^{}:{}$", part(high)?, part(low)?)))
}

/// Reads the elements of an AS-path set.
pub(super) fn as_paths(tokens: &[Token<'_>], report: &mut Report<'_>) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for element in tokens.split(|token| token.text == ",") {
        let (pattern, place) = match element {
            [] => continue,
            [keyword, text, ..] => match as_path(keyword.text, text.text) {
                Some(pattern) => (pattern, text.place),
                None => {
                    let message = format_args!("`{}` is not modelled here", keyword.text);
                    report.warning(keyword.place, message, "it matches nothing");
                    continue;
                }
            },
            [keyword] => {
                report.error(
                    keyword.place,
                    format_args!("`{}` lacks its value", keyword.text),
                    "expected a regular expression",
                );
                continue;
            }
        };
        match pattern {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => report.error(place, error, "expected a regular expression"),
        }
    }
    patterns
}

/// Returns the pattern of one test of an AS path.
pub(super) fn as_path(keyword: &str, text: &str) -> Option<Result<Pattern, ParsePatternError>> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ');
    Some(match keyword {
        "ios-regex" | "dfa-regex" => cisco_pattern(text),
        "passes-through" if plain => cisco_pattern(&format!("_{text}_")),
        "originates-from" if plain => cisco_pattern(&format!("_{text}$")),
        "neighbor-is" if plain => cisco_pattern(&format!("^{text}_")),
        _ => return None,
    })
}

/// Reads RDs.
pub(super) fn rds(tokens: &[Token<'_>], report: &mut Report<'_>) -> Vec<Rd> {
    let mut rds = Vec::new();
    for token in tokens.iter().filter(|token| token.text != ",") {
        match token.text.parse() {
            Ok(rd) => rds.push(rd),
            Err(error) => report.error(token.place, error, "expected AS:NUMBER or IPV4:NUMBER"),
        }
    }
    rds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_numbers() {
        let finds =
            |pattern: &str, text: &str| wildcard(pattern).and_then(Result::ok).is_some_and(|found| found.finds(text));
        assert!(finds("65000:*", "65000:17"));
        assert!(!finds("65000:*", "165000:17"));
        assert!(finds("*:[1..3]", "7:2"));
        assert!(!finds("*:[1..3]", "7:4"));
        for bad in ["65000", "a:*", "*:[3..1]", "*:[1..99999]", "[1..2:*"] {
            assert!(wildcard(bad).is_none(), "{bad}");
        }
    }
}
