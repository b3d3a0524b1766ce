//! The product at its edge: configured by variables alone, with a certificate of its
//! own that is replaced while it serves, and asked how it is.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use rcgen::{CertifiedKey, KeyPair};
use reqwest::{Certificate, Client, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::binary::{Process, Site, free_address};

/// Replaces both files as certbot does: links that lead elsewhere from then on.
fn put(site: &Site, version: &str, made: &CertifiedKey<KeyPair>) {
    for (name, text) in [
        ("fullchain", made.cert.pem()),
        ("privkey", made.signing_key.serialize_pem()),
    ] {
        let file = site.path(&format!("{name}-{version}.pem"));
        std::fs::write(&file, text).unwrap();
        let (link, beside) = (site.path(&format!("{name}.pem")), site.path("beside"));
        std::os::unix::fs::symlink(&file, &beside).unwrap();
        std::fs::rename(&beside, &link).unwrap();
    }
}

/// A client to whom a server has to prove that it is `made`.
fn client(made: &CertifiedKey<KeyPair>) -> Client {
    let root = Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = Client::builder().tls_built_in_root_certs(false).no_proxy();
    client.add_root_certificate(root).build().unwrap()
}

async fn call(client: &Client, url: &str, session: Option<&str>, body: &Value) -> Response {
    let request = client.post(url).json(body);
    let request = match session {
        Some(session) => request.header("Mcp-Session-Id", session),
        None => request,
    };
    request.send().await.unwrap()
}

/// Until the server proves that it is `made`.
async fn proven(address: SocketAddr, made: &CertifiedKey<KeyPair>) {
    let client = client(made);
    let url = format!("https://localhost:{}/live", address.port());
    let proven = async {
        while client.get(&url).send().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, proven)
        .await
        .expect("the new certificate serves in time");
}

/// What `health` printed, beside the log.
fn json_of(said: &str) -> Value {
    let line = said.lines().find(|line| line.starts_with('{'));
    serde_json::from_str(line.unwrap_or_else(|| panic!("{said}"))).unwrap()
}

async fn checks(client: &Client, base: &str) -> Value {
    let reply = client.get(format!("{base}/health")).send().await.unwrap();
    reply.json::<Value>().await.unwrap()["checks"]["tls"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_alone_serve_tls_and_a_certificate_is_replaced_under_an_open_stream() {
    let site = Site::new().await;
    let address = free_address().await;
    let [first, second] =
        [(); 2].map(|()| rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap());
    put(&site, "1", &first);
    let mut variables = site.variables(address);
    let mut set = |name: &str, value: &str| variables.push((name.to_owned(), value.to_owned()));
    let file = |name: &str| site.path(name).display().to_string();
    set("MSSQL_MCP__HTTP__TLS__CERTIFICATE", &file("fullchain.pem"));
    set("MSSQL_MCP__HTTP__TLS__KEY", &file("privkey.pem"));
    set("ALLOW_UNAUTH_TOOLS_CALL", "true");
    // Another tool set in the place of one is to serve at once.
    set("MSSQL_MCP__TOOL_SETS__LOCK", "off");

    let (code, said) = site.run_from(&variables, &["check"]).await;
    assert_eq!(
        (code, said.contains("the environment: nothing found")),
        (0, true),
        "{said}"
    );
    let (code, said) = site.run_from(&variables, &["health"]).await;
    assert_eq!(
        (code, said.contains("is the server running?")),
        (69, true),
        "{said}"
    );

    let process = site.start_from(address, &variables).await;
    let (code, said) = site.run_from(&variables, &["health"]).await;
    assert_eq!(code, 0, "{said}");
    let health: Value = json_of(&said);
    assert_eq!(health["status"], "healthy");
    let scopes: Vec<&String> = health["scopes"].as_object().unwrap().keys().collect();
    assert_eq!(scopes, ["chatgpt", "claude"]);

    let base = format!("https://localhost:{}", address.port());
    let (url, before) = (format!("{base}/claude/mcp"), client(&first));
    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params":
        {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}});
    let begun = call(&before, &url, None, &initialize).await;
    let session = begun.headers()["mcp-session-id"]
        .to_str()
        .unwrap()
        .to_owned();
    let stream = before.get(&url).header("Accept", "text/event-stream");
    let mut stream = stream
        .header("Mcp-Session-Id", &session)
        .send()
        .await
        .unwrap();
    assert_eq!(stream.status(), 200);

    put(&site, "2", &second);
    proven(address, &second).await;
    let after = client(&second);
    let query = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params":
        {"name": "list_tables", "arguments": {}}});
    let reply: Value = call(&after, &url, Some(&session), &query)
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(reply["result"]["isError"], false, "{reply}");
    // One that cannot be served changes nothing but what is said of it.
    std::fs::write(site.path("privkey-2.pem"), "nothing").unwrap();
    told(&process, &after, &base, "degraded").await;
    let problem = checks(&after, &base).await["problems"][0].to_string();
    assert!(
        problem.contains("http.tls.key") && problem.contains("serves on"),
        "{problem}"
    );
    let (code, said) = site.run_from(&variables, &["check"]).await;
    assert_eq!(
        (code, said.contains("holds no private key")),
        (1, true),
        "{said}"
    );
    std::fs::write(
        site.path("privkey-2.pem"),
        second.signing_key.serialize_pem(),
    )
    .unwrap();
    told(&process, &after, &base, "healthy").await;

    // The stream of before tells what happens now.
    replace_tool_set(&site.path("claude-tools.wasm"));
    let told = async {
        let mut read = String::new();
        while !read.contains("notifications/tools/list_changed") {
            let chunk = stream.chunk().await.unwrap().expect("the stream is open");
            read.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    timeout(PATIENCE, told).await.expect("the stream goes on");
    process.kill().await;
}

/// Has the files read again, until that is how the certificate is.
async fn told(process: &Process, client: &Client, base: &str, status: &str) {
    process.hang_up().await;
    let told = async {
        while checks(client, base).await["status"] != status {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, told)
        .await
        .unwrap_or_else(|_| panic!("it is not {status}"));
}

/// Another tool set in the place of that one, with other tools.
fn replace_tool_set(path: &Path) {
    let other = plugin_bundle::ALL
        .iter()
        .find(|component| component.name == "chatgpt-search-fetch")
        .expect("it is in the bundle");
    let beside = path.with_extension("new");
    std::fs::write(&beside, other.wasm).unwrap();
    std::fs::rename(&beside, path).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_a_variable_ends_every_command_with_its_name() {
    let site = Site::new().await;
    let mut variables = site.variables(free_address().await);
    variables.push((
        "MSSQL_MCP__SCOPES__CLAUDE__MAX_ROW".to_owned(),
        "5".to_owned(),
    ));
    for command in [
        &["serve"][..],
        &["health"],
        &["user", "list"],
        &["audit"],
        &["stdio"],
    ] {
        let (code, said) = site.run_from(&variables, command).await;
        assert_eq!(code, 64, "{command:?}: {said}");
        let hint = "did you mean MSSQL_MCP__SCOPES__CLAUDE__MAX_ROWS?";
        assert!(said.contains(hint), "{command:?}: {said}");
    }
    let (code, said) = site.run_from(&[], &["serve"]).await;
    assert_eq!(
        (code, said.contains("set MSSQL_HOST")),
        (64, true),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_stays_over_the_file_when_the_file_changes_and_networks_are_denied_at_once() {
    let site = Site::new().await;
    let address = free_address().await;
    let store = format!("sqlite:{}", site.path("state.db").display());
    let text = site.config(address, &store);
    let file = site.path("edge.toml");
    std::fs::write(&file, &text).unwrap();
    let variables = [
        ("MSSQL_MCP_CONFIG".to_owned(), file.display().to_string()),
        (
            "MSSQL_MCP__SCOPES__CLAUDE__TOOL_SETS".to_owned(),
            "chatgpt-search-fetch".to_owned(),
        ),
    ];
    let process = site.start_from(address, &variables).await;
    let tools = async || {
        let health = reqwest::get(format!("http://{address}/health"))
            .await
            .unwrap();
        let health: Value = health.json().await.unwrap();
        health["scopes"]["claude"]["tools"].as_u64()
    };
    // The file names claude-tools, which has four.
    assert_eq!(tools().await, Some(2));
    let live = format!("http://{address}/live");
    assert_eq!(reqwest::get(&live).await.unwrap().status(), 200);
    let denied = text.replace("[http]\n", "[http]\ndeny = [\"127.0.0.0/8\"]\n");
    std::fs::write(&file, denied).unwrap();
    let refused = async {
        while reqwest::get(&live).await.unwrap().status() != 403 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, refused)
        .await
        .expect("the network is denied");
    std::fs::write(&file, &text).unwrap();
    process.hang_up().await;
    let admitted = async {
        while reqwest::get(&live).await.unwrap().status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, admitted)
        .await
        .expect("the network is admitted");
    assert_eq!(tools().await, Some(2));
    process.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_replaced_in_its_file_is_used_from_then_on() {
    let site = Site::new().await;
    let address = free_address().await;
    let file = site.path("password");
    std::fs::write(&file, "of last month\n").unwrap();
    let mut variables = site.variables(address);
    variables.retain(|(name, _)| name != "MSSQL_PASSWORD");
    let mut set = |name: &str, value: &str| variables.push((name.to_owned(), value.to_owned()));
    set("MSSQL_PASSWORD_FILE", &file.display().to_string());
    set("ALLOW_UNAUTH_TOOLS_CALL", "true");
    let process = site.start_from(address, &variables).await;
    let (client, url) = (Client::new(), format!("http://{address}/claude/mcp"));
    let query = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params":
        {"name": "list_tables", "arguments": {}}});
    let fails = async || {
        let reply = call(&client, &url, None, &query).await;
        let reply: Value = reply.json().await.unwrap();
        reply["result"]["isError"].as_bool()
    };
    assert_eq!(fails().await, Some(true));
    // As secrets that are mounted are replaced: another file in the place of the one.
    let beside = site.path("password.new");
    std::fs::write(&beside, format!("{}\n", site.server.reader().password)).unwrap();
    std::fs::rename(&beside, &file).unwrap();
    let works = async {
        while fails().await != Some(false) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, works)
        .await
        .expect("the new password is used");
    process.kill().await;
}

/// On a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
