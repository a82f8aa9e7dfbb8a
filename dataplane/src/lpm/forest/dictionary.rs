//! [`CodeMap`] and [`Dictionaries`]: from sparse `u32` values to the narrow codes of a table, and back.

use super::super::table::NO_ROUTE;
use super::block::FIRST_VALUE;

/// Answers that one-byte codes have room for, the miss among them.
pub(super) const BYTE_ANSWERS: usize = 256 - FIRST_VALUE as usize;
/// Dictionaries that are still open for further tables while they are handed out.
const OPEN: usize = 8;

/// One distinct answer: the value, and above its 32 bits the matched length where lengths are kept.
pub(super) type Answer = u64;

/// The answer of a key without a route.
pub(super) const MISS: Answer = NO_ROUTE as u64;

/// A hash table from answers to codes, for keys that are few and asked for often.
#[derive(Debug)]
pub(super) struct CodeMap {
    /// Answer and code; a code of 0 is a free place.
    places: Vec<(Answer, u32)>,
    used: usize,
}

impl CodeMap {
    /// Returns an empty map.
    pub(super) fn new() -> Self {
        Self { places: vec![(0, 0); 256], used: 0 }
    }

    fn place(&self, answer: Answer) -> usize {
        let shift = 64 - self.places.len().trailing_zeros();
        let mut place = (answer.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift) as usize;
        while self.places[place].1 != 0 && self.places[place].0 != answer {
            place = (place + 1) & (self.places.len() - 1);
        }
        place
    }

    /// Returns the code of `answer`, which is 0 if it has none.
    #[inline]
    pub(super) fn get(&self, answer: Answer) -> u32 {
        self.places[self.place(answer)].1
    }

    /// Gives `answer` the code `code`, which is not 0, unless it has one; returns whether it was new.
    #[inline]
    pub(super) fn insert(&mut self, answer: Answer, code: u32) -> bool {
        let place = self.place(answer);
        if self.places[place].1 != 0 {
            return false;
        }
        self.places[place] = (answer, code);
        self.used += 1;
        if self.used * 2 > self.places.len() {
            let grown = vec![(0, 0); self.places.len() * 2];
            for (answer, code) in std::mem::replace(&mut self.places, grown) {
                if code != 0 {
                    let place = self.place(answer);
                    self.places[place] = (answer, code);
                }
            }
        }
        true
    }
}

/// Collects the distinct answers of one table.
pub(super) fn distinct(answers: impl Iterator<Item = Answer>) -> Vec<Answer> {
    let (mut map, mut found) = (CodeMap::new(), Vec::new());
    for answer in answers {
        if map.insert(answer, 1) {
            found.push(answer);
        }
    }
    found.sort_unstable();
    found
}

/// The answers of one dictionary, shared by the tables that were given it.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    /// Sorted; the miss is not among them, it has the first code in every dictionary.
    answers: Vec<Answer>,
}

impl Dictionary {
    /// Returns the number of codes, the miss's among them.
    pub(super) fn codes(&self) -> usize {
        self.answers.len() + 1
    }

    /// Returns the bytes that a code of this dictionary needs: 1, 2 or 4.
    pub(super) fn width(&self) -> usize {
        match self.codes() + FIRST_VALUE as usize {
            0..=0x100 => 1,
            0x101..=0x1_0000 => 2,
            _ => 4,
        }
    }

    /// Returns the map from answers to codes.
    pub(super) fn map(&self) -> CodeMap {
        let mut map = CodeMap::new();
        map.insert(MISS, FIRST_VALUE);
        for (code, &answer) in (FIRST_VALUE + 1..).zip(&self.answers) {
            map.insert(answer, code);
        }
        map
    }

    /// Returns the answers in the order of their codes.
    pub(super) fn in_order(&self) -> impl Iterator<Item = Answer> {
        std::iter::once(MISS).chain(self.answers.iter().copied())
    }

    /// Takes in `answers`, sorted, if they fit one-byte codes together with what is there.
    fn absorb(&mut self, answers: &[Answer]) -> bool {
        let new = answers.iter().filter(|answer| self.answers.binary_search(answer).is_err()).count();
        if self.answers.len() + new + 1 > BYTE_ANSWERS {
            return false;
        }
        if new > 0 {
            self.answers.extend_from_slice(answers);
            self.answers.sort_unstable();
            self.answers.dedup();
        }
        true
    }
}

/// All dictionaries of a forest.
///
/// Tables whose answers fit one-byte codes together share a dictionary, so that a small table does not pay for one;
/// each is offered the last few that are open, then gets one of its own.
#[derive(Debug, Default)]
pub(super) struct Dictionaries {
    /// The dictionaries.
    pub(super) list: Vec<Dictionary>,
    /// By table: the index of its dictionary.
    pub(super) of_table: Vec<u32>,
    open: Vec<u32>,
}

impl Dictionaries {
    /// Gives the next table a dictionary with `answers`, which are sorted.
    pub(super) fn assign(&mut self, answers: Vec<Answer>) {
        let found = self.open.iter().rev().copied().find(|&open| self.list[open as usize].absorb(&answers));
        let index = found.unwrap_or_else(|| {
            let index = self.list.len() as u32;
            if answers.len() < BYTE_ANSWERS {
                if self.open.len() == OPEN {
                    self.open.remove(0);
                }
                self.open.push(index);
            }
            self.list.push(Dictionary { answers });
            index
        });
        self.of_table.push(index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_share_a_dictionary_while_it_fits() {
        let mut dictionaries = Dictionaries::default();
        dictionaries.assign((0..100).collect());
        dictionaries.assign((50..191).collect());
        dictionaries.assign(vec![500]);
        dictionaries.assign((0..192).collect());
        dictionaries.assign((0..70_000).collect());
        assert_eq!(dictionaries.of_table, [0, 0, 1, 2, 3]);
        let widths: Vec<usize> = dictionaries.list.iter().map(Dictionary::width).collect();
        assert_eq!(widths, [1, 1, 2, 4]);
        let map = dictionaries.list[0].map();
        assert_eq!((map.get(MISS), map.get(0), map.get(190), map.get(191)), (64, 65, 255, 0));
    }

    #[test]
    fn a_map_grows_and_keeps_what_it_has() {
        let mut map = CodeMap::new();
        for answer in 0..10_000_u32 {
            assert!(map.insert(u64::from(answer) << 20, answer + 1));
            assert!(!map.insert(u64::from(answer) << 20, 7));
        }
        assert!((0..10_000_u32).all(|answer| map.get(u64::from(answer) << 20) == answer + 1));
        assert_eq!(map.get(1), 0);
    }
}
