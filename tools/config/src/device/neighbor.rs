//! [`Neighbor`]: a BGP session of a table, or a template of sessions.

use crate::place::{Located, Place};

/// The AS at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RemoteAs {
    /// This one.
    Number(u32),
    /// The router's own.
    Internal,
    /// Any but the router's own.
    External,
    /// Whichever the other end has.
    Any,
}

/// Another AS than the router's, which it shows to a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LocalAs {
    pub(crate) asn: u32,
    /// Whether it stands in the paths that come in.
    pub(crate) prepends: bool,
    /// Whether the router's own AS is left out of the paths that go out.
    pub(crate) replaces: bool,
}

/// What happens to private ASes in the paths that a neighbour gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PrivateAs {
    /// Whether they go even where public ones stand beside them.
    pub(crate) all: bool,
    /// Whether the router's AS takes their place.
    pub(crate) replaced: bool,
}

/// A BGP neighbour, or a group of them, as configured in one table.
#[derive(Clone, Debug)]
pub(crate) struct Neighbor {
    /// Its address, or the name of a group, as written.
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) remote_as: Option<Located<RemoteAs>>,
    pub(crate) local_as: Option<LocalAs>,
    /// The groups whose settings it inherits, the first that has a setting first.
    pub(crate) groups: Vec<Located<String>>,
    pub(crate) shutdown: bool,
    /// Whether VPN routes are exchanged, of IPv4 and of IPv6, where the configuration says so.
    pub(crate) vpn: [Option<bool>; 2],
    /// Whether VPN routes pass a policy.
    pub(crate) vpn_policy: bool,
    /// Whether VPN routes of other neighbours of the AS are passed on to it, and its own to them.
    pub(crate) reflected: Option<bool>,
    /// The interface or address that the session starts from.
    pub(crate) update_source: Option<Located<String>>,
    /// Settings of IPv4 unicast and IPv6 unicast.
    pub(crate) families: [NeighborFamily; 2],
}

/// What a neighbour has in one address family.
#[derive(Clone, Debug, Default)]
pub(crate) struct NeighborFamily {
    /// Whether routes of the family are exchanged, where the configuration says so.
    pub(crate) active: Option<bool>,
    /// The policy that received routes pass.
    pub(crate) policy_in: Option<Located<String>>,
    /// The policy that sent routes pass.
    pub(crate) policy_out: Option<Located<String>>,
    /// The weight of received routes.
    pub(crate) weight: Option<u32>,
    /// How often the router's own AS may stand in the path of a received route.
    pub(crate) allowas_in: Option<u8>,
    /// Lists that received routes pass besides the policy, by the names of their policies.
    pub(crate) filters_in: Vec<Located<String>>,
    /// Lists that sent routes pass besides the policy.
    pub(crate) filters_out: Vec<Located<String>>,
    /// Whether a default route is sent, there or not.
    pub(crate) default_originate: Option<bool>,
    /// Whether the neighbour's AS is replaced by the router's own in the paths that it gets.
    pub(crate) as_override: Option<bool>,
    /// Whether what came from inside the AS is passed on to it inside the AS.
    pub(crate) reflected: Option<bool>,
    /// What becomes of private ASes in the paths that it gets.
    pub(crate) private_as: Option<PrivateAs>,
    /// How many routes may come in before the session is torn down.
    pub(crate) maximum_prefix: Option<u32>,
    /// Whether communities are sent, where the configuration says so.
    pub(crate) send_community: Option<bool>,
}

impl Neighbor {
    pub(crate) fn new(name: String, place: Place) -> Self {
        Self {
            name,
            place,
            remote_as: None,
            local_as: None,
            groups: Vec::new(),
            shutdown: false,
            vpn: [None; 2],
            vpn_policy: false,
            reflected: None,
            update_source: None,
            families: Default::default(),
        }
    }
}
