//! The person signs in, on the way to the account or to a consent.

use axum::http::StatusCode;
use axum::response::Response;
use secrecy::SecretString;

use super::answers::{minutes, see_other, slowed};
use super::caller::Caller;
use crate::oauth::audit::{self, Details, Event};
use crate::oauth::error::OAuthError;
use crate::oauth::pages::{Asking, SignInChoice, SignInPage, respond_leading_to};
use crate::oauth::parameters::Parameters;
use crate::oauth::people::Refusal;
use crate::state::{Proof, StoreError};

/// A sign-in that leads on to `target`, a path with its query.
pub(super) struct SignIn<'a> {
    pub(super) caller: &'a Caller,
    pub(super) target: &'a str,
    /// The client that waits for it, if one does.
    pub(super) asking: Option<&'a Asking>,
    /// Where `target` may lead on, as sources of CSP.
    pub(super) places: Vec<String>,
    /// For the audit.
    pub(super) details: Details<'a>,
}

impl SignIn<'_> {
    /// The page for who has not signed in yet.
    pub(super) fn page(&self) -> Response {
        self.show(StatusCode::OK, "", None)
    }

    /// New cookies for who knows the password. Whatever is wrong, the page and
    /// the time it takes are the same, so that nobody learns who has an account.
    pub(super) async fn take(&self, form: &Parameters) -> Result<Response, StoreError> {
        let caller = self.caller;
        if !caller.has_passwords() {
            return Ok(see_other(self.target));
        }
        let field = |name| form.one(name).ok().flatten().unwrap_or_default();
        let typed = field("username");
        // Nobody is called that, and the audit would tell it.
        let subject = match typed.trim() {
            name if name.chars().count() > LONGEST_NAME => String::new(),
            name => name.to_lowercase(),
        };
        let password = SecretString::from(field("password"));
        let details = Details {
            subject: &subject,
            ..self.details
        };
        let checked = caller
            .oauth
            .check_password(&subject, password, caller.address.0);
        let signed_in = match checked.await {
            Ok(phc) => {
                let (browser, response) = (&caller.browser, see_other(self.target));
                let signed_in =
                    browser.sign_in(&caller.oauth, &subject, Proof::Password(&phc), response);
                // Another password by now: the one that was typed is wrong.
                signed_in
                    .await
                    .map_err(Refusal::Store)
                    .and_then(|response| response.ok_or(Refusal::Wrong))
            }
            Err(refusal) => Err(refusal),
        };
        let refusal = match signed_in {
            Ok(response) => {
                audit::done(&caller.oauth, Event::SignIn, details);
                return Ok(response);
            }
            Err(refusal) => refusal,
        };
        audit::refused(
            &caller.oauth,
            Event::SignIn,
            details,
            &OAuthError::from(&refusal),
        );
        let texts = &caller.texts().sign_in;
        match refusal {
            Refusal::Throttled(wait) => {
                let alert = (texts.throttled)(minutes(wait));
                let page = self.show(StatusCode::OK, typed, Some(&alert));
                Ok(slowed(page, wait))
            }
            Refusal::Wrong => Ok(self.show(StatusCode::FORBIDDEN, typed, Some(texts.wrong))),
            Refusal::Store(error) => Err(error),
        }
    }

    fn show(&self, status: StatusCode, username: &str, alert: Option<&str>) -> Response {
        let caller = self.caller;
        let elsewhere = caller.oauth.shared.sign_in.places();
        let page = SignInPage {
            t: caller.texts(),
            target: self.target,
            csrf: &caller.browser.csrf_token(self.target),
            choice: match elsewhere {
                Some(_) => SignInChoice::Provider,
                None => SignInChoice::Password,
            },
            asking: self.asking,
            username,
            alert,
        };
        let mut places = self.places.clone();
        places.extend(elsewhere.into_iter().flatten());
        respond_leading_to(status, caller.language, &page, &places)
    }
}

/// Characters of a name (RFC 5321 §4.5.3.1.3 for addresses), as the form says.
const LONGEST_NAME: usize = 254;
