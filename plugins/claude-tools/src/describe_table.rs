//! `describe_table`: columns, keys and relations, as the host encodes them.

use mssql_mcp_sdk::{Databases, Failure, Host, Reply, Tool, ToolInfo};
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) struct DescribeTable(pub(crate) Databases);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    /// Table or view, in any case: Orders, dbo.Orders or [Order Details].
    #[schemars(length(min = 1))]
    table_name: String,
    #[schemars(skip)]
    database: Option<String>,
}

impl<H: Host> Tool<H> for DescribeTable {
    const NAME: &'static str = "describe_table";
    type Arguments = Arguments;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading(
            "Describe a table",
            "Describes one table or view: columns with exact SQL types, nullability, defaults \
             and comments; primary key; foreign keys in both directions (what it references and \
             what references it, for joins); unique keys, checks, indexes and approximate row \
             count. Call it before writing SQL against a table. An unknown or ambiguous name \
             answers with the candidates.",
        )
        .on_databases(&self.0)
        .returns_schema(OUTPUT)
    }

    fn call(&self, host: &H, arguments: Arguments) -> Result<Reply<H::Cursor>, Failure> {
        let database = self.0.choose(arguments.database.as_deref())?;
        let table = host.resolve(database, &arguments.table_name)?;
        Ok(Reply::json_text(host.describe(database, &table)?))
    }
}

/// Of the document that `db-catalog.describe` answers.
const OUTPUT: &str = include_str!("describe_table.schema.json");
