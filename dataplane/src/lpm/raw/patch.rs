//! Changes of a store in place: entries of one table replaced, and the nodes that nothing leads to any more given back.
//!
//! New nodes are written first, entries change last, and what the old entries led to is free only then: whoever will
//! publish changes to readers has to make the entries' stores atomic and to wait before the free memory is used again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use vrfleak_engine::Address;

use super::super::forest::block::{BITMAP_BYTES, FIRST_VALUE};
use super::super::forest::list::ListHead;
use super::super::forest::shape::Shape;
use super::super::table::TableId;
use super::check::Limits;
use super::part::{LEAF, LIST, OFFSET, PAGE, Part};
use super::store::{Header, SLACK, Store, StoreError, byte_leaf};

/// Which entries of a table are read or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lpm) enum Place {
    /// Those of the root's slots from `from` on.
    Slots { from: u32 },
    /// Those from `from` on of the page that slot `slot` names.
    Page { slot: u32, from: u32 },
}

/// Memory of a store that no entry leads to, and leaves that any table may share.
#[derive(Debug, Default)]
pub(super) struct Spare {
    /// Bytes among the nodes.
    nodes: Free,
    /// Entries among the roots.
    roots: Free,
    /// By width and code: the leaf. Never freed.
    leaves: HashMap<(usize, u32), u32>,
}

impl Spare {
    /// Returns the free bytes, nodes and roots together.
    pub(super) fn bytes(&self) -> usize {
        self.nodes.len + 4 * self.roots.len
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

/// Collects the extents, in ascending order, of the nodes that `entry` leads to; leaves stay.
fn extents(blocks: &[u8], width: usize, entry: u32, found: &mut Vec<(u32, u32)>) {
    let offset = (entry & OFFSET) as usize;
    let mut push = |bytes: usize| match found.last_mut() {
        Some((start, len)) if *start + *len == offset as u32 => *len += bytes as u32,
        _ => found.push((offset as u32, bytes as u32)),
    };
    if entry & LIST != 0 {
        push(ListHead::of(blocks[offset]).bytes(width));
        return;
    }
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
    push(BITMAP_BYTES + codes.len() + 4 * children);
    for delta in node[BITMAP_BYTES + codes.len()..][..4 * children].as_chunks().0 {
        extents(blocks, width, u32::from_le_bytes(*delta) + offset as u32, found);
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
        let shape =
            Shape { bits: 64 - header.shift, page_bits: header.page_bits, first: header.first, len: header.len };
        Some((shape, usize::from(header.width), header.dictionary, self.codes[table.index()]))
    }

    /// Returns the nodes, which entries lead to.
    pub(in crate::lpm) fn nodes(&self) -> &[u8] {
        &self.blocks
    }

    /// Returns the first `count` entries at `place` of the table, one more than it has slots at most: the last one is
    /// for every key outside.
    pub(in crate::lpm) fn entries(&self, table: TableId, place: Place, count: usize) -> Option<&[u32]> {
        let (header, from) = (self.own(table)?, self.start(table, place)?);
        let end = match place {
            Place::Slots { .. } => header.root as usize + header.len as usize + 1,
            Place::Page { from: inner, .. } => from + (1 << header.page_bits) - inner as usize,
        };
        self.roots[from..end].get(..count)
    }

    /// Returns the index of the first entry at `place`.
    fn start(&self, table: TableId, place: Place) -> Option<usize> {
        let header = self.own(table)?;
        match place {
            Place::Slots { from } => (from <= header.len).then_some(header.root as usize + from as usize),
            Place::Page { slot, from } => {
                let entry = self.roots[header.root as usize..][..header.len as usize].get(slot as usize)?;
                (entry & PAGE != 0 && from >> header.page_bits == 0).then_some((entry ^ PAGE) as usize + from as usize)
            }
        }
    }

    /// Replaces the entries at `place` by those of `part`, as many as it has slots; returns the bytes written.
    ///
    /// An entry with [`LEAF`] may have a code of any width.
    pub(in crate::lpm) fn patch(&mut self, table: TableId, place: Place, part: &Part) -> Result<usize, StoreError> {
        let no_such = StoreError::Broken("a place that the table does not have");
        let (shape, width, _, codes) = self.describe(table).ok_or(no_such)?;
        Limits::of::<A>(shape, width, codes)?.check(part, true)?;
        let from = self.start(table, place).ok_or(no_such)?;
        let room = match place {
            Place::Slots { from } => (shape.len - from) as usize,
            Place::Page { from, .. } if part.pages.is_empty() => (1 << shape.page_bits) - from as usize,
            Place::Page { .. } => 0,
        };
        if part.slots.len() > room {
            return Err(no_such);
        }
        let entries = self.place(part, 1 << shape.page_bits, width)?;
        let old = self.roots[from..from + entries.len()].to_vec();
        self.roots[from..from + entries.len()].copy_from_slice(&entries);
        self.release(&old, 1 << shape.page_bits, width);
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
        Limits::of::<A>(shape, width, codes)?.check(part, true)?;
        let old = self.own(table).ok_or(StoreError::Broken("a table that the store does not have"))?;
        if part.slots.len() != shape.len as usize + 1 {
            return Err(StoreError::Broken("a root has one entry a slot and one for the rest"));
        }
        if dictionary as usize + (FIRST_VALUE + codes) as usize > self.values.len() {
            return Err(StoreError::Broken("the dictionary ends beyond the values"));
        }
        let entries = self.place(part, 1 << shape.page_bits, width)?;
        let root = self.allocate_roots(entries.len())?;
        self.roots[root as usize..][..entries.len()].copy_from_slice(&entries);
        self.headers[table.index()] = Header {
            first: shape.first,
            root,
            len: shape.len,
            dictionary,
            shift: 64 - shape.bits,
            page_shift: 64 - shape.inner_bits(),
            page_bits: shape.page_bits,
            width: width as u8,
        };
        self.codes[table.index()] = codes;
        self.paged |= shape.page_bits > 0;
        let entries = self.roots[old.root as usize..][..old.len as usize + 1].to_vec();
        self.release(&entries, 1 << old.page_bits, usize::from(old.width));
        self.spare.roots.insert(old.root, old.len + 1);
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
        Ok(())
    }

    /// Copies the part's nodes and pages into the store and returns its slots' entries.
    fn place(&mut self, part: &Part, page_len: u32, width: usize) -> Result<Vec<u32>, StoreError> {
        let base = self.allocate(part.blocks.len())?;
        self.blocks[base as usize..][..part.blocks.len()].copy_from_slice(&part.blocks);
        let mut entries = Vec::with_capacity(part.slots.len());
        for &entry in &part.slots {
            entries.push(if entry & PAGE == 0 {
                self.place_entry(entry, base, width)?
            } else {
                let page = self.allocate_roots(page_len as usize)?;
                for (index, &entry) in part.pages[(entry ^ PAGE) as usize..][..page_len as usize].iter().enumerate() {
                    let entry = self.place_entry(entry, base, width)?;
                    self.roots[page as usize + index] = entry;
                }
                PAGE | page
            });
        }
        Ok(entries)
    }

    fn place_entry(&mut self, entry: u32, base: u32, width: usize) -> Result<u32, StoreError> {
        if entry & LEAF == 0 {
            return Ok(entry + base);
        }
        let code = entry ^ LEAF;
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
        let (offset, end) = (self.used_blocks, self.used_blocks + len);
        if end + SLACK > LIST as usize {
            return Err(StoreError::TooBig("block bytes", (end + SLACK) as u64));
        }
        if end + SLACK > self.blocks.len() {
            self.blocks.grow((end + SLACK + self.blocks.len() / 8 + (1 << 16)).min(LIST as usize), self.huge);
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
        if end > LIST as usize {
            return Err(StoreError::TooBig("root entries", end as u64));
        }
        if end > self.roots.len() {
            self.roots.grow((end + self.roots.len() / 8 + (1 << 10)).min(LIST as usize), self.huge);
        }
        self.used_roots = end;
        Ok(index as u32)
    }

    /// Frees what these entries, which nothing has any more, led to.
    fn release(&mut self, entries: &[u32], page_len: u32, width: usize) {
        let mut found = Vec::new();
        for &entry in entries {
            if entry & PAGE == 0 {
                extents(&self.blocks, width, entry, &mut found);
                continue;
            }
            let page = entry ^ PAGE;
            for &entry in &self.roots[page as usize..][..page_len as usize] {
                extents(&self.blocks, width, entry, &mut found);
            }
            self.spare.roots.insert(page, page_len);
        }
        for (offset, len) in found {
            self.spare.nodes.insert(offset, len);
        }
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
