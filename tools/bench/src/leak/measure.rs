//! [`run`]: carries a plan out.

use std::fmt;
use std::fs;

use rayon::ThreadPool;
use rayon::prelude::*;
use vrfleak_dataplane::lpm::fetch_huge_pages;
use vrfleak_engine::Network;

use super::contender::{self, Turn};
use super::plan::{LeakPlan, LeakPlanError, Scenario, Size};
use super::report::{DrawnFacts, LeakNetwork, LeakReport, LeakResult, SCHEMA_VERSION};
use super::scaling;
use crate::machine::Machine;
use crate::memory::{self, Resident};
use crate::spread::Spread;

/// Why a measurement could not be finished.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeakError {
    /// The plan cannot be carried out.
    Plan(LeakPlanError),
    /// The threads to work with could not be started; what the system said.
    Threads(String),
    /// The forwarding tables are too big; what they said.
    Install(String),
}

impl fmt::Display for LeakError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan(error) => error.fmt(f),
            Self::Threads(error) => write!(f, "cannot start threads: {error}"),
            Self::Install(error) => write!(f, "cannot install the FIBs: {error}"),
        }
    }
}

impl std::error::Error for LeakError {}

impl From<LeakPlanError> for LeakError {
    fn from(error: LeakPlanError) -> Self {
        Self::Plan(error)
    }
}

/// Has a contender leak: its name, the network, the pool to leak in, the pool for what is outside the clock.
pub(super) type Leaker = dyn Fn(&str, &Network, &ThreadPool, &ThreadPool) -> Result<Turn, String>;

/// Measures, and tells `progress` what goes on and what is known so far, before each turn.
///
/// # Errors
///
/// If the plan cannot be carried out. Contenders that do not agree are no error: the report says so.
pub fn run(plan: &LeakPlan, progress: &mut dyn FnMut(&str, &LeakReport)) -> Result<LeakReport, LeakError> {
    run_with(plan, progress, &contender::leak)
}

/// Measures what `leak` does.
pub(super) fn run_with(
    plan: &LeakPlan,
    progress: &mut dyn FnMut(&str, &LeakReport),
    leak: &Leaker,
) -> Result<LeakReport, LeakError> {
    plan.check()?;
    let all = pool(std::thread::available_parallelism().map_or(1, usize::from))?;
    let mut report = empty(plan);
    let before = Resident::now().map_or(0, |now| now.all_bytes - now.file_bytes.min(now.all_bytes));
    for (size, threads) in plan.points() {
        progress(&format!("making {}", plan.scenario), &report);
        let network = all.install(|| plan.network(size)).map_err(LeakPlanError::Shape)?;
        point(plan, &network, size, &threads, &all, before, &mut report, progress, leak)?;
        report.scaling = plan.sweep.map(|sweep| scaling::scaling(sweep, &report.results));
    }
    Ok(report)
}

fn empty(plan: &LeakPlan) -> LeakReport {
    let Size { routes, vrfs, pes, fan_out } = plan.size;
    let network = LeakNetwork {
        scenario: plan.scenario.name().to_owned(),
        routes,
        vrfs,
        pes: (plan.scenario == Scenario::Provider).then_some(pes),
        fan_out: (fan_out > 0).then_some(fan_out),
        drawn: plan.draws().then_some(DrawnFacts {
            export_targets: plan.drawn.export_targets,
            dual_homed_percent: plan.drawn.dual_homed,
            overlap_percent: plan.drawn.overlap,
            prefix_lengths: plan.drawn.lens,
        }),
        seed: plan.seed,
        rounds: plan.rounds,
        estimated_bytes: plan.estimate_bytes(),
    };
    LeakReport {
        schema_version: SCHEMA_VERSION,
        machine: Machine::read(),
        network,
        results: Vec::new(),
        scaling: None,
        notes: Vec::new(),
        agreed: true,
        interrupted: false,
    }
}

/// A contender with its readings.
struct Racer {
    name: &'static str,
    pool: ThreadPool,
    /// Position of its row.
    row: usize,
    readings: [Vec<f64>; 3],
    checksum: Option<u64>,
}

#[expect(clippy::too_many_arguments, reason = "it is the body of one loop, apart to be read")]
fn point(
    plan: &LeakPlan,
    network: &Network,
    size: Size,
    threads: &[usize],
    all: &ThreadPool,
    before: u64,
    report: &mut LeakReport,
    progress: &mut dyn FnMut(&str, &LeakReport),
    leak: &Leaker,
) -> Result<(), LeakError> {
    let takes = plan.takes()?;
    let mut racers = Vec::new();
    for name in contender::NAMES.into_iter().filter(|name| takes(name)) {
        // The baseline takes its time: once will do, with all that it can have.
        let most = threads.iter().max();
        for &threads in threads.iter().filter(|&threads| name != contender::LITERAL || Some(threads) == most) {
            let row = report.results.len() + racers.len();
            racers.push(Racer { name, pool: pool(threads)?, row, readings: Default::default(), checksum: None });
        }
    }
    let (mut vpn_routes, mut taken) = (0, 0_u64);
    for round in 0..plan.rounds {
        for at in 0..racers.len() {
            let racer = &racers[at];
            let threads = racer.pool.current_num_threads();
            progress(&format!("{} {} threads, round {}", racer.name, threads, round + 1), report);
            let held = Resident::now().map_or(taken, |now| now.all_bytes);
            all.install(|| fetch(taken.saturating_sub(held) as usize));
            // What was fetched would else go back within the turn: as much as the baseline takes costs ours a third of the
            // leak.
            all.install(plan.give_back);
            forget_peak();
            let turn = leak(racer.name, network, &racer.pool, all).map_err(LeakError::Install)?;
            let peak = memory::peak_resident_bytes();
            taken = taken.max(peak.unwrap_or(0));
            // Once, since memory that was given back is slow to get again.
            let last = round + 1 == plan.rounds;
            let pools = racers.iter().map(|racer| &racer.pool).chain([all]).filter(|_| last);
            let in_use = pools.fold(None, |_, pool| pool.install(plan.give_back));
            let now = Resident::now().filter(|_| last);
            let accounted = now.map(|now| {
                // The code that has run by now, what there was before any network, and what the allocator holds besides
                // blocks in use, sizes rounded up, pages with a few blocks in them, less what of these nobody has written to:
                // a list that grows by doubling may be half of that.
                let program = now.file_bytes + before;
                let parts = turn.accounted as u64 + program;
                let besides =
                    |in_use: usize| i128::from(now.all_bytes) - i128::from(program) - (in_use + turn.mapped) as i128;
                u64::try_from(i128::from(parts) + in_use.map_or(0, besides)).unwrap_or(0)
            });
            all.install(|| drop(turn.tables));
            let racer = &mut racers[at];
            vpn_routes = turn.vpn_routes.unwrap_or(vpn_routes);
            if let Some(before) = racer.checksum.replace(turn.checksum).filter(|&before| before != turn.checksum) {
                disagree(report, racer.name, &format!("{before:016x} in one round, {:016x} in another", turn.checksum));
            }
            let [leaks, installs, imports] = &mut racer.readings;
            leaks.push(turn.leak.as_secs_f64());
            installs.extend(turn.install.map(|time| time.as_secs_f64()));
            imports.extend(turn.import.map(|time| time.as_secs_f64()));
            let mut result = LeakResult {
                contender: racer.name.to_owned(),
                scenario: plan.scenario.name().to_owned(),
                threads,
                vpn_routes,
                vrfs: network.vrfs().len(),
                imported_routes: turn.imported,
                leak_seconds: Spread::of(leaks),
                install_seconds: Spread::of(installs),
                imported_per_second: 0.0,
                rib_bytes: turn.rib_bytes,
                fib_bytes: turn.fib_bytes,
                peak_rss_bytes: peak,
                checksum: format!("{:016x}", turn.checksum),
                import_seconds: Spread::of(imports),
                fan_out: (size.fan_out > 0).then_some(size.fan_out),
                accounted_bytes: accounted,
                held_bytes: now.map(|now| now.all_bytes),
            };
            let seconds = result.seconds().unwrap_or(f64::INFINITY);
            result.imported_per_second = turn.imported as f64 / seconds;
            match report.results.get_mut(racer.row) {
                Some(row) => *row = result,
                None => report.results.push(result),
            }
        }
    }
    let first = racers.first().map(|racer| (racer.name, racer.checksum));
    for racer in &racers {
        let Some((name, checksum)) = first else { continue };
        if racer.checksum != checksum {
            let what = format!("other tables than {name} at {} VRFs", network.vrfs().len());
            disagree(report, racer.name, &what);
        }
    }
    if vpn_routes == 0 {
        report.notes.push("the literal baseline does not count VPN routes".to_owned());
    }
    Ok(())
}

fn disagree(report: &mut LeakReport, name: &str, what: &str) {
    report.agreed = false;
    report.notes.push(format!("{name} does not agree: {what}"));
}

fn pool(threads: usize) -> Result<ThreadPool, LeakError> {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
    builder.build().map_err(|error| LeakError::Threads(error.to_string()))
}

/// Bytes of a page, or less.
const PAGE: usize = 4 << 10;

/// Touches so many bytes of fresh memory and frees them, in the current rayon pool.
///
/// The host of a virtual machine may take away within seconds what is freed, and giving it again costs more than all that a
/// contender does: so whoever came after the baseline, which frees most, paid for it. In small pages and in huge ones, since
/// the system takes the two from different places.
fn fetch(bytes: usize) {
    let mut memory = vec![0_u8; bytes];
    memory.par_chunks_mut(PAGE).with_min_len(512).for_each(|page| page[0] = 1);
    std::hint::black_box(&memory);
    drop(memory);
    fetch_huge_pages(bytes);
}

/// Has the system count the most memory anew, where it can (Linux).
fn forget_peak() {
    // Where it cannot, the peak is that of the whole process, and so it says.
    let _ = fs::write("/proc/self/clear_refs", "5");
}
