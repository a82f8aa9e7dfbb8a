//! `vrf definition NAME` and `ip vrf NAME`.

use vrfleak_engine::Family;

use super::{Known, Mode, Reader};
use crate::device::{RdChoice, Table, Targets};
use crate::place::Located;
use crate::value;
use crate::word::{Word, Words};

impl Reader<'_, '_> {
    pub(super) fn define_vrf(&mut self, name: Word<'_>) -> usize {
        self.device.define_table(name.text, name.place)
    }

    /// Reads a line inside of a VRF's definition.
    pub(super) fn vrf(&mut self, table: usize, mut words: Words<'_>, indent: u32, depth: usize) -> Known {
        match words.peek_text() {
            "rd" => {
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
            "import" | "export" if matches!(words.peek_text(), "ipv4" | "ipv6") => {
                self.report.warning(
                    words.whole(),
                    "leaking between a VRF and the global table is not modelled",
                    "its routes are missing",
                );
                Known::Yes
            }
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
