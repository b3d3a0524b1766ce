//! `execute_sql`: one statement of the model's own. The rows of a SELECT go
//! from the database to the client without entering the guest.

use mssql_mcp_sdk::statement::{Verb, verb};
use mssql_mcp_sdk::{DEFAULT_DATABASE, Execute, Failure, Host, JsonShape, Reply, Tool, ToolInfo};
use schemars::JsonSchema;
use serde::Deserialize;

/// In `claude-tools`: everything goes to `query`, and what is no SELECT is
/// refused there with a reason.
pub(crate) struct ReadSql;

/// In `claude-tools-write`: changes go to `execute`.
pub(crate) struct ReadWriteSql;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    /// One T-SQL SELECT, common table expressions included. No second
    /// statement, no variables.
    #[schemars(length(min = 1))]
    query: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Statement {
    /// One T-SQL statement: SELECT, INSERT, UPDATE, DELETE or MERGE. No second
    /// statement, no variables.
    #[schemars(length(min = 1))]
    query: String,
}

impl<H: Host> Tool<H> for ReadSql {
    const NAME: &'static str = "execute_sql";
    type Arguments = Query;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading("Run a SQL query", format!("{READING} {DIALECT} {REFUSED}"))
            .returns_rows(JsonShape::Objects)
    }

    fn call(&self, host: &H, arguments: Query) -> Result<Reply<H::Cursor>, Failure> {
        rows(host, &arguments.query)
    }
}

impl<H: Execute> Tool<H> for ReadWriteSql {
    const NAME: &'static str = "execute_sql";
    type Arguments = Statement;

    fn info(&self) -> ToolInfo {
        ToolInfo::writing(
            "Run a SQL statement",
            format!("{READING} {CHANGING} {DIALECT}"),
        )
        .returns_schema(ROWS_OR_COUNT)
    }

    fn call(&self, host: &H, arguments: Statement) -> Result<Reply<H::Cursor>, Failure> {
        if verb(&arguments.query) != Some(Verb::Change) {
            return rows(host, &arguments.query);
        }
        let affected = host.execute(DEFAULT_DATABASE, &arguments.query, &[])?;
        Ok(Reply::json_text(format!(
            "{{\"rows_affected\":{affected}}}"
        )))
    }
}

fn rows<H: Host>(host: &H, sql: &str) -> Result<Reply<H::Cursor>, Failure> {
    if sql.trim().is_empty() {
        return Err(Failure::argument("/query", "The statement is empty."));
    }
    Ok(Reply::rows(host.query(DEFAULT_DATABASE, sql, &[], None)?))
}

const READING: &str = "Runs one T-SQL SELECT (WITH … SELECT too) against Microsoft SQL Server \
    and returns {\"columns\", \"results\", \"row_count\", \"truncated\"}: the rows as objects by \
    column name; decimals and money are exact strings, dates ISO 8601 strings, NULL is null. \
    Rows and bytes are capped: `truncated` names the limit that cut the result, or is null. To \
    page, ORDER BY a unique key and use OFFSET n ROWS FETCH NEXT m ROWS ONLY; for totals use \
    COUNT, SUM or GROUP BY instead of reading all rows.";

const CHANGING: &str = "An INSERT, UPDATE, DELETE or MERGE runs in its own transaction and \
    returns {\"rows_affected\"}; above the limit of affected rows it is rolled back. DDL, EXEC, \
    several statements, variables and transactions are refused with a reason.";

const DIALECT: &str = "Dialect: TOP (10) instead of LIMIT; [Order Details] for names with \
    blanks; 'text' or N'text' with '' for a quote; GETDATE(), DATEADD, DATEDIFF, YEAR(); \
    ISNULL or COALESCE; + or CONCAT; STRING_AGG. Qualify tables as schema.name. Check names \
    with describe_table first.";

const REFUSED: &str = "Read-only: anything but a single SELECT (INSERT, UPDATE, DELETE, DDL, \
    EXEC, several statements, SELECT INTO, other databases, locking hints) is refused with the \
    reason and the nearest form that passes.";

/// No `anyOf` at the root: which properties are there follows from the verb.
const ROWS_OR_COUNT: &str = include_str!("execute_sql.schema.json");
