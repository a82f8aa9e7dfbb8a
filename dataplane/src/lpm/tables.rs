//! [`Tables`]: the routes that a forest is built from.

use std::fmt;
use std::ops::{ControlFlow, Range};

use vrfleak_engine::{Address, Family, Prefix};

use super::table::{NO_ROUTE, TableId};

/// Yields the routes of every table, so that no caller has to hold them all in one place.
///
/// Building asks for each table at least once, in any order and from several threads of the pool that it runs in.
pub trait Tables<A: Address>: Sync {
    /// Returns the number of tables.
    fn tables(&self) -> usize;

    /// Returns the number of routes of `table`, or an estimate: the biggest tables are built first.
    fn routes_hint(&self, table: TableId) -> usize;

    /// Returns the routes of `table` in ascending order of their prefixes, each prefix once, none with [`NO_ROUTE`].
    ///
    /// Called for ids below [`Self::tables`] only.
    fn routes(&self, table: TableId) -> impl Iterator<Item = (Prefix<A>, u32)>;

    /// Gives `take` the same routes in the same order, many at a time, until it breaks off.
    ///
    /// Building asks for them in this way. What yields a route may miss the cache: in a loop that does nothing else the
    /// misses of many routes overlap.
    fn batches(&self, table: TableId, take: impl FnMut(&[(Prefix<A>, u32)]) -> ControlFlow<()>) {
        in_batches(self.routes(table), take);
    }

    /// Returns the number of routes of `table` if [`Self::batches_at`] is as fast as [`Self::batches`] is; by default it is
    /// not, and the routes of one table are gone through on one thread, however many they are.
    fn positions(&self, _table: TableId) -> Option<usize> {
        None
    }

    /// Gives `take` those of the routes of `table` that have these `positions` among them, as [`Self::batches`] does.
    ///
    /// Called for positions below [`Self::positions`] only, and for those of one table from several threads.
    fn batches_at(
        &self,
        table: TableId,
        positions: Range<usize>,
        take: impl FnMut(&[(Prefix<A>, u32)]) -> ControlFlow<()>,
    ) {
        in_batches(self.routes(table).skip(positions.start).take(positions.len()), take);
    }
}

/// Gives `take` the routes, many at a time, until it breaks off.
fn in_batches<A: Address>(
    mut routes: impl Iterator<Item = (Prefix<A>, u32)>,
    mut take: impl FnMut(&[(Prefix<A>, u32)]) -> ControlFlow<()>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        batch.clear();
        batch.extend(routes.by_ref().take(BATCH));
        if batch.is_empty() || take(&batch).is_break() {
            return;
        }
    }
}

/// One list of routes a table.
impl<A: Address, T: AsRef<[(Prefix<A>, u32)]> + Sync> Tables<A> for [T] {
    fn tables(&self) -> usize {
        self.len()
    }

    fn routes_hint(&self, table: TableId) -> usize {
        self[table.index()].as_ref().len()
    }

    fn routes(&self, table: TableId) -> impl Iterator<Item = (Prefix<A>, u32)> {
        self[table.index()].as_ref().iter().copied()
    }

    fn positions(&self, table: TableId) -> Option<usize> {
        Some(self[table.index()].as_ref().len())
    }

    fn batches_at(
        &self,
        table: TableId,
        positions: Range<usize>,
        mut take: impl FnMut(&[(Prefix<A>, u32)]) -> ControlFlow<()>,
    ) {
        let mut batches = self[table.index()].as_ref()[positions].chunks(BATCH);
        let _ = batches.try_for_each(&mut take);
    }
}

/// Why a forest could not be built or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// A table's routes do not ascend strictly, so that one is out of order or there twice.
    Unordered {
        /// The table.
        table: TableId,
        /// The prefix that is not greater than the one before it.
        prefix: String,
        /// The prefix before it.
        after: String,
    },
    /// A route has the value [`NO_ROUTE`].
    ReservedValue {
        /// The table.
        table: TableId,
        /// The route's prefix.
        prefix: String,
    },
    /// A change is about a table that the forest does not have.
    NoTable {
        /// The table.
        table: TableId,
        /// How many tables there are.
        tables: usize,
    },
    /// The prefix that a removed one leaves behind is not around it.
    LongCover {
        /// The removed prefix.
        prefix: String,
        /// The length of the other.
        cover: u8,
    },
    /// The forest would exceed what its 32-bit offsets reach.
    TooBig {
        /// The family.
        family: Family,
        /// What there is too much of.
        what: &'static str,
        /// How much there would be.
        count: u64,
        /// How much there may be.
        limit: u64,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unordered { table, prefix, after } => {
                write!(f, "table {}: `{prefix}` comes after `{after}`, expected strictly ascending prefixes", table.0)
            }
            Self::ReservedValue { table, prefix } => {
                write!(f, "table {}: `{prefix}` has the value {NO_ROUTE}, which means no route", table.0)
            }
            Self::NoTable { table, tables } => write!(f, "no table {}, expected one below {tables}", table.0),
            Self::LongCover { prefix, cover } => {
                write!(f, "a cover of length {cover} for `{prefix}`, expected a shorter prefix")
            }
            Self::TooBig { family, what, count, limit } => {
                write!(f, "the {family} tables need `{count}` {what}, expected at most {limit}")
            }
        }
    }
}

impl std::error::Error for BuildError {}

/// Routes of a batch.
pub(crate) const BATCH: usize = 128;

/// What holds the routes of a table to the promise of [`Tables::routes`].
#[derive(Debug)]
pub(super) struct Order<A: Address> {
    table: TableId,
    last: Option<Prefix<A>>,
}

impl<A: Address> Order<A> {
    /// Begins with the routes of `table`.
    pub(super) fn new(table: TableId) -> Self {
        Self::after(table, None)
    }

    /// Begins with routes of `table` that come after those of which `last` is the last one.
    pub(super) fn after(table: TableId, last: Option<Prefix<A>>) -> Self {
        Self { table, last }
    }

    /// Takes the next routes.
    ///
    /// # Errors
    /// Returns the first breach.
    #[expect(
        clippy::needless_bitwise_bool,
        reason = "without a way out of the loop a processor sees many routes at once"
    )]
    pub(super) fn check(&mut self, routes: &[(Prefix<A>, u32)]) -> Result<(), BuildError> {
        let Some(&(last, _)) = routes.last() else { return Ok(()) };
        let ascend = if A::BITS == 32 {
            // One number a prefix: half the instructions of two comparisons.
            let number = |prefix: Prefix<A>| (prefix.bits().widen() as u64) << 8 | u64::from(prefix.len());
            let mut before = number(routes[0].0);
            routes[1..].iter().fold(true, |ascend, &(prefix, _)| {
                let number = number(prefix);
                ascend & (std::mem::replace(&mut before, number) < number)
            })
        } else {
            routes.windows(2).fold(true, |ascend, pair| ascend & (pair[0].0 < pair[1].0))
        };
        let free = routes.iter().fold(true, |free, &(_, value)| free & (value != NO_ROUTE));
        if !ascend || !free || self.last.is_some_and(|last| last >= routes[0].0) {
            return routes.iter().try_for_each(|&(prefix, value)| self.check_one(prefix, value));
        }
        self.last = Some(last);
        Ok(())
    }

    fn check_one(&mut self, prefix: Prefix<A>, value: u32) -> Result<(), BuildError> {
        if let Some(last) = self.last.filter(|&last| last >= prefix) {
            let (prefix, after) = (prefix.to_string(), last.to_string());
            return Err(BuildError::Unordered { table: self.table, prefix, after });
        }
        if value == NO_ROUTE {
            return Err(BuildError::ReservedValue { table: self.table, prefix: prefix.to_string() });
        }
        self.last = Some(prefix);
        Ok(())
    }
}

/// Passes routes on one by one while they keep the promise of [`Tables::routes`], and remembers the first breach.
#[derive(Debug)]
pub(super) struct Checked<I, A: Address> {
    routes: I,
    order: Order<A>,
    error: Option<BuildError>,
}

impl<A: Address, I: Iterator<Item = (Prefix<A>, u32)>> Checked<I, A> {
    /// Wraps the routes of `table`.
    pub(super) fn new(table: TableId, routes: I) -> Self {
        Self { routes, order: Order::new(table), error: None }
    }

    /// Returns the breach that ended the iteration early, if there was one.
    ///
    /// # Errors
    /// Returns that breach.
    pub(super) fn finish(self) -> Result<(), BuildError> {
        self.error.map_or(Ok(()), Err)
    }
}

impl<A: Address, I: Iterator<Item = (Prefix<A>, u32)>> Iterator for Checked<I, A> {
    type Item = (Prefix<A>, u32);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.error.is_some() {
            return None;
        }
        let (prefix, value) = self.routes.next()?;
        self.error = self.order.check_one(prefix, value).err();
        self.error.is_none().then_some((prefix, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table that can only be gone through.
    struct Stream(Vec<(Prefix<u32>, u32)>);

    impl Tables<u32> for Stream {
        fn tables(&self) -> usize {
            1
        }

        fn routes_hint(&self, _table: TableId) -> usize {
            self.0.len()
        }

        fn routes(&self, _table: TableId) -> impl Iterator<Item = (Prefix<u32>, u32)> {
            self.0.iter().copied()
        }
    }

    fn at<T: Tables<u32> + ?Sized>(tables: &T, positions: Range<usize>, most: usize) -> Vec<(Prefix<u32>, u32)> {
        let mut all = Vec::new();
        tables.batches_at(TableId(0), positions, |routes| {
            all.extend_from_slice(routes);
            if all.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        all
    }

    #[test]
    fn positions_are_those_among_all_routes() {
        let routes: Vec<_> = (0..1000_u32).map(|at| (Prefix::containing(at << 8, 24), at)).collect();
        let (stream, lists) = (Stream(routes.clone()), [routes.clone()]);
        assert_eq!((stream.positions(TableId(0)), lists[..].positions(TableId(0))), (None, Some(1000)));
        for positions in [0..0, 0..1000, 0..1, 7..130, 128..256, 999..1000, 1000..1000] {
            assert_eq!(at(&stream, positions.clone(), usize::MAX), routes[positions.clone()]);
            assert_eq!(at(&lists[..], positions.clone(), usize::MAX), routes[positions]);
        }
        assert_eq!(at(&stream, 5..900, 1), routes[5..5 + BATCH]);
        assert_eq!(at(&lists[..], 5..900, 1), routes[5..5 + BATCH]);
    }
}
