//! [`Report`]: what a run found out, as a table for people and as JSON.

use std::io::{self, Write};
use std::time::Duration;
use vrfleak_bench::grouped;

use serde::Serialize;

use super::heaviest::Heaviest;
use super::holdings::Holdings;
use super::lookups::LookupRow;
use super::pings::Counts;

/// What a run found out. The order of the fields is that of the JSON, which other programs rely on.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) schema_version: u32,
    pub(super) seed: u64,
    pub(super) threads: usize,
    pub(super) network: NetworkFacts,
    pub(super) phases: Vec<PhaseRow>,
    pub(super) imported_routes: usize,
    pub(super) fib_entries: usize,
    pub(super) rib_bytes: usize,
    pub(super) fib_bytes: usize,
    pub(super) lookup: Vec<LookupRow>,
    pub(super) ping: Counts,
    pub(super) peak_rss_bytes: Option<u64>,
    pub(super) source_routes: usize,
    pub(super) rib_entries: usize,
    /// Lists that the RIBs of both families are made of; VRFs that import alike share one.
    pub(super) rib_lists: usize,
    /// Bytes of the model: VRFs, their own routes, next hops, attributes.
    pub(super) model_bytes: usize,
    /// Bytes of the ranked routes and the buckets.
    pub(super) table_bytes: usize,
    /// The lookup structure of the FIBs.
    pub(super) backend: &'static str,
    /// A digest of every (VRF, prefix, best route): equal runs have equal digests.
    pub(super) digest: String,
    /// What is held after the FIBs were installed, by part, and what of it is accounted for.
    pub(super) holdings: Holdings,
    /// What weighs most.
    pub(super) heaviest: Heaviest,
    /// Whether the run was interrupted, so that not all of it was measured.
    pub(super) interrupted: bool,
}

/// What the network is.
#[derive(Debug, Default, Serialize)]
pub(super) struct NetworkFacts {
    pub(super) routers: usize,
    pub(super) vrfs: usize,
    pub(super) vpn_routes: usize,
    pub(super) route_targets: usize,
}

/// How long a phase took for how many items.
#[derive(Debug, Serialize)]
pub(super) struct PhaseRow {
    pub(super) name: &'static str,
    pub(super) seconds: f64,
    pub(super) items: usize,
    pub(super) items_per_second: f64,
}

impl PhaseRow {
    pub(super) fn new(name: &'static str, time: Duration, items: usize) -> Self {
        let seconds = time.as_secs_f64();
        // A clock that did not move measured nothing.
        let items_per_second = if seconds > 0.0 { items as f64 / seconds } else { 0.0 };
        Self { name, seconds, items, items_per_second }
    }

    /// Returns what the items of this phase are.
    fn unit(&self) -> &'static str {
        match self.name {
            "generate" => "own routes",
            "export" | "bucket" => "VPN routes",
            "import" => "imported routes",
            "install" => "FIB entries",
            "lookup" => "keys",
            _ => "pings",
        }
    }
}

impl Report {
    pub(super) fn new(seed: u64, threads: usize) -> Self {
        Self {
            schema_version: 1,
            seed,
            threads,
            network: NetworkFacts::default(),
            phases: Vec::new(),
            imported_routes: 0,
            fib_entries: 0,
            rib_bytes: 0,
            fib_bytes: 0,
            lookup: Vec::new(),
            ping: Counts::default(),
            peak_rss_bytes: None,
            source_routes: 0,
            rib_entries: 0,
            rib_lists: 0,
            model_bytes: 0,
            table_bytes: 0,
            backend: "",
            digest: String::new(),
            holdings: Holdings::default(),
            heaviest: Heaviest::default(),
            interrupted: false,
        }
    }

    /// Writes the report for people; what was not measured is left out.
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let facts = &self.network;
        writeln!(
            out,
            "Network   {} routers, {} VRFs, {} route targets, {} VPN routes (seed {})",
            grouped(facts.routers),
            grouped(facts.vrfs),
            grouped(facts.route_targets),
            grouped(facts.vpn_routes),
            self.seed
        )?;
        writeln!(out)?;
        writeln!(out, "{:<10} {:>10} {:>14} {:<16} {:>12}", "Phase", "Seconds", "Items", "", "Million/s")?;
        for phase in &self.phases {
            let (items, unit) = (grouped(phase.items), phase.unit());
            let rate = phase.items_per_second / 1e6;
            writeln!(out, "{:<10} {:>10.3} {items:>14} {unit:<16} {rate:>12.2}", phase.name, phase.seconds)?;
        }
        if !self.holdings.is_empty() {
            writeln!(out)?;
            self.holdings.print(out)?;
            if let Some(peak) = self.peak_rss_bytes {
                writeln!(out, "{:<22} {:>14} {:>12.1}", "Peak of the process", "", peak as f64 / 1_048_576.0)?;
            }
        }
        if !self.lookup.is_empty() {
            writeln!(out)?;
            writeln!(
                out,
                "{:<8} {:<9} {:<12} {:>6} {:>8} {:>12}",
                "Lookup", "Keys", "VRFs", "Batch", "Threads", "Million/s"
            )?;
            for row in &self.lookup {
                let vrfs = if row.mixed_vrfs { "all, mixed" } else { "the biggest" };
                writeln!(
                    out,
                    "{:<8} {:<9} {vrfs:<12} {:>6} {:>8} {:>12.1}",
                    row.family, row.keys, row.batch, row.threads, row.mlps
                )?;
            }
        }
        if self.ping.pairs > 0 {
            let counts = &self.ping;
            writeln!(out)?;
            writeln!(out, "{:<22} {:>14} {:>12}", "Ping", "Pairs", "Percent")?;
            let rows = [
                ("Delivered", counts.delivered),
                ("No route", counts.no_route),
                ("Discarded", counts.discarded),
                ("Forwarding loop", counts.looped),
                ("Reply unroutable", counts.reply_unroutable),
            ];
            for (name, count) in rows {
                let percent = 100.0 * count as f64 / counts.pairs as f64;
                writeln!(out, "{name:<22} {:>14} {percent:>12.2}", grouped(count))?;
            }
        }
        if !self.heaviest.is_empty() {
            writeln!(out)?;
            self.heaviest.print(out)?;
        }
        writeln!(out)?;
        writeln!(
            out,
            "Threads {}, RIBs of {} lists, FIBs in {}, digest {}",
            self.threads,
            grouped(self.rib_lists),
            self.backend,
            self.digest
        )?;
        if self.interrupted {
            writeln!(out, "Interrupted: this is what was measured until then.")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keys_keep_their_order() {
        let json = serde_json::to_string(&Report::new(1, 2)).expect("plain data");
        let order = [
            "schema_version",
            "seed",
            "threads",
            "network",
            "routers",
            "vrfs",
            "vpn_routes",
            "route_targets",
            "phases",
            "imported_routes",
            "fib_entries",
            "rib_bytes",
            "fib_bytes",
            "lookup",
            "ping",
            "pairs",
            "delivered",
            "peak_rss_bytes",
        ];
        let places: Vec<_> = order.iter().map(|key| json.find(&format!("\"{key}\":"))).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{json}");
    }
}
