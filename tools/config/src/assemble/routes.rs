//! Connected, local and static routes of a device's tables.

use std::net::IpAddr;

use ahash::{AHashMap, AHashSet};
use ipnet::IpNet;
use vrfleak_engine::{
    Address, Attributes, AttributesId, Family, InterfaceId, NextHopId, NextHopKind, OriginCode, Prefix, Protocol,
    RouteTarget, SourceRoute, VrfId,
};

use super::policy::Offered;
use super::{Assembly, Ids};
use crate::device::{
    DEFAULT_TABLE, Device, FamilyConfig, IgpKind, InterfaceAddress, Originated, Redistribution, StaticRoute,
    StaticTarget,
};
use crate::dialect::Format;
use crate::place::Located;

/// The `network` statements of one table and family, by prefix.
pub(super) type Networks<'d> = AHashMap<IpNet, &'d Originated>;

/// What decides which routes of a table are put into BGP.
#[derive(Clone, Copy)]
pub(super) struct Origin<'d> {
    pub(super) device: &'d Device,
    pub(super) config: &'d FamilyConfig,
    pub(super) networks: &'d Networks<'d>,
}

/// A VRF while its routes are made.
#[derive(Clone, Copy)]
struct Home<'d> {
    vrf: VrfId,
    origin: Origin<'d>,
}

impl Assembly<'_, '_> {
    /// Adds the routes of all tables that are VRFs of the network.
    pub(super) fn routes(&mut self, device: &Device, ids: &Ids) {
        let networks: Vec<[Networks<'_>; 2]> =
            device.tables.iter().map(|table| Family::ALL.map(|family| networks(table.family(family)))).collect();
        let home = |vrf, table: usize, family: Family| {
            let config = device.tables[table].family(family);
            Home { vrf, origin: Origin { device, config, networks: &networks[table][family as usize] } }
        };
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
                } else if !interface.shutdown {
                    let home = home(vrf, table, family);
                    match address.net {
                        IpNet::V4(net) => self.connected(home, net.addr().to_bits(), address, id, &interface.name),
                        IpNet::V6(net) => self.connected(home, net.addr().to_bits(), address, id, &interface.name),
                    }
                }
            }
        }
        for (index, table) in device.tables.iter().enumerate() {
            let Some(vrf) = ids.vrfs[index] else { continue };
            for family in Family::ALL {
                for route in &table.family(family).routes {
                    self.static_route(home(vrf, index, family), ids, route);
                }
                match family {
                    Family::Ipv4 => self.absent_networks::<u32>(home(vrf, index, family)),
                    Family::Ipv6 => self.absent_networks::<u128>(home(vrf, index, family)),
                }
            }
        }
    }

    /// Warns of `network` statements for prefixes that the VRF does not have.
    fn absent_networks<A: Address>(&mut self, home: Home<'_>) {
        if home.origin.networks.is_empty() {
            return;
        }
        let routes = &self.builder.family::<A>(home.vrf).routes;
        let there: AHashSet<_> = routes.iter().map(|route| route.prefix().to_net()).collect();
        for network in home.origin.config.networks.iter().filter(|network| !there.contains(&network.prefix)) {
            self.report.warning(
                network.place,
                format_args!("the VRF has no route of its own to `{}`", network.prefix),
                "nothing is put into BGP",
            );
        }
    }

    fn connected<A: Address>(
        &mut self,
        home: Home<'_>,
        bits: A,
        address: &InterfaceAddress,
        interface: InterfaceId,
        name: &str,
    ) {
        let prefix = Prefix::containing(bits, address.net.prefix_len());
        let offered = Offered { prefix, protocol: Protocol::Connected, interface: Some(name), next_hop: None };
        let attributes = self.attributes(home, offered, Attributes::default());
        let receive = self.builder.next_hop(home.vrf, NextHopKind::Receive { interface });
        let local = Prefix::host(bits);
        if prefix == local && address.host_known {
            self.builder.route(home.vrf, SourceRoute::new(prefix, Protocol::Connected, attributes, receive));
            return;
        }
        let attached = self.builder.next_hop(home.vrf, NextHopKind::Attached { interface });
        self.builder.route(home.vrf, SourceRoute::new(prefix, Protocol::Connected, attributes, attached));
        if address.host_known {
            let attributes = self.builder.attributes(Attributes::default());
            self.builder.route(home.vrf, SourceRoute::new(local, Protocol::Local, attributes, receive));
        }
    }

    fn static_route(&mut self, home: Home<'_>, ids: &Ids, route: &StaticRoute) {
        let Some(kind) = self.static_next_hop(home.origin.device, ids, route) else { return };
        let next_hop = self.builder.next_hop(home.vrf, kind);
        match route.prefix {
            IpNet::V4(net) => self.install_static(home, Prefix::from(net), route, kind, next_hop),
            IpNet::V6(net) => self.install_static(home, Prefix::from(net), route, kind, next_hop),
        }
    }

    fn install_static<A: Address>(
        &mut self,
        home: Home<'_>,
        prefix: Prefix<A>,
        route: &StaticRoute,
        kind: NextHopKind,
        next_hop: NextHopId,
    ) {
        let interface = match &route.target {
            StaticTarget::Interface { name, .. } => Some(name.value.as_str()),
            _ => None,
        };
        let offered = Offered { prefix, protocol: Protocol::Static, interface, next_hop: kind.address() };
        let attributes = Attributes { distance: route.distance, tag: route.tag, ..Attributes::default() };
        let attributes = if route.kept {
            self.builder.attributes(Attributes { redistribute: Some(false), ..attributes })
        } else {
            self.attributes(home, offered, attributes)
        };
        self.builder.route(home.vrf, SourceRoute::new(prefix, Protocol::Static, attributes, next_hop));
    }

    /// Returns the attributes that a route of a VRF's own has in BGP.
    fn attributes<A: Address>(
        &mut self,
        home: Home<'_>,
        route: Offered<'_, A>,
        attributes: Attributes,
    ) -> AttributesId {
        let targets = self.builder.family::<A>(home.vrf).export.clone();
        let attributes = self.in_bgp(home.origin, &targets, route, attributes);
        self.builder.attributes(attributes)
    }

    /// Returns the attributes that a connected or static route has in BGP, and in them whether it comes there: a
    /// `network` statement for its prefix comes first, then the redistribution of its protocol.
    pub(super) fn in_bgp<A: Address>(
        &mut self,
        origin: Origin<'_>,
        targets: &[RouteTarget],
        route: Offered<'_, A>,
        attributes: Attributes,
    ) -> Attributes {
        let Origin { device, config, networks } = origin;
        if !networks.is_empty()
            && let Some(network) = networks.get(&route.prefix.to_net())
        {
            let attributes = Attributes { redistribute: Some(true), origin: OriginCode::Igp, ..attributes.clone() };
            let accepted = match &network.policy {
                Some(policy) => self.offer(device, policy, route, &attributes, targets),
                None => Some(attributes),
            };
            if let Some(attributes) = accepted {
                return attributes;
            }
        }
        let covering = |(kind, number, _): &&(IgpKind, u32, Redistribution)| {
            let covers = |name| device.is_covered(*kind, *number, name, route.prefix.to_net());
            route.protocol == Protocol::Connected && route.interface.is_some_and(covers)
        };
        if let Some((_, _, redistribution)) = config.igps.iter().find(covering) {
            let attributes = Attributes { redistribute: Some(true), ..attributes.clone() };
            let accepted = match &redistribution.policy {
                Some(policy) => self.offer(device, policy, route, &attributes, targets),
                None => Some(attributes),
            };
            if let Some(attributes) = accepted {
                return attributes;
            }
        }
        let redistribution = match route.protocol {
            Protocol::Connected => config.connected.as_ref(),
            _ => config.statics.as_ref(),
        };
        let Some(redistribution) = redistribution else { return attributes };
        let attributes = Attributes { med: redistribution.metric.unwrap_or(attributes.med), ..attributes };
        // IOS and IOS-XR keep a default route back unless told otherwise.
        if route.prefix.len() == 0 && !config.default_originate && matches!(device.format, Format::Ios | Format::Xr) {
            return Attributes { redistribute: Some(false), ..attributes };
        }
        let Some(policy) = &redistribution.policy else { return attributes };
        let accepted = self.offer(device, policy, route, &attributes, targets);
        accepted.unwrap_or(Attributes { redistribute: Some(false), ..attributes })
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

pub(super) fn networks(config: &FamilyConfig) -> Networks<'_> {
    config.networks.iter().map(|network| (network.prefix, network)).collect()
}

pub(super) fn family_of(net: IpNet) -> Family {
    match net {
        IpNet::V4(_) => Family::Ipv4,
        IpNet::V6(_) => Family::Ipv6,
    }
}
