//! A configuration of a provider's size is read in time that grows with its length.

mod generated;

use std::time::Instant;

use vrfleak_config::{Options, load_texts};

#[test]
fn four_thousand_vrfs_are_read_whole() {
    let text = generated::generated(4000);
    let start = Instant::now();
    let loaded = load_texts([("big.cfg", text.as_str())], &Options::default()).expect("no errors");
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(loaded.network.vrfs().len(), 4000);
    assert_eq!(loaded.network.source_routes::<u32>(), 4000 * (3 * 2 + 16));
    assert!(loaded.lines > 200_000);
    // Far below the goal on purpose: this holds linearity on a busy machine without optimisation.
    assert!(loaded.lines as f64 / seconds > 50_000.0, "{} lines in {seconds} s", loaded.lines);
}
