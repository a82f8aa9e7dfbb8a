//! [`add`]: feeds become part of a network.

use std::net::{IpAddr, Ipv4Addr};

use ahash::AHashMap;
use vrfleak_engine::{
    Address, Attributes, ModelError, Network, NetworkBuilder, NextHopKind, Protocol, Rd, Resolution, RouterId, VrfId,
};

use crate::ce_routes::{CeRoutes, add_route, site};
use crate::feed::Feed;
use crate::route::{SiteRoute, View, VpnRoute, settle, settle_sites};

/// What became of the routes of feeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Added {
    /// Routers outside the model.
    pub routers: usize,
    /// VPN routes of theirs, both families.
    pub vpn_routes: usize,
    /// VPN routes that were left out because their router is in the model, which makes them itself.
    pub of_modelled_routers: usize,
    /// Routes that VRFs of the model have from CEs.
    pub ce_routes: usize,
    /// Lines of lists that were left out: they have no next hop, and their VRF no interface.
    pub without_next_hop: usize,
    /// The next hops of CE routes that lead nowhere in their VRF, ascending: such routes take no part (SEMANTICS S5).
    pub unresolved: Vec<(VrfId, IpAddr)>,
}

/// Adds what feeds tell to a network, and routes of CEs to single VRFs of it. The ids of the network stay; what is new
/// comes behind them.
///
/// Each BGP next hop that no router of the network has becomes a router outside the model, each RD on it a VRF. A route
/// that a monitored router has from a CE goes to the VRF of that RD, if the network has it on that router, or on one
/// alone; otherwise it stands for a VPN route of the monitored router. O(routes · log routes).
///
/// # Errors
///
/// As [`NetworkBuilder::build`].
pub fn add(
    network: Network,
    feeds: &[Feed],
    ce_routes: &[(VrfId, CeRoutes)],
) -> Result<(Network, Added), Vec<ModelError>> {
    let mut added = Added::default();
    let places = Places::new(&network);
    let sites: Vec<_> = ce_routes.iter().map(|&(vrf, _)| site(&network, vrf)).collect();
    let (routers, vrfs) = (AHashMap::new(), AHashMap::new());
    let mut outside = Outside { places, builder: network.into(), routers, vrfs, added: &mut added };
    let mut changed = Vec::new();
    // Routers come in the order of their addresses, whatever they announce.
    let (mut ipv4, mut ipv6) = (outside.sites::<u32>(feeds, &mut changed), outside.sites::<u128>(feeds, &mut changed));
    ipv4.extend(feeds.iter().flat_map(Feed::vpn_routes).cloned());
    ipv6.extend(feeds.iter().flat_map(Feed::vpn_routes).cloned());
    settle(&mut ipv4);
    settle(&mut ipv6);
    outside.add_routers(&ipv4, &ipv6);
    outside.add_routes(&ipv4);
    outside.add_routes(&ipv6);
    let mut builder = outside.builder;
    for (&(vrf, ref routes), &site) in ce_routes.iter().zip(&sites) {
        let count = routes.add_to(&mut builder, vrf, site);
        added.ce_routes += count;
        added.without_next_hop += routes.len() - count;
        changed.push(vrf);
    }
    let network = builder.build()?;
    changed.sort_unstable();
    changed.dedup();
    added.unresolved = unresolved(&network, &changed);
    Ok((network, added))
}

/// Which routers and VRFs a network has.
struct Places {
    addresses: Vec<IpAddr>,
    /// By RD: the VRFs that have it, with what their routers are known by.
    vrfs: AHashMap<Rd, Vec<(VrfId, Ipv4Addr, IpAddr, String)>>,
}

impl Places {
    fn new(network: &Network) -> Self {
        let modelled = network.routers().iter().filter(|router| !router.outside);
        let mut addresses: Vec<_> =
            modelled.flat_map(|router| [router.loopback, IpAddr::V4(router.router_id)]).collect();
        addresses.sort_unstable();
        addresses.dedup();
        let mut vrfs: AHashMap<Rd, Vec<_>> = AHashMap::new();
        for id in network.vrf_ids() {
            let router = network.router_of(id);
            if let Some(rd) = network.vrf(id).rd.filter(|_| !router.outside) {
                let row = (id, router.router_id, router.loopback, router.name.clone());
                vrfs.entry(rd).or_default().push(row);
            }
        }
        Self { addresses, vrfs }
    }

    fn is_modelled(&self, pe: IpAddr) -> bool {
        self.addresses.binary_search(&pe).is_ok()
    }

    /// Returns the VRF that a route from a CE belongs to: on the router that told it, or the only one of that RD.
    fn vrf<A: Address>(&self, route: &SiteRoute<A>) -> Option<VrfId> {
        let vrfs = self.vrfs.get(&route.rd)?;
        let known = |&&(_, id, loopback, ref name): &&(VrfId, Ipv4Addr, IpAddr, String)| {
            route.router_id.is_some_and(|own| own == id || IpAddr::V4(own) == loopback) || **name == *route.router_name
        };
        let only = || if let [only] = vrfs.as_slice() { Some(only) } else { None };
        vrfs.iter().find(known).or_else(only).map(|row| row.0)
    }
}

struct Outside<'a> {
    places: Places,
    builder: NetworkBuilder,
    routers: AHashMap<IpAddr, RouterId>,
    vrfs: AHashMap<(RouterId, Rd), VrfId>,
    added: &'a mut Added,
}

impl Outside<'_> {
    /// Adds the routes from CEs whose VRFs the network has, and returns the others as VPN routes.
    fn sites<A: Address>(&mut self, feeds: &[Feed], changed: &mut Vec<VrfId>) -> Vec<VpnRoute<A>> {
        let mut routes: Vec<SiteRoute<A>> = feeds.iter().flat_map(Feed::site_routes).cloned().collect();
        settle_sites(&mut routes);
        let mut others = Vec::new();
        for route in routes {
            let attributes = &route.attributes;
            if let Some(vrf) = self.places.vrf(&route) {
                let attributes = Attributes::clone(attributes);
                add_route(&mut self.builder, vrf, route.prefix, Some(route.next_hop), None, attributes);
                self.added.ce_routes += 1;
                changed.push(vrf);
            } else if let Some(id) = route.router_id {
                others.push(VpnRoute {
                    pe: id.into(),
                    rd: route.rd,
                    prefix: route.prefix,
                    label: None,
                    attributes: route.attributes,
                    router_id: Some(id),
                    asn: 0,
                    view: View::LocRib,
                });
            }
        }
        others
    }

    fn add_routers(&mut self, ipv4: &[VpnRoute<u32>], ipv6: &[VpnRoute<u128>]) {
        let facts = |pe, asn, router_id| (pe, router_id, asn);
        let mut facts: Vec<_> = (ipv4.iter().map(|route| facts(route.pe, route.asn, route.router_id)))
            .chain(ipv6.iter().map(|route| facts(route.pe, route.asn, route.router_id)))
            .filter(|&(pe, ..)| !self.places.is_modelled(pe))
            .collect();
        facts.sort_unstable();
        facts.dedup();
        for router in facts.chunk_by(|a, b| a.0 == b.0) {
            let pe = router[0].0;
            let own = match pe {
                IpAddr::V4(address) => address,
                IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
            };
            // Sources that disagree are settled by the lowest.
            let router_id = router.iter().find_map(|&(_, id, _)| id).unwrap_or(own);
            let asn = router.iter().map(|&(.., asn)| asn).min().unwrap_or(0);
            self.routers.insert(pe, self.builder.outside_router(pe, asn, router_id));
            self.added.routers += 1;
        }
    }

    fn add_routes<A: Address>(&mut self, routes: &[VpnRoute<A>]) {
        for nlri in routes.chunk_by(|a, b| (a.pe, a.rd) == (b.pe, b.rd)) {
            let Some(&router) = self.routers.get(&nlri[0].pe) else {
                self.added.of_modelled_routers += nlri.len();
                continue;
            };
            let rd = nlri[0].rd;
            let builder = &mut self.builder;
            let vrf = *self.vrfs.entry((router, rd)).or_insert_with(|| builder.outside_vrf(router, rd));
            for route in nlri {
                let attributes = Attributes::clone(&route.attributes);
                self.builder.outside_route(vrf, route.prefix, route.label, attributes);
            }
            self.added.vpn_routes += nlri.len();
        }
    }
}

/// Returns the gateways of the CE routes of these VRFs that lead nowhere.
fn unresolved(network: &Network, vrfs: &[VrfId]) -> Vec<(VrfId, IpAddr)> {
    if vrfs.is_empty() {
        return Vec::new();
    }
    let resolution = Resolution::new(network);
    let mut unresolved = Vec::new();
    for &vrf in vrfs {
        let next_hops = |family: &mut dyn Iterator<Item = (Protocol, vrfleak_engine::NextHopId)>| -> Vec<IpAddr> {
            let lost = family.filter(|&(protocol, id)| protocol == Protocol::Bgp && !resolution.resolves(id));
            lost.filter_map(|(_, id)| match network.next_hop(id).kind {
                NextHopKind::Gateway { address, .. } => Some(address),
                _ => None,
            })
            .collect()
        };
        let ipv4 = &network.vrf(vrf).families.ipv4.routes;
        let ipv6 = &network.vrf(vrf).families.ipv6.routes;
        let lost = [
            next_hops(&mut ipv4.iter().map(|route| (route.protocol(), route.next_hop()))),
            next_hops(&mut ipv6.iter().map(|route| (route.protocol(), route.next_hop()))),
        ];
        unresolved.extend(lost.concat().into_iter().map(|address| (vrf, address)));
    }
    unresolved.sort_unstable();
    unresolved.dedup();
    unresolved
}
