//! [`Words`]: the words of one line, each with its place.

use crate::place::{Located, Place};

/// A word of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    pub(crate) place: Place,
}

impl Word<'_> {
    /// Returns the word as an owned name.
    pub(crate) fn name(self) -> Located<String> {
        Located::new(self.text.to_owned(), self.place)
    }
}

/// A cursor over the words of one line, which blanks and tabs separate. Copying it is free: that is how a reader looks
/// ahead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    /// The line without its indentation and without what ends it.
    line: &'a str,
    /// Bytes of `line` that were read.
    at: usize,
    /// Where `line` starts in its source.
    start: u32,
    source: u32,
}

impl<'a> Words<'a> {
    /// Returns the words of `line`, which starts at byte `start` of the text numbered `source`.
    pub(crate) fn new(line: &'a str, source: u32, start: u32) -> Self {
        Self { line, at: 0, start, source }
    }

    /// Returns the words of the line behind its first one, if that is `keyword`.
    pub(crate) fn restart_after(self, keyword: &str) -> Self {
        let mut words = self.restart();
        words.eat(keyword);
        words
    }

    /// Returns the words of the line from its start.
    pub(crate) fn restart(self) -> Self {
        Self { at: 0, ..self }
    }

    /// Takes the next word.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Word<'a>> {
        let bytes = self.line.as_bytes();
        let mut start = self.at;
        while start < bytes.len() && bytes[start].is_ascii_whitespace() {
            start += 1;
        }
        if start == bytes.len() {
            self.at = start;
            return None;
        }
        let mut end = start + 1;
        while end < bytes.len() && !bytes[end].is_ascii_whitespace() {
            end += 1;
        }
        self.at = end;
        Some(Word { text: &self.line[start..end], place: self.at_bytes(start, end) })
    }

    /// Returns the next word without taking it.
    pub(crate) fn peek(mut self) -> Option<Word<'a>> {
        self.next()
    }

    /// Returns the text of the next word without taking it, or an empty text at the end of the line.
    pub(crate) fn peek_text(self) -> &'a str {
        self.peek().map_or("", |word| word.text)
    }

    /// Takes the next word, or returns an empty text at the end of the line.
    pub(crate) fn next_text(&mut self) -> &'a str {
        self.next().map_or("", |word| word.text)
    }

    /// Returns the text of the last word that is left, or an empty text at the end of the line.
    pub(crate) fn last_text(self) -> &'a str {
        self.rest().text.split_ascii_whitespace().next_back().unwrap_or_default()
    }

    /// Takes the next word if it is `keyword`, and returns whether it was.
    pub(crate) fn eat(&mut self, keyword: &str) -> bool {
        let mut ahead = *self;
        if ahead.next_text() == keyword {
            *self = ahead;
            true
        } else {
            false
        }
    }

    /// Takes these words if all of them follow, and returns whether they did.
    pub(crate) fn eat_all(&mut self, keywords: &[&str]) -> bool {
        let mut ahead = *self;
        let all = keywords.iter().all(|keyword| ahead.eat(keyword));
        if all {
            *self = ahead;
        }
        all
    }

    /// Returns whether no word is left.
    pub(crate) fn is_empty(self) -> bool {
        self.peek().is_none()
    }

    /// Returns what is left of the line, blanks around it dropped.
    pub(crate) fn rest(self) -> Word<'a> {
        let rest = self.line[self.at..].trim_ascii();
        let lead = self.line.len() - self.line[self.at..].trim_ascii_start().len();
        Word { text: rest, place: self.at_bytes(lead, lead + rest.len()) }
    }

    /// Returns the place behind the last word, where another one is missing.
    pub(crate) fn end(self) -> Place {
        let end = self.line.trim_ascii_end().len();
        self.at_bytes(end, end)
    }

    /// Returns the place of the whole line.
    pub(crate) fn whole(self) -> Place {
        self.at_bytes(0, self.line.trim_ascii_end().len())
    }

    fn at_bytes(self, start: usize, end: usize) -> Place {
        Place { source: self.source, start: self.start + start as u32, end: self.start + end as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_their_places() {
        let mut words = Words::new("ip  route\tvrf A ", 3, 100);
        assert!(!words.eat("vrf"));
        assert!(words.eat_all(&["ip", "route"]));
        assert!(!words.eat_all(&["vrf", "B"]));
        assert_eq!(words.rest().text, "vrf A");
        assert_eq!(words.rest().place, Place { source: 3, start: 110, end: 115 });
        assert_eq!(words.next_text(), "vrf");
        assert_eq!(words.next().map(|word| word.place.span()), Some(114..115));
        assert!(words.is_empty());
        assert_eq!(words.end(), Place { source: 3, start: 115, end: 115 });
        assert_eq!(words.whole(), Place { source: 3, start: 100, end: 115 });
        assert_eq!(words.rest().place, Place { source: 3, start: 116, end: 116 });
    }
}
