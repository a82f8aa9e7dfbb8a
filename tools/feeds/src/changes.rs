//! [`Changes`]: the routes that an UPDATE announces and withdraws, of the families that count.

use std::net::IpAddr;

use netgauze_bgp_pkt::nlri::{
    Ipv4MplsVpnUnicastAddress as Ipv4VpnRoute, Ipv4UnicastAddress as Ipv4Route,
    Ipv6MplsVpnUnicastAddress as Ipv6VpnRoute, Ipv6UnicastAddress as Ipv6Route,
};
use netgauze_bgp_pkt::path_attribute::{MpReach, MpUnreach, PathAttributeValue};
use netgauze_bgp_pkt::update::BgpUpdateMessage;
use vrfleak_engine::{Address, Kind, Label, PerFamily, Prefix, Rd};

use crate::route::View;
use crate::update;

/// What a withdrawal takes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Nlri<A: Address> {
    pub(crate) view: View,
    /// Whether the route is a VPN route, or one of the VRF that the peer belongs to.
    pub(crate) vpn: bool,
    pub(crate) rd: Rd,
    pub(crate) prefix: Prefix<A>,
    /// The path identifier, where several paths are announced (RFC 7911).
    pub(crate) path: Option<u32>,
}

/// A route that is announced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Announced<A: Address> {
    pub(crate) nlri: Nlri<A>,
    pub(crate) next_hop: IpAddr,
    pub(crate) label: Option<Label>,
}

/// The routes of one family.
#[derive(Debug)]
pub(crate) struct FamilyChanges<A: Address> {
    pub(crate) withdrawn: Vec<Nlri<A>>,
    pub(crate) announced: Vec<Announced<A>>,
    /// Whether the UPDATE is about the family at all: the end of its routes names it without any.
    pub(crate) named: bool,
}

impl<A: Address> Default for FamilyChanges<A> {
    fn default() -> Self {
        Self { withdrawn: Vec::new(), announced: Vec::new(), named: false }
    }
}

/// Names [`FamilyChanges`] for [`PerFamily`].
#[derive(Debug)]
pub(crate) enum ChangesKind {}

impl Kind for ChangesKind {
    type Of<A: Address> = FamilyChanges<A>;
}

/// What one UPDATE changes. Filled again for the next, so that its memory stays.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) families: PerFamily<ChangesKind>,
    /// Routes of families that do not count.
    pub(crate) others: u64,
}

/// What all routes of an UPDATE have in common: how its sender came to them, and the VRF if they are its.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) view: View,
    /// The RD of the VRF whose CE is the peer; unicast routes count only with it.
    pub(crate) site: Option<Rd>,
}

impl Changes {
    /// Reads an UPDATE in place of the one before.
    pub(crate) fn read(&mut self, update: &BgpUpdateMessage, origin: Origin) {
        let PerFamily { ipv4, ipv6 } = &mut self.families;
        ipv4.clear();
        ipv6.clear();
        self.others = 0;
        let Origin { view, site } = origin;
        let vpn = |rd| Common { view, vpn: true, rd: update::rd(rd) };
        let own = site.map(|rd| Common { view, vpn: false, rd });
        for attribute in update.path_attributes() {
            match attribute.value() {
                PathAttributeValue::MpUnreach(MpUnreach::Ipv4MplsVpnUnicast { nlri }) => {
                    ipv4.named = true;
                    let route = |route: &Ipv4VpnRoute| vpn(route.rd()).nlri(route.network().address(), route.path_id());
                    ipv4.withdrawn.extend(nlri.iter().map(route));
                }
                PathAttributeValue::MpUnreach(MpUnreach::Ipv6MplsVpnUnicast { nlri }) => {
                    ipv6.named = true;
                    let route = |route: &Ipv6VpnRoute| vpn(route.rd()).nlri(route.network().address(), route.path_id());
                    ipv6.withdrawn.extend(nlri.iter().map(route));
                }
                PathAttributeValue::MpReach(MpReach::Ipv4MplsVpnUnicast { next_hop, nlri }) => {
                    ipv4.named = true;
                    let next_hop = update::next_hop(next_hop);
                    ipv4.announced.extend(nlri.iter().map(|route| Announced {
                        nlri: vpn(route.rd()).nlri(route.network().address(), route.path_id()),
                        next_hop,
                        label: update::label(route.label_stack()),
                    }));
                }
                PathAttributeValue::MpReach(MpReach::Ipv6MplsVpnUnicast { next_hop, nlri }) => {
                    ipv6.named = true;
                    let next_hop = update::next_hop(next_hop);
                    ipv6.announced.extend(nlri.iter().map(|route| Announced {
                        nlri: vpn(route.rd()).nlri(route.network().address(), route.path_id()),
                        next_hop,
                        label: update::label(route.label_stack()),
                    }));
                }
                PathAttributeValue::MpUnreach(MpUnreach::Ipv4Unicast { nlri }) => match own {
                    None => self.others += nlri.len() as u64,
                    Some(own) => {
                        ipv4.named = true;
                        let route = |route: &Ipv4Route| own.nlri(route.network().address(), route.path_id());
                        ipv4.withdrawn.extend(nlri.iter().map(route));
                    }
                },
                PathAttributeValue::MpUnreach(MpUnreach::Ipv6Unicast { nlri }) => match own {
                    None => self.others += nlri.len() as u64,
                    Some(own) => {
                        ipv6.named = true;
                        let route = |route: &Ipv6Route| own.nlri(route.network().address(), route.path_id());
                        ipv6.withdrawn.extend(nlri.iter().map(route));
                    }
                },
                PathAttributeValue::MpReach(MpReach::Ipv4Unicast { next_hop, nlri, .. }) => match own {
                    None => self.others += nlri.len() as u64,
                    Some(own) => {
                        ipv4.named = true;
                        ipv4.announced.extend(nlri.iter().map(|route| {
                            let nlri = own.nlri(route.network().address(), route.path_id());
                            Announced { nlri, next_hop: next_hop.to_canonical(), label: None }
                        }));
                    }
                },
                PathAttributeValue::MpReach(MpReach::Ipv6Unicast { next_hop_global, nlri, .. }) => match own {
                    None => self.others += nlri.len() as u64,
                    Some(own) => {
                        ipv6.named = true;
                        ipv6.announced.extend(nlri.iter().map(|route| {
                            let nlri = own.nlri(route.network().address(), route.path_id());
                            Announced { nlri, next_hop: IpAddr::V6(*next_hop_global).to_canonical(), label: None }
                        }));
                    }
                },
                PathAttributeValue::MpReach(_) | PathAttributeValue::MpUnreach(_) => self.others += 1,
                _ => {}
            }
        }
        let Some(own) = own else {
            self.others += (update.nlri().len() + update.withdraw_routes().len()) as u64;
            return;
        };
        // The end of IPv4 unicast routes is an UPDATE without anything (RFC 4724 section 2).
        ipv4.named |=
            update.path_attributes().is_empty() || !(update.nlri().is_empty() && update.withdraw_routes().is_empty());
        let route = |route: &Ipv4Route| own.nlri(route.network().address(), route.path_id());
        ipv4.withdrawn.extend(update.withdraw_routes().iter().map(route));
        if let Some(next_hop) = update::ipv4_next_hop(update) {
            let announced = |it| Announced { nlri: route(it), next_hop, label: None };
            ipv4.announced.extend(update.nlri().iter().map(announced));
        }
    }
}

impl<A: Address> FamilyChanges<A> {
    fn clear(&mut self) {
        self.withdrawn.clear();
        self.announced.clear();
        self.named = false;
    }
}

/// What all routes of one attribute have in common.
#[derive(Clone, Copy)]
struct Common {
    view: View,
    vpn: bool,
    rd: Rd,
}

impl Common {
    fn nlri<A: Address>(self, network: impl Into<Prefix<A>>, path: Option<u32>) -> Nlri<A> {
        Nlri { view: self.view, vpn: self.vpn, rd: self.rd, prefix: network.into(), path }
    }
}
