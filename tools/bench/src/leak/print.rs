//! [`print`]: a report as text.

use std::io::{self, Write};

use super::report::{DrawnFacts, LeakReport, LeakResult, Scaling};
use crate::text::{binary, grouped};

/// Writes the report for people: the machine, the network, a row for each measurement, and how they grow.
///
/// # Errors
///
/// What `out` says.
pub fn print(report: &LeakReport, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{}", report.machine)?;
    let network = &report.network;
    write!(out, "Network     {}: {} routes", network.scenario, grouped(network.routes))?;
    write!(out, ", {} VRFs", grouped(network.vrfs))?;
    if let Some(pes) = network.pes {
        write!(out, ", {} PEs", grouped(pes))?;
    }
    if let Some(fan_out) = network.fan_out {
        write!(out, ", {fan_out} import targets each")?;
    }
    if let Some(DrawnFacts { export_targets, dual_homed_percent, overlap_percent, prefix_lengths }) = network.drawn {
        write!(out, ", {export_targets} export targets, {dual_homed_percent}% dual-homed, {overlap_percent}% overlap")?;
        if let Some((min, max)) = prefix_lengths {
            write!(out, ", /{min} to /{max}")?;
        }
    }
    writeln!(out, "; {} rounds, seed {}", network.rounds, network.seed)?;
    writeln!(out, "Estimate    {} of memory\n", binary(network.estimated_bytes as u64))?;
    writeln!(
        out,
        "{:<10} {:>7} {:>10} {:>7} {:>13} {:>8} {:>16} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>5}",
        "Contender",
        "Threads",
        "VPN routes",
        "VRFs",
        "Imported",
        "Leak s",
        "Least to most",
        "Import s",
        "Install s",
        "M/s",
        "RIBs",
        "FIBs",
        "Peak",
        "Held",
        "Parts"
    )?;
    for row in &report.results {
        result(row, out)?;
    }
    if let Some(scaling) = &report.scaling {
        exponents(scaling, out)?;
    }
    for (at, note) in report.notes.iter().enumerate() {
        writeln!(out, "{}Note: {note}", if at == 0 { "\n" } else { "" })?;
    }
    let checksums = report.results.last().map_or("", |row| row.checksum.as_str());
    let agreed = if report.agreed { "all agree on the tables" } else { "THE CONTENDERS DO NOT AGREE" };
    writeln!(out, "\nChecksum {checksums}: {agreed}")?;
    if report.interrupted {
        writeln!(out, "Interrupted: this is what was measured until then.")?;
    }
    Ok(())
}

fn result(row: &LeakResult, out: &mut dyn Write) -> io::Result<()> {
    let seconds = |time: Option<crate::Spread>| time.map_or("-".to_owned(), |time| format!("{:.3}", time.median));
    let range = row.leak_seconds.map_or("-".to_owned(), |time| format!("{:.3} to {:.3}", time.min, time.max));
    let parts = row.accounted_bytes.zip(row.held_bytes).map(|(parts, held)| parts as f64 / held as f64);
    writeln!(
        out,
        "{:<10} {:>7} {:>10} {:>7} {:>13} {:>8} {:>16} {:>8} {:>9} {:>9.2} {:>9} {:>9} {:>9} {:>9} {:>5}",
        row.contender,
        row.threads,
        grouped(row.vpn_routes),
        grouped(row.vrfs),
        grouped(row.imported_routes),
        seconds(row.leak_seconds),
        range,
        seconds(row.import_seconds),
        seconds(row.install_seconds),
        row.imported_per_second / 1e6,
        binary(row.rib_bytes as u64),
        binary(row.fib_bytes as u64),
        row.peak_rss_bytes.map_or("-".to_owned(), binary),
        row.held_bytes.map_or("-".to_owned(), binary),
        parts.map_or("-".to_owned(), |parts| format!("{:.0}%", 100.0 * parts))
    )
}

fn exponents(scaling: &Scaling, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\nGrowth with {}: the exponent of", scaling.quantity)?;
    writeln!(out, "{:<10} {:>7} {:>10} {:>10} {:>10}", "Contender", "Threads", "Leak s", "Install s", "Bytes")?;
    let shown = |exponent: Option<f64>| exponent.map_or("-".to_owned(), |exponent| format!("{exponent:.2}"));
    for fit in &scaling.fits {
        writeln!(
            out,
            "{:<10} {:>7} {:>10} {:>10} {:>10}",
            fit.contender,
            fit.threads.map_or("-".to_owned(), |threads| threads.to_string()),
            shown(fit.leak_seconds),
            shown(fit.install_seconds),
            shown(fit.bytes)
        )?;
    }
    Ok(())
}
