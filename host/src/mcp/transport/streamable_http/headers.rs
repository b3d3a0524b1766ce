//! The protocol's request headers (2026-07-28, basic/transports/streamable-http
//! §Request Metadata).

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(super) const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(super) const METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(super) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
pub(super) const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// One header's value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Absent,
    Text(Cow<'a, str>),
    /// Sent more than once, or not decodable.
    Unreadable,
}

impl<'a> Value<'a> {
    /// The header as it is, without white space around it.
    pub(super) fn plain(headers: &'a HeaderMap, name: &HeaderName) -> Self {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Self::Absent,
            (Some(value), None) => match value.to_str() {
                Ok(text) => Self::Text(Cow::Borrowed(text.trim_ascii())),
                Err(_) => Self::Unreadable,
            },
            _ => Self::Unreadable,
        }
    }

    /// As `plain`, with `=?base64?…?=` decoded. The sentinels are lower case;
    /// a value with only one of them is literal text.
    pub(super) fn decoded(headers: &'a HeaderMap, name: &HeaderName) -> Self {
        let plain = Self::plain(headers, name);
        let Self::Text(text) = &plain else {
            return plain;
        };
        let Some(encoded) = text
            .strip_prefix("=?base64?")
            .and_then(|rest| rest.strip_suffix("?="))
        else {
            return plain;
        };
        match STANDARD
            .decode(encoded)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
        {
            Some(text) => Self::Text(Cow::Owned(text)),
            None => Self::Unreadable,
        }
    }

    /// Present and equal, case included.
    pub(super) fn is(&self, expected: &str) -> bool {
        matches!(self, Self::Text(text) if text == expected)
    }
}
