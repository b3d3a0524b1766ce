//! The file that lines are appended to: one write a line, a new file each day and
//! at a size, old parts deleted.
//!
//! The crates that roll log files over do not pass errors of writing on, and keep
//! writing to a file that was moved away; an audit needs both.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::names::Names;
use crate::handover::hand_over;

/// Where lines go, and for how long they stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSettings {
    /// The file that is written; its parts stand beside it.
    pub path: std::path::PathBuf,
    /// For how long parts are kept, in whole days.
    pub keep: Duration,
    /// Bytes after which a new part begins.
    pub max_size: u64,
}

/// An audit file while it is written.
pub(super) struct LogFile {
    names: Names,
    keep: Days,
    max_size: u64,
    open: Option<Open>,
}

struct Open {
    file: File,
    id: FileId,
    /// Of its lines.
    day: NaiveDate,
    size: u64,
    /// Whether it can be renamed, cut and flushed.
    regular: bool,
    /// Whether its last line was written in part.
    torn: bool,
    unsynced: bool,
}

impl LogFile {
    pub(super) fn new(settings: &FileSettings) -> Self {
        let days = settings.keep.as_secs().div_ceil(24 * 3_600);
        Self {
            names: Names::of(&settings.path),
            keep: Days::new(days),
            max_size: settings.max_size,
            open: None,
        }
    }

    /// Appends one line, which ends with a line break, in one write. After an error
    /// the line is not in the file, or only its beginning is, which the next line
    /// leaves behind on a line of its own.
    pub(super) fn append(&mut self, line: &[u8], today: NaiveDate) -> io::Result<()> {
        let appended = self.try_append(line, today);
        if appended.is_err() {
            // Opened anew for the next try: what was wrong may be mended by then.
            self.open = None;
        }
        appended
    }

    /// Opens the file if it is not open, and makes a new one if it is not of today.
    pub(super) fn make_ready(&mut self, today: NaiveDate) -> io::Result<()> {
        self.opened(0, today).map(drop)
    }

    /// Has the disk keep what was written.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if let Some(open) = &mut self.open
            && open.unsynced
        {
            open.file.sync_data()?;
            open.unsynced = false;
        }
        Ok(())
    }

    fn try_append(&mut self, line: &[u8], today: NaiveDate) -> io::Result<()> {
        let open = self.opened(line.len(), today)?;
        let mended;
        let bytes = if open.torn {
            mended = [b"\n", line].concat();
            &mended
        } else {
            line
        };
        let written = loop {
            match open.file.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => break written?,
            }
        };
        open.size += u64::try_from(written).unwrap_or(u64::MAX);
        open.unsynced = open.regular;
        open.torn = written < bytes.len();
        if open.torn {
            return Err(io::Error::new(
                io::ErrorKind::StorageFull,
                "only a part of a line could be written",
            ));
        }
        Ok(())
    }

    /// The file for `more` bytes of today: the one that is open, if it is still the
    /// one at the path and has room.
    fn opened(&mut self, more: usize, today: NaiveDate) -> io::Result<&mut Open> {
        let at_path = std::fs::metadata(self.names.current());
        let here = self.open.take();
        let mut open = match (here, at_path) {
            // Whoever moves the file away, or empties it, gets a new one.
            (Some(open), Ok(found)) if open.id == FileId::of(&found) => open,
            (Some(open), _) => {
                if open.unsynced {
                    open.file.sync_data()?;
                }
                self.open_anew(today)?
            }
            (None, _) => self.open_anew(today)?,
        };
        let size = open.size + u64::try_from(more).unwrap_or(u64::MAX);
        let full = open.size > 0 && (open.day != today || size > self.max_size);
        if full && open.regular {
            open = self.rotated(open, today)?;
        }
        open.day = today;
        Ok(self.open.insert(open))
    }

    fn open_anew(&self, today: NaiveDate) -> io::Result<Open> {
        make_folder(self.names.folder())?;
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
        let mut file = options.open(self.names.current())?;
        let found = file.metadata()?;
        let regular = found.is_file();
        let torn = regular && found.len() > 0 && !ends_with_line_break(&mut file)?;
        let day = match found.modified() {
            Ok(time) if found.len() > 0 => DateTime::<Utc>::from(time).date_naive(),
            _ => today,
        };
        self.delete_old(today);
        Ok(Open {
            id: FileId::of(&found),
            day,
            size: if regular { found.len() } else { 0 },
            regular,
            torn,
            unsynced: false,
            file,
        })
    }

    /// Puts the file aside and begins another. Where that cannot be done the file
    /// grows on: lines matter more.
    fn rotated(&self, mut open: Open, today: NaiveDate) -> io::Result<Open> {
        open.file.sync_data()?;
        open.unsynced = false;
        let aside = self.names.next(open.day);
        let renamed = aside.and_then(|aside| std::fs::rename(self.names.current(), aside));
        match renamed {
            Ok(()) => self.open_anew(today),
            Err(error) => {
                let path = self.names.current().display();
                tracing::warn!(%error, "the audit file {path} cannot be renamed; it grows on");
                // Tried again after as much again, or tomorrow.
                open.size = 0;
                Ok(open)
            }
        }
    }

    fn delete_old(&self, today: NaiveDate) {
        let Some(first) = today.checked_sub_days(self.keep) else {
            return;
        };
        let parts = self.names.parts().unwrap_or_default();
        for part in parts.into_iter().filter(|part| part.day < first) {
            let path = part.path.display();
            match std::fs::remove_file(&part.path) {
                Ok(()) => tracing::info!("{path} was deleted: it is older than audit.keep"),
                Err(error) => tracing::warn!(%error, "{path} cannot be deleted"),
            }
        }
    }
}

/// Whether a line could be appended to the file at `path`. Nothing is written;
/// the file and its folder are made.
///
/// # Errors
/// Why it could not.
pub fn probe(path: &Path) -> io::Result<()> {
    let settings = FileSettings {
        path: path.to_owned(),
        keep: Duration::from_secs(u64::from(u32::MAX)),
        max_size: u64::MAX,
    };
    LogFile::new(&settings)
        .open_anew(Utc::now().date_naive())
        .map(drop)
}

/// Appends one line to the file that another process writes. A file that is made for it
/// belongs to whom the folder belongs to, who has to write it next.
pub(super) fn append_beside(path: &Path, line: &[u8]) -> io::Result<()> {
    let names = Names::of(path);
    make_folder(names.folder())?;
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    let mut file = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            options.create(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
            let file = options.open(path)?;
            hand_over(&file, names.folder());
            file
        }
        opened => opened?,
    };
    let found = file.metadata()?;
    let torn = found.is_file() && found.len() > 0 && !ends_with_line_break(&mut file)?;
    let line = [if torn { &b"\n"[..] } else { b"" }, line].concat();
    file.write_all(&line)?;
    if found.is_file() {
        file.sync_data()
    } else {
        Ok(())
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o750);
    builder.create(folder)
}

fn ends_with_line_break(file: &mut File) -> io::Result<bool> {
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// What tells a file from another at the same path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    number: u64,
}

impl FileId {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self {
            device: metadata.dev(),
            number: metadata.ino(),
        }
    }

    /// Where files have no numbers an open one cannot be moved away.
    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Self {
            device: 0,
            number: 0,
        }
    }
}
