//! What the tests of all front ends share: loading one text, and writing a network or its tables down.
#![expect(dead_code, reason = "each test uses a part")]

use vrfleak_config::{Format, Loaded, Options, load_texts};
use vrfleak_engine::{Address, Leak, Network, NextHopKind, Protocol, VrfId, select};

/// Loads one configuration that has no errors.
pub(crate) fn load(text: &str, format: Format) -> Loaded {
    match load_texts([("r1.cfg", text)], &Options::with_dialect(format)) {
        Ok(loaded) => loaded,
        Err(diagnostics) => panic!("{}", diagnostics.render(false)),
    }
}

/// Loads one configuration that has errors, and returns them as shown.
pub(crate) fn errors(text: &str, format: Format) -> String {
    match load_texts([("r1.cfg", text)], &Options::with_dialect(format)) {
        Ok(loaded) => panic!("no error in\n{text}\n{:?}", loaded.network),
        Err(diagnostics) => diagnostics.render(false),
    }
}

fn show_family<A: Address>(network: &Network, id: VrfId, text: &mut Vec<String>) {
    let family = network.vrf(id).family::<A>();
    if !(family.import.is_empty() && family.export.is_empty()) {
        let list = |targets: &[vrfleak_engine::RouteTarget]| {
            targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        text.push(format!(" {}: import {} export {}", A::FAMILY, list(&family.import), list(&family.export)));
    }
    for (name, map) in [("import map", family.import_map), ("export map", family.export_map)] {
        if let Some(map) = map {
            let policy = network.policies().get(map);
            text.push(format!(" {}: {name} {} of {} clauses", A::FAMILY, policy.name, policy.clauses.len()));
        }
    }
    let redistribute = family.redistribute;
    if redistribute.connected || redistribute.statics {
        let connected = if redistribute.connected { " connected" } else { "" };
        let statics = if redistribute.statics { " static" } else { "" };
        text.push(format!(" {}: redistribute{connected}{statics}", A::FAMILY));
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
            NextHopKind::Outside { .. } => "outside".to_owned(),
        };
        let mut line = vec![format!(" {} {} {via}", route.prefix(), route.protocol())];
        let numbers = [
            ("distance", attributes.distance.map(u32::from)),
            ("preference", Some(attributes.local_preference).filter(|&preference| preference != 100)),
            ("med", Some(attributes.med).filter(|&med| med != 0)),
            ("weight", Some(attributes.weight).filter(|&weight| weight != 0)),
            ("tag", Some(attributes.tag).filter(|&tag| tag != 0)),
        ];
        line.extend(numbers.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?))));
        if !attributes.as_path.is_empty() {
            line.push(format!("path {:?}", attributes.as_path));
        }
        if let Some(targets) = &attributes.route_targets {
            line.push(format!("targets {targets:?}"));
        }
        if !attributes.communities.is_empty() {
            line.push(format!(
                "communities {:?}",
                attributes.communities.iter().map(ToString::to_string).collect::<Vec<_>>()
            ));
        }
        match attributes.redistribute {
            Some(true) => line.push("originated".to_owned()),
            Some(false) => line.push("kept".to_owned()),
            None => {}
        }
        text.push(line.join(" "));
    }
}

/// Writes the network down, one thing a line.
pub(crate) fn show(network: &Network) -> String {
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

/// Returns the tables of all VRFs as the lines of `expected.tsv`: device, VRF, prefix, protocol, preference, next hop.
pub(crate) fn tables(network: &Network) -> Vec<String> {
    let leak = Leak::new(network);
    let leak = leak.family::<u32>();
    let mut rows = Vec::new();
    for id in network.vrf_ids() {
        let (router, vrf) = (network.router_of(id), network.vrf(id));
        for route in leak.rib(id) {
            let table = leak.table();
            let own = table.origin(route) == id;
            let gateway = network.next_hop(table.next_hop(route)).kind.address().map(|address| address.to_string());
            let elsewhere = network.router_of(table.origin(route)).name != router.name;
            let is_bgp = !own || table.protocol(route) == Protocol::Bgp;
            let med = if is_bgp { table.paths(network).attributes(table.attributes(route)).med } else { 0 };
            let (preference, next_hop) = match table.protocol(route) {
                Protocol::Connected | Protocol::Local if own => ("-".to_owned(), None),
                _ => {
                    let distance = select::distance(table.paths(network), id, table.key(route));
                    let loopback = elsewhere.then(|| network.router_of(table.origin(route)).loopback.to_string());
                    (format!("{distance}/{med}"), loopback.or(gateway))
                }
            };
            let protocol = leak.protocol_in(network, id, route);
            let next_hop = next_hop.as_deref().unwrap_or("-");
            rows.push(format!(
                "{}\t{}\t{}\t{protocol}\t{preference}\t{next_hop}",
                router.name,
                vrf.name,
                table.prefix(route)
            ));
        }
    }
    rows.sort();
    rows
}
