//! [`Output`]: where the data go, standard output or a file that appears when it is complete.

use std::fs::{self, File};
use std::io::{self, BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::NamedTempFile;

use crate::failure::Failure;

/// A sink for the data of a command. [`Self::finish`] must be called, or a file does not appear.
pub(crate) struct Output {
    sink: Sink,
}

enum Sink {
    Stdout(BufWriter<Stdout>),
    /// A regular file, written beside its place.
    Replace(BufWriter<NamedTempFile>, PathBuf),
    /// A device or a pipe, which must not be replaced.
    Through(BufWriter<File>, PathBuf),
}

impl Output {
    /// Opens `path`, or standard output.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self { sink: Sink::Stdout(BufWriter::new(io::stdout())) }) };
        let failed = |error: io::Error| cannot(path, &error);
        // A link is followed, so that the file it leads to is replaced and not the link.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let sink = match fs::metadata(&target) {
            Ok(found) if found.is_dir() => {
                return Err(Failure::request(format!("cannot write `{}`: it is a directory", path.display())));
            }
            Ok(found) if !found.is_file() => {
                Sink::Through(BufWriter::new(File::create(&target).map_err(failed)?), target)
            }
            _ => {
                let folder = match target.parent() {
                    Some(folder) if !folder.as_os_str().is_empty() => folder,
                    _ => Path::new("."),
                };
                fs::metadata(folder).map_err(failed)?;
                let file = beside(folder).map_err(failed)?;
                Sink::Replace(BufWriter::new(file), target)
            }
        };
        Ok(Self { sink })
    }

    /// Writes `rows` as a JSON array, one row a line.
    pub(crate) fn json_rows<T: Serialize>(&mut self, rows: impl IntoIterator<Item = T>) -> Result<(), Failure> {
        let mut separator = "[\n  ";
        for row in rows {
            self.write_all(separator.as_bytes())?;
            serde_json::to_writer(&mut *self, &row).map_err(io::Error::from)?;
            separator = ",\n  ";
        }
        self.write_all(if separator.starts_with('[') { b"[]\n" } else { b"\n]\n" })?;
        Ok(())
    }

    /// Writes `value` as JSON over several lines.
    pub(crate) fn json<T: Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        serde_json::to_writer_pretty(&mut *self, value).map_err(io::Error::from)?;
        self.write_all(b"\n")?;
        Ok(())
    }

    /// Completes the output.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self.sink {
            Sink::Stdout(mut stdout) => stdout.flush()?,
            Sink::Through(mut file, path) => file.flush().map_err(|error| cannot(&path, &error))?,
            Sink::Replace(file, path) => {
                let file = file.into_inner().map_err(|error| cannot(&path, error.error()))?;
                file.as_file().sync_all().map_err(|error| cannot(&path, &error))?;
                file.persist(&path).map_err(|error| cannot(&path, &error.error))?;
            }
        }
        Ok(())
    }
}

/// Says that `path` cannot be written, without the name of the temporary file beside it.
fn cannot(path: &Path, error: &io::Error) -> Failure {
    let path = path.display();
    match error.raw_os_error() {
        Some(_) => Failure::request(format!("cannot write `{path}`: {error}")),
        None => Failure::request(format!("cannot write `{path}`: {}", error.kind())),
    }
}

/// Makes a temporary file in `folder` with the rights that any new file gets.
fn beside(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".vrfleak-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.sink {
            Sink::Stdout(sink) => sink.write(bytes),
            Sink::Replace(sink, _) => sink.write(bytes),
            Sink::Through(sink, _) => sink.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Stdout(sink) => sink.flush(),
            Sink::Replace(sink, _) => sink.flush(),
            Sink::Through(sink, _) => sink.flush(),
        }
    }
}
