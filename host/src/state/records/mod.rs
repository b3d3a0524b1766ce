//! What is kept, one file a kind of record.

mod client;
mod code;
mod consent;
mod federation;
mod grant;
mod order;
mod person;
mod sign_in;
mod token;

pub(crate) use client::{BlockedClient, Registration};
pub use client::{Client, ClientAuthentication, ClientKind};
pub use code::AuthorizationCode;
pub use consent::Consent;
pub use federation::Federation;
pub use grant::Grant;
pub use order::{Order, Report, Task};
pub(crate) use person::RemovedPerson;
pub use person::{Invitation, Person};
pub use sign_in::SignIn;
pub use token::{AccessToken, RefreshToken};
