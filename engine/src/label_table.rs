//! [`LabelTable`]: the VPN labels that the routers hand out.

use crate::id::{RouterId, VrfId};
use crate::label::Label;
use crate::network::Network;

/// One label a VRF, allocated on its router (SEMANTICS E7, the default; RFC 4364 section 4.3.2).
///
/// A router gives its VRFs labels in ascending order of their ids, from [`Label::FIRST`] on. Eight bytes a VRF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelTable {
    labels: Box<[Option<Label>]>,
    used: Box<[u32]>,
}

impl LabelTable {
    /// Allocates a label for every VRF, up or down: O(VRFs + routers).
    pub fn per_vrf(network: &Network) -> Self {
        let mut used = vec![0; network.routers().len()];
        let labels = network
            .vrfs()
            .iter()
            .map(|vrf| {
                // The labels of a router outside the model are its routes'.
                if network.router(vrf.router).outside {
                    return None;
                }
                let next: &mut u32 = &mut used[vrf.router.index()];
                let label = Label::allocated(*next)?;
                *next += 1;
                Some(label)
            })
            .collect();
        Self { labels, used: used.into() }
    }

    /// Returns the label that leads to `vrf` on its router, or `None` if the router had none left or is outside the
    /// model: then the label is that of each route's [`Outside`](crate::NextHopKind::Outside) next hop.
    #[inline]
    pub fn label(&self, vrf: VrfId) -> Option<Label> {
        self.labels[vrf.index()]
    }

    /// Returns how many labels a router uses, at most [`Label::COUNT`].
    pub fn used(&self, router: RouterId) -> u32 {
        self.used[router.index()]
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::network::NetworkBuilder;
    use crate::router::Dialect;

    #[test]
    fn e7_each_router_counts_its_own_vrfs() {
        let mut builder = NetworkBuilder::default();
        let routers = ["pe1", "pe2", "pe3"].map(|name| builder.router(name, 1, Ipv4Addr::LOCALHOST, Dialect::NATIVE));
        for (name, router) in [("a", 0), ("b", 1), ("c", 0), ("d", 1), ("e", 0)] {
            builder.vrf(routers[router], name, None);
        }
        let table = LabelTable::per_vrf(&builder.build().expect("five VRFs"));
        let labels: Vec<Option<u32>> = (0..5).map(|vrf| table.label(VrfId(vrf)).map(Label::value)).collect();
        assert_eq!(labels, [Some(16), Some(16), Some(17), Some(17), Some(18)]);
        assert_eq!(routers.map(|router| table.used(router)), [3, 2, 0]);
    }

    #[test]
    fn e7_a_router_runs_out_of_labels() {
        let mut builder = NetworkBuilder::default();
        let pe = builder.router("pe1", 1, Ipv4Addr::LOCALHOST, Dialect::NATIVE);
        for number in 0..=Label::COUNT {
            builder.vrf(pe, &number.to_string(), None);
        }
        let table = LabelTable::per_vrf(&builder.build().expect("many VRFs"));
        assert_eq!(table.label(VrfId(Label::COUNT - 1)), Some(Label::LAST));
        assert_eq!(table.label(VrfId(Label::COUNT)), None);
        assert_eq!(table.used(pe), Label::COUNT);
    }
}
