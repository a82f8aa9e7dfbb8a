//! Re-export: what a VRF with the switch passes on, and that it ends (E1).

use vrfleak_engine::policy::{Action, Clause, Flow};
use vrfleak_engine::{Dialect, NextHopKind, VrfId};

use crate::sketch::{OFFERED, Sketch, path, target};

/// VRFs 1 to `switches.len() + 1` of a router each: every one imports what the one before it exports. The first has a
/// route; `switches` says which of the others export it again.
fn chain(switches: &[bool]) -> (Sketch, Vec<VrfId>) {
    let mut sketch = Sketch::default();
    let mut vrfs = Vec::new();
    for number in 1..=switches.len() as u8 + 1 {
        let router = sketch.router(number, Dialect::NATIVE);
        let number = u32::from(number);
        vrfs.push(sketch.vrf(router, number, &[number - 1], &[number]));
    }
    for (&vrf, &switch) in vrfs[1..].iter().zip(switches) {
        sketch.builder.vrf_mut(vrf).reexport_imported = switch;
    }
    sketch.discard(vrfs[0], OFFERED, None);
    (sketch, vrfs)
}

#[test]
fn e1_a_route_goes_as_far_as_every_vrf_on_its_way_has_the_switch() {
    for (switches, has) in [
        ([false, false, false], [true, true, false, false]),
        ([true, false, false], [true, true, true, false]),
        ([true, true, false], [true; 4]),
        ([false, true, true], [true, true, false, false]),
    ] {
        let (sketch, vrfs) = chain(&switches);
        let leaked = sketch.leak();
        assert_eq!(vrfs.iter().map(|&vrf| !leaked.prefixes(vrf).is_empty()).collect::<Vec<_>>(), has);
    }
}

#[test]
fn e1_the_next_hop_is_the_vrf_that_exported_it_last() {
    let (sketch, vrfs) = chain(&[true, true, true]);
    let leaked = sketch.leak();
    for pair in vrfs[1..].windows(2) {
        let best = leaked.best(pair[1], OFFERED).expect("it came all the way");
        assert_eq!(best.origin, pair[0]);
        assert_eq!(leaked.network.next_hop(best.next_hop).kind, NextHopKind::Vrf { vrf: pair[0] });
    }
    assert_eq!(leaked.best(vrfs[3], OFFERED).map(|best| best.depth()), Some(2));
}

#[test]
fn e1_a_ring_ends_and_nothing_comes_back() {
    let (mut sketch, vrfs) = chain(&[true, true, true]);
    sketch.builder.vrf_mut(vrfs[0]).reexport_imported = true;
    sketch.targets::<u32>(vrfs[0], &[4], &[1]);
    let leaked = sketch.leak();
    for (at, &vrf) in vrfs.iter().enumerate() {
        assert_eq!(leaked.origins(vrf, OFFERED), [vrfs[at.saturating_sub(1)]]);
        assert_eq!(leaked.ipv4[vrf.index()].imported, usize::from(at > 0));
    }
}

#[test]
fn e1_the_shorter_way_wins_whatever_its_preference() {
    let (mut sketch, vrfs) = chain(&[true, true, false]);
    // The last VRF hears the first directly as well, which a map makes look worse.
    sketch.targets::<u32>(vrfs[3], &[1, 3], &[]);
    let map = sketch.policy(vec![Clause {
        actions: vec![Action::Prepend([7, 7, 7].into())],
        then: Flow::Accept,
        ..Clause::default()
    }]);
    sketch.builder.family::<u32>(vrfs[0]).export_map = Some(map);
    let better = sketch.policy(vec![Clause {
        actions: vec![Action::LocalPreference(vrfleak_engine::policy::Change::Set(900))],
        then: Flow::Accept,
        ..Clause::default()
    }]);
    sketch.builder.family::<u32>(vrfs[2]).export_map = Some(better);
    let leaked = sketch.leak();
    assert_eq!(leaked.origins(vrfs[3], OFFERED), [vrfs[0], vrfs[2]]);
    assert_eq!(leaked.winner(vrfs[3], OFFERED), Some(vrfs[0]));
}

#[test]
fn e1_a_vrf_that_exports_its_own_does_not_export_an_imported_one() {
    let (mut sketch, vrfs) = chain(&[true, true]);
    let mut preferred = path(&[1]);
    preferred.local_preference = 50;
    sketch.ce(vrfs[1], OFFERED, "192.0.2.9", preferred);
    let leaked = sketch.leak();
    // The second VRF uses the imported route and exports its own.
    assert_eq!(leaked.winner(vrfs[1], OFFERED), Some(vrfs[0]));
    assert_eq!(leaked.best(vrfs[2], OFFERED).map(|best| (best.origin, best.depth())), Some((vrfs[1], 0)));
}

#[test]
fn e1_what_is_exported_again_has_the_attributes_of_the_copy_and_passes_the_export_map() {
    let (mut sketch, vrfs) = chain(&[true, true]);
    let import = sketch.policy(vec![Clause {
        actions: vec![Action::LocalPreference(vrfleak_engine::policy::Change::Set(300)), Action::Prepend([9].into())],
        then: Flow::Accept,
        ..Clause::default()
    }]);
    let export = sketch.policy(vec![Clause {
        actions: vec![Action::AddTargets([target(77)].into()), Action::Prepend([8].into())],
        then: Flow::Accept,
        ..Clause::default()
    }]);
    sketch.builder.family::<u32>(vrfs[1]).import_map = Some(import);
    sketch.builder.family::<u32>(vrfs[1]).export_map = Some(export);
    sketch.targets::<u32>(vrfs[2], &[77], &[]);
    let leaked = sketch.leak();
    let best = leaked.best(vrfs[2], OFFERED).expect("exported again with the target that the map joined");
    let attributes = best.attributes(&leaked.network);
    assert_eq!((attributes.local_preference, &*attributes.as_path), (300, &[8, 9][..]));
}
