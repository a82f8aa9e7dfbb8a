//! The job: generate or read, leak, install, look up, ping.

use std::time::Instant;

use rayon::prelude::*;
use vrfleak_bench::leak::{LeakPlan, LeakPlanError};
use vrfleak_bench::memory::Resident;
use vrfleak_bench_data::provider::ProviderShape;
use vrfleak_dataplane::{Backend, Dataplane, Fibs};
use vrfleak_engine::{Address, FamilyLeak, Leak, Network, Phase, RouteTarget, Sharing};

use super::heaviest::Heaviest;
use super::holdings::Holdings;
use super::report::{NetworkFacts, PhaseRow, Report};
use super::{Events, lookups, pings};
use crate::args::RunArgs;
use crate::failure::Failure;
use crate::input;

/// How many steps the progress bar counts.
pub(super) const STEPS: u64 = 7;

/// Does the job in the current rayon pool.
pub(super) fn run(args: &RunArgs, verbose: bool, threads: usize, events: &Events) -> Result<(), Failure> {
    let before = Resident::now();
    events.begin("generate");
    let start = Instant::now();
    let network = match &args.scenario {
        Some(path) => input::read_path(path, &args.files, &args.configuration, verbose)?,
        None if !args.files.feeds.is_empty() => {
            return Err(Failure::request("`--feed` and `--ce-routes` are for a network that is given"));
        }
        None => shape(args).generate().map_err(|error| Failure::request(error.to_string()))?,
    };
    let generated = start.elapsed();
    let source_routes = network.source_routes::<u32>() + network.source_routes::<u128>();
    let (routers, vrfs, model_bytes) = (network.routers().len(), network.vrfs().len(), network.bytes());
    events.measured(move |report| {
        report.network = NetworkFacts { routers, vrfs, vpn_routes: 0, route_targets: 0 };
        report.source_routes = source_routes;
        report.model_bytes = model_bytes;
        report.phases.push(PhaseRow::new("generate", generated, source_routes));
    });

    let mut running: Option<(&str, Instant)> = None;
    let leak = Leak::with(&network, sharing(args), |phase| {
        let name = match phase {
            Phase::Export => "export",
            Phase::Bucket => "bucket",
            Phase::Import => "import",
        };
        // Of how many routes is known when all is done; who interrupts before that is told the time.
        if let Some((before, start)) = running.replace((name, Instant::now())) {
            let time = start.elapsed();
            events.measured(move |report| report.phases.push(PhaseRow::new(before, time, 0)));
        }
        events.begin(name);
    });
    leaked(&network, &leak, events);

    events.begin("install");
    let start = Instant::now();
    let fibs = Fibs::build(&leak, Backend::default())
        .map_err(|error| Failure::request(format!("cannot install the FIBs: {error}")))?;
    let installed = start.elapsed();
    let (entries, backend) = (fibs.entries(), fibs.backend().name());
    events.measured(move |report| {
        report.phases.push(PhaseRow::new("install", installed, entries));
        report.fib_entries = entries;
        report.backend = backend;
    });
    let holdings = Holdings::new(before, &network, &leak, &fibs);
    events.measured(move |report| {
        report.fib_bytes = holdings.bytes("FIB tables") + holdings.bytes("FIBs");
        report.holdings = holdings;
    });

    events.begin("lookup");
    let start = Instant::now();
    let mut keys = 0;
    keys += lookups::measure::<u32>(&leak, &fibs, args.seed, threads, events)?;
    keys += lookups::measure::<u128>(&leak, &fibs, args.seed, threads, events)?;
    let looked_up = start.elapsed();
    events.measured(move |report| report.phases.push(PhaseRow::new("lookup", looked_up, keys)));

    events.begin("ping");
    let dataplane = Dataplane::new(&network, &fibs);
    let mut counts = pings::Counts::default();
    let start = Instant::now();
    counts.add(&pings::ping_sample::<u32>(&network, &leak, &dataplane, args.seed));
    counts.add(&pings::ping_sample::<u128>(&network, &leak, &dataplane, args.seed));
    let pinged = start.elapsed();
    events.measured(move |report| {
        report.phases.push(PhaseRow::new("ping", pinged, counts.pairs));
        report.ping = counts;
    });
    Ok(())
}

/// Checks the sizes of the network that is to be generated, and that there is the memory for it.
pub(super) fn check(args: &RunArgs) -> Result<(), Failure> {
    let plan = LeakPlan { force: args.force, ..LeakPlan::of_provider(shape(args), sharing(args)) };
    plan.check().map_err(|error| {
        let failure = Failure::request(error.to_string());
        match error {
            LeakPlanError::TooBig { .. } => failure.hint("--force goes on anyway"),
            _ => failure,
        }
    })
}

fn sharing(args: &RunArgs) -> Sharing {
    if args.no_sharing { Sharing::None } else { Sharing::Classes }
}

fn shape(args: &RunArgs) -> ProviderShape {
    let default = ProviderShape::default();
    let or = |given: Option<u32>, default: usize| given.map_or(default, |given| given as usize);
    ProviderShape {
        routes: or(args.routes, default.routes),
        vrfs: or(args.vrfs, default.vrfs),
        pes: or(args.pes, default.pes),
        seed: args.seed,
    }
}

/// Reports what the leak made of the network.
fn leaked(network: &Network, leak: &Leak, events: &Events) {
    let times = leak.times();
    let (ipv4, ipv6) = (leak.family::<u32>(), leak.family::<u128>());
    let vpn_routes = leak.vpn_routes();
    let imported = leak.imported_routes();
    let rib_bytes = ipv4.rib_bytes() + ipv6.rib_bytes();
    let rib_entries = entries(ipv4) + entries(ipv6);
    let table_bytes = ipv4.table().bytes() + ipv6.table().bytes() + ipv4.buckets().bytes() + ipv6.buckets().bytes();
    let route_targets = distinct_targets(network);
    let heaviest = Heaviest::new(network, leak);
    let rib_lists = ipv4.ribs().lists() + ipv6.ribs().lists();
    let digest = digest(ipv4) ^ digest(ipv6).rotate_left(1);
    events.measured(move |report: &mut Report| {
        report.network.vpn_routes = vpn_routes;
        report.network.route_targets = route_targets;
        report.phases.retain(|phase| !["export", "bucket"].contains(&phase.name));
        report.phases.push(PhaseRow::new("export", times.export, vpn_routes));
        report.phases.push(PhaseRow::new("bucket", times.bucket, vpn_routes));
        report.phases.push(PhaseRow::new("import", times.import, imported));
        report.imported_routes = imported;
        report.rib_entries = rib_entries;
        report.rib_lists = rib_lists;
        report.rib_bytes = rib_bytes;
        report.table_bytes = table_bytes;
        report.digest = format!("{digest:016x}");
        report.heaviest = heaviest;
    });
}

fn entries<A: Address>(family: &FamilyLeak<A>) -> usize {
    family.ribs().iter().map(|rib| rib.len()).sum()
}

/// Returns how many distinct route targets the VRFs import or export.
fn distinct_targets(network: &Network) -> usize {
    let mut targets: Vec<RouteTarget> = network
        .vrfs()
        .iter()
        .flat_map(|vrf| {
            let (ipv4, ipv6) = (vrf.family::<u32>(), vrf.family::<u128>());
            ipv4.import.iter().chain(&ipv4.export).chain(&ipv6.import).chain(&ipv6.export)
        })
        .copied()
        .collect();
    targets.par_sort_unstable();
    targets.dedup();
    targets.len()
}

/// Returns a digest of every (VRF, prefix, best route), the same for any number of threads: each entry is mixed with its
/// VRF, and the mixes are added.
fn digest<A: Address>(family: &FamilyLeak<A>) -> u64 {
    family
        .ribs()
        .iter()
        .enumerate()
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|(vrf, rib)| {
            let mix =
                |id: u32| ((vrf as u64) << 32 | u64::from(id)).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            rib.iter().map(|id| mix(id.0) ^ mix(id.0) >> 29).fold(0, u64::wrapping_add)
        })
        .reduce(|| 0, u64::wrapping_add)
}
