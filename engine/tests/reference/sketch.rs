//! Networks written by hand, in few words.

use std::net::{IpAddr, Ipv4Addr};

use vrfleak_engine::policy::{Clause, Policy};
use vrfleak_engine::reference::{self, Candidate, Entry, Table};
use vrfleak_engine::{
    Address, Attributes, Dialect, Leak, Network, NetworkBuilder, NextHopId, NextHopKind, PolicyId, Prefix, Protocol,
    Rd, Redistribute, RouteId, RouteTarget, RouterId, SourceRoute, VrfId,
};

/// Returns the target `65000:number`.
pub(crate) fn target(number: u32) -> RouteTarget {
    RouteTarget::as2(65000, number)
}

/// Returns the prefix of this text.
pub(crate) fn prefix<A: Address>(text: &str) -> Prefix<A> {
    text.parse().expect("a prefix")
}

/// The prefix that is offered where one is enough.
pub(crate) const OFFERED: &str = "10.0.0.0/8";

/// Returns attributes with this AS path, local preference 100, origin incomplete and MED 0.
pub(crate) fn path(as_path: &[u32]) -> Attributes {
    Attributes { as_path: as_path.into(), ..Attributes::default() }
}

/// A network that is being written.
#[derive(Default)]
pub(crate) struct Sketch {
    pub(crate) builder: NetworkBuilder,
}

impl Sketch {
    /// Adds a router with router id 10.255.0.`number` and loopback 192.0.2.`number`.
    pub(crate) fn router(&mut self, number: u8, dialect: Dialect) -> RouterId {
        let id = self.builder.router(&format!("pe{number}"), 65000, Ipv4Addr::new(10, 255, 0, number), dialect);
        self.builder.router_mut(id).loopback = IpAddr::V4(Ipv4Addr::new(192, 0, 2, number));
        id
    }

    /// Adds a VRF with RD 65000:`rd` that redistributes everything, with the same targets in both families.
    pub(crate) fn vrf(&mut self, router: RouterId, rd: u32, import: &[u32], export: &[u32]) -> VrfId {
        let name = format!("v{}", self.builder.clone().build().expect("no mistake so far").vrfs().len());
        let vrf = self.builder.vrf(router, &name, Some(Rd::as2(65000, rd)));
        self.targets::<u32>(vrf, import, export);
        self.targets::<u128>(vrf, import, export);
        vrf
    }

    /// Sets the targets of one family.
    pub(crate) fn targets<A: Address>(&mut self, vrf: VrfId, import: &[u32], export: &[u32]) {
        let family = self.builder.family::<A>(vrf);
        family.import = import.iter().copied().map(target).collect();
        family.export = export.iter().copied().map(target).collect();
        family.redistribute = Redistribute::ALL;
    }

    /// Adds an interface with this address.
    pub(crate) fn address(&mut self, vrf: VrfId, address: &str) {
        let interface = self.builder.interface(vrf, &format!("if-{address}"));
        self.builder.address(interface, address.parse().expect("an address with its length"));
    }

    /// Adds a route from the CE `gateway`, whose interface is known.
    pub(crate) fn ce(&mut self, vrf: VrfId, to: &str, gateway: &str, attributes: Attributes) {
        let interface = self.builder.interface(vrf, &format!("to-{gateway}"));
        let address = gateway.parse().expect("an address");
        self.route(vrf, to, Protocol::Bgp, attributes, NextHopKind::Gateway { address, interface: Some(interface) });
    }

    /// Adds a static route to nowhere.
    pub(crate) fn discard(&mut self, vrf: VrfId, to: &str, distance: Option<u8>) {
        let attributes = Attributes { distance, ..Attributes::default() };
        self.route(vrf, to, Protocol::Static, attributes, NextHopKind::Discard);
    }

    /// Adds a static route by a gateway that must be resolved.
    pub(crate) fn via(&mut self, vrf: VrfId, to: &str, gateway: &str) {
        let kind = NextHopKind::Gateway { address: gateway.parse().expect("an address"), interface: None };
        self.route(vrf, to, Protocol::Static, Attributes::default(), kind);
    }

    /// Adds any route.
    pub(crate) fn route(
        &mut self,
        vrf: VrfId,
        to: &str,
        protocol: Protocol,
        attributes: Attributes,
        kind: NextHopKind,
    ) {
        let attributes = self.builder.attributes(attributes);
        let next_hop = self.builder.next_hop(vrf, kind);
        if to.contains(':') {
            self.builder.route::<u128>(vrf, SourceRoute::new(prefix(to), protocol, attributes, next_hop));
        } else {
            self.builder.route::<u32>(vrf, SourceRoute::new(prefix(to), protocol, attributes, next_hop));
        }
    }

    /// Builds the network and leaks, by the definition and by the engine, which must have the same tables.
    pub(crate) fn leak(self) -> Leaked {
        let network = self.builder.build().expect("no mistakes");
        let leaked = Leaked { ipv4: reference::leak(&network), ipv6: reference::leak(&network), network };
        let engine = Leak::new(&leaked.network);
        assert_eq!(tables(&leaked.network, &engine), leaked.ipv4.iter().map(bests).collect::<Vec<_>>());
        assert_eq!(tables(&leaked.network, &engine), leaked.ipv6.iter().map(bests).collect::<Vec<_>>());
        leaked
    }

    /// Adds a policy of these clauses.
    pub(crate) fn policy(&mut self, clauses: Vec<Clause>) -> PolicyId {
        self.builder.policies().add(Policy { name: "map".into(), clauses }).expect("a policy")
    }
}

/// Prefix, origin and next hop of what is best.
type Best<A> = (Prefix<A>, VrfId, NextHopId);

fn bests<A: Address>(table: &Table<A>) -> Vec<Best<A>> {
    let best = |entry: &Entry<A>| {
        let best = &entry.candidates[entry.best];
        (entry.prefix, best.origin, best.next_hop)
    };
    table.entries.iter().map(best).collect()
}

fn tables<A: Address>(network: &Network, leak: &Leak) -> Vec<Vec<Best<A>>> {
    let family = leak.family::<A>();
    let best = |id: RouteId| (family.table().prefix(id), family.table().origin(id), family.table().next_hop(id));
    network.vrf_ids().map(|vrf| family.rib(vrf).iter().map(best).collect()).collect()
}

/// A network and its tables.
pub(crate) struct Leaked {
    pub(crate) network: Network,
    pub(crate) ipv4: Vec<Table<u32>>,
    pub(crate) ipv6: Vec<Table<u128>>,
}

impl Leaked {
    /// Returns the entry of an IPv4 prefix.
    pub(crate) fn entry(&self, vrf: VrfId, to: &str) -> Option<&Entry<u32>> {
        self.ipv4[vrf.index()].entries.iter().find(|entry| entry.prefix == prefix(to))
    }

    /// Returns the best route of an IPv4 prefix.
    pub(crate) fn best(&self, vrf: VrfId, to: &str) -> Option<Candidate> {
        self.entry(vrf, to).map(|entry| entry.candidates[entry.best].clone())
    }

    /// Returns where the best route of an IPv4 prefix comes from.
    pub(crate) fn winner(&self, vrf: VrfId, to: &str) -> Option<VrfId> {
        self.best(vrf, to).map(|best| best.origin)
    }

    /// Returns where the candidates for an IPv4 prefix come from.
    pub(crate) fn origins(&self, vrf: VrfId, to: &str) -> Vec<VrfId> {
        self.entry(vrf, to).map_or_else(Vec::new, |entry| entry.candidates.iter().map(|route| route.origin).collect())
    }

    /// Returns the gateway of the best route of an IPv4 prefix as text, empty where there is none.
    pub(crate) fn gateway(&self, vrf: VrfId, to: &str) -> String {
        let kind = self.best(vrf, to).map(|best| self.network.next_hop(best.next_hop).kind);
        kind.and_then(NextHopKind::address).map_or_else(String::new, |address| address.to_string())
    }

    /// Returns the IPv4 prefixes of a VRF's table.
    pub(crate) fn prefixes(&self, vrf: VrfId) -> Vec<String> {
        self.ipv4[vrf.index()].entries.iter().map(|entry| entry.prefix.to_string()).collect()
    }

    /// Returns the IPv4 prefixes that a VRF exports.
    pub(crate) fn exported(&self, vrf: VrfId) -> Vec<String> {
        let exports = reference::exports::<u32>(&self.network).into_iter().filter(|export| export.vrf == vrf);
        exports.map(|export| export.prefix.to_string()).collect()
    }
}
