//! How many lookups a second, by backend and kind of key, in one table and in all tables mixed?

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use prefix_trie::PrefixMap;
use vrfleak_bench_data::keys;
use vrfleak_benches::Provider;
use vrfleak_dataplane::lpm::NO_ROUTE;
use vrfleak_dataplane::{Backend, Fibs};
use vrfleak_engine::{Prefix, VrfId};

const KEYS: usize = 1 << 14;

fn lookup(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lookup");
    group.measurement_time(Duration::from_secs(2));
    let provider = Provider::new(200_000);
    let family = provider.leak.family::<u32>();
    let ribs = family.ribs();
    let vrfs = ribs.iter().len();
    let vrf = (0..vrfs).map(VrfId::from_index).max_by_key(|&vrf| ribs.of(vrf).len()).expect("a provider has VRFs");
    let routes: Vec<(Prefix<u32>, u32)> =
        family.rib(vrf).iter().map(|id| (family.table().prefix(id), family.table().next_hop(id).0)).collect();
    let prefixes: Vec<Prefix<u32>> = routes.iter().map(|route| route.0).collect();
    let vrfs: Vec<VrfId> = (0..KEYS).map(|at| VrfId::from_index(at * 7919 % vrfs)).collect();
    let trie: PrefixMap<ipnet::Ipv4Net, u32> = routes
        .iter()
        .map(|&(prefix, value)| (ipnet::Ipv4Net::new(prefix.bits().into(), prefix.len()).expect("a prefix"), value))
        .collect();
    let contenders: Vec<(Backend, Fibs)> = [Backend::default(), Backend::TreeBitmap]
        .into_iter()
        .map(|backend| (backend, Fibs::build(&provider.leak, backend).expect("a provider that fits")))
        .collect();
    let oracle = Fibs::build(&provider.leak, Backend::Linear).expect("a provider that fits");
    for (name, keys) in [("uniform", keys::uniform::<u32>(1, KEYS)), ("matched", keys::matched(&prefixes, 1, KEYS))] {
        group.throughput(Throughput::Elements(KEYS as u64));
        let mut answers = vec![0; KEYS];
        for (backend, fibs) in &contenders {
            fibs.family::<u32>().lookup_batch(vrf, &keys, &mut answers);
            for (&key, &answer) in keys.iter().zip(&answers).step_by(97) {
                assert_eq!(answer, oracle.lookup(vrf, key).map_or(NO_ROUTE, |id| id.0), "{backend} errs");
            }
            group.bench_function(BenchmarkId::new(backend.name(), name), |bencher| {
                bencher.iter(|| fibs.family::<u32>().lookup_batch(vrf, black_box(&keys), &mut answers));
            });
        }
        let find = |key: u32| {
            let host = ipnet::Ipv4Net::new(key.into(), 32).expect("a host route");
            trie.get_lpm(&host).map_or(NO_ROUTE, |(_, &value)| value)
        };
        for &key in keys.iter().step_by(97) {
            assert_eq!(find(key), oracle.lookup(vrf, key).map_or(NO_ROUTE, |id| id.0), "prefix-trie errs");
        }
        group.bench_function(BenchmarkId::new("prefix-trie", name), |bencher| {
            bencher.iter(|| black_box(&keys).iter().map(|&key| find(key)).fold(0, u32::wrapping_add));
        });
    }
    let keys = keys::matched(&prefixes, 2, KEYS);
    let mut answers = vec![0; KEYS];
    for (backend, fibs) in &contenders {
        group.bench_function(BenchmarkId::new(backend.name(), "mixed"), |bencher| {
            bencher.iter(|| fibs.family::<u32>().lookup_mixed(&vrfs, black_box(&keys), &mut answers));
        });
    }
    group.finish();
}

criterion_group!(benches, lookup);
criterion_main!(benches);
