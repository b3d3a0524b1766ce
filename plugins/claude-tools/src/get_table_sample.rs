//! `get_table_sample`: the first rows of a table.

use mssql_mcp_sdk::{Databases, Failure, Host, JsonShape, Reply, Tool, ToolInfo, quote_table, sql};
use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) struct GetTableSample(pub(crate) Databases);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    /// Table or view, in any case: Orders, dbo.Orders or [Order Details].
    #[schemars(length(min = 1))]
    table_name: String,
    /// How many rows.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: u32,
    #[schemars(skip)]
    database: Option<String>,
}

impl<H: Host> Tool<H> for GetTableSample {
    const NAME: &'static str = "get_table_sample";
    type Arguments = Arguments;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading(
            "Sample a table",
            "Returns up to `limit` rows (10 unless told, at most 100) of one table or view with \
             all columns, in no particular order, to see what the values look like (places and \
             hierarchies as text). The result \
             has the shape of execute_sql: {\"columns\", \"results\", \"row_count\", \
             \"truncated\"}. An unknown or ambiguous name answers with the candidates.",
        )
        .on_databases(&self.0)
        .returns_rows(JsonShape::Objects)
    }

    fn call(&self, host: &H, arguments: Arguments) -> Result<Reply<H::Cursor>, Failure> {
        let Arguments {
            table_name,
            limit,
            database,
        } = arguments;
        let database = self.0.choose(database.as_deref())?;
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Failure::argument(
                "/limit",
                format!("{limit} is not between 1 and {MAX_LIMIT}."),
            ));
        }
        let table = host.resolve(database, &table_name)?;
        let columns = sql::columns(&host.describe(database, &table)?);
        let columns = columns
            .iter()
            .map(|(name, ty)| (name.as_str(), ty.as_str()));
        let sql = format!(
            "SELECT TOP ({limit}) {} FROM {}",
            sql::whole_rows("", columns),
            quote_table(&table)
        );
        Ok(Reply::rows(host.query(database, &sql, &[], None)?))
    }
}

fn default_limit() -> u32 {
    10
}

const MAX_LIMIT: u32 = 100;
