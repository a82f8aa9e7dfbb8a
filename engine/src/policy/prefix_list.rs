//! [`PrefixList`]: permits and denies by prefix and length.
//!
//! An entry matches a prefix whose bits agree with it where they count, and whose length lies in a range. That covers
//! prefix lists with `ge` and `le`, prefix sets, route filters, and access lists with wildcards. The first entry that
//! matches decides.
//!
//! Long lists are looked up, not walked: entries whose counted bits are the first `n`, as all but those of access lists
//! are, lie in a table by (n, bits). A lookup probes one key for each `n` that occurs, at most 33 for IPv4 and 129 for
//! IPv6, whatever the number of entries, and takes the earliest entry that matches.

use ahash::AHashMap;

use crate::address::Address;
use crate::per_family::{Kind, PerFamily};
use crate::prefix::Prefix;

/// An entry of a prefix list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixEntry<A> {
    /// Whether what matches is permitted.
    pub permit: bool,
    /// The bits to compare with.
    pub bits: A,
    /// The bits that count.
    pub care: A,
    /// The shortest length that matches, in bits.
    pub min: u8,
    /// The longest length that matches, in bits.
    pub max: u8,
}

impl<A: Address> PrefixEntry<A> {
    /// Returns the entry for `prefix` itself and what it covers, of lengths `min` to `max`.
    pub fn new(permit: bool, prefix: Prefix<A>, min: u8, max: u8) -> Self {
        Self { permit, bits: prefix.bits(), care: A::mask(prefix.len()), min: min.max(prefix.len()), max }
    }

    /// Returns whether the entry matches.
    #[inline]
    pub fn matches(&self, prefix: Prefix<A>) -> bool {
        (self.min..=self.max).contains(&prefix.len()) && (prefix.bits() ^ self.bits) & self.care == A::ZERO
    }

    /// Returns how many first bits count, or `None` if others do.
    fn indexable(&self) -> Option<u8> {
        let ones = (!self.care).leading_zeros() as u8;
        (A::mask(ones) == self.care).then_some(ones)
    }
}

/// The entries of one family.
#[derive(Clone, Debug, Default)]
pub struct PrefixEntries<A> {
    entries: Vec<PrefixEntry<A>>,
    /// Positions of the entries with these first bits, ascending, by (number of bits, bits). Empty for short lists.
    index: AHashMap<(u8, A), Vec<u32>>,
    /// The numbers of first bits that occur, ascending.
    lengths: Vec<u8>,
    /// Positions of the entries that are in no index, ascending.
    rest: Vec<u32>,
}

impl<A: PartialEq> PartialEq for PrefixEntries<A> {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl<A: Eq> Eq for PrefixEntries<A> {}

/// Lists up to this length are walked.
const WALKED: usize = 16;

impl<A: Address> PrefixEntries<A> {
    /// Returns the list of these entries.
    pub fn new(entries: Vec<PrefixEntry<A>>) -> Self {
        let mut list = Self { entries, ..Self::default() };
        if list.entries.len() <= WALKED {
            return list;
        }
        for (position, entry) in list.entries.iter().enumerate() {
            match entry.indexable() {
                Some(len) => {
                    list.index.entry((len, entry.bits & entry.care)).or_default().push(position as u32);
                    list.lengths.push(len);
                }
                None => list.rest.push(position as u32),
            }
        }
        list.lengths.sort_unstable();
        list.lengths.dedup();
        list
    }

    /// Returns the entries in the order of evaluation.
    pub fn entries(&self) -> &[PrefixEntry<A>] {
        &self.entries
    }

    /// Returns the position of the first entry that matches.
    pub fn first_match(&self, prefix: Prefix<A>) -> Option<usize> {
        if self.index.is_empty() && self.rest.is_empty() {
            return self.entries.iter().position(|entry| entry.matches(prefix));
        }
        let matches = |&position: &u32| self.entries[position as usize].matches(prefix);
        let mut best = self.rest.iter().copied().find(|position| matches(position));
        for &len in &self.lengths {
            if let Some(positions) = self.index.get(&(len, prefix.bits() & A::mask(len))) {
                let first = positions.iter().copied().find(|position| matches(position));
                best = match (best, first) {
                    (Some(best), Some(first)) => Some(best.min(first)),
                    (best, first) => best.or(first),
                };
            }
        }
        best.map(|position| position as usize)
    }

    /// Returns whether the first entry that matches permits.
    pub fn permits(&self, prefix: Prefix<A>) -> bool {
        self.first_match(prefix).is_some_and(|position| self.entries[position].permit)
    }
}

/// Names [`PrefixEntries`] for [`PerFamily`].
#[derive(Debug)]
pub enum PrefixEntriesKind {}

impl Kind for PrefixEntriesKind {
    type Of<A: Address> = PrefixEntries<A>;
}

/// A named list of prefixes of both families.
#[derive(Clone, Debug, Default)]
pub struct PrefixList {
    /// Its name in the configuration.
    pub name: Box<str>,
    /// Its entries.
    pub families: PerFamily<PrefixEntriesKind>,
}

impl PrefixList {
    /// Returns the list of these entries.
    pub fn new(name: &str, ipv4: Vec<PrefixEntry<u32>>, ipv6: Vec<PrefixEntry<u128>>) -> Self {
        let families = PerFamily { ipv4: PrefixEntries::new(ipv4), ipv6: PrefixEntries::new(ipv6) };
        Self { name: name.into(), families }
    }

    /// Returns whether the list permits a prefix.
    pub fn permits<A: Address>(&self, prefix: Prefix<A>) -> bool {
        self.families.get::<A>().permits(prefix)
    }
}

impl PartialEq for PrefixList {
    fn eq(&self, other: &Self) -> bool {
        let same = self.families.ipv4 == other.families.ipv4 && self.families.ipv6 == other.families.ipv6;
        same && self.name == other.name
    }
}

impl Eq for PrefixList {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(permit: bool, prefix: &str, min: u8, max: u8) -> PrefixEntry<u32> {
        PrefixEntry::new(permit, prefix.parse().expect("a prefix"), min, max)
    }

    fn permits(list: &PrefixEntries<u32>, prefix: &str) -> bool {
        list.permits(prefix.parse().expect("a prefix"))
    }

    #[test]
    fn ranges_of_lengths_and_order_decide() {
        let list = PrefixEntries::new(vec![
            entry(false, "10.1.0.0/16", 16, 32),
            entry(true, "10.0.0.0/8", 16, 24),
            entry(true, "0.0.0.0/0", 0, 0),
        ]);
        for (prefix, permitted) in [
            ("10.2.0.0/16", true),
            ("10.2.3.0/24", true),
            ("10.2.3.0/25", false),
            ("10.0.0.0/8", false),
            ("10.1.2.0/24", false),
            ("0.0.0.0/0", true),
            ("11.0.0.0/16", false),
        ] {
            assert_eq!(permits(&list, prefix), permitted, "{prefix}");
        }
        assert!(!permits(&PrefixEntries::default(), "10.0.0.0/8"));
    }

    fn prefixes() -> impl Strategy<Value = Prefix<u32>> {
        (0_u32..64, 0_u8..=32).prop_map(|(bits, len)| Prefix::containing(bits << 26 | bits << 6, len))
    }

    fn entries() -> impl Strategy<Value = PrefixEntry<u32>> {
        let wild = prop_oneof![3 => Just(None), 1 => any::<u32>().prop_map(Some)];
        (any::<bool>(), prefixes(), 0_u8..=32, 0_u8..=32, wild).prop_map(|(permit, prefix, min, max, wild)| {
            let entry = PrefixEntry::new(permit, prefix, min, max.max(min));
            PrefixEntry { care: wild.unwrap_or(entry.care), ..entry }
        })
    }

    proptest! {
        #[test]
        fn oracle_the_index_finds_what_walking_finds(
            entries in proptest::collection::vec(entries(), 0..60),
            prefixes in proptest::collection::vec(prefixes(), 20),
        ) {
            let list = PrefixEntries::new(entries.clone());
            for prefix in prefixes {
                let walked = entries.iter().position(|entry| entry.matches(prefix));
                prop_assert_eq!(list.first_match(prefix), walked);
            }
        }
    }
}
