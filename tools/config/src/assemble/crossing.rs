//! What a router passes between its own tables besides route targets: between VRFs and the default table by a policy
//! (SEMANTICS I8), and on Junos between instances only where they say so.
//!
//! The default table is a VRF like others. Two targets of each router, which no configuration can name, stand for "from the
//! default table" and "to the default table"; policies around those that are configured see to the rest.

use vrfleak_engine::policy::{Action, Call, Clause, Condition, Flow, Policy};
use vrfleak_engine::{Address, ExportMapMiss, Family, PolicyId, Rd, RouteTarget, VrfId};

use super::{Assembly, Ids};
use crate::device::{DEFAULT_TABLE, Device, Table};
use crate::place::{Located, Place};

/// Returns whether the default table takes part by policy.
pub(super) fn crosses(device: &Device) -> bool {
    let crosses = |family| {
        let crosses = |table: &crate::device::Table| {
            let config = table.family(family);
            config.from_default.is_some() || config.to_default.is_some()
        };
        device.vrfs().iter().any(crosses)
    };
    Family::ALL.into_iter().any(crosses)
}

impl Assembly<'_, '_> {
    /// Adds what passes between the tables of a device. `policies` is by how much the ids of its policies grew.
    pub(super) fn crossings(&mut self, device: &Device, ids: &Ids, policies: u32) {
        self.local_instances(device, ids);
        if crosses(device) {
            self.default_family::<u32>(device, ids, policies);
            self.default_family::<u128>(device, ids, policies);
        }
    }

    fn default_family<A: Address>(&mut self, device: &Device, ids: &Ids, policies: u32) {
        let Some(default) = ids.vrfs[DEFAULT_TABLE] else { return };
        let router = self.builder.vrf_mut(default).router;
        let from_default = RouteTarget::from_default_table(router);
        let to_default = RouteTarget::to_default_table(router);
        let mut exporters: Vec<(Rd, PolicyId, Place)> = Vec::new();
        for (index, table) in device.tables.iter().enumerate().skip(DEFAULT_TABLE + 1) {
            let (Some(vrf), config) = (ids.vrfs[index], table.family(A::FAMILY)) else { continue };
            if !config.in_bgp {
                continue;
            }
            if let Some(name) = &config.from_default {
                let policy = self.map(device, name, policies);
                let there = device.tables[DEFAULT_TABLE].family(A::FAMILY);
                let limit = config.from_default_limit.unwrap_or(u32::MAX);
                if there.networks.len().max(there.routes.len()) > limit as usize {
                    self.report.warning(
                        name.place,
                        format_args!("at most {limit} prefixes come from the default table"),
                        "which of them depends on the order of their arrival: all are imported",
                    );
                }
                let before = self.builder.family::<A>(vrf).import_map;
                let map = self.imports_too(from_default, policy, before, name);
                let family = self.builder.family::<A>(vrf);
                family.import.push(from_default);
                family.import_map = map;
                self.builder.family::<A>(default).export.push(from_default);
                let families = &mut self.provenance.vrfs[vrf.index()].families;
                families[A::FAMILY as usize].import.push((from_default, name.place));
            }
            if let Some(name) = &config.to_default {
                let Some(rd) = self.builder.vrf_mut(vrf).rd else { continue };
                let policy = self.map(device, name, policies);
                exporters.push((rd, policy, name.place));
                let families = &mut self.provenance.vrfs[vrf.index()].families;
                families[A::FAMILY as usize].export.push((to_default, name.place));
                let miss = device.format.dialect().export_map_miss;
                let map = self.builder.family::<A>(vrf).export_map;
                let map = map.and_then(|map| self.exports_too(to_default, map, miss, name));
                let family = self.builder.family::<A>(vrf);
                family.export.push(to_default);
                family.export_map = map;
            }
        }
        if !exporters.is_empty() {
            let mut clauses = Vec::new();
            for (rd, policy, place) in &exporters {
                let condition = Condition::Rd([*rd].into());
                clauses.push(self.step(*place, condition, Vec::new(), Some(asks(*policy, Flow::Deny))));
            }
            let place = exporters[0].2;
            let map = self.composed("into the default table", clauses, place);
            let family = self.builder.family::<A>(default);
            family.import.push(to_default);
            family.import_map = map;
        }
    }

    /// Returns the import map of a VRF that has `before`, or none, for its own targets, and `policy` for `target`.
    fn imports_too(
        &mut self,
        target: RouteTarget,
        policy: PolicyId,
        before: Option<PolicyId>,
        name: &Located<String>,
    ) -> Option<PolicyId> {
        let first = self.step(name.place, Condition::HasTarget(target), Vec::new(), Some(asks(policy, Flow::Deny)));
        let rest = before.map(|before| asks(before, Flow::Deny));
        let rest = self.step(name.place, Condition::Always, Vec::new(), rest);
        self.composed(&format!("{} from the default table", name.value), vec![first, rest], name.place)
    }

    /// Returns the export map of a VRF that exports what `map` says, and everything to the default table.
    fn exports_too(
        &mut self,
        target: RouteTarget,
        map: PolicyId,
        miss: ExportMapMiss,
        name: &Located<String>,
    ) -> Option<PolicyId> {
        let miss = match miss {
            ExportMapMiss::Drop => Flow::Goto(2),
            ExportMapMiss::KeepDefault => Flow::Next,
        };
        let call = Call { policy: map, accepted: Flow::Next, passed: Flow::Next, denied: miss, missed: miss };
        let clauses = vec![
            self.step(name.place, Condition::Always, Vec::new(), Some(call)),
            self.step(name.place, Condition::Always, vec![Action::AddTargets([target].into())], None),
            self.step(name.place, Condition::Always, vec![Action::SetTargets([target].into())], None),
        ];
        self.composed(&format!("{} to the default table", name.value), clauses, name.place)
    }

    /// Keeps instances of a Junos router from importing from each other where not both have `auto-export`.
    fn local_instances(&mut self, device: &Device, ids: &Ids) {
        let instance = |index: usize| Some((ids.vrfs[index]?, device.tables[index].auto_export?));
        for (index, table) in device.tables.iter().enumerate() {
            let Some((vrf, auto_export)) = instance(index) else { continue };
            let others = (0..device.tables.len()).filter(|other| *other != index).filter_map(instance);
            let closed: Vec<VrfId> =
                others.filter(|(_, other)| !(auto_export && *other)).map(|(other, _)| other).collect();
            self.close::<u32>(vrf, &closed, table, auto_export);
            self.close::<u128>(vrf, &closed, table, auto_export);
        }
    }

    /// Keeps a VRF from importing from others whose targets it asks for.
    fn close<A: Address>(&mut self, vrf: VrfId, others: &[VrfId], table: &Table, auto_export: bool) {
        let place = table.place;
        let import = self.builder.family::<A>(vrf).import.clone();
        let mut rds = Vec::new();
        for &other in others {
            let family = self.builder.family::<A>(other);
            let asked = family.export.iter().any(|target| import.contains(target) || table.imports_any)
                || family.export_map.is_some();
            rds.extend(self.builder.vrf_mut(other).rd.filter(|_| asked));
        }
        if import.is_empty() && !table.imports_any || rds.is_empty() {
            return;
        }
        if A::FAMILY == Family::Ipv4 {
            let which = if auto_export { "another instance that it imports from" } else { "the instance" };
            let message = format!("{which} has no `auto-export`");
            self.report.warning(place, message, "its routes stay in their instance on this router");
        }
        let before = self.builder.family::<A>(vrf).import_map;
        let deny = Clause { then: Flow::Deny, ..self.step(place, Condition::Rd(rds.into()), Vec::new(), None) };
        let rest = before.map(|before| asks(before, Flow::Deny));
        let rest = self.step(place, Condition::Always, Vec::new(), rest);
        let map = self.composed("of other routers' instances", vec![deny, rest], place);
        self.builder.family::<A>(vrf).import_map = map;
    }

    /// Has VRFs whose policy alone decides ask for every target that anybody exports or a policy may set.
    pub(super) fn import_any(&mut self, devices: &[Device], ids: &[Option<Ids>]) {
        let tables = devices.iter().zip(ids).filter_map(|(device, ids)| Some((device, ids.as_ref()?)));
        let all = tables.flat_map(|(device, ids)| device.tables.iter().zip(&ids.vrfs));
        let all: Vec<(bool, VrfId)> = all.filter_map(|(table, vrf)| Some((table.imports_any, (*vrf)?))).collect();
        if !all.iter().any(|&(any, _)| any) {
            return;
        }
        let mut targets = Vec::new();
        for &(_, vrf) in &all {
            targets.extend(self.builder.family::<u32>(vrf).export.iter().copied());
            targets.extend(self.builder.family::<u128>(vrf).export.iter().copied());
        }
        let policies = self.builder.policies();
        for action in policies.ids().flat_map(|id| &policies.get(id).clauses).flat_map(|clause| &clause.actions) {
            if let Action::SetTargets(set) | Action::AddTargets(set) = action {
                targets.extend(set.iter().copied());
            }
        }
        targets.retain(|target| !target.is_of_default_table());
        targets.sort_unstable();
        targets.dedup();
        for (_, vrf) in all.into_iter().filter(|&(any, _)| any) {
            self.builder.family::<u32>(vrf).import.extend(&targets);
            self.builder.family::<u128>(vrf).import.extend(&targets);
        }
    }

    /// Returns a clause that accepts where its condition holds, or asks another policy.
    pub(super) fn step(
        &mut self,
        place: Place,
        condition: Condition,
        actions: Vec<Action>,
        call: Option<Call>,
    ) -> Clause {
        self.provenance.clauses.push(place);
        let source = self.provenance.clauses.len() as u32 - 1;
        let passes = call.is_none();
        Clause { source, condition, actions, call, passes, then: Flow::Accept, ..Clause::default() }
    }

    pub(super) fn composed(&mut self, name: &str, clauses: Vec<Clause>, place: Place) -> Option<PolicyId> {
        match self.builder.policies().add(Policy { name: name.into(), clauses }) {
            Ok(id) => {
                self.provenance.policies.push(place);
                Some(id)
            }
            Err(error) => {
                self.report.error(place, error, "expected less");
                None
            }
        }
    }
}

/// Returns the call of a policy that decides: what it does not accept goes on at `else_to`.
pub(super) fn asks(policy: PolicyId, else_to: Flow) -> Call {
    Call { policy, accepted: Flow::Accept, passed: Flow::Accept, denied: else_to, missed: else_to }
}
