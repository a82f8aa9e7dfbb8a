//! [`Leak`]: the whole computation, from a network to the RIB of every VRF.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::address::Address;
use crate::attributes::Attributes;
use crate::buckets::Buckets;
use crate::candidates::Candidates;
use crate::id::{RouteId, TargetSetId, VrfId};
use crate::import::Import;
use crate::imported::ImportedCopy;
use crate::memory::MemoryPart;
use crate::network::Network;
use crate::paths::Paths;
use crate::per_family::{Kind, PerFamily};
use crate::prefix::Prefix;
use crate::reexport;
use crate::resolve::Resolution;
use crate::rib::{Rib, Ribs};
use crate::route_table::RouteTable;
use crate::select::{self, RouteKey, Step};
use crate::source_route::Protocol;
use crate::work::Division;

/// What leaking makes of one family.
#[derive(Clone, Debug)]
pub struct FamilyLeak<A> {
    table: RouteTable<A>,
    buckets: Buckets,
    ribs: Ribs,
}

/// Names [`FamilyLeak`] for [`PerFamily`].
#[derive(Debug)]
pub enum FamilyLeaks {}

impl Kind for FamilyLeaks {
    type Of<A: Address> = FamilyLeak<A>;
}

/// Whether VRFs that import the same buckets share what they have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sharing {
    /// They share one list; each keeps only where it differs.
    #[default]
    Classes,
    /// Every VRF is computed by itself and has a list of its own.
    None,
}

/// A step of the computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// The VRFs' own routes become VPN routes, ranked.
    Export,
    /// VPN routes are bucketed by target set.
    Bucket,
    /// Every VRF imports its buckets and selects.
    Import,
}

/// How long the steps took, both families together.
#[derive(Clone, Copy, Debug, Default)]
pub struct PhaseTimes {
    /// [`Phase::Export`].
    pub export: Duration,
    /// [`Phase::Bucket`].
    pub bucket: Duration,
    /// [`Phase::Import`].
    pub import: Duration,
}

/// What leaking makes of a network: immutable, the same for any number of threads and any order of input.
#[derive(Clone, Debug)]
pub struct Leak {
    families: PerFamily<FamilyLeaks>,
    times: PhaseTimes,
}

impl Leak {
    /// Computes the leak of `network` in the current rayon pool.
    ///
    /// O(routes · log routes) to rank, then O(imported routes · log buckets a VRF). Holds 28 bytes an IPv4 route, 40 an
    /// IPv6 one, and 4 bytes an entry of a RIB.
    pub fn new(network: &Network) -> Self {
        Self::with(network, Sharing::Classes, |_| {})
    }

    /// Computes the leak, telling `progress` of each step before it begins.
    ///
    /// Whether VRFs share makes a difference in time and memory, in nothing else.
    pub fn with(network: &Network, sharing: Sharing, progress: impl FnMut(Phase)) -> Self {
        Self::divided(network, Division { sharing: sharing == Sharing::Classes, split_from: None }, progress)
    }

    /// Computes the leak, and splits the import of every VRF or class of `routes` routes and more over threads, however
    /// little it is: a knob for tests and measurements. By itself the import splits what is more than a thread's share.
    pub fn splitting_from(network: &Network, sharing: Sharing, routes: usize) -> Self {
        let division = Division { sharing: sharing == Sharing::Classes, split_from: Some(routes) };
        Self::divided(network, division, |_| {})
    }

    fn divided(network: &Network, division: Division, mut progress: impl FnMut(Phase)) -> Self {
        let mut times = PhaseTimes::default();
        progress(Phase::Export);
        let start = Instant::now();
        let resolution = Resolution::new(network);
        let ipv4 = RouteTable::<u32>::new(network, &resolution);
        let ipv6 = RouteTable::<u128>::new(network, &resolution);
        times.export = start.elapsed();
        progress(Phase::Bucket);
        let start = Instant::now();
        let buckets = (Buckets::new(network, &ipv4), Buckets::new(network, &ipv6));
        times.bucket = start.elapsed();
        progress(Phase::Import);
        let start = Instant::now();
        let ribs = (
            Import::new(network, &ipv4, &buckets.0).ribs(division),
            Import::new(network, &ipv6, &buckets.1).ribs(division),
        );
        let mut families: PerFamily<FamilyLeaks> = PerFamily {
            ipv4: FamilyLeak { table: ipv4, buckets: buckets.0, ribs: ribs.0 },
            ipv6: FamilyLeak { table: ipv6, buckets: buckets.1, ribs: ribs.1 },
        };
        if !network.reexporters().is_empty() {
            families.ipv4.reexport(network, &resolution, division);
            families.ipv6.reexport(network, &resolution, division);
        }
        times.import = start.elapsed();
        Self { families, times }
    }

    /// Returns what became of the family of `A`.
    #[inline]
    pub fn family<A: Address>(&self) -> &FamilyLeak<A> {
        self.families.get()
    }

    /// Returns how long the steps took.
    pub fn times(&self) -> PhaseTimes {
        self.times
    }

    /// Returns what is held, by part, both families together: the ranked routes, what they are bucketed by, the RIBs.
    ///
    /// O(sets + RIB lists + VRFs).
    pub fn memory(&self) -> Vec<MemoryPart> {
        let mut parts = self.families.ipv4.memory();
        for (part, more) in parts.iter_mut().zip(self.families.ipv6.memory()) {
            part.items += more.items;
            part.bytes += more.bytes;
        }
        parts
    }

    /// Returns how many VPN routes there are, both families together.
    pub fn vpn_routes(&self) -> usize {
        self.families.ipv4.table.vpn_routes() + self.families.ipv6.table.vpn_routes()
    }

    /// Returns how many routes were imported, best or not, over all VRFs and both families.
    pub fn imported_routes(&self) -> usize {
        self.families.ipv4.imported_routes() + self.families.ipv6.imported_routes()
    }
}

/// A route that competes for a prefix in a VRF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The route.
    pub route: RouteId,
    /// What it is apart from its prefix.
    pub key: RouteKey,
    /// Whether it is the host route of an imported interface (SEMANTICS S3a).
    pub leaked_host: bool,
    /// What the import map of the VRF made of it, where it changed anything (SEMANTICS I3).
    pub copy: Option<Arc<ImportedCopy>>,
    /// The step at which it lost; `None` for the best.
    pub lost: Option<Step>,
}

impl Candidate {
    /// Returns its attributes as the VRF sees them, `paths` being those of its table.
    pub fn attributes<'a>(&'a self, paths: Paths<'a>) -> &'a Attributes {
        match &self.copy {
            Some(copy) => &copy.attributes,
            None => paths.attributes(self.key.attributes),
        }
    }

    /// Returns the next hop that an import map, or else an export map, set.
    pub fn next_hop(&self, paths: Paths<'_>) -> Option<IpAddr> {
        self.copy.as_ref().and_then(|copy| copy.next_hop).or_else(|| paths.next_hop(self.key.attributes))
    }
}

impl<A: Address> FamilyLeak<A> {
    /// Exports again what VRFs with the switch imported, until no depth has anything new (SEMANTICS E1).
    ///
    /// Every depth computes the family anew with what the depths before exported.
    fn reexport(&mut self, network: &Network, resolution: &Resolution, division: Division) {
        let mut reexports = Vec::new();
        for depth in 1.. {
            let more = reexport::at_depth(network, &self.table, &self.buckets, &self.ribs, depth);
            if more.is_empty() {
                return;
            }
            reexports.extend(more);
            self.table = RouteTable::with_reexports(network, resolution, &reexports);
            self.buckets = Buckets::new(network, &self.table);
            self.ribs = Import::new(network, &self.table, &self.buckets).ribs(division);
        }
    }

    /// Returns all routes by rank.
    #[inline]
    pub fn table(&self) -> &RouteTable<A> {
        &self.table
    }

    /// Returns the buckets.
    pub fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// Returns the RIB of a VRF.
    #[inline]
    pub fn rib(&self, vrf: VrfId) -> Rib<'_> {
        self.ribs.of(vrf)
    }

    /// Returns the RIBs of all VRFs.
    pub fn ribs(&self) -> &Ribs {
        &self.ribs
    }

    /// Returns how many routes were imported, best or not, over all VRFs.
    pub fn imported_routes(&self) -> usize {
        self.ribs.iter().map(|rib| rib.imported()).sum()
    }

    /// Returns the bytes that the RIBs hold.
    pub fn rib_bytes(&self) -> usize {
        self.ribs.bytes()
    }

    fn memory(&self) -> Vec<MemoryPart> {
        let sets = self.table.target_sets();
        let mut parts = vec![
            MemoryPart::new("ranked routes", self.table.len(), self.table.bytes() - sets.bytes()),
            MemoryPart::new("target sets", sets.len(), sets.bytes()),
            MemoryPart::new("bucketed routes", self.table.len(), self.buckets.bytes()),
        ];
        parts.extend(self.ribs.memory());
        parts
    }

    /// Returns the entry of a VRF for exactly this prefix. O(log entries).
    pub fn get(&self, vrf: VrfId, prefix: Prefix<A>) -> Option<RouteId> {
        let mut routes = self.table.routes_to(prefix);
        let (first, last) = (routes.next()?, routes.next_back());
        self.rib(vrf).within(first, RouteId(last.unwrap_or(first).0 + 1))
    }

    /// Returns everything that competes for `prefix` in `vrf`, best first, then as the rank has it.
    ///
    /// O(routes to the prefix).
    pub fn candidates(&self, network: &Network, vrf: VrfId, prefix: Prefix<A>) -> Vec<Candidate> {
        let Some(first) = self.table.routes_to(prefix).next() else { return Vec::new() };
        if !network.vrf(vrf).up {
            return Vec::new();
        }
        let import = Import::new(network, &self.table, &self.buckets);
        self.candidates_with(&import, network, vrf, &import.imported_sets(vrf), first)
    }

    fn candidates_with(
        &self,
        import: &Import<'_, A>,
        network: &Network,
        vrf: VrfId,
        sets: &[TargetSetId],
        first: RouteId,
    ) -> Vec<Candidate> {
        let mut all = Candidates::default();
        all.start(true);
        import.candidates(vrf, sets, first, self.rib(vrf).cut(), &mut all);
        let hosts = all.ids.len();
        let (prefix, paths) = (self.table.prefix(first), self.table.paths(network));
        if prefix.is_host() {
            let without_hosts = select::select::<A>(paths, vrf, all.contest()).best.map(|best| all.ids[best]);
            let shorter = (0..A::BITS).filter_map(|len| self.get(vrf, Prefix::containing(prefix.bits(), len)));
            let covering = shorter.chain(without_hosts);
            let leaked = covering.flat_map(|covering| import.hosts_of(vrf, covering));
            let mut leaked: Vec<RouteId> = leaked.filter(|&host| self.table.prefix(host) == prefix).collect();
            // An interface with two subnets around one address brings it along once.
            leaked.sort_unstable();
            leaked.dedup();
            for host in leaked {
                all.push(host, self.table.key(host), None);
            }
        }
        let selection = select::select::<A>(paths, vrf, all.contest());
        let Candidates { ids, keys, mut copies, .. } = all;
        copies.resize(ids.len(), None);
        let mut candidates: Vec<Candidate> = ids
            .iter()
            .zip(copies)
            .enumerate()
            .map(|(at, (&route, copy))| Candidate {
                route,
                key: keys[at],
                leaked_host: at >= hosts,
                copy,
                lost: selection.lost[at],
            })
            .collect();
        candidates.sort_by_key(|candidate| (candidate.lost.is_some(), candidate.route));
        candidates
    }

    /// Returns, for each prefix of a VRF in prefix order, everything that competes for it, best first.
    ///
    /// O(routes to those prefixes).
    pub fn all_candidates(&self, network: &Network, vrf: VrfId) -> Vec<(Prefix<A>, Vec<Candidate>)> {
        let import = Import::new(network, &self.table, &self.buckets);
        let sets = import.imported_sets(vrf);
        self.rib(vrf)
            .iter()
            .map(|id| {
                let first = self.table.first_of_prefix(id);
                (self.table.prefix(id), self.candidates_with(&import, network, vrf, &sets, first))
            })
            .collect()
    }

    /// Returns whether `vrf` imports routes with these targets.
    pub fn imports(&self, network: &Network, vrf: VrfId, targets: TargetSetId) -> bool {
        let sets = self.table.target_sets();
        network.vrf(vrf).up && sets.of(targets).any(|target| network.vrf(vrf).family::<A>().import.contains(&target))
    }

    /// Returns the route's own protocol as the table of `vrf` shows it: that of its own routes and of leaked host
    /// routes, BGP for what was imported, unless the router's dialect keeps the protocol of its other VRFs' routes.
    pub fn protocol_in(&self, network: &Network, vrf: VrfId, route: RouteId) -> Protocol {
        let (protocol, origin) = (self.table.protocol(route), self.table.origin(route));
        let router = network.vrf(vrf).router;
        let keeps = network.router(router).dialect.leaks_protocols && network.vrf(origin).router == router;
        let own = origin == vrf || protocol == Protocol::Local || keeps;
        if own { protocol } else { Protocol::Bgp }
    }
}
