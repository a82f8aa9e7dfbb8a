//! From the routes of all tables to a store: chunks of tables in parallel, each in one pass over its routes.

use std::ops::{ControlFlow, Range as Span};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use vrfleak_engine::Address;

use super::super::raw::{Part, Piece, Store, StoreError};
use super::super::table::{NO_ROUTE, TableId};
use super::super::tables::{BuildError, Order, Tables};
use super::block::FIRST_VALUE;
use super::dictionary::{Answer, Dictionaries, Dictionary, LocalCodes, MISS};
use super::part::PartWriter;
use super::ranges::Ranges;
use super::shape::Shape;

/// Routes, by the input's hints, from which on a chunk takes no further table.
const CHUNK_ROUTES: usize = 1 << 17;
/// Ranges from which on the slots of one table are written on several threads.
const HUGE: usize = 1 << 17;
/// Parts that a huge table is written in, whatever the number of threads.
const HUGE_PARTS: u32 = 16;

/// Returns the answer of a route: `len` is 0 where lengths are not kept.
pub(super) fn answer(value: u32, len: u8) -> Answer {
    Answer::from(len) << 32 | Answer::from(value)
}

/// Consecutive tables and the dictionaries of their codes.
struct Chunk {
    piece: Piece,
    dictionaries: Vec<Dictionary>,
}

/// The memory that making a chunk takes, for the next one to use again.
struct Scratch<A> {
    ranges: Ranges<A>,
    locals: LocalCodes,
    codes: Vec<u32>,
    writer: PartWriter,
    piece: Piece,
}

impl<A: Address> Scratch<A> {
    fn new() -> Self {
        let (ranges, locals, codes) = (Ranges::new(), LocalCodes::new(), Vec::new());
        Self { ranges, locals, codes, writer: PartWriter::new(), piece: Piece::default() }
    }
}

/// Returns the store of all tables and, where they are kept, the length of each of its values' prefix.
pub(super) fn build<A: Address>(
    input: &(impl Tables<A> + ?Sized),
    huge_pages: bool,
    keep_lens: bool,
) -> Result<(Store<A>, Vec<u8>), BuildError> {
    // Fresh memory costs more than what is written to it. One chunk may begin inside another, in a thread that waits for
    // the parts of a huge table, so that scratch is not a thread's.
    let scratches = Mutex::new(Vec::new());
    let idle = || scratches.lock().unwrap_or_else(PoisonError::into_inner);
    let chunks: Vec<Chunk> = spans(input)
        .into_par_iter()
        // One at a time: the first chunks may be far bigger than the rest.
        .with_max_len(1)
        .map(|span| {
            let free = idle().pop();
            let mut scratch = free.unwrap_or_else(Scratch::new);
            let made = chunk(input, span, keep_lens, &mut scratch);
            idle().push(scratch);
            made
        })
        .collect::<Result<_, _>>()?;
    drop(scratches);

    let mut values = vec![NO_ROUTE; FIRST_VALUE as usize];
    let mut lens = vec![0; if keep_lens { values.len() } else { 0 }];
    let (mut starts, mut pieces) = (Vec::new(), Vec::new());
    for chunk in chunks {
        let mut of_chunk = Vec::new();
        for dictionary in &chunk.dictionaries {
            of_chunk.push((values.len() - FIRST_VALUE as usize) as u32);
            values.extend(dictionary.in_order().map(|answer| answer as u32));
            if keep_lens {
                lens.extend(dictionary.in_order().map(|answer| if answer == MISS { 0 } else { (answer >> 32) as u8 }));
            }
        }
        starts.push(of_chunk);
        pieces.push(chunk.piece);
    }
    if values.len() == FIRST_VALUE as usize {
        values.push(NO_ROUTE);
        lens.extend(keep_lens.then_some(0));
    }
    let store = Store::assemble(values, pieces, &starts, huge_pages).map_err(|error| refusal::<A>(error))?;
    Ok((store, lens))
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

fn chunk<A: Address>(
    input: &(impl Tables<A> + ?Sized),
    span: Span<usize>,
    keep_lens: bool,
    scratch: &mut Scratch<A>,
) -> Result<Chunk, BuildError> {
    let Scratch { ranges, locals, codes, writer, piece } = scratch;
    piece.clear();
    let mut dictionaries = Dictionaries::default();
    for table in span.map(TableId::from_index) {
        locals.clear();
        ranges.clear(LocalCodes::MISS);
        let (mut order, mut checked) = (Order::new(table), Ok(()));
        input.batches(table, |routes| {
            checked = order.check(routes);
            if checked.is_err() {
                return ControlFlow::Break(());
            }
            for &(prefix, value) in routes {
                let len = if keep_lens { prefix.len() } else { 0 };
                ranges.add(prefix, locals.code(answer(value, len)));
            }
            ControlFlow::Continue(())
        });
        checked?;
        ranges.finish();
        let dictionary = dictionaries.assign(locals.answers(), codes);
        ranges.recode(codes);
        let (width, answers) = {
            let dictionary = &dictionaries.list[dictionary as usize];
            (dictionary.width(), dictionary.codes() as u32)
        };
        let shape = Shape::choose(ranges.list(), width);
        let kind = (shape, width, answers);
        let pushed = if ranges.list().len() < HUGE {
            piece.push::<A>(kind, dictionary, writer.table(shape, width, ranges.list()))
        } else {
            let parts: Vec<Part> = (0..HUGE_PARTS)
                .into_par_iter()
                .map(|part| PartWriter::new().share(shape, width, ranges.list(), (part, HUGE_PARTS)))
                .collect();
            piece.push_split::<A>(kind, dictionary, parts)
        };
        pushed.map_err(|error| refusal::<A>(error))?;
    }
    Ok(Chunk { piece: piece.take(), dictionaries: dictionaries.list })
}

/// Returns why a store did not take what was just built.
pub(super) fn refusal<A: Address>(error: StoreError) -> BuildError {
    match error {
        StoreError::TooBig(what, count, limit) => BuildError::TooBig { family: A::FAMILY, what, count, limit },
        StoreError::Broken(why) => unreachable!("a table that was just built: {why}"),
    }
}
