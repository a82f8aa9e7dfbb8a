//! Lists of communities, extended communities and AS paths.

use std::fmt::Display;
use std::str::FromStr;

use vrfleak_engine::policy::{CommunityTest, ListEntry, Member};

use super::{Line, RouteMaps, Section, cisco_pattern, permit, sequence};
use crate::report::Report;
use crate::value;
use crate::word::Words;

/// Whether a list's entries are regular expressions: as its keyword says, else as its number does, else (FRR) as the
/// entry looks.
fn kind(words: &mut Words<'_>, expanded_from: u32) -> Option<bool> {
    if words.eat("standard") {
        Some(false)
    } else if words.eat("expanded") {
        Some(true)
    } else {
        words.peek_text().parse::<u32>().ok().map(|number| number >= expanded_from)
    }
}

impl RouteMaps {
    /// Reads what follows `community-list`.
    pub(super) fn community_list(&mut self, mut words: Words<'_>, report: &mut Report<'_>) -> Line {
        let expanded = kind(&mut words, 100).unwrap_or(false);
        let Some(name) = words.next() else { return Line::Unknown };
        let list = self.communities.define(name);
        if words.is_empty() {
            return Line::Opens(Section::Communities(list, expanded));
        }
        self.community_line(list, expanded, words, report);
        Line::Whole
    }

    /// Reads what follows `extcommunity-list`.
    pub(super) fn target_list(&mut self, mut words: Words<'_>, report: &mut Report<'_>) -> Line {
        let expanded = kind(&mut words, 100).unwrap_or(false);
        let Some(name) = words.next() else { return Line::Unknown };
        let list = self.targets.define(name);
        if words.is_empty() {
            return Line::Opens(Section::Targets(list, expanded));
        }
        self.target_line(list, expanded, words, report);
        Line::Whole
    }

    /// Reads an entry of a list of communities.
    pub(super) fn community_line(
        &mut self,
        list: usize,
        expanded: bool,
        mut words: Words<'_>,
        report: &mut Report<'_>,
    ) -> bool {
        let number = sequence(&mut words, report);
        if !matches!(words.peek_text(), "permit" | "deny") {
            return words.peek_text() == "description";
        }
        let Some(permit) = permit(&mut words, report) else { return true };
        let test = if words.peek_text() == "internet" {
            Some(CommunityTest::AllOf(Box::default()))
        } else if expanded {
            text_test(words, report)
        } else {
            members(words, report).map(CommunityTest::AllOf)
        };
        if let Some(test) = test {
            self.communities.push(list, number, ListEntry { permit, test });
        }
        true
    }

    /// Reads an entry of a list of extended communities. Only route targets are looked at.
    pub(super) fn target_line(
        &mut self,
        list: usize,
        expanded: bool,
        mut words: Words<'_>,
        report: &mut Report<'_>,
    ) -> bool {
        let number = sequence(&mut words, report);
        if !matches!(words.peek_text(), "permit" | "deny") {
            return words.peek_text() == "description";
        }
        let Some(permit) = permit(&mut words, report) else { return true };
        let test = if expanded {
            // `RT:65000:1` is how the text of a target starts in some releases.
            text_test(words, report)
        } else {
            let mut targets = Vec::new();
            while let Some(word) = words.next() {
                match word.text {
                    "rt" => {
                        let Some(target) = value::route_target(&mut words, report) else { return true };
                        targets.push(Member::Exact(target.value));
                    }
                    "soo" => {
                        report.warning(word.place, "a site of origin is not modelled", "the entry matches nothing");
                        return true;
                    }
                    text => {
                        report.error(
                            word.place,
                            format_args!("`{text}` is no kind of extended community"),
                            "expected `rt` and a route target",
                        );
                        return true;
                    }
                }
            }
            Some(CommunityTest::AllOf(targets.into()))
        };
        if let Some(test) = test {
            self.targets.push(list, number, ListEntry { permit, test });
        }
        true
    }

    /// Reads what follows `as-path access-list`.
    pub(super) fn as_path_list(&mut self, mut words: Words<'_>, report: &mut Report<'_>) -> Line {
        let Some(name) = words.next() else { return Line::Unknown };
        let number = sequence(&mut words, report);
        let Some(permit) = permit(&mut words, report) else { return Line::Whole };
        let list = self.as_paths.define(name);
        if let Some(test) = pattern(words, report) {
            self.as_paths.push(list, number, ListEntry { permit, test });
        }
        Line::Whole
    }
}

fn pattern(words: Words<'_>, report: &mut Report<'_>) -> Option<vrfleak_engine::policy::Pattern> {
    let rest = words.rest();
    match cisco_pattern(rest.text.trim_matches('"')) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            report.error(rest.place, error, "expected a regular expression");
            None
        }
    }
}

fn text_test<T>(words: Words<'_>, report: &mut Report<'_>) -> Option<CommunityTest<T>> {
    pattern(words, report).map(CommunityTest::Text)
}

/// Reads the rest of the line as values.
pub(super) fn members<T: FromStr<Err: Display>>(
    mut words: Words<'_>,
    report: &mut Report<'_>,
) -> Option<Box<[Member<T>]>> {
    let mut members = Vec::new();
    while let Some(word) = words.next() {
        match word.text.parse() {
            Ok(value) => members.push(Member::Exact(value)),
            Err(error) => {
                report.error(word.place, error, "expected AS:NUMBER or a well-known name");
                return None;
            }
        }
    }
    Some(members.into())
}
