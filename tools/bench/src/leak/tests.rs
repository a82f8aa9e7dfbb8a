//! The literal baseline against the engine on every scenario, liars, refusals, and the shape of the report.

use vrfleak_bench_data::workload::{Drawn, Workload};
use vrfleak_engine::Leak;

use super::contender::{self, Turn};
use super::measure::run_with;
use super::*;
use crate::machine::Machine;
use crate::spread::Spread;

/// Returns a plan of this scenario at sizes that a test can wait for.
fn small(scenario: Scenario) -> LeakPlan {
    let mut plan = LeakPlan::new(scenario);
    plan.size = match scenario {
        Scenario::Provider => Size { routes: 4000, vrfs: 60, pes: 5, fan_out: 0 },
        Scenario::Workload(_) => Size { routes: 3001, vrfs: 12, pes: 0, fan_out: plan.size.fan_out },
    };
    (plan.rounds, plan.threads) = (1, vec![1, 2]);
    plan
}

fn measured(plan: &LeakPlan) -> LeakReport {
    run(plan, &mut |_, _| {}).expect("a plan that can be carried out")
}

#[test]
fn differential_all_contenders_agree_on_every_scenario() {
    let scenarios = Workload::ALL.map(Scenario::Workload).into_iter().chain([Scenario::Provider]);
    for scenario in scenarios {
        for seed in 1..4 {
            let report = measured(&LeakPlan { seed, ..small(scenario) });
            assert!(report.agreed, "{scenario}: {:#?}", report.results);
            let names: Vec<_> = report.results.iter().map(|row| (row.contender.as_str(), row.threads)).collect();
            let expected = [("classes", 1), ("classes", 2), ("no-sharing", 1), ("no-sharing", 2), ("literal", 2)];
            let policies = matches!(scenario, Scenario::Workload(workload) if workload.has_policies());
            assert_eq!(names, expected[..if policies { 4 } else { 5 }]);
            let first = &report.results[0];
            assert!(first.imported_routes > 0 && first.imported_per_second > 0.0, "{scenario}");
            for row in &report.results {
                assert_eq!(
                    (&row.checksum, row.imported_routes),
                    (&first.checksum, first.imported_routes),
                    "{scenario}"
                );
                assert_eq!((row.vpn_routes, row.vrfs), (first.vpn_routes, first.vrfs), "{scenario}");
                assert!(row.leak_seconds.is_some() && row.fib_bytes > 0 && row.rib_bytes > 0);
            }
        }
    }
}

#[test]
fn differential_all_contenders_agree_on_what_vrfs_have_in_common() {
    for workload in [Workload::D, Workload::Defaults, Workload::Ipv6] {
        let lens = if workload == Workload::Ipv6 { (48, 64) } else { (16, 32) };
        let mut plan = small(Scenario::Workload(workload));
        plan.drawn = Drawn { export_targets: 3, dual_homed: 20, overlap: 30, lens: Some(lens), ..plan.drawn };
        let report = measured(&plan);
        assert!(report.agreed && report.results.len() == 5, "{workload}: {:#?}", report.results);
    }
}

#[test]
fn a_contender_that_errs_fails_the_run() {
    let plan = small(Scenario::Workload(Workload::D));
    let lie = |name: &str, network: &_, pool: &_, all: &_| -> Result<Turn, String> {
        let mut turn = contender::leak(name, network, pool, all)?;
        turn.checksum ^= u64::from(name == contender::NO_SHARING);
        Ok(turn)
    };
    let report = run_with(&plan, &mut |_, _| {}, &lie).expect("a plan that can be carried out");
    assert!(!report.agreed);
    assert_eq!(report.notes[0], "no-sharing does not agree: other tables than classes at 12 VRFs");
    let mut shown = Vec::new();
    print(&report, &mut shown).expect("a vector takes all");
    assert!(String::from_utf8(shown).expect("text").contains("THE CONTENDERS DO NOT AGREE"));
}

#[test]
fn every_table_is_in_the_checksum() {
    let network = Workload::W3.generate(500, 3, 1).expect("a network");
    let whole = checksum::of_leak(&Leak::new(&network));
    // One route less in one VRF, and the same routes in another one.
    for (routes, vrfs) in [(499, 3), (500, 2)] {
        let other = Workload::W3.generate(routes, vrfs, 1).expect("a network");
        assert_ne!(checksum::of_leak(&Leak::new(&other)), whole, "{routes} {vrfs}");
    }
}

#[test]
fn sweeps_grow_in_steps_of_two_and_are_fitted() {
    let of = |sweep, scenario| {
        let mut plan = small(scenario);
        (plan.sweep, plan.contenders) = (Some(sweep), vec!["classes".to_owned()]);
        measured(&plan)
    };
    let d = Scenario::Workload(Workload::D);
    let report = of(Sweep::Routes, d);
    let routes: Vec<usize> = report.results.iter().filter(|row| row.threads == 1).map(|row| row.vpn_routes).collect();
    assert_eq!(routes, [375, 750, 1500, 3001]);
    let fits = report.scaling.expect("a sweep").fits;
    assert_eq!(fits.iter().map(|fit| fit.threads).collect::<Vec<_>>(), [Some(1), Some(2)]);
    let bytes = fits[0].bytes.expect("four sizes");
    assert!((0.5..1.2).contains(&bytes), "{bytes}");
    assert!(fits[0].leak_seconds.is_some() && fits[0].install_seconds.is_some());
    let report = of(Sweep::Vrfs, d);
    assert_eq!(report.results.iter().map(|row| row.vrfs).collect::<Vec<_>>(), [5, 5, 6, 6, 12, 12]);
    let report = of(Sweep::FanOut, d);
    let fan_outs: Vec<_> = report.results.iter().filter_map(|row| row.fan_out).collect();
    assert_eq!(fan_outs, [1, 1, 2, 2, 5, 5]);
    let report = of(Sweep::Threads, Scenario::Provider);
    assert_eq!(report.results.iter().map(|row| row.threads).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(report.scaling.expect("a sweep").fits.len(), 1);
}

#[test]
fn nonsense_is_refused_before_anything_is_made() {
    let error = |scenario: &str, change: fn(&mut LeakPlan)| {
        let mut plan = LeakPlan::new(scenario.parse().expect("a scenario"));
        change(&mut plan);
        plan.check().expect_err("nonsense").to_string()
    };
    assert_eq!(error("d", |plan| plan.size.routes = 0), "`0` routes, expected at least 1");
    assert_eq!(error("w3", |plan| plan.size.vrfs = 2_000_000), "`2000000` VRFs, the limit is 1048559");
    assert_eq!(error("d", |plan| plan.size.fan_out = 1001), "`1001` import targets a VRF, the limit is 1000");
    assert_eq!(
        error("w3", |plan| plan.size.fan_out = 3),
        "the VRFs of `W3` draw no import targets: its other sizes decide the fan-out"
    );
    assert_eq!(error("provider", |plan| plan.size.pes = 0), "`0` PEs, expected at least 1");
    assert_eq!(error("w1", |plan| plan.rounds = 0), "`0` rounds, expected 1 to 10000");
    assert_eq!(error("w1", |plan| plan.threads = vec![2000]), "`2000` threads, expected 1 to 1024");
    assert_eq!(
        error("w1", |plan| plan.contenders = vec!["ours".to_owned()]),
        "`ours` is no contender, expected some of classes, no-sharing, literal"
    );
    assert_eq!(
        error("import-map", |plan| plan.contenders = vec!["literal".to_owned()]),
        "`literal` has no policies, and `import-map` is about one"
    );
    assert_eq!(
        error("w3", |plan| plan.drawn.overlap = 3),
        "the VRFs of `W3` draw nothing: targets a route, overlap, dual-homing and lengths are given"
    );
    assert_eq!(error("d", |plan| plan.drawn.overlap = 101), "`101` per cent overlap, the limit is 100");
    let error = "w9".parse::<Scenario>().expect_err("no such scenario").to_string();
    assert!(
        error.starts_with("`w9` is no scenario, expected one of W1, W2, ") && error.ends_with(", provider"),
        "{error}"
    );
    let error = "size".parse::<Sweep>().expect_err("no such quantity").to_string();
    assert_eq!(error, "`size` cannot be swept, expected one of routes, vrfs, fanout, threads");
}

#[test]
fn what_the_memory_does_not_hold_is_refused_unless_forced() {
    let mut plan = LeakPlan::new(Scenario::Workload(Workload::OneService));
    plan.size = Size { routes: 10_000_000, vrfs: 1_000_000, pes: 0, fan_out: 0 };
    if crate::memory::available_bytes().is_some() {
        let error = plan.check().expect_err("ten trillion imported routes").to_string();
        assert!(error.starts_with("this takes about `") && error.ends_with(" that are free"), "{error}");
    }
    plan.force = true;
    assert_eq!(plan.check(), Ok(()));
    // The memory alone is overridden.
    plan.size.routes = 0;
    assert!(plan.check().is_err());
}

/// A report with figures that no clock decides.
fn fixed() -> LeakReport {
    let time = |seconds: f64| Some(Spread { min: seconds / 2.0, median: seconds, max: seconds * 2.0 });
    let row = |contender: &str, threads| LeakResult {
        contender: contender.to_owned(),
        scenario: "D".to_owned(),
        threads,
        vpn_routes: 4_000_000,
        vrfs: 1000,
        imported_routes: 20_000_000,
        leak_seconds: time(0.5),
        install_seconds: time(1.5).filter(|_| contender != "literal"),
        imported_per_second: 1e7,
        rib_bytes: 80 << 20,
        fib_bytes: 200 << 20,
        peak_rss_bytes: Some(1 << 30),
        checksum: "0123456789abcdef".to_owned(),
        import_seconds: time(0.25).filter(|_| contender != "literal"),
        fan_out: Some(5),
        accounted_bytes: Some(900 << 20),
        held_bytes: Some(1000 << 20),
    };
    let fit = Fit {
        contender: "classes".to_owned(),
        threads: Some(1),
        leak_seconds: Some(1.0),
        install_seconds: Some(1.125),
        bytes: None,
    };
    LeakReport {
        schema_version: SCHEMA_VERSION,
        machine: Machine::default(),
        network: LeakNetwork {
            scenario: "D".to_owned(),
            routes: 4_000_000,
            vrfs: 1000,
            pes: None,
            fan_out: Some(5),
            drawn: Some(DrawnFacts {
                export_targets: 1,
                dual_homed_percent: 10,
                overlap_percent: 5,
                prefix_lengths: Some((16, 28)),
            }),
            seed: 1,
            rounds: 3,
            estimated_bytes: 2 << 30,
        },
        results: vec![row("classes", 1), row("literal", 2)],
        scaling: Some(Scaling { quantity: "routes".to_owned(), fits: vec![fit] }),
        notes: vec!["a note".to_owned()],
        agreed: true,
        interrupted: true,
    }
}

#[test]
fn the_report_as_text() {
    let mut shown = Vec::new();
    print(&fixed(), &mut shown).expect("a vector takes all");
    insta::assert_snapshot!(String::from_utf8(shown).expect("text"));
}

#[test]
fn the_report_as_json() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&fixed()).expect("plain data"));
}
