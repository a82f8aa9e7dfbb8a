//! Forwarding: where a packet goes, VRF by VRF, and what becomes of it.
//!
//! A packet is looked up in the VRF that it is in. Where the next hop belongs to that VRF, the packet ends there: at the
//! router itself, on an interface, at a gateway, or in a discard route. A static route into another VRF and a leaked route
//! take it to another VRF, where it is looked up again (SEMANTICS F3); on another router the VPN label leads there. Back
//! in a VRF where it has been it would go round for ever (SEMANTICS F5), so there are never more lookups than VRFs.

use vrfleak_engine::{Address, Label, Network, NextHopId, NextHopKind, Prefix, VrfId};

use crate::dataplane::Dataplane;

/// What becomes of a packet in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It arrived: at the router itself, on an interface, or at a gateway, which takes it out of the network.
    Delivered {
        /// The VRF that owns the destination.
        vrf: VrfId,
        /// The next hop that took it, one of `vrf`'s.
        next_hop: NextHopId,
    },
    /// No prefix contained the destination (SEMANTICS F1).
    NoRoute {
        /// The VRF without a route.
        vrf: VrfId,
    },
    /// It met a discard route (SEMANTICS F4).
    Discarded {
        /// The VRF that discarded it: the importing one, where the discard route was leaked.
        vrf: VrfId,
    },
    /// It came to a VRF a second time (SEMANTICS F5).
    Loop {
        /// The VRF it came back to.
        vrf: VrfId,
    },
}

impl Fate {
    /// Returns the VRF where the packet ended.
    pub fn vrf(self) -> VrfId {
        match self {
            Self::Delivered { vrf, .. } | Self::NoRoute { vrf } | Self::Discarded { vrf } | Self::Loop { vrf } => vrf,
        }
    }
}

/// One lookup that had an answer, on the way of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop<A: Address> {
    /// The VRF whose table was asked.
    pub vrf: VrfId,
    /// The prefix that matched.
    pub prefix: Prefix<A>,
    /// Its next hop.
    pub next_hop: NextHopId,
    /// The VRF that the packet goes on to, `None` where it ends here.
    pub to: Option<VrfId>,
    /// The VPN label that takes it there: `None` on the same router, and where the other router has no label left.
    pub label: Option<Label>,
}

/// The way of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace<A: Address> {
    /// The lookups that had an answer, in order. A miss is told by `fate` alone.
    pub hops: Vec<Hop<A>>,
    /// The end of it.
    pub fate: Fate,
}

/// What one lookup means for the packet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// The packet ends.
    End(Fate),
    /// The packet goes to another VRF, or once more to this one.
    Enter(VrfId),
}

impl Step {
    /// Returns what the answer of the table of `vrf` means.
    #[inline]
    pub(crate) fn new(network: &Network, vrf: VrfId, answer: Option<NextHopId>) -> Self {
        let Some(id) = answer else { return Self::End(Fate::NoRoute { vrf }) };
        let next_hop = network.next_hop(id);
        match next_hop.kind {
            NextHopKind::Discard => Self::End(Fate::Discarded { vrf }),
            _ if next_hop.vrf != vrf => Self::Enter(next_hop.vrf),
            NextHopKind::Vrf { vrf } => Self::Enter(vrf),
            NextHopKind::Receive { .. }
            | NextHopKind::Attached { .. }
            | NextHopKind::Gateway { .. }
            | NextHopKind::Outside { .. } => Self::End(Fate::Delivered { vrf, next_hop: id }),
        }
    }
}

impl Dataplane<'_> {
    /// Forwards a packet that is in `vrf`. At most one lookup a VRF.
    pub fn forward<A: Address>(&self, vrf: VrfId, destination: A) -> Fate {
        let fibs = self.fibs.family::<A>();
        self.walk(vrf, |vrf| Step::new(self.network, vrf, fibs.lookup(vrf, destination)))
    }

    /// Forwards a packet that is in `vrf` and writes down its way.
    pub fn trace<A: Address>(&self, vrf: VrfId, destination: A) -> Trace<A> {
        let fibs = self.fibs.family::<A>();
        let mut hops = Vec::new();
        let fate = self.walk(vrf, |vrf| {
            let found = fibs.lookup_match(vrf, destination);
            let step = Step::new(self.network, vrf, found.map(|found| found.next_hop));
            let to = match step {
                Step::End(_) => None,
                Step::Enter(to) => Some(to),
            };
            let far = to.filter(|&to| self.network.vrf(to).router != self.network.vrf(vrf).router);
            hops.extend(found.map(|found| Hop {
                vrf,
                prefix: found.prefix,
                next_hop: found.next_hop,
                to,
                label: match self.network.next_hop(found.next_hop).kind {
                    NextHopKind::Outside { label } => label,
                    _ => far.and_then(|far| self.labels.label(far)),
                },
            }));
            step
        });
        Trace { hops, fate }
    }

    /// Takes steps from `vrf` on until one ends the packet or leads back.
    #[inline]
    fn walk(&self, start: VrfId, mut step: impl FnMut(VrfId) -> Step) -> Fate {
        let mut visited = Visited::default();
        let mut vrf = start;
        loop {
            match step(vrf) {
                Step::End(fate) => return fate,
                Step::Enter(next) => {
                    visited.insert(vrf, self.network.vrfs().len());
                    if visited.contains(next) {
                        return Fate::Loop { vrf: next };
                    }
                    vrf = next;
                }
            }
        }
    }
}

/// The VRFs that a packet has been in: a list while they are few, then one bit a VRF, so that a long chain stays linear.
#[derive(Debug, Default)]
struct Visited {
    list: Vec<VrfId>,
    bits: Vec<u64>,
}

impl Visited {
    /// Beyond this many, bits.
    const FEW: usize = 32;

    fn insert(&mut self, vrf: VrfId, vrfs: usize) {
        if self.list.len() < Self::FEW {
            self.list.push(vrf);
            return;
        }
        if self.bits.is_empty() {
            self.bits.resize(vrfs.div_ceil(64), 0);
            for vrf in &self.list {
                self.bits[vrf.index() / 64] |= 1 << (vrf.index() % 64);
            }
        }
        self.bits[vrf.index() / 64] |= 1 << (vrf.index() % 64);
    }

    fn contains(&self, vrf: VrfId) -> bool {
        match self.bits.get(vrf.index() / 64) {
            Some(bits) => bits & (1 << (vrf.index() % 64)) != 0,
            None => self.list.contains(&vrf),
        }
    }
}
