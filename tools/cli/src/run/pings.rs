//! Pings across the network, counted by verdict.

use serde::Serialize;
use vrfleak_bench_data::random::Random;
use vrfleak_dataplane::{Dataplane, Ping, Verdict};
use vrfleak_engine::{Address, Leak, Network, Prefix, VrfId};

use super::lookups::{part, parts};

/// How many pings a family gets at most.
const PINGS: usize = 1 << 19;

/// How many pings came to each verdict (SEMANTICS F6).
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Counts {
    pub(super) pairs: usize,
    pub(super) delivered: usize,
    pub(super) no_route: usize,
    pub(super) discarded: usize,
    #[serde(rename = "loop")]
    pub(super) looped: usize,
    pub(super) reply_unroutable: usize,
}

impl Counts {
    fn of(verdicts: &[Verdict]) -> Self {
        let mut counts = Self { pairs: verdicts.len(), ..Self::default() };
        for verdict in verdicts {
            *match verdict {
                Verdict::Delivered { .. } => &mut counts.delivered,
                Verdict::NoRoute { .. } => &mut counts.no_route,
                Verdict::Discarded { .. } => &mut counts.discarded,
                Verdict::Loop { .. } => &mut counts.looped,
                Verdict::ReplyUnroutable { .. } => &mut counts.reply_unroutable,
            } += 1;
        }
        counts
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.pairs += other.pairs;
        self.delivered += other.delivered;
        self.no_route += other.no_route;
        self.discarded += other.discarded;
        self.looped += other.looped;
        self.reply_unroutable += other.reply_unroutable;
    }
}

/// Pings from random VRFs: three of four to an address under a random route of the VRF, the others to the first own
/// address of any VRF of the network.
pub(super) fn ping_sample<A: Address>(network: &Network, leak: &Leak, dataplane: &Dataplane<'_>, seed: u64) -> Counts {
    let family = leak.family::<A>();
    let own: Vec<(VrfId, A)> =
        network.vrf_ids().filter_map(|vrf| Some((vrf, dataplane.default_source::<A>(vrf)?))).collect();
    if own.is_empty() {
        return Counts::default();
    }
    let mut random = Random::stream(seed, u64::from(A::BITS));
    let most = PINGS.min(own.len().saturating_mul(own.len()));
    let pings: Vec<Ping<A>> = (0..most)
        .map(|_| {
            let (vrf, source) = own[random.below(own.len() as u64) as usize];
            let rib = family.rib(vrf);
            let under_route = random.below(4) < 3 && rib.len() > 0;
            let route = if under_route { part(&rib, random.below(parts(&rib) as u64) as usize) } else { None };
            let destination = match route {
                Some(id) => inside(family.table().prefix(id), &mut random),
                None => own[random.below(own.len() as u64) as usize].1,
            };
            Ping { vrf, source, destination }
        })
        .collect();
    Counts::of(&dataplane.ping_batch(&pings))
}

/// Returns a random address inside a prefix.
pub(super) fn inside<A: Address>(prefix: Prefix<A>, random: &mut Random) -> A {
    let bits = A::narrow(random.next_u128());
    prefix.bits() | bits & !A::mask(prefix.len())
}
