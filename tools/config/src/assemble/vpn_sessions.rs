//! Sessions for VPN routes between routers, and which routers' VPN routes reach which.
//!
//! What a router learns inside its AS it passes on inside it only as a reflector (RFC 4456): a client's routes to all, the
//! others' to clients. What it learns from another AS, or tells another AS, it passes on. An address that no
//! configuration has is taken for a reflector: all that have a session with it hear of each other.

use std::net::IpAddr;

use ahash::{AHashMap, AHashSet};
use vrfleak_engine::policy::{Clause, Condition, Flow, PrefixEntry, PrefixList};
use vrfleak_engine::{Address, Family, Prefix, RouterId, VrfId};

use super::router_id::exchanges_vpn;
use super::session::{Addresses, End, tables_by_address};
use super::{Assembly, Ids};
use crate::device::{DEFAULT_TABLE, Device};

/// How many routers may have VRFs for sessions to count; with more every router hears of every other.
const MAX_ROUTERS: usize = 4096;

/// How a router heard of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum From {
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

/// The sessions of one family, by the sending device; devices that are not given stand behind all that are.
#[derive(Debug)]
struct Links {
    by_device: Vec<Vec<Link>>,
    given: usize,
}

impl Links {
    fn new(devices: &[Device], addresses: &Addresses, family: Family) -> Self {
        let mut links = Self { by_device: vec![Vec::new(); devices.len()], given: devices.len() };
        let mut others: AHashMap<IpAddr, usize> = AHashMap::new();
        for (at, device) in devices.iter().enumerate() {
            for neighbor in &device.tables[DEFAULT_TABLE].bgp.neighbors {
                let end = End { at: (at, DEFAULT_TABLE), device, neighbor };
                let Ok(address) = neighbor.name.parse::<IpAddr>() else { continue };
                if !exchanges_vpn(device, neighbor, family) || end.is_shut_down() {
                    continue;
                }
                let to_client = end.setting(|neighbor| neighbor.reflected).unwrap_or(false);
                let found = addresses.get(&address).map_or(&[][..], Vec::as_slice);
                if found.is_empty() {
                    let to = *others.entry(address).or_insert(links.by_device.len());
                    links.by_device.resize_with(links.by_device.len().max(to + 1), Vec::new);
                    let link = Link { to, internal: true, to_client, from_client: true };
                    links.by_device[at].push(link);
                    links.by_device[to].push(Link { to: at, to_client: true, from_client: to_client, ..link });
                }
                let there = found.iter().filter(|there| there.1 == DEFAULT_TABLE && there.0 != at);
                let far = there.filter_map(|&there| end.far_end(&devices[there.0], there, addresses));
                let mut far = far.filter(|far| exchanges_vpn(far.device, far.neighbor, family) && !far.is_shut_down());
                if let Some(far) = far.next() {
                    let from_client = far.setting(|neighbor| neighbor.reflected).unwrap_or(false);
                    let internal = end.asn() == far.asn();
                    links.by_device[at].push(Link { to: far.at.0, internal, to_client, from_client });
                }
            }
        }
        links
    }

    /// Returns the devices that hear of the VPN routes of device `origin`.
    fn reached(&self, origin: usize) -> AHashSet<usize> {
        let mut reached = AHashSet::new();
        let mut seen: AHashSet<(usize, From)> = AHashSet::new();
        // What a router has itself goes to everybody, as what comes from outside does.
        let mut waiting = vec![(origin, From::Outside)];
        while let Some((at, from)) = waiting.pop() {
            for link in &self.by_device[at] {
                let passes = match from {
                    From::Outside | From::Client => true,
                    From::Inside => !link.internal || link.to_client,
                };
                let heard = match link {
                    Link { internal: false, .. } => From::Outside,
                    Link { from_client: true, .. } => From::Client,
                    _ => From::Inside,
                };
                if passes && link.to != origin && seen.insert((link.to, heard)) {
                    if link.to < self.given {
                        reached.insert(link.to);
                    }
                    waiting.push((link.to, heard));
                }
            }
        }
        reached
    }
}

/// A router of the network and its device.
#[derive(Clone, Debug)]
struct Member {
    device: usize,
    router: RouterId,
    loopback: IpAddr,
    vrfs: Vec<VrfId>,
}

impl Assembly<'_, '_> {
    /// Keeps VPN routes from routers that no session brings them to.
    pub(super) fn keep_apart(&mut self, devices: &[Device], ids: &[Option<Ids>]) {
        let members: Vec<Member> =
            ids.iter().enumerate().filter_map(|(at, ids)| self.member(at, ids.as_ref()?)).collect();
        if members.len() < 2 || members.len() > MAX_ROUTERS {
            return;
        }
        let addresses = tables_by_address(devices);
        self.keep_family_apart::<u32>(&members, &Links::new(devices, &addresses, Family::Ipv4), devices);
        self.keep_family_apart::<u128>(&members, &Links::new(devices, &addresses, Family::Ipv6), devices);
    }

    fn member(&mut self, device: usize, ids: &Ids) -> Option<Member> {
        let vrfs: Vec<VrfId> = ids.vrfs.iter().copied().flatten().collect();
        let router = self.builder.vrf_mut(*vrfs.first()?).router;
        let loopback = self.builder.router_mut(router).loopback;
        Some(Member { device, router, loopback, vrfs })
    }

    fn keep_family_apart<A: Address>(&mut self, members: &[Member], links: &Links, devices: &[Device]) {
        let reached: Vec<AHashSet<usize>> = members.iter().map(|member| links.reached(member.device)).collect();
        // Who exports a target, and whose maps may set any.
        let mut exporters = AHashMap::new();
        let mut any: AHashSet<usize> = AHashSet::new();
        for (at, member) in members.iter().enumerate() {
            for &vrf in &member.vrfs {
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
            for &vrf in &member.vrfs {
                let import = self.builder.family::<A>(vrf).import.clone();
                let asked = import.iter().filter_map(|target| exporters.get(target)).flatten().chain(&any);
                let mut hidden: Vec<usize> = if import.is_empty() { Vec::new() } else { asked.copied().collect() };
                hidden.retain(|&other| {
                    members[other].router != member.router && !reached[other].contains(&member.device)
                });
                hidden.sort_unstable();
                hidden.dedup();
                if !hidden.is_empty() {
                    let loopbacks: Vec<IpAddr> = hidden.iter().map(|&other| members[other].loopback).collect();
                    self.hide::<A>(vrf, &loopbacks, &devices[member.device]);
                    told.extend(hidden);
                }
            }
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

    /// Keeps a VRF from importing what routers with these addresses export.
    fn hide<A: Address>(&mut self, vrf: VrfId, loopbacks: &[IpAddr], device: &Device) {
        let place = device.asn.map_or(device.tables[DEFAULT_TABLE].place, |asn| asn.place);
        let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
        for loopback in loopbacks {
            match loopback {
                IpAddr::V4(address) => ipv4.push(PrefixEntry::new(true, Prefix::host(address.to_bits()), 32, 32)),
                IpAddr::V6(address) => ipv6.push(PrefixEntry::new(true, Prefix::host(address.to_bits()), 128, 128)),
            }
        }
        let hops = Condition::NextHop(PrefixList::new("routers without a session", ipv4, ipv6).into());
        let before = self.builder.family::<A>(vrf).import_map;
        let deny = Clause { then: Flow::Deny, ..self.step(place, hops, Vec::new(), None) };
        let rest = before.map(|before| super::crossing::asks(before, Flow::Deny));
        let rest = self.step(place, Condition::Always, Vec::new(), rest);
        let map = self.composed("of routers with a session", vec![deny, rest], place);
        self.builder.family::<A>(vrf).import_map = map;
    }
}
