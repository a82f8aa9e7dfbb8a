//! Every forest against the linear oracle, on random tables of every kind and at every batch length.

use proptest::collection::vec;
use proptest::prelude::*;
use vrfleak_dataplane::lpm::{
    Forest, Isa, Linear, Lookup, LookupMatch, MatchForest, NO_ROUTE, Options, TableId, TreeBitmap, TreeKey,
};
use vrfleak_engine::Prefix;

#[path = "lookups/random.rs"]
mod random;

use self::random::{Routes, address, keys, routes};

/// Every variant of a forest that this processor can run.
fn variants<A: TreeKey>(tables: &[Routes<A>]) -> Vec<(String, Box<dyn Lookup<A>>)> {
    let mut all: Vec<(String, Box<dyn Lookup<A>>)> =
        vec![("treebitmap".into(), Box::new(TreeBitmap::build(tables).expect("ordered routes")))];
    for isa in Isa::available() {
        for huge_pages in [false, true] {
            let options = Options { isa, huge_pages, ..Options::default() };
            let forest = Forest::build(tables, options).expect("ordered routes");
            all.push((format!("forest {} {huge_pages}", isa.name()), Box::new(forest)));
            let forest = MatchForest::build(tables, options).expect("ordered routes");
            all.push((format!("match forest {}", isa.name()), Box::new(forest)));
        }
    }
    all
}

fn agree<A: TreeKey>(tables: &[Routes<A>], random: &[A]) {
    let oracle = Linear::build(tables).expect("ordered routes");
    let (ids, keys) = keys(tables, random);
    let mut expected = vec![0; keys.len()];
    oracle.lookup_mixed(&ids, &keys, &mut expected);
    let matched = MatchForest::build(tables, Options::default()).expect("ordered routes");
    let tree = TreeBitmap::build(tables).expect("ordered routes");
    for (&id, &key) in ids.iter().zip(&keys) {
        assert_eq!(matched.lookup_match(id, key), oracle.lookup_match(id, key), "{id:?} {key:x?}");
        assert_eq!(tree.lookup_match(id, key), oracle.lookup_match(id, key), "{id:?} {key:x?}");
    }
    for (name, forest) in variants(tables) {
        assert_eq!(forest.tables(), tables.len());
        let mut values = vec![1; keys.len()];
        forest.lookup_mixed(&ids, &keys, &mut values);
        assert_eq!(values, expected, "{name}, mixed");
        for ((&id, &key), &expected) in ids.iter().zip(&keys).zip(&expected) {
            let value = forest.lookup(id, key).unwrap_or(NO_ROUTE);
            assert_eq!(value, expected, "{name}, {id:?} {key:x?}");
        }
        for table in 0..=tables.len() {
            let table = TableId::from_index(table);
            let mut values = vec![1; keys.len()];
            forest.lookup_batch(table, &keys, &mut values);
            for (&key, &value) in keys.iter().zip(&values) {
                assert_eq!(value, oracle.lookup(table, key).unwrap_or(NO_ROUTE), "{name}, {table:?} {key:x?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn oracle_random_tables_v4(tables in vec(routes::<u32>(), 0..5), random in vec(address::<u32>(), 1..80)) {
        agree(&tables, &random);
    }

    #[test]
    fn oracle_random_tables_v6(tables in vec(routes::<u128>(), 0..5), random in vec(address::<u128>(), 1..80)) {
        agree(&tables, &random);
    }
}

/// A table dense enough for every width of code: `values` values over /24s and some /32s.
fn dense(values: u32) -> Routes<u32> {
    let mut routes: Routes<u32> = (0..6000_u32)
        .map(|index| {
            let bits = 0x0a00_0000 + (index << 8);
            let len = if index % 7 == 0 { 32 } else { 24 };
            (Prefix::containing(bits, len), index.wrapping_mul(2_654_435_761) % values)
        })
        .collect();
    routes.sort_unstable();
    routes
}

#[test]
fn oracle_every_batch_length() {
    let tables = [dense(5), dense(1000), dense(1)];
    let wide: Routes<u32> = (0..70_000_u32).map(|index| (Prefix::host(index * 3), index)).collect();
    let tables = [&tables[..], &[wide]].concat();
    let tree = TreeBitmap::build(&tables[..]).expect("ordered routes");
    let ids: Vec<TableId> = (0..131).map(|index| TableId(index % 5)).collect();
    let keys: Vec<u32> =
        (0..131_u32).map(|index| if index % 4 == 3 { index * 1607 } else { 0x0a00_0000 + index * 0x2_1b07 }).collect();
    for (name, forest) in variants(&tables) {
        for len in 0..=130 {
            for skip in 0..=1 {
                let span = skip..(skip + len).min(keys.len());
                let mut values = vec![1; span.len()];
                forest.lookup_mixed(&ids[span.clone()], &keys[span.clone()], &mut values);
                for (index, value) in span.clone().zip(&values) {
                    let expected = tree.lookup(ids[index], keys[index]).unwrap_or(NO_ROUTE);
                    assert_eq!(*value, expected, "{name}, mixed, length {len}");
                }
                for table in 0..4 {
                    forest.lookup_batch(TableId(table), &keys[span.clone()], &mut values);
                    for (index, value) in span.clone().zip(&values) {
                        let expected = tree.lookup(TableId(table), keys[index]).unwrap_or(NO_ROUTE);
                        assert_eq!(*value, expected, "{name}, table {table}, length {len}");
                    }
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "one value a key")]
fn slices_of_different_length_are_refused() {
    let forest = Forest::build(&[dense(5)][..], Options::default()).expect("ordered routes");
    forest.lookup_batch(TableId(0), &[1, 2], &mut [0]);
}

#[test]
fn a_full_width_of_values_needs_no_more_than_its_codes() {
    // 191 values fit one byte with the miss, 192 do not.
    let tables = |values: u32| [(0..values).map(|value| (Prefix::host(value * 2), value)).collect::<Routes<u32>>()];
    for values in [190, 191, 192, 193, 65_471, 65_472, 65_473] {
        let forest = Forest::build(&tables(values)[..], Options::default()).expect("ordered routes");
        for value in [0, 1, 189, 190, 191, 192, values - 1].into_iter().filter(|&value| value < values) {
            assert_eq!(forest.lookup(TableId(0), value * 2), Some(value));
            assert_eq!(forest.lookup(TableId(0), value * 2 + 1), None);
        }
    }
}

/// Host routes and what is around them, enough ranges that a table is built in pieces on several threads.
fn huge<A: TreeKey>(values: u32) -> Routes<A> {
    let shift = u32::from(A::BITS) - 32;
    let mut routes: Routes<A> = (0..80_000_u32)
        .map(|index| {
            let bits = A::narrow(u128::from(index.wrapping_mul(0x9e37_79b9) & !1) << shift);
            let len = if index % 5 == 0 { A::BITS } else { 26 + (index % 6) as u8 };
            (Prefix::containing(bits, len), index % values)
        })
        .collect();
    routes.sort_unstable();
    routes.dedup_by_key(|route| route.0);
    routes
}

fn agree_on_huge_tables<A: TreeKey>() {
    let tables = [huge::<A>(3), huge(300), huge(80_000)];
    let tree = TreeBitmap::build(&tables[..]).expect("ordered routes");
    let keys: Vec<A> = tables[0].iter().step_by(3).flat_map(|(prefix, _)| [prefix.bits(), prefix.last()]).collect();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let forest = pool.install(|| Forest::build(&tables[..], Options::default())).expect("ordered routes");
        let matched = pool.install(|| MatchForest::build(&tables[..], Options::default())).expect("ordered routes");
        for table in (0..tables.len()).map(TableId::from_index) {
            let mut values = vec![1; keys.len()];
            forest.lookup_batch(table, &keys, &mut values);
            for (&key, &value) in keys.iter().zip(&values) {
                assert_eq!(value, tree.lookup(table, key).unwrap_or(NO_ROUTE), "{threads} threads, {table:?} {key:x?}");
                assert_eq!(matched.lookup_match(table, key), tree.lookup_match(table, key), "{table:?} {key:x?}");
            }
        }
    }
}

#[test]
fn oracle_huge_tables_v4() {
    agree_on_huge_tables::<u32>();
}

#[test]
fn oracle_huge_tables_v6() {
    agree_on_huge_tables::<u128>();
}

/// Neighbouring /24s in numbers that make blocks, beside a few prefixes that make lists, in batches of any mix.
#[test]
fn tables_of_both_kinds_share_a_batch() {
    let value = |index: u32| index.wrapping_mul(2_654_435_761) >> 25;
    let dense = |first: u32| -> Routes<u32> {
        (0..40_000).map(|index| (Prefix::containing(first + (index << 8), 24), value(index))).collect()
    };
    let sparse = |count: u32| -> Routes<u32> {
        (0..count).map(|index| (Prefix::containing(index << 23 | 0x40_0000, 20), value(index + count))).collect()
    };
    let tables = [dense(0x0a00_0000), sparse(3), sparse(300), dense(0x5000_0000), Routes::new(), sparse(1)];
    let (mut ids, mut keys, mut state) = (Vec::new(), Vec::new(), 1_u32);
    for index in 0..5_000_u32 {
        state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        let base = [0x0a00_0000, 0x0040_0000, state & 0xffc0_0000, 0x5000_0000][index as usize % 4];
        keys.push(base.wrapping_add(state >> 9));
        // Runs of one kind, too, and tables that are not there.
        ids.push(TableId(if index < 1_000 { state >> 30 } else { (state >> 13) % 8 }));
    }
    let oracle = TreeBitmap::build(&tables[..]).expect("ordered routes");
    for (name, forest) in variants(&tables) {
        for len in [0, 1, 15, 16, 17, 255, 256, 257, 1_000, 5_000] {
            let mut values = vec![1; len];
            forest.lookup_mixed(&ids[..len], &keys[..len], &mut values);
            let expected: Vec<u32> =
                ids.iter().zip(&keys).map(|(&id, &key)| oracle.lookup(id, key).unwrap_or(NO_ROUTE)).take(len).collect();
            assert_eq!(values, expected, "{name}, {len} keys");
        }
    }
}
