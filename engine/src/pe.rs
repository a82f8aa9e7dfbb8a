//! [`PeUsage`]: what one router has to hold, for capacity planning.

use rayon::prelude::*;

use crate::address::Address;
use crate::id::{NextHopId, RouteId, RouterId, TargetSetId, VrfId};
use crate::leak::{FamilyLeak, Leak};
use crate::lists::Packing;
use crate::network::Network;
use crate::per_family::{Kind, PerFamily};
use crate::rd::Rd;
use crate::route_table::ExportStatus;

/// What a router holds of one family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FamilyUsage {
    /// VPN routes that its VRFs export.
    pub exported: usize,
    /// VPN routes of other routers that reflectors send it, without route target constraint: all that there are.
    pub received: usize,
    /// Those of them that one of its VRFs imports, and so all that it keeps (SEMANTICS I9; RFC 4364 section 4.3.2). With
    /// route target constraint the reflectors send no others (RFC 4684).
    pub kept: usize,
    /// Imported routes over its VRFs, best or not.
    pub imported: usize,
    /// Entries of the forwarding tables of its VRFs.
    pub fib_entries: usize,
}

impl FamilyUsage {
    /// Returns how many VPN routes it receives for nothing, without route target constraint.
    pub fn dropped(&self) -> usize {
        self.received - self.kept
    }

    /// Returns the bytes of vrfleak's own tables for this router alone: the columns of the VPN routes that it has and
    /// four a FIB entry.
    fn bytes<A: Address>(&self) -> usize {
        (self.exported + self.kept) * crate::route_table::BYTES_BESIDE_BITS
            + (self.exported + self.kept) * size_of::<A>()
            + self.fib_entries * size_of::<RouteId>()
    }
}

/// How many labels a router needs, by how it allocates them (SEMANTICS E7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LabelUsage {
    /// One label a VRF, which is what [`LabelTable`](crate::LabelTable) allocates.
    pub per_vrf: usize,
    /// One label for each exported route.
    pub per_prefix: usize,
    /// One label for each next hop of an exported route.
    pub per_next_hop: usize,
}

/// Names [`FamilyUsage`] for [`PerFamily`].
#[derive(Debug)]
pub enum Usages {}

impl Kind for Usages {
    type Of<A: Address> = FamilyUsage;
}

/// What one router has to hold.
#[derive(Clone, Debug)]
pub struct PeUsage {
    /// The router.
    pub router: RouterId,
    /// Its VRFs; a default table that leaks to VRFs without an RD of its own is none.
    pub vrfs: usize,
    /// What it holds of each family.
    pub families: PerFamily<Usages>,
    /// The labels of both families.
    pub labels: LabelUsage,
}

impl PeUsage {
    /// Returns what each router of the network holds, by [`RouterId`]; those outside the model, of which nobody knows,
    /// are left out.
    ///
    /// O(routes + imported target sets), in parallel over routers in the current rayon pool.
    pub fn of_all(network: &Network, leak: &Leak) -> Vec<Self> {
        let mut vrfs = vec![Vec::new(); network.routers().len()];
        for vrf in network.vrf_ids() {
            vrfs[network.vrf(vrf).router.index()].push(vrf);
        }
        let reflected = (reflected(leak.family::<u32>()), reflected(leak.family::<u128>()));
        vrfs.into_par_iter()
            .enumerate()
            .filter(|&(router, _)| !network.routers()[router].outside)
            .map(|(router, vrfs)| {
                let mut next_hops = Vec::new();
                let own = vrfs.iter().filter(|&&vrf| !network.vrf(vrf).rd.is_some_and(Rd::is_of_default_table)).count();
                let mut labels = LabelUsage { per_vrf: own, ..LabelUsage::default() };
                let ipv4 = family::<u32>(network, leak, &vrfs, reflected.0, &mut next_hops);
                let ipv6 = family::<u128>(network, leak, &vrfs, reflected.1, &mut next_hops);
                next_hops.sort_unstable();
                next_hops.dedup();
                labels.per_prefix = ipv4.exported + ipv6.exported;
                labels.per_next_hop = next_hops.len();
                let families = PerFamily { ipv4, ipv6 };
                Self { router: RouterId::from_index(router), vrfs: own, families, labels }
            })
            .collect()
    }

    /// Returns the entries of its forwarding tables, both families together.
    pub fn fib_entries(&self) -> usize {
        self.families.ipv4.fib_entries + self.families.ipv6.fib_entries
    }

    /// Returns the bytes of vrfleak's own tables for this router alone, nothing shared with another: 25 a VPN route of
    /// IPv4 and 37 of IPv6 that it exports or keeps, four a FIB entry.
    pub fn bytes(&self) -> usize {
        self.families.ipv4.bytes::<u32>() + self.families.ipv6.bytes::<u128>()
    }
}

/// Returns how many VPN routes the reflectors have.
fn reflected<A: Address>(leak: &FamilyLeak<A>) -> usize {
    let table = leak.table();
    let exported = table.status.par_iter().filter(|&&status| status == ExportStatus::Exported).count();
    if !table.target_sets().targets().iter().any(|target| target.is_of_default_table()) {
        return exported;
    }
    let stays = |set: &TargetSetId| table.target_sets().stays_on_router(*set);
    let sets = (0..table.target_sets().len()).map(TargetSetId::from_index).filter(stays);
    exported - sets.map(|set| leak.buckets().size(set)).sum::<usize>()
}

fn family<A: Address>(
    network: &Network,
    leak: &Leak,
    vrfs: &[VrfId],
    reflected: usize,
    next_hops: &mut Vec<NextHopId>,
) -> FamilyUsage {
    let leak = leak.family::<A>();
    let (table, buckets) = (leak.table(), leak.buckets());
    let packing = Packing::new(table);
    let stays = |set: &TargetSetId| table.target_sets().stays_on_router(*set);
    let mut sets: Vec<TargetSetId> = vrfs
        .iter()
        .filter(|&&vrf| network.vrf(vrf).up)
        .flat_map(|&vrf| table.target_sets().matching(&network.vrf(vrf).family::<A>().import))
        .collect();
    sets.sort_unstable();
    sets.dedup();
    sets.retain(|set| !stays(set));
    let mut usage = FamilyUsage {
        received: reflected,
        kept: sets.iter().map(|&set| buckets.size(set)).sum(),
        ..FamilyUsage::default()
    };
    for &vrf in vrfs {
        for &word in buckets.own(vrf).iter().chain(buckets.derived(vrf)) {
            let id = packing.id(word);
            if !table.status(id).is_vpn_route() || table.target_sets().stays_on_router(table.targets(id)) {
                continue;
            }
            usage.exported += 1;
            next_hops.push(table.next_hop(id));
            // Its own VPN routes it need not receive; one that lost to another PE's of the same NLRI is not in a bucket.
            if table.status(id) == ExportStatus::Exported {
                usage.received -= 1;
                usage.kept -= usize::from(sets.binary_search(&table.targets(id)).is_ok());
            }
        }
        usage.imported += leak.rib(vrf).imported();
        usage.fib_entries += leak.rib(vrf).len();
    }
    usage
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::attributes::Attributes;
    use crate::network::NetworkBuilder;
    use crate::next_hop::NextHopKind;
    use crate::prefix::Prefix;
    use crate::route_target::RouteTarget;
    use crate::router::Dialect;
    use crate::source_route::{Protocol, SourceRoute};

    /// Three PEs: `a` on pe1 and pe2 share a target, `b` on pe3 has one that nobody else imports; each VRF two routes.
    fn network() -> Network {
        let mut builder = NetworkBuilder::default();
        for (number, (name, target)) in [("a", 1), ("a", 1), ("b", 2)].into_iter().enumerate() {
            let number = number as u32;
            let loopback = Ipv4Addr::from_bits(0x0a00_0000 + number);
            let pe = builder.router(&format!("pe{number}"), 65000, loopback, Dialect::NATIVE);
            let vrf = builder.vrf(pe, name, Some(Rd::as2(65000, number)));
            let attributes = builder.attributes(Attributes::default());
            let next_hop = builder.next_hop(vrf, NextHopKind::Discard);
            let family = builder.family::<u32>(vrf);
            (family.import, family.export) =
                (vec![RouteTarget::as2(65000, target)], vec![RouteTarget::as2(65000, target)]);
            for half in 0..2 {
                let prefix = Prefix::containing(number << 24 | half << 23, 9);
                family.routes.push(SourceRoute::new(prefix, Protocol::Bgp, attributes, next_hop));
            }
        }
        builder.build().expect("three VRFs")
    }

    #[test]
    fn i9_a_pe_keeps_what_its_vrfs_import_and_drops_the_rest() {
        let network = network();
        let leak = Leak::new(&network);
        let usages = PeUsage::of_all(&network, &leak);
        let counts = |usage: &PeUsage| {
            let ipv4 = usage.families.ipv4;
            (ipv4.exported, ipv4.received, ipv4.kept, ipv4.dropped(), ipv4.imported, ipv4.fib_entries)
        };
        assert_eq!(
            usages.iter().map(counts).collect::<Vec<_>>(),
            [(2, 4, 2, 2, 2, 4), (2, 4, 2, 2, 2, 4), (2, 4, 0, 4, 0, 2)]
        );
        assert_eq!(usages[0].families.ipv6, FamilyUsage::default());
    }

    #[test]
    fn e7_labels_are_counted_in_three_ways() {
        let network = network();
        let usages = PeUsage::of_all(&network, &Leak::new(&network));
        assert_eq!(usages[0].labels, LabelUsage { per_vrf: 1, per_prefix: 2, per_next_hop: 1 });
    }
}
