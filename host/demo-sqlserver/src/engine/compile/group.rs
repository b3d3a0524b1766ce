//! GROUP BY: the keys and aggregates become an inner query, over which the list,
//! HAVING, ORDER BY and windows are plain expressions. ROLLUP, CUBE and GROUPING
//! SETS are a UNION ALL of such inner queries.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Function, GroupByExpr, GroupByWithModifier, OrderByExpr, Select, SelectItem, Visit,
    Visitor,
};

use super::{Compiler, Typed};
use crate::engine::error::{Result, error, unsupported};
use crate::value::SqlType;

/// The grouping of the innermost query while its list is compiled.
#[derive(Debug, Default)]
pub(super) struct Group {
    alias: String,
    /// Source of each key in the inner query, and its column outside.
    keys: Vec<(Typed, Typed)>,
    /// Source of each aggregate in the inner query, and its column outside.
    aggregates: Vec<(String, Typed)>,
    /// Which keys each grouping set has.
    sets: Vec<Vec<usize>>,
}

/// Says that the query is grouped.
#[derive(Debug)]
pub(super) struct Grouping {
    one_row: bool,
}

impl Grouping {
    pub(super) fn always_one_row(&self) -> bool {
        self.one_row
    }
}

impl Group {
    /// The outer column of an inner expression that is a key.
    pub(super) fn key(&self, sql: &str) -> Option<Typed> {
        self.keys
            .iter()
            .find(|(inner, _)| inner.sql == sql)
            .map(|(_, outer)| outer.clone())
    }
}

impl Compiler<'_> {
    /// Switches the scope to grouped, if the query is.
    pub(super) fn begin_group(
        &mut self,
        select: &Select,
        order: &[OrderByExpr],
    ) -> Result<Option<Grouping>> {
        let (list, modifiers) = match &select.group_by {
            GroupByExpr::Expressions(list, modifiers) => (list.as_slice(), modifiers.as_slice()),
            GroupByExpr::All(_) => return Err(unsupported("GROUP BY ALL")),
        };
        let grouped = !list.is_empty() || select.having.is_some() || has_aggregate(select, order);
        if !grouped {
            return Ok(None);
        }
        let mut keys: Vec<Typed> = Vec::new();
        let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
        for item in list {
            let choices = self.grouping_sets(item, &mut keys)?;
            sets = sets
                .iter()
                .flat_map(|s| {
                    choices
                        .iter()
                        .map(move |c| s.iter().chain(c).copied().collect())
                })
                .collect();
        }
        for modifier in modifiers {
            let all = sets.first().cloned().unwrap_or_default();
            sets = match modifier {
                GroupByWithModifier::Rollup => (0..=all.len())
                    .rev()
                    .filter_map(|n| all.get(..n).map(<[usize]>::to_vec))
                    .collect(),
                GroupByWithModifier::Cube => {
                    subsets(&all.into_iter().map(|k| vec![k]).collect::<Vec<_>>())
                }
                _ => return Err(unsupported("this GROUP BY modifier")),
            };
        }
        let alias = self.unique("g");
        let partial = sets.len() > 1;
        let keys = keys
            .into_iter()
            .enumerate()
            .map(|(i, inner)| {
                let outer = Typed {
                    nullable: inner.nullable || partial,
                    constant: None,
                    ..Typed {
                        sql: format!("{alias}.k{i}"),
                        ..inner.clone()
                    }
                };
                (inner, outer)
            })
            .collect();
        let one_row = list.is_empty();
        if let Some(scope) = self.scopes.last_mut() {
            scope.group = Some(Group {
                alias,
                keys,
                aggregates: Vec::new(),
                sets,
            });
        }
        Ok(Some(Grouping { one_row }))
    }

    /// The inner query, in parentheses with its alias. The scope is plain again.
    pub(super) fn end_group(&mut self, _: Grouping, from: &str, filter: &str) -> String {
        let group = self
            .scopes
            .last_mut()
            .and_then(|s| s.group.take())
            .unwrap_or_default();
        let selects: Vec<String> = group
            .sets
            .iter()
            .map(|set| {
                let mut items: Vec<String> = Vec::new();
                for (i, (key, _)) in group.keys.iter().enumerate() {
                    let inside = set.contains(&i);
                    items.push(format!(
                        "{} AS k{i}",
                        if inside { key.sql.as_str() } else { "NULL" }
                    ));
                    items.push(format!("{} AS f{i}", u8::from(!inside)));
                }
                items.extend(
                    group
                        .aggregates
                        .iter()
                        .enumerate()
                        .map(|(i, (sql, _))| format!("{sql} AS a{i}")),
                );
                if items.is_empty() {
                    items.push("COUNT(*) AS n".into());
                }
                let by: Vec<String> = set
                    .iter()
                    .filter_map(|i| group.keys.get(*i).map(|(key, _)| key.key()))
                    .collect();
                // Without keys an aggregate must be there for one row to come.
                let by = if by.is_empty() {
                    " HAVING COUNT(*) >= 0".to_owned()
                } else {
                    format!(" GROUP BY {}", by.join(", "))
                };
                format!("SELECT {}{from}{filter}{by}", items.join(", "))
            })
            .collect();
        format!("({}) AS {}", selects.join(" UNION ALL "), group.alias)
    }

    /// In a grouped query: the column of the whole expression, if it is a key.
    pub(super) fn grouped_match(&mut self, e: &Expr) -> Result<Option<Typed>> {
        if matches!(e, Expr::Value(_) | Expr::Nested(_)) {
            return Ok(None);
        }
        let Some(group) = self
            .scopes
            .last_mut()
            .and_then(|s| s.group.take_if(|g| !g.keys.is_empty()))
        else {
            return Ok(None);
        };
        let next = self.next;
        let plain = self.expr(e);
        self.next = next;
        let found = plain.ok().and_then(|p| group.key(&p.sql));
        if let Some(scope) = self.scopes.last_mut() {
            scope.group = Some(group);
        }
        Ok(found)
    }

    /// Runs `work` as the inner query sees it: in an aggregate's arguments.
    pub(super) fn ungrouped<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let group = self.scopes.last_mut().and_then(|s| s.group.take());
        let result = work(self);
        if let Some(scope) = self.scopes.last_mut() {
            scope.group = group;
        }
        result
    }

    /// Adds an aggregate to the inner query and gives its column outside.
    pub(super) fn add_aggregate(&mut self, inner: Typed) -> Result<Typed> {
        let Some(group) = self.scopes.last_mut().and_then(|s| s.group.as_mut()) else {
            return Err(error(
                147,
                "An aggregate may not appear in the WHERE clause unless it is in a subquery contained in a HAVING clause or a select list, and the column being aggregated is an outer reference.",
            ));
        };
        if let Some((_, outer)) = group.aggregates.iter().find(|(sql, _)| *sql == inner.sql) {
            return Ok(outer.clone());
        }
        let outer = Typed {
            sql: format!("{}.a{}", group.alias, group.aggregates.len()),
            constant: None,
            ..inner.clone()
        };
        group.aggregates.push((inner.sql, outer.clone()));
        Ok(outer)
    }

    /// GROUPING(key) and GROUPING_ID(key, …)
    pub(super) fn grouping(&mut self, arguments: &[&Expr]) -> Result<Typed> {
        let compiled = self.ungrouped(|c| {
            arguments
                .iter()
                .map(|a| c.expr(a))
                .collect::<Result<Vec<_>>>()
        })?;
        let group = self.scopes.last().and_then(|s| s.group.as_ref());
        let flags = compiled
            .iter()
            .map(|key| {
                let index = group.and_then(|g| g.keys.iter().position(|(inner, _)| inner.sql == key.sql).map(|i| format!("{}.f{i}", g.alias)));
                index.ok_or_else(|| error(8161, "Argument 1 of the GROUPING function does not match any of the expressions in the GROUP BY clause."))
            })
            .collect::<Result<Vec<_>>>()?;
        let sql = flags
            .into_iter()
            .reduce(|sum, flag| format!("({sum} * 2 + {flag})"))
            .unwrap_or_default();
        Ok(Typed::new(
            sql,
            if compiled.len() == 1 {
                SqlType::TinyInt
            } else {
                SqlType::Int
            },
            false,
        ))
    }

    /// The sets that one item of GROUP BY stands for, as key positions.
    fn grouping_sets(&mut self, item: &Expr, keys: &mut Vec<Typed>) -> Result<Vec<Vec<usize>>> {
        match item {
            Expr::Rollup(lists) => {
                let units = self.units(lists, keys)?;
                Ok((0..=units.len())
                    .rev()
                    .filter_map(|n| units.get(..n).map(<[Vec<usize>]>::concat))
                    .collect())
            }
            Expr::Cube(lists) => {
                if lists.len() > 8 {
                    return Err(unsupported("CUBE over more than eight columns"));
                }
                let units = self.units(lists, keys)?;
                Ok(subsets(&units))
            }
            Expr::GroupingSets(lists) => self.units(lists, keys),
            Expr::Tuple(list) if list.is_empty() => Ok(vec![Vec::new()]),
            Expr::Tuple(list) => Ok(vec![self.units(std::slice::from_ref(list), keys)?.concat()]),
            other => Ok(vec![vec![self.group_key(other, keys)?]]),
        }
    }

    fn units(&mut self, lists: &[Vec<Expr>], keys: &mut Vec<Typed>) -> Result<Vec<Vec<usize>>> {
        lists
            .iter()
            .map(|list| {
                let mut unit = Vec::new();
                for e in list {
                    match e {
                        Expr::Tuple(inner) => {
                            for e in inner {
                                unit.push(self.group_key(e, keys)?);
                            }
                        }
                        e => unit.push(self.group_key(e, keys)?),
                    }
                }
                Ok(unit)
            })
            .collect()
    }

    fn group_key(&mut self, e: &Expr, keys: &mut Vec<Typed>) -> Result<usize> {
        let key = self.expr(e)?;
        if key.constant.is_some() {
            return Err(error(
                164,
                "Each GROUP BY expression must contain at least one column that is not an outer reference.",
            ));
        }
        if matches!(
            key.sql_type,
            SqlType::Variant
                | SqlType::Xml
                | SqlType::Text
                | SqlType::NText
                | SqlType::Image
                | SqlType::Udt(_)
        ) {
            return Err(error(
                306,
                "The text, ntext, and image data types cannot be compared or sorted, except when using IS NULL or LIKE operator.",
            ));
        }
        Ok(match keys.iter().position(|k| k.sql == key.sql) {
            Some(known) => known,
            None => {
                keys.push(key);
                keys.len() - 1
            }
        })
    }
}

fn subsets(units: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
    for unit in units {
        let with: Vec<Vec<usize>> = sets
            .iter()
            .map(|s| s.iter().chain(unit).copied().collect())
            .collect();
        sets = with.into_iter().chain(sets).collect();
    }
    sets
}

/// Whether the list or ORDER BY holds an aggregate of this query.
fn has_aggregate(select: &Select, order: &[OrderByExpr]) -> bool {
    let list = select.projection.iter().filter_map(|item| match item {
        SelectItem::UnnamedExpr(e) | SelectItem::ExprWithAlias { expr: e, .. } => Some(e),
        _ => None,
    });
    list.chain(order.iter().map(|o| &o.expr)).any(|e| {
        let mut search = Search { queries: 0 };
        e.visit(&mut search).is_break()
    })
}

struct Search {
    /// Subqueries around the current place: their aggregates are theirs.
    queries: usize,
}

impl Visitor for Search {
    type Break = ();

    fn pre_visit_query(&mut self, _: &sqlparser::ast::Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &sqlparser::ast::Query) -> ControlFlow<()> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, e: &Expr) -> ControlFlow<()> {
        match e {
            Expr::Function(f) if self.queries == 0 && is_aggregate(f) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

fn is_aggregate(function: &Function) -> bool {
    function.over.is_none() && super::aggregate::is_name(&function.name.to_string())
}
