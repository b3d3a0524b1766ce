//! Whole queries: WITH, set operations, VALUES, ORDER BY and paging around them.

use sqlparser::ast::{
    Cte as CteAst, Expr, LimitClause, OrderByExpr, OrderByKind, Query, SetExpr, SetOperator,
    SetQuantifier, Values, With,
};

use super::{Compiler, Cte, Typed};
use crate::engine::catalog::same;
use crate::engine::error::{Result, error, unsupported};
use crate::engine::types;
use crate::value::{Column, SqlType};

/// A column of a query's result; in SQLite it is called `r0`, `r1` ….
#[derive(Debug, Clone)]
pub(crate) struct OutColumn {
    /// Empty where the expression has no name.
    pub(crate) name: String,
    /// Its type.
    pub(crate) sql_type: SqlType,
    /// Whether NULL can occur.
    pub(crate) nullable: bool,
    /// Whether it is an IDENTITY column.
    pub(crate) identity: bool,
}

/// A compiled query.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    /// SQLite source.
    pub(crate) sql: String,
    /// Its columns.
    pub(crate) columns: Vec<OutColumn>,
    /// Whether it yields at most one row, whatever the data.
    pub(crate) single_row: bool,
}

/// How a result is cut.
#[derive(Debug, Default, Clone)]
pub(super) struct Paging {
    /// LIMIT in SQLite's language.
    pub(super) limit: Option<String>,
    /// OFFSET likewise.
    pub(super) offset: Option<String>,
}

impl Compiled {
    /// The columns as the wire describes them.
    pub(crate) fn result_columns(&self) -> Vec<Column> {
        self.columns
            .iter()
            .map(|c| Column {
                name: c.name.clone(),
                sql_type: c.sql_type,
                nullable: c.nullable,
                identity: c.identity,
            })
            .collect()
    }
}

impl Paging {
    pub(super) fn sql(&self) -> String {
        match (&self.limit, &self.offset) {
            (None, None) => String::new(),
            (Some(limit), None) => format!(" LIMIT {limit}"),
            (limit, Some(offset)) => format!(
                " LIMIT {} OFFSET {offset}",
                limit.as_deref().unwrap_or("-1")
            ),
        }
    }
}

impl Compiler<'_> {
    /// Compiles a query; its own scope ends with it.
    pub(crate) fn query(&mut self, query: &Query) -> Result<Compiled> {
        let outer_ctes = self.ctes.len();
        let result = self.deeper(|c| c.query_inner(query));
        self.ctes.truncate(outer_ctes);
        result
    }

    fn query_inner(&mut self, query: &Query) -> Result<Compiled> {
        if query.for_clause.is_some() && self.depth > 1 {
            return Err(unsupported("FOR JSON and FOR XML inside a statement"));
        }
        if !query.locks.is_empty()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty()
        {
            return Err(unsupported("this clause after a query"));
        }
        let with = match &query.with {
            Some(with) => self.with(with)?,
            None => String::new(),
        };
        let order: &[OrderByExpr] = match &query.order_by {
            None => &[],
            Some(order) => match &order.kind {
                OrderByKind::Expressions(list) => list,
                OrderByKind::All(_) => return Err(unsupported("ORDER BY ALL")),
            },
        };
        let paging = self.paging(query)?;
        if !order.is_empty() && self.depth > 1 && paging.sql().is_empty() && !has_top(&query.body) {
            return Err(error(
                1033,
                "The ORDER BY clause is invalid in views, inline functions, derived tables, subqueries, and common table expressions, unless TOP, OFFSET or FOR XML is also specified.",
            ));
        }
        let mut compiled = match query.body.as_ref() {
            SetExpr::Select(select) => self.select(select, order, paging)?,
            body => {
                let body = self.set_expr(body)?;
                let keys = self.set_order(&body, order)?;
                let columns = body.columns.clone();
                Compiled {
                    sql: format!("SELECT * FROM ({}){keys}{}", body.sql, paging.sql()),
                    columns,
                    single_row: false,
                }
            }
        };
        if !with.is_empty() {
            compiled.sql = format!("{with}{}", compiled.sql);
        }
        Ok(compiled)
    }

    fn set_expr(&mut self, body: &SetExpr) -> Result<Compiled> {
        self.deeper(|c| match body {
            SetExpr::Select(select) => c.select(select, &[], Paging::default()),
            SetExpr::Query(query) => c.query(query),
            SetExpr::Values(values) => c.values(values),
            SetExpr::SetOperation {
                left,
                op,
                set_quantifier,
                right,
            } => {
                let (left, right) = (c.set_expr(left)?, c.set_expr(right)?);
                let word = match (op, set_quantifier) {
                    (SetOperator::Union, SetQuantifier::All) => "UNION ALL",
                    (SetOperator::Union, _) => "UNION",
                    (SetOperator::Except, SetQuantifier::None) => "EXCEPT",
                    (SetOperator::Intersect, SetQuantifier::None) => "INTERSECT",
                    _ => return Err(unsupported(format_args!("{op} {set_quantifier}"))),
                };
                c.combine(&left, word, &right)
            }
            other => Err(unsupported(format_args!(
                "the query {}",
                other.to_string().chars().take(40).collect::<String>()
            ))),
        })
    }

    fn combine(&mut self, left: &Compiled, word: &str, right: &Compiled) -> Result<Compiled> {
        if left.columns.len() != right.columns.len() {
            return Err(error(
                205,
                "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.",
            ));
        }
        let mut columns = Vec::with_capacity(left.columns.len());
        for (a, b) in left.columns.iter().zip(&right.columns) {
            let sql_type = types::common(a.sql_type, b.sql_type)?;
            if word != "UNION ALL"
                && matches!(
                    sql_type,
                    SqlType::Variant | SqlType::DateTimeOffset(_) | SqlType::Udt(_) | SqlType::Xml
                )
            {
                return Err(unsupported(format_args!(
                    "{word} over {}",
                    types::base_name(sql_type)
                )));
            }
            columns.push(OutColumn {
                name: a.name.clone(),
                sql_type,
                nullable: a.nullable || b.nullable,
                identity: false,
            });
        }
        let sides = [left, right].map(|side| self.reshape(side, &columns));
        let [left, right] = sides;
        Ok(Compiled {
            sql: format!("{left} {word} {right}"),
            columns,
            single_row: false,
        })
    }

    /// A query whose columns have other types.
    fn reshape(&mut self, compiled: &Compiled, columns: &[OutColumn]) -> String {
        let name = self.unique("u");
        let items: Vec<String> = compiled
            .columns
            .iter()
            .zip(columns)
            .enumerate()
            .map(|(i, (from, to))| {
                let value = self.cast(
                    Typed::new(format!("{name}.r{i}"), from.sql_type, true),
                    to.sql_type,
                );
                format!(
                    "{} AS r{i}",
                    if types::is_text(to.sql_type) {
                        value.key()
                    } else {
                        value.sql
                    }
                )
            })
            .collect();
        format!(
            "SELECT {} FROM ({}) AS {name}",
            items.join(", "),
            compiled.sql
        )
    }

    fn values(&mut self, values: &Values) -> Result<Compiled> {
        let mut rows = Vec::with_capacity(values.rows.len());
        for row in &values.rows {
            rows.push(
                row.content
                    .iter()
                    .map(|e| self.expr(e))
                    .collect::<Result<Vec<_>>>()?,
            );
        }
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|r| r.len() != width) {
            return Err(error(
                10709,
                "The number of columns for each row in a table value constructor must be the same.",
            ));
        }
        let mut columns = Vec::with_capacity(width);
        for i in 0..width {
            let cells: Vec<Typed> = rows.iter().filter_map(|r| r.get(i).cloned()).collect();
            let sql_type = self.common_type(&cells)?;
            columns.push(OutColumn {
                name: String::new(),
                sql_type,
                nullable: cells.iter().any(|c| c.nullable),
                identity: false,
            });
        }
        let selects: Vec<String> = rows
            .into_iter()
            .map(|row| {
                let cells: Vec<String> = row
                    .into_iter()
                    .zip(&columns)
                    .enumerate()
                    .map(|(i, (cell, column))| {
                        format!("{} AS r{i}", self.cast(cell, column.sql_type).sql)
                    })
                    .collect();
                format!("SELECT {}", cells.join(", "))
            })
            .collect();
        Ok(Compiled {
            sql: selects.join(" UNION ALL "),
            columns,
            single_row: false,
        })
    }

    /// ORDER BY over a set operation: names and positions of its columns.
    fn set_order(&mut self, body: &Compiled, order: &[OrderByExpr]) -> Result<String> {
        let mut keys = Vec::with_capacity(order.len());
        for item in order {
            let index = match &item.expr {
                Expr::Identifier(ident) => body
                    .columns
                    .iter()
                    .position(|c| same(&c.name, &ident.value)),
                Expr::Value(v) => position(&v.value.to_string(), body.columns.len())?,
                _ => None,
            };
            let Some((index, column)) = index.and_then(|i| body.columns.get(i).map(|c| (i, c)))
            else {
                return Err(error(
                    104,
                    "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or EXCEPT operator.",
                ));
            };
            let key = Typed::new(format!("r{index}"), column.sql_type, true).key();
            keys.push(format!("{key}{}", direction(item)));
        }
        Ok(if keys.is_empty() {
            String::new()
        } else {
            format!(" ORDER BY {}", keys.join(", "))
        })
    }

    fn paging(&mut self, query: &Query) -> Result<Paging> {
        let mut paging = Paging::default();
        match &query.limit_clause {
            None => {}
            Some(LimitClause::LimitOffset {
                limit: None,
                offset: Some(offset),
                limit_by,
            }) if limit_by.is_empty() => {
                paging.offset = Some(self.row_count(&offset.value)?);
            }
            Some(_) => return Err(crate::engine::error::syntax("LIMIT")),
        }
        if let Some(fetch) = &query.fetch {
            if fetch.percent || fetch.with_ties {
                return Err(unsupported("FETCH with PERCENT or TIES"));
            }
            paging.limit = match &fetch.quantity {
                Some(quantity) => Some(self.row_count(quantity)?),
                None => Some("1".into()),
            };
        }
        Ok(paging)
    }

    /// A number of rows in LIMIT and OFFSET.
    pub(super) fn row_count(&mut self, e: &Expr) -> Result<String> {
        let value = self.expr(e)?;
        let value = self.cast(value, SqlType::BigInt);
        Ok(format!("MAX(0, {})", value.sql))
    }

    fn with(&mut self, with: &With) -> Result<String> {
        let mut parts = Vec::with_capacity(with.cte_tables.len());
        for cte in &with.cte_tables {
            parts.push(self.cte(cte)?);
        }
        Ok(format!("WITH RECURSIVE {} ", parts.join(", ")))
    }

    fn cte(&mut self, cte: &CteAst) -> Result<String> {
        let name = cte.alias.name.value.clone();
        let sql_name = self.unique("cte");
        let names = |compiled: &mut Vec<OutColumn>| -> Result<()> {
            if !cte.alias.columns.is_empty() {
                if cte.alias.columns.len() != compiled.len() {
                    return Err(error(
                        8159,
                        format!(
                            "'{name}' has a different number of columns than were specified in the column list."
                        ),
                    ));
                }
                for (column, alias) in compiled.iter_mut().zip(&cte.alias.columns) {
                    column.name.clone_from(&alias.name.value);
                }
            }
            Ok(())
        };
        if let SetExpr::SetOperation {
            left,
            op: SetOperator::Union,
            set_quantifier: SetQuantifier::All,
            right,
        } = cte.query.body.as_ref()
            && mentions(right, &name)
        {
            let mut anchor = self.set_expr(left)?;
            names(&mut anchor.columns)?;
            let columns = anchor
                .columns
                .iter()
                .map(|c| OutColumn {
                    nullable: true,
                    ..c.clone()
                })
                .collect::<Vec<_>>();
            self.ctes.push(Cte {
                name: name.clone(),
                sql_name: sql_name.clone(),
                columns: columns.clone(),
                level: true,
            });
            let step = self.set_expr(right)?;
            if step.columns.len() != columns.len() {
                return Err(error(
                    205,
                    "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.",
                ));
            }
            if let Some(last) = self.ctes.last_mut() {
                last.level = false;
            }
            let list: Vec<String> = (0..columns.len()).map(|i| format!("r{i}")).collect();
            let list = list.join(", ");
            return Ok(format!(
                "{sql_name}({list}, level) AS (SELECT {list}, 0 FROM ({}) UNION ALL {})",
                anchor.sql, step.sql
            ));
        }
        let mut compiled = self.query(&cte.query)?;
        names(&mut compiled.columns)?;
        if let Some(unnamed) = compiled.columns.iter().position(|c| c.name.is_empty()) {
            return Err(error(
                8155,
                format!(
                    "No column name was specified for column {} of '{name}'.",
                    unnamed + 1
                ),
            ));
        }
        self.ctes.push(Cte {
            name,
            sql_name: sql_name.clone(),
            columns: compiled.columns,
            level: false,
        });
        Ok(format!("{sql_name} AS ({})", compiled.sql))
    }
}

/// ` DESC` or nothing.
pub(super) fn direction(item: &OrderByExpr) -> &'static str {
    match item.options.sort {
        Some(sqlparser::ast::OrderBySort::Desc) => " DESC",
        _ => "",
    }
}

/// A position in the select list, from 1.
pub(super) fn position(text: &str, width: usize) -> Result<Option<usize>> {
    match text.parse::<usize>() {
        Ok(n) if (1..=width).contains(&n) => Ok(Some(n - 1)),
        Ok(n) => Err(error(
            108,
            format!(
                "The ORDER BY position number {n} is out of range of the number of items in the select list."
            ),
        )),
        Err(_) => Err(error(
            408,
            "A constant expression was encountered in the ORDER BY list.",
        )),
    }
}

fn has_top(body: &SetExpr) -> bool {
    matches!(body, SetExpr::Select(select) if select.top.is_some())
}

/// Whether a FROM clause somewhere names the CTE.
fn mentions(body: &SetExpr, name: &str) -> bool {
    use std::ops::ControlFlow;
    sqlparser::ast::visit_relations(body, |relation| {
        let hit = matches!(relation.0.as_slice(), [one] if one.as_ident().is_some_and(|i| same(&i.value, name)));
        if hit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .is_break()
}
