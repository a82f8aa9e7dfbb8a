//! Small random networks that hit every corner hard: one to four routers of all dialects, one to eight VRFs, prefixes
//! from a space so tiny that they collide and nest, and few enough targets and RDs that most of them match.
//!
//! A [`Plan`] is bytes: each picks from a pool, modulo its size, and 0 picks what is plainest. So a plan is cheap to draw
//! from a seed, and proptest shrinks a failing one to few routes of plain values.

mod policies;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use proptest::collection::vec;
use proptest::prelude::*;
use vrfleak_engine::policy::Policy;
use vrfleak_engine::{
    Address, Attributes, AttributesId, Dialect, InterfaceId, Network, NetworkBuilder, NextHopKind, OriginCode,
    PolicyId, Prefix, Protocol, Rd, Redistribute, RouteTarget, RouterId, SourceRoute, VrfId,
};

/// What a random network is made of.
#[derive(Clone, Debug)]
struct Plan {
    /// Which bits of a prefix's byte count: the fewer, the more candidates a prefix has. Its high half says how much of
    /// the network is IPv6.
    spread: u8,
    routers: Vec<[u8; 4]>,
    vrfs: Vec<[u8; 8]>,
    attributes: Vec<[u8; 8]>,
    addresses: Vec<[u8; 4]>,
    routes: Vec<[u8; 6]>,
    chains: Vec<[u8; 5]>,
    metrics: Vec<[u8; 3]>,
    /// The clauses of policies, by policy.
    policies: Vec<Vec<[u8; 5]>>,
    /// What VRFs do with routes besides, by VRF.
    habits: Vec<[u8; 8]>,
}

/// Returns a strategy of networks without policies; a failing one shrinks.
pub(crate) fn networks() -> impl Strategy<Value = Network> {
    plans().prop_map(|plan| plan.network())
}

/// Returns a strategy of networks with policies, limits, multipath and re-exports.
pub(crate) fn policy_networks() -> impl Strategy<Value = Network> {
    let policies = vec(vec(any::<[u8; 5]>(), 0..=3), 0..=4);
    (plans(), policies, vec(any::<[u8; 8]>(), 0..=8))
        .prop_map(|(plan, policies, habits)| Plan { policies, habits, ..plan }.network())
}

fn plans() -> impl Strategy<Value = Plan> {
    let shape = (vec(any::<[u8; 4]>(), 1..=4), vec(any::<[u8; 8]>(), 1..=8), vec(any::<[u8; 8]>(), 0..=6));
    let content = (vec(any::<[u8; 4]>(), 0..=12), vec(any::<[u8; 6]>(), 0..=60), vec(any::<[u8; 5]>(), 0..=2));
    (any::<u8>(), shape, content, vec(any::<[u8; 3]>(), 0..=6)).prop_map(
        |(spread, (routers, vrfs, attributes), (addresses, routes, chains), metrics)| Plan {
            spread,
            routers,
            vrfs,
            attributes,
            addresses,
            routes,
            chains,
            metrics,
            policies: Vec::new(),
            habits: Vec::new(),
        },
    )
}

/// Returns the network of this seed, the same for ever, without policies.
pub(crate) fn network(seed: u64) -> Network {
    plan(&mut SplitMix(seed)).network()
}

/// Returns the network of this seed with policies, limits, multipath and re-exports.
pub(crate) fn policy_network(seed: u64) -> Network {
    let mut random = SplitMix(seed);
    let plan = plan(&mut random);
    let policies = random.items::<1>(0, 4).into_iter().map(|_| random.items(0, 3)).collect();
    let habits = plan.vrfs.iter().map(|_| random.items(1, 1)[0]).collect();
    Plan { policies, habits, ..plan }.network()
}

fn plan(random: &mut SplitMix) -> Plan {
    let [spread] = random.items(1, 1)[0];
    Plan {
        spread,
        routers: random.items(1, 4),
        vrfs: random.items(1, 8),
        attributes: random.items(0, 6),
        addresses: random.items(0, 12),
        routes: random.items(0, 60),
        chains: random.items(0, 2),
        metrics: random.items(0, 6),
        policies: Vec::new(),
        habits: Vec::new(),
    }
}

/// The generator `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// Returns `low` to `high` items of `N` bytes.
    fn items<const N: usize>(&mut self, low: u64, high: u64) -> Vec<[u8; N]> {
        let count = low + self.next() % (high - low + 1);
        (0..count).map(|_| std::array::from_fn(|_| (self.next() >> 56) as u8)).collect()
    }
}

/// Returns the item of `pool` that `byte` picks.
fn pick<T: Copy>(pool: &[T], byte: u8) -> T {
    pool[usize::from(byte) % pool.len()]
}

/// The targets, three that everybody uses and one of another encoding with the first one's text.
fn target(byte: u8) -> RouteTarget {
    let wide = RouteTarget::from_bytes([2, 2, 0, 0, 0xff, 0xff, 0, 1]).expect("a transitive target");
    pick(&[RouteTarget::as2(65535, 1), RouteTarget::as2(65535, 2), RouteTarget::as2(65535, 3), wide], byte)
}

/// Returns the targets whose bits are set in `mask`, the first one twice in some.
fn targets(mask: u8) -> Vec<RouteTarget> {
    let chosen = (0..4).filter(|bit| mask & (1 << bit) != 0).map(target);
    chosen.chain((mask & 0x11 == 0x11).then(|| target(0))).collect()
}

/// The address space: 16 addresses that random routes use, and 16 more for chains alone.
fn address<A: Address>(offset: u8) -> A {
    let base = if A::BITS == 32 { 0x0a00_0000 } else { 0x2001_0db8 << 96 };
    A::narrow(base + u128::from(offset % 32))
}

fn prefix<A: Address>(byte: u8) -> Prefix<A> {
    let len = pick(&[32, 32, 32, 31, 31, 30, 30, 29, 29, 28, 28, 27, 24, 8, 0, 0], byte >> 4);
    Prefix::containing(address::<A>(byte & 15), if len == 0 { 0 } else { A::BITS - 32 + len })
}

/// A network that grows, and what its ids are picked from.
struct Site {
    builder: NetworkBuilder,
    routers: Vec<RouterId>,
    /// Two interfaces each.
    vrfs: Vec<(VrfId, RouterId, [InterfaceId; 2])>,
    /// The plain ones first and most.
    attributes: Vec<AttributesId>,
}

impl Plan {
    /// Makes some fields plain in some networks, so that the steps of S2 that come late have something to decide.
    fn focused(&self, [preference, path, origin, med, weight, internal, distance, brings]: [u8; 8]) -> [u8; 8] {
        match self.spread % 4 {
            // Paths of one AS, so that the MED is next.
            1 => [0, 2 + path % 4, 0, med % 3 + 2, 0, internal, distance, 0],
            2 => [0, path % 4, 0, 0, 0, internal, distance, brings],
            _ => [preference, path, origin, med, weight, internal, distance, brings],
        }
    }

    /// Returns the network that this plan describes.
    fn network(&self) -> Network {
        let mut site =
            Site { builder: NetworkBuilder::default(), routers: Vec::new(), vrfs: Vec::new(), attributes: Vec::new() };
        for (index, &router) in self.routers.iter().enumerate() {
            site.add_router(index, router);
        }
        let mut used = Vec::new();
        for (index, &vrf) in self.vrfs.iter().enumerate() {
            site.add_vrf(index, vrf, &mut used);
        }
        let plain = site.builder.attributes(Attributes::default());
        site.attributes.resize(1 + self.attributes.len() / 2, plain);
        for &attributes in &self.attributes {
            let id = site.builder.attributes(path_attributes(self.focused(attributes)));
            site.attributes.push(id);
        }
        if !self.habits.is_empty() {
            // Paths that loop (SEMANTICS I5).
            for path in [&[1, 65000][..], &[65000, 2, 65000], &[65001]] {
                let attributes = Attributes { as_path: path.into(), ..Attributes::default() };
                let id = site.builder.attributes(attributes);
                site.attributes.push(id);
            }
        }
        let is_ipv6 = |byte: u8| byte >= pick(&[192, 192, 192, 64], self.spread >> 4);
        for &[vrf, interface, family, address] in &self.addresses {
            site.add_address(vrf, interface, is_ipv6(family), address);
        }
        let spread = pick(&[0x21, 0x63, 0xc1, 0xf3, 0xff], self.spread);
        for &[vrf, family, prefix, protocol, attributes, next_hop] in &self.routes {
            let prefix = prefix & spread;
            if is_ipv6(family) {
                site.add_route::<u128>(vrf, prefix, protocol, attributes, next_hop);
            } else {
                site.add_route::<u32>(vrf, prefix, protocol, attributes, next_hop);
            }
        }
        for &[vrf, family, start, len, end] in &self.chains {
            if is_ipv6(family) {
                site.add_chain::<u128>(vrf, start, len, end);
            } else {
                site.add_chain::<u32>(vrf, start, len, end);
            }
        }
        for &[from, to, metric] in &self.metrics {
            let (from, to) = (pick(&site.routers, from), pick(&site.routers, to));
            site.builder.igp_metric(from, to, u32::from(metric % 4) * 10);
        }
        let policies: Vec<PolicyId> = self.policies.iter().map(|clauses| site.add_policy(clauses)).collect();
        for (&(vrf, ..), &habits) in site.vrfs.iter().zip(&self.habits) {
            policies::follow(&mut site.builder, vrf, habits, &policies);
        }
        let vrfs: Vec<VrfId> = site.vrfs.iter().map(|&(vrf, ..)| vrf).collect();
        match self.spread % 8 {
            _ if self.habits.is_empty() => {}
            3 => policies::chain(&mut site.builder, &vrfs),
            5 => policies::default_tables(&mut site.builder, &vrfs),
            7 => policies::share(&mut site.builder, &vrfs),
            _ => {}
        }
        site.builder.build().expect("a plan makes no mistakes")
    }
}

/// Local preference, AS path, origin, MED, weight, kind of session, distance and targets: each plain in half the cases.
fn path_attributes([preference, path, origin, med, weight, internal, distance, brings]: [u8; 8]) -> Attributes {
    let paths: [&[u32]; 10] = [&[], &[], &[1], &[1], &[2], &[3], &[1, 4], &[2, 4], &[1, 4, 4], &[4, 1]];
    Attributes {
        local_preference: pick(&[100, 100, 100, 100, 50, 200], preference),
        as_path: pick(&paths, path).into(),
        origin: pick(&[OriginCode::Incomplete, OriginCode::Incomplete, OriginCode::Egp, OriginCode::Igp], origin),
        med: pick(&[0, 0, 0, 5, 10], med),
        weight: pick(&[0, 0, 0, 0, 100, 32768, 40000], weight),
        internal: internal % 3 == 2,
        // 0 ties with connected, 20 and 200 with BGP, the last two float above it.
        distance: pick(
            &[None, None, None, Some(0), Some(1), Some(5), Some(20), Some(200), Some(201), Some(250)],
            distance,
        ),
        route_targets: match brings % 8 {
            5 => Some(Box::default()),
            6 => Some([target(brings >> 3)].into()),
            7 => Some([target(2), target(brings >> 3), target(2)].into()),
            _ => None,
        },
        redistribute: pick(&[None, None, None, None, Some(true), Some(false)], med >> 3),
        ..Attributes::default()
    }
}

impl Site {
    fn add_policy(&mut self, clauses: &[[u8; 5]]) -> PolicyId {
        let clauses = clauses.iter().map(|&clause| policies::clause(clause)).collect();
        self.builder.policies().add(Policy { name: "map".into(), clauses }).expect("clauses that lead forward")
    }

    fn add_router(&mut self, index: usize, [dialect, asn, router_id, loopback]: [u8; 4]) {
        // Mostly in descending order of the ids, and sometimes the same, so that position is not what decides.
        let router_id = pick(&[9 - index as u8, 9 - index as u8, index as u8 + 1, 5], router_id);
        let id = self.builder.router(
            &format!("pe{index}"),
            pick(&[65000, 65000, 65001], asn),
            Ipv4Addr::new(10, 255, 0, router_id),
            pick(&Dialect::ALL, dialect),
        );
        let v4 = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
        let v6 = |last| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last));
        let last = index as u8 + 1;
        self.builder.router_mut(id).loopback =
            pick(&[v4(last), v4(9 - last), v4(7), v6(u16::from(9 - last)), v6(7)], loopback);
        self.routers.push(id);
    }

    fn add_vrf(&mut self, index: usize, plan: [u8; 8], used: &mut Vec<(RouterId, Rd)>) {
        let [router, state, rd, redistribute, import4, export4, import6, export6] = plan;
        let router = pick(&self.routers, router);
        let wide = Rd::from_bytes([0, 2, 0, 0, 0xff, 0xff, 0, 1]);
        let own = Rd::as2(65000, 90 - index as u32);
        let pool = [
            Some(own),
            Some(own),
            Some(Rd::as2(65535, 1)),
            Some(Rd::as2(65535, 1)),
            Some(Rd::as2(65535, 2)),
            Some(wide),
        ];
        let mut rd = if rd >= 240 { None } else { pick(&pool, rd) };
        if let Some(shared) = rd {
            // Only some dialects let two VRFs of a router share one.
            if used.contains(&(router, shared)) && !self.builder.router_mut(router).dialect.shares_rd {
                rd = Some(own);
            }
            used.extend(rd.map(|rd| (router, rd)));
        }
        let vrf = self.builder.vrf(router, &format!("v{index}"), rd);
        self.builder.vrf_mut(vrf).up = state % 10 != 9;
        let redistributes =
            |bits: u8| Redistribute { connected: bits & 0b0011 != 0b0011, statics: bits & 0b1100 != 0b1100 };
        let ipv4 = self.builder.family::<u32>(vrf);
        (ipv4.import, ipv4.export) = (targets(import4), targets(export4));
        ipv4.redistribute = redistributes(redistribute);
        let ipv6 = self.builder.family::<u128>(vrf);
        (ipv6.import, ipv6.export) = (targets(import6), targets(export6));
        ipv6.redistribute = redistributes(redistribute >> 4);
        let interfaces = [0, 1].map(|number| self.builder.interface(vrf, &format!("v{index}-{number}")));
        self.vrfs.push((vrf, router, interfaces));
    }

    /// Adds an interface address with its connected and local routes, as a configuration would.
    fn add_address(&mut self, vrf: u8, interface: u8, ipv6: bool, offset: u8) {
        let (_, _, interfaces) = pick(&self.vrfs, vrf);
        let len = pick(&[30, 30, 29, 28, 31, 32], offset >> 4);
        let (ip, len) = if ipv6 {
            (address::<u128>(offset & 15).to_ip(), 96 + len)
        } else {
            (address::<u32>(offset & 15).to_ip(), len)
        };
        self.builder.address(pick(&interfaces, interface), IpNet::new(ip, len).expect("a length of the family"));
    }

    fn add_route<A: Address>(&mut self, vrf: u8, prefix_byte: u8, protocol: u8, attributes: u8, next_hop: u8) {
        use Protocol::{Bgp, Connected, Local, Static};
        let (owner, _, _) = pick(&self.vrfs, vrf);
        let attributes = pick(&self.attributes, attributes);
        let protocol = pick(&[Bgp, Bgp, Bgp, Static, Static, Static, Connected, Local], protocol);
        let prefix = match protocol {
            Local => Prefix::host(address(prefix_byte & 15)),
            _ => prefix::<A>(prefix_byte),
        };
        let kind = self.next_hop_kind::<A>(vrf, protocol, next_hop);
        let next_hop = self.builder.next_hop(owner, kind);
        self.builder.route(owner, SourceRoute::new(prefix, protocol, attributes, next_hop));
    }

    /// Returns what the protocol mostly has as next hop, and in some cases anything else.
    fn next_hop_kind<A: Address>(&self, vrf: u8, protocol: Protocol, byte: u8) -> NextHopKind {
        let (owner, router, interfaces) = pick(&self.vrfs, vrf);
        let interface = interfaces[usize::from(byte >> 7)];
        let gateway = |interface| NextHopKind::Gateway { address: address::<A>(byte & 15).to_ip(), interface };
        match (protocol, byte >> 4 & 7) {
            (Protocol::Connected, 0..=5) | (Protocol::Static, 7) => NextHopKind::Attached { interface },
            (Protocol::Local, 0..=5) | (_, 6) => NextHopKind::Receive { interface },
            (Protocol::Bgp, 0..=3) | (Protocol::Static, 0..=2) => gateway(None),
            (Protocol::Bgp, 4 | 5) | (Protocol::Static, 3) => gateway(Some(interface)),
            (Protocol::Static, 4) => NextHopKind::Discard,
            (Protocol::Static, _) if byte & 7 < 6 => {
                // Another VRF of this router, which may be down; the VRF itself where there is none.
                let neighbors = self.vrfs.iter().filter(|other| other.1 == router && other.0 != owner);
                let neighbors: Vec<VrfId> = neighbors.map(|other| other.0).chain([owner]).collect();
                NextHopKind::Vrf { vrf: neighbors[usize::from(byte & 7) % neighbors.len()] }
            }
            _ if A::BITS == 32 => NextHopKind::Gateway { address: address::<u128>(byte & 15).to_ip(), interface: None },
            _ => NextHopKind::Gateway { address: address::<u32>(byte & 15).to_ip(), interface: None },
        }
    }

    /// Adds host routes that lead to one another, 1 to 12 of them, and something behind the last: as many as resolve,
    /// one more, or a loop.
    fn add_chain<A: Address>(&mut self, vrf: u8, start: u8, len: u8, end: u8) {
        let (owner, _, interfaces) = pick(&self.vrfs, vrf);
        let plain = self.attributes[0];
        let len = 1 + len % 12;
        // Half of them where nothing else is, so that some stay whole.
        let at = |step: u8| {
            address::<A>(if start & 16 == 0 { start.wrapping_add(step) } else { 16 + start.wrapping_add(step) % 16 })
        };
        for step in 0..len {
            let to = if step + 1 == len && end % 4 == 3 { at(0) } else { at(step + 1) };
            let next_hop = self.builder.next_hop(owner, NextHopKind::Gateway { address: to.to_ip(), interface: None });
            self.builder.route(owner, SourceRoute::new(Prefix::host(at(step)), Protocol::Static, plain, next_hop));
        }
        let (protocol, kind) = match end % 4 {
            0 => (Protocol::Connected, NextHopKind::Attached { interface: interfaces[0] }),
            1 => (Protocol::Static, NextHopKind::Discard),
            // A route from a CE leads nowhere for a gateway.
            2 => (Protocol::Bgp, NextHopKind::Discard),
            _ => return,
        };
        let next_hop = self.builder.next_hop(owner, kind);
        self.builder.route(owner, SourceRoute::new(Prefix::host(at(len)), protocol, plain, next_hop));
    }
}
