//! The measurements: the shape of what they print, what they refuse, and how they end.

use std::fs;

use crate::command::{data, json, vrfleak};

const SMALL: &str = "bench lookup --synthetic 500 --rounds 1 --turn 1 --key-count 2000";

#[test]
fn lookups_of_every_contender_as_json() {
    let report = json(0, &format!("{SMALL} --keys matched,miss --batch 1,64 --threads 1,2 --family ipv4"));
    assert_eq!(report["schema_version"], 1);
    assert!(!report["machine"]["compiler"].as_str().expect("text").is_empty());
    assert_eq!((&report["table"]["families"][0]["prefixes"], &report["interrupted"]), (&500.into(), &false.into()));
    let rows = report["results"].as_array().expect("an array");
    for row in rows {
        assert_eq!((&row["correct"], &row["family"], &row["next_hops"]), (&true.into(), &"ipv4".into(), &64.into()));
        let mlps = ["min", "median", "max"].map(|name| row["mlps"][name].as_f64().expect("a number"));
        assert!(mlps[0] > 0.0 && mlps.is_sorted(), "{row}");
    }
    let count = |contender: &str| rows.iter().filter(|row| row["contender"] == contender).count();
    // Two kinds of keys by two numbers of threads; two batch sizes where there are batches.
    assert_eq!((count("treebitmap"), count("prefix-trie"), count("poptrie")), (4, 4, 4));
    assert!(count("vrfleak") >= 16);
}

#[test]
fn keys_of_the_json_are_in_their_order() {
    let text = data(0, &format!("{SMALL} --keys matched --contenders treebitmap --family ipv4 --format json"));
    let order = "schema_version machine table results contender variant family keys vrfs batch threads mlps min median max \
                 ns_dependent next_hops bytes bytes_per_prefix build_seconds update_ns correct notes interrupted";
    let results = text.find("\"results\"").expect("results");
    let mut at = 0;
    for key in order.split_whitespace() {
        // Names that the table's statistics have as well are looked for among the results.
        let from = if at > results { at } else { at.max(if key == "contender" { results } else { 0 }) };
        at = from + text[from..].find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} after {at} in {text}"));
    }
}

#[test]
fn a_list_is_cut_into_vrfs_and_drawn() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (list, plot) = (folder.path().join("list.txt"), folder.path().join("chart.svg"));
    fs::write(&list, "10.0.0.0/8 192.0.2.1\n10.1.0.0/16 192.0.2.2\n11.0.0.0/8\n").expect("a file");
    let arguments = format!(
        "bench lookup --table {} --vrfs 3 --cut scattered --rounds 1 --turn 1 --key-count 100 --plot {}",
        list.display(),
        plot.display()
    );
    let shown = data(0, &arguments);
    assert!(shown.contains("ipv4 matched over 3 VRFs, 1 thread\n"), "{shown}");
    assert!(shown.contains("3 prefixes in 3 VRFs, 3 next hops"), "{shown}");
    assert!(fs::read_to_string(plot).expect("a chart").contains("ipv4 matched over 3 VRFs"));
}

#[test]
fn nonsense_is_refused_at_once() {
    for (arguments, said) in [
        ("bench lookup", "required arguments were not provided"),
        ("bench lookup --synthetic 0", "error: `0` prefixes, expected at least 1\n"),
        ("bench lookup --synthetic 10 --key-count 0", "error: `0` keys, expected at least 1\n"),
        ("bench lookup --synthetic 10 --batch 8,0", "error: `0` keys a batch, expected at least 1\n"),
        ("bench lookup --synthetic 10 --vrfs 11", "error: `11` VRFs, the limit is 10\n"),
        ("bench lookup --synthetic 10 --contenders x", "error: `x` is no contender, expected some of vrfleak/"),
        ("bench lookup --synthetic 10 --cut x", "`x` is no way to cut a table, expected neighbours or scattered"),
        ("bench lookup --synthetic 10 --table x", "cannot be used with"),
        ("bench lookup --table no-such-file.txt", "no-such-file.txt"),
        ("bench lookup --synthetic 10 --keys no-such-file.txt", "no-such-file.txt"),
        ("bench leak --routes 0", "error: `0` routes, expected at least 1\n"),
        ("bench leak --vrfs 9 --fan-out 10", "error: `10` import targets a VRF, the limit is 9\n"),
        ("bench leak --overlap 101", "error: `101` per cent overlap, the limit is 100\n"),
        ("bench leak --export-targets 1001", "error: `1001` export targets a VRF, the limit is 1000\n"),
        ("bench leak --prefix-lengths 24-33", "error: `24-33` are no prefix lengths, expected some from 1 to 32"),
        ("bench leak --prefix-lengths x", "`x` is no prefix length"),
        ("bench leak --scenario W3 --dual-homed 5", "error: the VRFs of `W3` draw nothing: targets a route, overlap"),
        ("bench leak --scenario route-limit --contenders literal", "`literal` has no policies, and `route-limit` is"),
        ("bench leak --scenario W3 --vrfs 2000000", "error: `2000000` VRFs, the limit is 1048559\n"),
        ("bench leak --routes 0 --force", "error: `0` routes, expected at least 1\n"),
        ("bench leak --fan-out 1001 --force", "error: `1001` import targets a VRF, the limit is 1000\n"),
        ("bench leak --scenario provider --pes 0", "0 is not in 1.."),
        ("bench leak --scenario W2 --pes 5", "error: `5` PEs: those of `W2` are given"),
        (
            "bench leak --scenario provider --routes 10000000 --vrfs 1048578 --pes 1",
            "error: `1048578` VRFs on one PE, the limit is its 1048560 labels\n",
        ),
        ("bench leak --threads 0", "0 is not in 1..=1024"),
        ("bench leak --rounds 0", "error: `0` rounds, expected 1 to 10000\n"),
        ("bench leak --scenario x", "`x` is no scenario, expected one of W1, W2, W3, D, many-targets"),
        ("bench leak --sweep x", "`x` cannot be swept, expected one of routes, vrfs, fanout, threads"),
        ("bench leak --scenario one-service --routes 10000000 --vrfs 1000000", "hint: fewer contenders take less"),
        ("bench lookup --synthetic 10 --threads 0", "0 is not in 1..=1024"),
    ] {
        let outcome = vrfleak(arguments);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{arguments}\n{outcome}");
        assert!(outcome.stderr.contains(said), "{arguments}\n{outcome}");
    }
}

#[test]
fn keys_of_a_leak_are_in_their_order() {
    let text =
        data(0, "bench leak --scenario W3 --routes 1000 --rounds 1 --threads 1 --contenders classes --format json");
    let order = "schema_version machine results contender scenario threads vpn_routes vrfs imported_routes leak_seconds min \
                 median max install_seconds min median max imported_per_second rib_bytes fib_bytes peak_rss_bytes checksum \
                 agreed interrupted";
    let mut at = 0;
    for key in order.split_whitespace() {
        at += text[at..].find(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} after {at} in {text}"));
    }
}

#[test]
fn leaks_of_every_contender_as_json_and_text() {
    let report = json(0, "bench leak --scenario provider --routes 3000 --vrfs 40 --pes 4 --rounds 1 --threads 1,2");
    assert_eq!((&report["schema_version"], &report["agreed"]), (&1.into(), &true.into()));
    let rows = report["results"].as_array().expect("an array");
    let names: Vec<_> = rows.iter().map(|row| (row["contender"].as_str(), row["threads"].as_u64())).collect();
    let expected = [("classes", 1), ("classes", 2), ("no-sharing", 1), ("no-sharing", 2), ("literal", 2)];
    assert_eq!(names, expected.map(|(name, threads)| (Some(name), Some(threads))));
    assert!(rows.iter().all(|row| row["checksum"] == rows[0]["checksum"] && row["vpn_routes"] == 3000));
    let sweep = data(0, "bench leak --scenario W3 --routes 1000 --sweep routes --rounds 1 --contenders classes");
    assert!(sweep.contains("Growth with routes: the exponent of\n"), "{sweep}");
    assert!(sweep.contains(": all agree on the tables\n"), "{sweep}");
}

/// The parts add up to what the process holds, within 15 of 100 bytes, for every contender on every scenario.
#[test]
#[cfg(target_os = "linux")]
fn what_leaks_hold_is_accounted_for_by_part() {
    let names = "W1 W2 W3 D many-targets one-service big-vrf dual-homed-same-rd dual-homed-two-rds defaults ipv6 import-map \
                 route-limit provider";
    for scenario in names.split_whitespace() {
        let pes = if scenario == "provider" { "--pes 10" } else { "" };
        let report = json(
            0,
            &format!("bench leak --scenario {scenario} --routes 150000 --vrfs 50 {pes} --rounds 1 --threads 2"),
        );
        for row in report["results"].as_array().expect("an array") {
            let bytes = |key: &str| row[key].as_u64().unwrap_or_else(|| panic!("{key} of {row}"));
            let (accounted, held) = (bytes("accounted_bytes"), bytes("held_bytes"));
            let within = held * 85..=held * 115;
            assert!(within.contains(&(accounted * 100)), "{scenario} {}: {accounted} of {held}", row["contender"]);
        }
    }
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_lookups_with_what_was_measured() {
    interrupt("bench lookup --synthetic 2000 --rounds 100000 --turn 5 --contenders treebitmap --format json");
}

#[test]
#[cfg(unix)]
fn an_interrupt_ends_leaks_with_what_was_measured() {
    let report = interrupt("bench leak --scenario W3 --routes 2000 --rounds 10000 --contenders classes --format json");
    assert_eq!(report["network"]["scenario"], "W3");
    // In the middle of something that takes longer than anybody waits.
    let report = interrupt("bench leak --scenario D --contenders no-sharing --threads 1 --format json");
    assert_eq!(report["network"]["scenario"], "D");
}

/// Interrupts a measurement and returns its report.
#[cfg(unix)]
fn interrupt(arguments: &str) -> serde_json::Value {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    let child = crate::command::command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("the command starts");
    std::thread::sleep(Duration::from_millis(2500));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let start = Instant::now();
    let output = child.wait_with_output().expect("it ends");
    assert!(start.elapsed() < Duration::from_secs(1), "it took {:?}", start.elapsed());
    assert_eq!(output.status.code(), Some(130));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a whole report");
    assert_eq!(report["interrupted"], true);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    report
}
