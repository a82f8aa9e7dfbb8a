//! From route maps to policies.

use std::sync::Arc;

use ahash::AHashMap;
use vrfleak_engine::policy::{
    Action, Call, Clause, CommunityTest, Condition, Flow, List, ListEntry, Member, Policies, Policy, PolicyId,
    PrefixEntry, PrefixList, Protocols,
};
use vrfleak_engine::{Family, Prefix};

use super::clause::{Entry, GoesOn, Match, Set};
use super::{AccessLine, Lists, NamedList, RouteMaps, Style};
use crate::place::{Located, Place};
use crate::report::Report;

/// The policies of a device, by name.
#[derive(Debug, Default)]
pub(crate) struct Compiled {
    pub(crate) policies: Policies,
    pub(crate) ids: AHashMap<String, PolicyId>,
    /// Where the clauses stand, by [`Clause::source`].
    pub(crate) places: Vec<Place>,
    /// Where each policy is defined, by id.
    pub(crate) definitions: Vec<Place>,
}

impl Compiled {
    /// Returns the source number of a clause that stands at `place`.
    pub(crate) fn source(&mut self, place: Place) -> u32 {
        self.places.push(place);
        self.places.len() as u32 - 1
    }

    /// Adds a policy under its name, or reports why that cannot be.
    pub(crate) fn add(&mut self, policy: Policy, place: Place, report: &mut Report<'_>) -> Option<PolicyId> {
        let name = policy.name.to_string();
        match self.policies.add(policy) {
            Ok(id) => {
                self.ids.insert(name, id);
                self.definitions.push(place);
                Some(id)
            }
            Err(error) => {
                report.error(place, error, "expected less");
                None
            }
        }
    }
}

/// How many lines of a chain of calls a message names.
const SHOWN: usize = 4;

impl RouteMaps {
    /// Makes policies of all maps. Every list and map that is named and not defined is reported.
    pub(crate) fn compile(mut self, report: &mut Report<'_>) -> Compiled {
        for index in 0..self.maps.lists.len() {
            self.maps.lists[index].entries.sort_by_key(|(number, _)| *number);
        }
        let lists = Built {
            prefix: [self.built_prefix_lists(Family::Ipv4), self.built_prefix_lists(Family::Ipv6)],
            access: [self.built_access_lists(Family::Ipv4), self.built_access_lists(Family::Ipv6)],
            communities: built(std::mem::take(&mut self.communities)),
            targets: built(std::mem::take(&mut self.targets)),
            as_paths: built(std::mem::take(&mut self.as_paths)),
            sources: std::mem::take(&mut self.sources),
            style: self.style,
        };
        let mut compiled = Compiled::default();
        for index in self.in_call_order(report) {
            let map = &self.maps.lists[index];
            let mut clauses = Vec::with_capacity(map.entries.len());
            for (at, (number, entry)) in map.entries.iter().enumerate() {
                clauses.push(lists.clause(*number, at, entry, &map.entries, &mut compiled, report));
            }
            compiled.add(Policy { name: map.name.as_str().into(), clauses }, map.place, report);
        }
        for filter in &self.filters {
            lists.add_filter(filter, &mut compiled, report);
        }
        compiled
    }

    /// Returns the maps so that each comes after those that it calls. Those on a circle are reported and left out.
    fn in_call_order(&self, report: &mut Report<'_>) -> Vec<usize> {
        let callees = |map: usize| self.maps.lists[map].entries.iter().filter_map(|(_, entry)| entry.call.as_ref());
        let count = self.maps.lists.len();
        let mut order = Vec::with_capacity(count);
        // 0 is not seen, 1 on the way, 2 done.
        let mut state = vec![0_u8; count];
        for start in 0..count {
            let mut path = vec![start];
            while let Some(&map) = path.last() {
                if state[map] == 0 {
                    state[map] = 1;
                    for call in callees(map) {
                        let Some(&callee) = self.maps.ids.get(&call.value) else { continue };
                        match state[callee] {
                            0 => path.push(callee),
                            1 => {
                                let names = path.iter().take(SHOWN).map(|&map| self.maps.lists[map].name.as_str());
                                report.error(
                                    call.place,
                                    format_args!("route map `{}` calls itself", call.value),
                                    format_args!("expected no circle: {}", names.collect::<Vec<_>>().join(", ")),
                                );
                            }
                            _ => {}
                        }
                    }
                } else {
                    if state[map] == 1 {
                        state[map] = 2;
                        order.push(map);
                    }
                    path.pop();
                }
            }
        }
        order
    }

    fn built_prefix_lists(&mut self, family: Family) -> AHashMap<String, Arc<PrefixList>> {
        let lists = std::mem::take(&mut self.prefix_lists[family as usize]);
        let build = |mut list: NamedList<(bool, super::PrefixLine)>| {
            list.entries.sort_by_key(|(number, _)| *number);
            let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
            for (_, (permit, line)) in &list.entries {
                match line.net {
                    ipnet::IpNet::V4(net) => {
                        ipv4.push(PrefixEntry::new(*permit, Prefix::from(net), line.min, line.max));
                    }
                    ipnet::IpNet::V6(net) => {
                        ipv6.push(PrefixEntry::new(*permit, Prefix::from(net), line.min, line.max));
                    }
                }
            }
            let built = PrefixList::new(&list.name, ipv4, ipv6);
            (list.name, Arc::new(built))
        };
        lists.lists.into_iter().map(build).collect()
    }

    fn built_access_lists(&mut self, family: Family) -> AHashMap<String, Arc<PrefixList>> {
        let lists = std::mem::take(&mut self.access_lists[family as usize]);
        let build = |mut list: NamedList<AccessLine>| {
            list.entries.sort_by_key(|(number, _)| *number);
            let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
            for (_, line) in list.entries {
                match line {
                    AccessLine::Ipv4(entries) => ipv4.extend(entries),
                    AccessLine::Ipv6(entries) => ipv6.extend(entries),
                }
            }
            let built = PrefixList::new(&list.name, ipv4, ipv6);
            (list.name, Arc::new(built))
        };
        lists.lists.into_iter().map(build).collect()
    }
}

fn built<T>(lists: Lists<ListEntry<T>>) -> AHashMap<String, Arc<List<T>>> {
    let build = |mut list: NamedList<ListEntry<T>>| {
        list.entries.sort_by_key(|(number, _)| *number);
        let entries = list.entries.into_iter().map(|(_, entry)| entry).collect();
        (list.name.clone(), Arc::new(List { name: list.name.into(), entries }))
    };
    lists.lists.into_iter().map(build).collect()
}

/// The lists of a configuration as policies hold them.
pub(super) struct Built {
    prefix: [AHashMap<String, Arc<PrefixList>>; 2],
    access: [AHashMap<String, Arc<PrefixList>>; 2],
    communities: AHashMap<String, Arc<List<CommunityTest<vrfleak_engine::Community>>>>,
    targets: AHashMap<String, Arc<List<CommunityTest<vrfleak_engine::RouteTarget>>>>,
    as_paths: AHashMap<String, Arc<List<vrfleak_engine::policy::Pattern>>>,
    sources: AHashMap<String, Vec<vrfleak_engine::RouteTarget>>,
    style: Style,
}

impl Built {
    fn clause(
        &self,
        number: u32,
        at: usize,
        entry: &Entry,
        entries: &[(u32, Entry)],
        compiled: &mut Compiled,
        report: &mut Report<'_>,
    ) -> Clause {
        let then = match (entry.permit, entry.goes_on) {
            (false, _) => Flow::Deny,
            (true, None) => Flow::Accept,
            (true, Some(GoesOn::Next)) => Flow::Next,
            (true, Some(GoesOn::At(to))) => {
                if to <= number {
                    report.warning(
                        entry.place,
                        format_args!("`continue {to}` in entry {number} leads back"),
                        "taken as to the next entry: a route map goes on at later ones",
                    );
                }
                let target = (at + 1..entries.len()).find(|&later| entries[later].0 >= to);
                Flow::Goto(target.unwrap_or(entries.len()) as u32)
            }
        };
        let call = entry.call.as_ref().and_then(|name| {
            let policy = compiled.ids.get(&name.value).copied();
            if policy.is_none() {
                report.undefined("route map", name.place, &name.value, "the entry matches nothing");
            }
            // A map that is called must permit the route; then the entry goes on as it would have.
            policy.map(|policy| Call { policy, accepted: then, passed: then, denied: Flow::Deny, missed: Flow::Deny })
        });
        let mut condition = self.condition(&entry.matches, report);
        if entry.call.is_some() && call.is_none() {
            condition = Condition::Never;
        }
        let actions = if entry.permit { self.actions(&entry.sets, report) } else { Vec::new() };
        Clause {
            label: number.to_string().into(),
            source: compiled.source(entry.place),
            condition,
            actions,
            passes: entry.permit && call.is_none(),
            call,
            then,
            otherwise: Flow::Next,
        }
    }

    fn actions(&self, sets: &[Set], report: &mut Report<'_>) -> Vec<Action> {
        let mut actions = Vec::new();
        for set in sets {
            match set {
                Set::Action(action) => actions.push(action.clone()),
                Set::DeleteCommunities(name) => match self.communities.get(&name.value) {
                    Some(list) => actions.push(Action::RemoveCommunities(Arc::clone(list))),
                    None => undefined(name, "community list", "nothing is removed", report),
                },
                Set::DeleteTargets(name) => match self.targets.get(&name.value) {
                    Some(list) => actions.push(Action::RemoveTargets(Arc::clone(list))),
                    None => undefined(name, "extended community list", "nothing is removed", report),
                },
            }
        }
        actions
    }

    /// Returns the condition of an entry: lines of one kind are alternatives, kinds must all hold.
    fn condition(&self, matches: &[Match], report: &mut Report<'_>) -> Condition {
        let mut kinds: Vec<(u8, Vec<Condition>)> = Vec::new();
        for line in matches {
            let (kind, condition) = self.line(line, report);
            match kinds.iter_mut().find(|(other, _)| *other == kind) {
                Some((_, alternatives)) => alternatives.push(condition),
                None => kinds.push((kind, vec![condition])),
            }
        }
        let mut all: Vec<_> = kinds.into_iter().map(|(_, alternatives)| one(alternatives, Condition::Any)).collect();
        if all.is_empty() {
            Condition::Always
        } else if all.len() == 1 {
            all.remove(0)
        } else {
            Condition::All(all)
        }
    }

    /// Returns the condition of a `match` line, and a number of its kind.
    pub(super) fn line(&self, line: &Match, report: &mut Report<'_>) -> (u8, Condition) {
        // IOS takes a list that is not defined for one that permits everything, FRR for one that permits nothing.
        let missing = match self.style {
            Style::Ios => (Condition::Always, "it permits everything"),
            Style::Frr => (Condition::Never, "it permits nothing"),
        };
        let mut prefixes =
            |lists: &[AHashMap<String, Arc<PrefixList>>; 2], family: Family, names: &[Located<String>], next_hop| {
                let mut any = Vec::new();
                for name in names {
                    match lists[family as usize].get(&name.value) {
                        Some(list) if next_hop => any.push(Condition::NextHop(Arc::clone(list))),
                        Some(list) => any.push(Condition::Prefix(Arc::clone(list))),
                        None => {
                            undefined(name, "list", missing.1, report);
                            any.push(missing.0.clone());
                        }
                    }
                }
                one(any, Condition::Any)
            };
        match line {
            Match::PrefixList(family, names) => (0, prefixes(&self.prefix, *family, names, false)),
            Match::AccessList(family, names) => (0, prefixes(&self.access, *family, names, false)),
            Match::NextHopPrefixList(family, names) => (1, prefixes(&self.prefix, *family, names, true)),
            Match::NextHopAccessList(family, names) => (1, prefixes(&self.access, *family, names, true)),
            Match::Community(names, exact) => (
                2,
                named(&self.communities, names, report, |list| {
                    Condition::Communities(if *exact { Arc::new(exactly(list)) } else { Arc::clone(list) })
                }),
            ),
            Match::Target(names) => {
                (3, named(&self.targets, names, report, |list| Condition::Targets(Arc::clone(list))))
            }
            Match::AsPath(names) => {
                (4, named(&self.as_paths, names, report, |list| Condition::AsPath(Arc::clone(list))))
            }
            Match::Number(number, ranges) => {
                let any = ranges.iter().map(|&(first, last)| Condition::Between(*number, first, last)).collect();
                (10 + *number as u8, one(any, Condition::Any))
            }
            Match::Interface(names) => (5, Condition::Interface(names.clone().into())),
            Match::Protocols(protocols) => {
                let set = protocols.iter().fold(Protocols::default(), |set, &protocol| set.with(protocol));
                (6, Condition::Protocol(set))
            }
            Match::Origin(origin) => (7, Condition::Origin(*origin)),
            Match::SourceVrf(name) => {
                let targets = self.sources.get(&name.value).cloned().unwrap_or_default();
                if targets.is_empty() {
                    undefined(name, "exporting VRF", "it has no routes", report);
                    return (9, Condition::Never);
                }
                let members = targets.into_iter().map(Member::Exact).collect();
                let entry = ListEntry { permit: true, test: CommunityTest::AllOf(members) };
                let list = List { name: name.value.as_str().into(), entries: vec![entry] };
                (9, Condition::Targets(Arc::new(list)))
            }
            Match::Never => (8, Condition::Never),
        }
    }
}

/// Returns the condition alone, or several combined.
fn one(mut conditions: Vec<Condition>, several: fn(Vec<Condition>) -> Condition) -> Condition {
    if conditions.len() == 1 { conditions.remove(0) } else { several(conditions) }
}

fn named<T>(
    lists: &AHashMap<String, Arc<List<T>>>,
    names: &[Located<String>],
    report: &mut Report<'_>,
    condition: impl Fn(&Arc<List<T>>) -> Condition,
) -> Condition {
    let mut any = Vec::new();
    for name in names {
        match lists.get(&name.value) {
            Some(list) => any.push(condition(list)),
            None => undefined(name, "list", "it permits nothing", report),
        }
    }
    one(any, Condition::Any)
}

fn undefined(name: &Located<String>, what: &str, effect: &str, report: &mut Report<'_>) {
    report.undefined(what, name.place, &name.value, effect);
}

/// Returns the list with its tests made exact.
fn exactly<T: Clone>(list: &List<CommunityTest<T>>) -> List<CommunityTest<T>> {
    let exact = |entry: &ListEntry<CommunityTest<T>>| ListEntry {
        permit: entry.permit,
        test: match &entry.test {
            CommunityTest::AllOf(members) => CommunityTest::Exactly(members.clone()),
            other => other.clone(),
        },
    };
    List { name: list.name.clone(), entries: list.entries.iter().map(exact).collect() }
}
