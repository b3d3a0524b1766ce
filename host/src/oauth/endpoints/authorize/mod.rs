//! `S/authorize` (RFC 6749 §3.1): the person signs in, sees who wants what, and
//! decides.
//!
//! Nothing is kept between its pages: every form comes back to the same address
//! with the same query, and everything in it is judged anew.

mod consent;
mod replies;

use axum::body::Bytes;
use axum::http::Uri;
use axum::response::Response;

use super::answers::{see_other, unavailable};
use super::caller::Caller;
use super::sign_in::SignIn;
use crate::oauth::authorization::Unverified;
use crate::oauth::clients::document::DocumentError;
use crate::oauth::clients::{ClientError, is_document, redirect};
use crate::oauth::decision::Asked;
use crate::oauth::issuer::Issuer;
use crate::oauth::pages::Asking;
use crate::oauth::parameters::Parameters;
use crate::oauth::people::Visitor;
use crate::state::StoreError;

/// Shows what there is to decide.
pub(crate) async fn get(issuer: Issuer, caller: Caller, uri: Uri) -> Response {
    let visit = Visit::new(caller, issuer, &uri);
    let response = match visit.open().await {
        Ok(asked) => visit.show(&asked).await,
        Err(stop) => Err(stop),
    };
    visit.finish(response)
}

/// Takes a form: sign-in, allow, deny, sign-out.
pub(crate) async fn post(issuer: Issuer, caller: Caller, uri: Uri, body: Bytes) -> Response {
    let visit = Visit::new(caller, issuer, &uri);
    let response = visit.act(&Parameters::parse(&body)).await;
    visit.finish(response)
}

/// One request to the page.
struct Visit {
    caller: Caller,
    issuer: Issuer,
    /// Path and query: what the forms go to.
    target: String,
    query: String,
}

type Outcome<T> = Result<T, Stop>;

/// Why a request goes no further: a whole response as well.
struct Stop(Box<Response>);

impl From<Response> for Stop {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl Visit {
    fn new(caller: Caller, issuer: Issuer, uri: &Uri) -> Self {
        let target = uri.path_and_query().map(ToString::to_string);
        Self {
            caller,
            issuer,
            target: target.unwrap_or_default(),
            query: uri.query().unwrap_or_default().to_owned(),
        }
    }

    /// The client and what it asks for; an error goes to the client only when
    /// its redirect URI is known to be its own.
    async fn open(&self) -> Outcome<Asked> {
        let troubles = &self.caller.texts().troubles;
        let unverified = Unverified::parse(&self.query)
            .map_err(|error| self.dead_end(&troubles.request, &error.to_string(), ""))?;
        let id = &unverified.client_id;
        if is_document(id) {
            self.check_before_the_fetch(&unverified)?;
        }
        let found = self.caller.oauth.find_client(self.issuer.scope(), id).await;
        let client = found.map_err(|error| match error {
            ClientError::Store(error) => unavailable(self.caller.language, &error),
            error => self.dead_end(&troubles.client, &error.to_string(), id),
        })?;
        let registered = redirect::find(&client.redirect_uris, &unverified.redirect_uri)
            .map(ToOwned::to_owned)
            .ok_or_else(|| self.dead_end(&troubles.redirect, &unverified.redirect_uri, id))?;
        let request = unverified.judge(&self.issuer, &self.caller.oauth.shared.default_scope);
        let request = request.map_err(|refused| self.send_back(&refused, &client, ""))?;
        Ok(Asked {
            client,
            registered,
            request,
        })
    }

    /// Nobody has this server fetch documents for codes that could go nowhere, or
    /// without end.
    fn check_before_the_fetch(&self, unverified: &Unverified) -> Outcome<()> {
        let troubles = &self.caller.texts().troubles;
        let (id, uri) = (&unverified.client_id, &unverified.redirect_uri);
        let allowed = self.issuer.scope().check_redirect(uri);
        allowed.map_err(|error| self.dead_end(&troubles.redirect, &error.to_string(), id))?;
        if self
            .caller
            .oauth
            .shared
            .fetches
            .allows(self.caller.address.0)
        {
            return Ok(());
        }
        let busy = DocumentError::Busy.to_string();
        Err(self.dead_end(&troubles.client, &busy, id).into())
    }

    async fn show(&self, asked: &Asked) -> Outcome<Response> {
        match self.visitor().await? {
            Some(visitor) => self.ask_for_consent(asked, &visitor).await,
            None if asked.request.silent => Ok(self.cannot_ask_for_sign_in(asked)),
            None => Ok(self.sign_in(asked, &asked.asking()).page()),
        }
    }

    async fn act(&self, form: &Parameters) -> Outcome<Response> {
        let token = form.one("csrf").ok().flatten();
        if !self.caller.browser.is_own_form(&self.target, token) {
            return Ok(self.foreign_form());
        }
        let asked = self.open().await?;
        match form.one("action").ok().flatten() {
            Some("sign-in") => {
                let asking = asked.asking();
                let signed_in = self.sign_in(&asked, &asking).take(form).await;
                self.stored(signed_in)
            }
            Some("sign-out") => {
                let signed_out = self
                    .caller
                    .browser
                    .sign_out(&self.caller.oauth, see_other(&self.target));
                self.stored(signed_out.await)
            }
            Some("allow") => self.allow(&asked).await,
            Some("deny") => self.deny(&asked).await,
            _ => Ok(see_other(&self.target)),
        }
    }

    async fn visitor(&self) -> Outcome<Option<Visitor>> {
        self.stored(Visitor::of(&self.caller.oauth, &self.caller.browser).await)
    }

    fn stored<T>(&self, result: Result<T, StoreError>) -> Outcome<T> {
        result.map_err(|error| unavailable(self.caller.language, &error).into())
    }

    fn finish(&self, outcome: Outcome<Response>) -> Response {
        self.caller
            .browser
            .keep(outcome.unwrap_or_else(|stop| *stop.0))
    }

    fn sign_in<'a>(&'a self, asked: &'a Asked, asking: &'a Asking) -> SignIn<'a> {
        SignIn {
            caller: &self.caller,
            target: &self.target,
            asking: Some(asking),
            // After the sign-in a remembered consent leads on to the client.
            places: self.places(asked),
            details: self.details(&asked.client),
        }
    }
}

#[cfg(test)]
mod tests;
