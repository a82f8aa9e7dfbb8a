//! [`FamilyFibs`]: the forwarding tables that all VRFs have in one family.

use std::fmt;
use std::ops::Range;

use vrfleak_engine::{Address, FamilyLeak, NextHopId, Prefix, VrfId};

use crate::backend::{Backend, Forest};
use crate::layout::Layout;
use crate::lpm::{BuildError, NO_ROUTE, TableId, TreeKey, resident};

/// How many keys of a mixed batch get their tables at a time, on the stack.
const CHUNK: usize = 1024;

/// The forwarding tables of all VRFs in the family of `A`.
///
/// VRFs whose RIBs share a list share the table of that list. What such a VRF has otherwise is in a small table of its
/// own, the overlay, together with everything of the list that is longer and inside: so where the overlay has an answer
/// it is the answer, and where it has none the shared table's is. Addresses are integers whose most significant bit is
/// the first on the wire.
pub struct FamilyFibs<A: Address> {
    forest: Forest<A>,
    /// Where the forest's memory lies that asked for huge pages.
    advised: Vec<Range<usize>>,
    table_of: Box<[TableId]>,
    /// [`NO_OVERLAY`] where the table is all that there is.
    overlay_of: Box<[TableId]>,
    entries_of: Box<[u32]>,
}

/// Stands for no overlay.
pub(crate) const NO_OVERLAY: TableId = TableId(u32::MAX);

impl<A: Address> fmt::Debug for FamilyFibs<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FamilyFibs")
            .field("vrfs", &self.table_of.len())
            .field("tables", &self.forest.tables())
            .field("entries", &self.entries())
            .finish_non_exhaustive()
    }
}

/// What a VRF sends packets by: the longest prefix of its table that contains the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FibMatch<A: Address> {
    /// The matched prefix.
    pub prefix: Prefix<A>,
    /// Its next hop, which may belong to another VRF (SEMANTICS F3).
    pub next_hop: NextHopId,
}

impl<A: Address> FamilyFibs<A> {
    pub(crate) fn build(leak: &FamilyLeak<A>, backend: Backend) -> Result<Self, BuildError>
    where
        A: TreeKey,
    {
        let Layout { tables, table_of, overlay_of } = Layout::new(leak);
        let (forest, advised) = backend.build(&tables)?;
        let entries_of = leak.ribs().iter().map(|rib| rib.len() as u32).collect();
        Ok(Self { forest, advised, table_of, overlay_of, entries_of })
    }

    /// Returns the next hop of the longest prefix that contains `address` in the table of `vrf`, and in no other
    /// (SEMANTICS F1, F2). It may belong to another VRF (SEMANTICS F3).
    #[inline]
    pub fn lookup(&self, vrf: VrfId, address: A) -> Option<NextHopId> {
        let overlay = self.overlay(vrf).and_then(|overlay| self.forest.lookup(overlay, address));
        overlay.or_else(|| self.forest.lookup(self.table(vrf), address)).map(NextHopId)
    }

    /// Returns the same with the prefix that matched.
    pub fn lookup_match(&self, vrf: VrfId, address: A) -> Option<FibMatch<A>> {
        let overlay = self.overlay(vrf).and_then(|overlay| self.forest.lookup_match(overlay, address));
        let found = overlay.or_else(|| self.forest.lookup_match(self.table(vrf), address))?;
        Some(FibMatch { prefix: Prefix::containing(address, found.len), next_hop: NextHopId(found.value) })
    }

    /// Looks all addresses up in one VRF; `next_hops` gets the number of a [`NextHopId`], or [`NO_ROUTE`], at the
    /// address's position.
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    pub fn lookup_batch(&self, vrf: VrfId, addresses: &[A], next_hops: &mut [u32]) {
        let Some(overlay) = self.overlay(vrf) else {
            return self.forest.lookup_batch(self.table(vrf), addresses, next_hops);
        };
        assert_eq!(addresses.len(), next_hops.len(), "one next hop an address");
        let mut of_overlay = [NO_ROUTE; CHUNK];
        for (addresses, next_hops) in addresses.chunks(CHUNK).zip(next_hops.chunks_mut(CHUNK)) {
            let of_overlay = &mut of_overlay[..addresses.len()];
            self.forest.lookup_batch(overlay, addresses, of_overlay);
            self.forest.lookup_batch(self.table(vrf), addresses, next_hops);
            for (next_hop, &of_overlay) in next_hops.iter_mut().zip(&*of_overlay) {
                *next_hop = if of_overlay == NO_ROUTE { *next_hop } else { of_overlay };
            }
        }
    }

    /// Looks each address up in the VRF at the same position; `next_hops` gets the number of a [`NextHopId`], or
    /// [`NO_ROUTE`], there.
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    pub fn lookup_mixed(&self, vrfs: &[VrfId], addresses: &[A], next_hops: &mut [u32]) {
        assert_eq!(vrfs.len(), addresses.len(), "one VRF an address");
        assert_eq!(vrfs.len(), next_hops.len(), "one next hop an address");
        let mut tables = [TableId::default(); CHUNK];
        let mut again = Again { places: [0; CHUNK], addresses: [A::default(); CHUNK], answers: [NO_ROUTE; CHUNK] };
        let chunks = vrfs.chunks(CHUNK).zip(addresses.chunks(CHUNK)).zip(next_hops.chunks_mut(CHUNK));
        for ((vrfs, addresses), next_hops) in chunks {
            for (table, &vrf) in tables.iter_mut().zip(vrfs) {
                let overlay = self.overlay_of[vrf.index()];
                *table = if overlay == NO_OVERLAY { self.table(vrf) } else { overlay };
            }
            self.forest.lookup_mixed(&tables[..vrfs.len()], addresses, next_hops);
            // What an overlay has no answer for goes to the table behind it.
            let mut left = 0;
            for (at, (&vrf, &next_hop)) in vrfs.iter().zip(&*next_hops).enumerate() {
                again.places[left] = at;
                again.addresses[left] = addresses[at];
                tables[left] = self.table(vrf);
                left += usize::from(next_hop == NO_ROUTE && self.overlay_of[vrf.index()] != NO_OVERLAY);
            }
            let answers = &mut again.answers[..left];
            self.forest.lookup_mixed(&tables[..left], &again.addresses[..left], answers);
            for (&place, &answer) in again.places.iter().zip(&*answers) {
                next_hops[place] = answer;
            }
        }
    }

    /// Returns the table that `vrf` looks into, behind its overlay if it has one.
    #[inline]
    fn table(&self, vrf: VrfId) -> TableId {
        self.table_of[vrf.index()]
    }

    #[inline]
    fn overlay(&self, vrf: VrfId) -> Option<TableId> {
        Some(self.overlay_of[vrf.index()]).filter(|&overlay| overlay != NO_OVERLAY)
    }

    /// Returns how many tables there are, overlays included.
    pub fn tables(&self) -> usize {
        self.forest.tables()
    }

    pub(crate) fn vrfs(&self) -> usize {
        self.table_of.len()
    }

    /// Returns how many entries `vrf` has.
    pub fn entries_of(&self, vrf: VrfId) -> usize {
        self.entries_of[vrf.index()] as usize
    }

    /// Returns how many entries all VRFs have. O(VRFs).
    pub fn entries(&self) -> usize {
        self.entries_of.iter().map(|&entries| entries as usize).sum()
    }

    /// Returns the bytes of all tables, written or not. O(tables).
    pub fn bytes(&self) -> usize {
        self.forest.bytes() + self.index_bytes()
    }

    /// Returns the bytes of memory that the tables hold in mappings of their own, and those that they hold besides.
    ///
    /// A table that is read by index has addresses for all there may be, and memory for what was written. Where the system
    /// does not tell, or gives no huge pages, that which is not written counts as well, and all as mapped.
    pub(crate) fn held(&self) -> (usize, usize) {
        let all = self.bytes() - self.index_bytes();
        match resident(&self.advised).filter(|_| !self.advised.is_empty()) {
            Some(mapped) => (mapped, all - self.advised.iter().map(ExactSizeIterator::len).sum::<usize>()),
            None => (all, 0),
        }
    }

    /// Returns the bytes that say which tables a VRF looks into.
    pub(crate) fn index_bytes(&self) -> usize {
        size_of_val(&*self.table_of) * 2 + size_of_val(&*self.entries_of)
    }
}

/// Returns what an element of a batch's answer stands for.
#[inline]
pub(crate) fn next_hop(value: u32) -> Option<NextHopId> {
    (value != NO_ROUTE).then_some(NextHopId(value))
}

/// The keys of a mixed batch that an overlay had no answer for.
struct Again<A> {
    places: [usize; CHUNK],
    addresses: [A; CHUNK],
    answers: [u32; CHUNK],
}
