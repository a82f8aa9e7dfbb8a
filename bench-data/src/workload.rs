//! [`Workload`]: route leaking on one router in the shapes that others were measured in, under the names W1, W2, W3, D.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use rayon::prelude::*;
use vrfleak_engine::network::MAX_ROUTES;
use vrfleak_engine::{
    Attributes, AttributesId, Dialect, Label, Network, NetworkBuilder, NextHopKind, OriginCode, Prefix, Protocol, Rd,
    RouteTarget, RouterId, SourceRoute, VrfId,
};

use crate::provider::{Quantity, ShapeError};
use crate::random::{Permutation, Random};

/// The AS of the router, administrator of its RDs and targets.
const ASN: u16 = 65535;
/// Routes that follow one another and share a set of attributes.
const ROUTES_PER_ATTRIBUTES: usize = 10;
/// Distinct sets of attributes at most.
const ATTRIBUTE_SETS: usize = 1000;
/// Import targets of a VRF in D.
const TARGETS_PER_VRF: usize = 5;
/// The first prefix of the customers, 20.0.0.0.
const CUSTOMERS: u32 = 0x1400_0000;
/// The first prefix of the services, 5.0.0.0.
const SERVICES: u32 = 0x0500_0000;
/// /24 prefixes from 20.0.0.0 up to 224.0.0.0.
const MOST_DISTINCT: usize = (0xe000_0000 - CUSTOMERS as usize) >> 8;
/// /24 prefixes from 5.0.0.0 up to 20.0.0.0.
const MOST_SERVICES: usize = (CUSTOMERS as usize - SERVICES as usize) >> 8;
/// /24 prefixes altogether, for D.
const RANDOM_BITS: u32 = 24;

/// A named network of one router, IPv4, every route a /24 from a CE behind one gateway a VRF.
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
    /// VRFs with equal shares of random prefixes, each with an export target of its own and the import of five drawn
    /// at random, its own among them by chance.
    D,
}

impl Workload {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 4] = [Self::W1, Self::W2, Self::W3, Self::D];

    /// Returns the name: `W1`, `W2`, `W3`, `D`.
    pub fn name(self) -> &'static str {
        match self {
            Self::W1 => "W1",
            Self::W2 => "W2",
            Self::W3 => "W3",
            Self::D => "D",
        }
    }

    /// Returns the routes that the name stands for, all VRFs together: 101,000, 1,000,000, 200,000 or 4,000,000.
    pub fn default_routes(self) -> usize {
        match self {
            Self::W1 => 101_000,
            Self::W2 => 1_000_000,
            Self::W3 => 200_000,
            Self::D => 4_000_000,
        }
    }

    /// Returns the VRFs that the name stands for: 50 customers in W1, 1 or 10 importers in W2 and W3, 1,000 in D. The
    /// services VRF and `src` come on top.
    pub fn default_vrfs(self) -> usize {
        match self {
            Self::W1 => 50,
            Self::W2 => 1,
            Self::W3 => 10,
            Self::D => 1000,
        }
    }

    /// Returns the network with this many routes, all VRFs together, and VRFs, counted as [`Self::default_vrfs`] counts;
    /// only D makes use of the seed. The same on any number of threads of the current rayon pool.
    ///
    /// The prefixes of a VRF are distinct. O(routes) in parallel, 16 bytes a route.
    ///
    /// # Errors
    ///
    /// If a number is 0, a VRF would have no route, or there are more routes than prefixes or VRFs than labels.
    pub fn generate(self, routes: usize, vrfs: usize, seed: u64) -> Result<Network, ShapeError> {
        self.check(routes, vrfs)?;
        let mut one = OneRouter::new();
        match self {
            Self::W1 => {
                // The services VRF has half a customer's share: 1 of 2 · vrfs + 1 parts.
                let services = (routes / (2 * vrfs + 1)).max(1);
                let all = target(1);
                let from_services = target(2);
                let id = one.vrf("services", vec![all], vec![from_services]);
                one.fill(id, services, |index| numbered(SERVICES, index));
                for customer in 0..vrfs {
                    let range = share(routes - services, vrfs, customer);
                    let id = one.vrf(&format!("customer{customer}"), vec![from_services], vec![all]);
                    one.fill(id, range.len(), |index| numbered(CUSTOMERS, range.start + index));
                }
            }
            Self::W2 | Self::W3 => {
                let target = target(1);
                let id = one.vrf("src", Vec::new(), vec![target]);
                one.fill(id, routes, |index| numbered(CUSTOMERS, index));
                for importer in 0..vrfs {
                    one.vrf(&format!("t{importer}"), vec![target], Vec::new());
                }
            }
            Self::D => {
                for vrf in 0..vrfs {
                    let mut random = Random::stream(seed, vrf as u64);
                    let import = distinct(TARGETS_PER_VRF.min(vrfs), vrfs, &mut random);
                    let import = import.into_iter().map(|number| target(number + 1)).collect();
                    let id = one.vrf(&format!("vrf{vrf}"), import, vec![target(vrf + 1)]);
                    let prefixes = Permutation::new(RANDOM_BITS, &mut random);
                    let range = share(routes, vrfs, vrf);
                    one.fill(id, range.len(), |index| numbered(0, prefixes.at(index as u64) as usize));
                }
            }
        }
        Ok(one.builder.build().expect("names, RDs and ids are distinct by construction"))
    }

    fn check(self, routes: usize, vrfs: usize) -> Result<(), ShapeError> {
        for (what, value) in [(Quantity::Routes, routes), (Quantity::Vrfs, vrfs)] {
            if value == 0 {
                return Err(ShapeError::Zero { what });
            }
        }
        let limit = Label::COUNT as usize - 1;
        if vrfs > limit {
            return Err(ShapeError::TooMany { what: Quantity::Vrfs, value: vrfs, limit });
        }
        let limit = match self {
            Self::W1 => MOST_DISTINCT.min(MOST_SERVICES.saturating_mul(2 * vrfs + 1)),
            Self::W2 | Self::W3 => MOST_DISTINCT,
            Self::D => (vrfs << RANDOM_BITS).min(MAX_ROUTES - 1),
        };
        if routes > limit {
            return Err(ShapeError::TooMany { what: Quantity::Routes, value: routes, limit });
        }
        let least = match self {
            Self::W1 => vrfs + 1,
            Self::W2 | Self::W3 => 1,
            Self::D => vrfs,
        };
        if routes < least {
            return Err(ShapeError::TooFewRoutes { routes, vrfs, least });
        }
        Ok(())
    }
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
        write!(f, "`{}` is not a workload, expected W1, W2, W3 or D", self.text)
    }
}

impl std::error::Error for ParseWorkloadError {}

/// Returns the /24 `index` places after `base`.
fn numbered(base: u32, index: usize) -> Prefix<u32> {
    Prefix::containing(base.wrapping_add((index as u32) << 8), 24)
}

/// Returns the `index`-th of `parts` parts of `0..total`, none larger than another by more than one.
fn share(total: usize, parts: usize, index: usize) -> std::ops::Range<usize> {
    let at = |index: usize| (total as u128 * index as u128 / parts as u128) as usize;
    at(index)..at(index + 1)
}

/// Draws `count` distinct numbers below `bound`, which is at least `count`.
fn distinct(count: usize, bound: usize, random: &mut Random) -> Vec<usize> {
    let mut drawn = Vec::with_capacity(count);
    while drawn.len() < count {
        let number = random.below(bound as u64) as usize;
        if !drawn.contains(&number) {
            drawn.push(number);
        }
    }
    drawn
}

/// Returns the target 65535:`number`.
fn target(number: usize) -> RouteTarget {
    RouteTarget::as2(ASN, number as u32)
}

/// A network of one router while it is made.
struct OneRouter {
    builder: NetworkBuilder,
    router: RouterId,
    attributes: Vec<AttributesId>,
    vrfs: u32,
}

impl OneRouter {
    fn new() -> Self {
        let mut builder = NetworkBuilder::default();
        let router = builder.router("pe1", u32::from(ASN), Ipv4Addr::new(10, 0, 0, 1), Dialect::NATIVE);
        let attributes = (0..ATTRIBUTE_SETS)
            .map(|number| {
                builder.attributes(Attributes {
                    as_path: [64512, 100_000 + number as u32].into(),
                    origin: OriginCode::Igp,
                    ..Attributes::default()
                })
            })
            .collect();
        Self { builder, router, attributes, vrfs: 0 }
    }

    /// Adds a VRF; the first has RD 65535:1.
    fn vrf(&mut self, name: &str, import: Vec<RouteTarget>, export: Vec<RouteTarget>) -> VrfId {
        self.vrfs += 1;
        let id = self.builder.vrf(self.router, name, Some(Rd::as2(ASN, self.vrfs)));
        let family = self.builder.family::<u32>(id);
        (family.import, family.export) = (import, export);
        id
    }

    /// Gives a VRF the routes `prefix(0)`, `prefix(1)`, ... behind one CE.
    fn fill(&mut self, vrf: VrfId, count: usize, prefix: impl Fn(usize) -> Prefix<u32> + Sync) {
        let interface = self.builder.interface(vrf, &format!("ce{}", vrf.index()));
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        let gateway = self.builder.next_hop(vrf, NextHopKind::Gateway { address, interface: Some(interface) });
        let attributes = &self.attributes;
        let route = |index: usize| {
            let set = attributes[index / ROUTES_PER_ATTRIBUTES % ATTRIBUTE_SETS];
            SourceRoute::new(prefix(index), Protocol::Bgp, set, gateway)
        };
        let routes = (0..count).into_par_iter().with_min_len(4096).map(route).collect();
        self.builder.family::<u32>(vrf).routes = routes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vrfleak_engine::Leak;

    fn imported(workload: Workload, routes: usize, vrfs: usize) -> usize {
        let network = workload.generate(routes, vrfs, 1).expect("a network");
        let leak = Leak::new(&network);
        assert_eq!(leak.vpn_routes(), routes, "{workload}: every route has a prefix and RD of its own");
        leak.imported_routes()
    }

    #[test]
    fn each_imports_what_its_name_says() {
        assert_eq!(imported(Workload::W1, 10_100, 50), 15_000);
        assert_eq!(imported(Workload::W2, 1000, 1), 1000);
        assert_eq!(imported(Workload::W3, 1000, 10), 10_000);
        // Of five targets drawn among 100, one VRF in twenty draws its own.
        let imports = imported(Workload::D, 20_000, 100);
        assert!((96_000..=100_000).contains(&imports), "{imports}");
        assert_eq!(imported(Workload::D, 3, 1), 0);
        let w1 = Workload::W1.generate(101_000, 50, 1).expect("a network");
        let routes: Vec<usize> = w1.vrfs().iter().map(|vrf| vrf.family::<u32>().routes.len()).collect();
        assert_eq!((routes[0], &routes[1..]), (1000, [2000; 50].as_slice()));
        let first = w1.vrfs().iter().map(|vrf| vrf.family::<u32>().routes[0].prefix().to_string());
        assert_eq!(first.take(3).collect::<Vec<_>>(), ["5.0.0.0/24", "20.0.0.0/24", "20.7.208.0/24"]);
    }

    #[test]
    fn names_read_back_and_others_are_refused() {
        for workload in Workload::ALL {
            assert_eq!(workload.to_string().to_lowercase().parse(), Ok(workload));
        }
        let error = "W4".parse::<Workload>().expect_err("no such workload");
        assert_eq!(error.to_string(), "`W4` is not a workload, expected W1, W2, W3 or D");
    }

    #[test]
    fn impossible_sizes_are_refused_with_limit_and_value() {
        let error =
            |workload: Workload, routes, vrfs| workload.generate(routes, vrfs, 1).expect_err("a limit").to_string();
        assert_eq!(error(Workload::W2, 0, 1), "`0` routes, expected at least 1");
        assert_eq!(error(Workload::W3, 1, 0), "`0` VRFs, expected at least 1");
        assert_eq!(error(Workload::W2, 13_369_345, 1), "`13369345` routes, the limit is 13369344");
        assert_eq!(error(Workload::D, 1 << 24 | 1, 1), "`16777217` routes, the limit is 16777216");
        assert_eq!(error(Workload::D, 9, 10), "`9` routes for 10 VRFs, expected at least 10");
        assert_eq!(error(Workload::D, 9, 1_048_560), "`1048560` VRFs, the limit is 1048559");
        assert_eq!(
            error(Workload::D, usize::MAX, 1_000_000),
            format!("`{}` routes, the limit is 2147483647", usize::MAX)
        );
    }
}
