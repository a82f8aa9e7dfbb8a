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

#[test]
fn a_table_imported_by_name_is_known_by_the_router_id() {
    let text = "frr version 8.4.4
hostname r1
vrf red
exit-vrf
vrf blue
exit-vrf
interface lo
 ip address 10.255.0.1/32
exit
router bgp 65000 vrf red
 address-family ipv4 unicast
  import vrf blue
 exit-address-family
exit
router bgp 65000 vrf blue
 address-family ipv4 unicast
  redistribute connected
 exit-address-family
exit
";
    let options = vrfleak_config::Options::with_dialect(vrfleak_config::Format::Frr);
    let loaded = vrfleak_config::load_texts([("r1.conf", text)], &options).expect("no errors");
    let red = loaded.network.vrfs_named("red").next().expect("red");
    let import = &loaded.network.vrf(red).families.ipv4.import;
    assert_eq!(import.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.255.0.1:2"]);
    let origin = loaded.provenance.vrf(red).expect("red is in the text").family(vrfleak_engine::Family::Ipv4);
    assert_eq!(loaded.provenance.resolve(origin.import[0].1).line, 12);
}
