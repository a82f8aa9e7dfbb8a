//! Feeds as part of a network.

mod wire;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use vrfleak_engine::{Dialect, Leak, Network, NetworkBuilder, NextHopKind, Prefix, Rd, RouteTarget, VrfId};
use vrfleak_feeds::{Added, CeRoutes, Feed, add};
use wire::{Route, announced, ce, ce_route, global, initiation, monitoring, peer, peer_up};

/// A PE in the model, with a VRF that imports 65000:1 and has 172.16.0.0/24 as its site.
fn network() -> (Network, VrfId) {
    let mut builder = NetworkBuilder::default();
    let pe = builder.router("pe1", 65000, Ipv4Addr::new(10, 0, 0, 1), Dialect::IOS);
    let red = builder.vrf(pe, "red", Some(Rd::as2(65000, 1)));
    let interface = builder.interface(red, "Ethernet1");
    builder.address(interface, "172.16.0.1/24".parse().expect("an address"));
    let family = builder.family::<u32>(red);
    family.import = vec![RouteTarget::as2(65000, 1)];
    family.export = vec![RouteTarget::as2(65000, 1)];
    (builder.build().expect("a network"), red)
}

fn feed(messages: &[Vec<u8>]) -> Feed {
    Feed::parse("feed", &messages.concat()[..]).expect("a stream").0
}

fn said(route: &Route<'_>) -> Vec<u8> {
    monitoring(peer(global(false), [10, 0, 0, 9]), announced(route))
}

/// Returns the RIB of a VRF: prefix, and the router and VRF that it comes from.
fn rib(network: &Network, vrf: VrfId) -> Vec<String> {
    let leak = Leak::new(network);
    let family = leak.family::<u32>();
    let line = |id| {
        let origin = family.table().origin(id);
        let name = &network.vrf(origin).name;
        format!("{} {}/{name}", family.table().prefix(id), network.router_of(origin).name)
    };
    family.rib(vrf).iter().map(line).collect()
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("a file");
    path
}

#[test]
fn routes_from_outside_are_imported_like_any_others() {
    let (network, red) = network();
    let feed = feed(&[
        said(&Route { pe: "10.0.0.2", rd: 2, label: 77, ..Route::default() }),
        said(&Route { pe: "10.0.0.3", rd: 3, ..Route::default() }),
        said(&Route { pe: "10.0.0.3", rd: 3, prefix: "10.2.0.0/16", targets: &[9], ..Route::default() }),
        // The model has this router, and makes its routes itself.
        said(&Route { pe: "10.0.0.1", rd: 1, prefix: "10.3.0.0/16", ..Route::default() }),
    ]);
    let before = network.vrfs().len();
    let (network, added) = add(network, &[feed], &[]).expect("a network");
    assert_eq!((added.routers, added.vpn_routes, added.of_modelled_routers), (2, 3, 1));
    assert_eq!(rib(&network, red), ["10.1.0.0/16 10.0.0.2/65000:2", "172.16.0.0/24 pe1/red", "172.16.0.1/32 pe1/red"]);
    assert_eq!(network.vrfs().len() - before, 2);
    let outside = &network.vrfs()[before];
    let next_hop = network.next_hop(outside.families.ipv4.routes[0].next_hop());
    assert_eq!(next_hop.kind, NextHopKind::Outside { label: vrfleak_engine::Label::new(77) });
    let router = network.router(outside.router);
    assert!(router.outside && router.loopback == IpAddr::from([10, 0, 0, 2]));
    assert_eq!(router.router_id, Ipv4Addr::new(198, 51, 100, 7), "the originator");
}

#[test]
fn law_the_order_of_feeds_changes_nothing() {
    let one = || feed(&[said(&Route { pe: "10.0.0.3", ..Route::default() })]);
    let two = || {
        feed(&[
            said(&Route { pe: "10.0.0.2", local_preference: 50, rd: 4, ..Route::default() }),
            said(&Route { pe: "10.0.0.3", ..Route::default() }),
            said(&Route { pe: "10.0.0.2", prefix: "10.9.0.0/16", ..Route::default() }),
        ])
    };
    let names = |network: &Network| -> Vec<String> {
        network.vrf_ids().map(|vrf| format!("{} {:?}", network.vrf(vrf).name, rib(network, vrf))).collect()
    };
    let (there, added) = add(network().0, &[one(), two()], &[]).expect("a network");
    let (back, again) = add(network().0, &[two(), one()], &[]).expect("a network");
    assert_eq!((names(&there), &added), (names(&back), &again));
    assert_eq!(added.vpn_routes, 3, "what two feeds say is one route");
}

#[test]
fn routes_of_ces_go_to_the_vrf_of_their_rd() {
    let site = |rd| ce(wire::rd(rd), [172, 16, 0, 2], 65001);
    let own = feed(&[peer_up(site(1), [10, 0, 0, 1], false), ce_route(site(1), "10.7.0.0/16")]);
    let (joined, added) = add(network().0, &[own], &[]).expect("a network");
    assert_eq!((added.ce_routes, added.routers, added.unresolved.len()), (1, 0, 0));
    assert_eq!(rib(&joined, network().1)[0], "10.7.0.0/16 pe1/red");
    // An RD that the model has not is that of a router outside, which says no targets.
    let other = feed(&[peer_up(site(8), [10, 0, 0, 5], false), ce_route(site(8), "10.8.0.0/16")]);
    let (joined, added) = add(network().0, &[other], &[]).expect("a network");
    assert_eq!((added.ce_routes, added.routers, added.vpn_routes), (0, 1, 1));
    assert_eq!(joined.routers()[1].name, "10.0.0.5");
    // Another router of the same name is not that router, but the RD is on one router alone.
    let named = feed(&[initiation("elsewhere"), ce_route(site(1), "10.7.0.0/16")]);
    assert_eq!(add(network().0, &[named], &[]).expect("a network").1.ce_routes, 1);
}

/// What FRR printed for a VPN table of three paths, in detail and in brief, cut to what matters.
const FRR_VPN: &str = r#"{"vrfName":"default","routerId":"10.0.0.5","defaultLocPrf":100,"localAS":65000,
"routes":{"routeDistinguishers":{"65000:2":{"10.1.0.0/16":[{"valid":true,"bestpath":{"overall":true},
"aspath":{"string":"64999 {64998,64997}","segments":[],"length":2},"origin":"IGP","metric":5,"locPrf":200,
"community":{"string":"65000:7 no-export","list":["65000:7"]},"extendedCommunity":{"string":"SoO:1:1 RT:65000:1"},
"remoteLabel":99,"nexthops":[{"ip":"10.0.0.2","afi":"ipv4","used":true}],"peer":{"type":"internal"}}]},
"192.0.2.1:7":{"2001:db8::/32":{"prefix":"2001:db8::/32","paths":[
{"valid":true,"extendedCommunity":{"string":"RT:65000:1"},"nhVrfName":"blue","nexthops":[{"ip":"::"}]},
{"valid":false,"nexthops":[{"ip":"2001:db8::9"}]}]}}}}}"#;

#[test]
fn what_frr_shows() {
    let text = FRR_VPN;
    let (feed, warnings) = Feed::parse("vpn.json", text.as_bytes()).expect("a table");
    assert!(warnings.is_empty(), "{warnings}");
    let [route] = feed.vpn_routes::<u32>() else { panic!("one route") };
    assert_eq!((route.pe, route.label.map(vrfleak_engine::Label::value)), (IpAddr::from([10, 0, 0, 2]), Some(99)));
    let attributes = &route.attributes;
    assert_eq!((&*attributes.as_path, attributes.local_preference, attributes.med), (&[64999, 64997][..], 200, 5));
    assert_eq!(attributes.route_targets.as_deref(), Some(&[RouteTarget::as2(65000, 1)][..]));
    assert_eq!(attributes.communities.len(), 2);
    let [route] = feed.vpn_routes::<u128>() else { panic!("one route") };
    assert_eq!((route.pe, route.rd.to_string()), (IpAddr::from([10, 0, 0, 5]), "192.0.2.1:7".to_owned()));
    assert_eq!(route.prefix, "2001:db8::/32".parse::<Prefix<u128>>().expect("a prefix"));
    // Not every form says targets.
    let bare = text.replace("extendedCommunity", "other");
    let (_, warnings) = Feed::parse("vpn.json", bare.as_bytes()).expect("a table");
    assert_snapshot!(warnings.render(false), @r"
warning: 2 VPN routes are without targets
--> vpn.json
 = note: nothing imports them; FRR says the targets in `show bgp ipv4 vpn detail json`
");
    let wrong = text.replace("10.1.0.0/16", "10.1.0.1/16");
    let error = Feed::parse("vpn.json", wrong.as_bytes()).expect_err("host bits");
    assert_snapshot!(error.render(false), @r#"
error: `10.1.0.1/16` has host bits set, expected `10.1.0.0/16`
 --> vpn.json:2:57
  |
2 | "routes":{"routeDistinguishers":{"65000:2":{"10.1.0.1/16":[{"valid":true,"bestpath":{"overall":true},
  |                                                         ^ expected the output of `show bgp ipv4 vpn json`
"#);
    let cut = Feed::parse("vpn.json", &text.as_bytes()[..300]).expect_err("half a table");
    assert_eq!(cut.errors(), 1);
}

/// A VRF's table: from a neighbour twice, from another VRF, its own, and not valid.
const FRR_VRF: &str = r#"{"vrfName":"red","defaultLocPrf":100,"localAS":65000,"routes":{
"10.1.0.0/16":[{"valid":true,"pathFrom":"external","weight":5,"path":"65001 65002","origin":"IGP","metric":3,
"nexthops":[{"ip":"172.16.0.2","afi":"ipv4","used":true}]},
{"valid":true,"pathFrom":"internal","path":"65001","nexthops":[{"ip":"172.16.9.9"}]}],
"10.2.0.0/16":[{"valid":true,"nhVrfName":"blue","nexthops":[{"ip":"172.17.0.2"}]}],
"10.3.0.0/16":[{"valid":true,"weight":32768,"nexthops":[{"ip":"0.0.0.0"}]}],
"10.4.0.0/16":[{"valid":false,"nexthops":[{"ip":"172.16.0.2"}]}]}}"#;

#[test]
fn routes_of_one_vrf_from_a_file() {
    let with = |name: &str, text: &str| -> (Network, Added) {
        let (network, red) = network();
        let routes = CeRoutes::read(&file(name, text)).expect("routes");
        add(network, &[], &[(red, routes)]).expect("a network")
    };
    let red = network().1;
    let (joined, added) = with("red.json", FRR_VRF);
    assert_eq!(rib(&joined, red)[0], "10.1.0.0/16 pe1/red");
    assert_eq!((added.ce_routes, rib(&joined, red).len()), (2, 3));
    assert_eq!(added.unresolved, [(red, IpAddr::from([172, 16, 9, 9]))]);
    let best = Leak::new(&joined).family::<u32>().get(red, "10.1.0.0/16".parse().expect("a prefix"));
    assert!(best.is_some());
    assert_eq!(CeRoutes::read(&file("again.json", FRR_VRF)).expect("routes").left_out(), 2);

    let (joined, added) = with("red.txt", "10.5.0.0/16\n10.6.0.0/16 172.16.0.7\n2001:db8::/32\n");
    assert_eq!((added.ce_routes, added.without_next_hop), (3, 0));
    assert_eq!(rib(&joined, red)[..2], ["10.5.0.0/16 pe1/red", "10.6.0.0/16 pe1/red"]);
    let kinds: Vec<NextHopKind> =
        joined.vrf(red).families.ipv4.routes[2..].iter().map(|route| joined.next_hop(route.next_hop()).kind).collect();
    assert!(matches!(kinds[..], [NextHopKind::Attached { .. }, NextHopKind::Gateway { interface: None, .. }]));

    let error = CeRoutes::read(&file("wrong.txt", "10.5.0.1/16\n")).expect_err("host bits");
    assert_eq!(error.errors(), 1);
    let error = CeRoutes::read(Path::new("no-such-file")).expect_err("no file");
    assert!(error.to_string().contains("cannot be read"), "{error}");
}

#[test]
fn frr_has_no_routes_for_those_who_do_not_ask_in_detail() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("VRFLEAK_SHARED").map_or(beside, PathBuf::from);
    let case = shared.join("cases/lab-frr");
    if !case.is_dir() {
        return;
    }
    let (feed, warnings) = Feed::read(&case.join("frr-lab.show_bgp_ipv4_vpn.json")).expect("a table");
    assert_eq!((feed.vpn_routes::<u32>().len(), warnings.warnings()), (9, 1));
    assert!(feed.vpn_routes::<u32>().iter().all(|route| route.pe == IpAddr::from([10, 255, 0, 1])));
    let routes = CeRoutes::read(&case.join("frr-lab.VRF-C.bgp.json")).expect("a table");
    assert_eq!((routes.len(), routes.left_out()), (0, 9), "all are its own or leaked");
}
