use super::*;
use vrfleak_engine::{Address, Leak, Sharing};

fn imported(workload: Workload, routes: usize, vrfs: usize) -> usize {
    let network = workload.generate(routes, vrfs, 1).expect("a network");
    let leak = Leak::new(&network);
    assert_eq!(leak.vpn_routes(), routes, "{workload}: every route has a prefix and RD of its own");
    leak.imported_routes()
}

#[test]
fn each_imports_what_its_name_says() {
    assert_eq!(imported(Workload::W1, 10_100, 50), 15_000);
    assert_eq!(imported(Workload::W2, 1000, 1), 1000);
    assert_eq!(imported(Workload::W3, 1000, 10), 10_000);
    // Of five targets drawn among 100, one VRF in twenty draws its own.
    let imports = imported(Workload::D, 20_000, 100);
    assert!((96_000..=100_000).contains(&imports), "{imports}");
    assert_eq!(imported(Workload::D, 3, 1), 0);
    assert_eq!(imported(Workload::ManyTargets, 1003, 100), 1003);
    assert_eq!(imported(Workload::OneService, 10, 300), 3000);
    assert_eq!(imported(Workload::BigVrf, 1000, 10), 10_000);
    // Of two VRFs with a prefix each imports the other's; the third imports one NLRI, or both routes.
    assert_eq!(imported(Workload::DualHomedSameRd, 1000, 5), 500);
    assert_eq!(imported(Workload::DualHomedTwoRds, 1000, 5), 2000);
    assert_eq!(imported(Workload::DualHomedTwoRds, 1001, 5), 2002);
    let defaults = imported(Workload::Defaults, 20_000, 100);
    assert_eq!(defaults, imports);
    assert_eq!(imported(Workload::Ipv6, 20_000, 100), imports);
    // Of eight routes the map denies one, and the limit every other one.
    assert_eq!(imported(Workload::ImportMap, 8000, 4), 7000);
    assert_eq!(imported(Workload::RouteLimit, 8001, 4), 4000);
    let w1 = Workload::W1.generate(101_000, 50, 1).expect("a network");
    let routes: Vec<usize> = w1.vrfs().iter().map(|vrf| vrf.family::<u32>().routes.len()).collect();
    assert_eq!((routes[0], &routes[1..]), (1000, [2000; 50].as_slice()));
    let first = w1.vrfs().iter().map(|vrf| vrf.family::<u32>().routes[0].prefix().to_string());
    assert_eq!(first.take(3).collect::<Vec<_>>(), ["5.0.0.0/24", "20.0.0.0/24", "20.7.208.0/24"]);
}

/// What is more than a thread's share is cut into pieces; the tables are those of one thread, and counted alike.
#[test]
fn one_huge_vrf_is_the_same_on_any_number_of_threads() {
    let on = |threads, network: &Network, sharing| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| Leak::with(network, sharing, |_| {}))
    };
    for workload in [Workload::ImportMap, Workload::RouteLimit] {
        let network = workload.generate(200_000, 4, 1).expect("a network");
        for sharing in [Sharing::Classes, Sharing::None] {
            let one = on(1, &network, sharing);
            for threads in [2, 5] {
                let many = on(threads, &network, sharing);
                for vrf in network.vrf_ids() {
                    let (one, many) = (one.family::<u32>().rib(vrf), many.family::<u32>().rib(vrf));
                    assert!(one.list() == many.list() && one.splices() == many.splices(), "{workload} {threads}");
                    assert_eq!((one.imported(), one.limit()), (many.imported(), many.limit()), "{workload} {threads}");
                }
            }
        }
    }
}

#[test]
fn fan_outs_are_as_many_and_no_more_than_there_are() {
    let of = |fan_out| Drawn { fan_out, ..Drawn::default() };
    let network = Workload::D.generate_drawn(1000, 10, &of(10), 1).expect("a network");
    assert!(network.vrfs().iter().all(|vrf| vrf.family::<u32>().import.len() == 10));
    let error = |fan_out| Workload::Ipv6.generate_drawn(1000, 10, &of(fan_out), 1).expect_err("a limit").to_string();
    assert_eq!(
        (error(0), error(11)),
        (
            "`0` import targets a VRF, expected at least 1".to_owned(),
            "`11` import targets a VRF, the limit is 10".to_owned()
        )
    );
    let network = Workload::Defaults.generate(1000, 10, 1).expect("a network");
    let with_default =
        |vrf: &vrfleak_engine::Vrf| vrf.family::<u32>().routes.iter().any(|route| route.prefix().len() == 0);
    assert!(network.vrfs().iter().all(with_default));
}

#[test]
fn names_read_back_and_others_are_refused() {
    for workload in Workload::ALL {
        assert_eq!(workload.to_string().to_lowercase().parse(), Ok(workload));
    }
    let error = "W4".parse::<Workload>().expect_err("no such workload");
    assert_eq!(
        error.to_string(),
        "`W4` is not a workload, expected one of W1, W2, W3, D, many-targets, one-service, big-vrf, dual-homed-same-rd, dual-homed-two-rds, defaults, ipv6, import-map, route-limit"
    );
}

#[test]
fn impossible_sizes_are_refused_with_limit_and_value() {
    let error = |workload: Workload, routes, vrfs| workload.generate(routes, vrfs, 1).expect_err("a limit").to_string();
    assert_eq!(error(Workload::W2, 0, 1), "`0` routes, expected at least 1");
    assert_eq!(error(Workload::W3, 1, 0), "`0` VRFs, expected at least 1");
    assert_eq!(error(Workload::W2, 13_369_345, 1), "`13369345` routes, the limit is 13369344");
    assert_eq!(error(Workload::D, 1 << 24 | 1, 1), "`16777217` routes, the limit is 16777216");
    assert_eq!(error(Workload::D, 9, 10), "`9` routes for 10 VRFs, expected at least 10");
    assert_eq!(error(Workload::D, 9, 1_048_560), "`1048560` VRFs, the limit is 1048559");
    assert_eq!(error(Workload::D, usize::MAX, 1_000_000), format!("`{}` routes, the limit is 2147483647", usize::MAX));
}

/// Returns the prefixes of each VRF, ascending.
fn prefixes<A: Address>(network: &Network) -> Vec<Vec<Prefix<A>>> {
    let of = |vrf: &vrfleak_engine::Vrf| {
        let mut prefixes: Vec<_> = vrf.family::<A>().routes.iter().map(vrfleak_engine::SourceRoute::prefix).collect();
        prefixes.sort_unstable();
        prefixes
    };
    network.vrfs().iter().map(of).collect()
}

#[test]
fn what_drawn_vrfs_have_in_common_is_as_much_as_was_asked_for() {
    for (overlap, dual_homed) in [(0, 0), (10, 0), (0, 50), (20, 30), (100, 0), (1, 49)] {
        for lens in [None, Some((20, 28)), Some((32, 32))] {
            let drawn = Drawn { fan_out: 3, export_targets: 2, overlap, dual_homed, lens };
            let network = Workload::D.generate_drawn(4000, 4, &drawn, 1).expect("a network");
            let vrfs = prefixes::<u32>(&network);
            for (at, own) in vrfs.iter().enumerate() {
                let both = |other: &[Prefix<u32>]| own.iter().filter(|prefix| other.contains(prefix)).count();
                assert!(own.windows(2).all(|pair| pair[0] < pair[1]), "{drawn:?}: each once");
                let (min, max) = lens.unwrap_or((24, 24));
                let count = |len| own.iter().filter(|prefix| prefix.len() == len).count();
                assert!(
                    (min..=max).all(|len| count(len).abs_diff(1000 / usize::from(max - min + 1)) <= 3),
                    "{drawn:?}"
                );
                let by_chance = if overlap + dual_homed == 0 { 3 } else { 0 };
                let common = 10 * usize::from(overlap);
                // The first two are each other's neighbours.
                let of_one = 10 * usize::from(dual_homed) * if at == 1 { 2 } else { 1 };
                let neighbour = &vrfs[at.checked_sub(1).unwrap_or(1)];
                if at > 0 {
                    assert!(both(neighbour).abs_diff(common + of_one) <= by_chance, "{at} {drawn:?}");
                }
                if at == 3 {
                    assert!(both(&vrfs[1]).abs_diff(common) <= by_chance, "{drawn:?}");
                }
            }
            assert!(network.vrfs().iter().all(|vrf| vrf.family::<u32>().export.len() == 2));
        }
    }
    let drawn = Drawn { lens: Some((40, 64)), overlap: 50, ..Drawn::default() };
    let network = Workload::Ipv6.generate_drawn(5000, 10, &drawn, 1).expect("a network");
    let lens: Vec<u8> = prefixes::<u128>(&network)[3].iter().map(|prefix| prefix.len()).collect();
    assert_eq!((lens.iter().min(), lens.iter().max()), (Some(&40), Some(&64)));
}

#[test]
fn impossible_draws_are_refused_with_limit_and_value() {
    let error = |workload: Workload, drawn: Drawn| {
        workload.generate_drawn(1000, 10, &drawn, 1).expect_err("a limit").to_string()
    };
    let d = Drawn::default();
    assert_eq!(error(Workload::D, Drawn { export_targets: 0, ..d }), "`0` export targets a VRF, expected at least 1");
    assert_eq!(error(Workload::D, Drawn { export_targets: 11, ..d }), "`11` export targets a VRF, the limit is 10");
    assert_eq!(error(Workload::D, Drawn { overlap: 101, ..d }), "`101` per cent overlap, the limit is 100");
    assert_eq!(
        error(Workload::D, Drawn { overlap: 30, dual_homed: 36, ..d }),
        "`36` per cent dual-homed, the limit is 35"
    );
    assert_eq!(
        error(Workload::D, Drawn { lens: Some((24, 33)), ..d }),
        "`24-33` are no prefix lengths, expected some from 1 to 32, the shortest first"
    );
    assert_eq!(
        error(Workload::Ipv6, Drawn { lens: Some((56, 48)), ..d }),
        "`56-48` are no prefix lengths, expected some from 33 to 128, the shortest first"
    );
    assert_eq!(error(Workload::D, Drawn { lens: Some((6, 6)), ..d }), "`1000` routes, the limit is 640");
    let alone = Workload::D.generate_drawn(10, 1, &Drawn { fan_out: 1, dual_homed: 1, ..d }, 1).expect_err("a limit");
    assert_eq!(alone.to_string(), "`1` per cent dual-homed, the limit is 0");
}
