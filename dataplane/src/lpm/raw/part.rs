//! [`Part`] and [`Piece`]: tables on their way into a store, before and after they are checked.

use rayon::prelude::*;
use vrfleak_engine::Address;

use super::super::forest::halves::{HALVED_LEAF, LEAF_CODE};
use super::super::forest::line::{LINE, LINED};
use super::super::forest::shape::{Kind, Shape};
use super::check::Limits;
use super::store::StoreError;

/// Tag of an entry that names a page: behind it the bits that the page decides, then the index of its first entry.
pub(in crate::lpm) const PAGE: u32 = 1 << 31;
/// Where in a page's entry the bits begin that the page decides.
const DECIDING: u32 = 27;
/// Entries of roots and pages end here.
pub(in crate::lpm) const MOST_ENTRIES: u32 = 1 << DECIDING;
/// Bytes of blocks and lines end here.
pub(in crate::lpm) const MOST_BYTES: u32 = 1 << 30;
/// Tag of an entry of a [`Part`] that is one answer of a dense table: the rest is its code. Of a sparse table such an entry
/// has [`LINED`] alone.
pub(in crate::lpm) const LEAF: u32 = 1 << 29;

/// Returns the entry of a page that begins at index `page` and decides `deciding` bits, which are below 16.
pub(in crate::lpm) fn page_entry(page: usize, deciding: u32) -> u32 {
    // Wraps around in a table so big that no store takes it.
    PAGE | deciding << DECIDING | page as u32 & (MOST_ENTRIES - 1)
}

/// Returns the index of the first entry of the page that `entry` names and the bits that it decides, if it names one.
pub(in crate::lpm) fn page_of(entry: u32) -> Option<(usize, u32)> {
    (entry & PAGE != 0).then(|| (page_index(entry), page_deciding(entry)))
}

/// Returns the index of the first entry of the page that `entry` names.
#[inline]
pub(super) fn page_index(entry: u32) -> usize {
    (entry & (MOST_ENTRIES - 1)) as usize
}

/// Returns the bits that the page decides which `entry` names.
#[inline]
pub(super) fn page_deciding(entry: u32) -> u32 {
    entry >> DECIDING & 15
}

/// Bytes from which on a fragment of tables takes no further one.
const FULL: usize = 1 << 27;

/// One table, or some slots of one, not checked yet.
#[derive(Debug, Default)]
pub(in crate::lpm) struct Part {
    /// An entry a slot, but in a table with its root inside: a page; in a dense table [`LEAF`] and a code, or an offset into `blocks`; in a sparse or halved one what
    /// [`line`](super::super::forest::line) or [`halves`](super::super::forest::halves) say.
    pub(in crate::lpm) slots: Vec<u32>,
    /// The pages' entries, the same; those of a page in a dense or halved table name no page.
    pub(in crate::lpm) pages: Vec<u32>,
    /// Blocks, lines or halves; in a table with its root inside that, and whatever is below it.
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
    /// Where the nodes begin among those of the piece, of a table that one part makes.
    pub(super) nodes: u32,
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

    /// Appends a checked part of a table of this kind; returns where its nodes begin.
    fn append(&mut self, part: &Part, kind: Kind) -> Result<usize, StoreError> {
        let begin = self.blocks.len().next_multiple_of(kind.begins_at());
        self.blocks.resize(begin, 0);
        let (pages, blocks) = (self.pages.len() as u32, begin as u32);
        let entries = self.slots.len() + self.pages.len() + part.slots.len() + part.pages.len();
        limited(self.blocks.len() + part.blocks.len(), entries)?;
        let moved = |&entry: &u32| moved(entry, pages, blocks);
        self.slots.extend(part.slots.iter().map(moved));
        self.pages.extend(part.pages.iter().map(moved));
        self.blocks.extend_from_slice(&part.blocks);
        Ok(begin)
    }

    /// Returns the bytes of all nodes and what fills the last line, so that the next fragment begins with one.
    pub(super) fn bytes(&self) -> usize {
        self.blocks.len().next_multiple_of(LINE)
    }
}

/// Returns an entry whose pages and blocks lie that much further on; `blocks` are whole lines.
pub(super) fn moved(entry: u32, pages: u32, blocks: u32) -> u32 {
    let by = if entry & PAGE != 0 {
        pages
    } else if leaf_of(entry).is_some() {
        0
    } else if entry & LINED != 0 {
        blocks / LINE as u32
    } else {
        blocks
    };
    entry + by
}

/// Returns whether an entry of a part is one answer, and that answer's code and the kind of its table.
pub(super) fn leaf_of(entry: u32) -> Option<(u32, Kind)> {
    if entry & (PAGE | LINED) == LINED {
        let code = entry & LEAF_CODE;
        return match entry ^ code {
            LINED => Some((code, Kind::Sparse)),
            HALVED_LEAF => Some((code, Kind::Halved)),
            _ => None,
        };
    }
    (entry & (PAGE | LEAF) == LEAF).then_some((entry & !LEAF, Kind::Dense))
}

/// Returns an error if so many bytes of nodes of one fragment, or entries, are too many.
pub(super) fn limited(bytes: usize, entries: usize) -> Result<(), StoreError> {
    if bytes as u64 >= u64::from(LEAF) {
        return Err(StoreError::TooBig("block bytes", bytes as u64, u64::from(LEAF)));
    }
    if entries as u64 >= u64::from(MOST_ENTRIES) {
        return Err(StoreError::TooBig("root entries", entries as u64, u64::from(MOST_ENTRIES)));
    }
    Ok(())
}

/// Consecutive tables, checked on entry, so that many threads can make and check pieces before one store takes them.
#[derive(Debug, Default)]
pub(in crate::lpm) struct Piece {
    pub(super) heads: Vec<Head>,
    /// Their slots in order have `len + 1` entries a table.
    pub(super) fragments: Vec<Fragment>,
}

impl Piece {
    /// Forgets all tables and keeps the memory of most of them for the next.
    pub(in crate::lpm) fn clear(&mut self) {
        self.heads.clear();
        self.fragments.truncate(1);
        self.fragments.iter_mut().for_each(Fragment::clear);
    }

    /// Returns the entries of all roots, those of all pages, and the bytes of all nodes.
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        self.fragments.iter().fold((0, 0, 0), |(slots, pages, blocks), fragment| {
            (slots + fragment.slots.len(), pages + fragment.pages.len(), blocks + fragment.bytes())
        })
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
        if self.fragments.last().is_none_or(|last| last.blocks.len() >= FULL) {
            self.fragments.push(Fragment::default());
        }
        let (last, before) = self.fragments.split_last_mut().expect("a fragment");
        let nodes = last.append(part, shape.kind)? + before.iter().map(Fragment::bytes).sum::<usize>();
        self.heads.push(Head { shape, width: width as u8, dictionary, codes, nodes: nodes as u32 });
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
        self.fragments.extend(parts.into_iter().map(|part| {
            let Part { slots, pages, blocks } = part;
            Fragment { slots, pages, blocks }
        }));
        self.heads.push(Head { shape, width: width as u8, dictionary, codes, nodes: 0 });
        Ok(())
    }
}

/// Checks the parts of one table.
fn check<A: Address>((shape, width, codes): (Shape, usize, u32), parts: &[Part]) -> Result<(), StoreError> {
    let limits = Limits::of::<A>(shape, width, codes)?;
    let slots = if shape.kind.has_root_inside() { 0 } else { shape.len as usize + 1 };
    if parts.iter().map(|part| part.slots.len()).sum::<usize>() != slots || (slots == 0 && parts.len() != 1) {
        return Err(StoreError::Broken("a root has one entry a slot and one for the rest"));
    }
    // Sizes first: the entries of a part that is too big have wrapped around and mean nothing.
    for part in parts {
        limited(part.blocks.len(), part.slots.len() + part.pages.len())?;
    }
    match parts {
        [part] => limits.check(part, None, false)?,
        parts => parts.par_iter().try_for_each(|part| limits.check(part, None, false))?,
    }
    Ok(())
}
