//! An entry as one line of JSON.

use std::net::IpAddr;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::entry::{Entry, Figures, Statement};
use crate::clock::Timestamp;
use crate::excerpt::excerpt;

/// A statement as a line may tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normalised {
    /// Its text with `?` for each literal, without comments, white space made one.
    pub text: String,
    /// The first 16 hexadecimal digits of the text's SHA-256.
    pub hash: String,
    /// The tables that it names.
    pub tables: Vec<String>,
}

/// Removes the literals of a statement. A function of whoever knows the language.
pub type Normalise = fn(&str) -> Normalised;

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    event: &'static str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rights: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_set: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    statements: Vec<Shown<'a>>,
    #[serde(skip_serializing_if = "is_zero")]
    statements_left_out: u64,
    #[serde(flatten)]
    figures: Option<Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    took_ms: Option<u64>,
    #[serde(skip_serializing_if = "is_zero")]
    suppressed: u64,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sql: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    hash: String,
    tables: Vec<String>,
    #[serde(skip_serializing_if = "is_false")]
    writes: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
}

/// The line with its line break. The texts of statements are told if `texts`.
pub(super) fn line(entry: &Entry, normalise: Option<Normalise>, texts: bool) -> Vec<u8> {
    let call = entry.call.as_deref();
    let reload = entry.reload.as_deref();
    let origin = entry.origin.as_deref();
    let named = origin.and_then(|origin| origin.client_name.as_deref());
    let line = Line {
        time: time(entry.at),
        event: entry.event.name(),
        outcome: entry.outcome.name(),
        code: entry.code.as_deref(),
        by: entry.by,
        reason: entry.reason.as_deref().and_then(known),
        scope: entry.scope.as_deref().and_then(known),
        subject: entry.subject.as_deref().and_then(known),
        client_id: entry.client_id.as_deref().and_then(known),
        client_name: entry.client_name.as_deref().or(named).and_then(known),
        rights: entry.rights.as_deref(),
        action: entry.action,
        address: origin.and_then(|origin| origin.address),
        request_id: origin.and_then(|origin| known(&origin.request_id)),
        tool_set: call
            .and_then(|call| known(&call.tool_set))
            .or_else(|| reload.and_then(|reload| reload.tool_set.as_deref())),
        digest: call
            .and_then(|call| known(&call.digest))
            .or_else(|| reload.and_then(|reload| reload.digest.as_deref())),
        tool: call.and_then(|call| known(&call.tool)),
        statements: call.map_or_else(Vec::new, |call| {
            let kept = call.statements.kept.iter();
            kept.map(|kept| shown(kept, normalise, texts)).collect()
        }),
        statements_left_out: call.map_or(0, |call| call.statements.left_out),
        figures: call.and_then(|call| call.figures),
        before: reload.and_then(|reload| reload.before.as_deref()),
        scopes: reload.map(|reload| reload.scopes),
        took_ms: reload.and_then(|reload| reload.took_ms),
        suppressed: entry.suppressed,
    };
    // Strings and numbers: nothing in it can fail.
    let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// The statements of a call, as JSON.
pub(super) fn statements(
    entry: &Entry,
    normalise: Option<Normalise>,
    texts: bool,
) -> Option<String> {
    let kept = &entry.call.as_deref()?.statements.kept;
    let list: Vec<_> = kept
        .iter()
        .map(|kept| shown(kept, normalise, texts))
        .collect();
    (!list.is_empty()).then(|| serde_json::to_string(&list).unwrap_or_default())
}

fn shown(statement: &Statement, normalise: Option<Normalise>, texts: bool) -> Shown<'_> {
    let normalised = normalise.map(|normalise| normalise(&statement.sql));
    let (text, hash, tables) = match normalised {
        Some(found) => (Some(found.text), found.hash, found.tables),
        None => (None, String::new(), Vec::new()),
    };
    let text = text.filter(|_| texts).map(|text| {
        let start = excerpt(&text, SHOWN_CHARACTERS);
        if start.len() < text.len() {
            format!("{start} …")
        } else {
            text
        }
    });
    Shown {
        sql: text,
        hash,
        tables,
        writes: statement.writes,
        code: statement.code.as_deref(),
    }
}

/// RFC 3339 in UTC, with milliseconds.
pub(super) fn time(at: Timestamp) -> String {
    DateTime::<Utc>::from_timestamp_millis(at.0)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// What somebody else may have written, in a length that fits a line.
fn known(text: &str) -> Option<&str> {
    Some(excerpt(text, TOLD_CHARACTERS)).filter(|text| !text.is_empty())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

const TOLD_CHARACTERS: usize = 500;
/// Of a statement; its hash is that of the whole.
const SHOWN_CHARACTERS: usize = 8_000;
