//! Requests to the page, over an application that is none.

mod actions;
mod doors;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tower::ServiceExt as _;
use url::form_urlencoded;

use super::listener::Peer;
use super::recorder::Noted;
use super::*;
use crate::audit::{Audit, Observer};
use crate::entropy::Entropy;
use crate::oauth::testing::{self, Reply};
use crate::oauth::{Passwords, SignInMethod};
use crate::principal::Rights;
use crate::server::{Edge, EdgeRules, Status};
use crate::state::{GrantFilter, SecretKind, Store, Tokens};

/// An application that notes what is asked of it.
#[derive(Default)]
pub(super) struct FakeSite {
    pub(super) asked: Mutex<Vec<String>>,
}

impl FakeSite {
    fn ask(&self, what: String) -> BoxFuture<'_, Result<(), SiteError>> {
        let broken = what.ends_with("broken");
        self.asked.lock().unwrap().push(what);
        let answer = match broken {
            true => Err(SiteError("the file is no component".to_owned())),
            false => Ok(()),
        };
        async { answer }.boxed()
    }
}

impl Site for FakeSite {
    fn uptime(&self) -> Duration {
        Duration::from_secs(90)
    }

    fn status(&self) -> BoxFuture<'_, (Status, Vec<String>)> {
        async { (Status::Degraded, vec!["<b>a problem</b>".to_owned()]) }.boxed()
    }

    fn scopes(&self) -> Vec<ScopeState> {
        vec![ScopeState {
            name: "claude".to_owned(),
            up: true,
            read_only: true,
            tools: 4,
            databases: vec![DatabaseState {
                label: "sales".to_owned(),
                pool: Pool {
                    used: 1,
                    waiting: 0,
                    max: 10,
                },
            }],
            guests: Guests::default(),
        }]
    }

    fn tool_sets(&self) -> Vec<ToolSetState> {
        let set = |name: &str, problem: Option<&str>| ToolSetState {
            name: name.to_owned(),
            digest: Some("0123456789abcdef".to_owned()),
            problem: problem.map(str::to_owned),
            parked: problem.is_some(),
            reloads: 0,
            refusals: 0,
        };
        vec![
            set("broken", None),
            set("claude-tools", None),
            set("waiting", Some("a tool is new")),
        ]
    }

    fn parked(&self, tool_set: &str) -> Result<Option<Parked>, SiteError> {
        Ok((tool_set == "waiting").then(|| Parked {
            digest: "feed".to_owned(),
            changes: vec!["new tool: drop_table".to_owned()],
        }))
    }

    fn reload<'a>(&'a self, tool_set: &'a str) -> BoxFuture<'a, Result<(), SiteError>> {
        self.ask(format!("reload {tool_set}"))
    }

    fn accept<'a>(
        &'a self,
        tool_set: &'a str,
        digest: &'a str,
    ) -> BoxFuture<'a, Result<(), SiteError>> {
        self.ask(format!("accept {tool_set} {digest}"))
    }

    fn has_configuration(&self) -> bool {
        true
    }

    fn reconfigure(&self) -> BoxFuture<'_, Result<(), SiteError>> {
        self.ask("reconfigure".to_owned())
    }
}

/// A page, and what stands behind it.
pub(super) struct Scene {
    pub(super) store: Store,
    pub(super) site: Arc<FakeSite>,
    pub(super) recorder: Arc<Recorder>,
    router: Router,
}

impl Scene {
    /// `olga` is an operator and `ana` is not; both have the password [`PASSWORD`].
    pub(super) async fn new() -> Self {
        let scene = Self::with(SignInMethod::Password);
        let passwords = Passwords::new(Entropy::system());
        let hash = passwords.hash(PASSWORD.to_owned().into()).await.unwrap();
        let operators = BTreeSet::from(["operators".to_owned()]);
        for (name, groups) in [("olga", operators), ("ana", BTreeSet::new())] {
            let added = scene.store.add_person(name, Some(&hash), &groups).await;
            assert!(added.unwrap());
        }
        scene
    }

    pub(super) fn with(sign_in: SignInMethod) -> Self {
        let (mut config, _) = testing::config();
        config.sign_in = sign_in;
        let store = config.store.clone();
        let oauth = OAuth::new(config);
        let recorder = Recorder::new(store.clock().clone());
        let audit = Audit::new(store.clock().clone(), None);
        audit.observe(Arc::clone(&recorder) as Arc<dyn Observer>);
        oauth.set_audit(audit);
        let site = Arc::new(FakeSite::default());
        let state = OperatorState::new(OperatorConfig {
            oauth,
            tokens: true,
            site: Arc::clone(&site) as Arc<dyn Site>,
            recorder: Arc::clone(&recorder),
            edge: Edge::new(EdgeRules {
                trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
                deny: vec!["10.6.0.0/16".parse().unwrap()],
            }),
        });
        Self {
            store,
            site,
            recorder,
            router: router(state),
        }
    }

    pub(super) fn visitor(&self) -> Visitor {
        Visitor {
            router: self.router.clone(),
            cookies: BTreeMap::new(),
            headers: vec![("host", "127.0.0.1:8009")],
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }

    /// Olga's browser.
    pub(super) async fn operator(&self) -> Visitor {
        let mut olga = self.visitor();
        let reply = olga.sign_in("olga").await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        olga
    }

    /// What somebody allowed a client.
    pub(super) async fn grant(&self, scope: &str, subject: &str, client: &str) -> String {
        let secret = self.store.secrets().issue(SecretKind::AccessToken).unwrap();
        let tokens = Tokens::access_only(secret.hash, Duration::from_secs(3_600));
        let grant = self
            .store
            .issue_token(scope, subject, client, Rights::READ, tokens);
        grant.await.unwrap().id
    }

    pub(super) async fn grants(&self) -> usize {
        let grants = self.store.grants(&GrantFilter::default()).await;
        grants.unwrap().len()
    }

    /// What the audit tells of operators, oldest first.
    pub(super) fn audited(&self) -> Vec<Noted> {
        let mut noted = self.recorder.happened();
        noted.retain(|noted| noted.event == "operator");
        noted.reverse();
        noted
    }
}

/// A browser at some machine.
pub(super) struct Visitor {
    router: Router,
    pub(super) cookies: BTreeMap<String, String>,
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) peer: IpAddr,
}

impl Visitor {
    pub(super) async fn get(&mut self, address: &str) -> Reply {
        self.send("GET", address, String::new()).await
    }

    pub(super) async fn post(&mut self, address: &str, fields: &[(&str, &str)]) -> Reply {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).finish();
        self.send("POST", address, body).await
    }

    pub(super) async fn sign_in(&mut self, name: &str) -> Reply {
        let page = self.get("/").await;
        let csrf = csrf(&page);
        let fields = [
            ("csrf", &*csrf),
            ("action", "sign-in"),
            ("username", name),
            ("password", PASSWORD),
        ];
        self.post("/", &fields).await
    }

    /// Asks what an action would do, and has it done.
    pub(super) async fn act(&mut self, action: &str, target: &str) -> Reply {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("action", action)
            .append_pair("target", target)
            .finish();
        let page = self.get(&format!("/confirm?{query}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let fields = hidden(&page);
        let mut fields: Vec<(&str, &str)> = fields.iter().map(|(a, b)| (&**a, &**b)).collect();
        fields.push(("action", action));
        self.post("/act", &fields).await
    }

    async fn send(&mut self, method: &str, address: &str, body: String) -> Reply {
        let mut request = Request::builder().method(method).uri(address);
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        let cookies = self.cookies.iter();
        let cookies: Vec<_> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = request
            .header(header::COOKIE, cookies.join("; "))
            .body(Body::from(body))
            .unwrap();
        request.extensions_mut().insert(Peer(self.peer));
        let response = self.router.clone().oneshot(request).await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let cookie = cookie::Cookie::parse(cookie.to_str().unwrap().to_owned()).unwrap();
            let (name, value) = (cookie.name().to_owned(), cookie.value().to_owned());
            self.cookies.insert(name, value);
        }
        Reply::of(response).await
    }
}

/// The token of the first form.
pub(super) fn csrf(page: &Reply) -> String {
    let fields = hidden(page);
    let token = fields.iter().find(|(name, _)| name == "csrf");
    token.unwrap_or_else(|| panic!("{}", page.text)).1.clone()
}

fn hidden(page: &Reply) -> Vec<(String, String)> {
    let fields = page.text.split("<input type=\"hidden\" name=\"").skip(1);
    let fields = fields.filter_map(|rest| {
        let (name, rest) = rest.split_once("\" value=\"")?;
        Some((name.to_owned(), rest.split_once('"')?.0.to_owned()))
    });
    fields.collect()
}

pub(super) const PASSWORD: &str = "correct horse battery";
