//! The answer in JSON. Its keys and names do not change; more may come.

use std::fmt;

use serde::Serialize;
use vrfleak_engine::policy::ClauseId;
use vrfleak_engine::{Address, NextHopKind, Outcome, Prefix, Reason, RouteKey, RouteTarget, Stage, VrfId};

use super::explain::step;
use super::places::{PlaceRow, Side};
use super::{View, unknown};
use crate::ping::PingRow;
use crate::scope::vrf_name;

/// The reason where no VRF has the prefix.
const UNKNOWN: &str = "no_such_route";

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct WhyRow<'a> {
    router: &'a str,
    vrf: &'a str,
    family: String,
    prefix: String,
    in_table: bool,
    reason: &'static str,
    /// The step of S1 or S2 that decided, where one did.
    step: Option<&'static str>,
    explanation: String,
    /// Where it is decided.
    #[serde(flatten)]
    at: PlaceRow<'a>,
    /// A longer prefix that contains the address and is not in the table.
    longer_prefix: Option<LongerRow<'a>>,
    routes: Vec<OutcomeRow<'a>>,
    wanted_targets: Vec<WantedRow<'a>>,
    /// The table's entry for the packet.
    fib: Option<FibRow<'a>>,
    /// A packet and its reply, null where the VRF has no address that it could come from.
    ping: Option<PingRow<'a>>,
}

/// A prefix that is not in the table.
#[derive(Debug, Serialize)]
struct LongerRow<'a> {
    prefix: String,
    reason: &'static str,
    explanation: String,
    #[serde(flatten)]
    at: PlaceRow<'a>,
}

/// What became of one route.
#[derive(Debug, Serialize)]
struct OutcomeRow<'a> {
    source_router: &'a str,
    source_vrf: &'a str,
    protocol: String,
    rd: Option<String>,
    route_targets: Vec<String>,
    next_hop: Option<String>,
    interface: Option<&'a str>,
    stage: &'static str,
    reason: &'static str,
    step: Option<&'static str>,
    winner_router: Option<&'a str>,
    winner_vrf: Option<&'a str>,
    explanation: String,
    /// Where the route is written.
    #[serde(flatten)]
    at: PlaceRow<'a>,
    /// Where it is decided.
    decided_at: PlaceRow<'a>,
    /// Whether packets take it: the best, and what stands beside it (SEMANTICS S4).
    installed: bool,
    export: ExportRow<'a>,
    /// Null where it was not imported.
    import: Option<ImportRow<'a>>,
}

/// How a route left its VRF, or why it did not.
#[derive(Debug, Serialize)]
struct ExportRow<'a> {
    exported: bool,
    /// Why it did not, null if it did.
    reason: Option<&'static str>,
    /// `network`, `redistribute connected` or `redistribute static`.
    by: Option<ByRow<'a>>,
    rd: Option<RdRow<'a>>,
    route_targets: Vec<TargetRow<'a>>,
    /// The clause of the export map that accepted it.
    clause: Option<ClauseRow<'a>>,
    /// The export map, where it did not accept the route and the dialect exports it all the same (SEMANTICS E5).
    unheeded_map: Option<String>,
}

/// By what a route was imported.
#[derive(Debug, Serialize)]
struct ImportRow<'a> {
    route_targets: Vec<TargetRow<'a>>,
    /// The clause of the import map that accepted it.
    clause: Option<ClauseRow<'a>>,
}

#[derive(Debug, Serialize)]
struct ByRow<'a> {
    statement: &'static str,
    #[serde(flatten)]
    at: PlaceRow<'a>,
}

#[derive(Debug, Serialize)]
struct RdRow<'a> {
    rd: String,
    #[serde(flatten)]
    at: PlaceRow<'a>,
}

#[derive(Debug, Serialize)]
struct TargetRow<'a> {
    target: String,
    #[serde(flatten)]
    at: PlaceRow<'a>,
}

#[derive(Debug, Serialize)]
struct ClauseRow<'a> {
    policy: String,
    clause: String,
    #[serde(flatten)]
    at: PlaceRow<'a>,
}

/// A target that the VRF asks for.
#[derive(Debug, Serialize)]
struct WantedRow<'a> {
    target: String,
    #[serde(flatten)]
    at: PlaceRow<'a>,
    /// The other VRFs that export it.
    exporters: Vec<VrfRow<'a>>,
    /// Where there are none: exported targets that are one digit away.
    near: Vec<String>,
}

#[derive(Debug, Serialize)]
struct VrfRow<'a> {
    router: &'a str,
    vrf: &'a str,
}

/// An entry of a forwarding table.
#[derive(Debug, Serialize)]
pub(super) struct FibRow<'a> {
    destination: String,
    prefix: String,
    /// The VRF that the next hop belongs to.
    next_hop_router: &'a str,
    next_hop_vrf: &'a str,
    next_hop: Option<String>,
    interface: Option<&'a str>,
    label: Option<u32>,
    /// The VRF of the next hop as text has it.
    #[serde(skip)]
    owner: String,
    /// What it is where it has neither address nor interface.
    #[serde(skip)]
    otherwise: &'static str,
}

impl<'a, A: Address> View<'a, A> {
    pub(super) fn row(&self) -> WhyRow<'a> {
        let first = self.outcomes.first();
        let at = first.zip(self.prefix).and_then(|(first, prefix)| self.places.deciding(self.vrf, prefix, first));
        let routes = |prefix: Prefix<A>| self.outcomes.iter().map(|outcome| self.outcome(prefix, outcome)).collect();
        WhyRow {
            router: &self.network.router_of(self.vrf).name,
            vrf: &self.network.vrf(self.vrf).name,
            family: A::FAMILY.to_string(),
            prefix: self.text.clone(),
            in_table: self.in_table(),
            reason: first.map_or(UNKNOWN, |outcome| outcome.reason.name()),
            step: first.and_then(|outcome| step(&outcome.reason)),
            explanation: first.map_or_else(unknown, |outcome| self.explain(outcome)),
            at: self.places.row(at),
            longer_prefix: self.longer.map(|(prefix, outcome)| LongerRow {
                prefix: prefix.to_string(),
                reason: outcome.reason.name(),
                explanation: self.explain(&outcome),
                at: self.places.row(self.places.deciding(self.vrf, prefix, &outcome)),
            }),
            routes: self.prefix.map_or(Vec::new(), routes),
            wanted_targets: self.wanted(),
            fib: self.fib(),
            ping: self.way.as_ref().and_then(|way| way.shown.as_ref()).map(crate::ping::Shown::row),
        }
    }

    fn outcome(&self, prefix: Prefix<A>, outcome: &Outcome) -> OutcomeRow<'a> {
        let network = self.network;
        let key = outcome.route;
        let vrf = network.vrf(key.origin);
        let winner = winner(&outcome.reason).map(|key| key.origin);
        let kind = network.next_hop(key.next_hop).kind;
        let stage = outcome.reason.stage();
        let imported = key.origin != self.vrf && stage >= Stage::NotBest && !outcome.leaked_host;
        OutcomeRow {
            source_router: &network.router(vrf.router).name,
            source_vrf: &vrf.name,
            protocol: key.protocol.to_string(),
            rd: vrf.configured_rd().filter(|_| outcome.unexported.is_none()).map(|rd| rd.to_string()),
            route_targets: named(self.targets(outcome)).map(|target| target.to_string()).collect(),
            next_hop: kind.address().map(|address| address.to_string()),
            interface: kind.interface().map(|interface| network.interface(interface).name.as_str()),
            stage: stage_name(stage),
            reason: outcome.reason.name(),
            step: step(&outcome.reason),
            winner_router: winner.map(|vrf| network.router_of(vrf).name.as_str()),
            winner_vrf: winner.map(|vrf| network.vrf(vrf).name.as_str()),
            explanation: self.explain(outcome),
            at: self.places.row(self.places.route(prefix, key)),
            decided_at: self.places.row(self.places.deciding(self.vrf, prefix, outcome)),
            installed: stage == Stage::Best || self.is_installed(outcome),
            export: self.export(prefix, outcome),
            import: imported.then(|| ImportRow {
                route_targets: self.target_rows(self.vrf, Side::Import, self.matched(outcome)),
                clause: outcome.import_clause.and_then(|id| self.clause_row(id)),
            }),
        }
    }

    fn export(&self, prefix: Prefix<A>, outcome: &Outcome) -> ExportRow<'a> {
        let key = outcome.route;
        let exported = outcome.unexported.is_none();
        let by = self.places.redistributed(prefix, key).filter(|_| exported);
        let rd = self.network.vrf(key.origin).configured_rd().filter(|_| exported);
        ExportRow {
            exported,
            reason: outcome.unexported.map(|reason| reason.name()),
            by: by.map(|(statement, place)| ByRow { statement, at: self.places.row(Some(place)) }),
            rd: rd.map(|rd| RdRow { rd: rd.to_string(), at: self.places.row(self.places.rd(key.origin)) }),
            route_targets: self.target_rows(key.origin, Side::Export, self.targets(outcome)),
            clause: outcome.export_clause.and_then(|id| self.clause_row(id)),
            unheeded_map: self.unheeded_map(outcome).map(str::to_owned),
        }
    }

    fn target_rows(&self, vrf: VrfId, side: Side, targets: Vec<RouteTarget>) -> Vec<TargetRow<'a>> {
        let row = |target: RouteTarget| TargetRow {
            target: target.to_string(),
            at: self.places.row(self.places.target::<A>(vrf, side, target)),
        };
        named(targets).map(row).collect()
    }

    fn clause_row(&self, id: ClauseId) -> Option<ClauseRow<'a>> {
        let (policy, clause) = self.clause_name(id)?;
        let (policy, clause) = (policy.to_owned(), clause.to_owned());
        Some(ClauseRow { policy, clause, at: self.places.row(self.places.clause(id)) })
    }

    fn wanted(&self) -> Vec<WantedRow<'a>> {
        let network = self.network;
        let configured = self.wanted.iter().filter(|wanted| !wanted.target.is_of_default_table());
        let row = |wanted: &vrfleak_engine::near_target::WantedTarget| WantedRow {
            target: wanted.target.to_string(),
            at: self.places.row(self.places.target::<A>(self.vrf, Side::Import, wanted.target)),
            exporters: wanted
                .exporters
                .iter()
                .map(|&vrf| VrfRow { router: &network.router_of(vrf).name, vrf: &network.vrf(vrf).name })
                .collect(),
            near: wanted.near.iter().map(ToString::to_string).collect(),
        };
        configured.map(row).collect()
    }

    pub(super) fn fib(&self) -> Option<FibRow<'a>> {
        let way = self.way.as_ref()?;
        let hop = way.first.as_ref()?;
        let network = self.network;
        let next_hop = network.next_hop(hop.next_hop);
        let away = network.vrf(next_hop.vrf).router != network.vrf(self.vrf).router
            || matches!(next_hop.kind, NextHopKind::Outside { .. });
        let loopback = || network.router_of(next_hop.vrf).loopback;
        let address = if away { Some(loopback()) } else { next_hop.kind.address() };
        Some(FibRow {
            destination: way.destination.to_ip().to_string(),
            prefix: hop.prefix.to_string(),
            owner: vrf_name(network, next_hop.vrf),
            next_hop_router: &network.router_of(next_hop.vrf).name,
            next_hop_vrf: &network.vrf(next_hop.vrf).name,
            next_hop: address.map(|address| address.to_string()),
            interface: next_hop
                .kind
                .interface()
                .filter(|_| !away)
                .map(|interface| network.interface(interface).name.as_str()),
            label: hop.label.map(vrfleak_engine::Label::value),
            otherwise: if next_hop.kind == NextHopKind::Discard { "Null0" } else { "a lookup" },
        })
    }
}

impl fmt::Display for FibRow<'_> {
    /// Writes the prefix and where it leads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} through ", self.prefix)?;
        match (&self.next_hop, self.interface) {
            (Some(address), Some(interface)) => write!(f, "{address} on {interface}")?,
            (Some(address), None) => f.write_str(address)?,
            (None, Some(interface)) => f.write_str(interface)?,
            (None, None) => f.write_str(self.otherwise)?,
        }
        if let Some(label) = self.label {
            write!(f, ", label {label}")?;
        }
        write!(f, ", of {}", self.owner)
    }
}

/// Returns the targets that configurations have.
fn named(targets: Vec<RouteTarget>) -> impl Iterator<Item = RouteTarget> {
    targets.into_iter().filter(|target| !target.is_of_default_table())
}

fn winner(reason: &Reason) -> Option<RouteKey> {
    match *reason {
        Reason::NotBest { winner, .. } | Reason::LostNlri { winner } | Reason::OtherExported { winner } => Some(winner),
        _ => None,
    }
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::NotExported => "not_exported",
        Stage::NotImported => "not_imported",
        Stage::NotBest => "not_best",
        Stage::Best => "best",
    }
}
