//! Two hosts on one Redis, started anew one after the other while clients call: none
//! of them notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::super::binary::{Process, Site, free_address};
use super::super::redis::Redis;
use super::Settings;

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_while_the_hosts_are_started_anew_one_by_one() {
    let redis = Redis::start().await;
    let site = Site::with_passwords().await;
    let settings = Settings::new().await;
    let url = settings.url();
    let start = async |address| {
        let text = site.config(address, &redis.url()).replace(
            "[state]",
            &format!("public_url = \"{url}\"\ntrusted_proxies = [\"127.0.0.0/8\"]\n\n[state]"),
        ) + "rate_limit_per_minute = 1000000\n";
        site.start_with(address, &text).await
    };
    let addresses = [free_address().await, free_address().await];
    let mut hosts = [
        Some(start(addresses[0]).await),
        Some(start(addresses[1]).await),
    ];
    let nginx = settings.start(&addresses).await;

    let load = Arc::new(Load::default());
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let person = format!("person-{worker}@example.com");
        let host = hosts[0].as_ref().expect("it runs");
        let token = token(&site, host, &person).await;
        let caller = Caller {
            http: nginx.client(1),
            url: nginx.url("/claude/mcp"),
            token,
            // Every other one has a session.
            session: None,
            load: Arc::clone(&load),
        };
        workers.spawn(caller.run(worker % 2 == 0));
    }
    load.reach(CALLS).await;
    for round in 1..=ROUNDS {
        for (at, address) in addresses.into_iter().enumerate() {
            let before = load.answered.load(Ordering::Relaxed);
            hosts[at].take().expect("it runs").terminate().await;
            // For a while there is only the other one.
            load.reach(before + CALLS).await;
            hosts[at] = Some(start(address).await);
            let now = load.answered.load(Ordering::Relaxed);
            load.reach(now + CALLS).await;
            println!("round {round}: host {at} was started anew, {now} calls so far");
        }
    }
    load.over.store(true, Ordering::Relaxed);
    let failures: Vec<String> = workers.join_all().await.into_iter().flatten().collect();
    let answered = load.answered.load(Ordering::Relaxed);
    println!("{answered} calls, {} failed", failures.len());
    assert!(
        failures.is_empty(),
        "{} of {answered}: {failures:#?}",
        failures.len()
    );
    for address in addresses {
        let to = |line: &&Value| {
            let hosts = line["host"].as_str().unwrap_or_default();
            hosts.contains(&address.to_string())
        };
        assert!(
            nginx.log().iter().filter(to).count() > CALLS,
            "{address} had little to do"
        );
    }
}

/// What all callers share.
#[derive(Default)]
struct Load {
    answered: AtomicUsize,
    progress: Notify,
    over: AtomicBool,
}

impl Load {
    /// Waits until that many calls were answered.
    async fn reach(&self, calls: usize) {
        let reached = async {
            while self.answered.load(Ordering::Relaxed) < calls {
                self.progress.notified().await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        reached.unwrap_or_else(|_| panic!("not {calls} calls in {PATIENCE:?}"));
    }
}

/// A person's client.
struct Caller {
    http: Client,
    url: String,
    token: String,
    session: Option<String>,
    load: Arc<Load>,
}

impl Caller {
    /// Calls until it is over; what failed.
    async fn run(mut self, in_session: bool) -> Vec<String> {
        let mut failures = Vec::new();
        if in_session {
            let params = json!({"protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": {"name": "rolling", "version": "1"}});
            let reply = self.post("initialize", params).await.expect("a session");
            let session = reply.headers()["mcp-session-id"].to_str().expect("ASCII");
            self.session = Some(session.to_owned());
        }
        let call = json!({"name": "execute_sql", "arguments": {"query": "SELECT 42 AS answer"}});
        let mut pace = tokio::time::interval(PACE);
        while !self.load.over.load(Ordering::Relaxed) {
            pace.tick().await;
            failures.extend(self.call(&call).await.err());
            self.load.answered.fetch_add(1, Ordering::Relaxed);
            self.load.progress.notify_one();
        }
        failures
    }

    /// One call; how it failed.
    async fn call(&self, call: &Value) -> Result<(), String> {
        let answer = async {
            let reply = self.post("tools/call", call.clone()).await?;
            let (status, body) = (reply.status(), reply.text().await?);
            Ok::<_, reqwest::Error>((status, body))
        };
        match answer.await {
            Ok((status, body)) if status == 200 && body.contains(r#"{"answer":42}"#) => Ok(()),
            Ok((status, body)) => Err(format!("{status}: {body}")),
            Err(error) => Err(format!("{error:?}")),
        }
    }

    async fn post(&self, method: &str, params: Value) -> reqwest::Result<reqwest::Response> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut request = self.http.post(&self.url).bearer_auth(&self.token);
        request = request.header("Accept", "application/json, text/event-stream");
        request = request.header("MCP-Protocol-Version", "2025-11-25");
        if let Some(session) = &self.session {
            request = request.header("Mcp-Session-Id", session);
        }
        request.json(&body).send().await
    }
}

/// An access token of a person who is new.
async fn token(site: &Site, process: &Process, person: &str) -> String {
    let file = site.path("password");
    std::fs::write(&file, "correct horse battery").expect("a file");
    let file = file.to_str().expect("a path in UTF-8");
    site.ask(process, &["user", "add", person, "--password-file", file])
        .await;
    let issued = site
        .ask(
            process,
            &["token", "issue", "--scope", "claude", "--user", person],
        )
        .await;
    issued["access_token"]
        .as_str()
        .unwrap_or_else(|| panic!("{issued}"))
        .to_owned()
}

const WORKERS: usize = 8;
/// Below what nginx lets through of one token: 20 a second.
const PACE: Duration = Duration::from_millis(55);
const ROUNDS: usize = 2;
/// In each state of affairs.
const CALLS: usize = 100;
const PATIENCE: Duration = Duration::from_secs(60);
