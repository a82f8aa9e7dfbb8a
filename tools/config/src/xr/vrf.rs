//! `vrf NAME`: targets, policies.

use vrfleak_engine::Family;

use super::{Mode, Read, Reader};
use crate::device::RdChoice;
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
            "from" | "to" => {
                self.report.warning(
                    whole,
                    "leaking between a VRF and another by name is not modelled",
                    "its routes are missing",
                );
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
