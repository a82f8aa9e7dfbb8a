//! The plain definition of the leak: literal, quadratic, the oracle of every test.
//!
//! [`leak`] reads from top to bottom as the rules do (the ids in the comments are those of SEMANTICS). A source route
//! whose next hop resolves is a candidate in its own VRF (S5). Of those that are in BGP the VRF exports its best one a
//! prefix (E1 to E3), as its export map leaves it (E4, E5). Routes with one RD and prefix compete before anybody imports
//! them (E6). What is left enters every VRF that wants one of its targets (I1 to I6), as its import map leaves it (I3).
//! There a limit may drop some (S6), and the candidates for a prefix compete (S1, S2). The host routes of imported
//! interfaces join last (S3a). Then VRFs with the switch export what they imported, and all is done once more (E1).
//!
//! It shares nothing with the engine but the model, keeps no index and has no fast path. Every VRF looks at every VPN
//! route, and every recursive next hop at every route of its VRF: O(VRFs x VPN routes + source routes a VRF, squared).

mod candidate;
mod selection;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

pub use self::candidate::{Candidate, Changes};
use self::selection::{Viewer, best, distance, is_internal, path, ranked, select};
use crate::address::Address;
use crate::attributes::Attributes;
use crate::id::{AttributesId, NextHopId, RouterId, VrfId};
use crate::network::Network;
use crate::next_hop::NextHopKind;
use crate::policy::{self, PolicyRoute};
use crate::prefix::Prefix;
use crate::rd::Rd;
use crate::route_target::RouteTarget;
use crate::source_route::Protocol;
use crate::vrf::{MaximumRoutes, OverLimit};

/// What a VRF has for one prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<A: Address> {
    /// The prefix.
    pub prefix: Prefix<A>,
    /// All candidates in ascending order, each once, those that lose included.
    pub candidates: Vec<Candidate>,
    /// The position of the best one.
    pub best: usize,
    /// What is installed beside the best one, in the order of S2 (S4).
    pub multipath: Vec<Candidate>,
}

/// What a VRF has in one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table<A: Address> {
    /// The entries, in prefix order, one a prefix (I7).
    pub entries: Vec<Entry<A>>,
    /// How many VPN routes the VRF imported, best or not; leaked host routes are none.
    pub imported: usize,
    /// How many routes count against the limit, and how many of them were dropped (S6).
    pub counted: usize,
    /// How many of them were dropped.
    pub rejected: usize,
}

/// A VPN route as its VRF exports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export<A: Address> {
    /// The VRF that has the source route.
    pub vrf: VrfId,
    /// The prefix.
    pub prefix: Prefix<A>,
    /// The attributes of the source route.
    pub attributes: AttributesId,
    /// The next hop of the source route.
    pub next_hop: NextHopId,
    /// Where the VRF has the route from; never [`Protocol::Local`].
    pub protocol: Protocol,
    /// The route targets; never empty.
    pub targets: BTreeSet<RouteTarget>,
    /// What the export map and re-exports made of it.
    pub changes: Option<Arc<Changes>>,
}

impl<A: Address> Export<A> {
    fn candidate(&self) -> Candidate {
        let &Self { vrf: origin, attributes, next_hop, protocol, .. } = self;
        Candidate { origin, next_hop, attributes, protocol, leaked_host: false, changes: self.changes.clone() }
    }
}

/// Candidates by prefix.
type Routes<A> = BTreeMap<Prefix<A>, BTreeSet<Candidate>>;
/// VPN routes by what makes them one to a reflector.
type Nlris<'a, A> = BTreeMap<(Option<Rd>, Prefix<A>), Vec<&'a Export<A>>>;

/// Returns the table of every VRF in the family of `A`, by [`VrfId`].
pub fn leak<A: Address>(network: &Network) -> Vec<Table<A>> {
    let mut exports = exports(network);
    for depth in 0.. {
        let routers = (0..network.routers().len()).map(RouterId::from_index);
        let visible: Vec<_> = routers.map(|router| visible(network, router, &exports)).collect();
        let table = |vrf| table(network, vrf, &offered(network, vrf, &exports, &visible));
        let tables: Vec<Table<A>> = network.vrf_ids().map(table).collect();
        let more = reexports(network, &tables, &exports, depth);
        if more.is_empty() {
            return tables;
        }
        exports.extend(more);
    }
    Vec::new()
}

/// E1: returns what VRFs with the switch export of their tables' bests that they imported at this depth, the prefixes
/// left out that they have exported already.
fn reexports<A: Address>(
    network: &Network,
    tables: &[Table<A>],
    exports: &[Export<A>],
    depth: usize,
) -> Vec<Export<A>> {
    let mut more = Vec::new();
    for &(vrf, next_hop) in network.reexporters() {
        for entry in &tables[vrf.index()].entries {
            let (prefix, best) = (entry.prefix, &entry.candidates[entry.best]);
            let again = exports.iter().any(|export| export.vrf == vrf && export.prefix == prefix);
            let imported = best.origin != vrf && !best.leaked_host && best.depth() == depth;
            let from = network.vrf(best.origin);
            let from_default = from.router == network.vrf(vrf).router
                && from.family::<A>().export.iter().any(|target| target.is_from_default_table());
            let switch = network.vrf(vrf).reexport_imported;
            let switched = switch || from_default && network.vrf(vrf).reexport_from_default;
            if again || !imported || !switched || network.vrf(vrf).rd.is_none() {
                continue;
            }
            let attributes = Attributes {
                route_targets: None,
                weight: 0,
                internal: is_internal(network, vrf, best),
                distance: None,
                redistribute: None,
                ..best.attributes(network).clone()
            };
            let (protocol, way) = (Protocol::Bgp, best.changes.iter().flat_map(|changes| changes.way.clone()));
            let seen = PolicyRoute {
                prefix,
                protocol,
                attributes: &attributes,
                interface: None,
                next_hop: None,
                rd: network.vrf(vrf).rd,
            };
            if let Some((targets, attributes, set)) = export_map(network, vrf, seen) {
                let way = way.chain([best.origin]).collect();
                let changes = Some(Arc::new(Changes { attributes, next_hop: set, imported: false, way }));
                more.push(Export { vrf, prefix, attributes: best.attributes, next_hop, protocol, targets, changes });
            }
        }
    }
    more
}

/// E3 to E5: returns the targets, attributes and next hop with which a VRF exports a route, if it does.
fn export_map<A: Address>(
    network: &Network,
    vrf: VrfId,
    route: PolicyRoute<'_, A>,
) -> Option<(BTreeSet<RouteTarget>, Attributes, Option<IpAddr>)> {
    let family = network.vrf(vrf).family::<A>();
    let dialect = network.router_of(vrf).dialect;
    match policy::export(network.policies(), family.export_map, dialect, &family.export, route) {
        policy::Export::Exported { attributes, next_hop, .. } => {
            let targets = attributes.route_targets.iter().flatten().copied().collect();
            // They are kept apart, and the weight stays in the VRF.
            let own = route.attributes.route_targets.clone();
            Some((targets, Attributes { route_targets: own, weight: route.attributes.weight, ..attributes }, next_hop))
        }
        _ => None,
    }
}

/// Returns what every VRF exports in the family of `A`, by [`VrfId`], then in prefix order.
///
/// A route of the list may still lose to another one of the same RD and prefix before any VRF imports it (E6).
pub fn exports<A: Address>(network: &Network) -> Vec<Export<A>> {
    let mut exports = Vec::new();
    for vrf in network.vrf_ids().filter(|&vrf| network.vrf(vrf).rd.is_some()) {
        // E1: what was imported is not among the routes of its own.
        for (prefix, own) in own_routes::<A>(network, vrf) {
            let in_bgp = in_bgp::<A>(network, vrf, &own);
            let paths = in_bgp.iter().map(|own| path(network, Viewer::Itself, own));
            let Some(Candidate { next_hop, attributes, protocol, .. }) = best(paths.collect()) else { continue };
            let kind = network.next_hop(next_hop).kind;
            let given = &network.attributes()[attributes.index()];
            let interface = kind.interface().map(|interface| network.interface(interface).name.as_str());
            let rd = network.vrf(vrf).rd;
            let seen = PolicyRoute { prefix, protocol, attributes: given, interface, next_hop: kind.address(), rd };
            let Some((targets, became, set)) = export_map(network, vrf, seen) else { continue };
            let changed = became != *given || set.is_some();
            let changes = Changes { attributes: became, next_hop: set, imported: false, way: Vec::new() };
            let changes = changed.then(|| Arc::new(changes));
            exports.push(Export { vrf, prefix, attributes, next_hop, protocol, targets, changes });
        }
    }
    exports
}

/// Returns the VRF's own routes that resolve (S5), equal ones once. A VRF that is down has none (C3).
fn own_routes<A: Address>(network: &Network, vrf: VrfId) -> Routes<A> {
    let mut own = Routes::<A>::new();
    for route in &network.vrf(vrf).family::<A>().routes {
        let (next_hop, attributes, protocol) = (route.next_hop(), route.attributes(), route.protocol());
        if network.vrf(vrf).up && resolves(network, vrf, network.next_hop(next_hop).kind, MAX_STEPS) {
            let (leaked_host, changes) = (false, None);
            let candidate = Candidate { origin: vrf, next_hop, attributes, protocol, leaked_host, changes };
            own.entry(route.prefix()).or_default().insert(candidate);
        }
    }
    own
}

/// How many routes a gateway may need to be resolved.
const MAX_STEPS: u32 = 8;

/// S5: everything resolves but a gateway without interface, for which the VRF needs a way in at most `steps` steps.
fn resolves(network: &Network, vrf: VrfId, next_hop: NextHopKind, steps: u32) -> bool {
    match next_hop {
        NextHopKind::Gateway { address: IpAddr::V4(address), interface: None } => {
            reaches(network, vrf, address.to_bits(), steps)
        }
        NextHopKind::Gateway { address: IpAddr::V6(address), interface: None } => {
            reaches(network, vrf, address.to_bits(), steps)
        }
        _ => true,
    }
}

/// Whether the longest of the VRF's own connected and static routes to `address` is connected, or a static one that
/// resolves in its turn. Of several to one prefix a connected one counts, else the static one of the lowest distance.
fn reaches<A: Address>(network: &Network, vrf: VrfId, address: A, steps: u32) -> bool {
    let routes = network.vrf(vrf).family::<A>().routes.iter();
    let matching = routes
        .filter(|route| matches!(route.protocol(), Protocol::Connected | Protocol::Static))
        .filter(|route| route.prefix().contains(address));
    let longest = matching.min_by_key(|route| {
        let distance = network.attributes()[route.attributes().index()].distance.unwrap_or(1);
        (Reverse(route.prefix().len()), route.protocol(), distance, route.next_hop(), route.attributes())
    });
    steps > 0
        && longest.is_some_and(|route| {
            route.protocol() == Protocol::Connected
                || resolves(network, vrf, network.next_hop(route.next_hop()).kind, steps - 1)
        })
}

/// Returns the best of the VRF's own routes for a prefix that are not from a CE (S1).
fn own_winner(network: &Network, vrf: VrfId, own: &BTreeSet<Candidate>) -> Option<Candidate> {
    let own = own.iter().filter(|own| own.protocol != Protocol::Bgp);
    own.min_by_key(|&own| (distance(network, vrf, own), own.protocol, own)).cloned()
}

/// E2: returns those of the VRF's own routes for a prefix that are in BGP. Every route from a CE is; of the others only
/// the one that wins among them, if it is connected or static and the VRF redistributes that.
fn in_bgp<A: Address>(network: &Network, vrf: VrfId, own: &BTreeSet<Candidate>) -> Vec<Candidate> {
    let redistribute = network.vrf(vrf).family::<A>().redistribute;
    let given = |winner: &Candidate| network.attributes()[winner.attributes.index()].redistribute;
    let winner = own_winner(network, vrf, own).filter(|winner| match winner.protocol {
        Protocol::Connected => given(winner).unwrap_or(redistribute.connected),
        Protocol::Static => given(winner).unwrap_or(redistribute.statics),
        Protocol::Local | Protocol::Bgp => false,
    });
    own.iter().filter(|own| own.protocol == Protocol::Bgp).cloned().chain(winner).collect()
}

/// E6: returns the VPN routes that a router has to choose imports from, one for each RD and prefix: the best of those
/// that its own VRFs export and the one that the reflectors found best of all.
fn visible<'a, A: Address>(network: &Network, router: RouterId, exports: &'a [Export<A>]) -> Vec<&'a Export<A>> {
    let mut nlris = Nlris::<A>::new();
    for export in exports {
        nlris.entry((network.vrf(export.vrf).rd, export.prefix)).or_default().push(export);
    }
    let choose = |members: Vec<&'a Export<A>>| {
        let routes: Vec<Candidate> = members.iter().map(|member| member.candidate()).collect();
        let reflected = best(routes.iter().map(|route| path(network, Viewer::Reflector, route)).collect());
        let here =
            |route: &&Candidate| network.vrf(route.origin).router == router || Some(*route) == reflected.as_ref();
        let best = best(routes.iter().filter(here).map(|route| path(network, Viewer::Router(router), route)).collect());
        members.iter().copied().find(|member| Some(member.candidate()) == best)
    };
    nlris.into_values().filter_map(choose).collect()
}

/// I1, I8: returns whether a VRF and a VPN route have a target in common; what stands for the way from or to the default
/// table counts on that table's router alone.
fn wants<A: Address>(network: &Network, vrf: VrfId, export: &Export<A>) -> bool {
    let here = network.vrf(export.vrf).router == network.vrf(vrf).router;
    let asked = |target: &RouteTarget| network.vrf(vrf).family::<A>().import.contains(target);
    export.targets.iter().any(|target| asked(target) && (here || !target.is_of_default_table()))
}

/// E6: returns the VPN routes that a VRF has to choose imports from: what its router sees, or, where it imports several
/// of an NLRI, that many of those it wants, the best first.
fn offered<'a, A: Address>(
    network: &Network,
    vrf: VrfId,
    exports: &'a [Export<A>],
    visible: &[Vec<&'a Export<A>>],
) -> Vec<&'a Export<A>> {
    let (here, family) = (network.vrf(vrf).router, network.vrf(vrf).family::<A>());
    if family.import_paths <= 1 {
        return visible[here.index()].clone();
    }
    let mut nlris = Nlris::<A>::new();
    for export in exports {
        if wants(network, vrf, export) && !export.candidate().was_in(vrf) {
            nlris.entry((network.vrf(export.vrf).rd, export.prefix)).or_default().push(export);
        }
    }
    let choose = |members: Vec<&'a Export<A>>| {
        let routes: Vec<Candidate> = members.iter().map(|member| member.candidate()).collect();
        let best = ranked(network, Viewer::Router(here), routes.iter().collect());
        let best = best.into_iter().take(family.import_paths as usize);
        best.filter_map(|best| members.iter().copied().find(|member| member.candidate() == best)).collect::<Vec<_>>()
    };
    nlris.into_values().flat_map(choose).collect()
}

/// Returns the table of a VRF whose router sees the VPN routes `visible`.
fn table<A: Address>(network: &Network, vrf: VrfId, visible: &[&Export<A>]) -> Table<A> {
    let mut own = own_routes::<A>(network, vrf);
    let mut imported = Routes::<A>::new();
    for export in visible {
        // I2: that several targets match adds nothing. I4: not back to where it came from.
        if network.vrf(vrf).up && wants(network, vrf, export) && !export.candidate().was_in(vrf) {
            imported.entry(export.prefix).or_default().extend(import(network, vrf, export));
        }
    }
    let (counted, rejected) = keep_to_limit(network, vrf, &mut own, &mut imported);

    let none = BTreeSet::new();
    let mut entries: BTreeMap<Prefix<A>, Entry<A>> = BTreeMap::new();
    for &prefix in own.keys().chain(imported.keys()) {
        let (own, imported) = (own.get(&prefix).unwrap_or(&none), imported.get(&prefix).unwrap_or(&none));
        if let Some((best, multipath)) = select::<A>(network, vrf, own, imported) {
            entries.insert(prefix, entry(prefix, own | imported, &best, multipath));
        }
    }

    // S3a: they follow from the bests before any of them is there, and lose to own routes of distance 0 only.
    for (prefix, hosts) in host_routes(network, vrf, &entries) {
        let order = |host: &&Candidate| (network.vrf(host.origin).rd, (*host).clone());
        let Some(first) = hosts.iter().min_by_key(order) else { continue };
        let there = entries.remove(&prefix);
        let best = there.as_ref().map(|entry| (entry.candidates[entry.best].clone(), entry.multipath.clone()));
        let (best, multipath) = match best {
            Some((best, multipath)) if distance(network, vrf, &best) == 0 => (best, multipath),
            _ => (first.clone(), Vec::new()),
        };
        let candidates = there.into_iter().flat_map(|entry| entry.candidates).chain(hosts).collect();
        entries.insert(prefix, entry(prefix, candidates, &best, multipath));
    }
    let imported = imported.values().map(BTreeSet::len).sum();
    Table { entries: entries.into_values().collect(), imported, counted, rejected }
}

fn entry<A: Address>(
    prefix: Prefix<A>,
    candidates: BTreeSet<Candidate>,
    best: &Candidate,
    multipath: Vec<Candidate>,
) -> Entry<A> {
    let best = candidates.range(..best.clone()).count();
    Entry { prefix, best, candidates: candidates.into_iter().collect(), multipath }
}

/// I3, I5: returns the copy of a VPN route that stands in a VRF which wants one of its targets, if it gets in.
fn import<A: Address>(network: &Network, vrf: VrfId, export: &Export<A>) -> Option<Candidate> {
    let route = export.candidate();
    let family = network.vrf(vrf).family::<A>();
    let asn = network.router_of(vrf).asn;
    let loops = route.attributes(network).as_path.iter().filter(|&&other| other == asn).count();
    if loops > family.allowas_in as usize {
        return None;
    }
    let seen_here = path(network, Viewer::Router(network.vrf(vrf).router), &route);
    let same_router = network.vrf(export.vrf).router == network.vrf(vrf).router;
    let set = route.changes.as_ref().and_then(|changes| changes.next_hop);
    let gateway = network.next_hop(route.next_hop).kind.address();
    let given = Attributes {
        route_targets: Some(export.targets.iter().copied().collect()),
        weight: seen_here.weight,
        distance: None,
        redistribute: None,
        ..route.attributes(network).clone()
    };
    let seen = PolicyRoute {
        prefix: export.prefix,
        // From another router it is BGP that brings it.
        protocol: if same_router { route.protocol } else { Protocol::Bgp },
        attributes: &given,
        interface: None,
        next_hop: set.or(if same_router { gateway } else { Some(network.router_of(export.vrf).loopback) }),
        rd: network.vrf(export.vrf).rd,
    };
    match policy::import(network.policies(), family.import_map, seen) {
        policy::Import::Imported { attributes: None, next_hop: None, .. } => Some(route),
        policy::Import::Imported { attributes, next_hop, .. } => {
            let way = route.changes.as_ref().map_or(Vec::new(), |changes| changes.way.clone());
            let attributes = attributes.unwrap_or(given);
            let changes = Changes { attributes, next_hop: next_hop.or(set), imported: true, way };
            Some(Candidate { changes: Some(Arc::new(changes)), ..route })
        }
        policy::Import::Denied(_) | policy::Import::NoMatch => None,
    }
}

/// S6: drops what exceeds the limit of the VRF, if it says so. Returns how many routes count and how many were dropped.
fn keep_to_limit<A: Address>(
    network: &Network,
    vrf: VrfId,
    own: &mut Routes<A>,
    imported: &mut Routes<A>,
) -> (usize, usize) {
    let Some(MaximumRoutes { limit, over }) = network.vrf(vrf).family::<A>().maximum_routes else { return (0, 0) };
    let here = Viewer::Router(network.vrf(vrf).router);
    let depths: BTreeSet<usize> = imported.values().flatten().map(Candidate::depth).collect();
    let mut all: Vec<(bool, Prefix<A>, Candidate)> = Vec::new();
    for (&prefix, routes) in own.iter() {
        let from_ces = routes.iter().filter(|own| own.protocol == Protocol::Bgp).collect();
        all.extend(ranked(network, Viewer::Itself, from_ces).into_iter().map(|own| (true, prefix, own)));
    }
    for depth in depths {
        for (&prefix, routes) in imported.iter() {
            let of_depth = routes.iter().filter(|route| route.depth() == depth).collect();
            all.extend(ranked(network, here, of_depth).into_iter().map(|route| (false, prefix, route)));
        }
    }
    let excess = all.len().saturating_sub(limit as usize);
    if over == OverLimit::WarningOnly {
        return (all.len(), 0);
    }
    for (is_own, prefix, route) in all.iter().skip(limit as usize) {
        let table = if *is_own { &mut *own } else { &mut *imported };
        if let Some(routes) = table.get_mut(prefix) {
            routes.remove(route);
        }
    }
    (all.len(), excess)
}

/// S3a: returns the host routes that enter a VRF together with connected routes of its router's other VRFs. Where the
/// best of a prefix is such a connected route, the local routes of its interface within that prefix come along.
fn host_routes<A: Address>(network: &Network, vrf: VrfId, entries: &BTreeMap<Prefix<A>, Entry<A>>) -> Routes<A> {
    let mut leaked = Routes::<A>::new();
    if !network.router_of(vrf).dialect.leaks_host_routes {
        return leaked;
    }
    for (prefix, entry) in entries {
        let best = &entry.candidates[entry.best];
        let same_router = network.vrf(best.origin).router == network.vrf(vrf).router;
        let imported_connected = best.origin != vrf && same_router && best.protocol == Protocol::Connected;
        if let NextHopKind::Attached { interface } = network.next_hop(best.next_hop).kind
            && imported_connected
        {
            for (host, routes) in
                own_routes::<A>(network, best.origin).into_iter().filter(|(host, _)| prefix.covers(*host))
            {
                let locals = routes.into_iter().filter(|route| route.protocol == Protocol::Local);
                let here = locals.filter(|local| network.next_hop(local.next_hop).kind.interface() == Some(interface));
                let hosts = here.map(|local| Candidate { leaked_host: true, ..local });
                leaked.entry(host).or_default().extend(hosts);
            }
        }
    }
    leaked
}
