//! Routes of CEs that stand in files.

use std::net::IpAddr;

use vrfleak_bench_data::{Diagnostic, prefix_list::PrefixList};
use vrfleak_engine::{Address, Attributes, NextHopKind, OriginCode, Protocol, SourceRoute, VrfId};

use super::router_id::inherited;
use super::{Assembly, Ids};
use crate::ce_routes::CeRoutes;
use crate::device::{Device, RemoteAs};

impl Assembly<'_, '_> {
    /// Adds the routes of every list to the VRFs that it is for. A list that is for none is a mistake.
    pub(super) fn ce_routes(
        &mut self,
        devices: &[Device],
        ids: &[Option<Ids>],
        lists: &[(CeRoutes, PrefixList)],
    ) -> Vec<Diagnostic> {
        let mut mistakes = Vec::new();
        for (routes, list) in lists {
            let mut found = false;
            for (device, ids) in devices.iter().zip(ids) {
                let Some(ids) = ids else { continue };
                let Some(table) = device.table_named(&routes.vrf) else { continue };
                let Some(vrf) = ids.vrfs[table] else { continue };
                if routes.router.as_ref().is_some_and(|name| *name != ids.router) {
                    continue;
                }
                found = true;
                let ce = self.ce(device, ids, table);
                self.ce_family::<u32>(vrf, list, ce);
                self.ce_family::<u128>(vrf, list, ce);
            }
            if !found {
                let router = routes.router.as_ref().map_or(String::new(), |router| format!(" of router `{router}`"));
                let name = routes.path.display().to_string();
                mistakes.push(
                    Diagnostic::error(&name, format!("VRF `{}`{router} is not configured", routes.vrf))
                        .expected("expected the name of a VRF"),
                );
            }
        }
        mistakes
    }

    /// Returns the CE of a VRF as far as the configuration tells: its first neighbour's AS, and where packets go.
    fn ce(&mut self, device: &Device, ids: &Ids, table: usize) -> (Option<u32>, NextHopKind) {
        let neighbors = &device.tables[table].bgp.neighbors;
        let first = neighbors.iter().find_map(|neighbor| Some((neighbor, neighbor.name.parse::<IpAddr>().ok()?)));
        let asn = first.and_then(|(neighbor, _)| inherited(device, table, neighbor, |neighbor| neighbor.remote_as));
        let asn = asn.and_then(|asn| match asn.value {
            RemoteAs::Number(asn) => Some(asn),
            RemoteAs::Internal | RemoteAs::External => None,
        });
        let interface = device
            .interfaces
            .iter()
            .zip(&ids.tables)
            .zip(&ids.interfaces)
            .find_map(|((interface, there), id)| id.filter(|_| *there == Some(table) && !interface.shutdown));
        let kind = match (first, interface) {
            (Some((_, address)), _) => NextHopKind::Gateway { address, interface: None },
            (None, Some(interface)) => NextHopKind::Attached { interface },
            (None, None) => {
                self.report.warning(
                    device.tables[table].place,
                    format_args!("VRF `{}` has neither a neighbour nor an interface", device.tables[table].name),
                    "packets to its CE are discarded",
                );
                NextHopKind::Discard
            }
        };
        (asn, kind)
    }

    fn ce_family<A: Address>(&mut self, vrf: VrfId, list: &PrefixList, (asn, kind): (Option<u32>, NextHopKind)) {
        let as_path: Box<[u32]> = asn.into_iter().collect();
        let attributes = Attributes { as_path, origin: OriginCode::Igp, ..Attributes::default() };
        let attributes = self.builder.attributes(attributes);
        for entry in list.entries::<A>() {
            let kind = list.next_hop(entry).map_or(kind, |address| NextHopKind::Gateway { address, interface: None });
            let next_hop = self.builder.next_hop(vrf, kind);
            self.builder.route(vrf, SourceRoute::new(entry.prefix, Protocol::Bgp, attributes, next_hop));
        }
    }
}
