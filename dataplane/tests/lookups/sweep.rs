//! A table inside a piece of the address space of 2^24 keys, asked for every one of them.

use vrfleak_bench_data::keys;
use vrfleak_dataplane::lpm::{NO_ROUTE, TableId, TreeKey};
use vrfleak_engine::Prefix;

use crate::Build;
use crate::random::{Routes, ordered};

/// Keys of a batch.
const BATCH: usize = 4096;

/// Routes of every length inside the /8 `10` (IPv4) or the last 24 bits of a /104 (IPv6), many of them long.
fn routes<A: TreeKey>(base: A) -> Routes<A> {
    let shortest = A::BITS - 24;
    let addresses = keys::uniform::<u32>(7, 6000);
    let routes = addresses.iter().zip(0_u32..).map(|(&address, index)| {
        let bits = base | A::narrow(u128::from(address & 0xff_ffff));
        let len = shortest + [4, 8, 10, 13, 16, 16, 16, 18, 20, 22, 23, 24][index as usize % 12];
        (Prefix::containing(bits, len), index % 61)
    });
    let whole = [(Prefix::containing(base, shortest), 1000), (Prefix::containing(base, shortest + 1), 1001)];
    ordered(routes.chain(whole).collect())
}

/// Every address has the value that painting the routes one over the other gives it.
pub(crate) fn whole<A: TreeKey>(build: Build<A>) {
    let base = A::narrow(0x0a << (A::BITS - 8)) | A::narrow(0x0a00_0000);
    let routes = routes(base);
    let mut painted = vec![NO_ROUTE; 1 << 24];
    // A prefix comes before those inside it.
    for &(prefix, value) in &routes {
        let first = (prefix.bits().widen() & 0xff_ffff) as usize;
        let last = (prefix.last().widen() & 0xff_ffff) as usize;
        painted[first..=last].fill(value);
    }
    let Some(subject) = build(&[routes]) else { return };
    let (mut batch, mut values) = (vec![A::ZERO; BATCH], vec![0; BATCH]);
    for (expected, first) in painted.chunks(BATCH).zip((0..1_u128 << 24).step_by(BATCH)) {
        for (key, low) in batch.iter_mut().zip(first..) {
            *key = base | A::narrow(low);
        }
        subject.lookup().lookup_batch(TableId(0), &batch, &mut values);
        assert_eq!(values, expected, "from {first:#x} on");
    }
    for outside in [A::ZERO, A::MAX, A::narrow(base.widen() - 1), A::narrow(base.widen() + (1 << 24))] {
        assert_eq!(subject.lookup().lookup(TableId(0), outside), None, "{outside:x?}");
    }
}
