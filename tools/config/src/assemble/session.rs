//! Routes that CEs announce: one eBGP hop from a neighbour whose configuration is given.
//!
//! A neighbour of a VRF is the table of another device that has the neighbour's address and AS, and a neighbour itself
//! at an address of the VRF with the router's AS. What that table puts into BGP passes its policy outward and the VRF's
//! policy inward.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ahash::AHashMap;
use vrfleak_engine::{Address, Attributes, Family, NextHopKind, Prefix, Protocol, SourceRoute, VrfId};

use super::policy::Offered;
use super::router_id::inherited;
use super::routes::{Origin, family_of, networks};
use super::{Assembly, Ids};
use crate::device::{DEFAULT_TABLE, Device, Neighbor, RemoteAs, StaticTarget, TableBgp};
use crate::dialect::Format;
use crate::place::Located;

/// A table of a device: the positions of both.
type TableAt = (usize, usize);

/// One end of a session.
#[derive(Clone, Copy)]
struct End<'d> {
    device: &'d Device,
    table: usize,
    neighbor: &'d Neighbor,
}

impl<'d> End<'d> {
    fn bgp(&self) -> &'d TableBgp {
        &self.device.tables[self.table].bgp
    }

    fn asn(&self) -> Option<u32> {
        asn_of(self.device, self.table)
    }

    /// Returns what the neighbour or a group above it has.
    fn setting<T>(&self, get: impl Fn(&'d Neighbor) -> Option<T>) -> Option<T> {
        inherited(self.bgp(), &self.neighbor.name, get)
    }

    /// Returns whether the neighbour is said to be of this AS.
    fn expects(&self, asn: u32) -> bool {
        match self.setting(|neighbor| neighbor.remote_as) {
            Some(Located { value: RemoteAs::Number(number), .. }) => number == asn,
            Some(Located { value: RemoteAs::Internal, .. }) => self.asn() == Some(asn),
            Some(Located { value: RemoteAs::External, .. }) => self.asn() != Some(asn),
            None => false,
        }
    }

    fn is_active(&self, family: Family) -> bool {
        let active = self.setting(|neighbor| neighbor.families[family as usize].active);
        active.unwrap_or(false) && self.setting(|neighbor| neighbor.shutdown.then_some(())).is_none()
    }
}

fn asn_of(device: &Device, table: usize) -> Option<u32> {
    device.tables[table].bgp.asn.or(device.asn.map(|asn| asn.value))
}

/// Returns the tables that have each address, on interfaces that are up.
fn tables_by_address(devices: &[Device]) -> AHashMap<IpAddr, Vec<TableAt>> {
    let mut tables: AHashMap<IpAddr, Vec<TableAt>> = AHashMap::new();
    for (at, device) in devices.iter().enumerate() {
        for interface in device.interfaces.iter().filter(|interface| !interface.shutdown) {
            let table = match &interface.vrf {
                Some(vrf) => device.table_named(&vrf.value),
                None => Some(DEFAULT_TABLE),
            };
            let Some(table) = table else { continue };
            for address in &interface.addresses {
                tables.entry(address.net.addr()).or_default().push((at, table));
            }
        }
    }
    tables
}

impl Assembly<'_, '_> {
    /// Adds what the neighbours of all VRFs announce to them.
    pub(super) fn sessions(&mut self, devices: &[Device], ids: &[Option<Ids>]) {
        let tables = tables_by_address(devices);
        for (at, device) in devices.iter().enumerate() {
            let Some(ids) = &ids[at] else { continue };
            for (table, config) in device.tables.iter().enumerate().skip(DEFAULT_TABLE + 1) {
                let Some(vrf) = ids.vrfs[table] else { continue };
                for neighbor in &config.bgp.neighbors {
                    let Ok(address) = neighbor.name.parse::<IpAddr>() else { continue };
                    let here = End { device, table, neighbor };
                    let active = Family::ALL.map(|family| here.is_active(family) && config.family(family).in_bgp);
                    if active == [false, false] {
                        continue;
                    }
                    let found = tables.get(&address).map_or(&[][..], Vec::as_slice);
                    let mut ends = found
                        .iter()
                        .filter(|&&there| there != (at, table))
                        .filter_map(|&(other, there)| far_end(here, (at, table), &devices[other], there, &tables));
                    match (ends.next(), ends.next()) {
                        (None, _) => self.report.warning(
                            neighbor.place,
                            format_args!("no configuration is that of neighbour `{address}`"),
                            "its routes are missing",
                        ),
                        (Some(_), Some(_)) => self.report.warning(
                            neighbor.place,
                            format_args!("several configurations may be that of neighbour `{address}`"),
                            "its routes are missing",
                        ),
                        (Some(there), None) => {
                            if active[0] {
                                self.session::<u32>(vrf, address, here, there);
                            }
                            if active[1] {
                                self.session::<u128>(vrf, address, here, there);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Adds what the table at `there` announces to the VRF in one family.
    fn session<A: Address>(&mut self, vrf: VrfId, address: IpAddr, here: End<'_>, there: End<'_>) {
        let family = A::FAMILY;
        let (Some(own_asn), Some(asn)) = (here.asn(), there.asn()) else { return };
        if !there.is_active(family) {
            return;
        }
        let internal = own_asn == asn;
        let policy_out = there.setting(|neighbor| neighbor.families[family as usize].policy_out.as_ref());
        let policy_in = here.setting(|neighbor| neighbor.families[family as usize].policy_in.as_ref());
        for (end, policy) in [(here, policy_in), (there, policy_out)] {
            if policy.is_none() && end.device.requires_policy && !internal {
                self.report.warning(
                    end.neighbor.place,
                    format_args!("external neighbour `{}` has no policy", end.neighbor.name),
                    "no routes are exchanged",
                );
                return;
            }
        }
        let weight = here.setting(|neighbor| neighbor.families[family as usize].weight).unwrap_or(0);
        let own_as_allowed = here.setting(|neighbor| neighbor.families[family as usize].allowas_in).unwrap_or(0);
        let next_hop = self.builder.next_hop(vrf, NextHopKind::Gateway { address, interface: None });
        for (prefix, attributes) in self.announced::<A>(there, policy_out) {
            let mut attributes = sent(attributes, there.device.format, (!internal).then_some(asn));
            attributes.internal = internal;
            attributes.weight = weight;
            let loops = attributes.as_path.iter().filter(|&&hop| hop == own_asn).count();
            if loops > usize::from(own_as_allowed) {
                continue;
            }
            if let Some(policy) = policy_in {
                let route = Offered { prefix, protocol: Protocol::Bgp, interface: None, next_hop: Some(address) };
                let targets = self.builder.family::<A>(vrf).export.clone();
                match self.offer(here.device, policy, route, &attributes, &targets) {
                    Some(accepted) => attributes = accepted,
                    None => continue,
                }
            }
            let attributes = self.builder.attributes(attributes);
            self.builder.route(vrf, SourceRoute::new(prefix, Protocol::Bgp, attributes, next_hop));
        }
    }

    /// Returns what a table announces to its neighbour: the best of its own routes for each prefix, if it is in BGP and
    /// passes the policy.
    fn announced<A: Address>(
        &mut self,
        end: End<'_>,
        policy: Option<&Located<String>>,
    ) -> Vec<(Prefix<A>, Attributes)> {
        let End { device, table, .. } = end;
        let config = device.tables[table].family(A::FAMILY);
        let networks = networks(config);
        let origin = Origin { device, config, networks: &networks };
        let mut best: BTreeMap<Prefix<A>, (Offered<'_, A>, Attributes)> = BTreeMap::new();
        let here = |vrf: &Option<Located<String>>| {
            vrf.as_ref().map_or(Some(DEFAULT_TABLE), |vrf| device.table_named(&vrf.value)) == Some(table)
        };
        for interface in device.interfaces.iter().filter(|interface| !interface.shutdown && here(&interface.vrf)) {
            for address in interface.addresses.iter().filter(|address| family_of(address.net) == A::FAMILY) {
                let Some(prefix) = Prefix::from_net(address.net.trunc()) else { continue };
                let interface = Some(interface.name.as_str());
                let route = Offered { prefix, protocol: Protocol::Connected, interface, next_hop: None };
                best.entry(prefix).or_insert((route, Attributes::default()));
            }
        }
        let mut statics: Vec<_> = config.routes.iter().collect();
        statics.sort_by_key(|route| route.distance.unwrap_or(1));
        for route in statics {
            let Some(prefix) = Prefix::from_net(route.prefix) else { continue };
            let (interface, next_hop) = match &route.target {
                StaticTarget::Interface { name, gateway } => (Some(name.value.as_str()), *gateway),
                StaticTarget::Gateway { address, .. } => (None, Some(*address)),
                StaticTarget::Table(_) | StaticTarget::Discard => (None, None),
            };
            let offered = Offered { prefix, protocol: Protocol::Static, interface, next_hop };
            let attributes = Attributes { tag: route.tag, ..Attributes::default() };
            best.entry(prefix).or_insert((offered, attributes));
        }
        let mut announced = Vec::new();
        for (prefix, (route, attributes)) in best {
            let attributes = self.in_bgp(origin, &[], route, attributes);
            let redistributed = match route.protocol {
                Protocol::Connected => config.connected.is_some(),
                _ => config.statics.is_some(),
            };
            if !attributes.redistribute.unwrap_or(redistributed) {
                continue;
            }
            match policy {
                None => announced.push((prefix, attributes)),
                Some(policy) => announced
                    .extend(self.offer(device, policy, route, &attributes, &[]).map(|attributes| (prefix, attributes))),
            }
        }
        announced
    }
}

/// Returns the far end of a session, if the table at `there` has one that fits.
fn far_end<'d>(
    here: End<'d>,
    at: TableAt,
    device: &'d Device,
    table: usize,
    tables: &AHashMap<IpAddr, Vec<TableAt>>,
) -> Option<End<'d>> {
    let own_asn = here.asn()?;
    if !here.expects(asn_of(device, table)?) {
        return None;
    }
    let ends = device.tables[table].bgp.neighbors.iter().map(|neighbor| End { device, table, neighbor });
    ends.into_iter().find(|end| {
        let address = end.neighbor.name.parse::<IpAddr>().ok();
        let mine = address.and_then(|address| tables.get(&address)).is_some_and(|tables| tables.contains(&at));
        mine && end.expects(own_asn)
    })
}

/// Returns the attributes as they arrive: with `asn` before the path where the session is external, without what does
/// not leave a router. IOS and IOS-XR send communities only where told, which is not read: they are left out.
fn sent(attributes: Attributes, format: Format, asn: Option<u32>) -> Attributes {
    let quiet = matches!(format, Format::Ios | Format::Xr);
    let default = Attributes::default();
    Attributes {
        as_path: asn.into_iter().chain(attributes.as_path.iter().copied()).collect(),
        local_preference: if asn.is_some() { default.local_preference } else { attributes.local_preference },
        communities: if quiet { default.communities } else { attributes.communities },
        weight: default.weight,
        tag: default.tag,
        redistribute: None,
        route_targets: None,
        distance: None,
        ..attributes
    }
}
