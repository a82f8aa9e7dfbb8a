//! `interface NAME`: the VRF, addresses, and whether it is up.

use ipnet::IpNet;

use super::interface_name::full_interface_name;
use super::{Known, Reader};
use crate::device::InterfaceAddress;
use crate::value;
use crate::word::{Word, Words};

impl Reader<'_, '_> {
    /// Returns the position of the interface that `interface NAME ...` names.
    pub(super) fn define_interface(&mut self, name: Word<'_>, mut words: Words<'_>) -> usize {
        // Typed by hand, the number may stand apart: `interface GigabitEthernet 0/1`.
        let full = match words.next() {
            Some(number) if number.text.as_bytes()[0].is_ascii_digit() => {
                full_interface_name(&format!("{}{}", name.text, number.text))
            }
            _ => full_interface_name(name.text),
        };
        self.device.define_interface(&full, name.place)
    }

    /// Reads a line inside of an interface.
    pub(super) fn interface(&mut self, index: usize, mut words: Words<'_>) -> Known {
        match words.next_text() {
            "vrf" if words.eat("forwarding") => self.forwarding(index, words),
            "ip" => match words.next_text() {
                "vrf" if words.eat("forwarding") => self.forwarding(index, words),
                "vrf" if words.peek_text() == "receive" => self.receive(words),
                "address" | "add" | "addr" => self.ipv4_address(index, words),
                "ospf" => match (words.next_text().parse(), words.next_text()) {
                    (Ok(process), "area") => self.device.interfaces[index].ospf = Some(process),
                    _ => return Known::No,
                },
                _ => return Known::No,
            },
            "vrf" if words.peek_text() == "receive" => self.receive(words),
            "ipv6" if words.eat("address") => self.ipv6_address(index, words),
            "shutdown" | "shut" => self.device.interfaces[index].shutdown = true,
            "no" => match words.next_text() {
                "shutdown" | "shut" => self.device.interfaces[index].shutdown = false,
                "ip" if words.eat("address") => {
                    let one = words.next_text().parse::<std::net::IpAddr>().ok();
                    let gone = |address: std::net::IpAddr| one.map_or(address.is_ipv4(), |one| one == address);
                    self.device.interfaces[index].addresses.retain(|address| !gone(address.net.addr()));
                }
                "ipv6" if words.eat("address") => {
                    let one = words.next_text().parse::<IpNet>().ok();
                    let gone = |net: IpNet| one.map_or(net.addr().is_ipv6(), |one| one == net);
                    self.device.interfaces[index].addresses.retain(|address| !gone(address.net));
                }
                "vrf" | "ip" if words.eat("forwarding") || words.eat_all(&["vrf", "forwarding"]) => {
                    let interface = &mut self.device.interfaces[index];
                    if interface.vrf.take().is_some() {
                        interface.addresses.clear();
                    }
                }
                _ => return Known::No,
            },
            _ => return Known::No,
        }
        Known::Yes
    }

    fn receive(&mut self, words: Words<'_>) {
        let message = "an interface that another VRF receives from is not modelled";
        self.report.warning(words.whole(), message, "the VRF lacks its addresses");
    }

    fn forwarding(&mut self, index: usize, mut words: Words<'_>) {
        let Some(name) = value::word(&mut words, self.report, "the name of a VRF") else { return };
        let interface = &mut self.device.interfaces[index];
        if !interface.addresses.is_empty() && interface.vrf.as_ref().is_none_or(|vrf| vrf.value != name.text) {
            for address in interface.addresses.drain(..) {
                self.report.warning(
                    address.place,
                    format_args!("`{}` is removed when the interface joins VRF `{}`", address.net, name.text),
                    "expected below `vrf forwarding`",
                );
            }
        }
        interface.vrf = Some(name.name());
    }

    fn ipv4_address(&mut self, index: usize, mut words: Words<'_>) {
        match words.peek_text() {
            "dhcp" | "negotiated" | "pool" => {
                self.report.warning(
                    words.rest().place,
                    "the address is known to the router alone",
                    "taken as no address",
                );
                return;
            }
            _ => {}
        }
        let Some(net) = value::ipv4_with_mask(&mut words, self.report) else { return };
        let secondary = words.eat("secondary");
        let address = InterfaceAddress { net: IpNet::V4(net.value), host_known: true, secondary, place: net.place };
        let interface = &mut self.device.interfaces[index];
        if secondary {
            interface.addresses.push(address);
        } else {
            interface.set_primary(address);
        }
    }

    fn ipv6_address(&mut self, index: usize, mut words: Words<'_>) {
        let Some(word) = value::word(&mut words, self.report, "an IPv6 address") else { return };
        if matches!(word.text, "autoconfig" | "dhcp") {
            self.report.warning(word.place, "the address is known to the router alone", "taken as no address");
            return;
        }
        if words.eat("link-local") || words.eat("anycast") && !word.text.contains('/') {
            // A link-local address has no route beyond its link.
            value::ipv6_of(word, self.report);
            return;
        }
        if !word.text.contains('/') && !word.text.contains(':') {
            self.report.warning(
                word.place,
                format_args!("the general prefix `{}` is known to the router alone", word.text),
                "taken as no address",
            );
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
        if net.value.addr().is_unicast_link_local() {
            return;
        }
        self.device.interfaces[index].addresses.push(InterfaceAddress {
            net: IpNet::V6(net.value),
            host_known: !eui64,
            secondary: false,
            place: net.place,
        });
    }
}
