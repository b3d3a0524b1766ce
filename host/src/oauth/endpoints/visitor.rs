//! A browser for tests: keeps cookies, follows nothing by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use tower::ServiceExt;
use url::{Url, form_urlencoded};

use crate::clock::{Clock, ManualClock, Timestamp};
use crate::entropy::Entropy;
use crate::oauth::{ClientAddress, OAuth, OAuthConfig, ScopeAccess, SignInMethod, routes};
use crate::state::{HostKey, Secrets, Store};

/// A server with one scope that Ana and the analysts may enter.
pub(super) struct Scene {
    pub(super) store: Store,
    pub(super) router: Router,
    pub(super) hand: ManualClock,
}

impl Scene {
    pub(super) fn new(sign_in: SignInMethod) -> Self {
        let (clock, hand) = clock();
        Self::with_clock(sign_in, clock, hand)
    }

    pub(super) fn with_clock(sign_in: SignInMethod, clock: Clock, hand: ManualClock) -> Self {
        let secrets = Secrets::new(&HostKey::random().unwrap(), Entropy::system());
        let store = Store::memory(clock, secrets);
        let people = ["ana@example.com", "group:analysts"];
        let oauth = OAuth::new(OAuthConfig {
            store: store.clone(),
            scopes: vec![ScopeAccess {
                name: "claude".to_owned(),
                people: people.map(|entry| entry.parse().unwrap()).to_vec(),
                writers: Vec::new(),
                writable: false,
                redirects: Vec::new(),
            }],
            default_scope: "claude".to_owned(),
            root_discovery: "claude".to_owned(),
            public_url: None,
            sign_in,
            access_token_ttl: Duration::from_secs(3_600),
            refresh_token_ttl: Duration::from_secs(86_400),
        });
        Self {
            store,
            router: routes(oauth),
            hand,
        }
    }

    /// A person whose password is `password`.
    pub(super) async fn add(&self, subject: &str, password: &str) {
        let passwords = crate::oauth::Passwords::new(Entropy::system());
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

pub(super) fn clock() -> (Clock, ManualClock) {
    Clock::manual(Timestamp(1_800_000_000_000))
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
        headers.insert(header::HOST, "localhost:8008".parse().unwrap());
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        headers.insert(header::COOKIE, cookies.parse().unwrap());
        request.extensions_mut().insert(ClientAddress(self.address));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie::Cookie::parse(cookie.to_str().unwrap().to_owned()).unwrap();
            assert!(cookie.http_only() == Some(true), "{cookie}");
            if cookie.max_age().is_some_and(|age| age.is_zero()) {
                self.cookies.remove(cookie.name());
            } else {
                self.cookies.insert(cookie.name().to_owned(), cookie.value().to_owned());
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
