//! `vrfleak bench lookup`: lookups a second, beside the crates and DPDK.

use std::io::Write as _;
use std::time::Duration;

use vrfleak_bench::lookup::{self, LookupError, LookupPlan, LookupReport, Source};
use vrfleak_bench_data::PrefixList;

use crate::args::bench::BenchLookupArgs;
use crate::args::{Format, Global};
use crate::failure::{Answer, Failure};
use crate::output::Output;

/// Measures and prints the report; the answer is no where a contender errs.
pub(crate) fn run(args: &BenchLookupArgs, global: &Global) -> Result<Answer, Failure> {
    let plan = plan(args)?;
    plan.check().map_err(|error| Failure::request(error.to_string()))?;
    let mut out = Output::open(global.output.as_deref())?;
    let plot = args.plot.as_deref().map(|path| Output::open(Some(path))).transpose()?;
    let (mut report, interrupted) = super::follow::<LookupReport>(move |steps| {
        lookup::run(&plan, &mut |what, report| steps.say(what, report)).map_err(|error| match error {
            LookupError::Keys(diagnostics) => Failure::Input(diagnostics),
            other => Failure::request(other.to_string()),
        })
    })?;
    report.interrupted = interrupted;
    match global.format {
        Format::Json => out.json(&report)?,
        Format::Table => lookup::print(&report, &mut out)?,
    }
    out.finish()?;
    if let Some(mut plot) = plot {
        let svg = lookup::plot(&report).map_err(|error| Failure::request(error.to_string()))?;
        plot.write_all(svg.as_bytes())?;
        plot.finish()?;
    }
    Ok(match (interrupted, report.all_correct()) {
        (true, _) => Answer::Interrupted,
        (false, true) => Answer::Yes,
        (false, false) => Answer::No,
    })
}

/// Says what was typed as a plan.
fn plan(args: &BenchLookupArgs) -> Result<LookupPlan, Failure> {
    let source = match (&args.table, args.synthetic) {
        (Some(path), _) => {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            Source::List { name, list: PrefixList::read(path)? }
        }
        (None, Some(prefixes)) => Source::Synthetic { prefixes },
        (None, None) => return Err(Failure::request("no table was named").hint("give --table or --synthetic")),
    };
    let mut plan = LookupPlan::new(source);
    if let Some(family) = args.family.get() {
        plan.families = vec![family];
    }
    plan.vrfs = args.vrfs;
    plan.routes_per_vrf = args.routes_per_vrf;
    plan.cut = args.cut;
    plan.internet_vrf = args.internet_vrf;
    plan.next_hops = args.next_hops;
    plan.keys.clone_from(&args.keys);
    plan.key_count = args.key_count;
    plan.batches.clone_from(&args.batch);
    plan.threads = args.threads.iter().copied().map(usize::from).collect();
    plan.contenders.clone_from(&args.contenders);
    plan.rounds = args.rounds;
    plan.turn = Duration::from_millis(args.turn);
    plan.seed = args.seed;
    Ok(plan)
}
