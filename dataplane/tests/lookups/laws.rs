//! What every forest must hold.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::collection::vec;
use proptest::test_runner::{Config, TestRunner};
use vrfleak_dataplane::lpm::{Lookup, LookupMatch, NO_ROUTE, TableId, TreeKey};
use vrfleak_engine::Prefix;

use crate::random::{Routes, address, keys, ordered, routes};
use crate::{Build, Subject, oracle};

/// Every way to ask gives the oracle's answers: one by one, in one table, in any mix, and with lengths.
fn agree<A: TreeKey>(tables: &[Routes<A>], subject: &Subject<A>, random: &[A]) {
    let (oracle, forest) = (oracle(tables), subject.lookup());
    let (ids, keys) = keys(tables, random);
    let mut expected = vec![0; keys.len()];
    oracle.lookup_mixed(&ids, &keys, &mut expected);
    assert_eq!(forest.tables(), tables.len());
    let mut values = vec![1; keys.len()];
    forest.lookup_mixed(&ids, &keys, &mut values);
    assert_eq!(values, expected, "mixed");
    for ((&id, &key), &expected) in ids.iter().zip(&keys).zip(&expected) {
        assert_eq!(forest.lookup(id, key).unwrap_or(NO_ROUTE), expected, "{id:?} {key:x?}");
        if let Some(forest) = subject.lookup_match() {
            assert_eq!(forest.lookup_match(id, key), oracle.lookup_match(id, key), "{id:?} {key:x?}");
        }
    }
    if let Some(forest) = subject.lookup_match() {
        matches_agree(forest, &oracle, (&ids, &keys));
    }
    for table in (0..=tables.len()).map(TableId::from_index) {
        let mut values = vec![1; keys.len()];
        forest.lookup_batch(table, &keys, &mut values);
        for (&key, &value) in keys.iter().zip(&values) {
            assert_eq!(value, oracle.lookup(table, key).unwrap_or(NO_ROUTE), "{table:?} {key:x?}");
        }
    }
}

/// Batches with lengths, in any mix and in the table of the last key, give the oracle's answers.
fn matches_agree<A: TreeKey>(
    forest: &dyn LookupMatch<A>,
    oracle: &impl LookupMatch<A>,
    (ids, keys): (&[TableId], &[A]),
) {
    let fresh = || (vec![99; keys.len()], vec![1; keys.len()]);
    let ((mut lens, mut values), mut expected) = (fresh(), fresh());
    forest.lookup_match_mixed(ids, keys, &mut lens, &mut values);
    oracle.lookup_match_mixed(ids, keys, &mut expected.0, &mut expected.1);
    assert_eq!((lens, values), expected, "lengths and values, mixed");
    let Some(&last) = ids.last() else { return };
    let (mut lens, mut values) = fresh();
    forest.lookup_match_batch(last, keys, &mut lens, &mut values);
    oracle.lookup_match_batch(last, keys, &mut expected.0, &mut expected.1);
    assert_eq!((lens, values), expected, "lengths and values of {last:?}");
}

/// Random tables, random keys.
pub(crate) fn random_tables<A: TreeKey>(build: Build<A>) {
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let seed = proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, seed);
    let input = (vec(routes::<A>(), 0..5), vec(address::<A>(), 1..80));
    let run = runner.run(&input, |(tables, random)| {
        if let Some(subject) = build(&tables) {
            agree(&tables, &subject, &random);
        }
        Ok(())
    });
    if let Err(error) = run {
        panic!("{error}");
    }
}

/// Tables that are all of one kind: every length alone, a chain of every length at both ends, equal neighbours, the
/// default route alone and beside others, and none.
pub(crate) fn tables_of_one_kind<A: TreeKey>(build: Build<A>) {
    let at = |bits: A, len| Prefix::containing(bits, len);
    let alone = (0..=A::BITS).map(|len| vec![(at(A::MAX, len), 7)]);
    let chain = |bits: A| ordered((0..=A::BITS).map(|len| (at(bits, len), u32::from(len))).collect());
    let shift = u32::from(A::BITS) - 24;
    let neighbours = |value: fn(u32) -> u32| {
        (0..200_u32).map(|index| (at(A::narrow(u128::from(0x0a_0000 + index)) << shift, 24), value(index))).collect()
    };
    // A lone route that is aligned to little, and behind it prefixes aligned to much.
    let staggered = |len: u8| {
        let first = (at(A::narrow(0x01_0405) << shift, 24), 99);
        let wide = (2..40_u32).map(|index| (at(A::narrow(index.into()) << (u32::from(A::BITS) - 8), len), index));
        ordered(std::iter::once(first).chain(wide).collect())
    };
    let default = |mut routes: Routes<A>, value| {
        routes.insert(0, (Prefix::DEFAULT, value));
        routes
    };
    let mut tables: Vec<Routes<A>> = alone.collect();
    tables.extend([chain(A::ZERO), chain(A::MAX), chain(A::narrow(0x5555 << (A::BITS / 2)))]);
    tables.extend([neighbours(|_| 4), neighbours(|index| index / 3), neighbours(|index| index)]);
    tables.extend([
        default(neighbours(|_| 4), 4),
        default(neighbours(|_| 4), 5),
        default(vec![], NO_ROUTE - 1),
        vec![],
    ]);
    tables.extend((6..=12).map(staggered));
    let Some(subject) = build(&tables) else { return };
    agree(&tables, &subject, &[A::ZERO, A::MAX, A::narrow(0x0a00_0001), A::narrow(0x0a01 << (A::BITS - 16))]);
}

/// A table dense enough for every level: `values` values over prefixes of 24 bits, some longer, and what lies around.
fn dense<A: TreeKey>(values: u32) -> Routes<A> {
    let shift = u32::from(A::BITS) - 24;
    let routes = (0..6000_u32).map(|index| {
        let bits = A::narrow(u128::from(0x0a_0000 + index)) << shift;
        let len = [24, 24, 25, 24, 21, 24, A::BITS][index as usize % 7];
        (Prefix::containing(bits, len), index.wrapping_mul(2_654_435_761) % values)
    });
    ordered(routes.collect())
}

/// Batches of 0 to 130 keys, from an even and an odd start: two groups of 64, and what is left of a third.
pub(crate) fn every_batch_length<A: TreeKey>(build: Build<A>) {
    let wide = (0..70_000_u32).map(|index| (Prefix::host(A::narrow(u128::from(index * 3))), index)).collect();
    let tables = [dense(5), dense(1000), dense(1), wide];
    let Some(subject) = build(&tables) else { return };
    let forest = subject.lookup();
    let tree = vrfleak_dataplane::lpm::TreeBitmap::build(&tables[..]).expect("ordered routes");
    let ids: Vec<TableId> = (0..131).map(|index| TableId(index % 5)).collect();
    let shift = u32::from(A::BITS) - 32;
    let key = |index: u32| {
        if index % 4 == 3 {
            A::narrow(u128::from(index * 1607))
        } else {
            A::narrow(u128::from(0x0a00_0000 + index * 0x2_1b07)) << shift
        }
    };
    let keys: Vec<A> = (0..131).map(key).collect();
    let expected: Vec<Vec<u32>> = (0..5)
        .map(|table| keys.iter().map(|&key| tree.lookup(TableId(table), key).unwrap_or(NO_ROUTE)).collect())
        .collect();
    for len in 0..=130 {
        for skip in 0..=1 {
            let span = skip..(skip + len).min(keys.len());
            let mut values = vec![1; span.len()];
            forest.lookup_mixed(&ids[span.clone()], &keys[span.clone()], &mut values);
            let wanted: Vec<u32> = span.clone().map(|at| expected[at % 5][at]).collect();
            assert_eq!(values, wanted, "mixed, length {len}");
            if let Some(forest) = subject.lookup_match() {
                matches_agree(forest, &tree, (&ids[span.clone()], &keys[span.clone()]));
            }
            for (table, expected) in (0..).map(TableId).zip(&expected) {
                values.fill(1);
                forest.lookup_batch(table, &keys[span.clone()], &mut values);
                assert_eq!(values, expected[span.clone()], "{table:?}, length {len}");
            }
        }
    }
}

/// Batches of thousands of keys in big tables: of few values and of many, in whole /16s of one and in /24s of several, with
/// longer prefixes in one /24 of a thousand and of three.
pub(crate) fn long_batches<A: TreeKey>(build: Build<A>) {
    const KEYS: usize = 2 * 1024 + 130;
    let shift = u32::from(A::BITS) - 24;
    // Bits behind the first 64, in prefixes that are longer.
    let behind = A::narrow(0x0f0f << 48);
    let table = |values: u32, deep: usize| {
        let routes = (0..40_000_u32).map(|index| {
            let bits = A::narrow(u128::from(0x0a_0000 + index / 20_000 * 0x10_0000 + index % 20_000)) << shift;
            let longer = [24, 25, 26, 27, 28, 30, 32, A::BITS - 1, A::BITS][(index / 7 % 9) as usize];
            let len = if (index as usize).is_multiple_of(deep) { longer } else { 24 };
            let bits = if len > 64 { bits | behind } else { bits };
            (Prefix::containing(bits, len), index.wrapping_mul(2_654_435_761) % values)
        });
        ordered(routes.collect::<Routes<A>>())
    };
    let tables = [table(60, 1000), table(60, 3), table(5000, 3), table(70_000, 50)];
    let Some(subject) = build(&tables) else { return };
    let tree = vrfleak_dataplane::lpm::TreeBitmap::build(&tables[..]).expect("ordered routes");
    // Far apart: keys of no prefix, then keys in them, then both.
    let far = |index: u32| A::narrow(u128::from(index.wrapping_mul(0x9e37_79b1))) << (shift - 8);
    let near = |index: u32| {
        let bits = 0x0a00_0000 + index % 2 * 0x1000_0000 + index.wrapping_mul(0x9e37_79b1) % (20_000 << 8);
        // Every third on a prefix's first address, which alone is within those of all bits, or on the next.
        let first = (A::narrow(u128::from(bits & !255)) << (shift - 8)) | A::narrow(u128::from(index / 3 % 3));
        match index % 6 {
            0 => first | behind,
            3 => first,
            _ => A::narrow(u128::from(bits)) << (shift - 8),
        }
    };
    let draws: [&dyn Fn(u32) -> A; 3] =
        [&far, &near, &|index: u32| if index.is_multiple_of(3) { far(index) } else { near(index) }];
    for (kind, draw) in draws.into_iter().enumerate() {
        let keys: Vec<A> = (0..KEYS as u32).map(draw).collect();
        let ids: Vec<TableId> = (0..KEYS as u32).map(|index| TableId(index.wrapping_mul(77) >> 3 & 3)).collect();
        let (mut values, mut expected) = (vec![1; KEYS], vec![2; KEYS]);
        if let Some(forest) = subject.lookup_match() {
            // Longer than what is told apart at a time.
            matches_agree(forest, &tree, (&ids.repeat(4), &keys.repeat(4)));
        }
        for (len, skip) in [(KEYS, 0), (KEYS - 5, 3), (1024, 1), (1023, 0), (1153, 0)] {
            let span = skip..skip + len;
            tree.lookup_mixed(&ids[span.clone()], &keys[span.clone()], &mut expected[..len]);
            subject.lookup().lookup_mixed(&ids[span.clone()], &keys[span.clone()], &mut values[..len]);
            assert_eq!(values[..len], expected[..len], "mixed, keys {kind}, {len} from {skip}");
            if let Some(forest) = subject.lookup_match() {
                matches_agree(forest, &tree, (&ids[span.clone()], &keys[span.clone()]));
            }
            for table in (0..5).map(TableId) {
                tree.lookup_batch(table, &keys[span.clone()], &mut expected[..len]);
                subject.lookup().lookup_batch(table, &keys[span.clone()], &mut values[..len]);
                assert_eq!(values[..len], expected[..len], "{table:?}, keys {kind}, {len} from {skip}");
            }
        }
    }
}

/// Numbers of values on both sides of each width of a code.
pub(crate) fn widths_of_codes<A: TreeKey>(build: Build<A>) {
    for count in [189, 190, 191, 192, 253, 254, 255, 256, 65_471, 65_472, 65_533, 65_534, 65_535, 65_536, 65_537] {
        let routes: Routes<A> =
            (0..count).map(|value| (Prefix::host(A::narrow(u128::from(value) * 2)), value)).collect();
        let Some(subject) = build(&[routes]) else { return };
        for value in [0, 1, 189, 190, 191, 192, 253, 254, 255, 256, count - 1].into_iter().filter(|&v| v < count) {
            let key = u128::from(value) * 2;
            assert_eq!(subject.lookup().lookup(TableId(0), A::narrow(key)), Some(value), "{count} values");
            assert_eq!(subject.lookup().lookup(TableId(0), A::narrow(key + 1)), None, "{count} values");
        }
    }
}

/// Slices that do not fit each other are a panic, whatever the table.
pub(crate) fn slices_of_different_length<A: TreeKey>(build: Build<A>) {
    let Some(subject) = build(&[dense(5)]) else { return };
    let forest = AssertUnwindSafe(subject.lookup());
    let refused = |ask: &dyn Fn()| {
        let panic = catch_unwind(AssertUnwindSafe(ask)).expect_err("slices of different length");
        let text = panic.downcast_ref::<String>().map_or_else(String::new, Clone::clone);
        assert!(text.contains("a key"), "{text}");
    };
    for table in [TableId(0), TableId(1)] {
        refused(&|| forest.lookup_batch(table, &[A::ZERO; 2], &mut [0]));
        refused(&|| forest.lookup_mixed(&[table; 2], &[A::ZERO; 2], &mut [0]));
        refused(&|| forest.lookup_mixed(&[table], &[A::ZERO; 2], &mut [0; 2]));
        let Some(forest) = subject.lookup_match() else { continue };
        refused(&|| forest.lookup_match_batch(table, &[A::ZERO; 2], &mut [0; 2], &mut [0]));
        refused(&|| forest.lookup_match_batch(table, &[A::ZERO; 2], &mut [0], &mut [0; 2]));
        refused(&|| forest.lookup_match_mixed(&[table; 2], &[A::ZERO; 2], &mut [0; 2], &mut [0]));
        refused(&|| forest.lookup_match_mixed(&[table; 2], &[A::ZERO; 2], &mut [0], &mut [0; 2]));
        refused(&|| forest.lookup_match_mixed(&[table], &[A::ZERO; 2], &mut [0; 2], &mut [0; 2]));
    }
}
