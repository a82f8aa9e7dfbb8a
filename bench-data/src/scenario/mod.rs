//! Scenario files: networks written by hand, in TOML.
//!
//! ```
//! use vrfleak_bench_data::{SourceText, scenario};
//!
//! let text = r#"
//! [[router]]
//! name = "pe1"
//! asn = 65000
//! router_id = "10.0.0.1"
//!
//! [[vrf]]
//! name = "red"
//! router = "pe1"
//! rd = "65000:1"
//! export = ["65000:1"]
//! redistribute = ["connected"]
//!
//! [[vrf.interface]]
//! name = "Loopback1"
//! addresses = ["192.0.2.1/24", "2001:db8::1/64"]
//! "#;
//! let scenario = scenario::parse(&SourceText::new("red.toml", text), &scenario::Inputs::default())?;
//! assert_eq!(scenario.network.source_routes::<u128>(), 2); // connected and local
//! # Ok::<(), vrfleak_bench_data::Diagnostics>(())
//! ```
//!
//! A file goes through three steps: `document` says what it may hold, and is the JSON Schema; `check` compares the file
//! with that schema, reports every difference and takes it out; `build` gives the rest its meaning and reports what has
//! none. So one run names everything that is wrong.

mod build;
mod check;
mod document;
mod generate;
mod group;
mod interface;
mod static_route;
mod vrf;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde::Deserialize;
use toml::de::{DeTable, Deserializer};
use vrfleak_engine::Network;

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::provenance::Provenance;
use crate::source_text::SourceText;

/// How many bytes a scenario file may have: room for some 400,000 listed routes; more belong in a list of their own.
///
/// A hostile text, an error on every line, takes up to 120 times its size while it is read: 1 GB at this limit.
pub const LIMIT_BYTES: usize = 8 << 20;
/// How many routes a scenario may make, all VRFs together, unless [`Inputs`] says otherwise.
pub const ROUTE_LIMIT: usize = 100_000_000;

/// How many route targets the import and export lists of all VRFs may have together: a list counts once a router and
/// family.
pub const TARGET_LIMIT: usize = 10_000_000;

/// What a scenario may refer to outside itself.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The folder that paths in the scenario are relative to. `None` forbids files.
    pub folder: Option<PathBuf>,
    /// The paths that `$NAME` stands for, by name without the dollar; relative to the working directory.
    pub files: BTreeMap<String, PathBuf>,
    /// How many routes the scenario may make.
    pub route_limit: usize,
}

impl Default for Inputs {
    /// Forbids files and takes [`ROUTE_LIMIT`].
    fn default() -> Self {
        Self { folder: None, files: BTreeMap::new(), route_limit: ROUTE_LIMIT }
    }
}

/// A scenario that was read.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The network that it describes.
    pub network: Network,
    /// What may not be meant as it is written.
    pub warnings: Diagnostics,
    /// Where its parts stand.
    pub provenance: Provenance,
}

/// Reads the scenario at `path`; files that it names are relative to its folder, and `$NAME` is `files[NAME]`.
///
/// # Errors
///
/// Everything that is wrong with the scenario and the lists it names, with file, line and column.
pub fn load(path: &Path, files: &BTreeMap<String, PathBuf>) -> Result<Scenario, Diagnostics> {
    let source = SourceText::read(path, LIMIT_BYTES)?;
    let folder = Some(path.parent().unwrap_or(Path::new("")).to_owned());
    parse(&source, &Inputs { folder, files: files.clone(), ..Inputs::default() })
}

/// Reads a scenario from its text.
///
/// # Errors
///
/// As [`load`].
pub fn parse(source: &SourceText, inputs: &Inputs) -> Result<Scenario, Diagnostics> {
    let mut diagnostics = Diagnostics::default();
    let (table, mistakes) = DeTable::parse_recoverable(source.text());
    for mistake in &mistakes {
        diagnostics.push_with(Severity::Error, || {
            let (message, expected) = match mistake.message().split_once(", expected ") {
                Some((message, expected)) => (message, Some(expected)),
                None => (mistake.message(), None),
            };
            let diagnostic = source.diagnostic(Severity::Error, mistake.span().unwrap_or_default(), message);
            diagnostic.expected(expected.map_or("expected TOML".to_owned(), |expected| format!("expected {expected}")))
        });
    }
    let lenient = !mistakes.is_empty();
    let (span, mut table) = (table.span(), table.into_inner());
    check::Check { source, schema: &SCHEMA, lenient, diagnostics: &mut diagnostics }.document(&mut table);
    let document = document::Document::deserialize(Deserializer::from(toml::Spanned::new(span, table)));
    let network = match document {
        Ok(document) => build::build(&document, source, inputs, lenient, &mut diagnostics),
        Err(error) => {
            // The check leaves nothing that serde refuses; if it did, this is still an error of the file.
            diagnostics.push(source.diagnostic(Severity::Error, error.span().unwrap_or_default(), error.message()));
            None
        }
    };
    diagnostics.sort_by_location();
    match network {
        Some((network, provenance)) if diagnostics.errors() == 0 => {
            if network.vrfs().is_empty() {
                diagnostics.push(Diagnostic::warning(source.name(), "no VRF is defined"));
            }
            let provenance = Provenance { sources: vec![source.clone()], ..provenance };
            Ok(Scenario { network, warnings: diagnostics, provenance })
        }
        _ => {
            if diagnostics.errors() == 0 {
                diagnostics.push(Diagnostic::error(source.name(), "the scenario describes no network"));
            }
            Err(diagnostics)
        }
    }
}

/// Returns the JSON Schema of scenario files, draft 2020-12, as text with a line feed at its end.
pub fn schema() -> String {
    let mut text = format!("{:#}", *SCHEMA);
    text.push('\n');
    text
}

/// Made once: a small scenario is read in a fraction of the time that this takes.
static SCHEMA: LazyLock<serde_json::Value> = LazyLock::new(schema_of_document);

fn schema_of_document() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    let mut schema = settings.into_generator().into_root_schema_for::<document::Document>().to_value();
    drop_defaults(&mut schema);
    schema
}

/// Takes the `default` keys out: an absent key is not the same as its empty value (a family's empty list of targets
/// replaces the VRF's).
fn drop_defaults(schema: &mut serde_json::Value) {
    match schema {
        serde_json::Value::Object(map) => {
            if map.contains_key("type") || map.contains_key("$ref") {
                map.remove("default");
            }
            map.values_mut().for_each(drop_defaults);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(drop_defaults),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
