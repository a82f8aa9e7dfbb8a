//! [`Machine`]: what the figures were measured on.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::Serialize;
use vrfleak_dataplane::lpm::Isa;

use crate::text::binary;

/// The fingerprint of a machine. What the system does not tell stays empty or 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// The processor's own name.
    pub processor: String,
    /// Vendor, family, model and stepping as the processor numbers them: names of virtual ones say little.
    pub processor_id: String,
    /// Processors that this process may run on.
    pub cores: usize,
    /// The caches of the first processor, from the nearest on.
    pub caches: Vec<Cache>,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// The instructions that our batches use where they choose.
    pub isa: String,
    /// The vector extensions that the processor has, of those that make a difference here.
    pub vector_extensions: Vec<String>,
    /// The system's setting for transparent huge pages: `always`, `madvise` or `never`.
    pub huge_pages: String,
    /// The system and its release.
    pub system: String,
    /// The compiler that built this.
    pub compiler: String,
    /// The version of this program.
    pub version: String,
}

/// A cache of a processor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cache {
    /// Its name: `L1d`, `L1i`, `L2`, `L3`.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// How many processors share it.
    pub shared_by: usize,
}

impl Machine {
    /// Returns the fingerprint of this machine.
    pub fn read() -> Self {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| field(&info, name).unwrap_or_default().to_owned();
        let numbers = ["vendor_id", "cpu family", "model", "stepping"].map(field).join(" ");
        let flags = field("flags");
        let has = |flag: &str| flags.split(' ').any(|word| word == flag);
        let extensions = ["avx2", "bmi2", "avx512f", "avx512bw", "avx512vl", "avx512_vbmi2", "avx512_vpopcntdq"];
        let setting = read("/sys/kernel/mm/transparent_hugepage/enabled");
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kibibytes = field_number(&memory, "MemTotal");
        Self {
            processor: field("model name"),
            processor_id: numbers.trim().to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            caches: caches(Path::new("/sys/devices/system/cpu/cpu0/cache")),
            memory_bytes: kibibytes * 1024,
            isa: Isa::fastest().name().to_owned(),
            vector_extensions: extensions.into_iter().filter(|flag| has(flag)).map(str::to_owned).collect(),
            huge_pages: chosen(&setting).to_owned(),
            system: format!("{} {}", std::env::consts::OS, read("/proc/sys/kernel/osrelease")).trim().to_owned(),
            compiler: env!("VRFLEAK_COMPILER").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Processor   {} ({}), {} cores", self.processor, self.processor_id, self.cores)?;
        let caches = self.caches.iter().map(|cache| {
            let shared = if cache.shared_by > 1 { " shared" } else { "" };
            format!("{} {}{shared}", cache.name, binary(cache.bytes))
        });
        let caches: Vec<String> = caches.collect();
        writeln!(f, "Caches      {}; memory {}", caches.join(", "), binary(self.memory_bytes))?;
        writeln!(f, "ISA         {} chosen of {}", self.isa, self.vector_extensions.join(" "))?;
        writeln!(f, "Huge pages  {}", self.huge_pages)?;
        writeln!(f, "Software    vrfleak {}, {}, {}", self.version, self.compiler, self.system)
    }
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// Returns the value of the first `name : value` line.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

pub(crate) fn field_number(text: &str, name: &str) -> u64 {
    let value = field(text, name).and_then(|value| value.split(' ').next());
    value.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Returns the word in brackets, as the system marks a choice: `always [madvise] never`.
fn chosen(setting: &str) -> &str {
    setting.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("", |(word, _)| word)
}

fn caches(folder: &Path) -> Vec<Cache> {
    (0..8)
        .map_while(|index| {
            let of = |file: &str| read(folder.join(format!("index{index}")).join(file));
            let level = of("level");
            let kind = match of("type").as_str() {
                "Data" => "d",
                "Instruction" => "i",
                _ => "",
            };
            let size = of("size");
            let bytes = size.strip_suffix('K').and_then(|number| number.parse::<u64>().ok())? * 1024;
            Some(Cache { name: format!("L{level}{kind}"), bytes, shared_by: processors(&of("shared_cpu_list")) })
        })
        .collect()
}

/// Counts a list of processors such as `0-3,8`.
fn processors(list: &str) -> usize {
    let count = |part: &str| -> Option<usize> {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        last.checked_sub(first).map(|more| more + 1)
    };
    list.split(',').filter_map(count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_writes_is_read() {
        assert_eq!(chosen("always [madvise] never"), "madvise");
        assert_eq!(chosen(""), "");
        assert_eq!((processors("0-3,8"), processors("0"), processors("")), (5, 1, 0));
        assert_eq!(field("model\t\t: 2\nmodel name\t: A : B\n", "model name"), Some("A : B"));
        assert_eq!(field_number("MemTotal:       24000 kB\n", "MemTotal"), 24000);
    }
}
