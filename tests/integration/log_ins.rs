//! A scope that only reads, and log-ins that can do more.

use demo_sqlserver::DemoServer;
use mssql_mcp::app::{App, AppHealth, BuildError, ToolSetFiles};
use mssql_mcp::config::Config;
use mssql_mcp::runtime::Place;
use mssql_mcp::server::Health as _;
use mssql_mcp::state::HostKey;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

fn config(server: &DemoServer, more: &str) -> Config {
    let account = server.writer();
    let text = format!(
        "[http]\nlisten = \"127.0.0.1:0\"\n[oauth]\nenabled = false\n[state]\n\
         store = \"memory\"\n[databases.sales]\n\
         host = \"127.0.0.1\"\nport = {}\ndatabase = {:?}\nuser = {:?}\npassword = {:?}\n\
         trust_server_certificate = true\n{more}\n[scopes.claude]\ntool_sets = [\"claude-tools\"]\n\
         databases = [\"sales\"]\n",
        server.address().port(),
        server.database(),
        account.user,
        account.password,
    );
    Config::parse(&text, "test").expect("a good configuration")
}

async fn build(config: &Config) -> Result<App, BuildError> {
    integration_tests::prepare_clients();
    let bundle = plugin_bundle::ALL
        .iter()
        .map(|component| (component.name, component.wasm));
    let files = ToolSetFiles::Bundled(bundle.collect());
    let key = HostKey::random().expect("a key");
    App::build(config, &files, &key, Place::Here).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_only_reads_does_not_start_with_a_log_in_that_can_write() {
    let server = DemoServer::start().await.expect("a server");
    let refused = build(&config(&server, "")).await.err();
    let said = refused.expect("refused").to_string();
    for part in [
        "scopes.claude.read_only",
        "db_datawriter",
        "INSERT on the database",
        "databases.sales.allow_writable_login",
        "ALTER ROLE",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_override_it_starts_and_health_says_what_is_wrong() {
    let server = DemoServer::start().await.expect("a server");
    let app = build(&config(&server, "allow_writable_login = true")).await;
    let app = Arc::new(app.expect("it starts"));
    let health = AppHealth::watch(Arc::clone(&app), CancellationToken::new()).await;
    let report = health.report().await;
    let check = &report.checks["database"];
    assert_eq!(check.figures["writable_log_ins"], 1);
    assert!(check.problems[0].contains("db_datawriter"), "{check:?}");
    let database = &app.scope("claude").expect("a scope").databases[0].1;
    assert!(database.ping().await.is_ok());
}
