//! The database's types as the contract's and back. They mirror each other, so
//! every conversion is a move.

use std::time::{Duration, Instant};

use crate::database as db;
use crate::runtime::bindings::mssql_mcp::database::db_catalog::{Table, TableName};
use crate::runtime::bindings::mssql_mcp::database::db_query::{Batch, JsonShape};
use crate::runtime::bindings::mssql_mcp::database::types as wit;

pub(super) fn column(column: &db::Column) -> wit::Column {
    wit::Column {
        name: column.name.clone(),
        sql_type: column.sql_type.clone(),
        nullable: column.nullable,
        masked: column.masked,
    }
}

pub(super) fn batch(batch: db::Batch) -> Batch {
    let row = |row: Vec<db::Value>| row.into_iter().map(value).collect();
    Batch {
        rows: batch.rows.into_iter().map(row).collect(),
        done: batch.done,
    }
}

fn value(value: db::Value) -> wit::Value {
    match value {
        db::Value::Null => wit::Value::Null,
        db::Value::Bit(bit) => wit::Value::Bit(bit),
        db::Value::Int(int) => wit::Value::Int(int),
        db::Value::Real(real) => wit::Value::Real(real),
        db::Value::Float(float) => wit::Value::Float(float),
        db::Value::Decimal(digits) => wit::Value::Decimal(digits),
        db::Value::Text(text) => wit::Value::Text(text),
        db::Value::Bytes(bytes) => wit::Value::Bytes(bytes),
        db::Value::Date(date) => wit::Value::Date(to_date(date)),
        db::Value::Time(time) => wit::Value::Time(wit::Time { nanos: time.nanos }),
        db::Value::DateTime(datetime) => wit::Value::Datetime(to_datetime(datetime)),
        db::Value::DateTimeOffset(value) => wit::Value::DatetimeOffset(wit::DatetimeOffset {
            local: to_datetime(value.local),
            offset_minutes: value.offset_minutes,
        }),
        db::Value::Uuid(uuid) => wit::Value::Uuid(uuid),
        db::Value::Json(json) => wit::Value::Json(json),
        db::Value::Other { sql_type, text } => wit::Value::Other((sql_type, text)),
    }
}

fn to_date(date: db::Date) -> wit::Date {
    wit::Date {
        year: date.year,
        month: date.month,
        day: date.day,
    }
}

fn to_datetime(value: db::DateTime) -> wit::Datetime {
    wit::Datetime {
        date: to_date(value.date),
        time: wit::Time {
            nanos: value.time.nanos,
        },
    }
}

pub(super) fn param(param: wit::Param) -> db::Param {
    db::Param {
        name: param.name,
        value: from_value(param.value),
        sql_type: param.sql_type,
    }
}

fn from_value(value: wit::Value) -> db::Value {
    match value {
        wit::Value::Null => db::Value::Null,
        wit::Value::Bit(bit) => db::Value::Bit(bit),
        wit::Value::Int(int) => db::Value::Int(int),
        wit::Value::Real(real) => db::Value::Real(real),
        wit::Value::Float(float) => db::Value::Float(float),
        wit::Value::Decimal(digits) => db::Value::Decimal(digits),
        wit::Value::Text(text) => db::Value::Text(text),
        wit::Value::Bytes(bytes) => db::Value::Bytes(bytes),
        wit::Value::Date(date) => db::Value::Date(from_date(date)),
        wit::Value::Time(time) => db::Value::Time(db::Time { nanos: time.nanos }),
        wit::Value::Datetime(datetime) => db::Value::DateTime(from_datetime(datetime)),
        wit::Value::DatetimeOffset(value) => db::Value::DateTimeOffset(db::DateTimeOffset {
            local: from_datetime(value.local),
            offset_minutes: value.offset_minutes,
        }),
        wit::Value::Uuid(uuid) => db::Value::Uuid(uuid),
        wit::Value::Json(json) => db::Value::Json(json),
        wit::Value::Other((sql_type, text)) => db::Value::Other { sql_type, text },
    }
}

fn from_date(date: wit::Date) -> db::Date {
    db::Date {
        year: date.year,
        month: date.month,
        day: date.day,
    }
}

fn from_datetime(value: wit::Datetime) -> db::DateTime {
    db::DateTime {
        date: from_date(value.date),
        time: db::Time {
            nanos: value.time.nanos,
        },
    }
}

pub(super) fn options(options: wit::Options) -> db::Options {
    db::Options {
        max_rows: options.max_rows,
        max_bytes: options.max_bytes,
        timeout: options
            .timeout_ms
            .map(|ms| Duration::from_millis(ms.into())),
        page: None,
        cache_ttl: options
            .cache_ttl_ms
            .map(|ms| Duration::from_millis(ms.into())),
    }
}

/// What the guest asked for, but never beyond the call's own end.
pub(super) fn timeout(asked: Option<Duration>, deadline: Instant) -> Duration {
    let left = deadline.saturating_duration_since(Instant::now());
    asked.map_or(left, |asked| asked.min(left))
}

pub(super) fn shape(shape: JsonShape) -> db::JsonShape {
    match shape {
        JsonShape::Objects => db::JsonShape::Objects,
        JsonShape::Arrays => db::JsonShape::Arrays,
    }
}

pub(super) fn stats(stats: &db::Stats) -> wit::Stats {
    wit::Stats {
        rows: stats.rows,
        bytes: stats.bytes,
        server_us: stats.server_us,
        queue_us: stats.queue_us,
        cached: stats.cached,
    }
}

pub(super) fn table(table: &db::Table) -> Table {
    Table {
        name: TableName {
            schema: table.name.schema.clone(),
            name: table.name.name.clone(),
        },
        kind: table.kind.to_owned(),
        approximate_rows: table.approximate_rows,
        comment: table.comment.clone(),
    }
}

pub(super) fn table_name(name: TableName) -> db::TableName {
    db::TableName {
        schema: name.schema,
        name: name.name,
    }
}

pub(super) fn error(error: db::Error) -> wit::Error {
    match error {
        db::Error::Denied(denial) => wit::Error::Denied(wit::Denial {
            code: denial.code.to_owned(),
            message: denial.message,
            hint: denial.hint,
        }),
        db::Error::InvalidStatement(reason) => wit::Error::InvalidStatement(reason),
        db::Error::InvalidParameter { name, reason } => {
            wit::Error::InvalidParameter((name, reason))
        }
        db::Error::UnknownName(names) => wit::Error::UnknownName(names),
        db::Error::AmbiguousName(names) => wit::Error::AmbiguousName(names),
        db::Error::Unsupported(reason) => wit::Error::Unsupported(reason),
        db::Error::Server(error) => wit::Error::Server(wit::ServerError {
            number: error.number,
            state: error.state,
            severity: error.severity,
            message: error.message,
            line: error.line,
            retryable: error.retryable,
        }),
        db::Error::Limit(kind) => wit::Error::Limit(match kind {
            db::LimitKind::Rows => wit::LimitKind::Rows,
            db::LimitKind::Bytes => wit::LimitKind::Bytes,
            db::LimitKind::Time => wit::LimitKind::Time,
            db::LimitKind::Concurrency => wit::LimitKind::Concurrency,
            db::LimitKind::Cost => wit::LimitKind::Cost,
        }),
        db::Error::Busy => wit::Error::Busy,
        db::Error::Unavailable(reason) => wit::Error::Unavailable(reason.to_owned()),
        db::Error::Withheld(reason) => wit::Error::Unavailable(reason),
        db::Error::Cancelled => wit::Error::Cancelled,
        db::Error::Other(reason) => wit::Error::Other(reason),
    }
}
