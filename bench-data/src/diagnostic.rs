//! [`Diagnostic`]: something to say about a place in a text, and [`Diagnostics`], all of them.
//!
//! Scenario files, prefix lists and router configurations report through these. A diagnostic owns the part of its line
//! that is shown, cut around the span, so that its size does not depend on the text: a million mistakes on lines of
//! 200 MB cost a hundred excerpts of [`EXCERPT_BYTES`]. Nothing here prints; [`Diagnostics::render`] returns text.

use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::{DecorStyle, Renderer};
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Snippet, normalize_untrusted_str};

/// How many diagnostics of each severity [`Diagnostics`] keeps; further ones are counted.
pub const KEPT: usize = 100;
/// The longest part of a line that is kept and shown, in bytes.
pub const EXCERPT_BYTES: usize = 160;
/// The longest message, label or hint, in bytes: what is longer is cut, since it may quote hostile input.
pub const MESSAGE_BYTES: usize = 400;
/// How much of a long line is shown before the span, in bytes.
const LEAD_BYTES: usize = 60;
const ELLIPSIS: &str = "...";

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The input cannot be used.
    Error,
    /// The input can be used, and the result may not be what its author expects.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// A place in a text, and what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    line: usize,
    column: usize,
    excerpt: String,
    span: Range<usize>,
    cut: bool,
}

impl Location {
    /// Returns the place `span`, in bytes, of the line `text`, whose number is `line`, from 1 on.
    ///
    /// A span that lies outside the line or inside a character is moved to the nearest place that does not.
    pub fn in_line(line: usize, text: &str, span: Range<usize>) -> Self {
        let start = text.floor_char_boundary_at(span.start);
        let end = text.ceil_char_boundary_at(span.end.max(start));
        let column = text.as_bytes()[..start].iter().filter(|&&byte| byte & 0xc0 != 0x80).count() + 1;
        if text.len() <= EXCERPT_BYTES {
            return Self { line, column, excerpt: text.to_owned(), span: start..end, cut: false };
        }
        let from = match start.min(text.len().saturating_sub(EXCERPT_BYTES)) {
            from if from < LEAD_BYTES => 0,
            from => text.floor_char_boundary_at(from.min(start - LEAD_BYTES.min(start))),
        };
        let to = text.floor_char_boundary_at(from + EXCERPT_BYTES);
        let head = if from > 0 { ELLIPSIS } else { "" };
        let tail = if to < text.len() { ELLIPSIS } else { "" };
        let shift = |at: usize| at.clamp(from, to) - from + head.len();
        let excerpt = format!("{head}{}{tail}", &text[from..to]);
        Self { line, column, excerpt, span: shift(start)..shift(end), cut: true }
    }

    /// Returns the line's number, from 1 on.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the column in characters, from 1 on.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Returns the line, or the part of a long one around the span, with `...` where it was cut.
    pub fn excerpt(&self) -> &str {
        &self.excerpt
    }

    /// Returns the bytes of [`Self::excerpt`] that are meant.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

/// `str::floor_char_boundary` came with Rust 1.91.
trait CharBoundary {
    fn floor_char_boundary_at(&self, at: usize) -> usize;
    fn ceil_char_boundary_at(&self, at: usize) -> usize;
}

impl CharBoundary for str {
    fn floor_char_boundary_at(&self, at: usize) -> usize {
        let at = at.min(self.len());
        (0..=at).rev().find(|&at| self.is_char_boundary(at)).expect("the start is a boundary")
    }

    fn ceil_char_boundary_at(&self, at: usize) -> usize {
        let at = at.min(self.len());
        (at..=self.len()).find(|&at| self.is_char_boundary(at)).expect("the end is a boundary")
    }
}

/// Something to say about an input: what is wrong, where, and what was expected.
///
/// ```
/// use vrfleak_bench_data::diagnostic::Diagnostic;
///
/// let diagnostic = Diagnostic::error("lab.cfg", "`65535:` is not a route distinguisher")
///     .at(7, " rd 65535:", 4..10)
///     .expected("expected AS:NUMBER or IPV4:NUMBER");
/// assert_eq!(diagnostic.to_string(), "lab.cfg:7:5: `65535:` is not a route distinguisher");
/// assert!(diagnostic.render(false).contains("^^^^^^ expected AS:NUMBER or IPV4:NUMBER"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    severity: Severity,
    file: String,
    location: Option<Box<Location>>,
    message: String,
    expected: Option<String>,
    hint: Option<String>,
}

impl Diagnostic {
    /// Returns an error about `file`, as a whole until [`Self::at`] says where.
    pub fn error(file: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, file, message)
    }

    /// Returns a warning about `file`, as a whole until [`Self::at`] says where.
    pub fn warning(file: &str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, file, message)
    }

    /// Returns a diagnostic of this severity about `file`, as a whole until [`Self::at`] says where.
    pub fn new(severity: Severity, file: &str, message: impl Into<String>) -> Self {
        let file = bounded(file.to_owned());
        Self { severity, file, location: None, message: bounded(message.into()), expected: None, hint: None }
    }

    /// Places the diagnostic at the bytes `span` of the line `text`, whose number is `line`, from 1 on.
    pub fn at(self, line: usize, text: &str, span: Range<usize>) -> Self {
        self.at_location(Location::in_line(line, text, span))
    }

    /// Places the diagnostic.
    pub fn at_location(mut self, location: Location) -> Self {
        self.location = Some(Box::new(location));
        self
    }

    /// Says beside the caret what was expected there.
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(bounded(expected.into()));
        self
    }

    /// Says below, on a line of its own, what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(bounded(hint.into()));
        self
    }

    /// Returns how bad it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns the name of the file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the place, or `None` if the file as a whole is meant.
    pub fn location(&self) -> Option<&Location> {
        self.location.as_deref()
    }

    /// Returns what is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the diagnostic with its line, a caret and the expectation, each line ended; coloured by ANSI escapes on
    /// demand. Control characters of the input are made visible.
    pub fn render(&self, colour: bool) -> String {
        let level = || match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level().primary_title(self.message.as_str()));
        let cut = self.location.as_ref().is_some_and(|at| at.cut);
        if let Some(at) = &self.location {
            let annotation = AnnotationKind::Primary.span(at.span()).label(self.expected.as_deref());
            let snippet = Snippet::source(at.excerpt.as_str()).line_start(at.line).annotation(annotation);
            group = group.element(snippet.path((!cut).then_some(self.file.as_str())));
        } else {
            group = group.element(Origin::path(self.file.as_str()));
            if let Some(expected) = &self.expected {
                group = group.element(Level::NOTE.message(expected.as_str()));
            }
        }
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut text = renderer.decor_style(DecorStyle::Ascii).term_width(2 * EXCERPT_BYTES).render(&[group]);
        text.push('\n');
        // The renderer would count the column from where the line was cut.
        if cut && let (Some(at), Some(end)) = (&self.location, text.find('\n')) {
            let indent = at.line.to_string().len();
            let file = normalize_untrusted_str(&self.file);
            text.insert_str(end, &format!("\n{:indent$}--> {file}:{}:{}", "", at.line, at.column));
        }
        text
    }
}

/// Cuts `text` to [`MESSAGE_BYTES`] and gives back what it held beyond them.
fn bounded(mut text: String) -> String {
    if text.len() > MESSAGE_BYTES {
        text.truncate(text.floor_char_boundary_at(MESSAGE_BYTES - ELLIPSIS.len()));
        text.push_str(ELLIPSIS);
        text.shrink_to_fit();
    }
    text
}

impl fmt::Display for Diagnostic {
    /// Writes one line: `FILE:LINE:COLUMN: MESSAGE`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(at) = &self.location {
            write!(f, ":{}:{}", at.line, at.column)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// Everything that there is to say about an input: the first [`KEPT`] errors and as many warnings, and how many more.
///
/// Bounded: about 100 KiB when both are full, whatever the input.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    kept: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
}

impl Diagnostics {
    /// Adds a diagnostic, or counts it where enough of its severity are kept.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.push_with(diagnostic.severity, || diagnostic);
    }

    /// Adds the diagnostic of this severity that `make` returns, which is not called where enough are kept: after the
    /// first hundred a mistake costs a count.
    pub fn push_with(&mut self, severity: Severity, make: impl FnOnce() -> Diagnostic) {
        let count = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= KEPT {
            self.kept.push(make());
        }
    }

    /// Adds all of `other`, in its order, after those that are here.
    pub fn append(&mut self, other: Self) {
        let (errors, warnings) = (self.errors + other.errors, self.warnings + other.warnings);
        for diagnostic in other.kept {
            self.push(diagnostic);
        }
        (self.errors, self.warnings) = (errors, warnings);
    }

    /// Sorts what is kept by file, line and column; what has no line comes first.
    pub fn sort_by_location(&mut self) {
        let key = |diagnostic: &Diagnostic| diagnostic.location.as_ref().map(|at| (at.line, at.column));
        self.kept.sort_by(|a, b| (&a.file, key(a)).cmp(&(&b.file, key(b))));
    }

    /// Returns how many errors there are, kept or not.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// Returns how many warnings there are, kept or not.
    pub fn warnings(&self) -> usize {
        self.warnings
    }

    /// Returns whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.errors + self.warnings == 0
    }

    /// Returns what is kept, in the order of arrival.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.kept.iter()
    }

    /// Returns `Err` with all of it if there is an error among it, otherwise `value` and the warnings.
    ///
    /// # Errors
    ///
    /// If [`Self::errors`] is not 0.
    pub fn into_result<T>(self, value: T) -> Result<(T, Self), Self> {
        if self.errors == 0 { Ok((value, self)) } else { Err(self) }
    }

    /// Returns every diagnostic that is kept as [`Diagnostic::render`] shows it, a blank line between two, and after
    /// them how many are not shown.
    pub fn render(&self, colour: bool) -> String {
        let mut text = self.kept.iter().map(|diagnostic| diagnostic.render(colour)).collect::<Vec<_>>().join("\n");
        for (severity, count) in [(Severity::Error, self.errors), (Severity::Warning, self.warnings)] {
            if count > KEPT {
                text.extend(["\n", &format!("{severity}: {count} in all, the first {KEPT} are shown"), "\n"]);
            }
        }
        text
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        let mut diagnostics = Self::default();
        diagnostics.push(diagnostic);
        diagnostics
    }
}

impl fmt::Display for Diagnostics {
    /// Writes one line a diagnostic, without excerpts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.kept.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{diagnostic}")?;
        }
        let hidden = self.errors + self.warnings - self.kept.len();
        if hidden > 0 { write!(f, "\n{hidden} more") } else { Ok(()) }
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_shows_its_line_with_a_caret_and_the_expectation() {
        let diagnostic = Diagnostic::error("lab.cfg", "`65535:` is not a route distinguisher")
            .at(7, " rd 65535:", 4..10)
            .expected("expected AS:NUMBER or IPV4:NUMBER")
            .hint("write `rd 65535:1`");
        insta::assert_snapshot!(diagnostic.render(false), @r"
error: `65535:` is not a route distinguisher
 --> lab.cfg:7:5
  |
7 |  rd 65535:
  |     ^^^^^^ expected AS:NUMBER or IPV4:NUMBER
  |
  = help: write `rd 65535:1`
");
    }

    #[test]
    fn a_diagnostic_without_a_place_names_the_file() {
        let diagnostic = Diagnostic::warning("x.toml", "is empty").expected("expected a scenario");
        insta::assert_snapshot!(diagnostic.render(false), @r"
warning: is empty
--> x.toml
 = note: expected a scenario
");
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let mut line = "x".repeat(1 << 20);
        line.insert_str(1 << 19, "WRONG");
        let diagnostic = Diagnostic::error("long", "`WRONG`").at(1, &line, 1 << 19..(1 << 19) + 5).expected("right");
        let at = diagnostic.location().expect("placed");
        assert_eq!(at.column(), (1 << 19) + 1);
        assert_eq!(&at.excerpt()[at.span()], "WRONG");
        assert!(at.excerpt().len() <= EXCERPT_BYTES + 6);
        insta::assert_snapshot!(diagnostic.render(false), @r"
error: `WRONG`
 --> long:1:524289
  |
1 | ...xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxWRONGxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
  |                                                                ^^^^^ right
");
        for span in [0..5, line.len() - 5..line.len(), line.len()..line.len(), 0..line.len()] {
            let at = Location::in_line(1, &line, span.clone());
            assert!(at.span().end <= at.excerpt().len());
            assert_eq!(at.column(), span.start + 1);
        }
    }

    #[test]
    fn columns_count_characters_and_spans_never_split_one() {
        let line = "äöü".repeat(200);
        let at = Location::in_line(3, &line, 301..303);
        assert_eq!((at.line(), at.column()), (3, 151));
        assert!(at.excerpt().is_char_boundary(at.span().start) && at.excerpt().is_char_boundary(at.span().end));
        let at = Location::in_line(1, "ab", 7..9);
        assert_eq!((at.column(), at.span()), (3, 2..2));
    }

    #[test]
    fn the_first_hundred_are_kept_and_the_rest_counted() {
        let mut diagnostics = Diagnostics::default();
        for line in 1..=1_000_000 {
            diagnostics.push_with(Severity::Error, || Diagnostic::error("f", "wrong").at(line, "text", 0..4));
        }
        diagnostics.push(Diagnostic::warning("f", "odd"));
        assert_eq!((diagnostics.errors(), diagnostics.warnings(), diagnostics.iter().count()), (1_000_000, 1, 101));
        assert!(diagnostics.render(false).ends_with("\nerror: 1000000 in all, the first 100 are shown\n"));
        let mut both = Diagnostics::from(Diagnostic::error("e", "first"));
        both.append(diagnostics);
        assert_eq!((both.errors(), both.warnings(), both.iter().count()), (1_000_001, 1, 101));
        assert!(both.into_result(()).is_err());
    }

    #[test]
    fn messages_are_bounded_and_control_characters_visible() {
        let diagnostic = Diagnostic::error("f", "é".repeat(1000)).at(1, "a\u{1b}[31mb\0", 1..2);
        assert!(diagnostic.message().len() <= MESSAGE_BYTES && diagnostic.message().ends_with("..."));
        assert!(!diagnostic.render(false).contains(['\u{1b}', '\0']));
        assert!(diagnostic.render(true).contains("\u{1b}["));
    }
}
