//! `router static`.

use std::net::IpAddr;

use vrfleak_engine::Family;

use super::{Mode, Read, Reader};
use crate::device::{DEFAULT_TABLE, StaticRoute, StaticTarget};
use crate::value;
use crate::word::{Word, Words};

impl Reader<'_, '_, '_> {
    pub(super) fn router_static(&mut self, mut words: Words<'_>) -> Read {
        if words.peek_text() != "vrf" {
            return Self::static_table(DEFAULT_TABLE, words);
        }
        words.next();
        let Some(name) = value::word(&mut words, self.report, "the name of a VRF") else { return Read::Whole };
        Read::Enters(Mode::StaticTable(self.table(name)))
    }

    pub(super) fn static_table(table: usize, mut words: Words<'_>) -> Read {
        match words.next_text() {
            "address-family" => match Self::unicast(words) {
                Some(family) => Read::Enters(Mode::StaticFamily(table, family)),
                None => Read::Unknown,
            },
            _ => Read::Unknown,
        }
    }

    /// Reads `PREFIX [vrf VRF] {GATEWAY | INTERFACE [GATEWAY] | Null0} ...`.
    pub(super) fn static_route(&mut self, table: usize, family: Family, mut words: Words<'_>) -> Read {
        let place = words.whole();
        if !words.peek_text().contains('/') {
            return Read::Unknown;
        }
        let Some(prefix) = words.next().and_then(|word| value::net_of(word, self.report)) else { return Read::Whole };
        let Some(prefix) = value::without_host_bits(prefix, self.report) else { return Read::Whole };
        if prefix.value.addr().is_ipv4() != (family == Family::Ipv4) {
            self.report.error(
                prefix.place,
                format_args!("`{}` is no {family} prefix", prefix.value),
                format_args!("expected one of address family {family}"),
            );
            return Read::Whole;
        }
        let mut other = None;
        if words.eat("vrf") {
            other = words.next().map(Word::name);
        }
        let Some(first) = value::word(&mut words, self.report, "a gateway, an interface or Null0") else {
            return Read::Whole;
        };
        let address = |text: &str| text.parse::<IpAddr>().ok();
        let target = if first.text.eq_ignore_ascii_case("Null0") {
            StaticTarget::Discard
        } else if let Some(address) = address(first.text) {
            StaticTarget::Gateway { address, table: other }
        } else if first.text.starts_with(|char: char| char.is_ascii_alphabetic()) {
            let gateway = address(words.peek_text());
            if gateway.is_some() {
                words.next();
            }
            StaticTarget::Interface { name: first.name(), gateway }
        } else {
            self.report.error(
                first.place,
                format_args!("`{}` is neither a gateway nor an interface", first.text),
                "expected an address, an interface or Null0",
            );
            return Read::Whole;
        };
        let mut route = StaticRoute::new(prefix.value, target, place);
        while let Some(word) = words.next() {
            match word.text {
                "tag" => {
                    let Some(tag) = value::number(&mut words, self.report, "tag", 0..=u32::MAX) else {
                        return Read::Whole;
                    };
                    route.tag = tag.value;
                }
                "description" => break,
                "metric" | "vrflabel" | "tunnel-id" => {
                    words.next();
                }
                "track" => {
                    words.next();
                    self.report.warning(word.place, "the route depends on a tracked object", "taken as up");
                }
                "bfd" => break,
                "permanent" => {}
                text => match text.parse::<u8>() {
                    Ok(distance) if distance > 0 => route.distance = Some(distance),
                    _ => {
                        self.report.error(
                            word.place,
                            format_args!("`{text}` is no administrative distance"),
                            "expected a number from 1 to 254, `tag`, `metric`, `permanent` or `description`",
                        );
                        return Read::Whole;
                    }
                },
            }
        }
        self.device.add_static(table, family, route, self.report);
        Read::Whole
    }
}
