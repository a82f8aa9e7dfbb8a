//! The literal baseline: what one writes down first.
//!
//! A hash map from target to VPN routes; then every VRF, in parallel, takes the routes of its import targets one by one
//! and inserts them into a trie of its own, where candidates for one prefix meet and compete by S1 and S2. It shares the
//! model with the engine and nothing else, so that it is a check of its results besides.
//!
//! Not in it, since no synthetic network has them: policies, and host routes that leak with an interface.

use std::cmp::Reverse;
use std::net::IpAddr;

use ahash::AHashMap;
use rayon::prelude::*;
use treebitmap::IpLookupTable;
use vrfleak_dataplane::lpm::TreeKey;
use vrfleak_engine::attributes::WEIGHT_LOCAL;
use vrfleak_engine::{Address, Network, Prefix, Protocol, Rd, Resolution, RouteKey, RouteTarget, RouterId, VrfId};

use super::checksum;

/// The table of a VRF: a trie from prefix to position, and the best route there.
struct Table<A: TreeKey> {
    trie: IpLookupTable<A::Ip, u32>,
    best: Vec<(Prefix<A>, RouteKey)>,
    imported: usize,
}

/// The tables of all VRFs in one family.
pub(super) struct Literal<A: TreeKey> {
    tables: Vec<Table<A>>,
}

/// A VPN route.
struct Vpn<'a, A> {
    prefix: Prefix<A>,
    key: RouteKey,
    targets: &'a [RouteTarget],
}

/// From where routes are compared.
#[derive(Clone, Copy)]
enum Viewer {
    Vrf(VrfId),
    Router(RouterId),
    Reflector,
}

impl<A: TreeKey> Drop for Literal<A> {
    /// Frees the tries in the current rayon pool: one takes longer to free than to fill, and a virtual machine's host takes
    /// away meanwhile what is free, at the cost of whose turn is next.
    fn drop(&mut self) {
        self.tables.par_drain(..).for_each(drop);
    }
}

impl<A: TreeKey> Literal<A> {
    /// Leaks in the current rayon pool.
    pub(super) fn new(network: &Network, resolution: &Resolution) -> Self {
        let exports: Vec<Vpn<'_, A>> = network
            .vrf_ids()
            .collect::<Vec<_>>()
            .into_par_iter()
            .flat_map_iter(|vrf| exports(network, resolution, vrf))
            .collect();
        let mut by_target: AHashMap<RouteTarget, Vec<u32>> = AHashMap::new();
        for (route, index) in exports.iter().zip(0..) {
            for &target in route.targets {
                by_target.entry(target).or_default().push(index);
            }
        }
        let hidden = Hidden::new(network, &exports);
        let tables = network.vrf_ids().collect::<Vec<_>>().into_par_iter().with_max_len(1);
        let tables = tables.map(|vrf| table(network, resolution, vrf, &exports, &by_target, &hidden)).collect();
        Self { tables }
    }

    pub(super) fn imported(&self) -> usize {
        self.tables.iter().map(|table| table.imported).sum()
    }

    pub(super) fn checksum(&self) -> u64 {
        let of = |(vrf, table): (usize, &Table<A>)| {
            table.best.iter().map(|&(prefix, key)| checksum::entry(vrf, prefix, key)).fold(0, u64::wrapping_add)
        };
        self.tables.par_iter().enumerate().map(of).reduce(|| 0, u64::wrapping_add)
    }

    /// Returns the bytes of what is known, and of what forwards.
    pub(super) fn bytes(&self) -> (usize, usize) {
        let rib = self.tables.iter().map(|table| table.best.capacity() * size_of::<(Prefix<A>, RouteKey)>()).sum();
        let trie = |table: &Table<A>| {
            let (nodes, values) = table.trie.mem_usage();
            nodes + values + size_of::<Table<A>>()
        };
        (rib, self.tables.iter().map(trie).sum())
    }
}

/// Returns the routes of its own that a VRF knows, in prefix order.
fn own<A: Address>(network: &Network, resolution: &Resolution, vrf: VrfId) -> Vec<(Prefix<A>, RouteKey)> {
    let routes = network.vrf(vrf).family::<A>().routes.iter();
    let known = routes.filter(|route| network.vrf(vrf).up && resolution.resolves(route.next_hop()));
    let mut own: Vec<(Prefix<A>, RouteKey)> = known
        .map(|route| {
            let (next_hop, attributes, protocol) = (route.next_hop(), route.attributes(), route.protocol());
            (route.prefix(), RouteKey { origin: vrf, next_hop, attributes, protocol })
        })
        .collect();
    own.sort_unstable();
    own.dedup();
    own
}

/// Returns what a VRF exports: the best of its own routes a prefix, of those that are in BGP.
fn exports<'a, A: Address>(network: &'a Network, resolution: &Resolution, vrf: VrfId) -> Vec<Vpn<'a, A>> {
    if network.vrf(vrf).rd.is_none() {
        return Vec::new();
    }
    let own = own::<A>(network, resolution, vrf);
    let of_prefix = own.chunk_by(|a, b| a.0 == b.0).filter_map(|routes| {
        let keys: Vec<RouteKey> = routes.iter().map(|route| route.1).collect();
        let key = best_in_bgp::<A>(network, Viewer::Vrf(vrf), &keys)?;
        let given = network.attributes()[key.attributes.index()].route_targets.as_deref();
        let targets = given.unwrap_or(&network.vrf(vrf).family::<A>().export);
        (!targets.is_empty()).then_some(Vpn { prefix: routes[0].0, key, targets })
    });
    of_prefix.collect()
}

/// Which routes no VRF of a router may take, since another one with their RD and prefix was preferred.
struct Hidden {
    /// By route: the number of its NLRI where others share it.
    shared: Vec<u32>,
    /// By number: the route that the reflectors pass on.
    reflected: Vec<u32>,
    /// What a router that exports one itself prefers.
    at_router: AHashMap<(RouterId, u32), u32>,
}

const ALONE: u32 = u32::MAX;

impl Hidden {
    fn new<A: Address>(network: &Network, exports: &[Vpn<'_, A>]) -> Self {
        let mut hidden = Self { shared: Vec::new(), reflected: Vec::new(), at_router: AHashMap::new() };
        let mut rds: Vec<Rd> = network.vrfs().iter().filter_map(|vrf| vrf.rd).collect();
        let vrfs = rds.len();
        rds.sort_unstable();
        rds.dedup();
        if rds.len() == vrfs {
            return hidden;
        }
        let mut nlris: AHashMap<(Option<Rd>, Prefix<A>), Vec<u32>> = AHashMap::new();
        for (route, index) in exports.iter().zip(0..) {
            nlris.entry((network.vrf(route.key.origin).rd, route.prefix)).or_default().push(index);
        }
        hidden.shared = vec![ALONE; exports.len()];
        let mut groups: Vec<Vec<u32>> = nlris.into_values().filter(|routes| routes.len() > 1).collect();
        groups.sort_unstable();
        let best = |viewer, routes: &[u32]| -> u32 {
            let keys: Vec<RouteKey> = routes.iter().map(|&route| exports[route as usize].key).collect();
            let key = eliminate(network, viewer, keys).expect("a group of at least one");
            routes.iter().copied().find(|&route| exports[route as usize].key == key).expect("one of the group")
        };
        for (group, number) in groups.iter().zip(0..) {
            let reflected = best(Viewer::Reflector, group);
            hidden.reflected.push(reflected);
            for &route in group {
                hidden.shared[route as usize] = number;
                let router = network.vrf(exports[route as usize].key.origin).router;
                let here = |&other: &u32| {
                    other == reflected || network.vrf(exports[other as usize].key.origin).router == router
                };
                let known: Vec<u32> = group.iter().copied().filter(here).collect();
                hidden.at_router.insert((router, number), best(Viewer::Router(router), &known));
            }
        }
        hidden
    }

    fn from(&self, router: RouterId, route: u32) -> bool {
        match self.shared.get(route as usize) {
            None | Some(&ALONE) => false,
            Some(&group) => {
                let reflected = self.reflected[group as usize];
                *self.at_router.get(&(router, group)).unwrap_or(&reflected) != route
            }
        }
    }
}

fn table<A: TreeKey>(
    network: &Network,
    resolution: &Resolution,
    vrf: VrfId,
    exports: &[Vpn<'_, A>],
    by_target: &AHashMap<RouteTarget, Vec<u32>>,
    hidden: &Hidden,
) -> Table<A> {
    let mut table = Table { trie: IpLookupTable::new(), best: Vec::new(), imported: 0 };
    // What meets at a prefix, where more than one does.
    let mut rivals: AHashMap<u32, Vec<RouteKey>> = AHashMap::new();
    let mut insert = |table: &mut Table<A>, prefix: Prefix<A>, key: RouteKey| {
        let (address, len) = (prefix.bits().ip(), u32::from(prefix.len()));
        if let Some(&at) = table.trie.exact_match(address, len) {
            let first = table.best[at as usize].1;
            rivals.entry(at).or_insert_with(|| vec![first]).push(key);
        } else {
            table.trie.insert(address, len, table.best.len() as u32);
            table.best.push((prefix, key));
        }
    };
    for (prefix, key) in own(network, resolution, vrf) {
        insert(&mut table, prefix, key);
    }
    if network.vrf(vrf).up {
        let (router, import) = (network.vrf(vrf).router, &network.vrf(vrf).family::<A>().import);
        for target in import {
            for &index in by_target.get(target).map_or(&[][..], Vec::as_slice) {
                let route = &exports[index as usize];
                // Once, however many targets match: with the first of the route's own.
                let first = route.targets.iter().find(|target| import.contains(target));
                if route.key.origin != vrf && first == Some(target) && !hidden.from(router, index) {
                    table.imported += 1;
                    insert(&mut table, route.prefix, route.key);
                }
            }
        }
    }
    for (at, keys) in &rivals {
        if let Some(best) = best_in_vrf::<A>(network, vrf, keys) {
            table.best[*at as usize].1 = best;
        }
    }
    table
}

/// Returns the distance of a VRF's own route where BGP has no say (S1).
fn own_distance(network: &Network, key: RouteKey) -> u8 {
    let attributes = &network.attributes()[key.attributes.index()];
    match key.protocol {
        Protocol::Connected | Protocol::Local => 0,
        Protocol::Static => attributes.distance.unwrap_or(1),
        Protocol::Bgp if attributes.internal => 200,
        Protocol::Bgp => 20,
    }
}

/// Returns the best of a VRF's own routes that are not from a CE.
fn own_winner(network: &Network, vrf: VrfId, keys: &[RouteKey]) -> Option<RouteKey> {
    let own = keys.iter().copied().filter(|key| key.origin == vrf && key.protocol != Protocol::Bgp);
    own.min_by_key(|&key| (own_distance(network, key), key.protocol, key))
}

/// Returns the best by S2 of what is in BGP: imported routes, those of CEs, and the redistributed winner of the others.
fn best_in_bgp<A: Address>(network: &Network, viewer: Viewer, keys: &[RouteKey]) -> Option<RouteKey> {
    let Viewer::Vrf(vrf) = viewer else { return eliminate(network, viewer, keys.to_vec()) };
    let redistribute = network.vrf(vrf).family::<A>().redistribute;
    let winner = own_winner(network, vrf, keys)
        .filter(|key| redistribute.includes(key.protocol, &network.attributes()[key.attributes.index()]));
    let others = keys.iter().copied().filter(|key| key.origin != vrf || key.protocol == Protocol::Bgp);
    eliminate(network, viewer, others.chain(winner).collect())
}

/// Returns the route that a VRF uses.
fn best_in_vrf<A: Address>(network: &Network, vrf: VrfId, keys: &[RouteKey]) -> Option<RouteKey> {
    let (own, bgp) = (own_winner(network, vrf, keys), best_in_bgp::<A>(network, Viewer::Vrf(vrf), keys));
    match (own, bgp) {
        (Some(own), Some(bgp)) if bgp == own || distance(network, vrf, bgp) >= own_distance(network, own) => Some(own),
        (own, bgp) => bgp.or(own),
    }
}

/// Returns the distance of a route that is in BGP.
fn distance(network: &Network, vrf: VrfId, key: RouteKey) -> u8 {
    if key.origin == vrf {
        return own_distance(network, key);
    }
    if internal(network, Viewer::Vrf(vrf), key) { 200 } else { 20 }
}

/// Returns whether the viewer has the route on its own router.
fn is_here(network: &Network, viewer: Viewer, key: RouteKey) -> bool {
    let router = network.vrf(key.origin).router;
    match viewer {
        Viewer::Vrf(vrf) => network.vrf(vrf).router == router,
        Viewer::Router(here) => here == router,
        Viewer::Reflector => false,
    }
}

fn internal(network: &Network, viewer: Viewer, key: RouteKey) -> bool {
    let learned = key.protocol == Protocol::Bgp && network.attributes()[key.attributes.index()].internal;
    learned || !is_here(network, viewer, key)
}

/// Eliminates by the steps of S2, one after the other, until one route is left.
fn eliminate(network: &Network, viewer: Viewer, mut left: Vec<RouteKey>) -> Option<RouteKey> {
    let attributes = |key: &RouteKey| &network.attributes()[key.attributes.index()];
    let is_own = |key: &RouteKey| matches!(viewer, Viewer::Vrf(vrf) if vrf == key.origin);
    let redistributed = |key: &RouteKey| key.protocol != Protocol::Bgp;
    let weight = |key: &RouteKey| {
        let survives = network.router_of(key.origin).dialect.weight_survives_leak && is_here(network, viewer, *key);
        match (is_own(key), redistributed(key)) {
            (true, true) => WEIGHT_LOCAL,
            (true, false) => attributes(key).weight,
            (false, true) if survives => WEIGHT_LOCAL,
            (false, _) => 0,
        }
    };
    let metric = |key: &RouteKey| {
        let here = match viewer {
            Viewer::Vrf(vrf) => network.vrf(vrf).router,
            Viewer::Router(router) => router,
            Viewer::Reflector => return 0,
        };
        let there = network.vrf(key.origin).router;
        if here == there { 0 } else { network.igp_metric(here, there).saturating_add(1) }
    };
    let next_hop = |key: &RouteKey| {
        let here = is_here(network, viewer, *key);
        let address = if here {
            network.next_hop(key.next_hop).kind.address()
        } else {
            Some(network.router_of(key.origin).loopback)
        };
        match address {
            None => 0,
            Some(IpAddr::V4(address)) => u128::from(address.to_bits()),
            Some(IpAddr::V6(address)) => address.to_bits(),
        }
    };
    keep(&mut left, |key| Reverse(weight(key)));
    keep(&mut left, |key| Reverse(attributes(key).local_preference));
    keep(&mut left, |key| !(is_own(key) && redistributed(key)));
    keep(&mut left, |key| attributes(key).as_path.len());
    keep(&mut left, |key| attributes(key).origin);
    let rivals = left.clone();
    left.retain(|key| {
        let (neighbor, med) = (attributes(key).neighbor_as(), attributes(key).med);
        !rivals.iter().any(|other| attributes(other).neighbor_as() == neighbor && attributes(other).med < med)
    });
    keep(&mut left, |key| internal(network, viewer, *key));
    keep(&mut left, metric);
    keep(&mut left, |key| network.router_of(key.origin).router_id);
    keep(&mut left, next_hop);
    keep(&mut left, |key| network.vrf(key.origin).rd);
    left.into_iter().min()
}

/// Keeps those that are best by `measure`, the least being best.
fn keep<T: Ord>(left: &mut Vec<RouteKey>, measure: impl Fn(&RouteKey) -> T) {
    if left.len() > 1
        && let Some(best) = left.iter().map(&measure).min()
    {
        left.retain(|key| measure(key) == best);
    }
}
