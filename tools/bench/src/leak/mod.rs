//! How fast are all VRFs of a network leaked into and installed, and how does that grow?
//!
//! A [`LeakPlan`] says what is measured; [`run`] measures it and returns a [`LeakReport`]. Contenders have turns on the same
//! network, A B C A B C: each begins with the model, as it comes out of the generator, and ends with a forwarding table for
//! each VRF; making the network, and dropping what a turn has made, are outside the clock. A row is the median of the turns
//! with the least and the most.
//!
//! After every turn, outside the clock, a checksum over every VRF, prefix and best route is taken. All must be equal, or
//! the report says that the contenders did not agree.

mod checksum;
mod contender;
mod literal;
mod measure;
mod plan;
mod print;
mod report;
mod scaling;
#[cfg(test)]
mod tests;

pub use measure::{LeakError, run};
pub use plan::{LeakPlan, LeakPlanError, MOST_ROUNDS, Scenario, Size, Sweep};
pub use print::print;
pub use report::{DrawnFacts, Fit, LeakNetwork, LeakReport, LeakResult, SCHEMA_VERSION, Scaling};
