//! [`Compiler`]: the statements of one policy, to clauses.

use std::sync::Arc;

use vrfleak_engine::policy::{Action, Call, Change, Clause, CommunityTest, Condition, Flow, List, ListEntry, Member};
use vrfleak_engine::{Community, OriginCode, RouteTarget};

use super::token::Token;
use super::{Build, reference, set};
use crate::place::Place;
use crate::report::Report;

/// How deep `if` may nest.
const MAX_DEPTH: usize = 32;
/// The longest label of a clause, in bytes.
const LABEL_BYTES: usize = 80;

/// Reads the tokens of a policy and makes clauses of them.
pub(super) struct Compiler<'c, 't, 'a, 's> {
    pub(super) tokens: &'c [Token<'a>],
    pub(super) at: usize,
    pub(super) policy: Place,
    pub(super) build: &'c mut Build<'t, 'a>,
    pub(super) report: &'c mut Report<'s>,
    clauses: Vec<Clause>,
}

impl<'c, 't, 'a, 's> Compiler<'c, 't, 'a, 's> {
    pub(super) fn new(
        tokens: &'c [Token<'a>],
        policy: Place,
        build: &'c mut Build<'t, 'a>,
        report: &'c mut Report<'s>,
    ) -> Self {
        Self { tokens, at: 0, policy, build, report, clauses: Vec::new() }
    }

    /// Returns the clauses of the whole policy.
    pub(super) fn compile(mut self) -> Vec<Clause> {
        self.block(0);
        if let Some(token) = self.peek() {
            let message = format_args!("`{}` without `if`", token.text);
            self.report.error(token.place, message, "expected a statement or the end of the policy");
        }
        self.clauses
    }

    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    pub(super) fn peek_text(&self) -> &'a str {
        self.peek().map_or("", |token| token.text)
    }

    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        let token = self.peek();
        self.at += usize::from(token.is_some());
        token
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.peek_text() == text;
        self.at += usize::from(found);
        found
    }

    /// Returns the place of the next token, or of the policy's name at its end.
    pub(super) fn here(&self) -> Place {
        self.peek().map_or(self.policy, |token| token.place)
    }

    pub(super) fn expect(&mut self, text: &str) -> bool {
        let found = self.eat(text);
        if !found {
            let message = match self.peek() {
                Some(token) => format!("`{}` does not go here", token.text),
                None => "the policy ends too early".to_owned(),
            };
            self.report.error(self.here(), message, format_args!("expected `{text}`"));
        }
        found
    }

    fn push(&mut self, start: usize, clause: Clause) {
        let place = self.tokens.get(start).map_or(self.policy, |token| token.place);
        let source = self.build.compiled.source(place);
        let line = self.tokens.get(start).map(|token| token.line);
        let words = self.tokens[start..].iter().take_while(|token| Some(token.line) == line).map(|token| token.text);
        let mut label = words.collect::<Vec<_>>().join(" ");
        let mut end = label.len().min(LABEL_BYTES);
        while !label.is_char_boundary(end) {
            end -= 1;
        }
        label.truncate(end);
        self.clauses.push(Clause { label: label.into(), source, ..clause });
    }

    /// Reads statements up to what ends a block.
    fn block(&mut self, depth: usize) {
        while let Some(token) = self.peek() {
            let start = self.at;
            match token.text {
                "endif" | "else" | "elseif" => return,
                "if" => self.if_statement(depth),
                "pass" => {
                    self.at += 1;
                    self.push(start, Clause { passes: true, ..Clause::default() });
                }
                "drop" => {
                    self.at += 1;
                    self.push(start, Clause { then: Flow::Deny, ..Clause::default() });
                }
                "done" => {
                    self.at += 1;
                    self.push(start, Clause { then: Flow::Accept, ..Clause::default() });
                }
                "apply" => {
                    self.at += 1;
                    self.apply(start);
                }
                "set" | "delete" | "prepend" => {
                    self.at += 1;
                    let actions = self.actions(token);
                    // What changes a route accepts it.
                    self.push(start, Clause { actions, passes: true, ..Clause::default() });
                }
                text => {
                    let message = format_args!("statement `{text}` is not modelled");
                    self.report.warning(token.place, message, "the policy goes on as if it did nothing");
                    self.skip_line(token.line);
                }
            }
        }
    }

    /// Skips to the next line, by one token at least.
    fn skip_line(&mut self, line: u32) {
        self.at += 1;
        while self.peek().is_some_and(|token| token.line == line) {
            self.at += 1;
        }
    }

    fn if_statement(&mut self, depth: usize) {
        if depth == MAX_DEPTH {
            let expected = format_args!("expected at most {MAX_DEPTH} levels");
            self.report.error(self.here(), "`if` nests too deep", expected);
            self.at = self.tokens.len();
            return;
        }
        let mut ends = Vec::new();
        loop {
            let start = self.at;
            self.at += 1;
            let condition = self.condition();
            if !self.expect("then") {
                self.at = self.tokens.len();
                return;
            }
            let test = self.clauses.len();
            self.push(start, Clause { condition, ..Clause::default() });
            self.block(depth + 1);
            let at = self.at;
            let another = match self.peek_text() {
                text @ ("elseif" | "else") => {
                    ends.push(self.clauses.len());
                    self.push(at, Clause::default());
                    text
                }
                _ => "",
            };
            self.clauses[test].otherwise = Flow::Goto(self.clauses.len() as u32);
            match another {
                "elseif" => {}
                "else" => {
                    self.at += 1;
                    self.block(depth + 1);
                    self.expect("endif");
                    break;
                }
                _ => {
                    self.expect("endif");
                    break;
                }
            }
        }
        let end = Flow::Goto(self.clauses.len() as u32);
        for jump in ends {
            self.clauses[jump].then = end;
        }
    }

    fn apply(&mut self, start: usize) {
        let Some((target, count)) = reference(&self.tokens[self.at..]) else {
            self.report.error(self.here(), "`apply` without a policy", "expected the name of a route policy");
            return;
        };
        self.at += count;
        if let Some(policy) = self.build.instance(&target, self.report) {
            let call =
                Call { policy, accepted: Flow::Accept, passed: Flow::Next, denied: Flow::Deny, missed: Flow::Next };
            self.push(start, Clause { call: Some(call), ..Clause::default() });
        }
    }

    /// Reads what follows `set`, `delete` or `prepend`.
    fn actions(&mut self, keyword: Token<'a>) -> Vec<Action> {
        let what = self.peek_text();
        let action = match (keyword.text, what) {
            ("set", "med") => self.number().map(Action::Med),
            ("set", "local-preference") => self.number().map(Action::LocalPreference),
            ("set", "weight") => self.number().map(Action::Weight),
            ("set", "tag") => match self.number() {
                Some(Change::Set(tag)) => Some(Action::Tag(tag)),
                _ => None,
            },
            ("set", "origin") => {
                self.at += 1;
                let origin = match self.next().map(|token| token.text) {
                    Some("igp") => Some(OriginCode::Igp),
                    Some("egp") => Some(OriginCode::Egp),
                    Some("incomplete") => Some(OriginCode::Incomplete),
                    _ => None,
                };
                origin.map(Action::Origin)
            }
            ("set", "next-hop") => {
                self.at += 1;
                let token = self.next();
                match token.and_then(|token| token.text.parse().ok()) {
                    Some(address) => Some(Action::NextHop(address)),
                    None => {
                        let place = token.map_or(keyword.place, |token| token.place);
                        self.report.warning(place, "this next hop is not modelled", "the next hop stays as it is");
                        None
                    }
                }
            }
            ("set" | "delete", "community") => {
                self.at += 1;
                self.communities(keyword.text == "delete")
            }
            ("set" | "delete", "extcommunity")
                if self.tokens.get(self.at + 1).is_some_and(|token| token.text == "rt") =>
            {
                self.at += 2;
                self.targets(keyword.text == "delete")
            }
            ("prepend", "as-path") => {
                self.at += 1;
                self.prepend()
            }
            (_, what) => {
                if !is_harmless(what) {
                    let message = format_args!("`{} {what}` is not modelled", keyword.text);
                    self.report.warning(keyword.place, message, "the route stays as it is");
                }
                None
            }
        };
        // The rest of the line is what the action does not know, such as a table of traffic classes.
        while self.peek().is_some_and(|token| token.line == keyword.line && !is_keyword(token.text)) {
            self.at += 1;
        }
        action.into_iter().collect()
    }

    /// Takes an attribute's name and `N`, `+N` or `-N`.
    fn number(&mut self) -> Option<Change> {
        self.at += 1;
        let token = self.next()?;
        let (sign, digits) = match token.text.as_bytes().first() {
            Some(b'+') => (Change::Add as fn(u32) -> Change, &token.text[1..]),
            Some(b'-') => (Change::Subtract as fn(u32) -> Change, &token.text[1..]),
            _ => (Change::Set as fn(u32) -> Change, token.text),
        };
        match digits.parse() {
            Ok(value) => Some(sign(value)),
            Err(_) => {
                let message = format_args!("`{}` is no number that is modelled here", token.text);
                self.report.warning(token.place, message, "the attribute stays as it is");
                None
            }
        }
    }

    fn prepend(&mut self) -> Option<Action> {
        let token = self.next()?;
        let count = |compiler: &mut Self| {
            let count = compiler.peek_text().parse::<u8>().ok();
            compiler.at += usize::from(count.is_some());
            count.unwrap_or(1)
        };
        if token.text == "most-recent" {
            return Some(Action::PrependFirst(count(self)));
        }
        match crate::value::parse_as_number(token.text) {
            Some(asn) => Some(Action::Prepend(vec![asn; usize::from(count(self))].into())),
            None => {
                let message = format_args!("`{}` is no AS number that is modelled here", token.text);
                self.report.warning(token.place, message, "nothing is prepended");
                None
            }
        }
    }

    /// Takes the tokens between parentheses, or returns `None` if none open here.
    pub(super) fn parenthesised(&mut self) -> Option<Vec<Token<'a>>> {
        if !self.eat("(") {
            return None;
        }
        let start = self.at;
        while let Some(token) = self.next() {
            if token.text == ")" {
                return Some(self.tokens[start..self.at - 1].to_vec());
            }
        }
        self.report.error(self.here(), "the parenthesis is not closed", "expected `)`");
        Some(self.tokens[start..].to_vec())
    }

    /// Takes the members of a community set, by name or in parentheses.
    pub(super) fn community_members(&mut self) -> Option<Vec<Member<Community>>> {
        if let Some(tokens) = self.parenthesised() {
            return Some(set::members(&tokens, self.report));
        }
        let name = self.next()?;
        let found = self.build.sets.communities.get(name.text).cloned();
        if found.is_none() {
            self.undefined("community set", name);
        }
        found
    }

    /// Takes the members of a set of route targets, by name or in parentheses.
    pub(super) fn target_members(&mut self) -> Option<Vec<Member<RouteTarget>>> {
        if let Some(tokens) = self.parenthesised() {
            return Some(set::members(&tokens, self.report));
        }
        let name = self.next()?;
        let found = self.build.sets.targets.get(name.text).cloned();
        if found.is_none() {
            self.undefined("extended community set", name);
        }
        found
    }

    pub(super) fn undefined(&mut self, what: &str, name: Token<'_>) {
        self.report.warning(
            name.place,
            format_args!("{what} `{}` is not defined", name.text),
            "taken as one without elements",
        );
    }

    fn communities(&mut self, delete: bool) -> Option<Action> {
        if delete {
            if self.eat("all") {
                return Some(Action::SetCommunities(Box::default()));
            }
            if !self.eat("in") {
                self.report.warning(self.here(), "this way to delete is not modelled", "nothing is deleted");
                return None;
            }
            return self.community_members().map(|members| Action::RemoveCommunities(any_of(members)));
        }
        let values = exact(self.community_members()?);
        Some(if self.eat("additive") { Action::AddCommunities(values) } else { Action::SetCommunities(values) })
    }

    fn targets(&mut self, delete: bool) -> Option<Action> {
        if delete {
            if self.eat("all") {
                return Some(Action::SetTargets(Box::default()));
            }
            if !self.eat("in") {
                self.report.warning(self.here(), "this way to delete is not modelled", "nothing is deleted");
                return None;
            }
            return self.target_members().map(|members| Action::RemoveTargets(any_of(members)));
        }
        let values = exact(self.target_members()?);
        Some(if self.eat("additive") { Action::AddTargets(values) } else { Action::SetTargets(values) })
    }

    /// Returns the condition that holds where a policy passes the route.
    pub(super) fn applied(&mut self) -> Condition {
        let Some((target, count)) = reference(&self.tokens[self.at..]) else { return Condition::Never };
        self.at += count;
        self.build.instance(&target, self.report).map_or(Condition::Never, Condition::Policy)
    }
}

/// Returns whether an attribute of this name changes nothing that is computed here.
fn is_harmless(attribute: &str) -> bool {
    matches!(
        attribute,
        "qos-group"
            | "traffic-class"
            | "traffic-index"
            | "dampening"
            | "label"
            | "label-mode"
            | "label-index"
            | "large-community"
            | "forward-class"
            | "rib-metric"
            | "path-color"
            | "ospf-metric"
            | "isis-metric"
            | "metric-type"
            | "level"
            | "rip-metric"
            | "eigrp-metric"
            | "path-selection"
            | "lsm-root"
            | "mpls"
    )
}

/// Returns whether a statement starts with this word.
fn is_keyword(text: &str) -> bool {
    matches!(
        text,
        "set" | "delete" | "prepend" | "apply" | "pass" | "drop" | "done" | "if" | "elseif" | "else" | "endif"
    )
}

/// Returns the values of members that are exact.
fn exact<T: Copy>(members: Vec<Member<T>>) -> Box<[T]> {
    let value = |member| match member {
        Member::Exact(value) => Some(value),
        Member::Pattern(_) => None,
    };
    members.into_iter().filter_map(value).collect()
}

/// Returns a list that permits what is one of the members.
pub(super) fn any_of<T>(members: Vec<Member<T>>) -> Arc<List<CommunityTest<T>>> {
    list(CommunityTest::AnyOf(members.into()))
}

/// Returns a list that permits what passes the test.
pub(super) fn list<T>(test: T) -> Arc<List<T>> {
    Arc::new(List { name: Box::default(), entries: vec![ListEntry { permit: true, test }] })
}
