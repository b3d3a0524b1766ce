//! How people prove who they are: with a password, or at an OpenID Connect
//! provider.

mod browser;
mod passwords;
pub(super) mod provider;
mod return_to;
mod sign_in;
mod throttle;
mod visitor;

pub(super) use browser::Browser;
pub use passwords::{PasswordError, Passwords};
pub(super) use provider::{Exchange, Identity, Provider, ProviderError};
pub use provider::{OidcIssuer, OidcIssuerError, OidcSettings};
pub(super) use return_to::ReturnTo;
pub(super) use sign_in::Refusal;
pub(super) use throttle::Throttle;
pub(super) use visitor::Visitor;

/// Who is asked where nobody signs in: whoever is at this machine.
pub const LOCAL_SUBJECT: &str = "local";
