//! What a tool answers, generic over the cursor so that it can be made and
//! looked at outside wasm.

use serde::Serialize;

use crate::bindings::exports::mssql_mcp::tools::provider;
use crate::bindings::mssql_mcp::database::db_query;
use crate::{Content, Error, Failure, FieldError, Problem, Question};

/// A tool's answer.
#[derive(Debug)]
pub enum Reply<C> {
    /// The result.
    Output(Output<C>),
    /// A question to the person; the call is repeated with the answers.
    Ask(Question),
}

/// A result.
#[derive(Debug)]
pub struct Output<C> {
    /// Content blocks; where it is empty the host adds one text item with the
    /// JSON of `structured`.
    pub content: Vec<Content>,
    /// The value that the tool's output schema describes.
    pub structured: Option<Structured<C>>,
    /// Protocol `_meta`, a JSON object.
    pub meta: Option<String>,
}

/// A structured result.
#[derive(Debug)]
pub enum Structured<C> {
    /// A JSON text.
    Json(String),
    /// Rows that go from the database to the client without entering the guest.
    Rows(C),
}

impl<C> Reply<C> {
    /// Text without a structured result.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Output(Output {
            content: vec![Content::Text(text.into())],
            structured: None,
            meta: None,
        })
    }

    /// A JSON text that is already encoded.
    #[must_use]
    pub fn json_text(json: String) -> Self {
        Self::structured(Structured::Json(json))
    }

    /// A value as JSON.
    ///
    /// # Errors
    /// [`Failure::Failed`] for a value that JSON has no form for.
    pub fn json<T: Serialize>(value: &T) -> Result<Self, Failure> {
        serde_json::to_string(value)
            .map(Self::json_text)
            .map_err(|error| failed("crashed", format!("The result is not JSON: {error}."), None))
    }

    /// The rows of a cursor, encoded by the host.
    #[must_use]
    pub fn rows(cursor: C) -> Self {
        Self::structured(Structured::Rows(cursor))
    }

    fn structured(structured: Structured<C>) -> Self {
        Self::Output(Output {
            content: Vec::new(),
            structured: Some(structured),
            meta: None,
        })
    }
}

impl From<Error> for Failure {
    /// A database error goes out as it came: the host words it.
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl Failure {
    /// A failure that the tool words itself.
    #[must_use]
    pub fn problem(code: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        failed(code, message.into(), Some(hint.into()))
    }

    /// An argument that the tool cannot work with.
    #[must_use]
    pub fn argument(path: &str, message: impl Into<String>) -> Self {
        Self::InvalidArguments(vec![FieldError {
            path: path.to_owned(),
            message: message.into(),
        }])
    }
}

fn failed(code: &str, message: String, hint: Option<String>) -> Failure {
    Failure::Failed(Problem {
        code: code.to_owned(),
        message,
        hint,
    })
}

impl From<Reply<db_query::Cursor>> for provider::Reply {
    fn from(reply: Reply<db_query::Cursor>) -> Self {
        match reply {
            Reply::Ask(question) => Self::Ask(question),
            Reply::Output(output) => Self::Output(provider::Output {
                content: output.content,
                structured: output.structured.map(|structured| match structured {
                    Structured::Json(json) => provider::Structured::Json(json),
                    Structured::Rows(cursor) => provider::Structured::Rows(cursor),
                }),
                meta: output.meta,
            }),
        }
    }
}
