//! What VRFs import, as they announce it to their neighbours.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ahash::AHashMap;
use vrfleak_engine::{
    Address, Attributes, Candidate, Family, Leak, Network, NetworkBuilder, NextHopKind, Prefix, Protocol, Step, VrfId,
    select,
};

use super::Ids;
use super::session::{Session, TableAt};

/// A route that a VRF imported and has as its best in BGP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ImportedRoute {
    /// BGP, or what it was in the VRF of the same router that it comes from.
    pub(super) protocol: Protocol,
    pub(super) next_hop: Option<IpAddr>,
    pub(super) attributes: Attributes,
}

/// What is imported, by the table that imported it.
pub(super) type Imported<A> = AHashMap<TableAt, BTreeMap<Prefix<A>, ImportedRoute>>;

/// Returns the VRFs that send over the sessions and import anything.
pub(super) fn importers(
    sessions: &[Session<'_>],
    ids: &[Option<Ids>],
    builder: &mut NetworkBuilder,
) -> Vec<(TableAt, VrfId)> {
    let mut senders: Vec<TableAt> = sessions.iter().map(|session| session.there.at).collect();
    senders.sort_unstable();
    senders.dedup();
    let vrf = |at: TableAt| Some((at, ids[at.0].as_ref()?.vrfs[at.1]?));
    let mut importers: Vec<_> = senders.into_iter().filter_map(vrf).collect();
    importers.retain(|&(_, vrf)| {
        !builder.family::<u32>(vrf).import.is_empty() || !builder.family::<u128>(vrf).import.is_empty()
    });
    importers
}

/// Returns what VRFs have imported where that is their best in BGP.
pub(super) fn best_imported<A: Address>(network: &Network, leak: &Leak, importers: &[(TableAt, VrfId)]) -> Imported<A> {
    let family = leak.family::<A>();
    let routes = |vrf| {
        let candidates = family.all_candidates(network, vrf).into_iter();
        candidates.filter_map(move |(prefix, candidates)| Some((prefix, best::<A>(network, leak, vrf, &candidates)?)))
    };
    let table = |&(at, vrf): &(TableAt, VrfId)| (at, routes(vrf).collect::<BTreeMap<_, _>>());
    importers.iter().map(table).filter(|(_, routes)| !routes.is_empty()).collect()
}

/// Returns the best candidate in BGP if it was imported.
fn best<A: Address>(network: &Network, leak: &Leak, vrf: VrfId, candidates: &[Candidate]) -> Option<ImportedRoute> {
    let paths = leak.family::<A>().table().paths(network);
    let own = candidates.iter().filter(|candidate| candidate.key.origin == vrf).map(|candidate| candidate.key);
    let winner = own
        .filter(|key| key.protocol != Protocol::Bgp)
        .min_by_key(|&key| (select::distance(paths, vrf, key), key.protocol, key.next_hop, key.attributes));
    let redistribute = network.vrf(vrf).family::<A>().redistribute;
    let in_bgp = |candidate: &&Candidate| match candidate.key {
        _ if candidate.leaked_host => false,
        key if key.origin != vrf || key.protocol == Protocol::Bgp => true,
        key => Some(key) == winner && redistribute.includes(key.protocol, paths.attributes(key.attributes)),
    };
    let here: Vec<&Candidate> = candidates.iter().filter(in_bgp).collect();
    // What loses to the VRF's own route by distance alone is the best of BGP all the same.
    let order = [None, Some(Step::Distance), Some(Step::Tie)];
    let best = order.into_iter().find_map(|lost| here.iter().find(|candidate| candidate.lost == lost))?;
    let key = best.key;
    if key.origin == vrf {
        return None;
    }
    let here = network.vrf(key.origin).router == network.vrf(vrf).router;
    let own = match network.next_hop(key.next_hop).kind {
        _ if !here => Some(network.router_of(key.origin).loopback),
        NextHopKind::Gateway { address, .. } => Some(address),
        _ => None,
    };
    let attributes = without_med(best.attributes(paths).clone());
    let attributes = Attributes { internal: false, redistribute: Some(true), distance: None, ..attributes };
    Some(ImportedRoute {
        protocol: if here { key.protocol } else { Protocol::Bgp },
        next_hop: best.next_hop(paths).or(own).filter(|address| address.is_ipv4() || A::FAMILY == Family::Ipv6),
        attributes,
    })
}

/// Returns attributes as they go to another AS: a metric goes one AS far.
pub(super) fn without_med(attributes: Attributes) -> Attributes {
    Attributes { med: 0, without_med: true, ..attributes }
}
