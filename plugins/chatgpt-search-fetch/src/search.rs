//! `search`: commands, SQL, or a question in words.

use mssql_mcp_sdk::{
    DEFAULT_DATABASE, Databases, Error, Failure, Host, LimitKind, On, Reply, TableName, Tool,
    ToolInfo, quote_table,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answer::{self, Hit, Results, Source, hits, table_hit, without_repeats};
use crate::catalogue::{Catalogue, Table};
use crate::command::{self, Command};
use crate::fetch::describe;
use crate::id;
use crate::plan::{Gives, Plan, Statement, plan};
use crate::question::Question;
use crate::record::DATA_NOTE;
use crate::settings::Settings;
use crate::sql_text::SingleTable;

pub(crate) struct Search(pub(crate) Databases);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    /// "list tables", "describe Customers", "sample Orders limit 10", one T-SQL
    /// SELECT, or a question in English or Spanish.
    #[schemars(length(min = 1))]
    query: String,
    #[schemars(skip)]
    database: Option<String>,
}

impl<H: Host> Tool<H> for Search {
    const NAME: &'static str = "search";
    type Arguments = Arguments;

    fn info(&self) -> ToolInfo {
        ToolInfo::reading(
            "Search the database",
            "Searches a Microsoft SQL Server database, read-only. `query` is one of: \"list \
             tables\"; \"describe T\" (columns and keys of a table); \"sample T limit N\" (some \
             rows); one T-SQL SELECT, such as SELECT TOP 10 * FROM dbo.Orders ORDER BY OrderDate \
             DESC; or a question in English or Spanish, such as \"top 10 customers by revenue\" \
             or \"pedidos retrasados a Berlín\". Returns {\"results\": [{\"id\", \"title\", \
             \"text\", \"url\"}], \"searched\"}; give an id to fetch for the whole record. \
             `searched` says what was looked at. For exact figures prefer SQL. Statements that \
             write are refused.",
        )
        .on_databases(&self.0)
        .returns::<Results>()
    }

    fn call(&self, host: &H, arguments: Arguments) -> Result<Reply<H::Cursor>, Failure> {
        let database = self.0.choose(arguments.database.as_deref())?;
        let settings = Settings::of(host, database);
        let host = &On::new(host, database);
        let query = arguments.query.as_str();
        let mut results = match command::parse(query) {
            Command::ListTables => list_tables(host, &settings)?,
            Command::Describe(name) => match host.resolve(DEFAULT_DATABASE, name) {
                Ok(table) => describe_table(host, table)?,
                Err(error) => words_or(host, &settings, query, name, error)?,
            },
            Command::Sample { table: name, limit } => match host.resolve(DEFAULT_DATABASE, name) {
                Ok(table) => sample(host, &settings, table, limit)?,
                Err(error) => words_or(host, &settings, query, name, error)?,
            },
            Command::Sql(sql) => run_sql(host, &settings, sql)?,
            Command::Words("") => {
                return Err(Failure::argument("/query", "The query is empty."));
            }
            Command::Words(words) => ask(host, &settings, words)?,
        };
        let most = usize::try_from(settings.max_results).unwrap_or(usize::MAX);
        results.results.truncate(most);
        for hit in &mut results.results {
            hit.id = id::on(database, std::mem::take(&mut hit.id));
        }
        if results.note.is_empty() {
            DATA_NOTE.clone_into(&mut results.note);
        }
        Reply::json(&results)
    }
}

/// "sample orders" names a table or fails; "sample late orders" is a question.
fn words_or<H: Host>(
    host: &H,
    settings: &Settings,
    query: &str,
    name: &str,
    error: Error,
) -> Result<Results, Failure> {
    let sentence = name.contains(' ') && !name.contains('[');
    if sentence && matches!(error, Error::UnknownName(_)) {
        ask(host, settings, query)
    } else {
        Err(error.into())
    }
}

fn list_tables<H: Host>(host: &H, settings: &Settings) -> Result<Results, Failure> {
    let tables = host.tables(DEFAULT_DATABASE)?;
    let most = usize::try_from(settings.max_results).unwrap_or(usize::MAX);
    let mut results = Results {
        searched: vec!["the list of tables".to_owned()],
        ..Results::default()
    };
    if tables.len() > most {
        results.note = format!("The first {most} of {} tables. {DATA_NOTE}", tables.len());
    }
    results.results = tables
        .into_iter()
        .take(most)
        .map(|table| {
            let mut text = table.kind;
            if let Some(rows) = table.approximate_rows {
                text.push_str(&format!(", about {rows} rows"));
            }
            if let Some(comment) = table.comment {
                text.push_str(&format!(". {comment}"));
            }
            table_hit(&table.name, text)
        })
        .collect();
    Ok(results)
}

fn describe_table<H: Host>(host: &H, table: TableName) -> Result<Results, Failure> {
    let table = Table::read(host, table)?;
    Ok(Results {
        searched: vec![format!("the description of {}", table.name.name)],
        results: vec![table_hit(&table.name, describe(&table))],
        note: String::new(),
    })
}

fn sample<H: Host>(
    host: &H,
    settings: &Settings,
    table: TableName,
    limit: Option<u32>,
) -> Result<Results, Failure> {
    let table = Table::read(host, table)?;
    let limit = limit.unwrap_or(SAMPLE).clamp(1, settings.max_results);
    let sql = format!(
        "SELECT TOP ({limit}) {} FROM {}",
        table.whole_rows(""),
        quote_table(&table.name)
    );
    let rows = answer::read(host, &sql, &[], limit, None)?;
    let source = Source {
        table: Some(&table),
        whole: true,
        sql: &sql,
        params: &[],
    };
    Ok(Results {
        results: hits(host, settings, &source, &rows),
        searched: vec![format!("rows of {}.{}", table.name.schema, table.name.name)],
        note: String::new(),
    })
}

fn run_sql<H: Host>(host: &H, settings: &Settings, sql: &str) -> Result<Results, Failure> {
    let rows = answer::read(host, sql, &[], settings.max_results, None)?;
    // Only now: a statement that is refused should cost nothing more.
    let table = SingleTable::of(sql).and_then(|single| {
        let name = host.resolve(DEFAULT_DATABASE, &single.table).ok()?;
        let table = Table::read(host, name).ok()?;
        table
            .key
            .iter()
            .all(|key| single.shows(key))
            .then_some(table)
    });
    let source = Source {
        table: table.as_ref(),
        whole: false,
        sql,
        params: &[],
    };
    Ok(Results {
        results: hits(host, settings, &source, &rows),
        searched: vec!["the statement".to_owned()],
        note: if rows.cut {
            format!(
                "Only the first {} rows; aggregate or filter for the rest. {DATA_NOTE}",
                settings.max_results
            )
        } else {
            String::new()
        },
    })
}

fn ask<H: Host>(host: &H, settings: &Settings, words: &str) -> Result<Results, Failure> {
    let catalogue = Catalogue::read(host)?;
    let question = Question::parse(words);
    let plan = plan(&question, &catalogue, settings.max_results);
    let mut results = run(host, settings, &catalogue, &plan)?;
    if results.results.is_empty() && results.note.is_empty() {
        NOTHING.clone_into(&mut results.note);
    }
    let mut tables: Vec<Hit> = plan
        .tables
        .iter()
        .filter_map(|&index| catalogue.tables.get(index))
        .take(TABLES)
        .map(|table| table_hit(&table.name, describe(table)))
        .collect();
    if plan.about_tables {
        tables.append(&mut results.results);
        results.results = tables;
    } else {
        results.results.append(&mut tables);
    }
    results.searched.push(match catalogue.left_out {
        0 => "names of tables and columns".to_owned(),
        others => format!(
            "names of tables and columns, but for {others} of {} tables, which SQL alone reaches",
            others + catalogue.tables.len()
        ),
    });
    results.results = without_repeats(results.results);
    Ok(results)
}

/// Runs the plan until there is enough, or time or statements run out.
fn run<H: Host>(
    host: &H,
    settings: &Settings,
    catalogue: &Catalogue,
    plan: &Plan,
) -> Result<Results, Failure> {
    let mut results = Results::default();
    let mut left = STATEMENTS;
    for step in &plan.steps {
        if results.results.len() >= ENOUGH {
            break;
        }
        for statement in &step.attempts {
            if left == 0 || host.remaining_ms() < RESERVE_MS {
                results.note = format!("Not everything was searched for want of time. {DATA_NOTE}");
                return Ok(results);
            }
            left -= 1;
            match find(host, settings, catalogue, statement) {
                Ok(found) => {
                    results.searched.push(statement.says.clone());
                    if !found.is_empty() {
                        results.results.extend(found);
                        break;
                    }
                }
                Err(error) if ends_the_search(&error) => return Err(error.into()),
                Err(error) => results.searched.push(format!(
                    "{}: not searched ({})",
                    statement.says,
                    why(&error)
                )),
            }
        }
    }
    results.searched.dedup();
    Ok(results)
}

fn find<H: Host>(
    host: &H,
    settings: &Settings,
    catalogue: &Catalogue,
    statement: &Statement,
) -> Result<Vec<Hit>, Error> {
    let most = settings.max_results;
    let rows = answer::read(host, &statement.sql, &statement.params, most, Some(EACH_MS))?;
    let table = match statement.gives {
        Gives::Rows(table) | Gives::Ranked(table) => catalogue.tables.get(table),
        Gives::Aggregate => None,
    };
    let source = Source {
        table,
        whole: matches!(statement.gives, Gives::Rows(_)),
        sql: &statement.sql,
        params: &statement.params,
    };
    Ok(hits(host, settings, &source, &rows))
}

/// Errors that the next statement would meet too.
fn ends_the_search(error: &Error) -> bool {
    matches!(
        error,
        Error::Busy
            | Error::Unavailable(_)
            | Error::Cancelled
            | Error::Limit(LimitKind::Concurrency)
    )
}

fn why(error: &Error) -> &str {
    match error {
        Error::Denied(denial) => &denial.message,
        Error::Unsupported(message)
        | Error::InvalidStatement(message)
        | Error::Other(message)
        | Error::Unavailable(message) => message,
        Error::Server(server) => &server.message,
        Error::Limit(_) => "a limit",
        _ => "an error",
    }
}

/// A question without an answer in the data; tables may follow all the same.
const NOTHING: &str = "No row matches. For other ways to look, describe a table or write a SELECT.";
/// Rows of a sample, unless told.
const SAMPLE: u32 = 10;
/// Statements for one question.
const STATEMENTS: u32 = 32;
/// Hits after which farther tables are not searched.
const ENOUGH: usize = 5;
/// Tables listed after the rows.
const TABLES: usize = 5;
/// Time of one statement.
const EACH_MS: u32 = 5_000;
/// Time kept for the answer.
const RESERVE_MS: u64 = 500;
