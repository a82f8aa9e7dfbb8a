//! What a terminal session leaves in a captured configuration.

use crate::line::Line;

/// Returns the line without a pager's prompt before it, or `None` if nothing else is on it.
pub(crate) fn without_pager(line: Line<'_>) -> Option<Line<'_>> {
    let Some(rest) = line.text.strip_prefix("--More--") else { return Some(line) };
    let blank = |char: char| char == '\u{8}' || char == '\r' || char == ' ';
    let after = rest.rfind('\u{8}').map_or(0, |at| at + 1);
    let text = rest[after..].trim_start_matches(blank);
    let skipped = (line.text.len() - text.len()) as u32;
    let indent = (rest.len() - after - text.len()) as u32;
    (!text.is_empty()).then_some(Line { text, start: line.start + skipped, indent, ..line })
}

/// Returns whether an unindented line is a prompt or what `show running-config` prints before the configuration.
pub(crate) fn is_noise(text: &str) -> bool {
    text.starts_with("Building configuration")
        || text.starts_with("Current configuration")
        || text.starts_with("Using ") && text.contains(" out of ")
        || is_prompt(text)
}

/// Returns whether the line starts with a prompt: a host name, perhaps a mode in parentheses, then `#` or `>`.
fn is_prompt(text: &str) -> bool {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'(' | b')' | b'/');
    let end = text.bytes().position(|byte| !name(byte)).unwrap_or(text.len());
    end > 0 && matches!(text.as_bytes().get(end), Some(b'#' | b'>'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_and_headers_are_noise() {
        for noise in [
            "R1#",
            "R1#show run",
            "pe-1.lab(config)#do sh run",
            "R1>",
            "Building configuration...",
            "Current configuration : 4473 bytes",
            "Using 1200 out of 262144 bytes",
        ] {
            assert!(is_noise(noise), "{noise}");
        }
        for line in ["hostname R1", "interface Loopback0", "#", "enable secret 5 $1$a#b", "end"] {
            assert!(!is_noise(line), "{line}");
        }
    }

    #[test]
    fn a_pager_prompt_is_dropped_from_its_line() {
        let line = |text| Line { number: 1, indent: 1, text, start: 5 };
        assert!(without_pager(line("--More--")).is_none());
        let rest = without_pager(line("--More-- \u{8}\u{8}\u{8} ip vrf A")).expect("a command");
        assert_eq!((rest.text, rest.indent, rest.start), ("ip vrf A", 1, 18));
        assert_eq!(without_pager(line("ip vrf A")).map(|line| line.text), Some("ip vrf A"));
    }
}
