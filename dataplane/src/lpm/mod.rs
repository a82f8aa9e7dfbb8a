//! Longest-prefix match over the tables of many VRFs at once.
//!
//! A *table* is one forwarding table of one address family, named by a dense [`TableId`]; a *forest* is all tables of
//! a family in one structure. Forests know keys and `u32` values, no routes and no VRFs of the model: several VRFs may
//! share a table, and a VRF may be a small overlay in front of a shared table ([`LookupMatch`] tells which of the two
//! matches longer).
//!
//! | forest | for |
//! |---|---|
//! | [`Linear`] | the oracle: a sorted slice and a scan |
//! | [`Forest`], [`MatchForest`] | every table, in one arena |
//! | [`DirectForest`] | IPv4 tables read by index: flat, or in chunks |
//! | [`AutoForest`], [`AutoMatchForest`] | big IPv4 tables direct, as a budget allows; all others compressed |
//! | [`TreeBitmap`] | the field's baseline: one `treebitmap` a table |
//!
//! Every forest is built from a [`Tables`], which yields each table's routes in order, and is `Send + Sync`.

mod auto;
mod direct;
mod forest;
mod huge_pages;
mod linear;
mod lookup;
mod raw;
mod table;
mod tables;
mod tree_bitmap;

pub use auto::{Auto, AutoForest, AutoMatchForest, AutoOptions, Choice};
pub use direct::{DirectForest, DirectLayout};
pub use forest::{Change, Forest, MatchForest, Options};
pub(crate) use huge_pages::resident;
pub use huge_pages::{HugePages, fetch_huge_pages};
pub use linear::Linear;
pub use lookup::{Lookup, LookupMatch};
pub use raw::Isa;
pub(crate) use raw::Region;
pub use table::{Match, NO_ROUTE, TableId};
pub(crate) use tables::BATCH;
pub use tables::{BuildError, Tables};
pub use tree_bitmap::{TreeBitmap, TreeKey};
