//! Records for their pages: one row by its key, read as a `fetch` would be, with the
//! rows that it refers to.

use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value as Json;

use super::resources::encoded;
use crate::audit::{Call, Entry, Event, Figures, Outcome, Statements};
use crate::database::{
    Column, Database, Error, JsonShape, LimitKind, Options, Param, Query, TableName, Value,
    bracketed,
};
use crate::runtime::{database_problem, not_noted};
use crate::tools::{CallContext, Record, RecordField, RecordProvider, ToolError};

/// Records of the databases that a scope reads, by label.
pub(super) struct Records(pub(super) Vec<(String, Database)>);

impl Records {
    /// The label where it is not the default, the database, and the rest of the id.
    fn database<'a>(&self, id: &'a str) -> Option<(Option<String>, &Database, &'a str)> {
        let Some(labelled) = id.strip_prefix('@') else {
            return Some((None, self.0.first().map(|(_, database)| database)?, id));
        };
        let (label, rest) = labelled.split_once('/')?;
        let label = decoded(label)?;
        let (at, (_, database)) = self
            .0
            .iter()
            .enumerate()
            .find(|(_, (known, _))| *known == label)?;
        Some(((at > 0).then_some(label), database, rest))
    }

    async fn find(
        &self,
        id: &str,
        context: &CallContext,
        statements: &mut Statements,
    ) -> Result<Option<Record>, Error> {
        let Some((label, database, rest)) = self.database(id) else {
            return Ok(None);
        };
        let Some((name, key)) = parse(rest) else {
            return Ok(None);
        };
        let name = match database.resolve(&quoted(&name)).await {
            Ok(name) => name,
            Err(Error::UnknownName(_) | Error::AmbiguousName(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let description = database.describe(&name).await?;
        let table: Description = serde_json::from_str(&description)
            .map_err(|error| Error::Other(format!("the description of {name}: {error}")))?;
        let Some(query) = table.query(&name, &key, context) else {
            return Ok(None);
        };
        statements.begin(&query.sql, false);
        let mut cursor = database.query(query).await?;
        let rows = cursor.to_json(JsonShape::Arrays).await?;
        let rows: Vec<Vec<Json>> = serde_json::from_str(&rows)
            .map_err(|error| Error::Other(format!("a row of {name}: {error}")))?;
        let is_cut = cursor.truncated().is_some();
        let columns = cursor.columns().to_vec();
        let Some(row) = rows.into_iter().next() else {
            if is_cut {
                return Err(Error::Limit(LimitKind::Bytes));
            }
            return Ok(None);
        };
        let links = links(database, &table, &columns, &row).await;
        let fields = columns.into_iter().zip(row).zip(links);
        Ok(Some(Record {
            table: name.to_string(),
            key: key.join(", "),
            comment: table.comment.clone(),
            fields: fields
                .map(|((column, value), link)| RecordField {
                    comment: table.column(&column.name).and_then(|it| it.comment.clone()),
                    sql_type: table
                        .column(&column.name)
                        .map_or(column.sql_type, |it| it.r#type.clone()),
                    name: column.name,
                    value: text(&value),
                    refers_to: link.map(|link| match &label {
                        Some(label) => format!("@{}/{link}", encoded(label)),
                        None => link,
                    }),
                })
                .collect(),
            is_cut,
        }))
    }
}

impl RecordProvider for Records {
    fn record<'a>(
        &'a self,
        id: &'a str,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Option<Record>, ToolError>> {
        async move {
            context.audit.ready().map_err(not_noted)?;
            let started = Instant::now();
            let mut statements = Statements::default();
            let found = self.find(id, &context, &mut statements).await;
            let found = found.map_err(database_problem);
            let (outcome, code) = match &found {
                Ok(Some(_)) => (Outcome::Ok, None),
                Ok(None) => (Outcome::Failed, Some("not-found")),
                Err(error) => (Outcome::of_error(error.code), Some(error.code)),
            };
            let call = Call {
                figures: Some(Figures {
                    rows: u64::from(matches!(found, Ok(Some(_)))),
                    wall_us: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
                    ..Figures::default()
                }),
                statements,
                ..Call::default()
            };
            let line = Entry {
                event: Event::RecordPage,
                code: code.map(Into::into),
                ..context.entry(outcome, call)
            };
            context.audit.record_call(line).await;
            found
        }
        .boxed()
    }
}

/// As much of `db-catalog.describe` as a page needs.
#[derive(Debug, Deserialize)]
struct Description {
    comment: Option<String>,
    columns: Vec<Described>,
    primary_keys: Vec<String>,
    foreign_keys: Vec<ForeignKey>,
}

#[derive(Debug, Deserialize)]
struct Described {
    name: String,
    r#type: String,
    comment: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ForeignKey {
    columns: Vec<String>,
    references: References,
}

#[derive(Debug, Deserialize)]
struct References {
    schema: String,
    table: String,
    columns: Vec<String>,
}

impl Description {
    fn column(&self, name: &str) -> Option<&Described> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Every column; those of CLR types, whose bytes say nothing to anybody, as text.
    fn selected(&self) -> String {
        let method = |column: &Described| match &*column.r#type {
            "geometry" | "geography" => Some("STAsText"),
            "hierarchyid" => Some("ToString"),
            _ => None,
        };
        if self.columns.iter().all(|column| method(column).is_none()) {
            return "*".to_owned();
        }
        let columns = self.columns.iter().map(|column| {
            let name = bracketed(&column.name);
            match method(column) {
                Some(method) => format!("{name}.{method}() AS {name}"),
                None => name,
            }
        });
        columns.collect::<Vec<_>>().join(", ")
    }

    /// The statement for the row with that key; none where no row can have it.
    fn query(&self, name: &TableName, key: &[String], context: &CallContext) -> Option<Query> {
        if key.is_empty() || key.len() != self.primary_keys.len() {
            return None;
        }
        let mut conditions = Vec::with_capacity(key.len());
        let mut params = Vec::with_capacity(key.len());
        for (at, (column, text)) in self.primary_keys.iter().zip(key).enumerate() {
            let sql_type = &self.column(column)?.r#type;
            let value = if sql_type == "hierarchyid" {
                format!("CAST(@k{at} AS hierarchyid)")
            } else {
                format!("@k{at}")
            };
            conditions.push(format!("{} = {value}", bracketed(column)));
            params.push(Param {
                name: format!("k{at}"),
                value: typed(sql_type, text)?,
                sql_type: None,
            });
        }
        let sql = format!(
            "SELECT {} FROM {} WHERE {}",
            self.selected(),
            quoted(name),
            conditions.join(" AND ")
        );
        Some(Query {
            sql,
            params,
            options: Options {
                max_rows: Some(1),
                ..Options::default()
            },
            cancel: context.cancel.clone(),
            principal: context.principal.clone(),
        })
    }
}

/// For each column the id of the row that it refers to. A key of one column comes
/// before one of several; what is masked, NULL, or refers to something other than a
/// primary key, leads nowhere.
async fn links(
    database: &Database,
    table: &Description,
    columns: &[Column],
    row: &[Json],
) -> Vec<Option<String>> {
    let mut links = vec![None; columns.len()];
    let mut keys: Vec<&ForeignKey> = table.foreign_keys.iter().collect();
    keys.sort_by_key(|key| key.columns.len());
    let at = |name: &String| columns.iter().position(|column| column.name == *name);
    for key in keys {
        let target = TableName {
            schema: key.references.schema.clone(),
            name: key.references.table.clone(),
        };
        // Not there for who reads here: no link.
        let Ok(primary) = database.primary_key(&target).await else {
            continue;
        };
        if primary.is_empty() || primary.len() != key.references.columns.len() {
            continue;
        }
        let part = |column: &String| {
            let place = key.references.columns.iter().position(|it| it == column)?;
            let at = at(key.columns.get(place)?)?;
            if columns.get(at)?.masked {
                return None;
            }
            let value = text(row.get(at)?)?;
            // As `fetch` writes keys: blanks at the end do not count in `=`.
            Some(encoded(value.trim_end_matches(' ')))
        };
        let Some(parts) = primary.iter().map(part).collect::<Option<Vec<_>>>() else {
            continue;
        };
        let id = format!(
            "{}.{}/{}",
            encoded(&target.schema),
            encoded(&target.name),
            parts.join(",")
        );
        for place in key.columns.iter().filter_map(at) {
            if let Some(link) = links.get_mut(place)
                && link.is_none()
            {
                *link = Some(id.clone());
            }
        }
    }
    links
}

/// `schema.table/key[,key…]`; split before decoding, for names and keys may have
/// points, slashes and commas of their own.
fn parse(id: &str) -> Option<(TableName, Vec<String>)> {
    let (table, key) = id.split_once('/')?;
    let (schema, name) = table.split_once('.')?;
    let name = TableName {
        schema: decoded(schema)?,
        name: decoded(name)?,
    };
    let key = key.split(',').map(decoded).collect::<Option<_>>()?;
    Some((name, key))
}

fn decoded(text: &str) -> Option<String> {
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

fn quoted(name: &TableName) -> String {
    format!("{}.{}", bracketed(&name.schema), bracketed(&name.name))
}

/// A key's text as its column's type, so that the index serves.
fn typed(sql_type: &str, text: &str) -> Option<Value> {
    let base = sql_type.split('(').next().unwrap_or_default().trim();
    Some(match base {
        "tinyint" | "smallint" | "int" | "bigint" => Value::Int(text.parse().ok()?),
        "bit" => Value::Bit(matches!(text, "1" | "true")),
        "decimal" | "numeric" | "money" | "smallmoney" => Value::Decimal(text.to_owned()),
        "uniqueidentifier" => Value::Uuid(text.to_owned()),
        _ => Value::Text(text.to_owned()),
    })
}

fn text(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;

    #[test]
    fn an_id_is_split_before_it_is_decoded() {
        let (name, key) = parse("dbo.Order%2E%20Details%2F%5D/a%2Cb%2F%25,-7").unwrap();
        assert_eq!(quoted(&name), "[dbo].[Order. Details/]]]");
        assert_eq!(key, ["a,b/%", "-7"]);
        for id in ["", "dbo.Orders", "Orders/1", "dbo.Orders/%ff"] {
            assert_eq!(parse(id), None, "{id}");
        }
    }

    #[test]
    fn a_key_that_no_row_can_have_asks_nothing() {
        let table: Description = serde_json::from_str(
            r#"{"comment": null, "columns": [{"name": "a]", "type": "int", "comment": null}],
                "primary_keys": ["a]"], "foreign_keys": []}"#,
        )
        .unwrap();
        let name = TableName {
            schema: "dbo".to_owned(),
            name: "t".to_owned(),
        };
        let context = CallContext::new("claude", None, CancellationToken::new());
        let query = |key: &[&str]| {
            let key: Vec<String> = key.iter().map(|part| (*part).to_owned()).collect();
            table.query(&name, &key, &context)
        };
        assert_eq!(
            query(&["7"]).unwrap().sql,
            "SELECT * FROM [dbo].[t] WHERE [a]]] = @k0"
        );
        assert!(query(&["x"]).is_none());
        assert!(query(&["1", "2"]).is_none());
    }
}
