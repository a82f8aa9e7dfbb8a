//! [`Clause`]: a step of a policy.

use super::{Action, Condition, PolicyId};

/// Where evaluation goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Flow {
    /// To the next clause, or to the end behind the last.
    #[default]
    Next,
    /// To the clause of this position, which must be a later one, or to the end where it is one more than the last.
    Goto(u32),
    /// To the end: the route is accepted.
    Accept,
    /// To the end: the route is denied.
    Deny,
}

impl Flow {
    /// Returns whether the flow of clause `index` in a policy of `len` clauses leads forward and not beyond the end.
    pub(super) fn leads_forward(self, index: usize, len: usize) -> bool {
        match self {
            Self::Goto(target) => index < target as usize && target as usize <= len,
            Self::Next | Self::Accept | Self::Deny => true,
        }
    }
}

/// A call of another policy, and where evaluation goes on after each of its ends. What it sets stays set, unless it
/// denies the route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// The policy, one that was added before.
    pub policy: PolicyId,
    /// After an explicit [`Flow::Accept`].
    pub accepted: Flow,
    /// After its end, where a clause passed the route. The route counts as passed here too.
    pub passed: Flow,
    /// After an explicit [`Flow::Deny`].
    pub denied: Flow,
    /// After its end, where no clause passed the route.
    pub missed: Flow,
}

/// A step of a policy: what happens where its condition holds, and where evaluation goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clause {
    /// Its name in the configuration: a sequence number, the name of a term.
    pub label: Box<str>,
    /// A number that whoever made the clause finds its source by: a place in a text.
    pub source: u32,
    /// When it applies.
    pub condition: Condition,
    /// What happens then, in order.
    pub actions: Vec<Action>,
    /// Whether the route is accepted from then on, unless a later clause denies it.
    pub passes: bool,
    /// The policy that is called then, after the actions. Its flows stand in for [`Self::then`].
    pub call: Option<Call>,
    /// Where evaluation goes on then.
    pub then: Flow,
    /// Where evaluation goes on where the condition does not hold.
    pub otherwise: Flow,
}

impl Clause {
    /// Returns every way on from here.
    pub(super) fn flows(&self) -> impl Iterator<Item = Flow> + '_ {
        let called = self.call.iter().flat_map(|call| [call.accepted, call.passed, call.denied, call.missed]);
        [self.then, self.otherwise].into_iter().chain(called)
    }
}
