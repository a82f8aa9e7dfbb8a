//! [`LookupReport`]: what was measured, as plain data.

use serde::Serialize;

use super::statistics::TableStatistics;
use crate::machine::Machine;
use crate::spread::Spread;

/// Version of the JSON that a [`LookupReport`] becomes; it changes where a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// A measurement of lookups. Its fields become JSON in this order.
#[derive(Clone, Debug, Serialize)]
pub struct LookupReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What it was measured on.
    pub machine: Machine,
    /// What was looked up in.
    pub table: LookupTable,
    /// A row for each contender, family, kind of keys, batch size and number of threads.
    pub results: Vec<LookupResult>,
    /// What is to be known beside the figures: contenders that err or cannot take part, and why.
    pub notes: Vec<String>,
    /// Whether somebody ended the measurement before it was done.
    pub interrupted: bool,
}

/// The tables of a measurement.
#[derive(Clone, Debug, Serialize)]
pub struct LookupTable {
    /// The list's name, or `synthetic`.
    pub source: String,
    /// How the tables were cut: `whole`, `neighbours` or `scattered`, with ` and whole` if one VRF more has the whole table.
    pub cut: String,
    /// Seed of keys and synthetic prefixes.
    pub seed: u64,
    /// Keys of each kind.
    pub key_count: usize,
    /// Turns that each contender has.
    pub rounds: usize,
    /// The tables themselves, a family each.
    pub families: Vec<TableStatistics>,
}

/// A row of figures. Where a contender errs it has none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LookupResult {
    /// Whose structure.
    pub contender: String,
    /// Which of theirs.
    pub variant: String,
    /// `ipv4` or `ipv6`.
    pub family: String,
    /// The kind of keys, or the file that they came from.
    pub keys: String,
    /// VRFs that the keys are mixed over.
    pub vrfs: usize,
    /// Keys a call; 1 for structures without a call for many.
    pub batch: usize,
    /// Threads that looked up at once.
    pub threads: usize,
    /// Million lookups a second, all threads together.
    pub mlps: Option<Spread>,
    /// Nanoseconds of a lookup that waits for the one before it.
    pub ns_dependent: Option<f64>,
    /// Distinct next hops.
    pub next_hops: usize,
    /// Bytes that lookups read.
    pub bytes: Option<usize>,
    /// The same for each prefix.
    pub bytes_per_prefix: Option<f64>,
    /// Seconds to build all tables from sorted routes, one thread.
    pub build_seconds: f64,
    /// Nanoseconds to withdraw or announce one prefix, where the structure can.
    pub update_ns: Option<f64>,
    /// Whether every answer was the oracle's.
    pub correct: bool,
}

impl LookupResult {
    /// Returns `CONTENDER/VARIANT`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.contender, self.variant)
    }
}

impl LookupReport {
    /// Returns a report without results.
    pub(crate) fn new(table: LookupTable) -> Self {
        let machine = Machine::read();
        let results = Vec::new();
        Self { schema_version: SCHEMA_VERSION, machine, table, results, notes: Vec::new(), interrupted: false }
    }

    /// Returns whether every contender that took part was right.
    pub fn all_correct(&self) -> bool {
        self.results.iter().all(|row| row.correct)
    }
}
