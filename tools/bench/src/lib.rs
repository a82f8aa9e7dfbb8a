#![cfg_attr(not(feature = "peer-dpdk"), forbid(unsafe_code))]
//! The instruments: how fast are lookups and leaks on this machine, beside the best that others have?
//!
//! [`lookup`] measures forwarding tables. Its contenders run in turn inside one process, each one's answers are compared
//! with an oracle before it is timed, and one that errs gets no figure. [`leak`] measures the way from a network to the
//! tables of all its VRFs, ours beside the literal one, and holds them to one checksum. Measuring is apart from showing: a plan gives a
//! report, which is plain data for JSON, and which `print` writes as text and `plot` as an SVG chart. Nothing here writes
//! to a terminal.

pub mod leak;
pub mod lookup;
pub mod machine;
pub mod memory;
pub mod spread;
mod text;

pub use machine::Machine;
pub use spread::Spread;
pub use text::grouped;
