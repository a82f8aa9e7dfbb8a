//! [`Rows`]: prefix and next hop of every route side by side, for tables that ask for the routes of many VRFs.
//!
//! The engine keeps a column for each of a route's parts, and a table's routes lie far apart in them: each would cost
//! three misses of the cache, and of the buffer that translates addresses. A row is one, in huge pages.

use rayon::prelude::*;
use vrfleak_engine::{Address, Prefix, RouteId, RouteTable};

use crate::lpm::Region;

/// Routes from which on rows are worth their making: below, the columns fit the caches.
const LEAST: usize = 1 << 16;
/// Routes that one thread writes at a time.
const CHUNK: usize = 1 << 14;

/// Rows that are under way at a time.
const AHEAD: usize = 32;

/// Share of the routes, from the first one of a table to its last, of which the table has fewer where rows are worth it:
/// what lies side by side in the columns is read from them at least as fast.
const SCATTERED: usize = 4;

/// A row of words a route: the address, its last word first, then the next hop with the length above it.
pub(crate) struct Rows {
    words: Region<u32>,
}

/// Returns whether so many `entries` lie scattered among the routes from `first` to `last`.
pub(crate) fn are_scattered(entries: usize, first: RouteId, last: RouteId) -> bool {
    (last.index() - first.index()) / SCATTERED >= entries
}

impl Rows {
    /// Returns the rows of all routes if `entries`, those of scattered tables, are so many that each route is asked for
    /// twice or more; 8 bytes an IPv4 route, 20 an IPv6 one, in parallel. `None` also if a next hop's number is so high
    /// that it would reach up to the length.
    pub(crate) fn of<A: Address>(routes: &RouteTable<A>, entries: usize) -> Option<Self> {
        if routes.len() < LEAST || entries < 2 * routes.len() {
            return None;
        }
        let width = width::<A>();
        let mut words = Region::zeroed(routes.len() * width, true);
        words.par_chunks_mut(CHUNK * width).enumerate().try_for_each(|(chunk, words)| {
            for (route, row) in words.chunks_exact_mut(width).enumerate() {
                let route = RouteId::from_index(chunk * CHUNK + route);
                let prefix = routes.prefix(route);
                let (address, rest) = row.split_at_mut(width - 1);
                for (word, shift) in address.iter_mut().zip((0..).step_by(32)) {
                    *word = (prefix.bits().widen() >> shift) as u32;
                }
                let next_hop = routes.next_hop(route).0;
                if next_hop >> next_hop_bits::<A>() != 0 {
                    return None;
                }
                rest[0] = next_hop | u32::from(prefix.len()) << next_hop_bits::<A>();
            }
            Some(())
        })?;
        Some(Self { words })
    }

    /// Returns prefix and next hop of each of `routes`, whose rows are asked for ahead of their use.
    pub(crate) fn all<A: Address>(&self, routes: &[RouteId]) -> impl Iterator<Item = (Prefix<A>, u32)> {
        routes.iter().enumerate().map(move |(at, &route)| {
            if let Some(&ahead) = routes.get(at + AHEAD) {
                self.prefetch::<A>(ahead);
            }
            self.get(route)
        })
    }

    /// Asks for the row of `route` ahead of its use.
    #[inline]
    pub(crate) fn prefetch<A: Address>(&self, route: RouteId) {
        self.words.prefetch(route.index() * width::<A>());
    }

    /// Returns prefix and next hop of `route`.
    #[inline]
    pub(crate) fn get<A: Address>(&self, route: RouteId) -> (Prefix<A>, u32) {
        let width = width::<A>();
        let row = &self.words[route.index() * width..][..width];
        let address = row[..width - 1].iter().rev().fold(0, |bits: u128, &word| bits << 32 | u128::from(word));
        let (len, next_hop) =
            (row[width - 1] >> next_hop_bits::<A>(), row[width - 1] & ((1 << next_hop_bits::<A>()) - 1));
        (Prefix::containing(A::narrow(address), len as u8), next_hop)
    }
}

/// Returns the bits of a row that are the next hop's; those above them are the length's.
const fn next_hop_bits<A: Address>() -> u32 {
    u8::leading_zeros(A::BITS) + 24
}

/// Returns the words of a row.
const fn width<A: Address>() -> usize {
    A::BITS as usize / 32 + 1
}
