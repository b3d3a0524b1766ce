use std::time::Duration;

use bytesize::ByteSize;

use super::schema::{Below, below};
use super::*;
use crate::config::SignIn;

const FILE: &str = r#"
default_scope = "claude"
[databases.sales_eu]
host = "sql.example.com"
database = "Sales"
user = "reader"
password_file = "/run/secrets/mssql"
[scopes.claude]
tool_sets = ["claude-tools"]
databases = ["sales_eu"]
max_rows = 10
session_context = { DepartmentID = "claim:department" }
config = { query-templates = { file = "a.toml" } }
[scopes.customer-a]
tool_sets = ["claude-tools"]
databases = ["sales_eu"]
"#;

/// The file with variables over it.
fn over<const N: usize>(variables: [(&str, &str); N]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mssql-mcp.toml");
    std::fs::write(&file, FILE).unwrap();
    let source = Source::new(Some(file), variables.into());
    source.read().map_err(|error| error.to_string())
}

/// Variables alone, and what is said of them.
fn alone<const N: usize>(variables: [(&str, &str); N]) -> Result<(Config, Vec<String>), String> {
    let source = Source::new(None, variables.into());
    source
        .read_with_notices()
        .map_err(|error| error.to_string())
}

/// The four that are needed, and more.
fn with<const N: usize>(more: [(&str, &str); N]) -> Result<(Config, Vec<String>), String> {
    let source = Source::new(None, Environment::from(FOUR).and(more.into()));
    source
        .read_with_notices()
        .map_err(|error| error.to_string())
}

const FOUR: [(&str, &str); 4] = [
    ("MSSQL_HOST", "sql.example.com"),
    ("MSSQL_DATABASE", "Sales"),
    ("MSSQL_USER", "reader"),
    ("MSSQL_PASSWORD", "s3cret"),
];

#[test]
fn a_variable_wins_over_the_file_whatever_it_sets() {
    let config = over([
        ("MSSQL_MCP__SCOPES__CLAUDE__MAX_ROWS", "20"),
        ("MSSQL_MCP__SCOPES__CLAUDE__MAX_BYTES", "64KiB"),
        ("MSSQL_MCP__SCOPES__CLAUDE__QUERY_TIMEOUT", "5s"),
        (
            "MSSQL_MCP__SCOPES__CLAUDE__PEOPLE",
            "ana@example.com, group:analysts,",
        ),
        ("MSSQL_MCP__SCOPES__CUSTOMER_A__PEOPLE", "[\"*\"]"),
        ("MSSQL_MCP__SCOPES__CUSTOMER_A__LIMITS__CPU", "500ms"),
        (
            "MSSQL_MCP__SCOPES__CUSTOMER_A__AUDIT",
            "{ statements = false }",
        ),
        (
            "MSSQL_MCP__SCOPES__CLAUDE__SESSION_CONTEXT__DEPARTMENTID",
            "north",
        ),
        (
            "MSSQL_MCP__SCOPES__CLAUDE__CONFIG__QUERY_TEMPLATES__FILE",
            "b.toml",
        ),
        ("MSSQL_MCP__DATABASES__SALES_EU__PASSWORD", "12345"),
        ("MSSQL_MCP__DATABASES__SALES_EU__DATABASE", "2026"),
        (
            "MSSQL_MCP__DATABASES__SALES_EU__TRUST_SERVER_CERTIFICATE",
            "True",
        ),
        ("MSSQL_MCP__DATABASES__SALES_EU__POOL__MAX", "3"),
        ("MSSQL_MCP__HTTP__LISTEN", "127.0.0.1:9999"),
        ("MSSQL_MCP__HTTP__TRUSTED_PROXIES", "10.0.0.0/8,::1/128"),
        ("MSSQL_MCP__OAUTH__SIGN_IN", "consent"),
        ("MSSQL_MCP__DEFAULT_SCOPE", "customer-a"),
        ("MSSQL_MCP__ROOT_DISCOVERY", ""),
    ])
    .unwrap();
    let (claude, customer) = (&config.scopes["claude"], &config.scopes["customer-a"]);
    assert_eq!(claude.max_rows, 20);
    assert_eq!(claude.max_bytes, ByteSize::kib(64));
    assert_eq!(claude.query_timeout, Duration::from_secs(5));
    assert_eq!(claude.people, ["ana@example.com", "group:analysts"]);
    assert_eq!(
        claude.session_context.as_ref().unwrap()["DepartmentID"],
        "north"
    );
    assert_eq!(claude.config["query-templates"]["file"], "b.toml");
    assert_eq!(customer.people, ["*"]);
    assert_eq!(customer.limits.cpu, Duration::from_millis(500));
    assert!(!customer.audit.statements);
    let sales = &config.databases["sales_eu"];
    assert!(sales.password.is_some() && sales.password_file.is_none());
    assert_eq!((&*sales.database, sales.pool.max), ("2026", 3));
    assert!(sales.trust_server_certificate);
    assert_eq!(config.http.listen.port(), 9999);
    assert_eq!(config.http.trusted_proxies.len(), 2);
    assert_eq!(config.oauth.sign_in, SignIn::Consent);
    assert_eq!(config.default_scope(), Some("customer-a"));
    assert_eq!(config.root_discovery(), Some("customer-a"));
}

#[test]
fn a_password_is_taken_as_it_is() {
    use secrecy::ExposeSecret as _;

    for password in ["\"quoted\"", "true", "[1]", " a,b ", "'"] {
        let config = over([("MSSQL_MCP__DATABASES__SALES_EU__PASSWORD", password)]).unwrap();
        let read = config.databases["sales_eu"].password.as_ref().unwrap();
        assert_eq!(read.expose_secret(), password);
    }
}

#[test]
fn mistakes_in_variables_are_named_with_the_way_out() {
    for (variable, value, expected) in [
        (
            "MSSQL_MCP__SCOPES__CLAUDE__MAX_ROW",
            "5",
            "did you mean MSSQL_MCP__SCOPES__CLAUDE__MAX_ROWS?",
        ),
        (
            "MSSQL_MCP__HTTPS__LISTEN",
            "x",
            "did you mean MSSQL_MCP__HTTP?",
        ),
        (
            "MSSQL_MCP__XYZ",
            "x",
            "after MSSQL_MCP__ there is DEFAULT_SCOPE",
        ),
        (
            "MSSQL_MCP__SCOPES__CLUADE__MAX_ROWS",
            "5",
            "there is no scopes.cluade; did you mean scopes.claude? A new one needs tool_sets too",
        ),
        (
            "MSSQL_MCP__DATABASES__OTHER__HOST",
            "h",
            "there is no databases.other; it is a new one, which needs database too",
        ),
        (
            "MSSQL_MCP__HTTP__LISTEN__PORT",
            "5",
            "http.listen has no keys below it; its variable is MSSQL_MCP__HTTP__LISTEN",
        ),
        (
            "MSSQL_MCP__SCOPES__CLAUDE__MAX_ROWS",
            "many",
            "expected u64",
        ),
        (
            "MSSQL_MCP__SCOPES__CLAUDE__READ_ONLY",
            "maybe",
            "expected a boolean",
        ),
        (
            "MSSQL_MCP__SCOPES__CLAUDE__CACHE_TTL",
            "3600",
            "expected a duration, such as 30s",
        ),
        (
            "MSSQL_MCP__SCOPES__CLAUDE__TOOL_SETS",
            "[{ fil = \"x\" }]",
            "unknown field `fil`",
        ),
        (
            "MSSQL_MCP__OAUTH__SIGN_IN",
            "magic",
            "unknown variant `magic`",
        ),
        (
            "MSSQL_MCP__SCOPES__CLAUDE__DATABASES",
            "sails",
            "\"sails\" is not configured",
        ),
        (
            "MSSQL_MCP__SCOPES__",
            "x",
            "MSSQL_MCP__SCOPES__: has a name without letters",
        ),
    ] {
        let said = over([(variable, value)]).unwrap_err();
        assert!(said.contains(expected), "{variable}: {said}");
        assert!(
            said.starts_with(variable) || said.starts_with("scopes.claude"),
            "{said}"
        );
    }
}

#[test]
fn a_name_of_which_two_could_be_meant_is_refused() {
    let two = FILE.replace(
        "sales_eu]",
        "sales_eu]\nhost=\"h\"\ndatabase=\"d\"\nuser=\"u\"\npassword=\"p\"\n[databases.sales-eu]",
    );
    let source = Source::new(None, [("MSSQL_MCP__DATABASES__SALES_EU__PORT", "1")].into());
    let said = source.over(&two, "test").unwrap_err().to_string();
    assert!(said.contains("could mean sales-eu, sales_eu"), "{said}");
}

#[test]
fn what_the_file_leaves_out_a_variable_may_say_and_other_mistakes_keep_their_line() {
    let without = FILE.replace("host = \"sql.example.com\"\n", "");
    let host = ("MSSQL_MCP__DATABASES__SALES_EU__HOST", "h");
    let other = ("MSSQL_MCP__SCOPES__CLAUDE__MAX_ROWS", "5");
    let read = |text: &str, variable| {
        let source = Source::new(None, [variable].into());
        source.over(text, "test").map_err(|error| error.to_string())
    };
    assert_eq!(
        read(&without, host).unwrap().databases["sales_eu"].host,
        "h"
    );
    let said = read(&without, other).unwrap_err();
    assert!(
        said.starts_with("test, line 3") && said.contains("missing field `host`"),
        "{said}"
    );
    let said = read(&FILE.replace("max_rows", "max_row"), other).unwrap_err();
    assert!(said.starts_with("test, line 11"), "{said}");
}

#[test]
fn no_secret_of_a_variable_is_told() {
    for (variable, value) in [
        (
            "MSSQL_MCP__DATABASES__SALES_EU",
            "{ password = [\"s3cret\"] }",
        ),
        ("MSSQL_MCP__DATABASES", "\"password s3cret\""),
        ("MSSQL_MCP__SCOPES__CLAUDE__MAX_ROWS", "password=s3cret"),
    ] {
        let said = over([(variable, value)]).unwrap_err();
        assert!(!said.contains("s3cret"), "{said}");
    }
    let source = Source::new(None, FOUR.into());
    assert!(!format!("{source:?} {:?}", source.read().unwrap()).contains("s3cret"));
}

#[test]
fn four_variables_are_a_configuration() {
    let (config, notices) = alone(FOUR).unwrap();
    let labels: Vec<_> = config.databases.keys().collect();
    assert_eq!(labels, ["default"]);
    let tool_sets = |name: &str| {
        let entries = config.scopes[name].tool_sets.iter();
        entries.map(|entry| entry.file.clone()).collect::<Vec<_>>()
    };
    assert_eq!(config.scopes.len(), 2);
    assert_eq!(tool_sets("claude"), ["claude-tools"]);
    assert_eq!(tool_sets("chatgpt"), ["chatgpt-search-fetch"]);
    assert_eq!(config.default_scope(), Some("claude"));
    assert!(config.scopes.values().all(|scope| scope.read_only));
    assert!(config.scopes.values().all(|scope| scope.people.is_empty()));
    assert!(config.http.listen.ip().is_loopback());
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("PUBLIC_URL is not set"), "{notices:?}");
    assert_eq!(config.tool_sets.dir.to_str(), Some("/plugins"));
    let key = config.state.key_file().unwrap();
    assert_eq!(key.to_str(), Some("/var/lib/mssql-mcp/state.key"));
}

#[test]
fn every_variable_of_the_customer_means_something() {
    let (config, notices) = with([
        ("MSSQL_DRIVER", "ODBC Driver 18 for SQL Server"),
        ("MSSQL_PORT", "14330"),
        ("Trusted_Connection", "no"),
        ("TrustServerCertificate", "yes"),
        ("READ_ONLY_MODE", "true"),
        ("ALLOWED_REDIRECT_HOSTS", "chatgpt.com,openai.com"),
        ("MAX_SEARCH_RESULTS", "20"),
        ("CACHE_TTL_SECONDS", "60"),
        ("ENVIRONMENT_PATH", "/chatgpt"),
        ("LOG_LEVEL", "INFO"),
        ("DOMAIN", "data.example.com"),
        ("PEOPLE", "ana@example.com,group:analysts"),
        ("ALLOW_UNAUTH_METHODS", "false"),
        ("ALLOW_UNAUTH_TOOLS_CALL", "false"),
        ("MSSQL_MCP__SCOPES__CHATGPT__MAX_ROWS", "7"),
    ])
    .unwrap();
    assert_eq!(config.scopes.keys().collect::<Vec<_>>(), ["chatgpt"]);
    let scope = &config.scopes["chatgpt"];
    assert_eq!(scope.allowed_redirect_hosts.as_ref().unwrap().len(), 2);
    assert_eq!((scope.max_search_results, scope.max_rows), (20, 7));
    assert_eq!(scope.cache_ttl, Duration::from_secs(60));
    assert_eq!(scope.people, ["ana@example.com", "group:analysts"]);
    let database = &config.databases["default"];
    assert!(database.trust_server_certificate && !database.allow_writable_login);
    assert_eq!(database.port, Some(14330));
    let http = &config.http;
    assert_eq!(http.public_url.as_deref(), Some("https://data.example.com"));
    assert_eq!(http.listen.to_string(), "0.0.0.0:8008");
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(
        notices[0].contains("MSSQL_DRIVER has no effect"),
        "{notices:?}"
    );
}

#[test]
fn without_the_read_only_mode_the_tools_that_write_are_served() {
    let (config, _) = with([("READ_ONLY_MODE", "False"), ("PEOPLE", "ana")]).unwrap();
    let claude = &config.scopes["claude"];
    assert_eq!(claude.tool_sets[0].file, "claude-tools-write");
    assert_eq!(claude.write_database.as_deref(), Some("default"));
    assert_eq!(
        (claude.read_only, &*claude.writers),
        (false, &["ana".to_owned()][..])
    );
    let chatgpt = &config.scopes["chatgpt"];
    assert_eq!((chatgpt.read_only, chatgpt.writers.len()), (true, 0));
    assert!(config.databases["default"].allow_writable_login);
}

#[test]
fn a_scope_of_another_name_has_the_tools_of_both_vendors() {
    let (config, _) = with([("ENVIRONMENT_PATH", "customer-a/")]).unwrap();
    let entries = config.scopes["customer-a"].tool_sets.iter();
    let files: Vec<&str> = entries.map(|entry| &*entry.file).collect();
    assert_eq!(files, ["claude-tools", "chatgpt-search-fetch"]);
    assert_eq!(config.default_scope(), Some("customer-a"));
}

#[test]
fn a_server_may_be_written_as_odbc_has_it() {
    for (server, port) in [
        ("tcp:h.example.com,1444", Some(1444)),
        (" h.example.com ", None),
    ] {
        let (config, _) = with([("MSSQL_HOST", server)]).unwrap();
        let database = &config.databases["default"];
        assert_eq!((&*database.host, database.port), ("h.example.com", port));
    }
}

#[test]
fn what_is_missing_or_cannot_be_is_said_with_its_variable() {
    let said = alone([]).unwrap_err();
    assert!(
        said.contains("--config") && said.contains("MSSQL_HOST"),
        "{said}"
    );
    let said = alone([
        ("MSSQL_HOST", "h"),
        ("MSSQL_PASSWRD", "s3cret"),
        ("MSSQL_USER", "u"),
    ]);
    let said = said.unwrap_err();
    assert!(
        said.starts_with("MSSQL_DATABASE, MSSQL_PASSWORD (or MSSQL_PASSWORD_FILE): are missing"),
        "{said}"
    );
    let said = alone([FOUR[0], FOUR[1], FOUR[2], ("MSSQL_PASSWRD", "s3cret")]).unwrap_err();
    assert!(
        said.contains("MSSQL_PASSWRD is set, and is no name of ours"),
        "{said}"
    );
    assert!(!said.contains("s3cret"), "{said}");
    for (variable, value, expected) in [
        (
            "Trusted_Connection",
            "yes",
            "asks for the log-in of Windows",
        ),
        ("READ_ONLY_MODE", "perhaps", "write true or false"),
        ("MSSQL_PORT", "port", "\"port\" is no port"),
        ("CACHE_TTL_SECONDS", "1h", "write a whole number"),
        ("ENVIRONMENT_PATH", "/A/b", "made of a-z, 0-9 and -"),
        (
            "ENVIRONMENT_PATH",
            "/health",
            "an address of the server itself",
        ),
        (
            "MSSQL_PASSWORD_FILE",
            "/run/secrets/mssql",
            "is given twice",
        ),
    ] {
        let said = with([(variable, value)]).unwrap_err();
        assert!(said.contains(expected), "{variable}: {said}");
        assert!(
            said.starts_with(variable) || said.starts_with("databases"),
            "{said}"
        );
    }
}

#[test]
fn without_tokens_only_this_machine_may_ask() {
    let open = ("ALLOW_UNAUTH_TOOLS_CALL", "true");
    let (config, _) = with([open]).unwrap();
    assert!(!config.oauth.enabled);
    let said = with([open, ("DOMAIN", "data.example.com")]).unwrap_err();
    assert!(
        said.contains("for loopback only") && said.ends_with("remove DOMAIN"),
        "{said}"
    );
    let said = with([open, ("MSSQL_MCP__HTTP__LISTEN", "0.0.0.0:80")]).unwrap_err();
    assert!(
        said.starts_with("ALLOW_UNAUTH_TOOLS_CALL: true is for loopback"),
        "{said}"
    );
    let (config, notices) = with([("ALLOW_UNAUTH_METHODS", "true")]).unwrap();
    assert!(config.oauth.enabled);
    assert!(
        notices
            .iter()
            .any(|notice| notice.contains("clients need a token"))
    );
}

#[test]
fn databases_of_other_labels_need_no_variable_of_the_customer() {
    let (config, _) = alone([
        ("MSSQL_MCP__DATABASES__SALES__HOST", "h"),
        ("MSSQL_MCP__DATABASES__SALES__DATABASE", "d"),
        ("MSSQL_MCP__DATABASES__SALES__AUTH", "entra"),
        ("MSSQL_MCP__DATABASES__SALES__TOKEN_FILE", "/run/token"),
    ])
    .unwrap();
    assert_eq!(config.scopes["claude"].databases, ["sales"]);
}

#[test]
fn beside_a_file_the_customers_variables_have_no_effect_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mssql-mcp.toml");
    std::fs::write(&file, FILE).unwrap();
    let source = Source::new(Some(file.clone()), FOUR.into());
    let (config, notices) = source.read_with_notices().unwrap();
    assert!(!config.databases.contains_key("default"));
    assert!(
        notices[0].contains("MSSQL_HOST, MSSQL_DATABASE"),
        "{notices:?}"
    );
    assert_eq!(source.option(), format!(" --config {}", file.display()));
}

/// Every key of the configuration, as its variable is written.
fn collect(path: &mut Vec<String>, found: &mut Vec<String>) {
    let below = below(path);
    let keys = match below {
        Below::Keys(keys) => keys,
        Below::Names => vec!["NAME".to_owned()],
        Below::Nothing => {
            let written: Vec<String> = path.iter().map(|key| overlay::as_written(key)).collect();
            found.push(format!("MSSQL_MCP__{}", written.join("__")));
            return;
        }
    };
    for key in keys {
        path.push(key);
        collect(path, found);
        path.pop();
    }
}

#[test]
fn every_key_and_every_variable_is_in_the_documentation() {
    let text = include_str!("../../../../docs/configuration.md");
    let mut found = Vec::new();
    collect(&mut Vec::new(), &mut found);
    assert!(found.len() > 80, "{}", found.len());
    let customers = super::variables::KNOWN
        .iter()
        .map(|name| (*name).to_owned());
    let missing: Vec<String> = found
        .into_iter()
        .chain(customers)
        .filter(|name| !text.contains(&format!("`{name}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "not in docs/configuration.md: {missing:#?}"
    );
}
