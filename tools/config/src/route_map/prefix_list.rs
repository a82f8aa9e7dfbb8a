//! `ip prefix-list NAME [seq N] permit|deny PREFIX [ge N] [le N]`, and the same for IPv6.

use ipnet::IpNet;
use vrfleak_engine::Family;

use super::{Line, PrefixLine, RouteMaps, permit, sequence};
use crate::report::Report;
use crate::value;
use crate::word::Words;

impl RouteMaps {
    /// Reads what follows `prefix-list`.
    pub(super) fn prefix_list(&mut self, mut words: Words<'_>, family: Family, report: &mut Report<'_>) -> Line {
        let Some(name) = words.next() else { return Line::Unknown };
        if matches!(name.text, "sequence-number") || matches!(words.peek_text(), "description" | "") {
            return Line::Whole;
        }
        let number = sequence(&mut words, report);
        let Some(permit) = permit(&mut words, report) else { return Line::Whole };
        let Some(line) = prefix_line(&mut words, family, report) else { return Line::Whole };
        let lists = &mut self.prefix_lists[family as usize];
        let list = lists.define(name);
        lists.push(list, number, (permit, line));
        Line::Whole
    }
}

/// Takes `PREFIX [ge N] [le N]` or `any`.
fn prefix_line(words: &mut Words<'_>, family: Family, report: &mut Report<'_>) -> Option<PrefixLine> {
    let word = value::word(words, report, "a prefix")?;
    let width = match family {
        Family::Ipv4 => 32,
        Family::Ipv6 => 128,
    };
    let text = match (word.text, family) {
        ("any", Family::Ipv4) => "0.0.0.0/0",
        ("any", Family::Ipv6) => "::/0",
        (text, _) => text,
    };
    let net = match text.parse::<IpNet>() {
        Ok(net) if net.max_prefix_len() == width => net.trunc(),
        _ => {
            report.error(word.place, format_args!("`{text}` is no {family} prefix"), "expected ADDRESS/LENGTH");
            return None;
        }
    };
    let len = net.prefix_len();
    let any = word.text == "any";
    let (mut min, mut max) = (None, None);
    while let Some(bound) = words.next() {
        let target = match bound.text {
            "ge" => &mut min,
            "le" => &mut max,
            text => {
                report.error(bound.place, format_args!("`{text}` is no bound"), "expected `ge` or `le`");
                return None;
            }
        };
        let value = value::number(words, report, "prefix length", u32::from(len)..=u32::from(width))?;
        *target = Some(value.value as u8);
    }
    let (min, max) = match (min, max) {
        (None, None) if any => (0, width),
        (None, None) => (len, len),
        (Some(min), None) => (min, width),
        (None, Some(max)) => (len, max),
        (Some(min), Some(max)) => (min, max),
    };
    if min > max {
        report.error(
            words.end(),
            format_args!("no length is at least {min} and at most {max}"),
            "expected `ge` not above `le`",
        );
        return None;
    }
    Some(PrefixLine { net, min, max })
}
