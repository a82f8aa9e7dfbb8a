//! How fast is a configuration of 4,000 VRFs read, from the text to the network?

#[path = "../tests/generated/mod.rs"]
mod generated;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use vrfleak_config::{Options, load_texts};

fn read(criterion: &mut Criterion) {
    let text = generated::generated(4000);
    let lines = text.lines().count() as u64;
    let loaded = load_texts([("big.cfg", text.as_str())], &Options::default()).expect("no errors");
    assert_eq!(loaded.network.vrfs().len(), 4000);
    let mut group = criterion.benchmark_group("configuration");
    group.throughput(Throughput::Elements(lines)).sample_size(20);
    group.bench_function("ios/4000-vrfs", |bencher| {
        bencher.iter(|| load_texts([("big.cfg", text.as_str())], &Options::default()).expect("no errors"));
    });
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
