//! [`Store`]: the headers, roots, blocks and values of all tables of a forest, checked on entry.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use vrfleak_engine::Address;

use super::super::forest::shape::{Kind, Shape};
use super::super::table::TableId;
use super::brief::Briefs;
use super::classes::Classes;
use super::patch::Spare;
use super::region::Region;

/// Bytes behind the last node, so that a code may be loaded as four bytes and a line searched as if its numbers were more.
pub(super) const SLACK: usize = 256;
/// Where a table is and how its root is read; half a cache line, so that a mixed batch loads it in one. Vectors load the
/// first half as four numbers.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub(in crate::lpm) struct Header {
    /// Index of the first root entry, or where a table with its root inside begins, in units of [`BEGIN`](super::super::forest::shape::BEGIN).
    pub(super) root: u32,
    /// The lower half of `first`, which is all of it in a sparse or halved table.
    pub(super) first_low: u32,
    /// Of a sparse table `len`, which is below 2^24, and `shift` in the highest byte. Of one with halves or pairs, or a dense one that vectors
    /// can walk, `len`, which is below [`GATHERED_SLOTS`], from bit 24 on the width of a code as a power of two, from bit 26 on `shift`.
    pub(super) len_shift: u32,
    /// Index in the values of code 0; codes begin at [`FIRST_VALUE`](super::super::forest::block::FIRST_VALUE).
    pub(super) dictionary: u32,
    /// Leading bits of the first slot.
    pub(super) first: u64,
    /// Number of slots; the entry behind them is for every key outside.
    pub(super) len: u32,
    /// A key's first 64 bits shifted by this are its slot's: 64 less the bits of the root.
    pub(super) shift: u8,
    /// The same for the entry in a page of a dense or halved table.
    pub(super) page_shift: u8,
    /// Bits that a page of a dense or halved table decides, and the table's kind in the three highest bits.
    page_bits_kind: u8,
    /// Bytes a code: 1, 2 or 4.
    pub(super) width: u8,
}

impl Header {
    /// Returns the header of a table whose root begins at index `root` and whose dictionary begins at `dictionary`.
    pub(super) fn of((shape, width): (Shape, u8), root: u32, dictionary: u32) -> Self {
        let shift = 64 - shape.bits;
        let gathered = shape.len | width.trailing_zeros() << 24 | u32::from(shift) << 26;
        let (kind, len_shift) = match shape.kind {
            Kind::Sparse => (SPARSE, shape.len | u32::from(shift) << 24),
            Kind::Dense => (0, gathered),
            Kind::Halved => (HALVED, gathered),
            Kind::Short => (SPARSE | HALVED, gathered),
            Kind::Paired => (PAIRED, gathered),
        };
        Self {
            root,
            first_low: shape.first as u32,
            len_shift,
            dictionary,
            first: shape.first,
            len: shape.len,
            shift,
            page_shift: 64 - shape.inner_bits(),
            page_bits_kind: shape.page_bits | kind,
            width,
        }
    }

    /// Returns what lies below the root.
    #[inline]
    pub(super) fn kind(&self) -> Kind {
        match self.page_bits_kind & KINDS {
            0 => Kind::Dense,
            PAIRED => Kind::Paired,
            HALVED => Kind::Halved,
            SPARSE => Kind::Sparse,
            _ => Kind::Short,
        }
    }

    /// Returns the bits that a page of a dense or halved table decides.
    #[inline]
    pub(super) fn page_bits(&self) -> u8 {
        self.page_bits_kind & !KINDS
    }

    /// Returns whether vectors can walk the table: a dense one whose root and pages decide 32 bits at most, with few enough
    /// slots.
    #[inline]
    pub(super) fn is_gathered(&self) -> bool {
        self.kind() == Kind::Dense && self.len < GATHERED_SLOTS && self.at() <= GATHERED_BITS
    }

    /// Returns the header of a sparse table without slots whose one entry is at index `root`.
    pub(super) fn empty(root: u32) -> Self {
        Self::of((Shape { kind: Kind::Sparse, bits: 1, page_bits: 0, first: 0, len: 0 }, 1), root, 0)
    }

    /// Returns the bit at which the first block or node of a dense or halved table begins.
    #[inline]
    pub(super) fn at(&self) -> u32 {
        64 - u32::from(self.page_shift)
    }
}

/// Most bits that root and page together may decide of a dense table that vectors walk.
pub(super) const GATHERED_BITS: u32 = 32;

/// Slots of a dense table's root from which on vectors do not walk it.
pub(super) const GATHERED_SLOTS: u32 = 1 << 24;

/// The bit of a header's byte that says that the table is sparse.
const SPARSE: u8 = 0x80;
/// The bit that says that it is halved; a short table has both.
const HALVED: u8 = 0x40;
/// The bit that says that it has pairs.
const PAIRED: u8 = 0x20;
const KINDS: u8 = SPARSE | HALVED | PAIRED;

/// Why a table may not enter a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lpm) enum StoreError {
    /// A part breaks the rules of the layout: a bug of the builder.
    Broken(&'static str),
    /// Root entries or block bytes exceed their limit; has how many there would be, and the limit.
    TooBig(&'static str, u64, u64),
}

/// All tables of a forest. The module's documentation says what holds for it.
pub(in crate::lpm) struct Store<A> {
    /// One a table, then that of an empty table, which is sparse, to which every id beyond is clamped.
    pub(super) headers: Vec<Header>,
    /// What a batch of short tables reads in place of headers.
    pub(super) briefs: Briefs,
    /// How a batch of any mix walks each table.
    pub(super) classes: Classes,
    pub(super) roots: Region<u32>,
    pub(super) blocks: Region<u8>,
    /// The dictionaries one after the other; 64 entries lead, since codes of children are below [`FIRST_VALUE`](super::super::forest::block::FIRST_VALUE) and a
    /// kernel may load the value of one before it finds that out.
    pub(super) values: Vec<u32>,
    pub(super) census: Census,
    /// By table: the number of its codes.
    pub(super) codes: Vec<u32>,
    /// Entries and bytes that are given out; behind the bytes are [`SLACK`] more.
    pub(super) used_roots: usize,
    pub(super) used_blocks: usize,
    pub(super) spare: Spare,
    /// How often entries were replaced, so that a place of before is known.
    pub(super) changes: u64,
    pub(super) huge: bool,
    pub(super) family: PhantomData<A>,
}

/// What kinds of tables a store has: what a batch of any mix has to be ready for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Census {
    /// If any is dense: whether one has pages.
    pub(super) dense: Option<bool>,
    /// If any is sparse: whether one has codes of more than a byte.
    pub(super) sparse: Option<bool>,
    /// Whether any is dense and has codes of more than a byte.
    pub(super) wide: bool,
    /// Whether any is dense and vectors cannot walk it.
    pub(super) ungathered: bool,
    /// If any is halved: whether one has another dictionary than the first.
    pub(super) halved: Option<bool>,
    /// The same of short ones.
    pub(super) short: Option<bool>,
    /// The same of those with pairs.
    pub(super) paired: Option<bool>,
}

impl Census {
    /// Takes in a table.
    pub(super) fn count(&mut self, shape: Shape, width: usize, dictionary: u32) {
        if shape.kind == Kind::Dense {
            self.wide |= width > 1;
            self.ungathered |= !Header::of((shape, width as u8), 0, 0).is_gathered();
        }
        let (of_kind, special) = match shape.kind {
            Kind::Dense => (&mut self.dense, shape.page_bits > 0),
            Kind::Sparse => (&mut self.sparse, width > 1),
            Kind::Halved => (&mut self.halved, dictionary > 0),
            Kind::Short => (&mut self.short, dictionary > 0),
            Kind::Paired => (&mut self.paired, dictionary > 0),
        };
        *of_kind = Some(special || *of_kind == Some(true));
    }
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

impl<A: Address> Store<A> {
    /// Returns the number of tables.
    pub(in crate::lpm) fn tables(&self) -> usize {
        self.headers.len() - 1
    }

    /// Returns the header of `table`, or the one of an empty table for an id beyond.
    #[inline]
    pub(in crate::lpm) fn header(&self, table: TableId) -> &Header {
        &self.headers[table.index().min(self.tables())]
    }

    /// Returns all values; [`Store::find`] gives indices of them.
    pub(in crate::lpm) fn values(&self) -> &[u32] {
        &self.values
    }

    /// Returns the bytes in use.
    pub(in crate::lpm) fn bytes(&self) -> usize {
        size_of_val(&self.headers[..])
            + self.briefs.bytes()
            + self.classes.bytes()
            + size_of_val(&*self.roots)
            + size_of_val(&*self.blocks)
            + size_of_val(&self.values[..])
            + size_of_val(&self.codes[..])
    }

    /// Returns whether another store has the same in the same places.
    #[cfg(test)]
    pub(in crate::lpm) fn equals(&self, other: &Self) -> bool {
        let places = |store: &Self| -> Vec<_> {
            let place = |header: &Header| (header.root, header.len, header.dictionary, header.width);
            store.headers.iter().map(place).collect()
        };
        self.roots[..] == other.roots[..]
            && self.blocks[..] == other.blocks[..]
            && self.values == other.values
            && self.codes == other.codes
            && places(self) == places(other)
    }

    /// Returns the bytes that changes have left unused.
    pub(in crate::lpm) fn free_bytes(&self) -> usize {
        self.spare.bytes()
    }

    /// Returns where the memory lies for which the system took the request for huge pages.
    pub(in crate::lpm) fn advised(&self) -> Vec<Range<usize>> {
        [self.roots.advised(), self.blocks.advised()].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::forest::block::FIRST_VALUE;
    use super::super::super::forest::line::{Format, LINE, LINED, RUN_SHIFT, Run, answer_line};
    use super::super::super::forest::pairs::LAST;
    use super::super::super::table::NO_ROUTE;
    use super::super::assembly::{Assembly, Ground};
    use super::super::part::{LEAF, PAGE, Part, Piece, page_entry};
    use super::*;

    const DENSE: Shape = Shape { kind: Kind::Dense, bits: 18, page_bits: 0, first: 0, len: 0 };
    const SPARSE: Shape = Shape { kind: Kind::Sparse, ..DENSE };

    fn refused(shape: Shape, part: &Part) -> StoreError {
        let shape = Shape { len: part.slots.len() as u32 - 1, ..shape };
        Piece::default().push::<u32>((shape, 1, 2), 0, part).expect_err("a broken part")
    }

    #[test]
    fn a_part_that_leads_outside_is_refused() {
        let part = |slots: Vec<u32>, blocks: Vec<u8>| Part { slots, pages: vec![], blocks };
        let block = |bitmap: u64, rest: &[u8]| [&bitmap.to_le_bytes()[..], rest].concat();
        for part in [
            part(vec![LEAF + 66], vec![]),
            part(vec![LEAF + 63], vec![]),
            part(vec![LINED + 64], vec![]),
            part(vec![PAGE], vec![0; 64]),
            part(vec![page_entry(0, 1)], vec![0; 64]),
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
            part(vec![0], [&block(1, &[0, 13, 0, 0, 0x40])[..], &block(1, &[64])].concat()),
        ] {
            assert!(matches!(refused(DENSE, &part), StoreError::Broken(_)), "{part:?}");
        }
    }

    #[test]
    fn a_sparse_part_that_leads_outside_is_refused() {
        let part = |slots: Vec<u32>, pages: Vec<u32>, blocks: Vec<u8>| Part { slots, pages, blocks };
        let leaf = LINED + 64;
        let [_, two, long] = Format::ALL;
        let entry = |run: u32, slot, format: Format, line| Run::of(run).entry(slot, format, line);
        let one = |format, line| entry(1, 0, format, line);
        let fan = one(two, 0) & !(15 << RUN_SHIFT);
        let wide = |line| one(two, line) & !(3 << 24);
        // A line with a two-byte boundary, and one with as many codes as fit.
        let line = |codes: &[u8]| {
            let mut line = answer_line(64, 1);
            line[..2].copy_from_slice(&[1, 0]);
            line[LINE - codes.len()..].copy_from_slice(codes);
            line.to_vec()
        };
        let separators = [&[1, 0][..], &[u8::MAX; LINE - 2]].concat();
        // A fan of IPv4 has room for a separator more than it may have.
        let crowded = |fan: [u8; LINE]| [&fan[..], &line(&[65, 64]).repeat(33)].concat();
        let mut crowd = [0; LINE];
        crowd[LINE - 2..].fill(u8::MAX);
        let full = |code: u8| [&[0; 42][..], &[code], &[64; 21]].concat();
        let list = |head: &[u8]| {
            let mut list = head.to_vec();
            list.resize(LINE, 64);
            list
        };
        let good_list = list(&[0x80, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 64, 65]);
        for good in [
            part(vec![page_entry(0, 1), one(two, 0)], vec![page_entry(2, 1), leaf, leaf, leaf], line(&[65, 64])),
            part(vec![entry(3, 0, two, 0), entry(3, 1, two, 0), entry(3, 2, two, 0), leaf], vec![], line(&[65, 64])),
            part(vec![fan, leaf], vec![], [separators.clone(), line(&[65, 64]), line(&[65, 64])].concat()),
            part(vec![fan, leaf], vec![], crowded(crowd)),
            part(vec![one(two, 0), leaf], vec![], full(65)),
            part(vec![wide(0), leaf], vec![], good_list.clone()),
        ] {
            let shape = Shape { len: good.slots.len() as u32 - 1, ..SPARSE };
            assert_eq!(Piece::default().push::<u32>((shape, 1, 2), 0, &good), Ok(()), "{good:?}");
        }
        for part in [
            part(vec![LINED + 66], vec![], vec![]),
            part(vec![LINED + 63], vec![], vec![]),
            part(vec![LEAF + 64], vec![], vec![]),
            part(vec![0], vec![], line(&[65, 64])),
            part(vec![one(two, 0)], vec![], vec![]),
            part(vec![one(two, 1)], vec![], line(&[65, 64])),
            part(vec![one(two, 0)], vec![], line(&[65, 64])[..LINE - 1].to_vec()),
            part(vec![one(two, 0)], vec![], line(&[66, 64])),
            part(vec![one(two, 0)], vec![], line(&[64, 63])),
            part(vec![one(two, 0)], vec![], full(66)),
            part(vec![one(long, 0)], vec![], [&[0; 51][..], &[66], &[64; 12]].concat()),
            // A fan without one of its lines, and one with a wrong line.
            part(vec![fan], vec![], [separators.clone(), line(&[65, 64])].concat()),
            part(vec![fan], vec![], [separators.clone(), line(&[65, 64]), line(&[66, 64])].concat()),
            part(vec![fan], vec![], crowded([0; LINE])),
            // Wide lists that end nowhere, have no such head or codes, or serve several slots.
            part(vec![wide(0)], vec![], list(&[0x80, 255, 255, 255, 255])),
            part(vec![wide(0)], vec![], list(&[0x80, 9])),
            part(vec![wide(0)], vec![], list(&[0x82, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 64, 65])),
            part(vec![wide(0)], vec![], list(&[0x80, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 64, 66])),
            part(vec![wide(0)], vec![], list(&[0x80, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 63, 64])),
            part(vec![wide(0) + Run::NEXT], vec![], good_list),
            // A page that ends too late, one that decides nothing, one that is its own slot, one too deep.
            part(vec![page_entry(0, 1)], vec![leaf], vec![]),
            part(vec![page_entry(0, 0)], vec![leaf], vec![]),
            part(vec![page_entry(0, 1)], vec![page_entry(0, 1), leaf], vec![]),
            part(vec![page_entry(0, 12), leaf], [page_entry(4096, 3), leaf].repeat(2048 + 4), vec![]),
            part(vec![page_entry(0, 13)], vec![leaf; 1 << 13], vec![]),
            // Two slots with one page, or with one line and no run; runs that begin later, or go on elsewhere.
            part(vec![page_entry(0, 1), page_entry(0, 1)], vec![leaf, leaf], vec![]),
            part(vec![one(two, 0), one(two, 0)], vec![], line(&[65, 64])),
            part(vec![entry(2, 1, two, 0)], vec![], line(&[65, 64])),
            part(vec![entry(2, 0, two, 0), entry(2, 0, two, 0)], vec![], line(&[65, 64])),
            part(vec![entry(4, 0, two, 0), entry(4, 2, two, 0)], vec![], line(&[65, 64])),
            part(vec![entry(2, 0, two, 0), leaf, entry(2, 1, two, 0)], vec![], line(&[65, 64])),
            part(vec![entry(2, 0, two, 0), entry(2, 1, long, 0)], vec![], line(&[65, 64])),
        ] {
            assert!(matches!(refused(SPARSE, &part), StoreError::Broken(_)), "{part:?}");
        }
    }

    #[test]
    fn halves_that_lead_outside_are_refused() {
        let shape = |kind, part: &Part, width| {
            let slots = if kind == Kind::Short { 1 } else { part.slots.len() as u32 - 1 };
            (Shape { kind, len: slots, ..DENSE }, width, 2)
        };
        let pushed = |kind, width, part: &Part| Piece::default().push::<u32>(shape(kind, part, width), 0, part);
        let halves = |width, slots: &[u32], blocks: &[u8]| {
            let part = Part { slots: [slots, &[LEAF + LINED + 64]].concat(), pages: vec![], blocks: blocks.to_vec() };
            pushed(Kind::Halved, width, &part)
        };
        let short_of =
            |width, blocks: &[u8]| pushed(Kind::Short, width, &Part { blocks: blocks.to_vec(), ..Part::default() });
        let short = |blocks: &[u8]| short_of(1, blocks);
        // Lower entry, bitmaps, upper entry; with a child in place of one; with entries of two bytes.
        let node = [64, 1, 0, 0, 0, 1, 0, 0, 0, 65];
        let parent = [0, 1, 0, 0, 0, 1, 0, 0, 0, 65, 3, 0];
        let wide = [64, 0x80, 1, 0, 0, 0, 1, 0, 0, 0, 65, 0x80];
        assert_eq!(halves(1, &[1], &node), Ok(()));
        assert_eq!(halves(1, &[1], &[&parent[..], &node].concat()), Ok(()));
        assert_eq!(halves(2, &[2], &wide), Ok(()));
        assert_eq!(halves(2, &[2], &[&[3, 0], &wide[2..], &wide].concat()), Ok(()));
        assert_eq!(short(&[65, 0x80, 64, 0x80]), Ok(()));
        assert_eq!(short_of(2, &[64, 0x80, 65, 0x80]), Ok(()));
        assert_eq!(short_of(2, &[&[3, 0, 64, 0x80][..], &wide].concat()), Ok(()));
        assert_eq!(short(&[&[3, 0, 64, 0x80, 0][..], &node].concat()), Ok(()));
        let broken = [
            // Before, beyond, with half of it missing, its own child, an earlier node's, two slots with one node.
            halves(1, &[0], &node),
            halves(1, &[2], &node),
            halves(1, &[1], &node[..9]),
            halves(1, &[1], &[0, 1, 0, 0, 0, 1, 0, 0, 0, 65, 0, 0]),
            halves(1, &[1], &[0, 1, 0, 0, 0, 1, 0, 0, 0, 65, 2, 0, 0, 0]),
            halves(1, &[1, 1], &node),
            // No run at a half's first slot, codes beyond the dictionary, a child without its distance.
            halves(1, &[1], &[64, 2, 0, 0, 0, 1, 0, 0, 0, 65]),
            halves(1, &[1], &[64, 1, 0, 0, 0, 0, 0, 0, 0, 65]),
            halves(1, &[1], &[66, 1, 0, 0, 0, 1, 0, 0, 0, 65]),
            halves(1, &[1], &[64, 1, 0, 0, 0, 1, 0, 0, 0, 66]),
            halves(1, &[1], &parent[..10]),
            // Two entries that name one child, and a child that none names.
            halves(1, &[1], &[&[0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 3, 0][..], &node].concat()),
            halves(1, &[1], &[&[1, 1, 0, 0, 0, 1, 0, 0, 0, 65, 4, 0, 4, 0][..], &[0], &node].concat()),
            halves(2, &[2], &[66, 0x80, 1, 0, 0, 0, 1, 0, 0, 0, 65, 0x80]),
            halves(2, &[2], &[63, 0x80, 1, 0, 0, 0, 1, 0, 0, 0, 65, 0x80]),
            halves(2, &[2], &[9, 0, 1, 0, 0, 0, 1, 0, 0, 0, 65, 0x80]),
            halves(4, &[4], &[0; 32]),
            halves(1, &[LEAF + LINED + 66], &node),
            halves(1, &[LINED + 64], &node),
            halves(1, &[LEAF + 64], &node),
            // Short: a root that ends too early, codes beyond the dictionary, a node in the root or beyond, slots beside it.
            short(&[64, 0x80, 64]),
            short(&[66, 0x80, 64, 0x80]),
            short(&[64, 0x80, 63, 0x80]),
            short(&[&[1, 0, 64, 0x80, 0][..], &node].concat()),
            short(&[&[9, 0, 64, 0x80, 0][..], &node].concat()),
            pushed(Kind::Short, 1, &Part { slots: vec![LEAF + LINED + 64], blocks: vec![64; 4], pages: vec![] }),
            short_of(2, &[66, 0x80, 64, 0x80]),
            short_of(2, &[&[3, 0, 64, 0x80][..], &wide[..11]].concat()),
            short_of(2, &[&[3, 0, 64, 0x80][..], &[66], &wide[1..]].concat()),
            short_of(2, &[&[3, 0, 64, 0x80][..], &[9, 0], &wide[2..]].concat()),
            short_of(4, &[64, 0x80, 65, 0x80]),
        ];
        for (index, refused) in broken.into_iter().enumerate() {
            assert!(matches!(refused, Err(StoreError::Broken(_))), "{index}: {refused:?}");
        }
    }

    #[test]
    fn pairs_that_lead_outside_are_refused() {
        let pushed = |width, slots: u32, blocks: &[u8]| {
            let shape = Shape { kind: Kind::Paired, len: slots, ..DENSE };
            let part = Part { blocks: blocks.to_vec(), ..Part::default() };
            Piece::default().push::<u32>((shape, width, 2), 0, &part)
        };
        let pair = |bitmap: u32, first: u32| [bitmap.to_le_bytes(), first.to_le_bytes()].concat();
        let answer = |code| pair(0, LAST | code);
        let table = |pairs: &[Vec<u8>], codes: &[u8]| [&pairs.concat(), codes].concat();
        // A root of one slot with codes behind it, and of one with two children, the second of which has codes.
        let codes = [pair(0x11, LAST | 16), answer(64)];
        let parent = [pair(0x101, 2), answer(64), answer(65), pair(3, LAST | 32)];
        assert_eq!(pushed(1, 1, &table(&codes, &[64, 65])), Ok(()));
        assert_eq!(pushed(1, 1, &table(&parent, &[64, 65])), Ok(()));
        assert_eq!(pushed(2, 1, &table(&[pair(3, LAST | 8), answer(64)], &[64, 0, 65, 0])), Ok(()));
        assert_eq!(pushed(1, 0, &answer(65)), Ok(()));
        let child =
            |bitmap, first| table(&[pair(bitmap, first), answer(64), answer(65), pair(3, LAST | 32)], &[64, 65]);
        let broken = [
            // No root, half of one, codes beyond the dictionary, before, behind the end.
            pushed(1, 1, &answer(64)),
            pushed(1, 1, &table(&codes, &[])[..15]),
            pushed(1, 0, &answer(66)),
            pushed(1, 0, &answer(63)),
            pushed(1, 1, &table(&codes, &[64, 66])),
            pushed(1, 1, &table(&codes, &[63, 64])),
            pushed(1, 1, &table(&codes, &[64])),
            pushed(1, 1, &table(&[pair(1, LAST | (LAST - 1)), answer(64)], &[64, 65])),
            pushed(2, 1, &table(&[pair(3, LAST | 9), answer(64)], &[64, 0, 65, 0])),
            // No run at the first slot; a child that is its parent, beyond, not there to the end, or one of two parents.
            pushed(1, 1, &table(&[pair(0x12, LAST | 16), answer(64)], &[64, 65])),
            pushed(1, 1, &child(0x100, 2)),
            pushed(1, 1, &child(0, 2)),
            pushed(1, 1, &child(0x101, 0)),
            pushed(1, 1, &child(0x101, 1)),
            pushed(1, 1, &child(0x101, 9)),
            pushed(1, 1, &child(0x111, 3)),
            pushed(1, 2, &table(&[pair(3, 3), pair(3, 3), answer(64), answer(64), answer(65)], &[])),
            // Pages, slots beside it, codes too wide, too many slots.
            pushed(4, 0, &answer(64)),
            Piece::default().push::<u32>(
                (Shape { kind: Kind::Paired, page_bits: 6, ..DENSE }, 1, 2),
                0,
                &Part { blocks: answer(64), ..Part::default() },
            ),
            Piece::default().push::<u32>(
                (Shape { kind: Kind::Paired, ..DENSE }, 1, 2),
                0,
                &Part { blocks: answer(64), slots: vec![LEAF + LINED + 64], pages: vec![] },
            ),
            pushed(1, (1 << 20) + 1, &answer(64).repeat((1 << 20) + 2)),
        ];
        for (index, refused) in broken.into_iter().enumerate() {
            assert!(matches!(refused, Err(StoreError::Broken(_))), "{index}: {refused:?}");
        }
        // Pairs below the last bit: a chain of single children.
        let chain = |last: u32| {
            let chain: Vec<_> = (0..last).map(|at| if at == 0 { pair(1, 2) } else { pair(1, at + 2) }).collect();
            let pairs = [&chain[..1], &[answer(64)], &chain[1..], &[pair(1, LAST | (8 * (last + 2)))]].concat();
            pushed(1, 1, &table(&pairs, &[64]))
        };
        assert_eq!(chain(2), Ok(()));
        assert!(matches!(chain(3), Err(StoreError::Broken(_))));
    }

    #[test]
    fn a_table_needs_its_dictionary_and_its_slots() {
        let shape = Shape { len: 1, ..DENSE };
        let part = Part { slots: vec![LEAF + 64, LEAF + 65], ..Part::default() };
        let mut values = vec![NO_ROUTE; FIRST_VALUE as usize + 1];
        let assemble = |values: &[u32], starts: &[u32]| {
            let mut piece = Piece::default();
            piece.push::<u32>((shape, 1, 2), 0, &part).expect("two leaves");
            let mut ground = Ground::of([&piece].into_iter(), false)?;
            let mut assembly = Assembly::new(&mut ground);
            assembly.place(piece, starts, values.len())?.fill();
            Ok(assembly.finish().store::<u32>(ground, values.to_vec()).tables())
        };
        assert!(matches!(assemble(&values, &[0]), Err(StoreError::Broken(_))));
        values.push(7);
        assert_eq!(assemble(&values, &[0]), Ok(1));
        assert!(matches!(assemble(&values, &[]), Err(StoreError::Broken(_))));
        assert!(matches!(assemble(&values, &[1]), Err(StoreError::Broken(_))));
        let short = Part { slots: vec![LEAF + 64], ..Part::default() };
        assert!(Piece::default().push::<u32>((shape, 1, 2), 0, &short).is_err());
    }

    #[test]
    fn a_header_is_half_a_line() {
        assert_eq!(size_of::<Header>(), 32);
    }
}
