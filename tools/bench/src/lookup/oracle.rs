//! [`Oracle`]: the right answers, from a hash map of prefixes that is asked for each length from the longest down.

use ahash::{AHashMap, AHashSet};
use rayon::prelude::*;
use vrfleak_dataplane::lpm::{NO_ROUTE, TableId};
use vrfleak_engine::{Address, Prefix};

use super::input::Routes;
use super::traffic::Traffic;

/// Longest-prefix match as it is defined, and nothing else: no trie, no ranges, no bit tricks. About 1 µs a key.
pub(crate) struct Oracle<A: Address> {
    /// The lengths that occur, the longest first.
    lens: Vec<u8>,
    routes: AHashMap<(u32, Prefix<A>), u32>,
}

impl<A: Address> Oracle<A> {
    /// Takes the routes in.
    pub(crate) fn new(tables: &[Routes<A>]) -> Self {
        let all = || tables.iter().zip(0..).flat_map(|(routes, table)| routes.iter().map(move |route| (table, route)));
        let lens: AHashSet<u8> = all().map(|(_, route)| route.0.len()).collect();
        let mut lens: Vec<u8> = lens.into_iter().collect();
        lens.sort_unstable_by(|a, b| b.cmp(a));
        Self { lens, routes: all().map(|(table, &(prefix, next_hop))| ((table, prefix), next_hop)).collect() }
    }

    /// Returns the next hop of the longest prefix of `table` that contains `key`, or [`NO_ROUTE`], and the prefix's length.
    pub(crate) fn lookup(&self, table: TableId, key: A) -> (u32, u8) {
        let at = |&len: &u8| Some((*self.routes.get(&(table.0, Prefix::containing(key, len)))?, len));
        self.lens.iter().find_map(at).unwrap_or((NO_ROUTE, 0))
    }

    /// Returns the answers to all of `traffic`, on the pool that it is called in.
    pub(crate) fn answers(&self, traffic: &Traffic<A>) -> (Vec<u32>, Vec<u8>) {
        let answer = |at: usize| self.lookup(traffic.table(at), traffic.keys[at]);
        (0..traffic.keys.len()).into_par_iter().with_min_len(1024).map(answer).unzip()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vrfleak_dataplane::lpm::{Linear, LookupMatch};

    proptest! {
        #[test]
        fn oracle_is_the_linear_scan(
            raw in prop::collection::vec(prop::collection::btree_map((any::<u32>(), 0..=32_u8), 0..9_u32, 0..20), 1..3),
            keys in prop::collection::vec(any::<u32>(), 0..20),
        ) {
            let tables: Vec<Routes<u32>> = raw
                .iter()
                .map(|routes| {
                    let short = |(&(bits, len), &next_hop): (&(u32, u8), &u32)| (Prefix::containing(bits, len), next_hop);
                    let mut routes: Routes<u32> = routes.iter().map(short).collect();
                    routes.sort_unstable();
                    routes.dedup_by_key(|route| route.0);
                    routes
                })
                .collect();
            let (oracle, linear) = (Oracle::new(&tables), Linear::build(&tables[..]).expect("sorted routes"));
            let near = tables.iter().flatten().flat_map(|route| [route.0.bits(), route.0.last()]);
            for key in keys.into_iter().chain(near) {
                for table in 0..3 {
                    let table = TableId(table);
                    let found = linear.lookup_match(table, key);
                    let expected = found.map_or((NO_ROUTE, 0), |found| (found.value, found.len));
                    prop_assert_eq!(oracle.lookup(table, key), expected);
                }
            }
        }
    }
}
