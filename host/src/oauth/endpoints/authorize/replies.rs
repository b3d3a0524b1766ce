//! What the page answers when it shows nothing to decide.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Visit;
use crate::oauth::RedirectRule;
use crate::oauth::audit::{self, Action, Details};
use crate::oauth::authorization::Refused;
use crate::oauth::decision::Asked;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::pages::Trouble;
use crate::oauth::pages::{Asking, ErrorPage, Language, WayOut, respond};
use crate::state::{Client, ClientKind, StoreError};

impl Visit {
    /// The client gets the error.
    pub(super) fn send_back(&self, refused: &Refused, client: &Client, subject: &str) -> Response {
        let details = Details {
            subject,
            ..self.details(client)
        };
        audit::refused(Action::Consent, details, &refused.error);
        see_other(&refused.location(&self.issuer.identifier()))
    }

    /// The person gets the error: nothing may leave for where the request says.
    pub(super) fn dead_end(&self, trouble: &Trouble, detail: &str, client_id: &str) -> Response {
        let details = Details {
            scope: &self.issuer.scope().name,
            client_id,
            address: Some(self.address.0),
            ..Details::default()
        };
        let error = OAuthError::new(ErrorCode::InvalidRequest, detail);
        audit::refused(Action::Consent, details, &error);
        let page = ErrorPage {
            detail: Some(detail),
            ..ErrorPage::new(self.texts(), trouble)
        };
        respond(StatusCode::BAD_REQUEST, self.language, &page)
    }

    /// A form that this browser was not given here.
    pub(super) fn foreign_form(&self) -> Response {
        let details = Details {
            scope: &self.issuer.scope().name,
            address: Some(self.address.0),
            ..Details::default()
        };
        let error = OAuthError::new(
            ErrorCode::InvalidRequest,
            "a form of another browser or page",
        );
        audit::refused(Action::Consent, details, &error);
        let troubles = &self.texts().troubles;
        let page = ErrorPage {
            way_out: Some(WayOut::Link {
                href: &self.target,
                label: troubles.start_again,
            }),
            ..ErrorPage::new(self.texts(), &troubles.form)
        };
        respond(StatusCode::FORBIDDEN, self.language, &page)
    }

    /// Where a form may end, as sources of CSP: at the redirect URI, and where
    /// that may lead on to, such as from `https://vscode.dev` to `vscode:`.
    pub(super) fn places(&self, asked: &Asked) -> Vec<String> {
        let redirect = &asked.request.redirect;
        let own = match (redirect.scheme(), redirect.host()) {
            // CSP has no notation for addresses of IPv6.
            ("http", Some(url::Host::Ipv6(_))) => "http:".to_owned(),
            ("http" | "https", _) => redirect.origin().ascii_serialization(),
            (scheme, _) => format!("{scheme}:"),
        };
        let mut places = vec![own];
        for rule in &self.issuer.scope().redirects {
            match rule {
                RedirectRule::AnyHost => places.push("https:".to_owned()),
                RedirectRule::Host(host) => {
                    places.push(format!("https://{host}"));
                    places.push(format!("https://*.{host}"));
                }
                RedirectRule::Scheme(scheme) => places.push(format!("{scheme}:")),
            }
        }
        places
    }

    pub(super) fn details<'a>(&'a self, client: &'a Client) -> Details<'a> {
        Details {
            scope: &self.issuer.scope().name,
            client_id: &client.id,
            client_name: &client.name,
            address: Some(self.address.0),
            ..Details::default()
        }
    }
}

impl Asked {
    /// As pages show it.
    pub(super) fn asking(&self) -> Asking {
        let by_document = matches!(self.client.kind, ClientKind::MetadataDocument);
        let document = by_document.then_some(&*self.client.id);
        Asking::new(&self.client.name, document, &self.request.redirect)
    }
}

pub(super) fn store_failed(language: Language, error: &StoreError) -> Response {
    tracing::error!(%error, "the authorization page cannot be shown");
    let texts = language.texts();
    let page = ErrorPage::new(texts, &texts.troubles.unavailable);
    respond(StatusCode::SERVICE_UNAVAILABLE, language, &page)
}

/// 303: the browser follows with GET, whatever it sent (RFC 9700 §4.12).
pub(super) fn see_other(location: &str) -> Response {
    let Ok(location) = HeaderValue::try_from(location) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("same-origin"),
        ),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}
