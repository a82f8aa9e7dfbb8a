//! The routes of one site.

use std::sync::Arc;

use vrfleak_engine::{AttributesId, NextHopId, Prefix, Protocol, SourceRoute};

use super::plan::{Plan, Stream, stream};
use super::slice::Block;

/// How many of the pool's attributes the routes of one site have.
const ATTRIBUTES_PER_SITE: u64 = 8;

/// What all routes of a site have in common.
#[derive(Debug)]
pub(super) struct Origin {
    /// The CE, over IPv4 and over IPv6.
    pub(super) gateways: [NextHopId; 2],
    /// The pool that all sites share.
    pub(super) attributes: Arc<[AttributesId]>,
}

impl Origin {
    /// Returns the CE and static routes of site `number` in one family, those of its own first.
    pub(super) fn routes<A: Block>(&self, plan: &Plan, number: usize, seed: u64) -> Vec<SourceRoute<A>> {
        let site = &plan.sites[number];
        let slice = site.slices[A::INDEX];
        let sites = &plan.sites[plan.vpns[site.vpn].clone()];
        let prefixes = stream(seed, Stream::Prefixes, site.vpn).next_u64();
        let mut random = stream(seed, Stream::Routes, number);
        let pool = random.below(self.attributes.len() as u64);
        let gateway = self.gateways[A::INDEX];
        // Room for the connected and the local route that the link adds.
        let mut routes = Vec::with_capacity((slice.own + slice.statics + slice.copies) as usize + 2);
        let prefix = |block, end| A::prefix(block, end, crate::random::Random::stream(prefixes, block));
        let mut push = |prefix, protocol| {
            let pick = (pool + random.below(ATTRIBUTES_PER_SITE)) as usize % self.attributes.len();
            routes.push(SourceRoute::new(prefix, protocol, self.attributes[pick], gateway));
        };
        for block in slice.first..slice.end() {
            let is_static = block >= slice.first + slice.own;
            // The hub's first block goes to the default route.
            let prefix = if site.is_hub && block == slice.first { Prefix::DEFAULT } else { prefix(block, slice.end()) };
            push(prefix, if is_static { Protocol::Static } else { Protocol::Bgp });
        }
        if slice.copies > 0 {
            // The others' own blocks, counted one after the other, round from some point on.
            let others: u64 = sites.iter().map(|site| site.slices[A::INDEX].own).sum::<u64>() - slice.own;
            let from = stream(seed, Stream::Routes, number).below(others);
            let mut at = from;
            let mut left = slice.copies;
            while left > 0 {
                let mut skipped = 0;
                for (index, other) in sites.iter().enumerate() {
                    let other_slice = other.slices[A::INDEX];
                    if plan.vpns[site.vpn].start + index == number {
                        continue;
                    }
                    while left > 0 && at < skipped + other_slice.own {
                        let block = other_slice.first + (at - skipped);
                        push(prefix(block, other_slice.end()), Protocol::Bgp);
                        at += 1;
                        left -= 1;
                    }
                    skipped += other_slice.own;
                }
                at = 0;
            }
        }
        routes
    }
}
