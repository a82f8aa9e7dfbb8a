//! [`print`]: a report as text.

use std::io::{self, Write};

use super::report::{LookupReport, LookupResult};
use super::statistics::TableStatistics;
use crate::text::{binary, grouped};

/// Writes the report for people: the machine, the tables, and a block of rows for each kind of keys.
///
/// # Errors
///
/// What `out` says.
pub fn print(report: &LookupReport, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{}", report.machine)?;
    let table = &report.table;
    write!(out, "Table       {}, {}", table.source, table.cut)?;
    writeln!(out, "; {} keys of a kind, {} rounds, seed {}", grouped(table.key_count), table.rounds, table.seed)?;
    for family in &table.families {
        statistics(family, out)?;
    }
    let mut rest = report.results.as_slice();
    while let Some(first) = rest.first() {
        let same =
            |row: &LookupResult| (&row.family, &row.keys, row.threads) == (&first.family, &first.keys, first.threads);
        let (block, others) = rest.split_at(rest.iter().take_while(|row| same(row)).count());
        rest = others;
        rows(block, first, out)?;
    }
    for (at, note) in report.notes.iter().enumerate() {
        writeln!(out, "{}Note: {note}", if at == 0 { "\n" } else { "" })?;
    }
    if report.interrupted {
        writeln!(out, "\nInterrupted: this is what was measured until then.")?;
    }
    Ok(())
}

fn statistics(family: &TableStatistics, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out)?;
    let vrfs = if family.vrfs == 1 { "1 VRF".to_owned() } else { format!("{} VRFs", grouped(family.vrfs)) };
    let (prefixes, next_hops) = (grouped(family.prefixes), grouped(family.next_hops));
    writeln!(out, "{:<12}{prefixes} prefixes in {vrfs}, {next_hops} next hops", family.family)?;
    let listed = |counts: &[usize], sign: &str| {
        let counts = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        counts.map(|(number, &count)| format!("{sign}{number} {}", grouped(count))).collect::<Vec<_>>()
    };
    wrapped("Lengths", &listed(&family.lengths, "/"), out)?;
    wrapped("Prefixes around a prefix", &listed(&family.nesting, ""), out)
}

/// Writes words in lines of at most 120 columns.
fn wrapped(name: &str, words: &[String], out: &mut dyn Write) -> io::Result<()> {
    let mut line = format!("{:<12}{name}:", "");
    for (at, word) in words.iter().enumerate() {
        let end = if at + 1 < words.len() { "," } else { "" };
        if line.len() + word.len() + 2 > 120 {
            writeln!(out, "{line}")?;
            line = " ".repeat(13);
        }
        line += &format!(" {word}{end}");
    }
    writeln!(out, "{line}")
}

fn rows(block: &[LookupResult], first: &LookupResult, out: &mut dyn Write) -> io::Result<()> {
    let vrfs = if first.vrfs == 1 { String::new() } else { format!(" over {} VRFs", grouped(first.vrfs)) };
    let threads = if first.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", first.threads) };
    writeln!(out, "\n{} {}{vrfs}, {threads}", first.family, first.keys)?;
    writeln!(
        out,
        "{:<28} {:>6} {:>10} {:>19} {:>10} {:>10} {:>9} {:>9} {:>10}",
        "Contender", "Batch", "Million/s", "Least to most", "ns alone", "Bytes", "B/prefix", "Build s", "ns/change"
    )?;
    for row in block {
        write!(out, "{:<28} {:>6} ", row.name(), row.batch)?;
        let Some(mlps) = row.mlps.filter(|_| row.correct) else {
            writeln!(out, "{:>10}", if row.correct { "-" } else { "wrong" })?;
            continue;
        };
        let range = format!("{:.1} to {:.1}", mlps.min, mlps.max);
        let or_none =
            |number: Option<f64>, digits| number.map_or("-".to_owned(), |number| format!("{number:.digits$}"));
        writeln!(
            out,
            "{:>10.1} {range:>19} {:>10} {:>10} {:>9} {:>9.3} {:>10}",
            mlps.median,
            or_none(row.ns_dependent, 1),
            row.bytes.map_or("-".to_owned(), |bytes| binary(bytes as u64)),
            or_none(row.bytes_per_prefix, 2),
            row.build_seconds,
            or_none(row.update_ns, 0)
        )?;
    }
    Ok(())
}
