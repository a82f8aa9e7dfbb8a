//! [`Token`]: a word, a sign or a quoted text of a policy.

use crate::place::Place;
use crate::word::{Word, Words};

/// A token, and the number of its line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    pub(super) place: Place,
    pub(super) line: u32,
}

/// Returns the tokens of a line: `(`, `)` and `,` stand alone, quotes are dropped, `#` starts a comment.
pub(super) fn tokens(words: Words<'_>, line: u32) -> impl Iterator<Item = Token<'_>> {
    let Word { text, place } = words.rest();
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = &text[at..];
        at += rest.len() - rest.trim_ascii_start().len();
        let rest = &text[at..];
        let token = |start: usize, end: usize| Token {
            text: &text[start..end],
            place: Place { start: place.start + start as u32, end: place.start + end as u32, ..place },
            line,
        };
        match rest.as_bytes().first()? {
            b'#' => None,
            b'(' | b')' | b',' => {
                at += 1;
                Some(token(at - 1, at))
            }
            &quote @ (b'\'' | b'"') => {
                let inner = rest[1..].find(char::from(quote)).unwrap_or(rest.len() - 1);
                let start = at + 1;
                at = (start + inner + 1).min(text.len());
                Some(token(start, start + inner))
            }
            _ => {
                let len = rest.find([' ', '\t', '(', ')', ',', '#']).unwrap_or(rest.len());
                at += len;
                Some(token(at - len, at))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_stand_alone_and_quotes_hold_blanks() {
        let line = "apply P($a,10.0.0.0/8 le 24)  'a b' \"c # comment";
        let tokens: Vec<_> = tokens(Words::new(line, 0, 7), 3).collect();
        let texts: Vec<_> = tokens.iter().map(|token| token.text).collect();
        assert_eq!(texts, ["apply", "P", "(", "$a", ",", "10.0.0.0/8", "le", "24", ")", "a b", "c # comment"]);
        assert_eq!(tokens[1].place, Place { source: 0, start: 13, end: 14 });
        assert_eq!(super::tokens(Words::new("pass # x", 0, 0), 1).count(), 1);
    }
}
