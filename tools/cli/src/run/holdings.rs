//! [`Holdings`]: what the process holds once the FIBs are installed, by part.

use std::io::{self, Write};
use vrfleak_bench::grouped;

use serde::Serialize;
use vrfleak_bench::memory::Resident;
use vrfleak_dataplane::Fibs;
use vrfleak_engine::{Leak, MemoryPart, Network};

use crate::allocator;

/// What is held, part by part, and what the system says that the process holds.
#[derive(Debug, Default, Serialize)]
pub(super) struct Holdings {
    parts: Vec<Part>,
    /// The sum of the parts: program and allocator are measured, all others are counted by themselves.
    accounted_bytes: usize,
    /// What the process held while it had all these parts, once what was freed had been given back; `None` where the system
    /// does not tell.
    held_bytes: Option<u64>,
    /// Bytes that were asked of the allocator and not freed, as it counts them: all parts but the program, what is mapped of
    /// the FIB tables, and the allocator itself.
    in_use_bytes: usize,
}

#[derive(Debug, Serialize)]
struct Part {
    name: &'static str,
    items: usize,
    bytes: usize,
}

impl Holdings {
    /// Sums up what is held now, once what was freed is given back. `before` is what the process held before there was any
    /// network.
    pub(super) fn new(before: Option<Resident>, network: &Network, leak: &Leak, fibs: &Fibs) -> Self {
        let parts = network.memory().into_iter().chain(leak.memory()).chain(fibs.memory());
        let parts: Vec<Part> = parts.map(|MemoryPart { name, items, bytes }| Part { name, items, bytes }).collect();
        let in_use_bytes = allocator::give_back();
        let now = Resident::now();
        // The code that has run by now, and what there was to begin with.
        let started = before.map_or(0, |before| before.all_bytes.saturating_sub(before.file_bytes));
        let code = now.map_or(0, |now| now.file_bytes);
        let program = Part { name: "program", items: 1, bytes: (code + started) as usize };
        // What is held beside that, the blocks in use, and tables: sizes rounded up, pages with a few blocks in them.
        let known = program.bytes + in_use_bytes + fibs.mapped_bytes();
        let bytes = now.map_or(0, |now| (now.all_bytes as usize).saturating_sub(known));
        let allocator = Part { name: "allocator", items: 1, bytes };
        let parts: Vec<Part> = [program].into_iter().chain(parts).chain([allocator]).collect();
        let accounted_bytes = parts.iter().map(|part| part.bytes).sum();
        Self { parts, accounted_bytes, held_bytes: now.map(|now| now.all_bytes), in_use_bytes }
    }

    /// Returns the bytes of the part `name`.
    pub(super) fn bytes(&self, name: &str) -> usize {
        self.parts.iter().find(|part| part.name == name).map_or(0, |part| part.bytes)
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
