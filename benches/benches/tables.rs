//! How many lookups a second in one big table and in many mixed ones, by kind of table, instructions and kind of key?
//!
//! The table is drawn with the lengths of a full table of 2023, in 400,000 prefixes and two numbers of next hops; every
//! kind's answers are compared with `treebitmap`'s before it is timed.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use vrfleak_bench_data::keys::{self, KeyKind};
use vrfleak_bench_data::random::Random;
use vrfleak_dataplane::lpm::{
    AutoForest, AutoOptions, Choice, DirectForest, DirectLayout, Forest, Isa, Lookup, MatchForest, Options, TableId,
    TreeBitmap,
};
use vrfleak_engine::Prefix;

/// Keys looked up in one go.
const KEYS: usize = 1 << 13;
/// Prefixes that are drawn; some are drawn twice.
const PREFIXES: usize = 400_000;
/// From /16 on, how many of a thousand prefixes have the length.
const LENS: [u32; 17] = [17, 9, 15, 28, 47, 56, 120, 107, 599, 0, 0, 0, 0, 0, 1, 0, 1];
/// Tables of the mixed batch beside the big one.
const SMALL: usize = 100;

type Routes = Vec<(Prefix<u32>, u32)>;

/// Draws `count` prefixes inside three quarters of the address space, with `next_hops` values.
fn routes(seed: u64, count: usize, next_hops: u64) -> Routes {
    let mut random = Random::new(seed);
    let bits = keys::uniform::<u32>(seed, count);
    let mut routes: Routes = bits
        .into_iter()
        .map(|bits| {
            let len = 16 + random.weighted(&LENS) as u8;
            (Prefix::containing(bits / 4 * 3, len), random.below(next_hops) as u32)
        })
        .collect();
    routes.sort_unstable();
    routes.dedup_by_key(|route| route.0);
    routes
}

fn contenders(tables: &[Routes]) -> Vec<(String, Box<dyn Lookup<u32>>)> {
    let mut all: Vec<(String, Box<dyn Lookup<u32>>)> = Vec::new();
    for isa in Isa::available() {
        let options = Options { isa, ..Options::default() };
        let forest = Forest::build(tables, options).expect("ordered routes");
        all.push((format!("compressed-{}", isa.name()), Box::new(forest)));
        for layout in DirectLayout::ALL {
            // Of the small tables each would be flat, too.
            if tables.len() == 1 || layout == DirectLayout::Chunked {
                let forest = DirectForest::build(tables, layout, options).expect("few next hops");
                all.push((format!("{}-{}", layout.name(), isa.name()), Box::new(forest)));
            }
        }
    }
    let matched = MatchForest::build(tables, Options::default()).expect("ordered routes");
    all.push(("compressed-with-lengths".to_owned(), Box::new(matched)));
    for (name, choice) in [("auto", Choice::Auto), ("auto-compressed", Choice::Compressed)] {
        let options = AutoOptions { choice, ..AutoOptions::default() };
        all.push((name.to_owned(), Box::new(AutoForest::build(tables, options).expect("ordered routes"))));
    }
    all
}

fn tables(criterion: &mut Criterion) {
    for next_hops in [64, 1000] {
        let mut group = criterion.benchmark_group(format!("tables/{next_hops}-next-hops"));
        group.measurement_time(Duration::from_secs(1)).throughput(Throughput::Elements(KEYS as u64));
        let tables = [routes(1, PREFIXES, next_hops)];
        let prefixes: Vec<Prefix<u32>> = tables[0].iter().map(|route| route.0).collect();
        let tree = TreeBitmap::build(&tables[..]).expect("ordered routes");
        let contenders = contenders(&tables);
        for kind in KeyKind::ALL {
            // Sixteen batches in turn, so that no batch is learnt by heart.
            let keys = shuffled(kind.keys(&prefixes, 1, 16 * KEYS));
            let (mut answers, mut expected) = (vec![0; keys.len()], vec![0; keys.len()]);
            tree.lookup_batch(TableId(0), &keys, &mut expected);
            for (name, forest) in &contenders {
                forest.lookup_batch(TableId(0), &keys, &mut answers);
                assert!(answers == expected, "{name} errs on {kind} keys");
                let mut batches = keys.chunks_exact(KEYS).cycle();
                group.bench_function(BenchmarkId::new(name, kind), |bencher| {
                    bencher.iter(|| {
                        let Some(batch) = batches.next() else { return };
                        forest.lookup_batch(TableId(0), black_box(batch), &mut answers[..KEYS]);
                    });
                });
            }
        }
        group.finish();
    }
}

/// Half of the keys go to the big table, half to small ones.
fn mixed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tables/mixed");
    group.measurement_time(Duration::from_secs(1)).throughput(Throughput::Elements(KEYS as u64));
    let small = (0..SMALL).map(|table| routes(2 + table as u64, 250, 64));
    let tables: Vec<Routes> = std::iter::once(routes(1, PREFIXES, 64)).chain(small).collect();
    let mut random = Random::new(3);
    let (ids, keys): (Vec<TableId>, Vec<u32>) = (0..KEYS)
        .map(|_| {
            let table = if random.chance(0.5) { 0 } else { 1 + below(&mut random, SMALL) };
            let (prefix, _) = tables[table][below(&mut random, tables[table].len())];
            (TableId::from_index(table), prefix.bits())
        })
        .unzip();
    let (mut answers, mut expected) = (vec![0; KEYS], vec![0; KEYS]);
    TreeBitmap::build(&tables[..]).expect("ordered routes").lookup_mixed(&ids, &keys, &mut expected);
    for (name, forest) in contenders(&tables) {
        forest.lookup_mixed(&ids, &keys, &mut answers);
        assert!(answers == expected, "{name} errs");
        group.bench_function(BenchmarkId::new(name, "half-big"), |bencher| {
            bencher.iter(|| forest.lookup_mixed(black_box(&ids), &keys, &mut answers));
        });
    }
    group.finish();
}

fn below(random: &mut Random, bound: usize) -> usize {
    random.below(bound as u64) as usize
}

/// Puts the keys, which some kinds return sorted, in a random order.
fn shuffled(mut keys: Vec<u32>) -> Vec<u32> {
    let mut random = Random::new(4);
    for at in (1..keys.len()).rev() {
        keys.swap(at, below(&mut random, at + 1));
    }
    keys
}

criterion_group!(benches, tables, mixed);
criterion_main!(benches);
