//! Batches in runs of a thousand keys, for walks whose every load is a gather.
//!
//! All vectors of a run walk as many levels below the first node, idle lanes in place: a branch on a key that is foretold
//! wrongly waits for all loads before it. The keys that have further to go are noted and walked once more after the run; how
//! many levels those are follows from the run before.

use std::arch::x86_64::{
    _mm256_storeu_si256, _mm512_add_epi32, _mm512_cvtepi32_epi16, _mm512_maskz_compress_epi32, _mm512_set1_epi32,
    _mm512_setr_epi32,
};

use vrfleak_engine::Address;

use super::super::table::TableId;
use super::columns::prefetch_ahead;
use super::vectors::VECTOR;

/// Keys of a batch that are walked before those of them that are left.
pub(super) const RUN: usize = 1024;

/// Keys of which a number has a bit each.
const WORD: usize = 64;

/// Keys of a run that go on at a child when vectors stop, by their place.
#[derive(Clone, Copy)]
pub(super) struct Left {
    places: [u16; RUN + VECTOR],
    count: usize,
}

impl Left {
    /// Returns none.
    pub(super) fn none() -> Self {
        Self { places: [0; RUN + VECTOR], count: 0 }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// Returns their places, which are below [`RUN`].
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.places[..self.count.min(RUN)].iter().map(|&place| usize::from(place) % RUN)
    }

    /// Turns places among those of `all` into the places that those are, and forgets what is behind them.
    fn are_among(&mut self, all: &Self) {
        let mut count = 0;
        for index in 0..self.count.min(RUN) {
            let among = usize::from(self.places[index]);
            if among < all.count {
                self.places[count] = all.places[among % RUN];
                count += 1;
            }
        }
        self.count = count;
    }

    /// Appends those keys that are in masks, a bit a key.
    fn push_all(&mut self, masks: &[u64]) {
        for (word, &mask) in masks.iter().enumerate() {
            let mut mask = mask;
            while mask != 0 {
                self.places[self.count.min(RUN)] = (word * WORD) as u16 + mask.trailing_zeros() as u16;
                self.count += 1;
                mask &= mask - 1;
            }
        }
    }

    /// Appends those of the sixteen keys from `from` on that are in `mask`; nothing depends on whether there are any.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    pub(super) fn push(&mut self, from: usize, mask: u16) {
        let ids = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let ids = _mm512_add_epi32(ids, _mm512_set1_epi32((from as u32).cast_signed()));
        let found = _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(mask, ids));
        let to = self.places[self.count.min(RUN)..].as_mut_ptr();
        // SAFETY: there is room for a vector of places behind the last that may be.
        unsafe { _mm256_storeu_si256(to.cast(), found) };
        self.count += mask.count_ones() as usize;
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
    let Some(&table) = tables.first() else { return };
    let mut left = Left::none();
    let (mut left_tables, mut left_keys, mut left_values) = ([table; RUN], [A::ZERO; RUN], [0; RUN]);
    for (index, (keys, values)) in keys.chunks(RUN).zip(values.chunks_mut(RUN)).enumerate() {
        let tables = if W::ONE { tables } else { &tables[index * RUN..][..keys.len()] };
        // SAFETY: the caller's promise.
        let entered = unsafe { run::<A, W, VECTORS>(walk, (depth.levels, &mut left), tables, keys, values) };
        depth.judge(keys.len(), entered, left.count);
        let table_of = |place: usize| tables[if W::ONE { 0 } else { place }];
        // Once more a level further, then as deep as vectors can, as long as there are vectors of them.
        for levels in [depth.levels + 1, depth.most] {
            if left.count < FEW || levels > depth.most {
                break;
            }
            let all = left;
            for ((table, key), place) in left_tables.iter_mut().zip(&mut left_keys).zip(all.places()) {
                (*table, *key) = (table_of(place), keys[place]);
            }
            // The last group is filled by whatever is there: vectors of one group wait for their loads together.
            let count = all.count.next_multiple_of(VECTORS * VECTOR).min(RUN);
            let (again, found) = (&left_keys[..count], &mut left_values[..count]);
            // SAFETY: as above; what fills the last vector are tables of the batch, too.
            unsafe { run::<A, W, VECTORS>(walk, (levels, &mut left), &left_tables[..count], again, found) };
            for (place, &value) in all.places().zip(&left_values) {
                values[place] = value;
            }
            left.are_among(&all);
        }
        for place in left.places() {
            // SAFETY: as above.
            values[place] = unsafe { walk.one(table_of(place), keys[place]) };
        }
    }
}

/// Walks at most [`RUN`] keys, `levels` levels deep; what is left is in `left` afterwards, but for keys that fill no vector,
/// which are done. Returns how many entered the last level.
///
/// # Safety
/// As [`batch`], and the last level is one that vectors have bits for.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vpopcntdq,bmi1,bmi2,popcnt")]
unsafe fn run<A: Address, W: Walk<A>, const VECTORS: usize>(
    walk: W,
    (levels, left): (u32, &mut Left),
    tables: &[TableId],
    keys: &[A],
    values: &mut [u32],
) -> usize {
    let tables_from = |place: usize| if W::ONE { tables } else { &tables[place..] };
    left.clear();
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
    left.push_all(&masks[..done / WORD]);
    let (keys, values) = (&keys[done..], &mut values[done..]);
    for (keys, values) in keys.as_chunks::<VECTOR>().0.iter().zip(values.as_chunks_mut::<VECTOR>().0) {
        let mut mask = [0];
        // SAFETY: as above.
        entered += unsafe { walk.group::<1>(levels, tables_from(done), (keys, values), &mut mask) };
        left.push(done, mask[0] as u16);
        done += VECTOR;
    }
    let rest = keys.as_chunks::<VECTOR>().1.iter().zip(values.as_chunks_mut::<VECTOR>().1);
    for (&key, value) in rest {
        // SAFETY: as above.
        *value = unsafe { walk.one(tables[if W::ONE { 0 } else { done }], key) };
        done += 1;
    }
    entered
}
