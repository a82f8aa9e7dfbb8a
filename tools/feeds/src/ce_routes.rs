//! [`CeRoutes`]: the routes of one VRF from its CEs, from a file.

use std::io::Read;
use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;
use vrfleak_bench_data::{Diagnostic, Diagnostics, PrefixList, SourceText, source_text};
use vrfleak_engine::{
    Address, Attributes, InterfaceId, Network, NetworkBuilder, NextHopKind, Prefix, Protocol, SourceRoute, VrfId,
};

use crate::frr::{self, VrfTable};

/// The most bytes of FRR's JSON.
const MAX_TEXT: usize = 1 << 30;

/// Routes that one VRF has from its CEs: a list of lines `PREFIX` or `PREFIX NEXT_HOP`, or what FRR prints for
/// `show bgp vrf X ipv4 unicast json` or its IPv6 twin.
#[derive(Debug)]
pub struct CeRoutes {
    name: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    List(PrefixList),
    Frr(VrfTable),
}

impl CeRoutes {
    /// Reads the file at `path`, plain or gzip.
    ///
    /// Of FRR's table counts what neighbours said: paths that are the VRF's own or leaked into it are left out, since the
    /// model makes them itself.
    ///
    /// # Errors
    ///
    /// What is neither, with line and column.
    pub fn read(path: &Path) -> Result<Self, Diagnostics> {
        let name = path.display().to_string();
        let unreadable = |error| Diagnostic::error(&name, format!("cannot be read: {error}"));
        let mut head = [0; 64];
        let filled = source_text::open(path).and_then(|mut reader| reader.read(&mut head)).map_err(unreadable)?;
        let json = head[..filled].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        let kind = if json {
            Kind::Frr(frr::vrf_table(&SourceText::read(path, MAX_TEXT)?)?)
        } else {
            Kind::List(PrefixList::read(path)?)
        };
        Ok(Self { name, kind })
    }

    /// Returns the name of the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how many routes there are in both families, repeats counted.
    pub fn len(&self) -> usize {
        match &self.kind {
            Kind::List(list) => list.len(),
            Kind::Frr(table) => table.routes.len(),
        }
    }

    /// Returns whether there is no route.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many paths of FRR's table were left out.
    pub fn left_out(&self) -> usize {
        match &self.kind {
            Kind::List(_) => 0,
            Kind::Frr(table) => table.others,
        }
    }

    /// Adds the routes to a VRF. Those without a next hop lead to `site`, the interface of the VRF that stands for its
    /// sites; without one they are left out. Returns how many were added.
    pub(crate) fn add_to(&self, builder: &mut NetworkBuilder, vrf: VrfId, site: Option<InterfaceId>) -> usize {
        match &self.kind {
            Kind::List(list) => {
                let family = |builder: &mut NetworkBuilder| add_list::<u32>(list, builder, vrf, site);
                family(builder) + add_list::<u128>(list, builder, vrf, site)
            }
            Kind::Frr(table) => {
                for route in &table.routes {
                    let attributes = route.attributes.clone();
                    let gateway = Some(route.next_hop);
                    match route.prefix {
                        IpNet::V4(net) => add_route(builder, vrf, Prefix::from(net), gateway, site, attributes),
                        IpNet::V6(net) => add_route(builder, vrf, Prefix::from(net), gateway, site, attributes),
                    };
                }
                table.routes.len()
            }
        }
    }
}

fn add_list<A: Address>(
    list: &PrefixList,
    builder: &mut NetworkBuilder,
    vrf: VrfId,
    site: Option<InterfaceId>,
) -> usize {
    let add = |entry: &vrfleak_bench_data::prefix_list::Entry<A>| {
        add_route(builder, vrf, entry.prefix, list.next_hop(entry), site, Attributes::default())
    };
    list.entries::<A>().iter().map(add).filter(|&added| added).count()
}

pub(crate) fn add_route<A: Address>(
    builder: &mut NetworkBuilder,
    vrf: VrfId,
    prefix: Prefix<A>,
    gateway: Option<IpAddr>,
    site: Option<InterfaceId>,
    attributes: Attributes,
) -> bool {
    let kind = match (gateway, site) {
        (Some(address), _) => NextHopKind::Gateway { address, interface: None },
        (None, Some(interface)) => NextHopKind::Attached { interface },
        (None, None) => return false,
    };
    let next_hop = builder.next_hop(vrf, kind);
    let attributes = builder.attributes(attributes);
    builder.route(vrf, SourceRoute::new(prefix, Protocol::Bgp, attributes, next_hop));
    true
}

/// Returns the interface that stands for the sites of a VRF: the first with a subnet, or else the first.
pub(crate) fn site(network: &Network, vrf: VrfId) -> Option<InterfaceId> {
    let family = network.vrf(vrf);
    let of = |next_hop| match network.next_hop(next_hop).kind {
        NextHopKind::Attached { interface } => Some(interface),
        _ => None,
    };
    let own = |interface: &InterfaceId| network.interface(*interface).vrf == vrf;
    let subnets = family.family::<u32>().routes.iter().map(|route| of(route.next_hop()));
    let subnets = subnets.chain(family.family::<u128>().routes.iter().map(|route| of(route.next_hop())));
    let first = (0..network.interfaces().len()).map(InterfaceId::from_index).find(own);
    subnets.flatten().filter(own).min().or(first)
}
