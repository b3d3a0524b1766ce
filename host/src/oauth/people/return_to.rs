//! Where a browser goes on after a sign-in: an address of this server, never
//! of another.

use url::{Position, Url};

use crate::oauth::PublicUrl;

/// A path with its query on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::oauth) struct ReturnTo(String);

impl ReturnTo {
    /// Reads what a form sent: it must begin with a single `/`, and lead, as a
    /// browser reads it, to this server.
    pub(in crate::oauth) fn parse(text: &str, base: &PublicUrl) -> Option<Self> {
        let is_path = text.starts_with('/') && !text.starts_with("//");
        let plain = !text.contains(|c: char| c == '\\' || c.is_control());
        if !is_path || !plain || text.len() > MAX_BYTES {
            return None;
        }
        let base = Url::parse(base.as_str()).ok()?;
        let url = base.join(text).ok()?;
        let path = &url[Position::BeforePath..];
        // Dots are resolved by now: `/a/..//host` has become `//host`.
        let here = url.origin() == base.origin() && !path.starts_with("//");
        (here && url.fragment().is_none()).then(|| Self(path.to_owned()))
    }

    /// In ASCII, as a `Location` header has it.
    pub(in crate::oauth) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Authorization requests have some 500 bytes.
const MAX_BYTES: usize = 8_192;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<String> {
        let base = PublicUrl::parse("https://data.example.com").unwrap();
        ReturnTo::parse(text, &base).map(|return_to| return_to.as_str().to_owned())
    }

    #[test]
    fn a_path_on_this_host_is_kept() {
        for text in [
            "/",
            "/account",
            "/claude/authorize?client_id=x&state=%2F%2Fevil.com",
        ] {
            assert_eq!(parse(text).as_deref(), Some(text));
        }
        assert_eq!(parse("/a b/ñ").as_deref(), Some("/a%20b/%C3%B1"));
    }

    #[test]
    fn no_address_of_another_host_passes() {
        for text in [
            "",
            "account",
            "//evil.com",
            "///evil.com",
            "/\\evil.com",
            "\\\\evil.com",
            "/\t/evil.com",
            "/\n/evil.com",
            "https://evil.com/",
            "https:evil.com",
            "javascript:alert(1)",
            " //evil.com",
            "/account#x",
            "/account\r\nSet-Cookie: a=b",
            "@evil.com",
            "/a/..//evil.com",
            "/.//evil.com",
            "/%2e%2e//evil.com",
            &format!("/{}", "x".repeat(9_000)),
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
