//! Who is let through, how often, and over what.

use std::net::{IpAddr, Ipv4Addr};

use integration_tests::{OAuthClient, Product};
use reqwest::{Client, ClientBuilder, Response};
use serde_json::{Value, json};

use super::super::binary::free_address;
use super::{Nginx, Settings};

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_good_in_every_shape_and_bad_values_are_told() {
    let host = ["127.0.0.1:8008".parse().expect("an address")];
    let two = [host[0], "127.0.0.2:8008".parse().expect("an address")];
    for (variables, hosts) in [
        (&[][..], &host[..]),
        (&[("DOMAIN", "data.example.com")], &two),
        (
            &[
                ("NGINX_STRIP", "/chatgpt /claude"),
                ("NGINX_ONLY_FROM_CLAUDE", "/claude /"),
                ("NGINX_ONLY_FROM_CHATGPT", "/chatgpt"),
                ("NGINX_TRUSTED", "10.0.0.0/8 192.168.0.0/16"),
            ],
            &two,
        ),
    ] {
        let settings = variables
            .iter()
            .fold(Settings::new().await, |settings, (name, value)| {
                settings.with(name, value)
            });
        let output = settings.check(hosts).await;
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{variables:?}: {output:?}"
        );
    }
    for (name, value, told) in [
        ("DOMAIN", "a;b", "DOMAIN=\"a;b\" has a character"),
        ("PUBLIC_URL", "http://localhost", "is not https"),
        ("PUBLIC_URL", "https://localhost/a", "nothing behind it"),
        ("NGINX_STRIP", "chatgpt", "write /chatgpt"),
        ("NGINX_HOSTS", "mssql-mcp", "write mssql-mcp:8008"),
        ("NGINX_HOSTS", " ", "NGINX_HOSTS is empty"),
    ] {
        let output = Settings::new().await.with(name, value).check(&host).await;
        assert_eq!(output.status.code(), Some(64), "{name}={value}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(told), "{name}={value}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_own_address_is_in_the_audit() {
    let settings = Settings::new().await;
    let file = settings.path("audit.jsonl");
    let product = Product::builder()
        .scope_settings(&format!("audit = {{ file = '{}' }}", file.display()))
        .oauth()
        .behind(&settings.url())
        .start()
        .await;
    let nginx = settings.start(&[product.address]).await;
    let token = product.client("claude");
    let token = token.token().expect("a token");
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "execute_sql", "arguments": {"query": "SELECT 1 AS one"}}});
    let request = nginx.client(9).post(nginx.url("/claude/mcp"));
    let request = request
        .bearer_auth(token)
        .header("X-Forwarded-For", "6.6.6.6");
    let reply = request.json(&call).send().await.expect("a reply");
    assert_eq!(reply.status(), 200);
    assert!(product.app.audit().flush(PATIENCE).await);
    let text = std::fs::read_to_string(file).expect("an audit file");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let called = lines.iter().find(|line| line["tool"] == "execute_sql");
    let called = called.unwrap_or_else(|| panic!("no call in {lines:#?}"));
    assert_eq!(called["address"], "127.0.0.9", "{called}");
    let log = nginx.log();
    let line = log.iter().find(|line| line["path"] == "/claude/mcp");
    let line = line.unwrap_or_else(|| panic!("no call in {log:#?}"));
    assert_eq!(line["address"], "127.0.0.9");
    assert_eq!(line["request_id"], called["request_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_zone_has_its_limit_and_none_is_for_those_who_share_an_address() {
    let product = Product::start().await;
    let settings = Settings::new().await;
    settings.addresses("claude.conf", "127.0.0.30/32 1;\n");
    let nginx = settings.start(&[product.address]).await;
    let live = |http: &Client| http.get(nginx.url("/live"));
    let token = |http: &Client| http.post(nginx.url("/claude/token"));
    let mcp = |http: &Client, token: &str| {
        http.post(nginx.url("/claude/mcp"))
            .bearer_auth(token)
            .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}))
    };

    // Addresses of their own: what comes at once, and what the zone lets through
    // while it comes.
    let http = nginx.client(20);
    limited_after(21, 10, || live(&http)).await;
    let http = nginx.client(21);
    limited_after(21, 1, || token(&http)).await;
    let http = nginx.client(22);
    let mut caller = 0;
    limited_after(51, 20, || {
        // Made-up tokens gain nothing.
        caller += 1;
        mcp(&http, &caller.to_string())
    })
    .await;

    // A vendor's: as often as it likes but for a token.
    let http = nginx.client(30);
    for _ in 0..200 {
        assert_ne!(live(&http).send().await.expect("a reply").status(), 429);
        assert_ne!(token(&http).send().await.expect("a reply").status(), 429);
    }
    limited_after(51, 20, || mcp(&http, "ana")).await;
    assert_eq!(
        mcp(&http, "bob").send().await.expect("a reply").status(),
        200
    );
    assert!(nginx.log().iter().any(|line| line["limited"] == "REJECTED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_of_ipv6_has_one_limit() {
    let product = Product::start().await;
    // A balancer in front names the clients, whose addresses this machine has not.
    let settings = Settings::new().await.with("NGINX_TRUSTED", "127.0.0.60/32");
    let nginx = settings.start(&[product.address]).await;
    let http = nginx.client(60);
    let live = |client: &str| {
        http.get(nginx.url("/live"))
            .header("X-Forwarded-For", client)
    };
    let mut host = 0;
    limited_after(21, 10, || {
        host += 1;
        live(&format!("2001:db8:0:1::{host}"))
    })
    .await;
    // The next one is another customer's.
    let reply = live("2001:db8:0:2::1").send().await.expect("a reply");
    assert_eq!(reply.status(), 200);
    assert!(
        nginx
            .log()
            .iter()
            .any(|line| line["address"] == "2001:db8:0:1::2")
    );
}

/// Sends until one is refused: after `at_once`, or some more as seconds go by.
async fn limited_after(
    at_once: usize,
    a_second: usize,
    mut request: impl FnMut() -> reqwest::RequestBuilder,
) {
    let begun = std::time::Instant::now();
    for sent in 0.. {
        let reply = request().send().await.expect("a reply");
        if reply.status() == 429 {
            assert!(sent >= at_once, "refused after {sent}");
            return is_json(reply, 429, "too_many_requests").await;
        }
        let seconds = usize::try_from(begun.elapsed().as_secs()).expect("few") + 1;
        assert!(
            sent <= at_once + seconds * a_second,
            "{sent} were let through"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_vendor_may_call_a_scope_that_is_its_own_and_people_sign_in_from_elsewhere() {
    let product = Product::builder().oauth().start().await;
    let settings = Settings::new()
        .await
        .with("NGINX_ONLY_FROM_CLAUDE", "/claude")
        .with("NGINX_ONLY_FROM_CHATGPT", "/chatgpt");
    settings.addresses("claude.conf", "127.0.0.40/32 1;\n");
    settings.addresses("chatgpt.conf", "127.0.0.41/32 1;\n");
    let nginx = settings.start(&[product.address]).await;
    for (from, path, is_let_in) in [
        (40, "/claude/mcp", true),
        (40, "/claude/token", true),
        (40, "/chatgpt/sse", false),
        (41, "/claude/mcp", false),
        (41, "/chatgpt/sse", true),
        (42, "/claude/mcp", false),
        (42, "/claude/sse/", false),
        (42, "/claude/token", false),
        (42, "/demo/mcp", true),
        (42, "/claude/authorize", true),
        (42, "/.well-known/oauth-authorization-server/claude", true),
    ] {
        let reply = nginx.client(from).post(nginx.url(path)).send().await;
        let reply = reply.expect("a reply");
        if is_let_in {
            // The host may have reasons of its own.
            let said = reply.text().await.expect("text");
            assert!(!said.contains("from this network"), "{from} {path}: {said}");
        } else {
            is_json(reply, 403, "forbidden").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http_there_is_the_challenge_and_the_way_to_https_but_no_mcp() {
    let product = Product::start().await;
    let nginx = Nginx::before(&[product.address]).await;
    let http = nginx.client(1);
    let challenge = nginx.settings.path("webroot/.well-known/acme-challenge");
    std::fs::create_dir_all(&challenge).expect("a folder");
    std::fs::write(challenge.join("token"), "answer").expect("a file");
    let url = nginx.plain_url("/.well-known/acme-challenge/token");
    let reply = plain(&nginx).get(url).send().await.expect("a reply");
    assert_eq!(reply.text().await.expect("text"), "answer");
    let reply = plain(&nginx).get(nginx.plain_url("/docs?a=b")).send().await;
    let reply = reply.expect("a reply");
    assert_eq!(reply.status(), 301);
    assert_eq!(reply.headers()["location"], nginx.url("/docs?a=b"));
    for path in [
        "/mcp",
        "/claude/sse",
        "/claude/mcp/",
        "/token",
        "/claude/register",
    ] {
        let reply = plain(&nginx).post(nginx.plain_url(path)).send().await;
        is_json(reply.expect("a reply"), 403, "https_required").await;
    }
    // A slash at the end is no reason for a redirect, and metrics are not for the world.
    let reply = http.post(nginx.url("/claude/mcp/")).body("{}").send().await;
    assert_eq!(reply.expect("a reply").status(), 400);
    let reply = http.get(nginx.url("/metrics")).send().await;
    is_json(reply.expect("a reply"), 404, "not_found").await;
    let long = "x".repeat(2 << 20);
    let reply = http.post(nginx.url("/claude/mcp")).body(long).send().await;
    is_json(reply.expect("a reply"), 413, "too_large").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_leads_to_the_address_that_clients_type() {
    let product = Product::start().await;
    for (public_url, base) in [
        ("https://localhost:8443", "https://localhost:8443"),
        // As nobody types it.
        ("https://data.example.com:443/", "https://data.example.com"),
    ] {
        let settings = Settings::new().await.with("PUBLIC_URL", public_url);
        let nginx = settings.start(&[product.address]).await;
        let http = plain(&nginx);
        let reply = http.get(nginx.plain_url("/docs?a=b")).send().await;
        let reply = reply.expect("a reply");
        assert_eq!(reply.status(), 301);
        assert_eq!(reply.headers()["location"], format!("{base}/docs?a=b"));
        let to_tls = format!(
            "http://localhost:{}/claude/mcp",
            nginx.settings.https.port()
        );
        for (url, status) in [(nginx.plain_url("/claude/mcp"), 403_u16), (to_tls, 400)] {
            let reply = http.post(&url).send().await.expect("a reply");
            assert_eq!(reply.status(), status, "{url}");
            let body: Value = reply.json().await.expect("JSON");
            assert_eq!(body["error"], "https_required", "{url}");
            let description = body["error_description"].as_str().unwrap_or_default();
            assert!(description.contains(&format!(" {base};")), "{body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_security_header_is_there_once() {
    let host = Product::start().await;
    for (domain, hsts) in [("localhost", 0), ("data.example.com", 1)] {
        let settings = Settings::new().await.with("DOMAIN", domain);
        let nginx = settings.start(&[host.address]).await;
        let http = whoever_it_is(&nginx, 1).build().expect("a client");
        let reply = http.get(nginx.url("/live")).send().await.expect("a reply");
        assert_eq!(reply.status(), 200);
        has_each_header_once(&reply, hsts);
        // One of each place that passes to the host.
        for path in [
            "/claude/mcp",
            "/claude/mcp?sessionId=x",
            "/token",
            "/authorize",
        ] {
            let reply = http.post(nginx.url(path)).body("{}").send().await;
            has_each_header_once(&reply.expect("a reply"), hsts);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nginx_itself_answers_has_each_security_header_too() {
    let nobody = free_address().await;
    let settings = Settings::new()
        .await
        .with("DOMAIN", "data.example.com")
        .with("NGINX_ONLY_FROM_CLAUDE", "/claude");
    let nginx = settings.start(&[nobody]).await;
    let http = whoever_it_is(&nginx, 1).build().expect("a client");
    let older = whoever_it_is(&nginx, 1).http1_only();
    let older = older.build().expect("a client");
    for (request, status) in [
        // There is no path in it.
        (older.get(nginx.url("/%")), 400_u16),
        (http.post(nginx.url("/claude/mcp")), 403),
        (http.get(nginx.url("/metrics")), 404),
        (http.post(nginx.url("/mcp")).body("x".repeat(2 << 20)), 413),
        (http.get(nginx.url("/live")), 502),
    ] {
        let reply = request.send().await.expect("a reply");
        assert_eq!(reply.status(), status);
        assert_eq!(reply.headers()["content-type"], "application/json");
        has_each_header_once(&reply, 1);
    }
    let stranger = whoever_it_is(&nginx, 50).build().expect("a client");
    let limited = loop {
        let reply = stranger.get(nginx.url("/live")).send().await;
        let reply = reply.expect("a reply");
        if reply.status() == 429 {
            break reply;
        }
        assert_eq!(reply.status(), 502);
    };
    has_each_header_once(&limited, 1);
    assert_eq!(limited.headers()["retry-after"], "12");

    // Without TLS nobody is told to come with it from now on (RFC 6797 §7.2).
    for (path, status) in [
        ("/docs", 301_u16),
        ("/claude/mcp", 403),
        ("/.well-known/acme-challenge/none", 404),
    ] {
        let reply = plain(&nginx).get(nginx.plain_url(path)).send().await;
        let reply = reply.expect("a reply");
        assert_eq!(reply.status(), status, "{path}");
        has_each_header_once(&reply, 0);
    }
}

fn has_each_header_once(reply: &Response, hsts: usize) {
    for (header, times) in [
        ("strict-transport-security", hsts),
        ("x-content-type-options", 1),
        ("x-frame-options", 1),
        ("referrer-policy", 1),
        ("server", 1),
    ] {
        let found = reply.headers().get_all(header).iter().count();
        assert_eq!(found, times, "{header}: {reply:?}");
    }
    assert_eq!(reply.headers()["server"], "nginx");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_replaced_while_a_stream_is_open() {
    let product = Product::start().await;
    let nginx = Nginx::before(&[product.address]).await;
    let url = nginx.url("/everything/mcp");
    let http = nginx.client(1);
    let stream = http.get(&url).header("Accept", "text/event-stream");
    let mut stream = stream.send().await.expect("a stream");
    assert_eq!(stream.status(), 200);
    let first = stream.chunk().await.expect("a chunk");
    assert!(first.is_some());

    let certificate = nginx.issue();
    let renewed = nginx.client_that_trusts(&certificate, 1);
    let served = async {
        // A new connection each time.
        while renewed.get(nginx.url("/live")).send().await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, served)
        .await
        .expect("it serves in time");
    assert!(
        nginx
            .client(1)
            .get(nginx.url("/live"))
            .send()
            .await
            .is_err()
    );

    // The stream of before brings what happens now.
    let change = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "test_trigger_tool_change", "arguments": {}}});
    let reply = renewed.post(&url).json(&change).send().await;
    assert_eq!(reply.expect("a reply").status(), 200);
    let mut events = String::new();
    while !events.contains("list_changed") {
        let part = stream.chunk().await.expect("a chunk").expect("no end");
        events += std::str::from_utf8(&part).expect("text");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_registrations_are_at_home_at_the_public_address() {
    let settings = Settings::new().await;
    let product = Product::builder()
        .oauth()
        .behind(&settings.url())
        .start()
        .await;
    let nginx = settings.start(&[product.address]).await;
    let url = nginx.url("/.well-known/oauth-authorization-server/claude");
    let reply = nginx.client(1).get(url).send().await.expect("a reply");
    let metadata: Value = reply.json().await.expect("JSON");
    let issuer = nginx.url("/claude");
    assert_eq!(metadata["issuer"], issuer.as_str());
    assert_eq!(metadata["token_endpoint"], format!("{issuer}/token"));
    let url = OAuthClient::new(&issuer, "nobody", "http://127.0.0.1/callback").authorize_url(&[]);
    let page = nginx.client(1).get(url).send().await.expect("a reply");
    assert_eq!(page.status(), 400);
    assert!(
        page.text()
            .await
            .expect("a page")
            .contains("<!doctype html>")
    );
}

async fn is_json(reply: Response, status: u16, error: &str) {
    assert_eq!(reply.status(), status);
    assert_eq!(reply.headers()["content-type"], "application/json");
    let body: Value = reply.json().await.expect("JSON");
    assert_eq!(body["error"], error);
    let description = body["error_description"].as_str().unwrap_or_default();
    assert!(description.ends_with('.'), "{body}");
}

/// A client that comes from `127.0.0.LAST` and asks for no good certificate.
fn whoever_it_is(nginx: &Nginx, last: u8) -> ClientBuilder {
    Client::builder()
        .danger_accept_invalid_certs(true)
        .redirect(reqwest::redirect::Policy::none())
        .local_address(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)))
        .resolve("localhost", nginx.settings.https)
}

/// A client that may come without TLS.
fn plain(nginx: &Nginx) -> Client {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .resolve("localhost", nginx.settings.http)
        .build()
        .expect("a client")
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
