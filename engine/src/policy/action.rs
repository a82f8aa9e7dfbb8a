//! [`Action`]: what a clause changes about a route.

use std::net::IpAddr;
use std::sync::Arc;

use super::{CommunityTest, List};
use crate::attributes::{Attributes, OriginCode};
use crate::community::Community;
use crate::route_target::RouteTarget;

/// A change of a number. It stops at 0 and at `u32::MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// To this value.
    Set(u32),
    /// By this much upward.
    Add(u32),
    /// By this much downward.
    Subtract(u32),
}

impl Change {
    fn of(self, value: u32) -> u32 {
        match self {
            Self::Set(to) => to,
            Self::Add(by) => value.saturating_add(by),
            Self::Subtract(by) => value.saturating_sub(by),
        }
    }
}

/// What a clause changes about a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Replaces every route target (SEMANTICS E4).
    SetTargets(Box<[RouteTarget]>),
    /// Joins these targets to those that are there (SEMANTICS E4, `additive`).
    AddTargets(Box<[RouteTarget]>),
    /// Removes the targets that the list permits one by one.
    RemoveTargets(Arc<List<CommunityTest<RouteTarget>>>),
    /// Replaces every community; an empty list removes them all.
    SetCommunities(Box<[Community]>),
    /// Joins these communities to those that are there.
    AddCommunities(Box<[Community]>),
    /// Removes the communities that the list permits one by one.
    RemoveCommunities(Arc<List<CommunityTest<Community>>>),
    /// Changes LOCAL_PREF.
    LocalPreference(Change),
    /// Changes MULTI_EXIT_DISC.
    Med(Change),
    /// Changes the weight.
    Weight(Change),
    /// Sets the tag.
    Tag(u32),
    /// Sets the origin code.
    Origin(OriginCode),
    /// Puts these AS numbers before the AS path.
    Prepend(Box<[u32]>),
    /// Puts the first AS of the path before it this many times. Does nothing to an empty path.
    PrependFirst(u8),
    /// Sets the address of the next hop.
    NextHop(IpAddr),
}

/// How long an AS path may become, in AS numbers: prepending stops there. Longer ones exceed an UPDATE.
const MAX_AS_PATH: usize = 1024;

impl Action {
    /// Changes `attributes`, whose targets are set, and `next_hop`.
    pub(super) fn apply(&self, attributes: &mut Attributes, next_hop: &mut Option<IpAddr>) {
        let targets = &mut attributes.route_targets;
        match self {
            Self::SetTargets(new) => {
                // What a default table is to get or gives has no name that a policy could replace (SEMANTICS I8).
                let mut all = targets.take().unwrap_or_default().into_vec();
                all.retain(|target| target.is_of_default_table());
                all.extend_from_slice(new);
                *targets = Some(set(all));
            }
            Self::AddTargets(new) => {
                let mut all = targets.take().unwrap_or_default().into_vec();
                all.extend_from_slice(new);
                *targets = Some(set(all));
            }
            Self::RemoveTargets(list) => {
                let mut all = targets.take().unwrap_or_default().into_vec();
                all.retain(|&target| target.is_of_default_table() || !list.permits(|test| test.holds(&[target])));
                *targets = Some(all.into());
            }
            Self::SetCommunities(new) => attributes.communities = set(new.to_vec()),
            Self::AddCommunities(new) => {
                let mut all = std::mem::take(&mut attributes.communities).into_vec();
                all.extend_from_slice(new);
                attributes.communities = set(all);
            }
            Self::RemoveCommunities(list) => {
                let mut all = std::mem::take(&mut attributes.communities).into_vec();
                all.retain(|&community| !list.permits(|test| test.holds(&[community])));
                attributes.communities = all.into();
            }
            Self::LocalPreference(change) => attributes.local_preference = change.of(attributes.local_preference),
            Self::Med(change) => {
                attributes.med = change.of(attributes.med);
                attributes.without_med = false;
            }
            Self::Weight(change) => attributes.weight = change.of(attributes.weight),
            Self::Tag(tag) => attributes.tag = *tag,
            Self::Origin(origin) => attributes.origin = *origin,
            Self::Prepend(path) => prepend(attributes, path),
            Self::PrependFirst(times) => {
                if let Some(&first) = attributes.as_path.first() {
                    prepend(attributes, &vec![first; usize::from(*times)]);
                }
            }
            Self::NextHop(address) => *next_hop = Some(*address),
        }
    }
}

/// Returns the values in ascending order, each once.
fn set<T: Ord>(mut values: Vec<T>) -> Box<[T]> {
    values.sort_unstable();
    values.dedup();
    values.into()
}

fn prepend(attributes: &mut Attributes, path: &[u32]) {
    if path.len() + attributes.as_path.len() <= MAX_AS_PATH {
        attributes.as_path = [path, &attributes.as_path].concat().into();
    }
}
