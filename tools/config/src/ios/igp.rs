//! `router ospf`, `router eigrp` and `router rip`: which interfaces take part, since `redistribute` in BGP takes their
//! subnets along.

use std::net::Ipv4Addr;

use super::bgp::classful_len;
use super::{Known, Mode, Reader};
use crate::device::{DEFAULT_TABLE, Igp, IgpKind};
use crate::word::Words;

impl Reader<'_, '_> {
    /// Reads what follows `router` for another protocol than BGP.
    pub(super) fn router_igp(&mut self, mut words: Words<'_>, indent: u32) -> Known {
        let Some(kind) = IgpKind::named(words.next_text()) else { return Known::No };
        // A name instead of a number is that of EIGRP's named mode.
        let number = words.next_text().parse().unwrap_or(0);
        let mut table = Some(DEFAULT_TABLE);
        if words.eat("vrf") {
            table = self.device.table_named(words.next_text());
        }
        let Some(table) = table else { return Known::No };
        let index = self.define_igp(kind, number, table);
        self.enter(0, Mode::Igp(index), indent);
        Known::Yes
    }

    fn define_igp(&mut self, kind: IgpKind, number: u32, table: usize) -> usize {
        self.device.igps.push(Igp { kind, number, table, networks: Vec::new() });
        self.device.igps.len() - 1
    }

    /// Reads a line of a process, or of an address family of it.
    pub(super) fn igp(&mut self, index: usize, mut words: Words<'_>, indent: u32, depth: usize) -> Known {
        let process = &mut self.device.igps[index];
        match words.next_text() {
            "network" => {
                let Ok(address) = words.next_text().parse::<Ipv4Addr>() else { return Known::No };
                let wildcard = match words.next_text().parse::<Ipv4Addr>() {
                    // A mask in place of a wildcard is turned around, as the router does.
                    Ok(mask) if mask.octets()[0] == 255 && process.kind == IgpKind::Eigrp => !mask,
                    Ok(wildcard) => wildcard,
                    Err(_) => Ipv4Addr::from_bits(u32::MAX.checked_shr(u32::from(classful_len(address))).unwrap_or(0)),
                };
                process.networks.push((address, wildcard));
            }
            "autonomous-system" => match words.next_text().parse() {
                Ok(number) => process.number = number,
                Err(_) => return Known::No,
            },
            "address-family" if words.eat("ipv4") => {
                words.eat("unicast");
                let (kind, mut number) = (process.kind, process.number);
                let mut table = Some(DEFAULT_TABLE);
                while let Some(word) = words.next() {
                    match word.text {
                        "vrf" => table = self.device.table_named(words.next_text()),
                        "autonomous-system" => number = words.next_text().parse().unwrap_or(number),
                        _ => {}
                    }
                }
                let Some(table) = table else { return Known::No };
                let family = self.define_igp(kind, number, table);
                self.enter(depth, Mode::Igp(family), indent);
            }
            _ => return Known::No,
        }
        Known::Yes
    }
}
