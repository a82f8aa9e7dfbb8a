//! How many BMP messages a second, and what becomes of their routes in a network.

#[path = "../tests/wire/mod.rs"]
mod wire;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use vrfleak_feeds::Feed;
use wire::{Route, announced, connection, global, initiation, monitoring, peer, peer_up, withdrawn};

/// Routes of 100 RDs on 20 PEs, one a message.
const ROUTES: usize = 10_000;
/// How often each is announced.
const ROUNDS: usize = 5;

/// Returns messages that announce every route `ROUNDS` times with other attributes and withdraw a tenth of them.
fn messages() -> Vec<Vec<u8>> {
    let header = || peer(global(false), [10, 0, 0, 9]);
    let mut messages = vec![initiation("pe1"), peer_up(header(), [10, 0, 0, 1], false)];
    let prefixes: Vec<String> = (0..ROUTES).map(|at| format!("10.{}.{}.0/24", at / 250, at % 250)).collect();
    let pes: Vec<String> = (0..20).map(|at| format!("192.0.2.{at}")).collect();
    for round in 0..ROUNDS {
        for (at, prefix) in prefixes.iter().enumerate() {
            let (rd, label, targets) = ((at % 100) as u32, at as u32 + 16, [(at % 100) as u32, 7]);
            let local_preference = 100 + (round + at % 3) as u32;
            let route =
                Route { rd, prefix, pe: &pes[at % 20], label, targets: &targets, local_preference, path_id: None };
            let attributes = if round + 1 == ROUNDS && at % 10 == 0 { withdrawn(&route) } else { announced(&route) };
            messages.push(monitoring(header(), attributes));
        }
    }
    messages
}

fn read(criterion: &mut Criterion) {
    let messages = messages();
    let stream = messages.concat();
    let frames = connection([192, 0, 2, 77].into(), 1, &stream, 1400);
    let capture = wire::pcap(&frames);
    let mut group = criterion.benchmark_group("bmp");
    group.throughput(Throughput::Elements(messages.len() as u64));
    for (name, bytes) in [("stream", &stream), ("capture", &capture)] {
        let (feed, _) = Feed::parse(name, &bytes[..]).expect("a feed");
        assert_eq!((feed.vpn_routes::<u32>().len(), feed.counts().mistakes), (ROUTES * 9 / 10, 0));
        group.bench_with_input(BenchmarkId::new("read", name), bytes, |bencher, bytes| {
            bencher.iter(|| Feed::parse(name, black_box(&bytes[..])).expect("a feed"));
        });
    }
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
