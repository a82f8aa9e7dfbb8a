//! An entry of a route map: `match` and `set` lines.

use std::net::IpAddr;

use vrfleak_engine::policy::{Action, Change, Number};
use vrfleak_engine::{Community, Family, OriginCode, Protocol, RouteTarget};

use super::{Line, RouteMaps, Section, Style};
use crate::ios::full_interface_name;
use crate::place::{Located, Place};
use crate::report::Report;
use crate::value;
use crate::word::{Word, Words};

/// An entry as it was read.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) permit: bool,
    pub(super) place: Place,
    pub(super) matches: Vec<Match>,
    pub(super) sets: Vec<Set>,
    /// `continue`: at the next entry, or at this number or above.
    pub(super) goes_on: Option<GoesOn>,
    /// `call`: another route map that must permit the route too.
    pub(super) call: Option<Located<String>>,
}

impl Entry {
    /// Undoes a line, and returns whether it is one: what follows `no match`, `no set`, `no continue`, `no call`.
    fn forget(&mut self, words: Words<'_>, style: Style, report: &mut Report<'_>) -> bool {
        let mut rest = words;
        match rest.next_text() {
            "match" => {
                let line = match_line(rest, style, report).and_then(Result::ok);
                let line = line.map(|line| std::mem::discriminant(&line));
                self.matches.retain(|other| Some(std::mem::discriminant(other)) != line);
            }
            "set" => {
                let set = set_line(rest, style, report).and_then(Result::ok);
                self.sets.retain(|other| match (other, &set) {
                    (Set::Action(other), Some(Set::Action(set))) => {
                        std::mem::discriminant(other) != std::mem::discriminant(set)
                    }
                    (other, Some(set)) => std::mem::discriminant(other) != std::mem::discriminant(set),
                    (_, None) => true,
                });
            }
            "continue" | "on-match" => self.goes_on = None,
            "call" => self.call = None,
            "description" => {}
            _ => return false,
        }
        true
    }
}

/// Where a route map goes on after an entry that matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GoesOn {
    /// At the next entry.
    Next,
    /// At the first later entry of this number or above.
    At(u32),
}

impl GoesOn {
    /// Reads a number, or its absence.
    fn at(text: &str) -> Self {
        text.parse().map_or(Self::Next, Self::At)
    }
}

/// Names of lists, of which one must permit the route.
type Names = Vec<Located<String>>;

/// A `match` line.
#[derive(Clone, Debug)]
pub(super) enum Match {
    PrefixList(Family, Names),
    AccessList(Family, Names),
    NextHopPrefixList(Family, Names),
    NextHopAccessList(Family, Names),
    Community(Names, bool),
    Target(Names),
    AsPath(Names),
    Number(Number, Vec<(u32, u32)>),
    Interface(Vec<Box<str>>),
    Protocols(Vec<Protocol>),
    Origin(OriginCode),
    SourceVrf(Located<String>),
    /// What is not modelled: never holds.
    Never,
}

/// A `set` line.
#[derive(Clone, Debug)]
pub(super) enum Set {
    Action(Action),
    DeleteCommunities(Located<String>),
    DeleteTargets(Located<String>),
}

impl RouteMaps {
    /// Reads what follows `route-map`.
    pub(super) fn route_map(&mut self, mut words: Words<'_>, report: &mut Report<'_>) -> Line {
        let Some(name) = words.next() else { return Line::Unknown };
        let mut permit = true;
        match words.peek_text() {
            "permit" | "deny" => permit = words.next_text() == "permit",
            "optimization" => return Line::Whole,
            _ => {}
        }
        let number = if words.is_empty() {
            10
        } else {
            match value::number(&mut words, report, "sequence number", 0..=65535) {
                Some(number) => number.value,
                None => return Line::Whole,
            }
        };
        let map = self.maps.define(name);
        let entries = &mut self.maps.lists[map].entries;
        if let Some(at) = entries.iter().position(|(other, _)| *other == number) {
            entries[at].1.permit = permit;
            return Line::Opens(Section::Entry(map, at));
        }
        let entry =
            Entry { permit, place: words.whole(), matches: Vec::new(), sets: Vec::new(), goes_on: None, call: None };
        entries.push((number, entry));
        Line::Opens(Section::Entry(map, entries.len() - 1))
    }

    /// Reads a line of an entry.
    pub(super) fn entry_line(
        &mut self,
        map: usize,
        entry: usize,
        mut words: Words<'_>,
        report: &mut Report<'_>,
    ) -> bool {
        let style = self.style;
        let entry = &mut self.maps.lists[map].entries[entry].1;
        match words.next_text() {
            "description" => {}
            "match" => match match_line(words, style, report) {
                Some(Ok(line)) => entry.matches.push(line),
                Some(Err(())) => {}
                None => {
                    report.warning(
                        words.rest().place,
                        "this condition is not modelled",
                        "taken as never true: the entry matches nothing",
                    );
                    entry.matches.push(Match::Never);
                }
            },
            "set" => match set_line(words, style, report) {
                Some(Ok(set)) => entry.sets.push(set),
                Some(Err(())) => {}
                None if is_harmless(words) => return false,
                None => report.warning(words.rest().place, "this action is not modelled", "the route stays as it is"),
            },
            "continue" => entry.goes_on = Some(GoesOn::at(words.peek_text())),
            "call" => entry.call = words.next().map(Word::name),
            "no" => return entry.forget(words, style, report),
            "on-match" => match words.next_text() {
                "next" => entry.goes_on = Some(GoesOn::Next),
                "goto" => entry.goes_on = Some(GoesOn::at(words.peek_text())),
                _ => return false,
            },
            _ => return false,
        }
        true
    }
}

/// Returns the rest of the line as names.
fn names(mut words: Words<'_>) -> Names {
    let mut names = Vec::new();
    while let Some(word) = words.next() {
        names.push(word.name());
    }
    names
}

/// Reads a `match` line. `None` is one that is not modelled, `Err` one whose mistake was reported.
fn match_line(mut words: Words<'_>, style: Style, report: &mut Report<'_>) -> Option<Result<Match, ()>> {
    let numbers = |words: Words<'_>, number, report: &mut Report<'_>| {
        let mut words = words;
        let mut ranges = Vec::new();
        while !words.is_empty() {
            match value::number(&mut words, report, "number", 0..=u32::MAX) {
                Some(value) => ranges.push((value.value, value.value)),
                None => return Err(()),
            }
        }
        Ok(Match::Number(number, ranges))
    };
    let keyword = words.next_text();
    Some(Ok(match keyword {
        "ip" | "ipv6" => {
            let family = if keyword == "ip" { Family::Ipv4 } else { Family::Ipv6 };
            match words.next_text() {
                "address" if words.eat("prefix-list") => Match::PrefixList(family, names(words)),
                "address" if words.peek_text() != "prefix-len" => Match::AccessList(family, names(words)),
                "next-hop" if words.eat("prefix-list") => Match::NextHopPrefixList(family, names(words)),
                "next-hop" if !matches!(words.peek_text(), "type" | "address" | "prefix-len") => {
                    Match::NextHopAccessList(family, names(words))
                }
                _ => return None,
            }
        }
        "community" => {
            let mut lists = names(words);
            let exact = lists.last().is_some_and(|last| last.value == "exact-match");
            if exact {
                lists.pop();
            }
            Match::Community(lists, exact)
        }
        "extcommunity" => {
            let mut lists = names(words);
            lists.retain(|list| list.value != "exact-match");
            Match::Target(lists)
        }
        "as-path" => Match::AsPath(names(words)),
        "tag" => return Some(numbers(words, Number::Tag, report)),
        "metric" if words.peek_text() != "external" => return Some(numbers(words, Number::Med, report)),
        "local-preference" => return Some(numbers(words, Number::LocalPreference, report)),
        "interface" => {
            let full = |name: Located<String>| match style {
                Style::Ios => full_interface_name(&name.value).into(),
                Style::Frr => name.value.into(),
            };
            Match::Interface(names(words).into_iter().map(full).collect())
        }
        "source-protocol" => {
            let mut protocols = Vec::new();
            while let Some(word) = words.next() {
                match word.text {
                    "connected" => protocols.extend([Protocol::Connected, Protocol::Local]),
                    "static" => protocols.push(Protocol::Static),
                    "bgp" => protocols.push(Protocol::Bgp),
                    _ => {}
                }
            }
            Match::Protocols(protocols)
        }
        "origin" => Match::Origin(origin(words.next_text())?),
        "source-vrf" => Match::SourceVrf(words.next()?.name()),
        _ => return None,
    }))
}

fn origin(text: &str) -> Option<OriginCode> {
    match text {
        "igp" => Some(OriginCode::Igp),
        "egp" => Some(OriginCode::Egp),
        "incomplete" => Some(OriginCode::Incomplete),
        _ => None,
    }
}

/// Reads a number that may be relative.
fn change(words: &mut Words<'_>, report: &mut Report<'_>) -> Option<Change> {
    let word = value::word(words, report, "a number")?;
    let (sign, digits) = match word.text.as_bytes().first() {
        Some(b'+') => (Change::Add as fn(u32) -> Change, &word.text[1..]),
        Some(b'-') => (Change::Subtract as fn(u32) -> Change, &word.text[1..]),
        _ => (Change::Set as fn(u32) -> Change, word.text),
    };
    match digits.parse() {
        Ok(value) => Some(sign(value)),
        Err(_) => {
            report.error(
                word.place,
                format_args!("`{}` is no number", word.text),
                "expected a number up to 4294967295, with `+` or `-` before it for a change",
            );
            None
        }
    }
}

/// Reads a `set` line. `None` is one that says nothing about routes or is not modelled, `Err` one whose mistake was
/// reported.
fn set_line(mut words: Words<'_>, style: Style, report: &mut Report<'_>) -> Option<Result<Set, ()>> {
    let action = match words.next_text() {
        "extcommunity" if words.eat("rt") => targets(words, style, report),
        "extcommunity" if words.eat("none") => Some(Action::SetTargets(Box::default())),
        "extcomm-list" => {
            let name = words.next()?.name();
            return Some(Ok(Set::DeleteTargets(name)));
        }
        "comm-list" => {
            let name = words.next()?.name();
            return Some(Ok(Set::DeleteCommunities(name)));
        }
        "community" => communities(words, report),
        "metric" if !matches!(words.peek_text(), "rtt" | "+rtt" | "-rtt" | "igp") => {
            change(&mut words, report).map(Action::Med)
        }
        "local-preference" => change(&mut words, report).map(Action::LocalPreference),
        "weight" => value::number(&mut words, report, "weight", 0..=u32::MAX)
            .map(|weight| Action::Weight(Change::Set(weight.value))),
        "tag" => value::number(&mut words, report, "tag", 0..=u32::MAX).map(|tag| Action::Tag(tag.value)),
        "origin" => Some(Action::Origin(origin(words.next_text())?)),
        "as-path" if words.eat("prepend") => {
            if words.eat("last-as") {
                Some(Action::PrependFirst(words.peek_text().parse().unwrap_or(1)))
            } else {
                let mut path = Vec::new();
                while !words.is_empty() {
                    match value::as_number(&mut words, report) {
                        Some(asn) => path.push(asn.value),
                        None => return Some(Err(())),
                    }
                }
                Some(Action::Prepend(path.into()))
            }
        }
        "ip" | "ipv6" if words.eat("next-hop") => {
            words.eat("global");
            match words.peek_text().parse::<IpAddr>() {
                Ok(address) => Some(Action::NextHop(address)),
                Err(_) => {
                    report.warning(words.rest().place, "this next hop is not modelled", "the next hop stays as it is");
                    None
                }
            }
        }
        "vrf" | "global" => {
            report.warning(words.whole(), "policy routing is not modelled", "packets are forwarded by their VRF");
            None
        }
        _ => return None,
    };
    Some(action.map(Set::Action).ok_or(()))
}

/// Returns whether a `set` line changes nothing that is computed here.
fn is_harmless(mut words: Words<'_>) -> bool {
    matches!(
        words.next_text(),
        "metric-type"
            | "level"
            | "dampening"
            | "traffic-index"
            | "mpls-label"
            | "automatic-tag"
            | "interface"
            | "default"
            | "large-community"
            | "aggregator"
            | "atomic-aggregate"
            | "originator-id"
            | "src"
            | "table"
            | "evpn"
            | "sr-te"
    ) || words.restart().eat_all(&["set", "ip", "precedence"])
        || words.restart().eat_all(&["set", "ip", "df"])
        || words.restart().eat_all(&["set", "ip", "tos"])
}

/// Reads `TARGET ... [additive]`. FRR always adds to what is there.
fn targets(mut words: Words<'_>, style: Style, report: &mut Report<'_>) -> Option<Action> {
    let mut targets: Vec<RouteTarget> = Vec::new();
    let mut additive = style == Style::Frr;
    while let Some(word) = words.peek() {
        match word.text {
            "additive" => {
                additive = true;
                words.next();
            }
            // A list of several may repeat the keyword.
            "rt" => {
                words.next();
            }
            _ => targets.push(value::route_target(&mut words, report)?.value),
        }
    }
    Some(if additive { Action::AddTargets(targets.into()) } else { Action::SetTargets(targets.into()) })
}

/// Reads `none` or `COMMUNITY ... [additive]`.
fn communities(mut words: Words<'_>, report: &mut Report<'_>) -> Option<Action> {
    let mut communities: Vec<Community> = Vec::new();
    let mut additive = false;
    while let Some(word) = words.next() {
        match word.text {
            "additive" => additive = true,
            "none" => return Some(Action::SetCommunities(Box::default())),
            "internet" => {}
            text => match text.parse() {
                Ok(community) => communities.push(community),
                Err(error) => {
                    report.error(word.place, error, "expected AS:NUMBER, a well-known name or `none`");
                    return None;
                }
            },
        }
    }
    Some(if additive { Action::AddCommunities(communities.into()) } else { Action::SetCommunities(communities.into()) })
}
