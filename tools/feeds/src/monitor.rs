//! [`Monitor`]: what routers tell over BMP, kept as the last state of each of their peers.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ahash::{AHashMap, AHashSet};
use netgauze_bgp_pkt::BgpMessage;
use netgauze_bgp_pkt::capabilities::{AddPathAddressFamily, BgpCapability};
use netgauze_bgp_pkt::open::BgpOpenMessage;
use netgauze_bgp_pkt::update::BgpUpdateMessage;
use netgauze_bgp_pkt::wire::deserializer::BgpParsingContext;
use netgauze_bmp_pkt::v3::{InitiationInformation, InitiationMessage, PeerUpNotificationMessage};
use netgauze_bmp_pkt::wire::deserializer::BmpParsingContext;
use netgauze_bmp_pkt::{BmpPeerType, PeerHeader};
use netgauze_parse_utils::reader::SliceReader;
use netgauze_parse_utils::traits::{ParseFrom, ParseFromWithOneInput};
use vrfleak_engine::{Address, Attributes, Kind, Label, PerFamily, Rd};

use crate::changes::{Announced, Changes, Nlri, Origin};
use crate::feed::Counts;
use crate::framing::COMMON_HEADER;
use crate::route::{SiteRoute, View, VpnRoute};
use crate::update;

/// What all monitored routers told so far.
#[derive(Debug, Default)]
pub(crate) struct Monitor {
    routers: Vec<MonitoredRouter>,
    router_ids: AHashMap<RouterKey, usize>,
    interned: AHashSet<Arc<Attributes>>,
    /// Room for the routes of the message at hand.
    changes: Changes,
    pub(crate) counts: Counts,
    /// The number of the first message that is not understood, from 1 on, and why.
    pub(crate) first_mistake: Option<(u64, String)>,
}

/// Which router a session is from: the address that it comes from, where a capture says so, and the name that it gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct RouterKey {
    address: Option<IpAddr>,
    name: Arc<str>,
}

/// A BMP session: one stream from one router.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    address: Option<IpAddr>,
    router: Option<usize>,
}

impl Session {
    /// Returns the session of a stream from `address`.
    pub(crate) fn new(address: Option<IpAddr>) -> Self {
        Self { address, router: None }
    }
}

#[derive(Debug)]
struct MonitoredRouter {
    name: Arc<str>,
    /// Its identifier, from the first OPEN that it sent.
    id: Option<Ipv4Addr>,
    peers: Vec<Peer>,
    peer_ids: AHashMap<PeerId, usize>,
}

/// A peer of a monitored router: type, distinguisher, address.
type PeerId = (u8, Option<Rd>, Option<IpAddr>);

#[derive(Debug)]
struct Peer {
    header: PeerHeader,
    /// The identifier and AS of the monitored router itself, from the OPEN that it sent.
    local: Option<(Ipv4Addr, u32)>,
    /// How to read what it sends and what it is sent.
    contexts: [BgpParsingContext; 2],
    routes: PerFamily<Paths>,
    /// Whether a view after the policies was seen, by family.
    post_policy: [bool; 2],
}

#[derive(Debug)]
enum Paths {}

impl Kind for Paths {
    type Of<A: Address> = AHashMap<Nlri<A>, Path>;
}

#[derive(Clone, Debug)]
struct Path {
    next_hop: IpAddr,
    label: Option<Label>,
    originator: Option<Ipv4Addr>,
    attributes: Arc<Attributes>,
}

/// The types of messages (RFC 7854 section 4.1).
const ROUTE_MONITORING: u8 = 0;
const PEER_DOWN: u8 = 2;
const PEER_UP: u8 = 3;
const INITIATION: u8 = 4;

impl Monitor {
    /// Takes a whole message, its common header included.
    pub(crate) fn message(&mut self, session: &mut Session, message: &[u8]) {
        self.counts.messages += 1;
        let body = SliceReader::new(message.get(COMMON_HEADER..).unwrap_or_default());
        let done = match message.get(COMMON_HEADER - 1) {
            Some(&ROUTE_MONITORING) => self.route_monitoring(session, body),
            Some(&PEER_DOWN) => self.peer_down(session, body),
            Some(&PEER_UP) => self.peer_up(session, body),
            Some(&INITIATION) => self.initiation(session, body),
            // Statistics, mirrored messages and the end of a session change no route.
            _ => Ok(()),
        };
        if let Err(mistake) = done {
            self.counts.mistakes += 1;
            let number = self.counts.messages;
            self.first_mistake.get_or_insert((number, mistake));
        }
    }

    /// A session begins: what this router said before is over.
    fn initiation(&mut self, session: &mut Session, mut body: SliceReader<'_>) -> Result<(), String> {
        let message = InitiationMessage::parse(&mut body).map_err(text)?;
        let name = message.information().iter().find_map(|information| match information {
            InitiationInformation::SystemName(name) => Some(&**name),
            _ => None,
        });
        let index = self.router(session.address, name.unwrap_or_default());
        let router = &mut self.routers[index];
        router.peers.clear();
        router.peer_ids.clear();
        session.router = Some(index);
        Ok(())
    }

    fn peer_up(&mut self, session: &mut Session, body: SliceReader<'_>) -> Result<(), String> {
        let header = PeerHeader::parse(&mut body.clone()).map_err(text)?;
        let header_type = header.peer_type();
        let peer = self.peer(session, &header);
        // Several Peer Ups may stand for one Loc-RIB, one a family (RFC 9069 section 6.1.1).
        if !matches!(header_type, BmpPeerType::LocRibInstancePeer { .. }) {
            peer.reset(header);
        }
        let mut context = BmpParsingContext::default();
        let message = PeerUpNotificationMessage::parse(&mut body.clone(), &mut context).map_err(text)?;
        if let (BgpMessage::Open(sent), BgpMessage::Open(received)) =
            (message.sent_message(), message.received_message())
        {
            peer.local = Some((sent.bgp_id(), sent.my_asn4()));
            peer.contexts = contexts(sent, received);
            if let (Some(router), BmpPeerType::GlobalInstancePeer { .. }) = (session.router, header_type) {
                self.routers[router].id.get_or_insert(sent.bgp_id());
            }
        }
        Ok(())
    }

    fn peer_down(&mut self, session: &mut Session, mut body: SliceReader<'_>) -> Result<(), String> {
        let header = PeerHeader::parse(&mut body).map_err(text)?;
        self.counts.peers_down += 1;
        self.peer(session, &header).reset(header);
        Ok(())
    }

    fn route_monitoring(&mut self, session: &mut Session, mut body: SliceReader<'_>) -> Result<(), String> {
        let header = PeerHeader::parse(&mut body).map_err(text)?;
        let view = view(header.peer_type());
        let peer = self.peer(session, &header);
        let context = &mut peer.contexts[usize::from(view == View::AdjRibOut)];
        context.set_asn4(header.is_asn4());
        let message = BgpMessage::parse(&mut body, context).map_err(text)?;
        if !body.is_empty() {
            return Err(format!("{} bytes behind the BGP message", body.remaining()));
        }
        let BgpMessage::Update(update) = message else { return Err("no UPDATE in a route monitoring message".into()) };
        self.update(session, &header, view, &update);
        Ok(())
    }

    fn update(&mut self, session: &mut Session, header: &PeerHeader, view: View, update: &BgpUpdateMessage) {
        // Unicast routes of a VRF's peers are those of its CEs; what it sends them is not, nor is what it has made of all.
        let site = match header.peer_type() {
            BmpPeerType::RdInstancePeer { .. } if view != View::AdjRibOut => header.rd().map(update::rd),
            _ => None,
        };
        let mut changes = std::mem::take(&mut self.changes);
        changes.read(update, Origin { view, site });
        self.counts.others += changes.others;
        let local_asn = self.peer(session, header).local.map(|(_, asn)| asn);
        let announces = !(changes.families.ipv4.announced.is_empty() && changes.families.ipv6.announced.is_empty());
        let path = announces.then(|| {
            let mut read = update::attributes(update);
            if site.is_some() {
                // The targets of a CE's route are its VRF's.
                let none = read.attributes.route_targets.as_ref().is_none_or(|targets| targets.is_empty());
                read.attributes.route_targets = read.attributes.route_targets.filter(|_| !none);
                read.attributes.internal = local_asn == Some(header.peer_as());
            }
            (read.originator, self.intern(read.attributes))
        });
        let (withdrawn, announced) = {
            let peer = self.peer(session, header);
            let path = path.as_ref().map(|(originator, attributes)| (*originator, attributes));
            peer.apply::<u32>(view, &changes, path);
            peer.apply::<u128>(view, &changes, path);
            let PerFamily { ipv4, ipv6 } = &changes.families;
            (ipv4.withdrawn.len() + ipv6.withdrawn.len(), ipv4.announced.len() + ipv6.announced.len())
        };
        self.counts.withdrawn += withdrawn as u64;
        self.counts.announced += announced as u64;
        self.changes = changes;
    }

    fn intern(&mut self, attributes: Attributes) -> Arc<Attributes> {
        if let Some(there) = self.interned.get(&attributes) {
            return Arc::clone(there);
        }
        let new = Arc::new(attributes);
        self.interned.insert(Arc::clone(&new));
        new
    }

    /// Returns the position of the router of this address and name.
    fn router(&mut self, address: Option<IpAddr>, name: &str) -> usize {
        let name: Arc<str> = name.into();
        let routers = &mut self.routers;
        *self.router_ids.entry(RouterKey { address, name: Arc::clone(&name) }).or_insert_with(|| {
            routers.push(MonitoredRouter { name, id: None, peers: Vec::new(), peer_ids: AHashMap::new() });
            routers.len() - 1
        })
    }

    fn peer(&mut self, session: &mut Session, header: &PeerHeader) -> &mut Peer {
        let index = session.router.unwrap_or_else(|| self.router(session.address, ""));
        session.router = Some(index);
        let MonitoredRouter { peers, peer_ids, .. } = &mut self.routers[index];
        let id = (header.peer_type().get_type() as u8, header.rd().map(update::rd), header.address());
        let peer = *peer_ids.entry(id).or_insert_with(|| {
            peers.push(Peer::new(header.clone()));
            peers.len() - 1
        });
        &mut peers[peer]
    }

    /// Returns what stands at the end, in no particular order.
    pub(crate) fn routes<A: Address>(&self) -> (Vec<VpnRoute<A>>, Vec<SiteRoute<A>>) {
        let mut vpn = Vec::new();
        let mut sites = Vec::new();
        for router in &self.routers {
            for peer in &router.peers {
                let hidden = |nlri: &Nlri<A>| nlri.view == View::PrePolicy && peer.post_policy[A::FAMILY as usize];
                // In hash order: they are sorted before anybody sees them.
                for (nlri, path) in peer.routes.get::<A>() {
                    if hidden(nlri) {
                        continue;
                    }
                    let attributes = Arc::clone(&path.attributes);
                    let Nlri { view, rd, prefix, .. } = *nlri;
                    if nlri.vpn {
                        let Some(pe) = peer.origin(path.next_hop, router.id) else { continue };
                        let (router_id, asn) = (peer.router_id(path), peer.header.peer_as());
                        vpn.push(VpnRoute { pe, rd, prefix, label: path.label, attributes, router_id, asn, view });
                    } else {
                        let router_id = peer.local.map(|(id, _)| id);
                        let (router_name, next_hop) = (Arc::clone(&router.name), path.next_hop);
                        sites.push(SiteRoute { router_id, router_name, rd, prefix, next_hop, attributes, view });
                    }
                }
            }
        }
        (vpn, sites)
    }
}

impl Peer {
    fn new(header: PeerHeader) -> Self {
        Self {
            header,
            local: None,
            contexts: Default::default(),
            routes: PerFamily::default(),
            post_policy: [false; 2],
        }
    }

    /// Forgets everything: the session with the peer begins or ends.
    fn reset(&mut self, header: PeerHeader) {
        *self = Self::new(header);
    }

    /// Does what an UPDATE says to the routes of one family; `path` is what it says of those that it announces.
    fn apply<A: Address>(&mut self, view: View, changes: &Changes, path: Option<(Option<Ipv4Addr>, &Arc<Attributes>)>) {
        let changes = changes.families.get::<A>();
        let routes = self.routes.get_mut::<A>();
        self.post_policy[A::FAMILY as usize] |= changes.named && view == View::PostPolicy;
        for nlri in &changes.withdrawn {
            routes.remove(nlri);
        }
        let Some((originator, attributes)) = path else { return };
        for announced in &changes.announced {
            let Announced { nlri, next_hop, label } = *announced;
            routes.insert(nlri, Path { next_hop, label, originator, attributes: Arc::clone(attributes) });
        }
    }

    /// Returns the router that announces a route with this next hop: the monitored one where the next hop says nothing.
    fn origin(&self, next_hop: IpAddr, router: Option<Ipv4Addr>) -> Option<IpAddr> {
        if !next_hop.is_unspecified() {
            return Some(next_hop);
        }
        let own = match self.header.peer_type() {
            BmpPeerType::LocRibInstancePeer { .. } => Some(self.header.bgp_id()),
            _ => self.local.map(|(id, _)| id),
        };
        let own = own.or(router);
        own.filter(|id| !id.is_unspecified()).map(IpAddr::V4)
    }

    fn router_id(&self, path: &Path) -> Option<Ipv4Addr> {
        let peer = (self.header.address() == Some(path.next_hop)).then(|| self.header.bgp_id());
        path.originator.or(peer)
    }
}

fn view(peer: BmpPeerType) -> View {
    match peer {
        BmpPeerType::GlobalInstancePeer { adj_rib_out: true, .. }
        | BmpPeerType::RdInstancePeer { adj_rib_out: true, .. }
        | BmpPeerType::LocalInstancePeer { adj_rib_out: true, .. } => View::AdjRibOut,
        BmpPeerType::GlobalInstancePeer { post_policy: true, .. }
        | BmpPeerType::RdInstancePeer { post_policy: true, .. }
        | BmpPeerType::LocalInstancePeer { post_policy: true, .. } => View::PostPolicy,
        BmpPeerType::LocRibInstancePeer { .. } => View::LocRib,
        _ => View::PrePolicy,
    }
}

/// Returns how to read what a peer sends and what it is sent, from the capabilities that both said in their OPENs.
///
/// Path identifiers are there for a family where the one who sends said that it sends them and the other that it
/// receives them (RFC 7911 section 4); several labels, where both said so (RFC 8277 section 2.1).
fn contexts(sent: &BgpOpenMessage, received: &BgpOpenMessage) -> [BgpParsingContext; 2] {
    let paths = |open: &BgpOpenMessage| {
        let mut flags = Vec::new();
        for capability in open.capabilities() {
            if let BgpCapability::AddPath(families) = capability {
                let of = |family: &AddPathAddressFamily| (family.address_type(), family.send(), family.receive());
                flags.extend(families.address_families().iter().map(of));
            }
        }
        flags
    };
    let labels = |open: &BgpOpenMessage| {
        let mut counts = Vec::new();
        for capability in open.capabilities() {
            if let BgpCapability::MultipleLabels(families) = capability {
                counts.extend(families.iter().map(|family| (family.address_type(), family.count())));
            }
        }
        counts
    };
    let (ours, theirs) = (paths(sent), paths(received));
    let (our_labels, their_labels) = (labels(sent), labels(received));
    let mut contexts = <[BgpParsingContext; 2]>::default();
    for &(family, send, receive) in &ours {
        let Some(&(_, they_send, they_receive)) = theirs.iter().find(|(other, ..)| *other == family) else { continue };
        contexts[0].add_path_mut().insert(family, they_send && receive);
        contexts[1].add_path_mut().insert(family, send && they_receive);
    }
    for &(family, count) in our_labels.iter().filter(|row| their_labels.contains(row)) {
        for context in &mut contexts {
            context.multiple_labels_mut().insert(family, count);
        }
    }
    contexts
}

/// Returns what is wrong with a message, without its place in it.
fn text(error: impl fmt::Display) -> String {
    error.to_string()
}
