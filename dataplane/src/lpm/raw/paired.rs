//! The walk of tables of pairs, key by key: a pair a level, then a code. Batches are vectors' work.

use vrfleak_engine::Address;

use super::super::forest::pairs::{Below, PAIR, PAIR_BITS, Pair, pair_slot};
use super::super::forest::shape::{BEGIN, aligned, top};
use super::columns::{ANY_WIDTH, Columns, load_code};
use super::store::Header;

impl Columns {
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
