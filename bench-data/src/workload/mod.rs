//! [`Workload`]: named networks that leaking is measured on: the shapes that others were measured in, and worst cases.
//!
//! W1, W2, W3 and D are route leaking on one router, under the names that other implementations were measured by. The
//! others are what a provider should not meet and does. None of them was seen in a real network: sizes, fan-outs and
//! prefixes are ASSUMPTIONS, written at each.

mod drawn;
mod importer;
mod sites;

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use vrfleak_engine::{Family, Label, Network, Prefix, RouteTarget, VrfId};

pub use self::drawn::Drawn;
use self::sites::{ASN, Sites};
use crate::provider::{Quantity, ShapeError};
use crate::random::Random;

/// Import targets of a VRF, where they are drawn and no other number is given.
const FAN_OUT: usize = 5;
/// The first prefix of the customers, 20.0.0.0.
const CUSTOMERS: u32 = 0x1400_0000;
/// The first prefix of the services, 5.0.0.0.
const SERVICES: u32 = 0x0500_0000;
/// /24 prefixes from 20.0.0.0 up to 224.0.0.0.
const MOST_DISTINCT: usize = (0xe000_0000 - CUSTOMERS as usize) >> 8;
/// /24 prefixes from 5.0.0.0 up to 20.0.0.0.
const MOST_SERVICES: usize = (CUSTOMERS as usize - SERVICES as usize) >> 8;

/// A named network; every route is from a CE behind one gateway a VRF, ten neighbours share a set of attributes.
///
/// ```
/// use vrfleak_bench_data::Workload;
///
/// let workload: Workload = "W3".parse()?;
/// let network = workload.generate(1000, workload.default_vrfs(), 1)?;
/// assert_eq!((network.vrfs().len(), network.source_routes::<u32>()), (11, 1000));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Workload {
    /// Customers and a services VRF of half a customer's routes, which imports all of them and is imported by all.
    W1,
    /// One VRF `src` with all routes, imported by one other, `t0`.
    W2,
    /// One VRF `src` with all routes, imported by ten others, `t0` to `t9`.
    W3,
    /// VRFs with equal shares of random /24 prefixes, each with an export target of its own and the import of five drawn
    /// at random, its own among them by chance.
    D,
    /// One VRF that imports all the others, each by a target of its own: a thousand import targets, disjoint /24s.
    ManyTargets,
    /// Ten thousand VRFs without routes that import the one target of a services VRF.
    OneService,
    /// A million routes in one VRF, leaked to ten: W3, larger.
    BigVrf,
    /// VPNs of three VRFs on three PEs; the first two have the same prefixes under one RD, and each imports the VPN.
    DualHomedSameRd,
    /// The same with an RD for each VRF.
    DualHomedTwoRds,
    /// D, and each VRF exports a default route besides.
    Defaults,
    /// D in IPv6: /56 prefixes of `2001:db8::/32`.
    Ipv6,
    /// Four VRFs and one that imports all their routes, disjoint /24s, through an import map: it denies every eighth /24,
    /// prefers the next one, and takes the others as they are.
    ImportMap,
    /// The same without a map, and with a limit of half the routes that rejects the rest.
    RouteLimit,
}

impl Workload {
    /// All of them, in the order above.
    pub const ALL: [Self; 13] = [
        Self::W1,
        Self::W2,
        Self::W3,
        Self::D,
        Self::ManyTargets,
        Self::OneService,
        Self::BigVrf,
        Self::DualHomedSameRd,
        Self::DualHomedTwoRds,
        Self::Defaults,
        Self::Ipv6,
        Self::ImportMap,
        Self::RouteLimit,
    ];

    /// Returns the name: `W1`, `W2`, `W3`, `D`, `many-targets` and so on.
    pub fn name(self) -> &'static str {
        match self {
            Self::W1 => "W1",
            Self::W2 => "W2",
            Self::W3 => "W3",
            Self::D => "D",
            Self::ManyTargets => "many-targets",
            Self::OneService => "one-service",
            Self::BigVrf => "big-vrf",
            Self::DualHomedSameRd => "dual-homed-same-rd",
            Self::DualHomedTwoRds => "dual-homed-two-rds",
            Self::Defaults => "defaults",
            Self::Ipv6 => "ipv6",
            Self::ImportMap => "import-map",
            Self::RouteLimit => "route-limit",
        }
    }

    /// Returns the routes that the name stands for, all VRFs together.
    pub fn default_routes(self) -> usize {
        match self {
            Self::W1 => 101_000,
            Self::W2 | Self::BigVrf | Self::ManyTargets | Self::ImportMap | Self::RouteLimit => 1_000_000,
            Self::W3 => 200_000,
            Self::D | Self::Ipv6 => 4_000_000,
            Self::OneService => 1000,
            Self::DualHomedSameRd | Self::DualHomedTwoRds | Self::Defaults => 2_000_000,
        }
    }

    /// Returns the VRFs that the name stands for: customers in W1, importers in W2, W3, the big VRF and the service,
    /// exporters of many targets and to the VRF with a map or a limit, VPNs of three VRFs each where prefixes are dual-homed, and all VRFs elsewhere.
    pub fn default_vrfs(self) -> usize {
        match self {
            Self::W1 => 50,
            Self::W2 => 1,
            Self::W3 | Self::BigVrf => 10,
            Self::ImportMap | Self::RouteLimit => 4,
            Self::D
            | Self::ManyTargets
            | Self::DualHomedSameRd
            | Self::DualHomedTwoRds
            | Self::Defaults
            | Self::Ipv6 => 1000,
            Self::OneService => 10_000,
        }
    }

    /// Returns whether a VRF looks at every single route that it imports: its map, or its limit, does.
    pub fn has_policies(self) -> bool {
        matches!(self, Self::ImportMap | Self::RouteLimit)
    }

    /// Returns whether prefixes and import targets are drawn, as a [`Drawn`] says.
    pub fn draws(self) -> bool {
        matches!(self, Self::D | Self::Defaults | Self::Ipv6)
    }

    /// Returns about how many routes are imported, over all VRFs.
    pub fn imports_hint(self, routes: usize, vrfs: usize, drawn: &Drawn) -> usize {
        match self {
            Self::W1 => routes.saturating_mul(3) / 2,
            Self::W2 | Self::W3 | Self::BigVrf | Self::OneService => routes.saturating_mul(vrfs),
            Self::D | Self::Ipv6 | Self::Defaults => {
                routes.saturating_mul(drawn.fan_out.saturating_mul(drawn.export_targets).min(vrfs))
            }
            Self::ManyTargets | Self::ImportMap | Self::RouteLimit => routes,
            Self::DualHomedSameRd | Self::DualHomedTwoRds => routes.saturating_mul(2),
        }
    }

    /// Returns the network with this many routes, all VRFs together, and VRFs, counted as [`Self::default_vrfs`] counts;
    /// only those that draw make use of the seed. The same on any number of threads of the current rayon pool.
    ///
    /// The prefixes of a VRF are distinct. O(routes) in parallel, 16 bytes an IPv4 route.
    ///
    /// # Errors
    ///
    /// If a number is 0, a VRF would have no route, or there are more routes than prefixes or VRFs than labels.
    pub fn generate(self, routes: usize, vrfs: usize, seed: u64) -> Result<Network, ShapeError> {
        // With fewer VRFs than targets, all of them are drawn.
        let drawn = Drawn { fan_out: FAN_OUT.min(vrfs), ..Drawn::default() };
        self.generate_drawn(routes, vrfs, &drawn, seed)
    }

    /// Returns the network whose VRFs have in common what `drawn` says, where they [draw](Self::draws).
    ///
    /// # Errors
    ///
    /// As [`Self::generate`], and if a number of `drawn` is above its limit where VRFs draw.
    pub fn generate_drawn(self, routes: usize, vrfs: usize, drawn: &Drawn, seed: u64) -> Result<Network, ShapeError> {
        self.check(routes, vrfs, drawn)?;
        let sites = match self {
            Self::W1 => services(routes, vrfs),
            Self::W2 | Self::W3 | Self::BigVrf | Self::OneService => source_and_importers(routes, vrfs),
            Self::D => drawn.network::<u32>(routes, vrfs, seed, false),
            Self::Defaults => drawn.network::<u32>(routes, vrfs, seed, true),
            Self::Ipv6 => drawn.network::<u128>(routes, vrfs, seed, false),
            Self::ManyTargets => many_targets(routes, vrfs).0,
            Self::ImportMap => importer::filtered(routes, vrfs),
            Self::RouteLimit => importer::limited(routes, vrfs),
            Self::DualHomedSameRd => dual_homed(routes, vrfs, true),
            Self::DualHomedTwoRds => dual_homed(routes, vrfs, false),
        };
        Ok(sites.builder.build().expect("names, RDs and ids are distinct by construction"))
    }

    /// Checks the sizes, before anything is built.
    ///
    /// # Errors
    ///
    /// As [`Self::generate_drawn`].
    pub fn check(self, routes: usize, vrfs: usize, drawn: &Drawn) -> Result<(), ShapeError> {
        for (what, value) in [(Quantity::Routes, routes), (Quantity::Vrfs, vrfs)] {
            if value == 0 {
                return Err(ShapeError::Zero { what });
            }
        }
        let limit = Label::COUNT as usize - 1;
        if vrfs > limit {
            return Err(ShapeError::TooMany { what: Quantity::Vrfs, value: vrfs, limit });
        }
        if self.draws() {
            drawn.check(routes, vrfs, if self == Self::Ipv6 { Family::Ipv6 } else { Family::Ipv4 })?;
        }
        let limit = match self {
            Self::W1 => MOST_DISTINCT.min(MOST_SERVICES.saturating_mul(2 * vrfs + 1)),
            Self::W2
            | Self::W3
            | Self::BigVrf
            | Self::OneService
            | Self::ManyTargets
            | Self::ImportMap
            | Self::RouteLimit => MOST_DISTINCT,
            Self::DualHomedSameRd | Self::DualHomedTwoRds => 2 * MOST_DISTINCT,
            Self::D | Self::Ipv6 | Self::Defaults => usize::MAX,
        };
        if routes > limit {
            return Err(ShapeError::TooMany { what: Quantity::Routes, value: routes, limit });
        }
        let least = match self {
            Self::W1 => vrfs + 1,
            Self::W2 | Self::W3 | Self::BigVrf | Self::OneService => 1,
            Self::D | Self::Ipv6 | Self::ManyTargets | Self::ImportMap | Self::RouteLimit => vrfs,
            Self::Defaults | Self::DualHomedSameRd | Self::DualHomedTwoRds => 2 * vrfs,
        };
        if routes < least {
            return Err(ShapeError::TooFewRoutes { routes, vrfs, least });
        }
        Ok(())
    }
}

fn services(routes: usize, vrfs: usize) -> Sites {
    let mut sites = Sites::new(1);
    // The services VRF has half a customer's share: 1 of 2 · vrfs + 1 parts.
    let services = (routes / (2 * vrfs + 1)).max(1);
    let all = target(1);
    let from_services = target(2);
    let id = sites.vrf::<u32>("services", vec![all], vec![from_services]);
    sites.fill(id, services, |index| numbered(SERVICES, index));
    for customer in 0..vrfs {
        let range = share(routes - services, vrfs, customer);
        let id = sites.vrf::<u32>(&format!("customer{customer}"), vec![from_services], vec![all]);
        sites.fill(id, range.len(), |index| numbered(CUSTOMERS, range.start + index));
    }
    sites
}

fn source_and_importers(routes: usize, vrfs: usize) -> Sites {
    let mut sites = Sites::new(1);
    let target = target(1);
    let id = sites.vrf::<u32>("src", Vec::new(), vec![target]);
    sites.fill(id, routes, |index| numbered(CUSTOMERS, index));
    for importer in 0..vrfs {
        sites.vrf::<u32>(&format!("t{importer}"), vec![target], Vec::new());
    }
    sites
}

/// Returns the network with the VRF that imports all.
fn many_targets(routes: usize, vrfs: usize) -> (Sites, VrfId) {
    let mut sites = Sites::new(1);
    for vrf in 0..vrfs {
        let range = share(routes, vrfs, vrf);
        let id = sites.vrf::<u32>(&format!("vrf{vrf}"), Vec::new(), vec![target(vrf + 1)]);
        // Dealt out one by one, so that every bucket has prefixes from everywhere.
        sites.fill(id, range.len(), |index| numbered(CUSTOMERS, index * vrfs + vrf));
    }
    let all = sites.vrf::<u32>("all", (1..=vrfs).map(target).collect(), Vec::new());
    (sites, all)
}

fn dual_homed(routes: usize, vpns: usize, same_rd: bool) -> Sites {
    let mut sites = Sites::new(3);
    for vpn in 0..vpns {
        let range = share(routes / 2, vpns, vpn);
        let target = vec![target(vpn + 1)];
        let first = sites.rd();
        for router in 0..3 {
            // An RD is two VRFs' only where the prefixes are to be one NLRI.
            let rd = if router == 0 || router == 1 && same_rd { first } else { sites.rd() };
            let name = format!("vpn{vpn}-{}", router + 1);
            let id = sites.vrf_on::<u32>(router, rd, &name, target.clone(), target.clone());
            // An odd route more is the first PE's alone.
            let odd = usize::from(router == 0 && vpn == 0 && routes % 2 == 1);
            let count = if router < 2 { range.len() + odd } else { 0 };
            sites.fill(id, count, |index| {
                if index == range.len() { numbered(SERVICES, 0) } else { numbered(CUSTOMERS, range.start + index) }
            });
        }
    }
    sites
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Workload {
    type Err = ParseWorkloadError;

    /// Reads the name in either case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|workload| workload.name().eq_ignore_ascii_case(text));
        named.ok_or_else(|| ParseWorkloadError { text: text.to_owned() })
    }
}

/// Why a text is no [`Workload`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseWorkloadError {
    /// The text that was read.
    pub text: String,
}

impl fmt::Display for ParseWorkloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Workload::ALL.map(Workload::name).join(", ");
        write!(f, "`{}` is not a workload, expected one of {names}", self.text)
    }
}

impl std::error::Error for ParseWorkloadError {}

/// Returns the /24 `index` places after `base`.
fn numbered(base: u32, index: usize) -> Prefix<u32> {
    Prefix::containing(base.wrapping_add((index as u32) << 8), 24)
}

/// Returns the `index`-th of `parts` parts of `0..total`, none larger than another by more than one.
fn share(total: usize, parts: usize, index: usize) -> Range<usize> {
    let at = |index: usize| (total as u128 * index as u128 / parts as u128) as usize;
    at(index)..at(index + 1)
}

/// Draws `count` distinct numbers below `bound`, which is at least `count`.
fn distinct(count: usize, bound: usize, random: &mut Random) -> Vec<usize> {
    let mut drawn = Vec::with_capacity(count);
    let mut seen = ahash::AHashSet::with_capacity(count);
    while drawn.len() < count {
        let number = random.below(bound as u64) as usize;
        if seen.insert(number) {
            drawn.push(number);
        }
    }
    drawn
}

/// Returns the target 65535:`number`.
fn target(number: usize) -> RouteTarget {
    RouteTarget::as2(ASN, number as u32)
}

#[cfg(test)]
mod tests;
