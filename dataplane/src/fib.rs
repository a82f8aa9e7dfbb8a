//! [`FamilyFibs`]: the forwarding tables that all VRFs have in one family.

use std::cmp::Reverse;
use std::fmt;

use vrfleak_engine::{Address, FamilyLeak, NextHopId, Prefix, RouteId, VrfId};

use crate::backend::{Backend, Forest};
use crate::lpm::{BuildError, LookupMatch, NO_ROUTE, TableId, Tables, TreeKey};

/// How many keys of a mixed batch get their tables at a time, on the stack.
const CHUNK: usize = 1024;

/// The forwarding tables of all VRFs in the family of `A`.
///
/// Which table a VRF looks into is a matter of its own ([`Self::table`]): nothing here or above takes a VRF's id for a
/// table's. Addresses are integers whose most significant bit is the first on the wire.
pub struct FamilyFibs<A: Address> {
    forest: Forest<A>,
    table_of: Box<[TableId]>,
    entries_of: Box<[u32]>,
}

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
        let entries_of: Box<[u32]> = leak.ribs().iter().map(|rib| rib.best().len() as u32).collect();
        // Tables are numbered from the biggest on, so that no thread is left with a big one at the end.
        let mut vrfs: Vec<VrfId> = (0..entries_of.len()).map(VrfId::from_index).collect();
        vrfs.sort_by_key(|vrf| Reverse(entries_of[vrf.index()]));
        let forest = backend.build(&Ribs { leak, vrfs: &vrfs })?;
        let mut table_of: Box<[TableId]> = entries_of.iter().map(|_| TableId::default()).collect();
        for (index, vrf) in vrfs.iter().enumerate() {
            table_of[vrf.index()] = TableId::from_index(index);
        }
        Ok(Self { forest, table_of, entries_of })
    }

    /// Returns the next hop of the longest prefix that contains `address` in the table of `vrf`, and in no other
    /// (SEMANTICS F1, F2). It may belong to another VRF (SEMANTICS F3).
    #[inline]
    pub fn lookup(&self, vrf: VrfId, address: A) -> Option<NextHopId> {
        self.forest.lookup(self.table(vrf), address).map(NextHopId)
    }

    /// Returns the same with the prefix that matched.
    pub fn lookup_match(&self, vrf: VrfId, address: A) -> Option<FibMatch<A>> {
        let found = self.forest.lookup_match(self.table(vrf), address)?;
        Some(FibMatch { prefix: Prefix::containing(address, found.len), next_hop: NextHopId(found.value) })
    }

    /// Looks all addresses up in one VRF; `next_hops` gets the number of a [`NextHopId`], or [`NO_ROUTE`], at the
    /// address's position.
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    pub fn lookup_batch(&self, vrf: VrfId, addresses: &[A], next_hops: &mut [u32]) {
        self.forest.lookup_batch(self.table(vrf), addresses, next_hops);
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
        let chunks = vrfs.chunks(CHUNK).zip(addresses.chunks(CHUNK)).zip(next_hops.chunks_mut(CHUNK));
        for ((vrfs, addresses), next_hops) in chunks {
            let tables = &mut tables[..vrfs.len()];
            for (table, &vrf) in tables.iter_mut().zip(vrfs) {
                *table = self.table(vrf);
            }
            self.forest.lookup_mixed(tables, addresses, next_hops);
        }
    }

    /// Returns the table that `vrf` looks into.
    #[inline]
    pub fn table(&self, vrf: VrfId) -> TableId {
        self.table_of[vrf.index()]
    }

    /// Returns the tables themselves, for batches that already know them.
    pub fn forest(&self) -> &dyn LookupMatch<A> {
        &*self.forest
    }

    /// Returns how many entries the table of `vrf` has.
    pub fn entries_of(&self, vrf: VrfId) -> usize {
        self.entries_of[vrf.index()] as usize
    }

    /// Returns how many entries all VRFs have. O(VRFs).
    pub fn entries(&self) -> usize {
        self.entries_of.iter().map(|&entries| entries as usize).sum()
    }

    /// Returns the bytes held. O(tables).
    pub fn bytes(&self) -> usize {
        self.forest.bytes() + size_of_val(&*self.table_of) + size_of_val(&*self.entries_of)
    }
}

/// Returns what an element of a batch's answer stands for.
#[inline]
pub(crate) fn next_hop(value: u32) -> Option<NextHopId> {
    (value != NO_ROUTE).then_some(NextHopId(value))
}

/// The RIBs as a forest wants them: read from the columns while it builds, never written down.
struct Ribs<'a, A> {
    leak: &'a FamilyLeak<A>,
    /// The VRF of each table.
    vrfs: &'a [VrfId],
}

impl<A: Address> Ribs<'_, A> {
    fn best(&self, table: TableId) -> &[RouteId] {
        self.leak.rib(self.vrfs[table.index()]).best()
    }
}

impl<A: Address> Tables<A> for Ribs<'_, A> {
    fn tables(&self) -> usize {
        self.vrfs.len()
    }

    fn routes_hint(&self, table: TableId) -> usize {
        self.best(table).len()
    }

    fn routes(&self, table: TableId) -> impl Iterator<Item = (Prefix<A>, u32)> {
        let routes = self.leak.table();
        self.best(table).iter().map(|&route| (routes.prefix(route), routes.next_hop(route).0))
    }
}
