//! Export and ranking: from the VRFs' own routes to a [`RouteTable`].

use std::cmp::Reverse;
use std::net::IpAddr;

use rayon::prelude::*;

use crate::address::Address;
use crate::attributes::WEIGHT_LOCAL;
use crate::export_targets::{ExportTargets, Mapped};
use crate::id::{AttributesId, NextHopId, RouteId, TargetSetId, VrfId};
use crate::network::Network;
use crate::paths::Paths;
use crate::prefix::Prefix;
use crate::reexport::Reexport;
use crate::resolve::Resolution;
use crate::route_table::{ExportStatus, RouteTable};
use crate::select::{self, RouteKey, Viewpoint};
use crate::source_route::Protocol;

/// One route while it is sorted: prefix, preference, order of its next hop, protocol, attributes.
///
/// The derived order is the rank. Every field of a route is in it, so the order of input decides nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Row<A> {
    bits: A,
    /// Prefix length in the upper 8 bits, preference class in the lower 24.
    len_preference: u32,
    /// Order of the next hop in the upper 30 bits, protocol in the lower 2.
    order_protocol: u32,
    attributes: u32,
}

/// Stands for a route that takes no part; sorts behind all others, as no length is 255.
const ABSENT: u32 = u32::MAX;

const PROTOCOLS: [Protocol; 4] = [Protocol::Connected, Protocol::Local, Protocol::Static, Protocol::Bgp];

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
        Row {
            bits: prefix.bits(),
            len_preference: u32::from(prefix.len()) << 24 | self.preference[attributes.index() * 2 + redistributed],
            order_protocol: self.place[next_hop.index()] << 2 | protocol as u32,
            attributes: attributes.0,
        }
    }
}

/// How many routes one task looks at.
const CHUNK: usize = 1 << 14;

impl<A: Address> RouteTable<A> {
    /// Exports what the VRFs of `network` have and ranks all of it, in the current rayon pool.
    ///
    /// O(routes · log routes); 16 bytes a route (IPv6: 32) are needed besides the result.
    pub fn new(network: &Network, resolution: &Resolution) -> Self {
        Self::with_reexports(network, resolution, &[])
    }

    /// Exports and ranks the same, and what VRFs export again.
    pub(crate) fn with_reexports(network: &Network, resolution: &Resolution, reexports: &[Reexport<A>]) -> Self {
        let targets = ExportTargets::<A>::new(network, resolution, reexports);
        let order = Order::new(Paths::new(network, &targets.derived));
        let rows = sorted_rows::<A>(network, resolution, &order, &targets.rows);
        let mut table = columns(network, &rows, &order, targets);
        drop(rows);
        table.mark_positions();
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

    /// Fills the position of each route within its prefix.
    fn mark_positions(&mut self) {
        let (bits, len) = (&self.bits, &self.len);
        let deepest = self.position.par_chunks_mut(CHUNK).enumerate().map(|(chunk, positions)| {
            let start = chunk * CHUNK;
            let mut position = 0_usize;
            // The first prefix of the chunk may have begun before it; 65,535 and above look alike.
            while position < usize::from(u16::MAX) && position < start && {
                let before = start - position - 1;
                (bits[before], len[before]) == (bits[start], len[start])
            } {
                position += 1;
            }
            for (offset, slot) in positions.iter_mut().enumerate() {
                let index = start + offset;
                if offset > 0 {
                    let same = bits[index] == bits[index - 1] && len[index] == len[index - 1];
                    position = if same { position + 1 } else { 0 };
                }
                *slot = position.min(usize::from(u16::MAX)) as u16;
            }
            positions.iter().copied().max().unwrap_or(0)
        });
        self.deepest = deepest.max().unwrap_or(0);
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

/// Returns a row for each route that takes part, sorted.
///
/// `added` are rows besides the source routes; all of them take part.
fn sorted_rows<A: Address>(
    network: &Network,
    resolution: &Resolution,
    order: &Order,
    added: &[(Prefix<A>, RouteKey)],
) -> Vec<Row<A>> {
    let mut rows = vec![Row::<A>::default(); network.source_routes::<A>() + added.len()];
    let mut parts = Vec::with_capacity(network.vrfs().len());
    let mut rest = rows.as_mut_slice();
    for vrf in network.vrfs() {
        let (part, behind) = rest.split_at_mut(vrf.family::<A>().routes.len());
        parts.push((vrf, part));
        rest = behind;
    }
    for (row, &(prefix, key)) in rest.iter_mut().zip(added) {
        *row = order.row(prefix, key.attributes, key.next_hop, key.protocol);
    }
    let absent: usize = parts
        .into_par_iter()
        .map(|(vrf, part)| {
            let mut absent = 0;
            for (row, route) in part.iter_mut().zip(&vrf.family::<A>().routes) {
                if !vrf.up || !resolution.resolves(route.next_hop()) {
                    *row = Row { bits: A::MAX, len_preference: ABSENT, order_protocol: ABSENT, attributes: ABSENT };
                    absent += 1;
                    continue;
                }
                *row = order.row(route.prefix(), route.attributes(), route.next_hop(), route.protocol());
            }
            absent
        })
        .sum();
    rows.par_sort_unstable();
    rows.truncate(rows.len() - absent);
    // A source route given twice is one route.
    rows.dedup();
    rows
}

fn columns<A: Address>(network: &Network, rows: &[Row<A>], order: &Order, targets: ExportTargets<A>) -> RouteTable<A> {
    let (bits, len) = rows.par_iter().map(|row| (row.bits, (row.len_preference >> 24) as u8)).unzip();
    let (next_hop, origin): (Vec<NextHopId>, Vec<VrfId>) =
        rows.par_iter().map(|row| order.next_hop_at[(row.order_protocol >> 2) as usize]).unzip();
    let attributes: Vec<AttributesId> = rows.par_iter().map(|row| AttributesId(row.attributes)).collect();
    let protocol: Vec<Protocol> = rows.par_iter().map(|row| PROTOCOLS[(row.order_protocol & 3) as usize]).collect();
    let (status, sets) = (0..rows.len())
        .into_par_iter()
        .map(|index| {
            let vrf = network.vrf(origin[index]);
            let row: &Row<A> = &rows[index];
            let prefix = Prefix::containing(row.bits, (row.len_preference >> 24) as u8);
            let in_bgp = match network.attributes().get(attributes[index].index()) {
                Some(given) => vrf.family::<A>().redistribute.includes(protocol[index], given),
                // A derived route.
                None => true,
            };
            let mapped = targets.of(prefix, origin[index], attributes[index], next_hop[index], protocol[index]);
            match (in_bgp, vrf.rd, mapped) {
                (false, ..) => (ExportStatus::NotRedistributed, TargetSetId::NONE),
                (true, None, _) => (ExportStatus::NoRd, TargetSetId::NONE),
                (true, _, Mapped::Dropped) => (ExportStatus::MapDenied, TargetSetId::NONE),
                (true, _, Mapped::Rewritten) => (ExportStatus::Rewritten, TargetSetId::NONE),
                (true, _, Mapped::Targets(TargetSetId::NONE)) => (ExportStatus::NoTarget, TargetSetId::NONE),
                (true, Some(_), Mapped::Targets(set)) => (ExportStatus::Exported, set),
            }
        })
        .unzip();
    RouteTable {
        bits,
        len,
        origin,
        next_hop,
        attributes,
        targets: sets,
        protocol,
        status,
        position: vec![0; rows.len()],
        own_targets: targets.vary_within_a_vrf(),
        target_sets: targets.sets,
        export_of: targets.of_vrf,
        deepest: 0,
        shared_nlri: Vec::new(),
        derived: targets.derived,
        first_derived: u32::try_from(network.attributes().len()).expect("ids are u32"),
        ways: Vec::new(),
    }
}
