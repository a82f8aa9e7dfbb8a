//! [`Provenance`]: where the parts of a network stand in the configurations.

use std::fmt;

use ipnet::IpNet;
use vrfleak_bench_data::SourceText;
use vrfleak_engine::{Family, InterfaceId, PolicyId, RouteTarget, RouterId, VrfId};

use crate::place::Place;

/// Where the parts of a network stand in the configurations that it was loaded from.
///
/// Holds the texts: that is what a line and a column are found in.
#[derive(Debug, Default)]
pub struct Provenance {
    pub(crate) sources: Vec<SourceText>,
    pub(crate) routers: Vec<Place>,
    pub(crate) vrfs: Vec<VrfOrigin>,
    pub(crate) interfaces: Vec<Place>,
    pub(crate) policies: Vec<Place>,
    pub(crate) clauses: Vec<Place>,
}

impl Provenance {
    /// Returns the texts, in the order that [`Place::source`] counts.
    pub fn sources(&self) -> &[SourceText] {
        &self.sources
    }

    /// Returns where the name of a router is set.
    pub fn router(&self, id: RouterId) -> Place {
        self.routers[id.index()]
    }

    /// Returns where the parts of a VRF stand.
    pub fn vrf(&self, id: VrfId) -> &VrfOrigin {
        &self.vrfs[id.index()]
    }

    /// Returns where an interface is configured.
    pub fn interface(&self, id: InterfaceId) -> Place {
        self.interfaces[id.index()]
    }

    /// Returns where a policy is defined, or where it is named if it is not defined.
    pub fn policy(&self, id: PolicyId) -> Place {
        self.policies[id.index()]
    }

    /// Returns where a clause stands, by its [`Clause::source`](vrfleak_engine::policy::Clause::source).
    pub fn clause(&self, source: u32) -> Place {
        self.clauses[source as usize]
    }

    /// Returns the file, line and column of a place. Costs a scan of up to 64 KiB, once a text one of all its bytes.
    pub fn resolve(&self, place: Place) -> FileLine<'_> {
        let source = &self.sources[place.source()];
        let at = source.locate(place.span());
        FileLine { file: source.name(), line: at.line(), column: at.column() }
    }
}

/// A file, a line and a column, written `FILE:LINE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLine<'a> {
    /// The name of the file.
    pub file: &'a str,
    /// The line, from 1 on.
    pub line: usize,
    /// The column in characters, from 1 on.
    pub column: usize,
}

impl fmt::Display for FileLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Where the parts of a VRF stand.
#[derive(Clone, Debug)]
pub struct VrfOrigin {
    /// Where it is defined.
    pub definition: Place,
    /// Where its RD stands, if it has one.
    pub rd: Option<Place>,
    /// What each family has, IPv4 first.
    pub families: [FamilyOrigin; 2],
}

impl VrfOrigin {
    /// Returns what stands where in `family`.
    pub fn family(&self, family: Family) -> &FamilyOrigin {
        &self.families[family as usize]
    }
}

/// Where the parts of one address family of a VRF stand.
#[derive(Clone, Debug, Default)]
pub struct FamilyOrigin {
    /// Whether the family is enabled in the VRF's definition.
    pub enabled: bool,
    /// Whether BGP carries the family of this VRF. Without it nothing is imported or exported, whatever the targets.
    pub in_bgp: bool,
    /// The import targets as configured, those without effect included, each with its place.
    pub import: Vec<(RouteTarget, Place)>,
    /// The export targets as configured.
    pub export: Vec<(RouteTarget, Place)>,
    /// Where connected routes are put into BGP.
    pub connected: Option<Place>,
    /// Where static routes are put into BGP.
    pub statics: Option<Place>,
    /// The static routes, each with its place, in the order of the configuration.
    pub static_routes: Vec<(IpNet, Place)>,
}
