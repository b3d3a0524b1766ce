//! The headers of every page.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// What a page may do beyond showing itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Script {
    /// None, as is usual.
    Never,
    /// Files of this server, which may ask it for more.
    Ours,
}

/// Adds them; forms may lead here and to `places`, sources of CSP.
pub(super) fn protect(headers: &mut HeaderMap, places: &[String], script: Script) {
    for (name, value) in SAME_EVERYWHERE {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let mut policy = match script {
        Script::Never => POLICY.to_owned(),
        Script::Ours => format!("script-src 'self'; connect-src 'self'; {POLICY}"),
    };
    for place in places {
        policy.push(' ');
        policy.push_str(place);
    }
    // A place that no header can carry must not cost the page its policy.
    let policy =
        HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static(POLICY));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
}

/// Nothing is loaded but the style sheet and its images; `form-action` comes
/// last because places are added to it.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

const SAME_EVERYWHERE: [(HeaderName, &str); 7] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::VARY, "Accept-Language, Cookie"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // `no-referrer` would make Chromium send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    // No Cross-Origin-Opener-Policy: clients open these pages in pop-ups that
    // speak with their opener when they have come back to the redirect URI.
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];
