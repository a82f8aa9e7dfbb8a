//! Prefixes after the pattern of a full BGP table, seeded.
//!
//! ASSUMPTIONS, after a table of 2023: lengths are drawn in its proportions (IPv4: 60% /24, IPv6: 47% /48); half of the
//! prefixes are placed inside another one; of the rest every other one follows the last of its length, as allocations
//! do. IPv4 keeps to 1.0.0.0 to 223.255.255.255, IPv6 to `2000::/3`.

use vrfleak_engine::{Address, Family, Prefix};

use crate::random::Random;

/// Prefixes of a family at most.
pub const MOST: usize = 4_000_000;
/// Draws a prefix after which what is there must do: where long prefixes run out, shorter ones never come.
const PATIENCE: usize = 64;

/// How many of 901,899 IPv4 prefixes have which length.
const IPV4: [(u8, u32); 18] = [
    (8, 16),
    (9, 13),
    (10, 38),
    (11, 103),
    (12, 299),
    (13, 581),
    (14, 1203),
    (15, 2100),
    (16, 13_490),
    (17, 8235),
    (18, 13_798),
    (19, 24_870),
    (20, 42_611),
    (21, 50_750),
    (22, 108_623),
    (23, 96_510),
    (24, 537_698),
    (32, 961),
];
/// How many of a thousand IPv6 prefixes have which length.
const IPV6: [(u8, u32); 12] = [
    (20, 2),
    (28, 8),
    (29, 27),
    (32, 141),
    (33, 20),
    (34, 22),
    (36, 37),
    (40, 84),
    (42, 28),
    (44, 90),
    (46, 70),
    (48, 471),
];

/// Returns `count` distinct prefixes in ascending order, fewer if the pattern has no more room. O(count · log count).
///
/// ```
/// use vrfleak_bench_data::full_table;
///
/// let table = full_table::prefixes::<u32>(10_000, 1);
/// assert_eq!(table.len(), 10_000);
/// assert!(table.is_sorted_by(|a, b| a < b));
/// assert_eq!(table, full_table::prefixes::<u32>(10_000, 1));
/// ```
pub fn prefixes<A: Address>(count: usize, seed: u64) -> Vec<Prefix<A>> {
    let mut random = Random::stream(seed, A::FAMILY as u64);
    let pattern: &[(u8, u32)] = if A::FAMILY == Family::Ipv4 { &IPV4 } else { &IPV6 };
    let weights: Vec<u32> = pattern.iter().map(|&(_, weight)| weight).collect();
    let mut last: Vec<Option<Prefix<A>>> = vec![None; usize::from(A::BITS) + 1];
    let mut all: Vec<Prefix<A>> = Vec::with_capacity(count);
    // Repeats are taken out in bulk and drawn anew.
    for _ in 0..PATIENCE {
        let first_new = all.len();
        for _ in first_new..count {
            let len = pattern[random.weighted(&weights)].0;
            // A long prefix is seldom around another one: look again before giving up.
            let outer = (0..4)
                .filter_map(|_| all.get(random.below(all.len() as u64) as usize))
                .find(|outer| outer.len() < len)
                .copied();
            let after = last[usize::from(len)].filter(|_| random.chance(0.5)).and_then(next);
            let prefix = match (outer.filter(|_| random.chance(0.5)), after) {
                (Some(outer), _) => {
                    Prefix::containing(outer.bits() | anywhere::<A>(&mut random) & !A::mask(outer.len()), len)
                }
                (None, Some(after)) => after,
                (None, None) => Prefix::containing(public(&mut random), len),
            };
            last[usize::from(len)] = Some(prefix);
            all.push(prefix);
        }
        all.sort_unstable();
        all.dedup();
        if all.len() == count {
            break;
        }
    }
    all
}

fn anywhere<A: Address>(random: &mut Random) -> A {
    A::narrow(random.next_u128())
}

/// Returns an address that may be announced to the Internet.
fn public<A: Address>(random: &mut Random) -> A {
    match A::FAMILY {
        Family::Ipv4 => A::narrow(u128::from((1 + random.below(223)) << 24 | random.below(1 << 24))),
        Family::Ipv6 => A::narrow(0b001 << 125 | random.next_u128() >> 3),
    }
}

/// Returns the prefix of the same length that follows, while it is of the same public space.
fn next<A: Address>(prefix: Prefix<A>) -> Option<Prefix<A>> {
    let end = match A::FAMILY {
        Family::Ipv4 => 224_u128 << 24,
        Family::Ipv6 => 0b010 << 125,
    };
    let bits = prefix.last().widen() + 1;
    (bits < end).then(|| Prefix::containing(A::narrow(bits), prefix.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_nesting_and_space_are_those_of_the_pattern() {
        let table = prefixes::<u32>(100_000, 1);
        assert_eq!(table.len(), 100_000);
        let long = table.iter().filter(|prefix| prefix.len() == 24).count();
        assert!((50_000..70_000).contains(&long), "{long}");
        let nested = table.windows(2).filter(|pair| pair[0].covers(pair[1])).count();
        assert!((15_000..50_000).contains(&nested), "{nested}");
        assert!(table.iter().all(|prefix| (1..224).contains(&(prefix.bits() >> 24))));
        let table = prefixes::<u128>(20_000, 1);
        assert_eq!((table.len(), table.iter().filter(|prefix| prefix.bits() >> 125 != 1).count()), (20_000, 0));
    }

    #[test]
    fn seeds_differ_and_sizes_end() {
        assert_ne!(prefixes::<u32>(1000, 1), prefixes::<u32>(1000, 2));
        assert!(prefixes::<u32>(0, 1).is_empty());
        assert_eq!(prefixes::<u128>(1, 1).len(), 1);
    }
}
