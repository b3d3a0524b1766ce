//! INSERT, UPDATE and DELETE of one table.

use sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, Expr, FromTable, Insert, SetExpr, TableFactor,
    TableObject, TableWithJoins, Update, UpdateTableFromKind,
};

use super::{Compiler, Scope, Typed, parts};
use crate::engine::catalog::{TableInfo, same};
use crate::engine::error::{Result, error, unsupported};
use crate::engine::{storage, types};
use crate::value::{SqlType, Value};

/// A compiled change.
#[derive(Debug)]
pub(crate) struct Write {
    /// SQLite source.
    pub(crate) sql: String,
    /// The table, for messages.
    pub(crate) table: String,
    /// What INSERT, UPDATE or DELETE is called.
    pub(crate) verb: &'static str,
}

impl<'a> Compiler<'a> {
    /// INSERT … VALUES, INSERT … SELECT, INSERT … DEFAULT VALUES
    pub(crate) fn insert(&mut self, insert: &Insert, row_limit: u64) -> Result<Write> {
        if insert.output.is_some() || insert.returning.is_some() || insert.on.is_some() {
            return Err(unsupported("OUTPUT"));
        }
        let TableObject::TableName(name) = &insert.table else {
            return Err(unsupported("INSERT into this target"));
        };
        let idents = parts(name)?;
        let table = self.target(
            &idents.iter().map(|i| i.value.as_str()).collect::<Vec<_>>(),
            "INSERT",
        )?;
        let mut given = Vec::new();
        if insert.columns.is_empty() {
            given.extend(
                table
                    .columns
                    .iter()
                    .enumerate()
                    .filter(|(_, c)| {
                        c.computed.is_none()
                            && c.identity.is_none()
                            && c.sql_type != SqlType::RowVersion
                    })
                    .map(|(i, _)| i),
            );
        }
        for column in &insert.columns {
            let name = parts(column)?
                .last()
                .map(|i| i.value.clone())
                .unwrap_or_default();
            let (index, info) = table
                .column(&name)
                .ok_or_else(|| error(207, format!("Invalid column name '{name}'.")))?;
            if info.computed.is_some() {
                return Err(error(
                    271,
                    format!(
                        "The column \"{name}\" cannot be modified because it is either a computed column or is the result of a UNION operator."
                    ),
                ));
            }
            if info.identity.is_some() {
                return Err(error(
                    544,
                    format!(
                        "Cannot insert explicit value for identity column in table '{}' when IDENTITY_INSERT is set to OFF.",
                        bare(table)
                    ),
                ));
            }
            given.push(index);
        }
        let mut rows: Vec<String> = Vec::new();
        match insert.source.as_deref() {
            None => {
                given.clear();
                rows.push(self.insert_row(table, &[], Vec::new())?);
            }
            Some(query) => match query.body.as_ref() {
                SetExpr::Values(values) => {
                    for row in &values.rows {
                        if row.content.len() != given.len() {
                            return Err(error(
                                110,
                                "There are fewer columns in the INSERT statement than values specified in the VALUES clause. The number of values in the VALUES clause must match the number of columns specified in the INSERT statement.",
                            ));
                        }
                        let mut cells = Vec::with_capacity(given.len());
                        for (e, index) in row.content.iter().zip(&given) {
                            cells.push(match e {
                                Expr::Identifier(i)
                                    if i.quote_style.is_none() && same(&i.value, "DEFAULT") =>
                                {
                                    self.default_of(table, *index)?
                                }
                                e => self.expr(e)?,
                            });
                        }
                        rows.push(self.insert_row(table, &given, cells)?);
                    }
                }
                _ => {
                    let compiled = self.query(query)?;
                    if compiled.columns.len() != given.len() {
                        return Err(error(
                            120,
                            "The select list for the INSERT statement contains fewer items than the insert list. The number of SELECT values must match the number of INSERT columns.",
                        ));
                    }
                    let cells = compiled
                        .columns
                        .iter()
                        .enumerate()
                        .map(|(i, c)| Typed::new(format!("s.r{i}"), c.sql_type, true))
                        .collect();
                    let row = self.insert_row(table, &given, cells)?;
                    let limit = if row_limit > 0 {
                        format!(" LIMIT {row_limit}")
                    } else {
                        String::new()
                    };
                    rows.push(format!("{row} FROM ({}) AS s WHERE 1{limit}", compiled.sql));
                }
            },
        }
        let columns: Vec<String> = stored(table).map(|i| format!("c{i}")).collect();
        let sql = format!(
            "INSERT INTO {} ({}) {}",
            quoted(table),
            columns.join(", "),
            rows.join(" UNION ALL ")
        );
        Ok(Write {
            sql,
            table: table.name.clone(),
            verb: "INSERT",
        })
    }

    fn insert_row(
        &mut self,
        table: &'a TableInfo,
        given: &[usize],
        cells: Vec<Typed>,
    ) -> Result<String> {
        let mut row: Vec<Option<Typed>> = table.columns.iter().map(|_| None).collect();
        for (index, cell) in given.iter().zip(cells) {
            if let Some(slot) = row.get_mut(*index) {
                *slot = Some(cell);
            }
        }
        let mut items = Vec::with_capacity(row.len());
        for index in stored(table) {
            let cell = match row.get_mut(index).and_then(Option::take) {
                Some(cell) => cell,
                None => self.default_of(table, index)?,
            };
            items.push(self.assign(table, index, cell)?);
        }
        Ok(format!("SELECT {}", items.join(", ")))
    }

    /// A value as the column keeps it: text that is too long is refused.
    fn assign(&mut self, table: &TableInfo, index: usize, value: Typed) -> Result<String> {
        let Some(column) = table.columns.get(index) else {
            return Ok("NULL".into());
        };
        let to = column.sql_type;
        let limit = if types::is_text(to) {
            types::text_shape(to).1
        } else {
            None
        };
        let value = match limit {
            Some(limit) if !value.is_null() => {
                let text = self.as_text(value, to)?;
                let message = storage::literal(&Value::Text(format!(
                    "String or binary data would be truncated in table '{}', column '{}'.",
                    table.name, column.name
                )));
                Typed {
                    sql: format!("t_bounded({}, {limit}, {message})", text.sql),
                    constant: None,
                    ..text
                }
            }
            _ => value,
        };
        Ok(self.cast(value, to).sql)
    }

    fn default_of(&mut self, table: &TableInfo, index: usize) -> Result<Typed> {
        let null = Typed::constant(Value::Null, SqlType::Int);
        let Some(column) = table.columns.get(index) else {
            return Ok(null);
        };
        if column.identity.is_some() {
            return Ok(Typed::new(
                format!(
                    "next_identity({})",
                    storage::literal(&Value::Text(table.name.clone()))
                ),
                SqlType::BigInt,
                false,
            ));
        }
        if column.sql_type == SqlType::RowVersion {
            return Ok(Typed::new("next_rowversion()", SqlType::RowVersion, false));
        }
        match &column.default {
            Some(default) => self.text_expression(default),
            None => Ok(null),
        }
    }

    /// Compiles an expression given as T-SQL text: DEFAULT, CHECK, computed columns.
    pub(crate) fn text_expression(&mut self, text: &str) -> Result<Typed> {
        let e = crate::engine::batch::parse_expression(text)?;
        self.expr(&e)
    }

    /// UPDATE … SET … [FROM …] [WHERE …]
    pub(crate) fn update(&mut self, update: &Update, row_limit: u64) -> Result<Write> {
        if update.output.is_some() || update.returning.is_some() || update.limit.is_some() {
            return Err(unsupported("this clause of UPDATE"));
        }
        let from = match &update.from {
            None => std::slice::from_ref(&update.table),
            Some(UpdateTableFromKind::AfterSet(list) | UpdateTableFromKind::BeforeSet(list)) => {
                list
            }
        };
        let TableFactor::Table { name, .. } = &update.table.relation else {
            return Err(unsupported("UPDATE of this target"));
        };
        let names = parts(name)?;
        let names: Vec<&str> = names.iter().map(|i| i.value.as_str()).collect();
        self.scopes.push(Scope::default());
        let result = self.change(
            &names,
            from,
            update.selection.as_ref(),
            "UPDATE",
            row_limit,
            |c, table| c.assignments(table, &update.assignments),
        );
        self.scopes.pop();
        result
    }

    /// DELETE FROM … [WHERE …]
    pub(crate) fn delete(&mut self, delete: &Delete, row_limit: u64) -> Result<Write> {
        if delete.output.is_some()
            || delete.returning.is_some()
            || delete.limit.is_some()
            || delete.using.is_some()
        {
            return Err(unsupported("this clause of DELETE"));
        }
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let names: Vec<String> = match (delete.tables.as_slice(), from.as_slice()) {
            ([target], _) => parts(target)?.iter().map(|i| i.value.clone()).collect(),
            (
                [],
                [
                    TableWithJoins {
                        relation: TableFactor::Table { name, alias, .. },
                        joins,
                    },
                ],
            ) if joins.is_empty() => match alias {
                Some(alias) => vec![alias.name.value.clone()],
                None => parts(name)?.iter().map(|i| i.value.clone()).collect(),
            },
            _ => return Err(unsupported("DELETE of this target")),
        };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        self.scopes.push(Scope::default());
        let result = self.change(
            &names,
            from,
            delete.selection.as_ref(),
            "DELETE",
            row_limit,
            |_, _| Ok(Vec::new()),
        );
        self.scopes.pop();
        result
    }

    /// Both are `… WHERE rowid = ` over the joined rows, which come as a query.
    fn change(
        &mut self,
        names: &[&str],
        from: &[TableWithJoins],
        selection: Option<&Expr>,
        verb: &'static str,
        row_limit: u64,
        assignments: impl FnOnce(&mut Self, &'a TableInfo) -> Result<Vec<(usize, String)>>,
    ) -> Result<Write> {
        let aliased = from
            .iter()
            .flat_map(|t| std::iter::once(&t.relation).chain(t.joins.iter().map(|j| &j.relation)))
            .find_map(|f| match f {
                TableFactor::Table {
                    name,
                    alias: Some(alias),
                    ..
                } if matches!(names, [one] if same(one, &alias.name.value)) => Some(name),
                _ => None,
            });
        let table = match aliased {
            Some(name) => {
                let idents = parts(name)?;
                self.target(
                    &idents.iter().map(|i| i.value.as_str()).collect::<Vec<_>>(),
                    verb,
                )?
            }
            None => self.target(names, verb)?,
        };
        let from_sql = self.from(from)?;
        let source = self
            .scopes
            .last()
            .and_then(|s| s.sources.iter().find(|s| s.answers(names)).cloned());
        let row = source
            .and_then(|s| {
                s.columns
                    .first()
                    .and_then(|c| c.typed.sql.split_once('.').map(|(t, _)| t.to_owned()))
            })
            .ok_or_else(|| error(208, format!("Invalid object name '{}'.", names.join("."))))?;
        let filter = match selection {
            Some(e) => format!(" WHERE {}", self.predicate(e)?),
            None => String::new(),
        };
        let sets = assignments(self, table)?;
        let limit = if row_limit > 0 {
            format!(" LIMIT {row_limit}")
        } else {
            String::new()
        };
        let sql = if verb == "DELETE" {
            format!(
                "DELETE FROM {} WHERE rowid IN (SELECT {row}.rowid{from_sql}{filter}{limit})",
                quoted(table)
            )
        } else {
            let values: Vec<String> = sets
                .iter()
                .map(|(i, sql)| format!("{sql} AS v{i}"))
                .collect();
            let targets: Vec<String> = sets
                .iter()
                .map(|(i, _)| format!("c{i} = changed.v{i}"))
                .collect();
            // A row that joins several times is changed once.
            let source = format!(
                "SELECT {row}.rowid AS id, {}{from_sql}{filter} GROUP BY {row}.rowid{limit}",
                values.join(", ")
            );
            format!(
                "UPDATE {} SET {} FROM ({source}) AS changed WHERE {}.rowid = changed.id",
                quoted(table),
                targets.join(", "),
                quoted(table)
            )
        };
        Ok(Write {
            sql,
            table: table.name.clone(),
            verb,
        })
    }

    fn assignments(
        &mut self,
        table: &'a TableInfo,
        list: &[Assignment],
    ) -> Result<Vec<(usize, String)>> {
        let mut sets = Vec::with_capacity(list.len() + 1);
        for assignment in list {
            let AssignmentTarget::ColumnName(target) = &assignment.target else {
                return Err(unsupported("this assignment"));
            };
            let name = parts(target)?
                .last()
                .map(|i| i.value.clone())
                .unwrap_or_default();
            let (index, column) = table
                .column(&name)
                .ok_or_else(|| error(207, format!("Invalid column name '{name}'.")))?;
            if column.computed.is_some() {
                return Err(error(
                    271,
                    format!(
                        "The column \"{name}\" cannot be modified because it is either a computed column or is the result of a UNION operator."
                    ),
                ));
            }
            if column.identity.is_some() {
                return Err(error(
                    8102,
                    format!("Cannot update identity column '{name}'."),
                ));
            }
            let value = match &assignment.value {
                Expr::Identifier(i) if i.quote_style.is_none() && same(&i.value, "DEFAULT") => {
                    self.default_of(table, index)?
                }
                e => self.expr(e)?,
            };
            sets.push((index, self.assign(table, index, value)?));
        }
        sets.extend(
            table
                .columns
                .iter()
                .enumerate()
                .filter(|(_, c)| c.sql_type == SqlType::RowVersion)
                .map(|(i, _)| (i, "next_rowversion()".to_owned())),
        );
        Ok(sets)
    }

    /// The table to change, if it may be changed.
    fn target(&self, names: &[&str], verb: &str) -> Result<&'a TableInfo> {
        if names.first().is_some_and(|n| n.starts_with(['#', '@'])) {
            return Err(unsupported("temporary tables and table variables"));
        }
        let (schema, name) = self.resolve(names)?;
        let table = match self.catalog.table(&schema, &name) {
            Some(table) => table,
            None if self.catalog.view(&schema, &name).is_some() => {
                return Err(unsupported("changes through a view"));
            }
            None => {
                return Err(error(
                    208,
                    format!("Invalid object name '{}'.", names.join(".")),
                ));
            }
        };
        if !self.context.may_write || table.system {
            return Err(crate::value::SqlError {
                severity: 14,
                state: 5,
                ..error(
                    229,
                    format!(
                        "The {verb} permission was denied on the object '{name}', database '{}', schema '{schema}'.",
                        self.catalog.database
                    ),
                )
            });
        }
        Ok(table)
    }
}

/// Positions of the columns that SQLite stores as given.
fn stored(table: &TableInfo) -> impl Iterator<Item = usize> + '_ {
    table
        .columns
        .iter()
        .enumerate()
        .filter(|(_, c)| c.computed.is_none())
        .map(|(i, _)| i)
}

fn quoted(table: &TableInfo) -> String {
    format!("\"{}\"", table.name.replace('"', "\"\""))
}

fn bare(table: &TableInfo) -> &str {
    table
        .name
        .split_once('.')
        .map_or(table.name.as_str(), |(_, n)| n)
}
