//! What is suspicious, in configurations that were broken for the purpose, and nothing in those that were not.

use insta::assert_snapshot;

use crate::command::{json, vrfleak};

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    for input in ["lab.toml", "lab.cfg", "../../../../../examples/hub-and-spoke.toml"] {
        let outcome = vrfleak(&format!("lint --input {input}"));
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "0 findings\n"), "{input}\n{outcome}");
        assert_eq!(json(0, &format!("lint --input {input}")), serde_json::json!([]), "{input}");
    }
}

#[test]
fn findings_of_every_dialect() {
    for name in ["lint-ios.cfg", "lint-xr.cfg", "lint-frr.conf", "lint-junos.conf"] {
        let outcome = vrfleak(&format!("lint --input {name}"));
        assert_eq!(outcome.code, Some(1), "{name}\n{outcome}");
        assert_snapshot!(name.replace(['-', '.'], "_"), outcome.stdout, name);
    }
}

#[test]
fn findings_in_json_are_bounded() {
    let groups = json(1, "lint --input lint-ios.cfg --limit 1");
    let groups = groups.as_array().expect("an array");
    for group in groups {
        let shown = group["findings"].as_array().expect("findings").len() as u64;
        assert_eq!(shown, group["total"].as_u64().expect("a number").min(1), "{group}");
    }
    let names: Vec<&str> = groups.iter().filter_map(|group| group["kind"].as_str()).collect();
    assert!(names.is_sorted_by_key(|name| ORDER.iter().position(|known| known == name)), "{names:?}");
    let first = &groups[0]["findings"][0];
    assert_eq!((&first["file"], &first["line"]), (&"lint-ios.cfg".into(), &17.into()), "{first}");
    assert_eq!(vrfleak("lint --input no-such-file.cfg").code, Some(2));
}

const ORDER: [&str; 9] = [
    "target_without_exporter",
    "target_without_importer",
    "shared_rd",
    "asymmetric_leak",
    "leaked_inside_own",
    "leaked_covers_own",
    "leaked_default",
    "undefined_policy",
    "unused_policy",
];

#[test]
fn findings_in_scenarios_have_lines() {
    let groups = json(1, "lint --input why.toml");
    let mut findings = 0;
    for group in groups.as_array().expect("an array") {
        for finding in group["findings"].as_array().expect("findings") {
            assert_eq!(finding["file"], "why.toml", "{finding}");
            assert!(finding["line"].is_u64() && finding["column"].is_u64(), "{finding}");
            findings += 1;
        }
    }
    assert!(findings >= 3, "{groups:#}");
}
