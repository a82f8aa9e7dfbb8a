//! Connected, local and static routes of a device's tables.

use std::net::IpAddr;

use ahash::AHashMap;
use ipnet::IpNet;
use vrfleak_engine::{
    Address, Attributes, AttributesId, Family, NextHopId, NextHopKind, OriginCode, Prefix, Protocol, SourceRoute, VrfId,
};

use super::{Assembly, Ids};
use crate::device::{DEFAULT_TABLE, Device, FamilyConfig, InterfaceAddress, StaticRoute, StaticTarget};
use crate::place::Located;

/// The prefixes of `network` statements of one table and family.
type Networks = AHashMap<IpNet, ()>;

impl Assembly<'_, '_> {
    /// Adds the routes of all tables that are VRFs of the network.
    pub(super) fn routes(&mut self, device: &Device, ids: &Ids) {
        let networks: Vec<[Networks; 2]> =
            device.tables.iter().map(|table| Family::ALL.map(|family| networks(table.family(family)))).collect();
        for (index, interface) in device.interfaces.iter().enumerate() {
            let (Some(id), Some(table)) = (ids.interfaces[index], ids.tables[index]) else { continue };
            let Some(vrf) = ids.vrfs[table] else { continue };
            for address in &interface.addresses {
                let family = family_of(address.net);
                if !device.tables[table].family(family).enabled && table != DEFAULT_TABLE {
                    self.report.warning(
                        address.place,
                        format_args!("VRF `{}` has no {family} address family", device.tables[table].name),
                        "the address is left out",
                    );
                    continue;
                }
                if interface.shutdown {
                    continue;
                }
                let config = device.tables[table].family(family);
                let attributes = self.connected_attributes(config, address, &networks[table]);
                let attached = self.builder.next_hop(vrf, NextHopKind::Attached { interface: id });
                let receive = self.builder.next_hop(vrf, NextHopKind::Receive { interface: id });
                match address.net {
                    IpNet::V4(net) => {
                        self.connected(vrf, net.addr().to_bits(), address, attributes, [attached, receive])
                    }
                    IpNet::V6(net) => {
                        self.connected(vrf, net.addr().to_bits(), address, attributes, [attached, receive])
                    }
                }
            }
        }
        for (index, table) in device.tables.iter().enumerate() {
            let Some(vrf) = ids.vrfs[index] else { continue };
            for family in Family::ALL {
                for route in &table.family(family).routes {
                    self.static_route(device, ids, vrf, table.family(family), route, &networks[index]);
                }
            }
        }
    }

    fn connected_attributes(
        &mut self,
        config: &FamilyConfig,
        address: &InterfaceAddress,
        networks: &[Networks; 2],
    ) -> AttributesId {
        let mut attributes = Attributes::default();
        if let Some(metric) = config.connected.as_ref().and_then(|redistribution| redistribution.metric) {
            attributes.med = metric;
        }
        originate(&mut attributes, address.net.trunc(), networks);
        self.builder.attributes(attributes)
    }

    fn connected<A: Address>(
        &mut self,
        vrf: VrfId,
        bits: A,
        address: &InterfaceAddress,
        attributes: AttributesId,
        [attached, receive]: [NextHopId; 2],
    ) {
        let subnet = Prefix::containing(bits, address.net.prefix_len());
        if subnet.is_host() && address.host_known {
            self.builder.route(vrf, SourceRoute::new(subnet, Protocol::Connected, attributes, receive));
            return;
        }
        self.builder.route(vrf, SourceRoute::new(subnet, Protocol::Connected, attributes, attached));
        if address.host_known {
            let local = self.builder.attributes(Attributes::default());
            self.builder.route(vrf, SourceRoute::new(Prefix::host(bits), Protocol::Local, local, receive));
        }
    }

    fn static_route(
        &mut self,
        device: &Device,
        ids: &Ids,
        vrf: VrfId,
        config: &FamilyConfig,
        route: &StaticRoute,
        networks: &[Networks; 2],
    ) {
        let Some(kind) = self.static_next_hop(device, ids, route) else { return };
        let next_hop = self.builder.next_hop(vrf, kind);
        let mut attributes = Attributes { distance: route.distance, tag: route.tag, ..Attributes::default() };
        if let Some(metric) = config.statics.as_ref().and_then(|redistribution| redistribution.metric) {
            attributes.med = metric;
        }
        originate(&mut attributes, route.prefix, networks);
        let attributes = self.builder.attributes(attributes);
        match route.prefix {
            IpNet::V4(net) => {
                self.builder.route(vrf, SourceRoute::new(Prefix::from(net), Protocol::Static, attributes, next_hop));
            }
            IpNet::V6(net) => {
                self.builder.route(vrf, SourceRoute::new(Prefix::from(net), Protocol::Static, attributes, next_hop));
            }
        }
    }

    /// Returns where the route leads, or `None` if it is not installed: its interface is down, or unknown.
    fn static_next_hop(&mut self, device: &Device, ids: &Ids, route: &StaticRoute) -> Option<NextHopKind> {
        match &route.target {
            StaticTarget::Discard => Some(NextHopKind::Discard),
            StaticTarget::Gateway { address, table: None } => {
                Some(NextHopKind::Gateway { address: *address, interface: None })
            }
            StaticTarget::Gateway { address, table: Some(name) } => {
                let table = self.table_by_name(device, name)?;
                let interface = interface_towards(device, ids, table, *address);
                if interface.is_none() {
                    self.report.warning(
                        name.place,
                        format_args!("no interface of `{}` has a subnet with `{address}`", name.value),
                        "the route is left out",
                    );
                }
                Some(NextHopKind::Gateway { address: *address, interface: Some(ids.interfaces[interface?]?) })
            }
            StaticTarget::Table(name) => {
                let table = self.table_by_name(device, name)?;
                Some(NextHopKind::Vrf { vrf: ids.vrfs[table]? })
            }
            StaticTarget::Interface { name, gateway } => {
                let Some(index) = device.interface_named(&name.value) else {
                    self.report.warning(
                        name.place,
                        format_args!("interface `{}` is not configured", name.value),
                        "the route is left out",
                    );
                    return None;
                };
                if device.interfaces[index].shutdown {
                    return None;
                }
                let interface = ids.interfaces[index]?;
                Some(match *gateway {
                    Some(address) => NextHopKind::Gateway { address, interface: Some(interface) },
                    None => NextHopKind::Attached { interface },
                })
            }
        }
    }

    fn table_by_name(&mut self, device: &Device, name: &Located<String>) -> Option<usize> {
        if name.value == "default" {
            return Some(DEFAULT_TABLE);
        }
        let table = device.table_named(&name.value);
        if table.is_none() {
            self.undefined_vrf(name);
        }
        table
    }
}

/// Returns the interface of `table` in whose subnet `address` lies, the one with the longest.
fn interface_towards(device: &Device, ids: &Ids, table: usize, address: IpAddr) -> Option<usize> {
    let subnets = device
        .interfaces
        .iter()
        .enumerate()
        .filter(|&(index, interface)| ids.tables[index] == Some(table) && !interface.shutdown);
    subnets
        .flat_map(|(index, interface)| interface.addresses.iter().map(move |address| (index, address.net)))
        .filter(|(_, net)| net.contains(&address))
        .max_by_key(|(_, net)| net.prefix_len())
        .map(|(index, _)| index)
}

fn networks(config: &FamilyConfig) -> Networks {
    config.networks.iter().map(|network| (network.prefix, ())).collect()
}

/// Has the route put into BGP if a `network` statement names its prefix.
fn originate(attributes: &mut Attributes, prefix: IpNet, networks: &[Networks; 2]) {
    if networks[family_of(prefix) as usize].contains_key(&prefix) {
        attributes.redistribute = Some(true);
        attributes.origin = OriginCode::Igp;
    }
}

fn family_of(net: IpNet) -> Family {
    match net {
        IpNet::V4(_) => Family::Ipv4,
        IpNet::V6(_) => Family::Ipv6,
    }
}
