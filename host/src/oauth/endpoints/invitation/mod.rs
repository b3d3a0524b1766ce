//! `/invitation`: an invited person sets a password, once.
//!
//! To open the link changes nothing, for programs that scan mail do it as well;
//! the form uses it up.

use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::Response;

use super::account;
use super::answers::{trouble, unavailable};
use super::caller::Caller;
use super::new_password;
use crate::oauth::audit::{self, Event};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::pages::{InvitationPage, respond};
use crate::oauth::parameters::Parameters;
use crate::state::{Accepted, Invitation, SecretKind, StoreError};

/// Shows the form to whoever has the link.
pub(crate) async fn get(caller: Caller, uri: Uri) -> Response {
    let query = Parameters::parse(uri.query().unwrap_or_default().as_bytes());
    let token = query.one("token").ok().flatten().unwrap_or_default();
    let response = match caller.invitation(token).await {
        Ok(Some(invitation)) => {
            Ok(caller.invitation_page(StatusCode::OK, token, &invitation, None))
        }
        Ok(None) => Ok(caller.invitation_is_over()),
        Err(error) => Err(error),
    };
    caller.without_referrer(response)
}

/// Sets the password and signs the person in.
pub(crate) async fn post(caller: Caller, body: Bytes) -> Response {
    let response = caller.accept(&Parameters::parse(&body)).await;
    caller.without_referrer(response)
}

impl Caller {
    /// None as well where people have no passwords.
    async fn invitation(&self, token: &str) -> Result<Option<Invitation>, StoreError> {
        if !self.has_passwords() {
            return Ok(None);
        }
        let store = &self.oauth.shared.store;
        match store.secrets().recognise(SecretKind::Invitation, token) {
            Some(hash) => store.invitation(hash).await,
            None => Ok(None),
        }
    }

    async fn accept(&self, form: &Parameters) -> Result<Response, StoreError> {
        let field = |name| form.one(name).ok().flatten();
        let token = field("token").unwrap_or_default();
        if !self.browser.is_own_form(ADDRESS, field("csrf")) {
            let page = &self.language.texts().troubles.form;
            return Ok(trouble(
                StatusCode::FORBIDDEN,
                self.language,
                page,
                account::ADDRESS,
            ));
        }
        let Some(invitation) = self.invitation(token).await? else {
            return Ok(self.invitation_is_over());
        };
        let password = new_password::read(form, &invitation.subject, self.language.texts());
        let password = match password {
            Ok(password) => password,
            Err(alert) => {
                let status = StatusCode::BAD_REQUEST;
                return Ok(self.invitation_page(status, token, &invitation, Some(alert)));
            }
        };
        let shared = &self.oauth.shared;
        let hash = match shared.passwords.hash(password).await {
            Ok(hash) => hash,
            Err(error) => return Ok(unavailable(self.language, &error)),
        };
        let accepted = shared
            .store
            .accept_invitation(invitation.hash, &hash)
            .await?;
        let Accepted::Set(person) = accepted else {
            return Ok(self.invitation_is_over());
        };
        audit::done(&self.oauth, Event::Password, self.details(&person.subject));
        Ok(self.sign_in_again(&person.subject, &hash).await)
    }

    fn invitation_page(
        &self,
        status: StatusCode,
        token: &str,
        invitation: &Invitation,
        alert: Option<&str>,
    ) -> Response {
        let page = InvitationPage {
            t: self.language.texts(),
            csrf: &self.browser.csrf_token(ADDRESS),
            token,
            subject: &invitation.subject,
            alert,
        };
        respond(status, self.language, &page)
    }

    /// The link is not good any more, or never was.
    fn invitation_is_over(&self) -> Response {
        let error = OAuthError::new(ErrorCode::InvalidRequest, "no such invitation");
        audit::refused(&self.oauth, Event::Password, self.details(""), &error);
        let page = &self.language.texts().troubles.invitation;
        trouble(StatusCode::NOT_FOUND, self.language, page, account::ADDRESS)
    }

    fn without_referrer(&self, response: Result<Response, StoreError>) -> Response {
        let response = response.unwrap_or_else(|error| unavailable(self.language, &error));
        let mut response = self.browser.keep(response);
        // The address holds the token: not even this server's own style sheet
        // is told of it.
        let policy = HeaderValue::from_static("strict-origin");
        response
            .headers_mut()
            .insert(header::REFERRER_POLICY, policy);
        response
    }
}

/// Where the form goes.
pub(crate) const ADDRESS: &str = "/invitation";

#[cfg(test)]
mod tests;
