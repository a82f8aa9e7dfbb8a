//! Ten million keys of a real table against `treebitmap`.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use vrfleak_bench_data::keys::KeyKind;
use vrfleak_bench_data::prefix_list::PrefixList;
use vrfleak_dataplane::lpm::{LookupMatch, TableId, TreeBitmap, TreeKey};
use vrfleak_engine::{Address, Kind, PerFamily, Prefix};

use crate::Build;
use crate::random::{Routes, ordered};

/// Keys in all: a third uniform, a third matched, a third Zipf.
const KEYS: usize = 10_000_000;
/// Keys of a batch.
const BATCH: usize = 8192;
/// Next hops of the table: codes of one byte with them, and of two with lengths.
const NEXT_HOPS: u32 = 64;

/// A table, keys, and the baseline's answers. What is there is there for all tests of the family.
struct Real<A: Address> {
    tables: [Routes<A>; 1],
    keys: Vec<A>,
    expected: Vec<u32>,
    lens: Vec<u8>,
}

impl<A: TreeKey> Real<A> {
    fn read() -> Option<Self> {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
        let shared = std::env::var_os("VRFLEAK_SHARED").map_or(beside, PathBuf::from);
        let path = shared.join("data/bgp-full-2023-prefixes.txt.gz");
        if !path.exists() {
            return None;
        }
        let list = PrefixList::read(&path).expect("a list of prefixes");
        let value = |index: u32| index.wrapping_mul(2_654_435_761) >> 8 & (NEXT_HOPS - 1);
        let entries = list.entries::<A>().iter().zip(0..);
        let routes: Routes<A> = ordered(entries.map(|(entry, index)| (entry.prefix, value(index))).collect());
        let prefixes: Vec<Prefix<A>> = routes.iter().map(|route| route.0).collect();
        let kinds = [KeyKind::Uniform, KeyKind::Matched, KeyKind::Zipf];
        let keys: Vec<A> =
            kinds.into_iter().zip(1..).flat_map(|(kind, seed)| kind.keys(&prefixes, seed, KEYS / 3)).collect();
        let tables = [routes];
        let (mut lens, mut expected) = (vec![0; keys.len()], vec![0; keys.len()]);
        let tree = TreeBitmap::build(&tables[..]).expect("ordered routes");
        tree.lookup_match_batch(TableId(0), &keys, &mut lens, &mut expected);
        Some(Self { tables, keys, expected, lens })
    }

    fn agrees(&self, build: Build<A>) {
        let Some(subject) = build(&self.tables) else { return };
        let mut values = vec![0; BATCH];
        for (keys, expected) in self.keys.chunks(BATCH).zip(self.expected.chunks(BATCH)) {
            let values = &mut values[..keys.len()];
            subject.lookup().lookup_batch(TableId(0), keys, values);
            assert_eq!(values, expected);
        }
        let Some(forest) = subject.lookup_match() else { return };
        let (mut lens, mut values) = (vec![0; self.keys.len()], vec![0; self.keys.len()]);
        forest.lookup_match_batch(TableId(0), &self.keys, &mut lens, &mut values);
        assert!(lens == self.lens && values == self.expected, "lengths and values");
    }
}

/// Names `Option<Real<A>>` for [`PerFamily`].
enum Reals {}

impl Kind for Reals {
    type Of<A: Address> = Option<Real<A>>;
}

static REAL: LazyLock<PerFamily<Reals>> = LazyLock::new(|| PerFamily { ipv4: Real::read(), ipv6: Real::read() });

/// The forest gives the baseline's answers to all keys, if there is a real table.
pub(crate) fn agrees<A: TreeKey>(build: Build<A>) {
    if let Some(real) = REAL.get::<A>() {
        real.agrees(build);
    }
}
