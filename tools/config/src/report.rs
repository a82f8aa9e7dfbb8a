//! [`Report`]: what a front end has to say while it reads, bounded whatever the input.

use std::fmt;

use ahash::AHashSet;
use vrfleak_bench_data::{Diagnostic, Diagnostics, Severity, SourceText};

use crate::names::Name;
use crate::place::Place;
use crate::unknown::{UnknownLine, UnknownLines};

/// Collects errors, warnings and unknown lines of texts that are read together.
#[derive(Debug)]
pub(crate) struct Report<'s> {
    sources: &'s [SourceText],
    diagnostics: Diagnostics,
    unknown: UnknownLines,
    undefined: Vec<Name>,
    /// Where the first errors are.
    wrong: AHashSet<Place>,
}

/// How many undefined names are kept; each of them is a warning as well.
const MAX_UNDEFINED: usize = 10_000;
/// How many places of errors are kept.
const MAX_WRONG: usize = 10_000;

impl<'s> Report<'s> {
    pub(crate) fn new(sources: &'s [SourceText]) -> Self {
        Self {
            sources,
            diagnostics: Diagnostics::default(),
            unknown: UnknownLines::default(),
            undefined: Vec::new(),
            wrong: AHashSet::new(),
        }
    }

    /// Adds an error: the input cannot be used.
    pub(crate) fn error(&mut self, place: Place, message: impl fmt::Display, expected: impl fmt::Display) {
        if self.wrong.len() < MAX_WRONG {
            self.wrong.insert(place);
        }
        self.push(Severity::Error, place, &message, &expected, None);
    }

    /// Adds an error with advice.
    pub(crate) fn error_with_hint(
        &mut self,
        place: Place,
        message: impl fmt::Display,
        expected: impl fmt::Display,
        hint: impl fmt::Display,
    ) {
        self.push(Severity::Error, place, &message, &expected, Some(&hint));
    }

    /// Adds a warning: the result may differ from the router's.
    pub(crate) fn warning(&mut self, place: Place, message: impl fmt::Display, note: impl fmt::Display) {
        self.push(Severity::Warning, place, &message, &note, None);
    }

    /// Adds a warning about the name of a policy or list that is not defined, unless the name is an error already: what
    /// calls itself is not compiled.
    pub(crate) fn undefined(&mut self, what: &str, place: Place, name: &str, note: impl fmt::Display) {
        if self.wrong.contains(&place) {
            return;
        }
        self.warning(place, format_args!("{what} `{name}` is not defined"), note);
        if self.undefined.len() < MAX_UNDEFINED {
            self.undefined.push(Name { place, what: what.to_owned(), name: name.to_owned() });
        }
    }

    /// Adds what concerns a source as a whole.
    pub(crate) fn about_source(&mut self, severity: Severity, source: u32, message: impl fmt::Display) {
        let name = self.sources[source as usize].name();
        self.diagnostics.push_with(severity, || Diagnostic::new(severity, name, message.to_string()));
    }

    fn push(
        &mut self,
        severity: Severity,
        place: Place,
        message: &dyn fmt::Display,
        expected: &dyn fmt::Display,
        hint: Option<&dyn fmt::Display>,
    ) {
        let source = &self.sources[place.source()];
        self.diagnostics.push_with(severity, || {
            let diagnostic =
                source.diagnostic(severity, place.span(), message.to_string()).expected(expected.to_string());
            match hint {
                Some(hint) => diagnostic.hint(hint.to_string()),
                None => diagnostic,
            }
        });
    }

    /// Counts a line that no reader knows, and keeps the first of them.
    pub(crate) fn unknown(&mut self, source: u32, number: u32, text: &str) {
        self.unknown.push(|| UnknownLine::new(source, number, text));
    }

    /// Counts a statement at `place` that no reader knows, and keeps the first of them.
    pub(crate) fn unknown_at(&mut self, place: Place, text: &str) {
        let source = &self.sources[place.source()];
        self.unknown.push(|| UnknownLine::new(place.source, source.locate(place.span()).line() as u32, text));
    }

    /// Returns how many errors there are so far.
    pub(crate) fn errors(&self) -> usize {
        self.diagnostics.errors()
    }

    /// Returns everything, sorted by place.
    pub(crate) fn finish(mut self) -> (Diagnostics, UnknownLines, Vec<Name>) {
        self.diagnostics.sort_by_location();
        self.undefined.sort();
        self.undefined.dedup();
        (self.diagnostics, self.unknown, self.undefined)
    }
}
