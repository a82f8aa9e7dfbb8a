//! Runs the command as its users do and looks at what it prints and how it ends.

mod bench;
mod command;
mod configurations;
mod errors;
mod feeds;
mod json;
mod lab;
mod lint;
mod output;
mod routers;
mod run;
mod shared;
mod why;
