//! Scenario files: every text is a network or a list of mistakes that can be shown.

#![no_main]

mod explained;

use libfuzzer_sys::fuzz_target;
use vrfleak_bench_data::scenario::{self, Inputs};
use vrfleak_bench_data::{Diagnostics, SourceText};

/// Room for the routes of every example, and little more: what is limited cannot exhaust the memory.
const ROUTES: usize = 10_000;

fuzz_target!(|data: &[u8]| {
    let source = match SourceText::from_bytes("fuzz.toml", data.to_vec()) {
        Ok(source) => source,
        Err(error) => {
            show(&error.into());
            return;
        }
    };
    let inputs = Inputs { route_limit: ROUTES, ..Inputs::default() };
    match scenario::parse(&source, &inputs) {
        Ok(scenario) => {
            assert_eq!(scenario.warnings.errors(), 0);
            show(&scenario.warnings);
            explained::explain(&scenario.network, &scenario.provenance);
        }
        Err(mistakes) => {
            assert!(mistakes.errors() > 0, "refused without a mistake");
            show(&mistakes);
        }
    }
});

fn show(diagnostics: &Diagnostics) {
    assert_eq!(diagnostics.render(false).is_empty(), diagnostics.is_empty());
}
