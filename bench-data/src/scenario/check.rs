//! Compares a TOML document with the JSON Schema, reports every difference, and takes out what is wrong.
//!
//! What remains deserializes, so that the values that are right are looked at in the same run. Only what the schema of
//! `document` uses is understood: `type`, `properties`, `required`, `additionalProperties`, `items`, `enum`, `$ref`,
//! `minimum` and `maximum`.

use std::ops::Range;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::diagnostic::{Diagnostics, Severity};
use crate::source_text::SourceText;

/// The longest key that a suggestion is looked for; hostile ones cost nothing.
const LONGEST_KEY: usize = 32;

pub(super) struct Check<'a> {
    pub(super) source: &'a SourceText,
    pub(super) schema: &'a Json,
    /// Whether keys may be absent only because their lines were not understood.
    pub(super) lenient: bool,
    pub(super) diagnostics: &'a mut Diagnostics,
}

impl Check<'_> {
    /// Checks the whole document.
    pub(super) fn document(&mut self, table: &mut DeTable<'_>) {
        let schema = self.schema;
        self.table(table, 0..0, schema);
    }

    /// Takes what does not fit `schema` out of `table`, which stands at `span`.
    fn table(&mut self, table: &mut DeTable<'_>, span: Range<usize>, schema: &Json) {
        let none = serde_json::Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&none);
        if !self.lenient {
            for key in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
                if !table.contains_key(key) {
                    let head = self.source.first_line(span.clone());
                    self.error(
                        head,
                        format!("the key `{key}` is missing"),
                        format!("expected `{key} = ...` below"),
                        None,
                    );
                }
            }
        }
        let taken = std::mem::take(table);
        for (key, mut value) in taken {
            match properties.get(key.get_ref().as_ref()) {
                None => {
                    let keys = || properties.keys().map(String::as_str);
                    let hint = nearest(key.get_ref(), keys()).map(|near| format!("did you mean `{near}`?"));
                    let expected = format!("expected one of {}", quoted(keys()));
                    self.error(key.span(), format!("unknown key `{}`", key.get_ref()), expected, hint);
                }
                Some(schema) => {
                    if self.value(&mut value, schema) {
                        table.insert(key, value);
                    }
                }
            }
        }
    }

    /// Returns whether `value` fits `schema`, after taking what does not fit out of it.
    fn value(&mut self, value: &mut Spanned<DeValue<'_>>, schema: &Json) -> bool {
        let root = self.schema;
        let schema = match schema["$ref"].as_str().and_then(|name| name.strip_prefix('#')) {
            Some(pointer) => root.pointer(pointer).unwrap_or(schema),
            None => schema,
        };
        let span = value.span();
        let kind = schema["type"].as_str().unwrap_or("string");
        match (kind, value.get_mut()) {
            ("object", DeValue::Table(table)) => {
                self.table(table, span, schema);
                true
            }
            ("array", DeValue::Array(array)) => {
                let taken = std::mem::replace(array, DeArray::new());
                for mut item in taken {
                    if self.value(&mut item, &schema["items"]) {
                        array.push(item);
                    }
                }
                true
            }
            ("boolean", DeValue::Boolean(_)) => true,
            ("string", DeValue::String(text)) => {
                let Some(choices) = schema["enum"].as_array() else { return true };
                let choices = || choices.iter().filter_map(Json::as_str);
                if choices().any(|choice| choice == text) {
                    return true;
                }
                let hint = nearest(text, choices()).map(|near| format!("did you mean `{near}`?"));
                let message = format!("unknown value `{text}`");
                self.error(span, message, format!("expected one of {}", quoted(choices())), hint);
                false
            }
            ("integer", DeValue::Integer(number)) => {
                let digits: String = number.as_str().chars().filter(|&digit| digit != '_').collect();
                let limit = |name: &str, default| schema[name].as_i64().unwrap_or(default);
                let (low, high) = (limit("minimum", 0), limit("maximum", schema_width(schema)));
                let parsed = i64::from_str_radix(&digits, number.radix()).ok();
                let fits = parsed.is_some_and(|number| (low..=high).contains(&number));
                if !fits {
                    let message = format!("`{number}` is out of range");
                    self.error(span, message, format!("expected {low} to {high}"), None);
                }
                fits
            }
            (kind, found) => {
                let message = format!("a {} where a {} belongs", word(found.type_str()), word(kind));
                let expected = match kind {
                    "array" => "expected a list: [...]",
                    "object" => "expected a table",
                    "integer" => "expected a number",
                    "boolean" => "expected true or false",
                    _ => "expected a text in quotes",
                };
                self.error(span, message, expected.to_owned(), None);
                false
            }
        }
    }

    fn error(&mut self, span: Range<usize>, message: String, expected: String, hint: Option<String>) {
        let source = self.source;
        self.diagnostics.push_with(Severity::Error, || {
            let diagnostic = source.diagnostic(Severity::Error, span, message).expected(expected);
            match hint {
                Some(hint) => diagnostic.hint(hint),
                None => diagnostic,
            }
        });
    }
}

/// The largest number of an integer schema that has a format and no maximum.
fn schema_width(schema: &Json) -> i64 {
    match schema["format"].as_str() {
        Some("uint8") => i64::from(u8::MAX),
        Some("uint16") => i64::from(u16::MAX),
        Some("uint32") => i64::from(u32::MAX),
        _ => i64::MAX,
    }
}

fn word(kind: &str) -> &str {
    match kind {
        "array" => "list",
        "object" => "table",
        "integer" => "number",
        "string" => "text",
        kind => kind,
    }
}

fn quoted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// Returns the word that `text` was most likely meant to be: at most a third of its letters differ, two at least.
pub(super) fn nearest<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if text.len() > LONGEST_KEY {
        return None;
    }
    let limit = (text.chars().count() / 3).max(2);
    words
        .map(|word| (distance(text, word), word))
        .filter(|&(distance, _)| distance <= limit)
        .min()
        .map(|(_, word)| word)
}

/// Levenshtein's distance in characters, row by row.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, right) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_is_near() {
        let keys = || ["import", "export", "interface", "rd"].into_iter();
        assert_eq!(nearest("imports", keys()), Some("import"));
        assert_eq!(nearest("iterfaces", keys()), Some("interface"));
        assert_eq!(nearest("loopback", keys()), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
