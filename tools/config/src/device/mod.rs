//! [`Device`]: what one configuration says, in terms that all dialects share, before names are resolved.
//!
//! A front end fills it line by line; [`assemble`](crate::assemble) makes routers and VRFs of it. What a dialect takes
//! for granted (which family a target applies to, whether a neighbour is active) is settled by the front end.

mod igp;
mod interface;
mod neighbor;
mod static_route;
mod table;

use std::net::{IpAddr, Ipv4Addr};

use ahash::AHashMap;
use ipnet::IpNet;
use vrfleak_engine::Family;

pub(crate) use igp::{Igp, IgpKind};
pub(crate) use interface::{Interface, InterfaceAddress};
pub(crate) use neighbor::{LocalAs, Neighbor, NeighborFamily, PrivateAs, RemoteAs};
pub(crate) use static_route::{StaticRoute, StaticTarget};
pub(crate) use table::{
    FamilyConfig, MaximumPaths, MaximumRoutes, Originated, RdChoice, Redistribution, Table, TableBgp, Targets,
};

use crate::dialect::Format;
use crate::place::{Located, Place};
use crate::report::Report;
use crate::route_map::Compiled;

/// The position of the default table in [`Device::tables`].
pub(crate) const DEFAULT_TABLE: usize = 0;

/// The distance of a route that is never used, except on Junos.
pub(crate) const UNUSED: u8 = 255;

/// The configuration of one router.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) source: u32,
    pub(crate) format: Format,
    pub(crate) name: Option<Located<String>>,
    /// The default table, then the VRFs in the order of their definition.
    pub(crate) tables: Vec<Table>,
    table_ids: AHashMap<String, usize>,
    pub(crate) interfaces: Vec<Interface>,
    interface_ids: AHashMap<String, usize>,
    /// Processes of other routing protocols, and their address families.
    pub(crate) igps: Vec<Igp>,
    /// The AS number of `router bgp`.
    pub(crate) asn: Option<Located<u32>>,
    /// Whether paths through different ASes may stand beside each other.
    pub(crate) relaxed_multipath: bool,
    /// Whether an external neighbour without a policy exchanges no routes.
    pub(crate) requires_policy: bool,
    /// Its policies.
    pub(crate) policies: Compiled,
}

impl Device {
    /// Returns a device that has nothing but its default table.
    pub(crate) fn new(source: u32, format: Format) -> Self {
        let start = Place { source, start: 0, end: 0 };
        Self {
            source,
            format,
            name: None,
            tables: vec![Table::new("default".to_owned(), start)],
            table_ids: AHashMap::new(),
            interfaces: Vec::new(),
            interface_ids: AHashMap::new(),
            igps: Vec::new(),
            asn: None,
            relaxed_multipath: false,
            requires_policy: false,
            policies: Compiled::default(),
        }
    }

    /// Returns the position of the VRF of this name.
    pub(crate) fn table_named(&self, name: &str) -> Option<usize> {
        self.table_ids.get(name).copied()
    }

    /// Returns the position of the VRF of this name, defined at `place` unless it was before.
    pub(crate) fn define_table(&mut self, name: &str, place: Place) -> usize {
        if let Some(index) = self.table_named(name) {
            return index;
        }
        self.tables.push(Table::new(name.to_owned(), place));
        self.table_ids.insert(name.to_owned(), self.tables.len() - 1);
        self.tables.len() - 1
    }

    /// Empties the VRF of this name, if there is one.
    pub(crate) fn clear_table(&mut self, name: &str) {
        if let Some(index) = self.table_named(name) {
            self.tables[index] = Table::new(name.to_owned(), self.tables[index].place);
        }
    }

    /// Returns the position of the interface of this name, if it was named before.
    pub(crate) fn interface_named(&self, name: &str) -> Option<usize> {
        self.interface_ids.get(name).copied()
    }

    /// Returns the position of the interface of this name, defined at `place` unless it was before.
    pub(crate) fn define_interface(&mut self, name: &str, place: Place) -> usize {
        if let Some(index) = self.interface_named(name) {
            return index;
        }
        self.interfaces.push(Interface::new(name.to_owned(), place));
        self.interface_ids.insert(name.to_owned(), self.interfaces.len() - 1);
        self.interfaces.len() - 1
    }

    /// Returns the highest address of a loopback of a VRF, else of any of its interfaces.
    pub(crate) fn router_id_of(&self, table: usize) -> Option<Ipv4Addr> {
        let name = &self.tables[table].name;
        let here = |interface: &&Interface| {
            !interface.shutdown && interface.vrf.as_ref().is_some_and(|vrf| vrf.value == *name)
        };
        let addresses = |interface: &Interface| {
            let addresses = interface.addresses.iter().map(|address| address.net.addr());
            addresses.filter_map(|address| if let IpAddr::V4(address) = address { Some(address) } else { None }).max()
        };
        let all = self.interfaces.iter().filter(here);
        all.filter_map(|interface| Some((interface.is_loopback(), addresses(interface)?))).max().map(|(_, id)| id)
    }

    /// Returns whether a process covers the subnet `net` of an interface.
    pub(crate) fn is_covered(&self, kind: IgpKind, number: u32, interface: &str, net: IpNet) -> bool {
        let Some(interface) = self.interface_named(interface).map(|index| &self.interfaces[index]) else {
            return false;
        };
        let table = interface.vrf.as_ref().map_or(Some(DEFAULT_TABLE), |vrf| self.table_named(&vrf.value));
        let mut addresses = interface.addresses.iter().filter(|address| address.net.trunc() == net);
        let in_process = |igp: &&Igp| igp.kind == kind && igp.number == number && Some(igp.table) == table;
        addresses.any(|address| match address.net.addr() {
            IpAddr::V4(address) => {
                let named = kind == IgpKind::Ospf && interface.ospf == Some(number);
                self.igps.iter().filter(in_process).any(|igp| named || igp.covers(address))
            }
            IpAddr::V6(_) => false,
        })
    }

    /// Adds a static route to a table, unless its distance says that it is never used.
    pub(crate) fn add_static(&mut self, table: usize, family: Family, route: StaticRoute, report: &mut Report<'_>) {
        if route.distance == Some(UNUSED) {
            report.warning(route.place, "a distance of 255 keeps the route out of the table", "it is left out");
            return;
        }
        self.tables[table].family_mut(family).routes.push(route);
    }

    /// Returns the VRFs, without the default table.
    pub(crate) fn vrfs(&self) -> &[Table] {
        &self.tables[DEFAULT_TABLE + 1..]
    }
}
