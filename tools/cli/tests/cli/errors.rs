//! What goes wrong: on standard error, with exit code 2, and nothing on standard output.

use insta::assert_snapshot;

use crate::command::vrfleak;

#[test]
fn every_kind_of_error() {
    for (name, arguments) in [
        ("error_no_such_file", "show vrf --input no-such-file.toml"),
        ("error_wrong_configuration", "show vrf --input wrong.cfg"),
        ("error_wrong_scenario", "show vrf --input wrong.toml"),
        ("error_unknown_vrf", "show route --vrf VRF-D --input lab.toml"),
        ("error_unknown_router", "show route --router pe3 --input two-pes.toml"),
        ("error_ambiguous_vrf", "ping --vrf red 10.9.0.1 --input two-pes.toml"),
        ("error_no_source", "ping --vrf lonely 10.9.0.1 --input two-pes.toml"),
        ("error_families_differ", "ping --vrf VRF-A 192.168.31.1 --source 2001:db8::1 --input lab.toml"),
        ("error_host_bits", "why --vrf VRF-A 192.168.21.1/24 --input lab.toml"),
        ("error_file_without_scenario", "show vrf --input lab.cfg --file table=list.txt"),
        ("error_output_folder", "show vrf --input lab.toml --output no-such-folder/out.txt"),
        ("error_no_destination", "ping --vrf VRF-A --input lab.toml"),
    ] {
        let outcome = vrfleak(arguments);
        assert_eq!(outcome.code, Some(2), "{arguments}\n{outcome}");
        assert_eq!(outcome.stdout, "", "{arguments}");
        assert_snapshot!(name, outcome, arguments);
    }
}

#[test]
fn what_is_nothing_is_no_network() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let half = "routing-instances { a { instance-type vrf; route-distinguisher 1:1";
    for (name, text, expected) in [
        ("empty.cfg", "", "is empty"),
        ("letter.txt", "Dear all,\nthe router is slow.\n", "is a configuration of no known dialect"),
        ("half.conf", half, "half.conf"),
        ("scenario", "name = \"a\"\n", "unknown key `name`"),
    ] {
        let outcome = vrfleak(&format!("show vrf --input {}", file(name, text)));
        assert_eq!(outcome.code, Some(2), "{name}\n{outcome}");
        assert!(outcome.stderr.contains(expected) && !outcome.stderr.contains("key with no value"), "{outcome}");
    }
    let nothing = folder.path().join("nothing");
    std::fs::create_dir(&nothing).expect("a folder");
    let outcome = vrfleak(&format!("lint --input {}", nothing.display()));
    assert_eq!(outcome.code, Some(2), "{outcome}");
    assert!(outcome.stderr.contains("has no files to read"), "{outcome}");
}
