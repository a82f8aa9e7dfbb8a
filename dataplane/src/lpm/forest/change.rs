//! Changes of one prefix of one table, without building the table anew.
//!
//! A [`MatchForest`] knows of every address how long its match is, and two prefixes of one length do not overlap. So the
//! forest itself tells which addresses a prefix answers: those in it with a match of its length. An insertion repaints
//! the ranges within the prefix whose match is not longer, a removal those whose match is the prefix; what the removed
//! prefix had hidden is the one thing that no table of answers knows, so the caller names it.

use ahash::HashMap;
use vrfleak_engine::{Address, Prefix};

use super::super::raw::{Place, StoreError};
use super::super::table::{Match, NO_ROUTE, TableId};
use super::super::tables::BuildError;
use super::MatchForest;
use super::block::FIRST_VALUE;
use super::build::refusal;
use super::dictionary::{Answer, CodeMap, MISS, answer, width_for};
use super::part::{PartWriter, Slots};
use super::ranges::Ranges;
use super::read::Reader;
use super::shape::{Kind, SPARSE_SLOT, Shape, top};

/// What a change of a prefix has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Root slots, or slots of a page, that were made anew; 0 if no address has another answer.
    pub slots: usize,
    /// Bytes written.
    pub bytes: usize,
    /// Whether the table was built anew as a whole: the prefix reaches beyond the root's slots or contains address 0,
    /// the table had no code for another answer, or it was not built for changes ([`Options::changes`](super::Options::changes)).
    pub whole: bool,
}

/// What changes keep from one to the next.
#[derive(Debug)]
pub(super) struct Changes<A> {
    /// By table that was changed: its codes.
    codes: HashMap<TableId, Codes>,
    /// Memory for a few slots' ranges, and for what is written of them.
    scratch: Option<(Ranges<A>, PartWriter)>,
}

impl<A: Address> Default for Changes<A> {
    fn default() -> Self {
        Self { codes: HashMap::default(), scratch: None }
    }
}

impl<A: Address> Changes<A> {
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

/// Returns the last address of the slots.
fn last<A: Address>(place: Place) -> A {
    let behind = u128::from(place.first) + u128::from(place.len);
    // Wraps around to the last address of all behind the last slot of all.
    A::narrow((behind << (128 - u32::from(place.bits))).wrapping_sub(1) >> (128 - u32::from(A::BITS)))
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
        if !shape.kind.changes() {
            return self.repaint(table, prefix, answer, hit);
        }
        let Some(code) = self.code(table, answer).map_err(refusal::<A>)? else {
            return self.repaint(table, prefix, answer, hit);
        };
        let Some(place) = self.place(table, shape, prefix) else {
            return self.repaint(table, prefix, answer, hit);
        };
        let Some((_, width, dictionary, _)) = self.forest.store.describe(table) else { return Ok(Change::default()) };
        let (mut ranges, mut writer) =
            self.changes.scratch.take().unwrap_or_else(|| (Ranges::new(), PartWriter::new()));
        let Place { first, len, bits, page_bits, .. } = place;
        let entries = self.forest.store.entries(place).unwrap_or_default();
        let reader = self.reader(shape.kind, width);
        let hit = |code: u32| hit(self.len_of(dictionary, code));
        // Mostly the prefix lies in one line of a fan; the others are then taken over as they are.
        let slot = (u32::from(bits), u128::from(first) << (128 - u32::from(bits)));
        let fan = entries.first().filter(|_| len == 1);
        let fan = fan.and_then(|&entry| reader.fan_line(entry, slot, (prefix.bits(), prefix.last())));
        let mut part = None;
        let mut is_painted = false;
        if let Some(fan) = &fan {
            ranges.forget();
            reader.line_of_fan(fan, &mut ranges);
            is_painted = ranges.paint(prefix, fan.last, code, hit);
            part = if is_painted { writer.fan_with(fan, width, ranges.list()) } else { None };
        }
        if part.is_none() && (fan.is_none() || is_painted) {
            ranges.forget();
            reader.slots(entries, (first, u32::from(bits)), &mut ranges);
            if ranges.paint(prefix, last(place), code, hit) {
                let slots = Slots { kind: shape.kind, first, len, bits, page_bits };
                part = Some(writer.part(slots, (width, shape.len as usize * SPARSE_SLOT), ranges.list()));
            }
        }
        let patched = part.map(|part| self.forest.store.patch(place, part).map_err(refusal::<A>)).transpose();
        let written = |bytes| Change { slots: len as usize, bytes, whole: false };
        self.changes.scratch = Some((ranges, writer));
        patched.map(|bytes| bytes.map(written).unwrap_or_default())
    }

    /// Returns the length of the match that `code` stands for.
    fn len_of(&self, dictionary: u32, code: u32) -> Option<u8> {
        (code != FIRST_VALUE).then(|| self.matches.len((dictionary + code) as usize))
    }

    /// Returns the slots that `prefix` touches, or `None` if it reaches beyond the root's, or to the address whose answer
    /// they have in common with what is outside.
    fn place(&self, table: TableId, shape: Shape, prefix: Prefix<A>) -> Option<Place> {
        let all = shape.first == 0 && u64::from(shape.len) == 1 << shape.bits;
        if prefix.bits() == A::ZERO && !all {
            return None;
        }
        self.forest.store.place(table, top(prefix.bits()), top(prefix.last()))
    }

    fn reader(&self, kind: Kind, width: usize) -> Reader<'_> {
        Reader { entries: self.forest.store.roots(), nodes: self.forest.store.nodes(), kind, width }
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
                let value = self.forest.store.values()[(dictionary + code) as usize];
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
        let shape = Shape::choose(ranges.list(), width);
        let mut writer = PartWriter::new();
        let part = writer.table(shape, width, ranges.list()).expect("no halves");
        let bytes = self.forest.store.replace(table, (shape, width, count), start, part).map_err(refusal::<A>)?;
        if count <= own {
            for (index, &answer) in (start as usize + FIRST_VALUE as usize..).zip(&used) {
                self.forest.store.set_value(index, answer as u32);
                self.matches.set(index, answer);
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
        let reader = self.reader(shape.kind, width);
        if let Some(begin) = store.inside(table) {
            reader.inside(begin, shape, &mut ranges);
            return ranges;
        }
        let Some((place, outside)) = store.whole(table) else { return ranges };
        let begin = |ranges: &mut Ranges<A>, number: u64| {
            if number >> shape.bits == 0 {
                // One answer, which begins anywhere.
                reader.entry(outside, 127, u128::from(number) << (128 - u32::from(shape.bits)), ranges);
            }
        };
        if shape.first > 0 || shape.len == 0 {
            begin(&mut ranges, 0);
        }
        let bits = u32::from(shape.bits);
        reader.slots(store.entries(place).unwrap_or_default(), (shape.first, bits), &mut ranges);
        if shape.len > 0 {
            begin(&mut ranges, shape.first + u64::from(shape.len));
        }
        ranges
    }

    /// Returns the table's code of `answer`, new if need be, or `None` if no further code fits its width.
    fn code(&mut self, table: TableId, answer: Answer) -> Result<Option<u32>, StoreError> {
        let Some((_, width, dictionary, codes)) = self.forest.store.describe(table) else { return Ok(None) };
        if answer == MISS {
            return Ok(Some(FIRST_VALUE));
        }
        let (store, matches) = (&self.forest.store, &self.matches);
        let known = self.changes.codes.entry(table).or_insert_with(|| {
            let mut map = CodeMap::new();
            map.get_or_insert(MISS, FIRST_VALUE);
            for code in FIRST_VALUE + 1..FIRST_VALUE + codes {
                let index = (dictionary + code) as usize;
                map.get_or_insert(self::answer(store.values()[index], matches.len(index)), code);
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
        if codes < known.room {
            let index = (dictionary + code) as usize;
            self.forest.store.set_value(index, answer as u32);
            self.matches.set(index, answer);
            self.forest.store.set_dictionary(table, dictionary, codes + 1)?;
        } else {
            let room = codes + codes / 2 + 16;
            known.room = room;
            let mut answers: Vec<Answer> = (FIRST_VALUE..code)
                .map(|code| (dictionary + code) as usize)
                .map(|index| self::answer(self.forest.store.values()[index], self.matches.len(index)))
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
        self.matches.extend(answers, values.len());
        (start - FIRST_VALUE as usize) as u32
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::lookup::LookupMatch;
    use super::super::Options;
    use super::*;

    /// A change: where a prefix is, its length, and its value if it is announced.
    type Step = (u128, u8, Option<u32>);

    /// Two prefixes far away make the root coarse, so that those between them lie in fans: there, prefixes of `len` bits, `step` apart, some of
    /// which are changed, then others in, between and around them. After each change the answers around it are right, in the end all.
    fn fans_change<A: Address>(len: u8, step: u128, count: u128, steps: &[Step]) {
        let unit = A::BITS - len;
        let prefix = |at: u128, len: u8| Prefix::containing(A::narrow(0x20 << (A::BITS - 8) | at << unit), len);
        let far = [0x01, 0xfe].map(|first| (Prefix::containing(A::narrow(first << (A::BITS - 8)), 8), 60));
        let near = (0..count).map(|at| (prefix(at * step + 1, len), (at % 50) as u32));
        let mut routes: Vec<(Prefix<A>, u32)> = near.chain(far).collect();
        routes.sort_by_key(|route| route.0);
        let mut forest = MatchForest::<A>::build(&[routes.clone()][..], Options::default()).expect("ordered routes");
        let covering = |routes: &[(Prefix<A>, u32)], key: A, below: u8| {
            let contains = |prefix: &Prefix<A>| prefix.len() < below && prefix.bits() <= key && key <= prefix.last();
            let found = routes.iter().filter(|(prefix, _)| contains(prefix)).max_by_key(|(prefix, _)| prefix.len());
            found.map(|&(prefix, value)| Match { value, len: prefix.len() })
        };
        let agrees = |forest: &MatchForest<A>, routes: &[(Prefix<A>, u32)], prefix: Prefix<A>| {
            let (first, last) = (prefix.bits().widen(), prefix.last().widen());
            for key in [first.wrapping_sub(1), first, first + 1, last, last.wrapping_add(1)].map(A::narrow) {
                assert_eq!(
                    forest.lookup_match(TableId(0), key),
                    covering(routes, key, u8::MAX),
                    "{key:x?} by {prefix}"
                );
            }
        };
        for &(at, len, value) in steps {
            let prefix = prefix(at, len);
            routes.retain(|route| route.0 != prefix);
            if let Some(value) = value {
                forest.insert(TableId(0), prefix, value).expect("a change that fits");
                routes.push((prefix, value));
            } else {
                let cover = covering(&routes, prefix.bits(), len);
                forest.remove(TableId(0), prefix, cover).expect("a change that fits");
            }
            agrees(&forest, &routes, prefix);
        }
        for &(prefix, _) in &routes {
            agrees(&forest, &routes, prefix);
        }
    }

    fn steps(places: u128, lens: std::ops::RangeInclusive<u8>) -> impl Strategy<Value = Vec<Step>> {
        let value = prop::option::weighted(0.6, 0_u32..50);
        // Most of them near each other, so that lines get full, or empty.
        let place = prop_oneof![0..places, 0..places / 8, places / 2..places / 2 + 40];
        prop::collection::vec((place, lens, value), 0..120)
    }

    proptest! {
        #[test]
        fn oracle_fans_change(
            far_apart in steps(102 << 8, 24..=46),
            near in steps(336 * 12, 16..=26),
        ) {
            fans_change::<u128>(36, 1 << 8, 102, &far_apart);
            fans_change::<u32>(22, 12, 336, &near);
        }
    }
}
