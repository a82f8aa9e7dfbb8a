//! The FRR front end on whole configurations.

mod model;

use model::show;
use vrfleak_config::Format;

#[test]
fn a_whole_configuration_becomes_the_model() {
    let loaded = model::load(include_str!("frr/whole.conf"), Format::Frr);
    insta::assert_snapshot!(show(&loaded.network));
    insta::assert_snapshot!(loaded.warnings.render(false));
    assert_eq!(loaded.unknown.count(), 0, "{:?}", loaded.unknown.kept());
}

#[test]
fn every_mistake_is_named_with_its_place() {
    insta::assert_snapshot!(model::errors(include_str!("frr/wrong.conf"), Format::Frr));
}
