//! The checksum that every contender must come to: over all VRFs, prefixes and best routes.

use rayon::prelude::*;
use vrfleak_engine::{Address, FamilyLeak, Leak, Prefix, RouteKey, VrfId};

/// Mixes a word into a sum, every bit into every other one (the finisher of `SplitMix64`).
const fn mix(sum: u64, word: u64) -> u64 {
    let mut value = (sum ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Returns what the best route to `prefix` in a VRF adds: all that tells it apart from another one, and where it is.
pub(super) fn entry<A: Address>(vrf: usize, prefix: Prefix<A>, best: RouteKey) -> u64 {
    let bits = prefix.bits().widen();
    let place =
        mix(mix(vrf as u64, bits as u64), (bits >> 64) as u64 ^ u64::from(prefix.len()) << 8 ^ A::FAMILY as u64);
    let from = mix(place, u64::from(best.origin.0) << 32 | u64::from(best.next_hop.0));
    mix(from, u64::from(best.attributes.0) << 8 | best.protocol as u64)
}

/// Returns the sum over both families.
pub(super) fn of_leak(leak: &Leak) -> u64 {
    of_family(leak.family::<u32>()).wrapping_add(of_family(leak.family::<u128>()))
}

fn of_family<A: Address>(family: &FamilyLeak<A>) -> u64 {
    let table = family.table();
    let vrfs: Vec<VrfId> = (0..family.ribs().iter().len()).map(VrfId::from_index).collect();
    let of = |vrf: VrfId| {
        let entries = family.rib(vrf).iter().map(|id| entry(vrf.index(), table.prefix(id), table.key(id)));
        entries.fold(0, u64::wrapping_add)
    };
    vrfs.into_par_iter().map(of).reduce(|| 0, u64::wrapping_add)
}
