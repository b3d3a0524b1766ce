//! What the files of one audit are called: `audit.jsonl` is written,
//! `audit-2026-11-21.001.jsonl` is its first part of that day (UTC).

use std::io;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

/// A file and its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    folder: PathBuf,
    stem: String,
    /// With its dot.
    extension: String,
    current: PathBuf,
}

/// A part that is no longer written. In the order in which they were.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// The day of its lines.
    pub day: NaiveDate,
    number: u32,
    /// Where it is.
    pub path: PathBuf,
}

impl Names {
    /// Those of the file that is written at `path`.
    pub fn of(path: &Path) -> Self {
        let text = |part: Option<&std::ffi::OsStr>| {
            part.map(|part| part.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        let extension = text(path.extension());
        let folder = path.parent().filter(|parent| parent != &Path::new(""));
        Self {
            folder: folder.unwrap_or(Path::new(".")).to_owned(),
            stem: text(path.file_stem()),
            extension: if extension.is_empty() {
                extension
            } else {
                format!(".{extension}")
            },
            current: path.to_owned(),
        }
    }

    /// The file that is written.
    pub fn current(&self) -> &Path {
        &self.current
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A name for what holds the lines of `day` that is not taken.
    pub(super) fn next(&self, day: NaiveDate) -> io::Result<PathBuf> {
        let parts = self.parts()?;
        let of_day = parts.iter().filter(|part| part.day == day);
        let number = of_day.map(|part| part.number).max().unwrap_or(0) + 1;
        let name = format!("{}-{day}.{number:03}{}", self.stem, self.extension);
        Ok(self.folder.join(name))
    }

    /// The parts, oldest first. Other files in the folder are none.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn parts(&self) -> io::Result<Vec<Part>> {
        let mut parts = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            if let Some((day, number)) = name.to_str().and_then(|name| self.parse(name)) {
                let path = self.folder.join(name);
                parts.push(Part { day, number, path });
            }
        }
        parts.sort();
        Ok(parts)
    }

    fn parse(&self, name: &str) -> Option<(NaiveDate, u32)> {
        let rest = name.strip_prefix(&*self.stem)?.strip_prefix('-')?;
        let (day, number) = rest.strip_suffix(&*self.extension)?.split_once('.')?;
        let digits = number.len() >= 3 && number.bytes().all(|byte| byte.is_ascii_digit());
        let parsed = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
        // Not what chrono is generous about, such as 2026-1-2.
        (digits && parsed.to_string() == day).then_some((parsed, number.parse().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_it_gives_are_its_own() {
        let names = Names::of(Path::new("/var/log/audit.jsonl"));
        for (name, own) in [
            ("audit-2026-11-21.001.jsonl", true),
            ("audit-2026-11-21.1000.jsonl", true),
            ("audit.jsonl", false),
            ("audit-2026-11-21.jsonl", false),
            ("audit-2026-11-21.01.jsonl", false),
            ("audit-2026-11-21.001.jsonl.gz", false),
            ("audit-2026-1-2.001.jsonl", false),
            ("audit-2026-13-21.001.jsonl", false),
            ("audit-old-2026-11-21.001.jsonl", false),
            ("audit-2026-11-21.+01.jsonl", false),
            ("other-2026-11-21.001.jsonl", false),
        ] {
            assert_eq!(names.parse(name).is_some(), own, "{name}");
        }
    }

    #[test]
    fn the_next_name_is_one_that_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let names = Names::of(&folder.path().join("audit"));
        let day = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
        let first = names.next(day).unwrap();
        assert_eq!(first, folder.path().join("audit-2026-11-21.001"));
        std::fs::write(folder.path().join("audit-2026-11-21.041"), "").unwrap();
        let next = names.next(day).unwrap();
        assert_eq!(next, folder.path().join("audit-2026-11-21.042"));
    }
}
