//! [`CodeMap`] and [`Dictionaries`]: from sparse `u32` values to the narrow codes of a table, and back.

use super::super::table::NO_ROUTE;
use super::block::FIRST_VALUE;

/// Answers that one-byte codes have room for, the miss among them.
pub(super) const BYTE_ANSWERS: usize = 256 - FIRST_VALUE as usize;
/// Dictionaries that are still open for further tables while they are handed out.
const OPEN: usize = 8;

/// Places of an empty map.
const LEAST_PLACES: usize = 256;

/// One distinct answer: the value, and above its 32 bits the matched length where lengths are kept.
pub(super) type Answer = u64;

/// Returns the answer of a route: `len` is 0 where lengths are not kept.
pub(super) fn answer(value: u32, len: u8) -> Answer {
    Answer::from(len) << 32 | Answer::from(value)
}

/// Returns the length of an answer's prefix, 0 for none.
pub(super) fn len_of(answer: Answer) -> u8 {
    if answer == MISS { 0 } else { (answer >> 32) as u8 }
}

/// The answer of a key without a route.
pub(super) const MISS: Answer = NO_ROUTE as u64;

/// Returns the bytes that each of `codes` codes needs: 1, 2 or 4.
pub(super) fn width_for(codes: usize) -> usize {
    match codes + FIRST_VALUE as usize {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// A place without an answer: that of no table is this, nor its code 0.
const FREE: (Answer, u32) = (Answer::MAX, 0);

/// A hash table from answers to codes, for keys that are few and asked for often.
#[derive(Debug)]
pub(super) struct CodeMap {
    /// Answer and code, or [`FREE`].
    places: Vec<(Answer, u32)>,
    used: usize,
}

impl CodeMap {
    /// Returns an empty map.
    pub(super) fn new() -> Self {
        Self { places: vec![FREE; LEAST_PLACES], used: 0 }
    }

    /// Returns by how many bits a product is shifted to be a place.
    fn shift(&self) -> u32 {
        64 - self.places.len().trailing_zeros()
    }

    fn place(&self, answer: Answer) -> usize {
        let mut place = first_place(answer, self.shift());
        while self.places[place].1 != 0 && self.places[place].0 != answer {
            place = (place + 1) & (self.places.len() - 1);
        }
        place
    }

    /// Puts the codes of the answers from number `from` on into `codes`, up to the first whose code is not at the first place where
    /// it may be, and returns its number.
    fn at_once(&self, from: usize, answer: impl Fn(usize) -> Answer, codes: &mut [u32]) -> usize {
        let (places, shift) = (&self.places[..], self.shift());
        for (at, to) in codes.iter_mut().enumerate().skip(from) {
            let answer = answer(at);
            let (found, code) = places[first_place(answer, shift)];
            if found != answer {
                return at;
            }
            *to = code;
        }
        codes.len()
    }

    /// Returns the code of `answer`, which is 0 if it has none.
    #[inline]
    pub(super) fn get(&self, answer: Answer) -> u32 {
        self.places[self.place(answer)].1
    }

    /// Returns the code of `answer`; it becomes `code`, which is not 0, if it has none.
    #[inline]
    pub(super) fn get_or_insert(&mut self, answer: Answer, code: u32) -> u32 {
        let place = self.place(answer);
        let found = self.places[place].1;
        if found != 0 {
            return found;
        }
        self.places[place] = (answer, code);
        self.used += 1;
        if self.used * 2 > self.places.len() {
            self.grow();
        }
        code
    }

    #[cold]
    fn grow(&mut self) {
        let grown = vec![FREE; self.places.len() * 2];
        for (answer, code) in std::mem::replace(&mut self.places, grown) {
            if code != 0 {
                let place = self.place(answer);
                self.places[place] = (answer, code);
            }
        }
    }

    /// Returns the bytes held.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.places[..])
    }

    /// Forgets all answers; the memory stays unless it is far more than they needed.
    pub(super) fn clear(&mut self) {
        if self.used * 16 < self.places.len() && self.places.len() > LEAST_PLACES {
            self.places.truncate(self.places.len() / 2);
        }
        self.places.fill(FREE);
        self.used = 0;
    }
}

#[inline]
fn first_place(answer: Answer, shift: u32) -> usize {
    (answer.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift) as usize
}

/// The answers of one table, numbered in the order in which they come.
#[derive(Debug)]
pub(super) struct LocalCodes {
    map: CodeMap,
    answers: Vec<Answer>,
}

impl LocalCodes {
    /// The number of the miss: that of its code, so that the numbers of a table with a dictionary of its own are the codes.
    pub(super) const MISS: u32 = FIRST_VALUE;

    /// Returns numbers for no answer but the miss.
    pub(super) fn new() -> Self {
        Self { map: CodeMap::new(), answers: Vec::new() }
    }

    /// Forgets all answers. O(answers).
    pub(super) fn clear(&mut self) {
        self.map.clear();
        self.answers.clear();
    }

    /// Returns the number of `answer`, which is not the miss.
    #[inline]
    pub(super) fn code(&mut self, answer: Answer) -> u32 {
        let code = Self::MISS + self.answers.len() as u32 + 1;
        let found = self.map.get_or_insert(answer, code);
        if found == code {
            self.answers.push(answer);
        }
        found
    }

    /// Makes `codes` the numbers of `count` answers, of which `answer` gives each, none the miss.
    pub(super) fn codes(&mut self, count: usize, answer: impl Fn(usize) -> Answer, codes: &mut Vec<u32>) {
        // What is in the way of it is overwritten.
        codes.resize(count, Self::MISS);
        if let Some(answer) = only(count, &answer) {
            let code = self.code(answer);
            return codes.fill(code);
        }
        let mut done = 0;
        loop {
            // Nearly all: in a loop that changes nothing a processor sees many answers at once.
            done = self.map.at_once(done, &answer, codes);
            let Some(code) = codes.get_mut(done) else { return };
            *code = self.code(answer(done));
            done += 1;
        }
    }

    /// Returns the answers: the first has the number behind that of the miss.
    pub(super) fn answers(&self) -> &[Answer] {
        &self.answers
    }
}

/// Returns the first of `count` answers if all are that one, as those of a table are often that all came from one router.
fn only(count: usize, answer: impl Fn(usize) -> Answer) -> Option<Answer> {
    let first = (count > 0).then(|| answer(0))?;
    // Most that differ are told by a few.
    let few = [count / 4, count / 2, count - 1].iter().all(|&at| answer(at) == first);
    (few && (0..count).filter(|&at| answer(at) != first).count() == 0).then_some(first)
}

/// The answers of one dictionary, shared by the tables that were given it.
#[derive(Debug)]
pub(super) struct Dictionary {
    /// In the order of their codes; the miss is not among them, it has the first code in every dictionary.
    answers: Vec<Answer>,
    map: CodeMap,
}

impl Dictionary {
    fn new() -> Self {
        Self { answers: Vec::new(), map: CodeMap::new() }
    }

    /// Returns the number of codes, the miss's among them.
    pub(super) fn codes(&self) -> usize {
        self.answers.len() + 1
    }

    /// Returns the bytes that a code of this dictionary needs: 1, 2 or 4.
    pub(super) fn width(&self) -> usize {
        width_for(self.codes())
    }

    /// Returns the answers in the order of their codes.
    pub(super) fn in_order(&self) -> impl Iterator<Item = Answer> {
        std::iter::once(MISS).chain(self.answers.iter().copied())
    }

    /// Returns how many of `answers` have no code yet.
    fn unknown(&self, answers: &[Answer]) -> usize {
        answers.iter().filter(|&&answer| self.map.get(answer) == 0).count()
    }

    /// Returns the code of `answer`, which gets one if it has none.
    fn code(&mut self, answer: Answer) -> u32 {
        let code = FIRST_VALUE + self.codes() as u32;
        let found = self.map.get_or_insert(answer, code);
        if found == code {
            self.answers.push(answer);
        }
        found
    }
}

/// The dictionaries of consecutive tables.
///
/// Tables whose answers fit one-byte codes together share a dictionary, so that a small table does not pay for one;
/// each is offered the last few that are open, then gets one of its own. Where small tables have more answers in all, but few enough for
/// the entries of two bytes that their nodes may have, the first dictionary is theirs alone and has all of them.
#[derive(Debug, Default)]
pub(super) struct Dictionaries {
    /// The dictionaries.
    pub(super) list: Vec<Dictionary>,
    open: Vec<u32>,
    /// Whether the first is that of small tables alone.
    has_common: bool,
}

impl Dictionaries {
    /// Returns dictionaries of which the first begins with `seed`, if that is not empty. If those are more answers than codes of one byte,
    /// the first gets no others.
    pub(super) fn seeded(seed: &[Answer]) -> Self {
        let mut dictionaries = Self { has_common: seed.len() >= BYTE_ANSWERS, ..Self::default() };
        if !seed.is_empty() {
            let index = dictionaries.open_or_new(seed);
            dictionaries.encode(index, seed, &mut Vec::new());
        }
        dictionaries
    }

    /// Gives the next table a dictionary with `answers`, the one that small tables have in common if it `may_share` that and there is one,
    /// and puts into `codes` the codes of the miss and of `answers`.
    pub(super) fn assign(&mut self, answers: &[Answer], may_share: bool, codes: &mut Vec<u32>) -> u32 {
        let is_common = may_share && self.has_common && self.list[0].unknown(answers) == 0;
        let index = if is_common { 0 } else { self.open_or_new(answers) };
        self.encode(index, answers, codes);
        index
    }

    /// Returns a dictionary that has room for `answers`, a new one if none has.
    fn open_or_new(&mut self, answers: &[Answer]) -> u32 {
        let fits = |&open: &u32| {
            let dictionary = &self.list[open as usize];
            dictionary.codes() + dictionary.unknown(answers) <= BYTE_ANSWERS
        };
        let found = self.open.iter().rev().copied().find(fits);
        found.unwrap_or_else(|| {
            let index = self.list.len() as u32;
            if answers.len() < BYTE_ANSWERS {
                if self.open.len() == OPEN {
                    self.open.remove(0);
                }
                self.open.push(index);
            }
            self.list.push(Dictionary::new());
            index
        })
    }

    /// Puts into `codes` the codes that the miss and `answers` have in a dictionary.
    fn encode(&mut self, index: u32, answers: &[Answer], codes: &mut Vec<u32>) {
        let dictionary = &mut self.list[index as usize];
        codes.clear();
        codes.push(FIRST_VALUE);
        codes.extend(answers.iter().map(|&answer| dictionary.code(answer)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_share_a_dictionary_while_it_fits() {
        let mut dictionaries = Dictionaries::default();
        let mut codes = Vec::new();
        let mut assign = |answers: std::ops::Range<u64>| {
            let answers: Vec<Answer> = answers.collect();
            let index = dictionaries.assign(&answers, true, &mut codes);
            (index, codes[0], codes[1])
        };
        assert_eq!(assign(0..100), (0, 64, 65));
        assert_eq!(assign(50..191), (0, 64, 115));
        assert_eq!(assign(500..501), (1, 64, 65));
        assert_eq!(assign(0..192), (2, 64, 65));
        assert_eq!(assign(0..70_000), (3, 64, 65));
        let widths: Vec<usize> = dictionaries.list.iter().map(Dictionary::width).collect();
        assert_eq!(widths, [1, 1, 2, 4]);
        assert_eq!(dictionaries.list[0].in_order().take(3).collect::<Vec<_>>(), [MISS, 0, 1]);
    }

    #[test]
    fn small_tables_have_a_dictionary_of_many_answers_in_common() {
        let seed: Vec<Answer> = (0..500).collect();
        let mut dictionaries = Dictionaries::seeded(&seed);
        let mut codes = Vec::new();
        assert_eq!((dictionaries.assign(&[7, 499], true, &mut codes), &codes[..]), (0, &[64, 72, 564][..]));
        assert_eq!((dictionaries.assign(&[7, 499], false, &mut codes), &codes[..]), (1, &[64, 65, 66][..]));
        assert_eq!((dictionaries.assign(&[7, 500], true, &mut codes), &codes[..]), (1, &[64, 65, 67][..]));
        assert_eq!(dictionaries.list[0].codes(), 501);
    }

    #[test]
    fn a_map_grows_and_keeps_what_it_has() {
        let mut map = CodeMap::new();
        for round in 1..3 {
            for answer in 0..10_000_u32 {
                assert_eq!(map.get_or_insert(u64::from(answer) << 20, answer + round), answer + round);
                assert_eq!(map.get_or_insert(u64::from(answer) << 20, 7), answer + round);
            }
            assert!((0..10_000_u32).all(|answer| map.get(u64::from(answer) << 20) == answer + round));
            assert_eq!(map.get(1), 0);
            map.clear();
            assert_eq!(map.get(0), 0);
        }
    }

    #[test]
    fn oracle_numbers_of_many_answers_are_those_of_each() {
        let answers: Vec<Answer> = (0..40_000_u64).map(|at| ((at * at) % 997) << (at % 3 * 16)).collect();
        let (mut one, mut all) = (LocalCodes::new(), LocalCodes::new());
        let expected: Vec<u32> = answers.iter().map(|&answer| one.code(answer)).collect();
        let (mut codes, mut some) = (Vec::new(), Vec::new());
        answers.chunks(77).for_each(|answers| {
            all.codes(answers.len(), |at| answers[at], &mut some);
            codes.extend_from_slice(&some);
        });
        assert_eq!((codes, all.answers()), (expected, one.answers()));
    }
}
