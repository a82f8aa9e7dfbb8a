//! Building a table from its sorted routes: painted run by run, in parallel inside a huge one.

use ahash::{HashMap, HashMapExt};
use rayon::prelude::*;
use vrfleak_engine::{Address, Family, Prefix};

use super::super::raw::{
    CHUNK, CHUNK_BITS, Code, DEEP, Deep, DirectParts, DirectTable, FIRST_CODE, OUTSIDE, PLAINS, Region, SLOTS,
};
use super::super::table::{NO_ROUTE, TableId};
use super::super::tables::{BuildError, Checked, Tables};
use super::codes::{Codes, least_of_few};
use super::paint::{Coded, Groups, paint};
use super::{DirectLayout, Table};

/// The /24s that are painted together: a /8, so that what is painted stays within the second cache.
const RUN: usize = 1 << 16;
/// Routes from which on the runs of one table are painted on several threads.
const HUGE: usize = 1 << 14;

/// Routes by which a table is judged, so that one that shall not be direct is not read to its end.
const JUDGED: usize = 1 << 16;

/// Returns how often the next hop changes from one route to the next.
fn changes(routes: &[Coded]) -> usize {
    routes.windows(2).filter(|pair| pair[0].1 != pair[1].1).count()
}

/// The routes of one table, coded.
#[derive(Debug, Default)]
pub(in crate::lpm) struct CodedTable {
    /// Without the default route.
    routes: Vec<Coded>,
    /// By code: the value.
    values: Vec<u32>,
}

impl CodedTable {
    /// Reads the routes of `table`, whose addresses are taken for IPv4.
    pub(in crate::lpm) fn read<A: Address>(
        input: &(impl Tables<A> + ?Sized),
        table: TableId,
    ) -> Result<Self, BuildError> {
        Self::read_if(input, table, |_| true).map(Option::unwrap_or_default)
    }

    /// Reads the routes of `table`, or returns `None` if the next hop of the first [`JUDGED`] changes less often than
    /// every `per_change`-th route.
    pub(in crate::lpm) fn read_varied<A: Address>(
        input: &(impl Tables<A> + ?Sized),
        table: TableId,
        per_change: usize,
    ) -> Result<Option<Self>, BuildError> {
        Self::read_if(input, table, |routes| changes(routes) * per_change >= routes.len())
    }

    fn read_if<A: Address>(
        input: &(impl Tables<A> + ?Sized),
        table: TableId,
        go_on: impl Fn(&[Coded]) -> bool,
    ) -> Result<Option<Self>, BuildError> {
        let mut checked = Checked::new(table, input.routes(table));
        let mut codes = Codes::new();
        let (mut routes, mut outside) = (Vec::with_capacity(input.routes_hint(table)), NO_ROUTE);
        for (prefix, value) in checked.by_ref() {
            if prefix.len() == 0 {
                outside = value;
            } else {
                routes.push((Prefix::containing(prefix.bits().widen() as u32, prefix.len()), codes.code(value)));
            }
            if routes.len() == JUDGED && !go_on(&routes) {
                return Ok(None);
            }
        }
        checked.finish()?;
        let mut values = codes.into_values();
        if let Some(least) = least_of_few(&values) {
            // Each value by its code, ascending: batches then add in place of looking values up.
            let code = |value: u32| value - least + FIRST_CODE as u32;
            let most = values[FIRST_CODE..].iter().fold(least, |most, &value| most.max(value));
            for (_, of_route) in &mut routes {
                *of_route = code(values[*of_route as usize]);
            }
            values.truncate(FIRST_CODE);
            values.extend(least..=most);
        }
        values[OUTSIDE] = outside;
        Ok(Some(Self { routes, values }))
    }

    /// Returns the number of routes but the default route.
    pub(in crate::lpm) fn routes(&self) -> usize {
        self.routes.len()
    }

    fn width(&self) -> usize {
        if self.values.len() <= u8::CODES { 1 } else { 2 }
    }

    /// Returns the bytes of the slots that this would have as a flat table.
    pub(in crate::lpm) fn flat_bytes(&self) -> usize {
        SLOTS * self.width()
    }

    /// Returns the bytes that this would have at least as a chunked table: its root.
    pub(in crate::lpm) fn least_chunked_bytes(&self) -> usize {
        let slot = |address: u32| (address >> (8 + CHUNK_BITS)) as usize;
        let first = self.routes.first().map_or(0, |(prefix, _)| slot(prefix.bits()));
        let last = self.routes.last().map_or(0, |(prefix, _)| slot(prefix.bits()));
        4 * (last - first + 1)
    }

    /// Builds the table with the narrowest codes.
    pub(in crate::lpm) fn build(self, layout: DirectLayout, huge: bool) -> Result<Table, BuildError> {
        if self.values.len() <= u8::CODES {
            return Ok(Table::Byte(self.build_with(layout, huge)));
        }
        if self.values.len() <= u16::CODES {
            return Ok(Table::Pair(self.build_with(layout, huge)));
        }
        let (count, limit) = (self.values.len() as u64 - 2, u16::CODES as u64 - 2);
        Err(BuildError::TooBig { family: Family::Ipv4, what: "next hops in one direct table", count, limit })
    }

    fn build_with<C: Code>(self, layout: DirectLayout, huge: bool) -> DirectTable<C> {
        let parts = match layout {
            DirectLayout::Flat => flat(&self.routes, self.values, huge),
            DirectLayout::Chunked => chunked(&self.routes, self.values, huge),
        };
        DirectTable::new(parts).expect("a table that was just built")
    }
}

/// Returns whether anything lies in the `len` /24s from `first` on.
fn touched(routes: &[Coded], first: u32, len: usize) -> bool {
    let (cover, from) = super::paint::entry(routes, first);
    cover.is_some() || routes.get(from).is_some_and(|(prefix, _)| ((prefix.bits() >> 8) - first) < len as u32)
}

/// Joins the groups of runs in their order.
fn join<C: Code>(runs: &[Groups<C>], huge: bool) -> (Deep, Region<C>) {
    let mut deep = Deep::default();
    let mut codes = Region::zeroed(runs.iter().map(|run| run.codes.len()).sum(), huge);
    let slots = runs.iter().flat_map(|run| &run.slots);
    for (group, &slot) in (0..).zip(slots) {
        deep.insert(slot, group);
    }
    let mut at = 0;
    for run in runs {
        codes[at..at + run.codes.len()].copy_from_slice(&run.codes);
        at += run.codes.len();
    }
    (deep, codes)
}

/// Returns the code that all of these are.
fn one_code<C: Code>(codes: &[C]) -> Option<C> {
    let first = *codes.first()?;
    codes.iter().all(|&code| code == first).then_some(first)
}

fn flat<C: Code>(routes: &[Coded], values: Vec<u32>, huge: bool) -> DirectParts<C> {
    // A small table touches few of its pages.
    let mut codes = Region::<C>::zeroed(SLOTS, huge && routes.len() >= HUGE);
    let mut plain = vec![C::from_index(OUTSIDE); PLAINS];
    let plains = PLAINS / (SLOTS / RUN);
    let run = |(index, (codes, plain)): (usize, (&mut [C], &mut [C]))| {
        let mut groups = Groups::default();
        let first = (index * RUN) as u32;
        if touched(routes, first, RUN) {
            paint(codes, first, routes, &mut groups);
            for (plain, codes) in plain.iter_mut().zip(codes.chunks(SLOTS / PLAINS)) {
                *plain = one_code(codes).unwrap_or(C::from_index(DEEP));
            }
        }
        groups
    };
    let runs: Vec<Groups<C>> = if routes.len() < HUGE {
        codes.chunks_mut(RUN).zip(plain.chunks_mut(plains)).enumerate().map(run).collect()
    } else {
        codes.par_chunks_mut(RUN).zip(plain.par_chunks_mut(plains)).enumerate().map(run).collect()
    };
    let (deep, groups) = join(&runs, huge);
    DirectParts { roots: Region::zeroed(0, huge), first: 0, codes, plain, values, deep, groups }
}

/// The chunks of a table under construction, each content once.
struct Chunks<C: Code> {
    /// The index of each content's first code.
    starts: HashMap<[C; CHUNK], u32>,
    codes: Vec<C>,
}

impl<C: Code> Chunks<C> {
    fn new() -> Self {
        Self { starts: HashMap::new(), codes: Vec::new() }
    }

    fn start(&mut self, chunk: &[C; CHUNK]) -> u32 {
        *self.starts.entry(*chunk).or_insert_with(|| {
            let start = self.codes.len() as u32;
            self.codes.extend_from_slice(chunk);
            start
        })
    }
}

/// A run of a chunked table, its chunks numbered by itself.
struct Run<C: Code> {
    starts: Vec<u32>,
    codes: Vec<C>,
    groups: Groups<C>,
}

fn chunked<C: Code>(routes: &[Coded], values: Vec<u32>, huge: bool) -> DirectParts<C> {
    // Slots of 64 /24s.
    let slot = |address: u32| address >> (8 + CHUNK_BITS);
    let first = routes.first().map_or(0, |(prefix, _)| slot(prefix.bits()));
    let end = routes.iter().map(|(prefix, _)| slot(prefix.last()) + 1).max().unwrap_or(first);
    let run = |(first, end): (u32, u32)| {
        let (mut chunks, mut groups) = (Chunks::new(), Groups::default());
        let mut codes = vec![C::default(); (end - first) as usize * CHUNK];
        paint(&mut codes, first * CHUNK as u32, routes, &mut groups);
        let (all, _) = codes.as_chunks::<CHUNK>();
        let starts = all.iter().map(|chunk| chunks.start(chunk)).collect();
        Run { starts, codes: chunks.codes, groups }
    };
    // Runs end at multiples of their size, so that a prefix that begins before a run contains all of it or nothing.
    let len = (RUN / CHUNK) as u32;
    let cuts = (first / len..end.div_ceil(len)).map(|run| ((run * len).max(first), ((run + 1) * len).min(end)));
    let cuts: Vec<(u32, u32)> = cuts.collect();
    let runs: Vec<Run<C>> =
        if routes.len() < HUGE { cuts.into_iter().map(run).collect() } else { cuts.into_par_iter().map(run).collect() };
    let mut chunks = Chunks::new();
    let outside = chunks.start(&[C::default(); CHUNK]);
    let mut roots = Vec::with_capacity((end - first) as usize + 1);
    let mut groups = Vec::new();
    for run in runs {
        let (all, _) = run.codes.as_chunks::<CHUNK>();
        let moved: Vec<u32> = all.iter().map(|chunk| chunks.start(chunk)).collect();
        roots.extend(run.starts.iter().map(|&start| moved[start as usize / CHUNK]));
        groups.push(run.groups);
    }
    roots.push(outside);
    let roots = Region::copied(&roots, huge);
    let codes = Region::copied(&chunks.codes, huge);
    let (deep, groups) = join(&groups, huge);
    DirectParts { roots, first, codes, plain: Vec::new(), values, deep, groups }
}
