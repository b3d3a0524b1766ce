//! The page on which a person allows or refuses a client.

use askama::Template;

use super::{Asking, Texts};
use crate::principal::{OAuthScope, Rights};

/// Who asks, for what, in whose name.
#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage<'a> {
    pub(crate) t: &'static Texts,
    /// Path and query of the request; the forms are posted there.
    pub(crate) target: &'a str,
    pub(crate) csrf: &'a str,
    pub(crate) asking: &'a Asking,
    /// The scope's name.
    pub(crate) scope: &'a str,
    /// The scope's address.
    pub(crate) resource: &'a str,
    /// What the client would be allowed.
    pub(crate) rights: Rights,
    /// Who is signed in; none where nobody needs to.
    pub(crate) subject: Option<&'a str>,
}

impl ConsentPage<'_> {
    fn writes(&self) -> bool {
        self.rights.has(OAuthScope::Write)
    }
}
