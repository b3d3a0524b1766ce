//! `S/authorize` (RFC 6749 §3.1): the person signs in, sees who wants what, and
//! decides.
//!
//! Nothing is kept between its pages: every form comes back to the same address
//! with the same query, and everything in it is judged anew.

mod consent;
mod replies;
mod sign_in;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use replies::{see_other, store_failed};

use crate::oauth::authorization::Unverified;
use crate::oauth::clients::{ClientError, redirect};
use crate::oauth::decision::Asked;
use crate::oauth::issuer::Issuer;
use crate::oauth::pages::{Language, Texts};
use crate::oauth::parameters::Parameters;
use crate::oauth::people::{Browser, Visitor};
use crate::oauth::{ClientAddress, OAuth};
use crate::state::StoreError;

/// Shows what there is to decide.
pub(crate) async fn get(
    State(oauth): State<OAuth>,
    issuer: Issuer,
    address: ClientAddress,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let visit = match Visit::new(oauth, issuer, address, &uri, &headers) {
        Ok(visit) => visit,
        Err(stop) => return *stop.0,
    };
    let response = match visit.open().await {
        Ok(asked) => visit.show(&asked).await,
        Err(stop) => Err(stop),
    };
    visit.finish(response)
}

/// Takes a form: sign-in, allow, deny, sign-out.
pub(crate) async fn post(
    State(oauth): State<OAuth>,
    issuer: Issuer,
    address: ClientAddress,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let visit = match Visit::new(oauth, issuer, address, &uri, &headers) {
        Ok(visit) => visit,
        Err(stop) => return *stop.0,
    };
    let response = visit.act(&Parameters::parse(&body)).await;
    visit.finish(response)
}

/// One request to the page.
struct Visit {
    oauth: OAuth,
    issuer: Issuer,
    address: ClientAddress,
    language: Language,
    browser: Browser,
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
    fn new(
        oauth: OAuth,
        issuer: Issuer,
        address: ClientAddress,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Outcome<Self> {
        let language = Language::of(headers);
        let browser = Browser::of(&oauth, issuer.base(), headers)
            .map_err(|error| store_failed(language, &error))?;
        let target = uri.path_and_query().map(ToString::to_string);
        Ok(Self {
            oauth,
            issuer,
            address,
            language,
            browser,
            target: target.unwrap_or_default(),
            query: uri.query().unwrap_or_default().to_owned(),
        })
    }

    /// The client and what it asks for; an error goes to the client only when
    /// its redirect URI is known to be its own.
    async fn open(&self) -> Outcome<Asked> {
        let troubles = &self.texts().troubles;
        let unverified = Unverified::parse(&self.query)
            .map_err(|error| self.dead_end(&troubles.request, &error.to_string(), ""))?;
        let id = &unverified.client_id;
        let found = self.oauth.find_client(self.issuer.scope(), id).await;
        let client = found.map_err(|error| match error {
            ClientError::Store(error) => store_failed(self.language, &error),
            error => self.dead_end(&troubles.client, &error.to_string(), id),
        })?;
        let registered = redirect::find(&client.redirect_uris, &unverified.redirect_uri)
            .map(ToOwned::to_owned)
            .ok_or_else(|| self.dead_end(&troubles.redirect, &unverified.redirect_uri, id))?;
        let request = unverified.judge(&self.issuer, &self.oauth.shared.default_scope);
        let request = request.map_err(|refused| self.send_back(&refused, &client, ""))?;
        Ok(Asked {
            client,
            registered,
            request,
        })
    }

    async fn show(&self, asked: &Asked) -> Outcome<Response> {
        match self.visitor().await? {
            Some(visitor) => self.ask_for_consent(asked, &visitor).await,
            None if asked.request.silent => Ok(self.cannot_ask_for_sign_in(asked)),
            None => Ok(self.sign_in_page(StatusCode::OK, asked, None, "")),
        }
    }

    async fn act(&self, form: &Parameters) -> Outcome<Response> {
        let token = form.one("csrf").ok().flatten();
        if !self.browser.is_own_form(&self.target, token) {
            return Ok(self.foreign_form());
        }
        let asked = self.open().await?;
        match form.one("action").ok().flatten() {
            Some("sign-in") => self.sign_in(form, &asked).await,
            Some("sign-out") => {
                let signed_out = self.browser.sign_out(&self.oauth, see_other(&self.target));
                self.stored(signed_out.await)
            }
            Some("allow") => self.allow(&asked).await,
            Some("deny") => self.deny(&asked).await,
            _ => Ok(see_other(&self.target)),
        }
    }

    async fn visitor(&self) -> Outcome<Option<Visitor>> {
        self.stored(Visitor::of(&self.oauth, &self.browser).await)
    }

    fn stored<T>(&self, result: Result<T, StoreError>) -> Outcome<T> {
        result.map_err(|error| store_failed(self.language, &error).into())
    }

    fn finish(&self, outcome: Outcome<Response>) -> Response {
        self.browser.keep(outcome.unwrap_or_else(|stop| *stop.0))
    }

    fn texts(&self) -> &'static Texts {
        self.language.texts()
    }
}

#[cfg(test)]
mod tests;
