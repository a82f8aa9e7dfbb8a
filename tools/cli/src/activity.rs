//! [`Activity`]: says on a terminal what goes on, once it has gone on for a second.

use std::io::{self, IsTerminal as _};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use indicatif::ProgressBar;

/// How long something takes before it is worth a word.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the sign of life moves.
const TICK: Duration = Duration::from_millis(100);

/// Something that may take a while. It is over when this is dropped, and the terminal is as before.
#[derive(Debug)]
pub(crate) struct Activity {
    running: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Activity {
    /// Begins. Nothing is shown where standard error is no terminal.
    pub(crate) fn start(what: &'static str) -> Self {
        if !io::stderr().is_terminal() {
            return Self { running: None };
        }
        let (sender, receiver) = bounded::<()>(0);
        let thread = thread::spawn(move || {
            if receiver.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                let spinner = ProgressBar::new_spinner().with_message(what);
                spinner.enable_steady_tick(TICK);
                // The end of the channel is the end of the activity.
                let _ = receiver.recv();
                spinner.finish_and_clear();
            }
        });
        Self { running: Some((sender, thread)) }
    }
}

impl Drop for Activity {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.running.take() {
            drop(sender);
            // A sign of life that failed is no reason to fail.
            let _ = thread.join();
        }
    }
}
