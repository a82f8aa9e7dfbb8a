//! [`Sites`]: a network of routers with VRFs, each behind one CE, while it is made.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rayon::prelude::*;
use vrfleak_engine::{
    Address, Attributes, AttributesId, Dialect, Family, NetworkBuilder, NextHopKind, OriginCode, Prefix, Protocol, Rd,
    RouteTarget, RouterId, SourceRoute, VrfId,
};

/// The AS of the routers, administrator of RDs and targets.
pub(super) const ASN: u16 = 65535;
/// Routes that follow one another and share a set of attributes.
const ROUTES_PER_ATTRIBUTES: usize = 10;
/// Distinct sets of attributes at most.
const ATTRIBUTE_SETS: usize = 1000;

/// Routers, VRFs and their routes so far.
pub(super) struct Sites {
    pub(super) builder: NetworkBuilder,
    pub(super) routers: Vec<RouterId>,
    attributes: Vec<AttributesId>,
    rds: u32,
}

impl Sites {
    /// Begins with this many routers, `pe1` on.
    pub(super) fn new(routers: u8) -> Self {
        let mut builder = NetworkBuilder::default();
        let router = |number: u8| {
            let id = Ipv4Addr::new(10, 0, 0, number);
            builder.router(&format!("pe{number}"), u32::from(ASN), id, Dialect::NATIVE)
        };
        let routers = (1..=routers).map(router).collect();
        let attributes = (0..ATTRIBUTE_SETS)
            .map(|number| {
                builder.attributes(Attributes {
                    as_path: [64512, 100_000 + number as u32].into(),
                    origin: OriginCode::Igp,
                    ..Attributes::default()
                })
            })
            .collect();
        Self { builder, routers, attributes, rds: 0 }
    }

    /// Returns an RD that no VRF has yet; the first is 65535:1.
    pub(super) fn rd(&mut self) -> Rd {
        self.rds += 1;
        Rd::as2(ASN, self.rds)
    }

    /// Adds a VRF with an RD of its own on the first router.
    pub(super) fn vrf<A: Address>(&mut self, name: &str, import: Vec<RouteTarget>, export: Vec<RouteTarget>) -> VrfId {
        let rd = self.rd();
        self.vrf_on::<A>(0, rd, name, import, export)
    }

    /// Adds a VRF on the router at `router`.
    pub(super) fn vrf_on<A: Address>(
        &mut self,
        router: usize,
        rd: Rd,
        name: &str,
        import: Vec<RouteTarget>,
        export: Vec<RouteTarget>,
    ) -> VrfId {
        let id = self.builder.vrf(self.routers[router], name, Some(rd));
        let family = self.builder.family::<A>(id);
        (family.import, family.export) = (import, export);
        id
    }

    /// Gives a VRF the routes `prefix(0)`, `prefix(1)`, ... behind one CE.
    pub(super) fn fill<A: Address>(&mut self, vrf: VrfId, count: usize, prefix: impl Fn(usize) -> Prefix<A> + Sync) {
        let interface = self.builder.interface(vrf, &format!("ce{}", vrf.index()));
        let address = match A::FAMILY {
            Family::Ipv4 => IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            Family::Ipv6 => IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1)),
        };
        let gateway = self.builder.next_hop(vrf, NextHopKind::Gateway { address, interface: Some(interface) });
        let attributes = &self.attributes;
        let route = |index: usize| {
            let set = attributes[index / ROUTES_PER_ATTRIBUTES % ATTRIBUTE_SETS];
            SourceRoute::new(prefix(index), Protocol::Bgp, set, gateway)
        };
        let routes = (0..count).into_par_iter().with_min_len(4096).map(route).collect();
        self.builder.family::<A>(vrf).routes = routes;
    }
}
