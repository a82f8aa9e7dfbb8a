//! [`Interface`]: an interface and its addresses.

use ipnet::IpNet;

use crate::place::{Located, Place};

/// An interface as configured.
#[derive(Debug)]
pub(crate) struct Interface {
    /// Its full name.
    pub(crate) name: String,
    pub(crate) place: Place,
    /// The VRF that it forwards for, or none for the default table.
    pub(crate) vrf: Option<Located<String>>,
    /// Whether it is administratively down: then it has no routes.
    pub(crate) shutdown: bool,
    /// The OSPF process that it is put into by itself.
    pub(crate) ospf: Option<u32>,
    /// Its addresses, the primary one first in each family.
    pub(crate) addresses: Vec<InterfaceAddress>,
}

/// An address of an interface.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InterfaceAddress {
    /// The address with the length of its subnet, host bits kept.
    pub(crate) net: IpNet,
    /// Whether the host part is known; without it the subnet alone is a route.
    pub(crate) host_known: bool,
    pub(crate) secondary: bool,
    pub(crate) place: Place,
}

impl Interface {
    pub(crate) fn new(name: String, place: Place) -> Self {
        Self { name, place, vrf: None, shutdown: false, ospf: None, addresses: Vec::new() }
    }

    /// Returns whether this is a loopback, which router ids are taken from first.
    pub(crate) fn is_loopback(&self) -> bool {
        let name = self.name.as_bytes();
        (name.len() >= 2 && name[..2].eq_ignore_ascii_case(b"lo")) && !self.name.contains("local")
    }

    /// Sets the primary IPv4 address, in place of the one before.
    pub(crate) fn set_primary(&mut self, address: InterfaceAddress) {
        // It stands first: that is where one before it is.
        match self.addresses.first_mut() {
            Some(first) if !first.secondary && first.net.addr().is_ipv4() => *first = address,
            _ => self.addresses.insert(0, address),
        }
    }
}
