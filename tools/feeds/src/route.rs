//! [`VpnRoute`] and [`SiteRoute`]: what feeds tell.

use std::cmp::Ordering;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use vrfleak_engine::{Address, Attributes, Kind, Label, Prefix, Rd};

/// Where a router has a route from, most telling first: of one route in several views the first counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum View {
    /// Adj-RIB-In after its policies (RFC 7854 section 5).
    PostPolicy,
    /// Loc-RIB (RFC 9069).
    LocRib,
    /// Adj-RIB-In before its policies.
    PrePolicy,
    /// Adj-RIB-Out (RFC 8671).
    AdjRibOut,
}

/// Names `Vec<VpnRoute<A>>` for [`PerFamily`](vrfleak_engine::PerFamily).
#[derive(Debug)]
pub(crate) enum VpnRoutes {}

impl Kind for VpnRoutes {
    type Of<A: Address> = Vec<VpnRoute<A>>;
}

/// Names `Vec<SiteRoute<A>>` for [`PerFamily`](vrfleak_engine::PerFamily).
#[derive(Debug)]
pub(crate) enum SiteRoutes {}

impl Kind for SiteRoutes {
    type Of<A: Address> = Vec<SiteRoute<A>>;
}

/// A VPN route that some router announces (RFC 4364 section 4.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpnRoute<A: Address> {
    /// The router, by its BGP next hop. An IPv4-mapped address is the IPv4 one (RFC 4659 section 3.2.1.2).
    pub pe: IpAddr,
    /// The RD.
    pub rd: Rd,
    /// The prefix.
    pub prefix: Prefix<A>,
    /// The label, where it is said.
    pub label: Option<Label>,
    /// Its attributes, targets among them: `None` in place of targets where the feed says nothing of them.
    pub attributes: Arc<Attributes>,
    /// The router's BGP identifier, where it is known: `ORIGINATOR_ID`, or that of the peer that is the next hop itself.
    pub router_id: Option<Ipv4Addr>,
    /// The AS that told the route.
    pub asn: u32,
    pub(crate) view: View,
}

impl<A: Address> VpnRoute<A> {
    /// What a router has one of, in each view.
    fn nlri(&self) -> (IpAddr, Rd, Prefix<A>) {
        (self.pe, self.rd, self.prefix)
    }

    fn order(&self, other: &Self) -> Ordering {
        let rest = |route: &Self| (route.label, route.router_id, route.asn);
        (self.nlri().cmp(&other.nlri()))
            .then(self.view.cmp(&other.view))
            .then_with(|| self.attributes.cmp(&other.attributes))
            .then_with(|| rest(self).cmp(&rest(other)))
    }
}

/// Sorts routes by router, RD and prefix and keeps of each those of the most telling view, equal ones once.
pub(crate) fn settle<A: Address>(routes: &mut Vec<VpnRoute<A>>) {
    routes.sort_unstable_by(VpnRoute::order);
    routes.dedup();
    routes.dedup_by(|later, kept| later.nlri() == kept.nlri() && later.view > kept.view);
}

/// A route that a VRF has from a CE, told by the router that has the VRF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteRoute<A: Address> {
    /// The BGP identifier of the router that has the VRF, where it is known.
    pub router_id: Option<Ipv4Addr>,
    /// The host name of that router, empty where it is not known.
    pub router_name: Arc<str>,
    /// The RD of the VRF.
    pub rd: Rd,
    /// The prefix.
    pub prefix: Prefix<A>,
    /// The address of the CE.
    pub next_hop: IpAddr,
    /// Its attributes.
    pub attributes: Arc<Attributes>,
    pub(crate) view: View,
}

impl<A: Address> SiteRoute<A> {
    fn order(&self, other: &Self) -> Ordering {
        let nlri = |route: &Self| (route.rd, route.prefix, route.router_id, route.next_hop, route.view);
        (nlri(self).cmp(&nlri(other)))
            .then_with(|| self.router_name.cmp(&other.router_name))
            .then_with(|| self.attributes.cmp(&other.attributes))
    }
}

/// Sorts routes by RD and prefix and keeps of those from one CE the most telling view, equal ones once.
pub(crate) fn settle_sites<A: Address>(routes: &mut Vec<SiteRoute<A>>) {
    routes.sort_unstable_by(SiteRoute::order);
    routes.dedup();
    routes.dedup_by(|later, kept| {
        let site = |route: &SiteRoute<A>| (route.rd, route.prefix, route.router_id, route.next_hop);
        site(later) == site(kept) && later.view > kept.view
    });
}
