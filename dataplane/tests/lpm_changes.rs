//! Changes of a forest, one prefix at a time, against a forest built from nothing after every step.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use vrfleak_dataplane::lpm::{
    BuildError, Lookup, LookupMatch, Match, MatchForest, NO_ROUTE, Options, TableId, TreeBitmap, TreeKey,
};
use vrfleak_engine::Prefix;

#[expect(dead_code, reason = "the inputs of all suites over tables")]
#[path = "lookups/random.rs"]
mod random;

use self::random::address;

type Table<A> = BTreeMap<Prefix<A>, u32>;

/// Prefixes near each other, at the ends of the address space, and anywhere.
fn prefix<A: TreeKey>() -> impl Strategy<Value = Prefix<A>> {
    (address::<A>(), 0..=A::BITS).prop_map(|(bits, len)| Prefix::containing(bits, len))
}

/// A step: the table, the prefix, and the value that it gets, or a removal.
type Step<A> = (usize, Prefix<A>, Option<u32>);

fn steps<A: TreeKey>(most: usize) -> impl Strategy<Value = Vec<Step<A>>> {
    let value = prop_oneof![3 => (0_u32..4).prop_map(Some), 2 => (0_u32..100_000).prop_map(Some), 2 => Just(None)];
    vec((0_usize..3, prefix::<A>(), value), 1..most)
}

/// The longest shorter prefix around `prefix`.
fn cover<A: TreeKey>(table: &Table<A>, prefix: Prefix<A>) -> Option<Match> {
    let around = |len| table.get(&Prefix::containing(prefix.bits(), len)).map(|&value| Match { len, value });
    (0..prefix.len()).rev().find_map(around)
}

fn routes<A: TreeKey>(tables: &[Table<A>]) -> Vec<Vec<(Prefix<A>, u32)>> {
    tables.iter().map(|table| table.iter().map(|(&prefix, &value)| (prefix, value)).collect()).collect()
}

/// Compares all answers at the edges of all routes of all tables.
fn agree<A: TreeKey>(forest: &MatchForest<A>, tables: &[Table<A>], extra: &[Prefix<A>]) {
    let routes = routes(tables);
    let fresh = MatchForest::build(&routes[..], Options::default()).expect("ordered routes");
    let oracle = TreeBitmap::build(&routes[..]).expect("ordered routes");
    let all = routes.iter().flatten().map(|&(prefix, _)| prefix).chain(extra.iter().copied());
    let keys: Vec<A> = all
        .flat_map(|prefix| {
            let before = A::narrow(prefix.bits().widen().wrapping_sub(1));
            [before, prefix.bits(), prefix.last(), A::narrow(prefix.last().widen().wrapping_add(1))]
        })
        .chain([A::ZERO, A::MAX])
        .collect();
    for table in (0..=tables.len()).map(TableId::from_index) {
        let (mut values, mut expected) = (vec![1; keys.len()], vec![2; keys.len()]);
        forest.lookup_batch(table, &keys, &mut values);
        fresh.lookup_batch(table, &keys, &mut expected);
        for ((&key, &value), &expected) in keys.iter().zip(&values).zip(&expected) {
            assert_eq!(value, expected, "{table:?} {key:x?}");
            assert_eq!(forest.lookup_match(table, key), oracle.lookup_match(table, key), "{table:?} {key:x?}");
        }
        let mut mixed = vec![1; keys.len()];
        forest.lookup_mixed(&vec![table; keys.len()], &keys, &mut mixed);
        assert_eq!(mixed, expected, "{table:?}, mixed");
        let (mut lens, mut expected_lens) = (vec![99; keys.len()], vec![98; keys.len()]);
        forest.lookup_match_batch(table, &keys, &mut lens, &mut values);
        oracle.lookup_match_batch(table, &keys, &mut expected_lens, &mut expected);
        assert_eq!((&lens, &values), (&expected_lens, &expected), "{table:?}, with lengths");
        lens.fill(97);
        forest.lookup_match_mixed(&vec![table; keys.len()], &keys, &mut lens, &mut mixed);
        assert_eq!((lens, mixed), (expected_lens, expected), "{table:?}, mixed with lengths");
    }
}

fn apply<A: TreeKey>(forest: &mut MatchForest<A>, tables: &mut [Table<A>], (table, prefix, value): Step<A>) {
    let id = TableId::from_index(table);
    if let Some(value) = value {
        tables[table].insert(prefix, value);
        forest.insert(id, prefix, value).expect("a change that fits");
    } else {
        tables[table].remove(&prefix);
        forest.remove(id, prefix, cover(&tables[table], prefix)).expect("a change that fits");
    }
}

fn change<A: TreeKey>(start: &[Step<A>], steps: &[Step<A>]) {
    let mut tables = vec![Table::new(); 3];
    for &(table, prefix, value) in start {
        tables[table].insert(prefix, value.unwrap_or(7));
    }
    let begun = tables;
    for changes in [true, false] {
        let mut tables = begun.clone();
        let options = Options { changes, ..Options::default() };
        let mut forest = MatchForest::build(&routes(&tables)[..], options).expect("ordered routes");
        for &step in steps {
            // Half of the removals shall meet a route.
            let present = tables[step.0].keys().nth(step.1.len() as usize / 2).copied();
            let step = if step.2.is_none() { (step.0, present.unwrap_or(step.1), None) } else { step };
            apply(&mut forest, &mut tables, step);
            agree(&forest, &tables, &[step.1]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn oracle_random_changes_v4(start in steps::<u32>(60), steps in steps::<u32>(16)) {
        change(&start, &steps);
    }

    #[test]
    fn oracle_random_changes_v6(start in steps::<u128>(60), steps in steps::<u128>(16)) {
        change(&start, &steps);
    }
}

/// A table of many lengths with `values` values, big enough for pages and for every width of code.
fn big<A: TreeKey>(routes: u32, values: u32) -> Table<A> {
    let shift = u32::from(A::BITS) - 32;
    (0..routes)
        .map(|index| {
            let bits = A::narrow(u128::from(index.wrapping_mul(0x9e37_79b9)) << shift);
            (Prefix::containing(bits, 12 + (index % 20) as u8), index % values)
        })
        .collect()
}

fn change_big<A: TreeKey>() {
    let mut tables = vec![big::<A>(20_000, 3), big::<A>(20_000, 400), big::<A>(9_000, 8_999)];
    let mut forest = MatchForest::build(&routes(&tables)[..], Options::default()).expect("ordered routes");
    let prefixes: Vec<Prefix<A>> = tables[0].keys().step_by(29).copied().collect();
    let (mut local, mut changes, mut bytes) = (0, 0, Vec::new());
    for round in 0..4 {
        for (index, &prefix) in prefixes.iter().enumerate() {
            let table = index % 3;
            let value = if index % 4 == 1 { None } else { Some(index as u32 * 3) };
            apply(&mut forest, &mut tables, (table, prefix, value));
            let change = forest.insert(TableId(table as u32), prefix, 5).expect("a change that fits");
            tables[table].insert(prefix, 5);
            local += usize::from(!change.whole);
            changes += 1;
        }
        if round == 0 {
            agree(&forest, &tables, &[]);
        }
        bytes.push(forest.bytes());
    }
    agree(&forest, &tables, &[]);
    assert!(local * 10 > changes * 9, "{local} of {changes} changes touched some slots only");
    // What a change frees is there for the next one.
    assert!(bytes[3] <= bytes[0] + bytes[0] / 10, "{bytes:?}");
    assert!(forest.free_bytes() > 0);
}

#[test]
fn oracle_changes_of_big_tables_v4() {
    change_big::<u32>();
}

#[test]
fn oracle_changes_of_big_tables_v6() {
    change_big::<u128>();
}

#[test]
fn a_hidden_prefix_comes_back() {
    let parse = |text: &str| text.parse::<Prefix<u32>>().expect("a prefix");
    let (outer, low, high) = (parse("10.0.0.0/23"), parse("10.0.0.0/24"), parse("10.0.1.0/24"));
    let mut forest =
        MatchForest::build(&[vec![(outer, 1), (low, 2), (high, 3)]][..], Options::default()).expect("ordered routes");
    let cover = Match { len: 23, value: 1 };
    forest.remove(TableId(0), low, Some(cover)).expect("a change");
    assert_eq!(forest.lookup_match(TableId(0), low.bits()), Some(cover));
    assert_eq!(forest.lookup_match(TableId(0), high.bits()), Some(Match { len: 24, value: 3 }));
    let unchanged = forest.remove(TableId(0), low, Some(cover)).expect("no change");
    assert_eq!(unchanged.slots, 0);
}

#[test]
fn what_cannot_be_is_refused() {
    let prefix: Prefix<u32> = "10.0.0.0/8".parse().expect("a prefix");
    let mut forest = MatchForest::build(&[vec![(prefix, 1)]][..], Options::default()).expect("ordered routes");
    let error = forest.insert(TableId(1), prefix, 1).expect_err("no such table");
    assert_eq!(error.to_string(), "no table 1, expected one below 1");
    assert!(matches!(forest.insert(TableId(0), prefix, NO_ROUTE), Err(BuildError::ReservedValue { .. })));
    let cover = Some(Match { len: 8, value: 1 });
    let error = forest.remove(TableId(0), prefix, cover).expect_err("a cover as long");
    assert_eq!(error.to_string(), "a cover of length 8 for `10.0.0.0/8`, expected a shorter prefix");
    assert_eq!(forest.lookup(TableId(0), 0x0a00_0001), Some(1));
}
