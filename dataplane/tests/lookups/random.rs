//! Random tables of every kind, and the keys that may tell a wrong answer.

use proptest::collection::vec;
use proptest::prelude::*;
use vrfleak_dataplane::lpm::{NO_ROUTE, TableId, TreeKey};
use vrfleak_engine::Prefix;

/// The routes of one table, ascending.
pub(crate) type Routes<A> = Vec<(Prefix<A>, u32)>;

/// Addresses that like to be near each other and at the edges of strides.
pub(crate) fn address<A: TreeKey>() -> impl Strategy<Value = A> {
    let shift = 128 - u32::from(A::BITS);
    prop_oneof![
        any::<u128>().prop_map(move |bits| A::narrow(bits >> shift)),
        (0_u128..64, 0..u32::from(A::BITS)).prop_map(|(bits, shift)| A::narrow(bits << shift)),
        any::<u16>().prop_map(|bits| A::narrow(0x0a00_0000 | u128::from(bits))),
        any::<u16>().prop_map(move |bits| A::narrow(0x2001_0db8_0000_0000 << 64 >> shift | u128::from(bits))),
        Just(A::MAX),
        Just(A::ZERO),
    ]
}

fn prefix<A: TreeKey>() -> impl Strategy<Value = Prefix<A>> {
    (address::<A>(), 0..=A::BITS).prop_map(|(bits, len)| Prefix::containing(bits, len))
}

/// A prefix and ever longer ones inside it.
fn chain<A: TreeKey>() -> impl Strategy<Value = Vec<Prefix<A>>> {
    (address::<A>(), vec(0..=A::BITS, 1..12))
        .prop_map(|(bits, lens)| lens.into_iter().map(|len| Prefix::containing(bits, len)).collect())
}

/// Ascending routes, each prefix once; neighbours often have equal values.
pub(crate) fn routes<A: TreeKey>() -> impl Strategy<Value = Routes<A>> {
    let values = prop_oneof![0_u32..3, 0_u32..1000, Just(NO_ROUTE - 1)];
    let prefixes = prop_oneof![
        4 => vec(prefix::<A>(), 0..60),
        2 => vec(chain::<A>(), 0..8).prop_map(|chains| chains.concat()),
        1 => Just(vec![]),
        1 => Just(vec![Prefix::DEFAULT]),
        1 => address::<A>().prop_map(|bits| vec![Prefix::host(bits)]),
    ];
    prefixes.prop_flat_map(move |prefixes| {
        vec(values.clone(), prefixes.len())
            .prop_map(move |values| ordered(prefixes.iter().copied().zip(values).collect()))
    })
}

/// Returns `routes` in the order that forests want, the first of each prefix.
pub(crate) fn ordered<A: TreeKey>(mut routes: Routes<A>) -> Routes<A> {
    routes.sort_by_key(|route| route.0);
    routes.dedup_by_key(|route| route.0);
    routes
}

/// Random keys, and for every route its edges and what is beside them, so mixed that neighbours are of different tables.
/// One table that is not there is among them.
pub(crate) fn keys<A: TreeKey>(tables: &[Routes<A>], random: &[A]) -> (Vec<TableId>, Vec<A>) {
    let mut pairs = Vec::new();
    for (table, routes) in (0..).map(TableId).zip(tables) {
        let edges = routes.iter().flat_map(|(prefix, _)| {
            let before = A::narrow(prefix.bits().widen().wrapping_sub(1));
            let after = A::narrow(prefix.last().widen().wrapping_add(1));
            [before, prefix.bits(), prefix.last(), after]
        });
        pairs.extend(edges.chain(random.iter().copied()).chain([A::ZERO, A::MAX]).map(|key| (table, key)));
    }
    pairs.extend(random.iter().map(|&key| (TableId::from_index(tables.len() + 3), key)));
    let step = pairs.len() / 7 * 2 + 1;
    (0..pairs.len()).map(|index| pairs[index * step % pairs.len()]).unzip()
}
