//! Where the parts of a scenario stand.

use vrfleak_bench_data::scenario::{self, Inputs};
use vrfleak_bench_data::{Place, SourceText};
use vrfleak_engine::{Family, InterfaceId, RouterId, VrfId};

const TEXT: &str = r#"[[router]]
name = "pe1"
asn = 65000
router_id = "192.0.2.1"

[[vrf]]
name = "red"
router = "pe1"
rd = "65000:1"
import = ["65000:1",
          "65000:2"]
export = ["65000:1"]
redistribute = ["connected", "static"]
[vrf.ipv6]
import = ["65000:6"]

[[vrf.interface]]
name = "eth0"
addresses = ["192.0.2.1/24"]

[[vrf.static]]
prefix = "10.0.0.0/8"
via = "192.0.2.2"

[[vrf.routes]]
next_hop = "192.0.2.3"
prefixes = [
  "172.16.0.0/16",
  "172.17.0.0/16",
]
"#;

#[test]
fn every_part_has_its_line() {
    let source = SourceText::new("red.toml", TEXT);
    let scenario = scenario::parse(&source, &Inputs::default()).expect("a scenario");
    let provenance = &scenario.provenance;
    let line = |place: Option<Place>| provenance.resolve(place.expect("a place")).to_string();
    let red = provenance.vrf(VrfId::from_index(0)).expect("red");
    assert_eq!(line(provenance.router(RouterId::from_index(0))), "red.toml:2");
    assert_eq!(line(Some(red.definition)), "red.toml:7");
    assert_eq!(line(red.rd), "red.toml:9");
    assert_eq!(line(provenance.interface(InterfaceId::from_index(0))), "red.toml:18");
    let family = red.family(Family::Ipv4);
    let lines: Vec<String> = family.import.iter().map(|&(_, place)| line(Some(place))).collect();
    assert_eq!(lines, ["red.toml:10", "red.toml:11"]);
    assert_eq!(line(family.connected), "red.toml:13");
    assert_eq!(line(Some(family.static_routes[0].place)), "red.toml:22");
    assert_eq!(line(Some(red.family(Family::Ipv6).import[0].1)), "red.toml:15");
    let ce_route = |prefix: &str| {
        let gateway = "192.0.2.3".parse().ok();
        provenance.ce_route(VrfId::from_index(0), prefix.parse().expect("a prefix"), gateway)
    };
    assert_eq!(line(ce_route("172.17.0.0/16")), "red.toml:29");
    // One that is not in the list is where the list is.
    assert_eq!(line(ce_route("172.18.0.0/16")), "red.toml:27");
    assert_eq!(provenance.ce_route(VrfId::from_index(1), "172.17.0.0/16".parse().expect("a prefix"), None), None);
}

#[test]
fn lists_of_targets_on_many_routers_are_bounded() {
    let router = |number| {
        format!("[[router]]\nname = \"r{number}\"\nasn = 1\nrouter_id = \"10.0.{}.{}\"\n", number / 250, number % 250)
    };
    let routers: String = (0..4000).map(router).collect();
    let names: Vec<String> = (0..4000).map(|number| format!("\"r{number}\"")).collect();
    let targets: Vec<String> = (0..2000).map(|number| format!("\"1:{number}\"")).collect();
    let (names, targets) = (names.join(", "), targets.join(", "));
    let text = format!("{routers}[[vrf]]\nname = \"a\"\nrouters = [{names}]\nimport = [{targets}]\n");
    let errors = scenario::parse(&SourceText::new("big.toml", text), &Inputs::default()).expect_err("too many");
    let text = errors.to_string();
    assert!(text.contains("16000000 route targets up to here, the limit is 10000000"), "{text}");
}
