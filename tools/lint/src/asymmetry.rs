//! Leaks one way only: a VRF has routes of another that has none back.
//!
//! VRFs that export the same target sets and import the same targets are one class; who leaks to whom is asked of classes,
//! through the targets. Hub and spoke is no such leak: the spokes import the hub's target and the hub theirs. Where the
//! way back is a default route, or any other route that covers the addresses, there is nothing to report either.

use ahash::AHashMap;
use vrfleak_engine::{Address, FamilyLeak, Network, Prefix, Protocol, RouteId, RouteTarget, TargetSetId, VrfId};

use crate::Input;
use crate::finding::{Finding, Findings, Kind, counted, name, place};
use crate::targets::{common, imports};

/// How many pairs of classes are looked at.
const MAX_PAIRS: usize = 100_000_000;
/// How many pairs of classes are looked at closely, route by route.
const MAX_CHECKED: usize = 1_000_000;
/// How many routes of each VRF are looked at closely.
const SAMPLES: usize = 16;

/// VRFs that export and import alike.
struct Class {
    /// Its first VRF, which stands for all.
    vrf: VrfId,
    members: usize,
    /// The targets of its routes, ascending.
    exports: Vec<RouteTarget>,
}

pub(crate) fn lint<A: Address>(input: &Input<'_>, findings: &mut Findings) {
    let Input { network, leak, .. } = *input;
    let leak = leak.family::<A>();
    let exported = Exported::new(network, leak);
    let classes = classes::<A>(network, leak, &exported);
    let mut exporters: AHashMap<RouteTarget, Vec<u32>> = AHashMap::new();
    let mut importers: AHashMap<RouteTarget, Vec<u32>> = AHashMap::new();
    for (index, class) in classes.iter().enumerate() {
        for &target in &class.exports {
            exporters.entry(target).or_default().push(index as u32);
        }
        for &target in imports::<A>(network, class.vrf) {
            importers.entry(target).or_default().push(index as u32);
        }
    }
    let join = |lists: &AHashMap<RouteTarget, Vec<u32>>, targets: &[RouteTarget]| {
        let mut classes: Vec<u32> = targets.iter().filter_map(|target| lists.get(target)).flatten().copied().collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    };
    let cost = |lists: &AHashMap<RouteTarget, Vec<u32>>, targets: &[RouteTarget]| -> usize {
        targets.iter().filter_map(|target| lists.get(target)).map(Vec::len).sum()
    };
    let (mut pairs, mut checked) = (0, 0);
    for (index, class) in classes.iter().enumerate().filter(|(_, class)| !class.exports.is_empty()) {
        if network.router_of(class.vrf).outside {
            continue;
        }
        let wanted = imports::<A>(network, class.vrf);
        pairs += cost(&importers, &class.exports) + cost(&exporters, wanted);
        if pairs > MAX_PAIRS {
            findings.set_incomplete();
            return;
        }
        let back = join(&exporters, wanted);
        for taker in join(&importers, &class.exports) {
            if taker as usize == index || back.binary_search(&taker).is_ok() {
                continue;
            }
            checked += 1;
            if checked > MAX_CHECKED {
                findings.set_incomplete();
                return;
            }
            let taker = &classes[taker as usize];
            if !exported.reaches(network, leak, class.vrf, taker.vrf) || returns(network, leak, class.vrf, taker.vrf) {
                continue;
            }
            findings.push(Kind::AsymmetricLeak, || finding::<A>(input, class, taker));
        }
    }
}

fn finding<A: Address>(input: &Input<'_>, class: &Class, taker: &Class) -> Finding {
    let network = input.network;
    let more = match class.members * taker.members {
        1 => String::new(),
        pairs => format!("; so it is between {} like them", counted(pairs - 1, "other pair")),
    };
    let target = common(&class.exports, imports::<A>(network, taker.vrf));
    let at = place(input.provenance, taker.vrf, |origin| {
        let imports = &origin.family(A::FAMILY).import;
        let of_target = imports.iter().find(|(there, _)| Some(*there) == target).map(|&(_, place)| place);
        Some(of_target.unwrap_or(origin.definition))
    });
    Finding {
        kind: Kind::AsymmetricLeak,
        place: at,
        vrf: Some(taker.vrf),
        other: Some(class.vrf),
        families: vec![A::FAMILY],
        message: format!(
            "VRF {} has routes of {}, which has no way back{more}",
            name(network, taker.vrf),
            name(network, class.vrf)
        ),
    }
}

/// The first VPN routes of each VRF, and the target sets of all.
struct Exported {
    /// By VRF: where its part of the lists begins; one more at the end.
    samples: Vec<Vec<RouteId>>,
    sets: Vec<Vec<TargetSetId>>,
}

impl Exported {
    fn new<A: Address>(network: &Network, leak: &FamilyLeak<A>) -> Self {
        let table = leak.table();
        let mut samples: Vec<Vec<RouteId>> = vec![Vec::new(); network.vrfs().len()];
        let mut sets: Vec<Vec<TargetSetId>> = vec![Vec::new(); network.vrfs().len()];
        for route in (0..table.len()).map(RouteId::from_index).filter(|&id| table.status(id).is_vpn_route()) {
            let origin = table.origin(route).index();
            if samples[origin].len() < SAMPLES {
                samples[origin].push(route);
            }
            let set = table.targets(route);
            if let Err(at) = sets[origin].binary_search(&set) {
                sets[origin].insert(at, set);
            }
        }
        Self { samples, sets }
    }

    /// Returns whether a route of `from` is in the table of `to`.
    fn reaches<A: Address>(&self, network: &Network, leak: &FamilyLeak<A>, from: VrfId, to: VrfId) -> bool {
        let table = leak.table();
        !network.router_of(to).outside
            && self.samples[from.index()]
                .iter()
                .any(|&route| leak.get(to, table.prefix(route)).is_some_and(|best| table.origin(best) == from))
    }
}

/// Returns whether `from` has a route, of any length, to an own prefix of `to`; or `to` has no address to ping from.
fn returns<A: Address>(network: &Network, leak: &FamilyLeak<A>, from: VrfId, to: VrfId) -> bool {
    let own = || {
        let routes = network.vrf(to).family::<A>().routes.iter();
        routes.filter(|route| route.protocol() != Protocol::Local && route.prefix().len() > 0)
    };
    own().next().is_none()
        || own().take(SAMPLES).any(|route| {
            let prefix = route.prefix();
            let back = |len| leak.get(from, Prefix::containing(prefix.bits(), len));
            // The same prefix of its own is another network, and no way back.
            let own = |route| leak.table().origin(route) == from;
            (0..prefix.len()).any(|len| back(len).is_some()) || back(prefix.len()).is_some_and(|route| !own(route))
        })
}

fn classes<A: Address>(network: &Network, leak: &FamilyLeak<A>, exported: &Exported) -> Vec<Class> {
    let sets = leak.table().target_sets();
    let mut ids: AHashMap<(&[TargetSetId], &[RouteTarget]), usize> = AHashMap::new();
    let mut classes: Vec<Class> = Vec::new();
    for vrf in network.vrf_ids().filter(|&vrf| network.vrf(vrf).up) {
        let key = (&*exported.sets[vrf.index()], imports::<A>(network, vrf));
        if key.0.is_empty() && key.1.is_empty() {
            continue;
        }
        let index = *ids.entry(key).or_insert_with(|| {
            let mut exports: Vec<RouteTarget> = key.0.iter().flat_map(|&set| sets.of(set)).collect();
            exports.sort_unstable();
            exports.dedup();
            classes.push(Class { vrf, members: 0, exports });
            classes.len() - 1
        });
        classes[index].members += 1;
    }
    classes
}
