//! `router bgp AS [vrf VRF]`.

use std::net::Ipv4Addr;

use vrfleak_engine::{Family, RouteTarget};

use super::{Mode, Read, Reader, VrfImport};
use crate::device::{
    DEFAULT_TABLE, MaximumPaths, Originated, RdChoice, Redistribution, StaticRoute, StaticTarget, UNUSED,
};
use crate::neighbor_line;
use crate::place::Located;
use crate::value;
use crate::word::{Word, Words};

impl Reader<'_, '_> {
    pub(super) fn router_bgp(&mut self, mut words: Words<'_>) -> Read {
        let Some(asn) = value::as_number(&mut words, self.report) else { return Read::Enters(Mode::Opaque) };
        let mut table = DEFAULT_TABLE;
        if matches!(words.peek_text(), "vrf" | "view") {
            words.next();
            let Some(name) = value::word(&mut words, self.report, "the name of a VRF") else { return Read::Whole };
            table = self.table(name);
        }
        if table == DEFAULT_TABLE || self.device.asn.is_none() {
            self.device.asn = Some(asn);
        }
        self.device.tables[table].bgp.asn = Some(asn.value);
        for family in Family::ALL {
            self.device.tables[table].family_mut(family).in_bgp = true;
        }
        Read::Enters(Mode::Bgp(table))
    }

    pub(super) fn bgp(&mut self, table: usize, mut words: Words<'_>) -> Read {
        match words.next_text() {
            "bgp" if words.eat("router-id") => {
                if let Some(id) = value::ipv4(&mut words, self.report) {
                    self.device.tables[table].bgp.router_id = Some(id);
                }
            }
            "bgp" if words.eat("ebgp-requires-policy") => {
                self.device.tables[table].bgp.requires_policy = Some(true);
            }
            "bgp" if words.eat_all(&["bestpath", "as-path", "multipath-relax"]) => self.device.relaxed_multipath = true,
            "bgp" if matches!(words.peek_text(), "always-compare-med" | "bestpath" | "deterministic-med") => {
                self.report.warning(
                    words.whole(),
                    "this rule of selection is not modelled",
                    "the best path may differ",
                );
            }
            "bgp" if words.eat_all(&["default", "local-preference"]) => {
                self.report.warning(words.whole(), "a default local preference is not modelled", "taken as 100");
            }
            "no" if words.eat_all(&["bgp", "ebgp-requires-policy"]) => {
                self.device.tables[table].bgp.requires_policy = Some(false);
            }
            "no" if words.eat_all(&["bgp", "default", "ipv4-unicast"]) => self.quiet.push(table),
            "no" if words.eat_all(&["bgp", "network", "import-check"]) => self.unchecked.push(table),
            "no" if words.peek_text() != "bgp" => return self.forget(table, Family::Ipv4, words),
            "neighbor" => return self.neighbor(table, None, words),
            "address-family" => {
                let family = match words.next_text() {
                    "ipv4" => Family::Ipv4,
                    "ipv6" => Family::Ipv6,
                    _ => return Read::Unknown,
                };
                return match words.next_text() {
                    "unicast" | "" => Read::Enters(Mode::BgpFamily(table, family)),
                    "vpn" => Read::Enters(Mode::BgpVpn(family)),
                    _ => Read::Unknown,
                };
            }
            "network" | "redistribute" | "maximum-paths" | "aggregate-address" => {
                return self.bgp_family(table, Family::Ipv4, words.restart());
            }
            _ => return Read::Unknown,
        }
        Read::Whole
    }

    pub(super) fn bgp_vpn(&mut self, family: Family, mut words: Words<'_>) -> Read {
        let forget = words.eat("no");
        if words.next_text() != "neighbor" {
            return Read::Unknown;
        }
        let Some(name) = words.next() else { return Read::Unknown };
        let neighbor = self.device.tables[DEFAULT_TABLE].bgp.neighbor(name.text, name.place);
        if neighbor_line::read_vpn(neighbor, family, words, forget, self.report) { Read::Whole } else { Read::Unknown }
    }

    pub(super) fn bgp_family(&mut self, table: usize, family: Family, mut words: Words<'_>) -> Read {
        let place = words.whole();
        match words.next_text() {
            "redistribute" => {
                let Some(protocol) = value::word(&mut words, self.report, "a protocol") else { return Read::Whole };
                let mut redistribution = Redistribution { place, policy: None, metric: None };
                while let Some(word) = words.next() {
                    match word.text {
                        "route-map" => redistribution.policy = words.next().map(Word::name),
                        "metric" => {
                            let metric = value::number(&mut words, self.report, "metric", 0..=u32::MAX);
                            redistribution.metric = metric.map(|metric| metric.value);
                        }
                        _ => {}
                    }
                }
                let config = self.device.tables[table].family_mut(family);
                match protocol.text {
                    "connected" => config.connected = Some(redistribution),
                    "static" => config.statics = Some(redistribution),
                    other => self.report.warning(
                        protocol.place,
                        format_args!("routes of `{other}` are not modelled"),
                        "those that would be put into BGP here are missing",
                    ),
                }
            }
            "network" => {
                let Some(word) = value::word(&mut words, self.report, "a prefix") else { return Read::Whole };
                let Some(net) = value::net_of(word, self.report) else { return Read::Whole };
                let mut policy = None;
                if words.eat("route-map") {
                    policy = words.next().map(Word::name);
                }
                let network = Originated { prefix: net.value.trunc(), place, policy };
                self.device.tables[table].family_mut(family).networks.push(network);
            }
            "aggregate-address" => {
                self.report.warning(place, "aggregates are not modelled", "the aggregate is missing");
            }
            "neighbor" => return self.neighbor(table, Some(family), words),
            "no" => return self.forget(table, family, words),
            "maximum-paths" => {
                words.eat("ibgp");
                if let Some(paths) = value::number(&mut words, self.report, "number of paths", 1..=256) {
                    let maximum = MaximumPaths { paths: paths.value, eibgp: false };
                    let config = self.device.tables[table].family_mut(family);
                    config.maximum_paths = Some(Located::new(maximum, paths.place));
                }
            }
            "distance" => self.report.warning(place, "distances of BGP are not modelled", "taken as 20 and 200"),
            "rd" if words.eat_all(&["vpn", "export"]) => {
                if let Some(rd) = value::rd(&mut words, self.report) {
                    self.set_rd(table, rd);
                }
            }
            "rt" | "route-target" if words.eat("vpn") => self.targets(table, family, words),
            "export" if words.eat("vpn") => self.exports.push((table, family)),
            "import" if words.eat("vpn") => self.imports.push((table, family)),
            "import" if words.eat("vrf") => {
                if words.eat("route-map") {
                    self.device.tables[table].family_mut(family).import_policy = words.next().map(Word::name);
                } else if let Some(name) = value::word(&mut words, self.report, "the name of a VRF") {
                    let (from, place) = (self.table(name), name.place);
                    self.leaks.push(VrfImport { into: table, from, family, place });
                }
            }
            "route-map" if words.eat("vpn") => {
                let direction = words.next();
                let name = words.next().map(Word::name);
                let config = self.device.tables[table].family_mut(family);
                match direction.map(|word| word.text) {
                    Some("import") => config.import_policy = name,
                    Some("export") => config.export_policy = name,
                    _ => self.report.error(
                        direction.map_or(words.end(), |word| word.place),
                        "a route map without a direction",
                        "expected `import` or `export`",
                    ),
                }
            }
            keyword @ ("table-map" | "default-metric") => {
                let message = format_args!("`{keyword}` is not modelled");
                self.report.warning(place, message, "routes or their metrics may differ");
            }
            "label" | "nexthop" if words.eat_all(&["vpn", "export"]) => {}
            _ => return Read::Unknown,
        }
        Read::Whole
    }

    /// Sets the RD of a table. FRR has one for each family, the model has one.
    fn set_rd(&mut self, table: usize, rd: Located<vrfleak_engine::Rd>) {
        let choice = RdChoice::Given(rd.value);
        match self.device.tables[table].rd {
            Some(first) if first.value != choice => self.report.warning(
                rd.place,
                "an RD for each address family is not modelled",
                "the first one stands for both",
            ),
            Some(_) => {}
            None => self.device.tables[table].rd = Some(Located::new(choice, rd.place)),
        }
    }

    /// Reads what follows `rt vpn`.
    fn targets(&mut self, table: usize, family: Family, mut words: Words<'_>) {
        let direction = words.next();
        let (import, export) = match direction.map(|word| word.text) {
            Some("import") => (true, false),
            Some("export") => (false, true),
            Some("both") => (true, true),
            _ => {
                self.report.error(
                    direction.map_or(words.end(), |word| word.place),
                    "a route target without a direction",
                    "expected `import`, `export` or `both`",
                );
                return;
            }
        };
        loop {
            let Some(target) = value::route_target(&mut words, self.report) else { return };
            let target = Located::new(Some(target.value), target.place);
            let targets = &mut self.device.tables[table].family_mut(family).targets;
            if import {
                targets.import.push(target);
            }
            if export {
                targets.export.push(target);
            }
            if words.is_empty() {
                return;
            }
        }
    }

    fn neighbor(&mut self, table: usize, family: Option<Family>, mut words: Words<'_>) -> Read {
        let Some(name) = words.next() else { return Read::Unknown };
        let neighbor = self.device.tables[table].bgp.neighbor(name.text, name.place);
        let families = [family.unwrap_or(Family::Ipv4)];
        if neighbor_line::read(neighbor, &families, words, &mut self.maps, self.report) {
            Read::Whole
        } else {
            Read::Unknown
        }
    }

    /// Undoes what follows `no` in an instance or an address family.
    fn forget(&mut self, table: usize, family: Family, mut words: Words<'_>) -> Read {
        let keyword = words.next_text();
        let rest = words;
        let named = self.device.table_named(rest.last_text());
        let config = self.device.tables[table].family_mut(family);
        match (keyword, words.next_text()) {
            ("neighbor", "") => return Read::Unknown,
            ("neighbor", _) => {
                let mut words = rest;
                let Some(name) = words.next() else { return Read::Unknown };
                let neighbor = self.device.tables[table].bgp.neighbor(name.text, name.place);
                if !neighbor_line::forget(neighbor, &[family], words) {
                    return Read::Unknown;
                }
            }
            ("redistribute", "connected") => config.connected = None,
            ("redistribute", "static") => config.statics = None,
            ("network", prefix) => {
                let prefix = prefix.parse::<ipnet::IpNet>().map(|net| net.trunc()).ok();
                config.networks.retain(|network| Some(network.prefix) != prefix);
            }
            ("export", "vpn") => self.exports.retain(|&there| there != (table, family)),
            ("import", "vpn") => self.imports.retain(|&there| there != (table, family)),
            ("import", "vrf") => match (words.next_text(), named) {
                ("route-map", _) => config.import_policy = None,
                ("default", _) => self.leaks.retain(|leak| !leak.is(table, DEFAULT_TABLE, family)),
                (_, Some(from)) => self.leaks.retain(|leak| !leak.is(table, from, family)),
                _ => {}
            },
            ("route-map", "vpn") if words.peek_text() == "import" => config.import_policy = None,
            ("route-map", "vpn") => config.export_policy = None,
            ("rd", "vpn") => self.device.tables[table].rd = None,
            ("rt" | "route-target", "vpn") => {
                let before = std::mem::take(&mut config.targets);
                let mut words = rest;
                words.next();
                if words.rest().text.contains(':') {
                    self.targets(table, family, words);
                }
                let config = self.device.tables[table].family_mut(family);
                let gone = std::mem::replace(&mut config.targets, before);
                let all = !words.rest().text.contains(':');
                let direction = words.peek_text();
                let is_gone =
                    |list: &[Located<Option<RouteTarget>>], value| list.iter().any(|gone| gone.value == value);
                config
                    .targets
                    .import
                    .retain(|there| !(is_gone(&gone.import, there.value) || all && direction != "export"));
                config
                    .targets
                    .export
                    .retain(|there| !(is_gone(&gone.export, there.value) || all && direction != "import"));
            }
            // What is off by default.
            ("label" | "nexthop" | "maximum-paths" | "aggregate-address" | "distance", _) => {}
            _ => return Read::Unknown,
        }
        Read::Whole
    }

    /// Settles what needs the whole configuration.
    pub(super) fn finish_bgp(&mut self) {
        // Targets count only where the routes are let out of or into the table.
        for (index, table) in self.device.tables.iter_mut().enumerate() {
            for family in Family::ALL {
                let config = table.family_mut(family);
                if !self.exports.contains(&(index, family)) {
                    config.targets.export.clear();
                }
                if !self.imports.contains(&(index, family)) {
                    config.targets.import.clear();
                }
            }
            if !self.quiet.contains(&index) {
                for neighbor in &mut table.bgp.neighbors {
                    if neighbor.groups.is_empty() {
                        neighbor.families[Family::Ipv4 as usize].active.get_or_insert(true);
                    }
                }
            }
            // A prefix that is put into BGP without being there: it leads nowhere, and stands behind all other routes.
            if self.unchecked.contains(&index) {
                for family in Family::ALL {
                    let config = table.family_mut(family);
                    let routes = config.networks.iter().map(|network| StaticRoute {
                        distance: Some(UNUSED),
                        ..StaticRoute::new(network.prefix, StaticTarget::Discard, network.place)
                    });
                    config.routes.extend(routes);
                }
            }
        }
        let default_id = self.device.tables[DEFAULT_TABLE].bgp.router_id;
        for VrfImport { into, from, family, place } in std::mem::take(&mut self.leaks) {
            let id = self.device.tables[from].bgp.router_id.or(default_id);
            let id = id.map_or(Ipv4Addr::UNSPECIFIED, |id| id.value);
            // The other table's derived RD serves as its target as well.
            let target = Located::new(Some(RouteTarget::ipv4(id, from as u16)), place);
            let other = &mut self.device.tables[from];
            other.rd.get_or_insert(Located::new(RdChoice::Auto, place));
            let exported = &mut other.family_mut(family).targets.export;
            if !exported.iter().any(|there| there.value == target.value) {
                exported.push(target);
            }
            self.device.tables[into].family_mut(family).targets.import.push(target);
        }
    }
}
