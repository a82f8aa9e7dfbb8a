//! `vrfleak show pe`: what each router has to hold, for capacity planning.

use std::io::{self, Write};
use vrfleak_bench::grouped;

use serde::Serialize;
use vrfleak_engine::{FamilyUsage, Leak, Network, PeUsage};

use crate::args::{Format, Global, ShowPeArgs};
use crate::failure::{Answer, Failure};
use crate::output::Output;
use crate::{input, scope};

/// One router in JSON.
#[derive(Debug, Default, Serialize)]
pub(crate) struct PeRow {
    router: String,
    vrfs: usize,
    ipv4: FamilyRow,
    ipv6: FamilyRow,
    labels: LabelRow,
    /// Of vrfleak's own tables for this router alone.
    bytes: usize,
}

#[derive(Debug, Default, Serialize)]
struct FamilyRow {
    exported: usize,
    received: usize,
    received_with_constraint: usize,
    kept: usize,
    dropped: usize,
    imported: usize,
    fib_entries: usize,
}

#[derive(Debug, Default, Serialize)]
#[expect(clippy::struct_field_names, reason = "the keys of the JSON")]
struct LabelRow {
    per_vrf: usize,
    per_prefix: usize,
    per_next_hop: usize,
}

impl PeRow {
    pub(crate) fn new(network: &Network, usage: &PeUsage) -> Self {
        let family = |family: FamilyUsage| FamilyRow {
            exported: family.exported,
            received: family.received,
            received_with_constraint: family.kept,
            kept: family.kept,
            dropped: family.dropped(),
            imported: family.imported,
            fib_entries: family.fib_entries,
        };
        Self {
            router: network.router(usage.router).name.clone(),
            vrfs: usage.vrfs,
            ipv4: family(usage.families.ipv4),
            ipv6: family(usage.families.ipv6),
            labels: LabelRow {
                per_vrf: usage.labels.per_vrf,
                per_prefix: usage.labels.per_prefix,
                per_next_hop: usage.labels.per_next_hop,
            },
            bytes: usage.bytes(),
        }
    }

    /// Adds what another router holds.
    pub(crate) fn add(&mut self, other: &Self) {
        self.vrfs += other.vrfs;
        for (family, other) in [(&mut self.ipv4, &other.ipv4), (&mut self.ipv6, &other.ipv6)] {
            family.exported += other.exported;
            family.received += other.received;
            family.received_with_constraint += other.received_with_constraint;
            family.kept += other.kept;
            family.dropped += other.dropped;
            family.imported += other.imported;
            family.fib_entries += other.fib_entries;
        }
        self.labels.per_vrf += other.labels.per_vrf;
        self.labels.per_prefix += other.labels.per_prefix;
        self.labels.per_next_hop += other.labels.per_next_hop;
        self.bytes += other.bytes;
    }
}

/// Runs the command.
pub(crate) fn run(args: &ShowPeArgs, global: &Global) -> Result<Answer, Failure> {
    let network = input::read(&args.input, global.verbose)?;
    let only = args.router.as_deref().map(|name| scope::router(&network, name)).transpose()?;
    let leak = Leak::new(&network);
    let usages = PeUsage::of_all(&network, &leak);
    let shown = usages.iter().filter(|usage| only.is_none_or(|only| only == usage.router));
    let rows: Vec<PeRow> = shown.map(|usage| PeRow::new(&network, usage)).collect();
    let mut out = Output::open(global.output.as_deref())?;
    match global.format {
        Format::Json => out.json_rows(rows.iter())?,
        Format::Table => write_table(&mut out, &rows)?,
    }
    out.finish()?;
    Ok(Answer::Yes)
}

/// Writes a row a router and, if there are several, their sum.
fn write_table(out: &mut impl Write, rows: &[PeRow]) -> io::Result<()> {
    let mut total = PeRow::default();
    for row in rows {
        total.add(row);
    }
    write_rows(out, rows, Some(&total).filter(|_| rows.len() > 1))
}

/// Writes a row a router, then their sum.
pub(crate) fn write_rows(out: &mut impl Write, rows: &[PeRow], total: Option<&PeRow>) -> io::Result<()> {
    writeln!(out, "{:<16} {:>7}   {:^35}   {:^23}   {:^31}", "", "", "VPN routes", "FIB entries", "Labels")?;
    writeln!(
        out,
        "{:<16} {:>7}   {:>11} {:>11} {:>11}   {:>11} {:>11}   {:>7} {:>11} {:>11} {:>9}",
        "PE", "VRFs", "received", "kept", "dropped", "IPv4", "IPv6", "VRF", "prefix", "next hop", "MiB"
    )?;
    for row in rows {
        write_row(out, &row.router, row)?;
    }
    if let Some(total) = total {
        write_row(out, "all", total)?;
    }
    writeln!(out)?;
    writeln!(out, "With route target constraint a PE receives what it keeps.")
}

fn write_row(out: &mut impl Write, name: &str, row: &PeRow) -> io::Result<()> {
    let both = |of: fn(&FamilyRow) -> usize| grouped(of(&row.ipv4) + of(&row.ipv6));
    writeln!(
        out,
        "{name:<16} {:>7}   {:>11} {:>11} {:>11}   {:>11} {:>11}   {:>7} {:>11} {:>11} {:>9.2}",
        grouped(row.vrfs),
        both(|family| family.received),
        both(|family| family.kept),
        both(|family| family.dropped),
        grouped(row.ipv4.fib_entries),
        grouped(row.ipv6.fib_entries),
        grouped(row.labels.per_vrf),
        grouped(row.labels.per_prefix),
        grouped(row.labels.per_next_hop),
        row.bytes as f64 / 1_048_576.0,
    )
}
