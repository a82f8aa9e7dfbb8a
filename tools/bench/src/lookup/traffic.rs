//! [`Traffic`]: the keys of a measurement, with the table that each one goes to and the answer that it must get.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use rayon::prelude::*;
use vrfleak_bench_data::random::Random;
use vrfleak_bench_data::{Diagnostic, Diagnostics, KeyKind, SourceText, keys};
use vrfleak_dataplane::lpm::TableId;
use vrfleak_engine::{Address, Family, Prefix, VrfId};

use super::input::Routes;
use super::oracle::Oracle;

/// The distinct addresses of Zipf traffic.
pub const ZIPF_DISTINCT: usize = 100_000;
/// How long a file of keys may be, in bytes, unpacked.
const FILE_BYTES: usize = 1 << 30;

/// Where keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// Drawn at random.
    Kind(KeyKind),
    /// One address a line, plain or gzip; those of another family are passed over.
    File(PathBuf),
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => kind.fmt(f),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for KeySource {
    type Err = std::convert::Infallible;

    /// Takes a word that is no kind of keys for the name of a file.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::File(text.into()), Self::Kind))
    }
}

/// Keys, in the order in which every contender looks them up.
#[derive(Clone, Debug)]
pub(crate) struct Traffic<A> {
    /// What reports call it.
    pub(crate) name: String,
    /// The table of each key; `None` where there is but one.
    pub(crate) tables: Option<Vec<TableId>>,
    /// The keys.
    pub(crate) keys: Vec<A>,
    /// The next hop of each.
    pub(crate) expected: Vec<u32>,
    /// The length of each one's longest prefix, 0 for none.
    pub(crate) lens: Vec<u8>,
}

impl<A: Address> Traffic<A> {
    /// Draws `count` keys, or reads them, for `tables`, and asks the oracle.
    ///
    /// # Errors
    ///
    /// If a file cannot be read or a line is no address. The traffic is `None` where there is no such key, as there is
    /// no miss in a table with a default route.
    pub(crate) fn new(
        source: &KeySource,
        tables: &[Routes<A>],
        oracle: &Oracle<A>,
        seed: u64,
        count: usize,
    ) -> Result<Option<Self>, Diagnostics> {
        let prefixes: Vec<Vec<Prefix<A>>> =
            tables.iter().map(|routes| routes.iter().map(|route| route.0).collect()).collect();
        let (ids, keys): (Vec<TableId>, Vec<A>) = match source {
            KeySource::File(path) => {
                let mut random = Random::new(seed);
                let keys = read(path)?;
                let ids = keys.iter().map(|_| TableId(random.below(tables.len() as u64) as u32)).collect();
                (ids, keys)
            }
            KeySource::Kind(kind) if tables.len() == 1 => {
                let keys = match kind {
                    KeyKind::Zipf => keys::zipf(&prefixes[0], seed, count, ZIPF_DISTINCT),
                    kind => kind.keys(&prefixes[0], seed, count),
                };
                (Vec::new(), keys)
            }
            KeySource::Kind(kind) => pairs(*kind, &prefixes, seed, count).into_iter().unzip(),
        };
        if keys.is_empty() {
            return Ok(None);
        }
        let tables = (tables.len() > 1).then_some(ids);
        let mut traffic = Self { name: source.to_string(), tables, keys, expected: Vec::new(), lens: Vec::new() };
        (traffic.expected, traffic.lens) = oracle.answers(&traffic);
        Ok(Some(traffic))
    }

    /// Returns the keys with their tables.
    pub(crate) fn pairs(&self) -> impl ExactSizeIterator<Item = (TableId, A)> {
        self.keys.iter().enumerate().map(|(at, &key)| (self.table(at), key))
    }

    /// Returns the table of the key at `at`.
    pub(crate) fn table(&self, at: usize) -> TableId {
        self.tables.as_ref().map_or(TableId(0), |tables| tables[at])
    }
}

/// Returns keys over many tables in any mix: uniform draws any table and address; the others draw a table in proportion
/// to its prefixes.
fn pairs<A: Address>(kind: KeyKind, prefixes: &[Vec<Prefix<A>>], seed: u64, count: usize) -> Vec<(TableId, A)> {
    let named: Vec<(VrfId, &[Prefix<A>])> =
        prefixes.iter().enumerate().map(|(table, list)| (VrfId::from_index(table), list.as_slice())).collect();
    let matched = |count| keys::mixed(&named, seed, count).into_iter().map(|(vrf, key)| (TableId(vrf.0), key));
    let mut random = Random::stream(seed, 99);
    match kind {
        KeyKind::Matched => matched(count).collect(),
        KeyKind::Uniform => {
            let tables = prefixes.len() as u64;
            keys::uniform(seed, count).into_iter().map(|key| (TableId(random.below(tables) as u32), key)).collect()
        }
        KeyKind::Zipf => {
            let pairs: Vec<(TableId, A)> = matched(ZIPF_DISTINCT).collect();
            keys::zipf_of(&pairs, &mut random, count)
        }
        KeyKind::Miss => {
            let each = count.div_ceil(prefixes.len().max(1));
            let misses = prefixes.par_iter().enumerate().flat_map_iter(|(table, list)| {
                let keys = keys::miss(list, Random::stream(seed, table as u64).next_u64(), each);
                keys.into_iter().map(move |key| (TableId::from_index(table), key))
            });
            let mut pairs: Vec<(TableId, A)> = misses.collect();
            // Fisher and Yates, so that neighbours are of different tables.
            for at in (1..pairs.len()).rev() {
                pairs.swap(at, random.below(at as u64 + 1) as usize);
            }
            pairs.truncate(count);
            pairs
        }
    }
}

fn read<A: Address>(path: &std::path::Path) -> Result<Vec<A>, Diagnostics> {
    let text = SourceText::read(path, FILE_BYTES)?;
    let mut keys = Vec::new();
    let mut diagnostics = Diagnostics::default();
    for line in text.lines() {
        let word = line.text.trim();
        if word.is_empty() || word.starts_with('#') {
            continue;
        }
        match word.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) if A::FAMILY == Family::Ipv4 => keys.push(A::narrow(address.to_bits().into())),
            Ok(IpAddr::V6(address)) if A::FAMILY == Family::Ipv6 => keys.push(A::narrow(address.to_bits())),
            Ok(_) => {}
            Err(_) => {
                let error = Diagnostic::error(text.name(), format!("`{word}` is not an address"));
                let start = line.text.len() - line.text.trim_start().len();
                let error = error.at(line.number, line.text, start..start + word.len());
                diagnostics.push(error.expected("expected one address a line"));
            }
        }
    }
    diagnostics.into_result(keys).map(|(keys, _)| keys)
}
