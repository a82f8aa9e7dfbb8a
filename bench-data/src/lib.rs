#![forbid(unsafe_code)]
//! Networks to work on: scenario files, seeded generators, prefix lists and lookup keys.

pub mod diagnostic;
pub mod full_table;
pub mod keys;
pub mod prefix_list;
pub mod provider;
pub mod random;
pub mod scenario;
pub mod source_text;
pub mod workload;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use keys::KeyKind;
pub use prefix_list::PrefixList;
pub use provider::ProviderShape;
pub use scenario::Scenario;
pub use source_text::SourceText;
pub use workload::Workload;
