//! Exit codes, and the one place that writes to stdout.

use std::io::{self, Write};

use super::backup::ArchiveError;
use crate::app::BuildError;
use crate::config::ConfigError;
use crate::server::{GuardError, TlsError};
use crate::state::StoreError;

/// What the process ends with (the numbers are those of `sysexits`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Done.
    Done = 0,
    /// A check found something, or there was nothing to change.
    Found = 1,
    /// Bad usage or configuration; nothing was bound or opened.
    Usage = 64,
    /// A needed service, address or file is not to be had.
    Unavailable = 69,
    /// A bug.
    Software = 70,
}

impl ExitCode {
    /// The code that tells `error`'s kind.
    pub fn of(error: &anyhow::Error) -> Self {
        let usage = error.is::<UsageError>()
            || error.is::<ConfigError>()
            || error.is::<GuardError>()
            || error.is::<TlsError>();
        if usage {
            return Self::Usage;
        }
        if error.is::<ArchiveError>() {
            return Self::Usage;
        }
        if error.is::<Unreachable>() {
            return Self::Unavailable;
        }
        if error.is::<NothingDone>() {
            return Self::Found;
        }
        if let Some(error) = error.downcast_ref::<StoreError>() {
            return Self::of_store(error);
        }
        match error.downcast_ref::<BuildError>() {
            Some(BuildError::Runtime(_)) => Self::Unavailable,
            Some(BuildError::Store(error)) => Self::of_store(error),
            Some(BuildError::Lost(_)) => Self::Software,
            Some(_) => Self::Usage,
            None if error.is::<io::Error>() => Self::Unavailable,
            None => Self::Software,
        }
    }

    fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::UnknownStore(_)
            | StoreError::NotOpened { .. }
            | StoreError::TooNew { .. } => Self::Usage,
            _ => Self::Unavailable,
        }
    }
}

/// There is no such person, client or token. The sentence says which.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NothingDone(pub(super) String);

/// A server does not answer, or did not do in time what it was told.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreachable(pub(super) String);

/// Arguments that do not go together.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(pub(super) String);

/// Stdout, for many lines.
pub(super) fn out() -> impl Write {
    io::BufWriter::new(io::stdout().lock())
}

/// Writes a line to stdout.
pub(super) fn print(line: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}
