//! [`Site`]: tiny networks in a line a fact.

use vrfleak_dataplane::{Backend, Dataplane, Fibs};
use vrfleak_engine::{
    Address, Attributes, Dialect, InterfaceId, Leak, Network, NetworkBuilder, NextHopKind, Prefix, Protocol, Rd,
    Redistribute, RouteTarget, RouterId, SourceRoute, VrfId,
};

/// A network that grows. VRF number n exports target n; every VRF has one interface.
#[derive(Default)]
pub(crate) struct Site {
    pub(crate) builder: NetworkBuilder,
    vrfs: Vec<InterfaceId>,
}

impl Site {
    pub(crate) fn router(&mut self, name: &str) -> RouterId {
        self.builder.router(name, 65000, [10, 255, 0, 1].into(), Dialect::NATIVE)
    }

    /// Adds a VRF that imports what the VRFs of these numbers export, in both families.
    pub(crate) fn vrf(&mut self, router: RouterId, imports: &[u32]) -> VrfId {
        let number = self.vrfs.len() as u32;
        let vrf = self.builder.vrf(router, &format!("v{number}"), Some(Rd::as2(65000, number)));
        let targets = |numbers: &[u32]| numbers.iter().map(|&number| RouteTarget::as2(65000, number)).collect();
        let ipv4 = self.builder.family::<u32>(vrf);
        (ipv4.import, ipv4.export, ipv4.redistribute) = (targets(imports), targets(&[number]), Redistribute::ALL);
        let ipv6 = self.builder.family::<u128>(vrf);
        (ipv6.import, ipv6.export, ipv6.redistribute) = (targets(imports), targets(&[number]), Redistribute::ALL);
        let interface = self.builder.interface(vrf, &format!("Ethernet{number}"));
        self.vrfs.push(interface);
        vrf
    }

    pub(crate) fn interface(&self, vrf: VrfId) -> InterfaceId {
        self.vrfs[vrf.index()]
    }

    /// Gives the VRF's interface an address with its length.
    pub(crate) fn address(&mut self, vrf: VrfId, net: &str) {
        self.builder.address(self.vrfs[vrf.index()], net.parse().expect("an address and a length"));
    }

    pub(crate) fn fixed(&mut self, vrf: VrfId, prefix: &str, to: NextHopKind) {
        let prefix: Prefix<u32> = prefix.parse().expect("a prefix");
        let attributes = self.builder.attributes(Attributes::default());
        let next_hop = self.builder.next_hop(vrf, to);
        self.builder.route(vrf, SourceRoute::new(prefix, Protocol::Static, attributes, next_hop));
    }

    /// Leaks and installs, and lets `check` send packets.
    pub(crate) fn check(self, check: impl Fn(&Dataplane<'_>)) {
        let network = self.builder.build().expect("a possible network");
        let leak = Leak::new(&network);
        for backend in Backend::ALL {
            let fibs = Fibs::build(&leak, backend).expect("a small network");
            check(&Dataplane::new(&network, &fibs));
        }
    }
}

/// Returns the address of this text, IPv4.
pub(crate) fn v4(text: &str) -> u32 {
    u32::from_ip(text.parse().expect("an address")).expect("IPv4")
}

/// Returns the address of this text, IPv6.
pub(crate) fn v6(text: &str) -> u128 {
    u128::from_ip(text.parse().expect("an address")).expect("IPv6")
}

/// Returns the next hop of a route of `network` by its number.
pub(crate) fn kind(network: &Network, next_hop: vrfleak_engine::NextHopId) -> NextHopKind {
    network.next_hop(next_hop).kind
}
