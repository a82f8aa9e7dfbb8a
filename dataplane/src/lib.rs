//! What forwards packets: longest-prefix match in batches over the tables of many VRFs, forwarding across VRFs and
//! routers, ping and reachability.
//!
//! [`Fibs`] are the forwarding tables of a [`Leak`](vrfleak_engine::Leak); a [`Dataplane`] sends packets through them. The
//! lookup structures are in [`lpm`] and know keys and numbers only. The three-VRF lab, in which C reaches A and B, both
//! reach C, and A and B stay isolated:
//!
//! ```
//! use vrfleak_dataplane::{Backend, Dataplane, Fibs, Verdict};
//! use vrfleak_engine::{Dialect, Leak, NetworkBuilder, Rd, Redistribute, RouteTarget};
//!
//! let mut builder = NetworkBuilder::default();
//! let router = builder.router("lab", 65535, [10, 255, 0, 1].into(), Dialect::IOS);
//! let [a, b, c] = [(1, vec![3]), (2, vec![3]), (3, vec![1, 2])].map(|(number, imports)| {
//!     let vrf = builder.vrf(router, &format!("VRF-{number}"), Some(Rd::as2(65535, number)));
//!     let family = builder.family::<u32>(vrf);
//!     family.export = vec![RouteTarget::as2(65535, number)];
//!     family.import = imports.into_iter().map(|number| RouteTarget::as2(65535, number)).collect();
//!     family.redistribute = Redistribute::ALL;
//!     let loopback = builder.interface(vrf, &format!("Loopback{number}0"));
//!     builder.address(loopback, format!("192.168.{number}1.1/24").parse().expect("an address"));
//!     vrf
//! });
//! let network = builder.build().expect("three VRFs on one router");
//!
//! let fibs = Fibs::build(&Leak::new(&network), Backend::default())?;
//! let dataplane = Dataplane::new(&network, &fibs);
//! let ping = |from, to| {
//!     let destination = dataplane.default_source::<u32>(to)?;
//!     Some(dataplane.ping(dataplane.request(from, destination)?))
//! };
//! assert_eq!(ping(c, a), Some(Verdict::Delivered { vrf: a }));
//! assert_eq!(ping(c, b), Some(Verdict::Delivered { vrf: b }));
//! assert_eq!(ping(a, c), Some(Verdict::Delivered { vrf: c }));
//! assert_eq!(ping(a, b), Some(Verdict::NoRoute { vrf: a }));
//!
//! let matrix = dataplane.reachability::<u32>();
//! assert_eq!(matrix.delivered(), 7); // each reaches itself, C and A, C and B both ways
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod backend;
pub mod dataplane;
pub mod fib;
pub mod fibs;
pub mod forward;
mod layout;
pub mod lpm;
pub mod ping;
mod ping_batch;
pub mod reachability;
mod rows;

pub use backend::{Backend, ParseBackendError};
pub use dataplane::Dataplane;
pub use fib::{FamilyFibs, FibMatch};
pub use fibs::Fibs;
pub use forward::{Fate, Hop, Trace};
pub use ping::{Ping, ReplyLoss, Verdict};
pub use reachability::{Cell, Reachability};
