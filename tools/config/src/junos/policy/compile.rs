//! From terms to clauses.

use std::sync::Arc;

use ipnet::IpNet;
use vrfleak_engine::policy::{
    Action, Clause, Condition, Flow, List, ListEntry, Member, Policy, PrefixEntry, PrefixList, Protocols,
};
use vrfleak_engine::{Prefix, Protocol, RouteTarget};

use super::community::{any_of, exact, test};
use super::route_filter::RouteFilters;
use super::term::{From, Match, Term, Then};
use super::{Junos, Statement, Texts};
use crate::place::{Located, Place};
use crate::report::Report;

impl Texts {
    /// Makes policies of all that were read.
    pub(in crate::junos) fn compile(mut self, report: &mut Report<'_>) -> Junos {
        let mut junos = Junos::default();
        for (_, statement) in &mut self.statements {
            // The unnamed term is evaluated after all others.
            statement.terms.sort_by_key(|term| term.name.is_empty());
        }
        for index in self.in_call_order(report) {
            let (name, statement) = &self.statements[index];
            let own = |term: &Term| Self::own_actions(term).count();
            let len = statement.terms.iter().map(|term| 1 + own(term)).sum::<usize>() as u32;
            let mut clauses = Vec::new();
            let mut targets = Vec::new();
            for term in &statement.terms {
                for flow in Self::own_actions(term) {
                    let condition = self.condition(term, Some(flow), &junos, &mut Vec::new(), report);
                    let source = junos.compiled.source(term.place);
                    clauses.push(Clause {
                        label: term.name.as_str().into(),
                        source,
                        condition,
                        then: flow,
                        ..Clause::default()
                    });
                }
                let condition = self.condition(term, None, &junos, &mut targets, report);
                let actions = self.actions(term, report);
                clauses.push(Clause {
                    label: term.name.as_str().into(),
                    source: junos.compiled.source(term.place),
                    condition,
                    actions,
                    then: if term.next_policy { Flow::Goto(len) } else { term.flow.unwrap_or_default() },
                    ..Clause::default()
                });
            }
            let place = statement.place.unwrap_or(Place { source: 0, start: 0, end: 0 });
            junos.compiled.add(Policy { name: name.as_str().into(), clauses }, place, report);
            junos.targets.insert(name.clone(), targets);
            if self.accepts_any_target(statement, &junos) {
                junos.open.insert(name.clone());
            }
        }
        junos
    }

    /// Returns the actions that filters of a term have themselves, each once.
    fn own_actions(term: &Term) -> impl Iterator<Item = Flow> + '_ {
        let has = |flow: &Flow| term.from.iter().any(|from| matches!(from, From::Filter(.., Some(own)) if own == flow));
        [Flow::Accept, Flow::Deny].into_iter().filter(has)
    }

    /// Returns whether a term accepts routes whatever their targets, or asks for targets by a pattern.
    fn accepts_any_target(&self, statement: &Statement, junos: &Junos) -> bool {
        for term in &statement.terms {
            if term.flow == Some(Flow::Deny) && term.from.is_empty() {
                return false;
            }
            let accepts = term.flow == Some(Flow::Accept) || Self::own_actions(term).any(|flow| flow == Flow::Accept);
            let (mut asks, mut exact) = (false, true);
            for from in &term.from {
                match from {
                    From::Community(name) => {
                        let members = self.communities.get(&name.value);
                        let names_one = members.is_none_or(|members| {
                            !members.inverted && members.targets.iter().any(|member| matches!(member, Member::Exact(_)))
                        });
                        asks = true;
                        exact &= names_one;
                    }
                    From::Policy(name) => {
                        asks = true;
                        exact &= !junos.open.contains(&name.value);
                    }
                    _ => {}
                }
            }
            if accepts && !(asks && exact) {
                return true;
            }
        }
        false
    }

    fn condition(
        &self,
        term: &Term,
        filters_with: Option<Flow>,
        junos: &Junos,
        targets: &mut Vec<Located<Option<RouteTarget>>>,
        report: &mut Report<'_>,
    ) -> Condition {
        let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
        let mut filters = false;
        let mut route_filters = RouteFilters::default();
        let mut filter = |net: IpNet, min: u8, max: u8| match net {
            IpNet::V4(net) => ipv4.push(PrefixEntry::new(true, Prefix::from(net), min, max)),
            IpNet::V6(net) => ipv6.push(PrefixEntry::new(true, Prefix::from(net), min, max)),
        };
        let (mut all, mut communities, mut paths, mut protocols) =
            (Vec::new(), Vec::new(), Vec::new(), Protocols::default());
        let mut asks_protocol = false;
        for from in &term.from {
            match from {
                From::Condition(Condition::Protocol(set)) => {
                    asks_protocol = true;
                    for protocol in [Protocol::Connected, Protocol::Local, Protocol::Static, Protocol::Bgp] {
                        if set.contains(protocol) {
                            protocols = protocols.with(protocol);
                        }
                    }
                }
                From::Condition(condition) => all.push(condition.clone()),
                From::Filter(net, min, max, flow) => route_filters.push(*net, *min, *max, *flow == filters_with),
                From::PrefixList(..) if filters_with.is_some() => {}
                From::PrefixList(name, how) => {
                    filters = true;
                    let Some(list) = self.prefix_lists.get(&name.value) else {
                        undefined("prefix list", name, report);
                        continue;
                    };
                    for net in list {
                        let (len, width) = (net.prefix_len(), net.max_prefix_len());
                        match how {
                            Match::Exact => filter(*net, len, len),
                            Match::OrLonger => filter(*net, len, width),
                            Match::Longer if len < width => filter(*net, len + 1, width),
                            Match::Longer => {}
                        }
                    }
                }
                From::Community(name) => match self.communities.get(&name.value) {
                    Some(members) => {
                        for member in &members.targets {
                            if let Member::Exact(target) = member {
                                targets.push(Located::new(Some(*target), name.place));
                            }
                        }
                        communities.push(test(members));
                    }
                    None => {
                        undefined("community", name, report);
                        communities.push(Condition::Never);
                    }
                },
                From::AsPath(name) => match self.as_paths.get(&name.value) {
                    Some(pattern) => paths.push(ListEntry { permit: true, test: pattern.clone() }),
                    None => undefined("AS path", name, report),
                },
                From::Policy(name) => {
                    targets.extend(junos.targets.get(&name.value).into_iter().flatten());
                    all.push(match junos.compiled.ids.get(&name.value) {
                        Some(&policy) => Condition::Policy(policy),
                        None => {
                            undefined("policy", name, report);
                            Condition::Never
                        }
                    });
                }
            }
        }
        let lists = PrefixList::new(&term.name, ipv4, ipv6);
        // A route filter and a prefix list of one term are alternatives.
        match (route_filters.list(&term.name), filters) {
            (None, false) => {}
            (None, true) => all.push(Condition::Prefix(Arc::new(lists))),
            (Some(list), false) => all.push(Condition::Prefix(Arc::new(list))),
            (Some(list), true) => {
                let both = [list, lists].map(|list| Condition::Prefix(Arc::new(list)));
                all.push(Condition::Any(both.into()));
            }
        }
        if !communities.is_empty() {
            all.push(Condition::Any(communities));
        }
        if !paths.is_empty() {
            all.push(Condition::AsPath(Arc::new(List { name: Box::default(), entries: paths })));
        }
        if asks_protocol {
            all.push(Condition::Protocol(protocols));
        }
        if all.is_empty() { Condition::Always } else { Condition::All(all) }
    }

    fn actions(&self, term: &Term, report: &mut Report<'_>) -> Vec<Action> {
        let mut actions = Vec::new();
        for then in &term.then {
            let (name, set, delete) = match then {
                Then::Action(action) => {
                    actions.push(action.clone());
                    continue;
                }
                Then::SetCommunity(name) => (name, true, false),
                Then::AddCommunity(name) => (name, false, false),
                Then::DeleteCommunity(name) => (name, false, true),
            };
            let Some(members) = self.communities.get(&name.value) else {
                undefined("community", name, report);
                continue;
            };
            let (targets, communities) = (exact(&members.targets), exact(&members.communities));
            if delete {
                actions.push(Action::RemoveTargets(any_of(&members.targets)));
                actions.push(Action::RemoveCommunities(any_of(&members.communities)));
            } else if set {
                actions.push(Action::SetTargets(targets));
                actions.push(Action::SetCommunities(communities));
            } else {
                if !targets.is_empty() {
                    actions.push(Action::AddTargets(targets));
                }
                if !communities.is_empty() {
                    actions.push(Action::AddCommunities(communities));
                }
            }
        }
        actions
    }
}

fn undefined(what: &str, name: &Located<String>, report: &mut Report<'_>) {
    report.undefined(what, name.place, &name.value, "it matches nothing");
}
