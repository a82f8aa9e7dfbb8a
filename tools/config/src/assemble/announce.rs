//! Routes that neighbours announce: what a table puts into BGP or learned itself, through its policy outward and the
//! receiving table's policy inward.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use ahash::AHashMap;
use ipnet::IpNet;
use vrfleak_bench_data::{Place, RouteOrigin};
use vrfleak_engine::{
    Address, Attributes, Family, Leak, NetworkBuilder, NextHopKind, OriginCode, Prefix, Protocol, SourceRoute, VrfId,
};

use super::imported::{Imported, best_imported, importers, without_med};
use super::policy::Offered;
use super::routes::{Origin, family_of, networks};
use super::session::{Session, TableAt};
use super::{Assembly, Ids};
use crate::device::{DEFAULT_TABLE, Device, PrivateAs, StaticTarget};
use crate::dialect::Format;
use crate::place::Located;

/// How many tables a route may pass on its way to a VRF.
const MAX_HOPS: usize = 16;

/// How often what the VRFs import is computed anew because their neighbours announced something else.
const MAX_ROUNDS: usize = 16;

/// What each session brings, by its position.
type Learned<A> = Vec<BTreeMap<Prefix<A>, Attributes>>;

impl Assembly<'_, '_> {
    /// Adds what the neighbours of all VRFs announce to them. A VRF announces what it imported as well, so the leak is
    /// computed from what is announced, and what is announced from the leak, until nothing changes.
    pub(super) fn learn(&mut self, devices: &[Device], ids: &[Option<Ids>]) {
        let sessions = self.sessions(devices, ids);
        let Some(first) = sessions.first() else { return };
        let importers = importers(&sessions, ids, &mut self.builder);
        let mut imported = (Imported::default(), Imported::default());
        for round in 0.. {
            let learned = (
                self.learn_family::<u32>(&sessions, &imported.0, ids),
                self.learn_family::<u128>(&sessions, &imported.1, ids),
            );
            let next = if importers.is_empty() || self.report.errors() > 0 {
                None
            } else {
                let mut trial = self.builder.clone();
                install::<u32>(&mut trial, &sessions, &learned.0, ids);
                install::<u128>(&mut trial, &sessions, &learned.1, ids);
                // A mistake in the model is told when the network is built in the end.
                trial.build().ok().map(|network| {
                    let leak = Leak::new(&network);
                    (best_imported(&network, &leak, &importers), best_imported(&network, &leak, &importers))
                })
            };
            let settled = next.as_ref().is_none_or(|next| *next == imported);
            if !settled && round == MAX_ROUNDS {
                let place = first.here.neighbor.place;
                let message = "what this neighbour and others announce to each other does not settle";
                self.report.warning(place, message, format_args!("taken as after {MAX_ROUNDS} rounds"));
            }
            if settled || round == MAX_ROUNDS {
                self.warn_of_limits::<u32>(&sessions, &learned.0, ids);
                self.warn_of_limits::<u128>(&sessions, &learned.1, ids);
                self.remember::<u32>(&sessions, &learned.0, ids);
                self.remember::<u128>(&sessions, &learned.1, ids);
                install::<u32>(&mut self.builder, &sessions, &learned.0, ids);
                install::<u128>(&mut self.builder, &sessions, &learned.1, ids);
                return;
            }
            imported = next.unwrap_or_default();
        }
    }

    fn learn_family<A: Address>(
        &mut self,
        sessions: &[Session<'_>],
        imported: &Imported<A>,
        ids: &[Option<Ids>],
    ) -> Learned<A> {
        let mut learned: Learned<A> = vec![BTreeMap::new(); sessions.len()];
        for _ in 0..MAX_HOPS {
            let next: Learned<A> =
                sessions.iter().map(|session| self.received(session, sessions, &learned, imported, ids)).collect();
            if next == learned {
                break;
            }
            learned = next;
        }
        learned
    }

    /// Remembers where what the sessions bring is written.
    fn remember<A: Address>(&mut self, sessions: &[Session<'_>], learned: &Learned<A>, ids: &[Option<Ids>]) {
        for (session, routes) in sessions.iter().zip(learned).filter(|(session, routes)| !is_torn_down(session, routes))
        {
            let Some(vrf) = vrf_of(session, ids) else { continue };
            let places = own_places::<A>(session.there.device, session.there.at);
            let gateway = Some(session.address);
            let origin = &mut self.provenance.vrfs[vrf.index()];
            let neighbor = (gateway, session.here.neighbor.place);
            if !origin.neighbors.contains(&neighbor) {
                origin.neighbors.push(neighbor);
            }
            let placed = routes.keys().filter_map(|prefix| Some((prefix.to_net(), *places.get(&prefix.to_net())?)));
            let routes = placed.map(|(prefix, place)| RouteOrigin { prefix, gateway, place });
            origin.families[A::FAMILY as usize].ce_routes.extend(routes);
        }
    }

    /// Warns of neighbours that announce more than they may.
    fn warn_of_limits<A: Address>(&mut self, sessions: &[Session<'_>], learned: &Learned<A>, ids: &[Option<Ids>]) {
        for (session, routes) in sessions.iter().zip(learned) {
            if vrf_of(session, ids).is_some() && is_torn_down(session, routes) {
                self.report.warning(
                    session.here.neighbor.place,
                    format_args!("{} {} prefixes come from this neighbour", routes.len(), A::FAMILY),
                    "more than its maximum: the session is torn down",
                );
            }
        }
    }

    /// Returns what comes in over a session.
    fn received<A: Address>(
        &mut self,
        session: &Session<'_>,
        sessions: &[Session<'_>],
        learned: &Learned<A>,
        imported: &Imported<A>,
        ids: &[Option<Ids>],
    ) -> BTreeMap<Prefix<A>, Attributes> {
        let family = A::FAMILY;
        let (here, there) = (session.here, session.there);
        let mut received = BTreeMap::new();
        let (true, Some(own_asn), Some(asn)) = (session.families[family as usize], here.asn(), there.asn()) else {
            return received;
        };
        let internal = session.is_internal();
        let policy = here.in_family(family, |family| family.policy_in.as_ref());
        let filters = here.in_family(family, |family| some(&family.filters_in)).unwrap_or_default();
        let weight = here.in_family(family, |family| family.weight).unwrap_or(0);
        let own_as_allowed = here.in_family(family, |family| family.allowas_in).unwrap_or(0);
        let vrf = ids[here.at.0].as_ref().and_then(|ids| ids.vrfs[here.at.1]);
        let targets = vrf.map(|vrf| self.builder.family::<A>(vrf).export.clone()).unwrap_or_default();
        let communities = match there.device.format {
            Format::Ios => there.in_family(family, |family| family.send_community).unwrap_or(false),
            Format::Xr => internal || there.in_family(family, |family| family.send_community).unwrap_or(false),
            Format::Frr | Format::Junos | Format::JunosSet => {
                there.in_family(family, |family| family.send_community).unwrap_or(true)
            }
        };
        let overrides = there.in_family(family, |family| family.as_override).unwrap_or(false);
        let private = there.in_family(family, |family| family.private_as);
        for (prefix, mut attributes) in self.announced::<A>(session, sessions, learned, imported) {
            let expected = here.shown_asn().unwrap_or(own_asn);
            if overrides {
                attributes.as_path.iter_mut().filter(|hop| **hop == expected).for_each(|hop| *hop = asn);
            }
            if let Some(private) = private.filter(|_| !internal) {
                attributes.as_path = without_private(&attributes.as_path, private, expected, asn);
            }
            // What stands before the path: the sender's AS, the one that it shows in its place, and what the receiver
            // puts before that.
            let own = (!internal && !there.local_as().is_some_and(|local| local.replaces)).then_some(asn);
            let shown = there.local_as().filter(|_| !internal).map(|local| local.asn);
            let ours = here.local_as().filter(|local| !internal && local.prepends).map(|local| local.asn);
            let mut attributes = sent(attributes, communities, internal, &[ours, shown, own]);
            attributes.internal = internal;
            attributes.weight = weight;
            let loops = attributes.as_path.iter().filter(|&&hop| hop == own_asn).count();
            if loops > usize::from(own_as_allowed) {
                continue;
            }
            let next_hop = Some(session.address);
            let route = Offered { prefix, protocol: Protocol::Bgp, interface: None, next_hop };
            if !self.passes(here.device, filters, route, &attributes) {
                continue;
            }
            if let Some(policy) = policy {
                match self.offer(here.device, policy, route, &attributes, &targets) {
                    Some(accepted) => attributes = accepted,
                    None => continue,
                }
            }
            received.insert(prefix, attributes);
        }
        received
    }

    /// Returns whether every list permits the route.
    fn passes<A: Address>(
        &mut self,
        device: &Device,
        filters: &[Located<String>],
        route: Offered<'_, A>,
        attributes: &Attributes,
    ) -> bool {
        filters.iter().all(|filter| self.offer(device, filter, route, attributes, &[]).is_some())
    }

    /// Returns what the sending end of a session announces: what it puts into BGP itself, else the best that it
    /// learned or imported, where its policy lets it pass.
    fn announced<A: Address>(
        &mut self,
        session: &Session<'_>,
        sessions: &[Session<'_>],
        learned: &Learned<A>,
        imported: &Imported<A>,
    ) -> BTreeMap<Prefix<A>, Attributes> {
        let end = session.there;
        let family = A::FAMILY;
        let policy = end.in_family(family, |family| family.policy_out.as_ref());
        let filters = end.in_family(family, |family| some(&family.filters_out)).unwrap_or_default();
        let mut announced = BTreeMap::new();
        // Junos sends what its policy accepts, whatever the protocol; without one, what it learned.
        let by_policy = matches!(end.device.format, Format::Junos | Format::JunosSet);
        let own = self.own::<A>(end.device, end.at);
        let imported = imported.get(&end.at);
        let is_imported = |prefix| imported.is_some_and(|imported| imported.contains_key(&prefix));
        for (&prefix, &(route, ref attributes)) in &own {
            if !by_policy && !attributes.redistribute.unwrap_or(false) || by_policy && policy.is_none() {
                continue;
            }
            if is_imported(prefix) {
                continue;
            }
            if !self.passes(end.device, filters, route, attributes) {
                continue;
            }
            let passed = match policy {
                Some(policy) => self.offer(end.device, policy, route, attributes, &[]),
                None => Some(attributes.clone()),
            };
            announced.extend(passed.map(|attributes| (prefix, attributes)));
        }
        for (prefix, attributes, from) in best_learned(session, sessions, learned) {
            let shadowed = own.get(&prefix).is_some_and(|(_, own)| own.redistribute == Some(true));
            // What came from inside the AS is not sent inside it again, and nothing goes back where it came from.
            if shadowed
                || is_imported(prefix)
                || attributes.internal && session.is_internal() && !end.reflects(family) && !from.here.reflects(family)
                || from.there.at == session.here.at
            {
                continue;
            }
            let next_hop = Some(from.address);
            let route = Offered { prefix, protocol: Protocol::Bgp, interface: None, next_hop };
            // A metric goes one AS far.
            let attributes = if session.is_internal() { attributes } else { without_med(attributes) };
            if !self.passes(end.device, filters, route, &attributes) {
                continue;
            }
            let passed = match policy {
                Some(policy) => self.offer(end.device, policy, route, &attributes, &[]),
                None => Some(attributes),
            };
            announced.extend(passed.map(|attributes| (prefix, attributes)));
        }
        for (&prefix, route) in imported.into_iter().flatten() {
            // Junos keeps the protocol of what comes from the same router, and sends by itself what came over BGP.
            let protocol = if by_policy { route.protocol } else { Protocol::Bgp };
            if policy.is_none() && protocol != Protocol::Bgp {
                continue;
            }
            let offered = Offered { prefix, protocol, interface: None, next_hop: route.next_hop };
            if !self.passes(end.device, filters, offered, &route.attributes) {
                continue;
            }
            let passed = match policy {
                Some(policy) => self.offer(end.device, policy, offered, &route.attributes, &[]),
                None => Some(route.attributes.clone()),
            };
            announced.extend(passed.map(|attributes| (prefix, attributes)));
        }
        if end.in_family(family, |family| family.default_originate) == Some(true) {
            announced.insert(Prefix::DEFAULT, Attributes { origin: OriginCode::Igp, ..Attributes::default() });
        }
        announced
    }

    /// Returns the best of a table's own routes for each prefix, and in its attributes whether it is put into BGP.
    fn own<'d, A: Address>(
        &mut self,
        device: &'d Device,
        (_, table): TableAt,
    ) -> BTreeMap<Prefix<A>, (Offered<'d, A>, Attributes)> {
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
                StaticTarget::Interface { name, .. } if is_down(device, &name.value) => continue,
                StaticTarget::Interface { name, gateway } => (Some(name.value.as_str()), *gateway),
                StaticTarget::Gateway { address, .. } => (None, Some(*address)),
                StaticTarget::Table(_) | StaticTarget::Discard => (None, None),
            };
            let offered = Offered { prefix, protocol: Protocol::Static, interface, next_hop };
            let attributes = Attributes { tag: route.tag, ..Attributes::default() };
            best.entry(prefix).or_insert((offered, attributes));
        }
        for (route, attributes) in best.values_mut() {
            let redistributed = match route.protocol {
                Protocol::Connected => config.connected.is_some(),
                _ => config.statics.is_some(),
            };
            *attributes = self.in_bgp(origin, &[], *route, attributes.clone());
            attributes.redistribute.get_or_insert(redistributed);
        }
        best
    }
}

/// Returns where each prefix of a table's own stands: as a `network` statement, a static route, or on an interface.
fn own_places<A: Address>(device: &Device, (_, table): TableAt) -> AHashMap<IpNet, Place> {
    let config = device.tables[table].family(A::FAMILY);
    let here = |vrf: &Option<Located<String>>| {
        vrf.as_ref().map_or(Some(DEFAULT_TABLE), |vrf| device.table_named(&vrf.value)) == Some(table)
    };
    let interfaces = device.interfaces.iter().filter(|interface| here(&interface.vrf));
    let addresses = interfaces.flat_map(|interface| &interface.addresses);
    // The one that says most about the route comes last.
    addresses
        .map(|address| (address.net.trunc(), address.place))
        .chain(config.routes.iter().map(|route| (route.prefix, route.place)))
        .chain(config.networks.iter().map(|network| (network.prefix, network.place)))
        .collect()
}

/// Returns the VRF that a session brings routes to.
fn vrf_of(session: &Session<'_>, ids: &[Option<Ids>]) -> Option<VrfId> {
    let (at, table) = session.here.at;
    ids[at].as_ref().and_then(|ids| ids.vrfs[table])
}

/// Returns whether more came over a session than may.
fn is_torn_down<A: Address>(session: &Session<'_>, routes: &BTreeMap<Prefix<A>, Attributes>) -> bool {
    let limit = session.here.in_family(A::FAMILY, |family| family.maximum_prefix);
    limit.is_some_and(|limit| routes.len() > limit as usize)
}

/// Adds what the sessions bring to the VRFs.
fn install<A: Address>(
    builder: &mut NetworkBuilder,
    sessions: &[Session<'_>],
    learned: &Learned<A>,
    ids: &[Option<Ids>],
) {
    for (session, routes) in sessions.iter().zip(learned).filter(|(session, routes)| !is_torn_down(session, routes)) {
        let Some(vrf) = vrf_of(session, ids) else { continue };
        let kind = NextHopKind::Gateway { address: session.address, interface: None };
        let next_hop = builder.next_hop(vrf, kind);
        for (&prefix, attributes) in routes {
            let attributes = builder.attributes(attributes.clone());
            builder.route(vrf, SourceRoute::new(prefix, Protocol::Bgp, attributes, next_hop));
        }
    }
}

fn some<T>(all: &[T]) -> Option<&[T]> {
    (!all.is_empty()).then_some(all)
}

fn is_down(device: &Device, interface: &str) -> bool {
    device.interface_named(interface).is_some_and(|index| device.interfaces[index].shutdown)
}

/// Returns the best route for each prefix of all that the sending end of a session learned itself, and the session that
/// brought it.
fn best_learned<'s, 'd, A: Address>(
    session: &Session<'_>,
    sessions: &'s [Session<'d>],
    learned: &Learned<A>,
) -> Vec<(Prefix<A>, Attributes, &'s Session<'d>)> {
    let mut best: BTreeMap<Prefix<A>, (&Attributes, &'s Session<'d>)> = BTreeMap::new();
    let preference = |attributes: &Attributes, from: &Session<'_>| {
        (
            Reverse((attributes.weight, attributes.local_preference)),
            (attributes.as_path.len(), attributes.origin, attributes.med, attributes.internal),
            from.address,
        )
    };
    for (from, routes) in sessions.iter().zip(learned).filter(|(from, _)| from.here.at == session.there.at) {
        for (&prefix, attributes) in routes {
            let better =
                best.get(&prefix).is_none_or(|&(first, other)| preference(attributes, from) < preference(first, other));
            if better {
                best.insert(prefix, (attributes, from));
            }
        }
    }
    best.into_iter().map(|(prefix, (attributes, from))| (prefix, attributes.clone(), from)).collect()
}

/// Returns a path without private ASes, as goes to a neighbour of the AS `to`, whose own stays for it to find a loop.
fn without_private(path: &[u32], how: PrivateAs, to: u32, own: u32) -> Box<[u32]> {
    let is_private = |asn: u32| matches!(asn, 64512..=65535 | 4_200_000_000..=4_294_967_294);
    if !how.all && !path.iter().all(|&asn| is_private(asn)) {
        return path.into();
    }
    let kept = |&asn: &u32| match asn {
        asn if !is_private(asn) || asn == to => Some(asn),
        _ => how.replaced.then_some(own),
    };
    path.iter().filter_map(kept).collect()
}

/// Returns the attributes as they arrive: with `before` in front of the path, without what does not leave a router.
fn sent(attributes: Attributes, communities: bool, internal: bool, before: &[Option<u32>]) -> Attributes {
    let default = Attributes::default();
    Attributes {
        as_path: before.iter().copied().flatten().chain(attributes.as_path.iter().copied()).collect(),
        local_preference: if internal { attributes.local_preference } else { default.local_preference },
        communities: if communities { attributes.communities } else { default.communities },
        weight: default.weight,
        tag: default.tag,
        redistribute: None,
        route_targets: None,
        distance: None,
        ..attributes
    }
}

/// Returns the largest number of times that a neighbour of the table lets the router's AS stand in a path.
pub(super) fn allowas_in(device: &Device, table: usize, family: Family) -> u32 {
    let neighbors = &device.tables[table].bgp.neighbors;
    let allowed = neighbors.iter().filter_map(|neighbor| neighbor.families[family as usize].allowas_in);
    u32::from(allowed.max().unwrap_or(0))
}
