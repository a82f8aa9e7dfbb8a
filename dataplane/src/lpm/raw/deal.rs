//! A batch of any mix of tables, dealt out by what its tables have in common: each class of them is looked up by itself, in batches as
//! long as may be, and the answers are put together again.

use vrfleak_engine::Address;

use super::super::table::TableId;
use super::columns::prefetch;
#[cfg(target_arch = "x86_64")]
use super::deal_avx512;
use super::isa::Isa;
#[cfg(target_arch = "x86_64")]
use super::isa::Level;

/// Classes that there may be.
const MOST_CLASSES: u8 = 32;
/// Keys of which the classes are found together, and the room behind the last of a piece that vectors write to.
pub(super) const LANES: usize = 16;
/// Room for the keys that are dealt out at a time, of a long batch and of a short one, in memory of the stack.
const LONG: usize = 2048 + LANES;
const SHORT: usize = 112 + LANES;
/// How many keys further on tables are asked for: as far as memory is away.
const TABLES_AHEAD: usize = 512;

/// The class of each table: a number below 32.
#[derive(Clone, Debug, Default)]
pub(in crate::lpm) struct ClassMap {
    /// By table, then that of ids beyond, then [`ClassMap::SLACK`] bytes, so that a class may be loaded as four.
    classes: Vec<u8>,
}

impl ClassMap {
    pub(super) const SLACK: usize = 3;

    /// Returns a map of so many tables, all of one class, and ids beyond too.
    ///
    /// # Panics
    /// Panics if there is no such class.
    pub(in crate::lpm) fn new(tables: usize, class: u8) -> Self {
        assert!(class < MOST_CLASSES, "a class");
        Self { classes: vec![class; tables + 1 + Self::SLACK] }
    }

    /// Gives the table at `index` a class, or all ids beyond if it is the number of tables.
    ///
    /// # Panics
    /// Panics if there is no such table or class.
    pub(in crate::lpm) fn set(&mut self, index: usize, class: u8) {
        assert!(class < MOST_CLASSES && index < self.known(), "a class of a table");
        self.classes[index] = class;
    }

    /// Returns the number of tables, and one for ids beyond; 0 if this is the map of no store.
    pub(in crate::lpm) fn known(&self) -> usize {
        self.classes.len().saturating_sub(Self::SLACK)
    }

    /// Returns the class of the table at `index`, if there is one.
    pub(in crate::lpm) fn get(&self, index: usize) -> Option<u8> {
        self.classes[..self.known()].get(index).copied()
    }

    /// Returns the bytes held.
    pub(in crate::lpm) fn bytes(&self) -> usize {
        self.classes.len()
    }

    /// Looks each key up in the table at the same position: calls `walk` with a class, some of the tables, which all are of that class,
    /// their keys and room for their values.
    ///
    /// Each class takes a walk over all keys to find its own: sorting them by counting takes longer for up to four classes, since a
    /// counter is written and read again for each key.
    ///
    /// # Panics
    /// Panics if the slices differ in length or this is the map of no store.
    pub(in crate::lpm) fn deal<A: Address>(
        &self,
        isa: Isa,
        tables: &[TableId],
        keys: &[A],
        values: &mut [u32],
        walk: impl FnMut(u8, &[TableId], &[A], &mut [u32]),
    ) {
        assert_eq!(keys.len(), values.len(), "one value a key");
        assert_eq!(keys.len(), tables.len(), "one table a key");
        assert!(self.known() > 0, "a map");
        if keys.len() <= SHORT - LANES {
            deal::<A, SHORT>(isa, &self.classes, tables, keys, values, walk);
        } else {
            deal::<A, LONG>(isa, &self.classes, tables, keys, values, walk);
        }
    }
}

/// [`ClassMap::deal`] in pieces for which there is room.
fn deal<A: Address, const ROOM: usize>(
    isa: Isa,
    classes: &[u8],
    tables: &[TableId],
    keys: &[A],
    values: &mut [u32],
    mut walk: impl FnMut(u8, &[TableId], &[A], &mut [u32]),
) {
    let (piece, mut hand) = (ROOM - LANES, Hand::<A, ROOM>::new());
    for ((tables, keys), values) in tables.chunks(piece).zip(keys.chunks(piece)).zip(values.chunks_mut(piece)) {
        let mut present = hand.classify(isa, classes, tables, (keys, values));
        while present != 0 {
            let class = present.trailing_zeros() as u8;
            if present == 1 << class && hand.is_all(class, keys.len()) {
                walk(class, tables, keys, values);
                break;
            }
            present &= present - 1;
            let count = hand.take(isa, class, tables, keys);
            walk(class, &hand.tables[..count], &hand.keys[..count], &mut hand.answers[..count]);
            hand.give(isa, (class, count), values);
        }
    }
}

/// The keys of one class at a time.
pub(super) struct Hand<A, const ROOM: usize> {
    /// By place in the piece: the class.
    pub(super) class_of: [u8; ROOM],
    /// The places of the keys of the class, where they are taken without vectors.
    places: [u16; ROOM],
    pub(super) tables: [TableId; ROOM],
    pub(super) keys: [A; ROOM],
    pub(super) answers: [u32; ROOM],
}

impl<A: Address, const ROOM: usize> Hand<A, ROOM> {
    fn new() -> Self {
        Self {
            class_of: [0; ROOM],
            places: [0; ROOM],
            tables: [TableId(0); ROOM],
            keys: [A::ZERO; ROOM],
            answers: [0; ROOM],
        }
    }

    /// Finds the class of each key, and returns a bit for each that there is; asks for keys and for room for values before the first class
    /// is taken, and for tables further on.
    fn classify(&mut self, isa: Isa, classes: &[u8], tables: &[TableId], (keys, values): (&[A], &[u32])) -> u32 {
        #[cfg(target_arch = "x86_64")]
        if matches!(isa.level(), Level::Avx512 | Level::Gathers) {
            // SAFETY: whoever holds the level has the features, a piece has room for a vector more than it has keys, and a map has slack.
            return unsafe { deal_avx512::classify(self, classes, tables, (keys, values)) };
        }
        let _ = isa;
        let (mut present, last) = (0, classes.len() - ClassMap::SLACK - 1);
        let groups = tables.chunks(LANES).zip(keys.chunks(LANES)).zip(values.chunks(LANES));
        for (class_of, ((tables, keys), values)) in self.class_of.chunks_mut(LANES).zip(groups) {
            ask(tables, keys, values);
            for (class, table) in class_of.iter_mut().zip(tables) {
                *class = classes[table.index().min(last)];
                present |= 1 << *class;
            }
        }
        present
    }

    /// Returns whether the first `count` keys are of one class.
    fn is_all(&self, class: u8, count: usize) -> bool {
        self.class_of[..count].iter().fold(0, |others, &of| others | (of ^ class)) == 0
    }

    /// Takes the tables and keys of a class, and returns how many they are.
    fn take(&mut self, isa: Isa, class: u8, tables: &[TableId], keys: &[A]) -> usize {
        #[cfg(target_arch = "x86_64")]
        if matches!(isa.level(), Level::Avx512 | Level::Gathers) {
            // SAFETY: whoever holds the level has the features, and a piece has room for a vector more than it has keys.
            return unsafe { deal_avx512::take(self, class, tables, keys) };
        }
        let _ = isa;
        let mut count = 0;
        for (&of, place) in self.class_of.iter().zip(0_u16..).take(keys.len()) {
            // Written whether it counts or not: nobody can foretell which do.
            self.places[count % ROOM] = place;
            count += usize::from(of == class);
        }
        for ((&place, table), key) in self.places[..count].iter().zip(&mut self.tables).zip(&mut self.keys) {
            (*table, *key) = (tables[usize::from(place)], keys[usize::from(place)]);
        }
        count
    }

    /// Gives the answers to the `count` keys that were taken.
    fn give(&self, isa: Isa, (class, count): (u8, usize), values: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        if matches!(isa.level(), Level::Avx512 | Level::Gathers) {
            // SAFETY: as above.
            return unsafe { deal_avx512::give(self, class, values) };
        }
        let _ = (isa, class);
        for (&place, &answer) in self.places[..count].iter().zip(&self.answers) {
            values[usize::from(place)] = answer;
        }
    }
}

/// Asks for the keys of a group and for room for their values, and for tables further on.
#[inline]
pub(super) fn ask<A>(tables: &[TableId], keys: &[A], values: &[u32]) {
    const LINE: usize = 64;
    prefetch(tables.as_ptr().wrapping_add(TABLES_AHEAD).cast());
    for line in (0..size_of_val(keys)).step_by(LINE) {
        prefetch(keys.as_ptr().cast::<u8>().wrapping_add(line));
    }
    prefetch(values.as_ptr().cast());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oracle_every_key_is_walked_once_with_its_class() {
        each_is_walked_once(|at| u128::from(at) << 64 | u128::from(at), |key: u128| (key >> 64) as u32);
        each_is_walked_once(|at| at, |key: u32| key);
    }

    fn each_is_walked_once<A: Address>(key_of: impl Fn(u32) -> A, at_of: impl Fn(A) -> u32) {
        let classes = [3, 0, 31, 3, 7];
        let mut map = ClassMap::new(4, 7);
        (0..4).for_each(|table| map.set(table, classes[table]));
        let isas: Vec<Isa> = Isa::available().collect();
        for (len, isa) in [0, 1, 2, 15, 16, 17, 111, 112, 113, 2047, 2048, 2049, 5000]
            .into_iter()
            .flat_map(|len| isas.iter().map(move |&isa| (len, isa)))
        {
            for spread in [1, 2, 6] {
                let tables: Vec<TableId> = (0..len).map(|at| TableId(at * 7 % spread)).collect();
                let keys: Vec<A> = (0..len).map(&key_of).collect();
                let mut values = vec![1; keys.len()];
                map.deal(isa, &tables, &keys, &mut values, |class, tables, keys, values| {
                    assert!(!keys.is_empty() && keys.len() == tables.len() && keys.len() == values.len());
                    for ((table, key), value) in tables.iter().zip(keys).zip(values) {
                        assert_eq!(classes[table.index().min(4)], class);
                        *value = at_of(*key) * 32 + u32::from(class);
                    }
                });
                for ((at, table), value) in (0..len).zip(&tables).zip(values) {
                    assert_eq!(value, at * 32 + u32::from(classes[table.index().min(4)]));
                }
            }
        }
    }
}
