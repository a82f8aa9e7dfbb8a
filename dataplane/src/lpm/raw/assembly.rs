//! [`Assembly`]: a store on its way, which takes checked pieces one after the other.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::forest::block::{BITMAP_BYTES, FIRST_VALUE};
use super::super::forest::halves::WIDE_ANSWER;
use super::super::forest::line::{Format, LINE, Run, answer_line};
use super::super::forest::shape::{BEGIN, Kind};
use super::super::table::NO_ROUTE;
use super::brief::Briefs;
use super::classes::Classes;
use super::part::{MOST_BYTES, MOST_ENTRIES, Piece, leaf_of, moved};
use super::patch::Spare;
use super::region::Region;
use super::store::{Census, Header, SLACK, Store, StoreError};

/// Codes that the shared one-byte leaves stand for.
const BYTE_CODES: u32 = 256 - FIRST_VALUE;
/// Bytes of a one-byte leaf.
const BYTE_LEAF: u32 = BITMAP_BYTES as u32 + 1;
/// Bytes of the block at offset 0: a leaf of the first code, which reads the same at every width of code.
const ANY_LEAF: u32 = BITMAP_BYTES as u32 + 4;
/// Where the shared lines of one answer begin, for sparse tables with one-byte codes.
const LINES: usize = ((ANY_LEAF + BYTE_CODES * BYTE_LEAF) as usize).next_multiple_of(LINE);
/// Where the root lies that a [`Brief`](super::brief::Brief) has which tells nothing: one slot with a code that is no answer's.
pub(super) const NOTHING: usize = LINES + BYTE_CODES as usize * LINE;
/// Bytes of all that tables share.
const LEAVES: usize = NOTHING + LINE;
/// Entries before those of the first table: the one that the table without routes has.
const EMPTY: usize = 1;

/// What holds when the places of all fragments are cut from that of their piece.
const SUMMED: &str = "room for the sum of all fragments";

/// The memory of a store's entries and nodes, before it is known what lies where.
#[derive(Debug)]
pub(in crate::lpm) struct Ground {
    entries: Region<u32>,
    nodes: Region<u8>,
    huge: bool,
    /// Pieces that are where they belong.
    filled: AtomicUsize,
}

impl Ground {
    /// Returns room for the biggest store that there may be: addresses alone, memory comes with what is written. `None`
    /// where the system has no such.
    pub(in crate::lpm) fn boundless(huge: bool) -> Option<Self> {
        let entries = Region::mapped(MOST_ENTRIES as usize, huge)?;
        Some(Self::with(entries, Region::mapped(MOST_BYTES as usize, huge)?, huge))
    }

    /// Returns room for these pieces and no more.
    pub(in crate::lpm) fn of<'p>(pieces: impl Iterator<Item = &'p Piece>, huge: bool) -> Result<Self, StoreError> {
        let (mut entries, mut nodes) = (EMPTY, LEAVES + SLACK);
        for piece in pieces {
            let (slots, pages, bytes) = piece.sizes();
            (entries, nodes) = (entries + slots + pages, nodes + bytes);
        }
        limited(entries, nodes)?;
        Ok(Self::with(Region::zeroed(entries, huge), Region::zeroed(nodes, huge), huge))
    }

    fn with(entries: Region<u32>, nodes: Region<u8>, huge: bool) -> Self {
        Self { entries, nodes, huge, filled: AtomicUsize::new(0) }
    }
}

/// Returns an error if so many entries, or bytes of nodes, are too many for a store.
fn limited(entries: usize, bytes: usize) -> Result<(), StoreError> {
    for (what, end, most) in [("block bytes", bytes, MOST_BYTES), ("root entries", entries, MOST_ENTRIES)] {
        if end as u64 > u64::from(most) {
            return Err(StoreError::TooBig(what, end as u64, u64::from(most)));
        }
    }
    Ok(())
}

/// The tables of a store so far, and where the next ones go.
#[derive(Debug)]
pub(in crate::lpm) struct Assembly<'g> {
    so_far: Assembled,
    /// What is free.
    entries: &'g mut [u32],
    nodes: &'g mut [u8],
    filled: &'g AtomicUsize,
}

impl<'g> Assembly<'g> {
    /// Begins with the leaves that all tables share.
    pub(in crate::lpm) fn new(ground: &'g mut Ground) -> Self {
        let start = ground.entries.as_ptr().addr();
        let filled = &ground.filled;
        let (empty, entries) = ground.entries.split_at_mut(EMPTY);
        empty[0] = byte_line(FIRST_VALUE);
        let (leaves, nodes) = ground.nodes.split_at_mut(LEAVES);
        let (leaves, nothing) = leaves.split_at_mut(NOTHING);
        nothing[..2].copy_from_slice(&(WIDE_ANSWER as u16).to_le_bytes());
        let (leaves, lines) = leaves.split_at_mut(LINES);
        for (line, code) in lines.as_chunks_mut().0.iter_mut().zip(FIRST_VALUE..) {
            *line = answer_line(code, 1);
        }
        let (any_leaf, byte_leaves) = leaves.split_at_mut(ANY_LEAF as usize);
        any_leaf[0] = 1;
        any_leaf[BITMAP_BYTES] = FIRST_VALUE as u8;
        for (leaf, code) in byte_leaves.chunks_exact_mut(BYTE_LEAF as usize).zip(FIRST_VALUE..256) {
            leaf[0] = 1;
            leaf[BITMAP_BYTES] = code as u8;
        }
        let so_far = Assembled {
            headers: Vec::new(),
            codes: Vec::new(),
            census: Census::default(),
            used_entries: EMPTY,
            used_bytes: LEAVES,
            placed: 0,
            start,
            values: 0,
        };
        Self { so_far, entries, nodes, filled }
    }

    /// Takes the next tables and returns where they go; [`Site::fill`] may be called on any thread.
    ///
    /// `starts` has, by dictionary of the piece, the index 64 before the value of the first code among the `values` values.
    pub(in crate::lpm) fn place(
        &mut self,
        piece: Piece,
        starts: &[u32],
        values: usize,
    ) -> Result<Site<'g>, StoreError> {
        let so_far = &mut self.so_far;
        let (slots, pages, bytes) = piece.sizes();
        limited(so_far.used_entries + slots + pages, so_far.used_bytes + bytes + SLACK)?;
        let mut root = so_far.used_entries as u32;
        for head in &piece.heads {
            let start = starts.get(head.dictionary as usize).copied();
            let dictionary = start.ok_or(StoreError::Broken("a table without a dictionary"))?;
            if dictionary as usize + (FIRST_VALUE + head.codes) as usize > values {
                return Err(StoreError::Broken("the dictionary ends beyond the values"));
            }
            so_far.census.count(head.shape, usize::from(head.width), dictionary);
            let is_inside = head.shape.kind.has_root_inside();
            let first = if is_inside { (so_far.used_bytes as u32 + head.nodes) / BEGIN as u32 } else { root };
            so_far.headers.push(Header::of((head.shape, head.width), first, dictionary));
            so_far.codes.push(head.codes);
            root += if is_inside { 0 } else { head.shape.len + 1 };
        }
        if root as usize != so_far.used_entries + slots {
            return Err(StoreError::Broken("the roots do not fill their place"));
        }
        let (page, block) = (root, so_far.used_bytes as u32);
        let full = StoreError::Broken("a ground that has no room for its pieces");
        let site = Site {
            slots: self.entries.split_off_mut(..slots).ok_or(full)?,
            pages: self.entries.split_off_mut(..pages).ok_or(full)?,
            nodes: self.nodes.split_off_mut(..bytes).ok_or(full)?,
            page,
            block,
            piece,
            filled: self.filled,
        };
        so_far.placed += 1;
        so_far.values = so_far.values.max(values);
        (so_far.used_entries, so_far.used_bytes) = (so_far.used_entries + slots + pages, so_far.used_bytes + bytes);
        Ok(site)
    }

    /// Returns what a store is made of besides its memory.
    pub(in crate::lpm) fn finish(self) -> Assembled {
        self.so_far
    }
}

/// Where the entries and nodes of a piece go.
#[derive(Debug)]
pub(in crate::lpm) struct Site<'g> {
    slots: &'g mut [u32],
    pages: &'g mut [u32],
    nodes: &'g mut [u8],
    /// Index of the first entry of a page.
    page: u32,
    /// Offset of the first node.
    block: u32,
    piece: Piece,
    filled: &'g AtomicUsize,
}

impl Site<'_> {
    /// Copies the piece there and returns it, so that its memory may be used again.
    pub(in crate::lpm) fn fill(self) -> Piece {
        let Self { mut slots, mut pages, mut nodes, mut page, mut block, piece, filled } = self;
        for fragment in &piece.fragments {
            let slots = slots.split_off_mut(..fragment.slots.len()).expect(SUMMED);
            let pages = pages.split_off_mut(..fragment.pages.len()).expect(SUMMED);
            let nodes = nodes.split_off_mut(..fragment.bytes()).expect(SUMMED);
            for (to, &entry) in slots.iter_mut().zip(&fragment.slots) {
                *to = placed(entry, page, block);
            }
            for (to, &entry) in pages.iter_mut().zip(&fragment.pages) {
                *to = placed(entry, page, block);
            }
            nodes[..fragment.blocks.len()].copy_from_slice(&fragment.blocks);
            page += pages.len() as u32;
            block += nodes.len() as u32;
        }
        filled.fetch_add(1, Ordering::Release);
        piece
    }
}

/// Everything of a store but its memory and values.
#[derive(Debug)]
pub(in crate::lpm) struct Assembled {
    headers: Vec<Header>,
    codes: Vec<u32>,
    census: Census,
    used_entries: usize,
    used_bytes: usize,
    /// Pieces that got a site.
    placed: usize,
    /// Where the ground begins.
    start: usize,
    /// Values that there have to be.
    values: usize,
}

impl Assembled {
    /// Returns the store that lies on `ground`.
    ///
    /// `values` are the dictionaries, of which the first 64 are skipped by every table and the 65th is [`NO_ROUTE`].
    ///
    /// # Panics
    /// Panics if this was assembled elsewhere or a site was not filled.
    pub(in crate::lpm) fn store<A>(self, mut ground: Ground, values: Vec<u32>) -> Store<A> {
        assert!(values.len() >= self.values, "all values that dictionaries were placed with");
        assert_eq!(values.get(FIRST_VALUE as usize), Some(&NO_ROUTE), "the first dictionary begins with the miss");
        assert_eq!(ground.entries.as_ptr().addr(), self.start, "what was assembled on this ground");
        assert_eq!(ground.filled.load(Ordering::Acquire), self.placed, "every site is filled");
        let Self { mut headers, codes, census, used_entries, used_bytes, .. } = self;
        headers.push(Header::empty(0));
        let briefs = Briefs::all(&headers);
        let classes = Classes::all(&headers, &briefs);
        ground.entries.shrink(used_entries);
        ground.nodes.shrink(used_bytes + SLACK);
        Store {
            headers,
            briefs,
            classes,
            roots: ground.entries,
            blocks: ground.nodes,
            values,
            census,
            codes,
            used_roots: used_entries,
            used_blocks: used_bytes,
            spare: Spare::default(),
            changes: 0,
            huge: ground.huge,
            family: PhantomData,
        }
    }
}

/// Returns the offset of the leaf of a one-byte code.
pub(super) fn byte_leaf(code: u32) -> u32 {
    ANY_LEAF + code.wrapping_sub(FIRST_VALUE).wrapping_mul(BYTE_LEAF)
}

/// Returns the entry of the shared line of a one-byte code.
pub(super) fn byte_line(code: u32) -> u32 {
    let line = LINES / LINE + code.wrapping_sub(FIRST_VALUE) as usize;
    Run::ONE.entry(0, Format::ALL[0], line)
}

/// Returns the entry as it is in a store: further on by what lies before its fragment, and the shared leaf for a code.
fn placed(entry: u32, pages: u32, blocks: u32) -> u32 {
    match leaf_of(entry) {
        None => moved(entry, pages, blocks),
        Some((code, Kind::Sparse)) => byte_line(code),
        Some((code, Kind::Dense)) => byte_leaf(code),
        Some((_, Kind::Halved | Kind::Short | Kind::Paired)) => entry,
    }
}
