//! [`Rib`]: what a VRF knows in one family after import and selection.

use crate::id::RouteId;

/// The best route to each prefix of a VRF, in prefix order: four bytes an entry.
///
/// An entry is a route of [`RouteTable`](crate::RouteTable). Its origin tells what it is here: the VRF's own route, an
/// imported one, or, where the origin is another VRF and the protocol is local, the host route of an imported interface
/// (SEMANTICS S3a).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rib {
    pub(crate) best: Box<[RouteId]>,
    pub(crate) imported: u32,
}

impl Rib {
    /// Returns the best route to each prefix, in prefix order.
    #[inline]
    pub fn best(&self) -> &[RouteId] {
        &self.best
    }

    /// Returns how many VPN routes the VRF imported, best or not.
    pub fn imported(&self) -> usize {
        self.imported as usize
    }

    /// Returns whether this route is a best one. O(log entries).
    pub fn contains(&self, route: RouteId) -> bool {
        self.best.binary_search(&route).is_ok()
    }

    /// Returns the bytes held.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.best) + size_of::<Self>()
    }
}
