//! [`LeakReport`]: what was measured, as plain data.

use serde::Serialize;

use crate::machine::Machine;
use crate::spread::Spread;

/// Version of the JSON that a [`LeakReport`] becomes; it changes where a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// A measurement of leaks. Its fields become JSON in this order.
#[derive(Clone, Debug, Serialize)]
pub struct LeakReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What it was measured on.
    pub machine: Machine,
    /// What was leaked.
    pub network: LeakNetwork,
    /// A row for each contender, number of threads and size.
    pub results: Vec<LeakResult>,
    /// How time and bytes grow, where something was swept.
    pub scaling: Option<Scaling>,
    /// What is to be known beside the figures.
    pub notes: Vec<String>,
    /// Whether all contenders came to the same tables.
    pub agreed: bool,
    /// Whether somebody ended the measurement before it was done.
    pub interrupted: bool,
}

/// The network of a measurement, the largest where something was swept.
#[derive(Clone, Debug, Serialize)]
pub struct LeakNetwork {
    /// The scenario's name.
    pub scenario: String,
    /// VPN routes, as they were asked for.
    pub routes: usize,
    /// VRFs, as the scenario counts them.
    pub vrfs: usize,
    /// PEs of a provider.
    pub pes: Option<usize>,
    /// Import targets that a VRF draws.
    pub fan_out: Option<usize>,
    /// What drawn VRFs have in common, where they draw.
    pub drawn: Option<DrawnFacts>,
    /// Seed of what is drawn.
    pub seed: u64,
    /// Turns that each contender has.
    pub rounds: usize,
    /// Bytes that this was expected to take.
    pub estimated_bytes: usize,
}

/// What drawn VRFs have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DrawnFacts {
    /// Export targets of a VRF, which each of its routes has.
    pub export_targets: usize,
    /// Of 100 prefixes of a VRF those that another one has as well.
    pub dual_homed_percent: u8,
    /// Of 100 prefixes of a VRF those that all have.
    pub overlap_percent: u8,
    /// The shortest and the longest prefix, in bits, where something else was asked for than /24s, and /56s in IPv6.
    pub prefix_lengths: Option<(u8, u8)>,
}

/// A row of figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeakResult {
    /// Who.
    pub contender: String,
    /// The scenario's name.
    pub scenario: String,
    /// Threads.
    pub threads: usize,
    /// VPN routes.
    pub vpn_routes: usize,
    /// VRFs of the network, all counted.
    pub vrfs: usize,
    /// Routes imported, best or not, over all VRFs.
    pub imported_routes: usize,
    /// Seconds from the model to all RIBs; the literal baseline's tables are tries at once, so that its FIBs are in it.
    pub leak_seconds: Option<Spread>,
    /// Seconds from the RIBs to all FIBs, where that is a step of its own.
    pub install_seconds: Option<Spread>,
    /// Imported routes for each second of leaking and installing, by the medians.
    pub imported_per_second: f64,
    /// Bytes of the RIBs.
    pub rib_bytes: usize,
    /// Bytes of the FIBs.
    pub fib_bytes: usize,
    /// The most that the process held during the contender's turns, the model among it.
    pub peak_rss_bytes: Option<u64>,
    /// Over every VRF, prefix and best route, hexadecimal.
    pub checksum: String,
    /// Seconds of the import alone, a part of leaking: after ranking and bucketing.
    pub import_seconds: Option<Spread>,
    /// Import targets that a VRF draws.
    pub fan_out: Option<usize>,
    /// Bytes of the model, of RIBs and FIBs and all between, by their own count, and as measured those of the program and
    /// what the allocator holds besides blocks in use, less what of these was never written; once the last turn was done.
    pub accounted_bytes: Option<u64>,
    /// What the process held then, when what was freed had been given back.
    pub held_bytes: Option<u64>,
}

impl LeakResult {
    /// Returns the seconds of leaking and installing together, by the medians.
    pub fn seconds(&self) -> Option<f64> {
        Some(self.leak_seconds?.median + self.install_seconds.map_or(0.0, |seconds| seconds.median))
    }
}

/// How figures grow with what was swept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scaling {
    /// What grew: `routes`, `vrfs`, `fanout` or `threads`.
    pub quantity: String,
    /// A row for each contender, and for each number of threads unless these were swept.
    pub fits: Vec<Fit>,
}

/// The exponents of a contender: a figure grows with the quantity to this power. 1 is linear.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// Who.
    pub contender: String,
    /// Threads, where these were not swept.
    pub threads: Option<usize>,
    /// Of the seconds from the model to all RIBs.
    pub leak_seconds: Option<f64>,
    /// Of the seconds from the RIBs to all FIBs.
    pub install_seconds: Option<f64>,
    /// Of the bytes of RIBs and FIBs.
    pub bytes: Option<f64>,
}
