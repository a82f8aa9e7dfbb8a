//! [`why`]: the one reason why a route is, or is not, in the table of a VRF.

use crate::address::Address;
use crate::export_targets;
use crate::id::{RouteId, TargetSetId, VrfId};
use crate::import::Import;
use crate::imported::{self, Verdict, Verdicts};
use crate::leak::{Candidate, FamilyLeak, Leak};
use crate::network::Network;
use crate::policy::{ClauseId, Export};
use crate::prefix::Prefix;
use crate::resolve::Resolution;
use crate::route_table::{ExportStatus, RouteTable};
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
    ExportMapDenied {
        /// The clause that denied it; `None` where none matched it.
        clause: Option<ClauseId>,
    },
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
    /// It has been in the VRF before: a route does not come back to where it came from (I4).
    OwnOrigin,
    /// The import map denies it or does not match it (I3).
    ImportMapDenied {
        /// The clause that denied it; `None` where none matched it.
        clause: Option<ClauseId>,
    },
    /// Its AS path holds the AS of the router more often than is permitted (I5).
    AsLoop,
    /// The VRF has as many routes as it may have (S6).
    OverLimit {
        /// How many that is.
        limit: u32,
    },
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
            | Self::ExportMapDenied { .. }
            | Self::NoRd
            | Self::OtherExported { .. } => Stage::NotExported,
            Self::NoCommonTarget
            | Self::OwnOrigin
            | Self::ImportMapDenied { .. }
            | Self::AsLoop
            | Self::OverLimit { .. }
            | Self::LostNlri { .. }
            | Self::NextHopUnresolved
            | Self::VrfDown { .. } => Stage::NotImported,
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
            Self::ExportMapDenied { .. } => "export_map_denied",
            Self::NoRd => "no_rd",
            Self::OtherExported { .. } => "other_exported",
            Self::NoCommonTarget => "no_common_target",
            Self::OwnOrigin => "own_origin",
            Self::ImportMapDenied { .. } => "import_map_denied",
            Self::AsLoop => "as_loop",
            Self::OverLimit { .. } => "over_limit",
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
    /// Its targets as a VPN route, [`TargetSetId::NONE`] if it is none.
    pub targets: TargetSetId,
    /// Why it is no VPN route; `None` where it is one, imported by whomever. A reason of [`Stage::NotExported`], or that
    /// its next hop does not resolve or its VRF is down.
    pub unexported: Option<Reason>,
    /// The clause of its VRF's export map that accepted it; `None` where there is no map, or where the dialect exports what
    /// the map does not accept (E5), and for routes that were exported again.
    pub export_clause: Option<ClauseId>,
    /// The clause of the asking VRF's import map that accepted it; `None` where there is no map, or it did not come so far.
    pub import_clause: Option<ClauseId>,
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
    let table = family.table();
    let candidates = family.candidates(network, vrf, prefix);
    let mut outcomes: Vec<(Outcome, usize)> = candidates
        .iter()
        .enumerate()
        .map(|(at, candidate)| (selected(network, family, vrf, &candidates, candidate), at))
        .collect();
    let resolution = Resolution::new(network);
    let import = Import::new(network, table, family.buckets());
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
            let id = table.routes_to(prefix).find(|&id| table.key(id) == key);
            // What its export map changed is exported by another key.
            let id = id.map(|id| table.exported_as(network, id).unwrap_or(id));
            if id.is_some_and(|id| outcomes.iter().any(|(outcome, _)| outcome.route == table.key(id))) {
                continue;
            }
            let down = |vrf| (!network.vrf(vrf).up).then_some(Reason::VrfDown { vrf });
            let lost = (!resolution.resolves(key.next_hop)).then_some(Reason::NextHopUnresolved);
            let at_home = down(origin).or(lost);
            let reason = match (at_home.or(down(vrf)), id) {
                (Some(reason), _) => reason,
                (None, Some(id)) => left_behind(network, family, &import, vrf, id),
                (None, None) => Reason::NextHopUnresolved,
            };
            let unexported = match id {
                _ if at_home.is_some() => at_home,
                Some(id) => unexported(network, table, id),
                None => Some(Reason::NextHopUnresolved),
            };
            let outcome = Outcome { unexported, ..outcome(network, family, vrf, key, id, reason) };
            outcomes.push((outcome, usize::MAX));
        }
        for id in table.routes_to(prefix).filter(|&id| table.origin(id) == origin && table.is_reexport(network, id)) {
            if outcomes.iter().all(|(outcome, _)| outcome.route != table.key(id)) {
                let up = network.vrf(vrf).up;
                let down = Reason::VrfDown { vrf };
                let reason = if up { left_behind(network, family, &import, vrf, id) } else { down };
                outcomes.push((outcome(network, family, vrf, table.key(id), Some(id), reason), usize::MAX));
            }
        }
    }
    // These speak of routes that have a reason of their own above, whichever VRF comes first.
    for via in network.vrf_ids() {
        outcomes.extend(not_passed_on(network, family, vrf, via, prefix).map(|outcome| (outcome, usize::MAX)));
    }
    outcomes.sort_by_key(|(outcome, at)| (std::cmp::Reverse(outcome.reason.stage()), *at, outcome.route));
    outcomes.into_iter().map(|(outcome, _)| outcome).collect()
}

/// Returns the outcome of a route of which `id` is the row, its VPN route where it is one.
fn outcome<A: Address>(
    network: &Network,
    family: &FamilyLeak<A>,
    vrf: VrfId,
    route: RouteKey,
    id: Option<RouteId>,
    reason: Reason,
) -> Outcome {
    let table = family.table();
    let imported = |id: RouteId| {
        let here = matches!(reason, Reason::NotBest { .. } | Reason::Best) && table.origin(id) != vrf;
        here.then(|| imported::accepting_clause(table.paths(network), table, vrf, id)).flatten()
    };
    Outcome {
        route,
        targets: id.map_or(TargetSetId::NONE, |id| table.targets(id)),
        unexported: id.and_then(|id| unexported(network, table, id)),
        export_clause: id.and_then(|id| accepting_clause(network, table, id)),
        import_clause: id.and_then(imported),
        leaked_host: false,
        reason,
    }
}

/// Says what selection made of a candidate.
fn selected<A: Address>(
    network: &Network,
    family: &FamilyLeak<A>,
    vrf: VrfId,
    candidates: &[Candidate],
    candidate: &Candidate,
) -> Outcome {
    let reason = match candidate.lost {
        None => Reason::Best,
        Some(step) => Reason::NotBest { step, winner: candidates[0].key },
    };
    let id = family.table().exported_as(network, candidate.route).unwrap_or(candidate.route);
    let outcome = outcome(network, family, vrf, candidate.key, Some(id), reason);
    if candidate.leaked_host {
        return Outcome { leaked_host: true, import_clause: None, ..outcome };
    }
    outcome
}

/// Says why a row of the table is no VPN route, if it is none.
fn unexported<A: Address>(network: &Network, table: &RouteTable<A>, id: RouteId) -> Option<Reason> {
    match table.status(id) {
        ExportStatus::NotRedistributed => Some(Reason::NotRedistributed),
        ExportStatus::NoTarget => Some(Reason::NoTarget),
        ExportStatus::MapDenied => Some(Reason::ExportMapDenied { clause: denying_clause(network, table, id) }),
        ExportStatus::NoRd => Some(Reason::NoRd),
        ExportStatus::LostToOwn | ExportStatus::Rewritten => {
            let same_vrf = |&other: &RouteId| table.origin(other) == table.origin(id);
            let winner =
                table.routes_to(table.prefix(id)).filter(same_vrf).find(|&other| table.status(other).is_vpn_route());
            Some(winner.map_or(Reason::NoTarget, |winner| Reason::OtherExported { winner: table.key(winner) }))
        }
        ExportStatus::Exported | ExportStatus::LostNlri => None,
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
    if let Some(reason) = unexported(network, table, id) {
        return reason;
    }
    if !family.imports(network, vrf, table.targets(id)) {
        return Reason::NoCommonTarget;
    }
    if table.was_in(vrf, id) {
        return Reason::OwnOrigin;
    }
    let sets = import.imported_sets(vrf);
    if import.is_visible(vrf, &sets, id) {
        return refused(network, family, vrf, id);
    }
    let rd = |id: RouteId| network.vrf(table.origin(id)).rd;
    let same_prefix = || table.routes_to(table.prefix(id));
    let winner = same_prefix().find(|&other| rd(other) == rd(id) && import.is_visible(vrf, &sets, other));
    winner.map_or(Reason::NoCommonTarget, |winner| Reason::LostNlri { winner: table.key(winner) })
}

/// Says why a route that `vrf` is offered does not compete in it.
fn refused<A: Address>(network: &Network, family: &FamilyLeak<A>, vrf: VrfId, id: RouteId) -> Reason {
    match Verdicts::default().of(network, family.table(), vrf, id) {
        Verdict::Denied(clause) => Reason::ImportMapDenied { clause: *clause },
        Verdict::Loop => Reason::AsLoop,
        Verdict::Plain | Verdict::Changed(_) => {
            let limit = network.vrf(vrf).family::<A>().maximum_routes.map_or(0, |maximum| maximum.limit);
            Reason::OverLimit { limit }
        }
    }
}

/// Returns the clause of the export map that accepted a route of its VRF's own.
fn accepting_clause<A: Address>(network: &Network, table: &RouteTable<A>, id: RouteId) -> Option<ClauseId> {
    let key = table.key(id);
    if network.vrf(key.origin).family::<A>().export_map.is_none()
        || !table.status(id).is_vpn_route()
        || table.is_reexport(network, id)
    {
        return None;
    }
    let source = table.paths(network).source(key.attributes).unwrap_or(key.attributes);
    match export_targets::decide(network, table.prefix(id), RouteKey { attributes: source, ..key }) {
        Export::Exported { clause, .. } => clause,
        _ => None,
    }
}

/// Returns the clause of the export map that denied a route.
fn denying_clause<A: Address>(network: &Network, table: &RouteTable<A>, id: RouteId) -> Option<ClauseId> {
    match export_targets::decide(network, table.prefix(id), table.key(id)) {
        Export::Denied(clause) => Some(clause),
        _ => None,
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
    // With the switch it is passed on, unless its export map or the lack of a target keeps it back.
    let passes = network.vrf(via).reexports_from::<A>(network.vrf(table.origin(best)));
    let exported = |id: RouteId| table.origin(id) == via && table.status(id).is_vpn_route();
    if passes && table.routes_to(prefix).any(exported) {
        return None;
    }
    let new = family.get(vrf, prefix) != Some(best) && !family.imports(network, vrf, table.targets(best));
    let reason = match network.vrf(via).family::<A>().export_map {
        Some(_) if passes => Reason::ExportMapDenied { clause: None },
        _ => Reason::Imported { via },
    };
    (imported && new).then(|| outcome(network, family, vrf, table.key(best), Some(best), reason))
}
