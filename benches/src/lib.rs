#![forbid(unsafe_code)]
//! The networks that the benchmarks share. `cargo bench -p vrfleak-benches` runs all groups: `leak`, `install`, `lookup`.

use vrfleak_bench_data::provider::ProviderShape;
use vrfleak_engine::{Leak, Network};

/// A provider and what leaking makes of it.
#[derive(Debug)]
pub struct Provider {
    /// The network.
    pub network: Network,
    /// Its leak.
    pub leak: Leak,
}

impl Provider {
    /// Returns a provider with this many VPN routes, a VRF for each thousand of them and a PE for each forty VRFs.
    ///
    /// # Panics
    ///
    /// If `routes` is no size that a provider may have.
    pub fn new(routes: usize) -> Self {
        let vrfs = (routes / 1000).max(20);
        let shape = ProviderShape { routes, vrfs, pes: vrfs.div_ceil(40), seed: 1 };
        let network = shape.generate().expect("a size that a provider may have");
        let leak = Leak::new(&network);
        Self { network, leak }
    }
}
