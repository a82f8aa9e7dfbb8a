//! How long does it take from the RIBs to the FIBs, by backend?

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use vrfleak_benches::Provider;
use vrfleak_dataplane::{Backend, Fibs};

fn install(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("install");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    for routes in [20_000, 200_000] {
        let provider = Provider::new(routes);
        for backend in Backend::ALL {
            let fibs = Fibs::build(&provider.leak, backend).expect("a provider that fits");
            group.throughput(Throughput::Elements(fibs.entries() as u64));
            group.bench_function(BenchmarkId::new(backend.name(), routes), |bencher| {
                bencher.iter(|| black_box(Fibs::build(&provider.leak, backend).expect("a provider that fits")));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, install);
criterion_main!(benches);
