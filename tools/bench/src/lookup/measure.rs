//! [`run`]: carries a plan out.

use std::fmt;
use std::ops::Range;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use rayon::ThreadPool;
use vrfleak_bench_data::Diagnostics;
use vrfleak_bench_data::random::Random;
use vrfleak_dataplane::lpm::{NO_ROUTE, TableId};
use vrfleak_engine::{Address, Family, Prefix};

use super::contender::{Contender, Prepared, batches};
use super::input::{self, Routes};
use super::oracle::Oracle;
use super::plan::{LookupPlan, PlanError, Source};
use super::registry::{self, BenchKey, Entry, Unable};
use super::report::{LookupReport, LookupResult, LookupTable};
use super::statistics::TableStatistics;
use super::traffic::Traffic;
use crate::spread::Spread;

/// Keys between two looks at the clock.
const CHUNK: usize = 1 << 16;
/// The same where each key waits for the one before.
const DEPENDENT_CHUNK: usize = 1 << 12;
/// How long building again and again may take, for a contender.
const BUILDING: Duration = Duration::from_millis(600);
/// How long changing prefixes may take, for a contender.
const CHANGING: Duration = Duration::from_millis(200);
/// Prefixes that are withdrawn and announced again, at most.
const CHANGED: usize = 10_000;

/// Why a measurement could not be finished.
#[derive(Debug)]
#[non_exhaustive]
pub enum LookupError {
    /// The plan cannot be carried out.
    Plan(PlanError),
    /// A file of keys is wrong.
    Keys(Diagnostics),
    /// The threads to work with could not be started; what the system said.
    Threads(String),
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan(error) => error.fmt(f),
            Self::Keys(diagnostics) => f.write_str(diagnostics.render(false).trim_end()),
            Self::Threads(error) => write!(f, "cannot start threads: {error}"),
        }
    }
}

impl std::error::Error for LookupError {}

impl From<PlanError> for LookupError {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

impl From<Diagnostics> for LookupError {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Keys(diagnostics)
    }
}

/// Measures, and tells `progress` what goes on and what is known so far: after each round, and whenever it is at something
/// else.
///
/// # Errors
///
/// If the plan cannot be carried out or a file of keys cannot be read. A contender that errs is no error: the report says so.
pub fn run(plan: &LookupPlan, progress: &mut dyn FnMut(&str, &LookupReport)) -> Result<LookupReport, LookupError> {
    plan.check()?;
    run_with(plan, progress, (registry::all::<u32>(), registry::all::<u128>()))
}

/// Measures the contenders in `all`.
pub(super) fn run_with(
    plan: &LookupPlan,
    progress: &mut dyn FnMut(&str, &LookupReport),
    all: (Vec<Entry<u32>>, Vec<Entry<u128>>),
) -> Result<LookupReport, LookupError> {
    let source = match &plan.source {
        Source::List { name, .. } => name.clone(),
        Source::Synthetic { .. } => "synthetic".to_owned(),
    };
    let cut = match (plan.is_whole(), plan.internet_vrf) {
        (true, _) => "whole".to_owned(),
        (false, false) => plan.cut.to_string(),
        (false, true) => format!("{} and whole", plan.cut),
    };
    let (key_count, rounds) = (plan.key_count, plan.rounds);
    let table = LookupTable { source, cut, seed: plan.seed, key_count, rounds, families: Vec::new() };
    let pool = |threads| {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
        builder.build().map_err(|error| LookupError::Threads(error.to_string()))
    };
    // Whatever is timed has one thread; what only prepares has all.
    let (one, many) = (pool(1)?, pool(std::thread::available_parallelism().map_or(1, usize::from))?);
    let mut session = Session { plan, progress, report: LookupReport::new(table), one, many };
    if plan.families.contains(&Family::Ipv4) {
        session.family(all.0)?;
    }
    if plan.families.contains(&Family::Ipv6) {
        session.family(all.1)?;
    }
    if session.report.table.families.is_empty() {
        return Err(PlanError::NoFamily.into());
    }
    Ok(session.report)
}

struct Session<'a> {
    plan: &'a LookupPlan,
    progress: &'a mut dyn FnMut(&str, &LookupReport),
    report: LookupReport,
    one: ThreadPool,
    many: ThreadPool,
}

/// A contender that stands on the track.
struct Running<A: Address> {
    entry: Entry<A>,
    table: Box<dyn Contender<A>>,
    build_seconds: f64,
    update_ns: Option<f64>,
    correct: bool,
}

impl Session<'_> {
    fn step(&mut self, what: &str) {
        (self.progress)(what, &self.report);
    }

    fn family<A: BenchKey>(&mut self, entries: Vec<Entry<A>>) -> Result<(), LookupError> {
        let plan = self.plan;
        self.step(&format!("{}: tables", A::FAMILY));
        let tables = input::tables::<A>(plan)?;
        if tables.is_empty() {
            return Ok(());
        }
        let statistics = TableStatistics::new(&tables);
        let (prefixes, next_hops) = (statistics.prefixes, statistics.next_hops);
        self.report.table.families.push(statistics);
        self.step(&format!("{}: keys and their answers", A::FAMILY));
        let traffics = self.traffics(&tables)?;
        let chosen = registry::chosen(&plan.contenders)?;
        let entries = entries.into_iter().filter(|entry| chosen(&entry.name())).collect();
        let mut running = self.build(entries, &tables);
        for one in &mut running {
            if let Some(remark) = one.table.remark() {
                self.report.notes.push(format!("{} in {}: {remark}", one.entry.name(), A::FAMILY));
            }
            self.step(&format!("{}: checking {}", A::FAMILY, one.entry.name()));
            if let Some(error) = traffics.iter().find_map(|traffic| differs(&*one.table, traffic, &plan.batches)) {
                self.report.notes.push(format!("{} errs: {error}", one.entry.name()));
                one.correct = false;
            }
        }
        let first = self.report.results.len();
        for traffic in &traffics {
            self.rows(&running, traffic, tables.len(), (prefixes, next_hops));
            self.measure(&mut running, traffic, first);
        }
        self.change(&mut running, &tables, &traffics, first);
        Ok(())
    }

    fn traffics<A: BenchKey>(&mut self, tables: &[Routes<A>]) -> Result<Vec<Traffic<A>>, LookupError> {
        let plan = self.plan;
        let oracle = Oracle::new(tables);
        let mut traffics = Vec::new();
        for source in &plan.keys {
            let made = self.many.install(|| Traffic::new(source, tables, &oracle, plan.seed, plan.key_count))?;
            match made {
                Some(traffic) => traffics.push(traffic),
                None => self.report.notes.push(format!("there are no {} keys `{source}` for this table", A::FAMILY)),
            }
        }
        Ok(traffics)
    }

    /// Builds every contender several times, in turn, and keeps the last.
    fn build<A: BenchKey>(&mut self, entries: Vec<Entry<A>>, tables: &[Routes<A>]) -> Vec<Running<A>> {
        struct Built<A: Address>(Entry<A>, Vec<f64>, Option<Box<dyn Contender<A>>>);

        let mut built: Vec<Built<A>> = entries.into_iter().map(|entry| Built(entry, Vec::new(), None)).collect();
        for round in 0..self.plan.rounds.min(5) {
            for Built(entry, seconds, table) in &mut built {
                let spent = seconds.iter().sum::<f64>();
                if round > 0 && (table.is_none() || spent > BUILDING.as_secs_f64()) {
                    continue;
                }
                self.step(&format!("{}: building {}", A::FAMILY, entry.name()));
                // The one before goes first: there may be no room for two.
                *table = None;
                match self.one.install(|| entry.build(tables)) {
                    Ok((new, time)) => {
                        seconds.push(time.as_secs_f64());
                        *table = Some(new);
                    }
                    Err(Unable(why)) => {
                        self.report.notes.push(format!("{} does not take part in {}: {why}", entry.name(), A::FAMILY));
                    }
                }
            }
        }
        let running = built.into_iter().filter_map(|Built(entry, seconds, table)| {
            let build_seconds = Spread::of(&seconds)?.median;
            Some(Running { entry, table: table?, build_seconds, update_ns: None, correct: true })
        });
        running.collect()
    }

    /// Adds the rows of `traffic`, still without figures.
    fn rows<A: Address>(
        &mut self,
        running: &[Running<A>],
        traffic: &Traffic<A>,
        vrfs: usize,
        (prefixes, next_hops): (usize, usize),
    ) {
        for &threads in &self.plan.threads {
            for one in running {
                let batches = if one.table.batches() { self.plan.batches.as_slice() } else { &[1] };
                self.report.results.extend(batches.iter().map(|&batch| LookupResult {
                    contender: one.entry.contender.to_owned(),
                    variant: one.entry.variant.clone(),
                    family: A::FAMILY.to_string(),
                    keys: traffic.name.clone(),
                    vrfs,
                    batch,
                    threads,
                    mlps: None,
                    ns_dependent: None,
                    next_hops,
                    bytes: one.table.bytes(),
                    bytes_per_prefix: one.table.bytes().map(|bytes| bytes as f64 / prefixes as f64),
                    build_seconds: one.build_seconds,
                    update_ns: None,
                    correct: one.correct,
                }));
            }
        }
    }

    /// Has the contenders look `traffic` up in turn, and fills its rows from `first` on.
    fn measure<A: Address>(&mut self, running: &mut [Running<A>], traffic: &Traffic<A>, first: usize) {
        let plan = self.plan;
        let lanes: Vec<Box<dyn Prepared + '_>> = running.iter().map(|one| one.table.prepare(traffic)).collect();
        let mut wrong = vec![false; running.len()];
        let mut turns: Vec<(usize, usize, usize)> = Vec::new();
        for &threads in &plan.threads {
            for (at, &batch) in plan.batches.iter().enumerate() {
                let entered = |one: &Running<A>| one.correct && (at == 0 || one.table.batches());
                let entered = running.iter().enumerate().filter(|(_, one)| entered(one));
                turns.extend(entered.map(|(index, one)| (index, threads, if one.table.batches() { batch } else { 1 })));
            }
        }
        let mut readings: Vec<(Track<'_>, Vec<f64>)> = turns
            .iter()
            .map(|&(index, threads, batch)| (Track::new(&*lanes[index], &traffic.expected, batch, threads), Vec::new()))
            .collect();
        let mut dependent: Vec<(usize, Vec<f64>)> = vec![(0, Vec::new()); running.len()];
        for round in 0..plan.rounds {
            for (index, one) in running.iter().enumerate().filter(|(_, one)| one.correct) {
                self.step(&format!("{} {}: round {} {}", A::FAMILY, traffic.name, round + 1, one.entry.name()));
                let (place, times) = &mut dependent[index];
                match one_by_one(&*lanes[index], &traffic.expected, place, plan.turn / 4) {
                    Some(nanoseconds) => times.push(nanoseconds),
                    None => wrong[index] = true,
                }
            }
            for (&(index, threads, batch), (track, rates)) in turns.iter().zip(&mut readings) {
                match track.turn(plan.turn) {
                    Some(rate) => rates.push(rate),
                    None => wrong[index] = true,
                }
                let entry = &running[index].entry;
                let mine = |row: &&mut LookupResult| {
                    row.contender == entry.contender
                        && row.variant == entry.variant
                        && row.keys == traffic.name
                        && (row.threads, row.batch) == (threads, batch)
                };
                for row in self.report.results[first..].iter_mut().filter(mine) {
                    row.mlps = Spread::of(rates);
                    row.ns_dependent = Spread::of(&dependent[index].1).map(|times| times.median);
                }
            }
        }
        drop(readings);
        drop(lanes);
        for (one, wrong) in running.iter_mut().zip(wrong) {
            if wrong {
                self.disqualify(one, first, "another answer under the clock than before");
            }
        }
    }

    /// Times changes of every contender in turn, and compares its answers once more.
    fn change<A: Address>(
        &mut self,
        running: &mut [Running<A>],
        tables: &[Routes<A>],
        traffics: &[Traffic<A>],
        first: usize,
    ) {
        let changes = sample(tables, self.plan.seed);
        for one in running {
            if !one.correct {
                continue;
            }
            self.step(&format!("{}: changes of {}", A::FAMILY, one.entry.name()));
            let readings: Vec<f64> = (0..3).map_while(|_| change_all(&mut *one.table, &changes)).collect();
            one.update_ns = Spread::of(&readings).map(|times| times.median);
            if one.update_ns.is_none() {
                continue;
            }
            let differs = traffics.iter().find_map(|traffic| differs(&*one.table, traffic, &self.plan.batches[..1]));
            if let Some(error) = differs {
                self.disqualify(one, first, &format!("after changes, {error}"));
                continue;
            }
            let entry = &one.entry;
            let mine = |row: &&mut LookupResult| row.contender == entry.contender && row.variant == entry.variant;
            for row in self.report.results[first..].iter_mut().filter(mine) {
                row.update_ns = one.update_ns;
            }
        }
    }

    /// Takes back all figures of a contender.
    fn disqualify<A: Address>(&mut self, one: &mut Running<A>, first: usize, why: &str) {
        one.correct = false;
        self.report.notes.push(format!("{} errs: {why}", one.entry.name()));
        let mine = |row: &&mut LookupResult| row.contender == one.entry.contender && row.variant == one.entry.variant;
        for row in self.report.results[first..].iter_mut().filter(mine) {
            (row.mlps, row.ns_dependent, row.update_ns, row.correct) = (None, None, None, false);
        }
    }
}

/// Returns what is wrong with the first answer that is, in whatever batch size.
fn differs<A: Address>(table: &dyn Contender<A>, traffic: &Traffic<A>, sizes: &[usize]) -> Option<String> {
    let lane = table.prepare(traffic);
    let sizes = if table.batches() { sizes } else { &sizes[..1] };
    let batched = sizes.iter().find_map(|&size| {
        let (answers, lens) = lane.answers(size);
        let key = |at: usize| Prefix::host(traffic.keys[at]).to_net().addr();
        if let Some(at) = lens.iter().zip(&traffic.lens).position(|(len, expected)| len != expected) {
            return Some(format!(
                "{} keys in batches of {size}: `{}` in VRF {} matches a prefix of length {}, expected {}",
                traffic.name,
                key(at),
                traffic.table(at).0,
                lens[at],
                traffic.lens[at]
            ));
        }
        let at = answers.iter().zip(&traffic.expected).position(|(answer, expected)| answer != expected)?;
        let wrong = answers.iter().zip(&traffic.expected).filter(|(answer, expected)| answer != expected).count();
        let show = |value: u32| if value == NO_ROUTE { "no route".to_owned() } else { format!("next hop {value}") };
        Some(format!(
            "{wrong} of {} {} keys in batches of {size}, the first `{}` in VRF {}: {}, expected {}",
            answers.len(),
            traffic.name,
            key(at),
            traffic.table(at).0,
            show(answers[at]),
            show(traffic.expected[at])
        ))
    });
    batched.or_else(|| {
        let range = 0..traffic.keys.len().min(CHUNK);
        let expected = traffic.expected[range.clone()].iter().copied().fold(0, u32::wrapping_add);
        (lane.dependent(range) != expected).then(|| format!("{} keys looked up one by one", traffic.name))
    })
}

/// A contender's way through the keys in one batch size and with so many threads.
pub(super) struct Track<'a> {
    lane: &'a dyn Prepared,
    expected: &'a [u32],
    batch: usize,
    chunk: usize,
    /// Where each thread goes on.
    places: Vec<usize>,
}

impl<'a> Track<'a> {
    pub(super) fn new(lane: &'a dyn Prepared, expected: &'a [u32], batch: usize, threads: usize) -> Self {
        let chunk = (CHUNK / batch).max(1) * batch;
        let place = |thread: usize| (expected.len() * thread / threads) / chunk * chunk;
        Self { lane, expected, batch, chunk, places: (0..threads).map(place).collect() }
    }

    /// Looks up for about `time`; returns millions a second, or `None` if an answer was wrong.
    pub(super) fn turn(&mut self, time: Duration) -> Option<f64> {
        let (lane, expected, batch, chunk) = (self.lane, self.expected, self.batch, self.chunk);
        let barrier = Barrier::new(self.places.len());
        let run = |place: &mut usize| {
            let mut runner = lane.runner(batch);
            let (mut at, mut sum, mut keys) = (*place, 0_u32, 0);
            barrier.wait();
            let start = Instant::now();
            let elapsed = loop {
                let range = at..(at + chunk).min(expected.len());
                keys += range.len();
                at = if range.end == expected.len() { 0 } else { range.end };
                sum = sum.wrapping_add(runner.run(range));
                let elapsed = start.elapsed();
                if elapsed >= time {
                    break elapsed;
                }
            };
            let right = expected_sum(expected, batch, chunk, *place, keys) == sum;
            *place = at;
            (right, keys, elapsed)
        };
        let ends: Vec<(bool, usize, Duration)> = match self.places.as_mut_slice() {
            [place] => vec![run(place)],
            places => std::thread::scope(|scope| {
                let threads: Vec<_> = places.iter_mut().map(|place| scope.spawn(|| run(place))).collect();
                threads.into_iter().map(|thread| thread.join().expect("a thread that only looks up")).collect()
            }),
        };
        let keys: usize = ends.iter().map(|end| end.1).sum();
        let longest = ends.iter().map(|end| end.2).max()?;
        ends.iter().all(|end| end.0).then(|| keys as f64 / longest.as_secs_f64() / 1e6)
    }
}

/// Returns what the sums of the runs over `keys` keys from `place` on must come to.
fn expected_sum(expected: &[u32], batch: usize, chunk: usize, place: usize, keys: usize) -> u32 {
    let (mut at, mut left, mut sum) = (place, keys, 0_u32);
    while left > 0 {
        let range = at..(at + chunk).min(expected.len());
        left -= range.len();
        at = if range.end == expected.len() { 0 } else { range.end };
        sum = batches(range, batch).fold(sum, |sum, batch: Range<usize>| sum.wrapping_add(expected[batch.end - 1]));
    }
    sum
}

/// Looks keys up one after the other for about `time`; returns nanoseconds a key, or `None` if an answer was wrong.
fn one_by_one(lane: &dyn Prepared, expected: &[u32], place: &mut usize, time: Duration) -> Option<f64> {
    let (mut keys, mut spent, mut right) = (0, Duration::ZERO, true);
    while spent < time && right {
        let range = *place..(*place + DEPENDENT_CHUNK).min(expected.len());
        let start = Instant::now();
        let sum = lane.dependent(range.clone());
        spent += start.elapsed();
        keys += range.len();
        right = sum == expected[range.clone()].iter().copied().fold(0, u32::wrapping_add);
        *place = if range.end == expected.len() { 0 } else { range.end };
    }
    right.then(|| spent.as_secs_f64() * 1e9 / keys as f64)
}

/// A route that is withdrawn and announced again.
type Change<A> = (TableId, Prefix<A>, u32);

/// Draws the routes that will be changed.
fn sample<A: Address>(tables: &[Routes<A>], seed: u64) -> Vec<Change<A>> {
    let mut random = Random::stream(seed, 7);
    let mut draw = || {
        let table = random.below(tables.len() as u64) as usize;
        let &(prefix, next_hop) = tables[table].get(random.below(tables[table].len() as u64) as usize)?;
        Some((TableId::from_index(table), prefix, next_hop))
    };
    (0..CHANGED).filter_map(|_| draw()).collect()
}

/// Withdraws and announces again, one route after the other; returns nanoseconds a change, `None` where there are none.
fn change_all<A: Address>(table: &mut dyn Contender<A>, changes: &[Change<A>]) -> Option<f64> {
    let start = Instant::now();
    let mut done = 0;
    for &(id, prefix, next_hop) in changes {
        if !table.change(id, prefix, None) || !table.change(id, prefix, Some(next_hop)) {
            return None;
        }
        done += 2;
        if done % 16 == 0 && start.elapsed() > CHANGING {
            break;
        }
    }
    (done > 0).then(|| start.elapsed().as_secs_f64() * 1e9 / f64::from(done))
}
