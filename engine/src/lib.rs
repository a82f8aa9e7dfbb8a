#![forbid(unsafe_code)]
//! The model of an L3VPN network and what route leaking makes of it.

pub mod address;
pub mod prefix;

pub use address::{Address, Family};
pub use prefix::{Ipv4Prefix, Ipv6Prefix, ParsePrefixError, Prefix};
