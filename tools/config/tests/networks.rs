//! Whole networks in each dialect: PEs with their CEs, and the tables that come out.

mod model;

use std::path::{Path, PathBuf};

use model::{show, tables};
use vrfleak_config::{CeRoutes, Format, Loaded, Options, load, load_texts};

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

#[test]
fn routes_of_a_ce_come_from_a_file() {
    let path = folder("../ce_routes.txt");
    let mut options = Options::default();
    options.ce_routes = vec![
        CeRoutes { router: None, vrf: "OLD".to_owned(), path: path.clone() },
        CeRoutes { router: Some("pe-east".to_owned()), vrf: "CUST-A".to_owned(), path },
    ];
    let loaded =
        load(&[folder("ios/pe.cfg")], &options).unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)));
    let rows = tables(&loaded.network);
    let of = |vrf: &str| {
        let row = format!("pe-east\t{vrf}\t10.123.");
        rows.iter().filter(|line| line.starts_with(&row)).map(String::as_str).collect::<Vec<_>>()
    };
    assert_eq!(
        of("CUST-A"),
        [
            "pe-east\tCUST-A\t10.123.0.0/16\tbgp\t20/0\t192.168.10.2",
            "pe-east\tCUST-A\t10.123.4.0/24\tbgp\t20/0\t192.168.10.77"
        ]
    );
    assert_eq!(of("OLD").len(), 1, "a next hop that the VRF does not know leads nowhere");
    let mut options = Options::default();
    options.ce_routes = vec!["nowhere=README.md".parse().expect("a VRF and a file")];
    assert!(load(&[folder("ios/pe.cfg")], &options).is_err());
}
