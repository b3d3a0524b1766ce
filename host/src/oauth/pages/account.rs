//! The page of a person's account.

use askama::Template;

use super::{Destination, Texts};
use crate::principal::{OAuthScope, Rights};

/// What a person allowed, and the ways to change that.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage<'a> {
    pub(crate) t: &'static Texts,
    pub(crate) csrf: &'a str,
    /// Who is signed in; none where nobody needs to.
    pub(crate) subject: Option<&'a str>,
    pub(crate) allowed: &'a [Allowed],
    /// Whether there is a password to change.
    pub(crate) has_password: bool,
    /// What was just done.
    pub(crate) done: Option<&'a str>,
    /// Why the password is not changed.
    pub(crate) alert: Option<&'a str>,
    /// It is because the current one is wrong.
    pub(crate) wrong_current: bool,
}

impl AccountPage<'_> {
    fn wrong_new(&self) -> bool {
        self.alert.is_some() && !self.wrong_current
    }
}

/// What one client may do at one scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Allowed {
    pub(crate) client_id: String,
    /// Fit to be shown; empty if it gave none.
    pub(crate) name: String,
    /// The scope's name.
    pub(crate) scope: String,
    pub(crate) rights: Rights,
    /// Where its codes go; none if it never asked for one.
    pub(crate) destinations: Vec<Destination>,
    /// Day in UTC, as ISO 8601 has it.
    pub(crate) since: String,
}

impl Allowed {
    fn writes(&self) -> bool {
        self.rights.has(OAuthScope::Write)
    }
}
