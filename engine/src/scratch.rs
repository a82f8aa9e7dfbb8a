//! [`Scratch`]: what one thread reuses from VRF to VRF; [`on_all_threads`]: tasks that are done with one.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::class::Chooser;
use crate::id::RouteId;
use crate::overlay::Overlay;
use crate::rib_lists::Shelf;

/// What one thread reuses from VRF to VRF, and where it keeps its lists.
pub(crate) struct Scratch {
    pub(crate) chooser: Chooser,
    pub(crate) overlay: Overlay,
    pub(crate) best: Vec<RouteId>,
    pub(crate) shelf: Shelf,
}

/// The scratches that no thread uses now, and how many there are in all.
#[derive(Default)]
pub(crate) struct Scratches {
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
    pub(crate) fn shelves(self) -> Vec<Shelf> {
        let scratches = self.spare.into_inner().expect("no thread panics while it holds the lock");
        scratches.into_iter().map(|scratch| scratch.shelf).collect()
    }
}

/// Does `tasks` tasks on all threads of the current rayon pool, each thread the next one as soon as it is free and with
/// one scratch for all that it does. Returns what they returned with their numbers, in no order.
pub(crate) fn on_all_threads<T: Send>(
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
pub(crate) fn in_order<T>(mut done: Vec<(usize, T)>) -> Vec<T> {
    done.sort_unstable_by_key(|&(task, _)| task);
    done.into_iter().map(|(_, returned)| returned).collect()
}
