//! What was typed: the command line as clap reads it. What it means is decided by the commands.

pub(crate) mod bench;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use vrfleak_engine::Family;

/// Computes what BGP/MPLS L3VPN route leaking does to a network, and looks the result up in a dataplane.
///
/// Exit codes: 0 yes, 1 the answer is no (a ping was lost, a route is absent), 2 could not (bad input), 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "vrfleak", version, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

/// What every command understands.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Shape of the output.
    #[arg(long, value_enum, default_value_t, global = true)]
    pub(crate) format: Format,
    /// Write to this file in place of standard output; it appears when it is complete.
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) output: Option<PathBuf>,
    /// Threads to work with; default: one a core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), global = true)]
    pub(crate) threads: Option<u16>,
    /// List the configuration lines that are not understood.
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// The shapes of output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: the tables of a router.
    #[default]
    Table,
    /// For programs.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Do the main job: generate or read a network, leak, install, look up, ping, and report.
    Run(RunArgs),
    /// Show what the routers would show.
    #[command(subcommand)]
    Show(ShowCommand),
    /// Ping from a VRF, or from every VRF to every VRF.
    Ping(PingArgs),
    /// Say why a route is, or is not, in the table of a VRF.
    Why(WhyArgs),
    /// Look for what is suspicious: targets without a counterpart, leaks one way only, overlaps, loose policies.
    Lint(LintArgs),
    /// Measure lookups and leaks beside their peers, each one's answers checked.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Write the JSON Schema of scenario files.
    Schema,
    /// Write a completion script for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ShowCommand {
    /// VRFs: RD, families, interfaces and route targets, as `show vrf`.
    Vrf(ShowVrfArgs),
    /// The VPN table by RD, as `show ip bgp vpnv4 all`.
    Bgp(ShowBgpArgs),
    /// What each router has to hold: VPN routes kept and dropped, FIB entries, labels, bytes.
    Pe(ShowPeArgs),
    /// Routing tables, as `show ip route vrf`.
    Route(ShowRouteArgs),
}

/// Where the network comes from.
#[derive(Clone, Debug, Args)]
pub(crate) struct InputArgs {
    /// A scenario, a router configuration, or a folder of configurations; may be repeated for the configurations of
    /// several routers.
    #[arg(long, value_name = "PATH", required = true)]
    pub(crate) input: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) files: FileArgs,
    #[command(flatten)]
    pub(crate) configuration: ConfigurationArgs,
}

/// How configurations are read.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigurationArgs {
    /// The dialect of every configuration; default: told from each text.
    #[arg(long, value_name = "ios|xr|frr|junos|junos-set")]
    pub(crate) dialect: Option<vrfleak_config::Format>,
}

/// Files that a scenario calls by name.
#[derive(Clone, Debug, Args)]
pub(crate) struct FileArgs {
    /// The file that `$NAME` stands for in the scenario; may be repeated.
    #[arg(long = "file", value_name = "NAME=PATH", value_parser = parse_file)]
    pub(crate) files: Vec<(String, PathBuf)>,
    #[command(flatten)]
    pub(crate) feeds: FeedArgs,
}

/// What comes beside the input: routes that no configuration tells.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct FeedArgs {
    /// VPN routes of routers outside the input: a BMP capture (pcap, pcapng or the bare stream), or what FRR prints for
    /// `show bgp ipv4 vpn detail json`; may be repeated.
    #[arg(long = "feed", value_name = "FILE")]
    pub(crate) feeds: Vec<PathBuf>,
    /// Routes that a VRF has from its CEs: lines of a prefix and, if known, its next hop, or what FRR prints for
    /// `show bgp vrf VRF ipv4 unicast json`; may be repeated.
    #[arg(long, value_name = "[ROUTER:]VRF=FILE", value_parser = parse_ce_routes)]
    pub(crate) ce_routes: Vec<CeRoutesArg>,
}

impl FeedArgs {
    /// Returns whether nothing comes beside the input.
    pub(crate) fn is_empty(&self) -> bool {
        self.feeds.is_empty() && self.ce_routes.is_empty()
    }
}

/// A VRF, with its router before it where there is a choice, and the file of its routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CeRoutesArg {
    pub(crate) vrf: String,
    pub(crate) path: PathBuf,
}

/// Which part of the network is meant.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ScopeArgs {
    /// Only this VRF, on each router that has it.
    #[arg(long, value_name = "NAME")]
    pub(crate) vrf: Option<String>,
    /// Only this router.
    #[arg(long, value_name = "NAME")]
    pub(crate) router: Option<String>,
}

/// Which address family is meant.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct FamilyArgs {
    /// Only this address family; default: every one that is in use.
    #[arg(long, value_enum, value_name = "FAMILY")]
    family: Option<FamilyName>,
    /// Short for `--family ipv6`.
    #[arg(short = '6', conflicts_with = "family")]
    six: bool,
}

impl FamilyArgs {
    /// Returns the family that was asked for.
    pub(crate) fn get(self) -> Option<Family> {
        match self.family {
            Some(FamilyName::Ipv4) => Some(Family::Ipv4),
            Some(FamilyName::Ipv6) => Some(Family::Ipv6),
            None => self.six.then_some(Family::Ipv6),
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FamilyName {
    Ipv4,
    Ipv6,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// A scenario or configuration to work on in place of a generated provider.
    pub(crate) scenario: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) files: FileArgs,
    #[command(flatten)]
    pub(crate) configuration: ConfigurationArgs,
    /// VPN routes to generate, at least.
    #[arg(long, value_name = "N", conflicts_with = "scenario")]
    pub(crate) routes: Option<u32>,
    /// VRFs to generate.
    #[arg(long, value_name = "N", conflicts_with = "scenario")]
    pub(crate) vrfs: Option<u32>,
    /// PEs to generate.
    #[arg(long, value_name = "N", conflicts_with = "scenario")]
    pub(crate) pes: Option<u32>,
    /// Seed of everything that is random: the network, the keys, the pings.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Compute every VRF by itself, in place of once for all VRFs that import alike; the results are the same.
    #[arg(long)]
    pub(crate) no_sharing: bool,
    /// Go on though the network will not fit into the memory that is free, as far as can be told before it is made.
    #[arg(long, conflicts_with = "scenario")]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowVrfArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Everything about each VRF, as `show vrf detail`.
    #[arg(long)]
    pub(crate) detail: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowPeArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// Only this router.
    #[arg(long, value_name = "NAME")]
    pub(crate) router: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowBgpArgs {
    /// Which table.
    #[arg(value_enum)]
    pub(crate) table: VpnTable,
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Every attribute of each path, its route targets among them.
    #[arg(long)]
    pub(crate) detail: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VpnTable {
    /// IPv4 prefixes.
    Vpnv4,
    /// IPv6 prefixes.
    Vpnv6,
}

#[derive(Debug, Args)]
pub(crate) struct ShowRouteArgs {
    /// Only what there is for this prefix, or what leads to this address; exit code 1 if there is nothing.
    #[arg(value_name = "PREFIX|ADDRESS", value_parser = parse_target)]
    pub(crate) target: Option<Target>,
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    #[command(flatten)]
    pub(crate) family: FamilyArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PingArgs {
    /// The address to ping.
    #[arg(required_unless_present = "matrix", requires = "vrf")]
    pub(crate) destination: Option<IpAddr>,
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// The VRF to ping from.
    #[arg(long, value_name = "NAME")]
    pub(crate) vrf: Option<String>,
    /// The router to ping from, where several have the VRF.
    #[arg(long, value_name = "NAME")]
    pub(crate) router: Option<String>,
    /// The address to ping from; default: the first own address of the VRF.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) source: Option<IpAddr>,
    /// Ping from every VRF to every VRF. The exit code says only whether it could be done.
    #[arg(long, conflicts_with_all = ["destination", "source"])]
    pub(crate) matrix: bool,
    #[command(flatten)]
    pub(crate) family: FamilyArgs,
}

#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// The prefix, or an address: the longest prefix of the network that contains it.
    #[arg(value_name = "PREFIX|ADDRESS", value_parser = parse_target)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// The VRF whose table is asked.
    #[arg(long, value_name = "NAME")]
    pub(crate) vrf: String,
    /// The router, where several have the VRF.
    #[arg(long, value_name = "NAME")]
    pub(crate) router: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// How many findings of each kind to show; the others are counted.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
}

/// A prefix or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Prefix(ipnet::IpNet),
    Address(IpAddr),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Prefix(net) => net.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

impl Target {
    /// Returns the family of the prefix or address.
    pub(crate) fn family(self) -> Family {
        let address = match self {
            Self::Prefix(net) => net.addr(),
            Self::Address(address) => address,
        };
        if address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }
    }
}

fn parse_target(text: &str) -> Result<Target, String> {
    if let Ok(address) = text.parse() {
        return Ok(Target::Address(address));
    }
    let prefix = if text.contains(':') {
        text.parse::<vrfleak_engine::Ipv6Prefix>().map(vrfleak_engine::Prefix::to_net)
    } else {
        text.parse::<vrfleak_engine::Ipv4Prefix>().map(vrfleak_engine::Prefix::to_net)
    };
    prefix.map(Target::Prefix).map_err(|error| error.to_string())
}

fn parse_ce_routes(text: &str) -> Result<CeRoutesArg, String> {
    let (vrf, path) = parse_file(text).map_err(|_| "expected VRF=FILE or ROUTER:VRF=FILE".to_owned())?;
    Ok(CeRoutesArg { vrf, path })
}

fn parse_file(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok((name.to_owned(), PathBuf::from(path))),
        _ => Err("expected NAME=PATH".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_target_is_a_prefix_or_an_address() {
        assert_eq!(parse_target("10.0.0.1"), Ok(Target::Address([10, 0, 0, 1].into())));
        assert_eq!(parse_target("10.0.0.0/8").map(|target| target.to_string()), Ok("10.0.0.0/8".to_owned()));
        assert_eq!(parse_target("2001:db8::/32").map(Target::family), Ok(Family::Ipv6));
        let error = parse_target("10.0.0.1/8").expect_err("host bits");
        assert_eq!(error, "`10.0.0.1/8` has host bits set, expected `10.0.0.0/8`");
        assert!(parse_target("nonsense").is_err() && parse_target("::/129").is_err());
    }
}
