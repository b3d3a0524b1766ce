//! Conditions: WHERE, HAVING, ON, WHEN. Unknown is SQLite's NULL.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use super::{Compiler, Typed};
use crate::engine::error::{Result, error, unsupported};
use crate::engine::{collation, types};
use crate::value::{Length, SqlType};

impl Compiler<'_> {
    /// Compiles a condition.
    pub(crate) fn predicate(&mut self, e: &Expr) -> Result<String> {
        self.deeper(|c| c.predicate_inner(e))
    }

    fn predicate_inner(&mut self, e: &Expr) -> Result<String> {
        match e {
            Expr::Nested(inner) => self.predicate(inner),
            Expr::BinaryOp {
                op: op @ (BinaryOperator::And | BinaryOperator::Or),
                ..
            } => self.chain(e, op),
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            } => Ok(format!("(NOT {})", self.predicate(expr)?)),
            Expr::BinaryOp { left, op, right } => {
                let op = match op {
                    BinaryOperator::Eq => "=",
                    BinaryOperator::NotEq => "<>",
                    BinaryOperator::Lt => "<",
                    BinaryOperator::LtEq => "<=",
                    BinaryOperator::Gt => ">",
                    BinaryOperator::GtEq => ">=",
                    _ => return Err(not_condition(e)),
                };
                let (a, b) = (self.expr(left)?, self.expr(right)?);
                self.compare(a, op, b)
            }
            Expr::IsNull(inner) => Ok(format!("({} IS NULL)", self.expr(inner)?.sql)),
            Expr::IsNotNull(inner) => Ok(format!("({} IS NOT NULL)", self.expr(inner)?.sql)),
            Expr::IsDistinctFrom(a, b) | Expr::IsNotDistinctFrom(a, b) => {
                let op = if matches!(e, Expr::IsDistinctFrom(..)) {
                    "IS NOT"
                } else {
                    "IS"
                };
                let (a, b) = (self.expr(a)?, self.expr(b)?);
                self.compare(a, op, b)
            }
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => {
                let (value, low, high) = (self.expr(expr)?, self.expr(low)?, self.expr(high)?);
                let above = self.compare(value.clone(), ">=", low)?;
                let below = self.compare(value, "<=", high)?;
                Ok(negate(format!("({above} AND {below})"), *negated))
            }
            Expr::InList {
                expr,
                list,
                negated,
            } => {
                let value = self.expr(expr)?;
                let items = list
                    .iter()
                    .map(|i| self.expr(i))
                    .collect::<Result<Vec<_>>>()?;
                self.in_list(&value, items, *negated)
            }
            Expr::InSubquery {
                expr,
                subquery,
                negated,
            } => {
                let value = self.expr(expr)?;
                let compiled = self.query(subquery)?;
                let [column] = compiled.columns.as_slice() else {
                    return Err(error(
                        116,
                        "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.",
                    ));
                };
                let name = self.unique("q");
                let item = Typed::new(format!("{name}.r0"), column.sql_type, true);
                let (value, item) = self.comparable(value, item)?;
                Ok(negate(
                    format!(
                        "({} IN (SELECT {} FROM ({}) AS {name}))",
                        value.key(),
                        item.key(),
                        compiled.sql
                    ),
                    *negated,
                ))
            }
            Expr::Exists { subquery, negated } => Ok(negate(
                format!("EXISTS ({})", self.query(subquery)?.sql),
                *negated,
            )),
            Expr::Like {
                negated,
                expr,
                pattern,
                escape_char,
                ..
            } => {
                let (value, pattern) = (self.expr(expr)?, self.expr(pattern)?);
                let escape = match escape_char {
                    Some(e) => self.expr(e)?.sql,
                    None => "NULL".into(),
                };
                let collation = value
                    .collation
                    .or(pattern.collation)
                    .unwrap_or(collation::DEFAULT);
                let text = SqlType::NVarChar(Length::Max);
                let (value, pattern) = (self.as_text(value, text)?, self.as_text(pattern, text)?);
                Ok(negate(
                    format!(
                        "t_like({}, {}, {escape}, '{collation}')",
                        value.sql, pattern.sql
                    ),
                    *negated,
                ))
            }
            Expr::AnyOp {
                left,
                compare_op,
                right,
                ..
            } => self.quantified(left, compare_op, right, true),
            Expr::AllOp {
                left,
                compare_op,
                right,
            } => self.quantified(left, compare_op, right, false),
            other => Err(not_condition(other)),
        }
    }

    /// AND and OR chains may be long: they are walked, not recursed into.
    fn chain(&mut self, e: &Expr, op: &BinaryOperator) -> Result<String> {
        let mut operands = Vec::new();
        let mut rest = e;
        while let Expr::BinaryOp {
            left,
            op: this,
            right,
        } = rest
        {
            if this != op {
                break;
            }
            operands.push(right.as_ref());
            rest = left;
        }
        operands.push(rest);
        let word = if *op == BinaryOperator::And {
            " AND "
        } else {
            " OR "
        };
        let compiled = operands
            .into_iter()
            .rev()
            .map(|o| self.predicate(o))
            .collect::<Result<Vec<_>>>()?;
        Ok(format!("({})", balanced(&compiled, word)))
    }

    fn in_list(&mut self, value: &Typed, items: Vec<Typed>, negated: bool) -> Result<String> {
        // One representation for all keeps the list a list, which SQLite indexes.
        let all: Vec<Typed> = std::iter::once(value.clone())
            .chain(items.iter().cloned())
            .collect();
        let common = self.common_type(&all)?;
        let uniform = !matches!(
            common,
            SqlType::Decimal { .. } | SqlType::DateTimeOffset(_) | SqlType::Variant | SqlType::Xml
        );
        if uniform && items.iter().all(|i| i.collation.is_none()) {
            let (mut keys, mut left) = (Vec::with_capacity(items.len()), None);
            for item in items {
                let item = self.cast(item, common);
                let (a, b) = self.comparable(self.cast(value.clone(), common), item)?;
                left = Some(a.key());
                keys.push(b.sql);
            }
            return Ok(negate(
                format!("({} IN ({}))", left.unwrap_or_default(), keys.join(", ")),
                negated,
            ));
        }
        let tests = items
            .into_iter()
            .map(|item| self.compare(value.clone(), "=", item))
            .collect::<Result<Vec<_>>>()?;
        Ok(negate(format!("({})", balanced(&tests, " OR ")), negated))
    }

    /// `x > ALL (SELECT …)`, `x = ANY (SELECT …)`
    fn quantified(
        &mut self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        any: bool,
    ) -> Result<String> {
        let Expr::Subquery(subquery) = right else {
            return Err(unsupported("ANY and ALL over a list"));
        };
        let value = self.expr(left)?;
        let compiled = self.query(subquery)?;
        let [column] = compiled.columns.as_slice() else {
            return Err(error(
                116,
                "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.",
            ));
        };
        let name = self.unique("q");
        let test = self.compare(
            value,
            &op.to_string(),
            Typed::new(format!("{name}.r0"), column.sql_type, true),
        )?;
        // True if one is, false if all are, unknown else: MAX over 1, 0, NULL with NULL told apart.
        let fold = if any {
            format!(
                "CASE WHEN COUNT(CASE WHEN {test} THEN 1 END) > 0 THEN 1 WHEN COUNT({test}) < COUNT(*) THEN NULL ELSE 0 END"
            )
        } else {
            format!(
                "CASE WHEN COUNT(CASE WHEN NOT {test} THEN 1 END) > 0 THEN 0 WHEN COUNT({test}) < COUNT(*) THEN NULL ELSE 1 END"
            )
        };
        Ok(format!("(SELECT {fold} FROM ({}) AS {name})", compiled.sql))
    }

    pub(super) fn as_text(&mut self, value: Typed, to: SqlType) -> Result<Typed> {
        if types::is_text(value.sql_type) {
            return Ok(value);
        }
        if types::is_binary(value.sql_type) || matches!(value.sql_type, SqlType::Udt(_)) {
            return Err(error(
                8116,
                format!(
                    "Argument data type {} is invalid for argument 1 of this function.",
                    types::base_name(value.sql_type)
                ),
            ));
        }
        let unicode = types::text_shape(to).0;
        let to = types::text_type(unicode, types::text_shape(value.sql_type).1.map(u32::from));
        Ok(self.cast(value, to))
    }
}

/// Joins conditions as a balanced tree: SQLite bounds the depth of expressions.
fn balanced(items: &[String], word: &str) -> String {
    if items.len() <= 8 {
        return items.join(word);
    }
    let (left, right) = items.split_at(items.len() / 2);
    format!(
        "({}){word}({})",
        balanced(left, word),
        balanced(right, word)
    )
}

fn negate(sql: String, negated: bool) -> String {
    if negated { format!("(NOT {sql})") } else { sql }
}

fn not_condition(e: &Expr) -> crate::value::SqlError {
    if let Expr::Function(function) = e
        && ["CONTAINS", "FREETEXT"].iter().any(|name| function.name.to_string().eq_ignore_ascii_case(name))
    {
        return unsupported("full-text search");
    }
    let text: String = e.to_string().chars().take(60).collect();
    error(
        4145,
        format!(
            "An expression of non-boolean type specified in a context where a condition is expected, near '{text}'."
        ),
    )
}
