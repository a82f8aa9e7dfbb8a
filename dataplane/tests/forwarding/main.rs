//! Where packets go: every rule by hand on tiny networks, the laws on random ones.

mod lab;
mod laws;
#[path = "../../../engine/tests/networks/mod.rs"]
mod networks;
mod oracle;
mod rules;
mod site;
