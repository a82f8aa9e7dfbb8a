//! [`Spread`]: what several rounds gave.

use serde::Serialize;

/// Least, middle and most of several readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// The least reading.
    pub min: f64,
    /// The middle reading; the lower one of two.
    pub median: f64,
    /// The greatest reading.
    pub max: f64,
}

impl Spread {
    /// Returns the spread of `readings`, `None` where there are none.
    pub fn of(readings: &[f64]) -> Option<Self> {
        let mut sorted = readings.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        Some(Self { min, median: sorted[(sorted.len() - 1) / 2], max })
    }

    /// Returns the spread of what `change` makes of the readings, which must rise where they rise.
    pub fn map(self, change: impl Fn(f64) -> f64) -> Self {
        Self { min: change(self.min), median: change(self.median), max: change(self.max) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_a_reading() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[2.0]), Some(Spread { min: 2.0, median: 2.0, max: 2.0 }));
        assert_eq!(Spread::of(&[9.0, 1.0, 4.0]), Some(Spread { min: 1.0, median: 4.0, max: 9.0 }));
        assert_eq!(Spread::of(&[9.0, 1.0, 4.0, 6.0]), Some(Spread { min: 1.0, median: 4.0, max: 9.0 }));
    }
}
