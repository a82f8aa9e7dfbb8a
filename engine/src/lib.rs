#![forbid(unsafe_code)]
//! The model of a BGP/MPLS L3VPN network and what route leaking makes of it. No I/O.
//!
//! A [`Network`] is what is configured: routers, their VRFs, the routes the VRFs have of their own. [`Leak`] is what
//! follows: own routes become VPN routes with an [`Rd`] and [`RouteTarget`]s, are bucketed by their target set, and every
//! VRF imports the buckets that share a target with its import list and selects the best route to each prefix. [`why()`]
//! says why a route is in a table or not. [`reference`](mod@reference) is the plain definition that all of it is held to.
//!
//! The three VRFs of a tutorial, of which A and B reach the services in C and stay apart:
//!
//! ```
//! use std::net::Ipv4Addr;
//! use vrfleak_engine::{Dialect, Leak, NetworkBuilder, Rd, Redistribute, RouteTarget};
//!
//! let mut builder = NetworkBuilder::default();
//! let router = builder.router("lab", 65535, Ipv4Addr::new(10, 255, 0, 1), Dialect::NATIVE);
//! let vrfs = [("VRF-A", 1, vec![3]), ("VRF-B", 2, vec![3]), ("VRF-C", 3, vec![1, 2])].map(|(name, number, imports)| {
//!     let vrf = builder.vrf(router, name, Some(Rd::as2(65535, number)));
//!     let interface = builder.interface(vrf, "Loopback1");
//!     builder.address(interface, format!("192.168.{number}1.1/24").parse().expect("an address"));
//!     let family = builder.family::<u32>(vrf);
//!     family.export = vec![RouteTarget::as2(65535, number)];
//!     family.import = imports.into_iter().map(|number| RouteTarget::as2(65535, number)).collect();
//!     family.redistribute = Redistribute { connected: true, statics: false };
//!     vrf
//! });
//! let network = builder.build().expect("a model without contradictions");
//!
//! let leak = Leak::new(&network);
//! let has = |vrf: usize, prefix: &str| leak.family::<u32>().get(vrfs[vrf], prefix.parse().expect("a prefix")).is_some();
//! assert!(has(0, "192.168.31.0/24") && has(1, "192.168.31.0/24")); // A and B have the services
//! assert!(has(2, "192.168.11.0/24") && has(2, "192.168.21.0/24")); // and C has them
//! assert!(!has(0, "192.168.21.0/24") && !has(1, "192.168.11.0/24")); // A and B stay apart
//! ```

pub mod address;
pub mod administrator;
pub mod attributes;
mod bins;
pub mod buckets;
mod candidates;
mod class;
mod columns;
pub mod community;
mod exchanges;
mod export_targets;
mod exporters;
pub mod id;
mod import;
pub mod imported;
pub mod label;
pub mod label_table;
pub mod leak;
pub mod limit;
mod lists;
pub mod memory;
mod merge;
mod multipath;
pub mod near_target;
pub mod network;
pub mod next_hop;
mod outside;
mod overlay;
pub mod paths;
pub mod pe;
pub mod per_family;
mod pieces;
pub mod policy;
pub mod prefix;
mod rank;
pub mod rd;
mod reexport;
pub mod reference;
pub mod resolve;
mod review;
pub mod rib;
mod rib_lists;
pub mod route_table;
pub mod route_target;
pub mod router;
mod row;
mod scratch;
pub mod select;
pub mod source_route;
mod span;
pub mod target_set;
mod union;
pub mod vrf;
pub mod why;
mod work;

pub use address::{Address, Family};
pub use administrator::Administrator;
pub use attributes::{Attributes, OriginCode};
pub use buckets::Buckets;
pub use community::{Community, ParseCommunityError};
pub use id::{AttributesId, InterfaceId, ListId, NextHopId, RouteId, RouterId, RtId, TargetSetId, VrfId};
pub use imported::ImportedCopy;
pub use label::Label;
pub use label_table::LabelTable;
pub use leak::{Candidate, FamilyLeak, Leak, Phase, PhaseTimes, Sharing};
pub use limit::LimitReport;
pub use memory::MemoryPart;
pub use near_target::{WantedTarget, wanted_targets};
pub use network::{ModelError, Network, NetworkBuilder};
pub use next_hop::{NextHop, NextHopKind};
pub use paths::Paths;
pub use pe::{FamilyUsage, LabelUsage, PeUsage};
pub use per_family::{Kind, PerFamily};
pub use policy::{Policies, Policy, PolicyId};
pub use prefix::{Ipv4Prefix, Ipv6Prefix, ParsePrefixError, Prefix};
pub use rd::{ParseRdError, Rd};
pub use resolve::Resolution;
pub use rib::{Rib, Ribs, Splice};
pub use route_table::{ExportStatus, RouteTable};
pub use route_target::{ParseRouteTargetError, RouteTarget};
pub use router::{Dialect, EqualPaths, ExportMapMiss, Router};
pub use select::{RouteKey, Selection, Step};
pub use source_route::{Protocol, SourceRoute};
pub use target_set::TargetSets;
pub use vrf::{Interface, MaximumPaths, MaximumRoutes, OverLimit, Redistribute, Vrf, VrfFamily};
pub use why::{Outcome, Reason, Stage, why};
