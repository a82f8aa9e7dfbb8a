//! Lookup keys, seeded: addresses at random, inside prefixes, a few of them again and again, and under no prefix.
//!
//! Every function returns the same keys for the same arguments.

use std::fmt;
use std::str::FromStr;

use vrfleak_engine::{Address, Prefix, VrfId};

use crate::random::Random;

/// Draws for each key that [`miss`] gives up after.
const MISS_TRIES: usize = 64;

/// How keys relate to the prefixes of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// [`uniform`]: from all addresses.
    Uniform,
    /// [`matched`]: inside a prefix.
    Matched,
    /// [`zipf`]: inside a prefix, some far more often than others.
    Zipf,
    /// [`miss`]: under no prefix.
    Miss,
}

impl KeyKind {
    /// All kinds, in the order of their names above.
    pub const ALL: [Self; 4] = [Self::Uniform, Self::Matched, Self::Zipf, Self::Miss];

    /// Returns the name: `uniform`, `matched`, `zipf`, `miss`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Matched => "matched",
            Self::Zipf => "zipf",
            Self::Miss => "miss",
        }
    }

    /// Returns `n` keys of this kind for a table of `prefixes`, sorted; Zipf over [`ZIPF_DISTINCT`] addresses. Fewer
    /// where [`matched`], [`zipf`] or [`miss`] return fewer.
    pub fn keys<A: Address>(self, prefixes: &[Prefix<A>], seed: u64, n: usize) -> Vec<A> {
        match self {
            Self::Uniform => uniform(seed, n),
            Self::Matched => matched(prefixes, seed, n),
            Self::Zipf => zipf(prefixes, seed, n, ZIPF_DISTINCT),
            Self::Miss => miss(prefixes, seed, n),
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for KeyKind {
    type Err = ParseKeyKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|kind| kind.name() == text);
        named.ok_or_else(|| ParseKeyKindError { text: text.to_owned() })
    }
}

/// Why a text is no [`KeyKind`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseKeyKindError {
    /// The text that was read.
    pub text: String,
}

impl fmt::Display for ParseKeyKindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a kind of keys, expected uniform, matched, zipf or miss", self.text)
    }
}

impl std::error::Error for ParseKeyKindError {}

/// The distinct addresses of [`KeyKind::Zipf`]: an assumption on how many destinations a router sees in a while.
pub const ZIPF_DISTINCT: usize = 65_536;

/// Returns a stream of its own for each kind of keys under one seed.
fn stream(seed: u64, kind: KeyKind) -> Random {
    Random::stream(seed, kind as u64)
}

fn address<A: Address>(random: &mut Random) -> A {
    A::narrow(random.next_u128())
}

/// Returns a random address inside `prefix`.
fn inside<A: Address>(prefix: Prefix<A>, random: &mut Random) -> A {
    prefix.bits() | address::<A>(random) & !A::mask(prefix.len())
}

fn pick<A: Address>(prefixes: &[Prefix<A>], random: &mut Random) -> Option<A> {
    let prefix = *prefixes.get(random.below(prefixes.len() as u64) as usize)?;
    Some(inside(prefix, random))
}

/// Returns `n` addresses, all equally likely. O(n).
pub fn uniform<A: Address>(seed: u64, n: usize) -> Vec<A> {
    let mut random = stream(seed, KeyKind::Uniform);
    (0..n).map(|_| address(&mut random)).collect()
}

/// Returns `n` addresses, each at random inside a prefix that is drawn at random, so that a long prefix gets as many as a
/// short one. None if there are no prefixes. O(n).
pub fn matched<A: Address>(prefixes: &[Prefix<A>], seed: u64, n: usize) -> Vec<A> {
    let mut random = stream(seed, KeyKind::Matched);
    (0..n).map_while(|_| pick(prefixes, &mut random)).collect()
}

/// Returns `n` keys from `distinct` addresses that are drawn as [`matched`] draws, the k-th of them with a probability
/// in proportion to 1/k (Zipf's law of exponent 1). None if there are no prefixes or `distinct` is 0.
///
/// O(distinct + n · log distinct), 12 bytes a distinct IPv4 address while it runs.
pub fn zipf<A: Address>(prefixes: &[Prefix<A>], seed: u64, n: usize, distinct: usize) -> Vec<A> {
    let mut random = stream(seed, KeyKind::Zipf);
    let addresses: Vec<A> = (0..distinct).map_while(|_| pick(prefixes, &mut random)).collect();
    zipf_of(&addresses, &mut random, n)
}

/// Returns `n` of `items`, the k-th of them with a probability in proportion to 1/k; none if there are no items.
///
/// O(items + n · log items), 8 bytes an item while it runs.
pub fn zipf_of<T: Copy>(items: &[T], random: &mut Random, n: usize) -> Vec<T> {
    let mut total = 0.0;
    let sums: Vec<f64> = (1..=items.len())
        .map(|rank| {
            total += 1.0 / rank as f64;
            total
        })
        .collect();
    let mut draw = || {
        let at = random.unit() * total;
        items.get(sums.partition_point(|&sum| sum <= at).min(sums.len().saturating_sub(1))).copied()
    };
    (0..n).map_while(|_| draw()).collect()
}

/// Returns `n` addresses that lie in none of `prefixes`, which are sorted; fewer if 64 draws a key do not find as many,
/// none if they cover everything.
///
/// O(prefixes + n · log prefixes): draws from the gaps between the prefixes, a gap in proportion to its size.
pub fn miss<A: Address>(prefixes: &[Prefix<A>], seed: u64, n: usize) -> Vec<A> {
    let mut random = stream(seed, KeyKind::Miss);
    let gaps = gaps(prefixes);
    let Some(total) = gaps.last().map(|gap| gap.before + (gap.last - gap.first) + 1) else {
        return if prefixes.is_empty() { uniform(seed, n) } else { Vec::new() };
    };
    // Masked to the bits of `total`, a draw is below it at least every other time.
    let mask = u128::MAX >> (total - 1).leading_zeros().min(127);
    let draw = |random: &mut Random| {
        (0..MISS_TRIES).map(|_| random.next_u128() & mask).find(|&at| at < total).map(|at| {
            let gap = gaps[gaps.partition_point(|gap| gap.before <= at) - 1];
            A::narrow(gap.first + (at - gap.before))
        })
    };
    (0..n).filter_map(|_| draw(&mut random)).collect()
}

/// A run of addresses under no prefix.
#[derive(Clone, Copy, Debug)]
struct Gap {
    first: u128,
    last: u128,
    /// Addresses in the gaps before.
    before: u128,
}

/// Returns the gaps between sorted prefixes; none where there are no prefixes, since 2^128 addresses would not count.
fn gaps<A: Address>(prefixes: &[Prefix<A>]) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let mut before = 0;
    let mut push = |first: u128, last: u128| {
        gaps.push(Gap { first, last, before });
        before += last - first + 1;
    };
    // The first address that no prefix so far reaches, or `None` behind the last of all.
    let mut reached = Some(0);
    for prefix in prefixes {
        let Some(first) = reached else { break };
        let bits = prefix.bits().widen();
        if bits > first {
            push(first, bits - 1);
        }
        let last = prefix.last().widen();
        if last >= first {
            reached = (last < A::MAX.widen()).then(|| last + 1);
        }
    }
    if let Some(first) = reached.filter(|_| !prefixes.is_empty()) {
        push(first, A::MAX.widen());
    }
    gaps
}

/// Returns `n` keys of one batch over many VRFs: each with a VRF drawn in proportion to its prefixes, and an address in
/// one of them. None if no VRF has a prefix. O(VRFs + n · log VRFs).
///
/// `tables` gives each VRF once, with its prefixes in any order.
pub fn mixed<A: Address>(tables: &[(VrfId, &[Prefix<A>])], seed: u64, n: usize) -> Vec<(VrfId, A)> {
    let mut random = stream(seed, KeyKind::Matched);
    let mut total = 0;
    let sums: Vec<usize> = tables
        .iter()
        .map(|(_, prefixes)| {
            total += prefixes.len();
            total
        })
        .collect();
    let mut draw = || {
        let at = random.below(total as u64) as usize;
        let table = sums.partition_point(|&sum| sum <= at);
        let &(vrf, prefixes) = tables.get(table)?;
        let prefix = prefixes[at - (sums[table] - prefixes.len())];
        Some((vrf, inside(prefix, &mut random)))
    };
    (0..n).map_while(|_| draw()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prefixes(texts: &[&str]) -> Vec<Prefix<u32>> {
        let mut prefixes: Vec<_> = texts.iter().map(|text| text.parse().expect("a prefix")).collect();
        prefixes.sort();
        prefixes
    }

    fn covered<A: Address>(prefixes: &[Prefix<A>], key: A) -> bool {
        prefixes.iter().any(|prefix| prefix.contains(key))
    }

    #[test]
    fn names_read_back_and_others_are_refused() {
        for kind in KeyKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let error = "Zipf".parse::<KeyKind>().expect_err("upper case");
        assert_eq!(error.to_string(), "`Zipf` is not a kind of keys, expected uniform, matched, zipf or miss");
    }

    #[test]
    fn keys_follow_from_the_seed() {
        let table = prefixes(&["10.0.0.0/8", "192.0.2.0/24"]);
        for kind in KeyKind::ALL {
            assert_eq!(kind.keys(&table, 1, 50), kind.keys(&table, 1, 50), "{kind}");
            assert_ne!(kind.keys(&table, 1, 50), kind.keys(&table, 2, 50), "{kind}");
            assert_eq!(kind.keys(&table, 1, 50).len(), 50, "{kind}");
        }
        assert!(uniform::<u128>(1, 100).iter().any(|&key| key >> 127 == 1 && key as u64 != 0));
    }

    #[test]
    fn a_full_or_empty_table_has_no_keys_of_some_kinds() {
        assert!(miss(&prefixes(&["0.0.0.0/0", "10.0.0.0/8"]), 1, 9).is_empty());
        assert!(miss(&prefixes(&["0.0.0.0/1", "128.0.0.0/1"]), 1, 9).is_empty());
        assert_eq!(miss::<u32>(&[], 1, 9).len(), 9);
        assert_eq!(miss::<u128>(&[], 1, 9).len(), 9);
        assert_eq!((matched::<u32>(&[], 1, 9), zipf::<u32>(&[], 1, 9, 9)), (vec![], vec![]));
        assert!(zipf(&prefixes(&["10.0.0.0/8"]), 1, 9, 0).is_empty());
        assert_eq!(mixed::<u32>(&[(VrfId(0), &[])], 1, 9), []);
    }

    #[test]
    fn the_only_address_without_a_prefix_is_found() {
        let mut table: Vec<Prefix<u32>> = (1..=32).map(|len| Prefix::containing(1 << (32 - len), len)).collect();
        table.sort();
        assert_eq!(miss(&table, 1, 3), [0, 0, 0]);
        let mut table: Vec<Prefix<u128>> = (1..=128).map(|len| Prefix::containing(!(1 << (128 - len)), len)).collect();
        table.sort();
        assert_eq!(miss(&table, 1, 2), [u128::MAX; 2]);
    }

    #[test]
    fn zipf_has_a_heavy_head() {
        let table = prefixes(&["10.0.0.0/8"]);
        let keys = zipf(&table, 3, 100_000, 1000);
        let first = stream(3, KeyKind::Zipf);
        let hits = |rank: usize| {
            let mut random = first.clone();
            let address = (0..rank).filter_map(|_| pick(&table, &mut random)).last().expect("a rank from 1 on");
            keys.iter().filter(|&&key| key == address).count() as f64
        };
        // The harmonic number of 1000 is 7.4855.
        assert!((hits(1) - 13_359.0).abs() < 600.0, "{}", hits(1));
        assert!((hits(10) - 1_336.0).abs() < 200.0, "{}", hits(10));
        assert!(keys.iter().all(|&key| covered(&table, key)));
    }

    #[test]
    fn mixed_keys_weigh_vrfs_by_their_prefixes() {
        let (one, three) = (prefixes(&["10.0.0.0/8"]), prefixes(&["20.0.0.0/8", "21.0.0.0/24", "22.0.0.1/32"]));
        let keys = mixed(&[(VrfId(5), &one), (VrfId(6), &[]), (VrfId(2), &three)], 1, 40_000);
        let of_one = keys.iter().filter(|&&(vrf, key)| vrf == VrfId(5) && covered(&one, key)).count();
        let of_three = keys.iter().filter(|&&(vrf, key)| vrf == VrfId(2) && covered(&three, key)).count();
        assert_eq!(of_one + of_three, 40_000);
        assert!(of_one.abs_diff(10_000) < 400, "{of_one}");
    }

    proptest! {
        #[test]
        fn matched_hits_and_miss_misses(raw in prop::collection::vec((any::<u128>(), 0..=128_u8), 1..30), seed: u64) {
            let mut wide: Vec<Prefix<u128>> = raw.iter().map(|&(bits, len)| Prefix::containing(bits, len)).collect();
            wide.sort();
            let mut narrow: Vec<Prefix<u32>> =
                raw.iter().map(|&(bits, len)| Prefix::containing(bits as u32, len % 33)).collect();
            narrow.sort();
            prop_assert!(matched(&wide, seed, 40).iter().all(|&key| covered(&wide, key)));
            prop_assert!(matched(&narrow, seed, 40).iter().all(|&key| covered(&narrow, key)));
            prop_assert!(miss(&wide, seed, 40).iter().all(|&key| !covered(&wide, key)));
            prop_assert!(miss(&narrow, seed, 40).iter().all(|&key| !covered(&narrow, key)));
        }
    }
}
