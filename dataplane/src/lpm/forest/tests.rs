//! Forests of every kind of table against the oracle, at every level of this processor.

use vrfleak_engine::Prefix;

use super::super::linear::Linear;
use super::super::raw::Far;
use super::super::tree_bitmap::TreeKey;
use super::*;

/// The routes of tables, and keys each with its table.
type Drawn<A> = (Vec<Vec<(Prefix<A>, u32)>>, Vec<TableId>, Vec<A>);

/// Tables of prefixes that are drawn by a multiplication, nested and beside each other, and keys in and beside them.
fn drawn<A: TreeKey>() -> Drawn<A> {
    let mut state = 1_u128;
    let mut draw = || {
        state = state.wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645).wrapping_add(1);
        state.rotate_right(64) >> (128 - u32::from(A::BITS))
    };
    let mut tables = Vec::new();
    for _ in 0..40 {
        let base = draw() & !0xffff;
        let bits = |drawn: u128| A::narrow(base ^ (drawn & 0xffff));
        let mut routes: Vec<_> = (0..300)
            .map(|route| (Prefix::containing(bits(draw()), A::BITS - 16 + (draw() % 17) as u8), route % 50))
            .collect();
        routes.sort_by_key(|route| route.0);
        routes.dedup_by_key(|route| route.0);
        tables.push(routes);
    }
    let pairs = (0..3000).map(|_| {
        let table = draw() as usize % tables.len();
        let near = tables[table][draw() as usize % tables[table].len()].0.bits().widen();
        (TableId::from_index(table), A::narrow(near ^ (draw() & 0x1ff)))
    });
    let (ids, keys) = pairs.unzip();
    (tables, ids, keys)
}

fn walks_agree<A: TreeKey>() {
    let (tables, ids, keys) = drawn::<A>();
    // At the level of gathers some would be short.
    let options = Options { isa: Isa::PORTABLE, ..Options::default() };
    let forest = Forest::build(&tables[..], options).expect("ordered routes");
    let answer = |id, key| forest.lookup(id, key).unwrap_or(NO_ROUTE);
    for (nodes, values) in [(false, false), (false, true), (true, false), (true, true)] {
        let far = Far { nodes, values };
        let mut values = vec![0; keys.len()];
        if forest.store.reader(forest.isa, forest.store.values()).sparse_as_far(far, &ids, &keys, &mut values).is_none()
        {
            return;
        }
        for ((&id, &key), &value) in ids.iter().zip(&keys).zip(&values) {
            assert_eq!(value, answer(id, key), "{far:?}, {id:?}, {key:?}");
        }
        forest
            .store
            .reader(forest.isa, forest.store.values())
            .sparse_as_far(far, &ids[..1], &keys, &mut values)
            .expect("as before");
        assert!(keys.iter().zip(&values).all(|(&key, &value)| value == answer(ids[0], key)), "{far:?}");
    }
}

#[test]
fn how_far_away_a_forest_is_changes_no_answer() {
    walks_agree::<u32>();
    walks_agree::<u128>();
}

/// A fan as full as it may be: prefixes of `len` bits, `step` of them apart, under one slot of a root that two prefixes far
/// away make coarse; looked up on both sides of every boundary.
fn fans_agree<A: TreeKey>(len: u8, step: u128, prefixes: u128) {
    let unit = u32::from(A::BITS - len);
    let bits = |high: u128, low: u128| A::narrow(high << (A::BITS - 8) | low << unit);
    let far = [0x01, 0xfe].map(|high| (Prefix::containing(bits(high, 0), 8), 60));
    let near = (0..prefixes).map(|at| (Prefix::containing(bits(0x20, at * step + 1), len), (at % 50) as u32));
    let mut routes: Vec<_> = near.chain(far).collect();
    routes.sort_by_key(|route| route.0);
    let keys: Vec<A> = (0..prefixes)
        .flat_map(|at| [0, 1, 2].map(|on| bits(0x20, at * step + on)))
        .flat_map(|key| [key, A::narrow(key.widen() - 1)])
        .collect();
    let (tables, ids) = ([routes], vec![TableId(0); keys.len()]);
    let linear = Linear::build(&tables[..]).expect("ordered routes");
    for isa in Isa::available() {
        let forest = Forest::build(&tables[..], Options { isa, ..Options::default() }).expect("ordered routes");
        let (mut values, mut mixed) = (vec![0; keys.len()], vec![0; keys.len()]);
        forest.lookup_batch(TableId(0), &keys, &mut values);
        forest.lookup_mixed(&ids, &keys, &mut mixed);
        for ((&key, value), mixed) in keys.iter().zip(values).zip(mixed) {
            let expected = linear.lookup(TableId(0), key).unwrap_or(NO_ROUTE);
            assert_eq!((value, mixed), (expected, expected), "{} {key:?}", isa.name());
        }
    }
}

/// Dense tables alone, so that batches of any mix are the walk of dense tables: with codes of one and of two bytes, and with
/// children below every third slot or hardly any.
fn dense_walks_agree(values: &[u32], deep: u32) {
    let table = |values: u32| -> Vec<(Prefix<u32>, u32)> {
        let route = |index: u32| {
            let len = if index.is_multiple_of(deep) { 24 + (index / 7 % 9) as u8 } else { 24 };
            (Prefix::containing(0x0a00_0000 + (index << 8), len), index.wrapping_mul(2_654_435_761) % values)
        };
        (0..30_000).map(route).collect()
    };
    let tables: Vec<_> = values.iter().map(|&values| table(values)).collect();
    let linear = super::super::tree_bitmap::TreeBitmap::build(&tables[..]).expect("ordered routes");
    let keys: Vec<u32> = (0..3000_u32).map(|at| 0x0a00_0000 + at.wrapping_mul(0x9e37_79b1) % (31_000 << 8)).collect();
    let ids: Vec<TableId> = (0..keys.len()).map(|at| TableId::from_index(at * 7 % tables.len())).collect();
    let mut expected = vec![0; keys.len()];
    linear.lookup_mixed(&ids, &keys, &mut expected);
    for isa in Isa::available() {
        // Those would have halves.
        let options = Options { isa: Isa::PORTABLE, ..Options::default() };
        let forest = Forest { isa, ..Forest::build(&tables[..], options).expect("ordered routes") };
        for table in (0..tables.len()).map(TableId::from_index) {
            let kind = forest.store.describe(table).map(|(shape, ..)| shape.kind);
            assert_eq!(kind, Some(shape::Kind::Dense), "what this is about");
        }
        let mut found = vec![1; keys.len()];
        forest.lookup_mixed(&ids, &keys, &mut found);
        assert_eq!(found, expected, "{}, {values:?}, {deep}", isa.name());
        // With an id beyond among them.
        let mut beyond = ids.clone();
        beyond[1500] = TableId::from_index(tables.len());
        forest.lookup_mixed(&beyond, &keys, &mut found);
        assert_eq!((found[1499], found[1500], found[1501]), (expected[1499], NO_ROUTE, expected[1501]));
    }
}

#[test]
fn oracle_dense_tables() {
    dense_walks_agree(&[60, 50, 7], 1000);
    dense_walks_agree(&[60, 1000], 1000);
    dense_walks_agree(&[60, 1000], 12);
    dense_walks_agree(&[60], 5);
}

/// Small tables of neighbours, with some prefixes deep below others, then one of prefixes far apart, and three big ones; the second
/// with many answers, the third without deep prefixes. `values` is how many there are, `apart` how far the answers of tables differ.
fn tables_of_all_kinds<A: TreeKey>(values: u32, apart: u32) -> Vec<Vec<(Prefix<A>, u32)>> {
    // Children of entries of one byte; of two that do not lie too far behind.
    let (unit, deep) = if A::BITS == 32 { (24, 8) } else { (46, 40) };
    let base: u128 = if A::BITS == 32 { 0x0a00_0000 } else { 0x2a00_1230 << 96 };
    let mut tables: Vec<Vec<(Prefix<A>, u32)>> = Vec::new();
    for (table, count) in [(0..24, 250), (24..25, 300), (25..28, 20_000)] {
        for table in table {
            // So that few levels are below the root.
            let unit = unit.min(if table == 27 {
                34
            } else if table < 25 {
                36
            } else {
                128
            });
            // So that children lie far behind their node.
            let deep = if table == 3 { 4 } else { deep };
            let route = |index: u32| {
                let hash = (index ^ table << 8).wrapping_mul(2_654_435_761);
                let len = match index % deep {
                    // Deeper than vectors walk, in IPv6 beyond the first 64 bits.
                    7 if table == 25 && index.is_multiple_of(3) => A::BITS - (hash >> 5) as u8 % 3,
                    1 if table == 3 => unit + 8,
                    5 if table < 27 => unit + 8 - (hash >> 3) as u8 % 2 * 3,
                    _ => unit - (hash >> 7) as u8 % 3,
                };
                let stride = if table == 24 { 0x3_5001 } else { 1 + hash % 2 };
                let low = (u128::from(index * 2 + table * 64) * u128::from(stride)) << (A::BITS - unit);
                let values = if table == 26 { 1000 } else { values };
                let bits = A::narrow(base.wrapping_add(low) | u128::from(hash % 200));
                (Prefix::containing(bits, len), hash % values + table * apart)
            };
            let mut routes: Vec<_> = (0..count).map(route).collect();
            routes.sort_by_key(|route| route.0);
            routes.dedup_by_key(|route| route.0);
            tables.push(routes);
        }
    }
    tables
}

/// `width` is that of the entries of small tables.
fn halves_agree<A: TreeKey>(values: u32, apart: u32, width: usize) {
    let tables = tables_of_all_kinds::<A>(values, apart);
    let keys: Vec<(TableId, A)> = (0..5000_u32)
        .map(|at| {
            let table = [at % 29, at % 24, 25 + at / 4 % 3, at % 31][at as usize % 4];
            let routes = &tables[(table as usize).min(tables.len() - 1)];
            let near = routes[(at as usize).wrapping_mul(7919) % routes.len()].0;
            let key = match at % 5 {
                0 => near.bits().widen().wrapping_sub(1),
                1 => near.last().widen().wrapping_add(1),
                2 => u128::from(at).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
                _ => near.bits().widen() | (u128::from(at) % 256) & !A::mask(near.len()).widen(),
            };
            (TableId(table), A::narrow(key))
        })
        .collect();
    let deep = tables[25].iter().filter(|(prefix, _)| prefix.len() + 3 > A::BITS).flat_map(|(prefix, _)| {
        let bits = prefix.bits().widen();
        [bits.wrapping_sub(1), bits, bits + 1].map(|key| (TableId(25), A::narrow(key)))
    });
    let (ids, keys): (Vec<_>, Vec<_>) = keys.into_iter().chain(deep).unzip();
    let oracle = super::super::tree_bitmap::TreeBitmap::build(&tables[..]).expect("ordered routes");
    let expected: Vec<u32> =
        ids.iter().zip(&keys).map(|(&id, &key)| oracle.lookup(id, key).unwrap_or(NO_ROUTE)).collect();
    let all = [Nodes::Gathered, Nodes::Octets, Nodes::Lined];
    let own = if values > 191 { 2 } else { 1 };
    let levels = Isa::available().flat_map(|isa| all.map(|nodes| (isa, nodes)));
    for (isa, nodes) in levels {
        let plan = Plan { huge_pages: false, keep_lens: false, nodes };
        let forest = Forest { store: build::build(&tables[..], plan).expect("ordered routes").0, isa };
        let kind = |table| forest.store.describe(TableId(table)).map(|(shape, width, ..)| (shape.kind, width));
        let kinds = [0, 23, 24, 25, 26, 27].map(|table| kind(table).expect("a table"));
        let neighbours = if nodes == Nodes::Lined { shape::Kind::Sparse } else { shape::Kind::Short };
        let width = if nodes == Nodes::Lined { own } else { width };
        let small = [neighbours, neighbours, shape::Kind::Sparse].map(|kind| (kind, width));
        let deep = if A::BITS == 32 { shape::Kind::Halved } else { shape::Kind::Paired };
        let big = match nodes {
            Nodes::Gathered => [(deep, own), (deep, 2), (shape::Kind::Halved, own)],
            _ => [own, 2, own].map(|width| (shape::Kind::Dense, width)),
        };
        assert_eq!((&kinds[..3], &kinds[3..]), (&small[..], &big[..]), "what this is about");
        // Of all kinds, of those that briefs tell nearly all of, of short ones alone, and of big ones of both widths.
        let mut found = vec![1; keys.len()];
        forest.lookup_mixed(&ids, &keys, &mut found);
        assert_eq!(found, expected, "{} {values}", isa.name());
        let some = |few: &dyn Fn(usize, u32) -> bool| -> Vec<usize> {
            (0..keys.len()).filter(|&at| few(at, ids[at].0)).collect()
        };
        for places in [
            some(&|at, id| id < 24 || (id < 31 && at.is_multiple_of(50))),
            some(&|_, id| id < 24),
            some(&|_, id| id == 25 || id == 26),
        ] {
            let (ids, keys): (Vec<_>, Vec<_>) = places.iter().map(|&at| (ids[at], keys[at])).unzip();
            let mut found = vec![1; keys.len()];
            forest.lookup_mixed(&ids, &keys, &mut found);
            let expected: Vec<u32> = places.iter().map(|&at| expected[at]).collect();
            assert_eq!(found, expected, "{} {values}", isa.name());
        }
        for table in [0, 11, 24, 25, 26, 27, 28].map(TableId) {
            forest.lookup_batch(table, &keys, &mut found);
            for (&key, &value) in keys.iter().zip(&found) {
                let expected = oracle.lookup(table, key).unwrap_or(NO_ROUTE);
                assert_eq!(value, expected, "{} {values} {table:?} {key:?}", isa.name());
            }
        }
    }
}

#[test]
fn oracle_halves() {
    // Values that vectors hold, one more, too many for that; a dictionary for every few tables; one for all small ones, since
    // each has many or since all have.
    for (values, apart, width) in [(64, 0, 1), (65, 0, 1), (150, 0, 1), (10, 10, 1), (1000, 0, 2), (40, 40, 2)] {
        halves_agree::<u32>(values, apart, width);
        halves_agree::<u128>(values, apart, width);
    }
}

/// Short tables with entries of one byte and of two, which briefs tell of one kind only: so many answers that there is no common
/// dictionary, then some tables with few. Batches of the first, of the others, and of both.
fn both_widths_agree(few: u32) {
    const MANY: u32 = 115;
    let table = |number: u32| -> Vec<(Prefix<u32>, u32)> {
        let route = |at: u32| {
            let value = if number < MANY { number * 300 + at } else { at * 7 % 50 };
            (Prefix::containing(((number + 1) << 20) + (at << 8), 24 + (at % 5 / 4 * 4) as u8), value)
        };
        (0..300).map(route).collect()
    };
    let tables: Vec<_> = (0..MANY + few).map(table).collect();
    let oracle = super::super::tree_bitmap::TreeBitmap::build(&tables[..]).expect("ordered routes");
    for nodes in [Nodes::Gathered, Nodes::Octets] {
        let plan = Plan { huge_pages: false, keep_lens: false, nodes };
        let mut forest =
            Forest { store: build::build(&tables[..], plan).expect("ordered routes").0, isa: Isa::PORTABLE };
        let kind = |table| forest.store.describe(TableId(table)).map(|(shape, width, ..)| (shape.kind, width));
        let kinds = [0, MANY].map(kind);
        assert_eq!(kinds, [2, 1].map(|width| Some((shape::Kind::Short, width))), "what this is about");
        for (isa, (from, to)) in
            Isa::available().flat_map(|isa| [(0, MANY), (MANY, MANY + few), (0, MANY + few)].map(|of| (isa, of)))
        {
            forest.isa = isa;
            let drawn = (0..2000_u32).map(|at| at.wrapping_mul(2_654_435_761));
            let (ids, keys): (Vec<TableId>, Vec<u32>) = drawn
                .map(|hash| (TableId(from + (hash >> 7) % (to - from)), hash))
                .map(|(id, hash)| (id, ((id.0 + 1) << 20) + (hash & 0x1_ffff)))
                .unzip();
            let (mut found, mut expected) = (vec![1; keys.len()], vec![0; keys.len()]);
            forest.lookup_mixed(&ids, &keys, &mut found);
            oracle.lookup_mixed(&ids, &keys, &mut expected);
            assert_eq!(found, expected, "{} {nodes:?} {from} to {to}", isa.name());
        }
    }
}

#[test]
fn oracle_children_far_behind_a_node_of_wide_entries() {
    // A coarse root, since prefixes are far apart; below one of its slots a node with forty children, which take kilobytes.
    let table = |number: u32| -> Vec<(Prefix<u32>, u32)> {
        let shallow = (1..300).map(|at| Prefix::containing(at * 0x00c0_0000, 16));
        let deep = (0..120).map(|at| Prefix::containing(0x1204_0000 + ((at / 3) << 12) + ((at % 3) << 8), 24));
        let mut all: Vec<_> = shallow.chain(deep).zip((0..).map(|at| (at * 7 + number) % 400)).collect();
        all.sort_by_key(|route| route.0);
        all.dedup_by_key(|route| route.0);
        all
    };
    let tables: Vec<_> = (0..3).map(table).collect();
    let oracle = super::super::tree_bitmap::TreeBitmap::build(&tables[..]).expect("ordered routes");
    let near = tables[0].iter().flat_map(|(prefix, _)| [prefix.bits() - 1, prefix.bits(), prefix.last() + 1]);
    let keys: Vec<u32> = near.collect();
    let ids: Vec<TableId> = (0..keys.len()).map(|at| TableId::from_index(at % 3)).collect();
    let (mut found, mut expected) = (vec![1; keys.len()], vec![0; keys.len()]);
    for nodes in [Nodes::Gathered, Nodes::Octets] {
        let plan = Plan { huge_pages: false, keep_lens: false, nodes };
        let store = build::build(&tables[..], plan).expect("ordered routes").0;
        let mut forest = Forest { store, isa: Isa::PORTABLE };
        let kind = forest.store.describe(TableId(1)).map(|(shape, width, ..)| (shape.kind, width));
        assert_eq!(kind, Some((shape::Kind::Short, 2)), "what this is about");
        for isa in Isa::available() {
            forest.isa = isa;
            oracle.lookup_mixed(&ids, &keys, &mut expected);
            forest.lookup_mixed(&ids, &keys, &mut found);
            assert_eq!(found, expected, "{} {nodes:?}, mixed", isa.name());
            oracle.lookup_batch(TableId(1), &keys, &mut expected);
            forest.lookup_batch(TableId(1), &keys, &mut found);
            assert_eq!(found, expected, "{} {nodes:?}", isa.name());
        }
    }
}

#[test]
fn oracle_short_tables_of_both_widths() {
    both_widths_agree(40);
    both_widths_agree(200);
}

/// Six tables of roots with many slots among small ones: in a batch each of four is by itself. Then some are changed, which are not what
/// they were after that.
fn big_and_small_agree<A: TreeKey>(nodes: Nodes) {
    let prefix = |bits: u128, len: u8| Prefix::containing(A::narrow(bits << (A::BITS - 32)), len);
    let big = |number: u32| -> Vec<(Prefix<A>, u32)> {
        let route = |at: u32| {
            let hash = (at ^ number).wrapping_mul(2_654_435_761) >> 16;
            let bits = u128::from(at) << 17 | u128::from(hash % 7) << 12;
            (prefix(bits, 20 + (hash % 5) as u8), hash % 60 + number)
        };
        (1..20_000).map(route).collect()
    };
    let small = |number: u32| -> Vec<(Prefix<A>, u32)> {
        let route = |at: u32| (prefix(0x0a00_0000 | u128::from(number << 16 | at << 9), 24), (at ^ number) % 50);
        (0..60).map(route).collect()
    };
    let mut tables: Vec<_> = (0..6).map(big).collect();
    tables.extend((0..60).map(small));
    let plan = Plan { huge_pages: false, keep_lens: true, nodes };
    let (store, lens) = build::build(&tables[..], plan).expect("ordered routes");
    let forest = Forest { store, isa: Isa::PORTABLE };
    let mut forest = MatchForest { forest, matches: Matches::of(lens), changes: Changes::default() };
    let drawn = |at: u32| at.wrapping_mul(2_654_435_761);
    let (ids, keys): (Vec<TableId>, Vec<A>) = (0..5000_u32)
        .map(|at| {
            let (hash, table) = (drawn(at), if at % 3 == 0 { at / 3 % 6 } else { at % 67 });
            let near = tables[(table as usize).min(tables.len() - 1)][hash as usize % 59].0.bits().widen();
            let far = u128::from(hash) << (A::BITS - 32);
            (TableId(table), A::narrow(if at % 2 == 0 && table > 5 { near } else { far }))
        })
        .chain((0..66).map(|table| (TableId(table), tables[table as usize][30].0.bits())))
        .unzip();
    for changed in [None, Some(7), Some(1), Some(65), Some(0), Some(2), Some(3), Some(4), Some(5)] {
        if let Some(table) = changed {
            let route = &mut tables[table as usize][30];
            route.1 = 7_000 + table;
            forest.insert(TableId(table), route.0, route.1).expect("a change that fits");
        }
        let oracle = super::super::tree_bitmap::TreeBitmap::build(&tables[..]).expect("ordered routes");
        let (mut found, mut expected) = (vec![1; keys.len()], vec![0; keys.len()]);
        oracle.lookup_mixed(&ids, &keys, &mut expected);
        for isa in Isa::available() {
            forest.forest.isa = isa;
            forest.lookup_mixed(&ids, &keys, &mut found);
            assert_eq!(found, expected, "{} {nodes:?} {changed:?}", isa.name());
            let (small, of_small): (Vec<_>, Vec<_>) = ids.iter().zip(&keys).filter(|(id, _)| id.0 > 5).unzip();
            let mut values = vec![1; small.len()];
            forest.lookup_mixed(&small, &of_small, &mut values);
            let expected = ids.iter().zip(&expected).filter(|(id, _)| id.0 > 5).map(|(_, &value)| value);
            assert!(expected.eq(values), "{} {nodes:?} {changed:?}, small ones", isa.name());
        }
    }
}

#[test]
fn oracle_big_tables_among_small_ones() {
    for nodes in [Nodes::Gathered, Nodes::Octets, Nodes::Lined, Nodes::Changing] {
        big_and_small_agree::<u32>(nodes);
        big_and_small_agree::<u128>(nodes);
    }
}

/// Tables that were not built for changes are changed: each once as a whole, then in place.
fn first_changes_agree<A: TreeKey>(nodes: Nodes, values: u32) {
    let mut tables = tables_of_all_kinds::<A>(values, 0);
    let plan = Plan { huge_pages: false, keep_lens: true, nodes };
    let (store, lens) = build::build(&tables[..], plan).expect("ordered routes");
    let forest = Forest { store, isa: Isa::fastest() };
    let mut forest = MatchForest { forest, matches: Matches::of(lens), changes: Changes::default() };
    for index in [0, 7, 24, 25, 26, 27] {
        let (table, routes) = (TableId(index), &mut tables[index as usize]);
        let (kind, count) = (forest.forest.store.describe(table).map(|(shape, ..)| shape.kind), routes.len());
        for place in [count / 2, count / 3, count - 1] {
            let change = forest.insert(table, routes[place].0, 7_000).expect("a change that fits");
            let is_first = place == count / 2 && kind.is_some_and(|kind| !kind.changes());
            assert!(change.whole || !is_first, "{nodes:?} {kind:?} {place}");
            routes[place].1 = 7_000;
        }
        let removed = routes.remove(count / 4).0;
        let around =
            routes.iter().rev().filter(|(route, _)| route.len() < removed.len() && route.last() >= removed.last());
        let cover = around.filter(|(route, _)| route.bits() <= removed.bits()).max_by_key(|(route, _)| route.len());
        let cover = cover.map(|&(route, value)| Match { value, len: route.len() });
        forest.remove(table, removed, cover).expect("a change that fits");
    }
    let oracle = super::super::tree_bitmap::TreeBitmap::build(&tables[..]).expect("ordered routes");
    for (index, routes) in tables.iter().enumerate() {
        let table = TableId::from_index(index);
        for key in routes.iter().flat_map(|(prefix, _)| [prefix.bits(), prefix.last()]) {
            assert_eq!(forest.lookup_match(table, key), oracle.lookup_match(table, key), "{nodes:?} {index} {key:?}");
        }
    }
}

#[test]
fn oracle_a_table_that_becomes_dense_among_sparse_ones() {
    let route = |at: u32| (Prefix::containing(0x0a00_0000 + (at << 8), 24), at * 7 % 50);
    let mut tables = [(0..100).map(route).collect(), (0..16_300).map(route).collect::<Vec<_>>()];
    let mut forest =
        MatchForest::build(&tables[..], Options { isa: Isa::PORTABLE, ..Options::default() }).expect("ordered routes");
    let kind = |forest: &MatchForest<u32>| forest.forest.store.describe(TableId(1)).map(|(shape, ..)| shape.kind);
    assert_eq!(kind(&forest), Some(shape::Kind::Sparse), "what this is about");
    for at in 16_300..16_500 {
        let (prefix, value) = route(at);
        forest.insert(TableId(1), prefix, value).expect("a change that fits");
        tables[1].push((prefix, value));
    }
    assert_eq!(kind(&forest), Some(shape::Kind::Dense), "what this is about");
    let keys: Vec<u32> = (0..3000_u32).map(|at| 0x0a00_0000 + at.wrapping_mul(2_654_435_761) % (16_600 << 8)).collect();
    let ids: Vec<TableId> = (0..3000).map(|at| TableId(at % 3)).collect();
    let (mut found, mut expected) = (vec![1; keys.len()], vec![0; keys.len()]);
    super::super::tree_bitmap::TreeBitmap::build(&tables[..]).expect("ordered routes").lookup_mixed(
        &ids,
        &keys,
        &mut expected,
    );
    for isa in Isa::available() {
        forest.forest.isa = isa;
        forest.lookup_mixed(&ids, &keys, &mut found);
        assert_eq!(found, expected, "{}", isa.name());
    }
}

#[test]
fn oracle_first_changes() {
    for (nodes, values) in [Nodes::Octets, Nodes::Gathered].map(|nodes| [(nodes, 60), (nodes, 1000)]).concat() {
        first_changes_agree::<u32>(nodes, values);
        first_changes_agree::<u128>(nodes, values);
    }
}

#[test]
fn oracle_full_fans() {
    // 12 boundaries of four bytes a line, 17 lines; 21 of two, 32 lines.
    fans_agree::<u128>(36, 1 << 8, 102);
    fans_agree::<u32>(22, 12, 336);
}
