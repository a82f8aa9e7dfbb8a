//! The front end for Junos, with braces and as `set` commands.
//!
//! Both forms become the same list of statements, each a path of words. A statement is read on its own; policies and
//! what depends on them are put together at the end.

mod groups;
mod instance;
mod interface;
mod policy;
mod routing_options;
mod statement;

use std::net::Ipv4Addr;

use ahash::{AHashMap, AHashSet};
use vrfleak_engine::Family;

use crate::device::{DEFAULT_TABLE, Device};
use crate::dialect::Format;
use crate::place::Located;
use crate::report::Report;
use crate::word::Word;

/// Reads a configuration.
pub(crate) fn read<'a>(source: u32, text: &'a str, format: Format, report: &mut Report<'_>) -> Device {
    let mut reader = Reader {
        device: Device::new(source, format),
        policies: policy::Texts::default(),
        statics: routing_options::Statics::default(),
        instances: Vec::new(),
        disabled: AHashSet::new(),
        rd_id: None,
        chains: AHashMap::new(),
        with_families: AHashSet::new(),
        warned: AHashSet::new(),
        logical_systems: false,
    };
    let mut groups = groups::Groups::default();
    let grouped = memchr::memmem::find(text.as_bytes(), b"apply-groups").is_some();
    let each = |words: &[Word<'a>], report: &mut Report<'_>| {
        if grouped {
            groups.push(words, report);
        } else {
            reader.statement(words, report);
        }
    };
    match format {
        Format::JunosSet => statement::commands(source, text, report, each),
        _ => statement::braces(source, text, report, each),
    }
    groups.expand(report, |words, report| reader.statement(words, report));
    reader.finish(report)
}

/// What a routing instance says besides what its table holds.
#[derive(Clone, Debug, Default)]
struct Instance {
    /// Whether it takes part in BGP VPNs.
    is_vrf: bool,
    import: Vec<Located<String>>,
    export: Vec<Located<String>>,
    auto_export: bool,
    /// Whether what it has is kept from other routers.
    unadvertised: bool,
}

struct Reader {
    device: Device,
    policies: policy::Texts,
    statics: routing_options::Statics,
    /// By position of the table, the default one included.
    instances: Vec<Instance>,
    /// Interfaces that are down with all their units.
    disabled: AHashSet<String>,
    /// `route-distinguisher-id`: what RDs are derived from.
    rd_id: Option<Located<Ipv4Addr>>,
    /// Policies of neighbours and groups in the order of asking, by table, name, and whether they are for what comes in.
    chains: AHashMap<(usize, String, bool), Vec<Located<String>>>,
    /// Neighbours and groups whose address families are named.
    with_families: AHashSet<(usize, String)>,
    /// The tables of which it was said that a protocol of theirs is not modelled.
    warned: AHashSet<usize>,
    /// Whether the warning of logical systems was given.
    logical_systems: bool,
}

impl Reader {
    fn statement(&mut self, words: &[Word<'_>], report: &mut Report<'_>) {
        let texts: Vec<&str> = words.iter().map(|word| word.text).collect();
        let known = match texts.as_slice() {
            ["version", ..] => true,
            ["system", "host-name", _, ..] => {
                self.device.name = Some(words[2].name());
                true
            }
            ["logical-systems", ..] => {
                if !std::mem::replace(&mut self.logical_systems, true) {
                    report.warning(words[0].place, "logical systems are not modelled", "their routes are missing");
                }
                true
            }
            ["routing-options", "rib-groups", ..] => true,
            [.., "rib-group", _] | [.., "rib-group", _, _] => {
                let place = words.last().map_or(words[0].place, |word| word.place);
                report.warning(place, "what a RIB group copies is not modelled", "the other tables lack its routes");
                true
            }
            ["interfaces", _, ..] => self.interface(&words[1..], report),
            ["routing-options", ..] => self.routing_options(DEFAULT_TABLE, &words[1..], report),
            ["protocols", "bgp", "group", _, ..] => self.bgp_group(DEFAULT_TABLE, &words[3..], report),
            ["protocols", "bgp", _, ..] => self.bgp_of_all_groups(DEFAULT_TABLE, &words[2..], report),
            ["routing-instances", _, ..] => {
                let table = self.table(words[1]);
                self.instance(table, &words[2..], report)
            }
            ["policy-options", ..] => self.policies.statement(&words[1..], report),
            _ => false,
        };
        if !known && let Some(last) = words.last() {
            report.unknown_at(last.place, &texts.join(" "));
        }
    }

    fn table(&mut self, name: Word<'_>) -> usize {
        let table = self.device.define_table(name.text, name.place);
        for family in Family::ALL {
            self.device.tables[table].family_mut(family).enabled = true;
        }
        table
    }

    fn instance_of(&mut self, table: usize) -> &mut Instance {
        if self.instances.len() <= table {
            self.instances.resize_with(table + 1, Instance::default);
        }
        &mut self.instances[table]
    }

    fn finish(mut self, report: &mut Report<'_>) -> Device {
        self.statics.install(&mut self.device);
        for interface in &mut self.device.interfaces {
            let physical = interface.name.split('.').next().unwrap_or_default();
            interface.shutdown |= self.disabled.contains(physical);
        }
        let instances = std::mem::take(&mut self.instances);
        let mut compiled = std::mem::take(&mut self.policies).compile(report);
        self.finish_neighbors(&mut compiled, report);
        for (table, instance) in instances.iter().enumerate() {
            self.finish_instance(table, instance, &mut compiled, report);
        }
        self.device.policies = compiled.compiled;
        self.device
    }
}
