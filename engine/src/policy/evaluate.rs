//! Evaluation of a policy for one route.

use std::borrow::Cow;
use std::net::IpAddr;

use super::{Clause, Condition, Flow, Number, Policies, PolicyId};
use crate::address::Address;
use crate::attributes::Attributes;
use crate::prefix::Prefix;
use crate::rd::Rd;
use crate::route_target::RouteTarget;
use crate::source_route::Protocol;

/// What a policy sees of a route.
#[derive(Clone, Copy, Debug)]
pub struct PolicyRoute<'a, A: Address> {
    /// Its prefix.
    pub prefix: Prefix<A>,
    /// Where its origin has it from.
    pub protocol: Protocol,
    /// Its attributes. What a policy calls its route targets is [`Attributes::route_targets`].
    pub attributes: &'a Attributes,
    /// The full name of the interface that its next hop names, if it does.
    pub interface: Option<&'a str>,
    /// The address of its next hop, if it has one.
    pub next_hop: Option<IpAddr>,
    /// Its RD, where it is a VPN route.
    pub rd: Option<Rd>,
}

/// A clause of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClauseId {
    /// The policy.
    pub policy: PolicyId,
    /// The position of the clause.
    pub clause: u32,
}

/// How an evaluation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The route is accepted, by this clause: the one that ended the evaluation or, at its end, the last that passed it.
    Accepted(ClauseId),
    /// The route is denied by this clause.
    Denied(ClauseId),
    /// No clause accepted or denied the route.
    NoMatch,
}

/// The result of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation<'a> {
    /// How it ended.
    pub outcome: Outcome,
    /// The attributes as the policy left them; those of the route where it set nothing.
    pub attributes: Cow<'a, Attributes>,
    /// The address of the next hop that the policy set, if it did.
    pub next_hop: Option<IpAddr>,
}

/// How a list of clauses ended, with the clause that it was.
#[derive(Clone, Copy)]
enum End {
    Accepted(ClauseId),
    Passed(ClauseId),
    Denied(ClauseId),
    Missed,
}

/// The state of an evaluation.
#[derive(Clone)]
struct State<'a, A: Address> {
    route: PolicyRoute<'a, A>,
    attributes: Cow<'a, Attributes>,
    next_hop: Option<IpAddr>,
}

impl Policies {
    /// Evaluates a policy for a route.
    ///
    /// Visits each clause at most once for each time that its policy is called, [`MAX_STEPS`](super::MAX_STEPS) in all.
    pub fn evaluate<'a, A: Address>(&self, id: PolicyId, route: PolicyRoute<'a, A>) -> Evaluation<'a> {
        let mut state = State { route, attributes: Cow::Borrowed(route.attributes), next_hop: None };
        let outcome = match self.run(id, &mut state) {
            End::Accepted(clause) | End::Passed(clause) => Outcome::Accepted(clause),
            End::Denied(clause) => Outcome::Denied(clause),
            End::Missed => Outcome::NoMatch,
        };
        Evaluation { outcome, attributes: state.attributes, next_hop: state.next_hop }
    }

    fn run<A: Address>(&self, id: PolicyId, state: &mut State<'_, A>) -> End {
        let clauses = &self.get(id).clauses;
        let mut passed = None;
        let mut at = 0;
        while let Some(clause) = clauses.get(at) {
            let here = ClauseId { policy: id, clause: at as u32 };
            let flow = if self.holds(&clause.condition, state) {
                self.apply(clause, here, state, &mut passed)
            } else {
                (clause.otherwise, here)
            };
            match flow {
                (Flow::Next, _) => at += 1,
                (Flow::Goto(target), _) => at = target as usize,
                (Flow::Accept, by) => return End::Accepted(by),
                (Flow::Deny, by) => return End::Denied(by),
            }
        }
        passed.map_or(End::Missed, End::Passed)
    }

    /// Does what a clause does where its condition holds, and returns where to go on and which clause said so.
    fn apply<A: Address>(
        &self,
        clause: &Clause,
        here: ClauseId,
        state: &mut State<'_, A>,
        passed: &mut Option<ClauseId>,
    ) -> (Flow, ClauseId) {
        for action in &clause.actions {
            action.apply(state.attributes.to_mut(), &mut state.next_hop);
        }
        if clause.passes {
            *passed = Some(here);
        }
        let Some(call) = clause.call else { return (clause.then, here) };
        match self.run(call.policy, state) {
            End::Accepted(by) => (call.accepted, by),
            End::Passed(by) => {
                *passed = Some(by);
                (call.passed, by)
            }
            End::Denied(by) => (call.denied, by),
            End::Missed => (call.missed, here),
        }
    }

    fn holds<A: Address>(&self, condition: &Condition, state: &State<'_, A>) -> bool {
        let route = &state.route;
        let attributes = &*state.attributes;
        match condition {
            Condition::Always => true,
            Condition::Never => false,
            Condition::All(all) => all.iter().all(|condition| self.holds(condition, state)),
            Condition::Any(any) => any.iter().any(|condition| self.holds(condition, state)),
            Condition::Not(condition) => !self.holds(condition, state),
            Condition::Prefix(list) => list.permits(route.prefix),
            Condition::NextHop(list) => match state.next_hop.or(route.next_hop) {
                Some(IpAddr::V4(address)) => list.permits(Prefix::host(address.to_bits())),
                Some(IpAddr::V6(address)) => list.permits(Prefix::host(address.to_bits())),
                None => false,
            },
            Condition::Communities(list) => list.permits(|test| test.holds(&attributes.communities)),
            Condition::Targets(list) => {
                let targets = attributes.route_targets.as_deref().unwrap_or_default();
                if targets.iter().any(|target| target.is_of_default_table()) {
                    let named: Vec<RouteTarget> =
                        targets.iter().copied().filter(|target| !target.is_of_default_table()).collect();
                    return list.permits(|test| test.holds(&named));
                }
                list.permits(|test| test.holds(targets))
            }
            Condition::HasTarget(target) => {
                attributes.route_targets.as_deref().is_some_and(|targets| targets.contains(target))
            }
            Condition::AsPath(list) => {
                let path = attributes.as_path.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
                list.permits(|pattern| pattern.finds(&path))
            }
            Condition::Between(number, first, last) => {
                let value = match number {
                    Number::Tag => attributes.tag,
                    Number::Med => attributes.med,
                    Number::LocalPreference => attributes.local_preference,
                    Number::Weight => attributes.weight,
                    Number::AsPathLength => attributes.as_path.len() as u32,
                };
                (*first..=*last).contains(&value)
            }
            Condition::Protocol(protocols) => protocols.contains(route.protocol),
            Condition::Interface(names) => {
                route.interface.is_some_and(|name| names.iter().any(|other| **other == *name))
            }
            Condition::Origin(origin) => attributes.origin == *origin,
            Condition::Rd(rds) => route.rd.is_some_and(|rd| rds.contains(&rd)),
            Condition::Family(family) => A::FAMILY == *family,
            Condition::Policy(policy) => {
                matches!(self.run(*policy, &mut state.clone()), End::Accepted(_) | End::Passed(_))
            }
        }
    }
}
