//! One RD on several VRFs of a router.

use crate::Input;
use crate::finding::{Finding, Findings, Kind, name, place};

pub(crate) fn lint(input: &Input<'_>, findings: &mut Findings) {
    let network = input.network;
    let rd = |id| network.vrf(id).rd.map(|rd| (network.vrf(id).router, rd, id));
    let mut rds: Vec<_> = network.vrf_ids().filter_map(rd).collect();
    rds.sort_unstable();
    let mut repeated = Vec::new();
    for same in rds.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).filter(|same| same.len() > 1) {
        repeated.extend(same[1..].iter().map(|&(_, rd, vrf)| (vrf, same[0].2, rd)));
    }
    repeated.sort_unstable();
    for (vrf, other, rd) in repeated {
        findings.push(Kind::SharedRd, || Finding {
            kind: Kind::SharedRd,
            place: place(input.provenance, vrf, |origin| origin.rd),
            vrf: Some(vrf),
            other: Some(other),
            families: Vec::new(),
            message: format!("VRF {} has RD {rd}, as {} on the same router", name(network, vrf), name(network, other)),
        });
    }
}
