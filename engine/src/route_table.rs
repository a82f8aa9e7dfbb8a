//! [`RouteTable`]: all routes of one family, ranked once by prefix and preference, in columns.
//!
//! A route's id is its position among all routes of the network sorted by prefix, then by preference as a reflector sees
//! it (on a network of one router: as that router sees it). So a list of ids in ascending order is a list of routes in
//! prefix order; the best of several routes to one prefix is the smallest id among them, whatever subset is looked at;
//! and the import of a VRF is a merge of ascending lists of `u32`.
//!
//! The rank is one order for everybody. Where a VRF sees routes differently the import decides by [`crate::select`]
//! instead, for just those prefixes: routes from its own router (weight, eBGP before iBGP), its own routes, and prefixes
//! whose MEDs or IGP metrics no single order can express.

use rayon::prelude::*;

use crate::address::Address;
use crate::id::{AttributesId, NextHopId, RouteId, TargetSetId, VrfId};
use crate::network::Network;
use crate::next_hop::NextHopKind;
use crate::paths::{DerivedPath, Paths};
use crate::prefix::Prefix;
use crate::router::Dialect;
use crate::select::RouteKey;
use crate::source_route::Protocol;
use crate::target_set::TargetSets;

/// What became of a route on its way out of its VRF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ExportStatus {
    /// It is a VPN route that every router may import.
    Exported,
    /// It is a VPN route, but another PE's route with the same RD and prefix is preferred: only its own router may still
    /// take it (SEMANTICS E6).
    LostNlri,
    /// Another route of the VRF for the same prefix is exported in its place.
    LostToOwn,
    /// The VRF does not redistribute its protocol (SEMANTICS E2).
    NotRedistributed,
    /// The VRF's export map changed it: another route of the table is what is exported (SEMANTICS E3).
    Rewritten,
    /// The VRF's export map denies it or does not match it (SEMANTICS E5).
    MapDenied,
    /// It has no target (SEMANTICS E3).
    NoTarget,
    /// Its VRF has no RD.
    NoRd,
}

impl ExportStatus {
    /// Returns whether the route is a VPN route at all.
    #[inline]
    pub fn is_vpn_route(self) -> bool {
        matches!(self, Self::Exported | Self::LostNlri)
    }
}

/// Bytes of a route's columns but for the address: length, origin, next hop, attributes, targets, protocol, status,
/// position.
pub(crate) const BYTES_BESIDE_BITS: usize = 1 + 4 + 4 + 4 + 4 + 1 + 1 + 2;

/// All routes of one family that resolve and whose VRF is up, exported or not, by rank.
///
/// Most are source routes. A *derived* route is the VPN route that an export map made of one, or what a VRF exports
/// again: its attributes are none of the network's, and its origin, which exports it, does not itself use it.
///
/// 25 bytes a route for IPv4 and 37 for IPv6.
#[derive(Clone, Debug)]
pub struct RouteTable<A> {
    pub(crate) bits: Vec<A>,
    pub(crate) len: Vec<u8>,
    pub(crate) origin: Vec<VrfId>,
    pub(crate) next_hop: Vec<NextHopId>,
    pub(crate) attributes: Vec<AttributesId>,
    pub(crate) targets: Vec<TargetSetId>,
    pub(crate) protocol: Vec<Protocol>,
    pub(crate) status: Vec<ExportStatus>,
    /// The position of a route within its prefix, 65,535 and above as 65,535.
    pub(crate) position: Vec<u16>,
    pub(crate) target_sets: TargetSets,
    /// The set that each VRF's export list makes.
    pub(crate) export_of: Vec<TargetSetId>,
    /// Whether some attributes bring targets of their own, so that `export_of` is not all that a VRF exports.
    pub(crate) own_targets: bool,
    /// The largest position there is, 65,535 and above as 65,535.
    pub(crate) deepest: u16,
    /// The first route of each prefix where one RD is exported by several VRFs.
    pub(crate) shared_nlri: Vec<RouteId>,
    /// The attributes of derived routes, whose ids follow those of the network.
    pub(crate) derived: Vec<DerivedPath>,
    /// How many attributes the network has: ids from here on are those of derived routes.
    pub(crate) first_derived: u32,
    /// The VRFs that each route that was exported again has been in, ascending by route.
    pub(crate) ways: Vec<(RouteId, Box<[VrfId]>)>,
}

impl<A: Address> RouteTable<A> {
    /// Returns how many routes there are; ids are below it.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "a table of ids, never asked whether it is empty")]
    pub fn len(&self) -> usize {
        self.bits.len()
    }

    /// Returns how many of them are VPN routes. O(routes).
    pub fn vpn_routes(&self) -> usize {
        self.status.par_iter().filter(|status| status.is_vpn_route()).count()
    }

    /// Returns the distinct target sets of the VPN routes.
    pub fn target_sets(&self) -> &TargetSets {
        &self.target_sets
    }

    /// Returns the prefix of a route.
    #[inline]
    pub fn prefix(&self, id: RouteId) -> Prefix<A> {
        Prefix::containing(self.bits[id.index()], self.len[id.index()])
    }

    /// Returns prefix and next hop of the routes from `first` to `last`, which follow one another.
    ///
    /// # Panics
    ///
    /// If there are no such routes.
    #[inline]
    pub fn neighbours(
        &self,
        first: RouteId,
        last: RouteId,
    ) -> impl ExactSizeIterator<Item = (Prefix<A>, NextHopId)> + '_ {
        let range = first.index()..=last.index();
        let columns = self.bits[range.clone()].iter().zip(&self.len[range.clone()]).zip(&self.next_hop[range]);
        columns.map(|((&bits, &len), &next_hop)| (Prefix::containing(bits, len), next_hop))
    }

    /// Returns the VRF that has the route.
    #[inline]
    pub fn origin(&self, id: RouteId) -> VrfId {
        self.origin[id.index()]
    }

    /// Returns the next hop, which belongs to the origin.
    #[inline]
    pub fn next_hop(&self, id: RouteId) -> NextHopId {
        self.next_hop[id.index()]
    }

    /// Returns the attributes.
    #[inline]
    pub fn attributes(&self, id: RouteId) -> AttributesId {
        self.attributes[id.index()]
    }

    /// Returns what the ids of attributes mean; `network` is the one that the table was made of.
    #[inline]
    pub fn paths<'a>(&'a self, network: &'a Network) -> Paths<'a> {
        Paths::new(network, &self.derived)
    }

    /// Returns whether the route is none of its origin's own: an export map or a re-export made it.
    #[inline]
    pub fn is_derived(&self, id: RouteId) -> bool {
        self.attributes(id).0 >= self.first_derived
    }

    /// Returns whether the origin imported the route and exports it again (SEMANTICS E1).
    pub fn is_reexport(&self, network: &Network, id: RouteId) -> bool {
        self.paths(network).depth(self.attributes(id)) > 0
    }

    /// Returns the VPN route that a source route is exported as: itself, or the derived route that its VRF's export map
    /// made of it. `None` if it is not exported. O(routes to the prefix).
    pub fn exported_as(&self, network: &Network, id: RouteId) -> Option<RouteId> {
        if self.status(id) != ExportStatus::Rewritten {
            return Some(id).filter(|&id| self.status(id).is_vpn_route());
        }
        let (paths, key) = (self.paths(network), self.key(id));
        let is_it = |&other: &RouteId| {
            let made = self.key(other);
            paths.source(made.attributes) == Some(key.attributes)
                && RouteKey { attributes: key.attributes, ..made } == key
        };
        self.routes_to(self.prefix(id)).find(is_it)
    }

    /// Returns the VRFs that the route has been in, from the one that has the source route to its origin (SEMANTICS
    /// E1). O(log re-exports).
    pub fn way(&self, id: RouteId) -> impl Iterator<Item = VrfId> + '_ {
        let way = self.ways.binary_search_by_key(&id, |&(route, _)| route).ok().map(|at| &*self.ways[at].1);
        let origin = way.is_none().then(|| self.origin(id));
        origin.into_iter().chain(way.into_iter().flatten().copied())
    }

    /// Returns whether the route has been in `vrf`, which it cannot enter then (SEMANTICS I4).
    #[inline]
    pub(crate) fn was_in(&self, vrf: VrfId, id: RouteId) -> bool {
        self.origin(id) == vrf || !self.ways.is_empty() && self.way(id).any(|other| other == vrf)
    }

    /// Returns where its VRF has the route from.
    #[inline]
    pub fn protocol(&self, id: RouteId) -> Protocol {
        self.protocol[id.index()]
    }

    /// Returns the targets it is exported with, [`TargetSetId::NONE`] if it is no VPN route.
    #[inline]
    pub fn targets(&self, id: RouteId) -> TargetSetId {
        self.targets[id.index()]
    }

    /// Returns what became of the route on its way out of its VRF.
    #[inline]
    pub fn status(&self, id: RouteId) -> ExportStatus {
        self.status[id.index()]
    }

    /// Returns the route's identity apart from its prefix.
    #[inline]
    pub fn key(&self, id: RouteId) -> RouteKey {
        RouteKey {
            origin: self.origin(id),
            next_hop: self.next_hop(id),
            attributes: self.attributes(id),
            protocol: self.protocol(id),
        }
    }

    /// Returns the ids of all routes to `prefix`, best first as the rank has it. O(log routes).
    pub fn routes_to(
        &self,
        prefix: Prefix<A>,
    ) -> impl DoubleEndedIterator<Item = RouteId> + ExactSizeIterator + use<A> {
        let wanted = (prefix.bits(), prefix.len());
        let at = |index: usize| (self.bits[index], self.len[index]);
        let start = partition_point(self.len(), |index| at(index) < wanted);
        let end = start + partition_point(self.len() - start, |index| at(start + index) <= wanted);
        (start..end).map(RouteId::from_index)
    }

    /// Returns the first route of the prefix that `id` leads to. O(1) within the first 65,535 of a prefix, else O(log routes).
    #[inline]
    pub(crate) fn first_of_prefix(&self, id: RouteId) -> RouteId {
        match self.position[id.index()] {
            u16::MAX => {
                let prefix = self.prefix(id);
                let before = |index: usize| (self.bits[index], self.len[index]) < (prefix.bits(), prefix.len());
                RouteId::from_index(partition_point(id.index(), before))
            }
            position => RouteId(id.0 - u32::from(position)),
        }
    }

    /// Returns one past the last route of the prefix whose first route is `first`.
    pub(crate) fn end_of_prefix(&self, first: RouteId) -> RouteId {
        let rest = &self.position[first.index() + 1..];
        RouteId::from_index(first.index() + 1 + rest.iter().position(|&position| position == 0).unwrap_or(rest.len()))
    }

    /// Returns the bytes that the columns hold.
    pub fn bytes(&self) -> usize {
        self.bits.capacity() * size_of::<A>()
            + self.len.capacity()
            + self.origin.capacity() * 4
            + self.next_hop.capacity() * 4
            + self.attributes.capacity() * 4
            + self.targets.capacity() * 4
            + self.protocol.capacity()
            + self.status.capacity()
            + self.position.capacity() * 2
            + self.shared_nlri.capacity() * 4
            + self.export_of.capacity() * 4
            + self.target_sets.bytes()
            + self.derived.capacity() * size_of::<DerivedPath>()
            + self.ways.capacity() * size_of::<(RouteId, Box<[VrfId]>)>()
    }
}

/// Returns the first of `0..len` for which `before` is false; `before` must be true up to some point and false after.
fn partition_point(len: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low.midpoint(high);
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// Returns the distance below which an own static or connected route beats every BGP route without a closer look.
pub(crate) const BGP_DISTANCE: u8 = 20;

/// Returns whether an own route of this kind beats every route that may be imported, by its distance alone.
pub(crate) fn beats_every_import(
    network: &Network,
    dialect: &Dialect,
    protocol: Protocol,
    attributes: AttributesId,
) -> bool {
    match protocol {
        Protocol::Connected | Protocol::Local => true,
        Protocol::Static if dialect.leaks_protocols => false,
        Protocol::Static => {
            network.attributes()[attributes.index()].distance.is_none_or(|distance| distance < BGP_DISTANCE)
        }
        Protocol::Bgp => false,
    }
}

/// Returns whether the next hop is the subnet of an interface, the kind whose host routes leak with it (SEMANTICS S3a).
pub(crate) fn is_attached(network: &Network, next_hop: NextHopId) -> bool {
    matches!(network.next_hop(next_hop).kind, NextHopKind::Attached { .. })
}
