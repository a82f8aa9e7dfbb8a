//! Whole networks in each dialect: PEs with their CEs, and the tables that come out.

mod model;

use std::path::{Path, PathBuf};

use model::{show, tables};
use vrfleak_config::{Format, Loaded, Options, load, load_texts};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/networks").join(name)
}

fn network(name: &str) -> Loaded {
    load(&[folder(name)], &Options::default()).unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)))
}

/// Returns the tables of all VRFs, then the warnings and the lines that are not understood, without the place of the
/// workspace.
fn shown(name: &str) -> String {
    let loaded = network(name);
    let unknown: Vec<_> = loaded.unknown.kept().iter().map(|line| line.text.as_str()).collect();
    let text = format!(
        "{}\n\n{}\nnot understood: {}\n",
        tables(&loaded.network).join("\n"),
        loaded.warnings.render(false),
        unknown.join("; ")
    );
    text.replace(&format!("{}/", folder("").display()).replace("//", "/"), "")
}

#[test]
fn ios_with_templates_an_export_map_an_import_map_and_routes_from_the_default_table() {
    insta::assert_snapshot!(shown("ios"));
}

#[test]
fn ios_xr_with_groups_policies_and_the_default_table() {
    insta::assert_snapshot!(shown("xr"));
}

#[test]
fn frr_with_leaks_by_name_and_by_target() {
    insta::assert_snapshot!(shown("frr"));
}

#[test]
fn junos_with_groups_chains_and_a_ce() {
    insta::assert_snapshot!(shown("junos"));
}

#[test]
fn frr_without_indentation_is_read_the_same() {
    let text = std::fs::read_to_string(folder("frr/pe.conf")).expect("a text");
    let flat: String = text.lines().map(|line| format!("{}\n", line.trim_start())).collect();
    let load = |text: &str| {
        let loaded = load_texts([("pe.conf", text)], &Options::with_dialect(Format::Frr));
        loaded.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)))
    };
    assert_eq!(show(&load(&flat).network), show(&load(&text).network));
    assert_eq!(load(&flat).unknown.count(), load(&text).unknown.count());
}
