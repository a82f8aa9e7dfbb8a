//! Static routes.

use vrfleak_engine::{Attributes, NextHopKind, Protocol, SourceRoute, VrfId};

use super::build::{AnyPrefix, Build, Gateways};
use super::document::StaticTable;

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
