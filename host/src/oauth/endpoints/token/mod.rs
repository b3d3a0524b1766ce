//! `S/token`: a code or a refresh token becomes tokens (RFC 6749 §4.1.3, §6).

mod code;
mod problem;
mod refresh;

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::form::Form;
use crate::oauth::audit::{self, Details, Event};
use crate::oauth::clients::authentication::Credentials;
use crate::oauth::error::OAuthError;
use crate::oauth::parameters::Parameters;
use crate::oauth::people::LOCAL_SUBJECT;
use crate::oauth::{ClientAddress, Issuer, OAuth, SignInMethod};
use crate::principal::Rights;
use crate::state::{Grant, IssuedSecret, SecretKind, StoreError, Tokens};
use problem::TokenProblem;

/// Exchanges what the form presents.
pub(crate) async fn post(
    State(oauth): State<OAuth>,
    issuer: Issuer,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    form: Result<Form, OAuthError>,
) -> Response {
    let mut seen = Seen::default();
    let outcome = match &form {
        Ok(Form(form)) => exchange(&oauth, &issuer, &headers, form, &mut seen)
            .await
            .map_err(OAuthError::from),
        Err(error) => Err(error.clone()),
    };
    let action = seen.action.unwrap_or(Event::CodeExchange);
    let details = Details {
        scope: &issuer.scope().name,
        subject: &seen.subject,
        client_id: &seen.client_id,
        client_name: &seen.client_name,
        rights: None,
        address: Some(address),
    };
    match outcome {
        Ok(exchanged) => {
            let rights = Some(exchanged.rights);
            audit::done(&oauth, action, Details { rights, ..details });
            exchanged.into_response()
        }
        Err(error) => {
            audit::refused(&oauth, action, details, &error);
            error.into_response()
        }
    }
}

async fn exchange(
    oauth: &OAuth,
    issuer: &Issuer,
    headers: &HeaderMap,
    form: &Parameters,
    seen: &mut Seen,
) -> Result<Exchanged, TokenProblem> {
    let grant_type = form.one("grant_type")?;
    if grant_type == Some("refresh_token") {
        seen.action = Some(Event::Refresh);
    }
    let credentials = Credentials::read(headers, form)?;
    seen.client_id.clone_from(&credentials.client_id);
    oauth
        .authenticate_client(issuer.scope(), &credentials)
        .await?;
    for resource in form.all("resource") {
        if !issuer.is_audience(resource, &oauth.shared.default_scope) {
            let resource = resource.chars().take(MAX_LOGGED).collect();
            return Err(TokenProblem::OtherAudience(resource));
        }
    }
    let request = Request {
        oauth,
        issuer,
        form,
    };
    match grant_type {
        Some("authorization_code") => code::exchange(&request, seen).await,
        Some("refresh_token") => refresh::exchange(&request, seen).await,
        Some(_) => Err(TokenProblem::OtherGrantType),
        None => Err(TokenProblem::Missing("grant_type")),
    }
}

/// What both kinds of exchange go by.
struct Request<'a> {
    oauth: &'a OAuth,
    issuer: &'a Issuer,
    form: &'a Parameters,
}

/// What was found out on the way, for the audit.
#[derive(Default)]
struct Seen {
    action: Option<Event>,
    subject: String,
    /// What the client says; proved before anything is exchanged.
    client_id: String,
    client_name: String,
}

impl Request<'_> {
    fn required(&self, name: &'static str) -> Result<&str, TokenProblem> {
        self.form.one(name)?.ok_or(TokenProblem::Missing(name))
    }

    /// What the person may do at this scope now, whatever was once allowed:
    /// nothing for who was removed or is no longer let in.
    async fn rights_now(&self, subject: &str) -> Result<Rights, StoreError> {
        let scope = self.issuer.scope();
        if matches!(self.oauth.shared.sign_in, SignInMethod::Consent) {
            let here = subject == LOCAL_SUBJECT;
            let rights = here.then(|| scope.rights_of(subject, &BTreeSet::new()));
            return Ok(rights.unwrap_or_default());
        }
        let person = self.oauth.store().person(subject).await?;
        Ok(person.map_or(Rights::NONE, |person| {
            scope.rights_of(&person.subject, &person.groups)
        }))
    }

    /// A new access token, and how the store is to know it and `refresh`.
    fn tokens(&self, refresh: &IssuedSecret) -> Result<(IssuedSecret, Tokens), StoreError> {
        let shared = &self.oauth.shared;
        let access = shared.store.secrets().issue(SecretKind::AccessToken)?;
        let tokens = Tokens {
            access: access.hash,
            access_ttl: shared.access_token_ttl,
            refresh: Some(refresh.hash),
            refresh_ttl: shared.refresh_token_ttl,
        };
        Ok((access, tokens))
    }
}

/// New tokens on their way to the client.
#[derive(Debug)]
struct Exchanged {
    access: IssuedSecret,
    refresh: IssuedSecret,
    rights: Rights,
    tokens: Tokens,
}

impl IntoResponse for Exchanged {
    fn into_response(self) -> Response {
        /// RFC 6749 §5.1
        #[derive(Serialize)]
        struct Body<'a> {
            access_token: &'a str,
            token_type: &'static str,
            expires_in: u64,
            refresh_token: &'a str,
            scope: Rights,
        }
        let body = Json(Body {
            access_token: self.access.expose(),
            token_type: "Bearer",
            expires_in: self.tokens.access_ttl.as_secs(),
            refresh_token: self.refresh.expose(),
            scope: self.rights,
        });
        let headers = [
            (header::CACHE_CONTROL, "no-store"),
            (header::PRAGMA, "no-cache"),
        ];
        (headers, body).into_response()
    }
}

impl Seen {
    fn grant(&mut self, grant: &Grant) {
        self.subject.clone_from(&grant.subject);
        self.client_name.clone_from(&grant.client_name);
    }
}

/// Characters of a parameter that are enough to see what went wrong.
const MAX_LOGGED: usize = 200;
#[cfg(test)]
mod tests;
