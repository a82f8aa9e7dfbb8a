//! BGP sessions between tables: who speaks to whom.
//!
//! A neighbour of a table is the table of another device, or another table of the same one, that has the neighbour's
//! address and AS, and a neighbour itself at an address of the first with the router's AS.

use std::net::IpAddr;

use ahash::{AHashMap, AHashSet};
use vrfleak_engine::Family;

use super::router_id::inherited;
use super::{Assembly, Ids};
use crate::device::{DEFAULT_TABLE, Device, LocalAs, Neighbor, NeighborFamily, RemoteAs, TableBgp};
use crate::place::Located;

/// A table of a device: the positions of both.
pub(super) type TableAt = (usize, usize);

/// One end of a session.
#[derive(Clone, Copy)]
pub(super) struct End<'d> {
    pub(super) at: TableAt,
    pub(super) device: &'d Device,
    pub(super) neighbor: &'d Neighbor,
}

impl<'d> End<'d> {
    fn bgp(&self) -> &'d TableBgp {
        &self.device.tables[self.at.1].bgp
    }

    pub(super) fn asn(&self) -> Option<u32> {
        asn_of(self.device, self.at.1)
    }

    /// Returns the other AS that the router shows to the neighbour, if it does.
    pub(super) fn local_as(&self) -> Option<LocalAs> {
        self.setting(|neighbor| neighbor.local_as)
    }

    /// Returns the AS that the neighbour sees.
    pub(super) fn shown_asn(&self) -> Option<u32> {
        self.local_as().map(|local| local.asn).or(self.asn())
    }

    /// Returns whether the neighbour is a client of this end, which passes on to it and from it inside the AS.
    pub(super) fn reflects(&self, family: Family) -> bool {
        let here = self.in_family(family, |family| family.reflected);
        here.or_else(|| self.setting(|neighbor| neighbor.reflected)).unwrap_or(false)
    }

    /// Returns what the neighbour or a group above it has.
    pub(super) fn setting<T>(&self, get: impl Fn(&'d Neighbor) -> Option<T>) -> Option<T> {
        inherited(self.device, self.at.1, self.neighbor, get)
    }

    /// Returns what the neighbour or a group above it has in a family.
    pub(super) fn in_family<T>(&self, family: Family, get: impl Fn(&'d NeighborFamily) -> Option<T>) -> Option<T> {
        self.setting(|neighbor| get(&neighbor.families[family as usize]))
    }

    /// Returns whether the neighbour is said to be of this AS.
    fn expects(&self, asn: u32) -> bool {
        match self.setting(|neighbor| neighbor.remote_as) {
            Some(Located { value: RemoteAs::Number(number), .. }) => number == asn,
            Some(Located { value: RemoteAs::Internal, .. }) => self.asn() == Some(asn),
            Some(Located { value: RemoteAs::External, .. }) => self.asn() != Some(asn),
            Some(Located { value: RemoteAs::Any, .. }) => true,
            None => false,
        }
    }

    pub(super) fn is_active(&self, family: Family) -> bool {
        let active = self.in_family(family, |family| family.active).unwrap_or(false);
        active && !self.is_shut_down()
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.setting(|neighbor| neighbor.shutdown.then_some(())).is_some()
    }

    /// Returns whether each of two ends expects the AS of the other.
    pub(super) fn fits(&self, far: &Self) -> bool {
        let expects = |one: &Self, other: &Self| other.shown_asn().is_some_and(|asn| one.expects(asn));
        expects(self, far) && expects(far, self)
    }

    /// Returns the far end of the session, if the table at `at` has one that fits.
    pub(super) fn far_end(&self, device: &'d Device, at: TableAt, addresses: &Addresses) -> Option<Self> {
        let mut ends = device.tables[at.1].bgp.neighbors.iter().map(|neighbor| End { at, device, neighbor });
        ends.find(|end| {
            let address = end.neighbor.name.parse::<IpAddr>().ok();
            let mine =
                address.and_then(|address| addresses.get(&address)).is_some_and(|tables| tables.contains(&self.at));
            mine && self.fits(end)
        })
    }

    /// Returns whether a policy on VPN routes is missing without which an external session exchanges none.
    pub(super) fn lacks_vpn_policy(&self) -> bool {
        self.requires_policy() && self.setting(|neighbor| neighbor.vpn_policy.then_some(())).is_none()
    }

    /// Returns whether an external session without a policy exchanges no routes here.
    fn requires_policy(&self) -> bool {
        self.bgp().requires_policy.unwrap_or(self.device.requires_policy)
    }
}

fn asn_of(device: &Device, table: usize) -> Option<u32> {
    device.tables[table].bgp.asn.or(device.asn.map(|asn| asn.value))
}

/// A session as its receiving end sees it.
#[derive(Clone, Copy)]
pub(super) struct Session<'d> {
    /// The end that receives.
    pub(super) here: End<'d>,
    /// The end that sends.
    pub(super) there: End<'d>,
    /// The address of the sending end.
    pub(super) address: IpAddr,
    /// The families in which routes are exchanged.
    pub(super) families: [bool; 2],
}

impl Session<'_> {
    /// Returns whether both ends are of one AS.
    pub(super) fn is_internal(&self) -> bool {
        self.here.shown_asn() == self.there.shown_asn()
    }
}

/// The tables that have each address, on interfaces that are up.
pub(super) type Addresses = AHashMap<IpAddr, Vec<TableAt>>;

pub(super) fn tables_by_address(devices: &[Device]) -> Addresses {
    let mut tables = Addresses::new();
    for (at, device) in devices.iter().enumerate() {
        for interface in device.interfaces.iter().filter(|interface| !interface.shutdown) {
            let table = match &interface.vrf {
                Some(vrf) => device.table_named(&vrf.value),
                None => Some(DEFAULT_TABLE),
            };
            let Some(table) = table else { continue };
            for address in &interface.addresses {
                let tables = tables.entry(address.net.addr()).or_default();
                if !tables.contains(&(at, table)) {
                    tables.push((at, table));
                }
            }
        }
    }
    tables
}

impl Assembly<'_, '_> {
    /// Returns the sessions over which routes come to the tables that are VRFs of the network, at first or second hand.
    pub(super) fn sessions<'d>(&mut self, devices: &'d [Device], ids: &[Option<Ids>]) -> Vec<Session<'d>> {
        let addresses = tables_by_address(devices);
        let is_vrf = |(at, table): TableAt| ids[at].as_ref().is_some_and(|ids| ids.vrfs[table].is_some());
        let all =
            devices.iter().enumerate().flat_map(|(at, device)| (0..device.tables.len()).map(move |table| (at, table)));
        let mut waiting: Vec<TableAt> = all.filter(|&at| is_vrf(at)).collect();
        let mut seen: AHashSet<TableAt> = waiting.iter().copied().collect();
        let mut sessions = Vec::new();
        let mut next = 0;
        while let Some(&at) = waiting.get(next) {
            next += 1;
            let device = &devices[at.0];
            for neighbor in &device.tables[at.1].bgp.neighbors {
                let here = End { at, device, neighbor };
                if let Some(session) = self.session(here, devices, &addresses, is_vrf(at)) {
                    sessions.push(session);
                    if seen.insert(session.there.at) {
                        waiting.push(session.there.at);
                    }
                }
            }
        }
        sessions
    }

    /// Returns the session of a neighbour, if its configuration is given and routes are exchanged.
    fn session<'d>(
        &mut self,
        here: End<'d>,
        devices: &'d [Device],
        addresses: &Addresses,
        is_vrf: bool,
    ) -> Option<Session<'d>> {
        let address = here.neighbor.name.parse::<IpAddr>().ok()?;
        let config = &here.device.tables[here.at.1];
        // The default table's neighbours for VPN routes are other PEs, whose routes come by another way.
        let in_bgp = |family| here.at.1 == DEFAULT_TABLE || config.family(family).in_bgp;
        let families = Family::ALL.map(|family| here.is_active(family) && in_bgp(family));
        if families == [false, false] {
            return None;
        }
        here.setting(|neighbor| neighbor.remote_as)?;
        let place = here.neighbor.place;
        let found = addresses.get(&address).map_or(&[][..], Vec::as_slice);
        let mut ends = found
            .iter()
            .filter(|&&there| there != here.at)
            .filter_map(|&there| here.far_end(&devices[there.0], there, addresses));
        let there = match (ends.next(), ends.next()) {
            (Some(there), None) => there,
            (none_or_several, _) => {
                if is_vrf && here.at.1 != DEFAULT_TABLE {
                    let message = match none_or_several {
                        None => format!("no configuration is that of neighbour `{address}`"),
                        Some(_) => format!("several configurations may be that of neighbour `{address}`"),
                    };
                    self.report.warning(place, message, "its routes are missing");
                }
                return None;
            }
        };
        let families = Family::ALL.map(|family| families[family as usize] && there.is_active(family));
        let session = Session { here, there, address, families };
        if !session.is_internal() {
            for family in Family::ALL.into_iter().filter(|&family| families[family as usize]) {
                let policy_in = here.in_family(family, |family| has(family.policy_in.as_ref(), &family.filters_in));
                let policy_out = there.in_family(family, |family| has(family.policy_out.as_ref(), &family.filters_out));
                for (end, policy) in [(here, policy_in), (there, policy_out)] {
                    if policy.is_none() && end.requires_policy() {
                        self.report.warning(
                            end.neighbor.place,
                            format_args!("external neighbour `{}` has no policy", end.neighbor.name),
                            "no routes are exchanged",
                        );
                        return None;
                    }
                }
            }
        }
        Some(session)
    }
}

fn has(policy: Option<&Located<String>>, filters: &[Located<String>]) -> Option<()> {
    (policy.is_some() || !filters.is_empty()).then_some(())
}
