use std::time::Duration;

use super::*;

const GOOD: &str = r#"
default_scope = "claude"
[http]
listen = "127.0.0.1:9000"
[databases.sales]
host = "sql.example.com"
database = "Sales"
user = "reader"
password = "s3cret"
[scopes.claude]
tool_sets = ["claude-tools"]
databases = ["sales"]
query_timeout = "1m"
max_bytes = "1MiB"
limits = { memory = "32MiB", cpu = "500ms" }
"#;

#[test]
fn values_have_units_and_defaults() {
    let config = Config::parse(GOOD, "test").unwrap();
    let scope = &config.scopes["claude"];
    assert_eq!(scope.query_timeout, Duration::from_secs(60));
    assert_eq!(scope.max_bytes.as_u64(), 1 << 20);
    assert_eq!(scope.limits.cpu, Duration::from_millis(500));
    assert_eq!(scope.limits.concurrency, 16);
    assert!(scope.read_only);
    assert_eq!(config.databases["sales"].encrypt, Encrypt::Required);
}

#[test]
fn a_policy_is_written_as_names() {
    let text = format!(
        "{GOOD}\ntables = {{ allow = [\"dbo.*\"], deny = [\"dbo.Salaries\"] }}\n\
         mask = [\"dbo.Customers.Email\"]\nfunctions = [\"dbo.fn_x\"]\n"
    );
    let config = Config::parse(&text, "test").unwrap();
    let scope = &config.scopes["claude"];
    assert_eq!(
        scope.tables.allow.as_deref(),
        Some(&["dbo.*".to_owned()][..])
    );
    assert_eq!(scope.tables.deny, ["dbo.Salaries"]);
    assert_eq!(scope.mask, ["dbo.Customers.Email"]);
    assert_eq!(scope.functions, ["dbo.fn_x"]);
    let nothing = text.replace("[\"dbo.*\"]", "[]");
    let error = Config::parse(&nothing, "test").unwrap_err().to_string();
    assert!(
        error.contains("tables.allow") && error.contains("leave it out"),
        "{error}"
    );
}

#[test]
fn the_operator_page_has_an_address_of_its_own() {
    let with = |http: &str, rest: &str| {
        let text = GOOD.replace(
            "[databases.sales]",
            &format!("{http}\n{rest}\n[databases.sales]"),
        );
        Config::parse(&text, "test").map(|config| config.http.admin_listen)
    };
    let page = with("admin_listen = \"0.0.0.0:8009\"", "").unwrap();
    assert_eq!(page, Some("0.0.0.0:8009".parse().unwrap()));
    assert_eq!(with("", "").unwrap(), None);
    for (address, rest, said) in [
        ("127.0.0.1:9000", "", "an address of its own"),
        (
            "0.0.0.0:8009",
            "[oauth]\nenabled = false",
            "for loopback only",
        ),
        (
            "0.0.0.0:8009",
            "[oauth]\nsign_in = \"consent\"",
            "for loopback only",
        ),
    ] {
        let error = with(&format!("admin_listen = \"{address}\""), rest).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(said), "{address} {rest}: {error}");
    }
}

#[test]
fn mistakes_are_named_with_the_way_out() {
    let cases = [
        ("max_bytes", "max_byte", "did you mean `max_bytes`?"),
        ("[\"sales\"]", "[\"sails\"]", "did you mean \"sales\"?"),
        (
            "default_scope = \"claude\"",
            "default_scope = \"chatgpt\"",
            "there is claude",
        ),
        ("password = \"s3cret\"", "", "password_file: is missing"),
        (
            "[scopes.claude]",
            "[scopes.health]\ntool_sets=[\"a\"]\ndatabases=[\"sales\"]\n[scopes.claude]",
            "scopes.health: this name is an address",
        ),
        (
            "127.0.0.1:9000\"",
            "0.0.0.0:9000\"\n[oauth]\nenabled = false",
            "oauth.enabled: false is for loopback only",
        ),
        (
            "127.0.0.1:9000\"",
            "127.0.0.1:9000\"\npublic_url = \"https://data.example.com\"\n[oauth]\nenabled = false",
            "http.public_url: would let everybody in",
        ),
        (
            "cpu = \"500ms\"",
            "cpu = \"0s\"",
            "limits.cpu: 0 would let nothing through",
        ),
        (
            "databases = [\"sales\"]",
            "databases = [\"sales\"]\nread_only = false",
            "write_database: is needed",
        ),
        ("claude-tools", "../claude-tools", "without a folder"),
        (
            "[databases.sales]",
            "[databases.\"a,b\"]\nhost = \"h\"\ndatabase = \"d\"\nuser = \"u\"\npassword = \"p\"\n[databases.sales]",
            "databases.a,b: a label has no comma",
        ),
        (
            "databases = [\"sales\"]",
            "databases = [\"sales\"]\nread_only = false\nwrite_database = \"sale\"",
            "write_database: \"sale\" is not configured",
        ),
        (
            "cpu = \"500ms\"",
            "concurrency = 100000",
            "limits.concurrency: is 1000 at most",
        ),
        (
            "cpu = \"500ms\"",
            "wall = \"300000000000y\"",
            "limits.wall: is a day at most",
        ),
        (
            "user = \"reader\"",
            "user = 5",
            "test, line 8, column 8: invalid type",
        ),
    ];
    for (from, to, expected) in cases {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from}");
        let said = Config::parse(&text, "test").unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn passwords_are_not_printed() {
    let config = Config::parse(GOOD, "test").unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
    for broken in [
        "\"s3cret",
        "'s3cret\"",
        "s3cret",
        "[\"s3cret\"]",
        "{ s3cret = 1 }",
    ] {
        let text = GOOD.replacen("\"s3cret\"", broken, 1);
        let said = Config::parse(&text, "test").unwrap_err();
        assert!(!said.to_string().contains("s3cret"), "{said}");
        assert!(!format!("{said:?}").contains("s3cret"), "{said:?}");
    }
}

/// [`GOOD`] with more tables.
fn with(more: &str) -> Result<Config, ConfigError> {
    Config::parse(&format!("{GOOD}{more}"), "test")
}

#[test]
fn oauth_is_on_with_passwords_and_the_usual_lives() {
    let config = Config::parse(GOOD, "test").unwrap();
    assert!(config.oauth.enabled);
    assert_eq!(config.oauth.sign_in, SignIn::Password);
    assert_eq!(config.oauth.access_token_ttl, Duration::from_secs(3_600));
    assert_eq!(
        config.oauth.refresh_token_ttl,
        Duration::from_secs(30 * 86_400)
    );
    assert_eq!(config.root_discovery(), Some("claude"));
    assert!(config.scopes["claude"].people.is_empty());
    assert_eq!(config.scopes["claude"].allowed_redirect_hosts, None);
}

#[test]
fn mistakes_about_oauth_and_state_are_named_with_the_way_out() {
    let oidc = "sign_in = \"oidc\"\n[oauth.oidc]\nissuer = \"https://i\"\nclient_id = \"c\"\n";
    let cases = [
        ("[oauth]\nsing_in = \"oidc\"", "did you mean `sign_in`?"),
        ("[oauth]\nsign_in = \"oidc\"", "oauth.oidc: is missing"),
        (
            &format!("[oauth]\n{oidc}client_secret = \"s\"\nclient_secret_file = \"f\""),
            "oauth.oidc.client_secret: is given twice",
        ),
        (
            &format!("[oauth]\n{}", oidc.replace("\"c\"", "\" \"")),
            "oauth.oidc.client_id: is empty",
        ),
        (
            &format!("[oauth]\n{}", oidc.replace("\"oidc\"", "\"password\"")),
            "oauth.oidc: has no use",
        ),
        (
            "[oauth]\naccess_token_ttl = \"5s\"",
            "oauth.access_token_ttl: is a minute at least",
        ),
        (
            "[oauth]\nrefresh_token_ttl = \"10m\"",
            "oauth.refresh_token_ttl: is shorter",
        ),
        (
            "[oauth]\nrefresh_token_ttl = \"20y\"",
            "oauth.refresh_token_ttl: is a year at most",
        ),
        ("[state]\nstore = \"postgres://h\"", "state.store: names no"),
        ("[state]\nstore = \"sqlite:\"", "state.store: names no"),
        (
            "[state]\nstore = \"redis://cache\"",
            "state.key_file: is needed with redis",
        ),
        (
            "[state]\nstore = \"sqlite:/x/s.key\"",
            "state.key_file: is the file of the store itself",
        ),
    ];
    for (more, expected) in cases {
        let said = with(more).unwrap_err().to_string();
        assert!(said.contains(expected), "{more}: {said}");
    }
    for (from, to, expected) in [
        (
            "\"127.0.0.1:9000\"",
            "\"0.0.0.0:9000\"",
            "http.public_url: is needed off loopback",
        ),
        (
            "\"127.0.0.1:9000\"",
            "\"127.0.0.1:9000\"\npublic_url = \"https://d.example.com\"\n[oauth]\nsign_in = \
             \"consent\"",
            "oauth.sign_in: \"consent\"",
        ),
        (
            "\"127.0.0.1:9000\"",
            "\"127.0.0.1:9000\"\ntrusted_proxies = [\"172.16.0.0/40\"]",
            "test, line 5",
        ),
        (
            "default_scope = \"claude\"",
            "root_discovery = \"cloud\"",
            "root_discovery: \"cloud\" is not configured; did you mean \"claude\"?",
        ),
        (
            "databases = [\"sales\"]",
            "databases = [\"sales\"]\nwriters = [\"ana\"]",
            "scopes.claude.writers: has no use with read_only",
        ),
        (
            "[scopes.claude]",
            "[scopes.oauth]\ntool_sets=[\"a\"]\ndatabases=[\"sales\"]\n[scopes.claude]",
            "scopes.oauth: this name is an address",
        ),
    ] {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from}");
        let said = Config::parse(&text, "test").unwrap_err().to_string();
        assert!(said.contains(expected), "{to}: {said}");
    }
}

#[test]
fn the_key_lies_beside_the_file_of_the_state_unless_it_is_named() {
    let file = |more: &str| with(more).unwrap().state.key_file();
    assert_eq!(file(""), Some("/var/lib/mssql-mcp/state.key".into()));
    assert_eq!(
        file("[state]\nstore = \"sqlite:s.db\""),
        Some("s.key".into())
    );
    assert_eq!(
        file("[state]\nstore = \"sqlite:s.db\"\nkey_file = \"k\""),
        Some("k".into())
    );
    assert_eq!(file("[state]\nstore = \"memory\""), None);
}

#[test]
fn secrets_of_redis_and_of_providers_are_not_printed() {
    let redis = "[state]\nstore = \"redis://:s3cret@cache\"\nkey_file = \"k\"\n[oauth]\n\
                 sign_in = \"oidc\"\n[oauth.oidc]\nissuer = \"https://i\"\nclient_id = \"c\"\n\
                 client_secret = \"s3cret\"";
    let config = with(redis).unwrap();
    assert_eq!(config.state.kind(), Some(StoreKind::Redis));
    assert!(!format!("{config:?}").contains("s3cret"));
    for broken in [
        "[state]\nstore = redis://:s3cret@cache",
        "[oauth]\nsign_in = \"oidc\"\n[oauth.oidc]\nissuer = \"https://i\"\nclient_id = \"c\"\n\
         client_secret = s3cret",
    ] {
        let said = with(broken).unwrap_err();
        assert!(!said.to_string().contains("s3cret"), "{said}");
        assert!(!format!("{said:?}").contains("s3cret"), "{said:?}");
    }
}

#[test]
fn the_configuration_in_the_readme_is_a_good_one() {
    let readme = include_str!("../../../README.md");
    let (_, after) = readme.split_once("```toml\n").unwrap();
    let (text, _) = after.split_once("```").unwrap();
    let config = Config::parse(text, "README.md").unwrap();
    assert_eq!(config.root_discovery(), Some("claude"));
    assert!(config.scopes.contains_key("chatgpt"));
}

#[test]
fn records_are_looked_at_here_unless_the_scope_says_where() {
    let url = |http: &str, scope: &str| {
        let text = format!(
            "[http]\n{http}\n[databases.d]\nhost = \"h\"\ndatabase = \"d\"\nuser = \"u\"\n\
             password = \"p\"\n[scopes.sales]\ntool_sets = [\"t\"]\ndatabases = [\"d\"]\n{scope}"
        );
        Config::parse(&text, "test").unwrap().record_url("sales")
    };
    for (http, scope, expected) in [
        ("", "", "http://127.0.0.1:8008/sales/records/{id}"),
        ("listen = \"127.0.0.1:0\"", "", ""),
        (
            "listen = \"0.0.0.0:80\"\npublic_url = \"https://data.example.com/\"",
            "",
            "https://data.example.com/sales/records/{id}",
        ),
        ("", "record_url = \"https://i/{key}\"", "https://i/{key}"),
    ] {
        assert_eq!(url(http, scope), expected, "{http} {scope}");
    }
}

/// The good one with other keys to log in by, and other keys in the scope.
fn logging_in(database: &str, scope: &str) -> Result<Config, ConfigError> {
    let text = GOOD.replace("user = \"reader\"\npassword = \"s3cret\"", database);
    Config::parse(&(text + scope), "test")
}

const SQL: &str = "user = \"reader\"\npassword = \"s3cret\"";

#[test]
fn a_database_is_logged_in_to_in_one_way() {
    for good in [
        SQL,
        "auth = \"sql\"\nuser = \"u\"\npassword_file = \"f\"",
        "auth = \"entra\"\ntoken_file = \"f\"",
        "auth = \"entra\"\ntenant = \"t\"\nclient_id = \"c\"\nclient_secret_file = \"f\"",
        "auth = \"entra\"\nencrypt = \"strict\"\ntenant = \"t\"\nclient_id = \"c\"\n\
         client_secret = \"s\"\nauthority = \"https://login.example.com\"",
    ] {
        assert!(
            logging_in(good, "").is_ok(),
            "{good}: {:?}",
            logging_in(good, "").err()
        );
    }
    let entra = "auth = \"entra\"\n";
    for (bad, expected) in [
        ("password = \"p\"", "user: is missing"),
        (
            "user = \"u\"\npassword = \"p\"\ntenant = \"t\"",
            "tenant: is for auth = \"entra\"",
        ),
        (entra, "token_file: is missing"),
        (
            "auth = \"entra\"\ntoken_file = \"f\"\nuser = \"u\"",
            "user: has no use",
        ),
        (
            "auth = \"entra\"\ntoken_file = \"f\"\ntenant = \"t\"",
            "tenant: has no use beside token_file",
        ),
        (
            "auth = \"entra\"\ntoken_file = \"f\"\nencrypt = \"off\"",
            "encrypt: would show the access token",
        ),
        ("auth = \"entra\"\nclient_id = \"c\"", "tenant: is missing"),
        ("auth = \"entra\"\ntenant = \"t\"", "client_id: is missing"),
        (
            "auth = \"entra\"\ntenant = \"t\"\nclient_id = \"c\"",
            "client_secret_file: is missing",
        ),
    ] {
        let said = logging_in(bad, "").unwrap_err().to_string();
        assert!(said.contains(expected), "{bad}: {said}");
    }
}

#[test]
fn mistakes_about_the_audit_are_named_with_the_way_out() {
    let scope = |name: &str, audit: &str| {
        format!(
            "[scopes.{name}]\ntool_sets = [\"a\"]\ndatabases = [\"sales\"]\naudit = {{ {audit} }}\n"
        )
    };
    let two = |one: &str, other: &str| with(&(scope("a", one) + &scope("b", other)));
    let file = "file = \"/var/log/audit.jsonl\"";
    let config = two(&format!("{file}, on_failure = \"continue\""), file).unwrap();
    let [one, other] = ["a", "b"].map(|name| config.scopes[name].audit.clone());
    assert_eq!(
        (one.on_failure, other.on_failure),
        (OnFailure::Continue, OnFailure::Stop)
    );
    assert_eq!((one.keep.as_secs(), one.statements), (30 * 86_400, true));
    for (audit, expected) in [
        ("keep = \"1h\"", "scopes.a.audit.keep: is a day at least"),
        ("max_size = \"1KiB\"", "scopes.a.audit.max_size: is 1MiB"),
        ("file = \"/\"", "scopes.a.audit.file: names no file"),
        ("on_failure = \"ignore\"", "unknown variant"),
        ("fil = \"/var/log/audit.jsonl\"", "did you mean `file`?"),
        (
            "file = \"/var/log/audit.jsonl\", keep = \"7d\"",
            "scopes.b.audit: keep and max_size are not those of scopes.a.audit",
        ),
    ] {
        let said = two(audit, file).unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_secret_of_an_application_counts_and_is_not_printed() {
    let section = |secret: &str| {
        let entra = "auth = \"entra\"\ntenant = \"t\"\nclient_id = \"c\"\nclient_secret = ";
        let config = logging_in(&format!("{entra}\"{secret}\""), "").unwrap();
        config.databases["sales"].clone()
    };
    assert!(section("s3cret").is_same(&section("s3cret")));
    assert!(!section("s3cret").is_same(&section("another")));
    assert!(!format!("{:?}", section("s3cret")).contains("s3cret"));
}

#[test]
fn the_session_context_names_claims_and_constants() {
    let text = "session_context = { DepartmentID = \"claim:department\", Region = \"north\" }\n";
    let config = logging_in(SQL, text).unwrap();
    let claims = config.scopes["claude"].claims();
    assert_eq!(claims.into_iter().collect::<Vec<_>>(), ["department"]);
    assert!(logging_in(SQL, "session_context = {}\n").is_ok());
    for (bad, expected) in [
        ("\"mcp.subject\" = \"x\"", "keys that begin with mcp."),
        ("\"\" = \"x\"", "a key has 1 to 128 characters"),
        ("a = \"1\", A = \"2\"", "is there twice"),
        ("a = \"claim:\"", "names no claim"),
    ] {
        let said = logging_in(SQL, &format!("session_context = {{ {bad} }}\n"));
        let said = said.unwrap_err().to_string();
        assert!(said.contains(expected), "{bad}: {said}");
    }
    let nobody = GOOD.replace("[databases", "[oauth]\nenabled = false\n[databases");
    let said = Config::parse(&(nobody + text), "test").unwrap_err();
    assert!(said.to_string().contains("nobody signs in"), "{said}");
}
