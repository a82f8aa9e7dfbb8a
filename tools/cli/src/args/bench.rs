//! What was typed after `vrfleak bench`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use vrfleak_bench::leak::{Scenario, Sweep};
use vrfleak_bench::lookup::{Cut, KeySource};

use super::FamilyArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// How many lookups a second, on a table of yours, beside the crates and DPDK.
    ///
    /// All contenders look the same keys up in turn, inside one process and after their answers were compared with an
    /// oracle's. One that errs is shown as wrong, and the exit code is 1.
    Lookup(BenchLookupArgs),
    /// How fast all VRFs are leaked into and installed, beside the literal way, and how that grows.
    ///
    /// All contenders leak the same network in turn, inside one process. A checksum over every VRF, prefix and best route
    /// is taken of each; where they differ the exit code is 1.
    Leak(BenchLeakArgs),
}

#[derive(Clone, Debug, Args)]
#[command(group = ArgGroup::new("source").required(true))]
pub(crate) struct BenchLookupArgs {
    /// A list of prefixes, `PREFIX` or `PREFIX NEXT_HOP` a line, plain or gzip.
    #[arg(long, value_name = "FILE", group = "source")]
    pub(crate) table: Option<PathBuf>,
    /// Draw this many prefixes of each family, after the pattern of a full table.
    #[arg(long, value_name = "N", group = "source")]
    pub(crate) synthetic: Option<usize>,
    /// Cut the table into this many VRFs; keys are then pairs of VRF and address, in any mix.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) vrfs: usize,
    /// Prefixes of each VRF; default: all are dealt out, each once.
    #[arg(long, value_name = "N")]
    pub(crate) routes_per_vrf: Option<usize>,
    /// How the table is cut: `neighbours` or `scattered`.
    #[arg(long, value_name = "HOW", default_value_t)]
    pub(crate) cut: Cut,
    /// Add a VRF with the whole table, as a router has the internet's beside its customers'; keys go to each VRF as to its prefixes.
    #[arg(long)]
    pub(crate) internet_vrf: bool,
    /// Distinct next hops, dealt out by a hash; default: those of the list, or 64.
    #[arg(long, value_name = "N")]
    pub(crate) next_hops: Option<u32>,
    #[command(flatten)]
    pub(crate) family: FamilyArgs,
    /// Kinds of keys: `uniform`, `matched`, `zipf`, `miss`, or a file with one address a line.
    #[arg(long, value_name = "KIND|FILE", value_delimiter = ',', default_value = "uniform,matched,zipf")]
    pub(crate) keys: Vec<KeySource>,
    /// How many keys of each kind.
    #[arg(long, value_name = "N", default_value_t = 1 << 21)]
    pub(crate) key_count: usize,
    /// Keys a call.
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "8192")]
    pub(crate) batch: Vec<usize>,
    /// Threads that look up at once; several numbers are measured one after the other.
    // The same id and type as the option of every command, which it takes the place of.
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Vec<u16>,
    /// Contenders by name; default: all that this program was built with. `vrfleak` stands for all of ours.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) contenders: Vec<String>,
    /// Turns that each contender has.
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub(crate) rounds: usize,
    /// Milliseconds of a turn.
    #[arg(long, value_name = "MS", default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub(crate) turn: u64,
    /// Seed of keys and drawn prefixes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Draw the figures as an SVG chart.
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct BenchLeakArgs {
    /// The network: W1, W2, W3, D, provider, or a worst case; a wrong name lists them.
    #[arg(long, value_name = "NAME", default_value = "D")]
    pub(crate) scenario: Scenario,
    /// VPN routes; default: those that the scenario stands for.
    #[arg(long, value_name = "N")]
    pub(crate) routes: Option<usize>,
    /// VRFs, as the scenario counts them; default: those that it stands for.
    #[arg(long, value_name = "N")]
    pub(crate) vrfs: Option<usize>,
    /// PEs of a provider.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) pes: Option<u32>,
    /// Import targets of each VRF, where the scenario's VRFs draw them.
    #[arg(long, value_name = "N")]
    pub(crate) fan_out: Option<usize>,
    /// Export targets of each VRF, which all its routes have, where VRFs draw; default: one.
    #[arg(long, value_name = "N")]
    pub(crate) export_targets: Option<usize>,
    /// Of 100 prefixes of a VRF, how many the VRF before it has as well, where VRFs draw; default: none but by chance.
    #[arg(long, value_name = "PERCENT")]
    pub(crate) dual_homed: Option<u8>,
    /// Of 100 prefixes of a VRF, how many all VRFs have, where VRFs draw; default: none but by chance.
    #[arg(long, value_name = "PERCENT")]
    pub(crate) overlap: Option<u8>,
    /// Lengths of prefixes, as many of each, where VRFs draw; default: 24, in IPv6 56.
    #[arg(long, value_name = "LEN|MIN-MAX", value_parser = lengths)]
    pub(crate) prefix_lengths: Option<(u8, u8)>,
    /// Let this grow in four steps of two and fit the growth: `routes`, `vrfs`, `fanout` or `threads`.
    #[arg(long, value_name = "WHAT")]
    pub(crate) sweep: Option<Sweep>,
    /// Numbers of threads, one after the other; default: one, and one a core. The literal way gets the most.
    // The same id and type as the option of every command, which it takes the place of.
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Vec<u16>,
    /// Contenders by name: `classes`, `no-sharing`, `literal`; default: all.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) contenders: Vec<String>,
    /// Turns that each contender has.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) rounds: usize,
    /// Seed of what is drawn.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Go on though the memory will not do.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Reads a length, or the shortest and the longest.
fn lengths(text: &str) -> Result<(u8, u8), String> {
    let (min, max) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.parse().map_err(|_| format!("`{text}` is no prefix length"));
    Ok((number(min)?, number(max)?))
}
