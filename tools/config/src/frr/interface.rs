//! `interface NAME [vrf VRF]`.

use super::{Read, Reader};
use crate::device::InterfaceAddress;
use crate::value;
use crate::word::Words;

impl Reader<'_, '_> {
    pub(super) fn interface(&mut self, index: usize, mut words: Words<'_>) -> Read {
        match words.next_text() {
            "description" => {}
            "shutdown" | "shut" => self.device.interfaces[index].shutdown = true,
            "no" if matches!(words.peek_text(), "shutdown" | "shut") => self.device.interfaces[index].shutdown = false,
            "no" if matches!(words.peek_text(), "ip" | "ipv6") => {
                words.next();
                let net = if words.eat("address") { words.next_text().parse::<ipnet::IpNet>().ok() } else { None };
                self.device.interfaces[index].addresses.retain(|address| Some(address.net) != net);
            }
            "vrf" => {
                let Some(name) = words.next() else { return Read::Unknown };
                self.table(name);
                self.device.interfaces[index].vrf = Some(name.name()).filter(|vrf| vrf.value != "default");
            }
            "ip" | "ipv6" if words.eat("address") => {
                let Some(word) = value::word(&mut words, self.report, "an address") else { return Read::Whole };
                let Some(net) = value::net_of(word, self.report) else { return Read::Whole };
                let link_local = match net.value {
                    ipnet::IpNet::V6(net) => net.addr().is_unicast_link_local(),
                    ipnet::IpNet::V4(_) => false,
                };
                if !link_local {
                    self.device.interfaces[index].addresses.push(InterfaceAddress {
                        net: net.value,
                        host_known: true,
                        secondary: false,
                        place: net.place,
                    });
                }
            }
            _ => return Read::Unknown,
        }
        Read::Whole
    }
}
