//! How people prove who they are: with a password, or at an OpenID Connect
//! provider.

mod passwords;
mod throttle;

pub use passwords::{PasswordError, Passwords};
pub(super) use throttle::Throttle;
