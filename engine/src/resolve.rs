//! Resolution: whether a next hop leads anywhere in the VRF that it belongs to (SEMANTICS S5).

use std::net::IpAddr;

use rayon::prelude::*;

use crate::address::Address;
use crate::id::{NextHopId, VrfId};
use crate::network::Network;
use crate::next_hop::NextHopKind;
use crate::prefix::Prefix;
use crate::source_route::Protocol;

/// How many static routes may lead to one another before a next hop counts as unresolved.
pub const MAX_RECURSION: usize = 8;

/// Which next hops of a network resolve, one bit of truth for each [`NextHopId`].
///
/// A gateway with an interface, an interface, another VRF and a discard always do. A gateway without an interface does
/// where the longest match among its VRF's own connected and static routes is connected, or resolves in turn within
/// [`MAX_RECURSION`] steps. Imported routes take no part, so that what is exported does not depend on what is imported.
#[derive(Clone, Debug)]
pub struct Resolution {
    resolves: Vec<bool>,
}

impl Resolution {
    /// Resolves every next hop of `network`: O(next hops · lengths · log routes) in the VRFs that have bare gateways.
    pub fn new(network: &Network) -> Self {
        let next_hops = network.next_hops();
        let mut bare: Vec<(VrfId, NextHopId)> = next_hops
            .iter()
            .enumerate()
            .filter(|(_, next_hop)| matches!(next_hop.kind, NextHopKind::Gateway { interface: None, .. }))
            .map(|(index, next_hop)| (next_hop.vrf, NextHopId::from_index(index)))
            .collect();
        bare.par_sort_unstable();
        let resolved: Vec<NextHopId> = bare
            .par_chunk_by(|a, b| a.0 == b.0)
            .flat_map_iter(|chunk| {
                let cover = Cover::new(network, chunk[0].0);
                chunk.iter().map(|&(_, id)| id).filter(move |&id| cover.resolves(network, id))
            })
            .collect();
        let mut resolves = vec![true; next_hops.len()];
        for &(_, id) in &bare {
            resolves[id.index()] = false;
        }
        for id in resolved {
            resolves[id.index()] = true;
        }
        Self { resolves }
    }

    /// Returns whether the next hop leads anywhere.
    #[inline]
    pub fn resolves(&self, next_hop: NextHopId) -> bool {
        self.resolves[next_hop.index()]
    }
}

/// The own connected and static routes of one VRF, to resolve gateways by.
struct Cover {
    ipv4: FamilyCover<u32>,
    ipv6: FamilyCover<u128>,
}

struct FamilyCover<A> {
    /// Sorted by prefix, of equal ones the one that counts first.
    routes: Vec<(Prefix<A>, Protocol, NextHopId)>,
    /// The lengths that occur, longest first.
    lengths: Vec<u8>,
}

impl Cover {
    fn new(network: &Network, vrf: VrfId) -> Self {
        Self { ipv4: FamilyCover::new(network, vrf), ipv6: FamilyCover::new(network, vrf) }
    }

    fn resolves(&self, network: &Network, next_hop: NextHopId) -> bool {
        let mut id = next_hop;
        for _ in 0..MAX_RECURSION {
            let NextHopKind::Gateway { address, interface: None } = network.next_hop(id).kind else { return true };
            let covering = match address {
                IpAddr::V4(address) => self.ipv4.longest(address.to_bits()),
                IpAddr::V6(address) => self.ipv6.longest(address.to_bits()),
            };
            match covering {
                None => return false,
                Some((Protocol::Connected, _)) => return true,
                Some((_, next)) => id = next,
            }
        }
        !matches!(network.next_hop(id).kind, NextHopKind::Gateway { interface: None, .. })
    }
}

impl<A: Address> FamilyCover<A> {
    fn new(network: &Network, vrf: VrfId) -> Self {
        let attributes = network.attributes();
        let mut routes: Vec<_> = network
            .vrf(vrf)
            .family::<A>()
            .routes
            .iter()
            .filter(|route| matches!(route.protocol(), Protocol::Connected | Protocol::Static))
            .map(|route| {
                let distance = match route.protocol() {
                    Protocol::Static => attributes[route.attributes().index()].distance.unwrap_or(1),
                    _ => 0,
                };
                (
                    route.prefix(),
                    route.protocol() != Protocol::Connected,
                    distance,
                    route.next_hop(),
                    route.attributes(),
                )
            })
            .collect();
        routes.sort_unstable();
        let mut present = [false; 129];
        for (prefix, ..) in &routes {
            present[usize::from(prefix.len())] = true;
        }
        Self {
            routes: routes
                .into_iter()
                .map(|(prefix, is_static, _, next_hop, _)| {
                    (prefix, if is_static { Protocol::Static } else { Protocol::Connected }, next_hop)
                })
                .collect(),
            lengths: (0..=A::BITS).rev().filter(|&len| present[usize::from(len)]).collect(),
        }
    }

    fn longest(&self, address: A) -> Option<(Protocol, NextHopId)> {
        self.lengths.iter().find_map(|&len| {
            let prefix = Prefix::containing(address, len);
            let at = self.routes.partition_point(|route| route.0 < prefix);
            self.routes.get(at).filter(|route| route.0 == prefix).map(|route| (route.1, route.2))
        })
    }
}
