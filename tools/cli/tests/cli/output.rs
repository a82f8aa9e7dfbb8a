//! Where the data go, and how the command ends.

use std::fs;
use std::process::Stdio;

use crate::command::{command, data, vrfleak};

#[test]
fn a_file_gets_what_standard_output_would() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("routes.json");
    fs::write(&file, "old").expect("written");
    let shown = data(0, "show route --input lab.toml --format json");
    let outcome = vrfleak(&format!("show route --input lab.toml --format json --output {}", file.display()));
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), ""));
    assert_eq!(fs::read_to_string(&file).expect("there"), shown);
    assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 1, "nothing else is left behind");
}

#[test]
fn a_file_stays_as_it_was_where_the_command_could_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("routes.json");
    fs::write(&file, "old").expect("written");
    for arguments in ["show route --vrf VRF-D --input lab.toml", "show route --input wrong.cfg"] {
        assert_eq!(vrfleak(&format!("{arguments} --output {}", file.display())).code, Some(2));
        assert_eq!(fs::read_to_string(&file).expect("there"), "old");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 1);
}

#[test]
#[cfg(unix)]
fn a_device_is_written_to_and_not_replaced() {
    assert_eq!(vrfleak("show vrf --input lab.toml --output /dev/null").code, Some(0));
    assert!(!fs::metadata("/dev/null").expect("there").is_file());
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let mut child = command("show route --input two-pes.toml")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn the_schema_is_json_and_completions_are_scripts() {
    let schema: serde_json::Value = serde_json::from_str(&data(0, "schema")).expect("JSON");
    assert_eq!(schema["title"], "vrfleak scenario");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(data(0, &format!("completions {shell}")).contains("vrfleak"), "{shell}");
    }
}
