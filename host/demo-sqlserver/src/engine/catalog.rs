//! Names to tables and views, without case.

use std::collections::HashMap;

use sqlparser::ast::Query;

use crate::schema;
use crate::value::SqlType;

/// What statements may name.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    /// The database's name.
    pub(crate) database: String,
    /// By `schema.name` in lower case.
    tables: HashMap<String, TableInfo>,
    views: HashMap<String, ViewInfo>,
    /// What is left of a table under its policy.
    policies: HashMap<String, Query>,
}

/// A table in SQLite; its columns there are `c0`, `c1` ….
#[derive(Debug)]
pub(crate) struct TableInfo {
    /// `schema.name` as written, which is its name in SQLite.
    pub(crate) name: String,
    /// Columns in order.
    pub(crate) columns: Vec<ColumnInfo>,
    /// Whether it is part of the catalogue, which nobody writes.
    pub(crate) system: bool,
    /// Name of the primary key, for messages.
    pub(crate) primary_key: Option<schema::Key>,
}

/// A column of a table.
#[derive(Debug)]
pub(crate) struct ColumnInfo {
    /// Name without quoting.
    pub(crate) name: String,
    /// Declared type.
    pub(crate) sql_type: SqlType,
    /// Whether NULL is allowed.
    pub(crate) nullable: bool,
    /// IDENTITY(seed, increment).
    pub(crate) identity: Option<(i64, i64)>,
    /// DEFAULT in T-SQL.
    pub(crate) default: Option<String>,
    /// The expression of a computed column.
    pub(crate) computed: Option<String>,
}

/// A view, parsed once.
#[derive(Debug)]
pub(crate) struct ViewInfo {
    /// Its SELECT.
    pub(crate) query: Query,
}

impl Catalog {
    /// Takes over a table's description.
    pub(crate) fn add_table(&mut self, table: &schema::Table, system: bool) {
        let name = format!("{}.{}", table.schema, table.name);
        let columns = table
            .columns
            .iter()
            .map(|c| ColumnInfo {
                name: c.name.clone(),
                sql_type: c.sql_type,
                nullable: c.nullable,
                identity: c.identity,
                default: c.default.clone(),
                computed: c.computed.clone(),
            })
            .collect();
        let primary_key = table.primary_key.as_ref().map(|k| schema::Key {
            name: k.name.clone(),
            columns: k.columns.clone(),
        });
        self.tables.insert(
            name.to_lowercase(),
            TableInfo {
                name,
                columns,
                system,
                primary_key,
            },
        );
    }

    /// Adds a security policy: the rows of a table that are there.
    pub(crate) fn add_policy(&mut self, schema: &str, table: &str, rows: Query) {
        let name = format!("{schema}.{table}").to_lowercase();
        self.policies.insert(name, rows);
    }

    /// The rows of a table that its security policy leaves, if it has one.
    pub(crate) fn policy(&self, schema: &str, table: &str) -> Option<&Query> {
        self.policies
            .get(&format!("{schema}.{table}").to_lowercase())
    }

    /// Adds a view.
    pub(crate) fn add_view(&mut self, schema: &str, name: &str, query: Query) {
        self.views.insert(
            format!("{schema}.{name}").to_lowercase(),
            ViewInfo { query },
        );
    }

    /// The table of a schema.
    pub(crate) fn table(&self, schema: &str, name: &str) -> Option<&TableInfo> {
        self.tables.get(&format!("{schema}.{name}").to_lowercase())
    }

    /// The view of a schema.
    pub(crate) fn view(&self, schema: &str, name: &str) -> Option<&ViewInfo> {
        self.views.get(&format!("{schema}.{name}").to_lowercase())
    }

    /// Whether a table or view has this name.
    pub(crate) fn has(&self, schema: &str, name: &str) -> bool {
        self.table(schema, name).is_some() || self.view(schema, name).is_some()
    }
}

impl TableInfo {
    /// Position and description of a column.
    pub(crate) fn column(&self, name: &str) -> Option<(usize, &ColumnInfo)> {
        self.columns
            .iter()
            .enumerate()
            .find(|(_, c)| same(&c.name, name))
    }
}

/// Whether two names are one.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!a.is_ascii() && a.to_lowercase() == b.to_lowercase())
}
