//! `/sign-in/oidc`: to the OpenID Connect provider and back.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::account;
use super::answers::{see_other, trouble, unavailable};
use super::caller::Caller;
use super::operator::OPERATORS;
use crate::entropy::EntropyError;
use crate::http_error::HttpError;
use crate::oauth::audit::{self, Event};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::pages::{ErrorPage, respond};
use crate::oauth::parameters::Parameters;
use crate::oauth::people::{Exchange, Identity, Provider, ProviderError, ReturnTo};
use crate::state::{Federation, Proof, SecretKind, StoreError};

/// `POST /sign-in/oidc`: sends the browser to the provider.
pub(crate) async fn post(caller: Caller, body: Bytes) -> Response {
    let Some(trip) = Trip::of(&caller) else {
        return HttpError::not_found().into_response();
    };
    let response = trip.leave(&Parameters::parse(&body)).await;
    let response = response.unwrap_or_else(|failure| trip.failed(&failure));
    caller.browser.keep(response)
}

/// `GET /sign-in/oidc/callback`: the provider sends the browser back
/// (OpenID Connect Core §3.1.2.5).
pub(crate) async fn callback(caller: Caller, uri: Uri) -> Response {
    let Some(trip) = Trip::of(&caller) else {
        return HttpError::not_found().into_response();
    };
    let query = Parameters::parse(uri.query().unwrap_or_default().as_bytes());
    let response = trip.come_back(&query).await;
    response.unwrap_or_else(|failure| trip.failed(&failure))
}

/// One way there, or one way back.
struct Trip<'a> {
    caller: &'a Caller,
    provider: &'a Provider,
}

/// Why a sign-in ends here.
#[derive(Debug)]
enum Failure {
    /// The form is not one that this browser was given for that address.
    Form,
    /// There is no such sign-in of this browser; why, for the log.
    Lost(&'static str),
    /// The provider does not sign the person in; where to begin again.
    Provider(ProviderError, Option<String>),
    /// No scope lets this person in, or the operator removed the person.
    NotAdmitted(String),
    Store(StoreError),
}

impl<'a> Trip<'a> {
    fn of(caller: &'a Caller) -> Option<Self> {
        let provider = caller.oauth.shared.provider.as_ref()?;
        Some(Self { caller, provider })
    }

    async fn leave(&self, form: &Parameters) -> Result<Response, Failure> {
        let return_to = form.one("return_to").ok().flatten().unwrap_or_default();
        let token = form.one("csrf").ok().flatten();
        if !self.caller.browser.is_own_form(return_to, token) {
            return Err(Failure::Form);
        }
        let return_to = ReturnTo::parse(return_to, &self.caller.base).ok_or(Failure::Form)?;

        let store = &self.caller.oauth.shared.store;
        let state = store.secrets().issue(SecretKind::FederationState)?;
        let federation = Federation {
            hash: state.hash,
            browser: self.caller.browser.hash(),
            nonce: self.random()?,
            code_verifier: self.random()?,
            return_to: return_to.as_str().to_owned(),
            expires_at: store.clock().now().after(STATE_TTL),
        };
        let redirect_uri = self.redirect_uri();
        let exchange = exchange(&federation, &redirect_uri);
        let url = self
            .provider
            .authorization_url(exchange, &state.secret)
            .await;
        let url =
            url.map_err(|error| Failure::Provider(error, Some(federation.return_to.clone())))?;
        store.begin_federation(&federation).await?;
        Ok(see_other(url.as_str()))
    }

    async fn come_back(&self, query: &Parameters) -> Result<Response, Failure> {
        let parameter = |name| query.one(name).ok().flatten();
        let store = &self.caller.oauth.shared.store;
        let state = parameter("state").unwrap_or_default();
        let hash = store
            .secrets()
            .recognise(SecretKind::FederationState, state);
        let hash = hash.ok_or(Failure::Lost("state is none of this server's"))?;
        let federation = store.take_federation(hash).await?;
        let federation = federation.ok_or(Failure::Lost("state was used, or has expired"))?;
        if federation.browser != self.caller.browser.hash() {
            return Err(Failure::Lost("state belongs to another browser"));
        }

        let identity = self.identify(query, &federation).await;
        let identity = identity
            .map_err(|error| Failure::Provider(error, Some(federation.return_to.clone())))?;
        self.admit(&identity).await?;
        let subject = &identity.subject;
        let proof = Proof::Provider {
            groups: identity.groups.as_ref(),
            claims: &identity.claims,
        };
        let response = see_other(&federation.return_to);
        let signed_in = self
            .caller
            .browser
            .sign_in(&self.caller.oauth, subject, proof, response);
        let removed = || Failure::NotAdmitted(subject.clone());
        let response = signed_in.await?.ok_or_else(removed)?;
        audit::done(
            &self.caller.oauth,
            Event::SignIn,
            self.caller.details(subject),
        );
        Ok(response)
    }

    async fn identify(
        &self,
        query: &Parameters,
        federation: &Federation,
    ) -> Result<Identity, ProviderError> {
        let parameter = |name| query.one(name).ok().flatten();
        if let Some(error) = parameter("error") {
            let description = parameter("error_description").unwrap_or_default();
            return Err(ProviderError::Refused(format!("{error:?} {description:?}")));
        }
        let code = parameter("code")
            .ok_or_else(|| ProviderError::Invalid("there is no code".to_owned()))?;
        let redirect_uri = self.redirect_uri();
        let exchange = exchange(federation, &redirect_uri);
        self.provider
            .identify(exchange, code, parameter("iss"))
            .await
    }

    /// Strangers to every scope leave no trace in the store; who is known there
    /// loses groups at once, even if no scope is left.
    async fn admit(&self, identity: &Identity) -> Result<(), Failure> {
        let nobody = BTreeSet::new();
        let groups = identity.groups.as_ref().unwrap_or(&nobody);
        let (subject, store) = (&identity.subject, &self.caller.oauth.shared.store);
        if store.person(subject).await?.is_some() {
            return Ok(());
        }
        let comes_in =
            self.caller.oauth.admits_anywhere(subject, groups) || groups.contains(OPERATORS);
        if !comes_in || store.is_person_removed(subject).await? {
            return Err(Failure::NotAdmitted(subject.clone()));
        }
        Ok(())
    }

    fn failed(&self, failure: &Failure) -> Response {
        let troubles = &self.caller.language.texts().troubles;
        let code = match failure {
            Failure::NotAdmitted(_) => ErrorCode::AccessDenied,
            Failure::Store(_) | Failure::Provider(ProviderError::Unusable(_), _) => {
                ErrorCode::TemporarilyUnavailable
            }
            Failure::Provider(..) => ErrorCode::AccessDenied,
            Failure::Form | Failure::Lost(_) => ErrorCode::InvalidRequest,
        };
        let error = OAuthError::new(code, "the sign-in at the provider failed");
        let page = |status, text, start| trouble(status, self.caller.language, text, start);
        let (reason, response) = match failure {
            Failure::Form => {
                let response = page(StatusCode::FORBIDDEN, &troubles.form, account::ADDRESS);
                ("not a form of this browser".to_owned(), response)
            }
            Failure::Lost(reason) => {
                let text = &troubles.sign_in_lost;
                let response = page(StatusCode::BAD_REQUEST, text, account::ADDRESS);
                ((*reason).to_owned(), response)
            }
            Failure::Provider(reason, start) => {
                let (status, text) = match reason {
                    ProviderError::Unusable(_) => {
                        (StatusCode::SERVICE_UNAVAILABLE, &troubles.provider)
                    }
                    _ => (StatusCode::FORBIDDEN, &troubles.provider_refused),
                };
                let start = start.as_deref().unwrap_or(account::ADDRESS);
                (reason.to_string(), page(status, text, start))
            }
            Failure::NotAdmitted(subject) => {
                let page = ErrorPage {
                    about: Some(subject),
                    ..ErrorPage::new(self.caller.language.texts(), &troubles.not_admitted)
                };
                let response = respond(StatusCode::FORBIDDEN, self.caller.language, &page);
                ("no scope lets this person in".to_owned(), response)
            }
            Failure::Store(error) => (error.to_string(), unavailable(self.caller.language, error)),
        };
        let subject = match failure {
            Failure::NotAdmitted(subject) => subject.as_str(),
            _ => "",
        };
        audit::refused(
            &self.caller.oauth,
            Event::SignIn,
            self.caller.details(subject),
            &error.because(reason),
        );
        response
    }

    fn random(&self) -> Result<String, EntropyError> {
        let bytes: [u8; 32] = self.caller.oauth.shared.store.secrets().entropy().bytes()?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What is registered at the provider.
    fn redirect_uri(&self) -> String {
        format!("{}{CALLBACK}", self.caller.base.as_str())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<EntropyError> for Failure {
    fn from(error: EntropyError) -> Self {
        Self::Store(error.into())
    }
}

fn exchange<'a>(federation: &'a Federation, redirect_uri: &'a str) -> Exchange<'a> {
    Exchange {
        redirect_uri,
        nonce: &federation.nonce,
        code_verifier: &federation.code_verifier,
    }
}

/// Where the form of a sign-in goes.
pub(crate) const LEAVE: &str = "/sign-in/oidc";
/// Where the provider sends the browser.
pub(crate) const CALLBACK: &str = "/sign-in/oidc/callback";
/// Time to sign in there.
const STATE_TTL: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests;
