//! [`Fibs`]: the forwarding tables of all VRFs in both families.

use std::fmt;

use vrfleak_engine::{Address, Kind, Leak, MemoryPart, NextHopId, PerFamily, VrfId};

use crate::backend::Backend;
use crate::fib::{FamilyFibs, FibMatch};
use crate::lpm::BuildError;

/// Names [`FamilyFibs`] for [`PerFamily`].
#[derive(Debug)]
enum BothFibs {}

impl Kind for BothFibs {
    type Of<A: Address> = FamilyFibs<A>;
}

/// The forwarding tables of all VRFs: what [`Leak`] says, ready for packets. Immutable.
///
/// An entry is a prefix and the next hop of its best route. A VRF that is down has empty tables.
pub struct Fibs {
    families: PerFamily<BothFibs>,
    backend: Backend,
}

impl fmt::Debug for Fibs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fibs").field("families", &self.families).field("backend", &self.backend).finish()
    }
}

impl Fibs {
    /// Installs every RIB of `leak`, in parallel over VRFs in the current rayon pool: O(entries) for the tables, and
    /// nothing held besides.
    ///
    /// # Errors
    /// Returns [`BuildError::TooBig`] where the backend's offsets do not reach that far.
    pub fn build(leak: &Leak, backend: Backend) -> Result<Self, BuildError> {
        let ipv4 = FamilyFibs::build(leak.family::<u32>(), backend)?;
        let ipv6 = FamilyFibs::build(leak.family::<u128>(), backend)?;
        Ok(Self { families: PerFamily { ipv4, ipv6 }, backend })
    }

    /// Returns the tables of the family of `A`, with the batched lookups.
    #[inline]
    pub fn family<A: Address>(&self) -> &FamilyFibs<A> {
        self.families.get()
    }

    /// Returns the structure that holds the tables.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Returns the next hop of the longest prefix that contains `address` in the table of `vrf`.
    #[inline]
    pub fn lookup<A: Address>(&self, vrf: VrfId, address: A) -> Option<NextHopId> {
        self.family::<A>().lookup(vrf, address)
    }

    /// Returns the same with the prefix that matched.
    pub fn lookup_match<A: Address>(&self, vrf: VrfId, address: A) -> Option<FibMatch<A>> {
        self.family::<A>().lookup_match(vrf, address)
    }

    /// Returns how many entries all VRFs have, both families together. O(VRFs).
    pub fn entries(&self) -> usize {
        self.families.ipv4.entries() + self.families.ipv6.entries()
    }

    /// Returns how many entries `vrf` has, both families together.
    pub fn entries_of(&self, vrf: VrfId) -> usize {
        self.families.ipv4.entries_of(vrf) + self.families.ipv6.entries_of(vrf)
    }

    /// Returns what is held, by part, both families together. O(tables), and the system's word on what of them is memory.
    pub fn memory(&self) -> [MemoryPart; 2] {
        let (ipv4, ipv6) = (&self.families.ipv4, &self.families.ipv6);
        let held = [ipv4.held(), ipv6.held()].map(|(mapped, besides)| mapped + besides);
        let index = ipv4.index_bytes() + ipv6.index_bytes();
        [
            MemoryPart { name: "FIB tables", items: ipv4.tables() + ipv6.tables(), bytes: held.iter().sum() },
            MemoryPart { name: "FIBs", items: ipv4.vrfs() + ipv6.vrfs(), bytes: index },
        ]
    }

    /// Returns those of the bytes of the tables in [`Self::memory`] that no allocator knows of.
    pub fn mapped_bytes(&self) -> usize {
        self.families.ipv4.held().0 + self.families.ipv6.held().0
    }

    /// Returns the bytes of all tables, written or not. O(tables).
    pub fn bytes(&self) -> usize {
        self.families.ipv4.bytes() + self.families.ipv6.bytes()
    }
}
