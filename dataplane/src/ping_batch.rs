//! Millions of pings: the lookups of many packets as one batch, level by level.
//!
//! A batch of packets is looked up at once, in whatever VRFs they are. Those that cross to another VRF make the next
//! batch, and so on; then the replies of all delivered requests do the same. Packets that are still on their way after
//! [`LEVELS`] batches are forwarded one by one, which is where loops are found.
//!
//! Pings are taken in the order of the VRFs that send them, so that those of a batch look into few tables: tables of many
//! VRFs are larger than the caches together, those of one VRF and its neighbours are not.

use rayon::prelude::*;
use vrfleak_engine::{Address, VrfId};

use crate::dataplane::Dataplane;
use crate::fib::next_hop;
use crate::forward::{Fate, Step};
use crate::ping::{Ping, Verdict};

/// How many VRFs a packet is followed through in batches. A leaked route takes two; more need statics into other VRFs.
const LEVELS: usize = 4;

/// How many pings make a batch: its columns stay within 256 KiB for IPv6.
const BATCH: usize = 4096;

/// How many pings at most are put in the order of their VRFs at a time, by one thread.
const BLOCK: usize = 1 << 20;

impl Dataplane<'_> {
    /// Sends every request and its reply, in parallel in the current rayon pool, and returns the verdicts in order:
    /// those of [`Self::ping`], for any number of threads.
    pub fn ping_batch<A: Address>(&self, pings: &[Ping<A>]) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::NoRoute { vrf: VrfId(0) }; pings.len()];
        let block = pings.len().div_ceil(2 * rayon::current_num_threads()).clamp(BATCH, BLOCK);
        let blocks = pings.par_chunks(block).zip(verdicts.par_chunks_mut(block));
        blocks.for_each(|(pings, verdicts)| self.ping_block(pings, verdicts));
        verdicts
    }

    /// Writes the verdict of each ping at its position.
    fn ping_block<A: Address>(&self, pings: &[Ping<A>], verdicts: &mut [Verdict]) {
        let mut wave = Wave::default();
        if pings.is_sorted_by_key(|ping| ping.vrf) {
            for (pings, verdicts) in pings.chunks(BATCH).zip(verdicts.chunks_mut(BATCH)) {
                wave.ping(self, pings, verdicts);
            }
            return;
        }
        // VRF and position in one word, which sorts fastest.
        let keys = pings.iter().enumerate().map(|(at, ping)| u64::from(ping.vrf.0) << 32 | at as u64);
        let mut order: Vec<u64> = keys.collect();
        order.sort_unstable();
        let mut batch = Vec::with_capacity(BATCH);
        let mut answers = vec![Verdict::NoRoute { vrf: VrfId(0) }; BATCH];
        for order in order.chunks(BATCH) {
            let positions = order.iter().map(|&key| key as u32 as usize);
            batch.clear();
            batch.extend(positions.clone().map(|at| pings[at]));
            wave.ping(self, &batch, &mut answers[..batch.len()]);
            for (at, &answer) in positions.zip(&answers) {
                verdicts[at] = answer;
            }
        }
    }
}

/// The packets of a batch that are on their way, in columns, and room for the next ones.
#[derive(Debug)]
pub(crate) struct Wave<A> {
    vrfs: Vec<VrfId>,
    destinations: Vec<A>,
    /// The position of the packet in what was sent.
    positions: Vec<u32>,
    next_hops: Vec<u32>,
    /// Where each packet that was sent set out.
    sent: Vec<(VrfId, A)>,
    fates: Vec<Fate>,
    /// The ping that each reply belongs to.
    replies: Vec<u32>,
}

impl<A> Default for Wave<A> {
    fn default() -> Self {
        Self {
            vrfs: Vec::new(),
            destinations: Vec::new(),
            positions: Vec::new(),
            next_hops: Vec::new(),
            sent: Vec::new(),
            fates: Vec::new(),
            replies: Vec::new(),
        }
    }
}

impl<A: Address> Wave<A> {
    /// Writes the verdict of each ping at its position.
    pub(crate) fn ping(&mut self, dataplane: &Dataplane<'_>, pings: &[Ping<A>], verdicts: &mut [Verdict]) {
        self.sent.clear();
        self.sent.extend(pings.iter().map(|ping| (ping.vrf, ping.destination)));
        self.forward(dataplane);
        self.sent.clear();
        self.replies.clear();
        for (position, &fate) in self.fates.iter().enumerate() {
            match Verdict::of_request(fate) {
                Ok(owner) => {
                    self.sent.push((owner, pings[position].source));
                    self.replies.push(position as u32);
                }
                Err(lost) => verdicts[position] = lost,
            }
        }
        self.forward(dataplane);
        for ((&position, &(owner, _)), &fate) in self.replies.iter().zip(&self.sent).zip(&self.fates) {
            let position = position as usize;
            verdicts[position] = Verdict::of_reply(dataplane.network, pings[position].vrf, owner, fate);
        }
    }

    /// Forwards all that is in `sent`; `fates` gets what becomes of it.
    fn forward(&mut self, dataplane: &Dataplane<'_>) {
        let fibs = dataplane.fibs.family::<A>();
        self.vrfs.clear();
        self.destinations.clear();
        self.vrfs.extend(self.sent.iter().map(|&(vrf, _)| vrf));
        self.destinations.extend(self.sent.iter().map(|&(_, destination)| destination));
        self.positions.clear();
        self.positions.extend(0..self.sent.len() as u32);
        self.fates.clear();
        self.fates.resize(self.sent.len(), Fate::NoRoute { vrf: VrfId(0) });
        for _ in 0..LEVELS {
            if self.vrfs.is_empty() {
                return;
            }
            self.next_hops.resize(self.vrfs.len(), 0);
            fibs.lookup_mixed(&self.vrfs, &self.destinations, &mut self.next_hops);
            let mut left = 0;
            for at in 0..self.vrfs.len() {
                match Step::new(dataplane.network, self.vrfs[at], next_hop(self.next_hops[at])) {
                    Step::End(fate) => self.fates[self.positions[at] as usize] = fate,
                    Step::Enter(vrf) => {
                        self.vrfs[left] = vrf;
                        self.destinations[left] = self.destinations[at];
                        self.positions[left] = self.positions[at];
                        left += 1;
                    }
                }
            }
            self.vrfs.truncate(left);
            self.destinations.truncate(left);
            self.positions.truncate(left);
        }
        for &position in &self.positions {
            let (vrf, destination) = self.sent[position as usize];
            self.fates[position as usize] = dataplane.forward(vrf, destination);
        }
    }
}
