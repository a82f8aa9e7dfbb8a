//! The checks that stand before every figure, with liars in the race; and the shape of the report.

use std::time::Duration;

use vrfleak_bench_data::{KeyKind, PrefixList};
use vrfleak_dataplane::lpm::{TableId, TreeBitmap};
use vrfleak_engine::{Family, Prefix};

use super::contender::Engine;
use super::contenders::tree_bitmap::TreeBitmaps;
use super::measure::run_with;
use super::registry::{self, Entry};
use super::*;
use crate::machine::{Cache, Machine};
use crate::spread::Spread;

fn small(source: Source) -> LookupPlan {
    LookupPlan {
        keys: KeyKind::ALL.map(KeySource::Kind).to_vec(),
        key_count: 3000,
        batches: vec![7, 64],
        rounds: 2,
        turn: Duration::from_micros(200),
        ..LookupPlan::new(source)
    }
}

fn measured(plan: &LookupPlan) -> LookupReport {
    run(plan, &mut |_, _| {}).expect("a plan that can be carried out")
}

#[test]
fn every_contender_is_right_on_whole_and_cut_tables_of_both_families() {
    for (vrfs, cut, routes_per_vrf, internet) in [
        (1, Cut::Neighbours, None, 0),
        (9, Cut::Neighbours, Some(300), 0),
        (9, Cut::Scattered, Some(50), 1),
        (9, Cut::Scattered, None, 0),
    ] {
        let mut plan = small(Source::Synthetic { prefixes: 2000 });
        (plan.vrfs, plan.cut, plan.routes_per_vrf, plan.threads) = (vrfs, cut, routes_per_vrf, vec![1, 2]);
        plan.internet_vrf = internet > 0;
        let report = measured(&plan);
        assert!(report.all_correct(), "{:#?}", report.notes);
        let statistics = &report.table.families[0];
        let expected = (routes_per_vrf.map_or(2000, |routes| routes * vrfs) + internet * 2000, vrfs + internet);
        assert_eq!((statistics.prefixes, statistics.vrfs), expected);
        assert_eq!(statistics.family, "ipv4");
        for row in &report.results {
            assert!(row.mlps.is_some_and(|mlps| mlps.min > 0.0 && mlps.min <= mlps.median), "{row:?}");
            assert!(row.ns_dependent > Some(0.0) && row.build_seconds > 0.0, "{row:?}");
        }
        for family in ["ipv4", "ipv6"] {
            for contender in ["vrfleak", "treebitmap", "prefix-trie", "poptrie"] {
                let mut rows = report.results.iter().filter(|row| row.family == family && row.contender == contender);
                let kinds: std::collections::BTreeSet<&str> = rows.clone().map(|row| row.keys.as_str()).collect();
                assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["matched", "miss", "uniform", "zipf"]);
                let changes = rows.clone().all(|row| row.update_ns.is_some());
                assert!(changes || contender == "vrfleak", "{contender} has no changes");
                let live = rows.by_ref().filter(|row| row.variant == "live").all(|row| row.update_ns.is_some());
                assert!(live, "a forest in use has no changes");
            }
        }
    }
}

/// Tells the truth except about keys that are a multiple of 256, or after changes, or under the clock.
struct Liar {
    truth: TreeBitmaps<u32>,
    lies: Lies,
}

#[derive(Clone, Copy, PartialEq)]
enum Lies {
    AboutKeys,
    InBatchesOf64,
    OneByOne,
    AfterChanges,
    AboutLengths,
}

impl Engine<u32> for Liar {
    type Key = u32;
    type Value = u32;
    const BATCHES: bool = true;

    fn key(&self, _: TableId, key: u32) -> u32 {
        key
    }

    fn batch(&self, keys: &[u32], values: &mut [u32], lens: &mut Vec<u8>) {
        self.truth.batch(keys, values, lens);
        if self.lies == Lies::AboutLengths {
            lens.resize(keys.len(), 99);
        }
        for (value, key) in values.iter_mut().zip(keys) {
            if self.lies == Lies::AboutKeys && key.is_multiple_of(256)
                || self.lies == Lies::InBatchesOf64 && keys.len() == 64
            {
                *value ^= 1;
            }
        }
    }

    fn mixed(&self, tables: &[TableId], keys: &[u32], values: &mut [u32], lens: &mut Vec<u8>) {
        self.truth.mixed(tables, keys, values, lens);
    }

    fn single(&self, table: TableId, key: u32) -> u32 {
        self.truth.single(table, key) ^ u32::from(self.lies == Lies::OneByOne)
    }

    fn next_hop(&self, value: u32) -> u32 {
        value
    }

    fn after(&self, key: u32, nothing: u32) -> u32 {
        key ^ nothing
    }

    fn bytes(&self) -> Option<usize> {
        None
    }

    fn change(&mut self, table: TableId, prefix: Prefix<u32>, next_hop: Option<u32>) -> bool {
        let next_hop = next_hop.filter(|_| self.lies != Lies::AfterChanges);
        self.truth.change(table, prefix, next_hop)
    }
}

#[test]
fn a_contender_that_errs_gets_no_figure() {
    for (lies, word) in [
        (Lies::AboutKeys, "keys in batches of 7, the first `"),
        (Lies::InBatchesOf64, "keys in batches of 64, the first `"),
        (Lies::OneByOne, "keys looked up one by one"),
        (Lies::AfterChanges, "after changes, "),
        (Lies::AboutLengths, " matches a prefix of length 99, expected "),
    ] {
        let mut plan = small(Source::Synthetic { prefixes: 500 });
        plan.families = vec![Family::Ipv4];
        let mut entries = registry::all::<u32>();
        entries.truncate(1);
        entries.push(Entry::new("vrfleak", "liar", move |tables| {
            Ok(Liar { truth: TreeBitmaps(TreeBitmap::build(tables)?), lies })
        }));
        plan.contenders = vec!["vrfleak".to_owned()];
        let report = run_with(&plan, &mut |_, _| {}, (entries, Vec::new())).expect("a plan that can be carried out");
        assert!(!report.all_correct());
        let (liars, honest): (Vec<_>, Vec<_>) = report.results.iter().partition(|row| row.variant == "liar");
        assert!(liars.len() == 8 && honest.len() == 8, "{report:#?}");
        assert!(liars.iter().all(|row| !row.correct && row.mlps.is_none() && row.ns_dependent.is_none()), "{liars:#?}");
        assert!(honest.iter().all(|row| row.correct && row.mlps.is_some()));
        let note = report.notes.iter().find(|note| note.starts_with("vrfleak/liar errs: ")).expect("a note");
        assert!(note.contains(word), "{note}");
        let mut shown = Vec::new();
        print(&report, &mut shown).expect("a vector takes all");
        let shown = String::from_utf8(shown).expect("text");
        assert_eq!(shown.matches(" wrong\n").count(), 8, "{shown}");
        assert_eq!(plot(&report).expect("a chart").matches("wrong").count(), 8);
    }
}

#[test]
fn a_wrong_answer_under_the_clock_is_seen() {
    // The oracle is made to err: the sums then differ from those of an honest contender.
    let routes = [vec![(Prefix::<u32>::containing(0, 1), 3)]];
    let engine = super::contender::Racer(TreeBitmaps(TreeBitmap::build(&routes[..]).expect("sorted routes")));
    let mut traffic = traffic::Traffic {
        name: "some".to_owned(),
        tables: None,
        keys: vec![5; 100],
        expected: vec![3; 100],
        lens: vec![1; 100],
    };
    let turn = |traffic: &traffic::Traffic<u32>, batch| {
        let lane = super::contender::Contender::prepare(&engine, traffic);
        measure::Track::new(&*lane, &traffic.expected, batch, 1).turn(Duration::from_micros(50))
    };
    assert!(turn(&traffic, 7).is_some() && turn(&traffic, 1000).is_some());
    traffic.expected[99] = 4;
    assert_eq!((turn(&traffic, 7), turn(&traffic, 1000)), (None, None));
}

#[test]
fn nonsense_is_refused_before_anything_is_built() {
    let error = |change: fn(&mut LookupPlan)| {
        let mut plan = small(Source::Synthetic { prefixes: 100 });
        change(&mut plan);
        plan.check().expect_err("nonsense").to_string()
    };
    assert_eq!(error(|plan| plan.key_count = 0), "`0` keys, expected at least 1");
    assert_eq!(error(|plan| plan.batches = vec![8, 0]), "`0` keys a batch, expected at least 1");
    assert_eq!(error(|plan| plan.batches.clear()), "`0` batch sizes, expected at least 1");
    assert_eq!(error(|plan| plan.threads = vec![4096]), "`4096` threads, the limit is 1024");
    assert_eq!(error(|plan| plan.vrfs = 101), "`101` VRFs, the limit is 100");
    assert_eq!(error(|plan| plan.vrfs = 0), "`0` VRFs, expected at least 1");
    assert_eq!(error(|plan| plan.routes_per_vrf = Some(101)), "`101` routes a VRF, the limit is 100");
    assert_eq!(error(|plan| plan.next_hops = Some(0)), "`0` next hops, expected at least 1");
    assert_eq!(error(|plan| plan.rounds = 0), "`0` rounds, expected at least 1");
    assert_eq!(
        error(|plan| plan.source = Source::Synthetic { prefixes: 9_000_000 }),
        "`9000000` prefixes, the limit is 4000000"
    );
    let unknown = error(|plan| plan.contenders = vec!["vrfleak".to_owned(), "fastest".to_owned()]);
    assert!(unknown.starts_with("`fastest` is no contender, expected some of vrfleak/"), "{unknown}");
    assert!(unknown.contains(", poptrie/0.2"), "{unknown}");
    let empty = LookupPlan::new(Source::List { name: "list.txt".to_owned(), list: PrefixList::default() });
    assert_eq!(
        empty.check().map_err(|error| error.to_string()),
        Err("`list.txt` has no prefixes, expected at least 1".to_owned())
    );
}

#[test]
fn next_hops_are_those_of_the_list_unless_a_number_is_given() {
    let text = "10.0.0.0/8 192.0.2.1\n10.0.0.0/16 192.0.2.2\n10.0.0.0/8 192.0.2.9\n2001:db8::/32 fe80::1\n";
    let list = PrefixList::parse("list.txt", text.as_bytes()).expect("a list");
    let mut plan = small(Source::List { name: "list.txt".to_owned(), list });
    let of = |plan: &LookupPlan| {
        input::tables::<u32>(plan).expect("two prefixes")[0].iter().map(|route| route.1).collect::<Vec<_>>()
    };
    assert_eq!(of(&plan), [0, 1]);
    plan.next_hops = Some(1);
    assert_eq!(of(&plan), [0, 0]);
    plan.vrfs = 3;
    let error = input::tables::<u32>(&plan).expect_err("too few");
    assert_eq!(error.to_string(), "`2` ipv4 prefixes, expected at least 3 to cut them so");
    plan.families = vec![Family::Ipv6];
    plan.vrfs = 1;
    assert!(measured(&plan).all_correct());
}

#[test]
fn keys_come_from_a_file() {
    use std::io::Write as _;
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    writeln!(file, "# keys\n10.0.0.1\n\n2001:db8::1\n192.0.2.1").expect("room for a line");
    let list = PrefixList::parse("list.txt", &b"10.0.0.0/8\n"[..]).expect("a list");
    let mut plan = small(Source::List { name: "list.txt".to_owned(), list });
    plan.keys = vec![KeySource::File(file.path().to_owned())];
    assert!(measured(&plan).all_correct());
    writeln!(file, "nonsense").expect("room for a line");
    let error = run(&plan, &mut |_, _| {}).expect_err("a line that is no address").to_string();
    assert!(error.starts_with("error: `nonsense` is not an address"), "{error}");
}

/// A report with figures that no clock decides.
fn fixed() -> LookupReport {
    let row = |contender: &str, variant: &str, batch, mlps: f64| LookupResult {
        contender: contender.to_owned(),
        variant: variant.to_owned(),
        family: "ipv4".to_owned(),
        keys: "matched".to_owned(),
        vrfs: 1,
        batch,
        threads: 1,
        mlps: Some(Spread { min: mlps / 2.0, median: mlps, max: mlps * 2.0 }),
        ns_dependent: Some(12.25),
        next_hops: 64,
        bytes: Some(2_500_000),
        bytes_per_prefix: Some(2.5),
        build_seconds: 0.0625,
        update_ns: None,
        correct: true,
    };
    let wrong = LookupResult { mlps: None, ns_dependent: None, correct: false, ..row("poptrie", "0.2", 1, 1.0) };
    let machine = Machine {
        processor: "Processor".to_owned(),
        processor_id: "Vendor 1 2 3".to_owned(),
        cores: 2,
        caches: vec![Cache { name: "L1d".to_owned(), bytes: 49152, shared_by: 1 }],
        memory_bytes: 24 << 30,
        isa: "avx2".to_owned(),
        vector_extensions: vec!["avx2".to_owned()],
        huge_pages: "madvise".to_owned(),
        system: "linux 6".to_owned(),
        compiler: "rustc 1".to_owned(),
        version: "0.1.0".to_owned(),
    };
    LookupReport {
        schema_version: SCHEMA_VERSION,
        machine,
        table: LookupTable {
            source: "list.txt".to_owned(),
            cut: "whole".to_owned(),
            seed: 1,
            key_count: 1 << 21,
            rounds: 7,
            families: vec![TableStatistics {
                family: "ipv4".to_owned(),
                vrfs: 1,
                prefixes: 1_000_000,
                next_hops: 64,
                lengths: vec![1, 0, 999_999],
                nesting: vec![1, 999_999],
            }],
        },
        results: vec![row("vrfleak", "compressed-avx2", 64, 250.0), row("treebitmap", "0.5", 1, 2.5), wrong],
        notes: vec!["poptrie/0.2 errs: somewhere".to_owned()],
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

#[test]
fn the_report_as_a_chart() {
    let svg = plot(&fixed()).expect("a chart");
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
    for word in ["vrfleak/compressed-avx2 64", "treebitmap/0.5 1", "250.0", "wrong", "ipv4 matched, 1 thread"] {
        assert!(svg.contains(word), "{word}");
    }
}
