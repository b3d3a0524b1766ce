//! `S/records/…`: who may look at a record of a scope, and the page that shows it. What
//! the record is comes from elsewhere.

use axum::body::Bytes;
use axum::extract::FromRequestParts as _;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::answers::{see_other, trouble, unavailable};
use super::caller::Caller;
use super::sign_in::SignIn;
use crate::oauth::OAuth;
use crate::oauth::audit::Details;
use crate::oauth::bearer::claims;
use crate::oauth::pages::{ErrorPage, Language, RecordLine, RecordPage, Trouble, WayOut, respond};
use crate::oauth::parameters::Parameters;
use crate::oauth::people::Visitor;
use crate::principal::{OAuthScope, Principal};
use crate::state::StoreError;

/// One request for a record's page, where people sign in.
pub(crate) struct Reader {
    caller: Caller,
    /// Path of the page, where its forms go.
    target: String,
    /// The scope's name.
    scope: String,
}

/// A record, ready to be shown.
pub(crate) struct Shown<'a> {
    pub(crate) table: &'a str,
    pub(crate) key: &'a str,
    pub(crate) comment: Option<&'a str>,
    pub(crate) fields: &'a [RecordLine],
    pub(crate) is_cut: bool,
}

/// Why there is no record to show.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Missing<'a> {
    /// There is none.
    Nowhere,
    /// The guard or the policy refuses, in these words.
    Refused(&'a str),
    /// It may be there another time; in these words.
    Failed(&'a str),
}

impl Reader {
    /// Who asks for the page `parts` is a request for. The error is a whole response.
    pub(crate) async fn of(
        oauth: &OAuth,
        scope: &str,
        parts: &mut Parts,
    ) -> Result<Self, Box<Response>> {
        Ok(Self {
            caller: Caller::from_request_parts(parts, oauth).await?,
            target: parts.uri.path().to_owned(),
            scope: scope.to_owned(),
        })
    }

    /// The person, if admitted to the scope. The error is the page that stands in the
    /// way, the same whether there is a record or not.
    pub(crate) async fn admitted(&self) -> Result<Principal, Box<Response>> {
        let visitor = Visitor::of(&self.caller.oauth, &self.caller.browser).await;
        let visitor = visitor.map_err(|error| self.answer(Err(error)))?;
        let Some(visitor) = visitor else {
            return Err(Box::new(self.answer(Ok(self.sign_in().page()))));
        };
        let rules = self.caller.oauth.scope(&self.scope);
        let rights = rules
            .as_ref()
            .map(|rules| rules.rights_of(&visitor.subject, &visitor.groups));
        let rights = rights.unwrap_or_default();
        if rights.has(OAuthScope::Read) {
            let claims = rules.map(|rules| {
                let Visitor {
                    subject, groups, ..
                } = &visitor;
                claims(&rules.claims, subject, groups, visitor.claims.clone())
            });
            return Ok(Principal {
                claims: claims.unwrap_or_default(),
                subject: visitor.subject,
                client: BROWSER.to_owned(),
                rights,
            });
        }
        let troubles = &self.caller.texts().troubles;
        let csrf = self.caller.browser.csrf_token(&self.target);
        let page = ErrorPage {
            about: Some(&visitor.subject),
            way_out: visitor.has_signed_in.then_some(WayOut::Button {
                target: &self.target,
                csrf: &csrf,
                action: "sign-out",
                label: troubles.somebody_else,
            }),
            ..ErrorPage::new(self.caller.texts(), &troubles.not_admitted)
        };
        let page = respond(StatusCode::FORBIDDEN, self.caller.language, &page);
        Err(Box::new(self.answer(Ok(page))))
    }

    /// Takes a form of the page: sign-in, sign-out.
    pub(crate) async fn post(&self, body: &Bytes) -> Response {
        let response = self.act(&Parameters::parse(body)).await;
        self.answer(response)
    }

    async fn act(&self, form: &Parameters) -> Result<Response, StoreError> {
        let field = |name| form.one(name).ok().flatten();
        let caller = &self.caller;
        if !caller.browser.is_own_form(&self.target, field("csrf")) {
            let text = &caller.texts().troubles.form;
            let page = trouble(StatusCode::FORBIDDEN, caller.language, text, &self.target);
            return Ok(page);
        }
        match field("action") {
            Some("sign-in") => self.sign_in().take(form).await,
            Some("sign-out") => {
                let response = see_other(&self.target);
                caller.browser.sign_out(&caller.oauth, response).await
            }
            _ => Ok(see_other(&self.target)),
        }
    }

    /// Shows the record to that person.
    pub(crate) fn show(&self, principal: &Principal, record: &Shown<'_>) -> Response {
        let form = (
            &*self.target,
            &*self.caller.browser.csrf_token(&self.target),
        );
        let subject = (!matches!(
            self.caller.oauth.shared.sign_in,
            crate::oauth::SignInMethod::Consent
        ))
        .then_some(&*principal.subject);
        self.answer(Ok(page(self.caller.language, record, subject, form)))
    }

    /// Says why there is nothing to show.
    pub(crate) fn missing(&self, why: Missing<'_>) -> Response {
        self.answer(Ok(missing(self.caller.language, why)))
    }

    fn sign_in(&self) -> SignIn<'_> {
        SignIn {
            caller: &self.caller,
            target: &self.target,
            asking: None,
            places: Vec::new(),
            details: Details {
                scope: &self.scope,
                ..self.caller.details("")
            },
        }
    }

    fn answer(&self, response: Result<Response, StoreError>) -> Response {
        let response = response.unwrap_or_else(|error| unavailable(self.caller.language, &error));
        self.caller.browser.keep(response)
    }
}

/// Shows the record where nobody signs in.
pub(crate) fn open(headers: &HeaderMap, record: &Shown<'_>) -> Response {
    page(Language::of(headers), record, None, ("", ""))
}

/// Says where nobody signs in why there is nothing to show.
pub(crate) fn open_missing(headers: &HeaderMap, why: Missing<'_>) -> Response {
    missing(Language::of(headers), why)
}

fn page(
    language: Language,
    record: &Shown<'_>,
    subject: Option<&str>,
    (target, csrf): (&str, &str),
) -> Response {
    let page = RecordPage {
        t: language.texts(),
        table: record.table,
        key: record.key,
        comment: record.comment,
        fields: record.fields,
        is_cut: record.is_cut,
        subject,
        target,
        csrf,
    };
    respond(StatusCode::OK, language, &page)
}

fn missing(language: Language, why: Missing<'_>) -> Response {
    let troubles = &language.texts().troubles;
    let (status, trouble, about): (_, &Trouble, _) = match why {
        Missing::Nowhere => (StatusCode::NOT_FOUND, &troubles.no_record, None),
        Missing::Refused(words) => (StatusCode::FORBIDDEN, &troubles.record_refused, Some(words)),
        Missing::Failed(words) => (
            StatusCode::SERVICE_UNAVAILABLE,
            &troubles.record_failed,
            Some(words),
        ),
    };
    let page = ErrorPage {
        about,
        ..ErrorPage::new(language.texts(), trouble)
    };
    respond(status, language, &page)
}

/// What audit and limits call the client of a person who reads pages.
const BROWSER: &str = "browser";
