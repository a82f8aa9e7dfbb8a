//! [`filtered`] and [`limited`]: one VRF that imports all, and looks at every single route of it.

use std::sync::Arc;

use vrfleak_engine::policy::{Action, Change, Clause, Condition, Flow, Policy, PrefixEntry, PrefixList};
use vrfleak_engine::{MaximumRoutes, OverLimit};

use super::many_targets;
use super::sites::Sites;

/// Returns the network of [`Workload::ImportMap`](super::Workload::ImportMap).
pub(super) fn filtered(routes: usize, vrfs: usize) -> Sites {
    let (mut sites, all) = many_targets(routes, vrfs);
    let every_eighth = |place: u32| {
        let entry = PrefixEntry { permit: true, bits: place << 8, care: 7 << 8, min: 24, max: 24 };
        Condition::Prefix(Arc::new(PrefixList::new("every-eighth", vec![entry], Vec::new())))
    };
    let clause = |condition, actions, then| Clause { condition, actions, then, ..Clause::default() };
    let clauses = vec![
        clause(every_eighth(0), Vec::new(), Flow::Deny),
        clause(every_eighth(1), vec![Action::LocalPreference(Change::Set(200))], Flow::Accept),
        clause(Condition::Always, Vec::new(), Flow::Accept),
    ];
    let map = sites.builder.policies().add(Policy { name: "import".into(), clauses });
    sites.builder.family::<u32>(all).import_map = Some(map.expect("no clause jumps, calls or nests"));
    sites
}

/// Returns the network of [`Workload::RouteLimit`](super::Workload::RouteLimit).
pub(super) fn limited(routes: usize, vrfs: usize) -> Sites {
    let (mut sites, all) = many_targets(routes, vrfs);
    let limit = u32::try_from(routes / 2).expect("there are fewer routes than /24s");
    sites.builder.family::<u32>(all).maximum_routes = Some(MaximumRoutes { limit, over: OverLimit::Reject });
    sites
}
