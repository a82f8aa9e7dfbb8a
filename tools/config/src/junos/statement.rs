//! [`statements`]: both forms of a Junos configuration as one: a list of words from the top to the leaf.

use crate::line::Lines;
use crate::place::Place;
use crate::report::Report;
use crate::word::Word;

/// How deep braces may nest.
const MAX_DEPTH: usize = 64;
/// How many words a statement may have.
const MAX_WORDS: usize = 128;
/// How many elements a list in brackets may have.
const MAX_ELEMENTS: usize = 100_000;

/// Calls `each` with every statement of a configuration with braces. A list in brackets is a statement for each of its
/// elements. What is `inactive:` is left out.
pub(super) fn braces<'a>(
    source: u32,
    text: &'a str,
    report: &mut Report<'_>,
    mut each: impl FnMut(&[Word<'a>], &mut Report<'_>),
) {
    let mut scanner = Scanner { source, text, at: 0 };
    // The words so far, and how many of them each open brace keeps.
    let mut words: Vec<Word<'a>> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut list: Option<Vec<Word<'a>>> = None;
    let mut in_brackets = false;
    let mut last = Place { source, start: 0, end: 0 };
    while let Some(word) = scanner.next() {
        last = word.place;
        match word.text {
            "{" => {
                if open.len() >= MAX_DEPTH {
                    report.error(
                        word.place,
                        "braces nest too deep",
                        format_args!("expected at most {MAX_DEPTH} levels"),
                    );
                    return;
                }
                open.push(words.len());
            }
            "}" => match open.pop() {
                Some(_) => words.truncate(open.last().copied().unwrap_or(0)),
                None => report.error(word.place, "`}` without `{`", "expected a statement"),
            },
            "[" => (list, in_brackets) = (Some(Vec::new()), true),
            "]" => in_brackets = false,
            ";" => {
                if !words.iter().any(|word| matches!(word.text, "inactive:" | "apply-groups-except")) {
                    match &list {
                        None => each(&words, report),
                        Some(elements) => {
                            for element in elements {
                                words.push(*element);
                                each(&words, report);
                                words.pop();
                            }
                        }
                    }
                }
                list = None;
                words.truncate(open.last().copied().unwrap_or(0));
            }
            "replace:" | "protect:" => {}
            _ if in_brackets => {
                let list = list.get_or_insert_default();
                if list.len() == MAX_ELEMENTS {
                    let expected = format_args!("expected at most {MAX_ELEMENTS} elements");
                    report.error(word.place, "the list is too long", expected);
                    return;
                }
                list.push(word);
            }
            _ if words.len() < MAX_WORDS => words.push(word),
            _ => {}
        }
    }
    if let Some(&kept) = open.last() {
        let name = words.get(kept.saturating_sub(1)).map_or("{", |word| word.text);
        report.error(last, format_args!("`{name}` has no end"), "expected `}`");
    }
}

/// Calls `each` with every statement of a configuration of `set` commands, except those that are `deactivate`d, or
/// deleted by a later command.
pub(super) fn commands<'a>(
    source: u32,
    text: &'a str,
    report: &mut Report<'_>,
    mut each: impl FnMut(&[Word<'a>], &mut Report<'_>),
) {
    // Up to which line statements below a path do not count.
    let mut absent: ahash::AHashMap<Vec<&str>, u32> = ahash::AHashMap::new();
    let mut longest = 0;
    let mut lines = Lines::new(text);
    while let Some(line) = lines.next_filled() {
        let Some((command, rest)) = line.text.split_once(' ') else { continue };
        if !matches!(command, "deactivate" | "activate" | "delete") {
            continue;
        }
        let path: Vec<_> = rest.split_ascii_whitespace().take(MAX_WORDS).collect();
        longest = longest.max(path.len());
        match command {
            "deactivate" => absent.insert(path, u32::MAX),
            "delete" => absent.insert(path, line.number),
            _ => absent.remove(&path),
        };
    }
    let mut lines = Lines::new(text);
    while let Some(line) = lines.next_filled() {
        let Some(rest) = line.text.strip_prefix("set ") else {
            let commands = ["#", "/", "deactivate ", "activate ", "delete "];
            if !commands.iter().any(|command| line.text.starts_with(command)) {
                report.unknown(source, line.number, line.text);
            }
            continue;
        };
        let start = line.start as usize + line.text.len() - rest.len();
        let mut scanner = Scanner { source, text: &text[..line.start as usize + line.text.len()], at: start };
        let mut words = Vec::new();
        let mut list = None;
        while let Some(word) = scanner.next() {
            match word.text {
                "[" => list = Some(Vec::new()),
                "]" => {}
                _ => match &mut list {
                    Some(list) => list.push(word),
                    None if words.len() < MAX_WORDS => words.push(word),
                    None => {}
                },
            }
        }
        let texts: Vec<_> = words.iter().map(|word| word.text).collect();
        let gone = |len| absent.get(&texts[..len]).is_some_and(|until| line.number < *until);
        if (1..=texts.len().min(longest)).any(gone) {
            continue;
        }
        match list {
            None => each(&words, report),
            Some(elements) => {
                for element in elements {
                    words.push(element);
                    each(&words, report);
                    words.pop();
                }
            }
        }
    }
}

/// Words, signs and quoted texts, comments left out.
struct Scanner<'a> {
    source: u32,
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn next(&mut self) -> Option<Word<'a>> {
        let bytes = self.text.as_bytes();
        loop {
            while bytes.get(self.at)?.is_ascii_whitespace() {
                self.at += 1;
            }
            let rest = &self.text[self.at..];
            if rest.starts_with("/*") {
                self.at += rest.find("*/").map_or(rest.len(), |end| end + 2);
            } else if rest.starts_with('#') {
                self.at += memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
            } else {
                break;
            }
        }
        let start = self.at;
        let rest = &self.text[start..];
        let (from, to, end) = match bytes[start] {
            b'{' | b'}' | b'[' | b']' | b';' => (start, start + 1, start + 1),
            b'"' => {
                let inner = rest[1..].find('"').unwrap_or(rest.len() - 1);
                (start + 1, start + 1 + inner, (start + inner + 2).min(self.text.len()))
            }
            _ => {
                // Brackets within a word are those of a regular expression.
                let mut within = false;
                let sign = |byte: u8| match byte {
                    b'[' => {
                        within = true;
                        false
                    }
                    b']' => !std::mem::replace(&mut within, false),
                    byte => byte.is_ascii_whitespace() || matches!(byte, b'{' | b'}' | b';'),
                };
                let len = rest.bytes().position(sign).unwrap_or(rest.len());
                (start, start + len, start + len)
            }
        };
        self.at = end;
        let place = Place { source: self.source, start: from as u32, end: to as u32 };
        Some(Word { text: &self.text[from..to], place })
    }
}
