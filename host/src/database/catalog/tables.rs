//! Tables and views of the database.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Kept;
use super::list::Tables;
use super::rows::Cells;
use crate::database::error::Error;
use crate::database::{Inner, query};

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Schema and name.
    pub name: TableName,
    /// `table` or `view`.
    pub kind: &'static str,
    /// Rows by the server's partition statistics; none for views.
    pub approximate_rows: Option<u64>,
    /// `MS_Description`.
    pub comment: Option<String>,
    pub(in crate::database) object_id: i64,
    /// Whether the log-in means it by the bare name.
    pub(in crate::database) in_default_schema: bool,
}

/// Schema and name of a table or view, without quoting.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    /// `dbo` …
    pub schema: String,
    /// `Order Details` …
    pub name: String,
}

impl fmt::Display for TableName {
    /// As T-SQL reads it: a part is in brackets where it needs them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        part(f, &self.schema)?;
        f.write_str(".")?;
        part(f, &self.name)
    }
}

fn part(f: &mut fmt::Formatter<'_>, part: &str) -> fmt::Result {
    let plain = part
        .chars()
        .all(|letter| letter.is_alphanumeric() || letter == '_')
        && !part.starts_with(|first: char| first.is_ascii_digit());
    if plain {
        f.write_str(part)
    } else {
        f.write_str(&bracketed(part))
    }
}

/// A name as T-SQL reads it whatever it is.
pub fn bracketed(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// All of them by schema and name, as they were no longer ago than `age`.
pub(in crate::database) async fn newer(inner: &Inner, age: Duration) -> Result<Arc<Tables>, Error> {
    let cache = &inner.catalog;
    let listed = cache.list(age, Instant::now());
    cache.tally.count(listed.is_some());
    if let Some(tables) = listed {
        return Ok(tables);
    }
    let _turn = cache.reading.lock().await;
    // Another call may have read it meanwhile.
    let at = Instant::now();
    if let Some(tables) = cache.list(age, at) {
        return Ok(tables);
    }
    let sets = query::internal(inner, TABLES, Vec::new()).await?;
    let list = sets.into_iter().flatten().filter_map(table).collect();
    let tables = Arc::new(Tables::new(list));
    cache.list.store(Some(Arc::new(Kept {
        at,
        tables: Arc::clone(&tables),
    })));
    Ok(tables)
}

fn table(row: Vec<tiberius::ColumnData<'static>>) -> Option<Table> {
    let mut cells = Cells::new(row);
    let object_id = cells.number()?;
    let schema = cells.text()?;
    let name = cells.text()?;
    let kind = if cells.text()? == "V" {
        "view"
    } else {
        "table"
    };
    let rows = cells.number();
    Some(Table {
        name: TableName { schema, name },
        kind,
        approximate_rows: rows.and_then(|rows| u64::try_from(rows).ok()),
        comment: cells.text(),
        object_id,
        in_default_schema: cells.number() == Some(1),
    })
}

/// Heaps have index 0, clustered tables index 1; each partition is a row.
const TABLES: &str = "\
SELECT o.object_id, s.name, o.name, o.type, p.row_count, CAST(e.value AS nvarchar(4000)),
       CASE WHEN s.name = SCHEMA_NAME() THEN 1 ELSE 0 END
FROM (SELECT object_id, schema_id, name, type FROM sys.tables WHERE is_ms_shipped = 0
      UNION ALL
      SELECT object_id, schema_id, name, type FROM sys.views WHERE is_ms_shipped = 0) AS o
JOIN sys.schemas AS s ON s.schema_id = o.schema_id
LEFT JOIN (SELECT object_id, SUM(rows) AS row_count FROM sys.partitions
           WHERE index_id IN (0, 1) GROUP BY object_id) AS p ON p.object_id = o.object_id
LEFT JOIN sys.extended_properties AS e
  ON e.class = 1 AND e.major_id = o.object_id AND e.minor_id = 0 AND e.name = N'MS_Description'
ORDER BY s.name, o.name";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted_where_t_sql_needs_it() {
        let name = |schema: &str, name: &str| {
            TableName {
                schema: schema.into(),
                name: name.into(),
            }
            .to_string()
        };
        assert_eq!(name("dbo", "Orders"), "dbo.Orders");
        assert_eq!(name("dbo", "Order Details"), "dbo.[Order Details]");
        assert_eq!(name("a]b", "1x"), "[a]]b].[1x]");
    }
}
