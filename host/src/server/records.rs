//! `S/records/…`: one record as a page, for whoever follows a citation. The same rules
//! as for a call that fetches it; people sign in here, programs do not come.

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::state::ServerState;
use crate::http_error::HttpError;
use crate::mcp::{McpScope, Record, ToolError};
use crate::oauth::endpoints::record::{Missing, Reader, Shown, open, open_missing};
use crate::oauth::pages::RecordLine;
use crate::oauth::{BODY_TIMEOUT, LONGEST_FORM};

/// `/records/{*id}` and `/{scope}/records/{*id}`, for GET and the forms of its pages.
pub(super) async fn page(State(state): State<ServerState>, request: Request) -> Response {
    // As it was sent: what is encoded in an id is part of a name or a key.
    let Some((base, id)) = address(request.uri()) else {
        return HttpError::not_found().into_response();
    };
    let scope = state.scope(base.strip_prefix('/'));
    let Some(scope) = scope.filter(|scope| scope.is_open()) else {
        return HttpError::not_found().into_response();
    };
    let (mut parts, body) = request.into_parts();
    let Some(oauth) = state.shared.authentication.oauth() else {
        return match parts.method {
            Method::GET | Method::HEAD => {
                shown_to_anybody(&scope, &base, &id, &parts.headers).await
            }
            _ => HttpError::method_not_allowed("GET, HEAD").into_response(),
        };
    };
    let reader = match Reader::of(oauth, scope.name(), &mut parts).await {
        Ok(reader) => reader,
        Err(response) => return *response,
    };
    match parts.method {
        Method::GET | Method::HEAD => {}
        Method::POST => {
            // One that does not come, or without end, is a form of nobody's.
            let body = timeout(BODY_TIMEOUT, to_bytes(body, LONGEST_FORM)).await;
            let body = body.ok().and_then(Result::ok).unwrap_or_default();
            return reader.post(&body).await;
        }
        _ => return HttpError::method_not_allowed("GET, HEAD, POST").into_response(),
    }
    let principal = match reader.admitted().await {
        Ok(principal) => principal,
        Err(response) => return *response,
    };
    match scope.record(&id, Some(principal.clone().into())).await {
        Ok(Some(record)) => {
            let fields = lines(&base, &record);
            reader.show(&principal, &prepared(&record, &fields))
        }
        Ok(None) => reader.missing(Missing::Nowhere),
        Err(error) => reader.missing(why(&error)),
    }
}

async fn shown_to_anybody(scope: &McpScope, base: &str, id: &str, headers: &HeaderMap) -> Response {
    match scope.record(id, None).await {
        Ok(Some(record)) => open(headers, &prepared(&record, &lines(base, &record))),
        Ok(None) => open_missing(headers, Missing::Nowhere),
        Err(error) => open_missing(headers, why(&error)),
    }
}

/// The path before `/records/`, and the id after it.
fn address(uri: &Uri) -> Option<(String, String)> {
    let (base, id) = uri.path().split_once("/records/")?;
    let one_name = base.is_empty() || !base.get(1..)?.contains('/');
    one_name.then(|| (base.to_owned(), id.to_owned()))
}

fn prepared<'a>(record: &'a Record, fields: &'a [RecordLine]) -> Shown<'a> {
    Shown {
        table: &record.table,
        key: &record.key,
        comment: record.comment.as_deref(),
        fields,
        is_cut: record.is_cut,
    }
}

fn lines(base: &str, record: &Record) -> Vec<RecordLine> {
    let fields = record.fields.iter();
    let lines = fields.map(|field| RecordLine {
        name: field.name.clone(),
        sql_type: field.sql_type.clone(),
        comment: field.comment.clone(),
        value: field.value.clone(),
        href: field
            .refers_to
            .as_ref()
            .map(|id| format!("{base}/records/{id}")),
    });
    lines.collect()
}

/// Refusals are no faults; nobody mends them by waiting.
fn why(error: &ToolError) -> Missing<'_> {
    match error.code {
        "not-found" | "unknown-table" | "ambiguous-table" => Missing::Nowhere,
        code if code.ends_with("-not-allowed") => Missing::Refused(&error.message),
        _ => Missing::Failed(&error.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_what_is_encoded_in_the_id() {
        for (path, split) in [
            (
                "/claude/records/dbo.Orders/1",
                Some(("/claude", "dbo.Orders/1")),
            ),
            ("/records/dbo.a%2Fb/1%2C2", Some(("", "dbo.a%2Fb/1%2C2"))),
            (
                "/claude/records/a.b/records/1",
                Some(("/claude", "a.b/records/1")),
            ),
            ("/claude/x/records/a.b/1", None),
            ("/claude/sse", None),
        ] {
            let uri: Uri = path.parse().unwrap();
            let found = address(&uri);
            let found = found.as_ref().map(|(base, id)| (&**base, &**id));
            assert_eq!(found, split, "{path}");
        }
    }
}
