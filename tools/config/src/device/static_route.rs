//! [`StaticRoute`]: a configured route of one table.

use std::net::IpAddr;

use ipnet::IpNet;
use vrfleak_bench_data::RouteOrigin;

use crate::place::{Located, Place};

/// A static route.
#[derive(Clone, Debug)]
pub(crate) struct StaticRoute {
    /// The destination, without host bits.
    pub(crate) prefix: IpNet,
    pub(crate) target: StaticTarget,
    /// The administrative distance where it is not 1.
    pub(crate) distance: Option<u8>,
    /// The tag that policies match.
    pub(crate) tag: u32,
    /// Whether it stays in its table, whatever a policy says.
    pub(crate) kept: bool,
    pub(crate) place: Place,
}

impl StaticRoute {
    /// Returns a route of distance 1 and without a tag, which a policy may take out of its table.
    pub(crate) fn new(prefix: IpNet, target: StaticTarget, place: Place) -> Self {
        Self { prefix, target, distance: None, tag: 0, kept: false, place }
    }

    /// Returns where it stands.
    pub(crate) fn origin(&self) -> RouteOrigin {
        let gateway = match self.target {
            StaticTarget::Gateway { address, .. } => Some(address),
            StaticTarget::Interface { gateway, .. } => gateway,
            StaticTarget::Table(_) | StaticTarget::Discard => None,
        };
        RouteOrigin { prefix: self.prefix, gateway, place: self.place }
    }
}

/// Where a static route leads.
#[derive(Clone, Debug)]
pub(crate) enum StaticTarget {
    /// To a gateway, which is looked up in `table` where that is given (another VRF's name, or `default`).
    Gateway { address: IpAddr, table: Option<Located<String>> },
    /// Out of an interface, of whatever table, to a gateway on it where one is given.
    Interface { name: Located<String>, gateway: Option<IpAddr> },
    /// Into another table, where the lookup goes on.
    Table(Located<String>),
    /// Nowhere.
    Discard,
}
