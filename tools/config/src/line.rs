//! [`Line`] and [`Lines`]: a configuration line by line, as terminals and editors leave it.

use crate::word::Words;

/// A line that is neither empty nor a comment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// Its number, from 1 on.
    pub(crate) number: u32,
    /// Blanks and tabs before its first word.
    pub(crate) indent: u32,
    /// What stands on it, without the indentation, blanks at its end, LF or CRLF.
    pub(crate) text: &'a str,
    /// Where `text` starts in the source, in bytes.
    pub(crate) start: u32,
}

impl<'a> Line<'a> {
    /// Returns the words of the line.
    pub(crate) fn words(&self, source: u32) -> Words<'a> {
        Words::new(self.text, source, self.start)
    }
}

/// The lines of a text. Its length must be below 4 GiB, which [`load`](crate::load()) sees to.
#[derive(Clone, Debug)]
pub(crate) struct Lines<'a> {
    text: &'a str,
    at: usize,
    number: u32,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, number: 0 }
    }

    /// Returns how many lines were taken.
    pub(crate) fn count(&self) -> u32 {
        self.number
    }

    /// Takes the next line whatever it holds; its indentation counts as text.
    pub(crate) fn next_raw(&mut self) -> Option<Line<'a>> {
        if self.at >= self.text.len() {
            return None;
        }
        let start = self.at;
        let rest = &self.text[start..];
        let end = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        self.at = start + end + 1;
        self.number += 1;
        let text = &rest[..end];
        Some(Line {
            number: self.number,
            indent: 0,
            text: text.strip_suffix('\r').unwrap_or(text),
            start: start as u32,
        })
    }

    /// Takes the next line that is not blank.
    #[inline]
    pub(crate) fn next_filled(&mut self) -> Option<Line<'a>> {
        loop {
            let raw = self.next_raw()?;
            let text = raw.text.trim_ascii_start();
            if !text.is_empty() {
                let indent = (raw.text.len() - text.len()) as u32;
                return Some(Line { indent, text: text.trim_ascii_end(), start: raw.start + indent, ..raw });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_indentation_and_ends() {
        let mut lines = Lines::new("a\r\n\r\n  b c \n\t\n!\nlast");
        let mut seen = Vec::new();
        while let Some(line) = lines.next_filled() {
            seen.push((line.number, line.indent, line.text, line.start));
        }
        assert_eq!(seen, [(1, 0, "a", 0), (3, 2, "b c", 7), (5, 0, "!", 14), (6, 0, "last", 16)]);
        assert_eq!(lines.count(), 6);
    }
}
