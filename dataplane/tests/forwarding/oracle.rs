//! Forwarding as its definition: scans of RIBs and a list of where the packet has been.

use vrfleak_dataplane::{Fate, FibMatch};
use vrfleak_engine::{Address, Leak, Network, NextHopKind, VrfId};

/// Returns what a scan over the RIB of `vrf` finds.
pub(crate) fn lookup<A: Address>(leak: &Leak, vrf: VrfId, address: A) -> Option<FibMatch<A>> {
    let family = leak.family::<A>();
    let routes = family.rib(vrf).iter().filter(|&route| family.table().prefix(route).contains(address));
    let longest = routes.max_by_key(|&route| family.table().prefix(route).len());
    longest.map(|route| FibMatch { prefix: family.table().prefix(route), next_hop: family.table().next_hop(route) })
}

/// Returns the way of a packet: the VRFs it was looked up in, and its end.
pub(crate) fn forward<A: Address>(network: &Network, leak: &Leak, vrf: VrfId, destination: A) -> (Vec<VrfId>, Fate) {
    let mut way = vec![];
    let mut here = vrf;
    let fate = loop {
        if way.contains(&here) {
            break Fate::Loop { vrf: here };
        }
        way.push(here);
        let Some(found) = lookup(leak, here, destination) else { break Fate::NoRoute { vrf: here } };
        let next_hop = network.next_hop(found.next_hop);
        let leaked = next_hop.vrf != here;
        here = match next_hop.kind {
            NextHopKind::Discard => break Fate::Discarded { vrf: here },
            NextHopKind::Vrf { vrf } if !leaked => vrf,
            _ if !leaked => break Fate::Delivered { vrf: here, next_hop: found.next_hop },
            _ => next_hop.vrf,
        };
    };
    (way, fate)
}
