//! From the routes of all tables to a store: chunks of tables in parallel, each in one pass over its routes.

use std::ops::Range as Span;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;
use vrfleak_engine::Address;

use super::super::raw::{Assembly, Ground, Isa, Part, Piece, Site, Store, StoreError};
use super::super::table::{NO_ROUTE, TableId};
use super::super::tables::{BuildError, Tables};
use super::block::FIRST_VALUE;
use super::common::Common;
use super::dictionary::{BYTE_ANSWERS, Dictionaries, Dictionary, LocalCodes, len_of};
use super::pairs::Pairs;
use super::part::PartWriter;
use super::ranges::Range;
use super::shape::{Kind, Shape, is_small};
use super::sweep::Sweep;

/// Routes, by the input's hints, from which on a chunk takes no further table.
const CHUNK_ROUTES: usize = 1 << 17;
/// Ranges from which on the slots of one table are written on several threads, and routes from which on its ranges are found so.
const HUGE: usize = 1 << 17;
/// Parts that a huge table is written in, whatever the number of threads.
const HUGE_PARTS: u32 = 16;

/// Routes, by the input's hints, from which on chunks are put where they stay as soon as they are made. Below, it is
/// known what they need before memory is asked for.
const LARGE: usize = CHUNK_ROUTES;

/// Consecutive tables and the dictionaries of their codes.
struct Chunk {
    piece: Piece,
    dictionaries: Vec<Dictionary>,
}

/// The memory that making a chunk takes, for the next one to use again.
struct Scratch<A> {
    sweep: Sweep<A>,
    /// Of the other parts of a huge table.
    parts: Vec<Sweep<A>>,
    codes: Vec<u32>,
    writer: PartWriter,
}

impl<A: Address> Scratch<A> {
    fn new() -> Self {
        Self { sweep: Sweep::new(), parts: Vec::new(), codes: Vec::new(), writer: PartWriter::new() }
    }
}

/// What a forest shall be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) huge_pages: bool,
    /// Whether lengths are kept.
    pub(super) keep_lens: bool,
    /// Which nodes tables may have.
    pub(super) nodes: Nodes,
}

/// Nodes that tables may have besides blocks and lines, which change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nodes {
    /// None: something will change.
    Changing,
    /// None: what looks up is best at lines.
    Lined,
    /// What vectors of eight keys walk best: halves in small tables, and pairs in big IPv6 ones that do not suit blocks.
    Octets,
    /// What gathers walk best: halves, also in place of blocks, and pairs.
    Gathered,
}

impl Nodes {
    /// Returns those that batches at this level walk best, where nothing will change.
    pub(super) fn of(isa: Isa) -> Self {
        if isa.has_gathers() {
            Self::Gathered
        } else if isa.has_vectors() && !isa.searches_lines() {
            Self::Octets
        } else {
            Self::Lined
        }
    }
}

/// Returns the store of all tables and, where they are kept, the length of each of its values' prefix.
pub(super) fn build<A: Address>(
    input: &(impl Tables<A> + ?Sized),
    plan: Plan,
) -> Result<(Store<A>, Vec<u8>), BuildError> {
    let routes: usize = (0..input.tables()).map(|table| input.routes_hint(TableId::from_index(table))).sum();
    build_at(input, plan, routes >= LARGE)
}

/// Builds the same; `at_once` tells whether chunks are put where they stay as soon as they are made.
fn build_at<A: Address>(
    input: &(impl Tables<A> + ?Sized),
    plan: Plan,
    at_once: bool,
) -> Result<(Store<A>, Vec<u8>), BuildError> {
    let spans = spans(input);
    let Plan { huge_pages, keep_lens, .. } = plan;
    let mut ground = if at_once { Ground::boundless(huge_pages) } else { None };
    let line = Line::new(ground.as_mut().map(Assembly::new), spans.len(), keep_lens);
    make(input, &spans, plan, &line);
    let Line { assembly, mut values, waiting, error, .. } = line.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = error {
        return Err(error);
    }
    let assembled = if let Some(assembly) = assembly {
        assembly.finish()
    } else {
        let chunks: Vec<Chunk> = waiting.into_iter().flatten().collect::<Result<_, _>>()?;
        let pieces = chunks.iter().map(|chunk| &chunk.piece);
        let exact = Ground::of(pieces, huge_pages).map_err(|error| refusal::<A>(error))?;
        let mut assembly = Assembly::new(ground.insert(exact));
        for chunk in chunks {
            let starts = values.add(&chunk.dictionaries);
            let site = assembly.place(chunk.piece, &starts, values.len());
            site.map_err(|error| refusal::<A>(error))?.fill();
        }
        assembly.finish()
    };
    let Values { words, lens, .. } = values.finish();
    let ground = ground.expect("what was assembled has a ground");
    Ok((assembled.store(ground, words), lens))
}

/// Makes all chunks, on all threads, and has each join the line.
fn make<A: Address>(input: &(impl Tables<A> + ?Sized), spans: &[Span<usize>], plan: Plan, line: &Mutex<Line<'_>>) {
    // Fresh memory costs more than what is written to it. One chunk may begin inside another, in a thread that waits for
    // the parts of a huge table, so that scratch is not a thread's.
    let common = Common::of(input, plan, spans.len());
    let (scratches, pieces) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut scratch = locked(&scratches).pop().unwrap_or_else(Scratch::new);
        // In order: no more chunks wait for their place than there are threads, unless one takes long.
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(span) = spans.get(index) else { break };
            let piece = locked(&pieces).pop().unwrap_or_default();
            let chunk = chunk(input, span.clone(), (plan, &common), &mut scratch, piece);
            if chunk.is_err() {
                next.store(spans.len(), Ordering::Relaxed);
            }
            Line::join::<A>(line, index, chunk, &pieces);
        }
        locked(&scratches).push(scratch);
    };
    if spans.len() > 1 {
        rayon::broadcast(|_| work());
    } else {
        work();
    }
}

/// Locks what no thread leaves half done.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Chunks on their way to their places, which they get in their order, whichever is made first.
struct Line<'g> {
    /// `None` if places are given when all chunks are made.
    assembly: Option<Assembly<'g>>,
    values: Values,
    /// The chunk that gets the next place.
    next: usize,
    waiting: Vec<Option<Result<Chunk, BuildError>>>,
    error: Option<BuildError>,
}

impl<'g> Line<'g> {
    fn new(assembly: Option<Assembly<'g>>, chunks: usize, keep_lens: bool) -> Mutex<Self> {
        let waiting = std::iter::repeat_with(|| None).take(chunks).collect();
        Mutex::new(Self { assembly, values: Values::new(keep_lens), next: 0, waiting, error: None })
    }

    /// Hands in a chunk, and copies what has its turn then; the memory of that goes to `pieces`.
    fn join<A: Address>(
        line: &Mutex<Self>,
        index: usize,
        chunk: Result<Chunk, BuildError>,
        pieces: &Mutex<Vec<Piece>>,
    ) {
        locked(line).waiting[index] = Some(chunk);
        loop {
            let Some(site) = locked(line).place::<A>() else { return };
            let mut piece = site.fill();
            piece.clear();
            locked(pieces).push(piece);
        }
    }

    /// Returns the place of the next chunk, if it is made.
    fn place<A: Address>(&mut self) -> Option<Site<'g>> {
        let assembly = self.assembly.as_mut().filter(|_| self.error.is_none())?;
        let placed = self.waiting.get_mut(self.next)?.take()?.and_then(|Chunk { piece, dictionaries }| {
            let starts = self.values.add(&dictionaries);
            assembly.place(piece, &starts, self.values.len()).map_err(|error| refusal::<A>(error))
        });
        self.next += 1;
        placed.map_err(|error| self.error = Some(error)).ok()
    }
}

/// The dictionaries of a store, one after the other.
struct Values {
    words: Vec<u32>,
    /// The length of each value's prefix, where they are kept.
    lens: Vec<u8>,
    keep_lens: bool,
}

impl Values {
    fn new(keep_lens: bool) -> Self {
        let words = vec![NO_ROUTE; FIRST_VALUE as usize];
        let lens = vec![0; if keep_lens { words.len() } else { 0 }];
        Self { words, lens, keep_lens }
    }

    fn len(&self) -> usize {
        self.words.len()
    }

    /// Appends the dictionaries of a chunk; returns the index 64 before the value of the first code of each.
    fn add(&mut self, dictionaries: &[Dictionary]) -> Vec<u32> {
        let mut starts = Vec::with_capacity(dictionaries.len());
        for (index, dictionary) in dictionaries.iter().enumerate() {
            if index == 0 && self.is_first(dictionary) {
                starts.push(0);
                continue;
            }
            starts.push((self.words.len() - FIRST_VALUE as usize) as u32);
            self.words.extend(dictionary.in_order().map(|answer| answer as u32));
            if self.keep_lens {
                self.lens.extend(dictionary.in_order().map(len_of));
            }
        }
        starts
    }

    /// Returns whether the values begin with this dictionary.
    fn is_first(&self, dictionary: &Dictionary) -> bool {
        let from = FIRST_VALUE as usize;
        let mut first = self.words[from..].iter().zip(dictionary.in_order());
        let has_lens = !self.keep_lens
            || self.lens[from..].iter().zip(dictionary.in_order()).all(|(&len, answer)| len == len_of(answer));
        dictionary.codes() <= self.words.len() - from && has_lens && first.all(|(&word, answer)| word == answer as u32)
    }

    /// Returns them in as much memory as they need; the miss is there even without tables.
    fn finish(mut self) -> Self {
        if self.words.len() == FIRST_VALUE as usize {
            self.words.push(NO_ROUTE);
            self.lens.extend(self.keep_lens.then_some(0));
        }
        self.words.shrink_to_fit();
        self.lens.shrink_to_fit();
        self
    }
}

/// Cuts the tables into chunks, which depend on the input alone.
fn spans<A: Address>(input: &(impl Tables<A> + ?Sized)) -> Vec<Span<usize>> {
    let (mut spans, mut start, mut routes) = (Vec::new(), 0, 0);
    for table in 0..input.tables() {
        routes += input.routes_hint(TableId::from_index(table)) + 16;
        if routes >= CHUNK_ROUTES {
            spans.push(start..table + 1);
            (start, routes) = (table + 1, 0);
        }
    }
    if start < input.tables() {
        spans.push(start..input.tables());
    }
    spans
}

/// Returns the number of routes of `table` if they can be asked for by position and are so many that the other threads would have
/// nothing left to do before one is through with them: more than a thread's share of what is left.
fn positions_of_more_than_a_share<A: Address>(input: &(impl Tables<A> + ?Sized), table: TableId) -> Option<usize> {
    let routes = input.routes_hint(table);
    if routes < HUGE {
        return None;
    }
    let left: usize = (table.index()..input.tables()).map(|table| input.routes_hint(TableId::from_index(table))).sum();
    input.positions(table).filter(|_| routes.saturating_mul(rayon::current_num_threads()) > left)
}

fn chunk<A: Address>(
    input: &(impl Tables<A> + ?Sized),
    span: Span<usize>,
    (plan, common): (Plan, &Common),
    scratch: &mut Scratch<A>,
    mut piece: Piece,
) -> Result<Chunk, BuildError> {
    let Scratch { sweep, parts, codes, writer } = scratch;
    let mut dictionaries = Dictionaries::seeded(&common.seed);
    for table in span.map(TableId::from_index) {
        match positions_of_more_than_a_share(input, table) {
            Some(positions) => sweep.table_in_parts(parts, input, (table, positions), plan.keep_lens)?,
            None => sweep.table(input, table, plan.keep_lens)?,
        }
        let Sweep { ranges, locals, .. } = &mut *sweep;
        // With lines one byte a code is worth a dictionary.
        let may_share = is_small(ranges.list().len()) && (common.short || locals.answers().len() >= BYTE_ANSWERS);
        let dictionary = dictionaries.assign(locals.answers(), may_share, codes);
        ranges.recode(LocalCodes::MISS, codes);
        let (width, answers) = {
            let dictionary = &dictionaries.list[dictionary as usize];
            (dictionary.width(), dictionary.codes() as u32)
        };
        let mut pushed = None;
        if let Some((shape, width)) = shape_of(ranges.list(), width, answers, (plan.nodes, common.short)) {
            let kind = (shape, width, answers);
            pushed = if shape.kind == Kind::Paired {
                Some(push_paired(&mut piece, kind, dictionary, ranges.list()))
            } else {
                push(&mut piece, kind, dictionary, writer, ranges.list())
            };
        }
        let pushed = pushed.or_else(|| {
            let shape = Shape::choose(ranges.list(), width);
            push(&mut piece, (shape, width, answers), dictionary, writer, ranges.list())
        });
        pushed.unwrap_or(Ok(())).map_err(|error| refusal::<A>(error))?;
    }
    Ok(Chunk { piece, dictionaries: dictionaries.list })
}

/// Returns the shape for `ranges` among those that do not change, and the bytes of an entry or code; `None` if none suits a table
/// with `codes` codes of `width` bytes. Small tables have one if they `may_be_short`.
fn shape_of<A: Address>(
    ranges: &[Range<A>],
    width: usize,
    codes: u32,
    (nodes, may_be_short): (Nodes, bool),
) -> Option<(Shape, usize)> {
    match nodes {
        _ if is_small(ranges.len()) => may_be_short.then(|| Shape::gathered(ranges, width, codes)).flatten(),
        Nodes::Changing | Nodes::Lined => None,
        Nodes::Gathered => Shape::gathered(ranges, width, codes),
        Nodes::Octets => {
            let shape = Shape::choose(ranges, width);
            let paired = if shape.kind == Kind::Sparse { Shape::pairs(ranges, width) } else { None };
            Some((paired.unwrap_or(shape), width))
        }
    }
}

/// Adds a table to the piece; `None` if it cannot be written in this shape.
fn push<A: Address>(
    piece: &mut Piece,
    kind: (Shape, usize, u32),
    dictionary: u32,
    writer: &mut PartWriter,
    ranges: &[Range<A>],
) -> Option<Result<(), StoreError>> {
    let (shape, width, _) = kind;
    if ranges.len() < HUGE {
        return writer.table(shape, width, ranges).map(|part| piece.push::<A>(kind, dictionary, part));
    }
    let parts: Option<Vec<Part>> = (0..HUGE_PARTS)
        .into_par_iter()
        .map(|part| PartWriter::new().share(shape, width, ranges, (part, HUGE_PARTS)))
        .collect();
    parts.map(|parts| piece.push_split::<A>(kind, dictionary, parts))
}

/// Adds a table of pairs to the piece.
fn push_paired<A: Address>(
    piece: &mut Piece,
    kind: (Shape, usize, u32),
    dictionary: u32,
    ranges: &[Range<A>],
) -> Result<(), StoreError> {
    let (shape, width, _) = kind;
    let parts = if ranges.len() < HUGE { 1 } else { HUGE_PARTS };
    let pairs: Vec<Pairs> =
        (0..parts).into_par_iter().map(|part| Pairs::of(shape, width, ranges, (part, parts))).collect();
    piece.push::<A>(kind, dictionary, &Part { blocks: Pairs::joined(&pairs), ..Part::default() })
}

/// Returns why a store did not take what was just built.
pub(super) fn refusal<A: Address>(error: StoreError) -> BuildError {
    match error {
        StoreError::TooBig(what, count, limit) => BuildError::TooBig { family: A::FAMILY, what, count, limit },
        StoreError::Broken(why) => unreachable!("a table that was just built: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use vrfleak_engine::Prefix;

    use super::super::common::answers_of_small;
    use super::*;

    /// Tables of many sizes, a huge one among them, that make several chunks.
    fn tables() -> Vec<Vec<(Prefix<u32>, u32)>> {
        let table = |number: u32| {
            let routes = if number == 0 { 70_000 } else { 16_000 - number * 37 };
            let step = 0xc000_0000_u32 / routes;
            let route = |at: u32| (Prefix::containing(at * step + number * 0x1_0000, 24), (at ^ number) % 300);
            let mut routes: Vec<_> = (0..routes).map(route).collect();
            routes.dedup_by_key(|(prefix, _)| *prefix);
            routes
        };
        (0..40).map(table).collect()
    }

    const KEEPING: Plan = Plan { huge_pages: false, keep_lens: true, nodes: Nodes::Changing };

    fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads").install(work)
    }

    #[test]
    fn a_store_is_the_same_however_it_comes_about() {
        let tables = tables();
        let built = |plan, threads, at_once| {
            let build = || build_at::<u32>(tables.as_slice(), plan, at_once).expect("a store");
            on_threads(threads, build)
        };
        assert!(spans::<u32>(tables.as_slice()).len() > 4);
        for plan in [KEEPING, Plan { keep_lens: false, nodes: Nodes::Gathered, ..KEEPING }] {
            let (store, lens) = built(plan, 1, false);
            for (threads, at_once) in [(1, true), (2, false), (2, true), (5, true)] {
                let (other, other_lens) = built(plan, threads, at_once);
                assert!(store.equals(&other) && lens == other_lens, "{threads} threads, {at_once}, {plan:?}");
            }
        }
    }

    /// Returns a huge table, with a default route, routes within each other and equal neighbours, and a few others.
    fn huge_among_others<A: Address>() -> Vec<Vec<(Prefix<A>, u32)>> {
        let table = |routes: u32| -> Vec<(Prefix<A>, u32)> {
            let route = |at: u32| {
                let hash = at.wrapping_mul(2_654_435_761) >> 8;
                let bits = A::narrow(u128::from(at * 12_000) << (A::BITS - 32));
                (Prefix::containing(bits, [24, 24, 22, 20, 18, 9][(hash % 6) as usize]), (at / 2) ^ (hash % 3))
            };
            let mut all = vec![(Prefix::DEFAULT, 7)];
            all.extend((0..routes).map(|at| (route(at).0, route(at).1 % 300)));
            all.sort_by_key(|route| route.0);
            all.dedup_by_key(|route| route.0);
            all
        };
        vec![table(20), table(300_000), table(3_000), table(0)]
    }

    fn huge_is_the_same<A: Address>() {
        let tables = huge_among_others::<A>();
        let positions = || positions_of_more_than_a_share::<A>(tables.as_slice(), TableId(1));
        assert_eq!(on_threads(1, positions), None, "what this is about");
        assert_eq!(on_threads(2, positions), Some(tables[1].len()), "what this is about");
        for plan in [KEEPING, Plan { keep_lens: false, nodes: Nodes::Gathered, ..KEEPING }] {
            let built = |threads| on_threads(threads, || build::<A>(tables.as_slice(), plan).expect("a store"));
            let (store, lens) = built(1);
            for threads in [2, 3, 20] {
                let (other, other_lens) = built(threads);
                assert!(store.equals(&other) && lens == other_lens, "{threads} threads, {plan:?}");
            }
        }
    }

    #[test]
    fn a_huge_table_is_the_same_on_any_number_of_threads() {
        huge_is_the_same::<u32>();
        huge_is_the_same::<u128>();
    }

    #[test]
    fn the_first_breach_in_a_huge_table_is_the_one_that_is_told() {
        let mut tables = huge_among_others::<u32>();
        let routes = tables[1].len();
        for at in [routes - 5, routes / 2, routes / 3] {
            tables[1][at] = tables[1][at - 1];
        }
        tables[1][routes - 100].1 = NO_ROUTE;
        let built = |threads| on_threads(threads, || build::<u32>(tables.as_slice(), KEEPING).expect_err("a breach"));
        let prefix = tables[1][routes / 3].0.to_string();
        let expected = BuildError::Unordered { table: TableId(1), after: prefix.clone(), prefix };
        assert_eq!([1, 2, 5].map(built), [1, 2, 5].map(|_| expected.clone()));
    }

    #[test]
    fn oracle_chunks_with_the_same_next_hops_share_a_dictionary() {
        // 24 chunks or so: the next hops of most begin with those of the first tables, some have others, or more.
        let table = |number: u32| -> Vec<(Prefix<u32>, u32)> {
            let (first, values) = match number / 10 % 4 {
                0 | 1 => (0, 60),
                2 => (0, 70),
                _ => (30, 60),
            };
            let route = |at: u32| {
                let hash = (at ^ number << 6).wrapping_mul(2_654_435_761) >> 8;
                (Prefix::containing((number << 24) + (at << 8), 24), first + hash % values)
            };
            (0..14_000).map(route).collect()
        };
        let tables: Vec<_> = (0..200).map(table).collect();
        let plan = Plan { huge_pages: false, keep_lens: false, nodes: Nodes::Gathered };
        let (store, _) = build::<u32>(tables.as_slice(), plan).expect("a store");
        let starts: std::collections::BTreeSet<u32> =
            (0..200).map(|table| store.describe(TableId(table)).expect("a table").2).collect();
        assert!((3..12).contains(&starts.len()), "{starts:?}");
        for (number, table) in (0..).zip(&tables) {
            for &(prefix, value) in table.iter().step_by(97) {
                let found = store.values()[store.find(TableId(number), prefix.last())];
                assert_eq!(found, value, "table {number}, {prefix}");
            }
        }
    }

    #[test]
    fn small_tables_of_many_answers_share_a_dictionary() {
        // Each has more answers than codes of one byte, of 400 in all; the last is not small.
        let table = |number: u32, routes: u32, first: u32| -> Vec<(Prefix<u32>, u32)> {
            let route = |at: u32| (Prefix::containing((number << 24) + (at << 8), 24), first + (at * 7 + number) % 400);
            (0..routes).map(route).collect()
        };
        let mut tables: Vec<_> = (0..21).map(|number| table(number, 300, 0)).collect();
        tables.push(table(21, 40_000, 0));
        for nodes in [Nodes::Lined, Nodes::Octets, Nodes::Gathered, Nodes::Changing] {
            let (store, _) =
                build::<u32>(tables.as_slice(), Plan { keep_lens: false, nodes, ..KEEPING }).expect("a store");
            let of = |table: u32| store.describe(TableId(table)).map(|(_, width, start, codes)| (width, start, codes));
            let shared = (0..21).filter(|&table| of(table) == Some((2, 0, 401))).count();
            assert_eq!(shared, if nodes == Nodes::Changing { 0 } else { 21 }, "{nodes:?}");
            assert_ne!(of(21).map(|(_, start, _)| start), Some(0), "{nodes:?}");
            for (number, table) in (0..).zip(&tables) {
                for &(prefix, value) in table.iter().step_by(13) {
                    assert_eq!(
                        store.values()[store.find(TableId(number), prefix.last())],
                        value,
                        "{nodes:?} {number} {prefix}"
                    );
                }
            }
        }
        // More than entries of two bytes have codes for.
        let tables: Vec<_> = (0..200).map(|number| table(number, 300, number * 300)).collect();
        assert_eq!(answers_of_small::<u32>(&tables[..100], false).map(|answers| answers.len()), Some(23_593));
        assert_eq!(answers_of_small::<u32>(tables.as_slice(), false), None);
    }

    #[test]
    fn the_first_breach_is_the_one_that_is_told() {
        let mut tables = tables();
        for broken in [12, 30] {
            let last = tables[broken][0];
            tables[broken].push(last);
        }
        for (threads, at_once) in [(1, true), (3, true), (3, false)] {
            let built = on_threads(threads, || build_at::<u32>(tables.as_slice(), KEEPING, at_once));
            let table = TableId(12);
            assert!(matches!(built, Err(BuildError::Unordered { table: found, .. }) if found == table));
        }
    }
}
