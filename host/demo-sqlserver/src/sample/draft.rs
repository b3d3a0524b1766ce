//! Declares a table in few words: columns with their comments first, then keys
//! and indexes, whose names follow from what they cover.

use crate::schema::{Check, ColumnDef, ForeignKey, Index, Key, Table};
use crate::value::{Length, SqlType, Value};

/// A table on its way; lists of columns are written `"OrderID, ProductID DESC"`.
pub(super) struct Draft(Table);

pub(super) const fn nvarchar(characters: u16) -> SqlType {
    SqlType::NVarChar(Length::Limited(characters))
}

pub(super) const fn varchar(characters: u16) -> SqlType {
    SqlType::VarChar(Length::Limited(characters))
}

impl Draft {
    pub(super) fn table(schema: &str, name: &str, comment: &str) -> Self {
        Self(Table {
            schema: schema.to_owned(),
            name: name.to_owned(),
            comment: described(comment),
            ..Table::default()
        })
    }

    /// A NOT NULL column.
    pub(super) fn required(self, name: &str, sql_type: SqlType, comment: &str) -> Self {
        self.column(name, sql_type, false, comment)
    }

    /// A column that may be NULL.
    pub(super) fn optional(self, name: &str, sql_type: SqlType, comment: &str) -> Self {
        self.column(name, sql_type, true, comment)
    }

    /// An `int IDENTITY(seed, 1)`.
    pub(super) fn identity(self, name: &str, seed: i64, comment: &str) -> Self {
        let mut draft = self.column(name, SqlType::Int, false, comment);
        if let Some(column) = draft.0.columns.last_mut() {
            column.identity = Some((seed, 1));
        }
        draft
    }

    /// A computed column. SQL Server takes it for NOT NULL where the expression
    /// is an `isnull`.
    pub(super) fn computed(
        self,
        name: &str,
        sql_type: SqlType,
        expression: &str,
        comment: &str,
    ) -> Self {
        let nullable = !expression.starts_with("(isnull(");
        let mut draft = self.column(name, sql_type, nullable, comment);
        if let Some(column) = draft.0.columns.last_mut() {
            column.computed = Some(expression.to_owned());
        }
        draft
    }

    /// The DEFAULT of the column declared last.
    pub(super) fn default(mut self, expression: &str) -> Self {
        if let Some(column) = self.0.columns.last_mut() {
            column.default = Some(expression.to_owned());
        }
        self
    }

    pub(super) fn primary_key(mut self, columns: &str) -> Self {
        self.0.primary_key = Some(Key {
            name: self.constraint("PK", ""),
            columns: names(columns),
        });
        self
    }

    pub(super) fn unique(mut self, columns: &str) -> Self {
        let key = Key {
            name: self.constraint("UQ", columns),
            columns: names(columns),
        };
        self.0.unique.push(key);
        self
    }

    /// References the columns of the same names.
    pub(super) fn references(self, columns: &str, schema: &str, table: &str) -> Self {
        self.foreign_key(columns, schema, table, columns)
    }

    pub(super) fn foreign_key(
        mut self,
        columns: &str,
        schema: &str,
        table: &str,
        referenced: &str,
    ) -> Self {
        let key = ForeignKey {
            name: self.constraint("FK", table),
            columns: names(columns),
            references: (schema.to_owned(), table.to_owned()),
            referenced_columns: names(referenced),
        };
        self.0.foreign_keys.push(key);
        self
    }

    pub(super) fn check(mut self, about: &str, definition: &str) -> Self {
        let check = Check {
            name: self.constraint("CK", about),
            definition: definition.to_owned(),
        };
        self.0.checks.push(check);
        self
    }

    pub(super) fn index(mut self, columns: &str, included: &str) -> Self {
        let index = Index {
            name: self.constraint("IX", &columns.replace(" DESC", "")),
            unique: false,
            columns: names(columns)
                .into_iter()
                .map(|column| match column.strip_suffix(" DESC") {
                    Some(name) => (name.to_owned(), true),
                    None => (column, false),
                })
                .collect(),
            included: names(included),
        };
        self.0.indexes.push(index);
        self
    }

    pub(super) fn rows(mut self, rows: Vec<Vec<Value>>) -> Table {
        self.0.rows = rows;
        self.0
    }

    fn column(mut self, name: &str, sql_type: SqlType, nullable: bool, comment: &str) -> Self {
        self.0.columns.push(ColumnDef {
            name: name.to_owned(),
            sql_type,
            nullable,
            default: None,
            identity: None,
            computed: None,
            comment: described(comment),
        });
        self
    }

    /// `FK_Orders_Customers`, `PK_Order_Details`.
    fn constraint(&self, kind: &str, about: &str) -> String {
        let mut name = format!("{kind}_{}", self.0.name);
        if !about.is_empty() {
            name.push('_');
            name.push_str(about);
        }
        name.replace(", ", "_").replace(' ', "_")
    }
}

fn described(comment: &str) -> Option<String> {
    (!comment.is_empty()).then(|| comment.to_owned())
}

fn names(list: &str) -> Vec<String> {
    list.split(", ")
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}
