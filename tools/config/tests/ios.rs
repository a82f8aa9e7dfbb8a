//! The IOS front end on whole configurations.

mod model;

use model::show;
use vrfleak_config::{Format, Loaded};

fn load(text: &str) -> Loaded {
    model::load(text, Format::Ios)
}

fn errors(text: &str) -> String {
    model::errors(text, Format::Ios)
}

#[test]
fn a_whole_configuration_becomes_the_model() {
    let loaded = load(include_str!("ios/whole.cfg"));
    insta::assert_snapshot!(show(&loaded.network));
    insta::assert_snapshot!(loaded.warnings.render(false));
    let unknown: Vec<_> = loaded.unknown.kept().iter().map(|line| format!("{}: {}", line.line, line.text)).collect();
    insta::assert_snapshot!(unknown.join("\n"));
}

#[test]
fn every_mistake_is_named_with_its_place() {
    insta::assert_snapshot!(errors(include_str!("ios/wrong.cfg")));
}

#[test]
fn line_ends_and_lost_indentation_change_nothing() {
    let text = include_str!("ios/whole.cfg");
    let network = show(&load(text).network);
    assert_eq!(show(&load(&text.replace('\n', "\r\n")).network), network);
    let flat = text.lines().map(str::trim_start).collect::<Vec<_>>().join("\n");
    assert_eq!(show(&load(&flat).network), network);
    let captured = format!("R1#show running-config\nBuilding configuration...\n\n{text}\nR1#");
    assert_eq!(show(&load(&captured).network), network);
}

#[test]
fn the_first_releases_print_address_families_without_depth() {
    let text = "hostname pe\nip vrf A\n rd 1:1\n route-target both 1:1\n!\ninterface Ethernet0\n ip vrf forwarding A\n \
                ip address 10.0.0.1 255.255.255.0\nrouter bgp 1\n no synchronization\n !\n address-family ipv4 vrf A\n \
                redistribute connected\n no auto-summary\n exit-address-family\nend\n";
    insta::assert_snapshot!(show(&load(text).network));
}

#[test]
fn an_address_is_lost_when_the_vrf_comes_after_it() {
    let text = "vrf definition A\n address-family ipv4\ninterface Loopback1\n ip address 10.0.0.1 255.255.255.0\n \
                vrf forwarding A\nend\n";
    insta::assert_snapshot!(load(text).warnings.render(false));
    assert_eq!(load(text).network.source_routes::<u32>(), 0);
}

#[test]
fn a_banner_hides_what_looks_like_commands() {
    let text = "hostname a\nbanner motd ^C\nvrf definition X\n rd 65535:\n^C\nvrf definition A\n rd 1:1\nend\n";
    assert_eq!(show(&load(text).network), "a as 0 id 0.0.0.0 next hop 0.0.0.0\nvrf A rd 1:1\n");
    insta::assert_snapshot!(errors("hostname a\nbanner login #\nhello\nend\n"));
}

#[test]
fn the_router_id_is_the_highest_loopback_else_the_highest_address() {
    let text = |interfaces: &str| {
        format!("hostname a\nvrf definition A\n rd 1:1\n address-family ipv4\n{interfaces}router bgp 1\nend\n")
    };
    let id = |interfaces: &str| load(&text(interfaces)).network.routers()[0].router_id.to_string();
    let ethernet = "interface Ethernet0\n ip address 192.0.2.9 255.255.255.0\n";
    let loopbacks = "interface Loopback0\n ip address 10.0.0.1 255.255.255.255\ninterface Loopback1\n ip address \
                     10.0.0.7 255.255.255.255\n";
    let down = "interface Loopback2\n ip address 10.0.0.9 255.255.255.255\n shutdown\n";
    let other = "interface Loopback3\n vrf forwarding A\n ip address 10.0.0.8 255.255.255.255\n";
    assert_eq!(id(&format!("{ethernet}{loopbacks}{down}{other}")), "10.0.0.7");
    assert_eq!(id(&format!("{ethernet}{down}{other}")), "192.0.2.9");
    assert_eq!(id(other), "10.0.0.8");
}

#[test]
fn hostile_texts_are_bounded() {
    let errors = "ip vrf A\n rd 65535:\n".repeat(300_000);
    let text = self::errors(&errors);
    assert!(text.len() < 200_000 && text.contains("300000 in all"), "{}", text.len());
    let line = format!("ip vrf A\n rd {}\nend\n", "9".repeat(50_000_000));
    assert!(self::errors(&line).len() < 2000);
    let deep = (0..5000).map(|depth| format!("{}interface x{depth}", " ".repeat(depth))).collect::<Vec<_>>().join("\n");
    assert!(load(&deep).unknown.count() > 1000);
}

#[test]
fn route_maps_decide_what_goes_into_bgp_and_how() {
    let loaded = load(include_str!("ios/policy.cfg"));
    insta::assert_snapshot!(show(&loaded.network));
    insta::assert_snapshot!(loaded.warnings.render(false));
    let map = loaded.network.vrfs()[0].family::<u32>().export_map.expect("a map");
    let clause = &loaded.network.policies().get(map).clauses[0];
    assert_eq!(
        loaded.provenance.resolve(loaded.provenance.clause(clause.source).expect("a place")).to_string(),
        "r1.cfg:78"
    );
    assert_eq!(loaded.provenance.resolve(loaded.provenance.policy(map).expect("a place")).to_string(), "r1.cfg:78");
}

#[test]
fn every_mistake_in_a_policy_is_named_with_its_place() {
    insta::assert_snapshot!(errors(include_str!("ios/policy_wrong.cfg")));
}

/// As IOS-XE 16.4 does it (`batfish/lab-validation`, `iosxe_vrf_route_leaking_classic_eigrp`): the subnets of interfaces
/// that take part are redistributed with the protocol, others are not.
#[test]
fn redistribution_of_another_protocol_takes_its_interfaces_along() {
    let text = "hostname r1
ip vrf a
 rd 1:1
interface Ethernet0/0
 ip vrf forwarding a
 ip address 10.0.0.1 255.255.255.0
interface Ethernet0/1
 ip vrf forwarding a
 ip address 10.0.1.1 255.255.255.0
interface Ethernet0/2
 ip vrf forwarding a
 ip address 10.0.2.1 255.255.255.0
 ip ospf 7 area 0
interface Ethernet0/3
 ip vrf forwarding a
 ip address 10.0.3.1 255.255.255.0
interface Loopback9
 ip vrf forwarding a
 ip address 172.16.9.9 255.255.255.255
router eigrp LAB
 address-family ipv4 unicast vrf a autonomous-system 5
  af-interface default
   passive-interface
  exit-af-interface
  network 10.0.0.1 0.0.0.0
 exit-address-family
router ospf 7 vrf a
 network 10.0.1.0 0.0.0.255 area 0
router rip
 address-family ipv4 vrf a
  network 172.16.0.0
router bgp 1
 address-family ipv4 vrf a
  redistribute ospf 7 route-map NOT-TWO
  redistribute eigrp 5 metric 100
  redistribute rip
ip prefix-list TWO seq 5 permit 10.0.2.0/24
route-map NOT-TWO deny 10
 match ip address prefix-list TWO
route-map NOT-TWO permit 20
end
";
    let loaded = load(text);
    let shown = show(&loaded.network);
    let originated: Vec<_> = shown.lines().filter(|line| line.contains("originated")).map(str::trim).collect();
    assert_eq!(
        originated,
        [
            "10.0.0.0/24 connected attached Ethernet0/0 originated",
            "10.0.1.0/24 connected attached Ethernet0/1 originated",
            "172.16.9.9/32 connected receive Loopback9 originated",
        ]
    );
    assert_eq!(loaded.warnings.warnings(), 3, "{}", loaded.warnings.render(false));
}
