//! BMP messages and captures, made with the encoder of the crate that also decodes them.
#![allow(dead_code, reason = "each test and bench takes what it needs")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netgauze_bgp_pkt::BgpMessage;
use netgauze_bgp_pkt::capabilities::{AddPathAddressFamily, AddPathCapability, BgpCapability, FourOctetAsCapability};
use netgauze_bgp_pkt::community::{Community, ExtendedCommunity, TransitiveTwoOctetExtendedCommunity as TwoOctet};
use netgauze_bgp_pkt::nlri::{
    Ipv4MplsVpnUnicastAddress, Ipv4Unicast, Ipv4UnicastAddress, Ipv6MplsVpnUnicastAddress, Ipv6Unicast,
    LabeledIpv4NextHop, LabeledIpv6NextHop, LabeledNextHop, MplsLabel, RouteDistinguisher,
};
use netgauze_bgp_pkt::open::{BgpOpenMessage, BgpOpenMessageParameter};
use netgauze_bgp_pkt::path_attribute::{
    As4PathSegment, AsPath, AsPathSegmentType, Communities, ExtendedCommunities, LocalPreference, MpReach, MpUnreach,
    NextHop, Origin, Originator, PathAttribute, PathAttributeValue,
};
use netgauze_bgp_pkt::update::BgpUpdateMessage;
use netgauze_bmp_pkt::v3::{
    BmpMessageValue, InitiationInformation, InitiationMessage, PeerDownNotificationMessage, PeerDownNotificationReason,
    PeerUpNotificationMessage, RouteMonitoringMessage,
};
use netgauze_bmp_pkt::{BmpMessage, BmpPeerType, PeerHeader};
use netgauze_iana::address_family::AddressType;
use netgauze_parse_utils::WritablePdu;

/// The type of the peers: after the policies or before.
pub(crate) fn global(post_policy: bool) -> BmpPeerType {
    BmpPeerType::GlobalInstancePeer { ipv6: false, post_policy, asn2: false, adj_rib_out: false }
}

/// A peer of the core.
pub(crate) fn peer(kind: BmpPeerType, address: [u8; 4]) -> PeerHeader {
    PeerHeader::new(kind, None, Some(address.into()), 65000, address.into(), None)
}

/// A CE of the VRF of an RD.
pub(crate) fn ce(rd: RouteDistinguisher, address: [u8; 4], asn: u32) -> PeerHeader {
    let kind = BmpPeerType::RdInstancePeer { ipv6: false, post_policy: false, asn2: false, adj_rib_out: false };
    PeerHeader::new(kind, Some(rd), Some(address.into()), asn, address.into(), None)
}

/// The RD 65000:`number`.
pub(crate) fn rd(number: u32) -> RouteDistinguisher {
    RouteDistinguisher::As2Administrator { asn2: 65000, number }
}

/// The bytes of a message.
pub(crate) fn bytes(message: BmpMessageValue) -> Vec<u8> {
    let mut bytes = Vec::new();
    BmpMessage::V3(message).write(&mut bytes).expect("the encoder takes what it was made for");
    bytes
}

/// A router of this name begins.
pub(crate) fn initiation(name: &str) -> Vec<u8> {
    let information = vec![InitiationInformation::SystemName(name.into())];
    bytes(BmpMessageValue::Initiation(InitiationMessage::new(information)))
}

/// A session of the router `id` in AS 65000 with a peer begins; the peer sends several paths of VPNv4 on demand.
pub(crate) fn peer_up(header: PeerHeader, id: [u8; 4], several_paths: bool) -> Vec<u8> {
    let open = |id: Ipv4Addr, asn: u32, sends: bool| {
        let family = AddPathAddressFamily::new(AddressType::Ipv4MplsLabeledVpn, sends, !sends);
        let mut capabilities = vec![BgpCapability::FourOctetAs(FourOctetAsCapability::new(asn))];
        if several_paths {
            capabilities.push(BgpCapability::AddPath(AddPathCapability::new(vec![family])));
        }
        let parameters = vec![BgpOpenMessageParameter::Capabilities(capabilities.into())];
        BgpMessage::Open(BgpOpenMessage::new(23456, 180, id, parameters))
    };
    let sent = open(id.into(), 65000, false);
    let received = open(header.bgp_id(), header.peer_as(), true);
    let local = Some(IpAddr::from(id));
    let message = PeerUpNotificationMessage::build(header, local, Some(179), Some(50000), sent, received, vec![])
        .expect("two OPENs");
    bytes(BmpMessageValue::PeerUpNotification(message))
}

/// The session with a peer ends.
pub(crate) fn peer_down(header: PeerHeader) -> Vec<u8> {
    let message = PeerDownNotificationMessage::build(header, PeerDownNotificationReason::RemoteSystemClosedNoData)
        .expect("a reason without a message");
    bytes(BmpMessageValue::PeerDownNotification(message))
}

/// What a peer said.
pub(crate) fn monitoring(header: PeerHeader, attributes: Vec<PathAttribute>) -> Vec<u8> {
    let update = BgpMessage::Update(BgpUpdateMessage::new(vec![], attributes, vec![]));
    let message = RouteMonitoringMessage::build(header, update).expect("an UPDATE");
    bytes(BmpMessageValue::RouteMonitoring(message))
}

/// A unicast route that a CE announces with itself as next hop.
pub(crate) fn ce_route(header: PeerHeader, prefix: &str) -> Vec<u8> {
    let Some(IpAddr::V4(next_hop)) = header.address() else { panic!("a CE has an IPv4 address here") };
    let path = As4PathSegment::new(AsPathSegmentType::AsSequence, vec![header.peer_as()]);
    let attributes = vec![
        attribute(PathAttributeValue::Origin(Origin::IGP)),
        attribute(PathAttributeValue::AsPath(AsPath::as4_path_segments(vec![path]))),
        attribute(PathAttributeValue::NextHop(NextHop::new(next_hop))),
    ];
    let network = Ipv4UnicastAddress::new_no_path_id(ipv4(prefix));
    let update = BgpMessage::Update(BgpUpdateMessage::new(vec![], attributes, vec![network]));
    let message = RouteMonitoringMessage::build(header, update).expect("an UPDATE");
    bytes(BmpMessageValue::RouteMonitoring(message))
}

/// A route to announce.
#[derive(Clone, Debug)]
pub(crate) struct Route<'a> {
    pub(crate) rd: u32,
    pub(crate) prefix: &'a str,
    pub(crate) pe: &'a str,
    pub(crate) label: u32,
    pub(crate) targets: &'a [u32],
    pub(crate) local_preference: u32,
    pub(crate) path_id: Option<u32>,
}

impl Default for Route<'_> {
    fn default() -> Self {
        let (prefix, pe) = ("10.1.0.0/16", "192.0.2.1");
        Self { rd: 1, prefix, pe, label: 100, targets: &[1], local_preference: 100, path_id: None }
    }
}

fn ipv4(prefix: &str) -> Ipv4Unicast {
    Ipv4Unicast::from_net(prefix.parse().expect("a prefix")).expect("a unicast prefix")
}

fn attribute(value: PathAttributeValue) -> PathAttribute {
    let optional = value.can_be_optional().unwrap_or(true);
    let transitive = value.can_be_transitive().unwrap_or(false);
    PathAttribute::from(optional, transitive, false, true, value).expect("the flags of the attribute")
}

fn label(label: u32) -> Vec<MplsLabel> {
    let [_, a, b, c] = (label << 4 | 1).to_be_bytes();
    vec![MplsLabel::new([a, b, c])]
}

/// The attributes that announce a VPN route.
pub(crate) fn announced(route: &Route<'_>) -> Vec<PathAttribute> {
    let zero = RouteDistinguisher::As2Administrator { asn2: 0, number: 0 };
    let next_hop = match route.pe.parse().expect("an address") {
        IpAddr::V4(pe) => LabeledNextHop::Ipv4(LabeledIpv4NextHop::new(zero, pe)),
        IpAddr::V6(pe) => LabeledNextHop::Ipv6(LabeledIpv6NextHop::new(zero, pe, None)),
    };
    let (rd, labels) = (rd(route.rd), label(route.label));
    let reach = if route.prefix.contains(':') {
        let network = Ipv6Unicast::from_net(route.prefix.parse().expect("a prefix")).expect("a unicast prefix");
        let nlri = Box::new([Ipv6MplsVpnUnicastAddress::new(route.path_id, rd, labels, network)]);
        MpReach::Ipv6MplsVpnUnicast { next_hop, nlri }
    } else {
        let nlri = Box::new([Ipv4MplsVpnUnicastAddress::new(route.path_id, rd, labels, ipv4(route.prefix))]);
        MpReach::Ipv4MplsVpnUnicast { next_hop, nlri }
    };
    let target = |&number: &u32| {
        ExtendedCommunity::TransitiveTwoOctet(TwoOctet::RouteTarget { global_admin: 65000, local_admin: number })
    };
    let targets: Vec<_> = route.targets.iter().map(target).collect();
    let path = As4PathSegment::new(AsPathSegmentType::AsSequence, vec![64999, 64998]);
    vec![
        attribute(PathAttributeValue::Origin(Origin::IGP)),
        attribute(PathAttributeValue::AsPath(AsPath::as4_path_segments(vec![path]))),
        attribute(PathAttributeValue::LocalPreference(LocalPreference::new(route.local_preference))),
        attribute(PathAttributeValue::Communities(Communities::new(vec![Community::new(65000 << 16 | 7)]))),
        attribute(PathAttributeValue::ExtendedCommunities(ExtendedCommunities::new(targets))),
        attribute(PathAttributeValue::Originator(Originator::new(Ipv4Addr::new(198, 51, 100, 7)))),
        attribute(PathAttributeValue::MpReach(reach)),
    ]
}

/// The attribute that withdraws a VPN route.
pub(crate) fn withdrawn(route: &Route<'_>) -> Vec<PathAttribute> {
    let (rd, labels) = (rd(route.rd), vec![MplsLabel::new([0x80, 0, 0])]);
    let unreach = if route.prefix.contains(':') {
        let network = Ipv6Unicast::from_net(route.prefix.parse().expect("a prefix")).expect("a unicast prefix");
        let nlri = Box::new([Ipv6MplsVpnUnicastAddress::new(route.path_id, rd, labels, network)]);
        MpUnreach::Ipv6MplsVpnUnicast { nlri }
    } else {
        let nlri = Box::new([Ipv4MplsVpnUnicastAddress::new(route.path_id, rd, labels, ipv4(route.prefix))]);
        MpUnreach::Ipv4MplsVpnUnicast { nlri }
    };
    vec![attribute(PathAttributeValue::MpUnreach(unreach))]
}

/// The end of the VPNv4 routes of a view.
pub(crate) fn end_of_rib() -> Vec<PathAttribute> {
    vec![attribute(PathAttributeValue::MpUnreach(MpUnreach::Ipv4MplsVpnUnicast { nlri: Box::default() }))]
}

/// A pcap file of Ethernet frames, microseconds, little endian.
pub(crate) fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2c3d4_u32, 0x0004_0002, 0, 0, 65535, 1] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    for frame in frames {
        for word in [0, 0, frame.len() as u32, frame.len() as u32] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(frame);
    }
    file
}

/// A pcapng file of Ethernet frames, big endian.
pub(crate) fn pcapng(frames: &[Vec<u8>]) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let len = (12 + body.len().next_multiple_of(4)) as u32;
        let mut block = [kind.to_be_bytes(), len.to_be_bytes()].concat();
        block.extend_from_slice(body);
        block.resize(len as usize - 4, 0);
        block.extend_from_slice(&len.to_be_bytes());
        block
    };
    let section = [&0x1a2b3c4d_u32.to_be_bytes()[..], &[0, 1, 0, 0], &[0xff; 8]].concat();
    let mut file = block(0x0a0d0d0a, &section);
    file.extend(block(1, &[0, 1, 0, 0, 0, 0, 0xff, 0xff]));
    for frame in frames {
        let len = (frame.len() as u32).to_be_bytes();
        file.extend(block(6, &[&[0; 12][..], &len, &len, frame].concat()));
    }
    file
}

/// An Ethernet frame with a TCP segment from port 40000 of `source` to port 11019; `vlan` puts a tag before it.
pub(crate) fn frame(source: IpAddr, sequence: u32, syn: bool, payload: &[u8], vlan: bool) -> Vec<u8> {
    let mut frame = vec![0; 12];
    if vlan {
        frame.extend_from_slice(&[0x81, 0, 0, 42]);
    }
    let mut tcp = Vec::new();
    tcp.extend_from_slice(&40000_u16.to_be_bytes());
    tcp.extend_from_slice(&11019_u16.to_be_bytes());
    tcp.extend_from_slice(&sequence.to_be_bytes());
    tcp.extend_from_slice(&[0, 0, 0, 0, 5 << 4, if syn { 2 } else { 16 }, 0xff, 0xff, 0, 0, 0, 0]);
    tcp.extend_from_slice(payload);
    match source {
        IpAddr::V4(source) => {
            let len = (20 + tcp.len()) as u16;
            frame.extend_from_slice(&[8, 0, 0x45, 0]);
            frame.extend_from_slice(&len.to_be_bytes());
            frame.extend_from_slice(&[0, 0, 0x40, 0, 64, 6, 0, 0]);
            frame.extend_from_slice(&source.octets());
            frame.extend_from_slice(&[198, 51, 100, 200]);
        }
        IpAddr::V6(source) => {
            frame.extend_from_slice(&[0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend_from_slice(&(tcp.len() as u16).to_be_bytes());
            frame.extend_from_slice(&[6, 64]);
            frame.extend_from_slice(&source.octets());
            frame.extend_from_slice(&Ipv6Addr::LOCALHOST.octets());
        }
    }
    frame.extend(tcp);
    frame
}

/// A connection from `source` that begins at `sequence` and carries `stream` in segments of `size` bytes.
pub(crate) fn connection(source: IpAddr, sequence: u32, stream: &[u8], size: usize) -> Vec<Vec<u8>> {
    let mut frames = vec![frame(source, sequence, true, &[], false)];
    let mut next = sequence.wrapping_add(1);
    for payload in stream.chunks(size) {
        frames.push(frame(source, next, false, payload, false));
        next = next.wrapping_add(payload.len() as u32);
    }
    frames
}
