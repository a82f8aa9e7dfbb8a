//! How long does it take from a network to all RIBs, and how does it grow with the routes?

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use vrfleak_benches::Provider;
use vrfleak_engine::{Leak, Resolution, RouteTable, reference};

fn leak(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("leak");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    for routes in [20_000, 200_000] {
        let provider = Provider::new(routes);
        let imported = provider.leak.imported_routes();
        group.throughput(Throughput::Elements(imported as u64));
        group.bench_function(BenchmarkId::new("vrfleak", routes), |bencher| {
            bencher.iter(|| black_box(Leak::new(&provider.network)));
        });
    }
    // The literal definition is quadratic: it is compared where it ends, and its answers first.
    let provider = Provider::new(2_000);
    let imported: usize = reference::leak::<u32>(&provider.network).iter().map(|table| table.imported).sum();
    assert_eq!(provider.leak.family::<u32>().imported_routes(), imported, "the contenders disagree");
    group.throughput(Throughput::Elements(imported as u64));
    group.bench_function(BenchmarkId::new("vrfleak", 2_000), |bencher| {
        bencher.iter(|| black_box(Leak::new(&provider.network)));
    });
    group.bench_function(BenchmarkId::new("definition", 2_000), |bencher| {
        bencher.iter(|| black_box(reference::leak::<u32>(&provider.network)));
    });
    group.finish();
}

fn rank(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rank");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    for routes in [20_000, 200_000] {
        let provider = Provider::new(routes);
        let resolution = Resolution::new(&provider.network);
        group.throughput(Throughput::Elements(provider.network.source_routes::<u32>() as u64));
        group.bench_function(BenchmarkId::new("ipv4", routes), |bencher| {
            bencher.iter(|| black_box(RouteTable::<u32>::new(&provider.network, &resolution)));
        });
    }
    group.finish();
}

criterion_group!(benches, leak, rank);
criterion_main!(benches);
