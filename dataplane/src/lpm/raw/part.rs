//! [`Part`] and [`Piece`]: tables on their way into a store, before and after they are checked.

use rayon::prelude::*;
use vrfleak_engine::Address;

use super::super::forest::shape::Shape;
use super::check::Limits;
use super::store::StoreError;

/// Tag of an entry that names a page: the rest is the index of the page's first entry.
pub(in crate::lpm) const PAGE: u32 = 1 << 31;
/// Tag of an entry or delta that leads to a list.
pub(in crate::lpm) const LIST: u32 = 1 << 30;
/// Tag of an entry of a [`Part`] that is one answer: the rest is its code.
pub(in crate::lpm) const LEAF: u32 = 1 << 29;
/// The bits of an entry that are an offset, once it is in a store; a [`Part`] ends below [`LEAF`].
pub(in crate::lpm) const OFFSET: u32 = LIST - 1;

/// Slots and bytes from which on a table is a fragment of its own.
const ALONE: usize = 1 << 13;

/// One table, or some slots of one, not checked yet.
#[derive(Debug, Default)]
pub(in crate::lpm) struct Part {
    /// An entry a slot: [`PAGE`] and an index into `pages`, [`LEAF`] and a code, or an offset into `blocks`, with
    /// [`LIST`] where a list is there.
    pub(in crate::lpm) slots: Vec<u32>,
    /// The pages' entries, all but the first kind.
    pub(in crate::lpm) pages: Vec<u32>,
    /// Blocks and lists.
    pub(in crate::lpm) blocks: Vec<u8>,
}

impl Part {
    /// Forgets what is there and keeps the memory.
    pub(in crate::lpm) fn clear(&mut self) {
        self.slots.clear();
        self.pages.clear();
        self.blocks.clear();
    }
}

/// A table of a piece: everything of its header that does not depend on where it will lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) shape: Shape,
    pub(super) width: u8,
    /// Index of the table's dictionary among those of its piece.
    pub(super) dictionary: u32,
    pub(super) codes: u32,
}

/// Slots that were checked, with entries relative to the fragment.
#[derive(Debug, Default)]
pub(super) struct Fragment {
    pub(super) slots: Vec<u32>,
    pub(super) pages: Vec<u32>,
    pub(super) blocks: Vec<u8>,
}

impl Fragment {
    fn clear(&mut self) {
        self.slots.clear();
        self.pages.clear();
        self.blocks.clear();
    }

    /// Appends a checked part.
    fn append(&mut self, part: &Part) -> Result<(), StoreError> {
        let (pages, blocks) = (self.pages.len() as u32, self.blocks.len() as u32);
        for (what, end) in [
            ("block bytes", self.blocks.len() as u64 + part.blocks.len() as u64),
            ("root entries", self.slots.len() as u64 + self.pages.len() as u64),
        ] {
            if end >= u64::from(LEAF) {
                return Err(StoreError::TooBig(what, end));
            }
        }
        let moved = |&entry: &u32| moved(entry, pages, blocks);
        self.slots.extend(part.slots.iter().map(moved));
        self.pages.extend(part.pages.iter().map(moved));
        self.blocks.extend_from_slice(&part.blocks);
        Ok(())
    }
}

/// Returns an entry whose pages and blocks lie that much further on.
pub(super) fn moved(entry: u32, pages: u32, blocks: u32) -> u32 {
    let by = if entry & PAGE != 0 {
        pages
    } else if entry & LEAF != 0 {
        0
    } else {
        blocks
    };
    entry + by
}

/// Consecutive tables, checked on entry, so that many threads can make and check pieces before one store takes them.
#[derive(Debug, Default)]
pub(in crate::lpm) struct Piece {
    pub(super) heads: Vec<Head>,
    /// Their slots in order have `len + 1` entries a table.
    pub(super) fragments: Vec<Fragment>,
    /// Small tables behind those of the fragments; its memory stays for the next piece.
    open: Fragment,
}

impl Piece {
    /// Forgets all tables and keeps memory for the next.
    pub(in crate::lpm) fn clear(&mut self) {
        self.heads.clear();
        self.fragments.clear();
        self.open.clear();
    }

    /// Returns the tables in as much memory as they need, and leaves an empty piece whose memory may be used again.
    pub(in crate::lpm) fn take(&mut self) -> Self {
        self.close();
        let (heads, fragments) = (std::mem::take(&mut self.heads), std::mem::take(&mut self.fragments));
        Self { heads, fragments, open: Fragment::default() }
    }

    /// Makes a fragment of the small tables.
    fn close(&mut self) {
        if !self.open.slots.is_empty() {
            let Fragment { slots, pages, blocks } = &self.open;
            self.fragments.push(Fragment { slots: slots.clone(), pages: pages.clone(), blocks: blocks.clone() });
            self.open.clear();
        }
    }

    /// Adds a table whose root has `shape`, with `codes` codes of `width` bytes from the piece's dictionary
    /// `dictionary`.
    ///
    /// `part` has an entry a slot and one more, for every key outside the slots.
    pub(in crate::lpm) fn push<A: Address>(
        &mut self,
        (shape, width, codes): (Shape, usize, u32),
        dictionary: u32,
        part: &Part,
    ) -> Result<(), StoreError> {
        check::<A>((shape, width, codes), std::slice::from_ref(part))?;
        if part.slots.len() + part.blocks.len() < ALONE {
            self.open.append(part)?;
        } else {
            self.close();
            let Part { slots, pages, blocks } = part;
            self.fragments.push(Fragment { slots: slots.clone(), pages: pages.clone(), blocks: blocks.clone() });
        }
        self.heads.push(Head { shape, width: width as u8, dictionary, codes });
        Ok(())
    }

    /// Adds a table like [`Self::push`], from several parts that are its slots in order; checks them in parallel.
    pub(in crate::lpm) fn push_split<A: Address>(
        &mut self,
        (shape, width, codes): (Shape, usize, u32),
        dictionary: u32,
        parts: Vec<Part>,
    ) -> Result<(), StoreError> {
        check::<A>((shape, width, codes), &parts)?;
        self.close();
        self.fragments.extend(parts.into_iter().map(|part| {
            let Part { slots, pages, blocks } = part;
            Fragment { slots, pages, blocks }
        }));
        self.heads.push(Head { shape, width: width as u8, dictionary, codes });
        Ok(())
    }
}

/// Checks the parts of one table.
fn check<A: Address>((shape, width, codes): (Shape, usize, u32), parts: &[Part]) -> Result<(), StoreError> {
    let limits = Limits::of::<A>(shape, width, codes)?;
    if parts.iter().map(|part| part.slots.len()).sum::<usize>() != shape.len as usize + 1 {
        return Err(StoreError::Broken("a root has one entry a slot and one for the rest"));
    }
    // Sizes first: the entries of a part that is too big have wrapped around and mean nothing.
    for part in parts {
        for (what, end) in [
            ("block bytes", part.blocks.len() as u64),
            ("root entries", part.slots.len() as u64 + part.pages.len() as u64),
        ] {
            if end >= u64::from(LEAF) {
                return Err(StoreError::TooBig(what, end));
            }
        }
    }
    match parts {
        [part] => limits.check(part, false)?,
        parts => parts.par_iter().try_for_each(|part| limits.check(part, false))?,
    }
    Ok(())
}
