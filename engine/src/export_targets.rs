//! [`ExportTargets`]: what each route is exported with, decided before the routes are ranked.

use ahash::AHashMap;
use rayon::prelude::*;

use crate::address::Address;
use crate::attributes::Attributes;
use crate::id::{AttributesId, NextHopId, TargetSetId, VrfId};
use crate::network::Network;
use crate::paths::DerivedPath;
use crate::policy::{self, PolicyRoute};
use crate::prefix::Prefix;
use crate::reexport::Reexport;
use crate::resolve::Resolution;
use crate::route_target::RouteTarget;
use crate::select::RouteKey;
use crate::source_route::{Protocol, SourceRoute};
use crate::target_set::{Provisional, TargetSetInterner, TargetSets};

/// What an export map made of a source route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mapped {
    /// It is dropped (SEMANTICS E5).
    Dropped,
    /// It has this set, [`TargetSetId::NONE`] if no target is left.
    Targets(TargetSetId),
    /// It changed more than targets: another row of the table is what is exported.
    Rewritten,
}

/// The target sets that exports get, and the rows that export maps and re-exports add to the source routes.
///
/// A VRF without an export map gives all its routes one set, and attributes may bring a set of their own. Where a VRF
/// has an export map, the map is evaluated for its routes (SEMANTICS E3 to E5). A route whose attributes it changes
/// keeps them in its own VRF: the VPN route is a row of its own.
pub(crate) struct ExportTargets<A> {
    pub(crate) sets: TargetSets,
    /// By VRF.
    pub(crate) of_vrf: Vec<TargetSetId>,
    /// By attributes, where they bring targets along; empty if none do.
    of_attributes: Vec<Option<TargetSetId>>,
    /// By route, where its VRF has an export map, or it is an added row.
    mapped: AHashMap<(Prefix<A>, RouteKey), Mapped>,
    /// The attributes of the added rows, ascending; their ids follow those of the network.
    pub(crate) derived: Vec<DerivedPath>,
    /// The added rows.
    pub(crate) rows: Vec<(Prefix<A>, RouteKey)>,
}

impl<A: Address> ExportTargets<A> {
    pub(crate) fn new(network: &Network, resolution: &Resolution, reexports: &[Reexport<A>]) -> Self {
        let mut interner = TargetSetInterner::default();
        let of_vrf: Vec<Option<Provisional>> =
            network.vrfs().iter().map(|vrf| interner.intern(&vrf.family::<A>().export)).collect();
        let own: Vec<Option<Option<Provisional>>> = network
            .attributes()
            .iter()
            .map(|attributes| attributes.route_targets.as_ref().map(|targets| interner.intern(targets)))
            .collect();
        let mapping: Vec<VrfId> = network
            .vrf_ids()
            .filter(|&id| {
                let vrf = network.vrf(id);
                vrf.up && vrf.rd.is_some() && vrf.family::<A>().export_map.is_some()
            })
            .collect();
        let verdicts: Vec<Verdict<A>> =
            mapping.into_par_iter().flat_map_iter(|vrf| map_routes::<A>(network, resolution, vrf)).collect();

        let mut derived: Vec<DerivedPath> = verdicts.iter().filter_map(Verdict::derived).cloned().collect();
        derived.extend(reexports.iter().map(|reexport| reexport.path.clone()));
        derived.sort_unstable();
        derived.dedup();
        let id_of = |path: &DerivedPath| {
            let at = derived.binary_search(path).expect("gathered from these");
            AttributesId::from_index(network.attributes().len() + at)
        };
        let mut rows = Vec::new();
        // By route: dropped, or its targets; `Err` where another row is what is exported.
        let mut mapped = Vec::with_capacity(verdicts.len());
        for Verdict { prefix, key, exported } in &verdicts {
            let Some((targets, path)) = exported else {
                mapped.push(((*prefix, *key), Some(Err(()))));
                continue;
            };
            let set = interner.intern(targets);
            let Some(path) = path else {
                mapped.push(((*prefix, *key), Some(Ok(set))));
                continue;
            };
            let row = (*prefix, RouteKey { attributes: id_of(path), ..*key });
            mapped.push(((*prefix, *key), None));
            mapped.push((row, Some(Ok(set))));
            rows.push(row);
        }
        for reexport in reexports {
            let row = (reexport.prefix, reexport.key(id_of(&reexport.path)));
            mapped.push((row, Some(Ok(interner.intern(&reexport.targets)))));
            rows.push(row);
        }
        let (sets, renumber) = interner.finish();
        let of_attributes = if own.iter().any(Option::is_some) {
            own.into_iter().map(|own| own.map(&renumber)).collect()
        } else {
            Vec::new()
        };
        let became = |set| match set {
            None => Mapped::Rewritten,
            Some(Err(())) => Mapped::Dropped,
            Some(Ok(set)) => Mapped::Targets(renumber(set)),
        };
        Self {
            mapped: mapped.into_iter().map(|(route, set)| (route, became(set))).collect(),
            of_vrf: of_vrf.into_iter().map(&renumber).collect(),
            of_attributes,
            sets,
            derived,
            rows,
        }
    }

    /// Returns what a route that is in BGP is exported with.
    #[inline]
    pub(crate) fn of(
        &self,
        prefix: Prefix<A>,
        origin: VrfId,
        attributes: AttributesId,
        next_hop: NextHopId,
        protocol: Protocol,
    ) -> Mapped {
        if !self.mapped.is_empty()
            && let Some(&mapped) = self.mapped.get(&(prefix, RouteKey { origin, next_hop, attributes, protocol }))
        {
            return mapped;
        }
        match self.of_attributes.get(attributes.index()) {
            Some(&Some(set)) => Mapped::Targets(set),
            _ => Mapped::Targets(self.of_vrf[origin.index()]),
        }
    }

    /// Returns whether routes of one VRF may have different sets.
    pub(crate) fn vary_within_a_vrf(&self) -> bool {
        !self.of_attributes.is_empty() || !self.mapped.is_empty()
    }
}

/// What the export map of its VRF makes of a route.
struct Verdict<A> {
    prefix: Prefix<A>,
    key: RouteKey,
    /// Its targets, and what it becomes if more than targets change; `None` for a route that is dropped.
    exported: Option<Exported>,
}

type Exported = (Box<[RouteTarget]>, Option<DerivedPath>);

impl<A> Verdict<A> {
    fn derived(&self) -> Option<&DerivedPath> {
        self.exported.as_ref()?.1.as_ref()
    }
}

/// What a map can tell of routes by: evaluated once for all that are alike.
type Alike = (AttributesId, Option<NextHopId>, Option<Protocol>);

/// Evaluates the export map of a VRF for its routes that are in BGP.
fn map_routes<A: Address>(network: &Network, resolution: &Resolution, origin: VrfId) -> Vec<Verdict<A>> {
    let vrf = network.vrf(origin);
    let family = vrf.family::<A>();
    let Some(map) = family.export_map else { return Vec::new() };
    let reads = network.policies().reads(map);
    let mut known: AHashMap<Alike, Option<Exported>> = AHashMap::new();
    let in_bgp = |route: &&SourceRoute<A>| {
        let attributes = &network.attributes()[route.attributes().index()];
        family.redistribute.includes(route.protocol(), attributes) && resolution.resolves(route.next_hop())
    };
    let verdict = |route: &SourceRoute<A>| {
        let key =
            RouteKey { origin, next_hop: route.next_hop(), attributes: route.attributes(), protocol: route.protocol() };
        let evaluate = || evaluate(network, route.prefix(), key);
        let exported = if reads.prefix {
            // Hardly two routes are alike.
            evaluate()
        } else {
            let next_hop = reads.next_hop.then_some(key.next_hop);
            let protocol = reads.protocol.then_some(key.protocol);
            known.entry((key.attributes, next_hop, protocol)).or_insert_with(evaluate).clone()
        };
        Verdict { prefix: route.prefix(), key, exported }
    };
    family.routes.iter().filter(in_bgp).map(verdict).collect()
}

/// Evaluates the export map of the route's VRF for it.
fn evaluate<A: Address>(network: &Network, prefix: Prefix<A>, key: RouteKey) -> Option<Exported> {
    let vrf = network.vrf(key.origin);
    let family = vrf.family::<A>();
    let attributes = &network.attributes()[key.attributes.index()];
    let next_hop = network.next_hop(key.next_hop).kind;
    let seen = PolicyRoute {
        prefix,
        protocol: key.protocol,
        attributes,
        interface: next_hop.interface().map(|id| network.interface(id).name.as_str()),
        next_hop: next_hop.address(),
        rd: vrf.rd,
    };
    let dialect = network.router(vrf.router).dialect;
    match policy::export(network.policies(), family.export_map, dialect, &family.export, seen) {
        policy::Export::Exported { attributes: became, next_hop, .. } => {
            let targets = became.route_targets.clone().unwrap_or_default();
            // The targets have a column of their own, and the weight leaves no VRF.
            let became =
                Attributes { route_targets: attributes.route_targets.clone(), weight: attributes.weight, ..became };
            let source = Some(key.attributes);
            let path = (became != *attributes || next_hop.is_some()).then_some(DerivedPath {
                depth: 0,
                source,
                attributes: became,
                next_hop,
            });
            Some((targets, path))
        }
        policy::Export::NoTarget => Some((Box::default(), None)),
        policy::Export::Denied(_) | policy::Export::NoMatch => None,
    }
}
