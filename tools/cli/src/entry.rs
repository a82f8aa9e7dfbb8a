//! [`Entry`]: a route as the table of a VRF shows it.

use std::net::IpAddr;

use vrfleak_engine::{
    Address, Candidate, FamilyLeak, LabelTable, Network, NextHopKind, Prefix, Protocol, Rd, RouteTarget, TargetSetId,
    VrfId, select,
};

/// A candidate for a prefix in a VRF, with everything that a table or JSON says of it.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a, A: Address> {
    /// The VRF whose table it is in.
    pub(crate) vrf: VrfId,
    pub(crate) prefix: Prefix<A>,
    /// As the VRF sees it: what was imported is BGP, a leaked host route local.
    pub(crate) protocol: Protocol,
    pub(crate) distance: u8,
    pub(crate) metric: u32,
    pub(crate) best: bool,
    /// Whether packets take it: the best, or one that stands beside it (SEMANTICS S4).
    pub(crate) installed: bool,
    /// The VRF that it comes from, `None` for the VRF's own.
    pub(crate) source: Option<VrfId>,
    pub(crate) rd: Option<Rd>,
    pub(crate) targets: Vec<RouteTarget>,
    pub(crate) via: Via<'a>,
}

/// Where an entry leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via<'a> {
    /// The router's own address on an interface.
    Receive(&'a str),
    /// The subnet of an interface.
    Interface(&'a str),
    /// A neighbour, on an interface where the route names one.
    Gateway(IpAddr, Option<&'a str>),
    /// Another VRF of the router.
    Vrf(&'a str),
    /// Null0.
    Discard,
    /// Another router, by its loopback, with the VPN label.
    Router(IpAddr, Option<u32>),
}

impl<'a, A: Address> Entry<'a, A> {
    /// Returns what a candidate is in the table of `vrf`.
    pub(crate) fn new(
        network: &'a Network,
        leak: &FamilyLeak<A>,
        labels: &LabelTable,
        vrf: VrfId,
        prefix: Prefix<A>,
        candidate: &Candidate,
    ) -> Self {
        let key = candidate.key;
        let protocol = leak.protocol_in(network, vrf, candidate.route);
        let paths = leak.table().paths(network);
        let exported = leak.table().exported_as(network, candidate.route).unwrap_or(candidate.route);
        let targets = leak.table().targets(exported);
        let exported = targets != TargetSetId::NONE && !candidate.leaked_host;
        let here = network.vrf(vrf).router;
        let away = network.vrf(key.origin).router != here;
        let name = |interface| network.interface(interface).name.as_str();
        let via = match network.next_hop(key.next_hop).kind {
            NextHopKind::Outside { label } => {
                Via::Router(network.router_of(key.origin).loopback, label.map(vrfleak_engine::Label::value))
            }
            _ if away => Via::Router(
                network.router_of(key.origin).loopback,
                labels.label(key.origin).map(vrfleak_engine::Label::value),
            ),
            NextHopKind::Receive { interface } => Via::Receive(name(interface)),
            NextHopKind::Attached { interface } => Via::Interface(name(interface)),
            NextHopKind::Gateway { address, interface } => Via::Gateway(address, interface.map(name)),
            NextHopKind::Vrf { vrf } => Via::Vrf(&network.vrf(vrf).name),
            NextHopKind::Discard => Via::Discard,
        };
        Self {
            vrf,
            prefix,
            protocol,
            distance: if candidate.leaked_host { 0 } else { select::distance(paths, vrf, key) },
            metric: if protocol == Protocol::Bgp { candidate.attributes(paths).med } else { 0 },
            best: candidate.lost.is_none(),
            installed: candidate.lost.is_none() || stands_beside(leak, vrf, prefix, candidate),
            source: (key.origin != vrf).then_some(key.origin),
            rd: network.vrf(key.origin).configured_rd().filter(|_| exported),
            targets: if exported { configured(leak, targets).collect() } else { Vec::new() },
            via,
        }
    }

    /// Returns whether the route stands in BGP alone: a `network` statement put it there without a route of its own,
    /// which the model has as a static route of the distance that no router uses.
    pub(crate) fn is_unused(&self) -> bool {
        self.protocol == Protocol::Static && self.distance == 255 && self.source.is_none()
    }
}

/// Returns the targets of a set that configurations have; what stands for default tables is left out (SEMANTICS I8).
pub(crate) fn configured<A: Address>(leak: &FamilyLeak<A>, set: TargetSetId) -> impl Iterator<Item = RouteTarget> {
    leak.table().target_sets().of(set).filter(|target| !target.is_of_default_table())
}

/// Returns whether a candidate that is not the best one is installed beside it.
fn stands_beside<A: Address>(leak: &FamilyLeak<A>, vrf: VrfId, prefix: Prefix<A>, candidate: &Candidate) -> bool {
    let rib = leak.rib(vrf);
    let best = if rib.multipath_routes() == 0 { None } else { leak.get(vrf, prefix) };
    best.is_some_and(|best| rib.multipath(best).any(|route| route == candidate.route))
}

impl Via<'_> {
    /// Returns the address of the next hop, where it has one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match *self {
            Self::Gateway(address, _) | Self::Router(address, _) => Some(address),
            _ => None,
        }
    }

    /// Returns the interface that packets leave by, where it is known.
    pub(crate) fn interface(&self) -> Option<&str> {
        match self {
            Self::Receive(name) | Self::Interface(name) => Some(name),
            Self::Gateway(_, interface) => *interface,
            Self::Discard => Some("Null0"),
            Self::Vrf(_) | Self::Router(..) => None,
        }
    }

    /// Returns the VPN label, where there is one.
    pub(crate) fn label(&self) -> Option<u32> {
        match *self {
            Self::Router(_, label) => label,
            _ => None,
        }
    }
}
