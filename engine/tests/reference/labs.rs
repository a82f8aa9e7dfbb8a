//! The three-VRF lab and the lab of overlapping addresses, with the tables that FRR 8.4.4 showed for them.

use vrfleak_engine::reference::{self, Candidate};
use vrfleak_engine::{Address, Dialect, Network, NetworkBuilder, NextHopKind, Protocol, Rd, RouteTarget, VrfId};

/// The VRFs A, B and C of one router: interfaces by name and address; RDs and targets are 65535:1 to 65535:3.
fn lab(dialect: Dialect, interfaces: [&[(&str, &str)]; 3]) -> Network {
    let mut builder = NetworkBuilder::default();
    let router = builder.router("lab", 65535, [10, 255, 0, 1].into(), dialect);
    let wants: [&[u32]; 3] = [&[3], &[3], &[1, 2]];
    for (number, name, import, interfaces) in [
        (1, "VRF-A", wants[0], interfaces[0]),
        (2, "VRF-B", wants[1], interfaces[1]),
        (3, "VRF-C", wants[2], interfaces[2]),
    ] {
        let vrf = builder.vrf(router, name, Some(Rd::as2(65535, number)));
        let family = builder.family::<u32>(vrf);
        family.redistribute.connected = true;
        family.export = vec![RouteTarget::as2(65535, number)];
        family.import = import.iter().map(|&number| RouteTarget::as2(65535, number)).collect();
        for (name, address) in interfaces {
            let interface = builder.interface(vrf, name);
            builder.address(interface, address.parse().expect("an address"));
        }
    }
    builder.build().expect("a lab without mistakes")
}

/// Returns the lines of `show ip route vrf X` without ages and local routes: code, prefix, interface, source VRF.
fn show_route(network: &Network, vrf: VrfId) -> Vec<String> {
    let table = &reference::leak::<u32>(network)[vrf.index()];
    let bests = table.entries.iter().map(|entry| (entry.prefix, &entry.candidates[entry.best]));
    bests
        .filter(|(_, best)| best.leaked_host || best.protocol != Protocol::Local)
        .map(|(prefix, best)| show(network, vrf, prefix, best))
        .collect()
}

fn show<A: Address>(network: &Network, vrf: VrfId, prefix: vrfleak_engine::Prefix<A>, best: &Candidate) -> String {
    let interface = match network.next_hop(best.next_hop).kind {
        NextHopKind::Attached { interface } | NextHopKind::Receive { interface } => &network.interface(interface).name,
        other => panic!("{other:?} in a lab of interfaces"),
    };
    match (best.origin == vrf, best.leaked_host) {
        (true, _) => format!("C {prefix} {interface}"),
        (false, true) => format!("L {prefix} {interface}"),
        (false, false) => format!("B {prefix} {interface} {}", network.vrf(best.origin).name),
    }
}

/// Returns the lines of `show bgp ipv4 vpn`: RD, prefix, targets.
fn show_vpn(network: &Network) -> Vec<String> {
    let line = |export: &reference::Export<u32>| {
        let rd = network.vrf(export.vrf).rd.expect("every VRF of the labs has one");
        let targets: Vec<String> = export.targets.iter().map(ToString::to_string).collect();
        format!("{rd} {} {}", export.prefix, targets.join(" "))
    };
    reference::exports::<u32>(network).iter().map(line).collect()
}

const A: &[(&str, &str)] = &[("l11", "192.168.11.1/24"), ("l12", "192.168.12.1/24"), ("l13", "192.168.13.1/24")];
const B: &[(&str, &str)] = &[("l21", "192.168.21.1/24"), ("l22", "192.168.22.1/24"), ("l23", "192.168.23.1/24")];
const C: &[(&str, &str)] = &[("l31", "192.168.31.1/24"), ("l32", "192.168.32.1/24"), ("l33", "192.168.33.1/24")];

#[test]
fn the_lab_has_the_tables_that_frr_showed() {
    let network = lab(Dialect::FRR, [A, B, C]);
    assert_eq!(
        show_vpn(&network),
        [
            "65535:1 192.168.11.0/24 65535:1",
            "65535:1 192.168.12.0/24 65535:1",
            "65535:1 192.168.13.0/24 65535:1",
            "65535:2 192.168.21.0/24 65535:2",
            "65535:2 192.168.22.0/24 65535:2",
            "65535:2 192.168.23.0/24 65535:2",
            "65535:3 192.168.31.0/24 65535:3",
            "65535:3 192.168.32.0/24 65535:3",
            "65535:3 192.168.33.0/24 65535:3",
        ]
    );
    assert_eq!(
        show_route(&network, VrfId(0)),
        [
            "C 192.168.11.0/24 l11",
            "C 192.168.12.0/24 l12",
            "C 192.168.13.0/24 l13",
            "B 192.168.31.0/24 l31 VRF-C",
            "B 192.168.32.0/24 l32 VRF-C",
            "B 192.168.33.0/24 l33 VRF-C",
        ]
    );
    assert_eq!(
        show_route(&network, VrfId(1)),
        [
            "C 192.168.21.0/24 l21",
            "C 192.168.22.0/24 l22",
            "C 192.168.23.0/24 l23",
            "B 192.168.31.0/24 l31 VRF-C",
            "B 192.168.32.0/24 l32 VRF-C",
            "B 192.168.33.0/24 l33 VRF-C",
        ]
    );
    assert_eq!(
        show_route(&network, VrfId(2)),
        [
            "B 192.168.11.0/24 l11 VRF-A",
            "B 192.168.12.0/24 l12 VRF-A",
            "B 192.168.13.0/24 l13 VRF-A",
            "B 192.168.21.0/24 l21 VRF-B",
            "B 192.168.22.0/24 l22 VRF-B",
            "B 192.168.23.0/24 l23 VRF-B",
            "C 192.168.31.0/24 l31",
            "C 192.168.32.0/24 l32",
            "C 192.168.33.0/24 l33",
        ]
    );
    let imported: Vec<usize> = reference::leak::<u32>(&network).iter().map(|table| table.imported).collect();
    assert_eq!(imported, [3, 3, 6]);
}

#[test]
fn s3a_the_lab_on_ios_shows_the_host_routes_too() {
    let network = lab(Dialect::IOS, [A, &B[..1], &C[..1]]);
    assert_eq!(
        show_route(&network, VrfId(2)),
        [
            "B 192.168.11.0/24 l11 VRF-A",
            "L 192.168.11.1/32 l11",
            "B 192.168.12.0/24 l12 VRF-A",
            "L 192.168.12.1/32 l12",
            "B 192.168.13.0/24 l13 VRF-A",
            "L 192.168.13.1/32 l13",
            "B 192.168.21.0/24 l21 VRF-B",
            "L 192.168.21.1/32 l21",
            "C 192.168.31.0/24 l31",
        ]
    );
}

/// Returns the names of the VRFs that a prefix's candidates come from, in the order of the VRFs, `>` before the best.
fn show_paths(network: &Network, vrf: VrfId, prefix: &str) -> Vec<String> {
    let prefix = prefix.parse().expect("a prefix");
    let table = &reference::leak::<u32>(network)[vrf.index()];
    let entry = table.entries.iter().find(|entry| entry.prefix == prefix).expect("the prefix is there");
    let name = |(index, route): (usize, &Candidate)| {
        let best = if index == entry.best { "> " } else { "  " };
        format!("{best}{}", network.vrf(route.origin).name)
    };
    entry.candidates.iter().enumerate().map(name).collect()
}

#[test]
fn overlapping_addresses_stay_apart_and_each_vrf_keeps_its_own() {
    let with = |interfaces: &[(&'static str, &'static str)], more: &[(&'static str, &'static str)]| {
        [interfaces, more].concat()
    };
    let a = with(A, &[("l11", "172.16.0.1/24"), ("l11", "172.16.1.1/24")]);
    let b = with(B, &[("l21", "172.16.0.1/24"), ("l21", "172.16.1.1/24")]);
    let c = with(C, &[("l31", "172.16.0.1/24")]);
    for dialect in Dialect::ALL {
        let network = lab(dialect, [&a, &b, &c]);
        let vpn = show_vpn(&network);
        assert_eq!(vpn.len(), 14);
        assert_eq!(
            vpn.iter().filter(|line| line.contains(" 172.16.0.0/24 ")).collect::<Vec<_>>(),
            ["65535:1 172.16.0.0/24 65535:1", "65535:2 172.16.0.0/24 65535:2", "65535:3 172.16.0.0/24 65535:3",]
        );
        // In A and B the own route is best and C's is a candidate; nobody else has 172.16.1.0/24 for them.
        assert_eq!(show_paths(&network, VrfId(0), "172.16.0.0/24"), ["> VRF-A", "  VRF-C"]);
        assert_eq!(show_paths(&network, VrfId(1), "172.16.0.0/24"), ["> VRF-B", "  VRF-C"]);
        assert_eq!(show_paths(&network, VrfId(0), "172.16.1.0/24"), ["> VRF-A"]);
        assert_eq!(show_paths(&network, VrfId(1), "172.16.1.0/24"), ["> VRF-B"]);
        // C keeps its own. FRR breaks the tie of the other prefix by age, here the lower RD does (S2).
        assert_eq!(show_paths(&network, VrfId(2), "172.16.0.0/24"), ["  VRF-A", "  VRF-B", "> VRF-C"]);
        assert_eq!(show_paths(&network, VrfId(2), "172.16.1.0/24"), ["> VRF-A", "  VRF-B"]);
    }
    let routes = show_route(&lab(Dialect::FRR, [&a, &b, &c]), VrfId(2));
    assert_eq!(routes.len(), 11);
    assert_eq!(routes[..2], ["C 172.16.0.0/24 l31", "B 172.16.1.0/24 l11 VRF-A"]);
}
