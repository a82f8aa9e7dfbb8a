//! `ip route [vrf X] ...` and `ipv6 route [vrf X] ...`.

use std::net::IpAddr;

use ipnet::IpNet;
use vrfleak_engine::Family;

use super::Reader;
use super::interface_name::full_interface_name;
use crate::device::{DEFAULT_TABLE, StaticRoute, StaticTarget};
use crate::place::Located;
use crate::value;
use crate::word::{Word, Words};

impl Reader<'_, '_> {
    /// Undoes what follows `no ip route` or `no ipv6 route`: every route to the prefix, or those by the way that is given.
    pub(super) fn forget_static_route(&mut self, words: Words<'_>, family: Family) {
        let mut rest = words;
        let mut table = DEFAULT_TABLE;
        if rest.eat("vrf") {
            let Some(index) = self.device.table_named(rest.next_text()) else { return };
            table = index;
        }
        let before = self.device.tables[table].family(family).routes.len();
        let prefix = match family {
            Family::Ipv4 => value::ipv4_prefix(&mut rest, self.report).map(|prefix| prefix.value),
            Family::Ipv6 => rest.next_text().parse().ok(),
        };
        let any = rest.is_empty();
        if !any {
            self.static_route(words, family);
        }
        let routes = &mut self.device.tables[table].family_mut(family).routes;
        let gone: Vec<_> = routes.drain(before..).map(|route| format!("{:?}", without_places(route))).collect();
        routes.retain(|route| {
            Some(route.prefix) != prefix || !any && !gone.contains(&format!("{:?}", without_places(route.clone())))
        });
    }

    /// Reads what follows `ip route` or `ipv6 route`.
    pub(super) fn static_route(&mut self, mut words: Words<'_>, family: Family) {
        let place = words.whole();
        let mut table = DEFAULT_TABLE;
        if words.eat("vrf") {
            let Some(name) = value::word(&mut words, self.report, "the name of a VRF") else { return };
            match self.device.table_named(name.text) {
                Some(index) => table = index,
                None => {
                    self.report.error(
                        name.place,
                        format_args!("VRF `{}` is not defined", name.text),
                        "expected a VRF that is defined above",
                    );
                    return;
                }
            }
        } else if words.peek_text() == "static" || words.peek_text() == "profile" {
            return; // `ip route static bfd ...` sets no route.
        }
        let prefix = match family {
            Family::Ipv4 => value::ipv4_prefix(&mut words, self.report),
            Family::Ipv6 => value::word(&mut words, self.report, "an IPv6 prefix")
                .and_then(|word| value::ipv6_net_of(word, self.report))
                .and_then(|net| value::without_host_bits(Located::new(IpNet::V6(net.value), net.place), self.report)),
        };
        let Some(prefix) = prefix else { return };
        let Some(first) = value::word(&mut words, self.report, "a gateway, an interface or Null0") else { return };
        let Some(target) = self.static_target(first, &mut words, family) else { return };
        let mut route = StaticRoute::new(prefix.value, target, place);
        while let Some(word) = words.next() {
            match word.text {
                "global" => look_up_in(&mut route.target, Located::new("default".to_owned(), word.place)),
                "nexthop-vrf" => {
                    let Some(name) = value::word(&mut words, self.report, "the name of a VRF") else { return };
                    look_up_in(&mut route.target, name.name());
                }
                "name" => skip_name(&mut words),
                "tag" => {
                    let Some(tag) = value::number(&mut words, self.report, "tag", 0..=u32::MAX) else { return };
                    route.tag = tag.value;
                }
                "track" => {
                    let track = words.next();
                    self.report.warning(
                        track.map_or(word.place, |track| track.place),
                        "the route depends on a tracked object",
                        "taken as up",
                    );
                }
                "dhcp" => {}
                "multicast" => return,
                "permanent" | "unicast" => {}
                text => {
                    let distance = text.parse::<u8>().ok().filter(|&distance| distance > 0);
                    if distance.is_none() {
                        self.report.error(
                            word.place,
                            format_args!("`{text}` is no administrative distance"),
                            "expected a number from 1 to 255, `name`, `tag`, `track`, `permanent` or `global`",
                        );
                        return;
                    }
                    route.distance = distance;
                }
            }
        }
        self.device.add_static(table, family, route, self.report);
    }

    /// Reads where the route leads: `first`, and a gateway behind an interface.
    fn static_target(&mut self, first: Word<'_>, words: &mut Words<'_>, family: Family) -> Option<StaticTarget> {
        let address = |text: &str| match family {
            Family::Ipv4 => text.parse().map(IpAddr::V4).ok(),
            Family::Ipv6 => text.parse().map(IpAddr::V6).ok(),
        };
        if first.text.eq_ignore_ascii_case("Null0") {
            return Some(StaticTarget::Discard);
        }
        if let Some(address) = address(first.text) {
            return Some(StaticTarget::Gateway { address, table: None });
        }
        if first.text == "dhcp" {
            self.report.warning(first.place, "the gateway is known to the router alone", "the route is left out");
            return None;
        }
        let byte = first.text.as_bytes()[0];
        if !byte.is_ascii_alphabetic()
            || !first.text.bytes().any(|byte| byte.is_ascii_digit())
            || first.text.contains(':')
        {
            self.report.error(
                first.place,
                format_args!("`{}` is neither a gateway nor an interface", first.text),
                match family {
                    Family::Ipv4 => "expected an IPv4 address, an interface or Null0",
                    Family::Ipv6 => "expected an IPv6 address, an interface or Null0",
                },
            );
            return None;
        }
        let gateway = address(words.peek_text());
        if gateway.is_some() {
            words.next();
        }
        Some(StaticTarget::Interface { name: Located::new(full_interface_name(first.text), first.place), gateway })
    }
}

/// Returns where a route leads, as text that compares equal wherever it stands.
fn without_places(route: StaticRoute) -> (IpNet, String) {
    let text = match route.target {
        StaticTarget::Gateway { address, table } => format!("{address} {:?}", table.map(|table| table.value)),
        StaticTarget::Interface { name, gateway } => format!("{} {gateway:?}", name.value),
        StaticTarget::Table(name) => name.value,
        StaticTarget::Discard => String::new(),
    };
    (route.prefix, text)
}

/// Takes a name, one word or several in quotes.
fn skip_name(words: &mut Words<'_>) {
    let Some(mut word) = words.next().map(|word| word.text) else { return };
    let Some(rest) = word.strip_prefix('"') else { return };
    word = rest;
    while !word.ends_with('"') {
        let Some(next) = words.next() else { return };
        word = next.text;
    }
}

/// Has the gateway looked up in another table.
fn look_up_in(target: &mut StaticTarget, other: Located<String>) {
    if let StaticTarget::Gateway { table, .. } = target {
        *table = Some(other);
    }
}
