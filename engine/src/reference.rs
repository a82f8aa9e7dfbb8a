//! The plain definition of the leak: literal, quadratic, the oracle of every test.
//!
//! [`leak`] reads from top to bottom as the rules do (the ids in the comments are those of SEMANTICS). A source route
//! whose next hop resolves is a candidate in its own VRF (S5). Of those that are in BGP the VRF exports its best one a
//! prefix (E1 to E3). Routes with one RD and prefix compete before anybody imports them (E6). What is left enters every
//! VRF that wants one of its targets (I1 to I6), and there the candidates for a prefix compete (S1, S2). The host routes
//! of imported interfaces join last (S3a).
//!
//! It shares nothing with the engine but the model, keeps no index and has no fast path. Every VRF looks at every VPN
//! route, and every recursive next hop at every route of its VRF: O(VRFs x VPN routes + source routes a VRF, squared).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::address::Address;
use crate::attributes::{Attributes, WEIGHT_LOCAL};
use crate::id::{AttributesId, NextHopId, RouterId, VrfId};
use crate::network::Network;
use crate::next_hop::NextHopKind;
use crate::prefix::Prefix;
use crate::rd::Rd;
use crate::route_target::RouteTarget;
use crate::source_route::Protocol;

/// A route that competes for a prefix in a VRF: its own, an imported one, or a leaked host route.
///
/// Ordered by origin, next hop, attributes, protocol: the tie that S2 comes to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Candidate {
    /// The VRF that has the source route.
    pub origin: VrfId,
    /// The next hop, which belongs to the origin (F3).
    pub next_hop: NextHopId,
    /// The attributes.
    pub attributes: AttributesId,
    /// Where the origin has the route from.
    pub protocol: Protocol,
    /// Whether this is the host route of an interface whose connected route was imported (S3a).
    pub leaked_host: bool,
}

/// What a VRF has for one prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<A: Address> {
    /// The prefix.
    pub prefix: Prefix<A>,
    /// All candidates in ascending order, each once, those that lose included.
    pub candidates: Vec<Candidate>,
    /// The position of the best one.
    pub best: usize,
}

/// What a VRF has in one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table<A: Address> {
    /// The entries, in prefix order, one a prefix (I7).
    pub entries: Vec<Entry<A>>,
    /// How many VPN routes the VRF imported, best or not; leaked host routes are none.
    pub imported: usize,
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
}

impl<A: Address> Export<A> {
    fn candidate(&self) -> Candidate {
        let &Self { vrf: origin, attributes, next_hop, protocol, .. } = self;
        Candidate { origin, next_hop, attributes, protocol, leaked_host: false }
    }
}

/// Candidates by prefix.
type Routes<A> = BTreeMap<Prefix<A>, BTreeSet<Candidate>>;
/// VPN routes by what makes them one to a reflector.
type Nlris<'a, A> = BTreeMap<(Option<Rd>, Prefix<A>), Vec<&'a Export<A>>>;

/// Returns the table of every VRF in the family of `A`, by [`VrfId`].
pub fn leak<A: Address>(network: &Network) -> Vec<Table<A>> {
    let exports = exports(network);
    let routers = (0..network.routers().len()).map(RouterId::from_index);
    let visible: Vec<_> = routers.map(|router| visible(network, router, &exports)).collect();
    network.vrf_ids().map(|vrf| table(network, vrf, &visible[network.vrf(vrf).router.index()])).collect()
}

/// Returns what every VRF exports in the family of `A`, by [`VrfId`], then in prefix order.
///
/// A route of the list may still lose to another one of the same RD and prefix before any VRF imports it (E6).
pub fn exports<A: Address>(network: &Network) -> Vec<Export<A>> {
    let mut exports = Vec::new();
    for vrf in network.vrf_ids().filter(|&vrf| network.vrf(vrf).rd.is_some()) {
        // E1: what was imported is not among the routes of its own.
        for (prefix, own) in own_routes::<A>(network, vrf) {
            let paths = in_bgp::<A>(network, vrf, &own).into_iter().map(|own| path(network, Viewer::Itself, own));
            let Some(best) = best(paths.collect()) else { continue };
            // E3: the VRF's export targets, or those that the route brings; without any it is not exported.
            let targets = attributes(network, best).route_targets.as_deref();
            let targets = targets.unwrap_or(&network.vrf(vrf).family::<A>().export);
            let targets: BTreeSet<_> = targets.iter().copied().collect();
            if !targets.is_empty() {
                let Candidate { next_hop, attributes, protocol, .. } = best;
                exports.push(Export { vrf, prefix, attributes, next_hop, protocol, targets });
            }
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
            let candidate = Candidate { origin: vrf, next_hop, attributes, protocol, leaked_host: false };
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
    let own = own.iter().copied().filter(|own| own.protocol != Protocol::Bgp);
    own.min_by_key(|&own| (distance(network, vrf, own), own.protocol, own))
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
    own.iter().copied().filter(|own| own.protocol == Protocol::Bgp).chain(winner).collect()
}

/// E6: returns the VPN routes that a router has to choose imports from, one for each RD and prefix: the best of those
/// that its own VRFs export and the one that the reflectors found best of all.
fn visible<'a, A: Address>(network: &Network, router: RouterId, exports: &'a [Export<A>]) -> Vec<&'a Export<A>> {
    let mut nlris = Nlris::<A>::new();
    for export in exports {
        nlris.entry((network.vrf(export.vrf).rd, export.prefix)).or_default().push(export);
    }
    let choose = |members: Vec<&'a Export<A>>| {
        let routes = || members.iter().map(|member| member.candidate());
        let reflected = best(routes().map(|route| path(network, Viewer::Reflector, route)).collect());
        let known = routes().filter(|&route| network.vrf(route.origin).router == router || Some(route) == reflected);
        let best = best(known.map(|route| path(network, Viewer::Router(router), route)).collect());
        members.iter().copied().find(|member| Some(member.candidate()) == best)
    };
    nlris.into_values().filter_map(choose).collect()
}

/// Returns the table of a VRF whose router sees the VPN routes `visible`.
fn table<A: Address>(network: &Network, vrf: VrfId, visible: &[&Export<A>]) -> Table<A> {
    let own = own_routes::<A>(network, vrf);
    let mut imported = Routes::<A>::new();
    let wanted = &network.vrf(vrf).family::<A>().import;
    for export in visible {
        // I1: one target in common suffices, I2: more of them add nothing. I4: not back to where it came from.
        let matches = export.targets.iter().any(|target| wanted.contains(target));
        if network.vrf(vrf).up && matches && export.vrf != vrf {
            imported.entry(export.prefix).or_default().insert(export.candidate());
        }
    }

    let none = BTreeSet::new();
    let mut entries: BTreeMap<Prefix<A>, (BTreeSet<Candidate>, Candidate)> = BTreeMap::new();
    for &prefix in own.keys().chain(imported.keys()) {
        let (own, imported) = (own.get(&prefix).unwrap_or(&none), imported.get(&prefix).unwrap_or(&none));
        if let Some(best) = select::<A>(network, vrf, own, imported) {
            entries.insert(prefix, (own | imported, best));
        }
    }

    // S3a: they follow from the bests before any of them is there, and lose to own routes of distance 0 only.
    for (prefix, hosts) in host_routes(network, vrf, &entries) {
        let order = |host: &&Candidate| (network.vrf(host.origin).rd, **host);
        let Some(&first) = hosts.iter().min_by_key(order) else { continue };
        let (candidates, best) = entries.entry(prefix).or_insert_with(|| (BTreeSet::new(), first));
        candidates.extend(hosts);
        if distance(network, vrf, *best) > 0 {
            *best = first;
        }
    }

    let entry = |(prefix, (candidates, best)): (_, (BTreeSet<Candidate>, Candidate))| Entry {
        prefix,
        best: candidates.range(..best).count(),
        candidates: candidates.into_iter().collect(),
    };
    Table { entries: entries.into_iter().map(entry).collect(), imported: imported.values().map(BTreeSet::len).sum() }
}

/// S1, S3: returns the best of a VRF's own and imported routes for a prefix. Its own winner and the best of BGP meet,
/// and the lower distance decides; where it is equal the VRF's own stays.
fn select<A: Address>(
    network: &Network,
    vrf: VrfId,
    own: &BTreeSet<Candidate>,
    imported: &BTreeSet<Candidate>,
) -> Option<Candidate> {
    let here = Viewer::Router(network.vrf(vrf).router);
    let in_bgp = in_bgp::<A>(network, vrf, own).into_iter().map(|own| path(network, Viewer::Itself, own));
    let imported = imported.iter().map(|&imported| path(network, here, imported));
    let bgp = best(in_bgp.chain(imported).collect());
    own_winner(network, vrf, own).into_iter().chain(bgp).min_by_key(|&route| distance(network, vrf, route))
}

/// S3a: returns the host routes that enter a VRF together with connected routes of its router's other VRFs. Where the
/// best of a prefix is such a connected route, the local routes of its interface within that prefix come along.
fn host_routes<A: Address>(
    network: &Network,
    vrf: VrfId,
    entries: &BTreeMap<Prefix<A>, (BTreeSet<Candidate>, Candidate)>,
) -> Routes<A> {
    let mut leaked = Routes::<A>::new();
    if !network.router_of(vrf).dialect.leaks_host_routes {
        return leaked;
    }
    for (prefix, &(_, best)) in entries {
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

/// S1: returns the administrative distance of a route in a VRF.
fn distance(network: &Network, vrf: VrfId, route: Candidate) -> u8 {
    let attributes = attributes(network, route);
    let same_router = network.vrf(route.origin).router == network.vrf(vrf).router;
    match route.protocol {
        _ if route.leaked_host => 0,
        Protocol::Connected | Protocol::Local if route.origin == vrf => 0,
        Protocol::Static if route.origin == vrf => attributes.distance.unwrap_or(1),
        Protocol::Bgp if attributes.internal => 200,
        _ if same_router => 20,
        _ => 200,
    }
}

fn attributes(network: &Network, route: Candidate) -> &Attributes {
    &network.attributes()[route.attributes.index()]
}

/// Who compares.
#[derive(Clone, Copy)]
enum Viewer {
    /// The VRF that has the route.
    Itself,
    /// A router to which the route came as a VPN route.
    Router(RouterId),
    /// A route reflector, to which every route is another router's.
    Reflector,
}

/// A route in BGP with all that S2 compares, as somebody sees it.
struct Path<'a> {
    route: Candidate,
    attributes: &'a Attributes,
    weight: u32,
    /// Whether the viewer itself put the route into BGP.
    originated: bool,
    external: bool,
    igp_metric: u32,
    router_id: u32,
    /// As an integer, IPv4 and IPv6 alike.
    next_hop: u128,
    rd: Option<Rd>,
}

/// Returns the route as `viewer` sees it.
fn path(network: &Network, viewer: Viewer, route: Candidate) -> Path<'_> {
    let attributes = attributes(network, route);
    let vrf = network.vrf(route.origin);
    let router = network.router(vrf.router);
    let redistributed = route.protocol != Protocol::Bgp;
    let external = redistributed || !attributes.internal;
    let integer = |address| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    let gateway = network.next_hop(route.next_hop).kind.address().map_or(0, integer);
    let loopback = integer(router.loopback);
    // S3: the weight that the origin gave what it redistributed survives a leak inside one router where the dialect says
    // so; no other weight leaves its VRF.
    let survives = redistributed && router.dialect.weight_survives_leak;
    let (weight, external, igp_metric, next_hop) = match viewer {
        Viewer::Itself => (if redistributed { WEIGHT_LOCAL } else { attributes.weight }, external, 0, gateway),
        Viewer::Router(at) if at == vrf.router => (if survives { WEIGHT_LOCAL } else { 0 }, external, 0, gateway),
        Viewer::Router(at) => (0, false, network.igp_metric(at, vrf.router), loopback),
        Viewer::Reflector => (0, false, 0, loopback),
    };
    let originated = redistributed && matches!(viewer, Viewer::Itself);
    let router_id = router.router_id.to_bits();
    Path { route, attributes, weight, originated, external, igp_metric, router_id, next_hop, rd: vrf.rd }
}

/// S2: each step leaves only the best of those that the step before left.
fn best(mut paths: Vec<Path<'_>>) -> Option<Candidate> {
    keep_lowest(&mut paths, |path| Reverse(path.weight));
    keep_lowest(&mut paths, |path| Reverse(path.attributes.local_preference));
    keep_lowest(&mut paths, |path| Reverse(path.originated));
    keep_lowest(&mut paths, |path| path.attributes.as_path.len());
    keep_lowest(&mut paths, |path| path.attributes.origin);
    // The MED says something only between paths of one neighbouring AS (RFC 4271 section 9.1.2.2 c).
    let meds: Vec<_> = paths.iter().map(|path| (path.attributes.neighbor_as(), path.attributes.med)).collect();
    paths.retain(|path| {
        !meds.iter().any(|&(asn, med)| asn == path.attributes.neighbor_as() && med < path.attributes.med)
    });
    keep_lowest(&mut paths, |path| Reverse(path.external));
    keep_lowest(&mut paths, |path| path.igp_metric);
    keep_lowest(&mut paths, |path| path.router_id);
    keep_lowest(&mut paths, |path| path.next_hop);
    keep_lowest(&mut paths, |path| path.rd);
    paths.iter().map(|path| path.route).min()
}

/// Drops the paths whose key is not the lowest.
fn keep_lowest<K: Ord>(paths: &mut Vec<Path<'_>>, key: impl Fn(&Path<'_>) -> K) {
    let lowest = paths.iter().map(&key).min();
    paths.retain(|path| Some(key(path)) == lowest);
}
