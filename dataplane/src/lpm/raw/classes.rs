//! [`Classes`]: how a mixed batch walks each table.

use super::super::forest::shape::Kind;
use super::super::table::TableId;
use super::brief::Briefs;
use super::deal::ClassMap;
use super::store::Header;

/// What tables have in common that are walked together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A brief tells of them.
    Brief,
    /// They are of one kind.
    Of(Kind),
    /// It is one table by itself.
    Own(TableId),
}

/// The class of each table of a store that has others than sparse ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Classes {
    /// The number of each table's class, and of the last header's for ids beyond. That of no store if all tables are sparse.
    numbers: ClassMap,
    /// Tables that are a class by themselves.
    own: Vec<TableId>,
}

/// Tables that may be a class by themselves: the biggest that no brief tells of, since a mix is mostly of the full table of the internet and
/// many small ones.
const MOST_OWN: usize = 4;
/// Slots of the root from which on a table may be one.
const OWN_SLOTS: u32 = 1 << 12;
/// The number of the first table that is one, and of the first kind; briefs have 0.
const FIRST_OWN: u8 = FIRST_KIND + Kind::ALL.len() as u8;
const FIRST_KIND: u8 = 1;

impl Classes {
    /// Returns those of all tables with these headers and briefs.
    pub(super) fn all(headers: &[Header], briefs: &Briefs) -> Self {
        if headers.iter().all(|header| header.kind() == Kind::Sparse) {
            return Self::default();
        }
        let is_big = |&(header, at): &(&Header, u32)| header.len >= OWN_SLOTS && !briefs.tell(at as usize);
        let mut own: Vec<_> = headers.iter().zip(0..).filter(is_big).map(|(header, at)| (header.len, at)).collect();
        own.sort_unstable_by_key(|&(len, at)| (std::cmp::Reverse(len), at));
        own.truncate(MOST_OWN);
        let own: Vec<TableId> = own.into_iter().map(|(_, at)| TableId(at)).collect();
        let mut numbers = ClassMap::new(headers.len() - 1, 0);
        for (at, header) in headers.iter().enumerate() {
            numbers.set(at, number(at, header, briefs));
        }
        for (number, table) in (FIRST_OWN..).zip(&own) {
            numbers.set(table.index(), number);
        }
        Self { numbers, own }
    }

    /// Takes in that the table at `index` has another header; it is still a class by itself if it was.
    pub(super) fn update(&mut self, index: usize, headers: &[Header], briefs: &Briefs) {
        match self.numbers.get(index) {
            None if headers[index].kind() != Kind::Sparse => *self = Self::all(headers, briefs),
            Some(of) if of < FIRST_OWN => self.numbers.set(index, number(index, &headers[index], briefs)),
            _ => {}
        }
    }

    /// Returns the number of each table's class, and of ids beyond; the map of no store if all are sparse.
    pub(super) fn numbers(&self) -> &ClassMap {
        &self.numbers
    }

    /// Returns the class with a number.
    pub(super) fn class(&self, number: u8) -> Class {
        match number.checked_sub(FIRST_OWN) {
            Some(own) => Class::Own(self.own[usize::from(own)]),
            None if number == 0 => Class::Brief,
            None => Class::Of(Kind::ALL[usize::from(number - FIRST_KIND)]),
        }
    }

    /// Returns the bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.numbers.bytes() + size_of_val(&self.own[..])
    }
}

/// Returns the number of the class of a table that is none by itself.
fn number(index: usize, header: &Header, briefs: &Briefs) -> u8 {
    if briefs.tell(index) { 0 } else { FIRST_KIND + header.kind() as u8 }
}
