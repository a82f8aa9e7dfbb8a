//! [`TableStatistics`]: what the measured tables look like.

use serde::Serialize;
use vrfleak_engine::{Address, Prefix};

use super::input::Routes;

/// The tables of one family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableStatistics {
    /// `ipv4` or `ipv6`.
    pub family: String,
    /// VRFs, each with a table.
    pub vrfs: usize,
    /// Prefixes in all tables.
    pub prefixes: usize,
    /// Distinct next hops in all tables.
    pub next_hops: usize,
    /// How many prefixes there are of each length in bits, from 0 on.
    pub lengths: Vec<usize>,
    /// How many prefixes have so many others of their table around them, from none on.
    pub nesting: Vec<usize>,
}

impl TableStatistics {
    /// Counts. O(prefixes).
    pub(crate) fn new<A: Address>(tables: &[Routes<A>]) -> Self {
        let mut lengths = vec![0; usize::from(A::BITS) + 1];
        let mut nesting: Vec<usize> = Vec::new();
        let mut next_hops: Vec<u32> = Vec::new();
        for routes in tables {
            let mut around: Vec<Prefix<A>> = Vec::new();
            for &(prefix, next_hop) in routes {
                lengths[usize::from(prefix.len())] += 1;
                while around.pop_if(|outer| !outer.covers(prefix)).is_some() {}
                if nesting.len() <= around.len() {
                    nesting.resize(around.len() + 1, 0);
                }
                nesting[around.len()] += 1;
                around.push(prefix);
                next_hops.push(next_hop);
            }
        }
        next_hops.sort_unstable();
        next_hops.dedup();
        Self {
            family: A::FAMILY.to_string(),
            vrfs: tables.len(),
            prefixes: tables.iter().map(Vec::len).sum(),
            next_hops: next_hops.len(),
            lengths,
            nesting,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_nesting_are_counted_within_a_table() {
        let table = |texts: &[&str]| -> Routes<u32> {
            texts.iter().map(|text| (text.parse().expect("a prefix"), text.len() as u32)).collect()
        };
        let tables = [table(&["10.0.0.0/8", "10.0.0.0/16", "10.0.0.0/24", "10.1.0.0/16"]), table(&["10.0.0.0/24"])];
        let statistics = TableStatistics::new(&tables);
        let counts = (statistics.vrfs, statistics.prefixes, statistics.next_hops);
        assert_eq!(counts, (2, 5, 2));
        assert_eq!((statistics.lengths[8], statistics.lengths[16], statistics.lengths[24]), (1, 2, 2));
        assert_eq!(statistics.nesting, [2, 2, 1]);
    }
}
