//! `vrfleak run`: the main job from a network to pings, measured on the way.
//!
//! The job runs on a thread of its own and sends what it has measured as it goes. So an interrupt is answered at once,
//! with a report of everything that was known by then.

mod heaviest;
mod holdings;
mod job;
mod lookups;
mod pings;
mod report;

use std::io::IsTerminal as _;
use std::num::NonZero;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, select, unbounded};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use vrfleak_bench::memory;

use crate::args::{Format, Global, RunArgs};
use crate::failure::{Answer, Failure};
use crate::interrupt;
use crate::output::Output;
use report::Report;

/// What the job says while it runs.
enum Event {
    /// A step begins.
    Begin(&'static str),
    /// Something was measured.
    Measured(Box<dyn FnOnce(&mut Report) + Send>),
    /// It is over.
    Done(Result<(), Failure>),
}

/// Where the job says it. A receiver that is gone means that nobody waits any more.
#[derive(Clone)]
struct Events(Sender<Event>);

impl Events {
    fn begin(&self, step: &'static str) {
        let _ = self.0.send(Event::Begin(step));
    }

    fn measured(&self, change: impl FnOnce(&mut Report) + Send + 'static) {
        let _ = self.0.send(Event::Measured(Box::new(change)));
    }
}

/// Runs the job and prints its report.
pub(crate) fn run(args: &RunArgs, global: &Global) -> Result<Answer, Failure> {
    let threads = global.threads.map_or_else(|| thread::available_parallelism().map_or(1, NonZero::get), usize::from);
    if args.scenario.is_none() {
        job::check(args)?;
    }
    let mut out = Output::open(global.output.as_deref())?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Failure::request(format!("cannot start {threads} threads: {error}")))?;
    let interrupts = interrupt::interrupts()?;
    let (sender, events) = unbounded();
    let (job_args, verbose) = (args.clone(), global.verbose);
    thread::spawn(move || {
        let events = Events(sender);
        let result = pool.install(|| job::run(&job_args, verbose, threads, &events));
        let _ = events.0.send(Event::Done(result));
    });

    let mut report = Report::new(args.seed, threads);
    let answer = follow(&events, &interrupts, &mut report)?;
    report.peak_rss_bytes = memory::peak_resident_bytes();
    match global.format {
        Format::Json => out.json(&report)?,
        Format::Table => report.print(&mut out)?,
    }
    out.finish()?;
    Ok(answer)
}

/// Takes in what the job says until it is over or somebody interrupts, showing progress on a terminal.
fn follow(events: &Receiver<Event>, interrupts: &Receiver<()>, report: &mut Report) -> Result<Answer, Failure> {
    let progress = progress();
    let answer = loop {
        select! {
            recv(events) -> event => match event {
                Ok(Event::Begin(step)) => {
                    progress.inc(1);
                    progress.set_message(step);
                }
                Ok(Event::Measured(change)) => change(report),
                Ok(Event::Done(Ok(()))) => break Ok(Answer::Yes),
                Ok(Event::Done(Err(failure))) => break Err(failure),
                Err(_) => break Err(Failure::request("the job ended without a result")),
            },
            recv(interrupts) -> _ => {
                report.interrupted = true;
                break Ok(Answer::Interrupted);
            }
        }
    };
    progress.finish_and_clear();
    answer
}

/// Returns a bar over the steps of the job, hidden where standard error is no terminal.
fn progress() -> ProgressBar {
    let progress = ProgressBar::new(job::STEPS);
    if !std::io::stderr().is_terminal() {
        progress.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:24} {pos}/{len} {msg} ({elapsed})") {
        progress.set_style(style);
    }
    progress.enable_steady_tick(Duration::from_millis(100));
    progress
}
