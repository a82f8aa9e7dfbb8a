//! [`Vrf`]: a routing table of its own on one router, with its targets and its own routes.

use std::net::Ipv4Addr;

use crate::address::Address;
use crate::attributes::Attributes;
use crate::id::{RouterId, VrfId};
use crate::per_family::{Kind, PerFamily};
use crate::policy::PolicyId;
use crate::rd::Rd;
use crate::route_target::RouteTarget;
use crate::source_route::{Protocol, SourceRoute};

/// Which of its own routes a VRF puts into BGP. Routes from a CE are there already (SEMANTICS E2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redistribute {
    /// Connected routes.
    pub connected: bool,
    /// Static routes.
    pub statics: bool,
}

impl Redistribute {
    /// Connected and static routes.
    pub const ALL: Self = Self { connected: true, statics: true };

    /// Returns whether a route of `protocol` with these attributes is put into BGP if it is the VRF's best of its own
    /// (SEMANTICS E2). One from a CE is there already, and a local one never comes there.
    #[inline]
    pub fn includes(self, protocol: Protocol, attributes: &Attributes) -> bool {
        match protocol {
            Protocol::Connected => attributes.redistribute.unwrap_or(self.connected),
            Protocol::Static => attributes.redistribute.unwrap_or(self.statics),
            Protocol::Local => false,
            Protocol::Bgp => true,
        }
    }
}

/// What happens to routes beyond a limit (SEMANTICS S6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OverLimit {
    /// They are dropped.
    Reject,
    /// They are kept, and counted.
    WarningOnly,
}

/// How many routes a VRF may have in one family (`maximum routes`, SEMANTICS S6). Its own connected, local and static
/// routes do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaximumRoutes {
    /// How many.
    pub limit: u32,
    /// What happens to those beyond.
    pub over: OverLimit,
}

/// How many paths of equal cost a VRF installs (`maximum-paths`, SEMANTICS S4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaximumPaths {
    /// How many in all; one is no multipath.
    pub paths: u32,
    /// Whether paths over eBGP and over iBGP may stand together. The IGP metric then compares those over iBGP alone.
    pub eibgp: bool,
}

impl Default for MaximumPaths {
    fn default() -> Self {
        Self { paths: 1, eibgp: false }
    }
}

/// What a VRF has and wants in one address family (SEMANTICS V4: the families share nothing).
#[derive(Clone, Debug)]
pub struct VrfFamily<A> {
    /// Targets of which one must be on a VPN route for this VRF to import it. A set: order and repeats mean nothing.
    pub import: Vec<RouteTarget>,
    /// Targets that the VRF's exported routes get. A set as well.
    pub export: Vec<RouteTarget>,
    /// Which protocols' routes are exported besides those from a CE.
    pub redistribute: Redistribute,
    /// The policy that routes pass on their way out, after the export targets were attached (SEMANTICS E3).
    pub export_map: Option<PolicyId>,
    /// The policy that routes pass on their way in, after their targets matched (SEMANTICS I3).
    pub import_map: Option<PolicyId>,
    /// How often the router's AS may stand in the AS path of a route that is imported (`allowas-in`, SEMANTICS I5).
    pub allowas_in: u32,
    /// How many routes with one RD and prefix are imported. One is what the router's choice before any import leaves
    /// (SEMANTICS E6). More are the best of those that the VRF wants, as its router sees them without any reflector.
    pub import_paths: u32,
    /// How many paths of equal cost are installed (SEMANTICS S4).
    pub maximum_paths: MaximumPaths,
    /// How many routes there may be (SEMANTICS S6).
    pub maximum_routes: Option<MaximumRoutes>,
    /// The VRF's own routes, in any order.
    pub routes: Vec<SourceRoute<A>>,
}

impl<A> Default for VrfFamily<A> {
    fn default() -> Self {
        Self {
            import: Vec::new(),
            export: Vec::new(),
            redistribute: Redistribute::default(),
            export_map: None,
            import_map: None,
            allowas_in: 0,
            import_paths: 1,
            maximum_paths: MaximumPaths::default(),
            maximum_routes: None,
            routes: Vec::new(),
        }
    }
}

impl<A> VrfFamily<A> {
    /// Sorts the target lists and drops repeats.
    pub(crate) fn normalize(&mut self) {
        for targets in [&mut self.import, &mut self.export] {
            targets.sort_unstable();
            targets.dedup();
        }
    }
}

/// Names [`VrfFamily`] for [`PerFamily`].
#[derive(Debug)]
pub enum VrfFamilies {}

impl Kind for VrfFamilies {
    type Of<A: Address> = VrfFamily<A>;
}

/// A VRF of one router (RFC 4364 section 3).
#[derive(Clone, Debug)]
pub struct Vrf {
    /// Its name, unique on its router.
    pub name: String,
    /// The router that has it.
    pub router: RouterId,
    /// Its route distinguisher. A VRF without one exports nothing.
    pub rd: Option<Rd>,
    /// The BGP identifier that the VRF's own sessions have, where it is not the router's.
    pub router_id: Option<Ipv4Addr>,
    /// Whether the VRF is up. One that is down exports nothing, imports nothing and forwards nothing (SEMANTICS C3).
    pub up: bool,
    /// Whether the VRF exports again what it imported (SEMANTICS E1); off unless somebody says otherwise.
    ///
    /// Such a VRF exports its best route to a prefix where it imported that one and exports none of its own: under its
    /// own RD and export targets, through its export map, with the attributes of its imported copy, and with itself as
    /// next hop, so that packets come here and are looked up here. A route that was exported again `n` times has depth
    /// `n`, its VRFs' own have depth 0. A lower depth beats a higher one before S1 and S2, and takes the places that S6
    /// leaves before it; each VRF exports a prefix once, at the lowest depth it can; and a route enters no VRF on its
    /// way. So what is decided at one depth stays as it is at the next, the computation ends after as many depths as
    /// there are VRFs, and the order of input decides nothing. Leaking stays as it is, not transitive, across a VRF
    /// without the switch.
    pub reexport_imported: bool,
    /// Whether the VRF exports again, in the same way, what it imported from the default table of its router (SEMANTICS
    /// I8; `advertise-as-vpn` of IOS-XR).
    pub reexport_from_default: bool,
    /// Targets and own routes, by family.
    pub families: PerFamily<VrfFamilies>,
}

impl Vrf {
    /// Returns its route distinguisher as configurations have it: `None` as well for a default table that leaks to VRFs
    /// and has none (SEMANTICS I8).
    pub fn configured_rd(&self) -> Option<Rd> {
        self.rd.filter(|rd| !rd.is_of_default_table())
    }

    /// Returns what the VRF has in the family of `A`.
    #[inline]
    pub fn family<A: Address>(&self) -> &VrfFamily<A> {
        self.families.get()
    }

    /// Returns whether the VRF exports again what it imported from `origin`, a VRF of its router or of another.
    pub(crate) fn reexports_from<A: Address>(&self, origin: &Self) -> bool {
        let of_default = RouteTarget::from_default_table(self.router);
        self.reexport_imported || self.reexport_from_default && origin.family::<A>().export.contains(&of_default)
    }

    /// Returns what the VRF has in the family of `A`, to be changed.
    #[inline]
    pub fn family_mut<A: Address>(&mut self) -> &mut VrfFamily<A> {
        self.families.get_mut()
    }
}

/// An interface of a VRF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name as the router writes it in full: `Loopback30`.
    pub name: String,
    /// The VRF that it forwards for.
    pub vrf: VrfId,
}
