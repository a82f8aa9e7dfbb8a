//! [`Contender`]: one forwarding table in the race, and [`Engine`], what an implementation has to say to become one.
//!
//! An [`Engine`] takes keys in a form of its own, so that bringing them into it stays outside the clock, and writes
//! answers in a form of its own, so that nobody pays for another's types. [`Racer`] makes a [`Contender`] of it: the loops
//! that are timed are compiled for each engine and the same for all.

use std::hint::black_box;
use std::ops::Range;

use vrfleak_dataplane::lpm::TableId;
use vrfleak_engine::{Address, Prefix};

use super::traffic::Traffic;

/// A structure with all tables of a family, as its authors want it used.
pub(crate) trait Engine<A: Address>: Send + Sync {
    /// A key in the structure's own form.
    type Key: Copy + Send + Sync;
    /// An answer in the structure's own form.
    type Value: Copy + Default + Send;
    /// Whether there is a call for a whole batch.
    const BATCHES: bool;

    /// Brings a key into the structure's form.
    fn key(&self, table: TableId, key: A) -> Self::Key;

    /// Looks keys up in the only table; never called where there are several. One by one where there is no call for more. What also tells
    /// the lengths of matched prefixes makes `lens` those; else it stays empty.
    #[inline]
    fn batch(&self, keys: &[Self::Key], values: &mut [Self::Value], _lens: &mut Vec<u8>) {
        for (value, &key) in values.iter_mut().zip(keys) {
            *value = self.single(TableId(0), key);
        }
    }

    /// Looks each key up in the table at its position, likewise.
    #[inline]
    fn mixed(&self, tables: &[TableId], keys: &[Self::Key], values: &mut [Self::Value], _lens: &mut Vec<u8>) {
        for ((value, &table), &key) in values.iter_mut().zip(tables).zip(keys) {
            *value = self.single(table, key);
        }
    }

    /// Looks up one key.
    fn single(&self, table: TableId, key: Self::Key) -> Self::Value;

    /// Returns the answer as the next hop's number, or [`NO_ROUTE`](vrfleak_dataplane::lpm::NO_ROUTE).
    fn next_hop(&self, value: Self::Value) -> u32;

    /// Returns `key`, whatever `nothing` is, which is 0: the compiler does not know, so that the key waits for it.
    fn after(&self, key: Self::Key, nothing: u32) -> Self::Key;

    /// Returns the bytes that lookups read, `None` where nobody can tell.
    fn bytes(&self) -> Option<usize>;

    /// Returns what is to be known beside the figures.
    fn remark(&self) -> Option<String> {
        None
    }

    /// Gives `prefix` a next hop, or takes its route away; returns whether that can be done at all.
    fn change(&mut self, _table: TableId, _prefix: Prefix<A>, _next_hop: Option<u32>) -> bool {
        false
    }
}

/// An [`Engine`] of whatever kind.
pub(crate) trait Contender<A: Address>: Send + Sync {
    /// Returns whether there is a call for a whole batch; if not, keys go one by one whatever the batch.
    fn batches(&self) -> bool;

    /// As [`Engine::bytes`].
    fn bytes(&self) -> Option<usize>;

    /// As [`Engine::remark`].
    fn remark(&self) -> Option<String>;

    /// As [`Engine::change`].
    fn change(&mut self, table: TableId, prefix: Prefix<A>, next_hop: Option<u32>) -> bool;

    /// Takes the keys of `traffic` in, outside the clock.
    fn prepare<'a>(&'a self, traffic: &'a Traffic<A>) -> Box<dyn Prepared + 'a>;
}

/// A contender with the keys that it is about to look up.
pub(crate) trait Prepared: Sync {
    /// Returns the next hop of every key, looked up in batches of `batch`, and the lengths of the matched prefixes, or nothing where the
    /// contender does not tell them.
    fn answers(&self, batch: usize) -> (Vec<u32>, Vec<u8>);

    /// Returns what looks keys up in batches of `batch`, with a buffer of its own.
    fn runner(&self, batch: usize) -> Box<dyn Runner + '_>;

    /// Looks the keys of `range` up one after the other, each when the one before has its answer; returns the sum of the
    /// next hops.
    fn dependent(&self, range: Range<usize>) -> u32;
}

/// Looks keys up while the clock runs.
pub(crate) trait Runner {
    /// Looks the keys of `range` up and returns the sum of each batch's last next hop.
    fn run(&mut self, range: Range<usize>) -> u32;
}

/// An engine in the race.
pub(crate) struct Racer<E>(pub(crate) E);

impl<A: Address, E: Engine<A>> Contender<A> for Racer<E> {
    fn batches(&self) -> bool {
        E::BATCHES
    }

    fn bytes(&self) -> Option<usize> {
        self.0.bytes()
    }

    fn remark(&self) -> Option<String> {
        self.0.remark()
    }

    fn change(&mut self, table: TableId, prefix: Prefix<A>, next_hop: Option<u32>) -> bool {
        self.0.change(table, prefix, next_hop)
    }

    fn prepare<'a>(&'a self, traffic: &'a Traffic<A>) -> Box<dyn Prepared + 'a> {
        let keys = traffic.pairs().map(|(table, key)| self.0.key(table, key)).collect();
        Box::new(Lane::<A, E> { engine: &self.0, tables: traffic.tables.as_deref(), keys })
    }
}

struct Lane<'a, A: Address, E: Engine<A>> {
    engine: &'a E,
    tables: Option<&'a [TableId]>,
    keys: Vec<E::Key>,
}

impl<A: Address, E: Engine<A>> Lane<'_, A, E> {
    fn look_up(&self, range: Range<usize>, values: &mut [E::Value], lens: &mut Vec<u8>) {
        let keys = &self.keys[range.clone()];
        match self.tables {
            None => self.engine.batch(keys, values, lens),
            Some(tables) => self.engine.mixed(&tables[range], keys, values, lens),
        }
    }

    fn table(&self, at: usize) -> TableId {
        self.tables.map_or(TableId(0), |tables| tables[at])
    }
}

impl<A: Address, E: Engine<A>> Prepared for Lane<'_, A, E> {
    fn answers(&self, batch: usize) -> (Vec<u32>, Vec<u8>) {
        let (mut answers, mut lens) = (Vec::with_capacity(self.keys.len()), Vec::new());
        let mut told = Vec::new();
        let mut values = vec![E::Value::default(); batch.min(self.keys.len())];
        for range in batches(0..self.keys.len(), batch) {
            let values = &mut values[..range.len()];
            self.look_up(range, values, &mut told);
            answers.extend(values.iter().map(|&value| self.engine.next_hop(value)));
            lens.extend_from_slice(&told);
        }
        (answers, lens)
    }

    fn runner(&self, batch: usize) -> Box<dyn Runner + '_> {
        let values = vec![E::Value::default(); batch.min(self.keys.len())];
        Box::new(Run { lane: self, batch, values, lens: Vec::new() })
    }

    fn dependent(&self, range: Range<usize>) -> u32 {
        let nothing = black_box(0);
        let (mut last, mut sum) = (0, 0_u32);
        for at in range {
            let key = self.engine.after(self.keys[at], last & nothing);
            last = self.engine.next_hop(self.engine.single(self.table(at), key));
            sum = sum.wrapping_add(last);
        }
        sum
    }
}

struct Run<'a, A: Address, E: Engine<A>> {
    lane: &'a Lane<'a, A, E>,
    batch: usize,
    values: Vec<E::Value>,
    lens: Vec<u8>,
}

impl<A: Address, E: Engine<A>> Runner for Run<'_, A, E> {
    fn run(&mut self, range: Range<usize>) -> u32 {
        let mut sum = 0_u32;
        for range in batches(range, self.batch) {
            let values = &mut self.values[..range.len()];
            self.lane.look_up(range, values, &mut self.lens);
            let last = black_box(&*values).last().copied();
            sum = sum.wrapping_add(last.map_or(0, |value| self.lane.engine.next_hop(value)));
        }
        sum
    }
}

/// Returns `range` cut into ranges of `batch`, the last one shorter.
pub(crate) fn batches(range: Range<usize>, batch: usize) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range.step_by(batch.max(1)).map(move |start| start..(start + batch.max(1)).min(end))
}
