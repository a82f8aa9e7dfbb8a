//! [`why`]: the one reason why a route is, or is not, in the table of a VRF.

use crate::address::Address;
use crate::id::{RouteId, TargetSetId, VrfId};
use crate::import::Import;
use crate::leak::{Candidate, FamilyLeak, Leak};
use crate::network::Network;
use crate::prefix::Prefix;
use crate::resolve::Resolution;
use crate::route_table::ExportStatus;
use crate::select::{RouteKey, Step};

/// The reason why a route is where it is, seen from one VRF (SEMANTICS, "Why"). Each route has exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Its own VRF does not redistribute its protocol (E2).
    NotRedistributed,
    /// The VRF `via` has it, but imported it itself: what was imported is not exported again (E1).
    Imported {
        /// The VRF that does not pass it on.
        via: VrfId,
    },
    /// The export map of its VRF denies it or does not match it (E5).
    ExportMapDenied,
    /// It would be exported without any target (E3).
    NoTarget,
    /// Its VRF has no RD.
    NoRd,
    /// Its VRF exports another of its own routes to the prefix.
    OtherExported {
        /// That route.
        winner: RouteKey,
    },
    /// None of its targets is one that the VRF imports (I1).
    NoCommonTarget,
    /// Another VPN route with the same RD and prefix is preferred (E6).
    LostNlri {
        /// That route.
        winner: RouteKey,
    },
    /// Its next hop does not resolve in the VRF it comes from (S5).
    NextHopUnresolved,
    /// A VRF is down: the one it comes from, or the one that asks (C3).
    VrfDown {
        /// That VRF.
        vrf: VrfId,
    },
    /// It is known here, but another route is better.
    NotBest {
        /// The step that decided (S1, S2).
        step: Step,
        /// The better route.
        winner: RouteKey,
    },
    /// It is the best route here.
    Best,
}

/// How far a route came on its way into a VRF's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It was not exported.
    NotExported,
    /// It was exported and not imported here.
    NotImported,
    /// It was imported, or is the VRF's own, and another route was preferred.
    NotBest,
    /// It is in the table.
    Best,
}

impl Reason {
    /// Returns how far the route came.
    pub fn stage(&self) -> Stage {
        match self {
            Self::NotRedistributed
            | Self::Imported { .. }
            | Self::NoTarget
            | Self::ExportMapDenied
            | Self::NoRd
            | Self::OtherExported { .. } => Stage::NotExported,
            Self::NoCommonTarget | Self::LostNlri { .. } | Self::NextHopUnresolved | Self::VrfDown { .. } => {
                Stage::NotImported
            }
            Self::NotBest { .. } => Stage::NotBest,
            Self::Best => Stage::Best,
        }
    }

    /// Returns the reason's name in JSON, which does not change.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotRedistributed => "not_redistributed",
            Self::Imported { .. } => "imported",
            Self::NoTarget => "no_target",
            Self::ExportMapDenied => "export_map_denied",
            Self::NoRd => "no_rd",
            Self::OtherExported { .. } => "other_exported",
            Self::NoCommonTarget => "no_common_target",
            Self::LostNlri { .. } => "lost_nlri",
            Self::NextHopUnresolved => "next_hop_unresolved",
            Self::VrfDown { .. } => "vrf_down",
            Self::NotBest { .. } => "not_best",
            Self::Best => "best",
        }
    }
}

/// A route and what became of it in one VRF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The route.
    pub route: RouteKey,
    /// Its targets, [`TargetSetId::NONE`] if it is no VPN route.
    pub targets: TargetSetId,
    /// Whether it is the host route of an imported interface (S3a).
    pub leaked_host: bool,
    /// Why it is in the table, or not.
    pub reason: Reason,
}

/// Returns what became, in `vrf`, of every route of the network to exactly this prefix: those that came farthest first.
///
/// The first outcome is the answer to "why is it there" or "why not"; there is none where no VRF has the prefix.
/// O(source routes of the network).
pub fn why<A: Address>(network: &Network, leak: &Leak, vrf: VrfId, prefix: Prefix<A>) -> Vec<Outcome> {
    let family = leak.family::<A>();
    let candidates = family.candidates(network, vrf, prefix);
    let mut outcomes: Vec<(Outcome, usize)> =
        candidates.iter().enumerate().map(|(at, candidate)| (selected(family, &candidates, candidate), at)).collect();
    let resolution = Resolution::new(network);
    let import = Import::new(network, family.table(), family.buckets());
    for origin in network.vrf_ids() {
        for route in network.vrf(origin).family::<A>().routes.iter().filter(|route| route.prefix() == prefix) {
            let key = RouteKey {
                origin,
                next_hop: route.next_hop(),
                attributes: route.attributes(),
                protocol: route.protocol(),
            };
            if outcomes.iter().any(|(outcome, _)| outcome.route == key) {
                continue;
            }
            let table = family.table();
            let id = table.routes_to(prefix).find(|&id| table.key(id) == key);
            // What its export map changed is exported by another key.
            let id = id.map(|id| table.exported_as(network, id).unwrap_or(id));
            if id.is_some_and(|id| outcomes.iter().any(|(outcome, _)| outcome.route == table.key(id))) {
                continue;
            }
            let reason = match id {
                _ if !network.vrf(origin).up => Reason::VrfDown { vrf: origin },
                _ if !network.vrf(vrf).up => Reason::VrfDown { vrf },
                _ if !resolution.resolves(key.next_hop) => Reason::NextHopUnresolved,
                Some(id) => left_behind(network, family, &import, vrf, id),
                None => Reason::NextHopUnresolved,
            };
            let targets = id.map_or(TargetSetId::NONE, |id| table.targets(id));
            outcomes.push((Outcome { route: key, targets, leaked_host: false, reason }, usize::MAX));
        }
        outcomes.extend(not_passed_on(network, family, vrf, origin, prefix).map(|outcome| (outcome, usize::MAX)));
    }
    outcomes.sort_by_key(|(outcome, at)| (std::cmp::Reverse(outcome.reason.stage()), *at, outcome.route));
    outcomes.into_iter().map(|(outcome, _)| outcome).collect()
}

/// Says what selection made of a candidate.
fn selected<A: Address>(family: &FamilyLeak<A>, candidates: &[Candidate], candidate: &Candidate) -> Outcome {
    let reason = match candidate.lost {
        None => Reason::Best,
        Some(step) => Reason::NotBest { step, winner: candidates[0].key },
    };
    Outcome {
        route: candidate.key,
        targets: family.table().targets(candidate.route),
        leaked_host: candidate.leaked_host,
        reason,
    }
}

/// Says why another VRF's route is no candidate in `vrf`.
fn left_behind<A: Address>(
    network: &Network,
    family: &FamilyLeak<A>,
    import: &Import<'_, A>,
    vrf: VrfId,
    id: RouteId,
) -> Reason {
    let table = family.table();
    let same_prefix = || table.routes_to(table.prefix(id));
    match table.status(id) {
        ExportStatus::NotRedistributed => Reason::NotRedistributed,
        ExportStatus::NoTarget => Reason::NoTarget,
        ExportStatus::MapDenied => Reason::ExportMapDenied,
        ExportStatus::NoRd => Reason::NoRd,
        ExportStatus::LostToOwn | ExportStatus::Rewritten => {
            let winner = same_prefix()
                .find(|&other| table.origin(other) == table.origin(id) && table.status(other).is_vpn_route());
            winner.map_or(Reason::NoTarget, |winner| Reason::OtherExported { winner: table.key(winner) })
        }
        ExportStatus::Exported | ExportStatus::LostNlri => {
            let router = network.vrf(vrf).router;
            if !family.imports(network, vrf, table.targets(id)) {
                return Reason::NoCommonTarget;
            }
            let rd = |id: RouteId| network.vrf(table.origin(id)).rd;
            let winner = same_prefix().find(|&other| rd(other) == rd(id) && import.is_visible(router, other));
            winner.map_or(Reason::NoCommonTarget, |winner| Reason::LostNlri { winner: table.key(winner) })
        }
    }
}

/// Says that `via` uses an imported route to the prefix, which `vrf` would take from it if it were passed on.
fn not_passed_on<A: Address>(
    network: &Network,
    family: &FamilyLeak<A>,
    vrf: VrfId,
    via: VrfId,
    prefix: Prefix<A>,
) -> Option<Outcome> {
    let table = family.table();
    let listens = via != vrf && family.imports(network, vrf, table.export_of[via.index()]);
    let best = family.get(via, prefix).filter(|_| listens && network.vrf(via).rd.is_some())?;
    let imported = table.origin(best) != via && table.origin(best) != vrf;
    let new = family.get(vrf, prefix) != Some(best) && !family.imports(network, vrf, table.targets(best));
    (imported && new).then(|| Outcome {
        route: table.key(best),
        targets: table.targets(best),
        leaked_host: false,
        reason: Reason::Imported { via },
    })
}
