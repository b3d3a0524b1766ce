//! The way to the operator page: who is let in there, and the forms of whoever
//! is. What the page shows and does is told elsewhere.

use axum::body::Bytes;
use axum::extract::FromRequestParts as _;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;

use super::answers::{see_other, trouble, unavailable};
use super::caller::Caller;
use super::sign_in::SignIn;
use crate::oauth::OAuth;
use crate::oauth::audit::{self, Event};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::pages::{ErrorPage, Language, WayOut, respond};
use crate::oauth::parameters::Parameters;
use crate::oauth::people::Visitor;
use crate::state::StoreError;

/// One request to the operator page.
pub(crate) struct Door {
    caller: Caller,
}

/// Somebody who may be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operator {
    /// For the audit.
    pub(crate) subject: String,
    /// Whether there is a sign-in to end.
    pub(crate) has_signed_in: bool,
}

impl Door {
    /// The error is a whole response.
    pub(crate) async fn of(oauth: &OAuth, parts: &mut Parts) -> Result<Self, Box<Response>> {
        let caller = Caller::from_request_parts(parts, oauth).await?;
        Ok(Self { caller })
    }

    /// Who asks, if that is an operator; where nobody signs in, whoever is at this
    /// machine is one. The error is the page that stands in the way.
    pub(crate) async fn operator(&self) -> Result<Operator, Box<Response>> {
        let visitor = Visitor::of(&self.caller.oauth, &self.caller.browser).await;
        let visitor = visitor.map_err(|error| self.answer(Err(error)))?;
        let Some(visitor) = visitor else {
            return Err(Box::new(self.answer(Ok(self.sign_in().page()))));
        };
        if !visitor.has_signed_in || visitor.groups.contains(OPERATORS) {
            return Ok(Operator {
                subject: visitor.subject,
                has_signed_in: visitor.has_signed_in,
            });
        }
        let reason = "not in the group operators";
        audit::refused(
            &self.caller.oauth,
            Event::Operator,
            self.caller.details(&visitor.subject),
            &OAuthError::new(ErrorCode::AccessDenied, reason),
        );
        let texts = self.caller.texts();
        let csrf = self.caller.browser.csrf_token(ADDRESS);
        let page = ErrorPage {
            about: Some(&visitor.subject),
            way_out: Some(WayOut::Button {
                target: ADDRESS,
                csrf: &csrf,
                action: "sign-out",
                label: texts.troubles.somebody_else,
            }),
            ..ErrorPage::new(texts, &texts.troubles.no_operator)
        };
        let page = respond(StatusCode::FORBIDDEN, self.caller.language, &page);
        Err(Box::new(self.answer(Ok(page))))
    }

    /// Takes the forms that lead in and out.
    pub(crate) async fn post(&self, body: &Bytes) -> Response {
        let form = Parameters::parse(body);
        let field = |name| form.one(name).ok().flatten();
        if !self.is_own_form(ADDRESS, field("csrf")) {
            return self.not_own_form();
        }
        let caller = &self.caller;
        let response = match field("action") {
            Some("sign-in") => self.sign_in().take(&form).await,
            Some("sign-out") => {
                let response = see_other(ADDRESS);
                caller.browser.sign_out(&caller.oauth, response).await
            }
            _ => Ok(see_other(ADDRESS)),
        };
        self.answer(response)
    }

    /// Whether a form that came to `address` is one that this browser was given.
    pub(crate) fn is_own_form(&self, address: &str, token: Option<&str>) -> bool {
        self.caller.browser.is_own_form(address, token)
    }

    /// The token of a form that goes to `address`.
    pub(crate) fn csrf_token(&self, address: &str) -> String {
        self.caller.browser.csrf_token(address)
    }

    /// The page for a form that is of another browser, or of another sign-in.
    pub(crate) fn not_own_form(&self) -> Response {
        let text = &self.caller.texts().troubles.form;
        let language = self.caller.language;
        self.answer(Ok(trouble(StatusCode::FORBIDDEN, language, text, ADDRESS)))
    }

    /// The page for a state that does not answer.
    pub(crate) fn unavailable(&self, error: &StoreError) -> Response {
        self.answer(Ok(unavailable(self.caller.language, error)))
    }

    /// Leads to a page of this listener.
    pub(crate) fn lead_to(&self, address: &str) -> Response {
        self.answer(Ok(see_other(address)))
    }

    /// Gives the browser its cookie with `response`, if it has none.
    pub(crate) fn keep(&self, response: Response) -> Response {
        self.caller.browser.keep(response)
    }

    pub(crate) fn language(&self) -> Language {
        self.caller.language
    }

    /// Whether nobody between reads and changes what goes to and fro.
    pub(crate) fn is_https(&self) -> bool {
        self.caller.base.is_https()
    }

    fn sign_in(&self) -> SignIn<'_> {
        SignIn {
            caller: &self.caller,
            target: ADDRESS,
            asking: None,
            places: Vec::new(),
            details: self.caller.details(""),
        }
    }

    fn answer(&self, response: Result<Response, StoreError>) -> Response {
        let response = response.unwrap_or_else(|error| unavailable(self.caller.language, &error));
        self.caller.browser.keep(response)
    }
}

/// The group whose people are let in.
pub(crate) const OPERATORS: &str = "operators";
/// Where the page is, and where the forms that lead in and out go.
pub(crate) const ADDRESS: &str = "/";
