//! What a BGP UPDATE says, in the words of the engine.

use std::net::{IpAddr, Ipv4Addr};

use netgauze_bgp_pkt::community::{
    ExtendedCommunity, TransitiveFourOctetExtendedCommunity as FourOctet, TransitiveIpv4ExtendedCommunity as Ipv4,
    TransitiveTwoOctetExtendedCommunity as TwoOctet,
};
use netgauze_bgp_pkt::nlri::{LabeledNextHop, MplsLabel, RouteDistinguisher};
use netgauze_bgp_pkt::path_attribute::{As4PathSegment, AsPath, AsPathSegmentType, Origin, PathAttributeValue};
use netgauze_bgp_pkt::update::BgpUpdateMessage;
use vrfleak_engine::administrator::Administrator;
use vrfleak_engine::{Attributes, Community, Label, OriginCode, Rd, RouteTarget};

/// What an UPDATE says of the paths that it announces.
#[derive(Debug, Default)]
pub(crate) struct PathAttributes {
    pub(crate) attributes: Attributes,
    /// `ORIGINATOR_ID` (RFC 4456 section 8).
    pub(crate) originator: Option<Ipv4Addr>,
}

/// Reads the path attributes of an UPDATE.
///
/// An `AS_SET` counts as one AS, its lowest, and confederation segments cannot occur: the decoder refuses them. `AS4_PATH`
/// completes a path of two-octet numbers (RFC 6793 section 4.2.3).
pub(crate) fn attributes(update: &BgpUpdateMessage) -> PathAttributes {
    let mut read = PathAttributes::default();
    let attributes = &mut read.attributes;
    let mut as4_path = None;
    let mut is_short = false;
    let mut targets = Vec::new();
    for attribute in update.path_attributes() {
        match attribute.value() {
            PathAttributeValue::Origin(origin) => {
                attributes.origin = match origin {
                    Origin::IGP => OriginCode::Igp,
                    Origin::EGP => OriginCode::Egp,
                    Origin::Incomplete => OriginCode::Incomplete,
                };
            }
            PathAttributeValue::AsPath(path) => {
                is_short = matches!(path, AsPath::As2PathSegments(_));
                attributes.as_path = as_path(path);
            }
            PathAttributeValue::As4Path(path) => as4_path = Some(flat(path.segments())),
            PathAttributeValue::MultiExitDiscriminator(med) => attributes.med = med.metric(),
            PathAttributeValue::LocalPreference(preference) => attributes.local_preference = preference.metric(),
            PathAttributeValue::Originator(originator) => read.originator = Some(originator.id()),
            PathAttributeValue::Communities(communities) => {
                let mut values: Vec<Community> = communities
                    .communities()
                    .iter()
                    .map(|community| Community::new((community.value() >> 16) as u16, community.value() as u16))
                    .collect();
                values.sort_unstable();
                values.dedup();
                attributes.communities = values.into();
            }
            PathAttributeValue::ExtendedCommunities(communities) => {
                targets.extend(communities.communities().iter().filter_map(target));
            }
            _ => {}
        }
    }
    if let (true, Some(long)) = (is_short, as4_path)
        && let Some(kept) = attributes.as_path.len().checked_sub(long.len())
    {
        attributes.as_path = attributes.as_path[..kept].iter().copied().chain(long).collect();
    }
    targets.sort_unstable();
    targets.dedup();
    attributes.route_targets = Some(targets.into());
    read
}

fn as_path(path: &AsPath) -> Box<[u32]> {
    match path {
        AsPath::As4PathSegments(segments) => flat(segments).into(),
        AsPath::As2PathSegments(segments) => {
            let wide = segments.iter().map(|segment| {
                let numbers: Vec<u32> = segment.as_numbers().iter().copied().map(u32::from).collect();
                As4PathSegment::new(segment.segment_type(), numbers)
            });
            flat(&wide.collect::<Vec<_>>()).into()
        }
    }
}

fn flat(segments: &[As4PathSegment]) -> Vec<u32> {
    let mut path = Vec::new();
    for segment in segments {
        match segment.segment_type() {
            AsPathSegmentType::AsSequence => path.extend_from_slice(segment.as_numbers()),
            AsPathSegmentType::AsSet => path.extend(segment.as_numbers().iter().min()),
        }
    }
    path
}

/// Returns the route target that an extended community is, if it is one (SEMANTICS V2).
fn target(community: &ExtendedCommunity) -> Option<RouteTarget> {
    let administrator = match *community {
        ExtendedCommunity::TransitiveTwoOctet(TwoOctet::RouteTarget { global_admin, local_admin }) => {
            Administrator::As2 { asn: global_admin, number: local_admin }
        }
        ExtendedCommunity::TransitiveIpv4(Ipv4::RouteTarget { global_admin, local_admin }) => {
            Administrator::Ipv4 { address: global_admin, number: local_admin }
        }
        ExtendedCommunity::TransitiveFourOctet(FourOctet::RouteTarget { global_admin, local_admin }) => {
            Administrator::As4 { asn: global_admin, number: local_admin }
        }
        _ => return None,
    };
    Some(administrator.into())
}

/// Returns the RD with the same eight bytes.
pub(crate) fn rd(rd: RouteDistinguisher) -> Rd {
    match rd {
        RouteDistinguisher::As2Administrator { asn2, number } => Administrator::As2 { asn: asn2, number }.into(),
        RouteDistinguisher::Ipv4Administrator { ip, number } => Administrator::Ipv4 { address: ip, number }.into(),
        RouteDistinguisher::As4Administrator { asn4, number } => Administrator::As4 { asn: asn4, number }.into(),
        RouteDistinguisher::LeafAdRoutes => Rd::from_bytes([0xff; 8]),
    }
}

/// Returns the first label of a stack: the upper 20 of its 24 bits (RFC 8277 section 2.2).
pub(crate) fn label(stack: &[MplsLabel]) -> Option<Label> {
    let [a, b, c] = *stack.first()?.value();
    Label::new(u32::from_be_bytes([0, a, b, c]) >> 4)
}

/// Returns the address of a VPN next hop, whose RD says nothing (RFC 4364 section 4.3.2).
pub(crate) fn next_hop(next_hop: &LabeledNextHop) -> IpAddr {
    next_hop.next_hop().to_canonical()
}

/// Returns `NEXT_HOP`, that of the IPv4 unicast routes of an UPDATE (RFC 4271 section 5.1.3).
pub(crate) fn ipv4_next_hop(update: &BgpUpdateMessage) -> Option<IpAddr> {
    update.path_attributes().iter().find_map(|attribute| match attribute.value() {
        PathAttributeValue::NextHop(next_hop) => Some(next_hop.next_hop().into()),
        _ => None,
    })
}
