//! `interfaces NAME unit N family inet|inet6 address ADDRESS`.

use ipnet::IpNet;

use super::Reader;
use crate::device::InterfaceAddress;
use crate::report::Report;
use crate::value;
use crate::word::Word;

impl Reader {
    /// Reads what follows `interfaces`.
    pub(super) fn interface(&mut self, words: &[Word<'_>], report: &mut Report<'_>) -> bool {
        let texts: Vec<&str> = words.iter().map(|word| word.text).collect();
        match texts.as_slice() {
            [name, "disable"] => {
                self.disabled.insert((*name).to_owned());
                true
            }
            [name, "unit", unit, "disable"] => {
                let index = self.device.define_interface(&format!("{name}.{unit}"), words[0].place);
                self.device.interfaces[index].shutdown = true;
                true
            }
            [name, "unit", unit, "family", "inet" | "inet6", "address", _, ..] => {
                let index = self.device.define_interface(&format!("{name}.{unit}"), words[0].place);
                // Further words say which address is primary or preferred, which changes no route.
                let net = if words[6].text.contains('/') {
                    value::net_of(words[6], report)
                } else {
                    value::address_of(words[6], report)
                        .map(|address| crate::place::Located::new(IpNet::from(address.value), address.place))
                };
                let Some(net) = net else { return true };
                let link_local = matches!(net.value, IpNet::V6(net) if net.addr().is_unicast_link_local());
                let interface = &mut self.device.interfaces[index];
                if !link_local && interface.addresses.last().is_none_or(|last| last.net != net.value) {
                    let address =
                        InterfaceAddress { net: net.value, host_known: true, secondary: false, place: net.place };
                    interface.addresses.push(address);
                }
                true
            }
            [_, "description", ..] | [_, "unit", _, "description", ..] => true,
            _ => false,
        }
    }
}
