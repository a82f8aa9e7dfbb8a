//! Policies: what a route map, a route policy or a policy statement makes of a route.
//!
//! All dialects compile to one small form. A [`Policy`] is a list of [`Clause`]s. A clause has a [`Condition`] and
//! [`Action`]s that happen where it holds, may call another policy, and says where evaluation goes on: to a later
//! clause, or to the end with a verdict. Jumps lead forward only and calls lead to policies that were there before, so
//! evaluation ends, and [`Policies::add`] bounds what it costs.
//!
//! - A route map's entry is a clause; `continue` is [`Flow::Goto`] with [`Clause::passes`] set.
//! - A term of a Junos policy statement is a clause; `next term` is [`Flow::Next`], a chain of policies is a policy of
//!   calls.
//! - `if`, `elseif` and `else` of IOS-XR are clauses that jump over each other's bodies; `pass` is [`Clause::passes`].
//!
//! Evaluation never changes the route itself: [`Evaluation::attributes`] is a copy where anything was set
//! (SEMANTICS I3). [`export`] and [`import`] are the rules around it (E3, E4, E5, I3).

mod action;
mod clause;
mod condition;
mod decide;
mod evaluate;
mod list;
mod pattern;
mod prefix_list;

pub use action::{Action, Change};
pub use clause::{Call, Clause, Flow};
pub use condition::{Condition, Number, Protocols};
pub use decide::{Export, Import, export, import};
pub use evaluate::{ClauseId, Evaluation, Outcome, PolicyRoute};
pub use list::{CommunityTest, List, ListEntry, Member};
pub use pattern::{ParsePatternError, Pattern};
pub use prefix_list::{PrefixEntries, PrefixEntriesKind, PrefixEntry, PrefixList};

use std::fmt;

/// How deep conditions may nest.
pub const MAX_CONDITION_DEPTH: usize = 64;
/// How deep policies may call each other.
pub const MAX_CALL_DEPTH: usize = 16;
/// How many clauses one evaluation may visit, those of called policies included.
pub const MAX_STEPS: usize = 1_000_000;

/// A policy: its position in [`Policies`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct PolicyId(pub u32);

impl PolicyId {
    /// Returns the position that this id stands for.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A named list of clauses. One without clauses matches nothing: that is what a map is that is named but not defined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Its name in the configuration.
    pub name: Box<str>,
    /// Its clauses, in the order of evaluation.
    pub clauses: Vec<Clause>,
}

/// What an evaluation of a policy looks at besides the attributes. What is not read cannot change the outcome: results
/// may be shared between routes that are equal in the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Reads {
    /// The prefix.
    pub prefix: bool,
    /// The protocol that the route comes from.
    pub protocol: bool,
    /// The interface or the address of its next hop.
    pub next_hop: bool,
    /// The RD.
    pub rd: bool,
}

impl Reads {
    fn or(self, other: Self) -> Self {
        Self {
            prefix: self.prefix || other.prefix,
            protocol: self.protocol || other.protocol,
            next_hop: self.next_hop || other.next_hop,
            rd: self.rd || other.rd,
        }
    }
}

/// The policies of a network. Each calls only policies that were added before it.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    policies: Vec<Policy>,
    facts: Vec<Facts>,
}

/// What is known of a policy from its text.
#[derive(Clone, Copy, Debug)]
struct Facts {
    depth: usize,
    steps: usize,
    reads: Reads,
}

impl Policies {
    /// Adds a policy.
    ///
    /// # Errors
    ///
    /// If a jump leads backward or beyond the end by more than one, a call leads to a policy that is not there yet, or
    /// one of [`MAX_CONDITION_DEPTH`], [`MAX_CALL_DEPTH`] and [`MAX_STEPS`] is exceeded.
    pub fn add(&mut self, policy: Policy) -> Result<PolicyId, PolicyError> {
        let error = |mistake| PolicyError { policy: policy.name.clone(), mistake };
        let mut facts = Facts { depth: 1, steps: policy.clauses.len(), reads: Reads::default() };
        for (index, clause) in policy.clauses.iter().enumerate() {
            let last = policy.clauses.len();
            if !clause.flows().all(|flow| flow.leads_forward(index, last)) {
                return Err(error(PolicyMistake::Jump { clause: index }));
            }
            if !clause.condition.is_within(MAX_CONDITION_DEPTH) {
                return Err(error(PolicyMistake::ConditionDepth { clause: index }));
            }
            facts.reads = facts.reads.or(clause.condition.reads());
            let mut called = clause.call.iter().map(|call| call.policy).collect();
            clause.condition.called(&mut called);
            for callee in called {
                let Some(callee) = self.facts.get(callee.index()) else {
                    return Err(error(PolicyMistake::Call { clause: index }));
                };
                facts.depth = facts.depth.max(callee.depth + 1);
                facts.steps = facts.steps.saturating_add(callee.steps);
                facts.reads = facts.reads.or(callee.reads);
            }
        }
        if facts.depth > MAX_CALL_DEPTH {
            return Err(error(PolicyMistake::CallDepth { depth: facts.depth }));
        }
        if facts.steps > MAX_STEPS {
            return Err(error(PolicyMistake::Steps { steps: facts.steps }));
        }
        self.policies.push(policy);
        self.facts.push(facts);
        Ok(PolicyId(u32::try_from(self.policies.len() - 1).expect("fewer policies than 2^32")))
    }

    /// Adds all of `other` behind those that are here, and adds `source` to the source number of every clause. Returns
    /// by how much the ids of `other` grew.
    ///
    /// # Panics
    ///
    /// If there would be 2^32 policies.
    pub fn append(&mut self, other: &Self, source: u32) -> u32 {
        let offset = u32::try_from(self.policies.len()).expect("fewer policies than 2^32");
        for (policy, facts) in other.policies.iter().zip(&other.facts) {
            let mut policy = policy.clone();
            for clause in &mut policy.clauses {
                clause.source += source;
                clause.condition.shift(offset);
                if let Some(call) = &mut clause.call {
                    call.policy.0 += offset;
                }
            }
            self.policies.push(policy);
            self.facts.push(*facts);
        }
        offset
    }

    /// Returns the policy of this id.
    pub fn get(&self, id: PolicyId) -> &Policy {
        &self.policies[id.index()]
    }

    /// Returns what the policy looks at besides the attributes, through calls as well.
    pub fn reads(&self, id: PolicyId) -> Reads {
        self.facts[id.index()].reads
    }

    /// Returns how many policies there are.
    pub fn len(&self) -> usize {
        self.policies.len()
    }

    /// Returns whether there is no policy.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// Returns the ids of all policies in ascending order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = PolicyId> + use<> {
        (0..self.policies.len() as u32).map(PolicyId)
    }
}

/// Why a policy cannot be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// The policy.
    pub policy: Box<str>,
    /// What is wrong with it.
    pub mistake: PolicyMistake,
}

/// What is wrong with a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyMistake {
    /// A jump that does not lead forward.
    Jump {
        /// The clause, from 0 on.
        clause: usize,
    },
    /// A call of a policy that is not there yet.
    Call {
        /// The clause, from 0 on.
        clause: usize,
    },
    /// A condition that nests too deep.
    ConditionDepth {
        /// The clause, from 0 on.
        clause: usize,
    },
    /// Calls that nest too deep.
    CallDepth {
        /// How deep.
        depth: usize,
    },
    /// Too many clauses, called ones counted as often as they are called.
    Steps {
        /// How many.
        steps: usize,
    },
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "policy `{}`: ", self.policy)?;
        match self.mistake {
            PolicyMistake::Jump { clause } => write!(f, "clause {clause} jumps backward, expected forward"),
            PolicyMistake::Call { clause } => write!(f, "clause {clause} calls a policy that is not there yet"),
            PolicyMistake::ConditionDepth { clause } => {
                write!(f, "the condition of clause {clause} nests deeper than {MAX_CONDITION_DEPTH}")
            }
            PolicyMistake::CallDepth { depth } => {
                write!(f, "calls nest {depth} deep, the limit is {MAX_CALL_DEPTH}")
            }
            PolicyMistake::Steps { steps } => write!(f, "{steps} clauses with those called, the limit is {MAX_STEPS}"),
        }
    }
}

impl std::error::Error for PolicyError {}

#[cfg(test)]
mod tests;
