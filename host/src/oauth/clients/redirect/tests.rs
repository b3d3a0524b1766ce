use super::*;

fn rules() -> Vec<RedirectRule> {
    RedirectRule::well_known()
}

#[test]
fn the_redirects_of_well_known_clients_are_allowed() {
    for uri in [
        "https://claude.ai/api/mcp/auth_callback",
        "https://claude.com/api/mcp/auth_callback",
        "https://chatgpt.com/connector_platform_oauth_redirect",
        "https://chatgpt.com/connector/oauth/abc-123",
        "https://vscode.dev/redirect",
        "https://insiders.vscode.dev/redirect",
        "http://127.0.0.1:33418/",
        "http://127.0.0.1:33418",
        "http://localhost/callback",
        "http://localhost:6274/oauth/callback",
        "http://[::1]:1/callback?x=1",
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "vscode://vscode.microsoft-authentication",
    ] {
        assert_eq!(check(uri, &rules()), Ok(()), "{uri}");
    }
}

#[test]
fn whatever_could_lead_elsewhere_is_refused() {
    for uri in [
        "",
        "callback",
        "/callback",
        "//claude.ai/cb",
        // Other hosts that look like it.
        "https://chatgpt.com.evil.com/cb",
        "https://evilchatgpt.com/cb",
        "https://evil.com/chatgpt.com",
        "https://evil.com?chatgpt.com",
        "https://chatgpt.com:8443/cb",
        "https://chatgpt.com./cb",
        "https://chatgpt.com%2eevil.com/cb",
        "https://xn--chtgpt-fxa.com/cb",
        "https://ch\u{e4}tgpt.com/cb",
        "https://93.184.216.34/cb",
        // User info.
        "https://chatgpt.com@evil.com/cb",
        "https://user@chatgpt.com/cb",
        "https://:secret@chatgpt.com/cb",
        "https://@chatgpt.com/cb",
        "cursor://user@anysphere.cursor-mcp/cb",
        // Fragments and wildcards.
        "https://chatgpt.com/cb#",
        "https://chatgpt.com/cb#x",
        "https://*.chatgpt.com/cb",
        "https://chatgpt.com/*",
        // What parsers disagree about.
        "https:/chatgpt.com/cb",
        "https:chatgpt.com/cb",
        "https:\\\\chatgpt.com\\cb",
        "https://chatgpt.com\\@evil.com/cb",
        "https://chatgpt.com/a/../cb",
        "https://chatgpt.com/a/%2e%2e/cb",
        "https://chatgpt.com/./cb",
        "https://chatgpt.com/c\tb",
        "https://chatgpt.com/c\r\nb",
        "https://chatgpt.com/c\0b",
        " https://chatgpt.com/cb",
        "https://chatgpt.com/c b",
        "https://ChatGPT.com/cb",
        "HTTPS://chatgpt.com/cb",
        // No encryption off loopback, and loopback that is none.
        "http://chatgpt.com/cb",
        "http://127.0.0.2/cb",
        "http://127.1/cb",
        "http://2130706433/cb",
        "http://0x7f.0.0.1/cb",
        "http://0.0.0.0/cb",
        "http://localhost.evil.com/cb",
        "http://127.0.0.1.evil.com/cb",
        "http://localhost:80@evil.com/cb",
        "http://[::ffff:127.0.0.1]/cb",
        "http://[::]/cb",
        "http://localhost/cb#x",
        // Schemes that run, read, or belong to nobody here.
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://claude.ai/x",
        "about:blank",
        "ws://localhost/cb",
        "ftp://localhost/cb",
        "evil-app://callback",
        "ms-settings:x",
    ] {
        assert!(check(uri, &rules()).is_err(), "{uri}");
    }
    let long = format!("https://claude.ai/{}", "x".repeat(2_000));
    assert_eq!(check(&long, &rules()), Err(RedirectProblem::TooLong));
}

#[test]
fn a_scheme_of_a_browser_is_refused_even_where_a_rule_names_it() {
    let rules = [RedirectRule::Scheme("javascript".to_owned())];
    assert_eq!(
        check("javascript:x", &rules),
        Err(RedirectProblem::Scheme("javascript".to_owned()))
    );
}

#[test]
fn a_rule_for_every_host_allows_https_alone() {
    let rules = [RedirectRule::AnyHost];
    for (uri, allowed) in [
        ("https://tools.example.com:8443/cb", true),
        ("https://localhost:1/cb", true),
        ("http://tools.example.com/cb", false),
        ("cursor://cb", false),
        ("https://user@tools.example.com/cb", false),
    ] {
        assert_eq!(check(uri, &rules).is_ok(), allowed, "{uri}");
    }
}

#[test]
fn without_rules_only_loopback_is_allowed() {
    assert!(check("http://localhost:1/cb", &[]).is_ok());
    assert!(check("https://claude.ai/cb", &[]).is_err());
    assert!(check("cursor://cb", &[]).is_err());
}

#[test]
fn a_request_means_a_registered_uri_to_the_letter_but_for_a_loopback_port() {
    for (registered, requested, same) in [
        ("https://claude.ai/cb", "https://claude.ai/cb", true),
        ("https://claude.ai/cb", "https://claude.ai/cb/", false),
        ("https://claude.ai/cb", "https://claude.ai/cb?x=1", false),
        ("https://claude.ai/cb", "https://claude.ai:8443/cb", false),
        ("https://claude.ai/cb", "https://claude.ai:443/cb", false),
        ("https://claude.ai/cb", "https://claude.ai/CB", false),
        ("https://claude.ai/cb", "https://x.claude.ai/cb", false),
        ("https://claude.ai/cb", "http://claude.ai/cb", false),
        ("http://localhost/cb", "http://localhost:5/cb", true),
        ("http://localhost:9/cb", "http://localhost:5/cb", true),
        ("http://localhost:9/cb", "http://localhost/cb", true),
        ("http://127.0.0.1:9/", "http://127.0.0.1:5/", true),
        ("http://[::1]:9/cb", "http://[::1]:5/cb", true),
        ("http://localhost/cb", "http://127.0.0.1/cb", false),
        ("http://localhost/cb", "http://localhost:5/other", false),
        ("http://localhost/cb", "http://localhost:5/cb?x=1", false),
        ("http://localhost/cb", "http://localhost:5/cb#x", false),
        ("http://localhost/cb", "http://u@localhost:5/cb", false),
        ("http://localhost/cb", "http://localhost:5/x/../cb", false),
        ("http://localhost/cb", "https://localhost:5/cb", false),
        (
            "http://localhost/cb",
            "http://localhost:5@evil.com/cb",
            false,
        ),
        ("cursor://a/cb", "cursor://a:5/cb", false),
        ("cursor://a/cb", "cursor://a/cb", true),
    ] {
        let registered = [registered.to_owned()];
        assert_eq!(
            find(&registered, requested).is_some(),
            same,
            "{registered:?} {requested}"
        );
    }
    assert_eq!(find(&[], "https://claude.ai/cb"), None);
}
