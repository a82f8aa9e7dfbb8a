//! [`Failure`]: why a command could not, and [`Answer`], what it found if it could. Exit codes and error output are
//! decided here and nowhere else.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use vrfleak_bench_data::Diagnostics;

/// What a command found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Exit code 0.
    Yes,
    /// Exit code 1: the ping was lost, the route is absent.
    No,
    /// Exit code 130: what there is was printed, and it is not all.
    Interrupted,
}

/// Why a command could not.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The input is wrong; `what` it is.
    Input(Diagnostics),
    /// The request cannot be met.
    Request {
        /// What is wrong, lower case, no full stop.
        message: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// The output could not be written.
    Output(io::Error),
}

impl Failure {
    /// Returns the failure of a request that cannot be met.
    pub(crate) fn request(message: impl Into<String>) -> Self {
        Self::Request { message: message.into(), hint: None }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(self, text: impl Into<String>) -> Self {
        match self {
            Self::Request { message, .. } => Self::Request { message, hint: Some(text.into()) },
            other => other,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Input(diagnostics)
    }
}

/// Returns the exit code of a command, after saying what went wrong.
pub(crate) fn exit_code(result: Result<Answer, Failure>) -> ExitCode {
    match result {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Ok(Answer::Interrupted) => ExitCode::from(130),
        // Whoever read the output has seen enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            report(&failure);
            ExitCode::from(2)
        }
    }
}

fn report(failure: &Failure) {
    match failure {
        Failure::Input(diagnostics) => {
            let mut text = diagnostics.render(colour());
            let count = diagnostics.errors();
            let _ = write!(text, "\n{count} error{}\n", if count == 1 { "" } else { "s" });
            say(&text);
        }
        Failure::Request { message, hint } => {
            say(&format!("error: {message}\n"));
            if let Some(hint) = hint {
                say(&format!("hint: {hint}\n"));
            }
        }
        Failure::Output(error) => say(&format!("error: cannot write: {error}\n")),
    }
}

/// Returns whether standard error takes colours.
pub(crate) fn colour() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never && io::stderr().is_terminal()
}

/// Writes `text` to standard error. Where that is closed there is nobody to tell.
pub(crate) fn say(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
