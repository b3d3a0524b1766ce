//! From rows to hits.

use mssql_mcp_sdk::{
    Column, Cursor, DEFAULT_DATABASE, Error, Host, Options, TableName, Value, text_param,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::catalogue::Table;
use crate::fetch::{Document, remember};
use crate::id::{self, QueryRow};
use crate::record;
use crate::settings::Settings;

/// The result of a search.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Results {
    /// Hits, best first; empty when nothing was found.
    pub(crate) results: Vec<Hit>,
    /// What was searched, in order.
    pub(crate) searched: Vec<String>,
    /// What to know about the results.
    pub(crate) note: String,
}

/// One hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Hit {
    /// What fetch takes.
    pub(crate) id: String,
    pub(crate) title: String,
    /// The beginning of the record.
    pub(crate) text: String,
    /// A page for people, or "".
    pub(crate) url: String,
}

/// Rows that were read.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Value>>,
    /// There are more.
    pub(crate) cut: bool,
}

/// Where rows came from, as far as their ids need it.
pub(crate) struct Source<'a> {
    /// The table they are rows of.
    pub(crate) table: Option<&'a Table>,
    /// They have all of its columns.
    pub(crate) whole: bool,
    pub(crate) sql: &'a str,
    pub(crate) params: &'a [(String, String)],
}

/// Runs a statement and reads at most `most` rows.
pub(crate) fn read<H: Host>(
    host: &H,
    sql: &str,
    params: &[(String, String)],
    most: u32,
    timeout_ms: Option<u32>,
) -> Result<Rows, Error> {
    let params: Vec<_> = params
        .iter()
        .map(|(name, value)| text_param(name, value))
        .collect();
    let options = Options {
        // One more tells whether there are more.
        max_rows: Some(most.saturating_add(1)),
        max_bytes: None,
        timeout_ms,
        cache_ttl_ms: None,
    };
    let cursor = host.query(DEFAULT_DATABASE, sql, &params, Some(options))?;
    let wanted = usize::try_from(most).unwrap_or(usize::MAX);
    let mut rows = Vec::new();
    while rows.len() <= wanted {
        let batch = cursor.next(most.saturating_add(1))?;
        let none = batch.rows.is_empty();
        rows.extend(batch.rows);
        if batch.done || none {
            break;
        }
    }
    let cut = rows.len() > wanted || cursor.truncated().is_some();
    rows.truncate(wanted);
    Ok(Rows {
        columns: cursor.columns(),
        rows,
        cut,
    })
}

/// Hits for rows, with ids that fetch can find again: by key where the key is
/// there, else by the statement.
pub(crate) fn hits<H: Host>(
    host: &H,
    settings: &Settings,
    source: &Source<'_>,
    rows: &Rows,
) -> Vec<Hit> {
    let key = source.table.and_then(|table| positions(&table.key, rows));
    rows.rows
        .iter()
        .enumerate()
        .filter_map(|(index, row)| {
            let keyed = source.table.zip(key.as_ref()).and_then(|(table, key)| {
                let values: Vec<&Value> = key.iter().filter_map(|&at| row.get(at)).collect();
                let id = id::of_row(&table.name, &values)?;
                let url = settings.url(&table.name, &id::encode_key(&values)?);
                Some((id, url))
            });
            let by_key = keyed.is_some();
            let (id, url) = match keyed {
                Some(found) => found,
                None => (
                    id::of_query(host, &query_row(source, row, index)?)?,
                    String::new(),
                ),
            };
            let title = title(source.table, rows, row);
            if by_key && source.whole {
                let table = source.table.map(|table| &table.name);
                let document = Document::of_row(&id, &title, &url, table, &rows.columns, row);
                remember(host, settings, &id, &document);
            }
            Some(Hit {
                id,
                title,
                text: record::snippet(&rows.columns, row),
                url,
            })
        })
        .collect()
}

/// The hit for a table itself.
pub(crate) fn table_hit(table: &TableName, text: String) -> Hit {
    Hit {
        id: id::of_table(table),
        title: format!("{}.{}", table.schema, table.name),
        text,
        url: String::new(),
    }
}

/// What a row is called: its table and its name, or its first values.
pub(crate) fn title(table: Option<&Table>, rows: &Rows, row: &[Value]) -> String {
    let value = |name: &str| {
        let at = position(name, rows)?;
        row.get(at)
            .filter(|value| **value != Value::Null)
            .map(record::text)
    };
    let (name, parts): (&str, Vec<String>) = match table {
        Some(table) => {
            let names = table
                .label()
                .into_iter()
                .map(|column| &column.name)
                .filter(|label| !table.key.contains(*label));
            let labels: Vec<String> = names.filter_map(|name| value(name)).collect();
            let key: Vec<String> = table.key.iter().filter_map(|name| value(name)).collect();
            let parts = [key.join(", "), labels.join(" ")];
            (
                &table.name.name,
                parts.into_iter().filter(|part| !part.is_empty()).collect(),
            )
        }
        None => ("", Vec::new()),
    };
    let mut title = if parts.is_empty() {
        row.iter()
            .take(3)
            .map(record::text)
            .collect::<Vec<_>>()
            .join(" · ")
    } else {
        format!("{name} {}", parts.join(": "))
    };
    record::truncate(&mut title, TITLE);
    title
}

/// Removes hits whose id came before. They are few: a set of hashes would cost
/// the component its only call for random numbers.
pub(crate) fn without_repeats(hits: Vec<Hit>) -> Vec<Hit> {
    let mut distinct: Vec<Hit> = Vec::with_capacity(hits.len());
    for hit in hits {
        if distinct.iter().all(|earlier| earlier.id != hit.id) {
            distinct.push(hit);
        }
    }
    distinct
}

fn query_row(source: &Source<'_>, row: &[Value], index: usize) -> Option<QueryRow> {
    Some(QueryRow {
        sql: source.sql.to_owned(),
        params: source.params.to_vec(),
        index: u32::try_from(index).ok()?,
        fingerprint: id::fingerprint(row),
    })
}

/// Where the key's columns are; `None` when it has none or they are not all there.
fn positions(key: &[String], rows: &Rows) -> Option<Vec<usize>> {
    if key.is_empty() {
        return None;
    }
    key.iter().map(|name| position(name, rows)).collect()
}

fn position(name: &str, rows: &Rows) -> Option<usize> {
    rows.columns
        .iter()
        .position(|column| column.name.eq_ignore_ascii_case(name) && !column.masked)
}

/// Bytes of a title.
const TITLE: usize = 160;
