//! [`Layout`]: which tables the FIBs of a family are, and what is in each.

use std::cmp::Reverse;
use std::ops::{ControlFlow, Range};

use either::Either;
use rayon::prelude::*;
use vrfleak_engine::{Address, FamilyLeak, ListId, Prefix, Rib, RouteId, VrfId};

use crate::fib::NO_OVERLAY;
use crate::lpm::{BATCH, TableId, Tables};
use crate::rows::{Rows, are_scattered};

/// Rows that are asked for at a time, while as many others are read.
const UNDER_WAY: usize = 16;

/// How far ahead of their use rows are asked for. They go to the second cache, which waits for more lines at a time than the first:
/// with those on their way there, and sixteen handed on at a time in place of a batch, installing took a tenth longer (Xeon).
const AHEAD: usize = 4 * UNDER_WAY;

/// Which table each VRF looks into, and which overlay before it.
pub(crate) struct Layout<'a, A> {
    pub(crate) tables: RibTables<'a, A>,
    pub(crate) table_of: Box<[TableId]>,
    /// [`NO_OVERLAY`] where the table is all that there is.
    pub(crate) overlay_of: Box<[TableId]>,
}

/// The tables as a forest wants them: all but the overlays read from the routes while it builds, never written down.
pub(crate) struct RibTables<'a, A> {
    leak: &'a FamilyLeak<A>,
    contents: Vec<Content>,
    rows: Option<Rows>,
}

/// What a table is made of.
enum Content {
    /// A list of best routes, without splices.
    List(ListId),
    /// All of one VRF: its list and its splices.
    Vrf(VrfId),
    /// What one VRF has otherwise than the list, and what of the list is inside that.
    Overlay(Box<[RouteId]>),
}

impl<'a, A: Address> Layout<'a, A> {
    /// Gives every list a table, and every VRF with splices an overlay, or a table of its own where an overlay would
    /// be half as large as that or could not say that a route is missing. O(splices + entries of overlays).
    pub(crate) fn new(leak: &'a FamilyLeak<A>) -> Self {
        let vrfs = leak.ribs().iter().len();
        let own: Vec<Option<Content>> = (0..vrfs)
            .into_par_iter()
            .map(|vrf| {
                let vrf = VrfId::from_index(vrf);
                let rib = leak.rib(vrf);
                (!rib.splices().is_empty()).then(|| overlay(leak, rib).map_or(Content::Vrf(vrf), Content::Overlay))
            })
            .collect();
        let mut list_is_used = vec![false; leak.ribs().lists()];
        for (vrf, own) in own.iter().enumerate() {
            if !matches!(own, Some(Content::Vrf(_))) {
                list_is_used[leak.ribs().list_of(VrfId::from_index(vrf)).index()] = true;
            }
        }
        let used = list_is_used.iter().enumerate().filter(|&(_, &used)| used);
        let lists = used.map(|(list, _)| (None, Content::List(ListId::from_index(list))));
        let own = own.into_iter().enumerate().filter_map(|(vrf, own)| Some((Some(vrf), own?)));
        let mut tables: Vec<(Option<usize>, Content)> = lists.chain(own).collect();
        // Numbered from the biggest on, so that no thread is left with a big one at the end.
        tables.sort_by_key(|(_, content)| Reverse(content.routes(leak)));

        let mut table_of_list = vec![TableId::default(); list_is_used.len()];
        let mut table_of = vec![None; vrfs];
        let mut overlay_of = vec![NO_OVERLAY; vrfs].into_boxed_slice();
        for (index, (vrf, content)) in tables.iter().enumerate() {
            let table = TableId::from_index(index);
            match (content, vrf) {
                (Content::Overlay(_), Some(vrf)) => overlay_of[*vrf] = table,
                (_, Some(vrf)) => table_of[*vrf] = Some(table),
                (&Content::List(list), None) => table_of_list[list.index()] = table,
                (_, None) => unreachable!("only lists are no VRF's own"),
            }
        }
        let shared = |vrf: usize| table_of_list[leak.ribs().list_of(VrfId::from_index(vrf)).index()];
        let table_of = table_of.into_iter().enumerate().map(|(vrf, own)| own.unwrap_or_else(|| shared(vrf))).collect();
        let contents: Vec<Content> = tables.into_iter().map(|(_, content)| content).collect();
        let scattered = contents.iter().filter(|content| content.is_scattered(leak));
        let rows = Rows::of(leak.table(), scattered.map(|content| content.routes(leak)).sum());
        Self { tables: RibTables { leak, contents, rows }, table_of, overlay_of }
    }
}

/// Returns what `rib` has otherwise than its list, with all entries inside that; `None` where a table of its own is
/// better.
fn overlay<A: Address>(leak: &FamilyLeak<A>, rib: Rib<'_>) -> Option<Box<[RouteId]>> {
    let most = rib.len() / 2;
    let mut entries: Vec<RouteId> = Vec::with_capacity(rib.splices().len().min(most));
    let mut covered: Option<Prefix<A>> = None;
    for (index, splice) in rib.splices().iter().enumerate() {
        let prefix = leak.table().prefix(splice.best()?);
        if covered.is_some_and(|covered| covered.covers(prefix)) {
            continue;
        }
        covered = Some(prefix);
        for entry in rib.iter_from(index).take_while(|&entry| prefix.covers(leak.table().prefix(entry))) {
            if entries.len() == most {
                return None;
            }
            entries.push(entry);
        }
    }
    Some(entries.into_boxed_slice())
}

impl Content {
    /// Returns the routes, where they are a slice.
    fn slice<'s, A: Address>(&'s self, leak: &'s FamilyLeak<A>) -> Option<&'s [RouteId]> {
        match self {
            Self::List(list) => Some(leak.ribs().list(*list)),
            Self::Overlay(entries) => Some(entries),
            Self::Vrf(_) => None,
        }
    }

    /// Returns whether the routes lie far apart in the columns.
    fn is_scattered<A: Address>(&self, leak: &FamilyLeak<A>) -> bool {
        match self.slice(leak) {
            Some([first, .., last]) => are_scattered(self.routes(leak), *first, *last),
            Some(_) => false,
            None => true,
        }
    }

    fn routes<A: Address>(&self, leak: &FamilyLeak<A>) -> usize {
        match self {
            Self::List(list) => leak.ribs().list(*list).len(),
            Self::Vrf(vrf) => leak.rib(*vrf).len(),
            Self::Overlay(entries) => entries.len(),
        }
    }
}

impl<A: Address> Tables<A> for RibTables<'_, A> {
    fn tables(&self) -> usize {
        self.contents.len()
    }

    fn routes_hint(&self, table: TableId) -> usize {
        self.contents[table.index()].routes(self.leak)
    }

    fn routes(&self, table: TableId) -> impl Iterator<Item = (Prefix<A>, u32)> {
        let content = &self.contents[table.index()];
        let rows = self.rows.as_ref().filter(|_| content.is_scattered(self.leak));
        let entries = match content {
            Content::Vrf(vrf) => Either::Right(self.leak.rib(*vrf).iter()),
            _ => Either::Left(content.slice(self.leak).unwrap_or_default()),
        };
        match (entries, rows) {
            (Either::Left(entries), Some(rows)) => Either::Left(Either::Left(rows.all(entries))),
            (Either::Left(entries), None) => {
                Either::Left(Either::Right(entries.iter().map(|&route| self.column(route))))
            }
            (Either::Right(entries), Some(rows)) => Either::Right(Either::Left(entries.map(|route| rows.get(route)))),
            (Either::Right(entries), None) => Either::Right(Either::Right(entries.map(|route| self.column(route)))),
        }
    }

    fn batches(&self, table: TableId, mut take: impl FnMut(&[(Prefix<A>, u32)]) -> ControlFlow<()>) {
        let content = &self.contents[table.index()];
        if let Some(entries) = content.slice(self.leak) {
            return self.slice_batches(content, entries, take);
        }
        let Content::Vrf(vrf) = content else { return };
        let mut batch = Vec::with_capacity(BATCH);
        let mut ids = self.leak.rib(*vrf).iter();
        loop {
            batch.clear();
            match &self.rows {
                Some(rows) => batch.extend(ids.by_ref().take(BATCH).map(|route| rows.get(route))),
                None => batch.extend(ids.by_ref().take(BATCH).map(|route| self.column(route))),
            }
            if batch.is_empty() || take(&batch).is_break() {
                return;
            }
        }
    }

    /// `None` for a list with splices, which only going through it counts.
    fn positions(&self, table: TableId) -> Option<usize> {
        self.contents[table.index()].slice(self.leak).map(<[RouteId]>::len)
    }

    fn batches_at(
        &self,
        table: TableId,
        positions: Range<usize>,
        take: impl FnMut(&[(Prefix<A>, u32)]) -> ControlFlow<()>,
    ) {
        let content = &self.contents[table.index()];
        let entries = content.slice(self.leak).expect("only what is a slice has positions");
        self.slice_batches(content, &entries[positions], take);
    }
}

impl<A: Address> RibTables<'_, A> {
    /// Returns prefix and next hop of `route` from the columns.
    #[inline]
    fn column(&self, route: RouteId) -> (Prefix<A>, u32) {
        let routes = self.leak.table();
        (routes.prefix(route), routes.next_hop(route).0)
    }

    /// Gives `take` these `entries` of `content`, many at a time, until it breaks off.
    fn slice_batches(
        &self,
        content: &Content,
        entries: &[RouteId],
        mut take: impl FnMut(&[(Prefix<A>, u32)]) -> ControlFlow<()>,
    ) {
        let mut batch = [(Prefix::DEFAULT, 0); BATCH];
        let Some(rows) = self.rows.as_ref().filter(|_| content.is_scattered(self.leak)) else {
            for entries in entries.chunks(BATCH) {
                let batch = &mut batch[..entries.len()];
                let (first, last) = (entries[0], entries[entries.len() - 1]);
                if last.index() - first.index() + 1 == entries.len() {
                    // All of a VRF's routes in a row, as they are where nobody else has any there.
                    let columns = self.leak.table().neighbours(first, last);
                    let rows = columns.map(|(prefix, next_hop)| (prefix, next_hop.0));
                    batch.iter_mut().zip(rows).for_each(|(to, row)| *to = row);
                } else {
                    batch.iter_mut().zip(entries).for_each(|(to, &route)| *to = self.column(route));
                }
                if take(batch).is_break() {
                    return;
                }
            }
            return;
        };
        let (ahead, _) = entries.split_at(entries.len().min(AHEAD));
        for &route in ahead {
            rows.prefetch::<A>(route);
        }
        let mut next = entries[ahead.len()..].chunks(UNDER_WAY);
        for entries in entries.chunks(BATCH) {
            let batch = &mut batch[..entries.len()];
            for (batch, entries) in batch.chunks_mut(UNDER_WAY).zip(entries.chunks(UNDER_WAY)) {
                next.next().into_iter().flatten().for_each(|&route| rows.prefetch::<A>(route));
                batch.iter_mut().zip(entries).for_each(|(to, &route)| *to = rows.get(route));
            }
            if take(batch).is_break() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use vrfleak_bench_data::Workload;
    use vrfleak_engine::{Leak, Sharing};

    use super::*;

    /// Compares what each way of asking for a table's routes gives; returns whether there are rows.
    fn all_ways_agree(workload: Workload, routes: usize, vrfs: usize) -> bool {
        let network = workload.generate(routes, vrfs, 1).expect("a network");
        let leak = Leak::with(&network, Sharing::None, |_| {});
        let tables = Layout::new(leak.family::<u32>()).tables;
        for table in (0..tables.tables()).map(TableId::from_index) {
            let expected: Vec<_> = tables.routes(table).collect();
            let (mut all, mut cut) = (Vec::new(), Vec::new());
            tables.batches(table, |routes| {
                all.extend_from_slice(routes);
                ControlFlow::Continue(())
            });
            assert!(all == expected, "{workload:?}, {table:?}");
            let Some(positions) = tables.positions(table) else { continue };
            assert_eq!(positions, expected.len(), "{workload:?}, {table:?}");
            let cuts = [0, 1, positions / 3, positions / 2, positions].map(|at| at.min(positions));
            for (from, to) in cuts.into_iter().zip(cuts.into_iter().skip(1)) {
                tables.batches_at(table, from..to.max(from), |routes| {
                    cut.extend_from_slice(routes);
                    ControlFlow::Continue(())
                });
            }
            assert!(cut == expected, "{workload:?}, {table:?}");
        }
        tables.rows.is_some()
    }

    #[test]
    fn routes_are_the_same_however_they_are_asked_for() {
        assert!(!all_ways_agree(Workload::W2, 70_000, 1), "columns");
        assert!(all_ways_agree(Workload::D, 70_000, 40), "rows");
    }
}
