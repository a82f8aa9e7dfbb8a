//! `router bgp`.

use ipnet::IpNet;
use vrfleak_engine::Family;

use super::{Mode, Read, Reader};
use crate::device::{DEFAULT_TABLE, LocalAs, MaximumPaths, Neighbor, Originated, PrivateAs, Redistribution, RemoteAs};
use crate::place::{Located, Place};
use crate::value;
use crate::word::{Word, Words};

impl<'a> Reader<'_, '_, 'a> {
    pub(super) fn router_bgp(&mut self, mut words: Words<'a>) -> Read {
        if let Some(asn) = value::as_number(&mut words, self.report) {
            self.device.asn = Some(asn);
        }
        Read::Enters(Mode::Bgp)
    }

    pub(super) fn bgp(&mut self, mut words: Words<'a>) -> Read {
        if words.peek_text() != "vrf" {
            return self.bgp_table(DEFAULT_TABLE, words);
        }
        words.next();
        let Some(name) = value::word(&mut words, self.report, "the name of a VRF") else { return Read::Whole };
        Read::Enters(Mode::BgpTable(self.table(name)))
    }

    /// Reads a line of a table, the default one included.
    pub(super) fn bgp_table(&mut self, table: usize, mut words: Words<'a>) -> Read {
        match words.next_text() {
            "rd" => self.rd(table, words),
            "bgp" if words.eat("router-id") => {
                if let Some(id) = value::ipv4(&mut words, self.report) {
                    self.device.tables[table].bgp.router_id = Some(id);
                }
            }
            "address-family" => {
                return match Self::unicast(words) {
                    Some(family) => {
                        self.device.tables[table].family_mut(family).in_bgp = true;
                        Read::Enters(Mode::BgpFamily(table, family))
                    }
                    None if matches!(words.peek_text(), "vpnv4" | "vpnv6") => Read::Enters(Mode::Opaque),
                    None => Read::Unknown,
                };
            }
            kind @ ("neighbor" | "neighbor-group" | "session-group" | "af-group") => {
                let Some(name) = value::word(&mut words, self.report, "an address or a name") else {
                    return Read::Whole;
                };
                let key = if kind == "neighbor" { name.text.to_owned() } else { group(kind, name.text) };
                let bgp = &mut self.device.tables[table].bgp;
                bgp.neighbor(&key, name.place);
                let index = bgp.neighbor_index(&key).unwrap_or_default();
                if kind == "af-group" && words.eat("address-family") {
                    return match Self::unicast(words) {
                        Some(family) => Read::Enters(Mode::NeighborFamily(table, index, family)),
                        None if self.exchanges_vpn(table, index, words) => {
                            Read::Enters(Mode::NeighborVpn(table, index))
                        }
                        None => Read::Unknown,
                    };
                }
                return Read::Enters(Mode::Neighbor(table, index));
            }
            "bgp" if words.eat("unsafe-ebgp-policy") => self.device.requires_policy = false,
            "bgp" if words.eat_all(&["default", "local-preference"]) => {
                self.report.warning(words.whole(), "a default local preference is not modelled", "taken as 100");
            }
            "bgp" if words.eat_all(&["bestpath", "as-path", "multipath-relax"]) => self.device.relaxed_multipath = true,
            "bgp" if words.eat("bestpath") => {
                self.report.warning(
                    words.whole(),
                    "this rule of selection is not modelled",
                    "the best path may differ",
                );
            }
            _ => return Read::Unknown,
        }
        Read::Whole
    }

    pub(super) fn bgp_family(&mut self, table: usize, family: Family, mut words: Words<'a>) -> Read {
        let place = words.whole();
        match words.next_text() {
            "redistribute" => {
                let Some(protocol) = value::word(&mut words, self.report, "a protocol") else { return Read::Whole };
                let redistribution = match protocol.text {
                    "connected" | "static" => self.redistribution(place, words),
                    other => {
                        self.report.warning(
                            protocol.place,
                            format_args!("routes of `{other}` are not modelled"),
                            "those that would be put into BGP here are missing",
                        );
                        return Read::Whole;
                    }
                };
                let config = self.device.tables[table].family_mut(family);
                let is_connected = protocol.text == "connected";
                *(if is_connected { &mut config.connected } else { &mut config.statics }) = Some(redistribution);
            }
            "network" => {
                let Some(word) = value::word(&mut words, self.report, "a prefix") else { return Read::Whole };
                let prefix = if word.text.contains('/') {
                    value::net_of(word, self.report)
                } else {
                    let Some(address) = value::ipv4_of(word, self.report) else { return Read::Whole };
                    let Some(len) = value::mask(&mut words, self.report) else { return Read::Whole };
                    let net = ipnet::Ipv4Net::new(address.value, len.value).ok();
                    net.map(|net| Located::new(IpNet::V4(net), word.place))
                };
                let Some(prefix) = prefix.and_then(|net| value::without_host_bits(net, self.report)) else {
                    return Read::Whole;
                };
                let mut policy = None;
                if words.eat("route-policy") {
                    policy = self.policies.reference(words, self.report);
                } else if words.eat("backdoor") {
                    let message = "a backdoor puts nothing into BGP, and gives a route over eBGP the distance 200";
                    self.report.warning(place, message, "the distance is taken as 20");
                    return Read::Whole;
                }
                let network = Originated { prefix: prefix.value, place, policy };
                self.device.tables[table].family_mut(family).networks.push(network);
            }
            "aggregate-address" => {
                self.report.warning(place, "aggregates are not modelled", "the aggregate is missing");
            }
            "default-information" => self.device.tables[table].family_mut(family).default_originate = true,
            "maximum-paths" => {
                let kind = words.next_text();
                if let Some(paths) = value::number(&mut words, self.report, "number of paths", 1..=128) {
                    let config = self.device.tables[table].family_mut(family);
                    let first = config.maximum_paths.map_or(1, |first| first.value.paths);
                    let maximum = MaximumPaths { paths: paths.value.max(first), eibgp: kind == "eibgp" };
                    config.maximum_paths = Some(Located::new(maximum, paths.place));
                }
            }
            keyword @ ("table-policy" | "default-metric") => {
                let message = format_args!("`{keyword}` is not modelled");
                self.report.warning(place, message, "routes or their metrics may differ");
            }
            "distance" => self.report.warning(place, "distances of BGP are not modelled", "taken as 20 and 200"),
            _ => return Read::Unknown,
        }
        Read::Whole
    }

    fn redistribution(&mut self, place: Place, mut words: Words<'a>) -> Redistribution {
        let mut redistribution = Redistribution { place, policy: None, metric: None };
        while let Some(word) = words.next() {
            match word.text {
                "route-policy" => {
                    redistribution.policy = self.policies.reference(words, self.report);
                    break;
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

    pub(super) fn neighbor(&mut self, table: usize, index: usize, mut words: Words<'a>) -> Read {
        let neighbor = &mut self.device.tables[table].bgp.neighbors[index];
        match words.next_text() {
            "remote-as" => {
                if let Some(asn) = value::as_number(&mut words, self.report) {
                    neighbor.remote_as = Some(Located::new(RemoteAs::Number(asn.value), asn.place));
                }
            }
            "use" => return use_group(neighbor, words),
            "local-as" => {
                if let Some(asn) = value::as_number(&mut words, self.report) {
                    let rest = words.rest().text;
                    let (prepends, replaces) = (!rest.contains("no-prepend"), rest.contains("replace-as"));
                    neighbor.local_as = Some(LocalAs { asn: asn.value, prepends, replaces });
                }
            }
            "no" if words.eat("shutdown") => neighbor.shutdown = false,
            "update-source" => neighbor.update_source = words.next().map(Word::name),
            "shutdown" => neighbor.shutdown = true,
            "address-family" => {
                if self.exchanges_vpn(table, index, words) {
                    return Read::Enters(Mode::NeighborVpn(table, index));
                }
                let neighbor = &mut self.device.tables[table].bgp.neighbors[index];
                return match Self::unicast(words) {
                    Some(family) => {
                        neighbor.families[family as usize].active = Some(true);
                        Read::Enters(Mode::NeighborFamily(table, index, family))
                    }
                    None => Read::Unknown,
                };
            }
            _ => return Read::Unknown,
        }
        Read::Whole
    }

    pub(super) fn neighbor_family(&mut self, table: usize, index: usize, family: Family, mut words: Words<'a>) -> Read {
        let neighbor = &mut self.device.tables[table].bgp.neighbors[index];
        let config = &mut neighbor.families[family as usize];
        match words.next_text() {
            "use" => return use_group(neighbor, words),
            "route-policy" => {
                let Some(name) = self.policies.reference(words, self.report) else { return Read::Whole };
                let outward = words.rest().text.ends_with("out");
                *(if outward { &mut config.policy_out } else { &mut config.policy_in }) = Some(name);
            }
            "weight" => {
                if let Some(weight) = value::number(&mut words, self.report, "weight", 0..=65535) {
                    config.weight = Some(weight.value);
                }
            }
            "allowas-in" => config.allowas_in = Some(words.next_text().parse().unwrap_or(3)),
            "as-override" => config.as_override = Some(true),
            "default-originate" => config.default_originate = Some(words.peek_text() != "inheritance-disable"),
            "send-community-ebgp" => config.send_community = Some(words.peek_text() != "inheritance-disable"),
            "maximum-prefix" => {
                let limit = value::number(&mut words, self.report, "number of prefixes", 1..=u32::MAX);
                let quiet = words.rest().text.contains("warning-only") || words.rest().text.contains("discard-extra");
                config.maximum_prefix = limit.map(|limit| limit.value).filter(|_| !quiet);
            }
            "route-reflector-client" => config.reflected = Some(words.peek_text() != "inheritance-disable"),
            "remove-private-AS" if words.peek_text() != "inbound" => {
                let replaced = words.rest().text.contains("replace-as");
                config.private_as = Some(PrivateAs { all: !words.rest().text.contains("entire-aspath"), replaced });
            }
            keyword @ ("remove-private-AS" | "site-of-origin" | "orf") => {
                let message = format_args!("`{keyword}` is not modelled");
                self.report.warning(words.whole(), message, "routes of this neighbour may differ");
            }
            _ => return Read::Unknown,
        }
        Read::Whole
    }

    /// Reads a line of a neighbour's address family for VPN routes.
    pub(super) fn neighbor_vpn(&mut self, table: usize, index: usize, mut words: Words<'a>) -> Read {
        match words.next_text() {
            "route-reflector-client" => {
                self.device.tables[table].bgp.neighbors[index].reflected = Some(true);
                Read::Whole
            }
            "use" => use_group(&mut self.device.tables[table].bgp.neighbors[index], words),
            "route-policy" => {
                self.device.tables[table].bgp.neighbors[index].vpn_policy = true;
                self.vpn_policies.extend(self.policies.reference(words, self.report));
                Read::Whole
            }
            _ => Read::Unknown,
        }
    }

    /// Has a neighbour or group exchange VPN routes if `vpnv4 unicast` or `vpnv6 unicast` follows, and returns whether.
    fn exchanges_vpn(&mut self, table: usize, index: usize, words: Words<'a>) -> bool {
        let family = match words.peek_text() {
            "vpnv4" => Family::Ipv4,
            "vpnv6" => Family::Ipv6,
            _ => return false,
        };
        self.device.tables[table].bgp.neighbors[index].vpn[family as usize] = Some(true);
        true
    }

    /// Settles what needs the whole configuration: which tables take part in BGP.
    pub(super) fn finish_bgp(&mut self) {
        for name in std::mem::take(&mut self.vpn_policies) {
            if !self.policies.passes_all(&name.value) {
                self.report.warning(
                    name.place,
                    "a policy between PEs is not modelled",
                    "VPN routes go from PE to PE unchanged",
                );
            }
        }
        for table in self.device.tables.iter_mut().skip(DEFAULT_TABLE + 1) {
            let ready = table.rd.is_some();
            for family in Family::ALL {
                let config = table.family_mut(family);
                config.in_bgp &= ready && config.enabled;
            }
        }
    }
}

/// Returns the name under which a group is kept beside the neighbours of a table.
fn group(kind: &str, name: &str) -> String {
    format!("{kind} {name}")
}

/// Reads what follows `use`.
fn use_group(neighbor: &mut Neighbor, mut words: Words<'_>) -> Read {
    match (words.next_text(), words.next()) {
        (kind @ ("neighbor-group" | "session-group" | "af-group"), Some(name)) => {
            neighbor.groups.push(Located::new(group(kind, name.text), name.place));
            Read::Whole
        }
        _ => Read::Unknown,
    }
}
