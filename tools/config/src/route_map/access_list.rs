//! Access lists as filters of routes.
//!
//! A standard list compares the first address of the prefix, whatever its length. An extended one compares the first
//! address with its source part and the mask with its destination part. FRR's compare prefixes.

use std::net::Ipv4Addr;

use ipnet::IpNet;
use vrfleak_engine::policy::PrefixEntry;
use vrfleak_engine::{Address, Family, Prefix};

use super::{AccessLine, Line, RouteMaps, Section, permit, sequence};
use crate::report::Report;
use crate::value;
use crate::word::Words;

impl RouteMaps {
    /// Reads what follows `access-list` on IOS: a number that tells the kind, and an entry.
    pub(super) fn numbered_access_list(&mut self, mut words: Words<'_>, report: &mut Report<'_>) -> Line {
        let Some(name) = words.next() else { return Line::Unknown };
        let extended = match name.text.parse::<u32>() {
            Ok(1..=99 | 1300..=1999) => false,
            Ok(100..=199 | 2000..=2699) => true,
            _ => return Line::Unknown,
        };
        if words.peek_text() == "remark" {
            return Line::Whole;
        }
        let list = self.access_lists[0].define(name);
        self.access_line(list, extended, words, report);
        Line::Whole
    }

    /// Reads what follows `ip access-list`: the kind and the name of a list whose entries follow.
    pub(super) fn named_access_list(&mut self, mut words: Words<'_>, _report: &mut Report<'_>) -> Line {
        let extended = match words.next_text() {
            "standard" => false,
            "extended" => true,
            _ => return Line::Unknown,
        };
        let Some(name) = words.next() else { return Line::Unknown };
        Line::Opens(Section::AccessList(self.access_lists[0].define(name), extended))
    }

    /// Reads an entry. What only packets have, such as ports, makes an entry that filters no route.
    pub(super) fn access_line(
        &mut self,
        list: usize,
        extended: bool,
        mut words: Words<'_>,
        report: &mut Report<'_>,
    ) -> bool {
        let number = sequence(&mut words, report);
        if words.peek_text() == "remark" {
            return true;
        }
        if !matches!(words.peek_text(), "permit" | "deny") {
            return false;
        }
        let permit = words.next_text() == "permit";
        let entries = if extended {
            if !words.eat("ip") {
                return true;
            }
            let Some(network) = pair(&mut words, report) else { return true };
            let Some(mask) = pair(&mut words, report) else { return true };
            extended_entries(permit, network, mask)
        } else {
            let Some((bits, wildcard)) = pair(&mut words, report) else { return true };
            vec![PrefixEntry { permit, bits, care: !wildcard, min: 0, max: 32 }]
        };
        self.access_lists[0].push(list, number, AccessLine::Ipv4(entries));
        true
    }

    /// Reads what follows `access-list` on FRR: a name and an entry by prefix.
    pub(super) fn frr_access_list(&mut self, mut words: Words<'_>, family: Family, report: &mut Report<'_>) -> Line {
        let Some(name) = words.next() else { return Line::Unknown };
        let number = sequence(&mut words, report);
        if words.peek_text() == "remark" {
            return Line::Whole;
        }
        let Some(permit) = permit(&mut words, report) else { return Line::Whole };
        let Some(word) = value::word(&mut words, report, "a prefix or `any`") else { return Line::Whole };
        let any = word.text == "any";
        let exact = words.eat("exact-match");
        let line = if any {
            match family {
                Family::Ipv4 => AccessLine::Ipv4(vec![PrefixEntry::new(permit, Prefix::DEFAULT, 0, 32)]),
                Family::Ipv6 => AccessLine::Ipv6(vec![PrefixEntry::new(permit, Prefix::DEFAULT, 0, 128)]),
            }
        } else {
            match value::net_of(word, report).map(|net| net.value) {
                None => return Line::Whole,
                Some(IpNet::V4(net)) => {
                    let prefix = Prefix::from(net);
                    AccessLine::Ipv4(vec![PrefixEntry::new(
                        permit,
                        prefix,
                        prefix.len(),
                        if exact { prefix.len() } else { 32 },
                    )])
                }
                Some(IpNet::V6(net)) => {
                    let prefix = Prefix::from(net);
                    AccessLine::Ipv6(vec![PrefixEntry::new(
                        permit,
                        prefix,
                        prefix.len(),
                        if exact { prefix.len() } else { 128 },
                    )])
                }
            }
        };
        let lists = &mut self.access_lists[family as usize];
        let list = lists.define(name);
        lists.push(list, number, line);
        Line::Whole
    }
}

/// Takes `any`, `host ADDRESS`, or `ADDRESS [WILDCARD]`, and returns the bits and which of them do not count.
fn pair(words: &mut Words<'_>, report: &mut Report<'_>) -> Option<(u32, u32)> {
    if words.eat("any") {
        return Some((0, u32::MAX));
    }
    let host = words.eat("host");
    let address = value::ipv4(words, report)?;
    let wildcard = match words.peek_text().parse::<Ipv4Addr>() {
        Ok(wildcard) if !host => {
            words.next();
            wildcard.to_bits()
        }
        _ => 0,
    };
    Some((address.value.to_bits(), wildcard))
}

/// Returns entries for prefixes whose first address and mask match: one for each run of lengths.
fn extended_entries(permit: bool, network: (u32, u32), mask: (u32, u32)) -> Vec<PrefixEntry<u32>> {
    let fits = |len: u8| (u32::mask(len) ^ mask.0) & !mask.1 == 0;
    let mut entries: Vec<PrefixEntry<u32>> = Vec::new();
    for len in (0..=32).filter(|&len| fits(len)) {
        match entries.last_mut() {
            Some(last) if last.max + 1 == len => last.max = len,
            _ => entries.push(PrefixEntry { permit, bits: network.0, care: !network.1, min: len, max: len }),
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_part_of_an_extended_entry_gives_lengths() {
        let bits = |text: &str| text.parse::<Ipv4Addr>().expect("an address").to_bits();
        let lengths = |mask: &str, wildcard: &str| {
            let entries = extended_entries(true, (0, u32::MAX), (bits(mask), bits(wildcard)));
            entries.iter().map(|entry| (entry.min, entry.max)).collect::<Vec<_>>()
        };
        assert_eq!(lengths("255.255.255.0", "0.0.0.0"), [(24, 24)]);
        assert_eq!(lengths("255.255.0.0", "0.0.255.255"), [(16, 32)]);
        assert_eq!(lengths("0.0.0.0", "255.255.255.255"), [(0, 32)]);
        assert_eq!(lengths("255.0.255.0", "0.0.0.0"), []);
    }
}
