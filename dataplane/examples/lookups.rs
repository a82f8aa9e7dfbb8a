//! Measures lookups on a prefix list, every contender in turn inside one process, each one's answers checked first.
//!
//! `zcat PREFIXES.gz | cargo run --release -p vrfleak-dataplane --example lookups -- [NEXT_HOPS [ROUNDS]]`
//!
//! The list has one prefix a line, of either family. Route i gets one of `NEXT_HOPS` values by a hash of i. Keys are
//! uniform over the address space, or lie in a prefix drawn at random (matched). Two groups have 4,000 tables of
//! up to 250 prefixes each, once neighbours in the list, once scattered over it, and look up random pairs of table and
//! matched key.

use std::error::Error;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use vrfleak_dataplane::lpm::{Forest, HugePages, Isa, Lookup, MatchForest, Options, TableId, TreeBitmap, TreeKey};
use vrfleak_engine::{Address, Prefix};

/// Keys of a run; they are looked up in batches of [`BATCH`].
const KEYS: usize = 1 << 20;
const BATCH: usize = 8192;
const TABLES: usize = 4000;
const ROUTES_PER_TABLE: usize = 250;

type Routes<A> = Vec<(Prefix<A>, u32)>;
type Contender<A> = (String, Box<dyn Lookup<A>>, Duration);

/// `SplitMix64`: seeds are fixed, so that every run has the same keys.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn address<A: Address>(&mut self) -> A {
        A::narrow(u128::from(self.next()) << 64 | u128::from(self.next()))
    }

    fn inside<A: Address>(&mut self, prefix: Prefix<A>) -> A {
        prefix.bits() | (self.address::<A>() & !A::mask(prefix.len()))
    }
}

fn contenders<A: TreeKey>(tables: &[Routes<A>]) -> Result<Vec<Contender<A>>, Box<dyn Error>> {
    let started = Instant::now();
    let tree = TreeBitmap::build(tables)?;
    let mut all: Vec<Contender<A>> = vec![("treebitmap".to_owned(), Box::new(tree), started.elapsed())];
    for isa in Isa::available() {
        for huge_pages in [false, true] {
            let options = Options { isa, huge_pages, ..Options::default() };
            let started = Instant::now();
            let forest = Forest::build(tables, options)?;
            let built = started.elapsed();
            let pages = if huge_pages { "huge" } else { "small" };
            let name = format!("forest {} {pages} ({} KiB advised)", isa.name(), forest.huge_page_bytes() >> 10);
            all.push((name, Box::new(forest), built));
        }
    }
    let started = Instant::now();
    let forest = MatchForest::build(tables, Options::default())?;
    all.push((format!("match forest {}", Isa::fastest().name()), Box::new(forest), started.elapsed()));
    Ok(all)
}

/// Looks all keys up batch by batch; returns millions a second.
fn run<A: TreeKey>(forest: &dyn Lookup<A>, ids: Option<&[TableId]>, keys: &[A], values: &mut [u32]) -> f64 {
    let started = Instant::now();
    for (index, (keys, values)) in keys.chunks(BATCH).zip(values.chunks_mut(BATCH)).enumerate() {
        match ids {
            None => forest.lookup_batch(TableId(0), keys, values),
            Some(ids) => forest.lookup_mixed(&ids[index * BATCH..][..keys.len()], keys, values),
        }
    }
    keys.len() as f64 / started.elapsed().as_secs_f64() / 1e6
}

fn group<A: TreeKey>(
    title: &str,
    all: &[Contender<A>],
    (ids, keys): (Option<&[TableId]>, &[A]),
    rounds: usize,
) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let (mut expected, mut values) = (vec![0; keys.len()], vec![0; keys.len()]);
    run(&*all[0].1, ids, keys, &mut expected);
    for (name, forest, _) in &all[1..] {
        run(&**forest, ids, keys, &mut values);
        if values != expected {
            return Err(format!("{title}: {name} errs").into());
        }
    }
    let mut rates = vec![Vec::new(); all.len()];
    for _ in 0..rounds {
        for (rates, (_, forest, _)) in rates.iter_mut().zip(all) {
            rates.push(run(&**forest, ids, keys, &mut values));
        }
    }
    for (rates, (name, ..)) in rates.iter_mut().zip(all) {
        rates.sort_unstable_by(f64::total_cmp);
        let (least, median, most) = (rates[0], rates[rounds / 2], rates[rounds - 1]);
        writeln!(out, "{title:<28} {name:<40} {median:7.1} M/s ({least:.1} to {most:.1})")?;
    }
    Ok(())
}

fn built<A: TreeKey>(title: &str, all: &[Contender<A>], routes: usize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (name, forest, time) in all {
        let (bytes, time) = (forest.bytes(), time.as_secs_f64() * 1e3);
        let per_route = bytes as f64 / routes as f64;
        writeln!(out, "{title:<28} {name:<40} {bytes:>10} bytes, {per_route:.2} a prefix, built in {time:.1} ms")?;
    }
    Ok(())
}

fn measure<A: TreeKey>(text: &str, next_hops: u64, rounds: usize) -> Result<(), Box<dyn Error>> {
    let mut routes: Routes<A> = text.lines().filter_map(|line| Some((line.trim().parse().ok()?, 0))).collect();
    routes.sort_unstable();
    routes.dedup();
    if routes.is_empty() {
        return Ok(());
    }
    for (index, route) in (0..).zip(&mut routes) {
        route.1 = (Random(index).next() % next_hops) as u32;
    }
    let family = A::FAMILY;
    let mut random = Random(1);
    let uniform: Vec<A> = (0..KEYS).map(|_| random.address()).collect();
    let matched: Vec<A> = (0..KEYS)
        .map(|_| {
            let (prefix, _) = routes[random.below(routes.len())];
            random.inside(prefix)
        })
        .collect();
    let whole = [routes];
    let all = contenders(&whole[..])?;
    built(&format!("{family} {} prefixes", whole[0].len()), &all, whole[0].len())?;
    group(&format!("{family} uniform"), &all, (None, &uniform), rounds)?;
    group(&format!("{family} matched"), &all, (None, &matched), rounds)?;
    drop(all);

    let routes = &whole[0];
    let neighbours = (0..TABLES).map(|_| {
        let start = random.below(routes.len().saturating_sub(ROUTES_PER_TABLE).max(1));
        routes[start..routes.len().min(start + ROUTES_PER_TABLE)].to_vec()
    });
    let neighbours: Vec<Routes<A>> = neighbours.collect();
    measure_tables("neighbours", &neighbours, &mut random, rounds)?;
    drop(neighbours);
    let scattered = (0..TABLES).map(|_| {
        let mut drawn: Routes<A> = (0..ROUTES_PER_TABLE).map(|_| routes[random.below(routes.len())]).collect();
        drawn.sort_unstable();
        drawn.dedup();
        drawn
    });
    let scattered: Vec<Routes<A>> = scattered.collect();
    measure_tables("scattered", &scattered, &mut random, rounds)
}

fn measure_tables<A: TreeKey>(
    kind: &str,
    tables: &[Routes<A>],
    random: &mut Random,
    rounds: usize,
) -> Result<(), Box<dyn Error>> {
    let (ids, keys): (Vec<TableId>, Vec<A>) = (0..KEYS)
        .map(|_| {
            let table = random.below(tables.len());
            let (prefix, _) = tables[table][random.below(tables[table].len())];
            (TableId::from_index(table), random.inside(prefix))
        })
        .unzip();
    let all = contenders(tables)?;
    let title = format!("{} {TABLES} {kind}", A::FAMILY);
    built(&title, &all, tables.iter().map(Vec::len).sum())?;
    group(&title, &all, (Some(&ids), &keys), rounds)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let next_hops = arguments.next().map_or(Ok(64), |text| text.parse())?;
    let rounds = arguments.next().map_or(Ok(7), |text| text.parse())?;
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    measure::<u32>(&text, next_hops, rounds)?;
    measure::<u128>(&text, next_hops, rounds)
}
