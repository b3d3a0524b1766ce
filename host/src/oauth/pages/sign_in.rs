//! The page on which a person signs in.

use askama::Template;

use super::{Asking, Texts};

/// Asks for a name and a password, or offers the way to the provider.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignInPage<'a> {
    pub(crate) t: &'static Texts,
    /// Path and query to come back to; a form for a password is posted there.
    pub(crate) target: &'a str,
    pub(crate) csrf: &'a str,
    pub(crate) choice: SignInChoice,
    /// The client that sent the person here; none on the way to the account.
    pub(crate) asking: Option<&'a Asking>,
    /// The name that was typed before.
    pub(crate) username: &'a str,
    /// Why the person is asked again.
    pub(crate) alert: Option<&'a str>,
}

/// How people can sign in here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignInChoice {
    /// With name and password.
    Password,
    /// At an OpenID Connect provider.
    Provider,
}
