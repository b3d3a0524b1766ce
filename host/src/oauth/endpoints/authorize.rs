//! `S/authorize` (RFC 6749 §3.1): the person signs in, sees who wants what, and
//! decides.
//!
//! Nothing is kept between its pages: every form comes back to the same address
//! with the same query, and everything in it is judged anew.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;
use url::Url;

use crate::oauth::audit::{self, Action, Details};
use crate::oauth::authorization::{AuthorizationRequest, Refused, Unanswerable, Unverified};
use crate::oauth::clients::{ClientError, redirect};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::issuer::Issuer;
use crate::oauth::pages::{
    Asking, ConsentPage, Destination, ErrorPage, Language, SignInChoice, SignInPage, Texts, Trouble, WayOut,
    respond, respond_leading_to,
};
use crate::oauth::parameters::Parameters;
use crate::oauth::people::{Browser, LOCAL_PERSON};
use crate::oauth::{ClientAddress, OAuth, SignInMethod};
use crate::principal::Rights;
use crate::state::{AuthorizationCode, Client, ClientKind, Consent, SecretKind, StoreError};

/// Shows what there is to decide.
pub(crate) async fn get(
    State(oauth): State<OAuth>,
    issuer: Issuer,
    address: ClientAddress,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let visit = match Visit::new(oauth, issuer, address, &uri, &headers) {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let response = match visit.open().await {
        Ok((client, request)) => visit.show(&client, &request).await,
        Err(response) => Err(response),
    };
    visit.browser.keep(response.unwrap_or_else(|response| response))
}

/// Takes a form: sign-in, allow, deny, sign-out.
pub(crate) async fn post(
    State(oauth): State<OAuth>,
    issuer: Issuer,
    address: ClientAddress,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let visit = match Visit::new(oauth, issuer, address, &uri, &headers) {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let response = visit.act(&Parameters::parse(&body)).await;
    visit.browser.keep(response.unwrap_or_else(|response| response))
}

/// One request to the page. A refusal is a whole response.
struct Visit {
    oauth: OAuth,
    issuer: Issuer,
    address: ClientAddress,
    language: Language,
    browser: Browser,
    /// Path and query: what the forms go to.
    action: String,
    query: String,
}

/// Who is asked.
struct Visitor {
    subject: String,
    groups: BTreeSet<String>,
}

type Outcome<T> = Result<T, Response>;

impl Visit {
    fn new(
        oauth: OAuth,
        issuer: Issuer,
        address: ClientAddress,
        uri: &axum::http::Uri,
        headers: &HeaderMap,
    ) -> Outcome<Self> {
        let language = Language::of(headers);
        let browser = Browser::of(&oauth, issuer.base(), headers)
            .map_err(|error| store_failed(language, &error))?;
        Ok(Self {
            oauth,
            issuer,
            address,
            language,
            browser,
            action: uri.to_string(),
            query: uri.query().unwrap_or_default().to_owned(),
        })
    }

    /// The client and what it asks for; an error goes to the client only when
    /// its redirect URI is known to be its own.
    async fn open(&self) -> Outcome<(Client, AuthorizationRequest)> {
        let troubles = &self.texts().troubles;
        let unverified = Unverified::parse(&self.query)
            .map_err(|error| self.dead_end(&troubles.request, &error.to_string(), ""))?;
        let id = &unverified.client_id;
        let found = self.oauth.find_client(self.issuer.scope(), id).await;
        let client = found.map_err(|error| match error {
            ClientError::Store(error) => store_failed(self.language, &error),
            error => self.dead_end(&troubles.client, &error.to_string(), id),
        })?;
        if redirect::find(&client.redirect_uris, &unverified.redirect_uri).is_none() {
            return Err(self.dead_end(&troubles.redirect, &unverified.redirect_uri, id));
        }
        let request = unverified.judge(&self.issuer, &self.oauth.shared.default_scope);
        let request = request.map_err(|refused| self.send_back(&refused, &client, ""))?;
        Ok((client, request))
    }

    async fn show(&self, client: &Client, request: &AuthorizationRequest) -> Outcome<Response> {
        let Some(visitor) = self.visitor().await? else {
            if request.silent {
                return Ok(self.cannot_ask(ErrorCode::LoginRequired, client, request, ""));
            }
            return Ok(self.sign_in_page(StatusCode::OK, client, request, None, ""));
        };
        let rights = self.admit(&visitor, request)?;
        if self.remembers(&visitor, client, request, rights).await? {
            return self.grant(&visitor, client, request, rights).await;
        }
        if request.silent {
            let subject = &visitor.subject;
            return Ok(self.cannot_ask(ErrorCode::ConsentRequired, client, request, subject));
        }
        let named = !matches!(self.oauth.shared.sign_in, SignInMethod::Consent);
        let asking = asking(client, request);
        let page = ConsentPage {
            t: self.texts(),
            target: &self.action,
            csrf: &self.browser.csrf_token(&self.action),
            asking: &asking,
            scope: &self.issuer.scope().name,
            resource: &self.issuer.identifier(),
            rights,
            subject: named.then_some(&*visitor.subject),
        };
        let places = [source(&request.redirect)];
        Ok(respond_leading_to(StatusCode::OK, self.language, &page, &places))
    }

    async fn act(&self, form: &Parameters) -> Outcome<Response> {
        let token = form.one("csrf").ok().flatten();
        if !self.browser.is_own_form(&self.action, token) {
            return Err(self.foreign_form());
        }
        let (client, request) = self.open().await?;
        match form.one("action").ok().flatten() {
            Some("sign-in") => self.sign_in(form, &client, &request).await,
            Some("sign-out") => {
                let signed_out = self.browser.sign_out(&self.oauth, see_other(&self.action));
                signed_out.await.map_err(|error| store_failed(self.language, &error))
            }
            Some(decision @ ("allow" | "deny")) => {
                let Some(visitor) = self.visitor().await? else {
                    return Ok(see_other(&self.action));
                };
                let rights = self.admit(&visitor, &request)?;
                if decision == "allow" {
                    return self.grant(&visitor, &client, &request, rights).await;
                }
                let denied = OAuthError::new(ErrorCode::AccessDenied, "The person said no.");
                Ok(self.send_back(&request.refused(denied), &client, &visitor.subject))
            }
            _ => Ok(see_other(&self.action)),
        }
    }

    async fn sign_in(
        &self,
        form: &Parameters,
        client: &Client,
        request: &AuthorizationRequest,
    ) -> Outcome<Response> {
        let shared = &self.oauth.shared;
        if !matches!(shared.sign_in, SignInMethod::Password) {
            return Ok(see_other(&self.action));
        }
        let texts = &self.texts().sign_in;
        let typed = form.one("username").ok().flatten().unwrap_or_default();
        let subject = typed.trim().to_lowercase();
        let password = form.one("password").ok().flatten().unwrap_or_default();
        let details = Details {
            subject: &subject,
            ..self.details(client)
        };
        let refuse = |code, description: &str| {
            audit::refused(Action::SignIn, details, &OAuthError::new(code, description));
        };
        if let Err(wait) = shared.throttle.admit(&subject, self.address.0) {
            refuse(ErrorCode::SlowDown, "too many tries");
            let problem = (texts.throttled)(wait.as_secs().div_ceil(60));
            let status = StatusCode::TOO_MANY_REQUESTS;
            let mut page = self.sign_in_page(status, client, request, Some(&problem), typed);
            page.headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
            return Err(page);
        }
        let failed = |error| store_failed(self.language, &error);
        let person = shared.store.person(&subject).await.map_err(failed)?;
        let phc = person.and_then(|person| person.password);
        let password = SecretString::from(password.to_owned());
        if !shared.passwords.verify(password, phc).await {
            refuse(ErrorCode::AccessDenied, "wrong name or password");
            let problem = Some(texts.wrong);
            return Err(self.sign_in_page(StatusCode::FORBIDDEN, client, request, problem, typed));
        }
        let response = see_other(&self.action);
        let signed_in = self.browser.sign_in(&self.oauth, &subject, None, response);
        let response = signed_in.await.map_err(failed)?;
        audit::done(Action::SignIn, details);
        Ok(response)
    }

    async fn visitor(&self) -> Outcome<Option<Visitor>> {
        if matches!(self.oauth.shared.sign_in, SignInMethod::Consent) {
            return Ok(Some(Visitor {
                subject: LOCAL_PERSON.to_owned(),
                groups: BTreeSet::new(),
            }));
        }
        let signed_in = self.browser.signed_in(&self.oauth).await;
        let signed_in = signed_in.map_err(|error| store_failed(self.language, &error))?;
        Ok(signed_in.map(|(_, person)| Visitor {
            subject: person.subject,
            groups: person.groups,
        }))
    }

    /// What the visitor may give away here, of what is asked.
    fn admit(&self, visitor: &Visitor, request: &AuthorizationRequest) -> Outcome<Rights> {
        let scope = self.issuer.scope();
        let may = scope.rights_of(&visitor.subject, &visitor.groups);
        let rights = request.rights.and(may);
        if !rights.is_empty() {
            return Ok(rights);
        }
        let refusal = OAuthError::new(ErrorCode::AccessDenied, "not among the people of the scope");
        let details = Details {
            scope: &scope.name,
            subject: &visitor.subject,
            address: Some(self.address.0),
            ..Details::default()
        };
        audit::refused(Action::Consent, details, &refusal);
        let troubles = &self.texts().troubles;
        let page = ErrorPage {
            about: Some(&visitor.subject),
            way_out: Some(WayOut::Button {
                target: &self.action,
                csrf: &self.browser.csrf_token(&self.action),
                action: "sign-out",
                label: troubles.somebody_else,
            }),
            ..ErrorPage::new(self.texts(), &troubles.not_admitted)
        };
        Err(respond(StatusCode::FORBIDDEN, self.language, &page))
    }

    /// Whether the person need not be asked again. Any program can listen on
    /// loopback or claim a scheme, so there the person always is.
    async fn remembers(
        &self,
        visitor: &Visitor,
        client: &Client,
        request: &AuthorizationRequest,
        rights: Rights,
    ) -> Outcome<bool> {
        if Destination::of(&request.redirect).is_local() {
            return Ok(false);
        }
        let scope = &self.issuer.scope().name;
        let consent = self.oauth.shared.store.consent(
            &visitor.subject,
            scope,
            &client.id,
            &request.redirect_uri,
        );
        let consent = consent.await.map_err(|error| store_failed(self.language, &error))?;
        Ok(consent.is_some_and(|consent| rights.within(consent.rights)))
    }

    async fn grant(
        &self,
        visitor: &Visitor,
        client: &Client,
        request: &AuthorizationRequest,
        rights: Rights,
    ) -> Outcome<Response> {
        let issued = self.issue(visitor, client, request, rights).await;
        let code = issued.map_err(|error| store_failed(self.language, &error))?;
        let details = Details {
            subject: &visitor.subject,
            ..self.details(client)
        };
        audit::done(Action::Consent, details);
        Ok(see_other(&request.granted(&code, &self.issuer.identifier())))
    }

    /// Remembers the consent and makes the code.
    async fn issue(
        &self,
        visitor: &Visitor,
        client: &Client,
        request: &AuthorizationRequest,
        rights: Rights,
    ) -> Result<String, StoreError> {
        let store = &self.oauth.shared.store;
        let now = store.clock().now();
        let scope = self.issuer.scope().name.clone();
        store
            .remember_consent(&Consent {
                subject: visitor.subject.clone(),
                scope: scope.clone(),
                client_id: client.id.clone(),
                client_name: client.name.clone(),
                redirect_uri: request.redirect_uri.clone(),
                rights,
                given_at: now,
            })
            .await?;
        let code = store.secrets().issue(SecretKind::AuthorizationCode)?;
        store
            .put_code(&AuthorizationCode {
                hash: code.hash,
                scope,
                client_id: client.id.clone(),
                client_name: client.name.clone(),
                redirect_uri: request.redirect_uri.clone(),
                code_challenge: request.code_challenge.clone(),
                resource: request.resource.clone(),
                subject: visitor.subject.clone(),
                rights,
                expires_at: now.after(CODE_TTL),
                redeemed: None,
                forget_at: now.after(CODE_MEMORY),
            })
            .await?;
        Ok(code.expose().to_owned())
    }

    fn sign_in_page(
        &self,
        status: StatusCode,
        client: &Client,
        request: &AuthorizationRequest,
        alert: Option<&str>,
        username: &str,
    ) -> Response {
        let elsewhere = self.oauth.shared.sign_in.places();
        let page = SignInPage {
            t: self.texts(),
            target: &self.action,
            csrf: &self.browser.csrf_token(&self.action),
            choice: match elsewhere {
                Some(_) => SignInChoice::Provider,
                None => SignInChoice::Password,
            },
            asking: Some(&asking(client, request)),
            username,
            alert,
        };
        // After the sign-in a remembered consent leads on to the client.
        let mut places = vec![source(&request.redirect)];
        places.extend(elsewhere.into_iter().flatten());
        respond_leading_to(status, self.language, &page, &places)
    }

    fn send_back(&self, refused: &Refused, client: &Client, subject: &str) -> Response {
        let details = Details {
            subject,
            ..self.details(client)
        };
        audit::refused(Action::Consent, details, &refused.error);
        see_other(&refused.location(&self.issuer.identifier()))
    }

    fn cannot_ask(
        &self,
        code: ErrorCode,
        client: &Client,
        request: &AuthorizationRequest,
        subject: &str,
    ) -> Response {
        let error = OAuthError::new(code, "The person has to be asked, and prompt is none.");
        self.send_back(&request.refused(error), client, subject)
    }

    /// An error page that leads nowhere.
    fn dead_end(&self, trouble: &Trouble, detail: &str, client_id: &str) -> Response {
        let error = OAuthError::new(ErrorCode::InvalidRequest, detail);
        let details = Details {
            scope: &self.issuer.scope().name,
            client_id,
            address: Some(self.address.0),
            ..Details::default()
        };
        audit::refused(Action::Consent, details, &error);
        let page = ErrorPage {
            detail: Some(detail),
            ..ErrorPage::new(self.texts(), trouble)
        };
        respond(StatusCode::BAD_REQUEST, self.language, &page)
    }

    fn foreign_form(&self) -> Response {
        let page = ErrorPage::new(self.texts(), &self.texts().troubles.form);
        respond(StatusCode::FORBIDDEN, self.language, &page)
    }

    fn texts(&self) -> &'static Texts {
        self.language.texts()
    }

    fn details<'a>(&'a self, client: &'a Client) -> Details<'a> {
        Details {
            scope: &self.issuer.scope().name,
            client_id: &client.id,
            client_name: &client.name,
            address: Some(self.address.0),
            ..Details::default()
        }
    }
}

fn store_failed(language: Language, error: &StoreError) -> Response {
    tracing::error!(%error, "the authorization page cannot be shown");
    let texts = language.texts();
    let page = ErrorPage::new(texts, &texts.troubles.unavailable);
    respond(StatusCode::SERVICE_UNAVAILABLE, language, &page)
}

/// 303: the browser follows with GET, whatever it sent (RFC 9700 §4.12).
fn see_other(location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => (
            StatusCode::SEE_OTHER,
            [
                (header::LOCATION, location),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
            ],
        )
            .into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn asking(client: &Client, request: &AuthorizationRequest) -> Asking {
    let by_document = matches!(client.kind, ClientKind::MetadataDocument);
    let document = by_document.then_some(&*client.id);
    Asking::new(&client.name, document, &request.redirect)
}

/// Origin or scheme of a redirect URI: a source of CSP.
fn source(redirect: &Url) -> String {
    match redirect.scheme() {
        "http" | "https" => redirect.origin().ascii_serialization(),
        scheme => format!("{scheme}:"),
    }
}

const CODE_TTL: Duration = Duration::from_secs(60);
/// A code that comes back later than that can end nothing any more but a grant
/// that was refreshed since.
const CODE_MEMORY: Duration = Duration::from_secs(24 * 3_600);
