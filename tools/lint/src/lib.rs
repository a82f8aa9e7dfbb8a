#![forbid(unsafe_code)]
//! What is suspicious about a network, though nothing of it is an error.
//!
//! [`lint()`] looks at a network and its leak and returns [`Findings`], grouped by [`Kind`], in an order that depends on
//! the input alone. Nothing here looks at pairs of VRFs one by one: targets are joined through sorted lists, VRFs that
//! export and import alike are one class, and overlaps come out of one walk over each table.

mod asymmetry;
mod finding;
mod names;
mod overlap;
mod rds;
mod targets;

pub use finding::{Finding, Findings, Group, Kind, Severity};

use vrfleak_bench_data::Provenance;
use vrfleak_config::Name;
use vrfleak_engine::{Leak, Network};

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The network.
    pub network: &'a Network,
    /// What leaking made of it.
    pub leak: &'a Leak,
    /// Where its parts stand, if it is from configurations. VRFs of routers outside the model may come behind them.
    pub provenance: Option<&'a Provenance>,
    /// Policies and lists that are named and not defined.
    pub undefined: &'a [Name],
    /// Policies and lists that nothing names.
    pub unused: &'a [Name],
}

/// Looks at all of it, in the current rayon pool. Of each kind the first `limit` findings are kept, the others counted.
///
/// O(routes · log routes + entries of all RIBs + pairs of classes that leak), the latter two up to a bound
/// ([`Findings::complete`]).
pub fn lint(input: &Input<'_>, limit: usize) -> Findings {
    let mut findings = Findings::new(limit);
    targets::lint(input, &mut findings);
    rds::lint(input, &mut findings);
    asymmetry::lint::<u32>(input, &mut findings);
    asymmetry::lint::<u128>(input, &mut findings);
    overlap::lint::<u32>(input, &mut findings);
    overlap::lint::<u128>(input, &mut findings);
    names::lint(input, &mut findings);
    findings
}
