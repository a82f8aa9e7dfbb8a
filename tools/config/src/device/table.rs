//! [`Table`]: a VRF, or the default table, as configured.

use std::net::Ipv4Addr;

use ahash::AHashMap;
use ipnet::IpNet;
use vrfleak_engine::{Family, Rd, RouteTarget};

use super::{IgpKind, Neighbor, StaticRoute};
use crate::place::{Located, Place};

/// A route distinguisher, given or to be derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RdChoice {
    Given(Rd),
    /// As the dialect derives it.
    Auto,
}

/// Import and export targets with their places; `None` in place of a target stands for `auto`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets {
    pub(crate) import: Vec<Located<Option<RouteTarget>>>,
    pub(crate) export: Vec<Located<Option<RouteTarget>>>,
}

impl Targets {
    pub(crate) fn is_empty(&self) -> bool {
        self.import.is_empty() && self.export.is_empty()
    }
}

/// That a protocol's routes are put into BGP.
#[derive(Clone, Debug)]
pub(crate) struct Redistribution {
    pub(crate) place: Place,
    /// The policy that they pass.
    pub(crate) policy: Option<Located<String>>,
    /// The metric that they get.
    pub(crate) metric: Option<u32>,
}

/// A `network` statement: a prefix that is put into BGP if the table has it.
#[derive(Clone, Debug)]
pub(crate) struct Originated {
    pub(crate) prefix: IpNet,
    pub(crate) place: Place,
    /// The policy that it passes.
    pub(crate) policy: Option<Located<String>>,
}

/// How many routes a table may have, and whether more than those are kept all the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaximumRoutes {
    pub(crate) limit: u32,
    pub(crate) warning_only: bool,
}

/// How many paths of equal cost a table installs, and whether those over eBGP and iBGP may be mixed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaximumPaths {
    pub(crate) paths: u32,
    pub(crate) eibgp: bool,
}

/// What a table has in one address family.
#[derive(Clone, Debug, Default)]
pub(crate) struct FamilyConfig {
    /// Whether the family is enabled in the VRF's definition.
    pub(crate) enabled: bool,
    /// Whether BGP has the family of this table: without it nothing is imported or exported.
    pub(crate) in_bgp: bool,
    pub(crate) targets: Targets,
    pub(crate) import_policy: Option<Located<String>>,
    pub(crate) export_policy: Option<Located<String>>,
    pub(crate) connected: Option<Redistribution>,
    pub(crate) statics: Option<Redistribution>,
    /// Other routing protocols that are put into BGP, each with the number of its process.
    pub(crate) igps: Vec<(IgpKind, u32, Redistribution)>,
    /// Whether a static default route may be redistributed, where the dialect wants that said.
    pub(crate) default_originate: bool,
    pub(crate) networks: Vec<Originated>,
    /// How many routes the table may have.
    pub(crate) maximum_routes: Option<Located<MaximumRoutes>>,
    /// How many paths of equal cost it installs.
    pub(crate) maximum_paths: Option<Located<MaximumPaths>>,
    /// How many routes of one RD and prefix it imports, where the configuration says so.
    pub(crate) import_paths: Option<Located<u32>>,
    /// The policy that routes of the default table pass to come in.
    pub(crate) from_default: Option<Located<String>>,
    /// How many prefixes of the default table come in, where there is a limit.
    pub(crate) from_default_limit: Option<u32>,
    /// The policy that routes pass to come into the default table.
    pub(crate) to_default: Option<Located<String>>,
    pub(crate) routes: Vec<StaticRoute>,
}

/// The BGP instance of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableBgp {
    /// Its AS number where it is not the router's.
    pub(crate) asn: Option<u32>,
    pub(crate) router_id: Option<Located<Ipv4Addr>>,
    /// Whether an external neighbour without a policy exchanges no routes, where it is not as on the whole router.
    pub(crate) requires_policy: Option<bool>,
    pub(crate) neighbors: Vec<Neighbor>,
    neighbor_ids: AHashMap<String, usize>,
}

impl TableBgp {
    /// Returns the neighbour of this name, made at `place` unless it was before.
    pub(crate) fn neighbor(&mut self, name: &str, place: Place) -> &mut Neighbor {
        let index = match self.neighbor_ids.get(name) {
            Some(&index) => index,
            None => {
                self.neighbors.push(Neighbor::new(name.to_owned(), place));
                self.neighbor_ids.insert(name.to_owned(), self.neighbors.len() - 1);
                self.neighbors.len() - 1
            }
        };
        &mut self.neighbors[index]
    }

    /// Returns the position of the neighbour or group of this name.
    pub(crate) fn neighbor_index(&self, name: &str) -> Option<usize> {
        self.neighbor_ids.get(name).copied()
    }

    /// Returns the neighbour or group of this name.
    pub(crate) fn neighbor_named(&self, name: &str) -> Option<&Neighbor> {
        self.neighbor_ids.get(name).map(|&index| &self.neighbors[index])
    }
}

/// A VRF or the default table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) rd: Option<Located<RdChoice>>,
    /// Its number for derived values where the configuration gives one (a VNI).
    pub(crate) number: Option<u32>,
    /// Targets of every family that has none of its own.
    pub(crate) targets: Targets,
    pub(crate) import_policy: Option<Located<String>>,
    pub(crate) export_policy: Option<Located<String>>,
    /// On Junos, whether routes pass to and from other instances of the router that say so too; `None` where nothing
    /// needs to be said, or the table takes no part in BGP VPNs.
    pub(crate) auto_export: Option<bool>,
    /// Whether what is imported is decided by its policy alone, whatever the targets.
    pub(crate) imports_any: bool,
    /// Whether what was imported is exported again.
    pub(crate) reexports: bool,
    /// Whether what comes from the default table is advertised to other PEs.
    pub(crate) advertises_default: bool,
    pub(crate) bgp: TableBgp,
    families: [FamilyConfig; 2],
}

impl Table {
    pub(crate) fn new(name: String, place: Place) -> Self {
        Self {
            name,
            place,
            rd: None,
            number: None,
            targets: Targets::default(),
            import_policy: None,
            export_policy: None,
            auto_export: None,
            imports_any: false,
            reexports: false,
            advertises_default: false,
            bgp: TableBgp::default(),
            families: Default::default(),
        }
    }

    /// Returns what the table has in `family`.
    pub(crate) fn family(&self, family: Family) -> &FamilyConfig {
        &self.families[family as usize]
    }

    /// Returns what the table has in `family`, to be changed.
    pub(crate) fn family_mut(&mut self, family: Family) -> &mut FamilyConfig {
        &mut self.families[family as usize]
    }

    /// Returns the targets that count in `family`: its own, or those of the VRF where it has none.
    pub(crate) fn targets_of(&self, family: Family) -> &Targets {
        let own = &self.family(family).targets;
        if own.is_empty() { &self.targets } else { own }
    }
}
