//! Ping: a request, and the reply that must find its way back (SEMANTICS F6, F7).

use std::fmt;

use vrfleak_engine::{Address, Network, VrfId};

use crate::dataplane::Dataplane;
use crate::forward::Fate;

/// An echo request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ping<A> {
    /// The VRF that sends it and waits for the reply.
    pub vrf: VrfId,
    /// The address that the reply goes to. Any may be given; the reply counts if it is delivered in `vrf`.
    pub source: A,
    /// The address that is asked.
    pub destination: A,
}

/// What a ping comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The request arrived and so did the reply.
    Delivered {
        /// The VRF that owns the destination.
        vrf: VrfId,
    },
    /// The request had no route.
    NoRoute {
        /// The VRF without one.
        vrf: VrfId,
    },
    /// The request was discarded.
    Discarded {
        /// The VRF that discarded it.
        vrf: VrfId,
    },
    /// The request went round.
    Loop {
        /// The VRF it came back to.
        vrf: VrfId,
    },
    /// The request arrived, the reply did not come back.
    ReplyUnroutable {
        /// The VRF that owns the destination, where the reply set out.
        vrf: VrfId,
        /// What became of the reply.
        reply: ReplyLoss,
    },
}

/// What became of a reply that did not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReplyLoss {
    /// It had no route.
    NoRoute {
        /// The VRF without one.
        vrf: VrfId,
    },
    /// It was discarded.
    Discarded {
        /// The VRF that discarded it.
        vrf: VrfId,
    },
    /// It went round.
    Loop {
        /// The VRF it came back to.
        vrf: VrfId,
    },
    /// Nobody knows: it set out on a router outside the model, which says what it exports and not what it imports.
    Unknown {
        /// The VRF where it set out.
        vrf: VrfId,
    },
    /// It was delivered, but not in the VRF that asked.
    Elsewhere {
        /// The VRF that owns the source address, seen from where the reply set out.
        vrf: VrfId,
    },
}

impl Verdict {
    /// Returns whether the ping succeeded.
    pub fn is_delivered(self) -> bool {
        matches!(self, Self::Delivered { .. })
    }

    /// Returns the verdict's name in reports: `delivered`, `no_route`, `discarded`, `loop` or `reply_unroutable`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered { .. } => "delivered",
            Self::NoRoute { .. } => "no_route",
            Self::Discarded { .. } => "discarded",
            Self::Loop { .. } => "loop",
            Self::ReplyUnroutable { .. } => "reply_unroutable",
        }
    }

    /// Returns the VRF where it was decided: the owner of the destination, or where request or reply was lost.
    pub fn vrf(self) -> VrfId {
        match self {
            Self::Delivered { vrf } | Self::NoRoute { vrf } | Self::Discarded { vrf } | Self::Loop { vrf } => vrf,
            Self::ReplyUnroutable { reply, .. } => reply.vrf(),
        }
    }

    /// Returns the verdict of a request that ends like this, or the VRF that it was delivered in.
    #[inline]
    pub(crate) fn of_request(fate: Fate) -> Result<VrfId, Self> {
        match fate {
            Fate::Delivered { vrf, .. } => Ok(vrf),
            Fate::NoRoute { vrf } => Err(Self::NoRoute { vrf }),
            Fate::Discarded { vrf } => Err(Self::Discarded { vrf }),
            Fate::Loop { vrf } => Err(Self::Loop { vrf }),
        }
    }

    /// Returns the verdict where `owner` has the destination and its reply to `asking` ends like this.
    #[inline]
    pub(crate) fn of_reply(network: &Network, asking: VrfId, owner: VrfId, fate: Fate) -> Self {
        let reply = match fate {
            Fate::NoRoute { .. } if network.router_of(owner).outside => ReplyLoss::Unknown { vrf: owner },
            Fate::Delivered { vrf, .. } if vrf == asking => return Self::Delivered { vrf: owner },
            Fate::Delivered { vrf, .. } => ReplyLoss::Elsewhere { vrf },
            Fate::NoRoute { vrf } => ReplyLoss::NoRoute { vrf },
            Fate::Discarded { vrf } => ReplyLoss::Discarded { vrf },
            Fate::Loop { vrf } => ReplyLoss::Loop { vrf },
        };
        Self::ReplyUnroutable { vrf: owner, reply }
    }
}

impl ReplyLoss {
    /// Returns the loss's name in reports: `no_route`, `discarded`, `loop`, `unknown` or `elsewhere`.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoRoute { .. } => "no_route",
            Self::Discarded { .. } => "discarded",
            Self::Loop { .. } => "loop",
            Self::Unknown { .. } => "unknown",
            Self::Elsewhere { .. } => "elsewhere",
        }
    }

    /// Returns the VRF where the reply ended.
    pub fn vrf(self) -> VrfId {
        match self {
            Self::NoRoute { vrf }
            | Self::Discarded { vrf }
            | Self::Loop { vrf }
            | Self::Unknown { vrf }
            | Self::Elsewhere { vrf } => vrf,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Dataplane<'_> {
    /// Returns the ping from `vrf`'s default source, or `None` if the VRF has no address of its own in the family.
    pub fn request<A: Address>(&self, vrf: VrfId, destination: A) -> Option<Ping<A>> {
        Some(Ping { vrf, source: self.default_source(vrf)?, destination })
    }

    /// Sends a request and its reply. At most two lookups a VRF.
    pub fn ping<A: Address>(&self, ping: Ping<A>) -> Verdict {
        match Verdict::of_request(self.forward(ping.vrf, ping.destination)) {
            Ok(owner) => Verdict::of_reply(self.network, ping.vrf, owner, self.forward(owner, ping.source)),
            Err(lost) => lost,
        }
    }
}
