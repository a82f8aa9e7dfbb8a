//! [`Drawn`]: what the VRFs of a drawn network have in common.

use vrfleak_engine::network::MAX_ROUTES;
use vrfleak_engine::{Address, Family, Prefix};

use super::sites::Sites;
use super::{FAN_OUT, distinct, share, target};
use crate::provider::{Quantity, ShapeError};
use crate::random::{Permutation, Random};

/// Bits that are drawn of a prefix, if it has as many: all /24s, or all /56s of `2001:db8::/32`.
const RANDOM_BITS: u32 = 24;
/// First bits of those that tell whose a prefix is, where VRFs have prefixes in common.
const OWNER_BITS: u32 = 2;

/// What the VRFs of a drawn network ([D](super::Workload::D) and its kin) import, export, and have in common.
///
/// All of it is an ASSUMPTION, that of D where nothing else is said: five import targets, one export target, /24s (/56s)
/// anywhere, common to two VRFs by chance alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Import targets of a VRF, drawn among all export targets.
    pub fan_out: usize,
    /// Export targets of a VRF, which each of its routes has: its own, and those of the VRFs after it.
    pub export_targets: usize,
    /// Of 100 prefixes of a VRF, how many are dual-homed: those of the VRF before it.
    pub dual_homed: u8,
    /// Of 100 prefixes of a VRF, how many all VRFs have.
    pub overlap: u8,
    /// The shortest and the longest prefix, in bits; a VRF has as many of each length between. `None` for /24s, and /56s in
    /// IPv6.
    pub lens: Option<(u8, u8)>,
}

impl Default for Drawn {
    /// Returns what D is.
    fn default() -> Self {
        Self { fan_out: FAN_OUT, export_targets: 1, dual_homed: 0, overlap: 0, lens: None }
    }
}

impl Drawn {
    /// Checks that `vrfs` VRFs can have `routes` routes of this kind in a family.
    ///
    /// # Errors
    ///
    /// The first number that is 0 or above its limit.
    pub(super) fn check(&self, routes: usize, vrfs: usize, family: Family) -> Result<(), ShapeError> {
        for (what, value) in [(Quantity::FanOut, self.fan_out), (Quantity::ExportTargets, self.export_targets)] {
            if value == 0 {
                return Err(ShapeError::Zero { what });
            }
            if value > vrfs {
                return Err(ShapeError::TooMany { what, value, limit: vrfs });
            }
        }
        // A VRF has other prefixes besides, which the next one has as well.
        let halves = |rest: usize| if vrfs == 1 { 0 } else { rest / 2 };
        let (overlap, dual_homed) = (usize::from(self.overlap), usize::from(self.dual_homed));
        let limits = [
            (Quantity::Overlap, overlap, 100),
            (Quantity::DualHomed, dual_homed, halves(100_usize.saturating_sub(overlap))),
        ];
        for (what, value, limit) in limits {
            if value > limit {
                return Err(ShapeError::TooMany { what, value, limit });
            }
        }
        let (least, most) = match family {
            Family::Ipv4 => (1, 32),
            Family::Ipv6 => (33, 128),
        };
        let (min, max) = self.lens_of(family);
        if min < least || max > most || min > max {
            return Err(ShapeError::Lengths { min, max, least, most });
        }
        let of_each = 1_usize << bits(family, min).saturating_sub(self.owner_bits());
        let lens = usize::from(max - min) + 1;
        let limit = of_each.saturating_mul(lens).saturating_mul(vrfs).min(MAX_ROUTES - 1);
        if routes > limit {
            return Err(ShapeError::TooMany { what: Quantity::Routes, value: routes, limit });
        }
        Ok(())
    }

    fn lens_of(&self, family: Family) -> (u8, u8) {
        self.lens.unwrap_or(match family {
            Family::Ipv4 => (24, 24),
            Family::Ipv6 => (56, 56),
        })
    }

    fn owner_bits(&self) -> u32 {
        if self.dual_homed > 0 || self.overlap > 0 { OWNER_BITS } else { 0 }
    }

    /// Returns the network of these sizes, which were checked; with `defaults` the first route of each VRF is a default
    /// route.
    pub(super) fn network<A: Address>(&self, routes: usize, vrfs: usize, seed: u64, defaults: bool) -> Sites {
        let mut sites = Sites::new(1);
        let common = Space::new::<A>(self, 3, &mut Random::stream(seed, u64::MAX));
        let drawn = |vrf: usize| {
            let mut random = Random::stream(seed, vrf as u64);
            let import = distinct(self.fan_out, vrfs, &mut random);
            (import, Space::new::<A>(self, vrf as u64 % 3, &mut random))
        };
        for vrf in 0..vrfs {
            let (import, own) = drawn(vrf);
            // The first VRF has a neighbour of another third all the same.
            let neighbour = if self.dual_homed > 0 { drawn(vrf.checked_sub(1).unwrap_or(1)).1 } else { own.clone() };
            let import = import.into_iter().map(|number| target(number + 1)).collect();
            let export = (vrf..vrf + self.export_targets).map(|number| target(number % vrfs + 1)).collect();
            let id = sites.vrf::<A>(&format!("vrf{vrf}"), import, export);
            let range = share(routes, vrfs, vrf);
            let part = |percent: u8| range.len() * usize::from(percent) / 100;
            let (overlap, dual_homed) = (part(self.overlap), part(self.dual_homed));
            sites.fill(id, range.len(), |index| match index {
                0 if defaults => Prefix::<A>::DEFAULT,
                _ if index < overlap => common.prefix(index),
                _ if index < overlap + dual_homed => neighbour.prefix(index - overlap),
                _ => own.prefix(index - overlap - dual_homed),
            });
        }
        sites
    }
}

/// Returns how many bits of a prefix of this length are drawn.
fn bits(family: Family, len: u8) -> u32 {
    let fixed = match family {
        Family::Ipv4 => 0,
        Family::Ipv6 => 32,
    };
    u32::from(len).saturating_sub(fixed).min(RANDOM_BITS)
}

/// The prefixes that one VRF has, or all have: distinct ones, and others than those of another owner.
#[derive(Clone, Debug)]
struct Space {
    owner: u64,
    owner_bits: u32,
    /// The shortest length, and for it and each longer one what is drawn.
    min: u8,
    drawn: Vec<Permutation>,
}

impl Space {
    fn new<A: Address>(drawn: &Drawn, owner: u64, random: &mut Random) -> Self {
        let (min, max) = drawn.lens_of(A::FAMILY);
        let owner_bits = drawn.owner_bits();
        let of_len = |len| Permutation::new(bits(A::FAMILY, len).saturating_sub(owner_bits), random);
        Self {
            owner: if owner_bits > 0 { owner } else { 0 },
            owner_bits,
            min,
            drawn: (min..=max).map(of_len).collect(),
        }
    }

    fn prefix<A: Address>(&self, index: usize) -> Prefix<A> {
        let (at, which) = (index / self.drawn.len(), index % self.drawn.len());
        let len = self.min + which as u8;
        let bits = bits(A::FAMILY, len);
        let number = self.drawn[which].at(at as u64) | self.owner << bits.saturating_sub(self.owner_bits);
        let address = match A::FAMILY {
            Family::Ipv4 => u128::from(number) << (32 - bits),
            Family::Ipv6 => 0x2001_0db8 << 96 | u128::from(number) << (96 - bits),
        };
        Prefix::containing(A::narrow(address), len)
    }
}
