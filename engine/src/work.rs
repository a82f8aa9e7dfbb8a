//! [`Division`]: how the import is divided, between the VRFs of a class and between threads.
//!
//! Threads take classes, the biggest first, then the members of those that several VRFs share. A class that is more than
//! a thread's share is cut into [spans](Span) before that, which all threads take.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::address::Address;
use crate::class::{self, Chooser, Class, ClassView};
use crate::id::{RouteId, VrfId};
use crate::import::{Common, Import};
use crate::overlay::{Overlay, apply};
use crate::rib::{MadeList, MadeRib, Ribs};
use crate::rib_lists::Shelf;
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

    /// Returns whether a class of a network with so many routes in all classes is split.
    ///
    /// What comes from one bucket alone is copied, which threads do no faster: a million routes took 4 ms on one thread
    /// and 8 ms on two, since each first wrote to memory of its own.
    fn splits(self, class: &Class, all: usize) -> bool {
        let (routes, threads) = (class.routes, rayon::current_num_threads());
        let share = || routes >= Self::WORTH_SPLITTING && routes > all / (2 * threads);
        self.split_from.map_or_else(|| threads > 1 && class.sets.len() > 1 && share(), |from| routes >= from)
    }
}

/// What one thread reuses from VRF to VRF, and where it keeps its lists.
struct Scratch {
    chooser: Chooser,
    overlay: Overlay,
    best: Vec<RouteId>,
    shelf: Shelf,
}

/// The scratches that no thread uses now, and how many there are in all.
#[derive(Default)]
struct Scratches {
    spare: Mutex<Vec<Scratch>>,
    made: AtomicUsize,
}

impl Scratches {
    fn take(&self) -> Scratch {
        let spare = self.spare.lock().expect("no thread panics while it holds the lock").pop();
        spare.unwrap_or_else(|| Scratch {
            chooser: Chooser::default(),
            overlay: Overlay::default(),
            best: Vec::new(),
            shelf: Shelf::new(self.made.fetch_add(1, Ordering::Relaxed)),
        })
    }

    fn give(&self, scratch: Scratch) {
        self.spare.lock().expect("no thread panics while it holds the lock").push(scratch);
    }

    /// Returns the shelves of all threads, none of which works any longer.
    fn shelves(self) -> Vec<Shelf> {
        let scratches = self.spare.into_inner().expect("no thread panics while it holds the lock");
        scratches.into_iter().map(|scratch| scratch.shelf).collect()
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
        let common = self.common();
        let scratches = Scratches::default();
        let all = classes.iter().map(|class| class.routes).sum();
        let (split, whole): (Vec<usize>, Vec<usize>) =
            (0..classes.len()).partition(|&index| division.splits(&classes[index], all));
        let mut done: Vec<(usize, Made)> =
            split.into_iter().map(|index| (index, self.make_split(&classes[index], &common, &scratches))).collect();
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
        let members: Vec<(usize, VrfId)> = classes
            .iter()
            .enumerate()
            .filter(|(_, class)| class.members.len() > 1)
            .flat_map(|(index, class)| class.members.iter().map(move |&vrf| (index, vrf)))
            .collect();
        let chunks: Vec<&[(usize, VrfId)]> = members.chunks(MEMBERS_PER_TASK).collect();
        let done = on_all_threads(&scratches, chunks.len(), |scratch: &mut Scratch, chunk| {
            let rib = |&(index, vrf): &(usize, VrfId)| {
                let view = ClassView { sets: &classes[index].sets, best: &shared[index].0, others: &shared[index].1 };
                self.make_member(index, vrf, view, &common, scratch)
            };
            chunks[chunk].iter().map(rib).collect::<Vec<_>>()
        });
        for (chunk, ribs) in done {
            for (&(_, vrf), rib) in chunks[chunk].iter().zip(ribs) {
                made[vrf.index()] = Some(rib);
            }
        }
        let made = made.into_iter().map(|rib| rib.expect("every VRF is in one class")).collect();
        let ids = |(best, _): (Vec<u32>, _)| best.into_iter().map(|word| self.packing.id(word)).collect();
        Ribs::new(made, shared.into_par_iter().map(ids).collect(), scratches.shelves())
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
        let (imported, mut particulars) = self.begin(vrf, view, common, overlay);
        if joins {
            self.compare_joined(vrf, view, common, overlay);
            apply(view.best, self.packing, &overlay.changes, best);
        } else {
            self.list(vrf, view, Span::ALL, common, overlay, best);
        }
        particulars.multipath = self.multipath(vrf, view.sets, best, overlay.cut.as_ref(), &mut overlay.candidates);
        let (list, particulars) = (kept(best, shelf), particulars.boxed());
        Made::Alone(MadeRib { list, splices: Box::default(), imported, particulars })
    }

    /// Computes a class on all threads, each with spans of it.
    fn make_split(&self, class: &Class, common: &Common, scratches: &Scratches) -> Made {
        let sets = &class.sets;
        let alone = <[VrfId; 1]>::try_from(class.members.as_slice()).ok();
        let own = alone.map_or(&[][..], |[vrf]| self.buckets.own(vrf));
        // Parts that turn out unequal leave no thread without work for long.
        let spans = Span::cut(self, sets, own, rayon::current_num_threads() * 4);
        let chosen = in_order(on_all_threads(scratches, spans.len(), |scratch: &mut Scratch, span| {
            let view = scratch.chooser.choose(self, sets, spans[span]);
            (view.best.to_vec(), view.others.to_vec())
        }));
        let (best, others): (Vec<_>, Vec<_>) = chosen.into_iter().unzip();
        let (best, others) = (best.concat(), others.concat());
        let Some([vrf]) = alone else { return Made::Shared { best, others } };
        let view = ClassView { sets, best: &best, others: &others };
        let overlay = &mut Overlay::default();
        let (imported, mut particulars) = self.begin(vrf, view, common, overlay);
        // Host routes may come along from one span into another.
        let spans = if self.leaks_hosts(vrf) { vec![Span::ALL] } else { spans };
        let (touched, cut, filters) = (&overlay.touched, &overlay.cut, overlay.candidates.filters());
        let within = |span: Span, first: RouteId| span.holds(self.packing.least(first));
        let lists = in_order(on_all_threads(scratches, spans.len(), |scratch: &mut Scratch, span| {
            let (span, Scratch { overlay, best, .. }) = (spans[span], scratch);
            overlay.candidates.start(filters);
            overlay.touched.clear();
            overlay.touched.extend(touched.iter().copied().filter(|&first| within(span, first)));
            overlay.cut.clone_from(cut);
            let view = ClassView { best: span.of(view.best), others: span.of(view.others), ..view };
            self.list(vrf, view, span, common, overlay, best);
            let multipath = self.multipath(vrf, sets, best, cut.as_ref(), &mut overlay.candidates);
            (best.clone(), multipath.into_vec())
        }));
        let (lists, multipath): (Vec<_>, Vec<_>) = lists.into_iter().unzip();
        particulars.multipath = multipath.concat().into();
        let (list, particulars) = (MadeList::Own(lists.concat().into()), particulars.boxed());
        Made::Alone(MadeRib { list, splices: Box::default(), imported, particulars })
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
        let (imported, mut particulars) = self.begin(vrf, view, common, overlay);
        let changes = self.compare(vrf, view, Span::ALL, common, overlay);
        if self.network.vrf(vrf).family::<A>().maximum_paths.paths > 1 {
            apply(view.best, self.packing, &overlay.changes, best);
            let (cut, candidates) = (overlay.cut.as_ref(), &mut overlay.candidates);
            particulars.multipath = self.multipath(vrf, view.sets, best, cut, candidates);
        }
        let particulars = particulars.boxed();
        // A splice takes the room of two entries of a list.
        if changes < view.best.len() {
            let splices = overlay.changes.iter().map(|change| change.splice).collect();
            return MadeRib { list: MadeList::OfClass(index), splices, imported, particulars };
        }
        self.list(vrf, view, Span::ALL, common, overlay, best);
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

/// How many VRFs that share a list one task looks at.
const MEMBERS_PER_TASK: usize = 16;

/// Does `tasks` tasks on all threads of the current rayon pool, each thread the next one as soon as it is free and with
/// one scratch for all that it does. Returns what they returned with their numbers, in no order.
fn on_all_threads<T: Send>(
    scratches: &Scratches,
    tasks: usize,
    work: impl Fn(&mut Scratch, usize) -> T + Sync,
) -> Vec<(usize, T)> {
    let next = AtomicUsize::new(0);
    let done = rayon::broadcast(|_| {
        let mut scratch = scratches.take();
        let mut done = Vec::new();
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks {
                break;
            }
            done.push((task, work(&mut scratch, task)));
        }
        scratches.give(scratch);
        done
    });
    done.into_iter().flatten().collect()
}

/// Returns what tasks returned in the order of their numbers.
fn in_order<T>(mut done: Vec<(usize, T)>) -> Vec<T> {
    done.sort_unstable_by_key(|&(task, _)| task);
    done.into_iter().map(|(_, returned)| returned).collect()
}
