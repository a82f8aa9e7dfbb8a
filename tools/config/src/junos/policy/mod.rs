//! `policy-options`: policy statements, prefix lists, communities, AS paths.

mod as_path;
mod community;
mod compile;
mod route_filter;
mod term;

use ahash::{AHashMap, AHashSet};
use ipnet::IpNet;
use vrfleak_engine::RouteTarget;
use vrfleak_engine::policy::Pattern;

use crate::place::{Located, Place};
use crate::report::Report;
use crate::route_map::Compiled;
use crate::value;
use crate::word::Word;
use as_path::as_path;
use community::{Members, member};
use term::{From, Term, read_term};

#[derive(Debug, Default)]
struct Statement {
    place: Option<Place>,
    terms: Vec<Term>,
    ids: AHashMap<String, usize>,
}

/// The policies of a configuration as they were read.
#[derive(Debug, Default)]
pub(super) struct Texts {
    statements: Vec<(String, Statement)>,
    ids: AHashMap<String, usize>,
    prefix_lists: AHashMap<String, Vec<IpNet>>,
    communities: AHashMap<String, Members>,
    as_paths: AHashMap<String, Pattern>,
}

/// The policies of a device, and the targets that each asks for.
#[derive(Debug, Default)]
pub(super) struct Junos {
    pub(super) compiled: Compiled,
    targets: AHashMap<String, Vec<Located<Option<RouteTarget>>>>,
    /// Those that accept routes whatever their targets.
    open: AHashSet<String>,
}

impl Junos {
    /// Returns whether one of these policies accepts routes whatever their targets.
    pub(super) fn is_open(&self, names: &[Located<String>]) -> bool {
        names.iter().any(|name| self.open.contains(&name.value))
    }

    /// Returns the targets that these policies ask for: those that an instance imports.
    pub(super) fn targets_of(&self, names: &[Located<String>]) -> Vec<Located<Option<RouteTarget>>> {
        names.iter().filter_map(|name| self.targets.get(&name.value)).flatten().copied().collect()
    }
}
impl Texts {
    /// Reads what follows `policy-options`.
    pub(super) fn statement(&mut self, words: &[Word<'_>], report: &mut Report<'_>) -> bool {
        let texts: Vec<&str> = words.iter().map(|word| word.text).collect();
        match texts.as_slice() {
            ["prefix-list", name, rest @ ..] => {
                let list = self.prefix_lists.entry((*name).to_owned()).or_default();
                match rest.first() {
                    None => {}
                    Some(&"apply-path") => {
                        report.warning(words[2].place, "`apply-path` is not modelled", "the list lacks its prefixes");
                    }
                    Some(_) => list.extend(value::net_of(words[2], report).map(|net| net.value.trunc())),
                }
            }
            ["community", name, "members", ..] if words.len() > 3 => {
                let members = self.communities.entry((*name).to_owned()).or_default();
                member(words[3], members, report);
            }
            ["community", name, "invert-match"] => {
                self.communities.entry((*name).to_owned()).or_default().inverted = true;
            }
            ["as-path", name, text, ..] => match Pattern::new(&as_path(text)) {
                Ok(pattern) => {
                    self.as_paths.insert((*name).to_owned(), pattern);
                }
                Err(error) => report.error(words[2].place, error, "expected a regular expression over AS numbers"),
            },
            ["policy-statement", _, "term", _, rest @ ..] => {
                let at = words.len() - rest.len();
                let term = self.term(words[1], words[3].text, words[3].place);
                return read_term(term, &words[at..], report);
            }
            ["policy-statement", _, "from" | "then" | "to", ..] => {
                let term = self.term(words[1], "", words[1].place);
                return read_term(term, &words[2..], report);
            }
            _ => return false,
        }
        true
    }

    /// Returns the term of a policy, made unless it was there. What stands outside of any term comes last.
    fn term(&mut self, policy: Word<'_>, name: &str, place: Place) -> &mut Term {
        let index = *self.ids.entry(policy.text.to_owned()).or_insert(self.statements.len());
        if index == self.statements.len() {
            let statement = Statement { place: Some(policy.place), ..Statement::default() };
            self.statements.push((policy.text.to_owned(), statement));
        }
        let statement = &mut self.statements[index].1;
        let at = *statement.ids.entry(name.to_owned()).or_insert(statement.terms.len());
        if at == statement.terms.len() {
            let (from, then) = (Vec::new(), Vec::new());
            let term = Term { name: name.to_owned(), place, from, then, flow: None, next_policy: false };
            statement.terms.push(term);
        }
        &mut statement.terms[at]
    }

    /// Returns the policies so that each comes after those that it asks. Circles are reported.
    fn in_call_order(&self, report: &mut Report<'_>) -> Vec<usize> {
        let asked = |policy: usize| {
            self.statements[policy].1.terms.iter().flat_map(|term| &term.from).filter_map(|from| match from {
                From::Policy(name) => Some(name),
                _ => None,
            })
        };
        let mut order = Vec::with_capacity(self.statements.len());
        // 0 is not seen, 1 on the way, 2 done.
        let mut state = vec![0_u8; self.statements.len()];
        for start in 0..self.statements.len() {
            let mut path = vec![start];
            while let Some(&policy) = path.last() {
                if state[policy] == 0 {
                    state[policy] = 1;
                    for name in asked(policy) {
                        match self.ids.get(&name.value).map(|&index| (index, state[index])) {
                            Some((index, 0)) => path.push(index),
                            Some((_, 1)) => report.error(
                                name.place,
                                format_args!("policy `{}` asks itself", name.value),
                                "expected no circle",
                            ),
                            _ => {}
                        }
                    }
                } else {
                    if state[policy] == 1 {
                        state[policy] = 2;
                        order.push(policy);
                    }
                    path.pop();
                }
            }
        }
        order
    }
}
