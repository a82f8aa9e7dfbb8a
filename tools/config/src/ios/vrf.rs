//! `vrf definition NAME` and `ip vrf NAME`.

use vrfleak_engine::Family;

use super::{Known, Mode, Reader};
use crate::device::{MaximumRoutes, RdChoice, Table, Targets};
use crate::place::Located;
use crate::value;
use crate::word::{Word, Words};

/// How many prefixes of the default table IOS imports where nothing else is said.
const DEFAULT_PREFIXES: u32 = 1000;

impl Reader<'_, '_> {
    pub(super) fn define_vrf(&mut self, name: Word<'_>) -> usize {
        self.device.define_table(name.text, name.place)
    }

    /// Reads a line inside of a VRF's definition.
    pub(super) fn vrf(&mut self, table: usize, mut words: Words<'_>, indent: u32, depth: usize) -> Known {
        match words.peek_text() {
            "rd" | "RD" => {
                words.next();
                let rd = if words.peek_text() == "auto" {
                    words.next().map(|word| Located::new(RdChoice::Auto, word.place))
                } else {
                    value::rd(&mut words, self.report).map(|rd| Located::new(RdChoice::Given(rd.value), rd.place))
                };
                if let Some(rd) = rd {
                    self.device.tables[table].rd = Some(rd);
                }
                Known::Yes
            }
            "address-family" => {
                words.next();
                let family = match words.next_text() {
                    "ipv4" => Family::Ipv4,
                    "ipv6" => Family::Ipv6,
                    _ => return Known::No,
                };
                if words.peek_text() == "multicast" {
                    return Known::No;
                }
                self.device.tables[table].family_mut(family).enabled = true;
                self.enter(depth, Mode::VrfFamily(table, family), indent);
                Known::Yes
            }
            "vnid" => {
                words.next();
                if let Some(number) = value::number(&mut words, self.report, "VNI", 1..=16_777_215) {
                    self.device.tables[table].number = Some(number.value);
                }
                Known::Yes
            }
            "no" if words.restart_after("no").peek_text() == "rd" => {
                self.device.tables[table].rd = None;
                Known::Yes
            }
            _ => self.vrf_family(table, None, words),
        }
    }

    /// Reads a line of one address family, or of all where `family` is `None`.
    pub(super) fn vrf_family(&mut self, table: usize, family: Option<Family>, mut words: Words<'_>) -> Known {
        let target = &mut self.device.tables[table];
        match words.next_text() {
            "route-target" => {
                let direction = words.next();
                let (import, export) = match direction.map(|word| word.text) {
                    Some("import") => (true, false),
                    Some("export") => (false, true),
                    Some("both") => (true, true),
                    // Older than the keywords: a target alone is both.
                    Some(text) if text.contains(':') => {
                        words =
                            direction.map_or(words, |word| Words::new(word.text, word.place.source, word.place.start));
                        (true, true)
                    }
                    Some(_) | None => {
                        let place = direction.map_or(words.end(), |word| word.place);
                        self.report.error(
                            place,
                            "a route target without a direction",
                            "expected `import`, `export` or `both`",
                        );
                        return Known::Yes;
                    }
                };
                // Targets for stitching belong to EVPN, not to the VPN address families.
                if let Some(value) = value::target_or_auto(&mut words, self.report)
                    && !words.eat("stitching")
                {
                    let targets = targets_of(target, family);
                    if import {
                        targets.import.push(value);
                    }
                    if export {
                        targets.export.push(value);
                    }
                }
                Known::Yes
            }
            keyword @ ("import" | "export") if matches!(words.peek_text(), "ipv4" | "ipv6") => {
                let family = family.unwrap_or(Family::Ipv4);
                let (mut policy, mut limit) = (None, DEFAULT_PREFIXES);
                while let Some(word) = words.next() {
                    if word.text == "map" {
                        policy = value::word(&mut words, self.report, "the name of a route map").map(Word::name);
                        break;
                    }
                    limit = word.text.parse().unwrap_or(limit);
                }
                let config = target.family_mut(family);
                if keyword == "import" {
                    (config.from_default, config.from_default_limit) = (policy, Some(limit));
                } else {
                    config.to_default = policy;
                }
                Known::Yes
            }
            "maximum" if words.eat("routes") => {
                let limit = value::number(&mut words, self.report, "number of routes", 1..=u32::MAX);
                if let Some(limit) = limit {
                    let warning_only = words.eat("warning-only");
                    let maximum = Located::new(MaximumRoutes { limit: limit.value, warning_only }, limit.place);
                    for family in family.map_or(Family::ALL.to_vec(), |family| vec![family]) {
                        target.family_mut(family).maximum_routes = Some(maximum);
                    }
                }
                Known::Yes
            }
            "route-replicate" => {
                self.report.warning(words.whole(), "replicated routes are not modelled", "they are missing here");
                Known::Yes
            }
            "no" => self.forget_in_vrf(table, family, words),
            "import" if words.eat("map") => {
                if let Some(name) = value::word(&mut words, self.report, "the name of a route map") {
                    *import_policy_of(target, family) = Some(name.name());
                }
                Known::Yes
            }
            "export" if words.eat("map") => {
                if let Some(name) = value::word(&mut words, self.report, "the name of a route map") {
                    *export_policy_of(target, family) = Some(name.name());
                }
                Known::Yes
            }
            _ => Known::No,
        }
    }

    /// Undoes what follows `no` in one address family, or in all where `family` is `None`.
    fn forget_in_vrf(&mut self, table: usize, family: Option<Family>, mut words: Words<'_>) -> Known {
        let target = &mut self.device.tables[table];
        match (words.next_text(), words.peek_text()) {
            ("import", "map") => *import_policy_of(target, family) = None,
            ("export", "map") => *export_policy_of(target, family) = None,
            ("import", "ipv4" | "ipv6") => target.family_mut(family.unwrap_or(Family::Ipv4)).from_default = None,
            ("export", "ipv4" | "ipv6") => target.family_mut(family.unwrap_or(Family::Ipv4)).to_default = None,
            ("maximum", _) => Family::ALL
                .into_iter()
                .filter(|other| family.is_none_or(|family| family == *other))
                .for_each(|family| target.family_mut(family).maximum_routes = None),
            ("route-target", _) => {
                let before = std::mem::take(targets_of(target, family));
                self.vrf_family(table, family, words.restart_after("no"));
                let target = &mut self.device.tables[table];
                let gone = std::mem::replace(targets_of(target, family), before);
                let targets = targets_of(target, family);
                targets.import.retain(|there| !gone.import.iter().any(|gone| gone.value == there.value));
                targets.export.retain(|there| !gone.export.iter().any(|gone| gone.value == there.value));
            }
            _ => return Known::No,
        }
        Known::Yes
    }
}

fn targets_of(table: &mut Table, family: Option<Family>) -> &mut Targets {
    match family {
        Some(family) => &mut table.family_mut(family).targets,
        None => &mut table.targets,
    }
}

fn import_policy_of(table: &mut Table, family: Option<Family>) -> &mut Option<Located<String>> {
    match family {
        Some(family) => &mut table.family_mut(family).import_policy,
        None => &mut table.import_policy,
    }
}

fn export_policy_of(table: &mut Table, family: Option<Family>) -> &mut Option<Located<String>> {
    match family {
        Some(family) => &mut table.family_mut(family).export_policy,
        None => &mut table.export_policy,
    }
}
