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
