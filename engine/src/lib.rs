#![forbid(unsafe_code)]
//! The model of an L3VPN network and what route leaking makes of it.

pub mod address;
pub mod administrator;
pub mod attributes;
pub mod id;
pub mod label;
pub mod network;
pub mod next_hop;
pub mod per_family;
pub mod prefix;
pub mod rd;
pub mod reference;
pub mod route_target;
pub mod router;
pub mod source_route;
pub mod vrf;

pub use address::{Address, Family};
pub use administrator::Administrator;
pub use attributes::{Attributes, OriginCode};
pub use id::{AttributesId, InterfaceId, NextHopId, RouteId, RouterId, RtId, TargetSetId, VrfId};
pub use label::Label;
pub use network::{ModelError, Network, NetworkBuilder};
pub use next_hop::{NextHop, NextHopKind};
pub use per_family::{Kind, PerFamily};
pub use prefix::{Ipv4Prefix, Ipv6Prefix, ParsePrefixError, Prefix};
pub use rd::{ParseRdError, Rd};
pub use route_target::{ParseRouteTargetError, RouteTarget};
pub use router::{Dialect, ExportMapMiss, Router};
pub use source_route::{Protocol, SourceRoute};
pub use vrf::{Interface, Redistribute, Vrf, VrfFamily};
