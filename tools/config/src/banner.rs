//! [`Banner`]: a text between two delimiters, in which nothing is a command.

use crate::line::Lines;

/// A banner whose first line was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Banner {
    delimiter: String,
    /// Whether the delimiter stands on the first line a second time.
    closed: bool,
}

/// What stands between `banner` and the text.
const KINDS: &[&str] = &["exec", "incoming", "login", "motd", "slip-ppp", "config-save", "prompt-timeout"];
/// What stands between `aaa authentication` and a text.
const AAA_KINDS: &[&str] = &["banner", "fail-message"];

impl Banner {
    /// Returns the banner that this line opens, if it does. Its delimiter is ASCII.
    pub(crate) fn opened_by(line: &str) -> Option<Self> {
        let (rest, kinds) = match line.strip_prefix("banner ") {
            Some(rest) => (rest, KINDS),
            None => (line.strip_prefix("aaa authentication ")?, AAA_KINDS),
        };
        let (kind, text) = rest.trim_ascii_start().split_once(' ')?;
        let text = text.trim_ascii_start();
        if !kinds.contains(&kind) {
            return None;
        }
        // The router shows the control character ETX as `^C`.
        let delimiter = if text.starts_with("^C") { "^C" } else { text.get(..1)? };
        let closed = text[delimiter.len()..].contains(delimiter);
        Some(Self { delimiter: delimiter.to_owned(), closed })
    }

    /// Returns what ends the banner.
    pub(crate) fn delimiter(&self) -> &str {
        &self.delimiter
    }

    /// Skips to behind the end of the banner, and returns whether it has one. Without one, nothing is skipped.
    pub(crate) fn skip(&self, lines: &mut Lines<'_>) -> bool {
        if self.closed {
            return true;
        }
        let mut ahead = lines.clone();
        while let Some(line) = ahead.next_raw() {
            if line.text.contains(&self.delimiter) {
                *lines = ahead;
                return true;
            }
        }
        false
    }
}

/// Skips a certificate: to behind the line `quit`. Without one, nothing is skipped and the answer is `false`.
pub(crate) fn skip_certificate(lines: &mut Lines<'_>) -> bool {
    let mut ahead = lines.clone();
    while let Some(line) = ahead.next_filled() {
        if line.text == "quit" {
            *lines = ahead;
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banner_ends_with_its_delimiter() {
        let banner = Banner::opened_by("banner motd ^Chello").expect("a banner");
        let mut lines = Lines::new("vrf definition X\nbye ^C\nhostname R1\n");
        assert!(banner.skip(&mut lines));
        assert_eq!(lines.next_raw().map(|line| line.text), Some("hostname R1"));
        assert!(Banner::opened_by("banner login #one line#").expect("a banner").skip(&mut Lines::new("")));
        assert!(!banner.skip(&mut Lines::new("no end\n")));
        assert_eq!(Banner::opened_by("banner exec \u{3}").expect("a banner").delimiter(), "\u{3}");
        assert_eq!(Banner::opened_by("aaa authentication banner ^C").expect("a banner").delimiter(), "^C");
        assert_eq!(Banner::opened_by("aaa authentication login default local"), None);
        assert_eq!(Banner::opened_by("bannerette"), None);
    }
}
