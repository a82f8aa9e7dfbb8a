//! The route policy language of IOS-XR.
//!
//! Policies and sets are collected as tokens, since they may name each other in any order and take parameters.
//! [`Texts::compile`] then makes an engine policy of every policy without parameters, and of every call with arguments,
//! `$name` replaced. A policy is compiled in one pass: `if` becomes jumps over its bodies.

mod condition;
mod set;
mod statement;
mod token;

use ahash::AHashMap;
use vrfleak_engine::PolicyId;
use vrfleak_engine::policy::Policy;

use crate::line::Lines;
use crate::place::{Located, Place};
use crate::report::Report;
use crate::route_map::Compiled;
use crate::value;
use crate::word::Words;
use set::{SetKind, Sets};
use statement::Compiler;
use token::Token;

/// How deep policies may apply each other while they are compiled.
const MAX_APPLY_DEPTH: usize = vrfleak_engine::policy::MAX_CALL_DEPTH;
/// How many tokens all policies and sets have.
const MAX_TOKENS: usize = 20_000_000;
/// How many calls with arguments are compiled.
const MAX_INSTANCES: usize = 10_000;

/// A policy as it was read.
#[derive(Debug)]
struct PolicyText<'a> {
    place: Place,
    parameters: Vec<&'a str>,
    body: Vec<Token<'a>>,
}

/// A call of a policy: its name and arguments.
#[derive(Clone, Debug)]
struct Reference<'a> {
    name: Token<'a>,
    arguments: Vec<Token<'a>>,
}

impl Reference<'_> {
    /// Returns the name under which the policy is compiled for these arguments.
    fn key(&self) -> String {
        if self.arguments.is_empty() {
            return self.name.text.to_owned();
        }
        let arguments: Vec<_> = self.arguments.iter().map(|argument| argument.text).collect();
        format!("{}({})", self.name.text, arguments.join(", "))
    }
}

/// The policies and sets of a configuration.
#[derive(Debug, Default)]
pub(super) struct Texts<'a> {
    policies: AHashMap<&'a str, PolicyText<'a>>,
    /// The names of the policies, in the order of the text.
    names: Vec<&'a str>,
    sets: Vec<(SetKind, Token<'a>, Vec<Token<'a>>)>,
    references: Vec<Reference<'a>>,
    /// How many tokens there are in all.
    tokens: usize,
}

impl<'a> Texts<'a> {
    /// Reads the policy or set that this line opens, to its end, and returns whether it opens one.
    pub(super) fn opens(&mut self, words: Words<'a>, lines: &mut Lines<'a>, report: &mut Report<'_>) -> bool {
        let source = words.whole().source;
        let head: Vec<_> = token::tokens(words, 0).collect();
        let [first, rest @ ..] = head.as_slice() else { return false };
        let kind = match first.text {
            "route-policy" => None,
            text => match SetKind::of(text, rest.first().map_or("", |token| token.text)) {
                Some(kind) => Some(kind),
                None => return false,
            },
        };
        let rest = if kind.is_some_and(SetKind::has_type) { rest.get(1..).unwrap_or_default() } else { rest };
        let Some(&name) = rest.first() else {
            report.error(words.end(), "the line ends too early", "expected a name");
            return true;
        };
        let end = if kind.is_some() { "end-set" } else { "end-policy" };
        let mut body = Vec::new();
        let mut ended = false;
        loop {
            let before = lines.clone();
            let Some(line) = lines.next_filled() else { break };
            if line.text == end {
                ended = true;
                break;
            }
            if line.indent == 0 && starts_another(line.text) {
                *lines = before;
                break;
            }
            if !line.text.starts_with(['#', '!']) && self.tokens < MAX_TOKENS {
                let before = body.len();
                body.extend(token::tokens(line.words(source), line.number));
                self.tokens += body.len() - before;
                if self.tokens >= MAX_TOKENS {
                    let expected = format_args!("expected at most {MAX_TOKENS} words in all of them");
                    report.error(line.words(source).whole(), "policies and sets are too long", expected);
                }
            }
        }
        if !ended {
            report.error(name.place, format_args!("`{}` has no end", name.text), format_args!("expected `{end}`"));
        }
        match kind {
            None => {
                let parameters =
                    rest[1..].iter().map(|token| token.text).filter(|text| text.starts_with('$')).collect();
                let text = PolicyText { place: name.place, parameters, body };
                if self.policies.insert(name.text, text).is_none() {
                    self.names.push(name.text);
                }
            }
            Some(kind) => self.sets.push((kind, name, body)),
        }
        true
    }

    /// Reads `NAME` or `NAME(ARGUMENT, ...)` and returns the name that the compiled policy has.
    pub(super) fn reference(&mut self, mut words: Words<'a>, report: &mut Report<'_>) -> Option<Located<String>> {
        let rest = words;
        value::word(&mut words, report, "the name of a route policy")?;
        let tokens: Vec<_> = token::tokens(rest, 0).collect();
        let (reference, _) = reference(&tokens)?;
        let name = Located::new(reference.key(), reference.name.place);
        self.references.push(reference);
        Some(name)
    }

    /// Returns whether the policy of this name accepts every route unchanged.
    pub(super) fn passes_all(&self, name: &str) -> bool {
        let body = self.policies.get(name).map(|text| text.body.as_slice());
        matches!(body, Some([only]) if matches!(only.text, "pass" | "done"))
    }

    /// Makes policies of all that were read.
    pub(super) fn compile(self, report: &mut Report<'_>) -> Compiled {
        let mut build = Build {
            sets: Sets::build(&self.sets, report),
            texts: &self,
            compiled: Compiled::default(),
            on_the_way: Vec::new(),
            instances: 0,
        };
        for &name in &self.names {
            let text = &self.policies[name];
            if text.parameters.is_empty() {
                let name = Token { text: name, place: text.place, line: 0 };
                build.instance(&Reference { name, arguments: Vec::new() }, report);
            }
        }
        for reference in &self.references {
            if self.policies.contains_key(reference.name.text) {
                build.instance(reference, report);
            }
        }
        build.compiled
    }
}

/// Returns whether an unindented line cannot be part of a policy or a set.
fn starts_another(text: &str) -> bool {
    let first = text.split_ascii_whitespace().next().unwrap_or_default();
    matches!(first, "route-policy" | "router" | "interface" | "vrf" | "end" | "end-policy" | "end-set")
        || first.ends_with("-set") && first != "end-set"
}

/// Reads `NAME` or `NAME(ARGUMENT, ...)` from tokens, and returns how many they were.
fn reference<'a>(tokens: &[Token<'a>]) -> Option<(Reference<'a>, usize)> {
    let &name = tokens.first()?;
    let mut arguments = Vec::new();
    let mut count = 1;
    if tokens.get(1).is_some_and(|token| token.text == "(") {
        count = 2;
        for token in &tokens[2..] {
            count += 1;
            match token.text {
                ")" => break,
                "," => {}
                _ => arguments.push(*token),
            }
        }
    }
    Some((Reference { name, arguments }, count))
}

/// The state while policies are compiled.
struct Build<'t, 'a> {
    texts: &'t Texts<'a>,
    sets: Sets,
    compiled: Compiled,
    /// The policies that are being compiled, each applied by the one before.
    on_the_way: Vec<String>,
    instances: usize,
}

impl<'a> Build<'_, 'a> {
    /// Returns the policy of this name for these arguments, compiled unless it was before.
    fn instance(&mut self, reference: &Reference<'a>, report: &mut Report<'_>) -> Option<PolicyId> {
        let key = reference.key();
        if let Some(&id) = self.compiled.ids.get(&key) {
            return Some(id);
        }
        let name = reference.name;
        let texts = self.texts;
        let Some(text) = texts.policies.get(name.text) else {
            report.warning(
                name.place,
                format_args!("route policy `{}` is not defined", name.text),
                "taken as one that matches nothing",
            );
            return None;
        };
        if self.on_the_way.contains(&key) {
            report.error(name.place, format_args!("route policy `{key}` applies itself"), "expected no circle");
            return None;
        }
        if self.on_the_way.len() >= MAX_APPLY_DEPTH || self.instances >= MAX_INSTANCES {
            report.error(
                name.place,
                "route policies apply each other too often",
                format_args!("expected at most {MAX_APPLY_DEPTH} levels and {MAX_INSTANCES} calls with arguments"),
            );
            return None;
        }
        if reference.arguments.len() != text.parameters.len() {
            report.error(
                name.place,
                format_args!("{} arguments for route policy `{}`", reference.arguments.len(), name.text),
                format_args!("expected {}", text.parameters.len()),
            );
            return None;
        }
        self.instances += 1;
        self.on_the_way.push(key.clone());
        let value = |token: &Token<'a>| {
            let parameter = text.parameters.iter().position(|parameter| *parameter == token.text);
            parameter.map_or(*token, |at| Token { text: reference.arguments[at].text, ..*token })
        };
        let body: Vec<_> = text.body.iter().map(value).collect();
        let clauses = Compiler::new(&body, text.place, self, report).compile();
        self.on_the_way.pop();
        self.compiled.add(Policy { name: key.into(), clauses }, text.place, report)
    }
}
