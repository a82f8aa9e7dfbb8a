//! The addresses that a router is known by.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use vrfleak_engine::Family;

use super::Assembly;
use crate::device::{DEFAULT_TABLE, Device, Interface, Neighbor};
use crate::place::Located;

/// How many groups a neighbour may inherit from.
const MAX_GROUPS: usize = 16;

impl Assembly<'_, '_> {
    /// Returns the BGP identifier: the configured one; else the highest address of a loopback, else of any interface,
    /// of the default table; else that of a VRF, or the highest of any table. Interfaces that are down do not count.
    pub(super) fn router_id(&mut self, device: &Device) -> Ipv4Addr {
        if let Some(id) = device.tables[DEFAULT_TABLE].bgp.router_id {
            return id.value;
        }
        let of_vrf = || device.tables.iter().find_map(|table| table.bgp.router_id).map(|id| id.value);
        let in_default = |interface: &&Interface| interface.vrf.is_none();
        let loopback = |interface: &&Interface| interface.is_loopback();
        let all = device.interfaces.iter();
        let found = highest(all.clone().filter(in_default).filter(loopback))
            .or_else(|| highest(all.clone().filter(in_default)))
            .or_else(of_vrf)
            .or_else(|| highest(all.clone().filter(loopback)))
            .or_else(|| highest(all));
        found.unwrap_or_else(|| {
            if let Some(asn) = device.asn {
                self.report.warning(
                    asn.place,
                    "the router has no router id and no IPv4 address to take it from",
                    "taken as 0.0.0.0",
                );
            }
            Ipv4Addr::UNSPECIFIED
        })
    }
}

fn highest<'a>(interfaces: impl Iterator<Item = &'a Interface>) -> Option<Ipv4Addr> {
    interfaces.filter(|interface| !interface.shutdown).flat_map(ipv4_addresses).max()
}

fn ipv4_addresses(interface: &Interface) -> impl Iterator<Item = Ipv4Addr> + '_ {
    interface.addresses.iter().filter_map(|address| match address.net {
        IpNet::V4(net) => Some(net.addr()),
        IpNet::V6(_) => None,
    })
}

/// Returns the address that other PEs see as next hop of the router's VPN routes: that of the interface which sessions
/// for VPN routes start from, if one is configured.
pub(super) fn vpn_address(device: &Device) -> Option<IpAddr> {
    let neighbor = device.tables[DEFAULT_TABLE].bgp.neighbors.iter().find(|neighbor| {
        let is_address = neighbor.name.parse::<IpAddr>().is_ok();
        is_address && Family::ALL.into_iter().any(|family| exchanges_vpn(device, neighbor, family))
    })?;
    let source = inherited(device, DEFAULT_TABLE, neighbor, |neighbor| neighbor.update_source.as_ref());
    let Some(source) = source else {
        // The session starts from the interface that leads to the neighbour.
        let there: IpAddr = neighbor.name.parse().ok()?;
        let up = device.interfaces.iter().filter(|interface| interface.vrf.is_none() && !interface.shutdown);
        let mut addresses = up.flat_map(|interface| &interface.addresses);
        return addresses.find(|address| address.net.contains(&there)).map(|address| address.net.addr());
    };
    if let Ok(address) = source.value.parse() {
        return Some(address);
    }
    let interface = &device.interfaces[device.interface_named(&source.value)?];
    interface.addresses.first().map(|address| address.net.addr())
}

/// Returns whether VPN routes are exchanged with a neighbour of the default table.
pub(super) fn exchanges_vpn(device: &Device, neighbor: &Neighbor, family: Family) -> bool {
    inherited(device, DEFAULT_TABLE, neighbor, |neighbor| neighbor.vpn[family as usize]).unwrap_or(false)
}

/// Returns what `get` finds at the neighbour or the first group above it that has it. Groups are those of the table or,
/// as IOS-XR has them, of the default table.
pub(super) fn inherited<'d, T>(
    device: &'d Device,
    table: usize,
    neighbor: &'d Neighbor,
    get: impl Fn(&'d Neighbor) -> Option<T>,
) -> Option<T> {
    let mut waiting = vec![neighbor];
    for _ in 0..MAX_GROUPS {
        let neighbor = waiting.pop()?;
        if let Some(value) = get(neighbor) {
            return Some(value);
        }
        let group = |name: &'d Located<String>| {
            let tables = [table, DEFAULT_TABLE];
            tables.into_iter().find_map(|table| device.tables[table].bgp.neighbor_named(&name.value))
        };
        waiting.extend(neighbor.groups.iter().rev().filter_map(group));
    }
    None
}
