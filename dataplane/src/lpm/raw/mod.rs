//! The memory of the forests and the kernels that walk it: the only unsafe code of the crate.
//!
//! What makes the kernels sound is said once, here. A [`Store`] is an [`Assembly`] of [`Piece`]s, and a piece checks every table
//! that enters it: each root entry names a page or a node within the store, each page has an entry for all values of its
//! bits and decides none beyond the first 64, each block is there to its end, each of its codes names one of its children
//! or a value of the table's dictionary, children follow the same rule, and so do nodes of halves, on both sides of their bitmaps,
//! short roots and pairs, no path is longer than the address, and each line, fan and list is there to its end with codes of the
//! dictionary alone, up to the last that a search may end at. What else tells of tables (briefs, classes, the census) is made from their
//! headers whenever those change. The fields are
//! private to this module and nothing else writes them. So a walk from any header by any key stays inside, and a
//! kernel need not check a single load. Keys and table ids are not trusted: slots and ids outside
//! are clamped to an entry that is there.
#![expect(unsafe_code, reason = "unchecked loads into checked tables, SIMD intrinsics and huge pages")]

mod assembly;
mod brief;
mod check;
#[cfg(target_arch = "x86_64")]
mod chosen;
mod classes;
mod columns;
mod deal;
#[cfg(target_arch = "x86_64")]
mod deal_avx512;
mod deep;
mod dense;
mod direct;
#[cfg(target_arch = "x86_64")]
mod direct_gathers;
#[cfg(target_arch = "x86_64")]
mod gathers;
mod groups;
mod halved;
#[cfg(target_arch = "x86_64")]
mod halved_gathers;
mod isa;
mod lines;
mod mixed;
#[cfg(target_arch = "x86_64")]
mod octets;
mod paired;
#[cfg(target_arch = "x86_64")]
mod paired_avx2;
#[cfg(target_arch = "x86_64")]
mod paired_gathers;
mod part;
mod patch;
mod reader;
mod region;
#[cfg(target_arch = "x86_64")]
mod runs;
#[cfg(target_arch = "x86_64")]
mod short_avx2;
mod sparse;
mod stamped;
mod store;
#[cfg(target_arch = "x86_64")]
mod vectors;
mod walk;

pub(super) use assembly::{Assembly, Ground, Site};
pub(super) use deal::ClassMap;
pub(super) use deep::Deep;
pub(super) use direct::{
    CHUNK, CHUNK_BITS, Code, DEEP, DirectParts, DirectTable, FIRST_CODE, GROUP, OUTSIDE, PLAINS, SLOTS,
};
pub use isa::Isa;
pub(super) use lines::{LineVectors, RunSlots};
pub(super) use part::{LEAF, PAGE, Part, Piece, page_entry, page_of};
pub(super) use patch::Place;
pub(super) use reader::Reader;
pub(crate) use region::{HUGE_PAGE, Region};
pub(super) use store::{Store, StoreError};
#[cfg(all(test, target_arch = "x86_64"))]
pub(super) use vectors::Far;
