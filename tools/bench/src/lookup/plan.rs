//! [`LookupPlan`]: what is to be measured, and [`PlanError`], why it cannot be.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use vrfleak_bench_data::{KeyKind, PrefixList, full_table};
use vrfleak_engine::Family;

use super::registry;
use super::traffic::KeySource;

/// Next hops at most.
pub const MOST_NEXT_HOPS: u32 = 1 << 24;
/// Keys at most.
pub const MOST_KEYS: usize = 1 << 28;
/// Routes of all VRFs at most.
pub const MOST_ROUTES: usize = 1 << 28;
/// Threads at most.
pub const MOST_THREADS: usize = 1024;

/// Where prefixes come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A list.
    List {
        /// What reports call it.
        name: String,
        /// The list.
        list: PrefixList,
    },
    /// [`full_table`]: drawn after the pattern of a full table.
    Synthetic {
        /// How many in each family.
        prefixes: usize,
    },
}

/// How a table becomes the tables of many VRFs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cut {
    /// A VRF has prefixes that follow one another, as the sites of one customer may.
    #[default]
    Neighbours,
    /// A VRF has prefixes from everywhere.
    Scattered,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Neighbours => "neighbours",
            Self::Scattered => "scattered",
        })
    }
}

impl FromStr for Cut {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let named = [Self::Neighbours, Self::Scattered].into_iter().find(|cut| cut.to_string() == text);
        named.ok_or_else(|| PlanError::UnknownCut { text: text.to_owned() })
    }
}

/// What is measured, on which tables, with which keys.
#[derive(Clone, Debug)]
pub struct LookupPlan {
    /// Where prefixes come from.
    pub source: Source,
    /// How many VRFs the prefixes are cut into.
    pub vrfs: usize,
    /// How many prefixes each VRF gets; without it all prefixes are dealt out, each once.
    pub routes_per_vrf: Option<usize>,
    /// How they are dealt out.
    pub cut: Cut,
    /// Whether one VRF more has the whole table, as a router has the internet's beside its customers'.
    pub internet_vrf: bool,
    /// How many next hops the prefixes are given by a hash; without it those of the list, or 64.
    pub next_hops: Option<u32>,
    /// The families that are measured, where the source has them.
    pub families: Vec<Family>,
    /// Kinds of keys, one after the other.
    pub keys: Vec<KeySource>,
    /// How many keys of each kind.
    pub key_count: usize,
    /// Batch sizes in keys, one after the other.
    pub batches: Vec<usize>,
    /// Numbers of threads that look up at once, one after the other.
    pub threads: Vec<usize>,
    /// Names of contenders, or beginnings of names up to a `/`; none for all.
    pub contenders: Vec<String>,
    /// How often each contender has its turn.
    pub rounds: usize,
    /// How long a turn takes.
    pub turn: Duration,
    /// Seed of keys and synthetic prefixes.
    pub seed: u64,
}

impl LookupPlan {
    /// Returns the plan that measures `source` as far as nothing else is said.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            vrfs: 1,
            routes_per_vrf: None,
            cut: Cut::default(),
            internet_vrf: false,
            next_hops: None,
            families: Family::ALL.to_vec(),
            keys: [KeyKind::Uniform, KeyKind::Matched, KeyKind::Zipf].map(KeySource::Kind).to_vec(),
            key_count: 1 << 21,
            batches: vec![8192],
            threads: vec![1],
            contenders: Vec::new(),
            rounds: 7,
            turn: Duration::from_millis(40),
            seed: 1,
        }
    }

    /// Returns whether there is one VRF, which has the whole table.
    pub(crate) fn is_whole(&self) -> bool {
        self.vrfs == 1 && self.routes_per_vrf.is_none() && !self.internet_vrf
    }

    /// Checks everything that can be known before any table is built.
    ///
    /// # Errors
    ///
    /// The first number that is 0 or too great, and the first name that no contender has.
    pub fn check(&self) -> Result<(), PlanError> {
        let prefixes = match &self.source {
            Source::List { name, list } if list.is_empty() => return Err(PlanError::EmptyList { name: name.clone() }),
            Source::List { list, .. } => list.len(),
            Source::Synthetic { prefixes } => *prefixes,
        };
        let next_hops = self.next_hops.map_or(1, |count| count as usize);
        let routes = self.routes_per_vrf.unwrap_or(1);
        let synthetic = if matches!(self.source, Source::Synthetic { .. }) { full_table::MOST } else { usize::MAX };
        let mut limits = vec![
            ("prefixes", prefixes, synthetic),
            ("next hops", next_hops, MOST_NEXT_HOPS as usize),
            ("VRFs", self.vrfs, prefixes.max(1).max(if self.routes_per_vrf.is_some() { MOST_ROUTES } else { 0 })),
            ("routes a VRF", routes, prefixes),
            ("routes in all VRFs", self.vrfs.saturating_mul(routes), MOST_ROUTES),
            ("kinds of keys", self.keys.len(), 64),
            ("keys", self.key_count, MOST_KEYS),
            ("batch sizes", self.batches.len(), 64),
            ("thread counts", self.threads.len(), 64),
            ("rounds", self.rounds, 100_000),
        ];
        limits.extend(self.batches.iter().map(|&batch| ("keys a batch", batch, MOST_KEYS)));
        limits.extend(self.threads.iter().map(|&threads| ("threads", threads, MOST_THREADS)));
        for (what, value, limit) in limits {
            if value == 0 {
                return Err(PlanError::Zero { what });
            }
            if value > limit {
                return Err(PlanError::TooMany { what, value, limit });
            }
        }
        registry::chosen(&self.contenders).map(|_| ())
    }
}

/// Why a plan cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// A number is 0.
    Zero {
        /// Of what.
        what: &'static str,
    },
    /// A number is too great.
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many were asked for.
        value: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The list has no prefix.
    EmptyList {
        /// Its name.
        name: String,
    },
    /// The list has too few prefixes to be cut so.
    TooFewPrefixes {
        /// In this family.
        family: Family,
        /// How many there are.
        prefixes: usize,
        /// How many it takes.
        least: usize,
    },
    /// No table of the families that were asked for.
    NoFamily,
    /// No contender has this name.
    UnknownContender {
        /// The name.
        text: String,
    },
    /// No way to cut a table has this name.
    UnknownCut {
        /// The name.
        text: String,
    },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero { what } => write!(f, "`0` {what}, expected at least 1"),
            Self::TooMany { what, value, limit } => write!(f, "`{value}` {what}, the limit is {limit}"),
            Self::EmptyList { name } => write!(f, "`{name}` has no prefixes, expected at least 1"),
            Self::TooFewPrefixes { family, prefixes, least } => {
                write!(f, "`{prefixes}` {family} prefixes, expected at least {least} to cut them so")
            }
            Self::NoFamily => f.write_str("the list has no prefixes of the family that was asked for"),
            Self::UnknownContender { text } => {
                write!(f, "`{text}` is no contender, expected some of {}", registry::names().join(", "))
            }
            Self::UnknownCut { text } => {
                write!(f, "`{text}` is no way to cut a table, expected neighbours or scattered")
            }
        }
    }
}

impl std::error::Error for PlanError {}
