//! [`Codes`]: from sparse `u32` values to the narrow codes of one table.

use super::super::raw::FIRST_CODE;

/// A code that no value has: a free place.
const FREE: u32 = u32::MAX;

/// The codes of a table's values in the order in which they first appeared, from [`FIRST_CODE`] on.
#[derive(Debug)]
pub(super) struct Codes {
    /// By code: the value. The first two are for the table to fill.
    values: Vec<u32>,
    /// A hash table of value and code, never more than half full.
    places: Vec<(u32, u32)>,
}

impl Codes {
    /// Returns codes of no value.
    pub(super) fn new() -> Self {
        Self { values: vec![0; FIRST_CODE], places: vec![(0, FREE); 1024] }
    }

    fn place(&self, value: u32) -> usize {
        let mut place = (value.wrapping_mul(0x9e37_79b1) >> (32 - self.places.len().trailing_zeros())) as usize;
        while self.places[place].1 != FREE && self.places[place].0 != value {
            place = (place + 1) & (self.places.len() - 1);
        }
        place
    }

    /// Returns the code of `value`, a new one if it had none.
    #[inline]
    pub(super) fn code(&mut self, value: u32) -> u32 {
        let place = self.place(value);
        if self.places[place].1 != FREE {
            return self.places[place].1;
        }
        let code = self.values.len() as u32;
        self.places[place] = (value, code);
        self.values.push(value);
        if self.values.len() * 2 > self.places.len() {
            let doubled = vec![(0, FREE); self.places.len() * 2];
            for (value, code) in std::mem::replace(&mut self.places, doubled) {
                if code != FREE {
                    let place = self.place(value);
                    self.places[place] = (value, code);
                }
            }
        }
        code
    }

    /// Returns the values by code, for good.
    pub(super) fn into_values(self) -> Vec<u32> {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_keeps_its_code() {
        let mut codes = Codes::new();
        for round in 0..2 {
            for value in 0..5000_u32 {
                assert_eq!(codes.code(value << 12), value + 2, "round {round}");
            }
        }
        let values = codes.into_values();
        assert_eq!((values.len(), values[2 + 4999]), (5002, 4999 << 12));
    }
}
