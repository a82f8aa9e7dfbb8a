//! [`Holdings`]: what the process holds once the FIBs are installed, by part.

use std::io::{self, Write};

use serde::Serialize;
use vrfleak_bench::memory;
use vrfleak_dataplane::Fibs;
use vrfleak_engine::{Leak, MemoryPart, Network};

use crate::output::grouped;

/// What is held, part by part, and what the system says that the process holds.
#[derive(Debug, Default, Serialize)]
pub(super) struct Holdings {
    parts: Vec<Part>,
    /// The sum of the parts.
    accounted_bytes: usize,
    /// What the process held when the parts were summed up; `None` where the system does not tell.
    held_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Part {
    name: &'static str,
    items: usize,
    bytes: usize,
}

impl Holdings {
    /// Sums up what is held now. `program_bytes` is what the process held before there was any network.
    pub(super) fn new(program_bytes: Option<u64>, network: &Network, leak: &Leak, fibs: &Fibs) -> Self {
        let program = Part { name: "program", items: 1, bytes: program_bytes.map_or(0, |bytes| bytes as usize) };
        let parts = network.memory().into_iter().chain(leak.memory()).chain(fibs.memory());
        let parts = parts.map(|MemoryPart { name, items, bytes }| Part { name, items, bytes });
        let parts: Vec<Part> = [program].into_iter().chain(parts).collect();
        let accounted_bytes = parts.iter().map(|part| part.bytes).sum();
        Self { parts, accounted_bytes, held_bytes: memory::resident_bytes() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Writes the parts for people; those that hold nothing are left out.
    pub(super) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let mib = |bytes: f64| bytes / 1_048_576.0;
        writeln!(out, "{:<22} {:>14} {:>12} {:>14}", "Memory", "Items", "MiB", "Bytes/item")?;
        for Part { name, items, bytes } in self.parts.iter().filter(|part| part.items > 0) {
            let (bytes, each) = (*bytes as f64, *bytes as f64 / *items as f64);
            writeln!(out, "{name:<22} {:>14} {:>12.1} {each:>14.2}", grouped(*items), mib(bytes))?;
        }
        writeln!(out, "{:<22} {:>14} {:>12.1}", "All of these", "", mib(self.accounted_bytes as f64))?;
        if let Some(held) = self.held_bytes {
            let (held, accounted) = (held as f64, self.accounted_bytes as f64);
            let percent = 100.0 * accounted / held;
            writeln!(out, "{:<22} {:>14} {:>12.1} {percent:>13.0}%", "Held by the process", "", mib(held))?;
        }
        Ok(())
    }
}
