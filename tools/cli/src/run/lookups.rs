//! Lookup rates: the biggest table alone, and all tables mixed, with keys of several kinds.

use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::Serialize;
use vrfleak_bench_data::keys::{self, KeyKind};
use vrfleak_bench_data::random::Random;
use vrfleak_dataplane::Fibs;
use vrfleak_dataplane::lpm::NO_ROUTE;
use vrfleak_engine::{Address, FamilyLeak, Leak, Prefix, Rib, RouteId, VrfId};

use super::Events;
use super::pings::inside;
use crate::failure::Failure;

/// How many keys a measurement has.
const KEYS: usize = 1 << 20;
/// How many keys one call looks up.
const BATCH: usize = 8192;
/// How many distinct keys the Zipf kind draws from.
const DISTINCT: usize = 100_000;
/// How long a measurement goes on at most, once it has gone through its keys.
const TIME: Duration = Duration::from_millis(150);
/// How many answers are compared with a scan of the RIB before a rate counts.
const CHECKED: usize = 64;

/// A rate, in million lookups a second.
#[derive(Clone, Debug, Serialize)]
pub(super) struct LookupRow {
    pub(super) family: String,
    pub(super) keys: &'static str,
    pub(super) mixed_vrfs: bool,
    pub(super) batch: usize,
    pub(super) threads: usize,
    pub(super) mlps: f64,
}

/// Keys of one VRF, or of several in any mix.
struct Job<A> {
    vrfs: Vec<VrfId>,
    keys: Vec<A>,
    kind: KeyKind,
    mixed: bool,
}

/// Measures the lookups of a family and returns how many keys it looked up.
///
/// # Errors
///
/// If an answer is not what a scan of the RIB gives.
pub(super) fn measure<A: Address>(
    leak: &Leak,
    fibs: &Fibs,
    seed: u64,
    threads: usize,
    events: &Events,
) -> Result<usize, Failure> {
    let family = leak.family::<A>();
    let sizes = family.ribs().iter().map(|rib| rib.len()).enumerate();
    let Some((biggest, 1..)) = sizes.max_by_key(|&(vrf, entries)| (entries, std::cmp::Reverse(vrf))) else {
        return Ok(0);
    };
    let biggest = VrfId::from_index(biggest);
    let prefixes: Vec<Prefix<A>> = family.rib(biggest).iter().map(|id| family.table().prefix(id)).collect();
    let mut looked_up = 0;
    for kind in [KeyKind::Uniform, KeyKind::Matched, KeyKind::Zipf, KeyKind::Miss] {
        let keys = match kind {
            KeyKind::Uniform => keys::uniform(seed, KEYS),
            KeyKind::Matched => keys::matched(&prefixes, seed, KEYS),
            KeyKind::Zipf => keys::zipf(&prefixes, seed, KEYS, DISTINCT),
            KeyKind::Miss => keys::miss(&prefixes, seed, KEYS),
        };
        if keys.is_empty() {
            // A default route leaves nothing to miss.
            continue;
        }
        let job = Job { vrfs: vec![biggest; keys.len()], keys, kind, mixed: false };
        check(family, fibs, &job)?;
        looked_up += report::<A>(fibs, &job, 1, events);
    }
    let (vrfs, keys) = pairs(family, seed);
    let job = Job { vrfs, keys, kind: KeyKind::Matched, mixed: true };
    check(family, fibs, &job)?;
    looked_up += report::<A>(fibs, &job, 1, events);
    if threads > 1 {
        looked_up += report::<A>(fibs, &job, threads, events);
    }
    Ok(looked_up)
}

/// Returns random (VRF, address) pairs: every route that a RIB is made of is as likely as any other.
fn pairs<A: Address>(family: &FamilyLeak<A>, seed: u64) -> (Vec<VrfId>, Vec<A>) {
    let mut ends = Vec::with_capacity(family.ribs().iter().len());
    let mut end = 0;
    for rib in family.ribs().iter() {
        end += parts(&rib);
        ends.push(end);
    }
    let mut random = Random::stream(seed, 0x6d69_7865_6400 | u64::from(A::BITS));
    (0..KEYS)
        .map(|_| {
            let at = random.below(end as u64) as usize;
            let vrf = ends.partition_point(|&end| end <= at);
            let vrf = VrfId::from_index(vrf);
            let rib = family.rib(vrf);
            let address = match part(&rib, at + parts(&rib) - ends[vrf.index()]) {
                Some(id) => inside(family.table().prefix(id), &mut random),
                // An entry that others have and this VRF has not: any address will do.
                None => A::narrow(random.next_u128()),
            };
            (vrf, address)
        })
        .unzip()
}

/// Returns how many routes a RIB is made of: its list and its splices. A few of them it does not have itself.
pub(super) fn parts(rib: &Rib<'_>) -> usize {
    rib.list().len() + rib.splices().len()
}

/// Returns the route at a position below [`parts`], in constant time.
pub(super) fn part(rib: &Rib<'_>, at: usize) -> Option<RouteId> {
    let list = rib.list();
    list.get(at).copied().or_else(|| rib.splices()[at - list.len()].best())
}

/// Compares answers from all over the keys with the longest match that a scan of the RIB finds.
fn check<A: Address>(family: &FamilyLeak<A>, fibs: &Fibs, job: &Job<A>) -> Result<(), Failure> {
    let mut answers = vec![0; job.keys.len()];
    look_up(fibs, job, 0..job.keys.len(), &mut answers);
    let step = (job.keys.len() / CHECKED).max(1);
    let wrong = (0..job.keys.len()).step_by(step).collect::<Vec<_>>().into_par_iter().find_first(|&at| {
        let longest = family
            .rib(job.vrfs[at])
            .iter()
            .filter(|&id| family.table().prefix(id).contains(job.keys[at]))
            .max_by_key(|&id| family.table().prefix(id).len());
        answers[at] != longest.map_or(NO_ROUTE, |id| family.table().next_hop(id).0)
    });
    match wrong {
        None => Ok(()),
        Some(at) => Err(Failure::request(format!(
            "the {} table of VRF {} answers `{}` otherwise than its RIB",
            fibs.backend().name(),
            job.vrfs[at].0,
            job.keys[at].to_ip()
        ))),
    }
}

fn look_up<A: Address>(fibs: &Fibs, job: &Job<A>, range: std::ops::Range<usize>, answers: &mut [u32]) {
    let fibs = fibs.family::<A>();
    let (vrfs, keys) = (&job.vrfs[range.clone()], &job.keys[range]);
    for ((vrfs, keys), answers) in vrfs.chunks(BATCH).zip(keys.chunks(BATCH)).zip(answers.chunks_mut(BATCH)) {
        if job.mixed {
            fibs.lookup_mixed(vrfs, keys, answers);
        } else {
            fibs.lookup_batch(vrfs[0], keys, answers);
        }
    }
}

/// Measures one row with the median of several passes, reports it, and returns how many keys it looked up.
fn report<A: Address>(fibs: &Fibs, job: &Job<A>, threads: usize, events: &Events) -> usize {
    let keys = job.keys.len();
    let mut answers = vec![0; keys];
    let mut rates = Vec::new();
    let begin = Instant::now();
    while rates.len() < 3 || begin.elapsed() < TIME && rates.len() < 101 {
        let start = Instant::now();
        if threads == 1 {
            look_up(fibs, job, 0..keys, &mut answers);
        } else {
            let part = keys.div_ceil(threads);
            answers.par_chunks_mut(part).enumerate().for_each(|(chunk, answers)| {
                look_up(fibs, job, chunk * part..chunk * part + answers.len(), answers);
            });
        }
        rates.push(keys as f64 / start.elapsed().as_secs_f64() / 1e6);
    }
    rates.sort_by(f64::total_cmp);
    let row = LookupRow {
        family: A::FAMILY.to_string(),
        keys: job.kind.name(),
        mixed_vrfs: job.mixed,
        batch: BATCH,
        threads,
        mlps: rates[rates.len() / 2],
    };
    let looked_up = keys * rates.len();
    events.measured(move |report| report.lookup.push(row));
    looked_up
}
