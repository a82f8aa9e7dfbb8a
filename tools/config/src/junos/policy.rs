//! `policy-options`: policy statements, prefix lists, communities, AS paths.

use std::sync::Arc;

use ahash::AHashMap;
use ipnet::IpNet;
use vrfleak_engine::policy::{
    Action, Change, Clause, CommunityTest, Condition, Flow, List, ListEntry, Member, Number, Pattern, Policy,
    PrefixEntry, PrefixList, Protocols,
};
use vrfleak_engine::{Community, Family, OriginCode, Prefix, Protocol, RouteTarget};

use crate::place::{Located, Place};
use crate::report::Report;
use crate::route_map::Compiled;
use crate::value;
use crate::word::Word;

/// What a `from` statement asks.
#[derive(Clone, Debug)]
enum From {
    Condition(Condition),
    /// Prefixes of which one must match.
    Filter(IpNet, u8, u8),
    PrefixList(Located<String>, Match),
    Community(Located<String>),
    AsPath(Located<String>),
    Policy(Located<String>),
}

/// How a prefix list matches: the prefixes alone, or what they cover too.
#[derive(Clone, Copy, Debug)]
enum Match {
    Exact,
    OrLonger,
    Longer,
}

#[derive(Clone, Debug)]
enum Then {
    Action(Action),
    SetCommunity(Located<String>),
    AddCommunity(Located<String>),
    DeleteCommunity(Located<String>),
}

#[derive(Clone, Debug)]
struct Term {
    name: String,
    place: Place,
    from: Vec<From>,
    then: Vec<Then>,
    flow: Option<Flow>,
    next_policy: bool,
}

#[derive(Debug, Default)]
struct Statement {
    place: Option<Place>,
    terms: Vec<Term>,
    ids: AHashMap<String, usize>,
}

/// A named community: the targets and standard communities that it stands for.
#[derive(Clone, Debug, Default)]
struct Members {
    targets: Vec<Member<RouteTarget>>,
    communities: Vec<Member<Community>>,
}

/// The policies of a configuration as they were read.
#[derive(Debug, Default)]
pub(super) struct Texts {
    statements: Vec<(String, Statement)>,
    ids: AHashMap<String, usize>,
    prefix_lists: AHashMap<String, Vec<IpNet>>,
    communities: AHashMap<String, Members>,
    as_paths: AHashMap<String, Pattern>,
}

/// The policies of a device, and the targets that each asks for.
#[derive(Debug, Default)]
pub(super) struct Junos {
    pub(super) compiled: Compiled,
    targets: AHashMap<String, Vec<Located<Option<RouteTarget>>>>,
}

impl Junos {
    /// Returns the targets that these policies ask for: those that an instance imports.
    pub(super) fn targets_of(&self, names: &[Located<String>]) -> Vec<Located<Option<RouteTarget>>> {
        names.iter().filter_map(|name| self.targets.get(&name.value)).flatten().copied().collect()
    }
}

impl Texts {
    /// Reads what follows `policy-options`.
    pub(super) fn statement(&mut self, words: &[Word<'_>], report: &mut Report<'_>) -> bool {
        let texts: Vec<&str> = words.iter().map(|word| word.text).collect();
        match texts.as_slice() {
            ["prefix-list", name, rest @ ..] => {
                let list = self.prefix_lists.entry((*name).to_owned()).or_default();
                match rest.first() {
                    None => {}
                    Some(&"apply-path") => {
                        report.warning(words[2].place, "`apply-path` is not modelled", "the list lacks its prefixes");
                    }
                    Some(_) => list.extend(value::net_of(words[2], report).map(|net| net.value.trunc())),
                }
            }
            ["community", name, "members", ..] if words.len() > 3 => {
                let members = self.communities.entry((*name).to_owned()).or_default();
                member(words[3], members, report);
            }
            ["as-path", name, text, ..] => match Pattern::new(&as_path(text)) {
                Ok(pattern) => {
                    self.as_paths.insert((*name).to_owned(), pattern);
                }
                Err(error) => report.error(words[2].place, error, "expected a regular expression over AS numbers"),
            },
            ["policy-statement", _, "term", _, rest @ ..] => {
                let at = words.len() - rest.len();
                let term = self.term(words[1], words[3].text, words[3].place);
                return read_term(term, &words[at..], report);
            }
            ["policy-statement", _, "from" | "then" | "to", ..] => {
                let term = self.term(words[1], "", words[1].place);
                return read_term(term, &words[2..], report);
            }
            _ => return false,
        }
        true
    }

    /// Returns the term of a policy, made unless it was there. What stands outside of any term comes last.
    fn term(&mut self, policy: Word<'_>, name: &str, place: Place) -> &mut Term {
        let index = *self.ids.entry(policy.text.to_owned()).or_insert(self.statements.len());
        if index == self.statements.len() {
            let statement = Statement { place: Some(policy.place), ..Statement::default() };
            self.statements.push((policy.text.to_owned(), statement));
        }
        let statement = &mut self.statements[index].1;
        let at = *statement.ids.entry(name.to_owned()).or_insert(statement.terms.len());
        if at == statement.terms.len() {
            let (from, then) = (Vec::new(), Vec::new());
            let term = Term { name: name.to_owned(), place, from, then, flow: None, next_policy: false };
            statement.terms.push(term);
        }
        &mut statement.terms[at]
    }

    /// Makes policies of all that were read.
    pub(super) fn compile(mut self, report: &mut Report<'_>) -> Junos {
        let mut junos = Junos::default();
        for (_, statement) in &mut self.statements {
            // The unnamed term is evaluated after all others.
            statement.terms.sort_by_key(|term| term.name.is_empty());
        }
        for index in self.in_call_order(report) {
            let (name, statement) = &self.statements[index];
            let len = statement.terms.len() as u32;
            let mut clauses = Vec::new();
            let mut targets = Vec::new();
            for term in &statement.terms {
                let condition = self.condition(term, &junos, &mut targets, report);
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
        }
        junos
    }

    /// Returns the policies so that each comes after those that it asks. Circles are reported.
    fn in_call_order(&self, report: &mut Report<'_>) -> Vec<usize> {
        let asked = |policy: usize| {
            self.statements[policy].1.terms.iter().flat_map(|term| &term.from).filter_map(|from| match from {
                From::Policy(name) => Some(name),
                _ => None,
            })
        };
        let mut order = Vec::with_capacity(self.statements.len());
        // 0 is not seen, 1 on the way, 2 done.
        let mut state = vec![0_u8; self.statements.len()];
        for start in 0..self.statements.len() {
            let mut path = vec![start];
            while let Some(&policy) = path.last() {
                if state[policy] == 0 {
                    state[policy] = 1;
                    for name in asked(policy) {
                        match self.ids.get(&name.value).map(|&index| (index, state[index])) {
                            Some((index, 0)) => path.push(index),
                            Some((_, 1)) => report.error(
                                name.place,
                                format_args!("policy `{}` asks itself", name.value),
                                "expected no circle",
                            ),
                            _ => {}
                        }
                    }
                } else {
                    if state[policy] == 1 {
                        state[policy] = 2;
                        order.push(policy);
                    }
                    path.pop();
                }
            }
        }
        order
    }

    fn condition(
        &self,
        term: &Term,
        junos: &Junos,
        targets: &mut Vec<Located<Option<RouteTarget>>>,
        report: &mut Report<'_>,
    ) -> Condition {
        let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
        let mut filters = false;
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
                From::Filter(net, min, max) => {
                    filters = true;
                    filter(*net, *min, *max);
                }
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
                            match member {
                                Member::Exact(target) => targets.push(Located::new(Some(*target), name.place)),
                                Member::Pattern(_) => report.warning(
                                    name.place,
                                    "a target with wildcards is not modelled for import",
                                    "its routes are not imported",
                                ),
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
                From::Policy(name) => all.push(match junos.compiled.ids.get(&name.value) {
                    Some(&policy) => Condition::Policy(policy),
                    None => {
                        undefined("policy", name, report);
                        Condition::Never
                    }
                }),
            }
        }
        if filters {
            all.push(Condition::Prefix(Arc::new(PrefixList::new(&term.name, ipv4, ipv6))));
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

/// Reads a statement of a term, and returns whether it is known.
fn read_term(term: &mut Term, words: &[Word<'_>], report: &mut Report<'_>) -> bool {
    let Some((keyword, rest)) = words.split_first() else { return true };
    let texts: Vec<&str> = rest.iter().map(|word| word.text).collect();
    match keyword.text {
        "from" => match from(rest, &texts, report) {
            Ok(Some(from)) => term.from.push(from),
            Err(Reported) => {}
            Ok(None) => {
                let place = rest.first().map_or(keyword.place, |word| word.place);
                report.warning(place, "this condition is not modelled", "taken as never true");
                term.from.push(From::Condition(Condition::Never));
            }
        },
        "then" => match texts.as_slice() {
            ["accept"] => term.flow = Some(Flow::Accept),
            ["reject"] => term.flow = Some(Flow::Deny),
            ["next", "policy"] => term.next_policy = true,
            ["next", "term"] => {}
            ["community", "add" | "+", _] => term.then.push(Then::AddCommunity(rest[2].name())),
            ["community", "set" | "=", _] => term.then.push(Then::SetCommunity(rest[2].name())),
            ["community", "delete" | "-", _] => term.then.push(Then::DeleteCommunity(rest[2].name())),
            ["local-preference", value @ ..] => {
                term.then.extend(change(value).map(|change| Then::Action(Action::LocalPreference(change))));
            }
            ["metric", value @ ..] => {
                term.then.extend(change(value).map(|change| Then::Action(Action::Med(change))));
            }
            ["tag", value] => term.then.extend(value.parse().ok().map(|tag| Then::Action(Action::Tag(tag)))),
            ["origin", value] => term.then.extend(origin(value).map(|origin| Then::Action(Action::Origin(origin)))),
            ["as-path-prepend", path] => {
                let path: Option<Vec<u32>> = path.split_ascii_whitespace().map(value::parse_as_number).collect();
                match path {
                    Some(path) => term.then.push(Then::Action(Action::Prepend(path.into()))),
                    None => report.error(rest[1].place, "no list of AS numbers", "expected AS numbers, blanks between"),
                }
            }
            ["next-hop", text] => match text.parse() {
                Ok(address) => term.then.push(Then::Action(Action::NextHop(address))),
                Err(_) => report.warning(rest[1].place, "this next hop is not modelled", "the next hop stays as it is"),
            },
            _ => return false,
        },
        _ => {
            report.warning(keyword.place, "this condition is not modelled", "taken as never true");
            term.from.push(From::Condition(Condition::Never));
        }
    }
    true
}

/// A mistake that was reported.
struct Reported;

/// Reads what follows `from`. `Ok(None)` is not modelled, `Err` was reported.
fn from(words: &[Word<'_>], texts: &[&str], report: &mut Report<'_>) -> Result<Option<From>, Reported> {
    let number = |number, text: &str| {
        let value = text.parse().ok()?;
        Some(From::Condition(Condition::Between(number, value, value)))
    };
    let condition = match texts {
        ["protocol", name] => From::Condition(Condition::Protocol(match *name {
            "direct" => Protocols::default().with(Protocol::Connected),
            "local" => Protocols::default().with(Protocol::Local),
            "static" => Protocols::default().with(Protocol::Static),
            "bgp" => Protocols::default().with(Protocol::Bgp),
            _ => Protocols::default(),
        })),
        ["route-filter", _, how @ ..] => {
            let net = value::net_of(words[1], report).ok_or(Reported)?;
            let (len, width) = (net.value.prefix_len(), net.value.max_prefix_len());
            let bound = |text: &str| text.trim_start_matches('/').parse::<u8>().ok().filter(|len| *len <= width);
            let range = match how {
                ["exact", ..] | [] => Some((len, len)),
                ["orlonger", ..] => Some((len, width)),
                ["longer", ..] => Some((len.saturating_add(1), width)),
                ["upto", to, ..] => bound(to).map(|to| (len, to)),
                ["prefix-length-range", range, ..] => {
                    range.split_once('-').and_then(|(first, last)| Some((bound(first)?, bound(last)?)))
                }
                _ => None,
            };
            let Some((min, max)) = range else { return Ok(None) };
            From::Filter(net.value.trunc(), min, max)
        }
        ["prefix-list", _] => From::PrefixList(words[1].name(), Match::Exact),
        ["prefix-list-filter", _, "orlonger", ..] => From::PrefixList(words[1].name(), Match::OrLonger),
        ["prefix-list-filter", _, "longer", ..] => From::PrefixList(words[1].name(), Match::Longer),
        ["prefix-list-filter", _, ..] => From::PrefixList(words[1].name(), Match::Exact),
        ["community", _] => From::Community(words[1].name()),
        ["as-path", _] => From::AsPath(words[1].name()),
        ["policy", _] => From::Policy(words[1].name()),
        ["tag", text] => return Ok(number(Number::Tag, text)),
        ["metric", text] => return Ok(number(Number::Med, text)),
        ["local-preference", text] => return Ok(number(Number::LocalPreference, text)),
        ["interface", name] => From::Condition(Condition::Interface([(*name).into()].into())),
        ["origin", text] => return Ok(origin(text).map(|origin| From::Condition(Condition::Origin(origin)))),
        ["family", "inet" | "inet-vpn"] => From::Condition(Condition::Family(Family::Ipv4)),
        ["family", "inet6" | "inet6-vpn"] => From::Condition(Condition::Family(Family::Ipv6)),
        _ => return Ok(None),
    };
    Ok(Some(condition))
}

fn change(texts: &[&str]) -> Option<Change> {
    match texts {
        ["add", value] => value.parse().ok().map(Change::Add),
        ["subtract", value] => value.parse().ok().map(Change::Subtract),
        [value] => value.parse().ok().map(Change::Set),
        _ => None,
    }
}

fn origin(text: &str) -> Option<OriginCode> {
    match text {
        "igp" => Some(OriginCode::Igp),
        "egp" => Some(OriginCode::Egp),
        "incomplete" => Some(OriginCode::Incomplete),
        _ => None,
    }
}

/// Reads a member of a community.
fn member(word: Word<'_>, members: &mut Members, report: &mut Report<'_>) {
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
fn test(members: &Members) -> Condition {
    let mut all = Vec::new();
    if !members.targets.is_empty() {
        all.push(Condition::Targets(list(CommunityTest::AllOf(members.targets.clone().into()))));
    }
    if !members.communities.is_empty() {
        all.push(Condition::Communities(list(CommunityTest::AllOf(members.communities.clone().into()))));
    }
    if all.is_empty() { Condition::Never } else { Condition::All(all) }
}

fn list<T>(test: T) -> Arc<List<T>> {
    Arc::new(List { name: Box::default(), entries: vec![ListEntry { permit: true, test }] })
}

fn any_of<T: Clone>(members: &[Member<T>]) -> Arc<List<CommunityTest<T>>> {
    list(CommunityTest::AnyOf(members.to_vec().into()))
}

fn exact<T: Copy>(members: &[Member<T>]) -> Box<[T]> {
    let value = |member: &Member<T>| match member {
        Member::Exact(value) => Some(*value),
        Member::Pattern(_) => None,
    };
    members.iter().filter_map(value).collect()
}

/// Returns the pattern of an expression over whole AS numbers: `.` is any one of them.
fn as_path(text: &str) -> String {
    let mut pattern = String::from("^");
    for char in text.chars() {
        match char {
            '.' => pattern.push_str("(?:[0-9]+(?: |$))"),
            ' ' => {}
            '0'..='9' | '*' | '+' | '?' | '|' | '(' | ')' | '[' | ']' | '-' | '^' | '$' | '{' | '}' | ',' => {
                pattern.push(char);
            }
            _ => pattern.push_str(&regex_escape(char)),
        }
    }
    // Numbers stand apart from each other by a blank.
    let mut spaced = String::with_capacity(pattern.len() * 2);
    let mut in_number = false;
    let mut depth = 0_usize;
    for char in pattern.chars() {
        match char {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let digit = char.is_ascii_digit() && depth == 0;
        if digit && !in_number {
            spaced.push_str("(?:");
        }
        if !digit && in_number {
            spaced.push_str("(?: |$))");
        }
        in_number = digit;
        spaced.push(char);
    }
    if in_number {
        spaced.push_str("(?: |$))");
    }
    spaced.push('$');
    spaced
}

fn regex_escape(char: char) -> String {
    format!("\\x{{{:x}}}", u32::from(char))
}

fn undefined(what: &str, name: &Located<String>, report: &mut Report<'_>) {
    report.warning(name.place, format_args!("{what} `{}` is not defined", name.value), "it matches nothing");
}
