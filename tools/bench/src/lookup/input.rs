//! The tables of a measurement: read or drawn, given next hops, and cut into VRFs.

use vrfleak_bench_data::PrefixList;
use vrfleak_bench_data::full_table;
use vrfleak_bench_data::random::Random;
use vrfleak_engine::{Address, Prefix};

use super::plan::{Cut, LookupPlan, PlanError, Source};

/// The routes of one table: ascending prefixes with the number of a next hop.
pub(crate) type Routes<A> = Vec<(Prefix<A>, u32)>;

/// Next hops where neither list nor plan says how many.
pub const DEFAULT_NEXT_HOPS: u32 = 64;

/// Returns the tables of `plan` in the family of `A`; none where the list has no prefix of the family.
///
/// # Errors
///
/// If the list has fewer prefixes than a VRF or all VRFs want.
pub(crate) fn tables<A: Address>(plan: &LookupPlan) -> Result<Vec<Routes<A>>, PlanError> {
    let whole = match &plan.source {
        Source::List { list, .. } => from_list(list, plan),
        Source::Synthetic { prefixes } => {
            let prefixes = full_table::prefixes::<A>(*prefixes, plan.seed);
            prefixes.into_iter().map(|prefix| (prefix, hashed(plan, 0, prefix))).collect()
        }
    };
    if whole.is_empty() || plan.is_whole() {
        return Ok(if whole.is_empty() { Vec::new() } else { vec![whole] });
    }
    let least = plan.routes_per_vrf.unwrap_or(1).max(if plan.routes_per_vrf.is_none() { plan.vrfs } else { 1 });
    if whole.len() < least {
        return Err(PlanError::TooFewPrefixes { family: A::FAMILY, prefixes: whole.len(), least });
    }
    let renumber = renumbers(plan);
    let mut tables: Vec<Routes<A>> = (0..plan.vrfs)
        .map(|vrf| {
            let mut routes = cut(&whole, plan, vrf);
            if renumber {
                for route in &mut routes {
                    route.1 = hashed(plan, vrf, route.0);
                }
            }
            routes
        })
        .collect();
    tables.extend(plan.internet_vrf.then_some(whole));
    Ok(tables)
}

/// Returns whether next hops follow from a hash and not from the list.
fn renumbers(plan: &LookupPlan) -> bool {
    plan.next_hops.is_some() || !matches!(&plan.source, Source::List { list, .. } if !list.next_hops().is_empty())
}

/// Returns the next hop of a prefix in a VRF: all equally likely, the same in every run.
fn hashed<A: Address>(plan: &LookupPlan, vrf: usize, prefix: Prefix<A>) -> u32 {
    let bits = prefix.bits().widen();
    let mixed = Random::stream(bits as u64 ^ (bits >> 64) as u64, (vrf as u64) << 8 | u64::from(prefix.len()));
    mixed.clone().below(u64::from(plan.next_hops.unwrap_or(DEFAULT_NEXT_HOPS))) as u32
}

/// Returns the routes of the list, sorted; of a repeated prefix the first line counts.
fn from_list<A: Address>(list: &PrefixList, plan: &LookupPlan) -> Routes<A> {
    let from_hash = renumbers(plan);
    // Next hops are numbered as they come; whatever has none gets one more.
    let ids: ahash::AHashMap<_, u32> = list.next_hops().iter().copied().zip(0..).collect();
    let number = |next_hop| ids.get(&next_hop).copied();
    let mut routes: Routes<A> = list
        .entries::<A>()
        .iter()
        .map(|entry| {
            let from_list = || list.next_hop(entry).and_then(number).unwrap_or(ids.len() as u32);
            (entry.prefix, if from_hash { hashed(plan, 0, entry.prefix) } else { from_list() })
        })
        .collect();
    routes.sort_by_key(|route| route.0);
    routes.dedup_by_key(|route| route.0);
    routes
}

fn cut<A: Address>(whole: &Routes<A>, plan: &LookupPlan, vrf: usize) -> Routes<A> {
    let (all, vrfs) = (whole.len() as u128, plan.vrfs as u128);
    let share = |vrf: usize| (all * vrf as u128 / vrfs) as usize;
    match (plan.cut, plan.routes_per_vrf) {
        (Cut::Neighbours, None) => whole[share(vrf)..share(vrf + 1)].to_vec(),
        (Cut::Neighbours, Some(routes)) => {
            let start = share(vrf).min(whole.len() - routes);
            whole[start..start + routes].to_vec()
        }
        (Cut::Scattered, None) => whole.iter().skip(vrf).step_by(plan.vrfs).copied().collect(),
        (Cut::Scattered, Some(routes)) => {
            let mut random = Random::stream(plan.seed, vrf as u64);
            let mut drawn: Routes<A> = Vec::with_capacity(routes);
            // Draw what is missing until nothing is: each draw of a list no longer than the whole adds some.
            while drawn.len() < routes {
                let missing = routes - drawn.len();
                drawn.extend((0..missing).map(|_| whole[random.below(whole.len() as u64) as usize]));
                drawn.sort_unstable();
                drawn.dedup_by_key(|route| route.0);
            }
            drawn
        }
    }
}
