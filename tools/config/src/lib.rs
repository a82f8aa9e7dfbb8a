#![forbid(unsafe_code)]
#![expect(clippy::single_match_else, reason = "a value and its error are two arms of equal rank")]
#![expect(clippy::match_same_arms, reason = "commands are listed by their grammar, not by what is done about them")]
//! Front ends that turn router configurations into vrfleak's model.
//!
//! [`load`](load()) reads files or directories, tells the dialect of each text, and returns one
//! [`Network`](vrfleak_engine::Network) with everything that there is to say about the input: errors with file, line and
//! column, warnings where the result may differ from the router's, and the lines that no reader knows.
//!
//! Each dialect has a front end in a folder of its own. It fills a `Device`, which is free of dialects, line by line;
//! `assemble` resolves names and makes routers, VRFs and routes of all devices together.
//!
//! ```
//! use vrfleak_config::{Options, load_texts};
//!
//! let text = "hostname pe1
//! vrf definition red
//!  rd 65000:1
//!  address-family ipv4
//!   route-target both 65000:1
//! interface Loopback1
//!  vrf forwarding red
//!  ip address 192.0.2.1 255.255.255.0
//! router bgp 65000
//!  address-family ipv4 vrf red
//!   redistribute connected
//! end
//! ";
//! let loaded = load_texts([("pe1.cfg", text)], &Options::default()).expect("no errors");
//! assert_eq!(loaded.network.vrfs()[0].name, "red");
//! assert_eq!(loaded.network.source_routes::<u32>(), 2);
//! ```

mod assemble;
mod banner;
mod daemon_files;
mod device;
pub mod dialect;
mod frr;
mod ios;
mod junos;
mod line;
mod load;
mod names;
mod neighbor_line;
mod place;
mod report;
mod route_map;
mod session;
pub mod unknown;
mod value;
mod word;
mod xr;

pub use dialect::{Format, detect, is_configuration};
pub use ios::short_interface_name;
pub use load::{Loaded, MAX_BYTES, MAX_LINE_BYTES, Options, load, load_texts};
pub use names::Name;
pub use unknown::{UnknownLine, UnknownLines};
pub use vrfleak_bench_data::{FamilyOrigin, FileLine, Place, Provenance, RouteOrigin, VrfOrigin};
