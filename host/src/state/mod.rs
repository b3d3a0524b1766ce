//! What outlives a request or a process: people, clients, grants and tokens,
//! shared by every node; and the host's key.
//!
//! [`Store`] has one method a whole change of state. It decides on
//! [`records`] in a [`transaction`] that commits only if nothing it read has
//! changed; a [`backend`] is where the records lie.

mod backend;
mod error;
mod event;
mod key;
mod open;
mod records;
mod secret;
mod store;
#[cfg(test)]
pub(crate) mod testing;
mod transaction;

pub use error::StoreError;
pub use event::Event;
pub use key::{HostKey, KeyError};
pub use open::open;
pub use records::{
    AccessToken, AuthorizationCode, Client, ClientAuthentication, ClientKind, Consent, Federation,
    Grant, Invitation, Order, Person, RefreshToken, Report, SignIn, Task,
};
pub use secret::{HashError, IssuedSecret, SealError, SecretHash, SecretKind, Secrets};
pub use store::{
    Accepted, Allowed, ExportedRecord, GrantFilter, KnownToken, NewClient, Proof, Redeemed,
    Revoked, Rotated, Store, Tokens, Watch, Watched,
};
