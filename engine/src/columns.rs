//! [`Columns`]: the columns of a route table while they are filled, a run of bins at a time on every thread.

use std::ops::Range;

use rayon::prelude::*;

use crate::address::Address;
use crate::bins::{Bins, Scratch};
use crate::id::{NextHopId, TargetSetId, VrfId};
use crate::route_table::ExportStatus;
use crate::row::Row;
use crate::source_route::Protocol;

/// Runs of bins that a thread fills, so that none waits for another for long.
const RUNS_PER_THREAD: usize = 8;

/// What the rows of a table become, a column for each part of a route. Ids are plain numbers: zeros of those cost nothing
/// until they are written.
pub(crate) struct Columns<A> {
    pub(crate) bits: Vec<A>,
    pub(crate) len: Vec<u8>,
    pub(crate) origin: Vec<u32>,
    pub(crate) next_hop: Vec<u32>,
    pub(crate) attributes: Vec<u32>,
    pub(crate) targets: Vec<u32>,
    pub(crate) protocol: Vec<Protocol>,
    pub(crate) status: Vec<ExportStatus>,
    /// The position of a route within its prefix, 65,535 and above as 65,535.
    pub(crate) position: Vec<u16>,
    /// The largest of them.
    pub(crate) deepest: u16,
}

/// Consecutive rows of all columns.
struct Run<'a, A> {
    bits: &'a mut [A],
    len: &'a mut [u8],
    origin: &'a mut [u32],
    next_hop: &'a mut [u32],
    attributes: &'a mut [u32],
    targets: &'a mut [u32],
    protocol: &'a mut [Protocol],
    status: &'a mut [ExportStatus],
    position: &'a mut [u16],
}

impl<A: Address> Columns<A> {
    /// Sorts all bins and fills the columns, in the current rayon pool. `next_hop_at` has the next hop and its VRF by
    /// place; `export` tells what becomes of the route of a row on its way out of its VRF.
    ///
    /// O(rows), or where rows crowd O(rows · log rows).
    pub(crate) fn fill(
        bins: &Bins<A>,
        next_hop_at: &[(NextHopId, VrfId)],
        export: impl Fn(&Row<A>, NextHopId, VrfId) -> (ExportStatus, TargetSetId) + Sync,
    ) -> Self {
        let mut columns = Self::zeroed(bins.start(bins.len()));
        let mut rest = columns.run();
        let runs: Vec<(Range<usize>, Run<'_, A>)> = runs(bins)
            .map(|bins_of_run| {
                let rows = bins.start(bins_of_run.end) - bins.start(bins_of_run.start);
                (bins_of_run, rest.split_off(rows))
            })
            .collect();
        let fill = |scratch: &mut Scratch<A>, (bins_of_run, mut run): (Range<usize>, Run<'_, A>)| {
            let start = bins.start(bins_of_run.start);
            let (mut rows, mut deepest) = (0, 0);
            for bin in bins_of_run {
                let sorted = bins.sorted(bin, scratch);
                deepest = deepest.max(run.split_off(sorted.len()).fill(sorted, next_hop_at, &export));
                rows += sorted.len();
            }
            (start..start + rows, deepest)
        };
        let filled: Vec<(Range<usize>, u16)> =
            runs.into_par_iter().with_max_len(1).map_init(Scratch::default, fill).collect();
        columns.deepest = filled.iter().map(|&(_, deepest)| deepest).max().unwrap_or(0);
        columns.close_gaps(filled.into_iter().map(|(rows, _)| rows));
        columns
    }

    /// Returns columns of so many rows, made on all threads: on one, the first touch of their pages took a sixth of the
    /// time of ranking.
    fn zeroed(rows: usize) -> Self {
        let ids = || vec![0_u32; rows];
        let bits_and_small = || {
            let small =
                || (vec![0; rows], vec![Protocol::Connected; rows], vec![ExportStatus::Exported; rows], vec![0; rows]);
            rayon::join(|| vec![A::ZERO; rows], small)
        };
        let of_ids = || rayon::join(|| rayon::join(ids, ids), || rayon::join(ids, ids));
        let ((bits, (len, protocol, status, position)), ((origin, next_hop), (attributes, targets))) =
            rayon::join(bits_and_small, of_ids);
        Self { bits, len, origin, next_hop, attributes, targets, protocol, status, position, deepest: 0 }
    }

    fn run(&mut self) -> Run<'_, A> {
        Run {
            bits: &mut self.bits,
            len: &mut self.len,
            origin: &mut self.origin,
            next_hop: &mut self.next_hop,
            attributes: &mut self.attributes,
            targets: &mut self.targets,
            protocol: &mut self.protocol,
            status: &mut self.status,
            position: &mut self.position,
        }
    }

    /// Moves what was filled together: a row that was there twice leaves a gap behind its run.
    fn close_gaps(&mut self, filled: impl Iterator<Item = Range<usize>> + Clone) {
        close_gaps(&mut self.bits, filled.clone());
        close_gaps(&mut self.len, filled.clone());
        close_gaps(&mut self.origin, filled.clone());
        close_gaps(&mut self.next_hop, filled.clone());
        close_gaps(&mut self.attributes, filled.clone());
        close_gaps(&mut self.targets, filled.clone());
        close_gaps(&mut self.protocol, filled.clone());
        close_gaps(&mut self.status, filled.clone());
        close_gaps(&mut self.position, filled);
    }
}

/// Cuts the bins into runs of about as many rows each.
fn runs<A: Address>(bins: &Bins<A>) -> impl Iterator<Item = Range<usize>> {
    let most = bins.start(bins.len()).div_ceil(rayon::current_num_threads() * RUNS_PER_THREAD);
    let mut next = 0;
    std::iter::from_fn(move || {
        let first = next;
        while next < bins.len() && (next == first || bins.start(next + 1) - bins.start(first) <= most) {
            next += 1;
        }
        (first < next).then_some(first..next)
    })
}

fn close_gaps<T: Copy>(column: &mut Vec<T>, filled: impl Iterator<Item = Range<usize>>) {
    let mut end = 0;
    for rows in filled {
        let len = rows.len();
        if rows.start > end {
            column.copy_within(rows, end);
        }
        end += len;
    }
    if end < column.len() {
        column.truncate(end);
        column.shrink_to_fit();
    }
}

impl<'a, A: Address> Run<'a, A> {
    /// Takes the first `rows` rows off.
    fn split_off(&mut self, rows: usize) -> Run<'a, A> {
        const ROOM: &str = "room for all rows of all bins";
        Run {
            bits: self.bits.split_off_mut(..rows).expect(ROOM),
            len: self.len.split_off_mut(..rows).expect(ROOM),
            origin: self.origin.split_off_mut(..rows).expect(ROOM),
            next_hop: self.next_hop.split_off_mut(..rows).expect(ROOM),
            attributes: self.attributes.split_off_mut(..rows).expect(ROOM),
            targets: self.targets.split_off_mut(..rows).expect(ROOM),
            protocol: self.protocol.split_off_mut(..rows).expect(ROOM),
            status: self.status.split_off_mut(..rows).expect(ROOM),
            position: self.position.split_off_mut(..rows).expect(ROOM),
        }
    }

    /// Fills in the rows of one bin, as many as there is room for, and returns the largest position. A column at a time:
    /// the rows stay in the first cache.
    fn fill(
        self,
        rows: &[Row<A>],
        next_hop_at: &[(NextHopId, VrfId)],
        export: impl Fn(&Row<A>, NextHopId, VrfId) -> (ExportStatus, TargetSetId),
    ) -> u16 {
        put(self.bits, rows, Row::bits);
        put(self.len, rows, Row::len);
        put(self.attributes, rows, |row| row.attributes().0);
        put(self.protocol, rows, Row::protocol);
        for ((next_hop, origin), row) in self.next_hop.iter_mut().zip(&mut *self.origin).zip(rows) {
            let (of_row, vrf) = next_hop_at[row.place()];
            (*next_hop, *origin) = (of_row.0, vrf.0);
        }
        let routes = self.next_hop.iter().zip(&*self.origin).zip(rows);
        for ((targets, status), ((&next_hop, &origin), row)) in self.targets.iter_mut().zip(self.status).zip(routes) {
            let (became, set) = export(row, NextHopId(next_hop), VrfId(origin));
            (*status, *targets) = (became, set.0);
        }
        let (mut position, mut deepest) = (0_u16, 0);
        // A prefix is in one bin.
        for (slot, pair) in self.position.iter_mut().skip(1).zip(rows.windows(2)) {
            position = if pair[0].is_beside(&pair[1]) { position.saturating_add(1) } else { 0 };
            *slot = position;
            deepest = deepest.max(position);
        }
        deepest
    }
}

fn put<A, T>(column: &mut [T], rows: &[Row<A>], part: impl Fn(&Row<A>) -> T) {
    for (to, row) in column.iter_mut().zip(rows) {
        *to = part(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AttributesId;
    use crate::prefix::Prefix;

    #[test]
    fn oracle_columns_are_the_sorted_rows_each_once() {
        let next_hop_at: Vec<(NextHopId, VrfId)> = (0..7).map(|at| (NextHopId(6 - at), VrfId(at * 10))).collect();
        let row = |at: u32| {
            let prefix = Prefix::<u32>::containing(at.wrapping_mul(0x9e37_79b9) & 0xffff_f000, 24);
            Row::new(prefix, at % 3, at % 7, Protocol::Static, AttributesId(at % 5))
        };
        // Rows that are there twice lie everywhere, those of one prefix too.
        let rows: Vec<Row<u32>> = (0..60_000).map(|at| row(at - u32::from(at % 97 == 5))).collect();
        let bins = Bins::deal(1, rows.len(), rows.iter().step_by(50).map(Row::head), |_| rows.iter().copied());
        let export = |row: &Row<u32>, _, origin: VrfId| {
            let set = TargetSetId(origin.0 + row.attributes().0);
            (if row.place() == 2 { ExportStatus::NoTarget } else { ExportStatus::Exported }, set)
        };
        let columns = Columns::fill(&bins, &next_hop_at, export);
        let mut expected = rows;
        expected.sort_unstable();
        expected.dedup();
        assert!(bins.len() > 8 && expected.len() < 60_000 - 100);
        let mut position = 0;
        for (at, row) in expected.iter().enumerate() {
            let (next_hop, origin) = next_hop_at[row.place()];
            let (status, set) = export(row, next_hop, origin);
            position = if at > 0 && expected[at - 1].is_beside(row) { position + 1 } else { 0 };
            assert_eq!((columns.bits[at], columns.len[at]), (row.bits(), row.len()));
            assert_eq!((columns.next_hop[at], columns.origin[at]), (next_hop.0, origin.0));
            assert_eq!((columns.attributes[at], columns.protocol[at]), (row.attributes().0, row.protocol()));
            assert_eq!((columns.status[at], columns.targets[at], columns.position[at]), (status, set.0, position));
        }
        assert_eq!((columns.bits.len(), columns.position.len()), (expected.len(), expected.len()));
        assert_eq!(Some(&columns.deepest), columns.position.iter().max());
    }

    #[test]
    fn gaps_close_whatever_their_length() {
        for (filled, expected) in [
            (vec![0..3, 4..6, 6..6, 7..10], vec![0, 1, 2, 4, 5, 7, 8, 9]),
            (vec![0..1, 5..6, 6..9], vec![0, 5, 6, 7, 8]),
            (vec![0..4, 4..10], (0..10).collect()),
            (vec![0..0, 1..3], vec![1, 2]),
        ] {
            let mut column: Vec<u32> = (0..10).collect();
            close_gaps(&mut column, filled.clone().into_iter());
            assert_eq!(column, expected, "{filled:?}");
        }
    }
}
