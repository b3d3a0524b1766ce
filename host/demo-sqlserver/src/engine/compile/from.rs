//! FROM: tables, views, derived tables, joins, APPLY and table functions.

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Join, JoinConstraint, JoinOperator, ObjectName, Query,
    TableAlias, TableFactor, TableWithJoins,
};

use super::query::OutColumn;
use super::{Compiler, Source, SourceColumn, Typed, describe, expression, literal, parts};
use crate::engine::catalog::same;
use crate::engine::error::{Result, error, unsupported};
use crate::engine::types;
use crate::value::{Length, SqlType};

impl Compiler<'_> {
    /// ` FROM …`, its sources added to the innermost scope; empty without tables.
    pub(super) fn from(&mut self, tables: &[TableWithJoins]) -> Result<String> {
        let mut list = Vec::with_capacity(tables.len());
        for table in tables {
            list.push(self.joined(table)?);
        }
        Ok(if list.is_empty() {
            String::new()
        } else {
            format!(" FROM {}", list.join(", "))
        })
    }

    fn joined(&mut self, table: &TableWithJoins) -> Result<String> {
        let first = self.source_count();
        let mut sql = self.factor(&table.relation)?;
        let mut turned = false;
        for join in &table.joins {
            turned |= matches!(
                join.join_operator,
                JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_)
            );
            let left = (first, self.source_count());
            sql = self.join(&sql, join, left)?;
        }
        Ok(if turned { format!("({sql})") } else { sql })
    }

    fn join(&mut self, left: &str, join: &Join, (first, middle): (usize, usize)) -> Result<String> {
        let (word, constraint, left_null, right_null) = match &join.join_operator {
            JoinOperator::Join(c) | JoinOperator::Inner(c) => ("JOIN", c, false, false),
            JoinOperator::CrossJoin(c) => ("JOIN", c, false, false),
            JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => ("LEFT JOIN", c, false, true),
            JoinOperator::Right(c) | JoinOperator::RightOuter(c) => ("RIGHT JOIN", c, true, false),
            JoinOperator::FullOuter(c) => ("FULL JOIN", c, true, true),
            JoinOperator::CrossApply => {
                return Ok(format!(
                    "{left} JOIN {} ON 1",
                    self.applied(&join.relation)?
                ));
            }
            JoinOperator::OuterApply => {
                let right = self.applied(&join.relation)?;
                self.make_nullable(middle, usize::MAX);
                return Ok(format!("{left} LEFT JOIN {right} ON 1"));
            }
            _ => return Err(unsupported("this kind of join")),
        };
        let right = self.factor(&join.relation)?;
        let on = match constraint {
            JoinConstraint::On(e) => self.predicate(e)?,
            JoinConstraint::None if matches!(join.join_operator, JoinOperator::CrossJoin(_)) => {
                "1".into()
            }
            _ => return Err(crate::engine::error::syntax("JOIN")),
        };
        if left_null {
            self.make_nullable(first, middle);
        }
        if right_null {
            self.make_nullable(middle, usize::MAX);
        }
        Ok(format!("{left} {word} {right} ON {on}"))
    }

    fn factor(&mut self, factor: &TableFactor) -> Result<String> {
        match factor {
            TableFactor::Table {
                args: Some(args),
                name,
                alias,
                ..
            } => self.table_function(name, &args.args, alias.as_ref()),
            TableFactor::Table {
                name,
                alias,
                version: None,
                sample: None,
                ..
            } => self.table(name, alias.as_ref()),
            TableFactor::Derived {
                subquery,
                alias,
                sample: None,
                ..
            } => {
                // A derived table does not see its neighbours.
                let hidden = self
                    .scopes
                    .last_mut()
                    .map(|s| std::mem::take(&mut s.sources));
                let compiled = self.query(subquery);
                if let (Some(scope), Some(hidden)) = (self.scopes.last_mut(), hidden) {
                    scope.sources = hidden;
                }
                let compiled = compiled?;
                self.derived(&compiled.sql, compiled.columns, alias.as_ref())
            }
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => Ok(format!("({})", self.joined(table_with_joins)?)),
            TableFactor::OpenJsonTable { .. } => self.open_json(factor),
            TableFactor::Function {
                name, args, alias, ..
            } => self.table_function(name, args, alias.as_ref()),
            TableFactor::Pivot { .. } => self.pivot(factor),
            TableFactor::Unpivot { .. } => self.unpivot(factor),
            other => Err(unsupported(format_args!(
                "{} in FROM",
                other.to_string().chars().take(60).collect::<String>()
            ))),
        }
    }

    /// The right side of APPLY, which sees the left: SQLite's only lateral table
    /// is json_each, so the rows travel through it, each cell in JSON's reach.
    fn applied(&mut self, factor: &TableFactor) -> Result<String> {
        let TableFactor::Derived {
            subquery, alias, ..
        } = factor
        else {
            return self.factor(factor);
        };
        let compiled = self.query(subquery)?;
        let cells: Vec<String> = compiled
            .columns
            .iter()
            .enumerate()
            .map(|(i, c)| {
                if is_blob(c.sql_type) {
                    format!("tohex(r{i})")
                } else {
                    format!("r{i}")
                }
            })
            .collect();
        let name = self.unique("t");
        let columns = compiled
            .columns
            .iter()
            .enumerate()
            .map(|(i, c)| {
                let cell = format!("({name}.value ->> '$[{i}]')");
                let cell = if is_blob(c.sql_type) {
                    format!("unhex({cell})")
                } else {
                    cell
                };
                SourceColumn {
                    name: c.name.clone(),
                    typed: Typed::new(cell, c.sql_type, c.nullable),
                }
            })
            .collect();
        self.add_source(alias.as_ref(), "", None, columns)?;
        Ok(format!(
            "json_each((SELECT json_group_array(json_array({})) FROM ({}))) AS {name}",
            cells.join(", "),
            compiled.sql
        ))
    }

    fn table(&mut self, name: &ObjectName, alias: Option<&TableAlias>) -> Result<String> {
        let idents = parts(name)?;
        let names: Vec<&str> = idents.iter().map(|i| i.value.as_str()).collect();
        if let [one] = names.as_slice() {
            if one.starts_with(['#', '@']) {
                return Err(unsupported(format_args!(
                    "temporary tables and table variables ({one})"
                )));
            }
            if let Some(cte) = self.ctes.iter().rev().find(|c| same(&c.name, one)).cloned() {
                let t = self.unique("t");
                if cte.level {
                    self.recursion = Some(format!("recursion({t}.level, {})", self.max_recursion));
                }
                let columns = source_columns(&t, cte.columns);
                self.add_source(alias, &cte.name, None, columns)?;
                return Ok(format!("{} AS {t}", cte.sql_name));
            }
        }
        let (schema, table) = self.resolve(&names)?;
        let catalog = self.catalog;
        if let Some(rows) = catalog.policy(&schema, &table)
            && !std::mem::replace(&mut self.behind_policy, true)
        {
            let source = self.whole(rows, alias, &schema, &table);
            self.behind_policy = false;
            return source;
        }
        if let Some(info) = catalog.table(&schema, &table) {
            let t = self.unique("t");
            let columns = info
                .columns
                .iter()
                .enumerate()
                .map(|(i, c)| SourceColumn {
                    name: c.name.clone(),
                    typed: Typed {
                        identity: c.identity.is_some(),
                        ..Typed::new(format!("{t}.c{i}"), c.sql_type, c.nullable)
                    },
                })
                .collect();
            self.add_source(alias, &table, Some(&schema), columns)?;
            return Ok(format!("\"{}\" AS {t}", info.name.replace('"', "\"\"")));
        }
        let Some(view) = catalog.view(&schema, &table) else {
            return Err(error(
                208,
                format!("Invalid object name '{}'.", names.join(".")),
            ));
        };
        self.whole(&view.query, alias, &schema, &table)
    }

    /// A query of the database's own as a source: it sees the database and
    /// nothing of the statement around it.
    fn whole(
        &mut self,
        query: &Query,
        alias: Option<&TableAlias>,
        schema: &str,
        table: &str,
    ) -> Result<String> {
        let (scopes, ctes) = (
            std::mem::take(&mut self.scopes),
            std::mem::take(&mut self.ctes),
        );
        let compiled = self.query(query);
        (self.scopes, self.ctes) = (scopes, ctes);
        let compiled = compiled?;
        let t = self.unique("t");
        let columns = source_columns(&t, compiled.columns);
        self.add_source(alias, table, Some(schema), columns)?;
        Ok(format!("({}) AS {t}", compiled.sql))
    }

    /// Schema and table of a name of one to three parts.
    pub(crate) fn resolve(&self, names: &[&str]) -> Result<(String, String)> {
        let dbo = |schema: &str| {
            if schema.is_empty() {
                "dbo".to_owned()
            } else {
                schema.to_owned()
            }
        };
        match names {
            [table] => Ok(("dbo".into(), (*table).to_owned())),
            [schema, table] => Ok((dbo(schema), (*table).to_owned())),
            [database, schema, table] if same(database, &self.catalog.database) => {
                Ok((dbo(schema), (*table).to_owned()))
            }
            [_, schema, table]
                if (same(schema, "sys") || same(schema, "INFORMATION_SCHEMA"))
                    && self.catalog.has(schema, table) =>
            {
                Ok(((*schema).to_owned(), (*table).to_owned()))
            }
            _ => Err(error(
                208,
                format!("Invalid object name '{}'.", names.join(".")),
            )),
        }
    }

    pub(super) fn derived(
        &mut self,
        sql: &str,
        columns: Vec<OutColumn>,
        alias: Option<&TableAlias>,
    ) -> Result<String> {
        let t = self.unique("t");
        let columns = source_columns(&t, columns);
        if alias.is_none() {
            return Err(crate::engine::error::syntax(")"));
        }
        self.add_source(alias, "", None, columns)?;
        Ok(format!("({sql}) AS {t}"))
    }

    pub(super) fn add_source(
        &mut self,
        alias: Option<&TableAlias>,
        name: &str,
        schema: Option<&str>,
        mut columns: Vec<SourceColumn>,
    ) -> Result<()> {
        if let Some(alias) = alias.filter(|a| !a.columns.is_empty()) {
            if alias.columns.len() != columns.len() {
                return Err(error(
                    8159,
                    format!(
                        "'{}' has a different number of columns than were specified in the column list.",
                        alias.name.value
                    ),
                ));
            }
            for (column, given) in columns.iter_mut().zip(&alias.columns) {
                column.name.clone_from(&given.name.value);
            }
        }
        let source = Source {
            alias: alias.map_or_else(|| name.to_owned(), |a| a.name.value.clone()),
            schema: if alias.is_some() {
                None
            } else {
                schema.map(str::to_owned)
            },
            columns,
        };
        let Some(scope) = self.scopes.last_mut() else {
            return Ok(());
        };
        if !source.alias.is_empty()
            && scope
                .sources
                .iter()
                .any(|s| same(&s.alias, &source.alias) && s.schema == source.schema)
        {
            return Err(error(
                1011,
                format!(
                    "The correlation name '{}' is specified multiple times in a FROM clause.",
                    source.alias
                ),
            ));
        }
        scope.sources.push(source);
        Ok(())
    }

    fn source_count(&self) -> usize {
        self.scopes.last().map_or(0, |s| s.sources.len())
    }

    fn make_nullable(&mut self, from: usize, to: usize) {
        let Some(scope) = self.scopes.last_mut() else {
            return;
        };
        for source in scope.sources.iter_mut().take(to).skip(from) {
            for column in &mut source.columns {
                column.typed.nullable = true;
            }
        }
    }

    fn table_function(
        &mut self,
        name: &ObjectName,
        args: &[FunctionArg],
        alias: Option<&TableAlias>,
    ) -> Result<String> {
        let name = name.to_string().to_ascii_uppercase();
        if name == describe::NAME {
            return self.describe(args, alias);
        }
        let mut values = Vec::with_capacity(args.len());
        for argument in args {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) = argument else {
                return Err(unsupported("this argument"));
            };
            values.push(self.expr(e)?);
        }
        let t = self.unique("t");
        match (name.as_str(), values.as_slice()) {
            ("STRING_SPLIT", [text, separator, rest @ ..]) => {
                let text = self.as_text(text.clone(), SqlType::NVarChar(Length::Max))?;
                let mut columns = vec![SourceColumn {
                    name: "value".into(),
                    typed: Typed::new(format!("{t}.value"), text.sql_type, true),
                }];
                if rest
                    .first()
                    .is_some_and(|r| matches!(r.constant, Some(crate::value::Value::Int(1))))
                {
                    columns.push(SourceColumn {
                        name: "ordinal".into(),
                        typed: Typed::new(format!("({t}.key + 1)"), SqlType::BigInt, false),
                    });
                }
                self.add_source(alias, "STRING_SPLIT", None, columns)?;
                Ok(format!(
                    "json_each(COALESCE(t_split({}, {}), '[]')) AS {t}",
                    text.sql, separator.sql
                ))
            }
            ("GENERATE_SERIES", [start, stop, step @ ..]) => {
                if !types::is_integer(start.sql_type) || !types::is_integer(stop.sql_type) {
                    return Err(unsupported("GENERATE_SERIES over decimals"));
                }
                let step = step.first().map_or_else(
                    || format!("CASE WHEN {} <= {} THEN 1 ELSE -1 END", start.sql, stop.sql),
                    |s| s.sql.clone(),
                );
                let columns = vec![SourceColumn {
                    name: "value".into(),
                    typed: Typed::new(
                        format!("{t}.value"),
                        types::common(start.sql_type, stop.sql_type)?,
                        false,
                    ),
                }];
                self.add_source(alias, "GENERATE_SERIES", None, columns)?;
                Ok(format!(
                    "json_each(COALESCE(t_series({}, {}, {step}), '[]')) AS {t}",
                    start.sql, stop.sql
                ))
            }
            ("OPENJSON", [json, path @ ..]) => {
                let path = path.first().map_or("'$'".to_owned(), |p| p.sql.clone());
                let cell = |i: usize, sql_type| {
                    Typed::new(format!("({t}.value ->> '$[{i}]')"), sql_type, true)
                };
                let columns = vec![
                    SourceColumn {
                        name: "key".into(),
                        typed: cell(0, SqlType::NVarChar(Length::Limited(4000))),
                    },
                    SourceColumn {
                        name: "value".into(),
                        typed: cell(1, SqlType::NVarChar(Length::Max)),
                    },
                    SourceColumn {
                        name: "type".into(),
                        typed: cell(2, SqlType::TinyInt),
                    },
                ];
                self.add_source(alias, "OPENJSON", None, columns)?;
                Ok(format!(
                    "json_each(COALESCE(j_open({}, {path}), '[]')) AS {t}",
                    json.sql
                ))
            }
            (other, _) => Err(unsupported(format_args!("the table function {other}"))),
        }
    }

    fn open_json(&mut self, factor: &TableFactor) -> Result<String> {
        let TableFactor::OpenJsonTable {
            json_expr,
            json_path,
            columns,
            alias,
        } = factor
        else {
            return Err(unsupported("OPENJSON"));
        };
        let json = self.expr(json_expr)?;
        let path = match json_path {
            Some(path) => literal::literal(&path.value)?.sql,
            None => "'$'".into(),
        };
        if columns.is_empty() {
            let path_expr = json_path
                .as_ref()
                .map(|p| FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(p.clone()))));
            let args: Vec<FunctionArg> = std::iter::once(FunctionArg::Unnamed(
                FunctionArgExpr::Expr(json_expr.clone()),
            ))
            .chain(path_expr)
            .collect();
            return self.table_function(
                &ObjectName::from(vec!["OPENJSON".into()]),
                &args,
                alias.as_ref(),
            );
        }
        let t = self.unique("t");
        // Elements as JSON text: json_each gives scalars unquoted.
        let element = format!("({t}.json -> {t}.fullkey)");
        let mut sources = Vec::with_capacity(columns.len());
        for column in columns {
            let sql_type = expression::declared(&column.r#type, 1)?;
            let path = column
                .path
                .clone()
                .unwrap_or_else(|| format!("$.\"{}\"", column.name.value));
            let path = super::literal::string(&path, false).sql;
            let cell = format!(
                "j_column({element}, {path}, {}, {})",
                types::code(sql_type),
                u8::from(column.as_json)
            );
            sources.push(SourceColumn {
                name: column.name.value.clone(),
                typed: Typed::new(cell, sql_type, true),
            });
        }
        self.add_source(alias.as_ref(), "OPENJSON", None, sources)?;
        Ok(format!(
            "json_each(COALESCE(j_rows({}, {path}), '[]')) AS {t}",
            json.sql
        ))
    }

    /// The query of a FROM item on its own, for PIVOT.
    pub(super) fn standalone(&mut self, factor: &TableFactor) -> Result<(String, Source)> {
        self.scopes.push(super::Scope::default());
        let compiled = self.factor(factor);
        let scope = self.scopes.pop();
        let sql = compiled?;
        let source = scope
            .and_then(|s| s.sources.into_iter().next())
            .ok_or_else(|| unsupported("this table in PIVOT"))?;
        Ok((sql, source))
    }
}

fn is_blob(sql_type: SqlType) -> bool {
    types::is_binary(sql_type)
        || matches!(
            sql_type,
            SqlType::Decimal { .. }
                | SqlType::UniqueIdentifier
                | SqlType::DateTimeOffset(_)
                | SqlType::Variant
                | SqlType::Udt(_)
        )
}

fn source_columns(t: &str, columns: Vec<OutColumn>) -> Vec<SourceColumn> {
    columns
        .into_iter()
        .enumerate()
        .map(|(i, c)| SourceColumn {
            name: c.name,
            typed: Typed {
                identity: c.identity,
                ..Typed::new(format!("{t}.r{i}"), c.sql_type, c.nullable)
            },
        })
        .collect()
}
