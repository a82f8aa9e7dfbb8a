//! [`NextHop`]: where a VRF sends what matches a route of its own.

use std::net::IpAddr;

use crate::id::{InterfaceId, VrfId};
use crate::label::Label;

/// The next hop of a source route, in the VRF that has the route.
///
/// A leaked route keeps it: the next hop belongs to the source VRF (SEMANTICS F3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NextHop {
    /// The VRF that the next hop belongs to.
    pub vrf: VrfId,
    /// What it is.
    pub kind: NextHopKind,
}

/// What a next hop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NextHopKind {
    /// The router's own address on this interface: packets end here.
    Receive {
        /// The interface that has the address.
        interface: InterfaceId,
    },
    /// The subnet of this interface: packets are delivered on it.
    Attached {
        /// The interface.
        interface: InterfaceId,
    },
    /// Another router, the CE as a rule.
    Gateway {
        /// Its address.
        address: IpAddr,
        /// The interface towards it. Without one, the address must lie under another route of the VRF (SEMANTICS S5).
        interface: Option<InterfaceId>,
    },
    /// Another VRF of the same router, in which the lookup goes on.
    Vrf {
        /// That VRF.
        vrf: VrfId,
    },
    /// Nowhere: `Null0`.
    Discard,
    /// Whatever a router outside the model has there ([`Router::outside`](crate::Router::outside)): packets end at it.
    Outside {
        /// The VPN label that leads to it, where it is known.
        label: Option<Label>,
    },
}

impl NextHopKind {
    /// Returns the interface, where the next hop names one.
    pub fn interface(self) -> Option<InterfaceId> {
        match self {
            Self::Receive { interface } | Self::Attached { interface } => Some(interface),
            Self::Gateway { interface, .. } => interface,
            Self::Vrf { .. } | Self::Discard | Self::Outside { .. } => None,
        }
    }

    /// Returns the address of the gateway, where there is one.
    pub fn address(self) -> Option<IpAddr> {
        match self {
            Self::Gateway { address, .. } => Some(address),
            _ => None,
        }
    }
}
