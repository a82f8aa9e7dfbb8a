//! Named communities: route targets and standard communities.

use std::sync::Arc;

use vrfleak_engine::policy::{CommunityTest, Condition, List, ListEntry, Member, Pattern};
use vrfleak_engine::{Community, RouteTarget};

use crate::report::Report;
use crate::word::Word;

/// A named community: the targets and standard communities that it stands for.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    pub(super) targets: Vec<Member<RouteTarget>>,
    pub(super) communities: Vec<Member<Community>>,
    /// Whether it stands for routes that lack them.
    pub(super) inverted: bool,
}

/// Reads a member of a community.
pub(super) fn member(word: Word<'_>, members: &mut Members, report: &mut Report<'_>) {
    let wild = |text: &str| text.contains(['*', '[', '(', '^', '$', '.']) && text.matches('.').count() != 3;
    if let Some(text) = word.text.strip_prefix("target:") {
        if wild(text) {
            match Pattern::new(&format!("^{}$", text.replace('*', "[0-9]*"))) {
                Ok(pattern) => members.targets.push(Member::Pattern(pattern)),
                Err(error) => report.error(word.place, error, "expected a target or a regular expression"),
            }
            return;
        }
        match text.parse() {
            Ok(target) => members.targets.push(Member::Exact(target)),
            Err(error) => report.error(word.place, error, "expected target:AS:NUMBER or target:IPV4:NUMBER"),
        }
    } else if word.text.starts_with("origin:") || word.text.starts_with("large:") || word.text.starts_with("0x") {
        report.warning(word.place, "this kind of community is not modelled", "it is left out");
    } else if wild(word.text) {
        match Pattern::new(&format!("^{}$", word.text.replace('*', "[0-9]*"))) {
            Ok(pattern) => members.communities.push(Member::Pattern(pattern)),
            Err(error) => report.error(word.place, error, "expected a community or a regular expression"),
        }
    } else {
        match word.text.parse() {
            Ok(community) => members.communities.push(Member::Exact(community)),
            Err(error) => report.error(word.place, error, "expected AS:NUMBER, target:AS:NUMBER or a well-known name"),
        }
    }
}

/// Returns the condition that a route has all members.
pub(super) fn test(members: &Members) -> Condition {
    let mut all = Vec::new();
    if !members.targets.is_empty() {
        all.push(Condition::Targets(list(CommunityTest::AllOf(members.targets.clone().into()))));
    }
    if !members.communities.is_empty() {
        all.push(Condition::Communities(list(CommunityTest::AllOf(members.communities.clone().into()))));
    }
    let all = if all.is_empty() { Condition::Never } else { Condition::All(all) };
    if members.inverted { Condition::Not(Box::new(all)) } else { all }
}

pub(super) fn list<T>(test: T) -> Arc<List<T>> {
    Arc::new(List { name: Box::default(), entries: vec![ListEntry { permit: true, test }] })
}

pub(super) fn any_of<T: Clone>(members: &[Member<T>]) -> Arc<List<CommunityTest<T>>> {
    list(CommunityTest::AnyOf(members.to_vec().into()))
}

pub(super) fn exact<T: Copy>(members: &[Member<T>]) -> Box<[T]> {
    let value = |member: &Member<T>| match member {
        Member::Exact(value) => Some(*value),
        Member::Pattern(_) => None,
    };
    members.iter().filter_map(value).collect()
}
