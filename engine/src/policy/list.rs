//! [`List`]: permits and denies, of which the first that matches decides.

use std::fmt::Display;

use super::Pattern;

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEntry<T> {
    /// Whether what matches is permitted.
    pub permit: bool,
    /// What matches.
    pub test: T,
}

/// A named list of permits and denies: the first entry that matches decides, and what none matches is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T> {
    /// Its name in the configuration.
    pub name: Box<str>,
    /// Its entries, in the order of evaluation.
    pub entries: Vec<ListEntry<T>>,
}

impl<T> List<T> {
    /// Returns whether the first entry whose test `matches` permits.
    pub fn permits(&self, mut matches: impl FnMut(&T) -> bool) -> bool {
        self.entries.iter().find(|entry| matches(&entry.test)).is_some_and(|entry| entry.permit)
    }
}

/// What a community or a route target is compared to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member<T> {
    /// This one.
    Exact(T),
    /// Those whose text the pattern finds.
    Pattern(Pattern),
}

impl<T: Copy + Eq + Display> Member<T> {
    fn is(&self, value: T) -> bool {
        match self {
            Self::Exact(exact) => *exact == value,
            Self::Pattern(pattern) => pattern.finds(&value.to_string()),
        }
    }
}

/// A test of all communities, or all route targets, of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommunityTest<T> {
    /// Each member is there.
    AllOf(Box<[Member<T>]>),
    /// One of the members is there.
    AnyOf(Box<[Member<T>]>),
    /// Nothing is there that is no member.
    Within(Box<[Member<T>]>),
    /// Each member is there and nothing else.
    Exactly(Box<[Member<T>]>),
    /// The pattern finds the text of all of them, in ascending order with a blank between.
    Text(Pattern),
    /// Nothing is there.
    Empty,
}

impl<T: Copy + Eq + Display> CommunityTest<T> {
    /// Returns whether the test holds for a route with these values.
    pub fn holds(&self, values: &[T]) -> bool {
        let there = |member: &Member<T>| values.iter().any(|&value| member.is(value));
        let within = |members: &[Member<T>]| values.iter().all(|&value| members.iter().any(|member| member.is(value)));
        match self {
            Self::AllOf(members) => members.iter().all(there),
            Self::AnyOf(members) => members.iter().any(there),
            Self::Within(members) => within(members),
            Self::Exactly(members) => members.iter().all(there) && within(members),
            Self::Text(pattern) => pattern.finds(&values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
            Self::Empty => values.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::community::Community;

    fn communities(text: &str) -> Vec<Community> {
        text.split_ascii_whitespace().map(|text| text.parse().expect("a community")).collect()
    }

    fn members(text: &str) -> Box<[Member<Community>]> {
        communities(text).into_iter().map(Member::Exact).collect()
    }

    #[test]
    fn tests_differ_in_what_must_be_there() {
        let two = communities("1:1 1:2");
        for (test, holds) in [
            (CommunityTest::AllOf(members("1:1 1:2")), true),
            (CommunityTest::AllOf(members("1:1 1:3")), false),
            (CommunityTest::AllOf(members("")), true),
            (CommunityTest::AnyOf(members("1:3 1:2")), true),
            (CommunityTest::AnyOf(members("")), false),
            (CommunityTest::Within(members("1:1 1:2 1:3")), true),
            (CommunityTest::Within(members("1:1")), false),
            (CommunityTest::Exactly(members("1:2 1:1")), true),
            (CommunityTest::Exactly(members("1:1 1:2 1:3")), false),
            (CommunityTest::Text(Pattern::new("^1:1 1:2$").expect("a pattern")), true),
            (CommunityTest::Empty, false),
        ] {
            assert_eq!(test.holds(&two), holds, "{test:?}");
        }
        assert!(CommunityTest::<Community>::Empty.holds(&[]));
    }

    #[test]
    fn the_first_entry_that_matches_decides() {
        let entry = |permit, text| ListEntry { permit, test: CommunityTest::AllOf(members(text)) };
        let list = List { name: "L".into(), entries: vec![entry(false, "1:1 1:2"), entry(true, "1:1")] };
        assert!(list.permits(|test| test.holds(&communities("1:1"))));
        assert!(!list.permits(|test| test.holds(&communities("1:1 1:2"))));
        assert!(!list.permits(|test| test.holds(&communities("1:3"))));
    }
}
