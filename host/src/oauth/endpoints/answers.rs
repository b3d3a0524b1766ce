//! Answers that pages have in common.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::oauth::pages::{ErrorPage, Language, Trouble, WayOut, respond};

/// 303: the browser follows with GET, whatever it sent (RFC 9700 §4.12).
pub(super) fn see_other(location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => (
            StatusCode::SEE_OTHER,
            [
                (header::LOCATION, location),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                (
                    header::REFERRER_POLICY,
                    HeaderValue::from_static("same-origin"),
                ),
            ],
        )
            .into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// The page that says what happened, with a way to begin again at `start`.
pub(super) fn trouble(
    status: StatusCode,
    language: Language,
    trouble: &Trouble,
    start: &str,
) -> Response {
    let texts = language.texts();
    let page = ErrorPage {
        way_out: Some(WayOut::Link {
            href: start,
            label: texts.troubles.start_again,
        }),
        ..ErrorPage::new(texts, trouble)
    };
    respond(status, language, &page)
}

/// 503, with the reason in the log.
pub(super) fn unavailable(language: Language, error: &dyn std::error::Error) -> Response {
    tracing::error!(%error, "a page cannot be shown");
    let texts = language.texts();
    let page = ErrorPage::new(texts, &texts.troubles.unavailable);
    respond(StatusCode::SERVICE_UNAVAILABLE, language, &page)
}

/// 429 with the time to wait.
pub(super) fn slowed(mut page: Response, wait: Duration) -> Response {
    let seconds = HeaderValue::from(wait.as_secs().max(1));
    page.headers_mut().insert(header::RETRY_AFTER, seconds);
    *page.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    page
}

/// Whole minutes to wait, for people.
pub(super) fn minutes(wait: Duration) -> u64 {
    wait.as_secs().div_ceil(60).max(1)
}
