//! One suite of laws, stamped on every forest and every instruction level that this processor has.
//!
//! A forest agrees with the linear oracle on random tables of every kind, at every batch length and in any mix of
//! tables; with a table painted address by address over 2^24 addresses; and with `treebitmap` on ten million keys of a
//! real table, where there is one under the folder that `VRFLEAK_SHARED` names or in `../shared`.
#![expect(clippy::unnecessary_wraps, reason = "what makes a variant may have none to make")]

mod laws;
mod random;
mod real;
mod sweep;

use vrfleak_dataplane::lpm::{
    AutoForest, AutoMatchForest, AutoOptions, BuildError, Choice, DirectForest, DirectLayout, Forest, Isa, Linear,
    Lookup, LookupMatch, MatchForest, Options, TableId, Tables, TreeBitmap, TreeKey,
};

use vrfleak_engine::Prefix;

use self::random::Routes;

/// A forest under test.
enum Subject<A: TreeKey> {
    Values(Box<dyn Lookup<A>>),
    Matches(Box<dyn LookupMatch<A>>),
}

impl<A: TreeKey> Subject<A> {
    fn lookup(&self) -> &dyn Lookup<A> {
        match self {
            Self::Values(forest) => &**forest,
            Self::Matches(forest) => &**forest,
        }
    }

    fn lookup_match(&self) -> Option<&dyn LookupMatch<A>> {
        match self {
            Self::Values(_) => None,
            Self::Matches(forest) => Some(&**forest),
        }
    }
}

/// Builds a subject, or returns `None` on a processor that lacks the instructions.
type Build<A> = fn(&[Routes<A>]) -> Option<Subject<A>>;

fn options(isa: Option<Isa>) -> Option<Options> {
    Some(Options { isa: isa?, ..Options::default() })
}

fn forest<A: TreeKey>(tables: &[Routes<A>], isa: Option<Isa>) -> Option<Subject<A>> {
    Some(Subject::Values(Box::new(Forest::build(tables, options(isa)?).expect("ordered routes"))))
}

fn match_forest<A: TreeKey>(tables: &[Routes<A>], isa: Option<Isa>) -> Option<Subject<A>> {
    Some(Subject::Matches(Box::new(MatchForest::build(tables, options(isa)?).expect("ordered routes"))))
}

/// Not built for changes: its tables may be of all kinds.
fn still_forest<A: TreeKey>(tables: &[Routes<A>], isa: Option<Isa>) -> Option<Subject<A>> {
    let options = Options { changes: false, ..options(isa)? };
    Some(Subject::Matches(Box::new(MatchForest::build(tables, options).expect("ordered routes"))))
}

fn small_pages<A: TreeKey>(tables: &[Routes<A>]) -> Option<Subject<A>> {
    let options = Options { huge_pages: false, ..Options::default() };
    Some(Subject::Matches(Box::new(MatchForest::build(tables, options).expect("ordered routes"))))
}

/// `None` too for more next hops than there are codes.
fn direct(tables: &[Routes<u32>], layout: DirectLayout, isa: Option<Isa>) -> Option<Subject<u32>> {
    match DirectForest::build(tables, layout, options(isa)?) {
        Err(BuildError::TooBig { .. }) => None,
        built => Some(Subject::Values(Box::new(built.expect("ordered routes")))),
    }
}

fn auto<A: TreeKey>(tables: &[Routes<A>], choice: Choice) -> Option<Subject<A>> {
    let options = AutoOptions { choice, ..AutoOptions::default() };
    Some(Subject::Values(Box::new(AutoForest::build(tables, options).expect("ordered routes"))))
}

fn auto_match<A: TreeKey>(tables: &[Routes<A>], choice: Choice) -> Option<Subject<A>> {
    let options = AutoOptions { choice, ..AutoOptions::default() };
    Some(Subject::Matches(Box::new(AutoMatchForest::build(tables, options).expect("ordered routes"))))
}

/// Every other table direct: a mixed batch is always split.
fn half_direct(tables: &[Routes<u32>]) -> Option<Subject<u32>> {
    /// The tables at even positions say that they are empty, and are not taken for it.
    struct Hints<'t>(&'t [Routes<u32>]);
    impl Tables<u32> for Hints<'_> {
        fn tables(&self) -> usize {
            self.0.len()
        }

        fn routes_hint(&self, table: TableId) -> usize {
            if table.0.is_multiple_of(2) { 0 } else { self.0[table.index()].len().max(1) }
        }

        fn routes(&self, table: TableId) -> impl Iterator<Item = (Prefix<u32>, u32)> {
            self.0[table.index()].iter().copied()
        }
    }
    let choice = Choice::Direct(DirectLayout::Chunked);
    let options = AutoOptions { choice, ..AutoOptions::default() };
    let forest = AutoForest::build(&Hints(tables), options).expect("ordered routes");
    for (table, id) in tables.iter().zip((0..).map(TableId)) {
        assert!(forest.layout(id).is_some() == (id.0 % 2 == 1) || table.len() > 65_534, "{} routes", table.len());
    }
    Some(Subject::Values(Box::new(forest)))
}

/// Stamps the laws on each forest.
macro_rules! suite {
    ($($name:ident: $address:ty, $build:expr;)*) => {
        $(mod $name {
            use super::*;

            const BUILD: Build<$address> = $build;

            #[test]
            fn oracle_random_tables() {
                laws::random_tables(BUILD);
            }

            #[test]
            fn oracle_tables_of_one_kind() {
                laws::tables_of_one_kind(BUILD);
            }

            #[test]
            fn oracle_every_batch_length() {
                laws::every_batch_length(BUILD);
            }

            #[test]
            fn oracle_long_batches() {
                laws::long_batches(BUILD);
            }

            #[test]
            fn oracle_widths_of_codes() {
                laws::widths_of_codes(BUILD);
            }

            #[test]
            fn slices_of_different_length_are_refused() {
                laws::slices_of_different_length(BUILD);
            }

            #[test]
            fn oracle_sweep() {
                sweep::whole(BUILD);
            }

            #[test]
            fn oracle_real_table() {
                real::agrees(BUILD);
            }
        })*
    };
}

suite! {
    tree_bitmap_v4: u32, |tables| Some(Subject::Matches(Box::new(TreeBitmap::build(tables).expect("ordered routes"))));
    tree_bitmap_v6: u128, |tables| Some(Subject::Matches(Box::new(TreeBitmap::build(tables).expect("ordered routes"))));
    forest_portable_v4: u32, |tables| forest(tables, Some(Isa::PORTABLE));
    forest_portable_v6: u128, |tables| forest(tables, Some(Isa::PORTABLE));
    forest_avx2_v4: u32, |tables| forest(tables, Isa::avx2());
    forest_avx2_v6: u128, |tables| forest(tables, Isa::avx2());
    forest_avx512_v4: u32, |tables| forest(tables, Isa::avx512());
    forest_avx512_v6: u128, |tables| forest(tables, Isa::avx512());
    forest_gathers_v4: u32, |tables| forest(tables, Isa::gathers());
    forest_gathers_v6: u128, |tables| forest(tables, Isa::gathers());
    forest_fastest_v4: u32, |tables| forest(tables, Some(Isa::fastest()));
    forest_fastest_v6: u128, |tables| forest(tables, Some(Isa::fastest()));
    match_portable_v4: u32, |tables| match_forest(tables, Some(Isa::PORTABLE));
    match_portable_v6: u128, |tables| match_forest(tables, Some(Isa::PORTABLE));
    match_fastest_v4: u32, |tables| match_forest(tables, Some(Isa::fastest()));
    match_fastest_v6: u128, |tables| match_forest(tables, Some(Isa::fastest()));
    still_avx2_v4: u32, |tables| still_forest(tables, Isa::avx2());
    still_avx2_v6: u128, |tables| still_forest(tables, Isa::avx2());
    still_gathers_v4: u32, |tables| still_forest(tables, Isa::gathers());
    still_gathers_v6: u128, |tables| still_forest(tables, Isa::gathers());
    small_pages_v4: u32, small_pages;
    small_pages_v6: u128, small_pages;
    flat_portable: u32, |tables| direct(tables, DirectLayout::Flat, Some(Isa::PORTABLE));
    flat_avx2: u32, |tables| direct(tables, DirectLayout::Flat, Isa::avx2());
    flat_avx512: u32, |tables| direct(tables, DirectLayout::Flat, Isa::avx512());
    flat_gathers: u32, |tables| direct(tables, DirectLayout::Flat, Isa::gathers());
    chunked_portable: u32, |tables| direct(tables, DirectLayout::Chunked, Some(Isa::PORTABLE));
    chunked_avx2: u32, |tables| direct(tables, DirectLayout::Chunked, Isa::avx2());
    chunked_gathers: u32, |tables| direct(tables, DirectLayout::Chunked, Isa::gathers());
    auto_v4: u32, |tables| auto(tables, Choice::Auto);
    auto_v6: u128, |tables| auto(tables, Choice::Auto);
    auto_flat_v6: u128, |tables| auto(tables, Choice::Direct(DirectLayout::Flat));
    auto_half_direct: u32, half_direct;
    auto_match_v4: u32, |tables| auto_match(tables, Choice::Auto);
    auto_match_chunked_v4: u32, |tables| auto_match(tables, Choice::Direct(DirectLayout::Chunked));
    auto_match_v6: u128, |tables| auto_match(tables, Choice::Auto);
}

#[test]
fn more_next_hops_than_codes_are_refused() {
    let table = |count: u32| [(0..count).map(|value| (Prefix::host(value * 2), value)).collect::<Routes<u32>>()];
    for layout in DirectLayout::ALL {
        let build = |count| DirectForest::build(&table(count)[..], layout, Options::default());
        assert_eq!(build(65_534).expect("as many as there are codes").lookup(TableId(0), 131_066), Some(65_533));
        let error = build(65_535).expect_err("one too many");
        assert_eq!(
            error.to_string(),
            "the ipv4 tables need `65535` next hops in one direct table, expected at most 65534"
        );
    }
}

#[test]
fn a_budget_is_kept() {
    let value = |index: u32| index.wrapping_mul(2_654_435_761) >> 25;
    let dense =
        |first: u32| (0..140_000_u32).map(move |index| (Prefix::containing(first + (index << 8), 24), value(index)));
    let tables: [Routes<u32>; 3] = [dense(0x0a00_0000), dense(0x5000_0000), dense(0)].map(Iterator::collect);
    let direct = |budget| {
        let options = AutoOptions { budget, ..AutoOptions::default() };
        let forest = AutoForest::build(&tables[..], options).expect("ordered routes");
        assert_eq!(forest.lookup(TableId(2), 0x0000_0304), Some(value(3)));
        (0..3).map(TableId).filter(|&table| forest.layout(table).is_some()).count()
    };
    assert_eq!(direct(0), 0);
    assert_eq!(direct(200_000), 1);
    assert_eq!(direct(1 << 20), 3);
    let options = AutoOptions { choice: Choice::Compressed, ..AutoOptions::default() };
    let forest = AutoForest::build(&tables[..], options).expect("ordered routes");
    assert_eq!(forest.layout(TableId(0)), None);
    // Next hops that hardly ever change make a compressed table that nothing beats.
    let alike: [Routes<u32>; 1] = [dense(0).map(|(prefix, value)| (prefix, u32::from(value == 7))).collect()];
    let forest = AutoForest::build(&alike[..], AutoOptions::default()).expect("ordered routes");
    assert_eq!((forest.layout(TableId(0)), forest.lookup(TableId(0), 0x0000_0304)), (None, Some(0)));
}

/// The oracle's own answer to a key of a table.
fn oracle<A: TreeKey>(tables: &[Routes<A>]) -> Linear<A> {
    Linear::build(tables).expect("ordered routes")
}
