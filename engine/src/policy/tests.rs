//! The evaluator against a literal reading of route maps, the rules around it, and its bounds.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::attributes::Attributes;
use crate::community::Community;
use crate::prefix::Prefix;
use crate::route_target::RouteTarget;
use crate::router::Dialect;
use crate::source_route::Protocol;

fn route(attributes: &Attributes) -> PolicyRoute<'_, u32> {
    PolicyRoute {
        prefix: "172.16.0.0/16".parse().expect("a prefix"),
        protocol: Protocol::Connected,
        attributes,
        interface: Some("Loopback1"),
        next_hop: None,
        rd: None,
    }
}

fn target(number: u32) -> RouteTarget {
    RouteTarget::as2(65000, number)
}

fn prefixes(list: &[&str]) -> Condition {
    let entry = |text: &&str| {
        let prefix: Prefix<u32> = text.parse().expect("a prefix");
        PrefixEntry::new(true, prefix, prefix.len(), prefix.len())
    };
    Condition::Prefix(Arc::new(PrefixList::new("P", list.iter().map(entry).collect(), Vec::new())))
}

/// A map with one clause that permits these prefixes and does this.
fn map(policies: &mut Policies, list: &[&str], actions: Vec<Action>, then: Flow) -> PolicyId {
    let clause = Clause { label: "100".into(), condition: prefixes(list), actions, then, ..Clause::default() };
    policies.add(Policy { name: "M".into(), clauses: vec![clause] }).expect("a policy")
}

fn exported(verdict: &Export) -> Vec<String> {
    match verdict {
        Export::Exported { attributes, .. } => {
            attributes.route_targets.iter().flatten().map(ToString::to_string).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn e4_set_replaces_every_target_and_additive_joins() {
    let attributes = Attributes::default();
    let own = [target(1), target(101)];
    let mut policies = Policies::default();
    let set = map(&mut policies, &["172.16.0.0/16"], vec![Action::SetTargets([target(7)].into())], Flow::Accept);
    let add = map(&mut policies, &["172.16.0.0/16"], vec![Action::AddTargets([target(7)].into())], Flow::Accept);
    let verdict = export(&policies, Some(set), Dialect::IOS, &own, route(&attributes));
    assert_eq!(exported(&verdict), ["65000:7"]);
    let verdict = export(&policies, Some(add), Dialect::IOS, &own, route(&attributes));
    assert_eq!(exported(&verdict), ["65000:1", "65000:7", "65000:101"]);
}

#[test]
fn e5_a_miss_keeps_the_default_targets_or_drops_by_dialect() {
    let attributes = Attributes::default();
    let own = [target(1)];
    let mut policies = Policies::default();
    let other = map(&mut policies, &["10.0.0.0/8"], vec![], Flow::Accept);
    let denies = map(&mut policies, &["172.16.0.0/16"], vec![Action::SetTargets([target(7)].into())], Flow::Deny);
    let undefined = policies.add(Policy { name: "gone".into(), clauses: vec![] }).expect("a policy");
    for (id, verdict) in [
        (other, Export::NoMatch),
        (denies, Export::Denied(ClauseId { policy: denies, clause: 0 })),
        (undefined, Export::NoMatch),
    ] {
        assert_eq!(export(&policies, Some(id), Dialect::FRR, &own, route(&attributes)), verdict);
        assert_eq!(exported(&export(&policies, Some(id), Dialect::IOS, &own, route(&attributes))), ["65000:1"]);
    }
}

#[test]
fn e3_a_route_without_any_target_is_not_exported() {
    let attributes = Attributes::default();
    let mut policies = Policies::default();
    let none = map(&mut policies, &["172.16.0.0/16"], vec![Action::SetTargets(Box::default())], Flow::Accept);
    let adds = map(&mut policies, &["172.16.0.0/16"], vec![Action::AddTargets([target(7)].into())], Flow::Accept);
    assert_eq!(export(&policies, None, Dialect::FRR, &[], route(&attributes)), Export::NoTarget);
    assert_eq!(export(&policies, Some(none), Dialect::FRR, &[target(1)], route(&attributes)), Export::NoTarget);
    assert_eq!(exported(&export(&policies, Some(adds), Dialect::FRR, &[], route(&attributes))), ["65000:7"]);
}

#[test]
fn i3_an_import_map_drops_what_it_misses_and_sets_on_a_copy() {
    let attributes = Attributes::default();
    let mut policies = Policies::default();
    let actions = vec![
        Action::LocalPreference(Change::Set(200)),
        Action::Med(Change::Add(5)),
        Action::Weight(Change::Set(7)),
        Action::NextHop(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
        Action::AddCommunities([Community::new(1, 2), Community::new(1, 1)].into()),
        Action::Prepend([65000, 65000].into()),
    ];
    let sets = map(&mut policies, &["172.16.0.0/16"], actions, Flow::Accept);
    let misses = map(&mut policies, &["10.0.0.0/8"], vec![], Flow::Accept);
    let plain = map(&mut policies, &["172.16.0.0/16"], vec![], Flow::Accept);
    let Import::Imported { attributes: Some(changed), next_hop, clause } =
        import(&policies, Some(sets), route(&attributes))
    else {
        panic!("imported and changed")
    };
    assert_eq!((changed.local_preference, changed.med, changed.weight), (200, 5, 7));
    assert_eq!(&*changed.communities, [Community::new(1, 1), Community::new(1, 2)]);
    assert_eq!(&*changed.as_path, [65000, 65000]);
    assert_eq!(next_hop.map(|address| address.to_string()).as_deref(), Some("192.0.2.1"));
    assert_eq!(clause, Some(ClauseId { policy: sets, clause: 0 }));
    assert_eq!(attributes, Attributes::default());
    assert_eq!(import(&policies, Some(misses), route(&attributes)), Import::NoMatch);
    let Import::Imported { attributes: None, .. } = import(&policies, Some(plain), route(&attributes)) else {
        panic!("imported as it is")
    };
}

#[test]
fn calls_tell_their_four_ends_apart() {
    let attributes = Attributes::default();
    let mut policies = Policies::default();
    let mut end = |passes, then| {
        let clause = Clause { passes, then, ..Clause::default() };
        policies.add(Policy { name: "end".into(), clauses: vec![clause] }).expect("a policy")
    };
    let ends = [end(false, Flow::Accept), end(true, Flow::Next), end(false, Flow::Deny), end(false, Flow::Next)];
    for (which, policy) in ends.into_iter().enumerate() {
        let flow = |mine: usize| if mine == which { Flow::Accept } else { Flow::Deny };
        let call = Call { policy, accepted: flow(0), passed: flow(1), denied: flow(2), missed: flow(3) };
        let clause = Clause { call: Some(call), ..Clause::default() };
        let caller = policies.add(Policy { name: "caller".into(), clauses: vec![clause] }).expect("a policy");
        let outcome = policies.evaluate(caller, route(&attributes)).outcome;
        assert!(matches!(outcome, Outcome::Accepted(_)), "end {which}: {outcome:?}");
        let asks = Clause { condition: Condition::Policy(policy), then: Flow::Accept, ..Clause::default() };
        let asker = policies.add(Policy { name: "asker".into(), clauses: vec![asks] }).expect("a policy");
        let accepts = matches!(policies.evaluate(asker, route(&attributes)).outcome, Outcome::Accepted(_));
        assert_eq!(accepts, which < 2);
    }
}

#[test]
fn appended_policies_call_what_they_called() {
    let attributes = Attributes::default();
    let (mut one, mut other) = (Policies::default(), Policies::default());
    map(&mut one, &["10.0.0.0/8"], vec![], Flow::Deny);
    let callee = map(&mut other, &["172.16.0.0/16"], vec![Action::Tag(7)], Flow::Accept);
    let call =
        Call { policy: callee, accepted: Flow::Accept, passed: Flow::Deny, denied: Flow::Deny, missed: Flow::Deny };
    let clause = Clause { source: 3, condition: Condition::Policy(callee), call: Some(call), ..Clause::default() };
    let caller = other.add(Policy { name: "caller".into(), clauses: vec![clause] }).expect("a policy");
    let offset = one.append(&other, 100);
    let moved = PolicyId(caller.0 + offset);
    assert_eq!(one.get(moved).clauses[0].source, 103);
    assert_eq!(one.evaluate(moved, route(&attributes)).attributes.tag, 7);
    assert_eq!(one.reads(moved), other.reads(caller));
}

#[test]
fn policies_that_would_not_end_cannot_be_added() {
    let mut policies = Policies::default();
    let mut add = |clause: Clause| {
        policies.add(Policy { name: "P".into(), clauses: vec![clause] }).map_err(|error| error.mistake)
    };
    let back = Clause { then: Flow::Goto(0), ..Clause::default() };
    assert_eq!(add(back), Err(PolicyMistake::Jump { clause: 0 }));
    let beyond = Clause { otherwise: Flow::Goto(2), ..Clause::default() };
    assert_eq!(add(beyond), Err(PolicyMistake::Jump { clause: 0 }));
    let itself = Clause { condition: Condition::Policy(PolicyId(0)), ..Clause::default() };
    assert_eq!(add(itself), Err(PolicyMistake::Call { clause: 0 }));
    let mut deep = Condition::Always;
    for _ in 0..=MAX_CONDITION_DEPTH {
        deep = Condition::Not(Box::new(deep));
    }
    assert_eq!(add(Clause { condition: deep, ..Clause::default() }), Err(PolicyMistake::ConditionDepth { clause: 0 }));
    // Every policy calls the one before it three times.
    let mut last = add(Clause { then: Flow::Accept, ..Clause::default() });
    let mut mistake = None;
    while let Ok(policy) = last {
        let asks = Condition::Any(vec![Condition::Policy(policy); 3]);
        last = add(Clause { condition: asks, ..Clause::default() });
        mistake = last.err();
    }
    assert!(matches!(mistake, Some(PolicyMistake::Steps { .. } | PolicyMistake::CallDepth { .. })), "{mistake:?}");
}

/// An entry of a route map, as its manual describes it.
#[derive(Clone, Debug)]
struct Entry {
    permit: bool,
    /// The tag that it matches; every one where `None`.
    tag: Option<u32>,
    /// The tag and a metric that it sets.
    set: Option<(u32, u32)>,
    /// `continue`, to the entry of at least this number.
    goes_on: Option<usize>,
}

/// Walks the map entry by entry: `None` is denied.
fn literal(entries: &[Entry], mut tag: u32) -> Option<(u32, u32)> {
    let (mut metric, mut permitted, mut at) = (0, false, 0);
    while at < entries.len() {
        let entry = &entries[at];
        if entry.tag.is_some_and(|wanted| wanted != tag) {
            at += 1;
            continue;
        }
        if !entry.permit {
            return None;
        }
        if let Some((new_tag, new_metric)) = entry.set {
            (tag, metric) = (new_tag, new_metric);
        }
        permitted = true;
        match entry.goes_on {
            Some(next) => at = next.max(at + 1),
            None => break,
        }
    }
    permitted.then_some((tag, metric))
}

fn compiled(entries: &[Entry]) -> Policy {
    let clause = |(at, entry): (usize, &Entry)| Clause {
        label: at.to_string().into(),
        condition: entry.tag.map_or(Condition::Always, |tag| Condition::Between(Number::Tag, tag, tag)),
        actions: match entry.set {
            Some((tag, metric)) if entry.permit => vec![Action::Tag(tag), Action::Med(Change::Set(metric))],
            _ => Vec::new(),
        },
        passes: entry.permit,
        then: match (entry.permit, entry.goes_on) {
            (false, _) => Flow::Deny,
            (true, None) => Flow::Accept,
            (true, Some(next)) => Flow::Goto(next.max(at + 1).min(entries.len()) as u32),
        },
        ..Clause::default()
    };
    Policy { name: "map".into(), clauses: entries.iter().enumerate().map(clause).collect() }
}

fn entry() -> impl Strategy<Value = Entry> {
    let set = proptest::option::of((0_u32..4, 0_u32..9));
    (any::<bool>(), proptest::option::of(0_u32..4), set, proptest::option::of(0_usize..8))
        .prop_map(|(permit, tag, set, goes_on)| Entry { permit, tag, set, goes_on })
}

proptest! {
    #[test]
    fn oracle_a_compiled_route_map_does_what_walking_it_does(
        entries in proptest::collection::vec(entry(), 0..8),
        tag in 0_u32..4,
    ) {
        let mut policies = Policies::default();
        let map = policies.add(compiled(&entries)).expect("jumps lead forward");
        let attributes = Attributes { tag, ..Attributes::default() };
        let evaluation = policies.evaluate(map, route(&attributes));
        let result = match evaluation.outcome {
            Outcome::Accepted(_) => Some((evaluation.attributes.tag, evaluation.attributes.med)),
            Outcome::Denied(_) | Outcome::NoMatch => None,
        };
        prop_assert_eq!(result, literal(&entries, tag));
    }

    #[test]
    fn what_a_policy_does_not_read_changes_nothing(
        entries in proptest::collection::vec(entry(), 0..8),
        tag in 0_u32..4,
        bits: u32,
    ) {
        let mut policies = Policies::default();
        let map = policies.add(compiled(&entries)).expect("jumps lead forward");
        prop_assert_eq!(policies.reads(map), Reads::default());
        let attributes = Attributes { tag, ..Attributes::default() };
        let one = route(&attributes);
        let other = PolicyRoute {
            prefix: Prefix::host(bits),
            protocol: Protocol::Static,
            interface: None,
            next_hop: Some(IpAddr::V4(Ipv4Addr::from_bits(bits))),
            ..one
        };
        prop_assert_eq!(policies.evaluate(map, one), policies.evaluate(map, other));
    }
}
