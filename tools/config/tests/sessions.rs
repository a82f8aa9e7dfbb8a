//! Which routers' VPN routes reach which, and what VRFs tell their neighbours of what they imported.

mod model;

use model::tables;
use vrfleak_config::{Loaded, Options, load_texts};

fn load(texts: &[(&str, &str)]) -> Loaded {
    load_texts(texts.iter().copied(), &Options::default())
        .unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)))
}

/// Returns an IOS PE with one site, and sessions for VPN routes with `peers`; those marked with `*` are its clients.
fn pe(number: u8, asn: u32, peers: &[&str]) -> String {
    let mut text = format!(
        "hostname pe{number}
vrf definition red
 rd {asn}:{number}
 address-family ipv4
  route-target both 65000:1
interface Loopback0
 ip address 10.255.0.{number} 255.255.255.255
interface Loopback1
 vrf forwarding red
 ip address 192.0.2.{number} 255.255.255.255
router bgp {asn}
"
    );
    for peer in peers {
        let address = peer.trim_end_matches('*');
        text += &format!(" neighbor {address} remote-as 65000\n neighbor {address} update-source Loopback0\n");
    }
    text += " address-family vpnv4\n";
    for peer in peers {
        let address = peer.trim_end_matches('*');
        text += &format!("  neighbor {address} activate\n  neighbor {address} send-community extended\n");
        if peer.ends_with('*') {
            text += &format!("  neighbor {address} route-reflector-client\n");
        }
    }
    text + " address-family ipv4 vrf red\n  redistribute connected\nend\n"
}

/// Returns the loopbacks that the VRF of each PE has from others, as digits: `12` of PE 1 and 2.
fn heard(texts: &[String]) -> Vec<String> {
    let names: Vec<String> = (1..=texts.len()).map(|number| format!("pe{number}.cfg")).collect();
    let texts: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    let rows = tables(&load(&texts).network);
    let of = |number: usize| {
        let mine = rows.iter().filter(|row| row.starts_with(&format!("pe{number}\tred\t192.0.2.")));
        let digit = |row: &String| row.split(['\t', '/']).nth(2)?.chars().last();
        mine.filter_map(digit).filter(|digit| *digit != char::from(b'0' + number as u8)).collect()
    };
    (1..=texts.len()).map(of).collect()
}

#[test]
fn routes_go_one_session_far_inside_an_as() {
    let chain =
        [pe(1, 65000, &["10.255.0.2"]), pe(2, 65000, &["10.255.0.1", "10.255.0.3"]), pe(3, 65000, &["10.255.0.2"])];
    assert_eq!(heard(&chain), ["2", "13", "2"]);
}

#[test]
fn a_reflector_passes_on_what_clients_say_and_need() {
    let all = |second: &[&str]| [pe(1, 65000, &["10.255.0.2"]), pe(2, 65000, second), pe(3, 65000, &["10.255.0.2"])];
    assert_eq!(heard(&all(&["10.255.0.1*", "10.255.0.3*"])), ["23", "13", "12"]);
    assert_eq!(heard(&all(&["10.255.0.1*", "10.255.0.3"])), ["23", "13", "12"]);
    // A session that one end alone has is none.
    assert_eq!(heard(&all(&["10.255.0.1*"])), ["2", "1", ""]);
}

#[test]
fn an_address_that_nobody_has_is_a_reflector() {
    let around = [1, 2, 3].map(|number| pe(number, 65000, if number == 3 { &[] } else { &["10.255.0.9"] }));
    assert_eq!(heard(&around), ["2", "1", ""]);
    let names = ["a", "b", "c"];
    let texts: Vec<_> = names.into_iter().zip(&around).map(|(name, text)| (name, text.as_str())).collect();
    let warnings = load(&texts).warnings.render(false);
    assert!(warnings.contains("no session for VPN routes leads to router `pe3`"), "{warnings}");
    assert!(warnings.contains("no session for VPN routes leads to router `pe1` and 1 more"), "{warnings}");
}

#[test]
fn reflectors_in_the_other_dialects() {
    let xr = "hostname pe1
vrf red
 address-family ipv4 unicast
  import route-target
   65000:1
  !
  export route-target
   65000:1
interface Loopback0
 ipv4 address 10.255.0.1 255.255.255.255
interface Loopback1
 vrf red
 ipv4 address 192.0.2.1 255.255.255.255
router bgp 65000
 address-family vpnv4 unicast
 neighbor-group clients
  remote-as 65000
  update-source Loopback0
  address-family vpnv4 unicast
   route-reflector-client
 neighbor 10.255.0.2
  use neighbor-group clients
 neighbor 10.255.0.3
  use neighbor-group clients
 vrf red
  rd 65000:1
  address-family ipv4 unicast
   redistribute connected
end
";
    let frr = |number: u8| {
        format!(
            "hostname pe{number}
interface lo
 ip address 10.255.0.{number}/32
interface red1 vrf red
 ip address 192.0.2.{number}/32
router bgp 65000
 bgp router-id 10.255.0.{number}
 neighbor 10.255.0.1 remote-as internal
 neighbor 10.255.0.1 update-source lo
 address-family ipv4 vpn
  neighbor 10.255.0.1 activate
router bgp 65000 vrf red
 address-family ipv4 unicast
  redistribute connected
  rd vpn export 65000:{number}
  rt vpn both 65000:1
  import vpn
  export vpn
"
        )
    };
    assert_eq!(heard(&[xr.to_owned(), frr(2), frr(3)]), ["23", "13", "12"]);
    let junos = "system { host-name pe1; }
interfaces { lo0 { unit 0 { family inet { address 10.255.0.1/32; } }
                   unit 1 { family inet { address 192.0.2.1/32; } } } }
routing-options { autonomous-system 65000; }
routing-instances { red { instance-type vrf; interface lo0.1; route-distinguisher 65000:1;
                          vrf-target target:65000:1; } }
protocols { bgp { family inet-vpn { unicast; }
                  group clients { type internal; local-address 10.255.0.1; cluster 10.255.0.1;
                                  neighbor 10.255.0.2; neighbor 10.255.0.3; } } }
";
    assert_eq!(heard(&[junos.to_owned(), frr(2), frr(3)]), ["23", "13", "12"]);
    let plain = junos.replace("cluster 10.255.0.1;", "");
    assert_eq!(heard(&[plain, frr(2), frr(3)]), ["23", "1", "1"]);
}

/// As in FRR's topotest `bgp_vpnv4_per_nexthop_label`: VPN routes of another AS have distance 20, the address of the
/// session as next hop, and its AS in their path.
#[test]
fn another_as_is_an_external_session_away() {
    let router = |number: u8, policy: &str| {
        let other = 3 - number;
        format!(
            "hostname r{number}
interface core
 ip address 192.0.2.{number}/24
interface red1 vrf red
 ip address 10.{number}.0.1/24
router bgp 6500{number}
 bgp router-id 10.255.0.{number}
 {policy}
 neighbor 192.0.2.{other} remote-as external
 address-family ipv4 vpn
  neighbor 192.0.2.{other} activate
router bgp 6500{number} vrf red
 address-family ipv4 unicast
  redistribute connected
  rd vpn export 65000:{number}
  rt vpn both 65000:1
  import vpn
  export vpn
"
        )
    };
    let open = "no bgp ebgp-requires-policy";
    let rows = tables(&load(&[("r1", &router(1, open)), ("r2", &router(2, open))]).network);
    assert!(rows.contains(&"r1\tred\t10.2.0.0/24\tbgp\t20/0\t192.0.2.2".to_owned()), "{rows:#?}");
    assert!(rows.contains(&"r2\tred\t10.1.0.0/24\tbgp\t20/0\t192.0.2.1".to_owned()), "{rows:#?}");
    // One end has no policy, and asks for one.
    let rows = tables(&load(&[("r1", &router(1, open)), ("r2", &router(2, ""))]).network);
    assert_eq!(rows.iter().filter(|row| row.contains("\tbgp\t")).count(), 0, "{rows:#?}");
}

/// Two routers of different ASes that speak eBGP inside of VRFs: as IOS-XE 16.4 does it (`batfish/lab-validation`,
/// `iosxe_vrf_route_leaking_bgp_peering`), what one VRF imported from another goes to the neighbour, without a metric.
#[test]
fn what_a_vrf_imported_goes_to_its_neighbours() {
    let one = "hostname r1
vrf definition a
 rd 65001:1
 address-family ipv4
  route-target export 65001:11
vrf definition b
 rd 65001:2
 address-family ipv4
  route-target export 65001:22
  route-target import 65001:11
interface Loopback1
 vrf forwarding a
 ip address 192.0.2.1 255.255.255.255
interface Ethernet0/0
 vrf forwarding b
 ip address 198.51.100.1 255.255.255.252
router bgp 65001
 address-family ipv4 vrf a
  network 192.0.2.1 mask 255.255.255.255
 address-family ipv4 vrf b
  bgp router-id 203.0.113.1
  neighbor 198.51.100.2 remote-as 65002
end
";
    let two = "hostname r2
vrf definition c
 rd 65002:3
 address-family ipv4
  route-target export 65002:33
vrf definition d
 rd 65002:4
 address-family ipv4
  route-target import 65002:33
interface Ethernet0/0
 vrf forwarding c
 ip address 198.51.100.2 255.255.255.252
router bgp 65002
 address-family ipv4 vrf c
  neighbor 198.51.100.1 remote-as 65001
 address-family ipv4 vrf d
end
";
    let network = load(&[("r1.cfg", one), ("r2.cfg", two)]).network;
    let rows = tables(&network);
    let leaked: Vec<_> = rows.iter().filter(|row| row.contains("192.0.2.1/32")).cloned().collect();
    assert_eq!(leaked.len(), 4, "{rows:#?}");
    assert!(leaked.iter().any(|row| row.starts_with("r2\tc\t192.0.2.1/32\tbgp\t20/0\t198.51.100.1")), "{leaked:#?}");
    assert!(leaked.iter().any(|row| row.starts_with("r2\td\t192.0.2.1/32\tbgp\t20/0\t198.51.100.1")), "{leaked:#?}");
    let learned = network.vrfs().iter().find(|vrf| vrf.name == "c").expect("configured").family::<u32>();
    let route = learned.routes.iter().find(|route| route.prefix().to_string() == "192.0.2.1/32").expect("learned");
    let attributes = &network.attributes()[route.attributes().index()];
    assert_eq!((attributes.as_path.as_ref(), attributes.without_med), (&[65001][..], true));
    let b = network.vrfs().iter().find(|vrf| vrf.name == "b").expect("configured");
    assert_eq!(b.router_id.map(|id| id.to_string()).as_deref(), Some("203.0.113.1"));
}

#[test]
fn the_files_of_a_folder_are_one_router_and_what_is_none_is_left_out() {
    let folder = std::env::temp_dir().join(format!("vrfleak-daemons-{}", std::process::id()));
    let router = folder.join("r1");
    std::fs::create_dir_all(&router).expect("a folder");
    for (name, text) in [
        ("zebra.conf", "int e0 vrf red\n ip address 192.0.2.1/24\n no shut\n!\nip router-id 10.255.0.1\n"),
        ("staticd.conf", "vrf red\n ip route 10.0.0.0/8 192.0.2.9\n ip route 11.0.0.0/8 192.0.2.9 255\n"),
        ("bgpd.conf", "router bgp 65000 vrf red\n address-family ipv4 unicast\n  redistribute static\n  export vpn\n"),
        ("ospfd.conf", "!\n"),
        ("test_r1.py", "import os\nprint(os.name)\n"),
    ] {
        std::fs::write(router.join(name), text).expect("a file");
    }
    let loaded = vrfleak_config::load(std::slice::from_ref(&folder), &Options::default());
    let loaded = loaded.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)));
    assert_eq!(loaded.network.routers().iter().map(|router| router.name.as_str()).collect::<Vec<_>>(), ["r1"]);
    assert_eq!(loaded.network.routers()[0].router_id.to_string(), "10.255.0.1");
    let prefixes: Vec<_> =
        tables(&loaded.network).iter().map(|row| row.split('\t').nth(2).map(str::to_owned)).collect();
    assert_eq!(prefixes.into_iter().flatten().collect::<Vec<_>>(), ["10.0.0.0/8", "192.0.2.0/24", "192.0.2.1/32"]);
    let warnings = loaded.warnings.render(false);
    assert!(warnings.contains("test_r1.py"), "{warnings}");
    assert!(warnings.contains("a distance of 255 keeps the route out of the table"), "{warnings}");
    std::fs::remove_dir_all(folder).expect("the folder");
}

/// Returns an IOS PE of which the first two have one RD and one prefix, with sessions between all three or with a
/// reflector that nobody configured; `paths` is what the third says of paths.
fn one_rd(number: u8, reflector: bool, paths: &str) -> String {
    let (rd, address) = if number < 3 { (7, "203.0.113.1") } else { (9, "203.0.113.3") };
    let mut text = format!(
        "hostname pe{number}
vrf definition red
 rd 65000:{rd}
 address-family ipv4
  route-target both 65000:1
interface Loopback0
 ip address 10.255.0.{number} 255.255.255.255
interface Loopback1
 vrf forwarding red
 ip address {address} 255.255.255.255
router bgp 65000
"
    );
    let peers: Vec<u8> = if reflector { vec![9] } else { (1..=3).filter(|&other| other != number).collect() };
    for peer in &peers {
        text +=
            &format!(" neighbor 10.255.0.{peer} remote-as 65000\n neighbor 10.255.0.{peer} update-source Loopback0\n");
    }
    text += " address-family vpnv4\n";
    for peer in &peers {
        text += &format!("  neighbor 10.255.0.{peer} activate\n");
    }
    text + &format!(" address-family ipv4 vrf red\n  redistribute connected\n  {paths}\nend\n")
}

#[test]
fn as_many_paths_of_one_rd_are_imported_as_a_vrf_says() {
    let installed = |reflector, paths| {
        let texts = [1, 2, 3].map(|number| one_rd(number, reflector, if number == 3 { paths } else { "" }));
        let names = ["pe1", "pe2", "pe3"];
        let texts: Vec<_> = names.into_iter().zip(&texts).map(|(name, text)| (name, text.as_str())).collect();
        let loaded = load(&texts);
        let vrf = loaded.network.vrfs_named("red").last().expect("of pe3");
        let leak = vrfleak_engine::Leak::new(&loaded.network);
        let prefix = "203.0.113.1/32".parse().expect("a prefix");
        let candidates = leak.family::<u32>().candidates(&loaded.network, vrf, prefix);
        let beside = leak.family::<u32>().rib(vrf).multipath_routes();
        (candidates.len(), 1 + beside, loaded.warnings.render(false))
    };
    for (paths, imported, used) in [
        ("maximum-paths ibgp 2", 1, 1),
        ("maximum-paths ibgp 2 import 2", 2, 2),
        ("maximum-paths import 2", 2, 1),
        ("import path selection all", 2, 1),
    ] {
        let (candidates, installed, warnings) = installed(false, paths);
        assert_eq!((candidates, installed), (imported, used), "{paths} {warnings}");
        assert!(warnings.is_empty(), "{warnings}");
    }
    let (candidates, _, warnings) = installed(true, "maximum-paths ibgp 2 import 2");
    assert_eq!(candidates, 1);
    assert!(warnings.contains("routes come from a reflector"), "{warnings}");
}

/// A CE that announces one address to the PE of [`ios_pe`], with these lines more.
fn ios_ce(number: u8, asn: u32, address: &str, lines: &str) -> String {
    format!(
        "hostname ce{number}
interface Loopback0
 ip address {address} 255.255.255.255
interface Ethernet0
 ip address 10.0.{number}.2 255.255.255.0
router bgp {asn}
 network {address} mask 255.255.255.255
 neighbor 10.0.{number}.1 remote-as 65000
 {lines}
end
"
    )
}

/// An IOS PE with a VRF of two links, to CEs 1 and 2, and these lines for all of BGP and for the VRF's family.
fn ios_pe(bgp: &str, family: &str) -> String {
    format!(
        "hostname pe
ip vrf red
 rd 1:1
interface Ethernet1
 ip vrf forwarding red
 ip address 10.0.1.1 255.255.255.0
interface Ethernet2
 ip vrf forwarding red
 ip address 10.0.2.1 255.255.255.0
router bgp 65000
{bgp}
 address-family ipv4 vrf red
{family}
end
"
    )
}

/// Two sites of one customer in front of an IOS PE, with these lines for the neighbours of either.
fn sites(pe: &str, first: &str, second: &str) -> Vec<String> {
    let texts = [ios_pe("", pe), ios_ce(1, 64601, "192.0.2.1", first), ios_ce(2, 64602, "192.0.2.2", second)];
    let names = ["pe", "ce1", "ce2"];
    let texts: Vec<_> = names.into_iter().zip(&texts).map(|(name, text)| (name, text.as_str())).collect();
    let loaded = load(&texts);
    let table = vrfleak_engine::Leak::new(&loaded.network);
    let vrf = loaded.network.vrf_ids().next().expect("red");
    let family = table.family::<u32>();
    let of = |prefix: &str| {
        let candidates = family.candidates(&loaded.network, vrf, prefix.parse().expect("a prefix"));
        let attributes = |id| loaded.network.attributes()[vrfleak_engine::AttributesId::index(id)].as_path.clone();
        candidates.first().map_or("-".to_owned(), |best| format!("{:?}", attributes(best.key.attributes)))
    };
    vec![of("192.0.2.1/32"), of("192.0.2.2/32")]
}

#[test]
fn another_as_than_the_routers_own_stands_before_paths() {
    let neighbors = "  neighbor 10.0.1.2 remote-as 64601\n  neighbor 10.0.1.2 activate
  neighbor 10.0.2.2 remote-as 64700\n  neighbor 10.0.2.2 activate";
    let shows = |more: &str| format!("neighbor 10.0.2.1 local-as 64700{more}");
    assert_eq!(sites(neighbors, "", ""), ["[64601]", "-"]);
    assert_eq!(sites(neighbors, "", &shows("")), ["[64601]", "[64700, 64602]"]);
    assert_eq!(sites(neighbors, "", &shows(" no-prepend")), ["[64601]", "[64700, 64602]"]);
    assert_eq!(sites(neighbors, "", &shows(" no-prepend replace-as")), ["[64601]", "[64700]"]);
    // The PE shows another AS to the first: what it learns there has that one before it.
    let neighbors =
        "  neighbor 10.0.1.2 remote-as 64601\n  neighbor 10.0.1.2 local-as 65009\n  neighbor 10.0.1.2 activate";
    assert_eq!(sites(neighbors, "neighbor 10.0.1.1 remote-as 65009", ""), ["[65009, 64601]", "-"]);
}

/// Returns a PE with VRF `a`, whose policies are those of the manuals, and `b`, which takes all that policy `all` accepts.
fn junos_pe(number: u8, other: u8) -> String {
    format!(
        "set system host-name pe{number}
set interfaces ge-0/0/1 unit 70 family inet address 10.7{number}.0.1/24
set interfaces lo0 unit 0 family inet address 10.255.0.{number}/32
set routing-options router-id 10.255.0.{number}
set routing-options autonomous-system 65000
set protocols bgp group ibgp type internal
set protocols bgp group ibgp local-address 10.255.0.{number}
set protocols bgp group ibgp family inet-vpn unicast
set protocols bgp group ibgp neighbor 10.255.0.{other}
set policy-options policy-statement vpn-import term 1 from protocol bgp
set policy-options policy-statement vpn-import term 1 from community vpn
set policy-options policy-statement vpn-import term 1 then accept
set policy-options policy-statement vpn-import term 2 then reject
set policy-options policy-statement vpn-export term 1 from protocol direct
set policy-options policy-statement vpn-export term 1 from protocol static
set policy-options policy-statement vpn-export term 1 from route-filter 192.168.{number}.64/26 exact reject
set policy-options policy-statement vpn-export term 1 from route-filter 0.0.0.0/0 orlonger
set policy-options policy-statement vpn-export term 1 then community add vpn
set policy-options policy-statement vpn-export term 1 then accept
set policy-options policy-statement all term 1 from protocol bgp
set policy-options policy-statement all term 1 then accept
set policy-options policy-statement some term 1 from community any
set policy-options policy-statement some term 1 then accept
set policy-options community vpn members target:65000:1
set policy-options community any members target:6500[0-3]:*
set routing-instances a instance-type vrf
set routing-instances a interface ge-0/0/1.70
set routing-instances a route-distinguisher 65000:{number}
set routing-instances a vrf-import vpn-import
set routing-instances a vrf-export vpn-export
set routing-instances a routing-options static route 192.168.{number}.0/26 next-hop 10.7{number}.0.2
set routing-instances a routing-options static route 192.168.{number}.64/26 next-hop 10.7{number}.0.2
set routing-instances a routing-options static route 192.168.{number}.128/26 next-hop 10.7{number}.0.2
set routing-instances a routing-options static route 192.168.{number}.128/26 no-readvertise
set routing-instances b instance-type vrf
set routing-instances b route-distinguisher 65000:1{number}
set routing-instances b vrf-import all
set routing-instances b vrf-target export target:65000:9
set routing-instances c instance-type vrf
set routing-instances c route-distinguisher 65000:2{number}
set routing-instances c vrf-import some
set routing-instances c vrf-target export target:65000:9
"
    )
}

#[test]
fn routes_of_other_routers_are_bgp_to_an_import_policy_and_policies_may_ask_for_any_target() {
    let texts = [junos_pe(1, 2), junos_pe(2, 1)];
    let loaded = load(&[("pe1", &texts[0]), ("pe2", &texts[1])]);
    let rows = tables(&loaded.network);
    for vrf in ["a", "b", "c"] {
        let from_two: Vec<&str> = rows
            .iter()
            .filter(|row| row.starts_with(&format!("pe1\t{vrf}\t")) && row.ends_with("10.255.0.2"))
            .filter_map(|row| row.split('\t').nth(2))
            .collect();
        assert_eq!(from_two, ["10.72.0.0/24", "192.168.2.0/26"], "{vrf}");
    }
    // Without `auto-export` nothing passes between the instances of one router.
    assert!(!rows.iter().any(|row| row.starts_with("pe1\tb\t10.71.")));
}

#[test]
fn paths_through_two_ases_stand_beside_each_other_where_that_is_relaxed() {
    let ce = |number: u8| ios_ce(number, 64600 + u32::from(number), "192.0.2.1", "");
    let neighbors = "  maximum-paths 2
  neighbor 10.0.1.2 remote-as 64601\n  neighbor 10.0.1.2 activate
  neighbor 10.0.2.2 remote-as 64602\n  neighbor 10.0.2.2 activate";
    let installed = |relaxed: &str| {
        let pe = ios_pe(relaxed, neighbors);
        let loaded = load(&[("pe", &pe), ("ce1", &ce(1)), ("ce2", &ce(2))]);
        let leak = vrfleak_engine::Leak::new(&loaded.network);
        let vrf = loaded.network.vrf_ids().next().expect("red");
        1 + leak.family::<u32>().rib(vrf).multipath_routes()
    };
    assert_eq!(installed(""), 1);
    assert_eq!(installed(" bgp bestpath as-path multipath-relax"), 2);
}

#[test]
fn a_next_hop_that_is_not_taken_is_warned_of_once() {
    let pe = "hostname pe
ip vrf red
 rd 1:1
interface Ethernet1
 ip vrf forwarding red
 ip address 10.0.1.1 255.255.255.0
ip route vrf red 192.0.2.1 255.255.255.255 10.0.1.2
ip route vrf red 192.0.2.2 255.255.255.255 10.0.1.2
route-map elsewhere permit 10
 set ip next-hop 10.0.1.9
router bgp 65000
 address-family ipv4 vrf red
  redistribute static route-map elsewhere
end
";
    let loaded = load(&[("pe", pe)]);
    let warnings = loaded.warnings.to_string();
    assert_eq!(warnings.matches("policy `elsewhere` sets a next hop on the way into BGP").count(), 1, "{warnings}");
    assert!(warnings.contains("pe:13"), "{warnings}");
}
