//! [`RouteFilters`]: of the route filters of a term, the longest that covers a prefix decides alone.

use std::cmp::Reverse;

use ipnet::IpNet;
use vrfleak_engine::policy::{PrefixEntry, PrefixList};
use vrfleak_engine::{Address, Prefix};

/// The route filters of one term.
#[derive(Debug, Default)]
pub(super) struct RouteFilters {
    filters: Vec<(IpNet, u8, u8, bool)>,
}

impl RouteFilters {
    /// Adds a filter for prefixes below `net` of these lengths. What one matches that does not count is not permitted.
    pub(super) fn push(&mut self, net: IpNet, min: u8, max: u8, counts: bool) {
        self.filters.push((net, min, max, counts));
    }

    /// Returns the list that permits what the filters match, if there are any.
    ///
    /// Junos looks for the longest filter whose prefix covers the route's, and only then at its kind of match.
    pub(super) fn list(mut self, name: &str) -> Option<PrefixList> {
        if self.filters.is_empty() {
            return None;
        }
        self.filters.sort_by_key(|(net, ..)| (Reverse(net.prefix_len()), *net));
        let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
        for same in self.filters.chunk_by(|(first, ..), (second, ..)| first == second) {
            let lengths = same.iter().map(|&(_, min, max, counts)| (min, max, counts));
            match same[0].0 {
                IpNet::V4(net) => add(&mut ipv4, Prefix::from(net), lengths),
                IpNet::V6(net) => add(&mut ipv6, Prefix::from(net), lengths),
            }
        }
        Some(PrefixList::new(name, ipv4, ipv6))
    }
}

/// Adds entries that permit the lengths below `prefix` and deny all others there.
fn add<A: Address>(
    entries: &mut Vec<PrefixEntry<A>>,
    prefix: Prefix<A>,
    lengths: impl Iterator<Item = (u8, u8, bool)>,
) {
    for (min, max, counts) in lengths {
        if min <= max {
            entries.push(PrefixEntry::new(counts, prefix, min, max));
        }
    }
    entries.push(PrefixEntry::new(false, prefix, prefix.len(), A::BITS));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_filter_decides_alone() {
        let mut filters = RouteFilters::default();
        for (net, min, max) in [("10.0.0.0/8", 8, 32), ("10.1.0.0/16", 16, 16), ("10.1.0.0/16", 24, 24)] {
            filters.push(net.parse().expect("a prefix"), min, max, true);
        }
        let list = filters.list("x").expect("filters");
        for (prefix, permitted) in [
            ("10.0.0.0/8", true),
            ("10.2.3.0/24", true),
            ("10.1.0.0/16", true),
            ("10.1.2.0/24", true),
            ("10.1.2.0/25", false),
            ("11.0.0.0/8", false),
        ] {
            assert_eq!(list.permits::<u32>(prefix.parse().expect("a prefix")), permitted, "{prefix}");
        }
    }
}
