//! The contenders by name. A variant is a line in [`all`].

use std::time::{Duration, Instant};

use vrfleak_dataplane::lpm::{
    AutoForest, AutoOptions, DirectForest, DirectLayout, Forest, Isa, MatchForest, Options, TreeBitmap, TreeKey,
};
use vrfleak_engine::Address;

use super::contender::{Contender, Engine, Racer};
use super::contenders::ours::{Lens, Ours};
use super::contenders::poptrie::{PopKey, Poptries};
use super::contenders::prefix_trie::{PrefixTries, TrieKey};
use super::contenders::tree_bitmap::TreeBitmaps;
use super::input::Routes;
use super::plan::PlanError;

/// An address that every contender knows how to take.
pub(crate) trait BenchKey: Address + TreeKey + TrieKey + PopKey {
    /// Returns the contenders that know this family only.
    fn of_family() -> Vec<Entry<Self>>;
}

impl BenchKey for u32 {
    fn of_family() -> Vec<Entry<Self>> {
        let mut all = Vec::new();
        for isa in Isa::available() {
            let options = Options { isa, ..Options::default() };
            for layout in DirectLayout::ALL {
                all.push(Entry::new("vrfleak", format!("{}-{}", layout.name(), isa.name()), move |tables| {
                    few(tables)?;
                    Ok(Ours::new(DirectForest::build(tables, layout, options)?, ()))
                }));
            }
        }
        #[cfg(feature = "peer-dpdk")]
        all.extend(super::contenders::dpdk::ipv4());
        all
    }
}

/// Checks that there are not more VRFs than direct tables are for: each of them has megabytes.
///
/// # Errors
///
/// If there are.
fn few(tables: &[Routes<u32>]) -> Result<(), Unable> {
    const FEW: usize = 64;
    let vrfs = tables.len();
    if vrfs > FEW {
        return Err(Unable(format!("it has megabytes a VRF, and there are {vrfs}, the limit here is {FEW}")));
    }
    Ok(())
}

impl BenchKey for u128 {
    fn of_family() -> Vec<Entry<Self>> {
        #[cfg(feature = "peer-dpdk")]
        return super::contenders::dpdk::ipv6();
        #[cfg(not(feature = "peer-dpdk"))]
        Vec::new()
    }
}

/// A contender, not yet built.
pub(crate) struct Entry<A: Address> {
    /// Whose it is.
    pub(crate) contender: &'static str,
    /// Which of theirs.
    pub(crate) variant: String,
    build: Box<Builder<A>>,
}

/// Builds from the routes of all tables.
type Builder<A> = dyn Fn(&[Routes<A>]) -> Result<Box<dyn Contender<A>>, Unable> + Send + Sync;

/// Why a contender does not take part, for a note in the report.
#[derive(Debug)]
pub(crate) struct Unable(pub(crate) String);

impl<E: std::error::Error> From<E> for Unable {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl<A: Address> Entry<A> {
    /// Names what `build` builds.
    pub(crate) fn new<E: Engine<A> + 'static>(
        contender: &'static str,
        variant: impl Into<String>,
        build: impl Fn(&[Routes<A>]) -> Result<E, Unable> + Send + Sync + 'static,
    ) -> Self {
        let build = move |tables: &[Routes<A>]| -> Result<Box<dyn Contender<A>>, Unable> {
            build(tables).map(|engine| Box::new(Racer(engine)) as Box<dyn Contender<A>>)
        };
        Self { contender, variant: variant.into(), build: Box::new(build) }
    }

    /// Builds it and says how long that took.
    pub(crate) fn build(&self, tables: &[Routes<A>]) -> Result<(Box<dyn Contender<A>>, Duration), Unable> {
        let start = Instant::now();
        let built = (self.build)(tables)?;
        Ok((built, start.elapsed()))
    }

    /// Returns its name: `CONTENDER/VARIANT`.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.contender, self.variant)
    }
}

/// Returns every contender.
pub(crate) fn all<A: BenchKey>() -> Vec<Entry<A>> {
    let mut all = Vec::new();
    for isa in Isa::available() {
        let options = Options { isa, ..Options::default() };
        let auto = AutoOptions { tables: options, ..AutoOptions::default() };
        let name = isa.name();
        let ours = |kind: &str| format!("{kind}-{name}");
        all.push(Entry::new("vrfleak", ours("auto"), move |tables| {
            Ok(Ours::new(AutoForest::build(tables, auto)?, ()))
        }));
        all.push(Entry::new("vrfleak", ours("compressed"), move |tables| {
            Ok(Ours::new(Forest::build(tables, options)?, ()))
        }));
        all.push(Entry::new("vrfleak", ours("match"), move |tables| {
            let options = Options { changes: false, ..options };
            Ok(Ours::new(MatchForest::build(tables, options)?, Lens))
        }));
    }
    all.push(Entry::new("vrfleak", "live", |tables| {
        Ok(Ours::new(MatchForest::build(tables, Options::default())?, PrefixTries::build(tables)))
    }));
    all.push(Entry::new("treebitmap", "0.5", |tables| Ok(TreeBitmaps(TreeBitmap::build(tables)?))));
    all.push(Entry::new("prefix-trie", "0.10", |tables| Ok(PrefixTries::build(tables))));
    all.push(Entry::new("poptrie", "0.2", |tables| Ok(Poptries::build(tables))));
    all.extend(A::of_family());
    all
}

/// Returns the names of all contenders of both families.
pub fn names() -> Vec<String> {
    let ipv4 = all::<u32>().into_iter().map(|entry| entry.name());
    let mut names: Vec<String> = ipv4.collect();
    for entry in all::<u128>() {
        let name = entry.name();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Returns what tells whether a contender is among those named; all are where none is.
///
/// # Errors
///
/// The first name that is neither a contender's nor a contender with its variant.
pub(crate) fn chosen(wanted: &[String]) -> Result<impl Fn(&str) -> bool, PlanError> {
    let fits = |name: &str, wanted: &str| {
        name == wanted || name.strip_prefix(wanted).is_some_and(|variant| variant.starts_with('/'))
    };
    let names = names();
    let unknown = wanted.iter().find(|wanted| !names.iter().any(|name| fits(name, wanted)));
    if let Some(text) = unknown {
        return Err(PlanError::UnknownContender { text: text.clone() });
    }
    Ok(move |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| fits(name, wanted)))
}
