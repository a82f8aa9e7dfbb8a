//! Changes of one prefix of one table, without building the table anew.
//!
//! A [`MatchForest`] knows of every address how long its match is, and two prefixes of one length do not overlap. So the
//! forest itself tells which addresses a prefix answers: those in it with a match of its length. An insertion repaints
//! the ranges within the prefix whose match is not longer, a removal those whose match is the prefix; what the removed
//! prefix had hidden is the one thing that no table of answers knows, so the caller names it.

use std::collections::HashMap;

use vrfleak_engine::{Address, Prefix};

use super::super::raw::{PAGE, Place, StoreError};
use super::super::table::{Match, NO_ROUTE, TableId};
use super::super::tables::BuildError;
use super::MatchForest;
use super::block::FIRST_VALUE;
use super::build::{answer, refusal};
use super::dictionary::{Answer, CodeMap, MISS, width_for};
use super::part::PartWriter;
use super::ranges::Ranges;
use super::read::Reader;
use super::shape::{Shape, aligned};

/// What a change of a prefix has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Root slots, or slots of a page, that were made anew; 0 if no address has another answer.
    pub slots: usize,
    /// Bytes written.
    pub bytes: usize,
    /// Whether the table was built anew as a whole: the prefix reaches beyond the root's slots or contains address 0, or
    /// the table had no code for another answer.
    pub whole: bool,
}

/// What changes keep from one to the next.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// By table that was changed: its codes.
    codes: HashMap<TableId, Codes>,
}

impl Changes {
    /// Returns about how many bytes they hold.
    pub(super) fn bytes(&self) -> usize {
        self.codes.values().map(|codes| codes.map.bytes() + size_of::<Codes>()).sum()
    }
}

/// The codes of a changed table, which has a dictionary of its own from then on.
#[derive(Debug)]
struct Codes {
    map: CodeMap,
    /// Codes that the table's place among the values has room for.
    room: u32,
}

/// The slots of one table that a change is about.
struct Site {
    place: Place,
    /// Leading bits that number the slots, and the number of the first.
    bits: u8,
    first: u64,
    count: u32,
    /// Bits of the pages that these slots may have.
    page_bits: u8,
}

impl Site {
    /// Returns the last address of the slots.
    fn last<A: Address>(&self) -> A {
        let behind = u128::from(self.first) + u128::from(self.count);
        // Wraps around to the last address of all behind the last slot of all.
        A::narrow((behind << (128 - u32::from(self.bits))).wrapping_sub(1) >> (128 - u32::from(A::BITS)))
    }
}

impl<A: Address> MatchForest<A> {
    /// Adds the route of `prefix` to `table`, or gives it another value.
    ///
    /// The cost is that of the root slots or page slots that the prefix touches: reading their ranges, writing them
    /// again. O(table) where [`Change::whole`] says so.
    ///
    /// # Errors
    /// Returns [`BuildError::ReservedValue`] for [`NO_ROUTE`], [`BuildError::NoTable`] for a table that the forest does
    /// not have, and [`BuildError::TooBig`]; the answers are the old ones then.
    pub fn insert(&mut self, table: TableId, prefix: Prefix<A>, value: u32) -> Result<Change, BuildError> {
        if value == NO_ROUTE {
            return Err(BuildError::ReservedValue { table, prefix: prefix.to_string() });
        }
        let len = prefix.len();
        self.paint(table, prefix, answer(value, len), |found| found.is_none_or(|found| found <= len))
    }

    /// Removes the route of `prefix` from `table`. `cover` is the match that its addresses have without it and without
    /// longer routes: the longest prefix of the table that contains `prefix` and is shorter.
    ///
    /// The cost is that of [`Self::insert`]. Without such a route nothing changes.
    ///
    /// # Errors
    /// As [`Self::insert`], and [`BuildError::LongCover`] if `cover` is not shorter than `prefix`.
    pub fn remove(&mut self, table: TableId, prefix: Prefix<A>, cover: Option<Match>) -> Result<Change, BuildError> {
        let len = prefix.len();
        let answer = match cover {
            None => MISS,
            Some(Match { value: NO_ROUTE, .. }) => {
                return Err(BuildError::ReservedValue { table, prefix: prefix.to_string() });
            }
            Some(cover) if cover.len >= len => {
                return Err(BuildError::LongCover { prefix: prefix.to_string(), cover: cover.len });
            }
            Some(cover) => answer(cover.value, cover.len),
        };
        self.paint(table, prefix, answer, |found| found == Some(len))
    }

    /// Returns the bytes that changes have left unused: they are taken for later changes.
    pub fn free_bytes(&self) -> usize {
        self.forest.store.free_bytes()
    }

    /// Gives the addresses of `prefix` whose match has a length that `hit` accepts another answer.
    fn paint(
        &mut self,
        table: TableId,
        prefix: Prefix<A>,
        answer: Answer,
        hit: impl Fn(Option<u8>) -> bool,
    ) -> Result<Change, BuildError> {
        let store = &self.forest.store;
        let (shape, ..) = store.describe(table).ok_or(BuildError::NoTable { table, tables: store.tables() })?;
        let Some(code) = self.code(table, answer).map_err(refusal::<A>)? else {
            return self.repaint(table, prefix, answer, hit);
        };
        let Some(site) = self.site(table, shape, prefix) else {
            return self.repaint(table, prefix, answer, hit);
        };
        let Some((_, width, dictionary, _)) = self.forest.store.describe(table) else { return Ok(Change::default()) };
        let mut ranges = Ranges::new();
        self.read(table, &site, &mut ranges);
        let hit = |code: u32| hit(self.len_of(dictionary, code));
        if !ranges.paint(prefix, site.last(), code, hit) {
            return Ok(Change::default());
        }
        let mut writer = PartWriter::new();
        let slots = (site.first, site.count, site.bits, site.page_bits);
        let part = writer.part(slots, width, ranges.list());
        let bytes = self.forest.store.patch(table, site.place, part).map_err(refusal::<A>)?;
        Ok(Change { slots: site.count as usize, bytes, whole: false })
    }

    /// Returns the length of the match that `code` stands for.
    fn len_of(&self, dictionary: u32, code: u32) -> Option<u8> {
        (code != FIRST_VALUE).then(|| self.lens[(dictionary + code) as usize])
    }

    /// Returns the slots that `prefix` touches, or `None` if it reaches beyond the root's, or to the address whose answer
    /// they have in common with what is outside.
    fn site(&self, table: TableId, shape: Shape, prefix: Prefix<A>) -> Option<Site> {
        let number = |address: A, bits: u8| (aligned(address) >> (128 - u32::from(bits))) as u64;
        let (low, high) = (number(prefix.bits(), shape.bits), number(prefix.last(), shape.bits));
        let all = shape.first == 0 && u64::from(shape.len) == 1 << shape.bits;
        if low < shape.first || high >= shape.first + u64::from(shape.len) || (prefix.bits() == A::ZERO && !all) {
            return None;
        }
        let from = (low - shape.first) as u32;
        if low == high && shape.page_bits > 0 {
            let entry = self.forest.store.entries(table, Place::Slots { from }, 1)?.first()?;
            if entry & PAGE != 0 {
                let bits = shape.inner_bits();
                let (first, last) = (number(prefix.bits(), bits), number(prefix.last(), bits));
                let inner = first as u32 & ((1 << shape.page_bits) - 1);
                let place = Place::Page { slot: from, from: inner };
                return Some(Site { place, bits, first, count: (last - first) as u32 + 1, page_bits: 0 });
            }
        }
        let count = (high - low) as u32 + 1;
        Some(Site { place: Place::Slots { from }, bits: shape.bits, first: low, count, page_bits: shape.page_bits })
    }

    /// Appends the ranges of the slots.
    fn read(&self, table: TableId, site: &Site, ranges: &mut Ranges<A>) {
        let store = &self.forest.store;
        let (Some((_, width, ..)), Some(entries)) =
            (store.describe(table), store.entries(table, site.place, site.count as usize))
        else {
            return;
        };
        let reader = Reader { nodes: store.nodes(), width };
        for (slot, &entry) in entries.iter().enumerate() {
            let number = site.first + slot as u64;
            let start = u128::from(number) << (128 - u32::from(site.bits));
            if entry & PAGE == 0 {
                // A block under a root with pages is a leaf, which begins anywhere; a list begins at the slot.
                reader.node(entry, u32::from(site.bits), start, ranges);
                continue;
            }
            let bits = site.bits + site.page_bits;
            let Place::Slots { from } = site.place else { continue };
            let place = Place::Page { slot: from + slot as u32, from: 0 };
            for (inner, &entry) in
                store.entries(table, place, 1 << site.page_bits).unwrap_or_default().iter().enumerate()
            {
                reader.node(entry, u32::from(bits), start | (inner as u128) << (128 - u32::from(bits)), ranges);
            }
        }
    }

    /// Builds the whole table anew from its ranges, those of `prefix` painted.
    fn repaint(
        &mut self,
        table: TableId,
        prefix: Prefix<A>,
        painted: Answer,
        hit: impl Fn(Option<u8>) -> bool,
    ) -> Result<Change, BuildError> {
        let mut ranges = self.all_ranges(table);
        let Some((_, _, dictionary, codes)) = self.forest.store.describe(table) else { return Ok(Change::default()) };
        // Answers in the order of their codes, then the new one.
        let answers: Vec<Answer> = (0..codes)
            .map(|code| {
                let code = code + FIRST_VALUE;
                let value = self.forest.store.value((dictionary + code) as usize);
                self.len_of(dictionary, code).map_or(MISS, |len| answer(value, len))
            })
            .chain([painted])
            .collect();
        if !ranges.paint(prefix, A::MAX, FIRST_VALUE + codes, |code| hit(self.len_of(dictionary, code))) {
            return Ok(Change::default());
        }
        // A dictionary of the answers in use alone, with room for half as many more.
        let mut map = CodeMap::new();
        let mut used = vec![MISS];
        map.get_or_insert(MISS, FIRST_VALUE);
        let recoded: Vec<u32> = {
            let mut recoded = vec![0; answers.len()];
            for range in ranges.list() {
                let index = (range.code - FIRST_VALUE) as usize;
                let next = FIRST_VALUE + used.len() as u32;
                recoded[index] = map.get_or_insert(answers[index], next);
                if recoded[index] == next {
                    used.push(answers[index]);
                }
            }
            recoded
        };
        ranges.recode_from(FIRST_VALUE, &recoded);
        let count = used.len() as u32;
        // A table that was changed before has a place of its own, which may be big enough.
        let own = self.changes.codes.get(&table).map_or(0, |codes| codes.room);
        let room = if count <= own { own } else { count + count / 2 + 16 };
        let width = width_for(room as usize);
        let start = if count <= own { dictionary } else { self.place_dictionary(&used, room) };
        let (shape, dense) = Shape::choose(ranges.list(), width);
        let mut writer = PartWriter::new();
        let part = writer.table(shape, dense, width, ranges.list());
        let bytes = self.forest.store.replace(table, (shape, width, count), start, part).map_err(refusal::<A>)?;
        if count <= own {
            for (index, &answer) in (start as usize + FIRST_VALUE as usize..).zip(&used) {
                self.forest.store.set_value(index, answer as u32);
                self.lens[index] = if answer == MISS { 0 } else { (answer >> 32) as u8 };
            }
        }
        self.changes.codes.insert(table, Codes { map, room });
        Ok(Change { slots: shape.len as usize, bytes, whole: true })
    }

    /// Returns the ranges of the whole table.
    fn all_ranges(&self, table: TableId) -> Ranges<A> {
        let mut ranges = Ranges::new();
        let store = &self.forest.store;
        let Some((shape, width, ..)) = store.describe(table) else { return ranges };
        let reader = Reader { nodes: store.nodes(), width };
        let outside = store.entries(table, Place::Slots { from: shape.len }, 1).and_then(<[u32]>::first);
        let begin = |ranges: &mut Ranges<A>, number: u64| {
            if let Some(&entry) = outside
                && number >> shape.bits == 0
            {
                reader.node(entry, 127, u128::from(number) << (128 - u32::from(shape.bits)), ranges);
            }
        };
        if shape.first > 0 || shape.len == 0 {
            begin(&mut ranges, 0);
        }
        let Shape { bits, page_bits, first, len } = shape;
        self.read(table, &Site { place: Place::Slots { from: 0 }, bits, first, count: len, page_bits }, &mut ranges);
        if len > 0 {
            begin(&mut ranges, first + u64::from(len));
        }
        ranges
    }

    /// Returns the table's code of `answer`, new if need be, or `None` if no further code fits its width.
    fn code(&mut self, table: TableId, answer: Answer) -> Result<Option<u32>, StoreError> {
        let Some((_, width, dictionary, codes)) = self.forest.store.describe(table) else { return Ok(None) };
        if answer == MISS {
            return Ok(Some(FIRST_VALUE));
        }
        let (store, lens) = (&self.forest.store, &self.lens);
        let known = self.changes.codes.entry(table).or_insert_with(|| {
            let mut map = CodeMap::new();
            map.get_or_insert(MISS, FIRST_VALUE);
            for code in FIRST_VALUE + 1..FIRST_VALUE + codes {
                let index = (dictionary + code) as usize;
                map.get_or_insert(self::answer(store.value(index), lens[index]), code);
            }
            Codes { map, room: 0 }
        });
        let found = known.map.get(answer);
        if found != 0 {
            return Ok(Some(found));
        }
        if width_for(codes as usize + 1) > width {
            return Ok(None);
        }
        let code = FIRST_VALUE + codes;
        known.map.get_or_insert(answer, code);
        let (value, len) = (answer as u32, (answer >> 32) as u8);
        if codes < known.room {
            let index = (dictionary + code) as usize;
            self.forest.store.set_value(index, value);
            self.lens[index] = len;
            self.forest.store.set_dictionary(table, dictionary, codes + 1)?;
        } else {
            let room = codes + codes / 2 + 16;
            known.room = room;
            let mut answers: Vec<Answer> = (FIRST_VALUE..code)
                .map(|code| (dictionary + code) as usize)
                .map(|index| self::answer(self.forest.store.value(index), self.lens[index]))
                .collect();
            answers.push(answer);
            let start = self.place_dictionary(&answers, room);
            self.forest.store.set_dictionary(table, start, codes + 1)?;
        }
        Ok(Some(code))
    }

    /// Appends a dictionary with room for `room` codes and returns where it begins.
    fn place_dictionary(&mut self, answers: &[Answer], room: u32) -> u32 {
        let mut values: Vec<u32> = answers.iter().map(|&answer| answer as u32).collect();
        values.resize(room as usize, NO_ROUTE);
        let start = self.forest.store.push_values(&values);
        self.lens.extend(answers.iter().map(|&answer| if answer == MISS { 0 } else { (answer >> 32) as u8 }));
        self.lens.resize(start + values.len(), 0);
        (start - FIRST_VALUE as usize) as u32
    }
}
