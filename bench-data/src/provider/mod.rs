//! [`ProviderShape`]: a synthetic provider, PEs with the VRFs of many customers' VPNs, from a seed.
//!
//! No provider publishes its VPNs, so everything here is an ASSUMPTION:
//!
//! - VPNs: sizes spread evenly over the octaves from one site to 3/4 of the square root of the number of VRFs, so that
//!   the sites of a large VPN see most of what is imported. One VRF a site. VRF `n` is on PE `n` modulo the PEs: the
//!   sites of a VPN are on different PEs as long as there are enough, and every PE has as many VRFs as the next.
//! - Kinds: one VPN in ten is hub-and-spoke (its first site exports the default routes), the others are full meshes.
//!   One in twenty is an extranet: its sites and those of the VPN before it import one another's routes. One VRF in 500
//!   offers a shared service; three VPNs in ten are clients of one, and a service imports all its clients.
//! - Routes: a site's share is spread evenly over 16 octaves. One in ten is IPv6. One in twenty is dual-homed, exported
//!   by another site of the VPN too. 2% beyond those are static routes that no VRF redistributes; one VRF in twenty
//!   does not redistribute its connected ones either.
//! - Addresses: the sites of every VPN number their networks from 10.0.0.0 (`fd00::`) on, one /24 (/56) after the
//!   other, and, where 10.0.0.0/8 is used up, on from 11.0.0.0: VPNs collide, sites of one VPN do not. In three cases
//!   of four a network is its /24 whole; others are longer, down to /32 (/128), and where a site owns all of an aligned
//!   block, an aggregate of /22, /20 or /16 (/48) stands at its head in every second case.
//! - Links: a CE hangs on a link of its own, 100.64.0.0/10 in steps of /30 and `2001:db8::/32` in steps of /64, the
//!   same in no two VRFs (of the first 1,048,576 in IPv4).
//! - Attributes: [`ATTRIBUTE_SETS`] sets, each with one to four ASes in its path; local preference 100 in nine of ten,
//!   MED 0 in 49 of 50.

mod attributes;
mod plan;
mod routes;
mod slice;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rayon::prelude::*;
use vrfleak_engine::network::MAX_ROUTES;
use vrfleak_engine::{Address, Dialect, Label, Network, NetworkBuilder, NextHopKind, Rd, Redistribute, VrfId};

pub use attributes::ATTRIBUTE_SETS;

use plan::{Plan, Site};
use routes::Origin;

/// The AS of the provider, administrator of its RDs and targets.
pub const ASN: u16 = 65000;
/// The fewest exported routes a VRF: its two links and two from its CE.
pub const LEAST_ROUTES_PER_VRF: usize = 4;
/// The most exported routes: half of what a model holds in one family, which leaves room for those that are not.
pub const MOST_ROUTES: usize = MAX_ROUTES / 2;
/// The most VRFs: each may need four targets of the 32-bit numbers under one AS.
pub const MOST_VRFS: usize = 1 << 30;
/// The most PEs: each has a loopback in 10.0.0.0/8.
pub const MOST_PES: usize = 1 << 24;

/// How large a synthetic provider is.
///
/// ```
/// use vrfleak_bench_data::ProviderShape;
///
/// let network = ProviderShape { routes: 10_000, vrfs: 100, pes: 5, seed: 1 }.generate()?;
/// assert_eq!((network.routers().len(), network.vrfs().len()), (5, 100));
/// # Ok::<(), vrfleak_bench_data::provider::ShapeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProviderShape {
    /// How many VPN routes are exported, both families together.
    pub routes: usize,
    /// How many VRFs there are, over all PEs.
    pub vrfs: usize,
    /// How many PEs there are.
    pub pes: usize,
    /// What everything that is not fixed follows from.
    pub seed: u64,
}

impl Default for ProviderShape {
    /// Returns 2,000,000 routes of 2,000 VRFs on 50 PEs, seed 1.
    fn default() -> Self {
        Self { routes: 2_000_000, vrfs: 2_000, pes: 50, seed: 1 }
    }
}

impl ProviderShape {
    /// Returns the network of this shape: the same for the same shape, on any number of threads of the current pool.
    ///
    /// It exports exactly [`Self::routes`]. O(routes) in parallel and O(VRFs + PEs) on one thread; 16 bytes an IPv4
    /// route and 32 an IPv6 one.
    ///
    /// # Errors
    ///
    /// If a number is 0 or above its limit, or one VPN has more routes than there are IPv4 networks for them. All but
    /// the last show before anything is built.
    pub fn generate(&self) -> Result<Network, ShapeError> {
        self.check()?;
        let plan = Plan::new(self)?;
        let mut builder = NetworkBuilder::default();
        let routers: Vec<_> = (0..self.pes)
            .map(|pe| {
                let loopback = Ipv4Addr::from_bits(0x0a00_0000 | pe as u32);
                builder.router(&format!("pe{}", pe + 1), u32::from(ASN), loopback, Dialect::NATIVE)
            })
            .collect();
        let attributes = attributes::pool(&mut builder, self.seed);
        let mut origins = Vec::with_capacity(self.vrfs);
        for (number, site) in plan.sites.iter().enumerate() {
            let name = format!("vpn{}-{}", site.vpn + 1, number - plan.vpns[site.vpn].start + 1);
            let vrf = builder.vrf(routers[number % self.pes], &name, Some(Rd::as2(ASN, number as u32 + 1)));
            policy::<u32>(&mut builder, vrf, site);
            policy::<u128>(&mut builder, vrf, site);
            let interface = builder.interface(vrf, &format!("ce{}", number + 1));
            let gateways = link(number).map(|(address, gateway)| {
                builder.address(interface, address);
                builder.next_hop(vrf, NextHopKind::Gateway { address: gateway, interface: Some(interface) })
            });
            origins.push(Origin { gateways, attributes: attributes.clone() });
        }
        let generated: Vec<_> = origins
            .into_par_iter()
            .enumerate()
            .map(|(number, origin)| {
                (origin.routes::<u32>(&plan, number, self.seed), origin.routes::<u128>(&plan, number, self.seed))
            })
            .collect();
        for (number, (ipv4, ipv6)) in generated.into_iter().enumerate() {
            append(&mut builder, VrfId::from_index(number), ipv4);
            append(&mut builder, VrfId::from_index(number), ipv6);
        }
        Ok(builder.build().expect("names, RDs and ids are distinct by construction"))
    }

    /// Checks what shows before anything is built.
    ///
    /// # Errors
    ///
    /// As [`Self::generate`].
    pub fn check(&self) -> Result<(), ShapeError> {
        for (what, value, limit) in [
            (Quantity::Routes, self.routes, MOST_ROUTES),
            (Quantity::Vrfs, self.vrfs, MOST_VRFS),
            (Quantity::Pes, self.pes, MOST_PES),
        ] {
            if value == 0 {
                return Err(ShapeError::Zero { what });
            }
            if value > limit {
                return Err(ShapeError::TooMany { what, value, limit });
            }
        }
        let vrfs_per_pe = self.vrfs.div_ceil(self.pes);
        if vrfs_per_pe > Label::COUNT as usize {
            return Err(ShapeError::LabelSpace { vrfs_per_pe });
        }
        let least = self.vrfs.saturating_mul(LEAST_ROUTES_PER_VRF);
        if self.routes < least {
            return Err(ShapeError::TooFewRoutes { routes: self.routes, vrfs: self.vrfs, least });
        }
        Ok(())
    }
}

/// Gives a VRF the targets and redistribution of its site.
fn policy<A: Address>(builder: &mut NetworkBuilder, vrf: VrfId, site: &Site) {
    let family = builder.family::<A>(vrf);
    family.import.clone_from(&site.import);
    family.export.clone_from(&site.export);
    family.redistribute = Redistribute { connected: site.connected, statics: false };
}

/// Returns the PE's address with its subnet and the CE's address on the link of a VRF, IPv4 first.
fn link(number: usize) -> [(IpNet, IpAddr); 2] {
    let ipv4 = 0x6440_0000 | (number as u32 & 0xf_ffff) << 2;
    let ipv6 = 0x2001_0db8_u128 << 96 | (number as u128 & 0xffff_ffff) << 64;
    let ipv4 = [1, 2].map(|host| Ipv4Addr::from_bits(ipv4 | host));
    let ipv6 = [1, 2].map(|host| Ipv6Addr::from_bits(ipv6 | host));
    [
        (Ipv4Net::new_assert(ipv4[0], 30).into(), ipv4[1].into()),
        (Ipv6Net::new_assert(ipv6[0], 64).into(), ipv6[1].into()),
    ]
}

/// Puts `routes` before those that the VRF has.
fn append<A: Address>(builder: &mut NetworkBuilder, vrf: VrfId, mut routes: Vec<vrfleak_engine::SourceRoute<A>>) {
    let family = builder.family::<A>(vrf);
    routes.append(&mut family.routes);
    family.routes = routes;
}

/// What a [`ProviderShape`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// Exported routes.
    Routes,
    /// VRFs of all PEs.
    Vrfs,
    /// PEs.
    Pes,
    /// Import targets of a VRF.
    FanOut,
    /// Export targets of a VRF.
    ExportTargets,
    /// Of 100 prefixes of a VRF those that another one has as well.
    DualHomed,
    /// Of 100 prefixes of a VRF those that all have.
    Overlap,
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Routes => "routes",
            Self::Vrfs => "VRFs",
            Self::Pes => "PEs",
            Self::FanOut => "import targets a VRF",
            Self::ExportTargets => "export targets a VRF",
            Self::DualHomed => "per cent dual-homed",
            Self::Overlap => "per cent overlap",
        })
    }
}

/// Why there is no network of a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShapeError {
    /// Nothing of something.
    Zero {
        /// Of what.
        what: Quantity,
    },
    /// More of something than can be named.
    TooMany {
        /// Of what.
        what: Quantity,
        /// How many.
        value: usize,
        /// How many there may be.
        limit: usize,
    },
    /// More VRFs on a PE than it has labels for.
    LabelSpace {
        /// VRFs on the PE that has most.
        vrfs_per_pe: usize,
    },
    /// Some VRF would export less than its links and a route of its CE in each family.
    TooFewRoutes {
        /// The routes.
        routes: usize,
        /// The VRFs.
        vrfs: usize,
        /// How few routes there may be.
        least: usize,
    },
    /// Prefix lengths that cannot be.
    Lengths {
        /// The shortest, in bits.
        min: u8,
        /// The longest, in bits.
        max: u8,
        /// The shortest there may be.
        least: u8,
        /// The longest there may be.
        most: u8,
    },
    /// The sites of one VPN have more IPv4 routes than there are networks to number them from.
    AddressSpace {
        /// IPv4 routes of the VPN.
        routes: usize,
        /// How many there may be.
        limit: usize,
    },
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero { what } => write!(f, "`0` {what}, expected at least 1"),
            Self::TooMany { what, value, limit } => write!(f, "`{value}` {what}, the limit is {limit}"),
            Self::LabelSpace { vrfs_per_pe } => {
                write!(f, "`{vrfs_per_pe}` VRFs on one PE, the limit is its {} labels", Label::COUNT)
            }
            Self::TooFewRoutes { routes, vrfs, least } => {
                write!(f, "`{routes}` routes for {vrfs} VRFs, expected at least {least}")
            }
            Self::Lengths { min, max, least, most } => {
                write!(
                    f,
                    "`{min}-{max}` are no prefix lengths, expected some from {least} to {most}, the shortest first"
                )
            }
            Self::AddressSpace { routes, limit } => {
                write!(f, "`{routes}` IPv4 routes in one VPN, the limit is {limit}: more VRFs make more VPNs")
            }
        }
    }
}

impl std::error::Error for ShapeError {}

#[cfg(test)]
mod tests;
