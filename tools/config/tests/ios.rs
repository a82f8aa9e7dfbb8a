//! The IOS front end on whole configurations.

use vrfleak_config::{Loaded, Options, load_texts};
use vrfleak_engine::{Address, Network, NextHopKind, VrfId};

fn load(text: &str) -> Loaded {
    match load_texts([("r1.cfg", text)], &Options::with_dialect(vrfleak_config::Format::Ios)) {
        Ok(loaded) => loaded,
        Err(diagnostics) => panic!("{}", diagnostics.render(false)),
    }
}

fn errors(text: &str) -> String {
    match load_texts([("r1.cfg", text)], &Options::with_dialect(vrfleak_config::Format::Ios)) {
        Ok(loaded) => panic!("no error in\n{text}\n{:?}", loaded.network),
        Err(diagnostics) => diagnostics.render(false),
    }
}

fn warnings(text: &str) -> String {
    load(text).warnings.render(false)
}

fn show_family<A: Address>(network: &Network, id: VrfId, text: &mut Vec<String>) {
    let family = network.vrf(id).family::<A>();
    if !(family.import.is_empty() && family.export.is_empty()) {
        let list = |targets: &[vrfleak_engine::RouteTarget]| {
            targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        text.push(format!(" {}: import {} export {}", A::FAMILY, list(&family.import), list(&family.export)));
    }
    let redistribute = family.redistribute;
    if redistribute.connected || redistribute.statics {
        let mut line = format!(" {}: redistribute", A::FAMILY);
        line += if redistribute.connected { " connected" } else { "" };
        line += if redistribute.statics { " static" } else { "" };
        text.push(line);
    }
    for route in &family.routes {
        let attributes = &network.attributes()[route.attributes().index()];
        let via = match network.next_hop(route.next_hop()).kind {
            NextHopKind::Receive { interface } => format!("receive {}", network.interface(interface).name),
            NextHopKind::Attached { interface } => format!("attached {}", network.interface(interface).name),
            NextHopKind::Gateway { address, interface } => {
                let interface = interface.map(|interface| format!(" {}", network.interface(interface).name));
                format!("via {address}{}", interface.unwrap_or_default())
            }
            NextHopKind::Vrf { vrf } => format!("vrf {}", network.vrf(vrf).name),
            NextHopKind::Discard => "discard".to_owned(),
        };
        let mut line = format!(" {} {} {via}", route.prefix(), route.protocol());
        if let Some(distance) = attributes.distance {
            line += &format!(" distance {distance}");
        }
        for (name, value) in [("med", attributes.med), ("tag", attributes.tag)] {
            if value != 0 {
                line += &format!(" {name} {value}");
            }
        }
        if attributes.redistribute == Some(true) {
            line += " originated";
        }
        text.push(line);
    }
}

/// Writes the network down, one thing a line.
fn show(network: &Network) -> String {
    let mut text = Vec::new();
    for router in network.routers() {
        text.push(format!("{} as {} id {} next hop {}", router.name, router.asn, router.router_id, router.loopback));
    }
    for id in network.vrf_ids() {
        let vrf = network.vrf(id);
        let rd = vrf.rd.map_or("none".to_owned(), |rd| rd.to_string());
        text.push(format!("vrf {} rd {rd}", vrf.name));
        show_family::<u32>(network, id, &mut text);
        show_family::<u128>(network, id, &mut text);
    }
    text.join("\n") + "\n"
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
    let flat: String = text.lines().map(|line| format!("{}\n", line.trim_start())).collect();
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
    insta::assert_snapshot!(warnings(text));
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
    let deep: String = (0..5000).map(|depth| format!("{}interface x{depth}\n", " ".repeat(depth))).collect();
    assert!(load(&deep).unknown.count() > 1000);
}
