//! The page on which an invited person chooses a password.

use askama::Template;

use super::Texts;

/// Carries the link's secret in its form, for it is taken once only.
#[derive(Template)]
#[template(path = "invitation.html")]
pub(crate) struct InvitationPage<'a> {
    pub(crate) t: &'static Texts,
    pub(crate) csrf: &'a str,
    pub(crate) token: &'a str,
    /// Who is invited.
    pub(crate) subject: &'a str,
    /// Why the password is not taken.
    pub(crate) alert: Option<&'a str>,
}

impl InvitationPage<'_> {
    fn wrong_new(&self) -> bool {
        self.alert.is_some()
    }
}
