//! Interfaces and their addresses.

use std::net::IpAddr;

use ipnet::IpNet;
use vrfleak_engine::{InterfaceId, VrfId};

use super::build::{Build, Span, place};
use super::document::{InterfaceTable, Item, Key};

/// A key names an interface that the VRF does not have, which was reported.
pub(super) struct NoSuchInterface;

impl Build<'_> {
    pub(super) fn interface(&mut self, table: &InterfaceTable, homes: &[VrfId]) {
        let addresses = table.addresses.value().into_iter().flatten();
        let addresses: Vec<IpNet> =
            addresses.filter_map(|Item(text)| self.subnet(text.get_ref(), text.span())).collect();
        let homes = self.on(&table.router, homes);
        let Some(name) = table.name.value() else { return };
        for home in homes {
            let router = self.builder.vrf_mut(home).router;
            if self.interfaces.contains_key(&(router, name.clone())) {
                let router = self.builder.router_mut(router).name.clone();
                let message = format!("interface `{name}` of router `{router}` is defined twice");
                self.error(table.name.span(), message, "expected another name");
                continue;
            }
            let id = self.builder.interface(home, name);
            self.provenance.interfaces.push(place(table.name.span()));
            self.interfaces.insert((router, name.clone()), (home, id));
            for &address in &addresses {
                self.builder.address(id, address);
            }
        }
    }

    /// Reads an interface address with the length of its subnet; host bits are what it is about.
    pub(super) fn subnet(&mut self, text: &str, span: Span) -> Option<IpNet> {
        let parts = text.split_once('/');
        let address = parts.and_then(|(address, _)| address.parse::<IpAddr>().ok());
        let len = parts.and_then(|(_, len)| len.parse().ok().filter(|_| len.bytes().all(|byte| byte.is_ascii_digit())));
        let net = address.zip(len).and_then(|(address, len)| IpNet::new(address, len).ok());
        if net.is_none() {
            let message = format!("`{text}` is not an interface address");
            self.error(Some(span), message, "expected ADDRESS/LENGTH");
        }
        net
    }

    /// Returns the interface of `vrf` that `key` names: `Ok(None)` where it names none, `Err` where there is no such.
    pub(super) fn interface_of(
        &mut self,
        key: &Key<String>,
        vrf: VrfId,
    ) -> Result<Option<InterfaceId>, NoSuchInterface> {
        let Some(name) = key.value() else { return Ok(None) };
        let router = self.builder.vrf_mut(vrf).router;
        match self.interfaces.get(&(router, name.clone())) {
            Some(&(of, id)) if of == vrf => return Ok(Some(id)),
            Some(_) => {
                let message = format!("interface `{name}` is of another VRF");
                self.error(key.span(), message, "expected an interface of this VRF");
            }
            None => self.unknown("interface", name, key.span(), |build| {
                let here = build.interfaces.iter().filter(|(_, (of, _))| *of == vrf);
                here.map(|((_, name), _)| name.clone()).collect()
            }),
        }
        Err(NoSuchInterface)
    }
}
