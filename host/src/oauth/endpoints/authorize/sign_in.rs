//! The person signs in with name and password.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use secrecy::SecretString;

use super::replies::{see_other, store_failed};
use super::{Outcome, Visit};
use crate::oauth::SignInMethod;
use crate::oauth::audit::{self, Action, Details};
use crate::oauth::decision::Asked;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::pages::{SignInChoice, SignInPage, respond_leading_to};
use crate::oauth::parameters::Parameters;

impl Visit {
    /// New cookies for who knows the password. Whatever is wrong, the page and
    /// the time it takes are the same, so that nobody learns who has an account.
    pub(super) async fn sign_in(&self, form: &Parameters, asked: &Asked) -> Outcome<Response> {
        let shared = &self.oauth.shared;
        if !matches!(shared.sign_in, SignInMethod::Password) {
            return Ok(see_other(&self.target));
        }
        let field = |name| form.one(name).ok().flatten().unwrap_or_default();
        let typed = field("username");
        let subject = typed.trim().to_lowercase();
        let password = SecretString::from(field("password"));
        let details = Details {
            subject: &subject,
            ..self.details(&asked.client)
        };
        let refused = |code, description: &str| {
            audit::refused(Action::SignIn, details, &OAuthError::new(code, description));
        };
        let texts = &self.texts().sign_in;
        if let Err(wait) = shared.throttle.admit(&subject, self.address.0) {
            refused(ErrorCode::SlowDown, "there were too many attempts");
            let alert = (texts.throttled)(wait.as_secs().div_ceil(60).max(1));
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut page = self.sign_in_page(status, asked, Some(&alert), typed);
            let seconds = HeaderValue::from(wait.as_secs().max(1));
            page.headers_mut().insert(header::RETRY_AFTER, seconds);
            return Err(page);
        }
        let failed = |error| store_failed(self.language, &error);
        let person = shared.store.person(&subject).await.map_err(failed)?;
        let phc = person.and_then(|person| person.password);
        if !shared.passwords.verify(password, phc).await {
            refused(ErrorCode::AccessDenied, "wrong name or password");
            let status = StatusCode::FORBIDDEN;
            return Err(self.sign_in_page(status, asked, Some(texts.wrong), typed));
        }
        let response = see_other(&self.target);
        let signed_in = self.browser.sign_in(&self.oauth, &subject, None, response);
        let response = signed_in.await.map_err(failed)?;
        audit::done(Action::SignIn, details);
        Ok(response)
    }

    pub(super) fn sign_in_page(
        &self,
        status: StatusCode,
        asked: &Asked,
        alert: Option<&str>,
        username: &str,
    ) -> Response {
        let elsewhere = self.oauth.shared.sign_in.places();
        let page = SignInPage {
            t: self.texts(),
            target: &self.target,
            csrf: &self.browser.csrf_token(&self.target),
            choice: match elsewhere {
                Some(_) => SignInChoice::Provider,
                None => SignInChoice::Password,
            },
            asking: Some(&asked.asking()),
            username,
            alert,
        };
        // After the sign-in a remembered consent leads on to the client.
        let mut places = self.places(asked);
        places.extend(elsewhere.into_iter().flatten());
        respond_leading_to(status, self.language, &page, &places)
    }
}
