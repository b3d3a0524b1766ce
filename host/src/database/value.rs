//! Values, columns and parameters as the WIT package `mssql-mcp:database`
//! knows them.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::principal::Principal;

/// Proleptic Gregorian date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// 1 to 9999
    pub year: i32,
    /// 1 to 12
    pub month: u8,
    /// 1 to 31
    pub day: u8,
}

/// Time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// Nanoseconds since midnight; SQL Server keeps hundreds.
    pub nanos: u64,
}

/// Date and time without a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime {
    /// Day.
    pub date: Date,
    /// Time of that day.
    pub time: Time,
}

/// Local time and its distance from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTimeOffset {
    /// What the clock on the wall shows.
    pub local: DateTime,
    /// Minutes east of UTC.
    pub offset_minutes: i16,
}

/// One value of a row or a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL of any type
    Null,
    /// bit
    Bit(bool),
    /// tinyint, smallint, int, bigint
    Int(i64),
    /// real
    Real(f32),
    /// float
    Float(f64),
    /// decimal, numeric, money and smallmoney: exact digits
    Decimal(String),
    /// Character types
    Text(String),
    /// Binary types
    Bytes(Vec<u8>),
    /// date
    Date(Date),
    /// time
    Time(Time),
    /// datetime, smalldatetime, datetime2
    DateTime(DateTime),
    /// datetimeoffset
    DateTimeOffset(DateTimeOffset),
    /// uniqueidentifier, upper case
    Uuid(String),
    /// A JSON document
    Json(String),
    /// Exact SQL type and text form of what has no variant: xml, CLR types …
    Other {
        /// `xml`, `hierarchyid` …
        sql_type: String,
        /// Text form.
        text: String,
    },
}

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// As the statement names it; may be empty or repeated.
    pub name: String,
    /// As SQL Server writes it: `decimal(18,4)`, `nvarchar(200)`.
    pub sql_type: String,
    /// Whether NULL can occur; true where the server did not say.
    pub nullable: bool,
    /// Whether the scope's policy masked it.
    pub masked: bool,
}

/// A bound parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// `customer_id` binds `@customer_id`; a leading `@` is understood.
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Declared type where the one inferred from the value would not do.
    pub sql_type: Option<String>,
}

/// One statement to run.
#[derive(Debug, Clone)]
pub struct Query {
    /// T-SQL.
    pub sql: String,
    /// Its parameters.
    pub params: Vec<Param>,
    /// Lower limits than the scope's.
    pub options: Options,
    /// Stops the statement at the server.
    pub cancel: CancellationToken,
    /// Who asks; `None` where nobody signs in.
    pub principal: Option<Arc<Principal>>,
}

/// One page of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// Rows on a page; 100 unless told, or fewer where the scope gives fewer.
    pub size: Option<u32>,
}

/// Asks for less than the scope allows; never for more.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Rows.
    pub max_rows: Option<u32>,
    /// Bytes.
    pub max_bytes: Option<u32>,
    /// Wall time.
    pub timeout: Option<Duration>,
    /// A page instead of the whole.
    pub page: Option<Page>,
    /// A result that is no older may be given again.
    pub cache_ttl: Option<Duration>,
}

/// Rows handed over by one call of [`Cursor::next`](super::Cursor::next).
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Values in column order.
    pub rows: Vec<Vec<Value>>,
    /// No further rows follow.
    pub done: bool,
}

/// How a row is written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonShape {
    /// `{"a":1,"a_2":2,"column_3":3}`
    Objects,
    /// `[1,2,3]`
    Arrays,
}

/// Why rows or parts of cells are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truncation {
    /// The limit that hit.
    pub by: TruncatedBy,
    /// Its value: rows or bytes.
    pub limit: u64,
}

/// Which limit cut a result, mildest first: a cut cell loses to missing rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TruncatedBy {
    /// A cell was longer than `max_cell`.
    Cell,
    /// More rows than `max_rows`.
    Rows,
    /// More bytes than `max_bytes`.
    Bytes,
}

impl TruncatedBy {
    /// `rows`, `bytes` or `cell`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cell => "cell",
            Self::Rows => "rows",
            Self::Bytes => "bytes",
        }
    }
}

/// What a result has cost so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Rows handed over.
    pub rows: u64,
    /// Bytes of JSON written, or of cells handed over.
    pub bytes: u64,
    /// Microseconds spent on the server and the wire.
    pub server_us: u64,
    /// Microseconds spent waiting for a connection.
    pub queue_us: u64,
    /// Whether the result came from a cache.
    pub cached: bool,
}

/// What [`Database::execute`](super::Database::execute) did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Rows the statement changed.
    pub rows_affected: u64,
    /// Its cost.
    pub stats: Stats,
}
