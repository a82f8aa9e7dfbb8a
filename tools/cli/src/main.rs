//! The `vrfleak` command.

fn main() {}
