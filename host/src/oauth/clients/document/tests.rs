//! Fetches from a TLS server on this machine, under a name and a root that only
//! the test knows.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::*;
use crate::clock::ManualClock;
use crate::oauth::clients::ClientError;
use crate::oauth::testing::config;
use crate::oauth::{OAuth, ScopeAccess};
use crate::state::ClientKind;

const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(93, 184, 216, 34));
const PRIVATE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

/// Gives its answers in turn, the last one for ever.
struct Names {
    answers: StdMutex<VecDeque<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Names {
    fn new(answers: &[&[IpAddr]]) -> Arc<Self> {
        Arc::new(Self {
            answers: StdMutex::new(answers.iter().map(|answer| answer.to_vec()).collect()),
            asked: AtomicUsize::new(0),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().cloned()
        };
        Ok(answer.unwrap())
    }
}

/// What the server sends to every request; nothing at all when it is to hang.
#[derive(Clone)]
enum Answer {
    Bytes(Arc<Vec<u8>>),
    Silence,
}

/// A TLS server on a port of its own.
struct Server {
    port: u16,
    root: RootCertStore,
    requests: Arc<AtomicUsize>,
}

impl Server {
    /// Answers with what `answer` makes of the document's address.
    async fn start(answer: impl FnOnce(&str) -> Answer) -> Self {
        let made = rcgen::generate_simple_self_signed(["client.test".to_owned()]).unwrap();
        let mut root = RootCertStore::empty();
        root.add(made.cert.der().clone()).unwrap();
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind((LOCAL, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        let answer = answer(&id(port));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, answer) = (acceptor.clone(), answer.clone());
                let counter = Arc::clone(&counter);
                tokio::spawn(async move {
                    let mut stream = acceptor.accept(socket).await?;
                    let mut request = Vec::new();
                    while !request.ends_with(b"\r\n\r\n") {
                        request.push(stream.read_u8().await?);
                    }
                    counter.fetch_add(1, Ordering::SeqCst);
                    match answer {
                        Answer::Bytes(bytes) => stream.write_all(&bytes).await?,
                        // Until the client has enough.
                        Answer::Silence => drop(stream.read_u8().await),
                    }
                    stream.shutdown().await
                });
            }
        });
        Self {
            port,
            root,
            requests,
        }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Rules under which this server is the public internet.
    fn rules(&self, resolver: Arc<Names>) -> DocumentRules {
        DocumentRules {
            resolver,
            allows: |address| address == LOCAL,
            any_port: true,
            roots: self.root.clone(),
            timeout: Duration::from_secs(20),
        }
    }

    fn fetcher(&self) -> DocumentFetcher {
        DocumentFetcher::new(self.rules(Names::new(&[&[LOCAL]]))).unwrap()
    }
}

fn id(port: u16) -> String {
    format!("https://client.test:{port}/metadata.json")
}

fn document(id: &str) -> Value {
    json!({
        "client_id": id,
        "client_name": "Client",
        "redirect_uris": ["https://claude.ai/cb", "http://localhost/cb", "https://evil.com/cb"],
        "token_endpoint_auth_method": "none",
    })
}

fn reply(head: &str, body: &str) -> Answer {
    let text = format!(
        "HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Answer::Bytes(Arc::new(text.into_bytes()))
}

fn good(id: &str) -> Answer {
    let head = "200 OK\r\nContent-Type: application/json\r\nCache-Control: max-age=600";
    reply(head, &document(id).to_string())
}

fn clock() -> (Clock, ManualClock) {
    Clock::manual(Timestamp(1_800_000_000_000))
}

async fn get(fetcher: &DocumentFetcher, id: &str) -> Result<Arc<Document>, DocumentError> {
    fetcher.get(id, &clock().0).await
}

#[tokio::test]
async fn a_good_document_is_fetched_once_for_as_long_as_it_says() {
    let server = Server::start(good).await;
    let fetcher = server.fetcher();
    let (clock, hand) = clock();
    let id = id(server.port);
    let fetches = [(0, 1), (599, 1), (1, 2)];
    for (seconds, requests) in fetches {
        hand.advance(Duration::from_secs(seconds));
        let document = fetcher.get(&id, &clock).await.unwrap();
        assert_eq!(document.client_name, "Client");
        assert_eq!(server.requests(), requests, "{seconds}");
    }
}

#[tokio::test]
async fn a_document_is_kept_for_five_minutes_at_least() {
    let server = Server::start(|id| {
        let head = "200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store";
        reply(head, &document(id).to_string())
    })
    .await;
    let fetcher = server.fetcher();
    let (clock, hand) = clock();
    for (seconds, requests) in [(0, 1), (299, 1), (1, 2)] {
        hand.advance(Duration::from_secs(seconds));
        fetcher.get(&id(server.port), &clock).await.unwrap();
        assert_eq!(server.requests(), requests, "{seconds}");
    }
}

#[tokio::test]
async fn a_failure_is_kept_for_a_minute() {
    let server = Server::start(|_| reply("404 Not Found", "")).await;
    let fetcher = server.fetcher();
    let (clock, hand) = clock();
    for (seconds, requests) in [(0, 1), (59, 1), (1, 2)] {
        hand.advance(Duration::from_secs(seconds));
        let outcome = fetcher.get(&id(server.port), &clock).await;
        assert_eq!(outcome, Err(DocumentError::Status(404)));
        assert_eq!(server.requests(), requests, "{seconds}");
    }
}

#[tokio::test]
async fn requests_that_come_together_share_one_fetch() {
    let server = Server::start(good).await;
    let fetcher = server.fetcher();
    let id = id(server.port);
    let together = (0..20).map(|_| get(&fetcher, &id));
    let outcomes = futures_util::future::join_all(together).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn what_is_not_a_document_of_its_address_is_refused() {
    let json = "200 OK\r\nContent-Type: application/json";
    let of = |answer: Answer| move |_: &str| answer;
    let endless = {
        let mut bytes = format!("HTTP/1.1 {json}\r\n\r\n").into_bytes();
        bytes.resize(10 * 1024 * 1024, b' ');
        Answer::Bytes(Arc::new(bytes))
    };
    let elsewhere = "302 Found\r\nLocation: https://client.test/other.json";
    let other = document("https://client.test/other.json").to_string();
    for (answer, error) in [
        (endless, DocumentError::TooLong),
        (
            reply(json, &" ".repeat(5 * 1024 + 1)),
            DocumentError::TooLong,
        ),
        (reply(elsewhere, ""), DocumentError::Status(302)),
        (
            reply("500 Internal Server Error", ""),
            DocumentError::Status(500),
        ),
        (reply("204 No Content", ""), DocumentError::Status(204)),
        (reply(json, &other), DocumentError::OtherClientId),
        (
            reply("200 OK\r\nContent-Type: text/html", &other),
            DocumentError::NotJson,
        ),
        (reply("200 OK", &other), DocumentError::NotJson),
        (
            Answer::Bytes(Arc::new(b"what?\r\n\r\n".to_vec())),
            DocumentError::Unreachable,
        ),
    ] {
        let server = Server::start(of(answer)).await;
        let outcome = get(&server.fetcher(), &id(server.port)).await;
        assert_eq!(outcome, Err(error));
    }
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_given_up() {
    let server = Server::start(|_| Answer::Silence).await;
    let timeout = Duration::from_millis(300);
    let rules = DocumentRules {
        timeout,
        ..server.rules(Names::new(&[&[LOCAL]]))
    };
    let fetcher = DocumentFetcher::new(rules).unwrap();
    let outcome = get(&fetcher, &id(server.port)).await;
    assert_eq!(outcome, Err(DocumentError::TimedOut(timeout)));
}

#[tokio::test]
async fn a_certificate_of_nobody_known_is_refused() {
    let server = Server::start(good).await;
    let stranger = Server::start(good).await;
    let rules = DocumentRules {
        roots: stranger.root.clone(),
        ..server.rules(Names::new(&[&[LOCAL]]))
    };
    let fetcher = DocumentFetcher::new(rules).unwrap();
    let outcome = get(&fetcher, &id(server.port)).await;
    assert_eq!(outcome, Err(DocumentError::Unreachable));
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn an_address_inside_is_refused_however_it_is_written() {
    // The rules of production, but for the port, on which something listens.
    let server = Server::start(good).await;
    for host in [
        "127.0.0.1",
        "169.254.169.254",
        "10.0.0.1",
        "[::1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[fd00:ec2::254]",
    ] {
        let names = Names::new(&[&[LOCAL]]);
        let rules = DocumentRules {
            any_port: true,
            resolver: Arc::<Names>::clone(&names),
            ..DocumentRules::public_internet(server.root.clone())
        };
        let fetcher = DocumentFetcher::new(rules).unwrap();
        let id = format!("https://{host}:{}/metadata.json", server.port);
        assert_eq!(
            get(&fetcher, &id).await,
            Err(DocumentError::NotPublic),
            "{host}"
        );
        assert_eq!(names.asked(), 0, "{host}");
    }
    for host in ["[::ffff:127.0.0.1]", "127.1", "0x7f000001", "2130706433"] {
        let fetcher = server.fetcher();
        let id = format!("https://{host}:{}/metadata.json", server.port);
        assert_eq!(
            get(&fetcher, &id).await,
            Err(DocumentError::Address),
            "{host}"
        );
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_name_with_one_address_inside_is_refused_whole() {
    let server = Server::start(good).await;
    for answer in [
        &[LOCAL][..],
        &[PUBLIC, PRIVATE],
        &[PRIVATE, PUBLIC],
        &[PUBLIC, IpAddr::V6(Ipv4Addr::LOCALHOST.to_ipv6_mapped())],
    ] {
        let rules = DocumentRules {
            any_port: true,
            resolver: Names::new(&[answer]),
            ..DocumentRules::public_internet(server.root.clone())
        };
        let fetcher = DocumentFetcher::new(rules).unwrap();
        let outcome = get(&fetcher, &id(server.port)).await;
        assert_eq!(outcome, Err(DocumentError::NotPublic), "{answer:?}");
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn a_name_that_changes_is_connected_to_where_it_was_checked() {
    let server = Server::start(good).await;
    // Allowed when it is checked, inside a moment later.
    let names = Names::new(&[&[LOCAL], &[PRIVATE]]);
    let fetcher = DocumentFetcher::new(server.rules(Arc::clone(&names))).unwrap();
    let (clock, hand) = clock();
    let id = id(server.port);
    assert!(fetcher.get(&id, &clock).await.is_ok());
    assert_eq!((names.asked(), server.requests()), (1, 1));
    // The name is asked anew for the next fetch.
    hand.advance(LONGEST);
    let outcome = fetcher.get(&id, &clock).await;
    assert_eq!(outcome, Err(DocumentError::NotPublic));
    assert_eq!((names.asked(), server.requests()), (2, 1));
}

#[tokio::test]
async fn the_machines_own_resolver_knows_this_machine() {
    let addresses = SystemResolver.resolve("localhost").await.unwrap();
    assert!(addresses.iter().all(IpAddr::is_loopback) && !addresses.is_empty());
    let fetcher =
        DocumentFetcher::new(DocumentRules::public_internet(RootCertStore::empty())).unwrap();
    let outcome = get(&fetcher, "https://localhost/metadata.json").await;
    assert_eq!(outcome, Err(DocumentError::NotPublic));
}

fn scope_of(oauth: &OAuth) -> Arc<ScopeAccess> {
    oauth.scope("claude").unwrap()
}

#[tokio::test]
async fn a_document_is_a_public_client_with_the_redirects_that_are_allowed() {
    let server = Server::start(good).await;
    let (mut config, _) = config();
    config.documents = server.fetcher();
    let oauth = OAuth::new(config);
    let scope = scope_of(&oauth);
    let id = id(server.port);
    let client = oauth.find_client(&scope, &id).await.unwrap();
    assert_eq!(
        (client.id.as_str(), client.name.as_str()),
        (id.as_str(), "Client")
    );
    assert_eq!(client.kind, ClientKind::MetadataDocument);
    assert_eq!(
        client.redirect_uris,
        ["https://claude.ai/cb", "http://localhost/cb"]
    );
    oauth.store().block_client(&id, true).await.unwrap();
    let blocked = oauth.find_client(&scope, &id).await.unwrap_err();
    assert!(matches!(blocked, ClientError::Blocked));
}

#[tokio::test]
async fn a_document_without_an_allowed_redirect_is_no_client() {
    let server = Server::start(|id| {
        let mut document = document(id);
        document["redirect_uris"] = json!(["https://evil.com/cb", "javascript:alert(1)"]);
        reply(
            "200 OK\r\nContent-Type: application/json",
            &document.to_string(),
        )
    })
    .await;
    let (mut config, _) = config();
    config.documents = server.fetcher();
    let oauth = OAuth::new(config);
    let outcome = oauth.find_client(&scope_of(&oauth), &id(server.port)).await;
    assert!(matches!(
        outcome,
        Err(ClientError::Document(DocumentError::NoAllowedRedirect))
    ));
}
