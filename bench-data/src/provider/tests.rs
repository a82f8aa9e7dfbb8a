use std::collections::{BTreeMap, BTreeSet};

use vrfleak_engine::{Leak, Prefix, Protocol, Resolution, SourceRoute};

use super::*;

/// A tenth of the VRFs and a hundredth of the routes of the default.
const SMALL: ProviderShape = ProviderShape { routes: 20_000, vrfs: 200, pes: 10, seed: 1 };

fn network(shape: ProviderShape) -> Network {
    shape.generate().expect("a possible shape")
}

fn routes<A: Address>(network: &Network) -> Vec<(VrfId, SourceRoute<A>)> {
    let of = |id| network.vrf(id).family::<A>().routes.iter().map(move |&route| (id, route));
    network.vrf_ids().flat_map(of).collect()
}

#[test]
fn any_number_of_threads_makes_the_same_network() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        format!("{:?}", pool.install(|| network(SMALL)))
    };
    let one = on(1);
    assert!(one == on(2) && one == on(5));
    assert!(one != format!("{:?}", network(ProviderShape { seed: 2, ..SMALL })));
}

#[test]
fn exactly_the_routes_of_the_shape_are_exported() {
    for seed in 1..5 {
        for shape in [SMALL, ProviderShape { routes: 40_001, vrfs: 40, pes: 3, seed }, ProviderShape { seed, ..SMALL }]
        {
            let network = network(shape);
            assert_eq!(Leak::new(&network).vpn_routes(), shape.routes, "{shape:?}");
            let resolution = Resolution::new(&network);
            assert!(routes::<u32>(&network).iter().all(|(_, route)| resolution.resolves(route.next_hop())));
            assert!(routes::<u128>(&network).iter().all(|(_, route)| resolution.resolves(route.next_hop())));
        }
    }
    for vrfs in 1..12 {
        let shape = ProviderShape { routes: 4 * vrfs, vrfs, pes: 2, seed: 3 };
        assert_eq!(Leak::new(&network(shape)).vpn_routes(), shape.routes, "{shape:?}");
    }
}

#[test]
fn a_route_is_imported_several_times() {
    // The largest VPN has 3/4 of the square root of the VRFs: 10 sites here, 33 for the default.
    let imported = Leak::new(&network(SMALL)).imported_routes();
    assert!((60_000..300_000).contains(&imported), "{imported}");
}

#[test]
fn the_default_imports_tens_of_millions() {
    let leak = Leak::new(&network(ProviderShape::default()));
    assert_eq!(leak.vpn_routes(), 2_000_000);
    assert!((15_000_000..40_000_000).contains(&leak.imported_routes()), "{}", leak.imported_routes());
}

#[test]
fn sizes_spread_over_decades_and_the_mix_is_as_said() {
    let shape = ProviderShape { routes: 500_000, vrfs: 5000, pes: 60, seed: 1 };
    let plan = Plan::new(&shape).expect("a plan");
    let sites: Vec<usize> = plan.vpns.iter().map(ExactSizeIterator::len).collect();
    assert!(sites.contains(&1) && sites.iter().any(|&sites| sites > 40), "{:?}", sites.iter().max());
    let quotas: Vec<u64> = plan.sites.iter().map(|site| site.slices[0].own).collect();
    let count = |range: std::ops::Range<u64>| quotas.iter().filter(|&quota| range.contains(quota)).count();
    for decade in [1..10, 10..100, 100..1000] {
        let hits = count(decade.clone());
        assert!(hits > 500, "{decade:?}: {hits}");
    }
    let large = plan.vpns.iter().filter(|vpn| vpn.len() > 2).count();
    let hubs = plan.sites.iter().filter(|site| site.is_hub).count();
    assert!((large / 20..=large * 3 / 20).contains(&hubs), "{hubs} of {large}");
    let unexported = plan.sites.iter().filter(|site| !site.connected).count();
    assert!((200..300).contains(&unexported), "{unexported}");
    for vpn in &plan.vpns {
        let pes: BTreeSet<usize> = vpn.clone().map(|vrf| vrf % shape.pes).collect();
        assert_eq!(pes.len(), vpn.len().min(shape.pes));
    }
}

#[test]
fn vpns_collide_and_their_sites_do_not() {
    let network = network(SMALL);
    let mut owners = BTreeMap::<Prefix<u32>, BTreeSet<VrfId>>::new();
    let mut ipv6 = 0;
    let mut kinds = [0; 4];
    let mut longer = 0;
    for (vrf, route) in routes::<u32>(&network) {
        kinds[route.protocol() as usize] += 1;
        longer += usize::from(route.prefix().len() == 24);
        if route.protocol() == Protocol::Bgp {
            owners.entry(route.prefix()).or_default().insert(vrf);
        }
    }
    for (_, route) in routes::<u128>(&network) {
        ipv6 += usize::from(route.protocol() == Protocol::Bgp);
    }
    let vpn = |vrf: VrfId| network.vrf(vrf).name.split('-').next().map(str::to_owned);
    let bgp = kinds[Protocol::Bgp as usize];
    assert!((bgp / 12..bgp / 8).contains(&ipv6), "{ipv6} beside {bgp}");
    assert!((bgp * 6 / 10..bgp * 8 / 10).contains(&longer), "{longer} /24 of {bgp}");
    assert!((bgp * 15 / 1000..bgp * 25 / 1000).contains(&kinds[Protocol::Static as usize]), "{kinds:?}");
    let distinct = owners.len();
    let (mut across, mut within) = (0, 0);
    for vrfs in owners.values() {
        let vpns: BTreeSet<_> = vrfs.iter().map(|&vrf| vpn(vrf)).collect();
        across += usize::from(vpns.len() > 1);
        within += vrfs.len() - vpns.len();
    }
    assert!(across * 5 > distinct, "{across} of {distinct}");
    assert!((bgp * 3 / 100..=bgp * 5 / 100).contains(&within), "{within} dual-homed of {bgp}");
}

#[test]
fn impossible_shapes_are_refused_with_limit_and_value() {
    let error =
        |routes, vrfs, pes| ProviderShape { routes, vrfs, pes, seed: 1 }.generate().expect_err("a limit").to_string();
    assert_eq!(error(0, 1, 1), "`0` routes, expected at least 1");
    assert_eq!(error(9, 0, 1), "`0` VRFs, expected at least 1");
    assert_eq!(error(9, 1, 0), "`0` PEs, expected at least 1");
    assert_eq!(error(1 << 31, 1, 1), "`2147483648` routes, the limit is 1073741824");
    assert_eq!(error(1 << 30, usize::MAX, 1), format!("`{}` VRFs, the limit is 1073741824", usize::MAX));
    assert_eq!(error(9, 1, 1 << 25), "`33554432` PEs, the limit is 16777216");
    assert_eq!(error(1 << 30, 1 << 21, 1), "`2097152` VRFs on one PE, the limit is its 1048560 labels");
    assert_eq!(error(799, 200, 1), "`799` routes for 200 VRFs, expected at least 800");
    let crowded = ProviderShape { routes: 1 << 30, vrfs: 1, pes: 1, seed: 1 }.generate().expect_err("crowded");
    assert!(matches!(crowded, ShapeError::AddressSpace { limit: 13_942_784, .. }), "{crowded}");
    let text = ShapeError::AddressSpace { routes: 20_000_000, limit: 14 }.to_string();
    assert_eq!(text, "`20000000` IPv4 routes in one VPN, the limit is 14: more VRFs make more VPNs");
}
