//! The contenders by name. A way to leak is a line in [`NAMES`] and an arm in [`leak`].

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::ThreadPool;
use vrfleak_dataplane::{Backend, Fibs};
use vrfleak_engine::{Leak, MemoryPart, Network, Resolution, Sharing};

use super::checksum;
use super::literal::Literal;
use super::plan::LeakPlanError;

/// Ours: VRFs that import alike share what they have in common.
pub(super) const CLASSES: &str = "classes";
/// Ours, every VRF computed by itself, with a list of its own.
pub(super) const NO_SHARING: &str = "no-sharing";
/// The literal baseline.
pub(super) const LITERAL: &str = "literal";
/// All of them.
pub(super) const NAMES: [&str; 3] = [CLASSES, NO_SHARING, LITERAL];

/// Returns what tells whether a contender is among those named; all are where none is.
///
/// # Errors
///
/// The first name that no contender has.
pub(super) fn chosen(wanted: &[String]) -> Result<impl Fn(&str) -> bool, LeakPlanError> {
    match wanted.iter().find(|wanted| !NAMES.contains(&wanted.as_str())) {
        Some(text) => Err(LeakPlanError::UnknownContender { text: text.clone() }),
        None => Ok(move |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name)),
    }
}

/// What a turn of a contender came to.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// From the model to all RIBs.
    pub(super) leak: Duration,
    /// The part of it after ranking and bucketing, where there is such a part.
    pub(super) import: Option<Duration>,
    /// From the RIBs to all FIBs, where that is a step of its own.
    pub(super) install: Option<Duration>,
    /// VPN routes, where the contender counts them.
    pub(super) vpn_routes: Option<usize>,
    pub(super) imported: usize,
    pub(super) rib_bytes: usize,
    pub(super) fib_bytes: usize,
    pub(super) checksum: u64,
    /// Bytes of all parts of the model and of what was made of it.
    pub(super) accounted: usize,
    /// Those of them that are not the allocator's.
    pub(super) mapped: usize,
    /// What was made, to be held as long as somebody looks at the memory.
    pub(super) tables: Arc<dyn Any + Send + Sync>,
}

/// Has a contender leak and install in `pool`; `check` is the pool for what is outside the clock.
///
/// # Errors
///
/// What the forwarding tables say where they are too big.
pub(super) fn leak(name: &str, network: &Network, pool: &ThreadPool, check: &ThreadPool) -> Result<Turn, String> {
    match name {
        CLASSES => ours(network, Sharing::Classes, pool, check),
        NO_SHARING => ours(network, Sharing::None, pool, check),
        _ => Ok(literal(network, pool, check)),
    }
}

fn ours(network: &Network, sharing: Sharing, pool: &ThreadPool, check: &ThreadPool) -> Result<Turn, String> {
    let start = Instant::now();
    let leak = pool.install(|| Leak::with(network, sharing, |_| {}));
    let leaked = start.elapsed();
    let start = Instant::now();
    let fibs = pool.install(|| Fibs::build(&leak, Backend::default())).map_err(|error| error.to_string())?;
    let installed = start.elapsed();
    Ok(Turn {
        leak: leaked,
        import: Some(leak.times().import),
        install: Some(installed),
        vpn_routes: Some(leak.vpn_routes()),
        imported: leak.imported_routes(),
        rib_bytes: leak.family::<u32>().rib_bytes() + leak.family::<u128>().rib_bytes(),
        fib_bytes: fibs.bytes(),
        checksum: check.install(|| checksum::of_leak(&leak)),
        accounted: bytes(network.memory()) + bytes(leak.memory()) + bytes(fibs.memory()),
        mapped: fibs.mapped_bytes(),
        tables: Arc::new((leak, fibs)),
    })
}

fn literal(network: &Network, pool: &ThreadPool, check: &ThreadPool) -> Turn {
    let start = Instant::now();
    let (ipv4, ipv6) = pool.install(|| {
        let resolution = Resolution::new(network);
        (Literal::<u32>::new(network, &resolution), Literal::<u128>::new(network, &resolution))
    });
    let leaked = start.elapsed();
    let ((rib4, fib4), (rib6, fib6)) = (ipv4.bytes(), ipv6.bytes());
    Turn {
        leak: leaked,
        import: None,
        install: None,
        vpn_routes: None,
        imported: ipv4.imported() + ipv6.imported(),
        rib_bytes: rib4 + rib6,
        fib_bytes: fib4 + fib6,
        checksum: check.install(|| ipv4.checksum().wrapping_add(ipv6.checksum())),
        accounted: bytes(network.memory()) + rib4 + rib6 + fib4 + fib6,
        mapped: 0,
        tables: Arc::new((ipv4, ipv6)),
    }
}

fn bytes(parts: impl IntoIterator<Item = MemoryPart>) -> usize {
    parts.into_iter().map(|part| part.bytes).sum()
}
