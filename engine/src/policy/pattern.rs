//! [`Pattern`]: a regular expression over the text of communities or of an AS path.

use std::fmt;

use regex::{Regex, RegexBuilder};

/// A regular expression in the syntax of crate `regex`: finding takes time linear in the text, whatever the expression.
///
/// Two patterns are equal if their texts are.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
}

/// The memory that a compiled expression may take, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

impl Pattern {
    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// If it is no regular expression or takes more than 1 MiB.
    pub fn new(text: &str) -> Result<Self, ParsePatternError> {
        let regex = RegexBuilder::new(text).size_limit(SIZE_LIMIT).dfa_size_limit(SIZE_LIMIT).nest_limit(50).build();
        match regex {
            Ok(regex) => Ok(Self { regex }),
            Err(error) => Err(ParsePatternError { text: text.to_owned(), reason: reason(&error) }),
        }
    }

    /// Returns whether the pattern occurs in `text`.
    pub fn finds(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Returns the text of the expression.
    pub fn as_str(&self) -> &str {
        self.regex.as_str()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

/// Returns the last line of the library's message, which says what is wrong; the others draw the place.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_lowercase()
}

/// Why a text is no [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsePatternError {
    /// The text that was read.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for ParsePatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no regular expression: {}", self.text, self.reason)
    }
}

impl std::error::Error for ParsePatternError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_and_say_what_is_wrong() {
        assert!(Pattern::new("^65000( |$)").expect("a pattern").finds("65000 65001"));
        assert!(!Pattern::new("^65000( |$)").expect("a pattern").finds("650001"));
        assert_eq!(Pattern::new("(a").expect_err("open").to_string(), "`(a` is no regular expression: unclosed group");
        assert!(Pattern::new("(a{1000}){1000}").is_err());
    }
}
