//! Distinct prefixes scattered over a base, for the `generate` key.

use vrfleak_engine::{Address, Prefix};

use crate::random::{Permutation, Random};

/// Returns how many prefixes of these lengths `base` contains, at most `u64::MAX`. Lengths shorter than the base count
/// nothing.
pub(super) fn room<A: Address>(base: Prefix<A>, lengths: &[u8]) -> u64 {
    let mut distinct = lengths.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    distinct
        .iter()
        .filter(|&&len| len >= base.len())
        .map(|&len| 1_u64.checked_shl(u32::from(len - base.len())).unwrap_or(u64::MAX))
        .fold(0, u64::saturating_add)
}

/// Returns `count` distinct prefixes inside `base`, of `lengths` drawn at random, in an order that looks random.
///
/// `count` is at most [`room`], and each length lies between the base's and the family's width.
pub(super) fn scatter<A: Address>(base: Prefix<A>, lengths: &[u8], count: u32, seed: u64) -> Vec<Prefix<A>> {
    let mut random = Random::new(seed);
    let mut slots: [Option<(Permutation, u64)>; 129] = [None; 129];
    for &len in lengths {
        slots[usize::from(len)] = Some((Permutation::new(u32::from(len - base.len()), &mut random), 0));
    }
    let mut next = |len: u8| {
        let (permutation, used) = slots[usize::from(len)].as_mut()?;
        let slot = (*used < permutation.len()).then(|| permutation.at(*used))?;
        *used += 1;
        // Above 63 bits the slots are the low ones of each /(base + 63).
        let shift = u32::from(A::BITS - len);
        let offset = if shift < u32::from(A::BITS) { A::narrow(u128::from(slot)) << shift } else { A::ZERO };
        Some(Prefix::containing(base.bits() | offset, len))
    };
    let mut prefixes = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let len = lengths[random.below(lengths.len() as u64) as usize];
        // A length that is used up gives its turn to the others.
        let found = next(len).or_else(|| lengths.iter().find_map(|&len| next(len)));
        prefixes.extend(found);
    }
    prefixes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vrfleak_engine::{Ipv4Prefix, Ipv6Prefix};

    proptest! {
        #[test]
        fn scattered_prefixes_are_distinct_and_inside(seed: u64, len in 20_u8..30, lengths in prop::collection::vec(30_u8..=32, 1..4)) {
            let base = Ipv4Prefix::containing(0x0a0b_0c0d, len);
            let count = room(base, &lengths).min(3000) as u32;
            let mut prefixes = scatter(base, &lengths, count, seed);
            prop_assert_eq!(&prefixes, &scatter(base, &lengths, count, seed));
            prop_assert!(prefixes.iter().all(|prefix| base.covers(*prefix) && lengths.contains(&prefix.len())));
            prefixes.sort_unstable();
            prefixes.dedup();
            prop_assert_eq!(prefixes.len(), count as usize);
        }
    }

    #[test]
    fn the_edges_of_the_address_space() {
        assert_eq!(room(Ipv4Prefix::DEFAULT, &[0, 32, 32]), (1 << 32) + 1);
        assert_eq!(scatter(Ipv4Prefix::DEFAULT, &[0], 1, 1), [Ipv4Prefix::DEFAULT]);
        assert_eq!(room(Ipv6Prefix::DEFAULT, &[128]), u64::MAX);
        let hosts = scatter(Ipv6Prefix::DEFAULT, &[128], 1000, 1);
        assert_eq!(hosts.len(), 1000);
        let base: Ipv6Prefix = "2001:db8::/32".parse().expect("a prefix");
        assert!(scatter(base, &[48, 64], 1000, 3).iter().all(|prefix| base.covers(*prefix)));
    }
}
