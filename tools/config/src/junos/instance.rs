//! `routing-instances NAME` and BGP groups.

use std::net::IpAddr;

use vrfleak_engine::policy::{Call, Clause, Flow, Policy};
use vrfleak_engine::{Administrator, Family, Rd, RouteTarget};

use super::policy::Junos;
use super::{Instance, Reader};
use crate::device::{DEFAULT_TABLE, MaximumPaths, RdChoice, Redistribution, RemoteAs};
use crate::place::Located;
use crate::report::Report;
use crate::value;
use crate::word::Word;

impl Reader {
    /// Reads what follows `routing-instances NAME`.
    pub(super) fn instance(&mut self, table: usize, words: &[Word<'_>], report: &mut Report<'_>) -> bool {
        let texts: Vec<&str> = words.iter().map(|word| word.text).collect();
        match texts.as_slice() {
            ["instance-type", kind, ..] => self.instance_of(table).is_vrf = *kind == "vrf",
            ["interface", _, ..] => {
                let name = words[1];
                let full = if name.text.contains('.') { name.text.to_owned() } else { format!("{}.0", name.text) };
                let index = self.device.define_interface(&full, name.place);
                let vrf = self.device.tables[table].name.clone();
                self.device.interfaces[index].vrf = Some(Located::new(vrf, name.place));
            }
            ["route-distinguisher", text, ..] => match text.parse() {
                Ok(rd) => {
                    self.device.tables[table].rd = Some(Located::new(RdChoice::Given(rd), words[1].place));
                }
                Err(error) => report.error(words[1].place, error, "expected AS:NUMBER or IPV4:NUMBER"),
            },
            ["vrf-target", "import", _, ..] => self.target(table, words[2], [true, false], report),
            ["vrf-target", "export", _, ..] => self.target(table, words[2], [false, true], report),
            ["vrf-target", _, ..] => self.target(table, words[1], [true, true], report),
            ["vrf-import", _, ..] => self.instance_of(table).import.push(words[1].name()),
            ["vrf-export", _, ..] => self.instance_of(table).export.push(words[1].name()),
            ["routing-options", ..] => return self.routing_options(table, &words[1..], report),
            ["protocols", "bgp", "group", _, ..] => return self.bgp_group(table, &words[3..], report),
            ["protocols", "bgp", _, ..] => return self.bgp_of_all_groups(table, &words[2..], report),
            ["protocols", protocol @ ("ospf" | "ospf3" | "rip" | "isis"), ..] => {
                if self.warned.insert(table) {
                    report.warning(
                        words[1].place,
                        format_args!("routes of `{protocol}` are not modelled"),
                        "those that the instance would export are missing",
                    );
                }
            }
            ["no-vrf-advertise"] => self.instance_of(table).unadvertised = true,
            ["vrf-table-label" | "no-vrf-propagate-ttl" | "description", ..] => {}
            _ => return false,
        }
        true
    }

    fn target(&mut self, table: usize, word: Word<'_>, [import, export]: [bool; 2], report: &mut Report<'_>) {
        let value = if word.text == "auto" {
            Located::new(None, word.place)
        } else {
            match word.text.strip_prefix("target:").unwrap_or(word.text).parse::<RouteTarget>() {
                Ok(target) => Located::new(Some(target), word.place),
                Err(error) => {
                    report.error(word.place, error, "expected target:AS:NUMBER or target:IPV4:NUMBER");
                    return;
                }
            }
        };
        let targets = &mut self.device.tables[table].targets;
        if import {
            targets.import.push(value);
        }
        if export {
            targets.export.push(value);
        }
    }

    /// Reads what stands in a table's BGP outside of any group, and goes for all of them.
    pub(super) fn bgp_of_all_groups(&mut self, table: usize, words: &[Word<'_>], report: &mut Report<'_>) -> bool {
        let all = Word { text: "", place: words[0].place };
        let words: Vec<_> = [all].into_iter().chain(words.iter().copied()).collect();
        self.bgp_group(table, &words, report)
    }

    /// Reads `GROUP ...` of a table's BGP.
    pub(super) fn bgp_group(&mut self, table: usize, words: &[Word<'_>], report: &mut Report<'_>) -> bool {
        let bgp = &mut self.device.tables[table].bgp;
        // A group and a neighbour are kept apart by the mark that no address has.
        let is_all = words[0].text.is_empty();
        let group = if is_all { all_groups(table) } else { format!("group {}", words[0].text) };
        let all = Located::new(all_groups(table), words[0].place);
        let (name, rest) = match words {
            [_, keyword, name, rest @ ..] if keyword.text == "neighbor" => {
                bgp.neighbor(&group, words[0].place).groups = vec![all];
                let neighbor = bgp.neighbor(name.text, name.place);
                neighbor.groups = vec![Located::new(group, words[0].place)];
                (name.text.to_owned(), rest)
            }
            [_, rest @ ..] => {
                bgp.neighbor(&group, words[0].place).groups = if is_all { Vec::new() } else { vec![all] };
                (group, rest)
            }
            [] => return false,
        };
        let neighbor = bgp.neighbor(&name, words[0].place);
        let texts: Vec<&str> = rest.iter().map(|word| word.text).collect();
        match texts.as_slice() {
            [] => {}
            ["peer-as", text, ..] => match value::parse_as_number(text) {
                Some(asn) => {
                    neighbor.remote_as = Some(Located::new(RemoteAs::Number(asn), rest[1].place));
                }
                None => report.error(
                    rest[1].place,
                    format_args!("`{text}` is no AS number"),
                    "expected a number from 1 to 4294967295, or asdot",
                ),
            },
            ["type", "internal"] => {
                neighbor.remote_as.get_or_insert(Located::new(RemoteAs::Internal, rest[0].place));
            }
            ["type", "external"] => {}
            ["local-address", _] => neighbor.update_source = Some(rest[1].name()),
            ["cluster", _] => neighbor.reflected = Some(true),
            ["family", family @ ("inet-vpn" | "inet6-vpn"), ..] => {
                let index = if *family == "inet-vpn" { Family::Ipv4 } else { Family::Ipv6 } as usize;
                neighbor.vpn[index] = Some(true);
                self.with_families.insert((table, name));
            }
            ["import", _] => self.chains.entry((table, name, true)).or_default().push(rest[1].name()),
            ["export", _] => self.chains.entry((table, name, false)).or_default().push(rest[1].name()),
            ["family", family @ ("inet" | "inet6"), kind, rest @ ..] => {
                let index = if *family == "inet" { Family::Ipv4 } else { Family::Ipv6 } as usize;
                if matches!(*kind, "unicast" | "any") {
                    neighbor.families[index].active = Some(true);
                }
                if let ["loops", times, ..] = rest {
                    neighbor.families[index].allowas_in = times.parse().ok();
                }
                self.with_families.insert((table, name));
            }
            ["as-override"] => {
                for family in &mut neighbor.families {
                    family.as_override = Some(true);
                }
            }
            ["shutdown"] => neighbor.shutdown = true,
            ["multipath", more @ ..] => {
                self.device.relaxed_multipath |= more.contains(&"multiple-as");
                let paths = Located::new(MaximumPaths { paths: MULTIPATH, eibgp: false }, rest[0].place);
                for family in Family::ALL {
                    self.device.tables[table].family_mut(family).maximum_paths.get_or_insert(paths);
                }
            }
            [
                "local-as" | "remove-private" | "local-preference" | "metric-out" | "preference" | "advertise-inactive"
                | "add-path",
                ..,
            ] => report.warning(
                rest[0].place,
                format_args!("`{}` is not modelled", rest[0].text),
                "routes of this neighbour may differ",
            ),
            _ => return false,
        }
        true
    }

    /// Settles what an instance's policies and interfaces mean.
    pub(super) fn finish_instance(
        &mut self,
        table: usize,
        instance: &Instance,
        junos: &mut Junos,
        report: &mut Report<'_>,
    ) {
        if table == DEFAULT_TABLE {
            return;
        }
        let place = self.device.tables[table].place;
        let import = chain(&instance.import, junos, report);
        let export = chain(&instance.export, junos, report);
        let config = &mut self.device.tables[table];
        if instance.is_vrf
            && config.rd.is_none()
            && let Some(id) = self.rd_id
        {
            let rd = Rd::new(Administrator::Ipv4 { address: id.value, number: table as u16 });
            config.rd = Some(Located::new(RdChoice::Given(rd), id.place));
        }
        // Policies stand in for the targets of `vrf-target`: what they accept decides.
        if import.is_some() {
            config.targets.import = junos.targets_of(&instance.import);
            config.imports_any = junos.is_open(&instance.import);
        }
        if export.is_some() || instance.unadvertised {
            config.targets.export.clear();
        }
        let export = export.filter(|_| !instance.unadvertised);
        config.auto_export = instance.is_vrf.then_some(instance.auto_export);
        config.import_policy = import;
        config.export_policy = export;
        let ready = instance.is_vrf && config.rd.is_some();
        for family in Family::ALL {
            let config = config.family_mut(family);
            config.in_bgp = ready;
            let all = Redistribution { place, policy: None, metric: None };
            (config.connected, config.statics) = (Some(all.clone()), Some(all));
        }
    }

    /// Settles the policies and families of all neighbours.
    pub(super) fn finish_neighbors(&mut self, junos: &mut Junos, report: &mut Report<'_>) {
        for index in 0..self.device.tables.len() {
            let bgp = &mut self.device.tables[index].bgp;
            let names: Vec<_> = bgp.neighbors.iter().map(|neighbor| neighbor.name.clone()).collect();
            for neighbor in &mut bgp.neighbors {
                let groups = neighbor.groups.iter().map(|group| group.value.clone());
                let named = groups
                    .chain([neighbor.name.clone(), all_groups(index)])
                    .any(|name| self.with_families.contains(&(index, name)));
                // Without a word about families, a session exchanges the routes of its own addresses' family.
                if !named && let Ok(address) = neighbor.name.parse::<IpAddr>() {
                    let family = if address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
                    neighbor.families[family as usize].active = Some(true);
                }
            }
            for name in names {
                for inward in [true, false] {
                    let policies = self.chains.remove(&(index, name.clone(), inward)).unwrap_or_default();
                    let Some(policy) = chain(&policies, junos, report) else { continue };
                    let bgp = &mut self.device.tables[index].bgp;
                    let all = bgp.neighbor_named(&all_groups(index)).map_or([None; 2], |all| all.vpn);
                    let neighbor = bgp.neighbor(&name, policy.place);
                    if inward && index == DEFAULT_TABLE && neighbor.vpn.iter().chain(&all).any(|vpn| *vpn == Some(true))
                    {
                        let message = "a policy on what comes from other PEs is not modelled for VPN routes";
                        report.warning(policy.place, message, "all of them come in");
                    }
                    for family in &mut neighbor.families {
                        *(if inward { &mut family.policy_in } else { &mut family.policy_out }) = Some(policy.clone());
                    }
                }
            }
        }
    }
}

/// Returns the name under which is kept what goes for all groups of a table.
fn all_groups(table: usize) -> String {
    format!("all groups of {table}")
}

/// How many paths stand beside each other with `multipath`.
pub(super) const MULTIPATH: u32 = 16;

/// Returns the name of the policy that asks these in turn, made where there are several.
fn chain(names: &[Located<String>], junos: &mut Junos, report: &mut Report<'_>) -> Option<Located<String>> {
    let [first, .., last] = names else { return names.first().cloned() };
    let name = names.iter().map(|name| name.value.as_str()).collect::<Vec<_>>().join(" ");
    if !junos.compiled.ids.contains_key(&name) {
        let mut clauses = Vec::new();
        for name in names {
            let Some(&policy) = junos.compiled.ids.get(&name.value) else {
                report.undefined("policy", name.place, &name.value, "taken as one that matches nothing");
                continue;
            };
            let call =
                Call { policy, accepted: Flow::Accept, passed: Flow::Accept, denied: Flow::Deny, missed: Flow::Next };
            let source = junos.compiled.source(name.place);
            clauses.push(Clause { label: name.value.as_str().into(), source, call: Some(call), ..Clause::default() });
        }
        junos.compiled.add(Policy { name: name.as_str().into(), clauses }, first.place, report);
    }
    Some(Located::new(name, last.place))
}
