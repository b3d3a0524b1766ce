//! Single records of a scope's databases, for pages that people open from a citation.

use futures_util::future::BoxFuture;

use super::{CallContext, ToolError};

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Schema and name of its table.
    pub table: String,
    /// Its key as text, parts apart by commas.
    pub key: String,
    /// The comment on the table.
    pub comment: Option<String>,
    /// Its columns, in their order.
    pub fields: Vec<RecordField>,
    /// Part of a value was too long to be read.
    pub is_cut: bool,
}

/// One column of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordField {
    /// The column.
    pub name: String,
    /// Its SQL type.
    pub sql_type: String,
    /// The comment on the column.
    pub comment: Option<String>,
    /// None for NULL.
    pub value: Option<String>,
    /// Id of the record that it refers to.
    pub refers_to: Option<String>,
}

/// Where records come from.
pub trait RecordProvider: Send + Sync {
    /// The record of that id, as the principal of `context` sees it; `None` when there
    /// is none. An id is `schema.table/key[,key…]`, its parts percent-encoded, with
    /// `@label/` before it where the database is not the scope's first.
    fn record<'a>(
        &'a self,
        id: &'a str,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Option<Record>, ToolError>>;
}
