//! `routing-options`: router id, AS number, static routes.

use std::net::IpAddr;

use ahash::AHashMap;
use ipnet::IpNet;
use vrfleak_engine::Family;

use super::Reader;
use super::instance::MULTIPATH;
use crate::device::{DEFAULT_TABLE, Device, MaximumPaths, MaximumRoutes, StaticRoute, StaticTarget};
use crate::place::{Located, Place};
use crate::report::Report;
use crate::value;
use crate::word::Word;

/// A static route whose statements are being collected.
#[derive(Debug)]
struct Draft {
    table: usize,
    prefix: IpNet,
    place: Place,
    targets: Vec<(StaticTarget, Option<u8>)>,
    distance: Option<u8>,
    tag: u32,
    kept: bool,
}

/// The static routes of all tables, in the order of the text.
#[derive(Debug, Default)]
pub(super) struct Statics {
    drafts: Vec<Draft>,
    ids: AHashMap<(usize, IpNet), usize>,
}

/// The preference of a static route that has none.
const PREFERENCE: u8 = 5;

impl Statics {
    fn draft(&mut self, table: usize, prefix: IpNet, place: Place) -> &mut Draft {
        let index = *self.ids.entry((table, prefix)).or_insert(self.drafts.len());
        if index == self.drafts.len() {
            let draft = Draft { table, prefix, place, targets: Vec::new(), distance: None, tag: 0, kept: false };
            self.drafts.push(draft);
        }
        &mut self.drafts[index]
    }

    /// Gives the device its routes.
    pub(super) fn install(&mut self, device: &mut Device) {
        for draft in self.drafts.drain(..) {
            let family = if draft.prefix.addr().is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
            for (target, preference) in draft.targets {
                let distance = preference.or(draft.distance).unwrap_or(PREFERENCE);
                device.tables[draft.table].family_mut(family).routes.push(StaticRoute {
                    prefix: draft.prefix,
                    target,
                    distance: Some(distance),
                    tag: draft.tag,
                    kept: draft.kept,
                    place: draft.place,
                });
            }
        }
    }
}

impl Reader {
    /// Reads what follows `routing-options` in a table.
    pub(super) fn routing_options(&mut self, table: usize, words: &[Word<'_>], report: &mut Report<'_>) -> bool {
        let texts: Vec<&str> = words.iter().map(|word| word.text).collect();
        match texts.as_slice() {
            ["router-id", _, ..] => {
                if let Some(id) = value::ipv4_of(words[1], report) {
                    self.device.tables[table].bgp.router_id = Some(id);
                }
                true
            }
            ["autonomous-system", asn, rest @ ..] => {
                if rest.contains(&"loops") {
                    let message = "`loops` of all neighbours is not modelled";
                    report.warning(
                        words[0].place,
                        message,
                        "routes with the router's own AS in their path are missing",
                    );
                }
                match value::parse_as_number(asn) {
                    Some(asn) if table == DEFAULT_TABLE => self.device.asn = Some(Located::new(asn, words[1].place)),
                    Some(asn) => self.device.tables[table].bgp.asn = Some(asn),
                    None => report.error(
                        words[1].place,
                        format_args!("`{asn}` is no AS number"),
                        "expected a number from 1 to 4294967295, or asdot",
                    ),
                }
                true
            }
            ["route-distinguisher-id", _, ..] => {
                self.rd_id = value::ipv4_of(words[1], report);
                true
            }
            ["multipath", rest @ ..] => {
                let eibgp = rest.contains(&"equal-external-internal");
                let known = self.device.tables[table].family(Family::Ipv4).maximum_paths;
                let eibgp = eibgp || known.is_some_and(|paths| paths.value.eibgp);
                let paths = Located::new(MaximumPaths { paths: MULTIPATH, eibgp }, words[0].place);
                for family in Family::ALL {
                    self.device.tables[table].family_mut(family).maximum_paths = Some(paths);
                }
                true
            }
            [kind @ ("maximum-prefixes" | "maximum-paths"), limit, rest @ ..] => {
                if *kind == "maximum-paths" {
                    let message = "a limit of paths is not modelled";
                    report.warning(words[0].place, message, "taken as one of prefixes");
                }
                match limit.parse() {
                    Ok(limit) => {
                        let warning_only = rest.contains(&"log-only");
                        let maximum = Located::new(MaximumRoutes { limit, warning_only }, words[1].place);
                        for family in Family::ALL {
                            self.device.tables[table].family_mut(family).maximum_routes = Some(maximum);
                        }
                    }
                    Err(_) => {
                        let message = format_args!("`{limit}` is no number of prefixes");
                        report.error(words[1].place, message, "expected a number from 1 to 4294967295");
                    }
                }
                true
            }
            ["auto-export", ..] => {
                self.instance_of(table).auto_export = true;
                true
            }
            [kind @ ("aggregate" | "generate"), "route", _, ..]
            | ["rib", _, kind @ ("aggregate" | "generate"), "route", _, ..] => {
                let message = format_args!("`{kind}` routes are not modelled");
                report.warning(words[0].place, message, "the route is missing");
                true
            }
            [kind @ ("instance-import" | "instance-export" | "interface-routes"), ..] => {
                if *kind != "interface-routes" || texts.contains(&"rib-group") {
                    let message = format_args!("what `{kind}` copies between tables is not modelled");
                    report.warning(words[0].place, message, "its routes are missing");
                }
                true
            }
            ["static", "route", _, ..] => self.static_route(table, &words[2..], report),
            ["rib", _, "static", "route", _, ..] => self.static_route(table, &words[4..], report),
            _ => false,
        }
    }

    /// Reads `PREFIX ...`.
    fn static_route(&mut self, table: usize, words: &[Word<'_>], report: &mut Report<'_>) -> bool {
        let Some(net) = value::net_of(words[0], report) else { return true };
        let Some(net) = value::without_host_bits(net, report) else { return true };
        let texts: Vec<&str> = words[1..].iter().map(|word| word.text).collect();
        let hop = |word: Word<'_>, text: &str| match text.parse::<IpAddr>() {
            Ok(address) => StaticTarget::Gateway { address, table: None },
            Err(_) => StaticTarget::Interface { name: word.name(), gateway: None },
        };
        let small = |word: Word<'_>, report: &mut Report<'_>| {
            let value = word.text.parse::<u8>().ok();
            if value.is_none() {
                let message = format_args!("`{}` is no preference that is modelled", word.text);
                report.warning(word.place, message, "taken as 255");
            }
            value.or(Some(255))
        };
        let draft = self.statics.draft(table, net.value, net.place);
        match texts.as_slice() {
            ["next-hop", text, ..] => draft.targets.push((hop(words[2], text), None)),
            ["qualified-next-hop", text, "preference", _] => {
                let target = hop(words[2], text);
                let preference = small(words[4], report);
                draft.targets.push((target, preference));
            }
            ["qualified-next-hop", text, ..] => draft.targets.push((hop(words[2], text), None)),
            ["discard" | "reject", ..] => draft.targets.push((StaticTarget::Discard, None)),
            ["next-table", text, ..] => {
                let name = match text.split_once(".inet") {
                    Some((name, _)) => name,
                    None => "default",
                };
                draft.targets.push((StaticTarget::Table(Located::new(name.to_owned(), words[2].place)), None));
            }
            ["preference", _] => draft.distance = small(words[2], report),
            ["tag" | "tag2", text] => draft.tag = text.parse().unwrap_or_default(),
            ["no-readvertise"] => draft.kept = true,
            ["readvertise"] => draft.kept = false,
            _ => return false,
        }
        true
    }
}
