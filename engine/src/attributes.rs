//! [`Attributes`]: what BGP says of a path besides where it leads.

use std::fmt;

use crate::community::Community;
use crate::route_target::RouteTarget;

/// The origin code of a path, best first (RFC 4271 section 5.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OriginCode {
    /// Originated by the network's own routing protocol, shown as `i`.
    Igp,
    /// Learned through the EGP protocol, shown as `e`.
    Egp,
    /// Redistributed from elsewhere, shown as `?`.
    #[default]
    Incomplete,
}

impl fmt::Display for OriginCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Igp => "i",
            Self::Egp => "e",
            Self::Incomplete => "?",
        })
    }
}

/// The attributes of a path. Routes share them: a [`Network`](crate::Network) keeps each distinct value once.
///
/// The default is what a redistributed connected route has: empty AS path, origin incomplete, local preference 100,
/// metric 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attributes {
    /// LOCAL_PREF; higher is preferred (RFC 4271 section 5.1.5).
    pub local_preference: u32,
    /// AS_PATH as a sequence, nearest AS first (RFC 4271 section 5.1.2).
    pub as_path: Box<[u32]>,
    /// ORIGIN.
    pub origin: OriginCode,
    /// MULTI_EXIT_DISC; lower is preferred (RFC 4271 section 5.1.4).
    pub med: u32,
    /// Whether the path came without MULTI_EXIT_DISC: [`med`](Self::med) is 0 then, and tables leave its column empty.
    pub without_med: bool,
    /// The weight that the router gives a learned path; higher is preferred, and no other router sees it. What the
    /// router originates itself has [`WEIGHT_LOCAL`] whatever stands here.
    pub weight: u32,
    /// Whether a learned path came over an internal session (iBGP) and not an external one (eBGP).
    pub internal: bool,
    /// The administrative distance of a static route where it is not 1; ignored for the other protocols.
    pub distance: Option<u8>,
    /// Targets that the route brings along. They replace the VRF's export targets.
    pub route_targets: Option<Box<[RouteTarget]>>,
    /// COMMUNITIES, ascending, without repeats (RFC 1997).
    pub communities: Box<[Community]>,
    /// The tag of a static route, or the one that a policy set. Policies match it; it leaves no router.
    pub tag: u32,
    /// Whether a connected or static route is put into BGP, where something else than the VRF's
    /// [`Redistribute`](crate::Redistribute) decides: a `network` statement does, a policy on the redistribution may not.
    pub redistribute: Option<bool>,
}

/// The weight of a path that the router itself put into BGP (`network`, `redistribute`).
pub const WEIGHT_LOCAL: u32 = 32768;

impl Default for Attributes {
    fn default() -> Self {
        Self {
            local_preference: 100,
            as_path: Box::default(),
            origin: OriginCode::Incomplete,
            med: 0,
            without_med: false,
            weight: 0,
            internal: false,
            distance: None,
            route_targets: None,
            communities: Box::default(),
            tag: 0,
            redistribute: None,
        }
    }
}

impl Attributes {
    /// Returns the AS that the path was learned from, or `None` for one that starts in this AS.
    pub fn neighbor_as(&self) -> Option<u32> {
        self.as_path.first().copied()
    }
}
