//! Changes of a store in place: entries of one table replaced, and the nodes that nothing leads to any more given back.
//!
//! New nodes are written first, entries change last, and what the old entries led to is free only then: whoever will
//! publish changes to readers has to make the entries' stores atomic and to wait before the free memory is used again.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use ahash::HashMap;
use vrfleak_engine::Address;

use super::super::forest::block::{BITMAP_BYTES, FIRST_VALUE};
use super::super::forest::halves::{Entry, Node};
use super::super::forest::line::{Format, LINE, LINED, Run, answer_line, count, line_of, most, separator_size};
use super::super::forest::list::ListHead;
use super::super::forest::shape::{BEGIN, Kind, Shape};
use super::super::table::TableId;
use super::assembly::{byte_leaf, byte_line};
use super::check::Limits;
use super::part::{MOST_BYTES, MOST_ENTRIES, PAGE, Part, leaf_of, moved, page_deciding, page_entry, page_index};
use super::store::{Header, SLACK, Store, StoreError};

/// Consecutive slots of a table's root or of one of its pages, as they were when the store was asked for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lpm) struct Place {
    /// Leading bits that number the slots.
    pub(in crate::lpm) bits: u8,
    /// The number of the first slot.
    pub(in crate::lpm) first: u64,
    /// How many slots they are.
    pub(in crate::lpm) len: u32,
    /// Bits that a page under these slots decides in a dense table.
    pub(in crate::lpm) page_bits: u8,
    table: TableId,
    /// Index of the first slot's entry.
    index: usize,
    /// How often the store had been changed.
    changes: u64,
}

/// Memory of a store that no entry leads to, and leaves that any table may share.
#[derive(Debug, Default)]
pub(super) struct Spare {
    /// Bytes among the nodes that were blocks.
    nodes: Free,
    /// Lines among the nodes.
    lines: Free,
    /// Entries among the roots.
    roots: Free,
    /// By width and code: the block of one answer. Never freed.
    leaves: HashMap<(usize, u32), u32>,
    /// By width and code: the entry of the line of one answer. Never freed.
    answers: HashMap<(usize, u32), u32>,
    /// Memory for what a change replaces.
    released: Released,
}

impl Spare {
    /// Returns the free bytes, nodes and roots together.
    pub(super) fn bytes(&self) -> usize {
        self.nodes.len + LINE * self.lines.len + 4 * self.roots.len
    }
}

/// Free extents; neighbours are one, so that changes of about one size do not use up more and more.
#[derive(Debug, Default)]
struct Free {
    /// By start: the length.
    extents: BTreeMap<u32, u32>,
    /// Length and start of each.
    sizes: BTreeSet<(u32, u32)>,
    /// Sum of the lengths.
    len: usize,
}

impl Free {
    fn remove(&mut self, start: u32, len: u32) {
        self.extents.remove(&start);
        self.sizes.remove(&(len, start));
        self.len -= len as usize;
    }

    /// Takes in an extent that is not free yet.
    fn insert(&mut self, mut start: u32, mut len: u32) {
        if let Some((&before, &length)) = self.extents.range(..start).next_back()
            && before + length == start
        {
            self.remove(before, length);
            (start, len) = (before, len + length);
        }
        if let Some((&behind, &length)) = self.extents.range(start + len..).next()
            && start + len == behind
        {
            self.remove(behind, length);
            len += length;
        }
        self.extents.insert(start, len);
        self.sizes.insert((len, start));
        self.len += len as usize;
    }

    /// Takes `len` from the smallest extent that has them.
    fn take(&mut self, len: u32) -> Option<u32> {
        let &(found, start) = self.sizes.range((len, 0)..).next()?;
        self.remove(start, found);
        if found > len {
            self.insert(start + len, found - len);
        }
        Some(start)
    }
}

/// What is not used any more.
#[derive(Debug, Default)]
struct Released {
    /// Extents of blocks.
    nodes: Vec<(u32, u32)>,
    /// Extents of lines.
    lines: Vec<(u32, u32)>,
    /// Index and length of pages.
    pages: Vec<(u32, u32)>,
    /// The entries that led to all of it.
    entries: Vec<u32>,
}

impl Released {
    /// Appends an extent, which is one with the last where it follows.
    fn push(extents: &mut Vec<(u32, u32)>, from: usize, count: usize) {
        match extents.last_mut() {
            Some((start, len)) if *start + *len == from as u32 => *len += count as u32,
            _ => extents.push((from as u32, count as u32)),
        }
    }

    /// Collects the lines that an entry of a sparse table leads to; those of one answer stay.
    fn lined(&mut self, blocks: &[u8], (family, width): (u8, usize), entry: u32) {
        let line = line_of(entry);
        let rest = &blocks[line * LINE..];
        let Some(first) = rest.first_chunk() else { return };
        let lines = match (Format::of(entry), Run::read(entry)) {
            (None, _) => ListHead::of(rest).map_or(0, |head| head.lines(width)),
            (Some(_), None) => count(first, separator_size(family), most(family)) + 2,
            // Later slots of the run have the same.
            (Some(_), Some((_, 1..))) => 0,
            (Some(format), _) => count(first, format.size(family), format.capacity(family, width)).min(1),
        };
        if lines > 0 {
            Self::push(&mut self.lines, line, lines);
        }
    }

    /// Collects the block at `offset` and what is below it; leaves stay.
    fn block(&mut self, blocks: &[u8], width: usize, offset: usize) {
        let node = &blocks[offset..];
        let bitmap = node.first_chunk().map_or(0, |bitmap| u64::from_le_bytes(*bitmap));
        let count = bitmap.count_ones() as usize;
        let codes = &node[BITMAP_BYTES..BITMAP_BYTES + count * width];
        let mut children = 0;
        for code in codes.chunks_exact(width) {
            let mut wide = [0; 4];
            wide[..width].copy_from_slice(code);
            let code = u32::from_le_bytes(wide);
            if code < FIRST_VALUE {
                children = children.max(code as usize + 1);
            }
        }
        if children == 0 && count == 1 {
            return;
        }
        Self::push(&mut self.nodes, offset, BITMAP_BYTES + codes.len() + 4 * children);
        for delta in node[BITMAP_BYTES + codes.len()..][..4 * children].as_chunks().0 {
            self.block(blocks, width, u32::from_le_bytes(*delta) as usize + offset);
        }
    }

    /// Collects the node of halves at `offset` and those below it.
    fn halves(&mut self, blocks: &[u8], width: usize, offset: usize) {
        let Some(node) = Node::of(blocks, offset, width) else { return };
        Self::push(&mut self.nodes, node.begin(), node.end() - node.begin());
        for (_, entry) in node.entries() {
            if let Entry::Child(child) = entry {
                self.halves(blocks, width, child);
            }
        }
    }

    /// Collects what `entries` lead to.
    fn entries(&mut self, (roots, blocks): (&[u32], &[u8]), (kind, family, width): (Kind, u8, usize), entries: &[u32]) {
        for &entry in entries {
            if entry & PAGE != 0 {
                let (page, len) = (page_index(entry), 1 << page_deciding(entry));
                self.entries((roots, blocks), (kind, family, width), &roots[page..page + len]);
                self.pages.push((page as u32, len as u32));
                continue;
            }
            match kind {
                Kind::Dense => self.block(blocks, width, entry as usize),
                Kind::Sparse => self.lined(blocks, (family, width), entry),
                Kind::Halved if leaf_of(entry).is_some() => {}
                Kind::Halved | Kind::Short | Kind::Paired => self.halves(blocks, width, entry as usize),
            }
        }
    }
}

impl<A: Address> Store<A> {
    /// Returns the header of `table` if the store has it.
    fn own(&self, table: TableId) -> Option<Header> {
        self.headers[..self.tables()].get(table.index()).copied()
    }

    /// Returns the table's shape, the bytes of its codes, where its dictionary begins, and the number of its codes.
    pub(in crate::lpm) fn describe(&self, table: TableId) -> Option<(Shape, usize, u32, u32)> {
        let header = self.own(table)?;
        let Header { first, len, .. } = header;
        let shape = Shape { kind: header.kind(), bits: 64 - header.shift, page_bits: header.page_bits(), first, len };
        Some((shape, usize::from(header.width), header.dictionary, self.codes[table.index()]))
    }

    /// Returns the nodes, which entries lead to.
    pub(in crate::lpm) fn nodes(&self) -> &[u8] {
        &self.blocks
    }

    /// Returns the entries of the roots and pages, which the entries of pages lead to.
    pub(in crate::lpm) fn roots(&self) -> &[u32] {
        &self.roots
    }

    /// Returns where among the nodes a table with its root inside begins; `None` for others.
    pub(in crate::lpm) fn inside(&self, table: TableId) -> Option<usize> {
        let header = self.own(table).filter(|header| header.kind().has_root_inside())?;
        Some(header.root as usize * BEGIN)
    }

    /// Returns all slots of the table, and the entry for every key outside them; `None` for one with its root inside.
    pub(in crate::lpm) fn whole(&self, table: TableId) -> Option<(Place, u32)> {
        let header = self.own(table).filter(|header| !header.kind().has_root_inside())?;
        let (index, len) = (header.root as usize, header.len);
        let outside = *self.roots.get(index + len as usize)?;
        let (bits, page_bits) = (64 - header.shift, header.page_bits());
        Some((Place { bits, first: header.first, len, page_bits, table, index, changes: self.changes }, outside))
    }

    /// Returns the fewest slots of the root, or of one page, that contain all keys whose first 64 bits are from `low` to
    /// `high`; or `None` if there are none: keys outside the root's slots are among them, or the table is halved.
    pub(in crate::lpm) fn place(&self, table: TableId, low: u64, high: u64) -> Option<Place> {
        if matches!(self.own(table)?.kind(), Kind::Halved | Kind::Short | Kind::Paired) {
            return None;
        }
        let (mut place, _) = self.whole(table)?;
        let mut len = u64::from(place.len);
        loop {
            let number = |key: u64| key >> (64 - u32::from(place.bits));
            let (from, to) = (number(low).checked_sub(place.first)?, number(high).checked_sub(place.first)?);
            if to < from || to >= len {
                return None;
            }
            let index = place.index + from as usize;
            let entry = *self.roots.get(index)?;
            let deciding = page_deciding(entry);
            if from < to || entry & PAGE == 0 {
                let (from, to) = self.whole_runs(place, from, to.min(len - 1), len)?;
                let index = place.index + from as usize;
                place = Place { first: place.first + from, len: (to - from) as u32 + 1, index, ..place };
                return Some(place);
            }
            let (bits, first) = (place.bits + deciding as u8, (place.first + from) << deciding);
            len = 1 << deciding;
            place = Place { bits, first, len: len as u32, page_bits: 0, index: page_index(entry), ..place };
        }
    }

    /// Returns the slots `from..=to` of the `len` at `place`, and all others of the runs that the first and the last are of.
    fn whole_runs(&self, place: Place, from: u64, to: u64, len: u64) -> Option<(u64, u64)> {
        let header = self.own(place.table)?;
        let run = |slot: u64| {
            let entry = *self.roots.get(place.index + slot as usize)?;
            let lined = header.kind() == Kind::Sparse && entry & (PAGE | LINED) == LINED;
            Some((entry, if lined { Run::read(entry) } else { None }))
        };
        let (_, first) = run(from)?;
        let from = from.checked_sub(first.map_or(0, |(_, slot)| u64::from(slot)))?;
        let mut to = to;
        let (mut entry, mut last) = run(to)?;
        while let Some((of, slot)) = last
            && slot + 1 < of.slots()
            && to + 1 < len
        {
            let (next, behind) = run(to + 1)?;
            if next != entry + Run::NEXT {
                break;
            }
            (to, entry, last) = (to + 1, next, behind);
        }
        Some((from, to))
    }

    /// Returns the entries of the slots, or `None` if the store has been changed since.
    pub(in crate::lpm) fn entries(&self, place: Place) -> Option<&[u32]> {
        if place.changes != self.changes {
            return None;
        }
        self.roots.get(place.index..place.index + place.len as usize)
    }

    /// Replaces the entries at `place` by those of `part`, as many as it has slots; returns the bytes written.
    ///
    /// An entry with a tag for leaves may have a code of any width.
    pub(in crate::lpm) fn patch(&mut self, place: Place, part: &Part) -> Result<usize, StoreError> {
        let no_such = StoreError::Broken("a place that the table does not have");
        let (shape, width, _, codes) = self.describe(place.table).ok_or(no_such)?;
        let old = self.entries(place).ok_or(no_such)?.len();
        Limits::of::<A>(shape, width, codes)?.check(part, Some(u32::from(place.bits)), true)?;
        if part.slots.len() != old {
            return Err(no_such);
        }
        let base = self.take_in(part, shape.kind)?;
        // What fails leaves some memory unused and every entry as it was.
        let mut entries = mem::take(&mut self.spare.released.entries);
        entries.clear();
        for &entry in &part.slots {
            entries.push(self.take_in_entry(entry, &part.pages, base, width)?);
        }
        let slots = &mut self.roots[place.index..place.index + old];
        slots.swap_with_slice(&mut entries);
        self.release(entries, (shape.kind, width));
        self.changes += 1;
        Ok(part.blocks.len() + 4 * (part.slots.len() + part.pages.len()))
    }

    /// Replaces the whole table like [`Piece::push`](super::Piece::push) adds one; returns the bytes written.
    pub(in crate::lpm) fn replace(
        &mut self,
        table: TableId,
        (shape, width, codes): (Shape, usize, u32),
        dictionary: u32,
        part: &Part,
    ) -> Result<usize, StoreError> {
        Limits::of::<A>(shape, width, codes)?.check(part, None, true)?;
        let old = self.own(table).ok_or(StoreError::Broken("a table that the store does not have"))?;
        if shape.kind.has_root_inside() || part.slots.len() != shape.len as usize + 1 {
            return Err(StoreError::Broken("a root has one entry a slot and one for the rest"));
        }
        if dictionary as usize + (FIRST_VALUE + codes) as usize > self.values.len() {
            return Err(StoreError::Broken("the dictionary ends beyond the values"));
        }
        let base = self.take_in(part, shape.kind)?;
        let root = self.allocate_roots(part.slots.len())?;
        for (index, &entry) in (root as usize..).zip(&part.slots) {
            self.roots[index] = self.take_in_entry(entry, &part.pages, base, width)?;
        }
        self.headers[table.index()] = Header::of((shape, width as u8), root, dictionary);
        self.codes[table.index()] = codes;
        self.census.count(shape, width, dictionary);
        self.briefs.forget(table.index());
        self.classes.update(table.index(), &self.headers, &self.briefs);
        // One with its root inside was not made for changes: its memory stays unused.
        if !old.kind().has_root_inside() {
            let entries = self.roots[old.root as usize..][..=old.len as usize].to_vec();
            self.release(entries, (old.kind(), usize::from(old.width)));
            self.spare.roots.insert(old.root, old.len + 1);
        }
        self.changes += 1;
        Ok(part.blocks.len() + 4 * (part.slots.len() + part.pages.len()))
    }

    /// Appends values that no table uses yet and returns the index of the first.
    pub(in crate::lpm) fn push_values(&mut self, values: &[u32]) -> usize {
        let start = self.values.len();
        self.values.extend_from_slice(values);
        start
    }

    /// Replaces the value at `index`.
    pub(in crate::lpm) fn set_value(&mut self, index: usize, value: u32) {
        self.values[index] = value;
    }

    /// Gives the table a dictionary that begins elsewhere or has more codes.
    pub(in crate::lpm) fn set_dictionary(
        &mut self,
        table: TableId,
        dictionary: u32,
        codes: u32,
    ) -> Result<(), StoreError> {
        let (shape, width, ..) = self.describe(table).ok_or(StoreError::Broken("no such table"))?;
        Limits::of::<A>(shape, width, codes)?;
        if codes < self.codes[table.index()] || dictionary as usize + (FIRST_VALUE + codes) as usize > self.values.len()
        {
            return Err(StoreError::Broken("the dictionary has no value for a code in use"));
        }
        self.headers[table.index()].dictionary = dictionary;
        self.codes[table.index()] = codes;
        self.census.count(shape, width, dictionary);
        Ok(())
    }

    /// Copies the part's nodes into the store and returns where they begin.
    fn take_in(&mut self, part: &Part, kind: Kind) -> Result<u32, StoreError> {
        let base = match kind {
            Kind::Dense | Kind::Halved | Kind::Short | Kind::Paired => self.allocate(part.blocks.len())?,
            Kind::Sparse => self.allocate_lines(part.blocks.len() / LINE)? * LINE as u32,
        };
        self.blocks[base as usize..][..part.blocks.len()].copy_from_slice(&part.blocks);
        Ok(base)
    }

    /// Returns the entry for one of a part whose nodes begin at `base`; its pages are copied into the store.
    fn take_in_entry(&mut self, entry: u32, pages: &[u32], base: u32, width: usize) -> Result<u32, StoreError> {
        if entry & PAGE != 0 {
            let deciding = page_deciding(entry);
            let page = self.allocate_roots(1 << deciding)? as usize;
            for (index, &entry) in pages[page_index(entry)..][..1 << deciding].iter().enumerate() {
                self.roots[page + index] = self.take_in_entry(entry, pages, base, width)?;
            }
            return Ok(page_entry(page, deciding));
        }
        match leaf_of(entry) {
            None => Ok(moved(entry, 0, base)),
            Some((code, Kind::Dense)) => self.shared_leaf(code, width),
            Some((code, Kind::Sparse)) => self.shared_line(code, width),
            Some((_, Kind::Halved | Kind::Short | Kind::Paired)) => Ok(entry),
        }
    }

    /// Returns the entry of a line of one answer that every table with codes of this width may share.
    fn shared_line(&mut self, code: u32, width: usize) -> Result<u32, StoreError> {
        if width == 1 {
            return Ok(byte_line(code));
        }
        if let Some(&entry) = self.spare.answers.get(&(width, code)) {
            return Ok(entry);
        }
        let line = self.allocate_lines(1)? as usize;
        self.blocks[line * LINE..][..LINE].copy_from_slice(&answer_line(code, width));
        let entry = Run::ONE.entry(0, Format::ALL[0], line);
        self.spare.answers.insert((width, code), entry);
        Ok(entry)
    }

    /// Returns the offset of a leaf that every table with codes of this width may share.
    fn shared_leaf(&mut self, code: u32, width: usize) -> Result<u32, StoreError> {
        if width == 1 {
            return Ok(byte_leaf(code));
        }
        if let Some(&leaf) = self.spare.leaves.get(&(width, code)) {
            return Ok(leaf);
        }
        let leaf = self.allocate(BITMAP_BYTES + width)?;
        let bytes = &mut self.blocks[leaf as usize..][..BITMAP_BYTES + width];
        bytes[..BITMAP_BYTES].copy_from_slice(&1_u64.to_le_bytes());
        bytes[BITMAP_BYTES..].copy_from_slice(&code.to_le_bytes()[..width]);
        self.spare.leaves.insert((width, code), leaf);
        Ok(leaf)
    }

    /// Returns the offset of `len` bytes for nodes.
    fn allocate(&mut self, len: usize) -> Result<u32, StoreError> {
        if len == 0 {
            return Ok(0);
        }
        if let Some(offset) = self.spare.nodes.take(len as u32) {
            return Ok(offset);
        }
        self.append(self.used_blocks, len)
    }

    /// Returns the first of `count` lines.
    fn allocate_lines(&mut self, count: usize) -> Result<u32, StoreError> {
        if count == 0 {
            return Ok(0);
        }
        if let Some(line) = self.spare.lines.take(count as u32) {
            return Ok(line);
        }
        let offset = self.append(self.used_blocks.next_multiple_of(LINE), count * LINE)?;
        Ok(offset / LINE as u32)
    }

    /// Returns `offset`, from which on there are `len` more bytes for nodes now.
    fn append(&mut self, offset: usize, len: usize) -> Result<u32, StoreError> {
        let end = offset + len;
        if end + SLACK > MOST_BYTES as usize {
            return Err(StoreError::TooBig("block bytes", (end + SLACK) as u64, u64::from(MOST_BYTES)));
        }
        if end + SLACK > self.blocks.len() {
            self.blocks.grow((end + SLACK + self.blocks.len() / 8 + (1 << 16)).min(MOST_BYTES as usize), self.huge);
        }
        self.used_blocks = end;
        Ok(offset as u32)
    }

    /// Returns the index of `len` entries for a root or a page.
    fn allocate_roots(&mut self, len: usize) -> Result<u32, StoreError> {
        if let Some(index) = self.spare.roots.take(len as u32) {
            return Ok(index);
        }
        let (index, end) = (self.used_roots, self.used_roots + len);
        if end > MOST_ENTRIES as usize {
            return Err(StoreError::TooBig("root entries", end as u64, u64::from(MOST_ENTRIES)));
        }
        if end > self.roots.len() {
            self.roots.grow((end + self.roots.len() / 8 + (1 << 10)).min(MOST_ENTRIES as usize), self.huge);
        }
        self.used_roots = end;
        Ok(index as u32)
    }

    /// Frees what these entries, which nothing has any more, led to.
    fn release(&mut self, entries: Vec<u32>, of: (Kind, usize)) {
        let mut released = mem::take(&mut self.spare.released);
        released.entries((&self.roots, &self.blocks), (of.0, A::BITS, of.1), &entries);
        for (offset, len) in released.nodes.drain(..) {
            self.spare.nodes.insert(offset, len);
        }
        for (line, count) in released.lines.drain(..) {
            self.spare.lines.insert(line, count);
        }
        for (page, len) in released.pages.drain(..) {
            self.spare.roots.insert(page, len);
        }
        self.spare.released = Released { entries, ..released };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_extent() {
        let mut free = Free::default();
        free.insert(10, 5);
        free.insert(20, 5);
        assert_eq!(free.take(6), None);
        free.insert(15, 5);
        assert_eq!((free.extents.len(), free.len), (1, 15));
        assert_eq!(free.take(6), Some(10));
        assert_eq!(free.take(9), Some(16));
        assert_eq!((free.take(1), free.len), (None, 0));
    }
}
