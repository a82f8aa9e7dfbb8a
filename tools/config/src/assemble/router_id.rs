//! The addresses that a router is known by.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::Assembly;
use crate::device::{DEFAULT_TABLE, Device, Interface, Neighbor, TableBgp};

/// How many groups a neighbour may inherit from, one through the other.
const MAX_GROUPS: usize = 8;

impl Assembly<'_, '_> {
    /// Returns the BGP identifier: the configured one; else the highest address of a loopback, else of any interface,
    /// of the default table; else of any table. Interfaces that are down do not count.
    pub(super) fn router_id(&mut self, device: &Device) -> Ipv4Addr {
        let configured = device.tables.iter().find_map(|table| table.bgp.router_id);
        if let Some(id) = device.tables[DEFAULT_TABLE].bgp.router_id.or(configured) {
            return id.value;
        }
        let in_default = |interface: &&Interface| interface.vrf.is_none();
        let loopback = |interface: &&Interface| interface.is_loopback();
        let all = device.interfaces.iter();
        let found = highest(all.clone().filter(in_default).filter(loopback))
            .or_else(|| highest(all.clone().filter(in_default)))
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
    let bgp = &device.tables[DEFAULT_TABLE].bgp;
    let neighbor = device.vpn_neighbor.as_ref()?;
    let source = inherited(bgp, &neighbor.value, |neighbor| neighbor.update_source.as_ref())?;
    if let Ok(address) = source.value.parse() {
        return Some(address);
    }
    let interface = &device.interfaces[device.interface_named(&source.value)?];
    interface.addresses.first().map(|address| address.net.addr())
}

/// Returns what `get` finds at the neighbour of this name or the first group above it that has it.
pub(super) fn inherited<'a, T>(bgp: &'a TableBgp, name: &str, get: impl Fn(&'a Neighbor) -> Option<T>) -> Option<T> {
    let mut neighbor = bgp.neighbor_named(name)?;
    for _ in 0..MAX_GROUPS {
        if let Some(value) = get(neighbor) {
            return Some(value);
        }
        neighbor = bgp.neighbor_named(&neighbor.group.as_ref()?.value)?;
    }
    None
}
