//! [`Division`]: how the import is divided, between the VRFs of a class and between threads.
//!
//! Threads take classes, the biggest first, then the members of those that several VRFs share. A class, or a member that
//! looks at all that it imports, which is more than a thread's share is cut into [pieces](crate::pieces) before that, which
//! all threads take.

use rayon::prelude::*;

use crate::address::Address;
use crate::class::{self, Class, ClassView};
use crate::id::{RouteId, VrfId};
use crate::import::{Common, Import};
use crate::overlay::{Change, apply};
use crate::pieces::Compared;
use crate::rib::{MadeList, MadeRib, Particulars, Ribs};
use crate::rib_lists::Shelf;
use crate::scratch::{Scratch, Scratches, on_all_threads};
use crate::span::Span;

/// How the import is divided. It makes a difference in time and memory, in nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Division {
    /// Whether VRFs that import the same buckets are computed together and share what they have in common.
    pub(crate) sharing: bool,
    /// From how many routes on a class is split, whatever there is besides; `None` to split what is more than a share.
    pub(crate) split_from: Option<usize>,
}

impl Division {
    /// Routes below which a class is never split by itself: about a tenth of a millisecond.
    const WORTH_SPLITTING: usize = 1 << 17;

    /// Returns whether something of `routes` routes is cut into pieces, out of `all` that there are besides and with it.
    fn splits(self, routes: usize, all: usize) -> bool {
        let threads = rayon::current_num_threads();
        let share = || threads > 1 && routes >= Self::WORTH_SPLITTING && routes > all / (2 * threads);
        self.split_from.map_or_else(share, |from| routes >= from)
    }
}

/// What became of a class: the words of the best and of the other routes if several VRFs share it, or the RIB of the only
/// one.
enum Made {
    Shared { best: Vec<u32>, others: Vec<u32> },
    Alone(MadeRib),
}

impl<A: Address> Import<'_, A> {
    /// Computes the RIBs of all VRFs in the current rayon pool, biggest class first. Without `sharing` every VRF is a
    /// class of its own and its RIB a list of its own.
    pub(crate) fn ribs(&self, division: Division) -> Ribs {
        let classes = class::classes(self, division.sharing);
        let common = self.common(&classes);
        let scratches = Scratches::default();
        let all = classes.iter().map(|class| class.routes).sum();
        let splits =
            |class: &Class| self.is_more_than_a_copy(class, division, &common) && division.splits(class.routes, all);
        let (split, whole): (Vec<usize>, Vec<usize>) = (0..classes.len()).partition(|&index| splits(&classes[index]));
        let in_pieces = |index: usize| (index, self.make_in_pieces(&classes[index], &common, &scratches));
        let mut done: Vec<(usize, Made)> = split.into_iter().map(in_pieces).collect();
        let made = on_all_threads(&scratches, whole.len(), |scratch: &mut Scratch, task| {
            self.make(&classes[whole[task]], &common, scratch)
        });
        done.extend(made.into_iter().map(|(task, made)| (whole[task], made)));

        let mut made: Vec<Option<MadeRib>> = Vec::new();
        made.resize_with(self.network.vrfs().len(), || None);
        let mut shared = vec![(Vec::new(), Vec::new()); classes.len()];
        for (index, of_class) in done {
            match of_class {
                Made::Alone(rib) => made[classes[index].members[0].index()] = Some(rib),
                Made::Shared { best, others } => shared[index] = (best, others),
            }
        }
        let view = |index: usize| {
            let (best, others): &(Vec<u32>, Vec<u32>) = &shared[index];
            ClassView { sets: &classes[index].sets, best, others }
        };
        let members: Vec<Member> = classes
            .iter()
            .enumerate()
            .filter(|(_, class)| class.members.len() > 1)
            .flat_map(|(class, of)| of.members.iter().map(move |&vrf| (class, vrf, of.routes)))
            .map(|(class, vrf, routes)| Member { class, vrf, routes: self.routes_to_look_at(vrf, routes, &common) })
            .collect();
        let all = members.iter().map(|member| member.routes).sum();
        let (split, whole): (Vec<Member>, Vec<Member>) =
            members.into_iter().partition(|member| division.splits(member.routes, all));
        for Member { class, vrf, .. } in split {
            made[vrf.index()] = Some(self.make_member_in_pieces(class, vrf, view(class), &common, &scratches));
        }
        let chunks = chunks(&whole);
        let done = on_all_threads(&scratches, chunks.len(), |scratch: &mut Scratch, chunk| {
            let rib = |&Member { class, vrf, .. }: &Member| self.make_member(class, vrf, view(class), &common, scratch);
            chunks[chunk].iter().map(rib).collect::<Vec<_>>()
        });
        for (chunk, ribs) in done {
            for (member, rib) in chunks[chunk].iter().zip(ribs) {
                made[member.vrf.index()] = Some(rib);
            }
        }
        let made = made.into_iter().map(|rib| rib.expect("every VRF is in one class")).collect();
        let ids = |(mut best, _): (Vec<u32>, _)| {
            best.par_iter_mut().with_min_len(MANY).for_each(|word| *word = self.packing.id(*word).0);
            best.into_iter().map(RouteId).collect()
        };
        Ribs::new(made, shared.into_par_iter().map(ids).collect(), scratches.shelves())
    }

    /// Returns whether a class asks for more than to copy a list, which threads do no faster: a million routes took 4 ms on
    /// one thread and 8 ms on two, since each first wrote to memory of its own.
    fn is_more_than_a_copy(&self, class: &Class, division: Division, common: &Common) -> bool {
        let alone = <[VrfId; 1]>::try_from(class.members.as_slice()).ok();
        division.split_from.is_some()
            || class.sets.len() > 1
            || alone.is_some_and(|[vrf]| self.looks_at_all(vrf, common) && !class.sets.is_empty())
    }

    /// Returns whether a VRF looks at every route that it imports, and not only at what it has of its own.
    fn looks_at_all(&self, vrf: VrfId, common: &Common) -> bool {
        let family = self.network.vrf(vrf).family::<A>();
        self.reviews(vrf, common)
            || family.maximum_routes.is_some()
            || family.maximum_paths.paths > 1
            || self.network.has_igp_metrics()
    }

    /// Returns about how many routes one looks at to tell a VRF from its class of so many.
    fn routes_to_look_at(&self, vrf: VrfId, of_class: usize, common: &Common) -> usize {
        let all = if self.looks_at_all(vrf, common) { of_class } else { 0 };
        self.buckets.own(vrf).len() + all
    }

    /// Computes a class on the current thread.
    fn make(&self, class: &Class, common: &Common, scratch: &mut Scratch) -> Made {
        let Scratch { chooser, overlay, best, shelf } = scratch;
        let [vrf] = *class.members else {
            let view = chooser.choose(self, &class.sets, Span::ALL);
            return Made::Shared { best: view.best.to_vec(), others: view.others.to_vec() };
        };
        let own = self.buckets.own(vrf);
        let joins = own.len() * MOST_IMPORTED >= class.routes - own.len() && self.may_join(vrf, &class.sets, common);
        let view = chooser.choose_among(self, &class.sets, if joins { own } else { &[] }, Span::ALL);
        let (imported, mut particulars, view) = self.begin(vrf, view, common, overlay);
        if joins {
            self.compare_joined(vrf, view, common, overlay);
            apply(view.best, self.packing, &overlay.changes, best);
        } else {
            self.list(vrf, view, common, overlay, best);
        }
        particulars.multipath = self.multipath(vrf, view.sets, best, overlay.cut.as_ref(), &mut overlay.candidates);
        let (list, particulars) = (kept(best, shelf), particulars.boxed());
        Made::Alone(MadeRib { list, splices: Box::default(), imported, particulars })
    }

    /// Computes a class on all threads.
    fn make_in_pieces(&self, class: &Class, common: &Common, scratches: &Scratches) -> Made {
        let sets = &class.sets;
        let alone = <[VrfId; 1]>::try_from(class.members.as_slice()).ok();
        let spans = self.spans(sets, alone.map_or(&[][..], |[vrf]| self.buckets.own(vrf)));
        let (best, others) = self.choose_in_spans(sets, &spans, scratches);
        let Some([vrf]) = alone else {
            return Made::Shared { best: best.into_owned(), others: others.into_owned() };
        };
        let view = ClassView { sets, best: &best, others: &others };
        let mut compared = self.compare_in_spans(vrf, view, &spans, common, scratches);
        let list = MadeList::Own(self.list_in_spans(&compared, &spans));
        compared.particulars.multipath = self.multipath_in_spans(vrf, &compared, &spans, common, scratches);
        let Compared { imported, particulars, .. } = compared;
        Made::Alone(MadeRib { list, splices: Box::default(), imported, particulars: particulars.boxed() })
    }

    /// Computes what a VRF has otherwise than its class, which is that of number `index`, on all threads.
    fn make_member_in_pieces(
        &self,
        index: usize,
        vrf: VrfId,
        view: ClassView<'_>,
        common: &Common,
        scratches: &Scratches,
    ) -> MadeRib {
        let spans = self.spans(view.sets, self.buckets.own(vrf));
        let mut compared = self.compare_in_spans(vrf, view, &spans, common, scratches);
        compared.particulars.multipath = self.multipath_in_spans(vrf, &compared, &spans, common, scratches);
        let (list, splices) = if are_spliced(compared.class, &compared.changes, Some(&compared.particulars)) {
            (MadeList::OfClass(index), compared.changes.iter().map(|change| change.splice).collect())
        } else {
            (MadeList::Own(self.list_in_spans(&compared, &spans)), Box::default())
        };
        let Compared { imported, particulars, .. } = compared;
        MadeRib { list, splices, imported, particulars: particulars.boxed() }
    }

    /// Computes what a VRF has otherwise than its class, which is that of number `index`.
    fn make_member(
        &self,
        index: usize,
        vrf: VrfId,
        view: ClassView<'_>,
        common: &Common,
        scratch: &mut Scratch,
    ) -> MadeRib {
        let Scratch { overlay, best, shelf, .. } = scratch;
        let (imported, mut particulars, view) = self.begin(vrf, view, common, overlay);
        self.compare(vrf, view, common, overlay);
        if self.network.vrf(vrf).family::<A>().maximum_paths.paths > 1 {
            apply(view.best, self.packing, &overlay.changes, best);
            let (cut, candidates) = (overlay.cut.as_ref(), &mut overlay.candidates);
            particulars.multipath = self.multipath(vrf, view.sets, best, cut, candidates);
        }
        let particulars = particulars.boxed();
        if are_spliced(view, &overlay.changes, particulars.as_deref()) {
            let splices = overlay.changes.iter().map(|change| change.splice).collect();
            return MadeRib { list: MadeList::OfClass(index), splices, imported, particulars };
        }
        apply(view.best, self.packing, &overlay.changes, best);
        MadeRib { list: kept(best, shelf), splices: Box::default(), imported, particulars }
    }
}

/// Imported routes for each of the VRF's own up to which these join the union: it makes a pass more over all of them, and
/// spares a look for each own one into what was imported.
const MOST_IMPORTED: usize = 8;

/// Entries from which on a list is as good as a block of its own: to copy it costs the first touch of as much memory again.
const BIG: usize = 1 << 18;

/// Keeps a list: on the shelf, or if it is big and fills its memory, in that.
fn kept(list: &mut Vec<RouteId>, shelf: &mut Shelf) -> MadeList {
    if list.len() >= BIG && list.len() == list.capacity() {
        return MadeList::Own(std::mem::take(list).into_boxed_slice());
    }
    MadeList::Kept(shelf.keep(list))
}

/// Returns whether a VRF keeps its changes beside the list of its class, not a list of its own: a splice takes the room of
/// two entries of a list, and where a limit cuts the class is cut already.
fn are_spliced(class: ClassView<'_>, changes: &[Change], particulars: Option<&Particulars>) -> bool {
    changes.len() < class.best.len() && particulars.is_none_or(|particulars| particulars.cut.is_none())
}

/// A VRF of a class of several, and about how many routes it looks at.
struct Member {
    class: usize,
    vrf: VrfId,
    routes: usize,
}

/// How many VRFs that share a list one task looks at, and at how many routes, unless one VRF alone looks at more.
const MEMBERS_PER_TASK: usize = 16;
const ROUTES_PER_TASK: usize = 1 << 15;

/// Cuts members into tasks.
fn chunks(members: &[Member]) -> Vec<&[Member]> {
    let mut chunks = Vec::with_capacity(members.len() / MEMBERS_PER_TASK + 1);
    let mut rest = members;
    while !rest.is_empty() {
        let mut routes = 0;
        let within = |member: &&Member| {
            routes += member.routes;
            routes <= ROUTES_PER_TASK
        };
        let some = rest.iter().take(MEMBERS_PER_TASK).take_while(within).count().max(1);
        let chunk;
        (chunk, rest) = rest.split_at(some);
        chunks.push(chunk);
    }
    chunks
}

/// Words that a thread changes at least, where several do.
const MANY: usize = 1 << 16;
