//! Exact column types. The driver hands on a column's type token without
//! length, precision or nullability, so a statement that was not seen lately
//! asks the server to describe it, in the same round trip.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use tiberius::{ColumnData, CommandItem, CommandStream, Row};

use super::convert::Described;
use super::error::Error;
use super::params::Bound;
use super::reader::{self, Source, Watch};

/// Descriptions of one database's statements.
#[derive(Clone)]
pub(super) struct Catalogue {
    known: Cache<String, Arc<Vec<Described>>>,
    support: Arc<AtomicU8>,
}

/// Where the description of one statement will be kept.
#[derive(Clone)]
pub(super) struct Descriptions {
    catalogue: Catalogue,
    key: String,
}

impl Catalogue {
    pub(super) fn new() -> Self {
        Self {
            known: Cache::builder()
                .max_capacity(STATEMENTS)
                .time_to_live(KEPT)
                .build(),
            support: Arc::new(AtomicU8::new(UNKNOWN)),
        }
    }

    /// Forgets all of them.
    pub(super) fn clear(&self) {
        self.known.invalidate_all();
    }

    /// How the types of `sql` will be found; binds what asking takes.
    pub(super) fn source(&self, sql: &str, bound: &mut Bound) -> Source {
        if self.support.load(Ordering::Relaxed) == ABSENT {
            return Source::Wire;
        }
        let key = format!("{}\0{sql}", bound.declaration);
        if let Some(columns) = self.known.get(&key) {
            return Source::Known(columns);
        }
        let parameters = Some(bound.declaration.clone()).filter(|text| !text.is_empty());
        if !bound.declaration.is_empty() {
            bound.declaration.push(',');
        }
        bound.declaration.push_str(DECLARATION);
        bound.values.push((
            "@mcp_statement".to_owned(),
            ColumnData::String(Some(sql.to_owned().into())),
        ));
        bound.values.push((
            "@mcp_parameters".to_owned(),
            ColumnData::String(parameters.map(Into::into)),
        ));
        Source::Asked(Descriptions {
            catalogue: self.clone(),
            key,
        })
    }

    /// Whether a failure may be due to asking.
    pub(super) fn is_unproven(&self) -> bool {
        self.support.load(Ordering::Relaxed) == UNKNOWN
    }

    /// The statement ran without asking and not with it: ask no more.
    pub(super) fn give_up(&self) {
        tracing::info!("the server does not describe results; column types come without lengths");
        self.support.store(ABSENT, Ordering::Relaxed);
    }
}

impl Descriptions {
    /// Keeps a description for later runs of the statement.
    pub(super) fn learn(&self, columns: Option<Vec<Described>>) -> Option<Arc<Vec<Described>>> {
        self.catalogue.support.store(PRESENT, Ordering::Relaxed);
        let columns = Arc::new(columns?);
        self.catalogue
            .known
            .insert(self.key.clone(), Arc::clone(&columns));
        Some(columns)
    }
}

/// Reads the description in front of a reply and the columns of the result
/// after it; no description where the server could not tell.
pub(super) async fn read(
    stream: &mut CommandStream<'_>,
    watch: &mut Watch,
) -> Result<(Option<Vec<Described>>, Vec<tiberius::Column>), Error> {
    let mut columns = Some(Vec::new());
    let mut begun = false;
    while let Some(item) = reader::next(stream, watch).await? {
        match item {
            CommandItem::Metadata(wire) if begun => return Ok((columns, wire.columns().to_vec())),
            CommandItem::Metadata(_) => begun = true,
            CommandItem::Row(row) => match (&mut columns, described(row)) {
                (Some(columns), Some(column)) if columns.len() < MOST_COLUMNS => {
                    columns.push(column);
                }
                _ => columns = None,
            },
            _ => {}
        }
    }
    Ok((columns, Vec::new()))
}

fn described(row: Row) -> Option<Described> {
    let mut cells = row.into_iter();
    let name = text(cells.next()?).unwrap_or_default();
    let nullable = match cells.next()? {
        ColumnData::Bit(Some(bit)) => bit,
        ColumnData::U8(Some(number)) => number != 0,
        ColumnData::I32(Some(number)) => number != 0,
        _ => true,
    };
    let system_type = text(cells.next()?);
    let clr_type = cells.next().and_then(text);
    Some(Described {
        name,
        sql_type: system_type.or(clr_type)?,
        nullable,
    })
}

fn text(data: ColumnData<'static>) -> Option<String> {
    match data {
        ColumnData::String(Some(text)) => Some(text.into_owned()),
        _ => None,
    }
}

/// Put in front of a statement, on its first line so that the server's line
/// numbers hold. The function reports what it cannot describe as a row of
/// NULLs instead of failing.
pub(super) const ASK: &str = "SELECT name, is_nullable, system_type_name, user_type_name \
    FROM sys.dm_exec_describe_first_result_set(@mcp_statement, @mcp_parameters, 0) \
    ORDER BY column_ordinal; ";

const DECLARATION: &str = "@mcp_statement nvarchar(max),@mcp_parameters nvarchar(max)";
/// Of a SELECT; only a server that means ill describes more.
const MOST_COLUMNS: usize = 4_096;
const STATEMENTS: u64 = 1_000;
/// A column altered meanwhile is shown with its old length for this long.
const KEPT: Duration = Duration::from_secs(60);

const UNKNOWN: u8 = 0;
const PRESENT: u8 = 1;
const ABSENT: u8 = 2;
