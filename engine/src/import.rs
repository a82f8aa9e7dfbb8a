//! Import: from buckets to the RIB of each VRF.
//!
//! VRFs that import the same buckets are a [class](crate::class), whose best routes are a merge of those buckets: the rank
//! decides there. A VRF then looks again at the prefixes that it sees otherwise than its class does, and [`select`]
//! decides from the whole set:
//!
//! - where it has routes of its own;
//! - where a route from another VRF of its own router competes, on a network of several routers (weight, eBGP before
//!   iBGP), and where IGP metrics differ;
//! - NLRIs of which its router prefers its own;
//! - where its import map drops or changes a route, or an AS path is a loop ([`crate::imported`]);
//! - everywhere, where a limit cuts ([`crate::limit`]).
//!
//! Host routes that come along with an interface (SEMANTICS S3a) are put in last. What is then not as the class has it
//! stands in the VRF's splices, or, where that is most of it, in a list of its own.

use rayon::prelude::*;

use crate::address::Address;
use crate::attributes::Attributes;
use crate::buckets::Buckets;
use crate::candidates::Candidates;
use crate::class::{Class, ClassView};
use crate::exporters::Exporters;
use crate::id::{InterfaceId, RouteId, RouterId, TargetSetId, VrfId};
use crate::imported::{self, BySet, Verdict, Verdicts};
use crate::limit::Cut;
use crate::lists::Packing;
use crate::network::Network;
use crate::next_hop::NextHopKind;
use crate::overlay::{Overlay, apply};
use crate::paths::Paths;
use crate::rib::Particulars;
use crate::route_table::{ExportStatus, RouteTable, is_attached};
use crate::select::{self, RouteKey, Viewpoint};
use crate::source_route::Protocol;
use crate::span::Span;

/// Routes of a VRF's own that a thread looks at at least, where several do.
const MANY: usize = 1 << 14;

/// Everything that the import of any VRF reads.
pub(crate) struct Import<'a, A> {
    pub(crate) network: &'a Network,
    pub(crate) table: &'a RouteTable<A>,
    pub(crate) paths: Paths<'a>,
    pub(crate) buckets: &'a Buckets,
    pub(crate) packing: Packing,
    /// Whether some attributes differ in their MED, or an export map set a next hop.
    pub(crate) rank_may_err: bool,
    /// The local routes of routers whose dialect leaks them, by interface.
    pub(crate) hosts: Vec<(InterfaceId, RouteId)>,
}

/// What the RIBs of all VRFs are made with, besides the import itself.
pub(crate) struct Common {
    pub(crate) exporters: Exporters,
    /// The VPN routes whose AS path holds a router's AS, by router; empty where none does.
    own_as: Vec<BySet>,
    /// How many VPN routes of each VRF are reflected; empty where that is counted VRF by VRF.
    reflected: Vec<u32>,
}

impl Common {
    /// Returns the VPN routes whose AS path holds the AS of a router, by target set.
    pub(crate) fn loops_of(&self, router: RouterId) -> &[(TargetSetId, RouteId)] {
        self.own_as.get(router.index()).map_or(&[], |routes| routes)
    }
}

impl<'a, A: Address> Import<'a, A> {
    pub(crate) fn new(network: &'a Network, table: &'a RouteTable<A>, buckets: &'a Buckets) -> Self {
        let packing = Packing::new(table);
        let of_vrf = |vrf: VrfId| {
            let local = buckets.own(vrf).iter().map(|&word| packing.id(word));
            local.filter_map(|id| match network.next_hop(table.next_hop(id)).kind {
                NextHopKind::Receive { interface } if table.protocol(id) == Protocol::Local => Some((interface, id)),
                _ => None,
            })
        };
        let leaking: Vec<VrfId> =
            network.vrf_ids().filter(|&vrf| network.router_of(vrf).dialect.leaks_host_routes).collect();
        let mut hosts: Vec<(InterfaceId, RouteId)> = leaking.into_par_iter().flat_map_iter(of_vrf).collect();
        hosts.par_sort_unstable();
        let paths = table.paths(network);
        let med = network.attributes().first().map(|attributes| attributes.med);
        let rank_may_err = paths.all().any(|(_, attributes)| Some(attributes.med) != med) || paths.sets_next_hops();
        Self { network, table, paths, buckets, packing, rank_may_err, hosts }
    }

    pub(crate) fn common(&self, classes: &[Class]) -> Common {
        Common {
            exporters: Exporters::new(self),
            own_as: imported::own_as_routes(self.network, self.table),
            reflected: self.reflected(classes),
        }
    }

    /// Returns the sets that a VRF imports, ascending: its import list against the target index (SEMANTICS I1).
    pub(crate) fn imported_sets(&self, vrf: VrfId) -> Vec<TargetSetId> {
        match self.network.vrf(vrf) {
            vrf if vrf.up => self.table.target_sets.matching(&vrf.family::<A>().import),
            _ => Vec::new(),
        }
    }

    /// Begins with a VRF: finds the prefixes at which its import map, loops or a limit decide, and returns how many
    /// routes it imports, and what a limit leaves it of its class.
    pub(crate) fn begin<'c>(
        &self,
        vrf: VrfId,
        class: ClassView<'c>,
        common: &Common,
        overlay: &mut Overlay,
    ) -> (u32, Particulars, ClassView<'c>) {
        let Overlay { candidates, touched, cut, .. } = overlay;
        candidates.start(self.reviews(vrf, common));
        touched.clear();
        let refused = self.review(vrf, class, Span::ALL, common, candidates, touched);
        let imported = self.count_imported(vrf, class.sets, common) - refused;
        let counts = || vec![self.count_by_depth(vrf, class, Span::ALL, candidates)];
        let (imported, particulars) = self.limit(vrf, imported, counts);
        cut.clone_from(&particulars.cut);
        let class = self.within_cut(class, cut.as_ref());
        if let Some(cut) = cut {
            self.touch_cut(vrf, class, Span::ALL, cut, touched);
        }
        (imported, particulars, class)
    }

    /// Returns whether a VRF imports several routes of one NLRI.
    pub(crate) fn imports_several(&self, vrf: VrfId) -> bool {
        self.network.vrf(vrf).family::<A>().import_paths > 1
    }

    /// Returns the first routes of the prefixes to which `sets` have routes that no reflector passes on.
    pub(crate) fn beside_reflected<'s>(&'s self, sets: &'s [TargetSetId]) -> impl Iterator<Item = RouteId> + 's {
        sets.iter().flat_map(|&set| self.buckets.exchanges().unreflected(set))
    }

    /// Returns the attributes of the copy of `id` that stands in `vrf`, which imports it.
    pub(crate) fn attributes_in(&self, vrf: VrfId, id: RouteId) -> Attributes {
        match Verdicts::default().of(self.network, self.table, vrf, id) {
            Verdict::Changed(copy) => copy.attributes.clone(),
            _ => self.paths.attributes(self.table.attributes(id)).clone(),
        }
    }

    /// Fills `best` with all that `vrf` has.
    pub(crate) fn list(
        &self,
        vrf: VrfId,
        class: ClassView<'_>,
        common: &Common,
        overlay: &mut Overlay,
        best: &mut Vec<RouteId>,
    ) {
        if class.sets.is_empty() && overlay.cut.is_none() {
            let (table, packing) = (self.table, self.packing);
            let same_prefix = |&a: &u32, &b: &u32| packing.first(table, a) == packing.first(table, b);
            let mut own = self.buckets.own(vrf);
            best.clear();
            // No more than that, and a list that grows is copied time and again.
            best.reserve(own.len());
            while !own.is_empty() {
                let (alone, rest) = own.split_at(packing.alone(table, own));
                best.extend(alone.iter().map(|&word| packing.id(word)));
                let together = rest.iter().take_while(|&word| same_prefix(&rest[0], word)).count();
                let (together, rest) = rest.split_at(together);
                if !together.is_empty() {
                    best.extend(self.select_with_own(vrf, together, None, &mut overlay.keys));
                }
                own = rest;
            }
        } else {
            self.compare(vrf, class, common, overlay);
            apply(class.best, self.packing, &overlay.changes, best);
        }
    }

    /// Returns whether a VRF that imports `sets` may import anything from `neighbor`.
    pub(crate) fn may_import_from(&self, neighbor: VrfId, sets: &[TargetSetId]) -> bool {
        self.table.own_targets || sets.binary_search(&self.table.export_of[neighbor.index()]).is_ok()
    }

    /// Fills `candidates` with the VRF's own and imported routes to the prefix whose first route is `first`, as far as
    /// `cut` leaves them.
    pub(crate) fn candidates(
        &self,
        vrf: VrfId,
        sets: &[TargetSetId],
        first: RouteId,
        cut: Option<&Cut>,
        candidates: &mut Candidates,
    ) {
        let table = self.table;
        candidates.clear();
        for id in (first.0..table.end_of_prefix(first).0).map(RouteId) {
            if table.origin(id) == vrf && !table.is_derived(id) {
                candidates.push(id, table.key(id), None);
            } else if self.enters(vrf, sets, id) {
                self.offer(vrf, id, candidates);
            }
        }
        if let Some(cut) = cut {
            cut.apply(self.paths, vrf, first, candidates);
        }
    }

    /// Returns whether a route that enters the VRF is neither denied by its import map nor a loop.
    pub(crate) fn accepts(&self, vrf: VrfId, id: RouteId, candidates: &mut Candidates) -> bool {
        !candidates.filters()
            || matches!(candidates.verdicts.of(self.network, self.table, vrf, id), Verdict::Plain | Verdict::Changed(_))
    }

    /// Adds a route that enters the VRF to `candidates`, unless its import map denies it or it loops.
    pub(crate) fn offer(&self, vrf: VrfId, id: RouteId, candidates: &mut Candidates) {
        let key = self.table.key(id);
        let copy = if candidates.filters() {
            match candidates.verdicts.of(self.network, self.table, vrf, id) {
                Verdict::Plain => None,
                Verdict::Changed(copy) => Some(copy.clone()),
                Verdict::Denied(_) | Verdict::Loop => return,
            }
        } else {
            None
        };
        candidates.push(id, key, copy);
    }

    /// Returns the routes that the VRF has from its CEs, ascending.
    pub(crate) fn own_from_ces(&self, vrf: VrfId) -> Vec<RouteId> {
        let own = self.buckets.own(vrf).par_iter().with_min_len(MANY).map(|&word| self.packing.id(word));
        own.filter(|&id| self.table.protocol(id) == Protocol::Bgp).collect()
    }

    /// Returns whether a VRF that imports `sets` is offered a route: it wants one of its targets (SEMANTICS I1), its
    /// router sees it (E6), and it has not been in the VRF (I4).
    pub(crate) fn enters(&self, vrf: VrfId, sets: &[TargetSetId], id: RouteId) -> bool {
        sets.binary_search(&self.table.targets(id)).is_ok()
            && !self.table.was_in(vrf, id)
            && self.is_visible(vrf, sets, id)
    }

    /// Returns whether a VRF gets to see a VPN route that it wants: its router does, or the VRF imports several of an NLRI
    /// and this one is among the best of those that it wants.
    pub(crate) fn is_visible(&self, vrf: VrfId, sets: &[TargetSetId], id: RouteId) -> bool {
        let (table, router) = (self.table, self.network.vrf(vrf).router);
        if !self.imports_several(vrf) {
            return self.is_seen(router, id);
        }
        if !table.status(id).is_vpn_route() {
            return false;
        }
        let rd = |id: RouteId| self.network.vrf(table.origin(id)).rd;
        let first = table.first_of_prefix(id);
        let wanted = |&other: &RouteId| {
            table.status(other).is_vpn_route()
                && rd(other) == rd(id)
                && sets.binary_search(&table.targets(other)).is_ok()
                && !table.was_in(vrf, other)
        };
        let mut wanted: Vec<RouteId> = (first.0..table.end_of_prefix(first).0).map(RouteId).filter(wanted).collect();
        for _ in 0..self.network.vrf(vrf).family::<A>().import_paths {
            let keys: Vec<RouteKey> = wanted.iter().map(|&id| table.key(id)).collect();
            let Some(best) = select::best_vpn_route(self.paths, Viewpoint::Router(router), &keys) else { return false };
            if wanted.remove(best) == id {
                return true;
            }
        }
        false
    }

    /// Returns whether a router sees a VPN route at all: it is reflected, or the router prefers its own of that NLRI.
    fn is_seen(&self, router: RouterId, id: RouteId) -> bool {
        let exchanges = || self.buckets.exchanges().at(router, self.table.first_of_prefix(id)).iter();
        match self.table.status(id) {
            ExportStatus::Exported => exchanges().all(|exchange| exchange.hidden != id),
            ExportStatus::LostNlri => exchanges().any(|exchange| exchange.gained == id),
            _ => false,
        }
    }

    /// Counts the VPN routes of each VRF that are reflected, if many VRFs import some of their own; else what few of them
    /// have is counted one by one. O(routes + VRFs · threads).
    fn reflected(&self, classes: &[Class]) -> Vec<u32> {
        /// One route of so many is counted by itself at less than what a pass over all of them costs.
        const FEW: usize = 4;
        let members = classes.iter().flat_map(|class| class.members.iter().map(|&vrf| (vrf, &class.sets)));
        let counted = members.filter(|&(vrf, sets)| self.may_import_from(vrf, sets));
        let counted: usize = counted.map(|(vrf, _)| self.buckets.own(vrf).len()).sum();
        if self.table.own_targets || counted * FEW < self.table.len() {
            return Vec::new();
        }
        let none = || vec![0; self.network.vrfs().len()];
        let part = self.table.len().div_ceil(rayon::current_num_threads()).max(1);
        let parts = self.table.origin.par_chunks(part).zip(self.table.status.par_chunks(part));
        let count = |(origins, statuses): (&[VrfId], &[ExportStatus])| {
            let mut counts: Vec<u32> = none();
            for (origin, &status) in origins.iter().zip(statuses) {
                counts[origin.index()] += u32::from(status == ExportStatus::Exported);
            }
            counts
        };
        let add = |a: Vec<u32>, b: Vec<u32>| a.iter().zip(&b).map(|(a, b)| a + b).collect();
        parts.map(count).reduce(none, add)
    }

    /// Counts the VPN routes that enter a VRF: whole buckets, less what has been there, with its router's choice of
    /// NLRIs.
    pub(crate) fn count_imported(&self, vrf: VrfId, sets: &[TargetSetId], common: &Common) -> u32 {
        let table = self.table;
        let imports = |id: RouteId| sets.binary_search(&table.targets(id)).is_ok();
        let all: usize = sets.iter().map(|&set| self.buckets.size(set)).sum();
        let mut count = all;
        let reflected = |id: &RouteId| table.status(*id) == ExportStatus::Exported && imports(*id);
        if let Some(&reflected) = common.reflected.get(vrf.index()) {
            count -= if self.may_import_from(vrf, sets) { reflected as usize } else { 0 };
        } else if self.may_import_from(vrf, sets) {
            for own in [self.buckets.own(vrf), self.buckets.derived(vrf)] {
                // Without targets of their own all are exported with what the VRF imports.
                let whole = |id: &RouteId| !table.own_targets && table.status(*id) == ExportStatus::Exported;
                let own = own.par_iter().with_min_len(MANY).map(|&word| self.packing.id(word));
                count -= own.filter(|id| whole(id) || table.own_targets && reflected(id)).count();
            }
        }
        let back = table.ways.iter().filter(|(id, way)| table.origin(*id) != vrf && way.contains(&vrf));
        count -= back.map(|&(id, _)| id).filter(reflected).count();
        let router = self.network.vrf(vrf).router;
        if self.imports_several(vrf) {
            let mut firsts: Vec<RouteId> = self.beside_reflected(sets).collect();
            firsts.sort_unstable();
            firsts.dedup();
            for id in firsts.iter().flat_map(|first| (first.0..table.end_of_prefix(*first).0).map(RouteId)) {
                count += usize::from(self.enters(vrf, sets, id));
                count -= usize::from(reflected(&id) && !table.was_in(vrf, id));
            }
            return u32::try_from(count).expect("fewer VPN routes than ids");
        }
        let exchanged = sets.iter().flat_map(|&set| self.buckets.exchanges().in_bucket(router, set));
        for exchanged in exchanged.filter(|exchanged| !table.was_in(vrf, exchanged.route)) {
            if exchanged.gained {
                count += 1;
            } else {
                count -= 1;
            }
        }
        u32::try_from(count).expect("fewer VPN routes than ids")
    }

    /// Returns the host routes that come along where `vrf` uses the route `id`.
    pub(crate) fn hosts_of(&self, vrf: VrfId, id: RouteId) -> impl Iterator<Item = RouteId> + '_ {
        let table = self.table;
        let here = self.network.vrf(vrf);
        let from = table.origin(id);
        let leaks = from != vrf
            && table.protocol(id) == Protocol::Connected
            && self.network.vrf(from).router == here.router
            && self.network.router(here.router).dialect.leaks_host_routes
            && is_attached(self.network, table.next_hop(id));
        let interface = self.network.next_hop(table.next_hop(id)).kind.interface().filter(|_| leaks);
        let prefix = table.prefix(id);
        let start =
            interface.map_or(self.hosts.len(), |interface| self.hosts.partition_point(|&(other, _)| other < interface));
        self.hosts[start..]
            .iter()
            .take_while(move |&&(other, _)| Some(other) == interface)
            .map(|&(_, host)| host)
            .filter(move |&host| prefix.covers(table.prefix(host)))
    }
}
