//! Export and ranking: from the VRFs' own routes to a [`RouteTable`].

use std::cmp::Reverse;
use std::net::IpAddr;

use rayon::prelude::*;

use crate::address::Address;
use crate::attributes::WEIGHT_LOCAL;
use crate::bins::Bins;
use crate::columns::Columns;
use crate::export_targets::{ExportTargets, Mapped};
use crate::id::{AttributesId, NextHopId, RouteId, TargetSetId, VrfId};
use crate::network::Network;
use crate::paths::Paths;
use crate::prefix::Prefix;
use crate::reexport::Reexport;
use crate::resolve::Resolution;
use crate::route_table::{ExportStatus, RouteTable};
use crate::row::Row;
use crate::select::{self, RouteKey, Viewpoint};
use crate::source_route::{Protocol, SourceRoute};
use crate::vrf::{Redistribute, Vrf};

/// What one order for everybody is made of: a preference class for each (attributes, redistributed or not), and a place
/// for each next hop.
struct Order {
    /// By attributes id times two, plus one where the route is redistributed.
    preference: Vec<u32>,
    /// By next-hop id.
    place: Vec<u32>,
    /// The next hop and its VRF, by place.
    next_hop_at: Vec<(NextHopId, VrfId)>,
}

impl Order {
    /// Ranks attributes and next hops as a reflector sees them, or on a network of one router as that router does.
    fn new(paths: Paths<'_>) -> Self {
        let network = paths.network();
        let here = match network.routers() {
            [router] => Some(router),
            _ => None,
        };
        let mut classes: Vec<_> = paths
            .all()
            .enumerate()
            .flat_map(|(index, path)| [(index, path, false), (index, path, true)])
            .map(|(index, (depth, attributes), redistributed)| {
                let survives = redistributed && here.is_some_and(|router| router.dialect.weight_survives_leak);
                let class = (
                    depth,
                    Reverse(if survives { WEIGHT_LOCAL } else { 0 }),
                    Reverse(attributes.local_preference),
                    attributes.as_path.len(),
                    attributes.origin,
                    attributes.med,
                    here.is_some() && !redistributed && attributes.internal,
                );
                (class, index * 2 + usize::from(redistributed))
            })
            .collect();
        classes.par_sort_unstable();
        let mut preference = vec![0; classes.len()];
        let mut class = 0;
        for (at, row) in classes.iter().enumerate() {
            class += u32::from(at > 0 && classes[at - 1].0 != row.0);
            preference[row.1] = class;
        }

        let integer = |address: IpAddr| match address {
            IpAddr::V4(address) => u128::from(address.to_bits()),
            IpAddr::V6(address) => address.to_bits(),
        };
        let mut places: Vec<_> = network
            .next_hops()
            .par_iter()
            .enumerate()
            .map(|(index, next_hop)| {
                let vrf = network.vrf(next_hop.vrf);
                let router = network.router(vrf.router);
                let address = match here {
                    Some(_) => next_hop.kind.address().map_or(0, integer),
                    None => integer(router.loopback),
                };
                (router.router_id.to_bits(), address, vrf.rd, next_hop.vrf, NextHopId::from_index(index))
            })
            .collect();
        places.par_sort_unstable();
        let mut place = vec![0; places.len()];
        for (at, row) in places.iter().enumerate() {
            place[row.4.index()] = u32::try_from(at).expect("a network checks the number of its next hops");
        }
        let next_hop_at = places.iter().map(|row| (row.4, row.3)).collect();
        Self { preference, place, next_hop_at }
    }

    #[inline]
    fn row<A: Address>(
        &self,
        prefix: Prefix<A>,
        attributes: AttributesId,
        next_hop: NextHopId,
        protocol: Protocol,
    ) -> Row<A> {
        let redistributed = usize::from(protocol != Protocol::Bgp);
        let preference = self.preference[attributes.index() * 2 + redistributed];
        Row::new(prefix, preference, self.place[next_hop.index()], protocol, attributes)
    }
}

/// How many routes one task looks at.
const CHUNK: usize = 1 << 14;
/// One route of so many is looked at to tell where addresses begin and end.
const SAMPLED: usize = 1 << 10;

impl<A: Address> RouteTable<A> {
    /// Exports what the VRFs of `network` have and ranks all of it, in the current rayon pool.
    ///
    /// O(routes), or where many routes have one address O(routes · log routes); 16 bytes a route (IPv6: 32) are needed
    /// besides the result. Sorting all rows by comparisons took one and a half times as long on 4 M routes.
    pub fn new(network: &Network, resolution: &Resolution) -> Self {
        Self::with_reexports(network, resolution, &[])
    }

    /// Exports and ranks the same, and what VRFs export again.
    pub(crate) fn with_reexports(network: &Network, resolution: &Resolution, reexports: &[Reexport<A>]) -> Self {
        let targets = ExportTargets::<A>::new(network, resolution, reexports);
        let order = Order::new(Paths::new(network, &targets.derived));
        let bins = dealt::<A>(network, resolution, &order, &targets.rows);
        let mut table = columns(network, bins, &order, targets);
        table.settle(network);
        table.mark_ways(reexports);
        table
    }

    /// Notes where the routes that were exported again have been.
    fn mark_ways(&mut self, reexports: &[Reexport<A>]) {
        let this = &*self;
        let mut ways: Vec<(RouteId, Box<[VrfId]>)> = reexports
            .iter()
            .flat_map(|reexport| {
                // A VRF exports a prefix again once.
                let is_it = |&id: &RouteId| {
                    this.origin(id) == reexport.vrf && this.is_derived(id) && this.next_hop(id) == reexport.next_hop
                };
                this.routes_to(reexport.prefix).filter(is_it).map(|id| (id, reexport.way.clone()))
            })
            .collect();
        ways.sort_unstable();
        self.ways = ways;
    }

    /// Decides what several routes to one prefix mean for each other: which of a VRF's own is exported, and which of
    /// several routes with one RD is reflected.
    fn settle(&mut self, network: &Network) {
        let rds = rd_numbers(network);
        let this = &*self;
        let settled: Vec<Settled> = (0..this.len().div_ceil(CHUNK))
            .into_par_iter()
            .map(|chunk| {
                let mut settled = Settled::default();
                let mut scratch = Vec::new();
                let range = chunk * CHUNK..this.len().min((chunk + 1) * CHUNK);
                for index in range {
                    let several =
                        this.position[index] == 0 && this.position.get(index + 1).is_some_and(|&next| next > 0);
                    if several {
                        this.settle_prefix(network, &rds, RouteId::from_index(index), &mut scratch, &mut settled);
                    }
                }
                settled
            })
            .collect();
        for part in settled {
            for (id, status) in part.statuses {
                self.status[id.index()] = status;
                if !status.is_vpn_route() {
                    self.targets[id.index()] = TargetSetId::NONE;
                }
            }
            self.shared_nlri.extend(part.shared_nlri);
        }
    }

    fn settle_prefix(
        &self,
        network: &Network,
        rds: &[u32],
        first: RouteId,
        scratch: &mut Vec<u32>,
        settled: &mut Settled,
    ) {
        let range = first.index()..self.end_of_prefix(first).index();
        scratch.clear();
        scratch.extend(self.origin[range.clone()].iter().map(|origin| rds[origin.index()]));
        let repeats = if let [a, b] = scratch.as_slice() {
            a == b
        } else {
            scratch.sort_unstable();
            scratch.windows(2).any(|pair| pair[0] == pair[1])
        };
        if repeats {
            self.settle_repeats(network, rds, range, settled);
        }
    }

    /// Settles a prefix at which one VRF has several routes, or several VRFs have one RD.
    fn settle_repeats(&self, network: &Network, rds: &[u32], range: std::ops::Range<usize>, settled: &mut Settled) {
        let paths = self.paths(network);
        let mut routes: Vec<(u32, VrfId, RouteId)> =
            range.map(RouteId::from_index).map(|id| (rds[self.origin(id).index()], self.origin(id), id)).collect();
        routes.sort_unstable();
        let first = routes.iter().map(|&(.., id)| id).min().expect("the prefix has routes");
        for nlri in routes.chunk_by(|a, b| a.0 == b.0) {
            let mut exported = Vec::new();
            for own in nlri.chunk_by(|a, b| a.1 == b.1) {
                let ids: Vec<RouteId> = own.iter().map(|&(.., id)| id).filter(|&id| !self.is_derived(id)).collect();
                let keys: Vec<RouteKey> = ids.iter().map(|&id| self.key(id)).collect();
                let winner = select::exported::<A>(paths, own[0].1, &keys).map(|at| keys[at]);
                for &(.., id) in own {
                    let key = self.key(id);
                    let source = match paths.source(key.attributes) {
                        Some(attributes) => RouteKey { attributes, ..key },
                        None => key,
                    };
                    let status = self.status(id);
                    if paths.depth(key.attributes) > 0 || winner == Some(source) {
                        exported.extend(status.is_vpn_route().then_some(id));
                    } else if status.is_vpn_route() || status == ExportStatus::Rewritten {
                        settled.statuses.push((id, ExportStatus::LostToOwn));
                    }
                }
            }
            if exported.len() > 1 {
                let keys: Vec<RouteKey> = exported.iter().map(|&id| self.key(id)).collect();
                let reflected = select::best_vpn_route(paths, Viewpoint::Reflector, &keys);
                let lost = exported.iter().enumerate().filter(|&(at, _)| Some(at) != reflected);
                settled.statuses.extend(lost.map(|(_, &id)| (id, ExportStatus::LostNlri)));
                if settled.shared_nlri.last() != Some(&first) {
                    settled.shared_nlri.push(first);
                }
            }
        }
    }
}

/// What one task found out.
#[derive(Default)]
struct Settled {
    statuses: Vec<(RouteId, ExportStatus)>,
    shared_nlri: Vec<RouteId>,
}

/// Numbers the RDs: equal RDs have equal numbers, and a VRF without one has a number of its own.
fn rd_numbers(network: &Network) -> Vec<u32> {
    let mut order: Vec<u32> = (0..u32::try_from(network.vrfs().len()).expect("ids are u32")).collect();
    let rd = |vrf: u32| network.vrf(VrfId(vrf)).rd;
    order.par_sort_unstable_by_key(|&vrf| (rd(vrf), vrf));
    let mut numbers = vec![0; order.len()];
    let mut number = 0;
    for (at, &vrf) in order.iter().enumerate() {
        number += u32::from(at > 0 && (rd(vrf).is_none() || rd(vrf) != rd(order[at - 1])));
        numbers[vrf as usize] = number;
    }
    numbers
}

/// Routes of one VRF or more, or rows besides them, of which one thread makes rows at a time.
#[derive(Default)]
struct Share<'a, A> {
    routes: Vec<&'a [SourceRoute<A>]>,
    added: &'a [(Prefix<A>, RouteKey)],
}

/// Cuts the routes of all VRFs that are up into `shares` of about as many each, and adds `added` to the last one.
fn shares<'a, A: Address>(
    network: &'a Network,
    added: &'a [(Prefix<A>, RouteKey)],
    shares: usize,
) -> Vec<Share<'a, A>> {
    let up = || network.vrfs().iter().filter(|vrf| vrf.up).map(|vrf| vrf.family::<A>().routes.as_slice());
    let most = up().map(<[_]>::len).sum::<usize>().div_ceil(shares).max(1);
    let (mut cut, mut share, mut room) = (Vec::with_capacity(shares + 1), Share::default(), most);
    for mut routes in up() {
        while routes.len() > room {
            let (taken, rest) = routes.split_at(room);
            share.routes.push(taken);
            cut.push(std::mem::take(&mut share));
            (routes, room) = (rest, most);
        }
        share.routes.push(routes);
        room -= routes.len();
    }
    share.added = added;
    cut.push(share);
    cut
}

/// Returns a row for each route that takes part, in bins.
///
/// `added` are rows besides the source routes; all of them take part.
fn dealt<A: Address>(
    network: &Network,
    resolution: &Resolution,
    order: &Order,
    added: &[(Prefix<A>, RouteKey)],
) -> Bins<A> {
    let all = network.source_routes::<A>() + added.len();
    let threads = rayon::current_num_threads();
    let shares = shares(network, added, if all < CHUNK { 1 } else { threads });
    let row_of = |prefix, attributes, next_hop, protocol| order.row(prefix, attributes, next_hop, protocol);
    let of_route =
        |route: &SourceRoute<A>| row_of(route.prefix(), route.attributes(), route.next_hop(), route.protocol());
    // Where the routes of a VRF ascend, its first and its last one tell most.
    let some = |routes: &&'_ [SourceRoute<A>]| {
        routes.iter().step_by(SAMPLED).chain(routes.last()).copied().collect::<Vec<_>>()
    };
    let sample = shares.iter().flat_map(|share| &share.routes).flat_map(some);
    Bins::deal(shares.len(), all, sample.map(|route| of_route(&route).head()), |share| {
        let Share { routes, added } = &shares[share];
        let resolved = routes.iter().copied().flatten().filter(|route| resolution.resolves(route.next_hop()));
        let added = added.iter().map(|&(prefix, key)| row_of(prefix, key.attributes, key.next_hop, key.protocol));
        resolved.map(of_route).chain(added)
    })
}

/// What the routes of one VRF become on their way out of it, as far as they are alike.
struct Exporter {
    redistribute: Redistribute,
    has_rd: bool,
}

fn columns<A: Address>(network: &Network, bins: Bins<A>, order: &Order, targets: ExportTargets<A>) -> RouteTable<A> {
    let exporter = |vrf: &Vrf| Exporter { redistribute: vrf.family::<A>().redistribute, has_rd: vrf.rd.is_some() };
    let exporters: Vec<Exporter> = network.vrfs().iter().map(exporter).collect();
    let export = |row: &Row<A>, next_hop: NextHopId, origin: VrfId| {
        let (protocol, attributes) = (row.protocol(), row.attributes());
        let Exporter { redistribute, has_rd } = exporters[origin.index()];
        let in_bgp = protocol == Protocol::Bgp
            // No attributes of the network's are those of a derived route.
            || network.attributes().get(attributes.index()).is_none_or(|given| redistribute.includes(protocol, given));
        match (in_bgp, has_rd, targets.of(row.prefix(), origin, attributes, next_hop, protocol)) {
            (false, ..) => (ExportStatus::NotRedistributed, TargetSetId::NONE),
            (true, false, _) => (ExportStatus::NoRd, TargetSetId::NONE),
            (true, _, Mapped::Dropped) => (ExportStatus::MapDenied, TargetSetId::NONE),
            (true, _, Mapped::Rewritten) => (ExportStatus::Rewritten, TargetSetId::NONE),
            (true, _, Mapped::Targets(TargetSetId::NONE)) => (ExportStatus::NoTarget, TargetSetId::NONE),
            (true, true, Mapped::Targets(set)) => (ExportStatus::Exported, set),
        }
    };
    let columns = Columns::fill(&bins, &order.next_hop_at, export);
    drop(bins);
    // Ids are the numbers, in the very memory.
    RouteTable {
        bits: columns.bits,
        len: columns.len,
        origin: columns.origin.into_iter().map(VrfId).collect(),
        next_hop: columns.next_hop.into_iter().map(NextHopId).collect(),
        attributes: columns.attributes.into_iter().map(AttributesId).collect(),
        targets: columns.targets.into_iter().map(TargetSetId).collect(),
        protocol: columns.protocol,
        status: columns.status,
        position: columns.position,
        own_targets: targets.vary_within_a_vrf(),
        target_sets: targets.sets,
        export_of: targets.of_vrf,
        deepest: columns.deepest,
        shared_nlri: Vec::new(),
        derived: targets.derived,
        first_derived: u32::try_from(network.attributes().len()).expect("ids are u32"),
        ways: Vec::new(),
    }
}
