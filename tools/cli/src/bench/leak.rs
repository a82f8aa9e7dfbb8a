//! `vrfleak bench leak`: from a network to the tables of all VRFs, beside the literal way.

use vrfleak_bench::leak::{self, LeakPlan, LeakPlanError, LeakReport};

use crate::args::bench::BenchLeakArgs;
use crate::args::{Format, Global};
use crate::failure::{Answer, Failure};
use crate::output::Output;

/// Measures and prints the report; the answer is no where the contenders do not agree.
pub(crate) fn run(args: &BenchLeakArgs, global: &Global) -> Result<Answer, Failure> {
    let plan = plan(args);
    plan.check().map_err(|error| {
        let failure = Failure::request(error.to_string());
        match error {
            LeakPlanError::TooBig { .. } => failure.hint("fewer contenders take less; --force goes on anyway"),
            _ => failure,
        }
    })?;
    let mut out = Output::open(global.output.as_deref())?;
    let (mut report, interrupted) = super::follow::<LeakReport>(move |steps| {
        leak::run(&plan, &mut |what, report| steps.say(what, report))
            .map_err(|error| Failure::request(error.to_string()))
    })?;
    report.interrupted = interrupted;
    match global.format {
        Format::Json => out.json(&report)?,
        Format::Table => leak::print(&report, &mut out)?,
    }
    out.finish()?;
    Ok(match (interrupted, report.agreed) {
        (true, _) => Answer::Interrupted,
        (false, true) => Answer::Yes,
        (false, false) => Answer::No,
    })
}

/// Says what was typed as a plan.
fn plan(args: &BenchLeakArgs) -> LeakPlan {
    let mut plan = LeakPlan::new(args.scenario);
    let size = &mut plan.size;
    size.routes = args.routes.unwrap_or(size.routes);
    size.vrfs = args.vrfs.unwrap_or(size.vrfs);
    size.pes = args.pes.map_or(size.pes, |pes| pes as usize);
    // Of fewer VRFs than the usual targets all are drawn; a number that was typed is taken as it is.
    size.fan_out = args.fan_out.unwrap_or(size.fan_out.min(size.vrfs));
    let drawn = &mut plan.drawn;
    drawn.export_targets = args.export_targets.unwrap_or(drawn.export_targets);
    drawn.dual_homed = args.dual_homed.unwrap_or(drawn.dual_homed);
    drawn.overlap = args.overlap.unwrap_or(drawn.overlap);
    drawn.lens = args.prefix_lengths.or(drawn.lens);
    if !args.threads.is_empty() {
        plan.threads = args.threads.iter().copied().map(usize::from).collect();
    }
    plan.sweep = args.sweep;
    plan.contenders.clone_from(&args.contenders);
    plan.rounds = args.rounds;
    plan.seed = args.seed;
    plan.force = args.force;
    plan.give_back = || Some(crate::allocator::give_back());
    plan
}
