//! A device's policies in the network, and what they make of routes on their way into BGP.

use std::net::IpAddr;

use vrfleak_engine::policy::{Outcome, Policy, PolicyRoute};
use vrfleak_engine::{Address, Attributes, Dialect, PolicyId, Prefix, Protocol, RouteTarget};

use super::Assembly;
use crate::device::Device;
use crate::place::Located;

/// A route of a table before it is put into BGP.
#[derive(Clone, Copy)]
pub(super) struct Offered<'a, A> {
    pub(super) prefix: Prefix<A>,
    pub(super) protocol: Protocol,
    /// The name of its interface.
    pub(super) interface: Option<&'a str>,
    /// The address of its gateway.
    pub(super) next_hop: Option<IpAddr>,
}

impl Assembly<'_, '_> {
    /// Adds the policies of a device, and returns by how much their ids grew.
    pub(super) fn add_policies(&mut self, device: &Device) -> u32 {
        let sources = self.provenance.clauses.len() as u32;
        self.provenance.clauses.extend_from_slice(&device.policies.places);
        self.provenance.policies.extend_from_slice(&device.policies.definitions);
        self.builder.policies().append(&device.policies.policies, sources)
    }

    /// Returns the policy of this name; one without clauses, which matches nothing, if it is not defined.
    pub(super) fn map(&mut self, device: &Device, name: &Located<String>, offset: u32) -> PolicyId {
        if let Some(id) = device.policies.ids.get(&name.value) {
            return PolicyId(id.0 + offset);
        }
        let key = (device.source, name.value.clone());
        match self.undefined.get(&key) {
            Some(&Some(id)) => return id,
            Some(None) => {}
            None => self.undefined_policy(name),
        }
        let policy = Policy { name: name.value.as_str().into(), clauses: Vec::new() };
        let id = self.builder.policies().add(policy).expect("a policy without clauses has no mistakes");
        self.provenance.policies.push(name.place);
        self.undefined.insert(key, Some(id));
        id
    }

    pub(super) fn undefined_policy(&mut self, name: &Located<String>) {
        self.report.undefined("policy", name.place, &name.value, "taken as one that matches nothing");
    }

    /// Returns what a device's policy makes of a route of its own: its attributes, or `None` if it is not accepted.
    /// Targets that the policy sets join `targets`, those of the VRF.
    pub(super) fn offer<A: Address>(
        &mut self,
        device: &Device,
        name: &Located<String>,
        route: Offered<'_, A>,
        attributes: &Attributes,
        targets: &[RouteTarget],
    ) -> Option<Attributes> {
        let Some(&policy) = device.policies.ids.get(&name.value) else {
            let key = (device.source, name.value.clone());
            if self.undefined.insert(key, None).is_none() {
                self.undefined_policy(name);
            }
            return None;
        };
        let Offered { prefix, protocol, interface, next_hop } = route;
        let route = PolicyRoute { prefix, protocol, attributes, interface, next_hop, rd: None };
        let evaluation = device.policies.policies.evaluate(policy, route);
        // What no term of a Junos policy decides is decided by the protocol: BGP's routes pass.
        let passes = match evaluation.outcome {
            Outcome::Accepted(_) => true,
            Outcome::NoMatch => protocol == Protocol::Bgp && device.format.dialect() == Dialect::JUNOS,
            Outcome::Denied(_) => false,
        };
        if !passes {
            return None;
        }
        let sets_next_hop = evaluation.next_hop.is_some();
        let mut attributes = evaluation.attributes.into_owned();
        if sets_next_hop && self.unset_next_hops.insert((device.source, name.value.clone())) {
            let message = format_args!("policy `{}` sets a next hop on the way into BGP", name.value);
            self.report.warning(name.place, message, "packets go where the route itself leads");
        }
        if let Some(set) = &mut attributes.route_targets {
            let mut all = [&**set, targets].concat();
            all.sort_unstable();
            all.dedup();
            *set = all.into();
        }
        Some(attributes)
    }
}
