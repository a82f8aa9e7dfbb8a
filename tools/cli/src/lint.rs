//! `vrfleak lint`: what is suspicious about a network.

use std::io::Write;

use serde::Serialize;
use vrfleak_bench_data::FileLine;
use vrfleak_engine::{Network, VrfId};
use vrfleak_lint::{Finding, Findings, Group, Input, Kind};

use crate::args::{Format, Global, LintArgs};
use crate::failure::{Answer, Failure};
use crate::input::{self, Source};
use crate::output::Output;
use crate::threads;

/// The findings of one kind in JSON.
#[derive(Debug, Serialize)]
struct GroupRow<'a> {
    kind: &'static str,
    severity: &'static str,
    /// How many there are; `findings` has the first of them.
    total: usize,
    findings: Vec<FindingRow<'a>>,
}

#[derive(Debug, Serialize)]
struct FindingRow<'a> {
    file: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
    router: Option<&'a str>,
    vrf: Option<&'a str>,
    other_router: Option<&'a str>,
    other_vrf: Option<&'a str>,
    families: Vec<String>,
    message: &'a str,
}

/// Runs the command.
pub(crate) fn run(args: &LintArgs, global: &Global) -> Result<Answer, Failure> {
    let (network, source) = input::read_with_source(&args.input, global.verbose, true)?;
    let pool = threads::pool(global)?;
    let leak = threads::leak(&pool, &network);
    let input = Input {
        network: &network,
        leak: &leak,
        provenance: Some(&source.provenance),
        undefined: &source.undefined,
        unused: &source.unused,
    };
    let findings = pool.install(|| vrfleak_lint::lint(&input, args.limit));
    let mut out = Output::open(global.output.as_deref())?;
    match global.format {
        Format::Json => out.json_rows(findings.groups().map(|group| row(&network, &source, group)))?,
        Format::Table => table(&mut out, &source, &findings)?,
    }
    out.finish()?;
    Ok(if findings.total() == 0 { Answer::Yes } else { Answer::No })
}

fn table(out: &mut impl Write, source: &Source, findings: &Findings) -> Result<(), Failure> {
    for Group { kind, total, shown } in findings.groups() {
        writeln!(out, "{kind} ({}): {total}", kind.severity().name())?;
        for finding in shown {
            match place(source, finding) {
                Some(at) => writeln!(out, "  {at}: {}", finding.message)?,
                None => writeln!(out, "  {}", finding.message)?,
            }
        }
        if *total > shown.len() {
            writeln!(out, "  and {} more", total - shown.len())?;
        }
        writeln!(out)?;
    }
    if !findings.complete() {
        writeln!(out, "The network is too large for all of {} to be looked at.", Kind::AsymmetricLeak)?;
    }
    let total = findings.total();
    writeln!(out, "{total} finding{}", if total == 1 { "" } else { "s" })?;
    Ok(())
}

fn place<'a>(source: &'a Source, finding: &Finding) -> Option<FileLine<'a>> {
    finding.place.map(|place| source.provenance.resolve(place))
}

fn row<'a>(network: &'a Network, source: &'a Source, group: &'a Group) -> GroupRow<'a> {
    let router = |id: VrfId| network.router_of(id).name.as_str();
    let vrf = |id: VrfId| network.vrf(id).name.as_str();
    let finding = |finding: &'a Finding| {
        let at = place(source, finding);
        FindingRow {
            file: at.map(|at| at.file),
            line: at.map(|at| at.line),
            column: at.map(|at| at.column),
            router: finding.vrf.map(router),
            vrf: finding.vrf.map(vrf),
            other_router: finding.other.map(router),
            other_vrf: finding.other.map(vrf),
            families: finding.families.iter().map(ToString::to_string).collect(),
            message: &finding.message,
        }
    };
    GroupRow {
        kind: group.kind.name(),
        severity: group.kind.severity().name(),
        total: group.total,
        findings: group.shown.iter().map(finding).collect(),
    }
}
