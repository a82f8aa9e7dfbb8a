//! [`load()`]: from files to a network.

use std::io::Read;
use std::path::{Path, PathBuf};

use vrfleak_bench_data::{Diagnostic, Diagnostics, Provenance, Severity, SourceText, source_text};
use vrfleak_engine::Network;

use crate::assemble;
use crate::daemon_files::{by_router, is_daemon_file};
use crate::device::Device;
use crate::dialect::{Format, detect};
use crate::frr;
use crate::ios;
use crate::junos;
use crate::names::Name;
use crate::place::Place;
use crate::report::Report;
use crate::unknown::UnknownLines;
use crate::xr;

/// The most bytes of one text, and of all texts that are read together.
pub const MAX_BYTES: usize = 1 << 30;
/// The longest line of a text, in bytes. No router takes one near that long.
pub const MAX_LINE_BYTES: usize = 1 << 20;
/// The dialects that there are, where one was expected.
const KNOWN: &str = "expected ios, xr, frr, junos or junos-set";
/// The most files that a directory is searched for, and how deep.
const MAX_FILES: usize = 100_000;
const MAX_DEPTH: usize = 16;
/// How much of a file is read before it is looked at, in bytes.
const CHUNK_BYTES: u64 = 1 << 20;

/// What a caller may choose.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// The dialect of every text; `None` tells it from each text.
    pub dialect: Option<Format>,
}

impl Options {
    /// Returns the options that take every text for one of this format.
    pub fn with_dialect(dialect: Format) -> Self {
        Self { dialect: Some(dialect) }
    }
}

/// What was loaded.
#[derive(Debug)]
pub struct Loaded {
    /// The network of all routers that have VRFs.
    pub network: Network,
    /// Where the result may differ from the routers'.
    pub warnings: Diagnostics,
    /// The lines that no reader knows.
    pub unknown: UnknownLines,
    /// Policies and lists that are named and not defined, by place; the first ten thousand.
    pub undefined: Vec<Name>,
    /// Where the parts of the network stand.
    pub provenance: Provenance,
    /// The format of each text, in the order of [`Provenance::sources`].
    pub formats: Vec<Format>,
    /// How many lines were read.
    pub lines: usize,
}

/// Reads the configurations at `paths`, all routers of one network. A directory stands for the files below it, in the
/// order of their names; gzip is unpacked.
///
/// Takes memory for the texts, at most [`MAX_BYTES`] of them, and for the model.
///
/// # Errors
///
/// Everything that is wrong, with file, line and column, and the warnings; the first hundred of each are kept.
pub fn load(paths: &[PathBuf], options: &Options) -> Result<Loaded, Diagnostics> {
    let mut diagnostics = Diagnostics::default();
    let mut files = Vec::new();
    let mut searched = Vec::new();
    for path in paths {
        let before = files.len();
        find_files(path, 0, &mut files, &mut diagnostics);
        if files.len() == before && diagnostics.errors() == 0 {
            diagnostics.push(Diagnostic::error(&path.display().to_string(), "has no files to read"));
        }
        // What is said of a file that nobody named depends on whether it is a configuration at all.
        searched.resize(before, false);
        searched.resize(files.len(), path.is_dir());
    }
    let mut sources = Vec::new();
    let mut left = MAX_BYTES;
    let (mut left_out, mut others) = (Diagnostics::default(), 0);
    for (file, searched) in files.into_iter().zip(searched) {
        match read(&file, left, &mut diagnostics) {
            Ok(source) if searched && format_of(&source, options).is_none() => {
                let message = "is left out: a configuration of no known dialect";
                left_out.push(Diagnostic::warning(source.name(), message));
                others += 1;
            }
            Ok(source) => {
                left -= source.text().len();
                sources.push(source);
            }
            Err(diagnostic) => diagnostics.push(diagnostic),
        }
    }
    diagnostics.append(left_out);
    if sources.is_empty() && others > 0 && diagnostics.errors() == 0 {
        let name = paths.first().map_or_else(String::new, |path| path.display().to_string());
        let message = format!("has {others} files, and none is a configuration of a known dialect");
        diagnostics.push(Diagnostic::error(&name, message).expected(KNOWN));
    }
    load_sources(sources, options, diagnostics)
}

/// Reads configurations that are in memory, each with the name that diagnostics give it.
///
/// # Errors
///
/// As [`load()`].
pub fn load_texts<'a>(
    texts: impl IntoIterator<Item = (&'a str, &'a str)>,
    options: &Options,
) -> Result<Loaded, Diagnostics> {
    let sources = texts.into_iter().map(|(name, text)| SourceText::new(name, text)).collect();
    load_sources(sources, options, Diagnostics::default())
}

fn load_sources(
    sources: Vec<SourceText>,
    options: &Options,
    mut diagnostics: Diagnostics,
) -> Result<Loaded, Diagnostics> {
    let mut report = Report::new(&sources);
    let mut devices = Vec::new();
    let mut formats = Vec::new();
    let mut lines = 0;
    for (index, source) in sources.iter().enumerate() {
        if source.text().trim_ascii().is_empty() {
            report.about_source(Severity::Error, index as u32, "is empty, expected a configuration");
            formats.push(None);
            continue;
        }
        let Some(format) = format_of(source, options) else {
            let message = format_args!("is a configuration of no known dialect, {KNOWN}");
            report.about_source(Severity::Error, index as u32, message);
            formats.push(None);
            continue;
        };
        if let Some(place) = overlong_line(index as u32, source.text()) {
            let expected = format_args!("expected at most {MAX_LINE_BYTES} bytes");
            report.error(place, "the line is too long", expected);
            formats.push(None);
            continue;
        }
        formats.push(Some(format));
        let text = source.text();
        lines += memchr::memchr_iter(b'\n', text.as_bytes()).count() + usize::from(!text.ends_with('\n'));
    }
    for files in by_router(&sources, &formats) {
        let Some((&first, format)) = files.first().and_then(|first| Some((first, formats[*first]?))) else { continue };
        let texts: Vec<_> = files.iter().map(|&at| (at as u32, sources[at].text())).collect();
        let device = read_device(&texts, format, &mut report);
        if options.dialect.is_some() && files.len() == 1 {
            let empty = device.vrfs().is_empty() && device.interfaces.is_empty() && device.asn.is_none();
            let index = first as u32;
            match detect(texts[0].1) {
                Some(other) if other != format => {
                    let severity = if empty { Severity::Error } else { Severity::Warning };
                    report.about_source(severity, index, format_args!("looks like {other}, and is read as {format}"));
                }
                None if empty => {
                    let message = format_args!("has nothing that {format} knows: neither VRFs nor interfaces nor BGP");
                    report.about_source(Severity::Error, index, message);
                }
                _ => {}
            }
        }
        devices.push(device);
    }
    let assembled = assemble::assemble(&devices, &sources, &mut report);
    let (found, unknown, undefined) = report.finish();
    diagnostics.append(found);
    if diagnostics.errors() == 0
        && devices.iter().all(|device| device.vrfs().is_empty())
        && let Some(source) = sources.first()
    {
        diagnostics.push(Diagnostic::warning(source.name(), "no VRF is configured here or in any other file"));
    }
    let ((network, mut provenance), warnings) = match assembled {
        Some(assembled) => diagnostics.into_result(assembled)?,
        None => return Err(diagnostics),
    };
    provenance.sources = sources;
    let formats = formats.into_iter().flatten().collect();
    Ok(Loaded { network, warnings, unknown, undefined, provenance, formats, lines })
}

/// Returns the format of a text: the one that is asked for, that of its name, or the one that it looks like.
fn format_of(source: &SourceText, options: &Options) -> Option<Format> {
    let by_name = || is_daemon_file(source.name()).then_some(Format::Frr);
    options.dialect.or_else(|| detect(source.text())).or_else(by_name)
}

/// Reads the configuration of one router: a text with its number, or several of FRR.
fn read_device(texts: &[(u32, &str)], format: Format, report: &mut Report<'_>) -> Device {
    let (source, text) = texts[0];
    match format {
        Format::Ios => ios::read(source, text, report),
        Format::Xr => xr::read(source, text, report),
        Format::Frr => frr::read(texts, report),
        Format::Junos | Format::JunosSet => junos::read(source, text, format, report),
    }
}

/// Returns the start of the first line that is longer than [`MAX_LINE_BYTES`].
fn overlong_line(source: u32, text: &str) -> Option<Place> {
    let mut start = 0;
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
    for end in ends {
        if end - start > MAX_LINE_BYTES {
            return Some(Place { source, start: start as u32, end: start as u32 });
        }
        start = end + 1;
    }
    None
}

/// Collects the files at or below `path`. Hidden ones below a directory are left out.
fn find_files(path: &Path, depth: usize, files: &mut Vec<PathBuf>, diagnostics: &mut Diagnostics) {
    let name = path.display().to_string();
    if !path.is_dir() {
        files.push(path.to_owned());
        return;
    }
    if depth == MAX_DEPTH || files.len() >= MAX_FILES {
        let message = format!("more than {MAX_DEPTH} levels of directories or {MAX_FILES} files");
        diagnostics.push(Diagnostic::error(&name, message));
        return;
    }
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => {
            diagnostics.push(Diagnostic::error(&name, format!("cannot be read: {error}")));
            return;
        }
    };
    let hidden = |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let mut below: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| !hidden(path)).collect();
    below.sort();
    for path in below {
        find_files(&path, depth + 1, files, diagnostics);
    }
}

/// Reads a text of at most `limit` bytes, and not beyond a line that is too long or a byte that no text has. Bytes that
/// are not UTF-8, such as a description in Latin-1, are replaced.
fn read(path: &Path, limit: usize, diagnostics: &mut Diagnostics) -> Result<SourceText, Diagnostic> {
    let name = path.display().to_string();
    let unreadable = |error| Diagnostic::error(&name, format!("cannot be read: {error}"));
    let mut reader = source_text::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let mut line = 0;
    loop {
        let known = bytes.len();
        if reader.by_ref().take(CHUNK_BYTES).read_to_end(&mut bytes).map_err(unreadable)? == 0 {
            break;
        }
        if bytes.len() > limit {
            let message = format!("is longer than {limit} bytes, the limit of all texts together");
            return Err(Diagnostic::error(&name, message));
        }
        if let Some(at) = memchr::memchr(0, &bytes[known..]) {
            let message = match bytes[..] {
                [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "is UTF-16".to_owned(),
                _ => format!("is binary: byte {} is 0", known + at),
            };
            return Err(Diagnostic::error(&name, message).expected("expected text in UTF-8"));
        }
        line = memchr::memrchr(b'\n', &bytes[known..]).map_or(line, |newline| known + newline + 1);
        if bytes.len() - line > MAX_LINE_BYTES {
            // Whoever looks at the lines says so; there is nothing more to know.
            break;
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(SourceText::new(name, text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))),
        Err(error) => {
            let text = String::from_utf8_lossy(error.as_bytes());
            let replaced = text.matches('\u{fffd}').count();
            if replaced > 16 && replaced * 20 > text.len() {
                return Err(
                    Diagnostic::error(&name, "is binary: too much of it is not UTF-8").expected("expected text")
                );
            }
            diagnostics
                .push(Diagnostic::warning(&name, format!("{replaced} characters are not UTF-8 and were replaced")));
            Ok(SourceText::new(name, text))
        }
    }
}
