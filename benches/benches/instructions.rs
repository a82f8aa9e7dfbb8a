//! How many instructions does a lookup take, by structure and instruction level? Counted under valgrind, so that the answer
//! is the same on a busy machine, and held to a limit a quarter above what was counted when the limit was set, since
//! compilers differ.
//!
//! Valgrind knows no AVX-512: that level is not here.

#![expect(missing_docs, reason = "of what the macros make")]

use std::hint::black_box;

use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use vrfleak_bench_data::{full_table, keys};
use vrfleak_dataplane::lpm::{DirectForest, DirectLayout, Forest, Isa, Lookup, Options, TableId, TreeKey};
use vrfleak_engine::Prefix;

/// Keys of a batch: what a limit is for.
const KEYS: usize = 8192;

/// A forest and a batch.
struct Batch<F, A> {
    forest: F,
    tables: Vec<TableId>,
    keys: Vec<A>,
    values: Vec<u32>,
}

type Routes<A> = Vec<(Prefix<A>, u32)>;

/// Returns the tables of `count` prefixes each, neighbours, and keys inside them at random.
fn tables<A: TreeKey>(tables: usize, count: usize) -> (Vec<Routes<A>>, Vec<TableId>, Vec<A>) {
    let prefixes = full_table::prefixes::<A>(tables * count, 1);
    let value = |at: usize| (at as u32).wrapping_mul(0x9e37_79b1) >> 26;
    let all: Vec<Routes<A>> = prefixes
        .chunks(count)
        .map(|prefixes| prefixes.iter().enumerate().map(|(at, &prefix)| (prefix, value(at))).collect())
        .collect();
    let each: Vec<Vec<A>> = prefixes.chunks(count).map(|prefixes| keys::matched(prefixes, 1, KEYS)).collect();
    let ids: Vec<TableId> = (0..KEYS).map(|key| TableId::from_index(key * 7919 % each.len())).collect();
    let keys = ids.iter().enumerate().map(|(key, id)| each[id.index()][key]).collect();
    (all, ids, keys)
}

fn options(isa: Option<Isa>) -> Options {
    Options { isa: isa.unwrap_or(Isa::PORTABLE), ..Options::default() }
}

fn forest<A: TreeKey>(
    isa: Option<Isa>,
    (tables, ids, keys): (Vec<Routes<A>>, Vec<TableId>, Vec<A>),
) -> Batch<Forest<A>, A> {
    let forest = Forest::build(&tables[..], options(isa)).expect("ordered routes");
    Batch { forest, tables: ids, keys, values: vec![0; KEYS] }
}

fn dense(isa: Option<Isa>) -> Batch<Forest<u32>, u32> {
    forest(isa, tables(1, 300_000))
}

fn sparse(isa: Option<Isa>) -> Batch<Forest<u128>, u128> {
    forest(isa, tables(1, 20_000))
}

fn small(isa: Option<Isa>) -> Batch<Forest<u32>, u32> {
    forest(isa, tables(200, 250))
}

fn flat(isa: Option<Isa>) -> Batch<DirectForest, u32> {
    let (tables, ids, keys) = tables(1, 100_000);
    let forest = DirectForest::build(&tables[..], DirectLayout::Flat, options(isa)).expect("ordered routes");
    Batch { forest, tables: ids, keys, values: vec![0; KEYS] }
}

/// Returns the limit of this many instructions a key.
fn most(per_key: u64) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, per_key * KEYS as u64)]));
    config
}

fn look_up<F: Lookup<A>, A: TreeKey>(mut batch: Batch<F, A>) -> Batch<F, A> {
    batch.forest.lookup_batch(TableId(0), black_box(&batch.keys), &mut batch.values);
    batch
}

#[library_benchmark]
#[bench::portable(args = (None), setup = dense, config = most(60))]
#[bench::avx2(args = (Isa::avx2()), setup = dense, config = most(38))]
fn dense_table(batch: Batch<Forest<u32>, u32>) -> Batch<Forest<u32>, u32> {
    look_up(batch)
}

#[library_benchmark]
#[bench::portable(args = (None), setup = sparse, config = most(256))]
fn sparse_table(batch: Batch<Forest<u128>, u128>) -> Batch<Forest<u128>, u128> {
    look_up(batch)
}

#[library_benchmark]
#[bench::portable(args = (None), setup = flat, config = most(19))]
#[bench::avx2(args = (Isa::avx2()), setup = flat, config = most(14))]
fn flat_table(batch: Batch<DirectForest, u32>) -> Batch<DirectForest, u32> {
    look_up(batch)
}

#[library_benchmark]
#[bench::portable(args = (None), setup = small, config = most(246))]
fn mixed_tables(mut batch: Batch<Forest<u32>, u32>) -> Batch<Forest<u32>, u32> {
    batch.forest.lookup_mixed(&batch.tables, black_box(&batch.keys), &mut batch.values);
    batch
}

library_benchmark_group!(name = lookups, benchmarks = [dense_table, sparse_table, flat_table, mixed_tables]);
main!(library_benchmark_groups = lookups);
