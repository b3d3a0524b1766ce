//! What the page answers when it shows nothing to decide.

use axum::http::StatusCode;
use axum::response::Response;

use super::Visit;
use crate::excerpt::excerpt;
use crate::oauth::RedirectRule;
use crate::oauth::audit::{self, Details, Event};
use crate::oauth::authorization::Refused;
use crate::oauth::decision::Asked;
use crate::oauth::endpoints::answers::{see_other, trouble};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::pages::{Asking, ErrorPage, Trouble, respond};
use crate::state::{Client, ClientKind};

impl Visit {
    /// The client gets the error.
    pub(super) fn send_back(&self, refused: &Refused, client: &Client, subject: &str) -> Response {
        let details = Details {
            subject,
            ..self.details(client)
        };
        audit::refused(&self.caller.oauth, Event::Consent, details, &refused.error);
        see_other(&refused.location(&self.issuer.identifier()))
    }

    /// The person gets the error: nothing may leave for where the request says.
    pub(super) fn dead_end(&self, trouble: &Trouble, detail: &str, client_id: &str) -> Response {
        let [detail, client_id] = [detail, client_id].map(|text| excerpt(text, SHOWN_CHARACTERS));
        let details = Details {
            scope: &self.issuer.scope().name,
            client_id,
            ..self.caller.details("")
        };
        let error = OAuthError::new(ErrorCode::InvalidRequest, detail);
        audit::refused(&self.caller.oauth, Event::Consent, details, &error);
        let page = ErrorPage {
            detail: Some(detail),
            ..ErrorPage::new(self.caller.texts(), trouble)
        };
        respond(StatusCode::BAD_REQUEST, self.caller.language, &page)
    }

    /// A form that this browser was not given here.
    pub(super) fn foreign_form(&self) -> Response {
        let details = Details {
            scope: &self.issuer.scope().name,
            ..self.caller.details("")
        };
        let error = OAuthError::new(
            ErrorCode::InvalidRequest,
            "a form of another browser or page",
        );
        audit::refused(&self.caller.oauth, Event::Consent, details, &error);
        let text = &self.caller.texts().troubles.form;
        trouble(
            StatusCode::FORBIDDEN,
            self.caller.language,
            text,
            &self.target,
        )
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
            ..self.caller.details("")
        }
    }
}

/// Of what anybody can send.
const SHOWN_CHARACTERS: usize = 300;

impl Asked {
    /// As pages show it.
    pub(super) fn asking(&self) -> Asking {
        let by_document = matches!(self.client.kind, ClientKind::MetadataDocument);
        let document = by_document.then_some(&*self.client.id);
        Asking::new(&self.client.name, document, &self.request.redirect)
    }
}
