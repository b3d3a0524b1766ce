//! What keeps a page to itself: no script, no frame, no trace in caches.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use url::Url;

use super::Language;

/// Where the forms of a page may lead, redirects included: Chromium holds
/// `form-action` against the whole chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FormTarget {
    /// This server.
    SelfOnly,
    /// This server, and from it to the origin or scheme of this redirect URI.
    Redirect(String),
    /// This server, and from it to the sign-in at this origin.
    Origin(String),
}

impl FormTarget {
    fn sources(&self) -> String {
        let source = match self {
            Self::SelfOnly => None,
            Self::Redirect(uri) => Url::parse(uri).ok().map(|url| match url.scheme() {
                "http" | "https" => url.origin().ascii_serialization(),
                scheme => format!("{scheme}:"),
            }),
            Self::Origin(origin) => Some(origin.clone()),
        };
        match source {
            Some(source) => format!("'self' {source}"),
            None => "'self'".to_owned(),
        }
    }
}

pub(super) fn dress(mut response: Response, language: Language, target: &FormTarget) -> Response {
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src data:; form-action {}; frame-ancestors \
         'none'; base-uri 'none'",
        target.sources()
    );
    let headers = response.headers_mut();
    let policy = HeaderValue::try_from(policy);
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        // A redirect URI that fits in no header leads nowhere.
        policy.unwrap_or(HeaderValue::from_static("default-src 'none'")),
    );
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(
        header::CONTENT_LANGUAGE,
        HeaderValue::from_static(language.code()),
    );
    headers.append(header::VARY, HeaderValue::from_static("Accept-Language, Cookie"));
    response
}

const FIXED: [(HeaderName, &str); 6] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not `no-referrer`: with it Chromium sends forms with `Origin: null`.
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
];
