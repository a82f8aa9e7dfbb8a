//! [`WantedTarget`]: what a VRF asks for, who exports it, and what somebody exports that looks much like it.

use crate::address::Address;
use crate::id::{RouteId, TargetSetId, VrfId};
use crate::leak::Leak;
use crate::network::Network;
use crate::route_target::RouteTarget;

/// A target of a VRF's import list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedTarget {
    /// The target.
    pub target: RouteTarget,
    /// The other VRFs that have VPN routes with it, ascending.
    pub exporters: Vec<VrfId>,
    /// Where there are none: the targets of VPN routes that are one digit away from it, ascending.
    pub near: Vec<RouteTarget>,
}

/// Returns the import targets of a VRF in ascending order, with those that export them.
///
/// O(routes + import · targets).
pub fn wanted_targets<A: Address>(network: &Network, leak: &Leak, vrf: VrfId) -> Vec<WantedTarget> {
    let table = leak.family::<A>().table();
    let sets = table.target_sets();
    let mut exporters: Vec<(TargetSetId, VrfId)> = (0..table.len())
        .map(RouteId::from_index)
        .filter(|&id| table.status(id).is_vpn_route() && table.origin(id) != vrf)
        .map(|id| (table.targets(id), table.origin(id)))
        .collect();
    exporters.sort_unstable();
    exporters.dedup();
    let exported: Vec<RouteTarget> = {
        let mut targets: Vec<RouteTarget> = exporters.iter().flat_map(|&(set, _)| sets.of(set)).collect();
        targets.sort_unstable();
        targets.dedup();
        targets
    };
    let wanted = network.vrf(vrf).family::<A>().import.iter().map(|&target| {
        let with_it = exporters.iter().filter(|&&(set, _)| sets.of(set).any(|other| other == target));
        let mut exporters: Vec<VrfId> = with_it.map(|&(_, exporter)| exporter).collect();
        exporters.sort_unstable();
        exporters.dedup();
        let near = if exporters.is_empty() { near(target, &exported) } else { Vec::new() };
        WantedTarget { target, exporters, near }
    });
    wanted.collect()
}

/// Returns those of `targets` that are one digit away from `target`.
pub fn near(target: RouteTarget, targets: &[RouteTarget]) -> Vec<RouteTarget> {
    let text = target.to_string();
    targets.iter().copied().filter(|other| one_digit_away(&text, &other.to_string())).collect()
}

/// Returns whether one digit more, less or different makes one text the other.
fn one_digit_away(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a.as_bytes(), b.as_bytes()) } else { (b.as_bytes(), a.as_bytes()) };
    let same = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let digit = |text: &[u8]| text.get(same).is_some_and(u8::is_ascii_digit);
    match long.len() - short.len() {
        0 => digit(short) && digit(long) && short[same + 1..] == long[same + 1..],
        1 => digit(long) && short[same..] == long[same + 1..],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_digit_more_less_or_different_is_near() {
        for (a, b, near) in [
            ("65000:1", "65000:2", true),
            ("65000:1", "65000:11", true),
            ("65000:12", "65000:2", true),
            ("65000:1", "6500:1", true),
            ("65000:1", "65000:1", false),
            ("65000:12", "65000:21", false),
            ("65000:1", "650001", false),
            ("1.2.3.4:1", "1.2.34:1", false),
            ("65000:1", "65000:100", false),
        ] {
            assert_eq!((one_digit_away(a, b), one_digit_away(b, a)), (near, near), "{a} {b}");
        }
    }
}
