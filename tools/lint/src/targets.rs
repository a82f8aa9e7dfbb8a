//! Targets without a counterpart: imported and not exported, exported and not imported.

use vrfleak_engine::policy::Action;
use vrfleak_engine::{Address, Family, Network, RouteTarget, VrfId};

use crate::Input;
use crate::finding::{Finding, Findings, Kind, counted, name, place};

/// A target of a VRF's configuration.
type Mention = (RouteTarget, Family, VrfId);

pub(crate) fn lint(input: &Input<'_>, findings: &mut Findings) {
    let Input { network, .. } = *input;
    let mut imports = Vec::new();
    let mut exports = Vec::new();
    let mut exported: Vec<(RouteTarget, Family)> = Vec::new();
    collect::<u32>(input, &mut imports, &mut exports, &mut exported);
    collect::<u128>(input, &mut imports, &mut exports, &mut exported);
    for policy in network.policies().ids() {
        for action in network.policies().get(policy).clauses.iter().flat_map(|clause| &clause.actions) {
            if let Action::SetTargets(targets) | Action::AddTargets(targets) = action {
                exported.extend(targets.iter().flat_map(|&target| Family::ALL.map(|family| (target, family))));
            }
        }
    }
    let mut imported: Vec<_> = imports.iter().map(|&(target, family, _)| (target, family)).collect();
    for list in [&mut exported, &mut imported] {
        list.sort_unstable();
        list.dedup();
    }
    report(input, Kind::TargetWithoutExporter, imports, &exported, findings);
    // What a router outside the model imports is unknown.
    if network.routers().iter().all(|router| !router.outside) {
        report(input, Kind::TargetWithoutImporter, exports, &imported, findings);
    }
}

fn collect<A: Address>(
    input: &Input<'_>,
    imports: &mut Vec<Mention>,
    exports: &mut Vec<Mention>,
    exported: &mut Vec<(RouteTarget, Family)>,
) {
    let Input { network, leak, .. } = *input;
    for id in network.vrf_ids() {
        let vrf = network.vrf(id).family::<A>();
        // What a default table exchanges with VRFs is configured on either side alone (SEMANTICS I8).
        let named = |targets: &'_ [RouteTarget]| -> Vec<Mention> {
            let named = targets.iter().filter(|target| !target.is_of_default_table());
            named.map(|&target| (target, A::FAMILY, id)).collect()
        };
        imports.extend(named(&vrf.import));
        exports.extend(named(&vrf.export));
    }
    exported.extend(exports.iter().map(|&(target, family, _)| (target, family)));
    // Those of export maps, and those that single routes bring along.
    let table = leak.family::<A>().table();
    exported.extend(table.target_sets().targets().iter().map(|&target| (target, A::FAMILY)));
}

/// Reports the targets of `mentions` that `others` has not, one finding a target.
fn report(
    input: &Input<'_>,
    kind: Kind,
    mut mentions: Vec<Mention>,
    others: &[(RouteTarget, Family)],
    findings: &mut Findings,
) {
    let network = input.network;
    mentions.retain(|&(target, family, _)| others.binary_search(&(target, family)).is_err());
    mentions.sort_unstable();
    // By the first VRF that names it, then by the target.
    let mut missing: Vec<(VrfId, &[Mention])> =
        mentions.chunk_by(|a, b| a.0 == b.0).map(|same| (first(same), same)).collect();
    missing.sort_unstable();
    let imports = kind == Kind::TargetWithoutExporter;
    for (vrf, same) in missing {
        findings.push(kind, || {
            let (target, family, _) = *same.iter().find(|mention| mention.2 == vrf).expect("the VRF is one of them");
            let mut families: Vec<Family> = same.iter().map(|mention| mention.1).collect();
            families.dedup();
            let mut vrfs: Vec<VrfId> = same.iter().map(|mention| mention.2).collect();
            vrfs.sort_unstable();
            vrfs.dedup();
            let more = match vrfs.len() {
                1 => String::new(),
                count => format!(" and {}", counted(count - 1, "other")),
            };
            let (verb, nobody) = if imports { ("import", "exports") } else { ("export", "imports") };
            let s = if vrfs.len() == 1 { "s" } else { "" };
            let near =
                near(target, families[0], others).map_or(String::new(), |near| format!("; {near} is close to it"));
            let of_place = |origin: &vrfleak_bench_data::VrfOrigin| {
                let origin = origin.family(family);
                let list = if imports { &origin.import } else { &origin.export };
                list.iter().find(|(there, _)| *there == target).map(|&(_, place)| place)
            };
            Finding {
                kind,
                place: place(input.provenance, vrf, of_place),
                vrf: Some(vrf),
                other: None,
                families,
                message: format!("VRF {}{more} {verb}{s} {target}, which nobody {nobody}{near}", name(network, vrf)),
            }
        });
    }
}

fn first(same: &[Mention]) -> VrfId {
    same.iter().map(|mention| mention.2).min().expect("a chunk is not empty")
}

/// Returns a target of the other side that differs by one character, as a slip of the finger does.
fn near(target: RouteTarget, family: Family, others: &[(RouteTarget, Family)]) -> Option<RouteTarget> {
    let text = target.to_string();
    others
        .iter()
        .filter(|other| other.1 == family)
        .map(|other| other.0)
        .find(|other| is_slip(&text, &other.to_string()))
}

/// Returns whether one character was changed, left out, or added.
fn is_slip(a: &str, b: &str) -> bool {
    let (long, short) = if a.len() >= b.len() { (a.as_bytes(), b.as_bytes()) } else { (b.as_bytes(), a.as_bytes()) };
    let same = long.iter().zip(short).take_while(|(a, b)| a == b).count();
    match long.len() - short.len() {
        0 => same < long.len() && long[same + 1..] == short[same + 1..],
        1 => long[same + 1..] == short[same..],
        _ => false,
    }
}

/// Returns the first target that both ascending lists have.
pub(crate) fn common(a: &[RouteTarget], b: &[RouteTarget]) -> Option<RouteTarget> {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    short.iter().copied().find(|target| long.binary_search(target).is_ok())
}

/// Returns the import targets of a VRF in one family, ascending.
pub(crate) fn imports<A: Address>(network: &Network, vrf: VrfId) -> &[RouteTarget] {
    &network.vrf(vrf).family::<A>().import
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_one_character() {
        for (a, b, slip) in [
            ("65000:1", "65000:2", true),
            ("65000:1", "65000:11", true),
            ("65000:1", "6500:1", true),
            ("65000:1", "65000:1", false),
            ("65000:1", "65000:222", false),
            ("65000:12", "65000:21", false),
        ] {
            assert_eq!((is_slip(a, b), is_slip(b, a)), (slip, slip), "{a} {b}");
        }
    }
}
