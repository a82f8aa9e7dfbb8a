//! `vrfleak bench`: measurements that take a while, with what is known so far at hand when somebody ends them.

pub(crate) mod leak;
pub(crate) mod lookup;

use std::io::IsTerminal as _;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Sender, select, unbounded};
use indicatif::ProgressBar;

use crate::failure::Failure;
use crate::interrupt;

/// What a measurement says while it runs.
enum Event<R> {
    /// It is at this now, and knows so much.
    Step(String, Box<R>),
    /// It is over.
    Done(Result<Box<R>, Failure>),
}

/// Where a measurement says it. A receiver that is gone means that nobody waits any more.
pub(crate) struct Steps<R>(Sender<Event<R>>);

impl<R: Clone> Steps<R> {
    /// Says what goes on and what is known so far.
    pub(crate) fn say(&self, what: &str, report: &R) {
        let _ = self.0.send(Event::Step(what.to_owned(), Box::new(report.clone())));
    }
}

/// Runs `measure` on a thread of its own, showing its steps where standard error is a terminal. Returns its report, and
/// whether it is not all, because somebody interrupted.
pub(crate) fn follow<R: Clone + Send + 'static>(
    measure: impl FnOnce(&Steps<R>) -> Result<R, Failure> + Send + 'static,
) -> Result<(R, bool), Failure> {
    let interrupts = interrupt::interrupts()?;
    let (sender, events) = unbounded();
    thread::spawn(move || {
        let steps = Steps(sender);
        let result = measure(&steps).map(Box::new);
        let _ = steps.0.send(Event::Done(result));
    });
    let progress = if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    progress.enable_steady_tick(Duration::from_millis(100));
    let mut known = None;
    let answer = loop {
        select! {
            recv(events) -> event => match event {
                Ok(Event::Step(what, report)) => {
                    progress.set_message(what);
                    known = Some(report);
                }
                Ok(Event::Done(result)) => break result.map(|report| (*report, false)),
                Err(_) => break Err(Failure::request("the measurement ended without a result")),
            },
            recv(interrupts) -> _ => {
                let nothing = || Failure::request("interrupted before anything was known");
                break known.map(|report| (*report, true)).ok_or_else(nothing);
            }
        }
    };
    progress.finish_and_clear();
    answer
}
