//! The attributes that the routes of all sites share.

use std::sync::Arc;

use vrfleak_engine::{Attributes, AttributesId, NetworkBuilder, OriginCode};

use super::{ASN, plan};
use crate::random::Random;

/// How many sets of attributes the routes from CEs share.
pub const ATTRIBUTE_SETS: usize = 256;

/// The first AS for private use (RFC 6996), and how many follow it.
const PRIVATE_AS: (u32, u64) = (64512, 1023);

/// Interns the pool.
pub(super) fn pool(builder: &mut NetworkBuilder, seed: u64) -> Arc<[AttributesId]> {
    let mut random = plan::stream(seed, plan::Stream::Attributes, 0);
    (0..ATTRIBUTE_SETS).map(|_| builder.attributes(attributes(&mut random))).collect()
}

fn attributes(random: &mut Random) -> Attributes {
    let ases = 1 + random.weighted(&[60, 25, 10, 5]);
    Attributes {
        local_preference: [100, 90, 200][random.weighted(&[90, 5, 5])],
        as_path: (0..ases).map(|_| site_as(random)).collect(),
        origin: [OriginCode::Igp, OriginCode::Incomplete][random.weighted(&[70, 30])],
        med: [0, 50][random.weighted(&[49, 1])],
        ..Attributes::default()
    }
}

/// Returns the AS of a site: one for private use that is not the provider's own, which would make the path a loop.
fn site_as(random: &mut Random) -> u32 {
    match PRIVATE_AS.0 + random.below(PRIVATE_AS.1) as u32 {
        asn if asn == u32::from(ASN) => asn + 1,
        asn => asn,
    }
}
