//! [`Briefs`]: of short tables what a walk needs of their headers, in eight bytes each.

use super::super::forest::shape::{BEGIN, BRIEF_FIRST_BITS, BRIEF_SLOTS, Kind};
use super::assembly::NOTHING;
use super::store::Header;

/// All that a walk needs of a short table but for its dictionary, in eight bytes that vectors load as two numbers: a mixed batch over
/// thousands of tables then has their headers in the first cache.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(8))]
pub(super) struct Brief {
    /// Where the table begins, a multiple of [`BEGIN`], and in the bits below by how many the first 32 bits of a key are shifted to be a
    /// slot.
    pub(super) begin_shift: u32,
    /// Number of slots, and from bit 14 on the first bits of the first slot's first address.
    pub(super) len_first: u32,
}

impl Brief {
    /// That of a table of which eight bytes do not tell all: one slot without an answer.
    const NOTHING: Self = Self { begin_shift: NOTHING as u32 | 1, len_first: 0 };

    /// Returns whether this is a table's.
    fn tells(self) -> bool {
        self.begin_shift != Self::NOTHING.begin_shift
    }

    /// Returns that of a table, if eight bytes tell all of it.
    fn of(header: &Header) -> Option<Self> {
        if header.kind() != Kind::Short {
            return None;
        }
        let shift = header.shift.checked_sub(32).filter(|&shift| shift > 0 && usize::from(shift) < BEGIN)?;
        let start = header.first << shift;
        let fits = header.len <= BRIEF_SLOTS && start.is_multiple_of(1 << (32 - BRIEF_FIRST_BITS));
        let begin = header.root * BEGIN as u32;
        fits.then_some(Self { begin_shift: begin | u32::from(shift), len_first: start as u32 | header.len })
    }
}

/// The briefs of a store's tables.
#[derive(Clone, Debug, Default)]
pub(super) struct Briefs {
    /// By table, that of the last header included; none if no table is short.
    list: Vec<Brief>,
    /// By table: where its dictionary begins; none if that is the first dictionary for all of which briefs tell.
    dictionaries: Vec<u32>,
    /// The bytes of an entry in the nodes of all tables of which one tells.
    width: u8,
}

impl Briefs {
    /// Returns those of all tables with these headers, or none if none is short.
    pub(super) fn all(headers: &[Header]) -> Self {
        let short = || headers.iter().filter(|header| header.kind() == Kind::Short);
        let (count, wide) = (short().count(), short().filter(|header| header.width > 1).count());
        if count == 0 {
            return Self::default();
        }
        let width = if 2 * wide > count { 2 } else { 1 };
        let brief = |header: &Header| Brief::of(header).filter(|_| header.width == width).unwrap_or(Brief::NOTHING);
        let list = headers.iter().map(brief).collect();
        let have_first = short().all(|header| header.dictionary == 0);
        let dictionaries =
            if have_first { Vec::new() } else { headers.iter().map(|header| header.dictionary).collect() };
        Self { list, dictionaries, width }
    }

    /// Has the brief of the table at `index`, which is not short any more, tell nothing.
    pub(super) fn forget(&mut self, index: usize) {
        if let Some(brief) = self.list.get_mut(index) {
            *brief = Brief::NOTHING;
        }
    }

    /// Returns the bytes of an entry in the nodes of the tables of which a brief tells: 1 or 2.
    pub(super) fn width(&self) -> usize {
        usize::from(self.width)
    }

    /// Returns the bytes held.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.list[..]) + size_of_val(&self.dictionaries[..])
    }

    /// Returns whether there are briefs.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns whether the brief of the table at `index` tells something, of the last one for an index beyond.
    pub(super) fn tell(&self, index: usize) -> bool {
        self.list.get(index.min(self.list.len().wrapping_sub(1))).is_some_and(|brief| brief.tells())
    }

    /// Returns them by table.
    pub(super) fn list(&self) -> &[Brief] {
        &self.list
    }

    /// Returns where the dictionary of each table begins, or none if that is the first for all of which briefs tell.
    pub(super) fn dictionaries(&self) -> &[u32] {
        &self.dictionaries
    }

    /// Returns where the dictionary of the table at `index` begins if a brief tells of it.
    #[inline]
    pub(super) fn dictionary(&self, index: usize) -> u32 {
        self.dictionaries.get(index).copied().unwrap_or(0)
    }
}
