//! [`UnknownLines`]: lines of a configuration that no reader knows. They are counted, never an error.

/// How many unknown lines are kept with their text.
pub const KEPT: usize = 1000;
/// The longest text that is kept of an unknown line, in bytes.
pub const TEXT_BYTES: usize = 120;

/// A line that no reader knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLine {
    /// The position of its text among those that were read together.
    pub source: usize,
    /// Its number, from 1 on.
    pub line: usize,
    /// What stands on it, without indentation, at most [`TEXT_BYTES`] bytes of it.
    pub text: String,
}

impl UnknownLine {
    pub(crate) fn new(source: u32, number: u32, text: &str) -> Self {
        let mut end = text.len().min(TEXT_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self { source: source as usize, line: number as usize, text: text[..end].to_owned() }
    }
}

/// The first [`KEPT`] unknown lines, and how many there are.
#[derive(Clone, Debug, Default)]
pub struct UnknownLines {
    kept: Vec<UnknownLine>,
    count: usize,
}

impl UnknownLines {
    pub(crate) fn push(&mut self, make: impl FnOnce() -> UnknownLine) {
        if self.kept.len() < KEPT {
            self.kept.push(make());
        }
        self.count += 1;
    }

    /// Returns the lines that are kept, in the order of reading.
    pub fn kept(&self) -> &[UnknownLine] {
        &self.kept
    }

    /// Returns how many lines no reader knows, kept or not.
    pub fn count(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_kept_and_cut_the_rest_counted() {
        let mut unknown = UnknownLines::default();
        for line in 1..=KEPT as u32 + 5 {
            unknown.push(|| UnknownLine::new(0, line, &"é".repeat(TEXT_BYTES)));
        }
        assert_eq!((unknown.kept().len(), unknown.count()), (KEPT, KEPT + 5));
        assert_eq!(unknown.kept()[0].text.len(), TEXT_BYTES);
        assert_eq!(UnknownLine::new(0, 1, &format!("a{}", "é".repeat(TEXT_BYTES))).text.len(), TEXT_BYTES - 1);
    }
}
