//! How many lookups a second, in whose table?
//!
//! A [`LookupPlan`] says what is measured; [`run`] measures it and returns a [`LookupReport`]. All contenders of a family
//! are built from the same routes and look the same keys up in the same order. What is not looking up stays outside the
//! clock: building, bringing keys into a contender's own form, and comparing.
//!
//! - Before it is timed, every contender looks all keys up, in every batch size, and is compared with an oracle that
//!   shares nothing with any of them. One that errs gets a note and no figure. While it is timed, a sum over its answers
//!   is compared as well.
//! - Contenders have turns, A B C A B C, each of the same length; a row is the median of the turns with the least and the
//!   most. A turn goes on in the keys where the last one stopped, so that a slow contender does not see the same few.
//! - Answers go into a buffer of one batch in the contender's own form: ours and the crates give `u32` numbers, DPDK `u64`.
//! - Tables are built by one thread. A change is a prefix withdrawn or announced again; afterwards all answers are
//!   compared once more.
//! - Threads are not pinned, and each has keys, buffer and place of its own.

mod chart;
mod contender;
mod contenders;
mod input;
mod measure;
mod oracle;
mod plan;
mod print;
mod registry;
mod report;
mod statistics;
#[cfg(test)]
mod tests;
mod traffic;

pub use chart::{ChartError, plot};
pub use input::DEFAULT_NEXT_HOPS;
pub use measure::{LookupError, run};
pub use plan::{Cut, LookupPlan, MOST_KEYS, MOST_NEXT_HOPS, MOST_ROUTES, MOST_THREADS, PlanError, Source};
pub use print::print;
pub use registry::names;
pub use report::{LookupReport, LookupResult, LookupTable, SCHEMA_VERSION};
pub use statistics::TableStatistics;
pub use traffic::{KeySource, ZIPF_DISTINCT};
