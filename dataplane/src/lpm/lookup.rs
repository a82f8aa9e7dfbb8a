//! [`Lookup`] and [`LookupMatch`]: what every forest answers.

use vrfleak_engine::Address;

use super::table::{Match, NO_ROUTE, TableId};

/// Longest-prefix match in one of many tables of one family.
///
/// A table that the forest does not have answers like an empty one. Keys are integers whose most significant bit is
/// the first on the wire.
pub trait Lookup<A: Address>: Send + Sync {
    /// Returns the number of tables.
    fn tables(&self) -> usize;

    /// Returns the bytes that lookups may touch and the bytes held besides, all told.
    fn bytes(&self) -> usize;

    /// Returns the value of the longest prefix of `table` that contains `key`.
    fn lookup(&self, table: TableId, key: A) -> Option<u32>;

    /// Looks every key up in one table; `values` gets the value, or [`NO_ROUTE`], at the key's position.
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    fn lookup_batch(&self, table: TableId, keys: &[A], values: &mut [u32]) {
        assert_eq!(keys.len(), values.len(), "one value a key");
        for (value, &key) in values.iter_mut().zip(keys) {
            *value = self.lookup(table, key).unwrap_or(NO_ROUTE);
        }
    }

    /// Looks each key up in the table at the same position; `values` gets the value, or [`NO_ROUTE`].
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    fn lookup_mixed(&self, tables: &[TableId], keys: &[A], values: &mut [u32]) {
        assert_eq!(keys.len(), values.len(), "one value a key");
        assert_eq!(keys.len(), tables.len(), "one table a key");
        for ((value, &key), &table) in values.iter_mut().zip(keys).zip(tables) {
            *value = self.lookup(table, key).unwrap_or(NO_ROUTE);
        }
    }
}

/// A forest that can also tell how long the matched prefix is.
pub trait LookupMatch<A: Address>: Lookup<A> {
    /// Returns the longest prefix of `table` that contains `key`: its length and its value.
    fn lookup_match(&self, table: TableId, key: A) -> Option<Match>;

    /// Looks every key up in one table; `values` gets the value, or [`NO_ROUTE`], and `lens` the length of the matched prefix in bits, or
    /// 0, at the key's position. The prefix is [`Prefix::containing`](vrfleak_engine::Prefix::containing) of key and length.
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    fn lookup_match_batch(&self, table: TableId, keys: &[A], lens: &mut [u8], values: &mut [u32]) {
        assert_eq!(keys.len(), lens.len(), "one length a key");
        assert_eq!(keys.len(), values.len(), "one value a key");
        for ((len, value), &key) in lens.iter_mut().zip(values).zip(keys) {
            (*len, *value) = columns(self.lookup_match(table, key));
        }
    }

    /// Looks each key up in the table at the same position, and tells values and lengths as [`Self::lookup_match_batch`] does.
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    fn lookup_match_mixed(&self, tables: &[TableId], keys: &[A], lens: &mut [u8], values: &mut [u32]) {
        assert_eq!(keys.len(), tables.len(), "one table a key");
        assert_eq!(keys.len(), lens.len(), "one length a key");
        assert_eq!(keys.len(), values.len(), "one value a key");
        for (((len, value), &key), &table) in lens.iter_mut().zip(values).zip(keys).zip(tables) {
            (*len, *value) = columns(self.lookup_match(table, key));
        }
    }

    /// Returns the longer of the two tables' matches, `overlay`'s where they are equally long.
    ///
    /// This is the answer of a VRF whose own routes lie in front of a table that it shares with others.
    fn lookup_overlaid(&self, overlay: TableId, shared: TableId, key: A) -> Option<Match> {
        let (own, shared) = (self.lookup_match(overlay, key), self.lookup_match(shared, key));
        match (own, shared) {
            (Some(own), Some(shared)) => Some(if own.len >= shared.len { own } else { shared }),
            (own, shared) => own.or(shared),
        }
    }
}

/// Returns length and value of what was found as batches tell them.
fn columns(found: Option<Match>) -> (u8, u32) {
    found.map_or((0, NO_ROUTE), |found| (found.len, found.value))
}
