//! The person signs in with name and password.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use secrecy::SecretString;

use super::replies::{see_other, store_failed};
use super::{Outcome, Visit};
use crate::oauth::SignInMethod;
use crate::oauth::audit::{self, Action, Details};
use crate::oauth::decision::Asked;
use crate::oauth::pages::{SignInChoice, SignInPage, respond_leading_to};
use crate::oauth::parameters::Parameters;
use crate::oauth::people::Refusal;

impl Visit {
    /// New cookies for who knows the password. Whatever is wrong, the page and
    /// the time it takes are the same, so that nobody learns who has an account.
    pub(super) async fn sign_in(&self, form: &Parameters, asked: &Asked) -> Outcome<Response> {
        if !matches!(self.oauth.shared.sign_in, SignInMethod::Password) {
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
        let checked = self
            .oauth
            .check_password(&subject, password, self.address.0);
        if let Err(refusal) = checked.await {
            audit::refused(Action::SignIn, details, &(&refusal).into());
            return Ok(self.refuse(&refusal, asked, typed));
        }
        let response = see_other(&self.target);
        let signed_in = self.browser.sign_in(&self.oauth, &subject, None, response);
        let response = self.stored(signed_in.await)?;
        audit::done(Action::SignIn, details);
        Ok(response)
    }

    fn refuse(&self, refusal: &Refusal, asked: &Asked, typed: &str) -> Response {
        let texts = &self.texts().sign_in;
        match refusal {
            Refusal::Throttled(wait) => {
                let alert = (texts.throttled)(wait.as_secs().div_ceil(60).max(1));
                let status = StatusCode::TOO_MANY_REQUESTS;
                let mut page = self.sign_in_page(status, asked, Some(&alert), typed);
                let seconds = HeaderValue::from(wait.as_secs().max(1));
                page.headers_mut().insert(header::RETRY_AFTER, seconds);
                page
            }
            Refusal::Wrong => {
                self.sign_in_page(StatusCode::FORBIDDEN, asked, Some(texts.wrong), typed)
            }
            Refusal::Store(error) => store_failed(self.language, error),
        }
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
