//! `X-Environment-Path`: what a proxy says that takes a scope's path off the
//! addresses it passes on. The path is put back before anything looks at it, so that
//! everything else sees the address that the client called.

use axum::http::{HeaderMap, HeaderName, Uri};

/// The address with the scope's path, where a proxy names one that it has not.
pub(super) fn restored(uri: &Uri, headers: &HeaderMap) -> Option<Uri> {
    let said = headers.get_all(X_ENVIRONMENT_PATH).iter().next_back()?;
    let name = said.to_str().unwrap_or(NOWHERE).trim().trim_matches('/');
    if name.is_empty() {
        return None;
    }
    let well_formed = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    // A name that no scope can have is answered 404 like any other.
    let name = if well_formed { name } else { NOWHERE };
    let path = with_scope(uri.path(), name)?;
    let query = uri
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = format!("{path}{query}").parse().ok();
    let whole = parts.path_and_query.is_some();
    // An address that grew too long is at no scope, and not at the root's.
    let restored = Uri::from_parts(parts).ok().filter(|_| whole);
    Some(restored.unwrap_or_else(|| Uri::from_static("/_/")))
}

/// `path` as it was before the proxy took `/scope` off; `None` if it did not, or if it
/// is one of the server's own pages.
fn with_scope(path: &str, scope: &str) -> Option<String> {
    let mut segments = path.split('/').skip(1);
    let first = segments.next().unwrap_or_default();
    if first == scope || PAGES.contains(&first) {
        return None;
    }
    // RFC 8414 §3.1 and RFC 9728 §3.1 have the scope behind the document's name.
    if first == ".well-known"
        && let (Some(document), Some(target)) = (segments.next(), segments.next())
    {
        if target == scope {
            return None;
        }
        let rest = path.split('/').skip(3).collect::<Vec<_>>().join("/");
        return Some(format!("/.well-known/{document}/{scope}/{rest}"));
    }
    Some(format!("/{scope}{path}"))
}

/// What the whole server has at its root, and no scope below its path.
const PAGES: [&str; 11] = [
    "",
    "account",
    "copy.js",
    "docs",
    "favicon.ico",
    "invitation",
    "live",
    "metrics",
    "ready",
    "sign-in",
    "style.css",
];
/// The path of no scope.
const NOWHERE: &str = "_";
const X_ENVIRONMENT_PATH: HeaderName = HeaderName::from_static("x-environment-path");

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn at(path: &str, said: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in said {
            headers.append(X_ENVIRONMENT_PATH, HeaderValue::from_static(value));
        }
        let uri: Uri = path.parse().unwrap();
        restored(&uri, &headers).map(|uri| uri.to_string())
    }

    #[test]
    fn the_path_is_put_back_where_it_was_taken_off() {
        for (path, said, restored) in [
            ("/sse", "/chatgpt", "/chatgpt/sse"),
            ("/mcp?a=b&c", "chatgpt", "/chatgpt/mcp?a=b&c"),
            ("/authorize?x=%20", "/chatgpt/", "/chatgpt/authorize?x=%20"),
            (
                "/records/dbo.a%2Fb/1",
                "/customer-a",
                "/customer-a/records/dbo.a%2Fb/1",
            ),
            ("/health", "/chatgpt", "/chatgpt/health"),
            (
                "/.well-known/openid-configuration",
                "/chatgpt",
                "/chatgpt/.well-known/openid-configuration",
            ),
            (
                "/.well-known/oauth-protected-resource/sse",
                "/chatgpt",
                "/.well-known/oauth-protected-resource/chatgpt/sse",
            ),
            (
                "/sse/.well-known/openid-configuration",
                "/chatgpt",
                "/chatgpt/sse/.well-known/openid-configuration",
            ),
            // Not another scope's address: the client called it below this one.
            ("/claude/sse", "/chatgpt", "/chatgpt/claude/sse"),
            (
                "/.well-known/oauth-protected-resource/claude/sse",
                "/chatgpt",
                "/.well-known/oauth-protected-resource/chatgpt/claude/sse",
            ),
            ("/sse", "/Chat/GPT", "/_/sse"),
            ("/sse", "/a b", "/_/sse"),
        ] {
            assert_eq!(
                at(path, &[said]).as_deref(),
                Some(restored),
                "{path} {said}"
            );
        }
        assert_eq!(
            at("/sse", &["/claude", "/chatgpt"]).unwrap(),
            "/chatgpt/sse"
        );
        let whole = at("https://data.example.com/sse?x", &["/chatgpt"]);
        assert_eq!(whole.unwrap(), "https://data.example.com/chatgpt/sse?x");
    }

    #[test]
    fn what_needs_no_path_keeps_its_address() {
        for (path, said) in [
            ("/chatgpt/sse", "/chatgpt"),
            (
                "/.well-known/oauth-protected-resource/chatgpt/sse",
                "/chatgpt",
            ),
            ("/chatgpt/.well-known/openid-configuration", "chatgpt"),
            ("/sse", ""),
            ("/sse", "/"),
            ("/", "/chatgpt"),
            ("/style.css?v=1", "/chatgpt"),
            ("/account", "/chatgpt"),
            ("/sign-in/oidc/callback?code=1", "/chatgpt"),
            ("/live", "/chatgpt"),
        ] {
            assert_eq!(at(path, &[said]), None, "{path} {said}");
        }
        assert_eq!(at("/sse", &[]), None);
    }

    #[test]
    fn an_address_that_grew_too_long_is_at_no_scope() {
        let path = format!("/sse?{}", "a".repeat(65_530 - 5));
        assert_eq!(at(&path, &["/chatgpt"]).unwrap(), "/_/");
    }
}
