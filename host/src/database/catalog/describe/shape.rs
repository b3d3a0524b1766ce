//! The document of `describe_table`. What most columns and tables do not have is left
//! out, for a model reads all of it.

use serde::Serialize;

/// A table or view in full.
#[derive(Debug, Serialize)]
pub(super) struct Details {
    pub(super) schema: String,
    pub(super) table: String,
    pub(super) r#type: &'static str,
    pub(super) comment: Option<String>,
    pub(super) rows: Option<u64>,
    pub(super) columns: Vec<Column>,
    pub(super) primary_keys: Vec<String>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    pub(super) referenced_by: Vec<Referrer>,
    pub(super) unique: Vec<Key>,
    pub(super) checks: Vec<Check>,
    pub(super) indexes: Vec<Index>,
    /// Names.
    pub(super) triggers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temporal: Option<Temporal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) partitioned: Option<Partitioned>,
    pub(super) column_count: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) r#type: String,
    /// The alias type that it is declared with, by schema and name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alias: Option<String>,
    pub(super) nullable: bool,
    pub(super) default: Option<String>,
    pub(super) identity: bool,
    /// Seed and increment of an identity column: digits, for they may be decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) increment: Option<String>,
    pub(super) computed: Option<String>,
    /// Of a computed column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) persisted: Option<bool>,
    /// Of text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) collation: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) sparse: bool,
    /// By SQL Server's dynamic data masking.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) masked: bool,
    pub(super) comment: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct ForeignKey {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    pub(super) references: Target,
    #[serde(flatten)]
    pub(super) actions: Actions,
}

/// What becomes of rows whose key is deleted or changed: `no action`, `cascade`,
/// `set null`, `set default`.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Actions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) on_delete: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) on_update: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Target {
    pub(super) schema: String,
    pub(super) table: String,
    pub(super) columns: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Referrer {
    pub(super) name: String,
    pub(super) schema: String,
    pub(super) table: String,
    pub(super) columns: Vec<String>,
    pub(super) referenced_columns: Vec<String>,
    #[serde(flatten)]
    pub(super) actions: Actions,
}

#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) definition: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Index {
    pub(super) name: String,
    pub(super) unique: bool,
    pub(super) r#type: String,
    /// `Name` or `Name DESC`, in key order.
    pub(super) columns: Vec<String>,
    pub(super) included: Vec<String>,
    pub(super) filter: Option<String>,
}

/// The other table of a pair that keeps every version of a row.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Temporal {
    /// The rows of now; older ones are there, and in FOR SYSTEM_TIME.
    HistoryTable(Name),
    /// Older rows of that table.
    HistoryOf(Name),
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Name {
    pub(super) schema: String,
    pub(super) table: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Partitioned {
    /// The column that decides.
    pub(super) column: Option<String>,
    pub(super) scheme: String,
    pub(super) function: String,
    pub(super) partitions: i64,
}

fn is_false(bit: &bool) -> bool {
    !bit
}
