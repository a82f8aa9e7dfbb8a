#![forbid(unsafe_code)]
//! Networks to work on: scenario files, seeded generators, prefix lists and lookup keys.

pub mod diagnostic;
pub mod full_table;
pub mod keys;
pub mod place;
pub mod prefix_list;
pub mod provenance;
pub mod provider;
pub mod random;
pub mod scenario;
pub mod source_text;
pub mod workload;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use keys::KeyKind;
pub use place::Place;
pub use prefix_list::PrefixList;
pub use provenance::{FamilyOrigin, FileLine, Provenance, RouteOrigin, VrfOrigin};
pub use provider::ProviderShape;
pub use scenario::Scenario;
pub use source_text::SourceText;
pub use workload::Workload;
