//! The files that a scope's databases are opened with: passwords, secrets, certificates
//! of authorities. A pool keeps what it read, so other content asks for another pool.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::{Config, DatabaseSection, ScopeSection};
use crate::runtime::sha256;

/// What each of them holds, as a digest; none of what cannot be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct DatabaseFiles(BTreeMap<PathBuf, Option<String>>);

impl DatabaseFiles {
    /// As they are now.
    pub(super) fn read(config: &Config, scope: &ScopeSection) -> Self {
        let labels = scope.databases.iter().chain(&scope.write_database);
        let sections = labels.filter_map(|label| config.databases.get(label));
        let files = sections.flat_map(DatabaseSection::files);
        Self(files.map(|file| (file.to_owned(), content(file))).collect())
    }

    /// Whether one of them holds something else now.
    pub(super) fn have_changed(&self) -> bool {
        self.0.iter().any(|(file, before)| content(file) != *before)
    }
}

fn content(file: &Path) -> Option<String> {
    std::fs::read(file).ok().map(|content| sha256(&content))
}
