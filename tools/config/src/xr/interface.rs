//! `interface NAME`.

use ipnet::{IpNet, Ipv4Net};

use super::{Read, Reader};
use crate::device::InterfaceAddress;
use crate::place::Located;
use crate::value;
use crate::word::Words;

impl Reader<'_, '_, '_> {
    pub(super) fn interface(&mut self, index: usize, mut words: Words<'_>) -> Read {
        match words.next_text() {
            "vrf" => {
                let Some(name) = value::word(&mut words, self.report, "the name of a VRF") else { return Read::Whole };
                self.table(name);
                self.device.interfaces[index].vrf = Some(name.name());
            }
            "ipv4" if words.eat("address") => self.ipv4_address(index, words),
            "ipv6" if words.eat("address") => self.ipv6_address(index, words),
            "shutdown" => self.device.interfaces[index].shutdown = true,
            "no" if words.eat("shutdown") => self.device.interfaces[index].shutdown = false,
            _ => return Read::Unknown,
        }
        Read::Whole
    }

    fn ipv4_address(&mut self, index: usize, mut words: Words<'_>) {
        if words.peek_text() == "dhcp" {
            self.report.warning(words.rest().place, "the address is known to the router alone", "taken as no address");
            return;
        }
        let Some(net) = self.ipv4_net(&mut words) else { return };
        let secondary = words.eat("secondary");
        let address = InterfaceAddress { net: IpNet::V4(net.value), host_known: true, secondary, place: net.place };
        let interface = &mut self.device.interfaces[index];
        if secondary {
            interface.addresses.push(address);
        } else {
            interface.set_primary(address);
        }
    }

    /// Takes `ADDRESS MASK` or `ADDRESS/LENGTH`.
    fn ipv4_net(&mut self, words: &mut Words<'_>) -> Option<Located<Ipv4Net>> {
        if !words.peek_text().contains('/') {
            return value::ipv4_with_mask(words, self.report);
        }
        let word = words.next()?;
        match value::net_of(word, self.report)?.value {
            IpNet::V4(net) => Some(Located::new(net, word.place)),
            IpNet::V6(_) => {
                self.report.error(
                    word.place,
                    format_args!("`{}` is no IPv4 prefix", word.text),
                    "expected IPV4/LENGTH",
                );
                None
            }
        }
    }

    fn ipv6_address(&mut self, index: usize, mut words: Words<'_>) {
        let Some(word) = value::word(&mut words, self.report, "an IPv6 address") else { return };
        if matches!(word.text, "autoconfig" | "dhcp") {
            self.report.warning(word.place, "the address is known to the router alone", "taken as no address");
            return;
        }
        if words.eat("link-local") {
            value::ipv6_of(word, self.report);
            return;
        }
        let Some(net) = value::ipv6_net_of(word, self.report) else { return };
        let eui64 = words.eat("eui-64");
        if eui64 {
            self.report.warning(
                word.place,
                "the host part comes from the interface's hardware address",
                "the subnet is taken, the address is not known",
            );
        }
        if !net.value.addr().is_unicast_link_local() {
            self.device.interfaces[index].addresses.push(InterfaceAddress {
                net: IpNet::V6(net.value),
                host_known: !eui64,
                secondary: false,
                place: net.place,
            });
        }
    }
}
