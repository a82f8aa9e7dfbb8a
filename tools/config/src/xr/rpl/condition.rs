//! Conditions of `if`.

use std::sync::Arc;

use vrfleak_engine::policy::{CommunityTest, Condition, List, ListEntry, Number, Pattern, PrefixList, Protocols};
use vrfleak_engine::{OriginCode, Protocol};

use super::set;
use super::statement::{Compiler, list};
use super::token::Token;

/// How deep conditions may nest.
const MAX_DEPTH: usize = 30;

impl<'a> Compiler<'_, '_, 'a, '_> {
    /// Reads a condition: `or` binds weakest, then `and`, then `not`.
    pub(super) fn condition(&mut self) -> Condition {
        self.either(0)
    }

    fn either(&mut self, depth: usize) -> Condition {
        let mut any = vec![self.both(depth)];
        while self.eat("or") {
            any.push(self.both(depth));
        }
        if any.len() == 1 { any.remove(0) } else { Condition::Any(any) }
    }

    fn both(&mut self, depth: usize) -> Condition {
        let mut all = vec![self.single(depth)];
        while self.eat("and") {
            all.push(self.single(depth));
        }
        if all.len() == 1 { all.remove(0) } else { Condition::All(all) }
    }

    fn single(&mut self, depth: usize) -> Condition {
        if depth >= MAX_DEPTH {
            let expected = format_args!("expected at most {MAX_DEPTH} levels");
            self.report.error(self.here(), "the condition nests too deep", expected);
            self.at = self.tokens.len();
            return Condition::Never;
        }
        if self.eat("not") {
            return Condition::Not(Box::new(self.single(depth + 1)));
        }
        if self.eat("(") {
            let inner = self.either(depth + 1);
            self.expect(")");
            return inner;
        }
        let Some(token) = self.next() else {
            self.report.error(self.here(), "the policy ends too early", "expected a condition");
            return Condition::Never;
        };
        self.test(token).unwrap_or_else(|| self.unmodelled(token))
    }

    /// Reports a test that is not modelled, and skips to what comes after it.
    fn unmodelled(&mut self, token: Token<'a>) -> Condition {
        let message = format_args!("condition `{}` is not modelled here", token.text);
        self.report.warning(token.place, message, "taken as never true");
        let mut open = 0_usize;
        while let Some(token) = self.peek() {
            match token.text {
                "(" => open += 1,
                ")" if open == 0 => break,
                ")" => open -= 1,
                "then" | "and" | "or" if open == 0 => break,
                _ => {}
            }
            self.at += 1;
        }
        Condition::Never
    }

    fn test(&mut self, token: Token<'a>) -> Option<Condition> {
        match token.text {
            "true" => Some(Condition::Always),
            "false" => Some(Condition::Never),
            "apply" => Some(self.applied()),
            "destination" if self.eat("in") => self.prefix_set().map(Condition::Prefix),
            "next-hop" if self.eat("in") => self.prefix_set().map(Condition::NextHop),
            "community" => {
                let test = self.next()?;
                let members = match test.text {
                    "is-empty" => return Some(Condition::Communities(list(CommunityTest::Empty))),
                    "matches-any" | "matches-every" | "matches-within" => self.community_members(),
                    _ => return None,
                };
                let members = members.unwrap_or_default().into();
                Some(Condition::Communities(list(match test.text {
                    "matches-any" => CommunityTest::AnyOf(members),
                    "matches-every" => CommunityTest::AllOf(members),
                    _ => CommunityTest::Within(members),
                })))
            }
            "extcommunity" if self.eat("rt") => {
                let test = self.next()?;
                let members = match test.text {
                    "is-empty" => return Some(Condition::Targets(list(CommunityTest::Empty))),
                    "matches-any" | "matches-every" | "matches-within" => self.target_members(),
                    _ => return None,
                };
                let members = members.unwrap_or_default().into();
                Some(Condition::Targets(list(match test.text {
                    "matches-any" => CommunityTest::AnyOf(members),
                    "matches-every" => CommunityTest::AllOf(members),
                    _ => CommunityTest::Within(members),
                })))
            }
            "as-path" => self.as_path(),
            "tag" => self.comparison(Number::Tag),
            "med" => self.comparison(Number::Med),
            "local-preference" => self.comparison(Number::LocalPreference),
            "weight" => self.comparison(Number::Weight),
            "protocol" => self.protocols().map(Condition::Protocol),
            "origin" if self.eat("is") => match self.next()?.text {
                "igp" => Some(Condition::Origin(OriginCode::Igp)),
                "egp" => Some(Condition::Origin(OriginCode::Egp)),
                "incomplete" => Some(Condition::Origin(OriginCode::Incomplete)),
                _ => None,
            },
            "rd" if self.eat("in") => {
                let rds = match self.parenthesised() {
                    Some(tokens) => set::rds(&tokens, self.report),
                    None => {
                        let name = self.next()?;
                        let found = self.build.sets.rds.get(name.text).cloned();
                        found.unwrap_or_else(|| {
                            self.undefined("RD set", name);
                            Vec::new()
                        })
                    }
                };
                Some(Condition::Rd(rds.into()))
            }
            _ => None,
        }
    }

    /// Takes a set of prefixes, by name or in parentheses.
    fn prefix_set(&mut self) -> Option<Arc<PrefixList>> {
        if let Some(tokens) = self.parenthesised() {
            return Some(Arc::new(set::prefixes("", &tokens, self.report)));
        }
        let name = self.next()?;
        let found = self.build.sets.prefixes.get(name.text).cloned();
        Some(found.unwrap_or_else(|| {
            self.undefined("prefix set", name);
            Arc::default()
        }))
    }

    fn as_path(&mut self) -> Option<Condition> {
        let test = self.next()?;
        let patterns = match test.text {
            "in" => match self.parenthesised() {
                Some(tokens) => set::as_paths(&tokens, self.report),
                None => {
                    let name = self.next()?;
                    let found = self.build.sets.as_paths.get(name.text).cloned();
                    found.unwrap_or_else(|| {
                        self.undefined("AS-path set", name);
                        Vec::new()
                    })
                }
            },
            "is-local" => vec![Pattern::new("^$").ok()?],
            "length" => return self.comparison(Number::AsPathLength),
            keyword => vec![set::as_path(keyword, self.next()?.text)?.ok()?],
        };
        let entries = patterns.into_iter().map(|test| ListEntry { permit: true, test }).collect();
        Some(Condition::AsPath(Arc::new(List { name: Box::default(), entries })))
    }

    /// Takes `is N`, `eq N`, `ge N`, `le N` or `in (N, ...)`.
    fn comparison(&mut self, number: Number) -> Option<Condition> {
        let operator = self.next()?;
        if operator.text == "in" {
            let values = self.parenthesised()?;
            let test = |token: &Token<'_>| {
                let value = token.text.parse().ok()?;
                Some(Condition::Between(number, value, value))
            };
            return Some(Condition::Any(values.iter().filter_map(test).collect()));
        }
        let value = self.next()?.text.parse().ok()?;
        match operator.text {
            "is" | "eq" => Some(Condition::Between(number, value, value)),
            "ge" => Some(Condition::Between(number, value, u32::MAX)),
            "le" => Some(Condition::Between(number, 0, value)),
            _ => None,
        }
    }

    /// Takes `is PROTOCOL` or `in (PROTOCOL, ...)`.
    fn protocols(&mut self) -> Option<Protocols> {
        let tokens = match self.next()?.text {
            "is" => {
                let first = self.next()?;
                // `bgp 65000`: the number of the instance follows.
                self.at +=
                    usize::from(self.peek_text().bytes().all(|byte| byte.is_ascii_digit()) && self.peek().is_some());
                vec![first]
            }
            "in" => self.parenthesised()?,
            _ => return None,
        };
        let add = |set: Protocols, token: &Token<'_>| match token.text {
            "connected" => set.with(Protocol::Connected),
            "local" => set.with(Protocol::Local),
            "static" => set.with(Protocol::Static),
            "bgp" => set.with(Protocol::Bgp),
            _ => set,
        };
        Some(tokens.iter().fold(Protocols::default(), add))
    }
}
