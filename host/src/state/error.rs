//! Why the state cannot be read or changed.

use crate::entropy::EntropyError;

/// A failure of the store itself; what a request asked is not judged here.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `state.store` names no known kind of store. Of the name only what cannot
    /// hold a password.
    #[error(
        "state.store \"{0}\" is not known; write \"memory\", \"sqlite:PATH\", \"redis://HOST\" or \
         \"rediss://HOST\""
    )]
    UnknownStore(String),
    /// The store that `state.store` names cannot be opened.
    #[error("state.store: {store} cannot be opened: {message}")]
    NotOpened {
        /// Which, without its password.
        store: String,
        /// Why.
        message: String,
    },
    /// The store does not answer.
    #[error("the state cannot be reached: {0}")]
    Unavailable(String),
    /// Made by a newer version of this program.
    #[error(
        "state.store was written by a newer version (schema {found}, this one knows {known}); run \
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
