//! [`Linear`]: the golden forest, a slice a table and a scan.

use rayon::prelude::*;
use vrfleak_engine::{Address, Prefix};

use super::lookup::{Lookup, LookupMatch};
use super::table::{Match, TableId};
use super::tables::{BuildError, Checked, Tables};

/// The oracle that every other forest is tested against: nothing to get wrong, and O(routes of the table) a lookup.
#[derive(Clone, Debug, Default)]
pub struct Linear<A: Address> {
    tables: Vec<Vec<(Prefix<A>, u32)>>,
}

impl<A: Address> Linear<A> {
    /// Builds the forest, in parallel over tables on the pool it is called in.
    ///
    /// # Errors
    /// Returns the first breach of the promise of [`Tables::routes`].
    pub fn build(input: &(impl Tables<A> + ?Sized)) -> Result<Self, BuildError> {
        let tables = (0..input.tables())
            .into_par_iter()
            .map(|index| {
                let table = TableId::from_index(index);
                let mut routes = Checked::new(table, input.routes(table));
                let list = routes.by_ref().collect();
                routes.finish().map(|()| list)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { tables })
    }
}

impl<A: Address> Lookup<A> for Linear<A> {
    fn tables(&self) -> usize {
        self.tables.len()
    }

    fn bytes(&self) -> usize {
        let table = size_of::<Vec<(Prefix<A>, u32)>>();
        self.tables.iter().map(|routes| table + routes.capacity() * size_of::<(Prefix<A>, u32)>()).sum()
    }

    fn lookup(&self, table: TableId, key: A) -> Option<u32> {
        self.lookup_match(table, key).map(|found| found.value)
    }
}

impl<A: Address> LookupMatch<A> for Linear<A> {
    fn lookup_match(&self, table: TableId, key: A) -> Option<Match> {
        let routes = self.tables.get(table.index())?;
        let longest = routes.iter().filter(|(prefix, _)| prefix.contains(key)).max_by_key(|(prefix, _)| prefix.len());
        longest.map(|&(prefix, value)| Match { len: prefix.len(), value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lpm::NO_ROUTE;

    fn routes(texts: &[(&str, u32)]) -> Vec<(Prefix<u32>, u32)> {
        texts.iter().map(|&(text, value)| (text.parse().expect("a prefix"), value)).collect()
    }

    #[test]
    fn the_longest_prefix_wins_and_a_miss_is_a_miss() {
        let tables = [routes(&[("10.0.0.0/8", 1), ("10.1.0.0/16", 2), ("10.1.1.1/32", 3)]), vec![]];
        let forest = Linear::build(&tables[..]).expect("ordered routes");
        let keys = [0x0a01_0101, 0x0a01_0102, 0x0a02_0000, 0x0b00_0000];
        let mut values = [0; 4];
        forest.lookup_batch(TableId(0), &keys, &mut values);
        assert_eq!(values, [3, 2, 1, NO_ROUTE]);
        forest.lookup_mixed(&[TableId(1), TableId(0), TableId(9), TableId(0)], &keys, &mut values);
        assert_eq!(values, [NO_ROUTE, 2, NO_ROUTE, NO_ROUTE]);
        assert_eq!(forest.lookup_match(TableId(0), keys[1]), Some(Match { len: 16, value: 2 }));
    }

    #[test]
    fn the_overlay_wins_a_tie() {
        let tables = [routes(&[("10.0.0.0/8", 1)]), routes(&[("10.0.0.0/8", 2), ("10.1.0.0/16", 3)])];
        let forest = Linear::build(&tables[..]).expect("ordered routes");
        let longest = |key| forest.lookup_overlaid(TableId(0), TableId(1), key).map(|found| found.value);
        assert_eq!(longest(0x0a00_0000), Some(1));
        assert_eq!(longest(0x0a01_0000), Some(3));
        assert_eq!(longest(0x0b00_0000), None);
    }

    #[test]
    fn what_breaks_the_promise_is_named() {
        let twice = [routes(&[("10.0.0.0/8", 1), ("10.0.0.0/8", 2)])];
        let error = Linear::build(&twice[..]).expect_err("a duplicate");
        assert_eq!(
            error.to_string(),
            "table 0: `10.0.0.0/8` comes after `10.0.0.0/8`, expected strictly ascending prefixes"
        );
        let reserved = [routes(&[("10.0.0.0/8", NO_ROUTE)])];
        let error = Linear::build(&reserved[..]).expect_err("a reserved value");
        assert_eq!(error.to_string(), "table 0: `10.0.0.0/8` has the value 4294967295, which means no route");
    }
}
