//! `ip route PREFIX ...` and `ipv6 route PREFIX ...`, of the default table or inside of `vrf`.

use std::net::IpAddr;

use vrfleak_engine::Family;

use super::{Read, Reader};
use crate::device::{StaticRoute, StaticTarget};
use crate::place::Located;
use crate::value;
use crate::word::Words;

impl Reader<'_, '_> {
    /// Reads what follows `ip route` or `ipv6 route`.
    pub(super) fn static_route(&mut self, mut table: usize, family: Family, mut words: Words<'_>) -> Read {
        let place = words.whole();
        let prefix = if family == Family::Ipv4 && !words.peek_text().contains('/') {
            value::ipv4_prefix(&mut words, self.report)
        } else {
            let Some(word) = value::word(&mut words, self.report, "a prefix") else { return Read::Whole };
            // FRR drops host bits itself.
            value::net_of(word, self.report).map(|net| Located::new(net.value.trunc(), net.place))
        };
        let Some(prefix) = prefix else { return Read::Whole };
        if prefix.value.addr().is_ipv4() != (family == Family::Ipv4) {
            let message = format_args!("`{}` is no {family} prefix", prefix.value);
            self.report.error(prefix.place, message, "expected one of the family of the command");
            return Read::Whole;
        }
        let Some(first) = value::word(&mut words, self.report, "a gateway, an interface or `blackhole`") else {
            return Read::Whole;
        };
        let address = |text: &str| text.parse::<IpAddr>().ok();
        let mut target = match address(first.text) {
            Some(gateway) => {
                // Without one of the keywords, a name behind the gateway is that of its interface.
                match words.peek().filter(|word| is_interface(word.text)) {
                    Some(interface) => {
                        words.next();
                        StaticTarget::Interface { name: interface.name(), gateway: Some(gateway) }
                    }
                    None => StaticTarget::Gateway { address: gateway, table: None },
                }
            }
            None if matches!(first.text, "Null0" | "blackhole" | "reject") => StaticTarget::Discard,
            None => StaticTarget::Interface { name: first.name(), gateway: None },
        };
        let mut route =
            StaticRoute { prefix: prefix.value, target: StaticTarget::Discard, distance: None, tag: 0, place };
        while let Some(word) = words.next() {
            match word.text {
                "tag" => {
                    let Some(tag) = value::number(&mut words, self.report, "tag", 0..=u32::MAX) else {
                        return Read::Whole;
                    };
                    route.tag = tag.value;
                }
                "vrf" => {
                    let Some(name) = words.next() else { return Read::Whole };
                    table = self.table(name);
                }
                "nexthop-vrf" => {
                    let Some(name) = words.next() else { return Read::Whole };
                    self.table(name);
                    if let StaticTarget::Gateway { table, .. } = &mut target {
                        *table = Some(name.name());
                    }
                }
                "onlink" | "bfd" => {}
                "table" | "label" | "color" => {
                    words.next();
                }
                text => match text.parse::<u8>() {
                    Ok(distance) if distance > 0 => route.distance = Some(distance),
                    _ => {
                        self.report.error(
                            word.place,
                            format_args!("`{text}` is no administrative distance"),
                            "expected a number from 1 to 255, `tag`, `vrf` or `nexthop-vrf`",
                        );
                        return Read::Whole;
                    }
                },
            }
        }
        route.target = target;
        self.device.tables[table].family_mut(family).routes.push(route);
        Read::Whole
    }
}

/// Returns whether a word behind a gateway is the name of an interface.
fn is_interface(text: &str) -> bool {
    const KEYWORDS: [&str; 8] = ["tag", "vrf", "nexthop-vrf", "onlink", "bfd", "table", "label", "color"];
    text.starts_with(|char: char| char.is_ascii_alphabetic()) && !KEYWORDS.contains(&text)
}
