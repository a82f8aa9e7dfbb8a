//! Sessions for VPN routes between routers, and which routers' VPN routes reach which.
//!
//! What a router learns inside its AS it passes on inside it only as a reflector (RFC 4456): a client's routes to all, the
//! others' to clients. What it learns from another AS, or tells another AS, it passes on. An address that no
//! configuration has is taken for a reflector: all that have a session with it hear of each other.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use ahash::{AHashMap, AHashSet};
use vrfleak_engine::policy::{Action, Change, Clause, Condition, Flow, PrefixEntry, PrefixList};
use vrfleak_engine::{Address, Family, Prefix, RouterId, VrfId};

use super::router_id::exchanges_vpn;
use super::session::{Addresses, End, tables_by_address};
use super::{Assembly, Ids};
use crate::device::{DEFAULT_TABLE, Device, Neighbor};

/// How many routers may have VRFs for sessions to count; with more every router hears of every other.
const MAX_ROUTERS: usize = 4096;

/// How a router heard of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Heard {
    Client,
    Inside,
    Outside,
}

/// A session as its sending end has it.
#[derive(Clone, Copy, Debug)]
struct Link {
    to: usize,
    internal: bool,
    /// Whether the receiving end is a client of the sending one.
    to_client: bool,
    /// Whether the sending end is a client of the receiving one.
    from_client: bool,
}

impl Link {
    /// Returns whether even what was heard inside the AS from others than clients goes this way.
    fn takes_all(&self) -> bool {
        !self.internal || self.to_client
    }
}

/// A neighbour of a device's default table that VPN routes are exchanged with.
struct Peering<'d> {
    end: End<'d>,
    address: IpAddr,
    /// Whether any configuration has the address.
    known: bool,
    /// The other devices whose default table has it.
    there: Vec<usize>,
}

impl<'d> Peering<'d> {
    fn all(at: usize, device: &'d Device, addresses: &Addresses, family: Family) -> Vec<Self> {
        let neighbors = device.tables[DEFAULT_TABLE].bgp.neighbors.iter();
        let peering = |neighbor: &'d Neighbor| {
            let end = End { at: (at, DEFAULT_TABLE), device, neighbor };
            let address = neighbor.name.parse().ok()?;
            if !exchanges_vpn(device, neighbor, family) || end.is_shut_down() {
                return None;
            }
            let found = addresses.get(&address).map_or(&[][..], Vec::as_slice);
            let there = found.iter().filter(|there| there.1 == DEFAULT_TABLE && there.0 != at).map(|there| there.0);
            Some(Self { end, address, known: !found.is_empty(), there: there.collect() })
        };
        neighbors.filter_map(peering).collect()
    }
}

/// The sessions of one family, by the sending device; devices that are not given stand behind all that are.
#[derive(Debug)]
struct Links {
    by_device: Vec<Vec<Link>>,
    /// How many of each device's links, the first, take what it heard inside its AS from others than clients.
    onward: Vec<usize>,
    /// The AS of each device that is given.
    asns: Vec<Option<u32>>,
}

/// The devices that hear of a router's VPN routes, each with the ASes that it sees before their paths.
type Reached = AHashMap<usize, Box<[u32]>>;

impl Links {
    fn new(devices: &[Device], addresses: &Addresses, family: Family) -> Self {
        let asns = devices.iter().map(|device| device.asn.map(|asn| asn.value)).collect();
        let mut links = Self { by_device: vec![Vec::new(); devices.len()], onward: Vec::new(), asns };
        let ends: Vec<Vec<Peering<'_>>> =
            devices.iter().enumerate().map(|(at, device)| Peering::all(at, device, addresses, family)).collect();
        // Who has a session with which device: full meshes are too large to look through them for each.
        let mut towards: AHashMap<(usize, usize), Vec<End<'_>>> = AHashMap::new();
        for peering in ends.iter().flatten() {
            for &there in &peering.there {
                towards.entry((peering.end.at.0, there)).or_default().push(peering.end);
            }
        }
        let mut others: AHashMap<IpAddr, usize> = AHashMap::new();
        for Peering { end, address, known, there } in ends.iter().flatten() {
            let at = end.at.0;
            let to_client = end.setting(|neighbor| neighbor.reflected).unwrap_or(false);
            if !known {
                let to = *others.entry(*address).or_insert(links.by_device.len());
                links.by_device.resize_with(links.by_device.len().max(to + 1), Vec::new);
                let link = Link { to, internal: true, to_client, from_client: true };
                links.by_device[at].push(link);
                links.by_device[to].push(Link { to: at, to_client: true, from_client: to_client, ..link });
            }
            let back = there.iter().filter_map(|&there| towards.get(&(there, at))).flatten();
            let Some(far) = back.copied().find(|far| end.fits(far)) else { continue };
            let from_client = far.setting(|neighbor| neighbor.reflected).unwrap_or(false);
            let internal = end.asn() == far.asn();
            if internal || ![*end, far].iter().any(End::lacks_vpn_policy) {
                links.by_device[at].push(Link { to: far.at.0, internal, to_client, from_client });
            }
        }
        for links in &mut links.by_device {
            links.sort_by_key(|link| !link.takes_all());
        }
        links.onward = links.by_device.iter().map(|links| links.partition_point(Link::takes_all)).collect();
        links
    }

    /// Returns whether device `from` tells device `to` of its VPN routes without anybody between them.
    fn leads(&self, from: usize, to: usize) -> bool {
        self.by_device[from].iter().any(|link| link.to == to)
    }

    /// Returns the devices that hear of the VPN routes of device `origin`, on the shortest way.
    fn reached(&self, origin: usize) -> Reached {
        let mut reached = Reached::new();
        let mut seen: AHashSet<(usize, Heard)> = AHashSet::new();
        // What a router has itself goes to everybody, as what comes from outside does.
        let own: Box<[u32]> = Box::default();
        let mut waiting = VecDeque::from([(origin, Heard::Outside, own)]);
        while let Some((at, from, path)) = waiting.pop_front() {
            let links = &self.by_device[at];
            for link in &links[..if from == Heard::Inside { self.onward[at] } else { links.len() }] {
                let heard = match link {
                    Link { internal: false, .. } => Heard::Outside,
                    Link { from_client: true, .. } => Heard::Client,
                    _ => Heard::Inside,
                };
                let asn = |device: usize| self.asns.get(device).copied().flatten();
                let path: Box<[u32]> = match asn(at).filter(|_| !link.internal) {
                    Some(asn) => [asn].into_iter().chain(path.iter().copied()).collect(),
                    None => path.clone(),
                };
                let looped = asn(link.to).is_some_and(|asn| path.contains(&asn));
                if !looped && link.to != origin && seen.insert((link.to, heard)) {
                    if link.to < self.asns.len() {
                        reached.entry(link.to).or_insert_with(|| path.clone());
                    }
                    waiting.push_back((link.to, heard, path));
                }
            }
        }
        reached
    }
}

/// The loopbacks of other routers that export what a VRF asks for.
#[derive(Debug, Default)]
struct Seen {
    /// Of those that no session leads to.
    hidden: Vec<IpAddr>,
    /// Of those of other ASes, by the ASes that stand before their paths.
    outside: BTreeMap<Box<[u32]>, Vec<IpAddr>>,
}

/// A router of the network and its device.
#[derive(Clone, Debug)]
struct Member {
    device: usize,
    router: RouterId,
    loopback: IpAddr,
    /// Its VRFs, with the positions of their tables.
    vrfs: Vec<(VrfId, usize)>,
}

impl Assembly<'_, '_> {
    /// Keeps VPN routes from routers that no session brings them to.
    pub(super) fn keep_apart(&mut self, devices: &[Device], ids: &[Option<Ids>]) {
        let members: Vec<Member> =
            ids.iter().enumerate().filter_map(|(at, ids)| self.member(at, ids.as_ref()?)).collect();
        if members.len() < 2 {
            return;
        }
        if members.len() > MAX_ROUTERS {
            let message = format_args!("sessions for VPN routes count among {MAX_ROUTERS} routers at most");
            let place = devices[members[0].device].tables[DEFAULT_TABLE].place;
            self.report.warning(place, message, "every router hears of every other");
            return;
        }
        let addresses = tables_by_address(devices);
        self.keep_family_apart::<u32>(&members, &Links::new(devices, &addresses, Family::Ipv4), devices);
        self.keep_family_apart::<u128>(&members, &Links::new(devices, &addresses, Family::Ipv6), devices);
    }

    fn member(&mut self, device: usize, ids: &Ids) -> Option<Member> {
        let vrf = |(table, id): (usize, &Option<VrfId>)| Some(((*id)?, table));
        let vrfs: Vec<_> = ids.vrfs.iter().enumerate().filter_map(vrf).collect();
        let router = self.builder.vrf_mut(vrfs.first()?.0).router;
        let loopback = self.builder.router_mut(router).loopback;
        Some(Member { device, router, loopback, vrfs })
    }

    fn keep_family_apart<A: Address>(&mut self, members: &[Member], links: &Links, devices: &[Device]) {
        let reached: Vec<Reached> = members.iter().map(|member| links.reached(member.device)).collect();
        // Who exports a target, and whose maps may set any.
        let mut exporters = AHashMap::new();
        let mut any: AHashSet<usize> = AHashSet::new();
        for (at, member) in members.iter().enumerate() {
            for &(vrf, _) in &member.vrfs {
                let family = self.builder.family::<A>(vrf);
                if family.export_map.is_some() {
                    any.insert(at);
                }
                for target in &family.export {
                    exporters.entry(*target).or_insert_with(AHashSet::new).insert(at);
                }
            }
        }
        for member in members {
            let mut told: Vec<usize> = Vec::new();
            let (mut inside, mut outside) = (false, false);
            for &(vrf, table) in &member.vrfs {
                let import = self.builder.family::<A>(vrf).import.clone();
                let asked = import.iter().filter_map(|target| exporters.get(target)).flatten().chain(&any);
                let mut others: Vec<usize> = if import.is_empty() { Vec::new() } else { asked.copied().collect() };
                others.retain(|&other| members[other].router != member.router);
                others.sort_unstable();
                others.dedup();
                // Whoever passes routes on passes on one of an RD and prefix.
                let passed_on = |&other: &usize| {
                    let from = members[other].device;
                    reached[other].contains_key(&member.device) && !links.leads(from, member.device)
                };
                if self.builder.family::<A>(vrf).import_paths > 1 && others.iter().any(passed_on) {
                    self.builder.family::<A>(vrf).import_paths = 1;
                    if let Some(paths) = devices[member.device].tables[table].family(A::FAMILY).import_paths {
                        let message = "routes come from a reflector, which passes on one of each RD and prefix";
                        self.report.warning(paths.place, message, "one path of each RD is imported");
                    }
                }
                let mut seen = Seen::default();
                for other in others {
                    match reached[other].get(&member.device) {
                        None => {
                            seen.hidden.push(members[other].loopback);
                            told.push(other);
                        }
                        Some(path) if path.is_empty() => inside = true,
                        Some(path) => {
                            outside = true;
                            seen.outside.entry(path.clone()).or_default().push(members[other].loopback);
                        }
                    }
                }
                self.see::<A>(vrf, &seen, &devices[member.device]);
            }
            self.set_distances::<A>(member, inside, outside, &devices[member.device]);
            told.sort_unstable();
            told.dedup();
            if A::FAMILY == Family::Ipv4
                && let (Some(asn), [first, rest @ ..]) = (devices[member.device].asn, &told[..])
            {
                let name = self.builder.router_mut(members[*first].router).name.clone();
                let others = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
                self.report.warning(
                    asn.place,
                    format_args!("no session for VPN routes leads to router `{name}`{others}"),
                    "its routes do not come here",
                );
            }
        }
    }

    /// Has a VRF see other routers' routes as the sessions bring them: not at all, or with other ASes in their paths.
    fn see<A: Address>(&mut self, vrf: VrfId, seen: &Seen, device: &Device) {
        if seen.hidden.is_empty() && seen.outside.is_empty() {
            return;
        }
        let place = device.asn.map_or(device.tables[DEFAULT_TABLE].place, |asn| asn.place);
        let mut clauses = Vec::new();
        if !seen.hidden.is_empty() {
            let step = self.step(place, from(&seen.hidden), Vec::new(), None);
            clauses.push(Clause { then: Flow::Deny, passes: false, ..step });
        }
        for (path, loopbacks) in &seen.outside {
            // A preference stays in its AS.
            let actions = vec![Action::Prepend(path.clone()), Action::LocalPreference(Change::Set(100))];
            let step = self.step(place, from(loopbacks), actions, None);
            clauses.push(Clause { then: Flow::Next, passes: false, ..step });
        }
        let before = self.builder.family::<A>(vrf).import_map;
        let rest = before.map(|before| super::crossing::asks(before, Flow::Deny));
        clauses.push(self.step(place, Condition::Always, Vec::new(), rest));
        let map = self.composed("what sessions for VPN routes bring", clauses, place);
        self.builder.family::<A>(vrf).import_map = map;
    }

    /// Gives a router that hears of other ASes alone the distance of eBGP for what comes from other routers.
    fn set_distances<A: Address>(&mut self, member: &Member, inside: bool, outside: bool, device: &Device) {
        if !outside {
            return;
        }
        if !inside {
            let distances = &mut self.builder.router_mut(member.router).dialect.bgp_distances;
            distances[1] = distances[0];
        } else if let Some(asn) = device.asn.filter(|_| A::FAMILY == Family::Ipv4) {
            let message = "VPN routes of other ASes beside those of its own";
            self.report.warning(asn.place, message, "all of them are taken as from iBGP in distance and selection");
        }
    }
}

/// Returns the condition that a route comes from one of the routers with these addresses.
fn from(loopbacks: &[IpAddr]) -> Condition {
    let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
    for loopback in loopbacks {
        match loopback {
            IpAddr::V4(address) => ipv4.push(PrefixEntry::new(true, Prefix::host(address.to_bits()), 32, 32)),
            IpAddr::V6(address) => ipv6.push(PrefixEntry::new(true, Prefix::host(address.to_bits()), 128, 128)),
        }
    }
    Condition::NextHop(PrefixList::new("routers", ipv4, ipv6).into())
}
