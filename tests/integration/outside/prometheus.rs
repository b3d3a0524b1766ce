//! What is for Prometheus and Grafana, as they see it: promtool judges the
//! configuration, the alerts and the metrics, and a Prometheus answers every query of
//! the dashboard after a little load.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use integration_tests::{McpClient, oauth_register};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::binary::{Process, Site, free_address};
use super::{finish, folder, installed};

#[tokio::test(flavor = "multi_thread")]
async fn promtool_accepts_the_configuration_and_each_alert_fires() {
    let config = monitoring("prometheus/prometheus.yml");
    finish(promtool().args(["check", "config"]).arg(config), "").await;
    let rules = monitoring("prometheus/alerts.yml");
    let strict = ["check", "rules", "--lint=all", "--lint-fatal"];
    finish(promtool().args(strict).arg(rules), "").await;
    let tests = folder().join("alerts-test.yml");
    finish(promtool().args(["test", "rules"]).arg(tests), "").await;
}

#[test]
fn each_alert_is_documented_and_tested() {
    let rules = read(&monitoring("prometheus/alerts.yml"));
    let alerts: Vec<&str> = after(&rules, "- alert: ").collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    let documentation = read(&monitoring("../docs/operations-alerts.md"));
    let documented: Vec<&str> = after(&documentation, "## ").collect();
    assert_eq!(documented, alerts);
    let tests = read(&folder().join("alerts-test.yml"));
    let tested: BTreeSet<&str> = after(&tests, "alertname: ").collect();
    assert_eq!(tested, alerts.iter().copied().collect());
    let runbooks: Vec<&str> = after(&rules, "runbook: docs/operations-alerts.md#").collect();
    let anchors: Vec<String> = alerts.iter().map(|alert| alert.to_lowercase()).collect();
    assert_eq!(runbooks, anchors);
    for part in ["summary: ", "description: "] {
        assert_eq!(after(&rules, part).count(), alerts.len(), "{part}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_accepts_the_metrics_and_every_query_of_the_dashboard_has_data() {
    let site = Site::new().await;
    let address = free_address().await;
    let store = format!("sqlite:{}", site.path("state.db").display());
    let text = site.config(address, &store);
    let chatgpt = "[scopes.chatgpt]\ntool_sets = [\"chatgpt-search-fetch\"]\n\
                   databases = [\"demo\"]\npeople = [\"*\"]\nrate_limit_per_minute = 100000\n";
    let text = text.replace(
        "people = [\"*\"]",
        "people = [\"*\"]\nrate_limit_per_minute = 100000",
    );
    let process = site
        .start_with(address, &format!("{text}\n{chatgpt}"))
        .await;
    let clients = Clients::of(&site, &process).await;
    clients.load().await;

    let url = format!("http://{address}/metrics");
    let reply = reqwest::get(url).await.expect("the server answers");
    let text = reply.text().await.expect("text");
    finish(promtool().args(["check", "metrics"]), &text).await;

    let prometheus = Prometheus::start(address).await;
    let queries = queries();
    assert!(queries.len() > 50, "{}", queries.len());
    let mut missing = queries.clone();
    let all = async {
        while !missing.is_empty() {
            clients.load().await;
            let mut still = Vec::new();
            for query in missing.drain(..) {
                if !prometheus.has_data(&query).await {
                    still.push(query);
                }
            }
            missing = still;
        }
    };
    let all = timeout(PATIENCE, all).await;
    assert!(all.is_ok(), "no data: {missing:#?}");
}

/// What people and their clients do, in short.
struct Clients {
    claude: McpClient,
    chatgpt: McpClient,
    stranger: McpClient,
    issuer: String,
}

impl Clients {
    async fn of(site: &Site, process: &Process) -> Self {
        let client = async |scope: &str| {
            let issue = ["token", "issue", "--scope", scope, "--user", "local"];
            let issued = site.ask(process, &issue).await;
            let token = issued["access_token"].as_str().expect("a token").to_owned();
            let url = format!("http://{}/{scope}/mcp", process.address);
            McpClient::new(url, Some(token))
        };
        let issuer = format!("http://{}/claude", process.address);
        Self {
            claude: client("claude").await,
            chatgpt: client("chatgpt").await,
            stranger: McpClient::new(format!("{issuer}/mcp"), Some("nonsense".to_owned())),
            issuer,
        }
    }

    async fn load(&self) {
        let info = json!({"name": "test", "version": "1"});
        let hello =
            json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info});
        self.claude.request("initialize", hello).await;
        self.claude.call("list_tables", json!({})).await;
        self.claude
            .sql("SELECT TOP 1 ProductName FROM Products")
            .await;
        self.claude
            .sql("DELETE FROM Products WHERE ProductID = 1")
            .await;
        let search = json!({"query": "sample Customers"});
        let found = self.chatgpt.call("search", search).await;
        let id = found.structured()["results"][0]["id"].clone();
        self.chatgpt.call("fetch", json!({"id": id})).await;
        let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
        assert_eq!(self.stranger.post(&list).await.0, 401);
        let client = json!({"client_name": "Test", "redirect_uris": ["http://127.0.0.1/cb"]});
        oauth_register(&self.issuer, &client).await;
    }
}

/// A Prometheus that asks the product every second; killed when dropped.
struct Prometheus {
    address: SocketAddr,
    _child: Child,
    _folder: TempDir,
}

impl Prometheus {
    async fn start(product: SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{ scrape_interval: 1s }}\nscrape_configs:\n  - job_name: mssql-mcp\n    \
             static_configs: [{{ targets: [\"{product}\"] }}]\n"
        );
        std::fs::write(&config, text).expect("a file");
        let address = free_address().await;
        let child = program("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error")
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("prometheus starts");
        Self {
            address,
            _child: child,
            _folder: folder,
        }
    }

    /// Whether a query gives a number.
    async fn has_data(&self, query: &str) -> bool {
        let url = format!("http://{}/api/v1/query", self.address);
        let asked = reqwest::Client::new().post(url).form(&[("query", query)]);
        // It may not listen yet.
        let Ok(reply) = asked.send().await else {
            return false;
        };
        if reply.status() == 503 {
            return false;
        }
        let reply: Value = reply.json().await.expect("JSON");
        assert_eq!(reply["status"], "success", "{query}: {reply}");
        let series = reply["data"]["result"].as_array().expect("series");
        series.iter().any(|series| series["value"][1] != "NaN")
    }
}

/// The queries of the dashboard, as Grafana would send them.
fn queries() -> Vec<String> {
    let text = read(&monitoring("grafana/dashboards/mssql-mcp.json"));
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array());
    targets
        .flatten()
        .map(|target| {
            let query = target["expr"].as_str().expect("a query");
            let query = query
                .replace("$__rate_interval", "30s")
                .replace("$scope", ".*");
            assert!(!query.contains('$'), "{query}");
            query
        })
        .collect()
}

fn promtool() -> Command {
    program("promtool")
}

fn program(name: &str) -> Command {
    let path = format!(".prometheus/usr/bin/{name}");
    Command::new(installed(&path, ".prometheus/installed"))
}

fn monitoring(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../monitoring")
        .join(path)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What follows `marker` in its lines.
fn after<'a>(text: &'a str, marker: &str) -> impl Iterator<Item = &'a str> {
    let lines = text.lines();
    lines.filter_map(move |line| Some(line.split_once(marker)?.1.trim()))
}

const PATIENCE: Duration = Duration::from_secs(120);
