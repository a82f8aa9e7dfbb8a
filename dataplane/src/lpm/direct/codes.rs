//! [`Codes`]: from sparse `u32` values to the narrow codes of one table.

use super::super::raw::{Code, FIRST_CODE};

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

/// Returns the least value of `values`, by code, if all from there to the greatest come to no more than the codes that
/// are as wide as these values need: then the codes may follow the values.
pub(super) fn least_of_few(values: &[u32]) -> Option<u32> {
    let values = values.get(FIRST_CODE..).unwrap_or_default();
    let (least, greatest) = (values.iter().min()?, values.iter().max()?);
    let codes = if values.len() <= u8::CODES - FIRST_CODE { u8::CODES } else { u16::CODES };
    let span = (greatest - least) as usize;
    (span < codes - FIRST_CODE).then_some(*least)
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

    #[test]
    fn codes_follow_values_that_lie_close() {
        let values = |values: &[u32]| [&[0; FIRST_CODE], values].concat();
        assert_eq!(least_of_few(&values(&[])), None);
        assert_eq!(least_of_few(&values(&[9])), Some(9));
        assert_eq!(least_of_few(&values(&[7 + 253, 7])), Some(7));
        assert_eq!(least_of_few(&values(&[7 + 254, 7])), None);
        let many: Vec<u32> = (0..300).collect();
        assert_eq!(least_of_few(&values(&[&many[..], &[65_533]].concat())), Some(0));
        assert_eq!(least_of_few(&values(&[&many[..], &[65_534]].concat())), None);
    }
}
