//! The VRFs, targets and PEs that weigh most.

use std::cmp::Reverse;
use std::io::{self, Write};
use vrfleak_bench::grouped;

use ahash::AHashMap;
use serde::Serialize;
use vrfleak_engine::{Address, Leak, Network, PeUsage, RouteTarget, VrfId};

use crate::scope::vrf_name;
use crate::show_pe::{self, PeRow};

/// How many of each are listed.
const LISTED: usize = 10;

/// What weighs most, heaviest first.
#[derive(Debug, Default, Serialize)]
pub(super) struct Heaviest {
    vrfs: Vec<VrfWeight>,
    targets: Vec<TargetWeight>,
    pes: Vec<PeRow>,
    /// The sum over all PEs.
    all_pes: PeRow,
}

#[derive(Debug, Serialize)]
struct VrfWeight {
    vrf: String,
    imported_routes: usize,
    fib_entries: usize,
}

/// A target weighs what it brings into VRFs: its routes, once for each VRF that imports it.
#[derive(Debug, Default, Serialize)]
struct TargetWeight {
    route_target: String,
    vpn_routes: usize,
    importing_vrfs: usize,
    weight: usize,
}

impl Heaviest {
    pub(super) fn new(network: &Network, leak: &Leak) -> Self {
        let mut usages = PeUsage::of_all(network, leak);
        let mut all_pes = PeRow::default();
        for usage in &usages {
            all_pes.add(&PeRow::new(network, usage));
        }
        usages.sort_by_key(|usage| (Reverse(usage.fib_entries()), usage.router));
        let pes = usages.iter().take(LISTED).map(|usage| PeRow::new(network, usage)).collect();
        Self { vrfs: vrfs(network, leak), targets: targets(network, leak), pes, all_pes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.vrfs.is_empty()
    }

    /// Writes the lists for people.
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{:<28} {:>16} {:>16}", "Heaviest VRFs", "Imported routes", "FIB entries")?;
        for vrf in &self.vrfs {
            writeln!(out, "{:<28} {:>16} {:>16}", vrf.vrf, grouped(vrf.imported_routes), grouped(vrf.fib_entries))?;
        }
        writeln!(out)?;
        writeln!(out, "{:<28} {:>16} {:>16} {:>16}", "Heaviest targets", "VPN routes", "Importing VRFs", "Product")?;
        for target in &self.targets {
            writeln!(
                out,
                "{:<28} {:>16} {:>16} {:>16}",
                target.route_target,
                grouped(target.vpn_routes),
                grouped(target.importing_vrfs),
                grouped(target.weight)
            )?;
        }
        writeln!(out)?;
        show_pe::write_rows(out, &self.pes, Some(&self.all_pes))
    }
}

fn vrfs(network: &Network, leak: &Leak) -> Vec<VrfWeight> {
    let (ipv4, ipv6) = (leak.family::<u32>(), leak.family::<u128>());
    let entries = |vrf: VrfId| ipv4.rib(vrf).len() + ipv6.rib(vrf).len();
    let mut order: Vec<VrfId> = network.vrf_ids().collect();
    order.sort_by_key(|&vrf| (Reverse(entries(vrf)), vrf));
    let weight = |&vrf: &VrfId| VrfWeight {
        vrf: vrf_name(network, vrf),
        imported_routes: ipv4.rib(vrf).imported() + ipv6.rib(vrf).imported(),
        fib_entries: entries(vrf),
    };
    order.iter().take(LISTED).map(weight).collect()
}

fn targets(network: &Network, leak: &Leak) -> Vec<TargetWeight> {
    let mut weights = AHashMap::new();
    add_targets::<u32>(network, leak, &mut weights);
    add_targets::<u128>(network, leak, &mut weights);
    let mut weights: Vec<(RouteTarget, [usize; 3])> = weights.into_iter().collect();
    weights.sort_unstable_by_key(|&(target, [.., weight])| (Reverse(weight), target));
    let row = |&(target, [vpn_routes, importing_vrfs, weight]): &(RouteTarget, [usize; 3])| TargetWeight {
        route_target: target.to_string(),
        vpn_routes,
        importing_vrfs,
        weight,
    };
    weights.iter().take(LISTED).map(row).collect()
}

/// Adds VPN routes and their product with importing VRFs, and keeps the larger number of importing VRFs.
fn add_targets<A: Address>(network: &Network, leak: &Leak, weights: &mut AHashMap<RouteTarget, [usize; 3]>) {
    let leak = leak.family::<A>();
    let sets = leak.table().target_sets();
    let mut importers: AHashMap<RouteTarget, usize> = AHashMap::new();
    for vrf in network.vrfs().iter().filter(|vrf| vrf.up) {
        let mut import = vrf.family::<A>().import.clone();
        import.sort_unstable();
        import.dedup();
        for target in import {
            *importers.entry(target).or_default() += 1;
        }
    }
    for &target in sets.targets().iter().filter(|target| !target.is_of_default_table()) {
        let routes = sets.matching(&[target]).into_iter().map(|set| leak.buckets().size(set)).sum::<usize>();
        let importing = importers.get(&target).copied().unwrap_or(0);
        let [sum, most, weight] = weights.entry(target).or_default();
        *sum += routes;
        *most = importing.max(*most);
        *weight += routes * importing;
    }
}
