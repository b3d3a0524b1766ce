//! One SELECT: its list, DISTINCT, ORDER BY and TOP.

use sqlparser::ast::{
    Distinct, Expr, Ident, OrderByExpr, Select, SelectItem, SelectItemQualifiedWildcardKind, Top,
    TopQuantity,
};

use super::query::{Compiled, OutColumn, Paging, direction, position};
use super::{Compiler, Scope, Typed, parts};
use crate::engine::catalog::same;
use crate::engine::error::{Result, error, syntax, unsupported};
use crate::engine::types;
use crate::value::SqlType;

/// One column of the list.
struct Item {
    name: String,
    typed: Typed,
}

impl Compiler<'_> {
    pub(super) fn select(
        &mut self,
        select: &Select,
        order: &[OrderByExpr],
        paging: Paging,
    ) -> Result<Compiled> {
        if select.into.is_some() {
            return Err(unsupported("SELECT INTO"));
        }
        if !select.named_window.is_empty()
            || select.qualify.is_some()
            || !select.connect_by.is_empty()
            || select.prewhere.is_some()
        {
            return Err(unsupported("this clause of SELECT"));
        }
        self.scopes.push(Scope::default());
        let result = self.select_in_scope(select, order, paging);
        self.scopes.pop();
        result
    }

    fn select_in_scope(
        &mut self,
        select: &Select,
        order: &[OrderByExpr],
        mut paging: Paging,
    ) -> Result<Compiled> {
        let mut from = self.from(&select.from)?;
        let level = self.recursion.take();
        let mut filter = match &select.selection {
            Some(selection) => format!(" WHERE {}", self.predicate(selection)?),
            None => String::new(),
        };
        let grouping = self.begin_group(select, order)?;
        let mut items = self.items(&select.projection)?;
        if let Some(level) = &level
            && let Some(cte) = self.ctes.iter().rev().find(|c| c.level).cloned()
        {
            if grouping.is_some() {
                return Err(unsupported("aggregates in the recursive part"));
            }
            for (item, column) in items.iter_mut().zip(&cte.columns) {
                if !recursive_types_agree(item.typed.sql_type, column.sql_type) {
                    return Err(error(
                        240,
                        format!(
                            "Types don't match between the anchor and the recursive part in column \"{}\" of recursive query.",
                            column.name
                        ),
                    ));
                }
                item.typed = self.cast(item.typed.clone(), column.sql_type);
            }
            let _ = level;
        }
        let distinct = match &select.distinct {
            None | Some(Distinct::All) => false,
            Some(Distinct::Distinct) => true,
            Some(Distinct::On(_)) => return Err(syntax("ON")),
        };
        let keys = order
            .iter()
            .map(|o| self.order_key(o, &items, distinct))
            .collect::<Result<Vec<_>>>()?;
        let single_without_group = grouping
            .as_ref()
            .is_some_and(super::group::Grouping::always_one_row);
        if let Some(grouping) = grouping {
            let having = select
                .having
                .as_ref()
                .map(|h| self.predicate(h))
                .transpose()?;
            let inner = self.end_group(grouping, &from, &filter);
            from = format!(" FROM {inner}");
            filter = having.map_or(String::new(), |h| format!(" WHERE {h}"));
        }
        if distinct
            && items.iter().any(|i| {
                matches!(
                    i.typed.sql_type,
                    SqlType::DateTimeOffset(_) | SqlType::Variant | SqlType::Xml | SqlType::Udt(_)
                )
            })
        {
            return Err(unsupported("DISTINCT over this type"));
        }
        let columns: Vec<OutColumn> = items
            .iter()
            .map(|i| OutColumn {
                name: i.name.clone(),
                sql_type: i.typed.sql_type,
                nullable: i.typed.nullable,
                identity: i.typed.identity,
            })
            .collect();
        let mut list: Vec<String> = items
            .iter()
            .enumerate()
            .map(|(i, item)| {
                format!(
                    "{} AS r{i}",
                    if distinct {
                        item.typed.key()
                    } else {
                        item.typed.sql.clone()
                    }
                )
            })
            .collect();
        list.extend(level.map(|l| format!("{l} AS level")));
        let word = if distinct {
            "SELECT DISTINCT"
        } else {
            "SELECT"
        };
        let body = format!("{word} {}{from}{filter}", list.join(", "));
        let order_sql = if keys.is_empty() {
            String::new()
        } else {
            format!(" ORDER BY {}", keys.join(", "))
        };
        let mut single_row = single_without_group || (select.from.is_empty());
        let sql = match &select.top {
            Some(top) => {
                if paging.offset.is_some() || paging.limit.is_some() {
                    return Err(error(
                        10741,
                        "A TOP can not be used in the same query or sub-query as a OFFSET.",
                    ));
                }
                single_row |= matches!(
                    top,
                    Top {
                        with_ties: false,
                        percent: false,
                        quantity: Some(TopQuantity::Constant(1)),
                        ..
                    }
                );
                single_row |= !top.with_ties
                    && !top.percent
                    && matches!(&top.quantity, Some(TopQuantity::Expr(Expr::Value(v))) if v.value.to_string() == "1");
                self.top(
                    top,
                    &body,
                    &list,
                    &keys,
                    &order_sql,
                    (&from, &filter),
                    distinct,
                    &mut paging,
                )?
            }
            None => {
                if paging.offset.is_some() && keys.is_empty() {
                    return Err(syntax("OFFSET"));
                }
                format!("{body}{order_sql}{}", paging.sql())
            }
        };
        Ok(Compiled {
            sql,
            columns,
            single_row,
        })
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one statement, which only this function puts together"
    )]
    fn top(
        &mut self,
        top: &Top,
        body: &str,
        list: &[String],
        keys: &[String],
        order: &str,
        (from, filter): (&str, &str),
        distinct: bool,
        paging: &mut Paging,
    ) -> Result<String> {
        let quantity = match &top.quantity {
            Some(TopQuantity::Constant(n)) if top.percent => format!("({n} * 1.0)"),
            Some(TopQuantity::Constant(n)) => n.to_string(),
            Some(TopQuantity::Expr(e)) if top.percent => {
                let value = self.expr(e)?;
                self.cast(value, SqlType::Float).sql
            }
            Some(TopQuantity::Expr(e)) => self.row_count(e)?,
            None => return Err(syntax("TOP")),
        };
        let quantity = if top.percent {
            format!("(SELECT top_percent(COUNT(*), {quantity}) FROM ({body}))")
        } else {
            quantity
        };
        if !top.with_ties {
            paging.limit = Some(quantity);
            return Ok(format!("{body}{order}{}", paging.sql()));
        }
        if keys.is_empty() {
            return Err(error(
                1062,
                "The TOP N WITH TIES clause is not allowed without a corresponding ORDER BY clause.",
            ));
        }
        if distinct {
            return Err(unsupported("TOP WITH TIES with DISTINCT"));
        }
        let names: Vec<String> = (0..list.len()).map(|i| format!("r{i}")).collect();
        Ok(format!(
            "SELECT {} FROM (SELECT {}, RANK() OVER (ORDER BY {}) AS place{from}{filter}) WHERE place <= {quantity} ORDER BY place",
            names.join(", "),
            list.join(", "),
            keys.join(", ")
        ))
    }

    fn items(&mut self, projection: &[SelectItem]) -> Result<Vec<Item>> {
        let mut items = Vec::with_capacity(projection.len());
        for item in projection {
            match item {
                SelectItem::UnnamedExpr(e) => {
                    let typed = self.expr(e)?;
                    items.push(Item {
                        name: own_name(e),
                        typed,
                    });
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let typed = self.expr(expr)?;
                    items.push(Item {
                        name: alias.value.clone(),
                        typed,
                    });
                }
                SelectItem::Wildcard(_) => self.star(&[], &mut items)?,
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    _,
                ) => {
                    let idents = parts(name)?;
                    let names: Vec<&str> = idents.iter().map(|i| i.value.as_str()).collect();
                    self.star(&names, &mut items)?;
                }
                other => return Err(syntax(other)),
            }
        }
        Ok(items)
    }

    fn star(&mut self, qualifier: &[&str], items: &mut Vec<Item>) -> Result<()> {
        let scope = self.scopes.last();
        let sources: Vec<_> = scope
            .into_iter()
            .flat_map(|s| &s.sources)
            .filter(|s| s.answers(qualifier))
            .cloned()
            .collect();
        if sources.is_empty() {
            return Err(match qualifier {
                [] => error(263, "Must specify table to select from."),
                names => error(
                    107,
                    format!(
                        "The column prefix '{}' does not match with a table name or alias name used in the query.",
                        names.join(".")
                    ),
                ),
            });
        }
        for source in sources {
            for column in source.columns {
                let typed = match self.scopes.last().and_then(|s| s.group.as_ref()) {
                    None => column.typed,
                    Some(_) => self.column(&[&source.alias], &column.name)?,
                };
                items.push(Item {
                    name: column.name,
                    typed,
                });
            }
        }
        Ok(())
    }

    /// A key of ORDER BY: an alias, a position, or any expression.
    fn order_key(&mut self, order: &OrderByExpr, items: &[Item], distinct: bool) -> Result<String> {
        let (expr, collation) = match &order.expr {
            Expr::Collate { expr, .. } => (expr.as_ref(), true),
            other => (other, false),
        };
        let index = match expr {
            Expr::Identifier(ident) => alias_position(ident, items)?,
            Expr::Value(v) if matches!(v.value, sqlparser::ast::Value::Number(..)) => {
                position(&v.value.to_string(), items.len())?
            }
            _ => None,
        };
        let (key, sql_type) = match index.and_then(|i| items.get(i).map(|item| (i, item))) {
            Some((_, item)) if !distinct && !collation => (item.typed.key(), item.typed.sql_type),
            Some((i, item)) if !collation => {
                // DISTINCT sorts its output: SQLite takes the position.
                let by = Typed {
                    sql: (i + 1).to_string(),
                    ..item.typed.clone()
                };
                (
                    if types::is_text(by.sql_type) {
                        by.key()
                    } else {
                        by.sql
                    },
                    item.typed.sql_type,
                )
            }
            _ => {
                let typed = self.expr(&order.expr)?;
                if distinct && !items.iter().any(|i| i.typed.sql == typed.sql) {
                    return Err(error(
                        145,
                        "ORDER BY items must appear in the select list if SELECT DISTINCT is specified.",
                    ));
                }
                // A bare number would be a position to SQLite.
                let key = typed.key();
                (
                    if typed.constant.is_some() {
                        format!("(0 + {key})")
                    } else {
                        key
                    },
                    typed.sql_type,
                )
            }
        };
        if matches!(sql_type, SqlType::Variant | SqlType::Udt(_) | SqlType::Xml) {
            return Err(unsupported(format_args!(
                "ORDER BY {}",
                types::base_name(sql_type)
            )));
        }
        Ok(format!("{key}{}", direction(order)))
    }
}

fn alias_position(ident: &Ident, items: &[Item]) -> Result<Option<usize>> {
    let mut hits = items
        .iter()
        .enumerate()
        .filter(|(_, i)| same(&i.name, &ident.value));
    let first = hits.next();
    match (first, hits.next()) {
        (Some((_, a)), Some((_, b))) if a.typed.sql != b.typed.sql => Err(error(
            209,
            format!("Ambiguous column name '{}'.", ident.value),
        )),
        (first, _) => Ok(first.map(|(i, _)| i)),
    }
}

fn recursive_types_agree(a: SqlType, b: SqlType) -> bool {
    a == b
        || (types::is_text(a) && types::is_text(b))
        || (types::is_integer(a) && types::is_integer(b))
}

/// A column keeps its name as the statement writes it; expressions have none.
fn own_name(e: &Expr) -> String {
    match e {
        Expr::Identifier(ident) if !ident.value.starts_with('@') => ident.value.clone(),
        Expr::CompoundIdentifier(idents) => {
            idents.last().map(|i| i.value.clone()).unwrap_or_default()
        }
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => own_name(inner),
        _ => String::new(),
    }
}
