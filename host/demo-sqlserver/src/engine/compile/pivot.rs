//! PIVOT as conditional aggregates, UNPIVOT as a UNION ALL.

use sqlparser::ast::{Expr, NullInclusion, PivotValueSource, TableFactor};

use super::query::OutColumn;
use super::{Compiler, Scope, Typed, aggregate};
use crate::engine::catalog::same;
use crate::engine::error::{Result, error, unsupported};
use crate::engine::types;

impl Compiler<'_> {
    pub(super) fn pivot(&mut self, factor: &TableFactor) -> Result<String> {
        let TableFactor::Pivot {
            table,
            aggregate_functions,
            value_column,
            value_source: PivotValueSource::List(list),
            alias,
            ..
        } = factor
        else {
            return Err(unsupported("this PIVOT"));
        };
        let ([function], [by]) = (aggregate_functions.as_slice(), value_column.as_slice()) else {
            return Err(unsupported("this PIVOT"));
        };
        let Expr::Function(call) = &function.expr else {
            return Err(unsupported("this PIVOT"));
        };
        let arguments = aggregate::arguments(call)?;
        let [argument] = arguments.exprs.as_slice() else {
            return Err(unsupported("PIVOT over COUNT(*)"));
        };
        let (from, source) = self.standalone(table)?;
        let named = |e: &Expr| -> Result<usize> {
            let name = match e {
                Expr::Identifier(i) => &i.value,
                Expr::CompoundIdentifier(list) => list
                    .last()
                    .map(|i| &i.value)
                    .ok_or_else(|| unsupported("this PIVOT"))?,
                _ => return Err(unsupported("an expression in PIVOT")),
            };
            source
                .columns
                .iter()
                .position(|c| same(&c.name, name))
                .ok_or_else(|| error(207, format!("Invalid column name '{name}'.")))
        };
        let (by, value) = (named(by)?, named(argument)?);
        let rest: Vec<_> = source
            .columns
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != by && *i != value)
            .map(|(_, c)| c.clone())
            .collect();
        let (Some(by), Some(value)) = (
            source.columns.get(by).map(|c| c.typed.clone()),
            source.columns.get(value).cloned(),
        ) else {
            return Err(unsupported("this PIVOT"));
        };
        let mut columns: Vec<OutColumn> = rest
            .iter()
            .map(|c| OutColumn {
                name: c.name.clone(),
                sql_type: c.typed.sql_type,
                nullable: c.typed.nullable,
                identity: false,
            })
            .collect();
        let mut items: Vec<String> = rest
            .iter()
            .enumerate()
            .map(|(i, c)| format!("{} AS r{i}", c.typed.sql))
            .collect();
        for item in list {
            let Expr::Identifier(ident) = &item.expr else {
                return Err(unsupported("a PIVOT list of other than names"));
            };
            let test = self.compare(by.clone(), "=", super::literal::string(&ident.value, true))?;
            let picked = Typed {
                nullable: true,
                constant: None,
                sql: format!("CASE WHEN {test} THEN {} END", value.typed.sql),
                ..value.typed.clone()
            };
            // The aggregate names its argument: a scope where that name is the picked value.
            let mut column = value.clone();
            column.typed = picked;
            column.typed.sql = format!("({})", column.typed.sql);
            let scope_source = super::Source {
                alias: source.alias.clone(),
                schema: None,
                columns: vec![column],
            };
            self.scopes.push(Scope {
                sources: vec![scope_source],
                group: None,
            });
            let result = self.aggregate(
                &call.name.to_string().to_ascii_uppercase(),
                call,
                &arguments,
                "",
            );
            self.scopes.pop();
            let result = result?;
            items.push(format!("{} AS r{}", result.sql, columns.len()));
            let name = item.alias.as_ref().unwrap_or(ident).value.clone();
            columns.push(OutColumn {
                name,
                sql_type: result.sql_type,
                nullable: true,
                identity: false,
            });
        }
        let keys: Vec<String> = rest.iter().map(|c| c.typed.key()).collect();
        let tail = if keys.is_empty() {
            " HAVING COUNT(*) > 0".to_owned()
        } else {
            format!(" GROUP BY {}", keys.join(", "))
        };
        let sql = format!("SELECT {} FROM {from}{tail}", items.join(", "));
        self.derived(&sql, columns, alias.as_ref())
    }

    pub(super) fn unpivot(&mut self, factor: &TableFactor) -> Result<String> {
        let TableFactor::Unpivot {
            table,
            value,
            name,
            columns: list,
            null_inclusion,
            alias,
        } = factor
        else {
            return Err(unsupported("this UNPIVOT"));
        };
        let Expr::Identifier(value) = value else {
            return Err(unsupported("this UNPIVOT"));
        };
        let mut picked = Vec::with_capacity(list.len());
        let (from, source) = self.standalone(table)?;
        for item in list {
            let Expr::Identifier(ident) = &item.expr else {
                return Err(unsupported("this UNPIVOT"));
            };
            let column = source.columns.iter().find(|c| same(&c.name, &ident.value));
            picked.push(
                column
                    .cloned()
                    .ok_or_else(|| error(207, format!("Invalid column name '{}'.", ident.value)))?,
            );
        }
        let Some(sql_type) = picked.first().map(|c| c.typed.sql_type) else {
            return Err(unsupported("this UNPIVOT"));
        };
        if let Some(other) = picked.iter().find(|c| c.typed.sql_type != sql_type) {
            return Err(error(
                8167,
                format!(
                    "The type of column \"{}\" conflicts with the type of other columns specified in the UNPIVOT list.",
                    other.name
                ),
            ));
        }
        let rest: Vec<_> = source
            .columns
            .iter()
            .filter(|c| !picked.iter().any(|p| p.name == c.name))
            .collect();
        let width = rest.len();
        let with_nulls = matches!(null_inclusion, Some(NullInclusion::IncludeNulls));
        let selects: Vec<String> = picked
            .iter()
            .map(|column| {
                let mut items: Vec<String> = rest
                    .iter()
                    .enumerate()
                    .map(|(i, c)| format!("{} AS r{i}", c.typed.sql))
                    .collect();
                items.push(format!("{} AS r{width}", column.typed.sql));
                items.push(format!(
                    "{} AS r{}",
                    super::literal::string(&column.name, true).sql,
                    width + 1
                ));
                let filter = if with_nulls {
                    String::new()
                } else {
                    format!(" WHERE {} IS NOT NULL", column.typed.sql)
                };
                format!("SELECT {} FROM {from}{filter}", items.join(", "))
            })
            .collect();
        let mut columns: Vec<OutColumn> = rest
            .iter()
            .map(|c| OutColumn {
                name: c.name.clone(),
                sql_type: c.typed.sql_type,
                nullable: c.typed.nullable,
                identity: false,
            })
            .collect();
        columns.push(OutColumn {
            name: value.value.clone(),
            sql_type,
            nullable: true,
            identity: false,
        });
        columns.push(OutColumn {
            name: name.value.clone(),
            sql_type: types::text_type(true, Some(128)),
            nullable: true,
            identity: false,
        });
        self.derived(&selects.join(" UNION ALL "), columns, alias.as_ref())
    }
}
