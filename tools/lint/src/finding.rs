//! [`Finding`]: one thing to look at, and [`Findings`], all of them by kind.

use std::fmt;

use vrfleak_bench_data::{Place, Provenance, VrfOrigin};
use vrfleak_engine::{Family, Network, VrfId};

/// What is suspicious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A target that VRFs import and nobody exports.
    TargetWithoutExporter,
    /// A target that VRFs export and nobody imports.
    TargetWithoutImporter,
    /// One RD on several VRFs of a router: of their routes to one prefix others see one (SEMANTICS E6).
    SharedRd,
    /// Routes one way only: a ping there has no way back (SEMANTICS F6).
    AsymmetricLeak,
    /// A leaked route inside a prefix of the VRF's own takes packets away from it (SEMANTICS F2).
    LeakedInsideOwn,
    /// A leaked route covers a prefix of the VRF's own: where that is gone, packets follow the leaked one.
    LeakedCoversOwn,
    /// A default route is leaked into a VRF that has one.
    LeakedDefault,
    /// A policy or list is named and not defined.
    UndefinedPolicy,
    /// A policy or list is defined and named nowhere.
    UnusedPolicy,
}

/// How bad it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Likely a mistake.
    Warning,
    /// Often meant so.
    Note,
}

impl Kind {
    /// Every kind, in the order of reports.
    pub const ALL: [Self; 9] = [
        Self::TargetWithoutExporter,
        Self::TargetWithoutImporter,
        Self::SharedRd,
        Self::AsymmetricLeak,
        Self::LeakedInsideOwn,
        Self::LeakedCoversOwn,
        Self::LeakedDefault,
        Self::UndefinedPolicy,
        Self::UnusedPolicy,
    ];

    /// Returns the kind's name in reports; it does not change.
    pub fn name(self) -> &'static str {
        match self {
            Self::TargetWithoutExporter => "target_without_exporter",
            Self::TargetWithoutImporter => "target_without_importer",
            Self::SharedRd => "shared_rd",
            Self::AsymmetricLeak => "asymmetric_leak",
            Self::LeakedInsideOwn => "leaked_inside_own",
            Self::LeakedCoversOwn => "leaked_covers_own",
            Self::LeakedDefault => "leaked_default",
            Self::UndefinedPolicy => "undefined_policy",
            Self::UnusedPolicy => "unused_policy",
        }
    }

    /// Returns how bad it may be.
    pub fn severity(self) -> Severity {
        match self {
            Self::LeakedCoversOwn | Self::UnusedPolicy => Severity::Note,
            _ => Severity::Warning,
        }
    }
}

impl Severity {
    /// Returns the severity's name in reports: `warning` or `note`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Where it stands, unless it is about what no text has: a route of a feed.
    pub place: Option<Place>,
    /// The VRF that it is about, none for policies.
    pub vrf: Option<VrfId>,
    /// The other VRF, where there is one.
    pub other: Option<VrfId>,
    /// The address families that it is seen in.
    pub families: Vec<Family>,
    /// What is wrong, in one line.
    pub message: String,
}

/// The findings of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The kind.
    pub kind: Kind,
    /// How many there are.
    pub total: usize,
    /// The first of them.
    pub shown: Vec<Finding>,
}

/// Everything that was found.
#[derive(Clone, Debug)]
pub struct Findings {
    groups: Vec<Group>,
    limit: usize,
    complete: bool,
}

impl Findings {
    pub(crate) fn new(limit: usize) -> Self {
        let groups = Kind::ALL.map(|kind| Group { kind, total: 0, shown: Vec::new() });
        Self { groups: groups.into(), limit, complete: true }
    }

    /// Returns the kinds that occur, in the order of [`Kind::ALL`].
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(|group| group.total > 0)
    }

    /// Returns how many findings there are, kept or not.
    pub fn total(&self) -> usize {
        self.groups.iter().map(|group| group.total).sum()
    }

    /// Returns whether everything was looked at. A network in which very many classes of VRFs leak to each other, or with
    /// very many entries in its RIBs, is looked at up to a bound.
    pub fn complete(&self) -> bool {
        self.complete
    }

    pub(crate) fn set_incomplete(&mut self) {
        self.complete = false;
    }

    /// Counts a finding, and keeps the one that `make` returns if few of its kind are there.
    pub(crate) fn push(&mut self, kind: Kind, make: impl FnOnce() -> Finding) {
        let group = &mut self.groups[kind as usize];
        group.total += 1;
        if group.shown.len() < self.limit {
            group.shown.push(make());
        }
    }
}

/// Returns how a VRF is called: `VRF`, or `ROUTER/VRF` where there are several routers.
pub(crate) fn name(network: &Network, id: VrfId) -> String {
    let vrf = network.vrf(id);
    match network.routers() {
        [_] => vrf.name.clone(),
        _ => format!("{}/{}", network.router(vrf.router).name, vrf.name),
    }
}

/// Returns the part of the provenance that `of` picks from a VRF, unless it stands in no text.
pub(crate) fn place<T>(
    provenance: Option<&Provenance>,
    vrf: VrfId,
    of: impl FnOnce(&VrfOrigin) -> Option<T>,
) -> Option<T> {
    of(provenance?.vrf(vrf)?)
}

/// Returns the number and the noun, in the plural unless it is one.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
