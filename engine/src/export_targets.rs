//! [`ExportTargets`]: which target set each route is exported with, decided before the routes are ranked.

use ahash::AHashMap;

use crate::address::Address;
use crate::id::{AttributesId, NextHopId, TargetSetId, VrfId};
use crate::network::Network;
use crate::policy::{self, PolicyRoute};
use crate::prefix::Prefix;
use crate::select::RouteKey;
use crate::source_route::Protocol;
use crate::target_set::{Provisional, TargetSetInterner, TargetSets};

/// The target sets that exports get.
///
/// A VRF without an export map gives all its routes one set, and attributes may bring a set of their own. Where a VRF
/// has an export map, the map is evaluated for each of its routes (SEMANTICS E3 to E5).
///
/// Of what an export map sets, the targets alone are applied; the other attributes of the VPN route stay those of the
/// source route.
pub(crate) struct ExportTargets<A> {
    pub(crate) sets: TargetSets,
    /// By VRF.
    pub(crate) of_vrf: Vec<TargetSetId>,
    /// By attributes, where they bring targets along; empty if none do.
    of_attributes: Vec<Option<TargetSetId>>,
    /// By route, where its VRF has an export map; `None` for what the map drops.
    mapped: AHashMap<(Prefix<A>, RouteKey), Option<TargetSetId>>,
}

impl<A: Address> ExportTargets<A> {
    pub(crate) fn new(network: &Network) -> Self {
        let mut interner = TargetSetInterner::default();
        let of_vrf: Vec<Option<Provisional>> =
            network.vrfs().iter().map(|vrf| interner.intern(&vrf.family::<A>().export)).collect();
        let own: Vec<Option<Option<Provisional>>> = network
            .attributes()
            .iter()
            .map(|attributes| attributes.route_targets.as_ref().map(|targets| interner.intern(targets)))
            .collect();
        let mut mapped = Vec::new();
        for vrf in network.vrf_ids().filter(|&vrf| network.vrf(vrf).family::<A>().export_map.is_some()) {
            map_routes::<A>(network, vrf, &mut interner, &mut mapped);
        }
        let (sets, renumber) = interner.finish();
        let of_attributes = if own.iter().any(Option::is_some) {
            own.into_iter().map(|own| own.map(&renumber)).collect()
        } else {
            Vec::new()
        };
        Self {
            mapped: mapped.into_iter().map(|(route, set)| (route, set.map(&renumber))).collect(),
            of_vrf: of_vrf.into_iter().map(renumber).collect(),
            of_attributes,
            sets,
        }
    }

    /// Returns the set of a route, [`TargetSetId::NONE`] if it has no target, and `None` if the export map drops it.
    #[inline]
    pub(crate) fn of(
        &self,
        prefix: Prefix<A>,
        origin: VrfId,
        attributes: AttributesId,
        next_hop: NextHopId,
        protocol: Protocol,
    ) -> Option<TargetSetId> {
        if !self.mapped.is_empty()
            && let Some(&set) = self.mapped.get(&(prefix, RouteKey { origin, next_hop, attributes, protocol }))
        {
            return set;
        }
        match self.of_attributes.get(attributes.index()) {
            Some(&Some(set)) => Some(set),
            _ => Some(self.of_vrf[origin.index()]),
        }
    }

    /// Returns whether routes of one VRF may have different sets.
    pub(crate) fn vary_within_a_vrf(&self) -> bool {
        !self.of_attributes.is_empty() || !self.mapped.is_empty()
    }
}

/// A route of a VRF with an export map, and the set that the map gives it.
type Mapped<A> = ((Prefix<A>, RouteKey), Option<Option<Provisional>>);

/// Evaluates the export map of a VRF for each of its routes.
fn map_routes<A: Address>(
    network: &Network,
    origin: VrfId,
    interner: &mut TargetSetInterner,
    mapped: &mut Vec<Mapped<A>>,
) {
    let vrf = network.vrf(origin);
    let family = vrf.family::<A>();
    for route in &family.routes {
        let attributes = &network.attributes()[route.attributes().index()];
        let next_hop = network.next_hop(route.next_hop()).kind;
        let seen = PolicyRoute {
            prefix: route.prefix(),
            protocol: route.protocol(),
            attributes,
            interface: next_hop.interface().map(|id| network.interface(id).name.as_str()),
            next_hop: next_hop.address(),
            rd: vrf.rd,
        };
        let dialect = network.router(vrf.router).dialect;
        let set = match policy::export(network.policies(), family.export_map, dialect, &family.export, seen) {
            policy::Export::Exported { attributes, .. } => {
                Some(attributes.route_targets.and_then(|targets| interner.intern(&targets)))
            }
            policy::Export::NoTarget => Some(None),
            policy::Export::Denied(_) | policy::Export::NoMatch => None,
        };
        let key =
            RouteKey { origin, next_hop: route.next_hop(), attributes: route.attributes(), protocol: route.protocol() };
        mapped.push(((route.prefix(), key), set));
    }
}
