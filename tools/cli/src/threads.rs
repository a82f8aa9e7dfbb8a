//! The pool of threads that a command works in, and the leak that is computed there. There is no global pool.

use rayon::{ThreadPool, ThreadPoolBuilder};
use vrfleak_engine::{Leak, Network};

use crate::activity::Activity;
use crate::args::Global;
use crate::failure::Failure;

/// Returns a pool of as many threads as were asked for, or one a core.
pub(crate) fn pool(global: &Global) -> Result<ThreadPool, Failure> {
    let threads = global.threads.map_or_else(cores, usize::from);
    let builder = ThreadPoolBuilder::new().num_threads(threads).thread_name(|index| format!("vrfleak-{index}"));
    builder.build().map_err(|error| Failure::request(format!("cannot start {threads} threads: {error}")))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Computes the leak of a network in `pool`.
pub(crate) fn leak(pool: &ThreadPool, network: &Network) -> Leak {
    let _activity = Activity::start("leaking");
    pool.install(|| Leak::new(network))
}
