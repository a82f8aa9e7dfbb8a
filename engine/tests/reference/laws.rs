//! Laws that the definition keeps on random networks, and that these networks reach the corners they are made for.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use vrfleak_engine::reference::{self, Candidate, Export, Table};
use vrfleak_engine::{Address, Network, NetworkBuilder, NextHopKind, Protocol, RouterId, VrfFamily};

use crate::networks;

/// Returns a builder that holds this very network, ids included.
fn reopened(network: &Network) -> NetworkBuilder {
    let mut builder = NetworkBuilder::default();
    for router in network.routers() {
        let id = builder.router(&router.name, router.asn, router.router_id, router.dialect);
        *builder.router_mut(id) = router.clone();
    }
    let routers: Vec<RouterId> = (0..network.routers().len()).map(RouterId::from_index).collect();
    for (&from, &to) in routers.iter().flat_map(|from| routers.iter().map(move |to| (from, to))) {
        builder.igp_metric(from, to, network.igp_metric(from, to));
    }
    for vrf in network.vrfs() {
        let id = builder.vrf(vrf.router, &vrf.name, vrf.rd);
        *builder.vrf_mut(id) = vrf.clone();
    }
    for interface in network.interfaces() {
        builder.interface(interface.vrf, &interface.name);
    }
    for next_hop in network.next_hops() {
        builder.next_hop(next_hop.vrf, next_hop.kind);
    }
    for attributes in network.attributes() {
        builder.attributes(attributes.clone());
    }
    builder.policies().append(network.policies(), 0);
    builder
}

/// Returns the tables of both families.
fn leak(network: &Network) -> (Vec<Table<u32>>, Vec<Table<u128>>) {
    (reference::leak(network), reference::leak(network))
}

/// Returns all candidates of one table but the leaked host routes, which come and go with what is best.
fn candidates<A: Address>(table: &Table<A>) -> BTreeSet<(String, Candidate)> {
    let all = table
        .entries
        .iter()
        .flat_map(|entry| entry.candidates.iter().map(|route| (entry.prefix.to_string(), route.clone())));
    all.filter(|(_, route)| !route.leaked_host).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn s2_the_order_of_routes_changes_nothing(network in networks::policy_networks()) {
        let mut builder = reopened(&network);
        for vrf in network.vrf_ids() {
            builder.family::<u32>(vrf).routes.reverse();
            builder.family::<u128>(vrf).routes.reverse();
        }
        let reversed = builder.build().expect("it was right before");
        prop_assert_eq!(leak(&reversed), leak(&network));
    }

    #[test]
    fn s2_repeated_routes_change_nothing(network in networks::networks()) {
        let mut builder = reopened(&network);
        for vrf in network.vrf_ids() {
            let family = builder.family::<u32>(vrf);
            family.routes.extend_from_within(..);
        }
        let doubled = builder.build().expect("it was right before");
        prop_assert_eq!(leak(&doubled), leak(&network));
    }

    #[test]
    fn c3_down_is_the_same_as_empty(network in networks::networks(), choice: prop::sample::Index) {
        let vrf = network.vrf_ids().nth(choice.index(network.vrfs().len())).expect("an index of a VRF");
        let mut down = reopened(&network);
        down.vrf_mut(vrf).up = false;
        let mut empty = reopened(&network);
        *empty.family::<u32>(vrf) = VrfFamily::default();
        *empty.family::<u128>(vrf) = VrfFamily::default();
        let [down, empty] = [down, empty].map(|builder| leak(&builder.build().expect("it was right before")));
        prop_assert_eq!(down, empty);
    }

    #[test]
    fn i1_a_further_import_target_adds_candidates_to_its_vrf_and_touches_no_other(
        network in networks::networks(), choice: prop::sample::Index, from: prop::sample::Index,
    ) {
        let vrf = network.vrf_ids().nth(choice.index(network.vrfs().len())).expect("an index of a VRF");
        let target = network.vrfs()[from.index(network.vrfs().len())].family::<u32>().export.first().copied();
        let mut builder = reopened(&network);
        builder.family::<u32>(vrf).import.extend(target);
        let after = builder.build().expect("it was right before");
        let (before, after) = (reference::leak::<u32>(&network), reference::leak::<u32>(&after));
        prop_assert!(candidates(&before[vrf.index()]).is_subset(&candidates(&after[vrf.index()])));
        for other in network.vrf_ids().filter(|&other| other != vrf) {
            prop_assert_eq!(&before[other.index()], &after[other.index()]);
        }
    }

    #[test]
    fn i7_tables_are_in_order_and_count_what_they_imported(network in networks::networks()) {
        for (vrf, table) in network.vrf_ids().zip(reference::leak::<u32>(&network)) {
            prop_assert!(table.entries.is_sorted_by(|left, right| left.prefix < right.prefix));
            for entry in &table.entries {
                prop_assert!(entry.candidates.is_sorted_by(|left, right| left < right));
                prop_assert!(entry.best < entry.candidates.len());
            }
            let imported = candidates(&table).iter().filter(|(_, route)| route.origin != vrf).count();
            prop_assert_eq!(imported, table.imported);
        }
    }
}

/// Counts what one family of a network reaches.
fn count<A: Address>(network: &Network, counts: &mut BTreeMap<&'static str, usize>) {
    let mut reach = |corner: &'static str, times: usize| *counts.entry(corner).or_default() += times;
    let exports: Vec<Export<A>> = reference::exports(network);
    for (vrf, table) in network.vrf_ids().zip(reference::leak::<A>(network)) {
        let model = network.vrf(vrf);
        let near = |route: &Candidate| network.vrf(route.origin).router == model.router;
        let own = table.entries.iter().flat_map(|entry| &entry.candidates).filter(|route| route.origin == vrf).count();
        reach("duplicate or unresolved route", usize::from(model.up && own < model.family::<A>().routes.len()));
        reach("VRF that is down", usize::from(!model.up));
        reach("VRF without RD that imports", usize::from(model.rd.is_none() && table.imported > 0));
        let wanted = exports.iter().filter(|export| {
            export.vrf != vrf && export.targets.iter().any(|target| model.family::<A>().import.contains(target))
        });
        reach("route lost to the same NLRI", if model.up { wanted.count() - table.imported } else { 0 });
        for entry in &table.entries {
            let best = &entry.candidates[entry.best];
            let kind = network.next_hop(best.next_hop).kind;
            let any = |test: &dyn Fn(&Candidate) -> bool| entry.candidates.iter().any(test);
            reach(
                "own route over an imported one",
                usize::from(best.origin == vrf && any(&|route| route.origin != vrf)),
            );
            reach(
                "imported route over an own one",
                usize::from(best.origin != vrf && any(&|route| route.origin == vrf)),
            );
            reach("host route that is best", usize::from(best.leaked_host));
            reach("host route that loses", usize::from(!best.leaked_host && any(&|route| route.leaked_host)));
            reach(
                "three imported candidates",
                usize::from(entry.candidates.iter().filter(|route| route.origin != vrf).count() > 2),
            );
            reach(
                "near and far candidates",
                usize::from(best.origin != vrf && any(&|route| near(route)) && any(&|route| !near(route))),
            );
            reach("imported discard", usize::from(best.origin != vrf && kind == NextHopKind::Discard));
            reach(
                "imported way to a third VRF",
                usize::from(best.origin != vrf && matches!(kind, NextHopKind::Vrf { .. })),
            );
            reach(
                "CE route over a static one",
                usize::from(
                    best.protocol == Protocol::Bgp
                        && best.origin == vrf
                        && any(&|route| route.protocol == Protocol::Static && route.origin == vrf),
                ),
            );
            reach(
                "static through a gateway that had to be resolved",
                usize::from(
                    best.protocol == Protocol::Static && matches!(kind, NextHopKind::Gateway { interface: None, .. }),
                ),
            );
            let ases: BTreeSet<_> = entry
                .candidates
                .iter()
                .map(|route| network.attributes()[route.attributes.index()].neighbor_as())
                .collect();
            reach("three neighbouring ASes", usize::from(ases.len() > 2));
        }
    }
    for export in &exports {
        let twins = |same_router: bool| {
            exports
                .iter()
                .filter(move |other| {
                    let (left, right) = (network.vrf(other.vrf), network.vrf(export.vrf));
                    other.vrf != export.vrf
                        && other.prefix == export.prefix
                        && left.rd == right.rd
                        && (left.router == right.router) == same_router
                })
                .count()
        };
        reach("one NLRI twice on a router", twins(true));
        reach("one NLRI on two routers", twins(false));
    }
}

#[test]
fn the_networks_reach_every_corner_often() {
    for family in ["IPv4", "IPv6"] {
        let mut counts = BTreeMap::new();
        for seed in 0..2000 {
            let network = networks::network(seed);
            if family == "IPv4" { count::<u32>(&network, &mut counts) } else { count::<u128>(&network, &mut counts) }
        }
        let rare: Vec<_> = counts.iter().filter(|&(_, &count)| count < 10).collect();
        assert!(rare.is_empty(), "{family}: {rare:?} of {counts:?}");
        assert_eq!(counts.len(), 17, "{counts:?}");
    }
}

/// Counts what the policies, limits and switches of one family reach.
fn count_policies<A: Address>(network: &Network, counts: &mut BTreeMap<&'static str, usize>) {
    let mut reach = |corner: &'static str, times: usize| *counts.entry(corner).or_default() += times;
    for export in reference::exports::<A>(network) {
        let set = export.changes.as_ref().and_then(|changes| changes.next_hop);
        reach("export with other attributes", usize::from(export.changes.is_some()));
        reach("export with another next hop", usize::from(set.is_some()));
    }
    for (vrf, table) in network.vrf_ids().zip(reference::leak::<A>(network)) {
        reach("route over the limit", table.rejected);
        reach("limit that only warns", usize::from(table.counted > 0 && table.rejected == 0));
        for entry in &table.entries {
            let best = &entry.candidates[entry.best];
            let imported = |route: &&Candidate| route.origin != vrf && !route.leaked_host;
            let depths = entry.candidates.iter().filter(imported).map(Candidate::depth);
            let changed = |route: &Candidate| route.changes.as_ref().is_some_and(|changes| changes.imported);
            reach("copy that an import map changed", entry.candidates.iter().filter(|route| changed(route)).count());
            reach("changed copy that wins", usize::from(entry.candidates.len() > 1 && changed(best)));
            reach("route exported again", usize::from(best.depth() == 1));
            reach("route exported again twice", usize::from(best.depth() == 2));
            reach("route exported again often", usize::from(best.depth() > 2));
            reach("candidates of two depths", usize::from(depths.clone().min() != depths.max()));
            reach("two paths", usize::from(entry.multipath.len() == 1));
            reach("more paths", usize::from(entry.multipath.len() > 1));
            let external = |route: &Candidate| network.vrf(route.origin).router == network.vrf(vrf).router;
            let both = entry.multipath.iter().any(|other| external(other) != external(best));
            reach("paths over eBGP and iBGP", usize::from(both));
            let loops = best.attributes(network).as_path.contains(&network.router_of(vrf).asn);
            reach("loop that is permitted", usize::from(loops && best.origin != vrf));
        }
    }
}

#[test]
fn the_policies_reach_every_corner_often() {
    for family in ["IPv4", "IPv6"] {
        let mut counts = BTreeMap::new();
        for seed in 0..3000 {
            let network = networks::policy_network(seed);
            if family == "IPv4" {
                count_policies::<u32>(&network, &mut counts);
            } else {
                count_policies::<u128>(&network, &mut counts);
            }
        }
        let rare: Vec<_> = counts.iter().filter(|&(_, &count)| count < 10).collect();
        assert!(rare.is_empty(), "{family}: {rare:?} of {counts:?}");
        assert_eq!(counts.len(), 14, "{counts:?}");
    }
}

#[test]
fn a_seed_means_the_same_network_for_ever() {
    let text = |seed| format!("{:?}", leak(&networks::network(seed)));
    assert_eq!(text(7), text(7));
    assert_ne!(text(7), text(8));
}
