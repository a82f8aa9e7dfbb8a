//! The definition of the leak, held to answers that were written by hand: every rule on a network of a few routes, and the
//! labs with the tables that real routers showed. The names of the tests begin with the rules' ids in SEMANTICS.

mod export;
mod host_routes;
mod import;
mod labs;
mod laws;
mod limits;
#[path = "../networks/mod.rs"]
mod networks;
mod next_hops;
mod policies;
mod reexport;
mod selection;
mod sketch;
mod ties;
