//! [`Rib`]: what a VRF knows in one family after import and selection.

use crate::id::RouteId;
use crate::limit::{Cut, LimitReport};

/// The best route to each prefix of a VRF, in prefix order: four bytes an entry.
///
/// An entry is a route of [`RouteTable`](crate::RouteTable). Its origin tells what it is here: the VRF's own route, an
/// imported one, or, where the origin is another VRF and the protocol is local, the host route of an imported interface
/// (SEMANTICS S3a).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rib {
    pub(crate) best: Box<[RouteId]>,
    pub(crate) imported: u32,
    pub(crate) particulars: Option<Box<Particulars>>,
}

/// What only a VRF with multipath or a limit has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Particulars {
    /// Best routes, ascending, and what is installed beside each, in the order of S2.
    pub(crate) multipath: Box<[(RouteId, RouteId)]>,
    pub(crate) limit: Option<LimitReport>,
    pub(crate) cut: Option<Cut>,
}

impl Particulars {
    pub(crate) fn boxed(self) -> Option<Box<Self>> {
        (self != Self::default()).then(|| Box::new(self))
    }
}

impl Rib {
    /// Returns the best route to each prefix, in prefix order.
    #[inline]
    pub fn best(&self) -> &[RouteId] {
        &self.best
    }

    /// Returns the routes that are installed beside `best`, one of [`Self::best`], in the order of S2 (SEMANTICS S4);
    /// none where the VRF has no multipath. O(log paths).
    ///
    /// A FIB that is made of this RIB holds the best route alone.
    pub fn multipath(&self, best: RouteId) -> impl ExactSizeIterator<Item = RouteId> + '_ {
        let all = self.particulars.as_ref().map_or(&[][..], |particulars| &particulars.multipath);
        let start = all.partition_point(|&(route, _)| route < best);
        let end = all.partition_point(|&(route, _)| route <= best);
        all[start..end].iter().map(|&(_, other)| other)
    }

    /// Returns how many routes are installed beside the best ones, over all prefixes.
    pub fn multipath_routes(&self) -> usize {
        self.particulars.as_ref().map_or(0, |particulars| particulars.multipath.len())
    }

    /// Returns what the limit of the VRF says, where it has one (SEMANTICS S6).
    pub fn limit(&self) -> Option<LimitReport> {
        self.particulars.as_ref()?.limit
    }

    pub(crate) fn cut(&self) -> Option<&Cut> {
        self.particulars.as_ref()?.cut.as_ref()
    }

    /// Returns how many VPN routes the VRF imported, best or not; those that a limit rejected are none of them.
    pub fn imported(&self) -> usize {
        self.imported as usize
    }

    /// Returns whether this route is a best one. O(log entries).
    pub fn contains(&self, route: RouteId) -> bool {
        self.best.binary_search(&route).is_ok()
    }

    /// Returns the bytes held.
    pub fn bytes(&self) -> usize {
        let particulars = |particulars: &Particulars| size_of_val(&*particulars.multipath) + size_of::<Particulars>();
        size_of_val(&*self.best) + size_of::<Self>() + self.particulars.as_deref().map_or(0, particulars)
    }
}
