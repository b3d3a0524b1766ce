//! `/account`: who is signed in, what that person allowed, and the password.

mod allowed;

use axum::body::Bytes;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use secrecy::SecretString;

use super::answers::{minutes, see_other, slowed, trouble, unavailable};
use super::caller::Caller;
use super::new_password;
use super::sign_in::SignIn;
use crate::oauth::audit::{self, Details, Event};
use crate::oauth::error::OAuthError;
use crate::oauth::pages::{AccountPage, respond};
use crate::oauth::parameters::Parameters;
use crate::oauth::people::{Refusal, Visitor};
use crate::state::{GrantFilter, Proof, StoreError};

/// Shows the account, or how to get to it.
pub(crate) async fn get(caller: Caller, uri: Uri) -> Response {
    let query = Parameters::parse(uri.query().unwrap_or_default().as_bytes());
    let texts = &caller.texts().account;
    let done = match query.one("done") {
        Ok(Some(WITHDRAWN)) => Some(texts.withdrawn),
        Ok(Some(PASSWORD)) => Some(texts.password_changed),
        _ => None,
    };
    let response = caller.show(StatusCode::OK, done, None).await;
    caller.answer(response)
}

/// Takes a form: sign-in, sign-out, withdraw, change-password.
pub(crate) async fn post(caller: Caller, body: Bytes) -> Response {
    let response = caller.act(&Parameters::parse(&body)).await;
    caller.answer(response)
}

impl Caller {
    async fn act(&self, form: &Parameters) -> Result<Response, StoreError> {
        let field = |name| form.one(name).ok().flatten();
        if !self.browser.is_own_form(ADDRESS, field("csrf")) {
            let page = &self.texts().troubles.form;
            return Ok(trouble(StatusCode::FORBIDDEN, self.language, page, ADDRESS));
        }
        let action = field("action");
        if action == Some("sign-in") {
            return self.sign_in().take(form).await;
        }
        let Some(visitor) = Visitor::of(&self.oauth, &self.browser).await? else {
            return Ok(see_other(ADDRESS));
        };
        let subject = &visitor.subject;
        match action {
            Some("sign-out") => {
                let response = see_other(ADDRESS);
                self.browser.sign_out(&self.oauth, response).await
            }
            Some("withdraw") => {
                let (scope, client_id) = (field("scope"), field("client_id"));
                let which = (scope.unwrap_or_default(), client_id.unwrap_or_default());
                self.withdraw(subject, which).await
            }
            Some("change-password") if self.has_passwords() => {
                self.change_password(subject, form).await
            }
            _ => Ok(see_other(ADDRESS)),
        }
    }

    async fn withdraw(
        &self,
        subject: &str,
        (scope, client_id): (&str, &str),
    ) -> Result<Response, StoreError> {
        let store = &self.oauth.shared.store;
        if store.withdraw_consent(subject, scope, client_id).await? {
            let details = Details {
                scope,
                client_id,
                ..self.details(subject)
            };
            audit::done(&self.oauth, Event::Withdrawal, details);
        }
        Ok(see_other(&format!("{ADDRESS}?done={WITHDRAWN}")))
    }

    async fn change_password(
        &self,
        subject: &str,
        form: &Parameters,
    ) -> Result<Response, StoreError> {
        let texts = self.texts();
        let password = match new_password::read(form, subject, texts) {
            Ok(password) => password,
            Err(alert) => return self.show(StatusCode::BAD_REQUEST, None, Some(alert)).await,
        };
        let current = form.one("current").ok().flatten().unwrap_or_default();
        let current = SecretString::from(current);
        let checked = self.oauth.check_password(subject, current, self.address.0);
        let current = match checked.await {
            Ok(current) => current,
            Err(refusal) => {
                let error = OAuthError::from(&refusal);
                audit::refused(&self.oauth, Event::Password, self.details(subject), &error);
                return match refusal {
                    Refusal::Throttled(wait) => {
                        let alert = (texts.sign_in.throttled)(minutes(wait));
                        let page = self.show(StatusCode::OK, None, Some(&alert)).await?;
                        Ok(slowed(page, wait))
                    }
                    Refusal::Wrong => {
                        let alert = Some(texts.account.wrong_password);
                        self.show(StatusCode::FORBIDDEN, None, alert).await
                    }
                    Refusal::Store(error) => Err(error),
                };
            }
        };
        let shared = &self.oauth.shared;
        let hash = match shared.passwords.hash(password).await {
            Ok(hash) => hash,
            Err(error) => return Ok(unavailable(self.language, &error)),
        };
        let store = &shared.store;
        if !store.set_password(subject, Some(&current), &hash).await? {
            return Ok(see_other(ADDRESS));
        }
        audit::done(&self.oauth, Event::Password, self.details(subject));
        Ok(self.sign_in_again(subject, &hash).await)
    }

    /// To the account, after a new password: all sign-ins have ended with the
    /// old one, that of this browser too.
    pub(super) async fn sign_in_again(&self, subject: &str, phc: &str) -> Response {
        let response = see_other(&format!("{ADDRESS}?done={PASSWORD}"));
        let proof = Proof::Password(phc);
        match self
            .browser
            .sign_in(&self.oauth, subject, proof, response)
            .await
        {
            Ok(Some(response)) => response,
            // What was done is done; the person signs in by hand.
            Ok(None) | Err(_) => see_other(ADDRESS),
        }
    }

    async fn show(
        &self,
        status: StatusCode,
        done: Option<&str>,
        alert: Option<&str>,
    ) -> Result<Response, StoreError> {
        let Some(visitor) = Visitor::of(&self.oauth, &self.browser).await? else {
            return Ok(self.sign_in().page());
        };
        let store = &self.oauth.shared.store;
        let filter = GrantFilter {
            subject: Some(visitor.subject.clone()),
            ..GrantFilter::default()
        };
        let allowed = allowed::list(
            &store.consents(&visitor.subject).await?,
            &store.grants(&filter).await?,
        );
        let page = AccountPage {
            t: self.texts(),
            csrf: &self.browser.csrf_token(ADDRESS),
            subject: visitor.has_signed_in.then_some(&*visitor.subject),
            allowed: &allowed,
            has_password: self.has_passwords(),
            done,
            alert,
            wrong_current: alert == Some(self.texts().account.wrong_password),
        };
        Ok(respond(status, self.language, &page))
    }

    fn sign_in(&self) -> SignIn<'_> {
        SignIn {
            caller: self,
            target: ADDRESS,
            asking: None,
            places: Vec::new(),
            details: self.details(""),
        }
    }

    fn answer(&self, response: Result<Response, StoreError>) -> Response {
        let response = response.unwrap_or_else(|error| unavailable(self.language, &error));
        self.browser.keep(response)
    }
}

/// Where the forms go.
pub(crate) const ADDRESS: &str = "/account";
/// What `done` says in the address that a form leads to.
const WITHDRAWN: &str = "withdrawn";
const PASSWORD: &str = "password";

#[cfg(test)]
mod tests;
