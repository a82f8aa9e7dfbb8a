//! `vrf NAME`: targets, policies.

use vrfleak_engine::Family;

use super::{Mode, Read, Reader};
use crate::device::{MaximumRoutes, RdChoice};
use crate::place::Located;
use crate::value;
use crate::word::Words;

impl<'a> Reader<'_, '_, 'a> {
    pub(super) fn vrf(&mut self, table: usize, mut words: Words<'a>) -> Read {
        match words.next_text() {
            "address-family" => match Self::unicast(words) {
                Some(family) => {
                    self.device.tables[table].family_mut(family).enabled = true;
                    Read::Enters(Mode::VrfFamily(table, family))
                }
                None => Read::Unknown,
            },
            "rd" => {
                self.rd(table, words);
                Read::Whole
            }
            "fallback-vrf" => {
                let message = "a VRF to fall back to is not modelled";
                self.report.warning(words.whole(), message, "what has no route here is lost");
                Read::Whole
            }
            _ => Read::Unknown,
        }
    }

    /// Reads what follows `rd`.
    pub(super) fn rd(&mut self, table: usize, mut words: Words<'a>) {
        let rd = if words.peek_text() == "auto" {
            words.next().map(|word| Located::new(RdChoice::Auto, word.place))
        } else {
            value::rd(&mut words, self.report).map(|rd| Located::new(RdChoice::Given(rd.value), rd.place))
        };
        if let Some(rd) = rd {
            self.device.tables[table].rd = Some(rd);
        }
    }

    pub(super) fn vrf_family(&mut self, table: usize, family: Family, mut words: Words<'a>) -> Read {
        let whole = words.whole();
        let export = match words.next_text() {
            "import" => false,
            "export" => true,
            "maximum" if words.eat("prefix") => {
                if let Some(limit) = value::number(&mut words, self.report, "number of prefixes", 1..=u32::MAX) {
                    let maximum = MaximumRoutes { limit: limit.value, warning_only: false };
                    let config = self.device.tables[table].family_mut(family);
                    config.maximum_routes = Some(Located::new(maximum, limit.place));
                }
                return Read::Whole;
            }
            _ => return Read::Unknown,
        };
        match words.next_text() {
            "route-target" => {
                if !words.is_empty() {
                    return self.target(table, family, export, words);
                }
                Read::Enters(Mode::Targets(table, family, export))
            }
            "route-policy" => {
                let Some(name) = self.policies.reference(words, self.report) else { return Read::Whole };
                let config = self.device.tables[table].family_mut(family);
                *(if export { &mut config.export_policy } else { &mut config.import_policy }) = Some(name);
                Read::Whole
            }
            "from" | "to" if words.eat("default-vrf") => {
                if !words.eat("route-policy") {
                    self.report.error(words.end(), "a policy is missing", "expected `route-policy` and its name");
                    return Read::Whole;
                }
                let rest = words.rest().text;
                let Some(name) = self.policies.reference(words, self.report) else { return Read::Whole };
                if export {
                    self.device.tables[table].family_mut(family).to_default = Some(name);
                    if rest.ends_with("allow-imported-vpn") {
                        self.report.warning(
                            whole,
                            "what this VRF imported goes to the default table and to whoever asks for its targets",
                            "a switch for the default table alone is not modelled",
                        );
                        self.device.tables[table].reexports = true;
                    }
                } else {
                    self.device.tables[table].family_mut(family).from_default = Some(name);
                    self.device.tables[table].advertises_default |= rest.ends_with("advertise-as-vpn");
                }
                Read::Whole
            }
            // What another VRF imported may be imported here, or what was imported here may be advertised.
            "from" | "to" if words.eat("vrf") => {
                self.device.tables[table].reexports = true;
                Read::Whole
            }
            _ => Read::Unknown,
        }
    }

    /// Reads a line of `import route-target` or `export route-target`.
    pub(super) fn target(&mut self, table: usize, family: Family, export: bool, mut words: Words<'a>) -> Read {
        let Some(target) = value::target_or_auto(&mut words, self.report) else { return Read::Whole };
        if !words.eat("stitching") {
            let targets = &mut self.device.tables[table].family_mut(family).targets;
            (if export { &mut targets.export } else { &mut targets.import }).push(target);
        }
        Read::Whole
    }
}
