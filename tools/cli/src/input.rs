//! Reads the network that a command works on, from a scenario or from configurations, and tells them apart; what comes
//! beside it, [`feeds`] adds.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use vrfleak_bench_data::{Diagnostics, Provenance, scenario, source_text};
use vrfleak_config::{Name, Options, UnknownLines};
use vrfleak_engine::Network;

use crate::activity::Activity;
use crate::args::{ConfigurationArgs, FileArgs, InputArgs};
use crate::failure::{Failure, colour, say};
use crate::feeds;

/// How much of a file is looked at to tell what it is, in bytes.
const HEAD_BYTES: u64 = 256 << 10;

/// Reads the network of a command's `--input`; warnings and unknown lines go to standard error.
pub(crate) fn read(args: &InputArgs, verbose: bool) -> Result<Network, Failure> {
    let activity = Activity::start("reading");
    let (network, remarks) = load(&args.input, &args.files, &args.configuration, verbose)?;
    drop(activity);
    say(&remarks);
    Ok(network)
}

/// Reads the network at `path`, for a command that shows its own progress.
pub(crate) fn read_path(
    path: &Path,
    files: &FileArgs,
    configuration: &ConfigurationArgs,
    verbose: bool,
) -> Result<Network, Failure> {
    let (network, remarks) = load(&[path.to_owned()], files, configuration, verbose)?;
    say(&remarks);
    Ok(network)
}

/// Where a network comes from.
#[derive(Debug)]
pub(crate) struct Source {
    /// Where its parts stand.
    pub(crate) provenance: Provenance,
    /// Policies and lists that are named and not defined.
    pub(crate) undefined: Vec<Name>,
    /// Policies and lists that nothing names.
    pub(crate) unused: Vec<Name>,
}

/// Reads the network of a command's `--input` and where its parts stand, `names` that nothing uses among it on demand.
pub(crate) fn read_with_source(args: &InputArgs, verbose: bool, names: bool) -> Result<(Network, Source), Failure> {
    let activity = Activity::start("reading");
    let (network, mut source, remarks) = load_alone(&args.input, &args.files, &args.configuration, verbose, names)?;
    feeds::remember_lists(&network, &args.files.feeds, &mut source.provenance)?;
    let (network, more) = feeds::add(network, &args.files.feeds, verbose)?;
    drop(activity);
    say(&(remarks + &more));
    Ok((network, source))
}

/// Returns the network at `paths` with what comes beside it, and what there is to say about the input.
fn load(
    paths: &[PathBuf],
    files: &FileArgs,
    configuration: &ConfigurationArgs,
    verbose: bool,
) -> Result<(Network, String), Failure> {
    let (network, _, remarks) = load_alone(paths, files, configuration, verbose, false)?;
    let (network, more) = feeds::add(network, &files.feeds, verbose)?;
    Ok((network, remarks + &more))
}

/// Returns the network at `paths` alone, where it comes from, unused names among it on demand, and what there is to say.
fn load_alone(
    paths: &[PathBuf],
    files: &FileArgs,
    configuration: &ConfigurationArgs,
    verbose: bool,
    names: bool,
) -> Result<(Network, Source, String), Failure> {
    let explicit = configuration.dialect.is_some();
    let scenario = if explicit { None } else { paths.iter().find(|path| is_scenario(path)) };
    if let Some(path) = scenario {
        if paths.len() > 1 {
            let message = format!("`{}` is a scenario, which is a network of its own", path.display());
            return Err(Failure::request(message));
        }
        let files = files.files.iter().cloned().collect();
        let scenario = scenario::load(path, &files)?;
        let remarks = warnings(&scenario.warnings);
        let source = Source { provenance: scenario.provenance, undefined: Vec::new(), unused: Vec::new() };
        return Ok((scenario.network, source, remarks));
    }
    if let Some((name, _)) = files.files.first() {
        return Err(Failure::request(format!(
            "`--file {name}=...` is for scenarios, and `{}` is none",
            paths.first().map_or_else(String::new, |path| path.display().to_string())
        )));
    }
    let mut options = Options::default();
    options.dialect = configuration.dialect;
    let loaded = vrfleak_config::load(paths, &options)?;
    let name = |source: usize| loaded.provenance.sources().get(source).map_or("", |source| source.name());
    let unknown = unknown(&loaded.unknown, loaded.lines, verbose, name);
    let remarks = warnings(&loaded.warnings) + &unknown;
    let unused = if names { loaded.unused_names() } else { Vec::new() };
    let source = Source { provenance: loaded.provenance, undefined: loaded.undefined, unused };
    Ok((loaded.network, source, remarks))
}

/// Returns whether the file is meant as a scenario: by its name, by a TOML heading that no configuration has, or because
/// it has lines of TOML and looks like no configuration.
fn is_scenario(path: &Path) -> bool {
    if path.is_dir() {
        return false;
    }
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")) {
        return true;
    }
    let mut head = Vec::new();
    // What cannot be read is reported by whoever reads it in full.
    let _ = source_text::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    let text = String::from_utf8_lossy(&head);
    text.lines().any(|line| line.trim_start().starts_with("[["))
        || text.lines().any(is_toml) && !vrfleak_config::is_configuration(&text)
}

/// Returns whether a line is a heading of TOML, or a key with its value.
fn is_toml(line: &str) -> bool {
    let line = line.trim();
    let key = |text: &str| {
        let mut bytes = text.trim_end().bytes().peekable();
        bytes.peek().is_some() && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_-.\"".contains(&byte))
    };
    line.starts_with('[') && line.ends_with(']') || line.split_once('=').is_some_and(|(name, _)| key(name))
}

fn warnings(warnings: &Diagnostics) -> String {
    if warnings.is_empty() { String::new() } else { warnings.render(colour()) }
}

/// Returns how many lines are not understood, and which on demand.
fn unknown<'a>(unknown: &UnknownLines, lines: usize, verbose: bool, name: impl Fn(usize) -> &'a str) -> String {
    if unknown.count() == 0 {
        return String::new();
    }
    let hint = if verbose { "" } else { "; -v lists them" };
    let mut text = format!("note: not understood: {} of {lines} lines{hint}\n", unknown.count());
    if verbose {
        for line in unknown.kept() {
            let _ = writeln!(text, "{}:{}: {}", name(line.source), line.line, line.text);
        }
        let left = unknown.count() - unknown.kept().len();
        if left > 0 {
            let _ = writeln!(text, "and {left} more");
        }
    }
    text
}
