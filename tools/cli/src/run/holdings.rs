//! [`Holdings`]: what the process holds once the FIBs are installed, by part.

use std::io::{self, Write};
use vrfleak_bench::grouped;

use serde::Serialize;
use vrfleak_bench::memory::Resident;
use vrfleak_dataplane::Fibs;
use vrfleak_engine::{Leak, MemoryPart, Network};

/// What is held, part by part, and what the system says that the process holds.
#[derive(Debug, Default, Serialize)]
pub(super) struct Holdings {
    parts: Vec<Part>,
    /// The sum of the parts.
    accounted_bytes: usize,
    /// What the process held at the least while it had all these parts; `None` where the system does not tell.
    held_bytes: Option<u64>,
    /// What the process held of its own before there was any network.
    #[serde(skip)]
    started_bytes: usize,
}

#[derive(Debug, Serialize)]
struct Part {
    name: &'static str,
    items: usize,
    bytes: usize,
}

impl Holdings {
    /// Sums up what is held now. `before` is what the process held before there was any network.
    pub(super) fn new(before: Option<Resident>, network: &Network, leak: &Leak, fibs: &Fibs) -> Self {
        let program = Part { name: "program", items: 1, bytes: 0 };
        let parts = network.memory().into_iter().chain(leak.memory()).chain(fibs.memory());
        let parts = parts.map(|MemoryPart { name, items, bytes }| Part { name, items, bytes });
        let parts = [program].into_iter().chain(parts).collect();
        let started_bytes = before.map_or(0, |before| before.all_bytes.saturating_sub(before.file_bytes));
        let mut holdings = Self { parts, started_bytes: started_bytes as usize, ..Self::default() };
        crate::allocator::give_back();
        holdings.read(Resident::now());
        holdings
    }

    /// Reads what the process holds, and keeps it if it is less than before. An allocator keeps what was freed for about
    /// a second before the system has it back, and that is in no part.
    pub(super) fn read(&mut self, now: Option<Resident>) {
        if let (Some(now), Some(program)) = (now, self.parts.first_mut())
            && self.held_bytes.is_none_or(|held| now.all_bytes < held)
        {
            // The code that has run by now, and what there was to begin with.
            program.bytes = now.file_bytes as usize + self.started_bytes;
            self.held_bytes = Some(now.all_bytes);
        }
        self.accounted_bytes = self.parts.iter().map(|part| part.bytes).sum();
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
