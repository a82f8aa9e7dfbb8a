//! Pages of a sparse table: a slot with too many boundaries for a line or a fan becomes a page of slots, as many as fit their
//! number, and a slot of a page may become one again.
//!
//! The bits that a page decides follow the number of boundaries below it, so that a key comes to few pages wherever it
//! goes (Nilsson and Karlsson, "IP-Address Lookup Using LC-Tries", 1999).

/// Bits behind the slot within which the boundaries of a line or fan lie.
pub(super) const WINDOW_BITS: u32 = 32;
/// Most bits that one page decides.
pub(in crate::lpm) const MAX_PAGE_BITS: u32 = 12;
/// Boundaries from which on a table has pages with a slot for two boundaries, or for one where a line does
/// not reach the last; in smaller tables a slot has four.
const LARGE: usize = 1 << 14;

/// Returns whether the pages of a table of `boundaries` shall be roomy.
pub(super) fn is_roomy(boundaries: usize) -> bool {
    boundaries >= LARGE
}

/// Returns the bits that a page at bit `at` decides, with `count` boundaries inside of which the deepest ends at bit
/// `deepest`: 1 or more, if any can be told apart within the first 64.
pub(super) fn page_bits(at: u32, count: usize, deepest: u32, roomy: bool) -> u32 {
    let is_near = deepest <= (at + WINDOW_BITS).min(64);
    let slots = if !roomy {
        count / 4
    } else if is_near {
        count / 2
    } else {
        count
    };
    let fitting = slots.max(2).ilog2();
    fitting.min(MAX_PAGE_BITS).min(deepest.min(64).saturating_sub(at)).max(1)
}

/// Returns the bits, 8 at most, that a page at bit `at` decides so that lines below it reach further, all the way to the
/// last boundary if that can be; `None` if they reach it, or bit 64, already.
pub(super) fn narrowing_bits(at: u32, deepest: u32) -> Option<u32> {
    let missing = deepest.min(64).checked_sub(at + WINDOW_BITS)?;
    (missing > 0).then(|| missing.min(8))
}
