//! Why the state cannot be read or changed.

use crate::entropy::EntropyError;

/// A failure of the store itself; what a request asked is not judged here.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `state.store` names no known kind of store.
    #[error(
        "state.store \"{0}\" is not known; write \"memory\", \"sqlite:PATH\" or \"redis://HOST\""
    )]
    UnknownStore(String),
    /// The store cannot be opened or does not answer.
    #[error("the state cannot be reached: {0}")]
    Unavailable(String),
    /// Made by a newer version of this program.
    #[error(
        "the state was written by a newer version (schema {found}, this one knows {known}); run \
         that version"
    )]
    TooNew {
        /// Schema of the store.
        found: u32,
        /// Newest schema of this program.
        known: u32,
    },
    /// A record that cannot be read back.
    #[error("the record {key} cannot be read: {message}")]
    Corrupt {
        /// Which.
        key: String,
        /// What the decoder says.
        message: String,
    },
    /// Others changed the same records each time; nothing was changed.
    #[error("the state is changed by too many at once; try again")]
    Contended,
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}
