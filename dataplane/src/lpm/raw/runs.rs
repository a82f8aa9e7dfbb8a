//! Batches in runs of a thousand keys, for walks whose every load is a gather.
//!
//! All vectors of a run walk as many levels below the first node, idle lanes in place: a branch on a key that is foretold
//! wrongly waits for all loads before it. The keys that have further to go are noted and walked once more at the end; how
//! many levels those are follows from the run before.

use vrfleak_engine::Address;

use super::super::table::TableId;
use super::columns::prefetch_ahead;
use super::vectors::VECTOR;

/// Keys of a batch that are walked equally deep.
pub(super) const RUN: usize = 1024;

/// Keys of which a number has a bit each.
const WORD: usize = 64;

/// Which keys of a run are not done, a bit a key.
type Masks = [u64; RUN / WORD];

/// Keys of a batch whose places are told from the first of them on.
const WINDOW: usize = 1 << 15;

/// Keys that are left of a window, which are walked once more before there are more.
const MOST_LEFT: usize = 2 * RUN;

/// Keys that are left and walked once more together.
const AGAIN: usize = 256;

/// Calls `each` with the places of all bits that are set.
#[inline]
fn for_each_bit(masks: &Masks, mut each: impl FnMut(usize)) {
    for (word, &mask) in masks.iter().enumerate() {
        let mut mask = mask;
        while mask != 0 {
            each(word * WORD + mask.trailing_zeros() as usize);
            mask &= mask - 1;
        }
    }
}

/// Keys of a window that go on at a child when vectors stop, by their place.
struct Left {
    places: [u16; MOST_LEFT],
    count: usize,
    /// The most levels that any of them has been walked.
    levels: u32,
}

impl Left {
    /// Appends those keys of a run that are in its masks, and returns how many those are; the run begins at the place `from` and
    /// was walked so many levels.
    fn push(&mut self, from: usize, masks: &Masks, levels: u32) -> usize {
        let before = self.count;
        for_each_bit(masks, |place| {
            self.places[self.count % MOST_LEFT] = (from + place) as u16;
            self.count += 1;
        });
        self.levels = self.levels.max(levels);
        self.count - before
    }

    /// Returns whether another run might leave more than there is room for.
    fn is_full(&self) -> bool {
        self.count + RUN > MOST_LEFT
    }

    /// Returns the places, and forgets them.
    fn take(&mut self) -> &[u16] {
        &self.places[..std::mem::take(&mut self.count).min(MOST_LEFT)]
    }
}

/// How deep vectors walk: so deep that few keys are left, judged by the run before.
#[derive(Clone, Copy)]
pub(super) struct Depth {
    /// Levels of nodes below the first.
    pub(super) levels: u32,
    /// The most that there may be, since vectors have so many bits of keys.
    pub(super) most: u32,
}

impl Depth {
    /// Takes in how many of `keys` keys entered the last level, and how many are left.
    fn judge(&mut self, keys: usize, entered: usize, left: usize) {
        if left * LEFT > keys && self.levels < self.most {
            self.levels += 1;
        } else if self.levels > 0 && entered * LEFT * 2 < keys {
            self.levels -= 1;
        }
    }
}

/// One key in so many may be left for a second walk: those of a level that all walk idly cost as much.
const LEFT: usize = 8;

/// Keys that are left from which on they are walked in vectors once more, not one by one: a level more or less of a walk
/// alone is foretold wrongly.
const FEW: usize = 12;

/// Walks a group by the walk for its number of levels, at most `$most`, which is 4 or more; a vector by itself is not worth one for each.
macro_rules! by_levels {
    ($walk:expr, $vectors:ident, $most:literal, $levels:expr, $tables:expr, $lanes:expr, $left:expr) => {{
        let levels = if $vectors == 1 { u32::MAX } else { $levels };
        match levels {
            // SAFETY: the caller's promise.
            0 => unsafe { $walk.group_in::<A, $vectors, 0>($tables, $lanes, $left) },
            // SAFETY: as above.
            1 => unsafe { $walk.group_in::<A, $vectors, 1>($tables, $lanes, $left) },
            // SAFETY: as above.
            2 => unsafe { $walk.group_in::<A, $vectors, 2>($tables, $lanes, $left) },
            // SAFETY: as above.
            3 => unsafe { $walk.group_in::<A, $vectors, 3>($tables, $lanes, $left) },
            // SAFETY: as above.
            4 => unsafe { $walk.group_in::<A, $vectors, 4>($tables, $lanes, $left) },
            // SAFETY: as above.
            _ => unsafe { $walk.group_in::<A, $vectors, $most>($tables, $lanes, $left) },
        }
    }};
}
pub(super) use by_levels;

/// A walk through tables of one kind.
pub(super) trait Walk<A: Address>: Copy {
    /// Whether all keys go through the first of the tables.
    const ONE: bool;

    /// Walks as many keys as `VECTORS` vectors have, `levels` levels below the first node. Writes which are not done then, a
    /// bit a key, and returns how many entered the last level, if that is not the first.
    ///
    /// # Safety
    /// The processor has the features of [`batch`], and the tables are such as the walk is for. Keys and values are as many as
    /// the vectors have lanes, and tables unless [`Self::ONE`]. There are no more levels than the walk's [`Depth`] may have.
    unsafe fn group<const VECTORS: usize>(
        self,
        levels: u32,
        tables: &[TableId],
        lanes: (&[A], &mut [u32]),
        left: &mut [u64],
    ) -> usize;

    /// Returns the value of one key.
    ///
    /// # Safety
    /// The table is such as the walk is for.
    unsafe fn one(self, table: TableId, key: A) -> u32;
}

/// Walks all `keys`, `VECTORS` vectors together: each through the table at the same position, or all through the first.
///
/// What is known of as many vectors has to fit the registers: stores to the stack get into the way of gathers, whose loads are compared
/// with all stores under way by the last bits of their addresses.
///
/// # Safety
/// The tables are such as the walk is for, as deep as `depth` says. There is a value a key, and a table a key unless all go
/// through the first.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
pub(super) unsafe fn batch<A: Address, W: Walk<A>, const VECTORS: usize>(
    walk: W,
    mut depth: Depth,
    tables: &[TableId],
    keys: &[A],
    values: &mut [u32],
) {
    let mut left = Left { places: [0; MOST_LEFT], count: 0, levels: 0 };
    for (index, (keys, values)) in keys.chunks(WINDOW).zip(values.chunks_mut(WINDOW)).enumerate() {
        let tables = if W::ONE { tables } else { &tables[index * WINDOW..][..keys.len()] };
        for from in (0..keys.len()).step_by(RUN) {
            let to = keys.len().min(from + RUN);
            let of_run = if W::ONE { tables } else { &tables[from..to] };
            let lanes = (&keys[from..to], &mut values[from..to]);
            // SAFETY: the caller's promise.
            let (entered, masks) = unsafe { run::<A, W, VECTORS>(walk, depth.levels, of_run, lanes) };
            let not_done = left.push(from, &masks, depth.levels);
            depth.judge(to - from, entered, not_done);
            // Those of all runs together: few of them fill no vector, and one alone waits for every load.
            if left.is_full() || to == keys.len() {
                let levels = left.levels + 1;
                for places in left.take().chunks(AGAIN) {
                    // SAFETY: as above.
                    unsafe { again::<A, W, VECTORS>(walk, (levels, depth.most), places, tables, (keys, values)) };
                }
                left.levels = 0;
            }
        }
    }
}

/// Walks the keys at these places, at most [`AGAIN`], once more from the beginning: first `levels` levels, then as deep as vectors can,
/// as long as there are vectors of them.
///
/// # Safety
/// As [`batch`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
unsafe fn again<A: Address, W: Walk<A>, const VECTORS: usize>(
    walk: W,
    (levels, most): (u32, u32),
    places: &[u16],
    tables: &[TableId],
    (keys, values): (&[A], &mut [u32]),
) {
    let table_of = |place: u16| tables[if W::ONE { 0 } else { usize::from(place) }];
    let (mut left, mut count) = ([0; AGAIN], places.len());
    left[..count].copy_from_slice(places);
    for levels in [levels, most] {
        if count < FEW || levels > most {
            break;
        }
        let (mut of_left, mut left_keys, mut found) = ([table_of(left[0]); AGAIN], [A::ZERO; AGAIN], [0; AGAIN]);
        for ((table, key), &place) in of_left.iter_mut().zip(&mut left_keys).zip(&left[..count]) {
            (*table, *key) = (table_of(place), keys[usize::from(place)]);
        }
        // The last vector is filled by whatever is there.
        let filled = count.next_multiple_of(VECTOR);
        let lanes = (&left_keys[..filled], &mut found[..filled]);
        // SAFETY: as above; what fills the last vector are tables of the batch, too.
        let (_, masks) = unsafe { run::<A, W, VECTORS>(walk, levels, &of_left[..filled], lanes) };
        for (&place, &value) in left[..count].iter().zip(&found) {
            values[usize::from(place)] = value;
        }
        let all = std::mem::take(&mut count);
        for_each_bit(&masks, |index| {
            if index < all {
                left[count] = left[index];
                count += 1;
            }
        });
    }
    for &place in &left[..count] {
        // SAFETY: as above.
        values[usize::from(place)] = unsafe { walk.one(table_of(place), keys[usize::from(place)]) };
    }
}

/// Walks at most [`RUN`] keys, `levels` levels deep. Returns how many entered the last level, and which are not done; keys that
/// fill no vector are.
///
/// # Safety
/// As [`batch`], and the last level is one that vectors have bits for.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
unsafe fn run<A: Address, W: Walk<A>, const VECTORS: usize>(
    walk: W,
    levels: u32,
    tables: &[TableId],
    (keys, values): (&[A], &mut [u32]),
) -> (usize, Masks) {
    let tables_from = |place: usize| if W::ONE { tables } else { &tables[place..] };
    let (mut entered, mut done) = (0, 0);
    // Taken to pieces when all groups are walked: a store of many bytes would get into the way of the next group's loads.
    let mut masks = [0; RUN / WORD];
    let group = VECTORS * VECTOR;
    let groups = keys.chunks_exact(group).zip(values.chunks_exact_mut(group));
    for ((keys, values), masks) in groups.zip(masks.chunks_mut(group / WORD)) {
        if !W::ONE {
            prefetch_ahead(&tables_from(done)[..group]);
        }
        prefetch_ahead(keys);
        prefetch_ahead(values);
        // SAFETY: the caller's promise.
        entered += unsafe { walk.group::<VECTORS>(levels, tables_from(done), (keys, values), masks) };
        done += group;
    }
    let (keys, values) = (&keys[done..], &mut values[done..]);
    for (keys, values) in keys.as_chunks::<VECTOR>().0.iter().zip(values.as_chunks_mut::<VECTOR>().0) {
        let mut mask = [0];
        // SAFETY: as above.
        entered += unsafe { walk.group::<1>(levels, tables_from(done), (keys, values), &mut mask) };
        masks[done / WORD] |= mask[0] << (done % WORD);
        done += VECTOR;
    }
    let rest = keys.as_chunks::<VECTOR>().1.iter().zip(values.as_chunks_mut::<VECTOR>().1);
    for (&key, value) in rest {
        // SAFETY: as above.
        *value = unsafe { walk.one(tables[if W::ONE { 0 } else { done }], key) };
        done += 1;
    }
    (entered, masks)
}
