//! [`Igp`]: a process of OSPF, EIGRP or RIP, as far as the connected routes go that it covers.

use std::net::Ipv4Addr;

/// Which protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IgpKind {
    Ospf,
    Eigrp,
    Rip,
}

impl IgpKind {
    /// Returns the protocol that `redistribute` names so.
    pub(crate) fn named(text: &str) -> Option<Self> {
        match text {
            "ospf" => Some(Self::Ospf),
            "eigrp" => Some(Self::Eigrp),
            "rip" => Some(Self::Rip),
            _ => None,
        }
    }
}

/// A process in one table. Its neighbours are not modelled; the subnets of its interfaces are its routes too.
#[derive(Clone, Debug)]
pub(crate) struct Igp {
    pub(crate) kind: IgpKind,
    /// The number that `redistribute` names: of the process, for EIGRP of its AS; 0 for RIP.
    pub(crate) number: u32,
    pub(crate) table: usize,
    /// `network` statements: an address, and the bits that need not be its.
    pub(crate) networks: Vec<(Ipv4Addr, Ipv4Addr)>,
}

impl Igp {
    /// Returns whether an interface of this address takes part.
    pub(crate) fn covers(&self, address: Ipv4Addr) -> bool {
        let fits = |&(network, wildcard): &(Ipv4Addr, Ipv4Addr)| {
            (network.to_bits() ^ address.to_bits()) & !wildcard.to_bits() == 0
        };
        self.networks.iter().any(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_what_need_not_fit() {
        let networks = vec![("10.1.0.0".parse().expect("an address"), "0.0.255.255".parse().expect("an address"))];
        let igp = Igp { kind: IgpKind::Ospf, number: 1, table: 0, networks };
        let covers = |text: &str| igp.covers(text.parse().expect("an address"));
        assert!(covers("10.1.2.3") && !covers("10.2.0.1"));
    }
}
