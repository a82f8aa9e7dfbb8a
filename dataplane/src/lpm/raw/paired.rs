//! The walk of tables of pairs without vectors: a pair a level, then a code.
//!
//! Up to [`LANES`] keys are walked level by level, like those of [dense](super::dense) tables.
#![expect(clippy::inline_always, reason = "what stays outside a stamped function is compiled without its features")]

use std::hint::select_unpredictable;

use vrfleak_engine::Address;

use super::super::forest::pairs::{Below, LAST, PAIR, PAIR_BITS, Pair, pair_slot};
use super::super::forest::shape::{BEGIN, aligned, top};
use super::columns::{ANY_WIDTH, Columns, LANES, Lanes, load_code, prefetch};
use super::store::Header;

/// The bit, beside [`LAST`], of what a key has come to that says that it is an answer's code; no table has so many codes.
const TOLD: u32 = 1 << 30;

impl Columns {
    /// Returns where the table of `header` begins, one with its root inside.
    #[inline(always)]
    fn paired(self, header: &Header) -> *const u8 {
        self.blocks.wrapping_add(header.root as usize * BEGIN)
    }

    /// Returns what comes behind the pair `place` for `key`, whose bits from `at` on are that pair's: the number of a pair, or with
    /// [`LAST`] that of a code, or with [`TOLD`], too, a code.
    ///
    /// # Safety
    /// There is such a pair in the table of `header`, which is one of the store's.
    #[inline(always)]
    unsafe fn behind_pair<A: Address>(self, header: &Header, place: u32, key: A, at: u32) -> u32 {
        let bytes = self.paired(header).wrapping_add(place as usize * PAIR).cast::<[u8; PAIR]>();
        // SAFETY: the caller's promise.
        let pair = Pair::of(unsafe { *bytes });
        // How many slots are behind the key's.
        let after = if A::BITS == 32 || at <= 64 - u32::from(PAIR_BITS) {
            (!(top(key) << (at & 63)) >> (64 - PAIR_BITS)) as u32
        } else {
            31 - pair_slot(aligned(key), at)
        };
        let rank = (pair.bitmap << (after & 31)).count_ones();
        let next = pair.first.wrapping_add(rank).wrapping_sub(1);
        let unit = select_unpredictable(next & LAST == 0, PAIR, usize::from(header.width));
        prefetch(self.paired(header).wrapping_add((next & !LAST) as usize * unit));
        select_unpredictable(pair.bitmap == 0, pair.first | TOLD, next)
    }

    /// Returns the code that is meant by what a key has come to, with [`LAST`].
    ///
    /// # Safety
    /// It is what [`Self::behind_pair`] has returned for a table with codes of `WIDTH` bytes, if that is a width.
    #[inline(always)]
    unsafe fn paired_code<const WIDTH: usize>(self, header: &Header, place: u32) -> u32 {
        let width = if WIDTH == ANY_WIDTH { usize::from(header.width) } else { WIDTH };
        let number = place & !(LAST | TOLD);
        let is_told = place & TOLD != 0;
        let code = self.paired(header).wrapping_add(select_unpredictable(is_told, 0, number as usize) * width);
        // SAFETY: a node without pairs has a code for each of its runs, of which there is one up to every slot, and where the table
        // begins there are pairs.
        let code = unsafe { load_code::<WIDTH>(code, width) };
        select_unpredictable(is_told, number, code)
    }

    /// Returns the code of `key` in a table of pairs.
    ///
    /// # Safety
    /// `header` is one of the store's, of a table of pairs.
    pub(super) unsafe fn find_paired<A: Address>(self, header: &Header, key: A) -> u32 {
        let slot = (top(key) >> (header.shift & 63)).wrapping_sub(header.first).min(u64::from(header.len));
        let table = self.blocks.wrapping_add(header.root as usize * BEGIN);
        let (mut place, mut at) = (slot as usize, 64 - u32::from(header.shift));
        loop {
            let bytes = table.wrapping_add(place * PAIR).cast::<[u8; PAIR]>();
            // SAFETY: a root has `len + 1` pairs where the table begins, and a node one for each of its runs.
            let pair = Pair::of(unsafe { *bytes });
            let run = || pair.rank(pair_slot(aligned(key), at)) - 1;
            match pair.below() {
                Below::Answer(code) => return code,
                Below::Children(first) => place = first + run(),
                Below::Codes(first) => {
                    let width = usize::from(header.width);
                    let code = table.wrapping_add((first + run()) * width);
                    // SAFETY: such a node has a code for each of its runs, of which there is one up to every slot.
                    return unsafe { load_code::<ANY_WIDTH>(code, width) };
                }
            }
            at += u32::from(PAIR_BITS);
        }
    }
}

/// Walks up to [`LANES`] keys, each by the header that `header_of` returns for its position.
///
/// # Safety
/// The headers are of tables of pairs of the store whose columns these are; their codes have `WIDTH` bytes, if that is a width.
/// There are at most [`LANES`] keys.
#[inline(always)]
pub(super) unsafe fn group<'h, A: Address, const WIDTH: usize>(
    columns: Columns,
    header_of: impl Fn(usize) -> &'h Header,
    keys: &[A],
    values: &mut [u32],
) {
    let mut places = [LAST; LANES];
    for (lane, (place, &key)) in places.iter_mut().zip(keys).enumerate() {
        let header = header_of(lane);
        let slot = (top(key) >> (header.shift & 63)).wrapping_sub(header.first).min(u64::from(header.len));
        *place = slot as u32;
        prefetch(columns.paired(header).wrapping_add(slot as usize * PAIR));
    }
    // The keys that have come to a pair, in their order.
    let mut going = Lanes::new();
    for (lane, (place, &key)) in places.iter_mut().zip(keys).enumerate() {
        let header = header_of(lane);
        // SAFETY: a root has `len + 1` pairs where the table begins.
        *place = unsafe { columns.behind_pair(header, *place, key, 64 - u32::from(header.shift)) };
        going.push(lane, *place & LAST == 0);
    }
    let mut below = 0;
    while going.count > 0 {
        below += u32::from(PAIR_BITS);
        let mut still = Lanes::new();
        for index in 0..going.count {
            let lane = going.get(index);
            let header = header_of(lane);
            let at = 64 - u32::from(header.shift) + below;
            // SAFETY: without `LAST` it is the number of a pair of the table.
            places[lane] = unsafe { columns.behind_pair(header, places[lane], keys[lane], at) };
            still.push(lane, places[lane] & LAST == 0);
        }
        going = still;
    }
    for (lane, (value, &place)) in values.iter_mut().zip(&places).enumerate() {
        let header = header_of(lane);
        // SAFETY: that is where the key has come to, whose table this is.
        let code = unsafe { columns.paired_code::<WIDTH>(header, place) };
        // SAFETY: the code is the table's.
        *value = unsafe { columns.value(header, code) };
    }
}
