//! What a request is told that is not let in: a status, and the challenge that
//! leads a client to the authorization server (RFC 6750 §3, RFC 9728 §5.1).

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Refusal;
use crate::http_error::HttpError;
use crate::oauth::audit::{self, Details, Event};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::issuer::Issuer;
use crate::oauth::{ClientAddress, OAuth};
use crate::principal::{OAuthScope, Principal, Rights};

/// The protected resource that a request calls: one MCP endpoint. Cheap to
/// make; addresses are spelled only when a challenge needs them.
#[derive(Clone, Debug)]
pub struct Resource<'a> {
    oauth: &'a OAuth,
    scope: Option<&'a str>,
    endpoint: &'static str,
    host: Option<HeaderValue>,
}

impl OAuth {
    /// The endpoint at `path`, of the scope at the path `scope` or of the root's,
    /// as a request with these headers calls it.
    pub fn resource<'a>(
        &'a self,
        scope: Option<&'a str>,
        path: &str,
        headers: &HeaderMap,
    ) -> Resource<'a> {
        let is_mcp = path.trim_end_matches('/').ends_with("/mcp");
        Resource {
            oauth: self,
            scope,
            endpoint: if is_mcp { "mcp" } else { "sse" },
            host: headers.get(header::HOST).cloned(),
        }
    }
}

impl Resource<'_> {
    /// The reply to who is not let in, and a line for the audit where it is
    /// about a token that was good once, or somewhere.
    pub fn refuse(&self, refusal: Refusal, address: Option<ClientAddress>) -> Response {
        if let Some(code) = refusal.code() {
            let details = Details {
                scope: self.scope.unwrap_or(&self.oauth.shared.default_scope),
                address: address.map(|ClientAddress(address)| address),
                ..Details::default()
            };
            let of_note = refusal.is_of_note();
            audit::token_refused(self.oauth, details, code, refusal.reason(), of_note);
        }
        if refusal == Refusal::Unavailable {
            let code = ErrorCode::TemporarilyUnavailable;
            return OAuthError::new(code, refusal.to_string()).into_response();
        }
        let error = refusal.code().unwrap_or("unauthorized");
        let reply = HttpError::new(StatusCode::UNAUTHORIZED, error, refusal.to_string());
        match self.challenge(refusal) {
            Some(challenge) => reply.with_header(header::WWW_AUTHENTICATE, challenge),
            None => reply,
        }
        .into_response()
    }

    /// `WWW-Authenticate` of that reply, on one line: some clients do not unfold
    /// it.
    pub fn challenge(&self, refusal: Refusal) -> Option<HeaderValue> {
        if refusal == Refusal::Unavailable {
            return None;
        }
        let mut parameters = self.metadata();
        // Little, so that people are asked for little; more is asked for when a
        // call needs it.
        parameters.push(("scope", Rights::READ.to_string()));
        if let Some(code) = refusal.code() {
            parameters.push(("error", code.to_owned()));
            parameters.push(("error_description", refusal.to_string()));
        }
        header_value(&parameters)
    }

    /// The reply to a good token that lacks a right: 403, and every right that
    /// the call needs.
    pub fn insufficient_scope(
        &self,
        needed: OAuthScope,
        principal: &Principal,
        address: Option<ClientAddress>,
    ) -> Response {
        let rights: Rights = [OAuthScope::Read, needed].into_iter().collect();
        let description = format!("This call needs an access token with the scope {rights}.");
        let error = OAuthError::new(ErrorCode::InsufficientScope, description);
        let default_scope = &*self.oauth.shared.default_scope;
        let details = Details {
            scope: self.scope.unwrap_or(default_scope),
            subject: &principal.subject,
            client_id: &principal.client,
            address: address.map(|ClientAddress(address)| address),
            ..Details::default()
        };
        audit::refused(self.oauth, Event::Access, details, &error);
        let mut parameters = vec![
            ("error", error.code.as_str().to_owned()),
            ("scope", rights.to_string()),
        ];
        parameters.append(&mut self.metadata());
        parameters.push(("error_description", error.description.clone()));
        let mut reply = error.into_response();
        if let Some(challenge) = header_value(&parameters) {
            reply
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        reply
    }

    /// None for a request by a name that no client could come back by.
    fn metadata(&self) -> Vec<(&'static str, String)> {
        let issuer: Option<Issuer> = self.oauth.issuer_at(self.scope, self.host.as_ref());
        let metadata = issuer.map(|issuer| issuer.resource_metadata(self.endpoint));
        metadata
            .map(|address| ("resource_metadata", address))
            .into_iter()
            .collect()
    }
}

/// No value has a quote or a backslash: they are our own words, and addresses.
fn header_value(parameters: &[(&str, String)]) -> Option<HeaderValue> {
    let parameters = parameters
        .iter()
        .map(|(name, value)| format!("{name}=\"{value}\""));
    let parameters: Vec<String> = parameters.collect();
    HeaderValue::try_from(format!("Bearer {}", parameters.join(", "))).ok()
}
