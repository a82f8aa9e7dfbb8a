//! [`Condition`]: when a clause applies.

use std::sync::Arc;

use super::{CommunityTest, List, Pattern, PolicyId, PrefixList, Reads};
use crate::address::Family;
use crate::attributes::OriginCode;
use crate::community::Community;
use crate::rd::Rd;
use crate::route_target::RouteTarget;
use crate::source_route::Protocol;

/// A number of a route that conditions compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Number {
    /// The tag.
    Tag,
    /// MULTI_EXIT_DISC.
    Med,
    /// LOCAL_PREF.
    LocalPreference,
    /// The weight.
    Weight,
    /// The number of AS numbers in the AS path.
    AsPathLength,
}

/// A set of protocols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Protocols(u8);

impl Protocols {
    /// Returns the set with `protocol` in it as well.
    pub fn with(self, protocol: Protocol) -> Self {
        Self(self.0 | 1 << protocol as u8)
    }

    /// Returns whether `protocol` is in it.
    pub fn contains(self, protocol: Protocol) -> bool {
        self.0 & (1 << protocol as u8) != 0
    }
}

/// When a clause applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// To every route.
    #[default]
    Always,
    /// To none.
    Never,
    /// Where all of these hold; always where there are none.
    All(Vec<Self>),
    /// Where one of these holds; never where there are none.
    Any(Vec<Self>),
    /// Where this does not hold.
    Not(Box<Self>),
    /// Where the list permits the prefix.
    Prefix(Arc<PrefixList>),
    /// Where the list permits the address of the next hop as a host route. A route without gateway matches none.
    NextHop(Arc<PrefixList>),
    /// Where the list permits the communities.
    Communities(Arc<List<CommunityTest<Community>>>),
    /// Where the list permits the route targets, those of default tables left out (SEMANTICS I8).
    Targets(Arc<List<CommunityTest<RouteTarget>>>),
    /// Where this very target is among them, one of a default table too (SEMANTICS I8).
    HasTarget(RouteTarget),
    /// Where the list permits the AS path, written as decimal numbers with a blank between.
    AsPath(Arc<List<Pattern>>),
    /// Where the number lies between the first and the last, both included.
    Between(Number, u32, u32),
    /// Where the route comes from one of these protocols.
    Protocol(Protocols),
    /// Where the next hop names one of these interfaces, by its full name.
    Interface(Box<[Box<str>]>),
    /// Where the origin code is this one.
    Origin(OriginCode),
    /// Where the RD is one of these.
    Rd(Box<[Rd]>),
    /// Where the route is of this family.
    Family(Family),
    /// Where this policy accepts the route. What it sets is forgotten.
    Policy(PolicyId),
}

impl Condition {
    /// Returns whether the condition nests at most `depth` deep.
    pub(super) fn is_within(&self, depth: usize) -> bool {
        match self {
            Self::All(all) | Self::Any(all) => depth > 0 && all.iter().all(|condition| condition.is_within(depth - 1)),
            Self::Not(condition) => depth > 0 && condition.is_within(depth - 1),
            _ => true,
        }
    }

    /// Returns what the condition looks at besides the attributes, called policies left out.
    pub(super) fn reads(&self) -> Reads {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().fold(Reads::default(), |reads, one| reads.or(one.reads())),
            Self::Not(condition) => condition.reads(),
            Self::Prefix(_) => Reads { prefix: true, ..Reads::default() },
            Self::NextHop(_) | Self::Interface(_) => Reads { next_hop: true, ..Reads::default() },
            Self::Protocol(_) => Reads { protocol: true, ..Reads::default() },
            Self::Rd(_) => Reads { rd: true, ..Reads::default() },
            // The families share no table and no evaluation.
            _ => Reads::default(),
        }
    }

    /// Adds the policies that the condition asks.
    pub(super) fn called(&self, policies: &mut Vec<PolicyId>) {
        match self {
            Self::All(all) | Self::Any(all) => all.iter().for_each(|condition| condition.called(policies)),
            Self::Not(condition) => condition.called(policies),
            Self::Policy(policy) => policies.push(*policy),
            _ => {}
        }
    }

    /// Adds `offset` to the ids of the policies that the condition asks.
    pub(super) fn shift(&mut self, offset: u32) {
        match self {
            Self::All(all) | Self::Any(all) => all.iter_mut().for_each(|condition| condition.shift(offset)),
            Self::Not(condition) => condition.shift(offset),
            Self::Policy(policy) => policy.0 += offset,
            _ => {}
        }
    }
}
