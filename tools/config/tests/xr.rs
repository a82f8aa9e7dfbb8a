//! The IOS-XR front end on whole configurations.

mod model;

use model::show;
use vrfleak_config::{Format, Loaded};

fn load(text: &str) -> Loaded {
    model::load(text, Format::Xr)
}

#[test]
fn a_whole_configuration_becomes_the_model() {
    let loaded = load(include_str!("xr/whole.cfg"));
    insta::assert_snapshot!(show(&loaded.network));
    insta::assert_snapshot!(loaded.warnings.render(false));
    assert_eq!(loaded.unknown.count(), 0, "{:?}", loaded.unknown.kept());
}

#[test]
fn every_mistake_is_named_with_its_place() {
    insta::assert_snapshot!(model::errors(include_str!("xr/wrong.cfg"), Format::Xr));
}

#[test]
fn nesting_is_bounded() {
    let deep = format!("route-policy P\n{}\nend-policy\nend\n", "if true then\n".repeat(100_000));
    assert!(model::errors(&deep, Format::Xr).contains("`if` nests too deep"));
    let deep = format!("route-policy P\nif {} true then pass endif\nend-policy\nend\n", "not ".repeat(100_000));
    assert!(model::errors(&deep, Format::Xr).contains("the condition nests too deep"));
    let chain: Vec<_> = (0..100).map(|n| format!("route-policy P{n}\n apply P{}\nend-policy\n", n + 1)).collect();
    assert!(model::errors(&chain.concat(), Format::Xr).contains("too often"));
}
