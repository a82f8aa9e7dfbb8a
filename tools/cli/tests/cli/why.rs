//! Why: a network in which every reason occurs, each with the file and the line that it is decided at.

use insta::assert_snapshot;
use serde_json::Value;

use crate::command::{data, files, json};

/// A rule of SEMANTICS, the input and VRF that are asked, the prefix, the reason of the route of the second VRF, and what
/// the line begins with that decides it.
const REASONS: [(&str, &str, &str, &str, &str, &str, &str); 21] = [
    ("E1", "why.toml", "asking", "10.3.0.0/16", "far", "imported", "name = \"middle\""),
    ("E2", "why.toml", "asking", "10.2.0.0/16", "source", "not_redistributed", "name = \"source\""),
    ("E3", "why.toml", "asking", "10.7.0.0/16", "silent", "no_target", "name = \"silent\""),
    ("E5 denied", "why-frr.conf", "red", "10.20.0.0/16", "blue", "export_map_denied", "route-map OUT deny 10"),
    ("E5 missed", "why-frr.conf", "red", "10.23.0.0/16", "blue", "export_map_denied", "route-map vpn export OUT"),
    ("no RD", "why.toml", "asking", "10.8.0.0/16", "nameless", "no_rd", "name = \"nameless\""),
    ("I1", "why.toml", "asking", "10.9.0.0/16", "stranger", "no_common_target", "import = [\"65000:2\""),
    ("I3", "why-frr.conf", "red", "10.21.0.0/16", "blue", "import_map_denied", "route-map IN deny 10"),
    ("I4", "why.toml", "asking", "192.168.1.0/24", "hub", "own_origin", "name = \"asking\""),
    ("I5", "why.toml", "asking", "10.5.0.0/16", "source", "as_loop", "name = \"asking\""),
    ("E6", "why.toml", "asking", "10.14.0.0/16", "double", "lost_nlri", "rd = \"65000:2\""),
    ("S6", "why-ios.cfg", "red", "10.2.0.0/16", "blue", "over_limit", "maximum routes 1"),
    ("S6 and I8", "why-ios.cfg", "red", "198.51.100.0/24", "default", "over_limit", "maximum routes 1"),
    ("S5", "why.toml", "asking", "10.13.0.0/16", "source", "next_hop_unresolved", "prefixes = [\"10.13.0.0/16\"]"),
    ("C3", "why.toml", "asking", "10.12.0.0/16", "down", "vrf_down", "name = \"down\""),
    ("S1", "why.toml", "asking", "10.16.0.0/16", "asking", "not_best", "prefixes = [\"10.1.0.0/16\""),
    ("S2", "why.toml", "asking", "10.15.0.0/16", "source", "not_best", "prefixes = [\"10.15.0.0/16\"]"),
    ("best, own", "why.toml", "asking", "192.168.1.0/24", "asking", "best", "name = \"Loopback1\""),
    ("best, leaked", "why.toml", "asking", "10.1.0.0/16", "source", "best", "prefixes = [\"10.1.0.0/16\""),
    ("I8 offered", "why-ios.cfg", "blue", "198.51.100.0/24", "default", "no_common_target", "vrf definition blue"),
    ("I8 own", "why-ios.cfg", "default", "198.51.100.0/24", "default", "best", "interface Loopback0"),
];

fn code(row: &Value) -> i32 {
    i32::from(row["in_table"] != true)
}

#[test]
fn every_reason_names_file_and_line() {
    for (rule, input, vrf, prefix, source, reason, line) in REASONS {
        let arguments = format!("why {prefix} --vrf {vrf} --input {input}");
        let output = crate::command::vrfleak(&format!("{arguments} --format json"));
        let row: Value = serde_json::from_str(&output.stdout).expect("JSON");
        assert_eq!(output.code, Some(code(&row)), "{rule}: {output}");
        let routes = row["routes"].as_array().expect("routes");
        let found = routes.iter().find(|route| route["source_vrf"] == source && route["reason"] == reason);
        let route = found.unwrap_or_else(|| panic!("{rule}: {row:#}"));
        let at = &route["decided_at"];
        assert_eq!(at["file"], input, "{rule}: {route:#}");
        let text = std::fs::read_to_string(files().join(input)).expect("the input");
        let number = at["line"].as_u64().expect("a line") as usize;
        let there = text.lines().nth(number - 1).expect("the line is there").trim_start();
        assert!(there.starts_with(line), "{rule}: {there}\n{route:#}");
    }
}

#[test]
fn s1_and_s2_name_the_step_and_the_winner() {
    let route = |prefix: &str, source: &str| {
        let row = json(0, &format!("why {prefix} --vrf asking --input why.toml"));
        let routes = row["routes"].as_array().expect("routes").clone();
        routes.into_iter().find(|route| route["source_vrf"] == source).expect("the route")
    };
    let lost = route("10.16.0.0/16", "asking");
    assert_eq!((&lost["step"], &lost["winner_vrf"]), (&"distance".into(), &"source".into()), "{lost:#}");
    let lost = route("10.15.0.0/16", "source");
    assert_eq!((&lost["step"], &lost["winner_vrf"]), (&"as_path_length".into(), &"hub".into()), "{lost:#}");
}

#[test]
fn what_is_asked_for_says_who_exports_it_and_what_is_close() {
    let row = json(1, "why 10.9.0.0/16 --vrf asking --input why.toml");
    let wanted = row["wanted_targets"].as_array().expect("targets");
    let target = |text: &str| wanted.iter().find(|wanted| wanted["target"] == text).expect("the target");
    assert_eq!(target("65000:6")["exporters"][0]["vrf"], "hub");
    assert_eq!(target("65000:77")["exporters"], serde_json::json!([]));
    assert_eq!(target("65000:77")["near"], serde_json::json!(["65000:78"]));
    assert_eq!(target("65000:77")["line"], 18);
}

#[test]
fn both_maps_say_which_clause_accepted() {
    let row = json(0, "why 10.22.0.0/16 --vrf red --input why-frr.conf");
    let route = &row["routes"][0];
    for (clause, name, line) in [(&route["export"]["clause"], "30", 57), (&route["import"]["clause"], "20", 64)] {
        assert_eq!((&clause["clause"], &clause["line"]), (&name.into(), &line.into()), "{route:#}");
    }
    assert_eq!(row["fib"]["prefix"], "10.22.0.0/16");
    assert_eq!(row["ping"]["verdict"], "discarded");
}

#[test]
fn i8_nothing_is_shown_that_nobody_configured() {
    let mut shown = String::new();
    for what in ["show vrf", "show bgp vpnv4 --detail", "show route", "show pe", "lint"] {
        for format in ["", " --format json"] {
            let outcome = crate::command::vrfleak(&format!("{what} --input why-ios.cfg{format}"));
            shown.push_str(&outcome.stdout);
        }
    }
    for vrf in ["red", "blue", "default"] {
        for format in ["", " --format json"] {
            let arguments = format!("why 198.51.100.0/24 --vrf {vrf} --input why-ios.cfg{format}");
            shown.push_str(&crate::command::vrfleak(&arguments).stdout);
        }
    }
    for invented in ["0xffff", "198.51.100.1:", "RT:from", "RT:to", "\"from the default", "\"to the default"] {
        assert!(!shown.contains(invented), "{invented} in {shown}");
    }
}

#[test]
fn what_is_said_of_a_route() {
    for (name, code, arguments) in [
        ("why_limit", 1, "why 198.51.100.0/24 --vrf red --input why-ios.cfg"),
        ("why_nlri", 0, "why 10.14.0.0/16 --vrf asking --input why.toml"),
        ("why_near", 1, "why 10.9.0.1 --vrf asking --input why.toml"),
        ("why_again", 0, "why 192.168.1.0/24 --vrf asking --input why.toml"),
        ("why_maps", 0, "why 10.22.0.0/16 --vrf red --input why-frr.conf"),
        ("why_map_denies", 1, "why 10.21.0.0/16 --vrf red --input why-frr.conf"),
    ] {
        assert_snapshot!(name, data(code, arguments), arguments);
    }
}

#[test]
fn f2_a_longer_prefix_that_is_not_there_is_named() {
    // The hub's default route takes what is for the spokes.
    let input = "../../../../../examples/hub-and-spoke.toml";
    let rows = json(0, &format!("show route --input {input}"));
    let rows = rows.as_array().expect("routes");
    let default = rows.iter().find(|row| row["prefix"] == "0.0.0.0/0" && row["source_vrf"] != Value::Null);
    let default = default.expect("the hub leaks its default route");
    let vrf = default["vrf"].as_str().expect("a name");
    let router = default["router"].as_str().expect("a name");
    let has = |prefix: &Value| {
        rows.iter().any(|row| row["vrf"] == vrf && row["router"] == router && row["prefix"] == *prefix)
    };
    let far =
        rows.iter().find(|row| row["protocol"] == "connected" && !has(&row["prefix"])).expect("a subnet elsewhere");
    let address = far["prefix"].as_str().expect("a prefix").split('/').next().expect("an address");
    let row = json(0, &format!("why {address} --vrf {vrf} --router {router} --input {input}"));
    assert_eq!(row["longer_prefix"]["prefix"], far["prefix"], "{row:#}");
    assert_eq!(row["longer_prefix"]["reason"], "no_common_target");
    assert!(row["longer_prefix"]["line"].is_u64(), "{row:#}");
}

#[test]
fn a_route_of_a_list_has_its_line() {
    let row = json(1, "why 10.78.0.0/16 --vrf VRF-B --input lab.cfg --ce-routes VRF-A=site.txt");
    assert_eq!((&row["routes"][0]["file"], &row["routes"][0]["line"]), (&"site.txt".into(), &3.into()), "{row:#}");
}

#[test]
fn e5_a_map_that_is_not_heeded_is_named() {
    let text = std::fs::read_to_string(files().join("why-ios.cfg")).expect("the input");
    let text = text
        .replace(" rd 65000:2\n address-family ipv4\n", " rd 65000:2\n address-family ipv4\n  export map GLOBAL-OUT\n");
    let text = text.replace("\nend\n", "\nroute-map GLOBAL-OUT permit 10\n match ip address prefix-list GLOBAL\nend\n");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("r1.cfg");
    std::fs::write(&path, text).expect("written");
    let row = json(0, &format!("why 10.1.0.0/16 --vrf red --input {}", path.display()));
    let export = &row["routes"][0]["export"];
    assert_eq!((&export["unheeded_map"], &export["clause"]), (&"GLOBAL-OUT".into(), &Value::Null), "{row:#}");
}

#[test]
fn a_prefix_that_everybody_has_is_cut_short() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("many.toml");
    let vrf = |number: usize| {
        format!(
            "[[vrf]]\nname = \"v{number}\"\nrouter = \"pe1\"\nrd = \"1:{number}\"\nexport = [\"1:{number}\"]\nredistribute = \
             [\"static\"]\n[[vrf.static]]\nprefix = \"10.0.0.0/8\"\ndiscard = true\n"
        )
    };
    let router = "[[router]]\nname = \"pe1\"\nasn = 1\nrouter_id = \"192.0.2.1\"\n".to_owned();
    std::fs::write(&path, router + &(0..50).map(vrf).collect::<String>()).expect("written");
    let arguments = format!("why 10.0.0.0/8 --vrf v7 --input {}", path.display());
    let text = data(0, &arguments);
    assert!(text.contains("and 30 more, which came no farther than the last"), "{text}");
    assert_eq!(json(0, &arguments)["routes"].as_array().expect("routes").len(), 50);
}
