//! [`Plan`]: the VPNs, their sites, what each imports and exports, and how many routes it has from where.

use std::ops::Range;

use vrfleak_engine::RouteTarget;

use super::slice::{Block, Slice};
use super::{ASN, ProviderShape, ShapeError};
use crate::random::Random;

/// VRFs for one shared service.
const VRFS_PER_SERVICE: usize = 500;
/// Octaves that the routes of a site are spread over.
const ROUTE_OCTAVES: u64 = 16;
/// One route in this many is IPv6.
const IPV6_SHARE: u64 = 10;
/// One exported route in this many is another site's as well.
const DUAL_HOMED_SHARE: u64 = 20;
/// One static route that is not exported for this many that are.
const STATIC_SHARE: u64 = 50;

/// What a stream of random numbers is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    /// Sizes, kinds and quotas.
    Plan = 1,
    /// The pool of attributes.
    Attributes,
    /// The prefixes of a VPN.
    Prefixes,
    /// What else the routes of a VRF have.
    Routes,
}

/// Returns the stream of `seed` for this purpose and number.
pub(super) fn stream(seed: u64, purpose: Stream, number: usize) -> Random {
    Random::stream(seed, (purpose as u64) << 56 | number as u64)
}

/// A site of a VPN, which is a VRF.
#[derive(Debug)]
pub(super) struct Site {
    /// Its VPN.
    pub(super) vpn: usize,
    pub(super) import: Vec<RouteTarget>,
    pub(super) export: Vec<RouteTarget>,
    /// Whether it redistributes connected routes.
    pub(super) connected: bool,
    /// Whether it exports the default route.
    pub(super) is_hub: bool,
    /// What it has in IPv4 and IPv6.
    pub(super) slices: [Slice; 2],
}

/// The VPNs and their sites.
#[derive(Debug)]
pub(super) struct Plan {
    /// The sites of each VPN.
    pub(super) vpns: Vec<Range<usize>>,
    /// The site of each VRF.
    pub(super) sites: Vec<Site>,
}

/// The targets that a VPN may need.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// Of all sites of a mesh, of the hub, of a service.
    Main,
    /// Of spokes.
    Spoke,
    /// Of what the partners of an extranet import.
    Extranet,
    /// Of what a service imports.
    Client,
}

fn target(vpn: usize, target: Target) -> RouteTarget {
    RouteTarget::as2(ASN, (vpn as u32) << 2 | target as u32)
}

impl Plan {
    pub(super) fn new(shape: &ProviderShape) -> Result<Self, ShapeError> {
        let mut random = stream(shape.seed, Stream::Plan, 0);
        let services = shape.vrfs / VRFS_PER_SERVICE + usize::from(shape.vrfs >= 8);
        let services = services.min(shape.vrfs);
        let mut plan = Self { vpns: (0..services).map(|site| site..site + 1).collect(), sites: Vec::new() };
        let largest = ((shape.vrfs as u64 * 9 / 16).isqrt()).max(1);
        let mut start = services;
        while start < shape.vrfs {
            let size = spread(&mut random, largest) as usize;
            let end = shape.vrfs.min(start + size);
            plan.vpns.push(start..end);
            start = end;
        }
        for vpn in 0..plan.vpns.len() {
            plan.add_sites(vpn, services, &mut random);
        }
        plan.share_out(shape, &mut random)?;
        Ok(plan)
    }

    /// Adds the sites of a VPN with their targets.
    fn add_sites(&mut self, vpn: usize, services: usize, random: &mut Random) {
        let sites = self.vpns[vpn].clone();
        let is_service = vpn < services;
        let hub_and_spoke = random.chance(0.1) && sites.len() > 2;
        let extranet = random.chance(0.05) && vpn > services;
        let client = random.chance(0.3) && !is_service && services > 0;
        let service = random.below(services as u64) as usize;
        for (index, _) in sites.clone().enumerate() {
            let main = target(vpn, Target::Main);
            let spoke = target(vpn, Target::Spoke);
            let (mut import, mut export) = match (is_service, hub_and_spoke, index) {
                (true, ..) => (vec![target(vpn, Target::Client)], vec![main]),
                (_, false, _) => (vec![main], vec![main]),
                (_, true, 0) => (vec![spoke], vec![main]),
                (_, true, _) => (vec![main], vec![spoke]),
            };
            if client {
                import.push(target(service, Target::Main));
                export.push(target(service, Target::Client));
            }
            if extranet {
                import.push(target(vpn - 1, Target::Extranet));
                export.push(target(vpn, Target::Extranet));
            }
            self.sites.push(Site {
                vpn,
                import,
                export,
                connected: !random.chance(0.05),
                is_hub: hub_and_spoke && index == 0,
                slices: [Slice::default(); 2],
            });
        }
        if extranet {
            for site in self.vpns[vpn - 1].clone() {
                self.sites[site].import.push(target(vpn, Target::Extranet));
                self.sites[site].export.push(target(vpn - 1, Target::Extranet));
            }
        }
    }

    /// Gives every site its share of the routes.
    fn share_out(&mut self, shape: &ProviderShape, random: &mut Random) -> Result<(), ShapeError> {
        let connected = self.sites.iter().filter(|site| site.connected).count() * 2;
        // Two for each site, one a family, and the rest in proportion to its weight.
        let rest = (shape.routes - connected - 2 * shape.vrfs) as u128;
        let weights: Vec<u64> = (0..shape.vrfs).map(|_| spread(random, 1 << ROUTE_OCTAVES)).collect();
        let total = weights.iter().map(|&weight| u128::from(weight)).sum::<u128>();
        let mut before = 0;
        let quotas: Vec<[u64; 2]> = weights
            .iter()
            .map(|&weight| {
                let from = before * rest / total;
                before += u128::from(weight);
                let quota = (before * rest / total - from) as u64;
                let ipv6 = quota / IPV6_SHARE + u64::from(random.below(IPV6_SHARE) < quota % IPV6_SHARE);
                [1 + quota - ipv6, 1 + ipv6]
            })
            .collect();
        for vpn in &self.vpns {
            for family in 0..2 {
                let sum: u64 =
                    quotas[vpn.clone()].iter().map(|quota| quota[family] - quota[family] / DUAL_HOMED_SHARE).sum();
                let mut first = 0;
                for site in vpn.clone() {
                    let quota = quotas[site][family];
                    let copies = quota / DUAL_HOMED_SHARE;
                    // What the others have of their own is all that there is to copy.
                    let copies = copies.min(sum - (quota - copies));
                    let statics = quota / STATIC_SHARE + u64::from(random.below(STATIC_SHARE) < quota % STATIC_SHARE);
                    let own = quota - copies;
                    self.sites[site].slices[family] = Slice { first, own, statics, copies };
                    first += own + statics;
                }
                if family == 0 && first > u32::BLOCKS {
                    return Err(ShapeError::AddressSpace { routes: first as usize, limit: u32::BLOCKS as usize });
                }
            }
        }
        Ok(())
    }
}

/// Draws a number from 1 to `most`, each octave as often as the next. Integers alone, so that it is the same anywhere.
fn spread(random: &mut Random, most: u64) -> u64 {
    let octaves = u64::from(most.max(1).ilog2()) + 1;
    loop {
        let octave = 1 << random.below(octaves);
        let value = octave + random.below(octave);
        if value <= most {
            return value;
        }
    }
}
