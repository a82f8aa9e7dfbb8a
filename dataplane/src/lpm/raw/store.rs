//! [`Store`]: the headers, roots, blocks and values of all tables of a forest, checked on entry.

use std::fmt;
use std::marker::PhantomData;

use vrfleak_engine::Address;

use super::super::forest::block::{BITMAP_BYTES, FIRST_VALUE};
use super::super::forest::shape::{BLOCK_BITS, Shape};
use super::super::table::{NO_ROUTE, TableId};
use super::region::Region;

/// Tag of a root entry that names a page: the rest is the page's first entry.
pub(in crate::lpm) const PAGE: u32 = 1 << 31;
/// Tag of a root entry of a [`Part`] that is one answer: the rest is its code.
pub(in crate::lpm) const LEAF: u32 = 1 << 30;

/// Bytes behind the last block, so that a code may be loaded as four bytes.
const SLACK: usize = 64;
/// Codes that the shared one-byte leaves stand for.
const BYTE_CODES: u32 = 256 - FIRST_VALUE;
/// Bytes of a one-byte leaf.
const BYTE_LEAF: u32 = BITMAP_BYTES as u32 + 1;

/// Where a table is and how its root is read; half a cache line, so that a mixed batch loads it in one.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub(in crate::lpm) struct Header {
    /// Leading bits of the first slot.
    pub(super) first: u64,
    /// Index of the first root entry.
    pub(super) root: u32,
    /// Number of slots; the entry behind them is for every key outside.
    pub(super) len: u32,
    /// Index in the values of code 0; codes begin at [`FIRST_VALUE`].
    pub(super) dictionary: u32,
    /// A key's first 64 bits shifted by this are its slot's: 64 less the bits of the root.
    pub(super) shift: u8,
    /// The same for the entry in a page.
    pub(super) page_shift: u8,
    /// Bits that a page decides.
    pub(super) page_bits: u8,
    /// Bytes a code: 1, 2 or 4.
    pub(super) width: u8,
}

impl Header {
    /// Returns the bit at which the first block begins.
    #[inline]
    pub(super) fn at(&self) -> u32 {
        64 - u32::from(self.page_shift)
    }
}

/// One table, or some slots of one, before it enters a store.
#[derive(Debug, Default)]
pub(in crate::lpm) struct Part {
    /// An entry a slot: [`PAGE`] and an index into `pages`, [`LEAF`] and a code, or an offset into `blocks`.
    pub(in crate::lpm) slots: Vec<u32>,
    /// The pages' entries, of the latter two kinds.
    pub(in crate::lpm) pages: Vec<u32>,
    /// The blocks.
    pub(in crate::lpm) blocks: Vec<u8>,
}

impl Part {
    /// Appends the slots of `next` behind these. Entries wrap around where blocks exceed [`LEAF`], which no store takes.
    pub(in crate::lpm) fn append(&mut self, next: &Self) {
        let (blocks, pages) = (self.blocks.len() as u32, self.pages.len() as u32);
        let moved = |&entry: &u32| match entry {
            entry if entry & PAGE != 0 => entry.wrapping_add(pages),
            entry if entry & LEAF != 0 => entry,
            entry => entry.wrapping_add(blocks),
        };
        self.slots.extend(next.slots.iter().map(moved));
        self.pages.extend(next.pages.iter().map(moved));
        self.blocks.extend_from_slice(&next.blocks);
    }
}

/// Why a table may not enter a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lpm) enum StoreError {
    /// A part breaks the rules of the layout: a bug of the builder.
    Broken(&'static str),
    /// Root entries or block bytes exceed [`LEAF`]; has how many there would be.
    TooBig(&'static str, u64),
}

/// All tables of a forest. The module's documentation says what holds for it.
pub(in crate::lpm) struct Store<A> {
    /// One a table, then one of an empty table, to which every id beyond is clamped.
    pub(super) headers: Vec<Header>,
    pub(super) roots: Region<u32>,
    pub(super) blocks: Region<u8>,
    /// The dictionaries one after the other; 64 entries lead, since codes of children are below [`FIRST_VALUE`] and a
    /// kernel may load the value of one before it finds that out.
    pub(super) values: Vec<u32>,
    /// Whether any table has pages.
    pub(super) paged: bool,
    family: PhantomData<A>,
}

impl<A> fmt::Debug for Store<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("tables", &(self.headers.len() - 1))
            .field("roots", &self.roots)
            .field("blocks", &self.blocks)
            .field("values", &self.values.len())
            .finish_non_exhaustive()
    }
}

/// Returns `base + entry` for what is relative to `base`, and the shared leaf for a one-byte code.
fn placed(entry: u32, blocks: u32) -> u32 {
    if entry & LEAF != 0 { (entry ^ LEAF).wrapping_sub(FIRST_VALUE).wrapping_mul(BYTE_LEAF) } else { entry + blocks }
}

impl<A: Address> Store<A> {
    /// Returns a store without tables, with room for `blocks` bytes of blocks and `roots` root entries.
    ///
    /// `values` are the dictionaries; the first 64 are skipped by every table and the 65th is [`NO_ROUTE`].
    pub(in crate::lpm) fn new(values: Vec<u32>, roots: usize, blocks: usize, huge: bool) -> Self {
        assert_eq!(values.get(FIRST_VALUE as usize), Some(&NO_ROUTE), "the first dictionary begins with the miss");
        let leaves = (BYTE_CODES * BYTE_LEAF) as usize;
        let mut store = Self {
            headers: Vec::new(),
            roots: Region::with_capacity(roots + 1, huge),
            blocks: Region::with_capacity(leaves + blocks + SLACK, huge),
            values,
            paged: false,
            family: PhantomData,
        };
        for code in FIRST_VALUE..256 {
            store.blocks.extend_from_slice(&1_u64.to_le_bytes());
            store.blocks.extend_from_slice(&[code as u8]);
        }
        store.blocks.extend_with(0, SLACK);
        store.roots.extend_from_slice(&[0]);
        let (first, root, len, dictionary) = (0, 0, 0, 0);
        store.headers.push(Header { first, root, len, dictionary, shift: 63, page_shift: 63, page_bits: 0, width: 1 });
        store
    }

    /// Returns the number of tables.
    pub(in crate::lpm) fn tables(&self) -> usize {
        self.headers.len() - 1
    }

    /// Returns the header of `table`, or the one of an empty table for an id beyond.
    #[inline]
    pub(in crate::lpm) fn header(&self, table: TableId) -> &Header {
        &self.headers[table.index().min(self.headers.len() - 1)]
    }

    /// Returns the value at `index`, as [`Store::find`] has found it.
    pub(in crate::lpm) fn value(&self, index: usize) -> u32 {
        self.values[index]
    }

    /// Returns the bytes in use.
    pub(in crate::lpm) fn bytes(&self) -> usize {
        size_of_val(&self.headers[..])
            + size_of_val(&*self.roots)
            + size_of_val(&*self.blocks)
            + size_of_val(&self.values[..])
    }

    /// Returns the bytes for which huge pages were asked and the request was taken.
    pub(in crate::lpm) fn advised_bytes(&self) -> usize {
        let advised = |advised: bool, bytes: usize| if advised { bytes } else { 0 };
        advised(self.roots.advised(), self.roots.bytes()) + advised(self.blocks.advised(), self.blocks.bytes())
    }

    /// Adds a table whose root has `shape`, with codes of `width` bytes, the code [`FIRST_VALUE`] being the value at
    /// `dictionary + FIRST_VALUE` and `codes` codes in all.
    pub(in crate::lpm) fn push(
        &mut self,
        shape: Shape,
        width: usize,
        dictionary: u32,
        codes: u32,
        part: &Part,
    ) -> Result<TableId, StoreError> {
        let header = self.enter(shape, width, dictionary, codes, part)?;
        self.paged |= shape.page_bits > 0;
        let table = TableId::from_index(self.tables());
        let empty = self.headers.len() - 1;
        self.headers.insert(empty, header);
        Ok(table)
    }

    /// Appends roots and blocks of a table and returns the header that reaches them.
    fn enter(
        &mut self,
        shape: Shape,
        width: usize,
        dictionary: u32,
        codes: u32,
        part: &Part,
    ) -> Result<Header, StoreError> {
        let limits = Limits::of::<A>(shape, width, codes)?;
        if dictionary as usize + (FIRST_VALUE + codes) as usize > self.values.len() {
            return Err(StoreError::Broken("the dictionary ends beyond the values"));
        }
        if part.slots.len() != shape.len as usize + 1 {
            return Err(StoreError::Broken("a root has one entry a slot and one for the rest"));
        }
        let root = self.roots.len();
        let (blocks, page_base) = (self.blocks.len() - SLACK, root + part.slots.len());
        // Sizes first: the entries of a part that is too big have wrapped around and mean nothing.
        for (what, end) in [
            ("block bytes", blocks as u64 + part.blocks.len() as u64 + SLACK as u64),
            ("root entries", page_base as u64 + part.pages.len() as u64),
        ] {
            if end > u64::from(LEAF) {
                return Err(StoreError::TooBig(what, end));
            }
        }
        limits.check(part)?;
        self.blocks.truncate(blocks);
        self.blocks.extend_from_slice(&part.blocks);
        self.blocks.extend_with(0, SLACK);
        let mut entries = Vec::with_capacity(part.slots.len() + part.pages.len());
        for &entry in &part.slots {
            entries.push(if entry & PAGE != 0 { entry + page_base as u32 } else { placed(entry, blocks as u32) });
        }
        entries.extend(part.pages.iter().map(|&entry| placed(entry, blocks as u32)));
        self.roots.extend_from_slice(&entries);
        Ok(Header {
            first: shape.first,
            root: root as u32,
            len: shape.len,
            dictionary,
            shift: 64 - shape.bits,
            page_shift: 64 - shape.inner_bits(),
            page_bits: shape.page_bits,
            width: width as u8,
        })
    }
}

/// What a part is checked against.
struct Limits {
    width: usize,
    codes: u32,
    page_len: u32,
    at: u32,
    bits: u32,
}

impl Limits {
    fn of<A: Address>(shape: Shape, width: usize, codes: u32) -> Result<Self, StoreError> {
        let at = u32::from(shape.inner_bits());
        if !matches!(width, 1 | 2 | 4) || shape.bits == 0 || at > 58 || shape.page_bits > 16 {
            return Err(StoreError::Broken("a root decides 1 to 58 bits, a code has 1, 2 or 4 bytes"));
        }
        if width < 4 && (FIRST_VALUE + codes - 1) >> (8 * width) != 0 {
            return Err(StoreError::Broken("the codes do not fit their width"));
        }
        Ok(Self { width, codes, page_len: 1 << shape.page_bits, at, bits: u32::from(A::BITS) })
    }

    fn check(&self, part: &Part) -> Result<(), StoreError> {
        for &entry in &part.slots {
            if entry & PAGE != 0 {
                if entry & LEAF != 0 || u64::from(entry ^ PAGE) + u64::from(self.page_len) > part.pages.len() as u64 {
                    return Err(StoreError::Broken("a page ends beyond the pages"));
                }
            } else {
                self.check_entry(entry, &part.blocks)?;
            }
        }
        for &entry in &part.pages {
            if entry & PAGE != 0 {
                return Err(StoreError::Broken("a page names a page"));
            }
            self.check_entry(entry, &part.blocks)?;
        }
        Ok(())
    }

    fn check_entry(&self, entry: u32, blocks: &[u8]) -> Result<(), StoreError> {
        if entry & LEAF == 0 {
            return self.check_block(entry as usize, self.at, blocks);
        }
        let code = entry ^ LEAF;
        if self.width != 1 || code < FIRST_VALUE || code - FIRST_VALUE >= self.codes {
            return Err(StoreError::Broken("an entry's code is not in the dictionary"));
        }
        Ok(())
    }

    fn check_block(&self, offset: usize, at: u32, blocks: &[u8]) -> Result<(), StoreError> {
        let beyond = StoreError::Broken("a block ends beyond the blocks");
        let block = blocks.get(offset..).ok_or(beyond)?;
        let (bitmap, rest) = block.split_first_chunk::<BITMAP_BYTES>().ok_or(beyond)?;
        let bitmap = u64::from_le_bytes(*bitmap);
        if bitmap & 1 == 0 {
            return Err(StoreError::Broken("a block's first slot begins no run"));
        }
        let count = bitmap.count_ones() as usize;
        let (codes, rest) = rest.split_at_checked(count * self.width).ok_or(beyond)?;
        let mut children = 0;
        for code in codes.chunks_exact(self.width) {
            let mut wide = [0; 4];
            wide[..self.width].copy_from_slice(code);
            let code = u32::from_le_bytes(wide);
            if code < FIRST_VALUE {
                children = children.max(code + 1);
            } else if code - FIRST_VALUE >= self.codes {
                return Err(StoreError::Broken("a code is not in the dictionary"));
            }
        }
        if children == 0 {
            return Ok(());
        }
        let below = at + u32::from(BLOCK_BITS);
        if below >= self.bits {
            return Err(StoreError::Broken("a block below the last bit"));
        }
        for child in 0..children as usize {
            let delta = rest.get(4 * child..4 * child + 4).ok_or(beyond)?;
            let delta = i32::from_le_bytes(delta.try_into().map_err(|_| beyond)?);
            let child = offset.checked_add_signed(delta as isize).ok_or(beyond)?;
            self.check_block(child, below, blocks)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Store<u32> {
        let mut values = vec![NO_ROUTE; FIRST_VALUE as usize + 1];
        values.push(7);
        Store::new(values, 0, 0, false)
    }

    fn refused(part: &Part) -> StoreError {
        let shape = Shape { bits: 18, page_bits: 0, first: 0, len: part.slots.len() as u32 - 1 };
        store().push(shape, 1, 0, 2, part).expect_err("a broken part")
    }

    #[test]
    fn a_part_that_leads_outside_is_refused() {
        let part = |slots: Vec<u32>, blocks: Vec<u8>| Part { slots, pages: vec![], blocks };
        let block = |bitmap: u64, rest: &[u8]| [&bitmap.to_le_bytes()[..], rest].concat();
        for part in [
            part(vec![LEAF + 66], vec![]),
            part(vec![LEAF + 63], vec![]),
            part(vec![PAGE], vec![]),
            part(vec![0], vec![]),
            part(vec![1], block(1, &[64])),
            part(vec![0], block(0, &[64])),
            part(vec![0], block(2, &[64])),
            part(vec![0], block(3, &[64])),
            part(vec![0], block(1, &[66])),
            part(vec![0], block(1, &[0])),
            part(vec![0], block(1, &[0, 13, 0, 0, 0])),
            // A block that is its own child: no end.
            part(vec![0], block(1, &[0, 0, 0, 0, 0])),
        ] {
            assert!(matches!(refused(&part), StoreError::Broken(_)), "{part:?}");
        }
    }

    #[test]
    fn a_header_is_half_a_line() {
        assert_eq!(size_of::<Header>(), 32);
    }
}
