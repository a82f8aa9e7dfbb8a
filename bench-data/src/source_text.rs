//! [`SourceText`]: a text file with its name, read within a limit, that finds lines and columns.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

use flate2::read::MultiGzDecoder;

use crate::diagnostic::{Diagnostic, Location, Severity};

/// The first two bytes of a gzip file (RFC 1952 section 2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Bytes between two marks of the line index.
const MARK: usize = 1 << 16;

/// Opens `path` and returns its bytes, unpacked if it is gzip, told by its first bytes and not by its name.
///
/// # Errors
///
/// Whatever opening and reading the first bytes return. A broken gzip stream shows when it is read.
pub fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    let mut file = File::open(path)?;
    let mut head = [0; 2];
    let mut filled = 0;
    while filled < 2 {
        match file.read(&mut head[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    let rest = io::Cursor::new(head).take(filled as u64).chain(file);
    if head[..filled] == GZIP_MAGIC {
        Ok(Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, rest))))
    } else {
        Ok(Box::new(rest))
    }
}

/// A text with its name. Byte offsets into it become lines and columns on demand.
#[derive(Clone, Debug)]
pub struct SourceText {
    name: String,
    text: String,
    /// Newlines before every [`MARK`]-th byte.
    marks: OnceLock<Vec<usize>>,
}

impl SourceText {
    /// Returns the source `text` under the name that diagnostics give it.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), marks: OnceLock::new() }
    }

    /// Reads the file at `path`, plain or gzip, of at most `limit` bytes when unpacked. A byte order mark is dropped.
    ///
    /// Takes memory for the text, never for more than `limit` bytes.
    ///
    /// # Errors
    ///
    /// A diagnostic where the file cannot be read, is larger, breaks off inside gzip, or is not UTF-8; the latter with
    /// its line and column.
    pub fn read(path: &Path, limit: usize) -> Result<Self, Diagnostic> {
        let name = path.display().to_string();
        let mut bytes = Vec::new();
        open(path)
            .and_then(|reader| reader.take(limit as u64 + 1).read_to_end(&mut bytes))
            .map_err(|error| read_error(&name, &error))?;
        if bytes.len() > limit {
            let message = format!("the text is longer than the limit of {limit} bytes");
            return Err(Diagnostic::error(&name, message));
        }
        Self::from_bytes(name, bytes)
    }

    /// Returns the source of these bytes. A byte order mark is dropped.
    ///
    /// # Errors
    ///
    /// A diagnostic with line and column of the first byte that is not UTF-8.
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, Diagnostic> {
        let name = name.into();
        match String::from_utf8(bytes) {
            Ok(mut text) => {
                if text.starts_with('\u{feff}') {
                    text.drain(..'\u{feff}'.len_utf8());
                }
                Ok(Self::new(name, text))
            }
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let bytes = error.as_bytes();
                let byte = bytes[at];
                let line = memchr::memchr_iter(b'\n', &bytes[..at]).count() + 1;
                let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |newline| newline + 1);
                // What follows the bad byte on its line is shown as far as it is text.
                let head = str::from_utf8(&bytes[start..at]).unwrap_or_default();
                let shown = format!("{head}\u{fffd}");
                Err(Diagnostic::error(&name, format!("byte `0x{byte:02x}` is not UTF-8"))
                    .at(line, &shown, head.len()..shown.len())
                    .expected("expected text"))
            }
        }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the text, its line ends as they were.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the lines in order, without LF or CRLF.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut start = 0;
        let mut number = 0;
        std::iter::from_fn(move || {
            if start >= self.text.len() {
                return None;
            }
            let rest = &self.text[start..];
            let end = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
            let line = Line { number: number + 1, start, text: without_return(&rest[..end]) };
            number += 1;
            start += end + 1;
            Some(line)
        })
    }

    /// Returns the line and column of the byte range `span`, with its line. A span over several lines ends with the
    /// first.
    ///
    /// The first call counts all newlines; every further one costs what the line is long.
    pub fn locate(&self, span: Range<usize>) -> Location {
        let bytes = self.text.as_bytes();
        let at = span.start.min(bytes.len());
        let marks = self.marks.get_or_init(|| {
            let count = |total: &mut usize, chunk: &[u8]| {
                let before = *total;
                *total += memchr::memchr_iter(b'\n', chunk).count();
                Some(before)
            };
            bytes.chunks(MARK).scan(0, count).collect()
        });
        let mark = (at / MARK).min(marks.len().saturating_sub(1));
        let before = marks.get(mark).copied().unwrap_or(0);
        let line = before + memchr::memchr_iter(b'\n', &bytes[mark * MARK..at]).count() + 1;
        let start = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |newline| newline + 1);
        let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |newline| at + newline);
        let text = without_return(&self.text[start..end]);
        Location::in_line(line, text, at - start..span.end.clamp(at, end) - start)
    }

    /// Returns the part of the byte range `span` that lies on its first line.
    pub(crate) fn first_line(&self, span: Range<usize>) -> Range<usize> {
        let rest = self.text.as_bytes().get(span.clone()).unwrap_or_default();
        let len = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        span.start..span.start + len
    }

    /// Returns a diagnostic at the byte range `span`.
    pub fn diagnostic(&self, severity: Severity, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(severity, &self.name, message).at_location(self.locate(span))
    }
}

/// Returns the diagnostic for a file that cannot be read.
pub(crate) fn read_error(name: &str, error: &io::Error) -> Diagnostic {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Diagnostic::error(name, "the gzip stream breaks off"),
        io::ErrorKind::NotFound => Diagnostic::error(name, "no such file"),
        _ => Diagnostic::error(name, format!("cannot be read: {error}")),
    }
}

fn without_return(line: &str) -> &str {
    line.strip_suffix('\r').unwrap_or(line)
}

/// A line of a [`SourceText`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its number, from 1 on.
    pub number: usize,
    /// The offset of its first byte in the text.
    pub start: usize,
    /// What stands on it, without the line end.
    pub text: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn read(bytes: &[u8], limit: usize) -> Result<String, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        let name = file.path().display().to_string();
        SourceText::read(file.path(), limit)
            .map(|source| source.text().to_owned())
            .map_err(|error| error.to_string().replace(&name, "FILE"))
    }

    #[test]
    fn plain_and_gzip_are_told_apart_by_their_bytes() {
        for text in ["", "a", "ab", "router\r\nvrf\n", "\u{feff}bom"] {
            let shown = text.trim_start_matches('\u{feff}');
            assert_eq!(read(text.as_bytes(), 100).as_deref(), Ok(shown));
            assert_eq!(read(&gzip(text.as_bytes()), 100).as_deref(), Ok(shown));
        }
    }

    #[test]
    fn the_limit_counts_unpacked_bytes() {
        let zeros = gzip(&vec![b' '; 10_000_000]);
        assert!(zeros.len() < 100_000);
        let error = Err("FILE: the text is longer than the limit of 100000 bytes".to_owned());
        assert_eq!(read(&zeros, 100_000), error);
        assert_eq!(read(b"12345", 5).as_deref(), Ok("12345"));
        assert!(read(b"123456", 5).is_err());
    }

    #[test]
    fn broken_input_is_a_diagnostic() {
        let mut broken = gzip(b"some text, long enough to be cut");
        broken.truncate(broken.len() - 9);
        assert_eq!(read(&broken, 100), Err("FILE: the gzip stream breaks off".to_owned()));
        assert_eq!(read(b"ab\nc\xff\xfed", 100), Err("FILE:2:2: byte `0xff` is not UTF-8".to_owned()));
        let missing = SourceText::read(Path::new("no/such/file"), 10).expect_err("missing");
        assert_eq!(missing.to_string(), "no/such/file: no such file");
    }

    #[test]
    fn lines_end_with_lf_or_crlf() {
        let source = SourceText::new("f", "a\r\n\nb\nc");
        let lines: Vec<_> = source.lines().map(|line| (line.number, line.start, line.text)).collect();
        assert_eq!(lines, [(1, 0, "a"), (2, 3, ""), (3, 4, "b"), (4, 6, "c")]);
        assert_eq!(SourceText::new("f", "").lines().count(), 0);
    }

    #[test]
    fn locate_agrees_with_counting_over_many_marks() {
        let text = (0..40_000).map(|number| format!("line {number}\r\n")).collect::<Vec<_>>().concat();
        let source = SourceText::new("f", text);
        for line in source.lines().step_by(997) {
            let at = source.locate(line.start + 5..line.start + 1000);
            assert_eq!((at.line(), at.column(), at.excerpt()), (line.number, 6, line.text));
        }
        let end = source.text().len();
        assert_eq!((source.locate(end..end + 1).line(), source.locate(end + 7..end).column()), (40_001, 1));
        assert_eq!(SourceText::new("f", "").locate(0..1).line(), 1);
    }
}
