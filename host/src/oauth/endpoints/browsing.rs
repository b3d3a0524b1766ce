//! A browser for tests: keeps cookies, follows nothing by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use tower::ServiceExt as _;
use url::{Url, form_urlencoded};

use crate::clock::ManualClock;
use crate::entropy::Entropy;
use crate::oauth::people::provider::fake::FakeProvider;
use crate::oauth::{ClientAddress, OAuth, OAuthConfig, Passwords, SignInMethod, routes, testing};
use crate::state::Store;

/// A server with scopes that Ana and the analysts may enter.
pub(super) struct Scene {
    pub(super) store: Store,
    pub(super) router: Router,
    pub(super) hand: ManualClock,
}

impl Scene {
    pub(super) fn new(sign_in: SignInMethod) -> Self {
        let (mut config, hand) = testing::config();
        config.sign_in = sign_in;
        Self::of(config, hand)
    }

    /// With a provider that says what a test wants it to say.
    pub(super) async fn with_provider() -> (Self, FakeProvider) {
        Self::with_provider_of(&[]).await
    }

    /// The same, and these claims are kept.
    pub(super) async fn with_provider_of(claims: &[&str]) -> (Self, FakeProvider) {
        let (mut config, hand) = testing::config();
        let fake = FakeProvider::start(config.store.clock().clone()).await;
        let mut settings = fake.settings();
        settings.claims = claims.iter().map(|claim| (*claim).to_owned()).collect();
        config.sign_in = SignInMethod::Oidc(settings);
        (Self::of(config, hand), fake)
    }

    fn of(mut config: OAuthConfig, hand: ManualClock) -> Self {
        let people = ["ana@example.com", "group:analysts"];
        let people: Vec<_> = people.iter().map(|entry| entry.parse().unwrap()).collect();
        for scope in &mut config.scopes {
            scope.people = people.clone();
        }
        Self {
            store: config.store.clone(),
            router: routes(OAuth::new(config)),
            hand,
        }
    }

    /// A person whose password is `password`.
    pub(super) async fn add(&self, subject: &str, password: &str) {
        let passwords = Passwords::new(Entropy::system());
        let hash = passwords.hash(password.to_owned().into()).await.unwrap();
        let groups = BTreeSet::new();
        let added = self.store.add_person(subject, Some(&hash), &groups).await;
        assert!(added.unwrap());
    }

    pub(super) fn visitor(&self) -> Visitor {
        Visitor {
            router: self.router.clone(),
            cookies: BTreeMap::new(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }
}

/// Somebody with a browser.
#[derive(Clone)]
pub(super) struct Visitor {
    router: Router,
    pub(super) cookies: BTreeMap<String, String>,
    pub(super) address: IpAddr,
}

/// What the browser got.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Visitor {
    pub(super) async fn get(&mut self, address: &str) -> Page {
        let request = Request::get(address);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// The same in a language.
    pub(super) async fn get_in(&mut self, language: &str, address: &str) -> Page {
        let request = Request::get(address).header(header::ACCEPT_LANGUAGE, language);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Sends a form as it is.
    pub(super) async fn post(&mut self, address: &str, fields: &[(&str, &str)]) -> Page {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).finish();
        let request = Request::post(address)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Sends a form of `page`.
    pub(super) async fn submit(
        &mut self,
        page: &Page,
        address: &str,
        fields: &[(&str, &str)],
    ) -> Page {
        let csrf = page.csrf();
        let mut fields = fields.to_vec();
        fields.push(("csrf", &csrf));
        self.post(address, &fields).await
    }

    /// Signs in on the way to the account.
    pub(super) async fn sign_in(&mut self, name: &str, password: &str) -> Page {
        let page = self.get("/account").await;
        let fields = [
            ("action", "sign-in"),
            ("username", name),
            ("password", password),
        ];
        self.submit(&page, "/account", &fields).await
    }

    async fn send(&mut self, mut request: Request<Body>) -> Page {
        let headers = request.headers_mut();
        let cookies = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        headers.insert(header::COOKIE, cookies.parse().unwrap());
        request.extensions_mut().insert(ClientAddress(self.address));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie::Cookie::parse(cookie.to_str().unwrap().to_owned()).unwrap();
            assert_eq!(
                (cookie.http_only(), cookie.secure()),
                (Some(true), Some(true))
            );
            if cookie
                .max_age()
                .is_some_and(cookie::time::Duration::is_zero)
            {
                self.cookies.remove(cookie.name());
            } else {
                self.cookies
                    .insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Page {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}

impl Page {
    /// The token of its forms.
    pub(super) fn csrf(&self) -> String {
        let (_, after) = self.body.split_once("name=\"csrf\" value=\"").unwrap();
        after.split_once('"').unwrap().0.to_owned()
    }

    /// Where a 303 leads.
    pub(super) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.headers[header::LOCATION].to_str().unwrap()
    }

    /// Where a 303 leads off this server.
    pub(super) fn elsewhere(&self) -> Url {
        Url::parse(self.location()).unwrap()
    }
}
