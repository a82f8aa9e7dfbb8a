//! Static routes.

use vrfleak_engine::{Attributes, Family, NextHopKind, Protocol, SourceRoute, VrfId};

use super::build::{AnyPrefix, Build, Gateways, place};
use super::document::StaticTable;
use crate::provenance::RouteOrigin;

impl Build<'_> {
    pub(super) fn static_route(&mut self, table: &StaticTable, homes: &[VrfId]) {
        let prefix = table.prefix.value().zip(table.prefix.span()).and_then(|(text, span)| self.prefix(text, span));
        let via = self.address(&table.via);
        let discard = table.discard.value() == Some(&true);
        let ways =
            [table.via.value().is_some() || table.interface.value().is_some(), table.vrf.value().is_some(), discard];
        if ways.iter().filter(|&&way| way).count() != 1 && !self.lenient {
            let message = "a static route leads to one next hop".to_owned();
            self.error(table.prefix.span(), message, "expected `via` or `interface`, or `vrf`, or `discard` beside it");
        }
        let homes = self.on(&table.router, homes);
        let Some(prefix) = prefix else { return };
        let attributes = Attributes { distance: table.distance.value().copied(), ..Attributes::default() };
        let attributes = self.builder.attributes(attributes);
        for home in homes {
            let Ok(interface) = self.interface_of(&table.interface, home) else { continue };
            let kind = match (via, interface, table.vrf.value()) {
                (Some(address), interface, _) => NextHopKind::Gateway { address, interface },
                (None, Some(interface), _) => NextHopKind::Attached { interface },
                (None, None, Some(name)) => {
                    let router = self.builder.vrf_mut(home).router;
                    let Some(&vrf) = self.vrfs.get(&(router, name.clone())) else {
                        self.unknown("VRF", name, table.vrf.span(), |build| {
                            let here = build.vrfs.keys().filter(|(of, _)| *of == router);
                            here.map(|(_, name)| name.clone()).collect()
                        });
                        continue;
                    };
                    NextHopKind::Vrf { vrf }
                }
                (None, None, None) => NextHopKind::Discard,
            };
            let next_hop = self.builder.next_hop(home, kind);
            if let NextHopKind::Gateway { address, interface: None } = kind {
                let span = table.via.span().unwrap_or_default();
                self.gateways.push(Gateways { span, vrf: home, next_hops: vec![(address, next_hop)] });
            }
            let net = match prefix {
                AnyPrefix::Ipv4(prefix) => prefix.to_net(),
                AnyPrefix::Ipv6(prefix) => prefix.to_net(),
            };
            let origin = RouteOrigin { prefix: net, gateway: via, place: place(table.prefix.span()) };
            let family = if net.addr().is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
            self.provenance.vrfs[home.index()].families[family as usize].static_routes.push(origin);
            match prefix {
                AnyPrefix::Ipv4(prefix) => {
                    self.builder.route(home, SourceRoute::new(prefix, Protocol::Static, attributes, next_hop));
                }
                AnyPrefix::Ipv6(prefix) => {
                    self.builder.route(home, SourceRoute::new(prefix, Protocol::Static, attributes, next_hop));
                }
            }
        }
    }
}
