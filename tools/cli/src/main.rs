//! The `vrfleak` command.
//!
//! Arguments go through two stages: `args` is what was typed, and each command, in a file of its own, says what it means.
//! Data go through `output`; everything else, and the exit code, through `failure`.

mod activity;
mod allocator;
mod args;
mod bench;
mod bgp_detail;
mod entry;
mod failure;
mod feeds;
mod input;
mod interrupt;
mod ipv4_table;
mod ipv6_table;
mod lint;
mod output;
mod ping;
mod ping_matrix;
mod prompt;
mod run;
mod schema;
mod scope;
mod show_bgp;
mod show_pe;
mod show_route;
mod show_vrf;
mod threads;
mod vpn_table;
mod why;

use std::process::ExitCode;

use clap::Parser;

use crate::args::bench::BenchCommand;
use crate::args::{Cli, Command, ShowCommand};

fn main() -> ExitCode {
    let Cli { command, global } = Cli::parse();
    failure::exit_code(match &command {
        Command::Run(args) => run::run(args, &global),
        Command::Show(ShowCommand::Vrf(args)) => show_vrf::run(args, &global),
        Command::Show(ShowCommand::Bgp(args)) => show_bgp::run(args, &global),
        Command::Show(ShowCommand::Pe(args)) => show_pe::run(args, &global),
        Command::Show(ShowCommand::Route(args)) => show_route::run(args, &global),
        Command::Ping(args) => ping::run(args, &global),
        Command::Why(args) => why::run(args, &global),
        Command::Lint(args) => lint::run(args, &global),
        Command::Bench(BenchCommand::Leak(args)) => bench::leak::run(args, &global),
        Command::Bench(BenchCommand::Lookup(args)) => bench::lookup::run(args, &global),
        Command::Schema => schema::schema(&global),
        Command::Completions { shell } => schema::completions(*shell, &global),
    })
}
