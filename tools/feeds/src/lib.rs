#![forbid(unsafe_code)]
//! Routes that no configuration tells: what routers outside the model announce, and what CEs say.
//!
//! [`Feed::read`] takes a BMP capture (pcap or pcapng), a raw BMP stream, or what FRR prints for `show bgp ipv4 vpn json`
//! and `show bgp ipv6 vpn json`, and returns the VPN routes that stand at its end: withdrawals, repeated announcements
//! and peers that went down are done with. [`add`] puts the routes of several feeds into a network, where they are
//! imported like any others. [`CeRoutes`] are the routes of one VRF, from a list of prefixes or from FRR's
//! `show bgp vrf X ipv4 unicast json`.
//!
//! A capture goes through `capture` (packets), `reassembly` (TCP streams), `framing` (BMP messages), `monitor` (what they
//! do to the state) and `update` (what a BGP message says). Nothing that a file says makes a buffer: memory grows with the
//! bytes that are there.

mod add;
mod capture;
mod ce_routes;
mod changes;
mod feed;
mod framing;
mod frr;
mod monitor;
mod reassembly;
mod route;
mod update;

pub use add::{Added, add};
pub use ce_routes::CeRoutes;
pub use feed::{Counts, Feed, MAX_BYTES};
pub use route::{SiteRoute, VpnRoute};
