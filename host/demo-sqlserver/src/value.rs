//! What travels between the SQL engine and the wire: column types, values and
//! errors, in the terms of MS-TDS.

/// A column's type as SQL Server declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlType {
    /// bit
    Bit,
    /// tinyint
    TinyInt,
    /// smallint
    SmallInt,
    /// int
    Int,
    /// bigint
    BigInt,
    /// real
    Real,
    /// float(53)
    Float,
    /// decimal(p,s) and numeric(p,s)
    Decimal {
        /// 1 to 38
        precision: u8,
        /// 0 to `precision`
        scale: u8,
    },
    /// smallmoney
    SmallMoney,
    /// money
    Money,
    /// char(n)
    Char(u16),
    /// varchar(n) and varchar(max)
    VarChar(Length),
    /// nchar(n)
    NChar(u16),
    /// nvarchar(n) and nvarchar(max)
    NVarChar(Length),
    /// text
    Text,
    /// ntext
    NText,
    /// binary(n)
    Binary(u16),
    /// varbinary(n) and varbinary(max)
    VarBinary(Length),
    /// image
    Image,
    /// rowversion: eight bytes
    RowVersion,
    /// uniqueidentifier
    UniqueIdentifier,
    /// date
    Date,
    /// time(n)
    Time(u8),
    /// datetime
    DateTime,
    /// smalldatetime
    SmallDateTime,
    /// datetime2(n)
    DateTime2(u8),
    /// datetimeoffset(n)
    DateTimeOffset(u8),
    /// xml
    Xml,
    /// sql_variant
    Variant,
    /// A CLR type of the server: geography, geometry or hierarchyid.
    Udt(Udt),
}

/// How long a variable-length column may get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Characters for varchar and nvarchar, bytes for varbinary.
    Limited(u16),
    /// `(max)`
    Max,
}

/// The CLR types that ship with SQL Server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Udt {
    /// geography
    Geography,
    /// geometry
    Geometry,
    /// hierarchyid
    HierarchyId,
}

/// One value. Which variants a column takes follows from its [`SqlType`].
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
    /// decimal: digits without the point; the scale is the column's (or, in a
    /// variant or a parameter, the type's).
    Decimal(i128),
    /// money and smallmoney: ten-thousandths
    Money(i64),
    /// Every character type and xml
    Text(String),
    /// Every binary type, rowversion, and the raw bytes of a CLR type
    Bytes(Vec<u8>),
    /// uniqueidentifier, in the order it is written (big-endian)
    Guid([u8; 16]),
    /// date: days since 0001-01-01
    Date(u32),
    /// time: units of 100 ns since midnight, whatever the column's scale
    Time(u64),
    /// datetime, smalldatetime, datetime2: days since 0001-01-01 and units of
    /// 100 ns since midnight
    DateTime(u32, u64),
    /// datetimeoffset: the same in UTC, and the offset in minutes
    DateTimeOffset(u32, u64, i16),
    /// A sql_variant that is not NULL: its base type and value
    Variant(Box<(SqlType, Value)>),
}

/// One column of a result (MS-TDS COLMETADATA).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Empty where the expression has no name.
    pub name: String,
    /// Its type.
    pub sql_type: SqlType,
    /// Whether NULL can occur.
    pub nullable: bool,
    /// Whether the column is an IDENTITY.
    pub identity: bool,
}

/// One bound parameter of `sp_executesql`.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// With the `@`.
    pub name: String,
    /// Its declared type.
    pub sql_type: SqlType,
    /// Its value.
    pub value: Value,
}

/// An error or message of the server (MS-TDS ERROR and INFO).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{number}: {message}")]
pub struct SqlError {
    /// SQL Server's message number
    pub number: i32,
    /// State, 1 where it says nothing
    pub state: u8,
    /// Severity: below 11 information, 20 and above ends the connection
    pub severity: u8,
    /// The text
    pub message: String,
    /// Line of the statement, from 1
    pub line: u32,
}

/// Where a running statement sends what it produces, in wire order.
pub trait Sink {
    /// A result set begins.
    fn columns(&mut self, columns: &[Column]) -> Flow;
    /// One row of it.
    fn row(&mut self, values: &[Value]) -> Flow;
    /// One statement of the batch is done, with the rows it returned or changed.
    fn done(&mut self, rows: Option<u64>) -> Flow;
    /// A message with severity below 11.
    fn info(&mut self, message: &SqlError) -> Flow;
}

/// Whether the receiver wants more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Attention arrived or the connection is gone: stop at once.
    Stop,
}
