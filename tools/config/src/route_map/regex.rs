//! Regular expressions as Cisco's systems and FRR write them.

use vrfleak_engine::policy::{ParsePatternError, Pattern};

/// What `_` stands for: the start, the end, a blank, or one of the signs that set parts of a path apart.
const DELIMITER: &str = "(?:^|$|[ ,{}()])";

/// Compiles an expression in which `_` is a delimiter and braces mean themselves.
pub(crate) fn cisco_pattern(text: &str) -> Result<Pattern, ParsePatternError> {
    let mut translated = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => {
                translated.push('\\');
                translated.extend(chars.next());
            }
            '_' => translated.push_str(DELIMITER),
            '{' | '}' => {
                translated.push('\\');
                translated.push(char);
            }
            _ => translated.push(char),
        }
    }
    Pattern::new(&translated).map_err(|error| ParsePatternError { text: text.to_owned(), ..error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn underscores_delimit() {
        let finds = |pattern: &str, text: &str| cisco_pattern(pattern).expect("a pattern").finds(text);
        assert!(finds("_65000_", "65000"));
        assert!(finds("_65000_", "1 65000 2"));
        assert!(!finds("_65000_", "165000"));
        assert!(finds("^$", ""));
        assert!(finds("^[0-9]+$", "65000"));
        assert!(!finds("^[0-9]+$", "65000 1"));
        assert_eq!(cisco_pattern("(_").expect_err("open").text, "(_");
    }
}
