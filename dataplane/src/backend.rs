//! [`Backend`]: which structure holds the FIBs.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::lpm::{
    AutoMatchForest, AutoOptions, BuildError, Choice, DirectLayout, HugePages, Linear, LookupMatch, MatchForest,
    Options, Tables, TreeBitmap, TreeKey,
};

/// The structure that the FIBs are held in. All of them give the same answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// The biggest IPv4 tables read by index as far as a budget allows, everything compressed ([`AutoMatchForest`]).
    #[default]
    Auto,
    /// All VRFs compressed into one arena ([`MatchForest`]).
    Compressed,
    /// Every IPv4 table flat, one entry a /24, and everything compressed ([`DirectLayout::Flat`]).
    Flat,
    /// Every IPv4 table in chunks of 64 entries, and everything compressed ([`DirectLayout::Chunked`]).
    Chunked,
    /// One tree bitmap a VRF ([`TreeBitmap`]).
    TreeBitmap,
    /// A sorted list a VRF, scanned at every lookup ([`Linear`]): the oracle, for small networks only.
    Linear,
}

impl Backend {
    /// Every backend.
    pub const ALL: [Self; 6] =
        [Self::Auto, Self::Compressed, Self::Flat, Self::Chunked, Self::TreeBitmap, Self::Linear];

    /// Returns the name that reports and options have, the inverse of [`Self::from_str`].
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Compressed => "compressed",
            Self::Flat => "flat",
            Self::Chunked => "chunked",
            Self::TreeBitmap => "treebitmap",
            Self::Linear => "linear",
        }
    }

    /// Builds a forest in the current rayon pool. What it returns is dispatched on once a batch, not once a key. Beside it
    /// is the memory that asked for huge pages.
    pub(crate) fn build<A: TreeKey>(
        self,
        input: &impl Tables<A>,
    ) -> Result<(Forest<A>, Vec<Range<usize>>), BuildError> {
        let auto = |choice| {
            let forest = AutoMatchForest::build(input, AutoOptions { choice, ..AutoOptions::default() })?;
            Ok(with_advised(forest))
        };
        match self {
            Self::Auto => auto(Choice::Auto),
            Self::Flat => auto(Choice::Direct(DirectLayout::Flat)),
            Self::Chunked => auto(Choice::Direct(DirectLayout::Chunked)),
            Self::Compressed => MatchForest::build(input, Options::default()).map(with_advised),
            Self::TreeBitmap => Ok((Box::new(TreeBitmap::build(input)?), Vec::new())),
            Self::Linear => Ok((Box::new(Linear::build(input)?), Vec::new())),
        }
    }
}

fn with_advised<A: TreeKey>(forest: impl LookupMatch<A> + HugePages + 'static) -> (Forest<A>, Vec<Range<usize>>) {
    let advised = forest.advised();
    (Box::new(forest), advised)
}

/// The tables of one family in whatever backend.
pub(crate) type Forest<A> = Box<dyn LookupMatch<A>>;

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why a text names no [`Backend`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseBackendError {
    /// The text that was read.
    pub text: String,
}

impl fmt::Display for ParseBackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no backend, expected one of {}", self.text, Backend::ALL.map(Backend::name).join(", "))
    }
}

impl std::error::Error for ParseBackendError {}

impl FromStr for Backend {
    type Err = ParseBackendError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|backend| backend.name() == text);
        named.ok_or_else(|| ParseBackendError { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for backend in Backend::ALL {
            assert_eq!(backend.to_string().parse(), Ok(backend));
        }
        let error = "trie".parse::<Backend>().expect_err("no such backend");
        assert_eq!(
            error.to_string(),
            "`trie` is no backend, expected one of auto, compressed, flat, chunked, treebitmap, linear"
        );
    }
}
