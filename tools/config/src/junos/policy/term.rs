//! [`Term`]: what the `from` and `then` statements of a policy say.

use ipnet::IpNet;
use vrfleak_engine::policy::{Action, Change, Condition, Flow, Number, Protocols};
use vrfleak_engine::{Family, OriginCode, Protocol};

use crate::place::{Located, Place};
use crate::report::Report;
use crate::value;
use crate::word::Word;

/// What a `from` statement asks.
#[derive(Clone, Debug)]
pub(super) enum From {
    Condition(Condition),
    /// Prefixes of which one must match.
    /// The action is that of the filter itself, which is taken in place of the term's.
    Filter(IpNet, u8, u8, Option<Flow>),
    PrefixList(Located<String>, Match),
    Community(Located<String>),
    AsPath(Located<String>),
    Policy(Located<String>),
}

/// How a prefix list matches: the prefixes alone, or what they cover too.
#[derive(Clone, Copy, Debug)]
pub(super) enum Match {
    Exact,
    OrLonger,
    Longer,
}

/// What a `then` statement does.
#[derive(Clone, Debug)]
pub(super) enum Then {
    Action(Action),
    SetCommunity(Located<String>),
    AddCommunity(Located<String>),
    DeleteCommunity(Located<String>),
}

/// A term of a policy.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) from: Vec<From>,
    pub(super) then: Vec<Then>,
    pub(super) flow: Option<Flow>,
    pub(super) next_policy: bool,
}

/// Reads a statement of a term, and returns whether it is known.
pub(super) fn read_term(term: &mut Term, words: &[Word<'_>], report: &mut Report<'_>) -> bool {
    let Some((keyword, rest)) = words.split_first() else { return true };
    let texts: Vec<&str> = rest.iter().map(|word| word.text).collect();
    match keyword.text {
        "from" => match from(rest, &texts, report) {
            Ok(Some(from)) => term.from.push(from),
            Err(Reported) => {}
            Ok(None) => {
                let place = rest.first().map_or(keyword.place, |word| word.place);
                report.warning(place, "this condition is not modelled", "taken as never true");
                term.from.push(From::Condition(Condition::Never));
            }
        },
        "then" => match texts.as_slice() {
            ["accept"] => term.flow = Some(Flow::Accept),
            ["reject"] => term.flow = Some(Flow::Deny),
            ["next", "policy"] => term.next_policy = true,
            ["next", "term"] => {}
            ["community", "add" | "+", _] => term.then.push(Then::AddCommunity(rest[2].name())),
            ["community", "set" | "=", _] => term.then.push(Then::SetCommunity(rest[2].name())),
            ["community", "delete" | "-", _] => term.then.push(Then::DeleteCommunity(rest[2].name())),
            ["local-preference", value @ ..] => {
                term.then.extend(change(value).map(|change| Then::Action(Action::LocalPreference(change))));
            }
            ["metric", value @ ..] => {
                term.then.extend(change(value).map(|change| Then::Action(Action::Med(change))));
            }
            ["tag", value] => term.then.extend(value.parse().ok().map(|tag| Then::Action(Action::Tag(tag)))),
            ["origin", value] => term.then.extend(origin(value).map(|origin| Then::Action(Action::Origin(origin)))),
            ["as-path-prepend", path] => {
                let path: Option<Vec<u32>> = path.split_ascii_whitespace().map(value::parse_as_number).collect();
                match path {
                    Some(path) => term.then.push(Then::Action(Action::Prepend(path.into()))),
                    None => report.error(rest[1].place, "no list of AS numbers", "expected AS numbers, blanks between"),
                }
            }
            ["next-hop", text] => match text.parse() {
                Ok(address) => term.then.push(Then::Action(Action::NextHop(address))),
                Err(_) => report.warning(rest[1].place, "this next hop is not modelled", "the next hop stays as it is"),
            },
            [what, ..] if is_harmless(what) => return false,
            _ => {
                let place = rest.first().map_or(keyword.place, |word| word.place);
                report.warning(place, "this action is not modelled", "the route stays as it is");
            }
        },
        _ => {
            report.warning(keyword.place, "this condition is not modelled", "taken as never true");
            term.from.push(From::Condition(Condition::Never));
        }
    }
    true
}

/// Returns whether an action of this name changes nothing that is computed here.
fn is_harmless(action: &str) -> bool {
    matches!(
        action,
        "load-balance"
            | "install-nexthop"
            | "class"
            | "forwarding-class"
            | "source-class"
            | "destination-class"
            | "cos-next-hop-map"
            | "color"
            | "color2"
            | "count"
            | "trace"
            | "damping"
            | "label-allocation"
            | "priority"
            | "map-to-interface"
            | "ssm-source"
            | "tunnel-attribute"
            | "validation-state"
            | "bgp-output-queue-priority"
    )
}

/// A mistake that was reported.
struct Reported;

/// Reads what follows `from`. `Ok(None)` is not modelled, `Err` was reported.
fn from(words: &[Word<'_>], texts: &[&str], report: &mut Report<'_>) -> Result<Option<From>, Reported> {
    let number = |number, text: &str| {
        let value = text.parse().ok()?;
        Some(From::Condition(Condition::Between(number, value, value)))
    };
    let condition = match texts {
        ["protocol", name] => From::Condition(Condition::Protocol(match *name {
            "direct" => Protocols::default().with(Protocol::Connected),
            "local" => Protocols::default().with(Protocol::Local),
            "static" => Protocols::default().with(Protocol::Static),
            "bgp" => Protocols::default().with(Protocol::Bgp),
            _ => Protocols::default(),
        })),
        ["route-filter", _, how @ ..] => {
            let net = value::net_of(words[1], report).ok_or(Reported)?;
            let (len, width) = (net.value.prefix_len(), net.value.max_prefix_len());
            let bound = |text: &str| text.trim_start_matches('/').parse::<u8>().ok().filter(|len| *len <= width);
            let range = match how {
                ["exact", ..] | [] => Some((len, len)),
                ["orlonger", ..] => Some((len, width)),
                ["longer", ..] => Some((len.saturating_add(1), width)),
                ["upto", to, ..] => bound(to).map(|to| (len, to)),
                ["prefix-length-range", range, ..] => {
                    range.split_once('-').and_then(|(first, last)| Some((bound(first)?, bound(last)?)))
                }
                _ => None,
            };
            let Some((min, max)) = range else { return Ok(None) };
            let mut flow = None;
            for action in words.iter().skip(3) {
                match action.text {
                    "accept" => flow = Some(Flow::Accept),
                    "reject" => flow = Some(Flow::Deny),
                    "next" | "metric" | "local-preference" | "community" | "tag" | "preference" | "then" => report
                        .warning(action.place, "this action of a filter is not modelled", "the term's action is taken"),
                    _ => {}
                }
            }
            From::Filter(net.value.trunc(), min, max, flow)
        }
        ["prefix-list", _] => From::PrefixList(words[1].name(), Match::Exact),
        ["prefix-list-filter", _, "orlonger", ..] => From::PrefixList(words[1].name(), Match::OrLonger),
        ["prefix-list-filter", _, "longer", ..] => From::PrefixList(words[1].name(), Match::Longer),
        ["prefix-list-filter", _, ..] => From::PrefixList(words[1].name(), Match::Exact),
        ["community", _] => From::Community(words[1].name()),
        ["as-path", _] => From::AsPath(words[1].name()),
        ["policy", _] => From::Policy(words[1].name()),
        ["tag", text] => return Ok(number(Number::Tag, text)),
        ["metric", text] => return Ok(number(Number::Med, text)),
        ["local-preference", text] => return Ok(number(Number::LocalPreference, text)),
        ["interface", name] => From::Condition(Condition::Interface([(*name).into()].into())),
        ["origin", text] => return Ok(origin(text).map(|origin| From::Condition(Condition::Origin(origin)))),
        ["family", "inet" | "inet-vpn"] => From::Condition(Condition::Family(Family::Ipv4)),
        ["family", "inet6" | "inet6-vpn"] => From::Condition(Condition::Family(Family::Ipv6)),
        _ => return Ok(None),
    };
    Ok(Some(condition))
}

fn change(texts: &[&str]) -> Option<Change> {
    match texts {
        ["add", value] => value.parse().ok().map(Change::Add),
        ["subtract", value] => value.parse().ok().map(Change::Subtract),
        [value] => value.parse().ok().map(Change::Set),
        _ => None,
    }
}

fn origin(text: &str) -> Option<OriginCode> {
    match text {
        "igp" => Some(OriginCode::Igp),
        "egp" => Some(OriginCode::Egp),
        "incomplete" => Some(OriginCode::Incomplete),
        _ => None,
    }
}
