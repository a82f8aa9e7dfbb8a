//! What holds on every network, on random ones.

use proptest::prelude::*;
use vrfleak_dataplane::lpm::NO_ROUTE;
use vrfleak_dataplane::{Backend, Cell, Dataplane, Fate, Fibs, Ping, Verdict};
use vrfleak_engine::{Address, Leak, Network, VrfId};

use crate::networks;
use crate::oracle;

/// Returns the addresses worth asking for: the ends of every prefix of the family and what lies beside them.
fn addresses<A: Address>(leak: &Leak) -> Vec<A> {
    let table = leak.family::<A>().table();
    let routes = (0..table.len()).map(vrfleak_engine::RouteId::from_index);
    let ends = routes.flat_map(|route| {
        let prefix = table.prefix(route);
        [Some(prefix.bits()), Some(prefix.last()), prefix.last().next()]
    });
    let mut addresses: Vec<A> = ends.flatten().chain([A::ZERO, A::MAX]).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn keys<A: Address>(network: &Network, addresses: &[A]) -> (Vec<VrfId>, Vec<A>) {
    network.vrf_ids().flat_map(|vrf| addresses.iter().map(move |&address| (vrf, address))).unzip()
}

fn check_lookups<A: Address>(network: &Network, leak: &Leak, fibs: &Fibs) {
    let addresses = addresses::<A>(leak);
    let (vrfs, keys) = keys(network, &addresses);
    let expected: Vec<_> = vrfs.iter().zip(&keys).map(|(&vrf, &key)| oracle::lookup(leak, vrf, key)).collect();
    let single: Vec<_> = vrfs.iter().zip(&keys).map(|(&vrf, &key)| fibs.lookup_match(vrf, key)).collect();
    assert_eq!(single, expected);
    let next_hops: Vec<_> = expected.iter().map(|found| found.map(|found| found.next_hop)).collect();
    let single: Vec<_> = vrfs.iter().zip(&keys).map(|(&vrf, &key)| fibs.lookup(vrf, key)).collect();
    assert_eq!(single, next_hops);
    let numbers: Vec<u32> = next_hops.iter().map(|found| found.map_or(NO_ROUTE, |found| found.0)).collect();
    let family = fibs.family::<A>();
    let mut mixed = vec![0; keys.len()];
    family.lookup_mixed(&vrfs, &keys, &mut mixed);
    assert_eq!(mixed, numbers);
    for (vrf, expected) in network.vrf_ids().zip(numbers.chunks(addresses.len())) {
        let mut batch = vec![0; addresses.len()];
        family.lookup_batch(vrf, &addresses, &mut batch);
        assert_eq!(batch, expected);
        assert_eq!(family.entries_of(vrf), leak.family::<A>().rib(vrf).len());
    }
}

fn check_forwarding<A: Address>(network: &Network, leak: &Leak, dataplane: &Dataplane<'_>) {
    let addresses = addresses::<A>(leak);
    let (vrfs, keys) = keys(network, &addresses);
    let mut pings = Vec::new();
    for (at, (&vrf, &destination)) in vrfs.iter().zip(&keys).enumerate() {
        let (way, fate) = oracle::forward(network, leak, vrf, destination);
        assert_eq!(dataplane.forward(vrf, destination), fate);
        let trace = dataplane.trace(vrf, destination);
        assert_eq!(trace.fate, fate);
        assert!(way.len() <= network.vrfs().len(), "one lookup a VRF");
        let answered = way.len() - usize::from(matches!(fate, Fate::NoRoute { .. }));
        assert_eq!(trace.hops.iter().map(|hop| hop.vrf).collect::<Vec<_>>(), way[..answered]);
        for hop in &trace.hops {
            let far = hop.to.filter(|&to| network.vrf(to).router != network.vrf(hop.vrf).router);
            assert_eq!(hop.label, far.and_then(|to| dataplane.labels().label(to)));
        }
        // The default source, and one that may be anybody's.
        pings.extend(dataplane.request(vrf, destination));
        pings.push(Ping { vrf, source: addresses[(at * 7) % addresses.len()], destination });
    }
    let verdicts: Vec<Verdict> = pings.iter().map(|&ping| dataplane.ping(ping)).collect();
    for (ping, verdict) in pings.iter().zip(&verdicts) {
        let (_, request) = oracle::forward(network, leak, ping.vrf, ping.destination);
        let delivered = match request {
            Fate::Delivered { vrf, .. } => {
                let (_, reply) = oracle::forward(network, leak, vrf, ping.source);
                matches!(reply, Fate::Delivered { vrf, .. } if vrf == ping.vrf)
            }
            _ => false,
        };
        assert_eq!(verdict.is_delivered(), delivered, "{ping:?}");
    }
    assert_eq!(dataplane.ping_batch(&pings), verdicts);
}

fn check_matrix<A: Address>(network: &Network, dataplane: &Dataplane<'_>) {
    let matrix = dataplane.reachability::<A>();
    let pingable: Vec<VrfId> = network.vrf_ids().filter(|&vrf| dataplane.default_source::<A>(vrf).is_some()).collect();
    let pairs = pingable.iter().flat_map(|&from| pingable.iter().map(move |&to| (from, to)));
    let expected: Vec<Cell<A>> = pairs
        .map(|(from, to)| {
            let destination = dataplane.default_source(to).expect("filtered");
            let ping = dataplane.request(from, destination).expect("filtered");
            Cell { ping, to, verdict: dataplane.ping(ping) }
        })
        .collect();
    assert_eq!(matrix.cells().collect::<Vec<_>>(), expected);
    for cell in &expected {
        assert_eq!(matrix.get(cell.ping.vrf, cell.to), Some(cell.verdict));
    }
    assert_eq!(matrix.delivered(), expected.iter().filter(|cell| cell.verdict.is_delivered()).count());
}

/// Returns a strategy of networks, half of them with policies and re-exports.
fn any_network() -> impl Strategy<Value = Network> {
    prop_oneof![networks::networks(), networks::policy_networks()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn differential_fibs_agree_with_a_scan_of_the_ribs(network in any_network()) {
        let leak = Leak::new(&network);
        for backend in Backend::ALL {
            let fibs = Fibs::build(&leak, backend).expect("a small network");
            check_lookups::<u32>(&network, &leak, &fibs);
            check_lookups::<u128>(&network, &leak, &fibs);
        }
    }

    #[test]
    fn differential_forwarding_and_pings_agree_with_the_definition(network in any_network()) {
        let leak = Leak::new(&network);
        let fibs = Fibs::build(&leak, Backend::default()).expect("a small network");
        let dataplane = Dataplane::new(&network, &fibs);
        check_forwarding::<u32>(&network, &leak, &dataplane);
        check_forwarding::<u128>(&network, &leak, &dataplane);
        check_matrix::<u32>(&network, &dataplane);
        check_matrix::<u128>(&network, &dataplane);
    }
}

#[test]
fn law_the_number_of_threads_changes_nothing() {
    let mut telling = 0;
    for seed in 0..40 {
        let network = if seed % 2 == 0 { networks::network(seed) } else { networks::policy_network(seed) };
        let results = [1, 2, 5].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| {
                let leak = Leak::new(&network);
                let fibs = Fibs::build(&leak, Backend::default()).expect("a small network");
                let dataplane = Dataplane::new(&network, &fibs);
                let addresses = addresses::<u32>(&leak);
                let vrfs = (0..network.vrfs().len()).cycle().map(VrfId::from_index);
                // More than one batch.
                let pings: Vec<Ping<u32>> = vrfs
                    .zip(addresses.iter().cycle())
                    .zip(addresses.iter().cycle().skip(3))
                    .take(20_000)
                    .map(|((vrf, &source), &destination)| Ping { vrf, source, destination })
                    .collect();
                let entries: Vec<usize> = network.vrf_ids().map(|vrf| fibs.entries_of(vrf)).collect();
                (entries, dataplane.ping_batch(&pings), dataplane.reachability::<u32>())
            })
        });
        assert_eq!(results[0], results[1], "seed {seed}");
        assert_eq!(results[0], results[2], "seed {seed}");
        telling += usize::from(results[0].1.iter().any(|verdict| verdict != &results[0].1[0]));
    }
    assert!(telling >= 20, "only {telling} networks of 40 have pings that differ");
}
