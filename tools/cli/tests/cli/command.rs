//! The command, run in the folder of the test files.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a run of the command came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Returns the folder of the test files.
pub(crate) fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/files")
}

/// Returns the command with these arguments, not yet run.
pub(crate) fn command(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vrfleak"));
    command.args(arguments.split_whitespace()).current_dir(files());
    command
}

/// Runs the command with the words of `arguments`.
pub(crate) fn vrfleak(arguments: &str) -> Outcome {
    let output = command(arguments).output().expect("the command starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the command prints UTF-8");
    Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs the command, which must end with `code`, and returns its data.
pub(crate) fn data(code: i32, arguments: &str) -> String {
    let outcome = vrfleak(arguments);
    assert_eq!(outcome.code, Some(code), "{arguments}\n{outcome}");
    outcome.stdout
}

/// Runs the command with `--format json`, which must end with `code`.
pub(crate) fn json(code: i32, arguments: &str) -> serde_json::Value {
    let text = data(code, &format!("{arguments} --format json"));
    serde_json::from_str(&text).expect("JSON")
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or("none".to_owned(), |code| code.to_string());
        writeln!(f, "exit code: {code}")?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "--- {name}\n{text}")?;
            }
        }
        Ok(())
    }
}
