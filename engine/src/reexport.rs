//! Re-export: what VRFs export of what they imported, depth by depth (SEMANTICS E1).

use rayon::prelude::*;

use crate::address::Address;
use crate::attributes::Attributes;
use crate::buckets::Buckets;
use crate::id::{AttributesId, NextHopId, RouteId, VrfId};
use crate::import::Import;
use crate::network::Network;
use crate::paths::DerivedPath;
use crate::policy::{self, PolicyRoute};
use crate::prefix::Prefix;
use crate::rib::Ribs;
use crate::route_table::RouteTable;
use crate::route_target::RouteTarget;
use crate::select::{self, RouteKey};
use crate::source_route::Protocol;

/// A route that a VRF imported and exports again.
#[derive(Clone, Debug)]
pub(crate) struct Reexport<A: Address> {
    pub(crate) prefix: Prefix<A>,
    /// The VRF that exports it again.
    pub(crate) vrf: VrfId,
    /// The next hop: that VRF.
    pub(crate) next_hop: NextHopId,
    pub(crate) path: DerivedPath,
    pub(crate) targets: Box<[RouteTarget]>,
    /// The VRFs that the route has been in, its origin first and `vrf` last.
    pub(crate) way: Box<[VrfId]>,
}

impl<A: Address> Reexport<A> {
    /// Returns the key of the row, its attributes being these.
    pub(crate) fn key(&self, attributes: AttributesId) -> RouteKey {
        RouteKey { origin: self.vrf, next_hop: self.next_hop, attributes, protocol: Protocol::Bgp }
    }
}

/// Entries of a RIB that one thread looks at, at least.
const MANY: usize = 1 << 10;

/// Returns what is exported again at depth `depth` where `table` and `ribs` are what there is at the depth before.
///
/// O(RIB entries of the VRFs with the switch · routes to a prefix), in the current rayon pool.
pub(crate) fn at_depth<A: Address>(
    network: &Network,
    table: &RouteTable<A>,
    buckets: &Buckets,
    ribs: &Ribs,
    depth: u32,
) -> Vec<Reexport<A>> {
    let import = &Import::new(network, table, buckets);
    let of_vrf = |&(vrf, next_hop): &(VrfId, NextHopId)| {
        let ids: Vec<RouteId> = if network.vrf(vrf).rd.is_some() { ribs.of(vrf).iter().collect() } else { Vec::new() };
        let again = move |id| reexported(import, vrf, next_hop, id, depth);
        ids.into_par_iter().with_min_len(MANY).filter_map(again)
    };
    network.reexporters().par_iter().flat_map(of_vrf).collect()
}

/// Returns what `vrf` exports of `id`, an entry of its RIB, at depth `depth`; its next hop is the VRF itself.
fn reexported<A: Address>(
    import: &Import<'_, A>,
    vrf: VrfId,
    next_hop: NextHopId,
    id: RouteId,
    depth: u32,
) -> Option<Reexport<A>> {
    let Import { network, table, paths, .. } = *import;
    let (here, family) = (network.vrf(vrf), network.vrf(vrf).family::<A>());
    let key = table.key(id);
    if key.origin == vrf || key.protocol == Protocol::Local || paths.depth(key.attributes) + 1 != depth {
        return None;
    }
    if !here.reexports_from::<A>(network.vrf(key.origin)) {
        return None;
    }
    let prefix = table.prefix(id);
    let exported = |other| table.origin(other) == vrf && table.status(other).is_vpn_route();
    if table.routes_to(prefix).any(exported) {
        return None;
    }
    let attributes = Attributes {
        route_targets: None,
        weight: 0,
        internal: select::is_internal(paths, vrf, key),
        distance: None,
        redistribute: None,
        ..import.attributes_in(vrf, id)
    };
    let seen = PolicyRoute {
        prefix,
        protocol: Protocol::Bgp,
        attributes: &attributes,
        interface: None,
        next_hop: None,
        rd: here.rd,
    };
    let dialect = network.router(here.router).dialect;
    let verdict = policy::export(network.policies(), family.export_map, dialect, &family.export, seen);
    let policy::Export::Exported { attributes, next_hop: set, .. } = verdict else { return None };
    let targets = attributes.route_targets.clone().unwrap_or_default();
    let attributes = Attributes { route_targets: None, weight: 0, ..attributes };
    let path = DerivedPath { depth, source: None, attributes, next_hop: set };
    let way = table.way(id).chain([vrf]).collect();
    Some(Reexport { prefix, vrf, next_hop, path, targets, way })
}
