//! `list_tables`: what is there.

use mssql_mcp_sdk::{Databases, Failure, Host, Reply, Tool, ToolInfo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) struct ListTables(pub(crate) Databases);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    #[schemars(skip)]
    database: Option<String>,
}

impl<H: Host> Tool<H> for ListTables {
    const NAME: &'static str = "list_tables";
    type Arguments = Arguments;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading(
            "List tables",
            "Lists every table and view that can be queried, with schema, name, type, \
             approximate row count and comment. Call it first; then describe_table for the \
             columns of the tables that matter.",
        )
        .on_databases(&self.0)
        .returns::<Tables>()
    }

    fn call(&self, host: &H, arguments: Arguments) -> Result<Reply<H::Cursor>, Failure> {
        let database = self.0.choose(arguments.database.as_deref())?;
        let tables: Vec<Entry> = host
            .tables(database)?
            .into_iter()
            .map(|table| Entry {
                schema: table.name.schema,
                name: table.name.name,
                kind: table.kind,
                rows: table.approximate_rows,
                comment: table.comment,
            })
            .collect();
        Reply::json(&Tables {
            count: tables.len(),
            tables,
        })
    }
}

#[derive(Serialize, JsonSchema)]
struct Tables {
    tables: Vec<Entry>,
    /// Number of entries in `tables`.
    count: usize,
}

#[derive(Serialize, JsonSchema)]
struct Entry {
    /// Schema, such as dbo.
    schema: String,
    /// Name without quoting; SQL wants it in brackets where it has blanks or is a keyword.
    name: String,
    /// "table" or "view".
    #[serde(rename = "type")]
    kind: String,
    /// Rows according to the server's statistics; null where it keeps none (views).
    rows: Option<u64>,
    /// The comment on the table in the database.
    comment: Option<String>,
}
