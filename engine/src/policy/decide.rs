//! [`export`] and [`import`]: the rules around a VRF's maps.

use std::net::IpAddr;

use super::{ClauseId, Outcome, Policies, PolicyId, PolicyRoute};
use crate::address::Address;
use crate::attributes::Attributes;
use crate::route_target::RouteTarget;
use crate::router::{Dialect, ExportMapMiss};

/// What becomes of a route on its way out of its VRF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Export {
    /// It is exported with these attributes, whose targets are set, at least one. The clause is the one that accepted
    /// it; `None` where there is no map, or where the map did not and the dialect exports all the same (E5).
    Exported {
        /// Its attributes as a VPN route.
        attributes: Attributes,
        /// The next hop that the map set.
        next_hop: Option<IpAddr>,
        /// The clause that accepted it.
        clause: Option<ClauseId>,
    },
    /// The export map denied it (E5).
    Denied(ClauseId),
    /// No clause of the export map matched it (E5).
    NoMatch,
    /// It has no target left (E3).
    NoTarget,
}

/// Decides what becomes of a route of a VRF with these export targets and this map (SEMANTICS E3, E4, E5).
///
/// The route's own targets, where it brings some along, stand for the VRF's.
pub fn export<A: Address>(
    policies: &Policies,
    map: Option<PolicyId>,
    dialect: Dialect,
    targets: &[RouteTarget],
    route: PolicyRoute<'_, A>,
) -> Export {
    let mut before = route.attributes.clone();
    before.route_targets.get_or_insert_with(|| targets.into());
    let (attributes, next_hop, clause) = match map {
        None => (before, None, None),
        Some(map) => {
            let evaluation = policies.evaluate(map, PolicyRoute { attributes: &before, ..route });
            match (evaluation.outcome, dialect.export_map_miss) {
                (Outcome::Accepted(clause), _) => {
                    (evaluation.attributes.into_owned(), evaluation.next_hop, Some(clause))
                }
                (Outcome::Denied(clause), ExportMapMiss::Drop) => return Export::Denied(clause),
                (Outcome::NoMatch, ExportMapMiss::Drop) => return Export::NoMatch,
                (Outcome::Denied(_) | Outcome::NoMatch, ExportMapMiss::KeepDefault) => (before, None, None),
            }
        }
    };
    if attributes.route_targets.as_deref().unwrap_or_default().is_empty() {
        return Export::NoTarget;
    }
    Export::Exported { attributes, next_hop, clause }
}

/// What becomes of a VPN route on its way into a VRF whose targets it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Import {
    /// It is imported with these attributes.
    Imported {
        /// The attributes of the imported copy; `None` where they are those of the VPN route.
        attributes: Option<Attributes>,
        /// The next hop that the map set.
        next_hop: Option<IpAddr>,
        /// The clause that accepted it; `None` where there is no map.
        clause: Option<ClauseId>,
    },
    /// The import map denied it.
    Denied(ClauseId),
    /// No clause of the import map matched it.
    NoMatch,
}

/// Decides what becomes of a VPN route that a VRF with this map is to import (SEMANTICS I3).
pub fn import<A: Address>(policies: &Policies, map: Option<PolicyId>, route: PolicyRoute<'_, A>) -> Import {
    let Some(map) = map else { return Import::Imported { attributes: None, next_hop: None, clause: None } };
    let evaluation = policies.evaluate(map, route);
    match evaluation.outcome {
        Outcome::Accepted(clause) => Import::Imported {
            attributes: match evaluation.attributes {
                std::borrow::Cow::Borrowed(_) => None,
                std::borrow::Cow::Owned(changed) => Some(changed).filter(|changed| changed != route.attributes),
            },
            next_hop: evaluation.next_hop,
            clause: Some(clause),
        },
        Outcome::Denied(clause) => Import::Denied(clause),
        Outcome::NoMatch => Import::NoMatch,
    }
}
