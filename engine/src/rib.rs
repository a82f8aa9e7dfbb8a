//! [`Rib`]: what a VRF knows in one family after import and selection; [`Ribs`]: that of all VRFs.

use crate::id::{ListId, RouteId, VrfId};
use crate::limit::{Cut, LimitReport};
use crate::memory::MemoryPart;
use crate::rib_lists::{Kept, RibLists, Shelf};

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

    fn bytes(&self) -> usize {
        size_of_val(&*self.multipath) + size_of::<Self>()
    }
}

/// The best route to each prefix of a VRF, in prefix order.
///
/// An entry is a route of [`RouteTable`](crate::RouteTable). Its origin tells what it is here: the VRF's own route, an
/// imported one, or, where the origin is another VRF and the protocol is local, the host route of an imported interface
/// (SEMANTICS S3a).
///
/// VRFs that import the same buckets may share a list; what a VRF has otherwise than the list says is in its splices.
#[derive(Clone, Copy, Debug)]
pub struct Rib<'a> {
    list: &'a [RouteId],
    splices: &'a [Splice],
    len: u32,
    imported: u32,
    particulars: Option<&'a Particulars>,
}

impl<'a> Rib<'a> {
    /// Returns how many prefixes there are.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "a count for reports, never asked whether it is zero")]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Returns the best route to each prefix, in prefix order.
    pub fn iter(&self) -> Entries<'a> {
        Entries { list: self.list, splices: self.splices, at: 0, left: self.len() }
    }

    /// Returns the entries from a splice on: that of the splice, if it has one, then all behind it in prefix order.
    /// Unlike those of [`Self::iter`] they do not know how many they are.
    pub fn iter_from(&self, splice: usize) -> impl Iterator<Item = RouteId> + 'a {
        let splices = &self.splices[splice..];
        let at = splices.first().map_or(self.list.len(), |splice| splice.at());
        let mut entries = Entries { list: self.list, splices, at, left: usize::MAX };
        std::iter::from_fn(move || entries.next())
    }

    /// Returns the list that this RIB is made of; all of it where there are no [splices](Self::splices).
    #[inline]
    pub fn list(&self) -> &'a [RouteId] {
        self.list
    }

    /// Returns where this RIB differs from its list, in prefix order.
    #[inline]
    pub fn splices(&self) -> &'a [Splice] {
        self.splices
    }

    /// Returns the routes that are installed beside `best`, one of the entries, in the order of S2 (SEMANTICS S4); none
    /// where the VRF has no multipath. O(log paths).
    ///
    /// A FIB that is made of this RIB holds the best route alone.
    pub fn multipath(&self, best: RouteId) -> impl ExactSizeIterator<Item = RouteId> + 'a {
        let all = self.particulars.map_or(&[][..], |particulars| &particulars.multipath);
        let start = all.partition_point(|&(route, _)| route < best);
        let end = all.partition_point(|&(route, _)| route <= best);
        all[start..end].iter().map(|&(_, other)| other)
    }

    /// Returns how many routes are installed beside the best ones, over all prefixes.
    pub fn multipath_routes(&self) -> usize {
        self.particulars.map_or(0, |particulars| particulars.multipath.len())
    }

    /// Returns what the limit of the VRF says, where it has one (SEMANTICS S6).
    pub fn limit(&self) -> Option<LimitReport> {
        self.particulars?.limit
    }

    pub(crate) fn cut(&self) -> Option<&'a Cut> {
        self.particulars?.cut.as_ref()
    }

    /// Returns how many VPN routes the VRF imported, best or not; those that a limit rejected are none of them.
    pub fn imported(&self) -> usize {
        self.imported as usize
    }

    /// Returns the entry whose id is at least `first` and below `end`, which are all routes to one prefix. O(log entries).
    pub(crate) fn within(&self, first: RouteId, end: RouteId) -> Option<RouteId> {
        let within = |id: &RouteId| (first..end).contains(id);
        let at = self.list.partition_point(|&id| id < first);
        let start = self.splices.partition_point(|splice| splice.at() < at);
        let mut here = self.splices[start..].iter().take_while(|splice| splice.at() == at);
        let spliced = here.clone().find_map(|splice| splice.best().filter(within));
        let replaced = here.any(|splice| splice.replaces());
        spliced.or_else(|| self.list.get(at).copied().filter(|id| !replaced && within(id)))
    }
}

impl<'a> IntoIterator for Rib<'a> {
    type Item = RouteId;
    type IntoIter = Entries<'a>;

    fn into_iter(self) -> Entries<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Rib<'a> {
    type Item = RouteId;
    type IntoIter = Entries<'a>;

    fn into_iter(self) -> Entries<'a> {
        self.iter()
    }
}

/// The entries of a [`Rib`] in prefix order.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    list: &'a [RouteId],
    splices: &'a [Splice],
    at: usize,
    left: usize,
}

impl Iterator for Entries<'_> {
    type Item = RouteId;

    #[inline]
    fn next(&mut self) -> Option<RouteId> {
        while let Some((splice, rest)) = self.splices.split_first()
            && splice.at() == self.at
        {
            self.splices = rest;
            self.at += usize::from(splice.replaces());
            if let Some(best) = splice.best() {
                self.left -= 1;
                return Some(best);
            }
        }
        let entry = self.list.get(self.at).copied();
        self.at += 1;
        self.left -= usize::from(entry.is_some());
        entry
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Entries<'_> {}

/// Where a VRF's RIB differs from the list that it shares: eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Splice {
    /// The position in the list times two, plus one where that entry gives way.
    place: u32,
    /// [`NONE`] where there is no entry instead.
    best: RouteId,
}

/// Stands for no route.
const NONE: RouteId = RouteId(u32::MAX);

impl Splice {
    pub(crate) fn new(at: usize, replaces: bool, best: Option<RouteId>) -> Self {
        let at = u32::try_from(at).expect("a list has fewer entries than there are routes, which are below 2^31");
        Self { place: at << 1 | u32::from(replaces), best: best.unwrap_or(NONE) }
    }

    /// Returns the position in the list that this stands before, or in place of.
    #[inline]
    pub fn at(self) -> usize {
        (self.place >> 1) as usize
    }

    /// Returns whether the list's entry at that position gives way.
    #[inline]
    pub fn replaces(self) -> bool {
        self.place & 1 == 1
    }

    /// Returns the route that the VRF has here; `None` where it has none to that prefix.
    #[inline]
    pub fn best(self) -> Option<RouteId> {
        Some(self.best).filter(|&best| best != NONE)
    }
}

/// What one VRF has.
#[derive(Clone, Debug)]
struct VrfRib {
    list: ListId,
    splices: Box<[Splice]>,
    len: u32,
    imported: u32,
    particulars: Option<Box<Particulars>>,
}

/// The RIBs of all VRFs in one family.
///
/// Four bytes an entry of a list, eight a splice and eight a further path, 40 a VRF.
#[derive(Clone, Debug, Default)]
pub struct Ribs {
    lists: RibLists,
    vrfs: Vec<VrfRib>,
}

/// The list of a RIB as it was computed.
#[derive(Debug)]
pub(crate) enum MadeList {
    /// It is kept on a thread's shelf.
    Kept(Kept),
    /// It has memory of its own.
    Own(Box<[RouteId]>),
    /// It is that of the class of this number.
    OfClass(usize),
}

/// A RIB as it was computed.
#[derive(Debug)]
pub(crate) struct MadeRib {
    pub(crate) list: MadeList,
    pub(crate) splices: Box<[Splice]>,
    pub(crate) imported: u32,
    pub(crate) particulars: Option<Box<Particulars>>,
}

impl Ribs {
    /// Puts together what was computed of each VRF, with the lists of the classes that are shared. Lists are numbered by
    /// the first VRF that has them.
    pub(crate) fn new(made: Vec<MadeRib>, mut shared: Vec<Box<[RouteId]>>, shelves: Vec<Shelf>) -> Self {
        let mut ribs = Self { lists: RibLists::new(shelves), vrfs: Vec::with_capacity(made.len()) };
        let mut number_of = vec![None; shared.len()];
        for rib in made {
            let list = match rib.list {
                MadeList::Kept(kept) => ribs.lists.push_kept(kept),
                MadeList::Own(own) => ribs.lists.push(own),
                MadeList::OfClass(class) => {
                    *number_of[class].get_or_insert_with(|| ribs.lists.push(std::mem::take(&mut shared[class])))
                }
            };
            let mut len = ribs.lists.of(list).len();
            for splice in &rib.splices {
                len = len + usize::from(splice.best().is_some()) - usize::from(splice.replaces());
            }
            let len = u32::try_from(len).expect("fewer entries than routes");
            let MadeRib { splices, imported, particulars, .. } = rib;
            ribs.vrfs.push(VrfRib { list, splices, len, imported, particulars });
        }
        ribs
    }

    /// Returns the RIB of a VRF.
    #[inline]
    pub fn of(&self, vrf: VrfId) -> Rib<'_> {
        let VrfRib { list, ref splices, len, imported, ref particulars } = self.vrfs[vrf.index()];
        Rib { list: self.lists.of(list), splices, len, imported, particulars: particulars.as_deref() }
    }

    /// Returns the RIBs, by [`VrfId`].
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Rib<'_>> + Clone {
        (0..self.vrfs.len()).map(|vrf| self.of(VrfId::from_index(vrf)))
    }

    /// Returns which list the RIB of a VRF is made of. VRFs with one number share it.
    #[inline]
    pub fn list_of(&self, vrf: VrfId) -> ListId {
        self.vrfs[vrf.index()].list
    }

    /// Returns how many lists there are; ids are below it.
    pub fn lists(&self) -> usize {
        self.lists.len()
    }

    /// Returns a list.
    #[inline]
    pub fn list(&self, list: ListId) -> &[RouteId] {
        self.lists.of(list)
    }

    /// Returns the bytes held. O(lists + VRFs).
    pub fn bytes(&self) -> usize {
        self.memory().iter().map(|part| part.bytes).sum()
    }

    /// Returns the same by part. O(lists + VRFs).
    pub fn memory(&self) -> [MemoryPart; 3] {
        let (entries, lists) = (self.lists.entries(), self.lists.bytes());
        let splices = self.vrfs.iter().map(|vrf| vrf.splices.len()).sum::<usize>();
        let particulars = self.vrfs.iter().filter_map(|vrf| vrf.particulars.as_deref()).map(Particulars::bytes);
        let vrfs = self.vrfs.capacity() * size_of::<VrfRib>() + particulars.sum::<usize>();
        [
            MemoryPart::new("entries of RIB lists", entries, lists),
            MemoryPart::new("splices of RIBs", splices, splices * size_of::<Splice>()),
            MemoryPart::new("RIBs", self.vrfs.len(), vrfs),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A VRF with a list of its own, and one that drops 4, has 7 in place of 6, and 1, 8 and 9 besides.
    fn ribs() -> Ribs {
        let ids = |ids: &[u32]| ids.iter().copied().map(RouteId).collect::<Box<[_]>>();
        let splice = |at, replaces, best: Option<u32>| Splice::new(at, replaces, best.map(RouteId));
        let splices = [
            splice(0, false, Some(1)),
            splice(1, true, None),
            splice(2, true, Some(7)),
            splice(3, false, Some(8)),
            splice(3, false, Some(9)),
        ];
        let made = vec![
            MadeRib { list: MadeList::OfClass(0), splices: Box::default(), imported: 3, particulars: None },
            MadeRib { list: MadeList::Own(ids(&[5])), splices: Box::default(), imported: 1, particulars: None },
            MadeRib { list: MadeList::OfClass(0), splices: splices.into(), imported: 2, particulars: None },
        ];
        Ribs::new(made, vec![ids(&[2, 4, 6])], Vec::new())
    }

    #[test]
    fn a_splice_adds_replaces_and_removes() {
        let ribs = ribs();
        let entries: Vec<Vec<u32>> = ribs.iter().map(|rib| rib.iter().map(|id| id.0).collect()).collect();
        assert_eq!(entries, [vec![2, 4, 6], vec![5], vec![1, 2, 7, 8, 9]]);
        assert!(ribs.iter().zip(&entries).all(|(rib, entries)| rib.len() == entries.len()));
        assert!(ribs.iter().zip(&entries).all(|(rib, entries)| rib.iter().len() == entries.len()));
        assert_eq!(ribs.list_of(VrfId(0)), ribs.list_of(VrfId(2)));
        assert_ne!(ribs.list_of(VrfId(0)), ribs.list_of(VrfId(1)));
    }

    #[test]
    fn an_entry_is_found_through_the_splices() {
        let ribs = ribs();
        for rib in ribs.iter() {
            let entries: Vec<RouteId> = rib.iter().collect();
            // 6 and 7 are routes to one prefix.
            for (first, end) in [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 8), (8, 9), (9, 10), (10, 11)] {
                let expected = entries.iter().copied().find(|id| (first..end).contains(&id.0));
                assert_eq!(rib.within(RouteId(first), RouteId(end)), expected, "{first} in {entries:?}");
            }
        }
    }
}
