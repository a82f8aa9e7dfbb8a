//! `vrfleak schema` and `vrfleak completions`: texts that tell other programs what there is.

use std::io::Write as _;

use clap::CommandFactory as _;
use clap_complete::Shell;
use vrfleak_bench_data::scenario;

use crate::args::{Cli, Global};
use crate::failure::{Answer, Failure};
use crate::output::Output;

/// Writes the JSON Schema of scenario files.
pub(crate) fn schema(global: &Global) -> Result<Answer, Failure> {
    write(global, scenario::schema().as_bytes())
}

/// Writes the completion script of a shell.
pub(crate) fn completions(shell: Shell, global: &Global) -> Result<Answer, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "vrfleak", &mut script);
    write(global, &script)
}

fn write(global: &Global, text: &[u8]) -> Result<Answer, Failure> {
    let mut out = Output::open(global.output.as_deref())?;
    out.write_all(text)?;
    out.finish()?;
    Ok(Answer::Yes)
}
