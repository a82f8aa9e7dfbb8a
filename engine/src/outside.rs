//! Routers outside the model: what is known of them is the VPN routes that they announce.
//!
//! A VPN route from outside is a route that a VRF of such a router has from a CE: the VRF has the route's RD and imports
//! nothing, the route brings its own targets and its label. From there on it is exported, compared and imported like any
//! other.

use std::net::{IpAddr, Ipv4Addr};

use crate::address::Address;
use crate::attributes::Attributes;
use crate::id::{RouterId, VrfId};
use crate::label::Label;
use crate::network::NetworkBuilder;
use crate::next_hop::NextHopKind;
use crate::prefix::Prefix;
use crate::rd::Rd;
use crate::router::Dialect;
use crate::source_route::{Protocol, SourceRoute};

impl NetworkBuilder {
    /// Adds a router outside the model, known by the BGP next hop of its VPN routes, which is its name as well.
    pub fn outside_router(&mut self, loopback: IpAddr, asn: u32, router_id: Ipv4Addr) -> RouterId {
        let id = self.router(&loopback.to_string(), asn, router_id, Dialect::NATIVE);
        let router = self.router_mut(id);
        (router.loopback, router.outside) = (loopback, true);
        id
    }

    /// Adds the VRF that has the routes of one RD on a router outside the model. The RD is its name.
    pub fn outside_vrf(&mut self, router: RouterId, rd: Rd) -> VrfId {
        self.vrf(router, &rd.to_string(), Some(rd))
    }

    /// Adds a VPN route of a router outside the model. It has the targets of its attributes and no others.
    ///
    /// Several routes of one VRF to one prefix are paths of which that router announces the best (SEMANTICS S2).
    pub fn outside_route<A: Address>(
        &mut self,
        vrf: VrfId,
        prefix: Prefix<A>,
        label: Option<Label>,
        attributes: Attributes,
    ) {
        let route_targets = Some(attributes.route_targets.unwrap_or_default());
        let attributes = self.attributes(Attributes { route_targets, ..attributes });
        let next_hop = self.next_hop(vrf, NextHopKind::Outside { label });
        self.route(vrf, SourceRoute::new(prefix, Protocol::Bgp, attributes, next_hop));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label_table::LabelTable;
    use crate::leak::Leak;
    use crate::network::Network;
    use crate::route_target::RouteTarget;

    fn prefix(text: &str) -> Prefix<u32> {
        text.parse().expect("a prefix")
    }

    /// A modelled PE whose VRF imports 65000:1, and room for routers outside.
    fn modelled() -> (NetworkBuilder, VrfId) {
        let mut builder = NetworkBuilder::default();
        let pe = builder.router("pe1", 65000, Ipv4Addr::new(10, 0, 0, 1), Dialect::IOS);
        let red = builder.vrf(pe, "red", Some(Rd::as2(65000, 1)));
        let interface = builder.interface(red, "Loopback1");
        builder.address(interface, "192.0.2.1/24".parse().expect("an address"));
        let family = builder.family::<u32>(red);
        family.import = vec![RouteTarget::as2(65000, 1)];
        family.export = vec![RouteTarget::as2(65000, 1)];
        (builder, red)
    }

    fn with_targets(targets: &[RouteTarget]) -> Attributes {
        Attributes { route_targets: Some(targets.into()), ..Attributes::default() }
    }

    #[test]
    fn i1_a_route_from_outside_is_imported_by_its_own_targets() {
        let (mut builder, red) = modelled();
        // A network that was built before takes more.
        builder = builder.build().expect("a network").into();
        let outside = builder.outside_router(IpAddr::from([10, 0, 0, 2]), 65000, Ipv4Addr::new(10, 0, 0, 2));
        let vrf = builder.outside_vrf(outside, Rd::as2(65000, 7));
        let label = Label::new(1234);
        builder.outside_route(vrf, prefix("10.1.0.0/16"), label, with_targets(&[RouteTarget::as2(65000, 1)]));
        builder.outside_route(vrf, prefix("10.2.0.0/16"), label, with_targets(&[RouteTarget::as2(65000, 2)]));
        builder.outside_route(vrf, prefix("10.3.0.0/16"), label, Attributes::default());
        let network: Network = builder.build().expect("two routers");
        let leak = Leak::new(&network);
        let rib: Vec<String> = leak
            .family::<u32>()
            .rib(red)
            .iter()
            .map(|id| leak.family::<u32>().table().prefix(id).to_string())
            .collect();
        assert_eq!(rib, ["10.1.0.0/16", "192.0.2.0/24", "192.0.2.1/32"]);
        let of_outside = leak.family::<u32>().rib(vrf).len();
        assert_eq!(of_outside, 3, "it has its own and imports nothing");
        assert_eq!((network.router_of(vrf).name.as_str(), network.vrf(vrf).name.as_str()), ("10.0.0.2", "65000:7"));
        let labels = LabelTable::per_vrf(&network);
        assert_eq!((labels.label(vrf), labels.used(outside)), (None, 0));
    }

    #[test]
    fn e6_several_routers_outside_announce_one_nlri() {
        let (mut builder, red) = modelled();
        for (last, preference) in [(3, 100), (2, 200), (4, 100)] {
            let address = Ipv4Addr::new(10, 0, 0, last);
            let outside = builder.outside_router(address.into(), 65000, address);
            let vrf = builder.outside_vrf(outside, Rd::as2(65000, 7));
            let attributes = Attributes { local_preference: preference, ..with_targets(&[RouteTarget::as2(65000, 1)]) };
            builder.outside_route(vrf, prefix("10.1.0.0/16"), None, attributes);
        }
        let network = builder.build().expect("four routers");
        let leak = Leak::new(&network);
        let best = leak.family::<u32>().get(red, prefix("10.1.0.0/16")).expect("one of them");
        assert_eq!(
            network.router_of(leak.family::<u32>().table().origin(best)).name,
            "10.0.0.2",
            "the higher local preference"
        );
    }
}
