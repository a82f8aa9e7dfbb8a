//! [`Groups`]: `groups` and where `apply-groups` inserts them.
//!
//! A group holds statements from the top of the hierarchy. Where it is applied, those below that place take effect as if
//! they stood there, before what does stand there. `<*>` stands for every name that the configuration has in its place.

use ahash::AHashSet;

use crate::report::Report;
use crate::word::Word;

/// How many statements groups may add.
const MAX_ADDED: usize = 1_000_000;
/// How many words of statements are kept while groups are inserted.
const MAX_WORDS: usize = 50_000_000;
/// How many statements may be looked at for the names that wildcards stand for.
const MAX_LOOKED_AT: usize = 200_000_000;

/// Statements, those of groups apart.
#[derive(Debug, Default)]
pub(super) struct Groups<'a> {
    statements: Vec<Vec<Word<'a>>>,
    /// The name of a group, and a statement of it.
    members: Vec<(&'a str, Vec<Word<'a>>)>,
    /// Where a group is applied, and its name.
    applied: Vec<(Vec<Word<'a>>, Word<'a>)>,
    /// How many words there are in all.
    words: usize,
}

impl<'a> Groups<'a> {
    /// Takes a statement.
    pub(super) fn push(&mut self, words: &[Word<'a>], report: &mut Report<'_>) {
        self.words += words.len();
        if self.words > MAX_WORDS {
            if self.words - words.len() <= MAX_WORDS
                && let Some(word) = words.first()
            {
                let expected = format_args!("expected at most {MAX_WORDS} words in all statements");
                report.error(word.place, "the configuration is too long for groups to be inserted", expected);
            }
            return;
        }
        match words {
            [keyword, name, rest @ ..] if keyword.text == "groups" => self.members.push((name.text, rest.to_vec())),
            _ => match words.iter().position(|word| word.text == "apply-groups") {
                Some(at) => {
                    let names = words[at + 1..].iter().map(|&name| (words[..at].to_vec(), name));
                    self.applied.extend(names);
                }
                None => self.statements.push(words.to_vec()),
            },
        }
    }

    /// Calls `each` with all statements, those of groups first. The first group that is named counts before the next.
    pub(super) fn expand(self, report: &mut Report<'_>, mut each: impl FnMut(&[Word<'a>], &mut Report<'_>)) {
        let names: AHashSet<&str> = self.members.iter().map(|(name, _)| *name).collect();
        let (mut added, mut looked_at) = (0, 0);
        for (path, group) in self.applied.iter().rev() {
            if !names.contains(group.text) {
                report.warning(group.place, format_args!("group `{}` is not defined", group.text), "it adds nothing");
            }
            for (_, member) in self.members.iter().filter(|(name, _)| *name == group.text) {
                let below = member.len() > path.len();
                if !below || !member.iter().zip(path).all(|(word, there)| fits(word.text, there.text)) {
                    continue;
                }
                let statement: Vec<_> = path.iter().chain(&member[path.len()..]).copied().collect();
                looked_at += self.statements.len();
                for statement in self.without_wildcards(statement) {
                    added += 1;
                    if added > MAX_ADDED || looked_at > MAX_LOOKED_AT {
                        report.error(
                            group.place,
                            "groups add too much",
                            format_args!("expected {MAX_ADDED} statements"),
                        );
                        return;
                    }
                    each(&statement, report);
                }
            }
        }
        for statement in &self.statements {
            each(statement, report);
        }
    }

    /// Returns the statement for each combination of names that the configuration has where it has wildcards.
    fn without_wildcards(&self, statement: Vec<Word<'a>>) -> Vec<Vec<Word<'a>>> {
        let Some(last) = statement.iter().rposition(|word| is_wildcard(word.text)) else { return vec![statement] };
        let mut seen = AHashSet::new();
        let mut found = Vec::new();
        for there in self.statements.iter().filter(|there| there.len() > last) {
            let all = statement[..=last].iter().zip(there).all(|(word, there)| fits(word.text, there.text));
            let names: Vec<&str> = there[..=last].iter().map(|word| word.text).collect();
            if all && seen.insert(names) {
                found.push(there[..=last].iter().chain(&statement[last + 1..]).copied().collect());
            }
        }
        found
    }
}

fn is_wildcard(text: &str) -> bool {
    text.len() > 2 && text.starts_with('<') && text.ends_with('>')
}

/// Returns whether a word of a group is this name, or a wildcard that stands for it.
fn fits(pattern: &str, name: &str) -> bool {
    if !is_wildcard(pattern) {
        return pattern == name;
    }
    let pattern = &pattern.as_bytes()[1..pattern.len() - 1];
    // `*` is any text, `?` any letter: the last star is tried again where the rest does not fit.
    let name = name.as_bytes();
    let (mut at, mut here, mut star) = (0, 0, None);
    while here < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == name[here] => (at, here) = (at + 1, here + 1),
            _ => match star {
                Some((from, matched)) => {
                    star = Some((from, matched + 1));
                    (at, here) = (from + 1, matched + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_names() {
        for (pattern, name, answer) in [
            ("<*>", "ge-0/0/0", true),
            ("<ge-*>", "ge-0/0/0", true),
            ("<ge-*>", "xe-0/0/0", false),
            ("<*-0/?/0>", "ge-0/1/0", true),
            ("<*0>", "a0b", false),
            ("ge", "ge", true),
            ("ge", "<*>", false),
        ] {
            assert_eq!(fits(pattern, name), answer, "{pattern} {name}");
        }
    }
}
