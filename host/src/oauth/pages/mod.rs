//! Pages for people: rendered here, no script, safe to be looked at.

mod headers;
mod language;
mod texts;

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

pub(crate) use headers::FormTarget;
pub(crate) use language::Language;
pub(crate) use texts::Texts;

use super::error::OAuthError;
use super::issuer::PublicUrl;
use crate::state::SecretHash;

/// What every page has around it.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Language of the reader.
    pub(crate) language: Language,
    /// Host that the page is of.
    pub(crate) host: String,
}

impl Frame {
    /// For a page of the server at `base`.
    pub(crate) fn new(language: Language, base: &PublicUrl) -> Self {
        let (_, host) = base.as_str().split_once("://").unwrap_or_default();
        Self {
            language,
            host: host.to_owned(),
        }
    }

    /// Its texts.
    pub(crate) fn texts(&self) -> &'static Texts {
        self.language.texts()
    }

    /// Address of the style sheet, another one with every change of it.
    pub(crate) fn stylesheet(&self) -> String {
        let version: String = SecretHash::of(STYLE).to_string();
        let version: String = version.chars().take(12).collect();
        format!("/style.css?v={version}")
    }
}

/// A client that asks for something, as a person sees it.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    /// Its name, unverified.
    pub(crate) name: String,
    /// Host or program that the answer goes to.
    pub(crate) destination: String,
    /// The address that it wants to use.
    pub(crate) resource: String,
    /// Address of its metadata document, where that is what it is known by.
    pub(crate) document: Option<String>,
    /// Whether any program on the person's machine could pose as it.
    pub(crate) local: bool,
}

/// Where a person signs in.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignInPage<'a> {
    pub(crate) frame: Frame,
    pub(crate) asking: Option<Asking>,
    pub(crate) problem: Option<String>,
    /// Path and query that the form goes to.
    pub(crate) action: &'a str,
    pub(crate) csrf: String,
    pub(crate) username: &'a str,
    /// One button to an OpenID Connect provider instead of a password.
    pub(crate) with_provider: bool,
}

/// Where a person allows or denies.
#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage<'a> {
    pub(crate) frame: Frame,
    pub(crate) asking: Asking,
    /// Who is asked; nobody in particular without sign-in.
    pub(crate) person: Option<&'a str>,
    pub(crate) writes: bool,
    pub(crate) action: &'a str,
    pub(crate) csrf: String,
}

/// What went wrong, and what to do.
#[derive(Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorPage<'a> {
    pub(crate) frame: Frame,
    pub(crate) title: &'a str,
    pub(crate) what: String,
    pub(crate) next: &'a str,
    /// Action and CSRF token of the button to sign in as somebody else.
    pub(crate) sign_out: Option<(&'a str, String)>,
}

/// Renders `page`; its forms may lead to `target`.
pub(crate) fn respond(
    status: StatusCode,
    frame: &Frame,
    page: &impl Template,
    target: &FormTarget,
) -> Response {
    match page.render() {
        Ok(html) => headers::dress((status, html).into_response(), frame.language, target),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// An error page for `error`, whose reason goes to the log alone.
pub(crate) fn error_page(status: StatusCode, frame: &Frame, error: &OAuthError) -> Response {
    let texts = frame.texts();
    let page = ErrorPage {
        frame: frame.clone(),
        title: texts.cannot_continue,
        what: error.description.clone(),
        next: texts.go_back_to_client,
        sign_out: None,
    };
    respond(status, frame, &page, &FormTarget::SelfOnly)
}

/// `/style.css`
pub(crate) async fn stylesheet() -> Response {
    (
        [
            (header::CONTENT_TYPE, "text/css; charset=utf-8"),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        ],
        STYLE,
    )
        .into_response()
}

const STYLE: &str = include_str!("../../../templates/style.css");
