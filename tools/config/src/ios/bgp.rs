//! `router bgp`: what goes into BGP, and who the neighbours are.

use ipnet::{IpNet, Ipv4Net};
use vrfleak_engine::Family;

use super::{Known, Mode, Reader};
use crate::device::{DEFAULT_TABLE, IgpKind, MaximumPaths, Originated, Redistribution};
use crate::neighbor_line;
use crate::place::{Located, Place};
use crate::value;
use crate::word::{Word, Words};

impl Reader<'_, '_> {
    /// Reads what follows `router bgp`.
    pub(super) fn router_bgp(&mut self, mut words: Words<'_>) {
        let Some(asn) = value::as_number(&mut words, self.report) else { return };
        if let Some(first) = self.device.asn
            && first.value != asn.value
        {
            self.report.error(
                asn.place,
                format_args!("BGP is already running in AS {}", first.value),
                "expected one AS a router",
            );
            return;
        }
        self.device.asn = Some(asn);
    }

    /// Reads a line of `router bgp` outside of any address family.
    pub(super) fn bgp(&mut self, mut words: Words<'_>, indent: u32, depth: usize) -> Known {
        let line = words;
        match words.next_text() {
            "bgp" => match words.next_text() {
                "router-id" => self.router_id(DEFAULT_TABLE, words),
                "default" if words.eat("local-preference") => self.default_preference(line),
                "bestpath" if words.eat_all(&["as-path", "multipath-relax"]) => self.device.relaxed_multipath = true,
                "always-compare-med" | "bestpath" | "deterministic-med" | "confederation" => {
                    self.report.warning(
                        line.whole(),
                        "this rule of selection is not modelled",
                        "the best path may differ",
                    );
                }
                _ => return Known::No,
            },
            "no" if words.eat_all(&["bgp", "default", "ipv4-unicast"]) => self.default_unicast = false,
            "no" if matches!(words.peek_text(), "neighbor" | "redistribute" | "network") => {
                return self.forget_in_family(DEFAULT_TABLE, Family::Ipv4, words);
            }
            "template" if matches!(words.peek_text(), "peer-session" | "peer-policy") => {
                words.next();
                let Some(name) = words.next() else { return Known::No };
                let key = neighbor_line::template(name.text);
                let bgp = &mut self.device.tables[DEFAULT_TABLE].bgp;
                bgp.neighbor(&key, name.place);
                let index = bgp.neighbor_index(&key).unwrap_or_default();
                self.enter(depth, Mode::BgpTemplate(index), indent);
            }
            "address-family" => return self.bgp_address_family(words, indent, depth),
            "exit-peer-session" | "exit-peer-policy" => {}
            "neighbor" => return self.neighbor(DEFAULT_TABLE, None, words),
            "redistribute" | "network" | "maximum-paths" | "aggregate-address" | "default-information" | "distance" => {
                return self.bgp_family(DEFAULT_TABLE, Family::Ipv4, line);
            }
            _ => return Known::No,
        }
        Known::Yes
    }

    fn bgp_address_family(&mut self, mut words: Words<'_>, indent: u32, depth: usize) -> Known {
        let family = match words.next_text() {
            "ipv4" => Family::Ipv4,
            "ipv6" => Family::Ipv6,
            vpn @ ("vpnv4" | "vpnv6") if words.peek_text() != "multicast" => {
                let family = if vpn == "vpnv4" { Family::Ipv4 } else { Family::Ipv6 };
                self.enter(depth, Mode::BgpVpn(family), indent);
                return Known::Yes;
            }
            _ => return Known::No,
        };
        words.eat("unicast");
        let mut table = DEFAULT_TABLE;
        if words.eat("vrf") {
            let Some(name) = value::word(&mut words, self.report, "the name of a VRF") else { return Known::Yes };
            match self.device.table_named(name.text) {
                Some(index) => table = index,
                None => {
                    self.report.error(
                        name.place,
                        format_args!("VRF `{}` is not defined", name.text),
                        "expected a VRF that is defined above",
                    );
                    self.enter(depth, Mode::Opaque, indent);
                    return Known::Yes;
                }
            }
        } else if !words.is_empty() {
            return Known::No; // multicast, labelled unicast, flowspec, mvpn.
        }
        self.enter(depth, Mode::BgpFamily(table, family), indent);
        Known::Yes
    }

    /// Reads a line of an address family of `table`.
    pub(super) fn bgp_family(&mut self, table: usize, family: Family, mut words: Words<'_>) -> Known {
        let place = words.whole();
        match words.next_text() {
            "redistribute" => {
                let protocol = words.next();
                let redistribution = |reader: &mut Self| reader.redistribution(place, words);
                match protocol.map(|word| word.text) {
                    Some("connected") => {
                        let redistribution = redistribution(self);
                        self.device.tables[table].family_mut(family).connected = Some(redistribution);
                    }
                    Some("static") => {
                        let redistribution = redistribution(self);
                        self.device.tables[table].family_mut(family).statics = Some(redistribution);
                    }
                    Some(other) => {
                        let kind = IgpKind::named(other).filter(|_| family == Family::Ipv4);
                        let note = match kind {
                            Some(_) => "of those that would be put into BGP here only its interfaces' are",
                            None => "those that would be put into BGP here are missing",
                        };
                        let what = protocol.map_or(place, |word| word.place);
                        self.report.warning(what, format_args!("routes of `{other}` are not modelled"), note);
                        if let Some(kind) = kind {
                            let number = words.peek_text().parse().unwrap_or(0);
                            // The metric of the command is for what was learned.
                            let redistribution = Redistribution { metric: None, ..redistribution(self) };
                            let config = self.device.tables[table].family_mut(family);
                            config.igps.push((kind, number, redistribution));
                        }
                    }
                    None => self.report.error(
                        words.end(),
                        "the line ends too early",
                        "expected a protocol, such as `connected` or `static`",
                    ),
                }
                Known::Yes
            }
            "network" => self.network(table, family, words),
            "neighbor" => self.neighbor(table, Some(family), words),
            "no" => self.forget_in_family(table, family, words),
            "bgp" if words.eat("router-id") => {
                self.router_id(table, words);
                Known::Yes
            }
            "aggregate-address" => {
                self.report.warning(place, "aggregates are not modelled", "the aggregate is missing");
                Known::Yes
            }
            "default-information" => {
                self.device.tables[table].family_mut(family).default_originate = true;
                Known::Yes
            }
            "maximum-paths" => {
                let eibgp = words.eat("eibgp");
                let ibgp = words.eat("ibgp");
                if words.peek_text() == "import" {
                    self.import_paths(table, family, words);
                    return Known::Yes;
                }
                let paths = value::number(&mut words, self.report, "number of paths", 1..=128);
                self.import_paths(table, family, words);
                if let Some(paths) = paths {
                    let config = self.device.tables[table].family_mut(family);
                    let first = config.maximum_paths.map_or(1, |first| first.value.paths);
                    // One limit stands for eBGP and iBGP here; the higher of both is taken.
                    let maximum =
                        MaximumPaths { paths: if ibgp { paths.value.max(first) } else { paths.value }, eibgp };
                    config.maximum_paths = Some(Located::new(maximum, paths.place));
                }
                Known::Yes
            }
            "distance" => {
                self.report.warning(place, "distances of BGP are not modelled", "taken as 20 and 200");
                Known::Yes
            }
            "bgp" if words.eat_all(&["default", "local-preference"]) => {
                self.default_preference(words.restart());
                Known::Yes
            }
            "import" if words.eat("path") => {
                self.import_path(table, family, words);
                Known::Yes
            }
            keyword @ ("table-map" | "default-metric" | "import") => {
                let message = format_args!("`{keyword}` is not modelled");
                self.report.warning(place, message, "routes or their metrics may differ");
                Known::Yes
            }
            _ => Known::No,
        }
    }

    fn default_preference(&mut self, line: Words<'_>) {
        self.report.warning(line.whole(), "a default local preference is not modelled", "taken as 100");
    }

    /// Undoes what follows `no` in an address family.
    fn forget_in_family(&mut self, table: usize, family: Family, mut words: Words<'_>) -> Known {
        let config = self.device.tables[table].family_mut(family);
        match words.next_text() {
            "neighbor" => return self.forget_neighbor(table, Some(family), words),
            "redistribute" => match words.next_text() {
                "connected" => config.connected = None,
                "static" => config.statics = None,
                _ => {}
            },
            "network" => {
                let before = std::mem::take(&mut config.networks);
                self.network(table, family, words);
                let config = self.device.tables[table].family_mut(family);
                let gone: Vec<_> = config.networks.drain(..).map(|network| network.prefix).collect();
                config.networks = before.into_iter().filter(|network| !gone.contains(&network.prefix)).collect();
            }
            "default-information" => config.default_originate = false,
            // These are off already.
            "synchronization" | "auto-summary" | "aggregate-address" | "maximum-paths" => {}
            _ => return Known::No,
        }
        Known::Yes
    }

    /// Reads a line of an address family for VPN routes.
    pub(super) fn bgp_vpn(&mut self, family: Family, mut words: Words<'_>) -> Known {
        let forget = words.eat("no");
        if words.next_text() != "neighbor" {
            return Known::No;
        }
        let Some(name) = words.next() else { return Known::No };
        let neighbor = self.device.tables[DEFAULT_TABLE].bgp.neighbor(name.text, name.place);
        // What else there is for a neighbour here changes no table: communities go along, next hops are the routers.
        neighbor_line::read_vpn(neighbor, family, words, forget, self.report);
        Known::Yes
    }

    fn router_id(&mut self, table: usize, mut words: Words<'_>) {
        if words.eat_all(&["vrf", "auto-assign"]) {
            self.router_ids.automatic = true;
            return;
        }
        if words.eat("interface") {
            let Some(name) = value::word(&mut words, self.report, "an interface") else { return };
            self.router_ids.interfaces.push((table, name.name()));
            return;
        }
        if words.peek_text() == "auto-assign" {
            return;
        }
        if let Some(id) = value::ipv4(&mut words, self.report) {
            self.device.tables[table].bgp.router_id = Some(id);
        }
    }

    fn redistribution(&mut self, place: Place, mut words: Words<'_>) -> Redistribution {
        let mut redistribution = Redistribution { place, policy: None, metric: None };
        while let Some(word) = words.next() {
            match word.text {
                "route-map" => {
                    redistribution.policy =
                        value::word(&mut words, self.report, "the name of a route map").map(Word::name);
                }
                "metric" => {
                    redistribution.metric =
                        value::number(&mut words, self.report, "metric", 0..=u32::MAX).map(|metric| metric.value);
                }
                _ => {}
            }
        }
        redistribution
    }

    fn network(&mut self, table: usize, family: Family, mut words: Words<'_>) -> Known {
        let place = words.whole();
        let net = match family {
            Family::Ipv6 => match words.next() {
                Some(word) => {
                    value::ipv6_net_of(word, self.report).map(|net| Located::new(IpNet::V6(net.value), net.place))
                }
                None => return Known::No,
            },
            Family::Ipv4 => {
                let Some(address) = value::ipv4(&mut words, self.report) else { return Known::Yes };
                let len = if words.eat("mask") {
                    value::mask(&mut words, self.report).map(|len| len.value)
                } else {
                    Some(classful_len(address.value))
                };
                len.and_then(|len| Ipv4Net::new(address.value, len).ok())
                    .map(|net| Located::new(IpNet::V4(net), address.place))
            }
        };
        let Some(prefix) = net.and_then(|net| value::without_host_bits(net, self.report)) else { return Known::Yes };
        let mut policy = None;
        while let Some(word) = words.next() {
            match word.text {
                "route-map" => {
                    policy = value::word(&mut words, self.report, "the name of a route map").map(Word::name);
                }
                "backdoor" => {
                    let message = "a backdoor puts nothing into BGP, and gives a route over eBGP the distance 200";
                    self.report.warning(place, message, "the distance is taken as 20");
                    return Known::Yes;
                }
                _ => {}
            }
        }
        let network = Originated { prefix: prefix.value, place, policy };
        self.device.tables[table].family_mut(family).networks.push(network);
        Known::Yes
    }

    /// Reads `import N`, if it follows: how many paths of one RD and prefix are imported.
    fn import_paths(&mut self, table: usize, family: Family, mut words: Words<'_>) {
        if words.eat("import")
            && let Some(paths) = value::number(&mut words, self.report, "number of paths", 1..=128)
        {
            self.device.tables[table].family_mut(family).import_paths = Some(paths);
        }
    }

    /// Reads what follows `import path`: how many of several paths are imported, and which.
    fn import_path(&mut self, table: usize, family: Family, mut words: Words<'_>) {
        let place = words.whole();
        match words.next_text() {
            "limit" => {
                if let Some(paths) = value::number(&mut words, self.report, "number of paths", 1..=128) {
                    self.device.tables[table].family_mut(family).import_paths = Some(paths);
                }
            }
            // Which of several are imported matters only where they are not equal, and those are not installed.
            "selection" if matches!(words.peek_text(), "all" | "multipath") => {
                let config = self.device.tables[table].family_mut(family);
                config.import_paths.get_or_insert(Located::new(u32::MAX, place));
            }
            "selection" => self.device.tables[table].family_mut(family).import_paths = None,
            _ => {}
        }
    }

    /// Reads what follows `neighbor` in an address family, or outside of any.
    fn neighbor(&mut self, table: usize, family: Option<Family>, mut words: Words<'_>) -> Known {
        let Some(name) = words.next() else { return Known::No };
        let neighbor = self.device.tables[table].bgp.neighbor(name.text, name.place);
        let families = [family.unwrap_or(Family::Ipv4)];
        Known::from(neighbor_line::read(neighbor, &families, words, &mut self.maps, self.report))
    }

    /// Undoes what follows `no neighbor`.
    fn forget_neighbor(&mut self, table: usize, family: Option<Family>, mut words: Words<'_>) -> Known {
        let Some(name) = words.next() else { return Known::No };
        let neighbor = self.device.tables[table].bgp.neighbor(name.text, name.place);
        Known::from(neighbor_line::forget(neighbor, &[family.unwrap_or(Family::Ipv4)], words))
    }

    /// Reads a line of `template peer-session` or `template peer-policy`, which is kept as a group.
    pub(super) fn bgp_template(&mut self, index: usize, words: Words<'_>) -> Known {
        // The lists that a template names are IPv4 lists; everything else goes for both families.
        let lists = matches!(words.peek_text(), "prefix-list" | "distribute-list" | "filter-list");
        let families = if lists { &[Family::Ipv4][..] } else { &Family::ALL };
        let neighbor = &mut self.device.tables[DEFAULT_TABLE].bgp.neighbors[index];
        Known::from(neighbor_line::read(neighbor, families, words, &mut self.maps, self.report))
    }

    /// Settles what needs the whole configuration: router ids taken from interfaces, and who is active by default.
    pub(super) fn finish_bgp(&mut self) {
        for (table, name) in std::mem::take(&mut self.router_ids.interfaces) {
            let full = super::interface_name::full_interface_name(&name.value);
            let address = self.device.interface_named(&full).and_then(|index| {
                let addresses = &self.device.interfaces[index].addresses;
                addresses.iter().find_map(|address| match address.net {
                    IpNet::V4(net) => Some(net.addr()),
                    IpNet::V6(_) => None,
                })
            });
            match address {
                Some(address) => {
                    self.device.tables[table].bgp.router_id = Some(Located::new(address, name.place));
                }
                None => self.report.error(
                    name.place,
                    format_args!("interface `{}` has no IPv4 address", name.value),
                    "expected an interface whose address becomes the router id",
                ),
            }
        }
        if self.router_ids.automatic {
            for table in DEFAULT_TABLE + 1..self.device.tables.len() {
                let id = self.device.router_id_of(table);
                let id = id.map(|id| Located::new(id, self.device.tables[table].place));
                let router_id = &mut self.device.tables[table].bgp.router_id;
                *router_id = router_id.or(id);
            }
        }
        // A neighbour of a VRF is active in the family that it stands in, unless told otherwise.
        let quiet = if self.default_unicast { None } else { Some(DEFAULT_TABLE) };
        for (_, table) in self.device.tables.iter_mut().enumerate().filter(|(index, _)| Some(*index) != quiet) {
            for neighbor in &mut table.bgp.neighbors {
                let is_group = neighbor.name.parse::<std::net::IpAddr>().is_err();
                if !is_group && neighbor.name.contains('.') {
                    neighbor.families[Family::Ipv4 as usize].active.get_or_insert(true);
                }
            }
        }
        let runs = self.device.asn.is_some();
        for (index, table) in self.device.tables.iter_mut().enumerate() {
            for family in Family::ALL {
                // A VRF with an RD takes part in BGP as soon as BGP runs.
                let ready = index == DEFAULT_TABLE || table.rd.is_some() && table.family(family).enabled;
                table.family_mut(family).in_bgp = runs && ready;
            }
        }
    }
}

/// Returns the length of the address's class, which `network` without a mask means.
pub(super) fn classful_len(address: std::net::Ipv4Addr) -> u8 {
    match address.octets()[0] {
        0 if address.is_unspecified() => 0,
        0..=127 => 8,
        128..=191 => 16,
        192..=223 => 24,
        _ => 32,
    }
}
