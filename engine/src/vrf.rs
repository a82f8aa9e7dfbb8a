//! [`Vrf`]: a routing table of its own on one router, with its targets and its own routes.

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
    /// Whether the VRF is up. One that is down exports nothing, imports nothing and forwards nothing (SEMANTICS C3).
    pub up: bool,
    /// Targets and own routes, by family.
    pub families: PerFamily<VrfFamilies>,
}

impl Vrf {
    /// Returns what the VRF has in the family of `A`.
    #[inline]
    pub fn family<A: Address>(&self) -> &VrfFamily<A> {
        self.families.get()
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
