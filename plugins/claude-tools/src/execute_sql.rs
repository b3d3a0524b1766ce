//! `execute_sql`: one statement of the model's own. The rows of a SELECT go
//! from the database to the client without entering the guest.

use mssql_mcp_sdk::statement::{Verb, verb};
use mssql_mcp_sdk::{Databases, Execute, Failure, Host, Reply, Tool, ToolInfo};
use schemars::JsonSchema;
use serde::Deserialize;

/// In `claude-tools`: everything goes to `query`, and what is no SELECT is
/// refused there with a reason.
pub(crate) struct ReadSql(pub(crate) Databases);

/// In `claude-tools-write`: changes go to `execute`.
pub(crate) struct ReadWriteSql(pub(crate) Databases);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    /// One T-SQL SELECT, common table expressions included. No second
    /// statement, no variables.
    #[schemars(length(min = 1))]
    query: String,
    /// Of a SELECT: which page of its rows, from 1. ORDER BY a unique key, so that
    /// pages fit together.
    #[schemars(range(min = 1))]
    page: Option<u32>,
    /// Of a SELECT: rows on a page; 100 unless told, at most the limit of rows.
    #[schemars(range(min = 1))]
    page_size: Option<u32>,
    #[schemars(skip)]
    database: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Statement {
    /// One T-SQL statement: SELECT, INSERT, UPDATE, DELETE or MERGE. No second
    /// statement, no variables.
    #[schemars(length(min = 1))]
    query: String,
    /// Of a SELECT: which page of its rows, from 1. ORDER BY a unique key, so that
    /// pages fit together.
    #[schemars(range(min = 1))]
    page: Option<u32>,
    /// Of a SELECT: rows on a page; 100 unless told, at most the limit of rows.
    #[schemars(range(min = 1))]
    page_size: Option<u32>,
    #[schemars(skip)]
    database: Option<String>,
}

impl<H: Host> Tool<H> for ReadSql {
    const NAME: &'static str = "execute_sql";
    type Arguments = Query;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading("Run a SQL query", format!("{READING} {DIALECT} {REFUSED}"))
            .on_databases(&self.0)
            .returns_schema(ROWS)
    }

    fn call(&self, host: &H, arguments: Query) -> Result<Reply<H::Cursor>, Failure> {
        let database = self.0.choose(arguments.database.as_deref())?;
        let page = Page::of(arguments.page, arguments.page_size);
        rows(host, database, &arguments.query, page)
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
        .on_databases(&self.0)
        .returns_schema(ROWS_OR_COUNT)
    }

    fn call(&self, host: &H, arguments: Statement) -> Result<Reply<H::Cursor>, Failure> {
        let database = self.0.choose(arguments.database.as_deref())?;
        let page = Page::of(arguments.page, arguments.page_size);
        if verb(&arguments.query) != Some(Verb::Change) {
            return rows(host, database, &arguments.query, page);
        }
        if page.is_some() {
            return Err(Failure::argument(
                "/page",
                "a statement that changes data has no pages; leave page and page_size away",
            ));
        }
        let affected = host.execute(database, &arguments.query, &[])?;
        Ok(Reply::json_text(format!(
            "{{\"rows_affected\":{affected}}}"
        )))
    }
}

/// A page that the caller asked for.
#[derive(Clone, Copy)]
struct Page {
    number: u32,
    size: Option<u32>,
}

impl Page {
    /// A size alone asks for the first page.
    fn of(number: Option<u32>, size: Option<u32>) -> Option<Self> {
        (number.is_some() || size.is_some()).then(|| Self {
            number: number.unwrap_or(1),
            size,
        })
    }
}

fn rows<H: Host>(
    host: &H,
    database: &str,
    sql: &str,
    page: Option<Page>,
) -> Result<Reply<H::Cursor>, Failure> {
    if sql.trim().is_empty() {
        return Err(Failure::argument("/query", "The statement is empty."));
    }
    let cursor = match page {
        None => host.query(database, sql, &[], None)?,
        Some(Page { number, size }) => host.query_page(database, sql, &[], None, number, size)?,
    };
    Ok(Reply::rows(cursor))
}

const READING: &str = "Runs one T-SQL SELECT (WITH … SELECT too) against Microsoft SQL Server \
    and returns {\"columns\", \"results\", \"row_count\", \"truncated\"}: the rows as objects by \
    column name; decimals and money are exact strings, dates ISO 8601 strings, NULL is null. \
    Rows and bytes are capped: `truncated` names the limit that cut the result, or is null. For \
    more, ORDER BY a unique key and ask for page 1, 2 … of page_size rows: `pagination.has_more` \
    says whether rows follow (where bytes cut a page, ask again with a smaller page_size). For \
    totals use COUNT, SUM or GROUP BY instead of reading all rows.";

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

const ROWS: &str = include_str!("execute_sql.rows.schema.json");
/// No `anyOf` at the root: which properties are there follows from the verb.
const ROWS_OR_COUNT: &str = include_str!("execute_sql.schema.json");
