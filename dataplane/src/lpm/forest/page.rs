//! Pages of a sparse table: a slot with too many boundaries for a list becomes a page of slots, as many as fit their
//! number, and a slot of a page may become one again.
//!
//! The bits that a page decides follow the number of boundaries below it, so that a key comes to few pages wherever it
//! goes (Nilsson and Karlsson, "IP-Address Lookup Using LC-Tries", 1999).

use vrfleak_engine::Address;

use super::list::WINDOW_BITS;
use super::ranges::Range;
use super::shape::depth;

/// Most bits that one page decides.
pub(in crate::lpm) const MAX_PAGE_BITS: u32 = 12;
/// Boundaries from which on a table has pages with about a slot a boundary; in smaller ones a slot has four, which costs
/// 5% of the speed and takes 20% fewer bytes.
const LARGE: usize = 1 << 14;

/// Returns whether the pages of a table of `boundaries` shall be roomy.
pub(super) fn is_roomy(boundaries: usize) -> bool {
    boundaries >= LARGE
}

/// Returns the bits that a page at bit `at` with these boundaries inside decides: 1 or more, if any can be told apart
/// within the first 64.
pub(super) fn page_bits<A: Address>(at: u32, ranges: &[Range<A>], roomy: bool) -> u32 {
    let deepest = ranges.iter().map(|range| depth(range.start)).max().unwrap_or(at);
    let slots = if roomy { ranges.len() } else { ranges.len() / 4 };
    let fitting = slots.max(2).ilog2();
    let end = u32::from(A::BITS).min(64).min(deepest);
    fitting.min(MAX_PAGE_BITS).min(end.saturating_sub(at)).max(1)
}

/// Returns the bits, 8 at most, that a page at bit `at` decides so that lists below it reach further, all the way to the
/// last boundary if that can be; `None` if they reach bit 64 already.
pub(super) fn narrowing_bits<A: Address>(at: u32, ranges: &[Range<A>]) -> Option<u32> {
    let deepest = ranges.iter().map(|range| depth(range.start)).max().unwrap_or(at);
    let missing = deepest.min(64).checked_sub(at + WINDOW_BITS)?;
    (missing > 0).then(|| missing.min(8))
}
