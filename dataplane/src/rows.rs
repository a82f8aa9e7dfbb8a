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

/// Words of a row behind those of the address: the next hop and the length.
const REST: usize = 2;

/// A row of words a route: the address, its last word first, then the next hop, then the length in bits.
pub(crate) struct Rows {
    words: Region<u32>,
}

impl Rows {
    /// Returns the rows of all routes if `entries` of tables are so many that each route is asked for twice or more;
    /// 12 bytes an IPv4 route, 24 an IPv6 one, in parallel.
    pub(crate) fn of<A: Address>(routes: &RouteTable<A>, entries: usize) -> Option<Self> {
        if routes.len() < LEAST || entries < 2 * routes.len() {
            return None;
        }
        let width = width::<A>();
        let mut words = Region::zeroed(routes.len() * width, true);
        words.par_chunks_mut(CHUNK * width).enumerate().for_each(|(chunk, words)| {
            for (route, row) in words.chunks_exact_mut(width).enumerate() {
                let route = RouteId::from_index(chunk * CHUNK + route);
                let prefix = routes.prefix(route);
                let (address, rest) = row.split_at_mut(width - REST);
                for (word, shift) in address.iter_mut().zip((0..).step_by(32)) {
                    *word = (prefix.bits().widen() >> shift) as u32;
                }
                rest.copy_from_slice(&[routes.next_hop(route).0, u32::from(prefix.len())]);
            }
        });
        Some(Self { words })
    }

    /// Returns prefix and next hop of each of `routes`, whose rows are asked for ahead of their use.
    pub(crate) fn all<A: Address>(&self, routes: &[RouteId]) -> impl Iterator<Item = (Prefix<A>, u32)> {
        routes.iter().enumerate().map(move |(at, &route)| {
            if let Some(ahead) = routes.get(at + AHEAD) {
                self.words.prefetch(ahead.index() * width::<A>());
            }
            self.get(route)
        })
    }

    /// Returns prefix and next hop of `route`.
    #[inline]
    pub(crate) fn get<A: Address>(&self, route: RouteId) -> (Prefix<A>, u32) {
        let width = width::<A>();
        let row = &self.words[route.index() * width..][..width];
        let address = row[..width - REST].iter().rev().fold(0, |bits: u128, &word| bits << 32 | u128::from(word));
        (Prefix::containing(A::narrow(address), row[width - 1] as u8), row[width - REST])
    }
}

/// Returns the words of a row.
fn width<A: Address>() -> usize {
    usize::from(A::BITS) / 32 + REST
}
