//! Route maps and the lists that they name, in the syntax that IOS and FRR share.
//!
//! Lines are collected first, since a map may name a list that comes later; [`RouteMaps::compile`] makes policies of
//! them once the configuration was read.

mod access_list;
mod clause;
mod compile;
mod filter;
mod list;
mod prefix_list;
mod regex;

use ahash::AHashMap;
use vrfleak_engine::policy::{CommunityTest, ListEntry, Pattern, PrefixEntry};
use vrfleak_engine::{Community, Family, RouteTarget};

use crate::place::Place;
use crate::report::Report;
use crate::value;
use crate::word::{Word, Words};
use clause::Entry;
pub(crate) use compile::Compiled;
use filter::Filter;
pub(crate) use filter::FilterKind;
pub(crate) use regex::cisco_pattern;

/// Whose syntax it is, where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Ios,
    Frr,
}

/// What a line of the outermost mode was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Nothing that is read here.
    Unknown,
    /// A whole command.
    Whole,
    /// The start of a section.
    Opens(Section),
}

/// A section of several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// An entry of a route map: the position of the map and of the entry.
    Entry(usize, usize),
    /// A named access list, and whether it is extended.
    AccessList(usize, bool),
    /// A list of communities, and whether its entries are regular expressions.
    Communities(usize, bool),
    /// A list of extended communities, and whether its entries are regular expressions.
    Targets(usize, bool),
}

/// Entries with their sequence numbers, by name.
#[derive(Debug)]
struct Lists<T> {
    lists: Vec<NamedList<T>>,
    ids: AHashMap<String, usize>,
}

#[derive(Debug)]
struct NamedList<T> {
    name: String,
    place: Place,
    entries: Vec<(u32, T)>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { lists: Vec::new(), ids: AHashMap::new() }
    }
}

impl<T> Lists<T> {
    /// Returns the position of the list of this name, made unless it was there.
    fn define(&mut self, name: Word<'_>) -> usize {
        if let Some(&index) = self.ids.get(name.text) {
            return index;
        }
        let list = NamedList { name: name.text.to_owned(), place: name.place, entries: Vec::new() };
        self.lists.push(list);
        self.ids.insert(name.text.to_owned(), self.lists.len() - 1);
        self.lists.len() - 1
    }

    /// Removes the entry of the sequence number that follows, the entries that fit what follows, or, where nothing
    /// follows, all.
    fn forget(&mut self, name: &str, mut words: Words<'_>, fits: impl Fn(&T, Words<'_>) -> bool) {
        let Some(&index) = self.ids.get(name) else { return };
        words.eat("seq");
        let entries = &mut self.lists[index].entries;
        match words.peek_text().parse::<u32>() {
            Ok(number) => entries.retain(|(other, _)| *other != number),
            Err(_) if words.is_empty() => entries.clear(),
            Err(_) => entries.retain(|(_, entry)| !fits(entry, words)),
        }
    }

    /// Adds an entry: at its number, or five after the last.
    fn push(&mut self, index: usize, number: Option<u32>, entry: T) {
        let entries = &mut self.lists[index].entries;
        let number = number.unwrap_or_else(|| entries.last().map_or(5, |(last, _)| last.saturating_add(5)));
        entries.push((number, entry));
    }
}

/// Every list and route map of a configuration.
#[derive(Debug)]
pub(crate) struct RouteMaps {
    style: Style,
    prefix_lists: [Lists<(bool, PrefixLine)>; 2],
    access_lists: [Lists<AccessLine>; 2],
    communities: Lists<ListEntry<CommunityTest<Community>>>,
    targets: Lists<ListEntry<CommunityTest<RouteTarget>>>,
    as_paths: Lists<ListEntry<Pattern>>,
    maps: Lists<Entry>,
    /// Lists that are used as policies.
    filters: Vec<Filter>,
    /// The export targets of each VRF, by which a route's VRF is known.
    pub(crate) sources: AHashMap<String, Vec<RouteTarget>>,
}

/// An entry of a prefix list, of the family of its list.
#[derive(Clone, Copy, Debug)]
struct PrefixLine {
    net: ipnet::IpNet,
    min: u8,
    max: u8,
}

impl PrefixLine {
    /// Returns whether `permit PREFIX ...` follows for this entry's prefix.
    fn is(&self, mut words: Words<'_>) -> bool {
        words.next();
        words.next_text().parse() == Ok(self.net)
    }
}

/// The entries that a line of an access list stands for.
#[derive(Clone, Debug)]
enum AccessLine {
    Ipv4(Vec<PrefixEntry<u32>>),
    Ipv6(Vec<PrefixEntry<u128>>),
}

impl RouteMaps {
    pub(crate) fn new(style: Style) -> Self {
        Self {
            style,
            prefix_lists: Default::default(),
            access_lists: Default::default(),
            communities: Lists::default(),
            targets: Lists::default(),
            as_paths: Lists::default(),
            maps: Lists::default(),
            filters: Vec::new(),
            sources: AHashMap::new(),
        }
    }

    /// Reads a line of the outermost mode.
    pub(crate) fn global(&mut self, mut words: Words<'_>, report: &mut Report<'_>) -> Line {
        match words.next_text() {
            "ip" => match words.next_text() {
                "prefix-list" => self.prefix_list(words, Family::Ipv4, report),
                "community-list" => self.community_list(words, report),
                "extcommunity-list" => self.target_list(words, report),
                "as-path" if words.eat("access-list") => self.as_path_list(words, report),
                "access-list" => match self.style {
                    Style::Ios => self.named_access_list(words, report),
                    Style::Frr => self.frr_access_list(words, Family::Ipv4, report),
                },
                _ => Line::Unknown,
            },
            "ipv6" => match words.next_text() {
                "prefix-list" => self.prefix_list(words, Family::Ipv6, report),
                "access-list" if self.style == Style::Frr => self.frr_access_list(words, Family::Ipv6, report),
                _ => Line::Unknown,
            },
            "bgp" => match words.next_text() {
                "community-list" => self.community_list(words, report),
                "extcommunity-list" => self.target_list(words, report),
                "as-path" if words.eat("access-list") => self.as_path_list(words, report),
                _ => Line::Unknown,
            },
            "access-list" => match self.style {
                Style::Ios => self.numbered_access_list(words, report),
                Style::Frr => self.frr_access_list(words, Family::Ipv4, report),
            },
            "route-map" => self.route_map(words, report),
            _ => Line::Unknown,
        }
    }

    /// Undoes a definition of the outermost mode, and returns whether it is one.
    pub(crate) fn forget(&mut self, mut words: Words<'_>) -> bool {
        let index = |family| if family == "ip" { Family::Ipv4 } else { Family::Ipv6 } as usize;
        match (words.next_text(), words.peek_text()) {
            (family @ ("ip" | "ipv6"), "prefix-list") => {
                words.next();
                let name = words.next_text();
                self.prefix_lists[index(family)].forget(name, words, |(_, line), words| line.is(words));
                true
            }
            ("route-map", name) if !name.is_empty() => {
                words.next();
                words.next();
                self.maps.forget(name, words, |_, _| false);
                true
            }
            _ => false,
        }
    }

    /// Reads a line of a section, and returns whether it is one.
    pub(crate) fn line(&mut self, section: Section, words: Words<'_>, report: &mut Report<'_>) -> bool {
        match section {
            Section::Entry(map, entry) => self.entry_line(map, entry, words, report),
            Section::AccessList(list, extended) => self.access_line(list, extended, words, report),
            Section::Communities(list, expanded) => self.community_line(list, expanded, words, report),
            Section::Targets(list, expanded) => self.target_line(list, expanded, words, report),
        }
    }
}

/// Takes `seq N` or a number, if either follows.
fn sequence(words: &mut Words<'_>, report: &mut Report<'_>) -> Option<u32> {
    if words.eat("seq") {
        return value::number(words, report, "sequence number", 0..=u32::MAX).map(|number| number.value);
    }
    let number = words.peek_text().parse().ok()?;
    words.next();
    Some(number)
}

/// Takes `permit` or `deny`.
fn permit(words: &mut Words<'_>, report: &mut Report<'_>) -> Option<bool> {
    let word = value::word(words, report, "`permit` or `deny`")?;
    match word.text {
        "permit" => Some(true),
        "deny" => Some(false),
        text => {
            report.error(word.place, format_args!("`{text}` is no action"), "expected `permit` or `deny`");
            None
        }
    }
}
