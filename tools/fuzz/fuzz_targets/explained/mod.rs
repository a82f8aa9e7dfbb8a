//! What a network that was read comes to: it leaks, every reason can be asked for, and every finding stands in a text.

use vrfleak_bench_data::{Place, Provenance};
use vrfleak_engine::{Address, Leak, Network, Stage, VrfId, why};

/// How many VRFs are asked, and for how many routes of how many others.
const ASKED: usize = 4;

pub fn explain(network: &Network, provenance: &Provenance) {
    let leak = Leak::new(network);
    let input =
        vrfleak_lint::Input { network, leak: &leak, provenance: Some(provenance), undefined: &[], unused: &[] };
    for finding in vrfleak_lint::lint(&input, 10).groups().flat_map(|group| &group.shown) {
        finding.place.into_iter().for_each(|place| stands(provenance, place));
    }
    for vrf in network.vrf_ids().take(ASKED) {
        ask::<u32>(network, &leak, vrf);
        ask::<u128>(network, &leak, vrf);
    }
}

fn ask<A: Address>(network: &Network, leak: &Leak, vrf: VrfId) {
    for other in network.vrf_ids().take(ASKED) {
        for route in network.vrf(other).family::<A>().routes.iter().take(ASKED) {
            let outcomes = why(network, leak, vrf, route.prefix());
            let best = outcomes.iter().filter(|outcome| outcome.reason.stage() == Stage::Best).count();
            assert!(!outcomes.is_empty() && best <= 1, "{outcomes:?}");
            let entry = leak.family::<A>().get(vrf, route.prefix());
            assert_eq!(entry.is_some(), best == 1, "{outcomes:?}");
        }
    }
}

/// Finds a place in its text.
pub fn stands(provenance: &Provenance, place: Place) {
    let line = provenance.resolve(place);
    assert!(line.line > 0 && line.column > 0);
    assert!(
        provenance.sources()[place.source()].text().get(place.span()).is_some(),
        "{place:?} splits a character"
    );
}
