//! [`Random`], a seeded stream of numbers, and [`Permutation`], distinct numbers without a memory of those before.
//!
//! Both are written out here so that a seed means the same network with every version of every library.

/// `SplitMix64`: a counter in steps of the golden ratio, mixed (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number
/// Generators", OOPSLA 2014). 64 bits of state, one stream a seed.
///
/// ```
/// use vrfleak_bench_data::random::Random;
///
/// let mut random = Random::new(0);
/// assert_eq!(random.next_u64(), 0xe220_a839_7b1d_cdaf);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    state: u64,
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[inline]
const fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Random {
    /// Returns the stream of `seed`.
    #[inline]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Returns stream `index` of `seed`: independent of its neighbours, whoever computes it and when.
    #[inline]
    pub const fn stream(seed: u64, index: u64) -> Self {
        Self { state: mix(seed ^ mix(index.wrapping_add(GOLDEN))) }
    }

    /// Returns the next 64 bits.
    #[inline]
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// Returns the next 128 bits.
    #[inline]
    pub const fn next_u128(&mut self) -> u128 {
        (self.next_u64() as u128) << 64 | self.next_u64() as u128
    }

    /// Returns a number below `bound`, 0 for a bound of 0. Its bias is below `bound` / 2^64.
    #[inline]
    pub const fn below(&mut self, bound: u64) -> u64 {
        ((self.next_u64() as u128 * bound as u128) >> 64) as u64
    }

    /// Returns a number from 0 up to, not including, 1.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns whether an event of this probability happens.
    #[inline]
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Returns the position of a weight, drawn in proportion to it; 0 where all are 0.
    #[inline]
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let total = weights.iter().map(|&weight| u64::from(weight)).sum();
        let mut at = self.below(total);
        weights
            .iter()
            .position(|&weight| {
                let hit = at < u64::from(weight);
                at = at.saturating_sub(u64::from(weight));
                hit
            })
            .unwrap_or(0)
    }
}

/// A bijection of the numbers of `bits` bits that looks random: `at(0)`, `at(1)`, ... are distinct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permutation {
    bits: u32,
    offset: u64,
    multipliers: [u64; 2],
}

impl Permutation {
    /// Returns the permutation of `0..2^bits` that `random` picks; `bits` is at most 63.
    pub fn new(bits: u32, random: &mut Random) -> Self {
        let offset = random.next_u64();
        Self { bits: bits.min(63), offset, multipliers: [random.next_u64() | 1, random.next_u64() | 1] }
    }

    /// Returns how many numbers it permutes.
    pub const fn len(&self) -> u64 {
        1 << self.bits
    }

    /// Returns whether it permutes nothing, which it never does.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// Returns the number at `index`, taken modulo [`Self::len`].
    #[inline]
    pub const fn at(&self, index: u64) -> u64 {
        let mask = self.len() - 1;
        let shift = self.bits.div_ceil(2);
        // Adding, multiplying by an odd number and folding the high half into the low one are invertible each.
        let mut value = index.wrapping_add(self.offset) & mask;
        let mut round = 0;
        while round < 2 {
            value = value.wrapping_mul(self.multipliers[round]) & mask;
            value ^= value >> shift;
            round += 1;
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_that_of_the_paper() {
        let mut random = Random::new(1_234_567);
        let first = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!([random.next_u64(), random.next_u64(), random.next_u64()], first);
    }

    #[test]
    fn a_permutation_hits_every_number_once() {
        for bits in [0, 1, 2, 3, 7, 16] {
            let permutation = Permutation::new(bits, &mut Random::new(u64::from(bits)));
            let mut seen = vec![false; 1 << bits];
            for index in 0..permutation.len() {
                assert!(!std::mem::replace(&mut seen[permutation.at(index) as usize], true));
            }
        }
    }

    #[test]
    fn draws_follow_their_weights() {
        let mut random = Random::new(7);
        let mut hits = [0; 4];
        for _ in 0..40_000 {
            hits[random.weighted(&[1, 0, 2, 1])] += 1;
        }
        assert_eq!(hits[1], 0);
        for (hit, expected) in [(hits[0], 10_000), (hits[2], 20_000), (hits[3], 10_000)] {
            assert!(i32::abs(hit - expected) < 500, "{hits:?}");
        }
        assert_eq!(random.weighted(&[]), 0);
        assert!((0..1000).map(|_| random.below(10)).max() == Some(9));
        assert_ne!(Random::stream(1, 2), Random::stream(2, 1));
    }
}
