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

#[test]
fn the_formal_form_is_read_the_same() {
    let usual = "hostname pe1
vrf red
 address-family ipv4 unicast
  import route-target
   65000:1
   65000:2
  !
  export route-policy P
 !
!
interface Loopback1
 vrf red
 ipv4 address 192.0.2.1 255.255.255.255
!
route-policy P
  pass
end-policy
router static
 vrf red
  address-family ipv4 unicast
   10.0.0.0/8 Null0
router bgp 65000
 vrf red
  rd 65000:1
  address-family ipv4 unicast
   redistribute static
  !
  neighbor 192.0.2.9
   remote-as 65001
   address-family ipv4 unicast
    route-policy P in
end
";
    let formal = "hostname pe1
vrf red address-family ipv4 unicast import route-target 65000:1
vrf red address-family ipv4 unicast import route-target 65000:2
vrf red address-family ipv4 unicast export route-policy P
interface Loopback1 vrf red
interface Loopback1 ipv4 address 192.0.2.1 255.255.255.255
route-policy P
  pass
end-policy
router static vrf red address-family ipv4 unicast 10.0.0.0/8 Null0
router bgp 65000 vrf red rd 65000:1
router bgp 65000 vrf red address-family ipv4 unicast redistribute static
router bgp 65000 vrf red neighbor 192.0.2.9 remote-as 65001
router bgp 65000 vrf red neighbor 192.0.2.9 address-family ipv4 unicast route-policy P in
end
";
    assert_eq!(vrfleak_config::detect(formal), Some(Format::Xr));
    let (usual, formal) = (load(usual), load(formal));
    assert_eq!(show(&formal.network), show(&usual.network));
    assert_eq!((formal.unknown.count(), usual.unknown.count()), (0, 0), "{:?}", formal.unknown.kept());
    assert_eq!(formal.warnings.warnings(), usual.warnings.warnings());
}

#[test]
fn contents_may_stand_no_deeper_than_their_header() {
    let text = "hostname pe1
vrf red
 address-family ipv4 unicast
 import route-target
  65000:1
 !
 export route-target
  65000:2
interface Loopback1
 vrf red
 ipv4 address 192.0.2.1 255.255.255.255
router bgp 65000
 vrf red
  rd 65000:1
  address-family ipv4 unicast
  redistribute connected
end
";
    let loaded = load(text);
    assert_eq!(loaded.unknown.count(), 0, "{:?}", loaded.unknown.kept());
    let shown = show(&loaded.network);
    assert!(shown.contains("ipv4: import 65000:1 export 65000:2"), "{shown}");
    assert!(shown.contains("ipv4: redistribute connected"), "{shown}");
}

#[test]
fn what_is_preconfigured_is_not_there_yet_and_default_routes_may_be_advertised() {
    let text = "hostname r
vrf A
 address-family ipv4 unicast
  import from default-vrf route-policy PASS advertise-as-vpn
interface preconfigure GigabitEthernet0/1/0/0
 vrf A
 ipv4 address 10.0.0.1 255.255.255.0
interface Loopback1
 vrf A
 ipv4 address 10.0.1.1 255.255.255.255
route-policy PASS
 pass
end-policy
router bgp 1
 vrf A
  rd 1:1
  address-family ipv4 unicast
";
    let loaded = model::load(text, Format::Xr);
    let shown = show(&loaded.network);
    assert!(shown.contains("10.0.1.1/32 connected") && !shown.contains("10.0.0."), "{shown}");
    let vrf = loaded.network.vrfs().iter().find(|vrf| vrf.name == "A").expect("A");
    assert!(vrf.reexport_from_default && !vrf.reexport_imported);
}
