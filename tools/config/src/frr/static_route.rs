//! `ip route PREFIX ...` and `ipv6 route PREFIX ...`, of the default table or inside of `vrf`.

use std::net::IpAddr;

use vrfleak_engine::Family;

use super::{Read, Reader};
use crate::device::{StaticRoute, StaticTarget};
use crate::place::Located;
use crate::value;
use crate::word::Words;

impl Reader<'_, '_> {
    /// Undoes what follows `no` where a static route does: every route to the prefix.
    pub(super) fn forget_static_route(&mut self, mut table: usize, mut words: Words<'_>) -> Read {
        let family = match words.next_text() {
            "ip" => Family::Ipv4,
            "ipv6" => Family::Ipv6,
            _ => return Read::Unknown,
        };
        if words.next_text() != "route" {
            return Read::Unknown;
        }
        let prefix = words.next_text().parse::<ipnet::IpNet>().map(|net| net.trunc()).ok();
        let gateway = words.peek_text().parse::<IpAddr>().ok();
        while let Some(word) = words.next() {
            if word.text == "vrf"
                && let Some(index) = words.next().and_then(|name| self.device.table_named(name.text))
            {
                table = index;
            }
        }
        let other = |target: &StaticTarget| match target {
            StaticTarget::Gateway { address, .. } => gateway.is_some_and(|gateway| gateway != *address),
            _ => false,
        };
        let routes = &mut self.device.tables[table].family_mut(family).routes;
        routes.retain(|route| Some(route.prefix) != prefix || other(&route.target));
        Read::Whole
    }

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
        let target = match address(first.text) {
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
        let mut route = StaticRoute::new(prefix.value, target, place);
        let mut vrf = None;
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
                    vrf = Some(name.name());
                    if let StaticTarget::Gateway { table, .. } = &mut route.target {
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
        // The kernel may have made the interface; then the configuration does not show it.
        if let StaticTarget::Interface { name, .. } = &route.target
            && self.device.interface_named(&name.value).is_none()
        {
            let vrf = vrf.unwrap_or_else(|| Located::new(self.device.tables[table].name.clone(), name.place));
            let index = self.device.define_interface(&name.value, name.place);
            self.device.interfaces[index].vrf = Some(vrf).filter(|vrf| vrf.value != "default");
        }
        self.device.add_static(table, family, route, self.report);
        Read::Whole
    }
}

/// Returns whether a word behind a gateway is the name of an interface.
fn is_interface(text: &str) -> bool {
    const KEYWORDS: [&str; 8] = ["tag", "vrf", "nexthop-vrf", "onlink", "bfd", "table", "label", "color"];
    text.starts_with(|char: char| char.is_ascii_alphabetic()) && !KEYWORDS.contains(&text)
}
