//! What was answered is kept: by a process that is killed, and by every node.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;
use integration_tests::{Browser, McpClient, OAuthClient};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::binary::{Process, Site, free_address};
use super::redis::Redis;

#[tokio::test(flavor = "multi_thread")]
async fn every_token_answered_before_a_kill_works_after_it() {
    let site = Site::new().await;
    let address = free_address().await;
    let store = format!("sqlite:{}", site.path("state.db").display());
    let mut process = site.start(address, &store).await;
    let issuer = issuer(&process);
    let client = OAuthClient::register(&issuer, "Durable", REDIRECT).await;

    let (up, _) = watch::channel(0);
    let work = Arc::new(Work {
        token_url: format!("{issuer}/token"),
        client_id: client.id.clone(),
        up: up.clone(),
        answered: AtomicUsize::new(0),
        progress: Notify::new(),
    });
    let mut workers = JoinSet::new();
    for _ in 0..GRANTS {
        let page = client.authorize(&Browser::new(), None, &[]).await;
        let code = page.parameter("code").unwrap_or_else(|| panic!("{page:?}"));
        workers.spawn(Arc::clone(&work).run(code));
    }
    for (generation, kill_after) in (1..).zip(KILLS) {
        work.reach(kill_after).await;
        process.kill().await;
        process = site.start(address, &store).await;
        up.send_replace(generation);
    }
    let answered: Vec<Answered> = workers.join_all().await.into_iter().flatten().collect();

    let access: Vec<&String> = answered.iter().flat_map(|chain| &chain.access).collect();
    assert!(access.len() >= EXCHANGES, "{}", access.len());
    let dead = stream::iter(&access)
        .map(async |token| status(&issuer, token).await)
        .buffer_unordered(16)
        .filter(|status| std::future::ready(*status != 200))
        .count()
        .await;
    assert_eq!(dead, 0, "of {} access tokens", access.len());
    for chain in &answered {
        let (status, reply) = client.refresh(&chain.refresh, &[]).await;
        assert_eq!(status, 200, "{reply}");
    }
    let retried: usize = answered.iter().map(|chain| chain.retried).sum();
    println!(
        "{} access tokens and {} refresh tokens work after {} kills, {retried} requests were repeated",
        access.len(),
        answered.len(),
        KILLS.len(),
    );
    assert!(retried > 0, "no request was under way when it was killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_redis_serve_one_client_turn_by_turn() {
    let redis = Redis::start().await;
    let site = Site::new().await;
    let a = site.start(free_address().await, &redis.url()).await;
    let b = site.start(free_address().await, &redis.url()).await;
    let at_a = OAuthClient::register(&issuer(&a), "Nomad", REDIRECT).await;
    let at_b = OAuthClient::new(&issuer(&b), &at_a.id, REDIRECT);

    // The page comes from A, the answer goes to B.
    let browser = Browser::new();
    let mut page = browser.get(&at_a.authorize_url(&[("resource", "")])).await;
    page.url = page.url.replace(&at_a.issuer, &at_b.issuer);
    let page = browser.submit(&page, ("action", "allow"), &[]).await;
    assert_eq!(page.parameter("iss"), Some(at_b.issuer.clone()));
    let code = page.parameter("code").unwrap_or_else(|| panic!("{page:?}"));
    let (ok, first) = at_a.exchange(&code, &[]).await;
    assert_eq!(ok, 200, "{first}");
    let (first_access, first_refresh) =
        (text(&first, "access_token"), text(&first, "refresh_token"));
    assert_eq!(status(&at_b.issuer, &first_access).await, 200);
    let (ok, second) = at_b.refresh(&first_refresh, &[]).await;
    assert_eq!(ok, 200, "{second}");
    let (access, refresh) = (
        text(&second, "access_token"),
        text(&second, "refresh_token"),
    );
    for issuer in [&at_a.issuer, &at_b.issuer] {
        assert_eq!(status(issuer, &access).await, 200);
    }

    assert_eq!(at_a.revoke(&access).await, 200);
    refused_within_a_second(&at_b.issuer, &access).await;
    assert_eq!(status(&at_b.issuer, &first_access).await, 200);
    // The refresh token takes the rest with it.
    assert_eq!(at_b.revoke(&refresh).await, 200);
    refused_within_a_second(&at_a.issuer, &first_access).await;
    assert_eq!(at_a.refresh(&refresh, &[]).await.0, 400);
    let (refused, error) = at_a.exchange(&code, &[]).await;
    assert_eq!((refused, &error["error"]), (400, &json!("invalid_grant")));
}

/// What all workers share.
struct Work {
    token_url: String,
    client_id: String,
    /// Counts up whenever the server is back.
    up: watch::Sender<u32>,
    answered: AtomicUsize,
    progress: Notify,
}

/// What one worker was given.
struct Answered {
    access: Vec<String>,
    /// The last one, which is in force.
    refresh: String,
    /// Requests that had no answer and were sent again.
    retried: usize,
}

impl Work {
    /// Exchanges the code and then one refresh token after the other, as long as
    /// all workers together have work; `None` if the code's answer was lost,
    /// since a code is good once.
    async fn run(self: Arc<Self>, code: String) -> Option<Answered> {
        let http = reqwest::Client::new();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", integration_tests::VERIFIER),
        ];
        let (tokens, lost) = self.send(&http, &form).await;
        let mut chain = match tokens {
            Ok(tokens) => Answered {
                access: vec![text(&tokens, "access_token")],
                refresh: text(&tokens, "refresh_token"),
                retried: lost,
            },
            Err(error) => {
                assert!(lost > 0, "a code was refused: {error}");
                return None;
            }
        };
        while self.answered.load(Ordering::Relaxed) < EXCHANGES {
            let form = [
                ("grant_type", "refresh_token"),
                ("refresh_token", &chain.refresh),
            ];
            let (tokens, lost) = self.send(&http, &form).await;
            let tokens = tokens.unwrap_or_else(|error| panic!("after {lost} tries: {error}"));
            chain.access.push(text(&tokens, "access_token"));
            chain.refresh = text(&tokens, "refresh_token");
            chain.retried += lost;
        }
        Some(chain)
    }

    /// Sends until there is an answer; the tokens or the error, and how often
    /// there was none.
    async fn send(
        &self,
        http: &reqwest::Client,
        form: &[(&str, &str)],
    ) -> (Result<Value, Value>, usize) {
        let mut form = form.to_vec();
        form.push(("client_id", &self.client_id));
        let mut up = self.up.subscribe();
        let mut lost = 0;
        loop {
            up.mark_unchanged();
            let answer = async {
                let reply = http.post(&self.token_url).form(&form).send().await?;
                let status = reply.status();
                Ok::<_, reqwest::Error>((status, reply.json::<Value>().await?))
            };
            match answer.await {
                Ok((status, tokens)) if status == 200 => {
                    self.answered.fetch_add(1, Ordering::Relaxed);
                    self.progress.notify_one();
                    return (Ok(tokens), lost);
                }
                Ok((_, error)) => return (Err(error), lost),
                Err(_) => {
                    lost += 1;
                    up.changed().await.expect("the test goes on");
                }
            }
        }
    }

    /// Waits until that many exchanges were answered.
    async fn reach(&self, count: usize) {
        while self.answered.load(Ordering::Relaxed) < count {
            self.progress.notified().await;
        }
    }
}

fn issuer(process: &Process) -> String {
    format!("http://{}/claude", process.address)
}

/// What the scope's MCP endpoint says to `token`.
async fn status(issuer: &str, token: &str) -> u16 {
    let client = McpClient::new(format!("{issuer}/mcp"), Some(token.to_owned()));
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
    client.post(&body).await.0
}

async fn refused_within_a_second(issuer: &str, token: &str) {
    let revoked = Instant::now();
    loop {
        let status = status(issuer, token).await;
        if status == 401 {
            return;
        }
        let waited = revoked.elapsed();
        assert!(waited < Duration::from_secs(1), "{status} after {waited:?}");
    }
}

fn text(tokens: &Value, name: &str) -> String {
    let token = tokens[name].as_str();
    token
        .unwrap_or_else(|| panic!("no {name}: {tokens}"))
        .to_owned()
}

/// Nobody listens there: what counts is where a browser would be sent.
const REDIRECT: &str = "http://127.0.0.1/callback";
const GRANTS: usize = 50;
const EXCHANGES: usize = 1_000;
/// Answered exchanges before each kill: while codes are exchanged, and later.
const KILLS: [usize; 3] = [GRANTS / 2, EXCHANGES / 2, EXCHANGES * 3 / 4];
