//! [`Matches`]: how long the prefixes behind a store's values are, and the column that a batch reads in place of values to learn both.

use std::sync::OnceLock;

use super::super::table::NO_ROUTE;
use super::dictionary::{Answer, len_of};

/// The lengths beside a store's values.
#[derive(Debug, Default)]
pub(super) struct Matches {
    /// By position in the store's values: the length of the prefix in bits, 0 for a miss.
    lens: Vec<u8>,
    /// Made by the first batch that asks for lengths.
    column: OnceLock<Column>,
}

/// What stands for each answer, by its position among the store's values.
#[derive(Debug)]
pub(super) enum Column {
    /// Length and value in one number, while every value has room: a batch's answers are told from these numbers alone.
    Packed(Vec<u32>),
    /// The position itself: a batch's answers are loaded from there.
    Positions(Vec<u32>),
}

/// Bits of a packed value.
const VALUE_BITS: u32 = 24;
/// The first value that is not packed: that of a packed miss, which is [`NO_ROUTE`] as a whole.
const MOST: u32 = (1 << VALUE_BITS) - 1;

/// Returns the packed answer, `None` for a value without room.
fn pack(len: u8, value: u32) -> Option<u32> {
    let packed = u32::from(len) << VALUE_BITS | value;
    if value == NO_ROUTE { Some(NO_ROUTE) } else { (value < MOST).then_some(packed) }
}

impl Matches {
    /// Returns these lengths.
    pub(super) fn of(lens: Vec<u8>) -> Self {
        Self { lens, column: OnceLock::new() }
    }

    /// Returns the length at a position.
    #[inline]
    pub(super) fn len(&self, position: usize) -> u8 {
        self.lens[position]
    }

    /// Replaces what is at a position.
    pub(super) fn set(&mut self, position: usize, answer: Answer) {
        let (len, value) = (len_of(answer), answer as u32);
        self.lens[position] = len;
        let Some(Column::Packed(column)) = self.column.get_mut() else { return };
        match pack(len, value) {
            Some(packed) => column[position] = packed,
            None => self.column = OnceLock::new(),
        }
    }

    /// Appends `answers`, and misses up to `room` of both.
    pub(super) fn extend(&mut self, answers: &[Answer], room: usize) {
        let start = self.lens.len();
        self.lens.extend(answers.iter().map(|&answer| len_of(answer)));
        self.lens.resize(start + room, 0);
        match self.column.get_mut() {
            Some(Column::Packed(column)) => {
                column.resize(start + room, NO_ROUTE);
                for (position, &answer) in (start..).zip(answers) {
                    self.set(position, answer);
                }
            }
            Some(Column::Positions(column)) => column.extend(start as u32..(start + room) as u32),
            None => {}
        }
    }

    /// Returns the column for a batch of a store with these `values`. O(values) the first time, and after a change that brought the
    /// first value without room.
    pub(super) fn column(&self, values: &[u32]) -> &Column {
        self.column.get_or_init(|| {
            let packed: Option<Vec<u32>> =
                self.lens.iter().zip(values).map(|(&len, &value)| pack(len, value)).collect();
            packed.map_or_else(|| Column::Positions((0..values.len() as u32).collect()), Column::Packed)
        })
    }

    /// Returns the bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.lens.len() + self.column.get().map_or(0, |column| size_of_val(column.answers()))
    }

    /// Writes the lengths and values of answers that a batch has written into `answers`, which came from `column`.
    pub(super) fn tell(&self, column: &Column, values: &[u32], lens: &mut [u8], answers: &mut [u32]) {
        let pairs = lens.iter_mut().zip(answers);
        match column {
            Column::Packed(_) => pairs.for_each(|(len, answer)| {
                let packed = *answer;
                let is_miss = packed == NO_ROUTE;
                *len = if is_miss { 0 } else { (packed >> VALUE_BITS) as u8 };
                *answer = if is_miss { NO_ROUTE } else { packed & MOST };
            }),
            // A walk may know a miss without its position.
            Column::Positions(_) => pairs.for_each(|(len, answer)| {
                let position = *answer as usize;
                *answer = values.get(position).copied().unwrap_or(NO_ROUTE);
                *len = self.lens.get(position).copied().unwrap_or(0);
            }),
        }
    }
}

impl Column {
    /// Returns what a batch reads in place of values.
    pub(super) fn answers(&self) -> &[u32] {
        match self {
            Self::Packed(column) | Self::Positions(column) => column,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::dictionary::{MISS, answer};
    use super::*;

    /// What batches tell of every position, against what was put there.
    fn agree(matches: &Matches, answers: &[Answer], packed: bool) {
        let values: Vec<u32> = answers.iter().map(|&answer| answer as u32).collect();
        let column = matches.column(&values);
        assert_eq!(matches!(column, Column::Packed(_)), packed);
        let (mut lens, mut told) = (vec![99; values.len()], column.answers().to_vec());
        matches.tell(column, &values, &mut lens, &mut told);
        assert_eq!(told, values);
        assert!(answers.iter().zip(lens).all(|(&answer, len)| len_of(answer) == len));
    }

    #[test]
    fn values_without_room_are_told_by_position() {
        let mut answers = vec![MISS, answer(0, 0), answer(MOST - 1, 128), answer(7, 32)];
        let mut matches = Matches::of(answers.iter().map(|&answer| len_of(answer)).collect());
        agree(&matches, &answers, true);
        (answers[3], answers[1]) = (answer(MOST - 1, 1), MISS);
        matches.set(3, answers[3]);
        matches.set(1, MISS);
        answers.extend([answer(9, 9), MISS, MISS]);
        matches.extend(&[answer(9, 9)], 3);
        agree(&matches, &answers, true);
        // Too big, first among those that are appended, then in place.
        answers.extend([answer(MOST, 9), answer(8, 7), MISS]);
        matches.extend(&answers[7..9], 3);
        agree(&matches, &answers, false);
        answers.extend([answer(5, 6), MISS]);
        matches.extend(&[answer(5, 6)], 2);
        answers[0] = answer(NO_ROUTE - 1, 3);
        matches.set(0, answers[0]);
        agree(&matches, &answers, false);
        let mut answers = vec![answer(1, 2); 2];
        let mut matches = Matches::of(vec![2; 2]);
        agree(&matches, &answers, true);
        answers[1] = answer(MOST, 30);
        matches.set(1, answers[1]);
        agree(&matches, &answers, false);
    }
}
