//! Lists as policies of their own: what `neighbor ... prefix-list`, `distribute-list` and `filter-list` name.

use vrfleak_engine::Family;
use vrfleak_engine::policy::{Clause, Flow, Policy};

use super::RouteMaps;
use super::clause::Match;
use super::compile::{Built, Compiled};
use crate::place::Located;
use crate::report::Report;
use crate::word::Word;

/// The kinds of lists that filter routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FilterKind {
    PrefixList(Family),
    AccessList(Family),
    AsPath,
}

impl FilterKind {
    /// Returns the kind of list that `keyword` names for a neighbour's routes of this family.
    pub(crate) fn of(keyword: &str, family: Family) -> Option<Self> {
        match keyword {
            "prefix-list" => Some(Self::PrefixList(family)),
            "distribute-list" => Some(Self::AccessList(family)),
            "filter-list" => Some(Self::AsPath),
            _ => None,
        }
    }
}

/// A list that is used as a policy.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    kind: FilterKind,
    list: Located<String>,
    policy: String,
}

impl RouteMaps {
    /// Returns the name of the policy that permits what the list permits.
    pub(crate) fn filter(&mut self, kind: FilterKind, list: Word<'_>) -> Located<String> {
        let policy = match kind {
            FilterKind::PrefixList(family) => format!("{family} prefix-list {}", list.text),
            FilterKind::AccessList(family) => format!("{family} access-list {}", list.text),
            FilterKind::AsPath => format!("as-path access-list {}", list.text),
        };
        if !self.filters.iter().any(|filter| filter.policy == policy) {
            self.filters.push(Filter { kind, list: list.name(), policy: policy.clone() });
        }
        Located::new(policy, list.place)
    }
}

impl Built {
    /// Adds the policy of a list.
    pub(super) fn add_filter(&self, filter: &Filter, compiled: &mut Compiled, report: &mut Report<'_>) {
        let names = vec![filter.list.clone()];
        let line = match filter.kind {
            FilterKind::PrefixList(family) => Match::PrefixList(family, names),
            FilterKind::AccessList(family) => Match::AccessList(family, names),
            FilterKind::AsPath => Match::AsPath(names),
        };
        let (_, condition) = self.line(&line, report);
        let clause = Clause {
            label: filter.list.value.as_str().into(),
            source: compiled.source(filter.list.place),
            condition,
            passes: true,
            then: Flow::Accept,
            ..Clause::default()
        };
        let policy = Policy { name: filter.policy.as_str().into(), clauses: vec![clause] };
        compiled.add(policy, filter.list.place, report);
    }
}
