//! Reasons in words.

use vrfleak_engine::near_target::near;
use vrfleak_engine::policy::ClauseId;
use vrfleak_engine::{Address, NextHopKind, Outcome, PolicyId, Protocol, Reason, RouteKey, RouteTarget, Step};

use super::View;
use crate::scope::vrf_name;

impl<A: Address> View<'_, A> {
    /// Returns the name of a map and the clause that denied, where one did.
    fn denied(&self, map: Option<PolicyId>, clause: Option<ClauseId>) -> String {
        let policies = self.network.policies();
        let map = map.map_or(String::new(), |map| format!(" `{}`", policies.get(map).name));
        match clause.map(|id| self.clause_name(id)) {
            Some(Some((policy, label))) => format!(" `{policy}` (clause {label})"),
            Some(None) => map,
            None => format!("{map} (no clause matches)"),
        }
    }

    /// Returns the names of a clause's policy and of the clause; `None` for one that no configuration has, which only
    /// joins those that it has (SEMANTICS I8).
    pub(super) fn clause_name(&self, id: ClauseId) -> Option<(&str, &str)> {
        let policy = self.network.policies().get(id.policy);
        let label = policy.clauses.get(id.clause as usize).map_or("", |clause| &clause.label);
        (!label.is_empty()).then_some((&policy.name, label))
    }

    /// Returns the name of the export map that a route passed without being accepted by it: the dialect exports it all the
    /// same (SEMANTICS E5).
    pub(super) fn unheeded_map(&self, outcome: &Outcome) -> Option<&str> {
        let map = self.network.vrf(outcome.route.origin).family::<A>().export_map?;
        let policy = self.network.policies().get(map);
        let configured = policy.clauses.first().is_none_or(|clause| !clause.label.is_empty());
        let passed = outcome.unexported.is_none() && outcome.export_clause.is_none();
        (passed && configured && !self.is_reexport(outcome.route)).then_some(&policy.name)
    }

    /// Returns which targets of a route are one digit away from what the VRF imports.
    fn near(&self, outcome: &Outcome) -> String {
        let exported = self.targets(outcome);
        let import = &self.network.vrf(self.vrf).family::<A>().import;
        let pairs = import.iter().flat_map(|&wanted| near(wanted, &exported).into_iter().map(move |had| (wanted, had)));
        pairs.map(|(wanted, had)| format!("; RT:{wanted} and RT:{had} are one digit apart")).collect()
    }

    /// Returns where a route leads in its own VRF.
    pub(super) fn way(&self, key: RouteKey) -> String {
        let kind = self.network.next_hop(key.next_hop).kind;
        let interface = kind.interface().map(|interface| self.network.interface(interface).name.clone());
        match kind {
            NextHopKind::Discard => "Null0".to_owned(),
            _ if self.is_reexport(key) => "what it imported".to_owned(),
            NextHopKind::Vrf { vrf } => format!("VRF {}", vrf_name(self.network, vrf)),
            NextHopKind::Outside { .. } => self.network.router_of(key.origin).loopback.to_string(),
            _ => kind.address().map(|address| address.to_string()).or(interface).unwrap_or_default(),
        }
    }

    /// Returns the reason of an outcome in words.
    pub(super) fn explain(&self, outcome: &Outcome) -> String {
        self.explain_as(outcome, outcome.reason)
    }

    /// Returns `reason` in words, as one of the route of `outcome`.
    pub(super) fn explain_as(&self, outcome: &Outcome, reason: Reason) -> String {
        let network = self.network;
        let name = |vrf| vrf_name(network, vrf);
        let (key, here) = (outcome.route, name(self.vrf));
        let from = name(key.origin);
        let own = key.origin == self.vrf;
        let exported = exports(&self.targets(outcome));
        match reason {
            Reason::Best if own => format!("best: {here} has it itself, {} through {}", key.protocol, self.way(key)),
            Reason::Best if outcome.leaked_host => {
                format!("best: the own address of {} on {}, leaked with its subnet", from, self.way(key))
            }
            Reason::Best => format!("best: imported from {from}, which {exported}"),
            Reason::NotBest { step, winner } => {
                let (other, better) = (name(winner.origin), self.way(winner));
                let other = if winner.origin == self.vrf {
                    format!("the own route through {better}")
                } else {
                    format!("the one from {other} through {better}")
                };
                format!("not best: {other} is preferred, decided by {step}")
            }
            Reason::NotRedistributed if key.protocol == Protocol::Local => {
                format!("not exported: it is the host route of an own address of {from}, which is never redistributed")
            }
            Reason::NotRedistributed => {
                format!("not exported: {from} does not redistribute {} routes", key.protocol)
            }
            Reason::Imported { via } => {
                let via = name(via);
                format!("not exported: {via} imported it from {from}, and what was imported is not exported again")
            }
            Reason::ExportMapDenied { clause } => {
                let denied = self.denied(network.vrf(key.origin).family::<A>().export_map, clause);
                format!("not exported: the export map{denied} of {from} does not let it pass")
            }
            Reason::OwnOrigin => format!("not imported: it has been in {here} before"),
            Reason::ImportMapDenied { clause } => {
                let denied = self.denied(network.vrf(self.vrf).family::<A>().import_map, clause);
                format!("not imported: the import map{denied} of {here} does not let it pass")
            }
            Reason::AsLoop => {
                let asn = network.router_of(self.vrf).asn;
                format!("not imported: its AS path holds AS {asn} more often than {here} permits")
            }
            Reason::OverLimit { limit } => {
                format!("not imported: {here} has the {limit} routes that it may have")
            }
            Reason::NoTarget => format!("not exported: {from} has no export target for it"),
            Reason::NoRd => format!("not exported: {from} has no RD"),
            Reason::OtherExported { winner } => {
                format!("not exported: {from} exports its route through {} in its place", self.way(winner))
            }
            Reason::NoCommonTarget if network.router_of(self.vrf).outside => {
                format!("not imported as far as is known: the router of {here} is outside the model")
            }
            Reason::NoCommonTarget => {
                let import = imports(&network.vrf(self.vrf).family::<A>().import);
                let near = self.near(outcome);
                format!("no common target: {from} {exported}, and {here} {import}{near}")
            }
            Reason::LostNlri { winner } => {
                let rd = network.vrf(key.origin).configured_rd().map_or(String::new(), |rd| format!(" {rd}"));
                format!("not imported: {} exports it with the same RD{rd}, and is preferred", name(winner.origin))
            }
            Reason::NextHopUnresolved => {
                format!("next hop unresolved: {from} has no route to {}", self.way(key))
            }
            Reason::VrfDown { vrf } => format!("VRF down: {}", name(vrf)),
            _ => reason.name().replace('_', " "),
        }
    }
}

/// Returns a target as configurations write it, or in words what stands for a default table (SEMANTICS I8).
pub(super) fn target_text(target: RouteTarget) -> String {
    if target.is_of_default_table() { target.to_string() } else { format!("RT:{target}") }
}

/// Returns targets as text, with commas before what stands for a default table; nothing where there are none.
fn list(targets: &[RouteTarget]) -> String {
    let (tables, named): (Vec<_>, Vec<_>) = targets.iter().partition(|target| target.is_of_default_table());
    let named: Vec<String> = named.into_iter().map(|&target| target_text(target)).collect();
    let tables = tables.into_iter().map(|&target| target_text(target));
    let parts: Vec<String> =
        Some(named.join(" ")).filter(|named| !named.is_empty()).into_iter().chain(tables).collect();
    parts.join(", and ")
}

/// Returns what a VRF imports, as what follows its name.
pub(super) fn imports(targets: &[RouteTarget]) -> String {
    match targets {
        [] => "imports no target".to_owned(),
        [only] if only.is_from_default_table() => "imports from the default table alone".to_owned(),
        [only] if only.is_of_default_table() => "imports what VRFs export to it, and nothing else".to_owned(),
        _ => format!("imports {}", list(targets)),
    }
}

/// Returns what a VRF exports a route with, as what follows its name.
pub(super) fn exports(targets: &[RouteTarget]) -> String {
    match targets {
        [] => "exports it with no target".to_owned(),
        [only] if only.is_from_default_table() => "offers it to VRFs that import from the default table".to_owned(),
        [only] if only.is_of_default_table() => "exports it to the default table alone".to_owned(),
        _ => format!("exports it with {}", list(targets)),
    }
}

/// Returns the step that decided, by its name in JSON.
pub(super) fn step(reason: &Reason) -> Option<&'static str> {
    let Reason::NotBest { step, .. } = reason else { return None };
    Some(match step {
        Step::Reexport => "reexport",
        Step::Distance => "distance",
        Step::Weight => "weight",
        Step::LocalPreference => "local_preference",
        Step::LocallyOriginated => "locally_originated",
        Step::AsPathLength => "as_path_length",
        Step::Origin => "origin",
        Step::Med => "med",
        Step::External => "external",
        Step::IgpMetric => "igp_metric",
        Step::RouterId => "router_id",
        Step::NextHopAddress => "next_hop_address",
        Step::Rd => "rd",
        Step::Tie => "tie",
    })
}
