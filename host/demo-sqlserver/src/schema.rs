//! What a database consists of: the one description from which the engine makes
//! its tables, and the catalogue answers `sys.*` and `INFORMATION_SCHEMA`.

use crate::value::{SqlType, Value};

/// A database: its objects in the order they are made.
#[derive(Debug, Default)]
pub struct Database {
    /// Name, as `DB_NAME()` gives it.
    pub name: String,
    /// Schemas besides `sys` and `INFORMATION_SCHEMA`.
    pub schemas: Vec<String>,
    /// Tables with their rows.
    pub tables: Vec<Table>,
    /// Views over them.
    pub views: Vec<View>,
    /// Which rows of a table are there for whom.
    pub policies: Vec<Policy>,
}

/// A security policy with one FILTER PREDICATE.
#[derive(Debug)]
pub struct Policy {
    /// Schema of the table.
    pub schema: String,
    /// The table.
    pub table: String,
    /// The condition of a row, in T-SQL; it may ask `SESSION_CONTEXT`.
    pub predicate: String,
}

/// A table with its keys and rows.
#[derive(Debug, Default)]
pub struct Table {
    /// `dbo`, `Sales` …
    pub schema: String,
    /// Name without quoting.
    pub name: String,
    /// MS_Description.
    pub comment: Option<String>,
    /// Columns in ordinal order.
    pub columns: Vec<ColumnDef>,
    /// Primary key: constraint name and column names in key order.
    pub primary_key: Option<Key>,
    /// Unique constraints.
    pub unique: Vec<Key>,
    /// Foreign keys of this table.
    pub foreign_keys: Vec<ForeignKey>,
    /// CHECK constraints.
    pub checks: Vec<Check>,
    /// Indexes besides those of the keys.
    pub indexes: Vec<Index>,
    /// Rows; one value a column that is stored (computed columns have none).
    pub rows: Vec<Vec<Value>>,
}

/// A column.
#[derive(Debug)]
pub struct ColumnDef {
    /// Name without quoting.
    pub name: String,
    /// Type.
    pub sql_type: SqlType,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// DEFAULT as SQL Server shows it: `((0))`, `(getdate())`.
    pub default: Option<String>,
    /// IDENTITY(seed, increment).
    pub identity: Option<(i64, i64)>,
    /// The T-SQL expression of a computed column.
    pub computed: Option<String>,
    /// MS_Description.
    pub comment: Option<String>,
}

/// A primary key or unique constraint.
#[derive(Debug)]
pub struct Key {
    /// Constraint name.
    pub name: String,
    /// Columns in key order.
    pub columns: Vec<String>,
}

/// A foreign key.
#[derive(Debug)]
pub struct ForeignKey {
    /// Constraint name.
    pub name: String,
    /// Referencing columns, in order.
    pub columns: Vec<String>,
    /// Referenced schema and table.
    pub references: (String, String),
    /// Referenced columns, in the same order.
    pub referenced_columns: Vec<String>,
}

/// A CHECK constraint.
#[derive(Debug)]
pub struct Check {
    /// Constraint name.
    pub name: String,
    /// The T-SQL condition, as SQL Server shows it: `([Quantity]>(0))`.
    pub definition: String,
}

/// A nonclustered index.
#[derive(Debug)]
pub struct Index {
    /// Index name.
    pub name: String,
    /// Whether it is unique.
    pub unique: bool,
    /// Key columns in order, and whether each is descending.
    pub columns: Vec<(String, bool)>,
    /// INCLUDE columns.
    pub included: Vec<String>,
}

/// A view.
#[derive(Debug)]
pub struct View {
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// Its SELECT, in T-SQL.
    pub definition: String,
    /// MS_Description.
    pub comment: Option<String>,
}
