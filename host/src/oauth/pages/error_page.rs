//! The page that says what went wrong and what to do next.

use askama::Template;

use super::Texts;
use super::texts::Trouble;

/// A page for people who cannot go on as they wished.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage<'a> {
    pub(crate) t: &'static Texts,
    /// What happened, and what to do.
    pub(crate) trouble: &'a Trouble,
    /// Whom or what it is about, where that is no secret.
    pub(crate) about: Option<&'a str>,
    /// For whoever made the client: the parameter that is wrong.
    pub(crate) detail: Option<&'a str>,
    pub(crate) way_out: Option<WayOut<'a>>,
}

impl<'a> ErrorPage<'a> {
    /// Without a way out.
    pub(crate) fn new(t: &'static Texts, trouble: &'a Trouble) -> Self {
        Self {
            t,
            trouble,
            about: None,
            detail: None,
            way_out: None,
        }
    }
}

/// Where to go from an error.
#[derive(Debug)]
pub(crate) enum WayOut<'a> {
    /// A link.
    Link { href: &'a str, label: &'a str },
    /// A form with one button.
    Button {
        /// Where it is posted.
        target: &'a str,
        csrf: &'a str,
        /// Value of the field `action`.
        action: &'a str,
        label: &'a str,
    },
}
